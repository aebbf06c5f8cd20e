//! An expression as a graph of nodes.
//!
//! Nodes are numbered from the leaves up and from left to right, and of two ways on, the one to
//! the lower number is preferred. That is glibc's order: the body of a repetition before what
//! follows it, alternatives as they are written, but an empty one behind the one to its right.

use crate::base::limits::REGEX_NODES_MAX;
use crate::base::num::len32;
use crate::base::posix::tree::Anchor;
use crate::base::posix::tree::ByteSet;
use crate::base::posix::tree::Tree;

pub(super) type Id = u32;

/// A way on that is not known yet.
const HOLE: Id = Id::MAX;

#[derive(Clone, Copy, Debug)]
pub(super) enum Node {
    Bytes(ByteSet, Id),
    Anchor(Anchor, Id),
    Open(usize, Id),
    /// `optional`: the group itself is repeated, and this round of it need not be.
    Close {
        group: usize,
        optional: bool,
        next: Id,
    },
    /// What the group matched, once more.
    Back(usize, Id),
    Split([Id; 2]),
    Accept,
}

#[derive(Debug)]
pub(super) struct Nodes {
    pub(super) all: Vec<Node>,
    pub(super) start: Id,
    /// From where node n can be reached at once: from `first_source[n]` to `first_source[n + 1]`.
    sources: Vec<Id>,
    first_source: Vec<u32>,
    /// Whatever a text is, there is one way at most to take it, and the longest is preferred.
    pub(super) single_way: bool,
}

/// There would be more than [`REGEX_NODES_MAX`].
#[derive(Debug)]
pub(super) struct TooMany;

/// A part of the graph.
#[derive(Default)]
struct Fragment {
    /// Nothing if the fragment has no nodes.
    first: Option<Id>,
    /// Ways on that lead out of it.
    holes: Vec<(Id, usize)>,
}

/// Which copy of a part is built. glibc knows the first one that need not be, but no copies of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Round {
    Only,
    /// The first one of a repeated part that need not be.
    Optional,
    /// The same, and around it are copies.
    OptionalCopy,
    Copy,
}

impl Round {
    /// What the parts of it are.
    const fn inside(self) -> Self {
        match self {
            Self::Only | Self::Optional => Self::Only,
            Self::OptionalCopy | Self::Copy => Self::Copy,
        }
    }

    /// The first one that need not be, after such ones that must be, where all of them stand in
    /// `around`.
    fn optional(self, around: Self) -> Self {
        match (around, self) {
            (Self::Copy, _) => Self::Copy,
            (_, Self::Copy) => Self::OptionalCopy,
            _ => Self::Optional,
        }
    }
}

struct Builder {
    nodes: Vec<Node>,
    /// A repetition of nothing was left out, or an empty alternative stands before another.
    unusual: bool,
}

impl Nodes {
    pub(super) fn new(tree: Option<&Tree>) -> Result<Self, TooMany> {
        let mut builder = Builder { nodes: Vec::new(), unusual: false };
        let whole = builder.maybe(tree, Round::Only)?;
        let accept = builder.push(Node::Accept)?;
        builder.patch(&whole.holes, accept);
        for node in &mut builder.nodes {
            if let Node::Split(ways) = node {
                builder.unusual |= ways[0] > ways[1];
                ways.sort_unstable();
            }
        }
        let start = whole.first.unwrap_or(accept);
        let mut nodes = Self {
            all: builder.nodes,
            start,
            sources: Vec::new(),
            first_source: Vec::new(),
            single_way: false,
        };
        nodes.single_way = !builder.unusual && nodes.is_single_way();
        if !nodes.single_way {
            nodes.index_sources();
        }
        Ok(nodes)
    }

    pub(super) fn node(&self, id: Id) -> &Node {
        &self.all[id as usize]
    }

    pub(super) fn sources(&self, id: Id) -> &[Id] {
        let at = id as usize;
        &self.sources[self.first_source[at] as usize..self.first_source[at + 1] as usize]
    }

    pub(super) fn index_sources(&mut self) {
        let mut counts = vec![0_u32; self.all.len() + 1];
        for node in &self.all {
            node.ways().iter().for_each(|way| counts[*way as usize + 1] += 1);
        }
        for at in 1..counts.len() {
            counts[at] += counts[at - 1];
        }
        let mut free = counts.clone();
        self.sources = vec![0; counts[self.all.len()] as usize];
        for (id, node) in (0..).zip(&self.all) {
            for way in node.ways() {
                let slot = &mut free[*way as usize];
                self.sources[*slot as usize] = id;
                *slot += 1;
            }
        }
        self.first_source = counts;
    }

    /// Whether, from wherever a byte leads to, no node is reached in two ways without another
    /// byte, no byte leads on in two, and to stop is what is tried last.
    fn is_single_way(&self) -> bool {
        let mut seen = vec![HOLE; self.all.len()];
        let behind = self.all.iter().filter_map(|node| match node {
            Node::Bytes(_, next) => Some(*next),
            _ => None,
        });
        let mut starts = vec![false; self.all.len()];
        starts[self.start as usize] = true;
        behind.for_each(|start| starts[start as usize] = true);
        (0..).zip(starts).filter(|(_, is)| *is).all(|(start, _)| self.parts_ways(start, &mut seen))
    }

    fn parts_ways(&self, start: Id, seen: &mut [Id]) -> bool {
        let mut open = vec![start];
        let mut bytes = ByteSet::default();
        let mut accepted = false;
        while let Some(id) = open.pop() {
            if std::mem::replace(&mut seen[id as usize], start) == start {
                return false;
            }
            match self.node(id) {
                Node::Bytes(set, _) if accepted || bytes.overlaps(set) => return false,
                Node::Bytes(set, _) => bytes.join(set),
                Node::Back(..) => return false,
                Node::Accept => accepted = true,
                node => open.extend(node.ways().iter().rev()),
            }
        }
        true
    }
}

impl Node {
    fn ways(&self) -> &[Id] {
        match self {
            Self::Bytes(_, next)
            | Self::Anchor(_, next)
            | Self::Open(_, next)
            | Self::Close { next, .. }
            | Self::Back(_, next) => std::slice::from_ref(next),
            Self::Split(ways) => ways,
            Self::Accept => &[],
        }
    }

    fn ways_mut(&mut self) -> &mut [Id] {
        match self {
            Self::Bytes(_, next)
            | Self::Anchor(_, next)
            | Self::Open(_, next)
            | Self::Close { next, .. }
            | Self::Back(_, next) => std::slice::from_mut(next),
            Self::Split(ways) => ways,
            Self::Accept => &mut [],
        }
    }
}

impl Builder {
    fn push(&mut self, node: Node) -> Result<Id, TooMany> {
        if self.nodes.len() == REGEX_NODES_MAX {
            return Err(TooMany);
        }
        self.nodes.push(node);
        Ok(len32(self.nodes.len() - 1))
    }

    fn patch(&mut self, holes: &[(Id, usize)], to: Id) {
        for (node, way) in holes {
            self.nodes[*node as usize].ways_mut()[*way] = to;
        }
    }

    /// A node with one way on.
    fn leaf(&mut self, node: Node) -> Result<Fragment, TooMany> {
        let id = self.push(node)?;
        Ok(Fragment { first: Some(id), holes: vec![(id, 0)] })
    }

    /// A node from which both lead on; past the empty ones straight out.
    fn split(&mut self, left: Fragment, right: Fragment) -> Result<Fragment, TooMany> {
        let ways = [left.first, right.first];
        let id = self.push(Node::Split(ways.map(|way| way.unwrap_or(HOLE))))?;
        let mut holes = left.holes;
        holes.extend(right.holes);
        holes.extend((0..2).filter(|way| ways[*way].is_none()).map(|way| (id, way)));
        Ok(Fragment { first: Some(id), holes })
    }

    fn join(&mut self, left: Fragment, right: Fragment) -> Fragment {
        match (left.first, right.first) {
            (None, _) => right,
            (_, None) => left,
            (first, Some(behind)) => {
                self.patch(&left.holes, behind);
                Fragment { first, holes: right.holes }
            }
        }
    }

    fn maybe(&mut self, tree: Option<&Tree>, round: Round) -> Result<Fragment, TooMany> {
        tree.map_or_else(|| Ok(Fragment::default()), |tree| self.fragment(tree, round))
    }

    fn fragment(&mut self, tree: &Tree, round: Round) -> Result<Fragment, TooMany> {
        let optional = matches!(round, Round::Optional | Round::OptionalCopy);
        let inside = round.inside();
        match tree {
            Tree::Bytes(set) => self.leaf(Node::Bytes(*set, HOLE)),
            Tree::Anchor(anchor) => self.leaf(Node::Anchor(*anchor, HOLE)),
            Tree::Back(group) => self.leaf(Node::Back(*group, HOLE)),
            Tree::Group(group, inner) => {
                let open = self.leaf(Node::Open(*group, HOLE))?;
                let inner = self.maybe(inner.as_deref(), inside)?;
                let close = self.leaf(Node::Close { group: *group, optional, next: HOLE })?;
                let opened = self.join(open, inner);
                Ok(self.join(opened, close))
            }
            Tree::Join(parts) => {
                let mut whole = Fragment::default();
                for part in parts {
                    let part = self.fragment(part, inside)?;
                    whole = self.join(whole, part);
                }
                Ok(whole)
            }
            Tree::Or(branches) => {
                let mut branches = branches.iter();
                let first = branches.next().and_then(Option::as_ref);
                let mut whole = self.maybe(first, inside)?;
                for branch in branches {
                    let branch = self.maybe(branch.as_ref(), inside)?;
                    whole = self.split(whole, branch)?;
                }
                Ok(whole)
            }
            Tree::Repeat(inner, low, high) => self.repeat(inner, (*low, *high), inside),
        }
    }

    /// `x{2,4}` becomes `xx((x)?x)?`, without new groups.
    fn repeat(
        &mut self,
        inner: &Tree,
        (low, high): (u16, Option<u16>),
        around: Round,
    ) -> Result<Fragment, TooMany> {
        if high == Some(0) {
            self.unusual = true;
            return Ok(Fragment::default());
        }
        let mut round = around;
        let mut needed = Fragment::default();
        for _ in 0..low {
            let copy = self.fragment(inner, round)?;
            needed = self.join(needed, copy);
            round = Round::Copy;
        }
        if high == Some(low) {
            return Ok(needed);
        }
        let mut rest = self.fragment(inner, round.optional(around))?;
        if rest.first.is_none() {
            return Ok(needed);
        }
        if let (Some(high), Tree::Bytes(_)) = (high, inner) {
            // Without groups `x(x)?` is the same, and can be taken in one way only.
            rest = self.split(rest, Fragment::default())?;
            for _ in low + 1..high {
                let copy = self.fragment(inner, Round::Copy)?;
                rest = self.join(copy, rest);
                rest = self.split(rest, Fragment::default())?;
            }
        } else if let Some(high) = high {
            rest = self.split(rest, Fragment::default())?;
            for _ in low + 1..high {
                let copy = self.fragment(inner, Round::Copy)?;
                rest = self.join(rest, copy);
                rest = self.split(rest, Fragment::default())?;
            }
        } else {
            let inside = std::mem::take(&mut rest.holes);
            rest = self.split(rest, Fragment::default())?;
            if let Some(star) = rest.first {
                self.patch(&inside, star);
            }
        }
        Ok(self.join(needed, rest))
    }
}
