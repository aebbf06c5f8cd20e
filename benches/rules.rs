//! What a message costs in the rules, and what a new source costs.

use std::hint::black_box;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::sync::Arc;

use bongsu::base::diag::Diagnostics;
use bongsu::base::diag::Loc;
use bongsu::base::span::Span;
use bongsu::config::ast::BinaryOp;
use bongsu::config::ast::Block;
use bongsu::config::ast::Expr;
use bongsu::config::ast::ExprKind;
use bongsu::config::ast::Object;
use bongsu::config::ast::ObjectKind;
use bongsu::config::ast::Stmt;
use bongsu::config::ast::StmtKind;
use bongsu::message::Batch;
use bongsu::message::InputInfo;
use bongsu::message::Message;
use bongsu::message::PriMask;
use bongsu::message::Source;
use bongsu::message::View;
use bongsu::rules::ActionId;
use bongsu::rules::Programs;
use bongsu::rules::Residual;
use bongsu::rules::Residuals;
use bongsu::rules::Resolver;
use bongsu::rules::RulesetId;
use bongsu::rules::Scratch;
use bongsu::rules::Sink;
use bongsu::rules::compile;
use criterion::Criterion;

const MESSAGE: &str = "sshd[4711]: Failed password for invalid user admin from 203.0.113.9 port \
                       40022 ssh2: authentication failure; tty=ssh ruser= rhost=203.0.113.9";

struct OneRuleset(u32);

impl Resolver for OneRuleset {
    fn action(&mut self, _: &Object, _: &mut Diagnostics) -> Option<ActionId> {
        self.0 += 1;
        Some(ActionId(self.0))
    }

    fn ruleset(&self, _: &str) -> Option<(RulesetId, bool)> {
        None
    }

    fn ruleset_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn selector(&self, _: &str, _: Loc, _: &mut Diagnostics) -> Option<PriMask> {
        None
    }
}

#[derive(Default)]
struct Count(u64);

impl Sink for Count {
    fn action(&mut self, action: ActionId, _: View<'_>) {
        self.0 += u64::from(action.0);
    }

    fn enqueue(&mut self, _: RulesetId, _: View<'_>) -> Option<Residual> {
        None
    }
}

/// `if $property op 'value' then action(…)`
fn rule(property: &str, op: BinaryOp, value: &str) -> Stmt {
    let loc = Loc::default();
    let expr = |kind| Expr { loc, kind };
    let cond = ExprKind::Binary {
        op,
        left: Box::new(expr(ExprKind::Variable(property.into()))),
        right: Box::new(expr(ExprKind::Str(value.into()))),
    };
    let action = Object {
        kind: ObjectKind::Action,
        loc,
        params: vec![],
        script: vec![],
        parts: vec![],
        legacy: false,
    };
    let then = vec![Stmt { loc, kind: StmtKind::Object(action) }];
    Stmt { loc, kind: StmtKind::If { cond: expr(cond), then, otherwise: vec![] } }
}

fn programs(block: &Block) -> Programs {
    let mut diags = Diagnostics::default();
    let program = compile(block, &mut OneRuleset(0), &mut diags);
    let programs = Programs::link(vec![program], &mut diags);
    assert!(!diags.has_errors());
    programs
}

fn address(n: u16) -> Ipv4Addr {
    let [high, low] = n.to_be_bytes();
    Ipv4Addr::new(10, 0, high, low)
}

fn batch() -> Batch {
    let input = Arc::new(InputInfo { name: "imtcp".into(), hostname: "relay".into() });
    let mut batch = Batch::new(input);
    batch.data.extend_from_slice(MESSAGE.as_bytes());
    batch.sources.push(Arc::new(Source::new(Some(IpAddr::V4(address(999))), None)));
    let msg = Span::new(0, MESSAGE.len());
    batch.messages.push(Message { raw: msg, msg, ..Message::default() });
    batch
}

/// Runs a message through `block`.
fn run(c: &mut Criterion, name: &str, block: &Block) {
    let programs = programs(block);
    let mut batch = batch();
    let residual = programs.specialise(RulesetId(0), &batch.sources[0], &batch.input);
    let (mut scratch, mut count) = (Scratch::default(), Count::default());
    c.bench_function(name, |b| {
        b.iter(|| {
            residual.run(black_box(&mut batch), 0, &mut scratch, &mut count);
        });
    });
    black_box(count.0);
}

pub(crate) fn bench(c: &mut Criterion) {
    let addresses: Block =
        (0..1000).map(|n| rule("fromhost-ip", BinaryOp::Equal, &address(n).to_string())).collect();
    run(c, "rules/run/1000_fromhost_ip", &addresses);
    let needles: Block =
        (0..50).map(|n| rule("msg", BinaryOp::Contains, &format!("mTRACE-{n}: "))).collect();
    run(c, "rules/run/50_msg_contains", &needles);
    let severities: Block =
        (0..8).map(|n| rule("syslogseverity", BinaryOp::LessEqual, &n.to_string())).collect();
    run(c, "rules/run/8_severities", &severities);

    let programs = programs(&addresses);
    let input = batch().input;
    let sources: Vec<Source> =
        (0..2000).map(|n| Source::new(Some(IpAddr::V4(address(n))), None)).collect();
    let mut next = sources.iter().cycle();
    c.bench_function("rules/new_source/1000_fromhost_ip", |b| {
        b.iter(|| next.next().map(|source| programs.specialise(RulesetId(0), source, &input)));
    });
    let mut residuals = Residuals::default();
    c.bench_function("rules/known_verdicts/1000_fromhost_ip", |b| {
        b.iter(|| next.next().map(|source| residuals.get(&programs, RulesetId(0), source, &input)));
    });
}
