//! RainerScript inside of YAML: expressions, variables, filters, blocks of text.

use bstr::ByteSlice;

use crate::base::diag::Diagnostic;
use crate::base::diag::Loc;
use crate::base::diag::nearest;
use crate::config::ast::Block;
use crate::config::ast::Expr;
use crate::config::ast::PropertyFilter;
use crate::config::ast::Word;
use crate::config::expr::WORDS;
use crate::config::legacy;
use crate::config::lex;
use crate::config::lex::Token;
use crate::config::parse::GivenUp;
use crate::config::parse::Parser;
use crate::config::scan::Mode;
use crate::config::text::Outside;
use crate::config::text::Source;
use crate::config::yaml::Reader;
use crate::config::yaml::align::Style;
use crate::config::yaml::align::align;
use crate::config::yaml::tree::Scalar;
use crate::message::PriMask;

const EXPRESSION: &str = "an expression";

/// What stands before the actions.
#[derive(Debug)]
pub(super) enum Filter {
    Pri { filter: PriMask, text: String },
    Property(PropertyFilter),
}

impl Reader<'_> {
    /// A scalar's text, with its places in the file.
    fn source(&self, scalar: &Scalar) -> Source {
        let quotes = usize::from(matches!(scalar.style, Style::Single | Style::Double));
        let (start, end) = (scalar.loc.start as usize + quotes, scalar.loc.end as usize);
        let raw = self.text.get(start..end.saturating_sub(quotes)).unwrap_or_default();
        let runs = align(raw, start, scalar.text.as_bytes(), scalar.style);
        Source::embedded(scalar.text.as_bytes(), Outside { loc: scalar.loc, runs })
    }

    /// Parses a scalar's text as one thing of RainerScript, `what`; nothing may follow it.
    fn whole<T>(
        &mut self,
        scalar: &Scalar,
        what: &str,
        parse: impl FnOnce(&mut Parser<'_>) -> Result<T, GivenUp>,
    ) -> Option<T> {
        let source = self.source(scalar);
        let mut parser = Parser::new(&source, self.load, self.depth);
        let parsed = parse(&mut parser).ok()?;
        parser.skip(Mode::Expression);
        if parser.rest().is_empty() {
            return Some(parsed);
        }
        parser.surplus(what);
        None
    }

    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "a method's path is for one lifetime of a parser, a closure for any"
    )]
    pub(super) fn expression(&mut self, scalar: &Scalar) -> Option<Expr> {
        self.whole(scalar, EXPRESSION, |parser| parser.expression())
    }

    /// `$.name`
    pub(super) fn variable(&mut self, scalar: &Scalar, help: &str) -> Option<Word> {
        self.whole(scalar, "a variable", |parser| parser.variable(help))
    }

    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "a method's path is for one lifetime of a parser, a closure for any"
    )]
    pub(super) fn ruleset_name(&mut self, scalar: &Scalar) -> Option<Word> {
        self.whole(scalar, "a ruleset's name", |parser| parser.ruleset_name())
    }

    /// What stands in a ruleset's braces.
    pub(super) fn script(&mut self, scalar: &Scalar) -> Block {
        let source = self.source(scalar);
        let mut parser = Parser::new(&source, self.load, self.depth);
        let mut block = Block::new();
        loop {
            match parser.peek() {
                (Token::End, _) => return block,
                (Token::CloseBrace, end) => {
                    let help = "the text is the inside of the ruleset's braces";
                    parser.error(parser.at, end, "'}' closes nothing in this script", help);
                    parser.at = end;
                }
                (Token::Object(kind), end) if lex::object_name(kind) == "ruleset" => {
                    let help = "write its name under 'name:', and here what stands in its braces";
                    parser.error(parser.at, end, "a ruleset cannot stand in a script", help);
                    return block;
                }
                _ => parser.statement(&mut block, false),
            }
        }
    }

    /// A selector, or a property filter: that begins with a colon.
    pub(super) fn filter(&mut self, scalar: &Scalar) -> Option<(Filter, Loc)> {
        let source = self.source(scalar);
        let mut parser = Parser::new(&source, self.load, self.depth);
        parser.skip(Mode::Script);
        let start = parser.at;
        if parser.byte() == b':' {
            let (Token::PropertyFilter, end) = lex::token(&source.text, start) else {
                let text = source.text.trim_end().len();
                let help = ":property, [!]operation, \"value\"; there are three parts, separated \
                            by commas, and the value is quoted";
                parser.error(start, text.max(start + 1), "this is no property filter", help);
                return None;
            };
            parser.at = end;
            let filter = legacy::filter::parse(&source, start, end);
            let filter = match filter {
                Ok(filter) => Filter::Property(filter),
                Err(diagnostic) => {
                    parser.say(diagnostic);
                    return None;
                }
            };
            let loc = parser.loc(start, end);
            return parser.filter_ends().then_some((filter, loc));
        }
        let length = parser.rest().find_byteset(b" \t\n").unwrap_or(0);
        if length == 0 {
            let text = "this is no filter";
            parser.say(Diagnostic::error(scalar.loc, text).help("write a selector, e.g. *.info"));
            return None;
        }
        parser.at = start + length;
        let (filter, text) = parser.pri_filter(start, start + length);
        let loc = parser.loc(start, start + length);
        parser.filter_ends().then_some((Filter::Pri { filter, text }, loc))
    }
}

impl Parser<'_> {
    /// Complains about what stands behind `what`, which should be all.
    fn surplus(&mut self, what: &str) {
        let end = lex::word_end(&self.source.text, self.at).max(self.at + 1);
        let word = self.word().to_owned();
        if word.eq_ignore_ascii_case("then") {
            let help = "end the value before it; the statements stand under 'then:'";
            return self.error(self.at, end, "'then' cannot stand in the condition", help);
        }
        let operators = WORDS.iter().map(|(name, _)| *name);
        let near = nearest(&word, operators).filter(|_| what == EXPRESSION && !word.is_empty());
        if let Some(near) = near {
            let help = format!("did you mean '{near}'?");
            return self.error(self.at, end, "an operator is missing here", &help);
        }
        if what == EXPRESSION {
            let help = "is an operator or a quote missing before it?";
            return self.error(self.at, end, "this does not continue the expression", help);
        }
        self.error(self.at, end, format!("only {what} can stand here"), "");
    }

    /// Whether nothing follows a filter.
    fn filter_ends(&mut self) -> bool {
        self.skip(Mode::Script);
        let ends = self.rest().is_empty();
        if !ends {
            let end = self.source.text.trim_end().len();
            let help = "what is to be done stands under 'actions:'";
            self.error(self.at, end, "only the filter can stand here", help);
        }
        ends
    }
}
