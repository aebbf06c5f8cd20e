//! The file of positions: lines of JSON, each behind a checksum. It is written whole, and what
//! changes is added behind it; the last line about a file counts.

use serde::Deserialize;
use serde::Serialize;

use crate::input::file::identity::Head;
use crate::input::file::identity::Identity;
use crate::input::file::split::Position;

/// The first line: what it is, and the version of the form.
pub(super) const HEADER: &[u8] = b"bongsu imfile 1\n";

/// What is known of a file that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::input::file) struct Known {
    /// Whose position it is: two inputs may read one file.
    pub(in crate::input::file) input: String,
    /// What messages say of it, and where it is: a link may lead there.
    pub(in crate::input::file) path: String,
    pub(in crate::input::file) place: String,
    pub(in crate::input::file) identity: Identity,
}

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Record {
    File(u32, Known, Position),
    At(u32, Position),
    Gone(u32),
}

#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Line {
    n: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<File>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<u64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    rest: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    done: Option<[u64; 3]>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct File {
    input: String,
    path: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    place: String,
    device: u64,
    inode: u64,
    born: u64,
    head: usize,
    sum: u32,
}

impl Line {
    fn at(position: &Position) -> Self {
        let Position { at, rest, done } = *position;
        let done = (done != [0; 3]).then_some(done);
        Self { at: Some(at), rest, done, ..Self::default() }
    }
}

impl Record {
    /// Appends it as a line.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let line = match self {
            Self::File(n, known, at) => {
                let Known { input, path, place, identity } = known.clone();
                let place = if place == path { String::new() } else { place };
                let Identity { device, inode, born, head } = identity;
                let Head { bytes: head, sum } = head;
                let file = Some(File { input, path, place, device, inode, born, head, sum });
                Line { n: *n, file, ..Line::at(at) }
            }
            Self::At(n, at) => Line { n: *n, ..Line::at(at) },
            Self::Gone(n) => Line { n: *n, ..Line::default() },
        };
        // Numbers and texts can always be written.
        let Ok(text) = serde_json::to_string(&line) else { return };
        let sum = crc32c::crc32c(text.as_bytes());
        out.extend_from_slice(format!("{sum:08x} {text}\n").as_bytes());
    }

    /// Reads a line, without its end. `None` if it is damaged.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        let (sum, text) = line.split_at_checked(8)?;
        let text = text.strip_prefix(b" ")?;
        let sum = u32::from_str_radix(std::str::from_utf8(sum).ok()?, 16).ok()?;
        if crc32c::crc32c(text) != sum {
            return None;
        }
        let Line { n, file, at, rest, done } = serde_json::from_slice(text).ok()?;
        let at = at.map(|at| Position { at, rest, done: done.unwrap_or_default() });
        Some(match (file, at) {
            (Some(file), Some(at)) => {
                let File { input, path, place, device, inode, born, head, sum } = file;
                let place = if place.is_empty() { path.clone() } else { place };
                let identity = Identity { device, inode, born, head: Head { bytes: head, sum } };
                Self::File(n, Known { input, path, place, identity }, at)
            }
            (None, Some(at)) => Self::At(n, at),
            (_, None) => Self::Gone(n),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written_and_not_when_it_is_damaged() {
        let head = Head { bytes: 256, sum: 7 };
        let identity = Identity { device: 1, inode: u64::MAX, born: 3, head };
        let (input, path, place) = ("/x/*|t".into(), "/x/\n\"ä".into(), "/y".into());
        let known = Known { input, path, place, identity };
        let at = Position { at: 1 << 40, rest: true, done: [1 << 40, 7, 1 << 41] };
        for record in [Record::File(1, known, at), Record::At(u32::MAX, at), Record::Gone(0)] {
            let mut line = Vec::new();
            record.write(&mut line);
            assert_eq!(line.pop(), Some(b'\n'));
            assert_eq!(Record::read(&line).unwrap(), record);
            for length in 0..line.len() {
                assert_eq!(Record::read(&line[..length]), None, "torn at {length}");
            }
            for at in 0..line.len() {
                let mut damaged = line.clone();
                damaged[at] ^= 1;
                assert_eq!(Record::read(&damaged), None, "damaged at {at}");
            }
        }
    }
}
