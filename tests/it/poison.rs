//! Messages that make the parser, the rules or a template panic: each is set aside, and all others
//! arrive. The panic is one that only debug builds have, and only when they are asked for it.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::net::UdpSocket;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::free_port;
use crate::support::process::BONGSU;
use crate::support::process::Daemon;
use crate::support::process::Ended;
use crate::support::process::command;
use crate::support::process::write_config;
use crate::support::sink::TcpSink;
use crate::support::tcp_listens;
use crate::support::wait_for;

const SOON: Duration = Duration::from_secs(20);
const MESSAGES: u32 = 2_000;

/// Every hundredth is one.
fn is_poison(n: u32) -> bool {
    n % 100 == 50
}

fn message(n: u32) -> String {
    let kind = if is_poison(n) { "poison" } else { "good" };
    format!("<13>Nov 22 10:00:00 host tag: {kind} {n}")
}

/// A relay that panics in `stage`, with `rules` around what writes to `out` of its folder.
fn relay(dir: &TempDir, port: u16, stage: &str, rules: &str) -> Daemon {
    let folder = dir.path().display();
    let write =
        |file: &str| format!("action(type=\"omfile\" file=\"{folder}/{file}\" template=\"M\")\n");
    let config = format!(
        "global(workDirectory=\"{folder}\" shards=\"1\")\nmodule(load=\"imtcp\")\n\
         module(load=\"imudp\")\ninput(type=\"imtcp\" address=\"127.0.0.1\" port=\"{port}\")\n\
         input(type=\"imudp\" address=\"127.0.0.1\" port=\"{port}\")\n\
         template(name=\"M\" type=\"string\" string=\"%msg%\\n\")\n{rules}{}{}",
        write("out"),
        write("second"),
    );
    let file = write_config(dir.path(), &config);
    let mut command = command(BONGSU, dir.path());
    command.arg("-n").arg("-f").arg(file).env("BONGSU_TEST_PANIC", format!("{stage}:poison"));
    let daemon = Daemon::spawn(&mut command);
    assert!(wait_for(SOON, || tcp_listens(port)), "nothing listens: {}", daemon.stop().stderr);
    daemon
}

fn good() -> String {
    (0..MESSAGES).filter(|n| !is_poison(*n)).map(|n| format!(" good {n}\n")).collect()
}

/// Sends all over TCP, and checks what comes of it. `words` is what the stage is called.
fn all_but_the_poison_arrive(stage: &str, rules: &str, words: &str) {
    let (dir, port) = (TempDir::new().unwrap(), free_port());
    let daemon = relay(&dir, port, stage, rules);
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let all: String = (0..MESSAGES).map(|n| message(n) + "\n").collect();
    stream.write_all(all.as_bytes()).unwrap();
    let read = |file: &str| fs::read_to_string(dir.path().join(file)).unwrap_or_default();
    for file in ["out", "second"] {
        assert!(wait_for(SOON, || read(file) == good()), "{file}: {}", read(file));
    }
    let aside = (0..MESSAGES).filter(|n| is_poison(*n));
    let count = aside.clone().count();
    let kept = || read("bongsu-quarantine");
    let last = message(aside.clone().next_back().unwrap()) + "\n";
    assert!(wait_for(SOON, || kept().ends_with(&last)), "{}", kept());
    for n in aside {
        assert!(kept().contains(&format!("\n{}\n", message(n))), "{n}: {}", kept());
    }
    let kept = kept();
    let line =
        format!(" bytes={} stage={words} panic=as {stage} was asked to\n", message(50).len());
    assert_eq!(kept.matches(&line).count(), 1, "the others are longer: {kept}");
    assert_eq!(kept.lines().count(), 2 * count, "{kept}");
    let Ended { status, stderr, .. } = daemon.stop();
    assert!(status.success(), "{stderr}");
    assert!(stderr.contains(&format!("set aside after a panic {count}")), "{stderr}");
    assert!(stderr.contains(&format!("received {MESSAGES}")), "{stderr}");
    assert_eq!(stderr.matches("a message was set aside").count(), 1, "{stderr}");
    assert!(!stderr.contains("BUG"), "{stderr}");
}

#[test]
fn of_the_parser() {
    all_but_the_poison_arrive("parse", "", "parsing");
}

#[test]
fn of_a_template_behind_rules() {
    let rules = "set $.n = $msg;\nif $.n == 'never' then stop\n";
    all_but_the_poison_arrive("template", rules, "rules or a template");
}

#[test]
fn of_a_template_without_rules() {
    all_but_the_poison_arrive("template", "", "rules or a template");
}

#[test]
fn of_the_rules() {
    all_but_the_poison_arrive("rules", "if $msg contains 'x' then stop\n", "rules or a template");
}

/// Lines of a file are not written down as messages unless rules ask for more than their text.
fn all_but_the_poison_of_a_file_arrive(stage: &str, template: &str, rules: &str) {
    let dir = TempDir::new().unwrap();
    let folder = dir.path().display();
    let config = format!(
        "global(workDirectory=\"{folder}\" shards=\"1\")\nmodule(load=\"imfile\")\n\
         input(type=\"imfile\" file=\"{folder}/in\" tag=\"web:\")\n\
         template(name=\"M\" type=\"string\" string=\"{template}\")\n{rules}\
         action(type=\"omfile\" file=\"{folder}/out\" template=\"M\")\n\
         action(type=\"omfile\" file=\"{folder}/second\" template=\"M\")\n",
    );
    let line = |n: u32| format!("{} {n}\n", if is_poison(n) { "poison" } else { "good" });
    fs::write(dir.path().join("in"), (0..MESSAGES).map(line).collect::<String>()).unwrap();
    let file = write_config(dir.path(), &config);
    let mut command = command(BONGSU, dir.path());
    command.arg("-n").arg("-f").arg(file).env("BONGSU_TEST_PANIC", format!("{stage}:poison"));
    let daemon = Daemon::spawn(&mut command);
    let read = |file: &str| fs::read_to_string(dir.path().join(file)).unwrap_or_default();
    let good: String =
        (0..MESSAGES).filter(|n| !is_poison(*n)).map(|n| format!("web: good {n}\n")).collect();
    for file in ["out", "second"] {
        assert!(wait_for(SOON, || read(file) == good), "{file}: {}", read(file));
    }
    let aside: Vec<_> = (0..MESSAGES).filter(|n| is_poison(*n)).collect();
    let kept = || read("bongsu-quarantine");
    let all = || aside.iter().all(|n| kept().contains(&format!("\npoison {n}\n")));
    assert!(wait_for(SOON, all), "{}", kept());
    assert_eq!(kept().lines().count(), 2 * aside.len(), "{}", kept());
    let Ended { status, stderr, .. } = daemon.stop();
    assert!(status.success(), "{stderr}");
    assert!(stderr.contains(&format!("set aside after a panic {}", aside.len())), "{stderr}");
    assert!(!stderr.contains("BUG"), "{stderr}");
}

#[test]
fn of_lines_of_a_file() {
    let (bare, more) = ("%syslogtag% %msg%\\n", "%syslogtag% %msg:1:$%\\n");
    for (stage, template) in [("template", bare), ("rules", bare), ("template", more)] {
        all_but_the_poison_of_a_file_arrive(stage, template, "");
    }
    let rules = "if $msg contains 'never' then stop\n";
    all_but_the_poison_of_a_file_arrive("template", bare, rules);
}

/// A message of the relay's own costs itself: the task that hears them goes on. impstats knows of
/// reloads.
#[test]
fn of_own_messages() {
    let (dir, port) = (TempDir::new().unwrap(), free_port());
    let rules = format!(
        "global(processInternalMessages=\"on\")\n\
         module(load=\"impstats\" interval=\"1\" log.syslog=\"off\" log.file=\"{}/stats\")\n\
         action(type=\"omfwd\" name=\"poison\" target=\"127.0.0.1\" port=\"{}\" protocol=\"tcp\")\n",
        dir.path().display(),
        free_port()
    );
    let daemon = relay(&dir, port, "internal", &rules);
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all((message(1) + "\n").as_bytes()).unwrap();
    let read = |file: &str| fs::read_to_string(dir.path().join(file)).unwrap_or_default();
    assert!(wait_for(SOON, || read("out").contains("good 1\n")));
    // The action fails, and says so.
    std::thread::sleep(Duration::from_secs(1));
    daemon.signal(Signal::USR2);
    assert!(wait_for(SOON, || read("out").contains("the configuration was reloaded")));
    assert!(wait_for(SOON, || read("stats").contains(" reloads=1 reloads.failed=0 reloads.last=")));
    let ended = daemon.stop();
    assert!(ended.status.success(), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("internal panicked: as internal was asked to"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("started again after a panic 1"), "{}", ended.stderr);
}

/// How often each number came, of lines ` good N` and ` poison N`.
fn counts(text: &str) -> Vec<usize> {
    let mut counts = vec![0; MESSAGES as usize];
    for line in text.lines() {
        let number = line.rsplit(' ').next().and_then(|number| number.parse::<usize>().ok());
        counts[number.unwrap_or_else(|| panic!("{line:?}"))] += 1;
    }
    counts
}

/// An output that panics when its target has taken a chunk, and it has not noted that yet, is begun
/// anew: that chunk comes twice, and nothing is lost. `action` writes, `read` says what arrived.
fn an_output_begins_anew(action: &str, read: impl Fn(&TempDir) -> String) {
    let (dir, port) = (TempDir::new().unwrap(), free_port());
    let folder = dir.path().display().to_string();
    let config = format!(
        "global(workDirectory=\"{folder}\" shards=\"1\")\nmodule(load=\"imtcp\")\n\
         input(type=\"imtcp\" address=\"127.0.0.1\" port=\"{port}\")\n\
         template(name=\"M\" type=\"string\" string=\"%msg%\\n\")\n{}",
        action.replace("@DIR@", &folder)
    );
    let file = write_config(dir.path(), &config);
    let mut command = command(BONGSU, dir.path());
    command.arg("-n").arg("-f").arg(file).env("BONGSU_TEST_PANIC", "output:poison 1050\n");
    let daemon = Daemon::spawn(&mut command);
    assert!(wait_for(SOON, || tcp_listens(port)), "nothing listens: {}", daemon.stop().stderr);
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let send = |stream: &mut TcpStream, from: u32, to: u32| {
        let all: String = (from..to).map(|n| message(n) + "\n").collect();
        stream.write_all(all.as_bytes()).unwrap();
    };
    let arrived = |upto: u32| {
        let all = || counts(&read(&dir))[..upto as usize].iter().all(|count| *count > 0);
        assert!(wait_for(SOON, all), "{:?}", counts(&read(&dir)));
    };
    send(&mut stream, 0, 1_000);
    arrived(1_000);
    // By now its kernel has said so, too.
    std::thread::sleep(Duration::from_millis(500));
    send(&mut stream, 1_000, 1_100);
    arrived(1_100);
    send(&mut stream, 1_100, MESSAGES);
    arrived(MESSAGES);
    let ended = daemon.stop();
    let stderr = &ended.stderr;
    assert!(ended.status.success(), "{stderr}");
    let doubled: Vec<usize> =
        counts(&read(&dir)).iter().enumerate().filter(|(_, n)| **n != 1).map(|(n, _)| n).collect();
    assert!(doubled.contains(&1_050), "its chunk was on its way: {doubled:?}");
    assert!(doubled.iter().all(|n| (1_000..1_100).contains(n)), "{doubled:?}");
    assert!(counts(&read(&dir)).iter().all(|n| (1..=2).contains(n)));
    let text = "action 'a' panicked: as output was asked to: this is a bug; it is started again";
    assert_eq!(stderr.matches(text).count(), 1, "{stderr}");
    assert!(stderr.contains("delivered 2000"), "{stderr}");
    assert!(!stderr.contains("BUG"), "{stderr}");
}

#[test]
fn of_a_file() {
    let action = "action(type=\"omfile\" name=\"a\" file=\"@DIR@/out\" template=\"M\")\n";
    an_output_begins_anew(action, |dir| {
        fs::read_to_string(dir.path().join("out")).unwrap_or_default()
    });
}

#[test]
fn of_a_connection() {
    let sink = TcpSink::new();
    let action = format!(
        "action(type=\"omfwd\" name=\"a\" target=\"127.0.0.1\" port=\"{}\" protocol=\"tcp\" \
         template=\"M\")\n",
        sink.port
    );
    an_output_begins_anew(&action, |_| String::from_utf8(sink.bytes()).unwrap());
}

#[test]
fn of_datagrams() {
    let (dir, port) = (TempDir::new().unwrap(), free_port());
    let daemon = relay(&dir, port, "parse", "");
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for n in 49..53 {
        socket.send_to(message(n).as_bytes(), ("127.0.0.1", port)).unwrap();
    }
    let read = || fs::read_to_string(dir.path().join("out")).unwrap_or_default();
    let expected = " good 49\n good 51\n good 52\n";
    assert!(wait_for(SOON, || read() == expected), "{}", read());
    let ended = daemon.stop();
    assert!(ended.stderr.contains("set aside after a panic 1"), "{}", ended.stderr);
}
