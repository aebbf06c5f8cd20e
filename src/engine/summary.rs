//! What was in, out, dropped and why: said at the end, and on request. Two sums add up: what came
//! in is what went to actions and what did not, and what was rendered for actions is what they
//! delivered and what they did not.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::atomic::fence;

use crate::input::InputStats;
use crate::message::Class;
use crate::output::OutputStats;
use crate::queue;
use crate::queue::Gauge;
use crate::queue::SpoolStats;
use crate::shard::OutletStats;

/// Senders that the summary names.
const SOURCES_SHOWN: usize = 10;

/// One input's counters.
#[derive(Clone, Debug)]
pub struct InputCounters {
    pub name: String,
    /// The ruleset that its messages enter.
    pub ruleset: String,
    pub stats: Arc<InputStats>,
}

/// One action's counters, on both sides of its queue.
#[derive(Clone, Debug)]
pub struct ActionCounters {
    pub name: String,
    pub outlet: Arc<OutletStats>,
    pub output: Arc<OutputStats>,
    pub queue: Gauge,
    pub stored: Arc<SpoolStats>,
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
    pub inputs: Vec<InputCounters>,
    pub actions: Vec<ActionCounters>,
    /// The busiest first.
    pub sources: Vec<SourceCounters>,
    /// The relay has stopped: what is in a queue stays there.
    pub stopped: bool,
    /// An input or output ended by a panic, and the relay stopped for it.
    pub broken: bool,
    /// Reloads that were asked for, and those that changed nothing.
    pub reloads: u64,
    pub reloads_failed: u64,
    /// Shards that did not end, by the end of the time for it: what they hold is told apart, and
    /// their senders are not known.
    pub shards_unended: usize,
    /// Searches by regular expressions that took too many steps.
    pub searches_given_up: u64,
}

/// What the rules did with messages, of which `inside` are still in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ruled {
    wanted: u64,
    stopped: u64,
    unmatched: u64,
    quarantined: u64,
    /// In a summary.
    repeated: u64,
    inside: u64,
}

impl Ruled {
    /// Of one input. What it has now is read in the order that no message can be missing from.
    fn of(stats: &InputStats) -> Self {
        let (wanted, stopped) = (stats.wanted.get(), stats.stopped.get());
        let (unmatched, quarantined) = (stats.unmatched.get(), stats.quarantined.get());
        let repeated = stats.repeated.get();
        fence(Ordering::Acquire);
        let through = wanted + stopped + unmatched + quarantined + repeated;
        let inside = stats.received.get().saturating_sub(through);
        Self { wanted, stopped, unmatched, quarantined, repeated, inside }
    }

    const fn add(&mut self, other: Self) {
        self.wanted += other.wanted;
        self.stopped += other.stopped;
        self.unmatched += other.unmatched;
        self.quarantined += other.quarantined;
        self.repeated += other.repeated;
        self.inside += other.inside;
    }

    const fn messages(self) -> u64 {
        let Self { wanted, stopped, unmatched, quarantined, repeated, inside } = self;
        wanted + stopped + unmatched + quarantined + repeated + inside
    }
}

/// What became of the messages that were rendered for actions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Fate {
    delivered: u64,
    handed_over: u64,
    /// On disk, for the next run.
    saved: u64,
    damaged: u64,
    too_large: u64,
    dropped_full: u64,
    discarded: u64,
    dropped_at_stop: u64,
    dropped_unsendable: u64,
    dropped_retries: u64,
    /// No messages: terminals that got not all of them.
    terminals_skipped: u64,
    queued: u64,
    /// Wait for room in the queue, with the input that they came from.
    waiting: u64,
}

impl InputCounters {
    /// Of an input that never was.
    pub(super) fn none(name: &str) -> Self {
        Self { name: name.to_owned(), ruleset: name.to_owned(), stats: Arc::default() }
    }
}

impl ActionCounters {
    /// Of an action that never was.
    pub(super) fn none(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            outlet: Arc::default(),
            output: Arc::default(),
            queue: queue::bounded(0).0.gauge(),
            stored: Arc::default(),
        }
    }

    /// Takes over what `ended`, which nobody counts in any more, has counted. What its queue is
    /// left with nobody will deliver.
    pub(super) fn absorb(&self, ended: &Self) {
        self.outlet.absorb(&ended.outlet);
        self.output.absorb(&ended.output);
        self.stored.absorb(&ended.stored);
        self.output.dropped_at_stop.add(ended.queue.depth().1);
    }

    /// Messages that left the queue.
    fn out(&self) -> u64 {
        self.output.delivered.get()
            + self.output.dropped_at_stop.get()
            + self.output.dropped_unsendable.get()
            + self.output.dropped_retries.get()
            + self.output.handed_over.get()
            + self.stored.damaged.get()
            + self.stored.too_large.get()
            + self.stored.saved.get()
    }

    /// Messages that came into the queue: of this run, and those that an earlier one left on disk.
    fn entered(&self) -> u64 {
        self.outlet.queued.get() + self.stored.recovered.get()
    }

    /// Messages that were queued, and are neither in the queue nor counted behind it. Never more
    /// than there are, at whatever moment: a message is counted before it leaves the queue, and
    /// these are read in the order in which it moves.
    #[must_use]
    pub fn missing(&self) -> u64 {
        let queued = self.entered();
        // A counter that is read too late would show what the others do not have yet.
        fence(Ordering::Acquire);
        let inside = self.queue.depth().1;
        queued.saturating_sub(inside + self.out())
    }

    /// Messages that left the queue, or never got in, beyond those that were rendered. Never more
    /// than there are: a message is counted as rendered before it is queued.
    #[must_use]
    pub fn surplus(&self) -> u64 {
        let out = self.out() + self.outlet.dropped_full.get();
        fence(Ordering::Acquire);
        out.saturating_sub(self.outlet.rendered.get() + self.stored.recovered.get())
    }

    /// Messages that went in and are not accounted for once nothing moves any more; anything but
    /// 0 is a bug.
    #[must_use]
    pub fn imbalance(&self) -> i128 {
        let out = self.out() + self.queue.depth().1;
        i128::from(self.entered()) - i128::from(out)
    }

    fn fate(&self) -> Fate {
        // Against the direction in which messages move: none is missing.
        let fate = Fate {
            delivered: self.output.delivered.get(),
            handed_over: self.output.handed_over.get(),
            saved: self.stored.saved.get(),
            damaged: self.stored.damaged.get(),
            too_large: self.stored.too_large.get(),
            dropped_at_stop: self.output.dropped_at_stop.get(),
            dropped_unsendable: self.output.dropped_unsendable.get(),
            dropped_retries: self.output.dropped_retries.get(),
            dropped_full: self.outlet.dropped_full.get(),
            discarded: self.outlet.dropped_discarded.get(),
            terminals_skipped: self.output.terminals_skipped.get(),
            ..Fate::default()
        };
        let out = fate.total() - fate.dropped_full - fate.discarded;
        fence(Ordering::Acquire);
        let queued = self.outlet.queued.get();
        fence(Ordering::Acquire);
        let waiting = self.outlet.rendered.get().saturating_sub(queued + fate.dropped_full);
        let queued = (queued + self.stored.recovered.get()).saturating_sub(out);
        Fate { queued, waiting, ..fate }
    }
}

impl Fate {
    const fn total(self) -> u64 {
        self.delivered
            + self.handed_over
            + self.saved
            + self.damaged
            + self.too_large
            + self.dropped_full
            + self.discarded
            + self.dropped_at_stop
            + self.dropped_unsendable
            + self.dropped_retries
            + self.queued
            + self.waiting
    }

    const fn add(&mut self, other: Self) {
        self.delivered += other.delivered;
        self.handed_over += other.handed_over;
        self.saved += other.saved;
        self.damaged += other.damaged;
        self.too_large += other.too_large;
        self.dropped_full += other.dropped_full;
        self.discarded += other.discarded;
        self.dropped_at_stop += other.dropped_at_stop;
        self.dropped_unsendable += other.dropped_unsendable;
        self.dropped_retries += other.dropped_retries;
        self.terminals_skipped += other.terminals_skipped;
        self.queued += other.queued;
        self.waiting += other.waiting;
    }

    /// `delivered 7, dropped: queue full 2`
    fn describe(self, stopped: bool) -> String {
        let mut line = format!("delivered {}", self.delivered);
        let (left, queued) = if stopped { (self.queued, 0) } else { (0, self.queued) };
        let waiting = if stopped { "held by a shard that did not end" } else { "wait for room" };
        reasons(
            &mut line,
            &[
                ("saved to disk", self.saved),
                ("handed to the next action", self.handed_over),
                ("dropped: queue full", self.dropped_full),
                ("dropped: discardMark", self.discarded),
                ("dropped: damaged on disk", self.damaged),
                ("dropped: too large for the disk", self.too_large),
                ("dropped: stop", self.dropped_at_stop + left),
                ("dropped: unsendable", self.dropped_unsendable),
                ("dropped: retries failed", self.dropped_retries),
                ("terminals skipped", self.terminals_skipped),
                ("queued", queued),
                (waiting, self.waiting),
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

impl Summary {
    /// The account, a line each: first everything, then who had which part in it.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut ruled: Vec<(&str, Ruled)> = Vec::new();
        for input in &self.inputs {
            let of = Ruled::of(&input.stats);
            match ruled.iter_mut().find(|(name, _)| *name == input.ruleset) {
                Some((_, sum)) => sum.add(of),
                None => ruled.push((&input.ruleset, of)),
            }
        }
        let fates: Vec<Fate> = self.actions.iter().map(ActionCounters::fate).collect();
        let mut lines = vec![self.headline(&ruled, &fates)];
        if self.reloads > 0 {
            let failed = self.reloads_failed;
            lines.push(format!("reloads {}, of which {failed} changed nothing", self.reloads));
        }
        lines.extend(self.inputs.iter().map(input_line));
        self.source_lines(&mut lines);
        for (name, ruled) in ruled.iter().filter(|(_, ruled)| ruled.messages() > 0) {
            let mut line = format!("ruleset {name}: to actions {}", ruled.wanted);
            reasons(&mut line, &self.discarded(*ruled));
            lines.push(line);
        }
        for (action, fate) in self.actions.iter().zip(&fates) {
            let mut line = format!("action {}: {}", action.name, fate.describe(self.stopped));
            reasons(
                &mut line,
                &[
                    ("of an earlier run", action.stored.recovered.get()),
                    ("written to disk", action.stored.written.get()),
                    ("left out by sampling", action.outlet.sampled_out.get()),
                    ("failed attempts", action.output.failures.get()),
                    ("started again after a panic", action.output.panics.get()),
                ],
            );
            if self.stopped && self.shards_unended == 0 && action.imbalance() != 0 {
                let text = format!(" (BUG: {} messages not accounted for)", action.imbalance());
                line.push_str(&text);
            }
            lines.push(line);
        }
        if self.searches_given_up > 0 {
            lines.push(format!(
                "{} searches by regular expressions took too long and were given up",
                self.searches_given_up
            ));
        }
        if self.shards_unended > 0 {
            lines.push(format!(
                "{} of the shards did not end in time: what they hold is lost, and what their \
                 outputs were writing may have arrived",
                self.shards_unended
            ));
        }
        lines
    }

    /// `in 12: to actions 9, stopped by rules 2, dropped by the kernel 1; out 9: delivered 9`
    fn headline(&self, ruled: &[(&str, Ruled)], fates: &[Fate]) -> String {
        let mut all = Ruled::default();
        ruled.iter().for_each(|(_, ruled)| all.add(*ruled));
        let mut fate = Fate::default();
        fates.iter().for_each(|each| fate.add(*each));
        let sum = |counter: fn(&InputStats) -> u64| -> u64 {
            self.inputs.iter().map(|input| counter(&input.stats)).sum()
        };
        let kernel = sum(|stats| stats.dropped_kernel.get());
        let limited = sum(|stats| stats.dropped_ratelimit.get());
        let disallowed = sum(InputStats::datagrams_disallowed);
        let came = all.messages() + kernel + limited + disallowed;
        let mut line = format!("in {came}: to actions {}", all.wanted);
        reasons(&mut line, &self.discarded(all));
        reasons(
            &mut line,
            &[
                ("dropped by the kernel", kernel),
                ("dropped by rate limit", limited),
                ("of disallowed senders", disallowed),
            ],
        );
        format!("{line}; out {}: {}", fate.total(), fate.describe(self.stopped))
    }

    const fn discarded(&self, ruled: Ruled) -> [(&'static str, u64); 5] {
        let inside = if self.stopped { "held by a shard that did not end" } else { "in the rules" };
        [
            ("stopped by rules", ruled.stopped),
            ("for no rule", ruled.unmatched),
            ("set aside after a panic", ruled.quarantined),
            ("summed up as repeated", ruled.repeated),
            (inside, ruled.inside),
        ]
    }

    fn source_lines(&self, lines: &mut Vec<String>) {
        for source in self.sources.iter().take(SOURCES_SHOWN) {
            let mut line = format!("source {}: received {}", source.address, source.received());
            for (class, n) in Class::ALL.iter().zip(source.classes) {
                reasons(&mut line, &[(class.name(), n)]);
            }
            reasons(&mut line, &[("dropped by rate limit", source.limited)]);
            lines.push(line);
        }
        if self.sources.len() > SOURCES_SHOWN {
            lines.push(format!("and {} more sources", self.sources.len() - SOURCES_SHOWN));
        }
    }
}

fn input_line(input: &InputCounters) -> String {
    let stats = &input.stats;
    let mut line = format!("input {}: received {}", input.name, stats.received.get());
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
            ("sessions that broke the protocol", stats.sessions_broken.get()),
            ("accept errors", stats.accept_errors.get()),
            ("started again after a panic", stats.panics.get()),
            ("programs started", stats.programs_started.get()),
        ],
    );
    line
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().join("\n  "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Chunk;
    use crate::shard::Passed;

    fn action(left: usize) -> ActionCounters {
        let (sender, _) = queue::bounded(1 << 10);
        let mut chunk = Chunk::default();
        (0..left).for_each(|_| chunk.end_message());
        assert!(sender.try_push(&mut chunk));
        ActionCounters {
            name: "omfwd".into(),
            outlet: Arc::default(),
            output: Arc::default(),
            queue: sender.gauge(),
            stored: Arc::default(),
        }
    }

    #[test]
    fn every_message_is_accounted_for() {
        let action = action(2);
        action.outlet.rendered.add(17);
        action.outlet.queued.add(14);
        action.outlet.dropped_full.add(3);
        action.output.delivered.add(7);
        action.output.dropped_retries.add(4);
        assert_eq!((action.imbalance(), action.missing(), action.surplus()), (1, 1, 0));
        action.output.dropped_unsendable.add(1);
        assert_eq!((action.imbalance(), action.missing(), action.surplus()), (0, 0, 0));
        let stats = InputStats::default();
        stats.received.add(20);
        stats.passed(Passed { wanted: 17, stopped: 1, unmatched: 2, quarantined: 0 });
        stats.dropped_ratelimit.add(3);
        stats.dropped_kernel.add(4);
        stats.disallowed.add(6);
        stats.families[1].disallowed.add(5);
        let (name, ruleset) = ("imudp".into(), "remote".into());
        let mut summary = Summary {
            inputs: vec![InputCounters { name, ruleset, stats: Arc::new(stats) }],
            actions: vec![action],
            sources: vec![SourceCounters {
                address: "192.0.2.1".into(),
                classes: [0, 5, 0, 0, 0, 1],
                limited: 3,
            }],
            stopped: true,
            reloads: 3,
            reloads_failed: 1,
            ..Summary::default()
        };
        assert_eq!(
            summary.to_string(),
            "in 32: to actions 17, stopped by rules 1, for no rule 2, dropped by the kernel 4, \
             dropped by rate limit 3, of disallowed senders 5; \
             out 17: delivered 7, dropped: queue full 3, dropped: stop 2, dropped: unsendable 1, \
             dropped: retries failed 4\n  \
             reloads 3, of which 1 changed nothing\n  \
             input imudp: received 20, dropped by the kernel 4, dropped by rate limit 3, \
             of disallowed senders 6\n  \
             source 192.0.2.1: received 6, rfc3164 5, raw 1, dropped by rate limit 3\n  \
             ruleset remote: to actions 17, stopped by rules 1, for no rule 2\n  \
             action omfwd: delivered 7, dropped: queue full 3, dropped: stop 2, \
             dropped: unsendable 1, dropped: retries failed 4"
        );
        summary.stopped = false;
        assert!(summary.to_string().contains(", queued 2"), "{summary}");
    }

    /// A shard that hangs holds messages in its rules and before a full queue.
    #[test]
    fn what_a_shard_still_holds_is_said() {
        let action = action(0);
        action.outlet.rendered.add(9);
        action.outlet.queued.add(5);
        action.output.delivered.add(5);
        let stats = InputStats::default();
        stats.received.add(12);
        stats.passed(Passed { wanted: 9, ..Passed::default() });
        let (name, ruleset) = ("imtcp".into(), "r".into());
        let summary = Summary {
            inputs: vec![InputCounters { name, ruleset, stats: Arc::new(stats) }],
            actions: vec![action],
            sources: Vec::new(),
            stopped: true,
            shards_unended: 1,
            searches_given_up: 2,
            ..Summary::default()
        };
        let lines = summary.lines();
        assert_eq!(
            lines[0],
            "in 12: to actions 9, held by a shard that did not end 3; \
             out 9: delivered 5, held by a shard that did not end 4"
        );
        assert!(
            lines.contains(
                &"2 searches by regular expressions took too long and were \
                                 given up"
                    .to_owned()
            ),
            "{lines:?}"
        );
        assert!(lines.last().unwrap().starts_with("1 of the shards did not end"), "{lines:?}");
    }

    #[test]
    fn a_message_that_is_in_no_counter_is_a_bug() {
        let action = action(1);
        action.outlet.rendered.add(3);
        action.outlet.queued.add(3);
        action.output.delivered.add(1);
        let summary = Summary { actions: vec![action], stopped: true, ..Summary::default() };
        assert!(summary.to_string().ends_with("(BUG: 1 messages not accounted for)"), "{summary}");
    }
}
