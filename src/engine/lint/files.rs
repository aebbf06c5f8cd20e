//! Files that are written: where, and who else may.

use std::collections::HashMap;

use crate::base::diag::Severity::Warning;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::engine::lint::Findings;
use crate::engine::lint::Lint;
use crate::engine::lint::Survey;
use crate::engine::lint::shape::Field;
use crate::engine::lint::shape::Part;
use crate::engine::lint::shape::Shape;
use crate::engine::lint::survey::on;
use crate::message::Property;
use crate::output::file;

pub(super) static LINTS: &[&Lint] =
    &[&UNSAFE_PATH, &PERCENT_IN_FILE, &FILE_IN_TMP, &WORLD_WRITABLE];

static UNSAFE_PATH: Lint = Lint {
    id: "unsafe-path",
    severity: Warning,
    what: "A sender's words are part of a file's name, slashes and all.",
    why: "A message with `../` in that place is written to any file below the template's directory.",
    help: "write %NAME:::secpath-replace% or property(name=\"NAME\" securePath=\"replace\")",
};
static PERCENT_IN_FILE: Lint = Lint {
    id: "percent-in-file",
    severity: Warning,
    what: "A fixed file's name holds the `%name%` of a property.",
    why: "Nothing is put in its place: one file gets that very name, and all messages.",
    help: "make a template of the name, and write dynaFile=\"its name\"",
};
static FILE_IN_TMP: Lint = Lint {
    id: "file-in-tmp",
    severity: Warning,
    what: "A file is written in a directory for temporary files.",
    why: "Anybody can put a link there before it, and the next start of the host empties it.",
    help: "write it below /var/log",
};
static WORLD_WRITABLE: Lint = Lint {
    id: "world-writable",
    severity: Warning,
    what: "Files or directories are made that anybody may write to.",
    why: "Anybody on the host can change or remove what was logged.",
    help: "0640 for files and 0750 for directories",
};

pub(super) fn look(survey: &Survey<'_>, found: &mut Findings<'_>) {
    let slash =
        survey.global("parser.permitSlashInProgramName").is_some_and(|(value, _)| on(&value));
    let mut names: HashMap<String, &Object> = HashMap::new();
    for object in survey.objects(ObjectKind::Template) {
        if let Some((name, _)) = object.text("name") {
            names.entry(name).or_insert(object);
        }
    }
    for action in survey.actions.iter().filter(|action| action.kind == file::NAME) {
        let object = action.object;
        fixed(object, found);
        modes(object, found);
        if let Some((name, _)) = object.text("dynaFile")
            // Once it was looked at it is out of the table.
            && let Some(template) = names.remove(&name)
            && let Some(shape) = Shape::of(template, survey)
        {
            dynamic(&shape, slash, found);
        }
    }
    if let Some(module) = survey.modules.get(file::NAME) {
        modes(module, found);
    }
}

fn is_temporary(path: &str) -> bool {
    ["/tmp/", "/var/tmp/", "/dev/shm/"].iter().any(|folder| path.starts_with(folder))
}

fn fixed(object: &Object, found: &mut Findings<'_>) {
    let Some((path, loc)) = object.text("file") else { return };
    if is_temporary(&path) {
        let text = format!("'{path}' is in a directory that everybody writes to");
        found.add_in(&FILE_IN_TMP, object, loc, text);
    }
    let mut parts = path.split('%').skip(1);
    let name = parts.find(|part| {
        let name = part.split(':').next().unwrap_or_default();
        Property::parse(name).is_some() || name.starts_with("$!") || name.starts_with("$.")
    });
    if let Some(name) = name {
        let text = format!("'%{name}%' stays as it is in a fixed file name");
        found.add_in(&PERCENT_IN_FILE, object, loc, text);
    }
}

fn modes(object: &Object, found: &mut Findings<'_>) {
    for name in ["fileCreateMode", "dirCreateMode"] {
        let Some((mode, loc)) = object.text(name) else { continue };
        if u32::from_str_radix(&mode, 8).is_ok_and(|mode| mode & 0o002 != 0) {
            let text = format!("mode {mode} lets anybody write");
            found.add_in(&WORLD_WRITABLE, object, loc, text);
        }
    }
}

fn dynamic(shape: &Shape<'_>, slash: bool, found: &mut Findings<'_>) {
    if let Some(Part::Text(text)) = shape.parts.first()
        && is_temporary(&String::from_utf8_lossy(text))
    {
        let text = "these files are in a directory that everybody writes to";
        let loc = shape.object.param("string").map_or(shape.object.loc, |param| param.value_loc);
        found.add_in(&FILE_IN_TMP, shape.object, loc, text);
    }
    for (before, field, behind) in shape.fields() {
        if !field.secure && may_climb(field, before, behind, slash) {
            let text = format!("'{}' comes from the sender and may hold slashes", field.name);
            let help = UNSAFE_PATH.help.replace("NAME", &field.name);
            found.add_helped(&UNSAFE_PATH, shape.object, field.loc, text, help);
        }
    }
}

/// Whether a property can lead out of its directory. A program's name holds no slash unless that
/// is permitted, but it can be `..`. `fromhost` holds none: resolvers refuse such names.
fn may_climb(field: &Field, before: &[u8], behind: &[u8], slash: bool) -> bool {
    match field.name.as_str() {
        "programname" => slash || (before.ends_with(b"/") && behind.starts_with(b"/")),
        "hostname" | "source" | "syslogtag" | "app-name" | "procid" | "msgid" | "msg"
        | "rawmsg" | "rawmsg-after-pri" | "structured-data" => true,
        name => name.starts_with("$!"),
    }
}
