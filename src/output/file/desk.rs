//! What writes: an action's chunks to its files. All of it may block, and runs on a thread.
//!
//! Messages for one file go straight from their chunk to the file. Where messages name their files
//! and change from one to the next, each file gathers what is for it and gets it by one call. A
//! chunk is delivered when all files have what was in it.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::io::IoSlice;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use crate::base::clock;
use crate::base::num::count;
use crate::output::OutputStats;
use crate::output::file::FileSpec;
use crate::output::file::FileTarget;
use crate::output::file::Next;
use crate::output::file::beneath;
use crate::output::file::files::Files;
use crate::output::file::files::Slot;
use crate::output::file::segment::Segment;
use crate::output::file::segment::segment;
use crate::output::file::segment::shorten;
use crate::output::file::sink::Sink;
use crate::output::task::Pending;
use crate::queue::Chunk;

/// Unusable file names that are complained of one by one, until the next SIGHUP.
const COMPLAINTS_MAX: usize = 100;
/// Chunks that go to one file by one call.
const SLICES: usize = 64;
/// A part of a chunk from this size on is not gathered, but written by itself; bytes.
const DIRECT: usize = 16 << 10;
/// From so many files on, a moment is waited for more to write to each of them.
const MANY: usize = 64;
/// That moment, how long nothing may come until it ends, and the bytes for a file on average with
/// which it does: while messages stream, files are worth waiting for; a sender that waits for an
/// answer is not kept.
const MOMENT: Duration = Duration::from_millis(20);
const QUIET: Duration = Duration::from_millis(2);
const ENOUGH: usize = 4 << 10;
/// The bytes that a compressor holds at most without `flushOnTXEnd`, unless `ioBufferSize` is more.
const HELD: usize = 1 << 20;

/// What a step came to.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// Something was written to its end.
    pub(super) wrote: bool,
    pub(super) complaints: Vec<String>,
    /// Why writing stopped; it is to be tried again.
    pub(super) failure: Option<String>,
}

/// How files were found.
#[derive(Debug, Default)]
struct Looks {
    requests: u64,
    same: u64,
    missed: u64,
}

pub(super) struct Desk {
    pub(super) spec: FileSpec,
    /// The name of the one file, where there is only one.
    pub(super) fixed: Option<Arc<[u8]>>,
    pub(super) stats: Arc<OutputStats>,
    pub(super) pending: Pending,
    pub(super) files: Files,
    /// Files that are kept open; fewer than was asked for if the system does not allow more.
    pub(super) most: usize,
    /// Messages of the first pending chunk that were given up, and the run that is written.
    pub(super) unsendable: u64,
    pub(super) run: usize,
    /// Chunks that were written, but perhaps not flushed or synced, and their bytes.
    pub(super) written: Vec<(Chunk, u64)>,
    pub(super) held: usize,
    /// Since when these wait, and when they have waited long enough.
    pub(super) held_since: Option<Instant>,
    pub(super) flush_at: Option<Instant>,
    /// The last step did not get through.
    pub(super) failed: bool,
    /// The message before had no file. How far into the first pending chunk look-ups were counted.
    lost: bool,
    pub(super) counted: usize,
    looks: Looks,
    /// Names that were complained of.
    pub(super) unusable: HashSet<Box<[u8]>>,
    /// Files that have reached `rotation.sizeLimit`.
    pub(super) due: Vec<Box<[u8]>>,
}

impl Desk {
    pub(super) fn new(spec: FileSpec, stats: Arc<OutputStats>) -> Self {
        let (fixed, most) = match &spec.target {
            FileTarget::Fixed(path) => (Some(Arc::from(path.as_os_str().as_bytes())), 1),
            FileTarget::Dynamic { cache, .. } => (None, *cache),
        };
        Self {
            spec,
            fixed,
            stats,
            pending: Pending::default(),
            files: Files::new(),
            most,
            unsendable: 0,
            run: 0,
            written: Vec::new(),
            held: 0,
            held_since: None,
            flush_at: None,
            failed: false,
            lost: false,
            counted: 0,
            looks: Looks::default(),
            unusable: HashSet::new(),
            due: Vec::new(),
        }
    }

    /// Whether files are open that are closed once they have been idle.
    pub(super) fn may_have_idle(&self) -> bool {
        self.spec.close_after.is_some() && self.files.len() > 0
    }

    /// Whether there is something to write, or to try again.
    pub(super) fn unfinished(&self) -> bool {
        !self.pending.is_empty() || self.failed
    }

    /// When what waits for more is to be flushed.
    pub(super) const fn flush_at(&self) -> Option<Instant> {
        self.flush_at
    }

    pub(super) fn step(&mut self, next: Next) -> Done {
        let mut done = Done::default();
        match next {
            Next::Write | Next::Flush => {
                let written = self.write(&mut done.complaints);
                if written.is_ok() && matches!(next, Next::Write) && self.holds_back() {
                    return done;
                }
                let settled = self.settle();
                if settled.is_ok() {
                    done.wrote = !self.written.is_empty();
                    self.deliver();
                }
                done.failure = written.and(settled).err();
                self.failed = done.failure.is_some();
            }
            Next::Reopen => self.reopen(&mut done.complaints),
            Next::CloseIdle => self.close_idle(&mut done.complaints),
            Next::End => self.close_all(&mut done.complaints),
        }
        done
    }

    /// Writes what is pending, from where the last call stopped.
    fn write(&mut self, complaints: &mut Vec<String>) -> Result<(), String> {
        self.rotate()?;
        if self.failed {
            // What waits in buffers comes before what would be added to it.
            self.settle()?;
        }
        if let Some(name) = self.fixed.clone()
            && self.spec.rotation.is_none()
            && self.spec.compression.is_none()
            && !self.pending.is_empty()
        {
            let written = self.write_through(&name, complaints);
            return written.map_err(|e| format!("cannot write to {}: {e}", shown(&name)));
        }
        // Chunks leave `pending` while they are written, so that `self` is free.
        while let Some(chunk) = self.pending.chunks.pop_front() {
            let written = self.write_chunk(&chunk, complaints);
            self.report_looks();
            if let Err(why) = written {
                self.pending.chunks.push_front(chunk);
                return Err(why);
            }
            self.pending.offset = 0;
            self.counted = 0;
            self.run = 0;
            self.held += chunk.bytes.len();
            self.written.push((chunk, std::mem::take(&mut self.unsendable)));
        }
        Ok(())
    }

    /// Whether what was written may wait for more, before it is flushed.
    fn holds_back(&mut self) -> bool {
        let compresses = self.spec.compression.is_some();
        let wait = if compresses && !self.spec.flush {
            let wait = self.spec.flush_interval;
            (self.held < HELD.max(self.spec.buffer)).then_some((wait, wait))
        } else {
            let files = self.files.dirty();
            let gathers = !compresses && files >= MANY && self.held < files * ENOUGH;
            gathers.then_some((MOMENT, QUIET))
        };
        let Some((most, quiet)) = wait.filter(|_| !self.written.is_empty()) else { return false };
        let now = clock::monotonic();
        let end = *self.held_since.get_or_insert(now) + most;
        self.flush_at = Some(end.min(now + quiet));
        end > now
    }

    /// Counts what was written and gives it back. Here and not in the task: that may be ended while
    /// this thread writes.
    fn deliver(&mut self) {
        for (chunk, unsendable) in self.written.drain(..) {
            self.stats.dropped_unsendable.add(unsendable);
            self.stats.delivered.add(count(chunk.len()) - unsendable);
            self.stats.bytes.add(count(chunk.bytes.len()));
            self.pending.chunks.done(chunk);
        }
        self.held = 0;
        self.held_since = None;
        self.flush_at = None;
    }

    /// All that is pending to the one file, many chunks by one call.
    fn write_through(&mut self, name: &[u8], complaints: &mut Vec<String>) -> io::Result<()> {
        while !self.pending.is_empty() {
            let slot = match self.files.find(name) {
                Some((slot, _)) => slot,
                None => self.open(name, complaints)?,
            };
            self.empty(slot)?;
            let open = self.files.get_mut(slot).ok_or(io::ErrorKind::NotFound)?;
            let mut slices = [IoSlice::new(&[]); SLICES];
            let filled = self.pending.gather(&mut slices);
            let most: usize = slices[..filled].iter().map(|slice| slice.len()).sum();
            let wrote = match open.sink.write_vectored(&slices[..filled]) {
                // Chunks of empty messages have no bytes.
                Err(_) if most == 0 => 0,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                wrote => wrote?,
            };
            self.files.mark(slot);
            let Self { pending, written, .. } = self;
            pending.advance(wrote, |chunk| written.push((chunk, 0)));
        }
        Ok(())
    }

    fn write_chunk(&mut self, chunk: &Chunk, complaints: &mut Vec<String>) -> Result<(), String> {
        let fixed = self.fixed.clone();
        while self.pending.offset < chunk.bytes.len() {
            let mut segment = segment(chunk, self.pending.offset, &mut self.run, fixed.as_deref());
            let found = self.files.find(segment.name);
            if fixed.is_none() {
                self.count(&segment, found.map(|(_, same)| same && !self.lost));
            }
            let opened = match found {
                Some((slot, _)) => Ok(slot),
                None => {
                    self.make_room(complaints)?;
                    self.open(segment.name, complaints)
                }
            };
            self.lost = opened.is_err();
            match opened {
                Ok(slot) => {
                    let full = self.shorten(slot, chunk, &mut segment);
                    self.put(slot, &chunk.bytes[..segment.end])
                        .map_err(|e| format!("cannot write to {}: {e}", shown(segment.name)))?;
                    if full {
                        self.due.push(segment.name.into());
                        self.rotate()?;
                    }
                }
                Err(e) if self.is_unusable(&e) => {
                    self.drop_segment(&segment, &e, complaints);
                    self.pending.offset = segment.end;
                }
                Err(e) => return Err(format!("cannot open {}: {e}", shown(segment.name))),
            }
        }
        Ok(())
    }

    /// Ends `segment` where its file has to be rotated; whether that is due behind it.
    fn shorten(&self, slot: Slot, chunk: &Chunk, segment: &mut Segment<'_>) -> bool {
        let (Some(rotation), Some(open)) = (&self.spec.rotation, self.files.get(slot)) else {
            return false;
        };
        if open.sink.compresses() || !open.sink.regular {
            return false;
        }
        shorten(segment, chunk, self.pending.offset, open.sink.size, rotation)
    }

    /// Counts how the file of `segment` was found, once however often it is tried: as the file of
    /// the message before, or among the open ones (`Some(false)`), or not.
    fn count(&mut self, segment: &Segment<'_>, found: Option<bool>) {
        if segment.end <= self.counted {
            return;
        }
        self.counted = segment.end;
        self.looks.requests += segment.messages;
        // The first message of the segment looks, the others find the file of the one before.
        self.looks.same += segment.messages - u64::from(found != Some(true));
        self.looks.missed += u64::from(found.is_none());
    }

    /// Adds what [`Self::count`] has counted since, once for many.
    fn report_looks(&mut self) {
        let Looks { requests, same, missed } = std::mem::take(&mut self.looks);
        let cache = &self.stats.cache;
        cache.requests.add(requests);
        cache.same.add(same);
        cache.missed.add(missed);
    }

    /// Writes `bytes` from the pending offset on to an open file, or lets them wait there, and
    /// moves the offset as far as it got, also if it failed.
    fn put(&mut self, slot: Slot, bytes: &[u8]) -> io::Result<()> {
        self.files.mark(slot);
        let most = self.spec.buffer;
        let gathers =
            self.fixed.is_none() && self.spec.compression.is_none() && self.spec.rotation.is_none();
        let open = self.files.get_mut(slot).ok_or(io::ErrorKind::NotFound)?;
        let offset = &mut self.pending.offset;
        let rest = bytes.len() - *offset;
        if gathers && rest < DIRECT && open.buffer.len() + rest <= most {
            open.buffer.extend_from_slice(&bytes[*offset..]);
            *offset = bytes.len();
            return Ok(());
        }
        self.empty(slot)?;
        let open = self.files.get_mut(slot).ok_or(io::ErrorKind::NotFound)?;
        let offset = &mut self.pending.offset;
        if gathers && rest < DIRECT.min(most) {
            open.buffer.extend_from_slice(&bytes[*offset..]);
            *offset = bytes.len();
            return Ok(());
        }
        while *offset < bytes.len() {
            match open.sink.write(&bytes[*offset..]) {
                Ok(n) => *offset += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Writes what waits for a file.
    pub(super) fn empty(&mut self, slot: Slot) -> io::Result<()> {
        let open = self.files.get_mut(slot).ok_or(io::ErrorKind::NotFound)?;
        if open.stale {
            let name = open.name.clone();
            let sink = self.new_sink(&name)?;
            let open = self.files.get_mut(slot).ok_or(io::ErrorKind::NotFound)?;
            open.sink = sink;
            open.stale = false;
        }
        let most = self.spec.buffer;
        self.files.get_mut(slot).map_or(Ok(()), |open| open.empty(most))
    }

    /// Whether this error of opening a file means that messages for it are to be dropped: only
    /// where the message itself made the name.
    fn is_unusable(&self, error: &io::Error) -> bool {
        let FileTarget::Dynamic { drop_unusable, .. } = self.spec.target else { return false };
        match error.raw_os_error() {
            Some(libc::ENAMETOOLONG | libc::EISDIR | libc::EINVAL) => true,
            // rsyslog's dynafile.doNotSuspend, on by default.
            Some(
                libc::EACCES
                | libc::EPERM
                | libc::ENOENT
                | libc::ENOTDIR
                | libc::ELOOP
                | libc::ENXIO
                | libc::EROFS,
            ) => drop_unusable,
            Some(_) => false,
            // A name that leads out of its directory.
            None => error.kind() == io::ErrorKind::InvalidInput,
        }
    }

    fn drop_segment(&mut self, segment: &Segment<'_>, e: &io::Error, complaints: &mut Vec<String>) {
        self.unsendable += segment.messages;
        if self.unusable.len() < COMPLAINTS_MAX && self.unusable.insert(segment.name.into()) {
            complaints.push(format!("drops messages for {}: {e}", shown(segment.name)));
        }
    }

    /// Closes files that were used longest ago, if there is no room for another.
    fn make_room(&mut self, complaints: &mut Vec<String>) -> Result<(), String> {
        while self.files.len() >= self.most {
            let oldest = self.files.oldest().and_then(|slot| self.files.get(slot));
            let oldest = oldest.map_or_else(String::new, |open| shown(&open.name));
            self.close_oldest(complaints).map_err(|e| format!("cannot write to {oldest}: {e}"))?;
            self.stats.cache.evicted.add(1);
        }
        Ok(())
    }

    /// Opens the file of that name, which is not open.
    fn open(&mut self, name: &[u8], complaints: &mut Vec<String>) -> io::Result<Slot> {
        loop {
            match self.new_sink(name) {
                Err(e)
                    if is_out_of_files(&e)
                        && self.files.len() > 0
                        && self.close_oldest(complaints).is_ok() =>
                {
                    self.most = self.files.len().max(1);
                    complaints.push(format!(
                        "keeps {} of its files open, not dynaFileCacheSize, until a SIGHUP: {e}",
                        self.most
                    ));
                }
                sink => {
                    let slot = self.files.insert(name, sink?);
                    self.stats.cache.most.raise(count(self.files.len()));
                    return Ok(slot);
                }
            }
        }
    }

    fn new_sink(&self, name: &[u8]) -> io::Result<Sink> {
        let creation = &self.spec.creation;
        let file = match &self.spec.target {
            FileTarget::Dynamic { within: Some(within), .. } => {
                beneath::open(within, name, creation)?
            }
            FileTarget::Dynamic { within: None, .. } | FileTarget::Fixed(_) => {
                creation.open(name)?
            }
        };
        self.stats.opened.add(1);
        if self.spec.sync
            // The new name is to survive as well; a directory that cannot be opened for reading
            // is no reason not to write.
            && let Ok(directory) = File::open(beneath::parent_of(name))
        {
            directory.sync_all()?;
        }
        Sink::new(file, self.spec.compression, self.spec.robust)
    }

    /// Closes the least recently used file. If that fails, it stays open and is tried again.
    fn close_oldest(&mut self, complaints: &mut Vec<String>) -> io::Result<()> {
        let Some(slot) = self.files.oldest() else { return Ok(()) };
        self.finish(slot)?;
        self.close(slot, complaints);
        Ok(())
    }

    /// What was written to one file reaches it, and the disk if that is asked for.
    pub(super) fn finish(&mut self, slot: Slot) -> io::Result<()> {
        self.empty(slot)?;
        let sync = self.spec.sync;
        let Some(open) = self.files.get_mut(slot) else { return Ok(()) };
        open.used_at = clock::monotonic();
        if open.leaving {
            open.sink.close()?;
        } else {
            open.sink.flush()?;
        }
        if sync { open.sink.sync() } else { Ok(()) }
    }

    /// Ends a batch: each file gets what was written to it, also if another does not.
    fn settle(&mut self) -> Result<(), String> {
        let mut first = Ok(());
        let mut index = 0;
        while let Some(slot) = self.files.dirty_at(index) {
            match self.finish(slot) {
                Ok(()) => {
                    self.files.clean(index);
                    self.note_growth(slot);
                    if self.files.get(slot).is_some_and(|open| open.leaving) {
                        self.files.remove(slot);
                    }
                }
                Err(e) => {
                    index += 1;
                    let name = self.files.get(slot).map(|open| shown(&open.name));
                    let name = name.unwrap_or_default();
                    first = first.and_then(|()| Err(format!("cannot write to {name}: {e}")));
                }
            }
        }
        first.and_then(|()| self.rotate())
    }
}

impl Drop for Desk {
    /// What was written and not flushed goes back with what is pending.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.end_lines();
        }
        for (chunk, _) in self.written.drain(..).rev() {
            self.pending.chunks.push_front(chunk);
        }
    }
}

/// Neither this process nor the system may open another file.
fn is_out_of_files(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

pub(super) fn shown(name: &[u8]) -> String {
    format!("\"{}\"", name.escape_ascii())
}
