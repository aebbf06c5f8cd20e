//! Where a log socket stands: its file is made at the start and removed at the end, or systemd has
//! it.

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use socket2::Domain;
use socket2::SockAddr;
use socket2::Socket;
use socket2::Type;

use crate::input::unix::spec::UnixSpec;
use crate::net::placed;
use crate::net::placed::Placed;
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

/// Opens the socket of `spec`. Without a [`Placed`] it is not ours to close.
pub(super) fn open(spec: &UnixSpec) -> io::Result<(UnixDatagram, Option<Placed>)> {
    let is_socket = |path: &str| fs::metadata(path).is_ok_and(|m| m.file_type().is_socket());
    let by_journal = spec.system
        && spec.path == Path::new(SYSTEM)
        && Path::new(BOOTED).is_dir()
        && is_socket(FROM_JOURNAL);
    let path = if by_journal { Path::new(FROM_JOURNAL) } else { &spec.path };
    let (socket, placed) = match unix::given(path) {
        Some(socket) => {
            UnixRing::take_notes(&socket)?;
            (socket, None)
        }
        None => {
            let made = make(path, spec).map_err(|error| named(path, &error))?;
            (made.0, Some(made.1))
        }
    };
    socket.set_nonblocking(true)?;
    Ok((socket, placed))
}

fn make(path: &Path, spec: &UnixSpec) -> io::Result<(UnixDatagram, Placed)> {
    if spec.create_path
        && let Some(folder) = path.parent()
    {
        fs::create_dir_all(folder)?;
    }
    if spec.unlink {
        placed::clear(path)?;
    }
    let socket = Socket::new(Domain::UNIX, Type::DGRAM, None)?;
    // Before anybody finds it: of what is sent earlier the kernel notes no sender.
    UnixRing::take_notes(&socket)?;
    socket.bind(&SockAddr::unix(path)?)?;
    let placed = Placed::note(path, spec.unlink)?;
    placed.set_mode(MODE)?;
    Ok((socket.into(), placed))
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    let text = format!("cannot make the socket '{}': {error}", path.display());
    io::Error::new(error.kind(), text)
}
