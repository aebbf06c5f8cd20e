//! What is no YAML, in words: the YAML parser's own are those of its grammar.

use bstr::ByteSlice;

use crate::base::diag::Diagnostic;
use crate::base::diag::Loc;
use crate::config::lex;
use crate::config::lex::Token;
use crate::config::scan::LOOKALIKES;

/// Where the YAML parser stopped.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) file: u32,
    /// Bytes of the file before the text.
    pub(super) base: usize,
    /// Byte of the text.
    pub(super) at: usize,
    /// The innermost bracket that is open there.
    pub(super) bracket: Option<usize>,
}

impl Place {
    const fn error(&self, start: usize, end: usize) -> Loc {
        Loc::new(self.file, self.base + start, self.base + end)
    }
}

/// Where the text begins that is neither blank nor comment nor `---`, if it is a statement of
/// RainerScript.
pub(super) fn rainerscript(text: &[u8]) -> Option<(usize, usize)> {
    let mut at = 0;
    for line in text.split_inclusive(|b| *b == b'\n') {
        let begin = at + (line.len() - line.trim_ascii_start().len());
        let end = at + line.trim_ascii_end().len();
        at += line.len();
        if begin >= end || text[begin] == b'#' || text[begin..end] == *b"---" {
            continue;
        }
        let found = match lex::token(text, begin).0 {
            Token::Object(_) | Token::Directive | Token::PriFilter | Token::PropertyFilter => true,
            Token::Word(_) => !text[begin..end].contains(&b':'),
            _ => false,
        };
        return found.then_some((begin, end));
    }
    None
}

/// The complaint about a file in rsyslog's other language.
pub(super) fn not_yaml(loc: Loc) -> Diagnostic {
    let text = "this is RainerScript, and the file's name says YAML";
    Diagnostic::error(loc, text).help("name the file .conf, or put the text under 'script: |'")
}

/// Makes a complaint of what the YAML parser says.
pub(super) fn explain(info: &str, text: &str, place: &Place) -> Diagnostic {
    let bytes = text.as_bytes();
    if let Some((start, end)) = rainerscript(bytes) {
        return not_yaml(place.error(start, end));
    }
    let at = place.at.min(bytes.len());
    let (start, end, message, help) = reason(info, bytes, at, place);
    let end = end.min(bytes.len());
    Diagnostic::error(place.error(start.min(end), end), message).help(help)
}

type Reason = (usize, usize, String, String);

fn reason(info: &str, text: &[u8], at: usize, place: &Place) -> Reason {
    let line_start = memchr::memrchr(b'\n', &text[..at]).map_or(0, |at| at + 1);
    let line_end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |length| at + length);
    let before = &text[line_start..at];
    let one = |message: &str, help: &str| (at, at + 1, message.to_owned(), help.to_owned());
    let has = |part: &str| info.contains(part);
    if has("tab") {
        let tab = memchr::memchr(b'\t', &text[line_start..line_end]).map_or(at, |t| line_start + t);
        let help = "indent with blanks".to_owned();
        return (tab, tab + 1, "a tab cannot indent in YAML".to_owned(), help);
    }
    if has("unknown anchor") || has("anchor or alias") || has("unexpected character") {
        return unquoted(text, at, line_end);
    }
    if has("unexpected end of stream")
        || has("unexpected document indicator")
        || has("indentation in quoted scalar")
    {
        return one("this string is not closed", "the closing quote is missing");
    }
    if has("invalid trailing content") {
        let quote = before.trim_ascii_end().last().copied().map_or('"', char::from);
        let help = match quote {
            '\'' => "inside of '…' write '' for a quote",
            _ => "inside of \"…\" write \\\" for a quote",
        };
        return one(&format!("text stands behind the closing {quote}"), help);
    }
    if has("unknown escape") || has("hexadecimal") || has("Unicode character escape") {
        return bad_escape(text, at);
    }
    if has("simple key") {
        return no_colon(text, at);
    }
    if let Some(found) = false_blank(text, line_start, line_end) {
        return found;
    }
    if has("mapping values are not allowed") {
        return colon(before, one);
    }
    if let Some(open) = place.bracket
        && (has("expected ',' or") || has("flow"))
    {
        let bracket = char::from(text.get(open).copied().unwrap_or(b'['));
        let help = "a closing bracket or a comma is missing".to_owned();
        return (open, open + 1, format!("'{bracket}' is not closed"), help);
    }
    if has("recursion limit") {
        return one("brackets are nested too deeply", "this file is not read");
    }
    if has("misplaced bracket") {
        let bracket = char::from(text.get(at).copied().unwrap_or(b']'));
        return one(&format!("'{bracket}' closes nothing"), "remove it, or quote the value");
    }
    if has("expected '-'") || has("expected key") || has("indentation") {
        let help = "items of one list, and keys of one mapping, begin in the same column";
        return one("this line's indentation fits nothing above it", help);
    }
    if has("block sequence entries") {
        return one("a list cannot begin on the line of its key", "begin it on the next line");
    }
    if has("block scalar") {
        return one("text cannot stand behind '|' or '>' on its line", "begin it on the next line");
    }
    one(&format!("this is no YAML: {info}"), "quote the value, or check the indentation")
}

/// A character of the line that looks like a blank.
fn false_blank(text: &[u8], line_start: usize, line_end: usize) -> Option<Reason> {
    let line = &text[line_start..line_end];
    let is_blank = |c: &str| ["\u{a0}", "\u{3000}", "\u{200b}", "\u{feff}"].contains(&c);
    LOOKALIKES.iter().filter(|(c, ..)| is_blank(c)).find_map(|(character, name, help)| {
        let start = line_start + line.find(character)?;
        let end = start + character.len();
        Some((start, end, format!("{name} stands here"), (*help).to_owned()))
    })
}

/// A line without the colon that a key needs: the last one before `at` that is not empty.
fn no_colon(text: &[u8], at: usize) -> Reason {
    let end = text[..at].trim_ascii_end().len();
    let line = memchr::memrchr(b'\n', &text[..end]).map_or(0, |at| at + 1);
    if let Some(found) = false_blank(text, line, end) {
        return found;
    }
    let start = end - text[line..end].trim_ascii_start().len();
    let help = "write 'key: value', with a blank behind the colon".to_owned();
    (start, end, "a ':' is missing here".to_owned(), help)
}

/// A value that begins with a character that means something to YAML.
fn unquoted(text: &[u8], at: usize, line_end: usize) -> Reason {
    let value = String::from_utf8_lossy(text[at..line_end].trim_ascii()).into_owned();
    let first = value.chars().next().unwrap_or(' ');
    let message = format!("a value cannot begin with '{first}'");
    let help = if value.contains('\'') {
        "write it in quotes".to_owned()
    } else {
        format!("write it in quotes: '{value}'")
    };
    (at, at + first.len_utf8(), message, help)
}

/// An escape that is none, in the string that begins at `open`.
fn bad_escape(text: &[u8], open: usize) -> Reason {
    let mut at = open + 1;
    while let Some(length) = memchr::memchr(b'\\', text.get(at..).unwrap_or_default()) {
        at += length;
        let rest = &text[at + 1..];
        let digits =
            |n: usize| rest.get(1..=n).is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit));
        let fine = match rest.first() {
            Some(b'x') => digits(2),
            Some(b'u') => digits(4),
            Some(b'U') => digits(8),
            Some(byte) => b"0abtnvfre \"/\\N_LP\t\n\r".contains(byte),
            None => true,
        };
        if !fine {
            let shown = String::from_utf8_lossy(rest).chars().next().unwrap_or(' ');
            let help = "write \\\\ for a backslash, or '…', where it is plain text".to_owned();
            let end = at + 1 + shown.len_utf8();
            return (at, end.min(text.len()), format!("'\\{shown}' is no escape of YAML"), help);
        }
        at += 2;
    }
    let help = "write \\\\ for a backslash, or '…', where it is plain text".to_owned();
    (open, open + 1, "an escape of this string is wrong".to_owned(), help)
}

/// A colon where no key can end.
fn colon(before: &[u8], one: impl Fn(&str, &str) -> Reason) -> Reason {
    if memchr::memmem::find(before, b": ").is_some() {
        let help = "write the whole value in quotes";
        return one("': ' cannot stand in a value without quotes", help);
    }
    let help = "a ':' is missing behind a key above it, or this line is indented too far";
    one("no key can stand here", help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rainerscript_is_known() {
        assert_eq!(rainerscript(b"# c\n\n  module(load=\"x\") \n"), Some((7, 23)));
        assert!(rainerscript(b"---\n*.info /var/log/x\n").is_some());
        assert!(rainerscript(b"$ModLoad imtcp\n").is_some());
        assert!(rainerscript(b"if $msg then stop\n").is_some());
        assert!(rainerscript(b"version: 2\n").is_none());
        assert!(rainerscript(b"include:\n- path: x\n").is_none());
        assert!(rainerscript(b"").is_none());
    }
}
