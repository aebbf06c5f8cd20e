//! Expressions, with the parentheses that they need and no others.

use crate::config::ast::BinaryOp;
use crate::config::ast::Expr;
use crate::config::ast::ExprKind;
use crate::config::expr::strength;
use crate::config::expr::written;
use crate::config::print::text;

/// Above the operators: what a constant, a variable or a call binds like.
const OPERAND: u8 = u8::MAX;

pub(super) fn print(expr: &Expr) -> String {
    let mut out = String::new();
    write(expr, 0, &mut out);
    out
}

/// The links of a chain of `and` and `or`, the later ones with their operator before them. An
/// expression that is no such chain is its only link.
pub(super) fn links(expr: &Expr) -> Vec<String> {
    let mut links = Vec::new();
    let mut head = expr;
    while let ExprKind::Binary { op, left, right } = &head.kind
        && is_logic(*op)
    {
        let mut link = format!("{} ", written(*op));
        write(right, strength(*op) + 1, &mut link);
        links.push(link);
        if misleads(*op, left) {
            let mut whole = String::new();
            parenthesised(left, &mut whole);
            links.push(whole);
            links.reverse();
            return links;
        }
        head = left;
    }
    let mut first = String::new();
    write(head, if links.is_empty() { 0 } else { strength(BinaryOp::And) }, &mut first);
    links.push(first);
    links.reverse();
    links
}

const fn is_logic(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::And | BinaryOp::Or)
}

/// `a or b and c` is `(a or b) and c`; nobody reads it like that, so the parentheses are written.
fn misleads(op: BinaryOp, left: &Expr) -> bool {
    op == BinaryOp::And && matches!(left.kind, ExprKind::Binary { op: BinaryOp::Or, .. })
}

fn parenthesised(expr: &Expr, out: &mut String) {
    out.push('(');
    write(expr, 0, out);
    out.push(')');
}

/// Writes `expr`, in parentheses if it binds more weakly than `least`.
fn write(expr: &Expr, least: u8, out: &mut String) {
    match &expr.kind {
        ExprKind::Number(number) => out.push_str(&number.to_string()),
        ExprKind::Str(constant) => out.push_str(&text::constant(constant)),
        ExprKind::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| text::constant(item)).collect();
            out.push_str(&format!("[{}]", items.join(", ")));
        }
        ExprKind::Variable(name) => {
            out.push('$');
            out.push_str(name);
        }
        ExprKind::Call { name, args } => {
            let args: Vec<String> = args.iter().map(print).collect();
            out.push_str(&format!("{}({})", name.text, args.join(", ")));
        }
        ExprKind::Not(inner) => {
            out.push_str("not ");
            write(inner, OPERAND, out);
        }
        ExprKind::Negate(inner) => {
            out.push('-');
            write(inner, OPERAND, out);
        }
        ExprKind::Binary { op, .. } if strength(*op) < least => parenthesised(expr, out),
        ExprKind::Binary { op, left, right } => {
            if misleads(*op, left) {
                parenthesised(left, out);
            } else {
                write(left, strength(*op), out);
            }
            out.push_str(&format!(" {} ", written(*op)));
            write(right, strength(*op) + 1, out);
        }
    }
}
