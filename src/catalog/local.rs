//! Inputs of the local machine: the journal, devices of other systems.

use crate::catalog::absent;
use crate::catalog::later;
use crate::config::module::Module;
use crate::config::module::Role::Input;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Facility;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::Likely;
use crate::config::param::Kind::Mode;
use crate::config::param::Kind::Ruleset;
use crate::config::param::Kind::Severity;
use crate::config::param::Kind::Str;
use crate::config::param::Kind::Token;
use crate::config::param::Spec;

const LOCAL: &str = "nothing is read meanwhile; let journald or rsyslog forward to a port";

pub(super) static MODULES: &[Module] = &[
    later("imjournal", Input, "Reads the systemd journal.", LOCAL)
        .with_module(&[IMJOURNAL])
        .with_instance(&[IMJOURNAL_INPUT]),
    absent("imsolaris", Input, "Reads Solaris' log device.", "imuxsock; Bongsu runs on Linux"),
    absent("imdoor", Input, "Reads from a Solaris door.", "imuxsock; Bongsu runs on Linux"),
];

const DEFAULT_RULESET: &str = "RSYSLOG_DefaultRuleset";

static IMJOURNAL: &[Spec] = &[
    Spec::new("stateFile", Token, "imjournal.state", "File that keeps the journal's position."),
    Spec::new("fileCreateMode", Mode, "0644", "Mode of that file.").since("8.2306"),
    Spec::new(
        "rateLimit.interval",
        Int,
        "600",
        "Seconds of a rate-limiting interval; 0: no limit.",
    ),
    Spec::new("rateLimit.burst", Int, "20000", "Messages that pass in one interval."),
    Spec::new("persistStateInterval", Int, "10", "Messages between two writes of the position."),
    Spec::new(
        "ignorePreviousMessages",
        Bool,
        "off",
        "Begins at the journal's end where no position is known.",
    ),
    Spec::new(
        "ignoreNonValidStatefile",
        Bool,
        "on",
        "Reads the journal anew if its state file is damaged.",
    ),
    Spec::new("defaultSeverity", Severity, "notice", "Severity of entries that have none."),
    Spec::new("defaultFacility", Facility, "user", "Facility of entries that have none."),
    Spec::new("usePidFromSystem", Bool, "off", "Takes the process id from the kernel (_PID)."),
    Spec::new(
        "usePid",
        Likely(&["both", "syslog", "system"]),
        "both",
        "Where the process id comes from: SYSLOG_PID, _PID, or the first that is there.",
    ),
    Spec::new("workAroundJournalBug", Bool, "on", "Without effect since rsyslog 8.1910.")
        .ignored("the journal's position is kept in any case"),
    Spec::new("fsync", Bool, "off", "Syncs the state file to the disk."),
    Spec::new("remote", Bool, "off", "Reads journals that came from other machines as well."),
    Spec::new("defaultTag", Str, "journal", "Tag of entries that name no program.").since("8.2312"),
];

static IMJOURNAL_INPUT: &[Spec] = &[
    Spec::new("ruleset", Ruleset, DEFAULT_RULESET, "Ruleset that gets the messages.")
        .since("8.2312"),
    Spec::new("main", Bool, "off", "Runs the ruleset on the reading thread.").since("8.2312"),
];
