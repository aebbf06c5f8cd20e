//! Floor 1: what everything else stands on. Names nothing above it.

pub mod account;
pub mod backoff;
pub mod capabilities;
pub mod child;
pub mod clock;
pub mod diag;
pub mod drain;
pub mod epoch;
pub mod limits;
pub mod num;
pub mod place;
pub mod poison;
pub mod posix;
pub mod privileges;
pub mod report;
pub mod reporter;
pub mod service;
pub mod span;
pub mod sync;
pub mod versions;
