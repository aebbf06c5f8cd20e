//! What plain TCP loses and repeats when the collector fails, message by message: `omfwd` keeps
//! what the collector's kernel has not acknowledged. Beside it, on demand, what rsyslogd does.

use std::env;
use std::fs;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use tempfile::TempDir;

use crate::support::faulty::Connection;
use crate::support::faulty::FaultySink;
use crate::support::faulty::MESSAGE_BYTES;
use crate::support::faulty::Tally;
use crate::support::faulty::send;
use crate::support::free_port;
use crate::support::number;
use crate::support::process::BONGSU;
use crate::support::process::Daemon;
use crate::support::process::start;
use crate::support::tcp_listens;
use crate::support::wait_for;

const SOON: Duration = Duration::from_secs(30);
/// The receive buffer that a sink asks for; Linux makes twice that of it.
const RECEIVE_BYTES: usize = 64 << 10;
const SENDERS: usize = 4;
/// Connections that break one after the other are otherwise tried again ever more slowly.
const QUICK: &str = r#"action.resumeIntervalMax="1""#;

/// A relay from TCP to the sink at `target`, with these parameters more.
fn relay(program: &str, dir: &TempDir, target: u16, more: &str) -> (Daemon, u16) {
    let port = free_port();
    let config = format!(
        r#"module(load="imtcp")
input(type="imtcp" address="127.0.0.1" port="{port}")
template(name="msg" type="string" string="%msg%\n")
action(type="omfwd" target="127.0.0.1" port="{target}" protocol="tcp" template="msg" {more})
"#
    );
    let daemon = start(program, dir.path(), &config, &[]);
    assert!(wait_for(SOON, || tcp_listens(port)), "nothing listens: {}", daemon.stop().stderr);
    (daemon, port)
}

/// [`SENDERS`] connections that send `each` messages.
fn load(port: u16, each: usize) -> Vec<thread::JoinHandle<()>> {
    (0..SENDERS).map(|sender| thread::spawn(move || send(sender, port, each))).collect()
}

/// Reads the last connection until `tally` and it have everything, or nothing comes any more.
fn read_rest(
    sink: &FaultySink,
    connection: Option<Connection>,
    tally: &mut Tally,
    quiet: Duration,
) {
    let mut next = connection.or_else(|| sink.accept_within(quiet));
    while let Some(mut connection) = next {
        let mut since = Instant::now();
        while since.elapsed() < quiet {
            let before = connection.bytes.len();
            if connection.read(Duration::from_millis(100), usize::MAX) {
                break;
            }
            if connection.bytes.len() > before {
                since = Instant::now();
            }
        }
        tally.add(&connection.bytes);
        next = sink.accept_within(Duration::from_millis(200));
    }
}

/// Row 1: the collector comes up late.
#[test]
fn what_waits_for_a_collector_arrives_once_and_in_order() {
    const EACH: usize = 5_000;
    let dir = TempDir::new().unwrap();
    let target = free_port();
    let (daemon, port) = relay(BONGSU, &dir, target, "");
    send(0, port, EACH);
    thread::sleep(Duration::from_secs(2));
    let sink = FaultySink::at(target, RECEIVE_BYTES);
    let mut connection = sink.accept();
    connection.read(SOON, EACH * MESSAGE_BYTES);
    let mut tally = Tally::default();
    tally.add(&connection.bytes);
    assert_eq!((tally.verdict(1, EACH), tally.torn), ((0, 0), 0));
    let numbers = String::from_utf8(connection.bytes).unwrap();
    let sequences = numbers.lines().map(|line| line.split([':', ' ']).nth(2).unwrap().to_owned());
    assert!(sequences.eq((0..EACH).map(|n| n.to_string())), "out of order");
    assert!(daemon.stop().status.success());
}

/// Row 3: the collector ends connections in order, in the middle of the stream.
#[test]
fn a_collector_that_ends_connections_in_order_costs_nothing() {
    const EACH: usize = 20_000;
    let dir = TempDir::new().unwrap();
    let sink = FaultySink::new(RECEIVE_BYTES);
    let (_daemon, port) = relay(BONGSU, &dir, sink.port, QUICK);
    let senders = load(port, EACH);
    let mut tally = Tally::default();
    let mut ended = 0;
    while let Some(mut connection) = sink.accept_within(Duration::from_secs(3)) {
        connection.read(Duration::from_secs(1), 300 << 10);
        tally.add(&connection.end());
        ended += 1;
    }
    assert!(ended > 2, "{ended} connections");
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    assert_eq!(tally.verdict(SENDERS, EACH), (0, 0));
}

/// What became of [`SENDERS`] times `each` messages while the sink reset `resets` connections.
#[derive(Debug)]
struct Resets {
    /// How many there were before everything was through.
    resets: usize,
    lost: usize,
    doubled: usize,
    /// Messages that the sink's kernel had and the sink did not read, cut ones included.
    unread: usize,
}

/// It is over when nothing has come for so long.
fn reset_under_load(program: &str, more: &str, resets: usize, quiet: Duration) -> Resets {
    let each = 5_000 * resets.div_ceil(5);
    let dir = TempDir::new().unwrap();
    let sink = FaultySink::new(RECEIVE_BYTES);
    let (_daemon, port) = relay(program, &dir, sink.port, more);
    let senders = load(port, each);
    let mut tally = Tally::default();
    let (mut unread, mut done) = (0, 0);
    for round in 0..resets {
        let Some(mut connection) = sink.accept_within(SOON) else { break };
        connection.read(Duration::from_millis(200), (round % 7 + 1) * (40 << 10));
        // The sink is busy with something else, and the relay goes on sending.
        thread::sleep(Duration::from_millis(5));
        let (bytes, left) = connection.reset();
        tally.add(&bytes);
        done += 1;
        unread += left.div_ceil(MESSAGE_BYTES) + usize::from(left > 0);
    }
    read_rest(&sink, None, &mut tally, quiet);
    for sender in senders {
        // A relay that has stopped reading is not waited for.
        assert!(wait_for(SOON, || sender.is_finished()), "a sender is stuck");
    }
    assert!(tally.distinct() > 0);
    let (lost, doubled) = tally.verdict(SENDERS, each);
    Resets { resets: done, lost, doubled, unread }
}

/// Row 4. `BONGSU_RESETS=100` for more of them.
#[test]
fn resets_lose_only_what_the_collectors_kernel_had() {
    let resets = number("BONGSU_RESETS", 10);
    let outcome = reset_under_load(BONGSU, QUICK, resets, Duration::from_secs(4));
    println!("bongsu: {outcome:?}");
    assert_eq!(outcome.resets, resets);
    assert!(outcome.lost <= outcome.unread, "{outcome:?}");
    // What was under way: what the sink's kernel had taken and not acknowledged yet.
    assert!(outcome.doubled <= resets * 2 * RECEIVE_BYTES / MESSAGE_BYTES, "{outcome:?}");
}

/// The same of rsyslogd, for the table: `BONGSU_RESETS_RSYSLOGD=100`.
#[test]
fn resets_of_rsyslogd() {
    if env::var_os("BONGSU_RESETS_RSYSLOGD").is_none() {
        return;
    }
    let resets = number("BONGSU_RESETS_RSYSLOGD", 10);
    let more = r#"action.resumeRetryCount="-1" action.resumeInterval="1"
queue.type="LinkedList" queue.size="1000000" queue.timeoutEnqueue="600000""#;
    let outcome = reset_under_load("rsyslogd", more, resets, SOON);
    println!("rsyslogd: {outcome:?}");
}

/// Row 5: packets are dropped on the way. Another output goes on meanwhile.
#[test]
fn a_peer_that_is_not_heard_of_is_given_up() {
    const EACH: usize = 8_000;
    let dir = TempDir::new().unwrap();
    let sink = FaultySink::new(RECEIVE_BYTES);
    let file = dir.path().join("out");
    let more = format!(
        r#"ackTimeout="2")
action(type="omfile" template="msg" file="{}""#,
        file.display()
    );
    let (_daemon, port) = relay(BONGSU, &dir, sink.port, &more);
    let senders = load(port, EACH);
    let mut first = sink.accept();
    first.read(SOON, 100 << 10);
    first.go_deaf();
    let deaf_since = Instant::now();
    let unread = first.unread();
    let second = sink.accept();
    let waited = deaf_since.elapsed();
    assert!(waited >= Duration::from_secs(2) && waited < Duration::from_secs(8), "{waited:?}");
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    let all = SENDERS * EACH * MESSAGE_BYTES;
    let size = || fs::metadata(&file).unwrap().len();
    assert!(wait_for(SOON, || size() == all as u64), "the other output has {} of {all}", size());
    let mut tally = Tally::default();
    tally.add(&first.bytes);
    read_rest(&sink, Some(second), &mut tally, Duration::from_secs(3));
    let (lost, doubled) = tally.verdict(SENDERS, EACH);
    assert!(lost <= unread.div_ceil(MESSAGE_BYTES) + 1, "{lost} lost, {unread} bytes unread");
    assert!(doubled <= 2 * RECEIVE_BYTES / MESSAGE_BYTES, "{doubled} doubled");
}

/// The other half of row 5: a collector that is stopped answers for its window, and its kernel
/// keeps what it has. That is no reason to send anything twice.
#[test]
fn a_window_that_stays_closed_is_not_a_dead_peer() {
    const EACH: usize = 10_000;
    let dir = TempDir::new().unwrap();
    let sink = FaultySink::new(RECEIVE_BYTES);
    let (_daemon, port) = relay(BONGSU, &dir, sink.port, r#"ackTimeout="1""#);
    let senders = load(port, EACH);
    let first = sink.accept();
    assert!(sink.accept_within(Duration::from_secs(5)).is_none(), "connected anew");
    let mut tally = Tally::default();
    read_rest(&sink, Some(first), &mut tally, Duration::from_secs(3));
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    assert_eq!((tally.verdict(SENDERS, EACH), tally.torn), ((0, 0), 0));
}

/// Row 26: a name that is not known holds nobody else up.
#[test]
fn a_target_without_an_address_stalls_no_other() {
    const EACH: usize = 5_000;
    let dir = TempDir::new().unwrap();
    let sink = FaultySink::new(RECEIVE_BYTES);
    let more = r#")
action(type="omfwd" target="collector.invalid" protocol="tcp" template="msg""#;
    let (_daemon, port) = relay(BONGSU, &dir, sink.port, more);
    let senders = load(port, EACH);
    let mut tally = Tally::default();
    read_rest(&sink, Some(sink.accept()), &mut tally, Duration::from_secs(2));
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    assert_eq!((tally.verdict(SENDERS, EACH), tally.torn), ((0, 0), 0));
}

/// A deflated stream, to a relay that inflates it; the connection is new after each batch.
#[test]
fn compressed_messages_arrive_as_they_were() {
    for mode in [
        r#"compression.mode="stream:always""#,
        r#"compression.mode="stream:always" compression.stream.flushOnTXEnd="off" zipLevel="1""#,
        r#"compression.mode="stream:always" rebindInterval="1000""#,
    ] {
        const EACH: usize = 3_000;
        let (dir, receiving) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let (middle, file) = (free_port(), receiving.path().join("out"));
        let config = format!(
            r#"module(load="imptcp")
input(type="imptcp" address="127.0.0.1" port="{middle}" compression.mode="stream:always")
template(name="raw" type="string" string="%rawmsg%\n")
action(type="omfile" template="raw" file="{}")
"#,
            file.display()
        );
        let receiver = start(BONGSU, receiving.path(), &config, &[]);
        assert!(wait_for(SOON, || tcp_listens(middle)));
        let (daemon, port) = relay(BONGSU, &dir, middle, mode);
        load(port, EACH).into_iter().for_each(|sender| sender.join().unwrap());
        drop(TcpStream::connect(("127.0.0.1", port)).unwrap());
        let mut tally = Tally::default();
        let arrived = wait_for(SOON, || {
            tally = Tally::default();
            tally.add(&fs::read(&file).unwrap_or_default());
            tally.distinct() == SENDERS * EACH
        });
        assert!(arrived, "{mode}: {:?}", tally.verdict(SENDERS, EACH));
        assert_eq!(tally.verdict(SENDERS, EACH), (0, 0), "{mode}");
        assert!(daemon.stop().status.success());
        assert!(receiver.stop().status.success());
    }
}
