//! Broken configurations: what is said of each, word for word, and whether rsyslogd refuses it too.
//!
//! `BONGSU_ORACLE=record` writes the answers anew, and asks rsyslogd for its verdict.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use bongsu::base::report;
use bongsu::config;
use bongsu::engine;
use bongsu::engine::Options;
use tempfile::TempDir;

use crate::support::source;

const FOLDER: &str = "tests/data/config/broken";
const CASES_MIN: usize = 150;

/// Where our verdict is not rsyslogd's, on purpose (docs/differences.md): we refuse what it
/// misreads without a word.
const STRICTER: &[&str] = &[
    "013-unclosed-comment",
    "019-unclosed-ipv6",
    "056-nul-in-the-middle",
    "192-forward-without-host",
    "195-template-name-without-comma",
    "215-include-half-a-block",
    "218-include-unreadable",
];

/// All complaints about the file at `path`, and the exit status of `-N1`.
fn complaints(path: &Path) -> (String, i32) {
    let mut config = config::load(path).unwrap();
    let options = Options { hostname: "relay".to_owned(), no_dns: true, ipv4: false, ipv6: false };
    let _plan = engine::compile(&mut config, &options);
    let text = report::render(&config.diagnostics, &config.sources, false);
    (text, i32::from(config.diagnostics.has_errors()))
}

/// What `rsyslogd -N1` says of the file: `exit 1`, `signal 11`.
fn ask_rsyslogd(path: &Path) -> String {
    let output = Command::new("rsyslogd").args(["-N1", "-f"]).arg(path).output().unwrap();
    match output.status.code() {
        Some(code) => format!("exit {code}"),
        None => "killed by a signal".to_owned(),
    }
}

#[test]
fn every_complaint_is_as_recorded() {
    let record = env::var("BONGSU_ORACLE").as_deref() == Ok("record");
    // Paths in complaints and includes are relative to the root, where tests run.
    assert!(Path::new(FOLDER).exists(), "tests run in the root of the project");
    let files = source::files(FOLDER, ".conf");
    let cases: Vec<_> =
        files.iter().filter(|file| file.parent().is_some_and(|p| p.ends_with("broken"))).collect();
    assert!(cases.len() >= CASES_MIN, "only {} cases", cases.len());
    let mut wrong = String::new();
    for file in cases {
        let path = source::relative(file);
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let golden = file.with_extension("txt");
        let (text, status) = complaints(Path::new(&path));
        if record {
            let theirs = ask_rsyslogd(Path::new(&path));
            let whole = format!("rsyslogd -N1: {theirs}\nbongsu -N1: exit {status}\n\n{text}");
            fs::write(&golden, whole).unwrap();
        }
        let recorded = fs::read_to_string(&golden).unwrap();
        let (theirs, rest) = recorded.split_once('\n').unwrap();
        let expected = rest.replace("bongsu -N1: ", "");
        let ours = format!("exit {status}\n\n{text}");
        if ours != expected {
            writeln!(wrong, "=== {name}\n--- recorded\n{expected}\n--- now\n{ours}").unwrap();
        }
        let refused = !theirs.ends_with("exit 0");
        if (refused == (status != 0)) == STRICTER.contains(&name.as_str()) {
            writeln!(wrong, "=== {name}: {theirs}, bongsu: exit {status}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn each_mistake_is_one_error() {
    for file in source::files(FOLDER, ".txt") {
        let text = fs::read_to_string(&file).unwrap();
        let errors = text.lines().filter(|line| line.contains(": error: ")).count();
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let allowed = if SEVERAL.contains(&name.as_str()) { 3 } else { 1 };
        assert!(errors <= allowed, "{}: {errors} errors", file.display());
    }
}

/// Configurations with the same mistake at several places.
const SEVERAL: &[&str] = &[
    "034-single-quotes-in-object",
    "037-curly-quotes",
    "095-number-in-array",
    "099-hash-comment-in-condition",
    "184-bsd-program-block",
    "185-bsd-host-block",
    "189-action-user-list",
    "190-action-unknown-module",
    "198-heredoc",
    "205-xml",
    "208-merge-marks",
    "215-include-half-a-block",
];

/// Complaints about a text too large to be kept as a file.
fn about(text: &[u8]) -> String {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("rsyslog.conf");
    fs::write(&path, text).unwrap();
    complaints(&path).0.replace(&path.display().to_string(), "rsyslog.conf")
}

#[test]
fn a_line_of_ten_megabytes() {
    let mut text = b"*.* /var/log/all\n".to_vec();
    text.resize(text.len() + (10 << 20), b'x');
    let said = about(&text);
    let expected = "\
rsyslog.conf:2:1: error: this line is no rsyslog configuration
  |
";
    assert!(said.starts_with(expected), "{said}");
    assert!(said.len() < 1_000, "{} bytes", said.len());
    let mut text = b"*.* /var/log/all\n$template t,\"".to_vec();
    text.resize(text.len() + (10 << 20), b'%');
    assert!(about(&text).len() < 2_000);
}

#[test]
fn a_token_of_64_kilobytes() {
    let name = "a".repeat(64 << 10);
    let said = about(format!("*.* /var/log/all\naction(type=\"{name}\")\n").as_bytes());
    assert!(said.starts_with("rsyslog.conf:2:"), "{said}");
    let said = about(format!("*.* /var/log/all\nif ${name} == 1 then stop\n").as_bytes());
    assert!(said.starts_with("rsyslog.conf:2:4: error: there is no property"), "{said}");
}

#[test]
fn nesting_without_end() {
    for (open, middle, close) in [
        ("if $msg == \"a\" then {\n", "stop\n", "}\n"),
        ("if not ", "(1) then stop\n", ""),
        ("*.* ", "/var/log/x\n", ""),
    ] {
        let text = [open.repeat(20_000), middle.to_owned(), close.repeat(20_000)].concat();
        let said = about(text.as_bytes());
        let errors = said.lines().filter(|line| line.contains(": error: ")).count();
        assert!((1..=2).contains(&errors), "{open}: {errors} errors\n{said}");
    }
    let text = format!("if {}1{} then stop\n", "(".repeat(20_000), ")".repeat(20_000));
    assert!(about(text.as_bytes()).contains("nested deeper than 64 levels"));
}

#[test]
fn a_directory_is_no_file() {
    let dir = TempDir::new().unwrap();
    let error = config::load(dir.path()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::IsADirectory);
    let text = format!("*.* /var/log/all\ninclude(file=\"{}\")\n", dir.path().display());
    assert_eq!(about(text.as_bytes()), "", "an empty directory includes nothing");
}
