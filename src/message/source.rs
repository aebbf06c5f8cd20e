//! Where a message came from.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::message::Class;

/// A sender: one address. The text forms are made once, when the address is first seen.
#[derive(Debug)]
pub struct Source {
    /// `$fromhost-ip` as an address; `None` for local inputs, which rsyslog shows as 127.0.0.1.
    /// IPv4-mapped IPv6 is unmapped here.
    pub ip: Option<IpAddr>,
    /// `$fromhost-ip`.
    pub ip_text: Box<str>,
    /// `$fromhost`: the name that the resolver gave, or the address.
    pub fromhost: Box<str>,
    /// Messages received, by [`Class`].
    pub received: Arc<[AtomicU64; Class::ALL.len()]>,
    /// Messages that a rate limit dropped.
    limited: Arc<AtomicU64>,
}

impl Source {
    #[must_use]
    pub fn new(ip: Option<IpAddr>, fromhost: Option<&str>) -> Self {
        let ip = ip.map(|ip| ip.to_canonical());
        let ip_text = ip.map_or_else(|| "127.0.0.1".into(), |ip| ip.to_string().into_boxed_str());
        let fromhost = fromhost.map_or_else(|| ip_text.clone(), Into::into);
        Self { ip, ip_text, fromhost, received: Arc::default(), limited: Arc::default() }
    }

    /// The same sender, now that its name is known; it goes on counting where it was.
    #[must_use]
    pub fn named(&self, fromhost: &str) -> Self {
        Self {
            ip: self.ip,
            ip_text: self.ip_text.clone(),
            fromhost: fromhost.into(),
            received: self.received.clone(),
            limited: self.limited.clone(),
        }
    }

    /// Adds messages that a rate limit dropped.
    pub fn limited(&self, n: u64) {
        self.limited.fetch_add(n, Ordering::Relaxed);
    }

    /// Messages that rate limits have dropped.
    #[must_use]
    pub fn limited_so_far(&self) -> u64 {
        self.limited.load(Ordering::Relaxed)
    }

    /// Adds what one batch held, by class. Once per batch, never per message.
    pub fn count(&self, by_class: &[u64; Class::ALL.len()]) {
        for (total, n) in self.received.iter().zip(by_class) {
            if *n > 0 {
                total.fetch_add(*n, Ordering::Relaxed);
            }
        }
    }
}
