//! Floor 8: builds the graph from a configuration, runs it, drains it.

mod build;
mod globals;
mod graph;
mod modules;
mod own;
mod run;
mod summary;

pub use build::Options;
pub use build::Plan;
pub use build::compile;
pub use globals::Globals;
pub use graph::Graph;
pub use graph::Surroundings;
pub use own::Own;
pub use own::origin;
pub use run::run;
pub use summary::ActionCounters;
pub use summary::Summary;
