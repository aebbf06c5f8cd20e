//! Floor 2: counters. The code that moves messages owns its counters; this holds the primitive.

mod counter;

pub use counter::Counter;
