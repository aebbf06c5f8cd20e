//! One file of the log, as far as it need be known without reading it.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use crate::disk::Files;
use crate::disk::Position;
use crate::disk::files::read_full;
use crate::disk::format::BLOCK;
use crate::disk::format::Footer;
use crate::disk::format::RECORDS_AT;
use crate::disk::format::SECOND_COPY;
use crate::disk::format::SegmentHeader;
use crate::disk::walk::Gap;
use crate::disk::walk::Step;
use crate::disk::walk::Walk;

/// Where a queue's files are.
#[derive(Clone, Debug)]
pub(super) struct Paths {
    pub(super) directory: PathBuf,
    pub(super) name: String,
}

impl Paths {
    pub(super) fn segment(&self, number: u64) -> PathBuf {
        self.directory.join(format!("{}.{number:08}.seg", self.name))
    }

    /// Where a segment is until it is whole.
    pub(super) fn unfinished(&self, number: u64) -> PathBuf {
        self.directory.join(format!("{}.{number:08}.tmp", self.name))
    }

    /// Where a file goes that is no segment of this log, though its name says so.
    pub(super) fn aside(&self, number: u64) -> PathBuf {
        self.directory.join(format!("{}.{number:08}.bad", self.name))
    }

    pub(super) fn state(&self) -> PathBuf {
        self.directory.join(format!("{}.state", self.name))
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.directory.join(format!("{}.lock", self.name))
    }

    /// The number of a segment's file by its name, with the suffix `.seg` or `.tmp`.
    pub(super) fn number(&self, file: &OsStr, suffix: &str) -> Option<u64> {
        let rest = file.to_str()?.strip_prefix(self.name.as_str())?.strip_prefix('.')?;
        let digits = rest.strip_suffix(suffix)?;
        let is_number = digits.len() >= 8 && digits.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| digits.parse().ok())?
    }

    /// The segments, the oldest first.
    pub(super) fn list<F: Files>(&self, files: &F) -> io::Result<Vec<u64>> {
        let names = files.list(&self.directory)?;
        let mut numbers: Vec<u64> =
            names.iter().filter_map(|name| self.number(name, ".seg")).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// What a header holds of the name.
    pub(super) fn name_hash(&self) -> u32 {
        crc32c::crc32c(self.name.as_bytes())
    }
}

/// What a segment holds up to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// Where the records end in the file.
    pub(super) end: u64,
    /// One more than the last record's position.
    pub(super) next: u64,
    pub(super) messages: u64,
    pub(super) records: u32,
}

impl Extent {
    /// Of a segment without a record.
    pub(super) const fn empty(first: u64) -> Self {
        Self { end: RECORDS_AT, next: first, messages: 0, records: 0 }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) header: SegmentHeader,
    /// What was written.
    pub(super) written: Extent,
    /// What was synced, or flushed: what may be read, and stays if a sync fails.
    pub(super) committed: Extent,
    /// What was synced, while it takes records.
    pub(super) synced: Extent,
    /// It takes no more records.
    pub(super) is_sealed: bool,
    /// What is damaged in it was told when the log was opened.
    pub(super) is_told: bool,
    /// Messages that were read, or skipped.
    pub(super) taken: u64,
    /// Messages that are delivered.
    pub(super) freed: u64,
    /// Records that were read and are not released.
    pub(super) pending: u32,
}

impl Segment {
    pub(super) const fn new(header: SegmentHeader, extent: Extent) -> Self {
        Self {
            header,
            written: extent,
            committed: extent,
            synced: extent,
            is_sealed: true,
            is_told: false,
            taken: header.skip.messages,
            freed: header.skip.messages,
            pending: 0,
        }
    }

    /// The file's bytes, with the footer that it has or will have.
    pub(super) const fn bytes(&self) -> u64 {
        self.written.end + BLOCK as u64
    }

    pub(super) const fn unread(&self) -> u64 {
        self.committed.messages.saturating_sub(self.taken)
    }

    pub(super) const fn stored(&self) -> u64 {
        self.written.messages.saturating_sub(self.freed)
    }

    pub(super) const fn footer(&self) -> Footer {
        Footer {
            salt: self.header.salt,
            number: self.header.number,
            first: self.header.first,
            next: self.written.next,
            messages: self.written.messages,
            records: self.written.records,
        }
    }

    /// From its first record on.
    pub(super) const fn walk(&self) -> Walk {
        Walk {
            at: RECORDS_AT,
            end: self.committed.end,
            expected: Position(self.header.first),
            salt: self.header.salt,
        }
    }
}

/// What the ends of a segment's file say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) number: u64,
    pub(super) header: Option<SegmentHeader>,
    pub(super) footer: Option<Footer>,
    pub(super) length: u64,
    /// One of the copies of the header is damaged.
    pub(super) is_header_damaged: bool,
}

impl Ends {
    pub(super) fn read<F: Files>(files: &F, path: &Path, number: u64) -> io::Result<Self> {
        let file = files.open(path, false)?;
        let length = files.length(&file)?;
        let mut block = [0; BLOCK];
        let mut copies = [None; 2];
        for (copy, at) in copies.iter_mut().zip([0, SECOND_COPY]) {
            let read = read_full(files, &file, &mut block, at)?;
            *copy = SegmentHeader::from_bytes(&block[..read]);
        }
        let mut footer = None;
        if length >= RECORDS_AT + BLOCK as u64 {
            let read = read_full(files, &file, &mut block, length - BLOCK as u64)?;
            footer = Footer::from_bytes(&block[..read]);
        }
        // A header is written anew to skip records: the copy that says so is the newer.
        let header = copies.into_iter().flatten().max_by_key(|header| header.skip.position);
        let is_header_damaged = copies.contains(&None);
        Ok(Self { number, header, footer, length, is_header_damaged })
    }
}

/// What a walk through all of a segment found.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) extent: Extent,
    pub(super) first: Option<Position>,
    pub(super) gaps: Vec<Gap>,
    /// What is behind the last record and is not zeros: its place and length.
    pub(super) torn: Option<(u64, u64)>,
}

/// Reads every record of a segment.
pub(super) fn survey<F: Files>(
    files: &F,
    file: &F::File,
    mut walk: Walk,
    buffer: &mut Vec<u8>,
) -> io::Result<Survey> {
    let mut extent = Extent { end: walk.at, ..Extent::empty(walk.expected.0) };
    let mut survey = Survey { extent, first: None, gaps: Vec::new(), torn: None };
    let mut behind_last = 0;
    loop {
        match walk.step(files, file, buffer)? {
            Step::Record { position, messages, .. } => {
                survey.first = survey.first.or(Some(position));
                behind_last = survey.gaps.len();
                extent.end = walk.at;
                extent.next = position.0 + 1;
                extent.messages += u64::from(messages);
                extent.records += 1;
            }
            Step::Damage(gap) => survey.gaps.push(gap),
            Step::End { .. } => break,
            Step::Torn { at, bytes } => {
                survey.torn = Some((at, bytes));
                break;
            }
        }
    }
    // What is damaged behind the last whole record is one with what is torn.
    if let Some(gap) = survey.gaps.get(behind_last) {
        let end = match (survey.torn, survey.gaps.last()) {
            (Some((at, bytes)), _) => at + bytes,
            (None, last) => last.map_or(gap.at, |last| last.at + last.bytes),
        };
        survey.torn = Some((gap.at, end - gap.at));
        survey.gaps.truncate(behind_last);
    }
    // As a footer would have counted them.
    extent.messages +=
        survey.gaps.iter().filter_map(|gap| gap.messages).map(u64::from).sum::<u64>();
    survey.extent = extent;
    Ok(survey)
}
