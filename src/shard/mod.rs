//! Floor 6: one core's pipeline, run to completion. An input reads into the shard's batch, the
//! shard parses, decides, renders each message into one chunk per action, and hands the chunks to
//! the actions' queues. Nothing in here waits: a chunk that finds its queue full goes back to the
//! input's task as [`Stuck`], and that task waits with it, so that a full output holds back just
//! those who feed it.

mod outlet;
mod pipeline;
mod sources;

pub use outlet::Outlet;
pub use outlet::OutletStats;
pub use pipeline::Shard;
pub use pipeline::Stuck;
pub use pipeline::StuckChunk;
pub use sources::Entry;
