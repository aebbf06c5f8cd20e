//! Floor 7: inputs. [`udp`] is `imudp`, [`tcp`] is `imtcp` and `imptcp`, [`relp`] is `imrelp`:
//! each with its parameter table, its task and its tests. Beside them come the relay's own
//! messages, and the reports of its counters ([`impstats`]). A task runs on a shard's thread: it
//! receives, frames and parses into a batch, gives that to the [`shard`](crate::shard), and waits
//! where an output is full.

mod guard;
pub mod impstats;
mod internal;
pub mod ratelimit;
pub mod relp;
mod settings;
mod stats;
pub mod tcp;
pub mod udp;

pub use internal::Internal;
pub use internal::InternalSetup;
pub use settings::Allowed;
pub use settings::InputSettings;
pub use settings::RateSettings;
pub use stats::FamilyStats;
pub use stats::InputStats;

use crate::config::module::Module;

/// The input modules that run.
pub static MODULES: &[&Module] =
    &[&impstats::MODULE, &udp::MODULE, &tcp::MODULE, &tcp::MODULE_PLAIN, &relp::MODULE];
