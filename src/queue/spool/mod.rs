//! The thread that works on a queue's disk: it writes what waits (one sync for all of it), reads
//! back what memory has room for, and releases what was delivered.
//!
//! A message on disk is safe, so its token is dropped as soon as the disk has it. What was read
//! back stays on disk until it is delivered. While the disk takes nothing more, what waits goes to
//! memory if nothing older is on disk; otherwise the queue is full, and its inputs wait.

mod fit;
#[cfg(all(test, model))]
mod model;
mod save;

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use crate::base::clock;
use crate::base::num::count;
use crate::base::num::len32;
use crate::base::reporter::Level;
use crate::base::reporter::Reporter;
use crate::base::sync::MutexGuard;
use crate::disk;
use crate::disk::Files;
use crate::disk::Log;
use crate::disk::Position;
use crate::disk::Recovery;
use crate::queue::Chunk;
use crate::queue::Marks;
use crate::queue::Sender;
use crate::queue::memory::Leave;
use crate::queue::memory::Shared;
use crate::queue::memory::State;
use crate::queue::record;
use crate::queue::spill::Spill;
use crate::telemetry::Counter;

/// The shortest time between two syncs, unless much waits: they cost the disk more than what they
/// are about. A model has no clock.
const SYNC_INTERVAL: Duration = Duration::from_millis(if cfg!(model) { 0 } else { 10 });
/// That much.
const SYNC_BYTES: usize = 1 << 20;
/// How long a disk that failed is left alone.
const RETRY: Duration = Duration::from_millis(500);
/// The longest nap: what was delivered is written down then, if nothing else is to be done.
const NAP: Duration = Duration::from_secs(5);

/// How a queue uses its disk.
#[derive(Debug)]
pub struct SpoolSpec {
    /// The action's name, for reports.
    pub name: Arc<str>,
    pub directory: PathBuf,
    /// What its files' names begin with.
    pub file: String,
    pub segment_bytes: u64,
    pub bytes_max: Option<u64>,
    pub marks: Marks,
    /// Waits for the disk before anything is called safe.
    pub sync: bool,
    /// Writes at the end what is in memory.
    pub save: bool,
    pub reporter: Arc<dyn Reporter>,
    pub stats: Arc<SpoolStats>,
}

/// What went to disk and came back, in messages.
#[derive(Debug, Default)]
pub struct SpoolStats {
    /// An earlier run left them.
    pub recovered: Counter,
    pub written: Counter,
    pub read: Counter,
    /// Could not be read any more.
    pub damaged: Counter,
    /// Each was larger than a record may be, and was dropped.
    pub too_large: Counter,
    /// Are there at the end, for the next run.
    pub saved: Counter,
    /// Attempts to write that failed.
    pub failures: Counter,
}

impl SpoolStats {
    /// Adds what `other` has counted.
    pub fn absorb(&self, other: &Self) {
        let Self { recovered, written, read, damaged, too_large, saved, failures } = other;
        self.recovered.add(recovered.get());
        self.written.add(written.get());
        self.read.add(read.get());
        self.damaged.add(damaged.get());
        self.too_large.add(too_large.get());
        self.saved.add(saved.get());
        self.failures.add(failures.get());
    }
}

/// A queue's disk at work.
#[derive(Debug)]
pub struct Spool {
    shared: Arc<Shared>,
    /// The queues that had its files before, and may have them still.
    before: Vec<Arc<Shared>>,
    thread: JoinHandle<()>,
    /// Hears when the thread lets go of its end.
    ended: Receiver<()>,
}

impl Spool {
    /// Opens the files of a queue, and puts them behind it. What an earlier run left there goes
    /// first. To be called before anything was put into the queue.
    ///
    /// # Errors
    /// If the files cannot be opened, or are another process's; the queue is in memory then.
    pub fn start(queue: &Sender, spec: SpoolSpec) -> io::Result<Self> {
        Self::start_on(disk::System, queue, spec)
    }

    /// The same on any file system.
    ///
    /// # Errors
    /// See [`Spool::start`].
    pub fn start_on<F>(files: F, queue: &Sender, spec: SpoolSpec) -> io::Result<Self>
    where
        F: Files + Send + 'static,
        F::File: Send,
        F::Lock: Send,
    {
        let worker = Worker::open(files, queue.shared.clone(), spec)?;
        Self::spawn(queue, Vec::new(), move || worker.run())
    }

    /// Opens the files that `previous` has as soon as it has [let go](Spool::retire) of them, and
    /// puts them behind the queue then. Until then it is in memory alone. What `previous` leaves
    /// there is delivered here.
    ///
    /// # Errors
    /// If there can be no thread. That the files cannot be opened is said.
    pub fn start_after(previous: Self, queue: &Sender, spec: SpoolSpec) -> io::Result<Self> {
        let Self { shared: last, mut before, thread, .. } = previous;
        before.push(last);
        before.retain(|queue| queue.lock().has_spooler);
        let shared = queue.shared.clone();
        Self::spawn(queue, before, move || {
            // One that panicked has let go as well.
            drop(thread.join());
            if let Ok(worker) = Worker::open(disk::System, shared, spec) {
                // There may be room now.
                worker.shared.freed.notify_waiters();
                worker.run();
            }
        })
    }

    fn spawn(
        queue: &Sender,
        before: Vec<Arc<Shared>>,
        work: impl FnOnce() + Send + 'static,
    ) -> io::Result<Self> {
        let (shared, ours) = (queue.shared.clone(), queue.shared.clone());
        let thread = thread::Builder::new().name("queue-disk".to_owned());
        let (alive, ended) = mpsc::channel();
        shared.lock().has_spooler = true;
        let spawned = thread.spawn(move || {
            let leaves = Leaves(ours);
            work();
            drop(leaves);
            drop(alive);
        });
        match spawned {
            Ok(thread) => Ok(Self { shared, before, thread, ended }),
            Err(error) => {
                shared.lock().has_spooler = false;
                Err(error)
            }
        }
    }

    /// Tells the thread to save what is left, where it is to be saved, and to end. To be called
    /// when nobody uses the queue any more.
    pub fn end(&self) {
        for queue in self.before.iter().chain([&self.shared]) {
            queue.leave(Leave::Now);
        }
    }

    /// Tells the thread to do so once nobody uses the queue any more.
    pub fn retire(&self) {
        self.shared.leave(Leave::WhenUnused);
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits for that; false if the disk did not answer until then.
    #[must_use]
    pub fn join(self, until: Instant) -> bool {
        let limit = until.saturating_duration_since(clock::monotonic());
        if self.ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            return false;
        }
        self.thread.join().is_ok()
    }
}

/// Notes that the thread has ended, however it did.
struct Leaves(Arc<Shared>);

impl Drop for Leaves {
    fn drop(&mut self) {
        self.0.lock().has_spooler = false;
    }
}

impl Shared {
    fn leave(&self, when: Leave) {
        self.lock().leave = when;
        self.work.notify_one();
    }
}

impl SpoolSpec {
    /// Says that the queue has no disk.
    fn cannot_open(&self, error: &io::Error) {
        let at = self.directory.join(&self.file);
        let why = match error.kind() {
            io::ErrorKind::WouldBlock => "another process has them open".to_owned(),
            _ => error.to_string(),
        };
        let text = format!(
            "action '{}': the queue stays in memory: its files {} cannot be opened: {why}",
            self.name,
            at.display()
        );
        self.reporter.say(Level::Error, text);
    }

    fn say(&self, level: Level, text: &str) {
        self.reporter.say(level, format!("action '{}' {text}", self.name));
    }

    fn tell(&self, found: &Recovery) {
        if found.messages > 0 {
            let (messages, bytes) = (found.messages, found.bytes);
            let text = format!(
                "has {messages} messages of an earlier run on disk ({bytes} bytes): they go first"
            );
            self.say(Level::Info, &text);
        }
        self.tell_damages(&found.damages);
    }

    fn tell_damages(&self, damages: &[disk::Damage]) {
        for damage in damages.iter().filter(|d| d.kind != disk::DamageKind::TornTail) {
            let text = format!("found its queue damaged on disk: {damage}");
            self.say(Level::Error, &text);
        }
    }
}

struct Worker<F: Files> {
    shared: Arc<Shared>,
    log: Log<F>,
    spec: SpoolSpec,
    /// Taken from those that wait, and not yet safe.
    writing: VecDeque<Chunk>,
    /// What of a record comes behind the messages.
    tail: Vec<u8>,
    /// The disk failed, which was said, and did not work since.
    is_failing: bool,
    /// Up to where the log has released.
    released: Option<Position>,
    synced_at: Option<Instant>,
    /// The disk failed: when it is tried again.
    retry_at: Option<Instant>,
    read_retry_at: Option<Instant>,
}

/// What is to be done next.
#[derive(Debug, Default)]
struct Todo {
    write: bool,
    read: bool,
    release: Option<Position>,
    close: bool,
}

impl<F: Files> Worker<F> {
    /// Opens the files, and puts them behind the queue.
    fn open(files: F, shared: Arc<Shared>, spec: SpoolSpec) -> io::Result<Self> {
        let options = disk::Options {
            directory: spec.directory.clone(),
            name: spec.file.clone(),
            segment_bytes: spec.segment_bytes,
            bytes_max: spec.bytes_max,
        };
        let (log, found) =
            Log::open(files, options).inspect_err(|error| spec.cannot_open(error))?;
        spec.tell(&found);
        spec.stats.recovered.add(found.messages);
        let mut spill = Spill::new(spec.marks, found.messages);
        spill.saves = spec.save;
        shared.lock().spill = Some(spill);
        Ok(Self {
            shared,
            log,
            spec,
            writing: VecDeque::new(),
            tail: Vec::new(),
            is_failing: false,
            released: None,
            synced_at: None,
            retry_at: None,
            read_retry_at: None,
        })
    }

    fn run(mut self) {
        loop {
            let todo = self.next();
            if todo.close {
                return self.close();
            }
            if let Some(upto) = todo.release {
                self.release(upto);
            }
            if todo.write {
                self.write();
            }
            if todo.read {
                self.read();
            }
        }
    }

    /// Waits until there is something to do.
    fn next(&mut self) -> Todo {
        let shared = self.shared.clone();
        let mut state = shared.lock();
        loop {
            let now = clock::monotonic();
            let (todo, wait) = self.look(&mut state, now);
            if todo.close || todo.write || todo.read || todo.release.is_some() {
                return todo;
            }
            state = sleep(&shared, state, wait);
        }
    }

    /// What is to be done now, and how long not if that is nothing.
    fn look(&mut self, state: &mut State, now: Instant) -> (Todo, Duration) {
        let (bytes, messages) = (state.bytes, state.messages);
        let ending = state.senders == 0;
        let close = match state.leave {
            Leave::Never => false,
            Leave::WhenUnused => state.is_unused(),
            Leave::Now => true,
        };
        let Some(spill) = &mut state.spill else {
            return (Todo { close: true, ..Todo::default() }, NAP);
        };
        let mut wait = NAP;
        let mut due = |at: Option<Instant>| {
            let left = at.and_then(|at| at.checked_duration_since(now)).unwrap_or_default();
            if !left.is_zero() {
                wait = wait.min(left);
            }
            left.is_zero()
        };
        let much = spill.waiting_bytes >= SYNC_BYTES || ending;
        let synced = self.synced_at.filter(|_| !much).map(|at| at + SYNC_INTERVAL);
        let write = !spill.waiting.is_empty() && due(self.retry_at) && due(synced);
        let head = (bytes - spill.waiting_bytes, messages - spill.waiting_messages);
        let read = spill.wants(head.0, head.1) && due(self.read_retry_at);
        let released = std::mem::take(&mut spill.delivered).then(|| spill.released()).flatten();
        let release = released.filter(|upto| self.released.is_none_or(|before| before < *upto));
        (Todo { write, read, release, close }, wait)
    }

    fn release(&mut self, upto: Position) {
        self.released = Some(upto);
        if let Err(error) = self.log.release(upto) {
            // Nothing is lost by it: the next call notes it too.
            self.failed("cannot note what was delivered", &error);
        } else if self.retry_at.is_some() {
            // That may have made room.
            self.retry_at = None;
        }
    }

    /// Writes all that waits.
    fn write(&mut self) {
        let waiting = match &mut self.shared.lock().spill {
            Some(spill) => std::mem::take(&mut spill.waiting),
            None => return,
        };
        let mut waiting = self.fit_waiting(waiting);
        let mut failure = None;
        while let Some(chunk) = waiting.pop_front() {
            match self.append(&chunk) {
                Ok(_) => self.writing.push_back(chunk),
                Err(error) => {
                    waiting.push_front(chunk);
                    failure = Some(error);
                    break;
                }
            }
        }
        if let Err(error) = self.commit() {
            // Of what was appended since the last time, nothing is there.
            for chunk in self.writing.drain(..).rev() {
                waiting.push_front(chunk);
            }
            failure = Some(error);
        }
        self.written();
        match failure {
            None => self.works(),
            Some(error) => {
                self.retry_at = Some(clock::monotonic() + RETRY);
                self.failed("cannot write to disk", &error);
                if error.kind() == io::ErrorKind::NotFound {
                    self.find_removed();
                }
                self.put_back(waiting);
            }
        }
    }

    fn append(&mut self, chunk: &Chunk) -> io::Result<Position> {
        record::encode_tail(chunk, &mut self.tail);
        self.log.append(&record::parts(chunk, &self.tail), len32(chunk.len()))
    }

    /// Makes what was appended safe.
    fn commit(&mut self) -> io::Result<()> {
        if self.writing.is_empty() {
            return Ok(());
        }
        if self.spec.sync {
            self.log.sync()?;
        } else {
            self.log.flush()?;
        }
        self.synced_at = Some(clock::monotonic());
        Ok(())
    }

    /// What was being written is safe: whoever waits for it is told, and its memory is free.
    fn written(&mut self) {
        if self.writing.is_empty() {
            return;
        }
        let bytes = self.writing.iter().map(Chunk::cost).sum();
        let messages = self.writing.iter().map(|chunk| count(chunk.len())).sum();
        self.spec.stats.written.add(messages);
        // The tokens go before the lock is taken: who is told may do something.
        self.writing.iter_mut().for_each(Chunk::clear);
        let mut state = self.shared.lock();
        state.bytes -= bytes;
        state.messages -= messages;
        if let Some(spill) = &mut state.spill {
            spill.written(bytes, messages);
        }
        let unwanted: Vec<_> =
            self.writing.drain(..).filter_map(|chunk| state.spares.keep(chunk)).collect();
        drop(state);
        drop(unwanted);
        self.shared.freed.notify_waiters();
    }

    /// What could not be written waits on; or goes to memory, if nothing older is on disk and there
    /// is room.
    fn put_back(&self, mut waiting: VecDeque<Chunk>) {
        let mut state = self.shared.lock();
        let state = &mut *state;
        let Some(spill) = &mut state.spill else { return };
        waiting.append(&mut spill.waiting);
        spill.waiting = waiting;
        if spill.unread > 0 {
            return;
        }
        let mut moved = false;
        while state.bytes - state.spill.as_ref().map_or(0, |s| s.waiting_bytes) < self.room() {
            let Some(chunk) = state.spill.as_mut().and_then(Spill::take_back) else { break };
            state.push_back(chunk);
            moved = true;
        }
        if moved {
            self.shared.filled.notify_one();
            self.shared.freed.notify_waiters();
        }
    }

    /// What memory may hold.
    const fn room(&self) -> usize {
        self.spec.marks.waiting_bytes
    }

    /// Reads until memory has enough.
    fn read(&mut self) {
        loop {
            let mut chunk = self.shared.lock().spares.take();
            let read = match self.log.read(&mut chunk.bytes) {
                Ok(read) => read,
                Err(error) => {
                    self.read_retry_at = Some(clock::monotonic() + RETRY);
                    return self.failed("cannot read from disk", &error);
                }
            };
            self.read_retry_at = None;
            let damages = self.log.take_damages();
            self.spec.tell_damages(&damages);
            let Some((position, messages)) = read else { return self.read_all() };
            // A record that is whole and no chunk is another program's.
            let chunk = record::decode(&mut chunk).is_ok().then_some(chunk);
            if !self.take_in(position, u64::from(messages), chunk) {
                return;
            }
        }
    }

    /// A record came. False if memory has enough.
    fn take_in(&self, position: Position, messages: u64, chunk: Option<Chunk>) -> bool {
        let mut state = self.shared.lock();
        let state = &mut *state;
        let Some(spill) = &mut state.spill else { return false };
        spill.read(position, messages);
        let Some(chunk) = chunk else {
            spill.done(position);
            self.spec.stats.damaged.add(messages);
            return true;
        };
        self.spec.stats.read.add(messages);
        let (bytes, held) = (chunk.cost(), count(chunk.len()));
        let waiting = (spill.waiting_bytes, spill.waiting_messages);
        state.bytes += bytes;
        state.messages += held;
        state.push_back(Chunk { stored: Some(position), ..chunk });
        self.shared.filled.notify_one();
        let head = (state.bytes - waiting.0, state.messages - waiting.1);
        state.spill.as_mut().is_some_and(|spill| {
            spill.settle();
            spill.wants(head.0, head.1)
        })
    }

    /// Nothing is left to be read. What should be there still was damaged.
    fn read_all(&self) {
        let mut state = self.shared.lock();
        if let Some(spill) = &mut state.spill {
            self.spec.stats.damaged.add(std::mem::take(&mut spill.unread));
            spill.settle();
        }
        drop(state);
        self.shared.filled.notify_one();
    }

    /// Somebody may have removed files: what of them was not read is lost, and counted.
    fn find_removed(&mut self) {
        let lost = match self.log.forget_removed() {
            Ok(lost) => lost,
            Err(error) => return self.failed("cannot see what of its files is there", &error),
        };
        let damages = self.log.take_damages();
        self.spec.tell_damages(&damages);
        self.spec.stats.damaged.add(lost);
        if let Some(spill) = &mut self.shared.lock().spill {
            spill.unread = spill.unread.saturating_sub(lost);
            spill.settle();
        }
        self.shared.filled.notify_one();
    }

    /// Says that the disk fails, once until it works again.
    fn failed(&mut self, what: &str, error: &io::Error) {
        self.spec.stats.failures.add(1);
        if !std::mem::replace(&mut self.is_failing, true) {
            self.saves(false);
            let text = format!("{what}: {error}; it is tried again until it works");
            self.spec.say(Level::Error, &text);
        }
    }

    fn works(&mut self) {
        self.retry_at = None;
        if std::mem::replace(&mut self.is_failing, false) {
            self.saves(self.spec.save);
            self.spec.say(Level::Notice, "writes to disk again");
        }
    }

    fn saves(&self, saves: bool) {
        if let Some(spill) = &mut self.shared.lock().spill {
            spill.saves = saves;
        }
    }
}

/// Sleeps until there is work, for `wait` at the most.
fn sleep<'a>(
    shared: &'a Shared,
    state: MutexGuard<'a, State>,
    wait: Duration,
) -> MutexGuard<'a, State> {
    let woken = shared.work.wait_timeout(state, wait);
    woken.unwrap_or_else(PoisonError::into_inner).0
}
