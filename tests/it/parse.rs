//! Messages and what rsyslogd 8.2302 made of them (`tests/data/parse`, made by running it): the
//! parser has to find the same fields.

use std::fmt::Write as _;

use bongsu::base::clock::LocalZone;
use bongsu::base::clock::Wall;
use bongsu::base::span::Span;
use bongsu::input::local::ParseInto;
use bongsu::message::Arrival;
use bongsu::message::Message;
use bongsu::message::MessageFlags;
use bongsu::message::Offset;
use bongsu::message::Pri;
use bongsu::message::Timestamp;
use bongsu::parse::ParseSettings;
use bongsu::parse::frame::Frame;
use bongsu::parse::rfc3164::Rfc3164Settings;
use bongsu::parse::sanitise::SanitiseSettings;
use serde_json::Value;

/// What a property shows, in the escapes of the golden files: `\xHH` for a byte that is not
/// printable UTF-8, `\\` for a backslash.
pub(crate) fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        (bytes, rest) = match (first, tail) {
            (b'\\', [b'\\', tail @ ..]) => ([bytes, vec![b'\\']].concat(), tail),
            (b'\\', [b'x', high, low, tail @ ..]) => {
                let hex = [*high, *low];
                let byte = u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap();
                ([bytes, vec![byte]].concat(), tail)
            }
            _ => ([bytes, vec![*first]].concat(), tail),
        };
    }
    bytes
}

/// `date-rfc3339`.
fn rfc3339(time: &Timestamp) -> String {
    let mut text = format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        time.year, time.month, time.day, time.hour, time.minute, time.second
    );
    if time.precision > 0 {
        write!(text, ".{:0width$}", time.fraction, width = usize::from(time.precision)).unwrap();
    }
    match time.offset {
        Offset::Z => text.push('Z'),
        Offset::Minutes { east, negative_zero } => {
            let sign = if east < 0 || negative_zero { '-' } else { '+' };
            write!(text, "{sign}{:02}:{:02}", east.abs() / 60, east.abs() % 60).unwrap();
        }
    }
    text
}

/// 22 November 2026 in Seoul: where and when the golden files were made.
pub(crate) fn arrival() -> Arrival {
    let mut zone = LocalZone::of(jiff::tz::TimeZone::fixed(jiff::tz::offset(9)));
    Arrival::at(Wall { secs: 1_795_323_600, micros: 0 }, &mut zone)
}

/// The tag that rsyslog derives for RFC 5424: APP-NAME and, if there is one, PROCID in brackets.
fn tag(data: &[u8], message: &Message) -> Vec<u8> {
    let procid = message.procid.of(data);
    if !message.flags.has(MessageFlags::PROTOCOL_1) {
        message.tag.of(data).to_vec()
    } else if procid == b"-" {
        message.app_name.of(data).to_vec()
    } else {
        [message.app_name.of(data), b"[", procid, b"]"].concat()
    }
}

/// Our reading of `input` in the golden files' form.
fn ours(input: &[u8], settings: &ParseSettings, parser: ParseInto) -> Value {
    let mut data = input.to_vec();
    let frame = Frame { span: Span::new(0, data.len()), truncated: false };
    let mut message = Message::default();
    parser(&mut data, frame, settings, &arrival(), &mut message);
    let text = |span: Span| Value::from(escape(span.of(&data)));
    let mut found = serde_json::Map::new();
    found.insert("raw".into(), text(message.raw));
    let pri = message.pri;
    let pri = if pri == Pri::INVALID { "invld".to_owned() } else { pri.0.to_string() };
    found.insert("pri".into(), pri.into());
    let time = message.flags.has(MessageFlags::TIME).then(|| rfc3339(&message.time));
    if message.flags.has(MessageFlags::TIME_CANONICAL) {
        assert_eq!(time.as_deref().map(str::as_bytes), Some(message.time_text.of(&data)));
    }
    found.insert("time".into(), time.into());
    let host = message.flags.has(MessageFlags::HOSTNAME).then(|| text(message.hostname));
    found.insert("host".into(), host.into());
    found.insert("tag".into(), escape(&tag(&data, &message)).into());
    found.insert("msg".into(), text(message.msg));
    if message.flags.has(MessageFlags::PROTOCOL_1) {
        let fields =
            [message.app_name, message.procid, message.msgid, message.structured_data].map(text);
        found.insert("v1".into(), Value::from(fields.to_vec()));
    }
    Value::from(found)
}

/// The inverse of [`unescape`], for comparison only: escapes everything that is not ASCII.
pub(crate) fn escape(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// The same for a golden value.
fn normal(value: &Value) -> Value {
    match value {
        Value::String(text) => escape(&unescape(text)).into(),
        Value::Array(all) => all.iter().map(normal).collect(),
        other => other.clone(),
    }
}

/// Where rsyslogd 8.2302 reads or writes past a buffer's end: it prints garbage for more than six
/// fractional digits, a NUL for the absent tag behind a timestamp with the year in front, and a
/// NUL before a message without PRI where force.tagEndingByColon finds no tag.
fn departs(key: &str, golden: &Value, found: &Value) -> bool {
    let text = golden.as_str().unwrap_or("");
    match key {
        "time" => {
            let fraction = found.as_str().and_then(|time| time.split_once('.'));
            let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
            !text.is_empty() && fraction.is_some_and(|(_, rest)| digits(rest) > 6)
        }
        "tag" => text == "\\x00",
        "msg" => text.starts_with("\\x00"),
        _ => false,
    }
}

/// Compares every case of one file.
pub(crate) fn compare(golden: &str, settings: &ParseSettings) {
    compare_by(golden, settings, bongsu::parse::message_into, |_| false);
}

/// The same, with another parser. Of inputs that are `miscounted` rsyslogd's tag and msg are beside
/// the mark.
fn compare_by(
    golden: &str,
    settings: &ParseSettings,
    parser: ParseInto,
    miscounted: fn(&[u8]) -> bool,
) {
    let mut wrong = String::new();
    let mut cases = 0;
    for line in golden.lines() {
        cases += 1;
        let case: Value = serde_json::from_str(line).unwrap();
        let input = unescape(case["in"].as_str().unwrap());
        let ours = ours(&input, settings, parser);
        for (key, found) in ours.as_object().unwrap() {
            let golden = if key == "raw" {
                case.get(key).unwrap_or_else(|| &case["in"])
            } else {
                &case[key]
            };
            let beside = matches!(key.as_str(), "tag" | "msg") && miscounted(&input);
            if normal(golden) != *found && !departs(key, golden, found) && !beside {
                writeln!(wrong, "{}\n  {key}: rsyslogd {golden}, bongsu {found}", case["in"])
                    .unwrap();
            }
        }
        if case.get("v1").is_some() != ours.get("v1").is_some() {
            writeln!(wrong, "{}\n  protocol version", case["in"]).unwrap();
        }
    }
    assert!(cases > 0 && wrong.is_empty(), "of {cases} cases:\n{wrong}");
}

#[test]
fn network_messages() {
    compare(include_str!("../data/parse/network.jsonl"), &ParseSettings::default());
}

/// A timestamp with the year in front, of which rsyslogd's imuxsock counts one byte too many: the
/// message begins with the tag's last byte, or is read past its end.
fn year_in_front(input: &[u8]) -> bool {
    let digits = input.iter().skip(1).take_while(|byte| byte.is_ascii_digit()).count();
    let header = input.get(digits + 2..).unwrap_or_default();
    header.len() > 5 && header[..4].iter().all(u8::is_ascii_digit) && header[4] == b' '
}

/// What imuxsock's special parser makes of 3000 generated datagrams.
#[test]
fn log_socket_messages() {
    let settings = ParseSettings { compression: false, ..ParseSettings::default() };
    let golden = include_str!("../data/parse/special.jsonl");
    compare_by(golden, &settings, bongsu::parse::local::message_into, year_in_front);
}

#[test]
fn mutated_messages() {
    compare(include_str!("../data/parse/mutated.jsonl"), &ParseSettings::default());
}

/// Compares with one pmrfc3164 parameter on.
fn compare_rfc3164(golden: &str, rfc3164: Rfc3164Settings) {
    compare(golden, &ParseSettings { rfc3164, ..ParseSettings::default() });
}

#[test]
fn permit_square_brackets_in_hostname() {
    let on = Rfc3164Settings { square_brackets_in_hostname: true, ..Default::default() };
    compare_rfc3164(include_str!("../data/parse/brackets.jsonl"), on);
}

#[test]
fn permit_slashes_in_hostname() {
    let on = Rfc3164Settings { slashes_in_hostname: true, ..Default::default() };
    compare_rfc3164(include_str!("../data/parse/slashes.jsonl"), on);
}

#[test]
fn permit_at_signs_in_hostname() {
    let on = Rfc3164Settings { at_signs_in_hostname: true, ..Default::default() };
    compare_rfc3164(include_str!("../data/parse/atsigns.jsonl"), on);
}

#[test]
fn force_tag_ending_by_colon() {
    let on = Rfc3164Settings { tag_ending_by_colon: true, ..Default::default() };
    compare_rfc3164(include_str!("../data/parse/colon.jsonl"), on);
}

#[test]
fn remove_msg_first_space() {
    let on = Rfc3164Settings { remove_msg_first_space: true, ..Default::default() };
    compare_rfc3164(include_str!("../data/parse/firstspace.jsonl"), on);
}

#[test]
fn detect_year_after_timestamp() {
    let on = Rfc3164Settings { year_after_timestamp: true, ..Default::default() };
    compare_rfc3164(include_str!("../data/parse/yearafter.jsonl"), on);
}

#[test]
fn parameters_together() {
    let two = Rfc3164Settings {
        tag_ending_by_colon: true,
        remove_msg_first_space: true,
        ..Default::default()
    };
    compare_rfc3164(include_str!("../data/parse/colon-firstspace.jsonl"), two);
    let all = Rfc3164Settings {
        square_brackets_in_hostname: true,
        slashes_in_hostname: true,
        at_signs_in_hostname: true,
        year_after_timestamp: true,
        ..two
    };
    compare_rfc3164(include_str!("../data/parse/rfc3164-all.jsonl"), all);
}

/// defaultTZ="-03:30"
#[test]
fn default_tz() {
    let settings =
        ParseSettings { default_zone: Some(Offset::east(-210)), ..ParseSettings::default() };
    compare(include_str!("../data/parse/defaulttz.jsonl"), &settings);
}

/// `z` messages (rsyslog's single-message compression), and what only looks like one.
#[test]
fn compressed_messages() {
    compare(include_str!("../data/parse/compressed.jsonl"), &ParseSettings::default());
}

/// Compares with other `global(parser.*)` switches.
fn compare_sanitised(golden: &str, sanitise: SanitiseSettings) {
    compare(golden, &ParseSettings { sanitise, ..ParseSettings::default() });
}

#[test]
fn control_characters_kept() {
    let off = SanitiseSettings { escape_control: false, ..SanitiseSettings::default() };
    compare_sanitised(include_str!("../data/parse/sanitise-noescape.jsonl"), off);
    let eight = SanitiseSettings { escape_8bit: true, ..off };
    compare_sanitised(include_str!("../data/parse/sanitise-noescape8bit.jsonl"), eight);
    let lf = SanitiseSettings { drop_trailing_lf: false, ..off };
    compare_sanitised(include_str!("../data/parse/sanitise-noescapekeeplf.jsonl"), lf);
}

#[test]
fn control_characters_escaped_otherwise() {
    let plain = SanitiseSettings::default();
    let tab = SanitiseSettings { escape_tab: false, ..plain };
    compare_sanitised(include_str!("../data/parse/sanitise-tab.jsonl"), tab);
    let prefix = SanitiseSettings { prefix: b'%', ..plain };
    compare_sanitised(include_str!("../data/parse/sanitise-prefix.jsonl"), prefix);
    let lf = SanitiseSettings { drop_trailing_lf: false, ..plain };
    compare_sanitised(include_str!("../data/parse/sanitise-keeplf.jsonl"), lf);
    let eight = SanitiseSettings { escape_8bit: true, ..plain };
    compare_sanitised(include_str!("../data/parse/sanitise-8bit.jsonl"), eight);
}

#[test]
fn control_characters_in_c_style() {
    let c_style = SanitiseSettings { c_style: true, ..SanitiseSettings::default() };
    compare_sanitised(include_str!("../data/parse/sanitise-cstyle.jsonl"), c_style);
    let eight = SanitiseSettings { escape_8bit: true, ..c_style };
    compare_sanitised(include_str!("../data/parse/sanitise-cstyle8bit.jsonl"), eight);
}

/// maxMessageSize="128"
#[test]
fn escaped_text_is_bounded() {
    let settings = ParseSettings { message_bytes_max: 128, ..ParseSettings::default() };
    compare(include_str!("../data/parse/sanitise-limit128.jsonl"), &settings);
}
