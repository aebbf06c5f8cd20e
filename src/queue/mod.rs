//! Floor 5: bounded queues. Today the memory queue between rules and an action; the disk comes
//! behind the same two halves.

mod chunk;
mod memory;

pub use chunk::Chunk;
pub use chunk::Run;
pub use memory::Gauge;
pub use memory::Receiver;
pub use memory::Sender;
pub use memory::bounded;
