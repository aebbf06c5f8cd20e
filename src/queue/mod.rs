//! Floor 5: the queue between shards and an action, in memory and bounded in bytes; the [`Chunk`]s
//! of rendered messages that it holds, and how messages are framed in them.

mod chunk;
mod framing;
mod memory;
mod pace;
pub mod params;
pub mod record;
mod runs;
mod settings;
mod spares;
mod spill;
mod spool;
mod taken;
#[cfg(test)]
mod tests;

pub use chunk::Chunk;
pub use chunk::Instead;
pub use framing::FrameStyle;
pub use framing::Framing;
pub use framing::frame;
pub use memory::Bounds;
pub use memory::Gauge;
pub use memory::Receiver;
pub use memory::Sender;
pub use memory::Suspension;
pub use memory::bounded;
pub use memory::open;
pub use pace::Pace;
pub use pace::Window;
pub use runs::Run;
pub use runs::Runs;
pub use settings::Discard;
pub use settings::DiskSettings;
pub use settings::Settings;
pub use spill::Marks;
pub use spool::Spool;
pub use spool::SpoolSpec;
pub use spool::SpoolStats;
pub use taken::Taken;
