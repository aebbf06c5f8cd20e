//! What models are made with: how far they go, and tokio's `Notify` where loom can see it.

use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use loom::sync::Mutex;
use loom::sync::MutexGuard;

/// Switches between threads in the midst of what they do. Each thread that waits or ends makes
/// room for the others besides, in any order.
const PREEMPTIONS: usize = 2;
/// Steps of all threads in one run.
const STEPS: usize = 10_000;

/// Runs `case` in every order that its threads can take their steps in, and with every value that
/// an atomic may show them. When nobody can go on (a wake-up was lost), that is a failure.
///
/// `LOOM_MAX_PREEMPTIONS` is another number of switches; `LOOM_LOG=trace` shows the steps.
///
/// # Panics
/// In the first run that fails.
pub fn explore(case: impl Fn() + Send + Sync + 'static) {
    explore_up_to(PREEMPTIONS, case);
}

/// The same with so many switches, for what takes many steps.
///
/// # Panics
/// In the first run that fails.
pub fn explore_up_to(preemptions: usize, case: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = STEPS;
    builder.preemption_bound.get_or_insert(preemptions);
    builder.check(case);
}

/// tokio's own. Each call is one step, as tokio's models show that it is; the lock around it tells
/// loom of that step, and orders what stands before and behind it.
#[derive(Debug)]
pub struct Notify {
    step: Mutex<()>,
    inner: tokio::sync::Notify,
}

#[derive(Debug)]
pub struct Notified<'a> {
    notify: &'a Notify,
    /// There until it is dropped, which is a step too.
    inner: Option<Pin<Box<tokio::sync::futures::Notified<'a>>>>,
}

impl Notify {
    pub fn new() -> Self {
        Self { step: Mutex::new(()), inner: tokio::sync::Notify::new() }
    }

    pub fn notify_one(&self) {
        let _step = self.step();
        self.inner.notify_one();
    }

    pub fn notify_waiters(&self) {
        let _step = self.step();
        self.inner.notify_waiters();
    }

    pub fn notified(&self) -> Notified<'_> {
        let _step = self.step();
        Notified { notify: self, inner: Some(Box::pin(self.inner.notified())) }
    }

    fn step(&self) -> MutexGuard<'_, ()> {
        self.step.lock().expect("no step panics")
    }
}

impl Notified<'_> {
    pub fn enable(mut self: Pin<&mut Self>) -> bool {
        let _step = self.notify.step();
        self.inner.as_mut().is_some_and(|inner| inner.as_mut().enable())
    }
}

impl Future for Notified<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let _step = self.notify.step();
        self.inner.as_mut().map_or(Poll::Ready(()), |inner| inner.as_mut().poll(cx))
    }
}

impl Drop for Notified<'_> {
    fn drop(&mut self) {
        let _step = self.notify.step();
        self.inner = None;
    }
}
