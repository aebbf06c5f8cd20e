//! The program itself, and what it is told.

use std::convert::Infallible;
use std::io;
use std::process::Stdio;

use rustix::process::Signal;
use tokio::io::AsyncWriteExt as _;
use tokio::process;
use tokio::process::ChildStdin;
use tokio::process::ChildStdout;
use tokio::process::Command;
use tokio::time::Instant;
use tokio::time::timeout_at;

use crate::base::child;
use crate::base::child::Farewell;
use crate::base::num::count;
use crate::input::program::ProgramSpec;

const BEGIN: &[u8] = b"START\n";
const END: &[u8] = b"STOP\n";
/// As many confirmations as one write has, at most.
static TAKEN: [[u8; TAKEN_BYTES]; 256] = [*b"ACK\n"; 256];
const TAKEN_BYTES: usize = 4;

/// A program that runs.
pub(super) struct Child {
    process: process::Child,
    pub(super) output: ChildStdout,
    pub(super) told: Told,
}

/// A program that nobody reads any more. It may have ended.
#[derive(Debug)]
pub(super) struct Remains(process::Child);

impl Remains {
    /// Returns when it has ended.
    pub(super) async fn gone(mut self) {
        // What cannot be waited for is gone for all that we can tell.
        self.0.wait().await.ok();
    }
}

/// What the program has to be told. It may be slow to read that, or not read it at all: what waits
/// is only counted.
#[derive(Debug)]
pub(super) struct Told {
    /// None if it is told nothing, or does not listen any more.
    input: Option<ChildStdin>,
    /// What is left of [`BEGIN`].
    begin: &'static [u8],
    /// Bytes of the confirmations that it has not got yet.
    owed: u64,
}

impl Child {
    /// Starts it. Of our open files it sees none.
    pub(super) fn start(spec: &ProgramSpec) -> io::Result<Self> {
        let mut command = Command::new(&spec.binary);
        let stdin = if spec.confirms { Stdio::piped() } else { Stdio::null() };
        // Its complaints go where those of omprog's programs go; an input that is cut off has no
        // time left for it.
        command.args(&spec.arguments).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.kill_on_drop(spec.kill).spawn()?;
        let output = process.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let told = Told { input: process.stdin.take(), begin: BEGIN, owed: 0 };
        Ok(Self { process, output, told })
    }

    /// Tells it to end, by `deadline`: then it sees the end of its input.
    pub(super) async fn ask_to_end(&mut self, spec: &ProgramSpec, deadline: Instant) {
        // One that does not read hears of it all the same.
        timeout_at(deadline, self.told.stop()).await.ok();
        if spec.signal_on_close {
            child::signal(&self.process, Signal::TERM);
        }
        self.told.input = None;
    }

    /// Reads it no more, and waits for its end until `deadline`; then it is killed, or left to
    /// itself. What is left of it comes back.
    pub(super) async fn farewell(
        self,
        spec: &ProgramSpec,
        deadline: Instant,
    ) -> (Farewell, Remains) {
        let mut process = self.process;
        let patience = deadline.saturating_duration_since(Instant::now());
        let farewell = child::farewell(&mut process, patience, spec.kill).await;
        (farewell, Remains(process))
    }
}

impl Told {
    /// Notes that so many lines were taken.
    pub(super) fn taken(&mut self, lines: u64) {
        if self.input.is_some() {
            self.owed += lines * count(TAKEN_BYTES);
        }
    }

    /// Tells it what it has to be told, as far as it listens; then waits for ever.
    pub(super) async fn tell(&mut self) -> Infallible {
        while self.has_more() {
            self.tell_some().await;
        }
        std::future::pending().await
    }

    fn has_more(&self) -> bool {
        self.input.is_some() && (!self.begin.is_empty() || self.owed > 0)
    }

    /// Cancelled, nothing was written.
    async fn tell_some(&mut self) {
        let Some(input) = &mut self.input else { return };
        let begins = !self.begin.is_empty();
        let written = if begins {
            input.write(self.begin).await
        } else {
            let owed = usize::try_from(self.owed).unwrap_or(usize::MAX);
            // In the middle of a word, if that is where the last write ended.
            let from = (TAKEN_BYTES - owed % TAKEN_BYTES) % TAKEN_BYTES;
            let words = TAKEN.as_flattened();
            input.write(&words[from..words.len().min(from.saturating_add(owed))]).await
        };
        match written {
            Ok(n) if begins => self.begin = &self.begin[n..],
            Ok(n) => self.owed -= count(n),
            // It has closed its input: it does not want to know.
            Err(_) => self.input = None,
        }
    }

    async fn stop(&mut self) {
        while self.has_more() {
            self.tell_some().await;
        }
        if let Some(input) = &mut self.input {
            // It may have closed its input.
            input.write_all(END).await.ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::Duration;

    use tempfile::TempDir;
    use tokio::io::AsyncReadExt as _;

    use super::*;
    use crate::base::diag::Diagnostics;
    use crate::config::ast::StmtKind;
    use crate::config::parse_text;
    use crate::input::lines::LineRules;
    use crate::input::local::Surroundings;
    use crate::input::program::MODULE;

    fn spec(dir: &TempDir, script: &str) -> ProgramSpec {
        let binary = dir.path().join("program");
        fs::write(&binary, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
        let config = parse_text("t", b"input(binary=\"x\" tag=\"t\")");
        let StmtKind::Object(object) = &config.statements[0].kind else { panic!() };
        let mut diags = Diagnostics::default();
        let params = MODULE.check(object, MODULE.instance, &mut diags);
        let rules = LineRules::compile(&params, &Surroundings::default(), &mut diags).unwrap();
        ProgramSpec {
            binary,
            arguments: Vec::new(),
            rules,
            confirms: true,
            signal_on_close: false,
            close_timeout: Duration::from_secs(10),
            kill: true,
        }
    }

    /// More than a pipe takes, to a program that reads late: whole words, and not one too few.
    #[tokio::test]
    async fn confirmations_wait_for_who_reads_late() {
        let dir = TempDir::new().unwrap();
        let spec = spec(&dir, "echo up; sleep 0.3; uniq -c | tr -s ' ' | tr '\\n' ';'");
        let mut child = Child::start(&spec).unwrap();
        let mut up = [0; 3];
        child.output.read_exact(&mut up).await.unwrap();
        child.told.taken(100_001);
        // Cut off again and again, as it is when the program writes meanwhile.
        for _ in 0..50 {
            let short = Instant::now() + Duration::from_millis(1);
            timeout_at(short, child.told.tell()).await.unwrap_err();
        }
        let deadline = Instant::now() + spec.close_timeout;
        child.ask_to_end(&spec, deadline).await;
        let mut said = String::new();
        child.output.read_to_string(&mut said).await.unwrap();
        assert_eq!(said, " 1 START; 100001 ACK; 1 STOP;");
        assert!(child.farewell(&spec, deadline).await.0.complaint(false).is_none());
    }

    /// It does not listen at all: nobody waits for it longer than it may take to end.
    #[tokio::test]
    async fn who_does_not_listen_holds_nobody_up() {
        for script in ["exec sleep 60", "exec 0<&-; exec sleep 60"] {
            let dir = TempDir::new().unwrap();
            let spec =
                ProgramSpec { close_timeout: Duration::from_millis(300), ..spec(&dir, script) };
            let mut child = Child::start(&spec).unwrap();
            child.told.taken(1_000_000);
            let begun = Instant::now();
            let deadline = begun + spec.close_timeout;
            child.ask_to_end(&spec, deadline).await;
            let complaint = child.farewell(&spec, deadline).await.0.complaint(false).unwrap();
            assert!(complaint.contains("was killed"), "{complaint}");
            assert!(begun.elapsed() < Duration::from_secs(5));
        }
    }
}
