//! systemd's export format (<https://systemd.io/JOURNAL_EXPORT_FORMATS>), as it arrives: a field a
//! line, `NAME=value`; one with line feeds or other control characters in it as the name alone, the
//! length in eight bytes, the value; behind an entry an empty line.

use crate::base::span::Span;

/// Bytes of a field's name. The journal takes 64.
const NAME_BYTES_MAX: usize = 128;
/// Fields of an entry. The journal takes 1024.
const FIELDS_MAX: usize = 2048;
/// Bytes of an entry's names and values that are kept: what is beyond is cut off.
pub(super) const ENTRY_BYTES_MAX: usize = 8 << 20;

/// Why a stream cannot be read any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotExport;

/// Takes a stream apart, one entry after the other.
#[derive(Debug, Default)]
pub(super) struct Export {
    entry: Entry,
    at: At,
    /// The entry has been handed out: the next byte begins another.
    done: bool,
}

/// An entry, whole or on its way.
#[derive(Debug, Default)]
pub(super) struct Entry {
    data: Vec<u8>,
    fields: Vec<(Span, Span)>,
    /// `__CURSOR`
    pub(super) cursor: Vec<u8>,
    /// `__REALTIME_TIMESTAMP`: microseconds since 1970.
    pub(super) realtime: u64,
    /// Something of it was cut off.
    pub(super) cut: bool,
    /// Where `_BOOT_ID` stood, which the format puts in front of all others.
    boot: Option<(Span, Span)>,
}

/// What the next byte is.
#[derive(Clone, Copy, Debug)]
enum At {
    /// A name's, which begins there.
    Name(usize),
    /// A value's in a line.
    Line(Span, usize),
    /// A length's: those that came, and what they say.
    Length(Span, u32, u64),
    /// One of so many of a value.
    Counted(Span, usize, u64),
    /// The line feed behind such a value.
    End,
}

impl Default for At {
    fn default() -> Self {
        Self::Name(0)
    }
}

impl Entry {
    /// Names and values, in the journal's order; some names come more than once.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields.iter().map(|(name, value)| (name.of(&self.data), value.of(&self.data)))
    }

    /// The first value of that name.
    pub(super) fn first(&self, wanted: &[u8]) -> Option<&[u8]> {
        self.fields().find(|(name, _)| *name == wanted).map(|(_, value)| value)
    }

    fn clear(&mut self) {
        self.data.clear();
        self.fields.clear();
        self.cursor.clear();
        (self.realtime, self.cut, self.boot) = (0, false, None);
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = ENTRY_BYTES_MAX.saturating_sub(self.data.len());
        self.cut |= bytes.len() > room;
        self.data.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// The value that begins at `start` and ends here is whole.
    fn add(&mut self, name: Span, start: usize) {
        let value = Span::new(start, self.data.len());
        match name.of(&self.data) {
            b"__CURSOR" => self.cursor.extend_from_slice(value.of(&self.data)),
            b"__REALTIME_TIMESTAMP" => {
                let digits = std::str::from_utf8(value.of(&self.data)).unwrap_or_default();
                self.realtime = digits.parse().unwrap_or(0);
            }
            b"_BOOT_ID" => return self.boot = Some((name, value)),
            known if known.starts_with(b"__") => {}
            _ if self.fields.len() >= FIELDS_MAX => self.cut = true,
            known => {
                // journald writes the two together, and libsystemd gives them in that order.
                if known == b"_MACHINE_ID" {
                    self.fields.extend(self.boot.take());
                }
                return self.fields.push((name, value));
            }
        }
        self.data.truncate(name.start as usize);
    }
}

impl Export {
    /// The entry that is complete.
    pub(super) const fn entry(&self) -> &Entry {
        &self.entry
    }

    /// Forgets what there is of an entry: another stream begins.
    pub(super) fn restart(&mut self) {
        self.entry.clear();
        (self.at, self.done) = (At::default(), false);
    }

    /// Takes bytes until an entry is complete, or all; returns how many it took, and whether an
    /// entry is complete.
    ///
    /// # Errors
    /// The stream is not in this format.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(usize, bool), NotExport> {
        if std::mem::take(&mut self.done) {
            self.entry.clear();
        }
        let mut taken = 0;
        while taken < bytes.len() {
            let (used, complete) = self.step(&bytes[taken..])?;
            taken += used;
            if complete {
                self.done = true;
                self.entry.fields.extend(self.entry.boot.take());
                return Ok((taken, true));
            }
        }
        Ok((taken, false))
    }

    fn step(&mut self, bytes: &[u8]) -> Result<(usize, bool), NotExport> {
        let entry = &mut self.entry;
        let begin = |entry: &Entry| entry.data.len();
        match self.at {
            At::Name(start) => {
                let end = memchr::memchr2(b'=', b'\n', bytes);
                let part = &bytes[..end.unwrap_or(bytes.len())];
                if begin(entry) - start + part.len() > NAME_BYTES_MAX {
                    return Err(NotExport);
                }
                // A name is short: what is kept of values leaves it its place.
                entry.data.extend_from_slice(part);
                let name = Span::new(start, begin(entry));
                let Some(end) = end else { return Ok((part.len(), false)) };
                let line = bytes[end] == b'\n';
                if name.is_empty() {
                    return if line { Ok((end + 1, self.finish())) } else { Err(NotExport) };
                }
                let value = begin(entry);
                self.at = if line { At::Length(name, 0, 0) } else { At::Line(name, value) };
                Ok((end + 1, false))
            }
            At::Line(name, start) => {
                let end = memchr::memchr(b'\n', bytes);
                entry.keep(&bytes[..end.unwrap_or(bytes.len())]);
                let Some(end) = end else { return Ok((bytes.len(), false)) };
                entry.add(name, start);
                self.at = At::Name(begin(entry));
                Ok((end + 1, false))
            }
            At::Length(name, came, so_far) => {
                let length = so_far | u64::from(bytes[0]) << (8 * came);
                self.at = if came < 7 {
                    At::Length(name, came + 1, length)
                } else if length == 0 {
                    let start = begin(entry);
                    entry.add(name, start);
                    At::End
                } else {
                    At::Counted(name, begin(entry), length)
                };
                Ok((1, false))
            }
            At::Counted(name, start, left) => {
                let most = usize::try_from(left).unwrap_or(usize::MAX);
                let part = &bytes[..bytes.len().min(most)];
                entry.keep(part);
                let left = left - part.len() as u64;
                self.at = At::Counted(name, start, left);
                if left == 0 {
                    entry.add(name, start);
                    self.at = At::End;
                }
                Ok((part.len(), false))
            }
            At::End if bytes[0] == b'\n' => {
                self.at = At::Name(begin(entry));
                Ok((1, false))
            }
            At::End => Err(NotExport),
        }
    }

    /// At an empty line. Whether an entry ends there.
    fn finish(&mut self) -> bool {
        self.at = At::default();
        if self.entry.cursor.is_empty() {
            self.entry.clear();
            return false;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Read = Vec<(String, u64, Vec<(Vec<u8>, Vec<u8>)>)>;

    /// All entries of a stream that comes in parts of `step` bytes.
    fn read(stream: &[u8], step: usize) -> Result<Read, NotExport> {
        let (mut export, mut all) = (Export::default(), Vec::new());
        for mut part in stream.chunks(step) {
            while !part.is_empty() {
                let (taken, complete) = export.take(part)?;
                part = &part[taken..];
                if complete {
                    let entry = export.entry();
                    let owned = |(name, value): (&[u8], &[u8])| (name.to_vec(), value.to_vec());
                    let cursor = String::from_utf8(entry.cursor.clone()).unwrap();
                    all.push((cursor, entry.realtime, entry.fields().map(owned).collect()));
                }
            }
        }
        Ok(all)
    }

    fn field(name: &[u8], value: &[u8], counted: bool) -> Vec<u8> {
        if counted {
            let length = (value.len() as u64).to_le_bytes();
            [name, b"\n", &length, value, b"\n"].concat()
        } else {
            [name, b"=", value, b"\n"].concat()
        }
    }

    const TWO: &[u8] = b"__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=17\n__MONOTONIC_TIMESTAMP=3\n\
        _BOOT_ID=b\nA=1=2\n_MACHINE_ID=m\nB\n\x03\0\0\0\0\0\0\0x\ny\nC=\n\n\
        __CURSOR=s=1;i=3\n_BOOT_ID=b\nD\n\0\0\0\0\0\0\0\0\n\n";

    #[test]
    fn entries_however_they_are_cut() {
        let whole = read(TWO, TWO.len()).unwrap();
        let names = |n: usize| -> Vec<_> {
            whole[n]
                .2
                .iter()
                .map(|(k, v)| format!("{}|{}", k.escape_ascii(), v.escape_ascii()))
                .collect()
        };
        assert_eq!((whole.len(), whole[0].1), (2, 17));
        assert_eq!(names(0), ["A|1=2", "_BOOT_ID|b", "_MACHINE_ID|m", "B|x\\ny", "C|"]);
        assert_eq!(names(1), ["D|", "_BOOT_ID|b"]);
        for step in 1..TWO.len() {
            assert_eq!(read(TWO, step).unwrap(), whole);
        }
    }

    #[test]
    fn what_is_no_export() {
        let long = [b'N'; NAME_BYTES_MAX + 1];
        for bad in [&b"=x\n"[..], &long, b"A\n\x01\0\0\0\0\0\0\0xy\n"] {
            assert_eq!(read(bad, 7), Err(NotExport), "{}", bad.escape_ascii());
        }
        assert_eq!(read(b"-- nothing --\n", 3), Ok(Vec::new()));
    }

    #[test]
    fn a_huge_value_is_cut() {
        let value = vec![b'x'; ENTRY_BYTES_MAX + 5];
        let stream = [&b"__CURSOR=c\n"[..], &field(b"A", &value, true), b"B=1\n\n"].concat();
        let mut export = Export::default();
        assert_eq!(export.take(&stream), Ok((stream.len(), true)));
        assert!(export.entry().cut && export.entry().data.len() < ENTRY_BYTES_MAX + 64);
        assert_eq!(export.entry().first(b"B"), Some(&b""[..]));
    }

    proptest! {
        #[test]
        fn any_fields(
            entries in prop::collection::vec(
                prop::collection::vec(("[A-Z][A-Z_]{0,9}", prop::collection::vec(any::<u8>(), 0..40),
                    any::<bool>()), 0..6),
                0..5,
            ),
            step in 1_usize..50,
        ) {
            let (mut stream, mut expected) = (Vec::new(), Vec::new());
            for (n, fields) in entries.into_iter().enumerate() {
                stream.extend_from_slice(format!("__CURSOR=c{n}\n").as_bytes());
                let mut read = Vec::new();
                for (name, value, counted) in fields {
                    let counted = counted || value.contains(&b'\n');
                    stream.extend_from_slice(&field(name.as_bytes(), &value, counted));
                    read.push((name.into_bytes(), value));
                }
                stream.push(b'\n');
                expected.push((format!("c{n}"), 0, read));
            }
            prop_assert_eq!(read(&stream, step), Ok(expected));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(read(&bytes, 64).is_ok() || read(&bytes, 1).is_err());
        }
    }
}
