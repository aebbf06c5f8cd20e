//! A syntax tree as far as YAML's schema keeps it: objects by kind, one `global`, selectors as
//! `prifilt()`. Two trees with the same groups mean the same.

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
use crate::config::ast::Word;
use crate::config::print::places::same;

/// The object of a statement that declares one; `None` of a rule.
pub(super) fn declared(statement: &Stmt) -> Option<&Object> {
    match &statement.kind {
        StmtKind::Object(object) if object.kind != ObjectKind::Action => Some(object),
        _ => None,
    }
}

/// All parameters of `global()`, which may stand more than once: a later word counts more than an
/// earlier one.
pub(super) fn merged<'o>(globals: impl Iterator<Item = &'o Object>) -> Vec<Param> {
    let mut params: Vec<Param> = Vec::new();
    for param in globals.flat_map(|object| &object.params) {
        let same = |known: &&mut Param| known.name.text.eq_ignore_ascii_case(&param.name.text);
        match params.iter_mut().find(same) {
            Some(known) => *known = over(known, param.clone()),
            None => params.push(param.clone()),
        }
    }
    params
}

/// What counts of `earlier` and a later `param` of its name: lists of senders grow, all else is
/// what was said last.
pub(super) fn over(earlier: &Param, mut param: Param) -> Param {
    if let (Value::Array(list), Value::Array(more)) = (&earlier.value, &mut param.value)
        && earlier.name.text.starts_with("allowedSender.")
    {
        more.splice(0..0, list.iter().cloned());
    }
    param
}

/// Where `printed` and what was `read` of it first differ, groups alone regarded.
pub(super) fn difference(printed: &Block, read: Block) -> Option<Loc> {
    let (printed, read) = (grouped(printed.clone()), grouped(read));
    let alike = printed.iter().zip(&read).take_while(|(one, other)| same(one, other)).count();
    let longer = printed.len().max(read.len());
    (alike < longer).then(|| printed.get(alike).map(|stmt| stmt.loc).unwrap_or_default())
}

/// Sorts statements into groups.
pub(super) fn grouped(block: Block) -> Block {
    let globals = block.iter().filter_map(declared).filter(|o| o.kind == ObjectKind::Global);
    let params = merged(globals);
    let mut block = selectors(block);
    let global = |statement: &Stmt| declared(statement).is_some_and(is_global);
    let first = block.iter().position(global);
    let mut at = 0;
    block.retain_mut(|statement| {
        let here = at;
        at += 1;
        if let StmtKind::Object(object) = &mut statement.kind
            && object.kind == ObjectKind::Global
        {
            object.params.clone_from(&params);
            return Some(here) == first && !params.is_empty();
        }
        true
    });
    block.sort_by_key(|statement| declared(statement).map(|object| object.kind));
    block
}

fn is_global(object: &Object) -> bool {
    object.kind == ObjectKind::Global
}

/// Turns selectors into conditions.
fn selectors(block: Block) -> Block {
    block.into_iter().map(|Stmt { loc, kind }| Stmt { loc, kind: selector(loc, kind) }).collect()
}

fn selector(loc: Loc, kind: StmtKind) -> StmtKind {
    match kind {
        StmtKind::PriFilter { text, then, .. } => StmtKind::If {
            cond: condition(&text, loc),
            then: selectors(then),
            otherwise: Block::new(),
        },
        StmtKind::If { cond, then, otherwise } => {
            StmtKind::If { cond, then: selectors(then), otherwise: selectors(otherwise) }
        }
        StmtKind::PropertyFilter { filter, then } => {
            StmtKind::PropertyFilter { filter, then: selectors(then) }
        }
        StmtKind::Foreach { variable, collection, body } => {
            StmtKind::Foreach { variable, collection, body: selectors(body) }
        }
        StmtKind::Object(object) => {
            let script = selectors(object.script);
            StmtKind::Object(Object { script, ..object })
        }
        other => other,
    }
}

/// `prifilt("mail.*")`
pub(super) fn condition(selector: &str, loc: Loc) -> Expr {
    let name = Word { text: "prifilt".to_owned(), loc };
    let args = vec![Expr { loc, kind: ExprKind::Str(selector.into()) }];
    Expr { loc, kind: ExprKind::Call { name, args } }
}
