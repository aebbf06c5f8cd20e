//! Where one frame ends and the next begins.

use crate::base::num::len32;
use crate::base::span::Span;
use crate::parse::relp::COMMAND_BYTES_MAX;
use crate::parse::relp::Command;
use crate::parse::relp::DIGITS_MAX;
use crate::parse::relp::Fault;
use crate::parse::relp::Frame;
use crate::parse::relp::HEADER_BYTES_MAX;

/// How long frames may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLimits {
    /// Bytes of data that are kept (`maxDataSize`).
    pub data_bytes_max: usize,
    /// A longer frame ends the session, rather than being cut (`oversizeMode="abort"`).
    pub abort: bool,
}

impl FrameLimits {
    /// The most bytes that [`Decoder::frame`] leaves unconsumed.
    #[must_use]
    pub const fn tail_max(&self) -> usize {
        HEADER_BYTES_MAX + self.data_bytes_max + 1
    }
}

/// One connection's framing state. It owns no bytes: the caller keeps what was not consumed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Decoder {
    /// Bytes of a frame longer than the limit that were passed over.
    skipped: usize,
}

/// A header that was read in full.
struct Header {
    txnr: u32,
    command: Command,
    length: usize,
    /// Where the data begins, from the header's start on.
    bytes: usize,
}

impl Decoder {
    /// Takes the first frame of `data[*at..end]`, and moves `at` behind it. `None` if it is not
    /// complete: `data[*at..end]` is then to come again, first, with more behind it.
    ///
    /// Of a frame that is longer than the limit the kept part may be moved up, over what is passed
    /// over; nothing else in `data` changes.
    ///
    /// # Errors
    /// If there is no frame. The session has to end.
    #[inline]
    pub fn frame(
        &mut self,
        limits: FrameLimits,
        data: &mut [u8],
        at: &mut usize,
        end: usize,
    ) -> Result<Option<Frame>, Fault> {
        let Some(header) = header(&data[*at..end])? else { return Ok(None) };
        let start = *at + header.bytes;
        let truncated = header.length > limits.data_bytes_max;
        if truncated && limits.abort {
            return Err(Fault::TooLong);
        }
        let last = start + (header.length - self.skipped);
        if last < end {
            if data[last] != b'\n' {
                return Err(Fault::Trailer);
            }
            self.skipped = 0;
            *at = last + 1;
            let kept = header.length.min(limits.data_bytes_max);
            let span = Span::new(start, start + kept);
            let Header { txnr, command, .. } = header;
            return Ok(Some(Frame { txnr, command, data: span, truncated }));
        }
        if truncated {
            self.pass_over(limits, data, at, start, end);
        }
        Ok(None)
    }

    /// Keeps the header and the first part of the data, and drops what came behind it.
    fn pass_over(
        &mut self,
        limits: FrameLimits,
        data: &mut [u8],
        at: &mut usize,
        start: usize,
        end: usize,
    ) {
        let kept = start + limits.data_bytes_max;
        if end > kept {
            let excess = end - kept;
            data.copy_within(*at..kept, *at + excess);
            *at += excess;
            self.skipped += excess;
        }
    }
}

/// Reads the header at the start of `text`; `None` if it is not complete.
#[inline]
fn header(text: &[u8]) -> Result<Option<Header>, Fault> {
    let Some((txnr, at)) = number(text, 0, Fault::Txnr)? else { return Ok(None) };
    if text[at] != b' ' {
        return Err(Fault::Txnr);
    }
    let name = at + 1;
    // By far the most are these.
    let (command, at) = if text[name..].starts_with(b"syslog ") {
        (Command::Syslog, name + 6)
    } else {
        let rest = &text[name..text.len().min(name + COMMAND_BYTES_MAX + 1)];
        match rest.iter().position(|byte| !byte.is_ascii_alphabetic()) {
            None if rest.len() > COMMAND_BYTES_MAX => return Err(Fault::Command),
            None => return Ok(None),
            Some(length) if length == 0 || rest[length] != b' ' => return Err(Fault::Command),
            Some(length) => (Command::of(&rest[..length]), name + length),
        }
    };
    let Some((length, at)) = number(text, at + 1, Fault::Length)? else { return Ok(None) };
    let bytes = match (length, text[at]) {
        (0, b'\n') => at,
        (1.., b' ') => at + 1,
        _ => return Err(Fault::Length),
    };
    Ok(Some(Header { txnr, command, length: length as usize, bytes }))
}

/// The number at `text[from..]` and where the byte behind it is, `None` if that has not come yet.
#[inline]
fn number(text: &[u8], from: usize, fault: Fault) -> Result<Option<(u32, usize)>, Fault> {
    let mut n = 0;
    for (i, byte) in text[from..].iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return if i == 0 { Err(fault) } else { Ok(Some((n, from + i))) };
        }
        if i == DIGITS_MAX {
            return Err(fault);
        }
        n = n * 10 + u32::from(digit);
    }
    Ok(None)
}

const _: () = assert!(len32(HEADER_BYTES_MAX) < 64);
