//! RELP frames, written anew here, so that they do not share a fault with the relay under test.
//!
//! `TXNR SP COMMAND SP DATALEN [SP DATA] LF`

use std::io;

/// What either side offers when a session is opened.
pub(super) const OFFERS: &[u8] = b"relp_version=0\nrelp_software=bongsu-bench,1\ncommands=syslog";
/// After it the transaction numbers begin again (librelp).
const NUMBER_MAX: u64 = 999_999_999;

/// One frame of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub number: u64,
    pub command: &'a [u8],
    pub data: &'a [u8],
}

/// The transaction number behind `number`.
pub(super) const fn following(number: u64) -> u64 {
    number % NUMBER_MAX + 1
}

/// Appends a frame to `out`.
pub(super) fn write(out: &mut Vec<u8>, frame: Frame<'_>) {
    out.extend_from_slice(format!("{} ", frame.number).as_bytes());
    out.extend_from_slice(frame.command);
    out.extend_from_slice(format!(" {}", frame.data.len()).as_bytes());
    if !frame.data.is_empty() {
        out.push(b' ');
        out.extend_from_slice(frame.data);
    }
    out.push(b'\n');
}

/// The first frame of `bytes` and its length; `None` if it is not whole yet.
///
/// # Errors
/// If no frame begins there.
pub(super) fn read(bytes: &[u8]) -> io::Result<Option<(Frame<'_>, usize)>> {
    let wrong = || io::Error::new(io::ErrorKind::InvalidData, "no RELP frame");
    let mut fields = bytes.splitn(3, |byte| *byte == b' ');
    let (Some(number), Some(command), Some(tail)) = (fields.next(), fields.next(), fields.next())
    else {
        return Ok(None);
    };
    let digits = tail.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == tail.len() {
        return Ok(None);
    }
    let parse = |digits| std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok());
    let number = parse(number).ok_or_else(wrong)?;
    let length = parse(&tail[..digits]).and_then(|n| usize::try_from(n).ok()).ok_or_else(wrong)?;
    let start = if length == 0 { digits } else { digits + 1 };
    match tail.get(start + length) {
        None => Ok(None),
        Some(b'\n') => {
            let frame = Frame { number, command, data: &tail[start..start + length] };
            Ok(Some((frame, bytes.len() - tail.len() + start + length + 1)))
        }
        Some(_) => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_as_they_were_written() {
        let frames = [
            Frame { number: 1, command: b"open", data: OFFERS },
            Frame { number: 999_999_999, command: b"syslog", data: b"<13>a b\nc" },
            Frame { number: 2, command: b"close", data: b"" },
        ];
        let mut bytes = Vec::new();
        frames.iter().for_each(|frame| write(&mut bytes, *frame));
        let mut rest = bytes.as_slice();
        for frame in frames {
            let (found, used) = read(rest).unwrap().unwrap();
            assert_eq!(found, frame);
            assert!((0..used).all(|cut| read(&rest[..cut]).unwrap().is_none()));
            rest = &rest[used..];
        }
        assert!(rest.is_empty());
        assert!(read(b"x syslog 1 a\n").is_err());
        assert!(read(b"1 syslog 1 ab\n").is_err());
        assert_eq!((following(1), following(999_999_999)), (2, 1));
    }
}
