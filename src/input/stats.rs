//! What every input counts, once per batch.

use std::net::IpAddr;

use crate::base::span::Span;
use crate::message::Batch;
use crate::message::Class;
use crate::parse::frame::FrameEvents;
use crate::shard::Passed;
use crate::shard::Tally;
use crate::telemetry::Counter;

/// Counters of one input.
#[derive(Debug, Default)]
pub struct InputStats {
    /// Messages handed to the rules, and the bytes they arrived in.
    pub received: Counter,
    pub bytes: Counter,
    /// `received`, by [`Class`].
    pub classes: [Counter; Class::ALL.len()],
    /// Messages that the rules are through with: taken by an action, by none because of a `stop`,
    /// by none because no rule was for them. With `repeated` and `quarantined` they are `received`,
    /// but for what is in the rules now.
    pub wanted: Counter,
    pub stopped: Counter,
    pub unmatched: Counter,
    /// Messages that made a part of the program panic, and were set aside.
    pub quarantined: Counter,
    /// Messages that a summary stands for (`$RepeatedMsgReduction`), summaries not counted.
    pub repeated: Counter,
    /// Messages cut at `maxMessageSize`.
    pub truncated: Counter,
    /// Messages dropped by `rateLimit.*`.
    pub dropped_ratelimit: Counter,
    /// Messages, and connections, of senders that `$AllowedSender` does not name.
    pub disallowed: Counter,
    /// Datagrams that the kernel dropped because its buffer was full (`SO_RXQ_OVFL`).
    pub dropped_kernel: Counter,
    /// Bytes of a stream that belonged to no message (bad count, incomplete at the end, skipped
    /// behind a truncation), and how often.
    pub discarded_bytes: Counter,
    pub frames_incomplete: Counter,
    pub frames_bad_count: Counter,
    pub frames_bad_delimiter: Counter,
    pub frames_oversize: Counter,
    /// Connections, by what became of them.
    pub sessions_opened: Counter,
    pub sessions_closed: Counter,
    pub sessions_refused: Counter,
    pub sessions_timed_out: Counter,
    /// Ended because the peer sent what is no RELP, or not in its order.
    pub sessions_broken: Counter,
    /// `accept` failed (no file descriptor left).
    pub accept_errors: Counter,
    /// Times that a task that listens panicked, and was started again.
    pub panics: Counter,
    /// Times that improg started its program.
    pub programs_started: Counter,
    /// System calls that took datagrams.
    pub receive_calls: Counter,
    /// Rate limits made, one for each process that logs.
    pub limits: Counter,
    /// Times that what an input reads from failed, and was begun anew (imjournal).
    pub recoveries: Counter,
    /// A part of the above, of IPv4 and of IPv6: rsyslog has a listener for each.
    pub families: [FamilyStats; 2],
}

/// What an input counts of one address family.
#[derive(Debug, Default)]
pub struct FamilyStats {
    pub received: Counter,
    /// Datagrams of senders that `$AllowedSender` does not name.
    pub disallowed: Counter,
    pub bytes: Counter,
    pub sessions_opened: Counter,
    pub sessions_closed: Counter,
    /// Refused, or lost before they were accepted.
    pub sessions_failed: Counter,
}

impl FamilyStats {
    fn all(&self) -> [&Counter; 6] {
        let Self { received, disallowed, bytes, .. } = self;
        let Self { sessions_opened, sessions_closed, sessions_failed, .. } = self;
        [received, disallowed, bytes, sessions_opened, sessions_closed, sessions_failed]
    }
}

impl InputStats {
    /// The part of the family that `ip` belongs to.
    #[must_use]
    pub fn family(&self, ip: IpAddr) -> &FamilyStats {
        &self.families[usize::from(ip.to_canonical().is_ipv6())]
    }

    /// Adds what `other` has counted.
    pub fn absorb(&self, other: &Self) {
        for (sum, part) in self.all().zip(other.all()) {
            sum.add(part.get());
        }
    }

    /// Every counter, in one order.
    fn all(&self) -> impl Iterator<Item = &Counter> {
        let Self { received, bytes, classes, truncated, dropped_ratelimit, disallowed, .. } = self;
        let Self { dropped_kernel, discarded_bytes, frames_incomplete, families, .. } = self;
        let Self { frames_bad_count, frames_bad_delimiter, frames_oversize, .. } = self;
        let Self { sessions_opened, sessions_closed, sessions_refused, .. } = self;
        let Self { sessions_timed_out, sessions_broken, .. } = self;
        let Self {
            accept_errors, panics, programs_started, receive_calls, limits, recoveries, ..
        } = self;
        let Self { wanted, stopped, unmatched, quarantined, repeated, .. } = self;
        let own = [
            received,
            bytes,
            wanted,
            stopped,
            unmatched,
            quarantined,
            repeated,
            truncated,
            dropped_ratelimit,
            disallowed,
            dropped_kernel,
            discarded_bytes,
            frames_incomplete,
            frames_bad_count,
            frames_bad_delimiter,
            frames_oversize,
            sessions_opened,
            sessions_closed,
            sessions_refused,
            sessions_timed_out,
            sessions_broken,
            accept_errors,
            panics,
            programs_started,
            receive_calls,
            limits,
            recoveries,
        ];
        own.into_iter().chain(classes).chain(families.iter().flat_map(FamilyStats::all))
    }

    /// Counts parsed messages.
    pub fn count(&self, batch: &Batch) {
        use crate::base::num::count;
        use crate::message::MessageFlags;
        let mut classes = [0_u64; Class::ALL.len()];
        let mut truncated = 0;
        if let Some(folded) = batch.folded() {
            let message = folded.message(Span::EMPTY);
            classes[message.class as usize] = count(folded.lines.len());
        }
        for message in &batch.messages {
            classes[message.class as usize] += 1;
            truncated += u64::from(message.flags.has(MessageFlags::TRUNCATED));
        }
        self.received.add(count(batch.len()));
        self.truncated.add(truncated);
        for (total, n) in self.classes.iter().zip(classes) {
            total.add(n);
        }
        if let [source] = batch.sources.as_slice() {
            source.count(&classes);
        } else {
            count_by_source(batch);
        }
    }

    /// Counts what the rules made of what was received.
    pub fn passed(&self, passed: Passed) {
        self.wanted.add(passed.wanted);
        self.stopped.add(passed.stopped);
        self.unmatched.add(passed.unmatched);
        self.quarantined.add(passed.quarantined);
    }

    /// Counts a message that made the parser panic.
    pub fn set_aside(&self) {
        self.received.add(1);
        self.quarantined.add(1);
    }

    /// Datagrams of senders that may not send; connections of theirs are none.
    #[must_use]
    pub fn datagrams_disallowed(&self) -> u64 {
        self.families.iter().map(|family| family.disallowed.get()).sum()
    }

    /// Messages that came as far as this host: received, or dropped before that.
    #[must_use]
    pub fn came(&self) -> u64 {
        self.received.get()
            + self.dropped_kernel.get()
            + self.dropped_ratelimit.get()
            + self.datagrams_disallowed()
    }

    /// Counts what framing found wrong.
    pub fn count_frames(&self, events: &FrameEvents) {
        self.discarded_bytes.add(events.discarded_bytes);
        self.frames_incomplete.add(events.incomplete);
        self.frames_bad_count.add(events.bad_count + events.count_too_large);
        self.frames_bad_delimiter.add(events.delimiter_not_space);
        self.frames_oversize.add(events.oversize);
    }
}

impl Tally for InputStats {
    fn passed(&self, passed: Passed) {
        Self::passed(self, passed);
    }

    fn summed_up(&self, messages: u64) {
        if messages > 0 {
            self.repeated.add(messages);
        }
    }
}

/// Messages of one batch from many senders: neighbours from one sender are counted together.
fn count_by_source(batch: &Batch) {
    let mut rest = batch.messages.as_slice();
    while let Some(first) = rest.first() {
        let same = rest.iter().take_while(|m| m.source == first.source).count();
        let mut classes = [0_u64; Class::ALL.len()];
        for message in &rest[..same] {
            classes[message.class as usize] += 1;
        }
        batch.sources[usize::from(first.source)].count(&classes);
        rest = &rest[same..];
    }
}
