//! Functions of texts.

use crate::rules::call::Answer;
use crate::rules::call::Invocation;
use crate::rules::call::Plain;
use crate::rules::call::Takes;

pub(super) const ROUTINES: &[(&str, Plain)] =
    &[("toupper", Plain { takes: &[Takes::Text], run: toupper, varies: false })];

fn toupper(call: &Invocation<'_>, out: &mut Vec<u8>) -> Answer {
    out.extend_from_slice(call.text(0));
    out.make_ascii_uppercase();
    Answer::Text
}
