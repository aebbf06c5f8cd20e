//! Complaints for programs: one JSON object a line. docs/diagnostics.md describes them.

use serde::Serialize;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::SourceMap;
use crate::base::place::Places;
use crate::base::report::Counts;
use crate::base::report::shown;

#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "type", rename = "diagnostic")]
struct Line<'a> {
    severity: &'static str,
    unbuilt: bool,
    lint: Option<&'static str>,
    file: Option<&'a str>,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    start_byte: u32,
    end_byte: u32,
    message: &'a str,
    help: Option<&'a str>,
    term: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename = "summary")]
struct Summary {
    errors: usize,
    warnings: usize,
    notes: usize,
    unbuilt: usize,
    /// Counted above, and not shown.
    unshown: usize,
}

/// All diagnostics as JSON Lines, and a last line that counts them.
#[must_use]
pub fn json(diagnostics: &Diagnostics, sources: &SourceMap) -> String {
    let places = Places::new(sources);
    let mut out = String::new();
    for diagnostic in shown(diagnostics, &places) {
        add(&line(diagnostic, &places), &mut out);
    }
    let Counts { errors, warnings, notes, unbuilt, unshown } = Counts::of(diagnostics);
    add(&Summary { errors, warnings, notes, unbuilt, unshown }, &mut out);
    out
}

fn line<'a>(diagnostic: &'a Diagnostic, places: &Places<'a>) -> Line<'a> {
    let Diagnostic { severity, loc, message, help, term, unbuilt, lint } = diagnostic;
    let (start, end) = (places.start(*loc), places.end(*loc));
    Line {
        severity: severity.name(),
        unbuilt: *unbuilt,
        lint: *lint,
        file: places.file(*loc).map(|file| file.name.as_ref()),
        line: start.line,
        column: start.column,
        end_line: end.line,
        end_column: end.column,
        start_byte: loc.start,
        end_byte: loc.end.max(loc.start),
        message,
        help: help.as_deref(),
        term: term.as_deref(),
    }
}

fn add(object: &impl Serialize, out: &mut String) {
    // Text and numbers alone: there is nothing that JSON could not hold.
    if let Ok(text) = serde_json::to_string(object) {
        out.push_str(&text);
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::diag::Loc;

    #[test]
    fn one_object_a_line() {
        let mut sources = SourceMap::default();
        let file = sources.add("a \"b\".conf", "# 봉수\nif {\n}\n".as_bytes());
        let mut diagnostics = Diagnostics::default();
        let loc = Loc::new(file, 12, 15);
        let complaint = Diagnostic::unbuilt(loc, "no\nblocks").help("write one").term("page: if");
        diagnostics.push(complaint);
        diagnostics.push(Diagnostic::error(Loc { file: 9, start: 4, end: 2 }, "lost"));
        let expected = concat!(
            r#"{"type":"diagnostic","severity":"warning","unbuilt":true,"lint":null,"file":"a \"b\".conf","#,
            r#""line":2,"column":4,"endLine":3,"endColumn":2,"startByte":12,"endByte":15,"#,
            r#""message":"no\nblocks","help":"write one","term":"page: if"}"#,
            "\n",
            r#"{"type":"diagnostic","severity":"error","unbuilt":false,"lint":null,"file":null,"line":1,"#,
            r#""column":1,"endLine":1,"endColumn":1,"startByte":4,"endByte":4,"#,
            r#""message":"lost","help":null,"term":null}"#,
            "\n",
            r#"{"type":"summary","errors":1,"warnings":0,"notes":0,"unbuilt":1,"unshown":0}"#,
            "\n",
        );
        assert_eq!(json(&diagnostics, &sources), expected);
    }
}
