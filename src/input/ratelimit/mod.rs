//! Rate limits: `rateLimit.interval` and `rateLimit.burst` of an input, and the `ratelimit()`
//! objects that inputs share (rsyslog `runtime/ratelimit.c`, "ratelimit Object"). In an interval,
//! which begins with its first message, `burst` messages pass. The rest is dropped: counted by
//! sender, and said when dropping begins and when the interval is over.

mod processes;
mod senders;

pub(super) use processes::Processes;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use crate::base::clock;
use crate::base::num::count;
use crate::base::reporter::Level;
use crate::base::reporter::Reporter;
use crate::input::ratelimit::senders::Senders;
use crate::message::Batch;
use crate::message::Message;
use crate::template::Template;

/// A limit, as it was configured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RateLimitSpec {
    /// Zero: no limit but that of each sender.
    pub interval: Duration,
    pub burst: usize,
    /// Messages that are more severe than this (a smaller number) are free.
    pub severity: u8,
    pub per_source: Option<PerSourceSpec>,
}

/// The limits of each sender.
#[derive(Clone, Debug, PartialEq)]
pub struct PerSourceSpec {
    /// What tells senders apart.
    pub key: Arc<Template>,
    pub default: Quota,
    /// By what `key` makes of their messages.
    pub overrides: HashMap<Vec<u8>, Quota>,
    /// Senders that are remembered; beyond it the one that was silent for longest is forgotten.
    pub senders_max: usize,
    /// Senders that are named when it is said what was lost.
    pub named_max: usize,
}

/// Messages that pass in a window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    pub messages: usize,
    pub window: Duration,
}

/// A limit at work. Those who share it take its lock once per batch.
#[derive(Debug)]
pub struct RateLimit {
    /// What its messages begin with.
    name: String,
    reporter: Arc<dyn Reporter>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    spec: RateLimitSpec,
    window: Window,
    senders: Senders,
}

#[derive(Debug, Default)]
struct Window {
    start: Option<Instant>,
    passed: usize,
    dropped: u64,
}

/// What a limiter says about some messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// So many of them pass, from the front.
    pub(super) pass: usize,
    /// Dropping began with these.
    pub(super) began: bool,
    /// The window before has ended, and so many were dropped in it.
    pub(super) ended: Option<u64>,
}

impl Window {
    fn admit(&mut self, spec: &RateLimitSpec, messages: usize, now: Instant) -> Verdict {
        if spec.interval.is_zero() {
            return Verdict { pass: messages, ..Verdict::default() };
        }
        let mut ended = None;
        if self.start.is_none_or(|start| now.duration_since(start) >= spec.interval) {
            self.start = Some(now);
            self.passed = 0;
            ended = Some(std::mem::take(&mut self.dropped)).filter(|n| *n > 0);
        }
        let pass = messages.min(spec.burst.saturating_sub(self.passed));
        self.passed += pass;
        let over = count(messages - pass);
        let began = over > 0 && self.dropped == 0;
        self.dropped += over;
        Verdict { pass, began, ended }
    }
}

impl RateLimit {
    #[must_use]
    pub fn new(name: String, spec: RateLimitSpec, reporter: Arc<dyn Reporter>) -> Self {
        let (window, senders) = (Window::default(), Senders::default());
        Self { name, reporter, state: Mutex::new(State { spec, window, senders }) }
    }

    /// The limit of one input; `None` if it has none.
    #[must_use]
    pub fn of_input(
        name: String,
        interval_s: usize,
        burst: usize,
        reporter: &Arc<dyn Reporter>,
    ) -> Option<Self> {
        let interval = Duration::from_secs(count(interval_s));
        let spec = RateLimitSpec { interval, burst, ..RateLimitSpec::default() };
        (interval_s > 0).then(|| Self::new(name, spec, reporter.clone()))
    }

    /// Whether it has to see the messages: then [`RateLimit::sift`] is asked once they are parsed,
    /// otherwise [`RateLimit::admit`] before.
    pub(super) fn looks_inside(&self) -> bool {
        let spec = &self.lock().spec;
        spec.severity > 0 || spec.per_source.is_some()
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Limits as `spec` says from now on; false if it does so already. What was lost under the
    /// limits before is said by then.
    pub fn replace(&self, spec: RateLimitSpec) -> bool {
        if self.lock().spec == spec {
            return false;
        }
        self.say_rest();
        let mut state = self.lock();
        if state.spec.per_source != spec.per_source {
            state.senders = Senders::default();
        }
        state.spec = spec;
        true
    }

    /// Whether this one limits the same, and says so in the same words.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        self.name == other.name && self.spec() == other.spec()
    }

    fn spec(&self) -> RateLimitSpec {
        self.lock().spec.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asked once per batch.
    pub(super) fn admit(&self, messages: usize) -> Verdict {
        let State { spec, window, .. } = &mut *self.lock();
        window.admit(spec, messages, clock::monotonic())
    }

    /// Says what there is to be said of a verdict. `from` is the sender, by name, of the first
    /// message that was dropped.
    pub(super) fn report(&self, verdict: Verdict, from: &str) {
        if verdict.ended.is_some() || verdict.began {
            self.report_by(&self.spec(), verdict, from);
        }
    }

    fn report_by(&self, spec: &RateLimitSpec, verdict: Verdict, from: &str) {
        if let Some(dropped) = verdict.ended {
            self.say_lost(spec, dropped);
        }
        if verdict.began {
            // Where rsyslogd has a hyphen it would name the program, which it does not know yet.
            let name = &self.name;
            let text =
                format!("{name} from <{from}:->: begin to drop messages due to rate-limiting");
            self.reporter.say(Level::Warning, text);
        }
    }

    fn say_lost(&self, spec: &RateLimitSpec, dropped: u64) {
        let name = &self.name;
        let allowed =
            format!("({} allowed within {} seconds)", spec.burst, spec.interval.as_secs());
        let text = format!("{name}: {dropped} messages lost due to rate-limiting {allowed}");
        self.reporter.say(Level::Warning, text);
    }

    /// Takes out of a parsed batch what may not pass, and counts it with its senders. Returns how
    /// many those are.
    pub(super) fn sift(&self, batch: &mut Batch) -> usize {
        self.sift_at(batch, clock::monotonic())
    }

    fn sift_at(&self, batch: &mut Batch, now: Instant) -> usize {
        let mut messages = std::mem::take(&mut batch.messages);
        let received = messages.len();
        let mut passed = Vec::new();
        let mut state = self.lock();
        let State { spec, window, senders } = &mut *state;
        let mut passes = |message: &Message| {
            if message.pri.severity() < spec.severity {
                return true;
            }
            let source = &batch.sources[usize::from(message.source)];
            let own = spec.per_source.as_ref();
            let within = own.is_none_or(|own| senders.admit(own, batch.view(message), now));
            if !within {
                source.limited(1);
                return false;
            }
            let verdict = window.admit(spec, 1, now);
            if verdict.pass == 0 {
                source.limited(1);
            }
            self.report_by(spec, verdict, &source.fromhost);
            verdict.pass == 1
        };
        let gives = batch.gives();
        messages.retain(|message| {
            let passes = passes(message);
            if gives {
                passed.push(passes);
            }
            passes
        });
        if let Some(own) = &spec.per_source
            && let Some(lost) = senders.lost(own, now)
        {
            self.reporter.say(Level::Warning, format!("{}: {lost}", self.name));
        }
        drop(state);
        batch.messages = messages;
        batch.keep_given(&passed);
        received - batch.messages.len()
    }

    /// Says what was lost and has not been said.
    fn say_rest(&self) {
        let (spec, dropped, lost) = {
            let State { spec, window, senders } = &mut *self.lock();
            let lost = spec.per_source.as_ref().and_then(|own| senders.all_lost(own));
            (spec.clone(), std::mem::take(&mut window.dropped), lost)
        };
        if dropped > 0 {
            self.say_lost(&spec, dropped);
        }
        if let Some(lost) = lost {
            self.reporter.say(Level::Warning, format!("{}: {lost}", self.name));
        }
    }
}

/// What has not been said yet is said at the end, as rsyslogd does.
impl Drop for RateLimit {
    fn drop(&mut self) {
        self.say_rest();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::reporter::Said;
    use crate::message::InputInfo;
    use crate::message::Pri;
    use crate::message::Source;

    fn limit(spec: RateLimitSpec) -> (RateLimit, Arc<Said>) {
        let said = Arc::new(Said::default());
        (RateLimit::new("in".into(), spec, said.clone()), said)
    }

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_window_passes_its_burst() {
        let spec = RateLimitSpec { interval: seconds(2), burst: 10, ..RateLimitSpec::default() };
        let start = clock::monotonic();
        let mut window = Window::default();
        let mut admit = |n, s| window.admit(&spec, n, start + seconds(s));
        assert_eq!(admit(8, 0), Verdict { pass: 8, began: false, ended: None });
        assert_eq!(admit(5, 1), Verdict { pass: 2, began: true, ended: None });
        assert_eq!(admit(5, 1), Verdict { pass: 0, began: false, ended: None });
        assert_eq!(admit(5, 2), Verdict { pass: 5, began: false, ended: Some(8) });
    }

    /// The words are rsyslogd 8.2302's.
    #[test]
    fn what_is_lost_is_said() {
        let spec = RateLimitSpec { interval: seconds(9), burst: 2, ..RateLimitSpec::default() };
        let (limit, said) = limit(spec);
        let verdict = limit.admit(5);
        limit.report(verdict, "localhost");
        limit.report(limit.admit(1), "localhost");
        drop(limit);
        assert_eq!(
            *said.0.lock().unwrap(),
            [
                "in from <localhost:->: begin to drop messages due to rate-limiting",
                "in: 4 messages lost due to rate-limiting (2 allowed within 9 seconds)"
            ]
        );
    }

    /// Messages with these severities, from one sender.
    fn batch(severities: &[u8]) -> Batch {
        let info = InputInfo { name: "in".into(), hostname: "h".into() };
        let mut batch = Batch::new(Arc::new(info));
        batch.sources.push(Arc::new(Source::new(None, None)));
        batch.messages = severities
            .iter()
            .map(|severity| Message { pri: Pri::new(1, *severity), ..Message::default() })
            .collect();
        batch
    }

    fn severities(batch: &Batch) -> Vec<u8> {
        batch.messages.iter().map(|message| message.pri.severity()).collect()
    }

    #[test]
    fn what_is_severe_is_free() {
        let spec =
            RateLimitSpec { interval: seconds(9), burst: 1, severity: 5, ..Default::default() };
        let (limit, said) = limit(spec);
        let mut batch = batch(&[6, 4, 7, 3, 5]);
        assert_eq!(limit.sift(&mut batch), 2);
        assert_eq!(severities(&batch), [6, 4, 3]);
        assert_eq!(batch.sources[0].limited_so_far(), 2);
        assert_eq!(said.0.lock().unwrap().len(), 1);
    }

    #[test]
    fn a_sender_that_is_over_its_quota_costs_the_others_nothing() {
        let quota = Quota { messages: 2, window: seconds(3) };
        let own = PerSourceSpec {
            key: Arc::new(Template::builtin("RSYSLOG_PerSourceKey").unwrap()),
            default: quota,
            overrides: HashMap::new(),
            senders_max: 10,
            named_max: 10,
        };
        let (limit, said) = limit(RateLimitSpec {
            interval: seconds(60),
            burst: 3,
            severity: 0,
            per_source: Some(own),
        });
        let start = clock::monotonic();
        let mut noisy = batch(&[6, 6, 6, 6]);
        assert_eq!(limit.sift_at(&mut noisy, start), 2);
        // Of the burst of all, two are used, not four.
        let mut more = batch(&[6]);
        assert_eq!(limit.sift_at(&mut more, start + seconds(3)), 0);
        assert_eq!(limit.sift_at(&mut batch(&[6]), start + seconds(3)), 1);
        assert_eq!(
            *said.0.lock().unwrap(),
            [
                "in: 2 messages lost due to rate-limiting by source (127.0.0.1: 2)",
                "in from <127.0.0.1:->: begin to drop messages due to rate-limiting"
            ]
        );
    }
}
