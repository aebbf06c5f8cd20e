//! Floor 4: rsyslog's modules and objects that no module of ours runs (yet): what they are, what
//! they take, and what to use. So a configuration is understood whole, whatever of it runs.
//!
//! A module that gets built takes its entry with it.

mod inputs;
mod modifiers;
mod objects;
pub mod outputs;

pub use objects::object;
pub use objects::required;

use crate::config::module::Availability;
use crate::config::module::Module;
use crate::config::module::Role;

/// All of them, in groups.
pub static MODULES: &[&[Module]] = &[
    inputs::MODULES,
    modifiers::MODULES,
    outputs::local::MODULES,
    outputs::networks::MODULES,
    outputs::web::MODULES,
    outputs::brokers::MODULES,
    outputs::databases::MODULES,
    outputs::replaced::MODULES,
    outputs::providers::MODULES,
];

/// The module called `name`.
#[must_use]
pub fn module(name: &str) -> Option<&'static Module> {
    MODULES.iter().flat_map(|group| group.iter()).find(|module| module.name == name)
}

/// A module that will be built.
const fn later(
    name: &'static str,
    role: Role,
    doc: &'static str,
    meanwhile: &'static str,
) -> Module {
    let availability = Availability::Later(meanwhile);
    Module { name, role, doc, availability, module: &[], instance: &[] }
}

/// A module that is not meant to be built.
const fn absent(
    name: &'static str,
    role: Role,
    doc: &'static str,
    instead: &'static str,
) -> Module {
    let availability = Availability::Absent(instead);
    Module { name, role, doc, availability, module: &[], instance: &[] }
}
