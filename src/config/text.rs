//! The text of one file as the parser sees it: physical lines joined to logical ones as rsyslog
//! does before it looks at anything else, with a map back to the place in the file.

use crate::base::diag::Loc;

/// Joined text. Offsets of the parser are offsets into [`Source::text`].
#[derive(Debug)]
pub(super) struct Source {
    file: u32,
    /// Length of the file's own text.
    length: usize,
    pub(super) text: Vec<u8>,
    /// `(joined, original)` where a run of bytes begins that was taken over unchanged.
    runs: Vec<(usize, usize)>,
    /// Offsets in the joined text at which a backslash joined two lines.
    joints: Vec<usize>,
}

const fn blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | 0x0b | 0x0c)
}

impl Source {
    /// Joins lines: blanks at a line's end go; a backslash that is then last joins the next line,
    /// whose leading blanks go too. This happens even in comments and strings.
    pub(super) fn new(file: u32, raw: &[u8]) -> Self {
        let mut source = Self {
            file,
            length: raw.len(),
            text: Vec::with_capacity(raw.len() + 1),
            runs: Vec::new(),
            joints: Vec::new(),
        };
        let mut continued = false;
        let mut offset = 0;
        while let Some(rest) = raw.get(offset..).filter(|rest| !rest.is_empty()) {
            let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let line = &rest[..length];
            let lead = if continued { line.iter().take_while(|b| blank(b)).count() } else { 0 };
            let kept = &line[lead..];
            let kept = &kept[..kept.iter().rposition(|b| !blank(b)).map_or(0, |at| at + 1)];
            let begin = offset + lead;
            continued = kept.ends_with(b"\\");
            let kept = kept.strip_suffix(b"\\").unwrap_or(kept);
            source.run(begin);
            source.text.extend_from_slice(kept);
            if continued {
                source.joints.push(source.text.len());
            } else {
                // The newline stands where the blanks before it begin.
                source.run(begin + kept.len());
                source.text.push(b'\n');
            }
            offset += length + 1;
        }
        if !source.text.ends_with(b"\n") {
            source.run(raw.len());
            source.text.push(b'\n');
        }
        source
    }

    fn run(&mut self, original: usize) {
        let joined = self.text.len();
        let follows = self.runs.last().is_some_and(|(j, o)| o + (joined - j) == original);
        if !follows {
            self.runs.push((joined, original));
        }
    }

    fn original(&self, joined: usize) -> usize {
        let at = self.runs.partition_point(|(j, _)| *j <= joined);
        self.runs.get(at.wrapping_sub(1)).map_or(joined, |(j, o)| o + (joined - j))
    }

    /// The place of `start..end` of the joined text.
    pub(super) fn loc(&self, start: usize, end: usize) -> Loc {
        let (start, last) = match end.min(self.text.len()) {
            end if end > start => (self.original(start), self.original(end - 1) + 1),
            _ => (self.original(start), self.original(start)),
        };
        Loc::new(self.file, start.min(self.length), last.min(self.length))
    }

    /// Whether a backslash joined two lines within `start..end`.
    pub(super) fn joined_within(&self, start: usize, end: usize) -> bool {
        let at = self.joints.partition_point(|joint| *joint < start);
        self.joints.get(at).is_some_and(|joint| *joint < end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_and_places_kept() {
        let raw = b"a \\ \r\n   b\\\nc\r\n\n# x";
        let source = Source::new(3, raw);
        assert_eq!(source.text, b"a bc\n\n# x\n");
        assert_eq!(source.loc(2, 3), Loc::new(3, 9, 10));
        assert_eq!(source.loc(3, 4), Loc::new(3, 12, 13));
        assert_eq!(source.loc(6, 9), Loc::new(3, 16, 19));
        assert!(source.joined_within(0, 4));
        assert!(!source.joined_within(6, 9));
    }

    #[test]
    fn a_blank_line_ends_a_continuation() {
        assert_eq!(Source::new(0, b"a \\\n\nb\n").text, b"a \nb\n");
        assert_eq!(Source::new(0, b"a\\").text, b"a\n");
        assert_eq!(Source::new(0, b"").text, b"\n");
    }
}
