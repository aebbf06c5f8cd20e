//! Hand-made syntax trees and messages for the tests of this floor.

use std::fmt::Write;
use std::sync::Arc;

use bstr::BString;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::span::Span;
use crate::config::ast::BinaryOp;
use crate::config::ast::Block;
use crate::config::ast::Expr;
use crate::config::ast::ExprKind;
use crate::config::ast::FilterOperation;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::ast::Param;
use crate::config::ast::PropertyFilter;
use crate::config::ast::Stmt;
use crate::config::ast::StmtKind;
use crate::config::ast::Value;
use crate::config::ast::Word;
use crate::message::Batch;
use crate::message::InputInfo;
use crate::message::Message;
use crate::message::MessageFlags;
use crate::message::Pri;
use crate::message::PriMask;
use crate::message::Source;
use crate::message::View;
use crate::rules::ActionId;
use crate::rules::Definition;
use crate::rules::Named;
use crate::rules::Programs;
use crate::rules::Residual;
use crate::rules::Resolver;
use crate::rules::RulesetId;
use crate::rules::Sink;
use crate::rules::compile;

pub(super) fn word(text: &str) -> Word {
    Word { text: text.into(), loc: Loc::default() }
}

fn expr(kind: ExprKind) -> Expr {
    Expr { loc: Loc::default(), kind }
}

pub(super) fn var(name: &str) -> Expr {
    expr(ExprKind::Variable(name.into()))
}

pub(super) fn text(text: &str) -> Expr {
    expr(ExprKind::Str(text.into()))
}

pub(super) fn number(n: i64) -> Expr {
    expr(ExprKind::Number(n))
}

pub(super) fn array(items: &[&str]) -> Expr {
    expr(ExprKind::Array(items.iter().map(|item| BString::from(*item)).collect()))
}

pub(super) fn binary(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    expr(ExprKind::Binary { op, left: Box::new(left), right: Box::new(right) })
}

pub(super) fn negation(inner: Expr) -> Expr {
    expr(ExprKind::Not(Box::new(inner)))
}

pub(super) fn minus(inner: Expr) -> Expr {
    expr(ExprKind::Negate(Box::new(inner)))
}

pub(super) fn function(name: &str, args: Vec<Expr>) -> Expr {
    expr(ExprKind::Call { name: word(name), args })
}

/// `$property == 'value'`
pub(super) fn is(property: &str, value: &str) -> Expr {
    binary(BinaryOp::Equal, var(property), text(value))
}

pub(super) fn stmt(kind: StmtKind) -> Stmt {
    Stmt { loc: Loc::default(), kind }
}

pub(super) fn action(id: u32) -> Stmt {
    let name = word("id");
    let value = Value::Str(id.to_string().into());
    stmt(StmtKind::Object(Object {
        kind: ObjectKind::Action,
        loc: Loc::default(),
        params: vec![Param { name, value, value_loc: Loc::default() }],
        script: Block::new(),
        parts: vec![],
        legacy: false,
    }))
}

pub(super) fn when(cond: Expr, then: Block, otherwise: Block) -> Stmt {
    stmt(StmtKind::If { cond, then, otherwise })
}

pub(super) fn stop() -> Stmt {
    stmt(StmtKind::Stop)
}

pub(super) fn call(name: &str) -> Stmt {
    stmt(StmtKind::Call(word(name)))
}

pub(super) fn selector(filter: PriMask, then: Block) -> Stmt {
    stmt(StmtKind::PriFilter { filter, text: String::new(), then })
}

pub(super) fn filter(
    property: &str,
    negated: bool,
    operation: FilterOperation,
    value: &str,
    then: Block,
) -> Stmt {
    let filter =
        PropertyFilter { property: word(property), negated, operation, value: value.into() };
    stmt(StmtKind::PropertyFilter { filter, then })
}

/// Knows the rulesets `r0`, `r1` … and, as asynchronous, `q0`, `q1` …; actions by their number;
/// one selector.
pub(super) struct Names {
    pub(super) rulesets: u32,
}

impl Resolver for Names {
    fn action(&mut self, object: &Object, _: &mut Diagnostics) -> Option<ActionId> {
        let Value::Str(id) = &object.params[0].value else { return None };
        Some(ActionId(id.to_string().parse().unwrap()))
    }

    fn ruleset(&self, name: &str) -> Option<(RulesetId, bool)> {
        let id = name.get(1..)?.parse().ok()?;
        (id < self.rulesets).then_some((RulesetId(id), name.starts_with('q')))
    }

    fn ruleset_names(&self) -> Vec<String> {
        (0..self.rulesets).flat_map(|id| [format!("r{id}"), format!("q{id}")]).collect()
    }

    /// One of each kind, called `x`, is there.
    fn definition(&self, _: Named, name: &str, _: Loc) -> Definition {
        if name == "x" { Definition::Before } else { Definition::None }
    }

    fn defined(&self, _: Named) -> Vec<String> {
        vec!["x".to_owned()]
    }

    fn selector(&self, text: &str, loc: Loc, diags: &mut Diagnostics) -> Option<PriMask> {
        if text == "mail.*" {
            return Some(mail());
        }
        diags.push(Diagnostic::error(loc, "bad selector"));
        None
    }
}

/// `mail.*`
pub(super) fn mail() -> PriMask {
    let mut mask = PriMask::default();
    mask.0[2] = 0xFF;
    mask
}

/// Compiles and links `rulesets`.
pub(super) fn programs(rulesets: &[Block], diags: &mut Diagnostics) -> Programs {
    let mut names = Names { rulesets: u32::try_from(rulesets.len()).unwrap() };
    let compiled = rulesets.iter().map(|block| compile(block, &mut names, diags)).collect();
    Programs::link(compiled, diags)
}

/// What reaches the sink, as text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Trace(pub(super) String);

impl Sink for Trace {
    fn action(&mut self, action: ActionId, view: View<'_>) {
        write!(self.0, "a{}:{} ", action.0, view.message.msg.start).unwrap();
    }

    fn enqueue(&mut self, ruleset: RulesetId, view: View<'_>) -> Option<Residual> {
        write!(self.0, "q{}:{} ", ruleset.0, view.message.msg.start).unwrap();
        None
    }
}

/// A batch of messages from one source.
pub(super) fn batch(source: Source, input: &str, messages: &[(u8, &str, &str)]) -> Batch {
    let input = Arc::new(InputInfo { name: input.into(), hostname: "relay".into() });
    let mut batch = Batch::new(input);
    batch.sources.push(Arc::new(source));
    for (pri, app_name, msg) in messages {
        let mut put = |text: &str| {
            let start = batch.data.len();
            batch.data.extend_from_slice(text.as_bytes());
            Span::new(start, batch.data.len())
        };
        let (app_name, msg) = (put(app_name), put(msg));
        let flags = MessageFlags::PROTOCOL_1;
        let raw = Span { start: app_name.start, end: msg.end };
        batch.messages.push(Message {
            raw,
            msg,
            app_name,
            pri: Pri(*pri),
            flags,
            ..Message::default()
        });
    }
    batch
}

/// A batch of one message, from localhost.
pub(super) fn one(msg: &str) -> Batch {
    batch(Source::new(None, Some("localhost")), "imudp", &[(13, "app", msg)])
}
