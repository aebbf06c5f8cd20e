//! From a frame to a [`Message`]: sanitising, PRI, the choice of the parser.

use std::ops::BitOrAssign;
use std::sync::Arc;

use crate::base::limits;
use crate::base::num::len32;
use crate::base::span::Span;
use crate::message::Arrival;
use crate::message::Class;
use crate::message::Message;
use crate::message::MessageFlags;
use crate::message::Offset;
use crate::message::Pri;
use crate::message::Timestamp;
use crate::parse::cee;
use crate::parse::chain::Parser;
use crate::parse::chain::ParserChain;
use crate::parse::frame::Frame;
use crate::parse::inflate;
use crate::parse::rfc3164;
use crate::parse::rfc3164::Rfc3164Settings;
use crate::parse::rfc5424;
use crate::parse::sanitise;
use crate::parse::sanitise::SanitiseSettings;
use crate::parse::timestamp::Assumed;

/// How an input's messages are read.
#[derive(Clone, Debug)]
pub struct ParseSettings {
    pub sanitise: SanitiseSettings,
    /// Longest message in bytes (`maxMessageSize`).
    pub message_bytes_max: usize,
    /// A message that begins with `z` may be compressed (`parser.supportCompressionExtension`).
    pub compression: bool,
    /// RFC 3164 messages of this input have a HOSTNAME: true for network inputs.
    pub hostname_in_header: bool,
    /// The zone of timestamps that name none (`defaultTZ`); otherwise the relay's own.
    pub default_zone: Option<Offset>,
    pub rfc3164: Rfc3164Settings,
    /// `/` does not end `programname` (`parser.permitSlashInProgramName`).
    pub slash_in_program_name: bool,
    /// The parsers that are tried, where they are not RFC 5424 and RFC 3164 with `rfc3164`.
    pub chain: Option<Arc<ParserChain>>,
}

impl Default for ParseSettings {
    fn default() -> Self {
        Self {
            sanitise: SanitiseSettings::default(),
            message_bytes_max: limits::MESSAGE_BYTES_DEFAULT,
            compression: true,
            hostname_in_header: true,
            default_zone: None,
            rfc3164: Rfc3164Settings::default(),
            slash_in_program_name: false,
            chain: None,
        }
    }
}

/// A text, of which the parsers read what follows PRI.
#[derive(Debug)]
pub(super) struct Header<'a> {
    pub(super) raw: &'a [u8],
    /// Where `raw` begins in the batch.
    pub(super) base: usize,
    /// Bytes of PRI.
    pub(super) after_pri: usize,
    pub(super) settings: &'a ParseSettings,
    /// Those of the RFC 3164 parser whose turn it is.
    pub(super) rfc3164: &'a Rfc3164Settings,
    /// Its `nearest_year`.
    pub(super) nearest_year: bool,
    pub(super) arrival: &'a Arrival,
}

impl<'a> Header<'a> {
    /// What follows PRI.
    #[inline]
    pub(super) fn text(&self) -> &'a [u8] {
        &self.raw[self.after_pri..]
    }

    /// `text()[start..end]`, as a span of the batch.
    #[inline]
    pub(super) fn span(&self, start: usize, end: usize) -> Span {
        let base = self.base + self.after_pri;
        Span::new(base + start, base + end)
    }

    /// From `start` to the end.
    #[inline]
    pub(super) fn rest(&self, start: usize) -> Span {
        self.span(start, self.raw.len() - self.after_pri)
    }

    /// Whether PRI is written as it would be rendered: `<`, one to three digits of which the first
    /// is no needless zero, `>`.
    #[inline]
    pub(super) fn pri_is_canonical(&self) -> bool {
        match self.after_pri {
            3 => true,
            4 | 5 => self.raw[1] != b'0',
            _ => false,
        }
    }

    /// Gives a time that came without a year the one that brings it nearest to its arrival.
    #[inline]
    pub(super) fn find_year(&self, time: &mut Timestamp) {
        if self.nearest_year && time.year == NO_YEAR {
            time.year = nearest_year(time, self.arrival);
        }
    }

    /// What RFC 3164 timestamps do not say.
    #[inline]
    pub(super) fn assumed(&self) -> Assumed {
        Assumed {
            year: if self.nearest_year { NO_YEAR } else { self.arrival.local.year },
            offset: self.settings.default_zone.unwrap_or(self.arrival.local.offset),
            year_after: self.rfc3164.year_after_timestamp,
        }
    }
}

/// Stands for the year that a timestamp does not name, where it has to be found.
const NO_YEAR: u16 = 0;

/// The year of arrival, the one before or the one behind it. Of two that are as near, the year of
/// arrival.
#[cold]
fn nearest_year(time: &Timestamp, arrival: &Arrival) -> u16 {
    let this = arrival.local.year;
    let distance = |year: u16| (Timestamp { year, ..*time }.unix() - arrival.wall.secs).abs();
    let years = [this, this.saturating_sub(1), this.saturating_add(1)];
    years.into_iter().min_by_key(|year| distance(*year)).unwrap_or(this)
}

/// Fields whose value is `-` though the message holds no `-` for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Dashes(u8);

impl Dashes {
    /// TAG.
    pub(super) const TAG: Self = Self(1);
    /// APP-NAME.
    pub(super) const APP_NAME: Self = Self(2);
    /// PROCID, MSGID and STRUCTURED-DATA.
    pub(super) const FIELDS: Self = Self(4);

    const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl BitOrAssign for Dashes {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// Reads one frame. Every span of the result lies in `data`, to which bytes are appended where the
/// message's own do not do: escaped control characters, an inflated message, a `-` that stands for
/// an absent field. `source` and `port` are left to the caller.
#[inline]
pub fn message(
    data: &mut Vec<u8>,
    frame: Frame,
    settings: &ParseSettings,
    arrival: &Arrival,
) -> Message {
    let mut message = Message::default();
    message_into(data, frame, settings, arrival, &mut message);
    message
}

/// As [`message`], and the name of the parser that took it.
pub fn explain(
    data: &mut Vec<u8>,
    frame: Frame,
    settings: &ParseSettings,
    arrival: &Arrival,
) -> (Message, &'static str) {
    let fresh = data.len();
    let message = message(data, frame, settings, arrival);
    let name = match &settings.chain {
        Some(chain) => {
            // Again on a copy: the list tells who took a message only when it is asked.
            let mut copy = data[..fresh].to_vec();
            let mut again = Message::default();
            again.raw = raw(&mut copy, frame, settings, &mut again.flags);
            let mut dashes = Dashes::default();
            let taker = chain.read(&mut copy, settings, arrival, &mut again, &mut dashes);
            taker.map_or("none", Parser::name)
        }
        None if message.flags.has(MessageFlags::PROTOCOL_1) => Parser::Rfc5424.name(),
        None => Parser::Rfc3164(settings.rfc3164).name(),
    };
    (message, name)
}

/// As [`message`], into a fresh one where it will stay: moving a hundred bytes that have just been
/// written in small pieces makes the processor wait for each of them.
#[inline]
pub fn message_into(
    data: &mut Vec<u8>,
    frame: Frame,
    settings: &ParseSettings,
    arrival: &Arrival,
    message: &mut Message,
) {
    message.raw = raw(data, frame, settings, &mut message.flags);
    let mut dashes = Dashes::default();
    match &settings.chain {
        None if settings.rfc3164.nearest_year => {
            read_nearest_year(message.raw.of(data), settings, arrival, message, &mut dashes);
        }
        None => read(message.raw.of(data), settings, arrival, message, &mut dashes, false),
        Some(chain) => _ = chain.read(data, settings, arrival, message, &mut dashes),
    }
    if cee::has_cookie(message.msg.of(data))
        && message.pri != Pri::INVALID
        && message.class != Class::Headerless
    {
        message.class = Class::Cee;
    }
    if dashes != Dashes::default() {
        fill_dashes(data, message, dashes);
    }
}

/// Inflates, cuts and sanitises; returns `rawmsg`. Sets the flags that follow from that and from
/// the settings alone.
#[inline]
pub(super) fn raw(
    data: &mut Vec<u8>,
    frame: Frame,
    settings: &ParseSettings,
    flags: &mut MessageFlags,
) -> Span {
    if settings.slash_in_program_name {
        flags.set(MessageFlags::SLASH_IN_PROGRAM_NAME);
    }
    let max = settings.message_bytes_max;
    let mut span = frame.span;
    if settings.compression
        && span.of(data).first() == Some(&b'z')
        && let Some(inflated) = inflate::inflate(data, span, max)
    {
        flags.set(MessageFlags::SANITISED);
        span = inflated;
    }
    if frame.truncated || span.len() > max {
        flags.set(MessageFlags::TRUNCATED);
        span.end = span.end.min(span.start + len32(max));
    }
    let sanitised = sanitise::sanitise(data, span, &settings.sanitise, max);
    if sanitised.changed {
        flags.set(MessageFlags::SANITISED);
    }
    sanitised.span
}

/// [`read`] with `nearest_year`, apart from the usual path: the question alone, asked for each
/// message, costs what a field does.
#[inline(never)]
fn read_nearest_year(
    raw: &[u8],
    settings: &ParseSettings,
    arrival: &Arrival,
    message: &mut Message,
    dashes: &mut Dashes,
) {
    read(raw, settings, arrival, message, dashes, true);
}

/// PRI, then the first parser that takes the message: RFC 5424, RFC 3164. `nearest_year` is a
/// constant where it is called, so that nothing is left to ask.
#[inline(always)]
fn read(
    raw: &[u8],
    settings: &ParseSettings,
    arrival: &Arrival,
    message: &mut Message,
    dashes: &mut Dashes,
    nearest_year: bool,
) {
    let base = message.raw.start as usize;
    let (pri, after_pri) = pri(raw);
    message.pri = pri;
    let (after_pri, rfc3164) = (usize::from(after_pri), &settings.rfc3164);
    let header = Header { raw, base, after_pri, settings, rfc3164, nearest_year, arrival };
    if pri == Pri::INVALID {
        message.msg = message.raw;
    } else if rfc5424::claims(header.text()) {
        rfc5424::parse(&header, message, dashes);
    } else {
        rfc3164::parse(&header, message, dashes);
    }
}

/// PRI and its length. Seen from rsyslogd 8.2302: any number of digits, none being 0, up to 191;
/// a text that does not begin with `<` has no PRI, one that does and goes on otherwise is invalid.
#[inline]
pub(super) fn pri(raw: &[u8]) -> (Pri, u16) {
    match raw.first_chunk::<5>().and_then(short_pri) {
        Some(found) => found,
        None => any_pri(raw),
    }
}

/// Bytes of a PRI by its digits.
const DIGITS_AND_BRACKETS: [u16; 4] = [0, 3, 4, 5];

/// A PRI of one to three digits. Their number is as random as facilities are, so that no branch
/// depends on it: all three readings are made, and one is taken.
#[inline]
fn short_pri(raw: &[u8; 5]) -> Option<(Pri, u16)> {
    let digit = |at: usize| u16::from(raw[at].wrapping_sub(b'0'));
    let (one, two, three) = (digit(1), digit(2), digit(3));
    let ends = [raw[2] == b'>', raw[3] == b'>', raw[4] == b'>'];
    // 0 if none is there, else how many digits stand before the first `>`.
    let digits = if ends[0] {
        1
    } else if ends[1] {
        2
    } else {
        3 * usize::from(ends[2])
    };
    let values = [u16::MAX, one, one * 10 + two, one * 100 + two * 10 + three];
    let most = [0, one, one.max(two), one.max(two).max(three)];
    let value = values[digits];
    let found = raw[0] == b'<' && most[digits] <= 9 && value < 192;
    found.then(|| (Pri(value.to_le_bytes()[0]), DIGITS_AND_BRACKETS[digits]))
}

#[cold]
fn any_pri(raw: &[u8]) -> (Pri, u16) {
    if raw.first() != Some(&b'<') {
        return (Pri::DEFAULT, 0);
    }
    let mut value = 0_u8;
    let mut at = 1_u16;
    loop {
        match raw.get(usize::from(at)) {
            Some(digit @ b'0'..=b'9') if at < u16::MAX => {
                value = value.saturating_mul(10).saturating_add(digit - b'0');
                at += 1;
            }
            Some(b'>') if value < 192 && at < u16::MAX => return (Pri(value), at + 1),
            _ => return (Pri::INVALID, 0),
        }
    }
}

/// Appends a `-` and lets the fields in `dashes` be it.
#[cold]
fn fill_dashes(data: &mut Vec<u8>, message: &mut Message, dashes: Dashes) {
    let at = data.len();
    data.push(b'-');
    let dash = Span::new(at, at + 1);
    if dashes.has(Dashes::TAG) {
        message.tag = dash;
    }
    if dashes.has(Dashes::APP_NAME) {
        message.app_name = dash;
    }
    if dashes.has(Dashes::FIELDS) {
        message.procid = dash;
        message.msgid = dash;
        message.structured_data = dash;
    }
}
