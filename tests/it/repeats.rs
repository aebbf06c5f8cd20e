//! `$RepeatedMsgReduction` where the comparison with rsyslogd does not reach: reloads, the account
//! at the end, what imfile reads again.

use std::fmt::Write as _;
use std::fs;
use std::net::UdpSocket;
use std::thread::sleep;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::free_port;
use crate::support::process::BONGSU;
use crate::support::process::Daemon;
use crate::support::process::command;
use crate::support::process::start;
use crate::support::process::write_config;
use crate::support::udp_listens;
use crate::support::wait_for;

const SOON: Duration = Duration::from_secs(20);

/// imudp on `ports`, into the file `out`, each line after `prefix`.
fn relay(dir: &TempDir, on: &str, ports: &[u16], prefix: &str) -> String {
    let mut config = format!("$RepeatedMsgReduction {on}\nmodule(load=\"imudp\")\n");
    for port in ports {
        writeln!(config, "input(type=\"imudp\" address=\"127.0.0.1\" port=\"{port}\")").unwrap();
    }
    let path = dir.path().join("out");
    config
        + &format!(
            "template(name=\"t\" type=\"string\" string=\"{prefix}%msg%\\n\")\n\
             action(type=\"omfile\" file=\"{}\" template=\"t\")\n",
            path.display()
        )
}

fn started(dir: &TempDir, config: &str, port: u16) -> Daemon {
    let daemon = start(BONGSU, dir.path(), config, &[]);
    assert!(wait_for(SOON, || udp_listens(port)), "nothing listens: {}", daemon.stop().stderr);
    daemon
}

fn send(port: u16, texts: &[&str]) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for text in texts {
        let line = format!("<13>Nov 22 10:00:00 host tag: {text}");
        socket.send_to(line.as_bytes(), ("127.0.0.1", port)).unwrap();
    }
}

fn reload(dir: &TempDir, config: &str) {
    write_config(dir.path(), config);
    let done = command(BONGSU, dir.path()).args(["reload", "-i", "pid"]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn written(dir: &TempDir) -> String {
    fs::read_to_string(dir.path().join("out")).unwrap_or_default()
}

fn arrives(dir: &TempDir, text: &str) {
    assert!(wait_for(SOON, || written(dir) == text), "{:?}, not {text:?}", written(dir));
}

#[test]
fn a_reload_writes_what_waits_by_the_rules_before_it() {
    let (dir, stays, goes) = (TempDir::new().unwrap(), free_port(), free_port());
    let daemon = started(&dir, &relay(&dir, "on", &[goes, stays], "A"), stays);
    send(goes, &["x", "gone", "gone", "gone"]);
    arrives(&dir, "A x\nA gone\n");
    send(stays, &["kept", "kept"]);
    arrives(&dir, "A x\nA gone\nA kept\n");
    // Of an input that goes as of one that stays.
    reload(&dir, &relay(&dir, "on", &[stays], "B"));
    let lines = || {
        let text = written(&dir);
        let mut lines: Vec<_> = text.lines().skip(3).map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let waited = ["A kept", "A message repeated 2 times: [ gone]"];
    assert!(wait_for(SOON, || lines() == waited), "{:?}", lines());
    // It begins anew, and ends where it is not wanted any more.
    send(stays, &["kept", "kept", "kept"]);
    assert!(wait_for(SOON, || written(&dir).ends_with("B kept\n")), "{}", written(&dir));
    reload(&dir, &relay(&dir, "off", &[stays], "C"));
    send(stays, &["kept", "kept"]);
    let end = "B kept\nB message repeated 2 times: [ kept]\nC kept\nC kept\n";
    assert!(wait_for(SOON, || written(&dir).ends_with(end)), "{}", written(&dir));
    let ended = daemon.stop();
    let account = "in 11: to actions 9, summed up as repeated 2; out 9: delivered 9";
    assert!(ended.stderr.contains(account), "{}", ended.stderr);
}

/// More than a read brings, over more than one of them: each is counted once.
#[test]
fn many_repeats_are_one_line() {
    let (dir, port) = (TempDir::new().unwrap(), free_port());
    let daemon = started(&dir, &relay(&dir, "on", &[port], ""), port);
    for _ in 0..20 {
        send(port, &["same"; 100]);
    }
    send(port, &["other", "other"]);
    arrives(&dir, " same\n message repeated 1999 times: [ same]\n other\n");
    let ended = daemon.stop();
    assert_eq!(written(&dir), " same\n message repeated 1999 times: [ same]\n other\n other\n");
    let account = "in 2002: to actions 4, summed up as repeated 1998; out 4: delivered 4";
    assert!(ended.stderr.contains(account), "{}", ended.stderr);
}

/// imfile: what waits at a stop is written, and its lines are not read again.
#[test]
fn files_go_on_behind_what_was_summed_up() {
    let dir = TempDir::new().unwrap();
    let (path, out) = (dir.path().join("log"), dir.path().join("out"));
    let config = format!(
        "$RepeatedMsgReduction on\nglobal(workDirectory=\"{}\")\nmodule(load=\"imfile\")\n\
         input(type=\"imfile\" file=\"{}\" tag=\"t\" addMetadata=\"off\")\n\
         template(name=\"t\" type=\"string\" string=\"%msg%\\n\")\n\
         action(type=\"omfile\" file=\"{}\" template=\"t\")\n",
        dir.path().display(),
        path.display(),
        out.display()
    );
    fs::write(&path, "one\ntwo\ntwo\ntwo\n").unwrap();
    let daemon = start(BONGSU, dir.path(), &config, &[]);
    arrives(&dir, "one\ntwo\n");
    let ended = daemon.stop();
    assert_eq!(written(&dir), "one\ntwo\nmessage repeated 2 times: [two]\n".replace("\nm", "\n m"));
    let account = "in 4: to actions 3, summed up as repeated 1; out 3: delivered 3";
    assert!(ended.stderr.contains(account), "{}", ended.stderr);
    fs::write(&out, "").unwrap();
    fs::write(&path, "one\ntwo\ntwo\ntwo\nthree\n").unwrap();
    let daemon = start(BONGSU, dir.path(), &config, &[]);
    arrives(&dir, "three\n");
    drop(daemon.stop());
    assert_eq!(written(&dir), "three\n");
}

/// The relay's own messages, too.
#[test]
fn own_messages_are_summed_up() {
    let dir = TempDir::new().unwrap();
    let config = format!(
        "global(processInternalMessages=\"on\")\n$RepeatedMsgReduction on\n\
         template(name=\"t\" type=\"string\" string=\"%msg%\\n\")\n\
         action(type=\"omfile\" file=\"{}\" template=\"t\")\n",
        dir.path().join("out").display()
    );
    let daemon = start(BONGSU, dir.path(), &config, &[]);
    assert!(wait_for(SOON, || written(&dir).contains("start")), "{}", written(&dir));
    // Signals that come before the one before is seen are one.
    for _ in 0..6 {
        daemon.signal(Signal::HUP);
        sleep(Duration::from_millis(100));
    }
    assert!(wait_for(SOON, || written(&dir).contains("HUPed")), "{}", written(&dir));
    drop(daemon.stop());
    let text = written(&dir);
    let summary = |line: &str| line.starts_with(" message repeated ") && line.contains("HUPed]");
    assert_eq!(text.lines().filter(|line| line.contains("HUPed")).count(), 2, "{text}");
    assert!(text.lines().any(summary), "{text}");
}
