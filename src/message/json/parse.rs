//! JSON text to values, by libfastjson's rules: names and texts in single or double quotes,
//! comments, a comma too many at the end, `NaN` and words in any case are all right.

use bstr::BString;

use crate::message::json::Case;
use crate::message::json::DEPTH_MAX;
use crate::message::json::Object;
use crate::message::json::Value;

/// The value that `text` is; blanks and comments may stand around it. `None` if it is none.
#[must_use]
pub fn parse(text: &[u8], case: Case) -> Option<Value> {
    let (value, length) = parse_prefix(text, case)?;
    let mut rest = Parser { text, at: length, depth: 0, case };
    rest.skip()?;
    (rest.at == text.len()).then_some(value)
}

/// The value that `text` begins with, and how long it is.
#[must_use]
pub fn parse_prefix(text: &[u8], case: Case) -> Option<(Value, usize)> {
    parse_or_place(text, case).ok()
}

/// As [`parse_prefix`], if what follows the value is no broken comment: libfastjson looks that far.
#[must_use]
pub fn parse_leading(text: &[u8], case: Case) -> Option<(Value, usize)> {
    let (value, length) = parse_prefix(text, case)?;
    let mut rest = Parser { text, at: length, depth: 0, case };
    rest.skip()?;
    (rest.peek() != Some(b'/')).then_some((value, length))
}

/// As [`parse_prefix`] does; if there is no value, where it was given up.
///
/// # Errors
/// The offset of what cannot be read.
pub fn parse_or_place(text: &[u8], case: Case) -> Result<(Value, usize), usize> {
    let mut parser = Parser { text, at: 0, depth: 0, case };
    let value = parser.value();
    value.map(|value| (value, parser.at)).ok_or(parser.at)
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    /// Values around this one.
    depth: usize,
    case: Case,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a [u8] {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        let blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\x0b' | b'\x0c' | b'\r');
        self.at += self.rest().iter().take_while(blank).count();
    }

    /// Blanks and comments. `None` if a comment does not end.
    fn skip(&mut self) -> Option<()> {
        loop {
            self.skip_blanks();
            let rest = self.rest();
            if rest.starts_with(b"/*") {
                self.at += 4 + memchr::memmem::find(&rest[2..], b"*/")?;
            } else if rest.starts_with(b"//") {
                self.at += memchr::memchr(b'\n', rest)?;
            } else {
                return Some(());
            }
        }
    }

    fn value(&mut self) -> Option<Value> {
        if self.depth >= DEPTH_MAX {
            return None;
        }
        self.depth += 1;
        self.skip()?;
        let value = match self.peek()? {
            b'{' => self.object().map(Value::Object),
            b'[' => self.array().map(Value::Array),
            b'"' | b'\'' => self.string().map(Value::Str),
            b'-' | b'0'..=b'9' => self.number(),
            _ => self.word(),
        };
        self.depth -= 1;
        value
    }

    fn word(&mut self) -> Option<Value> {
        let words = [
            ("null", Value::Null),
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("nan", Value::Double(b"NaN".as_slice().into())),
            ("infinity", Value::Double(b"Infinity".as_slice().into())),
        ];
        words.into_iter().find_map(|(word, value)| {
            let start = self.rest().get(..word.len())?;
            start.eq_ignore_ascii_case(word.as_bytes()).then(|| {
                self.at += word.len();
                value
            })
        })
    }

    /// Digits with at most one point, then at most one exponent. Integers that are too large
    /// become the largest one.
    ///
    /// libfastjson takes all that may be in a number for one: with a second point, or a minus that
    /// is not in front, it is none (`192.0.2.7`); a plus may stand anywhere. An integer ends before
    /// it, a double has it in its text.
    fn number(&mut self) -> Option<Value> {
        let rest = self.rest();
        let (mut double, mut exponent, mut minus, mut end) = (false, false, 0, 0);
        while let Some(byte) = rest.get(end) {
            match byte {
                b'0'..=b'9' | b'+' => {}
                b'.' if !double => double = true,
                b'e' | b'E' if !exponent => {
                    (double, exponent) = (true, true);
                    minus = end + 1;
                }
                b'-' if end == minus => {}
                b'.' | b'e' | b'E' | b'-' => return None,
                _ => break,
            }
            end += 1;
        }
        let negative = rest[0] == b'-';
        let whole = usize::from(negative);
        let digits = rest[whole..].iter().take_while(|b| b.is_ascii_digit()).count();
        let fraction = rest[whole + digits..].strip_prefix(b".");
        if digits == 0 && !fraction.is_some_and(|f| f.first().is_some_and(u8::is_ascii_digit)) {
            return None;
        }
        self.at += end;
        if double {
            return Some(Value::Double(rest[..end].into()));
        }
        let value = rest[whole..whole + digits].iter().fold(0_i64, |value, digit| {
            let digit = i64::from(digit - b'0');
            let value = value.saturating_mul(10);
            if negative { value.saturating_sub(digit) } else { value.saturating_add(digit) }
        });
        Some(Value::Int(value))
    }

    fn array(&mut self) -> Option<Vec<Value>> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.skip()?;
            if self.peek()? == b']' {
                self.at += 1;
                return Some(items);
            }
            items.push(self.value()?);
            self.separator(b']')?;
        }
    }

    fn object(&mut self) -> Option<Object> {
        self.at += 1;
        let mut object = Object::default();
        loop {
            self.skip()?;
            match self.peek()? {
                b'}' => {
                    self.at += 1;
                    return Some(object);
                }
                b'"' | b'\'' => {}
                _ => return None,
            }
            let name = self.string()?;
            self.skip()?;
            if self.peek()? != b':' {
                return None;
            }
            self.at += 1;
            let value = self.value()?;
            object.set(&name, value, self.case);
            self.separator(b'}')?;
        }
    }

    /// A comma, or what closes: that stays.
    fn separator(&mut self, close: u8) -> Option<()> {
        self.skip()?;
        match self.peek()? {
            b',' => self.at += 1,
            byte if byte == close => {}
            _ => return None,
        }
        Some(())
    }

    /// A text in quotes; what lies behind a NUL in it is lost, as in rsyslog.
    fn string(&mut self) -> Option<BString> {
        let quote = self.text[self.at];
        self.at += 1;
        let mut out = Vec::new();
        loop {
            let rest = self.rest();
            let length = memchr::memchr2(quote, b'\\', rest)?;
            out.extend_from_slice(&rest[..length]);
            self.at += length + 1;
            if rest[length] == quote {
                let end = memchr::memchr(0, &out).unwrap_or(out.len());
                out.truncate(end);
                return Some(out.into());
            }
            let escaped = self.peek()?;
            self.at += 1;
            out.push(match escaped {
                b'"' | b'\\' | b'/' => escaped,
                b'b' => b'\x08',
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'f' => b'\x0c',
                b'u' => {
                    self.unicode(&mut out)?;
                    continue;
                }
                _ => return None,
            });
        }
    }

    /// `XXXX` behind `\u`, with a second half behind it if there is one. Half a pair is U+FFFD.
    fn unicode(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let first = self.hex()?;
        let mut code = first;
        if (0xd800..0xdc00).contains(&first) && self.rest().starts_with(b"\\u") {
            let back = self.at;
            self.at += 2;
            let second = self.hex()?;
            if (0xdc00..0xe000).contains(&second) {
                code = 0x1_0000 + ((first & 0x3ff) << 10) + (second & 0x3ff);
            } else {
                self.at = back;
            }
        }
        let char = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
        Some(())
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.rest().get(..4)?;
        let value = digits
            .iter()
            .try_fold(0, |value, digit| Some(value * 16 + char::from(*digit).to_digit(16)?))?;
        self.at += 4;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::message::json::Style;
    use crate::message::json::print;

    fn shown(value: &Value, style: Style) -> Vec<u8> {
        let mut out = Vec::new();
        print(value, style, &mut out);
        out
    }

    #[test]
    fn values_are_those_of_rsyslogd() {
        let cases = include_str!("../../../tests/data/json/values.tsv");
        let mut seen = 0;
        for line in cases.lines().filter(|line| !line.starts_with('#')) {
            let (text, expected) = line.split_once('\t').unwrap();
            let value = parse(text.as_bytes(), Case::Insensitive);
            let printed = value.map(|value| shown(&value, Style::Spaced));
            let printed =
                printed.map_or_else(|| "-".into(), |text| String::from_utf8(text).unwrap());
            assert_eq!(printed, expected, "{text}");
            seen += 1;
        }
        assert!(seen > 90);
    }

    #[test]
    fn a_prefix_has_a_length() {
        let (value, length) = parse_prefix(b" [1] x", Case::Sensitive).unwrap();
        assert_eq!((value, length), (Value::Array(vec![Value::Int(1)]), 4));
        assert!(parse(b" [1] x", Case::Sensitive).is_none());
        assert!(parse_prefix(b"", Case::Sensitive).is_none());
        assert_eq!(parse_or_place(b" [1, x]", Case::Sensitive), Err(5));
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            "-?[0-9]{1,4}\\.[0-9]{0,3}(e[+-]?[0-9]{0,3})?"
                .prop_map(|text| Value::Double(text.into_bytes().into())),
            proptest::collection::vec(1_u8.., 0..9).prop_map(|text| Value::Str(text.into())),
        ];
        leaf.prop_recursive(5, 40, 6, |inner| {
            let members = proptest::collection::vec(("[a-zA-Z/\"é]{0,3}", inner.clone()), 0..6);
            prop_oneof![
                proptest::collection::vec(inner, 0..6).prop_map(Value::Array),
                members.prop_map(|members| {
                    let mut object = Object::default();
                    for (name, value) in members {
                        object.set(name.as_bytes(), value, Case::Sensitive);
                    }
                    Value::Object(object)
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(value in values()) {
            for style in [Style::Spaced, Style::Plain] {
                let text = shown(&value, style);
                prop_assert_eq!(parse(&text, Case::Sensitive), Some(value.clone()));
            }
        }

        #[test]
        fn any_bytes_end(text in proptest::collection::vec(any::<u8>(), 0..60)) {
            if let Some((value, length)) = parse_prefix(&text, Case::Insensitive) {
                prop_assert!(length <= text.len());
                let again = shown(&value, Style::Plain);
                prop_assert_eq!(parse(&again, Case::Insensitive), Some(value));
            }
        }
    }
}
