//! `rateLimit.interval` and `rateLimit.burst` (rsyslog `runtime/ratelimit.c`): at most `burst`
//! messages pass in an interval; the rest is dropped and said once.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use crate::base::clock;
use crate::base::num::count;
use crate::base::reporter::Level;
use crate::input::InputSettings;
use crate::input::InputStats;

/// A fixed-window limiter of one listener; its shards and connections share it.
#[derive(Debug)]
pub(super) struct RateLimit {
    interval: Duration,
    burst: usize,
    state: Mutex<Window>,
}

#[derive(Debug, Default)]
struct Window {
    start: Option<Instant>,
    passed: usize,
    dropped: u64,
}

/// What a limiter says about some messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// So many of them pass, from the front.
    pub(super) pass: usize,
    /// Dropping began with these.
    pub(super) began: bool,
    /// The window before has ended, and so many were dropped in it.
    pub(super) ended: Option<u64>,
}

impl Verdict {
    /// Counts and says what it means for `n` messages of the input `name`.
    pub(super) fn report(
        &self,
        n: usize,
        name: &str,
        stats: &InputStats,
        settings: &InputSettings,
    ) {
        stats.dropped_ratelimit.add(count(n - self.pass));
        if let Some(dropped) = self.ended {
            let text = format!("{name}: {dropped} messages lost due to rate-limiting");
            settings.reporter.say(Level::Warning, text);
        }
        if self.began {
            let text = format!("{name}: begin to drop messages due to rate-limiting");
            settings.reporter.say(Level::Warning, text);
        }
    }
}

impl RateLimit {
    /// `None` if `interval_s` is 0: no limit.
    pub(super) fn new(interval_s: usize, burst: usize) -> Option<Self> {
        (interval_s > 0).then(|| Self {
            interval: Duration::from_secs(interval_s as u64),
            burst,
            state: Mutex::default(),
        })
    }

    /// Asked once per batch.
    pub(super) fn admit(&self, messages: usize) -> Verdict {
        self.admit_at(messages, clock::monotonic())
    }

    fn admit_at(&self, messages: usize, now: Instant) -> Verdict {
        let mut window = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ended = None;
        if window.start.is_none_or(|start| now.duration_since(start) >= self.interval) {
            window.start = Some(now);
            window.passed = 0;
            ended = Some(std::mem::take(&mut window.dropped)).filter(|n| *n > 0);
        }
        let pass = messages.min(self.burst - window.passed);
        window.passed += pass;
        let over = (messages - pass) as u64;
        let began = over > 0 && window.dropped == 0;
        window.dropped += over;
        Verdict { pass, began, ended }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_passes_its_burst() {
        let limit = RateLimit::new(2, 10).unwrap();
        let start = clock::monotonic();
        let at = |s| start + Duration::from_secs(s);
        assert_eq!(limit.admit_at(8, at(0)), Verdict { pass: 8, began: false, ended: None });
        assert_eq!(limit.admit_at(5, at(1)), Verdict { pass: 2, began: true, ended: None });
        assert_eq!(limit.admit_at(5, at(1)), Verdict { pass: 0, began: false, ended: None });
        assert_eq!(limit.admit_at(5, at(2)), Verdict { pass: 5, began: false, ended: Some(8) });
        assert!(RateLimit::new(0, 10).is_none());
    }
}
