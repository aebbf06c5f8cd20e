//! Templates as entries of systemd's journal, for omjournal: each part that has a name is a field,
//! in the native protocol (<https://systemd.io/JOURNAL_NATIVE_PROTOCOL>): `NAME=value` and a line
//! feed, or, of a value with line feeds in it, the name, a line feed, the length in eight bytes,
//! the value and a line feed.

use crate::message::Property;
use crate::message::Variable;
use crate::message::View;
use crate::message::json::Value;
use crate::template::Options;
use crate::template::Template;
use crate::template::field::Field;
use crate::template::field::Source;
use crate::template::field::with_scratch;
use crate::template::render::Op;
use crate::template::text::Piece;

/// What omjournal sends without a template.
pub(super) const DEFAULT: &str = " StdJournalFmt";

/// Bytes of a field's name, as the journal takes it.
const NAME_BYTES_MAX: usize = 64;
const IDENTIFIER: &[u8] = b"SYSLOG_IDENTIFIER";
/// What rsyslogd's entries have where its template has none.
const OWN_IDENTIFIER: &[u8] = b"SYSLOG_IDENTIFIER=rsyslogd\n";

/// A part of a template that has a name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    pub(super) name: Vec<u8>,
    pub(super) content: Content,
    /// `mandatory`: there even if it is empty.
    pub(super) mandatory: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    Rendered(Op),
    /// A variable's value: no option of the property applies to it.
    Variable(Variable),
    /// All members of an object, under their own names.
    Members(Variable),
}

/// A field of an entry, or several.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    part: Part,
    /// Spaces at the value's end are left off.
    trimmed: bool,
}

impl Part {
    /// A part with a property in it, called `name`.
    pub(super) fn of(name: &[u8], field: &Field, mandatory: bool) -> Self {
        let content = match &field.source {
            Source::Variable(variable) => Content::Variable((**variable).clone()),
            _ => Content::Rendered(Op::of(Piece::Field(Box::new(field.clone())))),
        };
        Self { name: name.to_vec(), content, mandatory }
    }
}

/// The template `name` whose parts are these; `None` if there are none.
pub(super) fn template(name: &str, parts: &[Part]) -> Option<Template> {
    let mut fields: Vec<Entry> = Vec::with_capacity(parts.len());
    let mut identified = false;
    for part in parts {
        let mut part = part.clone();
        part.name = field_name(&part.name);
        let members = matches!(part.content, Content::Members(_));
        if part.name.is_empty() && !members {
            continue;
        }
        identified |= part.name == IDENTIFIER;
        // As in an object the last one counts, at the place of the first.
        match fields.iter_mut().find(|field| !members && field.part.name == part.name) {
            Some(field) => field.part = part,
            None => fields.push(Entry { part, trimmed: false }),
        }
    }
    if fields.is_empty() {
        return None;
    }
    let mut ops: Vec<Op> = fields.into_iter().map(|field| Op::Entry(Box::new(field))).collect();
    if !identified {
        ops.push(Op::Text(OWN_IDENTIFIER.into()));
    }
    Some(Template::new(name.to_owned(), ops, &Options::default()))
}

/// [`DEFAULT`].
pub(super) fn default() -> Template {
    let field = |(name, property): (&str, Property)| {
        let field = Field::new(Source::Property(property), b"");
        let part = Part::of(name.as_bytes(), &field, true);
        Op::Entry(Box::new(Entry { part, trimmed: true }))
    };
    let fields = [
        ("MESSAGE", Property::Msg),
        ("PRIORITY", Property::SyslogSeverity),
        ("SYSLOG_FACILITY", Property::SyslogFacility),
        ("SYSLOG_IDENTIFIER", Property::SyslogTag),
    ];
    Template::new(DEFAULT.to_owned(), fields.map(field).into(), &Options::default())
}

impl Entry {
    pub(super) fn write(&self, view: &View<'_>, out: &mut Vec<u8>) {
        let Self { part: Part { name, content, mandatory }, trimmed } = self;
        match content {
            Content::Rendered(op) => with_scratch(|value| {
                op.render(view, value);
                let value = if *trimmed { value.trim_ascii_end() } else { value };
                if *mandatory || !value.is_empty() {
                    put(name, value, out);
                }
            }),
            Content::Variable(variable) => view.variables.with(variable, |value| {
                put_value(name, value, out);
            }),
            Content::Members(variable) => view.variables.with(variable, |value| {
                let Some(members) = value.and_then(Value::as_object) else { return };
                for (name, value) in members.iter() {
                    put_value(&field_name(name), Some(value), out);
                }
            }),
        }
    }

    /// The property that it reads.
    pub(super) fn property(&self) -> Option<Property> {
        match &self.part.content {
            Content::Rendered(op) => op.property(),
            Content::Variable(_) | Content::Members(_) => None,
        }
    }

    /// The variable that it shows.
    pub(super) const fn variable(&self) -> Option<&Variable> {
        match &self.part.content {
            Content::Rendered(op) => op.variable(),
            Content::Variable(variable) | Content::Members(variable) => Some(variable),
        }
    }
}

/// A field with a variable's value, if it has one.
fn put_value(name: &[u8], value: Option<&Value>, out: &mut Vec<u8>) {
    match value {
        Some(value) if !name.is_empty() && *value != Value::Null => with_scratch(|text| {
            value.write_text(text);
            put(name, text, out);
        }),
        _ => {}
    }
}

fn put(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(name);
    if memchr::memchr(b'\n', value).is_some() {
        out.push(b'\n');
        out.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        out.push(b'=');
    }
    out.extend_from_slice(value);
    out.push(b'\n');
}

/// The name under which the journal takes what is called `name`: upper-case letters, digits and
/// underscores, a letter first. It ignores fields with other names.
fn field_name(name: &[u8]) -> Vec<u8> {
    let fit =
        |byte: &u8| if byte.is_ascii_alphanumeric() { byte.to_ascii_uppercase() } else { b'_' };
    let letters = name.iter().skip_while(|byte| !byte.is_ascii_alphabetic());
    letters.map(fit).take(NAME_BYTES_MAX).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::diag::Diagnostics;
    use crate::base::diag::Loc;
    use crate::base::span::Span;
    use crate::message::Batch;
    use crate::message::InputInfo;
    use crate::message::Message;
    use crate::message::MessageFlags;
    use crate::message::Variables;
    use crate::message::json;

    #[test]
    fn names_that_the_journal_takes() {
        for (name, field) in [
            ("MESSAGE", "MESSAGE"),
            ("event-type", "EVENT_TYPE"),
            ("!a!b", "A_B"),
            ("$.loc", "LOC"),
            ("_PID", "PID"),
            ("1st", "ST"),
            ("\u{e9} x", "X"),
            ("", ""),
            ("한글", ""),
        ] {
            assert_eq!(field_name(name.as_bytes()), field.as_bytes(), "{name}");
        }
        assert_eq!(field_name(&[b'x'; 100]).len(), NAME_BYTES_MAX);
    }

    /// What a template makes of a message with `$!`.
    fn sent(template: &Template, msg: &str, tree: &str) -> String {
        let input = InputInfo { name: "imtcp".into(), hostname: Arc::from("vm") };
        let mut batch = Batch::new(Arc::new(input));
        batch.data.extend_from_slice(msg.as_bytes());
        batch.data.extend_from_slice(b"tag[1]:");
        let (msg, tag) = (Span::new(0, msg.len()), Span::new(msg.len(), msg.len() + 7));
        let message = Message { msg, raw: msg, tag, ..Message::default() };
        assert!(!message.flags.has(MessageFlags::TIME));
        let mut variables = Variables::default();
        if !tree.is_empty() {
            let all = Variable::parse(b"!").unwrap();
            let value = json::parse(tree.as_bytes(), json::Case::Insensitive).unwrap();
            variables.set(&all, value).unwrap();
        }
        let mut out = Vec::new();
        let view = View { batch: &batch, message: &message, variables: &variables };
        template.render(view, &mut out);
        out.escape_ascii().to_string()
    }

    #[test]
    fn without_a_template() {
        let template = default();
        let rest = r"\nPRIORITY=5\nSYSLOG_FACILITY=1\nSYSLOG_IDENTIFIER=tag[1]:\n";
        // rsyslogd's libsystemd leaves spaces at the end off.
        assert_eq!(sent(&template, " a b \t ", ""), format!("MESSAGE= a b{rest}"));
        assert_eq!(sent(&template, "", ""), format!("MESSAGE={rest}"));
        let lines = r"MESSAGE\n\x03\x00\x00\x00\x00\x00\x00\x00a\nb";
        assert_eq!(sent(&template, "a\nb", ""), format!("{lines}{rest}"));
    }

    #[test]
    fn the_parts_of_a_string() {
        let mut diags = Diagnostics::default();
        let text = b"%msg% text %$!event-type% %syslogtag:::jsonf:tagg% %$!o!x%%$!none%%$!o%";
        let options = Options::default();
        let made = Template::from_string("t", text, &options, Loc::default(), &mut diags).unwrap();
        let entry = made.as_entry().unwrap();
        let tree = r#"{"event-type":"ev","o":{"x":"a\nb"}}"#;
        assert_eq!(
            sent(&entry, "m", tree),
            concat!(
                r"MSG=m\nEVENT_TYPE=ev\n",
                r#"TAGG=\"tagg\":\"tag[1]:\"\n"#,
                r"O_X\n\x03\x00\x00\x00\x00\x00\x00\x00a\nb\n",
                r#"O={ \"x\": \"a\\nb\" }\n"#,
                r"SYSLOG_IDENTIFIER=rsyslogd\n"
            )
        );
        assert_eq!(
            sent(&entry, "", ""),
            "TAGG=\\\"tagg\\\":\\\"tag[1]:\\\"\\nSYSLOG_IDENTIFIER=rsyslogd\\n"
        );
        assert!(Template::builtin("RSYSLOG_FileFormat").unwrap().as_entry().is_none());
        assert!(Template::builtin(DEFAULT).unwrap().as_entry().is_some());
    }
}
