//! Expressions with back references: the ways through the nodes are tried one after the other.
//! What is known to lead nowhere is not tried again, and the number of steps is bounded: to match
//! with back references takes exponential time at worst.

use std::collections::HashSet;

use crate::base::limits::REGEX_BACK_STEPS_MAX;
use crate::base::posix::longest::GivenUp;
use crate::base::posix::longest::NONE;
use crate::base::posix::longest::Span;
use crate::base::posix::longest::UNSET;
use crate::base::posix::longest::enter;
use crate::base::posix::nodes::Id;
use crate::base::posix::nodes::Node;
use crate::base::posix::nodes::Nodes;

/// A way through the nodes, as far as it has come.
#[derive(Clone)]
struct Way {
    id: Id,
    at: usize,
    spans: Vec<Span>,
    closed: Vec<Span>,
    /// Nodes since the last byte.
    via: Vec<Id>,
}

/// What tells whether a way goes on as one before it did: where it is, whether a repetition must
/// end there, and what the groups hold that are referred to.
#[derive(PartialEq, Eq, Hash)]
struct Standing {
    id: Id,
    at: usize,
    must_end: bool,
    named: Vec<Span>,
}

/// What an expression is, and what remains of its steps.
pub(super) struct Search<'a> {
    pub(super) nodes: &'a Nodes,
    pub(super) any_case: bool,
    pub(super) groups: usize,
    /// The groups that are referred to, by their bits; bit 1 is group 1.
    pub(super) named: u16,
    pub(super) steps: usize,
}

impl Search<'_> {
    /// The longest match that begins at `start`: its end, and its groups in `spans`.
    pub(super) fn longest(
        &mut self,
        text: &[u8],
        start: usize,
        spans: &mut [Span],
    ) -> Result<Option<usize>, GivenUp> {
        let unset = vec![UNSET; self.groups];
        let first = Way {
            id: self.nodes.start,
            at: start,
            spans: unset.clone(),
            closed: unset,
            via: vec![],
        };
        let mut open = vec![first];
        let mut known = HashSet::new();
        let mut end = None;
        while let Some(mut way) = open.pop() {
            loop {
                self.steps += 1;
                if self.steps > REGEX_BACK_STEPS_MAX {
                    return Err(GivenUp);
                }
                if matches!(self.nodes.node(way.id), Node::Accept) {
                    if end.is_none_or(|end| way.at > end) {
                        end = Some(way.at);
                        spans.copy_from_slice(&way.spans);
                    }
                    break;
                }
                if !known.insert(self.standing(&way)) || !self.step(text, &mut way, &mut open) {
                    break;
                }
            }
            if end == Some(text.len()) {
                break;
            }
        }
        Ok(end)
    }

    fn standing(&self, way: &Way) -> Standing {
        let must_end = match self.nodes.node(way.id) {
            Node::Split([first, _]) => way.via.contains(first),
            _ => false,
        };
        let named = (1..=way.spans.len().min(9)).filter(|group| self.named >> group & 1 == 1);
        let named = named.map(|group| way.spans[group - 1]).collect();
        Standing { id: way.id, at: way.at, must_end, named }
    }

    /// One node on; whether there is a way.
    fn step(&self, text: &[u8], way: &mut Way, open: &mut Vec<Way>) -> bool {
        let node = self.nodes.node(way.id);
        enter(node, way.at, &mut way.spans, &mut way.closed);
        let mut moved = 0;
        let next = match node {
            Node::Accept => return false,
            Node::Bytes(set, next) => {
                if !text.get(way.at).is_some_and(|byte| set.contains(*byte)) {
                    return false;
                }
                moved = 1;
                *next
            }
            Node::Back(group, next) => {
                let (from, to) = way.spans[group - 1];
                if from == NONE || to == NONE {
                    return false;
                }
                let (said, rest) = (&text[from..to], &text[way.at..]);
                let Some(again) = rest.get(..said.len()) else { return false };
                let same =
                    if self.any_case { again.eq_ignore_ascii_case(said) } else { again == said };
                if !same {
                    return false;
                }
                moved = said.len();
                *next
            }
            Node::Anchor(anchor, _) if !anchor.holds(text, way.at) => return false,
            Node::Split([first, second]) if way.via.contains(first) => *second,
            Node::Split([first, second]) => {
                if first != second {
                    let mut other = way.clone();
                    other.via.push(way.id);
                    other.id = *second;
                    open.push(other);
                }
                *first
            }
            Node::Open(_, next) | Node::Close { next, .. } | Node::Anchor(_, next) => *next,
        };
        if moved > 0 {
            way.via.clear();
        } else {
            way.via.push(way.id);
        }
        way.at += moved;
        way.id = next;
        true
    }
}
