//! The RFC 5424 message in one step: what `RSYSLOG_SyslogProtocol23Format` and most forwarding
//! templates are, and so what a relay does most of its time.

use crate::base::span::Span;
use crate::message::MessageFlags;
use crate::message::Property;
use crate::message::View;
use crate::message::write_pri;
use crate::template::render::Op;

/// What stands between spaces behind the timestamp.
const FIELDS: [Property; 6] = [
    Property::Hostname,
    Property::AppName,
    Property::ProcId,
    Property::MsgId,
    Property::StructuredData,
    Property::Msg,
];

/// How many of them are before the structured data.
const HEAD: usize = 4;

/// Replaces the first steps of `ops` by [`Op::Rfc5424`] if together they are
/// `<PRI>1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID SD MSG`, and by [`Op::Rfc5424Head`] if they are
/// so up to MSGID and the space behind it: then something comes in between.
pub(super) fn fuse(ops: &mut Vec<Op>) {
    let is = |at: usize, text: &[u8]| match ops.get(at) {
        Some(Op::Text(have)) => **have == *text,
        Some(Op::Byte(have)) => *text == [*have],
        _ => false,
    };
    let begins = is(0, b"<")
        && matches!(ops.get(1), Some(Op::Pri))
        && is(2, b">1 ")
        && matches!(ops.get(3), Some(Op::Rfc3339));
    let goes_on = |fields: &[Property]| {
        fields.iter().enumerate().all(|(n, field)| {
            let at = 4 + 2 * n;
            is(at, b" ") && matches!(ops.get(at + 1), Some(Op::Property(have)) if have == field)
        })
    };
    if begins && goes_on(&FIELDS) {
        ops.splice(..4 + 2 * FIELDS.len(), [Op::Rfc5424]);
    } else if begins && goes_on(&FIELDS[..HEAD]) {
        let behind = 4 + 2 * HEAD;
        let rest = match ops.get(behind) {
            Some(Op::Byte(b' ')) => None,
            Some(Op::Text(text)) if text.starts_with(b" ") => Some(Op::Text(text[1..].into())),
            _ => return,
        };
        ops.splice(..=behind, [Op::Rfc5424Head].into_iter().chain(rest));
    }
}

/// Appends the message. One that was received in this form is one copy.
#[inline]
pub(super) fn write(view: &View<'_>, out: &mut Vec<u8>) {
    let message = view.message;
    if message.flags.has(MessageFlags::VERBATIM) {
        out.extend_from_slice(view.bytes(message.raw));
        return;
    }
    write_first(view, out);
    if message.flags.has(MessageFlags::PROTOCOL_1) {
        for field in [view.app_name(), view.procid(), view.msgid(), view.structured_data()] {
            out.extend_from_slice(field);
            out.push(b' ');
        }
    } else {
        out.extend_from_slice(view.app_name());
        out.push(b' ');
        out.extend_from_slice(view.procid());
        out.extend_from_slice(b" - - ");
    }
    out.extend_from_slice(view.bytes(message.msg));
}

/// Appends the message up to MSGID, and a space.
#[inline]
pub(super) fn write_head(view: &View<'_>, out: &mut Vec<u8>) {
    let message = view.message;
    if message.flags.has(MessageFlags::VERBATIM) {
        let raw = view.bytes(message.raw);
        let behind = view.structured_data().len() + 1 + view.bytes(message.msg).len();
        if let Some(head) = raw.len().checked_sub(behind) {
            return out.extend_from_slice(&raw[..head]);
        }
    }
    write_first(view, out);
    if message.flags.has(MessageFlags::PROTOCOL_1) {
        for field in [view.app_name(), view.procid(), view.msgid()] {
            out.extend_from_slice(field);
            out.push(b' ');
        }
    } else {
        out.extend_from_slice(view.app_name());
        out.push(b' ');
        out.extend_from_slice(view.procid());
        out.extend_from_slice(b" - ");
    }
}

/// Appends what stands before APP-NAME.
#[inline]
fn write_first(view: &View<'_>, out: &mut Vec<u8>) {
    let message = view.message;
    out.push(b'<');
    write_pri(message.pri, out);
    out.extend_from_slice(b">1 ");
    view.write_rfc3339(out);
    out.push(b' ');
    if message.flags.has(MessageFlags::HOSTNAME) {
        write_short(view, message.hostname, out);
    } else {
        out.extend_from_slice(view.hostname());
    }
    out.push(b' ');
}

/// Appends a span that is probably short: sixteen bytes are copied whatever its length, which is
/// a load and a store, where copying just its own would be a call.
#[inline]
fn write_short(view: &View<'_>, span: Span, out: &mut Vec<u8>) {
    const WIDTH: usize = 16;
    let from = &view.batch.data[span.start as usize..];
    match from.first_chunk::<WIDTH>() {
        Some(wide) if span.len() <= WIDTH => {
            let end = out.len() + span.len();
            out.extend_from_slice(wide);
            out.truncate(end);
        }
        _ => out.extend_from_slice(view.bytes(span)),
    }
}
