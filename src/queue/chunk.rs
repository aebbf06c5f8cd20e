//! What travels to an action: many rendered messages in one buffer.

use crate::base::num::len32;
use crate::disk::Position;
use crate::message::Ack;

/// Rendered and framed messages, back to back.
#[derive(Debug, Default)]
pub struct Chunk {
    pub bytes: Vec<u8>,
    /// Where each message ends in `bytes`; as many as there are messages.
    pub ends: Vec<u32>,
    /// `dynaFile`: which messages go to which name. Empty for a fixed target.
    pub runs: Vec<Run>,
    pub ack: Ack,
    /// Which one of its queue it is; the queue counts.
    pub number: u64,
    /// Where it is on disk; its room there is given back when it is delivered.
    pub stored: Option<Position>,
}

/// Consecutive messages for one dynamic name, up to the next run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub name: Box<[u8]>,
    /// Index into `ends` of the first message.
    pub first: u32,
}

impl Chunk {
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Messages in it.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of memory that it holds, roughly, for the queue's bound: many small chunks, or many
    /// names, take more than their messages do.
    #[must_use]
    pub fn cost(&self) -> usize {
        let names: usize = self.runs.iter().map(|run| run.name.len()).sum();
        size_of::<Self>()
            + self.bytes.len()
            + names
            + size_of_val(self.ends.as_slice())
            + size_of_val(self.runs.as_slice())
    }

    /// Bytes of memory that it keeps for reuse when it is empty.
    #[must_use]
    pub const fn memory(&self) -> usize {
        self.bytes.capacity()
            + self.ends.capacity() * size_of::<u32>()
            + self.runs.capacity() * size_of::<Run>()
    }

    /// Marks that a message was appended to `bytes` up to here.
    #[inline]
    pub fn end_message(&mut self) {
        self.ends.push(len32(self.bytes.len()));
    }

    /// Makes chunks of at most so many messages of it, in order. Its place on disk is that of the
    /// last one, and each holds its token.
    #[must_use]
    pub fn split(self, messages: usize) -> Vec<Self> {
        let mut parts = Vec::with_capacity(self.len().div_ceil(messages));
        let mut start = 0;
        for (index, ends) in self.ends.chunks(messages).enumerate() {
            let first = index * messages;
            let end = ends.last().map_or(start, |end| *end as usize);
            let offset = len32(start);
            parts.push(Self {
                bytes: self.bytes[start..end].to_vec(),
                ends: ends.iter().map(|end| end - offset).collect(),
                runs: self.runs_of(first, ends.len()),
                ack: self.ack.clone(),
                number: self.number,
                stored: None,
            });
            start = end;
        }
        if let Some(last) = parts.last_mut() {
            last.stored = self.stored;
        }
        parts
    }

    /// The runs of so many messages from `first` on, as if they stood alone.
    fn runs_of(&self, first: usize, messages: usize) -> Vec<Run> {
        let begin = self.runs.partition_point(|run| run.first as usize <= first);
        let end = self.runs.partition_point(|run| (run.first as usize) < first + messages);
        let runs = &self.runs[begin.saturating_sub(1)..end];
        let shifted = |run: &Run| Run {
            name: run.name.clone(),
            first: len32((run.first as usize).saturating_sub(first)),
        };
        runs.iter().map(shifted).collect()
    }

    /// Empties it and keeps its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.runs.clear();
        self.ack = Ack::NONE;
        self.stored = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_chunk_are_chunks() {
        let mut chunk = Chunk { stored: Some(Position(7)), ..Chunk::default() };
        for (index, text) in ["a", "bb", "", "ccc", "d"].iter().enumerate() {
            chunk.bytes.extend_from_slice(text.as_bytes());
            if [0, 1, 4].contains(&index) {
                let name = format!("n{index}").into_bytes().into();
                chunk.runs.push(Run { name, first: len32(index) });
            }
            chunk.end_message();
        }
        let run = |name: &str, first| Run { name: name.as_bytes().into(), first };
        let parts = chunk.split(2);
        let bytes: Vec<&[u8]> = parts.iter().map(|part| &part.bytes[..]).collect();
        assert_eq!(bytes, [&b"abb"[..], b"ccc", b"d"]);
        let ends: Vec<&[u32]> = parts.iter().map(|part| &part.ends[..]).collect();
        assert_eq!(ends, [&[1, 3][..], &[0, 3], &[1]]);
        assert_eq!(parts[0].runs, [run("n0", 0), run("n1", 1)]);
        assert_eq!(parts[1].runs, [run("n1", 0)]);
        assert_eq!(parts[2].runs, [run("n4", 0)]);
        let stored: Vec<bool> = parts.iter().map(|part| part.stored.is_some()).collect();
        assert_eq!(stored, [false, false, true]);
    }
}
