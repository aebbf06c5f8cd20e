//! Acknowledgement tokens, one per batch: when the last clone is dropped, every output has
//! delivered the batch (or made it durable), and the input is told.

use std::fmt;

use crate::base::sync::Arc;

/// A share in a batch's delivery. Cloned when the batch, or what was rendered from it, goes to one
/// more place; dropped when that place is done with it.
#[derive(Clone, Default)]
pub struct Ack(Option<Arc<Inner>>);

struct Inner {
    delivered: Box<dyn Fn() + Send + Sync>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        (self.delivered)();
    }
}

impl Ack {
    /// Nobody waits for this batch.
    pub const NONE: Self = Self(None);

    /// Calls `delivered` once, when the last clone is dropped.
    #[must_use]
    pub fn new(delivered: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(Inner { delivered: Box::new(delivered) })))
    }
}

impl fmt::Debug for Ack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Ack(awaited)" } else { "Ack(none)" })
    }
}

#[cfg(all(test, model))]
mod model {
    use std::sync::Arc;

    use loom::thread;

    use super::Ack;
    use crate::base::sync::atomic::AtomicU32;
    use crate::base::sync::atomic::Ordering;
    use crate::base::sync::model::explore;

    /// A batch with two outputs; one of them hands half of it on to a third.
    #[test]
    fn who_is_told_is_told_once_and_sees_what_all_have_done() {
        explore(|| {
            let told = Arc::new(AtomicU32::new(0));
            let done = Arc::new([0, 1, 2].map(AtomicU32::new));
            let (tell, seen) = (told.clone(), done.clone());
            let ack = Ack::new(move || {
                assert!(seen.iter().all(|place| place.load(Ordering::Relaxed) == 9));
                tell.fetch_add(1, Ordering::Relaxed);
            });
            let place = |number: usize, ack: Ack| {
                let done = done.clone();
                move || {
                    done[number].store(9, Ordering::Relaxed);
                    drop(ack);
                }
            };
            let (first, second, third) =
                (place(0, ack.clone()), place(1, ack.clone()), place(2, ack.clone()));
            let one = thread::spawn(move || {
                let handed_on = thread::spawn(second);
                first();
                handed_on.join().unwrap();
            });
            drop(ack);
            third();
            one.join().unwrap();
            assert_eq!(told.load(Ordering::Relaxed), 1);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicU32;
    use std::sync::atomic::Ordering;

    use super::Ack;

    #[test]
    fn the_last_clone_tells() {
        let told = Arc::new(AtomicU32::new(0));
        let seen = told.clone();
        let ack = Ack::new(move || {
            seen.fetch_add(1, Ordering::Relaxed);
        });
        let second = ack.clone();
        drop(ack);
        assert_eq!(told.load(Ordering::Relaxed), 0);
        drop(second);
        assert_eq!(told.load(Ordering::Relaxed), 1);
    }
}
