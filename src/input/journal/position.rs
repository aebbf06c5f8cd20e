//! How far the journal is read: the cursor of the last entry that every output has acknowledged, in
//! the state file that rsyslogd has, too. A thread of its own writes it, so that no message waits
//! for a disk.

use std::collections::VecDeque;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
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

use crate::base::reporter::Level;
use crate::base::reporter::Reporter;
use crate::message::Ack;

/// Bytes of a state file that are looked at.
const CURSOR_BYTES_MAX: usize = 4096;

/// The positions that are kept at the moment, by their files: an input that is begun while what
/// another has read is on its way goes on behind that.
static OPEN: Mutex<Vec<(PathBuf, Weak<Position>)>> = Mutex::new(Vec::new());

/// Where and how the position is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StateFile {
    pub(super) path: PathBuf,
    pub(super) mode: u32,
    pub(super) fsync: bool,
    /// Entries between two writes.
    pub(super) interval: u64,
}

/// What a state file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    Nothing,
    Cursor(String),
    /// It cannot be used, and why.
    Damaged(String),
}

#[derive(Debug)]
pub(super) struct Position {
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// What is on its way, in order, and the number of the first of it.
    owed: VecDeque<Owed>,
    first: u64,
    /// The last entry that was handed over.
    reached: Option<String>,
    /// The last one that is acknowledged with all before it, and entries since the last write.
    safe: Option<String>,
    unsaved: u64,
    closing: bool,
}

#[derive(Debug)]
struct Owed {
    cursor: String,
    entries: u64,
    safe: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change of it is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Position {
    /// The position that `file` keeps; without one it is known as long as the input lives.
    pub(super) fn open(file: Option<&StateFile>, reporter: &Arc<dyn Reporter>) -> Arc<Self> {
        let new = || Self { shared: Arc::default(), writer: Mutex::default() };
        let Some(file) = file else { return Arc::new(new()) };
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|(_, position)| position.strong_count() > 0);
        let known = open.iter().find(|(path, _)| *path == file.path);
        if let Some(position) = known.and_then(|(_, position)| position.upgrade()) {
            return position;
        }
        let position = new();
        let (shared, of, say) = (position.shared.clone(), file.clone(), reporter.clone());
        let thread = std::thread::Builder::new().name("imjournal-state".to_owned());
        match thread.spawn(move || write_changes(&shared, &of, &*say)) {
            Ok(thread) => *position.lock_writer() = Some(thread),
            Err(error) => {
                let text = format!("imjournal: the position is not kept: no thread: {error}");
                reporter.say(Level::Error, text);
            }
        }
        let position = Arc::new(position);
        open.push((file.path.clone(), Arc::downgrade(&position)));
        position
    }

    fn lock_writer(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last entry that was handed over, by this input or one before it.
    pub(super) fn reached(&self) -> Option<String> {
        self.shared.lock().reached.clone()
    }

    /// So many entries, up to the one at `cursor`, are handed over with the token that this gives.
    /// The position moves on when its last clone is dropped, unless `given_up`: what is dropped
    /// then was not delivered.
    pub(super) fn owe(
        self: &Arc<Self>,
        cursor: &str,
        entries: u64,
        given_up: &Arc<AtomicBool>,
    ) -> Ack {
        let mut state = self.shared.lock();
        let number = state.first + state.owed.len() as u64;
        state.owed.push_back(Owed { cursor: cursor.to_owned(), entries, safe: false });
        let reached = state.reached.get_or_insert_default();
        cursor.clone_into(reached);
        let (position, given_up) = (self.clone(), given_up.clone());
        Ack::new(move || {
            if !given_up.load(Ordering::Relaxed) {
                position.is_safe(number);
            }
        })
    }

    fn is_safe(&self, number: u64) {
        let mut state = self.shared.lock();
        let at = number.checked_sub(state.first).and_then(|at| usize::try_from(at).ok());
        if let Some(owed) = at.and_then(|at| state.owed.get_mut(at)) {
            owed.safe = true;
        }
        while let Some(owed) = state.owed.pop_front_if(|owed| owed.safe) {
            state.first += 1;
            state.unsaved += owed.entries;
            state.safe = Some(owed.cursor);
        }
        self.shared.changed.notify_one();
    }
}

impl Drop for Position {
    fn drop(&mut self) {
        self.shared.lock().closing = true;
        self.shared.changed.notify_one();
        if let Some(writer) = self.lock_writer().take() {
            // It has said what went wrong.
            writer.join().ok();
        }
    }
}

/// Writes the position whenever it has moved far enough, and at the end.
fn write_changes(shared: &Shared, file: &StateFile, reporter: &dyn Reporter) {
    let mut failed = false;
    loop {
        let mut state = shared.lock();
        let waits = |state: &mut State| !state.closing && state.unsaved < file.interval;
        state = shared.changed.wait_while(state, waits).unwrap_or_else(PoisonError::into_inner);
        let (closing, moved) = (state.closing, std::mem::take(&mut state.unsaved) > 0);
        let cursor = state.safe.clone().filter(|_| moved);
        drop(state);
        if let Some(cursor) = cursor {
            let written = file.write(&cursor);
            if let Err(error) = &written
                && !failed
            {
                let path = file.path.display();
                let text = format!("imjournal: {path}: the position cannot be kept: {error}");
                reporter.say(Level::Error, text);
            }
            failed = written.is_err();
        }
        if closing {
            return;
        }
    }
}

impl StateFile {
    /// What it says.
    pub(super) fn read(&self) -> Stored {
        match std::fs::read(&self.path) {
            Ok(bytes) => of_bytes(&bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Stored::Nothing,
            Err(error) => Stored::Damaged(error.to_string()),
        }
    }

    /// Puts `cursor` in place of what it says: whole or not at all.
    fn write(&self, cursor: &str) -> io::Result<()> {
        let mut name = self.path.clone().into_os_string();
        name.push(".tmp");
        let beside = PathBuf::from(name);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(self.mode);
        let mut file = options.custom_flags(libc::O_NOFOLLOW).open(&beside)?;
        file.write_all(cursor.as_bytes())?;
        if self.fsync {
            file.sync_all()?;
        }
        std::fs::rename(&beside, &self.path)?;
        if self.fsync
            && let Some(folder) = self.path.parent()
        {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

/// rsyslogd takes the first word.
fn of_bytes(bytes: &[u8]) -> Stored {
    let text = std::str::from_utf8(&bytes[..bytes.len().min(CURSOR_BYTES_MAX)]).unwrap_or("\u{1}");
    match text.split_ascii_whitespace().next() {
        None => Stored::Damaged("it is empty".to_owned()),
        Some(cursor) if is_cursor(cursor) => Stored::Cursor(cursor.to_owned()),
        Some(_) => Stored::Damaged("it holds no cursor".to_owned()),
    }
}

/// `s=…;i=…;b=…;m=…;t=…;x=…`, hexadecimal numbers: enough of them to find a place.
fn is_cursor(text: &str) -> bool {
    let mut known = String::new();
    let well = text.split(';').all(|part| {
        let Some((name, number)) = part.split_once('=') else { return false };
        known.push_str(name);
        let hexadecimal = number.bytes().all(|digit| digit.is_ascii_hexdigit());
        name.len() == 1 && !number.is_empty() && hexadecimal
    });
    let has = |names: &str| names.chars().all(|name| known.contains(name));
    well && (has("si") || has("bm") || has("t"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::base::reporter::Said;

    const CURSOR: &str = "s=48ccdba2;i=1e;b=22;m=7530;t=60a2419e803da;x=bdd26cdb";

    fn file(dir: &tempfile::TempDir, interval: u64) -> StateFile {
        StateFile { path: dir.path().join("state"), mode: 0o640, fsync: true, interval }
    }

    #[test]
    fn what_is_a_cursor() {
        assert_eq!(of_bytes(CURSOR.as_bytes()), Stored::Cursor(CURSOR.to_owned()));
        assert_eq!(of_bytes(b" t=60a2\nmore"), Stored::Cursor("t=60a2".to_owned()));
        for bad in ["", " \n", "garbage", "s=1", "s=1;i", "t=", "t=xyz", "tt=1", "\u{0}", "t=1;;"] {
            assert!(matches!(of_bytes(bad.as_bytes()), Stored::Damaged(_)), "{bad}");
        }
        assert!(matches!(of_bytes(b"\xff"), Stored::Damaged(_)));
    }

    #[test]
    fn the_position_is_where_all_before_it_is_delivered() {
        let dir = tempfile::tempdir().unwrap();
        let (file, said) = (file(&dir, 3), Arc::new(Said::default()));
        let reporter: Arc<dyn Reporter> = said.clone();
        assert_eq!(file.read(), Stored::Nothing);
        let given_up = Arc::new(AtomicBool::new(false));
        let position = Position::open(Some(&file), &reporter);
        let owe = |n: u8, entries| position.owe(&format!("t={n}"), entries, &given_up);
        let (one, two, three) = (owe(1, 2), owe(2, 2), owe(3, 2));
        assert_eq!(Position::open(Some(&file), &reporter).reached().as_deref(), Some("t=3"));
        drop(two);
        assert_eq!(position.shared.lock().safe, None);
        drop(one);
        while file.read() != Stored::Cursor("t=2".to_owned()) {
            std::thread::yield_now();
        }
        let mode = std::fs::metadata(&file.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        // Less than the interval is written at the end, and nothing that was given up.
        let four = owe(4, 1);
        drop(three);
        given_up.store(true, Ordering::Relaxed);
        drop(four);
        drop(position);
        assert_eq!(file.read(), Stored::Cursor("t=3".to_owned()));
        assert!(said.0.lock().unwrap().is_empty());
    }

    #[test]
    fn a_state_file_that_cannot_be_written_is_said_once() {
        let dir = tempfile::tempdir().unwrap();
        let said = Arc::new(Said::default());
        let reporter: Arc<dyn Reporter> = said.clone();
        let path = dir.path().join("none").join("state");
        let file = StateFile { path, ..file(&dir, 1) };
        let position = Position::open(Some(&file), &reporter);
        let given_up = Arc::default();
        for n in 0..50 {
            drop(position.owe(&format!("t={n}"), 1, &given_up));
        }
        drop(position);
        let said = said.0.lock().unwrap();
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains("the position cannot be kept"));
    }
}
