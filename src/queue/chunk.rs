//! What travels to an action: many rendered messages in one buffer.

use crate::base::num::len32;
use crate::disk::Position;
use crate::message::Ack;
use crate::queue::Runs;

/// The memory of a chunk that is kept for reuse, at most: what a read of ordinary messages renders
/// to.
pub(super) const SPARE_BYTES: usize = 1 << 20;

/// Rendered and framed messages, back to back.
#[derive(Debug, Default)]
pub struct Chunk {
    pub bytes: Vec<u8>,
    /// Where each message ends in `bytes`; as many as there are messages.
    pub ends: Vec<u32>,
    /// `dynaFile`: which messages go to which name. Empty for a fixed target.
    pub runs: Runs,
    pub ack: Ack,
    /// Which one of its queue it is; the queue counts.
    pub number: u64,
    /// Where it is on disk; its room there is given back when it is delivered.
    pub stored: Option<Position>,
    /// What the next action gets if this one fails (`action.execOnlyWhenPreviousIsSuspended`).
    pub instead: Option<Box<Instead>>,
}

/// The messages of a chunk as the action would have them that takes over.
#[derive(Debug, Default)]
pub struct Instead {
    pub chunk: Chunk,
    /// Which of the messages each of them is.
    pub of: Vec<u32>,
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
        let instead = self.instead.as_ref().map_or(0, |instead| instead.chunk.cost());
        size_of::<Self>()
            + instead
            + self.bytes.len()
            + size_of_val(self.ends.as_slice())
            + self.runs.cost()
    }

    /// Bytes of memory that it keeps for reuse when it is empty.
    #[must_use]
    pub const fn memory(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * size_of::<u32>() + self.runs.memory()
    }

    /// Marks that a message was appended to `bytes` up to here.
    #[inline]
    pub fn end_message(&mut self) {
        self.ends.push(len32(self.bytes.len()));
    }

    /// Drops what stands behind the last whole message: rendering another one was broken off. The
    /// next action has nothing instead of a message for which that was being rendered.
    pub fn cut_to_whole(&mut self) {
        self.cut_to(self.ends.len());
    }

    fn cut_to(&mut self, messages: usize) {
        self.ends.truncate(messages);
        self.bytes.truncate(self.ends.last().map_or(0, |end| *end as usize));
        self.runs.truncate(messages);
        if let Some(instead) = &mut self.instead {
            let Instead { chunk, of } = &mut **instead;
            of.retain(|of| (*of as usize) < messages);
            // It is noted whose it is once it is whole.
            chunk.cut_to(of.len().min(chunk.len()));
            of.truncate(chunk.len());
        }
    }

    /// Makes chunks of at most so many messages of it, in order. Each has its place on disk, and
    /// holds its token.
    #[must_use]
    pub fn split(self, messages: usize) -> Vec<Self> {
        let starts = (0..self.len()).step_by(messages.max(1));
        let part = |first| Self { stored: self.stored, ..self.part(first, messages) };
        starts.map(part).collect()
    }

    /// Two chunks of it: the first so many messages, and the others. As [`Self::split`].
    #[must_use]
    pub fn cut(&self, messages: usize) -> [Self; 2] {
        let part = |first, most| Self { stored: self.stored, ..self.part(first, most) };
        [part(0, messages), part(messages, usize::MAX)]
    }

    /// A copy of so many messages from `first` on, as far as there are any.
    #[must_use]
    pub fn part(&self, first: usize, messages: usize) -> Self {
        let start = first.checked_sub(1).map_or(0, |before| self.ends[before]);
        let ends = &self.ends[first..first.saturating_add(messages).min(self.len())];
        let end = ends.last().map_or(start, |end| *end);
        Self {
            bytes: self.bytes[start as usize..end as usize].to_vec(),
            ends: ends.iter().map(|end| end - start).collect(),
            runs: self.runs.part(first, ends.len()),
            ack: self.ack.clone(),
            number: self.number,
            stored: None,
            instead: self.instead.as_ref().map(|instead| {
                let place =
                    |message: usize| instead.of.partition_point(|of| (*of as usize) < message);
                let (from, to) = (place(first), place(first + ends.len()));
                let of = instead.of[from..to].iter().map(|of| of - len32(first)).collect();
                Box::new(Instead { chunk: instead.chunk.part(from, to - from), of })
            }),
        }
    }

    /// Takes the last message back.
    pub fn pop(&mut self) {
        if self.ends.pop().is_some() {
            self.bytes.truncate(self.ends.last().map_or(0, |end| *end as usize));
        }
        let messages = self.ends.len();
        self.runs.truncate(messages);
        if let Some(instead) = &mut self.instead
            && instead.of.pop_if(|of| *of as usize >= messages).is_some()
        {
            instead.chunk.pop();
        }
    }

    /// What the next action gets instead of the messages from `first` on; `None` unless it is there
    /// for all of them. It stays here.
    #[must_use]
    pub fn instead_from(&self, first: usize) -> Option<Self> {
        let instead = self.instead.as_ref()?;
        let skip = instead.of.partition_point(|of| (*of as usize) < first);
        if instead.of.len() - skip != self.len() - first {
            return None;
        }
        let mut next = instead.chunk.part(skip, usize::MAX);
        next.ack = self.ack.clone();
        Some(next)
    }

    /// Empties it and keeps its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.runs.clear();
        self.ack = Ack::NONE;
        self.stored = None;
        self.instead = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Run;

    #[test]
    fn what_the_next_action_gets_begins_where_this_one_stopped() {
        let chunk = |texts: &[&str]| {
            let mut chunk = Chunk::default();
            for text in texts {
                chunk.bytes.extend_from_slice(text.as_bytes());
                chunk.end_message();
            }
            chunk
        };
        let mut first = chunk(&["a", "b", "c"]);
        let instead = Instead { chunk: chunk(&["B", "C"]), of: vec![1, 2] };
        first.instead = Some(Box::new(instead));
        assert!(first.instead_from(0).is_none(), "the first would be lost");
        assert_eq!(first.instead_from(1).unwrap().bytes, b"BC");
        assert_eq!(first.instead_from(2).unwrap().bytes, b"C");
        let part = first.part(1, 1);
        assert_eq!(
            (&part.bytes[..], part.instead_from(0).unwrap().bytes),
            (&b"b"[..], b"B".to_vec())
        );
        first.pop();
        assert_eq!(
            (&first.bytes[..], &first.instead.unwrap().chunk.bytes[..]),
            (&b"ab"[..], &b"B"[..])
        );
    }

    #[test]
    fn parts_of_a_chunk_are_chunks() {
        let mut chunk = Chunk { stored: Some(Position(7)), ..Chunk::default() };
        for (index, text) in ["a", "bb", "", "ccc", "d"].iter().enumerate() {
            chunk.bytes.extend_from_slice(text.as_bytes());
            if [0, 1, 4].contains(&index) {
                let name = format!("n{index}");
                chunk.runs.push(Run { name: name.as_bytes(), first: len32(index) });
            }
            chunk.end_message();
        }
        let parts = chunk.split(2);
        let runs = |part: usize| {
            let run = |run: Run<'_>| (String::from_utf8_lossy(run.name).into_owned(), run.first);
            parts[part].runs.iter().map(run).collect::<Vec<_>>()
        };
        let run = |name: &str, first| (name.to_owned(), first);
        let bytes: Vec<&[u8]> = parts.iter().map(|part| &part.bytes[..]).collect();
        assert_eq!(bytes, [&b"abb"[..], b"ccc", b"d"]);
        let ends: Vec<&[u32]> = parts.iter().map(|part| &part.ends[..]).collect();
        assert_eq!(ends, [&[1, 3][..], &[0, 3], &[1]]);
        assert_eq!(runs(0), [run("n0", 0), run("n1", 1)]);
        assert_eq!(runs(1), [run("n1", 0)]);
        assert_eq!(runs(2), [run("n4", 0)]);
        let stored: Vec<bool> = parts.iter().map(|part| part.stored.is_some()).collect();
        assert_eq!(stored, [true; 3]);
    }
}
