//! The compiled form and its rendering.

use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::span::Span;
use crate::config::ast::Object;
use crate::message::Message;
use crate::message::Property;
use crate::message::TimeFormat;
use crate::message::Tree;
use crate::message::Variable;
use crate::message::View;
use crate::message::write_pri;
use crate::template::builtin;
use crate::template::compile;
use crate::template::entry;
use crate::template::entry::Entry;
use crate::template::entry::Part;
use crate::template::escape;
use crate::template::field::DataType;
use crate::template::field::Field;
use crate::template::field::Format;
use crate::template::field::OnEmpty;
use crate::template::field::Source;
use crate::template::field::with_scratch;
use crate::template::rfc5424;
use crate::template::text::Escapes;
use crate::template::text::Piece;

/// Escaping of every property of a template (`option.sql` and the like); constants are not escaped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Escape {
    #[default]
    None,
    /// A backslash before `'` and `\`, as `MySQL` takes it.
    Sql,
    /// `''` for `'`: standard SQL.
    StdSql,
    /// A backslash before `"` and `\`.
    Json,
}

/// A template's own options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    pub escape: Escape,
    /// `option.jsonf`: the parts that are not empty, with `, ` between them, in `{` and `}\n`.
    pub object: bool,
    /// `option.casesensitive`. Names of variables only; properties never mind.
    pub case_sensitive: bool,
}

/// One step of rendering.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Op {
    Text(Box<[u8]>),
    /// One byte of text: most of what stands between properties.
    Byte(u8),
    /// A property as it is.
    Property(Property),
    Pri,
    Rfc3339,
    Time(Source),
    /// A variable as it is.
    Variable(Box<Variable>),
    /// A space unless MSG starts with one (rsyslog's compiled-in formats).
    SpaceBeforeMsg,
    /// A whole RFC 5424 message, up to and with MSG.
    Rfc5424,
    /// The same up to MSGID, and a space.
    Rfc5424Head,
    /// A value for the inside of a JSON string; `raw` as in [`Format::Json`].
    Json {
        source: Source,
        raw: bool,
    },
    Field(Box<Field>),
    /// Of an entry of the journal.
    Entry(Box<Entry>),
}

/// A template, ready to render. Cheap to share, dear to clone. Two that are equal render the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    pub name: String,
    ops: Vec<Op>,
    escape: Escape,
    object: bool,
    properties: Vec<Property>,
    /// Bytes of constant text, and some for what is short.
    overhead: usize,
    /// Its parts that have names, for outputs that send fields.
    parts: Vec<Part>,
    /// How many of the first steps come to the same for messages that are folded; MSG at the end of
    /// the last of them is apart.
    head: usize,
    /// What it was made of, for the twin.
    #[cfg(any(test, fuzzing))]
    pub(super) made_of: (Vec<Op>, Options),
}

/// MSG, and constant text behind it.
#[derive(Clone, Copy, Debug)]
pub struct Behind<'a> {
    /// A space comes before it unless it begins with one.
    pub space: bool,
    pub end: &'a [u8],
}

impl Template {
    pub(super) fn new(name: String, ops: Vec<Op>, options: &Options) -> Self {
        #[cfg(any(test, fuzzing))]
        let made_of = (ops.clone(), *options);
        // The parts of an object stay apart: there will be separators between them. What is
        // escaped is escaped with its name and quotes.
        let mut ops = match options {
            Options { object: true, .. } => ops,
            Options { escape: Escape::None, .. } => {
                merged(ops.into_iter().flat_map(Op::steps).collect())
            }
            _ => merged(ops),
        };
        for op in &mut ops {
            if let Op::Text(text) = op
                && let [byte] = **text
            {
                *op = Op::Byte(byte);
            }
        }
        let mut properties = Vec::new();
        for property in ops.iter().filter_map(Op::property) {
            if !properties.contains(&property) {
                properties.push(property);
            }
        }
        let overhead = 64 + ops.iter().map(Op::constant).sum::<usize>();
        if !options.object && options.escape == Escape::None {
            rfc5424::fuse(&mut ops);
        }
        let plain = !options.object && options.escape == Escape::None;
        let head = match ops.first() {
            _ if !plain => 0,
            Some(Op::Rfc5424) => 1,
            _ => ops.iter().take_while(|op| op.is_shared()).count(),
        };
        Self {
            name,
            ops,
            head,
            escape: options.escape,
            object: options.object,
            properties,
            overhead,
            parts: Vec::new(),
            #[cfg(any(test, fuzzing))]
            made_of,
        }
    }

    /// The same with the parts that have names.
    pub(super) fn with_parts(mut self, parts: Vec<Part>) -> Self {
        self.parts = parts;
        self
    }

    /// What makes an entry of systemd's journal of a message: a field of each part that has a name.
    /// `None` if none has.
    #[must_use]
    pub fn as_entry(&self) -> Option<Self> {
        if self.name == entry::DEFAULT {
            return Some(self.clone());
        }
        entry::template(&self.name, &self.parts)
    }

    /// Makes a template of a `template()` object (or of a `$template` line that was lowered to
    /// one). `None` if rsyslog would have none either; complaints go to `diags`.
    pub fn compile(object: &Object, diags: &mut Diagnostics) -> Option<Self> {
        compile::object(object, diags)
    }

    /// Makes a template of a `$template` line's text, `loc` its place.
    pub fn from_string(
        name: &str,
        text: &[u8],
        options: &Options,
        loc: Loc,
        diags: &mut Diagnostics,
    ) -> Option<Self> {
        compile::string(name, text, Escapes::Legacy, options, loc, diags)
    }

    /// The built-in template of that name: `RSYSLOG_…` and those whose names start with a space.
    #[must_use]
    pub fn builtin(name: &str) -> Option<Self> {
        builtin::find(name)
    }

    /// Names of all built-in templates.
    pub fn builtin_names() -> impl Iterator<Item = &'static str> {
        builtin::names()
    }

    /// Whether constant text with a line feed at its end ends it.
    #[must_use]
    pub fn ends_with_line_feed(&self) -> bool {
        match self.ops.last() {
            _ if self.object => true,
            Some(Op::Text(text)) => text.ends_with(b"\n"),
            Some(Op::Byte(byte)) => *byte == b'\n',
            _ => false,
        }
    }

    /// The constant text at its beginning; `None` if a variable stands there, which the
    /// configuration may have made.
    #[must_use]
    pub fn leading_text(&self) -> Option<&[u8]> {
        match self.ops.first() {
            _ if self.object => Some(b"{"),
            Some(Op::Text(text)) => Some(text),
            Some(Op::Byte(byte)) => Some(std::slice::from_ref(byte)),
            Some(op) if op.is_variable() => None,
            _ => Some(b""),
        }
    }

    /// Appends what the template makes of a message.
    #[inline]
    pub fn render(&self, view: View<'_>, out: &mut Vec<u8>) {
        out.reserve(self.overhead + view.message.raw.len());
        if self.object {
            return self.render_object(&view, out);
        }
        if self.escape != Escape::None {
            return self.ops.iter().for_each(|op| op.render_escaped(self.escape, &view, out));
        }
        for op in &self.ops {
            op.render(&view, out);
        }
    }

    /// Appends what all messages begin with that are [folded](crate::message::Batch::fold).
    pub fn render_head(&self, view: View<'_>, out: &mut Vec<u8>) {
        let nothing = Message { msg: Span::EMPTY, raw: Span::EMPTY, ..*view.message };
        let view = View { message: &nothing, ..view };
        for op in self.ops.iter().take(self.head) {
            op.render(&view, out);
        }
    }

    /// Appends the whole message; it begins with what [`Template::render_head`] made of one that is
    /// folded with it.
    #[inline]
    pub fn render_behind(&self, head: &[u8], view: View<'_>, out: &mut Vec<u8>) {
        if self.head == 0 {
            return self.render(view, out);
        }
        out.reserve(head.len() + self.overhead + view.message.raw.len());
        out.extend_from_slice(head);
        if let Some(Op::Rfc5424) = self.ops.first() {
            out.extend_from_slice(view.bytes(view.message.msg));
        }
        for op in self.ops.iter().skip(self.head) {
            op.render(&view, out);
        }
    }

    /// What [`Template::render_behind`] puts behind the head, where that is MSG and hardly more.
    #[must_use]
    pub fn behind(&self) -> Option<Behind<'_>> {
        let ops = self.ops.get(self.head..)?;
        let (space, ops) = match (self.ops.first(), ops) {
            _ if self.head == 0 => return None,
            (Some(Op::Rfc5424), ops) => (false, ops),
            (_, [Op::SpaceBeforeMsg, Op::Property(Property::Msg), ops @ ..]) => (true, ops),
            (_, [Op::Property(Property::Msg), ops @ ..]) => (false, ops),
            _ => return None,
        };
        let end = match ops {
            [] => &[],
            [Op::Text(text)] => &**text,
            [Op::Byte(byte)] => std::slice::from_ref(byte),
            _ => return None,
        };
        Some(Behind { space, end })
    }

    fn render_object(&self, view: &View<'_>, out: &mut Vec<u8>) {
        out.push(b'{');
        let begin = out.len();
        for op in &self.ops {
            let separator = out.len();
            if separator > begin {
                out.extend_from_slice(b", ");
            }
            let start = out.len();
            op.render(view, out);
            if out.len() == start {
                out.truncate(separator);
            }
        }
        out.extend_from_slice(b"}\n");
    }

    /// The properties that rendering reads, each once.
    pub fn properties(&self) -> impl Iterator<Item = Property> + '_ {
        self.properties.iter().copied()
    }

    /// Whether it shows anything of `$!`.
    #[must_use]
    pub fn reads_message_tree(&self) -> bool {
        self.properties().any(Property::reads_message_tree)
            || self.ops.iter().filter_map(Op::variable).any(|of| of.tree == Tree::Message)
    }

    /// Whether every message of one source renders the same.
    #[must_use]
    pub fn is_constant_per_source(&self) -> bool {
        self.ops.iter().all(|op| match op {
            Op::SpaceBeforeMsg => false,
            op if op.is_variable() => false,
            op => op.property().is_none_or(Property::source_only),
        })
    }
}

/// Neighbouring texts become one.
fn merged(ops: Vec<Op>) -> Vec<Op> {
    let mut merged: Vec<Op> = Vec::with_capacity(ops.len());
    for op in ops {
        match (merged.last_mut(), op) {
            (Some(Op::Text(before)), Op::Text(text)) => {
                *before = [&**before, &*text].concat().into_boxed_slice();
            }
            (_, op) => merged.push(op),
        }
    }
    merged
}

impl Op {
    /// The cheapest operation that does what a piece says.
    pub(super) fn of(piece: Piece) -> Self {
        let field = match piece {
            Piece::Text(text) => return Self::Text(text.into_boxed_slice()),
            Piece::Field(field) => field,
        };
        if !field.is_plain() {
            return Self::Field(field);
        }
        Self::value(field.source)
    }

    /// A value as it is.
    fn value(source: Source) -> Self {
        match source {
            Source::Property(Property::Pri) => Self::Pri,
            Source::Property(property) => Self::Property(property),
            Source::Time {
                property: Property::TimeReported,
                format: TimeFormat::Rfc3339,
                utc: false,
            } => Self::Rfc3339,
            source @ Source::Time { .. } => Self::Time(source),
            Source::Variable(variable) => Self::Variable(variable),
        }
    }

    /// The same in smaller steps, where these are cheaper: `"name":"` and `"` are constant text,
    /// which grows together with what stands beside it, and what needs no escaping gets none.
    fn steps(self) -> Vec<Self> {
        let Self::Field(field) = &self else { return vec![self] };
        let value = |raw| match field.source.clone() {
            source if source.is_json_text() => Self::value(source),
            source => Self::Json { source, raw },
        };
        match field.format {
            Format::Json { raw } if field.is_whole() => vec![value(raw)],
            Format::JsonField { raw }
                if field.is_whole()
                    && field.data_type == DataType::String
                    && field.on_empty == OnEmpty::Keep =>
            {
                let name = [b"\"", &*field.name, b"\":\""].concat();
                vec![Self::Text(name.into()), value(raw), Self::Text(b"\"".as_slice().into())]
            }
            _ => vec![self],
        }
    }

    // A call for each step would cost as much as most steps do.
    #[expect(clippy::inline_always, reason = "measured: 5 % of the instructions of a message")]
    #[inline(always)]
    pub(super) fn render(&self, view: &View<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => out.extend_from_slice(text),
            Self::Byte(byte) => out.push(*byte),
            Self::Property(property) => view.write_property(*property, out),
            Self::Pri => write_pri(view.message.pri, out),
            Self::Rfc3339 => view.write_rfc3339(out),
            Self::Time(source) => source.write_time(view, out),
            Self::Variable(variable) => view.variables.with(variable, |value| {
                if let Some(value) = value {
                    value.write_text(out);
                }
            }),
            Self::SpaceBeforeMsg => {
                if view.bytes(view.message.msg).first() != Some(&b' ') {
                    out.push(b' ');
                }
            }
            Self::Rfc5424 => rfc5424::write(view, out),
            Self::Rfc5424Head => rfc5424::write_head(view, out),
            Self::Json { source, raw } => source.write_json(*raw, view, out),
            Self::Field(field) => field.write(view, out),
            Self::Entry(entry) => entry.write(view, out),
        }
    }

    fn render_escaped(&self, how: Escape, view: &View<'_>, out: &mut Vec<u8>) {
        if self.needs_no(how) {
            return self.render(view, out);
        }
        with_scratch(|scratch| {
            self.render(view, scratch);
            match how {
                Escape::None => out.extend_from_slice(scratch),
                Escape::Sql => escape::backslashed(scratch, b'\'', out),
                Escape::StdSql => escape::doubled(scratch, b'\'', out),
                // rsyslog sees nothing to escape where nothing else is there.
                Escape::Json if scratch.iter().all(|b| b"\"\\".contains(b)) => {
                    out.extend_from_slice(scratch);
                }
                Escape::Json => escape::backslashed(scratch, b'"', out),
            }
        });
    }

    /// Whether what it writes goes out as it is: constant text, and JSON that is escaped already.
    fn needs_no(&self, escape: Escape) -> bool {
        match self {
            Self::Text(_) | Self::Byte(_) => true,
            Self::Field(field) => escape == Escape::Json && field.format == Format::JsonStrict,
            _ => false,
        }
    }

    const fn is_variable(&self) -> bool {
        self.variable().is_some()
    }

    /// The variable that it shows.
    pub(super) const fn variable(&self) -> Option<&Variable> {
        let source = match self {
            Self::Variable(variable) => return Some(variable),
            Self::Entry(entry) => return entry.variable(),
            Self::Json { source, .. } | Self::Time(source) => source,
            Self::Field(field) => &field.source,
            Self::Text(_)
            | Self::Byte(_)
            | Self::Property(_)
            | Self::Pri
            | Self::Rfc3339
            | Self::SpaceBeforeMsg
            | Self::Rfc5424
            | Self::Rfc5424Head => return None,
        };
        match source {
            Source::Variable(variable) => Some(variable),
            Source::Property(_) | Source::Time { .. } => None,
        }
    }

    pub(super) fn property(&self) -> Option<Property> {
        match self {
            Self::Text(_) | Self::Byte(_) | Self::Variable(_) => None,
            Self::Property(property) => Some(*property),
            Self::Pri => Some(Property::Pri),
            Self::Rfc5424Head | Self::Rfc3339 => Some(Property::TimeReported),
            Self::Time(source) | Self::Json { source, .. } => source.property(),
            Self::SpaceBeforeMsg | Self::Rfc5424 => Some(Property::Msg),
            Self::Field(field) => field.source.property(),
            Self::Entry(entry) => entry.property(),
        }
    }

    /// Whether it comes to the same for messages that are folded.
    fn is_shared(&self) -> bool {
        match self {
            Self::Text(_) | Self::Byte(_) => true,
            op => op.property().is_some_and(Property::is_shared),
        }
    }

    fn constant(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Byte(_) => 1,
            _ => 0,
        }
    }
}
