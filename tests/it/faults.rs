//! What must hold when the surroundings fail: slow receivers, many silent connections, no file
//! descriptors left.

use std::fs;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Write as _;
use std::net::TcpListener;
use std::net::TcpStream;
use std::net::UdpSocket;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use regex::Regex;
use rustix::process::Resource;
use rustix::process::Rlimit;
use rustix::process::Signal;
use rustix::process::getrlimit;
use rustix::process::setrlimit;
use socket2::SockRef;
use tempfile::TempDir;

use crate::support::free_port;
use crate::support::process::BONGSU;
use crate::support::process::Daemon;
use crate::support::process::command;
use crate::support::process::start;
use crate::support::process::write_config;
use crate::support::tcp_listens;
use crate::support::udp_listens;
use crate::support::wait_for;
use crate::support::wait_quiet;

const SOON: Duration = Duration::from_secs(20);
/// Kernel buffers of the test's own sockets: small, so that what is buffered is the relay's.
const SOCKET_BYTES: usize = 64 << 10;
/// More than all buffers between sender and sink can hold.
const STALLED_MESSAGES: u64 = 120_000;
const MESSAGE_PADDING: usize = 900;
const STALLED_RSS_KIB_MAX: u64 = 128 << 10;
/// The same with 200 connections: one read of each would be 50 MiB more.
const CROWD_RSS_KIB_MAX: u64 = 48 << 10;
const IDLE_CONNECTIONS: usize = 2_000;
const IDLE_RSS_BYTES_MAX: u64 = 8 << 10;

fn listening(daemon: Daemon, port: u16) -> Daemon {
    assert!(wait_for(SOON, || tcp_listens(port)), "nothing listens: {}", daemon.stop().stderr);
    daemon
}

fn connect(port: u16) -> TcpStream {
    TcpStream::connect(("127.0.0.1", port)).unwrap()
}

fn lines(file: &Path) -> usize {
    fs::read_to_string(file).unwrap_or_default().lines().count()
}

#[test]
fn a_sink_that_does_not_read_stops_the_sender_and_loses_nothing() {
    let dir = TempDir::new().unwrap();
    let port = free_port();
    let sink = TcpListener::bind("127.0.0.1:0").unwrap();
    SockRef::from(&sink).set_recv_buffer_size(SOCKET_BYTES).unwrap();
    let target = sink.local_addr().unwrap().port();
    let config = format!(
        r#"module(load="imtcp")
input(type="imtcp" address="127.0.0.1" port="{port}")
template(name="msg" type="string" string="%msg%\n")
action(type="omfwd" target="127.0.0.1" port="{target}" protocol="tcp" template="msg")
"#
    );
    let daemon = listening(start(BONGSU, dir.path(), &config, &[]), port);
    let stream = connect(port);
    SockRef::from(&stream).set_send_buffer_size(SOCKET_BYTES).unwrap();
    let sent = Arc::new(AtomicU64::new(0));
    let sender = {
        let sent = Arc::clone(&sent);
        thread::spawn(move || send_numbered(stream, &sent))
    };

    // The sink has accepted nothing yet: the sender must come to a halt before its end.
    let stalled = wait_quiet(Duration::from_secs(2), SOON, || sent.load(Ordering::Relaxed));
    assert!(stalled < STALLED_MESSAGES, "no back-pressure: everything was taken in");
    let peak = daemon.peak_rss_kib();
    assert!(peak <= STALLED_RSS_KIB_MAX, "{peak} KiB resident with a sink that does not read");

    let (stream, _) = sink.accept().unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let mut got = BufReader::new(stream).lines();
    for number in 0..STALLED_MESSAGES {
        let line = got.next().unwrap().unwrap();
        let (id, _) = line.trim_start().split_once(' ').unwrap();
        assert_eq!(id.parse(), Ok(number), "lost, repeated or out of order");
    }
    sender.join().unwrap();
    let ended = daemon.stop();
    assert!(ended.status.success(), "{}\n{}", ended.status, ended.stderr);
}

fn send_numbered(mut stream: TcpStream, sent: &AtomicU64) {
    let padding = "x".repeat(MESSAGE_PADDING);
    for number in 0..STALLED_MESSAGES {
        let line = format!("<13>Oct 11 22:14:15 h t: {number} {padding}\n");
        stream.write_all(line.as_bytes()).unwrap();
        sent.store(number + 1, Ordering::Relaxed);
    }
}

/// A socket that listens and, as long as nobody accepts, takes next to nothing.
fn deaf_sink() -> (TcpListener, u16) {
    let sink = TcpListener::bind("127.0.0.1:0").unwrap();
    SockRef::from(&sink).set_recv_buffer_size(SOCKET_BYTES).unwrap();
    let port = sink.local_addr().unwrap().port();
    (sink, port)
}

/// Sends on all `streams` until none of them takes any more for a while.
fn fill_up(streams: &mut [TcpStream]) {
    let line = format!("<13>Oct 11 22:14:15 h t: {}\n", "x".repeat(MESSAGE_PADDING));
    let block = line.repeat(400);
    for stream in &*streams {
        stream.set_nonblocking(true).unwrap();
        SockRef::from(stream).set_send_buffer_size(SOCKET_BYTES).unwrap();
    }
    let mut quiet = 0;
    while quiet < 20 {
        quiet += 1;
        for stream in &mut *streams {
            // A part of a line may have been taken: what it belongs to is not looked at.
            if stream.write(block.as_bytes()).is_ok() {
                quiet = 0;
            }
        }
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn many_connections_wait_for_a_full_output_with_one_read_in_memory() {
    let dir = TempDir::new().unwrap();
    let port = free_port();
    let (_sink, target) = deaf_sink();
    let config = format!(
        r#"global(drain.timeout="1")
module(load="imtcp" maxSessions="1000")
input(type="imtcp" address="127.0.0.1" port="{port}")
action(type="omfwd" target="127.0.0.1" port="{target}" protocol="tcp")
"#
    );
    let daemon = listening(start(BONGSU, dir.path(), &config, &[]), port);
    let mut streams: Vec<_> = (0..200).map(|_| connect(port)).collect();
    thread::sleep(Duration::from_millis(300));
    fill_up(&mut streams);
    let peak = daemon.peak_rss_kib();
    assert!(peak <= CROWD_RSS_KIB_MAX, "{peak} KiB resident");
    let ended = daemon.stop();
    assert!(!ended.stderr.contains("BUG"), "{}", ended.stderr);
}

/// Both outputs are full; one recovers. It must get what waits for it, and what others send to it
/// alone.
#[test]
fn a_dead_output_does_not_stall_another() {
    let dir = TempDir::new().unwrap();
    let (port, other_port) = (free_port(), free_port());
    let ((_dead, dead_port), (slow, slow_port)) = (deaf_sink(), deaf_sink());
    let config = format!(
        r#"global(drain.timeout="1")
module(load="imtcp")
ruleset(name="both") {{
  action(type="omfwd" target="127.0.0.1" port="{dead_port}" protocol="tcp")
  call slow
}}
ruleset(name="slow") {{
  action(type="omfwd" target="127.0.0.1" port="{slow_port}" protocol="tcp")
}}
input(type="imtcp" address="127.0.0.1" port="{port}" ruleset="both")
input(type="imtcp" address="127.0.0.1" port="{other_port}" ruleset="slow")
"#
    );
    let _daemon = listening(start(BONGSU, dir.path(), &config, &[]), other_port);
    let mut streams: Vec<_> = (0..8).map(|_| connect(port)).collect();
    fill_up(&mut streams);

    let (slow, _) = slow.accept().unwrap();
    slow.set_read_timeout(Some(SOON)).unwrap();
    // One for each shard at least.
    let others: Vec<_> = (0..4).map(|_| connect(other_port)).collect();
    for mut other in others {
        writeln!(other, "<13>Oct 11 22:14:15 h other: alive").unwrap();
    }
    let mut lines = BufReader::new(slow).lines();
    let mut alive = 0;
    while alive < 4 {
        let line = lines.next().expect("it ended").expect("nothing comes any more");
        alive += usize::from(line.contains("other: alive"));
    }
}

/// Of a burst that overflows the socket's buffer, and after which nothing comes, each message is
/// received or counted as dropped.
#[test]
fn datagrams_that_the_kernel_drops_are_counted_without_another_one() {
    // Fewer than the loopback device queues (net.core.netdev_max_backlog), where drops are not
    // the socket's.
    const DATAGRAMS: u64 = 500;
    let dir = TempDir::new().unwrap();
    let port = free_port();
    let config = format!(
        r#"module(load="imudp")
input(type="imudp" address="127.0.0.1" port="{port}" rcvbufSize="8192")
action(type="omfile" file="{}")
"#,
        dir.path().join("out").display()
    );
    let daemon = start(BONGSU, dir.path(), &config, &[]);
    assert!(wait_for(SOON, || udp_listens(port)), "nothing listens: {}", daemon.stop().stderr);
    daemon.signal(Signal::STOP);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for _ in 0..DATAGRAMS {
        socket.send_to(&[b'x'; 500], ("127.0.0.1", port)).unwrap();
    }
    daemon.signal(Signal::CONT);
    let said = daemon.stop().stderr;
    let number = |pattern: &str| -> u64 {
        let found =
            Regex::new(pattern).unwrap().captures(&said).unwrap_or_else(|| panic!("{said}"));
        found[1].parse().unwrap()
    };
    let (received, dropped) = (number(r"received (\d+)"), number(r"dropped by the kernel (\d+)"));
    assert_eq!(received + dropped, DATAGRAMS, "{said}");
}

/// Whoever connected, sent and left before the stop has been promised that it arrives.
#[test]
fn a_stop_takes_in_what_the_kernel_has_accepted() {
    let dir = TempDir::new().unwrap();
    let (port, out) = (free_port(), dir.path().join("out"));
    let config = format!(
        r#"module(load="imtcp" maxSessions="1000")
input(type="imtcp" address="127.0.0.1" port="{port}")
action(type="omfile" file="{}")
"#,
        out.display()
    );
    let daemon = listening(start(BONGSU, dir.path(), &config, &[]), port);
    let mut early = connect(port);
    writeln!(early, "<13>Oct 11 22:14:15 h t: early").unwrap();
    assert!(wait_for(SOON, || lines(&out) == 1));
    daemon.signal(Signal::STOP);
    for number in 0..300 {
        writeln!(connect(port), "<13>Oct 11 22:14:15 h t: {number}").unwrap();
    }
    writeln!(early, "<13>Oct 11 22:14:15 h t: late").unwrap();
    daemon.signal(Signal::TERM);
    daemon.signal(Signal::CONT);
    let ended = daemon.ended();
    assert_eq!(lines(&out), 302, "{}", ended.stderr);
}

#[test]
fn a_silent_connection_costs_little() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    let dir = TempDir::new().unwrap();
    let (port, out) = (free_port(), dir.path().join("out"));
    let config = format!(
        r#"module(load="imtcp" maxSessions="10000")
input(type="imtcp" address="127.0.0.1" port="{port}")
action(type="omfile" file="{}")
"#,
        out.display()
    );
    // Without names: a look-up has descriptors of its own for a moment.
    let daemon = listening(start(BONGSU, dir.path(), &config, &["-x"]), port);
    let descriptors = || fs::read_dir(format!("/proc/{}/fd", daemon.pid())).unwrap().count();
    let open = |count: usize| {
        // A thread that starts has one for a moment.
        let before = wait_quiet(Duration::from_millis(100), SOON, descriptors);
        let connections: Vec<_> = (0..count).map(|_| connect(port)).collect();
        assert!(
            wait_for(SOON, || descriptors() >= before + count),
            "{} of {} descriptors",
            descriptors(),
            before + count
        );
        connections
    };
    // The first ones pay for what is allocated once.
    let mut connections = open(100);
    let before = daemon.rss_kib();
    connections.extend(open(IDLE_CONNECTIONS));
    let grown = daemon.rss_kib().saturating_sub(before) * 1024;
    let each = grown / u64::try_from(IDLE_CONNECTIONS).unwrap();
    assert!(each <= IDLE_RSS_BYTES_MAX, "{each} bytes a connection");

    // And each of them still works.
    for mut connection in connections.iter().step_by(500) {
        writeln!(connection, "<13>Oct 11 22:14:15 h t: awake").unwrap();
    }
    let expected = connections.len().div_ceil(500);
    assert!(wait_for(SOON, || lines(&out) == expected), "{} of {expected}", lines(&out));
}

#[test]
fn no_descriptors_left_is_no_end() {
    let dir = TempDir::new().unwrap();
    let (port, out) = (free_port(), dir.path().join("out"));
    let config = format!(
        r#"module(load="imtcp" maxSessions="1000")
input(type="imtcp" address="127.0.0.1" port="{port}")
action(type="omfile" file="{}")
"#,
        out.display()
    );
    let file = write_config(dir.path(), &config);
    let mut limited = command("sh", dir.path());
    limited.args(["-c", "ulimit -n 64; exec \"$0\" \"$@\"", BONGSU, "-n", "-i", "pid", "-f"]);
    let mut daemon = listening(Daemon::spawn(limited.arg(file)), port);

    let mut first = connect(port);
    writeln!(first, "<13>Oct 11 22:14:15 h t: before").unwrap();
    assert!(wait_for(SOON, || lines(&out) == 1));
    let crowd: Vec<_> = (0..200).map(|_| connect(port)).collect();
    thread::sleep(Duration::from_millis(300));
    writeln!(first, "<13>Oct 11 22:14:15 h t: in the crowd").unwrap();
    assert!(wait_for(SOON, || lines(&out) == 2), "an existing connection suffered");
    assert!(daemon.running());

    drop(crowd);
    let mut late = connect(port);
    writeln!(late, "<13>Oct 11 22:14:15 h t: afterwards").unwrap();
    assert!(wait_for(SOON, || lines(&out) == 3), "it does not recover");
    let ended = daemon.stop();
    assert!(ended.status.success(), "{}\n{}", ended.status, ended.stderr);
}
