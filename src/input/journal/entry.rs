//! An entry of the journal as a message: what rsyslogd's imjournal makes of it.

use crate::base::clock::LocalZone;
use crate::base::clock::Wall;
use crate::base::num::len32;
use crate::input::journal::export::Entry;
use crate::input::local::Feed;
use crate::input::local::Ready;
use crate::message::MessageFlags;
use crate::message::Pri;
use crate::message::Timestamp;
use crate::message::json::Case;
use crate::message::json::Object;
use crate::message::json::Value;
use crate::parse::sanitise;

/// What the configuration says about messages.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    /// Of entries that have none, or none that is one.
    pub(super) facility: u8,
    pub(super) severity: u8,
    pub(super) pid: UsePid,
    /// Of entries that name no program.
    pub(super) tag: String,
    /// Something reads `$!`: their fields are put there.
    pub(super) variables: bool,
}

/// Where the process id in the tag comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UsePid {
    /// `SYSLOG_PID`: what the program said.
    Syslog,
    /// `_PID`: what the kernel said.
    System,
    /// `SYSLOG_PID`, or else `_PID`.
    Both,
}

/// Makes messages of entries.
#[derive(Debug)]
pub(super) struct Maker {
    rules: Rules,
    zone: LocalZone,
    /// Buffers that keep their memory.
    tag: Vec<u8>,
    text: Vec<u8>,
}

impl Maker {
    pub(super) fn new(rules: Rules) -> Self {
        Self { rules, zone: LocalZone::system(), tag: Vec::new(), text: Vec::new() }
    }

    /// Adds the message that `entry` is to the batch of `feed`.
    pub(super) fn push(&mut self, entry: &Entry, feed: &mut Feed) {
        self.put_tag(entry);
        self.text.clear();
        put(entry.first(b"MESSAGE").unwrap_or_default(), &mut self.text);
        let pri = self.pri(entry);
        let (tag, text) = (&*self.tag, &*self.text);
        let variables = self.rules.variables.then(|| variables(entry));
        feed.push(Ready { pri, tag, text, variables });
        let parse = feed.setup().clone();
        let parse = &parse.parse;
        let batch = feed.batch();
        let Some(message) = batch.messages.last_mut() else { return };
        let max = parse.message_bytes_max;
        let mut text = message.raw;
        if text.len() > max || entry.cut {
            message.flags.set(MessageFlags::TRUNCATED);
            text.end = text.end.min(text.start + len32(max));
        }
        let sanitised = sanitise::sanitise(&mut batch.data, text, &parse.sanitise, max);
        (message.raw, message.msg) = (sanitised.span, sanitised.span);
        if sanitised.changed {
            message.flags.set(MessageFlags::SANITISED);
        }
        if parse.slash_in_program_name {
            message.flags.set(MessageFlags::SLASH_IN_PROGRAM_NAME);
        }
        let (secs, micros) = (entry.realtime / 1_000_000, entry.realtime % 1_000_000);
        if let (Ok(secs), Ok(micros)) = (i64::try_from(secs), u32::try_from(micros))
            && secs > 0
        {
            message.time = Timestamp::local(Wall { secs, micros }, &mut self.zone);
            message.flags.set(MessageFlags::TIME);
            message.flags.set(MessageFlags::TIME_GENERATED);
        }
    }

    /// `program[pid]:`
    fn put_tag(&mut self, entry: &Entry) {
        let Self { rules, tag, .. } = self;
        let name = entry.first(b"SYSLOG_IDENTIFIER").or_else(|| entry.first(b"_COMM"));
        let pid = match rules.pid {
            UsePid::Syslog => entry.first(b"SYSLOG_PID"),
            UsePid::System => entry.first(b"_PID"),
            UsePid::Both => entry.first(b"SYSLOG_PID").or_else(|| entry.first(b"_PID")),
        };
        tag.clear();
        put(name.unwrap_or(rules.tag.as_bytes()), tag);
        if let Some(pid) = pid {
            tag.push(b'[');
            put(pid, tag);
            tag.push(b']');
        }
        tag.push(b':');
    }

    fn pri(&self, entry: &Entry) -> Pri {
        let severity = entry.first(b"PRIORITY").and_then(|text| number(text, 1, 7));
        let facility = entry.first(b"SYSLOG_FACILITY").and_then(|text| number(text, 2, 23));
        Pri::new(facility.unwrap_or(self.rules.facility), severity.unwrap_or(self.rules.severity))
    }
}

/// A number of so many digits at most, no larger than `most`.
fn number(text: &[u8], digits: usize, most: u8) -> Option<u8> {
    let plain = text.len() <= digits && text.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(text).ok().filter(|_| plain)?.parse().ok()?;
    (number <= most).then_some(number)
}

/// Appends a value, with a space for each NUL.
fn put(value: &[u8], to: &mut Vec<u8>) {
    let start = to.len();
    to.extend_from_slice(value);
    to[start..].iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = b' ');
}

/// `$!`: all fields. Of several of one name the last one counts, at the place of the first.
fn variables(entry: &Entry) -> Value {
    let mut all = Object::default();
    for (name, value) in entry.fields() {
        let mut text = Vec::with_capacity(value.len());
        put(value, &mut text);
        all.set(name, Value::Str(text.into()), Case::Sensitive);
    }
    Value::Object(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_rsyslogd_takes_them() {
        let facility = |text: &str| number(text.as_bytes(), 2, 23);
        assert_eq!(["0", "9", "10", "23"].map(facility), [Some(0), Some(9), Some(10), Some(23)]);
        for bad in ["24", "127", "012", "1 ", "-1", "+1", "", "x"] {
            assert_eq!(facility(bad), None, "{bad}");
        }
        let severity = |text: &str| number(text.as_bytes(), 1, 7);
        assert_eq!(["0", "7", "8", "07", "12"].map(severity), [Some(0), Some(7), None, None, None]);
    }
}
