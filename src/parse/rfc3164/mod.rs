//! RFC 3164 messages, as rsyslog's pmrfc3164 guesses them: what looks like a timestamp is one,
//! what looks like a host name is one, what ends in a colon or a space is the tag.

#[cfg(any(test, fuzzing))]
pub mod grammar;
pub mod headerless;

use crate::message::Class;
use crate::message::Message;
use crate::message::MessageFlags;
use crate::parse::header::Dashes;
use crate::parse::header::Header;
use crate::parse::scan;
use crate::parse::timestamp;

/// pmrfc3164 parameters, off by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rfc3164Settings {
    /// `permit.squareBracketsInHostname`: `[host]` is a host name (its brackets stay).
    pub square_brackets_in_hostname: bool,
    /// `permit.slashesInHostname`
    pub slashes_in_hostname: bool,
    /// `permit.AtSignsInHostname`
    pub at_signs_in_hostname: bool,
    /// `force.tagEndingByColon`: what does not end in a colon is no tag; the tag is `-`.
    pub tag_ending_by_colon: bool,
    /// `remove.msgFirstSpace`
    pub remove_msg_first_space: bool,
    /// `detect.YearAfterTimestamp`
    pub year_after_timestamp: bool,
    /// `detect.nearestYear` (Bongsu's own): a time without a year gets the year that brings it
    /// nearest to the time of arrival; otherwise the year of arrival.
    pub nearest_year: bool,
}

/// Longest host name, in bytes.
const HOSTNAME_MAX: usize = 511;
/// Longest tag, in bytes, its colon aside.
const TAG_MAX: usize = 510;

/// Reads what follows PRI. `at` is where that is in `raw`.
#[inline]
pub(super) fn parse(header: &Header<'_>, message: &mut Message, dashes: &mut Dashes) {
    let (text, settings) = (header.text(), header.rfc3164);
    // The bytes that `remove.msgFirstSpace` takes from where the message begins.
    let space =
        |at: usize| usize::from(settings.remove_msg_first_space && text.get(at) == Some(&b' '));
    if starts_json(text) {
        message.class = Class::Json;
        message.msg = header.rest(space(0));
        return;
    }
    let mut at = timestamp(header, text, message);
    if header.settings.hostname_in_header
        && let Some((host, next)) = hostname(&text[at..], settings)
    {
        message.hostname = header.span(at, at + host);
        message.flags.set(MessageFlags::HOSTNAME);
        at += next;
    }
    let tag = tag_len(&text[at..]);
    if settings.tag_ending_by_colon && !text[at..at + tag].ends_with(b":") {
        // Seen from rsyslogd 8.2302: the message begins one byte before the place where a tag was
        // looked for, be it a space, PRI's `>` or the end of the host name.
        *dashes |= Dashes::TAG;
        message.msg = header.rest(at);
        message.msg.start = message.msg.start.saturating_sub(1).max(message.raw.start);
        if settings.remove_msg_first_space && at > 0 && text[at - 1] == b' ' {
            message.msg.start += 1;
        }
    } else {
        message.tag = header.span(at, at + tag);
        at += tag;
        message.msg = header.rest(at + space(at));
    }
    if message.flags.has(MessageFlags::TIME) || !message.tag.is_empty() {
        message.class = Class::Rfc3164;
    }
}

/// White space, then an object or array: JSON without a header.
#[inline]
pub(super) fn starts_json(text: &[u8]) -> bool {
    match text.first() {
        Some(b'{' | b'[') => true,
        Some(b' ' | b'\t') => {
            let first = text.iter().find(|byte| !matches!(byte, b' ' | b'\t'));
            matches!(first, Some(b'{' | b'['))
        }
        _ => false,
    }
}

/// Reads the timestamp into `message`; returns where the text goes on.
#[inline]
fn timestamp(header: &Header<'_>, text: &[u8], message: &mut Message) -> usize {
    let assumed = header.assumed();
    if let Some(stamp) = timestamp::rfc3164(text, assumed) {
        message.time = stamp.time;
        header.find_year(&mut message.time);
        message.flags.set(MessageFlags::TIME);
        if stamp.canonical {
            message.time_text = header.span(0, stamp.len);
            message.flags.set(MessageFlags::TIME_TRADITIONAL);
        }
        return stamp.next;
    }
    if let Some(stamp) = timestamp::rfc3339(text) {
        message.time = stamp.time;
        message.flags.set(MessageFlags::TIME);
        if stamp.canonical {
            message.time_text = header.span(0, stamp.len);
            message.flags.set(MessageFlags::TIME_CANONICAL);
        }
        return stamp.next;
    }
    // HP's switches put a space in front.
    let Some(text) = text.strip_prefix(b" ") else { return 0 };
    let Some(stamp) = timestamp::rfc3164(text, assumed) else { return 0 };
    message.time = stamp.time;
    header.find_year(&mut message.time);
    message.flags.set(MessageFlags::TIME);
    1 + stamp.next
}

/// Byte classes of host names.
const HOST: u8 = 1;
const ALNUM: u8 = 2;
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    loop {
        classes[byte as usize] = match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => HOST | ALNUM,
            b'.' | b'_' | b'-' => HOST,
            _ => 0,
        };
        if byte == 255 {
            break classes;
        }
        byte += 1;
    }
};

/// The length of the host name at the start of `text`, and where the text goes on: a run of host
/// name bytes, the last of them alphanumeric, with a space behind it, or without one at the end of
/// the text.
#[inline]
fn hostname(text: &[u8], settings: &Rfc3164Settings) -> Option<(usize, usize)> {
    let bracketed = settings.square_brackets_in_hostname && text.first() == Some(&b'[');
    let from = usize::from(bracketed);
    let window = &text[from..text.len().min(HOSTNAME_MAX + 1)];
    let mut end = 0;
    loop {
        end += scan::run(&window[end..], |byte| CLASSES[usize::from(byte)] & HOST != 0);
        match window.get(end) {
            Some(b'/') if settings.slashes_in_hostname => end += 1,
            Some(b'@') if settings.at_signs_in_hostname => end += 1,
            _ => break,
        }
    }
    end += from;
    if end == 0 || end > HOSTNAME_MAX {
        return None;
    }
    match (text.get(end), bracketed) {
        (None, _) => Some((end, end)),
        (Some(b' '), false) if CLASSES[usize::from(text[end - 1])] & ALNUM != 0 => {
            Some((end, end + 1))
        }
        // The brackets stay, and there has to be a space behind them.
        (Some(b']'), true) if end > from && text.get(end + 1) == Some(&b' ') => {
            Some((end + 1, end + 2))
        }
        _ => None,
    }
}

/// Bytes that the tag takes: up to a colon, which is part of it, or a space, which is not.
#[inline]
fn tag_len(text: &[u8]) -> usize {
    let window = &text[..text.len().min(TAG_MAX)];
    let run = scan::up_to(window, b':', b' ');
    run + usize::from(text.get(run) == Some(&b':'))
}
