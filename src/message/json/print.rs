//! JSON text as libfastjson writes it.

use std::io::Write as _;

use crate::message::json::Object;
use crate::message::json::Value;
use crate::message::json::double;

/// Blanks between the parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `{ "a": 1, "b": [ 1, 2 ] }`: `%$!%`, `all-json`.
    Spaced,
    /// `{"a":1,"b":[1,2]}`: `all-json-plain`.
    Plain,
    /// As [`Style::Spaced`], with doubles as they are in a copy: `0.10000000000000001`.
    Copied,
}

/// Appends `value` to `out`.
pub fn print(value: &Value, style: Style, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        // Writing to a vector cannot fail.
        Value::Int(number) => _ = write!(out, "{number}"),
        Value::Double(text) if style == Style::Copied => double::write_copy(text, out),
        Value::Double(text) => out.extend_from_slice(text),
        Value::Str(text) => {
            out.push(b'"');
            escape(text, out);
            out.push(b'"');
        }
        Value::Array(items) => array(items, style, out),
        Value::Object(members) => object(members, style, out),
    }
}

fn array(items: &[Value], style: Style, out: &mut Vec<u8>) {
    out.push(b'[');
    for (i, item) in items.iter().enumerate() {
        separate(i, style, out);
        print(item, style, out);
    }
    close(b']', style, out);
}

fn object(members: &Object, style: Style, out: &mut Vec<u8>) {
    out.push(b'{');
    for (i, (name, value)) in members.iter().enumerate() {
        separate(i, style, out);
        out.push(b'"');
        escape(name, out);
        out.extend_from_slice(if style == Style::Plain { b"\":" } else { b"\": " });
        print(value, style, out);
    }
    close(b'}', style, out);
}

fn separate(i: usize, style: Style, out: &mut Vec<u8>) {
    if i > 0 {
        out.push(b',');
    }
    if style != Style::Plain {
        out.push(b' ');
    }
}

fn close(bracket: u8, style: Style, out: &mut Vec<u8>) {
    if style != Style::Plain {
        out.push(b' ');
    }
    out.push(bracket);
}

/// Appends `text` as it stands between the quotes of a JSON text: `/` is escaped as well, bytes
/// above 0x7e stay.
pub fn escape(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    let special = |byte: &u8| *byte < b' ' || matches!(byte, b'"' | b'\\' | b'/');
    while let Some(at) = rest.iter().position(special) {
        out.extend_from_slice(&rest[..at]);
        match rest[at] {
            b'\x08' => out.extend_from_slice(b"\\b"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\x0c' => out.extend_from_slice(b"\\f"),
            byte @ (b'"' | b'\\' | b'/') => out.extend_from_slice(&[b'\\', byte]),
            byte => _ = write!(out, "\\u{byte:04x}"),
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}
