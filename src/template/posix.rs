//! POSIX regular expressions (basic and extended, with GNU's additions, in the C locale) in the
//! words of the `regex` crate.
//!
//! One difference remains: of several alternatives that match at the same place, POSIX takes the
//! one that makes the whole match longest, and the `regex` crate the first that is written.
//! `a|ab` on `ab` finds `ab` there and `a` here. [`has_alternatives`] tells whether an expression
//! can show it. Back-references are refused.

use regex::bytes::Regex;
use regex::bytes::RegexBuilder;

/// Compiles a POSIX expression; `extended` for ERE. Matches bytes, `.` matches a newline too, and
/// `^` and `$` the ends of the text only.
///
/// # Errors
/// What is wrong with the expression.
pub(super) fn compile(pattern: &[u8], extended: bool) -> Result<Regex, String> {
    let translated = translate(pattern, extended)?;
    RegexBuilder::new(&translated)
        .unicode(false)
        .dot_matches_new_line(true)
        .build()
        .map_err(|e| e.to_string())
}

/// Whether the expression has alternatives, so that leftmost-first and leftmost-longest matching
/// may differ.
pub(super) fn has_alternatives(pattern: &[u8], extended: bool) -> bool {
    let mut escaped = false;
    pattern.iter().any(|b| {
        let was_escaped = escaped;
        escaped = !escaped && *b == b'\\';
        *b == b'|' && was_escaped != extended
    })
}

struct Translator<'a> {
    rest: &'a [u8],
    extended: bool,
    out: String,
    /// Where in `out` the last atom starts, if a quantifier may follow.
    atom: Option<usize>,
    /// Whether that atom already has a quantifier.
    quantified: bool,
    groups: Vec<usize>,
}

fn translate(pattern: &[u8], extended: bool) -> Result<String, String> {
    let mut t = Translator {
        rest: pattern,
        extended,
        out: String::new(),
        atom: None,
        quantified: false,
        groups: Vec::new(),
    };
    while let Some((byte, rest)) = t.rest.split_first() {
        t.rest = rest;
        t.step(*byte)?;
    }
    if t.groups.is_empty() { Ok(t.out) } else { Err("a '(' is not closed".into()) }
}

impl Translator<'_> {
    fn step(&mut self, byte: u8) -> Result<(), String> {
        match byte {
            b'\\' => {
                let Some((next, rest)) = self.rest.split_first() else {
                    return Err("trailing backslash".into());
                };
                self.rest = rest;
                return self.escaped(*next);
            }
            b'[' => return self.bracket(),
            b'.' => self.atom("."),
            b'*' => return self.quantifier("*"),
            b'(' if self.extended => self.open(),
            b')' if self.extended && !self.groups.is_empty() => self.close(),
            b'|' if self.extended => self.alternative(),
            b'+' if self.extended => return self.quantifier("+"),
            b'?' if self.extended => return self.quantifier("?"),
            b'{' if self.extended && self.rest.first().is_some_and(u8::is_ascii_digit) => {
                return self.interval(b"}");
            }
            b'^' if self.extended || self.at_start() => self.anchor("^"),
            b'$' if self.extended || self.at_end() => self.anchor("$"),
            _ => self.literal(byte),
        }
        Ok(())
    }

    fn escaped(&mut self, byte: u8) -> Result<(), String> {
        match byte {
            b'(' if !self.extended => self.open(),
            b')' if !self.extended && !self.groups.is_empty() => self.close(),
            b'|' if !self.extended => self.alternative(),
            b'+' if !self.extended => return self.quantifier("+"),
            b'?' if !self.extended => return self.quantifier("?"),
            b'{' if !self.extended => return self.interval(b"\\}"),
            b'1'..=b'9' => return Err("back-references are not supported".into()),
            b'w' => self.atom("[0-9A-Za-z_]"),
            b'W' => self.atom("[^0-9A-Za-z_]"),
            b's' => self.atom(r"[\t-\r ]"),
            b'S' => self.atom(r"[^\t-\r ]"),
            b'b' => self.anchor(r"\b"),
            b'B' => self.anchor(r"\B"),
            b'<' => self.anchor(r"\<"),
            b'>' => self.anchor(r"\>"),
            b'`' => self.anchor(r"\A"),
            b'\'' => self.anchor(r"\z"),
            _ => self.literal(byte),
        }
        Ok(())
    }

    fn at_start(&self) -> bool {
        self.out.is_empty() || self.out.ends_with('(') || self.out.ends_with('|')
    }

    fn at_end(&self) -> bool {
        self.rest.is_empty() || self.rest.starts_with(b"\\)") || self.rest.starts_with(b"\\|")
    }

    fn atom(&mut self, text: &str) {
        self.atom = Some(self.out.len());
        self.quantified = false;
        self.out.push_str(text);
    }

    fn anchor(&mut self, text: &str) {
        self.atom = None;
        self.out.push_str(text);
    }

    fn literal(&mut self, byte: u8) {
        self.atom = Some(self.out.len());
        self.quantified = false;
        self.push_byte(byte);
    }

    fn push_byte(&mut self, byte: u8) {
        if byte.is_ascii_alphanumeric() || byte == b' ' || byte == b'_' {
            self.out.push(char::from(byte));
        } else {
            const HEX: [char; 16] =
                ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
            self.out.push_str("\\x");
            self.out.push(HEX[usize::from(byte >> 4)]);
            self.out.push(HEX[usize::from(byte & 15)]);
        }
    }

    fn open(&mut self) {
        self.groups.push(self.out.len());
        self.out.push('(');
        self.atom = None;
    }

    fn close(&mut self) {
        self.atom = self.groups.pop();
        self.quantified = false;
        self.out.push(')');
    }

    fn alternative(&mut self) {
        self.out.push('|');
        self.atom = None;
    }

    /// `*` and its kin; a second one applies to what the first made (`a+?` is no lazy `a+`).
    fn quantifier(&mut self, text: &str) -> Result<(), String> {
        let Some(start) = self.atom else {
            // GNU: a quantifier with nothing before it is itself.
            if let &[byte] = text.as_bytes() {
                self.literal(byte);
                return Ok(());
            }
            return Err("a repetition has nothing to repeat".into());
        };
        if self.quantified {
            self.out.insert_str(start, "(?:");
            self.out.push(')');
        }
        self.quantified = true;
        self.out.push_str(text);
        Ok(())
    }

    fn interval(&mut self, end: &[u8]) -> Result<(), String> {
        let length = memchr::memmem::find(self.rest, end).ok_or("a '{' is not closed")?;
        let (inside, rest) = self.rest.split_at(length);
        self.rest = &rest[end.len()..];
        if !inside.iter().all(|b| b.is_ascii_digit() || *b == b',') {
            return Err("a repetition takes numbers".into());
        }
        let inside = String::from_utf8_lossy(inside);
        self.quantifier(&format!("{{{inside}}}"))
    }

    /// `[…]`: a backslash in it is itself, and so is a `]` in the first place.
    fn bracket(&mut self) -> Result<(), String> {
        self.atom("[");
        if let Some(rest) = self.rest.strip_prefix(b"^") {
            self.out.push('^');
            self.rest = rest;
        }
        let mut first = true;
        loop {
            let Some((byte, rest)) = self.rest.split_first() else {
                return Err("a '[' is not closed".into());
            };
            self.rest = rest;
            match byte {
                b']' if !first => break,
                b'[' if rest.starts_with(b":") => self.character_class()?,
                b'-' if !first && !rest.starts_with(b"]") => self.out.push('-'),
                _ => self.push_byte(*byte),
            }
            first = false;
        }
        self.out.push(']');
        Ok(())
    }

    fn character_class(&mut self) -> Result<(), String> {
        let length = memchr::memmem::find(self.rest, b":]").ok_or("a '[:' is not closed")?;
        let (name, rest) = self.rest.split_at(length + 2);
        self.rest = rest;
        self.out.push('[');
        self.out.push_str(&String::from_utf8_lossy(name));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::compile;
    use super::has_alternatives;

    fn find<'t>(pattern: &str, extended: bool, text: &'t str) -> Option<&'t str> {
        let found = compile(pattern.as_bytes(), extended).unwrap().find(text.as_bytes())?;
        text.get(found.range())
    }

    #[test]
    fn extended() {
        for (pattern, text, found) in [
            ("[0-9]+", "ab12", Some("12")),
            ("a{2,3}", "aaaa", Some("aaa")),
            ("a{x", "a{x", Some("a{x")),
            ("a+?b", "aab", Some("aab")),
            ("[]a]+", "x]a]", Some("]a]")),
            (r"[\d]+", r"5\d", Some(r"\d")),
            ("[a&&b]+", "&&a", Some("&&a")),
            ("[[:alpha:]_-]+", "1a_-b2", Some("a_-b")),
            ("[^]a]", "]ab", Some("b")),
            (r"a\.b", "axb a.b", Some("a.b")),
            ("*a", "*a", Some("*a")),
            (r"\<err\>", "terr err", Some("err")),
            ("a.c", "a\nc", Some("a\nc")),
            ("^b", "a\nb", None),
        ] {
            assert_eq!(find(pattern, true, text), found, "{pattern}");
        }
        assert!(compile(br"(a)\1", true).is_err());
        assert!(compile(b"(a", true).is_err());
        assert!(compile(b"[a", true).is_err());
    }

    #[test]
    fn basic() {
        for (pattern, text, found) in [
            ("[0-9]+", "12+", Some("2+")),
            (r"\([0-9]*\)x", "12x", Some("12x")),
            (r"a\{2\}", "aaa", Some("aa")),
            ("(a)", "a(a)", Some("(a)")),
            ("a^b$c", "a^b$c", Some("a^b$c")),
            (r"a\|b", "xb", Some("b")),
            ("*a", "*a", Some("*a")),
        ] {
            assert_eq!(find(pattern, false, text), found, "{pattern}");
        }
    }

    #[test]
    fn alternatives() {
        assert!(has_alternatives(b"a|b", true));
        assert!(!has_alternatives(br"a\|b", true));
        assert!(has_alternatives(br"a\|b", false));
        assert!(!has_alternatives(b"a|b", false));
    }
}
