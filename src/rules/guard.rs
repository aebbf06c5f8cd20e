//! One search instead of many: where rules in a row all look for constant texts in the same
//! property (`if $msg contains "…" then …`, fifty times), one `if` is put around them that looks
//! for all of the texts at once. Most messages have none, and get past.

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;
use aho_corasick::AhoCorasickKind;
use aho_corasick::MatchKind;
use memchr::memmem::Finder;

use crate::message::Property;
use crate::rules::ir::Arm;
use crate::rules::ir::Block;
use crate::rules::ir::Expr;
use crate::rules::ir::Leaf;
use crate::rules::ir::Node;
use crate::rules::ir::Pattern;
use crate::rules::ir::Placed;
use crate::rules::ir::Test;

/// Fewer texts than that are found as fast one by one.
const NEEDLES_MIN: usize = 4;
/// More than that would take much memory.
const NEEDLES_MAX: usize = 100;
/// Bytes of all texts, up to which there is a table for them: it has half a KiB for each byte.
const TABLE_BYTES_MAX: usize = 2000;

/// The texts one of which must be in the property if a rule is to do anything.
struct Needs<'a> {
    property: Property,
    texts: BTreeSet<&'a [u8]>,
}

/// Puts guards into `block`, and into the blocks inside of it.
pub(super) fn guard(block: &mut Block) {
    for placed in block.iter_mut() {
        match &mut placed.node {
            Node::Choice { arms, otherwise } => {
                arms.iter_mut().for_each(|arm| guard(&mut arm.then));
                guard(otherwise);
            }
            Node::Foreach { body, .. } => guard(body),
            _ => {}
        }
    }
    let mut guarded = Vec::new();
    let mut rest = std::mem::take(block).into_iter().peekable();
    while let Some(node) = rest.next() {
        let mut texts = BTreeSet::new();
        let mut run = vec![node];
        if let Some(first) = needs(&run[0].node) {
            let property = first.property;
            texts.extend(first.texts.into_iter().map(<[u8]>::to_vec));
            while let Some(next) = rest.peek()
                && let Some(next) = needs(&next.node).filter(|next| next.property == property)
                && texts.len() + next.texts.len() <= NEEDLES_MAX
            {
                texts.extend(next.texts.into_iter().map(<[u8]>::to_vec));
                run.extend(rest.next());
            }
            let test = if run.len() > 1 { test(property, &texts) } else { None };
            if let Some(test) = test {
                let loc = run[0].loc;
                let node = Node::Guard(Arm { loc, test, then: run });
                guarded.push(Placed { loc, node });
                continue;
            }
        }
        guarded.append(&mut run);
    }
    *block = guarded;
}

/// That one of the texts is in the property.
fn test(property: Property, texts: &BTreeSet<Vec<u8>>) -> Option<Test<u32>> {
    if texts.len() < NEEDLES_MIN {
        return None;
    }
    let bytes: usize = texts.iter().map(Vec::len).sum();
    let kind = match bytes {
        ..=TABLE_BYTES_MAX => AhoCorasickKind::DFA,
        _ => AhoCorasickKind::ContiguousNFA,
    };
    // Any match will do, and of leftmost ones the library skips ahead with vector instructions: the
    // automaton alone, a byte at a time, takes six times as long.
    let mut builder = AhoCorasick::builder();
    let searcher = builder.kind(Some(kind)).match_kind(MatchKind::LeftmostFirst).build(texts);
    let pattern = Pattern::AnyOf(searcher.ok()?);
    Some(Test::Leaf(Leaf::Match { subject: Expr::Property(property), pattern }.into()))
}

/// What a rule needs; nothing if it may do something whatever the message is.
fn needs(node: &Node) -> Option<Needs<'_>> {
    let Node::Choice { arms, otherwise } = node else { return None };
    if !otherwise.is_empty() {
        return None;
    }
    all(arms.iter().map(|arm| needed_by(&arm.test)))
}

/// What several rules need, one of which is enough.
fn all<'a>(many: impl Iterator<Item = Option<Needs<'a>>>) -> Option<Needs<'a>> {
    let mut all: Option<Needs<'a>> = None;
    for needs in many {
        let needs = needs?;
        match &mut all {
            None => all = Some(needs),
            Some(known) if known.property == needs.property => known.texts.extend(needs.texts),
            Some(_) => return None,
        }
    }
    all
}

fn needed_by(test: &Test<u32>) -> Option<Needs<'_>> {
    match test {
        Test::Leaf(leaf) => match &**leaf {
            Leaf::Match {
                subject: Expr::Property(property),
                pattern: Pattern::Contains(finders),
            } => {
                let texts: BTreeSet<&[u8]> = finders.iter().map(Finder::needle).collect();
                let certain = texts.contains(&b""[..]);
                (!certain).then_some(Needs { property: *property, texts })
            }
            _ => None,
        },
        Test::Or(any) => all(any.iter().map(needed_by)),
        // What stands before the search must do no more than tell.
        Test::And(tests) => {
            let idle = tests.iter().take_while(|test| tells_only(test)).count();
            tests.iter().take(idle + 1).find_map(needed_by)
        }
        _ => None,
    }
}

fn tells_only(test: &Test<u32>) -> bool {
    match test {
        Test::Pri(_) | Test::Origin(_) => true,
        Test::Leaf(leaf) => matches!(&**leaf, Leaf::Match { subject: Expr::Property(_), .. }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_take_little_memory() {
        let texts = |length: usize| -> BTreeSet<Vec<u8>> {
            (0..100).map(|n| format!("{n:0length$}").into_bytes()).collect()
        };
        for (length, bytes_max) in [(8, 1 << 20), (400, 2 << 20)] {
            let Some(Test::Leaf(leaf)) = test(Property::Msg, &texts(length)) else { panic!() };
            let Leaf::Match { pattern: Pattern::AnyOf(searcher), .. } = &*leaf else { panic!() };
            assert!(searcher.memory_usage() < bytes_max, "{}", searcher.memory_usage());
            assert!(searcher.is_match(&format!("x{:0length$}x", 99)));
            assert!(!searcher.is_match(&format!("x{:0length$}x", 100)));
        }
    }
}
