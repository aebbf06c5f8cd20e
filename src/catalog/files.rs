//! Inputs that read files.

use crate::catalog::absent;
use crate::config::module::Module;
use crate::config::module::Role::Input;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Facility;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::Ruleset;
use crate::config::param::Kind::Severity;
use crate::config::param::Kind::Str;
use crate::config::param::Spec;

pub(super) static MODULES: &[Module] = &[
    absent(
        "imbatchreport",
        Input,
        "Reads each report file as one message, and renames or deletes it.",
        "imfile with endmsg.regex",
    )
    .with_instance(&[IMBATCHREPORT]),
    absent("imtuxedoulog", Input, "Reads Tuxedo's ULOG files.", "imfile with a wildcard")
        .with_instance(&[IMTUXEDOULOG]),
];

const DEFAULT_RULESET: &str = "RSYSLOG_DefaultRuleset";

static IMBATCHREPORT: &[Spec] = &[
    Spec::new("reports", Str, "", "Pattern of the report files.").required(),
    Spec::new("tag", Str, "", "The tag of the messages.").required(),
    Spec::new("facility", Facility, "local0", "Their facility."),
    Spec::new("severity", Severity, "notice", "Their severity."),
    Spec::new("ruleset", Ruleset, DEFAULT_RULESET, "Ruleset that gets the messages."),
    Spec::new("deduplicateSpaces", Bool, "on", "Makes runs of blanks one blank."),
    Spec::new("delete", Str, "", "Expression and suffix: deletes what was read."),
    Spec::new("rename", Str, "", "Expression and two suffixes: renames what was read."),
    Spec::new("programKey", Str, "", "Attribute that holds the program's name."),
    Spec::new("timestampKey", Str, "", "Attribute that holds the time, in seconds since 1970."),
];

static IMTUXEDOULOG: &[Spec] = &[
    Spec::new("ulogBase", Str, "", "Path of the files, without the date.").required(),
    Spec::new("tag", Str, "", "The tag of the messages.").required(),
    Spec::new("facility", Facility, "local0", "Their facility."),
    Spec::new("severity", Severity, "notice", "Their severity."),
    Spec::new("ruleset", Ruleset, DEFAULT_RULESET, "Ruleset that gets the messages."),
    Spec::new("persistStateInterval", Int, "0", "Lines between two writes of the position."),
    Spec::new("maxLinesAtOnce", Int, "0", "Lines before other files get their turn; 0: all."),
    Spec::new("maxSubmitAtOnce", Int, "1024", "Largest batch of messages."),
];
