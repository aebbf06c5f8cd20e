//! Floor 7: inputs. Each module has its parameter table, its task, its counters, its tests.

mod internal;
mod ratelimit;
mod settings;
mod stats;
pub mod tcp;
pub mod udp;

pub use internal::Internal;
pub use settings::InputSettings;
pub use stats::InputStats;
