//! Opening files to append to, and making those that are missing with the mode and the owner that
//! the configuration says.

use std::ffi::OsStr;
use std::fs::DirBuilder;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::chown;
use std::os::unix::fs::fchown;
use std::path::Path;

use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::base::diag::Diagnostics;
use crate::config::owner;
use crate::config::param::Params;

/// How files are opened. A pipe that nobody reads, or a terminal that is stopped, fails and is
/// tried again: to wait in the kernel for it would hold up the other files of the action, and its
/// end.
pub(super) const OPEN: OFlags = OFlags::WRONLY
    .union(OFlags::APPEND)
    .union(OFlags::NOCTTY)
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);

/// How new files and directories are made. The process's umask applies as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Creation {
    pub file_mode: u32,
    pub dir_mode: u32,
    pub file_owner: Option<u32>,
    pub file_group: Option<u32>,
    pub dir_owner: Option<u32>,
    pub dir_group: Option<u32>,
    pub create_dirs: bool,
    pub fail_on_chown: bool,
}

impl Default for Creation {
    fn default() -> Self {
        Self {
            file_mode: 0o644,
            dir_mode: 0o700,
            file_owner: None,
            file_group: None,
            dir_owner: None,
            dir_group: None,
            create_dirs: true,
            fail_on_chown: true,
        }
    }
}

impl Creation {
    /// What `params` say, over what `self` says.
    #[must_use]
    pub(super) fn with(self, params: &Params, diags: &mut Diagnostics) -> Self {
        Self {
            file_mode: params.mode("fileCreateMode").unwrap_or(self.file_mode),
            dir_mode: params.mode("dirCreateMode").unwrap_or(self.dir_mode),
            file_owner: owner::user(params, "fileOwnerNum", "fileOwner", diags).or(self.file_owner),
            file_group: owner::group(params, "fileGroupNum", "fileGroup", diags)
                .or(self.file_group),
            dir_owner: owner::user(params, "dirOwnerNum", "dirOwner", diags).or(self.dir_owner),
            dir_group: owner::group(params, "dirGroupNum", "dirGroup", diags).or(self.dir_group),
            create_dirs: params.bool("createDirs").unwrap_or(self.create_dirs),
            fail_on_chown: params.bool("failOnChOwnFailure").unwrap_or(self.fail_on_chown),
        }
    }

    /// Opens `path` to append to, makes it (and its directories) if it is not there.
    pub(super) fn open(&self, path: &[u8]) -> io::Result<File> {
        let mode = Mode::from_raw_mode(self.file_mode);
        match rustix::fs::open(path, OPEN, mode) {
            Err(Errno::NOENT) => {}
            opened => return Ok(opened?.into()),
        }
        let slash = path.iter().rposition(|byte| *byte == b'/');
        if self.create_dirs
            && let Some(slash) = slash
        {
            self.make_dirs(&path[..slash])?;
        }
        match rustix::fs::open(path, OPEN | OFlags::CREATE | OFlags::EXCL, mode) {
            Ok(file) => self.own(file.into()),
            // Somebody else was faster, and its owner is none of ours; or it is a link to nothing
            // as yet.
            Err(Errno::EXIST) => Ok(rustix::fs::open(path, OPEN | OFlags::CREATE, mode)?.into()),
            Err(e) => Err(e.into()),
        }
    }

    /// Gives a new file to its owner.
    pub(super) fn own(&self, file: File) -> io::Result<File> {
        self.unless_allowed(fchown(&file, self.file_owner, self.file_group))?;
        Ok(file)
    }

    /// Makes the directory `path`, and those above it, unless they are there.
    pub(super) fn make_dirs(&self, path: &[u8]) -> io::Result<()> {
        self.make_dir(Path::new(OsStr::from_bytes(path)))
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        if path.as_os_str().is_empty() || path.is_dir() {
            return Ok(());
        }
        if let Some(parent) = path.parent() {
            self.make_dir(parent)?;
        }
        match DirBuilder::new().mode(self.dir_mode).create(path) {
            Ok(()) => self.unless_allowed(chown(path, self.dir_owner, self.dir_group)),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(e) => Err(e),
        }
    }

    pub(super) fn unless_allowed(&self, set: io::Result<()>) -> io::Result<()> {
        if self.fail_on_chown { set } else { Ok(()) }
    }
}
