//! Floor 5: bounded queues, and the framing of what goes into them. Today the memory queue between
//! rules and an action; the disk comes behind the same two halves.

mod chunk;
mod framing;
mod memory;

pub use chunk::Chunk;
pub use chunk::Run;
pub use framing::FrameStyle;
pub use framing::Framing;
pub use framing::frame;
pub use memory::Gauge;
pub use memory::Receiver;
pub use memory::Sender;
pub use memory::bounded;
