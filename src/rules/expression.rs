//! Expressions of the syntax tree to tests and expressions of the program.

use std::sync::Arc;

use memchr::memmem::Finder;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::limits::EXPRESSION_DEPTH_MAX;
use crate::base::posix::Expression;
use crate::base::posix::Syntax;
use crate::config::ast;
use crate::config::ast::BinaryOp;
use crate::config::ast::ExprKind;
use crate::config::ast::Word;
use crate::config::manual;
use crate::message::Property;
use crate::message::Variable;
use crate::rules::Resolver;
use crate::rules::fold;
use crate::rules::ir::Expr;
use crate::rules::ir::Leaf;
use crate::rules::ir::Pattern;
use crate::rules::ir::Test;
use crate::rules::ir::TextOperator;
use crate::rules::value::Arithmetic;
use crate::rules::value::Relation;
use crate::rules::value::constant_number;

/// A failure that stands in the diagnostics already.
#[derive(Debug)]
pub(super) struct Reported;

/// What lowering an expression needs. The expression has been through the
/// [`Validator`](crate::rules::validate::Validator): what is still complained of here is right, and
/// not built yet.
pub(super) struct Lowering<'a> {
    pub(super) resolver: &'a mut dyn Resolver,
    pub(super) diags: &'a mut Diagnostics,
}

/// What an operator is, by what its sides become.
enum Operator {
    Logic,
    Relation(Relation),
    Text(TextOperator),
    Arithmetic(Arithmetic),
    Concat,
}

const fn operator(op: BinaryOp) -> Operator {
    match op {
        BinaryOp::Or | BinaryOp::And => Operator::Logic,
        BinaryOp::Equal => Operator::Relation(Relation::Equal),
        BinaryOp::NotEqual => Operator::Relation(Relation::NotEqual),
        BinaryOp::Less => Operator::Relation(Relation::Less),
        BinaryOp::LessEqual => Operator::Relation(Relation::LessEqual),
        BinaryOp::Greater => Operator::Relation(Relation::Greater),
        BinaryOp::GreaterEqual => Operator::Relation(Relation::GreaterEqual),
        BinaryOp::Contains => Operator::Text(TextOperator::Contains),
        BinaryOp::ContainsI => Operator::Text(TextOperator::ContainsI),
        BinaryOp::StartsWith => Operator::Text(TextOperator::StartsWith),
        BinaryOp::StartsWithI => Operator::Text(TextOperator::StartsWithI),
        BinaryOp::EndsWith => Operator::Text(TextOperator::EndsWith),
        BinaryOp::Add => Operator::Arithmetic(Arithmetic::Add),
        BinaryOp::Subtract => Operator::Arithmetic(Arithmetic::Subtract),
        BinaryOp::Multiply => Operator::Arithmetic(Arithmetic::Multiply),
        BinaryOp::Divide => Operator::Arithmetic(Arithmetic::Divide),
        BinaryOp::Modulo => Operator::Arithmetic(Arithmetic::Modulo),
        BinaryOp::Concat => Operator::Concat,
    }
}

/// The operands of `a op b op c`, which the tree holds as `(a op b) op c`: a chain is walked, not
/// nested, because generated ones are thousands long.
fn operands(expr: &ast::Expr, wanted: BinaryOp) -> Vec<&ast::Expr> {
    let mut operands = Vec::new();
    let mut left_most = expr;
    while let ExprKind::Binary { op, left, right } = &left_most.kind {
        if *op != wanted {
            break;
        }
        operands.push(&**right);
        left_most = left;
    }
    operands.push(left_most);
    operands.reverse();
    operands
}

impl Lowering<'_> {
    /// The condition of an `if`.
    pub(super) fn condition(&mut self, expr: &ast::Expr) -> Result<Test, Reported> {
        self.test(expr, 0)
    }

    /// The value that `set` keeps.
    pub(super) fn value_of(&mut self, expr: &ast::Expr) -> Result<Expr, Reported> {
        self.value(expr, 0)
    }

    fn error<T>(&mut self, loc: Loc, text: impl Into<String>) -> Result<T, Reported> {
        self.diags.push(Diagnostic::error(loc, text));
        Err(Reported)
    }

    fn deeper(&mut self, depth: usize, loc: Loc) -> Result<usize, Reported> {
        if depth == EXPRESSION_DEPTH_MAX {
            return self.error(loc, format!("expression nested deeper than {depth}"));
        }
        Ok(depth + 1)
    }

    /// `expr` where only its truth counts.
    fn test(&mut self, expr: &ast::Expr, depth: usize) -> Result<Test, Reported> {
        let depth = self.deeper(depth, expr.loc)?;
        match &expr.kind {
            ExprKind::Not(inner) => Ok(fold::not(self.test(inner, depth)?)),
            ExprKind::Binary { op, left, right } => match operator(*op) {
                Operator::Logic => {
                    let sides = operands(expr, *op);
                    let tests: Result<_, _> =
                        sides.into_iter().map(|side| self.test(side, depth)).collect();
                    Ok(if *op == BinaryOp::And { fold::all(tests?) } else { fold::any(tests?) })
                }
                Operator::Relation(relation) => self.relation(relation, left, right, depth),
                Operator::Text(operator) => self.text_operator(operator, left, right, depth),
                Operator::Arithmetic(_) | Operator::Concat => self.truth(expr, depth),
            },
            ExprKind::Call { name, args } => match name.text.as_str() {
                "prifilt" => self.prifilt(args),
                "re_match" => self.re_match(args, false, depth),
                "re_match_i" => self.re_match(args, true, depth),
                "exists" => exists(args),
                _ => self.truth(expr, depth),
            },
            _ => self.truth(expr, depth),
        }
    }

    fn truth(&mut self, expr: &ast::Expr, depth: usize) -> Result<Test, Reported> {
        Ok(match self.value(expr, depth)? {
            Expr::Test(test) => *test,
            value => fold::leaf(Leaf::Truth(value)),
        })
    }

    /// A comparison. An array on the right side is equal to what any of its texts is equal to;
    /// for "less" and "greater" rsyslog looks at its first text alone.
    fn relation(
        &mut self,
        relation: Relation,
        left: &ast::Expr,
        right: &ast::Expr,
        depth: usize,
    ) -> Result<Test, Reported> {
        let left = self.value(left, depth)?;
        if let (ExprKind::Array(items), Relation::Equal | Relation::NotEqual) =
            (&right.kind, relation)
        {
            let mut texts: Vec<Box<[u8]>> =
                items.iter().map(|item| item.as_slice().into()).collect();
            texts.sort_unstable();
            let test = if left.is_text() {
                let pattern = Pattern::Equal(texts.into_iter().collect());
                fold::leaf(Leaf::Match { subject: left, pattern })
            } else {
                fold::leaf(Leaf::EqualsAny { left, texts })
            };
            return Ok(if relation == Relation::NotEqual { fold::not(test) } else { test });
        }
        let right = self.value(right, depth)?;
        Ok(match (relation, left, right) {
            // Two texts of which one is known: a set of one.
            (Relation::Equal | Relation::NotEqual, subject, Expr::Text(text))
            | (Relation::Equal | Relation::NotEqual, Expr::Text(text), subject)
                if subject.is_text() =>
            {
                let pattern = Pattern::Equal([text].into());
                let test = fold::leaf(Leaf::Match { subject, pattern });
                if relation == Relation::NotEqual { fold::not(test) } else { test }
            }
            (relation, left, right) => fold::leaf(Leaf::Compare { relation, left, right }),
        })
    }

    fn text_operator(
        &mut self,
        operator: TextOperator,
        left: &ast::Expr,
        right: &ast::Expr,
        depth: usize,
    ) -> Result<Test, Reported> {
        let subject = self.value(left, depth)?;
        if let ExprKind::Array(items) = &right.kind {
            let texts = items.iter().map(|item| item.as_slice().into()).collect();
            let pattern = Pattern::of(operator, texts);
            return Ok(fold::leaf(Leaf::Match { subject, pattern }));
        }
        Ok(fold::leaf(match self.value(right, depth)? {
            Expr::Text(text) => Leaf::Match { subject, pattern: Pattern::of(operator, vec![text]) },
            Expr::Number(n) => {
                let text = n.to_string().into_bytes().into();
                Leaf::Match { subject, pattern: Pattern::of(operator, vec![text]) }
            }
            right => Leaf::Relate { operator, left: subject, right },
        }))
    }

    /// `expr` where its value counts.
    pub(super) fn value(&mut self, expr: &ast::Expr, depth: usize) -> Result<Expr, Reported> {
        let depth = self.deeper(depth, expr.loc)?;
        let lowered = match &expr.kind {
            ExprKind::Number(n) => Expr::Number(*n),
            ExprKind::Str(text) => Expr::Text(text.as_slice().into()),
            // Where an array makes no sense, rsyslog takes its first text.
            ExprKind::Array(items) => {
                Expr::Text(items.first().map(|first| first.as_slice().into()).unwrap_or_default())
            }
            ExprKind::Variable(name) => property(name, expr.loc, self.diags)?,
            ExprKind::Call { name, args } => self.call(name, args, expr, depth)?,
            ExprKind::Not(_) => Expr::Test(Box::new(self.test(expr, depth)?)),
            ExprKind::Negate(inner) => Expr::Negate(Box::new(self.value(inner, depth)?)),
            ExprKind::Binary { op, left, right } => match operator(*op) {
                Operator::Arithmetic(arithmetic) => {
                    let constants = is_literal(left) && is_literal(right);
                    let mut sides = [self.value(left, depth)?, self.value(right, depth)?];
                    if constants {
                        sides = sides.map(as_optimised);
                    }
                    Expr::Arithmetic(arithmetic, Box::new(sides))
                }
                Operator::Concat => {
                    let parts = operands(expr, *op);
                    let parts: Result<_, _> =
                        parts.into_iter().map(|part| self.value(part, depth)).collect();
                    Expr::Concat(parts?)
                }
                Operator::Logic | Operator::Relation(_) | Operator::Text(_) => {
                    Expr::Test(Box::new(self.test(expr, depth)?))
                }
            },
        };
        Ok(fold::constant(lowered))
    }

    /// A function where its value counts.
    fn call(
        &mut self,
        name: &Word,
        args: &[ast::Expr],
        expr: &ast::Expr,
        depth: usize,
    ) -> Result<Expr, Reported> {
        match name.text.as_str() {
            "prifilt" | "re_match" | "re_match_i" | "exists" => {
                return Ok(Expr::Test(Box::new(self.test(expr, depth)?)));
            }
            "strlen" | "tolower" | "cnum" | "cstr" => {}
            _ => return self.routine(name, args, depth),
        }
        let [argument] = args else { return Err(Reported) };
        let argument = self.value(argument, depth)?;
        Ok(match (name.text.as_str(), argument) {
            ("strlen", argument) => Expr::Length(Box::new(argument)),
            ("tolower", argument) => Expr::Lowercase(Box::new(argument)),
            ("cnum", Expr::Text(text)) if is_text_literal(&args[0]) => {
                Expr::Number(constant_number(&text))
            }
            ("cnum", argument) => Expr::ToNumber(Box::new(argument)),
            (_, argument) => Expr::ToText(Box::new(argument)),
        })
    }

    fn prifilt(&mut self, args: &[ast::Expr]) -> Result<Test, Reported> {
        let [ast::Expr { loc, kind: ExprKind::Str(text) }] = args else { return Err(Reported) };
        // The validator has said what there was to say.
        let mut said = Diagnostics::default();
        let mask = self.resolver.selector(&String::from_utf8_lossy(text), *loc, &mut said);
        mask.map(fold::of_mask).ok_or(Reported)
    }

    fn re_match(
        &mut self,
        args: &[ast::Expr],
        any_case: bool,
        depth: usize,
    ) -> Result<Test, Reported> {
        let [subject, ast::Expr { kind: ExprKind::Str(pattern), .. }] = args else {
            return Err(Reported);
        };
        let subject = self.value(subject, depth)?;
        let regex = Expression::new(pattern, Syntax::Extended, any_case).map_err(|_| Reported)?;
        Ok(fold::leaf(Leaf::Match { subject, pattern: Pattern::Regex(regex) }))
    }
}

/// Whether rsyslog's optimiser takes `expr` for a constant. It does not look into functions,
/// comparisons or the operand of a minus.
fn is_literal(expr: &ast::Expr) -> bool {
    let mut rest = expr;
    loop {
        match &rest.kind {
            ExprKind::Number(_) | ExprKind::Str(_) => return true,
            ExprKind::Negate(inner) => return matches!(inner.kind, ExprKind::Number(_)),
            ExprKind::Binary { op, left, right } => match operator(*op) {
                Operator::Arithmetic(_) | Operator::Concat if is_literal(right) => rest = left,
                _ => return false,
            },
            _ => return false,
        }
    }
}

fn is_text_literal(expr: &ast::Expr) -> bool {
    matches!(expr.kind, ExprKind::Str(_))
}

/// Where both operands of arithmetic are constants, the optimiser reads texts in its own way.
fn as_optimised(side: Expr) -> Expr {
    match side {
        Expr::Text(text) => Expr::Number(constant_number(&text)),
        other => other,
    }
}

/// `exists($!x)`
fn exists(args: &[ast::Expr]) -> Result<Test, Reported> {
    let [ast::Expr { kind: ExprKind::Variable(name), .. }] = args else { return Err(Reported) };
    let variable = variable(name).ok_or(Reported)?;
    Ok(fold::leaf(Leaf::Exists(Arc::new(variable))))
}

/// The variable of that name, as it stands behind `$`.
fn variable(name: &str) -> Option<Variable> {
    Variable::parse(name.trim_start_matches('$').as_bytes())
}

/// The property or variable of that name, as it stands behind `$`.
pub(super) fn property(name: &str, loc: Loc, diags: &mut Diagnostics) -> Result<Expr, Reported> {
    if let Some(property) = Property::parse(name) {
        return Ok(Expr::Property(property));
    }
    if let Some(variable) = variable(name) {
        return Ok(Expr::Variable(Arc::new(variable)));
    }
    let text = format!("property '{name}' is not built yet");
    diags.push(Diagnostic::unbuilt(loc, text).term(manual::PROPERTIES));
    Err(Reported)
}

impl Pattern {
    pub(super) fn of(operator: TextOperator, needles: Vec<Box<[u8]>>) -> Self {
        match operator {
            TextOperator::Contains => {
                Self::Contains(needles.iter().map(|n| Finder::new(n).into_owned()).collect())
            }
            _ => Self::Other(operator, needles),
        }
    }
}
