//! Parsing: sanitising, PRI, header and class of 500 messages, without framing.

use std::hint::black_box;
use std::sync::Arc;

use bongsu::base::clock::LocalZone;
use bongsu::base::clock::Wall;
use bongsu::message::Arrival;
use bongsu::message::Message;
use bongsu::parse::ParseSettings;
use bongsu::parse::chain::Parser;
use bongsu::parse::chain::ParserChain;
use bongsu::parse::frame::Decoder;
use bongsu::parse::frame::Frame;
use bongsu::parse::frame::FrameEvents;
use bongsu::parse::frame::FrameSettings;

use crate::cases::Case;
use crate::frame::MIXED;

/// 500 short messages, nothing but a header.
fn short() -> Vec<u8> {
    (0..500)
        .flat_map(|n| {
            format!("<{}>Nov 22 11:22:33 h{} t: msg {n:08}\n", n % 192, n % 9).into_bytes()
        })
        .collect()
}

/// What an input without a `ruleset()` has, or one whose ruleset names the usual two parsers.
fn usual() -> ParseSettings {
    ParseSettings::default()
}

/// Four parsers, of which the last two are the usual ones.
fn chained() -> ParseSettings {
    let rfc3164 = Parser::Rfc3164(usual().rfc3164);
    let parsers = vec![Parser::AixForwardedFrom, Parser::LastMessage, Parser::Rfc5424, rfc3164];
    let chain = ParserChain { parsers, ..ParserChain::default() };
    ParseSettings { chain: Some(Arc::new(chain)), ..usual() }
}

/// Times without a year are looked at against the time of arrival.
fn nearest_year() -> ParseSettings {
    let mut settings = usual();
    settings.rfc3164.nearest_year = true;
    settings
}

pub(crate) fn arrival() -> Arrival {
    let mut zone = LocalZone::of(jiff::tz::TimeZone::fixed(jiff::tz::offset(9)));
    Arrival::at(Wall { secs: 1_795_323_600, micros: 123_456 }, &mut zone)
}

/// The frames of a stream of lines.
pub(crate) fn frames(data: &mut [u8]) -> Vec<Frame> {
    let (mut frames, events) = (Vec::new(), &mut FrameEvents::default());
    let (len, framing) = (data.len(), FrameSettings::default());
    Decoder::default().decode(&framing, data, 0, len, &mut frames, events);
    frames
}

pub(crate) fn cases() -> Vec<Case> {
    let only = |wanted: &dyn Fn(&[u8]) -> bool| -> Vec<u8> {
        let lines = MIXED.split_inclusive(|byte| *byte == b'\n');
        lines.filter(|line| wanted(line)).flatten().copied().collect()
    };
    let is_5424 = |line: &[u8]| line.windows(3).take(6).any(|three| three == b">1 ");
    let rfc3164 = only(&|line| !is_5424(line));
    [
        ("mixed", MIXED.to_vec(), usual()),
        ("rfc3164", rfc3164.clone(), usual()),
        ("rfc5424", only(&is_5424), usual()),
        ("short", short(), usual()),
        ("mixed/chain-of-4", MIXED.to_vec(), chained()),
        ("rfc3164/nearest-year", rfc3164, nearest_year()),
    ]
    .into_iter()
    .map(|(name, data, settings)| case(name, data, settings))
    .collect()
}

fn case(name: &str, mut data: Vec<u8>, settings: ParseSettings) -> Case {
    let (arrival, frames) = (arrival(), frames(&mut data));
    let received = data.len();
    let mut messages: Vec<Message> = Vec::with_capacity(frames.len());
    Case::new(name, frames.len(), move || {
        messages.clear();
        data.truncate(received);
        for frame in &frames {
            let data = black_box(&mut data);
            messages.push(bongsu::parse::message(data, *frame, &settings, &arrival));
        }
        black_box(&messages);
    })
}
