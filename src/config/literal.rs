//! String constants: escapes and backticks.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use bstr::BString;
use bstr::ByteSlice;

use crate::base::limits::CONFIG_FILE_BYTES_MAX;
use crate::config::load::reason;

/// Where a constant stands decides which escapes it may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `name="…"` in an object.
    Object,
    /// `"…"` or `'…'` in an expression.
    Expression,
}

/// One thing that is wrong in a constant: where (offset in its body), and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// A backslash before something that needs none.
    Escape(usize, u8),
    /// rsyslog takes it, and makes something odd of it.
    Odd(usize, &'static str),
}

/// Undoes the escapes of `body`, the text between two of `quote`. What is not an escape stays as it
/// is.
pub(super) fn unescape(body: &[u8], quote: u8, dialect: Dialect, flaws: &mut Vec<Flaw>) -> BString {
    let mut text = BString::from(Vec::with_capacity(body.len()));
    let mut at = 0;
    while let Some(&byte) = body.get(at) {
        if byte != b'\\' {
            text.push(byte);
            at += 1;
            continue;
        }
        let after = body.get(at + 1).copied().unwrap_or(b'\\');
        let (value, length) = match after {
            b'0'..=b'7' => octal(body, at, dialect, flaws),
            b'x' if dialect == Dialect::Expression => hex(body, at, flaws),
            _ => (simple(after, quote, dialect), 2),
        };
        if after == b'v' && dialect == Dialect::Object {
            flaws.push(Flaw::Odd(at, "'\\v' becomes a question mark; write \\013"));
        }
        if let Some(value) = value {
            text.push(value);
        } else {
            if !matches!(after, b'0'..=b'7' | b'x') || dialect == Dialect::Object {
                flaws.push(Flaw::Escape(at, after));
            }
            text.extend_from_slice(&body[at..(at + length).min(body.len())]);
        }
        at += length;
    }
    text
}

fn simple(after: u8, quote: u8, dialect: Dialect) -> Option<u8> {
    Some(match after {
        b'\'' | b'"' | b'\\' => after,
        b'b' => 0x08,
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'$' if dialect == Dialect::Expression && quote != b'`' => b'$',
        b'a' if dialect == Dialect::Object => 0x07,
        b'f' if dialect == Dialect::Object => 0x0c,
        // rsyslog reads `\v` and makes a question mark of it.
        b'?' | b'v' if dialect == Dialect::Object => b'?',
        b'`' if quote == b'`' => b'`',
        _ => return None,
    })
}

fn octal(body: &[u8], at: usize, dialect: Dialect, flaws: &mut Vec<Flaw>) -> (Option<u8>, usize) {
    let digits = body[at + 1..].iter().take(3).take_while(|b| matches!(b, b'0'..=b'7')).count();
    let value = body[at + 1..=at + digits].iter().fold(0u32, |n, b| n * 8 + u32::from(b - b'0'));
    let value = u8::try_from(value & 0xff).ok();
    match (digits, dialect) {
        (3, _) => {}
        (_, Dialect::Object) => {
            flaws
                .push(Flaw::Odd(at, "an octal escape has three digits; rsyslog misreads this one"));
        }
        (_, Dialect::Expression) => {
            flaws.push(Flaw::Escape(at, body[at + 1]));
            return (None, 1 + digits);
        }
    }
    (value, 1 + digits)
}

fn hex(body: &[u8], at: usize, flaws: &mut Vec<Flaw>) -> (Option<u8>, usize) {
    let value = body.get(at + 2..at + 4).and_then(|digits| {
        digits.iter().try_fold(0u8, |n, b| {
            let digit = char::from(*b).to_digit(16).and_then(|digit| u8::try_from(digit).ok())?;
            Some(n << 4 | digit)
        })
    });
    if value.is_none() {
        flaws.push(Flaw::Escape(at, b'x'));
        return (None, 2);
    }
    (value, 4)
}

/// What stands between backticks, already unescaped.
///
/// # Errors
/// What is wrong with it, and what to write; the constant is then empty.
pub(super) fn backticks(body: &[u8]) -> Result<BString, (String, &'static str)> {
    if let Some(text) = body.strip_prefix(b"echo ") {
        return Ok(echo(text));
    }
    if let Some(name) = body.strip_prefix(b"cat ") {
        let path = std::path::Path::new(OsStr::from_bytes(name));
        let shown = name.as_bstr();
        let size = fs::metadata(path).map_or(0, |meta| meta.len());
        if size > crate::base::num::count(CONFIG_FILE_BYTES_MAX) {
            return Err((format!("`cat {shown}`: the file is too large"), "name a smaller file"));
        }
        return fs::read(path).map(BString::from).map_err(|e| {
            let reason = reason(&e);
            (
                format!("`cat {shown}`: {reason}"),
                "one blank, one file name, no quotes and no options",
            )
        });
    }
    Err((
        format!("backticks hold `{}`, which is not run", body.as_bstr()),
        "only `echo text $NAME` and `cat file` are known, with exactly one blank",
    ))
}

/// `$NAME` becomes the environment variable; a name ends at a blank or a slash and nowhere else.
fn echo(text: &[u8]) -> BString {
    let mut out = BString::default();
    let mut rest = text;
    while let Some(dollar) = memchr::memchr(b'$', rest) {
        out.extend_from_slice(&rest[..dollar]);
        let name = &rest[dollar + 1..];
        let end = name
            .iter()
            .position(|b| b.is_ascii_whitespace() || *b == 0x0b || *b == b'/')
            .unwrap_or(name.len());
        let (name, after) = name.split_at(end);
        // A name with a NUL or `=` cannot be set; asking for it is harmless.
        if let Some(value) = std::env::var_os(OsStr::from_bytes(name)) {
            out.extend_from_slice(value.as_bytes());
        }
        rest = after;
    }
    out.extend_from_slice(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(body: &str, dialect: Dialect) -> (Vec<u8>, Vec<Flaw>) {
        let mut flaws = Vec::new();
        let text = unescape(body.as_bytes(), b'"', dialect, &mut flaws);
        (text.into(), flaws)
    }

    #[test]
    fn escapes_as_rsyslogd_reads_them() {
        let (text, flaws) = plain(r#"a\\b\"c\'d\n\101\?\a\b\f\r\t"#, Dialect::Object);
        assert_eq!(text, b"a\\b\"c'd\nA?\x07\x08\x0c\r\t");
        assert!(flaws.is_empty());
        let (text, flaws) = plain(r"\101\x41\b\n\t\r\$\377", Dialect::Expression);
        assert_eq!(text, b"AA\x08\n\t\r$\xff");
        assert!(flaws.is_empty());
    }

    #[test]
    fn wrong_escapes_are_kept_and_named() {
        let (text, flaws) = plain(r"\d+\x41", Dialect::Object);
        assert_eq!(text, br"\d+\x41");
        assert_eq!(flaws, [Flaw::Escape(0, b'd'), Flaw::Escape(3, b'x')]);
        let (text, flaws) = plain(r"\xzz\12", Dialect::Expression);
        assert_eq!(text, br"\xzz\12");
        assert_eq!(flaws, [Flaw::Escape(0, b'x'), Flaw::Escape(4, b'1')]);
        let (text, flaws) = plain(r"\12z\v", Dialect::Object);
        assert_eq!(text, b"\nz?");
        assert_eq!(flaws.len(), 2);
    }

    #[test]
    fn backticks_escape_themselves_and_no_dollar() {
        let mut flaws = Vec::new();
        let text = unescape(br"echo \`\$", b'`', Dialect::Expression, &mut flaws);
        assert_eq!(text, br"echo `\$".as_slice());
        assert_eq!(flaws, [Flaw::Escape(7, b'$')]);
    }

    #[test]
    fn backticks_echo_and_cat() {
        assert_eq!(backticks(b"echo a/$BONGSU_SURELY_UNSET/b").unwrap(), "a//b");
        assert_eq!(backticks(b"echo ").unwrap(), "");
        assert!(backticks(b"cat /nonexistent/x").is_err());
        assert!(backticks(b"date").is_err());
        let home = std::env::var("PATH").unwrap();
        assert_eq!(backticks(b"echo $PATH x").unwrap(), format!("{home} x").as_str());
    }
}
