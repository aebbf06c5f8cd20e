//! What was in, out, dropped and why: said at the end, and checked.

use std::fmt;
use std::sync::Arc;

use crate::input::InputStats;
use crate::message::Class;
use crate::output::OutputStats;
use crate::queue::SpoolStats;
use crate::shard::OutletStats;

/// Senders that the summary names.
const SOURCES_SHOWN: usize = 10;

/// One action's counters, on both sides of its queue.
#[derive(Clone, Debug)]
pub struct ActionCounters {
    pub name: String,
    pub outlet: Arc<OutletStats>,
    pub output: Arc<OutputStats>,
    pub stored: Arc<SpoolStats>,
    /// Messages that its queue still holds, and that nobody keeps.
    pub left: u64,
}

/// What came from one address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceCounters {
    pub address: String,
    /// Messages received, by class.
    pub classes: [u64; Class::ALL.len()],
    /// Messages that rate limits dropped.
    pub limited: u64,
}

impl SourceCounters {
    /// Messages received.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.classes.iter().sum()
    }
}

/// All counters of a relay.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    pub inputs: Vec<(String, Arc<InputStats>)>,
    pub actions: Vec<ActionCounters>,
    /// The busiest first.
    pub sources: Vec<SourceCounters>,
}

impl ActionCounters {
    /// Messages that went in and are not accounted for; anything but 0 is a bug.
    #[must_use]
    pub fn imbalance(&self) -> i128 {
        let out = self.output.delivered.get()
            + self.output.dropped_at_stop.get()
            + self.output.dropped_unsendable.get()
            + self.output.dropped_retries.get()
            + self.output.handed_over.get()
            + self.stored.damaged.get()
            + self.stored.saved.get()
            + self.left;
        i128::from(self.outlet.queued.get() + self.stored.recovered.get()) - i128::from(out)
    }

    /// Messages that were lost, of all reasons.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.outlet.dropped_full.get()
            + self.outlet.dropped_discarded.get()
            + self.stored.damaged.get()
            + self.output.dropped_at_stop.get()
            + self.output.dropped_unsendable.get()
            + self.output.dropped_retries.get()
            + self.left
    }
}

impl ActionCounters {
    /// What there is to say of it besides what it delivered.
    fn reasons(&self) -> String {
        let mut line = String::new();
        reasons(
            &mut line,
            &[
                ("of an earlier run", self.stored.recovered.get()),
                ("written to disk", self.stored.written.get()),
                ("saved to disk", self.stored.saved.get()),
                ("handed to the next action", self.output.handed_over.get()),
                ("dropped: queue full", self.outlet.dropped_full.get()),
                ("dropped: discardMark", self.outlet.dropped_discarded.get()),
                ("dropped: damaged on disk", self.stored.damaged.get()),
                ("dropped: stop", self.output.dropped_at_stop.get() + self.left),
                ("dropped: unsendable", self.output.dropped_unsendable.get()),
                ("dropped: retries failed", self.output.dropped_retries.get()),
                ("left out by sampling", self.outlet.sampled_out.get()),
                ("failed attempts", self.output.failures.get()),
            ],
        );
        line
    }
}

fn reasons(out: &mut String, reasons: &[(&str, u64)]) {
    for (reason, n) in reasons.iter().filter(|(_, n)| *n > 0) {
        out.push_str(&format!(", {reason} {n}"));
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let received: u64 = self.inputs.iter().map(|(_, s)| s.received.get()).sum();
        let delivered: u64 = self.actions.iter().map(|a| a.output.delivered.get()).sum();
        let dropped: u64 = self.actions.iter().map(ActionCounters::dropped).sum::<u64>()
            + self
                .inputs
                .iter()
                .map(|(_, s)| s.dropped_kernel.get() + s.dropped_ratelimit.get())
                .sum::<u64>();
        write!(f, "in {received}, out {delivered}, dropped {dropped}")?;
        for (name, stats) in &self.inputs {
            let mut line = String::new();
            for (class, n) in Class::ALL.iter().zip(&stats.classes) {
                reasons(&mut line, &[(class.name(), n.get())]);
            }
            reasons(
                &mut line,
                &[
                    ("truncated", stats.truncated.get()),
                    ("dropped by the kernel", stats.dropped_kernel.get()),
                    ("dropped by rate limit", stats.dropped_ratelimit.get()),
                    ("of disallowed senders", stats.disallowed.get()),
                    ("bytes discarded", stats.discarded_bytes.get()),
                    ("frames incomplete at the end", stats.frames_incomplete.get()),
                    ("frames with a bad count", stats.frames_bad_count.get()),
                    ("frames with a bad delimiter", stats.frames_bad_delimiter.get()),
                    ("frames too long", stats.frames_oversize.get()),
                    ("connections", stats.sessions_opened.get()),
                    ("connections refused", stats.sessions_refused.get()),
                    ("connections timed out", stats.sessions_timed_out.get()),
                    ("accept errors", stats.accept_errors.get()),
                ],
            );
            write!(f, "\n  input {name}: received {}{line}", stats.received.get())?;
        }
        for source in self.sources.iter().take(SOURCES_SHOWN) {
            let mut line = String::new();
            for (class, n) in Class::ALL.iter().zip(source.classes) {
                reasons(&mut line, &[(class.name(), n)]);
            }
            reasons(&mut line, &[("dropped by rate limit", source.limited)]);
            write!(f, "\n  source {}: received {}{line}", source.address, source.received())?;
        }
        if self.sources.len() > SOURCES_SHOWN {
            write!(f, "\n  and {} more sources", self.sources.len() - SOURCES_SHOWN)?;
        }
        for action in &self.actions {
            let line = action.reasons();
            let delivered = action.output.delivered.get();
            write!(f, "\n  action {}: delivered {delivered}{line}", action.name)?;
            if action.imbalance() != 0 {
                write!(f, " (BUG: {} messages not accounted for)", action.imbalance())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_is_accounted_for() {
        let action = ActionCounters {
            name: "omfwd".into(),
            outlet: Arc::default(),
            output: Arc::default(),
            stored: Arc::default(),
            left: 2,
        };
        action.outlet.queued.add(14);
        action.output.delivered.add(7);
        action.output.dropped_retries.add(4);
        assert_eq!(action.imbalance(), 1);
        action.output.dropped_unsendable.add(1);
        assert_eq!(action.imbalance(), 0);
        assert_eq!(action.dropped(), 7);
        let summary = Summary {
            inputs: vec![("imudp".into(), Arc::default())],
            actions: vec![action],
            sources: vec![SourceCounters {
                address: "192.0.2.1".into(),
                classes: [0, 5, 0, 0, 0, 1],
                limited: 3,
            }],
        };
        assert_eq!(
            summary.to_string(),
            "in 0, out 7, dropped 7\n  input imudp: received 0\n  \
             source 192.0.2.1: received 6, rfc3164 5, raw 1, dropped by rate limit 3\n  \
             action omfwd: delivered 7, dropped: stop 2, dropped: unsendable 1, \
             dropped: retries failed 4"
        );
    }
}
