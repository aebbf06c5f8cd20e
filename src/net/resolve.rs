//! Names to addresses, by the system's resolver.

use std::io;
use std::net::SocketAddr;

use dns_lookup::AddrInfoHints;

/// Which addresses are wanted (`rsyslogd -4`, `-6`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    #[default]
    Any,
    V4,
    V6,
}

/// What the socket will be; service names may differ by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    Tcp,
    Udp,
}

/// The addresses of `host` (all local ones if there is none) with the port that `port` names or
/// is. Asks name servers, and so may block for seconds.
pub(super) fn resolve(
    host: Option<&str>,
    port: &str,
    family: Family,
    transport: Transport,
) -> io::Result<Vec<SocketAddr>> {
    let hints = AddrInfoHints {
        flags: if host.is_none() { libc::AI_PASSIVE } else { 0 },
        address: match family {
            Family::Any => libc::AF_UNSPEC,
            Family::V4 => libc::AF_INET,
            Family::V6 => libc::AF_INET6,
        },
        socktype: match transport {
            Transport::Tcp => libc::SOCK_STREAM,
            Transport::Udp => libc::SOCK_DGRAM,
        },
        protocol: 0,
    };
    let found = dns_lookup::getaddrinfo(host, Some(port), Some(hints)).map_err(io::Error::from)?;
    let mut addresses = Vec::new();
    for entry in found {
        let address = entry?.sockaddr;
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "no address"));
    }
    Ok(addresses)
}

/// As [`resolve`], without holding up the runtime.
pub(super) async fn resolve_later(
    host: &str,
    port: &str,
    family: Family,
    transport: Transport,
) -> io::Result<Vec<SocketAddr>> {
    let (host, port) = (host.to_owned(), port.to_owned());
    tokio::task::spawn_blocking(move || resolve(Some(&host), &port, family, transport))
        .await
        .map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        let any = |port, family| resolve(None, port, family, Transport::Tcp).unwrap();
        assert_eq!(any("0", Family::V4), ["0.0.0.0:0".parse().unwrap()]);
        assert_eq!(any("514", Family::V6), ["[::]:514".parse().unwrap()]);
        assert_eq!(
            resolve(Some("::1"), "514", Family::Any, Transport::Udp).unwrap(),
            ["[::1]:514".parse().unwrap()]
        );
        assert!(resolve(Some("::1"), "514", Family::V4, Transport::Udp).is_err());
        assert!(resolve(None, "no-such-service", Family::Any, Transport::Tcp).is_err());
    }
}
