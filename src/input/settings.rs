//! What the engine tells every input of the whole configuration.

use std::collections::HashMap;
use std::sync::Arc;

use crate::base::reporter::Reporter;
use crate::input::ratelimit::RateLimit;
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
    /// The `ratelimit()` objects, by name.
    pub limits: Arc<HashMap<String, Arc<RateLimit>>>,
    /// Whether repeated messages are summed up (`$RepeatedMsgReduction`).
    pub sums_up: bool,
}

/// `$AllowedSender`: who may send. `None`: everybody.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    pub udp: Option<Arc<AllowedSenders>>,
    pub tcp: Option<Arc<AllowedSenders>>,
    /// Whether others are spoken of (`net.permitACLWarning`).
    pub says: bool,
}

/// `rateLimit.*` of an input.
#[derive(Clone, Debug, Default)]
pub struct RateSettings {
    pub interval_s: usize,
    pub burst: usize,
    /// The `ratelimit()` that holds instead.
    pub name: Option<String>,
}

impl InputSettings {
    /// The limit that an input with `rate` has; `label` is what its messages begin with. `before`
    /// goes on if it is the same.
    pub(super) fn limit(
        &self,
        rate: &RateSettings,
        label: String,
        before: Option<&Arc<RateLimit>>,
    ) -> Option<Arc<RateLimit>> {
        if let Some(name) = &rate.name {
            return self.limits.get(name).cloned();
        }
        let limit = RateLimit::of_input(label, rate.interval_s, rate.burst, &self.reporter)?;
        let same = before.filter(|before| before.is_like(&limit));
        Some(same.cloned().unwrap_or_else(|| Arc::new(limit)))
    }
}
