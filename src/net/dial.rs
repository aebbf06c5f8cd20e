//! Outgoing connections.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::Domain;
use socket2::Protocol;
use socket2::Socket;
use socket2::Type;
use tokio::net::TcpSocket;
use tokio::net::TcpStream;
use tokio::net::UdpSocket;

use crate::net::options;
use crate::net::options::FreeBind;
use crate::net::options::KeepAlive;
use crate::net::resolve;
use crate::net::resolve::Family;
use crate::net::resolve::Transport;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialOptions {
    pub family: Family,
    /// For each address that is tried.
    pub timeout: Duration,
    pub keep_alive: Option<KeepAlive>,
    /// Gives a connection up when sent data stays unacknowledged this long (TCP alone).
    pub user_timeout: Option<Duration>,
    /// Bytes that the kernel takes beyond what is under way (TCP alone); `None`: its buffer's size.
    pub unsent_max: Option<u32>,
    /// Send through this interface (or VRF).
    pub device: Option<String>,
    /// Send from this address, a name or number (as in rsyslog not omfwd over TCP).
    pub address: Option<String>,
    pub free_bind: FreeBind,
}

impl Default for DialOptions {
    fn default() -> Self {
        Self {
            family: Family::Any,
            timeout: Duration::from_secs(10),
            keep_alive: None,
            user_timeout: None,
            unsent_max: None,
            device: None,
            address: None,
            free_bind: FreeBind::default(),
        }
    }
}

/// How long a name server may take once an address of the peer is known.
const RESOLVE: Duration = Duration::from_secs(5);

/// A host that is connected to more than once. Its name is resolved anew each time; while that
/// fails, the addresses it last had are tried.
#[derive(Debug)]
pub struct Peer {
    host: String,
    port: String,
    last: Vec<SocketAddr>,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let colon = self.host.contains(':');
        let (open, close) = if colon { ("[", "]") } else { ("", "") };
        write!(f, "{open}{}{close}:{}", self.host, self.port)
    }
}

impl Peer {
    #[must_use]
    pub fn new(host: &str, port: &str) -> Self {
        Self { host: host.to_owned(), port: port.to_owned(), last: Vec::new() }
    }

    /// As [`tcp`].
    ///
    /// # Errors
    /// As [`tcp`].
    pub async fn connect(&mut self, options: &DialOptions) -> io::Result<TcpStream> {
        self.resolve(options, Transport::Tcp).await?;
        tcp_to_any(&self.last, options).await
    }

    /// As [`udp`].
    ///
    /// # Errors
    /// As [`udp`].
    pub async fn sockets(
        &mut self,
        options: &DialOptions,
        all: bool,
    ) -> io::Result<Vec<UdpSocket>> {
        self.resolve(options, Transport::Udp).await?;
        udp_to_any(&self.last, options, all).await
    }

    /// Brings `last` up to date as far as that is possible.
    async fn resolve(&mut self, options: &DialOptions, transport: Transport) -> io::Result<()> {
        let asked = resolve::resolve_later(&self.host, &self.port, options.family, transport);
        if self.last.is_empty() {
            self.last = asked.await?;
        } else if let Ok(Ok(found)) = tokio::time::timeout(RESOLVE, asked).await {
            self.last = found;
        }
        Ok(())
    }
}

/// Connects to the first address of `host` that answers. The name is resolved anew.
///
/// # Errors
/// If the name is not known; else what the last address that was tried said.
pub async fn tcp(host: &str, port: &str, options: &DialOptions) -> io::Result<TcpStream> {
    let addresses = resolve::resolve_later(host, port, options.family, Transport::Tcp).await?;
    tcp_to_any(&addresses, options).await
}

async fn tcp_to_any(addresses: &[SocketAddr], options: &DialOptions) -> io::Result<TcpStream> {
    let local = local_addresses(options, Transport::Tcp).await?;
    let mut last = None;
    for address in addresses.iter().copied() {
        match tokio::time::timeout(options.timeout, tcp_to(address, &local, options)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(e)) => last = Some(e),
            Err(_) => last = Some(io::ErrorKind::TimedOut.into()),
        }
    }
    Err(last.unwrap_or_else(|| io::ErrorKind::NotFound.into()))
}

/// Where to send from, if that is given.
async fn local_addresses(
    options: &DialOptions,
    transport: Transport,
) -> io::Result<Vec<SocketAddr>> {
    match &options.address {
        Some(name) => resolve::resolve_later(name, "0", options.family, transport).await,
        None => Ok(Vec::new()),
    }
}

/// Binds a socket that is to go to `address` to the one of `local` that fits, if there are any.
fn bind_local(
    socket: &Socket,
    address: SocketAddr,
    local: &[SocketAddr],
    options: &DialOptions,
) -> io::Result<()> {
    if local.is_empty() {
        return Ok(());
    }
    let Some(from) = local.iter().find(|from| from.is_ipv4() == address.is_ipv4()) else {
        return Err(io::ErrorKind::AddrNotAvailable.into());
    };
    options::bind(socket, *from, options.free_bind).map(|_| ())
}

async fn tcp_to(
    address: SocketAddr,
    local: &[SocketAddr],
    options: &DialOptions,
) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    if let Some(device) = &options.device {
        socket.bind_device(Some(device.as_bytes()))?;
    }
    if let Some(keep_alive) = options.keep_alive {
        keep_alive.apply(&socket)?;
    }
    if let Some(timeout) = options.user_timeout {
        socket.set_tcp_user_timeout(Some(timeout))?;
    }
    if let Some(bytes) = options.unsent_max {
        socket.set_tcp_notsent_lowat(bytes)?;
    }
    bind_local(&socket, address, local, options)?;
    // Writes are gathered here already; the kernel must not wait for more.
    socket.set_tcp_nodelay(true)?;
    let stream = TcpSocket::from_std_stream(socket.into()).connect(address).await?;
    // A connection attempt to an unused local port in the ephemeral range can meet itself.
    if stream.local_addr()? == stream.peer_addr()? {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    Ok(stream)
}

/// Sockets that are connected to the addresses of `host`: to the first one that works, or with
/// `all` to each (`udp.SendToAll`).
///
/// # Errors
/// If the name is not known, or no address works: what the last one said.
pub async fn udp(
    host: &str,
    port: &str,
    options: &DialOptions,
    all: bool,
) -> io::Result<Vec<UdpSocket>> {
    let addresses = resolve::resolve_later(host, port, options.family, Transport::Udp).await?;
    udp_to_any(&addresses, options, all).await
}

async fn udp_to_any(
    addresses: &[SocketAddr],
    options: &DialOptions,
    all: bool,
) -> io::Result<Vec<UdpSocket>> {
    let local = local_addresses(options, Transport::Udp).await?;
    let mut sockets = Vec::new();
    let mut last = None;
    for address in addresses.iter().copied() {
        match udp_to(address, &local, options) {
            Ok(socket) => {
                sockets.push(socket);
                if !all {
                    break;
                }
            }
            Err(e) => last = Some(e),
        }
    }
    if sockets.is_empty() {
        return Err(last.unwrap_or_else(|| io::ErrorKind::NotFound.into()));
    }
    Ok(sockets)
}

fn udp_to(
    address: SocketAddr,
    local: &[SocketAddr],
    options: &DialOptions,
) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    if let Some(device) = &options.device {
        socket.bind_device(Some(device.as_bytes()))?;
    }
    // A broadcast address is a legal target.
    socket.set_broadcast(true)?;
    bind_local(&socket, address, local, options)?;
    socket.connect(&address.into())?;
    UdpSocket::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn connects_by_name_and_is_refused() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let options = DialOptions {
            keep_alive: Some(KeepAlive { probes: Some(3), ..KeepAlive::default() }),
            user_timeout: Some(Duration::from_secs(30)),
            ..DialOptions::default()
        };
        let stream = tcp("localhost", &port, &options).await.unwrap();
        let socket = socket2::SockRef::from(&stream);
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), 3);
        drop(listener);
        let error = tcp("127.0.0.1", &port, &options).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert!(tcp("no-such-host.invalid", &port, &options).await.is_err());
    }

    #[tokio::test]
    async fn a_name_that_is_gone_keeps_its_address() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let options = DialOptions::default();
        let mut peer = Peer::new("no-such-host.invalid", "514");
        assert!(peer.connect(&options).await.is_err());
        peer.last = vec![address];
        assert_eq!(peer.connect(&options).await.unwrap().peer_addr().unwrap(), address);
        // And an address that is known is replaced by what the name has come to mean.
        let mut peer = Peer::new("127.0.0.1", &address.port().to_string());
        peer.last = vec!["192.0.2.1:9".parse().unwrap()];
        assert_eq!(peer.connect(&options).await.unwrap().peer_addr().unwrap(), address);
        assert_eq!(Peer::new("::1", "514").to_string(), "[::1]:514");
    }

    #[tokio::test]
    async fn udp_comes_from_the_asked_address() {
        let server = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port().to_string();
        let options =
            DialOptions { address: Some("127.0.0.9".to_owned()), ..DialOptions::default() };
        let sockets = udp("127.0.0.1", &port, &options, false).await.unwrap();
        sockets[0].send(b"x").await.unwrap();
        assert_eq!(server.recv_from(&mut [0; 9]).unwrap().1.ip().to_string(), "127.0.0.9");
    }
}
