//! Framing: 500 mixed messages (`data/mixed.log`: RFC 3164, RFC 5424 and CEE, 226 bytes on
//! average) as lines and octet-counted. Time is for all 500.

use std::hint::black_box;

use bongsu::parse::frame::Decoder;
use bongsu::parse::frame::FrameEvents;
use bongsu::parse::frame::FrameSettings;
use criterion::Criterion;
use criterion::Throughput;

pub(crate) const MIXED: &[u8] = include_bytes!("data/mixed.log");

/// The same with octet counts.
fn octet_counted() -> Vec<u8> {
    let mut stream = Vec::new();
    for line in MIXED.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        stream.extend_from_slice(format!("{} ", line.len()).as_bytes());
        stream.extend_from_slice(line);
    }
    stream
}

pub(crate) fn frame(criterion: &mut Criterion) {
    let settings = FrameSettings::default();
    let mut group = criterion.benchmark_group("frame");
    for (name, stream) in [("lines", MIXED.to_vec()), ("octets", octet_counted())] {
        let mut data = stream;
        let mut frames = Vec::with_capacity(512);
        let mut events = FrameEvents::default();
        group.throughput(Throughput::Elements(500));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                frames.clear();
                let mut decoder = Decoder::default();
                let len = data.len();
                decoder.decode(&settings, black_box(&mut data), 0, len, &mut frames, &mut events);
                assert_eq!(frames.len(), 500);
            });
        });
    }
    group.finish();
}
