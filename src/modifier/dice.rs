//! Numbers that nobody can foretell.

use std::hash::BuildHasher;
use std::hash::RandomState;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// A keyed hash, and how often it was asked for something new. The key is drawn when it is made,
/// and no part of what comes out tells it.
#[derive(Clone, Debug, Default)]
pub(super) struct Dice {
    key: RandomState,
    thrown: Arc<AtomicU64>,
}

impl Dice {
    /// A number that differs each time.
    pub(super) fn throw(&self) -> u64 {
        self.key.hash_one((0_u8, self.thrown.fetch_add(1, Ordering::Relaxed)))
    }

    /// 128 of the same bits.
    pub(super) fn throw_wide(&self) -> u128 {
        u128::from(self.throw()) << 64 | u128::from(self.throw())
    }

    /// The number that belongs to `value`, and always does.
    pub(super) fn of(&self, value: u128) -> u128 {
        let [high, low] = [1_u8, 2].map(|half| u128::from(self.key.hash_one((half, value))));
        high << 64 | low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_thrown_differs_and_what_is_asked_does_not() {
        let (one, other) = (Dice::default(), Dice::default());
        assert_ne!(one.throw(), one.throw());
        let first = one.of(7);
        assert_eq!(one.of(7), first);
        assert_ne!(one.of(7), one.of(8));
        assert_ne!(one.of(7), other.of(7));
    }
}
