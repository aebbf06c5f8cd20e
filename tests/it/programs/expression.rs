//! Random expressions.

use fastrand::Rng;

use crate::generate::known::EXPRESSIONS;
use crate::programs::json;
use crate::programs::known;
use crate::programs::tree::Tree;
use crate::programs::tree::text;

/// Parts of what messages hold, and what may be taken for a number.
pub(crate) const WORDS: &[&str] = &[
    "",
    "a",
    "b",
    "x",
    "su",
    "kim",
    "Failed",
    "user",
    "FAILED",
    "web",
    "app",
    "sshd",
    "k1=v1",
    "0",
    "1",
    "10",
    "007",
    "-3",
    "1x",
    " 5",
    "0x1f",
    "192.0.2.7",
    "127.0.0.1",
    "한",
    ",",
    " ",
    "/",
    ":",
    "[",
    "{",
    "=",
    "1.5",
    "Oct 11",
    "2003-10-11T22:14:15Z",
    "%Y",
    "kern",
    "info",
    "-",
    "abcabc",
];
const NUMBERS: &[&str] =
    &["0", "1", "2", "3", "7", "10", "32", "44", "255", "010", "0x1f", "4294967297", "86400"];
/// Each behind the sign of a tree.
pub(crate) const PATHS: &[&str] = &[
    "a",
    "b",
    "c",
    "A",
    "list",
    "obj",
    "a!b",
    "a!c",
    "obj!a",
    "obj!list",
    "obj!b!c",
    "list[0]",
    "list[1]",
    "obj!list[1]",
    "list[0]!a",
    "m",
    "i",
    "i!key",
    "i!value",
    "j",
    "j!value",
    "j!a",
    "r",
    "key",
];

/// Of `format_time()` and `is_time()`.
const FORMATS: &[&str] = &["'date-rfc3339'", "'date-rfc3164'", "\"date-rfc3339\""];

/// What an expression is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    Any,
    Number,
    Text,
    Truth,
}

/// Makes expressions for one block.
#[derive(Debug)]
pub(crate) struct Expressions<'r> {
    pub(crate) rng: &'r mut Rng,
    /// Whether `$/` may be used: by one thread alone its order is one.
    pub(crate) globals: bool,
}

impl Expressions<'_> {
    pub(crate) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.rng.usize(..from.len())]
    }

    /// True once in `times`.
    pub(crate) fn once_in(&mut self, times: u8) -> bool {
        self.rng.u8(..times) == 0
    }

    /// An expression with at most `depth` levels of operators.
    pub(crate) fn expression(&mut self, want: Want, depth: usize) -> Tree {
        let want = if self.once_in(6) { Want::Any } else { want };
        if depth == 0 || self.once_in(4) {
            return self.leaf(want);
        }
        let depth = depth - 1;
        let kind = match want {
            Want::Any => self.rng.u8(..16),
            Want::Number => self.rng.u8(..5),
            Want::Text => self.rng.u8(4..9),
            Want::Truth => self.rng.u8(8..16),
        };
        match kind {
            0..=2 => {
                let operator = self.pick(&["+", "-", "*", "/", "%"]);
                self.binary(Want::Number, operator, Want::Number, depth)
            }
            3 => {
                let inner = self.operand(Want::Number, depth);
                Tree::Expr(vec![text("-"), inner])
            }
            4..=5 | 8 => self.call(depth),
            6..=7 => self.binary(Want::Text, "&", Want::Text, depth),
            9 => {
                let inner = self.operand(Want::Truth, depth);
                Tree::Expr(vec![text("not "), inner])
            }
            10..=11 => {
                let operator = self.pick(&["and", "or"]);
                self.binary(Want::Truth, operator, Want::Truth, depth)
            }
            12..=13 => {
                let operator = self.pick(&["contains", "contains_i", "startswith", "startswith_i"]);
                self.compared(Want::Text, operator, depth)
            }
            _ => {
                if self.rng.bool() {
                    let operator = self.pick(&["<", "<=", ">", ">="]);
                    let (left, right) = (self.near(depth), self.near(depth));
                    return Tree::Expr(vec![left, text(format!(" {operator} ")), right]);
                }
                let operator = self.pick(&["==", "==", "!=", "<>"]);
                let want = if self.rng.bool() { Want::Number } else { Want::Text };
                let compared = self.compared(want, operator, depth);
                // In rsyslogd what is unequal may be 1, or how far apart the two are.
                if matches!(operator, "!=" | "<>") {
                    return Tree::Expr(vec![text("not (not ("), compared, text("))")]);
                }
                compared
            }
        }
    }

    /// A value to which no other is 2³¹ or more away: so far apart rsyslogd compares wrongly.
    fn near(&mut self, depth: usize) -> Tree {
        if self.once_in(3) {
            return text(self.quoted());
        }
        let (before, after) = if self.rng.bool() { ("('x' & ", ")") } else { ("(", " % 1000)") };
        let inner = self.operand(Want::Any, depth);
        let inner = Tree::Expr(vec![text("("), inner, text(")")]);
        Tree::Kept(vec![text(before), inner, text(after)])
    }

    fn binary(&mut self, left: Want, operator: &str, right: Want, depth: usize) -> Tree {
        let left = self.operand(left, depth);
        let right = self.operand(right, depth);
        Tree::Expr(vec![left, text(format!(" {operator} ")), right])
    }

    /// With parentheses around it, or left to what binds more.
    fn operand(&mut self, want: Want, depth: usize) -> Tree {
        let inner = self.expression(want, depth);
        if self.once_in(3) {
            return inner;
        }
        Tree::Expr(vec![text("("), inner, text(")")])
    }

    fn compared(&mut self, want: Want, operator: &str, depth: usize) -> Tree {
        if !self.once_in(4) {
            return self.binary(want, operator, want, depth);
        }
        let left = self.operand(want, depth);
        let items: Vec<_> = (0..self.rng.usize(1..4)).map(|_| self.quoted()).collect();
        let array = format!(" {operator} [{}]", items.join(", "));
        Tree::Expr(vec![text("("), left, text(array), text(")")])
    }

    fn leaf(&mut self, want: Want) -> Tree {
        let kind = match want {
            Want::Any => self.rng.u8(..10),
            Want::Number => self.rng.u8(..7),
            Want::Text | Want::Truth => self.rng.u8(3..10),
        };
        let leaf = match kind {
            0..=2 => self.number(),
            3..=6 => self.variable(),
            7 => self.quoted(),
            _ => self.property(),
        };
        Tree::Expr(vec![text(leaf)])
    }

    fn number(&mut self) -> String {
        if self.once_in(8) { format!("-{}", self.rng.u8(1..20)) } else { self.pick(NUMBERS).into() }
    }

    fn property(&mut self) -> String {
        if self.rng.bool() {
            return "$msg".to_owned();
        }
        let names = known::properties();
        format!("${}", names[self.rng.usize(..names.len())])
    }

    pub(crate) fn variable(&mut self) -> String {
        if self.once_in(16) {
            return self.pick(&["$!", "$."]).to_owned();
        }
        self.member()
    }

    /// A variable that is not a whole tree.
    pub(crate) fn member(&mut self) -> String {
        let path = self.pick(PATHS);
        match self.rng.u8(..10) {
            0 if self.globals => format!("$/g@N@!{path}"),
            0..=4 => format!("$.{path}"),
            _ => format!("$!{path}"),
        }
    }

    /// A word as a constant.
    pub(crate) fn quoted(&mut self) -> String {
        let word = self.pick(WORDS);
        match self.rng.u8(..12) {
            0 => format!("\"{word}\""),
            1 => format!("'{word}\\n\\t\\\\\\'\\x41\\101'"),
            2 => format!("\"{word}\\\"\""),
            _ => format!("'{word}'"),
        }
    }

    /// A call of any function that is there.
    fn call(&mut self, depth: usize) -> Tree {
        let functions = known::functions();
        let function = functions[self.rng.usize(..functions.len())];
        let count = self.rng.usize(function.least..=function.args.len());
        // rsyslogd makes a filter of an `if prifilt(…)`, and refuses it if all or none pass.
        let filter = function.name == "prifilt";
        let (head, end) = if filter { ("(", " + 0)") } else { ("", "") };
        let mut parts = vec![text(format!("{head}{}(", function.name))];
        for (at, arg) in function.args.iter().take(count).enumerate() {
            if at > 0 {
                parts.push(text(", "));
            }
            parts.push(self.argument(arg, depth));
        }
        parts.push(text(format!("){end}")));
        Tree::Expr(parts)
    }

    /// What stands for an argument of that name; names that are not listed take anything.
    fn argument(&mut self, name: &str, depth: usize) -> Tree {
        let fixed = match name {
            "regex" => escaped(self.regex(true)),
            "selector" => format!("'{}'", self.selector()),
            // In front of the text rsyslogd dies.
            "start" => self.rng.u8(..12).to_string(),
            "delimiter" => self.pick(&["32", "44", "', '", "'='", "97"]).to_owned(),
            "template" => "'t@N@'".to_owned(),
            // rsyslogd dies of a format of times that is no constant.
            "format" => self.pick(FORMATS).to_owned(),
            "$variable" => self.variable(),
            "variable name" => {
                let path = self.pick(PATHS);
                let sign = self.pick(&["!", "."]);
                format!("'\\${sign}{path}'")
            }
            _ => String::new(),
        };
        if !fixed.is_empty() {
            return text(fixed);
        }
        let want = match name {
            "number" | "seconds" | "match" | "submatch" | "length" | "seed" | "modulus"
            | "limit" => Want::Number,
            "variable" => return Tree::Expr(vec![text(self.variable())]),
            "text" if self.once_in(8) => return Tree::Expr(vec![text(self.json())]),
            "value" => Want::Any,
            _ => Want::Text,
        };
        self.expression(want, depth)
    }

    /// A JSON text as a constant.
    pub(crate) fn json(&mut self) -> String {
        escaped(&json::text(self.rng))
    }

    pub(crate) fn regex(&mut self, extended: bool) -> &'static str {
        loop {
            let (regex, is_extended) = EXPRESSIONS[self.rng.usize(..EXPRESSIONS.len())];
            if is_extended == extended {
                return regex;
            }
        }
    }

    /// `mail.*;auth.none` and stranger ones.
    pub(crate) fn selector(&mut self) -> String {
        let parts: Vec<_> = (0..self.rng.usize(1..4)).map(|_| self.selector_part()).collect();
        parts.join(";")
    }

    fn selector_part(&mut self) -> String {
        let facilities =
            &["*", "*", "kern", "user", "mail", "auth,authpriv", "local0", "local7,mail", "MAIL"];
        let priorities = &[
            "*", "none", "debug", "info", "notice", "warn", "err", "crit", "emerg", "panic", "7",
            "0", "3", "error",
        ];
        let sign = self.pick(&["", "", "", "=", "!", "!="]);
        let facility = self.pick(facilities);
        format!("{facility}.{sign}{}", self.pick(priorities))
    }
}

/// A text as a constant in single quotes.
pub(crate) fn escaped(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
