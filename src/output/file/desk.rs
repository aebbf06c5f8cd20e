//! The open files of an action, and the writing. All of it may block, and runs on a thread.

use std::collections::HashMap;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::base::clock;
use crate::base::num::count;
use crate::output::OutputStats;
use crate::output::file::FileSpec;
use crate::output::file::FileTarget;
use crate::output::file::Next;
use crate::output::task::Pending;
use crate::queue::Chunk;
use crate::queue::Run;

/// Unusable file names that are complained of one by one, until the next SIGHUP.
const COMPLAINTS_MAX: usize = 100;

enum Sink {
    Plain(File),
    Gzip(GzEncoder<File>),
}

impl Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.write(bytes),
            Self::Gzip(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Gzip(encoder) => encoder.flush(),
        }
    }

    fn sync(&self) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.sync_data(),
            Self::Gzip(encoder) => encoder.get_ref().sync_data(),
        }
    }

    fn close(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Gzip(encoder) => encoder.try_finish(),
        }
    }
}

struct Open {
    sink: Sink,
    /// Counts up over all files; the lowest was used least recently.
    used: u64,
    used_at: Instant,
    /// Written to since the last flush.
    dirty: bool,
}

/// What a step came to.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// Something was written to its end.
    pub(super) wrote: bool,
    pub(super) complaints: Vec<String>,
    /// Why writing stopped; it is to be tried again.
    pub(super) failure: Option<String>,
}

pub(super) struct Desk {
    spec: FileSpec,
    /// The name of the one file, where there is only one.
    fixed: Option<Arc<[u8]>>,
    stats: Arc<OutputStats>,
    pub(super) pending: Pending,
    files: HashMap<Box<[u8]>, Open>,
    uses: u64,
    /// Messages of the first pending chunk that were given up.
    unsendable: u64,
    /// Chunks that were written, but perhaps not flushed or synced.
    written: Vec<(Chunk, u64)>,
    /// The file of the message before, where messages name them, and how far into the first
    /// pending chunk look-ups were counted.
    last: Box<[u8]>,
    counted: usize,
    /// Names that were complained of.
    unusable: HashSet<Box<[u8]>>,
}

/// A part of a chunk that goes to one file.
struct Segment<'a> {
    name: &'a [u8],
    /// Where it ends, in bytes.
    end: usize,
    messages: u64,
}

impl Desk {
    pub(super) fn new(spec: FileSpec, stats: Arc<OutputStats>) -> Self {
        let fixed = match &spec.target {
            FileTarget::Fixed(path) => Some(path.as_os_str().as_bytes().into()),
            FileTarget::Dynamic { .. } => None,
        };
        Self {
            spec,
            fixed,
            stats,
            pending: Pending::default(),
            files: HashMap::new(),
            uses: 0,
            unsendable: 0,
            written: Vec::new(),
            last: Box::default(),
            counted: 0,
            unusable: HashSet::new(),
        }
    }

    /// Whether files are open that are closed once they have been idle.
    pub(super) fn may_have_idle(&self) -> bool {
        self.spec.close_after.is_some() && !self.files.is_empty()
    }

    /// Whether there is something to write, or to flush.
    pub(super) fn unfinished(&self) -> bool {
        !self.pending.is_empty() || !self.written.is_empty()
    }

    /// What was pending has been dropped.
    pub(super) const fn forget(&mut self) {
        self.unsendable = 0;
        self.counted = 0;
    }

    pub(super) fn step(&mut self, next: Next) -> Done {
        let mut done = Done::default();
        match next {
            Next::Write => {
                let written = self.write(&mut done.complaints);
                let settled = self.settle();
                if settled.is_ok() {
                    done.wrote = !self.written.is_empty();
                    self.deliver();
                }
                done.failure = written.and(settled).err();
            }
            Next::Reopen => {
                // A message that is half written is written whole to the new file.
                self.pending.rewind();
                self.unusable.clear();
                self.close(|_| true, &mut done.complaints);
            }
            Next::CloseIdle => {
                let now = clock::monotonic();
                let most = self.spec.close_after;
                let idle = |open: &Open| most.is_some_and(|most| now - open.used_at >= most);
                let before = self.files.len();
                self.close(idle, &mut done.complaints);
                self.stats.cache.timed_out.add(count(before - self.files.len()));
            }
            Next::End => self.close(|_| true, &mut done.complaints),
        }
        done
    }

    /// Writes what is pending, from where the last call stopped.
    fn write(&mut self, complaints: &mut Vec<String>) -> Result<(), String> {
        // Chunks leave `pending` while they are written, so that `self` is free.
        while let Some(chunk) = self.pending.chunks.pop_front() {
            let written = self.write_chunk(&chunk, complaints);
            if let Err(why) = written {
                self.pending.chunks.push_front(chunk);
                return Err(why);
            }
            self.pending.offset = 0;
            self.counted = 0;
            self.written.push((chunk, std::mem::take(&mut self.unsendable)));
        }
        Ok(())
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
    }

    fn write_chunk(&mut self, chunk: &Chunk, complaints: &mut Vec<String>) -> Result<(), String> {
        let fixed = self.fixed.clone();
        while self.pending.offset < chunk.bytes.len() {
            let segment = segment(chunk, self.pending.offset, fixed.as_deref());
            if fixed.is_none() {
                self.look_up(&segment);
            }
            let written = match self.open(segment.name) {
                Ok(()) => self.append(segment.name, &chunk.bytes[..segment.end]),
                Err(e) if self.unusable(&e) => {
                    self.give_up(&segment, &e, complaints);
                    self.pending.offset = segment.end;
                    Ok(())
                }
                Err(e) => Err(e),
            };
            written.map_err(|e| format!("cannot write to {}: {e}", shown(segment.name)))?;
        }
        Ok(())
    }

    /// Counts how the file of `segment` is found, once however often it is tried.
    fn look_up(&mut self, segment: &Segment<'_>) {
        if segment.end <= self.counted {
            return;
        }
        self.counted = segment.end;
        let cache = &self.stats.cache;
        cache.requests.add(segment.messages);
        // The first message of the segment looks, the others find the file of the one before.
        let same = *self.last == *segment.name && self.files.contains_key(segment.name);
        cache.same.add(segment.messages - u64::from(!same));
        if !same {
            cache.missed.add(u64::from(!self.files.contains_key(segment.name)));
            self.last = segment.name.into();
        }
    }

    /// Writes `bytes` from the pending offset on to an open file, and moves the offset as far as
    /// it got, also if it failed.
    fn append(&mut self, name: &[u8], bytes: &[u8]) -> io::Result<()> {
        self.uses += 1;
        let open = self.files.get_mut(name).ok_or(io::ErrorKind::NotFound)?;
        open.used = self.uses;
        let offset = &mut self.pending.offset;
        while *offset < bytes.len() {
            match open.sink.write(&bytes[*offset..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => {
                    *offset += n;
                    open.dirty = true;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Opens the file of that name if it is not open.
    fn open(&mut self, name: &[u8]) -> io::Result<()> {
        if self.files.contains_key(name) {
            return Ok(());
        }
        self.make_room()?;
        let path = Path::new(OsStr::from_bytes(name));
        let file = self.spec.creation.open(path)?;
        self.stats.opened.add(1);
        if self.spec.sync
            && let Some(parent) = path.parent()
            // The new name is to survive as well; a directory that cannot be opened for reading
            // is no reason not to write.
            && let Ok(directory) = File::open(parent)
        {
            directory.sync_all()?;
        }
        let sink = match self.spec.zip_level {
            Some(level) => Sink::Gzip(GzEncoder::new(file, Compression::new(level))),
            None => Sink::Plain(file),
        };
        let open = Open { sink, used: 0, used_at: clock::monotonic(), dirty: false };
        self.files.insert(name.into(), open);
        self.stats.cache.most.raise(count(self.files.len()));
        Ok(())
    }

    /// Closes the least recently used file if the cache is full.
    fn make_room(&mut self) -> io::Result<()> {
        let most = match &self.spec.target {
            FileTarget::Fixed(_) => 1,
            FileTarget::Dynamic { cache, .. } => *cache,
        };
        if self.files.len() < most {
            return Ok(());
        }
        let oldest = self.files.iter().min_by_key(|(_, open)| open.used).map(|(n, _)| n.clone());
        if let Some(name) = oldest
            && let Some(open) = self.files.get_mut(&name)
        {
            // If that fails, it stays open and is tried again.
            open.settle(true, self.spec.sync)?;
            open.sink.close()?;
            self.files.remove(&name);
            self.stats.cache.evicted.add(1);
        }
        Ok(())
    }

    /// Ends a batch: what was written reaches the file, and the disk if that is asked for.
    fn settle(&mut self) -> Result<(), String> {
        let now = clock::monotonic();
        for (name, open) in &mut self.files {
            if open.dirty {
                open.used_at = now;
                open.settle(self.spec.flush, self.spec.sync)
                    .map_err(|e| format!("cannot flush {}: {e}", shown(name)))?;
            }
        }
        Ok(())
    }

    fn close(&mut self, which: impl Fn(&Open) -> bool, complaints: &mut Vec<String>) {
        let sync = self.spec.sync;
        self.files.retain(|name, open| {
            if !which(open) {
                return true;
            }
            if let Err(e) = open.settle(true, sync).and_then(|()| open.sink.close()) {
                complaints.push(format!("could not close {} in order: {e}", shown(name)));
            }
            false
        });
    }

    /// Whether this error of opening a file means that messages for it are to be dropped: only
    /// where the message itself made the name.
    fn unusable(&self, error: &io::Error) -> bool {
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
                | libc::EROFS,
            ) => drop_unusable,
            Some(_) => false,
            // A name with a zero byte never reaches the kernel.
            None => error.kind() == io::ErrorKind::InvalidInput,
        }
    }

    fn give_up(&mut self, segment: &Segment<'_>, error: &io::Error, complaints: &mut Vec<String>) {
        self.unsendable += segment.messages;
        if self.unusable.len() < COMPLAINTS_MAX && self.unusable.insert(segment.name.into()) {
            let name = shown(segment.name);
            complaints.push(format!("drops messages for {name}: {error}"));
        }
    }
}

impl Drop for Desk {
    /// What was written and not flushed goes back with what is pending.
    fn drop(&mut self) {
        for (chunk, _) in self.written.drain(..).rev() {
            self.pending.chunks.push_front(chunk);
        }
    }
}

impl Open {
    fn settle(&mut self, flush: bool, sync: bool) -> io::Result<()> {
        if !self.dirty {
            return Ok(());
        }
        if flush {
            self.sink.flush()?;
        }
        if sync {
            self.sink.sync()?;
        }
        self.dirty = false;
        Ok(())
    }
}

/// The part of `chunk` from `offset` on that goes to one file: to `fixed`, or to the name of the
/// run that `offset` is in.
fn segment<'a>(chunk: &'a Chunk, offset: usize, fixed: Option<&'a [u8]>) -> Segment<'a> {
    let start = |run: &Run| {
        (run.first as usize).checked_sub(1).map_or(0, |before| chunk.ends[before] as usize)
    };
    let next = chunk.runs.partition_point(|run| start(run) <= offset);
    let end = chunk.runs.get(next).map_or(chunk.bytes.len(), start);
    let through = |at: usize| chunk.ends.partition_point(|e| *e as usize <= at);
    let messages = count(through(end) - through(offset));
    let dynamic = next.checked_sub(1).map_or(&[][..], |i| &chunk.runs[i].name);
    match fixed {
        Some(name) => Segment { name, end: chunk.bytes.len(), messages },
        None => Segment { name: dynamic, end, messages },
    }
}

fn shown(name: &[u8]) -> String {
    format!("\"{}\"", name.escape_ascii())
}
