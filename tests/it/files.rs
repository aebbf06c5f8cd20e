//! What omfile does when the disk, the directory or the messages are against it. Row 9 of the
//! faults: a full disk suspends the action, the torn line is finished when there is room, and
//! nothing is lost.

use std::collections::BTreeMap;
use std::fs;
use std::fs::Permissions;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use flate2::bufread::MultiGzDecoder;
use rustix::process::Pid;
use rustix::process::Resource;
use rustix::process::Rlimit;
use rustix::process::Signal;
use rustix::process::geteuid;
use rustix::process::prlimit;
use tempfile::TempDir;

use crate::support::free_port;
use crate::support::process::Daemon;
use crate::support::process::said;
use crate::support::process::start_aside;
use crate::support::process::write_config;
use crate::support::tcp_listens;
use crate::support::wait_for;

const SOON: Duration = Duration::from_secs(20);
/// What is waited for that must not happen.
const WHILE: Duration = Duration::from_millis(300);

/// A relay that writes what comes by TCP, and the folder that it and its files are in.
struct Bench {
    dir: TempDir,
    port: u16,
    relay: Option<Daemon>,
}

impl Bench {
    /// `@DIR@` in `config` is the folder.
    fn new(config: &str) -> Self {
        let (dir, port) = (TempDir::new().unwrap(), free_port());
        let input = format!(
            "module(load=\"imtcp\")\ninput(type=\"imtcp\" address=\"127.0.0.1\" port=\"{port}\")\n\
             template(name=\"m\" type=\"string\" string=\"%msg:2:$%\\n\")\n"
        );
        let config = config.replace("@DIR@", &dir.path().display().to_string());
        write_config(dir.path(), &(input + &config));
        Self { dir, port, relay: None }
    }

    fn start(&mut self) -> &mut Self {
        self.relay = Some(start_aside(self.dir.path(), "relay.conf"));
        assert!(wait_for(SOON, || tcp_listens(self.port)), "{}", said(self.dir.path()));
        self
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn relay(&self) -> &Daemon {
        self.relay.as_ref().unwrap()
    }

    fn send(&self, host: &str, texts: impl IntoIterator<Item = String>) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        for text in texts {
            writeln!(stream, "<13>Oct 11 22:14:15 {host} t: {text}").unwrap();
        }
    }

    /// Waits until the relay has said it.
    fn says(&self, what: &str) {
        let heard = wait_for(SOON, || said(self.dir.path()).contains(what));
        assert!(heard, "no '{what}' in:\n{}", said(self.dir.path()));
    }

    fn becomes(&self, name: &str, text: &str) {
        if !wait_for(SOON, || self.text(name) == text) {
            let got = self.text(name);
            let differs = got.lines().zip(text.lines()).position(|(a, b)| a != b);
            panic!(
                "{name} has {} lines, not {}, the first other one is {differs:?}; it said:\n{}",
                got.lines().count(),
                text.lines().count(),
                said(self.dir.path())
            );
        }
    }

    /// Stops the relay; the summary it gives.
    fn stop(&mut self) -> String {
        let ended = self.relay.take().unwrap().stop();
        let said = said(self.dir.path());
        assert!(ended.status.success(), "{}\n{said}", ended.status);
        assert!(!said.contains("bug"), "{said}");
        said
    }

    /// Whether the relay has a file open that has no name any more.
    fn holds_removed_files(&self) -> bool {
        let open = fs::read_dir(format!("/proc/{}/fd", self.relay().pid())).unwrap();
        let links = open.filter_map(|fd| fs::read_link(fd.unwrap().path()).ok());
        let out = self.path("out");
        links.filter(|to| to.starts_with(&out)).any(|to| to.to_string_lossy().contains("(deleted)"))
    }

    fn limit_files(&self, bytes: Option<u64>) {
        let pid = Pid::from_raw(self.relay().pid().try_into().unwrap());
        let maximum = rustix::process::getrlimit(Resource::Fsize).maximum;
        let limit = Rlimit { current: bytes.or(maximum), maximum };
        prlimit(pid, Resource::Fsize, limit).unwrap();
    }
}

fn numbered(n: usize) -> impl Iterator<Item = String> {
    (0..n).map(|i| format!("{i:05} {}", "x".repeat(100)))
}

fn as_file(lines: impl IntoIterator<Item = String>) -> String {
    lines.into_iter().map(|line| line + "\n").collect()
}

const ONE_FILE: &str = "action(type=\"omfile\" file=\"@DIR@/out/log\" template=\"m\")\n";
const PER_HOST: &str = "template(name=\"n\" type=\"string\" string=\"@DIR@/out/%hostname%.log\")\n\
                        action(type=\"omfile\" dynaFile=\"n\" template=\"m\")\n";

/// A limit on the size of files stands for a disk that is full: it cuts a line, too, and needs no
/// root.
#[test]
fn a_line_that_was_cut_is_finished_when_there_is_room() {
    let mut bench = Bench::new(ONE_FILE);
    bench.start().limit_files(Some(10_050));
    bench.send("h", numbered(1000));
    bench.says("suspended: cannot write to");
    let cut = bench.text("out/log");
    assert_eq!((cut.len(), cut.ends_with('\n')), (10_050, false), "the line is not torn");
    // A SIGHUP without a rotation changes nothing.
    bench.relay().signal(Signal::HUP);
    std::thread::sleep(WHILE);
    bench.limit_files(Some(20_051));
    assert!(wait_for(SOON, || bench.text("out/log").len() == 20_051));
    bench.limit_files(None);
    bench.becomes("out/log", &as_file(numbered(1000)));
    bench.says("resumed");
    bench.stop();
}

#[test]
fn many_files_of_a_full_disk_get_each_line_once() {
    let mut bench = Bench::new(PER_HOST);
    bench.start().limit_files(Some(3_333));
    let hosts = 100;
    let mut stream = TcpStream::connect(("127.0.0.1", bench.port)).unwrap();
    for text in numbered(50) {
        for host in 0..hosts {
            writeln!(stream, "<13>Oct 11 22:14:15 h{host} t: {text}").unwrap();
        }
    }
    bench.says("suspended: cannot write to");
    bench.limit_files(None);
    for host in 0..hosts {
        bench.becomes(&format!("out/h{host}.log"), &as_file(numbered(50)));
    }
    bench.stop();
}

#[test]
fn a_file_that_is_rotated_while_the_disk_is_full_ends_where_it_was_cut() {
    let mut bench = Bench::new(ONE_FILE);
    bench.start().limit_files(Some(10_050));
    bench.send("h", numbered(200));
    bench.says("suspended: cannot write to");
    fs::rename(bench.path("out/log"), bench.path("out/log.1")).unwrap();
    bench.relay().signal(Signal::HUP);
    // What is whole is in the old file, what was cut is whole in the new one.
    let whole = 10_050 / 107;
    assert!(wait_for(SOON, || !bench.text("out/log").is_empty()));
    bench.limit_files(None);
    bench.becomes("out/log", &as_file(numbered(200).skip(whole)));
    let old = bench.text("out/log.1");
    assert_eq!(old.lines().take(whole).map(str::to_owned).collect::<Vec<_>>(), {
        numbered(whole).collect::<Vec<_>>()
    });
    bench.stop();
}

/// The same on a small file system of its own, which only root can make.
#[test]
fn a_full_file_system_loses_nothing() {
    if !geteuid().is_root() {
        eprintln!("not root: no file system can be mounted; a limit on files stands for it");
        return;
    }
    let mut bench = Bench::new(ONE_FILE);
    let out = bench.path("out");
    fs::create_dir(&out).unwrap();
    let mount = |args: &[&str]| Command::new("mount").args(args).arg(&out).status().unwrap();
    assert!(mount(&["-t", "tmpfs", "-o", "size=256k", "none"]).success());
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        bench.start();
        fs::write(bench.path("out/ballast"), vec![0; 128 << 10]).unwrap();
        bench.send("h", numbered(2000));
        bench.says("No space left on device");
        assert!(bench.text("out/log").len() < 107 * 2000);
        fs::remove_file(bench.path("out/ballast")).unwrap();
        bench.becomes("out/log", &as_file(numbered(2000)));
        bench.stop();
    }));
    drop(bench.relay.take());
    assert!(Command::new("umount").arg("-l").arg(&out).status().unwrap().success());
    done.unwrap();
}

/// What stands where the file should be, and what makes it right again.
#[test]
fn a_file_that_was_replaced_by_something_else_is_waited_for() {
    type Change = fn(&Path);
    let cases: [(&str, Change, &str); 5] = [
        ("directory", |path| fs::create_dir(path).unwrap(), "Is a directory"),
        ("loop", |path| symlink(path, path).unwrap(), "symbolic links"),
        (
            "pipe",
            |path| {
                let made = Command::new("mkfifo").arg(path).status().unwrap();
                assert!(made.success());
            },
            "No such device or address",
        ),
        ("link", |path| symlink("/dev/full", path).unwrap(), "No space left"),
        // The kernel has nothing at address 0.
        ("disk", |path| symlink("/proc/self/mem", path).unwrap(), "Input/output error"),
    ];
    for (name, replace, complaint) in cases {
        let mut bench = Bench::new(ONE_FILE);
        bench.start();
        bench.send("h", ["one".to_owned()]);
        bench.becomes("out/log", "one\n");
        let path = bench.path("out/log");
        fs::remove_file(&path).unwrap();
        replace(&path);
        bench.relay().signal(Signal::HUP);
        assert!(wait_for(SOON, || !bench.holds_removed_files()), "{}", said(bench.dir.path()));
        bench.send("h", ["two".to_owned()]);
        bench.says(complaint);
        if name == "directory" {
            fs::remove_dir(&path).unwrap();
        } else {
            fs::remove_file(&path).unwrap();
        }
        bench.relay().signal(Signal::HUP);
        bench.becomes("out/log", "two\n");
        bench.stop();
    }
}

#[test]
fn permission_that_comes_later_is_enough() {
    let mut bench = Bench::new(ONE_FILE);
    fs::create_dir(bench.path("out")).unwrap();
    if geteuid().is_root() {
        // Root may write anywhere; only a file that nobody may change stops it.
        fs::write(bench.path("out/log"), "").unwrap();
        let changed = Command::new("chattr").arg("+i").arg(bench.path("out/log")).output();
        if !changed.is_ok_and(|output| output.status.success()) {
            eprintln!("root, and no chattr here: a permission cannot be taken away");
            return;
        }
    } else {
        fs::set_permissions(bench.path("out"), Permissions::from_mode(0o500)).unwrap();
    }
    bench.start();
    bench.send("h", numbered(3));
    bench.says("suspended: cannot");
    if geteuid().is_root() {
        Command::new("chattr").arg("-i").arg(bench.path("out/log")).status().unwrap();
    } else {
        fs::set_permissions(bench.path("out"), Permissions::from_mode(0o700)).unwrap();
    }
    bench.becomes("out/log", &as_file(numbered(3)));
    bench.stop();
}

/// As disks become that have errors. Who is not root has a file that may only be read instead.
#[test]
fn what_may_only_be_read_is_waited_for() {
    let mut bench = Bench::new(ONE_FILE);
    let out = bench.path("out");
    fs::create_dir(&out).unwrap();
    if !geteuid().is_root() {
        eprintln!("not root: no file system can be mounted; a file's mode stands for it");
        fs::write(out.join("log"), "").unwrap();
        fs::set_permissions(out.join("log"), Permissions::from_mode(0o400)).unwrap();
        bench.start().send("h", numbered(3));
        bench.says("Permission denied");
        fs::set_permissions(out.join("log"), Permissions::from_mode(0o600)).unwrap();
        bench.becomes("out/log", &as_file(numbered(3)));
        bench.stop();
        return;
    }
    let mount = |args: &[&str]| Command::new("mount").args(args).arg(&out).status().unwrap();
    assert!(mount(&["-t", "tmpfs", "-o", "ro", "none"]).success());
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        bench.start().send("h", numbered(3));
        bench.says("Read-only file system");
        assert!(mount(&["-o", "remount,rw"]).success());
        bench.becomes("out/log", &as_file(numbered(3)));
        bench.stop();
    }));
    drop(bench.relay.take());
    assert!(Command::new("umount").arg("-l").arg(&out).status().unwrap().success());
    done.unwrap();
}

/// More names than the process may open files: fewer are kept open, and it is said.
#[test]
fn too_many_names_for_the_open_files_allowed_lose_nothing() {
    let config = PER_HOST.replace("template=\"m\"", "template=\"m\" dynaFileCacheSize=\"1000\"");
    let mut bench = Bench::new(&config);
    bench.start();
    let open = fs::read_dir(format!("/proc/{}/fd", bench.relay().pid())).unwrap().count();
    let pid = Pid::from_raw(bench.relay().pid().try_into().unwrap());
    let limit = u64::try_from(open + 20).unwrap();
    let limit = Rlimit { current: Some(limit), maximum: Some(limit) };
    let mut stream = TcpStream::connect(("127.0.0.1", bench.port)).unwrap();
    std::thread::sleep(WHILE);
    prlimit(pid, Resource::Nofile, limit).unwrap();
    for text in numbered(3) {
        for host in 0..200 {
            writeln!(stream, "<13>Oct 11 22:14:15 h{host} t: {text}").unwrap();
        }
    }
    for host in 0..200 {
        bench.becomes(&format!("out/h{host}.log"), &as_file(numbered(3)));
    }
    bench.says("of its files open, not dynaFileCacheSize");
    bench.stop();
}

/// Whatever a message says, its file is below the constant part of the template.
#[test]
fn names_of_messages_stay_below_their_directory() {
    let mut bench = Bench::new(
        "template(name=\"n\" type=\"string\" string=\"@DIR@/out/in/%msg:F,32:2%.log\")\n\
         template(name=\"t\" type=\"string\" string=\"%msg:F,32:3%\\n\")\n\
         action(type=\"omfile\" dynaFile=\"n\" template=\"t\")\n",
    );
    bench.start();
    let outside = bench.path("outside");
    fs::create_dir_all(bench.path("out/in")).unwrap();
    fs::create_dir(&outside).unwrap();
    let long = "n".repeat(4096);
    let deep = "d/".repeat(2100);
    let names = ["ok", "../x", "a/../../x", "../../x", &long, &deep, "../in/ok", "nul\0x", "end"];
    bench.send("h", names.iter().enumerate().map(|(i, name)| format!("{name} {i}")));
    bench.becomes("out/in/end.log", "8\n");
    assert_eq!(bench.text("out/in/ok.log"), "0\n");
    assert_eq!(bench.text("out/in/nul#000x.log"), "7\n");
    let said = bench.stop();
    for what in ["the name leads out of", "File name too long"] {
        assert!(said.contains(what), "{said}");
    }
    let mut found = BTreeMap::new();
    crate::support::source::walk(&bench.path("out"), &mut |path| {
        found.insert(path.to_path_buf(), fs::read_to_string(path).unwrap());
    });
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(!bench.path("x.log").exists() && fs::read_dir(outside).unwrap().next().is_none());
}

/// `zcat` reads what is there while the relay runs, and all of it after kill -9 and another start.
#[test]
fn compressed_files_are_readable_at_any_time() {
    for (how, robust) in [("", false), (" veryRobustZip=\"on\"", true)] {
        let mut bench = Bench::new(&format!(
            "action(type=\"omfile\" file=\"@DIR@/out.gz\" template=\"m\" zipLevel=\"6\"{how})\n"
        ));
        let live = |bench: &Bench| {
            let file = fs::read(bench.path("out.gz")).unwrap_or_default();
            let mut text = String::new();
            let read = MultiGzDecoder::new(&file[..]).read_to_string(&mut text);
            (text, read.is_ok())
        };
        bench.start().send("h", numbered(100));
        let first = as_file(numbered(100));
        assert!(wait_for(SOON, || live(&bench).0 == first), "{:?}", live(&bench));
        assert_eq!(live(&bench).1, robust, "only a member that has ended is whole");
        bench.relay().signal(Signal::KILL);
        drop(bench.relay.take());
        bench.start().send("h", numbered(5));
        if robust {
            let all = first.clone() + &as_file(numbered(5));
            assert!(wait_for(SOON, || live(&bench) == (all.clone(), true)), "{:?}", live(&bench));
        }
        bench.stop();
    }
}

/// The file that was rotated away gets what its compressor holds, when there is room again; the
/// new one begins with the message behind that.
#[test]
fn a_compressed_file_that_is_rotated_while_the_disk_is_full_is_finished() {
    let mut bench = Bench::new(
        "action(type=\"omfile\" file=\"@DIR@/out/log\" template=\"m\" zipLevel=\"6\")\n",
    );
    // What does not compress: the limit cuts it.
    let mut state = 1_u64;
    let lines: Vec<String> = (0..3000)
        .map(|i| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            format!("{i:05} {state:016x}")
        })
        .collect();
    bench.start().send("h", ["first".to_owned()]);
    assert!(wait_for(SOON, || bench.path("out/log").exists()));
    bench.limit_files(Some(5_000));
    bench.send("h", lines.iter().cloned());
    bench.says("File too large");
    fs::rename(bench.path("out/log"), bench.path("out/log.1")).unwrap();
    bench.relay().signal(Signal::HUP);
    std::thread::sleep(WHILE);
    bench.limit_files(None);
    bench.send("h", ["last".to_owned()]);
    let unzipped = |name: &str| {
        let mut text = String::new();
        let file = fs::read(bench.path(name)).unwrap_or_default();
        let whole = MultiGzDecoder::new(&file[..]).read_to_string(&mut text).is_ok();
        (text, whole)
    };
    assert!(wait_for(SOON, || unzipped("out/log").0.ends_with("last\n")));
    let (before, whole) = unzipped("out/log.1");
    assert!(whole, "{} bytes of text, and no end", before.len());
    let all = before + &unzipped("out/log").0;
    let expected = ["first".to_owned()].into_iter().chain(lines).chain(["last".to_owned()]);
    assert!(all == as_file(expected), "{} lines", all.lines().count());
    bench.stop();
}

/// Without flushOnTXEnd a compressed file gets its messages after flushInterval, and those that
/// wait are delivered by a stop.
#[test]
fn a_compressor_holds_messages_for_the_interval_at_most() {
    let mut bench = Bench::new(
        "action(type=\"omfile\" file=\"@DIR@/out.gz\" template=\"m\" zipLevel=\"6\" \
         flushOnTXEnd=\"off\" flushInterval=\"2\")\n",
    );
    let text = |bench: &Bench| {
        let file = fs::read(bench.path("out.gz")).unwrap_or_default();
        let mut text = String::new();
        let whole = MultiGzDecoder::new(&file[..]).read_to_string(&mut text).is_ok();
        (text, whole)
    };
    bench.start().send("h", ["one".to_owned()]);
    assert!(wait_for(SOON, || bench.path("out.gz").exists()));
    std::thread::sleep(WHILE);
    assert_eq!(text(&bench).0, "", "it did not wait");
    assert!(wait_for(SOON, || text(&bench).0 == "one\n"));
    bench.send("h", ["two".to_owned()]);
    std::thread::sleep(WHILE);
    bench.stop();
    assert_eq!(text(&bench), ("one\ntwo\n".to_owned(), true));
}

#[test]
fn a_file_at_its_limit_waits_until_someone_makes_room() {
    let mut bench = Bench::new(
        "action(type=\"omfile\" file=\"@DIR@/out/log\" template=\"m\" rotation.sizeLimit=\"200\" \
         rotation.sizeLimitCommand=\"/bin/false\")\n",
    );
    bench.start().send("h", numbered(5));
    bench.says("'/bin/false' (exit status: 1) left it at its limit of 200 bytes or more");
    assert_eq!(bench.text("out/log"), as_file(numbered(3)), "one more than reach the limit");
    fs::rename(bench.path("out/log"), bench.path("out/log.1")).unwrap();
    bench.becomes("out/log", &as_file(numbered(5).skip(3)));
    bench.stop();
}
