//! Functions of JSON and of the message as a whole.

use std::sync::Arc;

use crate::message::Variable;
use crate::message::View;
use crate::message::json::Value as Json;
use crate::message::json::parse_prefix;
use crate::modifier::dots::nested;
use crate::rules::call::Answer;
use crate::rules::call::Invocation;
use crate::rules::call::Plain;
use crate::rules::call::Routine;
use crate::rules::call::Takes;
use crate::rules::call::error::tell;
use crate::template::Template;

pub(super) const ROUTINES: &[(&str, Plain)] = &[
    ("append_json", Plain { takes: &[Takes::Json], run: append_json, varies: false }),
    ("parse_json", Plain { takes: &[Takes::Text, Takes::Text], run: parse_json, varies: true }),
    ("unflatten", Plain { takes: &[Takes::Json, Takes::Text], run: unflatten, varies: true }),
];

pub(super) const PREVIOUS_ACTION_SUSPENDED: Plain =
    Plain { takes: &[], run: previous_action_suspended, varies: true };

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
    tell(call, parsed.is_none());
    let Some(json) = parsed else { return Answer::Number(1) };
    // Whatever the first byte is: rsyslogd takes it for the '$'.
    if let Some(variable) = call.text(1).get(1..).and_then(Variable::parse) {
        call.of.set(&variable, json);
    }
    Answer::Number(0)
}

/// `append_json(array, element)` and `append_json(object, key, value)`: a copy with one more
/// (rsyslog 8.2512). What fits neither gives null.
fn append_json(call: &Invocation<'_>, _: &mut Vec<u8>) -> Answer {
    match (call.json(0), call.count()) {
        (Json::Array(elements), 2) => {
            let mut elements = elements.clone();
            elements.push(call.json(1).clone());
            Answer::Json(Json::Array(elements))
        }
        (Json::Object(members), 3) => {
            let mut members = members.clone();
            let mut key = Vec::new();
            call.json(1).write_text(&mut key);
            members.set(&key, call.json(2).clone(), call.of.variables().case());
            Answer::Json(Json::Object(members))
        }
        _ => Answer::Json(Json::Null),
    }
}

/// `unflatten($!tree, separator)`: a tree of the names' parts; 0 and an error if it is no object,
/// the separator not one byte, or if parts of names are in each other's way (rsyslog fmunflatten).
fn unflatten(call: &Invocation<'_>, _: &mut Vec<u8>) -> Answer {
    let made = match (call.json(0), call.text(1)) {
        (Json::Object(members), [separator]) => {
            nested(members, *separator, call.of.variables().case())
        }
        _ => None,
    };
    tell(call, made.is_none());
    made.map_or(Answer::Number(0), |made| Answer::Json(Json::Object(made)))
}

/// `get_property($!tree, key)`: a member, or an element of an array by its number.
#[derive(Debug)]
pub(super) struct GetProperty {
    /// The first argument is a variable or a property.
    pub(super) named: bool,
}

impl Routine for GetProperty {
    fn takes(&self) -> &[Takes] {
        &[Takes::Json, Takes::Text]
    }

    /// As in rsyslog no key is the first element or all of an object, what is neither array nor
    /// object is given as it is if it has a name, and a text without one is an error.
    fn run(&self, call: &Invocation<'_>, _: &mut Vec<u8>) -> Answer {
        let key = call.text(1);
        let from = call.json(0);
        if !self.named && matches!(from, Json::Str(_)) {
            tell(call, true);
            return Answer::Text;
        }
        let found = match from {
            Json::Array(elements) if key.is_empty() => elements.first(),
            Json::Array(elements) => {
                let number = std::str::from_utf8(key).ok().and_then(|key| key.parse().ok());
                number.and_then(|number: usize| elements.get(number))
            }
            Json::Object(_) if key.is_empty() => Some(from),
            Json::Object(members) => members.get(key, call.of.variables().case()),
            _ => self.named.then_some(from),
        };
        match found {
            Some(found) if *found != Json::Null => {
                tell(call, false);
                Answer::Json(found.clone())
            }
            // What is not there is no failure, and no success.
            _ => Answer::Text,
        }
    }

    fn varies(&self) -> bool {
        true
    }

    fn acts(&self) -> bool {
        false
    }
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
