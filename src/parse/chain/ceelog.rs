//! `pmceelog`: a line of PLURA's ceelog files, `{"ceelog":{"timegenerated":"…",…,"msg":"…"}}`, as
//! the message that it was written from. Three forms are out there: JSON on one line, the template
//! of old with a line end between `"msg":` and its text, and values whose quotes nobody escaped.
//! Of the first each escape is undone, once; the others have none.

use crate::base::span::Span;
use crate::message::Class;
use crate::message::Message;
use crate::message::MessageFlags;
use crate::message::Pri;
use crate::message::Timestamp;
use crate::parse::chain::append;
use crate::parse::sanitise;
use crate::parse::sanitise::SanitiseSettings;
use crate::parse::timestamp;

/// What a ceelog object has, in the order of PLURA's template.
const KEYS: [&[u8]; 11] = [
    b"timegenerated",
    b"programname",
    b"hostname",
    b"syslogtag",
    b"pri",
    b"pri-text",
    b"syslogfacility",
    b"syslogfacility-text",
    b"syslogseverity",
    b"syslogseverity-text",
    b"msg",
];
const TIME: usize = 0;
const PROGRAM_NAME: usize = 1;
const HOSTNAME: usize = 2;
const TAG: usize = 3;
const PRI: usize = 4;
const FACILITY: usize = 6;
const SEVERITY: usize = 8;
const MSG: usize = 10;

/// A line end of the old form, as it is and as inputs write it.
const LINE_ENDS: [&[u8]; 4] = [b"\n", b"#012", b"\\n", b"\r"];

/// Where the values stand, by [`KEYS`], and whether they are JSON.
struct Fields {
    values: [Option<(usize, usize)>; KEYS.len()],
    escaped: bool,
}

impl Fields {
    /// Whether all is there that a message must have.
    fn are_enough(&self) -> bool {
        let has = |keys: &[usize]| keys.iter().all(|key| self.values[*key].is_some());
        has(&[TIME, TAG, MSG]) && (has(&[PRI]) || has(&[FACILITY, SEVERITY]))
    }
}

/// Takes `message` if it is a ceelog line with a time, a tag and a text. Behind a header of its
/// own as well, which is forgotten.
pub(super) fn read(data: &mut Vec<u8>, sanitise: &SanitiseSettings, message: &mut Message) -> bool {
    let base = message.raw.start as usize;
    let raw = message.raw.of(data);
    let Some(fields) = find(raw) else { return false };
    let Some((pri, time)) = facts(raw, &fields) else { return false };
    let mut span = |key: usize| {
        let (start, end) = fields.values[key].unwrap_or_default();
        let span = Span::new(base + start, base + end);
        let plain = !fields.escaped || memchr::memchr(b'\\', span.of(data)).is_none();
        if plain { span } else { undone(data, span, sanitise) }
    };
    let (hostname, tag, msg) = (span(HOSTNAME), span(TAG), span(MSG));
    let name = span(PROGRAM_NAME);
    message.pri = pri;
    message.time = time;
    message.flags.set(MessageFlags::TIME);
    if !hostname.is_empty() {
        message.hostname = hostname;
        message.flags.set(MessageFlags::HOSTNAME);
    }
    (message.tag, message.msg, message.class) = (tag, msg, Class::Rfc3164);
    let slash = message.flags.has(MessageFlags::SLASH_IN_PROGRAM_NAME);
    let (program, process) = parts(tag.of(data), slash);
    if !name.is_empty() && name.of(data) != program {
        // A template that names another program than the tag does: only RFC 5424 has both.
        let process = process.map(<[u8]>::to_vec);
        let dash = append(data, |data| data.push(b'-'));
        message.procid = process.map_or(dash, |id| append(data, |data| data.extend(id)));
        (message.app_name, message.msgid, message.structured_data) = (name, dash, dash);
        message.flags.set(MessageFlags::PROTOCOL_1);
        message.flags.set(MessageFlags::TAG_SET);
        message.class = Class::Rfc5424;
    }
    true
}

/// The values of a ceelog object somewhere in `text`.
fn find(text: &[u8]) -> Option<Fields> {
    let name = memchr::memmem::find(text, b"\"ceelog\"")?;
    let before = text[..name].trim_ascii_end();
    // Nothing but a header may stand in front.
    let start = before.strip_suffix(b"{")?;
    if !start.is_empty() && start.last() != Some(&b' ') {
        return None;
    }
    let after = name + b"\"ceelog\"".len();
    // Once: what stands at the end is looked at for each quote.
    let text = text.trim_ascii_end();
    let mut values = Values { text, at: after, strict: true, last: false };
    values.expect(b':')?;
    values.expect(b'{')?;
    let at = values.at;
    values.all().or_else(|| Values { text, at, strict: false, last: false }.all())
}

struct Values<'a> {
    text: &'a [u8],
    at: usize,
    /// As JSON has it. Otherwise a value ends where the next one of [`KEYS`], or the object's end,
    /// follows its quote.
    strict: bool,
    /// The value is `msg`, the last of the template: where nothing is escaped it ends with the
    /// object alone. What looks like more values in there is a sender's text, which could give the
    /// message another host or time.
    last: bool,
}

impl Values<'_> {
    fn all(mut self) -> Option<Fields> {
        let mut fields = Fields { values: [None; KEYS.len()], escaped: self.strict };
        loop {
            self.expect(b'"')?;
            let start = self.at;
            self.at += memchr::memchr(b'"', self.rest())?;
            let key = &self.text[start..self.at];
            self.at += 1;
            self.expect(b':')?;
            let broken = self.skip_line_end();
            if broken && self.strict {
                return None;
            }
            self.expect(b'"')?;
            let start = self.at;
            let known = KEYS.iter().position(|known| *known == key);
            self.last = !self.strict && known == Some(MSG);
            let end = self.value_end()?;
            if let Some(known) = known {
                let value = &mut fields.values[known];
                // A writer of JSON names each once. Of the others the first stands: a sender's
                // words are behind it.
                if self.strict && value.is_some() {
                    return None;
                }
                value.get_or_insert((start, end));
            }
            // The template ends with the text: where all that a message must have stands in front
            // of it, what seems to be another value is the text, with quotes that nobody escaped.
            let whole = self.strict && known == Some(MSG) && fields.are_enough();
            match self.text.get(self.at)? {
                b',' if whole => return None,
                b',' => self.at += 1,
                _ => break,
            }
        }
        self.expect(b'}')?;
        self.expect(b'}')?;
        self.skip_blanks();
        self.skip_line_end();
        (self.at == self.text.len()).then_some(fields)
    }

    /// Where the value ends that began here; goes on to the comma or brace behind it.
    fn value_end(&mut self) -> Option<usize> {
        loop {
            let found = memchr::memchr2(b'"', b'\\', self.rest())?;
            let at = self.at + found;
            if self.text[at] == b'\\' && self.strict {
                let escape = *self.text.get(at + 1)?;
                if !b"\"\\/bfnrtu".contains(&escape) {
                    return None;
                }
                self.at = at + 2;
                continue;
            }
            self.at = at + 1;
            if self.text[at] == b'\\' {
                continue;
            }
            let behind = self.at;
            self.skip_blanks();
            if self.is_end() {
                return Some(at);
            }
            if self.strict {
                return None;
            }
            self.at = behind;
        }
    }

    /// Whether a comma with the next name, or the end of both objects, is here.
    fn is_end(&self) -> bool {
        let Some(rest) = self.text.get(self.at..) else { return false };
        match rest.split_first() {
            Some((b',', _)) if self.strict => true,
            Some((b',', _)) if self.last => false,
            Some((b',', rest)) => {
                let Some(rest) = rest.trim_ascii_start().strip_prefix(b"\"") else { return false };
                KEYS.iter().any(|key| {
                    let rest = rest.strip_prefix(*key).and_then(|r| r.strip_prefix(b"\""));
                    rest.is_some_and(|rest| rest.trim_ascii_start().first() == Some(&b':'))
                })
            }
            Some((b'}', _)) if self.strict => true,
            Some((b'}', rest)) => {
                let Some(rest) = rest.trim_ascii_start().strip_prefix(b"}") else { return false };
                let rest = rest.trim_ascii_start();
                rest.is_empty() || LINE_ENDS.contains(&rest)
            }
            _ => false,
        }
    }

    fn rest(&self) -> &[u8] {
        &self.text[self.at..]
    }

    fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_ascii_start().len();
    }

    /// Goes over a line end, whatever it is written as.
    fn skip_line_end(&mut self) -> bool {
        let from = self.at;
        while let Some(end) = LINE_ENDS.iter().find(|end| self.rest().starts_with(end)) {
            self.at += end.len();
        }
        self.at > from
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        // The line end of the old form is no blank: see `skip_line_end`.
        let blanks = self.rest().iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        (self.text.get(self.at + blanks) == Some(&byte)).then(|| self.at += blanks + 1)
    }
}

/// What a message must have: PRI, or facility and severity, and a time. And a tag and a text.
fn facts(raw: &[u8], fields: &Fields) -> Option<(Pri, Timestamp)> {
    let value = |key: usize| fields.values[key].map(|(start, end)| &raw[start..end]);
    let number = |key| value(key).and_then(|text| str::from_utf8(text).ok()?.parse::<u8>().ok());
    let of_both = || {
        let (facility, severity) = (number(FACILITY)?, number(SEVERITY)?);
        (facility < 24 && severity < 8).then(|| Pri::new(facility, severity))
    };
    let pri = match value(PRI) {
        // As templates write a PRI that is none.
        Some(b"invld") => Pri::INVALID,
        _ => number(PRI).filter(|pri| *pri < 192).map(Pri).or_else(of_both)?,
    };
    let stamp = timestamp::rfc3339(value(TIME)?)?;
    (value(TAG).is_some() && value(MSG).is_some()).then_some((pri, stamp.time))
}

/// Program and process of a tag: `program[process]:`.
fn parts(tag: &[u8], slash: bool) -> (&[u8], Option<&[u8]>) {
    let ends = |byte: &u8| matches!(byte, b'[' | b':') || *byte == b'/' && !slash || *byte <= b' ';
    let (program, rest) = tag.split_at(tag.iter().position(ends).unwrap_or(tag.len()));
    let process = rest.strip_prefix(b"[").and_then(|rest| rest.split(|b| *b == b']').next());
    (program, process.filter(|process| !process.is_empty()))
}

/// A copy of `span` with its escapes undone, as a received text may look.
fn undone(data: &mut Vec<u8>, span: Span, settings: &SanitiseSettings) -> Span {
    let text = span.of(data).to_vec();
    let copy = append(data, |data| undo(&text, data));
    sanitise::sanitise(data, copy, settings, copy.len() * 4).span
}

/// Undoes JSON's escapes, which are whole.
fn undo(text: &[u8], to: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        to.extend_from_slice(&rest[..at]);
        let escape = rest.get(at + 1).copied().unwrap_or(b'\\');
        rest = rest.get(at + 2..).unwrap_or_default();
        match escape {
            b'b' => to.push(8),
            b'f' => to.push(12),
            b'n' => to.push(b'\n'),
            b'r' => to.push(b'\r'),
            b't' => to.push(b'\t'),
            b'u' => rest = unicode(rest, to),
            other => to.push(other),
        }
    }
    to.extend_from_slice(rest);
}

/// The character whose four digits, or eight of a surrogate pair, `text` begins with. What is none
/// stays as it was written.
fn unicode<'a>(text: &'a [u8], to: &mut Vec<u8>) -> &'a [u8] {
    let unit = |text: &[u8]| {
        let digits = str::from_utf8(text.get(..4)?).ok()?;
        let plain = digits.bytes().all(|b| b.is_ascii_hexdigit());
        plain.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
    };
    let Some(first) = unit(text) else {
        to.extend_from_slice(b"\\u");
        return text;
    };
    let rest = &text[4..];
    let second = rest.strip_prefix(b"\\u").and_then(unit);
    let mut chars = char::decode_utf16([first].into_iter().chain(second));
    let Some(Ok(char)) = chars.next() else {
        to.extend_from_slice(b"\\u");
        return text;
    };
    to.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
    if char.len_utf16() == 2 { &rest[6..] } else { rest }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is read of `line`: PRI, host name, tag, APP-NAME and text.
    fn read_of(line: &[u8]) -> Option<(u8, String, String, String, String)> {
        let mut data = line.to_vec();
        let mut message = Message { raw: Span::new(0, data.len()), ..Message::default() };
        let sanitise = SanitiseSettings::default();
        if !read(&mut data, &sanitise, &mut message) {
            return None;
        }
        let text = |span: Span| String::from_utf8_lossy(span.of(&data)).into_owned();
        let Message { hostname, tag, app_name, msg, pri, .. } = message;
        Some((pri.0, text(hostname), text(tag), text(app_name), text(msg)))
    }

    fn line(name: &str, tag: &str, msg: &str) -> String {
        format!(
            "{{\"ceelog\":{{\"timegenerated\":\"2026-11-22T10:00:00.5+09:00\",\
             \"programname\":\"{name}\",\"hostname\":\"web\",\"syslogtag\":\"{tag}\",\
             \"pri\":\"34\",\"pri-text\":\"auth.crit\",\"syslogfacility\":\"4\",\
             \"syslogfacility-text\":\"auth\",\"syslogseverity\":\"2\",\
             \"syslogseverity-text\":\"crit\",\"msg\":{msg}}}}}"
        )
    }

    fn text_of(msg: &str) -> Option<String> {
        read_of(line("su", "su:", msg).as_bytes()).map(|read| read.4)
    }

    #[test]
    fn the_message_comes_back() {
        let read = read_of(line("su", "su[7]:", "\" 'su root' failed\"").as_bytes()).unwrap();
        let is = (34, "web".into(), "su[7]:".into(), String::new(), " 'su root' failed".into());
        assert_eq!(read, is);
        let blanks = line("su", "su:", "\"x\"").replace("\",", "\", ").replace("\":", "\" : ");
        assert_eq!(read_of(blanks.as_bytes()).unwrap().4, "x");
        let behind = format!("<13>Nov 22 10:00:00 node agent: {}", line("su", "su:", "\"x\""));
        assert_eq!(read_of(behind.as_bytes()).unwrap().0, 34);
        // Facility and severity do as well.
        let parts = line("su", "su:", "\"x\"").replace("\"pri\":\"34\",", "");
        assert_eq!(read_of(parts.as_bytes()).unwrap().0, 34);
    }

    #[test]
    fn another_program_than_the_tag_names_is_kept() {
        let read = read_of(line("SECUi", "fw[7]:", "\"x\"").as_bytes()).unwrap();
        assert_eq!((&*read.2, &*read.3), ("fw[7]:", "SECUi"));
    }

    #[test]
    fn escapes_are_undone_once() {
        assert_eq!(
            text_of(r#""C:\\new \"q\" \/ \u00e9\ud55c\ud83d\ude00""#).unwrap(),
            "C:\\new \"q\" / é한😀"
        );
        assert_eq!(text_of(r#""a\\\\nb""#).unwrap(), "a\\\\nb");
        // What would break a line looks as if it had been received so.
        assert_eq!(text_of(r#""one\ntwo\u0000""#).unwrap(), "one#012two");
        assert_eq!(text_of(r#""half \ud83d pair \u12""#).unwrap(), "half \\ud83d pair \\u12");
    }

    #[test]
    fn the_form_of_old_has_no_escapes() {
        for end in ["\n", "#012", "\\n", "\r\n"] {
            let msg = format!("{end}\" C:\\new \"quoted\", \"pri\" }} \"");
            assert_eq!(text_of(&msg).unwrap(), " C:\\new \"quoted\", \"pri\" } ", "{end:?}");
        }
        assert_eq!(text_of(r#""say "hi"""#).unwrap(), "say \"hi\"");
        assert_eq!(text_of(r#""C:\Users\x""#).unwrap(), "C:\\Users\\x");
    }

    /// Nobody escaped them when they were written, so that a sender can write quotes of his own.
    #[test]
    fn a_text_cannot_give_its_message_another_origin() {
        for end in ["", "\n"] {
            let forged = "x\",\"timegenerated\":\"2001-01-01T00:00:00Z\",\"hostname\":\"bank\",\
                          \"pri\":\"0\",\"msg\":\"all is well";
            let read =
                read_of(line("su", "su:", &format!("{end}\"{forged}\"")).as_bytes()).unwrap();
            assert_eq!((read.0, &*read.1, &*read.4), (34, "web", forged), "{end:?}");
        }
        // Names that the template does not have are no others.
        for name in ["x", "syslogfacility", "pri-text"] {
            let text = format!("all\",\"{name}\":\"0");
            let json = line("su", "su:", &format!("\"{text}\""));
            let json = json.replace("\"syslogfacility\":\"4\",", "");
            assert_eq!(read_of(json.as_bytes()).unwrap().4, text);
        }
        // JSON in another order is JSON.
        let first = line("su", "su:", "\"x\"").replace("{\"time", "{\"msg\":\"a\\\"b\",\"time");
        let first = first.replace(",\"msg\":\"x\"", ",\"other\":\"1\"");
        assert_eq!(read_of(first.as_bytes()).unwrap().4, "a\"b");
        let tag = "su:\",\"hostname\":\"bank\",\"pri-text\":\"";
        assert_eq!(read_of(line("su", tag, "\"x\"").as_bytes()).unwrap().1, "web");
    }

    #[test]
    fn what_is_none_stays_for_the_next_parser() {
        let whole = line("su", "su:", "\"x\"");
        let shorter = (0..whole.len()).map(|end| whole.get(..end).unwrap().to_owned());
        let others = ["", "{}", "ceelog", "x{\"ceelog\":{}}", "{\"ceelog\":{\"msg\":\"x\"}}"];
        let odd = [("\"34\"", "\"999\""), ("2026-11", "2026-13"), ("\"su:\"", "1")];
        let odd =
            odd.map(|(from, to)| whole.replace("\"syslogfacility\"", "\"x\"").replace(from, to));
        for text in shorter.chain(others.map(str::to_owned)).chain(odd) {
            assert_eq!(read_of(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_that_is_json_comes_back(text in "[ -~가-힣é😀]{0,80}") {
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(text_of(&json), Some(text));
        }

        #[test]
        fn nothing_makes_it_panic(text in "[{}\":,a-c\\\\u0-9#\n ]{0,60}") {
            drop(text_of(&text));
            drop(read_of(format!("{{\"ceelog\":{{{text}").as_bytes()));
        }
    }
}
