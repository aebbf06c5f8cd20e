//! `tests/data/modifier/*.json`: actions, messages as they were sent, and what rsyslogd 8.2302 made
//! of each: msg, $!, $., $/, $parsesuccess and rawmsg. Bytes are escaped as in a byte string
//! literal. `BONGSU_ORACLE=record` asks rsyslogd again.
//!
//! A group with `source` cannot be recorded, for 8.2302 has no such module or parameter: its
//! outputs are what that test or page of a later rsyslog's says, or follow from it.
//! mmtaghostname is recorded with mmexternal in its place, which can change the same properties.
//! A group with `properties` shows those.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::Write as _;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;
use std::time::Instant;

use bstr::ByteSlice;
use bstr::ByteVec;
use serde_json::Value as Json;

use super::MODULES;
use super::Modifier;
use super::sequence::Counters;
use crate::base::diag::Diagnostics;
use crate::base::span::Span;
use crate::config::ast::StmtKind;
use crate::config::param;
use crate::config::param::Kind;
use crate::config::param::Origin;
use crate::config::param::Spec;
use crate::config::parse_text;
use crate::message::Batch;
use crate::message::Draft;
use crate::message::GlobalVariables;
use crate::message::InputInfo;
use crate::message::Property;
use crate::message::Source;
use crate::message::Variable;
use crate::message::Variables;
use crate::message::json::Case;
use crate::parse;
use crate::parse::ParseSettings;
use crate::parse::frame::Frame;

const PROPERTIES: [&str; 6] = ["msg", "$!", "$.", "$/", "parsesuccess", "rawmsg"];
/// Between properties, and behind the last one.
const MARKS: [&str; 2] = ["<|>", "<<>>"];
static TYPE: &[Spec] = &[Spec::new("type", Kind::Str, "", "The module.")];

/// The action's text in a configuration.
fn action(params: &Json) -> String {
    let quoted = |value: &Json| value.as_str().unwrap().replace('\\', "\\\\").replace('"', "\\\"");
    let params = params.as_object().unwrap().iter();
    let params: Vec<_> =
        params.map(|(name, value)| format!("{name}=\"{}\"", quoted(value))).collect();
    format!("action({})\n", params.join(" "))
}

/// The modifier; `None` if it was complained of. Its table must take the parameters.
pub(super) fn compile(params: &Json, counters: &mut Counters) -> Option<Modifier> {
    let config = parse_text("golden", action(params).as_bytes());
    let StmtKind::Object(object) = &config.statements[0].kind else { panic!("{params}") };
    let kind = params["type"].as_str().unwrap();
    let module = MODULES.iter().find(|module| module.name == kind).unwrap();
    let mut diags = Diagnostics::default();
    let tables = [module.instance, &[TYPE]].concat();
    let params = param::check(object, &tables, &mut diags);
    assert!(diags.all.is_empty() && !params.refused, "{:?}", diags.all);
    Modifier::compile(kind, &params, counters, &mut diags)
}

/// A message as imtcp would receive it.
fn receive(text: &[u8], settings: &ParseSettings) -> Batch {
    let input = InputInfo { name: "imtcp".into(), hostname: Arc::from("vm") };
    let mut batch = Batch::new(Arc::new(input));
    batch.data.extend_from_slice(text);
    batch
        .sources
        .push(Arc::new(Source::new(Some(IpAddr::V4(Ipv4Addr::LOCALHOST)), Some("localhost"))));
    let frame = Frame { span: Span::new(0, text.len()), truncated: false };
    let message = parse::message(&mut batch.data, frame, settings, &batch.arrival);
    batch.messages.push(message);
    batch
}

/// What is looked at in this group.
fn properties(group: &Json) -> Vec<&str> {
    let Some(own) = group["properties"].as_array() else { return PROPERTIES.to_vec() };
    own.iter().map(|name| name.as_str().unwrap()).collect()
}

/// What is seen of the message.
fn shown(draft: &Draft<'_>, properties: &[&str]) -> Vec<Vec<u8>> {
    let show = |name: &str| {
        let mut out = Vec::new();
        match name.strip_prefix('$').and_then(|name| Variable::parse(name.as_bytes())) {
            Some(variable) => draft.variables.with(&variable, |value| {
                if let Some(value) = value {
                    value.write_text(&mut out);
                }
            }),
            None => draft.view().write_property(Property::parse(name).unwrap(), &mut out),
        }
        out
    };
    properties.iter().map(|name| show(name)).collect()
}

/// What our actions make of the group's messages.
fn ours(group: &Json) -> Vec<Vec<Vec<u8>>> {
    let mut counters = Counters::default();
    let actions = group["actions"].as_array().unwrap().iter();
    let modifiers: Vec<_> = actions.filter_map(|a| compile(a, &mut counters)).collect();
    let mut settings = ParseSettings::default();
    settings.sanitise.escape_control = group["control"] != true;
    let mut variables = Variables::new(Arc::new(GlobalVariables::default()), Case::Insensitive);
    let messages = group["messages"].as_array().unwrap().iter();
    let properties = properties(group);
    let one = |message: &Json| {
        let mut batch = receive(&Vec::unescape_bytes(message.as_str().unwrap()), &settings);
        variables.clear();
        let mut draft = Draft::new(&mut batch, 0, &mut variables);
        modifiers.iter().for_each(|modifier| modifier.apply(&mut draft));
        shown(&draft, &properties)
    };
    messages.map(one).collect()
}

/// rsyslogd leaves a NUL behind `rawmsg` where it got shorter.
fn departs(name: &str, wanted: &[u8], got: &[u8]) -> bool {
    name == "rawmsg" && wanted.trim_end_with(|c| c == '\0') == got
}

fn check(name: &str) {
    let path = format!("{}/tests/data/modifier/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let mut groups: Json = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    if env::var("BONGSU_ORACLE").as_deref() == Ok("record") {
        let recorded = groups.as_array_mut().unwrap().iter_mut();
        recorded.filter(|group| group["source"].is_null()).for_each(record);
        let lines: Vec<_> = groups.as_array().unwrap().iter().map(Json::to_string).collect();
        fs::write(&path, format!("[\n{}\n]\n", lines.join(",\n"))).unwrap();
    }
    let mut wrong = Vec::new();
    let (mut checked, mut given) = (0, BTreeSet::new());
    for group in groups.as_array().unwrap() {
        for action in group["actions"].as_array().unwrap() {
            given.extend(action.as_object().unwrap().keys().map(|name| name.to_lowercase()));
        }
        let messages = group["messages"].as_array().unwrap();
        let outputs = group["outputs"].as_array().unwrap();
        assert_eq!(messages.len(), outputs.len(), "{}", group["actions"]);
        for ((message, wanted), got) in messages.iter().zip(outputs).zip(ours(group)) {
            checked += 1;
            let wanted = wanted.as_array().unwrap();
            for ((name, wanted), got) in properties(group).iter().zip(wanted).zip(got) {
                let wanted = Vec::unescape_bytes(wanted.as_str().unwrap());
                if wanted != got && !departs(name, &wanted, &got) {
                    let (wanted, got) = (wanted.as_bstr(), got.as_bstr());
                    let actions = &group["actions"];
                    wrong.push(format!(
                        "{actions}\n  {message}\n  {name} {wanted:?}\n  got {got:?}"
                    ));
                }
            }
        }
    }
    let count = wrong.len();
    wrong.truncate(20);
    assert!(wrong.is_empty(), "{count} of {checked}\n{}", wrong.join("\n"));
    assert!(checked >= 40, "{checked}");
    every_parameter_is_in(name, &given);
}

/// What runs has a case for each of its parameters that rsyslogd knows.
fn every_parameter_is_in(module: &str, given: &BTreeSet<String>) {
    let module = MODULES.iter().find(|known| known.name == module).unwrap();
    let rows = module.instance.iter().flat_map(|table| table.iter());
    let known = |row: &&Spec| row.origin != Origin::Own;
    for row in rows.filter(known).filter(|row| matches!(row.support, param::Support::Full)) {
        for name in row.aliases.iter().chain([&row.name]) {
            assert!(given.contains(&name.to_lowercase()), "no case has {name}");
        }
    }
}

#[test]
fn mmanon() {
    check("mmanon");
}

#[test]
fn mmfields() {
    check("mmfields");
}

#[test]
fn mmjsonparse() {
    check("mmjsonparse");
}

#[test]
fn mmjsontransform() {
    check("mmjsontransform");
}

#[test]
fn mmleefparse() {
    check("mmleefparse");
}

#[test]
fn mmpstrucdata() {
    check("mmpstrucdata");
}

#[test]
fn mmrm1stspace() {
    check("mmrm1stspace");
}

#[test]
fn mmsequence() {
    check("mmsequence");
}

#[test]
fn mmtaghostname() {
    check("mmtaghostname");
}

#[test]
fn mmutf8fix() {
    check("mmutf8fix");
}

/// rsyslogd, which ends with this.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have died before; either way it is gone.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// Asks rsyslogd what it makes of the group's messages.
#[expect(clippy::disallowed_methods, reason = "waits for another program, without a runtime")]
fn record(group: &mut Json) {
    let dir = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    fs::write(dir.path().join("conf"), config(group, port, dir.path())).unwrap();
    let mut command = Command::new("rsyslogd");
    command.arg("-n").arg("-f").arg(dir.path().join("conf"));
    command.arg("-i").arg(dir.path().join("pid"));
    let _daemon = Daemon(command.stderr(Stdio::null()).spawn().expect("rsyslogd"));
    let until = Instant::now() + Duration::from_secs(10);
    let mut stream = loop {
        match TcpStream::connect(("127.0.0.1", port)) {
            Ok(stream) => break stream,
            Err(e) => assert!(Instant::now() < until, "{e}"),
        }
        sleep(Duration::from_millis(20));
    };
    let messages = group["messages"].as_array().unwrap();
    for message in messages {
        let message = Vec::unescape_bytes(message.as_str().unwrap());
        write!(stream, "{} ", message.len()).unwrap();
        stream.write_all(&message).unwrap();
    }
    let end = format!("{}\n", MARKS[1]);
    let text = loop {
        let text = fs::read(dir.path().join("out")).unwrap_or_default();
        if text.find_iter(&end).count() == messages.len() {
            break text;
        }
        assert!(Instant::now() < until, "{group}");
        sleep(Duration::from_millis(20));
    };
    let escaped = |field: &[u8]| Json::from(field.escape_bytes().to_string());
    let record = |record: &[u8]| record.split_str(MARKS[0]).map(escaped).collect::<Json>();
    let records = text.strip_suffix(end.as_bytes()).unwrap().split_str(&end);
    group["outputs"] = records.map(record).collect();
}

/// The action, or for mmtaghostname one of mmexternal that does the same: Debian's rsyslog has no
/// mmtaghostname. The relay's host name is `vm` here.
fn stand_in(action: &Json, dir: &Path) -> Json {
    if action["type"] != "mmtaghostname" {
        return action.clone();
    }
    let mut changes = serde_json::Map::new();
    if let Some(tag) = action["tag"].as_str().filter(|tag| !tag.is_empty()) {
        changes.insert("syslogtag".into(), tag.into());
    }
    if action["forceLocalHostname"] == "on" {
        changes.insert("hostname".into(), "vm".into());
    }
    let script = (0..).map(|n| dir.join(format!("external{n}"))).find(|path| !path.exists());
    let script = script.unwrap();
    let text = format!("#!/bin/sh\nwhile read -r _; do echo '{}'; done\n", Json::from(changes));
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    serde_json::json!({"type": "mmexternal", "binary": script.to_str().unwrap()})
}

fn config(group: &Json, port: u16, dir: &Path) -> String {
    let actions: Vec<_> = group["actions"].as_array().unwrap().iter().collect();
    let actions: Vec<_> = actions.into_iter().map(|action| stand_in(action, dir)).collect();
    let modules: BTreeSet<_> = actions.iter().map(|a| a["type"].as_str().unwrap()).collect();
    let modules: String = modules.iter().map(|m| format!("module(load=\"{m}\")\n")).collect();
    let actions: String = actions.iter().map(action).collect();
    let escape = if group["control"] == true { "off" } else { "on" };
    let shown: Vec<_> = properties(group).iter().map(|name| format!("%{name}%")).collect();
    let properties = shown.join(MARKS[0]);
    let (dir, end) = (dir.display(), MARKS[1]);
    format!(
        "global(workDirectory=\"{dir}\" parser.escapeControlCharactersOnReceive=\"{escape}\")\n\
         module(load=\"imtcp\")\n{modules}\
         template(name=\"o\" type=\"string\" string=\"{properties}{end}\\n\")\n\
         input(type=\"imtcp\" port=\"{port}\" address=\"127.0.0.1\" ruleset=\"r\")\n\
         ruleset(name=\"r\") {{\n{actions}\
         action(type=\"omfile\" file=\"{dir}/out\" template=\"o\")\n}}\n\
         action(type=\"omfile\" file=\"{dir}/own\")\n"
    )
}
