//! Messages of Cisco IOS and IOS XR (rsyslog pmciscoios):
//! `<187>42: origin: *Nov 22 11:22:33.123 CEST: %SYS-5-CONFIG_I: text`.

use crate::message::Message;
use crate::message::MessageFlags;
use crate::parse::chain::Zones;
use crate::parse::header::Header;
use crate::parse::timestamp;

/// Longest origin, in bytes.
const ORIGIN_MAX: usize = 511;
/// Longest tag, in bytes, its colon aside.
const TAG_MAX: usize = 510;

/// pmciscoios parameters, off by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CiscoIosSettings {
    /// `present.origin`: the sender's name stands behind the counter and is the host name.
    pub origin: bool,
    /// `present.xr`: IOS XR names a card before the time and a process behind it, and puts a space
    /// before the tag's colon.
    pub xr: bool,
}

/// Where the parts of a message stand in the text behind PRI: each begins at the first number and
/// ends before the second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    pub(super) origin: Option<(usize, usize)>,
    /// Without its colon.
    pub(super) tag: (usize, usize),
    /// Where MSG begins.
    pub(super) msg: usize,
}

impl CiscoIosSettings {
    /// Finds the parts of one of Cisco's messages. Its time is taken over even where something
    /// behind it is wrong, as in rsyslog.
    pub(super) fn parse(
        self,
        header: &Header<'_>,
        zones: &Zones,
        message: &mut Message,
    ) -> Option<Fields> {
        let text = header.text();
        let counter = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let mut at = behind(text, counter, b": ")?;
        let mut origin = None;
        if self.origin {
            let end = at + origin_len(&text[at..]);
            origin = Some((at, end));
            // Seen from rsyslogd 8.2302: any byte stands for the colon of a longest origin.
            at = behind(text, end + 1, b" ")?;
        }
        if self.xr {
            at += 1 + text[at..].iter().position(|byte| *byte == b':')?;
            text.get(at)?;
        }
        at += usize::from(matches!(text.get(at), Some(b'*' | b'.')));
        let zone = |id: &[u8]| zones.find(id).filter(|_| header.settings.default_zone.is_none());
        let stamp = timestamp::cisco(&text[at..], header.assumed(), zone)?;
        message.time = stamp.time;
        message.flags.set(MessageFlags::TIME);
        at += stamp.next;
        if self.xr {
            at += text[at..].iter().position(|byte| *byte == b'%')?;
        }
        behind(text, at, b"%")?;
        let window = &text[at..text.len().min(at + TAG_MAX)];
        let len = window.iter().position(|byte| matches!(byte, b':' | b' '));
        let tag = (at, at + len.unwrap_or(window.len()));
        let colon = tag.1 + usize::from(self.xr);
        behind(text, colon, b": ")?;
        Some(Fields { origin, tag, msg: colon + 1 })
    }
}

/// Where the text goes on behind `mark`, if that stands at `at`.
fn behind(text: &[u8], at: usize, mark: &[u8]) -> Option<usize> {
    text.get(at..)?.starts_with(mark).then_some(at + mark.len())
}

/// Bytes up to `: `, or as many as an origin may have.
fn origin_len(text: &[u8]) -> usize {
    let window = &text[..text.len().min(ORIGIN_MAX + 2)];
    let end = window.windows(2).position(|pair| pair == b": ");
    end.unwrap_or_else(|| text.len().min(ORIGIN_MAX))
}
