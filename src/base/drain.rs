//! The signals that travel to every task: stop taking in, and reopen files.

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::Weak;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use tokio::sync::watch;

use crate::base::sync::Mutex;
use crate::base::sync::MutexGuard;

/// The sending half; one in the engine.
#[derive(Debug)]
pub struct Control {
    stop: watch::Sender<bool>,
    reopen: watch::Sender<u64>,
    branches: Mutex<Vec<Weak<watch::Sender<bool>>>>,
    given_up: Arc<AtomicBool>,
}

/// Stops a part of the tasks: one input. A stop of all stops them as well; dropped, it has stopped
/// them.
#[derive(Debug)]
pub struct Branch {
    stop: Arc<watch::Sender<bool>>,
}

/// The receiving half; every task holds a clone.
#[derive(Clone, Debug)]
pub struct Signals {
    stop: watch::Receiver<bool>,
    reopen: watch::Receiver<u64>,
    given_up: Arc<AtomicBool>,
}

impl Control {
    #[must_use]
    pub fn new() -> (Self, Signals) {
        let (stop, stopped) = watch::channel(false);
        let (reopen, reopened) = watch::channel(0);
        let given_up = Arc::new(AtomicBool::new(false));
        let signals = Signals { stop: stopped, reopen: reopened, given_up: given_up.clone() };
        (Self { stop, reopen, branches: Mutex::new(Vec::new()), given_up }, signals)
    }

    /// Inputs stop taking in; queues drain.
    pub fn stop(&self) {
        let branches = self.lock();
        self.stop.send_replace(true);
        for branch in branches.iter().filter_map(Weak::upgrade) {
            branch.send_replace(true);
        }
    }

    /// Signals whose stop may come before that of all others.
    #[must_use]
    pub fn branch(&self) -> (Branch, Signals) {
        let mut branches = self.lock();
        let (stop, stopped) = watch::channel(*self.stop.borrow());
        let stop = Arc::new(stop);
        branches.retain(|branch| branch.strong_count() > 0);
        branches.push(Arc::downgrade(&stop));
        let (reopen, given_up) = (self.reopen.subscribe(), self.given_up.clone());
        (Branch { stop }, Signals { stop: stopped, reopen, given_up })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<watch::Sender<bool>>>> {
        // A list of who is to be told cannot be left half changed.
        self.branches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// SIGHUP: outputs close and open their files again.
    pub fn reopen(&self) {
        self.reopen.send_modify(|generation| *generation += 1);
    }
}

impl Branch {
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Returns when no task holds these signals any more.
    pub async fn ended(&self) {
        self.stop.closed().await;
    }
}

impl Signals {
    #[must_use]
    pub fn stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Returns once a stop was asked for (at once if it was before).
    pub async fn stopped(&mut self) {
        // An error means that the engine is gone, which is a stop as well.
        if self.stop.wait_for(|stop| *stop).await.is_err() {}
    }

    /// Returns at the next SIGHUP that this clone has not seen; never, once the engine is gone.
    pub async fn reopened(&mut self) {
        if self.reopen.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// The time to deliver is up: acknowledgements that come from now on are none, since what is
    /// dropped was not delivered.
    pub fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    /// Set by [`Signals::give_up`]. To be asked by who acknowledges what can be read again.
    #[must_use]
    pub const fn given_up(&self) -> &Arc<AtomicBool> {
        &self.given_up
    }

    /// Whether a SIGHUP came since this clone last looked.
    pub fn take_reopen(&mut self) -> bool {
        let changed = self.reopen.has_changed().unwrap_or(false);
        self.reopen.mark_unchanged();
        changed
    }
}

#[cfg(all(test, model))]
mod model {
    use loom::thread;

    use super::*;
    use crate::base::sync::model::explore;

    /// tokio's channel is one step here, which only the lock makes right.
    #[test]
    fn no_branch_is_overlooked_by_a_stop() {
        explore(|| {
            let control = Arc::new(Control::new().0);
            let theirs = control.clone();
            let branching = thread::spawn(move || theirs.branch());
            let (_early, early) = control.branch();
            control.stop();
            let (_branch, signals) = branching.join().unwrap();
            assert!(early.stopping() && signals.stopping());
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_branch_stops_alone_and_with_all() {
        let (control, all) = Control::new();
        let (one, mut ones) = control.branch();
        let (_other, mut others) = control.branch();
        one.stop();
        ones.stopped().await;
        assert!(ones.stopping() && !others.stopping() && !all.stopping());
        drop(ones);
        one.ended().await;
        control.stop();
        others.stopped().await;
        assert!(all.stopping());
        let (_late, mut lates) = control.branch();
        lates.stopped().await;
        control.reopen();
        lates.reopened().await;
    }
}
