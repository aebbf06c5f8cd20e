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
        self.mark_delivered(count(records.len()), count(groups.len()))?;
        for group in groups.into_iter().rev() {
            self.write_in_front(group)?;
        }
        self.files.sync_directory(&self.paths.directory)?;
        self.reread();
        Ok(())
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
    /// one of the two says it, and none says more than is true.
    fn mark_delivered(&mut self, records: u64, segments: u64) -> io::Result<()> {
        let Slot { released, segment, .. } = self.slot();
        let Some(first) = self.segments.front_mut() else { return Ok(()) };
        let has_more = released.position > first.header.first;
        #[expect(clippy::cast_possible_truncation, reason = "the low half is what is stored")]
        if has_more && segment == first.header.number as u32 {
            first.header.skip = released;
            let path = self.paths.segment(first.header.number);
            let file = self.files.open(&path, true)?;
            write_header(&self.files, &file, first.header)?;
            self.files.sync_data(&file)?;
        }
        let position = first.header.first - records;
        let number = first.header.number - segments;
        let mark = Mark { position, at: RECORDS_AT, messages: 0 };
        #[expect(clippy::cast_possible_truncation, reason = "the low half is what is stored")]
        let slot = Slot { released: mark, segment: number as u32, ..self.slot() };
        for _ in 0..2 {
            self.state.write(&self.files, slot)?;
            self.state.sync(&self.files)?;
        }
        Ok(())
    }

    /// A whole segment, synced, in front of the first.
    fn write_in_front(&mut self, records: &[Record<'_>]) -> io::Result<()> {
        let Some(behind) = self.segments.front().map(|first| first.header) else { return Ok(()) };
        let first = behind.first - count(records.len());
        let number = behind.number - 1;
        let skip = Mark::default();
        let header = SegmentHeader { number, first, follows: first, skip, ..behind };
        let path = self.paths.unfinished(number);
        let file = self.files.create(&path)?;
        let written = self.write_segment(&file, header, records);
        let segment = match written {
            Ok(segment) => segment,
            Err(error) => {
                drop(self.files.remove(&path));
                return Err(error);
            }
        };
        self.files.rename(&path, &self.paths.segment(number))?;
        self.bytes += segment.bytes();
        self.segments.push_front(segment);
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
