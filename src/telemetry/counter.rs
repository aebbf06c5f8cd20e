//! A counter that many threads may read and that is written once per batch.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// Counts up. Relaxed: figures are for people, not for synchronisation.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    #[inline]
    pub fn add(&self, n: u64) {
        if n > 0 {
            self.0.fetch_add(n, Ordering::Relaxed);
        }
    }

    /// Takes back what was added before it happened, and then did not.
    pub fn retract(&self, n: u64) {
        self.0.fetch_sub(n, Ordering::Relaxed);
    }

    /// Makes it `n` if it is less: the most there has been of something.
    pub fn raise(&self, n: u64) {
        self.0.fetch_max(n, Ordering::Relaxed);
    }

    #[must_use]
    #[inline]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
