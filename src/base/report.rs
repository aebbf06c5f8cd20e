//! Diagnostics for people: place, reason, the line with a mark under it, and what to write.

use std::fmt::Write as _;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::Severity;
use crate::base::diag::SourceMap;

/// Longest part of a line that is shown, in characters.
const SHOWN_MAX: usize = 120;
/// Longest message or help, in characters; it may hold a word from the configuration.
const MESSAGE_MAX: usize = 400;
/// Characters shown before the mark if the line is longer than that.
const BEFORE_MAX: usize = 60;

struct Style {
    severity: &'static str,
    bold: &'static str,
    edge: &'static str,
    reset: &'static str,
}

impl Style {
    const fn of(severity: Severity, color: bool) -> Self {
        if !color {
            return Self { severity: "", bold: "", edge: "", reset: "" };
        }
        let severity = match severity {
            Severity::Error => "\x1b[1;31m",
            Severity::Warning => "\x1b[1;33m",
            Severity::Note => "\x1b[1;32m",
        };
        Self { severity, bold: "\x1b[1m", edge: "\x1b[1;34m", reset: "\x1b[0m" }
    }
}

/// All diagnostics as text, each with its line. The first line of each is
/// `file:line:column: severity: message`.
#[must_use]
pub fn render(diagnostics: &Diagnostics, sources: &SourceMap, color: bool) -> String {
    let mut out = String::new();
    for diagnostic in &diagnostics.all {
        if !out.is_empty() {
            out.push('\n');
        }
        render_one(diagnostic, sources, color, &mut out);
    }
    out
}

fn render_one(diagnostic: &Diagnostic, sources: &SourceMap, color: bool, out: &mut String) {
    let Diagnostic { severity, loc, message, help, .. } = diagnostic;
    let Style { severity: tint, bold, edge, reset } = Style::of(*severity, color);
    let file = sources.file(loc.file);
    let name = file.map_or("?", |file| file.name.as_ref());
    let (line, column) = sources.position(*loc);
    // Writing to a String cannot fail.
    _ = writeln!(
        out,
        "{bold}{name}:{line}:{column}:{reset} {tint}{severity}{reset}{bold}: {}{reset}",
        printable(message)
    );
    let gutter = line.to_string().len();
    if let Some(file) = file {
        let start = (loc.start as usize).min(file.text.len());
        let begin = memchr::memrchr(b'\n', &file.text[..start]).map_or(0, |at| at + 1);
        let end = memchr::memchr(b'\n', &file.text[start..])
            .map_or(file.text.len(), |length| start + length);
        let stop = (loc.end as usize).clamp(start, end);
        let shown = excerpt(&file.text[begin..end], start - begin, stop - begin);
        _ = writeln!(out, "{edge}{:gutter$} |{reset}", "");
        _ = writeln!(out, "{edge}{line} |{reset} {}", shown.text);
        let marks = "^".repeat(shown.marks);
        _ = writeln!(out, "{edge}{:gutter$} |{reset} {}{tint}{marks}{reset}", "", shown.before);
    }
    if let Some(help) = help {
        _ = writeln!(out, "{edge}{:gutter$} ={reset} {bold}help{reset}: {}", "", printable(help));
    }
}

struct Excerpt {
    text: String,
    /// Blanks of the width of what stands before the marks.
    before: String,
    marks: usize,
}

/// Part of a line around `start..end`, one character for each column.
fn excerpt(line: &[u8], start: usize, end: usize) -> Excerpt {
    let line = line.trim_ascii_end();
    let start = start.min(line.len());
    let end = end.min(line.len());
    // Of a long line only the neighbourhood is looked at; a character has up to four bytes.
    let skip = if line.len() > 4 * SHOWN_MAX { start.saturating_sub(BEFORE_MAX) } else { 0 };
    let skip = line[..skip].iter().rposition(|b| b & 0xc0 != 0x80).unwrap_or(0);
    let stop = line.len().min(start + 4 * SHOWN_MAX);
    let before: String = String::from_utf8_lossy(&line[skip..start])
        .chars()
        // A wide character takes two cells of a terminal, and so must what stands below it.
        .map(|c| if is_wide(c) { "  " } else { " " })
        .collect();
    let marked = String::from_utf8_lossy(&line[start..end.min(stop)]);
    let marks = marked.chars().take(SHOWN_MAX).map(|c| if is_wide(c) { 2 } else { 1 });
    let shown = String::from_utf8_lossy(&line[skip..stop]);
    Excerpt {
        text: shown.chars().map(visible).take(before.len() + SHOWN_MAX).collect(),
        before,
        marks: marks.sum::<usize>().max(1),
    }
}

/// Whether terminals show a character in two cells: Hangul, ideographs, full-width forms.
fn is_wide(character: char) -> bool {
    matches!(
        u32::from(character),
        0x1100..=0x115f
            | 0x2e80..=0xa4cf
            | 0xac00..=0xd7a3
            | 0xf900..=0xfaff
            | 0xfe30..=0xfe6f
            | 0xff00..=0xff60
            | 0xffe0..=0xffe6
            | 0x1f300..=0x1faff
            | 0x20000..=0x3fffd
    )
}

/// A character that neither moves the cursor nor hides.
fn visible(character: char) -> char {
    match character {
        '\t' => ' ',
        '\u{a0}' => '\u{2423}',
        '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

fn printable(text: &str) -> String {
    let mut shown: String = text.chars().take(MESSAGE_MAX).map(visible).collect();
    if text.chars().nth(MESSAGE_MAX).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::diag::Loc;

    fn rendered(text: &[u8], start: usize, end: usize) -> String {
        let mut sources = SourceMap::default();
        let file = sources.add("a.conf", text);
        let mut diagnostics = Diagnostics::default();
        let loc = Loc::new(file, start, end);
        diagnostics.push(Diagnostic::error(loc, "no such thing").help("another thing"));
        render(&diagnostics, &sources, false)
    }

    #[test]
    fn a_caret_under_the_place() {
        let expected = "\
a.conf:2:4: error: no such thing
  |
2 | ab cde f
  |    ^^^
  = help: another thing
";
        assert_eq!(rendered(b"x\nab cde f\r\ny", 5, 8), expected);
    }

    #[test]
    fn wide_and_broken_characters() {
        let report = rendered("봉수 x\n".as_bytes(), 7, 8);
        assert!(report.contains("a.conf:1:4:"), "{report}");
        assert!(report.contains("\n  |      ^\n"), "{report}");
        let report = rendered(b"\xff\xfe\t\x1b[31m x\n", 4, 5);
        assert!(report.contains("a.conf:1:5:"), "{report}");
        assert!(!report.contains('\x1b'), "{report}");
    }

    #[test]
    fn long_lines_are_cut() {
        let mut text = vec![b'a'; 10_000];
        text[5_000] = b'X';
        let report = rendered(&text, 5_000, 9_000);
        assert!(report.contains("a.conf:1:5001:"), "{report}");
        assert!(report.lines().all(|line| line.len() < 2 * SHOWN_MAX), "{report}");
        assert!(report.contains('X'));
    }

    #[test]
    fn places_outside_of_the_text_do_no_harm() {
        assert!(rendered(b"", 5, 9).starts_with("a.conf:1:1: error"));
        assert!(rendered(b"ab\n", 3, 3).starts_with("a.conf:2:1: error"));
    }

    #[test]
    fn colors_reset_themselves() {
        let mut sources = SourceMap::default();
        let file = sources.add("a.conf", b"x");
        let mut diagnostics = Diagnostics::default();
        diagnostics.push(Diagnostic::note(Loc::new(file, 0, 1), "hm"));
        let report = render(&diagnostics, &sources, true);
        assert!(report.contains("\x1b[1;32mnote\x1b[0m"));
        assert!(report.contains("a.conf:1:1:"));
    }
}
