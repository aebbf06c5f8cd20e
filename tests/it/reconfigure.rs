//! `bongsu reload`, SIGUSR2 and SIGHUP: the relay goes over to another configuration, and what did
//! not change in it goes on.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::net::TcpStream;
use std::net::UdpSocket;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::free_port;
use crate::support::process::BONGSU;
use crate::support::process::Daemon;
use crate::support::process::command;
use crate::support::process::said;
use crate::support::process::start;
use crate::support::process::start_aside;
use crate::support::process::write_config;
use crate::support::sink::TcpSink;
use crate::support::tcp_listens;
use crate::support::wait_for;

const SOON: Duration = Duration::from_secs(20);

/// How long, and how fast, messages stream through changes. A run of ten minutes sets
/// `BONGSU_RELOAD_SECONDS`.
const SECONDS: u64 = 3;
const RATE: u64 = 100_000;
/// Between two changes.
const CHANGE: Duration = Duration::from_millis(100);

fn input(port: u16) -> String {
    format!("input(type=\"imtcp\" address=\"127.0.0.1\" port=\"{port}\")\n")
}

/// An imtcp on `port`, and what is behind it.
fn tcp_relay(port: u16, rest: &str) -> String {
    format!("module(load=\"imtcp\")\n{}{rest}", input(port))
}

fn to_file(dir: &TempDir, file: &str, prefix: &str) -> String {
    let path = dir.path().join(file);
    format!(
        "template(name=\"{prefix}\" type=\"string\" string=\"{prefix}%msg%\\n\")\n\
         action(type=\"omfile\" file=\"{}\" template=\"{prefix}\")\n",
        path.display()
    )
}

fn started(dir: &TempDir, config: &str, port: u16) -> Daemon {
    let daemon = start(BONGSU, dir.path(), config, &[]);
    assert!(wait_for(SOON, || tcp_listens(port)), "nothing listens: {}", daemon.stop().stderr);
    daemon
}

/// In one step: a relay that reads meanwhile sees the old one or the new one.
fn replace(dir: &TempDir, config: &str) {
    let new = dir.path().join("new.conf");
    fs::write(&new, config).unwrap();
    fs::rename(new, dir.path().join("relay.conf")).unwrap();
}

fn ask(dir: &Path, args: &[&str]) -> (Option<i32>, String) {
    let Output { status, stderr, .. } =
        command(BONGSU, dir).arg("reload").args(args).output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

/// Writes `config` and has it read.
fn reload(dir: &TempDir, config: &str) -> (Option<i32>, String) {
    write_config(dir.path(), config);
    ask(dir.path(), &["-i", "pid"])
}

fn send(stream: &mut TcpStream, text: &str) {
    stream.write_all(format!("<13>Nov 22 10:00:00 host tag:{text}\n").as_bytes()).unwrap();
}

fn arrives(dir: &TempDir, file: &str, text: &str) {
    let path = dir.path().join(file);
    let read = || fs::read_to_string(&path).unwrap_or_default();
    assert!(wait_for(SOON, || read() == text), "{file}: {:?}, not {text:?}", read());
}

fn open_files(daemon: &Daemon) -> usize {
    fs::read_dir(format!("/proc/{}/fd", daemon.pid())).unwrap().count()
}

#[test]
fn connections_go_on_under_the_new_rules() {
    let (dir, port) = (TempDir::new().unwrap(), free_port());
    let daemon = started(&dir, &tcp_relay(port, &to_file(&dir, "out", "A")), port);
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    send(&mut stream, " one");
    arrives(&dir, "out", "A one\n");
    // Another template, another ruleset, another name of the input.
    let other = format!(
        "module(load=\"imtcp\")\ninput(type=\"imtcp\" address=\"127.0.0.1\" port=\"{port}\" \
         ruleset=\"r\" name=\"renamed\")\nruleset(name=\"other\") {{ stop }}\n\
         template(name=\"B\" type=\"string\" string=\"B%inputname%%msg%\\n\")\n\
         ruleset(name=\"r\") {{ action(type=\"omfile\" file=\"{}\" template=\"B\") }}\n",
        dir.path().join("other").display()
    );
    let (status, said) = reload(&dir, &other);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("inputs 1 kept, 0 new, 0 gone; actions 0 kept, 1 new, 1 gone"), "{said}");
    send(&mut stream, " two");
    arrives(&dir, "other", "Brenamed two\n");
    let ended = daemon.stop();
    assert!(ended.stderr.contains("input renamed"), "{}", ended.stderr);
    assert!(ended.stderr.contains("connections 2"), "the probe's and ours: {}", ended.stderr);
    assert!(ended.stderr.contains("in 2: to actions 2; out 2: delivered 2\n"), "{}", ended.stderr);
    assert!(ended.stderr.contains("reloads 1, of which 0"), "{}", ended.stderr);
    assert_eq!(fs::read_to_string(dir.path().join("out")).unwrap(), "A one\n");
}

/// What counts and is as it was goes on; what is not begins anew.
#[test]
fn counters_go_on() {
    let (dir, port) = (TempDir::new().unwrap(), free_port());
    let stats = dir.path().join("stats");
    let config = |more: &str, window: u32| {
        tcp_relay(
            port,
            &format!(
                "module(load=\"impstats\" interval=\"1\" log.syslog=\"off\" format=\"json\" \
                 log.file=\"{}\")\nmodule(load=\"mmsequence\")\n\
                 dyn_stats(name=\"kept\" resettable=\"off\")\n\
                 percentile_stats(name=\"ps\" percentiles=[\"50\"] windowSize=\"{window}\")\n\
                 set $.d = dyn_inc(\"kept\", \"n\");\n\
                 set $.p = percentile_observe(\"ps\", \"v\", 7);\n\
                 action(type=\"mmsequence\" mode=\"key\" key=\"k\" var=\"$!key\")\n\
                 action(type=\"mmsequence\" from=\"{window}\" var=\"$!own\")\n\
                 action(type=\"mmsequence\" var=\"$!second\")\n{more}\
                 template(name=\"N\" type=\"string\" string=\"%$!key% %$!own% %$!second%\\n\")\n\
                 action(type=\"omfile\" file=\"{}\" template=\"N\")\n",
                stats.display(),
                dir.path().join("out").display()
            ),
        )
    };
    let daemon = started(&dir, &config("", 100), port);
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    send(&mut stream, " one");
    send(&mut stream, " two");
    arrives(&dir, "out", "0 100 0\n1 101 1\n");
    let (status, said) = reload(&dir, &config("set $.more = 1;\n", 100));
    assert_eq!(status, Some(0), "{said}");
    send(&mut stream, " three");
    arrives(&dir, "out", "0 100 0\n1 101 1\n2 102 2\n");
    let (status, said) = reload(&dir, &config("", 200));
    assert_eq!(status, Some(0), "{said}");
    send(&mut stream, " four");
    arrives(&dir, "out", "0 100 0\n1 101 1\n2 102 2\n3 200 3\n");
    let shown = |text: &str| {
        let read = || fs::read_to_string(&stats).unwrap_or_default();
        assert!(wait_for(SOON, || read().contains(text)), "{text}: {}", read());
    };
    shown("\"name\": \"kept\", \"origin\": \"dynstats.bucket\", \"values\": { \"n\": 4 }");
    shown("\"kept.new_metric_add\": 1,");
    // It observes in another way, and knows one value.
    shown("\"v.window_sum\": 7, \"v.window_count\": 1 }");
    drop(stream);
    assert!(daemon.stop().status.success());
}

/// SIGHUP reads the files that rate limits are in; a wrong one changes nothing.
#[test]
fn policies_of_rate_limits_are_read_again() {
    let (dir, port) = (TempDir::new().unwrap(), free_port());
    let policy = dir.path().join("policy.yaml");
    fs::write(&policy, "interval: 3600\nburst: 2\n").unwrap();
    let config = format!(
        "ratelimit(name=\"l\" policy=\"{}\")\nmodule(load=\"imtcp\")\n\
         input(type=\"imtcp\" address=\"127.0.0.1\" port=\"{port}\" rateLimit.name=\"l\")\n{}",
        policy.display(),
        to_file(&dir, "out", "A")
    );
    write_config(dir.path(), &config);
    let daemon = start_aside(dir.path(), "relay.conf");
    assert!(wait_for(SOON, || tcp_listens(port)), "nothing listens: {}", said(dir.path()));
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let hears = |text: &str| {
        assert!(wait_for(SOON, || said(dir.path()).contains(text)), "{}", said(dir.path()));
    };
    for text in [" 1", " 2", " 3"] {
        send(&mut stream, text);
    }
    hears("begin to drop messages due to rate-limiting");
    fs::write(&policy, "interval: 3600\nburst: many\n").unwrap();
    daemon.signal(Signal::HUP);
    hears("ratelimit 'l' goes on by the policy it had: ");
    hears("burst: 'many' is no number");
    send(&mut stream, " 4");
    fs::write(&policy, "interval: 3600\nburst: 4\n").unwrap();
    daemon.signal(Signal::HUP);
    hears("ratelimit 'l' goes by its new policy");
    hears(" messages lost due to rate-limiting (2 allowed within 3600 seconds)");
    for text in [" 5", " 6", " 7"] {
        send(&mut stream, text);
    }
    arrives(&dir, "out", "A 1\nA 2\nA 5\nA 6\n");
    // A reload finds the limit as it is now, and lets it go on.
    let (status, told) = ask(dir.path(), &["--pid", &daemon.pid().to_string()]);
    assert_eq!(status, Some(0), "{told}");
    send(&mut stream, " 8");
    send(&mut stream, " 9");
    drop(stream);
    assert!(daemon.stop().status.success());
    arrives(&dir, "out", "A 1\nA 2\nA 5\nA 6\n");
}

#[test]
fn a_configuration_with_errors_changes_nothing() {
    let (dir, port) = (TempDir::new().unwrap(), free_port());
    let config = tcp_relay(port, &to_file(&dir, "out", "A"));
    let daemon = started(&dir, &config, port);
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let bad = config.replace("string=\"A", "string=\"B") + "action(type=\"omfile\" fiel=\"/x\")\n";
    let (status, said) = reload(&dir, &bad);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("relay.conf:5:22") && said.contains("'fiel'"), "{said}");
    assert!(said.contains("was not reloaded, the one before goes on: it has"), "{said}");
    fs::remove_file(dir.path().join("relay.conf")).unwrap();
    let (status, said) = ask(dir.path(), &["--pid", &daemon.pid().to_string()]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("could not open config file"), "{said}");
    send(&mut stream, " still");
    arrives(&dir, "out", "A still\n");
    let ended = daemon.stop();
    assert!(ended.stderr.contains("reloads 2, of which 2 changed nothing"), "{}", ended.stderr);
    assert!(ended.stderr.contains("relay.conf:5:22"), "{}", ended.stderr);
}

#[test]
fn who_is_no_bongsu_gets_no_signal() {
    let dir = TempDir::new().unwrap();
    let mut other = command("sleep", dir.path()).arg("100").spawn().unwrap();
    let pid = other.id().to_string();
    let (status, said) = ask(dir.path(), &["--pid", &pid]);
    assert_eq!(status, Some(1));
    assert!(said.contains("it is no bongsu that knows reloads"), "{said}");
    assert!(other.try_wait().unwrap().is_none(), "it was ended");
    other.kill().unwrap();
    other.wait().unwrap();
    let (status, said) = ask(dir.path(), &["--pid", &pid]);
    assert_eq!(status, Some(1));
    assert!(said.contains(&format!("there is no process {pid}")), "{said}");
    let (status, said) = ask(dir.path(), &["-i", "nowhere"]);
    assert_eq!(status, Some(1));
    assert!(said.contains("pid file 'nowhere'"), "{said}");
}

#[test]
fn what_waits_in_a_queue_stays_there() {
    let (dir, port, target) = (TempDir::new().unwrap(), free_port(), free_port());
    let forward = |name: &str| {
        format!(
            "template(name=\"F\" type=\"string\" string=\"%msg%\\n\")\naction({name} \
             type=\"omfwd\" target=\"127.0.0.1\" port=\"{target}\" protocol=\"tcp\" \
             template=\"F\" action.resumeInterval=\"1\")\n"
        )
    };
    let daemon = started(&dir, &tcp_relay(port, &forward("")), port);
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    for n in 0..100 {
        send(&mut stream, &n.to_string());
    }
    thread::sleep(Duration::from_millis(300));
    // Behind another action and under another name it is the same one.
    let rest = to_file(&dir, "out", "A") + &forward("name=\"collector\"");
    let (status, said) = reload(&dir, &tcp_relay(port, &rest));
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("actions 1 kept, 1 new, 0 gone"), "{said}");
    for n in 100..200 {
        send(&mut stream, &n.to_string());
    }
    let listener = TcpListener::bind(("127.0.0.1", target)).unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    let expected: String = (0..200).map(|n| format!("{n}\n")).collect();
    let mut received = vec![0; expected.len()];
    std::io::Read::read_exact(&mut peer, &mut received).unwrap();
    assert_eq!(String::from_utf8(received).unwrap(), expected);
    let ended = daemon.stop();
    let line = "action collector: delivered 200";
    assert!(ended.stderr.contains(line), "{}", ended.stderr);
}

#[test]
fn an_action_that_is_gone_delivers_what_it_has() {
    let (dir, port, target) = (TempDir::new().unwrap(), free_port(), free_port());
    let forward = format!(
        "action(name=\"gone\" type=\"omfwd\" target=\"127.0.0.1\" port=\"{target}\" \
         protocol=\"tcp\" action.resumeInterval=\"1\")\n"
    );
    let daemon = started(&dir, &tcp_relay(port, &forward), port);
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    send(&mut stream, " one");
    thread::sleep(Duration::from_millis(300));
    let (status, said) = reload(&dir, &tcp_relay(port, &to_file(&dir, "out", "A")));
    assert_eq!(status, Some(0), "{said}");
    send(&mut stream, " two");
    arrives(&dir, "out", "A two\n");
    let listener = TcpListener::bind(("127.0.0.1", target)).unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    let mut received = String::new();
    // It closes the connection when it has said all.
    std::io::Read::read_to_string(&mut peer, &mut received).unwrap();
    assert!(received.contains("tag: one") && !received.contains("two"), "{received}");
    let ended = daemon.stop();
    assert!(ended.stderr.contains("action gone: delivered 1"), "{}", ended.stderr);
    assert!(ended.stderr.contains("in 2: to actions 2; out 2: delivered 2\n"), "{}", ended.stderr);
}

#[test]
fn inputs_come_and_go_and_change_their_sockets() {
    let (dir, port, second) = (TempDir::new().unwrap(), free_port(), free_port());
    let file = to_file(&dir, "out", "A");
    let daemon = started(&dir, &tcp_relay(port, &file), port);
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    send(&mut stream, " first");
    arrives(&dir, "out", "A first\n");
    // The port is another one, and there is UDP: what was sent to the old one is taken in.
    send(&mut stream, " last");
    let udp = format!(
        "module(load=\"imudp\")\ninput(type=\"imudp\" address=\"127.0.0.1\" port=\"{second}\")\n"
    );
    let (status, said) = reload(&dir, &tcp_relay(second, &(udp + &file)));
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("inputs 0 kept, 2 new, 1 gone; actions 1 kept, 0 new, 0 gone"), "{said}");
    arrives(&dir, "out", "A first\nA last\n");
    assert!(!tcp_listens(port) && tcp_listens(second));
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(b"<13>tag: datagram", ("127.0.0.1", second)).unwrap();
    arrives(&dir, "out", "A first\nA last\nA datagram\n");
    // The same port with other options: it is closed before it is opened.
    let config = format!(
        "module(load=\"imtcp\")\ninput(type=\"imtcp\" address=\"127.0.0.1\" port=\"{second}\" \
         socketBacklog=\"7\")\n{file}"
    );
    let (status, said) = reload(&dir, &config);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("inputs 0 kept, 1 new, 2 gone"), "{said}");
    let mut stream = TcpStream::connect(("127.0.0.1", second)).unwrap();
    send(&mut stream, " again");
    arrives(&dir, "out", "A first\nA last\nA datagram\nA again\n");
    let ended = daemon.stop();
    assert!(ended.stderr.contains("in 4: to actions 4; out 4: delivered 4\n"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("cannot listen"), "{}", ended.stderr);
}

#[test]
fn what_takes_a_restart_is_said() {
    let (dir, port) = (TempDir::new().unwrap(), free_port());
    let config = tcp_relay(port, &to_file(&dir, "out", "A"));
    let daemon = started(&dir, &config, port);
    for _ in 0..2 {
        let (status, said) = reload(&dir, &format!("global(shards=\"7\")\n{config}"));
        assert_eq!(status, Some(0), "{said}");
        assert!(said.contains("shards has changed, which takes a restart"), "{said}");
    }
    let (_, said) = reload(&dir, &config);
    assert!(!said.contains("restart"), "{said}");
    drop(daemon);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let (dir, port, target) = (TempDir::new().unwrap(), free_port(), free_port());
    let forward =
        format!("action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{target}\" protocol=\"tcp\")\n");
    let daemon = started(&dir, &tcp_relay(port, &forward), port);
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    send(&mut stream, " one");
    thread::sleep(Duration::from_millis(300));
    daemon.signal(Signal::TERM);
    thread::sleep(Duration::from_millis(500));
    let asked = Instant::now();
    daemon.signal(Signal::INT);
    let ended = daemon.ended();
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    assert!(ended.status.success());
    assert!(ended.stderr.contains("ends at once on signal 2"), "{}", ended.stderr);
    assert!(ended.stderr.contains("dropped: stop 1"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("BUG"), "{}", ended.stderr);
}

/// A sender that keeps to a rate, until it is told to stop; returns how many it sent.
fn stream_numbers(port: u16, stop: &AtomicBool) -> u64 {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let (begin, mut sent) = (Instant::now(), 0);
    let mut lines = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let due = u64::try_from(begin.elapsed().as_millis()).unwrap() * RATE / 1000;
        lines.clear();
        for n in sent..due.max(sent) {
            writeln!(lines, "<13>Nov 22 10:00:00 host tag:{n}").unwrap();
        }
        stream.write_all(&lines).unwrap();
        sent = due.max(sent);
        thread::sleep(Duration::from_millis(2));
    }
    sent
}

/// SIGHUP, a reload, a reload of a broken configuration, and so on, while messages stream through:
/// each arrives once and in order, nothing is left open, and memory does not grow.
#[test]
fn changes_ten_times_a_second_cost_no_message() {
    let seconds = std::env::var("BONGSU_RELOAD_SECONDS");
    let seconds = seconds.map_or(SECONDS, |text| text.parse().unwrap());
    let (dir, port) = (TempDir::new().unwrap(), free_port());
    let sink = TcpSink::new();
    let config = |n: u64| {
        let forward = format!(
            "template(name=\"F\" type=\"string\" string=\"%msg%\\n\")\naction(type=\"omfwd\" \
             target=\"127.0.0.1\" port=\"{}\" protocol=\"tcp\" template=\"F\")\n",
            sink.port
        );
        // An action that comes and goes, in front of the one that stays.
        let path = dir.path().join("other");
        let other = format!(
            "if $msg contains 'x' then action(type=\"omfile\" file=\"{}\" name=\"{n}\" \
             fileCreateMode=\"06{:02o}\")\n",
            path.display(),
            n % 32
        );
        tcp_relay(port, &format!("{other}{forward}"))
    };
    write_config(dir.path(), &config(0));
    let daemon = start_aside(dir.path(), "relay.conf");
    assert!(wait_for(SOON, || tcp_listens(port)), "nothing listens");
    let stop = Arc::new(AtomicBool::new(false));
    let sender = {
        let stop = Arc::clone(&stop);
        thread::spawn(move || stream_numbers(port, &stop))
    };
    let begin = Instant::now();
    let (mut n, mut curve) = (0, BTreeMap::new());
    while begin.elapsed() < Duration::from_secs(seconds) {
        n += 1;
        match n % 3 {
            0 => daemon.signal(Signal::HUP),
            1 => {
                replace(&dir, &config(n));
                daemon.signal(Signal::USR2);
            }
            _ => {
                replace(&dir, "this is no configuration\n");
                daemon.signal(Signal::USR2);
            }
        }
        thread::sleep(CHANGE);
        curve.insert(begin.elapsed().as_secs(), (daemon.rss_kib(), open_files(&daemon)));
    }
    stop.store(true, Ordering::Relaxed);
    let sent = sender.join().unwrap();
    let ended = daemon.stop();
    assert!(ended.status.success());
    let bytes = sink.bytes();
    let mut next = 0;
    for line in bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
        assert_eq!(line, next.to_string().as_bytes(), "of {sent}");
        next += 1;
    }
    assert_eq!(next, sent, "lost");
    let said = said(dir.path());
    assert!(n > seconds * 5, "{n} changes in {seconds} s");
    assert!(said.contains("was reloaded") && said.contains("changed nothing"), "{said}");
    println!("{curve:?}");
    let files: Vec<usize> = curve.values().map(|(_, files)| *files).collect();
    let (first, last) = (files[0], files[files.len() - 1]);
    // Outputs that were retired last may still be closing their file.
    assert!(last <= first + 4, "open files: {files:?}");
}
