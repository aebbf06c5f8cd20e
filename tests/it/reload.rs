//! A lookup table is written anew over and over while messages stream through: each of them comes
//! out once, in order, with what one of the tables says.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::BufWriter;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::free_port;
use crate::support::process::Daemon;
use crate::support::process::said;
use crate::support::process::start_aside;
use crate::support::process::write_config;
use crate::support::tcp_listens;
use crate::support::wait_for;

const SOON: Duration = Duration::from_secs(60);
const CONNECTIONS: u64 = 4;
/// Of each connection.
const MESSAGES: u64 = 75_000;
const RELOADS: u64 = 20;
/// Of these the file is broken, and of these it is gone; the table before stays.
const BROKEN: u64 = 7;
const GONE: u64 = 13;
/// Rows beside the one that counts, so that reading takes a while.
const ROWS: u32 = 5_000;
/// Phases that senders may be ahead of the reloads.
const AHEAD: u64 = 2;

/// A table whose values say which one it is, twice.
fn table(generation: u64) -> String {
    let mut text = format!("prefix,tag,check\n127.0.0.0/8,g{generation},g{generation}\n");
    for n in 0..ROWS {
        let [_, _, a, b] = n.to_be_bytes();
        writeln!(text, "10.{a}.{b}.0/24,g{generation},other").unwrap();
    }
    text
}

/// A new file takes the old one's name: nobody reads half of it.
fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, path).unwrap();
}

fn relay(dir: &TempDir, port: u16) -> Daemon {
    let path = |name: &str| dir.path().join(name).display().to_string();
    let config = format!(
        r#"module(load="imtcp")
input(type="imtcp" address="127.0.0.1" port="{port}")
lookup_table(name="sources" file="{}")
template(name="out" type="string" string="%msg% %$!src!tag% %$!src!check% %$.alone%\n")
set $!src = lookup("sources", $fromhost-ip);
set $.alone = $!src!tag;
action(type="omfile" file="{}" template="out")
"#,
        path("table.csv"),
        path("out")
    );
    write_config(dir.path(), &config);
    let daemon = start_aside(dir.path(), "relay.conf");
    assert!(wait_for(SOON, || tcp_listens(port)), "nothing listens: {}", said(dir.path()));
    daemon
}

/// How far everyone is.
#[derive(Default)]
struct Progress {
    sent: AtomicU64,
    /// Reloads that the relay has said to be done, or to have failed.
    done: AtomicU64,
}

/// The phase of a connection's message: between two reloads, if nobody had to wait for any.
const fn phase(number: u64) -> u64 {
    number * (RELOADS + 1) / MESSAGES
}

/// Sends as fast as it goes, but no further than two phases ahead of the reloads: each of them
/// happens with messages on the way.
fn send(port: u16, connection: u64, progress: &Progress) {
    let mut stream = BufWriter::new(TcpStream::connect(("127.0.0.1", port)).unwrap());
    for number in 0..MESSAGES {
        let needed = phase(number).saturating_sub(AHEAD);
        if progress.done.load(Ordering::Acquire) < needed {
            stream.flush().unwrap();
            let done = || progress.done.load(Ordering::Acquire) >= needed;
            assert!(wait_for(SOON, done), "reload {needed} is never done");
        }
        writeln!(stream, "<13>Oct 11 22:14:15 h t:{connection} {number}").unwrap();
        progress.sent.fetch_add(1, Ordering::Relaxed);
    }
}

/// Writes the table anew and has it read, spread over the time that the messages take.
fn edit(dir: &Path, daemon: &Daemon, progress: &Progress) {
    let file = dir.join("table.csv");
    for generation in 1..=RELOADS {
        let due = CONNECTIONS * MESSAGES * generation / (RELOADS + 1);
        let sent = || progress.sent.load(Ordering::Relaxed) >= due;
        assert!(wait_for(SOON, sent), "sending stands still");
        match generation {
            // What stands before the row that is none must not come to count.
            BROKEN => replace(&file, "prefix,tag,check\n127.0.0.0/8,bad,bad\nno-network,x,x\n"),
            GONE => fs::remove_file(&file).unwrap(),
            _ => replace(&file, &table(generation)),
        }
        daemon.signal(Signal::HUP);
        let answers = || said(dir).matches("reloaded from file").count() as u64;
        assert!(wait_for(SOON, || answers() >= generation), "{}", said(dir));
        progress.done.store(generation, Ordering::Release);
    }
}

/// The number of the table that tagged a line.
fn generation(tags: &[&str]) -> u64 {
    let [tag, check, alone] = tags else { panic!("{tags:?}") };
    assert!(tag == check && tag == alone, "of two tables: {tags:?}");
    let number = tag.strip_prefix('g').and_then(|number| number.parse().ok());
    number.unwrap_or_else(|| panic!("no table ever said {tag}"))
}

/// Of reloads up to `done`, the table that counts.
const fn counts(done: u64) -> u64 {
    if matches!(done, BROKEN | GONE) { done - 1 } else { done }
}

#[test]
fn no_message_is_lost_or_wrongly_tagged_while_tables_are_read_again() {
    let dir = TempDir::new().unwrap();
    let port = free_port();
    fs::write(dir.path().join("table.csv"), table(0)).unwrap();
    let daemon = relay(&dir, port);
    let progress = Arc::new(Progress::default());
    let started = Instant::now();
    let senders: Vec<_> = (0..CONNECTIONS)
        .map(|connection| {
            let progress = Arc::clone(&progress);
            thread::spawn(move || send(port, connection, &progress))
        })
        .collect();
    edit(dir.path(), &daemon, &progress);
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    let took = started.elapsed();
    let ended = daemon.stop();
    assert!(ended.status.success(), "{}", said(dir.path()));
    assert_eq!(said(dir.path()).matches("could not be reloaded").count(), 2);

    let mut seen = BTreeSet::new();
    let mut streams = [(0, 0); 4];
    for line in fs::read_to_string(dir.path().join("out")).unwrap().lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let generation = generation(&words[2..]);
        let (next, newest) = &mut streams[words[0].parse::<usize>().unwrap()];
        assert_eq!(words[1].parse(), Ok(*next), "lost, repeated or overtaken: {line}");
        let known = counts(phase(*next).saturating_sub(AHEAD));
        assert!(generation >= known, "table {known} had been read long before: {line}");
        assert!(generation >= *newest, "an older table again: {line}");
        (*next, *newest) = (*next + 1, generation);
        seen.insert(generation);
    }
    assert_eq!(streams.iter().map(|(next, _)| *next).collect::<Vec<_>>(), [MESSAGES; 4]);
    println!("{} messages in {took:?}, tables {seen:?}", CONNECTIONS * MESSAGES);
    let tables: BTreeSet<u64> = (0..=RELOADS).map(counts).collect();
    assert!(seen.is_subset(&tables), "{seen:?}");
    assert!(seen.len() as u64 > RELOADS - AHEAD - 3, "only the tables {seen:?} were seen");
}
