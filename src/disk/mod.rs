//! Floor 4: the log that a queue spills to. Records go in at its end and come out at its front;
//! what is delivered is removed, a file at a time.
//!
//! A log `NAME` is these files, of mode 0600, in one directory:
//!
//! ```text
//! NAME.10000000.seg   segments, of up to `queue.maxFileSize`, numbered as they were begun
//! NAME.10000001.seg
//! NAME.state          how far delivery is
//! NAME.lock           held by the process that has the log open
//! NAME.10000002.tmp   a segment that is being put in front of the others
//! NAME.10000003.bad   a file that was named like a segment, and belongs to another queue
//! ```
//!
//! A segment is allocated when it is begun (`fallocate`), and cut to its length when it is sealed:
//!
//! ```text
//!    0  header                 80 bytes
//! 4096  the header once more: a disk writes its sectors whole or not at all, and no larger one
//! 8192  record, record, …
//!       footer                 80 bytes, once it is sealed: what the records come to
//!
//! header   magic F6 "BONGSEG", version u32, CRC-32C of NAME u32, salt u64, number u64,
//!          first position u64, position that the segment before it ended with u64,
//!          first record that is not delivered: position u64, place u32, messages before it u64
//! record   magic F6 "BQR", length u32, position u64, messages u32, CRC-32C of the bytes u32,
//!          0 u32, CRC-32C of these 28 bytes u32, and then the bytes
//! footer   magic F6 "BONGEND", salt u64, number u64, first position u64,
//!          position behind the last record u64, messages u64, records u32
//! slot     magic F6 "BONGPOS", generation u64, salt u64, position behind the last safe record
//!          u64, next segment's number u64, first record that is not delivered (as above),
//!          the low half of its segment's number u32
//! ```
//!
//! Numbers are little-endian; what is left of a block of 80 bytes is 0, and its last four bytes are
//! the CRC-32C of the others. The state has two slots, at 0 and at 4096, that are written in turn.
//! A record's checksums begin with the salt, a random number of the log: a message that holds the
//! bytes of a record does not pass for one.
//!
//! **Safe** is what was appended before a [`Log::sync`] that succeeded. One that fails gives up
//! what it was about, and the caller, who has it still, appends it again: after a failed
//! `fdatasync` the kernel calls pages clean that it never wrote, so a second try would prove
//! nothing.
//!
//! **Damage** costs what is damaged. A record whose bytes are wrong is passed over by its length;
//! if its header is wrong, the next header is looked for. What is lost is told, by [`Recovery`] or
//! [`Log::take_damages`], with the positions. A state that is lost costs nothing: what was
//! delivered and not removed is delivered again.
//!
//! **Opening** reads the ends of each segment and all of the last one, unless the log was closed.
//!
//! **Removing** follows a sync of the state: a segment that is missing and not delivered is told.

pub mod broken;
mod files;
mod format;

mod front;
mod fuzz;
mod log;
mod open;
mod removed;
mod segment;
mod state;
mod view;
mod walk;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;

pub use files::Files;
pub use files::System;
pub use format::RECORD_BYTES_MAX;
pub use fuzz::fuzz_disk;
pub use log::Counters;
pub use log::Depth;
pub use log::Log;
pub use log::OverBound;
pub use log::Record;
pub use state::Found as StateFound;
pub use view::Item;
pub use view::SegmentView;
pub use view::View;
pub use view::names;

/// What a log is.
#[derive(Clone, Debug)]
pub struct Options {
    /// `global(workDirectory=)`
    pub directory: PathBuf,
    /// `queue.filename`
    pub name: String,
    /// `queue.maxFileSize`: what a segment grows to. From [`SEGMENT_BYTES_MIN`] to
    /// [`SEGMENT_BYTES_MAX`]; others are taken for the nearer of them.
    pub segment_bytes: u64,
    /// `queue.maxDiskSpace`: what all segments may take together.
    pub bytes_max: Option<u64>,
}

/// The smallest segment: its header, its footer and some records.
pub const SEGMENT_BYTES_MIN: u64 = 64 << 10;
/// The largest one: the last segment of a log that was not closed is read through at the start.
pub const SEGMENT_BYTES_MAX: u64 = 256 << 20;

/// A record's number in the log; grows by one with each record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub(crate) u64);

impl Position {
    const fn following(self) -> Self {
        Self(self.0 + 1)
    }

    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// A part of the log that is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    pub kind: DamageKind,
    /// The segment's number.
    pub segment: u64,
    /// Where in it.
    pub at: u64,
    /// How much of it.
    pub bytes: u64,
    /// The records that are lost: from this one …
    pub from: Position,
    /// … up to this one, which is not. The same one where it is not known, or none was lost.
    pub to: Position,
    /// The messages that they had, where that is known.
    pub messages: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DamageKind {
    /// Bytes that are no record any more.
    Record,
    /// The end of the last segment: what was being written when the process or the machine
    /// stopped. It was not acknowledged, and was cut off.
    TornTail,
    /// A segment's header (which is there twice) or its footer. No record is lost.
    Frame,
    /// A segment is missing.
    MissingSegment,
    /// A file that is named like a segment, and is none of this log's. Moved aside (`.bad`).
    Foreign,
}

impl Damage {
    /// How many records are lost, as far as is known.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.to.0.saturating_sub(self.from.0)
    }
}

/// In words, for people.
impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { segment, at, bytes, from, to, messages, .. } = self;
        write!(f, "segment {segment}: ")?;
        match self.kind {
            DamageKind::Record => write!(f, "{bytes} bytes at {at} are no record")?,
            DamageKind::TornTail => {
                write!(f, "{bytes} bytes at {at} were not written to their end")?;
            }
            DamageKind::Frame if *at == 0 => f.write_str("a copy of the header is damaged")?,
            DamageKind::Frame => f.write_str("the footer is damaged or missing")?,
            DamageKind::MissingSegment if *at == 0 => {
                f.write_str("a segment before this one is missing")?;
            }
            DamageKind::MissingSegment => f.write_str("its file is gone")?,
            DamageKind::Foreign => f.write_str("the file belongs to another queue")?,
        }
        match self.records() {
            0 => {}
            1 => write!(f, "; record {} is lost", from.number())?,
            _ => write!(f, "; records {} to {} are lost", from.number(), to.number() - 1)?,
        }
        match messages {
            Some(messages) => write!(f, ", with {messages} messages"),
            None => Ok(()),
        }
    }
}

/// What was found when a log was opened.
#[derive(Clone, Debug)]
pub struct Recovery {
    pub segments: u64,
    /// Messages that are not delivered.
    pub messages: u64,
    pub bytes: u64,
    pub state: StateFound,
    /// Segments that had to be read through, since they do not say what they hold.
    pub surveyed: u64,
    pub damages: Vec<Damage>,
}
