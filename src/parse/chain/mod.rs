//! Lists of parsers (rsyslog: `ruleset(parser=[…])`). The parsers are tried in their order until
//! one takes the message. Some take none and only put a text right for those behind them.
//!
//! The usual list, RFC 5424 and then RFC 3164, has a path of its own in [`super::header`]; what
//! stands here is for all the others.

mod ceelog;
mod ciscoios;
mod repair;

pub use ciscoios::CiscoIosSettings;
pub use repair::SnareTab;

use crate::base::span::Span;
use crate::message::Arrival;
use crate::message::Class;
use crate::message::Message;
use crate::message::MessageFlags;
use crate::message::Offset;
use crate::message::Pri;
use crate::parse::header::Dashes;
use crate::parse::header::Header;
use crate::parse::header::ParseSettings;
use crate::parse::header::pri;
use crate::parse::rfc3164;
use crate::parse::rfc3164::Rfc3164Settings;
use crate::parse::rfc3164::headerless;
use crate::parse::rfc3164::headerless::HeaderlessSettings;
use crate::parse::rfc5424;

/// One parser of a list, with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parser {
    /// `rsyslog.rfc5424`
    Rfc5424,
    /// `rsyslog.rfc3164`; takes everything.
    Rfc3164(Rfc3164Settings),
    /// `rsyslog.rfc3164` with `detect.headerless` is this one, and then [`Parser::Rfc3164`]: takes
    /// what has no header.
    Headerless(HeaderlessSettings),
    /// `rsyslog.ciscoios`
    CiscoIos(CiscoIosSettings),
    /// `rsyslog.lastline`: "last message repeated n times".
    LastMessage,
    /// `rsyslog.aixforwardedfrom`: takes nothing, but leaves out AIX's "Message forwarded from".
    AixForwardedFrom,
    /// `rsyslog.snare`: takes nothing, but puts spaces around Snare's tags.
    Snare(SnareTab),
    /// `rsyslog.pmnull`; takes everything.
    Null(NullSettings),
    /// `bongsu.ceelog`: a line of PLURA's ceelog files.
    Ceelog,
}

impl Parser {
    /// The name in `ruleset(parser=…)`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Rfc5424 => "rsyslog.rfc5424",
            Self::Rfc3164(_) | Self::Headerless(_) => "rsyslog.rfc3164",
            Self::CiscoIos(_) => "rsyslog.ciscoios",
            Self::LastMessage => "rsyslog.lastline",
            Self::AixForwardedFrom => "rsyslog.aixforwardedfrom",
            Self::Snare(_) => "rsyslog.snare",
            Self::Null(_) => "rsyslog.pmnull",
            Self::Ceelog => "bongsu.ceelog",
        }
    }
}

/// pmnull parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NullSettings {
    /// The tag of all messages.
    pub tag: Box<[u8]>,
    /// `syslogFacility` and `syslogSeverity`.
    pub pri: Pri,
}

impl Default for NullSettings {
    fn default() -> Self {
        Self { tag: Box::default(), pri: Pri::DEFAULT }
    }
}

/// Names of zones (`timezone(id=… offset=…)`), as devices write them behind a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zones(Vec<(Box<[u8]>, Offset)>);

impl Zones {
    /// Of two with the same name the later one counts.
    pub fn add(&mut self, id: &str, offset: Offset) {
        self.0.retain(|(known, _)| **known != *id.as_bytes());
        self.0.push((id.as_bytes().into(), offset));
    }

    fn find(&self, id: &[u8]) -> Option<Offset> {
        self.0.iter().find(|(known, _)| **known == *id).map(|(_, offset)| *offset)
    }
}

/// Parsers in the order in which they are tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParserChain {
    pub parsers: Vec<Parser>,
    pub zones: Zones,
}

impl ParserChain {
    /// Whether this is the usual list, so that nobody needs the chain: the parameters of its RFC
    /// 3164 parser.
    #[must_use]
    pub fn usual(&self) -> Option<Rfc3164Settings> {
        match self.parsers.as_slice() {
            [Parser::Rfc5424, Parser::Rfc3164(settings), ..] => Some(*settings),
            _ => None,
        }
    }

    /// Reads the message whose text is `message.raw`; gives the parser that took it.
    #[inline(never)]
    pub(super) fn read(
        &self,
        data: &mut Vec<u8>,
        settings: &ParseSettings,
        arrival: &Arrival,
        message: &mut Message,
        dashes: &mut Dashes,
    ) -> Option<&Parser> {
        let (pri, after_pri) = pri(message.raw.of(data));
        message.pri = pri;
        let after_pri = usize::from(after_pri);
        for parser in &self.parsers {
            let text = Text { data, message, after_pri };
            if self.attempt(parser, text, settings, arrival, dashes) {
                return Some(parser);
            }
        }
        // rsyslogd 8.2302 says that it discards such a message, and then writes it, with a byte
        // from before its buffer in front.
        message.msg = message.raw;
        None
    }

    /// Whether `parser` takes the message.
    fn attempt(
        &self,
        parser: &Parser,
        text: Text<'_>,
        settings: &ParseSettings,
        arrival: &Arrival,
        dashes: &mut Dashes,
    ) -> bool {
        let Text { data, message, after_pri } = text;
        let rfc3164 = match parser {
            Parser::Rfc3164(rfc3164) => rfc3164,
            _ => &settings.rfc3164,
        };
        let base = message.raw.start as usize;
        let raw = message.raw.of(data);
        let nearest_year = rfc3164.nearest_year;
        let header = Header { raw, base, after_pri, settings, rfc3164, nearest_year, arrival };
        match parser {
            Parser::Rfc5424 => {
                let claims = rfc5424::claims(header.text());
                if claims {
                    rfc5424::parse(&header, message, dashes);
                }
                return claims;
            }
            Parser::Rfc3164(_) if message.pri == Pri::INVALID => message.msg = message.raw,
            Parser::Rfc3164(_) => rfc3164::parse(&header, message, dashes),
            Parser::Headerless(settings) => {
                if !headerless::claims(&header) {
                    return false;
                }
                headerless(settings, data, message);
            }
            Parser::CiscoIos(cisco) => {
                let Some(fields) = cisco.parse(&header, &self.zones, message) else { return false };
                if let Some((start, end)) = fields.origin {
                    message.hostname = header.span(start, end);
                    message.flags.set(MessageFlags::HOSTNAME);
                }
                message.msg = header.rest(fields.msg);
                message.class = Class::Rfc3164;
                let tag = header.span(fields.tag.0, fields.tag.1);
                // XR has a space before the colon.
                message.tag = append(data, |data| {
                    data.extend_from_within(tag.start as usize..tag.end as usize);
                    data.push(b':');
                });
            }
            Parser::LastMessage => return last_message(&header, message),
            Parser::AixForwardedFrom => {
                repair::aix_forwarded_from(&mut Text { data, message, after_pri });
                return false;
            }
            Parser::Snare(tab) => {
                repair::snare(&mut Text { data, message, after_pri }, *tab);
                return false;
            }
            Parser::Ceelog => return ceelog::read(data, &settings.sanitise, message),
            Parser::Null(null) => {
                message.pri = null.pri;
                message.tag = append(data, |data| data.extend_from_slice(&null.tag));
                message.msg = message.raw;
            }
        }
        true
    }
}

/// A message whose text may be put right.
struct Text<'a> {
    data: &'a mut Vec<u8>,
    message: &'a mut Message,
    /// Bytes of PRI.
    after_pri: usize,
}

/// The text is all there is; the rest is as `settings` say.
fn headerless(settings: &HeaderlessSettings, data: &mut Vec<u8>, message: &mut Message) {
    match &settings.hostname {
        Some(name) => {
            message.hostname = append(data, |data| data.extend_from_slice(name));
            message.flags.set(MessageFlags::HOSTNAME);
        }
        None => message.flags.set(MessageFlags::HOSTNAME_IP),
    }
    message.tag = append(data, |data| data.extend_from_slice(&settings.tag));
    // A parser before this one may have found a time and given up behind it.
    message.flags.clear(MessageFlags::TIME);
    message.msg = message.raw;
    message.class = Class::Headerless;
}

/// `last message repeated n times`, spaces in front and any case allowed: no header, no tag.
fn last_message(header: &Header<'_>, message: &mut Message) -> bool {
    let text = header.text();
    let text = &text[spaces(text)..];
    let Some(rest) = strip_prefix_any_case(text, b"last message repeated ") else { return false };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || !rest[digits..].eq_ignore_ascii_case(b" times") {
        return false;
    }
    // A parser before this one may have found a time and given up behind it.
    message.flags = MessageFlags(message.flags.0 & !MessageFlags::TIME.0);
    message.msg = header.rest(0);
    true
}

/// What `write` puts behind the batch's bytes.
fn append(data: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) -> Span {
    let start = data.len();
    write(data);
    Span::new(start, data.len())
}

/// How many spaces `text` begins with.
fn spaces(text: &[u8]) -> usize {
    text.iter().take_while(|byte| **byte == b' ').count()
}

/// `text` without `prefix`, if it begins with it in any case of letters.
fn strip_prefix_any_case<'a>(text: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}
