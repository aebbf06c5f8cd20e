//! Lists of parsers: messages and what rsyslogd 8.2302 made of them, one file for each list
//! (`tests/data/parse`).

use std::sync::Arc;

use bongsu::base::clock::LocalZone;
use bongsu::base::clock::Wall;
use bongsu::base::span::Span;
use bongsu::message::Arrival;
use bongsu::message::Batch;
use bongsu::message::Class;
use bongsu::message::InputInfo;
use bongsu::message::Message;
use bongsu::message::MessageFlags;
use bongsu::message::Offset;
use bongsu::message::Pri;
use bongsu::message::Property;
use bongsu::message::Source;
use bongsu::message::Timestamp;
use bongsu::parse::ParseSettings;
use bongsu::parse::chain::CiscoIosSettings;
use bongsu::parse::chain::NullSettings;
use bongsu::parse::chain::Parser;
use bongsu::parse::chain::ParserChain;
use bongsu::parse::chain::SnareTab;
use bongsu::parse::chain::Zones;
use bongsu::parse::frame::Frame;
use bongsu::parse::rfc3164::Rfc3164Settings;
use bongsu::parse::rfc3164::headerless::HeaderlessSettings;
use bongsu::parse::sanitise::SanitiseSettings;

use crate::parse::arrival;
use crate::parse::compare;

const CISCO: Parser = Parser::CiscoIos(CiscoIosSettings { origin: false, xr: false });

fn rfc3164() -> Parser {
    Parser::Rfc3164(Rfc3164Settings::default())
}

/// The zones that rsyslogd knew.
fn zones() -> Zones {
    let mut zones = Zones::default();
    for (id, minutes) in
        [("CEST", 120), ("EST", -300), ("FIFTEENBYTESYES", 330), ("THISNAMEISTOOLONG", 330)]
    {
        zones.add(id, Offset::east(minutes));
    }
    zones
}

fn settings(parsers: Vec<Parser>) -> ParseSettings {
    let chain = ParserChain { parsers, zones: zones() };
    ParseSettings { chain: Some(Arc::new(chain)), ..ParseSettings::default() }
}

/// Compares with `parsers` and, behind them, the usual two.
fn compare_before_usual(golden: &str, parsers: &[Parser]) {
    compare(golden, &settings([parsers, &[Parser::Rfc5424, rfc3164()]].concat()));
}

#[test]
fn cisco_ios() {
    compare_before_usual(include_str!("../data/parse/ciscoios.jsonl"), &[CISCO]);
    compare(include_str!("../data/parse/ciscoios-alone.jsonl"), &settings(vec![CISCO]));
}

#[test]
fn cisco_ios_with_parameters() {
    let cisco = |origin, xr| Parser::CiscoIos(CiscoIosSettings { origin, xr });
    let origin = settings(vec![cisco(true, false), CISCO, rfc3164()]);
    compare(include_str!("../data/parse/ciscoios-origin.jsonl"), &origin);
    let xr = settings(vec![cisco(false, true), rfc3164()]);
    compare(include_str!("../data/parse/ciscoios-xr.jsonl"), &xr);
    let both = settings(vec![cisco(true, true), rfc3164()]);
    compare(include_str!("../data/parse/ciscoios-origin-xr.jsonl"), &both);
}

/// `defaultTZ` is stronger than a zone that the message names.
#[test]
fn cisco_ios_with_default_tz() {
    let zone = Some(Offset::east(-210));
    let settings = ParseSettings { default_zone: zone, ..settings(vec![CISCO, rfc3164()]) };
    compare(include_str!("../data/parse/ciscoios-defaulttz.jsonl"), &settings);
}

#[test]
fn last_message_repeated() {
    compare_before_usual(include_str!("../data/parse/lastmsg.jsonl"), &[Parser::LastMessage]);
    let behind = settings(vec![CISCO, Parser::LastMessage]);
    compare(include_str!("../data/parse/lastmsg-behind-ciscoios.jsonl"), &behind);
}

#[test]
fn aix_forwarded_from() {
    let golden = include_str!("../data/parse/aixforwardedfrom.jsonl");
    compare_before_usual(golden, &[Parser::AixForwardedFrom]);
}

#[test]
fn snare() {
    let plain = SanitiseSettings::default();
    for (golden, sanitise) in [
        (include_str!("../data/parse/snare.jsonl"), plain),
        (
            include_str!("../data/parse/snare-cstyle.jsonl"),
            SanitiseSettings { c_style: true, ..plain },
        ),
        (
            include_str!("../data/parse/snare-plain.jsonl"),
            SanitiseSettings { escape_control: false, ..plain },
        ),
        (
            include_str!("../data/parse/snare-prefix.jsonl"),
            SanitiseSettings { prefix: b'%', ..plain },
        ),
    ] {
        compare_before_usual(golden, &[Parser::Snare(SnareTab::of(&sanitise))]);
    }
}

#[test]
fn other_orders_of_the_usual_parsers() {
    let alone = settings(vec![Parser::Rfc5424]);
    compare(include_str!("../data/parse/rfc5424-alone.jsonl"), &alone);
    let swapped = settings(vec![rfc3164(), Parser::Rfc5424]);
    compare(include_str!("../data/parse/rfc3164-first.jsonl"), &swapped);
}

#[test]
fn all_that_put_a_text_right() {
    let snare = Parser::Snare(SnareTab::of(&SanitiseSettings::default()));
    compare_before_usual(
        include_str!("../data/parse/all-repairs.jsonl"),
        &[Parser::AixForwardedFrom, snare, Parser::LastMessage, CISCO],
    );
}

/// Reads `text`; gives the batch's bytes and the message.
fn read(text: &[u8], settings: &ParseSettings, arrival: &Arrival) -> (Vec<u8>, Message) {
    let mut data = text.to_vec();
    let frame = Frame { span: Span::new(0, data.len()), truncated: false };
    let message = bongsu::parse::message(&mut data, frame, settings, arrival);
    (data, message)
}

/// As rsyslog's page of pmnull says; Debian does not package it.
#[test]
fn nothing_is_looked_into() {
    let null = NullSettings { tag: b"mytag".as_slice().into(), pri: Pri(25) };
    let settings = settings(vec![Parser::Null(null)]);
    for text in ["<13>Jan  2 03:04:05 host tag: msg", "<999>x", "1 - h a p m - x"] {
        let (data, message) = read(text.as_bytes(), &settings, &arrival());
        assert_eq!(message.pri, Pri(25));
        assert_eq!(message.tag.of(&data), b"mytag");
        assert_eq!(message.msg.of(&data), text.as_bytes());
        let found = MessageFlags(MessageFlags::TIME.0 | MessageFlags::HOSTNAME.0);
        assert!(!message.flags.has(found));
    }
}

/// No parser took it: the text is all there is. rsyslogd says that it discards such messages, and
/// does not.
#[test]
fn what_no_parser_takes_is_kept_whole() {
    let (data, message) = read(b"<13>h t: x", &settings(vec![Parser::Rfc5424]), &arrival());
    assert_eq!((message.msg.of(&data), message.pri), (&b"<13>h t: x"[..], Pri(13)));
    assert!(message.tag.is_empty());
}

/// A time without a year, seen at `now` in UTC: its year.
fn year(text: &str, now: &Timestamp, nearest_year: bool) -> u16 {
    let arrival = Arrival::at(
        Wall { secs: now.unix(), micros: 0 },
        &mut LocalZone::of(jiff::tz::TimeZone::UTC),
    );
    let rfc3164 = Rfc3164Settings { nearest_year, ..Rfc3164Settings::default() };
    let settings = ParseSettings { rfc3164, ..ParseSettings::default() };
    let (_, message) = read(format!("<13>{text} h t: x").as_bytes(), &settings, &arrival);
    assert!(message.flags.has(MessageFlags::TIME), "{text}");
    message.time.year
}

#[test]
fn nearest_year() {
    let new_year = Timestamp { year: 2027, month: 1, day: 1, minute: 5, ..Timestamp::default() };
    let last_day =
        Timestamp { year: 2026, month: 12, day: 31, hour: 23, minute: 55, ..Timestamp::default() };
    let summer = Timestamp { year: 2026, month: 7, day: 2, ..Timestamp::default() };
    for (text, now, nearest, rsyslog) in [
        ("Dec 31 23:59:58", &new_year, 2026, 2027),
        (" Dec 31 23:59:58", &new_year, 2026, 2027),
        ("Dec 31 23:59:58.5:", &new_year, 2026, 2027),
        ("Jan  1 00:00:01", &new_year, 2027, 2027),
        ("Jan  1 00:00:01", &last_day, 2027, 2026),
        ("Dec 31 23:50:00", &last_day, 2026, 2026),
        ("Jan  3 00:00:00", &summer, 2026, 2026),
        ("Dec 28 00:00:00", &summer, 2026, 2026),
        // What is written counts.
        ("Dec 31 2027 23:59:58", &new_year, 2027, 2027),
        ("2020 Dec 31 23:59:58", &new_year, 2020, 2020),
        ("2027-12-31T23:59:58Z", &new_year, 2027, 2027),
        ("0000-12-31T23:59:58Z", &new_year, 0, 0),
    ] {
        assert_eq!(year(text, now, true), nearest, "{text}");
        assert_eq!(year(text, now, false), rsyslog, "{text}");
    }
}

/// As rsyslog 8.2508 documents it; the oracle is older.
#[test]
fn messages_without_a_header() {
    let hostname = Some(b"n/a".as_slice().into());
    let headerless = HeaderlessSettings { hostname, tag: b"hdr".as_slice().into() };
    compare_before_usual(
        include_str!("../data/parse/headerless.jsonl"),
        &[Parser::Headerless(headerless.clone())],
    );
    // Its place in the list: parsers before it take what they know.
    let settings = settings(vec![Parser::LastMessage, Parser::Headerless(headerless), rfc3164()]);
    let (taken, _) = explain("last message repeated 3 times", &settings);
    assert_eq!(taken.class, Class::Raw);
    let (taken, parser) = explain("last message", &settings);
    assert_eq!((taken.class, parser), (Class::Headerless, "rsyslog.rfc3164"));
}

#[test]
fn the_host_of_a_message_without_a_header_is_its_address() {
    let settings = settings(vec![Parser::Headerless(HeaderlessSettings::default()), rfc3164()]);
    for (text, host, tag) in [
        ("this is no syslog", "192.0.2.7", "headerless"),
        ("<13>this is syslog", "this", "is"),
        ("<13>@x is syslog", "sender", "@x"),
    ] {
        let info = InputInfo { name: "imudp".into(), hostname: "relay".into() };
        let mut batch = Batch::new(Arc::new(info));
        let source = Source::new(Some([192, 0, 2, 7].into()), Some("sender"));
        batch.sources.push(Arc::new(source));
        batch.data.extend_from_slice(text.as_bytes());
        let frame = Frame { span: Span::new(0, text.len()), truncated: false };
        let message = bongsu::parse::message(&mut batch.data, frame, &settings, &arrival());
        let view = batch.view(&message);
        assert_eq!(view.hostname(), host.as_bytes(), "{text}");
        assert_eq!(view.property(Property::SyslogTag, &mut Vec::new()), tag.as_bytes(), "{text}");
    }
}

fn explain(text: &str, settings: &ParseSettings) -> (Message, &'static str) {
    let mut data = text.as_bytes().to_vec();
    let frame = Frame { span: Span::new(0, data.len()), truncated: false };
    bongsu::parse::explain(&mut data, frame, settings, &arrival())
}
