//! Strings: from bytes back to the text between quotes. What is written here never holds a raw line
//! end or control character, so nothing that joins or trims lines can reach into it.

use bstr::ByteSlice;

/// `"…"` as the value of a parameter.
pub(super) fn value(text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    escape(text, &mut out, |c| matches!(c, '"' | '\\'));
    out.push('"');
    out
}

/// A string in an expression: in double quotes, unless single ones save backslashes.
pub(super) fn constant(text: &[u8]) -> String {
    let quote = if text.contains(&b'"') || text.contains(&b'$') { '\'' } else { '"' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    escape(text, &mut out, |c| c == quote || c == '\\');
    out.push(quote);
    out
}

/// Both dialects know these escapes; an octal one has three digits in both.
fn escape(text: &[u8], out: &mut String, quoted: impl Fn(char) -> bool) {
    for (start, end, character) in text.char_indices() {
        let bytes = &text[start..end];
        match character {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if quoted(character) => {
                out.push('\\');
                out.push(character);
            }
            // A replacement character of three bytes was written as such.
            char::REPLACEMENT_CHARACTER if bytes != "\u{fffd}".as_bytes() => octal(bytes, out),
            _ if character.is_ascii_control() => octal(bytes, out),
            _ => out.push(character),
        }
    }
}

fn octal(bytes: &[u8], out: &mut String) {
    for byte in bytes {
        out.push_str(&format!("\\{byte:03o}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::literal::Dialect;
    use crate::config::literal::unescape;

    #[test]
    fn quotes_are_chosen_and_escaped() {
        assert_eq!(value(b"a\"b\\c$d'\n\x01\xff"), r#""a\"b\\c$d'\n\001\377""#);
        assert_eq!(constant(b"it's \\d"), r#""it's \\d""#);
        assert_eq!(constant(b"$5 \"x\" it's"), r#"'$5 "x" it\'s'"#);
        assert_eq!(value("한\u{fffd}".as_bytes()), "\"한\u{fffd}\"");
    }

    #[test]
    fn every_byte_comes_back() {
        let all: Vec<u8> = (0..=255).chain(*b"12\\12$\"'").collect();
        for (text, dialect) in
            [(value(&all), Dialect::Object), (constant(&all), Dialect::Expression)]
        {
            let mut flaws = Vec::new();
            let body = &text.as_bytes()[1..text.len() - 1];
            assert_eq!(unescape(body, text.as_bytes()[0], dialect, &mut flaws), all);
            assert_eq!(flaws, []);
        }
    }
}
