//! What stands between an object's parentheses: names, values, arrays.

use bstr::BString;
use bstr::ByteSlice;

use crate::base::diag::Diagnostic;
use crate::config::ast::Param;
use crate::config::ast::Value;
use crate::config::ast::Word;
use crate::config::lex;
use crate::config::literal;
use crate::config::literal::Dialect;
use crate::config::literal::Flaw;
use crate::config::load::Loader;
use crate::config::manual;
use crate::config::parse::GivenUp;
use crate::config::parse::Parser;
use crate::config::scan::Mode;
use crate::config::scan::quote_lookalike;
use crate::config::scan::quote_lookalike_of;

impl Parser<'_> {
    /// `name="value" …` up to and with the closing parenthesis. `start` is where the object
    /// begins, `open` its parenthesis.
    pub(super) fn parameters(&mut self, start: usize, open: usize) -> Vec<Param> {
        let mut params = Vec::new();
        let mut commas = false;
        loop {
            self.skip(Mode::Object);
            match self.byte() {
                b')' => {
                    self.at += 1;
                    return params;
                }
                b',' => {
                    if !commas {
                        let text = "parameters are not separated by commas";
                        self.error(self.at, self.at + 1, text, "write a blank");
                    }
                    commas = true;
                    self.at += 1;
                }
                byte if byte.is_ascii_alphabetic() => match self.parameter() {
                    Ok(Some(param)) => params.push(param),
                    Ok(None) => self.load.lost = true,
                    Err(GivenUp) => break,
                },
                _ if self.closed_by_lookalike() => return params,
                b'"' | b'`' => self.nameless_value(),
                _ if self.next_statement() => break,
                0 if self.rest().is_empty() => break,
                b'{' | b'}' | b';' => break,
                b'$' if self.rest().get(1).is_some_and(u8::is_ascii_alphabetic) => break,
                _ => self.bad("between parameters"),
            }
        }
        self.load.lost = true;
        let name = self.source.text[start..open].trim().as_bstr().to_string();
        let text = format!("'(' of this {name} is not closed");
        self.error(open, open + 1, text, "a ')' is missing");
        params
    }

    /// A string where a name should be.
    fn nameless_value(&mut self) {
        let begin = self.at;
        let line = self.line_end();
        let closed = self.string_end(self.byte()).is_some_and(|close| close < line);
        if !closed {
            self.at += 1;
            let help = "remove it, or the one before it";
            return self.error(begin, self.at, "this quote is one too many", help);
        }
        if self.string(Dialect::Object).is_ok() {
            let help = "write name=\"value\"; is a quote missing, or one too many, before it?";
            self.error(begin, self.at, "this value has no name", help);
        }
    }

    /// Whether what comes next begins a statement rather than a parameter.
    fn next_statement(&self) -> bool {
        let text = &self.source.text;
        lex::at_line_start(text, self.at)
            && (matches!(self.byte(), b'*' | b'/' | b':' | b'&' | b'@' | b'!' | b'~')
                || lex::pri_filter(text, self.at).is_some_and(|end| text.get(end) != Some(&b'=')))
    }

    /// Takes a full-width parenthesis for what it looks like.
    fn closed_by_lookalike(&mut self) -> bool {
        let closed = self.rest().starts_with("\u{ff09}".as_bytes());
        if closed {
            self.bad("here");
        }
        closed
    }

    /// `name = value`. `None` if a mistake was mended by leaving it out.
    fn parameter(&mut self) -> Result<Option<Param>, GivenUp> {
        let start = self.at;
        let length = self
            .rest()
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
            .count();
        self.at += length;
        let text = self.source.text[start..self.at].to_str_lossy().into_owned();
        let name = Word { loc: self.loc(start, self.at), text };
        let end = self.at;
        self.skip(Mode::Object);
        if name.text.contains('-') {
            let text = format!("'{}' is no parameter's name", name.text);
            self.error(start, end, text, "names hold letters, digits, '.' and '_'");
        }
        match self.byte() {
            b'=' => self.at += 1,
            b'(' => {
                // The next object has begun: this one was never closed.
                self.at = start;
                return Err(GivenUp);
            }
            b'"' | b'`' | b'[' => {
                let text = format!("'=' is missing behind '{}'", name.text);
                self.error(start, end, text, &format!("write {}=\"…\"", name.text));
            }
            _ => {
                let text = format!("'{}' has no value", name.text);
                let help = "write name=\"value\"; is a quote missing in the value before it?";
                self.error(start, end, text, help);
                return Ok(None);
            }
        }
        self.skip(Mode::Object);
        let begin = self.at;
        let value = self.value(&name)?;
        let value_loc = self.loc(begin, self.at);
        Ok(value.map(|value| Param { name, value, value_loc }))
    }

    fn value(&mut self, name: &Word) -> Result<Option<Value>, GivenUp> {
        match self.byte() {
            b'[' => Ok(self.array(Dialect::Object).map(|(items, _)| Value::Array(items)).ok()),
            b'"' | b'`' => match self.string(Dialect::Object) {
                Ok((text, _)) => Ok(Some(Value::Str(text))),
                Err(GivenUp) => Ok(None),
            },
            b'\'' => {
                let begin = self.at;
                let text = self.string(Dialect::Object);
                self.error(begin, self.at, "values stand in double quotes", "write \"…\"");
                Ok(text.ok().map(|(text, _)| Value::Str(text)))
            }
            b')' | b',' => {
                let text = format!("'{}' has no value", name.text);
                self.error(self.at, self.at + 1, text, "write a value in double quotes");
                Ok(None)
            }
            _ => {
                let begin = self.at;
                let word = |b: &&u8| !matches!(b, b' ' | b'\t' | b'\n' | b')' | b',' | b'"');
                self.at += self.rest().iter().take_while(word).count();
                if self.at == begin {
                    return Err(GivenUp);
                }
                let text = BString::from(&self.source.text[begin..self.at]);
                if let Some((character, what, _)) = quote_lookalike(&text) {
                    let bare = text.to_str_lossy();
                    let bare = bare.trim_matches(|c: char| quote_lookalike_of(c));
                    let help = format!("write {}=\"{bare}\"", name.text);
                    let message = format!("{what} stands here");
                    self.error(begin, begin + character.len(), message, &help);
                    return Ok(Some(Value::Str(bare.into())));
                }
                let help = format!("write {}=\"{text}\"", name.text);
                self.error(begin, self.at, "this value is not quoted", &help);
                Ok(Some(Value::Str(text)))
            }
        }
    }

    /// `["a", "b"]`, and where it ends.
    pub(super) fn array(&mut self, dialect: Dialect) -> Result<(Vec<BString>, usize), GivenUp> {
        let mode = if dialect == Dialect::Object { Mode::Object } else { Mode::Expression };
        let open = self.at;
        self.at += 1;
        let mut items = Vec::new();
        let mut separated = true;
        loop {
            self.skip(mode);
            match self.byte() {
                b']' => {
                    self.at += 1;
                    // In an expression the validator says so.
                    if items.is_empty() && dialect == Dialect::Object {
                        let help = "write at least one value";
                        self.error(open, self.at, "an array cannot be empty", help);
                    } else if separated && !items.is_empty() {
                        self.error(self.at - 1, self.at, "no value follows the comma", "");
                    }
                    return Ok((items, self.at));
                }
                b',' if !separated => {
                    self.at += 1;
                    separated = true;
                }
                _ if !separated && self.rest().starts_with("\u{ff0c}".as_bytes()) => {
                    self.bad("here");
                    separated = true;
                }
                b'0'..=b'9' => {
                    let end = lex::word_end(&self.source.text, self.at);
                    let number = self.source.text[self.at..end].to_str_lossy().into_owned();
                    let help = format!("write \"{number}\"");
                    self.error(self.at, end, "values of an array are texts in quotes", &help);
                    self.at = end;
                    items.push(number.into());
                    separated = false;
                }
                b'"' | b'`' | b'\'' => {
                    if !separated {
                        let text = "a comma is missing before this value";
                        self.error(self.at, self.at + 1, text, "write [\"a\", \"b\"]");
                    }
                    if dialect == Dialect::Object && self.byte() == b'\'' {
                        let text = "values stand in double quotes";
                        self.error(self.at, self.at + 1, text, "write \"…\"");
                    }
                    items.push(self.string(dialect)?.0);
                    separated = false;
                }
                _ => {
                    let text = "'[' is not closed, or a value in it is not quoted";
                    self.error(open, open + 1, text, "write [\"a\", \"b\"]");
                    return Err(GivenUp);
                }
            }
        }
    }

    /// Where the string ends whose quote comes next: the offset of its closing quote.
    fn string_end(&self, quote: u8) -> Option<usize> {
        let mut at = self.at + 1;
        loop {
            at += memchr::memchr2(quote, b'\\', self.source.text.get(at..)?)?;
            if self.source.text[at] == quote {
                return Some(at);
            }
            at += 2;
        }
    }

    /// The string constant that comes next; with it, where its quotes stand.
    pub(super) fn string(&mut self, dialect: Dialect) -> Result<(BString, usize), GivenUp> {
        let quote = self.byte();
        let open = self.at;
        let text = &self.source.text;
        let close = self.string_end(quote).filter(|close| {
            // A string may hold line ends. One whose closing quote touches a word or an equals
            // sign is rather one that was not closed, up to the next one's opening quote.
            let touches = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'%' | b'$');
            let suspicious =
                text.get(close + 1).is_some_and(touches) || text[..*close].ends_with(b"=");
            !(suspicious && text[open..*close].contains(&b'\n'))
        });
        if let Some(close) = close
            && dialect == Dialect::Object
            && let Some(end) = next_name(&text[open + 1..close], text.get(close + 1).copied())
        {
            return Ok(self.string_up_to(open, open + 1 + end));
        }
        let Some(close) = close else {
            let before = self.string_end(quote).unwrap_or(open + 1);
            if let Some(end) = next_name(&text[open + 1..before], Some(b'x')) {
                return Ok(self.string_up_to(open, open + 1 + end));
            }
            self.unclosed(open, dialect);
            return Err(GivenUp);
        };
        self.at = close + 1;
        let source = self.source;
        let body = &source.text[open + 1..close];
        let mut flaws = Vec::new();
        let text = literal::unescape(body, quote, dialect, &mut flaws);
        let outer = self.load.turn_to(manual::STRINGS);
        let sound = flaws.is_empty();
        for flaw in flaws {
            self.flaw(open + 1, dialect, flaw);
        }
        if quote == b'"' && dialect == Dialect::Expression && sound {
            self.dollars(open + 1, body);
        }
        self.load.turn_to(outer);
        if quote != b'`' {
            return Ok((text, open));
        }
        let outcome = self.load.backticks(&text);
        let place = self.loc(open, self.at);
        self.load.expanded.push(place);
        Ok(match outcome {
            Ok(text) => (text, open),
            Err((message, help)) => {
                self.error(open, self.at, message, help);
                return Err(GivenUp);
            }
        })
    }

    /// A string whose closing quote is missing at `end`, where the next parameter begins.
    fn string_up_to(&mut self, open: usize, end: usize) -> (BString, usize) {
        let body = self.source.text[open + 1..end].trim_end();
        let behind = open + 1 + body.len();
        let help = "write a quote where the value ends";
        self.error(open, behind, "string is not closed", help);
        self.at = behind;
        (BString::from(body), open)
    }

    /// Complains of a string without an end, and goes on where it may have ended.
    fn unclosed(&mut self, open: usize, dialect: Dialect) {
        let help = "the closing quote is missing; inside of a string write \\\" for a quote";
        self.error(open, open + 1, "string is not closed", help);
        let line = self.line_end();
        let rest = &self.source.text[open..line];
        self.at = match dialect {
            // A `then` or a `)` in what looks like the string is rather one that follows it.
            Dialect::Expression => rest.find(" then").map_or(line, |length| open + length),
            Dialect::Object if rest.trim_end().ends_with(b")") => open + rest.trim_end().len() - 1,
            Dialect::Object => line,
        };
    }

    fn flaw(&mut self, body: usize, dialect: Dialect, flaw: Flaw) {
        match flaw {
            Flaw::Escape(at, after) => {
                let shown = [after].as_bstr().to_string();
                let text = format!("'\\{shown}' is no escape sequence");
                let help = match after {
                    b'd' | b'D' if dialect == Dialect::Expression => {
                        "write \\\\ for a backslash; POSIX expressions know no \\d: write [0-9]"
                    }
                    _ => "write \\\\ for a backslash",
                };
                self.error(body + at, body + at + 2, text, help);
            }
            Flaw::Odd(at, text) => {
                let loc = self.loc(body + at, body + at + 2);
                self.say(Diagnostic::warning(loc, text));
            }
        }
    }

    /// In `"…"` of an expression a dollar sign needs a backslash.
    fn dollars(&mut self, start: usize, body: &[u8]) {
        let mut at = 0;
        while let Some(&byte) = body.get(at) {
            if byte == b'$' {
                let text = "'$' in double quotes needs a backslash";
                let help = "write \\$ or use 'single quotes'";
                self.error(start + at, start + at + 1, text, help);
                return;
            }
            at += if byte == b'\\' { 2 } else { 1 };
        }
    }

    pub(super) fn enabled(&mut self, params: &mut Vec<Param>) -> bool {
        enabled(self.load, params)
    }
}

/// Takes `config.enabled` out. Only "on", in lower case, enables.
pub(super) fn enabled(load: &mut Loader, params: &mut Vec<Param>) -> bool {
    let mut enabled = true;
    for param in params.extract_if(.., |p| p.name.text.eq_ignore_ascii_case("config.enabled")) {
        let Value::Str(value) = &param.value else {
            let text = "config.enabled takes one value, not an array";
            load.say(Diagnostic::error(param.value_loc, text).help("write \"on\""));
            continue;
        };
        enabled = value.as_slice() == b"on";
        if !enabled && value.as_slice() != b"off" {
            let text = format!("config.enabled=\"{value}\" means off");
            let help = "only \"on\", in lower case, enables; write \"on\" or \"off\"";
            load.say(Diagnostic::warning(param.value_loc, text).help(help));
        }
    }
    enabled
}

/// Where in `body`, the text of a string, the name begins of a parameter whose opening quote ends
/// the string. `behind` is what follows that quote.
fn next_name(body: &[u8], behind: Option<u8>) -> Option<usize> {
    let name = body.strip_suffix(b"=")?.trim_end();
    let length = name.iter().rev().take_while(|b| b.is_ascii_alphanumeric() || **b == b'.').count();
    let start = name.len() - length;
    let blank = name[..start].last().is_some_and(u8::is_ascii_whitespace);
    let value = behind.is_some_and(|b| !b.is_ascii_whitespace() && !b")],".contains(&b));
    (length > 0 && blank && value).then_some(start)
}
