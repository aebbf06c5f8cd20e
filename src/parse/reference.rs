//! Reading a message by the grammars alone: the slow twin of [`crate::parse::message`], and what
//! the fuzz targets call.

use std::sync::Arc;

use nom::IResult;
use nom::Parser;
use nom::bytes::complete::tag;
use nom::character::complete::digit0;
use nom::combinator::map_opt;
use nom::sequence::delimited;

use crate::base::clock::Wall;
use crate::base::num::count;
use crate::base::span::Span;
use crate::message::Arrival;
use crate::message::Class;
use crate::message::Message;
use crate::message::MessageFlags;
use crate::message::Offset;
use crate::message::Pri;
use crate::message::Timestamp;
use crate::parse::ParseSettings;
use crate::parse::cee;
use crate::parse::chain;
use crate::parse::chain::ParserChain;
use crate::parse::frame::Decoder;
use crate::parse::frame::Frame;
use crate::parse::frame::FrameEvents;
use crate::parse::frame::FrameSettings;
use crate::parse::frame::naive::Naive;
use crate::parse::rfc3164;
use crate::parse::rfc5424;
use crate::parse::timestamp::Assumed;
use crate::parse::timestamp::Stamp;

/// A message whose fields are texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    pub raw: Vec<u8>,
    pub pri: u8,
    pub class: Class,
    pub time: Option<Timestamp>,
    pub hostname: Option<Vec<u8>>,
    pub tag: Vec<u8>,
    /// APP-NAME, PROCID, MSGID, STRUCTURED-DATA.
    pub protocol_1: Option<[Vec<u8>; 4]>,
    pub msg: Vec<u8>,
}

impl Reading {
    /// What the spans of `message` name.
    #[must_use]
    pub fn of(message: &Message, data: &[u8]) -> Self {
        let flags = message.flags;
        let text = |span: Span| span.of(data).to_vec();
        Self {
            raw: text(message.raw),
            pri: message.pri.0,
            class: message.class,
            time: flags.has(MessageFlags::TIME).then_some(message.time),
            hostname: flags.has(MessageFlags::HOSTNAME).then(|| text(message.hostname)),
            tag: text(message.tag),
            protocol_1: flags.has(MessageFlags::PROTOCOL_1).then(|| {
                [message.app_name, message.procid, message.msgid, message.structured_data].map(text)
            }),
            msg: text(message.msg),
        }
    }

    /// Reads `raw`, a message that needs no sanitising.
    #[must_use]
    pub fn by_grammar(raw: &[u8], settings: &ParseSettings, arrival: &Arrival) -> Self {
        let mut reading = Self { raw: raw.to_vec(), pri: Pri::DEFAULT.0, ..Self::default() };
        let mut text = raw;
        if raw.starts_with(b"<") {
            let Ok((rest, pri)) = pri(raw) else {
                return Self { pri: Pri::INVALID.0, msg: raw.to_vec(), ..reading };
            };
            reading.pri = pri;
            text = rest;
        }
        if text.starts_with(b"1 ") {
            reading.rfc5424(text);
        } else {
            reading.rfc3164(text, settings, arrival);
        }
        if cee::has_cookie(&reading.msg) {
            reading.class = Class::Cee;
        }
        reading
    }

    fn rfc5424(&mut self, text: &[u8]) {
        let or_dash = |field: &[u8]| if field.is_empty() { b"-".to_vec() } else { field.to_vec() };
        if let Ok((_, fields)) = rfc5424::grammar::message(text) {
            self.class = Class::Rfc5424;
            self.time = fields.stamp.map(|stamp| stamp.time);
            self.hostname = Some(fields.hostname.to_vec());
            let structured_data = fields.structured_data.unwrap_or(fields.msgid).to_vec();
            let (procid, msgid) = (fields.procid.to_vec(), fields.msgid.to_vec());
            self.protocol_1 = Some([or_dash(fields.app_name), procid, msgid, structured_data]);
            self.msg = fields.msg.to_vec();
        } else {
            let dash = || b"-".to_vec();
            self.protocol_1 = Some([Vec::new(), dash(), dash(), dash()]);
            self.msg = text[2..].to_vec();
        }
    }

    fn rfc3164(&mut self, text: &[u8], settings: &ParseSettings, arrival: &Arrival) {
        let assumed = Assumed {
            year: arrival.local.year,
            offset: settings.default_zone.unwrap_or(arrival.local.offset),
            year_after: settings.rfc3164.year_after_timestamp,
        };
        let in_header = settings.hostname_in_header;
        let fields = rfc3164::grammar::message(text, &settings.rfc3164, assumed, in_header);
        let Ok((_, rfc3164::grammar::Fields::Header { stamp, hostname, tag, msg })) = fields else {
            self.class = Class::Json;
            let drops = settings.rfc3164.remove_msg_first_space;
            self.msg = text.strip_prefix(b" ").filter(|_| drops).unwrap_or(text).to_vec();
            return;
        };
        self.time = stamp.map(|(_, stamp): (usize, Stamp)| stamp.time);
        self.hostname = hostname.map(<[u8]>::to_vec);
        self.msg = if tag.is_some() {
            msg.to_vec()
        } else {
            let at = self.raw.len() - msg.len();
            let text = &self.raw[at.saturating_sub(1)..];
            let drops = settings.rfc3164.remove_msg_first_space && at > 0;
            text.strip_prefix(b" ").filter(|_| drops).unwrap_or(text).to_vec()
        };
        if self.time.is_some() || tag.is_some_and(|tag| !tag.is_empty()) {
            self.class = Class::Rfc3164;
        }
        self.tag = tag.map_or_else(|| b"-".to_vec(), <[u8]>::to_vec);
    }
}

/// `<` digits `>`, up to 191.
fn pri(text: &[u8]) -> IResult<&[u8], u8> {
    let value = map_opt(digit0, |digits: &[u8]| {
        let value = digits.iter().fold(0_u32, |value, digit| {
            value.saturating_mul(10).saturating_add(u32::from(digit - b'0'))
        });
        u8::try_from(value).ok().filter(|value| *value < 192)
    });
    delimited(tag("<"), value, tag(">")).parse(text)
}

/// A moment in Seoul.
#[must_use]
pub fn some_arrival() -> Arrival {
    let wall = Wall { secs: 1_795_323_600, micros: 123_456 };
    let local = Timestamp { offset: Offset::east(540), ..Timestamp::civil(wall.secs + 32_400) };
    Arrival { wall, local }
}

/// Reads `text` both ways; they have to agree.
///
/// # Panics
/// If they do not.
pub fn compare(text: &[u8], settings: &ParseSettings) {
    let arrival = some_arrival();
    let mut data = text.to_vec();
    let frame = Frame { span: Span::new(0, text.len()), truncated: false };
    let message = crate::parse::message(&mut data, frame, settings, &arrival);
    let fast = Reading::of(&message, &data);
    // Sanitising has a test of its own.
    assert_eq!(fast, Reading::by_grammar(&fast.raw, settings, &arrival));
    // The same two parsers as a list, which has a path of its own.
    let parsers = vec![chain::Parser::Rfc5424, chain::Parser::Rfc3164(settings.rfc3164)];
    let listed = Some(Arc::new(ParserChain { parsers, ..ParserChain::default() }));
    let settings = ParseSettings { chain: listed, ..settings.clone() };
    let mut data = text.to_vec();
    let listed = crate::parse::message(&mut data, frame, &settings, &arrival);
    assert_eq!(fast, Reading::of(&listed, &data));
    assert_eq!(message.flags, listed.flags);
    if message.flags.has(MessageFlags::TIME_CANONICAL) {
        assert!(fast.time.is_some() && !message.time_text.is_empty());
    }
}

/// Settings from the bits of one byte.
fn settings(bits: u8) -> ParseSettings {
    let mut settings = ParseSettings { compression: false, ..ParseSettings::default() };
    let on = |bit: u8| bits >> bit & 1 == 1;
    settings.hostname_in_header = !on(0);
    settings.default_zone = on(1).then_some(Offset::Z);
    settings.rfc3164.square_brackets_in_hostname = on(2);
    settings.rfc3164.slashes_in_hostname = on(3);
    settings.rfc3164.at_signs_in_hostname = on(4);
    settings.rfc3164.tag_ending_by_colon = on(5);
    settings.rfc3164.remove_msg_first_space = on(6);
    settings.rfc3164.year_after_timestamp = on(7);
    settings
}

/// Fuzz target: the first byte chooses the settings, the rest is a message.
pub fn fuzz_rfc3164(input: &[u8]) {
    if let [bits, text @ ..] = input {
        compare(text, &settings(*bits));
    }
}

/// Fuzz target: the text of an RFC 5424 message behind its version.
pub fn fuzz_rfc5424(input: &[u8]) {
    compare(&[b"<13>1 ", input].concat(), &ParseSettings::default());
}

/// Fuzz target: four bytes of settings, then a stream; the third byte is how long its reads are.
///
/// # Panics
/// If the decoder and its slow twin do not agree.
pub fn fuzz_frame(input: &[u8]) {
    let [bits, max, read, frame_max, stream @ ..] = input else { return };
    let on = |bit: u8| bits >> bit & 1 == 1;
    let settings = FrameSettings {
        octet_counting: !on(0),
        lf_delimiter: !on(1),
        extra_delimiter: on(2).then_some(0),
        message_bytes_max: usize::from(*max) + 1,
        frame_bytes_max: usize::from(*frame_max) + 1,
        discard_truncated: on(3),
        discard_truncated_octets: on(4),
        cisco_asa: on(5),
        multi_line: on(6),
        regex: None,
        strict: on(7),
    };
    let (mut fast, mut slow) = (Decoder::default(), Naive::default());
    let mut events = FrameEvents::default();
    let (mut data, mut frames, mut from) = (Vec::new(), Vec::new(), 0);
    for read in stream.chunks(usize::from(*read) + 1) {
        data.extend_from_slice(read);
        let received = data.len();
        from = fast.decode(&settings, &mut data, from, received, &mut frames, &mut events);
        assert!(count(received - from) <= count(settings.tail_max()));
        slow.decode(&settings, read);
    }
    let received = data.len();
    fast.finish(&settings, &mut data, from, received, &mut frames, &mut events);
    slow.finish(&settings);
    let texts: Vec<_> =
        frames.iter().map(|f: &Frame| (f.span.of(&data).to_vec(), f.truncated)).collect();
    assert_eq!((texts, events), (slow.messages, slow.events));
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Texts that are nearly messages.
    fn near_message() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop::sample::select(vec![
            &b"<13>"[..],
            b"<191>",
            b"<0013>",
            b"<",
            b">",
            b"1 ",
            b"- ",
            b" ",
            b"  ",
            b":",
            b"[",
            b"]",
            b"\\]",
            b"\"",
            b"Jan  2 03:04:05",
            b"Nov 22 2026 11:22:33",
            b"2026 Dec 31 23:59:60",
            b"jul 1 1:2:3.5",
            b" 2025 ",
            b"2026-11-22T11:22:33.123456+09:00 ",
            b"2026-11-22T11:22:33Z ",
            b"2026-1-2T3:4:5-00:00 ",
            b"2026-11-22T11:22:33.1234567890Z",
            b"host",
            b"web-01.example ",
            b"h_",
            b"/",
            b"@",
            b"tag:",
            b"app[12]: ",
            b"@cee: {",
            b"{",
            b"[a b=\"c\"]",
            b"[a] x",
            "\u{d55c}\u{ae00}".as_bytes(),
            b"-",
            b"99",
            b"0",
            b".",
            b"x",
            b"\xff",
            b"\t",
        ]);
        let noise = vec(any::<u8>(), 0..4);
        vec(prop_oneof![9 => piece.prop_map(<[u8]>::to_vec), 1 => noise], 0..9)
            .prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn by_hand_as_by_grammar(bits in any::<u8>(), text in near_message()) {
            fuzz_rfc3164(&[vec![bits], text.clone()].concat());
            fuzz_rfc5424(&text);
        }

        #[test]
        fn frames_byte_by_byte(input in vec(any::<u8>(), 0..64)) {
            fuzz_frame(&input);
        }
    }

    /// What fuzzing found worth keeping runs with the other tests.
    #[test]
    fn fuzz_corpus() {
        let replay = |name: &str, target: fn(&[u8])| {
            let folder = format!("{}/fuzz/corpus/{name}", env!("CARGO_MANIFEST_DIR"));
            let mut inputs = 0;
            for file in std::fs::read_dir(folder).unwrap() {
                target(&std::fs::read(file.unwrap().path()).unwrap());
                inputs += 1;
            }
            assert!(inputs > 0, "{name} has no corpus");
        };
        replay("frame", fuzz_frame);
        replay("rfc3164", fuzz_rfc3164);
        replay("rfc5424", fuzz_rfc5424);
    }
}
