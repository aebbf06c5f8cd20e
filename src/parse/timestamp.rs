//! Timestamps of both headers.
//!
//! The usual fixed-width forms are read by position; everything else goes through the grammars
//! below them, which accept what rsyslog accepts: fields with fewer or more digits, leap seconds,
//! February 30th, years beside RFC 3164 dates.

use nom::IResult;
use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::tag;
use nom::bytes::complete::take;
use nom::character::complete::digit0;
use nom::combinator::cond;
use nom::combinator::eof;
use nom::combinator::map_opt;
use nom::combinator::opt;
use nom::combinator::peek;
use nom::combinator::success;
use nom::combinator::value;
use nom::combinator::verify;
use nom::sequence::delimited;
use nom::sequence::preceded;
use nom::sequence::terminated;

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
    /// The text is what `date-rfc3339` or, where it has that form, `date-rfc3164` would print.
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

/// Reads an RFC 3339 timestamp that ends the text or has a space behind it. Always inlined, so that
/// the fields go straight to where the caller keeps them.
#[must_use]
#[inline(always)]
pub fn rfc3339(text: &[u8]) -> Option<Stamp> {
    // The year may lack all its digits, as any number here may: `-02-03T04:05:06Z` is of year 0.
    if !matches!(text.first()?, b'0'..=b'9' | b'-') {
        return None;
    }
    match rfc3339_fixed(text) {
        Some(stamp) => Some(stamp),
        None => rfc3339_general(text),
    }
}

/// Reads an RFC 3164 timestamp (`Mmm dd hh:mm:ss`) and the liberties that devices take with it.
#[must_use]
#[inline(always)]
pub fn rfc3164(text: &[u8], assumed: Assumed) -> Option<Stamp> {
    match rfc3164_fixed(text, assumed) {
        Some(stamp) => Some(stamp),
        None => rfc3164_general(text, assumed),
    }
}

/// Longest name of a zone, in bytes.
const ZONE_NAME_MAX: usize = 15;

/// Reads an RFC 3164 timestamp behind which may stand the name of a zone, as Cisco's devices write
/// it; `zone` knows some of them, and others mean nothing.
#[must_use]
pub fn cisco(
    text: &[u8],
    assumed: Assumed,
    zone: impl Fn(&[u8]) -> Option<Offset>,
) -> Option<Stamp> {
    let (mut rest, (mut time, _)) = device_moment(text, assumed).ok()?;
    // Seen from rsyslogd 8.2302: a time ends the text only with such a name behind it.
    let mut may_end = false;
    if let (Some(b' '), true) = (rest.first(), rest.len() > 1) {
        let name = &rest[1..rest.len().min(1 + ZONE_NAME_MAX)];
        let end = name.iter().position(|byte| matches!(byte, b':' | b' '));
        let name = &name[..end.unwrap_or(name.len())];
        time.offset = zone(name).unwrap_or(time.offset);
        rest = &rest[1 + name.len()..];
        may_end = name.len() < ZONE_NAME_MAX;
    }
    if let Some(behind) = rest.strip_prefix(b":") {
        (rest, may_end) = (behind, false);
    }
    let stamp = finish(text, time, text.len() - rest.len(), false);
    stamp.filter(|_| may_end || !rest.is_empty())
}

/// `YYYY-MM-DDThh:mm:ss[.f{1,9}](Z|±hh:mm)`
#[inline(always)]
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
    if let Some(fraction) = microseconds(text) {
        (time.fraction, time.precision) = (fraction, 6);
        at += 7;
    } else if *text.get(at)? == b'.' {
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

/// The fraction behind `YYYY-MM-DDThh:mm:ss` if it has six digits, as most have.
#[inline]
fn microseconds(text: &[u8]) -> Option<u32> {
    let [b'.', digits @ .., after] = text.get(19..)?.first_chunk::<8>()? else { return None };
    let digits = digits.map(|byte| byte.wrapping_sub(b'0'));
    if digits.iter().fold(0, |most, digit| most.max(*digit)) > 9 || after.is_ascii_digit() {
        return None;
    }
    Some(digits.iter().fold(0, |value, digit| value * 10 + u32::from(*digit)))
}

/// RFC 3339 with any number of digits in each field.
#[cold]
fn rfc3339_general(text: &[u8]) -> Option<Stamp> {
    let (rest, time) = date_time(text).ok()?;
    finish(text, time, text.len() - rest.len(), false)
}

/// `Mmm dd hh:mm:ss `, the day's first digit possibly a space.
#[inline(always)]
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
    let capital = head[0] & 0x20 == 0 && head[1] & head[2] & 0x20 != 0;
    let canonical = capital && head[4] != b'0';
    in_range(&time).then_some(Stamp { time, len: 15, next: 16, canonical })
}

/// RFC 3164 with the variations seen in the wild.
#[cold]
fn rfc3164_general(text: &[u8], assumed: Assumed) -> Option<Stamp> {
    let (rest, (time, leading_year)) = device_time(text, assumed).ok()?;
    // With a year in front, rsyslog insists on the space.
    if leading_year && rest.is_empty() {
        return None;
    }
    finish(text, time, text.len() - rest.len(), false)
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

/// `Z`, `+hh:mm` or `-hh:mm`, as rsyslog's `defaultTZ` is written, and nothing else: rsyslogd makes
/// a garbled zone of other texts.
#[must_use]
pub fn zone_text(text: &str) -> Option<Offset> {
    if text == "Z" {
        return Some(Offset::Z);
    }
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

/// The abbreviations of the months, each at the place of its [`month_hash`], with its number.
const MONTHS: [(u32, u8); 16] = {
    let names = [
        b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov",
        b"dec",
    ];
    let mut table = [(0, 0); 16];
    let mut number = 0;
    while number < 12 {
        let letters = month_letters(*names[number as usize]);
        let slot = &mut table[month_hash(letters)];
        assert!(slot.1 == 0, "two months in one place");
        number += 1;
        *slot = (letters, number);
    }
    table
};

const fn month_letters(name: [u8; 3]) -> u32 {
    u32::from_le_bytes([name[0] | 0x20, name[1] | 0x20, name[2] | 0x20, 0])
}

/// A number below 16 that is different for each month (found by trying multipliers).
const fn month_hash(letters: u32) -> usize {
    (letters.wrapping_mul(0x3b6f_e507) >> 28) as usize
}

/// 1..=12, by the English abbreviation in any case. One look into a table: which month it is can
/// be guessed by nobody, least of all by a branch predictor.
#[inline]
const fn month(name: [u8; 3]) -> Option<u8> {
    let letters = month_letters(name);
    let (known, number) = MONTHS[month_hash(letters)];
    if known == letters { Some(number) } else { None }
}

/// `YYYY-MM-DDThh:mm:ss[.f*](Z|±hh:mm)`
fn date_time(text: &[u8]) -> IResult<&[u8], Timestamp> {
    let (text, (year, _, month, _, day, _)) =
        (number(2099), tag("-"), small(12), tag("-"), small(31), tag("T")).parse(text)?;
    let (text, (hour, _, minute, _, second)) =
        (small(23), tag(":"), small(59), tag(":"), small(60)).parse(text)?;
    let (text, (precision, fraction)) = fraction(text)?;
    let (text, offset) = alt((value(Offset::Z, tag("Z")), zone)).parse(text)?;
    let time = Timestamp { year, month, day, hour, minute, second, precision, fraction, offset };
    verify(success(time), in_range).parse(text)
}

/// `±hh:mm`
fn zone(text: &[u8]) -> IResult<&[u8], Offset> {
    let sign = alt((value(false, tag("+")), value(true, tag("-"))));
    (sign, small(23), tag(":"), small(59))
        .map(|(negative, hours, _, minutes)| offset(negative, hours, minutes))
        .parse(text)
}

/// `[YYYY ]Mmm [ ]d [YYYY ]h:m:s[.f*][ YYYY][:]`, with at most one of the years; whether there was
/// one in front. Colons are Cisco's.
fn device_time(text: &[u8], assumed: Assumed) -> IResult<&[u8], (Timestamp, bool)> {
    let (text, (mut time, written)) = device_moment(text, assumed)?;
    let after = cond(assumed.year_after && written.is_none(), opt(year_after));
    let (text, after) = after.map(Option::flatten).parse(text)?;
    time.year = after.unwrap_or(time.year);
    let (text, _) = opt(tag(":")).parse(text)?;
    Ok((text, (time, written == Some(Written::InFront))))
}

/// Where a device wrote the year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    InFront,
    /// Between day and time, as Cisco's devices do.
    Within,
}

/// `[YYYY ]Mmm [ ]d [YYYY ]h:m:s[.f*]`, with at most one of the years.
fn device_moment(text: &[u8], assumed: Assumed) -> IResult<&[u8], (Timestamp, Option<Written>)> {
    let (text, before) = opt(terminated(year(1971), tag(" "))).parse(text)?;
    let (text, month) =
        map_opt(take(3_usize), |name: &[u8]| name.first_chunk().and_then(|name| month(*name)))
            .parse(text)?;
    let (text, (_, _, day, _)) = (tag(" "), opt(tag(" ")), small(31), tag(" ")).parse(text)?;
    let inner = cond(before.is_none(), opt(terminated(year(1971), tag(" "))));
    let (text, inner) = inner.map(Option::flatten).parse(text)?;
    let (text, (hour, _, minute, _, second)) =
        (small(23), tag(":"), small(59), tag(":"), small(60)).parse(text)?;
    let (text, (precision, fraction)) = fraction(text)?;
    let year = before.or(inner).unwrap_or(assumed.year);
    let in_front = before.map(|_| Written::InFront);
    let written = in_front.or_else(|| inner.map(|_| Written::Within));
    let offset = assumed.offset;
    let time = Timestamp { year, month, day, hour, minute, second, precision, fraction, offset };
    verify(success((time, written)), |(time, _)| in_range(time)).parse(text)
}

/// ` YYYY` (2000..=2099) with a space behind it. Seen from rsyslogd 8.2302: with one last byte
/// behind it, whatever that is; it makes the timestamp invalid unless it is a colon.
fn year_after(text: &[u8]) -> IResult<&[u8], u16> {
    let four = map_opt(take(4_usize), |digits: &[u8]| {
        let digits = digits.first_chunk::<4>()?;
        let (century, year) = (two(digits[0], digits[1]), two(digits[2], digits[3]));
        (century == 20 && year < 100).then(|| 2000 + u16::from(year))
    });
    let behind = peek(alt((tag(" "), terminated(take(1_usize), eof))));
    delimited(tag(" "), four, behind).parse(text)
}

/// `.` and digits, or nothing: how many digits, and their value. Digits past the ninth are read
/// and dropped; a value that rsyslog cannot hold (31 bits) makes the timestamp invalid.
fn fraction(text: &[u8]) -> IResult<&[u8], (u8, u32)> {
    let value = map_opt(digit0, |digits: &[u8]| {
        let (mut all, mut kept, mut precision) = (0_u32, 0_u32, 0_u8);
        for digit in digits {
            if all >= 214_748_364 {
                return None;
            }
            all = all * 10 + u32::from(digit - b'0');
            if precision < 9 {
                kept = all;
                precision += 1;
            }
        }
        Some((precision, kept))
    });
    opt(preceded(tag("."), value)).map(Option::unwrap_or_default).parse(text)
}

/// A number of any length, at most `max`; 0 where there is no digit (as rsyslog reads it).
fn number<'a>(max: u16) -> impl Parser<&'a [u8], Output = u16, Error = Failure<'a>> {
    map_opt(digit0, move |digits: &[u8]| {
        let value = digits.iter().fold(0_u32, |value, digit| {
            value.saturating_mul(10).saturating_add(u32::from(digit - b'0'))
        });
        u16::try_from(value).ok().filter(|value| *value <= max)
    })
}

fn small<'a>(max: u8) -> impl Parser<&'a [u8], Output = u8, Error = Failure<'a>> {
    map_opt(number(u16::from(max)), |value| u8::try_from(value).ok())
}

fn year<'a>(min: u16) -> impl Parser<&'a [u8], Output = u16, Error = Failure<'a>> {
    verify(number(2099), move |year| *year >= min)
}

/// Why a text is no timestamp; nobody asks.
type Failure<'a> = nom::error::Error<&'a [u8]>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_of_a_configuration() {
        assert_eq!(zone_text("Z"), Some(Offset::Z));
        assert_eq!(zone_text("+09:00"), Some(Offset::east(540)));
        assert_eq!(zone_text("-03:30"), Some(Offset::east(-210)));
        let minus_zero = Offset::Minutes { east: 0, negative_zero: true };
        assert_eq!(zone_text("-00:00"), Some(minus_zero));
        for wrong in ["", "z", "UTC", "09:00", "+9:00", "+0900", "+24:00", "+09:60", "+09:00 "] {
            assert_eq!(zone_text(wrong), None, "{wrong}");
        }
    }
}
