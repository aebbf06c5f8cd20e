//! What a template renders, by the plainest code: each property's value made apart and escaped a
//! byte at a time. Tests and the fuzz target `template` hold rendering against it.

use std::fmt::Write as _;

use bstr::ByteSlice;

use crate::message::Offset;
use crate::message::Property;
use crate::message::Timestamp;
use crate::message::View;
use crate::template::Escape;
use crate::template::Options;
use crate::template::field::DataType;
use crate::template::field::Field;
use crate::template::field::Format;
use crate::template::field::OnEmpty;
use crate::template::field::Source;
use crate::template::render::Op;

/// What a template that was made of `ops` makes of a message.
pub(super) fn render(ops: &[Op], options: &Options, view: &View<'_>) -> Vec<u8> {
    let parts: Vec<Vec<u8>> = ops.iter().map(|op| part(op, options.escape, view)).collect();
    if options.object {
        let parts: Vec<Vec<u8>> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        return [b"{".as_slice(), &parts.join(&b", "[..]), b"}\n"].concat();
    }
    parts.concat()
}

fn part(op: &Op, escape: Escape, view: &View<'_>) -> Vec<u8> {
    let value = |source: &Source| field(&Field::new(source.clone(), b""), view);
    let text = match op {
        Op::Text(text) => return text.to_vec(),
        Op::Byte(byte) => return vec![*byte],
        Op::Rfc5424 | Op::Rfc5424Head | Op::Line(_) | Op::Json { .. } | Op::Entry(_) => {
            unreachable!("no piece of a template is one")
        }
        Op::SpaceBeforeMsg if view.bytes(view.message.msg).starts_with(b" ") => Vec::new(),
        Op::SpaceBeforeMsg => vec![b' '],
        Op::Property(property) => value(&Source::Property(*property)),
        Op::Pri => value(&Source::Property(Property::Pri)),
        Op::Rfc3339 => rfc3339(&view.reported()),
        Op::Time(source) => value(source),
        Op::Variable(variable) => value(&Source::Variable(variable.clone())),
        Op::Field(made) if escape == Escape::Json && made.format == Format::JsonStrict => {
            return field(made, view);
        }
        Op::Field(made) => field(made, view),
    };
    let only_signs = text.iter().all(|byte| matches!(byte, b'"' | b'\\'));
    let escaped = |byte: u8| -> Vec<u8> {
        match (escape, byte) {
            (Escape::Sql, b'\'' | b'\\') => vec![b'\\', byte],
            (Escape::StdSql, b'\'') => vec![byte, byte],
            (Escape::Json, b'"' | b'\\') if !only_signs => vec![b'\\', byte],
            _ => vec![byte],
        }
    };
    text.iter().copied().flat_map(escaped).collect()
}

/// The field's value, formatted.
fn field(field: &Field, view: &View<'_>) -> Vec<u8> {
    let mut value = Vec::new();
    Field { format: Format::Plain, ..field.clone() }.write(view, &mut value);
    if field.finds_no_field(view) {
        return value;
    }
    match field.format {
        Format::Plain => value,
        Format::Csv => [b"\"", &*value.replace("\"", "\"\""), b"\""].concat(),
        Format::Json { raw } => json_text(&value, raw),
        Format::JsonStrict => json_strict(&value),
        Format::SdValue => sd_value(&value),
        Format::JsonField { raw } => json_field(field, &value, raw),
    }
}

fn sd_value(value: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(value);
    text.replace('\\', r"\\").replace('"', "\\\"").replace(']', r"\]").into_bytes()
}

fn json_field(field: &Field, value: &[u8], raw: bool) -> Vec<u8> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let text = match (field.on_empty, field.data_type) {
        (OnEmpty::Skip, _) if value.is_empty() => return Vec::new(),
        (OnEmpty::Null, _) if value.is_empty() => b"null".to_vec(),
        (_, DataType::Bool) if value == b"0" => b"false".to_vec(),
        (_, DataType::Bool) => b"true".to_vec(),
        (_, DataType::Number) if value.is_empty() => b"0".to_vec(),
        (_, DataType::Number) => json_text(value, raw),
        (_, DataType::Auto) if digits => value.to_vec(),
        _ => [b"\"", &*json_text(value, raw), b"\""].concat(),
    };
    [b"\"", &*field.name, b"\":", &*text].concat()
}

fn json_text(value: &[u8], raw: bool) -> Vec<u8> {
    let mut text = Vec::new();
    let mut rest = value;
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        match (byte, behind.first()) {
            (b'\\', Some(next)) if raw && b"\"/\\bfnrtu".contains(next) => {
                text.extend_from_slice(&[b'\\', *next]);
                rest = &behind[1..];
            }
            _ => json_byte(*byte, &mut text),
        }
    }
    text
}

fn json_byte(byte: u8, text: &mut Vec<u8>) {
    match byte {
        8 => text.extend_from_slice(b"\\b"),
        b'\t' => text.extend_from_slice(b"\\t"),
        b'\n' => text.extend_from_slice(b"\\n"),
        12 => text.extend_from_slice(b"\\f"),
        b'\r' => text.extend_from_slice(b"\\r"),
        0..0x20 => text.extend_from_slice(format!("\\u{byte:04X}").as_bytes()),
        b'"' | b'\\' | b'/' => text.extend_from_slice(&[b'\\', byte]),
        _ => text.push(byte),
    }
}

fn json_strict(value: &[u8]) -> Vec<u8> {
    let text = json_text(String::from_utf8_lossy(value).as_bytes(), false);
    text.replace("\\/", "/")
}

fn rfc3339(at: &Timestamp) -> Vec<u8> {
    let Timestamp { year, month, day, hour, minute, second, .. } = at;
    let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    let width = usize::from(at.precision);
    if width > 0 {
        _ = write!(text, ".{:0width$}", at.fraction);
    }
    match at.offset {
        Offset::Z => text.push('Z'),
        Offset::Minutes { east, negative_zero } => {
            let sign = if east < 0 || negative_zero { '-' } else { '+' };
            let size = east.unsigned_abs();
            _ = write!(text, "{sign}{:02}:{:02}", size / 60, size % 60);
        }
    }
    text.into_bytes()
}
