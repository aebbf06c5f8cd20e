//! Parameters of `global()`, as rsyslog's page of that object and later
//! versions have them.

use crate::config::param::Kind;
use crate::config::param::Kind::Array;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Duration;
use crate::config::param::Kind::Group;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::Mode;
use crate::config::param::Kind::NonNegative;
use crate::config::param::Kind::Positive;
use crate::config::param::Kind::Ruleset;
use crate::config::param::Kind::Size;
use crate::config::param::Kind::Str;
use crate::config::param::Kind::User;
use crate::config::param::Kind::Word;
use crate::config::param::Spec;
use crate::config::wording::TLS;

const DEBUG: &str = "it steers rsyslog's own debugging";
const QUEUE: &str = "queues are bounded in bytes and drain within drain.timeout";
const SENDERS: &str = "every sender is counted; the summary at the end names them";
const NAMES: &str = "names are kept until the end";
/// rsyslogd looks at a message when an input hands it over, and these three have cut it by then.
const OVERSIZE: &str = "as in rsyslogd, imudp, imtcp and imptcp cut messages at maxMessageSize before it \
                        is asked; they are counted";
const REPEATS: &str = "state changes are said once";

/// Names alone, and as rsyslogd 8.2302 knows them: any other is an error to it.
const SEVERITIES: Kind = Word(&[
    "emerg", "panic", "alert", "crit", "err", "error", "warning", "warn", "notice", "info",
    "debug", "0", "1", "2", "3", "4", "5", "6", "7",
]);

/// All of them, in groups.
pub(in crate::engine) static TABLES: &[&[Spec]] =
    &[GENERAL, PARSER, OWN, DRIVERS, QUEUES, INTERNAL];

/// Names, folders, limits, privileges.
static GENERAL: &[Spec] = &[
    Spec::new("maxMessageSize", Size, "8096", "Longest message in bytes; longer ones are cut."),
    Spec::new("workDirectory", Str, "", "Folder for state and queue files."),
    Spec::new("localHostname", Str, "", "The relay's host name, instead of the system's."),
    Spec::new("preserveFQDN", Bool, "off", "Keeps the domain of host names."),
    Spec::new("umask", Mode, "", "File mode creation mask."),
    Spec::new("defaultRuleset", Ruleset, "", "Ruleset of inputs that name none ($DefaultRuleset)."),
    Spec::new("net.enableDNS", Bool, "on", "Asks for the names of senders."),
    Spec::new("net.ipprotocol", Str, "unspecified", "ipv4-only, ipv6-only or unspecified."),
    Spec::new(
        "net.aclAddHostnameOnFail",
        Bool,
        "off",
        "Keeps names in sender lists that do not resolve.",
    ),
    Spec::new("net.aclResolveHostname", Bool, "on", "Resolves names in sender lists."),
    Spec::new("net.permitACLWarning", Bool, "on", "Says when a sender is on no list."),
    Spec::new(
        "dropMsgsWithMaliciousDNSPtrRecords",
        Bool,
        "off",
        "Drops messages of senders whose name looks like an address.",
    )
    .ignored("names are looked up and never trusted for more than display"),
    Spec::new(
        "reverselookup.cache.ttl.default",
        NonNegative,
        "86400",
        "Seconds that names are kept.",
    )
    .ignored(NAMES),
    Spec::new("reverselookup.cache.ttl.enable", Bool, "off", "Whether names expire.")
        .ignored(NAMES),
    Spec::new(
        "abortOnUncleanConfig",
        Bool,
        "off",
        "Does not start if the configuration has errors.",
    ),
    Spec::new("privdrop.user.name", User, "", "User to become once ports are bound."),
    Spec::new("privdrop.user.id", Positive, "", "The same, a number."),
    Spec::new("privdrop.group.name", Group, "", "Group to become once ports are bound."),
    Spec::new("privdrop.group.id", Positive, "", "The same, a number."),
    Spec::new("privdrop.group.keepSupplemental", Bool, "off", "Keeps the process's other groups."),
    Spec::new(
        "libcapng.default",
        Bool,
        "on",
        "Does not start where capabilities cannot be given up.",
    ),
    Spec::new(
        "libcapng.enable",
        Bool,
        "on",
        "Gives up capabilities that are never used; written out, for child programs as well.",
    ),
    Spec::new("variables.caseSensitive", Bool, "off", "Names of variables keep their case."),
    Spec::new("compactJsonString", Bool, "off", "Writes JSON without blanks.")
        .ignored("JSON has the blanks that rsyslog 8.2302 writes; all-json-plain has none"),
    Spec::new("environment", Array, "", "Environment variables to set, name=value.")
        .ignored("set them for the process, in its unit file or shell"),
    Spec::new("janitor.interval", Positive, "10", "Minutes between clean-ups.")
        .ignored("nothing waits for a clean-up"),
    Spec::new(
        "security.abortOnIDResolutionFail",
        Bool,
        "on",
        "Does not start if a user is not known.",
    )
    .ignored("an unknown user or group is an error at once"),
    Spec::new(
        "oversizemsg.input.mode",
        Str,
        "truncate",
        "What becomes of messages that are too long: truncate, split, accept.",
    )
    .ignored(OVERSIZE),
    Spec::new("oversizemsg.report", Bool, "on", "Says when a message is too long.")
        .ignored(OVERSIZE),
    Spec::new("oversizemsg.errorFile", Str, "", "File to which messages go that are too long.")
        .ignored(OVERSIZE),
    Spec::new("shutdown.enable.ctlc", Bool, "off", "Ctrl-C stops.").ignored("it always does"),
    Spec::new("operatingStateFile", Str, "", "File that tells whether the last stop was clean.")
        .ignored("the summary at the end says how it went"),
];

/// What is not rsyslog's.
static OWN: &[Spec] = &[
    Spec::new(
        "allowedSender.udp",
        Array,
        "",
        "Bongsu's own form of $AllowedSender UDP: addresses, networks and names that may send.",
    ),
    Spec::new(
        "allowedSender.tcp",
        Array,
        "",
        "The same for connections of imtcp ($AllowedSender TCP).",
    ),
    Spec::new(
        "repeatedMsgReduction",
        Bool,
        "off",
        "Bongsu's own form of $RepeatedMsgReduction: sums up messages that come several times in \
         a row.",
    ),
    Spec::new(
        "drain.timeout",
        NonNegative,
        "10",
        "Bongsu's own: seconds that a stop may take to deliver what is queued.",
    ),
    Spec::new(
        "shards",
        Positive,
        "",
        "Bongsu's own: threads that do the work; one per core if not given.",
    ),
];

/// How messages are read.
static PARSER: &[Spec] = &[
    Spec::new(
        "parser.controlCharacterEscapePrefix",
        Str,
        "#",
        "Begins an escaped control character.",
    ),
    Spec::new("parser.escapeControlCharactersOnReceive", Bool, "on", "Escapes control characters."),
    Spec::new("parser.escapeControlCharacterTab", Bool, "on", "Escapes tabs as well."),
    Spec::new("parser.escapeControlCharactersCStyle", Bool, "off", "Escapes as \\n, \\t, \\xhh."),
    Spec::new("parser.escape8BitCharactersOnReceive", Bool, "off", "Escapes bytes above 127."),
    Spec::new(
        "parser.dropTrailingLFOnReception",
        Bool,
        "on",
        "Drops one LF at the end of a message.",
    ),
    Spec::new("parser.spaceLFOnReceive", Bool, "off", "Turns LF inside a message into a space."),
    Spec::new(
        "parser.permitSlashInProgramName",
        Bool,
        "off",
        "A slash no longer ends the program's name.",
    ),
    Spec::new("parser.parseHostnameAndTag", Bool, "on", "Looks for a host name and a tag.")
        .ignored("rsyslogd reads it too late to heed it: they are always looked for"),
    Spec::new(
        "parser.list",
        Array,
        "",
        "Bongsu's own: parsers of inputs that name no ruleset ($RulesetParser outside of one).",
    )
    .own(),
    Spec::new(
        "parser.supportCompressionExtension",
        Bool,
        "on",
        "Inflates messages that begin with 'z'.",
    ),
];

/// TLS for all connections.
static DRIVERS: &[Spec] = &[
    Spec::new(
        "defaultNetstreamDriver",
        Str,
        "ptcp",
        "What carries TCP streams: ptcp is plain, gtls and ossl are TLS.",
    )
    .ignored("plain TCP is what there is so far"),
    Spec::new("defaultNetstreamDriverCAFile", Str, "", "File with certificates of authorities.")
        .ignored(TLS),
    Spec::new("defaultNetstreamDriverCRLFile", Str, "", "File with revoked certificates.")
        .ignored(TLS),
    Spec::new("defaultNetstreamDriverKeyFile", Str, "", "File with the own private key.")
        .ignored(TLS),
    Spec::new("defaultNetstreamDriverCertFile", Str, "", "File with the own certificate.")
        .ignored(TLS),
    Spec::new(
        "netstreamDriverCaExtraFiles",
        Str,
        "",
        "Further files with authorities, separated by commas.",
    )
    .ignored(TLS),
    Spec::new("defaultOpensslEngine", Str, "", "Engine of the OpenSSL library.").ignored(TLS),
];

/// Queues and the stop.
static QUEUES: &[Spec] = &[
    Spec::new("action.reportSuspension", Bool, "on", "Says when an action is suspended.")
        .ignored("it is always said, once"),
    Spec::new(
        "action.reportSuspensionContinuation",
        Bool,
        "off",
        "Says it again at each failed attempt.",
    )
    .ignored("it is said once"),
    Spec::new(
        "inputs.timeout.shutdown",
        Positive,
        "1000",
        "Milliseconds that inputs get at a stop.",
    )
    .ignored(QUEUE),
    Spec::new(
        "default.action.queue.timeoutShutdown",
        Duration("milliseconds"),
        "10",
        "Default of actions' queue.timeoutShutdown.",
    )
    .ignored(QUEUE),
    Spec::new(
        "default.action.queue.timeoutActionCompletion",
        Duration("milliseconds"),
        "1000",
        "Default of actions' queue.timeoutActionCompletion.",
    )
    .ignored(QUEUE),
    Spec::new(
        "default.action.queue.timeoutEnqueue",
        Duration("milliseconds"),
        "2000",
        "Default of actions' queue.timeoutEnqueue.",
    )
    .ignored(QUEUE),
    Spec::new(
        "default.action.queue.timeoutWorkerThreadShutdown",
        Duration("milliseconds"),
        "60000",
        "Default of actions' queue.timeoutWorkerThreadShutdown.",
    )
    .ignored(QUEUE),
    Spec::new(
        "default.ruleset.queue.timeoutShutdown",
        Duration("milliseconds"),
        "1500",
        "Default of rulesets' queue.timeoutShutdown.",
    )
    .ignored(QUEUE),
    Spec::new(
        "default.ruleset.queue.timeoutActionCompletion",
        Duration("milliseconds"),
        "1000",
        "Default of rulesets' queue.timeoutActionCompletion.",
    )
    .ignored(QUEUE),
    Spec::new(
        "default.ruleset.queue.timeoutEnqueue",
        Duration("milliseconds"),
        "2000",
        "Default of rulesets' queue.timeoutEnqueue.",
    )
    .ignored(QUEUE),
    Spec::new(
        "default.ruleset.queue.timeoutWorkerThreadShutdown",
        Duration("milliseconds"),
        "60000",
        "Default of rulesets' queue.timeoutWorkerThreadShutdown.",
    )
    .ignored(QUEUE),
    Spec::new(
        "shutdown.queue.doubleSize",
        Bool,
        "off",
        "Doubles the room of queues during a stop.",
    )
    .ignored(QUEUE),
    Spec::new(
        "abortOnFailedQueueStartup",
        Bool,
        "off",
        "Does not start if a queue on disk is damaged.",
    )
    .ignored("queues are kept in memory"),
];

/// Own messages, counters of senders, debugging.
static INTERNAL: &[Spec] = &[
    Spec::new(
        "processInternalMessages",
        Bool,
        "",
        "Own messages go through the rules; on by default when called as rsyslogd.",
    ),
    Spec::new(
        "stdlog.channelSpec",
        Str,
        "",
        "Where own messages go that do not go through the rules.",
    )
    .ignored("own messages go to standard error, and through the rules"),
    Spec::new(
        "internalmsg.ratelimit.interval",
        Positive,
        "5",
        "Seconds of the limit of own messages.",
    )
    .ignored(REPEATS),
    Spec::new("internalmsg.ratelimit.burst", Positive, "500", "Own messages in such an interval.")
        .ignored(REPEATS),
    Spec::new("internalmsg.ratelimit.name", Str, "", "The ratelimit() that own messages obey.")
        .ignored(REPEATS),
    Spec::new("internalmsg.severity", SEVERITIES, "info", "Least severity of own messages.")
        .ignored("all go through the rules"),
    Spec::new(
        "allMessagesToStderr",
        Bool,
        "off",
        "Writes all own messages to standard error as well.",
    )
    .ignored("they always go there"),
    Spec::new(
        "errorMessagesToStderr.maxNumber",
        Positive,
        "",
        "How many complaints go to standard error.",
    )
    .ignored("all complaints do"),
    Spec::new(
        "reportChildProcessExits",
        Word(&["none", "errors", "all"]),
        "errors",
        "Which ends of programs are reported.",
    )
    .ignored("there are no child processes"),
    Spec::new("senders.keepTrack", Bool, "off", "Counts messages by sender.").ignored(SENDERS),
    Spec::new(
        "senders.timeoutAfter",
        Positive,
        "43200",
        "Seconds of silence after which a sender is gone.",
    )
    .ignored(SENDERS),
    Spec::new("senders.reportGoneAway", Bool, "off", "Says when a sender is gone.")
        .ignored(SENDERS),
    Spec::new("senders.reportNew", Bool, "off", "Says when a sender is new.").ignored(SENDERS),
    Spec::new("debug.onShutdown", Bool, "off", "Debugs the stop.").ignored(DEBUG),
    Spec::new("debug.logFile", Str, "", "File for debugging.").ignored(DEBUG),
    Spec::new("debug.gnutls", NonNegative, "0", "How much GnuTLS says, 0 to 10.").ignored(DEBUG),
    Spec::new("debug.unloadModules", Bool, "on", "Unloads modules at the end.").ignored(DEBUG),
    Spec::new("debug.files", Array, "", "Source files to debug.").ignored(DEBUG),
    Spec::new("debug.whitelist", Bool, "on", "Whether those alone, or all others.").ignored(DEBUG),
    Spec::new(
        "debug.abortOnProgramError",
        Bool,
        "off",
        "Ends where rsyslog finds a mistake in itself.",
    )
    .ignored(DEBUG),
    Spec::new("internal.developerOnly.options", Int, "0", "Switches for rsyslog's developers.")
        .ignored(DEBUG),
];
