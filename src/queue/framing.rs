//! What makes one message of a stream out of rendered bytes (RFC 6587 §3.4).

use crate::parse::relp;

/// How messages are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameStyle {
    /// They are not: a datagram each, or a file whose template says what stands between them.
    None,
    /// This byte ends a message; it is appended unless the message ends with it already.
    Delimiter(u8),
    /// The same for a peer that takes a leading `z` for rsyslog's mark of a compressed message: one
    /// that begins so is counted.
    Traditional(u8),
    /// The length in decimal digits and a space come first.
    OctetCounted,
    /// A RELP frame, whose number is written when it is sent.
    Relp,
}

/// What an output needs done to each message behind its rendering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framing {
    pub style: FrameStyle,
    /// The message is cut here first: rsyslog's omfwd sends at most `maxMessageSize` bytes of
    /// what a template made. `usize::MAX` where there is no such limit.
    pub max_bytes: usize,
}

impl Framing {
    /// As it was rendered.
    pub const NONE: Self = Self { style: FrameStyle::None, max_bytes: usize::MAX };

    #[must_use]
    pub const fn lines() -> Self {
        Self { style: FrameStyle::Delimiter(b'\n'), max_bytes: usize::MAX }
    }
}

/// Frames the message that was rendered to `out[start..]`.
///
/// # Panics
/// If `start` is past the end of `out`.
#[inline]
pub fn frame(out: &mut Vec<u8>, start: usize, framing: Framing) {
    if out.len() - start > framing.max_bytes {
        out.truncate(start + framing.max_bytes);
    }
    match framing.style {
        FrameStyle::None => {}
        FrameStyle::Traditional(_) if out.get(start) == Some(&b'z') => prepend_count(out, start),
        FrameStyle::Delimiter(delimiter) | FrameStyle::Traditional(delimiter) => {
            // For an empty message rsyslog looks at the byte before its buffer, which is 0, so
            // that with the delimiter 0 it sends nothing at all.
            let last = if out.len() > start { out[out.len() - 1] } else { 0 };
            if last != delimiter {
                out.push(delimiter);
            }
        }
        FrameStyle::OctetCounted => prepend_count(out, start),
        FrameStyle::Relp => relp::frame_syslog(out, start),
    }
}

fn prepend_count(out: &mut Vec<u8>, start: usize) {
    // A usize has at most 20 digits.
    let mut text = [b' '; 21];
    let mut at = text.len() - 1;
    let mut rest = out.len() - start;
    loop {
        at -= 1;
        text[at] = DIGITS[rest % 10];
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    let count = &text[at..];
    let end = out.len();
    out.resize(end + count.len(), 0);
    out.copy_within(start..end, start + count.len());
    out[start..start + count.len()].copy_from_slice(count);
}

const DIGITS: [u8; 10] = *b"0123456789";

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn framed(style: FrameStyle, message: &[u8]) -> Vec<u8> {
        let mut out = b"before".to_vec();
        out.extend_from_slice(message);
        frame(&mut out, 6, Framing { style, max_bytes: 8096 });
        assert_eq!(&out[..6], b"before");
        out.split_off(6)
    }

    /// Each expectation was seen from rsyslogd 8.2302.
    #[test]
    fn as_rsyslog_does() {
        let lf = FrameStyle::Traditional(b'\n');
        assert_eq!(framed(lf, b"zebra"), b"5 zebra");
        assert_eq!(framed(lf, b"hello"), b"hello\n");
        assert_eq!(framed(lf, b"hello\n"), b"hello\n");
        assert_eq!(framed(lf, b"a\nb"), b"a\nb\n");
        assert_eq!(framed(lf, b""), b"\n");
        assert_eq!(framed(lf, &[b'x'; 9000]), [&[b'x'; 8096][..], b"\n"].concat());
        let nul = FrameStyle::Traditional(0);
        assert_eq!(framed(nul, b"hello\n"), b"hello\n\0");
        assert_eq!(framed(nul, b""), b"");
        assert_eq!(framed(FrameStyle::OctetCounted, b"hello"), b"5 hello");
        assert_eq!(framed(FrameStyle::OctetCounted, b"hello\n"), b"6 hello\n");
        assert_eq!(framed(FrameStyle::OctetCounted, b""), b"0 ");
        assert_eq!(
            framed(FrameStyle::OctetCounted, &[b'x'; 9000]),
            [b"8096 ", &[b'x'; 8096][..]].concat()
        );
        assert_eq!(framed(FrameStyle::None, b"hello"), b"hello");
    }

    proptest! {
        #[test]
        fn counts_are_what_format_writes(message in vec(any::<u8>(), 0..1200)) {
            let mut expected = format!("{} ", message.len()).into_bytes();
            expected.extend_from_slice(&message);
            prop_assert_eq!(framed(FrameStyle::OctetCounted, &message), expected);
        }
    }
}
