//! Expressions, and the statements that hold them.

use bstr::ByteSlice;

use crate::base::diag::Diagnostic;
use crate::base::diag::nearest;
use crate::base::limits::EXPRESSION_CHAIN_MAX;
use crate::config::ast::BinaryOp;
use crate::config::ast::Expr;
use crate::config::ast::ExprKind;
use crate::config::ast::StmtKind;
use crate::config::ast::Word;
use crate::config::lex;
use crate::config::literal::Dialect;
use crate::config::manual;
use crate::config::parse::GivenUp;
use crate::config::parse::Parser;
use crate::config::scan::Mode;

type Parsed = Result<Expr, GivenUp>;

pub(super) const WORDS: [(&str, BinaryOp); 7] = [
    ("and", BinaryOp::And),
    ("contains", BinaryOp::Contains),
    ("contains_i", BinaryOp::ContainsI),
    ("endswith", BinaryOp::EndsWith),
    ("or", BinaryOp::Or),
    ("startswith", BinaryOp::StartsWith),
    ("startswith_i", BinaryOp::StartsWithI),
];

const SIGNS: [(&str, BinaryOp); 13] = [
    ("==", BinaryOp::Equal),
    ("!=", BinaryOp::NotEqual),
    ("<>", BinaryOp::NotEqual),
    ("<=", BinaryOp::LessEqual),
    (">=", BinaryOp::GreaterEqual),
    ("<", BinaryOp::Less),
    (">", BinaryOp::Greater),
    ("+", BinaryOp::Add),
    ("-", BinaryOp::Subtract),
    ("&", BinaryOp::Concat),
    ("*", BinaryOp::Multiply),
    ("/", BinaryOp::Divide),
    ("%", BinaryOp::Modulo),
];

/// What other languages write, and what is meant.
const FOREIGN: [(&str, BinaryOp, &str); 4] = [
    ("&&", BinaryOp::And, "write 'and'"),
    ("||", BinaryOp::Or, "write 'or'"),
    ("=~", BinaryOp::Contains, "write re_match($msg, 'regex')"),
    ("=", BinaryOp::Equal, "write '=='"),
];

/// How strongly an operator binds. `and` and `or` bind alike, from left to right: so does
/// rsyslogd, whatever its documentation says.
pub(super) const fn strength(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Or | BinaryOp::And => 1,
        BinaryOp::Equal
        | BinaryOp::NotEqual
        | BinaryOp::Less
        | BinaryOp::LessEqual
        | BinaryOp::Greater
        | BinaryOp::GreaterEqual
        | BinaryOp::Contains
        | BinaryOp::ContainsI
        | BinaryOp::StartsWith
        | BinaryOp::StartsWithI
        | BinaryOp::EndsWith => 2,
        BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Concat => 3,
        BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Modulo => 4,
    }
}

/// How an operator is written.
pub(super) fn written(op: BinaryOp) -> &'static str {
    let known = WORDS.iter().chain(&SIGNS).find(|(_, known)| *known == op);
    known.map_or("", |(name, _)| name)
}

impl Parser<'_> {
    pub(super) fn word(&self) -> &str {
        let end = lex::word_end(&self.source.text, self.at);
        self.source.text.get(self.at..end).and_then(|word| word.to_str().ok()).unwrap_or_default()
    }

    fn at_word(&self, word: &str) -> bool {
        self.word().eq_ignore_ascii_case(word)
    }

    /// Takes `sign`, or complains that it is missing.
    fn expect(&mut self, sign: &str, help: &str) -> Result<(), GivenUp> {
        self.skip(Mode::Expression);
        if self.rest().starts_with(sign.as_bytes()) {
            self.at += sign.len();
            return Ok(());
        }
        let end = (self.at + 1).min(self.source.text.len());
        self.error(self.at, end, format!("'{sign}' is missing here"), help);
        Err(GivenUp)
    }

    /// The condition of the `if` at `start`, with its `then`; none if it could not be read.
    ///
    /// # Errors
    /// Neither a `then` nor a block follows, so that nothing is left to be read of the statement.
    pub(super) fn condition(&mut self, start: usize) -> Result<Option<Expr>, GivenUp> {
        let cond = self.expression();
        self.skip(Mode::Expression);
        if self.at_word("then") {
            self.at += "then".len();
            return Ok(cond.ok());
        }
        if let Ok(cond) = cond {
            if self.byte() == b'{' || self.begins_action() {
                let shown = if self.byte() == b'{' { "{" } else { self.word() };
                let text = format!("'then' is missing before '{shown}'");
                let end = self.at + shown.len().max(1);
                self.error(self.at, end, text, "write: if … then …");
                return Ok(Some(cond));
            }
            let end = lex::word_end(&self.source.text, self.at).max(self.at + 1);
            let help = self.instead_of_operator();
            self.error(self.at, end, "'then' or an operator is missing here", &help);
        }
        if self.find_then(start) { Ok(None) } else { Err(GivenUp) }
    }

    /// Whether what comes next can only be what belongs behind `then`.
    fn begins_action(&self) -> bool {
        let word = self.word();
        let statement = ["stop", "call", "set", "unset", "reset", "action", "continue"];
        statement.iter().any(|known| word.eq_ignore_ascii_case(known))
    }

    /// What to write instead of what stands where an operator should.
    fn instead_of_operator(&self) -> String {
        let word = self.word().to_ascii_lowercase();
        let meant = match word.as_str() {
            "isequal" | "is" | "equals" | "eq" => Some("write '=='"),
            "ne" => Some("write '!='"),
            "matches" | "regex" | "ereregex" | "like" => Some("write re_match($msg, 'regex')"),
            "in" => Some("write == [\"a\", \"b\"]"),
            "isempty" => Some("write == ''"),
            "" if self.rest().starts_with(b"!") => Some("write: not ($msg contains 'text')"),
            "" if self.rest().starts_with(b")") => Some("this parenthesis closes nothing"),
            "" if self.rest().starts_with(b"]") => Some("this bracket closes nothing"),
            "" if self.rest().starts_with(b".") => Some("numbers are whole"),
            _ => None,
        };
        if let Some(meant) = meant {
            return meant.to_owned();
        }
        let operators = WORDS.iter().map(|(name, _)| *name).chain(["then"]);
        nearest(&word, operators).map_or_else(
            || "write: if … then …".to_owned(),
            |near| format!("did you mean '{near}'?"),
        )
    }

    /// After a mistake in a condition: goes on behind its `then`, or before its block, or at the
    /// next line that begins at the margin. Tells whether there is more to be read.
    fn find_then(&mut self, start: usize) -> bool {
        let text = &self.source.text;
        let mut at = self.at.max(start);
        while let Some(&byte) = text.get(at) {
            let end = lex::word_end(text, at);
            if text[at..end].eq_ignore_ascii_case(b"then") {
                self.at = end;
                return true;
            }
            let braced = byte == b'{' && text[..at].ends_with(b"$");
            let margin = byte == b'\n' && text.get(at + 1).is_none_or(|b| !b.is_ascii_whitespace());
            let braced = braced || (byte == b'}' && text[start..at].contains_str("${"));
            if !braced && (byte == b'{' || byte == b'}') || margin {
                break;
            }
            at = end.max(at + 1);
        }
        self.at = at;
        text.get(at) == Some(&b'{')
    }

    /// `($.x in expression) do`
    pub(super) fn iterator(&mut self, start: usize) -> Result<(Word, Expr), GivenUp> {
        let help = "write: foreach ($.item in $!list) do …";
        let head = self.expect("(", help).and_then(|()| {
            let variable = self.variable(help)?;
            self.skip(Mode::Expression);
            if !self.at_word("in") {
                self.error(self.at, self.at + 1, "'in' is missing here", help);
                return Err(GivenUp);
            }
            self.at += "in".len();
            let collection = self.expression()?;
            self.expect(")", help)?;
            Ok((variable, collection))
        });
        self.skip(Mode::Expression);
        if head.is_ok() && self.at_word("do") {
            self.at += "do".len();
            return head;
        }
        if head.is_ok() {
            self.error(self.at, self.at + 1, "'do' is missing here", help);
            if self.byte() == b'{' {
                return head;
            }
        }
        let text = &self.source.text;
        let line = text[self.at.max(start)..].find_byteset(b"{}\n").unwrap_or(0);
        self.at += line;
        head.and(Err(GivenUp))
    }

    /// `('table', 'stub')`
    pub(super) fn reload_arguments(
        &mut self,
        start: usize,
    ) -> Result<(Word, Option<Expr>), GivenUp> {
        let help = "write: reload_lookup_table(\"table\", \"stub value\"), both in quotes";
        let end = self.at;
        self.expect("(", help)?;
        let mut constants = Vec::new();
        loop {
            self.skip(Mode::Expression);
            let at = self.at;
            match self.byte() {
                b'"' | b'\'' => {
                    let text = self.string(Dialect::Expression)?.0;
                    let loc = self.loc(at, self.at);
                    constants.push(Expr { loc, kind: ExprKind::Str(text) });
                }
                b',' if !constants.is_empty() => self.at += 1,
                b')' => {
                    self.at += 1;
                    break;
                }
                _ => {
                    let shown = self.line_end();
                    self.error(at, at + 1, "a text in quotes is missing here", help);
                    let close = memchr::memchr(b')', &self.source.text[at..shown]);
                    self.at = close.map_or(shown, |length| at + length + 1);
                    return Err(GivenUp);
                }
            }
        }
        let stub = (constants.len() == 2).then(|| constants.pop()).flatten();
        match (constants.pop(), constants.is_empty()) {
            (Some(Expr { loc, kind: ExprKind::Str(name) }), true) => {
                Ok((Word { text: name.to_str_lossy().into_owned(), loc }, stub))
            }
            _ => {
                self.error(start, end, "a table's name and at most one value are taken", help);
                Err(GivenUp)
            }
        }
    }

    /// `$name = expression ;`
    pub(super) fn set(&mut self, start: usize, reset: bool) -> Result<StmtKind, GivenUp> {
        let help = "write: set $.name = expression;";
        let kind = self.variable(help).and_then(|variable| {
            self.skip(Mode::Expression);
            self.assignment_sign(&variable)?;
            let value = self.expression()?;
            Ok(StmtKind::Set { variable, value, reset })
        });
        self.semicolon(start, kind, help)
    }

    /// `=`, or what other languages write there.
    fn assignment_sign(&mut self, variable: &Word) -> Result<(), GivenUp> {
        let rest = self.rest();
        let (length, help) = if rest.starts_with(b"==") {
            (2, "write '=': a set is no comparison".to_owned())
        } else if rest.starts_with(b":=") {
            (2, "write '='".to_owned())
        } else if let [sign @ (b'+' | b'-' | b'*' | b'/' | b'&'), b'=', ..] = rest {
            let sign = char::from(*sign);
            (2, format!("write: ${0} = ${0} {sign} …;", variable.text))
        } else {
            return self.expect("=", "write: set $.name = expression;");
        };
        let sign = self.source.text[self.at..self.at + length].as_bstr();
        self.error(self.at, self.at + length, format!("'{sign}' does not assign"), &help);
        self.at += length;
        Ok(())
    }

    pub(super) fn unset(&mut self, start: usize) -> Result<StmtKind, GivenUp> {
        let help = "write: unset $.name;";
        let kind = self.variable(help).map(StmtKind::Unset);
        self.semicolon(start, kind, help)
    }

    /// `expression ;`
    pub(super) fn terminated(&mut self, what: &str) -> Parsed {
        let value = self.expression();
        self.semicolon(self.at, value, &format!("{what} ends with a semicolon"))
    }

    /// Takes the `;` behind `parsed`, or goes on at the next one or the next line.
    fn semicolon<T>(
        &mut self,
        start: usize,
        parsed: Result<T, GivenUp>,
        help: &str,
    ) -> Result<T, GivenUp> {
        self.skip(Mode::Expression);
        if self.byte() == b';' {
            self.at += 1;
            return parsed;
        }
        if parsed.is_ok() {
            // What stands on the next line has nothing to do with it.
            let end = self.source.text[..self.at].trim_end().len();
            self.error(end - 1, end, "';' is missing behind this", help);
            if self.source.text[end..self.at].contains(&b'\n') || self.byte() == b'}' {
                return parsed;
            }
        }
        let text = &self.source.text;
        let from = self.at.max(start);
        let next = text[from..].find_byteset(b";\n}").map_or(text.len(), |at| from + at);
        self.at = next + usize::from(text.get(next) == Some(&b';'));
        Err(GivenUp)
    }

    /// `$name`
    pub(super) fn variable(&mut self, help: &str) -> Result<Word, GivenUp> {
        self.skip(Mode::Expression);
        if self.byte() == b'$' {
            let start = self.at;
            let text = self.variable_name();
            return Ok(Word { text, loc: self.loc(start, self.at) });
        }
        let end = lex::word_end(&self.source.text, self.at).max(self.at + 1);
        self.error(self.at, end, "a variable is missing here", help);
        Err(GivenUp)
    }

    fn variable_name(&mut self) -> String {
        self.at += 1;
        let start = self.at;
        if matches!(self.byte(), b'$' | b'!' | b'.' | b'/') {
            self.at += 1;
        }
        let part = |b: &&u8| {
            b.is_ascii_alphanumeric() || matches!(b, b'!' | b'@' | b'-' | b'_' | b'.' | b'[' | b']')
        };
        self.at += self.rest().iter().take_while(part).count();
        self.source.text[start..self.at].to_str_lossy().into_owned()
    }

    pub(super) fn expression(&mut self) -> Parsed {
        let outer = self.load.turn_to(manual::EXPRESSIONS);
        let parsed = self.deeper(|parser| parser.binary(1)).unwrap_or(Err(GivenUp));
        self.load.turn_to(outer);
        parsed
    }

    /// Operators that bind at least as strongly as `least`, from left to right.
    fn binary(&mut self, least: u8) -> Parsed {
        let mut left = self.unary()?;
        let mut links = 0;
        let mut or_seen = None;
        loop {
            let start = self.at;
            let Some((op, end, wrong)) = self.operator() else { return Ok(left) };
            if strength(op) < least {
                self.at = start;
                return Ok(left);
            }
            if let Some(help) = wrong {
                let sign = self.source.text[self.at..end].as_bstr();
                self.error(self.at, end, format!("'{sign}' is no operator"), help);
            }
            links += 1;
            if links > EXPRESSION_CHAIN_MAX {
                let text = format!("more than {EXPRESSION_CHAIN_MAX} operators in a row");
                self.error(self.at, end, text, "compare with an array: $x == [\"a\", \"b\"]");
                self.abandon();
                return Err(GivenUp);
            }
            let place = self.loc(self.at, end);
            self.at = end;
            match op {
                BinaryOp::Or => or_seen = Some(place),
                BinaryOp::And if or_seen.take().is_some() => {
                    let text = "'or' before 'and' without parentheses is read from left to right";
                    let help = "this is (a or b) and c; rsyslog does the same. Write parentheses";
                    self.say(Diagnostic::warning(place, text).help(help));
                }
                _ => {}
            }
            let right = self.binary(strength(op) + 1)?;
            let loc = left.loc.to(right.loc);
            let (left_box, right) = (Box::new(left), Box::new(right));
            left = Expr { loc, kind: ExprKind::Binary { op, left: left_box, right } };
        }
    }

    /// The operator that comes next, where it ends, and what to write if it is none of rsyslog's;
    /// `at` is moved to its beginning.
    fn operator(&mut self) -> Option<(BinaryOp, usize, Option<&'static str>)> {
        self.skip(Mode::Expression);
        if self.begins_line() {
            return None;
        }
        let word = self.word();
        if !word.is_empty() {
            let known = WORDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
            return known.map(|(name, op)| (*op, self.at + name.len(), None));
        }
        let rest = self.rest();
        let equals = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign.as_bytes()));
        let foreign = FOREIGN.iter().find(|(sign, ..)| rest.starts_with(sign.as_bytes()));
        match (equals, foreign) {
            (Some((sign, op)), None) => Some((*op, self.at + sign.len(), None)),
            (Some((sign, op)), Some((longer, ..))) if longer.len() <= sign.len() => {
                Some((*op, self.at + sign.len(), None))
            }
            (_, Some((sign, op, help))) => Some((*op, self.at + sign.len(), Some(help))),
            (None, None) => None,
        }
    }

    /// Whether a selector or a path at the beginning of a line comes next, which is hardly meant to
    /// go on with the expression before it.
    fn begins_line(&self) -> bool {
        let text = &self.source.text;
        let path = self.byte() == b'/' && self.rest().get(1).is_some_and(u8::is_ascii_alphabetic);
        (path || self.byte() == b'*' && lex::is_selector(text, self.at))
            && lex::at_line_start(text, self.at)
    }

    fn unary(&mut self) -> Parsed {
        self.skip(Mode::Expression);
        let start = self.at;
        let negate = self.byte() == b'-';
        let foreign_not = self.byte() == b'!';
        if foreign_not {
            self.error(start, start + 1, "'!' is no operator", "write 'not'");
        }
        if !negate && !foreign_not && !self.at_word("not") {
            return self.operand();
        }
        self.at += if negate || foreign_not { 1 } else { "not".len() };
        let operator = self.loc(start, self.at);
        let inner = self.deeper(Self::unary).unwrap_or(Err(GivenUp))?;
        let loc = operator.to(inner.loc);
        let inner = Box::new(inner);
        let kind = if negate { ExprKind::Negate(inner) } else { ExprKind::Not(inner) };
        Ok(Expr { loc, kind })
    }

    fn operand(&mut self) -> Parsed {
        let start = self.at;
        let kind = match self.byte() {
            b'(' => {
                self.at += 1;
                let inner = self.expression()?;
                self.skip(Mode::Expression);
                if self.byte() != b')' {
                    self.error(start, start + 1, "'(' is not closed", "a ')' is missing");
                    return Err(GivenUp);
                }
                self.at += 1;
                // The parentheses make one thing of it: `(a or b) and c` is no surprise.
                return Ok(Expr { loc: self.loc(start, self.at), kind: inner.kind });
            }
            b'$' if matches!(self.rest().get(1), Some(b'{' | b'(')) => {
                let text = "a name follows '$' without braces";
                self.error(start, start + 2, text, "write $name, or $!name for a variable");
                return Err(GivenUp);
            }
            b'$' => ExprKind::Variable(self.variable_name()),
            b'"' | b'\'' | b'`' => ExprKind::Str(self.string(Dialect::Expression)?.0),
            b'[' => ExprKind::Array(self.array(Dialect::Expression)?.0),
            b'0'..=b'9' => ExprKind::Number(self.number()?),
            byte if byte.is_ascii_alphabetic() => self.call()?,
            _ => {
                self.missing_operand(start);
                return Err(GivenUp);
            }
        };
        Ok(Expr { loc: self.loc(start, self.at), kind })
    }

    fn missing_operand(&mut self, start: usize) {
        let text = &self.source.text;
        let line = text[start..].find_byte(b'\n').map_or(text.len(), |length| start + length);
        let shown = text.get(start..line.min(start + 1)).unwrap_or_default();
        if !shown.is_ascii() {
            return self.bad("in an expression");
        }
        if self.rest().starts_with(b"//") {
            let help = "write /* … */";
            return self.error(start, line, "comments do not begin with //", help);
        }
        if shown == b"%" {
            let help = "write $name: percent signs are for templates";
            return self.error(start, start + 1, "a value is missing before '%'", help);
        }
        let message = if shown.is_empty() || self.rest().is_empty() {
            "the expression ends too early".to_owned()
        } else {
            format!("a value is missing before '{}'", shown.as_bstr())
        };
        self.error(start, (start + 1).min(text.len()), message, "$name, 'text', a number or f(…)");
    }

    /// Decimal, `0x…`, or octal with a leading 0. Too large ones are the largest, as in C.
    fn number(&mut self) -> Result<i64, GivenUp> {
        let start = self.at;
        self.at = lex::word_end(&self.source.text, start);
        let text = self.word_at(start).to_ascii_lowercase();
        let (prefix, radix) = match text.as_bytes() {
            [b'0', b'x', ..] => (2, 16),
            [b'0', _, ..] => (1, 8),
            _ => (0, 10),
        };
        let body = text.get(prefix..).unwrap_or_default();
        // As in rsyslogd, a word may stand right behind the digits: `1then`.
        let length = body.find(|c: char| !c.is_digit(radix)).unwrap_or(body.len());
        let (digits, behind) = body.split_at(length);
        let word = behind == "then" || WORDS.iter().any(|(word, _)| behind == *word);
        if (digits.is_empty() && radix != 8) || !(behind.is_empty() || word) {
            let message = format!("'{text}' is no number");
            let help = "decimal, 0x and hexadecimal, or 0 and octal; quote it if it is a text";
            self.error(start, self.at, message, help);
            return Err(GivenUp);
        }
        self.at -= behind.len();
        if digits.is_empty() {
            return Ok(0);
        }
        Ok(i64::from_str_radix(digits, radix).unwrap_or(i64::MAX))
    }

    fn word_at(&self, start: usize) -> String {
        self.source.text[start..self.at].to_str_lossy().into_owned()
    }

    /// `name(arguments)`
    fn call(&mut self) -> Result<ExprKind, GivenUp> {
        let start = self.at;
        let name = self.word().to_owned();
        let end = start + name.len();
        let mut word = Word { text: name.clone(), loc: self.loc(start, end) };
        self.at = end;
        self.skip(Mode::Expression);
        if self.byte() != b'(' {
            self.at = start;
            let is_operator = WORDS.iter().any(|(known, _)| known.eq_ignore_ascii_case(&name));
            let (text, help) = if is_operator || name.eq_ignore_ascii_case("then") {
                (format!("a value is missing before '{name}'"), "$name, 'text', a number or f(…)")
            } else {
                let text = format!("'{name}' is neither a variable, a string nor a function");
                (text, "write $name for a property, 'text' for a text, name(…) for a function")
            };
            self.error(start, end, text, help);
            return Err(GivenUp);
        }
        self.at += 1;
        // For rsyslog this is a keyword, and keywords have no case; names of functions do.
        if word.text.eq_ignore_ascii_case("exists") {
            word.text.make_ascii_lowercase();
        }
        let args = self.arguments()?;
        Ok(ExprKind::Call { name: word, args })
    }

    /// `expression, expression)`, the opening parenthesis being taken.
    fn arguments(&mut self) -> Result<Vec<Expr>, GivenUp> {
        let open = self.at - 1;
        let mut args = Vec::new();
        self.skip(Mode::Expression);
        if self.byte() == b')' {
            self.at += 1;
            return Ok(args);
        }
        loop {
            args.push(self.expression()?);
            self.skip(Mode::Expression);
            match self.byte() {
                b',' => self.at += 1,
                b')' => {
                    self.at += 1;
                    return Ok(args);
                }
                _ => {
                    self.error(open, open + 1, "'(' is not closed", "a ')' or ',' is missing");
                    return Err(GivenUp);
                }
            }
        }
    }
}
