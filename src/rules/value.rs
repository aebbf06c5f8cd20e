//! Values while a script runs, and rsyslog's conversions and comparisons between them.
//!
//! The rules were found by running rsyslogd 8.2302 over a table of operands; the table is in
//! `tests/data/rules/compare.json`.

use std::cmp::Ordering;

use crate::base::num::digits;
use crate::base::num::leading_number;

/// A number or a text; truth is 0 and 1. A variable may hold other JSON, which is both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Number(i64),
    Text(&'a [u8]),
    /// Whatever JSON is no text and not null.
    Json {
        text: &'a [u8],
        number: i64,
    },
}

/// The operators whose two sides meet as numbers or as texts, by what they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl Relation {
    const fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterEqual => ordering.is_ge(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

impl Arithmetic {
    /// Wraps around as C does in practice; anything divided by zero is 0.
    pub(super) const fn apply(self, left: i64, right: i64) -> i64 {
        match self {
            Self::Add => left.wrapping_add(right),
            Self::Subtract => left.wrapping_sub(right),
            Self::Multiply => left.wrapping_mul(right),
            Self::Divide if right == 0 => 0,
            Self::Divide => left.wrapping_div(right),
            Self::Modulo if right == 0 => 0,
            Self::Modulo => left.wrapping_rem(right),
        }
    }
}

impl Value<'_> {
    /// The number of a text is the number that it starts with, 0 if there is none.
    pub(super) fn number(self) -> i64 {
        match self {
            Self::Number(n) | Self::Json { number: n, .. } => n,
            Self::Text(text) => leading_number(text).0,
        }
    }

    /// Calls `f` with the value as text; a number is written on the stack.
    #[inline]
    pub(super) fn with_text<T>(self, f: impl FnOnce(&[u8]) -> T) -> T {
        match self {
            Self::Number(n) => f(Digits::of(n).text()),
            Self::Text(text) | Self::Json { text, .. } => f(text),
        }
    }
}

/// How rsyslog's optimiser reads a text where both operands of an arithmetic operator are
/// constants, and `cnum()` of a constant: a leading 0 makes it octal, 0x hexadecimal. Its
/// hexadecimal digits a to f count 0 to 5 there, and we do as it does.
pub(super) fn constant_number(text: &[u8]) -> i64 {
    match text {
        [b'0', b'x', rest @ ..] => rest
            .iter()
            .map_while(|c| match c {
                b'0'..=b'9' => Some(i64::from(c - b'0')),
                b'a'..=b'f' => Some(i64::from(c - b'a')),
                b'A'..=b'F' => Some(i64::from(c - b'A')),
                _ => None,
            })
            .fold(0, |n: i64, digit| n.wrapping_mul(16).wrapping_add(digit)),
        [b'0', ..] => digits(text, 8).0,
        _ => leading_number(text).0,
    }
}

/// rsyslog's comparison. A number meets a text as number if the whole text is one, and otherwise
/// as text. Two texts are equal if their bytes are; which of them is less is decided as numbers
/// if both are, and otherwise by bytes. Other JSON is a number to numbers. On the left side
/// it is equal to a text if it is written so; on the right side it is equal to nothing at all.
/// Where rsyslogd tells less from greater by the lowest 32 bits of a difference, all bits count.
pub(super) fn compare(relation: Relation, left: Value<'_>, right: Value<'_>) -> bool {
    let ordering = match (left, right) {
        (_, Value::Json { .. }) if matches!(relation, Relation::Equal | Relation::NotEqual) => {
            return relation == Relation::NotEqual;
        }
        (
            Value::Number(a) | Value::Json { number: a, .. },
            Value::Number(b) | Value::Json { number: b, .. },
        ) => a.cmp(&b),
        (Value::Text(a), Value::Json { text, number }) => {
            json_to_text(relation, text, number, a).reverse()
        }
        (Value::Json { text, number }, Value::Text(b)) => json_to_text(relation, text, number, b),
        (Value::Text(text), Value::Number(n)) => text_to_number(text, n),
        (Value::Number(n), Value::Text(text)) => text_to_number(text, n).reverse(),
        (Value::Text(a), Value::Text(b)) => match relation {
            Relation::Equal => return a == b,
            Relation::NotEqual => return a != b,
            _ => match (leading_number(a), leading_number(b)) {
                ((a, true), (b, true)) => a.cmp(&b),
                _ => a.cmp(b),
            },
        },
    };
    relation.holds(ordering)
}

fn json_to_text(relation: Relation, json: &[u8], number: i64, text: &[u8]) -> Ordering {
    match (relation, leading_number(text)) {
        (Relation::Equal | Relation::NotEqual, _) | (_, (_, false)) => json.cmp(text),
        (_, (n, true)) => number.cmp(&n),
    }
}

fn text_to_number(text: &[u8], n: i64) -> Ordering {
    match leading_number(text) {
        (number, true) => number.cmp(&n),
        _ => text.cmp(Digits::of(n).text()),
    }
}

/// A number as text, without the heap.
struct Digits {
    bytes: [u8; 20],
    start: usize,
}

impl Digits {
    fn of(n: i64) -> Self {
        let mut digits = Self { bytes: [0; 20], start: 20 };
        let mut rest = n.unsigned_abs();
        loop {
            digits.put(b"0123456789"[usize::try_from(rest % 10).unwrap_or_default()]);
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if n < 0 {
            digits.put(b'-');
        }
        digits
    }

    const fn put(&mut self, byte: u8) {
        self.start -= 1;
        self.bytes[self.start] = byte;
    }

    fn text(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_what_display_writes() {
        for n in [0, 7, -7, 10, 1234567890, i64::MIN, i64::MAX] {
            assert_eq!(Digits::of(n).text(), n.to_string().as_bytes());
        }
    }

    /// rsyslogd 8.2302: `set $.r = cnum("…")` and `set $.r = "…" + 0`.
    #[test]
    fn constants_are_read_as_the_optimiser_reads_them() {
        for (text, number) in [
            ("0x1f", 21),
            ("0xF", 5),
            ("0x1G", 1),
            ("0X1f", 0),
            ("010", 8),
            ("08", 0),
            ("1x234", 1),
            (" 5", 0),
            ("5 ", 5),
            ("-3", -3),
            ("-0x10", 0),
            ("+3", 0),
            ("", 0),
            ("99999999999999999999", 7_766_279_631_452_241_919),
        ] {
            assert_eq!(constant_number(text.as_bytes()), number, "{text:?}");
        }
    }

    #[test]
    fn arithmetic_never_panics() {
        assert_eq!(Arithmetic::Divide.apply(7, 0), 0);
        assert_eq!(Arithmetic::Modulo.apply(7, 0), 0);
        assert_eq!(Arithmetic::Divide.apply(-7, 2), -3);
        assert_eq!(Arithmetic::Modulo.apply(-7, 3), -1);
        assert_eq!(Arithmetic::Divide.apply(i64::MIN, -1), i64::MIN);
        assert_eq!(Arithmetic::Add.apply(i64::MAX, 1), i64::MIN);
    }
}
