//! One file that is read as it grows.

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use rustix::fs::FileType;
use rustix::fs::OFlags;

use crate::base::clock;
use crate::base::num::count;
use crate::input::file::container::Container;
use crate::input::file::identity::HEAD_BYTES;
use crate::input::file::identity::Head;
use crate::input::file::identity::Identity;
use crate::input::file::identity::Look;
use crate::input::file::split::Position;
use crate::input::file::split::Rules;
use crate::input::file::split::Sheet;
use crate::input::file::split::Splitter;
use crate::input::file::work::Link;
use crate::net::sys;

/// Most bytes that one read brings. (Measured: with half of it a message costs a fifth more.)
pub(super) const READ_BYTES: usize = 256 << 10;
/// Room behind them: for the line that the read before left unfinished, the tag and the host name.
/// A buffer that grew with each read would be new memory each time, which costs as much as all the
/// rest.
const BEHIND_BYTES: usize = 16 << 10;

/// A file.
#[derive(Debug)]
pub(super) struct Tail {
    /// Its number in the store.
    pub(super) number: u32,
    /// The path that was asked for: what messages say of it.
    pub(super) path: Arc<Path>,
    /// Where it is now, links followed, as far as is known.
    pub(super) place: PathBuf,
    pub(super) identity: Identity,
    /// `format="cri"`: whose log it is.
    pub(super) container: Option<Arc<Container>>,
    pub(super) file: Option<File>,
    pub(super) splitter: Splitter,
    /// It waits for its turn.
    pub(super) ready: bool,
    /// When something came last.
    pub(super) grew: Instant,
    /// It is not where it was any more: it is read until nothing comes, and then left.
    pub(super) leaving: Option<Leaving>,
    /// Has no size and something in it, as the files in /proc.
    sizeless: bool,
    /// It was said that a message was too long.
    pub(super) told_oversize: bool,
    /// `format="cri"`: the file that was here before, whose last line this one may go on with.
    pub(super) before: Option<Link>,
}

/// Why a file is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    /// It has another name, or is elsewhere.
    Moved,
    Deleted,
}

/// What a read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// There is more.
    Some,
    /// All that there is.
    End,
    /// The file has become shorter, or another one was written in its place: it is read anew.
    Restarted,
}

/// Opens a regular file to be read, without ever waiting for somebody at the other end.
pub(super) fn open(path: &Path) -> io::Result<(File, Look)> {
    let look = Look::path(path, true)?;
    is_regular(&look)?;
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let flags = i32::try_from(flags.bits()).unwrap_or(0);
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    // It may have been replaced in between.
    let look = Look::at(&file)?;
    is_regular(&look)?;
    Ok((file, look))
}

fn is_regular(look: &Look) -> io::Result<()> {
    let what = match look.kind {
        FileType::RegularFile => return Ok(()),
        FileType::Directory => "is a directory",
        FileType::Fifo => "is a named pipe",
        FileType::Socket => "is a socket",
        _ => "is a device",
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{what}, no file")))
}

impl Tail {
    pub(super) fn new(
        number: u32,
        path: Arc<Path>,
        identity: Identity,
        file: File,
        position: Position,
    ) -> Self {
        Self {
            number,
            place: path.to_path_buf(),
            path,
            identity,
            container: None,
            file: Some(file),
            splitter: Splitter::at(position),
            ready: false,
            grew: clock::monotonic(),
            leaving: None,
            sizeless: false,
            told_oversize: false,
            before: None,
        }
    }

    /// The same, at another place than its path.
    pub(super) fn placed(self, place: PathBuf) -> Self {
        Self { place, ..self }
    }

    /// Opens it again, where it was closed to spare a descriptor.
    ///
    /// # Errors
    /// Also if another file is there now.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        if self.file.is_some() {
            return Ok(());
        }
        let (file, look) = open(&self.place)?;
        if !self.identity.resembles(&look) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.file = Some(file);
        Ok(())
    }

    /// Reads on, into `sheet`, which is empty.
    pub(super) fn read(&mut self, sheet: &mut Sheet, rules: &Rules) -> io::Result<Read> {
        let Some(file) = &self.file else { return Ok(Read::End) };
        // Before each read: while it waited for room, the file may have been cut, and have grown
        // beyond where it stands.
        if self.was_restarted()? {
            return Ok(Read::Restarted);
        }
        sheet.data.reserve(READ_BYTES + BEHIND_BYTES);
        let n = match sys::read_at(file, &mut sheet.data, READ_BYTES, self.splitter.next()) {
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => return Ok(Read::Some),
            result => result?,
        };
        self.splitter.take(sheet, 0, rules);
        if n == 0 {
            return Ok(Read::End);
        }
        self.grew = clock::monotonic();
        self.learn_head()?;
        if n >= READ_BYTES {
            return Ok(Read::Some);
        }
        if Look::at(self.file()?)?.size == 0 {
            self.sizeless = true;
        }
        Ok(Read::End)
    }

    fn file(&self) -> io::Result<&File> {
        self.file.as_ref().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Whether what was read is not there any more: the file was cut, or cut and written again.
    fn was_restarted(&self) -> io::Result<bool> {
        let next = self.splitter.next();
        if next == 0 || self.sizeless {
            return Ok(false);
        }
        let file = self.file()?;
        Ok(Look::at(file)?.size < next || !self.identity.head.fits(file)?)
    }

    /// Begins at the beginning, of a file that was [`Read::Restarted`].
    pub(super) fn restart(&mut self) {
        self.splitter = Splitter::at(Position::default());
        self.identity.head = Head::default();
    }

    /// Takes note of how the file begins, until there is enough of it.
    fn learn_head(&mut self) -> io::Result<()> {
        let known = self.identity.head.bytes;
        if known < HEAD_BYTES && self.splitter.next() > count(known) {
            self.identity.head = Head::of(self.file()?, HEAD_BYTES)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However a buffer has grown, a read brings no more than it may: so it does not go on growing.
    #[test]
    fn reads_are_bounded() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("f");
        let text: Vec<u8> = (0..=u8::MAX).cycle().take(5000).collect();
        std::fs::write(&path, &text).unwrap();
        let (file, _) = open(&path).unwrap();
        let mut into = Vec::with_capacity(20_000);
        into.extend_from_slice(b"before");
        assert_eq!(sys::read_at(&file, &mut into, 3000, 100).unwrap(), 3000);
        assert_eq!(sys::read_at(&file, &mut into, 3000, 3100).unwrap(), 1900);
        assert_eq!(sys::read_at(&file, &mut into, 3000, 5000).unwrap(), 0);
        assert_eq!(into, [b"before", &text[100..]].concat());
        assert_eq!(into.capacity(), 20_000);
        let folder = File::open(dir.path()).unwrap();
        assert_eq!(sys::read_at(&folder, &mut into, 10, 0), Err(rustix::io::Errno::ISDIR));
        assert_eq!(into.len(), 6 + 4900);
    }
}
