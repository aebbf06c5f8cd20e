//! Acknowledgement tokens, one per batch: when the last clone is dropped, every output has
//! delivered the batch (or made it durable), and the input is told.

use std::fmt;
use std::sync::Arc;

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
