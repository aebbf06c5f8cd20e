//! What stands at a place of the text. rsyslog decides by longest match among patterns, some of
//! which hold only at the beginning of a line; so does this.

use crate::config::ast::ObjectKind;
use crate::config::scan::blank_lookalikes;

/// What begins a statement, or stands between statements. Ranges are offsets of the joined text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    End,
    OpenBrace,
    CloseBrace,
    Ampersand,
    Word(Keyword),
    /// `kind(`, the parenthesis included.
    Object(ObjectKind),
    /// `mail.*;auth.none`, at the beginning of a line.
    PriFilter,
    /// `:msg, contains, "x"`, at the beginning of a line.
    PropertyFilter,
    /// A file, host, pipe, user list … up to the end of its line or word.
    Action,
    /// `$Name …` up to the end of the line.
    Directive,
    /// `!prog`, `+host`, `-host`.
    BsdBlock,
    /// Nothing that rsyslog knows.
    Bad,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    If,
    Foreach,
    ReloadLookupTable,
    Stop,
    Else,
    Call,
    CallIndirect,
    Set,
    Reset,
    Unset,
    Continue,
}

pub(super) const KEYWORDS: [(&str, Keyword); 11] = [
    ("if", Keyword::If),
    ("foreach", Keyword::Foreach),
    ("reload_lookup_table", Keyword::ReloadLookupTable),
    ("stop", Keyword::Stop),
    ("else", Keyword::Else),
    ("call", Keyword::Call),
    ("call_indirect", Keyword::CallIndirect),
    ("set", Keyword::Set),
    ("reset", Keyword::Reset),
    ("unset", Keyword::Unset),
    ("continue", Keyword::Continue),
];

/// Objects by name. `perctile_stats` is the documented name, `percentile_stats` what 8.2302 reads.
pub(super) const OBJECTS: [(&str, ObjectKind); 17] = [
    ("action", ObjectKind::Action),
    ("constant", ObjectKind::Constant),
    ("dyn_stats", ObjectKind::DynStats),
    ("global", ObjectKind::Global),
    ("include", ObjectKind::Include),
    ("input", ObjectKind::Input),
    ("lookup_table", ObjectKind::LookupTable),
    ("main_queue", ObjectKind::MainQueue),
    ("module", ObjectKind::Module),
    ("parser", ObjectKind::Parser),
    ("percentile_stats", ObjectKind::PerctileStats),
    ("perctile_stats", ObjectKind::PerctileStats),
    ("property", ObjectKind::Property),
    ("ratelimit", ObjectKind::Ratelimit),
    ("ruleset", ObjectKind::Ruleset),
    ("template", ObjectKind::Template),
    ("timezone", ObjectKind::Timezone),
];

/// rsyslog's name of an object, as one writes it.
pub(super) fn object_name(kind: ObjectKind) -> &'static str {
    OBJECTS.iter().rfind(|(_, k)| *k == kind).map_or("object", |(name, _)| name)
}

fn run(text: &[u8], at: usize, is: impl Fn(u8) -> bool) -> usize {
    at + text.get(at..).map_or(0, |rest| rest.iter().take_while(|b| is(**b)).count())
}

fn line_end(text: &[u8], at: usize) -> usize {
    memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |length| at + length)
}

const fn is_gap(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n')
}

const fn is_tab_or_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Where the word ends that begins at `at`: letters, digits and underscores.
pub(super) fn word_end(text: &[u8], at: usize) -> usize {
    run(text, at, |b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Whether only blanks, or what looks like them, stand between the beginning of the line and `at`.
pub(super) fn at_line_start(text: &[u8], at: usize) -> bool {
    let mut before = &text[..at];
    loop {
        before = match before.last() {
            None | Some(b'\n') => return true,
            Some(b' ' | b'\t') => &before[..before.len() - 1],
            Some(byte) if byte.is_ascii() => return false,
            Some(_) => match blank_lookalikes(before) {
                0 => return false,
                length => &before[..before.len() - length],
            },
        };
    }
}

/// The token at `at`, where no blank and no comment stands, and where it ends.
pub(super) fn token(text: &[u8], at: usize) -> (Token, usize) {
    let Some(&first) = text.get(at) else { return (Token::End, at) };
    let fixed = match first {
        b'{' => Some(Token::OpenBrace),
        b'}' => Some(Token::CloseBrace),
        b'&' => Some(Token::Ampersand),
        _ => None,
    };
    if let Some(token) = fixed {
        return (token, at + 1);
    }
    if at_line_start(text, at)
        && let Some(found) = line_token(text, at)
    {
        return found;
    }
    match first {
        b'$' if text.get(at + 1).is_some_and(u8::is_ascii_alphabetic) => {
            (Token::Directive, line_end(text, at))
        }
        b'!' | b'+' if bsd_block(text, at) => (Token::BsdBlock, line_end(text, at)),
        b'-' if star_host(text, at) => (Token::BsdBlock, line_end(text, at)),
        b'*' => (Token::Action, at + 1),
        b'~' if ends_line(text, at + 1) => (Token::Action, at + 1),
        b'/' | b'|' | b'.' | b'-' | b'@' | b'^' | b'?' | b'~' | b'>'
            if !ends_line(text, at + 1) =>
        {
            (Token::Action, line_end(text, at))
        }
        b':' => {
            let name = run(text, at + 1, |b| b.is_ascii_alphanumeric());
            if name > at + 1 && text.get(name) == Some(&b':') {
                (Token::Action, line_end(text, at))
            } else {
                (Token::Bad, at + 1)
            }
        }
        b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => word(text, at),
        _ => (Token::Bad, at + 1),
    }
}

fn word(text: &[u8], at: usize) -> (Token, usize) {
    let end = word_end(text, at);
    let name = &text[at..end];
    let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
    let paren = run(text, end, is_gap);
    if text.get(paren) == Some(&b'(')
        && let Some((_, kind)) = OBJECTS.iter().find(|(known, _)| is(known))
    {
        return (Token::Object(*kind), paren + 1);
    }
    let users = run(text, end, |b| {
        b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+' | b',' | b';')
    });
    match KEYWORDS.iter().find(|(known, _)| is(known)) {
        Some((_, keyword)) if users == end => (Token::Word(*keyword), end),
        _ => (Token::Action, users),
    }
}

/// Tokens that exist only at the beginning of a line.
fn line_token(text: &[u8], at: usize) -> Option<(Token, usize)> {
    match text.get(at)? {
        b':' => property_filter(text, at).map(|end| (Token::PropertyFilter, end)),
        b'-' | b'+' => bsd_block(text, at).then(|| (Token::BsdBlock, line_end(text, at))),
        _ => pri_filter(text, at).map(|end| (Token::PriFilter, end)),
    }
}

/// `mail.*`, `*.info;auth,authpriv.none`: names or stars, digits, a dot or comma, and a rest.
pub(super) fn pri_filter(text: &[u8], at: usize) -> Option<usize> {
    let name = run(text, at, |b| b.is_ascii_alphabetic() || b == b'*');
    let digits = run(text, name, |b| matches!(b, b'0'..=b'7'));
    if name == at || !matches!(text.get(digits), Some(b'.' | b',')) {
        return None;
    }
    let end = run(text, digits + 1, |b| {
        b.is_ascii_alphabetic()
            || matches!(b, b',' | b'!' | b'=' | b';' | b'.' | b'*' | b'0'..=b'7')
    });
    // A list of user names may be longer than what looks like a selector.
    let users = run(text, digits, |b| {
        b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+' | b',' | b';')
    });
    (end > digits + 1 && end >= users).then_some(end)
}

/// Whether a selector stands at `at`, or would at the beginning of a line.
pub(super) fn is_selector(text: &[u8], at: usize) -> bool {
    pri_filter(text, at).is_some_and(|end| text[at..end].contains(&b'.'))
}

/// `:property, [!]operation, "value"`.
pub(super) fn property_filter(text: &[u8], at: usize) -> Option<usize> {
    let spaces = |at| run(text, at, |b| b == b' ');
    let comma = |at| {
        let at = spaces(at);
        (text.get(at) == Some(&b',')).then(|| spaces(at + 1))
    };
    let mut name = at + 1;
    if text.get(name) == Some(&b'$') {
        name += 1;
    }
    let name_end = run(text, name, |b| b.is_ascii_alphabetic() || b == b'-');
    let mut operation = comma(name_end).filter(|_| name_end > name)?;
    if text.get(operation) == Some(&b'!') {
        operation += 1;
    }
    let operation_end = run(text, operation, |b| b.is_ascii_alphabetic() || b == b'_');
    let quote = comma(operation_end).filter(|_| operation_end > operation)?;
    if text.get(quote) != Some(&b'"') {
        return None;
    }
    let mut end = quote + 1;
    loop {
        end += memchr::memchr2(b'"', b'\\', &text[end..])?;
        match text[end] {
            b'"' => return Some(end + 1),
            // Only `\"` is special: `"a\\"` ends at the quote behind two backslashes.
            _ if text.get(end + 1) == Some(&b'"') && text[end - 1] != b'\\' => end += 2,
            _ => end += 1,
        }
    }
}

/// Whether the line ends at `at`.
fn ends_line(text: &[u8], at: usize) -> bool {
    text.get(at).is_none_or(|b| *b == b'\n')
}

/// `!prog` alone on its line, `+host`, `-host` with nothing before them, `+*`.
fn bsd_block(text: &[u8], at: usize) -> bool {
    let name = at + 1;
    let end = match text[at] {
        b'!' => run(text, name, |b| !is_gap(b)),
        _ if star_host(text, at) => return true,
        _ if !at_line_start(text, at) => return false,
        _ => run(text, name, |b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b':' | b'-')),
    };
    end > name && ends_line(text, run(text, end, is_tab_or_space))
}

/// `+*` or `-*`, with a comment behind it if need be.
fn star_host(text: &[u8], at: usize) -> bool {
    let behind = run(text, at + 2, is_tab_or_space);
    text.get(at + 1) == Some(&b'*') && (ends_line(text, behind) || text.get(behind) == Some(&b'#'))
}

/// Where the next token begins, past blanks and comments that are closed.
fn past_blanks(text: &[u8], mut at: usize) -> usize {
    loop {
        at = run(text, at, is_gap);
        let rest = text.get(at..).unwrap_or_default();
        if rest.starts_with(b"#") {
            at = line_end(text, at);
        } else if rest.starts_with(b"/*")
            && let Some(length) = memchr::memmem::find(&rest[2..], b"*/")
        {
            at += length + 4;
        } else {
            return at;
        }
    }
}

/// The first token at or behind `at` that is no directive. For rsyslog, directives stand outside
/// of the grammar: `&` and `else` reach over them. `$RuleSet` and `$IncludeConfig` do not.
pub(super) fn past_directives(text: &[u8], mut at: usize) -> Token {
    loop {
        at = past_blanks(text, at);
        match token(text, at) {
            (Token::Directive, end) if !is_structural(&text[at..end]) => at = end,
            (token, _) => return token,
        }
    }
}

/// Whether a directive changes what the lines behind it belong to.
pub(super) fn is_structural(line: &[u8]) -> bool {
    let name = &line[..run(line, 0, |b| !is_gap(b))];
    name.eq_ignore_ascii_case(b"$ruleset") || name.eq_ignore_ascii_case(b"$includeconfig")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str) -> (Token, &str) {
        let text_start = text.len() - text.trim_ascii_start().len();
        let (found, end) = token(text.as_bytes(), text_start);
        (found, text.get(text_start..end).unwrap_or_default())
    }

    #[test]
    fn longest_match_decides() {
        assert_eq!(first("stop }"), (Token::Word(Keyword::Stop), "stop"));
        assert_eq!(first("stopped }"), (Token::Action, "stopped"));
        assert_eq!(
            first("call_indirect $x;"),
            (Token::Word(Keyword::CallIndirect), "call_indirect")
        );
        assert_eq!(first("Module \n ( load"), (Token::Object(ObjectKind::Module), "Module \n ("));
        assert_eq!(first("module.* /x"), (Token::PriFilter, "module.*"));
        assert_eq!(first("  *.=info;*.=notice\t-/x"), (Token::PriFilter, "*.=info;*.=notice"));
        assert_eq!(first("root,foo"), (Token::PriFilter, "root,foo"));
        assert_eq!(first("root,foo-x /y"), (Token::Action, "root,foo-x"));
        assert_eq!(first("*.*@@host:514"), (Token::PriFilter, "*.*"));
        assert_eq!(first("local1.8 /x"), (Token::Action, "local1"));
        assert_eq!(first("-/var/log/x;t\n"), (Token::Action, "-/var/log/x;t"));
        assert_eq!(first("-host\n"), (Token::BsdBlock, "-host"));
        assert_eq!(first("!prog  \n"), (Token::BsdBlock, "!prog  "));
        assert_eq!(first("~\n"), (Token::Action, "~"));
        assert_eq!(first("* # x\n"), (Token::Action, "*"));
        assert_eq!(first("$ModLoad x\n"), (Token::Directive, "$ModLoad x"));
        assert_eq!(first("$ InputFileName\n"), (Token::Bad, "$"));
        assert_eq!(first(":omusrmsg:*\n"), (Token::Action, ":omusrmsg:*"));
        assert_eq!(first(""), (Token::End, ""));
    }

    #[test]
    fn property_filters() {
        let whole = r#":msg , !contains , "a\"b" "#;
        assert_eq!(first(whole), (Token::PropertyFilter, whole.trim_end()));
        assert_eq!(first(r#":$now,isequal,"" x"#).0, Token::PropertyFilter);
        assert_eq!(first(r#":msg, contains, "a stop"#).0, Token::Bad);
        assert_eq!(first(r#":msg, contains, "a\\" stop"#).1, r#":msg, contains, "a\\""#);
        assert_eq!(first(r#":$!a, contains, "x" stop"#).0, Token::Bad);
    }
}
