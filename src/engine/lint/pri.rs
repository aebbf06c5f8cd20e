//! Which PRI values a condition may hold for, and which it surely holds for.

use crate::config::ast::BinaryOp;
use crate::config::ast::Expr;
use crate::config::ast::ExprKind;
use crate::config::selector;
use crate::engine::lint::survey::is;
use crate::message::Pri;
use crate::message::PriMask;

pub(super) const ALL: PriMask = PriMask([0xFF; 25]);
pub(super) const NONE: PriMask = PriMask([0; 25]);

pub(super) fn and(left: PriMask, right: PriMask) -> PriMask {
    let mut mask = left;
    mask.0.iter_mut().zip(right.0).for_each(|(mine, other)| *mine &= other);
    mask
}

pub(super) fn or(left: PriMask, right: PriMask) -> PriMask {
    let mut mask = left;
    mask.0.iter_mut().zip(right.0).for_each(|(mine, other)| *mine |= other);
    mask
}

pub(super) fn not(mask: PriMask) -> PriMask {
    PriMask(mask.0.map(|severities| !severities))
}

/// A condition, as far as the PRI decides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    /// It holds for nothing else.
    pub(super) may: PriMask,
    /// It holds for all of these, whatever the message.
    pub(super) must: PriMask,
}

impl Bounds {
    const UNKNOWN: Self = Self { may: ALL, must: NONE };

    const fn exactly(mask: PriMask) -> Self {
        Self { may: mask, must: mask }
    }

    pub(super) fn of(expr: &Expr) -> Self {
        match &expr.kind {
            ExprKind::Not(inner) => {
                let inner = Self::of(inner);
                Self { may: not(inner.must), must: not(inner.may) }
            }
            ExprKind::Binary { op: op @ (BinaryOp::And | BinaryOp::Or), .. } => chain(expr, *op),
            ExprKind::Binary { op, left, right } => relation(*op, left, right),
            ExprKind::Call { name, args } if is(&name.text, "prifilt") => match args.as_slice() {
                [Expr { kind: ExprKind::Str(text), .. }] => {
                    match selector::parse(&text.to_string()) {
                        (mask, None) => Self::exactly(mask),
                        _ => Self::UNKNOWN,
                    }
                }
                _ => Self::UNKNOWN,
            },
            _ => Self::UNKNOWN,
        }
    }
}

/// `a op b op c`, which the tree holds as `(a op b) op c`, without a call for each.
fn chain(expr: &Expr, wanted: BinaryOp) -> Bounds {
    let join = if wanted == BinaryOp::And { and } else { or };
    let mut all: Option<Bounds> = None;
    let mut rest = expr;
    loop {
        let (side, next) = match &rest.kind {
            ExprKind::Binary { op, left, right } if *op == wanted => (&**right, Some(&**left)),
            _ => (rest, None),
        };
        let side = Bounds::of(side);
        all = Some(all.map_or(side, |all| Bounds {
            may: join(all.may, side.may),
            must: join(all.must, side.must),
        }));
        match next {
            Some(next) => rest = next,
            None => return all.unwrap_or(Bounds::UNKNOWN),
        }
    }
}

/// A comparison of a part of the PRI with a constant.
fn relation(op: BinaryOp, left: &Expr, right: &Expr) -> Bounds {
    let ExprKind::Variable(name) = &left.kind else { return Bounds::UNKNOWN };
    let mask = match name.to_ascii_lowercase().as_str() {
        "syslogfacility-text" => words(op, right, Pri::facility_text),
        "syslogseverity-text" | "syslogpriority-text" => words(op, right, Pri::severity_text),
        "syslogfacility" => numbers(op, right, |pri| i64::from(pri.facility())),
        "syslogseverity" | "syslogpriority" => numbers(op, right, |pri| i64::from(pri.severity())),
        "pri" => numbers(op, right, |pri| i64::from(pri.0)),
        _ => None,
    };
    mask.map_or(Bounds::UNKNOWN, Bounds::exactly)
}

fn mask_of(mut takes: impl FnMut(Pri) -> bool) -> PriMask {
    let mut mask = NONE;
    for facility in 0..=24 {
        for severity in 0..=7 {
            if takes(Pri::new(facility, severity)) {
                mask.0[usize::from(facility)] |= 1 << severity;
            }
        }
    }
    mask
}

fn words(op: BinaryOp, right: &Expr, word: fn(Pri) -> &'static str) -> Option<PriMask> {
    let equal = match &right.kind {
        ExprKind::Str(text) => mask_of(|pri| text == word(pri)),
        ExprKind::Array(items) => mask_of(|pri| items.iter().any(|item| item == word(pri))),
        _ => return None,
    };
    match op {
        BinaryOp::Equal => Some(equal),
        BinaryOp::NotEqual => Some(not(equal)),
        _ => None,
    }
}

fn numbers(op: BinaryOp, right: &Expr, number: impl Fn(Pri) -> i64) -> Option<PriMask> {
    let other = match &right.kind {
        ExprKind::Number(other) => *other,
        ExprKind::Str(text) => text.to_string().parse().ok()?,
        _ => return None,
    };
    let holds: fn(&i64, &i64) -> bool = match op {
        BinaryOp::Equal => i64::eq,
        BinaryOp::NotEqual => i64::ne,
        BinaryOp::Less => i64::lt,
        BinaryOp::LessEqual => i64::le,
        BinaryOp::Greater => i64::gt,
        BinaryOp::GreaterEqual => i64::ge,
        _ => return None,
    };
    Some(mask_of(|pri| holds(&number(pri), &other)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ast::StmtKind;
    use crate::config::parse_text;

    /// Sizes of `may` and `must`.
    fn sizes(condition: &str) -> (u32, u32) {
        let text = format!("if {condition} then stop\n");
        let config = parse_text("t", text.as_bytes());
        assert!(!config.diagnostics.has_errors(), "{:?}", config.diagnostics);
        let StmtKind::If { cond, .. } = &config.statements[0].kind else { panic!("no if") };
        let Bounds { may, must } = Bounds::of(cond);
        let size = |mask: PriMask| mask.0.iter().map(|severities| severities.count_ones()).sum();
        (size(may), size(must))
    }

    #[test]
    fn what_the_pri_decides() {
        assert_eq!(sizes("$syslogfacility-text == 'local0'"), (8, 8));
        assert_eq!(sizes("$syslogfacility-text != 'local0'"), (192, 192));
        assert_eq!(sizes("$syslogfacility-text == ['local0', 'mail']"), (16, 16));
        assert_eq!(sizes("$syslogseverity <= 3"), (100, 100));
        assert_eq!(sizes("$syslogseverity < '3'"), (75, 75));
        assert_eq!(sizes("$syslogseverity-text == 'error'"), (0, 0));
        assert_eq!(sizes("$pri == 13"), (1, 1));
        assert_eq!(sizes("prifilt('mail.err')"), (4, 4));
        assert_eq!(sizes("not prifilt('mail.*')"), (192, 192));
    }

    #[test]
    fn what_it_does_not_decide() {
        assert_eq!(sizes("$msg contains 'x'"), (200, 0));
        assert_eq!(sizes("$msg contains 'x' and $syslogseverity == 0"), (25, 0));
        assert_eq!(sizes("$msg contains 'x' or $syslogseverity == 0 or $pri == 1"), (200, 26));
        assert_eq!(sizes("not ($msg contains 'x' and $syslogseverity == 0)"), (200, 175));
        assert_eq!(sizes("$syslogseverity == $!level"), (200, 0));
    }
}
