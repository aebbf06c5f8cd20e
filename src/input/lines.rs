//! Lines of a stream that has no end of its own (a program's output, a FIFO) as messages that are
//! not parsed: tag and priority are the input's.

use memchr::memchr;

use crate::base::diag::Diagnostics;
use crate::base::num::count;
use crate::config::param::Params;
use crate::input::local::Feed;
use crate::input::local::Ready;
use crate::input::local::Surroundings;
use crate::input::priority;
use crate::message::MessageFlags;
use crate::message::Pri;

/// What the lines of an input become.
#[derive(Clone, Debug)]
pub(super) struct LineRules {
    tag: String,
    pri: Pri,
    /// `maxMessageSize`: the rest of a longer line is dropped, and counted.
    bytes_max: usize,
}

/// What of a stream is no whole line yet.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// The beginning of a line; never more than `bytes_max`.
    begun: Vec<u8>,
    /// What came of that line beyond it, bytes.
    beyond: u64,
}

impl LineRules {
    /// From checked parameters that have a `tag`, `facility` and `severity`.
    pub(super) fn compile(
        params: &Params,
        around: &Surroundings,
        diags: &mut Diagnostics,
    ) -> Option<Self> {
        // That there is none was complained of.
        let tag = params.str("tag")?.to_owned();
        let pri = priority::of(params, diags);
        Some(Self { tag, pri, bytes_max: around.message_bytes_max })
    }
}

impl LineRules {
    /// Adds the lines that end in `bytes` to the batch that was begun; how many there were. Empty
    /// ones are counted, and are no messages.
    pub(super) fn take(&self, lines: &mut Lines, bytes: &[u8], feed: &mut Feed) -> u64 {
        lines.take(self.bytes_max, bytes, |line, beyond| self.push(line, beyond, feed))
    }

    /// The stream has ended: what is left is a message.
    pub(super) fn finish(&self, lines: &mut Lines, feed: &mut Feed) {
        lines.finish(|line, beyond| self.push(line, beyond, feed));
    }

    fn push(&self, line: &[u8], beyond: u64, feed: &mut Feed) {
        let (pri, tag) = (self.pri, self.tag.as_bytes());
        feed.push(Ready { pri, tag, text: line, variables: None });
        if beyond > 0 {
            feed.stats().discarded_bytes.add(beyond);
            if let Some(message) = feed.batch().messages.last_mut() {
                message.flags.set(MessageFlags::TRUNCATED);
            }
        }
    }
}

impl Lines {
    /// Calls `each` with the lines that end in `bytes`, and with how many bytes of a line are
    /// missing because it has more than `max`.
    fn take(&mut self, max: usize, mut bytes: &[u8], mut each: impl FnMut(&[u8], u64)) -> u64 {
        let mut lines = 0;
        while let Some(end) = memchr(b'\n', bytes) {
            let line = &bytes[..end];
            bytes = &bytes[end + 1..];
            lines += 1;
            if self.begun.is_empty() && line.len() <= max {
                if !line.is_empty() {
                    each(line, 0);
                }
                continue;
            }
            self.add(max, line);
            self.finish(&mut each);
        }
        self.add(max, bytes);
        lines
    }

    fn finish(&mut self, mut each: impl FnMut(&[u8], u64)) {
        let beyond = std::mem::take(&mut self.beyond);
        if !self.begun.is_empty() {
            each(&self.begun, beyond);
        }
        self.begun.clear();
    }

    fn add(&mut self, max: usize, bytes: &[u8]) {
        let room = max - self.begun.len();
        let taken = bytes.len().min(room);
        self.begun.extend_from_slice(&bytes[..taken]);
        self.beyond += count(bytes.len() - taken);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of a stream that is read in pieces of so many bytes.
    fn split(stream: &[u8], piece: usize) -> (Vec<(String, u64)>, u64) {
        let (mut lines, mut found, mut ends) = (Lines::default(), Vec::new(), 0);
        let mut each = |line: &[u8], beyond| {
            found.push((String::from_utf8_lossy(line).into_owned(), beyond));
        };
        for bytes in stream.chunks(piece) {
            ends += lines.take(5, bytes, &mut each);
            assert!(lines.begun.len() <= 5);
        }
        lines.finish(&mut each);
        (found, ends)
    }

    #[test]
    fn lines_are_the_same_however_they_are_read() {
        let stream = b"one\n\nfive5\nsixsix\n\n0123456789\nrest";
        let wanted = [("one", 0), ("five5", 0), ("sixsi", 1), ("01234", 5), ("rest", 0)];
        for piece in 1..=stream.len() {
            let (found, ends) = split(stream, piece);
            let found: Vec<_> = found.iter().map(|(line, n)| (line.as_str(), *n)).collect();
            assert_eq!(found, wanted, "{piece}");
            assert_eq!(ends, 6);
        }
        assert_eq!(split(b"", 1), (Vec::new(), 0));
    }
}
