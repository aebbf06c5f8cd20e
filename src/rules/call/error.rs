//! The error state of functions. Of those without a module, `parse_time()`, `parse_time_localtz()`,
//! `is_time()`, `parse_json()` and `get_property()` set it; the others leave it as it is.

use crate::rules::call::Answer;
use crate::rules::call::Invocation;
use crate::rules::call::Plain;

pub(super) const ROUTINES: &[(&str, Plain)] =
    &[("script_error", Plain { takes: &[], run: script_error, varies: true })];

/// Whether the function that last told has failed: 1, otherwise 0.
fn script_error(call: &Invocation<'_>, _: &mut Vec<u8>) -> Answer {
    Answer::Number(call.of.runtime().map_or(0, |runtime| runtime.script_error.get()))
}

/// Tells `script_error()` whether a function has failed. What tells is to vary.
pub(super) fn tell(call: &Invocation<'_>, failed: bool) {
    if let Some(runtime) = call.of.runtime() {
        runtime.script_error.set(i64::from(failed));
    }
}
