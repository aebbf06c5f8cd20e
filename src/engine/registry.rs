//! All modules that a configuration may name: those that run, and those that do not.

use crate::catalog;
use crate::config::module::Module;
use crate::engine::parsers;
use crate::input;
use crate::modifier;
use crate::output;

/// Inputs, outputs, modifiers and parsers that run, and the rest.
pub fn modules() -> impl Iterator<Item = &'static Module> {
    let ready = input::modules().chain(output::MODULES.iter().chain(modifier::MODULES).copied());
    ready.chain(parsers::MODULES).chain(catalog::MODULES.iter().flat_map(|group| group.iter()))
}

/// The module called `name`.
#[must_use]
pub fn module(name: &str) -> Option<&'static Module> {
    modules().find(|module| module.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_taken_twice() {
        let mut names: Vec<_> = modules().map(|module| module.name).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
