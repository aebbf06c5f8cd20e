//! `bongsu help`, the generated reference, and complaints for people and for programs.

use std::collections::BTreeSet;
use std::fs;
use std::process::Output;

use bongsu::config::directives;
use bongsu::config::manual;
use bongsu::engine::reference;
use regex::Regex;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::process::BONGSU;
use crate::support::process::command;
use crate::support::process::write_config;
use crate::support::source;

/// One mistake of each kind, and what is not built yet.
const BROKEN: &str = r#"module(load="imtcp" maxSessionz="3")
	input(type="imtcp" prot="514" ruleset="로그")
module(load="imfile") module(load="improg")
if $msg contain "봉수" then {
  action(type="omfile" file="/x" queue.size="10k" queue.type="LinkedList")
}
set $.a = 1;
*.* action(type="omfwd" target="h" port="514" protocol="tpc" action.copyMsg="maybe")
$ActionQueueTyp LinkedList
$ActionQueueSize many
$InputTCPServerRun 0 1
$Sleep 3
$template t,%msg%
local9.inof /var/log/x
:mgs, contains, "x" stop
:msg, contain, "x" stop
template(name="t" type="string" string="%mgs% %msg:1:2:foo%")
template(name="l" type="list") { property(name="msg" dateFormat="x") constant(valu="x") }
global(maxMessageSize="large" workDirectory="/x")
if re_match($msg, "(") then stop
if no_such_function($msg) then stop
if $msg == "a$b" then stop
if $msg == then stop
call nowhere
ruleset(nam="x") { stop }
include(file="/no/such/file")
include(fiel="/no/such/file")
lookup_table(name="t" fil="/x")
main_queue(queue.size="many")
!prog
{ stop }
)
"#;

fn run(args: &[&str]) -> (Output, String, String) {
    let dir = TempDir::new().unwrap();
    let output = command(BONGSU, dir.path()).args(args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    (output, stdout, stderr)
}

fn check(config: &str, flags: &[&str]) -> (Output, String, String) {
    let dir = TempDir::new().unwrap();
    let file = write_config(dir.path(), config);
    run(&[&["-N1", "-f", file.to_str().unwrap()], flags].concat())
}

fn answer(args: &[&str]) -> String {
    let (output, stdout, stderr) = run(&[&["help"], args].concat());
    assert!(output.status.success(), "{args:?}: {stderr}");
    assert_eq!(stderr, "", "{args:?}");
    stdout
}

#[test]
fn help_tells_of_everything_by_name() {
    let overview = answer(&[]);
    for word in ["\n  imtcp ", "\n  global ", "\n  queue ", "bongsu --help"] {
        assert!(overview.contains(word), "{word} is missing in {overview}");
    }
    let module = answer(&["IMTCP"]);
    for word in ["module(load=\"imtcp\" …)", "input(type=\"imtcp\" …)", "maxFrameSize", "200000"]
    {
        assert!(module.contains(word), "{word} is missing in {module}");
    }
    assert_eq!(answer(&["imptcp.port"]), answer(&["imptcp", "PORT"]));
    assert!(answer(&["imptcp.port"]).contains("modules/imptcp, port"));
    let directive = answer(&["$ActionQueueType"]);
    assert!(directive.contains("action(type=\"…\" queue.type=\"…\")"), "{directive}");
    assert!(answer(&["re_match"]).contains("re_match"));
    assert!(answer(&["functions"]).contains("re_match"));
    for object in ["action", "main_queue", "ruleset", "template", "property", "constant", "input"] {
        assert!(answer(&[object]).starts_with(&format!("{object}: ")), "{object}");
    }
}

#[test]
fn help_of_flags_and_subcommands_is_still_there() {
    let (output, stdout, _) = run(&["--help"]);
    assert!(output.status.success() && stdout.contains("Usage: bongsu"), "{stdout}");
    assert!(answer(&["bench"]).contains("Usage: bongsu bench"));
    assert!(answer(&["help"]).contains("--markdown"));
}

#[test]
fn help_guesses_what_was_meant() {
    let (output, stdout, stderr) = run(&["help", "imtpc"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stdout, "");
    assert!(stderr.contains("did you mean 'imtcp'?"), "{stderr}");
}

#[test]
fn help_as_json() {
    let read = |args: &[&str]| -> Value {
        serde_json::from_str(&answer(&[args, &["--json"]].concat())).unwrap()
    };
    let overview = read(&[]);
    let subjects = overview["subjects"].as_array().unwrap();
    assert!(subjects.iter().any(|subject| subject["name"] == "imtcp"));
    let module = read(&["imtcp"]);
    assert_eq!(module["availability"], "ready");
    let parameters = module["sections"][1]["parameters"].as_array().unwrap();
    let port = parameters.iter().find(|parameter| parameter["name"] == "port").unwrap();
    assert_eq!(port["support"], "full");
    let directive = read(&["$InputTCPServerRun"]);
    assert_eq!(directive["written"], "input(type=\"imtcp\" port=\"…\")");
    assert_eq!(directive["place"]["parameter"]["name"], "port");
    assert_eq!(read(&["imudp.port"])["places"][0]["term"], "modules/imudp: port");
}

#[test]
fn the_reference_is_up_to_date() {
    let file = source::root().join("docs/reference.md");
    let made = answer(&["--markdown"]);
    let there = fs::read_to_string(file).unwrap_or_default();
    let differs = made.lines().zip(there.lines()).find(|(made, there)| made != there);
    assert!(
        made == there,
        "docs/reference.md is not what the tables say; run\n\
         cargo run -- help --markdown > docs/reference.md\nFirst difference: {differs:#?}"
    );
}

#[test]
fn a_check_begins_and_ends_as_rsyslogds() {
    let (output, _, stderr) = check("*.* action(type=\"omfile\" file=\"/dev/null\")\n", &[]);
    assert!(output.status.success(), "{stderr}");
    let lines: Vec<_> = stderr.lines().collect();
    let [first, counts, last] = lines.as_slice() else { panic!("{stderr}") };
    let begin = Regex::new(
        r"^bongsu: version [\d.]+, config validation run \(level 1\), master config .*relay\.conf$",
    );
    assert!(begin.unwrap().is_match(first), "{first}");
    assert_eq!(*counts, "bongsu: 0 errors, 0 warnings");
    assert_eq!(*last, "bongsu: End of config validation run. Bye.");
    let (output, _, stderr) = check(BROKEN, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.lines().last().unwrap().contains(" things are not built yet"), "{stderr}");
    assert!(!stderr.contains("Bye"), "{stderr}");
}

#[test]
fn complaints_come_in_the_order_of_lines() {
    let (_, _, stderr) = check(BROKEN, &[]);
    let place = Regex::new(r"(?m)^.*relay\.conf:(\d+):(\d+): (error|warning|note): ").unwrap();
    let lines: Vec<usize> =
        place.captures_iter(&stderr).map(|found| found[1].parse().unwrap()).collect();
    assert!(lines.len() > 25, "{stderr}");
    assert!(lines.is_sorted(), "{lines:?}");
}

/// The lines of `--json`, the summary apart.
fn json(config: &str) -> (Vec<Value>, Value) {
    let (_, stdout, stderr) = check(config, &["--json"]);
    assert_eq!(stderr, "");
    let mut lines: Vec<Value> =
        stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let summary = lines.pop().unwrap();
    assert_eq!(summary["type"], "summary");
    (lines, summary)
}

#[test]
fn complaints_as_json() {
    let (lines, summary) = json(BROKEN);
    let count = |severity: &str, unbuilt: bool| {
        let is = |line: &&Value| line["severity"] == severity && line["unbuilt"] == unbuilt;
        lines.iter().filter(is).count()
    };
    assert_eq!(summary["errors"], count("error", false));
    assert_eq!(summary["warnings"], count("warning", false));
    assert_eq!(summary["notes"], count("note", false));
    assert_eq!(summary["unbuilt"], count("warning", true));
    assert!(count("warning", true) > 1 && count("error", false) > 20);
    for line in &lines {
        let part = |from: &str, to: &str| {
            let at = |key: &str| usize::try_from(line[key].as_u64().unwrap()).unwrap();
            BROKEN.as_bytes().get(at(from)..at(to)).unwrap().to_vec()
        };
        part("startByte", "endByte");
        assert!(!line["message"].as_str().unwrap().is_empty());
        assert!(line["file"].as_str().unwrap().ends_with("relay.conf"));
    }
    let ruleset = lines.iter().find(|line| line["term"] == "modules/imtcp: ruleset").unwrap();
    assert_eq!((&ruleset["line"], &ruleset["column"]), (&2.into(), &40.into()));
    assert_eq!((&ruleset["endLine"], &ruleset["endColumn"]), (&2.into(), &44.into()));
}

#[test]
fn a_missing_file_as_json() {
    let (output, stdout, _) = run(&["-N1", "--json", "-f", "no-such.conf"]);
    assert_eq!(output.status.code(), Some(1));
    let first: Value = serde_json::from_str(stdout.lines().next().unwrap()).unwrap();
    assert_eq!(first["file"], "no-such.conf");
    assert_eq!(first["severity"], "error");
}

/// The pages of rsyslog 8.2302's documentation.
fn pages() -> BTreeSet<String> {
    let file = source::root().join("tests/data/config/manual/pages.txt");
    fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect()
}

fn page(term: &str) -> &str {
    term.split(": ").next().unwrap()
}

#[test]
fn every_complaint_of_these_names_a_page() {
    let pages = pages();
    let (lines, _) = json(BROKEN);
    let mut named = BTreeSet::new();
    for line in &lines {
        let term = line["term"].as_str().unwrap_or_else(|| panic!("no term: {line}"));
        assert!(pages.contains(page(term)), "no such page: {line}");
        named.insert(term.to_owned());
    }
    for term in [
        "modules/imtcp: ruleset",
        "modules/omfwd: protocol",
        "configuration/actions: action.copyMsg",
        "rainerscript/queue_parameters: queue.size",
        "rainerscript/global: maxMessageSize",
        "modules/imtcp: port",
        "configuration/global/index: $Sleep",
        "configuration/filters",
        "configuration/properties",
        "configuration/property_replacer",
        "configuration/templates: dateFormat",
        "rainerscript/expressions",
        "rainerscript/constant_strings",
        "rainerscript/control_structures",
        "rainerscript/functions/index",
        "rainerscript/include",
        "rainerscript/rainerscript_call",
    ] {
        assert!(named.contains(term), "nothing names {term}: {named:#?}");
    }
}

#[test]
fn pages_that_are_named_exist() {
    let pages = pages();
    for subject in reference::subjects() {
        let (name, page) = (subject.name(), subject.page());
        assert!(pages.contains(&page), "{name}: there is no page {page}");
    }
    for directive in directives::all() {
        assert!(pages.contains(page(&directive.term)), "{}", directive.term);
    }
    // Those that the source names one by one.
    let text = fs::read_to_string(source::root().join("src/config/manual.rs")).unwrap();
    let literal = Regex::new(r#""((?:concepts|configuration|rainerscript|modules)/[\w/-]+)""#);
    let mut seen = 0;
    for found in literal.unwrap().captures_iter(&text) {
        assert!(pages.contains(&found[1]), "manual.rs: there is no page {}", &found[1]);
        seen += 1;
    }
    assert!(seen > 30, "{seen}");
    assert_eq!(manual::module("imtcp"), "modules/imtcp");
}
