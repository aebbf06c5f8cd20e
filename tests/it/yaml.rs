//! YAML configurations: those of `tests/data/config/yaml/twins` are the same as what stands beside
//! them in RainerScript, and what is said about those of `broken` stands beside them.
//! `BONGSU_RECORD=1` writes the latter anew.

use std::env;
use std::fmt::Debug;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use bongsu::base::diag::Severity;
use bongsu::base::report;
use bongsu::config;
use bongsu::config::Config;
use bongsu::engine;
use bongsu::engine::Options;
use regex::Regex;

const DATA: &str = "tests/data/config/yaml";

/// The files of a folder of the data that end in `suffix`.
fn files(folder: &str, suffix: &str) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(Path::new(DATA).join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().unwrap().ends_with(suffix))
        .collect();
    paths.sort();
    paths
}

/// How a tree or plan looks without the places of its text.
fn without_places(thing: &impl Debug) -> String {
    let place = Regex::new(r"Loc \{\s*file: \d+,\s*start: \d+,\s*end: \d+,?\s*\}").unwrap();
    place.replace_all(&format!("{thing:#?}"), "Loc").into_owned()
}

/// What is compared of a plan: all of it, and what was said.
fn compiled(config: &mut Config) -> (String, Vec<(Severity, String)>) {
    let said = |config: &Config| {
        config.diagnostics.all.iter().map(|d| (d.severity, d.message.clone())).collect()
    };
    let options = Options { hostname: "here".into(), no_dns: true, ipv4: true, ipv6: false };
    let plan = engine::compile(config, &options);
    (without_places(&plan), said(config))
}

#[test]
fn twins_are_the_same() {
    let paths = files("twins", ".yaml");
    assert!(paths.len() >= 30, "{} pairs", paths.len());
    for path in paths {
        let mut yaml = config::load(&path).unwrap();
        let mut conf = config::load(&path.with_extension("conf")).unwrap();
        let warned = path.ends_with("duplicate.yaml");
        let said = report::render(&yaml.diagnostics, &yaml.sources, false);
        let serious = |severity| yaml.diagnostics.all.iter().any(|d| d.severity == severity);
        assert_eq!(serious(Severity::Warning), warned, "{said}");
        assert!(!serious(Severity::Error), "{said}");
        assert!(!yaml.statements.is_empty());
        yaml.diagnostics.all.clear();
        assert_eq!(conf.diagnostics.all, [], "{}", path.display());
        let (one, two) = (without_places(&yaml.statements), without_places(&conf.statements));
        assert_eq!(one, two, "{}", path.display());
        assert_eq!(compiled(&mut yaml), compiled(&mut conf), "{}", path.display());
    }
}

#[test]
fn mistakes_are_said_with_their_places() {
    let record = env::var_os("BONGSU_RECORD").is_some();
    let paths = files("broken", ".yaml");
    assert!(paths.len() >= 40, "{} files", paths.len());
    let mut wrong = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap().to_str().unwrap();
        let config = config::parse_text(name, &fs::read(&path).unwrap());
        let said = report::render(&config.diagnostics, &config.sources, false);
        let golden = path.with_extension("txt");
        if record {
            fs::write(&golden, &said).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        if said != expected || said.is_empty() {
            wrong.push(format!("{name} says\n{said}\nand should say\n{expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the tables of parameters find is found at its place in the YAML file, too.
#[test]
fn parameters_are_checked_in_place() {
    let text = "modules: [{load: imtcp}]\n\
                inputs:\n  - type: imtcp\n    port: 514\n    maxSesions: 5\n\
                rulesets:\n  - name: main\n    actions:\n      - {type: omfile, fiel: /x}\n";
    let mut config = config::parse_text("a.yaml", text.as_bytes());
    compiled(&mut config);
    let said: Vec<_> = config
        .diagnostics
        .all
        .iter()
        .filter(|d| d.message.contains("maxSesions") || d.message.contains("fiel"))
        .map(|d| config.sources.position(d.loc))
        .collect();
    assert_eq!(said, [(9, 24), (5, 5)]);
}

#[test]
fn the_manual_tells_the_truth() {
    let manual = fs::read_to_string("docs/yaml.md").unwrap();
    let block = |fence: &str| {
        let (_, rest) = manual.split_once(fence).unwrap();
        rest.split_once("\n```").unwrap().0.to_owned()
    };
    let yaml = config::parse_text("manual.yaml", block("```yaml\n").as_bytes());
    let conf = config::parse_text("manual.conf", block("is\n\n```\n").as_bytes());
    assert_eq!(yaml.diagnostics.all, []);
    assert_eq!(conf.diagnostics.all, []);
    assert_eq!(without_places(&yaml.statements), without_places(&conf.statements));
}
