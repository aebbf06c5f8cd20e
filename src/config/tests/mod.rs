//! Whole texts through the parser: what they become, and what is said about them.

mod diagnostics;
mod files;
mod lowered;
mod random;
mod script;

use crate::config::Config;
use crate::config::ast::BinaryOp;
use crate::config::ast::Block;
use crate::config::ast::Expr;
use crate::config::ast::ExprKind;
use crate::config::ast::Object;
use crate::config::ast::Param;
use crate::config::ast::Stmt;
use crate::config::ast::StmtKind;
use crate::config::ast::Value;
use crate::config::parse_text;

/// The statements of a text without complaints, in short form.
fn clean(text: &str) -> String {
    let config = parse_text("t", text.as_bytes());
    assert_eq!(complaints(&config), Vec::<String>::new(), "{text}");
    block(&config.statements)
}

/// The statements of any text, in short form.
fn whatever(text: &str) -> String {
    block(&parse_text("t", text.as_bytes()).statements)
}

/// `line:column: severity: message` of each complaint.
fn complaints(config: &Config) -> Vec<String> {
    let say = |d: &crate::base::diag::Diagnostic| {
        let (line, column) = config.sources.position(d.loc);
        format!("{line}:{column}: {}: {}", d.severity, d.message)
    };
    config.diagnostics.all.iter().map(say).collect()
}

fn block(statements: &Block) -> String {
    statements.iter().map(statement).collect::<Vec<_>>().join(" ")
}

fn statement(statement: &Stmt) -> String {
    match &statement.kind {
        StmtKind::Object(found) => object(found),
        StmtKind::If { cond, then, otherwise } if otherwise.is_empty() => {
            format!("if {} {{{}}}", expr(cond), block(then))
        }
        StmtKind::If { cond, then, otherwise } => {
            format!("if {} {{{}}} else {{{}}}", expr(cond), block(then), block(otherwise))
        }
        StmtKind::PriFilter { text, then, .. } => format!("pri[{text}] {{{}}}", block(then)),
        StmtKind::PropertyFilter { filter, then } => {
            let not = if filter.negated { "!" } else { "" };
            let (property, operation) = (&filter.property.text, filter.operation);
            format!("prop[{property} {not}{operation:?} {}] {{{}}}", filter.value, block(then))
        }
        StmtKind::Call(name) => format!("call {}", name.text),
        StmtKind::CallIndirect(name) => format!("call_indirect {}", expr(name)),
        StmtKind::Set { variable, value, reset } => {
            format!("{} {} {}", if *reset { "reset" } else { "set" }, variable.text, expr(value))
        }
        StmtKind::Unset(variable) => format!("unset {}", variable.text),
        StmtKind::Foreach { variable, collection, body } => {
            format!("foreach {} {} {{{}}}", variable.text, expr(collection), block(body))
        }
        StmtKind::ReloadLookupTable { table, stub } => {
            format!("reload {} {}", table.text, stub.as_ref().map(expr).unwrap_or_default())
        }
        StmtKind::Stop => "stop".to_owned(),
        StmtKind::Continue => "continue".to_owned(),
    }
}

fn object(object: &Object) -> String {
    let params = object.params.iter().map(param).collect::<Vec<_>>().join(" ");
    let mut out = format!("{:?}({params})", object.kind);
    if !object.parts.is_empty() {
        let parts = object.parts.iter().map(self::object).collect::<Vec<_>>().join(" ");
        out += &format!("{{{parts}}}");
    }
    if !object.script.is_empty() {
        out += &format!("{{{}}}", block(&object.script));
    }
    out
}

fn param(param: &Param) -> String {
    match &param.value {
        Value::Str(text) => format!("{}={text}", param.name.text),
        Value::Array(items) => {
            let items = items.iter().map(ToString::to_string).collect::<Vec<_>>();
            format!("{}=[{}]", param.name.text, items.join(","))
        }
    }
}

fn expr(found: &Expr) -> String {
    match &found.kind {
        ExprKind::Number(n) => n.to_string(),
        ExprKind::Str(text) => format!("'{text}'"),
        ExprKind::Array(items) => {
            format!("[{}]", items.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
        }
        ExprKind::Variable(name) => format!("${name}"),
        ExprKind::Call { name, args } => {
            format!("{}({})", name.text, args.iter().map(expr).collect::<Vec<_>>().join(","))
        }
        ExprKind::Not(inner) => format!("(not {})", expr(inner)),
        ExprKind::Negate(inner) => format!("(-{})", expr(inner)),
        ExprKind::Binary { op, left, right } => {
            format!("({} {} {})", expr(left), sign(*op), expr(right))
        }
    }
}

const fn sign(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Or => "or",
        BinaryOp::And => "and",
        BinaryOp::Equal => "==",
        BinaryOp::NotEqual => "!=",
        BinaryOp::Less => "<",
        BinaryOp::LessEqual => "<=",
        BinaryOp::Greater => ">",
        BinaryOp::GreaterEqual => ">=",
        BinaryOp::Contains => "contains",
        BinaryOp::ContainsI => "contains_i",
        BinaryOp::StartsWith => "startswith",
        BinaryOp::StartsWithI => "startswith_i",
        BinaryOp::EndsWith => "endswith",
        BinaryOp::Add => "+",
        BinaryOp::Subtract => "-",
        BinaryOp::Concat => "&",
        BinaryOp::Multiply => "*",
        BinaryOp::Divide => "/",
        BinaryOp::Modulo => "%",
    }
}
