//! Records that are older than all that the log holds.

use std::io;
use std::io::IoSlice;

use crate::base::num::count;
use crate::base::num::len32;
use crate::disk::Files;
use crate::disk::Log;
use crate::disk::Position;
use crate::disk::Record;
use crate::disk::files::write_all;
use crate::disk::format::BLOCK;
use crate::disk::format::Mark;
use crate::disk::format::RECORD_BYTES_MAX;
use crate::disk::format::RECORD_HEADER;
use crate::disk::format::RECORDS_AT;
use crate::disk::format::RecordHeader;
use crate::disk::format::SegmentHeader;
use crate::disk::format::Slot;
use crate::disk::format::checksum;
use crate::disk::format::low;
use crate::disk::log::OverBound;
use crate::disk::log::Reader;
use crate::disk::log::write_header;
use crate::disk::segment::Extent;
use crate::disk::segment::Segment;

impl<F: Files> Log<F> {
    /// Stores records that are older than all that the log holds, such as what memory held in
    /// front of it at a stop. They are safe when this returns.
    ///
    /// Reading begins anew: with these records, then with the first that is not released.
    ///
    /// # Errors
    /// As [`Log::append`] and [`Log::sync`]. Some of the records may be stored then.
    pub fn put_in_front(&mut self, records: &[Record<'_>]) -> io::Result<()> {
        if records.iter().any(|record| size(record) > RECORD_BYTES_MAX as u64) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the record is too large"));
        }
        self.sync()?;
        self.checkpoint()?;
        if self.stored().messages == 0 && self.pending.is_empty() && self.unread().bytes == 0 {
            for record in records {
                self.append(record.parts, record.messages)?;
            }
            return self.sync();
        }
        let groups = self.groups(records);
        let needed: u64 = records.iter().map(|r| size(r) + RECORD_HEADER as u64).sum::<u64>()
            + (RECORDS_AT + BLOCK as u64) * count(groups.len());
        if let Some(max) = self.bytes_max
            && self.bytes + needed > max
        {
            return Err(io::Error::new(io::ErrorKind::StorageFull, OverBound { max }));
        }
        let first = self.segments.front().map(|first| first.header);
        let Some(behind) = first else { return Err(io::ErrorKind::NotFound.into()) };
        let stored = self.store_in_front(behind, &groups);
        // The state may speak of the new segments by now. If it cannot be taken back, they stay:
        // what is stored twice is better than what is missed.
        if stored.is_err() && self.mark_delivered(behind).is_ok() {
            for number in behind.number - count(groups.len())..behind.number {
                drop(self.files.remove(&self.paths.unfinished(number)));
                drop(self.files.remove(&self.paths.segment(number)));
            }
        }
        for segment in stored? {
            self.bytes += segment.bytes();
            self.segments.push_front(segment);
        }
        self.reread();
        Ok(())
    }

    /// Writes the segments, first under another name: opening a log puts in place those that the
    /// state speaks of, and removes the others. The last one comes first.
    fn store_in_front(
        &mut self,
        mut behind: SegmentHeader,
        groups: &[&[Record<'_>]],
    ) -> io::Result<Vec<Segment>> {
        let mut segments = Vec::new();
        for group in groups.iter().rev() {
            let (number, skip) = (behind.number - 1, Mark::default());
            let first = behind.first - count(group.len());
            let header = SegmentHeader { number, first, follows: first, skip, ..behind };
            let file = self.files.create(&self.paths.unfinished(number))?;
            segments.push(self.write_segment(&file, header, group)?);
            behind = header;
        }
        self.files.sync_directory(&self.paths.directory)?;
        self.mark_delivered(behind)?;
        for segment in &segments {
            let number = segment.header.number;
            self.files.rename(&self.paths.unfinished(number), &self.paths.segment(number))?;
        }
        self.files.sync_directory(&self.paths.directory)?;
        Ok(segments)
    }

    /// As many records in each as one segment takes.
    fn groups<'r, 'a>(&self, records: &'r [Record<'a>]) -> Vec<&'r [Record<'a>]> {
        let room = self.segment_bytes - RECORDS_AT - BLOCK as u64;
        let mut groups = Vec::new();
        let mut first = 0;
        let mut bytes = 0;
        for (index, record) in records.iter().enumerate() {
            let size = size(record) + RECORD_HEADER as u64;
            if bytes + size > room && index > first {
                groups.push(&records[first..index]);
                (first, bytes) = (index, 0);
            }
            bytes += size;
        }
        groups.extend((first < records.len()).then(|| &records[first..]));
        groups
    }

    /// Writes into the first segment what of it is delivered, since the state will speak of the
    /// segments in front of it: first there, then into both slots of the state. So at any time
    /// one of the two says it, and neither says more than is true.
    fn mark_delivered(&mut self, new: SegmentHeader) -> io::Result<()> {
        let Slot { released, segment, .. } = self.slot();
        let Some(first) = self.segments.front_mut() else { return Ok(()) };
        if released.position > first.header.first && segment == low(first.header.number) {
            first.header.skip = released;
            let path = self.paths.segment(first.header.number);
            let file = self.files.open(&path, true)?;
            write_header(&self.files, &file, first.header)?;
            self.files.sync_data(&file)?;
        }
        let released = Mark { position: new.first, at: RECORDS_AT, messages: 0 };
        let slot = Slot { released, segment: low(new.number), ..self.slot() };
        for _ in 0..2 {
            self.state.write(&self.files, slot)?;
            self.state.sync(&self.files)?;
        }
        Ok(())
    }

    fn write_segment(
        &self,
        file: &F::File,
        header: SegmentHeader,
        records: &[Record<'_>],
    ) -> io::Result<Segment> {
        write_header(&self.files, file, header)?;
        let mut extent = Extent::empty(header.first);
        for record in records {
            let length = len32(usize::try_from(size(record)).unwrap_or(usize::MAX));
            let crc = checksum(header.salt, record.parts.iter().map(|part| &**part));
            let (position, messages) = (Position(extent.next), record.messages);
            let head = RecordHeader { length, position, messages, crc }.to_bytes(header.salt);
            let mut all = vec![IoSlice::new(&head)];
            all.extend(record.parts.iter().map(|part| IoSlice::new(part)));
            write_all(&self.files, file, &mut all, extent.end)?;
            extent.end += RECORD_HEADER as u64 + u64::from(length);
            extent.next += 1;
            extent.messages += u64::from(messages);
            extent.records += 1;
        }
        let segment = Segment::new(header, extent);
        let footer = segment.footer().to_bytes();
        write_all(&self.files, file, &mut [IoSlice::new(&footer)], extent.end)?;
        self.files.sync_data(file)?;
        Ok(segment)
    }

    /// Reads from the first segment on; what was read and not released comes again.
    fn reread(&mut self) {
        self.pending.clear();
        for segment in &mut self.segments {
            segment.taken = segment.freed;
            segment.pending = 0;
        }
        if let Some(first) = self.segments.front() {
            let number = first.header.number;
            self.reader = Reader { segment: number, file: None, walk: first.walk() };
        }
    }
}

/// A record's bytes.
fn size(record: &Record<'_>) -> u64 {
    record.parts.iter().map(|part| count(part.len())).sum()
}
