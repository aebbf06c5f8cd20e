//! What is too large for one record: chunks are cut between two messages. A message that is too
//! large by itself cannot be stored: it is given up, so that it does not stand in the way for ever.

use std::collections::VecDeque;

use crate::base::num::count;
use crate::base::reporter::Level;
use crate::disk::Files;
use crate::disk::RECORD_BYTES_MAX;
use crate::queue::Chunk;
use crate::queue::record;
use crate::queue::spool::Worker;

/// What came of cutting chunks.
#[derive(Debug, Default)]
pub(super) struct Fitted {
    pub(super) chunks: VecDeque<Chunk>,
    /// Each a message that no record takes.
    pub(super) refused: Vec<Chunk>,
}

impl Fitted {
    /// Takes a chunk in, cut so that no record of it has more than `most` bytes.
    fn take(&mut self, chunk: Chunk, most: usize) {
        if record::size(&chunk) <= most {
            self.chunks.push_back(chunk);
        } else if chunk.len() > 1 {
            // In halves: half as deep with each call.
            let half = chunk.len().div_ceil(2);
            chunk.split(half).into_iter().for_each(|part| self.take(part, most));
        } else {
            self.refused.push(chunk);
        }
    }
}

/// [`Chunk::cost`] of all.
fn cost<'a>(chunks: impl IntoIterator<Item = &'a Chunk>) -> usize {
    chunks.into_iter().map(Chunk::cost).sum()
}

impl<F: Files> Worker<F> {
    /// Cuts what is too large, and says and counts what cannot be stored.
    pub(super) fn fit(&self, chunks: VecDeque<Chunk>) -> Fitted {
        let is_large = |chunk: &Chunk| record::size(chunk) > RECORD_BYTES_MAX;
        if !chunks.iter().any(is_large) {
            return Fitted { chunks, refused: Vec::new() };
        }
        let mut fitted = Fitted::default();
        chunks.into_iter().for_each(|chunk| fitted.take(chunk, RECORD_BYTES_MAX));
        for chunk in &fitted.refused {
            let text = format!(
                "drops a message of {} bytes: its queue on disk takes {RECORD_BYTES_MAX}",
                chunk.bytes.len()
            );
            self.spec.say(Level::Error, &text);
        }
        self.spec.stats.too_large.add(count(fitted.refused.len()));
        fitted
    }

    /// The same for what waits, which the queue counts.
    pub(super) fn fit_waiting(&self, waiting: VecDeque<Chunk>) -> VecDeque<Chunk> {
        let before = cost(&waiting);
        let Fitted { chunks, refused } = self.fit(waiting);
        let (after, dropped) = (cost(&chunks), count(refused.len()));
        if before != after {
            let mut state = self.shared.lock();
            state.bytes = state.bytes + after - before;
            state.messages -= dropped;
            if let Some(spill) = &mut state.spill {
                spill.waiting_bytes = spill.waiting_bytes + after - before;
                spill.waiting_messages -= dropped;
            }
            drop(state);
            // There may be room, or nothing left to wait for.
            self.shared.freed.notify_waiters();
            self.shared.filled.notify_one();
        }
        chunks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::num::len32;
    use crate::queue::Run;

    #[test]
    fn chunks_are_cut_between_messages() {
        let mut chunk = Chunk::default();
        for (index, length) in [10_usize, 30, 200, 5, 5, 5].into_iter().enumerate() {
            let name = format!("n{index}");
            chunk.runs.push(Run { name: name.as_bytes(), first: len32(index) });
            chunk.bytes.resize(chunk.bytes.len() + length, b'0' + u8::try_from(index).unwrap());
            chunk.end_message();
        }
        let mut fitted = Fitted::default();
        fitted.take(chunk, 80);
        assert!(fitted.chunks.iter().all(|chunk| record::size(chunk) <= 80));
        let bytes: Vec<u8> = fitted.chunks.iter().flat_map(|chunk| chunk.bytes.clone()).collect();
        assert_eq!(bytes.len(), 55);
        assert!(bytes.is_sorted());
        let names: usize = fitted.chunks.iter().map(|chunk| chunk.runs.len()).sum();
        assert_eq!(names, 5);
        assert_eq!(fitted.refused.len(), 1);
        assert_eq!(fitted.refused[0].bytes, vec![b'2'; 200]);
    }
}
