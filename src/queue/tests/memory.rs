//! The queue in memory.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;

use proptest::prelude::any;
use proptest::prop_oneof;
use proptest::proptest;
use proptest::strategy::Strategy;

use crate::base::clock;
use crate::message::Ack;
use crate::queue::Bounds;
use crate::queue::Chunk;
use crate::queue::Pace;
use crate::queue::Taken;
use crate::queue::bounded;
use crate::queue::chunk::SPARE_BYTES;
use crate::queue::open;

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
        let mut taken = Taken::default();
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
    let mut taken = Taken::default();
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

/// As when the engine ends a task at the stop's limit, whatever the task held by then.
#[tokio::test]
async fn what_an_output_held_goes_back_to_its_place() {
    let (sender, receiver) = bounded(1 << 20);
    for text in [b"one", b"two", b"thr"] {
        assert!(sender.try_push(&mut chunk(text)));
    }
    let (mut first, mut second) = (Taken::default(), Taken::default());
    assert!(receiver.take(&mut first).await);
    assert!(sender.try_push(&mut chunk(b"fou")));
    assert!(receiver.take(&mut second).await);
    let one = first.pop_front().unwrap();
    first.done(one);
    drop(receiver);
    drop(second);
    drop(first);
    let left = sender.shared.lock();
    let texts: Vec<&[u8]> = left.chunks.iter().map(|chunk| &chunk.bytes[..]).collect();
    assert_eq!(texts, [b"two", b"thr", b"fou"]);
    assert_eq!(left.messages, 3);
}

#[tokio::test]
async fn a_queue_with_a_pace_gives_out_batches_and_pauses() {
    let slowdown = Duration::from_millis(30);
    let pace = Pace { batch_max: Some(2), slowdown, ..Pace::default() };
    let (sender, receiver) = open(Bounds { bytes: 1 << 20, messages: u64::MAX, pace });
    let mut five = chunk(b"a");
    for text in [b"b", b"c", b"d", b"e"] {
        five.bytes.extend_from_slice(text);
        five.end_message();
    }
    assert!(sender.try_push(&mut five));
    let start = clock::monotonic();
    let mut taken = Taken::default();
    for expected in [&b"ab"[..], b"cd", b"e"] {
        assert!(receiver.take(&mut taken).await);
        let chunk = taken.pop_front().unwrap();
        assert_eq!((&chunk.bytes[..], taken.len()), (expected, 0));
        receiver.done(chunk);
    }
    assert!(start.elapsed() >= slowdown * 2);
    assert_eq!(sender.gauge().depth(), (0, 0));
    drop(sender);
    assert!(!receiver.take(&mut taken).await);
}

#[tokio::test]
async fn a_batch_is_waited_for_but_not_for_ever() {
    let batch_wait = Duration::from_millis(40);
    let pace = Pace { batch_min: 2, batch_wait, ..Pace::default() };
    let (sender, receiver) = open(Bounds { bytes: 1 << 20, messages: u64::MAX, pace });
    let start = clock::monotonic();
    let mut taken = Taken::default();
    assert!(sender.try_push(&mut chunk(b"alone")));
    assert!(receiver.take(&mut taken).await);
    assert!(start.elapsed() >= batch_wait);
    assert!(sender.try_push(&mut chunk(b"one")));
    assert!(sender.try_push(&mut chunk(b"two")));
    assert!(receiver.take(&mut taken).await);
    assert_eq!(taken.len(), 3);
}

#[test]
fn the_memory_of_an_unusual_chunk_is_not_kept() {
    let (sender, receiver) = bounded(1 << 30);
    for (size, kept) in [(SPARE_BYTES / 2, true), (SPARE_BYTES * 2, false)] {
        assert!(sender.try_push(&mut chunk(&vec![b'x'; size])));
        let taken = receiver.shared.lock().chunks.pop_front().unwrap();
        receiver.done(taken);
        assert_eq!(receiver.shared.lock().spares.take().memory() > 0, kept, "{size}");
    }
}

#[test]
fn the_memory_of_a_backlog_is_given_back() {
    let (sender, receiver) = bounded(1 << 30);
    let spare = || receiver.shared.lock().spares.len();
    let backlog = |chunks: usize| {
        (0..chunks).for_each(|_| assert!(sender.try_push(&mut chunk(b"waits"))));
        let taken = std::mem::take(&mut receiver.shared.lock().chunks);
        taken.into_iter().for_each(|chunk| receiver.done(chunk));
    };
    backlog(8);
    assert_eq!(sender.gauge().trim(), 0, "it has just been needed");
    backlog(2);
    assert!(sender.gauge().trim() >= 6 * b"waits".len());
    assert_eq!(spare(), 2);
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

/// An output that panics gives back what it held, and the queue keeps to its bound until another
/// one takes: that gets all of it, in order.
#[tokio::test]
async fn a_panic_gives_back_what_was_taken() {
    let (sender, receiver) = bounded(1);
    sender.push(&mut chunk(b"one")).await;
    let first = receiver.again();
    let panicked = crate::base::poison::survived(async move {
        let mut taken = Taken::default();
        assert!(first.take(&mut taken).await && taken.len() == 1);
        panic!("in the middle");
    });
    assert_eq!(panicked.await, Err("in the middle".to_owned()));
    assert!(!sender.try_push(&mut chunk(b"two")), "it has no bound any more");
    let mut taken = Taken::default();
    assert!(receiver.take(&mut taken).await);
    let bytes: Vec<_> = taken.iter().map(|chunk| chunk.bytes.clone()).collect();
    assert_eq!(bytes, [b"one"]);
}
