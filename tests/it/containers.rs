//! Containers' logs, as a kubelet and a runtime keep them: links, parts of lines, rotation. The
//! containers write numbered lines, which are counted at the end.

use std::collections::HashMap;
use std::fs;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::support::number;
use crate::support::process::BONGSU;
use crate::support::process::Daemon;
use crate::support::process::start;
use crate::support::wait_for;

const SOON: Duration = Duration::from_secs(30);
const TIME: &str = "2026-11-22T19:04:05.123456789+09:00";

/// A node: `containers` with links to `pods`, and what the relay writes.
struct Node {
    dir: TempDir,
}

/// A container that runs: its log, which it reopens after each rotation.
struct Container {
    folder: PathBuf,
    file: File,
    rotations: usize,
}

impl Node {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        for folder in ["containers", "pods", "state"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn run(&self, pod: &str, container: &str) -> Container {
        let folder = self.path(&format!("pods/shop_{pod}_uid-of-{pod}/{container}"));
        fs::create_dir_all(&folder).unwrap();
        let file = open(&folder);
        let link = format!("containers/{pod}_shop_{container}-{}.log", id(pod));
        symlink(folder.join("0.log"), self.path(&link)).unwrap();
        Container { folder, file, rotations: 0 }
    }

    /// A relay of all containers to the file `out`.
    fn relay(&self, pattern: &str, more: &str, template: &str) -> Daemon {
        let config = format!(
            r#"global(workDirectory="{state}" maxMessageSize="64k")
module(load="imfile")
template(name="line" type="string" string="{template}\n")
input(type="imfile" file="{pattern}" format="cri" {more})
action(type="omfile" file="{out}" template="line")
"#,
            state = self.path("state").display(),
            pattern = self.path(pattern).display(),
            out = self.path("out").display(),
        );
        start(BONGSU, self.dir.path(), &config, &[])
    }

    fn lines(&self) -> Vec<String> {
        let text = fs::read(self.path("out")).unwrap_or_default();
        String::from_utf8_lossy(&text).lines().map(str::to_owned).collect()
    }

    fn wait(&self, lines: &[&str]) {
        let found = || lines.iter().all(|line| self.lines().iter().any(|found| found == line));
        assert!(wait_for(SOON, found), "{lines:#?}\n{:#?}", self.lines());
    }

    /// How many of the messages below `all` are missing, and how many came more than once. One that
    /// is not as it was written fails.
    fn verdict(&self, all: usize) -> (usize, usize) {
        let mut seen: HashMap<usize, usize> = HashMap::new();
        for line in self.lines() {
            let number = line.split(' ').next().unwrap().parse();
            let number = number.unwrap_or_else(|_| panic!("torn: {line:?}"));
            assert!(number < all && line == text(number), "not as it was written: {line:?}");
            *seen.entry(number).or_default() += 1;
        }
        (all - seen.len(), seen.values().map(|times| times - 1).sum())
    }

    fn wait_all(&self, all: usize) {
        let came = || self.lines().len() >= all && self.verdict(all).0 == 0;
        assert!(wait_for(SOON, came), "{:?} of {all}", self.verdict(all));
    }
}

/// The number of a pod's container.
fn id(pod: &str) -> String {
    format!("{:0>64}", pod.len())
}

fn open(folder: &std::path::Path) -> File {
    File::options().create(true).append(true).open(folder.join("0.log")).unwrap()
}

/// What a container writes; every third message is long enough to come in parts.
fn text(number: usize) -> String {
    let middle = "abcdefghij".repeat(if number.is_multiple_of(3) { 30 } else { 2 });
    format!("{number} {middle} {number}")
}

impl Container {
    fn line(&mut self, stream: &str, tag: &str, text: &str) {
        writeln!(self.file, "{TIME} {stream} {tag} {text}").unwrap();
    }

    /// The parts of a message, each with its tag, as a runtime cuts it.
    fn parts(text: &str) -> Vec<(&'static str, String)> {
        let mut parts: Vec<_> = text
            .as_bytes()
            .chunks(100)
            .map(|part| ("P", String::from_utf8(part.to_vec()).unwrap()))
            .collect();
        match parts.last_mut() {
            Some(last) if !text.len().is_multiple_of(100) => last.0 = "F",
            _ => parts.push(("F", String::new())),
        }
        parts
    }

    /// Two messages whose parts are mixed, one on each stream.
    fn pair(&mut self, number: usize) {
        let [mut out, mut err] = [0, 1].map(|more| Self::parts(&text(number + more)).into_iter());
        loop {
            let (out, err) = (out.next(), err.next());
            for (stream, part) in [("stdout", &out), ("stderr", &err)] {
                if let Some((tag, text)) = part {
                    self.line(stream, tag, text);
                }
            }
            if out.is_none() && err.is_none() {
                return;
            }
        }
    }

    /// As the kubelet rotates: the log is renamed, a new one begun, and the one that was rotated
    /// before that is packed.
    fn rotate(&mut self) {
        let name = |n: usize| format!("0.log.20261122-1011{n:02}");
        let rotated = self.folder.join(name(self.rotations));
        fs::rename(self.folder.join("0.log"), rotated).unwrap();
        // The runtime goes on with the old one until it is told.
        thread::sleep(Duration::from_millis(5));
        self.file = open(&self.folder);
        if let Some(before) = self.rotations.checked_sub(1) {
            let old = self.folder.join(name(before));
            let [packing, packed] = [".tmp", ".gz"].map(|end| self.folder.join(name(before) + end));
            let out = File::create(&packing).unwrap();
            let done = Command::new("gzip").arg("-c").arg(&old).stdout(out).status().unwrap();
            assert!(done.success());
            fs::rename(packing, packed).unwrap();
            fs::remove_file(old).unwrap();
        }
        self.rotations += 1;
    }
}

#[test]
fn a_message_has_its_time_its_stream_and_its_container() {
    let node = Node::new();
    let mut web = node.run("web-1", "nginx");
    web.line("stdout", "P", "GET ");
    web.line("stderr", "F:x", "oops");
    web.line("stdout", "F", "/index.html");
    web.line("stdout", "F", "");
    writeln!(web.file, "no line of a runtime's").unwrap();
    let fields = ["pod_name", "namespace_name", "container_name", "pod_id", "restart_count"];
    let fields = fields.map(|name| format!("%$!kubernetes!{name}%")).join(" ");
    let template = format!(
        "%timestamp:::date-rfc3339%|%syslogtag%|%pri-text%|%$!stream%|%$!logtag%|\
         %$!metadata!fileoffset%|{fields}|%$!kubernetes!docker_id%|%msg%"
    );
    let daemon = node.relay("containers/*.log", "", &template);
    let line = |rest: &str, text: &str| {
        let names = "web-1 shop nginx uid-of-web-1 0";
        format!("{TIME}|nginx:|local0.notice|{rest}|{names}|{}|{text}", id("web-1"))
    };
    let wanted = [
        line("stderr|F|50", "oops"),
        line("stdout|F|0", "GET /index.html"),
        line("stdout|F|159", ""),
    ];
    node.wait(&wanted.each_ref().map(String::as_str));
    let has = |line: &String| line.contains("|nginx:|local0.notice|||205|web-1 shop");
    assert!(wait_for(SOON, || node.lines().iter().any(has)), "{:#?}", node.lines());
    assert_eq!(node.lines().len(), 4);
    assert!(node.lines()[3].ends_with("|no line of a runtime's"));
    assert!(!node.lines()[3].starts_with(TIME), "that is no time of arrival");
    assert!(daemon.stop().status.success());
}

#[test]
fn parts_that_wait_too_long_are_messages() {
    let node = Node::new();
    let mut web = node.run("web", "nginx");
    let more = r#"tag="t:" readTimeout="1""#;
    let daemon = node.relay("containers/*.log", more, "%syslogtag%%$!logtag%:%msg%");
    web.line("stdout", "P", "one ");
    // Another stream that goes on does not hold it up.
    let told = || {
        web.line("stderr", "F", "x");
        node.lines().contains(&"t:P:one ".to_owned())
    };
    assert!(wait_for(SOON, told), "{:#?}", node.lines());
    web.line("stdout", "F", "two");
    node.wait(&["t:F:two"]);
    let ended = daemon.stop();
    assert!(ended.status.success());
    assert_eq!(node.lines().iter().filter(|line| line.contains("one")).count(), 1);
}

/// Parts on both sides of a rotation are one message, on each stream, also if it is rotated again
/// before the end comes.
#[test]
fn a_line_over_a_rotation_is_one_message() {
    let node = Node::new();
    let mut web = node.run("web", "nginx");
    let daemon = node.relay("containers/*.log", "", "%$!stream% %$!metadata!fileoffset% %msg%");
    web.line("stdout", "F", "first");
    node.wait(&["stdout 0 first"]);
    web.line("stdout", "P", "one ");
    web.line("stderr", "P", "error ");
    web.rotate();
    web.line("stdout", "P", "two ");
    web.line("stderr", "F", "ends");
    node.wait(&["stderr 101 error ends"]);
    web.rotate();
    web.line("stdout", "F", "three");
    web.line("stdout", "F", "last");
    node.wait(&["stdout 51 one two three", "stdout 51 last"]);
    assert!(daemon.stop().status.success());
    assert_eq!(node.lines().len(), 4, "{:#?}", node.lines());
}

/// Between the first part and the rest stand files that have nothing of that stream: one with a
/// line of the other, and one that is empty.
#[test]
fn a_line_over_rotations_in_a_row_is_one_message() {
    for pattern in ["containers/*.log", "pods/*/*/*.log*"] {
        let node = Node::new();
        let mut web = node.run("web", "nginx");
        let daemon = node.relay(pattern, "", "%msg%");
        web.line("stdout", "P", "one ");
        web.line("stderr", "F", "first");
        node.wait(&["first"]);
        web.rotate();
        web.line("stderr", "F", "second");
        node.wait(&["second"]);
        web.rotate();
        // Long enough for the empty one to be found.
        thread::sleep(Duration::from_millis(300));
        web.rotate();
        web.line("stderr", "F", "third");
        node.wait(&["third"]);
        web.line("stdout", "P", "two ");
        web.line("stdout", "F", "three");
        node.wait(&["one two three"]);
        assert!(daemon.stop().status.success());
        // All of it was delivered: nothing is read again.
        let daemon = node.relay(pattern, "", "%msg%");
        web.line("stdout", "F", "last");
        node.wait(&["last"]);
        assert!(daemon.stop().status.success());
        assert_eq!(node.lines().len(), 5, "{pattern}: {:#?}", node.lines());
    }
}

/// The relay is stopped, or killed, with the first parts of a line in its hands.
#[test]
fn a_line_over_a_rotation_and_a_restart_is_one_message() {
    for (pattern, kills) in
        [("containers/*.log", true), ("pods/*/*/*.log*", true), ("containers/*.log", false)]
    {
        let node = Node::new();
        let mut web = node.run("web", "nginx");
        let end = |daemon: Daemon| if kills { drop(daemon) } else { drop(daemon.stop()) };
        let daemon = node.relay(pattern, "", "%msg%");
        web.line("stdout", "F", "first");
        node.wait(&["first"]);
        web.line("stdout", "P", "one ");
        web.line("stderr", "F", "second");
        node.wait(&["second"]);
        // A killed one had no time to write down where it was: that much comes twice.
        thread::sleep(Duration::from_millis(300));
        end(daemon);
        // Nobody reads while it is rotated.
        web.rotate();
        let daemon = node.relay(pattern, "", "%msg%");
        web.line("stdout", "P", "two ");
        web.line("stderr", "F", "third");
        node.wait(&["third"]);
        thread::sleep(Duration::from_millis(300));
        end(daemon);
        web.line("stdout", "F", "three");
        let daemon = node.relay(pattern, "", "%msg%");
        web.line("stdout", "F", "last");
        node.wait(&["one two three", "last"]);
        assert!(daemon.stop().status.success());
        // All of it was delivered: nothing is read again.
        let daemon = node.relay(pattern, "", "%msg%");
        web.line("stdout", "F", "more");
        node.wait(&["more"]);
        assert!(daemon.stop().status.success());
        assert_eq!(node.lines().len(), 6, "{pattern} {kills}: {:#?}", node.lines());
    }
}

/// The rest never comes: what there was is a message after `readTimeout`, and stays one.
#[test]
fn a_line_whose_rest_never_comes_is_told_once() {
    let node = Node::new();
    let mut web = node.run("web", "nginx");
    let daemon = node.relay("containers/*.log", r#"readTimeout="2""#, "%$!logtag%:%msg%");
    web.line("stdout", "F", "first");
    node.wait(&["F:first"]);
    web.line("stdout", "P", "one ");
    web.rotate();
    web.line("stderr", "F", "other");
    node.wait(&["F:other", "P:one "]);
    web.line("stdout", "F", "two");
    node.wait(&["F:two"]);
    assert!(daemon.stop().status.success());
    let daemon = node.relay("containers/*.log", "", "%$!logtag%:%msg%");
    web.line("stdout", "F", "last");
    node.wait(&["F:last"]);
    assert!(daemon.stop().status.success());
    assert_eq!(node.lines().len(), 5, "{:#?}", node.lines());
}

/// What is longer than a message may be is cut, and said once.
#[test]
fn a_line_of_many_parts_is_bounded() {
    let node = Node::new();
    let mut web = node.run("web", "nginx");
    for _ in 0..400 {
        web.line("stdout", "P", &"x".repeat(16 << 10));
    }
    web.line("stdout", "F", "end");
    web.line("stdout", "F", "next");
    let daemon = node.relay("containers/*.log", "", "%msg%");
    node.wait(&["next"]);
    assert!(daemon.peak_rss_kib() < 64 << 10, "{} KiB", daemon.peak_rss_kib());
    let ended = daemon.stop();
    assert_eq!(ended.stderr.matches("a message is longer than 65536 bytes").count(), 1);
    assert_eq!(node.lines(), ["x".repeat(64 << 10), "next".to_owned()]);
}

/// Rotated under load, by links and where the names that files are rotated to match as well.
#[test]
fn logs_that_the_kubelet_rotates_lose_and_repeat_nothing() {
    for pattern in ["containers/*.log", "pods/*/*/*.log*"] {
        let node = Node::new();
        let daemon = node.relay(pattern, "", "%msg%");
        let writers = ["web-a", "web-bb", "web-ccc"].map(|pod| node.run(pod, "nginx"));
        let each = 4000;
        let threads: Vec<_> = writers
            .into_iter()
            .enumerate()
            .map(|(nth, mut writer)| {
                thread::spawn(move || {
                    for number in (0..each).step_by(2) {
                        writer.pair(nth * each + number);
                        if number % 500 == 498 {
                            thread::sleep(Duration::from_millis(300));
                            writer.rotate();
                        }
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        node.wait_all(3 * each);
        assert!(daemon.stop().status.success());
        assert_eq!(node.verdict(3 * each), (0, 0), "{pattern}");
    }
}

/// Stopped and killed where parts of both streams are unfinished: `BONGSU_TAIL_KILLS` times.
#[test]
fn a_relay_that_is_killed_between_parts_loses_nothing() {
    let times = number("BONGSU_TAIL_KILLS", 8);
    let node = Node::new();
    let mut web = node.run("web", "nginx");
    let mut all = 0;
    let mut repeated = 0;
    for n in 0..times {
        let [one, two] = [0, 1].map(|more| text(3 * all + 3 * more));
        let [one, two] = [&one, &two].map(|text| text.split_at(150));
        let daemon = node.relay("containers/*.log", "", "%msg%");
        web.line("stdout", "P", one.0);
        web.line("stderr", "P", two.0);
        web.line("stderr", "F", two.1);
        let came = || node.lines().iter().any(|line| *line == [two.0, two.1].concat());
        assert!(wait_for(SOON, came), "{n}: {:#?}", node.lines());
        let before = node.lines().len();
        if n % 2 == 0 {
            // Dropped, it is killed.
            drop(daemon);
        } else {
            assert!(daemon.stop().status.success());
        }
        if n % 3 == 2 {
            // Whoever starts now finds the first part in the file that was renamed.
            web.rotate();
        }
        web.line("stdout", "F", one.1);
        let daemon = node.relay("containers/*.log", "", "%msg%");
        let rest = [one.0, one.1].concat();
        assert!(wait_for(SOON, || node.lines().contains(&rest)), "{n}: {:#?}", node.lines());
        assert!(daemon.stop().status.success());
        repeated += node.lines().len() - before - 1;
        all += 2;
    }
    println!("{times} times: {repeated} lines of {} repeated", node.lines().len());
    // After a stop in order nothing is; of a killed one what was not written down yet.
    assert!(repeated <= times.div_ceil(2), "{repeated}");
}
