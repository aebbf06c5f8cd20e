//! Message modification modules that will run.

use crate::catalog::later;
use crate::config::module::Module;
use crate::config::module::Role::Modifier;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Char;
use crate::config::param::Kind::Exact;
use crate::config::param::Kind::NonNegative;
use crate::config::param::Kind::Positive;
use crate::config::param::Kind::Size;
use crate::config::param::Kind::Str;
use crate::config::param::Kind::Token;
use crate::config::param::Spec;

const LEFT_OUT: &str = "the action is left out meanwhile";

pub(super) static MODULES: &[Module] = &[
    later("mmjsonparse", Modifier, "Parses JSON and CEE text into variables.", LEFT_OUT)
        .with_instance(&[MMJSONPARSE]),
    later("mmpstrucdata", Modifier, "Parses structured data into variables.", LEFT_OUT)
        .with_instance(&[MMPSTRUCDATA]),
    later("mmutf8fix", Modifier, "Replaces bytes that are no UTF-8.", LEFT_OUT)
        .with_instance(&[MMUTF8FIX]),
    later("mmanon", Modifier, "Makes addresses in messages anonymous.", LEFT_OUT)
        .with_instance(&[MMANON]),
    later("mmfields", Modifier, "Splits messages into fields.", LEFT_OUT)
        .with_instance(&[MMFIELDS]),
    later("mmrm1stspace", Modifier, "Drops the blank before the text.", LEFT_OUT),
    later("mmsequence", Modifier, "Numbers messages.", LEFT_OUT).with_instance(&[MMSEQUENCE]),
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

static MMJSONPARSE: &[Spec] = &[
    Spec::new("cookie", Str, "@cee:", "What must stand before the JSON."),
    Spec::new("container", Str, "$!", "Variable that gets what was parsed."),
    Spec::new("useRawMsg", Bool, "off", "Parses the whole message instead of its text."),
    Spec::new(
        "mode",
        Exact(&["cookie", "find-json"]),
        "cookie",
        "Behind the cookie, or wherever the first object stands.",
    )
    .since("8.2506"),
    Spec::new("max_scan_bytes", Positive, "65536", "How far find-json looks, in bytes.")
        .since("8.2506"),
    Spec::new("allow_trailing", Bool, "on", "Text may follow what find-json finds.")
        .since("8.2506"),
];

static MMPSTRUCDATA: &[Spec] = &[
    Spec::new("jsonRoot", Str, "!", "Variable that gets what was parsed."),
    Spec::new("sd_name.lowercase", Bool, "on", "Writes the elements' names in lower case."),
    Spec::new("container", Str, "rfc5424-sd", "The name below jsonRoot.").since("8.2606"),
    Spec::new(
        "maxStructuredDataSize",
        Size,
        "",
        "Longer structured data is not parsed, in bytes; maxMessageSize if not given.",
    )
    .since("8.2606"),
];

static MMUTF8FIX: &[Spec] = &[
    Spec::new(
        "mode",
        Exact(&["utf-8", "controlcharacters"]),
        "utf-8",
        "What is replaced: bytes that are no UTF-8, or all that is not printable ASCII.",
    ),
    Spec::new("replacementChar", Char, " ", "What replaces each byte."),
    Spec::new("replacementSequence", Str, "", "Bytes that replace each byte.").since("8.2606"),
];

/// Of IPv4 addresses.
const MODES: &[&str] = &["simple", "random", "random-consistent", "zero", "rewrite"];
const MODES_IPV6: &[&str] = &["random", "random-consistent", "zero"];

static MMANON: &[Spec] = &[
    Spec::new("ipv4.enable", Bool, "on", "Looks for IPv4 addresses."),
    Spec::new("ipv4.mode", Exact(MODES), "zero", "What becomes of their last bits.")
        .alias(&["mode"]),
    Spec::new("ipv4.bits", Positive, "16", "How many bits, 1 to 32."),
    Spec::new("ipv4.replaceChar", Char, "x", "What replaces digits in simple mode.")
        .alias(&["replacementChar"]),
    Spec::new("ipv6.enable", Bool, "on", "Looks for IPv6 addresses."),
    Spec::new("ipv6.anonMode", Exact(MODES_IPV6), "zero", "What becomes of their last bits."),
    Spec::new("ipv6.bits", Positive, "96", "How many bits, 1 to 128."),
    Spec::new("embeddedIpv4.enable", Bool, "on", "Looks for IPv6 with IPv4 inside."),
    Spec::new(
        "embeddedIpv4.anonMode",
        Exact(MODES_IPV6),
        "zero",
        "What becomes of their last bits.",
    ),
    Spec::new("embeddedIpv4.bits", Positive, "96", "How many bits, 1 to 128."),
];

static MMFIELDS: &[Spec] = &[
    Spec::new("separator", Char, ",", "What stands between fields."),
    Spec::new("jsonRoot", Str, "!", "Variable that gets f1, f2 and so on."),
];

static MMSEQUENCE: &[Spec] = &[
    Spec::new(
        "mode",
        Exact(&["random", "instance", "key"]),
        "instance",
        "At random, a counter of this action's own, or one that a key names.",
    ),
    Spec::new("from", NonNegative, "0", "The first number."),
    Spec::new("to", Positive, "2147483647", "The number before which it starts anew."),
    Spec::new("step", NonNegative, "1", "How far each step goes."),
    Spec::new("key", Token, "", "Name of a counter that actions share."),
    Spec::new("var", Token, "$!mmsequence", "Variable that gets the number."),
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
