//! Queues through faults: targets that are away, disks that are full, a relay that is stopped or
//! killed. The rows are those of the fault matrix in `docs/reliability.md`.

use std::fs;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpListener;
use std::net::TcpStream;
use std::ops::Range;
use std::path::Path;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::free_port;
use crate::support::number;
use crate::support::process::BONGSU;
use crate::support::process::Daemon;
use crate::support::process::start;
use crate::support::sink::TcpSink;
use crate::support::tcp_listens;
use crate::support::wait_for;

const SOON: Duration = Duration::from_secs(30);
/// Memory of a relay that holds a full queue and what waits for the disk, and no more.
const RSS_KIB_MAX: u64 = 96 << 10;

/// A relay that forwards what comes on its port; `queue` are parameters of the action.
struct Relay<'a> {
    dir: &'a Path,
    port: u16,
    target: u16,
    queue: &'a str,
    more: &'a str,
    /// Seconds that a stop may take.
    time: u32,
}

impl Relay<'_> {
    fn start(&self) -> Daemon {
        self.start_with("omfwd", r#"protocol="tcp""#)
    }

    /// With that output instead, and its own parameters.
    fn start_with(&self, output: &str, own: &str) -> Daemon {
        let Self { dir, port, target, queue, more, time } = self;
        let work = dir.join("work");
        fs::create_dir_all(&work).unwrap();
        let config = format!(
            r#"global(workDirectory="{}" drain.timeout="{time}")
module(load="imtcp")
input(type="imtcp" address="127.0.0.1" port="{port}")
template(name="msg" type="string" string="%msg:2:$%\n")
module(load="omrelp")
action(name="out" type="{output}" target="127.0.0.1" port="{target}" {own}
       template="msg" action.resumeIntervalMax="1" {queue})
{more}
"#,
            work.display()
        );
        let daemon = start(BONGSU, dir, &config, &[]);
        let listens = wait_for(SOON, || tcp_listens(*port));
        assert!(listens, "nothing listens: {}", daemon.stop().stderr);
        daemon
    }
}

/// Sends messages that are numbers, of some 100 bytes each.
fn send(port: u16, numbers: Range<u64>) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let padding = "x".repeat(70);
    let mut block = Vec::new();
    for number in numbers {
        block
            .extend_from_slice(format!("<13>Oct 11 22:14:15 h t: {number} {padding}\n").as_bytes());
        if block.len() > 100_000 {
            stream.write_all(&block).unwrap();
            block.clear();
        }
    }
    stream.write_all(&block).unwrap();
}

/// The numbers that a sink has got, in order.
fn numbers(bytes: &[u8]) -> Vec<u64> {
    let text = std::str::from_utf8(bytes).unwrap();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect()
}

fn sink_at(port: u16) -> TcpSink {
    TcpSink::on(TcpListener::bind(("127.0.0.1", port)).unwrap())
}

fn assert_all(got: &[u64], expected: Range<u64>) {
    let first_wrong = got.iter().zip(expected.clone()).position(|(got, expected)| *got != expected);
    assert_eq!((got.len() as u64, first_wrong), (expected.end - expected.start, None));
}

fn wait_for_count(sink: &TcpSink, count: u64) -> Vec<u64> {
    wait_for(SOON, || {
        let bytes = sink.bytes();
        bytes.iter().filter(|byte| **byte == b'\n').count() as u64 >= count
    });
    numbers(&sink.bytes())
}

fn queue_files(dir: &Path) -> usize {
    let names = fs::read_dir(dir.join("work")).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().ends_with(".seg")).count()
}

/// Row 1.
#[test]
fn a_target_that_comes_up_late_gets_everything_once_and_in_order() {
    let dir = TempDir::new().unwrap();
    let (port, target) = (free_port(), free_port());
    let relay = Relay { dir: dir.path(), port, target, queue: "", more: "", time: 1 };
    let daemon = relay.start();
    send(port, 0..20_000);
    thread::sleep(Duration::from_secs(1));
    let sink = sink_at(target);
    assert_all(&wait_for_count(&sink, 20_000), 0..20_000);
    assert!(daemon.stop().status.success());
}

/// Row 2, with a backlog of some 30 MB; `BONGSU_BACKLOG=20000000` is 2 GB.
#[test]
fn a_backlog_goes_to_disk_and_comes_back() {
    let dir = TempDir::new().unwrap();
    let (port, target) = (free_port(), free_port());
    let queue = r#"queue.filename="q" queue.type="LinkedList""#;
    let relay = Relay { dir: dir.path(), port, target, queue, more: "", time: 1 };
    let daemon = relay.start();
    let count = number("BONGSU_BACKLOG", 300_000) as u64;
    send(port, 0..count);
    assert!(wait_for(SOON, || queue_files(dir.path()) > 0));
    let sink = sink_at(target);
    assert_all(&wait_for_count(&sink, count), 0..count);
    let peak = daemon.peak_rss_kib();
    assert!(peak < RSS_KIB_MAX, "{peak} KiB resident");
    let ended = daemon.stop();
    assert!(
        ended.stderr.contains(&format!("delivered {count}, written to disk")),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains("BUG"), "{}", ended.stderr);
    assert_eq!(queue_files(dir.path()), 0, "what was delivered is still on disk");
}

/// Row 8: the queue may not grow. The sender waits, and what it could not send comes later.
#[test]
fn a_full_disk_holds_the_sender_back_and_loses_nothing() {
    let dir = TempDir::new().unwrap();
    let (port, target) = (free_port(), free_port());
    let queue = r#"queue.filename="q" queue.type="Disk" queue.maxDiskSpace="4m"
                   queue.maxFileSize="1m""#;
    let relay = Relay { dir: dir.path(), port, target, queue, more: "", time: 1 };
    let daemon = relay.start();
    let sender = thread::spawn(move || send(port, 0..300_000));
    thread::sleep(Duration::from_secs(2));
    assert!(!sender.is_finished(), "nothing held it back");
    let sink = sink_at(target);
    assert_all(&wait_for_count(&sink, 300_000), 0..300_000);
    sender.join().unwrap();
    let ended = daemon.stop();
    assert!(ended.stderr.contains("which is its maxDiskSpace"), "{}", ended.stderr);
    assert!(ended.stderr.contains("writes to disk again"), "{}", ended.stderr);
}

/// Rows 10 and 11: killed in the middle of writing. What had rested is there; of the rest a
/// beginning, without holes.
#[test]
fn kill_9_leaves_no_holes() {
    let rounds = number("BONGSU_KILLS", 8) as u64;
    let dir = TempDir::new().unwrap();
    let (port, target) = (free_port(), free_port());
    let queue = r#"queue.filename="q" queue.type="Disk""#;
    let relay = Relay { dir: dir.path(), port, target, queue, more: "", time: 1 };
    let each = 20_000;
    for round in 0..rounds {
        let daemon = relay.start();
        send(port, round * each..(round + 1) * each);
        // Even rounds are killed at some moment, odd ones when everything must be safe.
        let rest = if round % 2 == 1 { 1500 } else { round * 37 % 100 };
        thread::sleep(Duration::from_millis(rest));
        daemon.signal(Signal::KILL);
        drop(daemon.ended());
    }
    let sink = sink_at(target);
    let daemon = relay.start();
    let last = rounds / 2 * 2 * each;
    wait_for(SOON, || numbers(&sink.bytes()).last().is_some_and(|number| number + 1 >= last));
    assert!(daemon.stop().status.success());
    let got = numbers(&sink.bytes());
    for round in 0..rounds {
        let range = round * each..(round + 1) * each;
        let of_round: Vec<u64> = got.iter().copied().filter(|n| range.contains(n)).collect();
        let count = of_round.len() as u64;
        assert_all(&of_round, range.start..range.start + count);
        assert!(round % 2 == 0 || count == each, "round {round}: {count} of {each} were safe");
    }
}

/// Row 17.
#[test]
fn a_stop_with_a_dead_target_saves_what_is_left() {
    let dir = TempDir::new().unwrap();
    let (port, target) = (free_port(), free_port());
    let queue = r#"queue.filename="q" queue.type="LinkedList" queue.size="3000""#;
    let relay = Relay { dir: dir.path(), port, target, queue, more: "", time: 1 };
    for (round, from) in [0, 5000, 10_000].into_iter().enumerate() {
        let daemon = relay.start();
        send(port, from..from + 5000);
        let ended = daemon.stop();
        let saved = (round + 1) * 5000;
        assert!(ended.stderr.contains(&format!("saved to disk {saved}")), "{}", ended.stderr);
        assert!(!ended.stderr.contains("BUG"), "{}", ended.stderr);
    }
    let sink = sink_at(target);
    let daemon = relay.start();
    let mut got = wait_for_count(&sink, 15_000);
    let ended = daemon.stop();
    let told = "has 15000 messages of an earlier run on disk";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
    got.sort_unstable();
    assert_all(&got, 0..15_000);
}

/// A queue whose name was changed, or whose action is gone, is not forgotten in silence.
#[test]
fn files_that_no_action_has_any_more_are_named_at_the_start() {
    let dir = TempDir::new().unwrap();
    let (port, target) = (free_port(), free_port());
    let named = |queue| Relay { dir: dir.path(), port, target, queue, more: "", time: 1 };
    let before = named(r#"queue.filename="before""#);
    let daemon = before.start();
    send(port, 0..100);
    let ended = daemon.stop();
    assert!(ended.stderr.contains("saved to disk 100"), "{}", ended.stderr);
    for queue in [r#"queue.filename="after""#, ""] {
        let ended = named(queue).start().stop();
        let told = ended.stderr.matches("no action delivers what is left of the queue 'before'");
        assert_eq!(told.count(), 1, "{}", ended.stderr);
        assert!(ended.stderr.contains("work/before.*.seg, 1 files)"), "{}", ended.stderr);
        assert!(!ended.stderr.contains("queue 'after'"), "{}", ended.stderr);
    }
    let ended = before.start().stop();
    assert!(!ended.stderr.contains("no action delivers"), "{}", ended.stderr);
}

/// The stop takes as long as the saving, and not its whole time: neither where the target refuses
/// nor where attempts hang, nor where some of the messages may go to another action.
#[test]
fn a_stop_does_not_wait_for_a_target_that_is_away() {
    let more = r#"action(name="next" type="omfwd" target="127.0.0.1" port="9" protocol="tcp"
    action.execOnlyWhenPreviousIsSuspended="on" queue.filename="next" queue.type="Disk")"#;
    // Its backlog is full: what connects to it gets no answer.
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = deaf.local_addr().unwrap();
    rustix::net::listen(&deaf, 0).unwrap();
    let _first = TcpStream::connect(address).unwrap();
    for (target, more) in [(free_port(), ""), (free_port(), more), (address.port(), "")] {
        let dir = TempDir::new().unwrap();
        let port = free_port();
        let queue = r#"queue.filename="q" queue.type="LinkedList""#;
        let relay = Relay { dir: dir.path(), port, target, queue, more, time: 10 };
        let daemon = relay.start();
        send(port, 0..5000);
        thread::sleep(Duration::from_secs(1));
        let before = Instant::now();
        let ended = daemon.stop();
        let took = before.elapsed();
        assert!(took < Duration::from_secs(2), "{took:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("saved to disk 5000"), "{}", ended.stderr);
        assert!(!ended.stderr.contains("BUG"), "{}", ended.stderr);
    }
}

/// Nor for one that has taken a connection and reads nothing from it: what may have arrived there
/// comes once more, and nothing is lost.
#[test]
fn a_stop_does_not_wait_for_a_target_that_says_nothing() {
    for relp in [false, true] {
        let dir = TempDir::new().unwrap();
        let port = free_port();
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = silent.local_addr().unwrap().port();
        let queue = r#"queue.filename="q" queue.type="LinkedList""#;
        let relay = Relay { dir: dir.path(), port, target, queue, more: "", time: 30 };
        let daemon = if relp { relay.start_with("omrelp", "") } else { relay.start() };
        // More than the kernels of both sides take.
        send(port, 0..200_000);
        let (mut peer, _) = silent.accept().unwrap();
        thread::sleep(Duration::from_secs(1));
        let before = Instant::now();
        let ended = daemon.stop();
        let took = before.elapsed();
        assert!(took < Duration::from_secs(5), "{took:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("saved to disk"), "{}", ended.stderr);
        assert!(!ended.stderr.contains("BUG") && !ended.stderr.contains("dropped"), "{ended:?}");
        if relp {
            assert!(ended.stderr.contains("saved to disk 200000"), "{}", ended.stderr);
            continue;
        }
        let mut read = Vec::new();
        peer.read_to_end(&mut read).unwrap();
        drop(silent);
        let sink = sink_at(target);
        let daemon = relay.start();
        assert!(wait_for(SOON, || numbers(&sink.bytes()).last() == Some(&199_999)));
        assert!(daemon.stop().status.success());
        let mut all = [numbers(&read), numbers(&sink.bytes())].concat();
        all.sort_unstable();
        all.dedup();
        assert_all(&all, 0..200_000);
    }
}

/// Row 18, and row 7: another action is not touched by it.
#[test]
fn a_stop_without_a_disk_says_what_is_lost() {
    let dir = TempDir::new().unwrap();
    let (port, target) = (free_port(), free_port());
    let file = dir.path().join("all");
    let more = format!(r#"action(type="omfile" file="{}" template="msg")"#, file.display());
    let relay = Relay { dir: dir.path(), port, target, queue: "", more: &more, time: 1 };
    let daemon = relay.start();
    send(port, 0..7000);
    let ended = daemon.stop();
    assert!(
        ended.stderr.contains("action out: delivered 0, dropped: stop 7000"),
        "{}",
        ended.stderr
    );
    assert_all(&numbers(&fs::read(&file).unwrap()), 0..7000);
}

/// `queue.discardMark` and `queue.timeoutEnqueue`, where they are given, are obeyed and counted.
#[test]
fn what_a_full_queue_is_told_to_drop_is_counted() {
    for (queue, reason) in [
        (r#"queue.discardMark="1000" queue.discardSeverity="5""#, "discardMark"),
        (r#"queue.size="1000" queue.timeoutEnqueue="0""#, "queue full"),
    ] {
        let dir = TempDir::new().unwrap();
        let (port, target) = (free_port(), free_port());
        let queue = format!("queue.type=\"LinkedList\" {queue}");
        let relay = Relay { dir: dir.path(), port, target, queue: &queue, more: "", time: 1 };
        let daemon = relay.start();
        send(port, 0..50_000);
        let ended = daemon.stop();
        let figure = |what: &str| -> u64 {
            let (_, behind) = ended.stderr.split_once(what).unwrap_or_default();
            let digits = behind.chars().take_while(char::is_ascii_digit);
            digits.collect::<String>().parse().unwrap_or(0)
        };
        let dropped = figure(&format!("action out: delivered 0, dropped: {reason} "));
        let left = figure(", dropped: stop ");
        assert_eq!(dropped + left, 50_000, "{}", ended.stderr);
        // A queue takes what was read at once, or nothing of it.
        let exact = reason == "discardMark";
        assert!(if exact { left == 1000 } else { (1000..10_000).contains(&left) }, "{left}");
    }
}

/// A ruleset's queue means its actions; each has files of its own.
#[test]
fn the_main_queue_on_disk_is_a_queue_for_each_action() {
    let dir = TempDir::new().unwrap();
    let (port, target) = (free_port(), free_port());
    let more = r#"main_queue(queue.filename="mainq" queue.type="LinkedList")"#;
    let relay = Relay { dir: dir.path(), port, target, queue: "", more, time: 1 };
    let daemon = relay.start();
    send(port, 0..100);
    let ended = daemon.stop();
    assert!(ended.stderr.contains("saved to disk 100"), "{}", ended.stderr);
    assert!(dir.path().join("work/mainq-out.state").exists());
}

/// While a target is away the next action gets its messages, those that were on their way to it
/// too.
#[test]
fn the_next_action_takes_over() {
    let dir = TempDir::new().unwrap();
    let (port, target) = (free_port(), free_port());
    let file = dir.path().join("instead");
    let other = free_port();
    let more = format!(
        r#"action(name="second" type="omfwd" target="127.0.0.1" port="{other}" protocol="tcp"
       template="msg" action.execOnlyWhenPreviousIsSuspended="on")
action(type="omfile" file="{0}" template="msg" action.execOnlyWhenPreviousIsSuspended="on")
action(type="omfile" file="{0}.never" template="msg" action.execOnlyWhenPreviousIsSuspended="on")"#,
        file.display()
    );
    let relay = Relay { dir: dir.path(), port, target, queue: "", more: &more, time: 1 };
    let daemon = relay.start();
    send(port, 0..1000);
    let lines = || numbers(&fs::read(&file).unwrap_or_default());
    assert!(wait_for(SOON, || lines().len() == 1000), "{} lines", lines().len());
    send(port, 1000..2000);
    assert!(wait_for(SOON, || lines().len() == 2000));
    let sink = sink_at(target);
    // Nothing waits for it, so it is not tried until something does.
    let mut sent = 2000;
    while sink.bytes().is_empty() {
        send(port, sent..sent + 10);
        sent += 10;
        thread::sleep(Duration::from_millis(100));
        assert!(sent < 5000, "it is not used again");
    }
    let ended = daemon.stop();
    assert!(!ended.stderr.contains("BUG"), "{}", ended.stderr);
    let mut all = [lines(), numbers(&sink.bytes())].concat();
    all.sort_unstable();
    assert_all(&all, 0..sent);
    assert!(fs::read(dir.path().join("instead.never")).unwrap_or_default().is_empty());
}

/// A pool whose targets were all away is used again once one is back, although messages went to the
/// next action meanwhile.
#[test]
fn a_pool_takes_its_messages_back_from_the_next_action() {
    let dir = TempDir::new().unwrap();
    let (port, target) = (free_port(), free_port());
    let config = format!(
        r#"module(load="imtcp")
input(type="imtcp" address="127.0.0.1" port="{port}")
template(name="msg" type="string" string="%msg:2:$%\n")
action(type="omfwd" target=["127.0.0.1", "localhost"] port="{target}" protocol="tcp"
       template="msg" action.resumeInterval="1")
action(type="omfile" file="{}" template="msg" action.execOnlyWhenPreviousIsSuspended="on")
"#,
        dir.path().join("instead").display()
    );
    let daemon = start(BONGSU, dir.path(), &config, &[]);
    assert!(wait_for(SOON, || tcp_listens(port)));
    let lines = || numbers(&fs::read(dir.path().join("instead")).unwrap_or_default());
    send(port, 0..100);
    assert!(wait_for(SOON, || lines().len() == 100), "{} lines", lines().len());
    let sink = sink_at(target);
    let mut sent = 100;
    while sink.bytes().is_empty() {
        send(port, sent..sent + 10);
        sent += 10;
        thread::sleep(Duration::from_millis(100));
        assert!(sent < 2000, "it is not used again");
    }
    let ended = daemon.stop();
    assert!(!ended.stderr.contains("BUG"), "{}", ended.stderr);
    let mut all = [lines(), numbers(&sink.bytes())].concat();
    all.sort_unstable();
    assert_all(&all, 0..sent);
}
