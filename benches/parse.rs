//! Parsing: sanitising, PRI, header and class of 500 messages, without framing. Throughput in
//! elements is messages; 10 Melem/s is 100 ns a message.

use std::hint::black_box;

use bongsu::base::clock::LocalZone;
use bongsu::base::clock::Wall;
use bongsu::message::Arrival;
use bongsu::message::Message;
use bongsu::parse::ParseSettings;
use bongsu::parse::frame::Decoder;
use bongsu::parse::frame::Frame;
use bongsu::parse::frame::FrameEvents;
use bongsu::parse::frame::FrameSettings;
use criterion::Criterion;
use criterion::Throughput;

use crate::frame::MIXED;

/// 500 short messages, nothing but a header.
fn short() -> Vec<u8> {
    (0..500)
        .flat_map(|n| {
            format!("<{}>Nov 22 11:22:33 h{} t: msg {n:08}\n", n % 192, n % 9).into_bytes()
        })
        .collect()
}

fn parse(criterion: &mut Criterion) {
    let settings = ParseSettings::default();
    let mut zone = LocalZone::of(jiff::tz::TimeZone::fixed(jiff::tz::offset(9)));
    let arrival = Arrival::at(Wall { secs: 1_795_323_600, micros: 0 }, &mut zone);
    let only = |wanted: &dyn Fn(&[u8]) -> bool| -> Vec<u8> {
        let lines = MIXED.split_inclusive(|byte| *byte == b'\n');
        lines.filter(|line| wanted(line)).flatten().copied().collect()
    };
    let is_5424 = |line: &[u8]| line.windows(3).take(6).any(|three| three == b">1 ");
    let mut group = criterion.benchmark_group("parse");
    for (name, stream) in [
        ("mixed", MIXED.to_vec()),
        ("rfc3164", only(&|line| !is_5424(line))),
        ("rfc5424", only(&is_5424)),
        ("short", short()),
    ] {
        let mut data = stream;
        let mut frames: Vec<Frame> = Vec::new();
        let (len, framing) = (data.len(), FrameSettings::default());
        let events = &mut FrameEvents::default();
        Decoder::default().decode(&framing, &mut data, 0, len, &mut frames, events);
        let mut messages: Vec<Message> = Vec::with_capacity(frames.len());
        group.throughput(Throughput::Elements(frames.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                messages.clear();
                for frame in &frames {
                    messages.push(bongsu::parse::message(
                        black_box(&mut data),
                        *frame,
                        &settings,
                        &arrival,
                    ));
                }
                black_box(&messages);
            });
        });
    }
    group.finish();
}

criterion::criterion_group!(benches, parse);
