//! `bongsu convert` and `-o`: what is written reads as what it was written from.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use bongsu::base::diag::Diagnostics;
use bongsu::config;
use bongsu::config::Config;
use bongsu::config::ast::Block;
use bongsu::config::print;
use bongsu::config::print::without_places;
use bongsu::engine;
use regex::Regex;

use crate::support::source;

/// Configurations from the field, and ours.
const FOLDERS: [&str; 3] = ["tests/data/config/realconf", "tests/data/config/plura", "configs"];

type Printer = fn(&Block) -> Result<Vec<u8>, Diagnostics>;

fn corpus() -> Vec<PathBuf> {
    let files: Vec<_> = FOLDERS.iter().flat_map(|folder| source::files(folder, ".conf")).collect();
    assert!(files.len() >= 80, "the configurations were not found");
    files
}

fn load(path: &Path) -> Config {
    config::load(path).unwrap()
}

/// What a configuration compiles to, and what is said about it, without places.
fn compiled(mut config: Config) -> (String, Vec<String>) {
    let options = engine::Options {
        hostname: "host.example".to_owned(),
        no_dns: false,
        ipv4: false,
        ipv6: false,
    };
    let read = config.diagnostics.all.len();
    let plan = engine::compile(&mut config, &options);
    let place = Regex::new(r"Loc \{[^}]*\}").unwrap();
    let plan = place.replace_all(&format!("{plan:#?}"), "Loc").into_owned();
    // A plan holds hash maps, whose order is another each time.
    let mut lines: Vec<&str> = plan.lines().collect();
    lines.sort_unstable();
    let plan = lines.join("\n");
    let mut said: Vec<String> = config.diagnostics.all[read..]
        .iter()
        .map(|d| format!("{}: {} {:?}", d.severity, d.message, d.help))
        // It is said only where nothing else is wrong.
        .filter(|said| !said.contains("no active actions"))
        .collect();
    said.sort();
    // Where several global() say the same, YAML has one.
    said.dedup();
    (plan, said)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Fails with the first line that is another.
fn alike(name: &str, (plan, said): &(String, Vec<String>), expected: &(String, Vec<String>)) {
    assert_eq!(said.join("\n"), expected.1.join("\n"), "{name}");
    for (line, wanted) in plan.lines().zip(expected.0.lines()) {
        assert_eq!(line, wanted, "{name}");
    }
    assert_eq!(plan.len(), expected.0.len(), "{name}");
}

/// Both forms of `config` compile to what it compiles to, and are converted to themselves.
fn round_trips(name: &str, config: Config) {
    let rainerscript = print::rainerscript(&config.statements)
        .unwrap_or_else(|diags| panic!("{name}: {:?}", diags.all));
    let yaml =
        print::yaml(&config.statements).unwrap_or_else(|diags| panic!("{name}: {:?}", diags.all));
    let as_script = config::parse_text("a.conf", &rainerscript);
    let as_yaml = config::parse_text("a.yaml", &yaml);

    let mut ignored = Diagnostics::default();
    let modern = print::modern(config.statements.clone(), &mut ignored);
    let again = print::modern(as_script.statements.clone(), &mut ignored);
    assert_eq!(without_places(again), without_places(modern), "{name}");

    let printed = |statements: &Block, form: Printer| text(&form(statements).unwrap());
    let (script, tree) = (&as_script.statements, &as_yaml.statements);
    assert_eq!(printed(script, print::rainerscript), text(&rainerscript), "{name}");
    assert_eq!(printed(script, print::yaml), text(&yaml), "{name}");
    assert_eq!(printed(tree, print::yaml), text(&yaml), "{name}");
    let back = print::rainerscript(tree).unwrap();
    let there = config::parse_text("b.conf", &back);
    assert_eq!(printed(&there.statements, print::rainerscript), text(&back), "{name}");
    assert_eq!(printed(&there.statements, print::yaml), text(&yaml), "{name}");

    let expected = compiled(config);
    alike(name, &compiled(as_script), &expected);
    alike(name, &compiled(as_yaml), &expected);
    alike(name, &compiled(there), &expected);
}

#[test]
fn there_and_back() {
    for path in corpus() {
        round_trips(&source::relative(&path), load(&path));
    }
    // Each of PLURA's folders is one configuration.
    for folder in ["ceelog", "docker/nginx", "plain", "rsyslog-origip-routing/conf"] {
        let path = source::root().join("tests/data/config/plura").join(folder);
        let whole = format!("$IncludeConfig {}/*.conf\n", path.display());
        let config = config::parse_text("whole.conf", whole.as_bytes());
        assert!(!config.statements.is_empty(), "{folder}");
        round_trips(folder, config);
    }
}
