//! The bounds of docs/reliability.md, held by the relay that was built here: each row of `bongsu
//! bench fault` with few messages.

use std::process::Command;

use serde_json::Value;

use crate::support::process::BONGSU;

#[expect(clippy::print_stderr, reason = "a row that is left out is told")]
fn holds(row: &str, messages: &str) {
    let mut bench = Command::new(BONGSU);
    bench.args(["bench", "fault", row, "--messages", messages, "--json"]);
    let output = bench.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let ends: Value = serde_json::from_slice(&output.stdout).expect(&said);
    let debug = cfg!(debug_assertions);
    let why = &ends[0]["skipped"]["why"];
    if !debug && *why == "only a debug build of Bongsu panics when it is asked to" {
        eprintln!("row {row} was not run: {ends}");
        return;
    }
    if *why == "only root can mount a small disk" {
        // CI runs it: there everybody is root.
        assert!(!rustix::process::geteuid().is_root(), "{ends}");
        eprintln!("row {row} was not run: {ends}");
        return;
    }
    let outcome = &ends[0]["ran"];
    let note = outcome["note"].as_str().unwrap_or_default();
    if note.contains("no cgroup") || note.contains("not root") {
        eprintln!("row {row} was run without what only root can have: {ends}");
    }
    assert!(outcome["sent"].as_u64() > Some(0), "nothing was sent: {ends}");
    assert_eq!(outcome["within"], Value::Bool(true), "{ends}");
    assert!(output.status.success(), "{said}");
}

macro_rules! rows {
    ($($name:ident: $row:literal, $messages:literal;)*) => {
        $(#[test]
        fn $name() {
            holds($row, $messages);
        })*

        /// A row without a test would be a promise that nobody looks after.
        #[test]
        fn every_row_is_held() {
            let output = Command::new(BONGSU).args(["bench", "fault", "--list"]).output().unwrap();
            let list = String::from_utf8(output.stdout).unwrap();
            let rows = list.lines().filter_map(|line| line.split_whitespace().next());
            let rows: Vec<&str> = rows.collect();
            assert_eq!(rows, [$($row),*]);
        }
    };
}

rows! {
    a_collector_that_comes_late_misses_nothing: "1", "20k";
    a_collector_that_comes_late_gets_what_is_on_disk: "2", "60k";
    a_collector_that_closes_misses_what_it_did_not_read: "3", "40k";
    a_collector_that_resets_misses_what_it_did_not_read: "4", "40k";
    a_collector_that_stalls_delays_no_other: "5", "60k";
    a_slow_collector_misses_nothing: "6", "60k";
    a_dead_output_costs_no_other_anything: "7", "20k";
    a_full_disk_holds_the_sender_back: "8", "200k";
    a_full_disk_of_a_file_loses_nothing: "9", "40k";
    what_was_acknowledged_survives_a_kill: "10", "20k";
    a_stop_delivers_what_was_taken_in: "16", "40k";
    a_stop_keeps_on_disk_what_cannot_be_delivered: "17", "40k";
    a_stop_says_what_it_lost: "18", "20k";
    files_may_be_reopened_at_any_time: "19", "100k";
    a_wrong_configuration_changes_nothing: "20", "100k";
    a_log_that_is_renamed_is_read_once: "21", "60k";
    a_log_that_is_cut_loses_what_was_not_read: "22", "60k";
    a_log_that_is_rotated_meanwhile_is_finished: "23", "60k";
    a_log_that_is_deleted_is_read_to_its_end: "24", "60k";
    a_killed_tailer_repeats_a_batch_at_most: "25", "60k";
    what_relp_does_not_acknowledge_is_sent_again: "37", "40k";
    what_cannot_be_kept_is_not_acknowledged: "38", "20k";
    little_memory_is_enough: "39", "100k";
    what_makes_it_panic_is_set_aside: "40", "20k";
}
