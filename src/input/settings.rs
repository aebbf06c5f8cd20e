//! What the engine tells every input of the whole configuration.

use std::sync::Arc;

use crate::base::reporter::Reporter;
use crate::net::Family;
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
}
