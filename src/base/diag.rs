//! Diagnostics of configuration: where, what is wrong, what to write instead.

use std::fmt;
use std::sync::Arc;

use crate::base::num::len32;

/// A place in the configuration: a file of the [`SourceMap`] and byte offsets in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Loc {
    pub file: u32,
    pub start: u32,
    pub end: u32,
}

impl Loc {
    #[must_use]
    pub const fn new(file: u32, start: usize, end: usize) -> Self {
        Self { file, start: len32(start), end: len32(end) }
    }

    /// From the start of `self` to the end of `other`.
    #[must_use]
    pub const fn to(self, other: Self) -> Self {
        Self { file: self.file, start: self.start, end: other.end }
    }
}

/// One file (or embedded text) of the configuration.
#[derive(Clone, Debug)]
pub struct SourceFile {
    pub name: Arc<str>,
    pub text: Arc<[u8]>,
}

/// All the text that a configuration was read from.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
    /// Where each file was included.
    origins: Vec<Option<Loc>>,
    /// Where the lines of each file begin.
    lines: Vec<Arc<[u32]>>,
}

impl SourceMap {
    pub fn add(&mut self, name: &str, text: &[u8]) -> u32 {
        self.add_included(name, text, None)
    }

    /// Adds a file that is read in place of what stands at `origin`.
    pub fn add_included(&mut self, name: &str, text: &[u8], origin: Option<Loc>) -> u32 {
        self.files.push(SourceFile { name: name.into(), text: text.into() });
        self.origins.push(origin);
        let behind = memchr::memchr_iter(b'\n', text).map(|newline| len32(newline + 1));
        self.lines.push(std::iter::once(0).chain(behind).collect());
        len32(self.files.len() - 1)
    }

    /// Where the file was included, if it was.
    #[must_use]
    pub fn origin(&self, file: u32) -> Option<Loc> {
        self.origins.get(file as usize).copied().flatten()
    }

    /// Whether `a` was read before `b`, through all includes.
    #[must_use]
    pub fn precedes(&self, a: Loc, b: Loc) -> bool {
        self.path(a) < self.path(b)
    }

    /// A place as offsets, from the first file down to its own. Of files that are included at one
    /// place, the one that was opened later comes later.
    fn path(&self, loc: Loc) -> Vec<(u32, u32)> {
        let mut path = vec![(loc.file, loc.start)];
        let mut file = loc.file;
        while let Some(origin) = self.origin(file).filter(|origin| origin.file < file) {
            path.push((origin.file, origin.start));
            file = origin.file;
        }
        path.reverse();
        path
    }

    #[must_use]
    pub fn file(&self, file: u32) -> Option<&SourceFile> {
        self.files.get(file as usize)
    }

    /// How many files there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Line and column, both from 1; the column counts characters, not bytes. Reads all that
    /// stands before it: for many of them there is [`Places`](crate::base::place::Places).
    #[must_use]
    pub fn position(&self, loc: Loc) -> (usize, usize) {
        let Some(file) = self.file(loc.file) else { return (1, 1) };
        let before = &file.text[..(loc.start as usize).min(file.text.len())];
        let lines = self.lines.get(loc.file as usize).map_or(&[][..], |lines| lines);
        let line = lines.partition_point(|start| *start as usize <= before.len());
        let line_start = lines.get(line.saturating_sub(1)).map_or(0, |start| *start as usize);
        (line, 1 + String::from_utf8_lossy(&before[line_start..]).chars().count())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Accepted, and does something else than in rsyslog, or nothing.
    Note,
    /// Accepted as rsyslog does, but probably not what was meant.
    Warning,
    /// Not accepted. rsyslog's rule holds: what can run, runs; `-N1` exits with 1.
    Error,
}

/// One complaint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    pub loc: Loc,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
    /// The page of rsyslog's documentation that has the matter, and the term to look for there:
    /// `modules/imtcp: maxFrameSize`.
    pub term: Option<String>,
    /// The configuration is right, and this version cannot do what it says.
    pub unbuilt: bool,
    /// The lint that found it (`bongsu check`); it can be switched off by this name.
    pub lint: Option<&'static str>,
}

impl Diagnostic {
    #[must_use]
    pub fn error(loc: Loc, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            loc,
            message: message.into(),
            help: None,
            term: None,
            unbuilt: false,
            lint: None,
        }
    }

    #[must_use]
    pub fn warning(loc: Loc, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(loc, message) }
    }

    #[must_use]
    pub fn note(loc: Loc, message: impl Into<String>) -> Self {
        Self { severity: Severity::Note, ..Self::error(loc, message) }
    }

    /// A warning: rsyslog does this, we mean to, and this version does not. What is meant is left
    /// out of what runs.
    #[must_use]
    pub fn unbuilt(loc: Loc, message: impl Into<String>) -> Self {
        Self { unbuilt: true, ..Self::warning(loc, message) }
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    #[must_use]
    pub fn term(mut self, term: impl Into<String>) -> Self {
        self.term = Some(term.into());
        self
    }
}

/// Everything that was found, in the order in which it was found.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    pub all: Vec<Diagnostic>,
}

impl Diagnostics {
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.all.push(diagnostic);
    }

    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.errors() > 0
    }

    /// How many errors there are.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.all.iter().filter(|d| d.severity == Severity::Error).count()
    }

    /// What was said from the `from`th complaint on and names no term yet.
    pub fn without_term(&mut self, from: usize) -> impl Iterator<Item = &mut Diagnostic> {
        self.all.iter_mut().skip(from).filter(|diagnostic| diagnostic.term.is_none())
    }

    /// Names `term` in these.
    pub fn name_term(&mut self, from: usize, term: &str) {
        for diagnostic in self.without_term(from) {
            diagnostic.term = Some(term.to_owned());
        }
    }
}

/// A longer name is nobody's misspelling, and would take long to compare.
const NEAREST_MAX: usize = 64;

/// The name among `known` that is nearest to `name`, if any is near enough to be what was meant.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > NEAREST_MAX {
        return None;
    }
    let name = name.to_ascii_lowercase();
    known
        .into_iter()
        .map(|k| (strsim::damerau_levenshtein(&name, &k.to_ascii_lowercase()), k))
        .filter(|(distance, k)| *distance <= 1 + k.len().min(name.len()) / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, k)| k)
}

impl Severity {
    /// The word for it: `error`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters() {
        let mut map = SourceMap::default();
        let file = map.add("a.conf", "# 한글\n로그 x\n".as_bytes());
        assert_eq!(map.position(Loc::new(file, 9, 10)), (2, 1));
        assert_eq!(map.position(Loc::new(file, 16, 17)), (2, 4));
    }

    #[test]
    fn includes_are_read_where_they_stand() {
        let mut map = SourceMap::default();
        let main = map.add("main", b"aaa include bbb");
        let first = map.add_included("first", b"xx", Some(Loc::new(main, 4, 11)));
        let second = map.add_included("second", b"yy", Some(Loc::new(main, 4, 11)));
        let at = |file, start| Loc::new(file, start, start + 1);
        assert!(map.precedes(at(main, 0), at(first, 1)));
        assert!(map.precedes(at(first, 1), at(second, 0)));
        assert!(map.precedes(at(second, 1), at(main, 12)));
        assert!(!map.precedes(at(main, 12), at(first, 0)));
        assert_eq!(map.origin(first), Some(Loc::new(main, 4, 11)));
    }

    #[test]
    fn nearest_is_near() {
        assert_eq!(nearest("tagret", ["target", "port"]), Some("target"));
        assert_eq!(nearest("zzz", ["target", "port"]), None);
    }
}
