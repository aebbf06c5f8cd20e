//! imfile through what happens to log files: rows 21 to 25 of the faults, files that are none, and
//! ten thousand of them. Lines are numbered, and counted at the end.

use std::collections::HashMap;
use std::fs;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use tempfile::TempDir;

use crate::support::number;
use crate::support::process::BONGSU;
use crate::support::process::Daemon;
use crate::support::process::start;
use crate::support::wait_for;

const SOON: Duration = Duration::from_secs(30);
/// One read, and so one batch, is no larger.
const BATCH_BYTES: usize = 256 << 10;

/// A folder with logs, what the relay writes, and where it keeps its positions.
struct Place {
    dir: TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        for folder in ["logs", "state"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        Self { dir }
    }

    fn log(&self, name: &str) -> PathBuf {
        self.dir.path().join("logs").join(name)
    }

    /// A relay from the logs that `pattern` names to the file `out`.
    fn relay(&self, pattern: &str, more: &str) -> Daemon {
        let config = format!(
            r#"global(workDirectory="{state}")
module(load="imfile")
template(name="line" type="string" string="%msg%\n")
input(type="imfile" file="{logs}/{pattern}" tag="t:" addMetadata="off"
      fileNotFoundError="off" {more})
action(type="omfile" file="{out}" template="line")
"#,
            state = self.dir.path().join("state").display(),
            logs = self.dir.path().join("logs").display(),
            out = self.out().display(),
        );
        start(BONGSU, self.dir.path(), &config, &[])
    }

    fn out(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    fn lines(&self) -> Vec<String> {
        let text = fs::read(self.out()).unwrap_or_default();
        String::from_utf8_lossy(&text).lines().map(str::to_owned).collect()
    }

    /// How many of the numbers below `all` are missing, and how many lines are there twice.
    fn verdict(&self, all: usize) -> (usize, usize) {
        let mut seen: HashMap<usize, usize> = HashMap::new();
        for line in self.lines() {
            let number = line.split(' ').next().unwrap().parse();
            *seen.entry(number.unwrap_or_else(|_| panic!("torn: {line:?}"))).or_default() += 1;
        }
        assert!(seen.keys().all(|n| *n < all), "a line that was never written");
        (all - seen.len(), seen.values().map(|times| times - 1).sum())
    }

    /// Waits until every number below `all` has come.
    fn wait(&self, all: usize) {
        // Counting is enough until the end.
        wait_for(SOON, || self.lines().len() >= all && self.verdict(all).0 == 0);
    }

    /// Waits for that, and stops the relay: none is missing then, and none there twice.
    fn has_each_once(&self, daemon: Daemon, all: usize) {
        self.wait(all);
        assert!(daemon.stop().status.success());
        assert_eq!(self.verdict(all), (0, 0), "of {all}");
    }
}

fn line(number: usize) -> String {
    format!("{number} line of a log that is rotated in all the ways there are\n")
}

fn append(path: &Path, numbers: std::ops::Range<usize>) {
    let mut file = File::options().create(true).append(true).open(path).unwrap();
    let text: String = numbers.map(line).collect();
    file.write_all(text.as_bytes()).unwrap();
}

/// Somebody who writes numbered lines to the file that `path` is when it is opened again, and opens
/// it again when told to.
struct Writer {
    stop: Arc<AtomicBool>,
    reopen: Arc<AtomicBool>,
    written: Arc<AtomicUsize>,
    thread: JoinHandle<()>,
}

impl Writer {
    fn new(path: PathBuf, pause: Duration) -> Self {
        let (stop, reopen) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let written = Arc::new(AtomicUsize::new(0));
        let (stopped, again, count) = (stop.clone(), reopen.clone(), written.clone());
        let thread = thread::spawn(move || {
            let open = || File::options().create(true).append(true).open(&path).unwrap();
            let mut file = open();
            while !stopped.load(Ordering::Relaxed) {
                if again.swap(false, Ordering::Relaxed) {
                    file = open();
                }
                let n = count.load(Ordering::Relaxed);
                let text: String = (n..n + 10).map(line).collect();
                file.write_all(text.as_bytes()).unwrap();
                count.store(n + 10, Ordering::Relaxed);
                thread::sleep(pause);
            }
        });
        Self { stop, reopen, written, thread }
    }

    /// As a log's daemon does on SIGHUP; some time passes before.
    fn reopen(&self) {
        self.reopen.store(true, Ordering::Relaxed);
        assert!(wait_for(SOON, || !self.reopen.load(Ordering::Relaxed)));
    }

    fn stop(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
        self.written.load(Ordering::Relaxed)
    }
}

/// Row 21: renamed and made anew, again and again, while lines are written to both.
#[test]
fn a_log_that_is_renamed_under_load_loses_and_repeats_nothing() {
    let place = Place::new();
    let daemon = place.relay("app.log", "");
    let writer = Writer::new(place.log("app.log"), Duration::from_millis(1));
    for rotation in 0..10 {
        thread::sleep(Duration::from_millis(100));
        fs::rename(place.log("app.log"), place.log(&format!("app.log.{rotation}"))).unwrap();
        thread::sleep(Duration::from_millis(20));
        writer.reopen();
    }
    let all = writer.stop();
    place.has_each_once(daemon, all);
}

/// The same where the names that files are rotated to match as well, as `app.log*` does.
#[test]
fn a_log_whose_rotated_names_match_as_well_repeats_nothing() {
    let place = Place::new();
    let daemon = place.relay("app.log*", "");
    let writer = Writer::new(place.log("app.log"), Duration::from_millis(1));
    for _ in 0..6 {
        thread::sleep(Duration::from_millis(100));
        for older in (0..5).rev() {
            let [from, to] = [older, older + 1].map(|n| place.log(&format!("app.log.{n}")));
            if from.exists() {
                fs::rename(from, to).unwrap();
            }
        }
        fs::rename(place.log("app.log"), place.log("app.log.0")).unwrap();
        writer.reopen();
    }
    let all = writer.stop();
    place.has_each_once(daemon, all);
}

/// Row 22: copied and cut. What is written between the copy and the cut is lost to everybody; the
/// writer waits meanwhile.
#[test]
fn a_log_that_is_copied_and_cut_is_not_read_twice() {
    let place = Place::new();
    let daemon = place.relay("app.log", "");
    let (path, mut all) = (place.log("app.log"), 0);
    for rotation in 0..8 {
        // Sometimes more lines than the cut took, sometimes fewer.
        let more = [50, 500, 20, 2000][rotation % 4];
        append(&path, all..all + more);
        all += more;
        place.wait(all);
        fs::copy(&path, place.log(&format!("app.log.{rotation}"))).unwrap();
        File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
    }
    append(&path, all..all + 3000);
    all += 3000;
    place.has_each_once(daemon, all);
}

/// The relay is behind, and stands in the midst of a line. When it looks again, the file is longer
/// than before.
#[test]
fn a_log_that_was_cut_and_has_grown_beyond_is_read_from_its_start() {
    let place = Place::new();
    let path = place.log("app.log");
    let (old, new) = (20_000, 30_000);
    append(&path, 0..old);
    // It pauses for half a second behind each read of some 4,000 lines.
    let daemon = place.relay("app.log", "delay.message=\"120\"");
    assert!(wait_for(SOON, || !place.lines().is_empty()));
    File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
    append(&path, old..new);
    assert!(wait_for(SOON, || place.lines().contains(&line(new - 1).trim_end().to_owned())));
    assert!(daemon.stop().status.success());
    let mut lines = place.lines();
    let first = lines.iter().position(|l| *l == line(old).trim_end()).expect("the new first line");
    let late = lines.split_off(first);
    assert!(late.into_iter().eq((old..new).map(|n| line(n).trim_end().to_owned())));
    // What there is of the line that it stood in is said, and not a part of another one.
    let torn = lines.pop().unwrap();
    assert!(lines.len() < old && line(lines.len()).starts_with(&torn), "{torn:?}");
    assert!(lines.into_iter().eq(
        (0..).map(|n| line(n).trim_end().to_owned()).take_while(|l| { !l.starts_with(&torn) })
    ));
}

/// Row 23: rotated, twice, while nobody looks.
#[test]
fn a_log_that_is_rotated_while_the_relay_is_down_is_finished() {
    let place = Place::new();
    let path = place.log("app.log");
    append(&path, 0..100);
    let daemon = place.relay("app.log", "");
    place.wait(100);
    assert!(daemon.stop().status.success());
    append(&path, 100..250);
    fs::rename(&path, place.log("app.log.1")).unwrap();
    append(&path, 250..300);
    let daemon = place.relay("app.log", "");
    place.wait(300);
    // The lines of the older file come first.
    let numbers: Vec<usize> =
        place.lines().iter().map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect();
    assert!(numbers.is_sorted());
    assert!(daemon.stop().status.success());
    // What was finished is not begun again.
    fs::rename(place.log("app.log.1"), place.log("app.log.2")).unwrap();
    fs::rename(&path, place.log("app.log.1")).unwrap();
    append(&path, 300..310);
    let daemon = place.relay("app.log", "");
    place.wait(310);
    assert!(daemon.stop().status.success());
    assert_eq!(place.verdict(310), (0, 0));
}

/// Row 24: the number of a file that was deleted is given to the next one, also while the relay is
/// down.
#[test]
fn a_file_with_the_number_of_another_one_is_read_from_its_start() {
    let place = Place::new();
    let path = place.log("app.log");
    let mut all = 0;
    let mut reused = 0;
    for round in 0..6 {
        append(&path, all..all + 10 + round);
        all += 10 + round;
        let daemon = place.relay("app.log", "");
        place.wait(all);
        let inode = fs::metadata(&path).unwrap().ino();
        if round % 2 == 0 {
            assert!(daemon.stop().status.success());
            fs::remove_file(&path).unwrap();
        } else {
            fs::remove_file(&path).unwrap();
            append(&path, all..all + 20);
            all += 20;
            place.wait(all);
            assert!(daemon.stop().status.success());
        }
        append(&path, all..all + 5);
        all += 5;
        reused += usize::from(fs::metadata(&path).unwrap().ino() == inode);
    }
    let daemon = place.relay("app.log", "");
    place.wait(all);
    assert!(daemon.stop().status.success());
    println!("{reused} numbers were given again");
    assert_eq!(place.verdict(all), (0, 0), "of {all}");
}

/// Row 25: killed, again and again, while lines are written; `BONGSU_TAIL_KILLS=200` times for the
/// record.
#[test]
fn a_tailer_that_is_killed_loses_nothing_and_repeats_a_batch_at_most() {
    let times = number("BONGSU_TAIL_KILLS", 8);
    let place = Place::new();
    let writer = Writer::new(place.log("app.log"), Duration::from_millis(10));
    let batch = BATCH_BYTES / line(100_000).len();
    let mut worst = 0;
    for n in 0..times {
        let (before, all) = (place.verdict(usize::MAX).1, writer.written.load(Ordering::Relaxed));
        let daemon = place.relay("app.log", "");
        let goes_on = || place.lines().len() > all + 10 * (n % 7);
        assert!(wait_for(SOON, goes_on), "nothing comes after {n} kills");
        // Dropped, it is killed.
        drop(daemon);
        worst = worst.max(place.verdict(usize::MAX).1 - before);
    }
    let all = writer.stop() + 1;
    let daemon = place.relay("app.log", "");
    // One more: what is there may be all, and who has only just started hears no signal yet.
    append(&place.log("app.log"), all - 1..all);
    place.wait(all);
    assert!(daemon.stop().status.success());
    let (lost, repeated) = place.verdict(all);
    println!(
        "{times} kills, {all} lines: {lost} lost, {repeated} repeated, {worst} at most at once"
    );
    assert_eq!(lost, 0);
    assert!(worst <= batch, "{worst} lines were repeated at once");
}

/// A message of several lines whose next one does not come is taken as it is; that one is a message
/// then. rsyslogd, asked for the same, does not always keep its time, so that no case has it.
#[test]
fn a_message_that_does_not_go_on_is_taken_after_its_time() {
    let place = Place::new();
    fs::write(place.log("app.log"), "1one\n two\n2three\n").unwrap();
    let parameters = "startmsg.regex=\"^[[:digit:]]\" readTimeout=\"1\"";
    let daemon = place.relay("app.log", parameters);
    assert!(wait_for(SOON, || place.lines() == ["1one\\n two", "2three"]), "{:?}", place.lines());
    File::options().append(true).open(place.log("app.log")).unwrap().write_all(b" late\n").unwrap();
    let all = ["1one\\n two", "2three", " late"];
    assert!(wait_for(SOON, || place.lines() == all), "{:?}", place.lines());
    assert!(daemon.stop().status.success());
}

/// What is no log file is said once, and others are read.
#[test]
fn what_is_no_file_is_said_once_and_holds_up_nobody() {
    let place = Place::new();
    fs::create_dir(place.log("folder.log")).unwrap();
    symlink(place.log("loop.log"), place.log("loop.log")).unwrap();
    symlink("/dev/zero", place.log("zero.log")).unwrap();
    let made = Command::new("mkfifo").arg(place.log("pipe.log")).status().unwrap();
    assert!(made.success());
    append(&place.log("a.log"), 0..5);
    let daemon = place.relay("*.log", "");
    place.wait(5);
    // One that is read is replaced by a pipe, and then by a file again.
    fs::remove_file(place.log("a.log")).unwrap();
    assert!(Command::new("mkfifo").arg(place.log("a.log")).status().unwrap().success());
    thread::sleep(Duration::from_millis(200));
    append(&place.log("b.log"), 5..10);
    place.wait(10);
    fs::remove_file(place.log("a.log")).unwrap();
    append(&place.log("a.log"), 10..15);
    place.wait(15);
    let ended = daemon.stop();
    assert!(ended.status.success());
    for what in ["folder.log is not read: is a directory", "pipe.log is not read: is a named pipe"]
        .into_iter()
        .chain(["zero.log is not read: is a device", "loop.log is not read: Too many levels"])
        .chain(["a.log is not read: is a named pipe"])
    {
        assert_eq!(ended.stderr.matches(what).count(), 1, "{what}:\n{}", ended.stderr);
    }
    assert_eq!(place.verdict(15), (0, 0));
}

/// Files without a size, and lines without an end.
#[test]
fn strange_files_are_bounded() {
    let place = Place::new();
    symlink("/proc/self/status", place.log("proc.log")).unwrap();
    let sparse = File::create(place.log("sparse.log")).unwrap();
    sparse.set_len(300 << 20).unwrap();
    append(&place.log("sparse.log"), 0..0);
    let mut sparse = File::options().append(true).open(place.log("sparse.log")).unwrap();
    sparse.write_all(b"\nafter\n").unwrap();
    let mut binary: Vec<u8> = (0..=255_u8).cycle().take(100_000).collect();
    binary.extend_from_slice(b"\nend\n");
    fs::write(place.log("binary.log"), binary).unwrap();
    let daemon = place.relay("*.log", "");
    let has = |text: &str| place.lines().iter().any(|line| line == text);
    assert!(wait_for(SOON, || has("after") && has("end")), "{:?}", place.lines().len());
    assert!(wait_for(SOON, || place.lines().iter().any(|line| line.starts_with("Pid:"))));
    assert!(daemon.peak_rss_kib() < 128 << 10, "{} KiB", daemon.peak_rss_kib());
    let ended = daemon.stop();
    assert!(ended.stderr.contains("sparse.log: a message is longer than 8096 bytes"));
    let pids = place.lines().iter().filter(|line| line.starts_with("Pid:")).count();
    assert_eq!(pids, 1, "a file of /proc is read once");
}

/// Ten thousand files: one watch each would be too many, one descriptor each may be.
#[test]
fn ten_thousand_files_cost_little_while_they_are_quiet() {
    let files = number("BONGSU_TAIL_FILES", 10_000);
    let place = Place::new();
    for n in 0..files {
        if n % 1000 == 0 {
            fs::create_dir(place.log(&format!("d{}", n / 1000))).unwrap();
        }
        append(&place.log(&format!("d{}/{n}.log", n / 1000)), n..n + 1);
    }
    let daemon = place.relay("d*/*.log", "");
    place.wait(files);
    let cpu = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", daemon.pid())).unwrap();
        let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        // Ticks of user and system time, a hundredth of a second each.
        fields[11..13].iter().map(|n| n.parse::<u64>().unwrap()).sum::<u64>()
    };
    thread::sleep(Duration::from_secs(1));
    let before = cpu();
    thread::sleep(Duration::from_secs(5));
    let spent = cpu() - before;
    assert!(spent <= 5, "{spent} hundredths of a second in 5 s");
    let rss = daemon.rss_kib();
    println!("{files} files: {rss} KiB, {spent} ticks in 5 s");
    assert!(rss < 64 << 10, "{rss} KiB");
    append(&place.log("d0/7.log"), files..files + 1);
    place.wait(files + 1);
    assert!(daemon.stop().status.success());
    assert_eq!(place.verdict(files + 1), (0, 0));
}

/// Who comes from rsyslog reads no line twice.
#[test]
fn positions_of_rsyslog_are_taken_over() {
    let place = Place::new();
    let path = place.log("app.log");
    append(&path, 0..20);
    let read = fs::metadata(&path).unwrap().len();
    append(&path, 20..30);
    let state = format!(
        r#"{{ "filename": "{}", "prev_was_nl": 0, "curr_offs": {}, "strt_offs": {read}, "prev_line_segment": "20 li" }}"#,
        path.display().to_string().replace('/', "\\/"),
        read + 5,
    );
    let inode = fs::metadata(&path).unwrap().ino();
    let file = place.dir.path().join("state").join(format!("imfile-state:{inode}"));
    fs::write(file, state).unwrap();
    let daemon = place.relay("app.log", "");
    assert!(wait_for(SOON, || place.lines().len() >= 10));
    thread::sleep(Duration::from_millis(300));
    assert!(daemon.stop().status.success());
    assert_eq!(place.lines().len(), 10);
    assert!(place.lines()[0].starts_with("20 line"));
}
