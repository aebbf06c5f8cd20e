//! The parameter tables against what rsyslogd 8.2302 knows: `tests/data/config/params` has, for
//! each module of Debian's package, its parameters by level, with their types.
//!
//! `BONGSU_PARAMS=live` asks rsyslogd itself, about these and about all that our tables have.

use std::collections::BTreeSet;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use bongsu::config::module::Module;
use bongsu::config::module::Role;
use bongsu::config::param::Kind;
use bongsu::config::param::Need;
use bongsu::config::param::Origin;
use bongsu::config::param::Spec;
use bongsu::engine::registry;
use tempfile::TempDir;

use crate::support::source;

/// A test that lost its data would be green too.
const MODULES_MIN: usize = 35;

/// `input port text required`
struct Known {
    level: String,
    name: String,
    kind: String,
    required: bool,
    deprecated: bool,
}

/// Each module of Debian's package, with what rsyslogd knows of it.
fn recorded() -> Vec<(&'static Module, Vec<Known>)> {
    let files = source::files("tests/data/config/params", ".txt");
    let modules = files.iter().filter(|file| !file.ends_with("values.txt"));
    let read = |file: &std::path::PathBuf| {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let module = registry::module(name).unwrap_or_else(|| panic!("no module {name}"));
        let text = fs::read_to_string(file).unwrap();
        let known = text.lines().filter(|line| !line.starts_with('#')).map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            Known {
                level: words[0].to_owned(),
                name: words[1].to_owned(),
                kind: words[2].to_owned(),
                required: words.contains(&"required"),
                deprecated: words.contains(&"deprecated"),
            }
        });
        (module, known.collect())
    };
    let all: Vec<_> = modules.map(read).collect();
    assert!(all.len() >= MODULES_MIN, "only {} modules", all.len());
    all
}

/// The rows of a level (`module` or what its objects are called).
fn rows<'a>(module: &'a Module, level: &str) -> impl Iterator<Item = &'a Spec> {
    let tables = if level == "module" { module.module } else { module.instance };
    tables.iter().flat_map(|table| table.iter())
}

/// What an object of the module is called.
fn instance(module: &Module) -> &'static str {
    match module.role {
        Role::Input => "input",
        Role::Parser => "parser",
        _ => "action",
    }
}

fn answers(spec: &Spec, name: &str) -> bool {
    let mut names = spec.aliases.iter().chain([&spec.name]);
    names.any(|known| known.eq_ignore_ascii_case(name))
}

/// Whether `ours` is a way to say rsyslogd's type.
fn fits(kind: &str, ours: Kind) -> bool {
    let word = matches!(ours, Kind::Word(_) | Kind::Exact(_) | Kind::Likely(_));
    match kind {
        "binary" => ours == Kind::Bool,
        "integer" => matches!(ours, Kind::Int | Kind::Duration(_) | Kind::Id),
        "nonnegative" => ours == Kind::NonNegative,
        "positive" => ours == Kind::Positive,
        "size" => ours == Kind::Size,
        "mode" => ours == Kind::Mode,
        "character" => ours == Kind::Char,
        "word" => word || ours == Kind::Token,
        "text" => word || matches!(ours, Kind::Str | Kind::Ruleset | Kind::Facility),
        "array" => ours == Kind::Array,
        "severity" => ours == Kind::Severity,
        "facility" => ours == Kind::Facility,
        "user" => ours == Kind::User,
        "group" => ours == Kind::Group,
        other => panic!("type {other}"),
    }
}

#[test]
fn what_rsyslogd_knows_is_in_the_tables() {
    let mut wrong = String::new();
    for (module, known) in recorded() {
        for known in known {
            let Known { level, name, kind, .. } = &known;
            let place = format!("{}: {level} {name}", module.name);
            let Some(row) = rows(module, level).find(|row| answers(row, name)) else {
                writeln!(wrong, "{place} is missing").unwrap();
                continue;
            };
            let required = row.need != Need::Optional;
            // As rsyslogd has a word for all kinds of rulesets.
            let ruleset = row.kind == Kind::Ruleset && kind == "word";
            if !fits(kind, row.kind) && !ruleset {
                writeln!(wrong, "{place} is {kind}, and not {:?}", row.kind).unwrap();
            }
            if required != known.required || row.deprecated != known.deprecated {
                writeln!(wrong, "{place}: required, deprecated?").unwrap();
            }
            if row.origin != Origin::Rsyslog {
                writeln!(wrong, "{place} is not newer").unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn what_rsyslogd_does_not_know_is_marked() {
    match env::var("BONGSU_PARAMS").as_deref() {
        Err(_) | Ok("") => {}
        Ok("live") => rsyslogd_says_the_same(),
        Ok(other) => panic!("BONGSU_PARAMS={other}: live, or unset"),
    }
    let mut wrong = String::new();
    for (module, known) in recorded() {
        for level in ["module", instance(module)] {
            for row in rows(module, level).filter(|row| row.origin == Origin::Rsyslog) {
                let mut known = known.iter().filter(|known| known.level == level);
                let names = row.aliases.iter().chain([&row.name]);
                let all: Vec<_> = names.map(|name| name.to_lowercase()).collect();
                let found = known.by_ref().filter(|known| all.contains(&known.name)).count();
                if found != all.len() {
                    writeln!(wrong, "{}: {level} {} is not known", module.name, row.name).unwrap();
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Every table: names once, a sentence, defaults that are well-formed.
#[test]
fn rows_are_whole() {
    for module in registry::modules() {
        for level in ["module", instance(module)] {
            let mut names = BTreeSet::new();
            for row in rows(module, level) {
                let place = format!("{}: {level} {}", module.name, row.name);
                for name in row.aliases.iter().chain([&row.name]) {
                    assert!(names.insert(name.to_lowercase()), "{place} is there twice");
                }
                assert!(row.doc.ends_with('.') && row.doc.len() > 8, "{place}: {}", row.doc);
                if !row.kind.words().is_empty() && !row.default.is_empty() {
                    assert!(row.kind.words().contains(&row.default), "{place}: {}", row.default);
                }
            }
        }
    }
}

/// A value of the kind that no module complains of so loudly that it reads no further.
fn plausible(row: &Spec) -> &'static str {
    match (row.name, row.kind) {
        ("container" | "jsonRoot" | "path", _) => "$!x",
        (_, Kind::Bool) => "on",
        (_, Kind::Mode) => "0644",
        (_, Kind::User | Kind::Group) => "root",
        (_, Kind::Severity) => "info",
        (_, Kind::Facility) => "mail",
        (_, Kind::Size) => "9000",
        (_, Kind::Char) => "x",
        (_, Kind::Word(words) | Kind::Exact(words) | Kind::Likely(words)) => words[0],
        (_, Kind::Str | Kind::Token | Kind::Array | Kind::Template | Kind::Ruleset) => "x",
        _ => "1",
    }
}

/// What of our rows rsyslogd knows in this object, by all their names.
fn asked(module: &Module, level: &str, dir: &TempDir) -> BTreeSet<String> {
    let mut object = String::new();
    let mut names = BTreeSet::new();
    for row in rows(module, level) {
        for name in row.aliases.iter().chain([&row.name]) {
            write!(object, " {name}=\"{}\"", plausible(row)).unwrap();
            names.insert(name.to_lowercase());
        }
    }
    let name = module.name;
    let load = if name == "pmrfc3164" { "" } else { &format!("module(load=\"{name}\")\n") };
    let object = match level {
        "module" => format!("module(load=\"{name}\"{object} nosuch=\"x\")"),
        "parser" => format!("{load}parser(type=\"{name}\" name=\"p\"{object} nosuch=\"x\")"),
        _ => format!("{load}{level}(type=\"{name}\"{object} nosuch=\"x\")"),
    };
    let config = dir.path().join("rsyslog.conf");
    let text = format!("global(workDirectory=\"/tmp\")\n{object}\n*.* /dev/null\n");
    fs::write(&config, text).unwrap();
    let output = Command::new("rsyslogd").arg("-N1").arg("-f").arg(&config).output();
    let said = String::from_utf8(output.expect("rsyslogd").stderr).unwrap().to_lowercase();
    let unknown: BTreeSet<_> = said
        .lines()
        .filter_map(|line| line.split_once("parameter '")?.1.split_once("' not known"))
        .map(|(name, _)| name.to_owned())
        .collect();
    assert!(unknown.contains("nosuch"), "{name} {level}: {said}");
    names.difference(&unknown).cloned().collect()
}

/// rsyslogd itself knows what was recorded, and of our rows nothing else.
fn rsyslogd_says_the_same() {
    let dir = TempDir::new().unwrap();
    for (module, known) in recorded() {
        let has_objects = matches!(module.role, Role::Input | Role::Parser | Role::Modifier);
        let levels = ["module", instance(module)];
        for level in levels.into_iter().take(if has_objects { 2 } else { 1 }) {
            let golden: BTreeSet<_> =
                known.iter().filter(|k| k.level == level).map(|k| k.name.clone()).collect();
            let unloadable = module.name == "pmrfc3164" && level == "module";
            let without = module.instance.is_empty() && level != "module";
            if unloadable || without {
                assert!(golden.is_empty(), "{} {level}", module.name);
                continue;
            }
            assert_eq!(asked(module, level, &dir), golden, "{} {level}", module.name);
        }
    }
}
