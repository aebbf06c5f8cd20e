//! The command line: flags, exit statuses, pid file, signals, and what a user is told.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::net::TcpStream;
use std::net::UdpSocket;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use regex::Regex;
use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;
use rustix::process::test_kill_process;
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

/// Generous: the machine may be busy with other tests.
const SOON: Duration = Duration::from_secs(10);
/// Where the embedded default listens.
const DEFAULT_PORT: u16 = 5514;

/// imtcp on `port`, `%msg%` to `file`.
fn to_file(port: u16, file: &Path) -> String {
    let file = file.display();
    format!(
        r#"module(load="imtcp")
input(type="imtcp" address="127.0.0.1" port="{port}")
template(name="msg" type="string" string="%msg%\n")
action(type="omfile" file="{file}" template="msg")
"#
    )
}

/// A relay on [`to_file`]'s config that listens.
fn relay(dir: &TempDir) -> (Daemon, u16) {
    let port = free_port();
    let daemon = start(BONGSU, dir.path(), &to_file(port, &dir.path().join("out")), &[]);
    assert!(wait_for(SOON, || tcp_listens(port)), "nothing listens: {}", daemon.stop().stderr);
    (daemon, port)
}

fn send(port: u16, messages: &[&str]) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    for message in messages {
        writeln!(stream, "<13>Oct 11 22:14:15 h t:{message}").unwrap();
    }
}

fn wait_for_text(file: &Path, text: &str) {
    let read = || fs::read_to_string(file).unwrap_or_default();
    assert!(wait_for(SOON, || read() == text), "{file:?} holds {:?}", read());
}

fn run(dir: &TempDir, args: &[&str]) -> Output {
    command(BONGSU, dir.path()).args(args).output().unwrap()
}

/// `-N1` on `config`: the output and its standard error as text.
fn check(config: &str) -> (Output, String) {
    let dir = TempDir::new().unwrap();
    let file = write_config(dir.path(), config);
    let output = run(&dir, &["-N1", "-f", file.to_str().unwrap()]);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, stderr)
}

#[test]
fn check_accepts_a_good_config() {
    let (output, stderr) = check(&to_file(free_port(), Path::new("/dev/null")));
    assert!(output.status.success(), "{stderr}");
}

#[test]
fn check_says_where_and_what_to_write() {
    let config = "module(load=\"imtcp\")\ninput(type=\"imtcp\" port=\"6514\")\n\
                  action(type=\"omfwd\" tagret=\"127.0.0.1\" port=\"514\")\n";
    let (output, stderr) = check(config);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(Regex::new(r"relay\.conf:3:21\b").unwrap().is_match(&stderr), "{stderr}");
    assert!(stderr.contains("tagret") && stderr.contains("target"), "{stderr}");
    // That the target is missing is said with the misspelt name.
    assert!(stderr.contains("1 error,"), "{stderr}");
}

#[test]
fn check_reports_every_error() {
    let config =
        "module(load=\"imtpc\")\n*.* @DIR@/x\naction(type=\"omfiel\" file=\"/dev/null\")\n";
    let (output, stderr) = check(config);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    for place in ["relay.conf:1:", "relay.conf:3:"] {
        assert!(stderr.contains(place), "{place} is missing in {stderr}");
    }
}

#[test]
fn check_names_a_missing_template() {
    let config = "module(load=\"imtcp\")\ninput(type=\"imtcp\" port=\"6514\")\n\
                  template(name=\"Lines\" type=\"string\" string=\"%msg%\")\n\
                  action(type=\"omfile\" file=\"/dev/null\" template=\"Linse\")\n";
    let (output, stderr) = check(config);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    for word in ["relay.conf:4:", "Linse", "Lines"] {
        assert!(stderr.contains(word), "{word} is missing in {stderr}");
    }
}

#[test]
fn a_config_that_does_not_exist() {
    let dir = TempDir::new().unwrap();
    for args in [["-N1", "-f", "no-such.conf"], ["-n", "-f", "no-such.conf"]] {
        let output = run(&dir, &args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains("no-such.conf"), "{stderr}");
    }
}

#[test]
fn version() {
    let dir = TempDir::new().unwrap();
    for flag in ["-v", "-V"] {
        let output = run(&dir, &[flag]);
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{flag}");
        assert!(stdout.contains(env!("CARGO_PKG_VERSION")), "{flag}: {stdout}");
    }
}

#[test]
fn an_unknown_flag_is_refused() {
    let dir = TempDir::new().unwrap();
    let output = run(&dir, &["--no-such-flag"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("--no-such-flag"));
}

#[test]
fn flags_of_rsyslogd_are_accepted() {
    let dir = TempDir::new().unwrap();
    let file = write_config(dir.path(), &to_file(free_port(), Path::new("/dev/null")));
    for flags in [&["-C"][..], &["-w", "-x"], &["-4"], &["-6"], &["-A"], &["-u", "2"], &["-D"]] {
        let args = [flags, &["-N1", "-f", file.to_str().unwrap()]].concat();
        let output = run(&dir, &args);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{flags:?}: {stderr}");
    }
}

#[test]
fn the_pid_file_holds_the_number_alone_and_goes() {
    let dir = TempDir::new().unwrap();
    let (daemon, _) = relay(&dir);
    let file = dir.path().join("pid");
    assert_eq!(fs::read_to_string(&file).unwrap(), daemon.pid().to_string());
    let ended = daemon.stop();
    assert!(ended.status.success(), "{}\n{}", ended.status, ended.stderr);
    assert!(!file.exists(), "the pid file is still there");
}

#[test]
fn a_second_start_is_refused() {
    let dir = TempDir::new().unwrap();
    let (mut first, port) = relay(&dir);
    let second = TempDir::new().unwrap();
    let config = write_config(second.path(), &to_file(free_port(), Path::new("/dev/null")));
    let pid_file = dir.path().join("pid");
    let args = ["-n", "-f", config.to_str().unwrap(), "-i", pid_file.to_str().unwrap()];
    let refused = Daemon::spawn(command(BONGSU, second.path()).args(args)).ended();
    assert_eq!(refused.status.code(), Some(1), "{}", refused.stderr);
    assert!(refused.stderr.contains(&first.pid().to_string()), "{}", refused.stderr);
    assert!(first.running() && tcp_listens(port));
    assert!(pid_file.exists(), "the refused one removed the first one's pid file");
}

#[test]
fn a_pid_file_that_was_left_behind_does_not_matter() {
    let dir = TempDir::new().unwrap();
    // No process has this number: it is over the kernel's limit.
    fs::write(dir.path().join("pid"), "4194305").unwrap();
    let (daemon, _) = relay(&dir);
    assert_eq!(fs::read_to_string(dir.path().join("pid")).unwrap(), daemon.pid().to_string());
}

#[test]
fn a_stop_drains_and_gives_account() {
    let dir = TempDir::new().unwrap();
    let (daemon, port) = relay(&dir);
    send(port, &["one", "two", "three"]);
    wait_for_text(&dir.path().join("out"), "one\ntwo\nthree\n");
    let ended = daemon.stop();
    assert!(ended.status.success(), "{}\n{}", ended.status, ended.stderr);
    assert_eq!(ended.stdout, "", "a daemon's standard output belongs to omstdout");
    let account = "stopped: in 3: to actions 3; out 3: delivered 3\n";
    assert!(ended.stderr.contains(account), "{}", ended.stderr);
}

#[test]
fn sigusr1_asks_for_the_account() {
    let dir = TempDir::new().unwrap();
    let (mut daemon, port) = relay(&dir);
    // Behind a message: it listens before it takes care of signals.
    send(port, &["one"]);
    wait_for_text(&dir.path().join("out"), "one\n");
    daemon.signal(Signal::USR1);
    send(port, &["two"]);
    wait_for_text(&dir.path().join("out"), "one\ntwo\n");
    assert!(daemon.running());
    let said = daemon.stop().stderr;
    // The signal may be looked at behind the second one.
    let account = Regex::new(r"account: in [12]: to actions [12].*; out [12]: ").unwrap();
    assert!(account.is_match(&said), "{said}");
}

/// Only root may do it, and for others it must be said.
#[test]
fn another_root_directory() {
    let dir = TempDir::new().unwrap();
    let port = free_port();
    write_config(dir.path(), &to_file(port, Path::new("/out")));
    let root = dir.path().to_str().unwrap();
    let daemon = Daemon::spawn(command(BONGSU, dir.path()).args(["-T", root, "-f", "/relay.conf"]));
    if !rustix::process::geteuid().is_root() {
        let ended = daemon.ended();
        assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
        assert!(ended.stderr.contains("cannot change root"), "{}", ended.stderr);
        return;
    }
    assert!(wait_for(SOON, || tcp_listens(port)), "nothing listens: {}", daemon.stop().stderr);
    send(port, &["from below"]);
    wait_for_text(&dir.path().join("out"), "from below\n");
}

#[test]
fn sighup_opens_files_anew() {
    let dir = TempDir::new().unwrap();
    let (daemon, port) = relay(&dir);
    let [out, rotated] = ["out", "out.1"].map(|name| dir.path().join(name));
    send(port, &["before"]);
    wait_for_text(&out, "before\n");
    fs::rename(&out, &rotated).unwrap();
    daemon.signal(Signal::HUP);
    assert!(
        wait_for(SOON, || {
            send(port, &["after"]);
            std::thread::sleep(Duration::from_millis(50));
            out.exists()
        }),
        "no new file"
    );
    assert!(wait_for(SOON, || fs::read_to_string(&out).unwrap().starts_with("after\n")));
}

#[test]
fn connections_share_the_rate_limit_of_their_input() {
    let dir = TempDir::new().unwrap();
    let (port, out) = (free_port(), dir.path().join("out"));
    let limit = "port=\"PORT\" rateLimit.interval=\"600\" rateLimit.burst=\"5\""
        .replace("PORT", &port.to_string());
    let config = to_file(port, &out).replace(&format!("port=\"{port}\""), &limit);
    let daemon = start(BONGSU, dir.path(), &config, &[]);
    assert!(wait_for(SOON, || tcp_listens(port)), "nothing listens: {}", daemon.stop().stderr);
    for _ in 0..3 {
        send(port, &["1", "2", "3", "4"]);
    }
    assert!(wait_for(SOON, || fs::read_to_string(&out).is_ok_and(|t| t.lines().count() >= 5)));
    let stderr = daemon.stop().stderr;
    assert_eq!(fs::read_to_string(&out).unwrap().lines().count(), 5, "{stderr}");
    assert!(stderr.contains("dropped by rate limit 7"), "{stderr}");
}

#[test]
fn a_port_in_use_does_not_stop_the_rest() {
    let dir = TempDir::new().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken_port = taken.local_addr().unwrap().port();
    let port = free_port();
    let second = format!("input(type=\"imtcp\" address=\"127.0.0.1\" port=\"{taken_port}\")\n");
    let out = dir.path().join("out");
    let daemon = start(BONGSU, dir.path(), &(to_file(port, &out) + &second), &[]);
    assert!(wait_for(SOON, || tcp_listens(port)), "nothing listens");
    send(port, &["still here"]);
    wait_for_text(&out, "still here\n");
    let stderr = daemon.stop().stderr;
    assert!(stderr.contains(&taken_port.to_string()), "{stderr}");
}

#[test]
fn a_bad_action_does_not_stop_the_rest() {
    let dir = TempDir::new().unwrap();
    let port = free_port();
    let bad = "action(type=\"omfile\" file=\"/dev/null\" template=\"NoSuchTemplate\")\n";
    let out = dir.path().join("out");
    let daemon = start(BONGSU, dir.path(), &(to_file(port, &out) + bad), &[]);
    assert!(wait_for(SOON, || tcp_listens(port)), "nothing listens");
    send(port, &["still here"]);
    wait_for_text(&out, "still here\n");
    let stderr = daemon.stop().stderr;
    assert!(stderr.contains("NoSuchTemplate"), "{stderr}");
}

#[test]
fn an_unresolvable_target_does_not_stop_the_rest() {
    let dir = TempDir::new().unwrap();
    let port = free_port();
    // RFC 2606 keeps this name from ever existing.
    let bad = "action(type=\"omfwd\" target=\"relay.invalid\" port=\"514\" protocol=\"tcp\")\n";
    let out = dir.path().join("out");
    let _daemon = start(BONGSU, dir.path(), &(to_file(port, &out) + bad), &[]);
    assert!(wait_for(SOON, || tcp_listens(port)), "nothing listens");
    send(port, &["still here"]);
    wait_for_text(&out, "still here\n");
}

/// Kills a process that is nobody's child any more.
struct Orphan(Pid);

impl Drop for Orphan {
    fn drop(&mut self) {
        // It has ended where the test went well.
        if kill_process(self.0, Signal::KILL).is_ok() {
            println!("had to kill {:?}", self.0);
        }
    }
}

#[test]
fn called_as_rsyslogd_it_goes_into_the_background() {
    let dir = TempDir::new().unwrap();
    let name = dir.path().join("rsyslogd");
    symlink(BONGSU, &name).unwrap();
    let port = free_port();
    let [out, pid_file] = ["out", "pid"].map(|name| dir.path().join(name));
    let config = write_config(dir.path(), &to_file(port, &out));
    let mut rsyslogd = command(&name, dir.path());
    // A relative name, although it goes to the root directory.
    let status = rsyslogd.arg("-f").arg(config).args(["-i", "pid"]).status().unwrap();
    assert!(status.success(), "{status}");

    assert!(wait_for(SOON, || tcp_listens(port)), "nothing listens");
    let pid: i32 = fs::read_to_string(&pid_file).unwrap().parse().unwrap();
    let orphan = Orphan(Pid::from_raw(pid).unwrap());
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap();
    assert!(arguments.starts_with(name.as_os_str().as_encoded_bytes()), "it forgot its name");
    send(port, &["from behind"]);
    let read = || fs::read_to_string(&out).unwrap_or_default();
    assert!(wait_for(SOON, || read().ends_with("from behind\n")), "{:?}", read());
    assert!(read().contains("software=\"rsyslogd\""), "own messages go through the rules");
    kill_process(orphan.0, Signal::TERM).unwrap();
    assert!(wait_for(SOON, || test_kill_process(orphan.0).is_err()), "it does not stop");
    assert!(!pid_file.exists(), "the pid file is still there");
}

#[test]
fn without_a_config_it_runs_the_embedded_default() {
    let dir = TempDir::new().unwrap();
    let taken = tcp_listens(DEFAULT_PORT) || udp_listens(DEFAULT_PORT);
    let pid_file = dir.path().join("pid");
    let mut default = command(BONGSU, dir.path());
    let daemon = Daemon::spawn(default.arg("-i").arg(&pid_file));
    if taken {
        // Someone else's relay runs here; then that is what has to be said.
        assert!(wait_for(SOON, || pid_file.exists()), "it does not start");
        std::thread::sleep(Duration::from_millis(500));
        let stderr = daemon.stop().stderr;
        assert!(stderr.contains(&DEFAULT_PORT.to_string()), "{stderr}");
        return;
    }
    let listens = || tcp_listens(DEFAULT_PORT) && udp_listens(DEFAULT_PORT);
    assert!(wait_for(SOON, listens), "nothing listens: {}", daemon.stop().stderr);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(b"<13>Oct 11 22:14:15 h udp: hello", ("127.0.0.1", DEFAULT_PORT)).unwrap();
    let log = dir.path().join("bongsu.log");
    let read = || fs::read_to_string(&log).unwrap_or_default();
    assert!(wait_for(SOON, || read().contains("h udp: hello\n")), "{:?}", read());
    send(DEFAULT_PORT, &[" and over TCP"]);
    assert!(wait_for(SOON, || read().contains("h t: and over TCP\n")), "{:?}", read());
    let ended = daemon.stop();
    assert!(ended.status.success(), "{}\n{}", ended.status, ended.stderr);
    assert_eq!(ended.stdout, "", "standard output is no terminal");
}
