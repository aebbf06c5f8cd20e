//! What the log asks of a file system, so that tests can break it.

use std::ffi::OsString;
use std::fmt::Debug;
use std::fs;
use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::hash::BuildHasher as _;
use std::hash::Hasher as _;
use std::hash::RandomState;
use std::io;
use std::io::IoSlice;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::fs::FileExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::FallocateFlags;

/// A file system.
pub trait Files: Debug {
    type File: Debug;
    /// Held as long as it lives.
    type Lock: Debug;

    /// A new file, readable by its owner alone.
    ///
    /// # Errors
    /// It exists, or cannot be made.
    fn create(&self, path: &Path) -> io::Result<Self::File>;

    /// A file that exists, to read and, if `write`, to write.
    ///
    /// # Errors
    /// There is none, or it cannot be opened.
    fn open(&self, path: &Path, write: bool) -> io::Result<Self::File>;

    /// Reads some bytes; 0 at the end of the file.
    ///
    /// # Errors
    /// The system's.
    fn read_at(&self, file: &Self::File, into: &mut [u8], at: u64) -> io::Result<usize>;

    /// Writes some bytes of `parts`, and says how many.
    ///
    /// # Errors
    /// The system's; nothing was written then.
    fn write_at(&self, file: &Self::File, parts: &[IoSlice<'_>], at: u64) -> io::Result<usize>;

    /// # Errors
    /// The system's.
    fn length(&self, file: &Self::File) -> io::Result<u64>;

    /// Cuts the file, or makes it longer with zeros.
    ///
    /// # Errors
    /// The system's.
    fn set_length(&self, file: &Self::File, bytes: u64) -> io::Result<()>;

    /// Takes room for so many bytes, and makes the file that long.
    ///
    /// # Errors
    /// There is no room, or the file system has no such call.
    fn allocate(&self, file: &Self::File, bytes: u64) -> io::Result<()>;

    /// What was written to the file is on the disk afterwards.
    ///
    /// # Errors
    /// The system's; nobody knows what is on the disk then.
    fn sync_data(&self, file: &Self::File) -> io::Result<()>;

    /// Files that were made, renamed or removed in it are so on the disk afterwards.
    ///
    /// # Errors
    /// The system's.
    fn sync_directory(&self, directory: &Path) -> io::Result<()>;

    /// # Errors
    /// The system's.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// # Errors
    /// The system's.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// The names in a directory.
    ///
    /// # Errors
    /// The system's.
    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>>;

    /// Makes sure that nobody else has this lock file.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if another process has it.
    fn lock(&self, path: &Path) -> io::Result<Self::Lock>;

    /// Whether a lock file that this process has is there still.
    ///
    /// # Errors
    /// The system's.
    fn holds(&self, lock: &Self::Lock, path: &Path) -> io::Result<bool>;

    /// Whether an open file is still there, and `path` a name of a file.
    ///
    /// # Errors
    /// The system's.
    fn is_at(&self, file: &Self::File, path: &Path) -> io::Result<bool>;

    /// Makes a directory, and those above it, for its owner alone, where it is not there.
    ///
    /// # Errors
    /// The system's.
    fn make_directory(&self, path: &Path) -> io::Result<()>;

    /// A number that nobody can guess.
    fn random(&self) -> u64;
}

/// The real one.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Files for System {
    type File = File;
    type Lock = File;

    fn create(&self, path: &Path) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
    }

    fn open(&self, path: &Path, write: bool) -> io::Result<File> {
        OpenOptions::new().read(true).write(write).open(path)
    }

    fn read_at(&self, file: &File, into: &mut [u8], at: u64) -> io::Result<usize> {
        file.read_at(into, at)
    }

    fn write_at(&self, file: &File, parts: &[IoSlice<'_>], at: u64) -> io::Result<usize> {
        Ok(rustix::io::pwritev(file, parts, at)?)
    }

    fn length(&self, file: &File) -> io::Result<u64> {
        Ok(file.metadata()?.len())
    }

    fn set_length(&self, file: &File, bytes: u64) -> io::Result<()> {
        file.set_len(bytes)
    }

    fn allocate(&self, file: &File, bytes: u64) -> io::Result<()> {
        Ok(rustix::fs::fallocate(file, FallocateFlags::empty(), 0, bytes)?)
    }

    fn sync_data(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        File::open(directory)?.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(directory)?.map(|entry| Ok(entry?.file_name())).collect()
    }

    fn lock(&self, path: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).mode(0o600).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn holds(&self, lock: &File, path: &Path) -> io::Result<bool> {
        self.is_at(lock, path)
    }

    fn is_at(&self, file: &File, path: &Path) -> io::Result<bool> {
        Ok(fs::exists(path)? && file.metadata()?.nlink() > 0)
    }

    fn make_directory(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)
    }

    fn random(&self) -> u64 {
        // Its keys are the system's random numbers.
        RandomState::new().build_hasher().finish()
    }
}

/// Writes all of `parts`. What was written before an error is not known.
pub(super) fn write_all<F: Files>(
    files: &F,
    file: &F::File,
    mut parts: &mut [IoSlice<'_>],
    mut at: u64,
) -> io::Result<()> {
    IoSlice::advance_slices(&mut parts, 0);
    while !parts.is_empty() {
        match files.write_at(file, parts, at) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                IoSlice::advance_slices(&mut parts, written);
                at += written as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A disk's sector: what can become unreadable by itself.
const SECTOR: usize = 4096;

/// Fills `into` as far as the file goes, and says how far. What the disk cannot read is zeros,
/// whose checksum is wrong.
pub(super) fn read_full<F: Files>(
    files: &F,
    file: &F::File,
    into: &mut [u8],
    at: u64,
) -> io::Result<usize> {
    let mut filled = 0;
    while filled < into.len() {
        match files.read_at(file, &mut into[filled..], at + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.raw_os_error() == Some(libc::EIO) => {
                return read_around(files, file, into, at);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The same, sector by sector.
fn read_around<F: Files>(files: &F, file: &F::File, into: &mut [u8], at: u64) -> io::Result<usize> {
    let length = files.length(file)?;
    let room = usize::try_from(length.saturating_sub(at)).unwrap_or(usize::MAX).min(into.len());
    for (index, sector) in into[..room].chunks_mut(SECTOR).enumerate() {
        let at = at + (index * SECTOR) as u64;
        match files.read_at(file, sector, at) {
            Ok(read) => sector[read..].fill(0),
            Err(_) => sector.fill(0),
        }
    }
    Ok(room)
}
