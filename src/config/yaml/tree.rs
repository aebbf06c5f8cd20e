//! The events of the YAML parser as a tree of nodes with places, within limits.

use std::borrow::Cow;

use saphyr_parser::Event;
use saphyr_parser::Parser;
use saphyr_parser::ScalarStyle;
use saphyr_parser::Span;
use saphyr_parser::Tag;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::limits::YAML_DEPTH_MAX;
use crate::base::limits::YAML_NODES_MAX;
use crate::config::ast::Word;
use crate::config::scan::LOOKALIKES;
use crate::config::yaml::align::Style;
use crate::config::yaml::flaw;

#[derive(Debug)]
pub(super) enum Node {
    Scalar(Scalar),
    Sequence(Loc, Vec<Self>),
    Mapping(Loc, Vec<Entry>),
}

/// A text, however it is written.
#[derive(Debug)]
pub(super) struct Scalar {
    pub(super) text: String,
    /// With its quotes.
    pub(super) loc: Loc,
    pub(super) style: Style,
}

/// `key: value`
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: Word,
    pub(super) value: Node,
}

impl Node {
    /// Where it is, or begins.
    pub(super) const fn loc(&self) -> Loc {
        match self {
            Self::Scalar(scalar) => scalar.loc,
            Self::Sequence(loc, _) | Self::Mapping(loc, _) => *loc,
        }
    }

    /// What it is, with an article.
    pub(super) fn what(&self) -> &'static str {
        match self {
            Self::Scalar(scalar) if scalar.text.is_empty() => "nothing",
            Self::Scalar(_) => "a value",
            Self::Sequence(..) => "a list",
            Self::Mapping(..) => "a mapping",
        }
    }
}

/// From characters, which the YAML parser counts, to bytes. Nearly always the next offset is the
/// one asked for next.
struct Offsets<'a> {
    text: &'a str,
    chars: usize,
    bytes: usize,
}

impl Offsets<'_> {
    fn byte(&mut self, chars: usize) -> usize {
        let bytes = self.text.as_bytes();
        let inner = |at: usize| bytes.get(at).is_some_and(|b| b & 0xc0 == 0x80);
        while self.chars < chars && self.bytes < bytes.len() {
            self.chars += 1;
            self.bytes += 1;
            while inner(self.bytes) {
                self.bytes += 1;
            }
        }
        while self.chars > chars && self.bytes > 0 {
            self.chars -= 1;
            self.bytes -= 1;
            while inner(self.bytes) {
                self.bytes -= 1;
            }
        }
        self.bytes
    }
}

/// A sequence or mapping that is not closed yet.
enum Open {
    Sequence(Loc, Vec<Node>),
    /// With the key whose value comes next.
    Mapping(Loc, Vec<Entry>, Option<Word>),
}

struct Builder<'a> {
    text: &'a str,
    /// Bytes of the file before `text`.
    base: usize,
    file: u32,
    offsets: Offsets<'a>,
    open: Vec<Open>,
    root: Option<Node>,
    nodes: usize,
    /// What was found makes the rest misleading: it is read for further mistakes of this kind, and
    /// then not used.
    spoilt: bool,
    aliased: bool,
    diags: &'a mut Diagnostics,
}

/// The tree of `text`, which begins at `base` of the file. `None` if there is none, or no YAML;
/// a complaint was made then.
pub(super) fn read(file: u32, base: usize, text: &str, diags: &mut Diagnostics) -> Option<Node> {
    let offsets = Offsets { text, chars: 0, bytes: 0 };
    let builder = Builder {
        text,
        base,
        file,
        offsets,
        open: Vec::new(),
        root: None,
        nodes: 0,
        spoilt: false,
        aliased: false,
        diags,
    };
    builder.run()
}

impl Builder<'_> {
    fn run(mut self) -> Option<Node> {
        let mut parser = Parser::new_from_str(self.text);
        let mut documents = 0;
        while let Some(event) = parser.next_event() {
            let (event, span) = match event {
                Ok(event) => event,
                Err(error) => {
                    let at = self.offsets.byte(error.marker().index());
                    let (file, base, bracket) = (self.file, self.base, self.bracket());
                    let place = flaw::Place { file, base, at, bracket };
                    self.diags.push(flaw::explain(error.info(), self.text, &place));
                    return None;
                }
            };
            if let Event::DocumentStart(_) = event {
                documents += 1;
                if documents > 1 {
                    let text = "a second YAML document begins here";
                    let help = "write one document; rsyslog reads none but the first";
                    let loc = self.span(&span);
                    self.error(loc, text, help);
                    break;
                }
            }
            self.event(event, &span)?;
        }
        self.root.filter(|_| !self.spoilt)
    }

    /// Where the innermost bracket stands that is open.
    fn bracket(&self) -> Option<usize> {
        self.open.iter().rev().find_map(|open| {
            let (Open::Sequence(loc, _) | Open::Mapping(loc, ..)) = open;
            let at = loc.start as usize - self.base;
            matches!(self.text.as_bytes().get(at), Some(b'[' | b'{')).then_some(at)
        })
    }

    fn error(&mut self, loc: Loc, text: impl Into<String>, help: &str) {
        self.diags.push(Diagnostic::error(loc, text).help(help));
    }

    fn span(&mut self, span: &Span) -> Loc {
        let start = self.offsets.byte(span.start.index());
        let end = self.offsets.byte(span.end.index());
        Loc::new(self.file, self.base + start, self.base + end.max(start))
    }

    /// `None` if a limit is exceeded: the file is given up.
    fn event(&mut self, event: Event<'_>, span: &Span) -> Option<()> {
        let loc = self.span(span);
        match event {
            Event::Scalar(text, style, _, tag) => {
                self.tag(tag.as_ref(), loc);
                let scalar = self.scalar(text, style, loc);
                self.count(loc)?;
                self.take(Node::Scalar(scalar));
            }
            Event::SequenceStart(_, tag) => {
                self.tag(tag.as_ref(), loc);
                self.count(loc)?;
                self.open.push(Open::Sequence(loc, Vec::new()));
            }
            Event::MappingStart(_, tag) => {
                self.tag(tag.as_ref(), loc);
                self.count(loc)?;
                self.open.push(Open::Mapping(loc, Vec::new(), None));
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(_) => {
                if !self.aliased {
                    let help = "rsyslog takes none; write out what it stands for, or quote the '*'";
                    self.error(loc, "an alias cannot stand here", help);
                }
                (self.aliased, self.spoilt) = (true, true);
                self.count(loc)?;
                let style = Style::Plain;
                self.take(Node::Scalar(Scalar { text: String::new(), loc, style }));
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => {}
        }
        Some(())
    }

    fn tag(&mut self, tag: Option<&Cow<'_, Tag>>, loc: Loc) {
        if tag.is_some() {
            let start = loc.start as usize - self.base;
            let rest = self.text.as_bytes().get(start..).unwrap_or_default();
            let anchor = match rest.first() {
                Some(b'!') => 0,
                _ => memchr::memchr(b'!', rest).unwrap_or(0),
            };
            let word = |b: &&u8| !b.is_ascii_whitespace();
            let length = rest[anchor..].iter().take_while(word).count();
            let start = loc.start as usize + anchor;
            let loc = Loc::new(self.file, start, start + length);
            let text = "a tag cannot stand here";
            self.error(loc, text, "every value is text; remove it, or quote the '!'");
        }
    }

    fn count(&mut self, loc: Loc) -> Option<()> {
        self.nodes += 1;
        let text = if self.open.len() > YAML_DEPTH_MAX {
            format!("nested deeper than {YAML_DEPTH_MAX} levels")
        } else if self.nodes > YAML_NODES_MAX {
            format!("more than {YAML_NODES_MAX} values")
        } else {
            return Some(());
        };
        self.error(loc, text, "this file is not read");
        None
    }

    fn scalar(&mut self, text: Cow<'_, str>, style: ScalarStyle, loc: Loc) -> Scalar {
        let (start, end) = (loc.start as usize - self.base, loc.end as usize - self.base);
        let raw = self.text.as_bytes().get(start..end).unwrap_or_default();
        let lead = properties(raw);
        let (style, length) = match style {
            ScalarStyle::Plain => (Style::Plain, raw.len()),
            ScalarStyle::SingleQuoted => (Style::Single, closing_quote(raw, lead)),
            ScalarStyle::DoubleQuoted => (Style::Double, closing_quote(raw, lead)),
            ScalarStyle::Literal | ScalarStyle::Folded => {
                (Style::Block, raw.trim_ascii_end().len())
            }
        };
        let start = loc.start as usize + lead;
        let loc = Loc::new(self.file, start, (loc.start as usize + length).max(start));
        if style == Style::Plain {
            self.lookalikes(&text, loc);
        }
        Scalar { text: text.into_owned(), loc, style }
    }

    /// Characters that look like blanks or quotes, where an unquoted value begins, or behind what
    /// was meant to be its key.
    fn lookalikes(&mut self, text: &str, loc: Loc) {
        if text.is_ascii() {
            return;
        }
        let key = text.find([':', '-']).filter(|at| !text.get(..*at).unwrap_or("").contains(' '));
        for at in [Some(0), key.map(|at| at + 1)].into_iter().flatten() {
            let rest = text.get(at..).unwrap_or_default();
            let found = LOOKALIKES.iter().find(|(character, ..)| rest.starts_with(character));
            let Some((character, name, help)) = found else { continue };
            if *character != "\u{2013}" {
                let start = loc.start as usize + at;
                let place = Loc::new(self.file, start, start + character.len());
                self.error(place, format!("{name} stands here"), help);
                self.spoilt = true;
                return;
            }
        }
    }

    fn take(&mut self, node: Node) {
        match self.open.last_mut() {
            None => {
                // What follows the first document's only node belongs to no document that counts.
                self.root.get_or_insert(node);
            }
            Some(Open::Sequence(_, items)) => items.push(node),
            Some(Open::Mapping(loc, entries, key)) => match (key.take(), node) {
                (Some(key), Node::Scalar(scalar)) if scalar.text.is_empty() => {
                    // An absent value has no place of its own; some are given that of the next.
                    let scalar = match scalar.style {
                        Style::Plain => Scalar { loc: key.loc, ..scalar },
                        _ => scalar,
                    };
                    entries.push(Entry { key, value: Node::Scalar(scalar) });
                }
                (Some(key), value) => entries.push(Entry { key, value }),
                (None, Node::Scalar(scalar)) => {
                    if entries.is_empty() && loc.start == loc.end {
                        *loc = scalar.loc;
                    }
                    *key = Some(Word { text: scalar.text, loc: scalar.loc });
                }
                (None, node) => {
                    let place = node.loc();
                    *key = Some(Word { text: String::new(), loc: place });
                    let text = format!("{} cannot be a key", node.what());
                    let help = match node {
                        Node::Mapping(..) => "a key is a word; is this a '{{ … }}' to be replaced?",
                        _ => "a key is a word",
                    };
                    self.error(place, text, help);
                    self.spoilt = true;
                }
            },
        }
    }

    fn close(&mut self) {
        match self.open.pop() {
            Some(Open::Sequence(loc, items)) => self.take(Node::Sequence(loc, items)),
            Some(Open::Mapping(loc, entries, _)) => {
                let entries = if self.open.is_empty() { entries } else { self.once(entries) };
                self.take(Node::Mapping(loc, entries));
            }
            None => {}
        }
    }

    /// Leaves out what is given a second time.
    fn once(&mut self, mut entries: Vec<Entry>) -> Vec<Entry> {
        let mut order: Vec<usize> = (0..entries.len()).collect();
        order.sort_by_key(|at| (&entries[*at].key.text, *at));
        let mut again: Vec<usize> = order
            .windows(2)
            .filter(|pair| entries[pair[0]].key.text == entries[pair[1]].key.text)
            .map(|pair| pair[1])
            .collect();
        again.sort_unstable();
        let mut again = again.into_iter().peekable();
        let mut at = 0;
        entries.retain(|Entry { key, .. }| {
            at += 1;
            let keep = again.next_if_eq(&(at - 1)).is_none();
            if !keep && !key.text.is_empty() {
                let text = format!("'{}' is given twice", key.text);
                let help = "this one is left out";
                self.diags.push(Diagnostic::error(key.loc, text).help(help));
            }
            keep
        });
        entries
    }
}

/// Length of the anchor and tag before a value.
fn properties(raw: &[u8]) -> usize {
    let mut at = 0;
    while matches!(raw.get(at), Some(b'&' | b'!')) {
        at += raw[at..].iter().take_while(|b| !b.is_ascii_whitespace()).count();
        at += raw[at..].iter().take_while(|b| b.is_ascii_whitespace()).count();
    }
    at
}

/// Where a quoted value ends whose quote stands at `open`: blanks and comments may follow it.
fn closing_quote(raw: &[u8], open: usize) -> usize {
    let quote = raw.get(open).copied().unwrap_or_default();
    let mut at = open + 1;
    while let Some(&byte) = raw.get(at) {
        let doubled = quote == b'\'' && raw.get(at + 1) == Some(&quote);
        if byte == quote && !doubled {
            return at + 1;
        }
        at += if byte == quote || (quote == b'"' && byte == b'\\') { 2 } else { 1 };
    }
    raw.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> (Option<Node>, Vec<String>) {
        let mut diags = Diagnostics::default();
        let node = read(0, 0, text, &mut diags);
        (node, diags.all.into_iter().map(|d| d.message).collect())
    }

    #[test]
    fn scalars_are_text_with_their_places() {
        let text = "가: &a \"x\" # c\nb: 'y''z'   # d\n";
        let (Some(Node::Mapping(_, entries)), said) = tree(text) else { panic!("no mapping") };
        assert_eq!(said, Vec::<String>::new());
        let shown: Vec<_> = entries
            .iter()
            .map(|entry| {
                let loc = entry.value.loc();
                let Node::Scalar(scalar) = &entry.value else { panic!("no scalar") };
                (scalar.text.as_str(), text.get(loc.start as usize..loc.end as usize).unwrap())
            })
            .collect();
        assert_eq!(shown, [("x", "\"x\""), ("y'z", "'y''z'")]);
    }

    #[test]
    fn limits_hold() {
        let deep = "- ".repeat(YAML_DEPTH_MAX + 2);
        let (node, said) = tree(&deep);
        assert!(node.is_none());
        assert_eq!(said, [format!("nested deeper than {YAML_DEPTH_MAX} levels")]);
        let many = format!("[{}]", "a,".repeat(YAML_NODES_MAX));
        let (node, said) = tree(&many);
        assert!(node.is_none());
        assert_eq!(said, [format!("more than {YAML_NODES_MAX} values")]);
    }

    #[test]
    fn the_second_of_two_is_left_out() {
        let (node, said) = tree("x: {a: 1, b: 2, a: 3}");
        let Some(Node::Mapping(_, entries)) = node else { panic!("no mapping") };
        let Node::Mapping(_, inner) = &entries[0].value else { panic!("no mapping") };
        assert_eq!(inner.iter().map(|e| e.key.text.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(said, ["'a' is given twice"]);
    }
}
