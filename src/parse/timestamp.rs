//! Timestamps of both headers.
//!
//! The usual fixed-width forms are read by position; everything else goes through the general
//! readers, which accept what rsyslog accepts: fields with fewer or more digits, leap seconds,
//! February 30th, years beside RFC 3164 dates.

use crate::message::Offset;
use crate::message::Timestamp;

/// A timestamp that was found at the start of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub time: Timestamp,
    /// Bytes of the timestamp itself.
    pub len: usize,
    /// Bytes up to what follows: the timestamp and one space, if there is one.
    pub next: usize,
    /// The text is what `date-rfc3339` would print.
    pub canonical: bool,
}

/// What RFC 3164 timestamps leave open.
#[derive(Clone, Copy, Debug)]
pub struct Assumed {
    /// The year, where none is written.
    pub year: u16,
    pub offset: Offset,
    /// A year may follow the time (pmrfc3164 `detect.YearAfterTimestamp`).
    pub year_after: bool,
}

/// Reads an RFC 3339 timestamp that ends the text or has a space behind it.
#[must_use]
#[inline]
pub fn rfc3339(text: &[u8]) -> Option<Stamp> {
    if !text.first()?.is_ascii_digit() {
        return None;
    }
    rfc3339_fixed(text).or_else(|| rfc3339_general(text))
}

/// Reads an RFC 3164 timestamp (`Mmm dd hh:mm:ss`) and the liberties that devices take with it.
#[must_use]
#[inline]
pub fn rfc3164(text: &[u8], assumed: Assumed) -> Option<Stamp> {
    rfc3164_fixed(text, assumed).or_else(|| rfc3164_general(text, assumed))
}

/// `YYYY-MM-DDThh:mm:ss[.f{1,9}](Z|±hh:mm)`
#[inline]
fn rfc3339_fixed(text: &[u8]) -> Option<Stamp> {
    let head = text.first_chunk::<19>()?;
    let separators = [head[4], head[7], head[10], head[13], head[16]];
    if separators != *b"--T::" {
        return None;
    }
    let mut time = Timestamp {
        year: u16::from(two(head[0], head[1])) * 100 + u16::from(two(head[2], head[3])),
        month: two(head[5], head[6]),
        day: two(head[8], head[9]),
        hour: two(head[11], head[12]),
        minute: two(head[14], head[15]),
        second: two(head[17], head[18]),
        ..Timestamp::default()
    };
    // `two` is above every limit where there was no pair of digits; the century is checked apart.
    if two(head[0], head[1]) > 99 || two(head[2], head[3]) > 99 || !in_range(&time) {
        return None;
    }
    let mut at = 19;
    if *text.get(at)? == b'.' {
        at += 1;
        while let Some(digit) = text.get(at).filter(|byte| byte.is_ascii_digit()) {
            if time.precision == 9 {
                return None;
            }
            time.fraction = time.fraction * 10 + u32::from(digit - b'0');
            time.precision += 1;
            at += 1;
        }
        if time.precision == 0 {
            return None;
        }
    }
    let sign = *text.get(at)?;
    if sign == b'Z' {
        at += 1;
    } else {
        let zone = text.get(at + 1..)?.first_chunk::<5>()?;
        let (hours, minutes) = (two(zone[0], zone[1]), two(zone[3], zone[4]));
        if !matches!(sign, b'+' | b'-') || zone[2] != b':' || hours > 23 || minutes > 59 {
            return None;
        }
        time.offset = offset(sign == b'-', hours, minutes);
        at += 6;
    }
    finish(text, time, at, true)
}

/// RFC 3339 with any number of digits in each field.
fn rfc3339_general(text: &[u8]) -> Option<Stamp> {
    let mut cursor = Cursor { text, at: 0 };
    let year = cursor.number(2099)?;
    cursor.expect(b'-')?;
    let month = cursor.small(12)?;
    cursor.expect(b'-')?;
    let day = cursor.small(31)?;
    cursor.expect(b'T')?;
    let (hour, minute, second) = cursor.clock()?;
    let (precision, fraction) = cursor.fraction()?;
    let offset = match cursor.take()? {
        b'Z' => Offset::Z,
        sign @ (b'+' | b'-') => {
            let hours = cursor.small(23)?;
            cursor.expect(b':')?;
            offset(sign == b'-', hours, cursor.small(59)?)
        }
        _ => return None,
    };
    let time = Timestamp { year, month, day, hour, minute, second, precision, fraction, offset };
    in_range(&time).then_some(())?;
    finish(text, time, cursor.at, false)
}

/// `Mmm dd hh:mm:ss `, the day's first digit possibly a space.
#[inline]
fn rfc3164_fixed(text: &[u8], assumed: Assumed) -> Option<Stamp> {
    let head = text.first_chunk::<16>()?;
    let separators = [head[3], head[6], head[9], head[12], head[15]];
    if separators != *b"  :: " || assumed.year_after {
        return None;
    }
    let tens = if head[4] == b' ' { b'0' } else { head[4] };
    let time = Timestamp {
        year: assumed.year,
        month: month([head[0], head[1], head[2]])?,
        day: two(tens, head[5]),
        hour: two(head[7], head[8]),
        minute: two(head[10], head[11]),
        second: two(head[13], head[14]),
        offset: assumed.offset,
        ..Timestamp::default()
    };
    in_range(&time).then_some(Stamp { time, len: 15, next: 16, canonical: false })
}

/// RFC 3164 with the variations seen in the wild: a year in front of the month, before the time
/// (Cisco) or behind it, single digits, fractions, a colon at the end (Cisco).
fn rfc3164_general(text: &[u8], assumed: Assumed) -> Option<Stamp> {
    let mut cursor = Cursor { text, at: 0 };
    let mut year = assumed.year;
    let leading_year = cursor.peek()?.is_ascii_digit();
    if leading_year {
        year = cursor.number(2099).filter(|year| *year > 1970)?;
        cursor.expect(b' ')?;
    }
    let name = text.get(cursor.at..)?.first_chunk::<3>()?;
    let month = month(*name)?;
    cursor.at += 3;
    cursor.expect(b' ')?;
    cursor.skip(b' ');
    let day = cursor.small(31)?;
    cursor.expect(b' ')?;
    let mut hour = cursor.number(2099)?;
    let inner_year = hour > 1970 && !leading_year;
    if inner_year {
        year = hour;
        cursor.expect(b' ')?;
        hour = cursor.number(23)?;
    }
    let hour = u8::try_from(hour).ok().filter(|hour| *hour < 24)?;
    cursor.expect(b':')?;
    let minute = cursor.small(59)?;
    cursor.expect(b':')?;
    let second = cursor.small(60)?;
    let (precision, fraction) = cursor.fraction()?;
    if assumed.year_after && !leading_year && !inner_year {
        year = cursor.year_after().unwrap_or(year);
    }
    cursor.skip(b':');
    let offset = assumed.offset;
    let time = Timestamp { year, month, day, hour, minute, second, precision, fraction, offset };
    in_range(&time).then_some(())?;
    // With a year in front, rsyslog insists on the space.
    if leading_year && cursor.at == text.len() {
        return None;
    }
    finish(text, time, cursor.at, false)
}

/// The timestamp has to end the text or be followed by a space.
#[inline]
fn finish(text: &[u8], time: Timestamp, len: usize, canonical: bool) -> Option<Stamp> {
    match text.get(len) {
        None => Some(Stamp { time, len, next: len, canonical }),
        Some(b' ') => Some(Stamp { time, len, next: len + 1, canonical }),
        Some(_) => None,
    }
}

/// The limits that rsyslog checks; it does not know how many days a month has.
#[inline]
const fn in_range(time: &Timestamp) -> bool {
    time.year < 2100
        && time.month.wrapping_sub(1) < 12
        && time.day.wrapping_sub(1) < 31
        && time.hour < 24
        && time.minute < 60
        && time.second <= 60
}

#[inline]
fn offset(negative: bool, hours: u8, minutes: u8) -> Offset {
    let east = i16::from(hours) * 60 + i16::from(minutes);
    if negative {
        Offset::Minutes { east: -east, negative_zero: east == 0 }
    } else {
        Offset::east(east)
    }
}

/// `+hh:mm` or `-hh:mm`, as rsyslog's `defaultTZ` is written.
#[must_use]
pub fn zone(text: &str) -> Option<Offset> {
    let [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] = *text.as_bytes() else { return None };
    let (hours, minutes) = (two(h1, h2), two(m1, m2));
    (hours < 24 && minutes < 60).then(|| offset(sign == b'-', hours, minutes))
}

/// Two digits; 255 where they are not.
#[inline]
const fn two(tens: u8, ones: u8) -> u8 {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    if tens > 9 || ones > 9 { 255 } else { tens * 10 + ones }
}

/// 1..=12, by the English abbreviation in any case.
#[inline]
const fn month(name: [u8; 3]) -> Option<u8> {
    Some(match [name[0] | 0x20, name[1] | 0x20, name[2] | 0x20] {
        [b'j', b'a', b'n'] => 1,
        [b'f', b'e', b'b'] => 2,
        [b'm', b'a', b'r'] => 3,
        [b'a', b'p', b'r'] => 4,
        [b'm', b'a', b'y'] => 5,
        [b'j', b'u', b'n'] => 6,
        [b'j', b'u', b'l'] => 7,
        [b'a', b'u', b'g'] => 8,
        [b's', b'e', b'p'] => 9,
        [b'o', b'c', b't'] => 10,
        [b'n', b'o', b'v'] => 11,
        [b'd', b'e', b'c'] => 12,
        _ => return None,
    })
}

/// A reading position in a text.
struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.take()? == byte).then_some(())
    }

    /// Passes over `byte` if it is next.
    fn skip(&mut self, byte: u8) {
        if self.peek() == Some(byte) {
            self.at += 1;
        }
    }

    /// A number of any length, at most `max`; 0 where there is no digit (as rsyslog reads it).
    fn number(&mut self, max: u16) -> Option<u16> {
        let mut value = 0_u32;
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            value = value.saturating_mul(10).saturating_add(u32::from(digit - b'0'));
            self.at += 1;
        }
        u16::try_from(value).ok().filter(|value| *value <= max)
    }

    fn small(&mut self, max: u8) -> Option<u8> {
        self.number(u16::from(max)).and_then(|value| u8::try_from(value).ok())
    }

    /// `hh:mm:ss`
    fn clock(&mut self) -> Option<(u8, u8, u8)> {
        let hour = self.small(23)?;
        self.expect(b':')?;
        let minute = self.small(59)?;
        self.expect(b':')?;
        Some((hour, minute, self.small(60)?))
    }

    /// `.` and digits, or nothing: how many digits, and their value. Digits past the ninth are
    /// read and dropped; a value that rsyslog cannot hold (31 bits) makes the timestamp invalid.
    fn fraction(&mut self) -> Option<(u8, u32)> {
        if self.peek() != Some(b'.') {
            return Some((0, 0));
        }
        self.at += 1;
        let (mut all, mut kept, mut precision) = (0_u32, 0_u32, 0_u8);
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            if all >= 214_748_364 {
                return None;
            }
            all = all * 10 + u32::from(digit - b'0');
            if precision < 9 {
                kept = all;
                precision += 1;
            }
            self.at += 1;
        }
        Some((precision, kept))
    }

    /// ` YYYY` (2000..=2099) with a space behind it. Seen from rsyslogd 8.2302: with one last byte
    /// behind it, whatever that is; it makes the timestamp invalid unless it is a colon.
    fn year_after(&mut self) -> Option<u16> {
        let rest = self.text.get(self.at..)?;
        let next = rest.first_chunk::<6>()?;
        let (century, year) = (two(next[1], next[2]), two(next[3], next[4]));
        let apart = next[0] == b' ' && (next[5] == b' ' || rest.len() == 6);
        if !apart || century != 20 || year > 99 {
            return None;
        }
        self.at += 5;
        Some(2000 + u16::from(year))
    }
}
