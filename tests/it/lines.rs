//! Lines from programs (improg) and named pipes (imfifo), and streams by unix sockets (imptcp):
//! what happens to them when the other side comes, goes, hangs or floods, and when the relay
//! reloads, stops or is killed.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use rustix::fs::CWD;
use rustix::fs::Mode;
use rustix::fs::mkfifoat;
use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::geteuid;
use rustix::process::kill_process;
use tempfile::TempDir;

use crate::support::free_port;
use crate::support::process::BONGSU;
use crate::support::process::Daemon;
use crate::support::process::Ended;
use crate::support::process::start;
use crate::support::process::write_config;
use crate::support::sink::TcpSink;
use crate::support::wait_for;

const SOON: Duration = Duration::from_secs(20);
const TO_FILE: &str = "action(type=\"omfile\" file=\"@DIR@/out\" template=\"t\")\n";

/// A relay and its folder; in what it is told `@DIR@` is that folder.
struct Relay {
    dir: TempDir,
    daemon: Daemon,
}

impl Relay {
    fn start(dir: TempDir, config: &str) -> Self {
        let daemon = start(BONGSU, dir.path(), &Self::text(dir.path(), config), &[]);
        Self { dir, daemon }
    }

    fn text(dir: &Path, config: &str) -> String {
        let text = format!(
            "module(load=\"improg\")\nmodule(load=\"imfifo\")\nmodule(load=\"imptcp\")\n\
             template(name=\"t\" type=\"string\" string=\"%inputname% %syslogtag%%msg%\\n\")\n\
             {config}"
        );
        text.replace("@DIR@", &dir.to_string_lossy())
    }

    fn reload(&self, config: &str) {
        write_config(self.dir.path(), &Self::text(self.dir.path(), config));
        self.daemon.signal(Signal::USR2);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        read(&self.path(name))
    }

    fn lines(&self) -> usize {
        self.read("out").lines().count()
    }

    fn stop(self) -> (Ended, TempDir) {
        (self.daemon.stop(), self.dir)
    }
}

fn read(path: &Path) -> String {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// A folder with a program in it.
fn with_program(script: &str) -> TempDir {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("program");
    let script = script.replace("@DIR@", &dir.path().to_string_lossy());
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

fn improg(more: &str) -> String {
    format!("input(type=\"improg\" binary=\"@DIR@/program\" tag=\"p:\" {more})\n{TO_FILE}")
}

fn runs(pid: &str) -> bool {
    fs::exists(format!("/proc/{pid}")).unwrap()
}

fn kill(pid: &str) {
    let pid = Pid::from_raw(pid.parse().unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
}

#[test]
fn a_program_is_read_and_told() {
    let dir = with_program(
        "say() { echo \"$1\" >> @DIR@/log; }
         hear() { read -r word && say \"$word\"; }
         say \"$# $1 $2\"
         hear
         for i in 1 2 3; do echo \"line $i\"; hear; done
         echo
         hear
         echo complaint >&2
         hear
         echo 'last words'
         printf unfinished
         read -r word || say end",
    );
    let config = format!(
        "template(name=\"pri\" type=\"string\" string=\"%pri-text% %rawmsg% %fromhost-ip%\\n\")\n\
         input(type=\"improg\" binary=\"@DIR@/program a \\\"b c\\\"\" tag=\"p:\" \
         facility=\"local3\" severity=\"err\" closeTimeout=\"5000\" ruleset=\"r\")\n\
         ruleset(name=\"r\") {{\n{TO_FILE}\
         action(type=\"omfile\" file=\"@DIR@/pri\" template=\"pri\") }}\n"
    );
    let relay = Relay::start(dir, &config);
    assert!(wait_for(SOON, || relay.read("log").lines().count() == 6), "{}", relay.read("log"));
    assert_eq!(relay.read("log"), "2 a \"b c\"\nSTART\nACK\nACK\nACK\nACK\n");
    let (ended, dir) = relay.stop();
    assert!(ended.status.success() && !ended.stderr.contains("improg: "), "{}", ended.stderr);
    assert!(read(&dir.path().join("log")).ends_with("ACK\nSTOP\nend\n"));
    let wanted = "improg p:line 1\nimprog p:line 2\nimprog p:line 3\nimprog p:last words\n\
         improg p:unfinished\n";
    assert_eq!(read(&dir.path().join("out")), wanted);
    let pri = read(&dir.path().join("pri"));
    assert!(pri.starts_with("local3.err line 1 127.0.0.1\n"), "{pri}");
}

#[test]
fn a_program_that_ends_is_started_again() {
    let dir = with_program("echo \"$$\"; [ -e @DIR@/calm ] && exec sleep 60; exit 3");
    let config = improg("confirmMessages=\"off\"")
        + "input(type=\"improg\" binary=\"/nonexistent/program\" tag=\"none:\")\n";
    let relay = Relay::start(dir, &config);
    assert!(wait_for(SOON, || relay.lines() >= 2));
    fs::write(relay.path("calm"), "").unwrap();
    let last = || relay.read("out").lines().last().unwrap().rsplit(':').next().unwrap().to_owned();
    assert!(wait_for(SOON, || read(Path::new(&format!("/proc/{}/comm", last()))) == "sleep\n"));
    // Killed by somebody else.
    let (killed, before) = (last(), relay.lines());
    kill(&killed);
    assert!(wait_for(SOON, || relay.lines() > before && last() != killed));
    let process = last();
    let (ended, _) = relay.stop();
    assert!(!runs(&process), "it was not killed");
    for said in [
        "program ended with exit status: 3; it is started again",
        "/nonexistent/program cannot be started: No such file or directory",
        "did not end in time, and was killed",
    ] {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
}

#[test]
fn a_program_that_hangs_at_the_end_is_killed_or_left() {
    for (how, kills, said) in [
        ("signalOnClose=\"on\"", true, "did not end in time, and was killed"),
        ("killUnresponsive=\"off\"", false, "did not end in time, and is left to itself"),
    ] {
        let dir = with_program("trap '' TERM; echo \"$$\"; exec sleep 3");
        let relay = Relay::start(dir, &improg(&format!("closeTimeout=\"100\" {how}")));
        assert!(wait_for(SOON, || relay.lines() == 1));
        let process = relay.read("out").trim_end().rsplit(':').next().unwrap().to_owned();
        let (ended, _) = relay.stop();
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
        assert_eq!(runs(&process), !kills, "{how}");
    }
    // One that listens to signals is not called unresponsive.
    let dir = with_program("trap 'echo bye; exit 7' TERM; echo hi; while :; do sleep 0.05; done");
    let config = improg("closeTimeout=\"5000\" signalOnClose=\"on\" confirmMessages=\"off\"");
    let relay = Relay::start(dir, &config);
    assert!(wait_for(SOON, || relay.lines() == 1));
    let (ended, dir) = relay.stop();
    assert!(!ended.stderr.contains("improg: "), "{}", ended.stderr);
    assert_eq!(read(&dir.path().join("out")), "improg p:hi\nimprog p:bye\n");
}

/// It says nothing more and goes on: there are not more and more of it.
#[test]
fn a_program_that_is_left_is_not_started_beside_itself() {
    let dir = with_program("echo \"$$\"; exec >&-; exec sleep 60");
    let relay = Relay::start(dir, &improg("closeTimeout=\"50\" killUnresponsive=\"off\""));
    let process = |line: usize| {
        let text = relay.read("out");
        text.lines().nth(line).map(|line| line.rsplit(':').next().unwrap().to_owned())
    };
    assert!(wait_for(SOON, || relay.lines() == 1));
    // Long enough for three more.
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(relay.lines(), 1, "{}", relay.read("out"));
    let first = process(0).unwrap();
    assert!(runs(&first));
    kill(&first);
    assert!(wait_for(SOON, || relay.lines() == 2));
    let second = process(1).unwrap();
    let (ended, _dir) = relay.stop();
    kill(&second);
    assert!(!runs(&first));
    let said = "did not end in time, and is left to itself";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
}

/// 300,000 messages, more than the queue takes, to a target that comes late: the program waits.
#[test]
fn a_flood_waits_in_the_program() {
    const LINES: usize = 300_000;
    let dir = with_program(&format!("seq 1 {LINES}; touch @DIR@/done; exec sleep 60"));
    let port = free_port();
    let config = format!(
        "input(type=\"improg\" binary=\"@DIR@/program\" tag=\"p:\")\n\
         template(name=\"long\" type=\"string\" string=\"%msg% {}\\n\")\n\
         action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{port}\" protocol=\"tcp\" \
         template=\"long\" action.resumeInterval=\"1\" action.resumeRetryCount=\"-1\")\n",
        "x".repeat(60)
    );
    let relay = Relay::start(dir, &config);
    std::thread::sleep(Duration::from_secs(2));
    assert!(!relay.path("done").exists(), "nothing held it back");
    let sink = TcpSink::on(TcpListener::bind(("127.0.0.1", port)).unwrap());
    let came = || sink.bytes().iter().filter(|byte| **byte == b'\n').count();
    assert!(wait_for(SOON * 3, || came() == LINES), "{} of {LINES}", came());
    let text = String::from_utf8(sink.bytes()).unwrap();
    let numbers =
        text.lines().map(|line| line.split(' ').next().unwrap().parse::<usize>().unwrap());
    assert!(numbers.eq(1..=LINES), "not in order");
    assert!(wait_for(SOON, || relay.path("done").exists()));
    assert!(relay.stop().0.status.success());
}

/// 20 MB without a line end cost no more than a message; it is cut, and the rest counted.
#[test]
fn a_line_without_end_is_bounded() {
    let dir = with_program(
        "head -c 20000000 /dev/zero | tr '\\0' x; echo; echo after; echo END >&1; exec sleep 60",
    );
    let relay = Relay::start(dir, &improg("confirmMessages=\"off\""));
    assert!(wait_for(SOON, || relay.lines() == 3));
    let peak = relay.daemon.peak_rss_kib();
    let text = relay.read("out");
    let lengths: Vec<_> = text.lines().map(str::len).collect();
    assert_eq!(lengths[0], "improg p:".len() + 8096);
    assert!(text.ends_with("improg p:after\nimprog p:END\n"));
    assert!(peak < 64 << 10, "{peak} KiB");
    let (ended, _) = relay.stop();
    assert!(ended.stderr.contains("discarded"), "{}", ended.stderr);
}

/// What a reload does not change goes on, the same process; what it does is ended and begun.
#[test]
fn an_unchanged_program_lives_through_a_reload() {
    let dir = with_program("echo \"$$\"; while read -r word; do echo \"$word\"; done");
    let relay = Relay::start(dir, &improg("closeTimeout=\"5000\""));
    assert!(wait_for(SOON, || relay.lines() >= 2));
    let process = relay.read("out").lines().next().unwrap().rsplit(':').next().unwrap().to_owned();
    relay.reload(&(improg("closeTimeout=\"5000\"") + &TO_FILE.replace("/out", "/other")));
    assert!(wait_for(SOON, || !relay.read("other").is_empty()));
    assert!(runs(&process));
    assert!(!relay.read("other").contains("START"), "a new one");
    relay.reload(&improg("closeTimeout=\"5000\"").replace("p:", "q:"));
    assert!(wait_for(SOON, || relay.read("out").contains("q:START")), "{}", relay.read("out"));
    assert!(!runs(&process));
    let out = relay.read("out");
    assert!(out.contains("p:STOP"), "its last words: {out}");
    assert!(relay.stop().0.status.success());
}

/// The relay is killed: a program that reads its input sees the end of it.
#[test]
fn a_killed_relay_leaves_no_program_behind() {
    let dir = with_program("echo \"$$\"; while read -r word; do :; done");
    let relay = Relay::start(dir, &improg(""));
    assert!(wait_for(SOON, || relay.lines() == 1));
    let process = relay.read("out").trim_end().rsplit(':').next().unwrap().to_owned();
    relay.daemon.signal(Signal::KILL);
    assert!(wait_for(SOON, || !runs(&process)));
}

fn with_fifo() -> TempDir {
    let dir = TempDir::new().unwrap();
    mkfifoat(CWD, dir.path().join("fifo"), Mode::RUSR | Mode::WUSR).unwrap();
    dir
}

fn imfifo(more: &str) -> String {
    format!("input(type=\"imfifo\" file=\"@DIR@/fifo\" tag=\"f:\" {more})\n{TO_FILE}")
}

/// A writer; one that opens a FIFO waits for its reader.
fn writer(relay: &Relay) -> File {
    OpenOptions::new().write(true).open(relay.path("fifo")).unwrap()
}

#[test]
fn writers_of_a_fifo_come_and_go() {
    let relay = Relay::start(with_fifo(), &imfifo("facility=\"local1\" severity=\"debug\""));
    for n in 0..100 {
        writer(&relay).write_all(format!("one {n}\n\ntwo {n}\n").as_bytes()).unwrap();
    }
    assert!(wait_for(SOON, || relay.lines() == 200));
    let (mut first, mut second) = (writer(&relay), writer(&relay));
    first.write_all(&[b'x'; 9000]).unwrap();
    first.write_all(b"\n").unwrap();
    second.write_all(b"second\n").unwrap();
    drop(first);
    assert!(wait_for(SOON, || relay.lines() == 202));
    // What is in the pipe at the stop is read, and the last line needs no end.
    let many: String = (0..3000).map(|n| format!("late {n}\n")).collect();
    second.write_all(many.as_bytes()).unwrap();
    second.write_all(b"unfinished").unwrap();
    let (ended, dir) = relay.stop();
    assert!(ended.status.success(), "{}", ended.stderr);
    let text = read(&dir.path().join("out"));
    assert_eq!(text.lines().count(), 3203);
    assert!(text.starts_with("imfifo f:one 0\nimfifo f:two 0\nimfifo f:one 1\n"));
    assert!(text.ends_with("imfifo f:late 2999\nimfifo f:unfinished\n"));
    assert!(text.contains(&format!("imfifo f:{}\nimfifo f:second\n", "x".repeat(8096))));
}

#[test]
fn what_is_no_fifo_is_said() {
    let dir = with_fifo();
    fs::write(dir.path().join("file"), "precious\n").unwrap();
    let config = imfifo("")
        + "input(type=\"imfifo\" file=\"@DIR@/file\" tag=\"f:\")\n\
           input(type=\"imfifo\" file=\"@DIR@/none\" tag=\"f:\")\n\
           input(type=\"imfifo\" file=\"@DIR@\" tag=\"f:\")\n";
    let relay = Relay::start(dir, &config);
    writer(&relay).write_all(b"works\n").unwrap();
    assert!(wait_for(SOON, || relay.lines() == 1));
    let (ended, dir) = relay.stop();
    for said in [
        "/file' is no named pipe: name one, or make it with mkfifo",
        "/none': No such file or directory (os error 2): make it with mkfifo -m 620",
    ] {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
    assert_eq!(ended.stderr.matches("is no named pipe").count(), 2);
    assert_eq!(read(&dir.path().join("file")), "precious\n");
}

/// Reloads that change the input, and some that do not, while somebody writes.
#[test]
fn reloads_lose_no_line_of_a_fifo() {
    let relay = Relay::start(with_fifo(), &imfifo(""));
    let mut pipe = writer(&relay);
    for n in 0..4000 {
        if n % 400 == 200 {
            let severity = ["info", "info", "err"][n / 400 % 3];
            relay.reload(&imfifo(&format!("severity=\"{severity}\"")));
        }
        pipe.write_all(format!("{n}\n").as_bytes()).unwrap();
        std::thread::sleep(Duration::from_micros(300));
    }
    assert!(wait_for(SOON, || relay.lines() >= 4000), "{}", relay.lines());
    let (ended, dir) = relay.stop();
    assert!(ended.status.success(), "{}", ended.stderr);
    let text = read(&dir.path().join("out"));
    let numbers =
        text.lines().map(|line| line.strip_prefix("imfifo f:").unwrap().parse::<usize>().unwrap());
    assert!(numbers.eq(0..4000), "{}", ended.stderr);
}

/// The target is dead: writers wait (here: are told that they would), nothing is dropped.
#[test]
fn a_full_queue_holds_writers_of_a_fifo_back() {
    let port = free_port();
    let config = format!(
        "input(type=\"imfifo\" file=\"@DIR@/fifo\" tag=\"f:\")\n\
         action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{port}\" protocol=\"tcp\" \
         template=\"t\" action.resumeInterval=\"1\" action.resumeRetryCount=\"-1\")\n"
    );
    let relay = Relay::start(with_fifo(), &config);
    let mut options = OpenOptions::new();
    let options = options.write(true).custom_flags(libc::O_NONBLOCK);
    let mut pipe = None;
    assert!(wait_for(SOON, || {
        pipe = options.open(relay.path("fifo")).ok();
        pipe.is_some()
    }));
    let mut pipe = pipe.unwrap();
    let mut sent = 0;
    let full = || std::thread::sleep(Duration::from_millis(20));
    let mut refused = 0;
    // Below PIPE_BUF a line is written whole, or not at all.
    while refused < 50 {
        match pipe.write_all(format!("{sent} {}\n", "x".repeat(4000)).as_bytes()) {
            Ok(()) => (sent, refused) = (sent + 1, 0),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                refused += 1;
                full();
            }
        }
    }
    assert!(sent > 1000, "{sent}");
    let sink = TcpSink::on(TcpListener::bind(("127.0.0.1", port)).unwrap());
    let came = || sink.bytes().iter().filter(|byte| **byte == b'\n').count();
    assert!(wait_for(SOON, || came() == sent), "{} of {sent}", came());
    assert!(relay.stop().0.status.success());
}

fn imptcp(more: &str) -> String {
    format!("input(type=\"imptcp\" path=\"@DIR@/socket\" {more})\n{TO_FILE}")
}

fn connected(path: &Path) -> UnixStream {
    let mut stream = None;
    assert!(wait_for(SOON, || {
        stream = UnixStream::connect(path).ok();
        stream.is_some()
    }));
    stream.unwrap()
}

#[test]
fn the_file_of_a_stream_socket() {
    let dir = TempDir::new().unwrap();
    // An earlier run was killed; and something of somebody's is in the way.
    drop(std::os::unix::net::UnixListener::bind(dir.path().join("socket")).unwrap());
    drop(std::os::unix::net::UnixListener::bind(dir.path().join("stale")).unwrap());
    fs::write(dir.path().join("file"), "precious").unwrap();
    let config = imptcp("unlink=\"on\" fileCreateMode=\"0622\"")
        + "input(type=\"imptcp\" path=\"@DIR@/stale\")\n\
           input(type=\"imptcp\" path=\"@DIR@/file\" unlink=\"on\")\n\
           input(type=\"imptcp\" path=\"@DIR@/no/folder\")\n\
           input(type=\"imptcp\" path=\"@DIR@/stays\" port=\"0\")\n\
           input(type=\"imptcp\" path=\"@DIR@/"
        + &"l".repeat(120)
        + "\")\n";
    let relay = Relay::start(dir, &config);
    let mut stream = connected(&relay.path("socket"));
    let found = fs::metadata(relay.path("socket")).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o622);
    for n in 0..1000 {
        stream.write_all(format!("<13>Oct 11 22:14:15 h t: {n}\n").as_bytes()).unwrap();
    }
    // What was sent before the stop is taken in, however early that comes; also by those who have
    // only just connected.
    let mut late = connected(&relay.path("stays"));
    late.write_all(b"<13>Oct 11 22:14:15 h t: late\n").unwrap();
    let (ended, dir) = relay.stop();
    assert!(ended.status.success(), "{}", ended.stderr);
    let text = read(&dir.path().join("out"));
    assert_eq!(text.lines().count(), 1001, "{}", ended.stderr);
    assert!(text.contains("imptcp t: 999\n") && text.contains("imptcp t: late\n"));
    assert!(!dir.path().join("socket").exists());
    let left = fs::metadata(dir.path().join("stays")).unwrap();
    assert_eq!(left.permissions().mode() & 0o777, 0o644);
    assert_eq!(read(&dir.path().join("file")), "precious");
    for said in [
        "/stale': Address already in use (os error 98): remove the file, or write unlink=\"on\"",
        "/file': there is something else in its place",
        "/no/folder': No such file or directory",
        "a unix socket's path has 1 to 107 bytes",
        "this input listens on its path alone, not on a port",
    ] {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
}

/// Root gives the socket away; another user may not, and has no socket then, or says so.
#[test]
fn the_owner_of_a_stream_socket() {
    let config = |dir: &Path| {
        let own = fs::metadata(dir).unwrap();
        // Nobody else's: neither root's nor the test's.
        let other = own.uid() + 4711;
        imptcp(&format!("fileOwnerNum=\"{other}\" fileCreateMode=\"0666\""))
            + &imptcp(&format!("fileOwnerNum=\"{other}\" failOnChOwnFailure=\"off\""))
                .replace("/socket", "/lenient")
    };
    let dir = TempDir::new().unwrap();
    let text = config(dir.path());
    let relay = Relay::start(dir, &text);
    let mut stream = connected(&relay.path("lenient"));
    stream.write_all(b"<13>Oct 11 22:14:15 h t: x\n").unwrap();
    assert!(wait_for(SOON, || relay.lines() > 0));
    let own = fs::metadata(relay.path("pid")).unwrap().uid();
    if geteuid().is_root() {
        for name in ["socket", "lenient"] {
            assert_eq!(fs::metadata(relay.path(name)).unwrap().uid(), own + 4711, "{name}");
        }
        println!("as root: that a socket cannot be given away is not seen here");
        assert!(relay.stop().0.status.success());
        return;
    }
    assert!(!relay.path("socket").exists());
    let (ended, _) = relay.stop();
    for said in ["/socket': cannot give it to its owner", "/lenient' to its owner"] {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
}

/// A connection lives on where the socket stays; where it is made anew no message is lost.
#[test]
fn reloads_of_a_stream_socket() {
    let relay = Relay::start(TempDir::new().unwrap(), &imptcp("unlink=\"on\""));
    let path = relay.path("socket");
    let mut stream = connected(&path);
    let mut inode = fs::metadata(&path).unwrap().ino();
    let mut sent = 0;
    for (config, same) in [
        ("unlink=\"on\" name=\"new\"", true),
        ("unlink=\"on\" name=\"new\" fileCreateMode=\"0600\"", false),
        ("unlink=\"on\" name=\"last\" fileCreateMode=\"0600\"", true),
    ] {
        for _ in 0..500 {
            sent += 1;
            stream.write_all(format!("<13>Oct 11 22:14:15 h t: {sent}\n").as_bytes()).unwrap();
        }
        relay.reload(&(imptcp(config) + &format!("# {sent}\n")));
        if same {
            // The name tells that the reload is through.
            let name = if config.contains("last") { "last t:" } else { "new t:" };
            assert!(wait_for(SOON, || {
                sent += 1;
                stream.write_all(format!("<13>Oct 11 22:14:15 h t: {sent}\n").as_bytes()).unwrap();
                relay.read("out").contains(name)
            }));
            assert_eq!(fs::metadata(&path).unwrap().ino(), inode, "{config}");
        } else {
            let now = || fs::metadata(&path).map_or(inode, |found| found.ino());
            assert!(wait_for(SOON, || now() != inode));
            inode = now();
            // The old connection is closed; whoever writes connects anew.
            drop(stream);
            stream = connected(&path);
        }
    }
    let (ended, dir) = relay.stop();
    assert!(ended.status.success(), "{}", ended.stderr);
    let text = read(&dir.path().join("out"));
    let number = |line: &str| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap();
    let mut numbers: Vec<_> = text.lines().map(number).collect();
    numbers.sort_unstable();
    assert!(numbers.iter().copied().eq(1..=sent), "{} of {sent}: {}", numbers.len(), ended.stderr);
    assert!(!path.exists());
}

/// Without `unlink` a socket that is in the way is somebody else's; one that the relay itself makes
/// anew is not.
#[test]
fn reloads_of_a_socket_that_stays() {
    let sockets = |annotate: &str, mode: &str| {
        imptcp(&format!("fileCreateMode=\"{mode}\""))
            + "module(load=\"imuxsock\" sysSock.use=\"off\")\n\
               input(type=\"imuxsock\" socket=\"@DIR@/log\" unlink=\"off\" "
            + &format!("annotate=\"{annotate}\")\n")
    };
    let relay = Relay::start(TempDir::new().unwrap(), &sockets("off", "0644"));
    let paths = [relay.path("socket"), relay.path("log")];
    drop(connected(&paths[0]));
    let inodes = || paths.each_ref().map(|path| fs::metadata(path).map_or(0, |found| found.ino()));
    let before = inodes();
    relay.reload(&sockets("on", "0600"));
    assert!(wait_for(SOON, || inodes().iter().zip(before).all(|(now, was)| *now != was)));
    connected(&paths[0]).write_all(b"<13>Oct 11 22:14:15 h t: stream\n").unwrap();
    let log = UnixDatagram::unbound().unwrap();
    log.send_to(b"<13>Oct 11 22:14:15 t: datagram", &paths[1]).unwrap();
    assert!(wait_for(SOON, || relay.lines() >= 2), "{}", relay.read("out"));
    assert_eq!(fs::metadata(&paths[0]).unwrap().permissions().mode() & 0o777, 0o600);
    let (ended, _dir) = relay.stop();
    assert!(ended.status.success(), "{}", ended.stderr);
    assert!(paths.iter().all(|path| path.exists()));
    assert!(!ended.stderr.contains("in use"), "{}", ended.stderr);
}

/// A relay that was killed leaves its socket behind, which the next one takes over.
#[test]
fn a_killed_relays_socket_is_taken_over() {
    let relay = Relay::start(TempDir::new().unwrap(), &imptcp("unlink=\"on\""));
    drop(connected(&relay.path("socket")));
    relay.daemon.signal(Signal::KILL);
    let Relay { dir, daemon } = relay;
    daemon.ended();
    assert!(dir.path().join("socket").exists());
    fs::remove_file(dir.path().join("pid")).unwrap();
    let relay = Relay::start(dir, &imptcp("unlink=\"on\""));
    let mut stream = connected(&relay.path("socket"));
    stream.write_all(b"<13>Oct 11 22:14:15 h t: x\n").unwrap();
    assert!(wait_for(SOON, || relay.lines() == 1));
    assert!(relay.stop().0.status.success());
}
