//! A syntax tree as YAML, in rsyslog's own schema and nothing beyond it, so that rsyslog 8.2604 and
//! later reads it as well.
//!
//! Sections hold objects by kind. What stands outside of rulesets is the ruleset
//! `RSYSLOG_DefaultRuleset`. A ruleset is a list of actions, with or without one filter before
//! them; or a list of statements; or, with a statement that the schema does not know, a script.

use bstr::BString;
use bstr::ByteSlice;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::config::ast::Block;
use crate::config::ast::Expr;
use crate::config::ast::ExprKind;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::ast::Param;
use crate::config::ast::Stmt;
use crate::config::ast::StmtKind;
use crate::config::ast::Value;
use crate::config::legacy::selector;
use crate::config::print::expr;
use crate::config::print::grouped;
use crate::config::print::rainerscript;
use crate::config::print::scalar;

/// rsyslog's name of what stands in no ruleset.
const DEFAULT_RULESET: &str = "RSYSLOG_DefaultRuleset";
/// Statements that are nested deeper are easier to read as a script.
const DEPTH_MAX: usize = 12;

/// Sections that are lists of objects, in the order in which they are written, and what each item
/// must have.
const SECTIONS: [(&str, ObjectKind, &str); 9] = [
    ("modules", ObjectKind::Module, "load"),
    ("parsers", ObjectKind::Parser, "name"),
    ("timezones", ObjectKind::Timezone, "id"),
    ("ratelimits", ObjectKind::Ratelimit, "name"),
    ("lookup_tables", ObjectKind::LookupTable, "name"),
    ("dyn_stats", ObjectKind::DynStats, "name"),
    ("perctile_stats", ObjectKind::PerctileStats, "name"),
    ("templates", ObjectKind::Template, "name"),
    ("inputs", ObjectKind::Input, "type"),
];

struct Printer<'d> {
    out: String,
    depth: usize,
    /// A list's item has begun: its first key stands behind the hyphen.
    item: bool,
    diags: &'d mut Diagnostics,
}

const fn object(statement: &Stmt) -> Option<&Object> {
    if let StmtKind::Object(object) = &statement.kind { Some(object) } else { None }
}

fn objects(block: &Block, kind: ObjectKind) -> Vec<&Object> {
    let objects = block.iter().filter_map(object);
    objects.filter(|object| object.kind == kind).collect()
}

/// All of a configuration.
pub(super) fn print(block: &Block, diags: &mut Diagnostics) -> String {
    let mut printer = Printer { out: "version: 2\n".to_owned(), depth: 0, item: false, diags };
    let globals = objects(block, ObjectKind::Global);
    printer.single("global", &grouped::merged(globals.into_iter()));
    for (name, kind, needed) in SECTIONS {
        let found = objects(block, kind);
        for object in &found {
            printer.needs(object, needed);
        }
        if kind == ObjectKind::Template {
            printer.list(name, &found, Printer::template);
        } else {
            printer.list(name, &found, |printer, object| printer.params(&object.params));
        }
    }
    printer.main_queue(&objects(block, ObjectKind::MainQueue));
    printer.rulesets(block);
    printer.out
}

impl Printer<'_> {
    fn refuse(&mut self, loc: Loc, message: String, help: &str) {
        self.diags.push(Diagnostic::error(loc, message).help(help));
    }

    /// The beginning of a line: blanks, or the hyphen of the item that it is the first of.
    fn begin(&mut self) {
        let dash = std::mem::take(&mut self.item);
        let depth = self.depth - usize::from(dash);
        self.out.push_str(&"  ".repeat(depth));
        self.out.push_str(if dash { "- " } else { "" });
    }

    /// `key:` and what stands below it.
    fn nested(&mut self, key: &str, inner: impl FnOnce(&mut Self)) {
        self.begin();
        self.out.push_str(&format!("{key}:\n"));
        self.depth += 1;
        inner(self);
        self.depth -= 1;
    }

    /// One item of a list.
    fn item(&mut self, inner: impl FnOnce(&mut Self)) {
        self.depth += 1;
        self.item = true;
        inner(self);
        self.item = false;
        self.depth -= 1;
    }

    /// `key: text`
    fn pair(&mut self, key: &str, text: &[u8], loc: Loc) {
        let value = self.scalar(text, loc);
        self.begin();
        self.out.push_str(&format!("{key}: {value}\n"));
    }

    fn scalar(&mut self, text: &[u8], loc: Loc) -> String {
        scalar::inline(text).unwrap_or_else(|| {
            let message = format!("YAML is UTF-8, and '{}' is not", text.as_bstr());
            self.refuse(loc, message, "convert the text to UTF-8");
            String::new()
        })
    }

    /// A section: a blank line, and its name.
    fn section(&mut self, name: &str, inner: impl FnOnce(&mut Self)) {
        self.out.push('\n');
        self.nested(name, inner);
    }

    fn single(&mut self, name: &str, params: &[Param]) {
        if !params.is_empty() {
            self.section(name, |printer| printer.params(params));
        }
    }

    fn list(&mut self, name: &str, found: &[&Object], each: impl Fn(&mut Self, &Object)) {
        if found.is_empty() {
            return;
        }
        self.section(name, |printer| {
            for object in found {
                printer.item(|printer| each(printer, object));
            }
        });
    }

    /// rsyslog tells an item by one of its keys.
    fn needs(&mut self, object: &Object, key: &str) {
        if object.text(key).is_none() {
            let message = format!("an object without '{key}' cannot stand in YAML");
            self.refuse(object.loc, message, &format!("write {key}=\"…\", or remove it"));
        }
    }

    fn params(&mut self, params: &[Param]) {
        for (at, param) in params.iter().enumerate() {
            let name = &param.name.text;
            if params.iter().take(at).any(|known| known.name.text == *name) {
                let message = format!("'{name}' is given twice, which YAML does not allow");
                self.refuse(param.name.loc, message, "keep one of them; the first one counts");
            }
            self.param(param);
        }
    }

    fn param(&mut self, param: &Param) {
        let key = self.scalar(param.name.text.as_bytes(), param.name.loc);
        match &param.value {
            Value::Str(text) => self.pair(&key, text, param.value_loc),
            Value::Array(items) if items.is_empty() => {
                let message = "an array cannot be empty".to_owned();
                self.refuse(param.value_loc, message, "leave the parameter out");
            }
            Value::Array(items) => self.nested(&key, |printer| {
                for item in items {
                    printer.array_item(item, param.value_loc);
                }
            }),
        }
    }

    fn array_item(&mut self, text: &BString, loc: Loc) {
        let value = self.scalar(text, loc);
        self.begin();
        self.out.push_str(&format!("- {value}\n"));
    }

    fn main_queue(&mut self, found: &[&Object]) {
        let Some((last, others)) = found.split_last() else { return };
        if let Some(other) = others.first() {
            let message = "YAML has one main queue".to_owned();
            self.refuse(other.loc, message, "keep one main_queue()");
        }
        self.single("mainqueue", &last.params);
    }

    fn template(&mut self, template: &Object) {
        self.params(&template.params);
        if template.parts.is_empty() {
            return;
        }
        self.nested("elements", |printer| {
            for part in &template.parts {
                let (kind, needed) = match part.kind {
                    ObjectKind::Constant => ("constant", "value"),
                    _ => ("property", "name"),
                };
                printer.needs(part, needed);
                printer.item(|printer| {
                    printer.nested(kind, |printer| printer.params(&part.params));
                });
            }
        });
    }

    fn rulesets(&mut self, block: &Block) {
        let rule = |statement: &&Stmt| match &statement.kind {
            StmtKind::Object(object) => object.kind == ObjectKind::Action,
            _ => true,
        };
        let main: Block = block.iter().filter(rule).cloned().collect();
        let named = objects(block, ObjectKind::Ruleset);
        if main.is_empty() && named.is_empty() {
            return;
        }
        self.section("rulesets", |printer| {
            if let Some(first) = main.first() {
                printer.item(|printer| {
                    printer.pair("name", DEFAULT_RULESET.as_bytes(), first.loc);
                    printer.rules(&main);
                });
            }
            for ruleset in named {
                printer.needs(ruleset, "name");
                if let Some((name, loc)) = ruleset.text("name")
                    && name == DEFAULT_RULESET
                {
                    let message = format!("in YAML '{name}' is what stands in no ruleset");
                    printer.refuse(loc, message, "give this ruleset another name");
                }
                printer.item(|printer| {
                    printer.params(&ruleset.params);
                    printer.rules(&ruleset.script);
                });
            }
        });
    }

    /// What a ruleset does, in the simplest form that can say it.
    fn rules(&mut self, block: &Block) {
        if block.is_empty() {
            return;
        }
        if let Some(actions) = actions(block) {
            return self.nested("actions", |printer| printer.actions(&actions));
        }
        if let [only] = block.as_slice()
            && let Some((text, then)) = filter_text(only)
            && let Some(actions) = actions(then)
        {
            self.pair("filter", &text, only.loc);
            return self.nested("actions", |printer| printer.actions(&actions));
        }
        if block.iter().all(|statement| is_known(statement, DEPTH_MAX)) {
            return self.nested("statements", |printer| printer.statements(block));
        }
        self.script(block);
    }

    fn actions(&mut self, actions: &[&Object]) {
        for action in actions {
            self.item(|printer| printer.params(&action.params));
        }
    }

    /// `script: |`, or in quotes if a block cannot hold it.
    fn script(&mut self, block: &Block) {
        let text = rainerscript::script(block, self.diags);
        let loc = block.first().map(|statement| statement.loc).unwrap_or_default();
        let Some(text) = text.to_str().ok().filter(|text| scalar::fits_block(text)) else {
            return self.pair("script", &text, loc);
        };
        self.begin();
        self.out.push_str("script: |\n");
        for line in text.lines() {
            if !line.is_empty() {
                self.out.push_str(&"  ".repeat(self.depth + 1));
                self.out.push_str(line);
            }
            self.out.push('\n');
        }
    }

    fn statements(&mut self, block: &Block) {
        for statement in block {
            self.item(|printer| printer.statement(statement));
        }
    }

    fn statement(&mut self, statement: &Stmt) {
        let loc = statement.loc;
        match &statement.kind {
            StmtKind::Object(action) => self.params(&action.params),
            StmtKind::If { cond, then, otherwise } => {
                self.pair("if", expr::print(cond).as_bytes(), loc);
                self.nested("then", |printer| printer.statements(then));
                if !otherwise.is_empty() {
                    self.nested("else", |printer| printer.statements(otherwise));
                }
            }
            StmtKind::PriFilter { text, then, .. } => {
                let condition = expr::print(&grouped::condition(text, loc));
                self.pair("if", condition.as_bytes(), loc);
                self.nested("then", |printer| printer.statements(then));
            }
            StmtKind::Call(name) => self.pair("call", name.text.as_bytes(), name.loc),
            StmtKind::CallIndirect(name) => {
                self.pair("call_indirect", expr::print(name).as_bytes(), loc);
            }
            StmtKind::Set { variable, value, .. } => self.nested("set", |printer| {
                printer.variable("var", &variable.text, loc);
                printer.pair("expr", expr::print(value).as_bytes(), loc);
            }),
            StmtKind::Unset(variable) => self.variable("unset", &variable.text, loc),
            StmtKind::Foreach { variable, collection, body } => {
                self.nested("foreach", |printer| {
                    printer.variable("var", &variable.text, loc);
                    printer.pair("in", expr::print(collection).as_bytes(), loc);
                    printer.nested("do", |printer| printer.statements(body));
                });
            }
            StmtKind::ReloadLookupTable { table, stub } => {
                self.nested("reload_lookup_table", |printer| {
                    printer.pair("table", table.text.as_bytes(), table.loc);
                    if let Some(Expr { kind: ExprKind::Str(text), loc }) = stub {
                        printer.pair("stub_value", text, *loc);
                    }
                });
            }
            StmtKind::Stop => self.flag("stop"),
            StmtKind::Continue => self.flag("continue"),
            // A ruleset with one of these is a script.
            StmtKind::PropertyFilter { .. } => {}
        }
    }

    fn variable(&mut self, key: &str, name: &str, loc: Loc) {
        self.pair(key, format!("${name}").as_bytes(), loc);
    }

    fn flag(&mut self, key: &str) {
        self.begin();
        self.out.push_str(&format!("{key}: true\n"));
    }
}

/// The statements as actions, if that is what they are.
fn actions(block: &Block) -> Option<Vec<&Object>> {
    block.iter().map(|statement| object(statement).filter(|found| is_action(found))).collect()
}

/// Whether an item can say it: a mapping of texts, each key once.
fn is_action(object: &Object) -> bool {
    let utf8 = |param: &Param| match &param.value {
        Value::Str(text) => text.to_str().is_ok(),
        Value::Array(items) => items.iter().all(|item| item.to_str().is_ok()),
    };
    let again = |(at, param): (usize, &Param)| {
        object.params.iter().take(at).any(|known| known.name.text == param.name.text)
    };
    object.text("type").is_some()
        && !object.params.iter().enumerate().any(again)
        && rainerscript::shell_line(object).is_none()
        && object.params.iter().all(utf8)
}

/// A selector or property filter as the text of `filter:`, and what it guards.
fn filter_text(statement: &Stmt) -> Option<(Vec<u8>, &Block)> {
    match &statement.kind {
        StmtKind::PriFilter { text, then, .. } => Some((text.clone().into_bytes(), then)),
        StmtKind::PropertyFilter { filter, then } => {
            Some((rainerscript::filter_line(filter)?, then))
        }
        _ => None,
    }
}

/// Whether the schema has a form for the statement and those in it.
fn is_known(statement: &Stmt, depth: usize) -> bool {
    if depth == 0 {
        return false;
    }
    let all = |block: &Block| block.iter().all(|inner| is_known(inner, depth - 1));
    match &statement.kind {
        StmtKind::Object(object) => is_action(object),
        StmtKind::If { then, otherwise, .. } => all(then) && all(otherwise),
        // With a mistake in it a selector filters up to there, and prifilt() does not.
        StmtKind::PriFilter { text, then, .. } => selector::parse(text).1.is_none() && all(then),
        StmtKind::PropertyFilter { .. } | StmtKind::Set { reset: true, .. } => false,
        StmtKind::Foreach { body, .. } => all(body),
        StmtKind::ReloadLookupTable { stub, .. } => {
            stub.as_ref().is_none_or(|stub| matches!(stub.kind, ExprKind::Str(_)))
        }
        StmtKind::Call(_)
        | StmtKind::CallIndirect(_)
        | StmtKind::Set { .. }
        | StmtKind::Unset(_)
        | StmtKind::Stop
        | StmtKind::Continue => true,
    }
}
