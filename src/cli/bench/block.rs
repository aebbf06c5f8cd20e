//! A corpus as it goes over the wire: rendered once, sent many times, ids patched in place.

use std::ops::Range;

use crate::cli::bench::corpus::Corpus;
use crate::cli::bench::ids;
use crate::cli::bench::ids::Stamp;
use crate::cli::bench::ids::TOKEN;
use crate::parse::relp::frame_syslog;

/// How frames are told apart on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    /// A line feed behind each (RFC 6587 §3.4.2).
    Lf,
    /// A decimal length and a space before each (RFC 6587 §3.4.1).
    OctetCount,
    /// One datagram each (RFC 5426 §3.1).
    Datagram,
    /// RELP frames, with room for a number of nine digits.
    Relp,
}

/// Rendered frames, one behind the other.
#[derive(Clone, Debug)]
pub(super) struct Block {
    bytes: Vec<u8>,
    /// Where each frame, terminator included, ends.
    ends: Vec<usize>,
    /// Where each frame's id goes; empty without ids.
    slots: Vec<usize>,
}

impl Block {
    pub(super) fn render(corpus: &Corpus, wire: Wire, ids: bool) -> Self {
        let mut block = Self { bytes: Vec::new(), ends: Vec::new(), slots: Vec::new() };
        for frame in corpus.frames() {
            let start = block.bytes.len();
            if wire == Wire::OctetCount {
                let length = frame.len() + if ids { TOKEN } else { 0 };
                block.bytes.extend_from_slice(format!("{length} ").as_bytes());
            }
            if ids {
                block.slots.push(ids::embed(frame, &mut block.bytes));
            } else {
                block.bytes.extend_from_slice(frame);
            }
            if wire == Wire::Relp {
                let text = block.bytes.len();
                frame_syslog(&mut block.bytes, start);
                if let (true, Some(slot)) = (ids, block.slots.last_mut()) {
                    // All but the LF went before the text.
                    *slot += block.bytes.len() - text - 1;
                }
            }
            if wire == Wire::Lf {
                block.bytes.push(b'\n');
            }
            block.ends.push(block.bytes.len());
        }
        block
    }

    /// Frames in the block.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The frames from `from` on that fit `most` and `bytes`; one at least.
    pub(super) fn take(&self, from: usize, most: usize, bytes: usize) -> Range<usize> {
        let limit = self.start(from) + bytes;
        let last = from.saturating_add(most).min(self.len());
        let fitting = self.ends[from..last].partition_point(|&end| end <= limit);
        from..from + fitting.max(1)
    }

    /// Gives `frames` the next ids of a connection.
    pub(super) fn patch(&mut self, frames: Range<usize>, stamp: &mut Stamp) {
        if let Some(slots) = self.slots.get(frames) {
            for &slot in slots {
                stamp.patch(slot, &mut self.bytes);
            }
        }
    }

    /// Each of `frames`, to be changed in place.
    pub(super) fn each_mut(&mut self, frames: Range<usize>) -> impl Iterator<Item = &mut [u8]> {
        let mut at = self.start(frames.start);
        let mut rest = &mut self.bytes[at..];
        self.ends[frames].iter().map(move |&end| {
            let (frame, behind) = std::mem::take(&mut rest).split_at_mut(end - at);
            (at, rest) = (end, behind);
            frame
        })
    }

    /// `frames` as one run of bytes.
    pub(super) fn bytes(&self, frames: Range<usize>) -> &[u8] {
        &self.bytes[self.start(frames.start)..self.start(frames.end)]
    }

    fn start(&self, frame: usize) -> usize {
        if frame == 0 { 0 } else { self.ends[frame - 1] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::bench::corpus::Kind;
    use crate::cli::bench::ids::Found;
    use crate::cli::bench::ids::Reader;

    #[test]
    fn each_wire_form_holds_the_corpus() {
        let corpus = Corpus::generate(Kind::Mixed, 50, 3);
        let frames: Vec<&[u8]> = corpus.frames().collect();
        let lf = Block::render(&corpus, Wire::Lf, false);
        assert_eq!(lf.bytes(0..50), [frames.join(&b'\n'), b"\n".to_vec()].concat());
        let octet = Block::render(&corpus, Wire::OctetCount, false);
        let first = [format!("{} ", frames[0].len()).as_bytes(), frames[0]].concat();
        assert_eq!(octet.bytes(0..1), first);
        let datagrams = Block::render(&corpus, Wire::Datagram, false);
        assert_eq!(datagrams.bytes(49..50), frames[49]);
    }

    #[test]
    fn chunks_are_bounded_and_never_empty() {
        let block = Block::render(&Corpus::generate(Kind::Short, 10, 3), Wire::Lf, false);
        assert_eq!(block.take(0, usize::MAX, usize::MAX / 2), 0..10);
        assert_eq!(block.take(8, 5, 1 << 20), 8..10);
        assert_eq!(block.take(3, 5, 1), 3..4);
        let two = block.bytes(3..5).len();
        assert_eq!(block.take(3, 5, two), 3..5);
    }

    #[test]
    fn patched_frames_count_up_and_keep_their_length() {
        let corpus = Corpus::generate(Kind::Mixed, 20, 3);
        let mut block = Block::render(&corpus, Wire::OctetCount, true);
        let mut stamp = Stamp::new(4);
        for round in 0..3 {
            block.patch(0..20, &mut stamp);
            for number in 0..20_usize {
                let frame = block.bytes(number..number + 1);
                let Found::Id(id) = Reader::new().read(frame) else { panic!("no id") };
                assert_eq!((id.connection, id.sequence), (4, round * 20 + number as u64));
                let space = frame.iter().position(|&byte| byte == b' ').unwrap();
                let length: usize = std::str::from_utf8(&frame[..space]).unwrap().parse().unwrap();
                assert_eq!(length, frame.len() - space - 1);
            }
        }
    }
}
