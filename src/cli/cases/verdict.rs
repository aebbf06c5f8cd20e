//! What a case expects, held against what becomes of its message.

use std::fmt::Write as _;

use bstr::ByteSlice;
use serde::Serialize;

use crate::cli::cases::file::Case;
use crate::cli::cases::file::Written;
use crate::cli::explain::shown;
use crate::engine::Explanation;
use crate::engine::Output;

const NO_PROPERTY: &str = "there is no such property to compare";

/// An expectation that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Failure {
    /// The key in the file, such as `writes[0].text`.
    pub(super) what: String,
    pub(super) expected: String,
    pub(super) actual: String,
}

/// What of the case does not hold.
pub(super) fn failures(case: &Case, explanation: &Explanation) -> Vec<Failure> {
    let mut found = Found::default();
    if let Some(parser) = &case.parser {
        found.same("parser", parser, &explanation.parser);
    }
    if let Some(ruleset) = &case.ruleset {
        found.same("ruleset", ruleset, &explanation.ruleset);
    }
    for (name, expected) in &case.properties {
        let what = format!("properties.{name}");
        match explanation.property(name) {
            Some(actual) => found.same(&what, &expected.to_string(), actual),
            None => found.differs(&what, &expected.to_string(), NO_PROPERTY),
        }
    }
    for (name, expected) in &case.variables {
        let what = format!("variables.{name}");
        match explanation.variable(name) {
            Some(actual) => found.same(&what, &expected.to_string(), &actual),
            None => found.differs(&what, &expected.to_string(), "this is no variable's name"),
        }
    }
    if let Some(writes) = &case.writes {
        found.writes(writes, &explanation.outputs);
    }
    for (at, wanted) in case.includes.iter().enumerate() {
        if !explanation.outputs.iter().any(|output| matches(wanted, output)) {
            let actual = outputs(&explanation.outputs);
            found.differs(&format!("includes[{at}]"), &wish(wanted), &actual);
        }
    }
    if let Some(expected) = case.discarded
        && expected != explanation.discarded
    {
        let actual = outputs(&explanation.outputs);
        found.differs("discarded", &expected.to_string(), &actual);
    }
    found.0
}

#[derive(Default)]
struct Found(Vec<Failure>);

impl Found {
    fn same(&mut self, what: &str, expected: &str, actual: &str) {
        if expected != actual {
            self.differs(what, &shown(expected.as_bytes()), &shown(actual.as_bytes()));
        }
    }

    fn differs(&mut self, what: &str, expected: &str, actual: &str) {
        let (what, expected, actual) = (what.to_owned(), expected.to_owned(), actual.to_owned());
        self.0.push(Failure { what, expected, actual });
    }

    fn writes(&mut self, writes: &[Written], actual: &[Output]) {
        if writes.len() != actual.len() {
            let expected = match writes {
                [] => "no output".to_owned(),
                many => many.iter().map(wish).collect::<Vec<_>>().join("\n"),
            };
            self.differs("writes", &expected, &outputs(actual));
            return;
        }
        for (at, (wanted, output)) in writes.iter().zip(actual).enumerate() {
            let Written { target, action, module, text, contains } = wanted;
            let keys = [
                ("target", target, output.target.as_str()),
                ("action", action, &output.action),
                ("module", module, output.module),
            ];
            for (key, wanted, actual) in keys {
                if let Some(wanted) = wanted {
                    self.same(&format!("writes[{at}].{key}"), wanted, actual);
                }
            }
            let actual = shown(&output.bytes);
            if let Some(text) = text.as_ref().filter(|text| *text.as_bytes() != *output.bytes) {
                self.differs(&format!("writes[{at}].text"), &shown(text.as_bytes()), &actual);
            }
            if let Some(part) = contains.as_ref().filter(|part| !contained(part, output)) {
                self.differs(&format!("writes[{at}].contains"), &shown(part.as_bytes()), &actual);
            }
        }
    }
}

fn contained(part: &str, output: &Output) -> bool {
    output.bytes.contains_str(part)
}

fn matches(wanted: &Written, output: &Output) -> bool {
    let Written { target, action, module, text, contains } = wanted;
    target.as_ref().is_none_or(|target| *target == output.target)
        && action.as_ref().is_none_or(|action| *action == output.action)
        && module.as_ref().is_none_or(|module| *module == output.module)
        && text.as_ref().is_none_or(|text| *text.as_bytes() == *output.bytes)
        && contains.as_ref().is_none_or(|part| contained(part, output))
}

/// What is wished for, on one line.
fn wish(wanted: &Written) -> String {
    let Written { target, action, module, text, contains } = wanted;
    let keys = [
        ("target", target),
        ("action", action),
        ("module", module),
        ("text", text),
        ("contains", contains),
    ];
    let given = keys.into_iter().filter_map(|(key, value)| Some((key, value.as_ref()?)));
    let given = given.map(|(key, value)| format!("{key} '{}'", shown(value.as_bytes())));
    given.collect::<Vec<_>>().join(", ")
}

/// What there is instead, a line each.
fn outputs(outputs: &[Output]) -> String {
    if outputs.is_empty() {
        return "no output".to_owned();
    }
    let mut out = String::new();
    for output in outputs {
        if !out.is_empty() {
            out.push('\n');
        }
        let Output { action, module, target, bytes, .. } = output;
        // Writing to a String cannot fail.
        _ = write!(
            out,
            "target '{}', action '{}', module '{module}', text '{}'",
            shown(target.as_bytes()),
            shown(action.as_bytes()),
            shown(bytes)
        );
    }
    out
}
