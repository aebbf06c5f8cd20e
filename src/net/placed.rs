//! The file of a unix socket: whoever makes it takes it away at the end.

use std::fs;
use std::fs::File;
use std::fs::Permissions;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use rustix::fs::AtFlags;
use rustix::fs::Gid;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::Uid;
use rustix::fs::chownat;

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
        let (_, identity) = handle(path)?;
        Ok(Self { path: path.to_owned(), unlink, identity })
    }

    /// Gives the file to its owner and group.
    ///
    /// # Errors
    /// Those of `chown`; if something else stands there by now.
    pub fn give_to(&self, owner: Option<u32>, group: Option<u32>) -> io::Result<()> {
        let (owner, group) = (owner.map(Uid::from_raw), group.map(Gid::from_raw));
        Ok(chownat(self.again()?, "", owner, group, AtFlags::EMPTY_PATH)?)
    }

    /// Gives the file its mode, whatever the umask says.
    ///
    /// # Errors
    /// Those of `chmod`; if something else stands there by now.
    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        let file = self.again()?;
        let mode = Permissions::from_mode(mode);
        // The kernel takes a path alone here: one that is this file and no other.
        match fs::set_permissions(format!("/proc/self/fd/{}", file.as_raw_fd()), mode.clone()) {
            // There is no /proc.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::set_permissions(&self.path, mode)
            }
            set => set,
        }
    }

    /// The file, if it is still there. Whoever may write to its folder could have put a link in its
    /// place, by which any file would be given away.
    fn again(&self) -> io::Result<File> {
        let (file, identity) = handle(&self.path)?;
        if identity != self.identity {
            let text = "another file was put in its place";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
        }
        Ok(file)
    }

    /// Takes the file away at the end, with `unlink`: nobody finds the socket any more.
    pub fn remove(&self) {
        if self.unlink {
            self.make_way();
        }
    }

    /// Takes the file away, if it is still there: what we have made ourselves hinders no socket
    /// that comes in its place.
    pub fn make_way(&self) {
        let found = fs::symlink_metadata(&self.path);
        if found.is_ok_and(|found| (found.dev(), found.ino()) == self.identity) {
            // What stays behind hinders nobody: the next start removes it.
            _ = fs::remove_file(&self.path);
        }
    }
}

/// A socket's file itself, and what tells it from others.
fn handle(path: &Path) -> io::Result<(File, (u64, u64))> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let found = file.metadata()?;
    if !found.file_type().is_socket() {
        let text = "something else was put in its place";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
    }
    Ok((file, (found.dev(), found.ino())))
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    /// The folder may be another user's: what is put there does not get at other files.
    #[test]
    fn what_was_put_in_the_sockets_place_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (path, precious) = (dir.path().join("socket"), dir.path().join("precious"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        fs::write(&precious, "x").unwrap();
        fs::set_permissions(&precious, Permissions::from_mode(0o600)).unwrap();
        let socket = UnixListener::bind(&path).unwrap();
        let placed = Placed::note(&path, true).unwrap();
        placed.set_mode(0o622).unwrap();
        assert_eq!(mode(&path), 0o622);
        let own = fs::metadata(&path).unwrap();
        placed.give_to(Some(own.uid()), Some(own.gid())).unwrap();
        fs::remove_file(&path).unwrap();
        for another in [false, true] {
            if another {
                drop(UnixListener::bind(&path).unwrap());
            } else {
                symlink(&precious, &path).unwrap();
            }
            placed.set_mode(0o666).unwrap_err();
            placed.give_to(Some(own.uid()), None).unwrap_err();
            placed.remove();
            fs::remove_file(&path).expect("it was left alone");
        }
        assert_eq!(mode(&precious), 0o600);
        drop(socket);
    }
}
