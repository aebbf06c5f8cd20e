//! The log: records at its end, records from its front.

use std::collections::VecDeque;
use std::io;
use std::io::IoSlice;

use crate::base::num::count;
use crate::base::num::len32;
use crate::disk::Damage;
use crate::disk::DamageKind;
use crate::disk::Files;
use crate::disk::Position;
use crate::disk::System;
use crate::disk::files::write_all;
use crate::disk::format::BLOCK;
use crate::disk::format::Mark;
use crate::disk::format::RECORD_BYTES_MAX;
use crate::disk::format::RECORD_HEADER;
use crate::disk::format::RECORDS_AT;
use crate::disk::format::RecordHeader;
use crate::disk::format::SECOND_COPY;
use crate::disk::format::SegmentHeader;
use crate::disk::format::Slot;
use crate::disk::format::checksum;
use crate::disk::format::low;
use crate::disk::segment::Extent;
use crate::disk::segment::Paths;
use crate::disk::segment::Segment;
use crate::disk::state::State;
use crate::disk::walk::Gap;
use crate::disk::walk::Step;
use crate::disk::walk::Walk;

/// Damages that are kept for [`Log::take_damages`]; further ones are counted.
pub(super) const DAMAGES_MAX: usize = 1000;
/// Files that are kept open for the next sync where there may never be one.
const UNSYNCED_MAX: usize = 16;
/// What is delivered between two syncs of the state, in bytes: after a loss of power so much is
/// delivered again at the most, and files of so many bytes wait to be removed.
const CHECKPOINT_BYTES: u64 = 16 << 20;

/// A queue on disk. One thread uses it; every call may block on the disk.
#[derive(Debug)]
pub struct Log<F: Files = System> {
    pub(super) files: F,
    pub(super) paths: Paths,
    /// What a segment grows to, footer and all.
    pub(super) segment_bytes: u64,
    pub(super) bytes_max: Option<u64>,
    pub(super) lock: F::Lock,
    pub(super) state: State<F>,
    pub(super) salt: u64,
    /// The oldest first.
    pub(super) segments: VecDeque<Segment>,
    /// The last segment's file, if that takes records.
    pub(super) active: Option<F::File>,
    /// What may be behind the end of the active segment, and has to be cut off.
    pub(super) is_tail_torn: bool,
    /// Segments that were sealed since the last sync.
    pub(super) unsynced: Vec<F::File>,
    pub(super) is_directory_dirty: bool,
    /// Of all segments.
    pub(super) bytes: u64,
    /// Of the next record.
    pub(super) next: u64,
    /// One more than the last record that was committed.
    pub(super) committed: u64,
    /// Of the next segment.
    pub(super) next_segment: u64,
    pub(super) reader: Reader<F>,
    /// What was read and is not released.
    pub(super) pending: VecDeque<Pending>,
    /// Bytes that were released since the state was synced.
    pub(super) unsynced_release: u64,
    pub(super) damages: Vec<Damage>,
    pub(super) counters: Counters,
}

/// Where reading is.
#[derive(Debug)]
pub(super) struct Reader<F: Files> {
    /// The segment's number.
    pub(super) segment: u64,
    pub(super) file: Option<F::File>,
    pub(super) walk: Walk,
}

/// A record that was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    pub(super) mark: Mark,
    pub(super) segment: u64,
    pub(super) messages: u32,
    pub(super) bytes: u32,
}

/// What a log did since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    pub appended_records: u64,
    pub appended_messages: u64,
    pub read_records: u64,
    pub released_records: u64,
    pub syncs: u64,
    /// Times that something was found damaged.
    pub damages: u64,
    /// Records that are lost by it, as far as is known.
    pub damaged_records: u64,
}

/// Messages, and bytes on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    pub messages: u64,
    pub bytes: u64,
}

/// A record for [`Log::put_in_front`].
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    pub parts: &'a [IoSlice<'a>],
    pub messages: u32,
}

impl<F: Files> Log<F> {
    /// Stores a record that consists of `parts`, one behind the other. It can be read after the
    /// next [`Log::sync`] or [`Log::flush`], and survives a loss of power after the next sync.
    ///
    /// # Errors
    /// The disk's, and [`io::ErrorKind::StorageFull`] where `bytes_max` is reached; the record is
    /// not stored then, all others are as they were, and the next call tries anew.
    pub fn append(&mut self, parts: &[IoSlice<'_>], messages: u32) -> io::Result<Position> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        if length > RECORD_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the record is too large"));
        }
        self.make_room(RECORD_HEADER as u64 + count(length))?;
        let position = Position(self.next);
        let bytes = parts.iter().map(|part| &**part);
        let crc = checksum(self.salt, bytes);
        let header = RecordHeader { length: len32(length), position, messages, crc };
        self.write_record(header, parts)?;
        self.next += 1;
        self.counters.appended_records += 1;
        self.counters.appended_messages += u64::from(messages);
        Ok(position)
    }

    /// Makes the last segment one that takes a record of so many bytes.
    fn make_room(&mut self, bytes: u64) -> io::Result<()> {
        let is_full = |segment: &Segment, limit: u64| {
            segment.written.records > 0 && segment.bytes() + bytes > limit
        };
        let starts = match (&self.active, self.segments.back()) {
            (Some(_), Some(last)) => is_full(last, self.segment_bytes),
            _ => true,
        };
        let needed = if starts { bytes + RECORDS_AT + BLOCK as u64 } else { bytes };
        if let Some(max) = self.bytes_max
            && self.bytes() + needed > max
        {
            self.checkpoint()?;
            if self.bytes() + needed > max {
                return Err(io::Error::new(io::ErrorKind::StorageFull, OverBound { max }));
            }
        }
        if starts {
            self.seal()?;
            self.start_segment()?;
        }
        Ok(())
    }

    fn write_record(&mut self, header: RecordHeader, parts: &[IoSlice<'_>]) -> io::Result<()> {
        let (Some(file), Some(segment)) = (&self.active, self.segments.back_mut()) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let at = segment.written.end;
        if self.is_tail_torn {
            self.files.set_length(file, at)?;
            self.is_tail_torn = false;
        }
        let head = header.to_bytes(segment.header.salt);
        let mut all = Vec::with_capacity(parts.len() + 1);
        all.push(IoSlice::new(&head));
        all.extend(parts.iter().map(|part| IoSlice::new(part)));
        if let Err(error) = write_all(&self.files, file, &mut all, at) {
            // What was written of it is cut off now, or, if that fails too, before the next one.
            self.is_tail_torn = self.files.set_length(file, at).is_err();
            return Err(error);
        }
        let written = &mut segment.written;
        let bytes = RECORD_HEADER as u64 + u64::from(header.length);
        self.bytes += bytes;
        written.end += bytes;
        written.next = header.position.0 + 1;
        written.messages += u64::from(header.messages);
        written.records += 1;
        Ok(())
    }

    /// Writes the last segment's footer: it takes no more records.
    pub(super) fn seal(&mut self) -> io::Result<()> {
        let (Some(file), Some(segment)) = (&self.active, self.segments.back_mut()) else {
            return Ok(());
        };
        let footer = segment.footer().to_bytes();
        let end = segment.written.end;
        // The room that was taken and is not used is given back.
        self.files.set_length(file, end)?;
        write_all(&self.files, file, &mut [IoSlice::new(&footer)], end)?;
        segment.is_sealed = true;
        self.is_tail_torn = false;
        self.unsynced.extend(self.active.take());
        Ok(())
    }

    fn start_segment(&mut self) -> io::Result<()> {
        self.put_right()?;
        let number = self.next_segment;
        let follows = self.segments.back().map_or(self.committed, |last| last.written.next);
        let header = SegmentHeader {
            name: self.paths.name_hash(),
            salt: self.salt,
            number,
            first: self.next,
            follows,
            skip: Mark::default(),
        };
        let path = self.paths.segment(number);
        let file = self.files.create(&path)?;
        let room = self.bytes_max.map_or(u64::MAX, |max| max.saturating_sub(self.bytes()));
        // Only for speed: a file system that cannot, or has too little, is found out by writing.
        drop(self.files.allocate(&file, self.segment_bytes.min(room)));
        if let Err(error) = write_header(&self.files, &file, header) {
            drop(file);
            drop(self.files.remove(&path));
            return Err(error);
        }
        self.next_segment += 1;
        self.is_directory_dirty = true;
        self.is_tail_torn = false;
        let mut segment = Segment::new(header, Extent::empty(self.next));
        segment.is_sealed = false;
        self.bytes += segment.bytes();
        self.segments.push_back(segment);
        self.active = Some(file);
        Ok(())
    }

    /// Makes everything that was appended safe: it survives a loss of power, and can be read.
    ///
    /// # Errors
    /// The disk's. Then **nothing that was appended since the last sync or flush is in the log**,
    /// and the caller appends it again when it likes. After a failed sync the kernel may call
    /// pages clean that never reached the disk, so a second sync proves nothing: what it was
    /// about is cut off, and what comes next goes into a new file.
    pub fn sync(&mut self) -> io::Result<()> {
        if let Err(error) = self.sync_files() {
            self.roll_back();
            return Err(error);
        }
        self.commit();
        if let Some(last) = self.segments.back_mut() {
            last.synced = last.written;
        }
        self.counters.syncs += 1;
        if self.unsynced_release > 0 && self.is_due() {
            self.checkpoint()?;
        }
        Ok(())
    }

    /// Makes what was appended readable without a sync: it survives the end of this process, but
    /// not a loss of power, until a sync succeeds. A sync that fails takes nothing of it back,
    /// and the ones after that say nothing of it any more.
    ///
    /// # Errors
    /// The files were removed: as [`Log::sync`].
    pub fn flush(&mut self) -> io::Result<()> {
        if let Err(error) = self.check_names() {
            self.roll_back();
            return Err(error);
        }
        self.commit();
        if self.unsynced.len() > UNSYNCED_MAX {
            for file in self.unsynced.drain(..) {
                // As a sync that fails.
                drop(self.files.sync_data(&file));
            }
        }
        Ok(())
    }

    fn sync_files(&mut self) -> io::Result<()> {
        for file in &self.unsynced {
            self.files.sync_data(file)?;
        }
        if let (Some(file), Some(last)) = (&self.active, self.segments.back())
            && last.written != last.synced
        {
            self.files.sync_data(file)?;
        }
        self.check_names()?;
        if self.is_directory_dirty {
            self.files.sync_directory(&self.paths.directory)?;
            self.is_directory_dirty = false;
        }
        self.unsynced.clear();
        Ok(())
    }

    fn commit(&mut self) {
        for segment in self.segments.iter_mut().rev() {
            if segment.committed == segment.written && segment.is_sealed {
                break;
            }
            segment.committed = segment.written;
        }
        self.committed = self.segments.back().map_or(self.committed, |last| last.committed.next);
        self.reader_end();
    }

    /// The reader's segment may have grown.
    fn reader_end(&mut self) {
        if let Some(index) = self.index(self.reader.segment) {
            self.reader.walk.end = self.segments[index].committed.end;
        }
    }

    /// Gives up what a failed sync was about.
    fn roll_back(&mut self) {
        self.unsynced.clear();
        self.active = None;
        self.is_tail_torn = false;
        for index in (0..self.segments.len()).rev() {
            let segment = &mut self.segments[index];
            segment.is_sealed = true;
            if segment.written == segment.committed {
                break;
            }
            self.bytes -= segment.written.end - segment.committed.end;
            segment.written = segment.committed;
            let (number, segment) = (segment.header.number, segment.clone());
            // Best effort on a disk that fails. What stays is found when the log is opened: as
            // records that the caller has stored again, so that they are delivered twice.
            if segment.written.records == 0 && segment.header.number != self.reader.segment {
                drop(self.files.remove(&self.paths.segment(number)));
                self.segments.remove(index);
                self.bytes -= segment.bytes();
            } else {
                drop(self.cut(&segment));
            }
        }
    }

    /// Makes a segment's file end where its records do, with a footer.
    fn cut(&self, segment: &Segment) -> io::Result<()> {
        let file = self.files.open(&self.paths.segment(segment.header.number), true)?;
        let end = segment.written.end;
        self.files.set_length(&file, end)?;
        let footer = segment.footer().to_bytes();
        write_all(&self.files, &file, &mut [IoSlice::new(&footer)], end)?;
        self.files.sync_data(&file)
    }

    /// Reads the next record that was not read yet into `into`, whose content is replaced and
    /// whose memory is reused. None when there is none (yet). Damaged records are passed over,
    /// see [`Log::take_damages`].
    ///
    /// # Errors
    /// The disk's. What a disk cannot read is damaged, and no error.
    pub fn read(&mut self, into: &mut Vec<u8>) -> io::Result<Option<(Position, u32)>> {
        loop {
            let Some(index) = self.index(self.reader.segment) else {
                if !self.read_on()? {
                    return Ok(None);
                }
                continue;
            };
            if self.reader.walk.at >= self.reader.walk.end {
                let segment = &mut self.segments[index];
                if !segment.is_sealed || segment.committed != segment.written {
                    return Ok(None);
                }
                self.finish_segment(index);
                if !self.read_on()? {
                    return Ok(None);
                }
                continue;
            }
            if let Some(found) = self.step(index, into)? {
                return Ok(Some(found));
            }
        }
    }

    /// One step of reading; a record if there was one.
    fn step(&mut self, index: usize, into: &mut Vec<u8>) -> io::Result<Option<(Position, u32)>> {
        if self.reader.file.is_none() {
            match self.files.open(&self.paths.segment(self.reader.segment), false) {
                Ok(file) => self.reader.file = Some(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return self.passed_missing(index).then_some(None).ok_or(error);
                }
                Err(error) => return Err(error),
            }
        }
        let Reader { segment: number, file: Some(file), walk } = &mut self.reader else {
            return Ok(None);
        };
        let segment = &mut self.segments[index];
        match walk.step(&self.files, file, into)? {
            Step::Record { position, messages, at } => {
                let mark = Mark { position: position.0, at, messages: segment.taken };
                let bytes = len32(into.len());
                self.pending.push_back(Pending { mark, segment: *number, messages, bytes });
                segment.taken += u64::from(messages);
                segment.pending += 1;
                self.counters.read_records += 1;
                return Ok(Some((position, messages)));
            }
            Step::Damage(gap) => {
                segment.taken += u64::from(gap.messages.unwrap_or(0));
                let told = segment.is_told;
                self.passed(index, gap, told);
            }
            Step::End { at } => {
                let bytes = segment.committed.end - at;
                self.passed_end(index, at, bytes);
            }
            Step::Torn { at, bytes } => self.passed_end(index, at, bytes),
        }
        Ok(None)
    }

    /// A committed part of a segment, up to its end, is no record.
    fn passed_end(&mut self, index: usize, at: u64, bytes: u64) {
        let from = self.reader.walk.expected;
        let segment = &self.segments[index];
        let to = Position(segment.committed.next.max(from.0));
        let told = segment.is_told;
        self.reader.walk.at = segment.committed.end;
        self.reader.walk.expected = to;
        self.passed(index, Gap { at, bytes, from, to, messages: None }, told);
    }

    fn passed(&mut self, index: usize, gap: Gap, told: bool) {
        if !told {
            let segment = self.segments[index].header.number;
            self.report(Damage::of_gap(segment, gap));
        }
    }

    pub(super) fn report(&mut self, damage: Damage) {
        self.counters.damages += 1;
        self.counters.damaged_records += damage.records();
        if self.damages.len() < DAMAGES_MAX {
            self.damages.push(damage);
        }
    }

    /// Everything in this segment was read.
    fn finish_segment(&mut self, index: usize) {
        let segment = &mut self.segments[index];
        segment.taken = segment.committed.messages;
        self.reader.file = None;
        if segment.committed.next > self.reader.walk.expected.0 {
            let (at, from) = (self.reader.walk.at, self.reader.walk.expected);
            let to = Position(segment.committed.next);
            let told = segment.is_told;
            self.passed(index, Gap { at, bytes: 0, from, to, messages: None }, told);
        }
    }

    /// Begins with the segment behind the one that was read, if there is one.
    fn read_on(&mut self) -> io::Result<bool> {
        let after = self.reader.segment;
        let next = self.segments.partition_point(|segment| segment.header.number <= after);
        let Some(segment) = self.segments.get(next).cloned() else { return Ok(false) };
        let number = segment.header.number;
        self.reader = Reader { segment: number, file: None, walk: segment.walk() };
        let skip = segment.header.skip;
        if skip.position > segment.header.first {
            match self.go_to(skip) {
                // Told when it is read.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                went => went?,
            }
        }
        Ok(true)
    }

    /// Moves the reader to a record of its segment: what is before it is delivered.
    pub(super) fn go_to(&mut self, mark: Mark) -> io::Result<()> {
        let Some(index) = self.index(self.reader.segment) else { return Ok(()) };
        let path = self.paths.segment(self.reader.segment);
        let file = self.files.open(&path, false)?;
        let start = self.reader.walk;
        let mut walk = Walk { at: mark.at, expected: Position(mark.position), ..start };
        let mut messages = mark.messages;
        let is_there = mark.at >= RECORDS_AT
            && (mark.at == start.end || walk.skip(&self.files, &file)?.is_some());
        if is_there {
            walk = Walk { at: mark.at, expected: Position(mark.position), ..start };
        } else {
            walk = start;
            messages = 0;
            while walk.expected.0 < mark.position {
                let Some(header) = walk.skip(&self.files, &file)? else { break };
                messages += u64::from(header.messages);
            }
        }
        self.reader.walk = walk;
        self.reader.file = Some(file);
        self.segments[index].taken = messages;
        self.segments[index].freed = messages;
        Ok(())
    }

    /// What was read up to this record is delivered, and need not be kept.
    ///
    /// # Errors
    /// The disk's: how far delivery is was not written down. It is with the next call; a process
    /// that ends before delivers these records again.
    pub fn release(&mut self, upto: Position) -> io::Result<()> {
        while let Some(pending) = self.pending.front()
            && pending.mark.position <= upto.0
        {
            let pending = *pending;
            self.pending.pop_front();
            self.unsynced_release += u64::from(pending.bytes) + RECORD_HEADER as u64;
            self.counters.released_records += 1;
            if let Some(index) = self.index(pending.segment) {
                let segment = &mut self.segments[index];
                segment.pending -= 1;
                segment.freed = pending.mark.messages + u64::from(pending.messages);
            }
        }
        if self.unsynced_release >= CHECKPOINT_BYTES {
            return self.checkpoint();
        }
        let slot = self.slot();
        self.state.write(&self.files, slot)
    }

    /// Whether the state is worth a sync of its own: no other was needed, or much is released.
    fn is_due(&self) -> bool {
        self.unsynced_release >= CHECKPOINT_BYTES || self.has_removable()
    }

    pub(super) fn slot(&self) -> Slot {
        let (released, segment) = self.pending.front().map_or_else(
            || {
                let Walk { at, expected, .. } = self.reader.walk;
                let segment = self.reader.segment;
                let messages = self.index(segment).map_or(0, |index| self.segments[index].taken);
                (Mark { position: expected.0, at, messages }, segment)
            },
            |pending| (pending.mark, pending.segment),
        );
        let (salt, next_segment) = (self.salt, self.next_segment);
        Slot {
            generation: 0,
            salt,
            next: self.committed,
            next_segment,
            released,
            segment: low(segment),
        }
    }

    /// Writes down durably how far delivery is, and removes the segments that are delivered.
    ///
    /// # Errors
    /// The disk's; nothing is removed then that was not removed before.
    pub fn checkpoint(&mut self) -> io::Result<()> {
        self.put_right()?;
        let slot = self.slot();
        self.state.write(&self.files, slot)?;
        // In this order: a segment that is missing when the log is opened was delivered.
        self.state.sync(&self.files)?;
        self.unsynced_release = 0;
        while self.has_removable() {
            let number = self.segments[0].header.number;
            match self.files.remove(&self.paths.segment(number)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            self.bytes -= self.segments.pop_front().map_or(0, |segment| segment.bytes());
        }
        Ok(())
    }

    /// Whether the first segment is read to its end and delivered.
    fn has_removable(&self) -> bool {
        self.segments.front().is_some_and(|first| {
            let is_left = first.header.number < self.reader.segment
                || (first.is_sealed
                    && first.header.number == self.reader.segment
                    && self.reader.walk.at >= first.written.end);
            is_left && first.pending == 0
        })
    }

    fn index(&self, number: u64) -> Option<usize> {
        let index = self.segments.partition_point(|segment| segment.header.number < number);
        self.segments.get(index).is_some_and(|s| s.header.number == number).then_some(index)
    }

    /// What all segments take on the disk.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What is not delivered: its messages, and the bytes of the segments that hold it. Messages of
    /// a damaged record whose header is lost are among them until all of their segment is read.
    #[must_use]
    pub fn stored(&self) -> Depth {
        let messages = self.segments.iter().map(Segment::stored).sum();
        Depth { messages, bytes: self.bytes() }
    }

    /// What can be read and was not yet.
    #[must_use]
    pub fn unread(&self) -> Depth {
        let unread = self.segments.iter().filter(|s| s.header.number >= self.reader.segment);
        let messages = unread.clone().map(Segment::unread).sum();
        let bytes: u64 = unread.map(|segment| segment.committed.end - RECORDS_AT).sum();
        let read = self.reader.walk.at - RECORDS_AT;
        Depth { messages, bytes: bytes.saturating_sub(read) }
    }

    #[must_use]
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// What was found damaged while reading since the last call, a thousand at the most.
    pub fn take_damages(&mut self) -> Vec<Damage> {
        std::mem::take(&mut self.damages)
    }

    /// Syncs what was appended, writes down how far delivery is, and removes what is delivered.
    ///
    /// # Errors
    /// As [`Log::sync`].
    pub fn close(mut self) -> io::Result<()> {
        self.put_right()?;
        self.sync()?;
        self.seal()?;
        self.sync_files()?;
        self.commit();
        self.checkpoint()
    }
}

/// Writes both copies of a segment's header.
pub(super) fn write_header<F: Files>(
    files: &F,
    file: &F::File,
    header: SegmentHeader,
) -> io::Result<()> {
    let block = header.to_bytes();
    for at in [0, SECOND_COPY] {
        write_all(files, file, &mut [IoSlice::new(&block)], at)?;
    }
    Ok(())
}

/// The error of a log that may not grow.
#[derive(Debug, PartialEq, Eq)]
pub struct OverBound {
    /// `queue.maxDiskSpace`.
    pub max: u64,
}

impl std::fmt::Display for OverBound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the queue has {} bytes on disk, which is its maxDiskSpace", self.max)
    }
}

impl std::error::Error for OverBound {}

impl Damage {
    pub(super) fn of_gap(segment: u64, gap: Gap) -> Self {
        let Gap { at, bytes, from, to, messages } = gap;
        Self { kind: DamageKind::Record, segment, at, bytes, from, to, messages }
    }
}
