//! The one syntax tree: RainerScript, sysklogd lines, `$Directives` and YAML all become this.
//! Legacy forms are lowered on the way in: `@@host:514;tpl` is an `action(type="omfwd" …)`,
//! `$InputTCPServerRun 514` is an `input(type="imtcp" …)`.

use bstr::BString;

use crate::base::diag::Loc;
use crate::message::PriMask;

/// A name or word and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    pub text: String,
    pub loc: Loc,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    Action,
    DynStats,
    Global,
    Include,
    Input,
    LookupTable,
    MainQueue,
    Module,
    Parser,
    PerctileStats,
    Ratelimit,
    Ruleset,
    Template,
    Timezone,
    /// `constant(…)` inside `template()`.
    Constant,
    /// `property(…)` inside `template()`.
    Property,
}

/// `kind(name="value" …)`, with what stands in its braces.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    pub kind: ObjectKind,
    pub loc: Loc,
    /// In order of appearance; names as written (compare without case).
    pub params: Vec<Param>,
    /// `ruleset(…) { script }`.
    pub script: Block,
    /// `template(…) { property(…) constant(…) }`.
    pub parts: Vec<Self>,
    /// Lowered from a legacy line.
    pub legacy: bool,
}

impl Object {
    /// The first parameter called `name`, in any case; before any table has checked it.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&Param> {
        self.params.iter().find(|param| param.name.text.eq_ignore_ascii_case(name))
    }

    /// The parameter in whose name or value `loc` begins: its own, or one of its parts'.
    #[must_use]
    pub fn param_at(&self, loc: Loc) -> Option<&Param> {
        let mut params = self.params.iter().chain(self.parts.iter().flat_map(|part| &part.params));
        params.find(|param| param.holds(loc))
    }

    /// Its text and place; `None` if it is not given, or an array.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<(String, Loc)> {
        let param = self.param(name)?;
        match &param.value {
            Value::Str(text) => Some((text.to_string(), param.value_loc)),
            Value::Array(_) => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    pub name: Word,
    pub value: Value,
    pub value_loc: Loc,
}

impl Param {
    const fn holds(&self, loc: Loc) -> bool {
        let (name, value) = (self.name.loc, self.value_loc);
        let in_name = loc.file == name.file && name.start <= loc.start && loc.start < name.end;
        let in_value = loc.file == value.file && value.start <= loc.start && loc.start < value.end;
        in_name || in_value
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Str(BString),
    Array(Vec<BString>),
}

pub type Block = Vec<Stmt>;

/// Adds `actions` to what the last statement of `block` does, as a `&` behind it does.
pub(super) fn chain(block: &mut Block, actions: Block) {
    let inner = match block.last_mut().map(|last| &mut last.kind) {
        Some(StmtKind::If { then, otherwise, .. }) => {
            Some(if otherwise.is_empty() { then } else { otherwise })
        }
        Some(StmtKind::PriFilter { then, .. } | StmtKind::PropertyFilter { then, .. }) => {
            Some(then)
        }
        Some(StmtKind::Foreach { body, .. }) => Some(body),
        _ => None,
    };
    match inner {
        Some(inner) => chain(inner, actions),
        None => block.extend(actions),
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Stmt {
    pub loc: Loc,
    pub kind: StmtKind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum StmtKind {
    /// `action(…)` anywhere; every other object at the top level.
    Object(Object),
    If {
        cond: Expr,
        then: Block,
        otherwise: Block,
    },
    /// `mail.*;auth.none …` (sysklogd selector).
    PriFilter {
        filter: PriMask,
        text: String,
        then: Block,
    },
    /// `:msg, contains, "x" …`.
    PropertyFilter {
        filter: PropertyFilter,
        then: Block,
    },
    Call(Word),
    CallIndirect(Expr),
    /// `set` (`reset: false`) or `reset`.
    Set {
        variable: Word,
        value: Expr,
        reset: bool,
    },
    Unset(Word),
    Foreach {
        variable: Word,
        collection: Expr,
        body: Block,
    },
    ReloadLookupTable {
        table: Word,
        stub: Option<Expr>,
    },
    Stop,
    Continue,
}

/// `:property, [!]compare-operation, "value"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertyFilter {
    pub property: Word,
    pub negated: bool,
    pub operation: FilterOperation,
    pub value: BString,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterOperation {
    Contains,
    ContainsI,
    IsEqual,
    IsEmpty,
    StartsWith,
    StartsWithI,
    EndsWith,
    Regex,
    Ereregex,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub loc: Loc,
    pub kind: ExprKind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    Number(i64),
    Str(BString),
    Array(Vec<BString>),
    /// `$msg`, `$!path`, `$.path`, `$/path`: the text after `$`, as written.
    Variable(String),
    Call {
        name: Word,
        args: Vec<Expr>,
    },
    Not(Box<Expr>),
    Negate(Box<Expr>),
    Binary {
        op: BinaryOp,
        left: Box<Expr>,
        right: Box<Expr>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Contains,
    ContainsI,
    StartsWith,
    StartsWithI,
    EndsWith,
    Add,
    Subtract,
    Concat,
    Multiply,
    Divide,
    Modulo,
}
