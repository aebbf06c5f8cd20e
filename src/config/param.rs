//! Typed parameter tables: each module declares one, everything else walks it.

use bstr::BString;
use bstr::ByteSlice;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::diag::nearest;
use crate::config::ast::Object;
use crate::config::ast::Value;
use crate::config::legacy::selector;

/// What a parameter's text must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Str,
    /// `on` or `off`, in lower case.
    Bool,
    /// A whole number; `-1` where rsyslog takes it.
    Int,
    /// A whole number from 0.
    Count,
    /// A whole number from 1.
    Positive,
    /// A number with k, m, g, t (binary) or K, M, G, T (decimal) behind it.
    Size,
    /// One text or `["a","b"]`.
    Array,
    /// Octal file mode, four or five digits, the first a zero.
    Mode,
    /// A whole number of seconds, minutes, milliseconds …: the word is the unit.
    Duration(&'static str),
    /// One of these words, in any case.
    Word(&'static [&'static str]),
    /// A severity by name or number.
    Severity,
    /// A facility by name or number.
    Facility,
    /// A user's name.
    User,
    /// A group's name.
    Group,
    /// A number that stands for a user or group.
    Id,
    /// A template's name.
    Template,
    /// A ruleset's name.
    Ruleset,
}

/// What Bongsu does with a parameter of rsyslog's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    Full,
    /// Accepted and without effect: says what Bongsu does instead.
    Ignored(&'static str),
    /// Right, and not built yet: says what happens meanwhile. The object is left out, since it
    /// would do something else than was asked for.
    Later(&'static str),
    /// Right, and not built yet: says what happens meanwhile. The object runs without it, since
    /// that keeps more than leaving the object out: a queue that cannot go to disk still queues.
    Meanwhile(&'static str),
    /// Refused: says why, and what to do.
    Unsupported(&'static str),
}

/// One row of a module's table.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// rsyslog's name in its documented letter case.
    pub name: &'static str,
    pub kind: Kind,
    /// As one would write it; empty for none.
    pub default: &'static str,
    /// One sentence.
    pub doc: &'static str,
    pub aliases: &'static [&'static str],
    pub support: Support,
    /// Without it there is no such object.
    pub required: bool,
}

impl Spec {
    #[must_use]
    pub const fn new(
        name: &'static str,
        kind: Kind,
        default: &'static str,
        doc: &'static str,
    ) -> Self {
        Self { name, kind, default, doc, aliases: &[], support: Support::Full, required: false }
    }

    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    #[must_use]
    pub const fn alias(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    #[must_use]
    pub const fn ignored(mut self, instead: &'static str) -> Self {
        self.support = Support::Ignored(instead);
        self
    }

    #[must_use]
    pub const fn later(mut self, meanwhile: &'static str) -> Self {
        self.support = Support::Later(meanwhile);
        self
    }

    #[must_use]
    pub const fn meanwhile(mut self, meanwhile: &'static str) -> Self {
        self.support = Support::Meanwhile(meanwhile);
        self
    }

    #[must_use]
    pub const fn unsupported(mut self, why: &'static str) -> Self {
        self.support = Support::Unsupported(why);
        self
    }

    fn answers_to(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
            || self.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
    }
}

/// An object's parameters after checking: only known names with well-formed values.
#[derive(Clone, Debug, Default)]
pub struct Params {
    given: Vec<(&'static str, Value, Loc)>,
    /// The object itself, for complaints about what is missing.
    pub loc: Loc,
    /// A parameter was given (and complained of) without which the object would do something else
    /// than was asked for: it is not built, not supported, malformed, or missing.
    pub refused: bool,
    /// What unknown names were probably meant to be.
    suggested: Vec<&'static str>,
}

/// Checks `object` against `tables` (a module's own and those shared with others). Complains of
/// unknown names, doubled ones and malformed values; what is left is usable.
pub fn check(object: &Object, tables: &[&'static [Spec]], diags: &mut Diagnostics) -> Params {
    let specs = || tables.iter().flat_map(|table| table.iter());
    let mut params = Params { loc: object.loc, ..Params::default() };
    for param in &object.params {
        let name = param.name.text.as_str();
        let Some(spec) = specs().find(|spec| spec.answers_to(name)) else {
            let mut d = Diagnostic::error(param.name.loc, format!("parameter '{name}' not known"));
            if let Some(near) = nearest(name, specs().map(|s| s.name)) {
                d = d.help(format!("did you mean '{near}'?"));
                params.suggested.push(near);
            }
            diags.push(d);
            continue;
        };
        match spec.support {
            Support::Full => {}
            Support::Ignored(instead) => {
                let text = format!("'{}' has no effect: {instead}", spec.name);
                diags.push(Diagnostic::note(param.name.loc, text));
            }
            Support::Later(meanwhile) | Support::Meanwhile(meanwhile) => {
                let text = format!("'{}' is not built yet: {meanwhile}", spec.name);
                diags.push(Diagnostic::unbuilt(param.name.loc, text));
                params.refused |= matches!(spec.support, Support::Later(_));
            }
            Support::Unsupported(why) => {
                let text = format!("'{}' is not supported: {why}", spec.name);
                diags.push(Diagnostic::error(param.name.loc, text));
                params.refused = true;
                continue;
            }
        }
        if params.given.iter().any(|(known, ..)| *known == spec.name) {
            let text = format!("parameter '{name}' given twice");
            diags.push(Diagnostic::error(param.name.loc, text).help("keep one of them"));
            continue;
        }
        if let Err(expected) = well_formed(spec.kind, &param.value) {
            let text = format!("'{name}' takes {expected}");
            diags.push(Diagnostic::error(param.value_loc, text));
            params.refused = true;
            continue;
        }
        params.given.push((spec.name, param.value.clone(), param.value_loc));
    }
    for spec in specs().filter(|spec| spec.required) {
        params.require(spec, object, diags);
    }
    params
}

fn well_formed(kind: Kind, value: &Value) -> Result<(), String> {
    let Value::Str(text) = value else {
        return if kind == Kind::Array { Ok(()) } else { Err("one value, not an array".into()) };
    };
    let ok = match kind {
        Kind::Str | Kind::Array | Kind::User | Kind::Group | Kind::Template | Kind::Ruleset => true,
        Kind::Bool => parse_bool(text).is_some(),
        Kind::Int | Kind::Duration(_) | Kind::Id => whole(text).is_some(),
        Kind::Count => whole(text).is_some_and(|n| n >= 0),
        Kind::Positive => whole(text).is_some_and(|n| n >= 1),
        Kind::Word(words) => words.iter().any(|word| text.eq_ignore_ascii_case(word.as_bytes())),
        Kind::Severity => selector::severity(text).is_some(),
        Kind::Facility => selector::facility(text).is_some(),
        Kind::Size => parse_size(text).is_some_and(|size| size >= 0),
        Kind::Mode => parse_mode(text).is_some(),
    };
    if ok {
        return Ok(());
    }
    Err(match kind {
        Kind::Duration(unit) => format!("a whole number of {unit}"),
        Kind::Word(words) => format!("one of {}", words.join(", ")),
        _ => kind.expected().to_owned(),
    })
}

impl Kind {
    /// What the text must be, as it is told to people.
    #[must_use]
    pub const fn expected(self) -> &'static str {
        match self {
            Self::Str => "text",
            Self::Bool => "\"on\" or \"off\"",
            Self::Int => "a whole number",
            Self::Count => "a whole number from 0",
            Self::Positive => "a whole number from 1",
            Self::Size => "a number, with k, m, g or t behind it if need be",
            Self::Array => "one text or an array of texts",
            Self::Mode => "an octal file mode with a leading zero, such as \"0640\"",
            Self::Duration(unit) => unit,
            Self::Word(_) => "one of some words",
            Self::Severity => "a severity, by name or number",
            Self::Facility => "a facility, by name or number",
            Self::User => "a user's name",
            Self::Group => "a group's name",
            Self::Id => "the number of a user or group",
            Self::Template => "a template's name",
            Self::Ruleset => "a ruleset's name",
        }
    }
}

fn whole(text: &[u8]) -> Option<i64> {
    text.to_str().ok()?.trim().parse().ok()
}

fn parse_bool(text: &[u8]) -> Option<bool> {
    match text {
        b"on" => Some(true),
        b"off" => Some(false),
        _ => None,
    }
}

/// rsyslog `es_str2num` with suffix: k = 1024, K = 1000 and so on.
pub(super) fn parse_size(text: &[u8]) -> Option<i64> {
    let text = text.to_str().ok()?.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let scale: i64 = match text.strip_prefix(digits)? {
        "" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        "t" => 1 << 40,
        "K" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "T" => 1_000_000_000_000,
        _ => return None,
    };
    digits.replace(['.', ','], "").parse::<i64>().ok()?.checked_mul(scale)
}

fn parse_mode(text: &[u8]) -> Option<u32> {
    let text = text.to_str().ok()?;
    let octal = matches!(text.len(), 4 | 5) && text.bytes().all(|b| matches!(b, b'0'..=b'7'));
    let octal = octal && text.starts_with('0');
    octal.then(|| u32::from_str_radix(text, 8).ok()).flatten().filter(|mode| *mode <= 0o7777)
}

impl Params {
    fn find(&self, name: &str) -> Option<&(&'static str, Value, Loc)> {
        self.given.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name))
    }

    /// The parameters that are given, by their documented names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.given.iter().map(|(name, ..)| *name)
    }

    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Where the value stands, or the object if it is not given.
    #[must_use]
    pub fn loc(&self, name: &str) -> Loc {
        self.find(name).map_or(self.loc, |(_, _, loc)| *loc)
    }

    /// Complains of a parameter that must be there and is not, unless what was given for it has
    /// been complained of already.
    fn require(&mut self, spec: &Spec, object: &Object, diags: &mut Diagnostics) {
        if object.params.iter().any(|param| spec.answers_to(&param.name.text)) {
            return;
        }
        self.refused = true;
        let text = format!("'{}' is missing", spec.name);
        let help = format!("add {}=\"…\": {}", spec.name, spec.doc);
        self.missing(&[spec.name], Diagnostic::error(object.loc, text).help(help), diags);
    }

    /// Complains that none of `names` is given, without which the object makes no sense: unless
    /// one of them is what an unknown name was meant to be, since that was complained of already.
    pub fn missing(&self, names: &[&str], complaint: Diagnostic, diags: &mut Diagnostics) {
        if !names.iter().any(|name| self.suggested.contains(name)) {
            diags.push(complaint);
        }
    }

    #[must_use]
    pub fn bytes(&self, name: &str) -> Option<&BString> {
        match self.find(name) {
            Some((_, Value::Str(text), _)) => Some(text),
            Some((_, Value::Array(items), _)) => items.first(),
            None => None,
        }
    }

    /// The text, if it is UTF-8.
    #[must_use]
    pub fn str(&self, name: &str) -> Option<&str> {
        self.bytes(name).and_then(|text| text.to_str().ok())
    }

    #[must_use]
    pub fn list(&self, name: &str) -> Vec<&str> {
        match self.find(name) {
            Some((_, Value::Str(text), _)) => text.to_str().into_iter().collect(),
            Some((_, Value::Array(items), _)) => {
                items.iter().filter_map(|item| item.to_str().ok()).collect()
            }
            None => Vec::new(),
        }
    }

    #[must_use]
    pub fn bool(&self, name: &str) -> Option<bool> {
        self.bytes(name).and_then(|text| parse_bool(text))
    }

    #[must_use]
    pub fn int(&self, name: &str) -> Option<i64> {
        self.bytes(name).and_then(|text| parse_size(text))
    }

    /// A size or count that cannot be negative.
    #[must_use]
    pub fn size(&self, name: &str) -> Option<usize> {
        self.int(name).and_then(|n| usize::try_from(n).ok())
    }

    #[must_use]
    pub fn mode(&self, name: &str) -> Option<u32> {
        self.bytes(name).and_then(|text| parse_mode(text))
    }
}
