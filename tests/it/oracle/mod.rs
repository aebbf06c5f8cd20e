//! The differential bench: the same config and the same input must give the same bytes as rsyslogd.
//!
//! `BONGSU_ORACLE` chooses: unset, the recorded bytes are what is right; `live`, rsyslogd runs on
//! every case too and both are compared; `record`, the recorded bytes are written anew from
//! rsyslogd. `BONGSU_ORACLE_ONLY=text` takes only the cases whose name holds the text.

mod case;
mod coverage;
mod effects;
mod files;
pub(crate) mod run;
pub(crate) mod site;
pub(crate) mod text;

use std::env;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread;

use case::Case;
use case::Outputs;
use run::Feed;
use run::run;

use crate::support::process::BONGSU;
use crate::support::source;

/// Cases that run at the same time: they mostly wait.
const PARALLEL: usize = 6;
/// A bench that lost its cases would be green too.
const CASES_MIN: usize = 60;
/// Lines shown from the first difference on.
const DIFF_LINES: usize = 6;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mode {
    Golden,
    Live,
    Record,
}

impl Mode {
    /// What `BONGSU_ORACLE` asks for.
    pub(crate) fn of_environment() -> Self {
        match env::var("BONGSU_ORACLE").as_deref() {
            Err(_) | Ok("") => Self::Golden,
            Ok("live") => Self::Live,
            Ok("record") => Self::Record,
            Ok(other) => panic!("BONGSU_ORACLE={other}: live, record, or unset"),
        }
    }
}

#[test]
fn same_bytes_as_rsyslogd() {
    let mode = Mode::of_environment();
    let rsyslogd = if mode == Mode::Golden { String::new() } else { find_rsyslogd() };
    let paths = source::files("tests/oracle/cases", ".case");
    assert!(paths.len() >= CASES_MIN, "only {} cases", paths.len());
    let only = env::var("BONGSU_ORACLE_ONLY").unwrap_or_default();
    let mut cases: Vec<_> = paths.iter().map(|path| Case::read(path)).collect();
    cases.retain(|case| case.name.contains(&only));
    assert!(!cases.is_empty(), "no case's name holds {only:?}");

    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..PARALLEL {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(why) = check(case, mode, &rsyslogd) {
                        failures.lock().unwrap().push(format!("=== {}\n{why}", case.name));
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    println!("{mode:?}: {} cases, {} failed", cases.len(), failures.len());
    assert!(failures.is_empty(), "{} failed\n{}", failures.len(), failures.join("\n"));
}

fn check(case: &Case, mode: Mode, rsyslogd: &str) -> Result<(), String> {
    match mode {
        Mode::Golden => {
            let feed = case.wire.as_deref().map_or(Feed::Steps, Feed::Wire);
            same("recorded", &case.expect, "bongsu", &run(case, BONGSU, feed, &case.expect)?)
        }
        Mode::Live => {
            let feed = case.sender.as_deref().map_or(Feed::Steps, |s| Feed::Sender(s, rsyslogd));
            let oracle = run(case, rsyslogd, feed, &case.expect)?;
            let ours = run(case, BONGSU, feed, &case.expect)?;
            same("rsyslogd", &oracle, "bongsu", &ours)?;
            same("recorded", &case.expect, "rsyslogd", &oracle)
        }
        Mode::Record => record(case, rsyslogd),
    }
}

/// Runs the case twice: what differs between two runs of the oracle is not an oracle.
fn record(case: &Case, rsyslogd: &str) -> Result<(), String> {
    let sender = case.sender.as_deref();
    let wire = sender.map(|sender| run::record_wire(case, sender, rsyslogd)).transpose()?;
    let feed = wire.as_deref().map_or(Feed::Steps, Feed::Wire);
    let unknown = Outputs::new();
    let first = run(case, rsyslogd, feed, &unknown)?;
    let second = run(case, rsyslogd, feed, &unknown)?;
    same("first run", &first, "second run", &second)?;
    if first.is_empty() {
        return Err("rsyslogd wrote nothing".to_owned());
    }
    case.record(wire.as_deref(), &first);
    Ok(())
}

/// The oracle, or a loud failure: a live run without it would compare nothing.
pub(crate) fn find_rsyslogd() -> String {
    for program in ["rsyslogd", "/usr/sbin/rsyslogd", "/sbin/rsyslogd"] {
        if let Ok(version) = Command::new(program).arg("-v").output() {
            let version = String::from_utf8_lossy(&version.stdout).into_owned();
            println!("oracle: {}", version.lines().next().unwrap_or_default());
            return program.to_owned();
        }
    }
    panic!("BONGSU_ORACLE asks for rsyslogd and it is not installed (apt-get install rsyslog)");
}

fn same(left: &str, want: &Outputs, right: &str, got: &Outputs) -> Result<(), String> {
    let mut names: Vec<_> = want.keys().chain(got.keys()).collect();
    names.sort();
    names.dedup();
    for name in names {
        let [want, got] = [want, got].map(|o| o.get(name).map_or("", String::as_str));
        if want != got {
            let equal = want.lines().zip(got.lines()).take_while(|(a, b)| a == b).count();
            let show = |text: &str| {
                let lines = text.lines().skip(equal).take(DIFF_LINES);
                lines.map(|line| format!("    {line}\n")).collect::<String>()
            };
            return Err(format!(
                "{name}, line {}:\n  {left}:\n{}  {right}:\n{}",
                equal + 1,
                show(want),
                show(got)
            ));
        }
    }
    Ok(())
}

#[test]
fn a_difference_is_shown_from_its_line_on() {
    let outputs = |text: &str| Outputs::from([("tcp".to_owned(), text.to_owned())]);
    assert_eq!(same("a", &outputs("x\n"), "b", &outputs("x\n")), Ok(()));
    let shown = same("a", &outputs("x\ny\n"), "b", &outputs("x\nz\n")).unwrap_err();
    assert_eq!(shown, "tcp, line 2:\n  a:\n    y\n  b:\n    z\n");
    same("a", &outputs("x\n"), "b", &Outputs::new()).unwrap_err();
}

#[test]
fn every_case_is_recorded_and_explained() {
    for path in source::files("tests/oracle/cases", ".case") {
        let case = Case::read(Path::new(&path));
        assert!(!case.expect.is_empty(), "{}: nothing recorded", case.name);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# "), "{}: no comment that says why it is here", case.name);
        assert_eq!(case.sender.is_some(), case.wire.is_some(), "{}", case.name);
    }
}
