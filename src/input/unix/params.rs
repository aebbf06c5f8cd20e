//! What imuxsock can be told. (rsyslog `imuxsock`.)

use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::Ruleset;
use crate::config::param::Kind::Str;
use crate::config::param::Kind::Token;
use crate::config::param::Spec;

const DEFAULT_RULESET: &str = "RSYSLOG_DefaultRuleset";
const FLOW: &str = "the sockets of a machine's own programs are never held back";

pub(super) static MODULE: &[Spec] = &[
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

pub(super) static INSTANCE: &[Spec] = &[
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
