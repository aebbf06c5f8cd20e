//! Every `$Directive` of rsyslog 8.2302 and what it is in the object form.

mod absent;
mod actions;
mod general;
mod inputs;
mod outputs;

/// How a directive's value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One word.
    Word,
    /// `on` or `off`, in lower case.
    Bool,
    /// A whole number, with separators allowed.
    Int,
    /// A number with k, m, g … behind it.
    Size,
    /// Octal, beginning with 0.
    Mode,
    /// Everything up to the end of the line.
    Line,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    ModLoad,
    Template,
    IncludeConfig,
    RuleSet,
    RulesetCreateMainQueue,
    RulesetParser,
    ResetConfigVariables,
    OutChannel,
    AllowedSender,
    /// `global(name="value")`.
    Global(&'static str),
    /// `main_queue(name="value")`; also the queue of `$RulesetCreateMainQueue`.
    MainQueue(&'static str),
    /// A parameter of the next legacy action alone.
    Next(&'static str),
    /// A parameter of all later legacy actions.
    Later(&'static str),
    /// A parameter of all later legacy actions of one type.
    LaterOf(&'static str, &'static str),
    /// A parameter of the next legacy action of one type.
    NextOf(&'static str, &'static str),
    /// `module(load="builtin:…" template="…")`, and the template of later legacy actions.
    DefaultTemplate(&'static str, &'static str),
    /// A parameter of a module that `$ModLoad` loaded.
    Module(&'static str, &'static str),
    /// The same, with `on` and `off` exchanged.
    ModuleNot(&'static str, &'static str),
    /// A parameter of all later listeners of a module.
    Listener(&'static str, &'static str),
    /// A parameter of the next listener of a module.
    NextListener(&'static str, &'static str),
    /// Makes a listener; its value is this parameter.
    Listen(&'static str, &'static str),
    /// A parameter of a module that `$ModLoad` loaded: `on` gives it this word.
    ModuleWord(&'static str, &'static str, &'static str),
    /// Understood, and without effect here: says what happens instead.
    Ignored(&'static str),
    /// Refused: says what to write.
    Unsupported(&'static str),
    /// As unknown as to rsyslog 8.2302, but it is known what to write.
    Unknown(&'static str),
}

pub(super) struct Directive {
    pub(super) name: &'static str,
    pub(super) form: Form,
    pub(super) target: Target,
}

const fn d(name: &'static str, form: Form, target: Target) -> Directive {
    Directive { name, form, target }
}

/// All of them.
pub(super) fn all() -> impl Iterator<Item = &'static Directive> {
    [
        general::DIRECTIVES,
        actions::DIRECTIVES,
        outputs::DIRECTIVES,
        inputs::DIRECTIVES,
        absent::DIRECTIVES,
    ]
    .into_iter()
    .flatten()
}

/// The directive of this name, in any letter case.
pub(super) fn find(name: &str) -> Option<&'static Directive> {
    all().find(|directive| directive.name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_stands_once() {
        let mut names: Vec<_> =
            all().map(|directive| directive.name.to_ascii_lowercase()).collect();
        names.sort();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
