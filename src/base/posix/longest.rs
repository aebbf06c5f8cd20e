//! The longest match from a place on, and what its groups match: without back references, in time
//! proportional to the text's length times the number of nodes.

use crate::base::limits::REGEX_STEPS_MAX;
use crate::base::posix::nodes::Id;
use crate::base::posix::nodes::Node;
use crate::base::posix::nodes::Nodes;

/// What a group matches: from, to. [`UNSET`] where it does not.
pub(super) type Span = (usize, usize);

pub(super) const NONE: usize = usize::MAX;
pub(super) const UNSET: Span = (NONE, NONE);

/// Words of [`Scratch::alive`] that stay: 1 MiB.
const ALIVE_KEPT: usize = 1 << 17;

/// More steps than [`REGEX_STEPS_MAX`].
#[derive(Debug)]
pub(super) struct GivenUp;

/// Buffers that keep their memory.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    now: Vec<Id>,
    then: Vec<Id>,
    open: Vec<Id>,
    /// The round in which a node was seen last.
    seen: Vec<u32>,
    round: u32,
    /// For each place of the match a bit for each node: the end can be reached from it.
    alive: Vec<u64>,
    /// The groups as they were when one was last closed that was not empty.
    closed: Vec<Span>,
    steps: usize,
}

impl Scratch {
    /// `steps` have been taken before.
    pub(super) fn begin(&mut self, steps: usize) {
        self.steps = steps;
    }

    /// Gives memory back that only a very long text needs; tells the steps.
    pub(super) fn end(&mut self) -> usize {
        if self.alive.capacity() > ALIVE_KEPT {
            self.alive = Vec::new();
        }
        self.steps
    }

    fn next_round(&mut self, nodes: &Nodes) {
        if self.seen.len() < nodes.all.len() || self.round == u32::MAX {
            self.seen.clear();
            self.seen.resize(nodes.all.len(), 0);
            self.round = 0;
        }
        self.round += 1;
    }

    fn is_new(&mut self, id: Id) -> bool {
        self.steps += 1;
        std::mem::replace(&mut self.seen[id as usize], self.round) != self.round
    }

    const fn check(&self) -> Result<(), GivenUp> {
        if self.steps > REGEX_STEPS_MAX { Err(GivenUp) } else { Ok(()) }
    }
}

/// Where the longest match ends that begins at `start`.
pub(super) fn end(
    nodes: &Nodes,
    text: &[u8],
    start: usize,
    scratch: &mut Scratch,
) -> Result<Option<usize>, GivenUp> {
    let mut end = None;
    scratch.now.clear();
    scratch.now.push(nodes.start);
    for at in start..=text.len() {
        // From the nodes that a byte led to, to those that take one.
        scratch.next_round(nodes);
        scratch.open.clear();
        scratch.open.append(&mut scratch.now);
        scratch.then.clear();
        while let Some(id) = scratch.open.pop() {
            if !scratch.is_new(id) {
                continue;
            }
            match nodes.node(id) {
                Node::Bytes(set, next) => {
                    if text.get(at).is_some_and(|byte| set.contains(*byte)) {
                        scratch.then.push(*next);
                    }
                }
                Node::Anchor(anchor, next) => {
                    if anchor.holds(text, at) {
                        scratch.open.push(*next);
                    }
                }
                Node::Open(_, next) | Node::Close { next, .. } => scratch.open.push(*next),
                Node::Split(ways) => scratch.open.extend(ways),
                Node::Accept => end = Some(at),
                Node::Back(..) => {}
            }
        }
        scratch.check()?;
        std::mem::swap(&mut scratch.now, &mut scratch.then);
        if scratch.now.is_empty() {
            break;
        }
    }
    Ok(end)
}

/// Puts into `spans` (one for each group) what groups match in a match from `start` to `end`,
/// which there is.
pub(super) fn groups(
    nodes: &Nodes,
    text: &[u8],
    (start, end): Span,
    scratch: &mut Scratch,
    spans: &mut [Span],
) -> Result<(), GivenUp> {
    let words = nodes.all.len().div_ceil(64);
    let size = (end - start + 1).saturating_mul(words);
    if size > REGEX_STEPS_MAX {
        return Err(GivenUp);
    }
    scratch.alive.clear();
    scratch.alive.resize(size, 0);
    find_alive(nodes, text, (start, end), scratch)?;
    walk(nodes, text, (start, end), scratch, spans)
}

/// Marks, from the end backwards, the nodes from which the end can be reached.
fn find_alive(
    nodes: &Nodes,
    text: &[u8],
    (start, end): Span,
    scratch: &mut Scratch,
) -> Result<(), GivenUp> {
    let words = nodes.all.len().div_ceil(64);
    scratch.now.clear();
    for at in (start..=end).rev() {
        scratch.next_round(nodes);
        scratch.open.clear();
        if at == end {
            let accept = (0..).zip(&nodes.all).filter(|(_, node)| matches!(node, Node::Accept));
            scratch.open.extend(accept.map(|(id, _)| id));
        }
        // What takes this byte and leads to where the end can be reached.
        while let Some(id) = scratch.now.pop() {
            for source in nodes.sources(id) {
                if let Node::Bytes(set, _) = nodes.node(*source)
                    && set.contains(text[at])
                {
                    scratch.open.push(*source);
                }
            }
        }
        while let Some(id) = scratch.open.pop() {
            if !scratch.is_new(id) {
                continue;
            }
            let row = (at - start) * words;
            scratch.alive[row + id as usize / 64] |= 1 << (id % 64);
            scratch.now.push(id);
            for source in nodes.sources(id) {
                match nodes.node(*source) {
                    Node::Bytes(..) => {}
                    Node::Anchor(anchor, _) if !anchor.holds(text, at) => {}
                    _ => scratch.open.push(*source),
                }
            }
        }
        scratch.check()?;
    }
    Ok(())
}

/// Follows the preferred one of the ways that lead to the end.
fn walk(
    nodes: &Nodes,
    text: &[u8],
    (start, end): Span,
    scratch: &mut Scratch,
    spans: &mut [Span],
) -> Result<(), GivenUp> {
    let words = nodes.all.len().div_ceil(64);
    let mut closed = std::mem::take(&mut scratch.closed);
    closed.clear();
    closed.resize(spans.len(), UNSET);
    spans.fill(UNSET);
    scratch.next_round(nodes);
    let (mut at, mut id) = (start, nodes.start);
    loop {
        scratch.steps += 1;
        scratch.check()?;
        let alive = |id: &Id| {
            let row = (at - start) * words;
            scratch.alive[row + *id as usize / 64] >> (id % 64) & 1 == 1
        };
        let node = nodes.node(id);
        enter(node, at, spans, &mut closed);
        id = match node {
            Node::Accept if at == end => break,
            Node::Accept => return Err(GivenUp),
            Node::Bytes(set, next) => {
                if !text.get(at).is_some_and(|byte| set.contains(*byte)) {
                    return Err(GivenUp);
                }
                at += 1;
                scratch.next_round(nodes);
                *next
            }
            Node::Split([first, second]) => {
                let both = alive(first) && alive(second);
                let only = if alive(first) { *first } else { *second };
                // A repetition that went round without a byte ends.
                scratch.seen[id as usize] = scratch.round;
                let again = scratch.seen[*first as usize] == scratch.round;
                if both && again { *second } else { only }
            }
            Node::Open(_, next)
            | Node::Close { next, .. }
            | Node::Anchor(_, next)
            | Node::Back(_, next) => {
                scratch.seen[id as usize] = scratch.round;
                *next
            }
        };
    }
    scratch.closed = closed;
    Ok(())
}

/// What becomes of the groups at a node. `closed` is what they were when one was last closed that
/// was not empty: a further, empty round of a repeated group does not count, nor do the groups in
/// it.
pub(super) fn enter(node: &Node, at: usize, spans: &mut [Span], closed: &mut [Span]) {
    match node {
        Node::Open(group, _) => spans[group - 1] = (at, NONE),
        Node::Close { group, optional, .. } => {
            let (from, _) = spans[group - 1];
            if from == at && *optional && closed[group - 1].0 != NONE {
                spans.copy_from_slice(closed);
                return;
            }
            spans[group - 1].1 = at;
            if from < at {
                closed.copy_from_slice(spans);
            }
        }
        _ => {}
    }
}
