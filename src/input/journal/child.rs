//! journalctl as a child process.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process;
use tokio::process::ChildStderr;
use tokio::process::ChildStdout;
use tokio::process::Command;
use tokio::time::timeout;

use crate::input::journal::export::Export;

/// Found by the search path.
const PROGRAM: &str = "journalctl";
/// Bytes of its complaints that are kept.
const COMPLAINT_BYTES_MAX: u64 = 512;
/// How long it may take to end, and to say where the journal ends.
const ENDING: Duration = Duration::from_secs(1);
const ANSWERING: Duration = Duration::from_secs(60);

/// Where reading begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    Oldest,
    Behind(String),
}

/// A journalctl that runs.
#[derive(Debug)]
pub(super) struct Child {
    process: process::Child,
    output: ChildStdout,
    complaints: ChildStderr,
}

impl Child {
    /// Lets it write all entries from there on, and those that come.
    pub(super) fn follow(remote: bool, begin: &Begin) -> io::Result<Self> {
        let mut command = command(remote);
        command.args(["--follow", "--no-tail"]);
        if let Begin::Behind(cursor) = begin {
            command.arg(format!("--after-cursor={cursor}"));
        }
        Self::start(command)
    }

    fn start(mut command: Command) -> io::Result<Self> {
        let mut process = command.spawn()?;
        let output = process.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let complaints = process.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Self { process, output, complaints })
    }

    /// Reads what it has written; nothing once it has ended.
    pub(super) async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.output.read(buffer).await
    }

    /// Ends it.
    pub(super) async fn end(mut self) {
        // It may be gone already.
        self.process.start_kill().ok();
        timeout(ENDING, self.process.wait()).await.ok();
    }

    /// Why it has ended by itself, in its own words if it left any.
    pub(super) async fn verdict(mut self) -> String {
        let mut said = Vec::new();
        let mut complaints = self.complaints.take(COMPLAINT_BYTES_MAX);
        timeout(ENDING, complaints.read_to_end(&mut said)).await.ok();
        let status = timeout(ENDING, self.process.wait()).await;
        self.process.start_kill().ok();
        let said = String::from_utf8_lossy(&said);
        match (said.lines().find(|line| !line.trim().is_empty()), status) {
            (Some(line), _) => line.trim().to_owned(),
            (None, Ok(Ok(status))) => format!("it ended with {status}"),
            (None, _) => "it closed its output".to_owned(),
        }
    }
}

/// The cursor of the journal's last entry; none if the journal is empty.
pub(super) async fn last(remote: bool) -> io::Result<Option<String>> {
    let mut command = command(remote);
    command.arg("--lines=1");
    let mut child = Child::start(command)?;
    let asking = async {
        let (mut export, mut buffer) = (Export::default(), vec![0; 64 << 10]);
        let mut cursor = None;
        loop {
            let read = child.read(&mut buffer).await?;
            let mut rest = &buffer[..read];
            while !rest.is_empty() {
                let (taken, complete) =
                    export.take(rest).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
                rest = &rest[taken..];
                if complete {
                    cursor = Some(String::from_utf8_lossy(&export.entry().cursor).into_owned());
                }
            }
            if read == 0 {
                return Ok(cursor);
            }
        }
    };
    let answer = timeout(ANSWERING, asking).await;
    child.end().await;
    answer.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

fn command(remote: bool) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(["--output=export", "--quiet", "--no-pager"]);
    if remote {
        command.arg("--merge");
    }
    // What it complains of is to be understood, here as well.
    command.env("LC_ALL", "C");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true);
    command
}
