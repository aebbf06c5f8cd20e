//! The queue of an action: bounded in bytes, many senders, one receiver. The unit is the [`Chunk`];
//! the lock is taken once per chunk. Where a disk is behind it ([`super::spool`]), what memory has
//! no room for goes there.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use crate::base::sync::Condvar;
use crate::base::sync::Mutex;
use crate::base::sync::MutexGuard;
use crate::base::sync::Notify;
use crate::base::sync::atomic::AtomicBool;
use crate::base::sync::atomic::AtomicU64;
use crate::base::sync::atomic::Ordering;
use crate::queue::Chunk;
use crate::queue::Taken;
use crate::queue::pace::Pace;
use crate::queue::spares::Spares;
use crate::queue::spill::Spill;
use crate::queue::spill::Way;

#[derive(Debug)]
pub(super) struct State {
    /// In the order of their numbers.
    pub(super) chunks: VecDeque<Chunk>,
    /// The number of the next one.
    next: u64,
    pub(super) spares: Spares,
    /// [`Chunk::cost`] of all that is waiting or being delivered, in memory.
    pub(super) bytes: usize,
    pub(super) messages: u64,
    /// The most that `messages` has been.
    messages_most: u64,
    pub(super) senders: usize,
    pub(super) receivers: usize,
    /// When the next batch may be taken, where the configuration slows it down.
    pub(super) not_before: Option<Instant>,
    /// Since when a batch waits to become large enough.
    pub(super) gathering_since: Option<Instant>,
    pub(super) spill: Option<Spill>,
    /// A thread works on the disk, or will.
    pub(super) has_spooler: bool,
    /// When that thread is to end.
    pub(super) leave: Leave,
}

/// When the disk of a queue is closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Leave {
    #[default]
    Never,
    /// When nobody uses the queue any more.
    WhenUnused,
    Now,
}

#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    bytes_max: usize,
    messages_max: u64,
    pub(super) pace: Option<Pace>,
    /// Something came, or the last sender went.
    pub(super) filled: Notify,
    /// Something was taken.
    pub(super) freed: Notify,
    /// The last sender went.
    closed: Notify,
    /// The thread that works on the disk has something to do.
    pub(super) work: Condvar,
    /// Messages that wait or are delivered, as [`Gauge::depth`] has them, without the lock.
    depth: AtomicU64,
    /// See [`Suspension`].
    suspended: AtomicBool,
    failing: AtomicBool,
    /// The action leaves what is left to the disk.
    left: Notify,
}

/// Puts chunks in. Cloned for every shard.
#[derive(Debug)]
pub struct Sender {
    pub(super) shared: Arc<Shared>,
}

/// Whether the action behind a queue is suspended: its last attempt failed, and it waits.
#[derive(Clone, Debug)]
pub struct Suspension {
    shared: Arc<Shared>,
}

impl Suspension {
    pub fn set(&self, suspended: bool) {
        self.shared.suspended.store(suspended, Ordering::Relaxed);
    }

    /// Whether the last attempt failed: as it is suspended, but also while it is tried again.
    pub fn set_failing(&self, failing: bool) {
        self.shared.failing.store(failing, Ordering::Relaxed);
    }

    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.shared.failing.load(Ordering::Relaxed)
    }

    /// Whether what the action does not deliver before the end is kept on disk.
    #[must_use]
    pub fn is_saved(&self) -> bool {
        self.shared.lock().spill.as_ref().is_some_and(|spill| spill.saves)
    }

    /// Whether there is something to deliver, or being delivered, in memory.
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.shared.lock().messages > 0
    }

    /// Has [`Suspension::left`] return.
    pub fn leave(&self) {
        self.shared.left.notify_one();
    }

    /// Returns once the action is to end, and to leave what it has to the disk.
    pub async fn left(&self) {
        self.shared.left.notified().await;
    }
}

/// Looks at a queue without being an end of it.
#[derive(Clone, Debug)]
pub struct Gauge {
    shared: Arc<Shared>,
}

/// What came of a look.
pub(super) enum Taking {
    Took,
    Empty,
    /// Something is there, and may be taken after that time.
    Later(Duration),
    /// Nothing will ever come.
    Ended,
}

/// Takes chunks out; the action's task holds the only one.
#[derive(Debug)]
pub struct Receiver {
    pub(super) shared: Arc<Shared>,
}

/// What bounds a queue, and how fast it gives out.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// A queue takes chunks in until it holds so many bytes. So the last one may go over it: a
    /// large chunk has as good a chance as the small ones of a sender that never pauses.
    pub bytes: usize,
    /// The same with messages.
    pub messages: u64,
    pub pace: Pace,
}

/// A queue in memory that is bounded in bytes alone.
#[must_use]
pub fn bounded(bytes_max: usize) -> (Sender, Receiver) {
    open(Bounds { bytes: bytes_max, messages: u64::MAX, pace: Pace::default() })
}

/// A queue in memory.
#[must_use]
pub fn open(bounds: Bounds) -> (Sender, Receiver) {
    let state = State {
        chunks: VecDeque::new(),
        next: 0,
        spares: Spares::default(),
        bytes: 0,
        messages: 0,
        messages_most: 0,
        senders: 1,
        receivers: 1,
        not_before: None,
        gathering_since: None,
        spill: None,
        has_spooler: false,
        leave: Leave::Never,
    };
    let Bounds { bytes, messages, pace } = bounds;
    let shared = Arc::new(Shared {
        state: Mutex::new(state),
        bytes_max: bytes,
        messages_max: messages,
        pace: (!pace.is_free()).then_some(pace),
        suspended: AtomicBool::new(false),
        failing: AtomicBool::new(false),
        left: Notify::new(),
        filled: Notify::new(),
        freed: Notify::new(),
        closed: Notify::new(),
        work: Condvar::new(),
        depth: AtomicU64::new(0),
    });
    (Sender { shared: shared.clone() }, Receiver { shared })
}

impl State {
    /// Where a chunk goes that comes now.
    fn way(&mut self, bytes_max: usize, messages_max: u64) -> Way {
        if let Some(spill) = &mut self.spill {
            let bytes = self.bytes - spill.waiting_bytes;
            return spill.way(bytes, self.messages - spill.waiting_messages);
        }
        match self.bytes >= bytes_max || self.messages >= messages_max {
            true => Way::Wait,
            false => Way::Memory,
        }
    }

    /// Puts a chunk behind those that are in memory.
    pub(super) fn push_back(&mut self, mut chunk: Chunk) {
        chunk.number = self.next;
        self.next += 1;
        self.chunks.push_back(chunk);
    }

    /// Nothing will ever come.
    pub(super) fn is_ended(&self) -> bool {
        let on_disk = self.spill.as_ref().is_some_and(|s| s.unread > 0 || s.waiting_bytes > 0);
        self.senders == 0 && self.chunks.is_empty() && !on_disk
    }

    /// Both ends are gone.
    pub(super) const fn is_unused(&self) -> bool {
        self.receivers == 0 && self.senders == 0
    }

    /// Messages that wait, or are delivered, in memory and on disk.
    pub(super) fn depth(&self) -> u64 {
        self.messages + self.spill.as_ref().map_or(0, |spill| spill.unread)
    }
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while it was held cannot have left a chunk half moved.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// See [`Receiver::done`].
    pub(super) fn done(&self, mut chunk: Chunk) {
        let (size, messages, stored) = (chunk.cost(), chunk.len() as u64, chunk.stored);
        chunk.clear();
        let mut state = self.lock();
        // What was given up at the end is not counted any more.
        state.bytes = state.bytes.saturating_sub(size);
        state.messages = state.messages.saturating_sub(messages);
        if let Some(spill) = &mut state.spill {
            if let Some(position) = stored {
                spill.done(position);
            }
            // There is something to release, or room for what is on disk.
            if stored.is_some() || spill.unread > 0 {
                self.work.notify_one();
            }
        }
        self.depth.store(state.depth(), Ordering::Relaxed);
        let unwanted = state.spares.keep(chunk);
        drop(state);
        drop(unwanted);
        self.freed.notify_waiters();
    }

    /// One look at whether something can be taken.
    fn take(self: &Arc<Self>, into: &mut Taken) -> Taking {
        let mut state = self.lock();
        if let Some(pace) = &self.pace {
            return state.take_paced(pace, self, into);
        }
        if !state.chunks.is_empty() {
            into.fill(self, state.chunks.drain(..));
            if let Some(spill) = &state.spill
                && spill.unread > 0
            {
                self.work.notify_one();
            }
            return Taking::Took;
        }
        if state.is_ended() { Taking::Ended } else { Taking::Empty }
    }

    /// Makes two of a chunk that was taken, behind so many of its messages.
    pub(super) fn cut(&self, chunk: &Chunk, messages: usize) -> [Chunk; 2] {
        let parts = chunk.cut(messages);
        let mut state = self.lock();
        let cost: usize = parts.iter().map(Chunk::cost).sum();
        state.bytes = (state.bytes + cost).saturating_sub(chunk.cost());
        if let (Some(position), Some(spill)) = (chunk.stored, &mut state.spill) {
            spill.cut(position, parts.len());
        }
        drop(state);
        parts
    }

    /// Puts chunks that were taken, and not delivered, back to their places.
    pub(super) fn take_back(&self, chunks: impl DoubleEndedIterator<Item = Chunk>) {
        let mut state = self.lock();
        // From behind: parts of one chunk have its number, and keep their order.
        for chunk in chunks.rev() {
            let place = state.chunks.partition_point(|other| other.number < chunk.number);
            state.chunks.insert(place, chunk);
        }
        drop(state);
        self.filled.notify_one();
    }
}

impl Sender {
    /// Whether the action is suspended.
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        self.shared.suspended.load(Ordering::Relaxed)
    }

    /// Messages that wait or are being delivered, as of the last chunk that came or went.
    #[must_use]
    #[inline]
    pub fn depth(&self) -> u64 {
        self.shared.depth.load(Ordering::Relaxed)
    }

    /// Puts `chunk` in if there is room, and leaves an empty one with memory in its place.
    /// False, and `chunk` untouched, if the queue is full.
    pub fn try_push(&self, chunk: &mut Chunk) -> bool {
        let shared = &*self.shared;
        let mut state = shared.lock();
        let mut way = state.way(shared.bytes_max, shared.messages_max);
        if way == Way::Wait {
            if state.receivers > 0 {
                return false;
            }
            // The action was ended by a stop: this is a part of what the queue is left with.
            way = if state.spill.is_some() { Way::Disk } else { Way::Memory };
        }
        let spare = state.spares.take();
        let full = std::mem::replace(chunk, spare);
        state.bytes += full.cost();
        state.messages += full.len() as u64;
        let depth = state.depth();
        state.messages_most = state.messages_most.max(depth);
        shared.depth.store(depth, Ordering::Relaxed);
        if let (Way::Disk, Some(spill)) = (way, &mut state.spill) {
            spill.wait(full);
            drop(state);
            shared.work.notify_one();
            return true;
        }
        state.push_back(full);
        let first = state.chunks.len() == 1;
        drop(state);
        if first || shared.pace.is_some() {
            shared.filled.notify_one();
        }
        true
    }

    /// Puts `chunk` in, waiting for room: this is how a full output holds back an input.
    pub async fn push(&self, chunk: &mut Chunk) {
        loop {
            let freed = self.shared.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            if self.try_push(chunk) {
                return;
            }
            freed.await;
        }
    }

    /// An observer of this queue.
    #[must_use]
    pub fn gauge(&self) -> Gauge {
        Gauge { shared: self.shared.clone() }
    }
}

impl Gauge {
    /// Bytes of memory (as they count against the bound) and messages, in memory and on disk, that
    /// are waiting or being delivered.
    #[must_use]
    pub fn depth(&self) -> (usize, u64) {
        let state = self.shared.lock();
        (state.bytes, state.depth())
    }

    /// Returns once nothing more will be put in.
    pub async fn ended(&self) {
        loop {
            let closed = self.shared.closed.notified();
            tokio::pin!(closed);
            closed.as_mut().enable();
            if self.shared.lock().senders == 0 {
                return;
            }
            closed.await;
        }
    }

    /// Frees memory that was needed for what waited before the last call, and not since. How many
    /// bytes that are.
    pub fn trim(&self) -> usize {
        let unneeded = self.shared.lock().spares.unneeded();
        unneeded.iter().map(Chunk::memory).sum()
    }

    /// Messages that are on disk and not in memory.
    #[must_use]
    pub fn on_disk(&self) -> u64 {
        self.shared.lock().spill.as_ref().map_or(0, |spill| spill.unread)
    }

    /// The most that those were.
    #[must_use]
    pub fn most_on_disk(&self) -> u64 {
        self.shared.lock().spill.as_ref().map_or(0, |spill| spill.unread_most)
    }

    /// Whether both ends are gone, and the disk is closed: nothing will come and nothing will be
    /// taken out.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let state = self.shared.lock();
        state.is_unused() && !state.has_spooler
    }

    /// The most messages that it held at a time.
    #[must_use]
    pub fn most(&self) -> u64 {
        self.shared.lock().messages_most
    }
}

impl Clone for Sender {
    fn clone(&self) -> Self {
        self.shared.lock().senders += 1;
        Self { shared: self.shared.clone() }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.senders -= 1;
        if state.senders == 0 {
            drop(state);
            self.shared.filled.notify_one();
            self.shared.work.notify_one();
            self.shared.closed.notify_waiters();
        }
    }
}

impl Receiver {
    /// Another end of the same queue, for an output that is made anew: as long as one is there the
    /// queue keeps to its bound. Only one of them may take.
    #[must_use]
    pub fn again(&self) -> Self {
        self.shared.lock().receivers += 1;
        Self { shared: self.shared.clone() }
    }

    /// To tell the senders how the action is.
    #[must_use]
    pub fn suspension(&self) -> Suspension {
        Suspension { shared: self.shared.clone() }
    }

    /// Takes everything that is waiting, in order, into `into`. False when nothing will ever come:
    /// all senders are gone and the queue is empty. Cancel safe.
    ///
    /// What is taken still counts against the bound until [`Receiver::done`]. What is neither
    /// given back nor in `into` any more when the output ends is lost, and counts as left.
    pub async fn take(&self, into: &mut Taken) -> bool {
        loop {
            // What comes between the look and the wait is not missed: `filled` keeps it for who
            // asks next.
            match self.shared.take(into) {
                Taking::Took => return true,
                Taking::Ended => return false,
                Taking::Empty => self.shared.filled.notified().await,
                Taking::Later(wait) => {
                    drop(tokio::time::timeout(wait, self.shared.filled.notified()).await);
                }
            }
        }
    }

    /// Gives back a chunk that was delivered (or given up, and counted): its room in the queue
    /// and its memory.
    pub fn done(&self, chunk: Chunk) {
        self.shared.done(chunk);
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.receivers -= 1;
        if state.receivers == 0 {
            drop(state);
            self.shared.freed.notify_waiters();
            self.shared.work.notify_one();
        }
    }
}
