//! A number that says whether something has changed that others have drawn conclusions from.

use std::sync::Arc;

use crate::base::sync::atomic::AtomicU64;
use crate::base::sync::atomic::Ordering;

/// Counts changes. Clones share the count. Who keeps what follows from a state keeps the number
/// that it was made at, and makes it anew when the number is another one.
#[derive(Clone, Debug, Default)]
pub struct Epoch(Arc<AtomicU64>);

impl Epoch {
    /// The number now. It costs a plain load; what was changed before is seen behind it.
    #[must_use]
    #[inline]
    pub fn now(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// Says that something has changed: called when the change can be seen, not before.
    pub fn advance(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }
}

#[cfg(all(test, model))]
mod model {
    use loom::thread;

    use super::*;
    use crate::base::sync::model::explore;

    #[test]
    fn who_sees_the_number_sees_what_was_changed_before() {
        explore(|| {
            let epoch = Epoch::default();
            let what = Arc::new(AtomicU64::new(0));
            let (theirs, changed) = (epoch.clone(), what.clone());
            let change = thread::spawn(move || {
                changed.store(1, Ordering::Relaxed);
                theirs.advance();
            });
            let number = epoch.now();
            assert!(what.load(Ordering::Relaxed) >= number);
            change.join().unwrap();
        });
    }
}
