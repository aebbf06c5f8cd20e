//! The schedule of a sender with a rate.

use std::time::Duration;

/// Bursts are this far apart, nanoseconds, unless the rate asks for fewer messages than bursts:
/// long enough to wake up for, short against a latency worth reporting.
const TICK_NS: u64 = 500_000;

/// An endless series of bursts whose times depend on the rate alone. A sender that falls behind
/// finds its overdue bursts still to be sent, each with the time at which it was due; that is what
/// keeps the latencies free of coordinated omission.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    rate: u64,
    tick: u64,
    burst: u64,
}

impl Pace {
    /// `rate` messages a second, at least one.
    pub(super) fn new(rate: u64) -> Self {
        let rate = rate.max(1);
        Self { rate, tick: TICK_NS.max(1_000_000_000_u64.div_ceil(rate)), burst: 0 }
    }

    /// When the next burst is due, counted from the start, and of how many messages it is.
    pub(super) fn next_burst(&mut self) -> (Duration, u64) {
        let due = Duration::from_nanos(self.burst.saturating_mul(self.tick));
        let before = self.messages_until(self.burst);
        self.burst += 1;
        (due, self.messages_until(self.burst) - before)
    }

    fn messages_until(&self, burst: u64) -> u64 {
        let nanos = u128::from(burst) * u128::from(self.tick);
        u64::try_from(nanos * u128::from(self.rate) / 1_000_000_000).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bursts_are_even_and_add_up_to_the_rate() {
        for rate in [1, 3, 999, 7_001, 100_000, 3_000_001] {
            let mut pace = Pace::new(rate);
            let (mut sent, mut sizes) = (0, Vec::new());
            loop {
                let (due, messages) = pace.next_burst();
                if due >= Duration::from_secs(2) {
                    break;
                }
                sent += messages;
                sizes.push(messages);
            }
            assert!(sent.abs_diff(2 * rate) <= 1 + rate / 2_000, "{rate}: {sent}");
            let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
            assert!(most - least <= 1, "{rate}: {least}..{most}");
        }
    }
}
