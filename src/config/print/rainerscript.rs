//! A syntax tree as RainerScript: modern objects, one statement a line, blocks indented.

use bstr::BString;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::limits::ELSE_IF_MAX;
use crate::config::ast::Block;
use crate::config::ast::Expr;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::ast::Param;
use crate::config::ast::PropertyFilter;
use crate::config::ast::Stmt;
use crate::config::ast::StmtKind;
use crate::config::ast::Value;
use crate::config::legacy::action::SHELL;
use crate::config::legacy::filter;
use crate::config::lex;
use crate::config::lex::Token;
use crate::config::print::expr;
use crate::config::print::text;

/// Longer lines are broken where that is possible.
const COLUMNS: usize = 100;
const INDENT: usize = 4;

/// What cannot be written is reported, and the text is then without it.
#[derive(Debug)]
pub(super) struct Printer<'d> {
    out: Vec<u8>,
    depth: usize,
    diags: &'d mut Diagnostics,
}

/// All of a configuration, statements apart where they are long or of another kind.
pub(super) fn print(block: &Block, diags: &mut Diagnostics) -> Vec<u8> {
    let mut printer = Printer { out: Vec::new(), depth: 0, diags };
    let mut before = None;
    for statement in block {
        let start = printer.out.len();
        printer.statement(statement);
        let lines = memchr::memchr_iter(b'\n', printer.out.get(start..).unwrap_or_default());
        let kind = (lines.count() == 1).then(|| group(statement));
        if start > 0 && (kind.is_none() || before != Some(kind)) {
            printer.out.insert(start, b'\n');
        }
        before = Some(kind);
    }
    printer.out
}

/// One block's text without its braces.
pub(super) fn script(block: &Block, diags: &mut Diagnostics) -> Vec<u8> {
    let mut printer = Printer { out: Vec::new(), depth: 0, diags };
    for statement in block {
        printer.statement(statement);
    }
    printer.out
}

/// What stands together if it takes one line: objects of one kind, and rules.
fn group(statement: &Stmt) -> Option<ObjectKind> {
    match &statement.kind {
        StmtKind::Object(object) if object.kind != ObjectKind::Action => Some(object.kind),
        _ => None,
    }
}

impl Printer<'_> {
    fn refuse(&mut self, loc: Loc, message: String, help: &str) {
        self.diags.push(Diagnostic::error(loc, message).help(help));
    }

    fn write(&mut self, text: impl AsRef<[u8]>) {
        self.out.extend_from_slice(text.as_ref());
    }

    /// A new line's indentation.
    fn indent(&mut self) {
        self.out.resize(self.out.len() + INDENT * self.depth, b' ');
    }

    /// A whole line.
    fn line(&mut self, text: &str) {
        self.indent();
        self.write(text);
        self.write("\n");
    }

    fn fits(&self, text: &str) -> bool {
        INDENT * self.depth + text.chars().count() <= COLUMNS
    }

    fn statement(&mut self, statement: &Stmt) {
        match &statement.kind {
            StmtKind::Object(object) => self.object(object),
            StmtKind::If { .. } => self.branch(statement),
            StmtKind::PriFilter { text, then, .. } => self.selector(text, then, statement.loc),
            StmtKind::PropertyFilter { filter, then } => self.property_filter(filter, then),
            StmtKind::Call(name) => self.call(&name.text, name.loc),
            StmtKind::CallIndirect(name) => self.assignment("call_indirect ", name),
            StmtKind::Set { variable, value, reset } => {
                let keyword = if *reset { "reset" } else { "set" };
                self.assignment(&format!("{keyword} ${} = ", variable.text), value);
            }
            StmtKind::Unset(variable) => self.line(&format!("unset ${};", variable.text)),
            StmtKind::Foreach { variable, collection, body } => {
                let collection = expr::print(collection);
                self.indent();
                self.write(format!("foreach (${} in {collection}) do ", variable.text));
                self.block(body);
                self.write("\n");
            }
            StmtKind::ReloadLookupTable { table, stub } => {
                let table = text::constant(table.text.as_bytes());
                let stub = stub.as_ref().map(|stub| format!(", {}", expr::print(stub)));
                self.line(&format!("reload_lookup_table({table}{})", stub.unwrap_or_default()));
            }
            StmtKind::Stop => self.line("stop"),
            StmtKind::Continue => self.line("continue"),
        }
    }

    /// `{`, the statements, and `}` without its line end.
    fn block(&mut self, block: &Block) {
        self.write("{\n");
        self.depth += 1;
        for statement in block {
            self.statement(statement);
        }
        self.depth -= 1;
        self.indent();
        self.write("}");
    }

    /// `if … then {…} else if … then {…} else {…}`
    fn branch(&mut self, statement: &Stmt) {
        self.indent();
        let mut next = statement;
        let mut arms = 0;
        while let StmtKind::If { cond, then, otherwise } = &next.kind {
            arms += 1;
            self.condition(cond);
            self.block(then);
            match otherwise.as_slice() {
                [] => break,
                [one] if matches!(one.kind, StmtKind::If { .. }) && arms < ELSE_IF_MAX => {
                    self.write(" else ");
                    next = one;
                }
                _ => {
                    self.write(" else ");
                    self.block(otherwise);
                    break;
                }
            }
        }
        self.write("\n");
    }

    /// `if … then `, on several lines if it is a long chain.
    fn condition(&mut self, cond: &Expr) {
        let line = format!("if {} then ", expr::print(cond));
        if self.fits(&line) {
            return self.write(line);
        }
        let links = expr::links(cond);
        let blanks = " ".repeat(INDENT * (self.depth + 1));
        self.write(format!("if {}", links.join(&format!("\n{blanks}"))));
        if links.len() == 1 {
            return self.write(" then ");
        }
        self.write("\n");
        self.indent();
        self.write("then ");
    }

    /// `head expression;`
    fn assignment(&mut self, head: &str, value: &Expr) {
        self.line(&format!("{head}{};", expr::print(value)));
    }

    fn call(&mut self, name: &str, loc: Loc) {
        let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.bytes().all(known) {
            let message = format!("RainerScript cannot call a ruleset of the name '{name}'");
            let help = "names begin with a letter and hold letters, digits, '-', '_' and '.'";
            return self.refuse(loc, message, help);
        }
        self.line(&format!("call {name}"));
    }

    fn selector(&mut self, selector: &str, then: &Block, loc: Loc) {
        if !is_selector(selector) {
            let message = format!("'{selector}' is no selector that can stand in a line");
            return self.refuse(loc, message, "write facility.priority, e.g. mail.info;auth.none");
        }
        self.indent();
        self.write(format!("{selector} "));
        self.block(then);
        self.write("\n");
    }

    fn property_filter(&mut self, wanted: &PropertyFilter, then: &Block) {
        let Some(line) = filter_line(wanted) else {
            let message = format!("a property filter cannot hold the value '{}'", wanted.value);
            let help = "it knows no escapes but \\\" and \\\\; write if … then with an expression";
            return self.refuse(wanted.property.loc, message, help);
        };
        self.indent();
        self.write(line);
        self.write(" ");
        self.block(then);
        self.write("\n");
    }

    fn object(&mut self, object: &Object) {
        if let Some(line) = shell_line(object) {
            return self.line(&line);
        }
        let name = lex::object_name(object.kind);
        for param in &object.params {
            self.check(param);
        }
        self.indent();
        let params: Vec<String> = object.params.iter().map(inline).collect();
        let line = format!("{name}({})", params.join(" "));
        if self.fits(&line) {
            self.write(line);
        } else {
            self.write(format!("{name}(\n"));
            self.depth += 1;
            for (param, text) in object.params.iter().zip(params) {
                self.param(param, &text);
            }
            self.depth -= 1;
            self.indent();
            self.write(")");
        }
        if object.kind == ObjectKind::Ruleset {
            self.write(" ");
            self.block(&object.script);
        } else if !object.parts.is_empty() {
            self.write(" {\n");
            self.depth += 1;
            for part in &object.parts {
                self.object(part);
            }
            self.depth -= 1;
            self.indent();
            self.write("}");
        }
        self.write("\n");
    }

    /// A parameter on a line of its own, an array that is too long for it on several.
    fn param(&mut self, param: &Param, text: &str) {
        match &param.value {
            Value::Array(items) if !self.fits(text) => {
                self.line(&format!("{}=[", param.name.text));
                self.depth += 1;
                for (at, item) in items.iter().enumerate() {
                    let comma = if at + 1 < items.len() { "," } else { "" };
                    self.line(&format!("{}{comma}", text::value(item)));
                }
                self.depth -= 1;
                self.line("]");
            }
            _ => self.line(text),
        }
    }

    fn check(&mut self, param: &Param) {
        let name = &param.name.text;
        let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.bytes().all(known) {
            let message = format!("'{name}' cannot be a parameter's name in RainerScript");
            let help = "names hold letters, digits, '.' and '_'";
            self.refuse(param.name.loc, message, help);
        }
        if matches!(&param.value, Value::Array(items) if items.is_empty()) {
            let message = "an array cannot be empty in RainerScript".to_owned();
            self.refuse(param.value_loc, message, "leave the parameter out");
        }
    }
}

/// Whether the text is a selector to whoever reads it at the beginning of a line.
pub(super) fn is_selector(text: &str) -> bool {
    lex::token(format!("{text} ").as_bytes(), 0) == (Token::PriFilter, text.len())
}

/// `^program;template`, for which rsyslog has no `action()`.
pub(super) fn shell_line(object: &Object) -> Option<String> {
    let text = |name: &str| object.text(name).map(|(text, _)| text);
    let names: Vec<&str> = object.params.iter().map(|param| param.name.text.as_str()).collect();
    let template = match names.as_slice() {
        ["type", "binary"] => String::new(),
        ["type", "binary", "template"] => format!(";{}", text("template")?),
        _ => return None,
    };
    let line = format!("^{}{template}", text("binary")?);
    let plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'\\' | b'#');
    let shell = object.kind == ObjectKind::Action && text("type")? == SHELL;
    (shell && line.len() > 1 && line.bytes().all(plain)).then_some(line)
}

/// `:property, [!]operation, "value"`; `None` if that cannot hold the value.
pub(super) fn filter_line(wanted: &PropertyFilter) -> Option<Vec<u8>> {
    let not = if wanted.negated { "!" } else { "" };
    let operation = filter::written(wanted.operation);
    let mut line = format!(":{}, {not}{operation}, \"", wanted.property.text).into_bytes();
    for byte in wanted.value.iter() {
        if matches!(byte, b'"' | b'\\') {
            line.push(b'\\');
        }
        line.push(*byte);
    }
    line.push(b'"');
    let whole = lex::token(&line, 0) == (Token::PropertyFilter, line.len());
    (whole && survives(&wanted.value)).then_some(line)
}

/// `name="value"`
fn inline(param: &Param) -> String {
    let value = match &param.value {
        Value::Str(value) => text::value(value),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| text::value(item)).collect();
            format!("[{}]", items.join(", "))
        }
    };
    format!("{}={value}", param.name.text)
}

/// Whether reading lines leaves a raw text alone: blanks before a line end would go, and a
/// backslash there would join the next line.
fn survives(text: &BString) -> bool {
    !text.contains(&0)
        && text.windows(2).all(|pair| pair[1] != b'\n' || !b" \t\r\x0b\x0c\\".contains(&pair[0]))
}
