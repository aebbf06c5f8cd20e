//! `omuxsock`: a datagram for each message, to a unix socket on this machine.

#[cfg(test)]
mod tests;

use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use tokio::net::UnixDatagram;
use tokio::time::timeout;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::num::count;
use crate::base::reporter::Level;
use crate::config::module::Availability;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::config::param::Kind;
use crate::config::param::Params;
use crate::config::param::Spec;
use crate::output::Defaults;
use crate::output::Task;
use crate::output::common::Common;
use crate::output::task::Health;
use crate::output::task::Pending;

pub const NAME: &str = "omuxsock";

/// What it takes.
pub static MODULE: Module = Module {
    name: NAME,
    role: Role::Output,
    doc: "Sends to a unix datagram socket ($OMUxSockSocket).",
    availability: Availability::Ready,
    module: &[MODULE_PARAMS],
    instance: &[PARAMS],
};

/// rsyslog's default for omuxsock.
pub const DEFAULT_TEMPLATE: &str = "RSYSLOG_TraditionalForwardFormat";

static MODULE_PARAMS: &[Spec] = &[Spec::new(
    "template",
    Kind::Template,
    DEFAULT_TEMPLATE,
    "The template of omuxsock actions that name none.",
)];

/// rsyslog 8.2302 has directives for them alone.
static PARAMS: &[Spec] = &[Spec::new(
    "socket",
    Kind::Str,
    "",
    "The socket's path ($OMUxSockSocket); @name is an abstract one.",
)];

/// How long a receiver may leave its socket full before that is a failure.
const PATIENCE: Duration = Duration::from_secs(5);

/// An omuxsock action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UxSockSpec {
    pub common: Common,
    /// The template, or the module's default.
    pub template: String,
    pub socket: String,
}

impl UxSockSpec {
    /// Reads checked parameters; `None` (complained of) if there is nothing to run.
    pub fn compile(params: &Params, defaults: &Defaults, diags: &mut Diagnostics) -> Option<Self> {
        let mut common = Common::compile(params, diags)?;
        let socket = params.str("socket").unwrap_or_default().to_owned();
        let help = "name it: $OMUxSockSocket /run/name, in front of :omuxsock:";
        check_address(&socket, params, help, diags)?;
        let template = common.template.take().unwrap_or_else(|| defaults.uxsock_template.clone());
        Some(Self { common, template, socket })
    }
}

/// Complains of what cannot be a socket's name.
pub(super) fn check_address(
    socket: &str,
    params: &Params,
    help: &str,
    diags: &mut Diagnostics,
) -> Option<()> {
    let text = match address(socket) {
        _ if socket.is_empty() => "no socket to send to".to_owned(),
        Ok(_) => return Some(()),
        Err(e) => format!("'{socket}' is no name of a socket: {e}"),
    };
    let complaint = Diagnostic::error(params.loc("socket"), text).help(help);
    params.missing(&["socket"], complaint, diags);
    None
}

/// A path, or `@` and an abstract name.
fn address(socket: &str) -> io::Result<SocketAddr> {
    match socket.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(socket),
    }
}

/// A socket that is connected: only so does the kernel say when the receiver has room again.
fn connect(socket: &str) -> io::Result<UnixDatagram> {
    let open = std::os::unix::net::UnixDatagram::unbound()?;
    open.set_nonblocking(true)?;
    open.connect_addr(&address(socket)?)?;
    UnixDatagram::from_std(open)
}

/// Where datagrams go.
pub(super) struct Target<'a> {
    pub(super) socket: &'a str,
    /// Sends what is too large for a datagram.
    pub(super) by_file: Option<ByFile>,
}

/// Sends bytes in a file.
pub(super) type ByFile = for<'a> fn(
    &'a UnixDatagram,
    &'a [u8],
) -> Pin<Box<dyn Future<Output = io::Result<Sent>> + Send + 'a>>;

/// What became of a message.
pub(super) enum Sent {
    Yes,
    /// It is larger than any datagram can be.
    TooLarge,
}

/// Sends; a receiver that was started anew is found at once.
async fn send(
    connection: &mut Option<UnixDatagram>,
    target: &Target<'_>,
    bytes: &[u8],
    task: &Task,
) -> io::Result<Sent> {
    let fresh = connection.is_none();
    let open = match connection.take() {
        Some(open) => open,
        None => {
            task.stats.opened.add(1);
            connect(target.socket)?
        }
    };
    match timeout(PATIENCE, open.send(bytes)).await {
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "its receiver does not read")),
        Ok(Ok(_)) => {
            *connection = Some(open);
            Ok(Sent::Yes)
        }
        Ok(Err(e)) if e.raw_os_error() == Some(libc::EMSGSIZE) => {
            let sent = match target.by_file {
                Some(by_file) => by_file(&open, bytes).await?,
                None => Sent::TooLarge,
            };
            *connection = Some(open);
            Ok(sent)
        }
        Ok(Err(_)) if !fresh => Box::pin(send(connection, target, bytes, task)).await,
        Ok(Err(e)) => Err(e),
    }
}

/// Sends what comes out of the task's queue until nothing will come any more.
pub(super) async fn run(spec: UxSockSpec, task: Task) {
    deliver(&spec.common, Target { socket: &spec.socket, by_file: None }, task).await;
}

/// The same, for all outputs that do so.
pub(super) async fn deliver(common: &Common, target: Target<'_>, task: Task) {
    let mut health = Health::new(&task, common);
    let mut connection = None;
    let mut pending = Pending::default();
    let mut complained = false;
    while !pending.is_empty() || task.queue.take(&mut pending.chunks).await {
        let Some(chunk) = pending.chunks.front() else { continue };
        let at = pending.offset;
        let through = chunk.ends.partition_point(|end| *end as usize <= at);
        let end = chunk.ends.get(through).map_or(chunk.bytes.len(), |end| *end as usize);
        if end > at {
            match send(&mut connection, &target, &chunk.bytes[at..end], &task).await {
                Ok(Sent::Yes) => health.worked(),
                Ok(Sent::TooLarge) => {
                    pending.unsendable += 1;
                    if !std::mem::replace(&mut complained, true) {
                        let text = format!("drops messages like one of {} bytes", end - at);
                        health.say(Level::Warning, &format!("{text}: too large for a datagram"));
                    }
                }
                Err(e) => {
                    let why = format!("cannot send to {}: {e}", target.socket);
                    health.pause(&why, &mut pending, &task).await;
                    continue;
                }
            }
        }
        let mut unsendable = std::mem::take(&mut pending.unsendable);
        pending.advance(end - at, |chunk| {
            let lost = std::mem::take(&mut unsendable);
            task.stats.dropped_unsendable.add(lost);
            task.stats.delivered.add(count(chunk.len()).saturating_sub(lost));
            task.stats.bytes.add(count(chunk.bytes.len()));
            task.queue.done(chunk);
        });
        pending.unsendable = unsendable;
    }
}
