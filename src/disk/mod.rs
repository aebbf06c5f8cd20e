//! Floor 4: the log that a queue spills to.

mod files;
mod format;

mod front;
mod log;
mod open;
mod segment;
mod state;
mod walk;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub use files::Files;
pub use files::System;
pub use format::RECORD_BYTES_MAX;
pub use log::Counters;
pub use log::Depth;
pub use log::Log;
pub use log::OverBound;
pub use log::Record;
pub use state::Found as StateFound;

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
