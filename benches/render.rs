//! Rendering alone: built-in formats and what real configs ask for, on one 3164 and one 5424
//! message, and on 500 mixed ones as they were parsed. `copy` is what the bytes of the message
//! alone cost: the budgets are beyond it.

use std::hint::black_box;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::sync::Arc;

use bongsu::base::diag::Diagnostics;
use bongsu::base::span::Span;
use bongsu::config;
use bongsu::config::ast::StmtKind;
use bongsu::message::Batch;
use bongsu::message::InputInfo;
use bongsu::message::Message;
use bongsu::message::MessageFlags;
use bongsu::message::Offset;
use bongsu::message::Pri;
use bongsu::message::Source;
use bongsu::message::Timestamp;
use bongsu::message::View;
use bongsu::parse::ParseSettings;
use bongsu::template::Template;

use crate::cases::Case;
use crate::frame::MIXED;
use crate::parse;

const RFC5424: &str = "<165>1 2025-02-03T04:05:06.789012+09:00 web-01.example.com nginx 812 ACCESS - \
    10.0.3.7 GET /api/v1/orders?id=182736 200 5123 0.012 \"Mozilla/5.0 (X11; Linux x86_64)\" \
    upstream=10.0.9.2:8080 request_id=4f1c2a9e";
const RFC3164: &str = "<34>Feb  3 04:05:06 web-01 sshd[21817]: Failed password for invalid user admin \
    from 203.0.113.77 port 51022 ssh2: PAM authentication failure, 3 more attempts logged, tty=ssh";
/// What PLURA's collector is fed: an object in an object, eleven properties with their names.
const PLURA: &str = r#"template(name="plura" type="list") {
    constant(value="{\"ceelog\": {")
    property(name="timegenerated" outname="timegenerated" dateFormat="rfc3339" format="jsonf")
    constant(value=", ")
    property(name="programname" outname="programname" format="jsonf")
    constant(value=", ")
    property(name="hostname" outname="hostname" format="jsonf")
    constant(value=", ")
    property(name="syslogtag" outname="syslogtag" format="jsonf")
    constant(value=", ")
    property(name="pri" outname="pri" format="jsonf")
    constant(value=", ")
    property(name="pri-text" outname="pri-text" format="jsonf")
    constant(value=", ")
    property(name="syslogfacility" outname="syslogfacility" format="jsonf")
    constant(value=", ")
    property(name="syslogfacility-text" outname="syslogfacility-text" format="jsonf")
    constant(value=", ")
    property(name="syslogseverity" outname="syslogseverity" format="jsonf")
    constant(value=", ")
    property(name="syslogseverity-text" outname="syslogseverity-text" format="jsonf")
    constant(value=", ")
    property(name="msg" outname="msg" format="jsonf")
    constant(value="}}\n")
}"#;

fn find(text: &str, part: &str) -> Span {
    let start = text.find(part).expect("a part of the text");
    Span::new(start, start + part.len())
}

fn batch(text: &str, fill: impl FnOnce(&mut Message)) -> Batch {
    let input = InputInfo { name: "imtcp".into(), hostname: Arc::from("relay") };
    let mut batch = Batch::new(Arc::new(input));
    batch.arrival = parse::arrival();
    batch.data.extend_from_slice(text.as_bytes());
    let from = IpAddr::V4(Ipv4Addr::new(10, 0, 3, 7));
    batch.sources.push(Arc::new(Source::new(Some(from), None)));
    let mut message = Message { raw: Span::new(0, text.len()), ..Message::default() };
    message.time = Timestamp {
        year: 2025,
        month: 2,
        day: 3,
        hour: 4,
        minute: 5,
        second: 6,
        offset: Offset::east(540),
        ..Timestamp::default()
    };
    message.flags.set(MessageFlags::TIME);
    message.flags.set(MessageFlags::HOSTNAME);
    fill(&mut message);
    batch.messages.push(message);
    batch
}

fn rfc5424(canonical: bool) -> Batch {
    batch(RFC5424, |message| {
        message.flags.set(MessageFlags::PROTOCOL_1);
        if canonical {
            message.flags.set(MessageFlags::TIME_CANONICAL);
            message.time_text = find(RFC5424, "2025-02-03T04:05:06.789012+09:00");
        }
        message.time.precision = 6;
        message.time.fraction = 789_012;
        message.pri = Pri(165);
        message.hostname = find(RFC5424, "web-01.example.com");
        message.app_name = find(RFC5424, "nginx");
        message.procid = find(RFC5424, "812");
        message.msgid = find(RFC5424, "ACCESS");
        message.structured_data = find(RFC5424, "-");
        message.msg = Span { start: find(RFC5424, "10.0.3.7").start, ..message.raw };
    })
}

fn rfc3164() -> Batch {
    batch(RFC3164, |message| {
        message.pri = Pri(34);
        message.hostname = find(RFC3164, "web-01");
        message.tag = find(RFC3164, "sshd[21817]:");
        message.msg = Span { start: find(RFC3164, " Failed").start, ..message.raw };
    })
}

/// `data/mixed.log` as it arrives.
fn mixed() -> Batch {
    let mut batch = batch("", |_| {});
    batch.messages.clear();
    batch.data = MIXED.to_vec();
    let settings = ParseSettings::default();
    let arrival = batch.arrival;
    for frame in parse::frames(&mut batch.data) {
        let message = bongsu::parse::message(&mut batch.data, frame, &settings, &arrival);
        batch.messages.push(message);
    }
    batch
}

fn template(name: &str) -> Template {
    Template::builtin(name).unwrap_or_else(|| {
        let config = config::parse_sealed("plura.conf", PLURA.as_bytes());
        let Some(StmtKind::Object(object)) = config.statements.first().map(|first| &first.kind)
        else {
            panic!("one object");
        };
        let mut diags = Diagnostics::default();
        let template = Template::compile(object, &mut diags);
        template.filter(|_| diags.all.is_empty()).expect("a template without errors")
    })
}

fn case(
    name: String,
    batch: Batch,
    mut render: impl FnMut(View<'_>, &mut Vec<u8>) + 'static,
) -> Case {
    let mut out = Vec::with_capacity(512 * 1024);
    Case::new(name, batch.messages.len(), move || {
        out.clear();
        let batch = black_box(&batch);
        for message in &batch.messages {
            render(batch.view(message), &mut out);
        }
        black_box(&out);
    })
}

pub(crate) fn cases() -> Vec<Case> {
    let inputs = || {
        [
            ("3164", rfc3164()),
            ("5424", rfc5424(false)),
            ("5424-canonical", rfc5424(true)),
            ("mixed", mixed()),
        ]
    };
    let copies = inputs().into_iter().map(|(kind, batch)| {
        case(format!("copy/{kind}"), batch, |view, out| {
            out.extend_from_slice(view.bytes(view.message.raw));
        })
    });
    let names = [
        "RSYSLOG_SyslogProtocol23Format",
        "RSYSLOG_ForwardFormat",
        "RSYSLOG_FileFormat",
        "RSYSLOG_TraditionalFileFormat",
        "plura-11-properties",
    ];
    let rendered = names.into_iter().flat_map(|name| {
        let template = template(name);
        inputs().into_iter().map(move |(kind, batch)| {
            let template = template.clone();
            case(format!("{name}/{kind}"), batch, move |view, out| template.render(view, out))
        })
    });
    copies.chain(rendered).collect()
}
