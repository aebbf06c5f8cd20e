//! What a queue knows of its part on disk. The thread that works there is in [`super::spool`]; this
//! is what both sides see, under the queue's lock.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use crate::disk::Position;
use crate::queue::Chunk;

/// When a queue goes to disk, and when it is read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// Everything goes through the disk.
    pub always: bool,
    /// What memory holds from which the rest goes to disk.
    pub high_bytes: usize,
    pub high_messages: u64,
    /// What memory holds below which is read back.
    pub low_bytes: usize,
    pub low_messages: u64,
    /// What may wait to be written.
    pub waiting_bytes: usize,
}

/// The order is: what is in memory, what is on disk and was not read, what waits to be written.
/// So once anything is on disk, what comes goes there too, until all of it was read back.
#[derive(Debug)]
pub(super) struct Spill {
    pub(super) marks: Marks,
    /// What comes goes to disk.
    pub(super) active: bool,
    /// Not written yet.
    pub(super) waiting: VecDeque<Chunk>,
    /// [`Chunk::cost`] and messages of what waits or is being written.
    pub(super) waiting_bytes: usize,
    pub(super) waiting_messages: u64,
    /// Messages that are on disk and not in memory.
    pub(super) unread: u64,
    /// The most that they were.
    pub(super) unread_most: u64,
    /// Records that are in memory, or taken, and not delivered; in how many parts.
    outstanding: BTreeMap<Position, usize>,
    /// The last one that was read.
    last_read: Option<Position>,
    /// Something was delivered that can be released.
    pub(super) delivered: bool,
    /// The disk takes at the end what memory holds.
    pub(super) saves: bool,
}

/// Where a chunk that comes goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Memory,
    Disk,
    /// There is no room.
    Wait,
}

impl Spill {
    /// `unread`: messages that an earlier run left.
    pub(super) fn new(marks: Marks, unread: u64) -> Self {
        Self {
            marks,
            active: marks.always || unread > 0,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            waiting_messages: 0,
            unread,
            unread_most: unread,
            outstanding: BTreeMap::new(),
            last_read: None,
            delivered: false,
            saves: false,
        }
    }

    /// Where what comes goes, when memory holds so much (without what waits here).
    pub(super) fn way(&mut self, bytes: usize, messages: u64) -> Way {
        let Marks { high_bytes, high_messages, waiting_bytes, .. } = self.marks;
        self.active |= bytes >= high_bytes || messages >= high_messages;
        match self.active {
            false => Way::Memory,
            true if self.waiting_bytes < waiting_bytes => Way::Disk,
            true => Way::Wait,
        }
    }

    pub(super) fn wait(&mut self, chunk: Chunk) {
        self.waiting_bytes += chunk.cost();
        self.waiting_messages += chunk.len() as u64;
        self.waiting.push_back(chunk);
    }

    /// The first one that waits, which goes to memory.
    pub(super) fn take_back(&mut self) -> Option<Chunk> {
        let chunk = self.waiting.pop_front()?;
        self.waiting_bytes -= chunk.cost();
        self.waiting_messages -= chunk.len() as u64;
        Some(chunk)
    }

    /// These were written: they no longer take memory.
    pub(super) fn written(&mut self, bytes: usize, messages: u64) {
        self.waiting_bytes -= bytes;
        self.waiting_messages -= messages;
        self.unread += messages;
        self.unread_most = self.unread_most.max(self.unread);
    }

    /// Whether memory has room for what is on disk.
    pub(super) const fn wants(&self, bytes: usize, messages: u64) -> bool {
        self.unread > 0 && bytes < self.marks.low_bytes && messages < self.marks.low_messages
    }

    /// A record came to memory.
    pub(super) fn read(&mut self, position: Position, messages: u64) {
        self.unread = self.unread.saturating_sub(messages);
        self.last_read = Some(position);
        self.outstanding.insert(position, 1);
    }

    /// Goes back to memory alone once nothing is left on disk.
    pub(super) fn settle(&mut self) {
        if self.unread == 0 && self.waiting_bytes == 0 {
            self.active = self.marks.always;
        }
    }

    /// A part of a record was cut into so many.
    pub(super) fn cut(&mut self, position: Position, parts: usize) {
        if let Some(left) = self.outstanding.get_mut(&position) {
            *left += parts.saturating_sub(1);
        }
    }

    /// A part of a record was delivered. The record is when all of them are, in whatever order.
    pub(super) fn done(&mut self, position: Position) {
        if let Some(left) = self.outstanding.get_mut(&position) {
            *left -= 1;
            if *left == 0 {
                self.outstanding.remove(&position);
                self.delivered = true;
            }
        }
    }

    /// Up to where everything was delivered that was read.
    pub(super) fn released(&self) -> Option<Position> {
        match self.outstanding.first_key_value() {
            Some((first, _)) => Some(Position(first.number() - 1)),
            None => self.last_read,
        }
    }
}
