use std::fs;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::CWD;
use rustix::fs::FileType;
use rustix::fs::Mode;
use rustix::fs::mknodat;

use super::*;
use crate::output::OutputSpec;
use crate::output::testing::Action;
use crate::output::testing::compile;
use crate::output::testing::start;
use crate::output::testing::until;

fn make(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
}

/// Reads whatever is in a pipe, without waiting.
struct Reader(File);

impl Reader {
    fn new(path: &Path) -> Self {
        Self(File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path).unwrap())
    }

    fn read(&mut self) -> String {
        let mut all = Vec::new();
        // Ends with WouldBlock while there is a writer.
        let ended = self.0.read_to_end(&mut all);
        drop(ended);
        String::from_utf8(all).unwrap()
    }

    async fn until(&mut self, end: &str) -> String {
        let mut all = String::new();
        for _ in 0..1000 {
            all.push_str(&self.read());
            if all.ends_with(end) {
                return all;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{end:?} did not come: {} bytes", all.len());
    }
}

fn ompipe(path: &Path, more: &[(&str, &str)]) -> Action {
    let path = path.to_str().unwrap();
    start(&[&[("type", NAME), ("pipe", path), ("action.resumeInterval", "0")], more].concat())
}

#[test]
fn what_it_takes() {
    let OutputSpec::Pipe(spec) = compile(&[("type", NAME), ("pipe", "/p")]).unwrap() else {
        panic!("no ompipe");
    };
    assert_eq!((spec.template.as_str(), spec.reopen), ("RSYSLOG_FileFormat", false));
    assert_eq!(spec.common.retry.limit, Some(0), "nobody waits for a reader");
    let for_ever = [("type", NAME), ("pipe", "/p"), ("action.resumeRetryCount", "-1")];
    assert_eq!(compile(&for_ever).unwrap().common().retry.limit, None);
    assert_eq!(compile(&[("type", NAME), ("pipe", "")]).unwrap_err(), ["no pipe to write to"]);
}

/// What comes before the reader waits in the pipe, and nothing waits for the reader.
#[tokio::test]
async fn a_reader_may_come_later() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pipe");
    make(&path);
    let action = ompipe(&path, &[]);
    action.push(&["one\n", "two\n"]).await;
    action.delivered().await;
    let mut reader = Reader::new(&path);
    assert_eq!(reader.read(), "one\ntwo\n");
    action.push(&["three\n", ""]).await;
    assert_eq!(reader.until("three\n").await, "three\n");
    action.end().await;
}

/// Nobody reads: what the pipe has no room for is dropped and counted, nothing stalls; the reader
/// that comes at last sees whole lines alone.
#[tokio::test]
async fn without_a_reader_the_pipe_fills_and_the_rest_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pipe");
    make(&path);
    let action = ompipe(&path, &[]);
    // Longer than what goes out as one, so that one is cut off by the end of the pipe.
    let line = |i: usize| format!("{i:04}{}\n", "x".repeat(6000));
    for i in 0..40 {
        action.push(&[line(i)]).await;
    }
    // One is there in part, and stays in the queue.
    until(|| action.queue.gauge().depth().1 == 1).await;
    assert_eq!(action.stats.suspended.get(), 1);
    let dropped = action.stats.dropped_retries.get();
    assert!(dropped >= 25, "{dropped}");
    assert_eq!(action.stats.delivered.get() + dropped, 39);
    let mut reader = Reader::new(&path);
    let mut got = reader.read();
    tokio::time::sleep(Duration::from_millis(500)).await;
    action.push(&["last\n"]).await;
    got.push_str(&reader.until("last\n").await);
    let lines: Vec<_> = got.lines().collect();
    let whole = lines.iter().filter(|text| text.len() == 6004).count();
    assert_eq!(whole + 1, lines.len(), "each line but the last is whole");
    assert_eq!(action.stats.resumed.get(), 1);
    action.end().await;
}

#[tokio::test]
async fn a_slow_reader_gets_everything() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pipe");
    make(&path);
    let action = ompipe(&path, &[]);
    let lines: Vec<_> = (0..5000).map(|i| format!("{i} {}\n", "y".repeat(i % 300))).collect();
    action.push(&lines).await;
    let mut reader = Reader::new(&path);
    let got = reader.until(lines.last().unwrap()).await;
    assert_eq!(got, lines.concat());
    action.delivered().await;
    assert_eq!((action.stats.delivered.get(), action.stats.failures.get()), (5000, 0));
    action.end().await;
}

#[tokio::test]
async fn a_replaced_pipe_is_found_at_a_sighup_and_no_pipe_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pipe");
    let action = ompipe(&path, &[("action.resumeRetryCount", "-1"), ("tryResumeReopen", "on")]);
    action.push(&["one\n"]).await;
    until(|| !action.said.all().is_empty()).await;
    assert!(action.said.all()[0].contains("No such file"), "{:?}", action.said.all());
    make(&path);
    action.delivered().await;
    let mut first = Reader::new(&path);
    assert_eq!(first.read(), "one\n");
    // The same pipe stays open: what is in it is not lost.
    action.push(&["two\n"]).await;
    action.delivered().await;
    action.control.reopen();
    tokio::time::sleep(Duration::from_millis(50)).await;
    fs::remove_file(&path).unwrap();
    make(&path);
    action.control.reopen();
    action.push(&["three\n"]).await;
    action.delivered().await;
    assert_eq!(first.read(), "two\n");
    assert_eq!(Reader::new(&path).read(), "three\n");
    assert_eq!(action.stats.opened.get(), 2);
    action.end().await;
}

#[tokio::test]
async fn a_file_is_no_pipe_and_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    fs::write(&path, "precious\n").unwrap();
    let action = ompipe(&path, &[]);
    action.push(&["one\n"]).await;
    action.delivered().await;
    assert!(action.said.all()[0].contains("no named pipe"), "{:?}", action.said.all());
    assert_eq!(action.stats.dropped_retries.get(), 1);
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious\n");
    action.end().await;
}

/// A message of which a part is in the pipe counts as delivered once the rest is as well: until
/// then it stays in the queue, and the next pipe gets it whole.
#[tokio::test]
async fn a_part_is_not_taken_for_the_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pipe");
    make(&path);
    let action = ompipe(&path, &[("action.resumeRetryCount", "-1")]);
    let long = format!("{}\n", "x".repeat(100_000));
    action.push(&[&long]).await;
    until(|| action.stats.suspended.get() == 1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!((action.stats.delivered.get(), action.queue.gauge().depth().1), (0, 1));
    fs::remove_file(&path).unwrap();
    make(&path);
    action.control.reopen();
    let got = Reader::new(&path).until("x\n").await;
    assert_eq!(got.len(), long.len());
    action.delivered().await;
    assert_eq!(action.stats.delivered.get(), 1);
    action.end().await;
}

/// The same pipe, opened anew, still has the part: the rest of the message goes behind it.
#[tokio::test]
async fn a_pipe_that_is_opened_anew_gets_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pipe");
    make(&path);
    let mut reader = Reader::new(&path);
    let action = ompipe(&path, &[("action.resumeRetryCount", "-1"), ("tryResumeReopen", "on")]);
    let long = format!("{}\n", "x".repeat(100_000));
    action.push(&[&long, "next\n"]).await;
    until(|| action.stats.failures.get() >= 2).await;
    let got = reader.until("next\n").await;
    let lengths: Vec<_> = got.lines().map(str::len).collect();
    assert_eq!(lengths, [100_000, 4]);
    action.delivered().await;
    assert_eq!(action.stats.delivered.get(), 2);
    action.end().await;
}

/// What was begun is the pipe's: its rest is written as soon as somebody reads, though no other
/// message comes, and only then it is delivered. What is behind it is given up.
#[tokio::test]
async fn the_rest_of_a_message_waits_for_a_reader_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pipe");
    make(&path);
    let action = ompipe(&path, &[]);
    let long = format!("{}\n", "x".repeat(100_000));
    action.push(&["first\n", &long, "second\n"]).await;
    until(|| action.stats.dropped_retries.get() > 0).await;
    let counts = || (action.stats.delivered.get(), action.stats.dropped_retries.get());
    assert_eq!((counts(), action.queue.gauge().depth().1), ((1, 1), 1));
    let mut reader = Reader::new(&path);
    let got = reader.until("x\n").await;
    assert_eq!(got, format!("first\n{long}"));
    action.delivered().await;
    assert_eq!(counts(), (2, 1));
    action.end().await;
}

/// What was begun and given no room until the end is not called delivered.
#[tokio::test]
async fn the_end_leaves_a_part_in_the_queue() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pipe");
    make(&path);
    for replaced in [false, true] {
        let action = ompipe(&path, &[]);
        let long = format!("{}\n", "x".repeat(100_000));
        action.push(&[&long, "second\n"]).await;
        until(|| action.stats.dropped_retries.get() > 0).await;
        let stats = action.stats.clone();
        if replaced {
            fs::remove_file(&path).unwrap();
            make(&path);
            action.control.reopen();
            // The new one gets it from its beginning.
            assert_eq!(Reader::new(&path).until("x\n").await, long);
            action.delivered().await;
        }
        action.end().await;
        let delivered = u64::from(replaced);
        assert_eq!((stats.delivered.get(), stats.dropped_retries.get()), (delivered, 1));
    }
}
