//! What legacy lines left in the tree, in modern words: the tree that both forms are printed from.

use bstr::BString;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::config::ast::BinaryOp;
use crate::config::ast::Block;
use crate::config::ast::Expr;
use crate::config::ast::ExprKind;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::ast::Param;
use crate::config::ast::Stmt;
use crate::config::ast::StmtKind;
use crate::config::ast::Value;
use crate::config::module::short_name;
use crate::config::print::defaults;
use crate::config::print::grouped;
use crate::config::print::rainerscript;
use crate::config::print::template;
use crate::config::print::template::Piece;
use crate::message::PriMask;

/// The same statements with the same meaning and without anything that only legacy lines can say.
/// Complains of what has no modern form.
#[must_use]
pub fn modern(mut block: Block, diags: &mut Diagnostics) -> Block {
    defaults::into_actions(&mut block);
    join(&mut block);
    statements(&mut block, diags);
    block
}

/// Joins what directives say of `global()` and of a module with what objects say: of two values of
/// a directive the last one counts, while two objects may not give the same, nor load the same.
fn join(block: &mut Block) {
    let mut at = 0;
    while at < block.len() {
        let (before, rest) = block.split_at_mut(at);
        let Some(StmtKind::Object(object)) = rest.first_mut().map(|stmt| &mut stmt.kind) else {
            at += 1;
            continue;
        };
        let earlier = before.iter_mut().find_map(|stmt| match &mut stmt.kind {
            StmtKind::Object(known) if known.legacy || object.legacy => {
                is_same(known, object).then_some(known)
            }
            _ => None,
        });
        let Some(earlier) = earlier else {
            at += 1;
            continue;
        };
        for param in std::mem::take(&mut object.params) {
            let same = |old: &Param| old.name.text.eq_ignore_ascii_case(&param.name.text);
            let old = earlier.params.iter().position(same).map(|at| earlier.params.remove(at));
            earlier.params.push(match old {
                Some(old) => grouped::over(&old, param),
                None => param,
            });
        }
        earlier.legacy &= object.legacy;
        block.remove(at);
    }
}

/// Whether both are `global()`, or load one module.
fn is_same(a: &Object, b: &Object) -> bool {
    let load = |object: &Object| {
        object.text("load").map(|(load, _)| short_name(&load).to_ascii_lowercase())
    };
    match (a.kind, b.kind) {
        (ObjectKind::Global, ObjectKind::Global) => true,
        (ObjectKind::Module, ObjectKind::Module) => load(a).is_some() && load(a) == load(b),
        _ => false,
    }
}

fn statements(block: &mut Block, diags: &mut Diagnostics) {
    block.retain(|statement| !is_void(statement));
    for statement in block {
        one(statement, diags);
    }
}

/// A line that was taken for a selector, complained of, and matches nothing.
fn is_void(statement: &Stmt) -> bool {
    match &statement.kind {
        StmtKind::PriFilter { filter, text, .. } => {
            *filter == PriMask::default() && !rainerscript::is_selector(text)
        }
        _ => false,
    }
}

/// A block that filters; rsyslog takes no empty one.
fn filtered(block: &mut Block, of: &Stmt, diags: &mut Diagnostics) {
    statements(block, diags);
    if block.is_empty() {
        block.push(Stmt { loc: of.loc, kind: StmtKind::Continue });
    }
}

fn one(statement: &mut Stmt, diags: &mut Diagnostics) {
    let here = Stmt { loc: statement.loc, kind: StmtKind::Continue };
    match &mut statement.kind {
        StmtKind::Object(found) => object(found, diags),
        StmtKind::If { cond, then, otherwise } => {
            expr(cond);
            filtered(then, &here, diags);
            statements(otherwise, diags);
        }
        StmtKind::PriFilter { then, .. } | StmtKind::PropertyFilter { then, .. } => {
            filtered(then, &here, diags);
        }
        StmtKind::Foreach { collection, body, .. } => {
            expr(collection);
            filtered(body, &here, diags);
        }
        StmtKind::CallIndirect(found) | StmtKind::Set { value: found, .. } => expr(found),
        StmtKind::ReloadLookupTable { stub, .. } => stub.iter_mut().for_each(expr),
        StmtKind::Call(_) | StmtKind::Unset(_) | StmtKind::Stop | StmtKind::Continue => {}
    }
}

fn object(object: &mut Object, diags: &mut Diagnostics) {
    statements(&mut object.script, diags);
    if object.legacy && object.kind == ObjectKind::Template {
        legacy_template(object, diags);
    }
    object.legacy = false;
}

/// The text of a `$template` holds escapes that `template(string=…)` does not know.
fn legacy_template(object: &mut Object, diags: &mut Diagnostics) {
    let Some(at) = object.params.iter().position(|param| param.name.text == "string") else {
        return;
    };
    let Param { value: Value::Str(text), value_loc: loc, .. } = &object.params[at] else { return };
    let (pieces, loc) = (template::pieces(text), *loc);
    if !pieces.iter().any(Piece::has_percent) {
        object.params[at].value = Value::Str(BString::from(template::joined(&pieces)));
        return;
    }
    // In a string a percent sign always begins a property; in a list it is one as any other.
    let Some(parts) = template::parts(&pieces, loc) else {
        let text = "this text has a percent sign and a property that cannot both stand in a \
                    modern template";
        let help = "write it as template(type=\"list\") yourself; '%' can stand in a constant()";
        diags.push(Diagnostic::error(loc, text).help(help));
        return;
    };
    object.parts = parts;
    object.params.remove(at);
    if let Some(kind) = object.params.iter_mut().find(|param| param.name.text == "type") {
        kind.value = Value::Str("list".into());
    }
}

/// Numbers have no sign of their own when they are written.
fn expr(found: &mut Expr) {
    let loc = found.loc;
    let make = |kind| Box::new(Expr { loc, kind });
    match &mut found.kind {
        ExprKind::Number(number @ ..0) => {
            found.kind = match number.checked_neg() {
                Some(positive) => ExprKind::Negate(make(ExprKind::Number(positive))),
                None => ExprKind::Binary {
                    op: BinaryOp::Subtract,
                    left: make(ExprKind::Negate(make(ExprKind::Number(i64::MAX)))),
                    right: make(ExprKind::Number(1)),
                },
            };
        }
        ExprKind::Number(_) | ExprKind::Str(_) | ExprKind::Array(_) | ExprKind::Variable(_) => {}
        ExprKind::Call { args, .. } => args.iter_mut().for_each(expr),
        ExprKind::Not(inner) | ExprKind::Negate(inner) => expr(inner),
        ExprKind::Binary { left, right, .. } => {
            expr(left);
            expr(right);
        }
    }
}
