//! The signals that travel to every task: stop taking in, and reopen files.

use tokio::sync::watch;

/// The sending half; one in the engine.
#[derive(Debug)]
pub struct Control {
    stop: watch::Sender<bool>,
    reopen: watch::Sender<u64>,
}

/// The receiving half; every task holds a clone.
#[derive(Clone, Debug)]
pub struct Signals {
    stop: watch::Receiver<bool>,
    reopen: watch::Receiver<u64>,
}

impl Control {
    #[must_use]
    pub fn new() -> (Self, Signals) {
        let (stop, stopped) = watch::channel(false);
        let (reopen, reopened) = watch::channel(0);
        (Self { stop, reopen }, Signals { stop: stopped, reopen: reopened })
    }

    /// Inputs stop taking in; queues drain.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// SIGHUP: outputs close and open their files again.
    pub fn reopen(&self) {
        self.reopen.send_modify(|generation| *generation += 1);
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

    /// Whether a SIGHUP came since this clone last looked.
    pub fn take_reopen(&mut self) -> bool {
        let changed = self.reopen.has_changed().unwrap_or(false);
        self.reopen.mark_unchanged();
        changed
    }
}
