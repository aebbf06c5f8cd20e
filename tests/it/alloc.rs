//! Framing, parsing and rendering allocate nothing, checked by counting.

use std::alloc::GlobalAlloc;
use std::alloc::Layout;
use std::alloc::System;
use std::cell::Cell;
use std::sync::Arc;

use bongsu::base::clock::LocalZone;
use bongsu::base::diag::Diagnostics;
use bongsu::base::reporter::Level;
use bongsu::base::reporter::Reporter;
use bongsu::base::span::Span;
use bongsu::config;
use bongsu::config::ast::StmtKind;
use bongsu::message::Batch;
use bongsu::message::InputInfo;
use bongsu::message::Message;
use bongsu::message::Source;
use bongsu::parse::ParseSettings;
use bongsu::parse::chain::CiscoIosSettings;
use bongsu::parse::chain::NullSettings;
use bongsu::parse::chain::Parser;
use bongsu::parse::chain::ParserChain;
use bongsu::parse::chain::SnareTab;
use bongsu::parse::frame::Decoder;
use bongsu::parse::frame::Frame;
use bongsu::parse::frame::FrameEvents;
use bongsu::parse::frame::FrameSettings;
use bongsu::parse::sanitise::SanitiseSettings;
use bongsu::rules::RulesetId;
use bongsu::shard::Origin;
use bongsu::shard::Passed;
use bongsu::shard::Shard;
use bongsu::shard::Tally;
use bongsu::template::Template;

use crate::parse::arrival;

/// The system's allocator, which counts for the thread that asks it to.
struct Counting;

thread_local! {
    static COUNT: Cell<Option<u64>> = const { Cell::new(None) };
}

/// One more, if this thread counts. A thread that is ending has no count any more.
fn note() {
    COUNT.try_with(|count| count.set(count.get().map(|n| n + 1))).unwrap_or_default();
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[expect(unsafe_code, reason = "an allocator can only be wrapped so")]
// SAFETY: everything is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller keeps `alloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: `at` came from `System` with this layout.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note();
        // SAFETY: `at` came from `System` with this layout.
        unsafe { System.realloc(at, layout, size) }
    }
}

/// How often `work` allocates.
pub(crate) fn allocations(work: impl FnOnce()) -> u64 {
    COUNT.set(Some(0));
    work();
    COUNT.take().unwrap()
}

#[test]
fn allocations_are_counted() {
    let mut bytes = Vec::new();
    assert_eq!(allocations(|| bytes.push(1_u8)), 1);
}

/// With the batch's buffers at their size, as they are from the second batch on.
#[test]
fn framing_and_parsing_do_not_allocate() {
    let stream = include_bytes!("../../benches/data/mixed.log");
    // Control characters and absent fields are written behind the received bytes.
    let odd = b"<13>Jan  2 03:04:05 h t: \x01\x02\n<13>1 x\n<13>1 - h  p - -\n12 <13>hello wo";
    let (framing, settings) = (FrameSettings::default(), ParseSettings::default());
    let arrival = arrival();
    let mut data = [&stream[..], odd].concat();
    let received = data.len();
    data.reserve(1024);
    let mut frames: Vec<Frame> = Vec::with_capacity(512);
    let mut messages: Vec<Message> = Vec::with_capacity(512);
    let mut events = FrameEvents::default();
    let mut decoder = Decoder::default();
    let count = allocations(|| {
        decoder.decode(&framing, &mut data, 0, received, &mut frames, &mut events);
        for frame in &frames {
            messages.push(bongsu::parse::message(&mut data, *frame, &settings, &arrival));
        }
    });
    assert_eq!((count, messages.len()), (0, 504));
    assert!(data.len() > received, "something was written behind");
}

/// Nor with a list of parsers, even where they change a text.
#[test]
fn lists_of_parsers_do_not_allocate() {
    let snare = SnareTab::of(&SanitiseSettings::default());
    let parsers = vec![
        Parser::AixForwardedFrom,
        Parser::Snare(snare),
        Parser::LastMessage,
        Parser::CiscoIos(CiscoIosSettings::default()),
        Parser::Null(NullSettings { tag: b"tag".as_slice().into(), ..NullSettings::default() }),
    ];
    let chain = Some(Arc::new(ParserChain { parsers, ..ParserChain::default() }));
    let settings = ParseSettings { chain, ..ParseSettings::default() };
    let arrival = arrival();
    for text in [
        "<13>Nov 22 11:22:33 Message forwarded from host: tag[12]: text",
        "<13>winhost\tMSWinEventLog\t1\tSecurity\t55\tSun",
        "<13>last message repeated 3 times",
        "<187>42: Nov 22 2025 11:22:33.123 CEST: %SYS-5-CONFIG_I: Configured",
        "<13>nothing of these",
    ] {
        let mut data = text.as_bytes().to_vec();
        data.reserve(1024);
        let frame = Frame { span: Span::new(0, text.len()), truncated: false };
        let count = allocations(|| {
            bongsu::parse::message(&mut data, frame, &settings, &arrival);
        });
        assert_eq!(count, 0, "{text}");
    }
}

/// An object of properties, with values that are copied, made, formatted and escaped.
const OBJECT: &str = r#"template(name="object" type="list") {
    constant(value="{")
    property(name="timegenerated" dateFormat="rfc3339" format="jsonf")
    constant(value=", ")
    property(name="programname" format="jsonf" caseConversion="upper")
    property(name="syslogtag" format="jsonf" dataType="auto")
    property(name="pri-text" format="jsonf")
    property(name="syslogfacility" format="jsonf" onEmpty="skip")
    property(name="rawmsg" format="json-strict" controlCharacters="escape")
    property(name="msg" format="jsonf")
    constant(value="}\n")
}"#;

/// With the output's buffer at its size, and a template that has been used before.
#[test]
fn rendering_does_not_allocate() {
    let input = InputInfo { name: "imtcp".into(), hostname: Arc::from("relay") };
    let mut batch = Batch::new(Arc::new(input));
    batch.arrival = arrival();
    batch.sources.push(Arc::new(Source::new(Some([127, 0, 0, 1].into()), None)));
    batch.data = include_bytes!("../../benches/data/mixed.log").to_vec();
    let (mut frames, len) = (Vec::new(), batch.data.len());
    let (framing, settings) = (FrameSettings::default(), ParseSettings::default());
    let events = &mut FrameEvents::default();
    Decoder::default().decode(&framing, &mut batch.data, 0, len, &mut frames, events);
    for frame in frames {
        let arrival = batch.arrival;
        let message = bongsu::parse::message(&mut batch.data, frame, &settings, &arrival);
        batch.messages.push(message);
    }
    let config = config::parse_sealed("t.conf", OBJECT.as_bytes());
    let Some(StmtKind::Object(object)) = config.statements.first().map(|first| &first.kind) else {
        panic!("one object");
    };
    let object = Template::compile(object, &mut Diagnostics::default()).unwrap();
    let names = Template::builtin_names();
    let mut out = Vec::new();
    for template in names.filter_map(Template::builtin).chain([object]) {
        let mut render = || {
            out.clear();
            for message in &batch.messages {
                template.render(batch.view(message), &mut out);
            }
            out.len()
        };
        let size = render();
        let count = allocations(|| assert_eq!(render(), size));
        assert_eq!((count, size > 1_000), (0, true), "{}", template.name);
    }
}

/// What tells inputs apart, and counts nothing here.
#[derive(Debug)]
struct Uncounted;

impl Tally for Uncounted {
    fn passed(&self, _: Passed) {}

    fn summed_up(&self, messages: u64) {
        assert_eq!(messages, 0);
    }
}

impl Reporter for Uncounted {
    fn say(&self, _: Level, text: String) {
        panic!("{text}");
    }
}

/// `$RepeatedMsgReduction`, where nothing repeats: the latest message is kept in the buffers of
/// the one before.
#[test]
fn looking_for_repeats_does_not_allocate() {
    let input = InputInfo { name: "imtcp".into(), hostname: Arc::from("relay") };
    let input = Arc::new(input);
    let zone = LocalZone::system();
    let shard = Shard::new(0, Arc::default(), Vec::new(), input.clone(), zone, Arc::new(Uncounted));
    let mut batch = Batch::new(input);
    let source = Arc::new(Source::new(Some([127, 0, 0, 1].into()), None));
    let lines = ["<13>Oct 11 22:14:15 host tag: one", "<13>Oct 11 22:14:15 host tag: two"];
    let (settings, input) = (ParseSettings::default(), Arc::new(Uncounted));
    let mut read = |n: usize| {
        batch.clear();
        batch.arrival = arrival();
        batch.sources.push(source.clone());
        for line in lines.iter().cycle().take(n) {
            let start = batch.data.len();
            batch.data.extend_from_slice(line.as_bytes());
            let span = Span::new(start, batch.data.len());
            let frame = Frame { span, truncated: false };
            let arrival = batch.arrival;
            let message = bongsu::parse::message(&mut batch.data, frame, &settings, &arrival);
            batch.messages.push(message);
        }
        shard.sum_up(&Origin { input: &input, part: 0, ruleset: RulesetId(0) }, &mut batch);
        assert_eq!(batch.len(), n);
    };
    (0..2).for_each(|_| read(100));
    assert_eq!(allocations(|| (0..9).for_each(|n| read(100 - 2 * n))), 0);
}
