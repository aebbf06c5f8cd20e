//! Whether a message is for an action, decided before it is rendered. Only actions whose
//! configuration asks for it have a gate, and only they pay for its lock.

use std::sync::Mutex;
use std::sync::PoisonError;

use crate::message::MessageFlags;
use crate::message::View;
use crate::queue::Discard;

/// What an action's configuration says of which messages it takes. rsyslogd asks in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GateSpec {
    /// `action.execOnlyWhenPreviousIsSuspended`
    pub after_failure: bool,
    /// `action.execOnlyEveryNthTime`; 0 and 1 take all.
    pub every: u64,
    /// `action.execOnlyEveryNthTimeTimeout`, in seconds: the count begins anew after that time.
    /// 0 is never.
    pub every_timeout: i64,
    /// `action.execOnlyOnceEveryInterval`, in seconds.
    pub once_in: i64,
    /// `action.writeAllMarkMessages="off"`: a mark is left out that comes less than so many seconds
    /// after the last message that went through.
    pub mark_gap: Option<i64>,
    pub discard: Option<Discard>,
    /// `queue.samplingInterval`; 0 and 1 take all.
    pub sampling: u64,
}

impl GateSpec {
    /// Whether it keeps anything out.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let Self { after_failure, every, once_in, mark_gap, discard, sampling, .. } = self;
        !after_failure
            && *every <= 1
            && *once_in <= 0
            && mark_gap.is_none()
            && discard.is_none()
            && *sampling <= 1
    }
}

/// One action's gate, shared by the shards.
#[derive(Debug)]
pub struct Gate {
    spec: GateSpec,
    seen: Mutex<Seen>,
}

/// What the gate has seen so far. Times are whole seconds, as rsyslogd's are.
#[derive(Debug, Default)]
struct Seen {
    /// Messages since the last one that went through, for `every`.
    skipped: u64,
    /// When that count was begun.
    since: i64,
    executed: Option<i64>,
    sampled: u64,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Pass,
    /// It is not this one's turn.
    Leave,
    /// `queue.discardMark`
    Discard,
}

impl Gate {
    #[must_use]
    pub fn new(spec: GateSpec) -> Self {
        Self { spec, seen: Mutex::default() }
    }

    pub(super) const fn after_failure(&self) -> bool {
        self.spec.after_failure
    }

    /// What becomes of `view` while `depth` messages are queued.
    pub(super) fn ask(&self, view: View<'_>, depth: u64) -> Verdict {
        let mark = view.message.flags.has(MessageFlags::MARK);
        self.decide(view.batch.arrival.wall.secs, mark, view.message.pri.severity(), depth)
    }

    fn decide(&self, now: i64, mark: bool, severity: u8, depth: u64) -> Verdict {
        let spec = &self.spec;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // A mark that is left out does not count for what follows.
        if mark
            && let (Some(gap), Some(last)) = (spec.mark_gap, seen.executed)
            && now - last < gap
        {
            return Verdict::Leave;
        }
        if spec.every > 1 {
            if spec.every_timeout > 0 && now - seen.since > spec.every_timeout {
                (seen.skipped, seen.since) = (0, now);
            }
            if seen.skipped < spec.every - 1 {
                seen.skipped += 1;
                return Verdict::Leave;
            }
            seen.skipped = 0;
        }
        if spec.once_in > 0 && seen.executed.is_some_and(|at| at + spec.once_in > now) {
            return Verdict::Leave;
        }
        seen.executed = Some(now);
        if spec.discard.is_some_and(|at| depth >= at.mark && severity >= at.severity) {
            return Verdict::Discard;
        }
        if spec.sampling > 1 {
            seen.sampled = (seen.sampled + 1) % spec.sampling;
            if seen.sampled != 0 {
                return Verdict::Leave;
            }
        }
        Verdict::Pass
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(spec: GateSpec, times: &[i64]) -> Vec<usize> {
        let gate = Gate::new(spec);
        let passes = |(_, now): &(usize, &i64)| gate.decide(**now, false, 6, 0) == Verdict::Pass;
        times.iter().enumerate().filter(passes).map(|(index, _)| index).collect()
    }

    /// Both were seen from rsyslogd 8.2302: the time of the count runs from its first message, and
    /// the one that is too late is the first of a new count.
    #[test]
    fn each_nth_is_counted_within_its_time() {
        let spec = |every_timeout| GateSpec { every: 3, every_timeout, ..GateSpec::default() };
        let times = [100, 101, 103, 104, 106, 107, 109, 110, 112];
        assert_eq!(passed(spec(0), &times), [2, 5, 8]);
        assert_eq!(passed(spec(2), &times), [0_usize; 0]);
        assert_eq!(passed(spec(9), &times), [2, 5]);
    }

    #[test]
    fn one_in_an_interval_goes_through() {
        let spec = GateSpec { once_in: 3, ..GateSpec::default() };
        assert_eq!(passed(spec, &[100, 101, 103, 104, 106, 107]), [0, 2, 4]);
    }

    /// What rsyslogd 8.2302 does with marks every 6 seconds (`m`) and messages (`x`).
    #[test]
    fn a_mark_right_behind_a_message_is_left_out() {
        let taken = |every, events: &[(i64, char)]| {
            let spec = GateSpec { mark_gap: Some(3), every, ..GateSpec::default() };
            let gate = Gate::new(spec);
            let passes = |(_, (now, kind)): &(usize, &(i64, char))| {
                gate.decide(*now, *kind == 'm', 6, 0) == Verdict::Pass
            };
            events.iter().enumerate().filter(passes).map(|(at, _)| at).collect::<Vec<_>>()
        };
        let events = [(77, 'm'), (82, 'x'), (83, 'm'), (89, 'm'), (92, 'x'), (95, 'm')];
        assert_eq!(taken(0, &events), [0, 1, 3, 4, 5], "three seconds are not less than three");
        // The mark at 83 neither goes through nor counts.
        let events = [(77, 'm'), (82, 'x'), (82, 'x'), (83, 'm'), (89, 'm')];
        assert_eq!(taken(2, &events), [1, 4]);
        // A message whose turn it was not holds no mark back.
        assert_eq!(taken(3, &[(77, 'm'), (82, 'x'), (83, 'm')]), [2]);
    }

    #[test]
    fn sampling_takes_the_last_of_each_group() {
        let spec = GateSpec { sampling: 3, ..GateSpec::default() };
        assert_eq!(passed(spec, &[0; 7]), [2, 5]);
    }

    #[test]
    fn a_deep_queue_discards_what_is_not_severe() {
        let discard = Some(Discard { mark: 10, severity: 5 });
        let gate = Gate::new(GateSpec { discard, ..GateSpec::default() });
        assert_eq!(gate.decide(0, false, 5, 9), Verdict::Pass);
        assert_eq!(gate.decide(0, false, 5, 10), Verdict::Discard);
        assert_eq!(gate.decide(0, false, 4, 10), Verdict::Pass);
    }

    #[test]
    fn what_says_nothing_has_no_gate() {
        assert!(GateSpec { every: 1, sampling: 1, ..GateSpec::default() }.is_open());
        assert!(!GateSpec { every: 2, ..GateSpec::default() }.is_open());
    }
}
