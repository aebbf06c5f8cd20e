//! The log on a disk that works.

use std::io;
use std::io::IoSlice;
use std::path::Path;

use crate::disk::DamageKind;
use crate::disk::Log;
use crate::disk::Options;
use crate::disk::OverBound;
use crate::disk::Position;
use crate::disk::Record;
use crate::disk::Recovery;
use crate::disk::StateFound;
use crate::disk::System;

fn options(directory: &Path) -> Options {
    let directory = directory.to_owned();
    Options { directory, name: "q".to_owned(), segment_bytes: 64 << 10, bytes_max: None }
}

fn open(directory: &Path) -> (Log, Recovery) {
    Log::open(System, options(directory)).unwrap()
}

fn put(log: &mut Log, text: &str) -> Position {
    log.append(&[IoSlice::new(text.as_bytes())], 1).unwrap()
}

/// All that can be read now.
fn rest(log: &mut Log) -> Vec<(Position, String)> {
    let mut buffer = Vec::new();
    let mut all = Vec::new();
    while let Some((position, messages)) = log.read(&mut buffer).unwrap() {
        assert_eq!(messages, 1);
        all.push((position, String::from_utf8(buffer.clone()).unwrap()));
    }
    all
}

fn texts(log: &mut Log) -> Vec<String> {
    rest(log).into_iter().map(|(_, text)| text).collect()
}

fn files(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_was_appended_is_read_once_it_is_safe() {
    let directory = tempfile::tempdir().unwrap();
    let (mut log, recovery) = open(directory.path());
    assert_eq!((recovery.state, recovery.messages), (StateFound::Missing, 0));
    put(&mut log, "one");
    put(&mut log, "two");
    assert_eq!(texts(&mut log), [""; 0], "not synced");
    log.sync().unwrap();
    assert_eq!(log.unread().messages, 2);
    let read = rest(&mut log);
    assert_eq!(read.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!((log.unread().messages, log.stored().messages), (0, 2));
    put(&mut log, "three");
    log.flush().unwrap();
    assert_eq!(texts(&mut log), ["three"]);
    log.release(read[0].0).unwrap();
    assert_eq!(log.stored().messages, 2);
    drop(log);
    let (mut log, recovery) = open(directory.path());
    assert_eq!((recovery.state, recovery.messages), (StateFound::Whole, 2));
    assert_eq!(recovery.damages, []);
    assert_eq!(texts(&mut log), ["two", "three"], "what was not released comes again");
    log.close().unwrap();
    let (mut log, recovery) = open(directory.path());
    assert_eq!((recovery.surveyed, recovery.messages), (0, 2));
    let read = rest(&mut log);
    log.release(read[1].0).unwrap();
    log.close().unwrap();
    assert_eq!(files(directory.path()), ["q.lock", "q.state"]);
    let (mut log, recovery) = open(directory.path());
    assert_eq!((recovery.messages, recovery.damages.len()), (0, 0));
    assert!(put(&mut log, "four") > read[1].0, "no position is used twice");
}

#[test]
fn delivered_segments_are_removed() {
    let directory = tempfile::tempdir().unwrap();
    let (mut log, _) = open(directory.path());
    let text = "x".repeat(1000);
    for index in 0..300 {
        put(&mut log, &format!("{index} {text}"));
    }
    log.sync().unwrap();
    let full = files(directory.path()).len();
    assert!(full >= 7, "{full}");
    let read = rest(&mut log);
    assert_eq!(read.len(), 300);
    assert!(read.iter().enumerate().all(|(i, (_, text))| text.starts_with(&format!("{i} "))));
    log.release(read[250].0).unwrap();
    log.checkpoint().unwrap();
    assert!(files(directory.path()).len() < full - 3);
    drop(log);
    let (mut log, recovery) = open(directory.path());
    assert_eq!((recovery.messages, recovery.damages), (49, vec![]));
    assert_eq!(rest(&mut log).len(), 49);
}

/// Somebody clears the directory while the relay runs: what he removed is lost, and told; all else
/// is there, and so is what comes.
#[test]
fn what_is_removed_meanwhile_stalls_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let (mut log, _) = open(directory.path());
    let text = "x".repeat(20_000);
    for index in 0..11 {
        put(&mut log, &format!("{index} {text}"));
    }
    log.sync().unwrap();
    let index = |texts: &[String]| -> Vec<usize> {
        texts.iter().map(|text| text.split(' ').next().unwrap().parse().unwrap()).collect()
    };
    // Two in each; the last one takes records.
    let segments: Vec<String> =
        files(directory.path()).into_iter().filter(|name| name.ends_with(".seg")).collect();
    assert_eq!(segments.len(), 6);
    std::fs::remove_file(directory.path().join(&segments[1])).unwrap();
    std::fs::remove_file(directory.path().join(&segments[5])).unwrap();
    assert_eq!(index(&texts(&mut log)), [0, 1, 4, 5, 6, 7, 8, 9]);
    let damages = log.take_damages();
    let told: Vec<_> = damages.iter().map(|d| (d.kind, d.records(), d.messages)).collect();
    let missing = DamageKind::MissingSegment;
    assert_eq!(told, [(missing, 2, Some(2)), (missing, 1, Some(1))]);
    put(&mut log, "11 later");
    log.sync().unwrap();
    let rest = rest(&mut log);
    assert_eq!(rest[0].1, "11 later");
    log.release(rest[0].0).unwrap();
    log.checkpoint().unwrap();
    assert_eq!((log.stored().messages, log.unread().messages), (0, 0));
    log.close().unwrap();
    let (mut log, recovery) = open(directory.path());
    assert_eq!((recovery.messages, recovery.damages), (0, vec![]));
    assert_eq!(texts(&mut log), [""; 0]);
}

/// The directory goes away while the log is open: what comes is in a new one, and nothing is called
/// stored that is not.
#[test]
fn a_directory_that_is_removed_is_made_anew() {
    let above = tempfile::tempdir().unwrap();
    let directory = above.path().join("spool");
    std::fs::create_dir(&directory).unwrap();
    let (mut log, _) = open(&directory);
    let text = "x".repeat(20_000);
    let first: Vec<_> = (0..7).map(|index| put(&mut log, &format!("{index} {text}"))).collect();
    log.sync().unwrap();
    let mut into = Vec::new();
    assert_eq!(log.read(&mut into).unwrap().unwrap().0, first[0]);
    std::fs::remove_dir_all(&directory).unwrap();
    put(&mut log, "lost with its file");
    assert_eq!(log.sync().unwrap_err().kind(), io::ErrorKind::NotFound);
    assert_eq!(log.forget_removed().unwrap(), 6, "one of seven was read");
    assert_eq!((log.stored().messages, log.unread().messages, log.bytes()), (0, 0, 0));
    let told: Vec<_> = log.take_damages().iter().map(|d| (d.records(), d.messages)).collect();
    assert_eq!(told, [(1, Some(1)), (2, Some(2)), (2, Some(2)), (1, Some(1))]);
    assert!(!log.holds(first[0]));
    let again = put(&mut log, "again");
    assert!(again > first[6]);
    log.sync().unwrap();
    assert!(log.holds(again));
    log.release(first[0]).unwrap();
    assert_eq!(files(&directory), ["q.10000004.seg", "q.lock", "q.state"]);
    assert_eq!(
        Log::open(System, options(&directory)).unwrap_err().kind(),
        io::ErrorKind::WouldBlock
    );
    log.close().unwrap();
    let (mut log, recovery) = open(&directory);
    assert_eq!((recovery.messages, recovery.damages), (1, vec![]));
    assert_eq!(texts(&mut log), ["again"]);
}

/// The same while nothing waits for a sync, and with a directory that is only moved.
#[test]
fn what_is_in_a_directory_that_was_moved_is_not_stored() {
    let above = tempfile::tempdir().unwrap();
    let directory = above.path().join("spool");
    std::fs::create_dir(&directory).unwrap();
    let (mut log, _) = open(&directory);
    put(&mut log, "one");
    log.flush().unwrap();
    std::fs::rename(&directory, above.path().join("aside")).unwrap();
    assert_eq!(log.forget_removed().unwrap(), 1);
    log.close().unwrap();
    assert_eq!(files(&directory), ["q.lock", "q.state"]);
    let (_, recovery) = open(&directory);
    assert_eq!((recovery.messages, recovery.damages), (0, vec![]));
}

/// Who never syncs does not keep all files open.
#[test]
fn without_syncs_few_files_are_open() {
    let directory = tempfile::tempdir().unwrap();
    let (mut log, _) = open(directory.path());
    let text = "x".repeat(60_000);
    for _ in 0..50 {
        put(&mut log, &text);
        log.flush().unwrap();
    }
    assert!(files(directory.path()).len() > 40);
    assert!(log.unsynced.len() <= 17, "{}", log.unsynced.len());
    assert_eq!(rest(&mut log).len(), 50);
}

#[test]
fn one_process_has_it() {
    let directory = tempfile::tempdir().unwrap();
    let (log, _) = open(directory.path());
    let second = Log::open(System, options(directory.path())).unwrap_err();
    assert_eq!(second.kind(), io::ErrorKind::WouldBlock);
    drop(log);
    open(directory.path());
}

#[test]
fn the_bound_holds() {
    let directory = tempfile::tempdir().unwrap();
    let bytes_max = Some(200 << 10);
    let mut options = options(directory.path());
    options.bytes_max = bytes_max;
    let (mut log, _) = Log::open(System, options).unwrap();
    let text = "x".repeat(1000);
    let mut stored = 0;
    let error = loop {
        match log.append(&[IoSlice::new(text.as_bytes())], 1) {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    let inner = error.get_ref().unwrap().downcast_ref::<OverBound>();
    assert_eq!(inner, Some(&OverBound { max: 200 << 10 }));
    assert!(stored > 150, "{stored}");
    log.sync().unwrap();
    let sizes =
        std::fs::read_dir(directory.path()).unwrap().map(|e| e.unwrap().metadata().unwrap());
    let total: u64 = sizes.filter(|m| m.len() > 8192).map(|m| m.len()).sum();
    assert!(total <= 200 << 10, "{total}");
    let read = rest(&mut log);
    assert_eq!(read.len(), stored);
    log.release(read[100].0).unwrap();
    put(&mut log, "there is room again");
}

#[test]
fn what_is_older_goes_in_front() {
    let directory = tempfile::tempdir().unwrap();
    let (mut log, _) = open(directory.path());
    for text in ["b1", "b2", "b3", "b4"] {
        put(&mut log, text);
    }
    log.sync().unwrap();
    let read = rest(&mut log);
    log.release(read[1].0).unwrap();
    let in_front = |log: &mut Log, texts: [&str; 2]| {
        let parts = texts.map(|text| [IoSlice::new(text.as_bytes())]);
        let records = parts.each_ref().map(|parts| Record { parts, messages: 1 });
        log.put_in_front(&records).unwrap();
    };
    in_front(&mut log, ["a1", "a2"]);
    assert_eq!(log.stored().messages, 4);
    assert_eq!(texts(&mut log), ["a1", "a2", "b3", "b4"]);
    log.close().unwrap();
    let (mut log, recovery) = open(directory.path());
    assert_eq!((recovery.messages, recovery.damages), (4, vec![]));
    let mut buffer = Vec::new();
    let first = log.read(&mut buffer).unwrap().unwrap();
    log.release(first.0).unwrap();
    in_front(&mut log, ["01", "02"]);
    drop(log);
    let (mut log, recovery) = open(directory.path());
    assert_eq!((recovery.messages, recovery.damages), (5, vec![]));
    let read = rest(&mut log);
    let found: Vec<&str> = read.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(found, ["01", "02", "a2", "b3", "b4"]);
    log.release(read[4].0).unwrap();
    assert_eq!(log.stored().messages, 0);
    in_front(&mut log, ["c1", "c2"]);
    assert_eq!(texts(&mut log), ["c1", "c2"]);
}
