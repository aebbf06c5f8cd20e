//! `template()` objects, checked and turned into operations.

use bstr::BString;
use bstr::ByteSlice;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::diag::nearest;
use crate::base::limits;
use crate::base::num::len32;
use crate::base::posix::Expression;
use crate::base::posix::Syntax;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::manual;
use crate::config::param;
use crate::config::param::Kind;
use crate::config::param::Params;
use crate::config::param::Spec;
use crate::message::TimeFormat;
use crate::message::Variable;
use crate::template::Escape;
use crate::template::Options;
use crate::template::Template;
use crate::template::builtin;
use crate::template::entry::Content;
use crate::template::entry::Part;
use crate::template::escape;
use crate::template::field::Case;
use crate::template::field::Control;
use crate::template::field::DataType;
use crate::template::field::END;
use crate::template::field::Field;
use crate::template::field::Format;
use crate::template::field::Match;
use crate::template::field::NoMatch;
use crate::template::field::OnEmpty;
use crate::template::field::Pick;
use crate::template::field::Range;
use crate::template::field::SecurePath;
use crate::template::field::Source;
use crate::template::render::Op;
use crate::template::text;
use crate::template::text::Escapes;
use crate::template::text::Fault;
use crate::template::text::Piece;

/// What rsyslog writes for a property that it does not know, before it gives up on the rest.
const INVALID_PROPERTY: &[u8] = b"**INVALID PROPERTY NAME**";

/// rsyslog's page about templates.
const PAGE: &str = "configuration/templates";

/// `template()`.
pub static TEMPLATE: &[Spec] = &[
    Spec::new("name", Kind::Str, "", "The name by which actions ask for it."),
    Spec::new("type", Kind::Str, "", "What it is made of: string, list, subtree or plugin."),
    Spec::new("string", Kind::Str, "", "The text of a string template."),
    Spec::new("plugin", Kind::Str, "", "The compiled-in format that it stands for."),
    Spec::new("subtree", Kind::Str, "", "The variable tree that it writes."),
    Spec::new("option.sql", Kind::Bool, "off", "Escapes properties for MySQL."),
    Spec::new("option.stdsql", Kind::Bool, "off", "Escapes properties for standard SQL."),
    Spec::new("option.json", Kind::Bool, "off", "Escapes quotes and backslashes of properties."),
    Spec::new("option.jsonf", Kind::Bool, "off", "Writes one JSON object of the parts."),
    Spec::new("option.casesensitive", Kind::Bool, "off", "Heeds the case of variable names."),
];

/// `constant()` in a list template.
pub static CONSTANT: &[Spec] = &[
    Spec::new("value", Kind::Str, "", "The text."),
    Spec::new("outname", Kind::Str, "", "Its name in JSON."),
    Spec::new("format", Kind::Str, "", "jsonf: writes name and value."),
];

/// `property()` in a list template.
pub static PROPERTY: &[Spec] = &[
    Spec::new("name", Kind::Str, "", "The property."),
    Spec::new("outname", Kind::Str, "", "Its name in JSON."),
    Spec::new("dateFormat", Kind::Str, "rfc3164", "How a timestamp is written."),
    Spec::new("date.inUTC", Kind::Bool, "off", "Writes a timestamp in UTC."),
    Spec::new("caseConversion", Kind::Str, "", "Changes letters: lower or upper."),
    Spec::new("controlCharacters", Kind::Str, "", "What becomes of them: escape, space or drop."),
    Spec::new("securePath", Kind::Str, "", "What becomes of slashes: drop or replace."),
    Spec::new(
        "format",
        Kind::Str,
        "",
        "Escapes for csv, json, jsonf, jsonr, jsonfr, json-strict or sd-value.",
    ),
    Spec::new("position.from", Kind::Int, "", "First character, from 1."),
    Spec::new("position.to", Kind::Int, "", "Last character, from 1; -n leaves off the last n."),
    Spec::new("position.relativeToEnd", Kind::Bool, "off", "Counts characters from the end."),
    Spec::new("field.number", Kind::Int, "", "Which field, from 1."),
    Spec::new("field.delimiter", Kind::Int, "9", "The character between fields, as a number."),
    Spec::new(
        "regex.expression",
        Kind::Str,
        "",
        "A POSIX regular expression; what it finds is written.",
    ),
    Spec::new("regex.type", Kind::Str, "BRE", "Its language: BRE or ERE."),
    Spec::new(
        "regex.nomatchmode",
        Kind::Str,
        "DFLT",
        "What is written if it finds nothing: DFLT, BLANK, FIELD or ZERO.",
    ),
    Spec::new("regex.match", Kind::Int, "0", "Which of the matches, from 0."),
    Spec::new("regex.submatch", Kind::Int, "0", "Which group of the match; 0 is all of it."),
    Spec::new("dropLastLf", Kind::Bool, "off", "Drops a line feed at the end."),
    Spec::new("mandatory", Kind::Bool, "off", "Keeps an empty value among omjournal's fields."),
    Spec::new("spifno1stsp", Kind::Bool, "off", "Writes a space unless the value starts with one."),
    Spec::new("compressSpace", Kind::Bool, "off", "Makes one space of several."),
    Spec::new("fixedWidth", Kind::Bool, "off", "Fills the range with spaces."),
    Spec::new(
        "dataType",
        Kind::Str,
        "string",
        "How jsonf writes it: string, number, auto or bool.",
    ),
    Spec::new("onEmpty", Kind::Str, "keep", "What jsonf does without a value: keep, skip or null."),
];

pub(super) fn object(object: &Object, diags: &mut Diagnostics) -> Option<Template> {
    let params = param::check(object, &[TEMPLATE], diags);
    let Some(name) = params.str("name") else {
        let complaint = Diagnostic::error(object.loc, "a template needs a name");
        params.missing(&["name"], complaint, diags);
        return None;
    };
    let options = options(&params, diags)?;
    let kind = params.str("type").unwrap_or(if object.legacy { "string" } else { "" });
    only_of_its_type(kind, object, &params, diags);
    match kind {
        "string" => {
            let Some(text) = params.bytes("string") else {
                let complaint = Diagnostic::error(object.loc, "a string template needs 'string'");
                params.missing(&["string"], complaint, diags);
                return None;
            };
            let escapes = if object.legacy { Escapes::Legacy } else { Escapes::Done };
            string(name, text, escapes, &options, params.loc("string"), diags)
        }
        "list" => list(name, object, &options, diags),
        "plugin" => plugin(name, &params, diags),
        "subtree" => subtree(name, &params, diags),
        "" => {
            let complaint = Diagnostic::error(object.loc, "a template needs a type");
            params.missing(&["type"], complaint, diags);
            None
        }
        other => {
            let types = ["string", "list", "subtree", "plugin"];
            let message = format!("template type '{other}' not known");
            diags.push(unknown(params.loc("type"), message, other, types));
            None
        }
    }
}

fn options(params: &Params, diags: &mut Diagnostics) -> Option<Options> {
    let on = |name: &str| params.bool(name) == Some(true);
    let escapes = [
        ("option.sql", Escape::Sql),
        ("option.stdsql", Escape::StdSql),
        ("option.json", Escape::Json),
    ];
    let mut escapes = escapes.into_iter().filter(|(name, _)| on(name));
    let object = on("option.jsonf");
    let escape = escapes.next();
    let clash = escapes.next().or_else(|| escape.filter(|_| object));
    if let Some((name, _)) = clash {
        let message = "only one of option.sql, option.stdsql, option.json and option.jsonf";
        diags.push(Diagnostic::error(params.loc(name), message));
        return None;
    }
    let escape = escape.map_or(Escape::None, |(_, escape)| escape);
    Some(Options { escape, object, case_sensitive: on("option.casesensitive") })
}

/// Complains of what belongs to a template of another type; rsyslog ignores it, and says so.
fn only_of_its_type(kind: &str, object: &Object, params: &Params, diags: &mut Diagnostics) {
    let known = ["string", "list", "subtree", "plugin"].contains(&kind);
    for owner in ["string", "plugin", "subtree"] {
        if known && kind != owner && params.has(owner) {
            let message = format!("'{owner}' belongs to templates of type {owner}: it is ignored");
            diags.push(Diagnostic::error(params.loc(owner), message).term(PAGE));
        }
    }
    if let Some(part) = object.parts.first().filter(|_| known && kind != "list") {
        let message = "only templates of type list have parts in braces: they are ignored";
        diags.push(Diagnostic::error(part.loc, message).help("write type=\"list\"").term(PAGE));
    }
}

/// A template that is one variable's value, as JSON where it is no text. No option applies to it.
fn subtree(name: &str, params: &Params, diags: &mut Diagnostics) -> Option<Template> {
    let Some(tree) = params.bytes("subtree") else {
        let complaint = Diagnostic::error(params.loc, "a subtree template needs 'subtree'");
        let complaint = complaint.help("add subtree=\"$!\"").term(PAGE);
        params.missing(&["subtree"], complaint, diags);
        return None;
    };
    let variable = tree.strip_prefix(b"$").filter(|bare| bare.starts_with(b"!"));
    let Some(variable) = variable.and_then(Variable::parse) else {
        let bare = tree.trim_start_with(|sign| "$./".contains(sign)).as_bstr();
        let message = format!("'{tree}' is no tree of the message: it begins with '$!'");
        let diagnostic = Diagnostic::error(params.loc("subtree"), message);
        diags.push(diagnostic.help(format!("write $!{bare}")).term(PAGE));
        return None;
    };
    let content = Content::Members(variable.clone());
    let parts = vec![Part { name: Vec::new(), content, mandatory: false }];
    let ops = vec![Op::Variable(Box::new(variable))];
    Some(Template::new(name.to_owned(), ops, &Options::default()).with_parts(parts))
}

/// Compiles a template's text. A bad property ends an RainerScript template; of a `$template` line
/// rsyslog keeps what stands before it.
pub(super) fn string(
    name: &str,
    text: &[u8],
    escapes: Escapes,
    options: &Options,
    loc: Loc,
    diags: &mut Diagnostics,
) -> Option<Template> {
    let parsed = text::parse(text, escapes, options.case_sensitive);
    let failed = parsed.stopped;
    for fault in parsed.faults {
        let loc = place(text, loc, &fault);
        diags.push(Diagnostic { loc, ..diagnostic(fault) }.term(manual::PROPERTY_REPLACER));
    }
    let mut pieces = parsed.pieces;
    if failed {
        if escapes != Escapes::Legacy {
            return None;
        }
        pieces.push(Piece::Text(INVALID_PROPERTY.to_vec()));
    }
    for piece in &mut pieces {
        if let Piece::Field(field) = piece {
            check_width(field, loc, diags);
        }
    }
    let parts = pieces.iter().filter_map(|piece| match piece {
        Piece::Field(field) => Some(Part::of(&field.name, field, false)),
        Piece::Text(_) => None,
    });
    let parts = parts.collect();
    let ops = pieces.into_iter().map(Op::of).collect();
    Some(Template::new(name.to_owned(), ops, options).with_parts(parts))
}

fn diagnostic(fault: Fault) -> Diagnostic {
    let Fault { severity, at: _, message, help } = fault;
    Diagnostic { severity, help, ..Diagnostic::error(Loc::default(), message) }
}

/// Where in the configuration a fault in `text` stands. `loc` is the text's place, with or without
/// its quotes; if it had escapes in it, each is taken to have been two bytes, and if the sum does
/// not come out, the whole text is the place.
fn place(text: &[u8], loc: Loc, fault: &Fault) -> Loc {
    let escaped = |text: &[u8]| text.iter().filter(|b| b"\n\t\r\"\\".contains(b)).count();
    let length = (loc.end - loc.start) as usize;
    for quotes in [0, 1] {
        for escapes in [false, true] {
            let shift = |at: usize| quotes + at + if escapes { escaped(&text[..at]) } else { 0 };
            if shift(text.len()) + quotes == length {
                let start = loc.start + len32(shift(fault.at.start.min(text.len())));
                let end = loc.start + len32(shift(fault.at.end.min(text.len())));
                return Loc { start, end, ..loc };
            }
        }
    }
    loc
}

/// rsyslog pads an open range to ten million characters; that cannot have been meant.
fn check_width(field: &mut Field, loc: Loc, diags: &mut Diagnostics) {
    let open = field.range.is_some_and(|range| range.to > limits::MESSAGE_BYTES_MAX);
    if field.fixed_width && open {
        field.fixed_width = false;
        let message = "a fixed width needs an end position; nothing is padded here";
        diags.push(Diagnostic::warning(loc, message));
    }
}

fn plugin(name: &str, params: &Params, diags: &mut Diagnostics) -> Option<Template> {
    let plugin = params.str("plugin").unwrap_or_default();
    if !builtin::PLUGINS.contains(&plugin) {
        let message = format!("template plugin '{plugin}' not known");
        diags.push(unknown(params.loc("plugin"), message, plugin, builtin::PLUGINS));
        return None;
    }
    builtin::find(plugin).map(|mut template| {
        name.clone_into(&mut template.name);
        template
    })
}

/// As in rsyslog a list ends at its first part that is wrong; what stands before it is used.
fn list(
    name: &str,
    object: &Object,
    options: &Options,
    diags: &mut Diagnostics,
) -> Option<Template> {
    if object.parts.is_empty() {
        let message = "a list template needs property() or constant() in braces";
        diags.push(Diagnostic::error(object.loc, message));
        return None;
    }
    let (mut ops, mut parts) = (Vec::with_capacity(object.parts.len()), Vec::new());
    for part in &object.parts {
        let op = match part.kind {
            ObjectKind::Constant => constant(part, &mut parts, diags),
            ObjectKind::Property => property(part, options, (&mut ops, &mut parts), diags),
            _ => {
                let message = "only property() and constant() can be part of a template";
                diags.push(Diagnostic::error(part.loc, message));
                None
            }
        };
        let Some(op) = op else { break };
        ops.push(op);
    }
    Some(Template::new(name.to_owned(), ops, options).with_parts(parts))
}

fn constant(part: &Object, parts: &mut Vec<Part>, diags: &mut Diagnostics) -> Option<Op> {
    let params = param::check(part, &[CONSTANT], diags);
    let Some(value) = params.bytes("value") else {
        let complaint = Diagnostic::error(part.loc, "constant() needs a value");
        params.missing(&["value"], complaint, diags);
        return None;
    };
    let value = unescaped(value);
    match params.str("format") {
        None => {
            let op = Op::Text(value.into_boxed_slice());
            if let Some(name) = params.bytes("outname") {
                parts.push(fixed(name, &op));
            }
            return Some(op);
        }
        Some("jsonf") => {}
        Some(other) => {
            let message = format!("constant() knows no format '{other}'");
            diags.push(Diagnostic::error(params.loc("format"), message).help("write 'jsonf'"));
            return None;
        }
    }
    let Some(name) = params.bytes("outname") else {
        diags.push(Diagnostic::error(part.loc, "format=\"jsonf\" needs an outname"));
        return None;
    };
    // Unlike a property's, rsyslog puts a space behind this colon.
    let mut text = vec![b'"'];
    escape::json(name, false, &mut text);
    text.extend_from_slice(b"\": \"");
    escape::json(&value, false, &mut text);
    text.push(b'"');
    let op = Op::Text(text.into_boxed_slice());
    parts.push(fixed(name, &op));
    Some(op)
}

/// A text that has a name.
fn fixed(name: &[u8], op: &Op) -> Part {
    Part { name: name.to_vec(), content: Content::Rendered(op.clone()), mandatory: true }
}

/// rsyslog unescapes a constant's value once more, after the string has been unescaped as any other
/// (libestr). What is no escape keeps its backslash.
fn unescaped(value: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        let escape = if *byte == b'\\' { rest.first().copied() } else { None };
        let meant = match escape {
            Some(b'0') => Some(0),
            Some(b'a') => Some(0x07),
            Some(b'b') => Some(0x08),
            Some(b'f') => Some(0x0C),
            Some(b'n') => Some(b'\n'),
            Some(b'r') => Some(b'\r'),
            Some(b't') => Some(b'\t'),
            Some(same @ (b'\'' | b'"' | b'?' | b'\\')) => Some(same),
            Some(b'x') => rest.get(1..3).and_then(hexadecimal),
            _ => None,
        };
        text.push(meant.unwrap_or(*byte));
        if meant.is_some() {
            rest = &rest[if escape == Some(b'x') { 3 } else { 1 }..];
        }
    }
    text
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    let mut number = 0;
    for digit in digits {
        number = number * 16 + char::from(*digit).to_digit(16)?;
    }
    u8::try_from(number).ok()
}

fn property(
    part: &Object,
    options: &Options,
    (ops, parts): (&mut Vec<Op>, &mut Vec<Part>),
    diags: &mut Diagnostics,
) -> Option<Op> {
    let params = param::check(part, &[PROPERTY], diags);
    let Some(name) = params.bytes("name") else {
        let complaint = Diagnostic::error(part.loc, "property() needs a name");
        params.missing(&["name"], complaint, diags);
        return None;
    };
    let source = match text::source(name, 0..0, options.case_sensitive) {
        Ok(source) => source,
        Err(fault) => {
            let fault = Diagnostic { loc: params.loc("name"), ..diagnostic(fault) };
            diags.push(fault.term(manual::PROPERTIES));
            ops.push(Op::Text(INVALID_PROPERTY.into()));
            return None;
        }
    };
    let default = name.strip_prefix(b"$!").unwrap_or(name);
    let outname = params.bytes("outname").map_or(default, |name| name);
    let mut field = match source {
        Source::Variable(_) => Field::new(source, &text::cased(outname, options.case_sensitive)),
        source => Field::new(source, outname),
    };
    let mut words = Words { params: &params, diags };
    words.date(&mut field)?;
    words.position(&mut field)?;
    words.pick(&mut field)?;
    field.case = words.one_of("caseConversion", CASES)?;
    field.control = words.one_of("controlCharacters", CONTROLS)?;
    field.secure_path = words.one_of("securePath", SECURE_PATHS)?;
    field.format = words.one_of("format", FORMATS)?;
    field.data_type = words.one_of("dataType", DATA_TYPES)?;
    field.on_empty = words.one_of("onEmpty", ON_EMPTY)?;
    field.drop_last_lf = params.bool("dropLastLf") == Some(true);
    field.space_if_none = params.bool("spifno1stsp") == Some(true);
    field.compress_space = params.bool("compressSpace") == Some(true);
    field.fixed_width = params.bool("fixedWidth") == Some(true);
    check_width(&mut field, params.loc("fixedWidth"), diags);
    let mandatory = params.bool("mandatory") == Some(true);
    parts.push(Part::of(outname, &field, mandatory));
    Some(Op::of(Piece::Field(Box::new(field))))
}

type Choice<T> = &'static [(&'static str, T)];

const CASES: Choice<Case> = &[("upper", Case::Upper), ("lower", Case::Lower)];
const CONTROLS: Choice<Control> =
    &[("escape", Control::Escape), ("space", Control::Space), ("drop", Control::Drop)];
const SECURE_PATHS: Choice<SecurePath> =
    &[("drop", SecurePath::Drop), ("replace", SecurePath::Replace)];
const FORMATS: Choice<Format> = &[
    ("csv", Format::Csv),
    ("json", Format::Json { raw: false }),
    ("jsonr", Format::Json { raw: true }),
    ("jsonf", Format::JsonField { raw: false }),
    ("jsonfr", Format::JsonField { raw: true }),
    ("json-strict", Format::JsonStrict),
    ("sd-value", Format::SdValue),
];
const DATA_TYPES: Choice<DataType> = &[
    ("string", DataType::String),
    ("number", DataType::Number),
    ("auto", DataType::Auto),
    ("bool", DataType::Bool),
];
const ON_EMPTY: Choice<OnEmpty> =
    &[("keep", OnEmpty::Keep), ("skip", OnEmpty::Skip), ("null", OnEmpty::Null)];
const REGEX_TYPES: Choice<bool> = &[("BRE", false), ("ERE", true)];
const NO_MATCH: Choice<NoMatch> = &[
    ("DFLT", NoMatch::Default),
    ("BLANK", NoMatch::Blank),
    ("FIELD", NoMatch::Field),
    ("ZERO", NoMatch::Zero),
];

/// The words that parameters of `property()` take, with their parameters.
#[cfg(test)]
pub(super) fn words() -> Vec<(&'static str, &'static str)> {
    fn all<T>(param: &'static str, choice: Choice<T>) -> Vec<(&'static str, &'static str)> {
        choice.iter().map(|(word, _)| (param, *word)).collect()
    }
    let dates = TimeFormat::names().filter(|name| !name.starts_with("iso-"));
    let mut words: Vec<_> = dates.map(|name| ("dateFormat", name)).collect();
    words.extend(all("caseConversion", CASES));
    words.extend(all("controlCharacters", CONTROLS));
    words.extend(all("securePath", SECURE_PATHS));
    words.extend(all("format", FORMATS));
    words.extend(all("dataType", DATA_TYPES));
    words.extend(all("onEmpty", ON_EMPTY));
    words.extend(all("regex.type", REGEX_TYPES));
    words.extend(all("regex.nomatchmode", NO_MATCH));
    words
}

/// The parameters of one `property()`, read with complaints.
struct Words<'p, 'd> {
    params: &'p Params,
    diags: &'d mut Diagnostics,
}

impl Words<'_, '_> {
    /// One of a few words; the default if the parameter is not given, `None` if it is none of them.
    fn one_of<T: Copy + Default>(&mut self, name: &str, choice: Choice<T>) -> Option<T> {
        let Some(given) = self.params.bytes(name) else { return Some(T::default()) };
        if let Some((_, value)) = choice.iter().find(|(word, _)| word.as_bytes() == given) {
            return Some(*value);
        }
        let words: Vec<&str> = choice.iter().map(|(word, _)| *word).collect();
        self.wrong(name, given, &words);
        None
    }

    fn wrong(&mut self, name: &str, given: &BString, words: &[&str]) {
        let message = format!("'{name}' knows no '{given}'");
        let help = format!("one of {}", words.join(", "));
        self.diags.push(Diagnostic::error(self.params.loc(name), message).help(help));
    }

    fn number(&mut self, name: &str) -> Option<Option<usize>> {
        if !self.params.has(name) {
            return Some(None);
        }
        let number = self.params.size(name);
        if number.is_none() {
            let message = format!("'{name}' cannot be negative");
            self.diags.push(Diagnostic::error(self.params.loc(name), message));
        }
        number.map(Some)
    }

    fn date(&mut self, field: &mut Field) -> Option<()> {
        let mut wanted = TimeFormat::default();
        if let Some(given) = self.params.bytes("dateFormat") {
            let parsed = self.params.str("dateFormat").and_then(TimeFormat::parse);
            let Some(parsed) = parsed else {
                let names: Vec<&str> = TimeFormat::names().collect();
                self.wrong("dateFormat", given, &names);
                return None;
            };
            wanted = parsed;
        }
        if let Source::Time { format, utc, .. } = &mut field.source {
            *format = wanted;
            *utc = self.params.bool("date.inUTC") == Some(true);
        }
        Some(())
    }

    fn position(&mut self, field: &mut Field) -> Option<()> {
        let from = self.number("position.from")?;
        let relative = self.params.bool("position.relativeToEnd") == Some(true);
        let less = self.params.int("position.to").filter(|to| *to < 0);
        if let Some(less) = less.and_then(|to| usize::try_from(to.unsigned_abs()).ok()) {
            let from = from.unwrap_or(0);
            field.range = if relative {
                // There is nothing behind the end.
                Range::new(from, 1, true)
            } else {
                Some(Range::without_last(from, less))
            };
            return Some(());
        }
        let to = self.number("position.to")?;
        if from.is_none() && to.is_none() {
            return Some(());
        }
        let (from, to) = (from.unwrap_or(0), to.unwrap_or(END));
        if (from > to) != relative && from != to {
            let message = "position.from and position.to are the wrong way round";
            let at = if self.params.has("position.to") { "position.to" } else { "position.from" };
            self.diags.push(Diagnostic::error(self.params.loc(at), message));
            return None;
        }
        field.range = Range::new(from, to, relative);
        Some(())
    }

    fn pick(&mut self, field: &mut Field) -> Option<()> {
        let delimiter = self.number("field.delimiter")?;
        if let Some(number) = self.number("field.number")? {
            let Ok(delimiter) = u8::try_from(delimiter.unwrap_or(9)) else {
                let message = "'field.delimiter' is a character's number, up to 255";
                let loc = self.params.loc("field.delimiter");
                self.diags.push(Diagnostic::error(loc, message));
                return None;
            };
            field.pick = Pick::Field { delimiter, number };
        }
        let extended = self.one_of("regex.type", REGEX_TYPES)?;
        let otherwise = self.one_of("regex.nomatchmode", NO_MATCH)?;
        let submatch = self.number("regex.submatch")?.unwrap_or(0);
        let number = self.number("regex.match")?.unwrap_or(0);
        let Some(pattern) = self.params.bytes("regex.expression") else { return Some(()) };
        let loc = self.params.loc("regex.expression");
        let syntax = if extended { Syntax::Extended } else { Syntax::Basic };
        let regex = match Expression::new(pattern, syntax, false) {
            Ok(regex) => regex,
            Err(fault) => {
                self.diags.push(Diagnostic::error(loc, fault.why));
                return None;
            }
        };
        field.pick = Pick::Regex(Box::new(Match { regex, number, submatch, otherwise }));
        Some(())
    }
}

fn unknown<'a>(
    loc: Loc,
    message: String,
    given: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Diagnostic {
    let diagnostic = Diagnostic::error(loc, message);
    match nearest(given, known) {
        Some(near) => diagnostic.help(format!("did you mean '{near}'?")),
        None => diagnostic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::diag::Severity;

    /// Compiles a RainerScript string whose quoted text stands at `at` in its file, and gives the
    /// complaints.
    fn complaints(written: &str, value: &[u8], at: usize) -> (bool, Vec<Diagnostic>) {
        let mut diags = Diagnostics::default();
        let loc = Loc::new(0, at, at + written.len());
        let options = Options::default();
        let made = string("t", value, Escapes::Done, &options, loc, &mut diags);
        (made.is_some(), diags.all)
    }

    #[test]
    fn a_bad_name_is_pointed_at_inside_the_string() {
        for (written, value) in [
            (r#""<%pri%> %hostnam% x""#, "<%pri%> %hostnam% x"),
            (r#""a\tb\"%hostnam%\n""#, "a\tb\"%hostnam%\n"),
            ("한글 %hostnam%", "한글 %hostnam%"),
        ] {
            let (made, found) = complaints(written, value.as_bytes(), 100);
            let [diagnostic] = &*found else { panic!("{found:?}") };
            assert!(!made);
            assert_eq!(diagnostic.message, "property 'hostnam' not known");
            assert_eq!(diagnostic.help.as_deref(), Some("did you mean 'hostname'?"));
            let start = 100 + written.find("hostnam").unwrap();
            assert_eq!(diagnostic.loc, Loc::new(0, start, start + 7), "{written}");
        }
    }

    #[test]
    fn where_escapes_hide_the_place_the_string_is_it() {
        let (_, found) = complaints(r#""\x41%nosuch%""#, b"A%nosuch%", 7);
        assert_eq!(found[0].loc, Loc::new(0, 7, 7 + 14));
    }

    #[test]
    fn nothing_is_silent() {
        for (value, severity, message) in [
            ("%$msg%", Severity::Error, "property '$msg' not known"),
            ("%msg", Severity::Error, "not closed"),
            ("%%", Severity::Error, "property '' not known"),
            ("%msg:R,ERE,0:a%", Severity::Error, "'--end'"),
            ("%msg:R,PCRE,0:a--end%", Severity::Error, "BRE or ERE"),
            ("%msg:R,ERE,0:(a--end%", Severity::Error, "unmatched ("),
            ("%msg:F,x:1%", Severity::Error, "decimal"),
            ("%msg:1:$2%", Severity::Error, "behind '$'"),
            ("%msg:1:$:fixed-width%", Severity::Warning, "needs an end"),
            ("%msg:::upercase%", Severity::Error, "'upercase' not known"),
            ("%msg:::json,csv%", Severity::Error, "'csv' is ignored"),
            ("%msg:F,44:2+%", Severity::Note, "'+' has no effect"),
        ] {
            let (made, found) = complaints(value, value.as_bytes(), 0);
            assert_eq!(found.len(), 1, "{value}: {found:?}");
            let ignored = found[0].message.contains("ignored");
            let usable = severity < Severity::Error || ignored;
            assert_eq!(made, usable, "{value}");
            assert_eq!(found[0].severity, severity, "{value}");
            assert!(found[0].message.contains(message), "{value}: {}", found[0].message);
        }
    }
}
