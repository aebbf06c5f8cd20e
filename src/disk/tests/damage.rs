//! What is cut, changed or deleted in the files of a log costs itself, and is told.

use std::io::IoSlice;
use std::path::Path;
use std::path::PathBuf;

use crate::disk::Damage;
use crate::disk::DamageKind;
use crate::disk::Log;
use crate::disk::Options;
use crate::disk::Recovery;
use crate::disk::StateFound;
use crate::disk::broken::Broken;
use crate::disk::format::RECORD_HEADER;

const STATE: &str = "/queue/q.state";
const FIRST: &str = "/queue/q.10000000.seg";

fn open(files: &Broken) -> (Log<Broken>, Recovery) {
    let directory = PathBuf::from("/queue");
    let (name, segment_bytes) = ("q".to_owned(), 64 << 10);
    let options = Options { directory, name, segment_bytes, bytes_max: None };
    Log::open(files.clone(), options).unwrap()
}

fn text(index: usize) -> Vec<u8> {
    format!("message {index} {}", "x".repeat(index * 7)).into_bytes()
}

/// A disk with a log of so many records; closed, or left behind by a process that was killed.
fn disk(records: usize, closed: bool) -> Broken {
    let files = Broken::new(1);
    let (mut log, _) = open(&files);
    for index in 0..records {
        log.append(&[IoSlice::new(&text(index))], 1).unwrap();
    }
    log.sync().unwrap();
    if closed {
        log.close().unwrap();
    }
    files
}

/// The records that can be read, and all that was said of the others.
fn read(files: &Broken) -> (Vec<Vec<u8>>, Vec<Damage>) {
    let (mut log, recovery) = open(files);
    let mut damages = recovery.damages;
    let mut found = Vec::new();
    let mut buffer = Vec::new();
    while log.read(&mut buffer).unwrap().is_some() {
        found.push(buffer.clone());
    }
    damages.extend(log.take_damages());
    (found, damages)
}

/// A copy of a disk with one file changed.
fn with(files: &Broken, path: &str, change: impl FnOnce(&mut Vec<u8>)) -> Broken {
    let copy = Broken::new(2);
    for file in files.paths() {
        copy.put(&file, files.content(&file).unwrap());
    }
    let mut content = copy.content(Path::new(path)).unwrap();
    change(&mut content);
    copy.put(Path::new(path), content);
    copy
}

#[test]
fn a_bit_costs_its_record() {
    for closed in [false, true] {
        let files = disk(9, closed);
        let all: Vec<Vec<u8>> = (0..9).map(text).collect();
        let used = files.content(Path::new(FIRST)).unwrap();
        let used = used.iter().rposition(|byte| *byte != 0).unwrap();
        let records = 8192..=used;
        for at in (0..80).chain(4096..4176).chain(records) {
            let changed = with(&files, FIRST, |content| content[at] ^= 1 << (at % 8));
            let (found, damages) = read(&changed);
            let lost = all.iter().filter(|text| !found.contains(text)).count();
            assert!(lost <= 1 && found.len() == 9 - lost, "byte {at} costs {lost}");
            assert!(found.is_sorted_by_key(Vec::len), "byte {at}: out of order");
            // The header of a log that was not closed may be one that was never finished.
            assert!(!damages.is_empty() || lost == 0, "byte {at}: {lost} lost without a word");
        }
    }
}

#[test]
fn a_cut_costs_the_last_record() {
    let files = disk(5, false);
    let content = files.content(Path::new(FIRST)).unwrap();
    let end = content.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let start = end - text(4).len() - RECORD_HEADER;
    for cut in start..end {
        let (found, damages) = read(&with(&files, FIRST, |content| content.truncate(cut)));
        assert_eq!(found, (0..4).map(text).collect::<Vec<_>>(), "cut at {cut}");
        let kinds: Vec<DamageKind> = damages.iter().map(|damage| damage.kind).collect();
        let torn = (cut > start).then_some(DamageKind::TornTail);
        assert!(kinds.iter().eq(torn.iter()) || kinds.len() > 1, "cut at {cut}: {damages:?}");
        // The same where the rest of the segment was allocated and never written.
        let zeroed = with(&files, FIRST, |content| content[cut..].fill(0));
        assert_eq!(read(&zeroed).0, found, "zeros from {cut} on");
    }
}

#[test]
fn the_state_costs_nothing() {
    let files = disk(6, false);
    let (mut log, _) = open(&files);
    let mut buffer = Vec::new();
    let (first, _) = log.read(&mut buffer).unwrap().unwrap();
    log.release(first).unwrap();
    log.sync().unwrap();
    drop(log);
    let left: Vec<Vec<u8>> = (1..6).map(text).collect();
    let content = files.content(Path::new(STATE)).unwrap();
    let check = |changed: &Broken, what: &str| {
        let (found, _) = read(changed);
        assert!(found.ends_with(&left) && found.len() <= 6, "{what}: {} found", found.len());
    };
    for at in 0..content.len() {
        if !(80..4096).contains(&at) {
            check(&with(&files, STATE, |c| c[at] ^= 1 << (at % 8)), &format!("byte {at}"));
        }
        if at <= 80 || at >= 4096 || at % 64 == 0 {
            check(&with(&files, STATE, |c| c.truncate(at)), &format!("cut at {at}"));
        }
    }
    let broken = with(&files, STATE, |c| c.fill(b'x'));
    let (_, recovery) = open(&broken);
    assert_eq!((recovery.state, recovery.messages), (StateFound::Broken, 6));
}

#[test]
fn a_segment_that_is_missing_is_named() {
    let big = |index: usize| [text(index), vec![b'.'; 10_000]].concat();
    let files = Broken::new(1);
    let (mut log, _) = open(&files);
    let positions: Vec<u64> = (0..20)
        .map(|index| log.append(&[IoSlice::new(&big(index))], 1).unwrap().number())
        .collect();
    log.close().unwrap();
    // Five records of ten kilobytes fill a segment.
    let copy = Broken::new(2);
    for file in files.paths().iter().filter(|file| !file.ends_with("q.10000001.seg")) {
        copy.put(file, files.content(file).unwrap());
    }
    let (found, damages) = read(&copy);
    assert_eq!(found, (0..5).chain(10..20).map(big).collect::<Vec<_>>());
    let [damage] = damages.as_slice() else { panic!("{damages:?}") };
    assert_eq!(damage.kind, DamageKind::MissingSegment);
    assert_eq!((damage.from.number(), damage.to.number()), (positions[5], positions[10]));
    assert_eq!(damage.records(), 5);
}

#[test]
fn another_queues_file_is_moved_aside() {
    let files = disk(3, true);
    let content = files.content(Path::new(FIRST)).unwrap();
    let (log, recovery) = {
        let directory = PathBuf::from("/queue");
        let name = "other".to_owned();
        files.put(Path::new("/queue/other.10000000.seg"), content);
        let options = Options { directory, name, segment_bytes: 64 << 10, bytes_max: None };
        Log::open(files.clone(), options).unwrap()
    };
    assert_eq!(recovery.damages[0].kind, DamageKind::Foreign);
    assert_eq!(log.stored().messages, 0);
    assert!(files.paths().contains(&PathBuf::from("/queue/other.10000000.bad")));
}

/// What a sender writes is never taken for a record, however damaged the segment is.
#[test]
fn a_message_is_no_record() {
    let files = disk(3, false);
    let real = files.content(Path::new(FIRST)).unwrap();
    let end = real.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    // A copy of whole records, as a sender would have to guess them: from a log with another salt.
    let other = Broken::new(77);
    let (mut log, _) = open(&other);
    log.append(&[IoSlice::new(b"before")], 1).unwrap();
    log.append(&[IoSlice::new(&real[8192..end])], 1).unwrap();
    log.append(&[IoSlice::new(b"behind")], 1).unwrap();
    log.sync().unwrap();
    drop(log);
    let second = 8192 + RECORD_HEADER + 6;
    let (found, damages) = read(&with(&other, FIRST, |content| content[second + 4] ^= 1));
    assert_eq!(found, [b"before".to_vec(), b"behind".to_vec()]);
    assert_eq!(damages.iter().map(Damage::records).sum::<u64>(), 1);
}
