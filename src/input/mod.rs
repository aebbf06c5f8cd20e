//! Floor 7: inputs. [`udp`] is `imudp`, [`tcp`] is `imtcp` and `imptcp`, [`relp`] is `imrelp`:
//! each with its parameter table, its task and its tests. Beside them come the relay's own
//! messages, and the reports of its counters ([`impstats`]). A task runs on a shard's thread: it
//! receives, frames and parses into a batch, gives that to the [`shard`](crate::shard), and waits
//! where an output is full.

pub mod fifo;
mod file;
mod guard;
pub mod impstats;
mod internal;
pub mod journal;
pub mod kernel;
mod lines;
pub mod local;
pub mod mark;
mod priority;
pub mod program;
pub mod ratelimit;
pub mod relp;
mod settings;
mod stats;
pub mod tcp;
pub mod udp;
pub mod unix;

pub use internal::Internal;
pub use internal::InternalSetup;
pub use settings::Allowed;
pub use settings::InputSettings;
pub use settings::RateSettings;
pub use stats::FamilyStats;
pub use stats::InputStats;

use crate::config::module::Module;
use crate::input::local::LocalModule;

/// The input modules that run and receive from the network, and impstats.
static NETWORK: [&Module; 5] =
    [&impstats::MODULE, &udp::MODULE, &tcp::MODULE, &tcp::MODULE_PLAIN, &relp::MODULE];

/// Those that read what is on this machine.
pub static LOCAL: &[LocalModule] = &[
    file::LOCAL,
    journal::LOCAL,
    unix::LOCAL,
    kernel::klog::LOCAL,
    kernel::kmsg::LOCAL,
    mark::LOCAL,
    program::LOCAL,
    fifo::LOCAL,
];

/// All of them.
pub fn modules() -> impl Iterator<Item = &'static Module> {
    NETWORK.into_iter().chain(LOCAL.iter().map(|local| local.module))
}
