//! Templates: lines that run together, JSON that is none, templates that are not what is used.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use bstr::ByteSlice;

use crate::base::diag::Loc;
use crate::base::diag::Severity::Note;
use crate::base::diag::Severity::Warning;
use crate::config::ast::ObjectKind;
use crate::engine::lint::Findings;
use crate::engine::lint::Lint;
use crate::engine::lint::Survey;
use crate::engine::lint::shape::Field;
use crate::engine::lint::shape::Shape;
use crate::engine::lint::survey::is;
use crate::output::file;
use crate::template::Template;

pub(super) static LINTS: &[&Lint] = &[
    &NO_LINE_END,
    &COUNTED_LINE_END,
    &JSON_UNESCAPED,
    &TEMPLATE_UNUSED,
    &DEFAULT_TEMPLATE_LATE,
    &FILE_TWO_FORMATS,
];

static NO_LINE_END: Lint = Lint {
    id: "no-line-end",
    severity: Warning,
    what: "A template without a line feed at its end writes to a file, a pipe or a program.",
    why: "All messages become one line.",
    help: "end the template with \\n",
};
static COUNTED_LINE_END: Lint = Lint {
    id: "counted-line-end",
    severity: Note,
    what: "A template with a line feed at its end is sent with octet-counted framing.",
    why: "The count tells messages apart: the line feed is part of the message, and not every \
          receiver drops it.",
    help: "leave the \\n at the template's end out",
};
static JSON_UNESCAPED: Lint = Lint {
    id: "json-unescaped",
    severity: Warning,
    what: "A template puts a property between the quotes of JSON without escaping it.",
    why: "A quote or backslash in a message makes broken JSON, or fields of the sender's choice.",
    help: "write %msg:::json% or property(name=\"msg\" format=\"json\"), or set option.json=\"on\"",
};
static TEMPLATE_UNUSED: Lint = Lint {
    id: "template-unused",
    severity: Note,
    what: "Nothing uses a template.",
    why: "Is it meant for an action that writes something else now?",
    help: "remove it, or write template=\"…\" into the action that it is for",
};
static DEFAULT_TEMPLATE_LATE: Lint = Lint {
    id: "default-template-late",
    severity: Warning,
    what: "The default template of files is set behind actions that write files.",
    why: "It holds for the actions behind it alone; those before it write another format.",
    help: "move it before the first action, or write template=\"…\" into the actions",
};
static FILE_TWO_FORMATS: Lint = Lint {
    id: "file-two-formats",
    severity: Warning,
    what: "Two actions write the same file with different templates.",
    why: "Whoever reads the file finds lines of two formats in it.",
    help: "give both the same template, or each a file of its own",
};

/// Outputs that write one message behind the other, as they are.
const STREAMS: &[&str] = &["omfile", "ompipe", "omprog"];

pub(super) fn look(survey: &Survey<'_>, found: &mut Findings<'_>) {
    let mut shapes = HashMap::new();
    for object in survey.objects(ObjectKind::Template) {
        let Some(shape) = Shape::of(object, survey) else { continue };
        json(&shape, found);
        // As in rsyslog, the first of a name is the one that is used.
        if !Template::builtin_names().any(|name| name == shape.name) {
            shapes.entry(shape.name.clone()).or_insert(shape);
        }
    }
    line_ends(survey, &shapes, found);
    unused(survey, found);
    late_default(survey, found);
    two_formats(survey, found);
}

/// Whether a property's value can hold a quote: not if it is a number, a time, an address or
/// a name that a resolver gave.
fn may_hold_quotes(field: &Field) -> bool {
    let name = field.name.as_str();
    let plain = [
        "pri",
        "pri-text",
        "iut",
        "fromhost",
        "fromhost-ip",
        "fromhost-port",
        "timestamp",
        "timereported",
        "timegenerated",
        "protocol-version",
        "uuid",
        "inputname",
        "parsesuccess",
        "jsonmesg",
        "$!",
        "$.",
        "$/",
    ];
    let families =
        ["syslogfacility", "syslogseverity", "syslogpriority", "$now", "$year", "$month", "$day"];
    let others = ["$wday", "$hour", "$hhour", "$qhour", "$minute", "$all-json", "$myhostname"];
    !plain.contains(&name) && !families.iter().chain(&others).any(|family| name.starts_with(family))
}

/// `"name": "` before and `"` behind: the value of a JSON member.
fn in_json_string(before: &[u8], behind: &[u8]) -> bool {
    let Some(name) = before.strip_suffix(b"\"") else { return false };
    let name = name.trim_end();
    behind.starts_with(b"\"")
        && name.strip_suffix(b":").is_some_and(|name| name.trim_end().ends_with(b"\""))
}

fn json(shape: &Shape<'_>, found: &mut Findings<'_>) {
    if shape.json {
        return;
    }
    let mut first = None;
    let mut names: Vec<&str> = Vec::new();
    for (before, field, behind) in shape.fields() {
        if field.json || !may_hold_quotes(field) || !in_json_string(before, behind) {
            continue;
        }
        first.get_or_insert(field.loc);
        if !names.contains(&field.name.as_str()) {
            names.push(&field.name);
        }
    }
    let Some(loc) = first else { return };
    let more = names.len().saturating_sub(4);
    names.truncate(4);
    let mut list = names.join(", ");
    if more > 0 {
        list.push_str(&format!(" and {more} more"));
    }
    let text = format!("quotes in {list} break this JSON");
    found.add_in(&JSON_UNESCAPED, shape.object, loc, text);
}

/// Whether what a template writes ends with a line feed; `None` if that is not known.
fn ends_line(name: &str, shapes: &HashMap<String, Shape<'_>>) -> Option<bool> {
    if let Some(builtin) = Template::builtin(name) {
        return Some(builtin.ends_with_line_feed());
    }
    let shape = shapes.get(name).filter(|shape| !shape.parts.is_empty())?;
    Some(shape.tail().ends_with(b"\n"))
}

fn line_ends(survey: &Survey<'_>, shapes: &HashMap<String, Shape<'_>>, found: &mut Findings<'_>) {
    let mut known = HashMap::new();
    for action in &survey.actions {
        let Some(name) = &action.template else { continue };
        let object = action.object;
        let loc = object.text("template").map_or(object.loc, |(_, loc)| loc);
        let stream = STREAMS.contains(&action.kind.as_str());
        let counted = || {
            let framing = object.text("tcp_framing").or_else(|| object.text("tcpFraming"));
            framing.is_some_and(|(framing, _)| is(&framing, "octet-counted"))
        };
        match *known.entry(name).or_insert_with(|| ends_line(name, shapes)) {
            Some(false) if stream => {
                let text = format!("template '{name}' does not end its lines");
                found.add_in(&NO_LINE_END, object, loc, text);
            }
            Some(true) if action.kind == "omfwd" && counted() && !name.starts_with("RSYSLOG_") => {
                let text = format!("the line feed at the end of template '{name}' is sent along");
                found.add_in(&COUNTED_LINE_END, object, loc, text);
            }
            _ => {}
        }
    }
}

fn unused(survey: &Survey<'_>, found: &mut Findings<'_>) {
    // What holds templates alone is a part of something else.
    if survey.actions.is_empty() {
        return;
    }
    for object in survey.objects(ObjectKind::Template) {
        if let Some((name, loc)) = object.text("name")
            && !survey.names.contains(name.as_bytes())
        {
            let text = format!("nothing uses template '{name}'");
            found.add_in(&TEMPLATE_UNUSED, object, loc, text);
        }
    }
}

fn late_default(survey: &Survey<'_>, found: &mut Findings<'_>) {
    // Only the first: those behind it are meant to change it.
    let Some((object, before)) = survey.file_templates.first() else { return };
    let mut earlier = survey.actions.iter().take(*before);
    let first = earlier
        .find(|action| action.kind == file::NAME && action.object.param("template").is_none());
    if let Some(first) = first
        && let Some((name, loc)) = object.text("template")
    {
        let line = found.line(&DEFAULT_TEMPLATE_LATE, loc, first.object.loc);
        let text = format!("template '{name}' comes too late for the file of {line}");
        found.add_in(&DEFAULT_TEMPLATE_LATE, object, loc, text);
    }
}

fn two_formats(survey: &Survey<'_>, found: &mut Findings<'_>) {
    let mut files: HashMap<(bool, String), (&str, Loc)> = HashMap::new();
    for action in survey.actions.iter().filter(|action| action.kind == file::NAME) {
        let object = action.object;
        let fixed = object.text("file").map(|(name, loc)| ((false, name), loc));
        let dynamic = || object.text("dynaFile").map(|(name, loc)| ((true, name), loc));
        let Some((key, loc)) = fixed.or_else(dynamic) else { continue };
        let template = action.template.as_deref().unwrap_or_default();
        match files.entry(key) {
            Entry::Vacant(free) => _ = free.insert((template, loc)),
            Entry::Occupied(taken) if taken.get().0 != template => {
                let (other, there) = *taken.get();
                let line = found.line(&FILE_TWO_FORMATS, loc, there);
                let text = format!("this file has template '{template}', and '{other}' in {line}");
                found.add_in(&FILE_TWO_FORMATS, object, loc, text);
            }
            Entry::Occupied(_) => {}
        }
    }
}
