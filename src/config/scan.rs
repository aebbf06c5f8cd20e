//! What stands between tokens: blanks, comments, and characters that should not be there.

use bstr::ByteSlice;

use crate::base::diag::Diagnostic;
use crate::config::parse::Parser;

/// What may stand between tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Script,
    Object,
    Expression,
}

/// Characters that look like others and get into files by copying.
pub(super) const LOOKALIKES: [(&str, &str, &str); 9] = [
    ("\u{a0}", "a non-breaking space (U+00A0)", "replace it by a plain blank"),
    ("\u{3000}", "an ideographic space (U+3000)", "replace it by a plain blank"),
    ("\u{200b}", "a zero-width space (U+200B)", "remove it"),
    ("\u{feff}", "a byte order mark (U+FEFF)", "save the file as UTF-8 without one"),
    ("\u{201c}", "a typographic quote (U+201C)", "write a plain \""),
    ("\u{201d}", "a typographic quote (U+201D)", "write a plain \""),
    ("\u{2018}", "a typographic quote (U+2018)", "write a plain '"),
    ("\u{2019}", "a typographic quote (U+2019)", "write a plain '"),
    ("\u{2013}", "a dash (U+2013)", "write a plain -"),
];

/// Whether `text` begins with a character that looks like another one.
pub(super) fn is_lookalike(text: &[u8]) -> bool {
    LOOKALIKES.iter().any(|(character, ..)| text.starts_with(character.as_bytes()))
}

impl Parser<'_> {
    /// Skips blanks and comments.
    pub(super) fn skip(&mut self, mode: Mode) {
        loop {
            match self.byte() {
                b' ' | b'\t' | b'\n' => self.at += 1,
                b'#' => {
                    let start = self.at;
                    self.at = self.line_end();
                    if mode == Mode::Expression {
                        let text = "a # comment cannot stand inside an expression";
                        self.error(start, self.at, text, "write /* … */");
                    }
                    if self.source.joined_within(start, self.at) {
                        let loc = self.loc(start, self.at);
                        let text = "the backslash makes the next line part of this comment";
                        self.say(Diagnostic::warning(loc, text).help("remove the backslash"));
                    }
                }
                b'/' if self.rest().starts_with(b"/*") => {
                    let start = self.at;
                    if let Some(length) = self.rest()[2..].find(b"*/") {
                        self.at += length + 4;
                    } else {
                        self.error(start, start + 2, "comment is not closed", "write */ behind it");
                        self.abandon();
                    }
                }
                byte if byte >= 0x80 => {
                    let Some(found) = LOOKALIKES
                        .iter()
                        .find(|(character, ..)| self.rest().starts_with(character.as_bytes()))
                        .filter(|(character, ..)| !character.starts_with(['\u{2018}', '\u{201c}']))
                    else {
                        return;
                    };
                    let (character, what, help) = found;
                    let start = self.at;
                    while self.rest().starts_with(character.as_bytes()) {
                        self.at += character.len();
                    }
                    self.error(start, self.at, format!("{what} stands here"), help);
                }
                _ => return,
            }
        }
    }

    /// Skips characters that begin nothing, and says so once for all of them.
    pub(super) fn bad(&mut self, what: &str) {
        let start = self.at;
        for (character, name, help) in LOOKALIKES {
            if self.rest().starts_with(character.as_bytes()) {
                self.at += character.len();
                return self.error(start, self.at, format!("{name} stands here"), help);
            }
        }
        let first = self.byte();
        let run = |b: &u8| if first.is_ascii() { *b == first } else { !b.is_ascii() };
        self.at += self.rest().iter().take_while(|b| run(b)).count().max(1);
        let shown = self.source.text.get(start..self.at).unwrap_or_default().as_bstr();
        let (text, help) = match first {
            b')' => ("')' closes nothing".to_owned(), "remove it"),
            b'"' | b'\'' => (
                format!("a string cannot stand {what}"),
                "is a quote missing, or one too many, before it?",
            ),
            b'$' => ("'$' without a name behind it".to_owned(), "remove the blank"),
            _ => (format!("'{shown}' cannot stand {what}"), ""),
        };
        self.error(start, self.at, text, help);
    }
}
