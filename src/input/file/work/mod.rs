//! The thread that reads an input's files. Reading a file may wait for a disk or for the network,
//! and a shard has other inputs to serve: so this is no task. What it reads it hands over by the
//! buffer, two ahead at most.

mod limits;
mod rotated;
mod scan;

use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::Duration;
use std::time::Instant;

use rustix::event::EventfdFlags;
use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::Timespec;
use tokio::sync::mpsc::Sender;

use crate::base::clock;
use crate::base::reporter::Level;
use crate::base::reporter::Reporter;
use crate::input::file::container::Container;
use crate::input::file::migrate::Foreign;
use crate::input::file::spec::FileSpec;
use crate::input::file::split::Position;
use crate::input::file::split::Sheet;
use crate::input::file::store::Store;
use crate::input::file::tail::Leaving;
use crate::input::file::tail::READ_BYTES;
use crate::input::file::tail::Read;
use crate::input::file::tail::Tail;
use crate::input::file::watch::Event;
use crate::input::file::watch::Happening;
use crate::input::file::watch::Watches;
use crate::input::file::work::limits::Limits;
pub(super) use crate::input::file::work::rotated::Link;
use crate::input::file::work::scan::Directory;

/// Reads of one file before others get their turn.
const READS_PER_TURN: usize = 8;
/// How often everything is looked at even if the kernel says nothing: it says nothing of what
/// others do on a network's file system.
const LOOK: Duration = Duration::from_secs(60);
/// How often files that have gone are looked at, and how long nothing may come before the message
/// that is unfinished is taken as it is, and before they are left.
const LEAVING_LOOK: Duration = Duration::from_secs(1);
const LEAVING_FLUSH: Duration = Duration::from_secs(5);
const DELETED_LINGERS: Duration = Duration::from_secs(10);
const MOVED_LINGERS: Duration = Duration::from_secs(60);
/// After a file that is written line by line has been looked at, others have this long to add to
/// it: a look for each line costs more than the line.
const GATHER: Duration = Duration::from_millis(2);
/// Things that were said once and are remembered; then they may be said again.
const TOLD_MAX: usize = 1000;

/// What one read brought, on its way to the task.
#[derive(Debug)]
pub(super) struct Filled {
    pub(super) sheet: Sheet,
    /// The file's number in the store, and where to go on when this is delivered.
    pub(super) number: u32,
    pub(super) end: Position,
    /// The same of files that were rotated away, whose last parts are in these messages.
    pub(super) also: Vec<(u32, Position)>,
    pub(super) path: Arc<Path>,
    pub(super) container: Option<Arc<Container>>,
    /// Messages that `max…PerMinute` dropped.
    pub(super) limited: u64,
}

/// Ends the thread when it is dropped.
#[derive(Debug)]
pub(super) struct Bell {
    ended: AtomicBool,
    wake: OwnedFd,
}

impl Bell {
    pub(super) fn new() -> io::Result<Self> {
        let wake = rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { ended: AtomicBool::new(false), wake })
    }

    pub(super) fn ring(&self) {
        self.ended.store(true, Ordering::Relaxed);
        // Any number but 0 does, and it cannot be full after one ring.
        if rustix::io::write(&self.wake, &1_u64.to_le_bytes()).is_err() {}
    }

    fn rang(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }
}

/// What the thread is given.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) spec: Arc<FileSpec>,
    pub(super) store: Arc<Store>,
    pub(super) reporter: Arc<dyn Reporter>,
    pub(super) bell: Arc<Bell>,
    pub(super) filled: Sender<Filled>,
    /// Buffers that were used.
    pub(super) empty: Receiver<Sheet>,
}

/// All that the thread knows.
#[derive(Debug)]
struct Work {
    job: Job,
    watches: Option<Watches>,
    directories: HashMap<i32, Directory>,
    /// Some directory could not be watched.
    unwatched: bool,
    tails: Vec<Option<Tail>>,
    /// Where `tails` has nothing.
    free: Vec<usize>,
    by_inode: HashMap<(u64, u64), usize>,
    by_place: HashMap<PathBuf, usize>,
    /// Files that were moved away, by the number that the kernel gave that.
    moving: HashMap<u32, usize>,
    ready: VecDeque<usize>,
    /// Files that have gone, and are read until nothing comes.
    leaving: Vec<usize>,
    /// `format="cri"`: which of the files that have gone was at a path last.
    rotated: HashMap<PathBuf, Link>,
    limits: Limits,
    foreign: Foreign,
    /// Everything is to be looked at, when the looks have left others nine tenths of the time.
    must_look: bool,
    look_after: Instant,
    /// The first look at everything is not over.
    starting: bool,
    told: HashSet<OsString>,
    /// Descriptors that are open, and how many may be.
    open: usize,
    open_max: usize,
}

/// What is taken as it is of what is unfinished.
#[derive(Clone, Copy, Debug)]
enum Flush {
    /// Parts of containers' lines that have waited long enough.
    Due,
    /// Messages, up to their last whole line.
    Lines,
    /// Also the last line: nothing more will come.
    All,
}

/// The task is gone: so this ends.
struct Ended;

/// Reads until the bell rings.
pub(super) fn run(job: Job) {
    let mut work = Work::new(job);
    work.look();
    work.find_rotated();
    work.starting = false;
    if work.serve().is_err() {
        // The task has ended before the thread.
    }
    work.release();
}

impl Work {
    fn new(job: Job) -> Self {
        let watches = if job.spec.polls { None } else { Watches::new().ok() };
        let foreign = Foreign::in_folder(job.spec.folder.as_deref());
        let limits = Limits::new(job.spec.lines_per_minute, job.spec.bytes_per_minute);
        Self {
            unwatched: watches.is_none(),
            watches,
            directories: HashMap::new(),
            tails: Vec::new(),
            free: Vec::new(),
            by_inode: HashMap::new(),
            by_place: HashMap::new(),
            moving: HashMap::new(),
            ready: VecDeque::new(),
            leaving: Vec::new(),
            rotated: HashMap::new(),
            limits,
            foreign,
            must_look: false,
            look_after: clock::monotonic(),
            starting: true,
            told: HashSet::new(),
            open: 0,
            open_max: limits::descriptors(),
            job,
        }
    }

    fn serve(&mut self) -> Result<(), Ended> {
        let mut events = Vec::new();
        let mut look_at = clock::monotonic() + self.look_interval();
        let mut leaving_at = clock::monotonic();
        let mut timeouts_at = clock::monotonic();
        while !self.job.bell.rang() {
            while let Some(index) = self.ready.pop_front() {
                self.turn(index)?;
                if self.job.bell.rang() {
                    return Ok(());
                }
                self.events(&mut events);
            }
            let now = clock::monotonic();
            if now >= look_at || self.must_look && now >= self.look_after {
                self.must_look = false;
                self.look();
                self.look_after = clock::monotonic() + 9 * now.elapsed();
                look_at = now + self.look_interval();
            }
            if !self.leaving.is_empty() && now >= leaving_at {
                self.look_at_leaving()?;
                leaving_at = now + LEAVING_LOOK;
            }
            let mut until = if self.must_look { self.look_after } else { look_at };
            if !self.leaving.is_empty() {
                until = until.min(leaving_at);
            }
            if let Some(timeout) = self.job.spec.read_timeout {
                if now >= timeouts_at {
                    self.time_out(timeout)?;
                    timeouts_at = now + self.job.spec.timeout_granularity;
                }
                until = until.min(timeouts_at);
            }
            if self.ready.is_empty() {
                self.wait(until.saturating_duration_since(clock::monotonic()));
                self.events(&mut events);
            }
        }
        Ok(())
    }

    fn look_interval(&self) -> Duration {
        match &self.watches {
            None => self.job.spec.polling_interval,
            Some(_) if self.unwatched => self.job.spec.fallback_interval.min(LOOK),
            Some(_) => LOOK,
        }
    }

    /// Waits for a change, the bell, or the time.
    fn wait(&self, most: Duration) {
        let bell = PollFd::new(&self.job.bell.wake, PollFlags::IN);
        let most = Timespec {
            tv_sec: i64::try_from(most.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(most.subsec_nanos()),
        };
        // Interrupted, it is looked at what is there all the same.
        let result = match &self.watches {
            Some(watches) => {
                let fd = watches.fd();
                let changes = PollFd::new(&fd, PollFlags::IN);
                let result = rustix::event::poll(&mut [changes, bell], Some(&most));
                if result.is_ok_and(|n| n > 0) && !self.job.bell.rang() {
                    self.pause(GATHER);
                }
                result
            }
            None => rustix::event::poll(&mut [bell], Some(&most)),
        };
        if result.is_err_and(|error| error != rustix::io::Errno::INTR) {
            self.pause(GATHER);
        }
    }

    /// Takes what the kernel tells.
    fn events(&mut self, events: &mut Vec<Event>) {
        let Some(watches) = &self.watches else { return };
        let whole = watches.take(events);
        self.must_look |= !matches!(whole, Ok(true));
        for event in events.drain(..) {
            self.must_look |= self.event(event);
        }
        // What went and did not come to where we look is elsewhere.
        self.moving.clear();
    }

    /// Whether everything must be looked at.
    fn event(&mut self, event: Event) -> bool {
        let Event { watch, name, what } = event;
        let Some(directory) = self.directories.get(&watch) else { return false };
        if what == Happening::Directory {
            if name.is_empty() {
                self.directories.remove(&watch);
            }
            return true;
        }
        let place = directory.path.join(&name);
        let known = self.by_place.get(&place).copied();
        match (what, known) {
            (Happening::Changed, Some(index)) => self.make_ready(index),
            (Happening::Changed, None) => self.appeared(watch, &name, false),
            (Happening::Went(cookie), Some(index)) => {
                self.by_place.remove(&place);
                self.moving.insert(cookie, index);
                self.leave(index, Leaving::Moved);
            }
            (Happening::Came(cookie), known) => {
                if let Some(index) = self.moving.remove(&cookie) {
                    if let Some(replaced) = known {
                        self.leave(replaced, Leaving::Deleted);
                    }
                    self.moved(index, place);
                }
                self.appeared(watch, &name, true);
            }
            (Happening::Deleted, Some(index)) => {
                self.by_place.remove(&place);
                self.leave(index, Leaving::Deleted);
            }
            _ => {}
        }
        false
    }

    fn make_ready(&mut self, index: usize) {
        if let Some(Some(tail)) = self.tails.get_mut(index)
            && !std::mem::replace(&mut tail.ready, true)
        {
            self.ready.push_back(index);
        }
    }

    /// A file is not where it was any more. It is read before what comes in its place.
    fn leave(&mut self, index: usize, why: Leaving) {
        if let Some(Some(tail)) = self.tails.get_mut(index) {
            if tail.leaving.replace(why).is_none() {
                tail.grew = clock::monotonic();
                let path = tail.path.clone();
                self.leaving.push(index);
                self.rotated_away(&path, index);
            }
            self.make_ready(index);
        }
    }

    /// A file that was moved is there now.
    fn moved(&mut self, index: usize, place: PathBuf) {
        if let Some(Some(tail)) = self.tails.get_mut(index) {
            tail.place.clone_from(&place);
            self.by_place.insert(place, index);
        }
    }

    /// It is a file's turn to be read.
    fn turn(&mut self, index: usize) -> Result<(), Ended> {
        if self.job.spec.is_cri() && !self.is_next(index)? {
            self.ready.push_back(index);
            return Ok(());
        }
        self.read_some(index).map(|_| ())
    }

    /// Reads a file until there is no more, or others wait; what came of it, if it can be read.
    fn read_some(&mut self, index: usize) -> Result<Option<Read>, Ended> {
        let Some(mut tail) = self.tails.get_mut(index).and_then(Option::take) else {
            return Ok(None);
        };
        tail.ready = false;
        let was_open = tail.file.is_some();
        let result = self.read(&mut tail);
        self.open += usize::from(!was_open && tail.file.is_some());
        if let Ok(Err(error)) = &result {
            self.tell(&tail.path, &format!("cannot be read: {error}"));
            self.open -= usize::from(tail.file.take().is_some());
        }
        if let Some(place) = self.tails.get_mut(index) {
            *place = Some(tail);
        }
        let read = result?.ok();
        if read == Some(Read::Some) {
            self.make_ready(index);
        }
        if self.open > self.open_max {
            self.close_idle();
        }
        Ok(read)
    }

    fn read(&mut self, tail: &mut Tail) -> Result<io::Result<Read>, Ended> {
        if let Err(error) = tail.reopen() {
            return Ok(Err(error));
        }
        for _ in 0..READS_PER_TURN {
            let mut sheet = self.sheet();
            let before = (tail.splitter.position(), tail.identity.head);
            self.borrow(tail);
            let read = tail.read(&mut sheet, &self.job.spec.rules);
            if matches!(read, Ok(Read::Restarted)) {
                self.end_of_cut(tail)?;
            }
            let also = self.settle(tail);
            let read = match read {
                Ok(read) => read,
                Err(error) => return Ok(Err(error)),
            };
            if tail.identity.head != before.1 && read != Read::Restarted {
                let identity = tail.identity;
                self.job.store.learn(tail.number, |known| known.identity = identity);
            }
            match read {
                Read::Restarted => {
                    self.begin_anew(tail)?;
                    continue;
                }
                Read::Some | Read::End => self.deliver(tail, sheet, before.0, also)?,
            }
            if read == Read::End {
                return Ok(Ok(Read::End));
            }
        }
        Ok(Ok(Read::Some))
    }

    /// A file that was cut is at its beginning. The end of its last line will not come: what there
    /// is of it, is a message; of containers' lines, parts of the file before are read once more.
    fn end_of_cut(&mut self, tail: &mut Tail) -> Result<(), Ended> {
        if !self.job.spec.is_cri() {
            let (mut sheet, before) = (self.sheet(), tail.splitter.position());
            tail.splitter.end(&mut sheet, &self.job.spec.rules);
            self.deliver(tail, sheet, before, Vec::new())?;
        }
        tail.restart();
        self.rewind(tail.before);
        Ok(())
    }

    /// What it held belongs to the past, under a number of its own, so that the tokens for it move
    /// nothing here.
    fn begin_anew(&mut self, tail: &mut Tail) -> Result<(), Ended> {
        let store = &self.job.store;
        let known = store.known(tail.number, tail.identity);
        store.forget(tail.number);
        tail.number = store.add(known, Position::default());
        Ok(())
    }

    /// A buffer to read into.
    fn sheet(&self) -> Sheet {
        let mut sheet = self.job.empty.try_recv().unwrap_or_default();
        sheet.clear();
        if sheet.data.capacity() > 4 * READ_BYTES {
            sheet.data = Vec::new();
        }
        sheet
    }

    /// Hands over what a read brought. `before` is where the file stood.
    fn deliver(
        &mut self,
        tail: &mut Tail,
        mut sheet: Sheet,
        before: Position,
        also: Vec<(u32, Position)>,
    ) -> Result<(), Ended> {
        let end = tail.splitter.position();
        if sheet.oversize > 0 && !std::mem::replace(&mut tail.told_oversize, true) {
            self.say_oversize(&tail.path);
        }
        let limited = self.limits.apply(&mut sheet);
        if sheet.pieces.is_empty() && end == before && limited == 0 && also.is_empty() {
            return Ok(());
        }
        let pause = self
            .job
            .spec
            .delay
            .saturating_mul(u32::try_from(sheet.pieces.len()).unwrap_or(u32::MAX));
        let (number, path, container) = (tail.number, tail.path.clone(), tail.container.clone());
        let filled = Filled { sheet, number, end, also, path, container, limited };
        self.job.filled.blocking_send(filled).map_err(|_| Ended)?;
        if !pause.is_zero() {
            self.pause(pause);
        }
        Ok(())
    }

    /// `delay.message`: does nothing for a while, unless the bell rings.
    fn pause(&self, pause: Duration) {
        let most = Timespec {
            tv_sec: i64::try_from(pause.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(pause.subsec_nanos()),
        };
        let bell = PollFd::new(&self.job.bell.wake, PollFlags::IN);
        if rustix::event::poll(&mut [bell], Some(&most)).is_err() {}
    }

    fn say_oversize(&self, path: &Path) {
        if !self.job.spec.says_oversize {
            return;
        }
        let max = self.job.spec.rules.max;
        let what = if self.job.spec.splits_oversize() { "split" } else { "cut" };
        let text = format!(
            "imfile: {}: a message is longer than {max} bytes (maxMessageSize): such are {what}",
            path.display()
        );
        self.job.reporter.say(Level::Warning, text);
    }

    /// `readTimeout`: takes messages as they are whose next line has not come.
    fn time_out(&mut self, timeout: Duration) -> Result<(), Ended> {
        let now = clock::monotonic();
        let cri = self.job.spec.is_cri();
        for index in 0..self.tails.len() {
            let Some(Some(tail)) = self.tails.get_mut(index) else { continue };
            let due = match cri {
                true => tail.splitter.find_due(now, timeout),
                false => tail.splitter.holds_lines() && tail.grew.elapsed() >= timeout,
            };
            if due {
                self.flush(index, if cri { Flush::Due } else { Flush::Lines })?;
            }
        }
        Ok(())
    }

    /// Takes what is not finished of a file.
    fn flush(&mut self, index: usize, what: Flush) -> Result<(), Ended> {
        let Some(mut tail) = self.tails.get_mut(index).and_then(Option::take) else {
            return Ok(());
        };
        let (mut sheet, before) = (self.sheet(), tail.splitter.position());
        let rules = &self.job.spec.rules;
        match what {
            Flush::Due => tail.splitter.take_due(&mut sheet, rules),
            Flush::Lines => tail.splitter.time_out(&mut sheet, rules),
            Flush::All => tail.splitter.end(&mut sheet, rules),
        }
        let also = self.settle(&mut tail);
        let result = self.deliver(&mut tail, sheet, before, also);
        if let Some(place) = self.tails.get_mut(index) {
            *place = Some(tail);
        }
        result
    }

    /// Files that have gone: reads what still comes, and leaves them when nothing does.
    fn look_at_leaving(&mut self) -> Result<(), Ended> {
        for index in std::mem::take(&mut self.leaving) {
            let Some(Some(tail)) = self.tails.get(index) else { continue };
            let Some(why) = tail.leaving else { continue };
            let lingers = match why {
                Leaving::Moved => MOVED_LINGERS,
                Leaving::Deleted => DELETED_LINGERS,
            };
            let (idle, holds) = (tail.grew.elapsed(), tail.splitter.holds_lines());
            // Of containers' lines the rest may come in the next file.
            if holds && idle >= LEAVING_FLUSH && !self.job.spec.is_cri() {
                self.flush(index, Flush::Lines)?;
            }
            if idle >= lingers {
                self.call_in(index)?;
                self.flush(index, Flush::All)?;
                self.retire(index, why);
            } else {
                self.leaving.push(index);
                self.make_ready(index);
            }
        }
        Ok(())
    }

    /// Lets go of a file.
    fn retire(&mut self, index: usize, why: Leaving) {
        let Some(tail) = self.tails.get_mut(index).and_then(Option::take) else { return };
        let spec = &self.job.spec;
        let forgets = match why {
            Leaving::Deleted => spec.forgets_deleted,
            Leaving::Moved => spec.forgets_moved,
        };
        if forgets {
            self.job.store.forget_when_delivered(tail.number);
        } else {
            self.job.store.release(tail.number);
        }
        self.was_rotated(&tail.path, index);
        self.by_inode.remove(&(tail.identity.device, tail.identity.inode));
        // By no other place: it takes its own along when it moves.
        if self.by_place.get(&tail.place) == Some(&index) {
            self.by_place.remove(&tail.place);
        }
        self.open -= usize::from(tail.file.is_some());
        self.free.push(index);
    }

    /// Closes files on which nothing came for longest: they are opened again when something does.
    fn close_idle(&mut self) {
        self.tell(Path::new(""), limits::TOO_MANY);
        let tails = self.tails.iter_mut().flatten();
        let mut open: Vec<_> =
            tails.filter(|tail| tail.file.is_some() && tail.leaving.is_none()).collect();
        open.sort_by_key(|tail| tail.grew);
        for tail in open.into_iter().take(self.open_max / 10 + 1) {
            tail.file = None;
            self.open -= 1;
        }
    }

    /// Says something of a path, once.
    fn tell(&mut self, path: &Path, what: &str) {
        if self.told.len() >= TOLD_MAX {
            self.told.clear();
        }
        if self.told.insert(path.as_os_str().to_owned()) {
            let text = format!("imfile: {} {what}", path.display());
            self.job.reporter.say(Level::Error, text);
        }
    }

    fn release(&mut self) {
        for tail in self.tails.iter().flatten() {
            self.job.store.release(tail.number);
        }
    }
}
