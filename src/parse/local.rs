//! What `syslog(3)` writes to `/dev/log`: PRI, perhaps a time, a tag, and the text (rsyslog's
//! "special parser", `plugins/imuxsock`). No host name is looked for: there is none.

use crate::message::Arrival;
use crate::message::Class;
use crate::message::Message;
use crate::message::MessageFlags;
use crate::message::Pri;
use crate::parse::ParseSettings;
use crate::parse::frame::Frame;
use crate::parse::header::Header;
use crate::parse::header::raw;
use crate::parse::rfc3164::starts_json;
use crate::parse::timestamp;

/// Longest tag, in bytes, its colon included.
const TAG_MAX: usize = 511;

/// Reads one datagram of a log socket, as [`parse::message_into`](crate::parse::message_into) reads
/// a frame.
pub fn message_into(
    data: &mut Vec<u8>,
    frame: Frame,
    settings: &ParseSettings,
    arrival: &Arrival,
    message: &mut Message,
) {
    message.raw = raw(data, frame, settings, &mut message.flags);
    let raw = message.raw.of(data);
    let (pri, after_pri) = pri(raw);
    message.pri = pri;
    let (base, rfc3164) = (message.raw.start as usize, &settings.rfc3164);
    let nearest_year = rfc3164.nearest_year;
    let header = Header { raw, base, after_pri, settings, rfc3164, nearest_year, arrival };
    let text = header.text();
    let found = timestamp::rfc3339(text).or_else(|| timestamp::rfc3164(text, header.assumed()));
    let mut at = 0;
    if let Some(stamp) = found {
        message.time = stamp.time;
        header.find_year(&mut message.time);
        message.flags.set(MessageFlags::TIME);
        at = stamp.next;
    }
    let tag = tag_len(&text[at..]);
    message.tag = header.span(at, at + tag);
    message.msg = header.rest(at + tag);
    message.class = match found.is_some() || tag > 0 {
        _ if starts_json(&text[at..]) => Class::Json,
        true => Class::Rfc3164,
        false => Class::Raw,
    };
}

/// PRI and its length. Seen from rsyslogd 8.2302: a byte, digits and another byte, whatever the
/// two bytes are. A text that has no PRI so loses two bytes, and is an emergency of the kernel's.
fn pri(raw: &[u8]) -> (Pri, usize) {
    let digits = raw.iter().skip(1).take_while(|byte| byte.is_ascii_digit()).count();
    let value = raw
        .iter()
        .skip(1)
        .take(digits)
        .fold(0_u8, |value, digit| value.saturating_mul(10).saturating_add(digit - b'0'));
    let pri = if value < 192 { Pri(value) } else { Pri::INVALID };
    (pri, raw.len().min(digits + 2))
}

fn tag_len(text: &[u8]) -> usize {
    let text = &text[..text.len().min(TAG_MAX)];
    memchr::memchr(b' ', text).unwrap_or(text.len())
}
