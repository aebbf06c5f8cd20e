//! Floor 6: one core's pipeline, run to completion. An input reads and parses into a batch; the
//! shard decides by its rules, renders each message into one chunk per action, and hands the chunks
//! to the actions' queues. It also remembers the senders and what the rules say of each.
//!
//! None of that waits: a chunk that finds its queue full goes back to the input's task as
//! [`Stuck`], and that task waits with it ([`Shard::push_all`], [`Shard::push_datagrams`]), so that
//! a full output holds back just those who feed it.

mod faults;
mod gate;
mod outlet;
mod pipeline;
mod repeats;
mod sources;
mod stuck;

pub use gate::Gate;
pub use gate::GateSpec;
pub use outlet::Outlet;
pub use outlet::OutletChange;
pub use outlet::OutletStats;
pub use pipeline::Passed;
pub use pipeline::Shard;
pub use repeats::Origin;
pub use repeats::Tally;
pub use sources::Entry;
pub use stuck::Stuck;
pub use stuck::StuckChunk;
