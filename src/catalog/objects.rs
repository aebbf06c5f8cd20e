//! Objects other than modules, and their parameters.

use crate::config::ast::ObjectKind;
use crate::config::param::Kind::Array;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::Positive;
use crate::config::param::Kind::Severity;
use crate::config::param::Kind::Str;
use crate::config::param::Kind::Template;
use crate::config::param::Spec;

/// (rsyslog "Lookup Tables".)
static LOOKUP_TABLE: &[Spec] = &[
    Spec::new("name", Str, "", "What lookup() calls it."),
    Spec::new("file", Str, "", "The file that holds it: JSON, or CSV if its name ends so."),
    Spec::new("reloadOnHUP", Bool, "on", "Reads the file again after a HUP."),
];

/// (rsyslog "Dynamic Stats".)
static DYN_STATS: &[Spec] = &[
    Spec::new("name", Str, "", "What dyn_inc() calls it."),
    Spec::new("resettable", Bool, "on", "Starts over after each report."),
    Spec::new("maxCardinality", Positive, "2000", "Counters that it holds at most."),
    Spec::new("unusedMetricLife", Positive, "3600", "Seconds after which an unused counter goes."),
];

/// (rsyslog "Percentile Stats".)
static PERCTILE_STATS: &[Spec] = &[
    Spec::new("name", Str, "", "What percentile_observe() calls it."),
    Spec::new("delimiter", Str, ".", "Stands between the names in a report."),
    Spec::new("percentiles", Array, "", "The percentiles to report, 1 to 100."),
    Spec::new("windowSize", Positive, "", "Observations that are remembered."),
];

/// What all parsers have. (rsyslog "Parser".)
static PARSER: &[Spec] = &[
    Spec::new("name", Str, "", "What rulesets call it."),
    Spec::new("type", Str, "", "The parser module."),
];

const READ_ONCE: &str = "policy files are read at the start";

/// (rsyslog "ratelimit Object", since 8.2602.)
static RATELIMIT: &[Spec] = &[
    Spec::new("name", Str, "", "What inputs call it."),
    Spec::new("interval", Int, "0", "Seconds in which so many messages may come; 0 is no limit."),
    Spec::new("burst", Int, "10000", "Messages that may come in that time."),
    Spec::new("severity", Severity, "0", "Messages that are more severe than this are free."),
    Spec::new("policy", Str, "", "The YAML file that says all this instead."),
    Spec::new("policyWatch", Bool, "off", "Reads the file again when it changes.")
        .meanwhile(READ_ONCE),
    Spec::new("policyWatchDebounce", Str, "5s", "How long it must be quiet before that.")
        .meanwhile(READ_ONCE),
    Spec::new("perSource", Bool, "off", "Counts each sender by itself."),
    Spec::new("perSourcePolicy", Str, "", "The YAML file with the senders' limits."),
    Spec::new(
        "perSourceKeyTpl",
        Template,
        "RSYSLOG_PerSourceKey",
        "The template that tells senders apart.",
    ),
    Spec::new("perSourceMaxStates", Int, "10000", "Senders that are remembered."),
    Spec::new("perSourceTopN", Int, "10", "Senders that reports name."),
];

/// (rsyslog "timezone".)
static TIMEZONE: &[Spec] = &[
    Spec::new("id", Str, "", "What messages call it: CEST."),
    Spec::new("offset", Str, "", "Its distance from UTC: +02:00."),
];

/// The parameters of an object that has no module; `None` for any other.
#[must_use]
pub const fn object(kind: ObjectKind) -> Option<&'static [Spec]> {
    match kind {
        ObjectKind::LookupTable => Some(LOOKUP_TABLE),
        ObjectKind::DynStats => Some(DYN_STATS),
        ObjectKind::PerctileStats => Some(PERCTILE_STATS),
        ObjectKind::Parser => Some(PARSER),
        ObjectKind::Ratelimit => Some(RATELIMIT),
        ObjectKind::Timezone => Some(TIMEZONE),
        _ => None,
    }
}

/// Those of its parameters without which it means nothing.
#[must_use]
pub const fn required(kind: ObjectKind) -> &'static [&'static str] {
    match kind {
        ObjectKind::LookupTable => &["name", "file"],
        ObjectKind::Parser => &["name", "type"],
        ObjectKind::Timezone => &["id", "offset"],
        ObjectKind::DynStats | ObjectKind::PerctileStats | ObjectKind::Ratelimit => &["name"],
        _ => &[],
    }
}
