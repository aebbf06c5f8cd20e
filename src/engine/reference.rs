//! Everything that a configuration can name, with its parameters: what help, the reference and
//! checks walk.

use crate::catalog;
use crate::config;
use crate::config::ast::ObjectKind;
use crate::config::manual;
use crate::config::module;
use crate::config::module::Availability;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::config::module::short_name;
use crate::config::param::Spec;
use crate::engine::globals;
use crate::engine::modules;
use crate::engine::registry;
use crate::output;
use crate::queue;
use crate::template;

/// Something with parameters.
#[derive(Clone, Copy, Debug)]
pub enum Subject {
    Module(&'static Module),
    Object(ObjectKind),
    /// `queue.*`, which main queues, rulesets and actions have.
    Queue,
}

/// Parameters that are written in one place.
#[derive(Clone, Debug)]
pub struct Section {
    /// How that place is written: `input(type="imtcp" …)`.
    pub heading: String,
    pub specs: Vec<&'static Spec>,
    /// Names of subjects whose parameters may be written there, too.
    pub also: &'static [&'static str],
}

/// Objects in the order in which one meets them, each with one sentence.
const OBJECTS: &[(ObjectKind, &str)] = &[
    (ObjectKind::Global, "What holds for the whole relay."),
    (ObjectKind::Module, "Loads a module, and sets what holds for all of its instances."),
    (ObjectKind::Input, "Takes messages in, by the module that its type names."),
    (ObjectKind::Action, "Does something with each message that reaches it, by its type."),
    (ObjectKind::Ruleset, "Rules under a name, for inputs to be bound to and for call."),
    (ObjectKind::Template, "Makes bytes of a message: for outputs, or names of files."),
    (ObjectKind::Property, "In a list template: a property of the message."),
    (ObjectKind::Constant, "In a list template: text that is always the same."),
    (ObjectKind::MainQueue, "The queue between inputs and rules."),
    (ObjectKind::Include, "Reads other files as if they stood here."),
    (ObjectKind::LookupTable, "A table from a file, for lookup()."),
    (ObjectKind::Parser, "A parser with parameters of its own, for rulesets."),
    (ObjectKind::Timezone, "A time zone's name and offset, for messages that name zones."),
    (ObjectKind::DynStats, "Counters that rules make as they go, for dyn_inc()."),
    (ObjectKind::PerctileStats, "Percentiles of numbers, for percentile_observe()."),
    (ObjectKind::Ratelimit, "A limit on messages in a time, for inputs to share."),
];

/// What `queue.*` is about.
const QUEUE: &str = "Parameters of queues: of the main queue, of rulesets and of actions.";

/// All objects, the queue, and all modules by role and name.
pub fn subjects() -> impl Iterator<Item = Subject> {
    let objects = OBJECTS.iter().map(|(kind, _)| Subject::Object(*kind));
    let mut modules: Vec<_> = registry::modules().collect();
    modules.sort_by_key(|module| (module.role, module.name));
    objects.chain([Subject::Queue]).chain(modules.into_iter().map(Subject::Module))
}

/// What is called `name`, in any letter case; modules also as `builtin:omfile` or `imtcp.so`.
#[must_use]
pub fn subject(name: &str) -> Option<Subject> {
    let module = short_name(name);
    subjects().find(|subject| {
        let name = if matches!(subject, Subject::Module(_)) { module } else { name };
        subject.name().eq_ignore_ascii_case(name)
            || subject.aliases().iter().any(|alias| alias.eq_ignore_ascii_case(name))
    })
}

/// The tables of what can be given to an object itself, apart from what its module adds.
#[must_use]
pub fn object(kind: ObjectKind) -> Vec<&'static [Spec]> {
    match kind {
        ObjectKind::Action => vec![output::common::PARAMS],
        ObjectKind::Constant => vec![template::CONSTANT_PARAMS],
        ObjectKind::Global => globals::params::TABLES.to_vec(),
        ObjectKind::Include => vec![config::INCLUDE_PARAMS],
        ObjectKind::Input => vec![modules::TYPE_PARAM],
        ObjectKind::MainQueue => vec![queue::params::PARAMS],
        ObjectKind::Module => vec![module::LOAD],
        ObjectKind::Property => vec![template::PROPERTY_PARAMS],
        ObjectKind::Ruleset => vec![modules::RULESET_PARAMS],
        ObjectKind::Template => vec![template::PARAMS],
        kind => catalog::object(kind).into_iter().collect(),
    }
}

impl Subject {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Module(module) => module.name,
            Self::Object(kind) => modules::kind_name(kind),
            Self::Queue => "queue",
        }
    }

    /// Other names that it is known by.
    const fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::Object(ObjectKind::PerctileStats) => &["percentile_stats"],
            Self::Object(ObjectKind::MainQueue) => &["mainqueue", "main_msg_queue"],
            _ => &[],
        }
    }

    /// One sentence.
    #[must_use]
    pub fn doc(self) -> &'static str {
        match self {
            Self::Module(module) => module.doc,
            Self::Object(kind) => {
                OBJECTS.iter().find(|(known, _)| *known == kind).map_or("", |(_, doc)| doc)
            }
            Self::Queue => QUEUE,
        }
    }

    /// What kind of thing it is.
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Self::Module(module) => match module.role {
                Role::Input => "an input module",
                Role::Output => "an output module",
                Role::Parser => "a parser module",
                Role::Modifier => "a message modification module, used as an action",
                Role::StringGenerator => "a string generator, for templates of type plugin",
                Role::Function => "a module with functions for expressions",
                Role::Library => "a library, loaded by other modules",
            },
            Self::Object(_) => "an object",
            Self::Queue => "parameters that several objects share",
        }
    }

    /// The heading under which it is listed.
    #[must_use]
    pub const fn group(self) -> &'static str {
        match self {
            Self::Module(module) => match module.role {
                Role::Input => "Inputs",
                Role::Output => "Outputs",
                Role::Parser => "Parsers",
                Role::Modifier => "Message modifiers",
                Role::StringGenerator => "String generators",
                Role::Function => "Modules with functions",
                Role::Library => "Libraries",
            },
            Self::Object(_) | Self::Queue => "Objects",
        }
    }

    /// The page of rsyslog's documentation.
    #[must_use]
    pub fn page(self) -> String {
        match self {
            Self::Module(module) => manual::module(module.name),
            Self::Object(kind) => manual::object(kind).to_owned(),
            Self::Queue => manual::QUEUES.to_owned(),
        }
    }

    /// Its parameters, by where they are written. Places without any are left out.
    #[must_use]
    pub fn sections(self) -> Vec<Section> {
        match self {
            Self::Module(module) => module_sections(module),
            Self::Object(kind) => {
                let also: &[&str] = match kind {
                    ObjectKind::Action | ObjectKind::Ruleset => &["queue"],
                    _ => &[],
                };
                let heading = format!("{}(…)", self.name());
                vec![Section { heading, specs: flat(&object(kind)), also }]
            }
            Self::Queue => {
                let heading = "main_queue(…), ruleset(…), action(…)".to_owned();
                vec![Section { heading, specs: flat(&[queue::params::PARAMS]), also: &[] }]
            }
        }
    }
}

fn flat(tables: &[&'static [Spec]]) -> Vec<&'static Spec> {
    tables.iter().copied().flatten().collect()
}

fn module_sections(module: &Module) -> Vec<Section> {
    let Module { name, role, availability, .. } = *module;
    if matches!(availability, Availability::Absent(_)) {
        return Vec::new();
    }
    let (instance, also): (_, &[&str]) = match role {
        Role::Input => (format!("input(type=\"{name}\" …)"), &[]),
        Role::Output | Role::Modifier => {
            (format!("action(type=\"{name}\" …)"), &["action", "queue"])
        }
        Role::Parser => (format!("parser(type=\"{name}\" …)"), &[]),
        Role::StringGenerator | Role::Function | Role::Library => (String::new(), &[]),
    };
    let loading = Section {
        heading: format!("module(load=\"{name}\" …)"),
        specs: flat(module.module),
        also: &[],
    };
    let using = Section { heading: instance, specs: flat(module.instance), also };
    let worth_showing = |section: &Section| !section.specs.is_empty() || !section.also.is_empty();
    [loading, using].into_iter().filter(worth_showing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_object_has_its_sentence() {
        for subject in subjects() {
            assert!(subject.doc().ends_with('.'), "{}", subject.name());
            assert!(!subject.page().is_empty(), "{}", subject.name());
        }
    }

    #[test]
    fn subjects_are_found_by_any_name() {
        for name in ["IMTCP", "imtcp.so", "builtin:omfile", "Global", "queue", "percentile_stats"] {
            assert!(subject(name).is_some(), "{name}");
        }
        assert!(matches!(subject("main_queue"), Some(Subject::Object(ObjectKind::MainQueue))));
        assert!(subject("nothing").is_none());
        assert!(subject("builtin:global").is_none());
    }

    #[test]
    fn sections_hold_the_tables() {
        let sections = subject("imtcp").unwrap().sections();
        let headings: Vec<_> = sections.iter().map(|section| section.heading.as_str()).collect();
        assert_eq!(headings, ["module(load=\"imtcp\" …)", "input(type=\"imtcp\" …)"]);
        assert!(sections[1].specs.iter().any(|spec| spec.name == "port"));
        let forward = subject("omfwd").unwrap().sections();
        assert_eq!(forward.last().unwrap().also, ["action", "queue"]);
    }
}
