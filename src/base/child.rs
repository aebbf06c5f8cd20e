//! Programs that run beside the relay: how they get signals, and how they end.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;
use tokio::process::Child;
use tokio::time::timeout;

/// How long a killed process may take to be gone: one in the kernel's hands is not waited for.
const KILLED: Duration = Duration::from_secs(1);

/// What became of a program that was to end.
#[derive(Debug)]
pub enum Farewell {
    Ended(ExitStatus),
    /// It cannot be waited for.
    Lost(io::Error),
    /// It took too long.
    Killed,
    /// It took too long, and is left to itself.
    Left,
}

impl Farewell {
    /// What there is to say of it: nothing if it ended well, or of a signal that it was sent.
    #[must_use]
    pub fn complaint(&self, signalled: bool) -> Option<String> {
        match self {
            Self::Ended(status) if status.success() || signalled => None,
            Self::Ended(status) => Some(format!("ended with {status}")),
            Self::Lost(error) => Some(format!("cannot be waited for: {error}")),
            Self::Killed => Some("did not end in time, and was killed".to_owned()),
            Self::Left => Some("did not end in time, and is left to itself".to_owned()),
        }
    }
}

/// Sends a signal, if there is still somebody to get it: it may be gone in this instant.
pub fn signal(process: &Child, signal: Signal) {
    if let Some(pid) = process.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)) {
        kill_process(pid, signal).ok();
    }
}

/// Waits for the end of a program that was asked to end. One that takes longer than `patience` is
/// killed, or left to itself.
pub async fn farewell(process: &mut Child, patience: Duration, kill: bool) -> Farewell {
    match timeout(patience, process.wait()).await {
        Ok(Ok(status)) => Farewell::Ended(status),
        Ok(Err(error)) => Farewell::Lost(error),
        Err(_) if kill => {
            process.start_kill().ok();
            timeout(KILLED, process.wait()).await.ok();
            Farewell::Killed
        }
        Err(_) => Farewell::Left,
    }
}
