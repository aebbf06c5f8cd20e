//! `tests/data/template/recorded.json`: templates as they stand in a configuration, messages with
//! variables, and the bytes that rsyslogd 8.2302 made of them. With `BONGSU_ORACLE=record` it is
//! asked anew.

use std::collections::HashSet;
use std::env;
use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bstr::ByteSlice;
use bstr::ByteVec;
use serde_json::Value as Json;
use serde_json::json;

use crate::base::clock::Wall;
use crate::base::diag::Diagnostics;
use crate::config::ast::Object;
use crate::config::ast::StmtKind;
use crate::config::ast::Value;
use crate::config::param::Spec;
use crate::config::parse_sealed;
use crate::message::Arrival;
use crate::message::Batch;
use crate::message::GlobalVariables;
use crate::message::MessageFlags;
use crate::message::Property;
use crate::message::Variable;
use crate::message::Variables;
use crate::message::View;
use crate::message::json;
use crate::message::json::Case;
use crate::template::Template;
use crate::template::compile;
use crate::template::golden;
use crate::template::text;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/template/recorded.json");
/// Where messages come from: an address without a name.
const SENDER: &str = "127.9.0.1";
/// What no recorded case can have, and why; other tests have it.
const UNRECORDED: &[(&str, &str)] = &[
    ("uuid", "random"),
    ("$uptime", "the machine's"),
    ("fromhost-port", "not in 8.2302"),
    ("bongsu-class", "Bongsu's own"),
    ("json-strict", "Bongsu's own"),
    ("sd-value", "Bongsu's own"),
    ("subtree", "rsyslogd forgets its length: files get nothing"),
];

fn groups() -> Vec<Json> {
    let text = fs::read_to_string(PATH).unwrap();
    serde_json::from_str::<Json>(&text).unwrap().as_array().unwrap().clone()
}

fn texts<'a>(json: &'a Json, name: &str) -> Vec<&'a str> {
    json[name].as_array().into_iter().flatten().map(|text| text.as_str().unwrap()).collect()
}

/// What is sent for a message of a group: its time, and its payload.
fn raw(number: usize, time: &str, payload: &str) -> String {
    format!("<13>1 {time} m{number} app{number} {number} ID{number} [x@1 n=\"{number}\"] {payload}")
}

/// The template of a line of configuration.
fn objects(config: &str) -> Vec<Object> {
    let config = parse_sealed("t.conf", config.as_bytes());
    let objects = config.statements.into_iter().filter_map(|statement| match statement.kind {
        StmtKind::Object(object) => Some(object),
        _ => None,
    });
    objects.collect()
}

fn template(config: &str) -> Template {
    let mut diags = Diagnostics::default();
    let [object] = &*objects(config) else { panic!("not one template: {config}") };
    Template::compile(object, &mut diags).unwrap_or_else(|| panic!("{config}: {:?}", diags.all))
}

/// The batch of a message as rsyslogd stamped it.
fn batch(number: usize, message: &Json) -> Batch {
    let (time, payload) = (message["time"].as_str().unwrap(), message["payload"].as_str().unwrap());
    // Descriptions hold escaped bytes.
    let escaped = |text: &str| text.as_bytes().escape_bytes().to_string();
    let mut batch = golden::batch(&json!({
        "raw": escaped(&raw(number, time, payload)), "from": SENDER, "msg": escaped(payload), "pri": 13,
        "protocol": 1, "time": time, "hostname": format!("m{number}"),
        "app_name": format!("app{number}"), "procid": number.to_string(),
        "msgid": format!("ID{number}"), "structured_data": format!("[x@1 n=\"{number}\"]"),
    }));
    let local = golden::timestamp(message["arrival"].as_str().unwrap());
    let wall = Wall { secs: local.unix(), micros: local.fraction };
    batch.arrival = Arrival { wall, local };
    batch
}

/// The variables that the group's script leaves: what `mmjsonparse` finds, and `set` lines.
fn variables(group: &Json, payload: &str) -> (Variables, bool) {
    let case = if group["case_sensitive"] == true { Case::Sensitive } else { Case::Insensitive };
    let mut variables = Variables::new(Arc::new(GlobalVariables::default()), case);
    let mut parsed = false;
    if group["parse"] == true {
        let tree = json::parse(payload.as_bytes(), case);
        parsed = tree.is_some();
        let member = if parsed { b"!".as_slice() } else { b"!msg" };
        let value = tree.unwrap_or_else(|| json::Value::text(payload.as_bytes()));
        variables.set(&Variable::parse(member).unwrap(), value).unwrap();
    }
    for set in group["set"].as_array().into_iter().flatten() {
        let variable = Variable::parse(&set[0].as_str().unwrap().as_bytes()[1..]).unwrap();
        let value = match &set[1] {
            Json::String(text) => json::Value::text(text.as_bytes()),
            number => json::Value::Int(number.as_i64().unwrap()),
        };
        variables.set(&variable, value).unwrap();
    }
    (variables, parsed)
}

/// What the template makes of one message of the group.
fn rendered(template: &Template, group: &Json, number: usize) -> Vec<u8> {
    let message = &group["messages"][number];
    let mut batch = batch(number, message);
    let (variables, parsed) = variables(group, message["payload"].as_str().unwrap());
    if parsed {
        batch.messages[0].flags.set(MessageFlags::PARSE_SUCCESS);
    }
    let mut out = Vec::new();
    let view = View { variables: &variables, ..batch.view(&batch.messages[0]) };
    template.render(view, &mut out);
    out
}

#[test]
fn renders_what_rsyslogd_renders() {
    if env::var("BONGSU_ORACLE").as_deref() == Ok("record") {
        record();
    }
    let (mut checked, mut wrong) = (0, String::new());
    for group in groups() {
        for case in group["templates"].as_array().unwrap() {
            let config = case["config"].as_str().unwrap();
            let template = template(config);
            for (number, output) in texts(case, "outputs").into_iter().enumerate() {
                let (got, wanted) =
                    (rendered(&template, &group, number), Vec::unescape_bytes(output));
                checked += 1;
                if got != wanted {
                    let (wanted, got) = (wanted.as_bstr(), got.as_bstr());
                    wrong +=
                        &format!("{config}\n  {number}\n  wanted  {wanted:?}\n  got     {got:?}\n");
                }
            }
        }
    }
    assert!(checked > 300, "{checked} cases");
    assert!(wrong.is_empty(), "{wrong}");
}

/// Words that the recorded templates use, in lower case: options and properties of strings,
/// parameters, and `parameter=value`.
fn used() -> HashSet<String> {
    let golden: Json = serde_json::from_str(golden::GOLDEN).unwrap();
    let recorded = groups();
    let cases = recorded.iter().chain(golden.as_array().unwrap());
    let mut used = HashSet::new();
    for case in cases.flat_map(|group| group["templates"].as_array().unwrap()) {
        let mut pairs = Vec::new();
        for name in ["string", "legacy"] {
            pairs.extend(case[name].as_str().map(|text| ("string".to_owned(), text.to_owned())));
        }
        for part in case["list"].as_array().into_iter().flatten() {
            let params = part[1].as_object().unwrap().iter();
            pairs
                .extend(params.map(|(name, value)| (name.clone(), value.as_str().unwrap().into())));
        }
        for object in case["config"].as_str().map(objects).into_iter().flatten() {
            for param in object.parts.iter().chain([&object]).flat_map(|part| &part.params) {
                let Value::Str(value) = &param.value else { panic!("{param:?}") };
                pairs.push((param.name.text.clone(), value.to_string()));
            }
        }
        for (name, value) in pairs {
            if name == "string" {
                let fields = value.split('%').skip(1).step_by(2);
                let words = fields.flat_map(|field| field.split([':', ',']));
                used.extend(words.map(str::to_ascii_lowercase));
            }
            used.insert(format!("{name}={value}").to_ascii_lowercase());
            used.insert(name.to_ascii_lowercase());
        }
    }
    used
}

/// Whoever adds a property, an option, a parameter or a word that it takes adds a case.
#[test]
fn nothing_is_without_a_case() {
    let used = used();
    let mut without = Vec::new();
    let mut need = |word: String| {
        if !used.contains(&word.to_ascii_lowercase()) {
            without.push(word);
        }
    };
    let recorded = |name: &str| !UNRECORDED.iter().any(|(known, _)| *known == name);
    let names = Property::names().filter(|name| recorded(name));
    names.for_each(|name| {
        need(if used.contains(name) { name.into() } else { format!("name={name}") });
    });
    let options = text::option_names().into_iter();
    options.filter(|name| recorded(name)).for_each(&mut need);
    let tables: [&[Spec]; 3] = [compile::TEMPLATE, compile::PROPERTY, compile::CONSTANT];
    let params = tables.into_iter().flatten().map(|spec| spec.name);
    params.filter(|name| recorded(name)).for_each(|name| need(name.to_owned()));
    let words = compile::words().into_iter().filter(|(_, word)| recorded(word));
    words.for_each(|(param, word)| need(format!("{param}={word}")));
    assert!(without.is_empty(), "without a case: {without:?}");
    assert!(!used.contains("nosuch=word"));
}

/// Runs rsyslogd on each group, and writes what it made of it into the file.
fn record() {
    let mut groups = groups();
    for (number, group) in groups.iter_mut().enumerate() {
        record_group(group, 21_400 + u16::try_from(number).unwrap());
    }
    let mut text = serde_json::to_string_pretty(&Json::Array(groups)).unwrap();
    text.push('\n');
    fs::write(PATH, text).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "nothing else runs here")]
fn pause(millis: u64) {
    thread::sleep(Duration::from_millis(millis));
}

/// A daemon that ends with its test.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}

fn record_group(group: &mut Json, port: u16) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("conf"), config(group, port, dir.path())).unwrap();
    let mut command = Command::new("rsyslogd");
    command.arg("-n").arg("-f").arg(dir.path().join("conf")).arg("-i").arg(dir.path().join("pid"));
    let _daemon = Daemon(command.env("TZ", "Asia/Seoul").spawn().unwrap());
    pause(900);
    let socket = UdpSocket::bind((SENDER, 0)).unwrap();
    for (number, message) in group["messages"].as_array().unwrap().iter().enumerate() {
        let raw =
            raw(number, message["time"].as_str().unwrap(), message["payload"].as_str().unwrap());
        socket.send_to(raw.as_bytes(), ("127.0.0.1", port)).unwrap();
        pause(100);
    }
    pause(900);
    let file = |name: &str, number: usize| {
        let bytes = fs::read(dir.path().join(format!("{name}.m{number}"))).unwrap_or_default();
        bytes.escape_bytes().to_string()
    };
    for (number, message) in group["messages"].as_array_mut().unwrap().iter_mut().enumerate() {
        message["arrival"] = file("arrival", number).into();
    }
    let count = group["messages"].as_array().unwrap().len();
    for (index, case) in group["templates"].as_array_mut().unwrap().iter_mut().enumerate() {
        case["outputs"] = (0..count).map(|number| file(&index.to_string(), number)).collect();
    }
}

/// Each template writes a file for each message.
fn config(group: &Json, port: u16, dir: &Path) -> String {
    let case_sensitive = if group["case_sensitive"] == true { "on" } else { "off" };
    let mut config = format!(
        "global(localHostname=\"vm\" variables.caseSensitive=\"{case_sensitive}\")\n\
         module(load=\"imudp\")\nmodule(load=\"mmjsonparse\")\n\
         template(name=\"arrival\" type=\"string\" string=\"%timegenerated:::date-rfc3339%\")\n"
    );
    let mut script = String::new();
    if group["parse"] == true {
        script += "action(type=\"mmjsonparse\" cookie=\"\")\n";
    }
    for set in group["set"].as_array().into_iter().flatten() {
        script += &format!("set {} = {};\n", set[0].as_str().unwrap(), set[1]);
    }
    let cases = group["templates"].as_array().unwrap().iter().enumerate();
    let named = cases.map(|(index, case)| (index.to_string(), case["config"].as_str().unwrap()));
    for (name, text) in named.chain([("arrival".to_owned(), "")]) {
        config += &text.replace("name=\"t\"", &format!("name=\"{name}\""));
        config += &format!(
            "\ntemplate(name=\"f{name}\" type=\"string\" string=\"{}/{name}.%hostname%\")\n",
            dir.display()
        );
        script += &format!("action(type=\"omfile\" dynafile=\"f{name}\" template=\"{name}\")\n");
    }
    format!(
        "{config}ruleset(name=\"r\") {{\n{script}}}\n\
         input(type=\"imudp\" name=\"imtcp\" address=\"127.0.0.1\" port=\"{port}\" ruleset=\"r\")\n"
    )
}

/// What rsyslogd gives to omprog, whose texts end where a NUL stands; no option applies.
#[test]
fn a_subtree_is_its_value() {
    for (options, tree, wanted) in [
        ("", "$!", r#"{ "a": { "B": "x\/y" }, "s": "text" }"#),
        ("option.jsonf=\"on\"", "$!A", r#"{ "B": "x\/y" }"#),
        ("option.json=\"on\"", "$!a!b", "x/y"),
        ("", "$!s", "text"),
        ("", "$!nosuch", ""),
    ] {
        let config = format!("template(name=\"t\" type=\"subtree\" subtree=\"{tree}\" {options})");
        let group = json!({
            "parse": true,
            "messages": [{
                "time": "2026-10-01T22:14:15Z",
                "arrival": "2026-10-01T22:14:15.000001Z",
                "payload": r#"{"a":{"B":"x/y"},"s":"text"}"#,
            }],
        });
        let out = rendered(&template(&config), &group, 0);
        assert_eq!(out.as_bstr(), wanted, "{tree}");
    }
}

#[test]
fn variables_differ_from_message_to_message() {
    for (text, constant) in [
        ("%$myhostname%", true),
        ("%$!x%", false),
        ("%$.x:1:2%", false),
        ("a%$/x:::secpath-replace%", false),
        ("%$!all-json%", false),
        ("%jsonmesg%", false),
        ("%parsesuccess%", false),
        ("%$uptime%", false),
    ] {
        let config = format!("template(name=\"t\" type=\"string\" string=\"{text}\")");
        assert_eq!(template(&config).is_constant_per_source(), constant, "{text}");
    }
}

/// What a template makes of a variable, `$!v`.
fn of_variable(template: &Template, value: &[u8]) -> Vec<u8> {
    let mut variables = Variables::new(Arc::default(), Case::Insensitive);
    let variable = Variable::parse(b"!v").unwrap();
    variables.set(&variable, json::Value::text(value)).unwrap();
    let message = json!({"time": "2026-10-01T22:14:15Z", "payload": "",
        "arrival": "2026-10-01T22:14:15.000001Z"});
    let batch = batch(0, &message);
    let mut out = Vec::new();
    let view = View { variables: &variables, ..batch.view(&batch.messages[0]) };
    template.render(view, &mut out);
    out
}

#[test]
fn sd_values_are_escaped_as_rfc_5424_wants_it() {
    let list = "template(name=\"t\" type=\"list\") \
                { property(name=\"$!v\" format=\"sd-value\") }";
    let string = "template(name=\"t\" type=\"string\" string=\"%$!v:::sd-value%\")";
    for template in [list, string].map(template) {
        for (value, expected) in [
            (&b"bank"[..], &b"bank"[..]),
            (b"", b""),
            (br#"a"b\c]d[e=/"#, br#"a\"b\\c\]d[e=/"#),
            (br#"]]\\"#, br#"\]\]\\\\"#),
            ("\u{d55c}]".as_bytes(), "\u{d55c}\\]".as_bytes()),
            (b"\xED\x95\"", b"\xEF\xBF\xBD\\\""),
        ] {
            let shown = of_variable(&template, value);
            assert_eq!(shown.as_bstr(), expected.as_bstr());
        }
    }
}

/// Any value, in a list or a string, is found again by a JSON parser; nothing is escaped twice.
#[test]
fn json_strict_is_json() {
    let list = "template(name=\"t\" type=\"list\" option.json=\"on\") \
                { property(name=\"$!v\" format=\"json-strict\") }";
    let string = "template(name=\"t\" type=\"string\" string=\"%$!v:::json-strict%\")";
    for template in [list, string].map(template) {
        for value in [
            (1..=255).collect::<Vec<u8>>(),
            "한글 \u{10FFFF} \u{7f}\u{2028}".into(),
            b"\"\\ \\u0041 \\n /".to_vec(),
            b"cut \xED\x95".to_vec(),
            b"\xC0\x80\xF5\xED\xA0\x80".to_vec(),
        ] {
            let out = [b"\"", &*of_variable(&template, &value), b"\""].concat();
            let found: String = serde_json::from_slice(&out).unwrap();
            assert_eq!(found, String::from_utf8_lossy(&value));
        }
    }
}
