//! What conditions see, for a trace: each is decided as ever, and what it looked at on the way is
//! kept. What lies behind the operand that settled an `and` or `or` was not looked at.

use std::collections::BTreeMap;
use std::convert::Infallible;

use bstr::BString;
use bstr::ByteSlice;

use crate::message::Property;
use crate::message::Variable;
use crate::message::Variables;
use crate::message::json;
use crate::rules::eval;
use crate::rules::ir::Expr;
use crate::rules::ir::Leaf;
use crate::rules::ir::Test;
use crate::rules::live::Live;
use crate::rules::live::Properties;
use crate::rules::program::Program;
use crate::rules::value::Value;
use crate::rules::value::compare;

/// What a condition or a value looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    Property(Property),
    Variable(Variable),
    /// What a function gave.
    Call(&'static str),
}

/// What was looked at, in the order of looking.
pub(super) type Reads = Vec<(Read, BString)>;

/// Whether `test` holds.
pub(super) fn decide<O: Predicate>(
    test: &Test<O>,
    program: &Program,
    live: &Live<'_>,
    reads: &mut Reads,
) -> bool {
    match test {
        Test::Const(truth) => *truth,
        Test::Pri(mask) => {
            see(&Expr::Property(Property::PriText), live, reads);
            mask.takes(live.pri())
        }
        Test::Origin(at) => at.decide(program, live, reads),
        Test::Leaf(leaf) => decide_leaf(leaf, live, reads),
        Test::Not(inner) => !decide(inner, program, live, reads),
        Test::And(all) => all.iter().all(|test| decide(test, program, live, reads)),
        Test::Or(any) => any.iter().any(|test| decide(test, program, live, reads)),
    }
}

/// What stands for a test of the source.
pub(super) trait Predicate {
    fn decide(&self, program: &Program, live: &Live<'_>, reads: &mut Reads) -> bool;
}

impl Predicate for u32 {
    fn decide(&self, program: &Program, live: &Live<'_>, reads: &mut Reads) -> bool {
        decide(&program.predicates[*self as usize], program, live, reads)
    }
}

impl Predicate for Infallible {
    fn decide(&self, _: &Program, _: &Live<'_>, _: &mut Reads) -> bool {
        match *self {}
    }
}

fn decide_leaf(leaf: &Leaf, live: &Live<'_>, reads: &mut Reads) -> bool {
    see_leaf(leaf, live, reads);
    match leaf {
        // A function that must not be asked twice: what it gave is kept from the only time.
        Leaf::Compare { relation, left, right } if left.acts() || right.acts() => {
            let (mut left_buffers, mut right_buffers) = (buffers(left), buffers(right));
            let a = eval::value(left, live, &mut left_buffers);
            let b = eval::value(right, live, &mut right_buffers);
            gave(left, a, reads);
            gave(right, b, reads);
            compare(*relation, a, b)
        }
        Leaf::Truth(expr) if expr.acts() => {
            let mut buffers = buffers(expr);
            let value = eval::value(expr, live, &mut buffers);
            gave(expr, value, reads);
            value.number() != 0
        }
        leaf => eval::leaf_holds(leaf, live, &mut vec![Vec::new(); leaf.buffers()]),
    }
}

fn gave(expr: &Expr, value: Value<'_>, reads: &mut Reads) {
    if let Expr::Call(call) = expr
        && call.routine.acts()
    {
        reads.push((Read::Call(call.name), value.with_text(|text| text.into())));
    }
}

fn see_leaf(leaf: &Leaf, live: &Live<'_>, reads: &mut Reads) {
    match leaf {
        Leaf::Exists(variable) => see(&Expr::Variable(variable.clone()), live, reads),
        leaf => leaf.operands().into_iter().for_each(|operand| see(operand, live, reads)),
    }
}

/// All that a condition inside of an expression may look at.
fn see_test(test: &Test, live: &Live<'_>, reads: &mut Reads) {
    match test {
        Test::Const(_) => {}
        Test::Pri(_) => see(&Expr::Property(Property::PriText), live, reads),
        Test::Origin(never) => match *never {},
        Test::Leaf(leaf) => see_leaf(leaf, live, reads),
        Test::Not(inner) => see_test(inner, live, reads),
        Test::And(all) | Test::Or(all) => all.iter().for_each(|test| see_test(test, live, reads)),
    }
}

fn see(expr: &Expr, live: &Live<'_>, reads: &mut Reads) {
    let read = match expr {
        Expr::Number(_) | Expr::Text(_) => return,
        Expr::Property(property) => Read::Property(*property),
        Expr::Variable(variable) => Read::Variable((**variable).clone()),
        Expr::Concat(parts) => return parts.iter().for_each(|part| see(part, live, reads)),
        Expr::Arithmetic(_, sides) => return sides.iter().for_each(|side| see(side, live, reads)),
        Expr::Negate(inner)
        | Expr::Lowercase(inner)
        | Expr::Length(inner)
        | Expr::ToNumber(inner)
        | Expr::ToText(inner) => return see(inner, live, reads),
        Expr::Test(test) => return see_test(test, live, reads),
        Expr::Call(call) => {
            call.args.iter().for_each(|arg| see(arg, live, reads));
            if expr.acts() {
                return;
            }
            Read::Call(call.name)
        }
    };
    let value = eval::value(expr, live, &mut buffers(expr)).with_text(|text| BString::from(text));
    let seen = (read, value);
    if !reads.contains(&seen) {
        reads.push(seen);
    }
}

pub(super) fn buffers(expr: &Expr) -> Vec<Vec<u8>> {
    vec![Vec::new(); expr.buffers()]
}

/// The values in all trees that are no objects with members, by name (`$!a!b`).
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Leaves(BTreeMap<String, json::Value>);

impl Leaves {
    pub(super) fn of(variables: &Variables) -> Self {
        let mut all = Self::default();
        for sign in ["!", ".", "/"] {
            let Some(root) = Variable::parse(sign.as_bytes()) else { continue };
            variables.with(&root, |tree| {
                if let Some(tree) = tree {
                    all.add(&mut format!("${sign}"), tree, true);
                }
            });
        }
        all
    }

    fn add(&mut self, name: &mut String, value: &json::Value, root: bool) {
        match value.as_object() {
            Some(object) if root || !object.is_empty() => {
                for (member, value) in object.iter() {
                    let length = name.len();
                    if !root {
                        name.push('!');
                    }
                    name.push_str(&member.to_str_lossy());
                    self.add(name, value, false);
                    name.truncate(length);
                }
            }
            _ => drop(self.0.insert(name.clone(), value.clone())),
        }
    }

    /// What is another in `now`; nothing where it is gone.
    pub(super) fn changes<'a>(
        &'a self,
        now: &'a Self,
    ) -> impl Iterator<Item = (&'a str, Option<&'a json::Value>)> {
        let gone = self.0.keys().filter(|name| !now.0.contains_key(*name));
        let set = now.0.iter().filter(|(name, value)| self.0.get(*name) != Some(*value));
        let gone = gone.map(|name| (name.as_str(), None));
        gone.chain(set.map(|(name, value)| (name.as_str(), Some(value))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::json::Case;

    #[test]
    fn changes_are_told_by_leaf() {
        let root = Variable::parse(b"!").unwrap();
        let leaves = |text: &str| {
            let mut variables = Variables::default();
            let tree = json::parse(text.as_bytes(), Case::Insensitive).unwrap();
            variables.set(&root, tree).unwrap();
            Leaves::of(&variables)
        };
        let before = leaves(r#"{"a": {"b": 1, "c": [1]}, "gone": 2, "same": {}}"#);
        let now = leaves(r#"{"a": {"b": 1, "c": [1, 2], "d": {}}, "same": {}}"#);
        let changes: Vec<(&str, bool)> =
            before.changes(&now).map(|(name, value)| (name, value.is_some())).collect();
        assert_eq!(changes, [("$!gone", false), ("$!a!c", true), ("$!a!d", true)]);
        assert_eq!(before.changes(&before).count(), 0);
    }
}
