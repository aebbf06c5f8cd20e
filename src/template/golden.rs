//! `tests/data/template/golden.json`: templates, messages, and the bytes that rsyslogd 8.2302 made
//! of them. Bytes are escaped as in a byte string literal. Messages stand there with the fields
//! that their parser finds, so that templates are tested alone.

use std::net::IpAddr;
use std::sync::Arc;

use bstr::ByteSlice;
use bstr::ByteVec;
use serde_json::Value as Json;

use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::diag::Severity;
use crate::base::span::Span;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::ast::Param;
use crate::config::ast::Value;
use crate::config::ast::Word;
use crate::message::Batch;
use crate::message::InputInfo;
use crate::message::Message;
use crate::message::MessageFlags;
use crate::message::Offset;
use crate::message::Pri;
use crate::message::Source;
use crate::message::Timestamp;
use crate::template::Options;
use crate::template::Template;

pub(super) const GOLDEN: &str = include_str!("../../tests/data/template/golden.json");

fn object(kind: ObjectKind, params: &[(&str, &[u8])]) -> Object {
    let loc = Loc::default();
    let params = params.iter().map(|(name, value)| Param {
        name: Word { text: (*name).to_owned(), loc },
        value: Value::Str((*value).into()),
        value_loc: loc,
    });
    let params = params.collect();
    Object { kind, loc, params, script: Vec::new(), parts: Vec::new(), legacy: false }
}

/// A batch of one message, from its description.
pub(super) fn batch(json: &Json) -> Batch {
    let text = |name: &str| json[name].as_str().map(Vec::unescape_bytes);
    let number = |name: &str| json[name].as_u64().unwrap();
    let input = InputInfo { name: "imtcp".into(), hostname: Arc::from("vm") };
    let mut batch = Batch::new(Arc::new(input));
    let from: IpAddr = json["from"].as_str().unwrap().parse().unwrap();
    batch.sources.push(Arc::new(Source::new(Some(from), None)));
    let mut message = Message::default();
    let mut span = |name: &str| {
        let bytes = text(name)?;
        let start = batch.data.len();
        batch.data.extend_from_slice(&bytes);
        Some(Span::new(start, batch.data.len()))
    };
    message.raw = span("raw").unwrap();
    message.msg = span("msg").unwrap();
    message.tag = span("tag").unwrap_or_default();
    message.app_name = span("app_name").unwrap_or_default();
    message.procid = span("procid").unwrap_or_default();
    message.msgid = span("msgid").unwrap_or_default();
    message.structured_data = span("structured_data").unwrap_or_default();
    if let Some(hostname) = span("hostname") {
        message.hostname = hostname;
        message.flags.set(MessageFlags::HOSTNAME);
    }
    if let Some(time) = text("time") {
        message.time = timestamp(time.to_str().unwrap());
        message.flags.set(MessageFlags::TIME);
    }
    if number("protocol") == 1 {
        message.flags.set(MessageFlags::PROTOCOL_1);
    }
    message.pri = Pri(u8::try_from(number("pri")).unwrap());
    batch.messages.push(message);
    batch
}

pub(super) fn timestamp(text: &str) -> Timestamp {
    let (date, clock) = text.split_once('T').unwrap();
    let mut date = date.split('-').map(|n| n.parse::<u16>().unwrap());
    let zone = clock.find(['Z', '+', '-']).unwrap();
    let (clock, zone) = clock.split_at(zone);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let mut clock = clock.split(':').map(|n| n.parse::<u8>().unwrap());
    let offset = if zone == "Z" {
        Offset::Z
    } else {
        let (hours, minutes) = zone.trim_start_matches(['+', '-']).split_once(':').unwrap();
        let size = hours.parse::<i16>().unwrap() * 60 + minutes.parse::<i16>().unwrap();
        let negative = zone.starts_with('-');
        Offset::Minutes {
            east: if negative { -size } else { size },
            negative_zero: negative && size == 0,
        }
    };
    let year = date.next().unwrap();
    let mut small = || u8::try_from(date.next().unwrap()).unwrap();
    Timestamp {
        year,
        month: small(),
        day: small(),
        hour: clock.next().unwrap(),
        minute: clock.next().unwrap(),
        second: clock.next().unwrap(),
        precision: u8::try_from(fraction.len()).unwrap(),
        fraction: fraction.parse().unwrap_or(0),
        offset,
    }
}

fn template(json: &Json, diags: &mut Diagnostics) -> Option<Template> {
    if let Some(name) = json["builtin"].as_str() {
        return Template::builtin(name);
    }
    if let Some(text) = json["legacy"].as_str() {
        let (options, loc) = (Options::default(), Loc::default());
        return Template::from_string("t", text.as_bytes(), &options, loc, diags);
    }
    let mut whole = if let Some(text) = json["string"].as_str() {
        let params: [(&str, &[u8]); 3] =
            [("name", b"t"), ("type", b"string"), ("string", text.as_bytes())];
        object(ObjectKind::Template, &params)
    } else {
        object(ObjectKind::Template, &[("name", b"t"), ("type", b"list")])
    };
    for option in json["options"].as_array().into_iter().flatten() {
        let name = format!("option.{}", option.as_str().unwrap());
        whole.params.extend(object(ObjectKind::Template, &[(&name, b"on")]).params);
    }
    for part in json["list"].as_array().into_iter().flatten() {
        let kind = match part[0].as_str() {
            Some("property") => ObjectKind::Property,
            _ => ObjectKind::Constant,
        };
        let params = part[1].as_object().unwrap().iter();
        let params: Vec<(&str, &[u8])> =
            params.map(|(name, value)| (&**name, value.as_str().unwrap().as_bytes())).collect();
        whole.parts.push(object(kind, &params));
    }
    Template::compile(&whole, diags)
}

#[test]
fn renders_what_rsyslogd_renders() {
    let groups: Json = serde_json::from_str(GOLDEN).unwrap();
    let (mut checked, mut wrong) = (0, Vec::new());
    for group in groups.as_array().unwrap() {
        let batches: Vec<Batch> = group["messages"].as_array().unwrap().iter().map(batch).collect();
        for case in group["templates"].as_array().unwrap() {
            let mut diags = Diagnostics::default();
            let template = template(case, &mut diags);
            for (batch, output) in batches.iter().zip(case["outputs"].as_array().unwrap()) {
                let Some(output) = output.as_str() else { continue };
                let mut out = Vec::new();
                if let Some(template) = &template {
                    template.render(batch.view(&batch.messages[0]), &mut out);
                }
                checked += 1;
                let raw = batch.messages[0].raw;
                if out != Vec::unescape_bytes(output) {
                    wrong.push(format!(
                        "{case_without_outputs}\n  raw     {raw:?}\n  wanted  {wanted:?}\n  got     {out:?}\n  {diags:?}",
                        case_without_outputs = without_outputs(case),
                        raw = raw.of(&batch.data).as_bstr(),
                        wanted = Vec::unescape_bytes(output).as_bstr(),
                        out = out.as_bstr(),
                        diags = diags.all,
                    ));
                }
            }
        }
    }
    assert!(checked > 8_000, "{checked} cases");
    assert!(wrong.is_empty(), "{} of {checked}\n{}", wrong.len(), wrong.join("\n"));
}

fn without_outputs(case: &Json) -> Json {
    let mut case = case.clone();
    case["outputs"] = Json::Null;
    case
}

#[test]
fn what_rsyslogd_complains_of_is_complained_of() {
    let groups: Json = serde_json::from_str(GOLDEN).unwrap();
    for text in ["%nosuch% x", "y%%z"] {
        let mut legacy = groups.as_array().unwrap().iter().flat_map(|group| {
            group["templates"].as_array().unwrap().iter().filter(|t| t["legacy"] == text)
        });
        let mut diags = Diagnostics::default();
        assert!(template(legacy.next().unwrap(), &mut diags).is_some());
        assert!(diags.all.iter().any(|d| d.severity == Severity::Error));
    }
}
