//! What a connection was given and its peer's kernel has not acknowledged. It is kept until then,
//! and sent again if the connection breaks.
//!
//! ```text
//!            acked         written
//! stream  ─────┼──────────────┼─────▶
//! chunks  [ a  │][  b  ][  c  │    ]
//!          kept in flight      pending
//! ```

use std::collections::VecDeque;

use crate::base::num::count;
use crate::output::task::Pending;
use crate::queue::Chunk;
use crate::queue::Taken;

/// The end of a chunk whose last bytes are still inside of a compressor.
const UNKNOWN: u64 = u64::MAX;

/// Offsets count the bytes of one connection.
#[derive(Debug, Default)]
pub(super) struct Flight {
    /// Chunks that are through with the writer.
    kept: Taken,
    /// Of each, the offset behind its last byte.
    ends: VecDeque<u64>,
    pub(super) written: u64,
    acked: u64,
}

impl Flight {
    /// What it keeps is of the queue that `pending` is filled from: there it goes back to if the
    /// task is ended.
    pub(super) fn join(&mut self, pending: &Pending) {
        self.kept.join(&pending.chunks);
    }

    /// Whether the peer's kernel has all that was written.
    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty() && self.acked == self.written
    }

    /// Notes that the connection took `bytes` more of `pending`, and keeps the chunks that it has
    /// whole; `sent` sees each of them.
    pub(super) fn write(
        &mut self,
        pending: &mut Pending,
        bytes: usize,
        mut sent: impl FnMut(&Chunk),
    ) {
        let (mut end, mut before) = (self.written, pending.offset);
        pending.advance(bytes, |chunk| {
            end += count(chunk.bytes.len() - before);
            before = 0;
            sent(&chunk);
            self.kept.push_back(chunk);
            self.ends.push_back(end);
        });
        self.written += count(bytes);
    }

    /// Keeps a chunk that ends at that offset.
    pub(super) fn keep(&mut self, chunk: Chunk, end: u64) {
        self.kept.push_back(chunk);
        self.ends.push_back(end);
    }

    /// Keeps a chunk of which a compressor still holds a part; see [`Flight::end_at`].
    pub(super) fn keep_open(&mut self, chunk: Chunk) {
        self.keep(chunk, UNKNOWN);
    }

    /// The chunks of [`Flight::keep_open`] end here at the latest.
    pub(super) fn end_at(&mut self, offset: u64) {
        for end in self.ends.iter_mut().rev().take_while(|end| **end == UNKNOWN) {
            *end = offset;
        }
    }

    /// Notes that of what was written `left` bytes are not acknowledged, and passes each chunk
    /// that is through to `finished`. True if anything has moved.
    pub(super) fn acknowledge(&mut self, left: usize, mut finished: impl FnMut(Chunk)) -> bool {
        let acked = self.written.saturating_sub(count(left)).max(self.acked);
        let mut moved = acked > self.acked;
        self.acked = acked;
        while self.ends.front().is_some_and(|end| *end <= acked) {
            self.ends.pop_front();
            if let Some(chunk) = self.kept.pop_front() {
                moved = true;
                finished(chunk);
            }
        }
        moved
    }

    /// The connection is over: puts what was not acknowledged back in front of `pending`, whose
    /// offset comes to stand at the start of a message.
    pub(super) fn land(&mut self, pending: &mut Pending) {
        let unacked = self.written - self.acked;
        match self.ends.front().zip(self.kept.front()) {
            Some((end, chunk)) => {
                let left = usize::try_from(end - self.acked).unwrap_or(usize::MAX);
                pending.offset = chunk.bytes.len().saturating_sub(left);
            }
            None => {
                let unacked = usize::try_from(unacked).unwrap_or(usize::MAX);
                pending.offset = pending.offset.saturating_sub(unacked);
            }
        }
        for chunk in self.kept.drain(..).rev() {
            pending.chunks.push_front(chunk);
        }
        pending.rewind();
        let (kept, mut ends) = (std::mem::take(&mut self.kept), std::mem::take(&mut self.ends));
        ends.clear();
        *self = Self { kept, ends, ..Self::default() };
    }

    /// As [`Flight::land`], where the stream was compressed: its offsets do not say which messages
    /// of a chunk are through.
    pub(super) fn land_whole(&mut self, pending: &mut Pending) {
        self.land(pending);
        pending.offset = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::io::IoSlice;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn chunk(messages: &[usize], tag: u8) -> Chunk {
        let mut chunk = Chunk::default();
        for length in messages {
            chunk.bytes.resize(chunk.bytes.len() + length, tag);
            chunk.end_message();
        }
        chunk
    }

    /// One step of the writer, as far as `most` bytes.
    fn write(pending: &mut Pending, flight: &mut Flight, most: usize) {
        let mut slices = [IoSlice::new(&[]); 64];
        let n = pending.gather(&mut slices);
        let there: usize = slices[..n].iter().map(|slice| slice.len()).sum();
        flight.write(pending, there.min(most), |_| {});
    }

    proptest! {
        /// Wherever the peer stopped acknowledging, what is sent again begins at the start of the
        /// message that this byte belongs to, and nothing before it is.
        #[test]
        fn resumes_at_the_first_message_that_is_not_through(
            chunks in vec(vec(0_usize..9, 0..5), 1..6),
            written in 0_usize..120,
            acked in 0_usize..120,
        ) {
            let mut pending = Pending::default();
            let mut starts = Vec::new();
            let mut total = 0;
            for (chunk_of, tag) in chunks.iter().zip(0..) {
                pending.chunks.push_back(chunk(chunk_of, tag));
                for length in chunk_of {
                    starts.push(total);
                    total += length;
                }
            }
            let mut flight = Flight::default();
            let written = written.min(total);
            let acked = acked.min(written);
            write(&mut pending, &mut flight, written);
            let mut finished = 0;
            flight.acknowledge(written - acked, |chunk| finished += chunk.bytes.len());
            flight.land(&mut pending);
            let left: usize = pending.chunks.iter().map(|chunk| chunk.bytes.len()).sum();
            prop_assert_eq!(finished + left, total);
            let from = finished + pending.offset;
            prop_assert!(from <= acked);
            let expected = starts.iter().rev().find(|start| **start <= acked);
            if acked < total {
                prop_assert_eq!(Some(&from), expected);
            } else {
                prop_assert_eq!(from, total);
            }
            prop_assert!(flight.is_empty());
        }
    }

    #[test]
    fn a_compressed_stream_goes_back_to_a_chunk() {
        let mut flight = Flight::default();
        let mut pending = Pending::default();
        flight.keep(chunk(&[5, 5], 1), 7);
        flight.keep_open(chunk(&[5], 2));
        flight.keep_open(chunk(&[6], 3));
        flight.written = 9;
        let mut finished = Vec::new();
        assert!(flight.acknowledge(1, |chunk| finished.push(chunk.bytes[0])));
        assert_eq!(finished, [1]);
        assert!(!flight.acknowledge(1, |_| panic!("nothing has moved")));
        flight.end_at(12);
        flight.written = 12;
        flight.acknowledge(1, |_| panic!("their last byte is under way"));
        flight.land_whole(&mut pending);
        let lengths: Vec<_> = pending.chunks.iter().map(|chunk| chunk.bytes.len()).collect();
        assert_eq!((lengths, pending.offset), (vec![5, 6], 0));
        assert!(flight.is_empty());
    }
}
