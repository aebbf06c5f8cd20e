//! The text of one file as the parser sees it: physical lines joined to logical ones as rsyslog
//! does before it looks at anything else, with a map back to the place in the file.

use crate::base::diag::Loc;

/// A map from offsets here to offsets there: `(here, there)` where a run of bytes begins that was
/// taken over unchanged.
#[derive(Debug, Default)]
pub(super) struct Runs(Vec<(usize, usize)>);

impl Runs {
    /// What is at `here` came from `there`; `here` does not go back.
    pub(super) fn push(&mut self, here: usize, there: usize) {
        let follows = self.0.last().is_some_and(|(h, t)| t + (here - h) == there);
        if !follows {
            self.0.push((here, there));
        }
    }

    fn there(&self, here: usize) -> usize {
        let at = self.0.partition_point(|(h, _)| *h <= here);
        self.0.get(at.wrapping_sub(1)).map_or(here, |(h, t)| t + (here - h))
    }
}

/// Where a text stands that is a part of a file in another form: a scalar of YAML.
#[derive(Debug)]
pub(super) struct Outside {
    /// The whole of it.
    pub(super) loc: Loc,
    /// From offsets of the text to offsets of the file, if they are known.
    pub(super) runs: Option<Runs>,
}

/// Joined text. Offsets of the parser are offsets into [`Source::text`].
#[derive(Debug)]
pub(super) struct Source {
    file: u32,
    /// Length of the file's own text.
    length: usize,
    pub(super) text: Vec<u8>,
    runs: Runs,
    /// Offsets in the joined text at which a backslash joined two lines.
    joints: Vec<usize>,
    outside: Option<Outside>,
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
            runs: Runs::default(),
            joints: Vec::new(),
            outside: None,
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

    /// A text that stands somewhere inside of a file. rsyslog joins lines where it reads files, so
    /// the backslash at the end of a line of this is a character like others.
    pub(super) fn embedded(raw: &[u8], outside: Outside) -> Self {
        let mut text = raw.to_vec();
        if !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        Self { length: raw.len(), text, outside: Some(outside), ..Self::new(0, b"") }
    }

    fn run(&mut self, original: usize) {
        self.runs.push(self.text.len(), original);
    }

    /// The place of `start..end` of the joined text.
    pub(super) fn loc(&self, start: usize, end: usize) -> Loc {
        let (start, last) = match end.min(self.text.len()) {
            end if end > start => (self.runs.there(start), self.runs.there(end - 1) + 1),
            _ => (self.runs.there(start), self.runs.there(start)),
        };
        let (start, last) = (start.min(self.length), last.min(self.length));
        match &self.outside {
            None => Loc::new(self.file, start, last),
            Some(Outside { loc, runs: None }) => *loc,
            Some(Outside { loc, runs: Some(runs) }) => {
                let end = if last > start { runs.there(last - 1) + 1 } else { runs.there(start) };
                let end = end.min(loc.end as usize);
                Loc::new(loc.file, runs.there(start).min(end), end)
            }
        }
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

    #[test]
    fn places_of_an_embedded_text_are_those_of_its_file() {
        let mut runs = Runs::default();
        runs.push(0, 10);
        runs.push(3, 20);
        let loc = Loc::new(7, 10, 24);
        let source = Source::embedded(b"ab\ncd  \n", Outside { loc, runs: Some(runs) });
        assert_eq!(source.loc(1, 2), Loc::new(7, 11, 12));
        assert_eq!(source.loc(1, 4), Loc::new(7, 11, 21));
        assert_eq!(source.loc(5, 9), Loc::new(7, 22, 24));
        assert_eq!(source.text, b"ab\ncd  \n");
        let source = Source::embedded(b"abc", Outside { loc, runs: None });
        assert_eq!(source.loc(1, 2), loc);
    }
}
