//! `$Directives` as people look them up: what each takes, and what it is in the object form.

use crate::config::ast::ObjectKind;
use crate::config::legacy::table;
use crate::config::legacy::table::Form;
use crate::config::legacy::table::Target;
use crate::config::manual;

/// One `$Directive`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// In rsyslog's letter case, without `$`.
    pub name: &'static str,
    /// What stands behind it: `a word`, `on or off`.
    pub takes: &'static str,
    pub meaning: Meaning,
    /// Where rsyslog's documentation has it: `modules/imtcp: port`.
    pub term: String,
}

/// What a directive is in the object form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    Parameter(Parameter),
    /// Something else: how that is written.
    Form(&'static str),
    /// It has no effect: says what happens instead.
    Ignored(&'static str),
    /// It is refused: says what to write.
    Refused(&'static str),
}

/// The parameter that a directive stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// The module or object that has it: `imtcp`, `global`, `action`, `main_queue`.
    pub owner: &'static str,
    /// It belongs to `module(load=…)`, not to what the module does.
    pub of_module: bool,
    pub name: &'static str,
    /// How it is written: `input(type="imtcp" port="…")`.
    pub written: String,
    /// How far it reaches: `for the next legacy action alone`. Empty if that is clear.
    pub scope: &'static str,
}

/// All of them, in the order of rsyslog's documentation.
pub fn all() -> impl Iterator<Item = Directive> {
    table::all().map(view)
}

/// The directive `name`, in any letter case, with or without `$`.
#[must_use]
pub fn find(name: &str) -> Option<Directive> {
    table::find(name.trim_start_matches('$')).map(view)
}

/// Where directives are described that stand for no parameter, by the beginnings of their names.
const PAGES: &[(&str, &str)] = &[
    ("ActionGSS", "modules/gssapi"),
    ("ActionOMStdout", "modules/omstdout"),
    ("ActionOmruleset", "modules/omruleset"),
    ("AllowedSender", "configuration/input_directives/rsconf1_allowedsender"),
    ("DebugPrintKernel", "modules/imklog"),
    ("Gss", "modules/gssapi"),
    ("IMSolaris", "modules/imsolaris"),
    ("IncludeConfig", manual::INCLUDE),
    ("Input3195", "modules/im3195"),
    ("InputGSS", "modules/imgssapi"),
    ("KLog", "modules/imklog"),
    ("OMFileForceChown", "configuration/action/rsconf1_omfileforcechown"),
    ("OutChannel", manual::OUTPUT_CHANNELS),
    ("RepeatedMsgReduction", "configuration/action/rsconf1_repeatedmsgreduction"),
    ("RuleSet", manual::RULESET_DIRECTIVES),
    ("RulesetCreateMainQueue", manual::RULESET_DIRECTIVES),
    ("Template", manual::TEMPLATES),
];

/// As in [`Directive::term`]. A parameter's name is what is documented best.
pub(super) fn term(directive: &table::Directive) -> String {
    let name = directive.name;
    if let Some(Parameter { owner, name: of, .. }) = parameter(directive.target) {
        let page = match owner {
            "action" => manual::ACTIONS.to_owned(),
            "global" => manual::object(ObjectKind::Global).to_owned(),
            "main_queue" => manual::QUEUES.to_owned(),
            "ruleset" => manual::OBJECTS.to_owned(),
            module => manual::module(module),
        };
        let directive = || format!("{page}: ${name}");
        return if of.is_empty() { directive() } else { manual::parameter(&page, of) };
    }
    let page = PAGES.iter().find(|(beginning, _)| name.starts_with(beginning));
    format!("{}: ${name}", page.map_or(manual::GLOBAL_DIRECTIVES, |(_, page)| page))
}

const fn takes(form: Form) -> &'static str {
    match form {
        Form::Word => "a word",
        Form::Bool => "on or off",
        Form::Int => "a whole number",
        Form::Size => "a number, with k, m or g behind it if need be",
        Form::Mode => "an octal mode such as 0640",
        Form::Line => "the rest of the line",
    }
}

fn view(directive: &table::Directive) -> Directive {
    let table::Directive { name, form, target } = *directive;
    Directive { name, takes: takes(form), meaning: meaning(target), term: term(directive) }
}

fn meaning(target: Target) -> Meaning {
    match target {
        Target::ModLoad => Meaning::Form("module(load=\"…\")"),
        Target::Template => Meaning::Form("template(name=\"…\" type=\"string\" string=\"…\")"),
        Target::IncludeConfig => Meaning::Form("include(file=\"…\")"),
        Target::RuleSet => Meaning::Form("ruleset(name=\"…\") { … }"),
        Target::RulesetCreateMainQueue => {
            Meaning::Form("ruleset(name=\"…\" queue.type=\"FixedArray\") { … }")
        }
        Target::ResetConfigVariables => {
            Meaning::Form("nothing: what one object sets never reaches another one")
        }
        Target::OutChannel => Meaning::Form(
            "action(type=\"omfile\" file=\"…\" rotation.sizeLimit=\"…\" \
             rotation.sizeLimitCommand=\"…\")",
        ),
        Target::AllowedSender => {
            Meaning::Form("global(allowedSender.udp=[\"…\"]), or allowedSender.tcp")
        }
        Target::Ignored(instead) => Meaning::Ignored(instead),
        Target::Unsupported(instead) | Target::Unknown(instead) => Meaning::Refused(instead),
        target => parameter(target).map_or(Meaning::Ignored(""), Meaning::Parameter),
    }
}

const NEXT_ACTION: &str = "for the next legacy action alone";
const LATER_ACTIONS: &str = "for all legacy actions after it";

fn parameter(target: Target) -> Option<Parameter> {
    Some(match target {
        Target::RulesetParser => object("ruleset", "parser", "for the ruleset that $RuleSet chose"),
        Target::Global(name) => object("global", name, ""),
        Target::MainQueue(name) => object("main_queue", name, ""),
        Target::Next(name) => object("action", name, NEXT_ACTION),
        Target::Later(name) => object("action", name, LATER_ACTIONS),
        Target::NextOf(module, name) => instance("action", module, name, NEXT_ACTION),
        Target::LaterOf(module, name) => instance("action", module, name, LATER_ACTIONS),
        Target::DefaultTemplate(_, module) => of_module(module, "template", LATER_ACTIONS),
        Target::Module(module, name) => of_module(module, name, ""),
        Target::ModuleWord(module, name, _) => of_module(module, name, "which on gives a word"),
        Target::ModuleNot(module, name) => of_module(module, name, "with on and off exchanged"),
        Target::Listener(module, name) => {
            instance("input", module, name, "for all listeners that are made after it")
        }
        Target::NextListener(module, name) => {
            instance("input", module, name, "for the listener that is made next")
        }
        Target::Listen(module, name) => instance("input", module, name, "which makes the listener"),
        _ => return None,
    })
}

fn object(owner: &'static str, name: &'static str, scope: &'static str) -> Parameter {
    let written = match owner {
        "global" | "main_queue" => format!("{owner}({name}=\"…\")"),
        "ruleset" => format!("ruleset(name=\"…\" {name}=\"…\")"),
        _ => format!("{owner}(type=\"…\" {name}=\"…\")"),
    };
    Parameter { owner, of_module: false, name, written, scope }
}

fn instance(
    object: &'static str,
    module: &'static str,
    name: &'static str,
    scope: &'static str,
) -> Parameter {
    // `omfwd:tcp`: omfwd over TCP.
    let owner = module.split(':').next().unwrap_or(module);
    let written = match name {
        "" => format!("{object}(type=\"{owner}\" …)"),
        name => format!("{object}(type=\"{owner}\" {name}=\"…\")"),
    };
    Parameter { owner, of_module: false, name, written, scope }
}

fn of_module(owner: &'static str, name: &'static str, scope: &'static str) -> Parameter {
    let written = format!("module(load=\"{owner}\" {name}=\"…\")");
    Parameter { owner, of_module: true, name, written, scope }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_directive_means_something() {
        for directive in all() {
            assert_ne!(directive.meaning, Meaning::Ignored(""), "${}", directive.name);
        }
        assert!(all().count() > 200);
    }

    #[test]
    fn directives_are_found_and_translated() {
        let written = |name| match find(name).unwrap().meaning {
            Meaning::Parameter(parameter) => parameter.written,
            other => panic!("{other:?}"),
        };
        assert_eq!(written("$actionqueuetype"), "action(type=\"…\" queue.type=\"…\")");
        assert_eq!(written("InputTCPServerRun"), "input(type=\"imtcp\" port=\"…\")");
        assert_eq!(written("InputRunFileMonitor"), "input(type=\"imfile\" …)");
        assert_eq!(written("$KLogPath"), "module(load=\"imklog\" logPath=\"…\")");
        let udp = written("ActionSendUDPRebindInterval");
        assert_eq!(udp, "action(type=\"omfwd\" rebindInterval=\"…\")");
        assert!(matches!(find("$Sleep").unwrap().meaning, Meaning::Ignored(_)));
        assert!(find("$NoSuchThing").is_none());
    }
}
