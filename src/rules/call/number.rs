//! Functions of numbers and truth.

use std::io::Write as _;

use crate::rules::call::Answer;
use crate::rules::call::Invocation;
use crate::rules::call::Plain;
use crate::rules::call::Takes;
use crate::rules::value::Value;

pub(super) const ROUTINES: &[(&str, Plain)] = &[
    ("cbool", Plain { takes: &[Takes::Value], run: cbool, varies: false }),
    ("int2hex", Plain { takes: &[Takes::Value], run: int2hex, varies: false }),
    ("random", Plain { takes: &[Takes::Number], run: random, varies: true }),
];

/// What newer rsyslogs take for false where a text is wanted as a truth, letter case aside.
const FALSE: [&[u8]; 5] = [b"", b"0", b"false", b"off", b"no"];

/// Of a text, whether it is none of [`FALSE`]; of a number, whether it is not 0.
fn cbool(call: &Invocation<'_>, _: &mut Vec<u8>) -> Answer {
    Answer::Number(i64::from(match call.value(0) {
        Value::Text(text) => {
            let text = text.trim_ascii();
            !FALSE.iter().any(|known| text.eq_ignore_ascii_case(known))
        }
        other => other.number() != 0,
    }))
}

/// Of a negative number, its two's complement; of what is no number, `NAN`.
fn int2hex(call: &Invocation<'_>, out: &mut Vec<u8>) -> Answer {
    match call.whole(0) {
        // Writing into a vector does not fail.
        Some(number) => _ = write!(out, "{number:x}"),
        None => out.extend_from_slice(b"NAN"),
    }
    Answer::Text
}

/// A number from 0 on, below the argument without its sign.
fn random(call: &Invocation<'_>, _: &mut Vec<u8>) -> Answer {
    let number = match call.number(0).unsigned_abs() {
        0 => 0,
        limit => fastrand::u64(0..limit),
    };
    Answer::Number(number.cast_signed())
}
