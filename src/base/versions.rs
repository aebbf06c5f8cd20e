//! What a reload replaces and others read: they go over to the new one at their own time.

use std::sync::Arc;
use std::sync::PoisonError;

use crate::base::sync::Mutex;
use crate::base::sync::MutexGuard;

/// A value that each generation of the configuration may have one of. Two are held: generation
/// n + 2 begins when nobody is in generation n any more.
#[derive(Debug)]
pub struct Versions<T> {
    held: Mutex<Held<T>>,
}

#[derive(Debug)]
struct Held<T> {
    /// The generation from which it holds on.
    since: u64,
    latest: Arc<T>,
    before: Option<Arc<T>>,
}

impl<T> Versions<T> {
    /// The first one holds from `generation` on.
    #[must_use]
    pub fn new(generation: u64, first: T) -> Self {
        let held = Held { since: generation, latest: Arc::new(first), before: None };
        Self { held: Mutex::new(held) }
    }

    /// From `generation` on, `value` holds.
    pub fn add(&self, generation: u64, value: T) {
        let mut held = self.lock();
        let latest = Arc::new(value);
        let before = std::mem::replace(&mut held.latest, latest);
        (held.before, held.since) = (Some(before), generation);
    }

    /// What holds in `generation`.
    #[must_use]
    pub fn at(&self, generation: u64) -> Arc<T> {
        let held = self.lock();
        match &held.before {
            Some(before) if generation < held.since => before.clone(),
            _ => held.latest.clone(),
        }
    }

    /// What holds from the latest generation on.
    #[must_use]
    pub fn latest(&self) -> Arc<T> {
        self.lock().latest.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Held<T>> {
        // Two assignments cannot be left half done.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_generation_has_its_own() {
        let value = Versions::new(3, "three");
        assert_eq!(*value.at(0), "three");
        value.add(4, "four");
        assert_eq!([*value.at(3), *value.at(4), *value.at(5)], ["three", "four", "four"]);
        value.add(7, "seven");
        assert_eq!([*value.at(6), *value.at(7), *value.latest()], ["four", "seven", "seven"]);
    }
}
