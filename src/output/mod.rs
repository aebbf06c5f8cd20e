//! Floor 6: outputs. Each file has its parameter table, its task, its counters, its tests.

mod stats;

pub use stats::OutputStats;
