//! Inputs that read files, pipes and programs.

use crate::catalog::absent;
use crate::catalog::later;
use crate::config::module::Module;
use crate::config::module::Role::Input;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Duration;
use crate::config::param::Kind::Exact;
use crate::config::param::Kind::Facility;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::NonNegative;
use crate::config::param::Kind::Positive;
use crate::config::param::Kind::Ruleset;
use crate::config::param::Kind::Severity;
use crate::config::param::Kind::Str;
use crate::config::param::Spec;

const FILES: &str = "files are not read meanwhile";
const PIPES: &str = "the pipe is not read meanwhile";
const PROGRAMS: &str = "the program is not started meanwhile";

pub(super) static MODULES: &[Module] = &[
    later("imfile", Input, "Reads the lines of files as they are written.", FILES)
        .with_module(&[IMFILE_MODULE])
        .with_instance(&[IMFILE]),
    later("imfifo", Input, "Reads lines from named pipes.", PIPES).with_instance(&[IMFIFO]),
    later("improg", Input, "Reads the output of programs.", PROGRAMS).with_instance(&[IMPROG]),
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

static IMFILE_MODULE: &[Spec] = &[
    Spec::new(
        "mode",
        Exact(&["inotify", "polling", "fen"]),
        "inotify",
        "How changes are noticed: the kernel says so, or all files are looked at in turn.",
    ),
    Spec::new("pollingInterval", Positive, "10", "Seconds between two looks when polling."),
    Spec::new(
        "readTimeout",
        NonNegative,
        "0",
        "Seconds after which an unfinished message is taken as it is; 0: never.",
    ),
    Spec::new("timeoutGranularity", Positive, "1", "Seconds between checks of readTimeout."),
    Spec::new("sortFiles", Bool, "off", "Reads the files that a wildcard matches by name."),
    Spec::new("statefile.directory", Str, "", "Folder of state files; workDirectory if not given."),
    Spec::new("normalizePath", Bool, "on", "Shortens paths before they name state files."),
    Spec::new(
        "deleteStateOnFileMove",
        Bool,
        "off",
        "Forgets a file's position when the file is moved away.",
    )
    .since("8.2608"),
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

static IMFILE: &[Spec] = &[
    Spec::new("file", Str, "", "The file, or a pattern with wildcards.").required(),
    Spec::new("tag", Str, "", "The tag of its messages.").required(),
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
    Spec::new("reopenOnTruncate", Bool, "off", "Starts anew when the file has become shorter."),
    Spec::new("maxLinesAtOnce", Int, "0", "Lines before other files get their turn; 0: all.")
        .ignored("files take turns by bytes"),
    Spec::new("trimLineOverBytes", Int, "0", "Cuts longer lines, in bytes; 0: none."),
    Spec::new("maxSubmitAtOnce", Int, "1024", "Largest batch of messages.")
        .ignored("a read is a batch"),
    Spec::new("persistStateInterval", Int, "0", "Lines between two writes of the position."),
    Spec::new("persistStateAfterSubmission", Bool, "off", "Writes the position after each batch."),
    Spec::new(
        "deleteStateOnFileDelete",
        Bool,
        "on",
        "Forgets a file's position when the file is deleted.",
    )
    .alias(&["removeStateOnDelete"]),
    Spec::new(
        "deleteStateOnFileMove",
        Bool,
        "off",
        "Forgets a file's position when the file is moved away.",
    )
    .since("8.2608"),
    Spec::new("delay.message", NonNegative, "0", "Waits after each message, in microseconds."),
    Spec::new(
        "addMetadata",
        Bool,
        "",
        "Sets $!metadata!filename and fileoffset; by default for wildcards.",
    ),
    Spec::new("addCeeTag", Bool, "off", "Puts @cee: before the message."),
    Spec::new("stateFile", Str, "", "Name of the state file.").deprecated(),
    Spec::new(
        "readTimeout",
        NonNegative,
        "0",
        "Seconds after which an unfinished message is taken as it is; 0: never.",
    ),
    Spec::new(
        "freshStartTail",
        Bool,
        "off",
        "Begins at the end of files for which no position is known.",
    ),
    Spec::new("fileNotFoundError", Bool, "on", "Says when there is no such file."),
    Spec::new("needParse", Bool, "off", "Gives the lines to the parsers."),
    Spec::new("ignoreOlderThan", Int, "0", "Leaves files alone that are older, in seconds."),
    Spec::new("maxBytesPerMinute", Int, "0", "Drops what exceeds it; 0: nothing."),
    Spec::new("maxLinesPerMinute", Int, "0", "Drops what exceeds it; 0: nothing."),
];

static IMFIFO: &[Spec] = &[
    Spec::new("file", Str, "", "The named pipe; it must exist.").required().since("8.2606"),
    Spec::new("tag", Str, "", "The tag of its messages.").required().since("8.2606"),
    Spec::new("severity", Severity, "notice", "Their severity.").since("8.2606"),
    Spec::new("facility", Facility, "local0", "Their facility.").since("8.2606"),
    Spec::new("ruleset", Ruleset, DEFAULT_RULESET, "Ruleset that gets the messages.")
        .since("8.2606"),
];

static IMPROG: &[Spec] = &[
    Spec::new("binary", Str, "", "The program and its arguments.").required(),
    Spec::new("tag", Str, "", "The tag of its messages.").required(),
    Spec::new("facility", Facility, "local0", "Their facility."),
    Spec::new("severity", Severity, "notice", "Their severity."),
    Spec::new("ruleset", Ruleset, DEFAULT_RULESET, "Ruleset that gets the messages."),
    Spec::new("confirmMessages", Bool, "on", "Writes ACK to the program for each message."),
    Spec::new("signalOnClose", Bool, "off", "Sends TERM when the program shall end."),
    Spec::new(
        "closeTimeout",
        Duration("milliseconds"),
        "200",
        "How long the program may take to end.",
    ),
    Spec::new("killUnresponsive", Bool, "on", "Kills it if it takes longer."),
];

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
