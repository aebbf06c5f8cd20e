//! Socket options that several kinds of socket share.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::time::Duration;

use socket2::SockRef;
use socket2::Socket;
use socket2::TcpKeepalive;

/// TCP keep-alive probes; what is `None` is left to the system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeepAlive {
    /// Idle time before the first probe.
    pub time: Option<Duration>,
    /// Between probes.
    pub interval: Option<Duration>,
    /// Unanswered probes after which the connection is dead.
    pub probes: Option<u32>,
}

impl KeepAlive {
    /// Turns probing on for a connection, dialled or accepted.
    ///
    /// # Errors
    /// What `setsockopt` says.
    pub fn apply(self, socket: &impl AsFd) -> io::Result<()> {
        let mut options = TcpKeepalive::new();
        if let Some(time) = self.time {
            options = options.with_time(time);
        }
        if let Some(interval) = self.interval {
            options = options.with_interval(interval);
        }
        if let Some(probes) = self.probes {
            options = options.with_retries(probes);
        }
        // This sets SO_KEEPALIVE as well.
        SockRef::from(socket).set_tcp_keepalive(&options)
    }
}

/// Whether a socket may be bound to an address that no interface has (rsyslog `ipFreeBind`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FreeBind {
    /// 0: no.
    Never,
    /// 1: where it is needed.
    Quiet,
    /// 2: where it is needed, and then it is told.
    #[default]
    Told,
}

impl FreeBind {
    /// From rsyslog's number; `None` if it is not one.
    #[must_use]
    pub const fn from_number(n: i64) -> Option<Self> {
        match n {
            0 => Some(Self::Never),
            1 => Some(Self::Quiet),
            2 => Some(Self::Told),
            _ => None,
        }
    }
}

/// Binds `socket`; true if that took `IP_FREEBIND` and `free` says that this is to be told.
pub(super) fn bind(socket: &Socket, address: SocketAddr, free: FreeBind) -> io::Result<bool> {
    match socket.bind(&address.into()) {
        Err(e) if e.kind() == io::ErrorKind::AddrNotAvailable && free != FreeBind::Never => {
            match address {
                SocketAddr::V4(_) => socket.set_freebind_v4(true)?,
                SocketAddr::V6(_) => socket.set_freebind_v6(true)?,
            }
            socket.bind(&address.into())?;
            Ok(free == FreeBind::Told)
        }
        bound => bound.map(|()| false),
    }
}

/// Asks for a receive buffer of `bytes`: past `net.core.rmem_max` if this process may
/// (`CAP_NET_ADMIN`), else up to it. Returns what the kernel granted (it counts its own
/// book-keeping in, and so usually says twice as much).
///
/// # Errors
/// What `setsockopt` says.
pub fn set_receive_buffer(socket: &impl AsFd, bytes: usize) -> io::Result<usize> {
    let fd = socket.as_fd();
    let bytes = bytes.min(i32::MAX.unsigned_abs() as usize / 2);
    if rustix::net::sockopt::set_socket_recv_buffer_size_force(fd, bytes).is_err() {
        SockRef::from(socket).set_recv_buffer_size(bytes)?;
    }
    SockRef::from(socket).recv_buffer_size()
}

/// As [`set_receive_buffer`], for sending (`net.core.wmem_max`).
///
/// # Errors
/// What `setsockopt` says.
pub fn set_send_buffer(socket: &impl AsFd, bytes: usize) -> io::Result<usize> {
    let fd = socket.as_fd();
    let bytes = bytes.min(i32::MAX.unsigned_abs() as usize / 2);
    if rustix::net::sockopt::set_socket_send_buffer_size_force(fd, bytes).is_err() {
        SockRef::from(socket).set_send_buffer_size(bytes)?;
    }
    SockRef::from(socket).send_buffer_size()
}
