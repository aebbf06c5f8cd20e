//! What each parameter of an input of this machine does can be seen: its case comes out otherwise
//! without it. `BONGSU_ORACLE=live` asks rsyslogd, otherwise Bongsu is asked.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread;

use bongsu::config::param::Origin;
use bongsu::config::param::Support;
use bongsu::engine::registry;
use regex::Regex;

use crate::oracle::Mode;
use crate::oracle::case::Case;
use crate::oracle::case::Outputs;
use crate::oracle::find_rsyslogd;
use crate::oracle::run::Feed;
use crate::oracle::run::run;
use crate::oracle::same;
use crate::support::process::BONGSU;

/// Parameters of imfile, and the case that shows what each does.
const SHOWN: &[(&str, &str)] = &[
    ("severity", "imfile-priority"),
    ("facility", "imfile-priority"),
    ("ruleset", "imfile-ruleset"),
    ("readMode", "imfile-indented"),
    ("startmsg.regex", "imfile-start"),
    ("endmsg.regex", "imfile-end"),
    ("discardTruncatedMsg", "imfile-start-discard"),
    ("msgDiscardingError", "imfile-told-not"),
    ("escapeLF", "imfile-indented-raw"),
    ("escapeLF.replacement", "imfile-escape-replacement"),
    ("reopenOnTruncate", "imfile-truncate"),
    ("trimLineOverBytes", "imfile-trim"),
    ("addMetadata", "imfile-metadata-off"),
    ("addCeeTag", "imfile-cee"),
    ("freshStartTail", "imfile-fresh-start-tail"),
    ("needParse", "imfile-need-parse"),
    ("ignoreOlderThan", "imfile-old-files"),
    ("maxBytesPerMinute", "imfile-bytes-per-minute"),
    ("maxLinesPerMinute", "imfile-lines-per-minute"),
    ("sortFiles", "imfile-sort-files"),
    ("statefile.directory", "imfile-state-directory"),
];

/// Those of which no output shows anything, and why.
const NOT_SHOWN: &[(&str, &str)] = &[
    ("file", "required"),
    ("tag", "required"),
    ("mode", "when a line is seen, not what becomes of it"),
    ("pollingInterval", "the same"),
    ("delay.message", "the same"),
    ("readTimeout", "rsyslogd does not always keep its own: tests/it/tail.rs"),
    ("timeoutGranularity", "the same"),
    ("normalizePath", "the name of a state file"),
    ("stateFile", "the same"),
    ("maxLinesAtOnce", "in which order files take turns, which is nobody's promise"),
    ("maxSubmitAtOnce", "how many messages go to the queue at once"),
    ("persistStateInterval", "what is read twice after a kill: tests/it/tail.rs"),
    ("persistStateAfterSubmission", "the same"),
    ("fileNotFoundError", "rsyslogd says at its start that there is no file, on or off"),
    ("deleteStateOnFileDelete", "rsyslogd keeps the state of a deleted file, on or off"),
];

/// The case `name` without the parameter, wherever it stands.
fn without(name: &str, param: &str) -> Case {
    let mut case = Case::read(Path::new(&format!("tests/oracle/cases/{name}.case")));
    let there = Regex::new(&format!(r#"(?i)\s{}="[^"]*""#, regex::escape(param))).unwrap();
    assert!(there.is_match(&case.conf), "{name} has no {param}");
    case.conf = there.replace_all(&case.conf, "").into_owned();
    case
}

#[test]
fn each_parameter_of_imfile_shows_what_it_does() {
    let module = registry::modules().find(|module| module.name == "imfile").unwrap();
    let rows = || module.module.iter().chain(module.instance).copied().flatten();
    let known: BTreeSet<_> =
        rows().filter(|row| row.origin == Origin::Rsyslog).map(|row| row.name).collect();
    let listed: BTreeSet<_> = SHOWN.iter().chain(NOT_SHOWN).map(|(name, _)| *name).collect();
    assert_eq!(known, listed);
    let live = Mode::of_environment() != Mode::Golden;
    let program = if live { find_rsyslogd() } else { BONGSU.to_owned() };
    // What is read and does nothing here is for rsyslogd to show.
    let acts = |name: &str| rows().any(|row| row.name == name && row.support == Support::Full);
    let shown: Vec<_> = SHOWN.iter().filter(|(name, _)| live || acts(name)).collect();
    let (next, silent) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while let Some((name, case)) = shown.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let case = without(case, name);
                    let came = run(&case, &program, Feed::Steps, &Outputs::new()).unwrap();
                    if same("with", &case.expect, "without", &came).is_ok() {
                        silent.lock().unwrap().push(*name);
                    }
                }
            });
        }
    });
    assert!(shown.len() >= SHOWN.len() - 1, "{shown:?}");
    let silent = silent.into_inner().unwrap();
    assert!(silent.is_empty(), "the same without them: {silent:?}");
}
