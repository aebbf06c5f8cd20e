//! JSON as message variables hold it (`$!`, `$.`, `$/`): what libfastjson makes of a text, and what
//! it writes. Objects keep their order, doubles the text they came in.

mod object;
mod parse;
mod path;
mod print;

pub use object::Object;
pub use parse::parse;
pub use parse::parse_prefix;
pub use path::Path;
pub use path::PathError;
pub use print::Style;
pub use print::escape;
pub use print::print;

use bstr::BString;

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
        let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
        Self::Str(bytes[..end].into())
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

    /// What a template writes for it: texts bare, null nothing, the rest as JSON.
    pub fn write_text(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => {}
            Self::Str(text) => out.extend_from_slice(text),
            other => print(other, Style::Spaced, out),
        }
    }
}
