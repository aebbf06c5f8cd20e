//! omfile's parameters, as rsyslog 8.2302 documents them.

use crate::config::param::Kind;
use crate::config::param::Spec;

const BATCHES: &str = "whole batches are written at once, on a thread of their own";
const LATER: &str = "it comes with a later version";

/// `module(load="builtin:omfile" …)`.
pub static MODULE_PARAMS: &[Spec] = &[
    Spec::new("template", Kind::Str, super::DEFAULT_TEMPLATE, "The template of omfile actions."),
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
    Spec::new("dynafile.doNotSuspend", Kind::Bool, "on", "Drop what has an unusable file name."),
    Spec::new("compression.driver", Kind::Str, "zlib", "\"zlib\" or \"zstd\"."),
    Spec::new("compression.zstd.workers", Kind::Int, "", "Threads of zstd.")
        .ignored("files are compressed by gzip alone"),
];

/// `action(type="omfile" …)`.
pub static PARAMS: &[Spec] = &[
    Spec::new("file", Kind::Str, "", "The file."),
    Spec::new("dynaFile", Kind::Str, "", "The template that makes the file's name."),
    Spec::new("closeTimeout", Kind::Int, "", "Minutes after which an idle file is closed."),
    Spec::new("dynaFileCacheSize", Kind::Int, "10", "Files that are kept open."),
    Spec::new("zipLevel", Kind::Int, "0", "gzip level, 0 to 9; 0 does not compress."),
    Spec::new(
        "veryRobustZip",
        Kind::Bool,
        "off",
        "Survive a crash with more of the file readable.",
    )
    .ignored("a file that was not closed can be read up to the latest batch"),
    Spec::new("flushInterval", Kind::Int, "1", "Seconds between flushes.").ignored(BATCHES),
    Spec::new("asyncWriting", Kind::Bool, "off", "Write on a thread of its own.").ignored(BATCHES),
    Spec::new("flushOnTXEnd", Kind::Bool, "on", "Flush the compressor after each batch."),
    Spec::new("ioBufferSize", Kind::Size, "4k", "Size of the write buffer.").ignored(BATCHES),
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
    Spec::new("failOnChOwnFailure", Kind::Bool, "on", "Do not write if the owner cannot be set."),
    Spec::new("createDirs", Kind::Bool, "on", "Make missing directories."),
    Spec::new("sync", Kind::Bool, "off", "Wait for the disk after each batch."),
    Spec::new("sig.provider", Kind::Str, "", "Signs the file.").unsupported(LATER),
    Spec::new("cry.provider", Kind::Str, "", "Encrypts the file.").unsupported(LATER),
    Spec::new("rotation.sizeLimit", Kind::Size, "0", "Size at which to rotate.")
        .ignored("use logrotate, with a SIGHUP afterwards"),
    Spec::new("rotation.sizeLimitCommand", Kind::Str, "", "What rotates.")
        .ignored("use logrotate, with a SIGHUP afterwards"),
];

const FILE_MODE: Spec = Spec::new("fileCreateMode", Kind::Mode, "0644", "Mode of new files.");
const DIR_MODE: Spec = Spec::new("dirCreateMode", Kind::Mode, "0700", "Mode of new directories.");
const FILE_OWNER: Spec = Spec::new("fileOwner", Kind::Str, "", "Owner of new files, a name.");
const FILE_OWNER_NUM: Spec = Spec::new("fileOwnerNum", Kind::Int, "", "Owner, a number.");
const FILE_GROUP: Spec = Spec::new("fileGroup", Kind::Str, "", "Group of new files, a name.");
const FILE_GROUP_NUM: Spec = Spec::new("fileGroupNum", Kind::Int, "", "Group, a number.");
const DIR_OWNER: Spec = Spec::new("dirOwner", Kind::Str, "", "Owner of new directories, a name.");
const DIR_OWNER_NUM: Spec = Spec::new("dirOwnerNum", Kind::Int, "", "Owner, a number.");
const DIR_GROUP: Spec = Spec::new("dirGroup", Kind::Str, "", "Group of new directories, a name.");
const DIR_GROUP_NUM: Spec = Spec::new("dirGroupNum", Kind::Int, "", "Group, a number.");
