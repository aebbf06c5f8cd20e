//! Blocks in braces, and which of them lacks its brace.

use bstr::ByteSlice;

use crate::config::ast::Block;
use crate::config::ast::ObjectKind;
use crate::config::lex::Token;
use crate::config::parse::Parser;

/// What indentation tells about braces.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// Braces of this file that are open.
    pub(super) open: usize,
    /// The first block whose closing brace stands below the beginning of another: both braces.
    crooked: Option<(usize, usize)>,
    /// Whether more braces open than close.
    unbalanced: Option<bool>,
    /// That a block does not end was said.
    unclosed: bool,
}

impl Parser<'_> {
    /// `{ … }` behind the brace at `open`.
    pub(super) fn braces(&mut self, open: usize) -> Block {
        self.at = open + 1;
        let mut block = Block::new();
        self.shape.open += 1;
        self.deeper(|parser| {
            loop {
                match parser.peek() {
                    (Token::End, _) => return parser.unclosed_brace(open),
                    (Token::Object(kind), _) if parser.belongs_outside(kind) => {
                        return parser.unclosed_brace(open);
                    }
                    (Token::CloseBrace, end) => {
                        parser.note_indent(open);
                        parser.at = end;
                        return;
                    }
                    _ => parser.statement(&mut block, false),
                }
            }
        });
        self.shape.open -= 1;
        self.load.chain = false;
        block
    }

    /// Where the line of `at` begins, and how far it is indented; `None` if something else stands
    /// before `at`.
    fn indent(&self, at: usize) -> (usize, usize) {
        let text = &self.source.text;
        let line = text[..at].rfind_byte(b'\n').map_or(0, |newline| newline + 1);
        (line, text[line..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count())
    }

    /// Remembers the first block whose closing brace, which comes next, stands below the beginning
    /// of another one.
    fn note_indent(&mut self, open: usize) {
        let (line, indent) = self.indent(self.at);
        let (opened, wanted) = self.indent(open);
        if line + indent == self.at && line != opened && indent < wanted {
            self.shape.crooked.get_or_insert((open, self.at));
        }
    }

    /// Whether an object at the margin shows that the block around it was never closed.
    fn belongs_outside(&mut self, kind: ObjectKind) -> bool {
        let nested = matches!(
            kind,
            ObjectKind::Action | ObjectKind::Include | ObjectKind::Property | ObjectKind::Constant
        );
        let (line, _) = self.indent(self.at);
        if nested || line != self.at {
            return false;
        }
        let text = &self.source.text;
        *self.shape.unbalanced.get_or_insert_with(|| {
            let count = |brace| memchr::memchr_iter(brace, text).count();
            count(b'{') > count(b'}')
        })
    }

    /// Complains that a block does not end: of the one that most likely lacks its brace.
    fn unclosed_brace(&mut self, open: usize) {
        if std::mem::replace(&mut self.shape.unclosed, true) {
            return;
        }
        let (open, help) = match self.shape.crooked {
            Some((inner, close)) if inner > open => {
                let line = |at| memchr::memchr_iter(b'\n', &self.source.text[..at]).count() + 1;
                let (inner_line, close_line) = (line(inner), line(close));
                let help = format!(
                    "a '}}' is missing: the one in line {close_line} stands too far left to end \
                     the block of line {inner_line}"
                );
                (inner, help)
            }
            _ => (open, "a '}' is missing".to_owned()),
        };
        self.error(open, open + 1, "'{' is not closed", &help);
    }
}
