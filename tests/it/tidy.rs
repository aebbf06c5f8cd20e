//! What rustfmt and clippy do not look at.

use std::fs;
use std::path::Path;
use std::process::Command;

use regex::Regex;
use tempfile::TempDir;

use crate::support::process::BONGSU;
use crate::support::process::command;
use crate::support::process::example;
use crate::support::source;

const FILE_LINES_MAX: usize = 700;
const COLUMNS_MAX: usize = 100;
const ARCHITECTURE_LINES_MAX: usize = 200;
const CONTRIBUTING_LINES_MAX: usize = 100;

/// Rust files of the project, by relative name, with their text.
fn rust_files() -> Vec<(String, String)> {
    let folders = ["src", "tests", "benches", "fuzz/fuzz_targets"];
    let files = folders.iter().flat_map(|folder| source::files(folder, ".rs"));
    files.map(|f| (source::relative(&f), fs::read_to_string(&f).unwrap())).collect()
}

/// Everything that people read, by relative name, with its text.
fn texts() -> Vec<(String, String)> {
    let mut texts = rust_files();
    let folders = [("docs", ".md"), ("configs", ""), ("tests/oracle", ".md")];
    for file in folders.iter().flat_map(|(folder, suffix)| source::files(folder, suffix)) {
        texts.push((source::relative(&file), fs::read_to_string(&file).unwrap()));
    }
    let tops = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "Cargo.toml"];
    for name in tops.into_iter().chain([".ci/run", "deny.toml"]) {
        texts.push((name.to_owned(), fs::read_to_string(source::root().join(name)).unwrap()));
    }
    texts
}

/// Fails with `file:line: text` for each line that `bad` does not want.
fn no_line(texts: &[(String, String)], why: &str, bad: impl Fn(&str, &str) -> bool) {
    let mut wrong = String::new();
    for (name, text) in texts {
        for (number, line) in text.lines().enumerate().filter(|(_, line)| bad(name, line)) {
            wrong.push_str(&format!("{name}:{}: {line}\n", number + 1));
        }
    }
    assert!(wrong.is_empty(), "{why}:\n{wrong}");
}

#[test]
fn one_path_a_use() {
    let braces = Regex::new(r"^\s*(pub(\(\w+\))? )?use .*\{").unwrap();
    no_line(&rust_files(), "one path a `use`", |_, line| braces.is_match(line));
    assert!(braces.is_match(concat!("use crate:", ":{a, b};")));
    assert!(braces.is_match(concat!("    pub(crate) use crate::a:", ":{self};")));
    assert!(!braces.is_match("use crate::a;"));
}

#[test]
fn files_and_lines_are_short() {
    for (name, text) in rust_files() {
        let lines = text.lines().count();
        assert!(lines <= FILE_LINES_MAX, "{name} has {lines} lines: split it");
    }
    // rustfmt does not cut literals; a string that is clearer in one piece may be long.
    no_line(&rust_files(), "line too long", |_, line| {
        line.chars().count() > COLUMNS_MAX && !line.contains('"')
    });
    let limits =
        [("ARCHITECTURE.md", ARCHITECTURE_LINES_MAX), ("CONTRIBUTING.md", CONTRIBUTING_LINES_MAX)];
    for (name, limit) in limits {
        let text = fs::read_to_string(source::root().join(name)).unwrap();
        assert!(text.lines().count() <= limit, "{name} has more than {limit} lines");
    }
}

#[test]
fn unsafe_is_in_one_file() {
    let unsafe_code = Regex::new(r"\bunsafe\s*(\{|fn|impl|extern)").unwrap();
    let allowed = |name: &str| name == "src/net/sys.rs" || name == "tests/it/tidy.rs";
    no_line(&rust_files(), "`unsafe` outside src/net/sys.rs", |name, line| {
        // An allocator that counts is a test's own affair.
        !allowed(name) && name.starts_with("src/") && unsafe_code.is_match(line)
    });
    assert!(unsafe_code.is_match("unsafe { x() }"));
}

#[test]
fn nothing_of_this_machine() {
    // The words are put together so that this file does not hold them.
    let folders = ["/home", "/root", "/work", "/Users"].map(|folder| format!("{folder}/"));
    no_line(&texts(), "a path of one machine", |_, line| {
        folders.iter().any(|folder| line.contains(folder.as_str()))
    });
    let registry =
        Regex::new(concat!(r"(static|index)\.crates", r"\.io|https?://[\w.-]*crates\.io"));
    let registry = registry.unwrap();
    no_line(&texts(), "a registry's address", |_, line| registry.is_match(line));
    assert!(registry.is_match(&["https://index.crates", ".io"].concat()));
    let merge = Regex::new(r"^(<<<<<<<|>>>>>>>) ").unwrap();
    no_line(&texts(), "a merge that was not finished", |_, line| merge.is_match(line));
}

#[test]
fn nothing_is_left_to_do() {
    let marks = [["TO", "DO"], ["FIX", "ME"]].map(|halves| halves.concat());
    no_line(&texts(), "write an issue, or do it", |_, line| {
        marks.iter().any(|mark| line.contains(mark.as_str()))
    });
}

#[test]
fn every_document_is_linked() {
    let readme = fs::read_to_string(source::root().join("README.md")).unwrap();
    let names = source::files("docs", ".md").into_iter().map(|file| source::relative(&file));
    let tops = ["ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(str::to_owned);
    for name in names.chain(tops) {
        assert!(readme.contains(&format!("({name})")), "README.md does not link {name}");
    }
}

#[test]
fn links_lead_somewhere() {
    let link = Regex::new(r"\]\(([^)#:]+)(#[^)]*)?\)").unwrap();
    for (name, text) in texts().iter().filter(|(name, _)| name.ends_with(".md")) {
        let folder = Path::new(name).parent().unwrap();
        for captures in link.captures_iter(text) {
            let target = source::root().join(folder).join(&captures[1]);
            assert!(target.exists(), "{name}: no such file: {}", &captures[1]);
        }
    }
}

#[test]
fn every_dependency_has_its_reason() {
    let manifest = fs::read_to_string(source::root().join("Cargo.toml")).unwrap();
    let reasons = fs::read_to_string(source::root().join("docs/dependencies.md")).unwrap();
    let mut in_dependencies = false;
    let mut seen = 0;
    for line in manifest.lines() {
        if line.starts_with('[') {
            in_dependencies = line.ends_with("dependencies]");
        } else if in_dependencies && let Some((name, _)) = line.split_once(" = ") {
            assert!(reasons.contains(&format!("| `{name}` |")), "docs/dependencies.md: {name}?");
            seen += 1;
        }
    }
    assert!(seen > 10, "the dependencies were not found");
}

#[test]
fn the_examples_are_accepted() {
    let examples = source::files("configs", ".conf");
    assert!(examples.len() >= 4, "{examples:?}");
    let dir = TempDir::new().unwrap();
    for file in examples {
        let copy = example(dir.path(), &file);
        // Their tables are named as they are seen from here.
        let mut check: Command = command(BONGSU, source::root());
        let checked = check.arg("-N1").arg("-f").arg(&copy).output().unwrap();
        let stderr = String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success(), "{}: {}\n{stderr}", file.display(), checked.status);
    }
}
