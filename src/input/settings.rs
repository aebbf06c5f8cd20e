//! What the engine tells every input of the whole configuration.

use std::sync::Arc;

use crate::base::reporter::Reporter;
use crate::net::Family;
use crate::net::allowed::AllowedSenders;
use crate::net::reverse::Names;

/// Settings that are not an input's own.
#[derive(Clone, Debug)]
pub struct InputSettings {
    /// `global(maxMessageSize=)`, bytes.
    pub message_bytes_max: usize,
    /// `$myhostname`.
    pub hostname: Arc<str>,
    /// Reverse look-ups.
    pub names: Arc<Names>,
    /// The relay's own messages.
    pub reporter: Arc<dyn Reporter>,
    /// Address families to listen on (`-4`, `-6`, `net.ipprotocol`).
    pub family: Family,
    pub allowed: Allowed,
}

/// `$AllowedSender`: who may send. `None`: everybody.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    pub udp: Option<Arc<AllowedSenders>>,
    pub tcp: Option<Arc<AllowedSenders>>,
    /// Whether others are spoken of (`net.permitACLWarning`).
    pub says: bool,
}
