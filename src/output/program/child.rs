//! The program itself: how it is started, spoken to, listened to, and ended.

use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::AsyncBufReadExt as _;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::io::BufReader;
use tokio::net::unix::pipe::Receiver;
use tokio::process;
use tokio::process::ChildStdin;
use tokio::process::ChildStdout;
use tokio::process::Command;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::base::child;
use crate::base::child::Farewell;
use crate::base::drain::Signals;
use crate::output::blocking::on_thread;
use crate::output::program::ProgramSpec;

/// Bytes of an answer; one that is longer is no answer.
const ANSWER_BYTES_MAX: u64 = 4096;
/// Bytes of a program's output that are read at once.
const CAPTURE_BYTES: usize = 16 << 10;
/// How long the last words of a program that has ended are waited for: what it started itself may
/// hold on to its output.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A program that runs.
pub(super) struct Child {
    process: process::Child,
    input: ChildStdin,
    answers: Option<BufReader<ChildStdout>>,
    /// Writes down what it says.
    captured: Option<JoinHandle<()>>,
}

impl Child {
    /// Starts it. Signals are as usual for it, and of our open files it sees none.
    pub(super) fn start(spec: &ProgramSpec, signals: &Signals) -> io::Result<Self> {
        let mut command = Command::new(&spec.binary);
        // An action that is ended has no time left for it.
        command.args(&spec.arguments).stdin(Stdio::piped()).kill_on_drop(spec.kill);
        let (captured, output) = match &spec.output {
            Some(to) => {
                let (read, write) = io::pipe()?;
                let read = Receiver::from_owned_fd(OwnedFd::from(read))?;
                let captured = tokio::spawn(capture(read, to.clone(), signals.clone()));
                (Some(captured), Some(write))
            }
            None => (None, None),
        };
        let stdio = || match &output {
            Some(pipe) => pipe.try_clone().map(Stdio::from),
            None => Ok(Stdio::null()),
        };
        command.stderr(stdio()?);
        command.stdout(if spec.confirm.is_some() { Stdio::piped() } else { stdio()? });
        let mut process = command.spawn()?;
        let input = process.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let answers = process.stdout.take().map(BufReader::new);
        Ok(Self { process, input, answers, captured })
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.input.write(bytes).await
    }

    /// The next line that the program writes, without its line feed; none if it closed its
    /// standard output.
    pub(super) async fn answer(&mut self) -> io::Result<Option<String>> {
        let Some(answers) = &mut self.answers else { return Ok(None) };
        let mut line = Vec::new();
        answers.take(ANSWER_BYTES_MAX).read_until(b'\n', &mut line).await?;
        if line.pop_if(|last| *last == b'\n').is_none() {
            let cut = !line.is_empty();
            return if cut { Err(io::ErrorKind::InvalidData.into()) } else { Ok(None) };
        }
        Ok(Some(String::from_utf8_lossy(&line).into_owned()))
    }

    /// Forgets what it has said up to now. Whether that was anything.
    pub(super) fn forget_answers(&mut self) -> bool {
        let Some(answers) = &mut self.answers else { return false };
        let had = answers.buffer().len();
        answers.consume(had);
        let (mut any, mut bytes) = (had > 0, [0; 4096]);
        // Past the runtime, which may not have heard of it; the pipe does not block.
        while let Ok(1..) = rustix::io::read(answers.get_ref(), &mut bytes) {
            any = true;
        }
        any
    }

    /// Returns when it has ended.
    pub(super) async fn ended(&mut self) -> io::Result<ExitStatus> {
        self.process.wait().await
    }

    /// To be called when it has ended by itself.
    pub(super) async fn buried(self) {
        written_down(self.captured).await;
    }

    pub(super) fn signal(&self, signal: Signal) {
        child::signal(&self.process, signal);
    }

    /// Ends it: a signal where that is asked for, the end of its input, a while, and death where
    /// that is asked for. What came of it, as a complaint, if it did not end well.
    pub(super) async fn close(self, spec: &ProgramSpec) -> Option<String> {
        let Self { mut process, input, answers, captured } = self;
        if spec.signal_on_close {
            child::signal(&process, Signal::TERM);
        }
        drop(input);
        let farewell = child::farewell(&mut process, spec.close_timeout, spec.kill).await;
        drop(answers);
        if matches!(farewell, Farewell::Ended(_) | Farewell::Lost(_)) {
            written_down(captured).await;
        }
        farewell.complaint(spec.signal_on_close)
    }
}

/// Waits until the last words of a program are where they belong.
async fn written_down(captured: Option<JoinHandle<()>>) {
    if let Some(captured) = captured {
        timeout(LAST_WORDS, captured).await.ok();
    }
}

/// Appends what the program writes to a file, which a SIGHUP opens anew. What cannot be written is
/// left out, so that the program never waits for it.
async fn capture(mut from: Receiver, to: (PathBuf, u32), mut signals: Signals) {
    let mut file: Option<File> = None;
    let mut bytes = vec![0; CAPTURE_BYTES];
    loop {
        let read = tokio::select! {
            biased;
            read = from.read(&mut bytes) => read.unwrap_or(0),
            () = signals.reopened() => {
                file = None;
                continue;
            }
        };
        if read == 0 {
            return;
        }
        if signals.take_reopen() {
            file = None;
        }
        let state = (file, bytes, to.clone());
        let written = on_thread(state, move |(file, bytes, to)| append(file, to, &bytes[..read]));
        let Some(((back, buffer, _), _)) = written.await else { return };
        (file, bytes) = (back, buffer);
    }
}

fn append(file: &mut Option<File>, (path, mode): &(PathBuf, u32), bytes: &[u8]) -> io::Result<()> {
    let open = match file {
        Some(open) => open,
        None => {
            let mut options = OpenOptions::new();
            options.append(true).create(true).mode(*mode).custom_flags(libc::O_NOCTTY);
            file.insert(options.open(path)?)
        }
    };
    open.write_all(bytes)
}
