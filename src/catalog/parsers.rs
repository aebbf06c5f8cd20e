//! Parsers, and the parameters of `parser()`.

use crate::catalog::absent;
use crate::catalog::later;
use crate::config::module::Module;
use crate::config::module::Role::Parser;
use crate::config::param::Kind::Array;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Char;
use crate::config::param::Kind::Facility;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::Ruleset;
use crate::config::param::Kind::Severity;
use crate::config::param::Kind::Str;
use crate::config::param::Kind::Token;
use crate::config::param::Spec;

const TRIED: &str = "RFC 5424 and RFC 3164 are tried meanwhile";

pub(super) static MODULES: &[Module] = &[
    later("pmrfc3164", Parser, "Messages of RFC 3164 and its many dialects.", TRIED)
        .with_instance(&[PMRFC3164]),
    later("pmrfc5424", Parser, "Messages of RFC 5424.", TRIED),
    later("pmciscoios", Parser, "Messages of Cisco IOS and IOS XR.", TRIED)
        .with_instance(&[PMCISCOIOS]),
    later("pmaixforwardedfrom", Parser, "AIX's \"Message forwarded from\".", TRIED),
    later("pmlastmsg", Parser, "\"last message repeated n times\".", TRIED),
    later("pmsnare", Parser, "Messages of Snare agents on Windows.", TRIED)
        .with_instance(&[PMSNARE]),
    later("pmnull", Parser, "Takes a message as it is, without looking into it.", TRIED)
        .with_instance(&[PMNULL]),
    absent(
        "pmcisconames",
        Parser,
        "Messages of Cisco ASA that hold a name.",
        "rsyslog.rfc3164, and re_extract() for the name",
    ),
    absent(
        "pmnormalize",
        Parser,
        "Parses by liblognorm's rules.",
        "rsyslog.rfc3164, and re_extract() or field() for the rest",
    )
    .with_instance(&[PMNORMALIZE]),
    absent("pmdb2diag", Parser, "Lines of DB2's diagnostic log.", "re_extract() on $rawmsg")
        .with_instance(&[PMDB2DIAG]),
    absent(
        "pmrfc3164sd",
        Parser,
        "RFC 3164 with structured data.",
        "rsyslog.rfc5424 where the sender can send it",
    ),
    absent("pmpanngfw", Parser, "Messages of Palo Alto firewalls.", "field() on $msg"),
];

static PMRFC3164: &[Spec] = &[
    Spec::new("detect.yearAfterTimestamp", Bool, "off", "Looks for a year behind the time."),
    Spec::new("permit.squareBracketsInHostname", Bool, "off", "Takes [host] as host."),
    Spec::new("permit.slashesInHostname", Bool, "off", "Takes host names with slashes."),
    Spec::new("permit.atSignsInHostname", Bool, "off", "Takes host names with an @."),
    Spec::new("force.tagEndingByColon", Bool, "off", "Without a colon there is no tag."),
    Spec::new("remove.msgFirstSpace", Bool, "off", "Drops the blank before the text."),
    Spec::new("detect.headerless", Bool, "off", "Tells messages without any header apart.")
        .since("8.2508"),
    Spec::new("headerless.hostname", Str, "", "The host name that they get.").since("8.2508"),
    Spec::new("headerless.tag", Str, "", "The tag that they get.").since("8.2508"),
    Spec::new("headerless.ruleset", Ruleset, "", "The ruleset that they go to.").since("8.2508"),
    Spec::new("headerless.errorfile", Str, "", "File to which they are written.").since("8.2508"),
    Spec::new("headerless.drop", Bool, "off", "Drops them.").since("8.2508"),
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

static PMNORMALIZE: &[Spec] = &[
    Spec::new("ruleBase", Token, "", "File that holds the rules."),
    Spec::new("rule", Array, "", "The rules themselves."),
    Spec::new("undefinedPropertyError", Bool, "off", "Says when a message matches no rule."),
];

static PMDB2DIAG: &[Spec] = &[
    Spec::new("timeFormat", Str, "%Y-%m-%d-%H.%M.%S.", "How the time is written (strptime)."),
    Spec::new("timePos", Int, "0", "Where the time stands."),
    Spec::new("levelPos", Int, "59", "Where the severity stands."),
    Spec::new("pidStartToProgStartShift", Int, "49", "From the process id to the program."),
];
