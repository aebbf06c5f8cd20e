//! What a reload carries on: the new object takes the place of the old one, and shares its state
//! with it for as long as both are asked.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::OnceLock;
use std::sync::PoisonError;

/// A state behind a lock, its own or that of what it goes on from.
#[derive(Debug, Default)]
pub(super) struct Continued<T> {
    own: Arc<Mutex<T>>,
    before: OnceLock<Arc<Mutex<T>>>,
}

impl<T> Continued<T> {
    pub(super) fn new(state: T) -> Self {
        Self { own: Arc::new(Mutex::new(state)), before: OnceLock::new() }
    }

    fn state(&self) -> &Arc<Mutex<T>> {
        self.before.get().unwrap_or(&self.own)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, T> {
        self.state().lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the state of `before` its own, once.
    pub(super) fn go_on_from(&self, before: &Self) {
        self.before.get_or_init(|| before.state().clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_before_and_who_goes_on_share() {
        let all = [1, 10, 100].map(Continued::new);
        *all[0].lock() += 1;
        all[1].go_on_from(&all[0]);
        all[2].go_on_from(&all[1]);
        *all[0].lock() += 1;
        *all[2].lock() += 1;
        assert_eq!(all.map(|each| *each.lock()), [4; 3]);
    }
}
