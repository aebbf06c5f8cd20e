//! The memory queue of an action: bounded in bytes, many senders, one receiver. The unit is the
//! [`Chunk`]; the lock is taken once per chunk.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use tokio::sync::Notify;

use crate::queue::Chunk;

/// Spare buffers that are kept for reuse, at most.
const SPARE_CHUNKS: usize = 32;
/// The memory of one of them, at most: what a read of ordinary messages renders to.
const SPARE_BYTES: usize = 1 << 20;

#[derive(Debug)]
struct State {
    chunks: VecDeque<Chunk>,
    spare: Vec<Chunk>,
    /// [`Chunk::cost`] of all that is waiting or being delivered.
    bytes: usize,
    messages: u64,
    /// The most that `messages` has been.
    messages_most: u64,
    senders: usize,
    receiver_gone: bool,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    bytes_max: usize,
    /// Something came, or the last sender went.
    filled: Notify,
    /// Something was taken.
    freed: Notify,
    /// See [`Suspension`].
    suspended: AtomicBool,
}

/// Puts chunks in. Cloned for every shard.
#[derive(Debug)]
pub struct Sender {
    shared: Arc<Shared>,
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
}

/// Looks at a queue without being an end of it.
#[derive(Clone, Debug)]
pub struct Gauge {
    shared: Arc<Shared>,
}

/// Takes chunks out; the action's task holds the only one.
#[derive(Debug)]
pub struct Receiver {
    shared: Arc<Shared>,
}

/// A queue that takes chunks in until it holds `bytes_max` bytes. So the last one may go over it:
/// a large chunk has as good a chance as the small ones of a sender that never pauses.
#[must_use]
pub fn bounded(bytes_max: usize) -> (Sender, Receiver) {
    let state = State {
        chunks: VecDeque::new(),
        spare: Vec::new(),
        bytes: 0,
        messages: 0,
        messages_most: 0,
        senders: 1,
        receiver_gone: false,
    };
    let shared = Arc::new(Shared {
        state: Mutex::new(state),
        bytes_max,
        suspended: AtomicBool::new(false),
        filled: Notify::new(),
        freed: Notify::new(),
    });
    (Sender { shared: shared.clone() }, Receiver { shared })
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while it was held cannot have left a chunk half moved.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sender {
    /// Whether the action is suspended.
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        self.shared.suspended.load(Ordering::Relaxed)
    }

    /// Puts `chunk` in if there is room, and leaves an empty one with memory in its place.
    /// False, and `chunk` untouched, if the queue is full.
    pub fn try_push(&self, chunk: &mut Chunk) -> bool {
        let mut state = self.shared.lock();
        if state.bytes >= self.shared.bytes_max && !state.receiver_gone {
            return false;
        }
        let spare = state.spare.pop().unwrap_or_default();
        let full = std::mem::replace(chunk, spare);
        state.bytes += full.cost();
        state.messages += full.len() as u64;
        state.messages_most = state.messages_most.max(state.messages);
        if state.receiver_gone {
            // The action was ended by a stop: this is a part of what the queue is left with.
            return true;
        }
        state.chunks.push_back(full);
        let first = state.chunks.len() == 1;
        drop(state);
        if first {
            self.shared.filled.notify_one();
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

    /// Returns when something was taken out since the call.
    pub async fn room(&self) {
        self.shared.freed.notified().await;
    }

    /// An observer of this queue.
    #[must_use]
    pub fn gauge(&self) -> Gauge {
        Gauge { shared: self.shared.clone() }
    }
}

impl Gauge {
    /// Bytes (as they count against the bound) and messages that are waiting or being delivered.
    #[must_use]
    pub fn depth(&self) -> (usize, u64) {
        let state = self.shared.lock();
        (state.bytes, state.messages)
    }

    /// Whether both ends are gone: nothing will come and nothing will be taken out.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let state = self.shared.lock();
        state.receiver_gone && state.senders == 0
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
        }
    }
}

impl Receiver {
    /// To tell the senders how the action is.
    #[must_use]
    pub fn suspension(&self) -> Suspension {
        Suspension { shared: self.shared.clone() }
    }

    /// Takes everything that is waiting, in order, into `into`. False when nothing will ever come:
    /// all senders are gone and the queue is empty. Cancel safe.
    ///
    /// What is taken still counts against the bound until [`Receiver::done`].
    pub async fn take(&self, into: &mut VecDeque<Chunk>) -> bool {
        loop {
            let filled = self.shared.filled.notified();
            tokio::pin!(filled);
            filled.as_mut().enable();
            {
                let mut state = self.shared.lock();
                if !state.chunks.is_empty() {
                    into.append(&mut state.chunks);
                    return true;
                }
                if state.senders == 0 {
                    return false;
                }
            }
            filled.await;
        }
    }

    /// Gives back a chunk that was delivered (or given up, and counted): its room in the queue
    /// and its memory.
    pub fn done(&self, mut chunk: Chunk) {
        let (size, messages) = (chunk.cost(), chunk.len() as u64);
        chunk.clear();
        let reusable = chunk.memory() <= SPARE_BYTES;
        let mut state = self.shared.lock();
        state.bytes -= size;
        state.messages -= messages;
        if reusable && state.spare.len() < SPARE_CHUNKS {
            state.spare.push(chunk);
        }
        drop(state);
        self.shared.freed.notify_waiters();
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.receiver_gone = true;
        state.chunks.clear();
        drop(state);
        self.shared.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    use proptest::prelude::any;
    use proptest::prop_oneof;
    use proptest::proptest;
    use proptest::strategy::Strategy;

    use super::*;
    use crate::message::Ack;

    fn chunk(message: &[u8]) -> Chunk {
        let mut chunk = Chunk::default();
        chunk.bytes.extend_from_slice(message);
        chunk.end_message();
        chunk
    }

    #[tokio::test]
    async fn a_full_queue_holds_the_sender_back() {
        let (sender, receiver) = bounded(10);
        assert!(sender.try_push(&mut chunk(b"0123456789abc")), "an empty queue takes any chunk");
        let mut second = chunk(b"x");
        assert!(!sender.try_push(&mut second));
        assert_eq!(second.bytes, b"x");
        let push = async {
            sender.push(&mut second).await;
        };
        let take = async {
            let mut taken = VecDeque::new();
            assert!(receiver.take(&mut taken).await);
            // Taken is not delivered: the room is given back by `done`.
            assert_eq!(sender.gauge().depth(), (chunk(b"0123456789abc").cost(), 1));
            taken.drain(..).for_each(|chunk| receiver.done(chunk));
            assert!(receiver.take(&mut taken).await);
            assert_eq!(taken[0].bytes, b"x");
        };
        let both = async { tokio::join!(push, take) };
        tokio::time::timeout(Duration::from_secs(10), both).await.unwrap();
    }

    #[tokio::test]
    async fn the_end_of_all_senders_ends_the_receiver() {
        let (sender, receiver) = bounded(100);
        let other = sender.clone();
        assert!(other.try_push(&mut chunk(b"last")));
        drop(sender);
        drop(other);
        let mut taken = VecDeque::new();
        assert!(receiver.take(&mut taken).await);
        assert!(!receiver.take(&mut taken).await);
    }

    #[test]
    fn delivery_releases_the_token() {
        let told = Arc::new(AtomicU32::new(0));
        let seen = told.clone();
        let (sender, receiver) = bounded(100);
        let mut full = chunk(b"x");
        full.ack = Ack::new(move || {
            seen.fetch_add(1, Ordering::Relaxed);
        });
        assert!(sender.try_push(&mut full));
        let taken = receiver.shared.lock().chunks.pop_front().unwrap();
        assert_eq!(told.load(Ordering::Relaxed), 0);
        receiver.done(taken);
        assert_eq!(told.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn what_comes_after_the_receiver_is_what_is_left() {
        let (sender, receiver) = bounded(100);
        assert!(sender.try_push(&mut chunk(b"one")));
        drop(receiver);
        let mut two = chunk(b"two");
        assert!(sender.try_push(&mut two), "nobody waits for a receiver that is gone");
        assert_eq!((two.len(), sender.gauge().depth().1), (0, 2));
    }

    #[test]
    fn the_memory_of_an_unusual_chunk_is_not_kept() {
        let (sender, receiver) = bounded(1 << 30);
        for (size, kept) in [(SPARE_BYTES / 2, true), (SPARE_BYTES * 2, false)] {
            assert!(sender.try_push(&mut chunk(&vec![b'x'; size])));
            let taken = receiver.shared.lock().chunks.pop_front().unwrap();
            receiver.done(taken);
            assert_eq!(receiver.shared.lock().spare.pop().is_some(), kept, "{size}");
        }
    }

    const BYTES_MAX: usize = 1000;

    #[derive(Clone, Debug)]
    enum Op {
        Push(Vec<u8>),
        Take,
        Done,
    }

    fn ops() -> impl Strategy<Value = Vec<Op>> {
        let op = prop_oneof![
            proptest::collection::vec(any::<u8>(), 1..20).prop_map(Op::Push),
            proptest::strategy::Just(Op::Take),
            proptest::strategy::Just(Op::Done),
        ];
        proptest::collection::vec(op, 0..200)
    }

    proptest! {
        /// Any sequence of operations against a plain list.
        #[test]
        fn behaves_as_a_bounded_list(ops in ops()) {
            let (sender, receiver) = bounded(BYTES_MAX);
            let mut list: VecDeque<Vec<u8>> = VecDeque::new();
            let mut held: VecDeque<Chunk> = VecDeque::new();
            for op in ops {
                let bytes = |list: &VecDeque<Vec<u8>>, held: &VecDeque<Chunk>| {
                    list.iter().map(|message| chunk(message).cost()).sum::<usize>()
                        + held.iter().map(Chunk::cost).sum::<usize>()
                };
                match op {
                    Op::Push(message) => {
                        let before = bytes(&list, &held);
                        let fits = before < BYTES_MAX;
                        assert_eq!(sender.try_push(&mut chunk(&message)), fits);
                        if fits {
                            list.push_back(message);
                        }
                    }
                    Op::Take => {
                        let mut taken = std::mem::take(&mut receiver.shared.lock().chunks);
                        let expected: Vec<Vec<u8>> = list.drain(..).collect();
                        let got: Vec<Vec<u8>> = taken.iter().map(|c| c.bytes.clone()).collect();
                        assert_eq!(got, expected);
                        held.append(&mut taken);
                    }
                    Op::Done => {
                        if let Some(chunk) = held.pop_front() {
                            receiver.done(chunk);
                        }
                    }
                }
                assert_eq!(sender.gauge().depth().0, bytes(&list, &held));
            }
        }
    }
}
