//! Who may send (rsyslog `$AllowedSender`): addresses, networks, and names with wildcards.

use std::net::IpAddr;
use std::net::Ipv6Addr;
use std::net::ToSocketAddrs;

/// A list of senders. One that is empty lets nobody in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedSenders {
    networks: Vec<Network>,
    /// With `*` and `?`, in lower case.
    names: Vec<Box<[u8]>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    /// Leading bits that count.
    bits: u32,
}

/// How names in a list are taken (`net.aclResolveHostname`, `net.aclAddHostnameOnFail`).
#[derive(Clone, Copy, Debug)]
pub struct NameRules {
    /// A name without wildcards stands for the addresses that it has now.
    pub resolve: bool,
    /// One that has none is compared with the names of senders, like one with wildcards.
    pub keep_unknown: bool,
}

impl Default for NameRules {
    fn default() -> Self {
        Self { resolve: true, keep_unknown: false }
    }
}

/// What is wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// No number behind the slash, or a name with one. The entry is left out.
    Bits(String),
    /// `/0` would let everybody in: taken for a single address.
    Everybody,
    /// More bits than there are: taken for a single address.
    TooMany(u32),
    /// The name has no address. The entry is left out.
    Unknown,
}

impl AllowedSenders {
    /// Adds `entry`: `192.0.2.0/24`, `[2001:db8::]/32`, `host.example.com`, `*.example.com`.
    ///
    /// # Errors
    /// What is wrong with it, and whether it was added all the same.
    pub fn add(&mut self, entry: &str, rules: NameRules) -> Result<(), Flaw> {
        let (place, bits) = match entry.split_once('/') {
            None => (entry, None),
            Some((place, bits)) => {
                let bits = bits.parse::<u32>().map_err(|_| Flaw::Bits(bits.to_owned()))?;
                (place, Some(bits))
            }
        };
        let bare = place.strip_prefix('[').and_then(|p| p.strip_suffix(']')).unwrap_or(place);
        if let Ok(address) = bare.parse() {
            return self.network(address, bits);
        }
        if let Some(bits) = bits {
            return Err(Flaw::Bits(bits.to_string()));
        }
        if !rules.resolve || place.contains(['*', '?']) {
            self.name(place);
            return Ok(());
        }
        match (place, 0).to_socket_addrs() {
            Ok(found) => {
                let found = found.map(|at| Network::host(at.ip()));
                self.networks.extend(found);
                Ok(())
            }
            Err(_) if rules.keep_unknown => {
                self.name(place);
                Ok(())
            }
            Err(_) => Err(Flaw::Unknown),
        }
    }

    fn name(&mut self, name: &str) {
        self.names.push(name.to_ascii_lowercase().into_bytes().into());
    }

    fn network(&mut self, address: IpAddr, bits: Option<u32>) -> Result<(), Flaw> {
        let host = Network::host(address);
        let (bits, verdict) = match bits {
            None => (host.bits, Ok(())),
            Some(0) => (host.bits, Err(Flaw::Everybody)),
            Some(n) if n > host.bits => (host.bits, Err(Flaw::TooMany(n))),
            Some(n) => (n, Ok(())),
        };
        self.networks.push(Network { address, bits });
        verdict
    }

    /// Whether `ip` may send; `None` if its name has to say.
    #[must_use]
    pub fn of_address(&self, ip: IpAddr) -> Option<bool> {
        if self.networks.iter().any(|network| network.holds(ip)) {
            return Some(true);
        }
        self.names.is_empty().then_some(false)
    }

    /// Whether a sender of this name may send.
    #[must_use]
    pub fn has_name(&self, name: &str) -> bool {
        self.names.iter().any(|pattern| matches(pattern, name.as_bytes()))
    }
}

impl Network {
    const fn host(address: IpAddr) -> Self {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        Self { address, bits }
    }

    /// An IPv4 network holds no IPv6 address, and the other way round.
    fn holds(self, ip: IpAddr) -> bool {
        if self.address.is_ipv4() != ip.is_ipv4() {
            return false;
        }
        // IPv4 addresses are compared in their mapped form, where 96 bits stand before them.
        let before = if ip.is_ipv4() { 96 } else { 0 };
        let differ = number(self.address) ^ number(ip);
        differ.leading_zeros() >= before + self.bits
    }
}

fn number(ip: IpAddr) -> u128 {
    let ip = match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    Ipv6Addr::to_bits(ip)
}

/// Shell patterns of `*` and `?`; `pattern` is in lower case, `text` may be in any. On a mismatch
/// the last `*` takes one byte more, so that the time is bounded by the product of the lengths.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star = None;
    while let Some(byte) = text.get(t) {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(b'?') => (p, t) = (p + 1, t + 1),
            Some(wanted) if *wanted == byte.to_ascii_lowercase() => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (p, t) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[&str]) -> AllowedSenders {
        let mut list = AllowedSenders::default();
        for entry in entries {
            list.add(entry, NameRules::default()).unwrap();
        }
        list
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn networks_hold_their_addresses() {
        let list = list(&["192.0.2.0/25", "198.51.100.7", "[2001:db8::]/33", "::1"]);
        for inside in ["192.0.2.127", "198.51.100.7", "2001:db8:7fff::1", "::1"] {
            assert_eq!(list.of_address(ip(inside)), Some(true), "{inside}");
        }
        for outside in ["192.0.2.128", "198.51.100.6", "2001:db8:8000::1", "::2", "0.0.0.1"] {
            assert_eq!(list.of_address(ip(outside)), Some(false), "{outside}");
        }
    }

    #[test]
    fn names_are_asked_for_last() {
        let list = list(&["192.0.2.1", "*.Example.net", "h?st"]);
        assert_eq!(list.of_address(ip("192.0.2.1")), Some(true));
        assert_eq!(list.of_address(ip("192.0.2.2")), None);
        for name in ["a.example.net", "UP.example.NET", "a.b.example.net", "host"] {
            assert!(list.has_name(name), "{name}");
        }
        for name in ["example.net", "a.example.net.org", "hst", "hosts", "192.0.2.2"] {
            assert!(!list.has_name(name), "{name}");
        }
    }

    #[test]
    fn stars_go_back() {
        for (pattern, text, is) in [
            ("*", "", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b-d", false),
            ("*aab", "aaab", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), is, "{pattern} {text}");
        }
    }

    #[test]
    fn flaws_do_not_open_the_door() {
        let mut list = AllowedSenders::default();
        let rules = NameRules::default();
        assert_eq!(list.add("0.0.0.0/0", rules), Err(Flaw::Everybody));
        assert_eq!(list.add("192.0.2.1/33", rules), Err(Flaw::TooMany(33)));
        assert_eq!(list.add("192.0.2.0/x", rules), Err(Flaw::Bits("x".to_owned())));
        assert_eq!(list.add("host/24", rules), Err(Flaw::Bits("24".to_owned())));
        assert_eq!(list.add("nobody.invalid", rules), Err(Flaw::Unknown));
        assert_eq!(list.of_address(ip("192.0.2.1")), Some(true));
        assert_eq!(list.of_address(ip("198.51.100.1")), Some(false));
        let keep = NameRules { keep_unknown: true, ..rules };
        assert_eq!(list.add("nobody.invalid", keep), Ok(()));
        assert!(list.has_name("nobody.invalid"));
    }
}
