//! The table of floors: a module names only what stands below it, or itself.

use std::fs;

use regex::Regex;

use crate::support::source;

/// Modules by floor, the ground first. A floor's modules do not know each other.
const FLOORS: [&[&str]; 9] = [
    &["base"],
    &["message", "telemetry"],
    &["parse", "config"],
    &["catalog", "lookup", "modifier", "template", "net", "disk"],
    &["rules", "queue"],
    &["shard"],
    &["input", "output"],
    &["engine"],
    &["admin", "cli"],
];

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|modules| modules.contains(&module))
}

/// What is wrong with the paths in the text of one file of `module`.
fn violations(module: &str, text: &str) -> Vec<String> {
    let Some(own) = floor(module) else {
        return vec![format!("`{module}` has no floor: enter it in the table")];
    };
    let path = Regex::new(r"\bcrate::(\w+)").unwrap();
    let mut wrong = Vec::new();
    for (number, line) in program_lines(text) {
        for (_, [named]) in path.captures_iter(line).map(|c| c.extract()) {
            match floor(named) {
                _ if named == module => {}
                Some(below) if below < own => {}
                Some(_) => wrong.push(format!("line {number}: {module} names {named}")),
                None => wrong.push(format!("line {number}: {named} is on no floor")),
            }
        }
        if line.contains("super::super::") {
            wrong.push(format!("line {number}: write the path from crate:: on"));
        }
    }
    wrong
}

/// The numbered lines that are neither comment nor inside `#[cfg(test)] mod … {}`.
fn program_lines(text: &str) -> Vec<(usize, &str)> {
    let mut lines = Vec::new();
    let mut in_tests = false;
    let mut after_attribute = false;
    for (number, line) in text.lines().enumerate() {
        // rustfmt puts the brace that closes a top-level module in the first column.
        if in_tests {
            in_tests = line != "}";
        } else if after_attribute && line.starts_with("mod ") && line.ends_with('{') {
            in_tests = true;
        } else {
            lines.push((number + 1, line.split("//").next().unwrap_or_default()));
        }
        after_attribute = line == "#[cfg(test)]";
    }
    lines
}

#[test]
fn modules_name_only_lower_floors() {
    let mut wrong = Vec::new();
    let files = source::files("src", ".rs");
    assert!(files.len() > 20, "the sources were not found");
    for file in files {
        let name = source::relative(&file);
        let module = name.trim_start_matches("src/").trim_end_matches(".rs");
        let module = module.split('/').next().unwrap_or_default();
        // Tests in files of their own may look at the whole house, as `mod tests {}` may.
        let is_test = name.ends_with("/tests.rs") || name.contains("/tests/");
        if is_test || module == "lib" || module == "main" {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        wrong.extend(violations(module, &text).into_iter().map(|w| format!("{name}: {w}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_matches_the_library() {
    let library = fs::read_to_string(source::root().join("src/lib.rs")).unwrap();
    let module = Regex::new(r"(?m)^pub mod (\w+);").unwrap();
    let modules: Vec<_> = module.captures_iter(&library).map(|c| c.extract::<1>().1[0]).collect();
    assert!(modules.len() >= 12, "{modules:?}");
    for module in modules {
        assert!(floor(module).is_some(), "`{module}` has no floor: enter it in the table");
    }
}

#[test]
fn violations_are_found() {
    let sample = "\
use crate::base::limits;
use crate::net::udp; // upwards
//! [`crate::engine`] in a comment
fn f() -> crate::parse::X {}
use crate::config::ast;
pub(crate) fn g() {}
use crate::nowhere::X;

#[cfg(test)]
mod tests {
    use crate::engine::Engine;
}
use super::super::message;
";
    let wrong = violations("parse", sample);
    let expected = [
        "line 2: parse names net",
        "line 5: parse names config",
        "line 7: nowhere is on no floor",
        "line 13: write the path from crate:: on",
    ];
    assert_eq!(wrong, expected);
    assert_eq!(violations("engine", "use crate::input::udp;\nuse crate::engine::x;"), [""; 0]);
    assert_eq!(violations("stray", "").len(), 1);
}
