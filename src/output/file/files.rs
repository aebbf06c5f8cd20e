//! The open files of an action: found by name, the one that was used least recently at hand.

use std::hash::BuildHasher;
use std::io;
use std::time::Instant;

use hashbrown::DefaultHashBuilder;
use hashbrown::HashTable;

use crate::base::clock;
use crate::base::num::len32;
use crate::output::file::sink::Sink;

/// Where a file is in [`Files`]; free places are used again.
pub(super) type Slot = u32;

/// No slot: the end of the list.
const NONE: Slot = Slot::MAX;

pub(super) struct Open {
    pub(super) name: Box<[u8]>,
    pub(super) sink: Sink,
    /// Bytes that wait for the file, and how many of them it has.
    pub(super) buffer: Vec<u8>,
    pub(super) done: usize,
    /// It was rotated away: what comes goes to a new one of that name.
    pub(super) stale: bool,
    /// It is closed once it has what its compressor holds.
    pub(super) leaving: bool,
    pub(super) used_at: Instant,
    /// Written to since the last flush; then it is in the list of those.
    dirty: bool,
}

/// Neighbours in the order of use.
#[derive(Clone, Copy)]
struct Link {
    newer: Slot,
    older: Slot,
}

impl Open {
    /// Writes what waits; keeps at most so many bytes of memory for more.
    pub(super) fn empty(&mut self, most: usize) -> io::Result<()> {
        while self.done < self.buffer.len() {
            match self.sink.write(&self.buffer[self.done..]) {
                Ok(n) => self.done += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        self.done = 0;
        if self.buffer.capacity() > most {
            self.buffer = Vec::new();
        }
        self.buffer.clear();
        Ok(())
    }

    /// Whether the file ends in the middle of a message of the buffer.
    pub(super) fn is_torn(&self) -> bool {
        self.done > 0 && self.buffer.get(self.done - 1) != Some(&b'\n')
    }

    /// What was begun in another file is written whole. Messages are taken for lines: what ends a
    /// message is not kept where messages gather.
    pub(super) fn rewind(&mut self) {
        let line = self.buffer[..self.done].iter().rposition(|byte| *byte == b'\n');
        self.buffer.drain(..line.map_or(0, |at| at + 1));
        self.done = 0;
    }
}

/// Files by name, in the order in which they were used.
pub(super) struct Files {
    slots: Vec<Option<Open>>,
    /// As many. Apart, since each use of another file changes four of them.
    links: Vec<Link>,
    free: Vec<Slot>,
    table: HashTable<Slot>,
    /// Names come from senders, who must not choose where they collide.
    hasher: DefaultHashBuilder,
    newest: Slot,
    oldest: Slot,
    dirty: Vec<Slot>,
}

impl Files {
    pub(super) fn new() -> Self {
        Self {
            slots: Vec::new(),
            links: Vec::new(),
            free: Vec::new(),
            table: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            newest: NONE,
            oldest: NONE,
            dirty: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) fn get(&self, slot: Slot) -> Option<&Open> {
        self.slots.get(slot as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut Open> {
        self.slots.get_mut(slot as usize)?.as_mut()
    }

    /// The file of that name, which is thereby the one used last; whether it was already.
    pub(super) fn find(&mut self, name: &[u8]) -> Option<(Slot, bool)> {
        if self.get(self.newest).is_some_and(|open| *open.name == *name) {
            return Some((self.newest, true));
        }
        let hash = self.hasher.hash_one(name);
        let same = |slot: &Slot| self.get(*slot).is_some_and(|open| *open.name == *name);
        let slot = *self.table.find(hash, same)?;
        self.unlink(slot);
        self.link(slot);
        Some((slot, false))
    }

    pub(super) fn newest(&self) -> Option<Slot> {
        (self.newest != NONE).then_some(self.newest)
    }

    pub(super) fn oldest(&self) -> Option<Slot> {
        (self.oldest != NONE).then_some(self.oldest)
    }

    /// Takes in a file that is not there yet.
    pub(super) fn insert(&mut self, name: &[u8], sink: Sink) -> Slot {
        let open = Open {
            name: name.into(),
            sink,
            buffer: Vec::new(),
            done: 0,
            stale: false,
            leaving: false,
            used_at: clock::monotonic(),
            dirty: false,
        };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = Some(open);
                slot
            }
            None => {
                self.slots.push(Some(open));
                self.links.push(Link { newer: NONE, older: NONE });
                len32(self.slots.len() - 1)
            }
        };
        let Self { slots, table, hasher, .. } = self;
        let hash_of = |slot: &Slot| {
            slots
                .get(*slot as usize)
                .and_then(Option::as_ref)
                .map_or(0, |o| hasher.hash_one(&*o.name))
        };
        table.insert_unique(hasher.hash_one(name), slot, hash_of);
        self.link(slot);
        slot
    }

    pub(super) fn remove(&mut self, slot: Slot) -> Option<Open> {
        self.get(slot)?;
        self.unlink(slot);
        let open = self.slots.get_mut(slot as usize)?.take()?;
        let hash = self.hasher.hash_one(&*open.name);
        if let Ok(entry) = self.table.find_entry(hash, |other| *other == slot) {
            entry.remove();
        }
        self.free.push(slot);
        Some(open)
    }

    /// Notes that it was written to.
    pub(super) fn mark(&mut self, slot: Slot) {
        if let Some(open) = self.get_mut(slot)
            && !open.dirty
        {
            open.dirty = true;
            self.dirty.push(slot);
        }
    }

    /// How many were written to, or a few more: some may have been closed since.
    pub(super) fn dirty(&self) -> usize {
        self.dirty.len()
    }

    /// The one at that place in the list of those that were written to; [`Self::clean`] takes it
    /// off.
    pub(super) fn dirty_at(&mut self, index: usize) -> Option<Slot> {
        while let Some(slot) = self.dirty.get(index).copied() {
            if self.get(slot).is_some_and(|open| open.dirty) {
                return Some(slot);
            }
            self.dirty.swap_remove(index);
        }
        None
    }

    /// It has all that was written to it.
    pub(super) fn clean(&mut self, index: usize) {
        let slot = self.dirty.swap_remove(index);
        if let Some(open) = self.get_mut(slot) {
            open.dirty = false;
        }
    }

    pub(super) fn slots(&self) -> Vec<Slot> {
        self.table.iter().copied().collect()
    }

    fn link(&mut self, slot: Slot) {
        let before = std::mem::replace(&mut self.newest, slot);
        self.links[slot as usize] = Link { newer: NONE, older: before };
        match self.links.get_mut(before as usize) {
            Some(link) => link.newer = slot,
            None => self.oldest = slot,
        }
    }

    fn unlink(&mut self, slot: Slot) {
        let Link { newer, older } = self.links[slot as usize];
        match self.links.get_mut(newer as usize) {
            Some(link) => link.older = older,
            None => self.newest = older,
        }
        match self.links.get_mut(older as usize) {
            Some(link) => link.newer = newer,
            None => self.oldest = newer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sink() -> Sink {
        Sink::new(tempfile::tempfile().unwrap(), None, false).unwrap()
    }

    /// Against a list that is kept in order by hand.
    #[test]
    fn the_least_recently_used_is_at_hand() {
        let mut files = Files::new();
        let mut order: Vec<String> = Vec::new();
        for step in 0..500_u32 {
            let name = format!("n{}", step * step % 23);
            match files.find(name.as_bytes()) {
                Some((slot, same)) => {
                    assert_eq!(same, order.last() == Some(&name));
                    assert_eq!(*files.get(slot).unwrap().name, *name.as_bytes());
                    order.retain(|other| *other != name);
                }
                None => {
                    assert!(!order.contains(&name));
                    if files.len() == 5 {
                        let removed = files.remove(files.oldest().unwrap()).unwrap();
                        assert_eq!(*removed.name, *order.remove(0).as_bytes());
                    }
                    let slot = files.insert(name.as_bytes(), sink());
                    files.mark(slot);
                    files.mark(slot);
                }
            }
            order.push(name);
            assert_eq!(files.len(), order.len());
            let last = files.newest().and_then(|slot| files.get(slot)).unwrap();
            assert_eq!(*last.name, *order.last().unwrap().as_bytes());
        }
        assert!(files.slots.len() <= 5);
        while files.dirty_at(0).is_some() {
            files.clean(0);
        }
        let slot = files.oldest().unwrap();
        assert_eq!(*files.get(slot).unwrap().name, *order[0].as_bytes());
        files.mark(slot);
        assert_eq!(files.dirty_at(0), Some(slot));
        files.remove(slot);
        assert_eq!((files.dirty_at(0), files.len()), (None, 4));
    }
}
