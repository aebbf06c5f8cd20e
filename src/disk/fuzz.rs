//! The fuzz target `disk`: a log whose files are changed in any way is opened without a panic,
//! gives back nothing that was not stored, and goes on.

use std::io::IoSlice;
use std::path::PathBuf;

use crate::disk::Files;
use crate::disk::Log;
use crate::disk::Options;
use crate::disk::View;
use crate::disk::broken::Broken;

/// Records that are stored before the files are changed.
const RECORDS: u8 = 40;

/// Each edit is five bytes: which file and what to do, where (16 bits, counted in from the front
/// or back from the last byte in use), and two more.
pub fn fuzz_disk(data: &[u8]) {
    let files = Broken::new(7);
    let Some(((closed, delivered), edits)) = split(data) else { return };
    let Ok(mut log) = open(&files) else { return };
    for index in 0..RECORDS {
        let stored = log.append(&[IoSlice::new(&content(index))], index.into());
        assert!(stored.is_ok());
    }
    assert!(log.sync().is_ok());
    let mut buffer = Vec::new();
    for _ in 0..delivered % RECORDS {
        let read = log.read(&mut buffer).ok().flatten();
        let Some((position, _)) = read else { unreachable!("the log is whole") };
        assert!(log.release(position).is_ok());
    }
    if closed % 2 == 0 {
        drop(log);
    } else {
        assert!(log.close().is_ok());
    }
    for edit in edits.as_chunks::<5>().0 {
        change(&files, *edit);
    }
    look(&files);
    // Twice: what the first one repairs is there for the second.
    for _ in 0..2 {
        check(&files);
    }
}

fn split(data: &[u8]) -> Option<((u8, u8), &[u8])> {
    let ([closed, delivered], edits) = data.split_first_chunk::<2>()?;
    Some(((*closed, *delivered), edits))
}

fn open(files: &Broken) -> std::io::Result<Log<Broken>> {
    let directory = PathBuf::from("/queue");
    let (name, segment_bytes) = ("q".to_owned(), 64 << 10);
    let options = Options { directory, name, segment_bytes, bytes_max: None };
    Log::open(files.clone(), options).map(|(log, _)| log)
}

/// A record: its number, and as much more as makes a few segments of all of them.
fn content(index: u8) -> Vec<u8> {
    vec![index; 1 + usize::from(index % 8) * 900]
}

fn change(files: &Broken, [what, low, high, value, more]: [u8; 5]) {
    let paths = files.paths();
    let Some(path) = paths.get(usize::from(what >> 4) % paths.len().max(1)) else { return };
    let Some(mut content) = files.content(path) else { return };
    let offset = usize::from(u16::from_le_bytes([low, high]));
    let used = content.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let from_end = what & 8 != 0;
    let at = if from_end { used.saturating_sub(offset) } else { offset };
    let at = at.min(content.len().saturating_sub(1));
    match what & 7 {
        0 => drop(files.remove(path)),
        1 => content.truncate(at),
        2 => content.resize(at + usize::from(value) * 16, more),
        3 => drop(content.drain(at..content.len().min(at + usize::from(value)))),
        4 => drop(content.splice(at..at, std::iter::repeat_n(more, value.into()))),
        5 => {
            let end = content.len().min(at + usize::from(value));
            let copy: Vec<u8> = content[at..end].to_vec();
            let to = usize::from(more) * 256;
            content.splice(to.min(content.len()).., copy);
        }
        _ => {
            if let Some(byte) = content.get_mut(at) {
                *byte ^= value;
            }
        }
    }
    if what & 7 != 0 {
        files.put(path, content);
    }
}

/// What is seen from outside.
fn look(files: &Broken) {
    let directory = PathBuf::from("/queue");
    let Ok(view) = View::open(files.clone(), &directory, "q") else { return };
    assert!(view.segments().len() < 100);
    let walked = view.walk(&mut |item| {
        if let crate::disk::Item::Record { bytes, .. } = item {
            assert_stored(bytes);
        }
        Ok(())
    });
    assert!(walked.is_ok());
}

fn assert_stored(bytes: &[u8]) -> u8 {
    let first = bytes.first().copied().unwrap_or(u8::MAX);
    assert!(first == 77 || (first < RECORDS && content(first) == bytes), "never stored");
    first
}

fn check(files: &Broken) {
    let opened = open(files);
    let Ok(mut log) = opened else { unreachable!("{opened:?}") };
    let new = log.append(&[IoSlice::new(&[77])], 1);
    assert!(new.is_ok() && log.sync().is_ok());
    let mut buffer = Vec::new();
    let mut found = Vec::new();
    while let Ok(Some(_)) = log.read(&mut buffer) {
        found.push(assert_stored(&buffer));
    }
    assert_eq!(found.last(), Some(&77), "what is new comes last");
    assert!(log.damages.iter().all(|damage| damage.from <= damage.to));
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn fuzz_corpus() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut inputs = 0;
        for entry in fs::read_dir(root.join("fuzz/corpus/disk")).unwrap() {
            fuzz_disk(&fs::read(entry.unwrap().path()).unwrap());
            inputs += 1;
        }
        assert!(inputs >= 4, "the seeds were not found");
        let mut rng = fastrand::Rng::with_seed(3);
        for _ in 0..300 {
            let bytes: Vec<u8> = (0..2 + 5 * rng.usize(..6)).map(|_| rng.u8(..)).collect();
            fuzz_disk(&bytes);
        }
    }
}
