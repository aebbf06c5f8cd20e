//! What stands between tokens: blanks, comments, and characters that should not be there.

use bstr::ByteSlice;

use crate::base::diag::Diagnostic;
use crate::config::lex;
use crate::config::parse::Parser;

/// What may stand between tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Script,
    Object,
    Expression,
}

/// Characters that look like others and get into files by copying.
pub(super) const LOOKALIKES: [(&str, &str, &str); 21] = [
    ("\u{a0}", "a non-breaking space (U+00A0)", "replace it by a plain blank"),
    ("\u{3000}", "an ideographic space (U+3000)", "replace it by a plain blank"),
    ("\u{200b}", "a zero-width space (U+200B)", "remove it"),
    ("\u{feff}", "a byte order mark (U+FEFF)", "save the file as UTF-8 without one"),
    ("\u{201c}", "a typographic quote (U+201C)", "write a plain \""),
    ("\u{201d}", "a typographic quote (U+201D)", "write a plain \""),
    ("\u{2018}", "a typographic quote (U+2018)", "write a plain '"),
    ("\u{2019}", "a typographic quote (U+2019)", "write a plain '"),
    ("\u{2013}", "a dash (U+2013)", "write a plain -"),
    ("\u{2014}", "a dash (U+2014)", "write a plain -"),
    ("\u{2212}", "a minus sign (U+2212)", "write a plain -"),
    ("\u{201e}", "a typographic quote (U+201E)", "write a plain \""),
    ("\u{ab}", "a typographic quote (U+00AB)", "write a plain \""),
    ("\u{bb}", "a typographic quote (U+00BB)", "write a plain \""),
    ("\u{ff02}", "a full-width quote (U+FF02)", "write a plain \""),
    ("\u{ff08}", "a full-width parenthesis (U+FF08)", "write a plain ("),
    ("\u{ff09}", "a full-width parenthesis (U+FF09)", "write a plain )"),
    ("\u{ff0c}", "a full-width comma (U+FF0C)", "write a plain ,"),
    ("\u{ff1a}", "a full-width colon (U+FF1A)", "write a plain :"),
    ("\u{ff1b}", "a full-width semicolon (U+FF1B)", "write a plain ;"),
    ("\u{ff1d}", "a full-width equals sign (U+FF1D)", "write a plain ="),
];

/// Of them, what is no blank at all but is passed over as one.
const BLANKS: [&str; 4] = ["\u{a0}", "\u{3000}", "\u{200b}", "\u{feff}"];

const QUOTES: [&str; 6] = ["\u{201c}", "\u{201d}", "\u{201e}", "\u{ab}", "\u{bb}", "\u{ff02}"];

/// The quote-like character that `text` begins with: itself, its name, what to write.
pub(super) fn quote_lookalike(text: &[u8]) -> Option<(&'static str, &'static str, &'static str)> {
    let found = LOOKALIKES.iter().find(|(c, ..)| text.starts_with(c.as_bytes()))?;
    QUOTES.contains(&found.0).then_some(*found)
}

pub(super) fn quote_lookalike_of(character: char) -> bool {
    QUOTES.iter().any(|quote| quote.starts_with(character))
}

/// How much of the end of `text` is characters that look like blanks.
pub(super) fn blank_lookalikes(text: &[u8]) -> usize {
    let blank = BLANKS.iter().find(|blank| text.ends_with(blank.as_bytes()));
    blank.map_or(0, |blank| blank.len())
}

/// Whether `text` begins with a character that looks like another one.
pub(super) fn is_lookalike(text: &[u8]) -> bool {
    LOOKALIKES.iter().any(|(character, ..)| text.starts_with(character.as_bytes()))
}

/// What is left over of a pair of quotes.
fn is_quote_end(character: &str) -> bool {
    character.starts_with(['\u{201d}', '\u{2019}'])
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
                        .filter(|(character, ..)| {
                            BLANKS.contains(character)
                                || mode == Mode::Script && is_quote_end(character)
                        })
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
                self.error(start, self.at, format!("{name} stands here"), help);
                if what == "here"
                    && !BLANKS.contains(&character)
                    && lex::at_line_start(&self.source.text, start)
                {
                    self.skip_line();
                }
                return;
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
