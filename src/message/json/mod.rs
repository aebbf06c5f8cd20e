//! JSON as message variables hold it (`$!`, `$.`, `$/`): what libfastjson makes of a text, and what
//! it writes. Objects keep their order, doubles the text they came in.

mod double;
mod object;
mod parse;
mod path;
mod print;

pub use object::Object;
pub use parse::parse;
pub use parse::parse_leading;
pub use parse::parse_or_place;
pub use parse::parse_prefix;
pub use path::Path;
pub use path::PathError;
pub use print::Style;
pub use print::escape;
pub use print::print;

use bstr::BString;
use bstr::ByteSlice;

/// Deepest nesting of arrays and objects that is read (libfastjson: 32 levels of values).
const DEPTH_MAX: usize = 32;

/// How names of members are compared: `global(variables.caseSensitive=)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Case {
    /// rsyslog's default.
    #[default]
    Insensitive,
    Sensitive,
}

impl Case {
    fn same(self, a: &[u8], b: &[u8]) -> bool {
        match self {
            Self::Insensitive => a.eq_ignore_ascii_case(b),
            Self::Sensitive => a == b,
        }
    }
}

/// A JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    /// As it was written, which is how it is printed: `1.10`, `1e`, `NaN`.
    Double(Box<[u8]>),
    /// Any bytes but NUL.
    Str(BString),
    Array(Vec<Self>),
    Object(Object),
}

impl Value {
    /// A text, up to its first NUL.
    #[must_use]
    pub fn text(bytes: &[u8]) -> Self {
        Self::Str(until_nul(bytes).into())
    }

    #[must_use]
    pub const fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    pub const fn as_object_mut(&mut self) -> Option<&mut Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// Its whole number, as libfastjson's `json_object_get_int64` gives it: of a text the one that
    /// it begins with, of what is none 0.
    #[must_use]
    pub fn whole(&self) -> i64 {
        match self {
            Self::Null | Self::Array(_) | Self::Object(_) => 0,
            Self::Bool(truth) => i64::from(*truth),
            Self::Int(number) => *number,
            Self::Double(text) => double::whole(text),
            Self::Str(text) => leading_whole(text),
        }
    }

    /// What a template writes for it: texts bare, null nothing, the rest as JSON.
    pub fn write_text(&self, out: &mut Vec<u8>) {
        self.write_styled(Style::Spaced, out);
    }

    /// What an expression has for it, which rsyslogd copies first.
    pub fn write_copied(&self, out: &mut Vec<u8>) {
        self.write_styled(Style::Copied, out);
    }

    fn write_styled(&self, style: Style, out: &mut Vec<u8>) {
        match self {
            Self::Null => {}
            Self::Str(text) => out.extend_from_slice(text),
            other => print(other, style, out),
        }
    }

    /// A copy as rsyslogd makes it for whatever an expression names: doubles are as
    /// libfastjson prints them, no longer as they were sent.
    #[must_use]
    pub fn copied(&self) -> Self {
        let mut copy = self.clone();
        copy.forget_texts();
        copy
    }

    fn forget_texts(&mut self) {
        match self {
            Self::Double(text) => {
                let mut printed = Vec::new();
                double::write_copy(text, &mut printed);
                *text = printed.into();
            }
            Self::Array(items) => items.iter_mut().for_each(Self::forget_texts),
            Self::Object(members) => members.values_mut().for_each(Self::forget_texts),
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Str(_) => {}
        }
    }
}

/// What C sees of a text.
fn until_nul(bytes: &[u8]) -> &[u8] {
    memchr::memchr(0, bytes).map_or(bytes, |end| &bytes[..end])
}

/// The whole part of the number that `text` begins with, as far as it fits. An exponent moves the
/// point.
fn leading_whole(text: &[u8]) -> i64 {
    let number = |b: &&u8| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-');
    let mut length = text.iter().take_while(number).count();
    while let Some(text) = text[..length].to_str().ok().filter(|text| !text.is_empty()) {
        if let Ok(whole) = text.parse::<i64>() {
            return whole;
        }
        if let Ok(double) = text.parse::<f64>() {
            // The largest or the smallest one where it does not fit.
            let whole = format!("{:.0}", double.trunc());
            return whole.parse().unwrap_or(if double > 0.0 { i64::MAX } else { i64::MIN });
        }
        length -= 1;
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_whole() {
        let of = |text: &str| parse(text.as_bytes(), Case::Insensitive).unwrap().whole();
        for (text, whole) in [
            ("5", 5),
            ("-1.9", -1),
            ("1.5e3", 1500),
            ("1e", 1),
            ("1e400", i64::MIN),
            ("-1e400", i64::MIN),
            ("true", 1),
            ("null", 0),
            ("[7]", 0),
            ("\"12abc\"", 12),
            ("\"abc\"", 0),
            ("NaN", i64::MIN),
        ] {
            assert_eq!(of(text), whole, "{text}");
        }
    }
}
