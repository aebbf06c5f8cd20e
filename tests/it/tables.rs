//! Names that rsyslogd 8.2302 takes, as it told by complaining of all others (`tests/data/config`):
//! our tables have to know them. With `BONGSU_ORACLE=record` rsyslogd is asked anew.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use bongsu::base::diag::Diagnostic;
use bongsu::base::diag::Severity;
use bongsu::config::parse_text;
use bongsu::engine;
use bongsu::engine::registry;

use crate::support::source;

const DIRECTIVES: &str = "tests/data/config/directives.tsv";
const STATUSES: &str = "tests/data/config/status-out.tsv";
const PARAMETERS: &str = "tests/data/config/params-out";

/// An object with what it cannot do without, up to where a further parameter may stand, and what
/// closes it. `@TABLE@` is a lookup table, `@LOG@` a file to write to.
const OBJECTS: &[(&str, &str, &str)] = &[
    ("module-omfile", "module(load=\"builtin:omfile\" ", ")"),
    ("module-omfwd", "module(load=\"builtin:omfwd\" ", ")"),
    ("module-ompipe", "module(load=\"builtin:ompipe\" ", ")"),
    ("module-omprog", "module(load=\"omprog\" ", ")"),
    ("module-omrelp", "module(load=\"omrelp\" ", ")"),
    ("module-omjournal", "module(load=\"omjournal\" ", ")"),
    ("module-omuxsock", "module(load=\"omuxsock\" ", ")"),
    ("omfile", "action(type=\"omfile\" file=\"@LOG@\" ", ")"),
    ("omfwd", "action(type=\"omfwd\" target=\"127.0.0.1\" ", ")"),
    ("ompipe", "action(type=\"ompipe\" pipe=\"@LOG@\" ", ")"),
    ("omusrmsg", "action(type=\"omusrmsg\" users=\"nobody\" ", ")"),
    ("omprog", "module(load=\"omprog\")\naction(type=\"omprog\" binary=\"/bin/cat\" ", ")"),
    ("omrelp", "module(load=\"omrelp\")\naction(type=\"omrelp\" target=\"127.0.0.1\" ", ")"),
    ("omjournal", "module(load=\"omjournal\")\naction(type=\"omjournal\" ", ")"),
    (
        "ommail",
        "module(load=\"ommail\")\naction(type=\"ommail\" server=\"127.0.0.1\" port=\"25\" \
         mailfrom=\"a@b\" mailto=\"a@b\" ",
        ")",
    ),
    ("global", "global(", ")"),
    ("main_queue", "main_queue(", ")"),
    ("ruleset", "ruleset(name=\"r\" ", ") { stop }"),
    ("template", "template(name=\"t\" type=\"string\" string=\"x\" ", ")"),
    ("property", "template(name=\"t\" type=\"list\") { property(name=\"msg\" ", ") }"),
    ("constant", "template(name=\"t\" type=\"list\") { constant(value=\"x\" ", ") }"),
    ("lookup_table", "lookup_table(name=\"t\" file=\"@TABLE@\" ", ")"),
    ("dyn_stats", "dyn_stats(name=\"s\" ", ")"),
    ("percentile_stats", "percentile_stats(name=\"s\" ", ")"),
    ("timezone", "timezone(id=\"X\" offset=\"+01:00\" ", ")"),
];

fn recording() -> bool {
    env::var("BONGSU_ORACLE").as_deref() == Ok("record")
}

/// What rsyslogd says of a configuration.
fn rsyslogd(text: &str, folder: &Path) -> String {
    fs::write(folder.join("c.conf"), text).unwrap();
    let output = Command::new("rsyslogd")
        .args(["-N1", "-f", "c.conf"])
        .current_dir(folder)
        .output()
        .expect("BONGSU_ORACLE asks for rsyslogd and it is not installed");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What we say.
fn ours(text: &str) -> Vec<Diagnostic> {
    let mut config = parse_text("test", text.as_bytes());
    let options =
        engine::Options { hostname: "host".to_owned(), no_dns: true, ipv4: true, ipv6: true };
    engine::compile(&mut config, &options);
    config.diagnostics.all
}

#[test]
fn directives_are_known_as_to_rsyslogd() {
    let path = source::root().join(DIRECTIVES);
    let text = fs::read_to_string(&path).unwrap();
    let mut rows: Vec<Vec<String>> =
        text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect();
    if recording() {
        let folder = tempfile::tempdir().unwrap();
        for row in &mut rows {
            let said = rsyslogd(&directive(row), folder.path());
            let unknown = format!("yet-unknown config file command '{}'", row[0]);
            row[2] = if said.contains(&unknown) { "unknown" } else { "known" }.to_owned();
        }
        let lines: Vec<String> = rows.iter().map(|row| row.join("\t") + "\n").collect();
        fs::write(&path, lines.concat()).unwrap();
    }
    assert!(rows.len() > 300, "only {} directives", rows.len());
    let mut wrong = Vec::new();
    for row in &rows {
        let diagnostics = parse_text("test", directive(row).as_bytes()).diagnostics.all;
        let unknown = format!("unknown directive '${}'", row[0]);
        let is_unknown = diagnostics.iter().any(|d| d.message == unknown);
        let refused = format!("${} is not supported", row[0]);
        let is_refused = diagnostics.iter().any(|d| d.message == refused);
        let agrees = match row[2].as_str() {
            "known" => !is_unknown && !is_refused,
            // Of a module that rsyslogd did not find, or that nobody has.
            _ => diagnostics.iter().any(|d| d.severity == Severity::Error),
        };
        if !agrees {
            wrong.push(format!("{}: {}, but {diagnostics:?}", row[0], row[2]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A directive with a value, behind the module that it belongs to.
fn directive(row: &[String]) -> String {
    let load = if row[1] == "-" { String::new() } else { format!("$ModLoad {}\n", row[1]) };
    format!("{load}${} 1\n", row[0])
}

#[test]
fn every_parameter_that_rsyslogd_takes_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("table.json");
    fs::write(&table, "{\"version\": 1, \"table\": []}").unwrap();
    let [file, log] = [table, folder.path().join("log")].map(|path| path.display().to_string());
    let golden = source::root().join(PARAMETERS);
    let read = |name: &str| fs::read_to_string(golden.join(name)).unwrap_or_default();
    let mut candidates: BTreeSet<String> = BTreeSet::new();
    if recording() {
        candidates.extend(
            OBJECTS
                .iter()
                .flat_map(|(name, ..)| read(name).lines().map(str::to_owned).collect::<Vec<_>>()),
        );
        let tables = registry::modules().flat_map(|m| m.module.iter().chain(m.instance));
        candidates.extend(tables.copied().flatten().map(|spec| spec.name.to_lowercase()));
    }
    let mut wrong = Vec::new();
    for (name, open, close) in OBJECTS {
        let open = open.replace("@TABLE@", &file).replace("@LOG@", &log);
        if recording() {
            let accepted = candidates.iter().filter(|candidate| {
                let own = open.rsplit('(').next().unwrap();
                let inside = own.contains(&format!("{candidate}="));
                let unknown = format!("parameter '{candidate}' not known");
                // The main queue is looked at only where something is to be done.
                let text = format!("{open}{candidate}=\"1\"{close}\n*.* {log}\n");
                inside || !rsyslogd(&text, folder.path()).contains(&unknown)
            });
            let lines: Vec<String> = accepted.map(|name| format!("{name}\n")).collect();
            fs::write(golden.join(name), lines.concat()).unwrap();
        }
        let names = read(name);
        assert!(*name == "module-omjournal" || !names.is_empty(), "nothing recorded for {name}");
        wrong.extend(
            names
                .lines()
                .filter(|given| !knows(name, given, &open, close))
                .map(|given| format!("{name}: '{given}' is not known")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether the object called `name` takes the parameter `given` here. Modules that nobody checks,
/// since they are absent, are asked for their tables.
fn knows(name: &str, given: &str, open: &str, close: &str) -> bool {
    let unknown = format!("parameter '{given}' not known");
    let checked = ours(&format!("{open}{given}=\"1\"{close}\n"));
    if !checked.iter().any(|d| d.message.starts_with("there is no module")) {
        return checked.iter().all(|d| d.message != unknown);
    }
    let tables = registry::module(name).unwrap().instance.iter();
    let common = [bongsu::output::common::PARAMS, bongsu::queue::params::PARAMS];
    tables.chain(&common).copied().flatten().any(|spec| {
        let mut names = spec.aliases.iter().chain([&spec.name]);
        names.any(|known| known.eq_ignore_ascii_case(given))
    })
}

/// Where `-N1` says something else than rsyslogd's, on purpose.
const DEPARTURES: &[(&str, &str)] = &[
    (
        "action(type=\"omfwd\" target=\"127.0.0.1\" maxErrorMessages=\"1\")",
        "rsyslogd knows it and then complains that nobody reads it",
    ),
    ("action(type=\"omfwd\" target=[\"127.0.0.1\",\"127.0.0.2\"])", "later versions take it"),
    (
        "global(defaultRuleset=\"x\")\\n*.* @LOG@",
        "an object form for $DefaultRuleset, which has none",
    ),
];

#[test]
fn the_verdict_is_rsyslogds() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("table.json");
    fs::write(&table, "{\"version\": 1, \"table\": []}").unwrap();
    let [table, log] = [table, folder.path().join("log")].map(|path| path.display().to_string());
    let config = |text: &str| {
        text.replace("\\n", "\n").replace("@TABLE@", &table).replace("@LOG@", &log) + "\n"
    };
    let path = source::root().join(STATUSES);
    let text = fs::read_to_string(&path).unwrap();
    let mut rows: Vec<(String, String)> = text
        .lines()
        .map(|line| line.split_once('\t').unwrap())
        .map(|(status, text)| (status.to_owned(), text.to_owned()))
        .collect();
    if recording() {
        for (status, text) in &mut rows {
            fs::write(folder.path().join("c.conf"), config(text)).unwrap();
            let mut program = Command::new("rsyslogd");
            program.args(["-N1", "-f", "c.conf"]).current_dir(folder.path());
            *status = program.output().unwrap().status.code().unwrap().to_string();
        }
        let lines: Vec<String> = rows.iter().map(|(s, text)| format!("{s}\t{text}\n")).collect();
        fs::write(&path, lines.concat()).unwrap();
    }
    assert!(rows.len() > 150, "only {} configurations", rows.len());
    let mut wrong = Vec::new();
    for (status, text) in &rows {
        let diagnostics = ours(&config(text));
        let is_error = diagnostics.iter().any(|d| d.severity == Severity::Error);
        let departs = DEPARTURES.iter().any(|(known, _)| known == text);
        if ((status != "0") == is_error) == departs {
            let said: Vec<_> = diagnostics.iter().map(|d| &d.message).collect();
            wrong.push(format!("{status}: {text}\n    {said:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
