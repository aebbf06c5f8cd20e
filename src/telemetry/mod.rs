//! Floor 2: counters. The code that moves messages owns its counters; this holds the primitive,
//! the counters that rules make ([`dynstats`], [`percentile`]), and what reports look like.

mod continued;
mod counter;
pub mod dynstats;
mod object;
pub mod percentile;
mod prometheus;
mod zabbix;

pub use counter::Counter;
pub use dynstats::Bucket;
pub use object::Figure;
pub use object::Format;
pub use object::Nature;
pub use object::Object;
pub use object::Probe;
pub use object::report;
pub use percentile::Percentiles;
