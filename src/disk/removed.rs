//! Files that somebody removes while the log is open: what they held is lost and told, and the log
//! goes on in new ones.

use std::io;

use crate::disk::Damage;
use crate::disk::DamageKind;
use crate::disk::Files;
use crate::disk::Log;
use crate::disk::Position;
use crate::disk::segment::Segment;
use crate::disk::state::State;

impl<F: Files> Log<F> {
    /// Whether what was written since the last sync has a name still: nobody would find it again
    /// otherwise.
    pub(super) fn check_names(&self) -> io::Result<()> {
        let open = self.unsynced.len() + usize::from(self.active.is_some());
        let segments = self.segments.iter().skip(self.segments.len().saturating_sub(open));
        for (file, segment) in self.unsynced.iter().chain(&self.active).zip(segments) {
            if !self.files.is_at(file, &self.paths.segment(segment.header.number))? {
                return Err(io::Error::new(io::ErrorKind::NotFound, "its files were removed"));
            }
        }
        Ok(())
    }

    /// Makes the directory, the lock and the state anew where they are gone.
    pub(super) fn put_right(&mut self) -> io::Result<()> {
        let lock = self.paths.lock();
        if !self.files.holds(&self.lock, &lock)? {
            self.files.make_directory(&self.paths.directory)?;
            self.lock = self.files.lock(&lock)?;
            self.is_directory_dirty = true;
        }
        let state = self.paths.state();
        if !self.state.is_at(&self.files, &state)? {
            self.state = State::open(&self.files, &state, self.slot())?;
            self.is_directory_dirty = true;
        }
        Ok(())
    }

    /// Leaves out what was in files that somebody has removed, and says how many messages nobody
    /// had read from them; [`Log::take_damages`] has which records. To be called when nothing waits
    /// for a sync.
    ///
    /// # Errors
    /// The disk's.
    pub fn forget_removed(&mut self) -> io::Result<u64> {
        if self.segments.iter().any(|segment| segment.written != segment.committed) {
            return Ok(0);
        }
        let mut there = match self.paths.list(&self.files) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            list => list?,
        };
        if let (Some(file), Some(last)) = (&self.active, self.segments.back()) {
            let number = last.header.number;
            if !self.files.is_at(file, &self.paths.segment(number))? {
                there.retain(|other| *other != number);
                self.active = None;
            }
        }
        let is_gone = |segment: &Segment| there.binary_search(&segment.header.number).is_err();
        let (gone, left) = self.segments.drain(..).partition(is_gone);
        self.segments = left;
        Ok(gone.iter().map(|segment| self.forget(segment)).sum())
    }

    /// Returns how many messages of a removed segment were not read.
    fn forget(&mut self, segment: &Segment) -> u64 {
        let (number, next) = (segment.header.number, Position(segment.committed.next));
        let is_read = self.reader.segment == number;
        let unread = segment.unread();
        if unread > 0 {
            let walk = if is_read { self.reader.walk } else { segment.walk() };
            self.report(Damage {
                kind: DamageKind::MissingSegment,
                segment: number,
                at: walk.at,
                bytes: segment.committed.end - walk.at,
                from: walk.expected,
                to: next,
                messages: u32::try_from(unread).ok(),
            });
        }
        if is_read {
            self.reader.file = None;
            self.reader.walk.at = segment.committed.end;
            self.reader.walk.expected = next;
        }
        // Memory has it, and it has no place on the disk any more.
        self.pending.retain(|pending| pending.segment != number);
        self.bytes -= segment.bytes();
        if self.segments.is_empty() {
            self.reader.walk.expected = Position(self.committed);
        }
        unread
    }

    /// Whether a record that was read is still there.
    #[must_use]
    pub fn holds(&self, position: Position) -> bool {
        let at = self.segments.partition_point(|segment| segment.written.next <= position.0);
        self.segments.get(at).is_some_and(|segment| segment.header.first <= position.0)
    }

    /// The file of a segment that is to be read is gone: what of it was not read is lost, and
    /// nothing more is to be written there. False while that holds something that is not committed.
    pub(super) fn passed_missing(&mut self, index: usize) -> bool {
        let segment = &mut self.segments[index];
        if segment.written != segment.committed {
            return false;
        }
        if !segment.is_sealed {
            segment.is_sealed = true;
            self.active = None;
        }
        let walk = &mut self.reader.walk;
        let messages = segment.unread();
        let damage = Damage {
            kind: DamageKind::MissingSegment,
            segment: segment.header.number,
            at: walk.at,
            bytes: segment.committed.end - walk.at,
            from: walk.expected,
            to: Position(segment.committed.next),
            messages: u32::try_from(messages).ok(),
        };
        segment.taken = segment.committed.messages;
        (walk.at, walk.expected) = (segment.committed.end, damage.to);
        self.report(damage);
        true
    }
}
