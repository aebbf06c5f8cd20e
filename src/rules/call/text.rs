//! Functions of texts.

use std::env;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use memchr::memmem;

use crate::message::json;
use crate::rules::call::Answer;
use crate::rules::call::Invocation;
use crate::rules::call::Plain;
use crate::rules::call::Takes;
use crate::rules::eval::append;
use crate::rules::value::Value;

pub(super) const ROUTINES: &[(&str, Plain)] = &[
    ("b64_decode", Plain { takes: TEXT, run: b64_decode, varies: false }),
    ("field", Plain { takes: FIELD, run: field, varies: false }),
    ("getenv", Plain { takes: TEXT, run: getenv, varies: false }),
    ("ltrim", Plain { takes: TEXT, run: ltrim, varies: false }),
    ("replace", Plain { takes: TEXT, run: replace, varies: false }),
    ("rtrim", Plain { takes: TEXT, run: rtrim, varies: false }),
    ("split", Plain { takes: TEXT, run: split, varies: false }),
    ("substring", Plain { takes: SUBSTRING, run: substring, varies: false }),
    ("toupper", Plain { takes: TEXT, run: toupper, varies: false }),
    ("wrap", Plain { takes: TEXT, run: wrap, varies: false }),
];

const TEXT: &[Takes] = &[Takes::Text];
const FIELD: &[Takes] = &[Takes::Text, Takes::Value, Takes::Number];
const SUBSTRING: &[Takes] = &[Takes::Text, Takes::Number];

fn toupper(call: &Invocation<'_>, out: &mut Vec<u8>) -> Answer {
    out.extend_from_slice(call.text(0));
    out.make_ascii_uppercase();
    Answer::Text
}

/// Spaces are removed, tabs are not.
fn ltrim(call: &Invocation<'_>, out: &mut Vec<u8>) -> Answer {
    let text = call.text(0);
    let start = text.iter().position(|byte| *byte != b' ').unwrap_or(text.len());
    out.extend_from_slice(&text[start..]);
    Answer::Text
}

fn rtrim(call: &Invocation<'_>, out: &mut Vec<u8>) -> Answer {
    let text = call.text(0);
    let end = text.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
    out.extend_from_slice(&text[..end]);
    Answer::Text
}

/// What rsyslog gives where a text has less fields.
const NO_FIELD: &[u8] = b"***FIELD NOT FOUND***";

/// A delimiter that is a number is the byte of that code (modulo 256), another one a text. Fields
/// between texts of no length are empty, however many are asked for.
fn field(call: &Invocation<'_>, out: &mut Vec<u8>) -> Answer {
    let text = call.text(0);
    let field = usize::try_from(as_int(call.number(2))).ok().and_then(|n| n.checked_sub(1));
    let field = field.and_then(|skip| match call.value(1) {
        Value::Text(b"") => Some(&b""[..]),
        Value::Text(delimiter) => between(text, delimiter, skip),
        number => text.split(|byte| *byte == number.number().to_le_bytes()[0]).nth(skip),
    });
    out.extend_from_slice(field.unwrap_or(NO_FIELD));
    Answer::Text
}

/// The field behind `skip` delimiters.
fn between<'t>(text: &'t [u8], delimiter: &[u8], skip: usize) -> Option<&'t [u8]> {
    let mut delimiters = memmem::find_iter(text, delimiter);
    let start = match skip.checked_sub(1) {
        Some(before) => delimiters.nth(before)? + delimiter.len(),
        None => 0,
    };
    Some(&text[start..delimiters.next().unwrap_or(text.len())])
}

/// A number as rsyslog's functions keep it in C's `int`: its lowest 32 bits.
fn as_int(number: i64) -> i32 {
    let [low @ .., _, _, _, _] = number.to_le_bytes();
    i32::from_le_bytes(low)
}

/// A negative length is taken off that of the text. What would begin before the text is empty:
/// rsyslogd reads foreign memory there.
fn substring(call: &Invocation<'_>, out: &mut Vec<u8>) -> Answer {
    let text = call.text(0);
    let length = match (as_int(call.number(2)), text.len()) {
        (less @ ..0, all) => all.checked_sub(usize_of(less.unsigned_abs())),
        (length, _) => Some(usize_of(length.unsigned_abs())),
    };
    let behind = usize::try_from(as_int(call.number(1))).ok().and_then(|start| text.get(start..));
    if let (Some(behind), Some(length)) = (behind, length) {
        out.extend_from_slice(&behind[..length.min(behind.len())]);
    }
    Answer::Text
}

fn usize_of(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn replace(call: &Invocation<'_>, out: &mut Vec<u8>) -> Answer {
    replaced(call.text(0), call.text(1), call.text(2), out);
    Answer::Text
}

/// `text` with `by` wherever `part` stands; a part of no length stands around every byte.
fn replaced(text: &[u8], part: &[u8], by: &[u8], out: &mut Vec<u8>) {
    let mut copied = 0;
    for at in memmem::find_iter(text, part) {
        append(&text[copied..at], out);
        append(by, out);
        copied = at + part.len();
    }
    append(&text[copied..], out);
}

fn wrap(call: &Invocation<'_>, out: &mut Vec<u8>) -> Answer {
    let (text, wrapper) = (call.text(0), call.text(1));
    out.extend_from_slice(wrapper);
    if call.count() > 2 {
        replaced(text, wrapper, call.text(2), out);
    } else {
        out.extend_from_slice(text);
    }
    out.extend_from_slice(wrapper);
    Answer::Text
}

/// An array of texts; nothing is in it where the separator has no length.
fn split(call: &Invocation<'_>, _: &mut Vec<u8>) -> Answer {
    let (text, separator) = (call.text(0), call.text(1));
    let mut parts = Vec::new();
    if !separator.is_empty() {
        let mut start = 0;
        for at in memmem::find_iter(text, separator) {
            parts.push(json::Value::text(&text[start..at]));
            start = at + separator.len();
        }
        parts.push(json::Value::text(&text[start..]));
    }
    Answer::Json(json::Value::Array(parts))
}

/// The environment stays as it was at the start, so that this does not vary.
fn getenv(call: &Invocation<'_>, out: &mut Vec<u8>) -> Answer {
    let name = call.text(0);
    // What cannot be a name is none, and asking for it would panic.
    if !name.is_empty() && !name.iter().any(|byte| matches!(byte, b'=' | 0)) {
        let value = env::var_os(OsStr::from_bytes(name));
        out.extend_from_slice(value.as_deref().map_or(b"", OsStrExt::as_bytes));
    }
    Answer::Text
}

/// RFC 4648, with or without padding, behind which nothing is read; line feeds are left out. What
/// is none gives an empty text.
fn b64_decode(call: &Invocation<'_>, out: &mut Vec<u8>) -> Answer {
    if decode(call.text(0), out).is_none() {
        out.clear();
    }
    Answer::Text
}

fn decode(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text.iter().take_while(|byte| **byte != b'=') {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'\n' => continue,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        count += 1;
        if count == 4 {
            out.extend_from_slice(&bits.to_be_bytes()[1..]);
            (bits, count) = (0, 0);
        }
    }
    match count {
        1 => return None,
        2 => out.extend_from_slice(&(bits << 12).to_be_bytes()[1..2]),
        3 => out.extend_from_slice(&(bits << 6).to_be_bytes()[1..3]),
        _ => {}
    }
    Some(())
}
