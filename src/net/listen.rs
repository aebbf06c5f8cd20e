//! Listening sockets, opened as rsyslog opens them: without an address, one for all of IPv4 and
//! one for all of IPv6.

use std::io;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::UdpSocket;

use socket2::Domain;
use socket2::Protocol;
use socket2::Socket;
use socket2::Type;

use crate::net::options;
use crate::net::options::FreeBind;
use crate::net::resolve;
use crate::net::resolve::Family;
use crate::net::resolve::Transport;

/// rsyslog's default of `socketBacklog` is 5; the kernel's ceiling is `net.core.somaxconn`.
const BACKLOG_DEFAULT: i32 = 1024;

/// A socket's part in sharing an address (`SO_REUSEPORT`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Share {
    #[default]
    Alone,
    /// Binds alone, so that no other process has the address already (it would go on taking its
    /// part of the datagrams), and lets further sockets join.
    First,
    /// Joins the first one.
    More,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenOptions {
    pub family: Family,
    /// Bind to this interface (or VRF) alone.
    pub device: Option<String>,
    pub free_bind: FreeBind,
    /// Connections that may wait to be accepted.
    pub backlog: i32,
    /// Whether several sockets, one a shard, bind to one address and share what comes.
    pub share: Share,
    /// `rcvbufSize`, bytes.
    pub receive_buffer: Option<usize>,
}

impl Default for ListenOptions {
    fn default() -> Self {
        Self {
            family: Family::Any,
            device: None,
            free_bind: FreeBind::default(),
            backlog: BACKLOG_DEFAULT,
            share: Share::Alone,
            receive_buffer: None,
        }
    }
}

/// What could be opened, at least one socket, and what could not.
#[derive(Debug)]
pub struct Bound<S> {
    pub sockets: Vec<S>,
    /// Addresses at which nothing listens, and why.
    pub failed: Vec<(SocketAddr, io::Error)>,
    /// Addresses that no interface has (`ipFreeBind="2"`).
    pub free_bound: Vec<SocketAddr>,
}

/// Listens for TCP connections on `address` (a name or number; all addresses if `None`). `port`
/// is a number or a service name; with 0 the system chooses one, the same for all sockets. The
/// sockets do not block.
///
/// # Errors
/// If a name is not known, or nothing could be bound: then why the first could not.
pub fn tcp_listeners(
    address: Option<&str>,
    port: &str,
    options: &ListenOptions,
) -> io::Result<Bound<TcpListener>> {
    open(address, port, options, Transport::Tcp)
}

/// Binds UDP sockets, as [`tcp_listeners`] does for TCP. Call it once a shard, first with
/// [`Share::First`], then with [`Share::More`] (and the port that the first call got, if it was 0).
///
/// # Errors
/// As [`tcp_listeners`].
pub fn udp_sockets(
    address: Option<&str>,
    port: &str,
    options: &ListenOptions,
) -> io::Result<Bound<UdpSocket>> {
    open(address, port, options, Transport::Udp)
}

fn open<S: From<Socket>>(
    address: Option<&str>,
    port: &str,
    options: &ListenOptions,
    transport: Transport,
) -> io::Result<Bound<S>> {
    let mut bound = Bound { sockets: Vec::new(), failed: Vec::new(), free_bound: Vec::new() };
    let mut chosen = None;
    for mut at in resolve::resolve(address, port, options.family, transport)? {
        if at.port() == 0 {
            at.set_port(chosen.unwrap_or(0));
        }
        match open_one(at, options, transport) {
            Ok((socket, told)) => {
                chosen = chosen.or_else(|| Some(socket.local_addr().ok()?.as_socket()?.port()));
                if told {
                    bound.free_bound.push(at);
                }
                bound.sockets.push(socket.into());
            }
            // A kernel without IPv6 (or IPv4) is no fault where nobody asked for it.
            Err(e) if e.raw_os_error() == Some(libc::EAFNOSUPPORT) && address.is_none() => {}
            Err(e) => bound.failed.push((at, e)),
        }
    }
    if !bound.sockets.is_empty() {
        return Ok(bound);
    }
    Err(match bound.failed.into_iter().next() {
        Some((at, e)) => io::Error::new(e.kind(), format!("{at}: {e}")),
        None => io::Error::new(io::ErrorKind::Unsupported, "no such address family"),
    })
}

fn open_one(
    at: SocketAddr,
    options: &ListenOptions,
    transport: Transport,
) -> io::Result<(Socket, bool)> {
    let (kind, protocol) = match transport {
        Transport::Tcp => (Type::STREAM, Protocol::TCP),
        Transport::Udp => (Type::DGRAM, Protocol::UDP),
    };
    let socket = Socket::new(Domain::for_address(at), kind, Some(protocol))?;
    socket.set_nonblocking(true)?;
    if at.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    match transport {
        // A restart must not wait for old connections to time out.
        Transport::Tcp => socket.set_reuse_address(true)?,
        // Without shards no second process may share the port: it would take half the datagrams.
        Transport::Udp => {}
    }
    if options.share == Share::More {
        socket.set_reuse_port(true)?;
    }
    if let Some(device) = &options.device {
        socket.bind_device(Some(device.as_bytes()))?;
    }
    if let Some(bytes) = options.receive_buffer {
        options::set_receive_buffer(&socket, bytes)?;
    }
    let told = options::bind(&socket, at, options.free_bind)?;
    if options.share == Share::First {
        socket.set_reuse_port(true)?;
    }
    if transport == Transport::Tcp {
        socket.listen(options.backlog)?;
    }
    Ok((socket, told))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_addresses_means_two_sockets_on_one_port() {
        let bound = tcp_listeners(None, "0", &ListenOptions::default()).unwrap();
        assert!(bound.failed.is_empty());
        assert_eq!(bound.sockets.len(), 2);
        let ports: Vec<u16> =
            bound.sockets.iter().map(|s| s.local_addr().unwrap().port()).collect();
        assert_eq!(ports[0], ports[1]);
        for host in ["127.0.0.1", "::1"] {
            std::net::TcpStream::connect((host, ports[0])).unwrap();
        }
    }

    #[test]
    fn one_family_on_demand() {
        let options = ListenOptions { family: Family::V6, ..ListenOptions::default() };
        let bound = udp_sockets(None, "0", &options).unwrap();
        assert_eq!(bound.sockets.len(), 1);
        assert!(bound.sockets[0].local_addr().unwrap().is_ipv6());
    }

    #[test]
    fn shards_share_a_udp_port() {
        let options = |share| ListenOptions {
            share,
            receive_buffer: Some(1 << 20),
            ..ListenOptions::default()
        };
        let bind = |port: &str, share| udp_sockets(Some("127.0.0.1"), port, &options(share));
        let first = bind("0", Share::First).unwrap();
        let at = first.sockets[0].local_addr().unwrap();
        let port = at.port().to_string();
        let more = bind(&port, Share::More).unwrap();
        assert_eq!(more.sockets.len(), 1);
        // A second process is no shard of this one.
        for share in [Share::First, Share::Alone] {
            assert_eq!(bind(&port, share).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        }
        // They share: of many senders each socket gets some.
        for _ in 0..64 {
            UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"x", at).unwrap();
        }
        for socket in [&first.sockets[0], &more.sockets[0]] {
            socket.recv(&mut [0]).unwrap();
        }
    }

    #[test]
    fn a_port_in_use_is_named() {
        let options = ListenOptions::default();
        let first = tcp_listeners(Some("127.0.0.1"), "0", &options).unwrap();
        let at = first.sockets[0].local_addr().unwrap();
        let error = tcp_listeners(Some("127.0.0.1"), &at.port().to_string(), &options).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().contains(&at.to_string()));
    }

    #[test]
    fn an_absent_address_binds_if_it_may() {
        let mut options = ListenOptions::default();
        let bound = udp_sockets(Some("192.0.2.77"), "0", &options).unwrap();
        assert_eq!(bound.free_bound.len(), 1);
        options.free_bind = FreeBind::Never;
        assert!(udp_sockets(Some("192.0.2.77"), "0", &options).is_err());
    }
}
