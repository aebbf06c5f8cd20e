//! Lines of containers on both sides of a rotation: the kubelet renames a log, the runtime goes on
//! with a new one of the same name, and the line that it was writing has its first parts in the one
//! and its rest in the other. The file that was renamed is read to its end before the new one. The
//! first line of a stream takes over what is unfinished there ([`Splitter::borrow`]); until the
//! message is told, the old file's position stays before its parts, and the new one's at its
//! beginning. So whoever starts in between finds both again.
//!
//! [`Splitter::borrow`]: crate::input::file::split::Splitter::borrow

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::path::PathBuf;

use crate::input::file::split::Position;
use crate::input::file::split::Splitter;
use crate::input::file::tail::Read;
use crate::input::file::tail::Tail;
use crate::input::file::work::Ended;
use crate::input::file::work::Flush;
use crate::input::file::work::Work;

/// A file that is read, by its place among them and its number in the store: places are given
/// again.
pub(in crate::input::file) type Link = (usize, u32);

impl Work {
    /// `path` is another file's from now on; this one was read there last. Numbers only grow: of
    /// two the later one is it, and no file comes before itself.
    pub(super) fn rotated_away(&mut self, path: &Path, index: usize) {
        if !self.job.spec.is_cri() {
            return;
        }
        let Some(Some(tail)) = self.tails.get_mut(index) else { return };
        let link = (index, tail.number);
        let known = self.rotated.get(path).copied();
        match known {
            Some(known) if known.1 > link.1 => return,
            Some(known) if known.1 < link.1 => {
                tail.before.get_or_insert(known);
            }
            _ => {}
        }
        self.rotated.insert(path.to_owned(), link);
    }

    /// A file is left for good.
    pub(super) fn was_rotated(&mut self, path: &Path, index: usize) {
        if self.rotated.get(path).is_some_and(|known| known.0 == index) {
            self.rotated.remove(path);
        }
    }

    /// Whether it is a file's turn: what was rotated away before it comes first, all of it.
    pub(super) fn is_next(&mut self, index: usize) -> Result<bool, Ended> {
        let Some(Some(tail)) = self.tails.get_mut(index) else { return Ok(true) };
        if tail.before.is_none() && tail.splitter.is_fresh() {
            let known = self.rotated.get(&*tail.path).copied();
            tail.before = known.filter(|known| known.1 < tail.number);
        }
        let Some(link) = tail.before else { return Ok(true) };
        match self.linked(link) {
            Some(before) if before.ready => return Ok(false),
            Some(_) => {}
            None => {
                self.unlink(index);
                return Ok(true);
            }
        }
        if self.read_some(link.0)? == Some(Read::Some) {
            return Ok(false);
        }
        // One that keeps its name has no end: it is left as soon as nothing more is to be had.
        let ends = |before: &Tail| {
            before.leaving.is_some() || before.splitter.holds_lines() || before.splitter.lends()
        };
        if !self.linked(link).is_some_and(|before| ends(before)) {
            self.unlink(index);
        }
        Ok(true)
    }

    /// Nothing comes before this file any more.
    fn unlink(&mut self, index: usize) {
        let Some(Some(tail)) = self.tails.get_mut(index) else { return };
        tail.splitter.is_first();
        let (path, link) = (tail.path.clone(), tail.before.take());
        if self.rotated.get(&*path).copied() == link {
            self.rotated.remove(&*path);
        }
    }

    fn linked(&mut self, (index, number): Link) -> Option<&mut Tail> {
        let tail = self.tails.get_mut(index)?.as_mut()?;
        (tail.number == number).then_some(tail)
    }

    /// Before a file is read: what those before it have not finished. Through files that have no
    /// line of a stream it is handed on.
    pub(super) fn borrow(&mut self, tail: &mut Tail) {
        let (mut earlier, mut link) = (Vec::new(), tail.before);
        while let Some((index, before)) = link.and_then(|link| self.take_out(link)) {
            link = before.before.filter(|_| before.splitter.is_fresh());
            earlier.push((index, before));
        }
        while let Some((index, mut before)) = earlier.pop() {
            let next = earlier.last_mut().map_or(&mut *tail, |(_, next)| next);
            next.splitter.borrow(&mut before.splitter);
            self.put_back(index, before);
        }
    }

    /// Behind that: where the files stand now whose parts have become messages of `tail`.
    pub(super) fn settle(&mut self, tail: &mut Tail) -> Vec<(u32, Position)> {
        let (mut told, mut link) = (Vec::new(), tail.before);
        let mut later: Option<(usize, Tail)> = None;
        while let Some((index, mut before)) = link.and_then(|link| self.take_out(link)) {
            let last = later.as_mut().map_or(&mut *tail, |(_, later)| later);
            let is_told = last.splitter.settle(&mut before.splitter);
            // Of that one's parts some may be in the file before it.
            link = before.before.filter(|_| is_told || before.splitter.is_fresh());
            if is_told {
                told.push((index, before.number));
            }
            if let Some((index, later)) = later.replace((index, before)) {
                self.put_back(index, later);
            }
        }
        if let Some((index, later)) = later {
            self.put_back(index, later);
        }
        // Now: where one stands depends on the one before it.
        let position = |link: Link| self.linked(link).map(|of| (of.number, of.splitter.position()));
        told.into_iter().filter_map(position).collect()
    }

    fn take_out(&mut self, (index, number): Link) -> Option<(usize, Tail)> {
        let slot = self.tails.get_mut(index)?;
        Some((index, slot.take_if(|tail| tail.number == number)?))
    }

    fn put_back(&mut self, index: usize, tail: Tail) {
        if let Some(slot) = self.tails.get_mut(index) {
            *slot = Some(tail);
        }
    }

    /// The file behind it was cut, and what it had borrowed is gone: it is read once more.
    pub(super) fn rewind(&mut self, mut link: Option<Link>) {
        while let Some((index, number)) = link.take() {
            let Some(before) = self.linked((index, number)) else { return };
            if before.splitter.lends() {
                before.splitter = Splitter::at(before.splitter.position());
                link = before.before;
                self.make_ready(index);
            }
        }
    }

    /// Whoever has parts of this file has had them long enough: they are a message.
    pub(super) fn call_in(&mut self, index: usize) -> Result<(), Ended> {
        let mut last = index;
        while let Some(Some(tail)) = self.tails.get(last)
            && tail.splitter.lends()
        {
            let link = Some((last, tail.number));
            let heir = |tail: &Option<Tail>| tail.as_ref().is_some_and(|tail| tail.before == link);
            let Some(next) = self.tails.iter().position(heir) else { return Ok(()) };
            last = next;
        }
        if last == index { Ok(()) } else { self.flush(last, Flush::Lines) }
    }
}

/// The name that a log had before the kubelet gave it a time: `0.log` of `0.log.20261122-101112`.
pub(super) fn name_before(path: &Path) -> Option<PathBuf> {
    let time = path.extension()?.as_bytes();
    let digits = |text: &[u8]| text.iter().all(u8::is_ascii_digit);
    let is_time = matches!(time.split_at_checked(8), Some((date, [b'-', clock @ ..]))
        if digits(date) && clock.len() == 6 && digits(clock));
    is_time.then(|| path.with_extension(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotated_name_says_what_it_was() {
        let before = |name: &str| name_before(Path::new(name));
        assert_eq!(before("/x/0.log.20261122-101112"), Some("/x/0.log".into()));
        for other in ["/x/0.log", "/x/0.log.20261122", "/x/0.log.20261122-10111", "/x/0.log.x"] {
            assert_eq!(before(other), None, "{other}");
        }
        assert_eq!(before("/x/0.log.20261122-101112.gz"), None);
    }
}
