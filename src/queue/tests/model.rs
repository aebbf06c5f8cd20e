//! Every order in which producers, the output and the end of either can meet in the queue in
//! memory. loom calls it a failure when everybody waits: a wake-up was lost.

use std::sync::Arc;

use loom::future::block_on;
use loom::thread;

use crate::base::sync::atomic::AtomicU32;
use crate::base::sync::atomic::Ordering;
use crate::base::sync::model::explore;
use crate::message::Ack;
use crate::queue::Chunk;
use crate::queue::Receiver;
use crate::queue::Sender;
use crate::queue::Taken;
use crate::queue::bounded;

pub(in crate::queue) fn chunk(number: u8) -> Chunk {
    let mut chunk = Chunk::default();
    chunk.bytes.push(number);
    chunk.end_message();
    chunk
}

/// Puts these in from a thread of its own, waiting for room, and lets go of the queue.
pub(in crate::queue) fn produce(sender: Sender, numbers: &'static [u8]) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for number in numbers {
            let mut chunk = chunk(*number);
            block_on(sender.push(&mut chunk));
            assert!(chunk.is_empty());
        }
    })
}

pub(in crate::queue) fn numbers<'a>(chunks: impl IntoIterator<Item = &'a Chunk>) -> Vec<u8> {
    chunks.into_iter().map(|chunk| chunk.bytes[0]).collect()
}

/// Waits for something, and delivers what there is; nothing when the queue has ended.
pub(in crate::queue) fn deliver_some(receiver: &Receiver) -> Vec<u8> {
    let mut taken = Taken::default();
    let mut delivered = Vec::new();
    assert_eq!(block_on(receiver.take(&mut taken)), !taken.is_empty());
    while let Some(chunk) = taken.pop_front() {
        delivered.extend(numbers([&chunk]));
        receiver.done(chunk);
    }
    delivered
}

/// Delivers until the queue ends.
pub(in crate::queue) fn deliver(receiver: &Receiver) -> Vec<u8> {
    let batches = std::iter::repeat_with(|| deliver_some(receiver));
    batches.take_while(|batch| !batch.is_empty()).flatten().collect()
}

fn sorted(mut numbers: Vec<u8>) -> Vec<u8> {
    numbers.sort_unstable();
    numbers
}

/// What is left in the queue.
fn left(sender: &Sender) -> Vec<u8> {
    numbers(&sender.shared.lock().chunks)
}

/// There is room for one at a time: each end waits for the other.
#[test]
fn two_producers_wait_for_room() {
    explore(|| {
        let (sender, receiver) = bounded(1);
        let gauge = sender.gauge();
        let producers = [produce(sender.clone(), &[1]), produce(sender, &[2])];
        assert_eq!(sorted(deliver(&receiver)), [1, 2]);
        assert_eq!(gauge.depth(), (0, 0));
        producers.into_iter().for_each(|producer| producer.join().unwrap());
    });
}

/// The order of each producer is kept, and the queue holds no more than it says.
#[test]
fn one_producer_waits_again_and_again() {
    explore(|| {
        let (sender, receiver) = bounded(1);
        let gauge = sender.gauge();
        let producer = produce(sender, &[1, 2, 3]);
        assert_eq!(deliver(&receiver), [1, 2, 3]);
        assert_eq!((gauge.depth(), gauge.most()), ((0, 0), 1));
        producer.join().unwrap();
    });
}

/// An output is ended with what it has taken, and another one takes over: nothing is lost, doubled
/// or out of order.
#[test]
fn what_an_output_held_is_taken_again() {
    explore(|| {
        let (sender, receiver) = bounded(2 * chunk(0).cost());
        let gauge = sender.gauge();
        let producer = produce(sender, &[1, 2, 3]);
        let first = receiver.again();
        let output = thread::spawn(move || {
            let mut taken = Taken::default();
            assert!(block_on(first.take(&mut taken)));
            let chunk = taken.pop_front().unwrap();
            let delivered = numbers([&chunk]);
            first.done(chunk);
            delivered
        });
        let mut delivered = output.join().unwrap();
        delivered.extend(deliver(&receiver));
        assert_eq!(delivered, [1, 2, 3]);
        assert_eq!(gauge.depth(), (0, 0));
        producer.join().unwrap();
    });
}

/// A stop ends the output at any time: those that wait for room put in what they have, and what the
/// output held is there too.
#[test]
fn nobody_waits_for_an_output_that_is_gone() {
    explore(|| {
        let (sender, receiver) = bounded(1);
        let producers = [produce(sender.clone(), &[1]), produce(sender.clone(), &[2])];
        let mut taken = Taken::default();
        assert!(block_on(receiver.take(&mut taken)));
        drop(receiver);
        drop(taken);
        producers.into_iter().for_each(|producer| producer.join().unwrap());
        assert_eq!(sorted(left(&sender)), [1, 2]);
        assert_eq!(sender.gauge().depth(), (2 * chunk(0).cost(), 2));
    });
}

/// A thread that an output has lent chunks to ends, and the output waits for more.
#[test]
fn what_a_thread_gives_back_wakes_the_output() {
    explore(|| {
        let (sender, receiver) = bounded(1 << 10);
        assert!(sender.try_push(&mut chunk(1)));
        let mut lent = Taken::default();
        assert!(block_on(receiver.take(&mut lent)));
        let thread = thread::spawn(move || drop(lent));
        let mut taken = Taken::default();
        assert!(block_on(receiver.take(&mut taken)));
        assert_eq!(numbers(taken.iter()), [1]);
        thread.join().unwrap();
        drop(sender);
    });
}

/// What an output held is given back while the queue's last sender goes.
#[test]
fn the_queue_does_not_end_before_all_is_taken() {
    explore(|| {
        let (sender, receiver) = bounded(1 << 10);
        let gauge = sender.gauge();
        assert!(sender.try_push(&mut chunk(1)));
        let mut held = Taken::default();
        assert!(block_on(receiver.take(&mut held)));
        let closing = thread::spawn(move || drop(sender));
        let ended = thread::spawn(move || {
            block_on(gauge.ended());
            gauge
        });
        drop(held);
        assert_eq!(deliver(&receiver), [1]);
        closing.join().unwrap();
        assert!(!ended.join().unwrap().is_over());
        drop(receiver);
    });
}

/// Of a batch with parts in two queues, the last one that is delivered tells, once, and has seen
/// what the other one did.
#[test]
fn the_last_delivery_of_two_queues_tells() {
    explore(|| {
        let told = Arc::new(AtomicU32::new(0));
        let delivered = Arc::new([AtomicU32::new(0), AtomicU32::new(0)]);
        let (seen, tell) = (delivered.clone(), told.clone());
        let ack = Ack::new(move || {
            assert!(seen.iter().all(|part| part.load(Ordering::Relaxed) == 1));
            tell.fetch_add(1, Ordering::Relaxed);
        });
        let outputs = [0, 1].map(|part| {
            let (sender, receiver) = bounded(1 << 10);
            let mut chunk = Chunk { ack: ack.clone(), ..chunk(1) };
            assert!(sender.try_push(&mut chunk));
            let delivered = delivered.clone();
            thread::spawn(move || {
                let mut taken = Taken::default();
                assert!(block_on(receiver.take(&mut taken)));
                delivered[part].store(1, Ordering::Relaxed);
                receiver.done(taken.pop_front().unwrap());
            })
        });
        drop(ack);
        outputs.into_iter().for_each(|output| output.join().unwrap());
        assert_eq!(told.load(Ordering::Relaxed), 1);
    });
}
