//! The queue, in memory and with a disk behind it.
#![expect(
    clippy::disallowed_methods,
    reason = "tests wait for threads, and take the time themselves"
)]

mod memory;
#[cfg(model)]
pub(super) mod model;
mod spool;
