//! What a parameter's text may be, exactly as rsyslogd 8.2302 takes it: `"yes"` is no switch, `"1k"`
//! no number, `"644"` no file mode. `tests/data/config/params/values.txt` has its verdicts.

use bstr::ByteSlice;

use crate::base::diag::Severity;
use crate::config::ast::Value;
use crate::config::legacy::selector;

/// What a parameter's text must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Str,
    /// Text without blanks.
    Token,
    /// One character (one byte).
    Char,
    /// `on` or `off`, in lower case.
    Bool,
    /// A whole number, also a negative one; octal if it begins with 0.
    Int,
    /// The same from 0 on.
    NonNegative,
    /// The same from 1 on.
    Positive,
    /// A number with k, m, g, t, p, e (binary) or K, M, G, T, P, E (decimal) behind it.
    Size,
    /// One text or `["a","b"]`.
    Array,
    /// Octal file mode: 0 and three or four digits.
    Mode,
    /// A whole number of seconds, minutes, milliseconds …: the word is the unit.
    Duration(&'static str),
    /// One of these words, in any case.
    Word(&'static [&'static str]),
    /// One of these words, in this case.
    Exact(&'static [&'static str]),
    /// One of these words, in any case; others are ignored by rsyslogd without a word.
    Likely(&'static [&'static str]),
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

/// Why a value does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    /// What it should be.
    pub(super) expected: String,
    /// A warning where rsyslogd takes the value without a word, and does nothing with it.
    pub(super) severity: Severity,
}

impl Kind {
    /// What the text must be, as it is told to people.
    #[must_use]
    pub const fn expected(self) -> &'static str {
        match self {
            Self::Str => "text",
            Self::Token => "text without blanks",
            Self::Char => "one character",
            Self::Bool => "\"on\" or \"off\"",
            Self::Int => "a whole number",
            Self::NonNegative => "a whole number, 0 or more",
            Self::Positive => "a whole number, 1 or more",
            Self::Size => "a number, with k, m, g or t behind it if need be",
            Self::Array => "one text or an array of texts",
            Self::Mode => "an octal file mode such as \"0640\"",
            Self::Duration(unit) => unit,
            Self::Word(_) | Self::Exact(_) | Self::Likely(_) => "one of some words",
            Self::Severity => "a severity, by name or number",
            Self::Facility => "a facility, by name or number",
            Self::User => "a user's name",
            Self::Group => "a group's name",
            Self::Id => "the number of a user or group",
            Self::Template => "a template's name",
            Self::Ruleset => "a ruleset's name",
        }
    }

    /// The words that it may be; none for most kinds.
    #[must_use]
    pub const fn words(self) -> &'static [&'static str] {
        match self {
            Self::Word(words) | Self::Exact(words) | Self::Likely(words) => words,
            _ => &[],
        }
    }

    /// rsyslogd says nothing about a value of this kind that it does not know.
    const fn is_lenient(self) -> bool {
        matches!(self, Self::Likely(_) | Self::Severity | Self::Facility)
    }
}

/// Checks a value. `legacy`: it stood in a `$Directive`, which has checked it by its own rules.
pub(super) fn well_formed(kind: Kind, value: &Value, legacy: bool) -> Result<(), Misfit> {
    let Value::Str(text) = value else {
        let expected = "one value, not an array".to_owned();
        let misfit = Misfit { expected, severity: Severity::Error };
        return if kind == Kind::Array { Ok(()) } else { Err(misfit) };
    };
    let among = |words: &[&str]| words.iter().any(|w| text.eq_ignore_ascii_case(w.as_bytes()));
    let ok = match kind {
        Kind::Str | Kind::Array | Kind::User | Kind::Group | Kind::Template | Kind::Ruleset => true,
        Kind::Token => !text.iter().any(u8::is_ascii_whitespace),
        Kind::Char => text.len() == 1,
        Kind::Bool => switch(text).is_some(),
        Kind::Int | Kind::Duration(_) | Kind::Id => integer(text).is_some(),
        Kind::NonNegative => integer(text).is_some_and(|n| n >= 0 || legacy),
        Kind::Positive => integer(text).is_some_and(|n| n >= 1 || legacy),
        Kind::Word(words) | Kind::Likely(words) => among(words),
        Kind::Exact(words) => words.iter().any(|word| text == word),
        Kind::Severity => selector::severity(text).is_some(),
        Kind::Facility => selector::facility(text).is_some(),
        Kind::Size => size(text).is_some(),
        Kind::Mode => mode(text).is_some(),
    };
    if ok {
        return Ok(());
    }
    let expected = match kind {
        Kind::Duration(unit) => format!("a whole number of {unit}"),
        Kind::Word(_) | Kind::Exact(_) | Kind::Likely(_) => {
            format!("one of {}", kind.words().join(", "))
        }
        _ => kind.expected().to_owned(),
    };
    // rsyslogd takes the first four digits of a longer mode: "000644" is 0006.
    let odd_mode = kind == Kind::Mode && text.len() > 5 && mode(&text[..4]).is_some();
    let lenient = kind.is_lenient() || odd_mode;
    let severity = if lenient { Severity::Warning } else { Severity::Error };
    Err(Misfit { expected, severity })
}

pub(super) fn switch(text: &[u8]) -> Option<bool> {
    match text {
        b"on" => Some(true),
        b"off" => Some(false),
        _ => None,
    }
}

/// rsyslog's numbers: `-` and decimal digits (none is 0), or octal digits behind a 0, or decimal
/// ones. What is too large stays at the largest.
pub(super) fn integer(text: &[u8]) -> Option<i64> {
    let saturated = |digits: &[u8], base: u32| {
        digits.iter().try_fold(0_i64, |n, byte| {
            let digit = char::from(*byte).to_digit(base)?;
            Some(n.saturating_mul(i64::from(base)).saturating_add(i64::from(digit)))
        })
    };
    match text {
        [] => None,
        [b'-', digits @ ..] => saturated(digits, 10).map(|n| -n),
        [b'0', ..] => saturated(text, 8),
        _ => saturated(text, 10),
    }
}

/// rsyslog's sizes: decimal digits (none is 0) and one letter. k = 1024, K = 1000 and so on.
pub(super) fn size(text: &[u8]) -> Option<i64> {
    let length = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let (digits, suffix) = text.split_at(length);
    let scale = match suffix {
        [] => 1,
        [letter] => scale(*letter)?,
        _ => return None,
    };
    let number = digits
        .iter()
        .fold(0_i64, |n, digit| n.saturating_mul(10).saturating_add(i64::from(digit - b'0')));
    Some(number.saturating_mul(scale))
}

fn scale(letter: u8) -> Option<i64> {
    let power = b"kmgtpe".iter().position(|l| *l == letter.to_ascii_lowercase())?;
    let power = u32::try_from(power + 1).ok()?;
    let base: i64 = if letter.is_ascii_lowercase() { 1024 } else { 1000 };
    Some(base.pow(power))
}

/// A number as `$Directives` take it: also `10,000`.
pub(super) fn parse_size(text: &[u8]) -> Option<i64> {
    let text = text.to_str().ok()?.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let scale = match text.strip_prefix(digits)?.as_bytes() {
        [] => 1,
        [letter] => scale(*letter)?,
        _ => return None,
    };
    digits.replace(['.', ','], "").parse::<i64>().ok()?.checked_mul(scale)
}

/// A file mode: 0 and three or four octal digits.
pub(super) fn mode(text: &[u8]) -> Option<u32> {
    let text = text.to_str().ok()?;
    let octal = text.bytes().all(|b| matches!(b, b'0'..=b'7'));
    let well = matches!(text.len(), 4 | 5) && text.starts_with('0') && octal;
    well.then(|| u32::from_str_radix(text, 8).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::selector;

    /// rsyslogd's verdicts, recorded: `kind "value" accepted|refused`.
    const VERDICTS: &str = include_str!("../../tests/data/config/params/values.txt");

    fn kind(name: &str) -> Kind {
        match name {
            "binary" => Kind::Bool,
            "integer" => Kind::Int,
            "nonnegative" => Kind::NonNegative,
            "positive" => Kind::Positive,
            "size" => Kind::Size,
            "mode" => Kind::Mode,
            "character" => Kind::Char,
            "word" => Kind::Token,
            "text" => Kind::Str,
            "array" => Kind::Array,
            "severity" => Kind::Severity,
            "facility" => Kind::Facility,
            other => panic!("kind {other}"),
        }
    }

    #[test]
    fn values_are_taken_as_rsyslogd_takes_them() {
        let mut seen = 0;
        for line in VERDICTS.lines().filter(|line| !line.starts_with('#')) {
            let (name, rest) = line.split_once(' ').unwrap();
            let (value, verdict) = rest.rsplit_once(' ').unwrap();
            let texts: Vec<_> = value.split('"').skip(1).step_by(2).map(Into::into).collect();
            let value = match value.starts_with('[') {
                true => Value::Array(texts),
                false => Value::Str(texts.into_iter().next().unwrap()),
            };
            let result = well_formed(kind(name), &value, false);
            let refused = result.is_err_and(|misfit| misfit.severity == Severity::Error);
            assert_eq!(refused, verdict == "refused", "{line}");
            seen += 1;
        }
        assert!(seen >= 120, "{seen} verdicts");
    }

    #[test]
    fn numbers_have_rsyslogs_values() {
        assert_eq!(integer(b"050"), Some(40));
        assert_eq!(integer(b"-010"), Some(-10));
        assert_eq!(integer(b"-"), Some(0));
        assert_eq!(integer(b"9999999999999999999999"), Some(i64::MAX));
        assert_eq!(size(b"1k"), Some(1024));
        assert_eq!(size(b"2M"), Some(2_000_000));
        assert_eq!(size(b"010"), Some(10));
        assert_eq!(size(b"k"), Some(0));
        assert_eq!(size(b"9999e"), Some(i64::MAX));
        assert_eq!(mode(b"01777"), Some(0o1777));
        assert_eq!(parse_size(b"10,000"), Some(10_000));
        assert_eq!(parse_size(b"1.000k"), Some(1_024_000));
    }

    #[test]
    fn what_rsyslogd_ignores_is_warned_of() {
        for (kind, value) in [
            (Kind::Mode, "000644"),
            (Kind::Severity, "loud"),
            (Kind::Facility, "local9"),
            (Kind::Likely(&["gnutls", "openssl"]), "rustls"),
        ] {
            let misfit = well_formed(kind, &Value::Str(value.into()), false).unwrap_err();
            assert_eq!(misfit.severity, Severity::Warning, "{value}");
        }
        assert_eq!(selector::severity(b"info"), Some(6));
    }

    #[test]
    fn directives_have_their_own_rules() {
        let none = Value::Str("-1".into());
        assert!(well_formed(Kind::NonNegative, &none, true).is_ok());
        assert!(well_formed(Kind::NonNegative, &none, false).is_err());
    }
}
