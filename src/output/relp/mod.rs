//! `omrelp`: syslog over RELP to another host. A message is delivered when its receiver has
//! answered it; what was not answered when a connection breaks is sent again on the next one.

mod compile;
mod flight;
mod params;
mod session;
#[cfg(test)]
mod tests;

pub use compile::RelpSpec;
pub use params::MODULE;
pub use params::NAME;

use crate::output::Task;

/// rsyslog's default for omrelp.
pub const DEFAULT_TEMPLATE: &str = "RSYSLOG_ForwardFormat";

/// Delivers what comes out of the task's queue until nothing will come any more.
pub(super) async fn run(spec: RelpSpec, task: Task) {
    session::run(&spec, task).await;
}
