//! From what a stop, of whatever kind, left on the disk to a log that goes on.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;

use crate::disk::Damage;
use crate::disk::DamageKind;
use crate::disk::Files;
use crate::disk::Log;
use crate::disk::Options;
use crate::disk::Position;
use crate::disk::Recovery;
use crate::disk::SEGMENT_BYTES_MAX;
use crate::disk::SEGMENT_BYTES_MIN;
use crate::disk::StateFound;
use crate::disk::format::BLOCK;
use crate::disk::format::Footer;
use crate::disk::format::Mark;
use crate::disk::format::RECORDS_AT;
use crate::disk::format::SegmentHeader;
use crate::disk::format::Slot;
use crate::disk::format::low;
use crate::disk::log::Counters;
use crate::disk::log::Reader;
use crate::disk::segment::Ends;
use crate::disk::segment::Extent;
use crate::disk::segment::Paths;
use crate::disk::segment::Segment;
use crate::disk::segment::survey;
use crate::disk::state;
use crate::disk::state::State;
use crate::disk::walk::Walk;

/// The number of a log's first segment. There is room in front of it for what is older, see
/// [`Log::put_in_front`].
const FIRST_SEGMENT: u64 = 10_000_000;
/// The position of a log's first record, for the same reason.
const FIRST_RECORD: u64 = 1_000_000_000_000;

/// A log while it is looked at.
struct Opening<'a, F: Files> {
    files: &'a F,
    paths: &'a Paths,
    salt: u64,
    slot: Option<Slot>,
    segments: VecDeque<Segment>,
    recovery: Recovery,
    /// For the records of segments that are read through.
    buffer: Vec<u8>,
}

impl<F: Files> Log<F> {
    /// Opens a log, or makes an empty one. How long that takes depends on how many segments there
    /// are, not on their size: only the last one is read through, if the log was not closed.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if another process has it open; the disk's.
    pub fn open(files: F, options: Options) -> io::Result<(Self, Recovery)> {
        let Options { directory, name, segment_bytes, bytes_max } = options;
        let paths = Paths { directory, name };
        let lock = files.lock(&paths.lock())?;
        let (found, slot) = state::load(&files, &paths.state())?;
        finish(&files, &paths, slot)?;
        let ends = read_ends(&files, &paths)?;
        let salt = known_salt(&ends, slot).unwrap_or_else(|| files.random());
        let mut opening = Opening {
            files: &files,
            paths: &paths,
            salt,
            slot,
            segments: VecDeque::new(),
            recovery: Recovery::new(found),
            buffer: Vec::new(),
        };
        let last = ends.last().map(|ends| ends.number);
        for ends in &ends {
            opening.enter(ends, Some(ends.number) == last)?;
        }
        opening.find_missing();
        let Opening { segments, mut recovery, .. } = opening;
        let next_segment = last.map_or(FIRST_SEGMENT, |number| number + 1);
        let next = segments.back().map_or(FIRST_RECORD, |segment| segment.written.next);
        // What is lost at the end is told once: from now on nothing was there.
        let committed = next.max(slot.map_or(0, |slot| slot.released.position));
        let next = committed.max(slot.map_or(0, |slot| slot.next));
        let next_segment = next_segment.max(slot.map_or(0, |slot| slot.next_segment));
        let (reader, skip) = start_reading(&segments, slot, next);
        let bytes = segments.iter().map(Segment::bytes).sum();
        let first = Slot { salt, next: committed, next_segment, ..slot.unwrap_or_default() };
        let first = Slot { released: skip, segment: low(reader.segment), ..first };
        let state = State::open(&files, &paths.state(), first)?;
        let mut log = Self {
            files,
            paths,
            segment_bytes: segment_bytes.clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX),
            bytes_max,
            lock,
            state,
            salt,
            segments,
            active: None,
            is_tail_torn: false,
            unsynced: Vec::new(),
            // What an earlier process made may not be on the disk yet.
            is_directory_dirty: true,
            bytes,
            next,
            committed,
            next_segment,
            reader,
            pending: VecDeque::new(),
            unsynced_release: 0,
            damages: Vec::new(),
            counters: Counters::default(),
        };
        log.go_to(skip)?;
        log.checkpoint()?;
        let stored = log.stored();
        recovery.segments = log.segments.len() as u64;
        (recovery.messages, recovery.bytes) = (stored.messages, stored.bytes);
        Ok((log, recovery))
    }
}

/// Puts in place what [`Log::put_in_front`] had made safe when the process ended, and removes
/// what it had not.
fn finish<F: Files>(files: &F, paths: &Paths, slot: Option<Slot>) -> io::Result<()> {
    let names: Vec<OsString> = files.list(&paths.directory)?;
    for name in names {
        let Some(number) = paths.number(&name, ".tmp") else { continue };
        let path = paths.unfinished(number);
        let ends = Ends::read(files, &path, number)?;
        let is_awaited = |slot: Slot, footer: Footer| slot.released.position <= footer.first;
        match slot.zip(ends.footer) {
            Some((slot, footer)) if is_awaited(slot, footer) => {
                files.rename(&path, &paths.segment(number))?;
            }
            _ => files.remove(&path)?,
        }
    }
    Ok(())
}

fn read_ends<F: Files>(files: &F, paths: &Paths) -> io::Result<Vec<Ends>> {
    let numbers = paths.list(files)?;
    numbers.into_iter().map(|n| Ends::read(files, &paths.segment(n), n)).collect()
}

/// The salt of the log, from any place that has it.
fn known_salt(ends: &[Ends], slot: Option<Slot>) -> Option<u64> {
    let of = |ends: &Ends| {
        let header = ends.header.map(|header| header.salt);
        header.or_else(|| ends.footer.map(|footer| footer.salt))
    };
    slot.map(|slot| slot.salt).or_else(|| ends.iter().find_map(of))
}

/// The reader at the first record that is not delivered, and what to skip to get there.
fn start_reading<F: Files>(
    segments: &VecDeque<Segment>,
    slot: Option<Slot>,
    next: u64,
) -> (Reader<F>, Mark) {
    let released = slot.map_or(0, |slot| slot.released.position);
    let first = segments.iter().find(|segment| segment.written.next > released);
    let Some(segment) = first.or_else(|| segments.back()) else {
        let walk = Walk { at: RECORDS_AT, end: RECORDS_AT, expected: Position(next), salt: 0 };
        return (
            Reader { segment: 0, file: None, walk },
            Mark { position: next, ..Mark::default() },
        );
    };
    let reader = Reader { segment: segment.header.number, file: None, walk: segment.walk() };
    let header = &segment.header;
    let skip = match slot {
        Some(slot) if slot.released.position > header.skip.position.max(header.first) => {
            let is_here = slot.segment == low(header.number);
            let hint = if is_here { slot.released } else { Mark::default() };
            Mark { position: released, ..hint }
        }
        _ if header.skip.position > header.first => header.skip,
        _ => Mark { position: header.first, at: RECORDS_AT, messages: 0 },
    };
    (reader, skip)
}

impl<F: Files> Opening<'_, F> {
    /// Takes a segment into the log by what its ends say, or by reading it.
    fn enter(&mut self, ends: &Ends, is_last: bool) -> io::Result<()> {
        let is_foreign = ends.header.is_some_and(|header| header.name != self.paths.name_hash());
        if is_foreign {
            let to = self.paths.aside(ends.number);
            self.files.rename(&self.paths.segment(ends.number), &to)?;
            self.told(ends, DamageKind::Foreign, 0, ends.length);
            return Ok(());
        }
        if ends.is_header_damaged && !(is_last && ends.footer.is_none()) {
            self.told(ends, DamageKind::Frame, 0, BLOCK as u64);
        }
        let header = self.header(ends);
        match ends.footer {
            Some(footer) if footer.number == header.number && footer.first == header.first => {
                let end = ends.length - BLOCK as u64;
                let (next, messages, records) = (footer.next, footer.messages, footer.records);
                let extent = Extent { end, next, messages, records };
                self.segments.push_back(Segment::new(header, extent));
            }
            _ => self.read_through(ends, header, is_last)?,
        }
        Ok(())
    }

    /// The header of a segment; where it is damaged, what it must have been.
    fn header(&self, ends: &Ends) -> SegmentHeader {
        let known = self.segments.back().map_or(0, |last| last.written.next);
        ends.header.unwrap_or_else(|| {
            let first = ends.footer.map_or(known, |footer| footer.first);
            SegmentHeader {
                name: self.paths.name_hash(),
                salt: ends.footer.map_or(self.salt, |footer| footer.salt),
                number: ends.number,
                first,
                follows: if known == 0 { first } else { known },
                skip: Mark::default(),
            }
        })
    }

    /// A segment that does not say what it holds: of the last one, because it was not sealed.
    fn read_through(
        &mut self,
        ends: &Ends,
        header: SegmentHeader,
        is_last: bool,
    ) -> io::Result<()> {
        let path = self.paths.segment(ends.number);
        let file = self.files.open(&path, true)?;
        let expected = Position(header.first);
        let walk = Walk { at: RECORDS_AT, end: ends.length, expected, salt: header.salt };
        let found = survey(self.files, &file, walk, &mut self.buffer)?;
        self.recovery.surveyed += 1;
        let mut header = header;
        if header.first == 0 {
            header.first = found.first.map_or(0, |first| first.0);
            header.follows = header.first;
        }
        for gap in &found.gaps {
            let mut damage = Damage::of_gap(header.number, *gap);
            damage.from = damage.from.max(Position(header.first));
            self.recovery.damages.push(damage);
        }
        let is_frame = |at: u64, bytes: u64| at + bytes == ends.length && bytes <= BLOCK as u64;
        match found.torn {
            Some((at, bytes)) if !is_last && is_frame(at, bytes) => {
                self.told(ends, DamageKind::Frame, at, bytes);
            }
            Some((at, bytes)) if !is_last => self.told(ends, DamageKind::Record, at, bytes),
            Some((at, bytes)) => self.told(ends, DamageKind::TornTail, at, bytes),
            None => {}
        }
        let mut segment = Segment::new(header, found.extent);
        segment.is_told = true;
        if is_last {
            if segment.written.records == 0 {
                drop(file);
                return self.files.remove(&path);
            }
            let footer = segment.footer().to_bytes();
            let end = segment.written.end;
            self.files.set_length(&file, end)?;
            // Only to be quicker the next time.
            let mut parts = [io::IoSlice::new(&footer)];
            drop(crate::disk::files::write_all(self.files, &file, &mut parts, end));
            self.files.sync_data(&file)?;
        }
        self.segments.push_back(segment);
        Ok(())
    }

    fn told(&mut self, ends: &Ends, kind: DamageKind, at: u64, bytes: u64) {
        let none = Position(0);
        let segment = ends.number;
        let damage = Damage { kind, segment, at, bytes, from: none, to: none, messages: None };
        self.recovery.damages.push(damage);
    }

    /// Says which records are not there between the segments that are.
    fn find_missing(&mut self) {
        let mut missing = Vec::new();
        let mut end = self.slot.map(|slot| slot.released.position);
        for segment in &self.segments {
            let begins = segment.header.follows.min(segment.header.first);
            if let Some(end) = end
                && end < begins
            {
                missing.push((segment.header.number, end, begins));
            }
            end = Some(end.unwrap_or(0).max(segment.written.next));
        }
        if let (Some(end), Some(slot)) = (end, self.slot)
            && end < slot.next
        {
            let number = self.segments.back().map_or(0, |last| last.header.number + 1);
            missing.push((number, end, slot.next));
        }
        for (segment, from, to) in missing {
            let kind = DamageKind::MissingSegment;
            let (from, to) = (Position(from), Position(to));
            let damage = Damage { kind, segment, at: 0, bytes: 0, from, to, messages: None };
            self.recovery.damages.push(damage);
        }
    }
}

impl Recovery {
    const fn new(state: StateFound) -> Self {
        Self { segments: 0, messages: 0, bytes: 0, state, surveyed: 0, damages: Vec::new() }
    }
}
