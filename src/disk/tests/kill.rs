//! A process that is killed with SIGKILL while it appends.

use std::collections::BTreeSet;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::IoSlice;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use crate::disk::DamageKind;
use crate::disk::Log;
use crate::disk::Options;
use crate::disk::System;

const DIRECTORY: &str = "BONGSU_TEST_QUEUE";
/// How many times; 50 by default.
const ROUNDS: &str = "BONGSU_KILLS";

fn open(directory: &Path) -> (Log, Vec<DamageKind>) {
    let (directory, name) = (directory.to_owned(), "q".to_owned());
    let options = Options { directory, name, segment_bytes: 256 << 10, bytes_max: None };
    let (log, recovery) = Log::open(System, options).unwrap();
    (log, recovery.damages.iter().map(|damage| damage.kind).collect())
}

/// The process that is killed: not a test, but started by one.
#[test]
#[ignore = "runs as the child of the next one"]
fn child() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let (mut log, _) = open(Path::new(&directory));
    let mut out = std::io::stdout();
    let mut rng = fastrand::Rng::new();
    let mut buffer = Vec::new();
    loop {
        let mut safe = Vec::new();
        for _ in 0..rng.usize(1..8) {
            let id = rng.u64(..);
            let bytes: Vec<u8> = id.to_le_bytes().repeat(rng.usize(1..2000));
            log.append(&[IoSlice::new(&bytes)], 1).unwrap();
            safe.push(id);
        }
        log.sync().unwrap();
        for id in safe {
            writeln!(out, "\n+{id}").unwrap();
        }
        if rng.bool()
            && let Some((position, _)) = log.read(&mut buffer).unwrap()
        {
            let id = u64::from_le_bytes(buffer[..8].try_into().unwrap());
            // Said before it is done: from here on it need not be there.
            writeln!(out, "\n-{id}").unwrap();
            log.release(position).unwrap();
        }
    }
}

#[test]
fn what_was_acknowledged_survives() {
    let rounds = std::env::var(ROUNDS).ok().and_then(|text| text.parse().ok()).unwrap_or(50);
    let directory = tempfile::tempdir().unwrap();
    let mut rng = fastrand::Rng::new();
    let mut alive = BTreeSet::new();
    let mut appended = 0;
    for round in 0..rounds {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["disk::tests::kill::child", "--exact", "--ignored", "--nocapture"])
            .env(DIRECTORY, directory.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut left = rng.usize(1..60);
        for line in lines.map_while(Result::ok) {
            let Some((sign, Ok(id))) = line.split_at_checked(1).map(|(s, n)| (s, n.parse::<u64>()))
            else {
                continue;
            };
            match sign {
                "+" => {
                    appended += 1;
                    alive.insert(id)
                }
                _ => alive.remove(&id),
            };
            left = left.saturating_sub(1);
            if left == 0 {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        let (mut log, damages) = open(directory.path());
        assert!(damages.iter().all(|kind| *kind == DamageKind::TornTail), "{damages:?}");
        let mut buffer = Vec::new();
        let mut found = BTreeSet::new();
        while log.read(&mut buffer).unwrap().is_some() {
            let (words, rest) = buffer.as_chunks::<8>();
            assert!(rest.is_empty() && words.iter().all(|word| *word == words[0]), "torn");
            assert!(found.insert(u64::from_le_bytes(words[0])), "twice");
        }
        assert_eq!(log.take_damages(), []);
        let lost = alive.difference(&found).count();
        assert_eq!(lost, 0, "acknowledged records are lost in round {round}");
        alive = found;
    }
    assert!(appended >= rounds, "only {appended} records in {rounds} rounds");
}
