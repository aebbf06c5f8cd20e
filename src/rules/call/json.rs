//! Functions of JSON and of the message as a whole.

use std::sync::Arc;

use crate::message::Variable;
use crate::message::View;
use crate::message::json::Value as Json;
use crate::message::json::parse_prefix;
use crate::rules::call::Answer;
use crate::rules::call::Invocation;
use crate::rules::call::Plain;
use crate::rules::call::Routine;
use crate::rules::call::Takes;
use crate::template::Template;

pub(super) const ROUTINES: &[(&str, Plain)] = &[
    (
        "get_property",
        Plain { takes: &[Takes::Json, Takes::Text], run: get_property, varies: false },
    ),
    ("parse_json", Plain { takes: &[Takes::Text, Takes::Text], run: parse_json, varies: true }),
    ("script_error", Plain { takes: &[], run: script_error, varies: true }),
];

pub(super) const PREVIOUS_ACTION_SUSPENDED: Plain =
    Plain { takes: &[], run: previous_action_suspended, varies: true };

/// What `script_error()` gives after a function that failed.
const SCRIPT_ERROR: i64 = 1;

/// `parse_json(text, "\$!name")`: 0 if the text begins with JSON, which is set then; 1 if not.
fn parse_json(call: &Invocation<'_>, _: &mut Vec<u8>) -> Answer {
    let case = call.of.variables().case();
    let text = call.text(0);
    // To libfastjson's mind a number or a word at the very end may go on; and null is nothing.
    let whole = |(json, length): (Json, usize)| match json {
        Json::Null => None,
        Json::Str(_) | Json::Array(_) | Json::Object(_) => Some(json),
        Json::Bool(_) | Json::Int(_) | Json::Double(_) => (length < text.len()).then_some(json),
    };
    let parsed = parse_prefix(text, case).and_then(whole);
    if let Some(runtime) = call.of.runtime() {
        runtime.script_error.set(if parsed.is_some() { 0 } else { SCRIPT_ERROR });
    }
    let Some(json) = parsed else { return Answer::Number(1) };
    // Whatever the first byte is: rsyslogd takes it for the '$'.
    if let Some(variable) = call.text(1).get(1..).and_then(Variable::parse) {
        call.of.set(&variable, json);
    }
    Answer::Number(0)
}

/// `get_property($!tree, key)`: a member, or an element of an array by its number. As in rsyslog
/// no key is the first element or all of an object, and what is neither is given as it is.
fn get_property(call: &Invocation<'_>, _: &mut Vec<u8>) -> Answer {
    let key = call.text(1);
    let found = match call.json(0) {
        Json::Array(elements) if key.is_empty() => elements.first(),
        Json::Array(elements) => {
            std::str::from_utf8(key).ok().and_then(|key| elements.get(key.parse::<usize>().ok()?))
        }
        all if key.is_empty() => Some(all),
        Json::Object(members) => members.get(key, call.of.variables().case()),
        all => Some(all),
    };
    match found {
        Some(found) if *found != Json::Null => Answer::Json(found.clone()),
        _ => Answer::Text,
    }
}

/// 1 if the function before it that may fail did.
fn script_error(call: &Invocation<'_>, _: &mut Vec<u8>) -> Answer {
    Answer::Number(call.of.runtime().map_or(0, |runtime| runtime.script_error.get()))
}

fn previous_action_suspended(call: &Invocation<'_>, _: &mut Vec<u8>) -> Answer {
    Answer::Number(call.of.runtime().map_or(0, |runtime| i64::from(runtime.suspended.get())))
}

/// `exec_template("name")`
#[derive(Debug)]
pub(super) struct ExecTemplate {
    pub(super) template: Arc<Template>,
}

impl Routine for ExecTemplate {
    fn takes(&self) -> &[Takes] {
        &[]
    }

    fn run(&self, call: &Invocation<'_>, out: &mut Vec<u8>) -> Answer {
        call.of.with_view(&mut |view: View<'_>| self.template.render(view, out));
        Answer::Text
    }

    fn varies(&self) -> bool {
        true
    }

    fn acts(&self) -> bool {
        false
    }
}
