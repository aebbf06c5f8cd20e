//! A shard's whole work on one read, without sockets: frame, parse, decide, render, queue.

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::Arc;

use bongsu::base::clock::LocalZone;
use bongsu::base::diag::Diagnostics;
use bongsu::base::diag::Loc;
use bongsu::base::reporter::Level;
use bongsu::base::reporter::Reporter;
use bongsu::config::ast::Object;
use bongsu::message::Batch;
use bongsu::message::InputInfo;
use bongsu::message::Message;
use bongsu::message::PriMask;
use bongsu::parse;
use bongsu::parse::ParseSettings;
use bongsu::parse::frame::Decoder;
use bongsu::parse::frame::FrameEvents;
use bongsu::parse::frame::FrameSettings;
use bongsu::queue;
use bongsu::queue::FrameStyle;
use bongsu::queue::Framing;
use bongsu::rules;
use bongsu::rules::ActionId;
use bongsu::rules::Programs;
use bongsu::rules::Resolver;
use bongsu::rules::RulesetId;
use bongsu::shard::Outlet;
use bongsu::shard::Shard;
use bongsu::shard::Stuck;
use bongsu::template::Template;
use criterion::Criterion;
use criterion::Throughput;

use crate::frame::MIXED;

/// Nothing is said here.
#[derive(Debug)]
struct Silent;

impl Reporter for Silent {
    fn say(&self, _: Level, _: String) {}
}

const READ_BYTES: usize = 256 << 10;
const SLICE_BYTES: usize = 32 << 10;

/// One read's worth of lines.
fn read() -> Vec<u8> {
    let mut read = Vec::with_capacity(READ_BYTES);
    for line in MIXED.split_inclusive(|byte| *byte == b'\n').cycle() {
        if read.len() + line.len() > READ_BYTES {
            break;
        }
        read.extend_from_slice(line);
    }
    read
}

/// The one action, whatever it is.
struct OneAction;

impl Resolver for OneAction {
    fn action(&mut self, _: &Object, _: &mut Diagnostics) -> Option<ActionId> {
        Some(ActionId(0))
    }

    fn ruleset(&self, _: &str) -> Option<(RulesetId, bool)> {
        None
    }

    fn ruleset_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn selector(&self, _: &str, _: Loc, _: &mut Diagnostics) -> Option<PriMask> {
        None
    }
}

fn program() -> Programs {
    let text = b"if $fromhost-ip == '127.0.0.1' then { action(type=\"omfwd\") }";
    let config = bongsu::config::parse_text("bench", text);
    let mut diags = Diagnostics::default();
    let program = rules::compile(&config.statements, &mut OneAction, &mut diags);
    let programs = Programs::link(vec![program], &mut diags);
    assert!(!diags.has_errors(), "{diags:?}");
    programs
}

pub(crate) fn bench(c: &mut Criterion) {
    let read = read();
    let info = Arc::new(InputInfo { name: "imtcp".into(), hostname: "relay".into() });
    let programs = Arc::new(program());
    let (sender, receiver) = queue::bounded(64 << 20);
    let template = Template::builtin("RSYSLOG_SyslogProtocol23Format").map(Arc::new);
    let framing = Framing { style: FrameStyle::Delimiter(b'\n'), max_bytes: usize::MAX };
    let outlet = Outlet::new(sender, template, None, framing, Arc::default());
    let shard =
        Shard::new(0, programs, vec![outlet], info.clone(), LocalZone::system(), Arc::new(Silent));
    let entry = shard.learn([127, 0, 0, 1].into(), None);
    let route = shard.route(RulesetId(0), &entry, &info);
    let (framing, parsing) = (FrameSettings::default(), ParseSettings::default());
    let (mut frames, mut events) = (Vec::new(), FrameEvents::default());
    let mut stuck = Stuck::new();
    let mut taken = VecDeque::new();
    let mut batch = Batch::new(info);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
    let mut group = c.benchmark_group("shard");
    let messages = memchr::memchr_iter(b'\n', &read).count() as u64;
    group.throughput(Throughput::Elements(messages));
    group.bench_function("mixed", |b| {
        b.iter(|| {
            batch.clear();
            batch.data.extend_from_slice(black_box(&read));
            batch.arrival = shard.arrival();
            batch.sources.push(entry.source.clone());
            let (received, mut used, mut end) = (batch.data.len(), 0, 0);
            let mut decoder = Decoder::default();
            while end < received {
                end = received.min(end + SLICE_BYTES);
                frames.clear();
                let data = &mut batch.data;
                used = decoder.decode(&framing, data, used, end, &mut frames, &mut events);
                batch.messages.clear();
                for frame in &frames {
                    let Batch { data, messages, arrival, .. } = &mut batch;
                    let message = messages.push_mut(Message::default());
                    parse::message_into(data, *frame, &parsing, arrival, message);
                }
                shard.run(&mut batch, &route);
            }
            shard.flush(&batch.ack, &mut stuck);
            runtime.block_on(receiver.take(&mut taken));
            taken.drain(..).for_each(|chunk| receiver.done(chunk));
        });
    });
    group.finish();
}
