//! Where the kernel's messages are read from: a device that can be waited for, or, for a trial, a
//! FIFO or a file.

use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::Duration;

use tokio::net::unix::pipe;

/// How often a file is looked at that cannot be waited for.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Opens `path` so that reading it never waits.
pub(super) fn open(path: &str) -> io::Result<File> {
    let opened = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    opened.map_err(|error| io::Error::new(error.kind(), format!("cannot open '{path}': {error}")))
}

/// An open device.
#[derive(Debug)]
pub(super) struct Device {
    file: File,
    /// The same, to be waited for; none of what has an end.
    events: Option<pipe::Receiver>,
}

impl Device {
    /// Within a runtime.
    pub(super) fn new(file: &File) -> io::Result<Self> {
        // A pipe's methods do for whatever can be waited for, which a regular file cannot.
        let events = pipe::Receiver::from_file_unchecked(file.try_clone()?);
        Ok(Self { file: file.try_clone()?, events: events.ok() })
    }

    /// Reads what is there, and waits until there is something. 0 is the end, for now: the next
    /// call waits for more.
    ///
    /// # Errors
    /// What `read` says.
    pub(super) async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(events) = &self.events {
            events.readable().await?;
            match events.try_read(buffer) {
                // Nobody holds the other end of a FIFO, which from now on always is "ready".
                Ok(0) => {
                    self.events = None;
                    return Ok(0);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
        }
        loop {
            match self.file.read(buffer) {
                Ok(0) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}
