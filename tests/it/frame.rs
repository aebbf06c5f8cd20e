//! Streams and the messages that rsyslogd 8.2302 took from them (`tests/data/frame`, made by
//! sending them to it with `maxMessageSize="128"`).

use std::fmt::Write as _;

use bongsu::parse::ParseSettings;
use bongsu::parse::frame::Decoder;
use bongsu::parse::frame::FrameEvents;
use bongsu::parse::frame::FrameSettings;
use serde_json::Value;

use crate::parse::arrival;
use crate::parse::escape;
use crate::parse::unescape;

/// The inputs that the streams were sent to.
fn settings(input: &str) -> FrameSettings {
    let plain = FrameSettings { message_bytes_max: 128, ..FrameSettings::default() };
    let ptcp = FrameSettings { discard_truncated_octets: true, ..plain.clone() };
    match input {
        "default" => plain,
        "asa" => FrameSettings { cisco_asa: true, ..plain },
        "nolf" => FrameSettings { lf_delimiter: false, extra_delimiter: Some(0), ..plain },
        "extra" => FrameSettings { extra_delimiter: Some(0), ..plain },
        "discard" => FrameSettings { discard_truncated: true, ..plain },
        "frame50" => FrameSettings { frame_bytes_max: 50, ..plain },
        "lines" => FrameSettings { octet_counting: false, ..plain },
        "ptcp" => ptcp,
        "multiline" => FrameSettings { multi_line: true, ..ptcp },
        "regex" => {
            let regex = regex::bytes::Regex::new("^<[0-9]{1,3}>(Jan|Feb)").unwrap();
            FrameSettings { regex: Some(regex), ..ptcp }
        }
        other => panic!("no input {other}"),
    }
}

/// `rawmsg` of every message of a stream: those that its reads gave, and those that its end gave.
fn messages(input: &str, reads: &[Value]) -> [Vec<String>; 2] {
    let settings = settings(input);
    let parse = ParseSettings { message_bytes_max: 128, ..ParseSettings::default() };
    let mut decoder = Decoder::default();
    let mut events = FrameEvents::default();
    let mut data = Vec::new();
    let mut frames = Vec::new();
    let mut from = 0;
    for read in reads {
        data.extend_from_slice(&unescape(read.as_str().unwrap()));
        let received = data.len();
        from = decoder.decode(&settings, &mut data, from, received, &mut frames, &mut events);
    }
    let live = frames.len();
    let received = data.len();
    decoder.finish(&settings, &mut data, from, received, &mut frames, &mut events);
    let mut texts = frames.into_iter().map(|frame| {
        let message = bongsu::parse::message(&mut data, frame, &parse, &arrival());
        escape(message.raw.of(&data))
    });
    [texts.by_ref().take(live).collect(), texts.collect()]
}

/// imptcp forgets what the end of the stream cuts short, and goes on to submit the start of a line
/// that is too long for every byte that follows. Bongsu does neither.
fn departs(input: &str, ours: &[Vec<String>; 2], golden: &[String]) -> bool {
    let ptcp = matches!(input, "ptcp" | "multiline" | "regex");
    let longest = golden.iter().chain(&ours[0]).map(String::len).max().unwrap_or(0);
    ptcp && (ours[0] == golden || longest >= 125)
}

#[test]
fn streams() {
    let mut wrong = String::new();
    let mut exact = 0;
    for line in include_str!("../data/frame/imtcp.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let input = case["set"].as_str().unwrap();
        let ours = messages(input, case["in"].as_array().unwrap());
        let golden: Vec<String> = case["out"]
            .as_array()
            .unwrap()
            .iter()
            .map(|text| escape(&unescape(text.as_str().unwrap())))
            .collect();
        if ours.concat() == golden {
            exact += 1;
        } else if !departs(input, &ours, &golden) {
            writeln!(wrong, "{input} {}\n  {golden:?}\n  {ours:?}", case["in"]).unwrap();
        }
    }
    assert!(wrong.is_empty(), "rsyslogd, bongsu:\n{wrong}");
    assert!(exact > 500, "only {exact} streams were the same");
}
