//! `cargo bench --bench main -- --instructions [part of a name]`: instructions a message, counted
//! by valgrind's callgrind. They hardly differ between two runs, whatever else the machine does.
//!
//! Each case runs twice in processes of their own, for few rounds and for many: what the
//! difference cost, its rounds cost, and the start of the process is out of the sum.
#![expect(clippy::print_stdout, clippy::disallowed_macros, reason = "a table for people")]

use std::env;
use std::process::Command;

use crate::cases::Case;

/// How many more messages the second process runs.
const MESSAGES: u64 = 20_000;
/// Rounds of both, until buffers have their size and tables are made.
const WARM: u64 = 3;

/// A group's name, and what makes its cases.
pub(crate) type Group = (&'static str, fn() -> Vec<Case>);

/// Does what the command line asks for, if it asks for counting.
pub(crate) fn run(groups: &[Group]) -> bool {
    let args: Vec<String> = env::args().collect();
    let value = |flag: &str| {
        let at = args.iter().position(|arg| arg == flag)?;
        Some(args.get(at + 1).filter(|value| !value.starts_with("--")).cloned().unwrap_or_default())
    };
    let all = groups.iter().flat_map(|(group, cases)| {
        cases().into_iter().map(move |case| (format!("{group}/{}", case.name), case))
    });
    if let (Some(wanted), Some(rounds)) = (value("--case"), value("--rounds")) {
        let rounds: u64 = rounds.parse().expect("a number of rounds");
        let (_, mut case) = all.into_iter().find(|(name, _)| *name == wanted).expect("a case");
        (0..rounds).for_each(|_| (case.round)());
        return true;
    }
    let Some(part) = value("--instructions") else { return false };
    println!("| case | instructions a message |\n|---|---|");
    for (name, case) in all.filter(|(name, _)| name.contains(&part)) {
        let rounds = MESSAGES.div_ceil(case.messages);
        let more = counted(&name, WARM + rounds) - counted(&name, WARM);
        println!("| {name} | {:.1} |", more as f64 / (rounds * case.messages) as f64);
    }
    true
}

/// How many instructions a process takes that runs a case.
fn counted(name: &str, rounds: u64) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe().expect("this binary's path"))
        .args(["--case", name, "--rounds", &rounds.to_string()])
        .output()
        .expect("valgrind, which counting needs, is not installed");
    let report = String::from_utf8_lossy(&output.stderr);
    let mut lines = report.lines().filter_map(|line| line.split_once("Collected :"));
    let count = lines.next().and_then(|(_, count)| count.trim().parse().ok());
    count.unwrap_or_else(|| panic!("callgrind gave no count:\n{report}"))
}
