//! Changes that the kernel tells of: of directories, which speak for all files in them.

use std::ffi::CStr;
use std::ffi::OsStr;
use std::ffi::OsString;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::inotify;
use rustix::fs::inotify::CreateFlags;
use rustix::fs::inotify::ReadFlags;
use rustix::fs::inotify::WatchFlags;

/// Bytes of events that are taken at once: some thousand.
const EVENTS_BYTES: usize = 64 << 10;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Happening {
    /// A file was written to, or cut.
    Changed,
    /// A file is there that was not, or is another one than it was. The number is that of its going
    /// away from somewhere else, 0 if it is new.
    Came(u32),
    /// A file was moved away; the number comes again where it comes to.
    Went(u32),
    Deleted,
    /// A directory came, went, or was lost: what is in it must be looked at.
    Directory,
}

/// One change.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// The watch.
    pub(super) watch: i32,
    /// The name in the directory; empty for the directory itself.
    pub(super) name: OsString,
    pub(super) what: Happening,
}

/// What the kernel watches for us.
#[derive(Debug)]
pub(super) struct Watches {
    fd: OwnedFd,
}

impl Watches {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { fd: inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)? })
    }

    /// Watches a directory; the same one gives the same number again.
    pub(super) fn add(&self, directory: &Path) -> io::Result<i32> {
        let flags = WatchFlags::CREATE
            | WatchFlags::MODIFY
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ATTRIB
            | WatchFlags::ONLYDIR;
        Ok(inotify::add_watch(&self.fd, directory, flags)?)
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Takes what has happened. False if events were lost: everything must be looked at.
    pub(super) fn take(&self, out: &mut Vec<Event>) -> io::Result<bool> {
        let mut buffer = vec![MaybeUninit::uninit(); EVENTS_BYTES];
        let mut events = inotify::Reader::new(&self.fd, &mut buffer);
        let mut whole = true;
        loop {
            let event = match events.next() {
                Ok(event) => event,
                Err(rustix::io::Errno::AGAIN) => return Ok(whole),
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            let flags = event.events();
            if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
                whole = false;
                continue;
            }
            let name = event.file_name().map(CStr::to_bytes).unwrap_or_default();
            let itself = ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF | ReadFlags::IGNORED;
            let what = if flags.intersects(itself | ReadFlags::ISDIR) {
                // The mode or the time of a directory says nothing of what is in it.
                if flags.contains(ReadFlags::ATTRIB) {
                    continue;
                }
                Happening::Directory
            } else if flags.contains(ReadFlags::MOVED_FROM) {
                Happening::Went(event.cookie())
            } else if flags.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO) {
                Happening::Came(event.cookie())
            } else if flags.contains(ReadFlags::DELETE) {
                Happening::Deleted
            } else {
                Happening::Changed
            };
            let name = OsStr::from_bytes(name).to_owned();
            out.push(Event { watch: event.wd(), name, what });
        }
    }
}
