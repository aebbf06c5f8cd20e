//! Memory, disk and memory again: nothing is lost, nothing is out of order.

use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use proptest::prelude::Just;
use proptest::prelude::ProptestConfig;
use proptest::prelude::any;
use proptest::prop_assert_eq;
use proptest::prop_oneof;
use proptest::proptest;
use proptest::strategy::Strategy;
use tempfile::TempDir;

use crate::base::reporter::Said;
use crate::disk;
use crate::disk::Files;
use crate::disk::broken::Broken;
use crate::disk::broken::Faults;
use crate::message::Ack;
use crate::queue::Bounds;
use crate::queue::Chunk;
use crate::queue::Marks;
use crate::queue::Pace;
use crate::queue::Receiver;
use crate::queue::Sender;
use crate::queue::Spool;
use crate::queue::SpoolSpec;
use crate::queue::SpoolStats;
use crate::queue::Taken;
use crate::queue::open;

const SOON: Duration = Duration::from_secs(10);

struct Queue {
    sender: Sender,
    receiver: Receiver,
    spool: Spool,
    stats: Arc<SpoolStats>,
    said: Arc<Said>,
}

/// Goes to disk from `high` messages on, and is read back below `low`.
fn marks(high: u64, low: u64) -> Marks {
    Marks {
        always: false,
        high_bytes: 1 << 20,
        high_messages: high,
        low_bytes: 1 << 19,
        low_messages: low,
        waiting_bytes: 1 << 20,
    }
}

fn start(dir: &Path, marks: Marks, bytes_max: Option<u64>) -> Queue {
    start_on(disk::System, dir, marks, bytes_max)
}

/// Gives out so many messages at once.
fn start_paced(dir: &Path, marks: Marks, batch_max: u64) -> Queue {
    let pace = Pace { batch_max: Some(batch_max), ..Pace::default() };
    start_at(pace, disk::System, dir, marks, None)
}

fn start_on<F>(files: F, dir: &Path, marks: Marks, bytes_max: Option<u64>) -> Queue
where
    F: Files + Send + 'static,
    F::File: Send,
    F::Lock: Send,
{
    start_at(Pace::default(), files, dir, marks, bytes_max)
}

fn start_at<F>(pace: Pace, files: F, dir: &Path, marks: Marks, bytes_max: Option<u64>) -> Queue
where
    F: Files + Send + 'static,
    F::File: Send,
    F::Lock: Send,
{
    let bounds = Bounds { bytes: 1 << 20, messages: u64::MAX, pace };
    let (sender, receiver) = open(bounds);
    let (stats, said) = (Arc::new(SpoolStats::default()), Arc::new(Said::default()));
    let spec = SpoolSpec {
        name: "test".into(),
        directory: dir.to_owned(),
        file: "q".to_owned(),
        segment_bytes: 64 << 10,
        bytes_max,
        marks,
        sync: true,
        save: true,
        reporter: said.clone(),
        stats: stats.clone(),
    };
    let spool = Spool::start_on(files, &sender, spec).unwrap();
    Queue { sender, receiver, spool, stats, said }
}

fn chunk(number: u32) -> Chunk {
    padded(number, 0)
}

/// The same with so many bytes more.
fn padded(number: u32, padding: usize) -> Chunk {
    let mut chunk = Chunk::default();
    chunk.bytes.extend_from_slice(format!("message {number} ").as_bytes());
    chunk.bytes.resize(chunk.bytes.len() + padding, b' ');
    chunk.end_message();
    chunk
}

fn number(chunk: &Chunk) -> u32 {
    let text = std::str::from_utf8(&chunk.bytes).unwrap();
    text.trim_end().split(' ').nth(1).unwrap().parse().unwrap()
}

fn until(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < SOON, "it did not come true");
        std::thread::sleep(Duration::from_millis(1));
    }
}

impl Queue {
    async fn push(&self, numbers: std::ops::Range<u32>) {
        for number in numbers {
            self.sender.push(&mut chunk(number)).await;
        }
    }

    /// Takes and delivers until it has `count` of them.
    async fn deliver(&self, count: usize) -> Vec<u32> {
        let mut numbers = Vec::new();
        let mut taken = Taken::default();
        while numbers.len() < count {
            let take = tokio::time::timeout(SOON, self.receiver.take(&mut taken));
            assert!(take.await.unwrap());
            while let Some(chunk) = taken.pop_front() {
                if numbers.len() == count {
                    taken.push_front(chunk);
                    break;
                }
                numbers.push(number(&chunk));
                self.receiver.done(chunk);
            }
        }
        numbers
    }

    fn close(self) {
        drop(self.sender);
        drop(self.receiver);
        self.spool.end();
        assert!(self.spool.join(Instant::now() + SOON));
    }
}

#[tokio::test]
async fn what_memory_has_no_room_for_comes_back_in_order() {
    let dir = TempDir::new().unwrap();
    let queue = start(dir.path(), marks(10, 20), None);
    queue.push(0..500).await;
    until(|| queue.stats.written.get() == 490);
    assert_eq!(queue.sender.gauge().depth().1, 500);
    assert_eq!(queue.deliver(500).await, (0..500).collect::<Vec<_>>());
    // Once the disk is empty, memory is enough again.
    until(|| queue.sender.gauge().depth() == (0, 0));
    queue.push(500..505).await;
    assert_eq!(queue.stats.written.get(), 490);
    assert_eq!(queue.deliver(5).await, (500..505).collect::<Vec<_>>());
    queue.close();
}

#[tokio::test]
async fn a_token_is_dropped_when_the_disk_has_its_message() {
    let dir = TempDir::new().unwrap();
    let queue = start(dir.path(), Marks { always: true, ..marks(10, 10) }, None);
    let told = Arc::new(AtomicU32::new(0));
    let seen = told.clone();
    let mut first = chunk(0);
    first.ack = Ack::new(move || {
        seen.fetch_add(1, Ordering::Relaxed);
    });
    queue.sender.push(&mut first).await;
    until(|| told.load(Ordering::Relaxed) == 1);
    assert_eq!(queue.sender.gauge().depth().1, 1, "it is not delivered yet");
    queue.close();
}

/// What was taken and not delivered, what is in memory, on disk, and on its way there.
#[tokio::test]
async fn a_stop_keeps_everything_and_its_order() {
    let dir = TempDir::new().unwrap();
    let mut next = 0;
    for (pushed, delivered) in [(300_u32, 0_u32), (0, 100), (50, 150), (4, 100), (0, 4)] {
        let queue = start(dir.path(), marks(10, 20), None);
        let before = queue.stats.recovered.get();
        assert_eq!(before, u64::from(next_end(&queue) - next));
        let end = next_end(&queue);
        queue.push(end..end + pushed).await;
        let expected: Vec<u32> = (next..next + delivered).collect();
        assert_eq!(queue.deliver(delivered as usize).await, expected);
        next += delivered;
        let (stats, gauge) = (queue.stats.clone(), queue.sender.gauge());
        queue.close();
        ENDS.store(end + pushed, Ordering::Relaxed);
        assert_eq!(stats.saved.get(), u64::from(end + pushed - next));
        assert_eq!(gauge.depth().1, 0, "nothing is left that is not saved");
    }
}

/// One more than the last number that was pushed so far.
static ENDS: AtomicU32 = AtomicU32::new(0);

fn next_end(_: &Queue) -> u32 {
    ENDS.load(Ordering::Relaxed)
}

#[tokio::test]
async fn a_disk_that_may_not_grow_holds_the_inputs_back_until_it_has_room() {
    let dir = TempDir::new().unwrap();
    let queue = start(dir.path(), marks(1, 2), Some(128 << 10));
    let mut number = 0;
    let mut quiet = Instant::now();
    while quiet.elapsed() < Duration::from_millis(300) {
        if queue.sender.try_push(&mut padded(number, 20_000)) {
            number += 1;
            quiet = Instant::now();
        } else {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    assert!((30..90).contains(&number), "{number} were taken");
    let full = queue.said.0.lock().unwrap().len();
    assert_eq!(full, 1, "it is said once");
    assert_eq!(queue.deliver(number as usize).await, (0..number).collect::<Vec<_>>());
    queue.push(number..number + 3).await;
    assert_eq!(queue.deliver(3).await, (number..number + 3).collect::<Vec<_>>());
    queue.close();
}

/// No room, then room again; writes and syncs that fail now and then.
#[tokio::test]
async fn a_disk_that_fails_loses_nothing_and_is_said_once() {
    let failing = [
        Faults { room: Some(200_000), ..Faults::default() },
        Faults { sync_error: Some(0), ..Faults::default() },
        Faults { write_error: Some(0), short: true, ..Faults::default() },
    ];
    for faults in failing {
        let files = Broken::new(7);
        let dir = Path::new("/work");
        let queue = start_on(files.clone(), dir, marks(10, 20), None);
        queue.push(0..50).await;
        files.set(faults);
        for number in 50..400 {
            queue.sender.push(&mut padded(number, 2000)).await;
        }
        until(|| queue.stats.failures.get() > 0);
        files.set(Faults::default());
        let got = queue.deliver(400).await;
        assert_eq!(got, (0..400).collect::<Vec<_>>(), "{faults:?}");
        let said = queue.said.0.lock().unwrap().clone();
        let errors = said.iter().filter(|text| text.contains("cannot write")).count();
        assert_eq!(errors, 1, "{faults:?}: {said:?}");
        queue.close();
    }
}

/// A record has a bound. More messages than it takes are more than one; one that is larger than
/// that is dropped, and stands in nobody's way.
#[tokio::test]
async fn what_no_record_takes_is_dropped_and_told() {
    let dir = TempDir::new().unwrap();
    let queue = start(dir.path(), marks(1, 2), None);
    queue.push(0..1).await;
    let mut two = padded(1, 40 << 20);
    two.bytes.extend_from_slice(&padded(2, 40 << 20).bytes);
    two.end_message();
    queue.sender.push(&mut two).await;
    queue.sender.push(&mut padded(3, 65 << 20)).await;
    queue.push(4..5).await;
    until(|| queue.stats.written.get() == 3);
    assert_eq!(queue.stats.too_large.get(), 1);
    assert_eq!(queue.sender.gauge().depth().1, 4);
    assert_eq!(queue.deliver(4).await, [0, 1, 2, 4]);
    let said = queue.said.0.lock().unwrap().clone();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("drops a message of 68157"), "{said:?}");
    queue.close();
}

/// The same at a stop, in front of what is on disk.
#[tokio::test]
async fn what_no_record_takes_does_not_keep_the_rest_from_being_saved() {
    let dir = TempDir::new().unwrap();
    let queue = start(dir.path(), Marks { high_bytes: 100 << 20, ..marks(3, 2) }, None);
    queue.sender.push(&mut padded(0, 65 << 20)).await;
    queue.push(1..10).await;
    until(|| queue.stats.written.get() == 7);
    let (stats, gauge) = (queue.stats.clone(), queue.sender.gauge());
    queue.close();
    assert_eq!((stats.too_large.get(), stats.saved.get(), gauge.depth().1), (1, 9, 0));
}

/// Somebody removes the directory: what was there alone is lost and counted, what memory has goes
/// on, and what comes is on disk again. What is gone is not called saved.
#[tokio::test]
async fn a_directory_that_is_removed_costs_what_was_in_it() {
    let above = TempDir::new().unwrap();
    let dir = above.path().join("spool");
    std::fs::create_dir(&dir).unwrap();
    let queue = start(&dir, marks(10, 20), None);
    queue.push(0..100).await;
    until(|| queue.stats.written.get() == 90);
    // Eleven more come to memory, and have their place on disk.
    assert_eq!(queue.deliver(1).await, [0]);
    until(|| queue.stats.read.get() >= 11);
    let read = u32::try_from(queue.stats.read.get()).unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
    let lost = u64::from(90 - read);
    // Nothing older is on disk any more when this one cannot go there.
    queue.push(100..101).await;
    until(|| queue.stats.damaged.get() == lost);
    queue.push(101..110).await;
    until(|| queue.stats.written.get() == 99);
    let said = queue.said.0.lock().unwrap().clone();
    assert!(said.iter().any(|text| text.contains("its file is gone")), "{said:?}");
    assert_eq!(queue.sender.gauge().depth().1, u64::from(9 + read) + 10);
    std::fs::remove_dir_all(&dir).unwrap();
    let (stats, gauge) = (queue.stats.clone(), queue.sender.gauge());
    queue.close();
    // The last nine were on disk alone, and that is gone again.
    assert_eq!((stats.damaged.get(), stats.saved.get()), (lost + 9, u64::from(10 + read)));
    assert_eq!(gauge.depth().1, 0);
    let queue = start(&dir, marks(10, 20), None);
    let kept: Vec<u32> = (1..10 + read).chain([100]).collect();
    assert_eq!(queue.deliver(kept.len()).await, kept);
    queue.close();
}

/// Whoever was told that a message is safe is right, whatever becomes of the machine.
#[tokio::test]
async fn what_was_acknowledged_survives_a_loss_of_power() {
    let dir = Path::new("/work");
    for seed in 0..20 {
        let files = Broken::new(seed);
        let always = Marks { always: true, ..marks(10, 10) };
        let queue = start_on(files.clone(), dir, always, None);
        let told = Arc::new(Mutex::new(Vec::new()));
        files.set(Faults { stop: Some(5 + u32::try_from(seed).unwrap()), ..Faults::default() });
        for number in 0..60 {
            let mut chunk = chunk(number);
            let told = told.clone();
            chunk.ack = Ack::new(move || told.lock().unwrap().push(number));
            queue.sender.push(&mut chunk).await;
            std::thread::sleep(Duration::from_micros(300));
        }
        until(|| queue.stats.failures.get() > 0);
        let told = told.lock().unwrap().clone();
        queue.close();
        files.lose_power();
        files.set(Faults::default());
        files.restart();
        let queue = start_on(files.clone(), dir, always, None);
        let there = usize::try_from(queue.stats.recovered.get()).unwrap();
        let got = queue.deliver(there).await;
        let lost: Vec<&u32> = told.iter().filter(|number| !got.contains(number)).collect();
        assert!(lost.is_empty(), "seed {seed}: {lost:?} of {told:?}");
        queue.close();
    }
}

/// A step of what may happen to a queue.
#[derive(Clone, Copy, Debug)]
enum Op {
    Push(u32),
    /// As far as there is anything.
    Deliver(usize),
    /// The output is ended while it holds everything that can be taken.
    Stop,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        (1..60_u32).prop_map(Op::Push),
        (1..60_usize).prop_map(Op::Deliver),
        Just(Op::Stop),
    ];
    proptest::collection::vec(op, 1..14)
}

/// Runs `ops`, and delivers what is left at the end. Gives all that was delivered.
async fn run(ops: &[Op], marks: Marks) -> (u32, Vec<u32>) {
    let files = Broken::new(3);
    let dir = Path::new("/work");
    let mut queue = start_on(files.clone(), dir, marks, None);
    let (mut next, mut got) = (0, Vec::new());
    for op in ops.iter().chain([&Op::Deliver(usize::MAX)]) {
        let left = next as usize - got.len();
        match *op {
            Op::Push(count) => {
                queue.push(next..next + count).await;
                next += count;
            }
            Op::Deliver(count) => got.extend(queue.deliver(count.min(left)).await),
            Op::Stop => {
                let mut held = Taken::default();
                if left > 0 {
                    assert!(queue.receiver.take(&mut held).await);
                }
                drop(held);
                let stats = queue.stats.clone();
                queue.close();
                assert_eq!(stats.saved.get(), left as u64);
                queue = start_on(files.clone(), dir, marks, None);
                assert_eq!(queue.stats.recovered.get(), left as u64);
            }
        }
    }
    queue.close();
    (next, got)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the order of pushes, deliveries and stops: each message is delivered once.
    #[test]
    fn every_message_is_delivered_once(ops in ops(), always in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let marks = Marks { always, ..marks(10, 20) };
        let (next, mut got) = runtime.block_on(run(&ops, marks));
        got.sort_unstable();
        prop_assert_eq!(got, (0..next).collect::<Vec<_>>());
    }
}

/// A queue that gives out two messages at once, of a record with five; what it gives out first.
async fn cut(dir: &Path) -> (Queue, Vec<Taken>) {
    let queue = start_paced(dir, Marks { always: true, ..marks(1, 100) }, 2);
    let mut record = Chunk::default();
    for number in 0..5 {
        record.bytes.extend_from_slice(format!("message {number} ").as_bytes());
        record.end_message();
    }
    queue.sender.push(&mut record).await;
    let mut batches = Vec::new();
    for _ in 0..3 {
        let mut taken = Taken::default();
        assert!(tokio::time::timeout(SOON, queue.receiver.take(&mut taken)).await.unwrap());
        batches.push(taken);
    }
    assert_eq!(batches.iter().map(|batch| batch[0].len()).collect::<Vec<_>>(), [2, 2, 1]);
    (queue, batches)
}

fn left_in(dir: &Path) -> (u64, String) {
    let queue = start(dir, marks(1000, 1000), None);
    let recovered = queue.stats.recovered.get();
    let gauge = queue.sender.gauge();
    until(|| gauge.on_disk() == 0);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut text = String::new();
    let mut taken = Taken::default();
    while gauge.depth().1 > 0 {
        assert!(runtime.block_on(queue.receiver.take(&mut taken)));
        while let Some(chunk) = taken.pop_front() {
            text.push_str(std::str::from_utf8(&chunk.bytes).unwrap());
            queue.receiver.done(chunk);
        }
    }
    queue.close();
    (recovered, text)
}

const FIVE: &str = "message 0 message 1 message 2 message 3 message 4 ";

/// The record is there until all of it is delivered, so nothing of it is saved beside it.
#[test]
fn parts_of_a_record_are_not_saved_beside_it() {
    let dir = TempDir::new().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (queue, mut batches) = runtime.block_on(cut(dir.path()));
    queue.receiver.done(batches[0].pop_front().unwrap());
    drop(batches);
    let stats = queue.stats.clone();
    queue.close();
    assert_eq!(stats.saved.get(), 3, "two are delivered");
    assert_eq!(left_in(dir.path()), (5, FIVE.to_owned()));
}

/// Of several targets, the one with the last part may be the first that is through.
#[test]
fn a_record_is_delivered_when_all_its_parts_are() {
    let dir = TempDir::new().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (queue, mut batches) = runtime.block_on(cut(dir.path()));
    for batch in batches.iter_mut().rev().take(2) {
        queue.receiver.done(batch.pop_front().unwrap());
    }
    // What it took and did not deliver is lost with the process.
    let lost: Vec<Chunk> = batches.iter_mut().flat_map(|batch| batch.drain(..)).collect();
    queue.close();
    assert_eq!(lost.len(), 1);
    assert_eq!(left_in(dir.path()), (5, FIVE.to_owned()));
}

#[test]
fn a_record_whose_parts_are_delivered_is_gone() {
    let dir = TempDir::new().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (queue, mut batches) = runtime.block_on(cut(dir.path()));
    for at in [1, 2, 0] {
        queue.receiver.done(batches[at].pop_front().unwrap());
    }
    queue.close();
    assert_eq!(left_in(dir.path()), (0, String::new()));
}
