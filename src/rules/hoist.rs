//! What depends on the source and the input alone is lifted out of the tests into a table of
//! predicates, which is decided once per source.

use crate::message::Property;
use crate::rules::ir::Expr;
use crate::rules::ir::Leaf;
use crate::rules::ir::Pattern;
use crate::rules::ir::Test;
use crate::rules::ir::Varies;

/// Lifts the largest source-only parts of `test` into `predicates`.
pub(super) fn hoist(test: Test, predicates: &mut Vec<Test>) -> Test<u32> {
    let constant = matches!(test, Test::Const(_));
    if !constant && test.depends_on(Varies::WithTables, Property::source_only) {
        predicates.push(test);
        return Test::Origin(crate::base::num::len32(predicates.len() - 1));
    }
    match test {
        Test::Const(truth) => Test::Const(truth),
        Test::Pri(mask) => Test::Pri(mask),
        Test::Origin(never) => match never {},
        Test::Leaf(leaf) => Test::Leaf(leaf),
        Test::Not(inner) => Test::Not(Box::new(hoist(*inner, predicates))),
        Test::And(all) => Test::And(hoist_all(all, predicates)),
        Test::Or(any) => Test::Or(hoist_all(any, predicates)),
    }
}

fn hoist_all(tests: Box<[Test]>, predicates: &mut Vec<Test>) -> Box<[Test<u32>]> {
    tests.into_iter().map(|test| hoist(test, predicates)).collect()
}

/// A predicate that a hash map can decide.
pub(super) struct Equality<'a> {
    pub(super) property: Property,
    pub(super) texts: Vec<&'a [u8]>,
    /// `!=`.
    pub(super) negated: bool,
}

/// `property == "text"`, or any of several, or the negation of it.
pub(super) fn equality(test: &Test) -> Option<Equality<'_>> {
    match test {
        Test::Not(inner) => {
            let inner = equality(inner)?;
            Some(Equality { negated: !inner.negated, ..inner })
        }
        Test::Leaf(leaf) => match &**leaf {
            Leaf::Match { subject: Expr::Property(property), pattern: Pattern::Equal(texts) } => {
                let texts = texts.iter().map(|text| &**text).collect();
                Some(Equality { property: *property, texts, negated: false })
            }
            _ => None,
        },
        _ => None,
    }
}
