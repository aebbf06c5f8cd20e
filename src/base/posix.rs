//! POSIX regular expressions (and glibc's additions) in the syntax of the `regex` crate.
//!
//! rsyslog hands patterns to `regcomp(3)`; what glibc takes, refuses or takes literally was tried
//! with rsyslogd 8.2302. Matching is by bytes, letter case is ASCII's.

use regex::bytes::Regex;
use regex::bytes::RegexBuilder;

/// Which of the two POSIX syntaxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    Basic,
    Extended,
}

/// Why a pattern is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub why: String,
    /// rsyslog takes it.
    pub ours: bool,
}

/// Compiles `pattern`.
///
/// # Errors
/// What is wrong with it, in a few words.
pub fn compile(pattern: &[u8], syntax: Syntax, any_case: bool) -> Result<Regex, Fault> {
    let mut translation = Translation {
        rest: pattern,
        syntax,
        out: String::new(),
        groups: vec![],
        closed: 0,
        unsupported: false,
    };
    if let Err(why) = translation.run() {
        return Err(Fault { why, ours: translation.unsupported });
    }
    RegexBuilder::new(&translation.out)
        .unicode(false)
        .dot_matches_new_line(true)
        .case_insensitive(any_case)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => {
                Fault { why: "the regular expression is too big".to_owned(), ours: true }
            }
            other => {
                let text = other.to_string();
                let last = text.lines().last().unwrap_or_default();
                Fault { why: last.trim_start_matches("error: ").to_owned(), ours: true }
            }
        })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    Or,
    /// `*`, `+` or `?`.
    Repeat(u8),
    /// The opening of `{m,n}`.
    Interval,
    Byte(u8),
    Escape(u8),
}

struct Translation<'a> {
    rest: &'a [u8],
    syntax: Syntax,
    out: String,
    /// Where each open group starts in `out`.
    groups: Vec<usize>,
    /// Groups that are closed.
    closed: usize,
    /// It failed at something that glibc takes.
    unsupported: bool,
}

impl Translation<'_> {
    fn run(&mut self) -> Result<(), String> {
        // Where the last atom starts in `out`; none at the start of a branch.
        let mut atom = None;
        while let Some(token) = self.token()? {
            let start = self.out.len();
            atom = match token {
                Token::Open => {
                    self.groups.push(start);
                    self.out.push_str("(?:");
                    None
                }
                Token::Close => match self.groups.pop() {
                    Some(opened) => {
                        self.out.push(')');
                        self.closed += 1;
                        Some(opened)
                    }
                    None if self.syntax == Syntax::Extended => {
                        self.literal(b')');
                        Some(start)
                    }
                    None => return Err("unmatched \\)".into()),
                },
                Token::Or => {
                    self.out.push('|');
                    None
                }
                Token::Repeat(symbol) => match atom {
                    Some(at) => {
                        self.repeat(at, char::from(symbol).to_string().as_str());
                        Some(at)
                    }
                    None if self.syntax == Syntax::Basic => {
                        self.literal(symbol);
                        Some(start)
                    }
                    None => return Err("nothing to repeat".into()),
                },
                Token::Interval => {
                    let interval = self.interval()?;
                    let at = atom.ok_or("nothing to repeat")?;
                    self.repeat(at, &interval);
                    Some(at)
                }
                Token::Byte(b'^') if self.is_anchor_start(atom) => {
                    // In a basic expression a star behind it is a star, in an extended one an
                    // anchor cannot be repeated.
                    self.out.push('^');
                    None
                }
                Token::Byte(b'$') if self.is_anchor_end() => {
                    self.out.push('$');
                    if self.syntax == Syntax::Basic { Some(start) } else { None }
                }
                Token::Byte(b'[') => {
                    self.bracket()?;
                    Some(start)
                }
                Token::Byte(b'.') => {
                    self.out.push('.');
                    Some(start)
                }
                Token::Byte(byte) => {
                    self.literal(byte);
                    Some(start)
                }
                Token::Escape(byte) => {
                    self.escape(byte)?;
                    let anchor = matches!(byte, b'b' | b'B' | b'<' | b'>' | b'`' | b'\'');
                    if anchor && self.syntax == Syntax::Extended { None } else { Some(start) }
                }
            };
        }
        if self.groups.is_empty() { Ok(()) } else { Err("unmatched (".into()) }
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// The next token; the two syntaxes differ in which of them take a backslash.
    fn token(&mut self) -> Result<Option<Token>, String> {
        let Some(byte) = self.next() else { return Ok(None) };
        let escaped = byte == b'\\';
        let byte = if escaped { self.next().ok_or("trailing backslash")? } else { byte };
        let operator = match byte {
            b'(' => Some(Token::Open),
            b')' => Some(Token::Close),
            b'|' => Some(Token::Or),
            b'+' | b'?' => Some(Token::Repeat(byte)),
            b'{' => Some(Token::Interval),
            _ => None,
        };
        Ok(Some(match operator {
            Some(token) if escaped == (self.syntax == Syntax::Basic) => token,
            _ if !escaped && byte == b'*' => Token::Repeat(byte),
            _ if escaped => Token::Escape(byte),
            _ => Token::Byte(byte),
        }))
    }

    /// `^` is an anchor everywhere in an extended expression, at the start of a branch in a basic
    /// one.
    fn is_anchor_start(&self, atom: Option<usize>) -> bool {
        self.syntax == Syntax::Extended || (atom.is_none() && !self.out.ends_with('^'))
    }

    fn is_anchor_end(&self) -> bool {
        self.syntax == Syntax::Extended
            || self.rest.is_empty()
            || self.rest.starts_with(b"\\)")
            || self.rest.starts_with(b"\\|")
    }

    /// Repeats what was written from `at`. In a group of its own, because `a+?` is `(a+)?` in
    /// POSIX and not a lazy repetition.
    fn repeat(&mut self, at: usize, how_often: &str) {
        self.out.insert_str(at, "(?:");
        self.out.push(')');
        self.out.push_str(how_often);
    }

    /// `m}`, `m,}`, `,n}` or `m,n}`; the brace is read already.
    fn interval(&mut self) -> Result<String, String> {
        let close = if self.syntax == Syntax::Basic { b"\\}".as_slice() } else { b"}" };
        let end = memchr::memmem::find(self.rest, close).ok_or("unmatched {")?;
        let (inside, rest) = self.rest.split_at(end);
        self.rest = &rest[close.len()..];
        let text = std::str::from_utf8(inside).map_err(|_| "invalid content of {}")?;
        let (low, high) = text.split_once(',').unwrap_or((text, text));
        let number = |text: &str| match text.parse::<u16>() {
            Ok(n) if text.bytes().all(|c| c.is_ascii_digit()) => Ok(n),
            _ => Err("invalid content of {}".to_owned()),
        };
        let low = if low.is_empty() && text.contains(',') { 0 } else { number(low)? };
        if high.is_empty() {
            return Ok(format!("{{{low},}}"));
        }
        let high = number(high)?;
        if low > high {
            return Err("invalid content of {}".into());
        }
        Ok(format!("{{{low},{high}}}"))
    }

    fn literal(&mut self, byte: u8) {
        if byte.is_ascii_alphanumeric() || byte == b' ' {
            self.out.push(char::from(byte));
        } else {
            self.out.push_str(&format!("\\x{byte:02X}"));
        }
    }

    /// What follows a backslash: glibc's operators, or the byte itself.
    fn escape(&mut self, byte: u8) -> Result<(), String> {
        match byte {
            b'w' | b'W' | b's' | b'S' | b'b' | b'B' | b'<' | b'>' => {
                self.out.push('\\');
                self.out.push(char::from(byte));
            }
            b'`' => self.out.push_str("\\A"),
            b'\'' => self.out.push_str("\\z"),
            b'1'..=b'9' => {
                // glibc refuses one that refers to no group before it.
                self.unsupported = usize::from(byte - b'0') <= self.closed;
                return Err("back references are not supported".into());
            }
            _ => self.literal(byte),
        }
        Ok(())
    }

    /// A bracket expression; the `[` is read already. A backslash is a literal in it.
    fn bracket(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.rest.first() == Some(&b'^') {
            self.rest = &self.rest[1..];
            self.out.push('^');
        }
        let mut first = true;
        loop {
            match self.rest {
                [] => return Err("unmatched [".into()),
                [b']', rest @ ..] if !first => {
                    self.rest = rest;
                    self.out.push(']');
                    return Ok(());
                }
                [b'[', b':', rest @ ..] => {
                    let end = memchr::memmem::find(rest, b":]").ok_or("unmatched [")?;
                    let name = std::str::from_utf8(&rest[..end]).unwrap_or_default();
                    if !CLASSES.contains(&name) {
                        return Err(format!("invalid character class name '{name}'"));
                    }
                    self.out.push_str(&format!("[:{name}:]"));
                    self.rest = &rest[end + 2..];
                }
                _ => self.range(first)?,
            }
            first = false;
        }
    }

    /// One byte of a bracket expression, or a range of them.
    fn range(&mut self, first: bool) -> Result<(), String> {
        let low = self.element()?;
        let high = match self.rest {
            [b'-', next, ..] if *next != b']' => {
                self.rest = &self.rest[1..];
                self.element()?
            }
            _ => low,
        };
        // A hyphen begins a range only as the first byte or behind another hyphen.
        if low == b'-' && high != low && !first {
            return Err("invalid range end".into());
        }
        if high < low {
            return Err("invalid range end".into());
        }
        self.out.push_str(&format!("\\x{low:02X}-\\x{high:02X}"));
        Ok(())
    }

    /// A byte, plain or as `[.b.]` or `[=b=]`.
    fn element(&mut self) -> Result<u8, String> {
        match self.rest {
            [b'[', b'.', byte, b'.', b']', rest @ ..]
            | [b'[', b'=', byte, b'=', b']', rest @ ..] => {
                self.rest = rest;
                Ok(*byte)
            }
            [b'[', b'.' | b'=', ..] => Err("invalid collation element".into()),
            _ => self.next().ok_or_else(|| "unmatched [".into()),
        }
    }
}

const CLASSES: [&str; 12] = [
    "alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
    "upper", "xdigit",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, syntax: Syntax, texts: &[&str]) -> Option<String> {
        let regex = compile(pattern.as_bytes(), syntax, false).ok()?;
        Some(texts.iter().map(|t| if regex.is_match(t.as_bytes()) { '1' } else { '0' }).collect())
    }

    /// `re_match($msg, '…')`, rsyslogd 8.2302; none where it refused the pattern.
    #[test]
    fn extended_expressions_match_as_in_rsyslog() {
        let texts = [
            "{2", "a{x", "aa", "*a", "+a", "", "b", "ab", "a", "|", ")", "(", "a\\", "]", "-",
            "a^", "^a", "a$b", "a{1,2", ".", "x", "n", "\\", "q",
        ];
        let expected: &[(&str, Option<&str>)] = &[
            ("{2", None),
            ("a{x", None),
            ("*a", None),
            ("+a", None),
            ("a|*b", None),
            ("(*a)", None),
            ("a{2", None),
            ("(", None),
            ("[[:nope:]]", None),
            ("[b-a]", None),
            ("a\\", None),
            ("\\1a", None),
            ("a{3,2}", None),
            ("a{99999}", None),
            ("a{2}{1}", Some("001000000000000000000000")),
            ("x+?", Some("111111111111111111111111")),
            ("()", Some("111111111111111111111111")),
            ("a||b", Some("111111111111111111111111")),
            ("|a", Some("111111111111111111111111")),
            (")", Some("000000000010000000000000")),
            ("a{,2}", Some("111111111111111111111111")),
            ("[]a]", Some("011110011000110111100000")),
            ("[^]a]", Some("110110110111101111111111")),
            ("[a-]", Some("011110011000101111100000")),
            ("^a^", Some("000000000000000000000000")),
            ("a$b", Some("000000000000000000000000")),
            ("[[.a.]]", Some("011110011000100111100000")),
            ("[[=a=]]", Some("011110011000100111100000")),
            ("(^a)", Some("011000011000100101100000")),
            ("(a|)$", Some("111111111111111111111111")),
            ("\\.", Some("000000000000000000010000")),
            ("\\x", Some("010000000000000000001000")),
            ("\\n", Some("000000000000000000000100")),
            ("[\\n]", Some("000000000000100000000110")),
            ("\\{", Some("110000000000000000100000")),
        ];
        for (pattern, bits) in expected {
            let ours = matches(pattern, Syntax::Extended, &texts);
            assert_eq!(ours.as_deref(), *bits, "{pattern}");
        }
    }

    /// `:msg, regex, "…"`, rsyslogd 8.2302.
    #[test]
    fn basic_expressions_match_as_in_rsyslog() {
        let texts = ["abc", "", "010", "aab", "a|c", "a{2}", "+b+", "*b", "a^", "^a", "a$b", "b)"];
        for (pattern, bits) in [
            ("a.c", Some("100010000000")),
            ("a\\|0", Some("101111001110")),
            ("\\(b\\)", Some("100100110011")),
            ("b+", Some("000000100000")),
            ("[[:digit:]]", Some("001001000000")),
            ("a\\{2\\}", Some("000100000000")),
            ("^*b", Some("000000010000")),
            ("a\\+", Some("100111001110")),
            ("a{2}", Some("000001000000")),
            ("a|b", Some("000000000000")),
            ("a|c", Some("000010000000")),
            ("^^a", Some("000000000100")),
            ("a\\|*b", Some("100111011110")),
            ("\\(*b\\)", Some("000000010000")),
            ("a^", Some("000000001000")),
            ("a$b", Some("000000000010")),
            ("\\+b", Some("000000100000")),
            ("\\(^a\\)", Some("100111001010")),
            ("^*", Some("000000010000")),
            ("b\\)", None),
            ("\\{2", None),
        ] {
            assert_eq!(matches(pattern, Syntax::Basic, &texts).as_deref(), bits, "{pattern}");
        }
    }
}
