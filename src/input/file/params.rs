//! What imfile can be told. (rsyslog `imfile`.)

use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Exact;
use crate::config::param::Kind::Facility;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::NonNegative;
use crate::config::param::Kind::Positive;
use crate::config::param::Kind::Ruleset;
use crate::config::param::Kind::Severity;
use crate::config::param::Kind::Str;
use crate::config::param::Spec;

const DEFAULT_RULESET: &str = "RSYSLOG_DefaultRuleset";

/// Parameters of the module that an input may have otherwise.
const FORGETS_MOVED: Spec = Spec::new(
    "deleteStateOnFileMove",
    Bool,
    "off",
    "Forgets a file's position when the file is moved away.",
)
.since("8.2608");
const READ_TIMEOUT: Spec = Spec::new(
    "readTimeout",
    NonNegative,
    "0",
    "With startmsg.regex, or format=\"cri\" (30 there): seconds after which a message is taken as it \
     is; 0: never.",
);

pub(super) static MODULE_PARAMS: &[Spec] = &[
    Spec::new(
        "mode",
        Exact(&["inotify", "polling", "fen"]),
        "inotify",
        "How changes are noticed: the kernel says so, or all files are looked at in turn.",
    ),
    Spec::new("pollingInterval", Positive, "10", "Seconds between two looks when polling."),
    READ_TIMEOUT,
    Spec::new("timeoutGranularity", Positive, "1", "Seconds between checks of readTimeout."),
    Spec::new("sortFiles", Bool, "off", "Reads the files that a wildcard matches by name."),
    Spec::new("statefile.directory", Str, "", "Folder of positions; workDirectory if not given."),
    Spec::new("normalizePath", Bool, "on", "Shortens paths before they name state files.")
        .ignored("positions are in one file"),
    FORGETS_MOVED,
    Spec::new("maxiNotifyWatches", Int, "0", "Most inotify watches to use; 0: no limit.")
        .since("8.2602"),
    Spec::new(
        "inotifyFallbackInterval",
        Int,
        "60",
        "Seconds between looks at files for which there was no watch left; 0: none.",
    )
    .since("8.2602"),
];

pub(super) static PARAMS: &[Spec] = &[
    Spec::new("file", Str, "", "The file, or a pattern with wildcards.").required(),
    Spec::new(
        "tag",
        Str,
        "",
        "The tag of its messages; with format=\"cri\" the container's name if it is not given.",
    )
    .told(),
    Spec::new(
        "format",
        Exact(&["plain", "cri"]),
        "plain",
        "cri: lines as a container's runtime writes them, with time, stream and parts.",
    )
    .own(),
    Spec::new("severity", Severity, "notice", "Their severity."),
    Spec::new("facility", Facility, "local0", "Their facility."),
    Spec::new("ruleset", Ruleset, DEFAULT_RULESET, "Ruleset that gets the messages."),
    Spec::new(
        "readMode",
        Int,
        "0",
        "0: a message per line; 1: paragraphs; 2: indented lines belong to the one before.",
    ),
    Spec::new("startmsg.regex", Str, "", "A message begins with a line that matches."),
    Spec::new("endmsg.regex", Str, "", "A message ends with a line that matches."),
    Spec::new("discardTruncatedMsg", Bool, "off", "Drops what is cut off a message."),
    Spec::new("msgDiscardingError", Bool, "on", "Says when a message is cut."),
    Spec::new("escapeLF", Bool, "on", "Writes line ends inside a message as #012."),
    Spec::new("escapeLF.replacement", Str, "", "What to write for them instead."),
    Spec::new("reopenOnTruncate", Bool, "off", "Starts anew when the file has become shorter.")
        .ignored("files that were cut are always read anew"),
    Spec::new("maxLinesAtOnce", Int, "0", "Lines before other files get their turn; 0: all.")
        .ignored("files take turns by bytes"),
    Spec::new("trimLineOverBytes", Int, "0", "Cuts longer lines, in bytes; 0: none."),
    Spec::new("maxSubmitAtOnce", Int, "1024", "Largest batch of messages.")
        .ignored("a read is a batch"),
    Spec::new("persistStateInterval", Int, "0", "Lines between two writes of the position.")
        .ignored("it is written whenever messages are delivered"),
    Spec::new("persistStateAfterSubmission", Bool, "off", "Writes the position after each batch.")
        .ignored("it is written whenever messages are delivered"),
    Spec::new(
        "deleteStateOnFileDelete",
        Bool,
        "on",
        "Forgets a file's position when the file is deleted.",
    )
    .alias(&["removeStateOnDelete"]),
    FORGETS_MOVED,
    Spec::new("delay.message", NonNegative, "0", "Waits after each message, in microseconds."),
    Spec::new(
        "addMetadata",
        Bool,
        "on",
        "Sets $!metadata!filename and fileoffset; $InputFile… sets none.",
    ),
    Spec::new("addCeeTag", Bool, "off", "Puts @cee: before the message."),
    Spec::new("stateFile", Str, "", "Name of rsyslog's file with the position.").deprecated(),
    READ_TIMEOUT,
    Spec::new(
        "freshStartTail",
        Bool,
        "off",
        "Begins at the end of files for which no position is known.",
    ),
    Spec::new("fileNotFoundError", Bool, "on", "Says when there is no such file."),
    Spec::new("needParse", Bool, "off", "Gives the lines to the parsers."),
    Spec::new("ignoreOlderThan", Int, "0", "Leaves files alone that are older, in seconds."),
    Spec::new("maxBytesPerMinute", Int, "0", "Drops what exceeds it; 0: drops nothing."),
    Spec::new("maxLinesPerMinute", Int, "0", "Drops what exceeds it; 0: drops nothing."),
];
