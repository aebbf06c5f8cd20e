//! Legacy actions: `/file`, `-?dyn`, `@@host:514;template`, `:omusrmsg:*`, `~` … and what they are
//! as `action(type="…")`.

use bstr::BStr;
use bstr::BString;
use bstr::ByteSlice;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::ast::Param;
use crate::config::ast::Value;
use crate::config::ast::Word;
use crate::config::text::Source;

/// What a legacy action is.
#[derive(Debug)]
pub(in crate::config) enum Lowered {
    Action(Object),
    /// `~`: the message goes no further.
    Stop,
    /// A `:omfile:$channel`: which channel, and the action to complete with it.
    Channel(Word, Object),
}

/// What `^program` is. rsyslog has no other way to write it.
pub(in crate::config) const SHELL: &str = "omshell";

/// A parameter that was not written as such.
pub(in crate::config) fn param(name: &str, value: impl Into<BString>, loc: Loc) -> Param {
    let name = Word { text: name.to_owned(), loc };
    Param { name, value: Value::Str(value.into()), value_loc: loc }
}

pub(in crate::config) const fn object(kind: ObjectKind, loc: Loc, params: Vec<Param>) -> Object {
    Object { kind, loc, params, script: Vec::new(), parts: Vec::new(), legacy: true }
}

struct Reader<'a> {
    source: &'a Source,
    at: usize,
    end: usize,
    loc: Loc,
    params: Vec<Param>,
    diags: &'a mut Diagnostics,
}

/// Reads `start..end` of the text. `None` if it is no action; a complaint is then made.
pub(in crate::config) fn parse(
    source: &Source,
    start: usize,
    end: usize,
    diags: &mut Diagnostics,
) -> Option<Lowered> {
    let loc = source.loc(start, start + source.text[start..end].trim_end().len());
    let mut reader = Reader { source, at: start, end, loc, params: Vec::new(), diags };
    reader.action()
}

impl Reader<'_> {
    fn rest(&self) -> &BStr {
        self.source.text[self.at..self.end].as_bstr()
    }

    fn peek(&self) -> u8 {
        self.rest().first().copied().unwrap_or(0)
    }

    /// Takes bytes as long as `is` holds.
    fn take(&mut self, is: impl Fn(u8) -> bool) -> (BString, Loc) {
        let length = self.rest().iter().take_while(|b| is(**b)).count();
        let loc = self.source.loc(self.at, self.at + length);
        let text = BString::from(&self.rest()[..length]);
        self.at += length;
        (text, loc)
    }

    fn blanks(&mut self) {
        self.take(|b| b == b' ' || b == b'\t');
    }

    fn push(&mut self, name: &str, (value, loc): (BString, Loc)) {
        self.params.push(param(name, value, loc));
    }

    fn error(&mut self, start: usize, end: usize, text: String, help: &str) {
        let loc = self.source.loc(start, end);
        self.diags.push(Diagnostic::error(loc, text).help(help));
    }

    fn finish(&mut self, kind: &str) -> Object {
        let mut params = vec![param("type", kind, self.loc)];
        params.append(&mut self.params);
        object(ObjectKind::Action, self.loc, params)
    }

    fn action(&mut self) -> Option<Lowered> {
        let first = self.peek();
        match first {
            b'~' => Some(Lowered::Stop),
            b'@' => self.forward(),
            b'|' => {
                self.at += 1;
                let name = self.take(|b| b != b';' && b != b' ');
                self.push("pipe", name);
                self.template()?;
                Some(Lowered::Action(self.finish("ompipe")))
            }
            b'^' => self.shell(),
            b':' => self.named(),
            b'>' => {
                let text = "'>' actions write to a database and were removed from rsyslog";
                let help = "load ommysql or ompgsql and write action(type=\"ommysql\" …)";
                self.error(self.at, self.end, text.to_owned(), help);
                None
            }
            b'/' | b'.' | b'?' | b'-' => self.file(),
            _ => self.users(true),
        }
    }

    /// `/path`, `-/path`, `?template`, `-?template`, each with `;template`.
    fn file(&mut self) -> Option<Lowered> {
        let start = self.at;
        let unsynced = self.peek() == b'-';
        self.at += usize::from(unsynced);
        match self.peek() {
            b'?' => {
                self.at += 1;
                let name = self.take(|b| b != b';' && b != b' ');
                self.push("dynaFile", name);
            }
            b'/' | b'.' => {
                let name = self.take(|b| b != b';' && b != b' ');
                self.push("file", name);
            }
            _ => {
                let text =
                    format!("'{}' is no action", self.source.text[start..self.end].as_bstr());
                let help = "after '-' comes a path that begins with '/', or '?' and a template";
                self.error(start, self.end, text, help);
                return None;
            }
        }
        if unsynced {
            // Said aloud, so that $ActionFileEnableSync does not reach it.
            let loc = self.source.loc(start, start + 1);
            self.push("sync", ("off".into(), loc));
        }
        self.template()?;
        Some(Lowered::Action(self.finish("omfile")))
    }

    /// `[;template]`, then nothing or a comment.
    fn template(&mut self) -> Option<()> {
        self.blanks();
        if self.peek() == b';' {
            self.at += 1;
        } else if !matches!(self.peek(), 0 | b'#') {
            let text = format!("'{}' stands behind the action", self.rest());
            let help = "';template' or a comment may stand here; quote nothing, and put a closing \
                        brace on a line of its own";
            self.error(self.at, self.end, text, help);
            return None;
        }
        self.blanks();
        let name = self.take(|b| !b.is_ascii_whitespace() && b != b'#');
        if !name.0.is_empty() {
            self.push("template", name);
        }
        Some(())
    }

    /// `@host`, `@@host:port`, `@@(o,z9)[v6]:port;template`.
    fn forward(&mut self) -> Option<Lowered> {
        let start = self.at;
        self.at += 1;
        let tcp = self.peek() == b'@';
        if tcp {
            self.at += 1;
        }
        let protocol = if tcp { "tcp" } else { "udp" };
        let protocol_loc = self.source.loc(start, self.at);
        if self.peek() == b'(' {
            self.forward_options()?;
        }
        let blank = self.at;
        self.blanks();
        if self.at > blank {
            let text = "the blank in front of the host is skipped";
            let help = "rsyslogd takes it for a part of the name and sends nothing: remove it";
            let loc = self.source.loc(blank, self.at);
            self.diags.push(Diagnostic::warning(loc, text).help(help));
        }
        let bracket = self.peek() == b'[';
        if bracket {
            self.at += 1;
            let host = self.take(|b| b != b']' && !b.is_ascii_whitespace());
            self.push("target", host);
            if self.peek() == b']' {
                self.at += 1;
            } else {
                self.error(
                    start,
                    self.end,
                    "'[' is not closed".to_owned(),
                    "write @[address]:port",
                );
            }
        } else {
            let host = self.take(|b| !matches!(b, b':' | b';' | b'#') && !b.is_ascii_whitespace());
            self.push("target", host);
        }
        if self.params.last().is_some_and(|p| p.value == Value::Str(BString::default())) {
            let text = "no host to forward to".to_owned();
            self.error(start, self.end, text, "write @host (UDP) or @@host:port (TCP)");
            return None;
        }
        let port = self.peek() == b':';
        if port {
            self.port();
        }
        self.push("protocol", (protocol.into(), protocol_loc));
        if !port {
            // rsyslog skips what stands behind a host without a port.
            self.blanks();
            let skipped = self.at;
            self.take(|b| !matches!(b, b';' | b'#'));
            self.not_read(skipped);
        }
        self.template()?;
        Some(Lowered::Action(self.finish("omfwd")))
    }

    /// `:514`; what is no digit is skipped up to the next blank, as rsyslog does.
    fn port(&mut self) {
        self.at += 1;
        let digits = self.take(|b| b.is_ascii_digit());
        if !digits.0.is_empty() {
            self.push("port", digits);
        }
        let skipped = self.at;
        self.take(|b| !matches!(b, b';' | b'#') && !b.is_ascii_whitespace());
        self.not_read(skipped);
    }

    fn not_read(&mut self, start: usize) {
        let text = self.source.text[start..self.at].trim();
        if !text.is_empty() {
            let message = format!("'{}' is not read", text.as_bstr());
            let help = "write @host:port;template, an IPv6 address in brackets: @[address]:port";
            let loc = self.source.loc(start, start + text.len());
            self.diags.push(Diagnostic::warning(loc, message).help(help));
        }
    }

    /// `(o,z9)`: octet-counted framing, compression level.
    fn forward_options(&mut self) -> Option<()> {
        let open = self.at;
        self.at += 1;
        if !self.rest().contains(&b')') {
            let text = "'(' of the options is not closed".to_owned();
            self.error(open, open + 1, text, "write e.g. @@(o)host:port");
            return None;
        }
        if self.peek() == b')' {
            let text = "no option stands between the parentheses".to_owned();
            self.error(open, open + 2, text, "remove them, or write e.g. (o) or (z9)");
        }
        loop {
            match self.peek() {
                b')' => {
                    self.at += 1;
                    return Some(());
                }
                b',' => self.at += 1,
                b'o' => {
                    let loc = self.source.loc(self.at, self.at + 1);
                    self.at += 1;
                    self.push("TCP_Framing", ("octet-counted".into(), loc));
                }
                b'z' => {
                    self.at += 1;
                    let level = self.take(|b| b.is_ascii_digit());
                    if level.0.is_empty() {
                        let text = "'z' has no compression level".to_owned();
                        self.error(self.at - 1, self.at, text, "write z1 to z9");
                    } else {
                        self.push("ziplevel", level);
                    }
                }
                _ => {
                    let begin = self.at;
                    let (word, _) = self.take(|b| b != b',' && b != b')');
                    let text = format!("unknown forwarding option '{word}'");
                    let help = "options: o (octet counting), z1 to z9 (compression)";
                    self.error(begin, self.at, text, help);
                }
            }
        }
    }

    /// `^program;template`: started once for each message, the message as its argument.
    fn shell(&mut self) -> Option<Lowered> {
        self.at += 1;
        let name = self.take(|b| b != b';' && b != b' ');
        self.push("binary", name);
        self.template()?;
        Some(Lowered::Action(self.finish(SHELL)))
    }

    /// `:omusrmsg:users`, `:omfile:/path`, `:omfile:$channel`, `:module:text`.
    fn named(&mut self) -> Option<Lowered> {
        let start = self.at;
        self.at += 1;
        let (module, loc) = self.take(|b| b != b':');
        self.at += 1;
        match module.to_ascii_lowercase().as_slice() {
            b"omusrmsg" => self.users(false),
            b"omfile" if self.peek() == b'$' => {
                self.at += 1;
                let (name, loc) = self.take(|b| b != b';' && !b.is_ascii_whitespace());
                self.template()?;
                let text = name.to_str_lossy().into_owned();
                Some(Lowered::Channel(Word { text, loc }, self.finish("omfile")))
            }
            b"omfile" => self.file(),
            b"omdiscard" | b"omdiscardout" => Some(Lowered::Stop),
            name @ (b"ommysql" | b"ompgsql") => {
                for field in ["server", "db", "uid"] {
                    let value = self.take(|b| b != b',' && b != b';');
                    self.push(field, value);
                    self.at += usize::from(self.peek() == b',');
                }
                let value = self.take(|b| b != b',' && b != b';');
                self.push("pwd", value);
                self.template()?;
                let name = name.to_str_lossy().into_owned();
                Some(Lowered::Action(self.finish(&name)))
            }
            b"omrelp" => {
                let host = self.take(|b| b != b':' && b != b';' && b != b' ');
                self.push("target", host);
                if self.peek() == b':' {
                    self.at += 1;
                    let port = self.take(|b| b != b';' && b != b' ');
                    self.push("port", port);
                }
                self.template()?;
                Some(Lowered::Action(self.finish("omrelp")))
            }
            name if name.starts_with(b"om") || name.starts_with(b"mm") => {
                // Everything else is set by directives; only the template stands on the line.
                let kind = name.to_str_lossy().into_owned();
                let (argument, place) = self.take(|b| b != b';' && b != b'#');
                if !argument.trim().is_empty() {
                    let message = format!("':{kind}:' takes nothing but ';template'");
                    let help = format!("write action(type=\"{kind}\" …)");
                    self.diags.push(Diagnostic::error(place, message).help(help));
                }
                self.template()?;
                Some(Lowered::Action(self.finish(&kind)))
            }
            _ => {
                let text = format!("':{module}:' names no output module");
                self.diags.push(
                    Diagnostic::error(self.source.loc(start, self.at).to(loc), text)
                        .help("output modules are called om…: ':omusrmsg:*', ':omprog:;template'"),
                );
                None
            }
        }
    }

    /// `*`, `root,operator` or, behind `:omusrmsg:`, the same with blanks allowed.
    fn users(&mut self, bare: bool) -> Option<Lowered> {
        let start = self.at;
        let end = self.rest().iter().position(|b| matches!(b, b';' | b'#'));
        let list_end = end.map_or(self.end, |length| self.at + length);
        let mut users = Vec::new();
        while self.at < list_end {
            let (name, _) = self.take(|b| !matches!(b, b',' | b';' | b'#' | b' ' | b'\t'));
            if !name.is_empty() {
                users.push(name);
            }
            self.take(|b| matches!(b, b',' | b' ' | b'\t'));
        }
        if users.is_empty() {
            let text = "no user to write to".to_owned();
            self.error(start, self.end, text, "write :omusrmsg:root,operator or :omusrmsg:*");
            return None;
        }
        let loc = self.source.loc(start, list_end);
        if bare {
            let shown = users.join(&b","[..]);
            let text = format!("'{}' is taken as a list of users to write to", shown.as_bstr());
            let help = format!("if that is meant, write :omusrmsg:{}", shown.as_bstr());
            self.diags.push(Diagnostic::error(loc, text).help(help));
        }
        self.push("users", (bstr::join(",", users).into(), loc));
        self.template()?;
        Some(Lowered::Action(self.finish("omusrmsg")))
    }
}
