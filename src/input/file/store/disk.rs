//! The store's file, and the thread that writes it.

use std::collections::HashMap;
use std::fs;
use std::fs::File;
use std::io;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::PoisonError;
use std::time::Duration;

use crate::base::clock;
use crate::base::num::count;
use crate::base::reporter::Level;
use crate::base::reporter::Reporter;
use crate::input::file::split::Position;
use crate::input::file::store::Change;
use crate::input::file::store::Known;
use crate::input::file::store::Shared;
use crate::input::file::store::State;
use crate::input::file::store::record::HEADER;
use crate::input::file::store::record::Record;

/// Its name in the work directory.
const NAME: &str = "bongsu-imfile.state";
/// What may be added behind the whole before it is written anew, in bytes, besides as much as that.
const ADDED_BYTES_MAX: u64 = 4 << 20;
/// The file itself: a hundred thousand files with long names, and as much behind them.
const FILE_BYTES_MAX: u64 = 256 << 20;
/// How often the disk is waited for, and how long after a failure it is tried again.
const SYNC: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Disk {
    path: PathBuf,
    reporter: Arc<dyn Reporter>,
    /// Open to add to, once it is written whole.
    file: Option<File>,
    /// Bytes of it when it was written whole, and since.
    whole: u64,
    added: u64,
    /// What was added is not on the disk for certain.
    unsynced: bool,
    /// It was said that it cannot be written.
    told: bool,
    buffer: Vec<u8>,
}

type Files = HashMap<u32, (Known, Position)>;

impl Disk {
    pub(super) fn new(folder: &Path, reporter: Arc<dyn Reporter>) -> Self {
        Self {
            path: folder.join(NAME),
            reporter,
            file: None,
            whole: 0,
            added: 0,
            unsynced: false,
            told: false,
            buffer: Vec::new(),
        }
    }

    /// What was written before, and a number that nobody has.
    pub(super) fn read(&mut self) -> (Files, u32) {
        let bytes = match fs::metadata(&self.path).map(|found| found.len()) {
            Ok(length) if length <= FILE_BYTES_MAX => fs::read(&self.path),
            Ok(_) => Err(io::Error::other("it is larger than it can be")),
            Err(error) => Err(error),
        };
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err(error) => {
                if error.kind() == io::ErrorKind::NotFound {
                    let begun = self.begin();
                    self.tell(&begun);
                } else {
                    let path = self.path.display();
                    let text = format!("imfile: {path}: {error}: files are read from their start");
                    self.reporter.say(Level::Error, text);
                }
                return (Files::new(), 0);
            }
        };
        let (files, damaged) = parse(&bytes);
        if damaged {
            let path = self.path.display();
            let text = format!("imfile: {path} is damaged: what stands behind that is not used");
            self.reporter.say(Level::Warning, text);
        } else if bytes.ends_with(b"\n") {
            // What is whole is added to; anything else is written anew.
            self.file = File::options().append(true).open(&self.path).ok();
            self.whole = count(bytes.len());
        }
        let next = files.keys().max().map_or(0, |n| n.wrapping_add(1));
        (files, next)
    }

    /// Makes a file in which nothing is known.
    fn begin(&mut self) -> io::Result<()> {
        let options = &mut File::options();
        let mut file = options.append(true).create_new(true).mode(0o600).open(&self.path)?;
        file.write_all(HEADER)?;
        self.file = Some(file);
        Ok(())
    }

    /// Writes what changes until the store is closed.
    pub(super) fn run(mut self, shared: &Shared) {
        let mut synced = clock::monotonic();
        loop {
            let mut state = shared.lock();
            while state.dirty.is_empty() && !state.closing && !self.unsynced {
                state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.dirty.is_empty() && !state.closing {
                let left = SYNC.saturating_sub(synced.elapsed());
                let waited = shared.changed.wait_timeout(state, left);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
            let closing = state.closing;
            let changed = self.collect(&mut state);
            drop(state);
            let mut result = if changed { self.write(shared) } else { Ok(()) };
            if result.is_ok() && self.unsynced && (closing || synced.elapsed() >= SYNC) {
                result = self.file.as_ref().map_or(Ok(()), File::sync_data);
                (self.unsynced, synced) = (false, clock::monotonic());
            }
            self.tell(&result);
            if closing {
                return;
            }
            if result.is_err() {
                self.file = None;
                let open = |state: &mut State| !state.closing;
                drop(shared.changed.wait_timeout_while(shared.lock(), SYNC, open));
                // All of it is written anew, whatever has changed.
                self.unsynced = true;
            }
        }
    }

    /// Takes what has changed out of `state`, as lines. Whether there is any.
    fn collect(&mut self, state: &mut State) -> bool {
        self.buffer.clear();
        let dirty = std::mem::take(&mut state.dirty);
        for n in &dirty {
            let Some(entry) = state.files.get_mut(n) else { continue };
            let change = std::mem::replace(&mut entry.change, Change::None);
            match change {
                Change::None => {}
                Change::Position => Record::At(*n, entry.position).write(&mut self.buffer),
                Change::All => {
                    let known = entry.known.clone();
                    Record::File(*n, known, entry.position).write(&mut self.buffer);
                }
                Change::Gone => {
                    Record::Gone(*n).write(&mut self.buffer);
                    state.remove(*n);
                }
            }
        }
        !dirty.is_empty() || self.file.is_none() && self.unsynced
    }

    fn write(&mut self, shared: &Shared) -> io::Result<()> {
        self.unsynced = true;
        let added = self.added + count(self.buffer.len());
        if let Some(file) = self.file.as_mut().filter(|_| added <= ADDED_BYTES_MAX + self.whole) {
            self.added = added;
            return file.write_all(&self.buffer);
        }
        self.replace(shared)
    }

    /// Writes all that is known to another file, which takes the place of this one when it is on
    /// the disk.
    fn replace(&mut self, shared: &Shared) -> io::Result<()> {
        let mut text = HEADER.to_vec();
        for (n, entry) in &shared.lock().files {
            if entry.change != Change::Gone {
                Record::File(*n, entry.known.clone(), entry.position).write(&mut text);
            }
        }
        let beside = self.path.with_extension("state.new");
        let options = &mut File::options();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&beside)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&beside, &self.path)?;
        if let Some(folder) = self.path.parent() {
            File::open(folder)?.sync_all()?;
        }
        (self.whole, self.added, self.unsynced) = (count(text.len()), 0, false);
        self.file = Some(file);
        Ok(())
    }

    /// Says that it fails, and that it works again.
    fn tell(&mut self, result: &io::Result<()>) {
        let path = self.path.display();
        let text = match result {
            Err(error) if !self.told => {
                (Level::Error, format!("imfile: positions cannot be kept: {path}: {error}"))
            }
            Ok(()) if self.told => (Level::Notice, format!("imfile: {path} is written again")),
            _ => return,
        };
        self.told = result.is_err();
        self.reporter.say(text.0, text.1);
    }
}

/// What `bytes` say, and whether they are damaged: torn at the end they are not.
pub(super) fn parse(bytes: &[u8]) -> (Files, bool) {
    let mut files = Files::new();
    let Some(mut rest) = bytes.strip_prefix(HEADER) else { return (files, true) };
    while let Some(end) = memchr::memchr(b'\n', rest) {
        let (line, behind) = rest.split_at(end);
        match Record::read(line) {
            Some(Record::File(n, known, at)) => drop(files.insert(n, (known, at))),
            Some(Record::At(n, at)) => {
                if let Some(file) = files.get_mut(&n) {
                    file.1 = at;
                }
            }
            Some(Record::Gone(n)) => drop(files.remove(&n)),
            None => return (files, true),
        }
        rest = behind.get(1..).unwrap_or_default();
    }
    (files, false)
}
