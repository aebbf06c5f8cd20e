//! `jsonmesg`: a whole message as one JSON object.

use crate::message::Property;
use crate::message::TimeFormat;
use crate::message::Tree;
use crate::message::Variable;
use crate::message::View;
use crate::message::json::Path;
use crate::message::json::Style;
use crate::message::json::escape;
use crate::message::json::print;

/// Members in their order. Timestamps are written as `date-rfc3339`.
const MEMBERS: &[(&str, Property)] = &[
    ("msg", Property::Msg),
    ("rawmsg", Property::RawMsg),
    ("timereported", Property::TimeReported),
    ("hostname", Property::Hostname),
    ("syslogtag", Property::SyslogTag),
    ("inputname", Property::InputName),
    ("fromhost", Property::FromHost),
    ("fromhost-ip", Property::FromHostIp),
    ("pri", Property::Pri),
    ("syslogfacility", Property::SyslogFacility),
    ("syslogseverity", Property::SyslogSeverity),
    ("timegenerated", Property::TimeGenerated),
    ("programname", Property::ProgramName),
    ("protocol-version", Property::ProtocolVersion),
    ("structured-data", Property::StructuredData),
    ("app-name", Property::AppName),
    ("procid", Property::ProcId),
    ("msgid", Property::MsgId),
];

/// Appends the object. `uuid` is null, as it is in rsyslog while nothing has asked for it.
pub(super) fn write(view: &View<'_>, out: &mut Vec<u8>) {
    let mut text = Vec::new();
    let mut opening: &[u8] = b"{ \"";
    for (name, property) in MEMBERS {
        text.clear();
        match property {
            Property::TimeReported => view.write_rfc3339(&mut text),
            Property::TimeGenerated => TimeFormat::Rfc3339.write(&view.generated(), &mut text),
            property => view.write_property(*property, &mut text),
        }
        out.extend_from_slice(opening);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\": \"");
        // What lies behind a NUL is lost, as in every text of a tree.
        let end = memchr::memchr(0, &text).unwrap_or(text.len());
        escape(&text[..end], out);
        opening = b"\", \"";
    }
    out.extend_from_slice(b"\", \"uuid\": null, \"$!\": ");
    view.variables.with(&tree(), |tree| match tree {
        Some(tree) => print(tree, Style::Spaced, out),
        None => out.extend_from_slice(b"null"),
    });
    out.extend_from_slice(b" }");
}

/// Appends the tree `$!`; an empty object where there is none.
pub(super) fn write_tree(view: &View<'_>, style: Style, out: &mut Vec<u8>) {
    view.variables.with(&tree(), |tree| match tree {
        Some(tree) => print(tree, style, out),
        None => out.extend_from_slice(b"{}"),
    });
}

fn tree() -> Variable {
    Variable { tree: Tree::Message, path: Path::default() }
}
