//! The slow twin: runs the syntax tree as it stands, with owned values, and hoists nothing. It
//! shares no code with the compiler but the reading of properties.

use crate::config::ast::BinaryOp;
use crate::config::ast::Block;
use crate::config::ast::Expr;
use crate::config::ast::ExprKind;
use crate::config::ast::FilterOperation;
use crate::config::ast::StmtKind;
use crate::message::Property;
use crate::message::View;
use crate::rules::Resolver;
use crate::rules::Sink;
use crate::rules::testkit::Names;

#[derive(Clone, Debug)]
pub(super) enum Owned {
    Number(i64),
    Text(Vec<u8>),
    Array(Vec<Vec<u8>>),
}

impl Owned {
    fn text(&self) -> Vec<u8> {
        match self {
            Self::Number(n) => n.to_string().into_bytes(),
            Self::Text(text) => text.clone(),
            Self::Array(items) => items[0].clone(),
        }
    }

    fn number(&self) -> i64 {
        match self {
            Self::Number(n) => *n,
            other => parse(&other.text()).0,
        }
    }

    fn first(self) -> Self {
        match self {
            Self::Array(items) => Self::Text(items[0].clone()),
            other => other,
        }
    }
}

fn parse(text: &[u8]) -> (i64, bool) {
    let text: Vec<char> = text.iter().map(|byte| char::from(*byte)).collect();
    let sign = usize::from(text.first() == Some(&'-'));
    let digits: Vec<char> = text[sign..].iter().copied().take_while(char::is_ascii_digit).collect();
    let mut n = 0_i64;
    for digit in &digits {
        n = n.wrapping_mul(10).wrapping_add(i64::from(digit.to_digit(10).unwrap()));
    }
    (if sign == 1 { n.wrapping_neg() } else { n }, sign + digits.len() == text.len())
}

/// Runs ruleset `at` of `rulesets`; true if the message was stopped.
pub(super) fn run(
    rulesets: &[Block],
    at: usize,
    names: &Names,
    view: View<'_>,
    sink: &mut impl Sink,
) -> bool {
    block(&rulesets[at], rulesets, names, view, sink)
}

fn block(
    statements: &Block,
    all: &[Block],
    names: &Names,
    view: View<'_>,
    sink: &mut impl Sink,
) -> bool {
    for statement in statements {
        let body = match &statement.kind {
            StmtKind::Stop => return true,
            StmtKind::Object(object) => {
                let mut resolver = Names { rulesets: names.rulesets };
                let action = resolver.action(object, &mut Default::default());
                sink.action(action.unwrap(), view);
                continue;
            }
            StmtKind::If { cond, then, otherwise } => {
                if value(cond, view).number() != 0 {
                    then
                } else {
                    otherwise
                }
            }
            StmtKind::PriFilter { filter, then, .. } if filter.takes(view.message.pri) => then,
            StmtKind::PropertyFilter { filter, then } => {
                let text = property(&filter.property.text, view);
                if matches(filter.operation, &text, &filter.value) == filter.negated {
                    continue;
                }
                then
            }
            StmtKind::Call(name) => {
                let (ruleset, queued) = names.ruleset(&name.text).unwrap();
                if queued {
                    sink.enqueue(ruleset, view);
                    continue;
                }
                &all[ruleset.0 as usize]
            }
            _ => continue,
        };
        if block(body, all, names, view, sink) {
            return true;
        }
    }
    false
}

fn property(name: &str, view: View<'_>) -> Vec<u8> {
    view.property(Property::parse(name).unwrap(), &mut Vec::new()).to_vec()
}

fn matches(operation: FilterOperation, text: &[u8], value: &[u8]) -> bool {
    let lower = |text: &[u8]| text.to_ascii_lowercase();
    match operation {
        FilterOperation::Contains => contains(text, value),
        FilterOperation::ContainsI => contains(&lower(text), &lower(value)),
        FilterOperation::IsEqual => text == value,
        FilterOperation::IsEmpty => text.is_empty(),
        FilterOperation::StartsWith => text.starts_with(value),
        FilterOperation::StartsWithI => lower(text).starts_with(&lower(value)),
        FilterOperation::EndsWith => text.ends_with(value),
        FilterOperation::Regex | FilterOperation::Ereregex => panic!("not in the twin"),
    }
}

fn contains(text: &[u8], needle: &[u8]) -> bool {
    needle.is_empty() || text.windows(needle.len()).any(|window| window == needle)
}

pub(super) fn value(expr: &Expr, view: View<'_>) -> Owned {
    match &expr.kind {
        ExprKind::Number(n) => Owned::Number(*n),
        ExprKind::Str(text) => Owned::Text(text.to_vec()),
        ExprKind::Array(items) => Owned::Array(items.iter().map(|item| item.to_vec()).collect()),
        ExprKind::Variable(name) => Owned::Text(property(name, view)),
        ExprKind::Not(inner) => Owned::Number(i64::from(value(inner, view).number() == 0)),
        ExprKind::Negate(inner) => Owned::Number(value(inner, view).number().wrapping_neg()),
        ExprKind::Call { name, args } => {
            let argument = value(&args[0], view);
            match name.text.as_str() {
                "strlen" => Owned::Number(i64::try_from(argument.text().len()).unwrap()),
                "tolower" => Owned::Text(argument.text().to_ascii_lowercase()),
                "cnum" => Owned::Number(argument.number()),
                "cstr" => Owned::Text(argument.text()),
                other => panic!("{other} is not in the twin"),
            }
        }
        ExprKind::Binary { op, left, right } => binary(*op, left, right, view),
    }
}

fn binary(op: BinaryOp, left: &Expr, right: &Expr, view: View<'_>) -> Owned {
    let truth = |truth: bool| Owned::Number(i64::from(truth));
    let left = value(left, view);
    match op {
        BinaryOp::And if left.number() == 0 => return truth(false),
        BinaryOp::Or if left.number() != 0 => return truth(true),
        _ => {}
    }
    let right = value(right, view);
    let (a, b) = (left.number(), right.number());
    match op {
        BinaryOp::And | BinaryOp::Or => truth(b != 0),
        BinaryOp::Add => Owned::Number(a.wrapping_add(b)),
        BinaryOp::Subtract => Owned::Number(a.wrapping_sub(b)),
        BinaryOp::Multiply => Owned::Number(a.wrapping_mul(b)),
        BinaryOp::Divide => Owned::Number(if b == 0 { 0 } else { a.wrapping_div(b) }),
        BinaryOp::Modulo => Owned::Number(if b == 0 { 0 } else { a.wrapping_rem(b) }),
        BinaryOp::Concat => Owned::Text([left.text(), right.text()].concat()),
        BinaryOp::Equal => truth(equal(&left.first(), &right)),
        BinaryOp::NotEqual => truth(!equal(&left.first(), &right)),
        BinaryOp::Less => truth(less(&left.first(), &right.first())),
        BinaryOp::GreaterEqual => truth(!less(&left.first(), &right.first())),
        BinaryOp::Greater => truth(less(&right.first(), &left.first())),
        BinaryOp::LessEqual => truth(!less(&right.first(), &left.first())),
        BinaryOp::Contains => truth(any(&left, &right, FilterOperation::Contains)),
        BinaryOp::ContainsI => truth(any(&left, &right, FilterOperation::ContainsI)),
        BinaryOp::StartsWith => truth(any(&left, &right, FilterOperation::StartsWith)),
        BinaryOp::StartsWithI => truth(heads(&left.text(), &right)),
        BinaryOp::EndsWith => truth(any(&left, &right, FilterOperation::EndsWith)),
    }
}

/// `startswith_i`: as far as the shorter one goes.
fn heads(text: &[u8], right: &Owned) -> bool {
    let equal = |needle: &[u8]| text.iter().zip(needle).all(|(a, b)| a.eq_ignore_ascii_case(b));
    match right {
        Owned::Array(items) => items.iter().any(|item| equal(item)),
        other => equal(&other.text()),
    }
}

fn any(left: &Owned, right: &Owned, operation: FilterOperation) -> bool {
    match right {
        Owned::Array(items) => items.iter().any(|item| matches(operation, &left.text(), item)),
        other => matches(operation, &left.text(), &other.text()),
    }
}

fn equal(left: &Owned, right: &Owned) -> bool {
    match (left, right) {
        (Owned::Number(_), Owned::Array(items)) => {
            items.iter().min().is_some_and(|item| equal(left, &Owned::Text(item.clone())))
        }
        (_, Owned::Array(items)) => {
            items.iter().any(|item| equal(left, &Owned::Text(item.clone())))
        }
        (Owned::Number(a), Owned::Number(b)) => a == b,
        (Owned::Number(n), Owned::Text(text)) | (Owned::Text(text), Owned::Number(n)) => {
            match parse(text) {
                (number, true) => number == *n,
                _ => *text == n.to_string().into_bytes(),
            }
        }
        (left, right) => left.text() == right.text(),
    }
}

/// Both are numbers or texts.
fn less(left: &Owned, right: &Owned) -> bool {
    let whole = |side: &Owned| match side {
        Owned::Number(n) => Some(*n),
        other => Some(parse(&other.text())).filter(|(_, whole)| *whole).map(|(n, _)| n),
    };
    match (whole(left), whole(right)) {
        (Some(a), Some(b)) => a < b,
        _ => left.text() < right.text(),
    }
}
