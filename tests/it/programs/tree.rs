//! Programs as trees of text, which know what of them may be left out.

/// A piece of a program.
#[derive(Debug, Clone)]
pub(crate) enum Tree {
    /// As it is.
    Text(String),
    /// An expression: what it holds of expressions, or a constant, may stand in its place.
    Expr(Vec<Self>),
    /// Stays; what it holds may be smaller.
    Kept(Vec<Self>),
    /// May be left out of its statement.
    Optional(Vec<Self>),
    /// A statement: may be left out of its block, or what its blocks hold may stand in its place.
    Statement(Vec<Self>),
    /// Statements in braces.
    Block(Vec<Self>),
}

/// Constants that may stand in place of an expression.
const CONSTANTS: [&str; 3] = ["0", "1", "'a'"];

pub(crate) fn text(text: impl Into<String>) -> Tree {
    Tree::Text(text.into())
}

impl Tree {
    pub(crate) fn write(&self, out: &mut String) {
        match self {
            Self::Text(text) => out.push_str(text),
            Self::Expr(parts) | Self::Kept(parts) | Self::Optional(parts) => {
                parts.iter().for_each(|part| part.write(out));
            }
            Self::Statement(parts) => {
                parts.iter().for_each(|part| part.write(out));
                out.push('\n');
            }
            // rsyslogd reads no empty one, and with a `continue` alone it may die.
            Self::Block(statements) if statements.is_empty() => {
                out.push_str("{\nunset $.nothing;\n}");
            }
            Self::Block(statements) => {
                out.push_str("{\n");
                statements.iter().for_each(|statement| statement.write(out));
                out.push('}');
            }
        }
    }

    pub(crate) fn written(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    /// The same with something left out, in every way.
    pub(crate) fn smaller(&self) -> Vec<Self> {
        match self {
            Self::Text(_) => Vec::new(),
            Self::Expr(parts) => {
                let own = self.written();
                let constants = CONSTANTS.iter().map(|constant| text(*constant));
                let mut all: Vec<_> =
                    constants.map(|constant| Self::Expr(vec![constant])).collect();
                all.extend(parts.iter().filter(|part| matches!(part, Self::Expr(_))).cloned());
                all.retain(|tree| tree.written().len() < own.len());
                all.extend(in_place(parts, false).into_iter().map(Self::Expr));
                all
            }
            Self::Kept(parts) => in_place(parts, false).into_iter().map(Self::Kept).collect(),
            Self::Optional(parts) => {
                in_place(parts, false).into_iter().map(Self::Optional).collect()
            }
            Self::Statement(parts) => {
                in_place(parts, false).into_iter().map(Self::Statement).collect()
            }
            Self::Block(statements) => {
                in_place(statements, true).into_iter().map(Self::Block).collect()
            }
        }
    }

    /// What the blocks inside hold, one after the other.
    fn unwrapped(&self) -> Vec<Self> {
        match self {
            Self::Block(statements) => statements.clone(),
            Self::Optional(parts) | Self::Statement(parts) => {
                parts.iter().flat_map(Self::unwrapped).collect()
            }
            Self::Text(_) | Self::Expr(_) | Self::Kept(_) => Vec::new(),
        }
    }
}

/// The parts with one of them smaller or, where it may be, left out.
fn in_place(parts: &[Tree], statements: bool) -> Vec<Vec<Tree>> {
    let mut all = Vec::new();
    let with = |at: usize, by: Vec<Tree>| {
        let mut parts = parts.to_vec();
        parts.splice(at..=at, by);
        parts
    };
    for (at, part) in parts.iter().enumerate() {
        if statements || matches!(part, Tree::Optional(_)) {
            all.push(with(at, Vec::new()));
        }
        let unwrapped = part.unwrapped();
        if statements && !unwrapped.is_empty() {
            all.push(with(at, unwrapped));
        }
    }
    for (at, part) in parts.iter().enumerate() {
        all.extend(part.smaller().into_iter().map(|smaller| with(at, vec![smaller])));
    }
    all
}
