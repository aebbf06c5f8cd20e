//! Opening files whose names messages make. Whatever a message says, its file is below the
//! directory that the configuration names: `/var/log/hosts/` of `/var/log/hosts/%hostname%.log`.
//!
//! The kernel sees to that (`openat2`, `RESOLVE_BENEATH`). Where it cannot (before Linux 5.6, in
//! some containers), where directories have to be made, and where a link leads out, the path is
//! walked a step at a time, each from an open directory: `..` goes back to where the step came
//! from, and links are followed only if they are root's or our own, since senders make none.

use std::ffi::CString;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::AtFlags;
use rustix::fs::CWD;
use rustix::fs::FileType;
use rustix::fs::Gid;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::ResolveFlags;
use rustix::fs::Uid;
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::output::file::Creation;
use crate::output::file::create::OPEN;

const DIRECTORY: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// The directory that the names of a template stay below: the constant text `leading` up to its
/// last slash. Empty for the current directory.
pub(super) fn directory_of(leading: &[u8]) -> &[u8] {
    let slash = leading.iter().rposition(|byte| *byte == b'/');
    &leading[..slash.map_or(0, |at| at + 1)]
}

/// Opens `name` to append to, below the directory `within`, and makes what `creation` says.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] for a name that leads out of it; what the kernel says.
pub(super) fn open(within: &[u8], name: &[u8], creation: &Creation) -> io::Result<File> {
    let (directory, rest, may_climb) = split(within, name);
    if (!may_climb && rest.split(|byte| *byte == b'/').any(|step| step == b".."))
        || (within.is_empty() && name.starts_with(b"/"))
    {
        return Err(leads_out(directory, None));
    }
    let top = match rustix::fs::open(directory, DIRECTORY, Mode::empty()) {
        Err(Errno::NOENT) if creation.create_dirs => {
            creation.make_dirs(directory)?;
            rustix::fs::open(directory, DIRECTORY, Mode::empty())?
        }
        opened => opened?,
    };
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    match rustix::fs::openat2(&top, rest, OPEN, Mode::empty(), resolve) {
        Ok(file) => return Ok(file.into()),
        // Something is missing; a step leads out; the kernel does not know the call, or a filter
        // does not (which says EPERM).
        Err(Errno::NOENT | Errno::XDEV | Errno::NOSYS | Errno::PERM | Errno::AGAIN) => {}
        Err(e) => return Err(e.into()),
    }
    Walk { directory, creation, steps: vec![top] }.open(rest)
}

/// Where to start, the path from there, and whether that may hold `..`.
fn split<'a>(within: &'a [u8], name: &'a [u8]) -> (&'a [u8], &'a [u8], bool) {
    let relative = |path: &'a [u8]| {
        let slashes = path.iter().take_while(|byte| **byte == b'/').count();
        &path[slashes..]
    };
    match name.strip_prefix(within) {
        Some(rest) if within.is_empty() => (b".", rest, true),
        Some(rest) => (within, relative(rest), true),
        // A queue on disk that an earlier configuration left.
        None if name.starts_with(b"/") => (b"/", relative(name), false),
        None => (b".", name, false),
    }
}

/// Whether `name` itself leads out of the directory `within`, whatever links do.
pub(super) fn climbs_out(within: &[u8], name: &[u8]) -> bool {
    let (_, rest, _) = split(within, name);
    let mut depth = 0_usize;
    let out = rest.split(|byte| *byte == b'/').any(|step| {
        match step {
            b"" | b"." => {}
            b".." if depth == 0 => return true,
            b".." => depth -= 1,
            _ => depth += 1,
        }
        false
    });
    out || (within.is_empty() && name.starts_with(b"/"))
}

fn leads_out(directory: &[u8], link: Option<(&[u8], Uid)>) -> io::Error {
    let directory = directory.escape_ascii();
    let text = match link {
        None => format!("the name leads out of {directory}"),
        Some((step, owner)) => {
            let (step, owner) = (step.escape_ascii(), owner.as_raw());
            format!("below {directory} '{step}' is a link of user {owner}, which is not followed")
        }
    };
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

struct Walk<'a> {
    directory: &'a [u8],
    creation: &'a Creation,
    /// The directories on the way here, the last one open to go on from; never empty.
    steps: Vec<OwnedFd>,
}

impl Walk<'_> {
    fn open(mut self, path: &[u8]) -> io::Result<File> {
        let slash = path.iter().rposition(|byte| *byte == b'/');
        let (folders, file) = path.split_at(slash.map_or(0, |at| at + 1));
        for step in folders.split(|byte| *byte == b'/') {
            match step {
                b"" | b"." => {}
                b".." => {
                    self.steps.pop();
                    if self.steps.is_empty() {
                        return Err(leads_out(self.directory, None));
                    }
                }
                step => {
                    let next = self.enter(step)?;
                    self.steps.push(next);
                }
            }
        }
        match file {
            b"" | b"." | b".." => Err(Errno::ISDIR.into()),
            file => self.file(file),
        }
    }

    fn here(&self) -> io::Result<&OwnedFd> {
        self.steps.last().ok_or_else(|| leads_out(self.directory, None))
    }

    fn enter(&self, step: &[u8]) -> io::Result<OwnedFd> {
        let here = self.here()?;
        let enter = || rustix::fs::openat(here, step, DIRECTORY | OFlags::NOFOLLOW, Mode::empty());
        match enter() {
            Err(Errno::NOENT) if self.creation.create_dirs => {
                let mode = Mode::from_raw_mode(self.creation.dir_mode);
                match rustix::fs::mkdirat(here, step, mode) {
                    Err(Errno::EXIST) => return Ok(enter()?),
                    made => made?,
                }
                let made = enter()?;
                let Creation { dir_owner, dir_group, .. } = *self.creation;
                let (owner, group) = (dir_owner.map(Uid::from_raw), dir_group.map(Gid::from_raw));
                let set = rustix::fs::chownat(&made, c"", owner, group, AtFlags::EMPTY_PATH);
                self.creation.unless_allowed(set.map_err(io::Error::from))?;
                Ok(made)
            }
            Err(Errno::NOTDIR | Errno::LOOP) => {
                let target = self.link(step)?.ok_or(Errno::NOTDIR)?;
                Ok(rustix::fs::openat(here, target, DIRECTORY, Mode::empty())?)
            }
            entered => Ok(entered?),
        }
    }

    fn file(&self, name: &[u8]) -> io::Result<File> {
        let here = self.here()?;
        match rustix::fs::openat(here, name, OPEN | OFlags::NOFOLLOW, Mode::empty()) {
            Err(Errno::NOENT) => {}
            Err(Errno::LOOP) => {
                let target = self.link(name)?.ok_or(Errno::LOOP)?;
                return Ok(rustix::fs::openat(here, target, OPEN, Mode::empty())?.into());
            }
            opened => return Ok(opened?.into()),
        }
        let mode = Mode::from_raw_mode(self.creation.file_mode);
        let new = OPEN | OFlags::NOFOLLOW | OFlags::CREATE;
        match rustix::fs::openat(here, name, new | OFlags::EXCL, mode) {
            Ok(file) => self.creation.own(file.into()),
            // Somebody else was faster, and its owner is none of ours.
            Err(Errno::EXIST) => Ok(rustix::fs::openat(here, name, new, mode)?.into()),
            Err(e) => Err(e.into()),
        }
    }

    /// Where the link `step` leads; `None` if it is no link.
    fn link(&self, step: &[u8]) -> io::Result<Option<CString>> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let link = rustix::fs::openat(self.here()?, step, flags, Mode::empty())?;
        let stat = rustix::fs::fstat(&link)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::Symlink {
            return Ok(None);
        }
        let owner = Uid::from_raw(stat.st_uid);
        if !owner.is_root() && owner != geteuid() {
            return Err(leads_out(self.directory, Some((step, owner))));
        }
        Ok(Some(rustix::fs::readlinkat(&link, c"", Vec::new())?))
    }
}

/// The directory that the last step of `name` is in.
pub(super) fn parent_of(name: &[u8]) -> &Path {
    match directory_of(name) {
        b"" => Path::new("."),
        directory => Path::new(OsStr::from_bytes(directory)),
    }
}

/// Whether a regular file of that name is the open `file` still.
pub(super) fn is_still(file: &File, name: &[u8]) -> bool {
    let (Ok(open), Ok(named)) =
        (rustix::fs::fstat(file), rustix::fs::statat(CWD, name, AtFlags::empty()))
    else {
        return false;
    };
    (open.st_dev, open.st_ino) == (named.st_dev, named.st_ino)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;
    use std::os::unix::fs::symlink;

    use super::*;

    /// What `within` and the walk alone say to a name below `dir/in/`.
    fn both(dir: &Path, rest: &str) -> [Result<(), io::Error>; 2] {
        let within = format!("{}/in/", dir.display());
        let name = format!("{within}{rest}");
        let creation = Creation::default();
        let with = open(within.as_bytes(), name.as_bytes(), &creation);
        let top = rustix::fs::open(within.as_str(), DIRECTORY, Mode::empty()).unwrap();
        let walk = Walk { directory: within.as_bytes(), creation: &creation, steps: vec![top] };
        let walked = walk.open(rest.as_bytes());
        [with, walked].map(|opened| opened.and_then(|mut file| file.write_all(b"x\n")))
    }

    #[test]
    fn what_stays_below_is_opened_and_made() {
        let dir = tempfile::tempdir().unwrap();
        for (rest, file) in [
            ("a.log", "in/a.log"),
            ("new/b.log", "in/new/b.log"),
            ("new/../c.log", "in/c.log"),
            ("x/./y//d.log", "in/x/y/d.log"),
            ("other/../x/y/e.log", "in/x/y/e.log"),
        ] {
            fs::create_dir_all(dir.path().join("in")).unwrap();
            for opened in both(dir.path(), rest) {
                opened.unwrap();
            }
            assert_eq!(fs::read_to_string(dir.path().join(file)).unwrap(), "x\nx\n", "{rest}");
        }
        let long = format!("{}/in/../in/deep/", dir.path().display());
        let name = format!("{long}/f");
        open(long.as_bytes(), name.as_bytes(), &Creation::default()).unwrap();
        assert!(dir.path().join("in/deep/f").exists());
    }

    #[test]
    fn nothing_leads_out() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("in/sub")).unwrap();
        let long = "n".repeat(4096);
        let many = "../".repeat(1400);
        for rest in [
            "../out.log",
            "sub/../../out.log",
            "new/../../out.log",
            "..",
            "../",
            "",
            "sub/",
            "a\0b",
            &long,
            &many,
        ] {
            for (how, opened) in both(dir.path(), rest).into_iter().enumerate() {
                assert!(opened.is_err(), "{how}: {rest:.40}");
            }
        }
        for rest in ["../out.log", "sub/../../out.log", "..", &many] {
            assert!(climbs_out(b"/in/", format!("/in/{rest}").as_bytes()), "{rest:.40}");
        }
        assert!(!climbs_out(b"/in/", b"/in/a/../b") && climbs_out(b"", b"/in/a"));
        let names: Vec<_> = fs::read_dir(dir.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "{names:?}");
        let error = both(dir.path(), "../out.log").map(|opened| opened.unwrap_err().to_string());
        assert!(error.iter().all(|text| text.contains("leads out of")), "{error:?}");
    }

    /// Our own links are the administrator's; only root can make one of somebody else.
    #[test]
    fn links_of_others_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("in")).unwrap();
        fs::create_dir_all(dir.path().join("elsewhere")).unwrap();
        symlink(dir.path().join("elsewhere"), dir.path().join("in/moved")).unwrap();
        symlink("../elsewhere/f", dir.path().join("in/file")).unwrap();
        fs::write(dir.path().join("elsewhere/f"), "").unwrap();
        for rest in ["moved/g", "file"] {
            for opened in both(dir.path(), rest) {
                opened.unwrap();
            }
        }
        assert_eq!(fs::read_to_string(dir.path().join("elsewhere/g")).unwrap(), "x\nx\n");
        assert_eq!(fs::read_to_string(dir.path().join("elsewhere/f")).unwrap(), "x\nx\n");
        symlink("round", dir.path().join("in/round")).unwrap();
        assert!(both(dir.path(), "round").iter().all(Result::is_err));
        if !geteuid().is_root() {
            eprintln!("not root: links of another user are not tested");
            return;
        }
        for link in ["in/moved", "in/file"] {
            std::os::unix::fs::lchown(dir.path().join(link), Some(4711), None).unwrap();
        }
        for rest in ["moved/g", "file"] {
            for opened in both(dir.path(), rest) {
                let error = opened.unwrap_err().to_string();
                assert!(error.contains("a link of user 4711"), "{error}");
            }
        }
    }

    #[test]
    fn names_of_another_configuration_hold_no_dots() {
        let dir = tempfile::tempdir().unwrap();
        let name = format!("{}/old.log", dir.path().display());
        let creation = Creation::default();
        open(b"/no/such/directory/", name.as_bytes(), &creation).unwrap();
        assert!(Path::new(OsStr::from_bytes(name.as_bytes())).exists());
        let name = format!("{}/x/../old.log", dir.path().display());
        assert!(open(b"/no/such/directory/", name.as_bytes(), &creation).is_err());
        assert!(open(b"", name.as_bytes(), &creation).is_err(), "no directory, and absolute");
        assert_eq!(directory_of(b"/var/log/host-"), b"/var/log/");
        assert_eq!(directory_of(b"host-"), b"");
    }
}
