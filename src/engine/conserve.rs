//! The relay's look at its own books while it runs: of each action, what was queued is what was
//! delivered, what was dropped, and what the queue holds.

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use crate::base::clock;
use crate::base::reporter::Level;
use crate::base::reporter::Reporter;
use crate::engine::Summary;
use crate::engine::summary::ActionCounters;
use crate::net::sys;

/// Time between two looks, at most. Each takes the lock of every queue twice.
pub(super) const CHECK_EVERY: Duration = Duration::from_secs(60);

/// Time between two trims, at least: looks may be as frequent as `impstats` reports.
const TRIM_EVERY: Duration = Duration::from_secs(30);
/// Bytes that are worth asking the allocator to give back.
const WORTH_GIVING_BACK: usize = 1 << 20;

/// Who looks.
#[derive(Debug)]
pub(super) struct Watch {
    actions: Vec<Watched>,
    /// When memory is given back next, at the earliest.
    trim_at: Instant,
}

#[derive(Debug)]
struct Watched {
    counters: ActionCounters,
    said: bool,
}

impl Watch {
    pub(super) fn new(summary: &Summary) -> Self {
        let watched =
            |counters: &ActionCounters| Watched { counters: counters.clone(), said: false };
        let actions = summary.actions.iter().map(watched).collect();
        Self { actions, trim_at: clock::monotonic() + TRIM_EVERY }
    }

    /// Looks from now on at the actions of `summary`; what was said of those that are still there
    /// is not said again.
    pub(super) fn follow(&mut self, summary: &Summary) {
        let mut new = Self::new(summary).actions;
        for action in &mut new {
            let same = |old: &&Watched| Arc::ptr_eq(&old.counters.outlet, &action.counters.outlet);
            action.said = self.actions.iter().find(same).is_some_and(|old| old.said);
        }
        self.actions = new;
    }

    /// Gives back what the queues have not needed for a while.
    fn trim(&mut self) {
        let now = clock::monotonic();
        if now < self.trim_at {
            return;
        }
        self.trim_at = now + TRIM_EVERY;
        let freed: usize = self.actions.iter().map(|action| action.counters.queue.trim()).sum();
        if freed >= WORTH_GIVING_BACK {
            sys::give_memory_back();
        }
    }

    /// Looks at every action, and says of each once that its books do not balance.
    pub(super) fn check(&mut self, reporter: &dyn Reporter) {
        self.trim();
        for action in &mut self.actions {
            let what = match (action.counters.missing(), action.counters.surplus()) {
                (0, 0) => continue,
                (0, surplus) => {
                    format!("{surplus} messages came out of its queue that never went in")
                }
                (missing, _) => format!("{missing} messages went into its queue and are nowhere"),
            };
            if !std::mem::replace(&mut action.said, true) {
                let text = format!("action '{}': {what}: this is a bug", action.counters.name);
                reporter.say(Level::Error, text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use std::sync::atomic::Ordering;
    use std::thread;

    use super::*;
    use crate::base::reporter::Said;
    use crate::queue;
    use crate::queue::Chunk;

    /// A queue with its counters, as an action has them.
    fn action() -> (queue::Sender, queue::Receiver, ActionCounters) {
        let (sender, receiver) = queue::bounded(1 << 12);
        let queue = sender.gauge();
        let (outlet, output, stored) = Default::default();
        (sender, receiver, ActionCounters { name: "a".into(), outlet, output, queue, stored })
    }

    fn watch(counters: &ActionCounters) -> Watch {
        let actions = vec![counters.clone()];
        Watch::new(&Summary { actions, ..Summary::default() })
    }

    #[test]
    fn a_leak_is_said_once() {
        let (_sender, _receiver, counters) = action();
        let (mut watch, reporter) = (watch(&counters), Said::default());
        counters.outlet.queued.add(3);
        counters.output.delivered.add(1);
        (0..3).for_each(|_| watch.check(&reporter));
        let said = reporter.0.into_inner().unwrap();
        assert_eq!(
            said,
            ["action 'a': 2 messages went into its queue and are nowhere: this is a bug"]
        );
    }

    #[test]
    fn too_many_are_said_as_well() {
        let (_sender, _receiver, counters) = action();
        let (mut watch, reporter) = (watch(&counters), Said::default());
        counters.outlet.rendered.add(2);
        counters.output.delivered.add(2);
        // It is about to be counted as queued.
        watch.check(&reporter);
        assert!(reporter.0.lock().unwrap().is_empty());
        counters.output.dropped_unsendable.add(1);
        watch.check(&reporter);
        assert_eq!(reporter.0.lock().unwrap().len(), 1);
    }

    /// Whatever is on its way while it looks, there is no false alarm.
    #[test]
    fn traffic_is_no_imbalance() {
        let (sender, receiver, counters) = action();
        let (mut watch, reporter) = (watch(&counters), Said::default());
        let done = Arc::new(AtomicBool::new(false));
        let (outlet, output, ended) = (counters.outlet, counters.output, done.clone());
        let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
        let takes = thread::spawn(move || {
            let mut taken = queue::Taken::default();
            runtime().block_on(async {
                while receiver.take(&mut taken).await {
                    for chunk in taken.drain(..) {
                        output.delivered.add(chunk.len() as u64);
                        receiver.done(chunk);
                    }
                }
            });
        });
        let puts = thread::spawn(move || {
            runtime().block_on(async {
                for n in 0..20_000_u64 {
                    let mut chunk = Chunk::default();
                    (0..n % 7).for_each(|_| chunk.end_message());
                    outlet.rendered.add(n % 7);
                    sender.push(&mut chunk).await;
                    outlet.queued.add(n % 7);
                }
            });
            ended.store(true, Ordering::Release);
        });
        let mut looks = 0;
        while !done.load(Ordering::Acquire) {
            watch.check(&reporter);
            looks += 1;
        }
        puts.join().unwrap();
        takes.join().unwrap();
        watch.check(&reporter);
        assert_eq!(reporter.0.into_inner().unwrap(), [""; 0], "after {looks} looks");
        assert_eq!(watch.actions[0].counters.imbalance(), 0);
    }
}
