//! The end of a queue with a disk: what is in memory goes there.

use std::collections::VecDeque;
use std::io;

use crate::base::num::count;
use crate::base::num::len32;
use crate::base::reporter::Level;
use crate::disk;
use crate::disk::Files;
use crate::queue::Chunk;
use crate::queue::memory::Leave;
use crate::queue::record;
use crate::queue::spool::Worker;

impl<F: Files> Worker<F> {
    /// The end: what memory holds goes to disk, if that is wanted.
    pub(super) fn close(mut self) {
        self.find_removed();
        let (left, head, waiting, released) = {
            let mut state = self.shared.lock();
            let depth = state.depth();
            let head = std::mem::take(&mut state.chunks);
            // What comes after this comes too late, and counts as left.
            let Some(mut spill) = state.spill.take() else { return };
            let waiting = std::mem::take(&mut spill.waiting);
            (depth, head, waiting, spill.released())
        };
        if let Some(upto) = released
            && let Err(error) = self.log.release(upto)
        {
            self.spec.say(Level::Error, &format!("cannot note what was delivered: {error}"));
        }
        let mut refused = 0;
        if self.spec.save {
            let (head, waiting) = (self.fit(head), self.fit(waiting));
            refused = count(head.refused.len() + waiting.refused.len());
            if let Err(error) = self.save(head.chunks, waiting.chunks) {
                let text = format!("cannot save what is left in memory: {error}");
                self.spec.say(Level::Error, &text);
            }
        }
        // A record of which a part was delivered is there as a whole.
        let left = left - refused;
        let saved = self.log.stored().messages.min(left);
        self.spec.stats.saved.add(saved);
        let retired = {
            let mut state = self.shared.lock();
            state.messages = left - saved;
            state.leave == Leave::WhenUnused
        };
        if retired && saved > 0 {
            let at = self.spec.directory.join(&self.spec.file);
            let text = format!("is gone, and leaves {saved} messages on disk: {}", at.display());
            self.spec.say(Level::Notice, &text);
        }
        if let Err(error) = self.log.close() {
            self.spec.say(Level::Error, &format!("cannot close its queue on disk: {error}"));
        }
    }

    /// Writes what is not on disk yet: what is older than that goes in front of it.
    fn save(&mut self, head: VecDeque<Chunk>, waiting: VecDeque<Chunk>) -> io::Result<()> {
        let is_behind = self.log.unread().messages == 0;
        let stored = |chunk: &Chunk| chunk.stored.is_some_and(|at| self.log.holds(at));
        let first_stored = head.iter().position(stored).unwrap_or(head.len());
        let (mut front, mut back) = (Vec::new(), Vec::new());
        for (index, chunk) in head.into_iter().enumerate().filter(|(_, chunk)| !stored(chunk)) {
            let older = index < first_stored || !is_behind;
            if older { front.push(chunk) } else { back.push(chunk) }
        }
        back.extend(waiting);
        if !front.is_empty() {
            self.put_in_front(&front)?;
        }
        for chunk in &back {
            self.append(chunk)?;
        }
        self.log.sync()
    }

    fn put_in_front(&mut self, chunks: &[Chunk]) -> io::Result<()> {
        let mut tails = vec![Vec::new(); chunks.len()];
        for (chunk, tail) in chunks.iter().zip(&mut tails) {
            record::encode_tail(chunk, tail);
        }
        let both = chunks.iter().zip(&tails);
        let parts: Vec<_> = both.map(|(chunk, tail)| record::parts(chunk, tail)).collect();
        let records: Vec<disk::Record<'_>> = parts
            .iter()
            .zip(chunks)
            .map(|(parts, chunk)| disk::Record { parts, messages: len32(chunk.len()) })
            .collect();
        self.log.put_in_front(&records)
    }
}
