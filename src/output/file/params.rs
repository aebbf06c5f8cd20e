//! omfile's parameters, as rsyslog 8.2302 documents them.

use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Duration;
use crate::config::param::Kind::Group;
use crate::config::param::Kind::Id;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::Mode;
use crate::config::param::Kind::Positive;
use crate::config::param::Kind::Size;
use crate::config::param::Kind::Str;
use crate::config::param::Kind::Template;
use crate::config::param::Kind::User;
use crate::config::param::Spec;

/// `module(load="builtin:omfile" …)`.
pub static MODULE_PARAMS: &[Spec] = &[
    Spec::new("template", Template, super::DEFAULT_TEMPLATE, "The template of omfile actions."),
    FILE_MODE,
    DIR_MODE,
    FILE_OWNER,
    FILE_OWNER_NUM,
    FILE_GROUP,
    FILE_GROUP_NUM,
    DIR_OWNER,
    DIR_OWNER_NUM,
    DIR_GROUP,
    DIR_GROUP_NUM,
    Spec::new("dynafile.doNotSuspend", Bool, "on", "Drops what has an unusable file name."),
    Spec::new("compression.driver", Str, "zlib", "How zipLevel compresses: zlib or zstd."),
    Spec::new("compression.zstd.workers", Positive, "", "Threads that zstd uses for each file."),
];

/// `action(type="omfile" …)`.
pub static PARAMS: &[Spec] = &[
    Spec::new("file", Str, "", "The file."),
    Spec::new("dynaFile", Template, "", "The template that makes the file's name."),
    Spec::new(
        "closeTimeout",
        Positive,
        "",
        "Minutes after which an idle file is closed; 10 for dynaFile.",
    ),
    Spec::new("dynaFileCacheSize", Int, "10", "Files that are kept open."),
    Spec::new(
        "zipLevel",
        Int,
        "0",
        "Compresses: 1 to 9 (gzip), 1 to 22 (zstd); 0 does not. See compression.driver.",
    ),
    Spec::new(
        "veryRobustZip",
        Bool,
        "off",
        "Ends the compressed stream with each flush, so that a crash spoils nothing behind it.",
    ),
    Spec::new(
        "flushInterval",
        Duration("seconds"),
        "1",
        "Time after which a compressed file is flushed, without flushOnTXEnd.",
    ),
    Spec::new("asyncWriting", Bool, "off", "Writes on a thread of its own, as is always done."),
    Spec::new("flushOnTXEnd", Bool, "on", "Flushes the compressor after each batch."),
    Spec::new("ioBufferSize", Size, "4k", "Bytes that a file gathers before they are written."),
    DIR_OWNER,
    DIR_OWNER_NUM,
    DIR_GROUP,
    DIR_GROUP_NUM,
    FILE_OWNER,
    FILE_OWNER_NUM,
    FILE_GROUP,
    FILE_GROUP_NUM,
    FILE_MODE,
    DIR_MODE,
    Spec::new("failOnChOwnFailure", Bool, "on", "Does not write if the owner cannot be set."),
    Spec::new("createDirs", Bool, "on", "Makes missing directories."),
    Spec::new("sync", Bool, "off", "Waits for the disk after each batch."),
    Spec::new("rotation.sizeLimit", Size, "0", "Size at which the file is rotated; 0 is none."),
    Spec::new(
        "rotation.sizeLimitCommand",
        Str,
        "",
        "The program that rotates it, and its one argument behind a blank.",
    ),
    Spec::new("addLF", Bool, "off", "Ends messages with a line feed that have none.")
        .since("8.2510"),
];

const FILE_MODE: Spec = Spec::new("fileCreateMode", Mode, "0644", "Mode of new files.");
const DIR_MODE: Spec = Spec::new("dirCreateMode", Mode, "0700", "Mode of new directories.");
const FILE_OWNER: Spec = Spec::new("fileOwner", User, "", "Owner of new files, a name.");
const FILE_OWNER_NUM: Spec = Spec::new("fileOwnerNum", Id, "", "Owner of new files, a number.");
const FILE_GROUP: Spec = Spec::new("fileGroup", Group, "", "Group of new files, a name.");
const FILE_GROUP_NUM: Spec = Spec::new("fileGroupNum", Id, "", "Group of new files, a number.");
const DIR_OWNER: Spec = Spec::new("dirOwner", User, "", "Owner of new directories, a name.");
const DIR_OWNER_NUM: Spec = Spec::new("dirOwnerNum", Id, "", "Owner of new directories, a number.");
const DIR_GROUP: Spec = Spec::new("dirGroup", Group, "", "Group of new directories, a name.");
const DIR_GROUP_NUM: Spec = Spec::new("dirGroupNum", Id, "", "Group of new directories, a number.");
