//! What an output holds of its queue. It cannot be lost by the output's end: what is not given back
//! returns to the queue.

use std::collections::VecDeque;
use std::ops::Deref;
use std::ops::DerefMut;
use std::sync::Arc;

use crate::queue::Chunk;
use crate::queue::memory::Shared;

/// Chunks that an output has taken from its queue and not given back ([`crate::queue::Receiver`]),
/// in order. When it is dropped with chunks in it (the task was ended by the stop, or by a panic)
/// they go back to their places in the queue: there they count as left, and can be saved.
#[derive(Debug, Default)]
pub struct Taken {
    chunks: VecDeque<Chunk>,
    /// Known once something was taken.
    home: Option<Arc<Shared>>,
}

impl Taken {
    /// Takes in what came out of the queue of `home`.
    pub(super) fn fill(&mut self, home: &Arc<Shared>, chunks: impl IntoIterator<Item = Chunk>) {
        if self.home.is_none() {
            self.home = Some(home.clone());
        }
        self.chunks.extend(chunks);
    }

    /// What this is given from here on belongs to the queue that `other` is filled from.
    pub fn join(&mut self, other: &Self) {
        // Once is enough, and this is asked with every take.
        if self.home.is_none() {
            self.home.clone_from(&other.home);
        }
    }

    /// Takes so many messages off the first chunk, as a chunk of their own: both are to be given
    /// back. The whole chunk, if it has no more.
    pub fn cut_first(&mut self, messages: usize) -> Option<Chunk> {
        let chunk = self.chunks.pop_front()?;
        if messages >= chunk.len() {
            return Some(chunk);
        }
        let [first, rest] = match &self.home {
            Some(home) => home.cut(&chunk, messages),
            None => chunk.cut(messages),
        };
        self.chunks.push_front(rest);
        Some(first)
    }

    /// As [`crate::queue::Receiver::done`], for who holds chunks and no queue (a thread that
    /// writes).
    pub fn done(&self, chunk: Chunk) {
        if let Some(home) = &self.home {
            home.done(chunk);
        }
    }
}

impl Deref for Taken {
    type Target = VecDeque<Chunk>;

    fn deref(&self) -> &VecDeque<Chunk> {
        &self.chunks
    }
}

impl DerefMut for Taken {
    fn deref_mut(&mut self) -> &mut VecDeque<Chunk> {
        &mut self.chunks
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if let Some(home) = self.home.take()
            && !self.chunks.is_empty()
        {
            home.take_back(self.chunks.drain(..));
        }
    }
}
