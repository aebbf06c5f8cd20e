//! A chunk as a record of the log, and back.
//!
//! ```text
//! the messages' bytes, as they are in the chunk
//! where each message ends       u32 × messages
//! each run: first message       u32
//!           length of its name  u32
//!           the name
//! trailer:  messages            u32
//!           runs                u32
//!           bytes of all above but the messages' own   u32
//!           version             u32, 1
//! ```
//!
//! Numbers are little-endian. The messages come first so that a record that was read is the
//! chunk's buffer already: what is behind them is cut off.

use std::io;
use std::io::IoSlice;

use crate::base::num::len32;
use crate::queue::Chunk;
use crate::queue::Run;
use crate::queue::Runs;

const VERSION: u32 = 1;
const TRAILER: usize = 16;

/// Writes what of `chunk` comes behind its messages' bytes into `tail`, whose content is replaced.
/// The record is `[&chunk.bytes, &tail]`, see [`parts`]. The acknowledgement token is not in it.
pub fn encode_tail(chunk: &Chunk, tail: &mut Vec<u8>) {
    tail.clear();
    for end in &chunk.ends {
        tail.extend_from_slice(&end.to_le_bytes());
    }
    for run in chunk.runs.iter() {
        tail.extend_from_slice(&run.first.to_le_bytes());
        tail.extend_from_slice(&len32(run.name.len()).to_le_bytes());
        tail.extend_from_slice(run.name);
    }
    let bytes = len32(tail.len());
    for number in [len32(chunk.ends.len()), len32(chunk.runs.len()), bytes, VERSION] {
        tail.extend_from_slice(&number.to_le_bytes());
    }
}

/// The bytes of a chunk's record.
#[must_use]
pub fn size(chunk: &Chunk) -> usize {
    let names = 8 * chunk.runs.len() + chunk.runs.names_len();
    chunk.bytes.len() + size_of_val(chunk.ends.as_slice()) + names + TRAILER
}

/// The parts of a chunk's record.
#[must_use]
pub fn parts<'a>(chunk: &'a Chunk, tail: &'a [u8]) -> [IoSlice<'a>; 2] {
    [IoSlice::new(&chunk.bytes), IoSlice::new(tail)]
}

/// Makes `chunk`, whose `bytes` are a record, what it was before; its other fields are replaced.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`]: it is no record of a chunk, or one of a newer version. The
/// chunk is as it was.
pub fn decode(chunk: &mut Chunk) -> io::Result<()> {
    let decoded = read_tail(&chunk.bytes);
    let (bytes, ends, runs) = decoded.ok_or(io::ErrorKind::InvalidData)?;
    chunk.bytes.truncate(bytes);
    chunk.ends.clear();
    chunk.ends.extend(ends);
    chunk.runs = runs;
    Ok(())
}

/// The bytes of all messages, where each ends, and the runs.
fn read_tail(record: &[u8]) -> Option<(usize, Vec<u32>, Runs)> {
    let (rest, trailer) = record.split_at_checked(record.len().checked_sub(TRAILER)?)?;
    let mut trailer = Numbers(trailer);
    let (messages, runs_count) = (trailer.next()?, trailer.next()?);
    let (tail_bytes, version) = (trailer.next()?, trailer.next()?);
    let bytes = rest.len().checked_sub(usize::try_from(tail_bytes).ok()?)?;
    let mut tail = Numbers(&rest[bytes..]);
    let messages = usize::try_from(messages).ok()?;
    if version != VERSION || messages > tail.0.len() / 4 {
        return None;
    }
    let mut ends = Vec::with_capacity(messages);
    let mut last = 0;
    for _ in 0..messages {
        let end = tail.next()?;
        if end < last {
            return None;
        }
        last = end;
        ends.push(end);
    }
    let (mut runs, mut next) = (Runs::default(), 0);
    for _ in 0..runs_count {
        let first = tail.next()?;
        let length = usize::try_from(tail.next()?).ok()?;
        let (name, behind) = tail.0.split_at_checked(length)?;
        tail.0 = behind;
        if first < next || usize::try_from(first).ok()? >= messages {
            return None;
        }
        next = first.checked_add(1)?;
        runs.push(Run { name, first });
    }
    (tail.0.is_empty() && last as usize == bytes).then_some((bytes, ends, runs))
}

/// Reads numbers off the front.
struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    fn next(&mut self) -> Option<u32> {
        let (number, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*number))
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::any;
    use proptest::prelude::prop_assert_eq;
    use proptest::proptest;

    use super::*;

    fn chunk(messages: &[Vec<u8>], names: &[(u8, Vec<u8>)]) -> Chunk {
        let mut chunk = Chunk::default();
        for (index, message) in messages.iter().enumerate() {
            if let Some((_, name)) = names.iter().find(|(at, _)| usize::from(*at) == index) {
                chunk.runs.push(Run { name, first: len32(index) });
            }
            chunk.bytes.extend_from_slice(message);
            chunk.end_message();
        }
        chunk
    }

    fn record(chunk: &Chunk) -> Vec<u8> {
        let mut tail = b"old".to_vec();
        encode_tail(chunk, &mut tail);
        parts(chunk, &tail).concat_bytes()
    }

    trait Concat {
        fn concat_bytes(&self) -> Vec<u8>;
    }

    impl Concat for [IoSlice<'_>] {
        fn concat_bytes(&self) -> Vec<u8> {
            self.iter().flat_map(|part| part.to_vec()).collect()
        }
    }

    #[test]
    fn the_bytes_are_as_drawn() {
        let chunk = chunk(&[b"ab".to_vec(), b"c".to_vec()], &[(0, b"n".to_vec())]);
        let record = record(&chunk);
        assert_eq!(size(&chunk), record.len());
        let drawn = [
            &b"abc"[..],
            &[2, 0, 0, 0, 3, 0, 0, 0],
            &[0, 0, 0, 0, 1, 0, 0, 0, b'n'],
            &[2, 0, 0, 0, 1, 0, 0, 0, 17, 0, 0, 0, 1, 0, 0, 0],
        ];
        assert_eq!(record, drawn.concat());
    }

    proptest! {
        #[test]
        fn a_chunk_comes_back(
            messages in vec(vec(any::<u8>(), 0..20), 0..20),
            names in vec((0_u8..20, vec(any::<u8>(), 0..5)), 0..4),
        ) {
            let chunk = chunk(&messages, &names);
            let mut back = Chunk { bytes: record(&chunk), ..Chunk::default() };
            decode(&mut back).unwrap();
            prop_assert_eq!(&back.bytes, &chunk.bytes);
            prop_assert_eq!(&back.ends, &chunk.ends);
            prop_assert_eq!(&back.runs, &chunk.runs);
        }

        /// Whatever is read is a whole chunk, or refused.
        #[test]
        fn any_bytes_are_decoded(
            messages in vec(vec(any::<u8>(), 0..6), 0..6),
            cut in 0_usize..40,
            at in any::<proptest::sample::Index>(),
            with in any::<u8>(),
        ) {
            let mut bytes = record(&chunk(&messages, &[(1, b"name".to_vec())]));
            bytes.truncate(bytes.len().saturating_sub(cut).max(1));
            let at = at.index(bytes.len());
            bytes[at] ^= with;
            let mut back = Chunk { bytes, ..Chunk::default() };
            if decode(&mut back).is_ok() {
                prop_assert_eq!(back.ends.last().map_or(0, |end| *end as usize), back.bytes.len());
                prop_assert_eq!(back.ends.is_sorted(), true);
            }
        }
    }
}
