//! Diagnostics for people: place, reason, the line with a mark under it, and what to write. For
//! programs there is [`json`].

mod excerpt;
mod json;

pub use excerpt::columns;
pub use json::json;

use std::fmt;
use std::fmt::Write as _;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::Severity;
use crate::base::diag::SourceMap;
use crate::base::limits::DIAGNOSTICS_MAX;
use crate::base::place::Places;
use crate::base::place::Position;
use crate::base::report::excerpt::Excerpt;
use crate::base::report::excerpt::excerpt;
use crate::base::report::excerpt::printable;

/// How many complaints there are, of each kind. What is not built yet is no warning here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub errors: usize,
    pub warnings: usize,
    pub notes: usize,
    pub unbuilt: usize,
    /// Of these, how many [`render`] and [`json`] leave out.
    pub unshown: usize,
}

impl Counts {
    #[must_use]
    pub fn of(diagnostics: &Diagnostics) -> Self {
        let mut counts = Self::default();
        for diagnostic in &diagnostics.all {
            *counts.kind(diagnostic) += 1;
        }
        let Self { errors, warnings, notes, unbuilt, .. } = counts;
        let over = |n: usize| n.saturating_sub(DIAGNOSTICS_MAX);
        counts.unshown = over(errors) + over(warnings) + over(notes) + over(unbuilt);
        counts
    }

    const fn kind(&mut self, diagnostic: &Diagnostic) -> &mut usize {
        match diagnostic.severity {
            Severity::Error => &mut self.errors,
            _ if diagnostic.unbuilt => &mut self.unbuilt,
            Severity::Warning => &mut self.warnings,
            Severity::Note => &mut self.notes,
        }
    }
}

/// `2 errors, 1 warning, 3 notes; 2 things are not built yet`: errors and warnings always, the
/// rest if there is any.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = |n: usize, noun| format!("{n} {noun}{}", if n == 1 { "" } else { "s" });
        let (errors, warnings) = (counted(self.errors, "error"), counted(self.warnings, "warning"));
        write!(f, "{errors}, {warnings}")?;
        if self.notes > 0 {
            write!(f, ", {}", counted(self.notes, "note"))?;
        }
        match self.unbuilt {
            0 => {}
            1 => f.write_str("; 1 thing is not built yet")?,
            n => write!(f, "; {n} things are not built yet")?,
        }
        if self.unshown > 0 {
            write!(f, " ({} of them not shown)", self.unshown)?;
        }
        Ok(())
    }
}

/// Those that are shown, by file and line: of each kind the first [`DIAGNOSTICS_MAX`] that were
/// found, so that notes cannot hide an error. On one line they stay in the order of finding.
fn shown<'a>(diagnostics: &'a Diagnostics, places: &Places<'_>) -> Vec<&'a Diagnostic> {
    let mut seen = Counts::default();
    let mut shown: Vec<_> = diagnostics.all.iter().collect();
    shown.retain(|diagnostic| {
        let count = seen.kind(diagnostic);
        *count += 1;
        *count <= DIAGNOSTICS_MAX
    });
    shown.sort_by_cached_key(|diagnostic| (diagnostic.loc.file, places.start(diagnostic.loc).line));
    shown
}

struct Style {
    severity: &'static str,
    bold: &'static str,
    edge: &'static str,
    reset: &'static str,
}

impl Style {
    const fn of(diagnostic: &Diagnostic, color: bool) -> Self {
        if !color {
            return Self { severity: "", bold: "", edge: "", reset: "" };
        }
        let severity = match diagnostic.severity {
            _ if diagnostic.unbuilt => "\x1b[1;35m",
            Severity::Error => "\x1b[1;31m",
            Severity::Warning => "\x1b[1;33m",
            Severity::Note => "\x1b[1;32m",
        };
        Self { severity, bold: "\x1b[1m", edge: "\x1b[1;34m", reset: "\x1b[0m" }
    }
}

/// All diagnostics as text, each with its line. The first line of each is
/// `file:line:column: severity: message`, or `severity[lint]` if a lint found it.
#[must_use]
pub fn render(diagnostics: &Diagnostics, sources: &SourceMap, color: bool) -> String {
    let places = Places::new(sources);
    let mut out = String::new();
    for diagnostic in shown(diagnostics, &places) {
        if !out.is_empty() {
            out.push('\n');
        }
        render_one(diagnostic, &places, color, &mut out);
    }
    out
}

fn render_one(diagnostic: &Diagnostic, places: &Places<'_>, color: bool, out: &mut String) {
    let Diagnostic { severity, loc, message, help, term, unbuilt, lint } = diagnostic;
    let lint = lint.map_or_else(String::new, |id| format!("[{id}]"));
    let Style { severity: tint, bold, edge, reset } = Style::of(diagnostic, color);
    let file = places.file(*loc);
    let name = file.map_or("?", |file| file.name.as_ref());
    let Position { line, column } = places.start(*loc);
    // Writing to a String cannot fail.
    _ = writeln!(
        out,
        "{bold}{}:{line}:{column}:{reset} {tint}{severity}{lint}{reset}{bold}: {}{reset}",
        printable(name),
        printable(message)
    );
    let gutter = line.to_string().len();
    if let Some((text, begin)) = places.line(*loc) {
        let offset = |at: u32| (at as usize).saturating_sub(begin);
        let Excerpt { text, before, marks } = excerpt(text, offset(loc.start), offset(loc.end));
        let marks = "^".repeat(marks);
        _ = writeln!(out, "{edge}{:gutter$} |{reset}", "");
        _ = writeln!(out, "{edge}{line} |{reset} {text}");
        _ = writeln!(out, "{edge}{:gutter$} |{reset} {:before$}{tint}{marks}{reset}", "", "");
    }
    let mut foot = |label: &str, text: &str| {
        let text = printable(text);
        let colon = if text.is_empty() { "" } else { ": " };
        _ = writeln!(out, "{edge}{:gutter$} ={reset} {bold}{label}{reset}{colon}{text}", "");
    };
    if *unbuilt {
        foot("not built yet", "");
    }
    if let Some(help) = help {
        foot("help", help);
    }
    if let Some(term) = term {
        foot("rsyslog", &term.replacen(": ", ", ", 1));
    }
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
    fn what_follows_the_marks() {
        let mut sources = SourceMap::default();
        let file =
            sources.add("a.conf", &[&b"\n".repeat(99)[..], b"if 1 then {\n stop\n}\n"].concat());
        let mut diagnostics = Diagnostics::default();
        let unbuilt = Diagnostic::unbuilt(Loc::new(file, 102, 118), "later");
        diagnostics.push(unbuilt.term("modules/imtcp: port"));
        diagnostics.push(Diagnostic::note(Loc::new(7, 1, 2), "no file").term("page"));
        let expected = "\
a.conf:100:4: warning: later
    |
100 | if 1 then {
    |    ^^^^^^^^
    = not built yet
    = rsyslog: modules/imtcp, port

?:1:1: note: no file
  = rsyslog: page
";
        assert_eq!(render(&diagnostics, &sources, false), expected);
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
        assert!(report.lines().all(|line| line.chars().count() < 130), "{report}");
        assert!(report.contains("aX"));
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
        diagnostics.push(Diagnostic::unbuilt(Loc::new(file, 0, 1), "hm"));
        let report = render(&diagnostics, &sources, true);
        assert!(report.contains("\x1b[1;32mnote\x1b[0m"));
        assert!(report.contains("\x1b[1;35mwarning\x1b[0m"));
        assert!(report.contains("a.conf:1:1:"));
    }

    #[test]
    fn notes_do_not_hide_errors() {
        let mut sources = SourceMap::default();
        let file = sources.add("a.conf", &b"abc\n".repeat(DIAGNOSTICS_MAX * 2));
        let mut diagnostics = Diagnostics::default();
        for i in 0..DIAGNOSTICS_MAX * 2 {
            diagnostics.push(Diagnostic::note(Loc::new(file, i * 4, i * 4 + 1), "hm"));
        }
        diagnostics.push(Diagnostic::error(Loc::new(file, 5, 6), "here it is"));
        let report = render(&diagnostics, &sources, false);
        let expected = "\na.conf:2:2: error: here it is\n  |\n2 | abc\n  |  ^\n\na.conf:3:1: note";
        assert!(report.contains(expected), "{report}");
        assert_eq!(report.matches("note:").count(), DIAGNOSTICS_MAX);
        let counts = Counts::of(&diagnostics);
        assert_eq!(counts.to_string(), "1 error, 0 warnings, 2000 notes (1000 of them not shown)");
    }

    #[test]
    fn counts_are_grammatical() {
        let mut counts = Counts { errors: 0, warnings: 1, unbuilt: 1, ..Counts::default() };
        assert_eq!(counts.to_string(), "0 errors, 1 warning; 1 thing is not built yet");
        counts = Counts { errors: 1, warnings: 2, notes: 1, unbuilt: 3, unshown: 0 };
        let expected = "1 error, 2 warnings, 1 note; 3 things are not built yet";
        assert_eq!(counts.to_string(), expected);
    }
}
