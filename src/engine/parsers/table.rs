//! The parser modules, and the parameters of `parser()`.

use crate::config::module::Availability;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Char;
use crate::config::param::Kind::Facility;
use crate::config::param::Kind::Ruleset;
use crate::config::param::Kind::Severity;
use crate::config::param::Kind::Str;
use crate::config::param::Spec;

/// Parsers that run.
pub(in crate::engine) static MODULES: &[Module] = &[
    ready("pmrfc3164", "Messages of RFC 3164 and its many dialects.").with_instance(&[PMRFC3164]),
    ready("pmrfc5424", "Messages of RFC 5424."),
    ready("pmciscoios", "Messages of Cisco IOS and IOS XR.").with_instance(&[PMCISCOIOS]),
    ready("pmaixforwardedfrom", "AIX's \"Message forwarded from\"."),
    ready("pmlastmsg", "\"last message repeated n times\"."),
    ready("pmsnare", "Messages of Snare agents on Windows.").with_instance(&[PMSNARE]),
    ready("pmnull", "Takes a message as it is, without looking into it.").with_instance(&[PMNULL]),
    ready(
        "pmceelog",
        "Bongsu's own: lines of PLURA's ceelog files, as the messages they hold; in lists \
         bongsu.ceelog.",
    ),
];

const fn ready(name: &'static str, doc: &'static str) -> Module {
    let availability = Availability::Ready;
    Module { name, role: Role::Parser, doc, availability, module: &[], instance: &[] }
}

static PMRFC3164: &[Spec] = &[
    Spec::new("detect.yearAfterTimestamp", Bool, "off", "Looks for a year behind the time."),
    Spec::new("permit.squareBracketsInHostname", Bool, "off", "Takes [host] as host."),
    Spec::new("permit.slashesInHostname", Bool, "off", "Takes host names with slashes."),
    Spec::new("permit.atSignsInHostname", Bool, "off", "Takes host names with an @."),
    Spec::new("force.tagEndingByColon", Bool, "off", "Without a colon there is no tag."),
    Spec::new("remove.msgFirstSpace", Bool, "off", "Drops the blank before the text."),
    Spec::new(
        "detect.nearestYear",
        Bool,
        "off",
        "Bongsu's own: a time without a year gets the one that brings it nearest to its arrival; \
         otherwise the year of arrival.",
    )
    .own(),
    Spec::new("detect.headerless", Bool, "off", "Tells messages without any header apart.")
        .since("8.2508"),
    Spec::new(
        "headerless.hostname",
        Str,
        "",
        "The host name that they get; the sender's address if not given.",
    )
    .since("8.2508"),
    Spec::new("headerless.tag", Str, "headerless", "The tag that they get.").since("8.2508"),
    Spec::new(
        "headerless.ruleset",
        Ruleset,
        "",
        "The ruleset that they go to, instead of the one that the input is bound to.",
    )
    .since("8.2508"),
    Spec::new(
        "headerless.errorfile",
        Str,
        "",
        "File to which they are written, a line each, before anything else.",
    )
    .since("8.2508"),
    Spec::new("headerless.drop", Bool, "off", "No rules see them.").since("8.2508"),
];

static PMCISCOIOS: &[Spec] = &[
    Spec::new("present.origin", Bool, "off", "Messages hold the host that they come from."),
    Spec::new("present.xr", Bool, "off", "Messages are IOS XR's."),
];

static PMSNARE: &[Spec] = &[
    Spec::new(
        "parser.controlCharacterEscapePrefix",
        Char,
        "#",
        "What begins an escaped control character; global()'s if not given.",
    ),
    Spec::new(
        "parser.escapeControlCharactersOnReceive",
        Bool,
        "on",
        "Control characters come escaped; global()'s if not given.",
    ),
    Spec::new(
        "parser.escapeControlCharacterTab",
        Bool,
        "on",
        "Tabs come escaped as well; global()'s if not given.",
    ),
    Spec::new(
        "parser.escapeControlCharactersCStyle",
        Bool,
        "off",
        "They come escaped as in C; global()'s if not given.",
    ),
];

static PMNULL: &[Spec] = &[
    Spec::new("tag", Str, "", "The tag of all messages."),
    Spec::new("syslogFacility", Facility, "user", "The facility of all messages."),
    Spec::new("syslogSeverity", Severity, "notice", "The severity of all messages."),
];
