//! What a module is called, what it takes, and whether this version runs it. Each module declares
//! one [`Module`]; help, reference and checks walk them.

use crate::base::diag::Diagnostics;
use crate::config::ast::Object;
use crate::config::manual;
use crate::config::param;
use crate::config::param::Kind;
use crate::config::param::Params;
use crate::config::param::Spec;

/// What a module is for, in rsyslog's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Input,
    Output,
    Parser,
    /// "Message modification module"; runs as an action.
    Modifier,
    /// "String generator": a template of type `plugin`.
    StringGenerator,
    /// Functions for expressions.
    Function,
    /// Loaded by others; nothing of it is configured by itself.
    Library,
}

/// Whether this version runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    Ready,
    /// Will be built: its configuration is checked, and left out of what runs. Says what to do
    /// meanwhile.
    Later(&'static str),
    /// Not meant to be: says what to use.
    Absent(&'static str),
}

/// A module of rsyslog's, as it is configured.
#[derive(Clone, Copy, Debug)]
pub struct Module {
    /// `imtcp`.
    pub name: &'static str,
    pub role: Role,
    /// One sentence.
    pub doc: &'static str,
    pub availability: Availability,
    /// Parameters of `module(load=…)`, without `load` itself.
    pub module: &'static [&'static [Spec]],
    /// Parameters of each `input()`, `action()` or `parser()`, without `type` and `name` and what
    /// all actions have.
    pub instance: &'static [&'static [Spec]],
}

/// What every `module()` takes.
pub static LOAD: &[Spec] = &[Spec::new("load", Kind::Str, "", "The module.")];

impl Module {
    /// With these parameters of `module()`.
    #[must_use]
    pub const fn with_module(mut self, tables: &'static [&'static [Spec]]) -> Self {
        self.module = tables;
        self
    }

    /// With these parameters of `input()`, `action()` or `parser()`.
    #[must_use]
    pub const fn with_instance(mut self, tables: &'static [&'static [Spec]]) -> Self {
        self.instance = tables;
        self
    }

    /// Checks a `module(load=…)` of this module.
    pub fn check_load(&self, object: &Object, diags: &mut Diagnostics) -> Params {
        let tables: Vec<_> = [LOAD].into_iter().chain(self.module.iter().copied()).collect();
        self.check(object, &tables, diags)
    }

    /// Checks an object of this module against `tables`, and names the page of rsyslog's
    /// documentation in each complaint.
    pub fn check(
        &self,
        object: &Object,
        tables: &[&'static [Spec]],
        diags: &mut Diagnostics,
    ) -> Params {
        param::check_on(&manual::module(self.name), object, tables, diags)
    }
}

/// The last part of a module's path, without `builtin:` and `.so`: what rsyslog calls it.
#[must_use]
pub fn short_name(load: &str) -> &str {
    let name = load.rsplit('/').next().unwrap_or(load);
    let name = name.strip_suffix(".so").unwrap_or(name);
    name.strip_prefix("builtin:").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_suffixes_and_prefixes_are_no_part_of_a_name() {
        for load in ["imtcp", "imtcp.so", "/usr/lib/rsyslog/imtcp.so", "builtin:imtcp"] {
            assert_eq!(short_name(load), "imtcp");
        }
    }
}
