//! One `%property:from:to:options%`: what is read, and what is done to it.
//!
//! The order of the steps is rsyslog's: field or regular expression, range, padding, the
//! space-or-nothing hack, case, control characters, path safety, last LF, runs of spaces (those
//! that came of the steps before, too), and at last the format.

use std::cell::RefCell;

use crate::base::posix::Expression;
use crate::message::Property;
use crate::message::TimeFormat;
use crate::message::Variable;
use crate::message::View;
use crate::message::json::Value;
use crate::template::escape;

/// What a position counts as when it was given as `$`.
pub(super) const END: usize = usize::MAX;
const FIELD_NOT_FOUND: &[u8] = b"**FIELD NOT FOUND**";
const NO_MATCH: &[u8] = b"**NO MATCH**";

/// Where a field's value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Property(Property),
    /// A timestamp in a form of its own.
    Time {
        property: Property,
        format: TimeFormat,
        utc: bool,
    },
    Variable(Box<Variable>),
}

/// What is taken of the value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Pick {
    #[default]
    All,
    /// The field of that number, from 1.
    Field {
        delimiter: u8,
        number: usize,
    },
    Regex(Box<Match>),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Match {
    pub(super) regex: Expression,
    /// Which of the successive matches, from 0.
    pub(super) number: usize,
    /// Which of its groups; 0 is all of it.
    pub(super) submatch: usize,
    pub(super) otherwise: NoMatch,
}

/// What a regular expression that does not match leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum NoMatch {
    #[default]
    Default,
    Blank,
    Zero,
    Field,
}

/// Characters `from..=to`, from 1; `relative` counts back from the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) relative: bool,
    /// Characters that are left off at the end, where `to` is [`END`].
    pub(super) less: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Case {
    #[default]
    Keep,
    Upper,
    Lower,
}

/// What becomes of control characters. Of several options the last in this order holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Control {
    #[default]
    Keep,
    /// `#` and three *decimal* digits.
    Escape,
    Space,
    Drop,
}

/// What becomes of slashes. Of several options the last in this order holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SecurePath {
    #[default]
    Keep,
    Replace,
    Drop,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Format {
    #[default]
    Plain,
    Csv,
    Json {
        raw: bool,
    },
    /// Bongsu's own: the inside of a JSON string, whatever the value is.
    JsonStrict,
    /// Bongsu's own: the inside of a parameter's value in structured data.
    SdValue,
    /// `"name":"value"`.
    JsonField {
        raw: bool,
    },
}

/// How `jsonf` writes the value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum DataType {
    #[default]
    String,
    Number,
    Auto,
    Bool,
}

/// What `jsonf` makes of an empty value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum OnEmpty {
    #[default]
    Keep,
    Skip,
    Null,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    pub(super) source: Source,
    /// The name in `jsonf`, as it is: rsyslog does not escape it.
    pub(super) name: Vec<u8>,
    pub(super) pick: Pick,
    pub(super) range: Option<Range>,
    pub(super) fixed_width: bool,
    pub(super) space_if_none: bool,
    pub(super) compress_space: bool,
    pub(super) case: Case,
    pub(super) control: Control,
    pub(super) secure_path: SecurePath,
    pub(super) drop_last_lf: bool,
    pub(super) format: Format,
    pub(super) data_type: DataType,
    pub(super) on_empty: OnEmpty,
}

thread_local! {
    /// Buffers for values that cannot be cut from the message; they keep their memory.
    static POOL: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Runs `work` with an empty buffer of this thread's.
pub(super) fn with_scratch(work: impl FnOnce(&mut Vec<u8>)) {
    let mut scratch = POOL.with_borrow_mut(Vec::pop).unwrap_or_default();
    work(&mut scratch);
    scratch.clear();
    POOL.with_borrow_mut(|pool| pool.push(scratch));
}

impl Field {
    pub(super) fn new(source: Source, name: &[u8]) -> Self {
        Self {
            source,
            name: name.to_vec(),
            pick: Pick::All,
            range: None,
            fixed_width: false,
            space_if_none: false,
            compress_space: false,
            case: Case::Keep,
            control: Control::Keep,
            secure_path: SecurePath::Keep,
            drop_last_lf: false,
            format: Format::Plain,
            data_type: DataType::String,
            on_empty: OnEmpty::Keep,
        }
    }

    /// Whether the value goes out as it is.
    pub(super) fn is_plain(&self) -> bool {
        self.is_whole() && self.format == Format::Plain
    }

    /// Whether the bytes of the value change, so that they must be copied before they are
    /// formatted.
    fn changes(&self) -> bool {
        self.fixed_width
            || self.space_if_none
            || self.compress_space
            || self.drop_last_lf
            || self.case != Case::Keep
            || self.control != Control::Keep
            || self.secure_path != SecurePath::Keep
    }

    /// Whether it is all of the value, as it is but for its format.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self.pick, Pick::All) && self.range.is_none() && !self.changes()
    }

    /// Appends what the field makes of a message.
    // Inside the loop over a template's steps it would take the plain steps' registers.
    #[inline(never)]
    pub(super) fn write(&self, view: &View<'_>, out: &mut Vec<u8>) {
        self.source.with(view, |value| self.write_value(value, out));
    }

    /// Up to how many spaces a fixed width may add.
    #[cfg(any(test, fuzzing))]
    pub(super) fn width(&self) -> usize {
        let range = self.range.filter(|_| self.fixed_width);
        range.map_or(0, |range| range.to.saturating_sub(range.from))
    }

    /// Whether it picks a field that the value does not have.
    #[cfg(any(test, fuzzing))]
    pub(super) fn finds_no_field(&self, view: &View<'_>) -> bool {
        let Pick::Field { delimiter, number } = self.pick else { return false };
        let mut value = Vec::new();
        Self::new(self.source.clone(), b"").write(view, &mut value);
        field(&value, delimiter, number).is_none()
    }

    fn write_value(&self, value: &[u8], out: &mut Vec<u8>) {
        let mut value = value;
        match &self.pick {
            Pick::All => {}
            Pick::Field { delimiter, number } => match field(value, *delimiter, *number) {
                Some(found) => value = found,
                // No option applies to it.
                None => return out.extend_from_slice(FIELD_NOT_FOUND),
            },
            Pick::Regex(wanted) => value = wanted.of(value),
        }
        if let Some(range) = self.range {
            value = range.of(value);
        }
        if self.changes() {
            with_scratch(|scratch| {
                self.change(value, scratch);
                self.format(scratch, out);
            });
        } else {
            self.format(value, out);
        }
    }

    /// Puts the changed `value` into the empty `text`.
    fn change(&self, value: &[u8], text: &mut Vec<u8>) {
        text.extend_from_slice(value);
        if self.fixed_width
            && !value.is_empty()
            && let Some(Range { from, to, relative, .. }) = self.range
        {
            let missing = if relative {
                // rsyslog takes "up to 0 from the end" for one character more than there is.
                usize::from(to == 0)
            } else {
                (to - from.max(1) + 1).saturating_sub(text.len())
            };
            text.resize(text.len() + missing, b' ');
        }
        if self.space_if_none {
            match text.first() {
                None => {}
                Some(b' ') => text.clear(),
                Some(_) => {
                    text.clear();
                    text.push(b' ');
                }
            }
        }
        match self.case {
            Case::Keep => {}
            Case::Upper => text.make_ascii_uppercase(),
            Case::Lower => text.make_ascii_lowercase(),
        }
        match self.control {
            Control::Keep => {}
            Control::Drop => text.retain(|b| !b.is_ascii_control()),
            Control::Space => {
                text.iter_mut().filter(|b| b.is_ascii_control()).for_each(|b| *b = b' ');
            }
            Control::Escape => escape_control(text),
        }
        secure_path(self.secure_path, text);
        if self.drop_last_lf && text.last() == Some(&b'\n') {
            text.pop();
        }
        if self.compress_space {
            text.dedup_by(|b, before| *b == b' ' && *before == b' ');
        }
    }

    fn format(&self, value: &[u8], out: &mut Vec<u8>) {
        match self.format {
            Format::Plain => out.extend_from_slice(value),
            Format::Csv => escape::csv(value, out),
            Format::Json { raw } => escape::json(value, raw, out),
            Format::JsonStrict => escape::json_strict(value, out),
            Format::SdValue => escape::sd_value(value, out),
            Format::JsonField { raw } => self.json_field(value, raw, out),
        }
    }

    fn json_field(&self, value: &[u8], raw: bool, out: &mut Vec<u8>) {
        if value.is_empty() && self.on_empty == OnEmpty::Skip {
            return;
        }
        out.push(b'"');
        out.extend_from_slice(&self.name);
        out.extend_from_slice(b"\":");
        let numeric = match self.data_type {
            _ if value.is_empty() && self.on_empty == OnEmpty::Null => {
                return out.extend_from_slice(b"null");
            }
            DataType::Bool => {
                let text: &[u8] = if value == b"0" { b"false" } else { b"true" };
                return out.extend_from_slice(text);
            }
            DataType::Number if value.is_empty() => return out.push(b'0'),
            DataType::Number => true,
            DataType::Auto => !value.is_empty() && value.iter().all(u8::is_ascii_digit),
            DataType::String => false,
        };
        if numeric {
            return escape::json(value, raw, out);
        }
        out.push(b'"');
        escape::json(value, raw, out);
        out.push(b'"');
    }
}

impl Source {
    /// Appends a timestamp; nothing for other sources.
    #[inline]
    pub(super) fn write_time(&self, view: &View<'_>, out: &mut Vec<u8>) {
        let Self::Time { property, format, utc } = self else { return };
        let at = match property {
            Property::TimeGenerated => view.generated(),
            _ => view.reported(),
        };
        if *utc {
            format.write(&at.to_utc(), out);
        } else {
            format.write(&at, out);
        }
    }

    /// Calls `f` with the value.
    #[inline]
    pub(super) fn with(&self, view: &View<'_>, f: impl FnOnce(&[u8])) {
        match self {
            Self::Property(property) => match view.borrowed(*property) {
                Some(value) => f(value),
                None => with_scratch(|scratch| {
                    view.write_property(*property, scratch);
                    f(scratch);
                }),
            },
            Self::Variable(variable) => view.variables.with(variable, |value| match value {
                None => f(b""),
                Some(Value::Str(text)) => f(text),
                Some(value) => with_scratch(|scratch| {
                    value.write_text(scratch);
                    f(scratch);
                }),
            }),
            Self::Time { .. } => with_scratch(|scratch| {
                self.write_time(view, scratch);
                f(scratch);
            }),
        }
    }

    /// Appends the value for the inside of a JSON string.
    #[inline(never)]
    pub(super) fn write_json(&self, raw: bool, view: &View<'_>, out: &mut Vec<u8>) {
        self.with(view, |value| escape::json(value, raw, out));
    }

    /// Whether JSON escapes nothing in any value that it has: numbers, times and fixed words.
    pub(super) const fn is_json_text(&self) -> bool {
        match self {
            Self::Time { .. } => true,
            Self::Variable(_) => false,
            Self::Property(property) => matches!(
                property,
                Property::Pri
                    | Property::PriText
                    | Property::SyslogFacility
                    | Property::SyslogFacilityText
                    | Property::SyslogSeverity
                    | Property::SyslogSeverityText
                    | Property::FromHostPort
                    | Property::ProtocolVersion
                    | Property::Now(_)
                    | Property::NowUtc(_)
                    | Property::NowUnixTimestamp
                    | Property::Uuid
            ),
        }
    }

    pub(super) const fn property(&self) -> Option<Property> {
        match self {
            Self::Property(property) | Self::Time { property, .. } => Some(*property),
            Self::Variable(_) => None,
        }
    }
}

impl Range {
    /// Positions as they were given. Those that are the wrong way round are turned, as in rsyslog:
    /// `%msg:3%` is the first three characters. `None` for 0 and 0, which is no range.
    pub(super) fn new(from: usize, to: usize, relative: bool) -> Option<Self> {
        let (low, high) = (from.min(to), from.max(to));
        let (from, to) = if relative { (high, low) } else { (low, high) };
        (high > 0).then_some(Self { from, to, relative, less: 0 })
    }

    /// From `from` on, but for the last `less` characters.
    pub(super) const fn without_last(from: usize, less: usize) -> Self {
        Self { from, to: END, relative: false, less }
    }

    #[inline]
    fn of(self, value: &[u8]) -> &[u8] {
        let (start, end) = if self.relative {
            let start = value.len().saturating_sub(self.from);
            // Before the start there is the start: at least one character is taken.
            (start, (value.len() + 1).saturating_sub(self.to).max(1))
        } else {
            (self.from.max(1) - 1, self.to.min(value.len().saturating_sub(self.less)))
        };
        value.get(start..end.min(value.len())).unwrap_or_default()
    }
}

impl Match {
    fn of<'v>(&self, value: &'v [u8]) -> &'v [u8] {
        if let Some(found) = self.regex.nth(value, self.number, self.submatch) {
            return found.unwrap_or_default();
        }
        match self.otherwise {
            NoMatch::Default => NO_MATCH,
            NoMatch::Blank => b"",
            NoMatch::Zero => b"0",
            NoMatch::Field => value,
        }
    }
}

fn field(value: &[u8], delimiter: u8, number: usize) -> Option<&[u8]> {
    let mut rest = value;
    for _ in 1..number.max(1) {
        rest = &rest[memchr::memchr(delimiter, rest)? + 1..];
    }
    let end = memchr::memchr(delimiter, rest).unwrap_or(rest.len());
    (number > 0).then(|| &rest[..end])
}

fn escape_control(text: &mut Vec<u8>) {
    if !text.iter().any(u8::is_ascii_control) {
        return;
    }
    with_scratch(|escaped| {
        for byte in text.iter().copied() {
            if byte.is_ascii_control() {
                let digits = [byte / 100, byte / 10 % 10, byte % 10].map(|digit| b'0' + digit);
                escaped.push(b'#');
                escaped.extend_from_slice(&digits);
            } else {
                escaped.push(byte);
            }
        }
        std::mem::swap(text, escaped);
    });
}

/// Makes `text` fit to be one part of a path. rsyslog's `replace` overlooks the second of two
/// slashes in a row; here none is left.
fn secure_path(mode: SecurePath, text: &mut Vec<u8>) {
    match mode {
        SecurePath::Keep => return,
        SecurePath::Drop => text.retain(|b| *b != b'/'),
        SecurePath::Replace => text.iter_mut().filter(|b| **b == b'/').for_each(|b| *b = b'_'),
    }
    match text.as_mut_slice() {
        [] => text.push(b'_'),
        [b'.'] | [b'.', b'.'] => text[0] = b'_',
        _ => {}
    }
}
