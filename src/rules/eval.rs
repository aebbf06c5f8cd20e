//! Evaluation of tests and expressions over whatever the properties come from.

use crate::base::limits::SCRIPT_TEXT_BYTES_MAX;
use crate::message::Variable;
use crate::message::Variables;
use crate::message::json;
use crate::rules::call::Answer;
use crate::rules::ir::Expr;
use crate::rules::ir::Leaf;
use crate::rules::ir::Pattern;
use crate::rules::ir::Test;
use crate::rules::ir::TextOperator;
use crate::rules::live::Properties;
use crate::rules::value::Relation;
use crate::rules::value::Value;
use crate::rules::value::compare;

/// Whether `test` holds. `buffers` are at least [`Test::buffers`] many.
pub(super) fn holds<P: Properties>(test: &Test, of: &P, buffers: &mut [Vec<u8>]) -> bool {
    match test {
        Test::Const(truth) => *truth,
        Test::Pri(mask) => mask.takes(of.pri()),
        Test::Origin(never) => match *never {},
        Test::Leaf(leaf) => leaf_holds(leaf, of, buffers),
        Test::Not(inner) => !holds(inner, of, buffers),
        Test::And(all) => all.iter().all(|test| holds(test, of, buffers)),
        Test::Or(any) => any.iter().any(|test| holds(test, of, buffers)),
    }
}

pub(super) fn leaf_holds<P: Properties>(leaf: &Leaf, of: &P, buffers: &mut [Vec<u8>]) -> bool {
    match leaf {
        Leaf::Match { subject, pattern } => {
            value(subject, of, buffers).with_text(|text| pattern.takes(text))
        }
        // A text that is a constant on the other side need not be copied.
        Leaf::Compare { relation, left: Expr::Variable(variable), right: Expr::Text(text) } => {
            of.variables().with(variable, |value| {
                let left = match value {
                    Some(json::Value::Str(text)) => Value::Text(text),
                    Some(value) => json_value(value, &mut buffers[0]),
                    None => Value::Text(b""),
                };
                compare(*relation, left, Value::Text(text))
            })
        }
        Leaf::Compare { relation, left, right } => {
            let (left_buffers, right_buffers) = buffers.split_at_mut(left.buffers());
            let left = value(left, of, left_buffers);
            compare(*relation, left, value(right, of, right_buffers))
        }
        Leaf::EqualsAny { left, texts } => {
            let left = value(left, of, buffers);
            let mut texts = texts.iter().map(|text| Value::Text(text));
            let equals = |text| compare(Relation::Equal, left, text);
            match left {
                Value::Number(_) => texts.next().is_some_and(equals),
                Value::Text(_) | Value::Json { .. } => texts.any(equals),
            }
        }
        Leaf::Relate { operator, left, right } => {
            let (left_buffers, right_buffers) = buffers.split_at_mut(left.buffers());
            // The left side first: what the right one sets is nothing to it.
            let left = value(left, of, left_buffers);
            value(right, of, right_buffers)
                .with_text(|needle| left.with_text(|text| operator.holds(text, needle)))
        }
        Leaf::Truth(expr) => value(expr, of, buffers).number() != 0,
        Leaf::Exists(variable) => of.variables().with(variable, |value| value.is_some()),
    }
}

/// The value of `expr`: borrowed from the message where it stands there, otherwise built in
/// `buffers`.
pub(super) fn value<'s, P: Properties>(
    expr: &'s Expr,
    of: &'s P,
    buffers: &'s mut [Vec<u8>],
) -> Value<'s> {
    match expr {
        Expr::Number(n) => Value::Number(*n),
        Expr::Text(text) => Value::Text(text),
        Expr::Property(property) => Value::Text(of.property(*property, &mut buffers[0])),
        Expr::Variable(variable) => variable_value(variable, &of.variables(), &mut buffers[0]),
        Expr::Concat(parts) => {
            let (out, rest) = built(buffers);
            for part in parts {
                value(part, of, rest).with_text(|text| append(text, out));
            }
            Value::Text(out)
        }
        Expr::Arithmetic(operator, sides) => {
            let left = value(&sides[0], of, buffers).number();
            Value::Number(operator.apply(left, value(&sides[1], of, buffers).number()))
        }
        Expr::Negate(inner) => Value::Number(value(inner, of, buffers).number().wrapping_neg()),
        Expr::Lowercase(inner) => {
            let (out, rest) = built(buffers);
            value(inner, of, rest).with_text(|text| out.extend_from_slice(text));
            out.make_ascii_lowercase();
            Value::Text(out)
        }
        Expr::ToText(inner) => {
            let (out, rest) = built(buffers);
            value(inner, of, rest).with_text(|text| out.extend_from_slice(text));
            Value::Text(out)
        }
        Expr::Length(inner) => {
            let length = value(inner, of, buffers).with_text(<[u8]>::len);
            Value::Number(i64::try_from(length).unwrap_or(i64::MAX))
        }
        Expr::ToNumber(inner) => Value::Number(value(inner, of, buffers).number()),
        Expr::Test(test) => Value::Number(i64::from(holds(test, of, buffers))),
        Expr::Call(call) => {
            let (out, rest) = built(buffers);
            match call.run(of, rest, out) {
                Answer::Number(number) => Value::Number(number),
                Answer::Text => Value::Text(out),
                Answer::Json(json) => json_value(&json, out),
            }
        }
    }
}

/// What a variable holds. Its text is copied: the tree of `$/` may change at any time.
fn variable_value<'s>(
    variable: &Variable,
    variables: &Variables,
    out: &'s mut Vec<u8>,
) -> Value<'s> {
    out.clear();
    variables.with(variable, |value| match value {
        Some(value) => json_value(value, out),
        None => Value::Text(b""),
    })
}

/// JSON as the value that it is to operators; its text is written into `out`.
fn json_value<'s>(json: &json::Value, out: &'s mut Vec<u8>) -> Value<'s> {
    out.clear();
    json.write_copied(out);
    match json {
        json::Value::Str(_) | json::Value::Null => Value::Text(out),
        json => Value::Json { text: out, number: json.whole() },
    }
}

/// What is to be kept in a variable.
pub(super) enum Kept<'a> {
    Text(&'a [u8]),
    Json(json::Value),
}

/// The value of `expr`, to be kept in a variable: numbers are numbers, and what a variable holds is
/// copied as rsyslogd copies it.
pub(super) fn keep<'s, P: Properties>(
    expr: &'s Expr,
    of: &'s P,
    buffers: &'s mut [Vec<u8>],
) -> Kept<'s> {
    if let Expr::Call(call) = expr {
        let (out, rest) = built(buffers);
        return match call.run(of, rest, out) {
            Answer::Number(number) => Kept::Json(json::Value::Int(number)),
            Answer::Text => Kept::Text(out),
            Answer::Json(json) => Kept::Json(json),
        };
    }
    if let Expr::Variable(variable) = expr {
        let copied = |value: Option<&json::Value>| match value {
            // A null is kept as an empty text, as in rsyslog.
            Some(json::Value::Null) | None => json::Value::text(b""),
            Some(value) => value.copied(),
        };
        return Kept::Json(of.variables().with(variable, copied));
    }
    match value(expr, of, buffers) {
        Value::Number(number) => Kept::Json(json::Value::Int(number)),
        Value::Text(text) | Value::Json { text, .. } => Kept::Text(text),
    }
}

/// As [`keep`], as JSON.
pub(super) fn kept<P: Properties>(expr: &Expr, of: &P, buffers: &mut [Vec<u8>]) -> json::Value {
    match keep(expr, of, buffers) {
        Kept::Text(text) => json::Value::text(text),
        Kept::Json(json) => json,
    }
}

/// Puts `text` behind what is in `out`, as far as a text may be long: a few statements can double
/// one for each element of an array that somebody sends.
pub(super) fn append(text: &[u8], out: &mut Vec<u8>) {
    let room = SCRIPT_TEXT_BYTES_MAX.saturating_sub(out.len());
    out.extend_from_slice(&text[..text.len().min(room)]);
}

fn built(buffers: &mut [Vec<u8>]) -> (&mut Vec<u8>, &mut [Vec<u8>]) {
    let (out, rest) = buffers.split_at_mut(1);
    out[0].clear();
    (&mut out[0], rest)
}

impl Pattern {
    pub(super) fn takes(&self, text: &[u8]) -> bool {
        match self {
            Self::Equal(texts) => texts.contains(text),
            Self::Contains(finders) => finders.iter().any(|finder| finder.find(text).is_some()),
            Self::Other(operator, needles) => {
                needles.iter().any(|needle| operator.holds(text, needle))
            }
            Self::Regex(regex) => regex.is_match(text),
            Self::AnyOf(texts) => texts.is_match(text),
        }
    }
}

impl TextOperator {
    /// Letter case is ASCII's, as in rsyslog.
    pub(super) fn holds(self, text: &[u8], needle: &[u8]) -> bool {
        match self {
            Self::Contains => memchr::memmem::find(text, needle).is_some(),
            Self::ContainsI => contains_ignoring_case(text, needle),
            Self::StartsWith => text.starts_with(needle),
            // rsyslogd compares as far as the shorter one goes.
            Self::StartsWithI => {
                let shared = text.len().min(needle.len());
                text[..shared].eq_ignore_ascii_case(&needle[..shared])
            }
            Self::EndsWith => text.ends_with(needle),
        }
    }
}

fn contains_ignoring_case(text: &[u8], needle: &[u8]) -> bool {
    let Some(first) = needle.first() else { return true };
    let Some(last_start) = text.len().checked_sub(needle.len()) else { return false };
    memchr::memchr2_iter(
        first.to_ascii_lowercase(),
        first.to_ascii_uppercase(),
        &text[..=last_start],
    )
    .any(|at| text[at..at + needle.len()].eq_ignore_ascii_case(needle))
}
