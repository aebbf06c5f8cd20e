//! The parser: one file's text, statement by statement. It goes on after a mistake, at the next
//! place that makes sense, so that one run finds all of them.

use bstr::ByteSlice;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::limits::ELSE_IF_MAX;
use crate::base::limits::SCRIPT_DEPTH_MAX;
use crate::config::ast;
use crate::config::ast::Block;
use crate::config::ast::Expr;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::ast::Stmt;
use crate::config::ast::StmtKind;
use crate::config::ast::Word;
use crate::config::braces::Shape;
use crate::config::legacy;
use crate::config::legacy::Lowered;
use crate::config::lex;
use crate::config::lex::Keyword;
use crate::config::lex::Token;
use crate::config::load::Loader;
use crate::config::manual;
use crate::config::scan::Mode;
use crate::config::text::Source;
use crate::message::PriMask;

/// A complaint was made; the construct is given up.
#[derive(Debug)]
pub(super) struct GivenUp;

/// Where rsyslog's documentation describes what begins with `token`.
const fn page(token: Token) -> &'static str {
    match token {
        Token::Word(Keyword::Call) => manual::CALL,
        Token::Word(Keyword::CallIndirect) => manual::CALL_INDIRECT,
        Token::Word(Keyword::ReloadLookupTable) => manual::LOOKUP_TABLES,
        Token::Word(Keyword::Set | Keyword::Reset | Keyword::Unset) => manual::VARIABLES,
        Token::Word(_) => manual::CONTROL,
        Token::Object(kind) => manual::object(kind),
        Token::Action | Token::Ampersand => manual::ACTIONS,
        Token::PriFilter | Token::PropertyFilter => manual::FILTERS,
        Token::BsdBlock => manual::SYSKLOGD,
        Token::Directive => manual::DIRECTIVES,
        Token::Bad | Token::OpenBrace | Token::CloseBrace | Token::End => manual::FORMATS,
    }
}

#[derive(Debug)]
pub(super) struct Parser<'a> {
    pub(super) source: &'a Source,
    pub(super) load: &'a mut Loader,
    /// Offset of what comes next.
    pub(super) at: usize,
    /// Blocks and parentheses around it.
    pub(super) depth: usize,
    /// The rest of the text was given up: nothing more is to be said about it.
    abandoned: bool,
    /// Where a block begins that has no braces.
    bare: Option<usize>,
    /// The end of the last line with a selector that is not at its beginning.
    pub(super) misplaced: usize,
    pub(super) shape: Shape,
}

impl<'a> Parser<'a> {
    pub(super) fn new(source: &'a Source, load: &'a mut Loader, depth: usize) -> Self {
        let mut parser = Self {
            source,
            load,
            at: 0,
            depth,
            abandoned: false,
            bare: None,
            misplaced: usize::MAX,
            shape: Shape::default(),
        };
        if parser.rest().starts_with("\u{feff}".as_bytes()) {
            parser.at = "\u{feff}".len();
        }
        parser
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.source.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn byte(&self) -> u8 {
        self.rest().first().copied().unwrap_or(0)
    }

    /// Where the line ends that `at` is in.
    pub(super) fn line_end(&self) -> usize {
        let text = &self.source.text;
        memchr::memchr(b'\n', &text[self.at..]).map_or(text.len(), |length| self.at + length)
    }

    pub(super) fn loc(&self, start: usize, end: usize) -> Loc {
        self.source.loc(start, end)
    }

    pub(super) fn say(&mut self, diagnostic: Diagnostic) {
        if !self.abandoned {
            self.load.say(diagnostic);
        }
    }

    pub(super) fn error(&mut self, start: usize, end: usize, text: impl Into<String>, help: &str) {
        let diagnostic = Diagnostic::error(self.loc(start, end), text);
        self.say(if help.is_empty() { diagnostic } else { diagnostic.help(help) });
    }

    /// Gives the rest of the text up.
    pub(super) fn abandon(&mut self) {
        self.at = self.source.text.len();
        self.abandoned = true;
    }

    /// The token that comes next, and where it ends.
    pub(super) fn peek(&mut self) -> (Token, usize) {
        self.skip(Mode::Script);
        lex::token(&self.source.text, self.at)
    }

    /// All statements up to the end of the text, at the top level of the configuration.
    pub(super) fn top_level(&mut self) {
        loop {
            match self.peek() {
                (Token::End, _) => return,
                (Token::CloseBrace, end) => {
                    self.error(self.at, end, "'}' closes nothing", "remove it");
                    self.at = end;
                }
                _ => {
                    let mut block = Block::new();
                    self.statement(&mut block, true);
                    for statement in block {
                        self.load.push(statement);
                    }
                }
            }
        }
    }

    /// All statements up to the end of the text, inside of a block.
    pub(super) fn nested(&mut self) -> Block {
        let mut block = Block::new();
        loop {
            match self.peek() {
                (Token::End, _) => return block,
                (Token::CloseBrace, end) => {
                    let help = "a file that is included in a block cannot end that block";
                    self.error(self.at, end, "'}' closes nothing in this file", help);
                    self.at = end;
                }
                _ => self.statement(&mut block, false),
            }
        }
    }

    /// Runs `inner` one level deeper, unless that is too deep.
    pub(super) fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth >= SCRIPT_DEPTH_MAX {
            let text = format!("nested deeper than {SCRIPT_DEPTH_MAX} levels");
            self.error(self.at, self.at + 1, text, "the rest of this file is not read");
            self.abandon();
            return None;
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        Some(result)
    }

    /// One statement, or `{ … }`.
    fn block(&mut self, of: &str) -> Block {
        let mut block = Block::new();
        self.inner_directives();
        match self.peek() {
            (Token::OpenBrace, _) => {
                let open = self.at;
                block = self.braces(open);
                let empty = self.source.text.get(open + 1..self.at).unwrap_or_default();
                if empty.strip_suffix(b"}").is_some_and(|inner| inner.trim().is_empty()) {
                    let help = "write { continue } for nothing";
                    self.error(open, self.at, "a block cannot be empty", help);
                }
            }
            (Token::End | Token::CloseBrace, _) => {
                let text = &self.source.text;
                let end = text[..self.at].trim_end().len();
                let start = text[..end].rfind_byteset(b" \t\n").map_or(0, |blank| blank + 1);
                self.error(start, end, format!("nothing follows {of}"), "an action must");
            }
            (Token::Action, _) => {
                self.deeper(|parser| parser.legacy_line(true, &mut block));
            }
            _ => {
                self.bare = Some(self.at);
                self.deeper(|parser| parser.statement(&mut block, false));
            }
        }
        block
    }

    /// One statement, with the actions that `&` chains to it.
    pub(super) fn statement(&mut self, out: &mut Block, top: bool) {
        let (token, end) = self.peek();
        let start = self.at;
        let outer = self.load.turn_to(page(token));
        // Directives stand outside of the grammar: a '&' reaches over them.
        self.load.chain &= matches!(token, Token::Directive | Token::Ampersand);
        match token {
            Token::Word(Keyword::If) => self.branch(out),
            Token::Word(Keyword::Foreach) => self.foreach(out),
            Token::Word(Keyword::Else) => {
                self.at = end;
                let help = "an action between '}' and 'else', or a second 'else'?";
                self.error(start, end, "'else' without 'if'", help);
                self.block("'else'");
            }
            Token::Word(Keyword::ReloadLookupTable) => self.reload(out),
            Token::Word(keyword @ (Keyword::Set | Keyword::Reset | Keyword::Unset)) => {
                self.assignment(keyword, out);
            }
            Token::Word(_) => self.action_list(out),
            Token::Object(ObjectKind::Action) => self.action_list(out),
            Token::Object(ObjectKind::Include) => self.include(out, top),
            Token::Object(kind) => self.declaration(kind, top),
            Token::Action => self.legacy_line(false, out),
            Token::PriFilter => self.selector(end, out),
            Token::PropertyFilter => self.property_filter(end, out),
            Token::Directive => self.directive(end, top, out),
            Token::BsdBlock => {
                self.at = end;
                let line = self.source.text[start..end].trim();
                let (text, help) = legacy::bsd_block(line);
                self.error(start, start + line.len(), text, &help);
            }
            Token::OpenBrace => self.bare_block(),
            Token::Ampersand if self.load.chain => self.chain_on(out, top),
            Token::Ampersand => {
                self.at = end;
                let help = "'&' repeats the filter of an action before it; behind '}' write the \
                            action inside of the braces";
                self.error(start, end, "'&' has no action to chain to", help);
                let mut dropped = Block::new();
                if !matches!(self.peek().0, Token::End | Token::CloseBrace) {
                    self.statement(&mut dropped, false);
                }
            }
            Token::Bad if self.byte() == b':' => self.no_filter(out),
            Token::Bad if self.begins_stray(start) => self.stray(),
            Token::Bad => {
                let dollar = self.byte() == b'$';
                self.bad("here");
                if dollar {
                    self.skip_line();
                }
            }
            Token::End | Token::CloseBrace => {}
        }
        self.load.turn_to(outer);
    }

    fn directive(&mut self, end: usize, top: bool, out: &mut Block) {
        let start = self.at;
        self.at = end;
        let include = legacy::directive::read(self.source, start, end, self.load, top);
        if let Some(mut include) = include {
            include.alone = self.bare == Some(start);
            self.load.include(&include, top, self.depth, out);
        }
    }

    /// Reads directives that stand inside of a statement.
    fn inner_directives(&mut self) {
        while let (Token::Directive, end) = self.peek() {
            if lex::is_structural(&self.source.text[self.at..end]) {
                return;
            }
            self.directive(end, false, &mut Block::new());
        }
    }

    pub(super) fn property_filter(&mut self, end: usize, out: &mut Block) {
        let start = self.at;
        self.at = end;
        let filter = legacy::filter::parse(self.source, start, end);
        let then = self.block("the filter");
        match filter {
            Ok(filter) => {
                let kind = StmtKind::PropertyFilter { filter, then };
                out.push(Stmt { loc: self.loc(start, end), kind });
            }
            Err(diagnostic) => self.say(diagnostic),
        }
    }

    pub(super) fn selector(&mut self, end: usize, out: &mut Block) {
        let start = self.at;
        self.at = end;
        let (filter, text) = self.pri_filter(start, end);
        let then = self.block("the selector");
        let kind = StmtKind::PriFilter { filter, text, then };
        out.push(Stmt { loc: self.loc(start, end), kind });
    }

    /// The selector that stands at `start..end`: its mask and its text.
    pub(super) fn pri_filter(&mut self, start: usize, end: usize) -> (PriMask, String) {
        let text = self.source.text[start..end].to_str_lossy().into_owned();
        let (filter, error) = legacy::selector::parse(&text);
        if let Some(error) = error {
            self.rest_of_selector(&text);
            let loc = self.loc(start + error.start, start + error.end);
            let diagnostic = Diagnostic::error(loc, error.message).term(manual::FILTERS);
            self.say(match error.help {
                Some(help) => diagnostic.help(help),
                None => diagnostic,
            });
        }
        if text.to_ascii_lowercase().split([';', ',']).any(|part| part.starts_with("mark")) {
            let loc = self.loc(start, end);
            let text = "no message has the facility 'mark'; mark messages are syslog.info";
            self.say(Diagnostic::note(loc, text));
        }
        (filter, text)
    }

    /// Passes over what a blank cuts off from a selector: `mail.*, news.*`.
    fn rest_of_selector(&mut self, text: &str) {
        let blanks = self.rest().iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        let next = self.at + blanks;
        if text.ends_with([',', ';']) && lex::is_selector(&self.source.text, next) {
            self.at = lex::pri_filter(&self.source.text, next).unwrap_or(self.at);
        }
    }

    /// Actions joined by `&`.
    pub(super) fn action_list(&mut self, out: &mut Block) {
        self.one_action(out);
        self.chained(out);
        self.load.chain = true;
    }

    /// `& action`, behind what a file ended with that was included before it.
    fn chain_on(&mut self, out: &mut Block, top: bool) {
        let mut actions = Block::new();
        self.chained(&mut actions);
        if top {
            self.load.chain_on(actions);
        } else {
            ast::chain(out, actions);
        }
    }

    /// `& action & action …`
    fn chained(&mut self, out: &mut Block) {
        loop {
            let (token, end) = self.peek();
            let ampersand = self.at;
            match token {
                Token::Ampersand => {}
                Token::Directive
                    if lex::past_directives(&self.source.text, self.at) == Token::Ampersand =>
                {
                    self.inner_directives();
                    continue;
                }
                // As in rsyslog, a stray character does not break the chain.
                Token::Bad if self.byte() != b':' && !self.begins_stray(self.at) => {
                    self.bad("here");
                    continue;
                }
                _ => return,
            }
            self.at = end;
            match self.peek().0 {
                Token::Action if lex::is_selector(&self.source.text, self.at) => {
                    let help = "remove the '&', or the filter: '&' takes the one before";
                    self.error(ampersand, end, "a filter cannot follow '&'", help);
                    let end = lex::pri_filter(&self.source.text, self.at).unwrap_or(self.at);
                    return self.selector(end, out);
                }
                Token::Object(ObjectKind::Action)
                | Token::Action
                | Token::Word(
                    Keyword::Stop | Keyword::Continue | Keyword::Call | Keyword::CallIndirect,
                ) => self.one_action(out),
                _ => {
                    let help = "action(…), a legacy action, stop, call or continue may follow";
                    self.error(ampersand, end, "no action follows '&'", help);
                    return;
                }
            }
        }
    }

    fn one_action(&mut self, out: &mut Block) {
        let (token, end) = self.peek();
        let start = self.at;
        let loc = self.loc(start, end);
        match token {
            Token::Word(Keyword::Stop) => {
                self.at = end;
                out.push(Stmt { loc, kind: StmtKind::Stop });
            }
            Token::Word(Keyword::Continue) => {
                self.at = end;
                out.push(Stmt { loc, kind: StmtKind::Continue });
            }
            Token::Word(Keyword::Call) => {
                self.at = end;
                if let Ok(name) = self.ruleset_name() {
                    out.push(Stmt { loc: loc.to(name.loc), kind: StmtKind::Call(name) });
                }
            }
            Token::Word(Keyword::CallIndirect) => {
                self.at = end;
                if let Ok(name) = self.terminated("'call_indirect'") {
                    out.push(Stmt { loc: loc.to(name.loc), kind: StmtKind::CallIndirect(name) });
                }
            }
            Token::Object(_) => {
                if let Some(object) = self.object(ObjectKind::Action) {
                    self.load.legacy.action_was_built(object.loc);
                    out.push(Stmt { loc: object.loc, kind: StmtKind::Object(object) });
                }
            }
            _ => {
                let end = self.before_brace(start, end);
                self.at = end;
                let mut diags = Diagnostics::default();
                let lowered = legacy::action::parse(self.source, start, end, &mut diags);
                self.load.say_all(diags);
                match lowered {
                    Some(Lowered::Stop) => {
                        out.push(Stmt { loc, kind: StmtKind::Stop });
                    }
                    Some(lowered) => {
                        if let Some(object) = legacy::directive::complete(lowered, self.load) {
                            out.push(Stmt { loc: object.loc, kind: StmtKind::Object(object) });
                        }
                    }
                    None => {}
                }
            }
        }
    }

    /// Where a legacy action ends: rsyslog takes a brace behind it for a part of it. It is hardly
    /// ever meant to be.
    fn before_brace(&mut self, start: usize, end: usize) -> usize {
        let action = self.source.text[start..end].trim_end();
        let Some(bare) = action.strip_suffix(b"}") else { return end };
        if self.shape.open == 0 || !bare.ends_with(b" ") || bare.contains(&b'#') {
            return end;
        }
        let brace = start + bare.len();
        let help = "put the brace on a line of its own";
        self.error(brace, brace + 1, "'}' is a part of the action on its line", help);
        brace
    }

    pub(super) fn ruleset_name(&mut self) -> Result<Word, GivenUp> {
        self.skip(Mode::Script);
        let start = self.at;
        let name = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let length = self.rest().iter().take_while(name).count();
        if length < 2 || !self.byte().is_ascii_alphabetic() {
            let line = self.line_end();
            let text = &self.source.text;
            let end = start + text[start..line].find_byteset(b" \t;}").unwrap_or(line - start);
            let name =
                text[start..end].trim_with(|c| matches!(c, '"' | '\'')).as_bstr().to_string();
            let help = match self.byte() {
                b'"' | b'\'' => format!("write it without quotes: call {name}"),
                b'$' => format!("a computed name takes: call_indirect {name};"),
                b'\n' => "write: call name".to_owned(),
                _ => "its name has two characters or more, the first a letter: rename the ruleset"
                    .to_owned(),
            };
            let end = end.max(start + 1);
            self.error(start, end, "'call' needs the name of a ruleset", &help);
            self.at = end.min(line);
            return Err(GivenUp);
        }
        self.at += length;
        let text = self.source.text[start..self.at].to_str_lossy().into_owned();
        Ok(Word { text, loc: self.loc(start, self.at) })
    }

    /// `if … then … else if … else …`
    fn branch(&mut self, out: &mut Block) {
        let mut arms: Vec<(Loc, Option<Expr>, Block)> = Vec::new();
        let mut otherwise = Block::new();
        loop {
            let start = self.at;
            self.at += "if".len();
            let loc = self.loc(start, self.at);
            let (cond, then) = match self.condition(start) {
                Ok(cond) => (cond, self.block("'then'")),
                Err(GivenUp) => (None, Block::new()),
            };
            arms.push((loc, cond, then));
            let follows = lex::past_directives(&self.source.text, self.at);
            if follows == Token::Word(Keyword::Else) {
                self.inner_directives();
            }
            let end = match self.peek() {
                (Token::Word(Keyword::Else), end) => end,
                (Token::Action, end) if self.is_else_if(end) => {
                    // Read as what was meant, with the 'if' in its last two letters.
                    self.error(self.at, end, "this is no keyword", "write 'else if … then'");
                    self.at = end - "if".len();
                    continue;
                }
                _ => break,
            };
            self.at = end;
            if self.peek().0 != Token::Word(Keyword::If) {
                otherwise = self.block("'else'");
                break;
            }
            if arms.len() >= ELSE_IF_MAX {
                let text = format!("more than {ELSE_IF_MAX} 'else if' in one chain");
                self.error(self.at, self.at + 2, text, "use a lookup table");
                self.abandon();
                break;
            }
        }
        // A condition that could not be read takes its statement along, not the ones before it.
        let mut tail = otherwise;
        for (loc, cond, then) in arms.into_iter().rev() {
            let Some(cond) = cond else {
                tail.clear();
                continue;
            };
            tail = vec![Stmt { loc, kind: StmtKind::If { cond, then, otherwise: tail } }];
        }
        out.append(&mut tail);
    }

    /// `elseif`, `elsif`, `elif`
    fn is_else_if(&self, end: usize) -> bool {
        let word = self.source.text[self.at..end].to_ascii_lowercase();
        matches!(word.as_slice(), b"elseif" | b"elsif" | b"elif")
    }

    fn foreach(&mut self, out: &mut Block) {
        let start = self.at;
        self.at += "foreach".len();
        let loc = self.loc(start, self.at);
        let head = self.iterator(start);
        let body = self.block("'do'");
        if let Ok((variable, collection)) = head {
            let kind = StmtKind::Foreach { variable, collection, body };
            out.push(Stmt { loc, kind });
        }
    }

    fn reload(&mut self, out: &mut Block) {
        let start = self.at;
        self.at += "reload_lookup_table".len();
        if let Ok((table, stub)) = self.reload_arguments(start) {
            let loc = self.loc(start, self.at);
            out.push(Stmt { loc, kind: StmtKind::ReloadLookupTable { table, stub } });
        }
    }

    fn assignment(&mut self, keyword: Keyword, out: &mut Block) {
        let start = self.at;
        self.at = lex::word_end(&self.source.text, start);
        let kind = match keyword {
            Keyword::Unset => self.unset(start),
            _ => self.set(start, keyword == Keyword::Reset),
        };
        if let Ok(kind) = kind {
            out.push(Stmt { loc: self.loc(start, self.at), kind });
        }
    }

    /// `module(…)`, `template(…) { … }`, `ruleset(…) { … }` and the like. They belong to the top
    /// level, wherever they stand.
    fn declaration(&mut self, kind: ObjectKind, top: bool) {
        let start = self.at;
        let name = lex::object_name(kind);
        if matches!(kind, ObjectKind::Property | ObjectKind::Constant) {
            let text = format!("'{name}(' belongs inside of template(…) {{ … }}");
            self.error(start, start + name.len(), text, "is a brace missing before it?");
            self.object(kind);
            return;
        }
        if !top {
            let text = format!("'{name}(' cannot stand inside of a block");
            self.error(start, start + name.len(), text, "move it out of the braces");
        }
        let Some(object) = self.object(kind) else { return };
        self.load.declare(object);
    }

    /// `include(…)`: the text of other files, here.
    fn include(&mut self, out: &mut Block, top: bool) {
        let alone = self.bare == Some(self.at);
        if let Some(object) = self.object(ObjectKind::Include)
            && let Some(mut include) = self.load.include_object(&object)
        {
            include.alone = alone;
            self.load.include(&include, top, self.depth, out);
        }
    }

    /// Params and block of an object whose name comes next. `None` if `config.enabled` is off.
    pub(super) fn object(&mut self, kind: ObjectKind) -> Option<Object> {
        let start = self.at;
        let (_, open) = lex::token(&self.source.text, start);
        let name = self.loc(start, start + lex::word_end(&self.source.text, start) - start);
        self.at = open;
        let outer = self.load.turn_to(manual::object(kind));
        self.load.lost = false;
        let mut params = self.parameters(start, open - 1);
        let loc = name.to(self.loc(self.at - 1, self.at));
        if self.load.lost {
            self.load.flawed.push(loc);
        }
        let (mut script, mut parts) = (Block::new(), Vec::new());
        if kind == ObjectKind::Ruleset {
            script = self.ruleset_block(start);
        } else if kind == ObjectKind::Template && self.peek().0 == Token::OpenBrace {
            parts = self.template_parts();
        }
        let enabled = self.enabled(&mut params);
        self.load.turn_to(outer);
        enabled.then_some(Object { kind, loc, params, script, parts, legacy: false })
    }

    fn ruleset_block(&mut self, start: usize) -> Block {
        if let (Token::OpenBrace, _) = self.peek() {
            return self.braces(self.at);
        }
        let end = start + "ruleset".len();
        let help = "write ruleset(name=\"…\") { … }";
        self.error(start, end, "no '{' follows this ruleset", help);
        Block::new()
    }

    fn template_parts(&mut self) -> Vec<Object> {
        let open = self.at;
        self.at += 1;
        let mut parts = Vec::new();
        loop {
            let (token, end) = self.peek();
            match token {
                Token::Object(kind @ (ObjectKind::Property | ObjectKind::Constant)) => {
                    parts.extend(self.object(kind));
                }
                Token::CloseBrace => {
                    self.at = end;
                    return parts;
                }
                Token::End | Token::Object(_) | Token::Directive | Token::OpenBrace => {
                    self.error(open, open + 1, "'{' of this template is not closed", "write '}'");
                    return parts;
                }
                Token::Bad => self.bad("in a template"),
                _ => {
                    let help = "only property(…) and constant(…) may stand here";
                    self.error(self.at, end, "this is no part of a template", help);
                    self.at = end;
                }
            }
        }
    }
}
