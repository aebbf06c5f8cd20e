//! What came of reloads, where whoever asked for one finds it: in a file without a name that is in
//! memory alone, open in the relay and readable through `/proc`. So it is there wherever the relay
//! runs, goes with it, and shows at the same time that a process is one that knows reloads.

use std::fs;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use rustix::fs::MemfdFlags;

use crate::base::num::count;

/// What the file is called in `/proc`.
const NAME: &str = "bongsu-reload";
/// Text that is kept of one reload; complaints beyond it are told in the relay's own messages.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// The writing side; one in the relay.
#[derive(Debug)]
pub(super) struct Board {
    file: File,
    notice: Notice,
}

/// What the board says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notice {
    /// Reloads that have begun, and those that have ended.
    pub begun: u64,
    pub ended: u64,
    /// How many of them changed nothing, and whether the last one did.
    pub failed: u64,
    pub last_failed: bool,
    /// What was said of the last one.
    pub text: String,
}

impl Board {
    /// # Errors
    /// If the kernel gives no such file.
    pub(super) fn new() -> io::Result<Self> {
        let file = rustix::fs::memfd_create(NAME, MemfdFlags::CLOEXEC)?;
        let board = Self { file: file.into(), notice: Notice::default() };
        board.publish()?;
        Ok(board)
    }

    /// A reload begins: what the configuration is from here on will be in it.
    pub(super) fn begin(&mut self) -> io::Result<()> {
        self.notice.begun += 1;
        self.publish()
    }

    /// It has ended.
    pub(super) fn end(&mut self, done: bool, text: &str) -> io::Result<()> {
        self.notice.ended = self.notice.begun;
        self.notice.failed += u64::from(!done);
        self.notice.last_failed = !done;
        self.notice.text = shortened(text).to_owned();
        self.publish()
    }

    /// Not in one step: who reads sees by the last line whether it is whole.
    fn publish(&self) -> io::Result<()> {
        let text = self.notice.write();
        self.file.write_all_at(text.as_bytes(), 0)?;
        self.file.set_len(count(text.len()))
    }
}

fn shortened(text: &str) -> &str {
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

impl Notice {
    /// The board of process `pid`, to be read again and again.
    ///
    /// # Errors
    /// `NotFound` if the process has none: it is another program, or none at all.
    pub fn find(pid: u32) -> io::Result<PathBuf> {
        let open = PathBuf::from(format!("/proc/{pid}/fd"));
        for entry in fs::read_dir(&open)? {
            let path = entry?.path();
            let is_board = |link: PathBuf| link.to_string_lossy().contains(NAME);
            if fs::read_link(&path).is_ok_and(is_board) {
                return Ok(path);
            }
        }
        Err(io::Error::new(io::ErrorKind::NotFound, "it is no bongsu that knows reloads"))
    }

    /// What the board at `path` says; `None` while it is being written.
    ///
    /// # Errors
    /// If it cannot be read: the process has ended.
    pub fn read(path: &PathBuf) -> io::Result<Option<Self>> {
        Ok(Self::parse(&fs::read_to_string(path)?))
    }

    /// A line of numbers, the text, and the numbers again.
    fn write(&self) -> String {
        let Self { begun, ended, failed, last_failed, text } = self;
        let numbers = format!("{begun} {ended} {failed} {}", u8::from(*last_failed));
        format!("{numbers}\n{text}\n{numbers}\n")
    }

    fn parse(text: &str) -> Option<Self> {
        let (first, rest) = text.split_once('\n')?;
        let rest = rest.strip_suffix('\n')?.strip_suffix(first)?;
        let text = rest.strip_suffix('\n')?.to_owned();
        let mut numbers = first.split(' ').map(|number| number.parse::<u64>().ok());
        let mut next = || numbers.next().flatten();
        let (begun, ended, failed) = (next()?, next()?, next()?);
        Some(Self { begun, ended, failed, last_failed: next()? == 1, text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_a_part_of_it_is_not() {
        let notice = Notice {
            begun: 12,
            ended: 11,
            failed: 3,
            last_failed: true,
            text: "relay.conf:1:1: error\n\nno".to_owned(),
        };
        let text = notice.write();
        assert_eq!(Notice::parse(&text).as_ref(), Some(&notice));
        for end in 0..text.len() {
            assert_eq!(Notice::parse(text.get(..end).unwrap()), None, "{end}");
        }
        let empty = Notice::default();
        assert_eq!(Notice::parse(&empty.write()), Some(empty));
    }

    #[test]
    fn the_board_of_a_process_is_found() {
        let mut board = Board::new().unwrap();
        let path = Notice::find(std::process::id()).unwrap();
        board.begin().unwrap();
        board.end(false, "a long text").unwrap();
        let read = Notice::read(&path).unwrap().unwrap();
        assert_eq!((read.begun, read.ended, read.failed), (1, 1, 1));
        assert_eq!((read.last_failed, read.text.as_str()), (true, "a long text"));
        board.end(true, "").unwrap();
        assert_eq!(Notice::read(&path).unwrap().unwrap().text, "");
        let none = Notice::find(1).unwrap_err();
        let kinds = [io::ErrorKind::NotFound, io::ErrorKind::PermissionDenied];
        assert!(kinds.contains(&none.kind()), "{none}");
    }
}
