//! The queue with a disk behind it.

mod spool;
