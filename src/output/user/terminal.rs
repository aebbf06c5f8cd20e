//! Writing to a terminal that is somebody else's, without ever waiting for it.

use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Write as _;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use crate::base::clock;

/// How long a terminal that takes nothing is waited for, all in all.
const PATIENCE: Duration = Duration::from_millis(200);
const LOOK: Duration = Duration::from_millis(5);

/// How much of it a terminal took.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wrote {
    All,
    /// It was full, and stayed so.
    Part,
}

/// Writes all of `texts` to the terminal at `path`.
pub(super) fn write(path: &Path, texts: &[&[u8]]) -> io::Result<Wrote> {
    let mut options = OpenOptions::new();
    options.write(true).custom_flags(libc::O_NOCTTY | libc::O_NONBLOCK);
    let mut terminal = options.open(path)?;
    let found = terminal.metadata()?;
    if !found.file_type().is_char_device() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // As rsyslogd: who takes the right to write from himself wants to be left alone.
    if found.mode() & 0o200 == 0 {
        return Ok(Wrote::All);
    }
    let until = clock::monotonic() + PATIENCE;
    for text in texts {
        if write_one(&mut terminal, text, until)? == Wrote::Part {
            return Ok(Wrote::Part);
        }
    }
    Ok(Wrote::All)
}

#[expect(clippy::disallowed_methods, reason = "on a thread for blocking calls, not a worker")]
fn pause() {
    std::thread::sleep(LOOK);
}

fn write_one(terminal: &mut File, mut text: &[u8], until: Instant) -> io::Result<Wrote> {
    while !text.is_empty() {
        match terminal.write(text) {
            // It would be tried for ever.
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => text = &text[n..],
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                if clock::monotonic() >= until {
                    return Ok(Wrote::Part);
                }
                pause();
            }
            Err(e) => return Err(e),
        }
    }
    Ok(Wrote::All)
}
