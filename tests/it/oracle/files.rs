//! Steps that change files which the relay reads, and steps that end it and start it again.

use std::fs;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::oracle::text;

/// What is done in the folder `@FILES@`.
#[derive(Debug, Clone)]
pub(crate) enum FileStep {
    Write {
        name: String,
        bytes: Vec<u8>,
    },
    Append {
        name: String,
        bytes: Vec<u8>,
    },
    Rename {
        name: String,
        to: String,
    },
    Truncate {
        name: String,
    },
    Delete {
        name: String,
    },
    /// A symbolic link `name` to `to`.
    Link {
        name: String,
        to: String,
    },
    Folder {
        name: String,
    },
    Wait(Duration),
}

impl FileStep {
    /// Of a section's head, without `before`, and what stands below it.
    pub(crate) fn read(kind: &str, words: &[&str], body: &str) -> Option<Self> {
        let name = words.first().copied().unwrap_or_default().to_owned();
        let to = || words.get(1).copied().unwrap_or_default().to_owned();
        Some(match kind {
            "write" => Self::Write { name, bytes: text::decode_stream(body) },
            "append" => Self::Append { name, bytes: text::decode_stream(body) },
            "rename" => Self::Rename { name, to: to() },
            "truncate" => Self::Truncate { name },
            "delete" => Self::Delete { name },
            "link" => Self::Link { name, to: to() },
            "folder" => Self::Folder { name },
            "wait" => Self::Wait(Duration::from_millis(name.parse().unwrap())),
            _ => return None,
        })
    }

    pub(crate) fn run(&self, folder: &Path) {
        match self {
            Self::Write { name, bytes } => fs::write(folder.join(name), bytes).unwrap(),
            Self::Append { name, bytes } => {
                let path = folder.join(name);
                let mut file = File::options().create(true).append(true).open(path).unwrap();
                file.write_all(bytes).unwrap();
            }
            Self::Rename { name, to } => fs::rename(folder.join(name), folder.join(to)).unwrap(),
            Self::Truncate { name } => {
                File::options().write(true).open(folder.join(name)).unwrap().set_len(0).unwrap();
            }
            Self::Delete { name } => fs::remove_file(folder.join(name)).unwrap(),
            Self::Link { name, to } => symlink(folder.join(to), folder.join(name)).unwrap(),
            Self::Folder { name } => fs::create_dir_all(folder.join(name)).unwrap(),
            Self::Wait(time) => thread::sleep(*time),
        }
    }
}

/// Whether the process has somebody tell it of changes to files.
pub(crate) fn watches(pid: u32) -> bool {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fdinfo")) else { return false };
    entries
        .flatten()
        .filter_map(|entry| fs::read_to_string(entry.path()).ok())
        .any(|info| info.contains("inotify wd:"))
}
