//! Lines that begin no statement: a keyword misspelt, or what got into the file from elsewhere.
//! However many there are in a row, they are complained of once.

use bstr::ByteSlice;

use crate::base::diag::nearest;
use crate::config::ast::Block;
use crate::config::ast::Stmt;
use crate::config::ast::StmtKind;
use crate::config::lex;
use crate::config::lex::Keyword;
use crate::config::lex::Token;
use crate::config::parse::Parser;
use crate::config::scan::is_lookalike;

/// Words that have no place in the language, and what to write.
const WORDS: [(&str, &str); 11] = [
    ("then", "'then' belongs behind 'if' and its condition"),
    ("do", "'do' belongs behind 'foreach ( … )'"),
    ("endif", "blocks end with '}'"),
    ("fi", "blocks end with '}'"),
    ("end", "blocks end with '}'"),
    ("done", "blocks end with '}'"),
    ("discard", "write 'stop'"),
    ("return", "write 'stop', or 'continue' to do nothing"),
    ("break", "write 'stop', or 'continue' to do nothing"),
    ("exit", "write 'stop'"),
    ("drop", "write 'stop'"),
];

/// First words that give their origin away.
const ORIGINS: [(&[&str], &str); 4] = [
    (
        &[
            "ADD",
            "ARG",
            "CMD",
            "COPY",
            "ENTRYPOINT",
            "ENV",
            "EXPOSE",
            "FROM",
            "LABEL",
            "RUN",
            "USER",
            "VOLUME",
            "WORKDIR",
        ],
        "this looks like a Dockerfile: remove it",
    ),
    (
        &[
            "EOF",
            "apt",
            "apt-get",
            "cat",
            "chmod",
            "chown",
            "cp",
            "curl",
            "dnf",
            "echo",
            "export",
            "mkdir",
            "mv",
            "rm",
            "sed",
            "service",
            "sudo",
            "systemctl",
            "tee",
            "touch",
            "yum",
        ],
        "this looks like a shell script: remove it",
    ),
    (
        &["source", "destination", "log", "filter", "options", "@version", "@include", "parser"],
        "this looks like syslog-ng's configuration: it has to be translated",
    ),
    (
        &["weekly", "daily", "monthly", "rotate", "missingok", "notifempty", "postrotate"],
        "this looks like logrotate's configuration: it belongs in /etc/logrotate.d",
    ),
];

const STATEMENTS: &str = "statements begin with a keyword (if, set, call …), an object \
                          (action(…)), a selector (mail.*) or a $directive; comments begin with #";
/// A longer line is not looked into.
const LINE_MAX: usize = 300;

impl Parser<'_> {
    /// A line that begins with a word: an action behind a filter, else a mistake.
    pub(super) fn legacy_line(&mut self, filtered: bool, out: &mut Block) {
        let start = self.at;
        let text = &self.source.text;
        if !self.byte().is_ascii_alphanumeric() && self.byte() != b'_' {
            if self.begins_stray(start) {
                return self.stray();
            }
            return self.misplaced_selector(out).unwrap_or_else(|| self.action_list(out));
        }
        let (_, end) = lex::token(text, start);
        let next = text.get(end).copied().unwrap_or(b'\n');
        let word = text[start..end].to_str_lossy().into_owned();
        let call = end + text[end..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        if lex::at_line_start(text, start) && matches!(next, b'.' | b';') {
            return self.near_selector(out);
        }
        if text.get(call) == Some(&b'(') {
            return self.unknown_object(&word, end, call);
        }
        let bare = word.trim_end_matches(';');
        if bare.len() < word.len()
            && let Some((_, keyword)) = lex::KEYWORDS.iter().find(|(name, _)| *name == bare)
            && matches!(keyword, Keyword::Stop | Keyword::Continue)
        {
            let help = format!("write '{bare}' alone");
            self.error(start + bare.len(), end, format!("'{bare}' takes no semicolon"), &help);
            self.at = end;
            let kind = if bare == "stop" { StmtKind::Stop } else { StmtKind::Continue };
            out.push(Stmt { loc: self.loc(start, start + bare.len()), kind });
            return;
        }
        if text.get(end..).is_some_and(|behind| behind.starts_with("\u{ff08}".as_bytes())) {
            self.at = end;
            self.bad("here");
            return self.skip_line();
        }
        if let Some((_, help)) = WORDS.iter().find(|(known, _)| word.eq_ignore_ascii_case(known)) {
            self.at = end;
            let text = format!("'{word}' cannot stand here");
            return self.error(start, end, text, help);
        }
        if let Some(done) = self.misplaced_selector(out) {
            return done;
        }
        if filtered { self.action_list(out) } else { self.stray() }
    }

    /// Not quite a selector: a digit too high, a hyphen.
    fn near_selector(&mut self, out: &mut Block) {
        let start = self.at;
        let length = self.rest().find_byteset(b" \t\n").unwrap_or(0);
        if self.byte().is_ascii_digit() {
            let help = "write the facility's name: kern user mail daemon auth syslog … local7";
            self.error(start, start + length, "a selector cannot begin with a number", help);
        }
        self.selector(start + length, out);
    }

    /// A selector or property filter that is not at the beginning of its line, where rsyslog does
    /// not know it. `None` if it is none.
    fn misplaced_selector(&mut self, out: &mut Block) -> Option<()> {
        let start = self.at;
        let text = &self.source.text;
        if lex::at_line_start(text, start) {
            return None;
        }
        let end = lex::pri_filter(text, start).filter(|_| lex::is_selector(text, start))?;
        let selector = text[start..end].to_str_lossy().into_owned();
        // Once for a line: what follows such a selector is hardly better.
        let line_end = self.line_end();
        if std::mem::replace(&mut self.misplaced, line_end) == line_end {
            self.at = line_end;
            return Some(());
        }
        let help = format!("begin a new line before it, or write: if prifilt(\"{selector}\") then");
        self.error(start, end, "a selector counts only at the beginning of a line", &help);
        self.selector(end, out);
        Some(())
    }

    /// A colon that begins no property filter.
    pub(super) fn no_filter(&mut self, out: &mut Block) {
        let start = self.at;
        if let Some(end) = lex::property_filter(&self.source.text, start) {
            let text = "a property filter counts only at the beginning of a line";
            self.error(start, end, text, "begin a new line before it");
            return self.property_filter(end, out);
        }
        self.at = self.line_end();
        let line = self.source.text[start..self.at].as_bstr();
        let help = if line.starts_with(b":$!") || line.starts_with(b":$.") {
            "property filters know no variables; write: if $!name contains 'value' then …"
        } else if line.contains(&b'\'') && !line.contains(&b'"') {
            "the value stands in double quotes: :msg, contains, \"value\" action"
        } else {
            ":property, [!]operation, \"value\" action; there are three parts, separated by \
             commas, and the value is quoted"
        };
        self.error(start, self.at, "this is no property filter", help);
    }

    fn unknown_object(&mut self, word: &str, end: usize, call: usize) {
        let start = self.at;
        let near = nearest(word, lex::OBJECTS.iter().map(|(name, _)| *name));
        let help = match near {
            Some(near) => format!("did you mean '{near}('?"),
            None if word.eq_ignore_ascii_case("then") => "'then' belongs behind 'if'".to_owned(),
            None => "objects: module input action ruleset template global main_queue …".to_owned(),
        };
        self.error(start, end, format!("unknown object '{word}'"), &help);
        self.at = call + 1;
        self.parameters(start, call);
        if let (Token::OpenBrace, _) = self.peek() {
            self.skip_line();
        }
    }

    /// Whether what stands at `at` begins no statement, and is not to be read on behind.
    pub(super) fn begins_stray(&self, at: usize) -> bool {
        let text = &self.source.text;
        let Some(&first) = text.get(at) else { return false };
        let (token, end) = lex::token(text, at);
        match token {
            Token::Action if first.is_ascii_alphanumeric() || first == b'_' => {
                let next = text.get(end).copied().unwrap_or(b'\n');
                !matches!(next, b'.' | b';') && lex::at_line_start(text, at)
            }
            Token::Action => {
                let line = &text[at..];
                (first == b'-' && matches!(line.get(1), Some(b' ' | b'\t')))
                    || line.starts_with(b"// ")
                    || line.starts_with(b">>>>>>>")
                    || (first == b'/' && opens_block(line))
            }
            Token::Bad => {
                !matches!(first, b':' | b')' | b']' | b',' | b';' | b'$')
                    && !is_lookalike(&text[at..])
            }
            _ => false,
        }
    }

    /// Passes over a line that begins no statement and those like it below.
    pub(super) fn stray(&mut self) {
        let start = self.at;
        let first_end = self.line_end();
        let line = self.source.text[start..first_end].trim_end().to_owned();
        let mut lines = 0;
        loop {
            lines += 1;
            self.skip_line();
            let (_, next) = (self.peek(), self.at);
            if next <= first_end || !self.begins_stray(next) {
                break;
            }
        }
        let word_length = line.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
        let word = line[..word_length].to_str_lossy().into_owned();
        let yaml = line[word_length..].starts_with(b":");
        let keywords = lex::KEYWORDS.iter().map(|(name, _)| *name);
        let known = keywords.chain(lex::OBJECTS.iter().map(|(name, _)| *name));
        if let Some(near) =
            nearest(&word, known).filter(|near| !yaml && word.len() > 2 && *near != word)
        {
            let help = format!("did you mean '{near}'?");
            return self.error(
                start,
                start + word_length,
                format!("unknown statement '{word}'"),
                &help,
            );
        }
        if line.starts_with(b"\"") || line.starts_with(b"'") {
            let help = "is a quote missing, or one too many, before it?";
            return self.error(start, start + line.len(), "a string cannot stand here", help);
        }
        let text = if lines == 1 {
            "this line is no rsyslog configuration".to_owned()
        } else {
            format!("this line and {} like it are no rsyslog configuration", lines - 1)
        };
        self.error(start, start + line.len(), text, &looks_like(&line));
    }

    /// Goes to the end of the line, past the block that it opens, or before the `}` that ends the
    /// block around it.
    pub(super) fn skip_line(&mut self) {
        let text = &self.source.text;
        let line_end = self.line_end();
        let (mut at, mut depth, mut quote) = (self.at, 0_usize, None);
        while let Some(&byte) = text.get(at) {
            match (byte, quote) {
                (b'\n', _) if depth == 0 => break,
                (b'\n', _) => quote = None,
                (b'\\', Some(_)) => at += 1,
                (byte, Some(open)) if byte == open => quote = None,
                (_, Some(_)) => {}
                (b'"' | b'\'', None) => quote = Some(byte),
                (b'{', None) => depth += 1,
                (b'}', None) if depth > 0 => depth -= 1,
                (b'}', None) if self.depth > 0 => break,
                _ => {}
            }
            at += 1;
        }
        // A block without an end is left to whoever reads on.
        self.at = if depth > 0 { line_end } else { at.min(text.len()) };
    }

    /// A brace without a filter; what is JSON is passed over whole.
    pub(super) fn bare_block(&mut self) {
        let start = self.at;
        let inside = self.source.text[start + 1..].trim_start();
        if inside.starts_with(b"\"") {
            let line = self.line_end();
            self.skip_line();
            let help = "this looks like JSON: it cannot stand in this file";
            return self.error(start, line, "this is no rsyslog configuration", help);
        }
        self.braces(start);
        let help = "write a filter before it, e.g. *.* { … }; the block is left out";
        self.error(start, start + 1, "a block needs a filter before it", help);
    }
}

/// Whether a line that begins with a path ends with a brace, as in logrotate's files.
fn opens_block(line: &[u8]) -> bool {
    let end = memchr::memchr(b'\n', line).unwrap_or(line.len());
    line[..end].trim_end().ends_with(b" {")
}

/// What a line seems to come from, or what to write.
fn looks_like(line: &[u8]) -> String {
    if line.len() > LINE_MAX {
        return STATEMENTS.to_owned();
    }
    let line = line.to_str_lossy();
    let first = line.split([' ', '\t', '=', ':']).next().unwrap_or_default();
    let only = line.split_ascii_whitespace().count() == 1;
    for (words, origin) in ORIGINS {
        if words.contains(&first) && !(only && first.chars().all(char::is_lowercase)) {
            return origin.to_owned();
        }
    }
    let key = line.strip_prefix("- ").unwrap_or(&line);
    let yaml = key.split_once(':').is_some_and(|(name, value)| {
        let name = name.trim_matches('"');
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        plain && !name.is_empty() && (value.is_empty() || value.starts_with(' '))
    });
    if yaml || line.starts_with("- ") || line.starts_with("---") {
        return "this looks like YAML: it is read from files called *.yaml or *.yml".to_owned();
    }
    if line.starts_with('[') {
        return "this looks like an INI file or a systemd unit: it cannot stand here".to_owned();
    }
    if line.starts_with('<') && line.ends_with('>') {
        return "this looks like XML, or fluentd's configuration: it cannot stand here".to_owned();
    }
    if line.starts_with('/') && line.ends_with('{') {
        return "this looks like logrotate's configuration: it belongs in /etc/logrotate.d"
            .to_owned();
    }
    if ["<<<<<<<", "=======", ">>>>>>>"].iter().any(|mark| line.starts_with(mark)) {
        return "this is a mark of a merge that was not finished: keep one of the two sides"
            .to_owned();
    }
    if line.starts_with("//") || line.starts_with("--") {
        return "comments begin with #, or stand between /* and */".to_owned();
    }
    if let Some((name, value)) = line.split_once('=')
        && !name.trim().contains(' ')
    {
        let (name, value) = (name.trim(), value.trim().trim_matches(['"', '\'']));
        return format!("parameters stand in objects: global({name}=\"{value}\")");
    }
    if only && line.chars().all(|c| c.is_ascii_alphanumeric() || "_-,".contains(c)) {
        return format!("to write to a user's terminal: *.* :omusrmsg:{line}");
    }
    STATEMENTS.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_guessed() {
        for (line, expected) in [
            ("RUN apt-get update", "Dockerfile"),
            ("sudo systemctl restart rsyslog", "shell"),
            ("source s_net {", "syslog-ng"),
            ("/var/log/syslog {", "logrotate"),
            ("inputs:", "YAML"),
            ("- type: imtcp", "YAML"),
            ("[Service]", "INI"),
            ("<match **>", "XML"),
            ("<<<<<<< HEAD", "merge"),
            ("// rest", "comments begin with #"),
            ("workDirectory = \"/x\"", "global(workDirectory=\"/x\")"),
            ("root", ":omusrmsg:root"),
            ("This is prose", "statements begin"),
        ] {
            let help = looks_like(line.as_bytes());
            assert!(help.contains(expected), "{line}: {help}");
        }
    }
}
