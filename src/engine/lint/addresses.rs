//! Addresses in conditions.

use std::net::IpAddr;

use crate::base::diag::Loc;
use crate::base::diag::Severity::Note;
use crate::base::diag::Severity::Warning;
use crate::config::ast::BinaryOp;
use crate::config::ast::ExprKind;
use crate::config::ast::FilterOperation;
use crate::engine::lint::Findings;
use crate::engine::lint::Lint;
use crate::engine::lint::Survey;
use crate::engine::lint::expressions::texts;
use crate::engine::lint::survey::is;
use crate::engine::lint::survey::walk;

pub(super) static LINTS: &[&Lint] = &[&NO_ADDRESS, &ADDRESS_PREFIX];

static NO_ADDRESS: Lint = Lint {
    id: "no-address",
    severity: Warning,
    what: "`$fromhost-ip` is compared with a text that is no address.",
    why: "They are never equal: it is compared as text, and knows neither networks nor wildcards.",
    help: "write the address itself, or startswith '10.1.' for a network",
};
static ADDRESS_PREFIX: Lint = Lint {
    id: "address-prefix",
    severity: Note,
    what: "`$fromhost-ip` is searched for an address that others begin with, too.",
    why: "It is compared as text: '10.0.0.1' is in '10.0.0.12' as well.",
    help: "== compares all of an address; a network's prefix ends with a dot",
};

/// How a text is held against the address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Equal,
    Prefix,
    Contains,
}

pub(super) fn look(survey: &Survey<'_>, found: &mut Findings<'_>) {
    for condition in &survey.conditions {
        walk(condition, &mut |expr| {
            let ExprKind::Binary { op, left, right } = &expr.kind else { return };
            let way = match op {
                BinaryOp::Equal | BinaryOp::NotEqual => Way::Equal,
                BinaryOp::StartsWith | BinaryOp::StartsWithI => Way::Prefix,
                BinaryOp::Contains | BinaryOp::ContainsI => Way::Contains,
                _ => return,
            };
            if matches!(&left.kind, ExprKind::Variable(name) if is(name, "fromhost-ip")) {
                for text in texts(right) {
                    address(&text, way, right.loc, found);
                }
            }
        });
    }
    for (filter, loc) in &survey.filters {
        let way = match filter.operation {
            FilterOperation::IsEqual => Way::Equal,
            FilterOperation::StartsWith | FilterOperation::StartsWithI => Way::Prefix,
            FilterOperation::Contains | FilterOperation::ContainsI => Way::Contains,
            _ => continue,
        };
        if is(filter.property.text.trim_start_matches('$'), "fromhost-ip") {
            address(&filter.value.to_string(), way, *loc, found);
        }
    }
}

fn address(text: &str, way: Way, loc: Loc, found: &mut Findings<'_>) {
    match way {
        Way::Equal if !text.is_empty() && text.parse::<IpAddr>().is_err() => {
            found.add(&NO_ADDRESS, loc, format!("'{text}' is no address: it equals none"));
        }
        Way::Prefix | Way::Contains if goes_on(text, way) => {
            found.add(&ADDRESS_PREFIX, loc, format!("'{text}' is the beginning of others, too"));
        }
        _ => {}
    }
}

/// Whether the last number of an IPv4 address can have further digits.
fn goes_on(text: &str, way: Way) -> bool {
    let numbers: Option<Vec<u8>> = text.split('.').map(|part| part.parse().ok()).collect();
    let Some(numbers) = numbers else { return false };
    // Part of an address, anywhere in it, is a search for something else.
    let whole = numbers.len() == 4 || (way == Way::Prefix && numbers.len() > 1);
    whole && numbers.last().is_some_and(|last| (1..=25).contains(last))
}
