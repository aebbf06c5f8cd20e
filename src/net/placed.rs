//! The file of a unix socket: whoever makes it takes it away at the end.

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::path::PathBuf;

/// A socket's file.
#[derive(Debug)]
pub struct Placed {
    path: PathBuf,
    unlink: bool,
    /// Tells it from what another may have put there since.
    identity: (u64, u64),
}

impl Placed {
    /// Notes which file was made at `path`. With `unlink` it goes when the socket does.
    ///
    /// # Errors
    /// If there is none.
    pub fn note(path: &Path, unlink: bool) -> io::Result<Self> {
        let made = fs::symlink_metadata(path)?;
        Ok(Self { path: path.to_owned(), unlink, identity: (made.dev(), made.ino()) })
    }

    /// Takes the file away at the end, with `unlink`: nobody finds the socket any more.
    pub fn remove(&self) {
        if self.unlink {
            self.make_way();
        }
    }

    /// Takes the file away, if it is still there: what we have made ourselves hinders no socket that
    /// comes in its place.
    pub fn make_way(&self) {
        let found = fs::symlink_metadata(&self.path);
        if found.is_ok_and(|found| (found.dev(), found.ino()) == self.identity) {
            // What stays behind hinders nobody: the next start removes it.
            _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes the socket that an earlier run has left, or the link to one. Anything else is somebody's
/// file.
///
/// # Errors
/// If there is such a file, or the socket cannot be removed.
pub fn clear(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() || found.is_symlink() => fs::remove_file(path),
        Ok(_) => {
            let text = "there is something else in its place: remove that, or name another path";
            Err(io::Error::new(io::ErrorKind::AlreadyExists, text))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
