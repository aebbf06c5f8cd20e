//! Inputs of the local machine: log sockets, the kernel, the relay itself.

use crate::catalog::absent;
use crate::catalog::later;
use crate::config::module::Module;
use crate::config::module::Role::Input;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Duration;
use crate::config::param::Kind::Facility;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::Positive;
use crate::config::param::Kind::Ruleset;
use crate::config::param::Kind::Str;
use crate::config::param::Kind::Token;
use crate::config::param::Kind::Word;
use crate::config::param::Spec;

const LOCAL: &str = "nothing is read meanwhile; let journald or rsyslog forward to a port";

pub(super) static MODULES: &[Module] = &[
    later("imuxsock", Input, "Reads /dev/log and other unix datagram sockets.", LOCAL)
        .with_module(&[IMUXSOCK_MODULE])
        .with_instance(&[IMUXSOCK]),
    later("imklog", Input, "Reads the kernel's messages.", LOCAL).with_module(&[IMKLOG]),
    later("imkmsg", Input, "Reads the kernel's structured messages (/dev/kmsg).", LOCAL)
        .with_module(&[IMKMSG]),
    later("immark", Input, "Makes mark messages.", "no mark messages are made meanwhile")
        .with_module(&[IMMARK]),
    absent("imsolaris", Input, "Reads Solaris' log device.", "imuxsock; Bongsu runs on Linux"),
    absent("imdoor", Input, "Reads from a Solaris door.", "imuxsock; Bongsu runs on Linux"),
];

const DEFAULT_RULESET: &str = "RSYSLOG_DefaultRuleset";
const FLOW: &str = "the sockets of a machine's own programs are never held back";

static IMUXSOCK_MODULE: &[Spec] = &[
    Spec::new("sysSock.use", Bool, "on", "Listens on the system's log socket."),
    Spec::new("sysSock.name", Token, "/dev/log", "The system's log socket."),
    Spec::new("sysSock.unlink", Bool, "on", "Removes the socket before and after."),
    Spec::new("sysSock.ignoreTimestamp", Bool, "on", "Takes the time of arrival."),
    Spec::new("sysSock.ignoreOwnMessages", Bool, "on", "Drops messages from the relay itself."),
    Spec::new("sysSock.flowControl", Bool, "off", "Holds programs back when queues fill.")
        .ignored(FLOW),
    Spec::new("sysSock.useSysTimeStamp", Bool, "on", "Takes the time from the kernel."),
    Spec::new("sysSock.annotate", Bool, "off", "Adds what the kernel knows of the sender."),
    Spec::new("sysSock.parseTrusted", Bool, "off", "Puts that into variables, not the text."),
    Spec::new("sysSock.useSpecialParser", Bool, "on", "Parses as syslog(3) writes."),
    Spec::new(
        "sysSock.parseHostname",
        Bool,
        "off",
        "Looks for a host name; only without the special parser.",
    ),
    Spec::new("sysSock.usePIDFromSystem", Bool, "off", "Takes the process id from the kernel."),
    Spec::new(
        "sysSock.rateLimit.interval",
        Int,
        "0",
        "Seconds of a rate-limiting interval of each process; 0: no limit.",
    ),
    Spec::new("sysSock.rateLimit.burst", Int, "200", "Messages that pass in one interval."),
    Spec::new(
        "sysSock.rateLimit.severity",
        Int,
        "1",
        "Messages of this severity and milder ones are limited.",
    ),
    Spec::new("sysSock.rateLimit.name", Str, "", "The ratelimit() object whose limit holds.")
        .since("8.2602"),
];

static IMUXSOCK: &[Spec] = &[
    Spec::new("socket", Str, "", "The socket to listen on.").required(),
    Spec::new("unlink", Bool, "on", "Removes the socket before and after."),
    Spec::new("createPath", Bool, "off", "Makes the folders that the socket's path needs."),
    Spec::new("parseTrusted", Bool, "off", "Puts annotations into variables, not the text."),
    Spec::new("ignoreOwnMessages", Bool, "on", "Drops messages from the relay itself."),
    Spec::new("hostName", Str, "", "The host name of its messages; $myhostname if not given."),
    Spec::new("ignoreTimestamp", Bool, "on", "Takes the time of arrival."),
    Spec::new("flowControl", Bool, "off", "Holds programs back when queues fill.").ignored(FLOW),
    Spec::new("useSysTimeStamp", Bool, "on", "Takes the time from the kernel."),
    Spec::new("annotate", Bool, "off", "Adds what the kernel knows of the sender."),
    Spec::new("useSpecialParser", Bool, "on", "Parses as syslog(3) writes."),
    Spec::new(
        "parseHostname",
        Bool,
        "off",
        "Looks for a host name; only without the special parser.",
    ),
    Spec::new("usePIDFromSystem", Bool, "off", "Takes the process id from the kernel."),
    Spec::new("ruleset", Ruleset, DEFAULT_RULESET, "Ruleset that gets the messages."),
    Spec::new(
        "rateLimit.interval",
        Int,
        "0",
        "Seconds of a rate-limiting interval of each process; 0: no limit.",
    ),
    Spec::new("rateLimit.burst", Int, "200", "Messages that pass in one interval."),
    Spec::new(
        "rateLimit.severity",
        Int,
        "1",
        "Messages of this severity and milder ones are limited.",
    ),
    Spec::new("rateLimit.name", Str, "", "The ratelimit() object whose limit holds.")
        .since("8.2602"),
];

static IMKLOG: &[Spec] = &[
    Spec::new("ruleset", Ruleset, DEFAULT_RULESET, "Ruleset that gets the messages."),
    Spec::new("logPath", Token, "/proc/kmsg", "Where the kernel's messages are."),
    Spec::new(
        "permitNonKernelFacility",
        Bool,
        "off",
        "Keeps messages of other facilities than kern.",
    ),
    Spec::new(
        "consoleLogLevel",
        Int,
        "-1",
        "Up to which level the kernel prints to its console; -1: as it is.",
    ),
    Spec::new("parseKernelTimestamp", Bool, "off", "Takes the kernel's time as the message's."),
    Spec::new("keepKernelTimestamp", Bool, "off", "Leaves the kernel's time in the text."),
    Spec::new("internalMsgFacility", Facility, "kern", "Facility of the input's own messages."),
    Spec::new("rateLimitInterval", Int, "0", "Seconds of a rate-limiting interval; 0: no limit."),
    Spec::new("rateLimitBurst", Int, "10000", "Messages that pass in one interval."),
    Spec::new("rateLimit.name", Str, "", "The ratelimit() object whose limit holds.")
        .since("8.2602"),
];

static IMKMSG: &[Spec] = &[
    Spec::new(
        "parseKernelTimestamp",
        Word(&["startup", "on", "off"]),
        "startup",
        "When the kernel's time is the message's: for what was there at the start, always, never.",
    )
    .since("8.2312"),
    Spec::new(
        "readMode",
        Word(&["full-boot", "full-always", "new-only"]),
        "full-boot",
        "Whether old messages are read: soon after a boot, always, never.",
    )
    .since("8.2312"),
    Spec::new(
        "expectedBootCompleteSeconds",
        Positive,
        "90",
        "Seconds after a boot that count as soon.",
    )
    .since("8.2312"),
];

static IMMARK: &[Spec] = &[
    Spec::new("interval", Duration("seconds"), "1200", "Time between two marks."),
    Spec::new("ruleset", Ruleset, DEFAULT_RULESET, "Ruleset that gets the marks."),
    Spec::new("markMessageText", Str, "-- MARK --", "The text of a mark."),
    Spec::new("use.syslogCall", Bool, "on", "Sends marks by syslog(3)."),
    Spec::new(
        "use.markFlag",
        Bool,
        "on",
        "Marks them as marks, so that actions can leave them out.",
    ),
];
