//! Takes a byte stream apart into frames. The sink has its own way of doing this, so that it does
//! not share a fault with the relay it checks.

use clap::ValueEnum;
use memchr::memchr;

/// How the sink tells frames of a stream apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Framing {
    /// Frame by frame: octet counted if it begins with digits and a space
    Auto,
    /// Every frame ends at a line feed
    Lf,
    /// Every frame is octet counted
    Octet,
    /// RELP; each message is answered
    Relp,
}

/// Digits that a count may have.
const COUNT_DIGITS: usize = 8;

/// The first frame of what was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// `bytes[start..end]` is a frame, the next one begins at `next`.
    Frame { start: usize, end: usize, next: usize },
    /// The frame is not complete yet.
    More,
    /// No frame begins here.
    Broken,
}

/// Finds the first frame of `bytes`.
pub(super) fn cut(framing: Framing, bytes: &[u8]) -> Cut {
    match framing {
        Framing::Lf => line(bytes),
        Framing::Octet => counted(bytes),
        // Has answers, and so a way of its own.
        Framing::Relp => Cut::Broken,
        Framing::Auto => match counted(bytes) {
            Cut::Broken => line(bytes),
            found => found,
        },
    }
}

fn line(bytes: &[u8]) -> Cut {
    memchr(b'\n', bytes).map_or(Cut::More, |end| Cut::Frame { start: 0, end, next: end + 1 })
}

fn counted(bytes: &[u8]) -> Cut {
    let mut length = 0;
    for (at, &byte) in bytes.iter().take(COUNT_DIGITS + 1).enumerate() {
        match byte {
            b'0'..=b'9' if at < COUNT_DIGITS => length = length * 10 + usize::from(byte - b'0'),
            b' ' if at > 0 => {
                let (start, end) = (at + 1, at + 1 + length);
                return if end <= bytes.len() {
                    Cut::Frame { start, end, next: end }
                } else {
                    Cut::More
                };
            }
            _ => return Cut::Broken,
        }
    }
    Cut::More
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(framing: Framing, mut bytes: &[u8]) -> (Vec<&[u8]>, Cut) {
        let mut frames = Vec::new();
        loop {
            match cut(framing, bytes) {
                Cut::Frame { start, end, next } => {
                    frames.push(&bytes[start..end]);
                    bytes = &bytes[next..];
                }
                rest => return (frames, rest),
            }
        }
    }

    #[test]
    fn both_kinds_of_frame_are_told_apart_one_by_one() {
        let stream = b"<1>one\n7 <2>\n two<3>three\n2026-11-22T one\n5 <4>";
        let (frames, rest) = all(Framing::Auto, stream);
        assert_eq!(frames, [&b"<1>one"[..], b"<2>\n tw", b"o<3>three", b"2026-11-22T one"]);
        assert_eq!(rest, Cut::More);
    }

    #[test]
    fn a_fixed_framing_is_kept_to() {
        assert_eq!(all(Framing::Lf, b"3 abc\n").0, [b"3 abc"]);
        assert_eq!(all(Framing::Octet, b"3 abc<1>x\n").1, Cut::Broken);
        assert_eq!(cut(Framing::Octet, b"123456789 x"), Cut::Broken);
        assert_eq!(cut(Framing::Octet, b"12"), Cut::More);
        assert_eq!(cut(Framing::Auto, b""), Cut::More);
    }
}
