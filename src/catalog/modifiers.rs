//! Message modification modules that will run.

use crate::catalog::later;
use crate::config::module::Module;
use crate::config::module::Role::Modifier;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Exact;
use crate::config::param::Kind::NonNegative;
use crate::config::param::Kind::Str;
use crate::config::param::Spec;

const LEFT_OUT: &str = "the action is left out meanwhile";

pub(super) static MODULES: &[Module] = &[
    later("mmtaghostname", Modifier, "Sets the tag and the host name.", LEFT_OUT)
        .with_instance(&[MMTAGHOSTNAME]),
    later(
        "mmjsontransform",
        Modifier,
        "Turns dotted names into nested objects, and back.",
        LEFT_OUT,
    )
    .with_instance(&[MMJSONTRANSFORM]),
    later("mmleefparse", Modifier, "Parses LEEF into variables.", LEFT_OUT)
        .with_instance(&[MMLEEFPARSE]),
];

static MMTAGHOSTNAME: &[Spec] = &[
    Spec::new("tag", Str, "", "The tag that messages get."),
    Spec::new("forceLocalHostname", Bool, "off", "Gives them the relay's host name."),
];

static MMJSONTRANSFORM: &[Spec] = &[
    Spec::new("input", Str, "", "Variable to read.").since("8.2410"),
    Spec::new("output", Str, "", "Variable to write; it must not be there yet.").since("8.2410"),
    Spec::new(
        "mode",
        Exact(&["unflatten", "flatten"]),
        "unflatten",
        "Dotted names to nested objects, or back.",
    )
    .since("8.2410"),
    Spec::new("policy", Str, "", "YAML file that renames and drops names first.").since("8.2602"),
    Spec::new("policyWatch", Bool, "off", "Reads that file anew when it changes.").since("8.2604"),
    Spec::new("policyWatchDebounce", Str, "5s", "How long it must be quiet before.")
        .since("8.2604"),
];

static MMLEEFPARSE: &[Spec] = &[
    Spec::new("cookie", Str, "LEEF:", "What the LEEF part begins with.").since("8.2608"),
    Spec::new("useRawMsg", Bool, "on", "Parses the whole message instead of its text.")
        .since("8.2608"),
    Spec::new("container", Str, "$!", "Variable that gets header and fields.").since("8.2608"),
    Spec::new("delimiter", Str, "\\t", "What stands between fields.").since("8.2608"),
    Spec::new("searchCookie", Bool, "on", "The cookie may stand behind other text.")
        .since("8.2608"),
    Spec::new("searchWindow", NonNegative, "64", "How far, in characters.").since("8.2608"),
];
