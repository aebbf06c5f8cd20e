//! What a script is compiled to: tests (which are true or false), expressions (which have a
//! value) and nodes (which do something).

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;

use aho_corasick::AhoCorasick;
use memchr::memmem::Finder;

use crate::base::diag::Loc;
use crate::base::posix::Expression;
use crate::lookup::Handle;
use crate::message::PriMask;
use crate::message::Property;
use crate::message::Tree;
use crate::message::Variable;
use crate::modifier::Modifier;
use crate::rules::ActionId;
use crate::rules::call::Call;
use crate::rules::value::Arithmetic;
use crate::rules::value::Relation;

/// A condition. `O` stands for what is decided by the source alone: an index into the table of
/// such predicates in a compiled program, and nothing at all ([`Infallible`]) where all of it has
/// been decided or none has been looked for.
#[derive(Clone, Debug)]
pub(super) enum Test<O = Infallible> {
    Const(bool),
    /// Whatever depends on nothing but PRI.
    Pri(PriMask),
    Origin(O),
    /// Shared with every residual of the program.
    Leaf(Arc<Leaf>),
    Not(Box<Self>),
    And(Box<[Self]>),
    Or(Box<[Self]>),
}

/// A condition that has no conditions inside (other than as operands).
#[derive(Debug)]
pub(super) enum Leaf {
    Match {
        subject: Expr,
        pattern: Pattern,
    },
    Compare {
        relation: Relation,
        left: Expr,
        right: Expr,
    },
    /// Equal to any of these, which are in order. rsyslogd holds a number against the first alone.
    EqualsAny {
        left: Expr,
        texts: Vec<Box<[u8]>>,
    },
    /// A text operator whose right side is not a constant.
    Relate {
        operator: TextOperator,
        left: Expr,
        right: Expr,
    },
    /// The value as a number is not 0.
    Truth(Expr),
    /// `exists($!x)`
    Exists(Arc<Variable>),
}

/// What else than the properties that it reads may give an expression another value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Varies {
    Never,
    /// It asks a lookup table: as long as that is not read again, the value is the same.
    WithTables,
    /// It reads variables of the message.
    WithVariables,
    /// It reads what anyone may change at any time, or changes something.
    Always,
}

impl Varies {
    fn of_any(parts: impl Iterator<Item = Self>) -> Self {
        parts.max().unwrap_or(Self::Never)
    }

    fn of_variable(variable: &Variable) -> Self {
        match variable.tree {
            Tree::Message | Tree::Local => Self::WithVariables,
            Tree::Global => Self::Always,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextOperator {
    Contains,
    ContainsI,
    StartsWith,
    StartsWithI,
    EndsWith,
}

/// What a text is held against; with several needles any of them will do.
#[derive(Debug)]
pub(super) enum Pattern {
    Equal(BTreeSet<Box<[u8]>>),
    Contains(Vec<Finder<'static>>),
    /// The operators without a prepared searcher.
    Other(TextOperator, Vec<Box<[u8]>>),
    Regex(Expression),
    /// Any of many texts is contained.
    AnyOf(AhoCorasick),
}

#[derive(Debug)]
pub(super) enum Expr {
    Number(i64),
    Text(Box<[u8]>),
    Property(Property),
    Variable(Arc<Variable>),
    Concat(Box<[Self]>),
    Arithmetic(Arithmetic, Box<[Self; 2]>),
    Negate(Box<Self>),
    Lowercase(Box<Self>),
    Length(Box<Self>),
    ToNumber(Box<Self>),
    ToText(Box<Self>),
    Test(Box<Test>),
    Call(Box<Call>),
}

pub(super) type Block = Vec<Placed>;

/// A node, and the statement that it was made of.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) loc: Loc,
    pub(super) node: Node,
}

/// A branch of an `if`, or what a filter guards.
#[derive(Debug)]
pub(super) struct Arm {
    /// The condition.
    pub(super) loc: Loc,
    pub(super) test: Test<u32>,
    pub(super) then: Block,
}

#[derive(Debug)]
pub(super) enum Node {
    Action(ActionId),
    /// An `if` with its `else if`s.
    Choice {
        arms: Vec<Arm>,
        otherwise: Block,
    },
    /// Rules that do nothing if this does not hold: put in by the compiler, see
    /// [`guard`](crate::rules::guard).
    Guard(Arm),
    /// An index into the program's calls.
    Call(usize),
    /// The same, of a ruleset that has a queue.
    Enqueue(usize),
    /// `set`, `reset` and `unset`.
    Change(Arc<Change>),
    Modify(Arc<Modifier>),
    Foreach {
        each: Arc<Each>,
        body: Block,
    },
    /// `call_indirect` of what the expression names.
    Indirect(Arc<Expr>),
    /// `reload_lookup_table`
    Reload(Arc<Reload>),
    Stop,
}

/// What a `foreach` goes over, and where each element is put.
#[derive(Debug)]
pub(super) struct Each {
    pub(super) variable: Arc<Variable>,
    pub(super) collection: Expr,
}

/// A table that is to be read again, and what it shall say if it cannot.
#[derive(Debug)]
pub(super) struct Reload {
    pub(super) table: Arc<Handle>,
    pub(super) stub: Option<Expr>,
}

/// What becomes of a variable. Shared with every residual of the program.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) variable: Arc<Variable>,
    /// What is there gives way to the value: `reset`.
    pub(super) replaces: bool,
    /// Nothing for `unset`.
    pub(super) value: Option<Expr>,
}

impl<O> Test<O> {
    /// How many scratch buffers evaluation may need at once.
    pub(super) fn buffers(&self) -> usize {
        match self {
            Self::Const(_) | Self::Pri(_) | Self::Origin(_) => 0,
            Self::Leaf(leaf) => leaf.buffers(),
            Self::Not(inner) => inner.buffers(),
            Self::And(all) | Self::Or(all) => all.iter().map(Self::buffers).max().unwrap_or(0),
        }
    }
}

impl Test {
    /// Calls `f` with every property that is read.
    pub(super) fn properties(&self, f: &mut impl FnMut(Property)) {
        match self {
            Self::Const(_) => {}
            Self::Pri(_) => f(Property::Pri),
            Self::Origin(never) => match *never {},
            Self::Leaf(leaf) => leaf.properties(f),
            Self::Not(inner) => inner.properties(f),
            Self::And(all) | Self::Or(all) => all.iter().for_each(|test| test.properties(f)),
        }
    }

    /// Whether nothing else decides than properties that are `wanted`, and what `varies` at most.
    pub(super) fn depends_on(&self, varies: Varies, wanted: impl Fn(Property) -> bool) -> bool {
        let mut only = self.varies() <= varies;
        self.properties(&mut |property| only &= wanted(property));
        only
    }

    pub(super) fn varies(&self) -> Varies {
        match self {
            Self::Const(_) | Self::Pri(_) => Varies::Never,
            Self::Origin(never) => match *never {},
            Self::Leaf(leaf) => leaf.varies(),
            Self::Not(inner) => inner.varies(),
            Self::And(all) | Self::Or(all) => Varies::of_any(all.iter().map(Self::varies)),
        }
    }
}

impl<O> Test<O> {
    /// Whether a function in it must not be asked twice.
    pub(super) fn acts(&self) -> bool {
        match self {
            Self::Const(_) | Self::Pri(_) | Self::Origin(_) => false,
            Self::Leaf(leaf) => leaf.operands().into_iter().any(Expr::acts),
            Self::Not(inner) => inner.acts(),
            Self::And(all) | Self::Or(all) => all.iter().any(Self::acts),
        }
    }
}

impl Leaf {
    /// The expressions that it holds against each other.
    pub(super) fn operands(&self) -> Vec<&Expr> {
        match self {
            Self::Match { subject, .. } | Self::EqualsAny { left: subject, .. } => vec![subject],
            Self::Truth(expr) => vec![expr],
            Self::Exists(_) => vec![],
            Self::Compare { left, right, .. } | Self::Relate { left, right, .. } => {
                vec![left, right]
            }
        }
    }

    pub(super) fn buffers(&self) -> usize {
        match self {
            Self::Match { subject, .. } | Self::EqualsAny { left: subject, .. } => {
                subject.buffers()
            }
            Self::Truth(expr) => expr.buffers(),
            Self::Exists(_) => 0,
            Self::Compare { left, right, .. } | Self::Relate { left, right, .. } => {
                left.buffers() + right.buffers()
            }
        }
    }

    fn properties(&self, f: &mut impl FnMut(Property)) {
        match self {
            Self::Match { subject, .. } | Self::EqualsAny { left: subject, .. } => {
                subject.properties(f);
            }
            Self::Truth(expr) => expr.properties(f),
            Self::Exists(_) => {}
            Self::Compare { left, right, .. } | Self::Relate { left, right, .. } => {
                left.properties(f);
                right.properties(f);
            }
        }
    }

    fn varies(&self) -> Varies {
        match self {
            Self::Exists(variable) => Varies::of_variable(variable),
            Self::Match { subject, .. } | Self::EqualsAny { left: subject, .. } => subject.varies(),
            Self::Truth(expr) => expr.varies(),
            Self::Compare { left, right, .. } | Self::Relate { left, right, .. } => {
                left.varies().max(right.varies())
            }
        }
    }
}

impl Expr {
    pub(super) fn buffers(&self) -> usize {
        match self {
            Self::Number(_) | Self::Text(_) => 0,
            Self::Property(_) | Self::Variable(_) => 1,
            Self::Concat(parts) => 1 + parts.iter().map(Self::buffers).max().unwrap_or(0),
            Self::Arithmetic(_, sides) => sides[0].buffers().max(sides[1].buffers()),
            Self::Lowercase(inner) | Self::ToText(inner) => 1 + inner.buffers(),
            Self::Negate(inner) | Self::Length(inner) | Self::ToNumber(inner) => inner.buffers(),
            Self::Test(test) => test.buffers(),
            Self::Call(call) => call.buffers(),
        }
    }

    pub(super) fn properties(&self, f: &mut impl FnMut(Property)) {
        match self {
            Self::Number(_) | Self::Text(_) | Self::Variable(_) => {}
            Self::Property(property) => f(*property),
            Self::Concat(parts) => parts.iter().for_each(|part| part.properties(f)),
            Self::Arithmetic(_, sides) => sides.iter().for_each(|side| side.properties(f)),
            Self::Negate(inner)
            | Self::Lowercase(inner)
            | Self::Length(inner)
            | Self::ToNumber(inner)
            | Self::ToText(inner) => inner.properties(f),
            Self::Test(test) => test.properties(f),
            Self::Call(call) => call.args.iter().for_each(|arg| arg.properties(f)),
        }
    }

    /// As [`Test::depends_on`].
    pub(super) fn depends_on(&self, varies: Varies, wanted: impl Fn(Property) -> bool) -> bool {
        let mut only = self.varies() <= varies;
        self.properties(&mut |property| only &= wanted(property));
        only
    }

    pub(super) fn varies(&self) -> Varies {
        match self {
            Self::Number(_) | Self::Text(_) | Self::Property(_) => Varies::Never,
            Self::Variable(variable) => Varies::of_variable(variable),
            Self::Concat(parts) => Varies::of_any(parts.iter().map(Self::varies)),
            Self::Arithmetic(_, sides) => sides[0].varies().max(sides[1].varies()),
            Self::Negate(inner)
            | Self::Lowercase(inner)
            | Self::Length(inner)
            | Self::ToNumber(inner)
            | Self::ToText(inner) => inner.varies(),
            Self::Test(test) => test.varies(),
            Self::Call(call) => call.varies(),
        }
    }

    /// Whether a function in it must not be asked twice: it changes something, or each answer is a
    /// new one.
    pub(super) fn acts(&self) -> bool {
        match self {
            Self::Number(_) | Self::Text(_) | Self::Property(_) | Self::Variable(_) => false,
            Self::Concat(parts) => parts.iter().any(Self::acts),
            Self::Arithmetic(_, sides) => sides.iter().any(Self::acts),
            Self::Negate(inner)
            | Self::Lowercase(inner)
            | Self::Length(inner)
            | Self::ToNumber(inner)
            | Self::ToText(inner) => inner.acts(),
            Self::Test(test) => test.acts(),
            Self::Call(call) => call.routine.acts() || call.args.iter().any(Self::acts),
        }
    }

    /// Whether the value is a text whatever the message is.
    pub(super) const fn is_text(&self) -> bool {
        matches!(
            self,
            Self::Text(_)
                | Self::Property(_)
                | Self::Concat(_)
                | Self::Lowercase(_)
                | Self::ToText(_)
        )
    }

    pub(super) const fn is_constant(&self) -> bool {
        matches!(self, Self::Number(_) | Self::Text(_))
    }
}
