//! How far files are read: one file in the work directory for all inputs. A position moves on when
//! every output has acknowledged what stands before it, and a thread of its own writes that down at
//! once: what a killed process had not delivered is read again, and hardly more. The disk is waited
//! for once a second.

mod disk;
mod record;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::collections::VecDeque;
use std::collections::hash_map::Entry::Occupied;
use std::fmt;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::Weak;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

pub(super) use record::Known;

use crate::base::reporter::Level;
use crate::base::reporter::Reporter;
use crate::input::file::identity::Identity;
use crate::input::file::identity::Look;
use crate::input::file::split::Position;
use crate::message::Ack;

/// Files whose positions are known at most: those that nobody reads are forgotten, the oldest
/// first.
const FILES_MAX: usize = 100_000;

/// The stores that are open, by their folders.
static OPEN: Mutex<Vec<(PathBuf, Weak<Store>)>> = Mutex::new(Vec::new());

/// The positions of all inputs that keep theirs in one folder.
pub(super) struct Store {
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    files: HashMap<u32, Entry>,
    /// The same by the files' own numbers. Those of devices change when the machine starts anew.
    by_inode: HashMap<u64, Vec<u32>>,
    next: u32,
    /// What is to be written, each once.
    dirty: Vec<u32>,
    closing: bool,
}

#[derive(Debug)]
struct Entry {
    known: Known,
    /// Acknowledged.
    position: Position,
    /// What is on its way, in order, and the number of the first of it.
    owed: VecDeque<Owed>,
    first: u64,
    /// A reader has it.
    live: bool,
    /// It goes with the last of what is owed.
    dying: bool,
    change: Change,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    None,
    Position,
    All,
    Gone,
}

#[derive(Clone, Copy, Debug)]
struct Owed {
    end: Position,
    safe: bool,
}

impl Entry {
    fn new(known: Known, position: Position, change: Change) -> Self {
        Self { known, position, owed: VecDeque::new(), first: 0, live: false, dying: false, change }
    }

    /// Up to where messages were handed over.
    fn reached(&self) -> Position {
        self.owed.back().map_or(self.position, |owed| owed.end)
    }
}

impl Store {
    /// The store in `folder`, in memory alone without one.
    pub(super) fn in_folder(folder: Option<&Path>, reporter: &Arc<dyn Reporter>) -> Arc<Self> {
        let Some(folder) = folder else { return Arc::new(Self::of(State::default())) };
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|(_, store)| store.strong_count() > 0);
        let known = open.iter().find(|(known, _)| known == folder);
        if let Some(store) = known.and_then(|(_, store)| store.upgrade()) {
            return store;
        }
        let mut disk = disk::Disk::new(folder, reporter.clone());
        let (files, next) = disk.read();
        let mut state = State { next, ..State::default() };
        for (n, (known, position)) in files {
            state.insert(n, Entry::new(known, position, Change::None));
        }
        let store = Self::of(state);
        let shared = store.shared.clone();
        let thread = std::thread::Builder::new().name("imfile-state".to_owned());
        match thread.spawn(move || disk.run(&shared)) {
            Ok(thread) => *store.lock_writer() = Some(thread),
            Err(error) => {
                let text = format!("imfile: positions are not kept: no thread: {error}");
                reporter.say(Level::Error, text);
            }
        }
        let store = Arc::new(store);
        open.push((folder.to_owned(), Arc::downgrade(&store)));
        store
    }

    fn of(state: State) -> Self {
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        Self { shared, writer: Mutex::default() }
    }

    fn lock_writer(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where to go on with the file that `look` is at, as `file`: where its input has come to, or
    /// else any other input. `wanted` is what is known of it now.
    pub(super) fn find(&self, wanted: &Known, look: &Look, file: &File) -> Option<(u32, Position)> {
        let resembling: Vec<_> = {
            let state = self.shared.lock();
            let all = state.of_inode(look.inode).filter(|(_, entry)| {
                entry.change != Change::Gone && entry.known.identity.resembles(look)
            });
            let facts = all.map(|(n, entry)| {
                let own = entry.known.input == wanted.input;
                (n, entry.known.identity.head, entry.reached(), own)
            });
            facts.collect()
        };
        let mut best = None;
        // Without the lock: the disk may take its time.
        for (n, head, position, own) in resembling {
            if !head.fits(file).unwrap_or(false) {
                continue;
            }
            if own {
                self.change(n, Change::All, |entry| {
                    entry.live = true;
                    entry.known = wanted.clone();
                });
                return Some((n, position));
            }
            best = best.max(Some(position));
        }
        best.map(|position| (self.add(wanted.clone(), position), position))
    }

    /// Enters a file that is new, as one that is read.
    pub(super) fn add(&self, known: Known, position: Position) -> u32 {
        let mut state = self.shared.lock();
        while state.files.contains_key(&state.next) {
            state.next = state.next.wrapping_add(1);
        }
        let n = state.next;
        state.next = n.wrapping_add(1);
        let mut entry = Entry::new(known, position, Change::All);
        entry.live = true;
        state.insert(n, entry);
        state.dirty.push(n);
        if state.files.len() > FILES_MAX {
            state.forget_oldest();
        }
        self.shared.changed.notify_one();
        n
    }

    /// Everything up to `end` of a file is handed over with the token that this gives, and with it
    /// what `also` says of others. The positions move on when its last clone is dropped, unless
    /// `given_up`: what is dropped then was not delivered.
    pub(super) fn owe(
        self: &Arc<Self>,
        n: u32,
        end: Position,
        also: &[(u32, Position)],
        given_up: &Arc<AtomicBool>,
    ) -> Ack {
        let mut state = self.shared.lock();
        let others: Vec<_> = also.iter().map(|(n, end)| (*n, state.owe(*n, *end))).collect();
        let number = state.owe(n, end);
        drop(state);
        let (store, given_up) = (self.clone(), given_up.clone());
        Ack::new(move || {
            if !given_up.load(Ordering::Relaxed) {
                for (n, number) in others.iter().copied().chain([(n, number)]) {
                    store.is_safe(n, number);
                }
            }
        })
    }

    fn is_safe(&self, n: u32, number: u64) {
        let mut state = self.shared.lock();
        let mut change = None;
        state.entry(n, |entry| {
            // It is among those that are owed until it was marked here.
            let at = usize::try_from(number - entry.first).unwrap_or(usize::MAX);
            if let Some(owed) = entry.owed.get_mut(at) {
                owed.safe = true;
            }
            while let Some(owed) = entry.owed.pop_front_if(|owed| owed.safe) {
                entry.first += 1;
                entry.position = owed.end;
                change = Some(Change::Position);
            }
            if entry.dying && entry.owed.is_empty() {
                change = Some(Change::Gone);
            }
        });
        if let Some(change) = change {
            state.touch(n, change);
            self.shared.changed.notify_one();
        }
    }

    /// What is known of a file, if it is `identity` from now on.
    pub(super) fn known(&self, n: u32, identity: Identity) -> Known {
        let known = self.shared.lock().files.get(&n).map(|entry| entry.known.clone());
        Known { identity, ..known.unwrap_or_default() }
    }

    /// The file is known by more than before.
    pub(super) fn learn(&self, n: u32, learn: impl FnOnce(&mut Known)) {
        self.change(n, Change::All, |entry| learn(&mut entry.known));
    }

    /// Somebody reads it.
    pub(super) fn keep(&self, n: u32) {
        self.shared.lock().entry(n, |entry| entry.live = true);
    }

    /// Nobody reads it any more.
    pub(super) fn release(&self, n: u32) {
        self.shared.lock().entry(n, |entry| entry.live = false);
    }

    /// There will be nothing more of the file: it is forgotten when what was read is delivered.
    pub(super) fn forget_when_delivered(&self, n: u32) {
        let mut delivered = true;
        self.shared.lock().entry(n, |entry| {
            entry.dying = true;
            delivered = entry.owed.is_empty();
        });
        if delivered {
            self.forget(n);
        }
    }

    /// There is no such file any more.
    pub(super) fn forget(&self, n: u32) {
        self.change(n, Change::Gone, |entry| entry.live = false);
    }

    /// What is known of the files of `input` that nobody reads.
    pub(super) fn absent(&self, input: &str) -> Vec<(u32, Known, Position)> {
        let state = self.shared.lock();
        let of_input = state.files.iter().filter(|(_, entry)| {
            !entry.live && entry.change != Change::Gone && entry.known.input == input
        });
        let mut all: Vec<_> =
            of_input.map(|(n, entry)| (*n, entry.known.clone(), entry.reached())).collect();
        all.sort_by_key(|(n, ..)| *n);
        all
    }

    fn change(&self, n: u32, change: Change, work: impl FnOnce(&mut Entry)) {
        let mut state = self.shared.lock();
        state.entry(n, work);
        state.touch(n, change);
        self.shared.changed.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change is whole before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn insert(&mut self, n: u32, entry: Entry) {
        self.by_inode.entry(entry.known.identity.inode).or_default().push(n);
        self.files.insert(n, entry);
    }

    fn remove(&mut self, n: u32) {
        let Some(entry) = self.files.remove(&n) else { return };
        // Whatever else is learnt of a file, its number stays.
        if let Occupied(mut same) = self.by_inode.entry(entry.known.identity.inode) {
            same.get_mut().retain(|other| *other != n);
            if same.get().is_empty() {
                same.remove();
            }
        }
    }

    fn of_inode(&self, inode: u64) -> impl Iterator<Item = (u32, &Entry)> {
        let numbers = self.by_inode.get(&inode).into_iter().flatten();
        numbers.filter_map(|n| Some((*n, self.files.get(n)?)))
    }

    fn entry(&mut self, n: u32, work: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.files.get_mut(&n) {
            work(entry);
        }
    }

    /// Notes that messages of a file are on their way; the number of the note.
    fn owe(&mut self, n: u32, end: Position) -> u64 {
        let mut number = 0;
        self.entry(n, |entry| {
            number = entry.first + entry.owed.len() as u64;
            entry.owed.push_back(Owed { end, safe: false });
        });
        number
    }

    fn touch(&mut self, n: u32, change: Change) {
        let Some(entry) = self.files.get_mut(&n) else { return };
        let was = entry.change;
        entry.change = match (was, change) {
            (Change::Gone, _) | (_, Change::Gone) => Change::Gone,
            (Change::All, _) | (_, Change::All) => Change::All,
            _ => change,
        };
        if was == Change::None {
            self.dirty.push(n);
        }
    }

    /// Makes room: the files whose numbers were given first, of those that nobody reads.
    fn forget_oldest(&mut self) {
        let mut idle: Vec<u32> =
            self.files.iter().filter(|(_, entry)| !entry.live).map(|(n, _)| *n).collect();
        idle.sort_unstable();
        for n in idle.into_iter().take(FILES_MAX / 10) {
            self.touch(n, Change::Gone);
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.shared.lock().closing = true;
        self.shared.changed.notify_one();
        let thread = self.lock_writer().take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            // It has panicked, which was said.
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = self.shared.lock().files.len();
        f.debug_struct("Store").field("files", &files).finish_non_exhaustive()
    }
}
