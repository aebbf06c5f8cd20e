//! Lints that are switched off: on the command line, or by a comment in the configuration.

use std::collections::HashMap;
use std::collections::HashSet;

use bstr::ByteSlice;

use crate::base::diag::Loc;
use crate::base::diag::Severity;
use crate::base::diag::SourceMap;
use crate::base::diag::nearest;
use crate::engine::lint::Findings;
use crate::engine::lint::Lint;
use crate::engine::lint::Survey;
use crate::engine::lint::lints;

const MARK: &[u8] = b"bongsu: allow";

pub(super) static LINTS: &[&Lint] = &[&UNKNOWN_ALLOW];

static UNKNOWN_ALLOW: Lint = Lint {
    id: "unknown-allow",
    severity: Severity::Note,
    what: "A comment allows a lint that does not exist.",
    why: "It switches nothing off.",
    help: "`bongsu check --lints` lists all of them",
};

/// What is switched off, and where.
#[derive(Debug, Default)]
pub(super) struct Allowed {
    everywhere: HashSet<String>,
    /// By file and the offset at which a line begins.
    lines: HashMap<(u32, usize), Vec<&'static str>>,
    /// Names in comments that no lint has.
    unknown: Vec<(String, Loc)>,
}

impl Allowed {
    pub(super) fn read(sources: &SourceMap, everywhere: &[String]) -> Self {
        let everywhere = everywhere.iter().cloned().collect();
        let mut allowed = Self { everywhere, ..Self::default() };
        for file in (0..).map_while(|at| sources.file(at).map(|file| (at, file))) {
            allowed.read_file(file.0, &file.1.text);
        }
        allowed
    }

    fn read_file(&mut self, file: u32, text: &[u8]) {
        for at in text.find_iter(MARK) {
            let begin = text[..at].rfind_byte(b'\n').map_or(0, |at| at + 1);
            let end = text[at..].find_byte(b'\n').map_or(text.len(), |length| at + length);
            if !text[begin..at].contains(&b'#') {
                continue;
            }
            // A comment with a line of its own is about the next line, else about its own.
            let own = text[begin..at].trim_start().starts_with(b"#");
            let line = if own { code_line(text, end) } else { begin };
            let mut from = at + MARK.len();
            while from < end {
                let is_name = |b: &u8| b.is_ascii_alphanumeric() || *b == b'-';
                let Some(start) = text[from..end].iter().position(is_name) else { break };
                let start = from + start;
                let length = text[start..end].iter().take_while(|b| is_name(b)).count();
                self.name(
                    &text[start..start + length],
                    Loc::new(file, start, start + length),
                    line,
                );
                from = start + length;
                // What stands behind the names, with no comma before it, is a reason.
                let next = text[from..end].trim_start();
                if !next.starts_with(b",") {
                    break;
                }
            }
        }
    }

    fn name(&mut self, name: &[u8], loc: Loc, line: usize) {
        match lints().find(|lint| lint.id.as_bytes() == name) {
            Some(lint) => self.lines.entry((loc.file, line)).or_default().push(lint.id),
            None => self.unknown.push((name.to_str_lossy().into_owned(), loc)),
        }
    }

    /// Whether the lint is switched off for the line in which `loc` begins.
    pub(super) fn covers(&self, id: &'static str, sources: &SourceMap, loc: Loc) -> bool {
        if self.everywhere.contains(id) {
            return true;
        }
        if self.lines.is_empty() {
            return false;
        }
        let Some(file) = sources.file(loc.file) else { return false };
        let before = &file.text[..(loc.start as usize).min(file.text.len())];
        let begin = before.rfind_byte(b'\n').map_or(0, |at| at + 1);
        self.lines.get(&(loc.file, begin)).is_some_and(|ids| ids.contains(&id))
    }
}

/// Where the first line behind `end` begins that is neither empty nor a comment.
fn code_line(text: &[u8], end: usize) -> usize {
    let mut begin = (end + 1).min(text.len());
    loop {
        let rest = &text[begin..];
        let length = rest.find_byte(b'\n').unwrap_or(rest.len());
        let line = rest[..length].trim();
        if begin + length >= text.len() || !(line.is_empty() || line.starts_with(b"#")) {
            return begin;
        }
        begin += length + 1;
    }
}

pub(super) fn look(_: &Survey<'_>, found: &mut Findings<'_>) {
    for (name, loc) in &found.allowed.unknown {
        let near = nearest(name, lints().map(|lint| lint.id));
        let near = near.map_or_else(String::new, |near| format!(": did you mean '{near}'?"));
        found.add(&UNKNOWN_ALLOW, *loc, format!("there is no lint '{name}'{near}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(text: &str, everywhere: &[&str]) -> (SourceMap, Allowed) {
        let mut sources = SourceMap::default();
        sources.add("a.conf", text.as_bytes());
        let everywhere: Vec<_> = everywhere.iter().map(ToString::to_string).collect();
        let allowed = Allowed::read(&sources, &everywhere);
        (sources, allowed)
    }

    #[test]
    fn comments_are_about_their_line_or_the_next() {
        let text = "# bongsu: allow udp-forward, no-queue because\n\n# x\n*.* @h\n*.* @h # bongsu: allow udp-forward\n*.* @h\n";
        let (sources, allowed) = allowed(text, &[]);
        let covers = |id, line: &str, nth: usize| {
            let at = text.match_indices(line).nth(nth).unwrap().0;
            allowed.covers(id, &sources, Loc::new(0, at, at + 1))
        };
        assert!(covers("udp-forward", "*.*", 0));
        assert!(covers("no-queue", "*.*", 0));
        assert!(covers("udp-forward", "@h #", 0));
        assert!(!covers("no-queue", "@h #", 0));
        assert!(!covers("udp-forward", "*.*", 2));
        assert!(allowed.unknown.is_empty());
    }

    #[test]
    fn text_that_is_no_comment_allows_nothing() {
        let (_, quiet) = allowed("a bongsu: allow udp-forward\n", &[]);
        assert!(quiet.lines.is_empty());
        let (_, last) = allowed("# bongsu: allow no-such-thing", &["no-queue"]);
        assert_eq!(last.unknown[0].0, "no-such-thing");
        assert_eq!(last.unknown[0].1, Loc::new(0, 16, 29));
        assert!(last.everywhere.contains("no-queue"));
    }
}
