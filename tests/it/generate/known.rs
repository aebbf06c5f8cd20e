//! The one place that knows where Bongsu is not rsyslog on purpose, and what no two programs can
//! agree on. What is left out of the generated cases is left out here or by what is listed here;
//! nothing of the output is edited before it is compared.
//!
//! - Alternatives and back references: [`EXPRESSIONS`] has none (leftmost-first).
//! - `fixed-width` up to `$`: [`WIDTH_MAX`] (rsyslogd writes ten million spaces).
//! - Fields between NULs (`F,0:2`): no such delimiter (rsyslogd reads on behind the value).
//! - `date-rfc3164-buggyday`: not in [`DATES`] (rsyslogd writes what another template wrote).
//! - `secpath-replace` on `//`, where rsyslogd leaves slashes: templates with it get messages of
//!   their own, see [`double_slash`].
//! - Fractions of more than six digits, a year in front, long RFC 5424 tags, January 1 more than
//!   twelve hours east of UTC (`date-ordinal` ends rsyslogd): [`departs`].
//! - Control characters, escaped bytes above 127 with `parser.spaceLFOnReceive`: [`departs`]
//!   (rsyslogd leaves them).
//! - The time of arrival, but for its hour and what is coarser ([`COARSE_DATES`]); a run in which
//!   the hour turns is run again.
//! - `timereported` of a message that may have none, which is the time of arrival then: only where
//!   it is of another month ([`MONTH_GATE`]), or the message's timestamp is known to be good.
//! - `uuid`, `fromhost-port`, `$uptime`, `$minute` and finer, `$now-unixtimestamp`: of this run
//!   alone. None of them is in [`PROPERTIES`].
//! - `jsonmesg` has the times in its middle: what stands before and behind them ([`JSON_GATES`]).
//! - Trees that are copied (`set $.a = $!`): not in the rules (rsyslogd writes the copy's numbers
//!   with 17 digits).
//! - Datagrams that end inside of PRI: [`unclosed_pri`] (in some runs rsyslogd has no
//!   `rawmsg-after-pri` for them).
//! - Templates of type `subtree`: rsyslogd writes nothing.
//!
//! Where it is a departure, docs/differences.md has the reason.

use std::sync::LazyLock;

use regex::bytes::Regex;

/// Parts of `jsonmesg`, as extended regular expressions.
pub(crate) const JSON_GATES: [&str; 2] = ["^.*\", \"timereported\"", "\"programname\": .*$"];

/// Properties that are the same for two programs that get the same bytes within one hour.
pub(crate) const PROPERTIES: &[&str] = &[
    "msg",
    "rawmsg",
    "rawmsg-after-pri",
    "hostname",
    "source",
    "fromhost",
    "fromhost-ip",
    "syslogtag",
    "programname",
    "pri",
    "pri-text",
    "iut",
    "syslogfacility",
    "syslogfacility-text",
    "syslogseverity",
    "syslogseverity-text",
    "syslogpriority",
    "syslogpriority-text",
    "protocol-version",
    "structured-data",
    "app-name",
    "procid",
    "msgid",
    "inputname",
    "$myhostname",
    "$bom",
    "$now",
    "$now-utc",
    "$year",
    "$year-utc",
    "$month",
    "$month-utc",
    "$day",
    "$day-utc",
    "$wday",
    "$wday-utc",
    "$hour",
    "$hour-utc",
];

/// `dateFormat=` and, with `date-` in front, the options of string templates.
pub(crate) const DATES: &[&str] = &[
    "rfc3164",
    "rfc3339",
    "mysql",
    "pgsql",
    "unixtimestamp",
    "subseconds",
    "year",
    "month",
    "day",
    "hour",
    "minute",
    "second",
    "wday",
    "wdayname",
    "ordinal",
    "week",
    "tzoffshour",
    "tzoffsmin",
    "tzoffsdirection",
];

/// Those of `timegenerated` that last for an hour.
pub(crate) const COARSE_DATES: &[&str] =
    &["year", "month", "day", "hour", "wday", "wdayname", "tzoffshour", "tzoffsdirection"];

/// Regular expressions and whether they are extended ones.
pub(crate) const EXPRESSIONS: &[(&str, bool)] = &[
    ("[0-9]\\{1,3\\}", false),
    ("\\([a-z]*\\)=\\([^ ]*\\)", false),
    ("a*", false),
    ("^.", false),
    ("[^a-z]*$", false),
    ("[[:upper:]][[:lower:]]*", false),
    ("x\\?y\\+", false),
    ("[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+", true),
    ("([a-z]+)=\"?([^ \"]*)", true),
    ("^(.)(.)(.)", true),
    ("[^[:alnum:][:space:]]+", true),
    ("(([a-z])([0-9]?))+", true),
    (" *", true),
    ("user ([^ ]+) from", true),
    ("\\<[A-Za-z]{4,6}\\>", true),
    ("\\[([0-9]+)\\]:?$", true),
    ("[]]", true),
    ("nothing has this", true),
];

/// Shows `timereported` in the form of RFC 3164 unless it is of this month or the next.
pub(crate) const MONTH_GATE: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The end of a field with a fixed width.
pub(crate) const WIDTH_MAX: usize = 40;

/// `global(parser.…)` switches that are looked at, each with a value that is not its default.
pub(crate) const SWITCHES: &[&str] = &[
    "parser.dropTrailingLFOnReception=\"off\"",
    "parser.escapeControlCharactersOnReceive=\"off\"",
    ESCAPE_8BIT,
    "parser.escapeControlCharacterTab=\"off\"",
    "parser.escapeControlCharactersCStyle=\"on\"",
    "parser.controlCharacterEscapePrefix=\"\\\\\"",
    "parser.parseHostnameAndTag=\"off\"",
    "parser.permitSlashInProgramName=\"on\"",
    "parser.supportCompressionExtension=\"off\"",
    SPACE_LF,
];

const SPACE_LF: &str = "parser.spaceLFOnReceive=\"on\"";
const ESCAPE_8BIT: &str = "parser.escape8BitCharactersOnReceive=\"on\"";

/// Longest messages other than the default, in bytes.
pub(crate) const SIZES: &[(usize, &str)] = &[
    (128, "maxMessageSize=\"128\""),
    (300, "maxMessageSize=\"300\""),
    (1024, "maxMessageSize=\"1k\""),
    (20_000, "maxMessageSize=\"20000\""),
];
pub(crate) const SIZE_DEFAULT: usize = 8096;

/// Whether `secpath-replace` leaves a slash in rsyslogd.
pub(crate) fn double_slash(message: &[u8]) -> bool {
    message.windows(2).any(|two| two == b"//")
}

/// The class of messages, if any, to which this one belongs and of which rsyslogd makes something
/// else on purpose.
pub(crate) fn departs(message: &[u8], switches: &[&str]) -> Option<&'static str> {
    static CLASSES: LazyLock<[(Regex, &str); 3]> = LazyLock::new(|| {
        [
            (r"(?-u)\.[0-9]{7}", "a fraction of more than six digits"),
            (r"(?-u)-0?1-0?1T[0-9:.]*\+1[2-9]", "new year's day far in the east"),
            (r"(?-u)[0-9]{4} [A-Za-z]{3} +[0-9]", "a timestamp with the year in front"),
        ]
        .map(|(regex, class)| (Regex::new(regex).unwrap(), class))
    });
    if long_tag(message) {
        return Some("a tag of RFC 5424 that is too long");
    }
    let left = |byte: &u8| match byte {
        b'\n' => false,
        0..32 => true,
        128.. => switches.contains(&ESCAPE_8BIT),
        _ => false,
    };
    if switches.contains(&SPACE_LF) && message.iter().any(left) {
        return Some("what rsyslogd does not escape when an LF becomes a space");
    }
    CLASSES.iter().find(|(regex, _)| regex.is_match(message)).map(|(_, class)| *class)
}

/// Whether APP-NAME and PROCID make a tag of more than 511 bytes, should they be escaped.
fn long_tag(message: &[u8]) -> bool {
    let Some(version) = message.windows(3).position(|three| three == b">1 ") else { return false };
    let escaped = |byte: &u8| if matches!(byte, 32..128) { 1 } else { 4 };
    let fields = message[version + 3..].split(|byte| *byte == b' ').skip(2).take(2);
    fields.flatten().map(escaped).sum::<usize>() + "[]".len() > 511
}

/// Whether a message ends before its PRI does.
pub(crate) fn unclosed_pri(message: &[u8]) -> bool {
    let digits = message.strip_prefix(b"<");
    digits.is_some_and(|text| !text.iter().any(|byte| matches!(byte, b' '..b'0' | b':'..)))
}
