//! YAML scalars. Little of YAML is needed to write it, so it is written by hand: the form that a
//! text gets (plain, single or double quotes, block) is then ours to choose and to keep.

use bstr::ByteSlice;

/// Words that some readers take for something else than text.
const RESERVED: [&str; 11] =
    ["false", "n", "no", "none", "nan", "null", "off", "on", "true", "y", "yes"];

/// `text` as a scalar on one line. `None` if it is not UTF-8, which YAML cannot hold.
pub(super) fn inline(text: &[u8]) -> Option<String> {
    let text = text.to_str().ok()?;
    Some(if is_plain(text) {
        text.to_owned()
    } else if !text.chars().all(is_printable) || !text.contains(['"', '\\']) {
        double_quoted(text)
    } else {
        format!("'{}'", text.replace('\'', "''"))
    })
}

/// Whether every reader takes it, without quotes, for this text.
fn is_plain(text: &str) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '_');
    let other = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '.' | '-');
    text.starts_with(first)
        && text.chars().all(other)
        && !RESERVED.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// What may stand in single quotes and blocks as it is, and is no line end to anyone.
const fn is_printable(c: char) -> bool {
    !matches!(
        c,
        '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}'
            | '\u{fffe}' | '\u{ffff}'
    )
}

fn double_quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if is_printable(c) => out.push(c),
            _ if u32::from(c) <= 0xff => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            _ => out.push_str(&format!("\\u{:04x}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

/// Whether `text`, which ends with a line end, can be a block as it is (`|`).
pub(super) fn fits_block(text: &str) -> bool {
    text.ends_with('\n')
        && !text.ends_with("\n\n")
        && !text.starts_with([' ', '\n'])
        && text.chars().all(|c| c == '\n' || is_printable(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_where_a_reader_could_err() {
        for plain in ["omfile", "/var/log/x.log", "RSYSLOG_FileFormat", "queue.type", "a-b"] {
            assert_eq!(inline(plain.as_bytes()).unwrap(), plain);
        }
        for quoted in ["", "on", "No", "514", "0640", "1e3", "-x", ".5", "~", "*.*", "a: b", "a #"]
        {
            assert_eq!(inline(quoted.as_bytes()).unwrap(), format!("\"{quoted}\""));
        }
        assert_eq!(inline(b"say \"it's\\\"").unwrap(), r#"'say "it''s\"'"#);
        assert_eq!(inline("a\"\n\0\u{85}\u{2028}".as_bytes()).unwrap(), r#""a\"\n\x00\x85\u2028""#);
        assert_eq!(inline("한글".as_bytes()).unwrap(), "\"한글\"");
        assert_eq!(inline(b"\xff"), None);
    }

    #[test]
    fn blocks_keep_their_lines() {
        assert!(fits_block("stop\n  x\n"));
        for text in ["stop", "stop\n\n", " stop\n", "a\tb\n", "\u{feff}a\n"] {
            assert!(!fits_block(text), "{text:?}");
        }
    }
}
