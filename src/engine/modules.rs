//! The modules that a configuration may load, by name, and the tables of objects that belong to
//! the engine itself.

use std::collections::HashMap;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::diag::nearest;
use crate::catalog;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::module::Availability;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::config::module::short_name;
use crate::config::param;
use crate::config::param::Kind::Array;
use crate::config::param::Kind::Str;
use crate::config::param::Params;
use crate::config::param::Spec;
use crate::engine::registry;
use crate::input::tcp;
use crate::input::udp;
use crate::output;
use crate::queue;

/// `type=` of inputs and actions.
pub(super) static TYPE_PARAM: &[Spec] = &[Spec::new("type", Str, "", "The module.")];
static LOAD_PARAM: &[Spec] = &[Spec::new("load", Str, "", "The module.")];

/// Parameters of `ruleset()` besides its queue's.
pub(super) static RULESET_PARAMS: &[Spec] = &[
    Spec::new("name", Str, "", "The ruleset's name."),
    Spec::new("parser", Array, "", "Parsers to be tried.")
        .ignored("parser lists are not built yet; RFC 5424 and RFC 3164 are tried"),
];

/// Checks `main_queue(…)`.
pub(super) fn check_queue(object: &Object, diags: &mut Diagnostics) {
    param::check(object, &[queue::params::PARAMS], diags);
}

/// Parameters of every `parser()`.
static PARSER_PARAMS: &[Spec] = &[
    Spec::new("name", Str, "", "What rulesets call the parser.").required(),
    Spec::new("type", Str, "", "The module.").required(),
];

/// Checks `parser()` against its module's table.
fn check_parser(object: &Object, diags: &mut Diagnostics) {
    let kind = object.text("type").map(|(kind, _)| short_name(&kind).to_ascii_lowercase());
    let module = kind.as_deref().and_then(registry::module).filter(|m| m.role == Role::Parser);
    match (module, kind) {
        (Some(module), _) if module.instance.is_empty() => {
            let text = format!("'{}' has no parameters, and takes no parser()", module.name);
            let help = "name it in ruleset(parser=[…]), as rsyslog.rfc5424 is";
            diags.push(Diagnostic::error(object.loc, text).help(help));
        }
        (Some(module), _) => {
            check_instance(module, &[PARSER_PARAMS], object, diags);
        }
        (None, Some(kind)) => {
            let parsers = registry::modules().filter(|module| module.role == Role::Parser);
            diags.push(unknown("parser type", &kind, object, parsers));
        }
        (None, None) => {
            param::check(object, &[PARSER_PARAMS], diags);
        }
    }
}

/// Checks an object that nothing runs yet.
pub(super) fn check_unbuilt(object: &Object, diags: &mut Diagnostics) {
    if object.kind == ObjectKind::Parser {
        check_parser(object, diags);
    }
    if let Some(table) = catalog::object(object.kind) {
        param::check(object, &[table], diags);
    }
    let text = format!("{} objects are not built yet: it has no effect", kind_name(object.kind));
    diags.push(Diagnostic::unbuilt(object.loc, text));
}

/// An input module of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InputKind {
    Udp,
    Tcp,
    /// `imptcp`.
    PlainTcp,
}

impl InputKind {
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            udp::NAME => Some(Self::Udp),
            tcp::NAME => Some(Self::Tcp),
            tcp::NAME_PLAIN => Some(Self::PlainTcp),
            _ => None,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        self.module().name
    }

    const fn module(self) -> &'static Module {
        match self {
            Self::Udp => &udp::MODULE,
            Self::Tcp => &tcp::MODULE,
            Self::PlainTcp => &tcp::MODULE_PLAIN,
        }
    }

    /// Checks an input of this module.
    pub(super) fn check(self, object: &Object, diags: &mut Diagnostics) -> Params {
        check_instance(self.module(), &[TYPE_PARAM], object, diags)
    }
}

/// Checks an object of `module` against its tables and `more`.
fn check_instance(
    module: &Module,
    more: &[&'static [Spec]],
    object: &Object,
    diags: &mut Diagnostics,
) -> Params {
    let tables: Vec<_> = more.iter().chain(module.instance).copied().collect();
    module.check(object, &tables, diags)
}

/// Loaded modules and their parameters.
#[derive(Debug, Default)]
pub(super) struct Modules {
    /// By name; also those that do not run.
    loaded: HashMap<String, Params>,
    none: Params,
}

impl Modules {
    pub(super) fn load(&mut self, object: &Object, diags: &mut Diagnostics) {
        let Some((load, _)) = object.text("load") else {
            diags.push(
                Diagnostic::error(object.loc, "a module needs its name")
                    .help("module(load=\"imtcp\")"),
            );
            return;
        };
        let name = short_name(&load).to_ascii_lowercase();
        let Some(module) = registry::module(&name) else {
            diags.push(unknown("module", &name, object, registry::modules()));
            return;
        };
        if catalog::is_built_in(&name) && !load.starts_with("builtin:") {
            let text = format!("module '{name}' is built in, and cannot be loaded");
            diags.push(Diagnostic::error(object.loc, text).help("leave this line out"));
            return;
        }
        if say_availability(module, object.loc, diags) {
            let mut tables = vec![LOAD_PARAM];
            tables.extend(module.module);
            let params = module.check(object, &tables, diags);
            self.loaded.insert(name, params);
        }
    }

    /// What was given with `module(load=…)`; empty if it was not loaded.
    pub(super) fn params(&self, name: &str) -> &Params {
        self.loaded.get(name).unwrap_or(&self.none)
    }

    /// The input module `kind`, which must be loaded.
    pub(super) fn input(
        &self,
        kind: &str,
        object: &Object,
        diags: &mut Diagnostics,
    ) -> Option<InputKind> {
        let inputs = || registry::modules().filter(|module| module.role == Role::Input);
        let Some(module) = inputs().find(|module| module.name == kind) else {
            diags.push(unknown("input type", kind, object, inputs()));
            return None;
        };
        // A module that was refused has been complained of already.
        if matches!(module.availability, Availability::Absent(_)) {
            return None;
        }
        if !self.loaded.contains_key(kind) {
            let text = format!("input module '{kind}' is not loaded");
            let help = format!("put module(load=\"{kind}\") before it");
            diags.push(Diagnostic::error(object.loc, text).help(help));
            return None;
        }
        let input = InputKind::parse(kind);
        if input.is_none() {
            check_instance(module, &[TYPE_PARAM], object, diags);
        }
        input
    }

    /// Checks an action whose module does not run.
    pub(super) fn check_action(&self, kind: &str, object: &Object, diags: &mut Diagnostics) {
        let outputs = || {
            let acts = |module: &&Module| matches!(module.role, Role::Output | Role::Modifier);
            registry::modules().filter(acts)
        };
        let Some(module) = outputs().find(|module| module.name == kind) else {
            diags.push(unknown("output module", kind, object, outputs()));
            return;
        };
        if say_availability(module, object.loc, diags) {
            let common = [TYPE_PARAM, output::common::PARAMS, queue::params::PARAMS];
            check_instance(module, &common, object, diags);
        }
    }
}

/// Says that a module does not run, if so. False if it never will.
fn say_availability(module: &Module, loc: Loc, diags: &mut Diagnostics) -> bool {
    let name = module.name;
    let term = format!("modules/{name}");
    match module.availability {
        Availability::Ready => true,
        Availability::Later(meanwhile) => {
            let text = format!("module '{name}' is not built yet: {meanwhile}");
            diags.push(Diagnostic::unbuilt(loc, text).term(term));
            true
        }
        Availability::Absent(instead) => {
            let text = format!("there is no module '{name}' here");
            diags.push(Diagnostic::error(loc, text).help(format!("use {instead}")).term(term));
            false
        }
    }
}

/// None of `modules` is called `name`.
fn unknown(
    what: &str,
    name: &str,
    object: &Object,
    modules: impl Iterator<Item = &'static Module>,
) -> Diagnostic {
    let d = Diagnostic::error(object.loc, format!("{what} '{name}' not known"));
    match nearest(name, modules.map(|module| module.name)) {
        Some(near) => d.help(format!("did you mean '{near}'?")),
        None => d,
    }
}

/// `type=` of an input or action.
pub(super) fn type_of(object: &Object, diags: &mut Diagnostics) -> Option<String> {
    let kind = object.text("type");
    if kind.is_none() {
        let text = format!("{} needs a type", kind_name(object.kind));
        diags.push(Diagnostic::error(object.loc, text).help("add type=\"…\""));
    }
    kind.map(|(kind, _)| short_name(&kind).to_ascii_lowercase())
}

/// How rsyslog writes an object.
pub(super) const fn kind_name(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Action => "action",
        ObjectKind::DynStats => "dyn_stats",
        ObjectKind::Global => "global",
        ObjectKind::Include => "include",
        ObjectKind::Input => "input",
        ObjectKind::LookupTable => "lookup_table",
        ObjectKind::MainQueue => "main_queue",
        ObjectKind::Module => "module",
        ObjectKind::Parser => "parser",
        ObjectKind::PerctileStats => "perctile_stats",
        ObjectKind::Ratelimit => "ratelimit",
        ObjectKind::Ruleset => "ruleset",
        ObjectKind::Template => "template",
        ObjectKind::Timezone => "timezone",
        ObjectKind::Constant => "constant",
        ObjectKind::Property => "property",
    }
}
