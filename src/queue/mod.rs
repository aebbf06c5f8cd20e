//! Floor 5: the queue between shards and an action, in memory and bounded in bytes; the [`Chunk`]s
//! of rendered messages that it holds, and how messages are framed in them.

mod chunk;
mod framing;
mod memory;
pub mod params;
pub mod record;
mod taken;

pub use chunk::Chunk;
pub use chunk::Run;
pub use framing::FrameStyle;
pub use framing::Framing;
pub use framing::frame;
pub use memory::Gauge;
pub use memory::Receiver;
pub use memory::Sender;
pub use memory::Suspension;
pub use memory::bounded;
pub use taken::Taken;
