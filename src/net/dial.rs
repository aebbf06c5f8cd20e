//! Outgoing connections.

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
    /// Send through this interface (or VRF).
    pub device: Option<String>,
    /// Send from this address, a name or number (UDP alone, as in rsyslog).
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
            device: None,
            address: None,
            free_bind: FreeBind::default(),
        }
    }
}

/// Connects to the first address of `host` that answers. The name is resolved anew.
///
/// # Errors
/// If the name is not known; else what the last address that was tried said.
pub async fn tcp(host: &str, port: &str, options: &DialOptions) -> io::Result<TcpStream> {
    let addresses = resolve::resolve_later(host, port, options.family, Transport::Tcp).await?;
    let mut last = None;
    for address in addresses {
        match tokio::time::timeout(options.timeout, tcp_to(address, options)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(e)) => last = Some(e),
            Err(_) => last = Some(io::ErrorKind::TimedOut.into()),
        }
    }
    Err(last.unwrap_or_else(|| io::ErrorKind::NotFound.into()))
}

async fn tcp_to(address: SocketAddr, options: &DialOptions) -> io::Result<TcpStream> {
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
    let local = match &options.address {
        Some(name) => resolve::resolve_later(name, "0", options.family, Transport::Udp).await?,
        None => Vec::new(),
    };
    let mut sockets = Vec::new();
    let mut last = None;
    for address in addresses {
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
    if !local.is_empty() {
        let Some(from) = local.iter().find(|from| from.is_ipv4() == address.is_ipv4()) else {
            return Err(io::ErrorKind::AddrNotAvailable.into());
        };
        options::bind(&socket, *from, options.free_bind)?;
    }
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
