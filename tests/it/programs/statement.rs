//! Random statements.

use crate::programs::expression::Expressions;
use crate::programs::expression::PATHS;
use crate::programs::expression::WORDS;
use crate::programs::expression::Want;
use crate::programs::expression::escaped;
use crate::programs::json;
use crate::programs::known;
use crate::programs::program::DEPTH;
use crate::programs::tree::Tree;
use crate::programs::tree::text;

/// Blocks inside each other.
const BLOCKS: usize = 3;
/// Trees that have grown beyond this many bytes are cut down: what doubles in a loop has no end.
const GUARD: &str = "if strlen($!) > 600 or strlen($.) > 600 then {\nunset $!a;\nunset $!obj;\n\
    unset $!list;\nunset $!r;\nunset $!key;\nunset $.a;\nunset $.obj;\n\
    unset $.list;\nunset $.key;\n}";
const GUARD_GLOBAL: &str = "if strlen($/g@N@) > 300 then unset $/g@N@;";

/// Makes the statements of one ruleset.
#[derive(Debug)]
pub(crate) struct Statements<'r> {
    pub(crate) expressions: Expressions<'r>,
    /// Rulesets that may be called.
    pub(crate) callees: &'static [&'static str],
    /// Actions with a file that were made.
    pub(crate) files: usize,
    /// Places that are traced.
    pub(crate) marks: usize,
    /// `foreach` around the statement.
    pub(crate) loops: usize,
}

impl Statements<'_> {
    /// The block of a ruleset: about `size` statements, and a trace of what came of them.
    pub(crate) fn body(&mut self, size: usize) -> Tree {
        let mut statements = Vec::new();
        if self.expressions.globals {
            statements.push(Tree::Statement(vec![text(GUARD_GLOBAL)]));
        }
        let count = self.expressions.rng.usize(1..=size);
        for _ in 0..count {
            self.statement(BLOCKS, &mut statements);
        }
        statements.push(self.trace());
        Tree::Block(statements)
    }

    fn block(&mut self, depth: usize) -> Tree {
        let mut statements = Vec::new();
        if self.loops > 0 {
            statements.push(Tree::Statement(vec![text(GUARD)]));
        }
        for _ in 0..self.expressions.rng.usize(1..4) {
            self.statement(depth, &mut statements);
        }
        if !self.expressions.once_in(4) {
            statements.push(self.trace());
        }
        if self.expressions.once_in(10) {
            statements.push(Tree::Statement(vec![text("stop")]));
        }
        Tree::Block(statements)
    }

    fn trace(&mut self) -> Tree {
        self.marks += 1;
        let mark = format!("set $.m = 'mark{}';\n", self.marks);
        let mark = if self.expressions.once_in(4) { Vec::new() } else { vec![text(mark)] };
        Tree::Statement(vec![Tree::Optional(mark), text("call trace@N@")])
    }

    fn statement(&mut self, depth: usize, out: &mut Vec<Tree>) {
        let statement = match self.expressions.rng.u8(..40) {
            0..=11 => self.set(),
            12..=13 => self.unset(),
            14..=15 => self.parse_json(),
            16..=23 if depth > 0 => self.choice(depth - 1),
            24..=27 if depth > 0 => {
                if self.expressions.once_in(2) {
                    out.push(self.parse_json());
                }
                self.foreach(depth - 1)
            }
            28..=30 => self.filter(depth),
            31..=32 => self.selector(depth),
            33 => self.mmjsonparse(),
            34..=36 if !self.callees.is_empty() => self.call(),
            37 => self.file_action(),
            _ => self.trace(),
        };
        out.push(statement);
    }

    fn expression(&mut self, want: Want) -> Tree {
        let depth = self.expressions.rng.usize(..=DEPTH);
        self.expressions.expression(want, depth)
    }

    fn set(&mut self) -> Tree {
        let verb = if self.expressions.once_in(5) { "reset" } else { "set" };
        let target = loop {
            let target = self.expressions.member();
            if !target.contains('[') {
                break target;
            }
        };
        let value = self.expression(Want::Any);
        Tree::Statement(vec![text(format!("{verb} {target} = ")), value, text(";")])
    }

    fn unset(&mut self) -> Tree {
        let whole = self.expressions.once_in(8) && self.loops == 0 && !self.callees.is_empty();
        let target = loop {
            let target = if whole { "$!".to_owned() } else { self.expressions.member() };
            // What a loop fills must be there when it ends, see `known`.
            if !matches!(target.get(1..3), Some("!i" | ".i" | "!j" | ".j")) {
                break target;
            }
        };
        Tree::Statement(vec![text(format!("unset {target};"))])
    }

    /// Something to go over.
    fn parse_json(&mut self) -> Tree {
        let sign = self.expressions.pick(&["!", "."]);
        let path = self.expressions.pick(PATHS);
        let json = if self.expressions.once_in(6) {
            self.expression(Want::Text)
        } else if self.expressions.rng.bool() {
            Tree::Expr(vec![text(self.expressions.json())])
        } else {
            Tree::Expr(vec![text(escaped(&json::collection(self.expressions.rng)))])
        };
        // Where an index leads to something, see `known`.
        let path = if self.expressions.rng.bool() || path.contains('[') { "list" } else { path };
        let end = format!(", '\\${sign}{path}');");
        Tree::Statement(vec![text("set $.r = parse_json("), json, text(end)])
    }

    /// A condition; what may be any number is put into an `or`, see `known`.
    fn condition(&mut self) -> Tree {
        let condition = self.expression(Want::Truth);
        let mut written = String::new();
        condition.write(&mut written);
        let compares = ["==", "!=", "<", ">", "contains", "startswith", "re_match", "exists("];
        if compares.iter().any(|operator| written.contains(operator)) {
            return condition;
        }
        Tree::Kept(vec![text("("), condition, text(") or $msg == 'never so'")])
    }

    fn choice(&mut self, depth: usize) -> Tree {
        let mut parts = vec![text("if "), self.condition(), text(" then ")];
        parts.push(self.block(depth));
        while self.expressions.once_in(3) {
            let condition = self.condition();
            let block = self.block(depth);
            let arm = vec![text(" else if "), condition, text(" then "), block];
            parts.push(Tree::Optional(arm));
        }
        if self.expressions.once_in(3) {
            let block = self.block(depth);
            parts.push(Tree::Optional(vec![text(" else "), block]));
        }
        Tree::Statement(parts)
    }

    fn foreach(&mut self, depth: usize) -> Tree {
        let variable = match (self.callees.is_empty(), self.loops) {
            (true, 0) => "$.u",
            (true, _) => ["$.v", "$!v!w", "$.w"][self.loops % 3],
            (false, 0) => self.expressions.pick(&["$.i", "$!i"]),
            (false, _) => ["$.k", "$.j", "$!k!i"][self.loops % 3],
        };
        let collection = match self.expressions.rng.u8(..6) {
            0 => self.expression(Want::Any),
            1 | 2 => Tree::Expr(vec![text(self.expressions.variable())]),
            3 => Tree::Expr(vec![text("$.list")]),
            4 if self.loops > 0 => Tree::Expr(vec![text("$.i!value")]),
            _ => Tree::Expr(vec![text("$!list")]),
        };
        self.loops += 1;
        let body = self.block(depth);
        self.loops -= 1;
        let head = text(format!("foreach ({variable} in "));
        Tree::Statement(vec![head, collection, text(") do "), body])
    }

    /// What a filter guards: a block, or actions in a chain.
    fn guarded(&mut self, depth: usize) -> Vec<Tree> {
        if depth > 0 && self.expressions.rng.bool() {
            return vec![self.block(depth - 1)];
        }
        let mut parts = vec![text(self.legacy_action())];
        while self.expressions.once_in(3) {
            let next = self.legacy_action();
            parts.push(Tree::Optional(vec![text(format!("\n& {next}"))]));
        }
        if self.expressions.once_in(3) {
            parts.push(Tree::Optional(vec![text("\n& stop")]));
        }
        parts
    }

    fn legacy_action(&mut self) -> String {
        self.files += 1;
        match self.expressions.rng.u8(..8) {
            0 => "stop".to_owned(),
            1 => format!("action(type=\"omfile\" file=\"@DIR@/@N@.{}.log\" template=\"t@N@\")", {
                self.files
            }),
            2 => format!("-@DIR@/@N@.{}.log;t@N@", self.files),
            _ => format!("@DIR@/@N@.{}.log;t@N@", self.files),
        }
    }

    fn filter(&mut self, depth: usize) -> Tree {
        let operations = &["contains", "isequal", "startswith", "regex", "ereregex", "isempty"];
        let operation = self.expressions.pick(operations);
        let not = if self.expressions.once_in(4) { "!" } else { "" };
        let names = known::properties();
        let property = match self.expressions.once_in(3) {
            true => names[self.expressions.rng.usize(..names.len())],
            false => "msg",
        };
        let value = match operation {
            "regex" | "ereregex" => self.expressions.regex(operation == "ereregex").to_owned(),
            _ => self.expressions.pick(WORDS).to_owned(),
        };
        let value = value.replace('\\', "\\\\").replace('"', "\\\"");
        let head = format!(":{property}, {not}{operation}, \"{value}\" ");
        let mut parts = vec![text(head)];
        parts.extend(self.guarded(depth));
        Tree::Statement(parts)
    }

    fn selector(&mut self, depth: usize) -> Tree {
        let mut parts = vec![text(format!("{} ", self.expressions.selector()))];
        parts.extend(self.guarded(depth));
        Tree::Statement(parts)
    }

    fn mmjsonparse(&mut self) -> Tree {
        let parameters = self.expressions.pick(&[
            "",
            " cookie=\"\"",
            " cookie=\"\" container=\"!obj\"",
            " container=\".list\"",
            " cookie=\"\" container=\"$!a!b\"",
            " cookie=\"{\"",
        ]);
        Tree::Statement(vec![text(format!("action(type=\"mmjsonparse\"{parameters})"))])
    }

    fn call(&mut self) -> Tree {
        let callee = self.expressions.pick(self.callees);
        let (head, tail) = callee.split_at(1);
        Tree::Statement(vec![text(match self.expressions.rng.u8(..8) {
            0 => format!("call_indirect '{callee}@N@';"),
            1 => format!("call_indirect '{head}' & \"{tail}@N@\";"),
            2 => format!("set $.key = '{callee}@N@';\ncall_indirect $.key;"),
            3 => "call_indirect 'nowhere' & $.a;".to_owned(),
            _ => format!("call {callee}@N@"),
        })])
    }

    fn file_action(&mut self) -> Tree {
        self.files += 1;
        let file = format!("@DIR@/@N@.{}.log", self.files);
        Tree::Statement(vec![text(format!(
            "action(type=\"omfile\" file=\"{file}\" template=\"t@N@\")"
        ))])
    }
}
