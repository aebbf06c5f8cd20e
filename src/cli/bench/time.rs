//! Waiting, and the time that messages carry.

use std::thread;
use std::time::Duration;
use std::time::Instant;

use crate::base::clock::monotonic;
use crate::base::clock::wall;

/// Turns monotonic instants into microseconds since 1970. Sender and sink of one run share one, so
/// that a step of the wall clock cannot show up as latency.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamps {
    origin: Instant,
    micros: u64,
}

impl Stamps {
    pub(super) fn new() -> Self {
        let (origin, wall) = (monotonic(), wall());
        let micros = u64::try_from(wall.secs).unwrap_or(0) * 1_000_000 + u64::from(wall.micros);
        Self { origin, micros }
    }

    /// `at` in microseconds since 1970.
    pub(super) fn of(&self, at: Instant) -> u64 {
        self.micros + micros(at.saturating_duration_since(self.origin))
    }

    pub(super) fn now(&self) -> u64 {
        self.of(monotonic())
    }
}

/// A duration in whole microseconds.
pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Blocks this thread until `until`.
pub(super) fn wait_until(until: Instant) {
    loop {
        let left = until.saturating_duration_since(monotonic());
        if left.is_zero() {
            return;
        }
        // May return early, without a reason.
        thread::park_timeout(left);
    }
}

/// Blocks this thread for `time`.
pub(super) fn pause(time: Duration) {
    wait_until(monotonic() + time);
}
