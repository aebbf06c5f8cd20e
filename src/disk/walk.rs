//! From record to record through a segment, over what is damaged.

use std::io;

use memchr::memmem;

use crate::disk::Files;
use crate::disk::Position;
use crate::disk::files::read_full;
use crate::disk::format::RECORD_HEADER;
use crate::disk::format::RECORD_MAGIC;
use crate::disk::format::RecordHeader;
use crate::disk::format::checksum;

/// What is searched at once for the next record.
const SEARCH_BYTES: usize = 256 << 10;

/// A place in a segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk {
    pub(super) at: u64,
    /// Where the segment's records end, at the latest.
    pub(super) end: u64,
    /// The record that is next, if none is missing.
    pub(super) expected: Position,
    pub(super) salt: u64,
}

/// What was found at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Its bytes are in the caller's buffer.
    Record {
        position: Position,
        messages: u32,
        at: u64,
    },
    Damage(Gap),
    /// Nothing but zeros, or nothing at all, from here on.
    End {
        at: u64,
    },
    /// No record from here on, but not nothing either: what a stop in the middle of a write
    /// leaves, or damage up to the end.
    Torn {
        at: u64,
        bytes: u64,
    },
}

/// A part of a segment that is no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) at: u64,
    pub(super) bytes: u64,
    /// The records that were there: from the first up to the second.
    pub(super) from: Position,
    pub(super) to: Position,
    /// Of a record whose header is whole: how many messages it had.
    pub(super) messages: Option<u32>,
}

impl Walk {
    /// Looks at the next place. A record's bytes replace what is in `into`; its memory is reused.
    pub(super) fn step<F: Files>(
        &mut self,
        files: &F,
        file: &F::File,
        into: &mut Vec<u8>,
    ) -> io::Result<Step> {
        let at = self.at;
        let Some(header) = self.header(files, file)? else {
            into.clear();
            return self.search(files, file, at);
        };
        let behind = at + RECORD_HEADER as u64 + u64::from(header.length);
        if behind > self.end {
            into.clear();
            return self.search(files, file, at);
        }
        // What is already there need not be zeroed: it is overwritten.
        into.resize(header.length as usize, 0);
        let read = read_full(files, file, into, at + RECORD_HEADER as u64)?;
        let is_whole = read == into.len() && checksum(self.salt, [into.as_slice()]) == header.crc;
        let missing = header.position != self.expected;
        if is_whole && !missing {
            self.at = behind;
            self.expected = header.position.following();
            let (position, messages) = (header.position, header.messages);
            return Ok(Step::Record { position, messages, at });
        }
        let messages = (!is_whole).then_some(header.messages);
        into.clear();
        let gap = Gap {
            at,
            bytes: if is_whole { 0 } else { behind - at },
            from: self.expected,
            to: if is_whole { header.position } else { header.position.following() },
            messages: if missing { None } else { messages },
        };
        self.at = if is_whole { at } else { behind };
        self.expected = gap.to;
        Ok(Step::Damage(gap))
    }

    /// Looks at the next record's header alone, and goes on behind the record. None where only
    /// [`Walk::step`] knows what is there.
    pub(super) fn skip<F: Files>(
        &mut self,
        files: &F,
        file: &F::File,
    ) -> io::Result<Option<RecordHeader>> {
        let Some(header) = self.header(files, file)? else { return Ok(None) };
        let behind = self.at + RECORD_HEADER as u64 + u64::from(header.length);
        if behind > self.end || header.position != self.expected {
            return Ok(None);
        }
        self.at = behind;
        self.expected = header.position.following();
        Ok(Some(header))
    }

    /// The header of a record at this place, if one is there.
    fn header<F: Files>(&self, files: &F, file: &F::File) -> io::Result<Option<RecordHeader>> {
        let mut bytes = [0; RECORD_HEADER];
        let room = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        if room < RECORD_HEADER || read_full(files, file, &mut bytes, self.at)? < RECORD_HEADER {
            return Ok(None);
        }
        Ok(self.accepts(&bytes))
    }

    fn accepts(&self, bytes: &[u8]) -> Option<RecordHeader> {
        let header = RecordHeader::from_bytes(bytes, self.salt)?;
        (header.position >= self.expected).then_some(header)
    }

    /// Finds the next record behind what is none at `from`.
    fn search<F: Files>(&mut self, files: &F, file: &F::File, from: u64) -> io::Result<Step> {
        let mut window = vec![0; SEARCH_BYTES];
        let mut at = from;
        // One more than the last byte that is not zero.
        let mut used = from;
        while at < self.end {
            let room = usize::try_from(self.end - at).unwrap_or(usize::MAX).min(SEARCH_BYTES);
            let read = read_full(files, file, &mut window[..room], at)?;
            let window = &window[..read];
            let last = window.iter().rposition(|byte| *byte != 0);
            if let Some(last) = last {
                used = used.max(at + last as u64 + 1);
                if let Some((place, header)) = self.candidate(window, at, from) {
                    let gap = Gap {
                        at: from,
                        bytes: place - from,
                        from: self.expected,
                        to: header.position,
                        messages: None,
                    };
                    self.at = place;
                    self.expected = header.position;
                    return Ok(Step::Damage(gap));
                }
            }
            if read < RECORD_HEADER || at + read as u64 >= self.end {
                break;
            }
            // A header may begin in this window and end in the next one.
            at += (read - RECORD_HEADER + 1) as u64;
        }
        self.at = self.end;
        Ok(match used - from {
            0 => Step::End { at: from },
            bytes => Step::Torn { at: from, bytes },
        })
    }

    /// The first header in `window`, which was read at `at`, behind the place `from`.
    fn candidate(&self, window: &[u8], at: u64, from: u64) -> Option<(u64, RecordHeader)> {
        memmem::find_iter(window, &RECORD_MAGIC).find_map(|found| {
            let place = at + found as u64;
            let header = self.accepts(window.get(found..found + RECORD_HEADER)?)?;
            let behind = place + RECORD_HEADER as u64 + u64::from(header.length);
            (place > from && behind <= self.end).then_some((place, header))
        })
    }
}
