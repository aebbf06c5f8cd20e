use std::fs;

use tempfile::TempDir;

use super::*;
use crate::base::reporter::Said;
use crate::input::file::identity::HEAD_BYTES;
use crate::input::file::identity::Head;

fn opened(folder: &Path) -> Arc<Store> {
    let reporter: Arc<dyn Reporter> = Arc::new(Said::default());
    Store::in_folder(Some(folder), &reporter)
}

fn at(at: u64) -> Position {
    Position { at, ..Position::default() }
}

/// A file of so many bytes, and what is known of it.
fn file(folder: &Path, name: &str, text: &str) -> (File, Look, Known) {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    let file = File::open(&path).unwrap();
    let look = Look::at(&file).unwrap();
    let identity = Identity::new(&look, Head::of(&file, HEAD_BYTES).unwrap());
    let place = path.display().to_string();
    let known = Known { input: "i".to_owned(), path: place.clone(), place, identity };
    (file, look, known)
}

#[test]
fn positions_move_on_in_order_and_are_there_again() {
    let dir = TempDir::new().unwrap();
    let (open, look, known) = file(dir.path(), "f", "one\ntwo\n");
    let given_up = Arc::new(AtomicBool::new(false));
    let store = opened(dir.path());
    assert!(store.find(&known, &look, &open).is_none());
    let n = store.add(known.clone(), at(0));
    let [one, two, three] = [2, 4, 8].map(|end| store.owe(n, at(end), &[], &given_up));
    drop(two);
    drop(one);
    assert_eq!(store.find(&known, &look, &open), Some((n, at(8))), "it was handed over");
    store.release(n);
    // What holds a token holds the store.
    drop(store);
    let again = opened(dir.path());
    assert_eq!(again.find(&known, &look, &open), Some((n, at(8))));
    given_up.store(true, Ordering::Relaxed);
    drop(three);
    drop(again);
    let again = opened(dir.path());
    assert_eq!(again.find(&known, &look, &open), Some((n, at(4))), "8 was not delivered");
}

#[test]
fn another_input_begins_where_the_first_one_is() {
    let dir = TempDir::new().unwrap();
    let (open, look, known) = file(dir.path(), "f", "one\ntwo\n");
    let store = opened(dir.path());
    let n = store.add(known.clone(), at(4));
    let other = Known { input: "j".to_owned(), ..known.clone() };
    let (m, position) = store.find(&other, &look, &open).unwrap();
    assert_eq!(position, at(4));
    assert_ne!(m, n);
    drop(store.owe(m, at(8), &[], &Arc::default()));
    assert_eq!(store.find(&known, &look, &open), Some((n, at(4))), "each has its own");
    assert_eq!(store.find(&other, &look, &open), Some((m, at(8))));
    fs::write(dir.path().join("f"), "not the same\n").unwrap();
    assert_eq!(store.find(&known, &look, &open), None);
}

#[test]
fn what_is_forgotten_goes_with_the_last_of_what_is_owed() {
    let dir = TempDir::new().unwrap();
    let (open, look, known) = file(dir.path(), "f", "one\n");
    let store = opened(dir.path());
    let n = store.add(known.clone(), at(0));
    let ack = store.owe(n, at(4), &[], &Arc::default());
    store.forget_when_delivered(n);
    assert!(store.find(&known, &look, &open).is_some());
    drop(ack);
    assert!(store.find(&known, &look, &open).is_none());
    store.release(n);
    drop(store);
    let again = opened(dir.path());
    assert!(again.find(&known, &look, &open).is_none());
    assert!(again.absent("i").is_empty());
}

#[test]
fn a_torn_or_damaged_file_keeps_what_stands_before() {
    let dir = TempDir::new().unwrap();
    let store = opened(dir.path());
    let mut numbers = Vec::new();
    for name in ["a", "b", "c"] {
        let (_, _, known) = file(dir.path(), name, name);
        numbers.push(store.add(known, at(1)));
    }
    drop(store);
    let path = dir.path().join("bongsu-imfile.state");
    let whole = fs::read(&path).unwrap();
    let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    assert_eq!(lines.len(), 4);
    for length in 0..whole.len() {
        let (files, damaged) = disk::parse(&whole[..length]);
        let complete = whole[..length].iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(files.len(), complete.saturating_sub(1), "torn at {length}");
        assert_eq!(damaged, complete == 0);
    }
    let mut flipped = whole.clone();
    let middle = lines[0].len() + lines[1].len() + lines[2].len() / 2;
    flipped[middle] ^= 4;
    fs::write(&path, &flipped).unwrap();
    let said = Arc::new(Said::default());
    let reporter: Arc<dyn Reporter> = said.clone();
    let store = Store::in_folder(Some(dir.path()), &reporter);
    assert_eq!(store.absent("i").len(), 1);
    assert!(said.0.lock().unwrap()[0].ends_with("what stands behind that is not used"));
    // It is written anew, whole.
    let (_, _, known) = file(dir.path(), "d", "d");
    store.add(known, at(1));
    drop(store);
    let (files, damaged) = disk::parse(&fs::read(&path).unwrap());
    assert_eq!((files.len(), damaged), (2, false));
}

#[test]
fn a_folder_that_cannot_be_written_is_said_once() {
    let dir = TempDir::new().unwrap();
    let said = Arc::new(Said::default());
    let reporter: Arc<dyn Reporter> = said.clone();
    let store = Store::in_folder(Some(&dir.path().join("missing")), &reporter);
    let (_, _, known) = file(dir.path(), "f", "f");
    let n = store.add(known, at(0));
    drop(store.owe(n, at(1), &[], &Arc::default()));
    drop(store);
    let said = said.0.lock().unwrap();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("imfile: positions cannot be kept: "));
}

#[test]
fn numbers_of_files_are_found_and_forgotten_with_them() {
    let dir = TempDir::new().unwrap();
    let store = opened(dir.path());
    let files: Vec<_> = (0..20).map(|n| file(dir.path(), &n.to_string(), &n.to_string())).collect();
    let numbers: Vec<u32> =
        files.iter().map(|(.., known)| store.add(known.clone(), at(1))).collect();
    for ((open, look, known), n) in files.iter().zip(&numbers) {
        assert_eq!(store.find(known, look, open), Some((*n, at(1))));
    }
    numbers.iter().for_each(|n| store.forget(*n));
    let (open, look, known) = &files[7];
    assert_eq!(store.find(known, look, open), None);
    let again = store.add(known.clone(), at(0));
    assert_eq!(store.find(known, look, open), Some((again, at(0))));
    store.release(again);
    drop(store);
    let store = opened(dir.path());
    assert_eq!(store.find(known, look, open), Some((again, at(0))));
    let state = store.shared.lock();
    assert_eq!((state.files.len(), state.by_inode.len()), (1, 1));
}
