//! The relay as a service: what it tells the service manager, and whom it becomes.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use rustix::process::geteuid;
use tempfile::TempDir;

use crate::support::free_port;
use crate::support::process::BONGSU;
use crate::support::process::Daemon;
use crate::support::process::command;
use crate::support::process::start;
use crate::support::process::write_config;
use crate::support::udp_listens;
use crate::support::wait_for;

const SOON: Duration = Duration::from_secs(10);
/// Numbers that every Debian gives to nobody and nogroup.
const NOBODY: u32 = 65534;

fn config(dir: &Path, port: u16, globals: &str) -> String {
    format!(
        "{globals}\nmodule(load=\"imudp\")\ninput(type=\"imudp\" address=\"127.0.0.1\" \
         port=\"{port}\")\naction(type=\"omfile\" file=\"{}/out/log\")\n",
        dir.display()
    )
}

/// A service manager's socket, and what arrives there.
struct Manager(UnixDatagram);

impl Manager {
    fn new(dir: &Path) -> Self {
        let socket = UnixDatagram::bind(dir.join("notify")).unwrap();
        socket.set_read_timeout(Some(SOON)).unwrap();
        Self(socket)
    }

    /// Waits for a word that begins with `word`.
    fn hears(&self, word: &str) {
        let mut said = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let n = self.0.recv(&mut buffer).unwrap_or_else(|e| panic!("no {word}: {e}; {said:?}"));
            let text = String::from_utf8_lossy(&buffer[..n]).into_owned();
            if text.starts_with(word) {
                return;
            }
            said.push(text);
        }
    }
}

#[test]
fn the_service_manager_is_told() {
    let dir = TempDir::new().unwrap();
    let manager = Manager::new(dir.path());
    let file = write_config(dir.path(), &config(dir.path(), free_port(), ""));
    let mut relay = command(BONGSU, dir.path());
    relay.arg("-n").arg("-f").arg(file).arg("-i").arg(dir.path().join("pid"));
    relay.env("NOTIFY_SOCKET", dir.path().join("notify")).env("WATCHDOG_USEC", "400000");
    let relay = Daemon::spawn(&mut relay);
    manager.hears("READY=1");
    manager.hears("WATCHDOG=1");
    manager.hears("WATCHDOG=1");
    for signal in [Signal::HUP, Signal::USR2] {
        relay.signal(signal);
        manager.hears("RELOADING=1\nMONOTONIC_USEC=");
        manager.hears("READY=1");
    }
    relay.signal(Signal::TERM);
    manager.hears("STOPPING=1");
    assert!(relay.ended().status.success());
}

/// A fault in the midst of a reload: the relay says so, is ready again, and goes over to the
/// configuration by another reload at once.
#[test]
fn a_panic_in_a_reload_is_not_the_last_one() {
    let (dir, port) = (TempDir::new().unwrap(), free_port());
    let manager = Manager::new(dir.path());
    let file = write_config(dir.path(), &config(dir.path(), port, ""));
    let mut relay = command(BONGSU, dir.path());
    relay.arg("-n").arg("-f").arg(file).env("NOTIFY_SOCKET", dir.path().join("notify"));
    let relay = Daemon::spawn(relay.env("BONGSU_TEST_PANIC", "reload:begun"));
    manager.hears("READY=1");
    for round in 1..=3 {
        relay.signal(Signal::USR2);
        for _ in 0..if round == 1 { 2 } else { 1 } {
            manager.hears("RELOADING=1\n");
            manager.hears("READY=1");
        }
        let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.send_to(format!("<13>hello {round}").as_bytes(), ("127.0.0.1", port)).unwrap();
        let log = || fs::read_to_string(dir.path().join("out/log")).unwrap_or_default();
        assert!(wait_for(SOON, || log().contains(&format!("hello {round}"))), "{}", log());
    }
    let ended = relay.stop();
    assert!(ended.status.success(), "{}", ended.stderr);
    let panics = "going over to the configuration panicked: as reload was asked to: this is a bug";
    assert_eq!(ended.stderr.matches(panics).count(), 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("reloads 4, of which 1"), "{}", ended.stderr);
}

/// Where nobody mounted `/proc`: a chroot, a bare container.
#[test]
fn privileges_are_given_up_without_proc() {
    if !geteuid().is_root() {
        eprintln!("not root: nobody else can be become, and nothing unmounted");
        return;
    }
    let (dir, port) = (TempDir::new().unwrap(), free_port());
    let out = dir.path().join("out");
    fs::create_dir(&out).unwrap();
    for (path, mode) in [(dir.path(), 0o755), (&out, 0o777)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let privileges = "$PrivDropToUser nobody\n$PrivDropToGroup nogroup";
    let file = write_config(dir.path(), &config(dir.path(), port, privileges));
    let mut relay = command("unshare", dir.path());
    relay.args(["-m", "sh", "-c", "mount -t tmpfs none /proc && exec \"$@\"", "sh", BONGSU]);
    let mut relay = Daemon::spawn(relay.arg("-n").arg("-f").arg(file));
    assert!(wait_for(SOON, || udp_listens(port) || !relay.running()));
    let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    sender.send_to(b"<13>hello", ("127.0.0.1", port)).unwrap();
    let written = wait_for(SOON, || out.join("log").exists());
    let ended = relay.stop();
    assert!(written && ended.status.success(), "{}", ended.stderr);
    let file = fs::metadata(out.join("log")).unwrap();
    assert_eq!((file.uid(), file.gid()), (NOBODY, NOBODY));
}

/// Only root can become somebody else: whoever else asks for it gets no relay, rather than one
/// with other rights.
#[test]
fn all_threads_become_who_was_asked_for() {
    let dir = TempDir::new().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let out = dir.path().join("out");
    fs::create_dir(&out).unwrap();
    fs::set_permissions(&out, fs::Permissions::from_mode(0o777)).unwrap();
    let port = free_port();
    let privileges = "$PrivDropToUser nobody\n$PrivDropToGroup nogroup";
    let mut relay = start(BONGSU, dir.path(), &config(dir.path(), port, privileges), &[]);
    if !geteuid().is_root() {
        println!("not root: that it does not start is all that can be seen");
        let ended = relay.ended();
        assert!(!ended.status.success(), "{}", ended.stderr);
        assert!(ended.stderr.contains("cannot become another user"), "{}", ended.stderr);
        return;
    }
    assert!(wait_for(SOON, || udp_listens(port) || !relay.running()));
    let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    sender.send_to(b"<13>hello", ("127.0.0.1", port)).unwrap();
    assert!(wait_for(SOON, || out.join("log").exists()));
    let file = fs::metadata(out.join("log")).unwrap();
    assert_eq!((file.uid(), file.gid()), (NOBODY, NOBODY));
    let mut threads = 0;
    for thread in fs::read_dir(format!("/proc/{}/task", relay.pid())).unwrap() {
        let status = fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
        let line = |name: &str| status.lines().find(|l| l.starts_with(name)).unwrap().to_owned();
        let all = format!("\t{NOBODY}").repeat(4);
        assert_eq!((line("Uid:"), line("Gid:")), (format!("Uid:{all}"), format!("Gid:{all}")));
        assert_eq!(line("Groups:").trim_end(), format!("Groups:\t{NOBODY}"));
        assert_eq!(line("CapEff:"), "CapEff:\t0000000000000000");
        threads += 1;
    }
    assert!(threads > 2, "{threads} threads");
    assert!(relay.stop().status.success());
}

/// rsyslogd does not start either: it would run as root.
#[test]
fn nobody_unknown_is_become() {
    let dir = TempDir::new().unwrap();
    let config = config(dir.path(), free_port(), "$PrivDropToUser no-such-user");
    let ended = start(BONGSU, dir.path(), &config, &[]).ended();
    assert!(!ended.status.success());
    assert!(ended.stderr.contains("no user 'no-such-user'"), "{}", ended.stderr);
}

/// A set of capabilities of a process and all of its threads, such as `CapEff`.
fn capabilities(pid: u32, set: &str) -> u64 {
    let mut all = Vec::new();
    for thread in fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
        let status = fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
        let line = status.lines().find(|l| l.starts_with(set)).unwrap();
        all.push(u64::from_str_radix(line.split_whitespace().nth(1).unwrap(), 16).unwrap());
    }
    all.dedup();
    assert_eq!(all.len(), 1, "threads differ in {set}: {all:x?}");
    all[0]
}

/// `CAP_SYS_MODULE`, `_ADMIN`, `_BOOT`, `_TIME`, and `CAP_MKNOD`: nothing that a relay does.
const NEVER: u64 = (1 << 16) | (1 << 21) | (1 << 22) | (1 << 25) | (1 << 27);
/// `CAP_CHOWN`, `CAP_NET_BIND_SERVICE`, `CAP_SYSLOG`.
const USED: u64 = 1 | (1 << 10) | (1 << 34);

/// What this process has not, the relay cannot give up: the assertions hold for anybody, and say
/// something where the tests run as root.
#[test]
fn capabilities_that_are_never_used_are_given_up() {
    let own = |set| capabilities(std::process::id(), set);
    let (effective, bounding) = (own("CapEff"), own("CapBnd"));
    println!("of these tests: effective {effective:x}, bounding {bounding:x}");
    let may = effective & (1 << 8) != 0;
    for (global, eff, bnd) in [
        ("", effective & !NEVER, bounding),
        ("global(libcapng.enable=\"off\")", effective, bounding),
        ("global(libcapng.enable=\"on\")", effective & !NEVER, bounding & !NEVER),
    ] {
        let dir = TempDir::new().unwrap();
        fs::create_dir(dir.path().join("out")).unwrap();
        let port = free_port();
        let mut relay = start(BONGSU, dir.path(), &config(dir.path(), port, global), &[]);
        if !may && bounding != bnd {
            let ended = relay.ended();
            assert!(!ended.status.success(), "{}", ended.stderr);
            assert!(ended.stderr.contains("cannot give up capabilities"), "{}", ended.stderr);
            continue;
        }
        assert!(wait_for(SOON, || udp_listens(port) || !relay.running()));
        let has = |set| capabilities(relay.pid(), set) & (NEVER | USED);
        assert_eq!(has("CapEff"), eff & (NEVER | USED), "{global}");
        assert_eq!(has("CapPrm"), eff & (NEVER | USED), "{global}");
        assert_eq!(has("CapBnd"), bnd & (NEVER | USED), "{global}");
        assert!(relay.stop().status.success());
    }
}

/// `libcapng.default` says whether the relay starts all the same.
#[test]
fn capabilities_that_cannot_be_given_up() {
    let bounding = capabilities(std::process::id(), "CapBnd");
    if bounding & NEVER == 0 {
        println!("there is nothing that these tests could give up: it starts, and says nothing");
    }
    for (global, starts) in [
        ("global(libcapng.enable=\"on\")", false),
        ("global(libcapng.enable=\"on\" libcapng.default=\"off\")", true),
    ] {
        let dir = TempDir::new().unwrap();
        fs::create_dir(dir.path().join("out")).unwrap();
        let port = free_port();
        let file = write_config(dir.path(), &config(dir.path(), port, global));
        let bongsu = command(BONGSU, dir.path());
        // Without CAP_SETPCAP. Who is not root has it not, and may not change these sets.
        let mut relay = command("setpriv", dir.path());
        if geteuid().is_root() {
            relay.args(["--bounding-set", "-setpcap"]);
        }
        relay.arg(bongsu.get_program()).arg("-n").arg("-f").arg(file);
        relay.arg("-i").arg(dir.path().join("pid"));
        let mut relay = Daemon::spawn(&mut relay);
        assert!(wait_for(SOON, || udp_listens(port) || !relay.running()));
        let fails = bounding & NEVER != 0;
        let starts = starts || !fails;
        assert_eq!(relay.running(), starts, "{global}");
        let ended = if starts { relay.stop() } else { relay.ended() };
        assert_eq!(ended.status.success(), starts);
        let said = ended.stderr.contains("cannot give up capabilities");
        assert_eq!(said, fails, "{}", ended.stderr);
    }
}
