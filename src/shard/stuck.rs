//! Chunks that found their queue full, and wait.

use std::collections::VecDeque;
use std::rc::Rc;

use crate::base::num::count;
use crate::queue::Chunk;
use crate::shard::Outlet;

/// Chunks that found their queue full. Whoever holds them must wait with them
/// ([`crate::shard::Shard::push_all`]) before it reads on.
pub type Stuck = Vec<StuckChunk>;

/// Chunks for one action that wait for room, in order. Given up (the task was ended by the stop),
/// they are counted.
#[derive(Debug)]
pub struct StuckChunk {
    pub(super) outlet: Rc<Outlet>,
    pub(super) chunks: VecDeque<Chunk>,
}

impl StuckChunk {
    pub(super) fn new(outlet: Rc<Outlet>, chunk: Chunk) -> Self {
        outlet.waiting.set(outlet.waiting.get() + 1);
        Self { outlet, chunks: VecDeque::from([chunk]) }
    }

    /// Waits for room, for one chunk after the other. Cancel safe.
    pub(super) async fn push(&mut self) {
        while let Some(chunk) = self.chunks.front_mut() {
            let messages = count(chunk.len());
            self.outlet.queue.push(chunk).await;
            self.outlet.stats.queued.add(messages);
            self.chunks.pop_front();
        }
    }
}

impl Drop for StuckChunk {
    fn drop(&mut self) {
        // None are left once they were pushed.
        let messages: usize = self.chunks.iter().map(Chunk::len).sum();
        self.outlet.stats.dropped_full.add(count(messages));
        self.outlet.waiting.set(self.outlet.waiting.get() - 1);
        if self.outlet.is_clear() {
            self.outlet.clear.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::Context;
    use std::task::Poll;
    use std::task::Waker;

    use super::*;
    use crate::queue::Framing;
    use crate::queue::Taken;
    use crate::queue::bounded;
    use crate::shard::OutletStats;

    fn chunk() -> Chunk {
        let mut chunk = Chunk::default();
        chunk.bytes.push(b'x');
        chunk.end_message();
        chunk
    }

    fn poll(work: std::pin::Pin<&mut impl Future<Output = ()>>) -> Poll<()> {
        work.poll(&mut Context::from_waker(Waker::noop()))
    }

    /// The task that the room was for is ended between the wake-up and its turn. The queue is empty
    /// from then on, and nothing will ever leave it.
    #[tokio::test]
    async fn who_waits_behind_a_chunk_that_is_given_up_goes_on() {
        let (sender, receiver) = bounded(1);
        let stats = Arc::new(OutletStats::default());
        let outlet = Rc::new(Outlet::new(sender, None, None, Framing::NONE, stats.clone()));
        assert!(outlet.try_push(&mut chunk()));
        let mut late = chunk();
        assert!(!outlet.try_push(&mut late));
        let mut stuck = Box::new(StuckChunk::new(outlet.clone(), late));
        let mut pushing = Box::pin(async move { stuck.push().await });
        assert!(poll(pushing.as_mut()).is_pending());
        let mut opened = pin!(outlet.cleared());
        assert!(poll(opened.as_mut()).is_pending());
        let mut taken = Taken::default();
        assert!(receiver.take(&mut taken).await);
        receiver.done(taken.pop_front().unwrap());
        // Whoever is polled first finds that the other one still waits.
        assert!(poll(opened.as_mut()).is_pending());
        drop(pushing);
        assert!(poll(opened.as_mut()).is_ready());
        assert_eq!((stats.queued.get(), stats.dropped_full.get()), (1, 1));
    }
}
