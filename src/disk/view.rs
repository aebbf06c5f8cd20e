//! A log looked at from outside: nothing is written and nothing is locked, so that it works on
//! the files of a relay that runs.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use crate::disk::Damage;
use crate::disk::DamageKind;
use crate::disk::Files;
use crate::disk::Position;
use crate::disk::StateFound;
use crate::disk::System;
use crate::disk::format::BLOCK;
use crate::disk::format::RECORDS_AT;
use crate::disk::format::Slot;
use crate::disk::segment::Ends;
use crate::disk::segment::Paths;
use crate::disk::state;
use crate::disk::walk::Step;
use crate::disk::walk::Walk;

/// A log as its files are now.
#[derive(Debug)]
pub struct View<F: Files = System> {
    files: F,
    paths: Paths,
    ends: Vec<Ends>,
    state: StateFound,
    slot: Option<Slot>,
    salt: u64,
}

/// What one segment says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentView {
    pub number: u64,
    pub path: PathBuf,
    pub bytes: u64,
    pub first: Option<Position>,
    /// Of a segment with a footer: one more than its last record.
    pub next: Option<Position>,
    pub records: Option<u64>,
    pub messages: Option<u64>,
    /// Everything in it is delivered, and it was not removed yet.
    pub is_delivered: bool,
}

/// What a walk through a log meets.
#[derive(Debug)]
pub enum Item<'a> {
    Record {
        position: Position,
        messages: u32,
        segment: u64,
        at: u64,
        is_delivered: bool,
        bytes: &'a mut Vec<u8>,
    },
    Damage(Damage),
}

/// The names of the queues that have files in `directory`.
///
/// # Errors
/// The system's.
pub fn names<F: Files>(files: &F, directory: &Path) -> io::Result<Vec<String>> {
    let mut names = BTreeSet::new();
    for file in files.list(directory)? {
        let Some(file) = file.to_str() else { continue };
        if let Some(name) = file.strip_suffix(".state") {
            names.insert(name.to_owned());
        } else if let Some((name, number)) =
            file.strip_suffix(".seg").and_then(|rest| rest.rsplit_once('.'))
            && number.len() >= 8
            && number.bytes().all(|byte| byte.is_ascii_digit())
        {
            names.insert(name.to_owned());
        }
    }
    // A state file of something else is no queue's.
    names.retain(|name| {
        let paths = Paths { directory: directory.to_owned(), name: name.clone() };
        paths.list(files).is_ok_and(|segments| !segments.is_empty())
            || state::load(files, &paths.state()).is_ok_and(|(_, slot)| slot.is_some())
    });
    Ok(names.into_iter().collect())
}

impl<F: Files> View<F> {
    /// # Errors
    /// The system's.
    pub fn open(files: F, directory: &Path, name: &str) -> io::Result<Self> {
        let paths = Paths { directory: directory.to_owned(), name: name.to_owned() };
        let mut ends = Vec::new();
        for number in paths.list(&files)? {
            match Ends::read(&files, &paths.segment(number), number) {
                // It was delivered in the meantime.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => ends.push(other?),
            }
        }
        let (state, slot) = state::load(&files, &paths.state())?;
        let salts = ends.iter().filter_map(|ends| ends.header.map(|header| header.salt));
        let salt = slot.map(|slot| slot.salt).or_else(|| salts.clone().next()).unwrap_or(0);
        Ok(Self { files, paths, ends, state, slot, salt })
    }

    #[must_use]
    pub const fn state(&self) -> StateFound {
        self.state
    }

    /// The first record that is not delivered, as far as the state knows.
    #[must_use]
    pub fn released(&self) -> Option<Position> {
        self.slot.map(|slot| Position(slot.released.position))
    }

    /// The segments, the oldest first.
    #[must_use]
    pub fn segments(&self) -> Vec<SegmentView> {
        self.ends.iter().map(|ends| self.segment(ends)).collect()
    }

    fn segment(&self, ends: &Ends) -> SegmentView {
        let footer = ends.footer;
        let first = ends.header.map(|h| h.first).or_else(|| footer.map(|f| f.first));
        let next = footer.map(|footer| footer.next);
        SegmentView {
            number: ends.number,
            path: self.paths.segment(ends.number),
            bytes: ends.length,
            first: first.map(Position),
            next: next.map(Position),
            records: footer.map(|footer| footer.records.into()),
            messages: footer.map(|footer| footer.messages),
            is_delivered: next.is_some_and(|next| self.first_undelivered(ends) >= next),
        }
    }

    /// Records of this segment before this one are delivered.
    fn first_undelivered(&self, ends: &Ends) -> u64 {
        let skip = ends.header.map_or(0, |header| header.skip.position);
        skip.max(self.slot.map_or(0, |slot| slot.released.position))
    }

    /// Shows every record to `visit`, and all that is damaged. A record that is being written at
    /// the end of the last segment is neither.
    ///
    /// # Errors
    /// The system's, and what `visit` returns.
    pub fn walk(&self, visit: &mut dyn FnMut(Item<'_>) -> io::Result<()>) -> io::Result<()> {
        let mut buffer = Vec::new();
        let mut end = self.slot.map_or(0, |slot| slot.released.position);
        for (index, ends) in self.ends.iter().enumerate() {
            let is_last = index + 1 == self.ends.len();
            let follows = ends.header.map_or(end, |header| header.follows.min(header.first));
            if end != 0 && end < follows {
                let (from, to) = (Position(end), Position(follows));
                let kind = DamageKind::MissingSegment;
                let segment = ends.number;
                let damage = Damage { kind, segment, at: 0, bytes: 0, from, to, messages: None };
                visit(Item::Damage(damage))?;
            }
            if ends.is_header_damaged || (ends.footer.is_none() && !is_last) {
                visit(Item::Damage(frame(ends)))?;
            }
            match self.walk_segment(ends, is_last, &mut buffer, visit) {
                Ok(next) => end = end.max(next),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn walk_segment(
        &self,
        ends: &Ends,
        is_last: bool,
        buffer: &mut Vec<u8>,
        visit: &mut dyn FnMut(Item<'_>) -> io::Result<()>,
    ) -> io::Result<u64> {
        let file = self.files.open(&self.paths.segment(ends.number), false)?;
        let known = ends.header.map(|header| (header.first, header.salt));
        let known = known.or_else(|| ends.footer.map(|footer| (footer.first, footer.salt)));
        let (first, salt) = known.unwrap_or((0, self.salt));
        let footer = ends.footer.map_or(0, |_| BLOCK as u64);
        let end = ends.length.saturating_sub(footer);
        let undelivered = self.first_undelivered(ends);
        let mut walk = Walk { at: RECORDS_AT, end, expected: Position(first), salt };
        let segment = ends.number;
        loop {
            match walk.step(&self.files, &file, buffer)? {
                Step::Record { position, messages, at } => {
                    let is_delivered = position.0 < undelivered;
                    let bytes = &mut *buffer;
                    visit(Item::Record { position, messages, segment, at, is_delivered, bytes })?;
                }
                // Records with no known place before the first one that is there.
                Step::Damage(gap) if gap.from.0 == 0 && gap.bytes == 0 => {}
                Step::Damage(gap) => visit(Item::Damage(Damage::of_gap(segment, gap)))?,
                Step::Torn { at, bytes } if !is_last || ends.footer.is_some() => {
                    let from = walk.expected;
                    let to = Position(ends.footer.map_or(from.0, |footer| footer.next));
                    let kind = DamageKind::Record;
                    let damage = Damage { kind, segment, at, bytes, from, to, messages: None };
                    visit(Item::Damage(damage))?;
                    return Ok(to.0);
                }
                Step::End { at } => {
                    let next = ends.footer.map_or(0, |footer| footer.next);
                    if walk.expected.0 < next {
                        let (from, to) = (walk.expected, Position(next));
                        let (kind, bytes) = (DamageKind::Record, end - at);
                        let damage = Damage { kind, segment, at, bytes, from, to, messages: None };
                        visit(Item::Damage(damage))?;
                    }
                    return Ok(walk.expected.0.max(next));
                }
                Step::Torn { .. } => return Ok(walk.expected.0),
            }
        }
    }
}

fn frame(ends: &Ends) -> Damage {
    let none = Position(0);
    Damage {
        kind: DamageKind::Frame,
        segment: ends.number,
        at: if ends.is_header_damaged { 0 } else { ends.length },
        bytes: BLOCK as u64,
        from: none,
        to: none,
        messages: None,
    }
}
