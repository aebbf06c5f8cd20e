//! Functions of dates and times.

use std::io::Write as _;

use crate::base::clock;
use crate::base::clock::LocalZone;
use crate::message::Offset;
use crate::message::TimeFormat;
use crate::message::Timestamp;
use crate::parse::timestamp;
use crate::parse::timestamp::Assumed;
use crate::rules::call::Answer;
use crate::rules::call::Invocation;
use crate::rules::call::Plain;
use crate::rules::call::Takes;
use crate::rules::call::error;

/// Bytes that `format_time()` gives at most.
const TIME_BYTES_MAX: usize = 63;

pub(super) const ROUTINES: &[(&str, Plain)] = &[
    ("format_time", Plain { takes: TIME_AND_FORMAT, run: format_time, varies: false }),
    // These three tell script_error() how it went.
    ("is_time", Plain { takes: TIME_AND_FORMAT, run: is_time, varies: true }),
    ("parse_time", Plain { takes: &[Takes::Text], run: parse_time, varies: true }),
    ("parse_time_localtz", Plain { takes: &[Takes::Text], run: parse_time_localtz, varies: true }),
];

const TIME_AND_FORMAT: &[Takes] = &[Takes::Value, Takes::Text];

/// Years of which rsyslog's arithmetic tells seconds; it takes others for the first.
const FIRST_YEAR: u16 = 1970;

/// The Gregorian calendar repeats itself after so many years, and seconds.
const CYCLE_YEARS: i64 = 400;
const CYCLE_SECONDS: i64 = 146_097 * 86_400;

/// A timestamp, and whether it names a zone.
fn parsed(text: &[u8], now: Timestamp) -> Option<(Timestamp, bool)> {
    if let Some(stamp) = timestamp::rfc3339(text) {
        return Some((stamp.time, true));
    }
    let assumed = Assumed { year: now.year, offset: Offset::Z, year_after: false };
    let time = timestamp::rfc3164(text, assumed)?.time;
    // A year that is written counts for nothing.
    Some((Timestamp { year: likely_year(now, time.month), ..time }, false))
}

/// The year of a date without one: that in which it is at most a month ahead.
const fn likely_year(now: Timestamp, month: u8) -> u16 {
    match (now.month, month) {
        (12, 1) => now.year + 1,
        (current, month) if month > current + 1 => now.year - 1,
        _ => now.year,
    }
}

fn parse_time(call: &Invocation<'_>, _: &mut Vec<u8>) -> Answer {
    unix_time(call, |_| 0)
}

/// A time without a zone is local.
fn parse_time_localtz(call: &Invocation<'_>, _: &mut Vec<u8>) -> Answer {
    unix_time(call, |local| {
        call.of.runtime().map_or(0, |runtime| east(&mut runtime.zone.borrow_mut(), local))
    })
}

/// The offset from UTC at a local time that is counted as if it were UTC: by the offset of a moment
/// that is wrong by less than a day, and of the one that this gives.
fn east(zone: &mut LocalZone, local: i64) -> i64 {
    let near = i64::from(zone.offset(local));
    i64::from(zone.offset(local - near))
}

/// The seconds since 1970 of the first argument, 0 where it is no time. `east` gives the offset
/// from UTC of a time that names none.
fn unix_time(call: &Invocation<'_>, east: impl Fn(i64) -> i64) -> Answer {
    let parsed = parsed(call.text(0), Timestamp::civil(clock::wall().secs));
    error::tell(call, parsed.is_none());
    Answer::Number(match parsed {
        None => 0,
        Some((time, _)) if time.year < FIRST_YEAR => 0,
        Some((time, true)) => time.unix(),
        Some((time, false)) => time.unix() - east(time.unix()),
    })
}

/// Whether the first argument is a time in the format that is named; where none is, in any.
fn is_time(call: &Invocation<'_>, _: &mut Vec<u8>) -> Answer {
    let value = call.value(0);
    let unix = call.whole(0).is_some();
    let rfc3339 = || value.with_text(|text| timestamp::rfc3339(text).is_some());
    let assumed = Assumed { year: FIRST_YEAR, offset: Offset::Z, year_after: false };
    let rfc3164 = || value.with_text(|text| timestamp::rfc3164(text, assumed).is_some());
    let is_time = match call.text(1) {
        _ if call.count() < 2 => unix || rfc3339() || rfc3164(),
        b"date-unix" => unix,
        b"date-rfc3339" => rfc3339(),
        b"date-rfc3164" => rfc3164(),
        _ => false,
    };
    error::tell(call, !is_time);
    Answer::Number(i64::from(is_time))
}

/// What is no time, or beyond the years that C can tell, stays as it is; so it is here where there
/// is no such format, for which rsyslogd writes foreign memory.
fn format_time(call: &Invocation<'_>, out: &mut Vec<u8>) -> Answer {
    let time = call.whole(0).and_then(civil);
    match (time, call.text(1)) {
        (Some((time, _)), b"date-rfc3164") => TimeFormat::Rfc3164.write(&time, out),
        (Some((time, year)), b"date-rfc3339") => {
            // Writing into a vector does not fail. No year is filled up with zeroes.
            _ = write!(out, "{year}");
            let start = out.len();
            TimeFormat::Rfc3339.write(&time, out);
            out.drain(start..start + "yyyy".len());
        }
        // What is no time is given as it is, as far as rsyslogd has room for it.
        _ => call.value(0).with_text(|text| {
            out.extend_from_slice(&text[..text.len().min(TIME_BYTES_MAX)]);
        }),
    }
    Answer::Text
}

/// The UTC date of a Unix time in the year 2000 to 2399 that has the same calendar, and its year.
/// Nothing where the year is too much for a C `struct tm`, which counts it from 1900.
fn civil(seconds: i64) -> Option<(Timestamp, i32)> {
    let since_2000 = seconds
        .checked_sub(Timestamp { year: 2000, month: 1, day: 1, ..Timestamp::default() }.unix())?;
    let time = Timestamp::civil(seconds - since_2000.div_euclid(CYCLE_SECONDS) * CYCLE_SECONDS);
    let year = i64::from(time.year) + since_2000.div_euclid(CYCLE_SECONDS) * CYCLE_YEARS;
    let counted = i32::try_from(year - 1900).ok()?;
    Some((time, counted.wrapping_add(1900)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// rsyslogd 8.2302 with its clock moved to the middle of each month.
    #[test]
    fn a_date_without_a_year_is_at_most_a_month_ahead() {
        for (current, last_of_this_year) in (1..=12).zip([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 12]) {
            let now = Timestamp { year: 2026, month: current, day: 15, ..Timestamp::default() };
            for month in 1..=12 {
                let year = match month {
                    1 if current == 12 => 2027,
                    month if month > last_of_this_year => 2025,
                    _ => 2026,
                };
                assert_eq!(likely_year(now, month), year, "{month} in {current}");
            }
        }
    }

    /// New York went to summer time on 2026-03-08 at 07:00 UTC, which was 02:00 there.
    #[test]
    fn local_time_has_the_offset_of_its_date() {
        let mut zone = LocalZone::of(jiff::tz::TimeZone::get("America/New_York").unwrap());
        let mut at = |text: &str| {
            let local = timestamp::rfc3339(text.as_bytes()).unwrap().time.unix();
            east(&mut zone, local) / 3600
        };
        assert_eq!(at("2026-01-15T12:00:00Z"), -5);
        assert_eq!(at("2026-03-08T01:59:59Z"), -5);
        assert_eq!(at("2026-03-08T03:00:00Z"), -4);
        assert_eq!(at("2026-07-15T12:00:00Z"), -4);
    }

    #[test]
    fn a_year_that_is_written_in_rfc_3164_counts_for_nothing() {
        let now = Timestamp { year: 2026, month: 11, day: 22, ..Timestamp::default() };
        let unix =
            |text: &str| parsed(text.as_bytes(), now).map(|(time, zone)| (time.unix(), zone));
        assert_eq!(unix("Oct 5 01:10:11"), Some((1_791_162_611, false)));
        assert_eq!(unix("Oct 5 2017 01:10:11"), Some((1_791_162_611, false)));
        assert_eq!(unix("2017-10-05T01:10:11+02:00"), Some((1_507_158_611, true)));
        assert_eq!(unix("Oct"), None);
    }
}
