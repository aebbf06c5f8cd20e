//! The modules that a configuration may load, by name, and the tables of objects that belong to
//! the engine itself.

use std::collections::HashMap;
use std::collections::HashSet;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::diag::Severity;
use crate::base::diag::SourceMap;
use crate::base::diag::nearest;
use crate::catalog;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::manual;
use crate::config::module::Availability;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::config::module::short_name;
use crate::config::param;
use crate::config::param::Kind::Array;
use crate::config::param::Kind::Str;
use crate::config::param::Params;
use crate::config::param::Spec;
use crate::engine::definitions::Definitions;
use crate::engine::registry;
use crate::input;
use crate::input::local::LocalModule;
use crate::input::relp;
use crate::input::tcp;
use crate::input::udp;
use crate::output;
use crate::queue;
use crate::queue::Settings;
use crate::rules::Definition;
use crate::rules::Named;

/// `type=` of inputs and actions.
pub(super) static TYPE_PARAM: &[Spec] = &[Spec::new("type", Str, "", "The module.")];

/// Parameters of `ruleset()` besides its queue's.
pub(super) static RULESET_PARAMS: &[Spec] = &[
    Spec::new("name", Str, "", "The ruleset's name.").required(),
    Spec::new("parser", Array, "", "Parsers that are tried, in this order."),
];

/// Outputs and parsers that are a part of rsyslogd; everything else is loaded.
pub(super) const BUILT_IN: [&str; 8] =
    ["omfile", "omfwd", "ompipe", "omusrmsg", "omshell", "omdiscard", "pmrfc3164", "pmrfc5424"];

/// Checks the `main_queue(…)`, of which there can be one, and reads it.
pub(super) fn check_main_queue<'a>(
    objects: impl Iterator<Item = &'a Object>,
    diags: &mut Diagnostics,
) -> Option<Settings> {
    let mut first = None;
    for (i, object) in objects.enumerate() {
        if i > 0 {
            let text = "main_queue() stands a second time: the first one counts";
            diags.push(Diagnostic::error(object.loc, text).help("remove one of them"));
        }
        let params = param::check(object, &[queue::params::PARAMS], diags);
        if i == 0 {
            first = Some(Settings::compile(&params, true, diags));
        }
    }
    first
}

/// An input module of ours.
#[derive(Clone, Copy, Debug)]
pub(super) enum InputKind {
    Udp,
    Tcp,
    /// `imptcp`.
    PlainTcp,
    Relp,
    Local(&'static LocalModule),
}

impl InputKind {
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            udp::NAME => Some(Self::Udp),
            tcp::NAME => Some(Self::Tcp),
            tcp::NAME_PLAIN => Some(Self::PlainTcp),
            relp::NAME => Some(Self::Relp),
            _ => input::LOCAL.iter().find(|local| local.module.name == name).map(Self::Local),
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
            Self::Relp => &relp::MODULE,
            Self::Local(local) => local.module,
        }
    }

    /// Checks an input of this module.
    pub(super) fn check(self, object: &Object, diags: &mut Diagnostics) -> Params {
        check_input(self.module(), object, diags)
    }
}

/// Inputs of which rsyslogd says so when they are loaded and nothing uses them.
const LISTENERS: [(&str, &str); 3] = [
    ("imfile", "input(type=\"imfile\" file=\"/…\" tag=\"…\")"),
    ("imtcp", "input(type=\"imtcp\" port=\"514\")"),
    ("imudp", "input(type=\"imudp\" port=\"514\")"),
];

/// Checks an `input()` of `module`.
fn check_input(module: &Module, object: &Object, diags: &mut Diagnostics) -> Params {
    let tables: Vec<_> = [TYPE_PARAM].iter().chain(module.instance).copied().collect();
    module.check(object, &tables, diags)
}

/// Loaded modules and their parameters.
#[derive(Debug, Default)]
pub(super) struct Modules {
    /// By name; also those that do not run.
    loaded: HashMap<String, Params>,
    /// Inputs that have an `input()`, right or wrong.
    listening: HashSet<String>,
    /// Modules that `module()` named, built-in ones too.
    named: HashSet<String>,
    none: Params,
}

impl Modules {
    /// Complains if `name` is not loaded before `object`.
    fn is_loaded_before(
        &self,
        name: &str,
        object: &Object,
        definitions: &Definitions,
        diags: &mut Diagnostics,
    ) -> bool {
        let loaded = self.loaded.contains_key(name);
        let defined = definitions.find(Named::Module, name, object.loc);
        if loaded && defined == Definition::Before {
            return true;
        }
        let when = if loaded { "is loaded behind it" } else { "is not loaded" };
        let help = format!("put module(load=\"{name}\") before it");
        diags.push(Diagnostic::error(object.loc, format!("module '{name}' {when}")).help(help));
        false
    }

    /// Complains of inputs that are loaded for nothing, and of imfile without a place for what it
    /// must remember.
    pub(super) fn check_listeners(&self, has_work_directory: bool, diags: &mut Diagnostics) {
        for (name, example) in LISTENERS {
            let Some(params) = self.loaded.get(name) else { continue };
            if name == "imfile" && !has_work_directory {
                let text = "imfile has no work directory: how far files are read is not kept";
                let help = "write global(workDirectory=\"/var/spool/rsyslog\")";
                let term = manual::module(name);
                diags.push(Diagnostic::error(params.loc, text).help(help).term(term));
            }
            let complained = diags.all.iter().any(|d| {
                d.severity == Severity::Error
                    && (d.loc.file, d.loc.start) == (params.loc.file, params.loc.start)
            });
            if !self.listening.contains(name) && !complained {
                let text = format!("{name} is loaded, and no input uses it: nothing is received");
                let help = format!("write {example}, or remove the module");
                let term = manual::module(name);
                diags.push(Diagnostic::error(params.loc, text).help(help).term(term));
            }
        }
    }

    /// Whether a `module()` may load what it names: once, and as what it is. Directives lower to
    /// `module()` objects of built-in modules as often as they stand.
    pub(super) fn may_load(&mut self, object: &Object, diags: &mut Diagnostics) -> bool {
        let Some((load, loc)) = object.text("load") else { return true };
        let name = short_name(&load).to_ascii_lowercase();
        let built_in = BUILT_IN.contains(&name.as_str()) || catalog::is_built_in(&name);
        if object.legacy && load.starts_with("builtin:") {
            return true;
        }
        if built_in != load.starts_with("builtin:") && registry::module(&name).is_some() {
            let text = match built_in {
                true => format!("module '{name}' is built in: there is nothing to load"),
                false => format!("module '{name}' is not built in"),
            };
            let prefix = if built_in { "builtin:" } else { "" };
            let help = format!("write module(load=\"{prefix}{name}\") to set its parameters");
            diags.push(Diagnostic::error(loc, text).help(help));
            return false;
        }
        if !self.named.insert(name.clone()) {
            let text = format!("module '{name}' is loaded already");
            diags.push(Diagnostic::error(loc, text).help("remove one of the two"));
            return false;
        }
        true
    }

    /// The loaded modules, as they stand in `sources`.
    pub(super) fn in_order(&self, sources: &SourceMap) -> Vec<String> {
        let mut all: Vec<_> = self.loaded.iter().map(|(name, params)| (params.loc, name)).collect();
        // Two modules never stand at one place.
        all.sort_by(|(a, _), (b, _)| match sources.precedes(*a, *b) {
            true => std::cmp::Ordering::Less,
            false => std::cmp::Ordering::Greater,
        });
        all.into_iter().map(|(_, name)| name.clone()).collect()
    }

    pub(super) fn is_loaded(&self, name: &str) -> bool {
        self.loaded.contains_key(name)
    }

    pub(super) fn load(&mut self, object: &Object, diags: &mut Diagnostics) {
        let Some((load, _)) = object.text("load") else {
            diags.push(
                Diagnostic::error(object.loc, "a module needs its name")
                    .help("module(load=\"imtcp\")"),
            );
            return;
        };
        let name = short_name(&load).to_owned();
        let Some(module) = registry::module(&name) else {
            diags.push(unknown("module", &name, object, registry::modules()));
            return;
        };
        if say_availability(module, object.loc, diags) {
            let params = module.check_load(object, diags);
            self.loaded.insert(name, params);
        }
    }

    /// What was given with `module(load=…)`; empty if it was not loaded.
    pub(super) fn params(&self, name: &str) -> &Params {
        self.loaded.get(name).unwrap_or(&self.none)
    }

    /// The input module `kind`, which must be loaded.
    pub(super) fn input(
        &mut self,
        kind: &str,
        object: &Object,
        definitions: &Definitions,
        diags: &mut Diagnostics,
    ) -> Option<InputKind> {
        let inputs = || registry::modules().filter(|module| module.role == Role::Input);
        let Some(module) = inputs().find(|module| module.name == kind) else {
            diags.push(unknown("input type", kind, object, inputs()));
            return None;
        };
        // What is wrong with it is said; that the module has none would be the same again.
        self.listening.insert(kind.to_owned());
        // A module that was refused has been complained of already.
        if matches!(module.availability, Availability::Absent(_)) {
            return None;
        }
        if !self.is_loaded_before(kind, object, definitions, diags) {
            return None;
        }
        let input = InputKind::parse(kind);
        if module.instance.is_empty() {
            let text = format!("'{kind}' takes no input(): module() alone makes it receive");
            diags.push(Diagnostic::error(object.loc, text).help("leave this out"));
            return None;
        }
        if input.is_none() {
            check_input(module, object, diags);
        }
        input
    }

    /// Checks an action that changes messages; `None` if it cannot run.
    pub(super) fn modifier(
        &self,
        module: &'static Module,
        object: &Object,
        definitions: &Definitions,
        diags: &mut Diagnostics,
    ) -> Option<Params> {
        if !self.is_loaded_before(module.name, object, definitions, diags) {
            return None;
        }
        Some(module.check(object, &output::tables(module), diags))
    }

    /// Whether the output module `kind`, which runs, is there: built in, loaded, or Bongsu's own.
    pub(super) fn may_act(
        &self,
        kind: &str,
        object: &Object,
        definitions: &Definitions,
        diags: &mut Diagnostics,
    ) -> bool {
        BUILT_IN.contains(&kind)
            || kind == output::stdout::NAME
            || self.is_loaded_before(kind, object, definitions, diags)
    }

    /// Checks an action whose module does not run.
    pub(super) fn check_action(
        &self,
        kind: &str,
        object: &Object,
        definitions: &Definitions,
        diags: &mut Diagnostics,
    ) {
        let outputs = || {
            let acts = |module: &&Module| matches!(module.role, Role::Output | Role::Modifier);
            registry::modules().filter(acts)
        };
        let Some(module) = outputs().find(|module| module.name == kind) else {
            diags.push(unknown("output module", kind, object, outputs()));
            return;
        };
        let absent = matches!(module.availability, Availability::Absent(_));
        if !absent
            && !BUILT_IN.contains(&kind)
            && !self.is_loaded_before(kind, object, definitions, diags)
        {
            return;
        }
        if say_availability(module, object.loc, diags) {
            module.check(object, &output::tables(module), diags);
        }
    }
}

/// Says that a module does not run, if so. False if it never will.
fn say_availability(module: &Module, loc: Loc, diags: &mut Diagnostics) -> bool {
    let name = module.name;
    let term = manual::module(name);
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
    kind.map(|(kind, _)| kind.to_ascii_lowercase())
}

/// Where rsyslog's documentation describes `object`: its module's page, if it names one.
pub(super) fn page(object: &Object) -> String {
    let of = match object.kind {
        ObjectKind::Action | ObjectKind::Input | ObjectKind::Parser => object.text("type"),
        ObjectKind::Module => object.text("load"),
        _ => None,
    };
    let name = of.map(|(name, _)| short_name(&name).to_ascii_lowercase());
    match name.as_deref().and_then(registry::module) {
        Some(module) => manual::module(module.name),
        None => manual::object(object.kind).to_owned(),
    }
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
