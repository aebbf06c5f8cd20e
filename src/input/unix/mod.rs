//! `imuxsock`: `/dev/log` and other unix datagram sockets. Programs that log there are never held
//! back for longer than a moment: what the outputs have no room for is dropped, and counted.

mod params;
mod place;
mod spec;
mod task;
mod trusted;

use std::sync::Arc;

use crate::base::diag::Diagnostics;
use crate::config::module::Availability;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::config::param::Params;
use crate::input::local::Local;
use crate::input::local::LocalModule;
use crate::input::local::Surroundings;
use crate::input::unix::spec::UnixSpec;

pub const NAME: &str = "imuxsock";

/// What it takes.
pub static MODULE: Module = Module {
    name: NAME,
    role: Role::Input,
    doc: "Reads /dev/log and other unix datagram sockets.",
    availability: Availability::Ready,
    module: &[params::MODULE],
    instance: &[params::INSTANCE],
};

pub static LOCAL: LocalModule = LocalModule { module: &MODULE, loaded, instance };

fn loaded(params: &Params, around: &Surroundings, _: &mut Diagnostics) -> Vec<Arc<dyn Local>> {
    let system = params.bool("sysSock.use").unwrap_or(true);
    let spec = system.then(|| Arc::new(UnixSpec::of_system(params, around)) as Arc<dyn Local>);
    spec.into_iter().collect()
}

fn instance(
    _: &Params,
    params: &Params,
    around: &Surroundings,
    _: &mut Diagnostics,
) -> Option<Arc<dyn Local>> {
    Some(Arc::new(UnixSpec::of_input(params, around)?))
}
