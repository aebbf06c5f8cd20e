//! `bongsu check`: each lint has a configuration in which it is found, with the places recorded
//! beside it, and one that comes near and is fine.
//!
//! `BONGSU_RECORD=1` writes the recorded places, and the table in docs/check.md, anew.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Output;
use std::time::Instant;

use bongsu::base::diag::Diagnostic;
use bongsu::config;
use bongsu::config::Config;
use bongsu::engine::lint::lint;
use bongsu::engine::lint::lints;
use tempfile::TempDir;

use crate::support::process::BONGSU;
use crate::support::process::command;
use crate::support::process::example;
use crate::support::process::write_config;
use crate::support::source;

const FOLDER: &str = "tests/data/config/lint";
const DOCUMENT: &str = "docs/check.md";
/// What stands between these lines of the document is made from the table of lints.
const BEGIN: &str = "<!-- lints -->\n";
const END: &str = "<!-- end of lints -->\n";

fn recording() -> bool {
    std::env::var_os("BONGSU_RECORD").is_some()
}

fn found(path: &Path) -> (Config, Vec<Diagnostic>) {
    let config = config::load(path).unwrap();
    let found = lint(&config, &[]);
    (config, found)
}

/// Compares with a recorded text, or records it.
fn recorded(path: &Path, text: &str) {
    if recording() {
        fs::write(path, text).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(text, expected, "{}", source::relative(path));
}

#[test]
fn every_lint_is_found_where_it_should_be() {
    for wanted in lints() {
        let path = source::root().join(FOLDER).join(format!("{}.conf", wanted.id));
        let (config, found) = found(&path);
        let mut text = String::new();
        for diagnostic in &found {
            let (line, column) = config.sources.position(diagnostic.loc);
            let lint = diagnostic.lint.unwrap();
            let Diagnostic { severity, message, .. } = diagnostic;
            writeln!(text, "{line}:{column}: {severity}[{lint}]: {message}").unwrap();
            assert!(diagnostic.loc.end > diagnostic.loc.start, "{}: no place", wanted.id);
        }
        assert!(text.contains(&format!("[{}]", wanted.id)), "{} is not found:\n{text}", wanted.id);
        recorded(&path.with_extension("expected"), &text);
    }
}

#[test]
fn no_lint_is_found_where_it_should_not_be() {
    for wanted in lints() {
        let path = source::root().join(FOLDER).join(format!("{}.fine.conf", wanted.id));
        let (config, found) = found(&path);
        let wrong: Vec<_> = found.iter().filter(|d| d.lint == Some(wanted.id)).collect();
        assert!(wrong.is_empty(), "{}: {wrong:?}", wanted.id);
        assert!(!config.statements.is_empty(), "{} is empty", path.display());
    }
}

#[test]
fn every_case_is_about_a_lint() {
    for path in source::files(FOLDER, "") {
        let name = path.file_name().unwrap().to_str().unwrap();
        let id = name.split('.').next().unwrap();
        assert!(lints().any(|lint| lint.id == id), "{name} is about no lint");
    }
}

#[test]
fn the_document_lists_every_lint() {
    let path = source::root().join(DOCUMENT);
    let document = fs::read_to_string(&path).unwrap();
    let mut table =
        String::from("| lint | | what is found | why it matters |\n|---|---|---|---|\n");
    for lint in lints() {
        let (id, severity, what, why) = (lint.id, lint.severity, lint.what, lint.why);
        writeln!(table, "| `{id}` | {severity} | {what} | {why} |").unwrap();
        assert!(
            !lint.help.is_empty() && lint.what.ends_with('.') && lint.why.ends_with(['.', '?'])
        );
    }
    let (before, rest) = document.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    recorded(&path, &format!("{before}{BEGIN}{table}{END}{after}"));
}

#[test]
fn names_are_unique_and_plain() {
    let mut ids: Vec<_> = lints().map(|lint| lint.id).collect();
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    assert!(ids.iter().all(|id| id.bytes().all(plain)), "{ids:?}");
    ids.sort_unstable();
    let all = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

/// The examples are what people copy.
#[test]
fn the_examples_have_no_warnings() {
    let dir = TempDir::new().unwrap();
    for file in source::files("configs", ".conf") {
        let path = example(dir.path(), &file);
        // Their tables are named as they are seen from here.
        let mut check = command(BONGSU, source::root());
        let checked = check.args(["check", "--strict"]).arg(&path).output().unwrap();
        let stderr = String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success(), "{}: {stderr}", file.display());
    }
}

fn run(dir: &TempDir, args: &[&str]) -> Output {
    command(BONGSU, dir.path()).args(args).output().unwrap()
}

fn check(config: &str, args: &[&str]) -> (Option<i32>, String) {
    let dir = TempDir::new().unwrap();
    let file = write_config(dir.path(), config);
    let output = run(&dir, &[&["check", "-f", file.to_str().unwrap()], args].concat());
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn exit_status_and_flags() {
    let udp = "*.* @192.0.2.1\n";
    let (status, said) = check(udp, &[]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains(":1:6: warning[udp-forward]: what is sent over UDP"), "{said}");
    assert!(said.contains(": 0 errors, 1 warning\n"), "{said}");
    assert_eq!(check(udp, &["--strict"]).0, Some(1));
    assert_eq!(check(udp, &["--strict", "--allow", "udp-forward"]).0, Some(0));
    let (status, said) = check(udp, &["--allow", "udp-foward"]);
    assert_eq!(status, Some(64));
    assert!(said.contains("did you mean 'udp-forward'?"), "{said}");
    assert_eq!(check("# bongsu: allow udp-forward\n*.* @192.0.2.1\n", &["--strict"]).0, Some(0));
    // An error, and what this version cannot run.
    assert_eq!(check("mial.* /var/log/a\n", &[]).0, Some(1));
    let (status, said) = check("*.* /var/log/a\nmodule(load=\"fmpcre\")\n", &[]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("1 thing is not built yet"), "{said}");
    // -N1 has nothing to do with it.
    let dir = TempDir::new().unwrap();
    let file = write_config(dir.path(), udp);
    let plain = run(&dir, &["-N1", "-f", file.to_str().unwrap()]);
    assert!(!String::from_utf8_lossy(&plain.stderr).contains("udp-forward"));
}

#[test]
fn several_files_are_checked_one_by_one() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("good.conf"), "*.* /var/log/a\n").unwrap();
    fs::write(dir.path().join("bad.conf"), "*.* /var/log/a\nmial.* /var/log/b\n").unwrap();
    let output = run(&dir, &["check", "good.conf", "bad.conf", "missing.conf"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("bongsu: good.conf: 0 errors, 0 warnings\n"), "{said}");
    assert!(said.contains("bongsu: bad.conf: 1 error"), "{said}");
    assert!(said.contains("could not open config file 'missing.conf'"), "{said}");
    let listed = run(&dir, &["check", "--lints"]);
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert_eq!(listed.lines().count(), lints().count());
    assert!(listed.contains("\nudp-forward "), "{listed}");
}

/// What is found often is counted, and many rules cost as much each as few.
#[test]
fn large_configurations() {
    let config = |rules: usize| {
        let mut text = String::new();
        for i in 0..rules {
            writeln!(
                text,
                "template(name=\"t{i}\" type=\"string\" string=\"/var/log/%hostname%-{i}\")\n\
                 if $fromhost-ip == '10.1.{}.{}' and $syslogfacility-text == 'local0' then {{\n\
                 action(type=\"omfile\" dynaFile=\"t{i}\" template=\"t{}\")\nstop }}",
                i / 250,
                i % 250,
                i / 2
            )
            .unwrap();
        }
        config::parse_text("large", text.as_bytes())
    };
    // The best of some: the machine may be busy.
    let time = |config: &Config| {
        let once = || {
            let start = Instant::now();
            assert!(!lint(config, &[]).is_empty());
            start.elapsed()
        };
        (0..5).map(|_| once()).min().unwrap()
    };
    let large = config(5_000);
    let (short, long) = (time(&config(500)), time(&large));
    let found = lint(&large, &[]);
    assert!(long < short * 60, "500 rules took {short:?}, 5000 {long:?}");
    let unsafe_paths = found.iter().filter(|d| d.lint == Some("unsafe-path")).count();
    assert_eq!(unsafe_paths, 21);
    let rest = found.iter().find(|d| d.message.ends_with("more of this kind are not shown"));
    assert_eq!(rest.unwrap().message, "4980 more of this kind are not shown");
}

/// What to write instead has the name of the property that is there.
#[test]
fn help_for_a_path_names_its_property() {
    let text = fs::read(format!("{FOLDER}/unsafe-path.conf")).unwrap();
    let found = lint(&config::parse_text("unsafe-path.conf", &text), &[]);
    let unsafe_paths = found.iter().filter(|d| d.lint == Some("unsafe-path"));
    let helps: Vec<_> = unsafe_paths.map(|d| d.help.clone().unwrap()).collect();
    let help = |name: &str| {
        format!(
            "write %{name}:::secpath-replace% or property(name=\"{name}\" securePath=\"replace\")"
        )
    };
    assert_eq!(helps, ["hostname", "programname", "$!user"].map(help));
}

/// Configurations that break off anywhere, as their writers leave them.
#[test]
fn no_text_is_too_broken() {
    let mut count = 0;
    for path in source::files(FOLDER, ".conf") {
        let text = fs::read(&path).unwrap();
        for end in (0..text.len()).step_by(5) {
            let config = config::parse_text("cut", &text[..end]);
            count += lint(&config, &[]).len();
        }
    }
    assert!(count > 1_000, "only {count} findings");
}
