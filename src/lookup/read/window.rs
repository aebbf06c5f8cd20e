//! A JSON text that is read in pieces. Each value has to fit into memory, the whole need not.

use std::io;
use std::io::Read;

use crate::base::limits::LOOKUP_FILE_BYTES_MAX;
use crate::base::limits::LOOKUP_ROW_BYTES_MAX;
use crate::base::num::count;
use crate::lookup::Cause;
use crate::lookup::Flaw;
use crate::lookup::Place;
use crate::message::json;
use crate::message::json::Case;
use crate::message::json::Value;

/// What is read at a time.
const PIECE: usize = 256 << 10;

/// The part of the text that is in memory.
#[derive(Debug)]
pub(super) struct Window<R> {
    source: R,
    buffer: Vec<u8>,
    /// Where the rest begins in `buffer`.
    at: usize,
    ended: bool,
    /// Of the whole text.
    bytes: u64,
    place: Place,
}

impl<R: Read> Window<R> {
    pub(super) const fn new(source: R) -> Self {
        let place = Place { line: 1, column: 1 };
        Self { source, buffer: Vec::new(), at: 0, ended: false, bytes: 0, place }
    }

    fn rest(&self) -> &[u8] {
        &self.buffer[self.at..]
    }

    /// Where the rest begins in the text.
    pub(super) const fn place(&self) -> Place {
        self.place
    }

    pub(super) fn consume(&mut self, length: usize) {
        let gone = &self.buffer[self.at..self.at + length];
        self.place = behind(self.place, gone);
        self.at += length;
    }

    /// Reads another piece.
    fn fill(&mut self) -> Result<(), Flaw> {
        self.buffer.drain(..self.at);
        self.at = 0;
        let limit = count(PIECE);
        let read = (&mut self.source).take(limit).read_to_end(&mut self.buffer);
        let read = read.map_err(|error| Flaw::of(Cause::Read(error)))?;
        self.ended = read < PIECE;
        self.bytes += count(read);
        if self.bytes > LOOKUP_FILE_BYTES_MAX {
            let text = format!("is too large: more than {LOOKUP_FILE_BYTES_MAX} bytes");
            return Err(Flaw::of(Cause::Read(io::Error::other(text))));
        }
        Ok(())
    }

    /// The flaw that the text cannot be read `ahead` of here.
    pub(super) fn broken(&self, ahead: usize) -> Flaw {
        let before = &self.rest()[..ahead.min(self.rest().len())];
        Flaw::at(Cause::Json, behind(self.place, before))
    }

    /// Skips blanks and comments; the byte behind them. `None` at the end.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, Flaw> {
        loop {
            let blank = |byte: &&u8| byte.is_ascii_whitespace() || **byte == b'\x0b';
            let blanks = self.rest().iter().take_while(blank).count();
            self.consume(blanks);
            match self.rest() {
                [] if self.ended => return Ok(None),
                [] => self.fill()?,
                [b'/'] if !self.ended => self.fill()?,
                [b'/', b'*', ..] => self.comment(b"*/")?,
                [b'/', b'/', ..] => self.comment(b"\n")?,
                [byte, ..] => return Ok(Some(*byte)),
            }
        }
    }

    fn comment(&mut self, end: &[u8]) -> Result<(), Flaw> {
        loop {
            if let Some(length) = memchr::memmem::find(&self.rest()[2..], end) {
                self.consume(2 + length + end.len());
                return Ok(());
            }
            self.more(0)?;
        }
    }

    /// Reads on where what begins here does not end yet.
    fn more(&mut self, given_up: usize) -> Result<(), Flaw> {
        if self.ended {
            return Err(self.broken(given_up));
        }
        if self.rest().len() > LOOKUP_ROW_BYTES_MAX {
            let text = format!("has a value of more than {LOOKUP_ROW_BYTES_MAX} bytes");
            return Err(Flaw::at(Cause::Content(text), self.place));
        }
        self.fill()
    }

    /// The value that begins here.
    pub(super) fn value(&mut self) -> Result<Value, Flaw> {
        self.peek()?;
        loop {
            let rest = self.rest();
            let given_up = match json::parse_or_place(rest, Case::Insensitive) {
                // A number that ends with the piece may go on in the next one.
                Ok((value, length)) if length < rest.len() || self.ended => {
                    self.consume(length);
                    return Ok(value);
                }
                Ok((_, length)) => length,
                Err(place) => place,
            };
            self.more(given_up)?;
        }
    }

    /// Goes on behind a member or an element: over a comma, or to what closes.
    pub(super) fn separator(&mut self, close: u8) -> Result<(), Flaw> {
        match self.peek()? {
            Some(b',') => self.consume(1),
            Some(byte) if byte == close => {}
            _ => return Err(self.broken(0)),
        }
        Ok(())
    }
}

/// The place behind `text`, which begins at `place`.
fn behind(place: Place, text: &[u8]) -> Place {
    // All bytes of a character but its first one are such.
    let characters = |text: &[u8]| text.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
    match memchr::memrchr(b'\n', text) {
        None => Place { column: place.column + count(characters(text)), ..place },
        Some(last) => Place {
            line: place.line + count(memchr::memchr_iter(b'\n', text).count()),
            column: 1 + count(characters(&text[last + 1..])),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives three bytes at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let n = self.0.len().min(out.len()).min(3);
            out[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    #[test]
    fn values_and_places() {
        let text = "/* é\n*/ // x\n  [1, \"ä\"] 12,x".as_bytes();
        let mut window = Window::new(Slow(text));
        assert_eq!(window.peek().unwrap(), Some(b'['));
        assert_eq!(window.place(), Place { line: 3, column: 3 });
        assert!(matches!(window.value().unwrap(), Value::Array(items) if items.len() == 2));
        assert_eq!(window.value().unwrap(), Value::Int(12));
        assert_eq!(window.place(), Place { line: 3, column: 14 });
        window.separator(b']').unwrap();
        let flaw = window.value().unwrap_err();
        assert!(matches!(flaw.cause, Cause::Json));
        assert_eq!(flaw.place, Some(Place { line: 3, column: 15 }));
    }

    #[test]
    fn pieces_end_anywhere() {
        let text = (0..200_000).map(|n| format!("{n:06},")).collect::<String>();
        let mut window = Window::new(text.as_bytes());
        for n in 0..200_000 {
            assert_eq!(window.value().unwrap(), Value::Int(n));
            window.separator(b']').unwrap();
        }
        assert_eq!(window.peek().unwrap(), None);
    }

    #[test]
    fn a_value_has_a_bound() {
        let text = format!("\"{}\"", "x".repeat(3 << 20));
        let flaw = Window::new(text.as_bytes()).value().unwrap_err();
        assert!(matches!(flaw.cause, Cause::Content(_)), "{flaw:?}");
    }
}
