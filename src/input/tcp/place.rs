//! The unix socket of an imptcp input: where it stands, and whose it is.

use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use socket2::Domain;
use socket2::SockAddr;
use socket2::Socket;
use socket2::Type;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::reporter::Level;
use crate::base::reporter::Reporter;
use crate::config::owner;
use crate::config::param::Params;
use crate::net::placed;
use crate::net::placed::Placed;

/// What a `sockaddr_un` has room for, bytes.
const PATH_BYTES_MAX: usize = 107;
/// rsyslog's: nobody else connects.
const MODE: u32 = 0o644;

/// `path=`, with what goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnixPlace {
    pub path: PathBuf,
    /// Before and after.
    unlink: bool,
    mode: u32,
    owner: Option<u32>,
    group: Option<u32>,
    fail_on_chown: bool,
    /// Connections that may wait to be accepted.
    backlog: i32,
}

impl UnixPlace {
    /// From the parameters of an `input()` that has a `path`; `None` (complained of) if there can
    /// be no socket.
    pub(super) fn compile(params: &Params, backlog: i32, diags: &mut Diagnostics) -> Option<Self> {
        let path = PathBuf::from(params.str("path")?);
        let bytes = path.as_os_str().as_bytes();
        if bytes.is_empty() || bytes.len() > PATH_BYTES_MAX || bytes.contains(&0) {
            let length = bytes.len();
            let text = format!(
                "a unix socket's path has 1 to {PATH_BYTES_MAX} bytes, none of them NUL, and this \
                 one has {length}"
            );
            diags.push(Diagnostic::error(params.loc("path"), text).help("name another path"));
            return None;
        }
        if params.has("port") {
            let text = "this input listens on its path alone, not on a port";
            let help = "write a second input() for the port";
            diags.push(Diagnostic::warning(params.loc("port"), text).help(help));
        }
        Some(Self {
            path,
            unlink: params.bool("unlink").unwrap_or(false),
            mode: params.mode("fileCreateMode").unwrap_or(MODE),
            owner: owner::user(params, "fileOwnerNum", "fileOwner", diags),
            group: owner::group(params, "fileGroupNum", "fileGroup", diags),
            fail_on_chown: params.bool("failOnChOwnFailure").unwrap_or(true),
            backlog,
        })
    }

    /// Listens. An owner that the socket cannot be given is said where it is let pass.
    ///
    /// # Errors
    /// If it cannot be made as it is configured: then it is not there.
    pub fn open(&self, reporter: &dyn Reporter) -> io::Result<(UnixListener, Placed)> {
        let address = SockAddr::unix(&self.path)?;
        if self.unlink {
            placed::clear(&self.path)?;
        }
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address).map_err(|error| self.explained(error))?;
        let placed = Placed::note(&self.path, self.unlink)?;
        // Nobody connects before it listens, whatever its mode was until now.
        if let Err(error) = self.dress(&placed, reporter).and_then(|()| socket.listen(self.backlog))
        {
            placed.make_way();
            return Err(error);
        }
        Ok((socket.into(), placed))
    }

    /// Gives the socket's file its owner and mode.
    fn dress(&self, placed: &Placed, reporter: &dyn Reporter) -> io::Result<()> {
        if self.owner.is_some() || self.group.is_some() {
            let path = self.path.display();
            match placed.give_to(self.owner, self.group) {
                Err(error) if self.fail_on_chown => {
                    let text = format!("cannot give it to its owner: {error}");
                    return Err(io::Error::new(error.kind(), text));
                }
                Err(error) => {
                    let text = format!("imptcp: cannot give '{path}' to its owner: {error}");
                    reporter.say(Level::Warning, text);
                }
                Ok(()) => {}
            }
        }
        placed.set_mode(self.mode)
    }

    fn explained(&self, error: io::Error) -> io::Error {
        if error.kind() == io::ErrorKind::AddrInUse && !self.unlink {
            let text = format!("{error}: remove the file, or write unlink=\"on\"");
            return io::Error::new(error.kind(), text);
        }
        error
    }
}
