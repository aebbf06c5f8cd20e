//! Templates as the lints see them: constant text and properties, also of those that this version
//! cannot compile.

use std::borrow::Cow;

use bstr::ByteSlice;

use crate::base::diag::Loc;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::ast::Value;
use crate::engine::lint::Survey;
use crate::engine::lint::survey::is;
use crate::engine::lint::survey::on;
use crate::engine::lint::survey::values;

/// A template's parts.
#[derive(Debug)]
pub(super) struct Shape<'a> {
    pub(super) object: &'a Object,
    pub(super) name: String,
    pub(super) parts: Vec<Part<'a>>,
    /// `option.json` or `option.jsonf`: all properties are escaped.
    pub(super) json: bool,
}

#[derive(Debug)]
pub(super) enum Part<'a> {
    Text(Cow<'a, [u8]>),
    Field(Field),
}

/// A property in a template.
#[derive(Debug)]
pub(super) struct Field {
    /// In lower case, `$!tree` as written.
    pub(super) name: String,
    pub(super) loc: Loc,
    /// Quotes in the value are escaped.
    pub(super) json: bool,
    /// Slashes in the value are replaced or dropped.
    pub(super) secure: bool,
}

impl<'a> Shape<'a> {
    /// `None` for templates that have no parts, and for what is no template.
    pub(super) fn of(object: &'a Object, survey: &Survey<'_>) -> Option<Self> {
        let (name, _) = object.text("name")?;
        let option = |name| object.text(name).is_some_and(|(value, _)| on(&value));
        let json = option("option.json") || option("option.jsonf");
        let kind = object.text("type").map_or_else(String::new, |(kind, _)| kind);
        let mut parts = if is(&kind, "list") {
            object.parts.iter().filter_map(part).collect()
        } else {
            let param = object.param("string")?;
            let Value::Str(text) = &param.value else { return None };
            string(text, object.legacy, param.value_loc, survey)
        };
        if option("option.jsonf") {
            parts.insert(0, Part::Text(b"{"[..].into()));
            parts.push(Part::Text(b"}\n"[..].into()));
        }
        Some(Self { object, name, parts, json })
    }

    /// The text at the end, empty if a property ends the template.
    pub(super) fn tail(&self) -> &[u8] {
        match self.parts.last() {
            Some(Part::Text(text)) => text,
            Some(Part::Field(_)) | None => b"",
        }
    }

    /// Properties with the text before and behind each.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&[u8], &Field, &[u8])> {
        let text = |at: Option<usize>| match at.and_then(|at| self.parts.get(at)) {
            Some(Part::Text(text)) => &**text,
            Some(Part::Field(_)) | None => b"",
        };
        self.parts.iter().enumerate().filter_map(move |(at, part)| match part {
            Part::Field(field) => Some((text(at.checked_sub(1)), field, text(Some(at + 1)))),
            Part::Text(_) => None,
        })
    }
}

/// A part of a list template.
fn part(object: &Object) -> Option<Part<'_>> {
    if object.kind == ObjectKind::Constant {
        let param = object.param("value")?;
        let Value::Str(text) = &param.value else { return None };
        return Some(Part::Text(unescaped(text)));
    }
    let (name, loc) = object.text("name")?;
    let given = |name: &str, wanted: &[&str]| {
        values(object, name).iter().any(|value| wanted.iter().any(|word| is(value, word)))
    };
    Some(Part::Field(Field {
        name: lower(&name),
        loc,
        json: given("format", &["json", "jsonr", "jsonf", "jsonfr", "json-strict"]),
        secure: given("securePath", &["drop", "replace"]),
    }))
}

/// Names of variables keep their case.
fn lower(name: &str) -> String {
    let variable = ["$!", "$.", "$/"].iter().any(|tree| name.starts_with(tree));
    if variable { name.to_owned() } else { name.to_ascii_lowercase() }
}

/// A text with `\n`, `\"` and the like still in it.
fn unescaped(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'\\') {
        return text.into();
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'\\' => match bytes.next() {
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b't') => b'\t',
                Some(other) => *other,
                None => b'\\',
            },
            byte => *byte,
        });
    }
    plain.into()
}

/// `text %property:from:to:options:name% text`.
fn string<'a>(text: &'a [u8], legacy: bool, loc: Loc, survey: &Survey<'_>) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let length = rest.find_byte(b'%').unwrap_or(rest.len());
        let (constant, behind) = rest.split_at(length);
        if !constant.is_empty() {
            let constant = if legacy { unescaped(constant) } else { constant.into() };
            parts.push(Part::Text(constant));
        }
        let Some(property) = behind.strip_prefix(b"%") else { break };
        let end = property_end(property);
        parts.push(Part::Field(field(&property[..end], loc, survey)));
        rest = property.get(end + 1..).unwrap_or_default();
    }
    parts
}

/// Where the `%` is that closes a property: a regular expression may hold others.
fn property_end(property: &[u8]) -> usize {
    let first = property.find_byte(b'%').unwrap_or(property.len());
    let regex = property[..first].windows(2).any(|pair| pair == b":R");
    let expression = if regex { property.find("--end") } else { None };
    match expression {
        Some(at) => property[at..].find_byte(b'%').map_or(property.len(), |length| at + length),
        None => first,
    }
}

fn field(property: &[u8], loc: Loc, survey: &Survey<'_>) -> Field {
    let text = property.to_str_lossy();
    let name = text.split(':').next().unwrap_or_default();
    let options = text.rsplit("--end").next().unwrap_or_default();
    let mut options = options.split([':', ',']).skip(1);
    let (mut json, mut secure) = (false, false);
    let given = |word: &str, words: &[&str]| words.iter().any(|known| is(word, known));
    for option in &mut options {
        json |= given(option, &["json", "jsonr", "jsonf", "jsonfr", "json-strict"]);
        secure |= given(option, &["secpath-replace", "secpath-drop"]);
    }
    let loc = survey.within(loc, &format!("%{name}"));
    Field { name: lower(name), loc, json, secure }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse_text;

    /// Constant text as it is, properties in `<>` with marks for what is done to them.
    fn shape(text: &str) -> String {
        let config = parse_text("t", text.as_bytes());
        let survey = Survey::of(&config);
        let object = survey.objects(ObjectKind::Template).next().unwrap();
        let shape = Shape::of(object, &survey).unwrap();
        let part = |part: &Part<'_>| match part {
            Part::Text(text) => text.to_str_lossy().into_owned(),
            Part::Field(Field { name, json, secure, .. }) => {
                let json = if *json { " json" } else { "" };
                format!("<{name}{json}{}>", if *secure { " secure" } else { "" })
            }
        };
        shape.parts.iter().map(part).collect()
    }

    #[test]
    fn strings_are_taken_apart() {
        assert_eq!(shape(r#"$template t,"a\\%MSG:::json%\n""#), "a\\<msg json>\n");
        assert_eq!(
            shape(r#"template(name="t" type="string" string="%$!A%/%hostname:::secpath-drop%\n")"#),
            "<$!A>/<hostname secure>\n"
        );
        let regex = r#"$template t,"%msg:R,ERE,1,BLANK:(50%, json)--end:drop-cc%.""#;
        assert_eq!(shape(regex), "<msg>.");
        assert_eq!(shape(r#"template(name="t" type="string" string="%msg")"#), "<msg>");
    }

    #[test]
    fn lists_and_objects_are_the_same() {
        let list = r#"template(name="t" type="list" option.jsonf="on") {
            constant(value="a\\n") property(name="hostname" securePath="replace" format="jsonf") }"#;
        assert_eq!(shape(list), "{a\n<hostname json secure>}\n");
    }
}
