//! Conditions that are not what they seem.

use crate::base::diag::Loc;
use crate::base::diag::Severity::Note;
use crate::base::diag::Severity::Warning;
use crate::config::ast::BinaryOp;
use crate::config::ast::Expr;
use crate::config::ast::ExprKind;
use crate::config::ast::FilterOperation;
use crate::config::ast::PropertyFilter;
use crate::engine::lint::Findings;
use crate::engine::lint::Lint;
use crate::engine::lint::Survey;
use crate::engine::lint::survey::is;
use crate::engine::lint::survey::walk;
use crate::message::Pri;

pub(super) static LINTS: &[&Lint] =
    &[&TEXT_AS_NUMBER, &NO_SUCH_VALUE, &MSG_WITHOUT_SPACE, &REGEX_PLAIN];

static TEXT_AS_NUMBER: Lint = Lint {
    id: "text-as-number",
    severity: Warning,
    what: "`$syslogseverity-text` or `$syslogfacility-text` is compared as if it were a number.",
    why: "It is a word: 'warning' is greater than 'err' only because w comes after e.",
    help: "compare $syslogseverity: 0 is emerg, 3 err, 4 warning, 6 info, 7 debug",
};
static NO_SUCH_VALUE: Lint = Lint {
    id: "no-such-value",
    severity: Warning,
    what: "A severity or facility is compared with a word that it never is.",
    why: "Words are 'err' and 'warning', never 'error' or 'WARN', and $syslogseverity is a number.",
    help: "severities: emerg alert crit err warning notice info debug; facilities: kern user mail \
           daemon auth syslog lpr news uucp cron authpriv ftp local0 … local7",
};
static MSG_WITHOUT_SPACE: Lint = Lint {
    id: "msg-without-space",
    severity: Note,
    what: "`$msg` is compared from its beginning with a text that does not begin with a space.",
    why: "The text of an RFC 3164 message begins with the space behind the tag.",
    help: "use contains, or write the space",
};
static REGEX_PLAIN: Lint = Lint {
    id: "regex-plain",
    severity: Note,
    what: "A regular expression has nothing in it that `contains` has not.",
    why: "It costs several times as much for every message.",
    help: "use contains, startswith or endswith",
};

pub(super) fn look(survey: &Survey<'_>, found: &mut Findings<'_>) {
    for condition in &survey.conditions {
        walk(condition, &mut |expr| match &expr.kind {
            ExprKind::Binary { op, left, right } => {
                comparison(*op, left, right, found);
            }
            ExprKind::Call { name, args }
                if is(&name.text, "re_match") || is(&name.text, "re_match_i") =>
            {
                if let Some(pattern) = args.get(1) {
                    let text = texts(pattern);
                    text.iter().for_each(|text| regex(text, pattern.loc, found));
                }
            }
            _ => {}
        });
    }
    for (filter, loc) in &survey.filters {
        property_filter(filter, *loc, found);
    }
}

/// A constant's text; each of an array's.
pub(super) fn texts(expr: &Expr) -> Vec<String> {
    match &expr.kind {
        ExprKind::Str(text) => vec![text.to_string()],
        ExprKind::Array(items) => items.iter().map(ToString::to_string).collect(),
        ExprKind::Number(number) => vec![number.to_string()],
        _ => Vec::new(),
    }
}

fn comparison(op: BinaryOp, left: &Expr, right: &Expr, found: &mut Findings<'_>) {
    let (name, constant, way) = match (&left.kind, &right.kind) {
        (ExprKind::Variable(name), _) => (name, right, op),
        (_, ExprKind::Variable(name)) if is_relation(op) => (name, left, op),
        _ => return,
    };
    if is(name, "msg") {
        let whole = matches!(way, BinaryOp::Equal | BinaryOp::StartsWith | BinaryOp::StartsWithI);
        if whole {
            texts(constant).iter().for_each(|text| beginning(text, constant.loc, found));
        }
        return;
    }
    let Some((values, worded)) = known_values(name) else { return };
    let order = matches!(
        way,
        BinaryOp::Less | BinaryOp::LessEqual | BinaryOp::Greater | BinaryOp::GreaterEqual
    );
    if !order && !matches!(way, BinaryOp::Equal | BinaryOp::NotEqual) {
        return;
    }
    for text in texts(constant) {
        let number = text.trim().parse::<i64>().is_ok();
        if worded && (number || order) {
            let text = format!("${name} is a word, and this compares it as a number");
            found.add(&TEXT_AS_NUMBER, constant.loc, text);
        } else {
            value(name, &text, values, worded, constant.loc, found);
        }
    }
}

const fn is_relation(op: BinaryOp) -> bool {
    matches!(
        op,
        BinaryOp::Equal
            | BinaryOp::NotEqual
            | BinaryOp::Less
            | BinaryOp::LessEqual
            | BinaryOp::Greater
            | BinaryOp::GreaterEqual
    )
}

/// How many values a part of the PRI has, and whether they are words.
fn known_values(name: &str) -> Option<(Part, bool)> {
    let words = [
        ("syslogfacility-text", Part::Facility, true),
        ("syslogseverity-text", Part::Severity, true),
        ("syslogpriority-text", Part::Severity, true),
        ("syslogfacility", Part::Facility, false),
        ("syslogseverity", Part::Severity, false),
        ("syslogpriority", Part::Severity, false),
    ];
    words.iter().find(|(known, ..)| is(known, name)).map(|(_, part, worded)| (*part, *worded))
}

#[derive(Clone, Copy)]
enum Part {
    Facility,
    Severity,
}

impl Part {
    fn has(self, word: &str) -> bool {
        match self {
            Self::Facility => (0..=24).any(|n| Pri::new(n, 0).facility_text() == word),
            Self::Severity => (0..=7).any(|n| Pri::new(0, n).severity_text() == word),
        }
    }
}

fn value(name: &str, text: &str, values: Part, worded: bool, loc: Loc, found: &mut Findings<'_>) {
    let known = if worded { values.has(text) } else { text.trim().parse::<i64>().is_ok() };
    if !known {
        let what = if worded { "" } else { ": it is a number" };
        found.add(&NO_SUCH_VALUE, loc, format!("${name} is never '{text}'{what}"));
    }
}

fn beginning(text: &str, loc: Loc, found: &mut Findings<'_>) {
    if !text.is_empty() && !text.starts_with(' ') {
        let text = format!("most messages' text begins with a space, and not with '{text}'");
        found.add(&MSG_WITHOUT_SPACE, loc, text);
    }
}

fn property_filter(filter: &PropertyFilter, loc: Loc, found: &mut Findings<'_>) {
    let name = filter.property.text.trim_start_matches('$');
    let text = filter.value.to_string();
    match filter.operation {
        FilterOperation::Regex | FilterOperation::Ereregex => regex(&text, loc, found),
        FilterOperation::IsEqual | FilterOperation::StartsWith | FilterOperation::StartsWithI
            if is(name, "msg") =>
        {
            beginning(&text, loc, found);
        }
        FilterOperation::IsEqual => {
            if let Some((values, worded)) = known_values(name) {
                value(name, &text, values, worded, loc, found);
            }
        }
        _ => {}
    }
}

/// A pattern whose only signs are anchors and `.*` at its ends.
fn regex(pattern: &str, loc: Loc, found: &mut Findings<'_>) {
    let inner = pattern.strip_prefix('^').unwrap_or(pattern);
    let inner = inner.strip_suffix('$').unwrap_or(inner);
    let inner = inner.strip_prefix(".*").unwrap_or(inner);
    let inner = inner.strip_suffix(".*").unwrap_or(inner);
    let signs = |c: char| r".*+?[](){}|\^$".contains(c);
    if !inner.is_empty() && !inner.contains(signs) {
        found.add(&REGEX_PLAIN, loc, format!("this finds '{inner}' and nothing else"));
    }
}
