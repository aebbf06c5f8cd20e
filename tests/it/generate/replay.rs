//! Generated cases that were recorded: one line of `tests/data/generate/cases.jsonl` is a template,
//! a stream of messages, and what rsyslogd wrote.

use std::sync::Arc;

use bongsu::base::clock::LocalZone;
use bongsu::base::clock::Wall;
use bongsu::base::diag::Diagnostics;
use bongsu::base::diag::Severity;
use bongsu::config;
use bongsu::config::ast::ObjectKind;
use bongsu::config::ast::StmtKind;
use bongsu::engine;
use bongsu::message::Arrival;
use bongsu::message::Batch;
use bongsu::message::InputInfo;
use bongsu::message::Source;
use bongsu::parse::ParseSettings;
use bongsu::parse::frame::Decoder;
use bongsu::parse::frame::FrameEvents;
use bongsu::parse::frame::FrameSettings;
use bongsu::template::Template;
use fastrand::Rng;
use serde_json::Value;
use serde_json::json;

use crate::generate::bench::Setup;
use crate::generate::known;
use crate::generate::message::Kind;
use crate::oracle::text;
use crate::support::source;

/// Where the recorded cases are.
const FILE: &str = "tests/data/generate/cases.jsonl";
/// Templates that are recorded, and the messages that each of them gets.
const TEMPLATES: u64 = 170;
const MESSAGES: usize = 6;

/// Records anew: every template is one run of rsyslogd.
pub(crate) fn record(rsyslogd: &str) {
    let mut lines = String::new();
    let mut seed = 1_000_000;
    for _ in 0..TEMPLATES {
        let (setup, outputs, at) = loop {
            seed += 1;
            let mut setup = Setup::random(1, 4 * MESSAGES, &mut Rng::with_seed(seed));
            // What rules and other inputs do is for the live run as well.
            if matches!(setup.templates[0].kind, Kind::Json | Kind::Datagram) {
                continue;
            }
            // What may swallow the next message, or is long, is for the live run.
            setup.messages.retain(|(_, sent)| {
                let digit = sent.message.first().is_some_and(u8::is_ascii_digit);
                !digit && !sent.message.contains(&b'\n') && sent.message.len() < 300
            });
            setup.messages.truncate(MESSAGES);
            if setup.messages.len() == MESSAGES {
                let [first, second] = setup.run_both([rsyslogd, rsyslogd]).unwrap();
                assert_eq!(first, second, "two runs of rsyslogd differ");
                break (setup, first, jiff::Timestamp::now().as_second());
            }
        };
        let stream = setup.stream(setup.templates[0].kind);
        let case = json!({
            "at": at,
            "conf": setup.definitions(),
            "in": text::encode_stream(&stream),
            "out": text::encode_stream(&outputs[0]),
        });
        lines.push_str(&format!("{case}\n"));
    }
    std::fs::write(source::root().join(FILE), lines).unwrap();
}

/// What the library makes of a case, without sockets and files.
fn ours(case: &Value) -> Vec<u8> {
    let mut config = config::parse_sealed("case", case["conf"].as_str().unwrap().as_bytes());
    let options =
        engine::Options { hostname: "relay".to_owned(), no_dns: false, ipv4: false, ipv6: false };
    let plan = engine::compile(&mut config, &options);
    let templates = config.statements.iter().filter_map(|stmt| match &stmt.kind {
        StmtKind::Object(object) if object.kind == ObjectKind::Template => Some(object),
        _ => None,
    });
    let mut diags = Diagnostics::default();
    let template = templates.map(|object| Template::compile(object, &mut diags)).next();
    let parse =
        ParseSettings { message_bytes_max: plan.globals.message_bytes_max, ..plan.globals.parse };
    let mut batch = batch(case, &parse);
    let mut out = Vec::new();
    // As in rsyslog, a template with a mistake may render what stands before it.
    let Some(Some(template)) = template else { return out };
    for message in std::mem::take(&mut batch.messages) {
        template.render(batch.view(&message), &mut out);
    }
    out
}

fn batch(case: &Value, settings: &ParseSettings) -> Batch {
    let input = InputInfo { name: "imtcp".into(), hostname: Arc::from("relay") };
    let mut batch = Batch::new(Arc::new(input));
    let secs = case["at"].as_i64().unwrap();
    let mut zone = LocalZone::of(jiff::tz::TimeZone::UTC);
    batch.arrival = Arrival::at(Wall { secs, micros: 0 }, &mut zone);
    let from = std::net::Ipv4Addr::LOCALHOST.into();
    batch.sources.push(Arc::new(Source::new(Some(from), Some("localhost"))));
    batch.data = text::decode_stream(case["in"].as_str().unwrap());
    let (mut decoder, mut events) = (Decoder::default(), FrameEvents::default());
    let message_bytes_max = settings.message_bytes_max;
    let (frames, framing) =
        (&mut Vec::new(), FrameSettings { message_bytes_max, ..FrameSettings::default() });
    let end = batch.data.len();
    let from = decoder.decode(&framing, &mut batch.data, 0, end, frames, &mut events);
    let end = batch.data.len();
    decoder.finish(&framing, &mut batch.data, from, end, frames, &mut events);
    for frame in frames {
        let arrival = batch.arrival;
        let message = bongsu::parse::message(&mut batch.data, *frame, settings, &arrival);
        batch.messages.push(message);
    }
    batch
}

fn cases() -> Vec<Value> {
    let file = std::fs::read_to_string(source::root().join(FILE)).unwrap();
    file.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn generated_cases_are_as_recorded() {
    let (mut messages, mut wrong) = (0, Vec::new());
    for (number, case) in cases().iter().enumerate() {
        let ours = text::encode_stream(&ours(case));
        messages += MESSAGES;
        if Some(&*ours) != case["out"].as_str() {
            wrong.push(format!("line {}: {case}\nbongsu: {ours}", number + 1));
        }
    }
    assert!(messages >= 1000, "only {messages} messages");
    assert!(wrong.is_empty(), "{} templates differ\n{}", wrong.len(), wrong.join("\n"));
}

/// Every property, date format and switch that the generator knows is in a recorded case.
#[test]
fn generated_cases_cover_what_is_generated() {
    let all: String = cases().iter().map(|case| case["conf"].as_str().unwrap()).collect();
    let all = all.to_lowercase();
    let words = known::PROPERTIES.iter().chain(known::DATES).chain(known::SWITCHES);
    let missing: Vec<_> = words.filter(|word| !all.contains(&word.to_lowercase())).collect();
    assert!(missing.is_empty(), "no recorded case has {missing:?}");
    for case in cases() {
        let config = config::parse_sealed("case", case["conf"].as_str().unwrap().as_bytes());
        let errors = config.diagnostics.all.iter().filter(|d| d.severity == Severity::Error);
        assert_eq!(errors.count(), 0, "{case}");
    }
}
