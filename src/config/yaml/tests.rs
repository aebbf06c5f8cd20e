//! YAML beside RainerScript: files that include each other, and texts of any kind.

use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::proptest;
use proptest::sample::select;
use tempfile::TempDir;

use crate::config;
use crate::config::Config;
use crate::config::ast::Block;
use crate::config::ast::StmtKind;
use crate::config::parse_text;
use crate::engine::fuzz_yaml;

/// A folder of files, by name and text; `DIR` in a text is the folder.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    let dir = folder.path().to_str().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text.replace("DIR", dir)).unwrap();
    }
    folder
}

/// `file:line:column: severity: message` of each complaint, without the folder.
fn complaints(config: &Config, folder: &Path) -> Vec<String> {
    let say = |d: &crate::base::diag::Diagnostic| {
        let (line, column) = config.sources.position(d.loc);
        let file = &config.sources.file(d.loc.file).unwrap().name;
        format!("{file}:{line}:{column}: {}: {}", d.severity, d.message)
            .replace(&format!("{}/", folder.display()), "")
    };
    config.diagnostics.all.iter().map(say).collect()
}

/// Names of the objects of a block, in order.
fn names(block: &Block) -> Vec<String> {
    let name = |kind: &StmtKind| match kind {
        StmtKind::Object(object) => {
            ["load", "name", "file", "type"].iter().find_map(|key| Some(object.text(key)?.0))
        }
        _ => None,
    };
    block.iter().map(|statement| name(&statement.kind).unwrap_or_default()).collect()
}

#[track_caller]
fn reads(files: &[(&str, &str)], expected: &[&str], said: &[&str]) {
    let folder = folder(files);
    let config = config::load(&folder.path().join(files[0].0)).unwrap();
    assert_eq!(names(&config.statements), expected);
    assert_eq!(complaints(&config, folder.path()), said);
}

#[test]
fn formats_include_each_other() {
    let files = [
        ("a.yaml", "modules: [{load: one}]\ninclude: [{path: DIR/b.conf}]\n"),
        ("b.conf", "module(load=\"two\")\n$IncludeConfig DIR/c.yml\ninclude(file=\"DIR/x*\")\n"),
        ("c.yml", "modules: [{load: three}]\n"),
        ("x1.yaml", "modules: [{load: four}]\n"),
        ("x2.conf", "module(load=\"five\")\n"),
    ];
    reads(&files, &["one", "two", "three", "four", "five"], &[]);
}

#[test]
fn yaml_files_of_a_list_come_first() {
    let files = [
        (
            "a.yaml",
            "include:\n  - path: DIR/b.conf\n  - path: DIR/c.yaml\n  - path: DIR/d*.conf\n\
             \x20 - path: DIR/none.yaml\n    optional: YES\nmodules: [{load: last}]\n",
        ),
        ("b.conf", "module(load=\"b\")\n"),
        ("c.yaml", "modules: [{load: c}]\n"),
        ("d1.conf", "module(load=\"d\")\n"),
    ];
    let folder = folder(&files);
    let config = config::load(&folder.path().join("a.yaml")).unwrap();
    assert_eq!(names(&config.statements), ["c", "b", "d", "last"]);
    let said = complaints(&config, folder.path());
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].starts_with("a.yaml:3:11: warning: 'c.yaml' is read before"), "{said:?}");
    assert!(said[1].starts_with("a.yaml:5:11: warning:"), "{said:?}");
}

#[test]
fn loops_are_refused_across_formats() {
    let files = [
        ("a.yaml", "modules: [{load: a}]\ninclude: [{path: DIR/b.conf}]\n"),
        ("b.conf", "module(load=\"b\")\ninclude(file=\"DIR/a.yaml\")\n"),
    ];
    reads(&files, &["a", "b"], &["b.conf:2:14: error: 'a.yaml' is being read already"]);
}

#[test]
fn places_are_those_of_the_included_file() {
    let files = [
        ("a.conf", "ruleset(name=\"r\") {\n  include(file=\"DIR/b.yaml\")\n  stop\n}\n"),
        ("b.yaml", "modules:\n  - laod: b\ntemplates: [{name: t}]\n"),
    ];
    let warning = "what a YAML file declares belongs to the top level, not to this block";
    reads(
        &files,
        &["t", "r"],
        &[
            &format!("a.conf:2:16: warning: {warning}"),
            "b.yaml:2:5: error: this item of 'modules' has no 'load'",
        ],
    );
}

#[test]
fn statements_of_the_default_ruleset_stay_there() {
    let files = [
        ("a.conf", "$RuleSet r\n*.* /r\n$IncludeConfig DIR/b.yaml\n*.* /s\n"),
        (
            "b.yaml",
            "rulesets: [{name: RSYSLOG_DefaultRuleset, actions: [{type: omfile, file: /d}]}]",
        ),
    ];
    reads(&files, &["r", "/d"], &[]);
}

#[test]
fn the_name_decides() {
    assert!(parse_text("x.conf", b"modules: [{load: x}]").diagnostics.has_errors());
    assert!(!parse_text("x.yml", b"modules: [{load: x}]").diagnostics.has_errors());
    assert!(parse_text("x.YAML", b"modules: [{load: x}]").diagnostics.has_errors());
}

#[test]
fn long_chains_of_else_are_read_and_longer_ones_refused() {
    let chain = |length: usize| {
        let mut text = "rulesets:\n - name: r\n   statements:\n".to_owned();
        for at in 0..length {
            let indent = " ".repeat(4 + 2 * at);
            text.push_str(&format!(
                "{indent}- if: $msg == 'x'\n{indent}  then: [{{stop: true}}]\n"
            ));
            text.push_str(&format!("{indent}  else:\n"));
        }
        text.push_str(&format!("{}- stop: true\n", " ".repeat(4 + 2 * length)));
        parse_text("x.yaml", text.as_bytes()).diagnostics.all
    };
    assert_eq!(chain(500), []);
    let said = chain(502);
    assert_eq!(said.len(), 1);
    assert!(said[0].message.starts_with("more than 500"), "{said:?}");
}

#[test]
fn a_complaint_shows_what_was_meant() {
    // Wide characters, escapes and folding before the place.
    let text =
        "rulesets:\n  - name: \"\\uD55C\"\n    script: \"# 한글\\n\n      stop\\tstop\\n)\"\n";
    let config = parse_text("x.yaml", text.as_bytes());
    let said = complaints(&config, Path::new("/"));
    assert_eq!(said, ["x.yaml:4:19: error: ')' closes nothing"]);
}

#[test]
fn a_mistake_at_the_end_has_a_place_in_the_file() {
    for text in ["a: 1\nb", "a: 1\nb\n", "[", "\"", "a: *", "a: \"\\", "%", "\u{feff}"] {
        fuzz_yaml(text.as_bytes());
        assert!(parse_text("x.yaml", text.as_bytes()).diagnostics.has_errors(), "{text:?}");
    }
}

/// Pieces that, put together at random, get deep into the reader.
const PIECES: [&str; 56] = [
    "modules:",
    "inputs:",
    "templates:",
    "rulesets:",
    "global:",
    "mainqueue:",
    "include:",
    "version: 2\n",
    "\n",
    "\n  ",
    "\n    ",
    "\n      ",
    "\n        ",
    "- ",
    "load: x",
    "type: omfile",
    "name: RSYSLOG_DefaultRuleset",
    "name: r",
    "file: /x",
    "statements:",
    "script: |\n",
    "script: >-\n",
    "filter: ",
    "actions:",
    "if: ",
    "then:",
    "else:",
    "action:",
    "stop: true",
    "call: ",
    "set: ",
    "{var: $.x, expr: ",
    "foreach: ",
    "{var: $.i, in: $!x, do: ",
    "unset: $.x",
    "path: /x.yaml",
    "elements:",
    "property: ",
    "{",
    "}",
    "[",
    "]",
    ", ",
    ": ",
    "\"",
    "'",
    "\\n",
    "\\x41",
    "#",
    " # c",
    "&a ",
    "*a",
    "!t ",
    "---\n",
    "$msg contains 'x'",
    "한\u{a0}",
];

proptest! {
    #[test]
    fn bytes(data in vec(any::<u8>(), 0..400)) {
        fuzz_yaml(&data);
    }

    #[test]
    fn pieces(pieces in vec(select(&PIECES[..]), 0..60)) {
        fuzz_yaml(pieces.concat().as_bytes());
    }

    #[test]
    fn damaged(pick in any::<usize>(), at in any::<usize>(), byte in any::<u8>(), cut: bool) {
        let paths = ["twins", "broken"].iter().flat_map(|folder| {
            fs::read_dir(format!("tests/data/config/yaml/{folder}")).unwrap()
        });
        let mut paths: Vec<_> = paths.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let mut text = fs::read(&paths[pick % paths.len()]).unwrap();
        fuzz_yaml(&text);
        if !text.is_empty() {
            let at = at % text.len();
            text[at] = byte;
            if cut {
                text.truncate(at);
            }
            fuzz_yaml(&text);
        }
    }
}
