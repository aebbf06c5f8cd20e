//! What is left out of generated programs, and why: the one place that knows where Bongsu is not
//! rsyslogd on purpose, and what no two programs can agree on.
//!
//! - Rulesets that call each other in circles: rsyslogd runs until its stack is at its end.
//! - Indices below 0 and behind an index (`$!f[-1]`, `$!f[2]!h[1][0]`): rsyslogd dies of them.
//! - Two actions on one file: in Bongsu each has a queue of its own, and their order is not one.
//!   Every action of a program has a file of its own, and what a program traces goes through one.
//! - Alternatives and back references in regular expressions, see `generate::known`.
//! - The smallest number divided by -1 ends rsyslogd with a signal: no constant is near it.
//! - `format_time()` with a format that is no constant: rsyslogd dies. So it does of an `if
//!   prifilt(…)` with nothing but `continue` behind it.
//! - Numbers such as 1.1 or 1e3 in JSON: rsyslogd writes a copy of them with 17 digits.
//! - Whole trees as targets of `set`: `set $. = 0` makes rsyslogd's tree a number.
//! - What a ruleset with a queue sees of `$/`: it runs beside the others.
//! - `!=` of a number and a text as a number: in rsyslogd it is how far apart the two are.
//! - Multiples of 256 as conditions, which are false in rsyslogd: what compares nothing is put into
//!   an `or`, which knows better.
//! - `format_time()` in a format that is none, of which rsyslogd makes nothing.
//! - What `foreach` fills is unset by nothing else: if it is gone at the end of the loop and its
//!   tree is not, rsyslogd takes that for a failure and leaves out what follows.
//!   So with null as its last element.
//! - An element of an array as the target of `set`: Bongsu makes a member `list[0]` even where
//!   rsyslogd finds an element, which it leaves or merges.
//! - `field()` with NUL as delimiter. `not (not (prifilt(…))) & 0`, which is 00 in rsyslogd.
//! - `substring()` from in front of its text: rsyslogd dies.
//! - `if prifilt(…)` by itself with an `else`: rsyslogd refuses it if all messages pass, or none.
//! - `<` and its kin between numbers that are 2³¹ or more apart: rsyslogd looks at 32 bits of their
//!   difference, and `3000000000 > 0` is false.
//! - Names of rulesets in `call` have two characters or more: with one, rsyslogd does not read it.
//! - `endswith`: not in 8.2302. Property filters of variables, with an underscore in the operation
//!   (`contains_i`), or without a value (`:msg, isempty`): rsyslogd does not read them.

use bongsu::rules::functions::FUNCTIONS;
use bongsu::rules::functions::Function;

use crate::generate::known::PROPERTIES;

/// Functions that are built and left out.
const LEFT_OUT: &[(&str, &str)] = &[
    ("dyn_inc", "counts in dyn_stats, which show nowhere in a message"),
    ("get_property", "of a number gives what is no text to operators; it has questions of its own"),
    ("getenv", "the environments differ"),
    ("http_request", "asks the network"),
    ("lookup", "needs a table; it has cases of its own"),
    ("parse_time", "takes the year of now"),
    ("percentile_observe", "counts in percentile_stats, which show nowhere in a message"),
    ("previous_action_suspended", "actions run beside the rules here"),
    ("random", "random"),
    ("script_error", "keeps its state from message to message; it has questions of its own"),
];

/// The functions whose answers both programs must agree on. rsyslogd dies of a name that it does
/// not know, so what its documentation lacks is not called.
pub(crate) fn functions() -> Vec<&'static Function> {
    let known = |function: &&Function| {
        function.built
            && !function.page.is_empty()
            && (function.module.is_empty() || function.module == "fmhash")
            && LEFT_OUT.iter().all(|(name, _)| *name != function.name)
    };
    FUNCTIONS.iter().filter(known).collect()
}

/// Properties of the message itself; the clock's are not the same for both programs.
pub(crate) fn properties() -> Vec<&'static str> {
    // rsyslogd refuses to compare a severity or facility with what is none.
    let checked = ["syslogfacility", "syslogseverity", "syslogpriority"];
    let usable = |name: &&str| {
        !name.starts_with('$') && checked.iter().all(|checked| !name.starts_with(checked))
    };
    PROPERTIES.iter().copied().filter(usable).collect()
}

#[test]
fn what_is_left_out_is_a_function() {
    for (name, why) in LEFT_OUT {
        assert!(FUNCTIONS.iter().any(|function| function.name == *name), "{name}: {why}");
    }
}
