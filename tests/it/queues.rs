//! `bongsu queue`: what is said of a queue on disk, whole and damaged.

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::path::Path;
use std::thread;

use bongsu::disk::Log;
use bongsu::disk::Options;
use bongsu::disk::Position;
use bongsu::disk::System;
use bongsu::queue::Chunk;
use bongsu::queue::record;

use crate::support::process::BONGSU;
use crate::support::process::command;

fn open(directory: &Path) -> Log {
    let (directory, name) = (directory.to_owned(), "fwd".to_owned());
    let options = Options { directory, name, segment_bytes: 64 << 10, bytes_max: None };
    Log::open(System, options).unwrap().0
}

/// A record of three messages.
fn put(log: &mut Log, index: usize) -> Position {
    let mut chunk = Chunk::default();
    for part in ["a", "b", "c"] {
        let message = format!("<13>host tag: message {index}{part} {}\n", "x".repeat(9000));
        chunk.bytes.extend_from_slice(message.as_bytes());
        chunk.end_message();
    }
    let mut tail = Vec::new();
    record::encode_tail(&chunk, &mut tail);
    log.append(&record::parts(&chunk, &tail), 3).unwrap()
}

/// A closed queue of eight records, two in each segment, of which one is delivered.
fn queue(directory: &Path) {
    let mut log = open(directory);
    for index in 0..8 {
        put(&mut log, index);
    }
    log.sync().unwrap();
    let (position, messages) = log.read(&mut Vec::new()).unwrap().unwrap();
    assert_eq!(messages, 3);
    log.release(position).unwrap();
    log.close().unwrap();
}

/// Exit status, standard output, standard error.
fn bongsu(args: &[&str], directory: &Path) -> (i32, String, String) {
    let mut run = command(BONGSU, directory);
    let output = run.arg("queue").args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Which messages an export has.
fn exported(args: &[&str], directory: &Path) -> Vec<String> {
    let (_, out, _) = bongsu(args, directory);
    let word = |line: &str| line.split(' ').nth(3).unwrap().to_owned();
    out.lines().map(word).collect()
}

/// Damages the second record of a segment.
fn flip(directory: &Path, segment: &str) {
    let path = directory.join(segment);
    let mut content = fs::read(&path).unwrap();
    content[8192 + 30_000] ^= 1;
    fs::write(path, content).unwrap();
}

#[test]
fn a_whole_queue() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    queue(here);
    let (status, out, _) = bongsu(&["inspect", "."], here);
    assert_eq!(status, 0);
    assert!(out.starts_with("queue fwd: 4 segments, "), "{out}");
    assert!(out.contains("record 1000000000001 is the next to be delivered"), "{out}");
    assert!(out.contains("2 records (1000000000000 to 1000000000001), 6 messages"), "{out}");
    let (status, out, _) = bongsu(&["verify", "."], here);
    assert_eq!(status, 0);
    assert_eq!(out, "fwd: 8 records, 24 messages, 21 not delivered, no damage\n");
    assert_eq!(exported(&["export", "."], here)[..4], ["1a", "1b", "1c", "2a"]);
    assert_eq!(exported(&["export", ".", "fwd", "--all"], here).len(), 24);
    let (_, json, _) = bongsu(&["export", ".", "--json"], here);
    let start = r#"{"record":1000000000001,"message":"<13>host tag: message 1a x"#;
    assert!(json.starts_with(start), "{json:.80}");
    let (_, raw, _) = bongsu(&["export", ".", "--raw"], here);
    assert_eq!(raw.matches("message ").count(), 21);
    let (status, out, _) = bongsu(&["repair", "."], here);
    assert_eq!((status, out.as_str()), (0, "fwd: no damage, nothing to repair\n"));
    let (status, _, error) = bongsu(&["verify", ".", "other"], here);
    assert_eq!(status, 64);
    assert_eq!(error, "bongsu: . has no queue other: there are fwd\n");
}

#[test]
fn a_damaged_queue_is_told_and_repaired() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    queue(here);
    flip(here, "fwd.10000001.seg");
    let before = fs::read_dir(here).unwrap().count();
    let (status, out, _) = bongsu(&["verify", "."], here);
    assert_eq!(status, 1);
    let lost = "are no record; record 1000000000003 is lost, with 3 messages\n";
    assert!(out.starts_with("fwd: segment 10000001: ") && out.contains(lost), "{out}");
    assert!(out.ends_with("fwd: 7 records, 21 messages, 18 not delivered, 1 damages\n"), "{out}");
    let (status, _, error) = bongsu(&["export", "."], here);
    assert_eq!(status, 1);
    assert!(error.contains("record 1000000000003 is lost"), "{error}");
    assert_eq!(fs::read_dir(here).unwrap().count(), before, "looking changes nothing");

    let log = open(here);
    let (status, _, error) = bongsu(&["repair", "."], here);
    assert_eq!((status, error.as_str()), (1, "bongsu: fwd is open: stop the relay first\n"));
    assert_eq!(exported(&["export", "."], here).len(), 18, "a live queue can be looked at");
    drop(log);
    let (status, out, _) = bongsu(&["repair", "."], here);
    assert_eq!(status, 0);
    assert!(out.contains("fwd: kept 6 records with 18 messages\n"), "{out}");
    assert!(here.join("fwd.damaged/fwd.10000001.seg").exists(), "nothing is deleted");
    let (status, out, _) = bongsu(&["verify", "."], here);
    assert_eq!(
        (status, out.as_str()),
        (0, "fwd: 6 records, 18 messages, 18 not delivered, no damage\n")
    );
    let mut log = open(here);
    assert_eq!(log.stored().messages, 18);
    put(&mut log, 9);
    log.close().unwrap();
}

#[test]
fn what_is_replayed_can_be_released() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    queue(here);
    let (status, out, _) = bongsu(&["replay", ".", "--to", "copy"], here);
    assert_eq!((status, out.as_str()), (0, "21 messages sent to copy\n"));
    let raw = bongsu(&["export", ".", "--raw"], here).1;
    assert_eq!(fs::read_to_string(here.join("copy")).unwrap(), raw);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = format!("tcp://{}", listener.local_addr().unwrap());
    let sink = thread::spawn(move || {
        let mut text = String::new();
        listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
        text
    });
    let (status, _, error) = bongsu(&["replay", ".", "--to", &to, "--release"], here);
    assert_eq!((status, error.as_str()), (0, ""));
    assert_eq!(sink.join().unwrap(), raw);
    let (_, out, _) = bongsu(&["verify", "."], here);
    assert_eq!(out, "fwd: 0 records, 0 messages, 0 not delivered, no damage\n");
    let (status, _, error) = bongsu(&["replay", ".", "--to", "tcp://127.0.0.1:1"], here);
    assert_eq!(status, 1);
    assert!(error.starts_with("bongsu: tcp://127.0.0.1:1: "), "{error}");
}
