//! What rsyslog kept of the files that it read: whoever changes over reads no line twice.
//! A file `imfile-state:INODE` or `imfile-state:INODE:SUM` in the work directory holds
//! `{ "filename": "/x", "curr_offs": 33, "strt_offs": 33, "prev_line_segment": "…" }`.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;

use crate::base::num::count;
use crate::input::file::spec::FileSpec;
use crate::input::file::split::Position;

/// What rsyslog begins the names of such files with.
const PREFIX: &str = "imfile-state:";
/// Such files that are read at most, and bytes of one.
const FILES_MAX: usize = 100_000;
const BYTES_MAX: u64 = 1 << 20;

/// rsyslog's files, by the number of the file that they speak of.
#[derive(Debug, Default)]
pub(super) struct Foreign {
    folder: PathBuf,
    by_inode: HashMap<u64, PathBuf>,
}

#[derive(Deserialize)]
struct State {
    filename: String,
    /// How far it was read, and where the message began that was not finished.
    curr_offs: u64,
    #[serde(default)]
    prev_line_segment: String,
    #[serde(default)]
    prev_msg_segment: String,
}

impl Foreign {
    pub(super) fn in_folder(folder: Option<&Path>) -> Self {
        let mut foreign = Self::default();
        let Some(folder) = folder else { return foreign };
        folder.clone_into(&mut foreign.folder);
        let Ok(entries) = fs::read_dir(folder) else { return foreign };
        for entry in entries.flatten().take(FILES_MAX) {
            let name = entry.file_name();
            let inode = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
            let inode = inode.and_then(|rest| rest.split(':').next()?.parse().ok());
            if let Some(inode) = inode {
                foreign.by_inode.insert(inode, entry.path());
            }
        }
        foreign
    }

    /// How far rsyslog had read the file with this number at `path`.
    pub(super) fn position(&self, inode: u64, path: &Path, spec: &FileSpec) -> Option<Position> {
        let named = spec.state_file.as_ref().map(|name| self.folder.join(name));
        let file = named.filter(|file| file.is_file());
        let file = file.or_else(|| self.by_inode.get(&inode).cloned())?;
        if fs::metadata(&file).ok()?.len() > BYTES_MAX {
            return None;
        }
        let state: State = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
        let same = Path::new(&state.filename) == path
            || fs::canonicalize(path).is_ok_and(|place| place == Path::new(&state.filename));
        let at = state.curr_offs.checked_sub(state.unfinished(spec))?;
        same.then_some(Position { at, ..Position::default() })
    }
}

impl State {
    /// Bytes of the file that it had read and not made a message of.
    fn unfinished(&self, spec: &FileSpec) -> u64 {
        let escape = spec.rules.line_end.len();
        let raw = |text: &str| {
            let escapes = match &*spec.rules.line_end {
                [] => 0,
                end => memchr::memmem::find_iter(text.as_bytes(), end).count(),
            };
            text.len() + escapes - escapes * escape
        };
        // The lines of a message have lost the last of their line ends.
        let lines = match self.prev_msg_segment.as_str() {
            "" => 0,
            text => raw(text) + 1,
        };
        count(lines + raw(&self.prev_line_segment))
    }
}
