//! What lines of files end in, `HOSTNAME TAG MSG`, in one step: an RFC 3164 message holds it as one
//! stretch of bytes.

use crate::base::span::Span;
use crate::message::MessageFlags;
use crate::message::Property;
use crate::message::TimeFormat;
use crate::message::View;
use crate::template::field::Field;
use crate::template::field::Source;
use crate::template::render::Op;

/// Steps that are one copy for most messages.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    /// `TIMESTAMP` and a space come first.
    has_time: bool,
    /// A line feed at the end of MSG is left out.
    drops_line_feed: bool,
    /// The same, one by one.
    steps: Box<[Op]>,
}

/// Replaces the first steps of `ops` that are `[TIMESTAMP ]HOSTNAME TAG[SPACE]MSG` by one. False if
/// there are none.
pub(super) fn fuse(ops: &mut Vec<Op>) -> bool {
    let Some((start, end, line)) = (0..ops.len()).find_map(|at| find(ops, at)) else {
        return false;
    };
    let steps = ops[start..end].into();
    ops.splice(start..end, [Op::Line(Box::new(Line { steps, ..line }))]);
    true
}

/// The steps that are the host name at `host` and what belongs to it, without their copy.
fn find(ops: &[Op], host: usize) -> Option<(usize, usize, Line)> {
    let [Op::Property(Property::Hostname), Op::Byte(b' '), behind @ ..] = &ops[host..] else {
        return None;
    };
    let [Op::Property(Property::SyslogTag), behind @ ..] = behind else { return None };
    let msg = match behind {
        [space, behind @ ..] if is_space(space) => behind,
        _ => behind,
    };
    let drops_line_feed = match msg.first()? {
        Op::Property(Property::Msg) => false,
        Op::Field(field) if is_msg(field, |plain| plain.drop_last_lf = true) => true,
        _ => return None,
    };
    let has_time = matches!(ops[..host], [.., ref time, Op::Byte(b' ')] if is_time(time));
    let start = if has_time { host - 2 } else { host };
    let end = ops.len() - msg.len() + 1;
    Some((start, end, Line { has_time, drops_line_feed, steps: Box::default() }))
}

/// Whether it writes nothing before a message that begins with a space.
fn is_space(op: &Op) -> bool {
    match op {
        Op::SpaceBeforeMsg => true,
        Op::Field(field) => is_msg(field, |plain| plain.space_if_none = true),
        _ => false,
    }
}

/// Whether it is MSG with nothing but that option.
fn is_msg(field: &Field, option: impl Fn(&mut Field)) -> bool {
    let mut wanted = Field::new(Source::Property(Property::Msg), &field.name);
    option(&mut wanted);
    *field == wanted
}

fn is_time(op: &Op) -> bool {
    let (property, format) = (Property::TimeReported, TimeFormat::Rfc3164);
    *op == Op::Time(Source::Time { property, format, utc: false })
}

impl Line {
    #[inline]
    pub(super) fn write(&self, view: &View<'_>, out: &mut Vec<u8>) {
        match self.stretch(view) {
            Some(stretch) => out.extend_from_slice(view.bytes(stretch)),
            None => self.write_steps(view, out),
        }
    }

    /// Where all of it stands as it would be written: what the steps read are spans, there is a
    /// space where they write one, and MSG begins with the one that would be put before it.
    #[inline]
    fn stretch(&self, view: &View<'_>) -> Option<Span> {
        let (message, data) = (view.message, &view.batch.data);
        let (host, tag, msg) = (message.hostname, message.tag, message.msg);
        let is_space = |at: u32| data.get(at as usize) == Some(&b' ');
        let spans = message.flags.has_spans_of_line()
            && host.end + 1 == tag.start
            && tag.end == msg.start
            && !msg.is_empty();
        if !spans || !is_space(host.end) || !is_space(msg.start) {
            return None;
        }
        if self.drops_line_feed && data.get(msg.end as usize - 1) == Some(&b'\n') {
            return None;
        }
        if !self.has_time {
            return Some(Span { start: host.start, end: msg.end });
        }
        let time = message.time_text;
        let found = message.flags.has(MessageFlags::TIME_TRADITIONAL)
            && time.end + 1 == host.start
            && is_space(time.end);
        found.then_some(Span { start: time.start, end: msg.end })
    }

    #[inline(never)]
    fn write_steps(&self, view: &View<'_>, out: &mut Vec<u8>) {
        for step in &self.steps {
            step.render(view, out);
        }
    }
}
