//! Functions of JSON and of the message as a whole.

use std::sync::Arc;

use crate::base::num::leading_number;
use crate::message::Variable;
use crate::message::View;
use crate::message::json::Case;
use crate::message::json::Value as Json;
use crate::message::json::parse_leading;
use crate::modifier::dots::nested;
use crate::rules::call::Answer;
use crate::rules::call::Invocation;
use crate::rules::call::Plain;
use crate::rules::call::Routine;
use crate::rules::call::Takes;
use crate::rules::call::error::tell;
use crate::rules::ir::Varies;
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
    let parsed = parse_leading(text, case).and_then(whole);
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
    /// How the first argument is given.
    pub(super) from: Given,
}

/// How a tree is given, as far as it makes a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// A variable or a property.
    Name,
    /// A text as it stands in the configuration.
    Literal,
    Other,
}

/// There is no such member or element.
struct NotThere;

impl GetProperty {
    /// As in rsyslog no key is the first element or all of an object, and what is neither array nor
    /// object is given whatever the key is: numbers and truths as whole numbers, but those that
    /// were computed not at all. A text that stands there is no tree.
    fn find(&self, from: &Json, key: &[u8], case: Case) -> Result<Option<Json>, NotThere> {
        Ok(match from {
            Json::Array(elements) if key.is_empty() => elements.first().cloned(),
            Json::Array(elements) => Some(element(elements, key)?.clone()),
            Json::Object(_) if key.is_empty() => Some(from.clone()),
            Json::Object(members) => Some(members.get(key, case).ok_or(NotThere)?.clone()),
            Json::Str(_) if self.from == Given::Literal => return Err(NotThere),
            Json::Str(_) => Some(from.clone()),
            Json::Int(_) if self.from != Given::Name => None,
            Json::Null => None,
            Json::Bool(_) | Json::Int(_) | Json::Double(_) => Some(Json::Int(from.whole())),
        })
    }
}

/// Of the number only digits are read, behind a sign or not; none are 0.
fn element<'j>(elements: &'j [Json], number: &[u8]) -> Result<&'j Json, NotThere> {
    let place = match leading_number(number) {
        (number, true) => usize::try_from(number).ok(),
        (_, false) => None,
    };
    place.and_then(|place| elements.get(place)).ok_or(NotThere)
}

impl Routine for GetProperty {
    fn takes(&self) -> &[Takes] {
        &[Takes::Json, Takes::Text]
    }

    fn run(&self, call: &Invocation<'_>, _: &mut Vec<u8>) -> Answer {
        let case = call.of.variables().case();
        let found = self.find(call.json(0), call.text(1), case);
        tell(call, found.is_err());
        match found {
            Ok(Some(found)) if found != Json::Null => Answer::Json(found),
            _ => Answer::Text,
        }
    }

    fn varies(&self) -> Varies {
        Varies::Always
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

    fn reads_message_tree(&self) -> bool {
        self.template.reads_message_tree()
    }

    fn varies(&self) -> Varies {
        Varies::Always
    }

    fn acts(&self) -> bool {
        false
    }
}
