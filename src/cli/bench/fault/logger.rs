//! A program that writes numbered lines to a log file, whatever happens to that file.

use std::fs::File;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::base::clock::monotonic;
use crate::cli::bench::block::Block;
use crate::cli::bench::block::Wire;
use crate::cli::bench::corpus::Corpus;
use crate::cli::bench::corpus::Kind;
use crate::cli::bench::error::BenchError;
use crate::cli::bench::ids::Stamp;
use crate::cli::bench::time::Stamps;
use crate::cli::bench::time::micros;
use crate::cli::bench::time::pause;

/// Between two times that it writes.
const TURN: Duration = Duration::from_millis(2);
/// Lines that are made, before they repeat.
const LINES: usize = 2_000;
const SEED: u64 = 7;

#[derive(Debug)]
struct Shared {
    /// Locked while lines are written, so that files change hands between two lines.
    file: Mutex<File>,
    written: AtomicU64,
    /// It writes no more than this for now.
    allowed: AtomicU64,
    stop: AtomicBool,
}

/// Lines on their way into a file.
#[derive(Debug)]
pub(super) struct Logger {
    path: PathBuf,
    /// The least that a line has, bytes.
    shortest: usize,
    shared: Arc<Shared>,
    thread: JoinHandle<io::Result<()>>,
}

impl Logger {
    /// Will write `messages` lines to the file at `path`, `rate` a second, as far as it is allowed.
    pub(super) fn start(path: &Path, messages: u64, rate: u64) -> Result<Self, BenchError> {
        let shared = Arc::new(Shared {
            file: Mutex::new(open(path)?),
            written: AtomicU64::new(0),
            allowed: AtomicU64::new(0),
            stop: AtomicBool::new(false),
        });
        let corpus = Corpus::generate(Kind::Mixed, LINES, SEED);
        let mut block = Block::render(&corpus, Wire::Lf, true);
        let shortest = block.each_mut(0..LINES).map(|line| line.len()).min().unwrap_or(1);
        let thread = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.run(&mut block, messages, rate))
        };
        Ok(Self { path: path.to_owned(), shortest, shared, thread })
    }

    /// Lines that are in files.
    pub(super) fn written(&self) -> u64 {
        self.shared.written.load(Ordering::Relaxed)
    }

    /// The most lines that `bytes` bytes may be.
    pub(super) fn lines_of(&self, bytes: usize) -> u64 {
        (bytes / self.shortest + 1) as u64
    }

    pub(super) fn is_done(&self) -> bool {
        self.thread.is_finished()
    }

    /// Lets it write that many lines, and waits for none of them.
    pub(super) fn allow(&self, lines: u64) {
        self.shared.allowed.store(lines, Ordering::Relaxed);
    }

    /// The file that it writes to: nothing is written until this is dropped.
    pub(super) fn held(&self) -> MutexGuard<'_, File> {
        self.shared.file()
    }

    /// Goes on with the file that has the name now, which is made if none has; as a program does
    /// on SIGHUP.
    pub(super) fn reopen(&self) -> Result<(), BenchError> {
        self.reopen_held(&mut self.held())
    }

    /// The same, while it is held.
    pub(super) fn reopen_held(&self, file: &mut File) -> Result<(), BenchError> {
        *file = open(&self.path)?;
        Ok(())
    }

    /// Waits until all is written, at most for `limit`; how many lines that is.
    pub(super) fn finish(self, limit: Duration) -> Result<u64, BenchError> {
        self.allow(u64::MAX);
        let began = monotonic();
        while !self.is_done() && began.elapsed() < limit {
            pause(TURN);
        }
        self.shared.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.join();
        ended
            .map_err(|_| BenchError::Relay("the logger panicked".to_owned()))?
            .map_err(|error| BenchError::io(self.path.display(), error))?;
        Ok(self.shared.written.load(Ordering::Relaxed))
    }
}

impl Shared {
    fn file(&self) -> MutexGuard<'_, File> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, block: &mut Block, messages: u64, rate: u64) -> io::Result<()> {
        let stamps = Stamps::new();
        let mut stamp = Stamp::new(0);
        let mut written = 0;
        let turn = (rate * micros(TURN) / 1_000_000).max(1);
        while written < messages && !self.stop.load(Ordering::Relaxed) {
            let allowed = self.allowed.load(Ordering::Relaxed).min(messages);
            let due = (written + turn).min(allowed);
            let mut file = self.file();
            stamp.at(stamps.now());
            while written < due {
                let from = usize::try_from(written).unwrap_or(0) % block.len();
                let most = usize::try_from(due - written).unwrap_or(usize::MAX);
                let lines = block.take(from, most, usize::MAX / 2);
                block.patch(lines.clone(), &mut stamp);
                written += lines.len() as u64;
                // In two parts: who reads it meets a line that has no end yet.
                let (first, second) = halves(block.bytes(lines));
                file.write_all(first)?;
                file.write_all(second)?;
            }
            // Before the file is let go: who holds it then knows what is in it.
            self.written.store(written, Ordering::Relaxed);
            drop(file);
            pause(TURN);
        }
        Ok(())
    }
}

fn halves(bytes: &[u8]) -> (&[u8], &[u8]) {
    bytes.split_at(bytes.len() / 2)
}

fn open(path: &Path) -> Result<File, BenchError> {
    let file = File::options().create(true).append(true).open(path);
    file.map_err(|error| BenchError::io(path.display(), error))
}
