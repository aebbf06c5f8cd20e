//! The disk's thread between producers and an output: loom's condition variable never wakes by
//! itself, so that a wake-up which only the nap would make good is found too.

use std::sync::Arc;

use loom::future::block_on;
use loom::thread;

use crate::base::reporter::Said;
use crate::base::sync::model::explore_up_to;
use crate::disk::broken::Broken;
use crate::queue::Marks;
use crate::queue::Receiver;
use crate::queue::Sender;
use crate::queue::SpoolSpec;
use crate::queue::SpoolStats;
use crate::queue::Taken;
use crate::queue::bounded;
use crate::queue::memory::Leave;
use crate::queue::memory::Shared;
use crate::queue::spool::Worker;
use crate::queue::tests::model::deliver;
use crate::queue::tests::model::deliver_some;
use crate::queue::tests::model::numbers;
use crate::queue::tests::model::produce;

struct Disk {
    shared: Arc<Shared>,
    stats: Arc<SpoolStats>,
    thread: thread::JoinHandle<()>,
}

impl Disk {
    /// Memory holds one message; the rest goes to a disk in memory.
    fn start() -> (Sender, Receiver, Self) {
        let marks = Marks {
            always: false,
            high_bytes: 1 << 20,
            high_messages: 1,
            low_bytes: 1 << 20,
            low_messages: 1,
            waiting_bytes: 1 << 20,
        };
        let stats = Arc::new(SpoolStats::default());
        let spec = SpoolSpec {
            name: "model".into(),
            directory: "/".into(),
            file: "q".to_owned(),
            segment_bytes: 4 << 10,
            bytes_max: None,
            marks,
            sync: true,
            save: true,
            reporter: Arc::new(Said::default()),
            stats: stats.clone(),
        };
        let (sender, receiver) = bounded(1 << 20);
        let shared = sender.shared.clone();
        let worker = Worker::open(Broken::new(1), shared.clone(), spec).unwrap();
        let thread = thread::spawn(move || worker.run());
        (sender, receiver, Self { shared, stats, thread })
    }

    /// Waits for its end; how many messages are on disk then.
    fn end(self) -> u64 {
        self.thread.join().unwrap();
        self.stats.saved.get()
    }
}

/// Through the disk and back: all of it, in order, and nothing is left. The disk hears of it though
/// the queue goes on.
#[test]
fn what_went_to_disk_comes_back() {
    explore_up_to(1, || {
        let (sender, receiver, disk) = Disk::start();
        let producer = produce(sender.clone(), &[1, 2, 3]);
        let mut delivered = Vec::new();
        while delivered.len() < 3 {
            delivered.extend(deliver_some(&receiver));
        }
        assert_eq!(delivered, [1, 2, 3]);
        assert_eq!(sender.gauge().depth(), (0, 0));
        producer.join().unwrap();
        disk.shared.leave(Leave::Now);
        assert_eq!(disk.end(), 0);
    });
}

/// The last sender goes at any time: what is on disk, or on its way there, is waited for.
#[test]
fn the_queue_does_not_end_before_its_disk_is_read() {
    explore_up_to(1, || {
        let (sender, receiver, disk) = Disk::start();
        let producer = produce(sender, &[1, 2]);
        assert_eq!(deliver(&receiver), [1, 2]);
        producer.join().unwrap();
        disk.shared.leave(Leave::Now);
        assert_eq!(disk.end(), 0);
    });
}

/// The output is ended while the producer goes on, and the disk's thread ends by itself when both
/// are gone: what was not delivered is on disk.
#[test]
fn what_is_not_delivered_is_saved() {
    explore_up_to(1, || {
        let (sender, receiver, disk) = Disk::start();
        disk.shared.leave(Leave::WhenUnused);
        let producer = produce(sender, &[1, 2, 3]);
        let mut taken = Taken::default();
        assert!(block_on(receiver.take(&mut taken)));
        let first = taken.pop_front().unwrap();
        assert_eq!(numbers([&first]), [1]);
        receiver.done(first);
        drop(receiver);
        drop(taken);
        producer.join().unwrap();
        assert_eq!(disk.end(), 2);
    });
}
