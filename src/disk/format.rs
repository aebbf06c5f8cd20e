//! The bytes: headers, footers, the two slots of the state. Drawn in [`crate::disk`].

use crate::disk::Position;

/// Of a segment's header, a footer, a slot.
pub(super) const BLOCK: usize = 80;
/// Of what stands before a record's bytes.
pub(super) const RECORD_HEADER: usize = 32;
/// Where the second copy of a segment's header is, and the second slot of the state: the largest
/// sector of a disk, which is written whole or not at all.
pub(super) const SECOND_COPY: u64 = 4096;
/// Where a segment's records begin.
pub(super) const RECORDS_AT: u64 = 2 * SECOND_COPY;
/// The most bytes of one record. A chunk is cut at 512 KiB; one message of 16 MiB may be on top.
pub const RECORD_BYTES_MAX: usize = 64 << 20;

/// Not UTF-8, so that no text begins a record.
pub(super) const RECORD_MAGIC: [u8; 4] = *b"\xF6BQR";
const SEGMENT_MAGIC: [u8; 8] = *b"\xF6BONGSEG";
const FOOTER_MAGIC: [u8; 8] = *b"\xF6BONGEND";
const STATE_MAGIC: [u8; 8] = *b"\xF6BONGPOS";
const VERSION: u32 = 1;

/// A block that is being written.
struct Writer {
    block: [u8; BLOCK],
    at: usize,
}

impl Writer {
    fn new(magic: [u8; 8]) -> Self {
        let mut writer = Self { block: [0; BLOCK], at: 0 };
        writer.put(&magic);
        writer
    }

    fn put(&mut self, bytes: &[u8]) {
        self.block[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }

    fn u64(mut self, value: u64) -> Self {
        self.put(&value.to_le_bytes());
        self
    }

    fn u32(mut self, value: u32) -> Self {
        self.put(&value.to_le_bytes());
        self
    }

    fn mark(self, mark: Mark) -> Self {
        self.u64(mark.position).u32(len32_at(mark.at)).u64(mark.messages)
    }

    fn finish(mut self) -> [u8; BLOCK] {
        self.at = BLOCK - 4;
        let crc = crc32c::crc32c(&self.block[..BLOCK - 4]);
        self.put(&crc.to_le_bytes());
        self.block
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut value = [0; 4];
    value.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(value)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut value = [0; 8];
    value.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(value)
}

/// A place in a segment as it is stored; one that is too far is none, and is looked for.
fn len32_at(at: u64) -> u32 {
    u32::try_from(at).unwrap_or(0)
}

fn mark_at(block: &[u8], at: usize) -> Mark {
    let place = u64::from(u32_at(block, at + 8));
    Mark { position: u64_at(block, at), at: place, messages: u64_at(block, at + 12) }
}

/// Whether `block` begins with `magic` and is whole.
fn is_whole(block: &[u8], magic: [u8; 8]) -> bool {
    block.len() == BLOCK
        && block.starts_with(&magic)
        && u32_at(block, BLOCK - 4) == crc32c::crc32c(&block[..BLOCK - 4])
}

/// What begins a segment, twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    /// Of the queue's name, so that a file of another queue is not taken for one of this.
    pub(super) name: u32,
    pub(super) salt: u64,
    pub(super) number: u64,
    /// Of its first record.
    pub(super) first: u64,
    /// What the segment before it ended with: one more than its last record. Where that segment
    /// ends earlier, records were lost.
    pub(super) follows: u64,
    /// Records before this one are delivered: where it begins, and how many messages they had.
    /// Written only when other segments are put in front of this one.
    pub(super) skip: Mark,
}

/// Where a record begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) position: u64,
    /// In its segment.
    pub(super) at: u64,
    /// Messages of the records before it, in its segment.
    pub(super) messages: u64,
}

impl SegmentHeader {
    pub(super) fn to_bytes(self) -> [u8; BLOCK] {
        let writer = Writer::new(SEGMENT_MAGIC).u32(VERSION).u32(self.name).u64(self.salt);
        writer.u64(self.number).u64(self.first).u64(self.follows).mark(self.skip).finish()
    }

    pub(super) fn from_bytes(block: &[u8]) -> Option<Self> {
        if !is_whole(block, SEGMENT_MAGIC) || u32_at(block, 8) != VERSION {
            return None;
        }
        Some(Self {
            name: u32_at(block, 12),
            salt: u64_at(block, 16),
            number: u64_at(block, 24),
            first: u64_at(block, 32),
            follows: u64_at(block, 40),
            skip: mark_at(block, 48),
        })
    }
}

/// What ends a segment that takes no more records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Footer {
    pub(super) salt: u64,
    pub(super) number: u64,
    pub(super) first: u64,
    /// One more than its last record.
    pub(super) next: u64,
    pub(super) messages: u64,
    pub(super) records: u32,
}

impl Footer {
    pub(super) fn to_bytes(self) -> [u8; BLOCK] {
        let writer = Writer::new(FOOTER_MAGIC).u64(self.salt).u64(self.number).u64(self.first);
        writer.u64(self.next).u64(self.messages).u32(self.records).finish()
    }

    pub(super) fn from_bytes(block: &[u8]) -> Option<Self> {
        is_whole(block, FOOTER_MAGIC).then(|| Self {
            salt: u64_at(block, 8),
            number: u64_at(block, 16),
            first: u64_at(block, 24),
            next: u64_at(block, 32),
            messages: u64_at(block, 40),
            records: u32_at(block, 48),
        })
    }
}

/// What is known of delivery: one slot of the state file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Slot {
    /// The slot with the greater one is the newer.
    pub(super) generation: u64,
    pub(super) salt: u64,
    /// One more than the last record that is safe.
    pub(super) next: u64,
    /// No segment had this number yet, nor a greater one.
    pub(super) next_segment: u64,
    /// The first record that is not delivered, and where it is.
    pub(super) released: Mark,
    /// The segment that it is in, the low 32 bits. With the place only a hint.
    pub(super) segment: u32,
}

impl Slot {
    pub(super) fn to_bytes(self) -> [u8; BLOCK] {
        let writer = Writer::new(STATE_MAGIC).u64(self.generation).u64(self.salt);
        let writer = writer.u64(self.next).u64(self.next_segment).mark(self.released);
        writer.u32(self.segment).finish()
    }

    pub(super) fn from_bytes(block: &[u8]) -> Option<Self> {
        is_whole(block, STATE_MAGIC).then(|| Self {
            generation: u64_at(block, 8),
            salt: u64_at(block, 16),
            next: u64_at(block, 24),
            next_segment: u64_at(block, 32),
            released: mark_at(block, 40),
            segment: u32_at(block, 60),
        })
    }
}

/// The low half of a segment's number, as the state has it.
pub(super) const fn low(number: u64) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "the low half is what is stored")]
    let low = number as u32;
    low
}

/// What stands before a record's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecordHeader {
    pub(super) length: u32,
    pub(super) position: Position,
    pub(super) messages: u32,
    pub(super) crc: u32,
}

impl RecordHeader {
    pub(super) fn to_bytes(self, salt: u64) -> [u8; RECORD_HEADER] {
        let mut bytes = [0; RECORD_HEADER];
        bytes[..4].copy_from_slice(&RECORD_MAGIC);
        bytes[4..8].copy_from_slice(&self.length.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.position.0.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.messages.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.crc.to_le_bytes());
        let crc = checksum(salt, [&bytes[..28]]);
        bytes[28..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8], salt: u64) -> Option<Self> {
        let is_whole = bytes.len() == RECORD_HEADER
            && bytes.starts_with(&RECORD_MAGIC)
            && u32_at(bytes, 28) == checksum(salt, [&bytes[..28]]);
        let header = Self {
            length: is_whole.then(|| u32_at(bytes, 4))?,
            position: Position(u64_at(bytes, 8)),
            messages: u32_at(bytes, 16),
            crc: u32_at(bytes, 20),
        };
        (header.length as usize <= RECORD_BYTES_MAX).then_some(header)
    }
}

/// CRC-32C of the salt and of `parts` behind it. A sender who does not know the salt cannot write
/// a message that, found in a damaged segment, would pass for a record.
pub(super) fn checksum<'a>(salt: u64, parts: impl IntoIterator<Item = &'a [u8]>) -> u32 {
    let seed = crc32c::crc32c(&salt.to_le_bytes());
    parts.into_iter().fold(seed, crc32c::crc32c_append)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let skip = Mark { position: u64::MAX, at: 6, messages: 7 };
        let header = SegmentHeader { name: 1, salt: 2, number: 3, first: 4, follows: 5, skip };
        assert_eq!(SegmentHeader::from_bytes(&header.to_bytes()), Some(header));
        let footer = Footer { salt: 1, number: 2, first: 3, next: 4, messages: 5, records: 6 };
        assert_eq!(Footer::from_bytes(&footer.to_bytes()), Some(footer));
        let (next, next_segment) = (3, 4);
        let slot = Slot { generation: 1, salt: 2, next, next_segment, released: skip, segment: 5 };
        assert_eq!(Slot::from_bytes(&slot.to_bytes()), Some(slot));
        let record = RecordHeader { length: 1, position: Position(2), messages: 3, crc: 4 };
        assert_eq!(RecordHeader::from_bytes(&record.to_bytes(5), 5), Some(record));
        assert_eq!(RecordHeader::from_bytes(&record.to_bytes(5), 6), None, "another log's");
        assert_eq!(Footer::from_bytes(&header.to_bytes()), None);
    }

    #[test]
    fn one_bit_is_enough() {
        let block = Slot { generation: 9, ..Slot::default() }.to_bytes();
        let record = RecordHeader { length: 1, position: Position(2), messages: 3, crc: 4 };
        let record = record.to_bytes(7);
        for bit in 0..8 * BLOCK {
            let mut changed = block;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Slot::from_bytes(&changed), None);
        }
        for bit in 0..8 * RECORD_HEADER {
            let mut changed = record;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(RecordHeader::from_bytes(&changed, 7), None);
        }
    }
}
