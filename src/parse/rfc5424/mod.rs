//! RFC 5424 messages, as leniently as rsyslog's pmrfc5424 reads them: a field is what stands
//! before the next space, of any length and in any characters.

#[cfg(any(test, fuzzing))]
pub mod grammar;

use memchr::memchr;

use crate::message::Message;
use crate::message::MessageFlags;
use crate::parse::header::Dashes;
use crate::parse::header::Header;
use crate::parse::scan;
use crate::parse::timestamp;

/// Whether the text behind PRI claims to be RFC 5424, version 1.
#[inline]
pub(super) fn claims(text: &[u8]) -> bool {
    text.starts_with(b"1 ")
}

/// Reads what follows PRI, which [`claims`] to be RFC 5424.
#[inline]
pub(super) fn parse(header: &Header<'_>, message: &mut Message, dashes: &mut Dashes) {
    let text = header.text();
    message.flags.set(MessageFlags::PROTOCOL_1);
    let Some(mut at) = timestamp(header, text, message) else {
        // Without a timestamp no header: the text after the version is the message.
        *dashes |= Dashes::FIELDS;
        message.msg = header.rest(2);
        return;
    };
    message.class = crate::message::Class::Rfc5424;
    message.flags.set(MessageFlags::HOSTNAME);
    let mut ends = Ends::new(text, at);
    let mut complete = true;
    for field in
        [&mut message.hostname, &mut message.app_name, &mut message.procid, &mut message.msgid]
    {
        let end = ends.next(at);
        *field = header.span(at, end);
        complete &= end < text.len();
        at = (end + 1).min(text.len());
    }
    if message.app_name.is_empty() {
        *dashes |= Dashes::APP_NAME;
        complete = false;
    }
    match text.get(at) {
        Some(b'-') => {
            message.structured_data = header.span(at, at + 1);
            at += 1;
        }
        Some(b'[') => {
            let len = structured_data_len(&text[at..]);
            message.structured_data = header.span(at, at + len);
            at += len;
        }
        // Seen from rsyslogd 8.2302: what is no structured data is left to the message, and the
        // property repeats the field before it.
        _ => {
            message.structured_data = message.msgid;
            message.msg = header.rest(at);
            return;
        }
    }
    if text.get(at) == Some(&b' ') {
        at += 1;
        if complete && message.flags.has(MessageFlags::TIME_CANONICAL) && header.pri_is_canonical()
        {
            message.flags.set(MessageFlags::VERBATIM);
        }
    }
    message.msg = header.rest(at);
}

/// Finds the spaces that end the header's fields: those of the next 64 bytes all at once, since
/// a header rarely goes further and its fields are short.
struct Ends<'a> {
    text: &'a [u8],
    /// Where the window begins.
    from: usize,
    /// Bit n is set where `text[from + n]` is a space.
    spaces: u64,
}

impl<'a> Ends<'a> {
    #[inline]
    fn new(text: &'a [u8], from: usize) -> Self {
        Self { text, from, spaces: scan::positions(&text[from..], b' ') }
    }

    /// Where the field that begins at `at` ends: at a space, or with the text.
    #[inline]
    fn next(&mut self, at: usize) -> usize {
        if self.spaces != 0 {
            let end = self.from + self.spaces.trailing_zeros() as usize;
            self.spaces &= self.spaces - 1;
            return end;
        }
        let seen = at.max((self.from + scan::WINDOW).min(self.text.len()));
        memchr(b' ', &self.text[seen..]).map_or(self.text.len(), |len| seen + len)
    }
}

/// Reads `1 TIMESTAMP `; returns where HOSTNAME begins, `None` if there is no timestamp.
#[inline]
fn timestamp(header: &Header<'_>, text: &[u8], message: &mut Message) -> Option<usize> {
    let text = &text[2..];
    if let Some(stamp) = timestamp::rfc3339(text) {
        message.time = stamp.time;
        message.flags.set(MessageFlags::TIME);
        if stamp.canonical {
            message.time_text = header.span(2, 2 + stamp.len);
            message.flags.set(MessageFlags::TIME_CANONICAL);
        }
        return Some(2 + stamp.next);
    }
    text.starts_with(b"- ").then_some(4)
}

/// Bytes of the structured data at the start of `text`: up to the first `]` that has no backslash
/// before it and has a space, or nothing, behind it. Where there is none, rsyslogd 8.2302 takes
/// all but the last byte, or all if the last two are an escaped bracket.
#[inline]
fn structured_data_len(text: &[u8]) -> usize {
    let last = text.len() - 1;
    for at in memchr::memchr_iter(b']', text) {
        let escaped = at > 0 && text[at - 1] == b'\\';
        if !escaped && (at == last || text[at + 1] == b' ') {
            return at + 1;
        }
    }
    if text.ends_with(b"\\]") { text.len() } else { last }
}
