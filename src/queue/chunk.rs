//! What travels to an action: many rendered messages in one buffer.

use crate::base::num::len32;
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

    /// Drops what stands behind the last whole message: rendering another one was broken off.
    pub fn cut_to_whole(&mut self) {
        self.bytes.truncate(self.ends.last().map_or(0, |end| *end as usize));
        let whole = self.ends.len();
        self.runs.retain(|run| (run.first as usize) < whole);
    }

    /// Empties it and keeps its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.runs.clear();
        self.ack = Ack::NONE;
    }
}
