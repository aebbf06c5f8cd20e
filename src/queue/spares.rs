//! Empty chunks whose memory is used again.

use crate::queue::chunk::Chunk;
use crate::queue::chunk::SPARE_BYTES;

/// Chunks that are kept, at most.
const CHUNKS_MAX: usize = 32;

/// The empty chunks of a queue. A target that stands still for a moment makes the queue fill, and
/// the chunks of that moment are not needed afterwards: what was not in use between two calls of
/// [`Spares::unneeded`] goes.
#[derive(Debug, Default)]
pub(super) struct Spares {
    chunks: Vec<Chunk>,
    /// The fewest that there were since the last call.
    least: usize,
}

impl Spares {
    /// An empty chunk, with memory if there is one.
    pub(super) fn take(&mut self) -> Chunk {
        let chunk = self.chunks.pop().unwrap_or_default();
        self.least = self.least.min(self.chunks.len());
        chunk
    }

    /// Keeps `chunk`, which is empty. If there are too many, or it is too large, it comes back, to
    /// be dropped where no lock is held.
    pub(super) fn keep(&mut self, chunk: Chunk) -> Option<Chunk> {
        if self.chunks.len() == CHUNKS_MAX || chunk.memory() > SPARE_BYTES {
            return Some(chunk);
        }
        self.chunks.push(chunk);
        None
    }

    /// The chunks that nobody has needed since the last call, to be dropped likewise.
    pub(super) fn unneeded(&mut self) -> Vec<Chunk> {
        // The last ones are in use all the time.
        let unneeded = self.chunks.drain(..self.least).collect();
        self.least = self.chunks.len();
        unneeded
    }

    #[cfg(test)]
    pub(super) const fn len(&self) -> usize {
        self.chunks.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(bytes: usize) -> Chunk {
        Chunk { bytes: Vec::with_capacity(bytes), ..Chunk::default() }
    }

    #[test]
    fn large_ones_and_too_many_are_not_kept() {
        let mut spares = Spares::default();
        for (size, kept) in [(SPARE_BYTES, true), (SPARE_BYTES + 1, false)] {
            assert_eq!(spares.keep(chunk(size)).is_none(), kept, "{size}");
            assert_eq!(spares.take().memory() == size, kept, "{size}");
        }
        assert!((0..CHUNKS_MAX).all(|_| spares.keep(chunk(7)).is_none()));
        assert!(spares.keep(chunk(7)).is_some());
    }

    #[test]
    fn what_is_not_used_goes() {
        let mut spares = Spares::default();
        (0..8).for_each(|_| drop(spares.keep(chunk(7))));
        assert!(spares.unneeded().is_empty(), "they have just come");
        let used: Vec<_> = (0..3).map(|_| spares.take()).collect();
        used.into_iter().for_each(|chunk| drop(spares.keep(chunk)));
        assert_eq!(spares.unneeded().len(), 5);
        assert_eq!(spares.unneeded().len(), 3);
        assert_eq!(spares.take().memory(), 0);
        assert!(spares.unneeded().is_empty());
    }
}
