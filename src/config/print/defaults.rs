//! The default template of an output holds for the actions behind it. What is printed has modules
//! first and each of them once: there the actions name the template themselves.

use crate::config::ast::Block;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::ast::Param;
use crate::config::ast::Stmt;
use crate::config::ast::StmtKind;
use crate::config::ast::Value;
use crate::config::ast::Word;
use crate::config::module::short_name;

/// Outputs with such a default, and what it is until the configuration sets one.
const OUTPUTS: [(&str, &str); 2] =
    [("omfile", "RSYSLOG_FileFormat"), ("omfwd", "RSYSLOG_TraditionalForwardFormat")];

/// Writes default templates into the actions that get them, but for one that a `module()` sets
/// before them all. Directives that set one are gone then.
pub(super) fn into_actions(block: &mut Block) {
    for (output, template) in OUTPUTS {
        let by_directive = block.iter().filter_map(|s| setting(s, output)).any(|o| o.legacy);
        let mut current: Value = Value::Str(template.into());
        let mut left = block.iter().filter(|s| setting(s, output).is_some()).count();
        for statement in block.iter_mut() {
            if setting(statement, output).is_some() {
                left -= 1;
                current = taken(statement, by_directive).unwrap_or(current);
            } else if by_directive || left > 0 {
                statement_of(statement, output, &current);
            }
        }
    }
    block.retain(|statement| !is_spent(statement));
}

/// The `module()` object if `statement` sets the default template of `output`.
fn setting<'a>(statement: &'a Stmt, output: &str) -> Option<&'a Object> {
    let StmtKind::Object(object) = &statement.kind else { return None };
    let (load, _) = object.text("load")?;
    let sets = object.kind == ObjectKind::Module && object.text("template").is_some();
    (sets && short_name(&load).eq_ignore_ascii_case(output)).then_some(object)
}

/// The template that a setting sets, and with `away` no longer does.
fn taken(statement: &mut Stmt, away: bool) -> Option<Value> {
    let StmtKind::Object(object) = &mut statement.kind else { return None };
    let at = object.params.iter().position(|p| p.name.text.eq_ignore_ascii_case("template"))?;
    if away { Some(object.params.remove(at).value) } else { Some(object.params[at].value.clone()) }
}

/// A directive's object that says nothing any more.
fn is_spent(statement: &Stmt) -> bool {
    let StmtKind::Object(object) = &statement.kind else { return false };
    object.legacy && object.kind == ObjectKind::Module && {
        let load = object.text("load").map(|(load, _)| load).unwrap_or_default();
        load.starts_with("builtin:") && object.params.len() == 1
    }
}

fn statement_of(statement: &mut Stmt, output: &str, template: &Value) {
    let all = |block: &mut Block| {
        block.iter_mut().for_each(|statement| statement_of(statement, output, template));
    };
    match &mut statement.kind {
        StmtKind::Object(object) if object.kind == ObjectKind::Action => {
            action(object, output, template);
        }
        StmtKind::Object(object) => all(&mut object.script),
        StmtKind::If { then, otherwise, .. } => {
            all(then);
            all(otherwise);
        }
        StmtKind::PriFilter { then, .. } | StmtKind::PropertyFilter { then, .. } => all(then),
        StmtKind::Foreach { body, .. } => all(body),
        _ => {}
    }
}

fn action(object: &mut Object, output: &str, template: &Value) {
    let is_its = object.text("type").is_some_and(|(kind, _)| kind.eq_ignore_ascii_case(output));
    if is_its && object.param("template").is_none() {
        let loc = object.loc;
        let name = Word { text: "template".to_owned(), loc };
        object.params.push(Param { name, value: template.clone(), value_loc: loc });
    }
}
