//! Includes.

use std::fs;

use super::block;
use super::complaints;
use crate::config::load;

/// A folder with these files; the first is loaded.
fn loaded(files: &[(&str, &str)]) -> (String, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_str().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text.replace("ROOT", root)).unwrap();
    }
    let config = load(&folder.path().join(files[0].0)).unwrap();
    let said = complaints(&config).into_iter().map(|text| text.replace(root, "ROOT")).collect();
    (block(&config.statements), said)
}

#[test]
fn files_come_in_order_in_place() {
    let (statements, said) = loaded(&[
        ("main", "stop\n$IncludeConfig ROOT/d/*.conf\ncontinue\n"),
        ("d/20-b.conf", "call bb\n"),
        ("d/10-a.conf", "call aa"),
        ("d/.hidden.conf", "call hidden\n"),
        ("d/other", "call other\n"),
    ]);
    assert_eq!(statements, "stop call aa call bb continue");
    assert!(said.is_empty(), "{said:?}");
}

#[test]
fn a_directory_is_all_files_in_it() {
    let (statements, _) = loaded(&[
        ("main", "include(file=\"ROOT/d/\")\n"),
        ("d/b.txt", "call bb\n"),
        ("d/c/s.conf", "call ss\n"),
        ("d/z", "call zz\n"),
        ("d/.h", "call hh\n"),
    ]);
    assert_eq!(statements, "call bb call ss call zz");
}

#[test]
fn directories_that_lead_back_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("d");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("x.conf"), "call xx\n").unwrap();
    // Two of them would be read four billion times.
    for name in ["a", "b"] {
        std::os::unix::fs::symlink(".", directory.join(name)).unwrap();
    }
    let main = folder.path().join("main");
    fs::write(&main, format!("stop\ninclude(file=\"{}\")\n", directory.display())).unwrap();
    let config = load(&main).unwrap();
    assert_eq!(block(&config.statements), "stop");
    let said = &config.diagnostics.all[0].message;
    assert!(said.ends_with("/d/a' leads back to a directory above it"), "{said}");
}

#[test]
fn a_pipe_that_nobody_writes_to_is_no_include() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.conf");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let main = folder.path().join("main");
    fs::write(&main, format!("stop\ninclude(file=\"{}\")\n", pipe.display())).unwrap();
    let config = load(&main).unwrap();
    let said = &config.diagnostics.all[0].message;
    assert!(said.ends_with("is a named pipe: it is not read"), "{said}");
}

/// The order and the choice are rsyslogd's, as tried.
#[test]
fn patterns_choose_as_rsyslogd_does() {
    let files = [
        ("d/10", "call f10\n"),
        ("d/2", "call f2\n"),
        ("d/B", "call fB\n"),
        ("d/a", "call fa\n"),
        ("d/.h", "call hidden\n"),
        ("d/sub/x", "call sub\n"),
        ("d/sub/.y", "call no\n"),
    ];
    for (pattern, expected) in [
        ("*", "call f10 call f2 call fB call fa call sub"),
        ("[!a]", "call f2 call fB"),
        ("[^a]", "call f2 call fB"),
        (".*h", "call hidden"),
        ("*/", "call sub"),
        ("none*", ""),
    ] {
        let main = format!("include(file=\"ROOT/d/{pattern}\")\n");
        let mut all = vec![("main", main.as_str())];
        all.extend(files);
        let (statements, said) = loaded(&all);
        assert_eq!(statements, expected, "{pattern}");
        assert!(said.is_empty(), "{said:?}");
    }
}

/// For rsyslog a file is a part of the text that names it.
#[test]
fn an_ampersand_reaches_over_an_include() {
    let (statements, said) = loaded(&[
        (
            "main",
            "*.* stop\n$IncludeConfig ROOT/empty\n& call one\n$IncludeConfig ROOT/rule\n& call two\n",
        ),
        ("empty", "# nothing\n"),
        ("rule", "mail.* stop\n"),
    ]);
    assert_eq!(statements, "pri[*.*] {stop call one} pri[mail.*] {stop call two}");
    assert!(said.is_empty(), "{said:?}");
    let (_, said) = loaded(&[
        ("main", "if 1 then { stop }\n$IncludeConfig ROOT/empty\n& stop\n"),
        ("empty", ""),
    ]);
    assert_eq!(said, ["3:1: error: '&' has no action to chain to"]);
}

#[test]
fn includes_inside_of_blocks_stay_there() {
    let (statements, said) = loaded(&[
        (
            "main",
            "ruleset(name=\"r\") {\n include(file=\"ROOT/a\")\n include(text=\"call tt\")\n}\n",
        ),
        ("a", "$template T,\"x\"\n*.* /x;T\n"),
    ]);
    assert_eq!(
        statements,
        "Template(name=T type=string string=x) \
         Ruleset(name=r){pri[*.*] {Action(type=omfile file=/x template=T)} call tt}"
    );
    assert!(said.is_empty(), "{said:?}");
}

#[test]
fn missing_files_and_loops() {
    let (statements, said) = loaded(&[
        (
            "main",
            "include(file=\"ROOT/none\")\ninclude(file=\"ROOT/none\" mode=\"optional\")\n\
             $IncludeConfig ROOT/none/*.conf\ninclude(file=\"ROOT/a\")\ninclude()\n\
             include(file=\"x\" text=\"y\")\ninclude(fil=\"x\")\nstop\n",
        ),
        ("a", "\ninclude(file=\"ROOT/main\")\n"),
    ]);
    assert_eq!(statements, "stop");
    assert_eq!(
        said,
        [
            "1:14: error: cannot read 'ROOT/none': No such file or directory",
            "2:14: error: 'ROOT/main' is being read already",
            "5:1: error: include() needs 'file' or 'text'",
            "6:1: error: include() takes 'file' or 'text', not both",
            "7:9: error: parameter 'fil' not known",
        ]
    );
}

#[test]
fn text_that_includes_itself_ends() {
    let nested = "include(text=`cat ROOT/main`)";
    let (_, said) = loaded(&[("main", nested)]);
    assert_eq!(said, ["1:14: error: includes are nested deeper than 32"]);
}

#[test]
fn the_first_file_must_be_readable() {
    let folder = tempfile::tempdir().unwrap();
    assert!(load(&folder.path().join("none")).is_err());
    assert!(load(folder.path()).is_err());
}
