//! A shard's whole work on one read, without sockets: frame, parse, decide, render, queue; without
//! rules, and with such as relays have.

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use crate::cases::Case;
use crate::frame::MIXED;
use bongsu::base::clock::LocalZone;
use bongsu::base::diag::Diagnostics;
use bongsu::base::diag::Loc;
use bongsu::base::reporter::Level;
use bongsu::base::reporter::Reporter;
use bongsu::base::span::Span;
use bongsu::config::ast::Object;
use bongsu::lookup::Handle;
use bongsu::lookup::Tables;
use bongsu::message::Batch;
use bongsu::message::InputInfo;
use bongsu::message::Message;
use bongsu::message::MessageFlags;
use bongsu::message::PriMask;
use bongsu::parse;
use bongsu::parse::ParseSettings;
use bongsu::parse::frame::Decoder;
use bongsu::parse::frame::FrameEvents;
use bongsu::parse::frame::FrameSettings;
use bongsu::queue;
use bongsu::queue::FrameStyle;
use bongsu::queue::Framing;
use bongsu::queue::Receiver;
use bongsu::queue::Taken;
use bongsu::rules;
use bongsu::rules::ActionId;
use bongsu::rules::Definition;
use bongsu::rules::Named;
use bongsu::rules::Programs;
use bongsu::rules::Residual;
use bongsu::rules::Resolver;
use bongsu::rules::RulesetId;
use bongsu::shard::Entry;
use bongsu::shard::Outlet;
use bongsu::shard::Shard;
use bongsu::shard::Stuck;
use bongsu::template::Options;
use bongsu::template::Template;

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

/// How a relay sends on what it receives: `RSYSLOG_SyslogProtocol23Format`.
const FORWARD: &str = "RSYSLOG_SyslogProtocol23Format";
/// The same with what a table says of the sender.
const TAGGED: &str = "<%PRI%>1 %TIMESTAMP:::date-rfc3339% %HOSTNAME% %APP-NAME% %PROCID% %MSGID% \
                      %STRUCTURED-DATA% %$.t%:%msg%\n";
const PREFIXES: u32 = 100_000;

/// Actions by their number, and one table.
struct Relay {
    actions: u32,
    tables: Tables,
}

impl Resolver for Relay {
    fn action(&mut self, _: &Object, _: &mut Diagnostics) -> Option<ActionId> {
        self.actions += 1;
        Some(ActionId(self.actions - 1))
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

    fn definition(&self, _: Named, name: &str, _: Loc) -> Definition {
        if self.tables.get(name).is_some() { Definition::Before } else { Definition::None }
    }

    fn lookup_table(&self, name: &str) -> Option<Arc<Handle>> {
        self.tables.get(name).cloned()
    }
}

/// As many networks, and the loopback among them.
fn networks(path: &Path) {
    let mut text = String::from("prefix,value\n127.0.0.0/8,tenant-local\n");
    for n in 1..PREFIXES {
        let [_, a, b, c] = n.to_be_bytes();
        // Writing to a text does not fail.
        _ = writeln!(text, "{}.{b}.{c}.0/24,tenant-{}", 10 + a, n % 1000);
    }
    std::fs::write(path, text).expect("a table");
}

fn relay(script: &str) -> (Programs, u32) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("net.csv");
    let mut relay = Relay { actions: 0, tables: Tables::default() };
    if script.contains("lookup") {
        networks(&file);
        relay.tables.add("net", &file.to_string_lossy(), false).expect("a table of networks");
    }
    let config = bongsu::config::parse_text("bench", script.as_bytes());
    let mut diags = config.diagnostics;
    let program = rules::compile(&config.statements, &mut relay, &mut diags);
    let programs = Programs::link(vec![program], &mut diags);
    assert!(!diags.has_errors(), "{diags:?}");
    (programs, relay.actions)
}

fn template(text: &str) -> Arc<Template> {
    let built_in = Template::builtin(text);
    let made = built_in.or_else(|| {
        let mut diags = Diagnostics::default();
        let (options, loc) = (Options::default(), Loc::default());
        Template::from_string("bench", text.as_bytes(), &options, loc, &mut diags)
    });
    Arc::new(made.expect("a template"))
}

/// `if $fromhost-ip == …` a thousand times, none of which is the sender.
fn thousand_sources() -> String {
    let mut script = String::new();
    for n in 0..1000 {
        let (high, low) = (n / 250, n % 250);
        _ = writeln!(
            script,
            "if $fromhost-ip == '10.0.{high}.{low}' then {{ action(type=\"omfile\") stop }}"
        );
    }
    script + "action(type=\"omfwd\")"
}

/// Words that no message has; or two of the fifty are in an eighth of them each.
fn fifty_words(hits: bool) -> String {
    const RARE: [&str; 50] = [
        "segfault",
        "panic",
        "oom-killer",
        "rollback",
        "deadlock",
        "corrupt",
        "intrusion",
        "malware",
        "ransom",
        "quarantine",
        "exfiltration",
        "beacon",
        "brute",
        "spoofed",
        "replay",
        "revoked",
        "expired certificate",
        "handshake failure",
        "checksum",
        "truncated",
        "overrun",
        "underrun",
        "watchdog",
        "thermal",
        "throttling",
        "degraded",
        "rebuild",
        "failover",
        "split-brain",
        "quorum",
        "fenced",
        "evicted",
        "throttled",
        "blacklist",
        "greylist",
        "tarpit",
        "honeypot",
        "sinkhole",
        "darknet",
        "crypto-miner",
        "privilege escalation",
        "lateral",
        "webshell",
        "traversal",
        "injection",
        "overflow",
        "underflow",
        "use after free",
        "double free",
        "stack smashing",
    ];
    const COMMON: [&str; 2] = ["Failed password", "GET /"];
    let mut script = String::new();
    let words = RARE.iter().enumerate().map(|(at, rare)| match COMMON.get(at / 25) {
        Some(common) if hits && at % 25 == 12 => common,
        _ => rare,
    });
    for word in words {
        _ = writeln!(script, "if $msg contains '{word}' then action(type=\"omfile\")");
    }
    script + "action(type=\"omfwd\")"
}

pub(crate) fn cases() -> Vec<Case> {
    let forward = "action(type=\"omfwd\")";
    let table = "set $.t = lookup('net', $fromhost-ip);\n\
                 if $.t == 'tenant-666' then stop\naction(type=\"omfwd\")";
    let only = "if lookup('net', $fromhost-ip) == 'tenant-666' then stop\naction(type=\"omfwd\")";
    let cases = [
        ("no_rule", forward.to_owned(), FORWARD),
        ("1000_sources", thousand_sources(), FORWARD),
        ("100000_networks", table.to_owned(), TAGGED),
        ("100000_networks/condition_only", only.to_owned(), FORWARD),
        ("50_words", fifty_words(false), FORWARD),
        ("50_words/with_hits", fifty_words(true), FORWARD),
    ];
    let cases = cases.into_iter().map(|(name, script, template)| case(name, &script, template));
    let files = [
        ("file_lines", "RSYSLOG_TraditionalForwardFormat", true),
        ("file_lines/one_by_one", "RSYSLOG_TraditionalForwardFormat", false),
        ("file_lines/5424", FORWARD, true),
        ("file_lines/5424/one_by_one", FORWARD, false),
    ];
    cases
        .chain(files.into_iter().map(|(name, template, alike)| file(name, template, alike)))
        .collect()
}

/// Where messages go, and how they come out again.
struct Bench {
    shard: Shard,
    entry: Rc<Entry>,
    route: Residual,
    receiver: Receiver,
    info: Arc<InputInfo>,
}

impl Bench {
    fn new(script: &str, format: &str) -> Self {
        let info = Arc::new(InputInfo { name: "imtcp".into(), hostname: "relay".into() });
        let (programs, actions) = relay(script);
        let template = template(format);
        let framing = Framing { style: FrameStyle::Delimiter(b'\n'), max_bytes: usize::MAX };
        let (sender, receiver) = queue::bounded(64 << 20);
        let outlet =
            || Outlet::new(sender.clone(), Some(template.clone()), None, framing, Arc::default());
        let outlets = (0..actions).map(|_| outlet()).collect();
        let (programs, zone) = (Arc::new(programs), LocalZone::system());
        let shard = Shard::new(0, programs, outlets, info.clone(), zone, Arc::new(Silent));
        let entry = shard.learn([127, 0, 0, 1].into(), None);
        let route = shard.route(RulesetId(0), &entry, &info);
        Self { shard, entry, route, receiver, info }
    }
}

/// Lines of a file that nobody parses (imfile), in one batch; `folded` as imfile has them.
fn file(name: &str, format: &str, folded: bool) -> Case {
    let read = read();
    let Bench { shard, entry, route, receiver, info } =
        Bench::new("action(type=\"omfwd\")", format);
    let (mut stuck, mut taken, mut batch) = (Stuck::new(), Taken::default(), Batch::new(info));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
    let messages = memchr::memchr_iter(b'\n', &read).count();
    Case::new(name, messages, move || {
        batch.clear();
        batch.data.extend_from_slice(black_box(&read));
        batch.data.extend_from_slice(b"web:relay");
        batch.arrival = shard.arrival();
        batch.sources.push(entry.source.clone());
        let tag = Span::new(read.len(), read.len() + 4);
        let (hostname, flags) = (Span::new(read.len() + 4, read.len() + 9), MessageFlags::HOSTNAME);
        let mut start = 0;
        let lines = memchr::memchr_iter(b'\n', &read)
            .map(|end| Span::new(std::mem::replace(&mut start, end + 1), end));
        batch.fold(Message { tag, hostname, flags, ..Message::default() }, lines);
        if !folded {
            batch.unfold();
        }
        _ = black_box(shard.run(&mut batch, &route));
        shard.flush(&batch.ack, &mut stuck);
        runtime.block_on(receiver.take(&mut taken));
        taken.drain(..).for_each(|chunk| receiver.done(chunk));
    })
}

fn case(name: &str, script: &str, format: &str) -> Case {
    let read = read();
    let Bench { shard, entry, route, receiver, info } = Bench::new(script, format);
    let (framing, parsing) = (FrameSettings::default(), ParseSettings::default());
    let (mut frames, mut events) = (Vec::new(), FrameEvents::default());
    let mut stuck = Stuck::new();
    let mut taken = Taken::default();
    let mut batch = Batch::new(info);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
    let messages = memchr::memchr_iter(b'\n', &read).count();
    Case::new(name, messages, move || {
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
            _ = black_box(shard.run(&mut batch, &route));
        }
        shard.flush(&batch.ack, &mut stuck);
        runtime.block_on(receiver.take(&mut taken));
        taken.drain(..).for_each(|chunk| receiver.done(chunk));
    })
}
