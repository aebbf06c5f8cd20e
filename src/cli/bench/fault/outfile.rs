//! The file that a relay writes, read as it grows: the books of rows without a collector.

use std::fs::File;
use std::io;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use memchr::memrchr;

use crate::base::clock::monotonic;
use crate::cli::bench::error::BenchError;
use crate::cli::bench::ledger::Ids;
use crate::cli::bench::ledger::Ledger;
use crate::cli::bench::time::Stamps;
use crate::cli::bench::time::pause;

/// One read, bytes.
const READ: usize = 256 << 10;
/// Between two looks.
const LOOK: Duration = Duration::from_millis(5);

/// A file of numbered lines.
#[derive(Debug)]
pub(super) struct OutFile {
    file: File,
    ledger: Ledger,
    stamps: Stamps,
    /// The line that is not whole yet.
    rest: Vec<u8>,
    /// What was read of it, bytes.
    length: u64,
}

impl OutFile {
    /// Makes the file at `path`, for the relay to append to.
    pub(super) fn make(path: &Path) -> Result<Self, BenchError> {
        let file = File::options().create(true).read(true).append(true).open(path);
        Ok(Self {
            file: file.map_err(|error| BenchError::io(path.display(), error))?,
            ledger: Ledger::new(Ids::Required)?,
            stamps: Stamps::new(),
            rest: Vec::new(),
            length: 0,
        })
    }

    /// Reads what is new; false if nothing is.
    pub(super) fn look(&mut self) -> Result<bool, BenchError> {
        let before = self.length;
        let read = self.read_on();
        read.map_err(|error| BenchError::io("cannot read what the relay wrote", error))?;
        Ok(self.length > before)
    }

    fn read_on(&mut self) -> io::Result<()> {
        loop {
            let begun = self.rest.len();
            self.rest.resize(begun + READ, 0);
            let read = self.file.read(&mut self.rest[begun..])?;
            self.rest.truncate(begun + read);
            if read == 0 {
                return Ok(());
            }
            self.length += read as u64;
            let Some(end) = memrchr(b'\n', &self.rest) else { continue };
            let now = self.stamps.now();
            for line in self.rest[..end].split(|byte| *byte == b'\n') {
                self.ledger.take(line, now);
            }
            self.rest.drain(..=end);
        }
    }

    /// Messages that are in it, each once, as of the last look.
    pub(super) const fn received(&self) -> u64 {
        self.ledger.received()
    }

    /// Its bytes, as of the last look.
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// Waits until `messages` are in it, or nothing has come for `idle`.
    pub(super) fn wait(&mut self, messages: u64, idle: Duration) -> Result<(), BenchError> {
        let mut last = monotonic();
        loop {
            if self.look()? {
                last = monotonic();
            }
            if self.received() >= messages || last.elapsed() >= idle {
                return Ok(());
            }
            pause(LOOK);
        }
    }

    /// The books; a line without an end is a torn one.
    pub(super) fn close(mut self) -> Result<Ledger, BenchError> {
        self.look()?;
        if !self.rest.is_empty() {
            self.ledger.take_torn();
        }
        Ok(self.ledger)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::cli::bench::ids::Stamp;
    use crate::cli::bench::ids::embed;

    #[test]
    fn lines_are_taken_when_they_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let mut out = OutFile::make(&path).unwrap();
        let mut relay = File::options().append(true).open(&path).unwrap();
        let mut line = Vec::new();
        let slot = embed(b"<13>Nov 22 11:22:33 h t: text", &mut line);
        let mut stamp = Stamp::new(0);
        stamp.patch(slot, &mut line);
        relay.write_all(&line[..20]).unwrap();
        assert!(out.look().unwrap());
        assert!(!out.look().unwrap());
        assert_eq!(out.received(), 0);
        relay.write_all(&line[20..]).unwrap();
        relay.write_all(b"\nanother line\n").unwrap();
        stamp.patch(slot, &mut line);
        relay.write_all(&line).unwrap();
        out.look().unwrap();
        assert_eq!((out.received(), out.length()), (1, 2 * line.len() as u64 + 14));
        let ledger = out.close().unwrap();
        assert_eq!((ledger.received(), ledger.foreign, ledger.corrupted), (1, 1, 1));
    }
}
