//! Timestamps as text: every `date-*` form of rsyslog's property replacer.
//!
//! What rsyslog does oddly is kept, because files and dashboards hold it: see
//! [`Timestamp::to_utc`], [`TimeFormat::Ordinal`] and [`TimeFormat::TzOffsDirection`].

use crate::message::Offset;
use crate::message::Timestamp;

/// "00" to "99", and from there anew: any byte has its place.
static PAIRS: [[u8; 2]; 256] = pairs();
static MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];
static DAYS: [&[u8; 3]; 7] = [b"Sun", b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat"];

/// `Jan` for 1; numbers beyond 12 begin anew.
#[must_use]
pub fn month_name(month: u8) -> &'static str {
    std::str::from_utf8(MONTHS[usize::from(month.wrapping_sub(1)) % 12]).unwrap_or_default()
}

const fn pairs() -> [[u8; 2]; 256] {
    let mut table = [[b'0'; 2]; 256];
    let mut n = 0_u8;
    loop {
        table[n as usize] = [b'0' + n % 100 / 10, b'0' + n % 10];
        if n == u8::MAX {
            break table;
        }
        n += 1;
    }
}

/// How a timestamp is written. Names are those of `dateFormat=`; in a string template they stand
/// behind `date-`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeFormat {
    /// `Oct  1 22:14:15`; the default.
    #[default]
    Rfc3164,
    /// `Oct 01 22:14:15`.
    Rfc3164BuggyDay,
    /// `2003-10-11T22:14:15.003Z`, with the fraction and the zone that were received.
    Rfc3339,
    /// `20031011221415`.
    MySql,
    /// `2003-10-11 22:14:15`.
    PgSql,
    /// Seconds since the epoch; 0 for a year outside of 1970..=2100. What an offset puts before
    /// the epoch wraps at 2^32, as in rsyslog.
    UnixTimestamp,
    /// The fraction's digits as received; `0` without one.
    Subseconds,
    /// Four digits; rsyslog's words for a year outside of 1967..=2099.
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    /// 0 is Sunday.
    Wday,
    /// `Sun` to `Sat`.
    WdayName,
    /// Day of the year, three digits, from `001`. As rsyslog counts: from UTC less the size of
    /// the zone's offset, which is a day early where the zone lies east and the morning is young;
    /// and the last second of a day (the last two, east of UTC) belongs to the next.
    Ordinal,
    /// Week of the year by Sundays, two digits, built on [`TimeFormat::Ordinal`].
    Week,
    /// ISO 8601 week, two digits, built on [`TimeFormat::Ordinal`].
    IsoWeek,
    /// The year that the ISO week belongs to.
    IsoWeekYear,
    TzOffsHour,
    TzOffsMin,
    /// `+` or `-`. `Z` counts as `-`, as in rsyslog.
    TzOffsDirection,
}

const NAMES: &[(&str, TimeFormat)] = &[
    ("rfc3164", TimeFormat::Rfc3164),
    ("rfc3164-buggyday", TimeFormat::Rfc3164BuggyDay),
    ("rfc3339", TimeFormat::Rfc3339),
    ("mysql", TimeFormat::MySql),
    ("pgsql", TimeFormat::PgSql),
    ("unixtimestamp", TimeFormat::UnixTimestamp),
    ("subseconds", TimeFormat::Subseconds),
    ("year", TimeFormat::Year),
    ("month", TimeFormat::Month),
    ("day", TimeFormat::Day),
    ("hour", TimeFormat::Hour),
    ("minute", TimeFormat::Minute),
    ("second", TimeFormat::Second),
    ("wday", TimeFormat::Wday),
    ("wdayname", TimeFormat::WdayName),
    ("ordinal", TimeFormat::Ordinal),
    ("week", TimeFormat::Week),
    ("iso-week", TimeFormat::IsoWeek),
    ("iso-week-year", TimeFormat::IsoWeekYear),
    ("tzoffshour", TimeFormat::TzOffsHour),
    ("tzoffsmin", TimeFormat::TzOffsMin),
    ("tzoffsdirection", TimeFormat::TzOffsDirection),
];

/// Text on the stack: no timestamp is longer than 35 bytes.
struct Text {
    bytes: [u8; 40],
    len: usize,
}

impl Text {
    #[inline]
    const fn new() -> Self {
        Self { bytes: [0; 40], len: 0 }
    }

    #[inline]
    fn put<const N: usize>(&mut self, text: &[u8; N]) {
        self.bytes[self.len..self.len + N].copy_from_slice(text);
        self.len += N;
    }

    #[inline]
    fn two(&mut self, n: u8) {
        self.put(&PAIRS[usize::from(n)]);
    }

    #[inline]
    fn four(&mut self, n: u16) {
        self.put(&PAIRS[usize::from(n / 100) % 100]);
        self.put(&PAIRS[usize::from(n % 100)]);
    }

    /// `width` digits, at most 9.
    #[inline]
    fn digits(&mut self, mut n: u32, width: u8) {
        let width = usize::from(width.min(9));
        for at in (self.len..self.len + width).rev() {
            self.bytes[at] = PAIRS[(n % 10) as usize][1];
            n /= 10;
        }
        self.len += width;
    }

    #[inline]
    fn clock(&mut self, at: &Timestamp, separator: u8) {
        self.two(at.hour);
        self.put(&[separator]);
        self.two(at.minute);
        self.put(&[separator]);
        self.two(at.second);
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl TimeFormat {
    /// By the name that `dateFormat=` takes, in lower case as rsyslog wants it.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, f)| *f)
    }

    /// All names, for "did you mean".
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    /// Appends `at` in this form.
    #[inline]
    pub fn write(self, at: &Timestamp, out: &mut Vec<u8>) {
        match self {
            Self::Rfc3164 => rfc3164(at, b' ', out),
            Self::Rfc3339 => rfc3339(at, out),
            _ => self.write_other(at, out),
        }
    }

    fn write_other(self, at: &Timestamp, out: &mut Vec<u8>) {
        let mut text = Text::new();
        match self {
            Self::Rfc3164 => return rfc3164(at, b' ', out),
            Self::Rfc3164BuggyDay => return rfc3164(at, b'0', out),
            Self::Rfc3339 => return rfc3339(at, out),
            Self::MySql => {
                text.four(at.year);
                for n in [at.month, at.day, at.hour, at.minute, at.second] {
                    text.two(n);
                }
            }
            Self::PgSql => {
                date(at, &mut text);
                text.put(b" ");
                text.clock(at, b':');
            }
            Self::UnixTimestamp => {
                let secs = at.rsyslog_unix().unwrap_or(0).rem_euclid(1 << 32);
                return write_number(u64::try_from(secs).unwrap_or(0), out);
            }
            Self::Subseconds => match at.precision {
                0 => text.put(b"0"),
                width => text.digits(at.fraction, width),
            },
            Self::Year if (1967..=2099).contains(&at.year) => text.four(at.year),
            Self::Year => return out.extend_from_slice(b"YEAR OUT OF RANGE(1967-2099)"),
            Self::Month => text.two(at.month),
            Self::Day => text.two(at.day),
            Self::Hour => text.two(at.hour),
            Self::Minute => text.two(at.minute),
            Self::Second => text.two(at.second),
            Self::Wday => text.digits(u32::from(at.weekday()), 1),
            Self::WdayName => text.put(DAYS[usize::from(at.weekday()) % 7]),
            Self::Ordinal => text.digits(ordinal(at), 3),
            Self::Week => text.digits(week(at), 2),
            Self::IsoWeek => text.digits(iso_week(at).1, 2),
            Self::IsoWeekYear => text.four(iso_week(at).0),
            Self::TzOffsHour => text.two(at.offset_parts().1),
            Self::TzOffsMin => text.two(at.offset_parts().2),
            Self::TzOffsDirection => text.put(&[at.offset_parts().0]),
        }
        out.extend_from_slice(text.bytes());
    }
}

#[inline]
fn date(at: &Timestamp, text: &mut Text) {
    text.four(at.year);
    text.put(b"-");
    text.two(at.month);
    text.put(b"-");
    text.two(at.day);
}

#[inline]
fn rfc3164(at: &Timestamp, pad: u8, out: &mut Vec<u8>) {
    let [m, o, n] = *MONTHS[usize::from(at.month.wrapping_sub(1)) % 12];
    let [tens, units] = PAIRS[usize::from(at.day)];
    let [tens, space] = [if tens == b'0' { pad } else { tens }, b' '];
    let [h1, h2] = PAIRS[usize::from(at.hour)];
    let [m1, m2] = PAIRS[usize::from(at.minute)];
    let [s1, s2] = PAIRS[usize::from(at.second)];
    out.extend_from_slice(&[
        m, o, n, space, tens, units, space, h1, h2, b':', m1, m2, b':', s1, s2,
    ]);
}

/// In pieces whose lengths the compiler knows, so that none of them is a call.
#[inline]
fn rfc3339(at: &Timestamp, out: &mut Vec<u8>) {
    let [y1, y2] = PAIRS[usize::from(at.year / 100 % 100)];
    let [y3, y4] = PAIRS[usize::from(at.year % 100)];
    let [m1, m2] = PAIRS[usize::from(at.month)];
    let [d1, d2] = PAIRS[usize::from(at.day)];
    out.extend_from_slice(&[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T']);
    let [h1, h2] = PAIRS[usize::from(at.hour)];
    let [m1, m2] = PAIRS[usize::from(at.minute)];
    let [s1, s2] = PAIRS[usize::from(at.second)];
    out.extend_from_slice(&[h1, h2, b':', m1, m2, b':', s1, s2]);
    if at.precision > 0 {
        let mut text = Text::new();
        text.put(b".");
        text.digits(at.fraction, at.precision);
        out.extend_from_slice(text.bytes());
    }
    match at.offset {
        Offset::Z => out.push(b'Z'),
        Offset::Minutes { .. } => {
            let (sign, hours, minutes) = at.offset_parts();
            let [h1, h2] = PAIRS[usize::from(hours)];
            let [m1, m2] = PAIRS[usize::from(minutes)];
            out.extend_from_slice(&[sign, h1, h2, b':', m1, m2]);
        }
    }
}

fn ordinal(at: &Timestamp) -> u32 {
    let Some(utc) = at.rsyslog_unix() else { return 1 };
    let new_year = Timestamp { year: at.year, month: 1, day: 1, ..Timestamp::default() }.unix();
    // Year tables that end a second early, and a sign that is added as a second.
    let early = if at.offset_parts().0 == b'+' { 2 } else { 1 };
    let seconds = utc + early - new_year - at.offset.seconds().abs();
    u32::try_from(seconds / 86_400 + 1).unwrap_or(0)
}

fn week(at: &Timestamp) -> u32 {
    let new_year = Timestamp { month: 1, day: 1, ..*at };
    (ordinal(at) + 5) / 7 + u32::from(at.weekday() < new_year.weekday())
}

/// The ISO week's year, and its number.
fn iso_week(at: &Timestamp) -> (u16, u32) {
    // Monday is 1, Sunday 7.
    let weekday = (u32::from(at.weekday()) + 6) % 7 + 1;
    let week = (ordinal(at) + 10).saturating_sub(weekday) / 7;
    if week == 0 {
        let before = at.year.saturating_sub(1);
        (before, iso_weeks(before))
    } else if week > iso_weeks(at.year) {
        (at.year.saturating_add(1), 1)
    } else {
        (at.year, week)
    }
}

/// How many ISO weeks a year has: 53 if a Thursday is its first day, or its last.
fn iso_weeks(year: u16) -> u32 {
    let thursday = |month, day| {
        let at = Timestamp { year, month, day, ..Timestamp::default() };
        at.weekday() == 4
    };
    if thursday(1, 1) || thursday(12, 31) { 53 } else { 52 }
}

/// Appends a decimal number.
#[inline]
pub fn write_number(mut n: u64, out: &mut Vec<u8>) {
    let mut text = [0; 20];
    let mut at = text.len();
    loop {
        at -= 1;
        text[at] = PAIRS[usize::try_from(n % 10).unwrap_or(0)][1];
        n /= 10;
        if n == 0 {
            break;
        }
    }
    out.extend_from_slice(&text[at..]);
}

/// Appends two decimal digits.
#[inline]
pub(super) fn write_two(n: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(&PAIRS[usize::from(n) % 100]);
}

/// Appends `yyyy-mm-dd`.
pub(super) fn write_date(at: &Timestamp, out: &mut Vec<u8>) {
    let mut text = Text::new();
    date(at, &mut text);
    out.extend_from_slice(text.bytes());
}

impl Timestamp {
    /// The same instant in UTC, as `date-utc` shows it: offset `+00:00`, six digits of fraction.
    ///
    /// rsyslog takes the fraction's digits for microseconds, however many there were: `.5` becomes
    /// `.000005`. That is kept; of more than six digits (where rsyslog writes garbage) the first
    /// six are.
    #[must_use]
    pub fn to_utc(&self) -> Self {
        let mut fraction = self.fraction;
        for _ in 6..self.precision {
            fraction /= 10;
        }
        let secs = self.rsyslog_unix().unwrap_or(0);
        Self { precision: 6, fraction, offset: Offset::east(0), ..Self::civil(secs) }
    }

    /// Day of the week of the written date; 0 is Sunday.
    #[must_use]
    pub fn weekday(&self) -> u8 {
        let midnight = Self { hour: 0, minute: 0, second: 0, offset: Offset::Z, ..*self };
        u8::try_from((midnight.unix().div_euclid(86_400) + 4).rem_euclid(7)).unwrap_or(0)
    }

    /// Seconds since the epoch where rsyslog can tell them.
    fn rsyslog_unix(&self) -> Option<i64> {
        (1970..=2100).contains(&self.year).then(|| self.unix())
    }

    /// Sign, hours and minutes of the zone's offset; `Z` has the sign `-`.
    fn offset_parts(&self) -> (u8, u8, u8) {
        let Offset::Minutes { east, negative_zero } = self.offset else { return (b'-', 0, 0) };
        let size = east.unsigned_abs();
        let small = |n: u16| u8::try_from(n).unwrap_or(0);
        let sign = if east < 0 || negative_zero { b'-' } else { b'+' };
        (sign, small(size / 60), small(size % 60))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(format: TimeFormat, at: &Timestamp) -> String {
        let mut out = Vec::new();
        format.write(at, &mut out);
        String::from_utf8(out).unwrap()
    }

    proptest! {
        #[test]
        fn digits_are_those_of_the_formatter(
            secs in 0_i64..4_000_000_000,
            precision in 0_u8..=9,
            fraction in 0_u32..1_000_000_000,
            east in -900_i16..=900,
        ) {
            let fraction = fraction % 10_u32.pow(u32::from(precision));
            let offset = Offset::east(east);
            let at = Timestamp { precision, fraction, offset, ..Timestamp::civil(secs) };
            let day = format!("{:04}-{:02}-{:02}", at.year, at.month, at.day);
            let clock = format!("{:02}:{:02}:{:02}", at.hour, at.minute, at.second);
            let width = usize::from(precision);
            let dot = if width > 0 { format!(".{fraction:0width$}") } else { String::new() };
            let sign = if east < 0 { '-' } else { '+' };
            let size = east.unsigned_abs();
            let zone = format!("{sign}{:02}:{:02}", size / 60, size % 60);
            prop_assert_eq!(text(TimeFormat::Rfc3339, &at), format!("{day}T{clock}{dot}{zone}"));
            prop_assert_eq!(text(TimeFormat::PgSql, &at), format!("{day} {clock}"));
            let month = month_name(at.month);
            prop_assert_eq!(text(TimeFormat::Rfc3164, &at), format!("{month} {:2} {clock}", at.day));
            let known = jiff::Timestamp::from_second(secs).unwrap();
            let known = known.to_zoned(jiff::tz::TimeZone::UTC);
            prop_assert_eq!(
                i64::from(at.weekday()),
                i64::from(known.weekday().to_sunday_zero_offset())
            );
        }

        #[test]
        fn utc_is_the_same_instant(secs in 86_400_i64..4_000_000_000, east in -900_i16..=900) {
            let at = Timestamp { offset: Offset::east(east), ..Timestamp::civil(secs) };
            prop_assert_eq!(at.to_utc().unix(), at.unix());
        }

        #[test]
        fn numbers(n: u64) {
            let mut out = Vec::new();
            write_number(n, &mut out);
            prop_assert_eq!(out, n.to_string().into_bytes());
        }
    }
}
