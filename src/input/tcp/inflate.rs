//! Streams that are deflated as a whole (`compression.mode="stream:always"`).

use flate2::Decompress;
use flate2::FlushDecompress;

use crate::base::limits::TCP_READ_BYTES;

/// A connection's deflated stream.
#[derive(Debug)]
pub(super) struct Inflate {
    stream: Decompress,
    /// What was received and not inflated yet: one read at most.
    pub(super) packed: Vec<u8>,
    /// The latest piece was as large as it may be: there may be more without further input.
    full: bool,
}

impl Inflate {
    pub(super) fn new() -> Self {
        Self { stream: Decompress::new(true), packed: Vec::new(), full: false }
    }

    /// Whether [`Inflate::append_to`] may find something without further input.
    pub(super) const fn has_more(&self) -> bool {
        self.full || !self.packed.is_empty()
    }

    /// Appends the next piece, at most a read's worth, to `data`. Returns how many received bytes
    /// it came from, and how many were given up because they are no deflated stream.
    pub(super) fn append_to(&mut self, data: &mut Vec<u8>) -> (usize, usize) {
        let (start, before_in, before_out) =
            (data.len(), self.stream.total_in(), self.stream.total_out());
        data.resize(start + TCP_READ_BYTES, 0);
        let sync = FlushDecompress::Sync;
        let broken = self.stream.decompress(&self.packed, &mut data[start..], sync).is_err();
        let done = |now: u64, before: u64| usize::try_from(now - before).unwrap_or(0);
        let took = done(self.stream.total_in(), before_in);
        let made = done(self.stream.total_out(), before_out);
        data.truncate(start + made);
        self.packed.drain(..took);
        self.full = made == TCP_READ_BYTES;
        // Behind the stream's end, or in a stream that is none, nothing moves any more.
        if !broken && (took > 0 || made > 0) {
            if self.packed.is_empty() {
                self.packed = Vec::new();
            }
            return (took, 0);
        }
        let lost = std::mem::take(&mut self.packed).len();
        self.full = false;
        if broken {
            self.stream = Decompress::new(true);
        }
        (took, lost)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_bomb_comes_in_pieces() {
        let text = vec![b'x'; 20 * TCP_READ_BYTES + 1];
        let mut inflate = Inflate::new();
        inflate.packed = packed(&text);
        let mut total = 0;
        while inflate.has_more() {
            let mut data = b"tail".to_vec();
            assert_eq!(inflate.append_to(&mut data).1, 0);
            assert!(data.len() <= 4 + TCP_READ_BYTES && data.starts_with(b"tail"));
            total += data.len() - 4;
        }
        assert_eq!(total, text.len());
    }

    #[test]
    fn any_split_gives_the_same() {
        let text: Vec<u8> = (0..50_000_u32).flat_map(u32::to_be_bytes).collect();
        let mut inflate = Inflate::new();
        let mut data = Vec::new();
        for part in packed(&text).chunks(37) {
            inflate.packed.extend_from_slice(part);
            while inflate.has_more() {
                assert_eq!(inflate.append_to(&mut data).1, 0);
            }
        }
        assert_eq!(data, text);
    }

    #[test]
    fn what_is_no_stream_is_counted_and_over() {
        let mut inflate = Inflate::new();
        inflate.packed = b"plain text, not deflated".to_vec();
        let mut data = Vec::new();
        let (took, lost) = inflate.append_to(&mut data);
        assert_eq!((took + lost, data.len(), inflate.has_more()), (24, 0, false));
        // Behind an end, too.
        inflate.packed = packed(b"one");
        inflate.packed.extend_from_slice(b"trailer");
        let mut lost = 0;
        while inflate.has_more() {
            lost += inflate.append_to(&mut data).1;
        }
        assert_eq!((data.as_slice(), lost), (&b"one"[..], 7));
    }
}
