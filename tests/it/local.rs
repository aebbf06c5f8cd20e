//! Log sockets and the kernel's messages: what becomes of the socket's file, of programs that log
//! while nothing goes out, of a socket that systemd has opened, and where a device cannot be had.

use std::fs;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::process::BONGSU;
use crate::support::process::Daemon;
use crate::support::process::start;
use crate::support::process::write_config;
use crate::support::wait_for;

const SOON: Duration = Duration::from_secs(20);

/// A relay with a log socket, and a file that its messages go to.
struct Relay {
    dir: TempDir,
    daemon: Daemon,
    socket: PathBuf,
}

impl Relay {
    /// `config` may say `@DIR@`.
    fn start(dir: TempDir, config: &str) -> Self {
        let text = format!(
            "module(load=\"imuxsock\" sysSock.use=\"off\")\n\
             input(type=\"imuxsock\" socket=\"@DIR@/log\" rateLimit.interval=\"0\")\n\
             template(name=\"t\" type=\"string\" string=\"%syslogtag%%msg%\\n\")\n{config}"
        );
        let text = text.replace("@DIR@", &dir.path().to_string_lossy());
        let socket = dir.path().join("log");
        let daemon = start(BONGSU, dir.path(), &text, &[]);
        Self { dir, daemon, socket }
    }

    fn listens(&self) -> UnixDatagram {
        let sender = UnixDatagram::unbound().unwrap();
        assert!(wait_for(SOON, || sender.connect(&self.socket).is_ok()));
        sender
    }

    fn lines(dir: &Path) -> usize {
        fs::read(dir.join("out")).map_or(0, |text| text.iter().filter(|b| **b == b'\n').count())
    }
}

const TO_FILE: &str = "action(type=\"omfile\" file=\"@DIR@/out\" template=\"t\")";

#[test]
fn the_socket_is_for_everybody_and_goes_with_the_relay() {
    let dir = TempDir::new().unwrap();
    // An earlier run was killed.
    drop(UnixDatagram::bind(dir.path().join("log")).unwrap());
    let relay = Relay::start(dir, TO_FILE);
    let sender = relay.listens();
    let found = fs::metadata(&relay.socket).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o666);
    for n in 0..1000 {
        sender.send(format!("<13>Oct 11 22:14:15 t: {n}").as_bytes()).unwrap();
    }
    // What was sent before the stop is taken in, however early that comes.
    let ended = relay.daemon.stop();
    assert!(ended.status.success(), "{}", ended.stderr);
    assert_eq!(Relay::lines(relay.dir.path()), 1000, "{}", ended.stderr);
    assert!(!relay.socket.exists());
    // Who is still connected is told.
    assert!(sender.send(b"<13>t: late").is_err());
}

#[test]
fn a_file_in_its_place_is_somebodys() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("log"), "precious").unwrap();
    let config = "input(type=\"imuxsock\" socket=\"@DIR@/no/folder/log\")\n\
         input(type=\"imuxsock\" socket=\"@DIR@/other\")\n"
        .to_owned()
        + TO_FILE;
    let relay = Relay::start(dir, &config);
    let sender = UnixDatagram::unbound().unwrap();
    let other = relay.dir.path().join("other");
    assert!(wait_for(SOON, || sender.connect(&other).is_ok()));
    sender.send(b"<13>t: x").unwrap();
    let ended = relay.daemon.stop();
    for said in ["something else in its place", "No such file or directory"] {
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
    assert_eq!(fs::read(&relay.socket).unwrap(), b"precious");
    assert_eq!(Relay::lines(relay.dir.path()), 1);
}

#[test]
fn programs_that_log_do_not_wait_for_a_dead_target() {
    let config = "action(type=\"omfwd\" target=\"127.0.0.1\" port=\"1\" protocol=\"tcp\")\n";
    let relay = Relay::start(TempDir::new().unwrap(), config);
    let sender = relay.listens();
    let text = [&b"<13>Oct 11 22:14:15 t: "[..], &[b'x'; 4000]].concat();
    let (start, mut longest) = (Instant::now(), Duration::ZERO);
    // 24 MB, of which the queue takes 8 MiB.
    for _ in 0..6000 {
        let before = Instant::now();
        sender.send(&text).unwrap();
        longest = longest.max(before.elapsed());
    }
    let all = start.elapsed();
    println!("longest wait {longest:?}, all in {all:?}");
    assert!(longest < Duration::from_secs(3), "{longest:?}");
    relay.daemon.signal(Signal::TERM);
    relay.daemon.signal(Signal::TERM);
    let ended = relay.daemon.ended();
    let dropped = ended.stderr.lines().find(|line| line.contains("dropped"));
    assert!(dropped.is_some() && ended.stderr.contains("received 6000"), "{}", ended.stderr);
}

/// systemd gives an open socket and says so in the environment.
#[test]
fn a_socket_that_is_given_is_taken_and_left() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("given");
    let given = UnixDatagram::bind(&path).unwrap();
    let sender = UnixDatagram::unbound().unwrap();
    sender.connect(&path).unwrap();
    sender.send(b"<13>t: before it ran").unwrap();
    let text = format!(
        "module(load=\"imuxsock\" sysSock.name=\"{}\")\n\
         template(name=\"t\" type=\"string\" string=\"%syslogtag%%msg%\\n\")\n{TO_FILE}\n",
        path.display()
    );
    let text = text.replace("@DIR@", &dir.path().to_string_lossy());
    let config = write_config(dir.path(), &text);
    let mut command = Command::new("sh");
    command
        .args(["-c", "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" -n -f \"$1\" -i \"$2\" 3<&0", BONGSU])
        .args([config, dir.path().join("pid")])
        .stdin(OwnedFd::from(given.try_clone().unwrap()))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let relay = Daemon::spawn(&mut command);
    sender.send(b"<13>t: now").unwrap();
    assert!(wait_for(SOON, || Relay::lines(dir.path()) == 2));
    let ended = relay.stop();
    assert!(ended.status.success(), "{}", ended.stderr);
    // It waits for the next one to run.
    assert!(path.exists());
    sender.send(b"<13>t: after it ran").unwrap();
    let mut buffer = [0; 100];
    assert_eq!(given.recv(&mut buffer).unwrap(), 19);
}

#[test]
fn own_messages_are_ignored_and_limits_said() {
    let config = format!(
        "input(type=\"imuxsock\" socket=\"@DIR@/few\" rateLimit.interval=\"600\" \
         rateLimit.burst=\"3\")\n{TO_FILE}"
    );
    let relay = Relay::start(TempDir::new().unwrap(), &config);
    relay.listens();
    let sender = UnixDatagram::unbound().unwrap();
    let few = relay.dir.path().join("few");
    assert!(wait_for(SOON, || sender.connect(&few).is_ok()));
    for n in 0..10 {
        sender.send(format!("<14>prog[7]: {n}").as_bytes()).unwrap();
    }
    let ended = relay.daemon.stop();
    let pid = std::process::id();
    for said in [
        format!("imuxsock[pid: {pid}, name: "),
        ":prog>: begin to drop messages due to rate-limiting".to_owned(),
        ": 7 messages lost due to rate-limiting (3 allowed within 600 seconds)".to_owned(),
    ] {
        assert!(ended.stderr.contains(&said), "{said}: {}", ended.stderr);
    }
    assert_eq!(Relay::lines(relay.dir.path()), 3);
}

/// A device that is not there, or not to be read, is said; the relay does its other work.
#[test]
fn a_kernel_log_that_cannot_be_had_is_said() {
    let config = format!("module(load=\"imklog\" logPath=\"@DIR@/none\")\n{TO_FILE}");
    let relay = Relay::start(TempDir::new().unwrap(), &config);
    relay.listens().send(b"<13>t: x").unwrap();
    let ended = relay.daemon.stop();
    assert!(ended.status.success());
    let said = "none': No such file or directory";
    assert!(ended.stderr.contains("imklog(") && ended.stderr.contains(said), "{}", ended.stderr);
    assert_eq!(Relay::lines(relay.dir.path()), 1);
}

/// Records of `/dev/kmsg` with their numbers, where this user may read it; otherwise it is said.
#[test]
fn the_kernels_records_are_read_or_it_is_said_why_not() {
    let config = "module(load=\"imkmsg\")\n\
         template(name=\"k\" type=\"string\" string=\"%syslogtag% %$!sequnum% %msg%\\n\")\n\
         action(type=\"omfile\" file=\"@DIR@/out\" template=\"k\")";
    let relay = Relay::start(TempDir::new().unwrap(), config);
    relay.listens();
    let readable =
        File::open("/dev/kmsg").map(|file| rustix::fs::seek(&file, rustix::fs::SeekFrom::End(0)));
    if let Err(error) = readable {
        println!("/dev/kmsg cannot be read here: {error}");
        let ended = relay.daemon.stop();
        assert!(ended.stderr.contains("imkmsg: cannot open '/dev/kmsg'"), "{}", ended.stderr);
        return;
    }
    let out = relay.dir.path().join("out");
    assert!(wait_for(SOON, || Relay::lines(relay.dir.path()) > 0), "an empty kernel log");
    let text = fs::read_to_string(out).unwrap();
    let first = text.lines().next().unwrap();
    let number = first.strip_prefix("kernel: ").and_then(|rest| rest.split(' ').next());
    assert!(number.unwrap().parse::<u64>().is_ok(), "{first}");
    assert!(relay.daemon.stop().status.success());
}

#[test]
fn marks_come_at_their_time() {
    let config = format!(
        "module(load=\"immark\" interval=\"1\" markMessageText=\"here\" use.syslogCall=\"off\")\n\
         {TO_FILE}"
    );
    let relay = Relay::start(TempDir::new().unwrap(), &config);
    assert!(wait_for(SOON, || Relay::lines(relay.dir.path()) >= 2));
    assert!(relay.daemon.stop().status.success());
    let text = fs::read_to_string(relay.dir.path().join("out")).unwrap();
    assert!(text.lines().all(|line| line == "rsyslogd:here"), "{text}");
}

/// The socket is made anew where its parameters change, with programs that log meanwhile.
#[test]
fn a_reload_that_changes_a_socket_loses_nothing() {
    let relay = Relay::start(TempDir::new().unwrap(), TO_FILE);
    let mut sender = relay.listens();
    let config = relay.dir.path().join("relay.conf");
    let first = fs::read_to_string(&config).unwrap();
    let (mut sent, mut reloads) = (0, 0);
    let end = Instant::now() + Duration::from_secs(3);
    while Instant::now() < end {
        if sent % 500 == 499 {
            reloads += 1;
            let option = format!("ignoreTimestamp=\"{}\" ", ["off", "on"][reloads % 2]);
            write_config(relay.dir.path(), &first.replace("rateLimit", &(option + "rateLimit")));
            relay.daemon.signal(Signal::USR2);
        }
        let text = format!("<13>Oct 11 22:14:15 t: {sent}");
        // As syslog(3) does: whoever is told that the socket is gone looks for the next one.
        while sender.send(text.as_bytes()).is_err() {
            sender = UnixDatagram::unbound().unwrap();
            _ = sender.connect(&relay.socket);
            std::thread::sleep(Duration::from_millis(1));
        }
        sent += 1;
        std::thread::sleep(Duration::from_micros(500));
    }
    let ended = relay.daemon.stop();
    assert!(ended.status.success() && reloads > 2, "{}", ended.stderr);
    let text = fs::read_to_string(relay.dir.path().join("out")).unwrap();
    let mut numbers: Vec<usize> =
        text.lines().map(|line| line.strip_prefix("t: ").unwrap().parse().unwrap()).collect();
    numbers.sort_unstable();
    assert!(numbers.iter().copied().eq(0..sent), "{} of {sent}: {}", numbers.len(), ended.stderr);
}
