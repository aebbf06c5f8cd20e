//! `rotation.sizeLimit`: a file that has grown to its limit is closed, and a program makes room
//! (`rotation.sizeLimitCommand`, the fourth field of `$outchannel`).

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::time::Duration;

use crate::base::clock;

/// How long the program may take; compressing a large file takes minutes. Then it is ended.
const PATIENCE: Duration = Duration::from_secs(600);
/// The time between two looks at whether it has ended, at first and at most.
const LOOK: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(100));

/// When a file is rotated, and by what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Bytes; never 0.
    pub limit: u64,
    /// The program, and behind a blank its one argument, blanks and all.
    pub command: Option<String>,
}

impl Rotation {
    /// Has the closed file `name` rotated, unless that was done meanwhile.
    ///
    /// # Errors
    /// Why the file is not below its limit now.
    pub(super) fn run(&self, name: &[u8]) -> Result<(), String> {
        let limit = self.limit;
        if !self.is_over(name) {
            return Ok(());
        }
        let command = self.command.as_deref().map(str::trim).filter(|command| !command.is_empty());
        let Some(command) = command else {
            return Err(format!(
                "it has reached its limit of {limit} bytes, and there is no \
                 rotation.sizeLimitCommand"
            ));
        };
        let status = execute(command)?;
        if !self.is_over(name) {
            return Ok(());
        }
        Err(format!("'{command}' ({status}) left it at its limit of {limit} bytes or more"))
    }

    fn is_over(&self, name: &[u8]) -> bool {
        let path = Path::new(OsStr::from_bytes(name));
        fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() >= self.limit)
    }
}

/// Runs the program without a shell, as rsyslogd does.
fn execute(command: &str) -> Result<ExitStatus, String> {
    let (program, argument) = match command.split_once(' ') {
        Some((program, argument)) => (program, Some(argument)),
        None => (command, None),
    };
    let child = Command::new(program)
        .args(argument)
        .stdin(Stdio::null())
        .spawn()
        .map_err(|e| format!("cannot run '{program}', its rotation.sizeLimitCommand: {e}"))?;
    wait(child, program)
}

#[expect(clippy::disallowed_methods, reason = "on the thread that writes, without a runtime")]
fn wait(mut child: Child, program: &str) -> Result<ExitStatus, String> {
    let started = clock::monotonic();
    let mut pause = LOOK.0;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if started.elapsed() < PATIENCE => {}
            Ok(None) => {
                let seconds = PATIENCE.as_secs();
                let ended = child.kill().and_then(|()| child.wait());
                let how = ended.map_or_else(|e| e.to_string(), |status| status.to_string());
                return Err(format!("'{program}' did not end within {seconds} s: {how}"));
            }
            Err(e) => return Err(format!("cannot wait for '{program}': {e}")),
        }
        std::thread::sleep(pause);
        pause = LOOK.1.min(pause * 2);
    }
}
