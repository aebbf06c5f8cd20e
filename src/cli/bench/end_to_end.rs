//! Sender, relay and sink over real sockets, with forwarders whose faults are known.

use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use clap::Parser;

use crate::base::clock::monotonic;
use crate::cli::bench::args::RelayArgs;
use crate::cli::bench::block::Wire;
use crate::cli::bench::corpus::Corpus;
use crate::cli::bench::corpus::Kind;
use crate::cli::bench::frames::Framing;
use crate::cli::bench::ledger::Ids;
use crate::cli::bench::ledger::Ledger;
use crate::cli::bench::relay;
use crate::cli::bench::report::Counts;
use crate::cli::bench::report::Latency;
use crate::cli::bench::report::Run;
use crate::cli::bench::send::SendPlan;
use crate::cli::bench::send::Sender;
use crate::cli::bench::sink::Sink;
use crate::cli::bench::sink::SinkPlan;
use crate::cli::bench::sink::Stall;
use crate::cli::bench::time::Stamps;
use crate::cli::bench::time::pause;

const LIMIT: Duration = Duration::from_secs(20);

fn sink_plan() -> SinkPlan {
    SinkPlan {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        framing: Framing::Auto,
        ids: Ids::Required,
        stall: None,
        output: None,
    }
}

fn send_plan(to: SocketAddr, wire: Wire, messages: u64) -> SendPlan {
    SendPlan {
        to,
        wire,
        connections: 3,
        sources: None,
        threads: 2,
        rate: None,
        messages: Some(messages),
        duration: None,
        ids: true,
    }
}

/// Forwards each of `connections` streams to `to` through `alter`, which gets whole lines.
fn forwarder(to: SocketAddr, connections: usize, alter: fn(Vec<u8>) -> Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().take(connections) {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let mut bytes = Vec::new();
                stream.read_to_end(&mut bytes).unwrap();
                TcpStream::connect(to).unwrap().write_all(&alter(bytes)).unwrap();
            });
        }
    });
    address
}

/// Sends by `plan`, and waits until `sink` has `received` messages.
fn carry(plan: &SendPlan, stamps: Stamps, sink: Sink, received: u64) -> Ledger {
    let sender = Sender::start(plan, &Corpus::generate(Kind::Mixed, 300, 7), stamps).unwrap();
    let sent = sender.join().unwrap();
    assert_eq!(sent.messages, plan.messages.unwrap());
    let until = monotonic() + LIMIT;
    while sink.look().received < received && monotonic() < until {
        pause(Duration::from_millis(5));
    }
    // What comes beyond that counts as well.
    pause(Duration::from_millis(50));
    sink.stop().unwrap()
}

#[test]
fn every_wire_form_arrives_whole() {
    for wire in [Wire::Lf, Wire::OctetCount] {
        let stamps = Stamps::new();
        let sink = Sink::start(&sink_plan(), stamps).unwrap();
        let to = forwarder(sink.address(), 3, |bytes| bytes);
        let books = carry(&send_plan(to, wire, 5000), stamps, sink, 5000);
        assert_eq!((books.frames, books.received(), books.gaps()), (5000, 5000, 0));
        assert_eq!((books.duplicated, books.reordered), (0, 0));
        assert_eq!((books.corrupted, books.foreign), (0, 0));
        assert_eq!(books.latency.len(), 5000);
    }
}

#[test]
fn relp_arrives_whole_and_is_answered() {
    let stamps = Stamps::new();
    let plan = SinkPlan { framing: Framing::Relp, ..sink_plan() };
    let sink = Sink::start(&plan, stamps).unwrap();
    // More than the window, so that without answers it would never end.
    let books = carry(&send_plan(sink.address(), Wire::Relp, 60_000), stamps, sink, 60_000);
    assert_eq!((books.frames, books.received(), books.gaps()), (60_000, 60_000, 0));
    assert_eq!((books.duplicated, books.corrupted, books.foreign), (0, 0, 0));
}

#[test]
fn datagrams_arrive_at_a_rate_and_from_many_addresses() {
    let stamps = Stamps::new();
    let sink = Sink::start(&sink_plan(), stamps).unwrap();
    let mut plan = send_plan(sink.address(), Wire::Datagram, 1000);
    (plan.rate, plan.sources) = (Some(5000), Some(3));
    let started = monotonic();
    let books = carry(&plan, stamps, sink, 1000);
    assert!(started.elapsed() >= Duration::from_millis(190));
    assert_eq!((books.received(), books.gaps(), books.reordered), (1000, 0, 0));
}

#[test]
fn a_forwarder_that_drops_doubles_swaps_and_tears_is_found_out() {
    let stamps = Stamps::new();
    let sink = Sink::start(&sink_plan(), stamps).unwrap();
    let to = forwarder(sink.address(), 3, |bytes| {
        let mut lines: Vec<&[u8]> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
        // 0 1 2 3 4 5 .. becomes 0 2 1 3 3 5 .., with 6 torn and a stranger at the end.
        lines.swap(1, 2);
        lines[4] = lines[3];
        let torn = [&lines[6][..lines[6].len() - 5], b"\n"].concat();
        lines[6] = &torn;
        lines.push(b"<46>stranger\n");
        lines.concat()
    });
    let books = carry(&send_plan(to, Wire::Lf, 900), stamps, sink, 900 - 2 * 3);
    assert_eq!(books.received(), 900 - 2 * 3);
    assert_eq!((books.gaps(), books.duplicated, books.reordered), (2 * 3, 3, 3));
    assert_eq!((books.corrupted, books.foreign), (3, 3));
}

#[test]
fn a_stall_shows_in_the_latencies_and_loses_nothing() {
    let stamps = Stamps::new();
    let stall = Stall { after: 10, time: Duration::from_millis(400) };
    let sink = Sink::start(&SinkPlan { stall: Some(stall), ..sink_plan() }, stamps).unwrap();
    let mut plan = send_plan(sink.address(), Wire::Lf, 500);
    (plan.rate, plan.connections, plan.threads) = (Some(1000), 1, 1);
    let books = carry(&plan, stamps, sink, 500);
    assert_eq!((books.received(), books.gaps()), (500, 0));
    let latency = Latency::of(&books.latency).unwrap();
    // Four of five messages fell due while nobody read.
    assert!(latency.p50 > 100.0 && latency.max < 5_000.0, "{latency:?}");
}

#[test]
fn what_came_is_written_a_frame_a_line() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let stamps = Stamps::new();
    let plan = SinkPlan { output: Some(file.path().to_owned()), ids: Ids::Ignored, ..sink_plan() };
    let sink = Sink::start(&plan, stamps).unwrap();
    let mut plan = send_plan(sink.address(), Wire::OctetCount, 300);
    (plan.ids, plan.connections, plan.threads) = (false, 1, 1);
    assert_eq!(carry(&plan, stamps, sink, 300).received(), 300);
    let corpus = Corpus::generate(Kind::Mixed, 300, 7);
    let frames: Vec<&[u8]> = corpus.frames().collect();
    let written = std::fs::read(file.path()).unwrap();
    assert_eq!(written, [frames.join(&b'\n'), b"\n".to_vec()].concat());
}

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    relay: RelayArgs,
}

/// Forwards streams to `to` as they come.
fn pipe(to: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || std::io::copy(&mut stream, &mut TcpStream::connect(to).unwrap()));
        }
    });
    address
}

#[test]
fn a_relay_is_measured_from_its_command_line() {
    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let input = pipe(free).to_string();
    let output = free.to_string();
    let pid = std::process::id().to_string();
    let line = Line::parse_from([
        "relay",
        "--in",
        &input,
        "--out",
        &output,
        "--pid",
        &pid,
        "--rate",
        "4k",
        "--duration",
        "0.4",
        "--warmup",
        "0.2",
        "--connections",
        "3",
        "--runs",
        "2",
    ]);
    let report = relay::run(&line.relay).unwrap();
    let clean = Counts { sent: 4800, received: 4800, ..Counts::default() };
    assert_eq!(report.total, clean);
    assert_eq!((report.runs.len(), report.latency_from), (2, "due"));
    for Run { figures, .. } in report.runs {
        assert!(figures.seconds > 0.1 && figures.seconds < 5.0, "{figures:?}");
        assert!(figures.peak_rss_mib.unwrap() > 1.0 && figures.cpu_seconds.is_some());
        let latency = figures.latency_ms.unwrap();
        assert!(latency.p50 <= latency.p99 && latency.p99 <= latency.max);
    }
}

#[test]
fn a_relay_that_takes_and_never_gives_is_a_loss_and_not_a_hang() {
    let hole = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let input = hole.local_addr().unwrap().to_string();
    let line = Line::parse_from([
        "relay",
        "--in",
        &input,
        "--out",
        "0",
        "--messages",
        "1m",
        "--patience",
        "0.3",
    ]);
    let report = relay::run(&line.relay).unwrap();
    assert_eq!((report.total.received, report.total.lost), (0, report.total.sent));
    assert!(report.total.sent > 0 && report.total.sent < 1_000_000);
}
