//! What makes a file the same file, whatever it is called: its number, when it was made, and how it
//! begins. Numbers are given again as soon as a file is deleted.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use rustix::fs::AtFlags;
use rustix::fs::FileType;
use rustix::fs::Statx;
use rustix::fs::StatxFlags;

/// Bytes at a file's beginning that are compared. A date and a few words.
pub(super) const HEAD_BYTES: usize = 256;

/// Which file it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) device: u64,
    pub(super) inode: u64,
    /// Nanoseconds since 1970; 0 where the file system does not say.
    pub(super) born: u64,
    pub(super) head: Head,
}

/// A sum of the first bytes: of so many as there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) bytes: usize,
    pub(super) sum: u32,
}

/// What a look at a file says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) born: u64,
    pub(super) size: u64,
    pub(super) links: u32,
    pub(super) modified: i64,
    pub(super) kind: FileType,
}

impl Look {
    /// Looks at an open file.
    pub(super) fn at(file: &File) -> io::Result<Self> {
        let found = rustix::fs::statx(file, "", AtFlags::EMPTY_PATH, wanted())?;
        Ok(Self::from(&found))
    }

    /// Looks at what `path` leads to, links followed or not.
    pub(super) fn path(path: &std::path::Path, follow: bool) -> io::Result<Self> {
        let flags = if follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
        let found = rustix::fs::statx(rustix::fs::CWD, path, flags, wanted())?;
        Ok(Self::from(&found))
    }

    /// Its number.
    pub(super) const fn key(&self) -> (u64, u64) {
        (self.device, self.inode)
    }
}

fn wanted() -> StatxFlags {
    StatxFlags::BASIC_STATS | StatxFlags::BTIME
}

impl From<&Statx> for Look {
    fn from(found: &Statx) -> Self {
        let device = rustix::fs::makedev(found.stx_dev_major, found.stx_dev_minor);
        let has_birth = found.stx_mask & StatxFlags::BTIME.bits() != 0;
        let seconds = u64::try_from(found.stx_btime.tv_sec).unwrap_or(0);
        let born = seconds.saturating_mul(1_000_000_000) + u64::from(found.stx_btime.tv_nsec);
        Self {
            device,
            inode: found.stx_ino,
            born: if has_birth { born } else { 0 },
            size: found.stx_size,
            links: found.stx_nlink,
            modified: found.stx_mtime.tv_sec,
            kind: FileType::from_raw_mode(u32::from(found.stx_mode)),
        }
    }
}

impl Head {
    /// Of the first `bytes` of `file`, or of as many as there are.
    pub(super) fn of(file: &File, bytes: usize) -> io::Result<Self> {
        let mut buffer = [0; HEAD_BYTES];
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..bytes.min(HEAD_BYTES))
            && !rest.is_empty()
        {
            match file.read_at(rest, u64::try_from(filled).unwrap_or(0)) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let head = buffer.get(..filled).unwrap_or_default();
        Ok(Self { bytes: filled, sum: crc32c::crc32c(head) })
    }

    /// Whether `file` still begins so.
    pub(super) fn fits(self, file: &File) -> io::Result<bool> {
        Ok(self.bytes == 0 || Self::of(file, self.bytes)? == self)
    }
}

impl Identity {
    pub(super) const fn new(look: &Look, head: Head) -> Self {
        Self { device: look.device, inode: look.inode, born: look.born, head }
    }

    /// Whether `look` may be at this file; how it begins decides. Numbers of devices change when
    /// the machine is started anew.
    pub(super) const fn resembles(&self, look: &Look) -> bool {
        self.inode == look.inode
            && (self.born == look.born || self.born == 0 || look.born == 0)
            && (self.device == look.device || self.head.bytes == HEAD_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_known_by_how_it_begins_as_it_grows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        fs::write(&path, "one\n").unwrap();
        let file = File::open(&path).unwrap();
        let head = Head::of(&file, HEAD_BYTES).unwrap();
        assert_eq!(head.bytes, 4);
        fs::write(&path, "one\ntwo\n").unwrap();
        assert!(head.fits(&file).unwrap(), "it has grown");
        fs::write(&path, "two\n").unwrap();
        assert!(!head.fits(&file).unwrap(), "it was written anew");
        fs::write(&path, "on").unwrap();
        assert!(!head.fits(&file).unwrap(), "it was cut");
        assert!(Head::default().fits(&file).unwrap());
        let look = Look::at(&file).unwrap();
        assert_eq!((look.kind, look.size, look.links), (FileType::RegularFile, 2, 1));
        assert!(Identity::new(&look, head).resembles(&look));
        let other = Look { inode: look.inode + 1, ..look };
        assert!(!Identity::new(&look, head).resembles(&other));
        let later = Look { born: look.born + 1, ..look };
        assert_eq!(Identity::new(&look, head).resembles(&later), look.born == 0);
    }
}
