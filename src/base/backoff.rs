//! Waiting between attempts: doubles from a floor to a ceiling, with jitter so that many relays
//! do not return to one collector in the same instant.

use std::time::Duration;

/// A series of waits. `next` gives the next one, `reset` starts over after a success.
#[derive(Clone, Debug)]
pub struct Backoff {
    floor: Duration,
    ceiling: Duration,
    wait: Duration,
}

impl Backoff {
    #[must_use]
    pub const fn new(floor: Duration, ceiling: Duration) -> Self {
        Self { floor, ceiling, wait: floor }
    }

    /// The next wait: between half and the whole of the current step.
    pub fn next_wait(&mut self) -> Duration {
        let step = self.wait;
        self.wait = (self.wait * 2).min(self.ceiling);
        step.mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    pub const fn reset(&mut self) {
        self.wait = self.floor;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_to_the_ceiling_and_starts_over() {
        let mut waits = Backoff::new(Duration::from_millis(100), Duration::from_millis(350));
        for (low, high) in [(50, 100), (100, 200), (175, 350), (175, 350)] {
            let wait = waits.next_wait();
            assert!(wait >= Duration::from_millis(low) && wait <= Duration::from_millis(high));
        }
        waits.reset();
        assert!(waits.next_wait() <= Duration::from_millis(100));
    }
}
