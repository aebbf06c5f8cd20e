//! From the text of a scalar back to the file: which byte came from where.

use crate::config::text::Runs;

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Single,
    Double,
    /// `|` and `>`.
    Block,
}

const fn blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

fn blanks(text: &[u8]) -> &[u8] {
    let length = text.iter().take_while(|b| blank(**b)).count();
    &text[..length]
}

/// Maps the offsets of `text` to offsets of the file, where it is written as `raw`, without
/// quotes, from `base` on. `None` if the two do not fit: then only the whole has a place.
pub(super) fn align(raw: &[u8], base: usize, text: &[u8], style: Style) -> Option<Runs> {
    let mut runs = Runs::default();
    let (mut from, mut to) = (0, 0);
    while let Some(&byte) = text.get(to) {
        let rest = raw.get(from..).unwrap_or_default();
        runs.push(to, base + from);
        let (taken, made) = match (style, rest.first()) {
            (Style::Double, Some(b'\\')) => escape(rest, text.get(to..)?)?,
            (Style::Single, Some(b'\'')) if byte == b'\'' => (2, 1),
            (_, Some(first)) if *first == byte && !fold(rest) => (1, 1),
            _ => folded(rest, text.get(to..)?, style)?,
        };
        from += taken;
        to += made;
    }
    runs.push(text.len(), base + from.min(raw.len()));
    Some(runs)
}

/// Whether blanks with a line end among them come next.
fn fold(raw: &[u8]) -> bool {
    raw.first().is_some_and(|b| blank(*b)) && blanks(raw).iter().any(|b| matches!(b, b'\n' | b'\r'))
}

/// Blanks around line ends: how many bytes they take, and how many bytes of the text they make.
fn folded(raw: &[u8], text: &[u8], style: Style) -> Option<(usize, usize)> {
    let (taken, made) = (blanks(raw), blanks(text));
    if taken.is_empty() && made.is_empty() {
        return None;
    }
    if matches!(style, Style::Plain | Style::Block) {
        return Some((taken.len(), made.len()));
    }
    // In quotes blanks may also come from escapes, so only what folding makes is taken.
    let lines = taken.iter().filter(|b| **b == b'\n').count();
    let expected = if lines == 1 { b" ".to_vec() } else { vec![b'\n'; lines.saturating_sub(1)] };
    (lines > 0 && text.starts_with(&expected)).then_some((taken.len(), expected.len()))
}

/// An escape of double quotes that begins `raw`, if it makes what `text` begins with.
fn escape(raw: &[u8], text: &[u8]) -> Option<(usize, usize)> {
    let digits = match raw.get(1)? {
        b'x' => 2,
        b'u' => 4,
        b'U' => 8,
        // The line end and the blanks that begin the next line are nothing.
        b'\n' | b'\r' => return Some((1 + blanks(raw.get(1..)?).len(), 0)),
        _ => 0,
    };
    // What it makes is one character, whichever.
    let first = *text.first()?;
    let made = match first {
        0..=0x7f => 1,
        0x80..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    };
    (text.len() >= made).then_some((2 + digits, made))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::diag::Loc;
    use crate::config::text::Outside;
    use crate::config::text::Source;

    /// Where each occurrence of a mark in `text` stands in `raw`.
    fn place(raw: &str, text: &str, style: Style, mark: &str) -> Option<usize> {
        let runs = align(raw.as_bytes(), 100, text.as_bytes(), style)?;
        let outside = Outside { loc: Loc::new(0, 100, 100 + raw.len()), runs: Some(runs) };
        let source = Source::embedded(text.as_bytes(), outside);
        let at = text.find(mark).unwrap();
        Some(source.loc(at, at + mark.len()).start as usize - 100)
    }

    #[track_caller]
    fn check(raw: &str, text: &str, style: Style, mark: &str) {
        assert_eq!(place(raw, text, style, mark), raw.find(mark), "{mark} in {raw:?}");
    }

    #[test]
    fn every_style_is_mapped() {
        check("a b  X", "a b  X", Style::Plain, "X");
        check("one\n   two\n\n  X", "one two\nX", Style::Plain, "X");
        check("it''s\n  X''y", "it's X'y", Style::Single, "X");
        check(r#"a\"b \u00e9\x41\n\\X"#, "a\"b éA\n\\X", Style::Double, "X");
        check("a  \n\n\n  X", "a\n\nX", Style::Double, "X");
        check("a \\\n   X", "a X", Style::Double, "X");
        check("a\\n b \\t X", "a\n b \t X", Style::Double, "X");
        check("if {\n      a\n\n      X\n    }\n", "if {\n  a\n\n  X\n}\n", Style::Block, "X");
        check("if {\r\n      X\r\n", "if {\n  X\n", Style::Block, "X");
        check("가나\n    다 X\n", "가나\n다 X\n", Style::Block, "X");
    }

    #[test]
    fn what_does_not_fit_is_not_mapped() {
        assert_eq!(place("abc", "abd", Style::Plain, "d"), None);
        assert_eq!(place("a b", "a\nb", Style::Double, "b"), None);
    }
}
