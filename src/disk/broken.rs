//! A file system in memory that breaks on demand, for tests.
//!
//! It knows what a disk has and what only the page cache has. A loss of power keeps the former,
//! and of the latter any sectors and any names. After a failed sync the cache calls its pages
//! clean, as Linux does: a later sync does not write them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::io::IoSlice;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use fastrand::Rng;

use crate::disk::Files;

/// What is written whole or not at all.
const SECTOR: usize = 512;

/// What is to go wrong. Nothing does by default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Writes and reads that do only a part of what they were asked.
    pub short: bool,
    /// No more room than so many bytes, in all files together.
    pub room: Option<usize>,
    /// So many syncs succeed, the next one fails, all later ones succeed.
    pub sync_error: Option<u32>,
    /// The same for writes; a part is written nevertheless.
    pub write_error: Option<u32>,
    /// So many operations that change something are done, the next one is done in part, and
    /// nothing works from then on: the process is dead.
    pub stop: Option<u32>,
}

/// A file system; clones are the same one.
#[derive(Clone, Debug)]
pub struct Broken(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    names: BTreeMap<PathBuf, usize>,
    names_on_disk: BTreeMap<PathBuf, usize>,
    nodes: Vec<Node>,
    locks: BTreeSet<PathBuf>,
    faults: Faults,
    is_dead: bool,
    operations: u32,
    rng: Rng,
}

#[derive(Debug, Default)]
struct Node {
    data: Vec<u8>,
    on_disk: Vec<u8>,
    dirty: BTreeSet<usize>,
}

/// An open file.
#[derive(Debug)]
pub struct BrokenFile(usize);

#[derive(Debug)]
pub struct BrokenLock {
    inner: Arc<Mutex<Inner>>,
    path: PathBuf,
}

impl Drop for BrokenLock {
    fn drop(&mut self) {
        lock(&self.inner).locks.remove(&self.path);
    }
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

fn os_error(number: i32) -> io::Error {
    io::Error::from_raw_os_error(number)
}

impl Broken {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            names: BTreeMap::new(),
            names_on_disk: BTreeMap::new(),
            nodes: Vec::new(),
            locks: BTreeSet::new(),
            faults: Faults::default(),
            is_dead: false,
            operations: 0,
            rng: Rng::with_seed(seed),
        })))
    }

    pub fn set(&self, faults: Faults) {
        let mut inner = lock(&self.0);
        inner.faults = faults;
        inner.operations = 0;
    }

    /// How many operations that change something were done since the faults were set.
    #[must_use]
    pub fn operations(&self) -> u32 {
        lock(&self.0).operations
    }

    /// The process that was dead is started again: all that the page cache has is there.
    pub fn restart(&self) {
        let mut inner = lock(&self.0);
        inner.is_dead = false;
        inner.faults = Faults::default();
        inner.locks.clear();
    }

    /// The machine is: what was not synced is there, or is not, sector by sector.
    pub fn lose_power(&self) {
        self.restart();
        let mut inner = lock(&self.0);
        let Inner { names, names_on_disk, nodes, rng, .. } = &mut *inner;
        let all: BTreeSet<PathBuf> = names.keys().chain(names_on_disk.keys()).cloned().collect();
        for path in all {
            let pick = if rng.bool() { names.get(&path) } else { names_on_disk.get(&path) };
            match pick.copied() {
                Some(node) => names_on_disk.insert(path, node),
                None => names_on_disk.remove(&path),
            };
        }
        names.clone_from(names_on_disk);
        for node in nodes {
            node.lose_power(rng);
        }
    }

    /// What a file holds.
    #[must_use]
    pub fn content(&self, path: &Path) -> Option<Vec<u8>> {
        let inner = lock(&self.0);
        inner.names.get(path).map(|node| inner.nodes[*node].data.clone())
    }

    /// Makes a file hold this, safely.
    pub fn put(&self, path: &Path, content: Vec<u8>) {
        let mut inner = lock(&self.0);
        let node = Node { on_disk: content.clone(), data: content, dirty: BTreeSet::new() };
        inner.nodes.push(node);
        let number = inner.nodes.len() - 1;
        inner.names.insert(path.to_owned(), number);
        inner.names_on_disk.insert(path.to_owned(), number);
    }

    /// All files.
    #[must_use]
    pub fn paths(&self) -> Vec<PathBuf> {
        lock(&self.0).names.keys().cloned().collect()
    }

    fn alive(&self) -> io::Result<MutexGuard<'_, Inner>> {
        let inner = lock(&self.0);
        if inner.is_dead { Err(os_error(libc::EIO)) } else { Ok(inner) }
    }

    /// For an operation that changes something, and whether it is the last of the process.
    fn change(&self) -> io::Result<(MutexGuard<'_, Inner>, bool)> {
        let mut inner = self.alive()?;
        inner.operations += 1;
        if let Some(left) = &mut inner.faults.stop {
            if *left == 0 {
                inner.is_dead = true;
                return Ok((inner, true));
            }
            *left -= 1;
        }
        Ok((inner, false))
    }
}

/// Counts down to an error.
fn is_due(countdown: &mut Option<u32>) -> bool {
    match countdown {
        Some(0) => {
            *countdown = None;
            true
        }
        Some(left) => {
            *left -= 1;
            false
        }
        None => false,
    }
}

impl Inner {
    fn used(&self) -> usize {
        let alive: BTreeSet<usize> = self.names.values().copied().collect();
        alive.into_iter().map(|node| self.nodes[node].data.len()).sum()
    }

    fn write(
        &mut self,
        file: &BrokenFile,
        bytes: &[u8],
        at: usize,
        dies: bool,
    ) -> io::Result<usize> {
        let fails = is_due(&mut self.faults.write_error);
        let mut count = bytes.len();
        if dies || fails {
            count = self.rng.usize(..=count);
        } else if self.faults.short && count > 1 {
            count = self.rng.usize(1..=count);
        }
        if let Some(room) = self.faults.room {
            let grows = (at + count).saturating_sub(self.nodes[file.0].data.len());
            let left = room.saturating_sub(self.used());
            count -= grows.saturating_sub(left).min(count);
            if count == 0 && !bytes.is_empty() {
                return Err(os_error(libc::ENOSPC));
            }
        }
        let node = &mut self.nodes[file.0];
        node.data.resize(node.data.len().max(at + count), 0);
        node.data[at..at + count].copy_from_slice(&bytes[..count]);
        node.dirty.extend(at / SECTOR..(at + count).div_ceil(SECTOR));
        if dies || fails { Err(os_error(libc::EIO)) } else { Ok(count) }
    }
}

impl Node {
    fn sync(&mut self) {
        self.on_disk.resize(self.data.len(), 0);
        for sector in std::mem::take(&mut self.dirty) {
            let end = ((sector + 1) * SECTOR).min(self.data.len());
            if let Some(from) = self.data.get(sector * SECTOR..end) {
                self.on_disk[sector * SECTOR..end].copy_from_slice(from);
            }
        }
    }

    fn lose_power(&mut self, rng: &mut Rng) {
        let lengths = [self.data.len(), self.on_disk.len()];
        let between = rng.usize(lengths[0].min(lengths[1])..=lengths[0].max(lengths[1]));
        let length = [lengths[0], lengths[1], between][rng.usize(..3)];
        self.dirty.retain(|_| rng.bool());
        self.data.resize(length, 0);
        self.sync();
        self.data.clone_from(&self.on_disk);
    }
}

impl Files for Broken {
    type File = BrokenFile;
    type Lock = BrokenLock;

    fn create(&self, path: &Path) -> io::Result<BrokenFile> {
        let (mut inner, dies) = self.change()?;
        if inner.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        inner.nodes.push(Node::default());
        let number = inner.nodes.len() - 1;
        inner.names.insert(path.to_owned(), number);
        if dies { Err(os_error(libc::EIO)) } else { Ok(BrokenFile(number)) }
    }

    fn open(&self, path: &Path, _write: bool) -> io::Result<BrokenFile> {
        let inner = self.alive()?;
        let node = inner.names.get(path).copied();
        node.map(BrokenFile).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn read_at(&self, file: &BrokenFile, into: &mut [u8], at: u64) -> io::Result<usize> {
        let mut inner = self.alive()?;
        let at = usize::try_from(at).unwrap_or(usize::MAX).min(inner.nodes[file.0].data.len());
        let mut count = into.len().min(inner.nodes[file.0].data.len() - at);
        if inner.faults.short && count > 1 {
            count = inner.rng.usize(1..=count);
        }
        into[..count].copy_from_slice(&inner.nodes[file.0].data[at..at + count]);
        Ok(count)
    }

    fn write_at(&self, file: &BrokenFile, parts: &[IoSlice<'_>], at: u64) -> io::Result<usize> {
        let (mut inner, dies) = self.change()?;
        let bytes: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        let at = usize::try_from(at).map_err(io::Error::other)?;
        inner.write(file, &bytes, at, dies)
    }

    fn length(&self, file: &BrokenFile) -> io::Result<u64> {
        Ok(self.alive()?.nodes[file.0].data.len() as u64)
    }

    fn set_length(&self, file: &BrokenFile, bytes: u64) -> io::Result<()> {
        let (mut inner, dies) = self.change()?;
        if dies {
            return Err(os_error(libc::EIO));
        }
        let bytes = usize::try_from(bytes).map_err(io::Error::other)?;
        inner.nodes[file.0].data.resize(bytes, 0);
        Ok(())
    }

    fn allocate(&self, file: &BrokenFile, bytes: u64) -> io::Result<()> {
        let room = self.alive()?.faults.room;
        if room.is_some_and(|room| (room as u64) < bytes) {
            return Err(os_error(libc::ENOSPC));
        }
        self.set_length(file, bytes)
    }

    fn sync_data(&self, file: &BrokenFile) -> io::Result<()> {
        let (mut inner, dies) = self.change()?;
        let fails = is_due(&mut inner.faults.sync_error);
        if dies || fails {
            let Inner { nodes, rng, .. } = &mut *inner;
            let node = &mut nodes[file.0];
            if fails {
                // Some of it may have been written; all of it is clean.
                node.dirty.retain(|_| rng.bool());
                node.sync();
            }
            return Err(os_error(libc::EIO));
        }
        inner.nodes[file.0].sync();
        Ok(())
    }

    fn sync_directory(&self, _directory: &Path) -> io::Result<()> {
        let (mut inner, dies) = self.change()?;
        if dies || is_due(&mut inner.faults.sync_error) {
            return Err(os_error(libc::EIO));
        }
        let Inner { names, names_on_disk, .. } = &mut *inner;
        names_on_disk.clone_from(names);
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (mut inner, dies) = self.change()?;
        if dies {
            return Err(os_error(libc::EIO));
        }
        let node = inner.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        inner.names.insert(to.to_owned(), node);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let (mut inner, dies) = self.change()?;
        if dies {
            return Err(os_error(libc::EIO));
        }
        inner.names.remove(path).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        let inner = self.alive()?;
        let here = inner.names.keys().filter(|path| path.parent() == Some(directory));
        Ok(here.filter_map(|path| path.file_name()).map(OsString::from).collect())
    }

    fn lock(&self, path: &Path) -> io::Result<BrokenLock> {
        if !self.alive()?.locks.insert(path.to_owned()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(BrokenLock { inner: self.0.clone(), path: path.to_owned() })
    }

    fn holds(&self, _lock: &BrokenLock, path: &Path) -> io::Result<bool> {
        Ok(self.alive()?.locks.contains(path))
    }

    fn is_at(&self, file: &BrokenFile, path: &Path) -> io::Result<bool> {
        Ok(self.alive()?.names.get(path) == Some(&file.0))
    }

    fn make_directory(&self, _path: &Path) -> io::Result<()> {
        self.alive().map(drop)
    }

    fn random(&self) -> u64 {
        lock(&self.0).rng.u64(..)
    }
}
