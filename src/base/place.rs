//! Lines and columns of many places, looked up without reading a file again for each.

use std::cell::OnceCell;

use bstr::ByteSlice;

use crate::base::diag::Loc;
use crate::base::diag::SourceFile;
use crate::base::diag::SourceMap;
use crate::base::num::len32;

/// In lines longer than this, characters are counted ahead every so many bytes.
const STRIDE: usize = 1 << 10;

/// A line and a column, both from 1. The column counts characters; what is no UTF-8 counts as it
/// is shown, one for each U+FFFD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// The places of one [`SourceMap`]. A file is read once, when its first place is asked for.
#[derive(Debug)]
pub struct Places<'a> {
    sources: &'a SourceMap,
    /// By file; files without complaints are never read.
    indexes: Vec<OnceCell<Index>>,
}

impl<'a> Places<'a> {
    #[must_use]
    pub fn new(sources: &'a SourceMap) -> Self {
        let indexes = (0..sources.len()).map(|_| OnceCell::new()).collect();
        Self { sources, indexes }
    }

    #[must_use]
    pub fn file(&self, loc: Loc) -> Option<&'a SourceFile> {
        self.sources.file(loc.file)
    }

    /// Where `loc` begins; 1:1 if there is no such file.
    #[must_use]
    pub fn start(&self, loc: Loc) -> Position {
        self.position(loc.file, loc.start as usize)
    }

    /// Where `loc` has ended: one behind its last character.
    #[must_use]
    pub fn end(&self, loc: Loc) -> Position {
        self.position(loc.file, loc.end.max(loc.start) as usize)
    }

    /// The line in which `loc` begins, without its line feed, and the line's offset in the file.
    #[must_use]
    pub fn line(&self, loc: Loc) -> Option<(&'a [u8], usize)> {
        let (text, index) = self.indexed(loc.file)?;
        let (begin, end) = index.line((loc.start as usize).min(text.len()));
        let line = &text[begin..end.unwrap_or(text.len())];
        Some((line.strip_suffix(b"\n").unwrap_or(line), begin))
    }

    fn position(&self, file: u32, at: usize) -> Position {
        let indexed = self.indexed(file);
        indexed.map_or(Position { line: 1, column: 1 }, |(text, index)| {
            index.position(text, at.min(text.len()))
        })
    }

    fn indexed(&self, file: u32) -> Option<(&'a [u8], &Index)> {
        let text = &*self.sources.file(file)?.text;
        let cell = self.indexes.get(file as usize)?;
        Some((text, cell.get_or_init(|| Index::new(text))))
    }
}

/// What is known of one file's text.
#[derive(Debug)]
struct Index {
    /// Where each line begins.
    lines: Vec<u32>,
    /// In long lines: an offset, and the characters between the line's beginning and it.
    marks: Vec<(u32, u32)>,
}

impl Index {
    fn new(text: &[u8]) -> Self {
        let mut lines = vec![0];
        lines.extend(memchr::memchr_iter(b'\n', text).map(|at| len32(at + 1)));
        let mut marks = Vec::new();
        for (i, begin) in lines.iter().enumerate() {
            let begin = *begin as usize;
            let end = lines.get(i + 1).map_or(text.len(), |next| *next as usize);
            if end - begin > STRIDE {
                count_ahead(&text[begin..end], begin, &mut marks);
            }
        }
        Self { lines, marks }
    }

    /// Where the line of `at` begins, and where the next one does.
    fn line(&self, at: usize) -> (usize, Option<usize>) {
        let next = self.lines.partition_point(|begin| *begin as usize <= at);
        (self.lines[next - 1] as usize, self.lines.get(next).map(|next| *next as usize))
    }

    fn position(&self, text: &[u8], at: usize) -> Position {
        let before = |offset: &u32| *offset as usize <= at;
        let line = self.lines.partition_point(before);
        let begin = self.lines[line - 1] as usize;
        let mark = self.marks.partition_point(|(offset, _)| before(offset)).checked_sub(1);
        let mark = mark.map(|i| self.marks[i]).filter(|(offset, _)| *offset as usize > begin);
        let (from, counted) = mark.map_or((begin, 0), |(o, n)| (o as usize, n as usize));
        let rest = String::from_utf8_lossy(&text[from..at]).chars().count();
        Position { line, column: 1 + counted + rest }
    }
}

fn count_ahead(line: &[u8], begin: usize, marks: &mut Vec<(u32, u32)>) {
    let mut next = STRIDE;
    for (count, (start, _, _)) in line.char_indices().enumerate() {
        if start >= next {
            marks.push((len32(begin + start), len32(count)));
            next = start + STRIDE;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::Just;
    use proptest::prelude::Strategy;
    use proptest::prelude::any;
    use proptest::prelude::prop_oneof;

    use super::*;

    /// Text of all kinds, with lines longer than the stride.
    fn text() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            any::<u8>().prop_map(|byte| vec![byte]),
            Just("한".as_bytes().to_vec()),
            Just(b"\xed\x95".to_vec()),
            Just(b"\n".to_vec()),
            (1..3_000_usize).prop_map(|n| vec![b'a'; n]),
            (1..900_usize).prop_map(|n| "봉".repeat(n).into_bytes()),
        ];
        vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest::proptest! {
        #[test]
        fn an_index_finds_what_counting_finds(text in text(), ats in vec(0..20_000_u32, 1..8)) {
            let mut sources = SourceMap::default();
            let file = sources.add("a.conf", &text);
            let places = Places::new(&sources);
            for at in ats {
                let loc = Loc { file, start: at, end: at };
                let Position { line, column } = places.start(loc);
                proptest::prop_assert_eq!((line, column), sources.position(loc), "at {}", at);
            }
        }
    }

    #[test]
    fn ends_are_behind_the_last_character() {
        let mut sources = SourceMap::default();
        let file = sources.add("a.conf", "로그 {\n}\n".as_bytes());
        let places = Places::new(&sources);
        let loc = Loc::new(file, 7, 10);
        assert_eq!(places.start(loc), Position { line: 1, column: 4 });
        assert_eq!(places.end(loc), Position { line: 2, column: 2 });
        let nowhere = Loc { file: 7, start: 3, end: 4 };
        assert_eq!(places.start(nowhere), Position { line: 1, column: 1 });
    }

    /// One line of ten megabytes with a hundred thousand places in it: counting from the line's
    /// beginning each time would take hours.
    #[test]
    fn many_places_in_one_long_line() {
        let mut sources = SourceMap::default();
        let text = vec![b'a'; 10 << 20];
        let file = sources.add("a.conf", &text);
        let places = Places::new(&sources);
        for at in (0..10 << 20).step_by(100) {
            let place = places.start(Loc { file, start: at, end: at });
            assert_eq!(place, Position { line: 1, column: at as usize + 1 });
        }
    }
}
