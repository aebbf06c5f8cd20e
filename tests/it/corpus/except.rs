//! The list of what may differ, each line with its reason.
//!
//! `status CASE | why`: the exit statuses differ. `complaint CASE | part of rsyslogd's text | why`:
//! nothing of ours stands beside it. `*` in a case's name stands for anything.

use std::cell::Cell;
use std::fs;
use std::path::Path;

#[derive(Debug)]
struct Exception {
    line: String,
    case: String,
    /// Part of the complaint; `None` for a status.
    complaint: Option<String>,
    why: String,
    used: Cell<bool>,
}

#[derive(Debug)]
pub(crate) struct Exceptions(Vec<Exception>);

impl Exceptions {
    pub(crate) fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self(lines.map(exception).collect())
    }

    fn find(&self, case: &str, fits: impl Fn(Option<&str>) -> bool) -> bool {
        let mut found = false;
        for except in &self.0 {
            if fits(except.complaint.as_deref()) && matches(&except.case, case) {
                except.used.set(true);
                found = true;
            }
        }
        found
    }

    pub(crate) fn status(&self, case: &str) -> bool {
        self.find(case, |complaint| complaint.is_none())
    }

    pub(crate) fn complaint(&self, case: &str, text: &str) -> bool {
        self.find(case, |complaint| complaint.is_some_and(|part| text.contains(part)))
    }

    /// Why the statuses of a case may differ.
    pub(crate) fn reason(&self, case: &str) -> Option<String> {
        let fits = |e: &&Exception| e.complaint.is_none() && matches(&e.case, case);
        self.0.iter().find(fits).map(|except| except.why.clone())
    }

    /// Those that nothing needed.
    pub(crate) fn unused(&self) -> Vec<&str> {
        self.0.iter().filter(|e| !e.used.get()).map(|e| e.line.as_str()).collect()
    }
}

fn exception(line: &str) -> Exception {
    let mut fields = line.split(" | ").map(str::trim);
    let (kind, case) = fields.next().unwrap().split_once(' ').unwrap();
    let complaint = match kind {
        "status" => None,
        "complaint" => Some(fields.next().unwrap().to_owned()),
        _ => panic!("neither status nor complaint: {line}"),
    };
    let why = fields.next().filter(|why| !why.is_empty());
    let why = why.unwrap_or_else(|| panic!("no reason: {line}")).to_owned();
    let used = Cell::new(false);
    Exception { line: line.to_owned(), case: case.trim().to_owned(), complaint, why, used }
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => name.strip_prefix(before).is_some_and(|rest| {
            after.is_empty()
                || (0..=rest.len())
                    .any(|at| rest.get(at..).is_some_and(|rest| matches(after, rest)))
        }),
    }
}

#[test]
fn stars_stand_for_anything() {
    assert!(matches("plura/*", "plura/a/b"));
    assert!(matches("*/016-*", "realconf/016-x"));
    assert!(!matches("plura/*", "realconf/1"));
    assert!(matches("a", "a") && !matches("a", "ab"));
}
