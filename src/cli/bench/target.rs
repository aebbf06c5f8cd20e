//! The relay under test: a command that is started, or a process that runs already.

use std::ffi::OsString;
use std::io::stderr;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;

use crate::base::clock::monotonic;
use crate::cli::bench::error::BenchError;
use crate::cli::bench::procstat;
use crate::cli::bench::procstat::Usage;
use crate::cli::bench::time::pause;

/// How long a command may take to answer on its port.
const READY: Duration = Duration::from_secs(30);
/// How long it may take to end after SIGTERM.
const END: Duration = Duration::from_secs(5);
/// Between two looks at it.
const LOOK: Duration = Duration::from_millis(20);
/// What a relay may do after its port answers and before it is measured.
const SETTLE: Duration = Duration::from_millis(200);

/// When a command counts as ready.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ready {
    /// Once this address takes a TCP connection.
    Answers(SocketAddr),
    After(Duration),
}

/// The relay. One that was started here ends with this value.
#[derive(Debug)]
pub(super) struct Target {
    child: Option<Child>,
    pid: Option<u32>,
}

impl Target {
    /// A relay that runs already, known by its process or not at all.
    pub(super) const fn running(pid: Option<u32>) -> Self {
        Self { child: None, pid }
    }

    /// Starts `command` and waits until it is ready.
    ///
    /// # Errors
    /// When it does not start, ends at once, or does not get ready.
    pub(super) fn start(
        command: &[OsString],
        ready: Ready,
        show_output: bool,
    ) -> Result<Self, BenchError> {
        let Some((program, arguments)) = command.split_first() else {
            return Err(BenchError::Usage("no command".to_owned()));
        };
        if let Ready::Answers(address) = ready
            && answers(address)
        {
            let text = format!("{address}: something else listens there already");
            return Err(BenchError::Usage(text));
        }
        // Standard output is the report's.
        let output = || if show_output { stderr().into() } else { Stdio::null() };
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(output())
            .stderr(output())
            .spawn()
            .map_err(|source| BenchError::io(program.display(), source))?;
        let mut target = Self { pid: Some(child.id()), child: Some(child) };
        target.wait_until_ready(ready)?;
        Ok(target)
    }

    fn wait_until_ready(&mut self, ready: Ready) -> Result<(), BenchError> {
        let started = monotonic();
        loop {
            pause(LOOK);
            self.check()?;
            match ready {
                Ready::After(time) if started.elapsed() >= time => return Ok(()),
                Ready::Answers(address) if answers(address) => break,
                Ready::Answers(address) if started.elapsed() >= READY => {
                    let text = format!("the relay does not answer on {address}");
                    return Err(BenchError::Relay(text));
                }
                Ready::After(_) | Ready::Answers(_) => {}
            }
        }
        pause(SETTLE);
        self.check()
    }

    /// # Errors
    /// When the command has ended.
    pub(super) fn check(&mut self) -> Result<(), BenchError> {
        let Some(child) = &mut self.child else { return Ok(()) };
        match child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(BenchError::Relay(format!(
                "the relay has ended ({status}); --show-output shows what it says"
            ))),
            Err(source) => Err(BenchError::io("cannot wait for the relay", source)),
        }
    }

    /// What it has used up to now, if its process is known.
    pub(super) fn usage(&self) -> Option<Usage> {
        procstat::usage(self.pid?)
    }

    fn signal(&self, signal: Signal) {
        for pid in self.pid.map(procstat::descendants).unwrap_or_default() {
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                // Fails for one that has just ended.
                kill_process(pid, signal).unwrap_or_default();
            }
        }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // One that has ended may have left its number to another process.
        if self.child.is_none() || self.check().is_err() {
            return;
        }
        self.signal(Signal::TERM);
        let until = monotonic() + END;
        while self.check().is_ok() {
            if monotonic() >= until {
                self.signal(Signal::KILL);
            }
            pause(LOOK);
        }
    }
}

fn answers(address: SocketAddr) -> bool {
    TcpStream::connect_timeout(&address, LOOK * 10).is_ok()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn words(command: &[&str]) -> Vec<OsString> {
        command.iter().map(OsString::from).collect()
    }

    #[test]
    fn a_command_is_watched_and_ended_with_its_children() {
        let ready = Ready::After(Duration::from_millis(500));
        let command = words(&["sh", "-c", "sleep 60; true"]);
        let target = Target::start(&command, ready, false).unwrap();
        let family = procstat::descendants(target.pid.unwrap());
        assert_eq!(family.len(), 2);
        assert!(target.usage().unwrap().peak_rss > 0);
        drop(target);
        for pid in family {
            // A child that nobody waits for any more may be left as a zombie: no memory.
            assert_eq!(procstat::usage(pid).map_or(0, |usage| usage.peak_rss), 0);
        }
    }

    #[test]
    fn commands_that_do_not_get_ready_are_errors() {
        let ready = Ready::After(Duration::from_secs(10));
        let ended = Target::start(&words(&["false"]), ready, false).unwrap_err();
        assert!(ended.to_string().contains("exit status: 1"), "{ended}");
        let missing = Target::start(&words(&["/nonexistent"]), ready, false).unwrap_err();
        assert!(missing.to_string().starts_with("/nonexistent: "), "{missing}");
        let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let ready = Ready::Answers(taken.local_addr().unwrap());
        assert!(Target::start(&words(&["sleep", "9"]), ready, false).is_err());
    }
}
