//! Floor 8: the configuration as a running relay. [`compile`] makes a [`Plan`] and opens nothing;
//! [`Graph::open`] binds what it names; [`run()`] starts a thread per shard, minds the signals,
//! drains, and returns the [`Summary`].

mod board;
mod build;
mod conserve;
mod defaults;
mod definitions;
mod explain;
mod fuzz;
mod globals;
mod graph;
mod host;
mod limits;
pub mod lint;
mod live;
mod modules;
mod objects;
mod own;
mod parsers;
mod queues;
pub mod reference;
pub mod registry;
mod reload;
mod rulesets;
mod run;
mod spools;
mod statistics;
mod summary;
#[cfg(test)]
mod tests;

pub use board::Notice;
pub use build::Options;
pub use build::Plan;
pub use build::compile;
pub use explain::Explanation;
pub use explain::Output;
pub use explain::Question;
pub use explain::Step;
pub use explain::What;
pub use fuzz::fuzz_config;
pub use fuzz::fuzz_yaml;
pub use globals::Globals;
pub use graph::Graph;
pub use graph::Surroundings;
pub use own::Own;
pub use own::origin;
pub use reload::Compile;
pub use reload::Compiled;
pub use run::run;
pub use summary::ActionCounters;
pub use summary::InputCounters;
pub use summary::SourceCounters;
pub use summary::Summary;
