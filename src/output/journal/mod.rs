//! `omjournal`: entries for systemd's journal, by its native protocol: the fields that a template
//! names, in one datagram, or in a sealed file in memory where that is too small.

#[cfg(test)]
mod tests;

use std::io;
use std::io::IoSlice;
use std::io::Write as _;
use std::mem::MaybeUninit;
use std::os::fd::AsFd as _;
use std::os::fd::OwnedFd;
use std::pin::Pin;

use rustix::fs::MemfdFlags;
use rustix::fs::SealFlags;
use rustix::net::SendAncillaryBuffer;
use rustix::net::SendAncillaryMessage;
use rustix::net::SendFlags;
use tokio::io::Interest;
use tokio::net::UnixDatagram;

use crate::base::diag::Diagnostics;
use crate::config::module::Availability;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::config::param::Kind;
use crate::config::param::Params;
use crate::config::param::Spec;
use crate::output::Task;
use crate::output::common::Common;
use crate::output::uxsock;
use crate::output::uxsock::Sent;
use crate::output::uxsock::Target;

pub const NAME: &str = "omjournal";

/// What it takes.
pub static MODULE: Module = Module {
    name: NAME,
    role: Role::Output,
    doc: "Writes to the systemd journal.",
    availability: Availability::Ready,
    module: &[],
    instance: &[PARAMS],
};

/// `MESSAGE`, `PRIORITY`, `SYSLOG_FACILITY` and `SYSLOG_IDENTIFIER`.
const DEFAULT_TEMPLATE: &str = " StdJournalFmt";
/// Where journald listens.
const SOCKET: &str = "/run/systemd/journal/socket";

static PARAMS: &[Spec] =
    &[Spec::new("socket", Kind::Str, SOCKET, "The journal's socket, where it is elsewhere.").own()];

/// An omjournal action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalSpec {
    pub common: Common,
    pub template: String,
    pub socket: String,
}

impl JournalSpec {
    /// Reads checked parameters; `None` (complained of) if there is nothing to run.
    pub fn compile(params: &Params, diags: &mut Diagnostics) -> Option<Self> {
        let mut common = Common::compile(params, diags)?;
        let template = common.template.take().unwrap_or_else(|| DEFAULT_TEMPLATE.to_owned());
        let socket = params.str("socket").unwrap_or(SOCKET).to_owned();
        uxsock::check_address(
            &socket,
            params,
            "name it: socket=\"/run/systemd/journal/socket\"",
            diags,
        )?;
        Some(Self { common, template, socket })
    }
}

/// Sends what comes out of the task's queue until nothing will come any more.
pub(super) async fn run(spec: JournalSpec, task: Task) {
    let target = Target { socket: &spec.socket, by_file: Some(by_file) };
    uxsock::deliver(&spec.common, target, task).await;
}

fn by_file<'a>(
    socket: &'a UnixDatagram,
    bytes: &'a [u8],
) -> Pin<Box<dyn Future<Output = io::Result<Sent>> + Send + 'a>> {
    Box::pin(async move {
        let file = sealed(bytes)?;
        socket.async_io(Interest::WRITABLE, || pass(socket, &file)).await?;
        Ok(Sent::Yes)
    })
}

/// A file in memory that nobody can change any more.
fn sealed(bytes: &[u8]) -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let mut file = std::fs::File::from(rustix::fs::memfd_create("journal-entry", flags)?);
    file.write_all(bytes)?;
    let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&file, seals)?;
    Ok(file.into())
}

/// Sends a datagram without bytes that carries the file.
fn pass(socket: &UnixDatagram, file: &OwnedFd) -> io::Result<()> {
    let files = [file.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&files)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let nothing: [IoSlice<'_>; 0] = [];
    rustix::net::sendmsg(socket, &nothing, &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}
