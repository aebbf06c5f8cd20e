//! Where a log socket stands: its file is made at the start and removed at the end, or systemd has
//! it.

use std::fs;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::path::PathBuf;

use crate::input::unix::spec::UnixSpec;
use crate::net::unix;
use crate::net::unix::UnixRing;

/// Where `syslog(3)` writes.
pub(super) const SYSTEM: &str = "/dev/log";
/// Where journald forwards to, which has `/dev/log` itself.
const FROM_JOURNAL: &str = "/run/systemd/journal/syslog";
/// There if systemd has started the system (`sd_booted(3)`).
const BOOTED: &str = "/run/systemd/system";
/// Whoever runs here may log.
const MODE: u32 = 0o666;

/// A socket's file.
#[derive(Debug)]
pub(super) struct Placed {
    path: PathBuf,
    unlink: bool,
    /// Tells it from what another may have put there since.
    identity: (u64, u64),
}

impl Placed {
    /// Takes the file away, if it is still there: nobody finds the socket any more.
    pub(super) fn remove(&self) {
        let found = fs::symlink_metadata(&self.path);
        if self.unlink && found.is_ok_and(|found| (found.dev(), found.ino()) == self.identity) {
            // What stays behind hinders nobody: the next start removes it.
            _ = fs::remove_file(&self.path);
        }
    }
}

/// Opens the socket of `spec`. Without a [`Placed`] it is not ours to close.
pub(super) fn open(spec: &UnixSpec) -> io::Result<(UnixDatagram, Option<Placed>)> {
    let is_socket = |path: &str| fs::metadata(path).is_ok_and(|m| m.file_type().is_socket());
    let by_journal = spec.system
        && spec.path == Path::new(SYSTEM)
        && Path::new(BOOTED).is_dir()
        && is_socket(FROM_JOURNAL);
    let path = if by_journal { Path::new(FROM_JOURNAL) } else { &spec.path };
    let (socket, placed) = match unix::given(path) {
        Some(socket) => (socket, None),
        None => {
            let made = make(path, spec).map_err(|error| named(path, &error))?;
            (made.0, Some(made.1))
        }
    };
    socket.set_nonblocking(true)?;
    UnixRing::take_notes(&socket)?;
    Ok((socket, placed))
}

fn make(path: &Path, spec: &UnixSpec) -> io::Result<(UnixDatagram, Placed)> {
    if spec.create_path
        && let Some(folder) = path.parent()
    {
        fs::create_dir_all(folder)?;
    }
    if spec.unlink {
        clear(path)?;
    }
    let socket = UnixDatagram::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(MODE))?;
    let made = fs::symlink_metadata(path)?;
    let identity = (made.dev(), made.ino());
    Ok((socket, Placed { path: path.to_owned(), unlink: spec.unlink, identity }))
}

/// Removes the socket that an earlier run has left, or the link to one. Anything else is somebody's
/// file.
fn clear(path: &Path) -> io::Result<()> {
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

fn named(path: &Path, error: &io::Error) -> io::Error {
    let text = format!("cannot make the socket '{}': {error}", path.display());
    io::Error::new(error.kind(), text)
}
