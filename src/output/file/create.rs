//! Opening files to append to, and making those that are missing with the mode and the owner that
//! the configuration says.

use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::config::param::Params;
use crate::output::account;

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
        let mut id = |number: &str, name: &str, look_up: fn(&str) -> Option<u32>, kind: &str| {
            if let Some(id) = params.int(number) {
                return u32::try_from(id).ok();
            }
            let wanted = params.str(name)?;
            let found = look_up(wanted);
            if found.is_none() {
                // rsyslog writes the file all the same, as its own user.
                let text = format!("no {kind} '{wanted}' in /etc/passwd or /etc/group");
                diags.push(
                    Diagnostic::error(params.loc(name), text)
                        .help(format!("give its number with '{number}'")),
                );
            }
            found
        };
        Self {
            file_mode: params.mode("fileCreateMode").unwrap_or(self.file_mode),
            dir_mode: params.mode("dirCreateMode").unwrap_or(self.dir_mode),
            file_owner: id("fileOwnerNum", "fileOwner", account::user, "user").or(self.file_owner),
            file_group: id("fileGroupNum", "fileGroup", account::group, "group")
                .or(self.file_group),
            dir_owner: id("dirOwnerNum", "dirOwner", account::user, "user").or(self.dir_owner),
            dir_group: id("dirGroupNum", "dirGroup", account::group, "group").or(self.dir_group),
            create_dirs: params.bool("createDirs").unwrap_or(self.create_dirs),
            fail_on_chown: params.bool("failOnChOwnFailure").unwrap_or(self.fail_on_chown),
        }
    }

    /// Opens `path` to append to, makes it (and its directories) if it is not there.
    pub(super) fn open(&self, path: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.append(true).mode(self.file_mode).custom_flags(libc::O_NOCTTY);
        match options.open(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            opened => return opened,
        }
        if self.create_dirs
            && let Some(parent) = path.parent()
        {
            self.make_dirs(parent)?;
        }
        match options.create_new(true).open(path) {
            Ok(file) => {
                let set = std::os::unix::fs::fchown(&file, self.file_owner, self.file_group);
                self.unless_allowed(set)?;
                Ok(file)
            }
            // Somebody else was faster, and its owner is none of ours.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                options.create_new(false).open(path)
            }
            Err(e) => Err(e),
        }
    }

    fn make_dirs(&self, path: &Path) -> io::Result<()> {
        if path.as_os_str().is_empty() || path.is_dir() {
            return Ok(());
        }
        if let Some(parent) = path.parent() {
            self.make_dirs(parent)?;
        }
        match DirBuilder::new().mode(self.dir_mode).create(path) {
            Ok(()) => {
                let set = std::os::unix::fs::chown(path, self.dir_owner, self.dir_group);
                self.unless_allowed(set)
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(e) => Err(e),
        }
    }

    fn unless_allowed(&self, set: io::Result<()>) -> io::Result<()> {
        if self.fail_on_chown { set } else { Ok(()) }
    }
}
