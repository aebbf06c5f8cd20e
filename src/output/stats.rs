//! What every output counts.

use crate::telemetry::Counter;

/// Counters of one action, written once per chunk.
#[derive(Debug, Default)]
pub struct OutputStats {
    /// Messages and bytes that the target took.
    pub delivered: Counter,
    pub bytes: Counter,
    /// Messages given up, with reasons: the stop's time ran out; the target can never take them
    /// (a datagram over its limit, a file name that cannot be opened, a broken pipe to stdout);
    /// `action.resumeRetryCount` attempts failed.
    pub dropped_at_stop: Counter,
    pub dropped_unsendable: Counter,
    pub dropped_retries: Counter,
    /// Messages that the next action got, since this one failed
    /// (`action.execOnlyWhenPreviousIsSuspended`).
    pub handed_over: Counter,
    /// Attempts that failed (connect, write), each followed by a retry.
    pub failures: Counter,
    /// Times that the target was given up until it works, how often it did again, and the seconds
    /// between.
    pub suspended: Counter,
    pub resumed: Counter,
    pub suspended_seconds: Counter,
    /// Times that it panicked, and was made anew.
    pub panics: Counter,
    /// Signs of life: times that the target took or acknowledged something.
    pub signs: Counter,
    /// Connections made, files opened.
    pub opened: Counter,
    /// Terminals of omusrmsg that were full, and got a part of a batch or nothing, one count each.
    pub terminals_skipped: Counter,
    /// The open files of omfile's `dynaFile`.
    pub cache: CacheStats,
}

/// How the files that messages name were found, one count per message.
#[derive(Debug, Default)]
pub struct CacheStats {
    /// Messages; those for the file of the message before; those whose file was not open.
    pub requests: Counter,
    pub same: Counter,
    pub missed: Counter,
    /// Files closed to make room, the most that were open at a time, and those closed by
    /// `closeTimeout`.
    pub evicted: Counter,
    pub most: Counter,
    pub timed_out: Counter,
}

impl OutputStats {
    /// Adds what `other` has counted.
    pub fn absorb(&self, other: &Self) {
        let Self { delivered, bytes, dropped_at_stop, dropped_unsendable, .. } = other;
        let Self { dropped_retries, failures, suspended, resumed, suspended_seconds, .. } = other;
        for (sum, part) in [
            (&self.delivered, delivered),
            (&self.bytes, bytes),
            (&self.dropped_at_stop, dropped_at_stop),
            (&self.dropped_unsendable, dropped_unsendable),
            (&self.dropped_retries, dropped_retries),
            (&self.failures, failures),
            (&self.suspended, suspended),
            (&self.resumed, resumed),
            (&self.suspended_seconds, suspended_seconds),
            (&self.handed_over, &other.handed_over),
            (&self.panics, &other.panics),
            (&self.signs, &other.signs),
            (&self.opened, &other.opened),
            (&self.terminals_skipped, &other.terminals_skipped),
        ] {
            sum.add(part.get());
        }
    }
}
