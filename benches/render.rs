//! Rendering alone: built-in formats and what real configs ask for, on one 3164 and one 5424
//! message.

use std::hint::black_box;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::sync::Arc;

use bongsu::base::diag::Diagnostics;
use bongsu::base::diag::Loc;
use bongsu::base::span::Span;
use bongsu::message::Batch;
use bongsu::message::InputInfo;
use bongsu::message::Message;
use bongsu::message::MessageFlags;
use bongsu::message::Offset;
use bongsu::message::Pri;
use bongsu::message::Source;
use bongsu::message::Timestamp;
use bongsu::template::Options;
use bongsu::template::Template;
use criterion::Criterion;
use criterion::Throughput;

const RFC5424: &str = "<165>1 2025-02-03T04:05:06.789012+09:00 web-01.example.com nginx 812 ACCESS - \
    10.0.3.7 GET /api/v1/orders?id=182736 200 5123 0.012 \"Mozilla/5.0 (X11; Linux x86_64)\" \
    upstream=10.0.9.2:8080 request_id=4f1c2a9e";
const RFC3164: &str = "<34>Feb  3 04:05:06 web-01 sshd[21817]: Failed password for invalid user admin \
    from 203.0.113.77 port 51022 ssh2: PAM authentication failure, 3 more attempts logged, tty=ssh";
const CEE: &str = "{\"time\":\"%timereported:::date-rfc3339%\",%hostname:::jsonf%,%fromhost-ip:::jsonf%,\
    %syslogtag:::jsonf%,%programname:::jsonf%,%procid:::jsonf%,%msgid:::jsonf%,%pri:::jsonf%,\
    %syslogfacility-text:::jsonf%,%syslogseverity-text:::jsonf%,%msg:::jsonf%}\\n";

fn find(text: &str, part: &str) -> Span {
    let start = text.find(part).expect("a part of the text");
    Span::new(start, start + part.len())
}

fn batch(text: &str, fill: impl FnOnce(&mut Message)) -> Batch {
    let input = InputInfo { name: "imtcp".into(), hostname: Arc::from("relay") };
    let mut batch = Batch::new(Arc::new(input));
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

fn template(name: &str) -> Template {
    Template::builtin(name).unwrap_or_else(|| {
        let mut diags = Diagnostics::default();
        let options = Options::default();
        Template::from_string("cee", CEE.as_bytes(), &options, Loc::default(), &mut diags)
            .expect("a template without errors")
    })
}

pub(crate) fn bench(c: &mut Criterion) {
    let mut group = c.benchmark_group("render");
    group.throughput(Throughput::Elements(1));
    let inputs = [("3164", rfc3164()), ("5424", rfc5424(false)), ("5424-canonical", rfc5424(true))];
    for name in [
        "RSYSLOG_SyslogProtocol23Format",
        "RSYSLOG_ForwardFormat",
        "RSYSLOG_FileFormat",
        "RSYSLOG_TraditionalFileFormat",
        "cee-11-properties",
    ] {
        let template = template(name);
        for (kind, batch) in &inputs {
            let mut out = Vec::with_capacity(4096);
            group.bench_function(format!("{name}/{kind}"), |b| {
                b.iter(|| {
                    out.clear();
                    let batch = black_box(batch);
                    template.render(batch.view(&batch.messages[0]), &mut out);
                    black_box(&out);
                });
            });
        }
    }
    group.finish();
}
