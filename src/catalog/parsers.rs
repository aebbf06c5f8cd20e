//! Parsers that are not here.

use crate::catalog::absent;
use crate::config::module::Module;
use crate::config::module::Role::Parser;
use crate::config::param::Kind::Array;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::Str;
use crate::config::param::Kind::Token;
use crate::config::param::Spec;

pub(super) static MODULES: &[Module] = &[
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
