//! How messages are told apart in what goes out (RFC 6587).

/// The framing that an output asks its shards to apply while they render.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// As rendered: a datagram, or a line of a file whose template ends it.
    #[default]
    None,
    /// Ends with this byte, which is added unless it is there already (rsyslog omfwd
    /// `TCP_Framing="traditional"`, `TCP_FrameDelimiter`).
    Delimiter(u8),
    /// Length in decimal, a space, the message (RFC 6587 §3.4.1).
    OctetCounted,
}

impl Framing {
    /// Frames the message that stands at `out[start..]`.
    #[inline]
    pub fn frame(self, out: &mut Vec<u8>, start: usize) {
        match self {
            Self::None => {}
            Self::Delimiter(delimiter) => {
                if out.len() == start || out.last() != Some(&delimiter) {
                    out.push(delimiter);
                }
            }
            Self::OctetCounted => {
                let end = out.len();
                let mut digits = [0_u8; 20];
                let mut at = digits.len() - 1;
                digits[at] = b' ';
                let mut rest = end - start;
                loop {
                    at -= 1;
                    digits[at] = b"0123456789"[rest % 10];
                    rest /= 10;
                    if rest == 0 {
                        break;
                    }
                }
                let prefix = &digits[at..];
                out.extend_from_slice(prefix);
                out.copy_within(start..end, start + prefix.len());
                out[start..start + prefix.len()].copy_from_slice(prefix);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Framing;

    fn framed(framing: Framing, message: &[u8]) -> Vec<u8> {
        let mut out = b"before ".to_vec();
        out.extend_from_slice(message);
        framing.frame(&mut out, 7);
        out.split_off(7)
    }

    #[test]
    fn a_delimiter_is_added_once() {
        assert_eq!(framed(Framing::Delimiter(b'\n'), b"a b"), b"a b\n");
        assert_eq!(framed(Framing::Delimiter(b'\n'), b"a b\n"), b"a b\n");
        assert_eq!(framed(Framing::Delimiter(b'\n'), b""), b"\n");
        assert_eq!(framed(Framing::Delimiter(0), b"a\n"), b"a\n\0");
    }

    #[test]
    fn octets_are_counted() {
        assert_eq!(framed(Framing::OctetCounted, b"abc"), b"3 abc");
        assert_eq!(framed(Framing::OctetCounted, &[b'x'; 1234])[..6], *b"1234 x");
        assert_eq!(framed(Framing::OctetCounted, b""), b"0 ");
        assert_eq!(framed(Framing::None, b"abc"), b"abc");
    }
}
