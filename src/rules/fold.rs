//! Constructors that fold: constants are computed, what depends on PRI alone becomes a mask, and
//! equality tests of one property in an `or` become one set.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::message::Batch;
use crate::message::InputInfo;
use crate::message::Message;
use crate::message::Pri;
use crate::message::PriMask;
use crate::message::Property;
use crate::message::Source;
use crate::rules::eval::holds;
use crate::rules::eval::value;
use crate::rules::ir::Expr;
use crate::rules::ir::Leaf;
use crate::rules::ir::Pattern;
use crate::rules::ir::Test;
use crate::rules::ir::Varies;
use crate::rules::value::Value;

/// PRI values that a mask tells apart: 25 facilities of 8 severities.
const PRIS: u8 = 200;

const fn pri_only(property: Property) -> bool {
    matches!(
        property,
        Property::Pri
            | Property::PriText
            | Property::SyslogFacility
            | Property::SyslogFacilityText
            | Property::SyslogSeverity
            | Property::SyslogSeverityText
    )
}

/// A leaf, or what it amounts to if it needs no message.
pub(super) fn leaf(leaf: Leaf) -> Test {
    let test = Test::Leaf(Arc::new(leaf));
    let constant = test.depends_on(Varies::Never, |_| false);
    if !constant && !test.depends_on(Varies::Never, pri_only) {
        return test;
    }
    let batch = blank_batch();
    let mut buffers = vec![Vec::new(); test.buffers()];
    let mut holds_at = |pri| {
        let message = Message { pri, ..Message::default() };
        holds(&test, &batch.view(&message), &mut buffers)
    };
    if constant {
        return Test::Const(holds_at(Pri::DEFAULT));
    }
    let mut mask = PriMask::default();
    for pri in (0..PRIS).map(Pri) {
        if holds_at(pri) {
            mask.0[usize::from(pri.facility())] |= 1 << pri.severity();
        }
    }
    of_mask(mask)
}

/// A batch for messages of which nothing but the PRI counts.
fn blank_batch() -> Batch {
    let mut batch = Batch::new(Arc::new(InputInfo { name: "".into(), hostname: "".into() }));
    batch.sources.push(Arc::new(Source::new(None, None)));
    batch
}

/// An expression, or the constant that it amounts to if it reads no property.
pub(super) fn constant(expr: Expr) -> Expr {
    let mut closed = expr.varies() == Varies::Never;
    expr.properties(&mut |_| closed = false);
    if !closed || expr.is_constant() {
        return expr;
    }
    let mut buffers = vec![Vec::new(); expr.buffers()];
    let batch = blank_batch();
    let message = Message::default();
    match value(&expr, &batch.view(&message), &mut buffers) {
        Value::Number(n) => Expr::Number(n),
        Value::Text(text) => Expr::Text(text.into()),
        // An expression cannot hold JSON: the function that makes it runs each time.
        Value::Json { .. } => expr,
    }
}

/// A selector.
pub(super) fn of_mask(mask: PriMask) -> Test {
    match mask.0 {
        all if all == [0xFF; 25] => Test::Const(true),
        none if none == [0; 25] => Test::Const(false),
        _ => Test::Pri(mask),
    }
}

pub(super) fn not(test: Test) -> Test {
    match test {
        Test::Const(truth) => Test::Const(!truth),
        Test::Pri(mask) => of_mask(PriMask(mask.0.map(|severities| !severities))),
        Test::Not(inner) => *inner,
        other => Test::Not(Box::new(other)),
    }
}

/// `and`. The part about PRI comes first because it costs least.
pub(super) fn all(tests: Vec<Test>) -> Test {
    if tests.iter().any(Test::acts) {
        return single_or(in_order(tests, false), true, Test::And);
    }
    let mut mask = PriMask([0xFF; 25]);
    let mut rest = Vec::with_capacity(tests.len());
    for test in tests {
        match test {
            Test::Const(true) => {}
            Test::Const(false) => return test,
            Test::Pri(also) => {
                mask.0.iter_mut().zip(also.0).for_each(|(mine, other)| *mine &= other);
            }
            Test::And(inner) => rest.extend(inner),
            other => rest.push(other),
        }
    }
    match of_mask(mask) {
        Test::Const(true) => {}
        Test::Const(false) => return Test::Const(false),
        other => rest.insert(0, other),
    }
    single_or(rest, true, Test::And)
}

/// `or`, likewise.
pub(super) fn any(tests: Vec<Test>) -> Test {
    if tests.iter().any(Test::acts) {
        return single_or(in_order(tests, true), false, Test::Or);
    }
    let mut mask = PriMask::default();
    let mut rest: Vec<Test> = Vec::with_capacity(tests.len());
    let mut sets: Vec<(Property, usize)> = Vec::new();
    let flat = tests.into_iter().flat_map(|test| match test {
        Test::Or(inner) => inner.into_vec(),
        other => vec![other],
    });
    for mut test in flat {
        match &mut test {
            Test::Const(false) => continue,
            Test::Const(true) => return test,
            Test::Pri(also) => {
                mask.0.iter_mut().zip(also.0).for_each(|(mine, other)| *mine |= other);
                continue;
            }
            _ => {}
        }
        if let Some((property, texts)) = equality(&mut test) {
            match sets.iter().find(|(known, _)| *known == property) {
                Some((_, at)) => {
                    if let Some((_, known)) = equality(&mut rest[*at]) {
                        known.append(texts);
                        continue;
                    }
                }
                None => sets.push((property, rest.len())),
            }
        }
        rest.push(test);
    }
    match of_mask(mask) {
        Test::Const(false) => {}
        Test::Const(true) => return Test::Const(true),
        other => rest.insert(0, other),
    }
    single_or(rest, false, Test::Or)
}

/// Operands of which one acts (`parse_json()`, say): they stay as they stand, up to a constant that
/// `settles` the matter. What stands before that acts all the same.
fn in_order(tests: Vec<Test>, settles: bool) -> Vec<Test> {
    let mut kept = Vec::with_capacity(tests.len());
    for test in tests {
        match test {
            Test::Const(truth) if truth != settles => {}
            Test::Const(_) => {
                kept.push(test);
                break;
            }
            other => kept.push(other),
        }
    }
    kept
}

/// `property == "a text"`, or one of several, if `test` is that and not shared yet.
fn equality(test: &mut Test) -> Option<(Property, &mut BTreeSet<Box<[u8]>>)> {
    let Test::Leaf(leaf) = test else { return None };
    match Arc::get_mut(leaf)? {
        Leaf::Match { subject: Expr::Property(property), pattern: Pattern::Equal(texts) } => {
            Some((*property, texts))
        }
        _ => None,
    }
}

fn single_or(mut tests: Vec<Test>, none: bool, many: impl Fn(Box<[Test]>) -> Test) -> Test {
    match (tests.pop(), tests.is_empty()) {
        (None, _) => Test::Const(none),
        (Some(only), true) => only,
        (Some(last), false) => {
            tests.push(last);
            many(tests.into())
        }
    }
}
