//! A syntax tree without places: what is left are the meanings, which can be compared.

use crate::base::diag::Loc;
use crate::config::ast::Block;
use crate::config::ast::Expr;
use crate::config::ast::ExprKind;
use crate::config::ast::Object;
use crate::config::ast::Stmt;
use crate::config::ast::StmtKind;
use crate::config::ast::Word;

/// The same statements, all places forgotten.
#[must_use]
pub fn without_places(mut block: Block) -> Block {
    forget(&mut block);
    block
}

/// Whether two statements are the same but for their places.
pub(super) fn same(one: &Stmt, other: &Stmt) -> bool {
    without_places(vec![one.clone()]) == without_places(vec![other.clone()])
}

fn forget(block: &mut Block) {
    block.iter_mut().for_each(statement);
}

fn word(word: &mut Word) {
    word.loc = Loc::default();
}

fn statement(statement: &mut Stmt) {
    statement.loc = Loc::default();
    match &mut statement.kind {
        StmtKind::Object(found) => object(found),
        StmtKind::If { cond, then, otherwise } => {
            expr(cond);
            forget(then);
            forget(otherwise);
        }
        StmtKind::PriFilter { then, .. } => forget(then),
        StmtKind::PropertyFilter { filter, then } => {
            word(&mut filter.property);
            forget(then);
        }
        StmtKind::Call(name) | StmtKind::Unset(name) => word(name),
        StmtKind::CallIndirect(name) => expr(name),
        StmtKind::Set { variable, value, .. } => {
            word(variable);
            expr(value);
        }
        StmtKind::Foreach { variable, collection, body } => {
            word(variable);
            expr(collection);
            forget(body);
        }
        StmtKind::ReloadLookupTable { table, stub } => {
            word(table);
            stub.iter_mut().for_each(expr);
        }
        StmtKind::Stop | StmtKind::Continue => {}
    }
}

fn object(found: &mut Object) {
    found.loc = Loc::default();
    for param in &mut found.params {
        word(&mut param.name);
        param.value_loc = Loc::default();
    }
    forget(&mut found.script);
    found.parts.iter_mut().for_each(object);
}

fn expr(found: &mut Expr) {
    found.loc = Loc::default();
    match &mut found.kind {
        ExprKind::Number(_) | ExprKind::Str(_) | ExprKind::Array(_) | ExprKind::Variable(_) => {}
        ExprKind::Call { name, args } => {
            word(name);
            args.iter_mut().for_each(expr);
        }
        ExprKind::Not(inner) | ExprKind::Negate(inner) => expr(inner),
        ExprKind::Binary { left, right, .. } => {
            expr(left);
            expr(right);
        }
    }
}
