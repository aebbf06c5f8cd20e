//! `omfwd`: syslog to another host, over TCP or UDP.

mod compile;
mod feed;
mod flight;
mod pack;
mod params;
mod pool;
mod tcp;
#[cfg(test)]
mod tests;
mod udp;

pub use compile::ForwardSpec;
pub use compile::Protocol;
pub use compile::UdpOptions;
pub use pack::PackMode;
pub use pack::Packing;
pub use params::MODULE_PARAMS;
pub use params::PARAMS;

use crate::config::module::Availability;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::output::Task;

pub const NAME: &str = "omfwd";

/// What it takes.
pub static MODULE: Module = Module {
    name: NAME,
    role: Role::Output,
    doc: "Forwards syslog over TCP or UDP.",
    availability: Availability::Ready,
    module: &[MODULE_PARAMS],
    instance: &[PARAMS],
};

/// rsyslog's default for omfwd.
pub const DEFAULT_TEMPLATE: &str = "RSYSLOG_TraditionalForwardFormat";

/// Delivers what comes out of the task's queue until nothing will come any more.
pub(super) async fn run(spec: ForwardSpec, task: Task) {
    match spec.protocol.clone() {
        Protocol::Tcp => tcp::run(&spec, task).await,
        Protocol::Udp(options) => udp::run(&spec, &options, task).await,
    }
}
