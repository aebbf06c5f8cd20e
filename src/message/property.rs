//! Message properties by name (rsyslog "Available Properties"), read from spans.

use std::hash::BuildHasher;
use std::hash::RandomState;
use std::sync::LazyLock;

use crate::base::clock;
use crate::message::Class;
use crate::message::MessageFlags;
use crate::message::Offset;
use crate::message::Pri;
use crate::message::TimeFormat;
use crate::message::Timestamp;
use crate::message::View;
use crate::message::json::Style;
use crate::message::json_mesg;
use crate::message::time_format::write_date;
use crate::message::time_format::write_number;
use crate::message::time_format::write_two;

/// rsyslog's `CONF_TAG_MAXSIZE` less the terminating NUL: no tag or program name is longer.
const TAG_BYTES_MAX: usize = 511;

/// A part of the current time, for `$now` and its kin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NowField {
    /// `yyyy-mm-dd`.
    Date,
    Year,
    Month,
    Day,
    /// 0 is Sunday; one digit.
    Wday,
    Hour,
    /// `00` or `01`.
    HalfHour,
    /// `00` to `03`.
    QuarterHour,
    Minute,
}

/// A property of a message, of its source or of the relay. Variables (`$!x`) are not properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Property {
    Msg,
    RawMsg,
    RawMsgAfterPri,
    Hostname,
    FromHost,
    FromHostIp,
    FromHostPort,
    SyslogTag,
    ProgramName,
    Pri,
    PriText,
    Iut,
    SyslogFacility,
    SyslogFacilityText,
    SyslogSeverity,
    SyslogSeverityText,
    TimeGenerated,
    TimeReported,
    ProtocolVersion,
    StructuredData,
    AppName,
    ProcId,
    MsgId,
    InputName,
    MyHostname,
    Bom,
    /// `$now` …: local time at which the batch arrived.
    Now(NowField),
    /// `$now-utc` ….
    NowUtc(NowField),
    NowUnixTimestamp,
    /// 32 upper-case hexadecimal digits, the same wherever the same message is asked for it.
    Uuid,
    /// `OK` if a modifier has understood the payload, or else `FAIL`.
    ParseSuccess,
    /// The message with its properties and `$!`, as one JSON object.
    JsonMesg,
    /// `$!all-json`: the tree `$!` as it is written everywhere.
    AllJson,
    /// `$!all-json-plain`: the same without blanks.
    AllJsonPlain,
    /// `$uptime`: seconds since the system was started.
    Uptime,
    /// Bongsu's own: [`Class`].
    BongsuClass,
}

/// Names as rsyslog documents them, lower case; aliases follow their property.
const NAMES: &[(&str, Property)] = &[
    ("msg", Property::Msg),
    ("rawmsg", Property::RawMsg),
    ("rawmsg-after-pri", Property::RawMsgAfterPri),
    ("hostname", Property::Hostname),
    ("source", Property::Hostname),
    ("fromhost", Property::FromHost),
    ("fromhost-ip", Property::FromHostIp),
    ("fromhost-port", Property::FromHostPort),
    ("syslogtag", Property::SyslogTag),
    ("programname", Property::ProgramName),
    ("pri", Property::Pri),
    ("pri-text", Property::PriText),
    ("iut", Property::Iut),
    ("syslogfacility", Property::SyslogFacility),
    ("syslogfacility-text", Property::SyslogFacilityText),
    ("syslogseverity", Property::SyslogSeverity),
    ("syslogseverity-text", Property::SyslogSeverityText),
    ("syslogpriority", Property::SyslogSeverity),
    ("syslogpriority-text", Property::SyslogSeverityText),
    ("timegenerated", Property::TimeGenerated),
    ("timereported", Property::TimeReported),
    ("timestamp", Property::TimeReported),
    ("protocol-version", Property::ProtocolVersion),
    ("structured-data", Property::StructuredData),
    ("app-name", Property::AppName),
    ("procid", Property::ProcId),
    ("msgid", Property::MsgId),
    ("inputname", Property::InputName),
    ("$myhostname", Property::MyHostname),
    ("$bom", Property::Bom),
    ("$now", Property::Now(NowField::Date)),
    ("$now-utc", Property::NowUtc(NowField::Date)),
    ("$year", Property::Now(NowField::Year)),
    ("$year-utc", Property::NowUtc(NowField::Year)),
    ("$month", Property::Now(NowField::Month)),
    ("$month-utc", Property::NowUtc(NowField::Month)),
    ("$day", Property::Now(NowField::Day)),
    ("$day-utc", Property::NowUtc(NowField::Day)),
    ("$wday", Property::Now(NowField::Wday)),
    ("$wday-utc", Property::NowUtc(NowField::Wday)),
    ("$hour", Property::Now(NowField::Hour)),
    ("$hour-utc", Property::NowUtc(NowField::Hour)),
    ("$hhour", Property::Now(NowField::HalfHour)),
    ("$hhour-utc", Property::NowUtc(NowField::HalfHour)),
    ("$qhour", Property::Now(NowField::QuarterHour)),
    ("$qhour-utc", Property::NowUtc(NowField::QuarterHour)),
    ("$minute", Property::Now(NowField::Minute)),
    ("$minute-utc", Property::NowUtc(NowField::Minute)),
    ("$now-unixtimestamp", Property::NowUnixTimestamp),
    ("uuid", Property::Uuid),
    ("parsesuccess", Property::ParseSuccess),
    ("jsonmesg", Property::JsonMesg),
    ("$!all-json", Property::AllJson),
    ("$!all-json-plain", Property::AllJsonPlain),
    ("$uptime", Property::Uptime),
    ("bongsu-class", Property::BongsuClass),
];

impl Property {
    /// By name, without case; the leading `$` of a filter's `$msg` is not part of it.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, p)| *p)
    }

    /// Its first name.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, property)| *property == self).map_or("", |(name, _)| name)
    }

    /// All names, for "did you mean".
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    /// Whether it is a timestamp, to which `date-*` options apply.
    #[must_use]
    pub const fn is_time(self) -> bool {
        matches!(self, Self::TimeGenerated | Self::TimeReported)
    }

    /// Whether the value depends on nothing but the source and the input, so that a filter on it
    /// is decided once per source.
    #[must_use]
    pub const fn source_only(self) -> bool {
        matches!(
            self,
            Self::FromHost | Self::FromHostIp | Self::InputName | Self::MyHostname | Self::Bom
        )
    }

    /// Whether it shows `$!`.
    #[must_use]
    pub const fn reads_message_tree(self) -> bool {
        matches!(self, Self::JsonMesg | Self::AllJson | Self::AllJsonPlain)
    }

    /// Whether the value is the same for all messages that are
    /// [folded](crate::message::Batch::fold).
    #[must_use]
    pub const fn is_shared(self) -> bool {
        self.source_only()
            || matches!(
                self,
                Self::Hostname
                    | Self::SyslogTag
                    | Self::ProgramName
                    | Self::Pri
                    | Self::PriText
                    | Self::Iut
                    | Self::SyslogFacility
                    | Self::SyslogFacilityText
                    | Self::SyslogSeverity
                    | Self::SyslogSeverityText
                    | Self::TimeGenerated
                    | Self::TimeReported
                    | Self::ProtocolVersion
                    | Self::StructuredData
                    | Self::AppName
                    | Self::ProcId
                    | Self::MsgId
            )
    }
}

impl<'a> View<'a> {
    /// The timestamp that `timereported` shows.
    #[must_use]
    #[inline]
    pub fn reported(&self) -> Timestamp {
        if self.message.flags.has(MessageFlags::TIME) {
            self.message.time
        } else {
            self.batch.arrival.local
        }
    }

    /// The timestamp that `timegenerated` shows.
    #[must_use]
    #[inline]
    pub fn generated(&self) -> Timestamp {
        if self.message.flags.has(MessageFlags::TIME_GENERATED) {
            self.message.time
        } else {
            self.batch.arrival.local
        }
    }

    /// Appends `timereported` as `date-rfc3339`: the text that was received, where it already is
    /// what would be written.
    #[inline]
    pub fn write_rfc3339(&self, out: &mut Vec<u8>) {
        if self.message.flags.has(MessageFlags::TIME_CANONICAL) {
            out.extend_from_slice(self.bytes(self.message.time_text));
        } else {
            TimeFormat::Rfc3339.write(&self.reported(), out);
        }
    }

    #[must_use]
    #[inline]
    pub fn hostname(&self) -> &'a [u8] {
        let flags = self.message.flags;
        if flags.has(MessageFlags::HOSTNAME) || flags.has(MessageFlags::HOSTNAME_SET) {
            self.bytes(self.message.hostname)
        } else if flags.has(MessageFlags::HOSTNAME_IP) {
            self.source().ip_text.as_bytes()
        } else {
            self.source().fromhost.as_bytes()
        }
    }

    /// The text class of the message.
    #[must_use]
    pub fn class(&self) -> Class {
        self.message.class
    }

    /// APP-NAME: from an RFC 5424 header as received (`-` for an empty field), otherwise the
    /// program name, or `-` where the tag holds none.
    #[must_use]
    #[inline]
    pub fn app_name(&self) -> &'a [u8] {
        let name = match self.header() {
            Header::Rfc5424 => self.bytes(self.message.app_name),
            Header::Broken => return b"",
            Header::Rfc3164 => self.program_of(self.bytes(self.message.tag)),
        };
        if name.is_empty() { b"-" } else { name }
    }

    /// PROCID: from an RFC 5424 header as received, otherwise what stands between the tag's first
    /// `[` and the `]` behind it, or `-`.
    #[must_use]
    #[inline]
    pub fn procid(&self) -> &'a [u8] {
        match self.header() {
            Header::Rfc5424 => self.bytes(self.message.procid),
            Header::Broken => b"-",
            Header::Rfc3164 => pid_of(self.bytes(self.message.tag)).unwrap_or(b"-"),
        }
    }

    #[must_use]
    #[inline]
    pub fn msgid(&self) -> &'a [u8] {
        match self.header() {
            Header::Rfc5424 => self.bytes(self.message.msgid),
            Header::Broken | Header::Rfc3164 => b"-",
        }
    }

    #[must_use]
    #[inline]
    pub fn structured_data(&self) -> &'a [u8] {
        match self.header() {
            Header::Rfc5424 => self.bytes(self.message.structured_data),
            Header::Broken | Header::Rfc3164 => b"-",
        }
    }

    /// `programname`: the tag up to its first `:`, `[`, `/` or byte that is not printable ASCII.
    /// `/` is part of it where [`MessageFlags::SLASH_IN_PROGRAM_NAME`] is set.
    #[must_use]
    #[inline]
    pub fn program_name(&self) -> &'a [u8] {
        let name = match self.tag_header() {
            Header::Rfc3164 => self.program_of(self.bytes(self.message.tag)),
            Header::Broken => b"",
            Header::Rfc5424 => self.program_of(self.app_name()),
        };
        &name[..name.len().min(TAG_BYTES_MAX)]
    }

    #[inline]
    fn program_of(&self, tag: &'a [u8]) -> &'a [u8] {
        let slash = self.message.flags.has(MessageFlags::SLASH_IN_PROGRAM_NAME);
        let ends = |b: &u8| match *b {
            b':' | b'[' => true,
            b'/' => !slash,
            b => !matches!(b, b' '..=b'~'),
        };
        &tag[..tag.iter().position(ends).unwrap_or(tag.len())]
    }

    /// Appends `syslogtag`. Of an RFC 5424 message it is `APP-NAME[PROCID]`, or APP-NAME alone if
    /// PROCID is `-`.
    #[inline]
    pub fn write_tag(&self, out: &mut Vec<u8>) {
        match self.tag_header() {
            Header::Rfc3164 => out.extend_from_slice(self.bytes(self.message.tag)),
            Header::Broken => {}
            Header::Rfc5424 => {
                let (start, procid) = (out.len(), self.procid());
                out.extend_from_slice(self.app_name());
                if procid != b"-" {
                    out.push(b'[');
                    out.extend_from_slice(procid);
                    out.push(b']');
                }
                out.truncate(start + TAG_BYTES_MAX);
            }
        }
    }

    /// `rawmsg-after-pri`. It does not ask what the parser made of PRI: seen from rsyslogd 8.2302,
    /// `<`, one to three bytes whatever they are, and `>` are left out.
    #[must_use]
    #[inline]
    pub fn raw_after_pri(&self) -> &'a [u8] {
        match self.bytes(self.message.raw) {
            [b'<', _, b'>', rest @ ..]
            | [b'<', _, _, b'>', rest @ ..]
            | [b'<', _, _, _, b'>', rest @ ..] => rest,
            raw => raw,
        }
    }

    /// Where the fields of the header come from.
    #[inline]
    fn header(&self) -> Header {
        let flags = self.message.flags;
        if !flags.has(MessageFlags::PROTOCOL_1) {
            Header::Rfc3164
        } else if flags.has(MessageFlags::HOSTNAME) {
            Header::Rfc5424
        } else {
            Header::Broken
        }
    }

    /// Where the tag comes from: one that a rule set is a text, as that of RFC 3164 is.
    #[inline]
    fn tag_header(&self) -> Header {
        match self.message.flags.has(MessageFlags::TAG_SET) {
            true => Header::Rfc3164,
            false => self.header(),
        }
    }

    /// The value of a property. `scratch` holds it if it has to be made; what was in it is lost.
    #[must_use]
    pub fn property<'s>(&'s self, property: Property, scratch: &'s mut Vec<u8>) -> &'s [u8] {
        if let Some(text) = self.borrowed(property) {
            return text;
        }
        scratch.clear();
        self.write_made(property, scratch);
        scratch
    }

    /// Appends the value of a property.
    #[inline]
    pub fn write_property(&self, property: Property, out: &mut Vec<u8>) {
        match self.borrowed(property) {
            // `-` most of all; a call of memcpy costs more.
            Some([byte]) => out.push(*byte),
            Some(text) => out.extend_from_slice(text),
            None => self.write_made(property, out),
        }
    }

    /// The value, where it lies somewhere as it is.
    #[must_use]
    #[inline]
    pub fn borrowed(&self, property: Property) -> Option<&'a [u8]> {
        let pri = self.message.pri;
        Some(match property {
            Property::Msg => self.bytes(self.message.msg),
            Property::RawMsg => self.bytes(self.message.raw),
            Property::RawMsgAfterPri => self.raw_after_pri(),
            Property::Hostname => self.hostname(),
            Property::FromHost => self.source().fromhost.as_bytes(),
            Property::FromHostIp => self.source().ip_text.as_bytes(),
            Property::SyslogTag if self.tag_header() == Header::Rfc3164 => {
                self.bytes(self.message.tag)
            }
            Property::ProgramName => self.program_name(),
            Property::SyslogFacilityText => pri.facility_text().as_bytes(),
            Property::SyslogSeverityText => pri.severity_text().as_bytes(),
            Property::Iut => b"1",
            Property::ProtocolVersion if self.message.flags.has(MessageFlags::PROTOCOL_1) => b"1",
            Property::ProtocolVersion => b"0",
            Property::StructuredData => self.structured_data(),
            Property::AppName => self.app_name(),
            Property::ProcId => self.procid(),
            Property::MsgId => self.msgid(),
            Property::InputName => self.batch.input.name.as_bytes(),
            Property::MyHostname => self.batch.input.hostname.as_bytes(),
            Property::Bom => b"\xEF\xBB\xBF",
            Property::ParseSuccess if self.message.flags.has(MessageFlags::PARSE_SUCCESS) => b"OK",
            Property::ParseSuccess => b"FAIL",
            Property::BongsuClass => self.message.class.name().as_bytes(),
            _ => return None,
        })
    }

    /// Appends a value that has to be made.
    fn write_made(&self, property: Property, out: &mut Vec<u8>) {
        let (pri, arrival) = (self.message.pri, &self.batch.arrival);
        match property {
            Property::SyslogTag => self.write_tag(out),
            Property::Pri => write_pri(pri, out),
            Property::PriText => {
                out.extend_from_slice(pri.facility_text().as_bytes());
                out.push(b'.');
                out.extend_from_slice(pri.severity_text().as_bytes());
            }
            Property::SyslogFacility if pri.facility() > 23 => out.extend_from_slice(b"invld"),
            Property::SyslogFacility => write_number(u64::from(pri.facility()), out),
            Property::SyslogSeverity => write_number(u64::from(pri.severity()), out),
            Property::FromHostPort => write_number(u64::from(self.message.port), out),
            Property::TimeGenerated => TimeFormat::Rfc3164.write(&self.generated(), out),
            Property::TimeReported => TimeFormat::Rfc3164.write(&self.reported(), out),
            Property::Now(field) => write_now(field, &arrival.local, out),
            Property::NowUtc(field) => {
                let utc = Timestamp { offset: Offset::Z, ..Timestamp::civil(arrival.wall.secs) };
                write_now(field, &utc, out);
            }
            Property::NowUnixTimestamp => {
                write_number(u64::try_from(arrival.wall.secs).unwrap_or(0), out);
            }
            Property::Uuid => self.write_uuid(out),
            Property::JsonMesg => json_mesg::write(self, out),
            Property::AllJson => json_mesg::write_tree(self, Style::Spaced, out),
            Property::AllJsonPlain => json_mesg::write_tree(self, Style::Plain, out),
            Property::Uptime => write_number(clock::uptime().as_secs(), out),
            // All others are borrowed.
            _ => {}
        }
    }

    /// A version 4 UUID drawn from what makes this message this message, so that nothing needs to
    /// be kept for those messages that are never asked for theirs.
    fn write_uuid(&self, out: &mut Vec<u8>) {
        static KEYS: LazyLock<[RandomState; 2]> =
            LazyLock::new(|| [RandomState::new(), RandomState::new()]);
        let wall = self.batch.arrival.wall;
        let raw = self.message.raw;
        let seed = (wall.secs, wall.micros, raw.start, self.message.port, self.bytes(raw));
        let [high, low] = [0, 1].map(|n| KEYS[n].hash_one(seed));
        let high = high & !0xF000 | 0x4000;
        let low = low & !(0b11 << 62) | (0b10 << 62);
        for byte in high.to_be_bytes().into_iter().chain(low.to_be_bytes()) {
            for nibble in [byte >> 4, byte & 15] {
                out.push(b"0123456789ABCDEF"[usize::from(nibble)]);
            }
        }
    }
}

/// Which parser's fields a message carries.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Header {
    Rfc3164,
    Rfc5424,
    /// `1 ` was there, and what followed was no RFC 5424 header: no field is set, not even
    /// HOSTNAME (a complete header always sets that, if only to nothing).
    Broken,
}

/// Appends PRI as rsyslog shows it: the number, or `invld`.
#[inline]
pub fn write_pri(pri: Pri, out: &mut Vec<u8>) {
    match pri.0 {
        n @ 0..=9 => out.push(b'0' + n),
        n @ 10..=99 => write_two(n, out),
        n @ 100..=191 => {
            out.push(b'1');
            write_two(n - 100, out);
        }
        192.. => out.extend_from_slice(b"invld"),
    }
}

fn write_now(field: NowField, at: &Timestamp, out: &mut Vec<u8>) {
    match field {
        NowField::Date => write_date(at, out),
        NowField::Year => TimeFormat::Year.write(at, out),
        NowField::Month => write_two(at.month, out),
        NowField::Day => write_two(at.day, out),
        NowField::Wday => out.push(b'0' + at.weekday()),
        NowField::Hour => write_two(at.hour, out),
        NowField::HalfHour => write_two(at.minute / 30, out),
        NowField::QuarterHour => write_two(at.minute / 15, out),
        NowField::Minute => write_two(at.minute, out),
    }
}

#[inline]
fn pid_of(tag: &[u8]) -> Option<&[u8]> {
    // Tags are too short for memchr to pay.
    let rest = &tag[tag.iter().position(|b| *b == b'[')? + 1..];
    Some(&rest[..rest.iter().position(|b| *b == b']')?])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::clock::Wall;
    use crate::base::span::Span;
    use crate::message::Batch;
    use crate::message::InputInfo;
    use crate::message::Message;
    use crate::message::Source;

    fn batch(raw: &[u8]) -> Batch {
        let input = InputInfo { name: "imtcp".into(), hostname: Arc::from("vm") };
        let mut batch = Batch::new(Arc::new(input));
        batch.data.extend_from_slice(raw);
        batch.sources.push(Arc::new(Source::new(None, Some("localhost"))));
        let raw = Span::new(0, raw.len());
        batch.messages.push(Message { raw, port: 40_000, ..Message::default() });
        // 2026-11-22 13:51:05 in Seoul.
        batch.arrival.wall = Wall { secs: 1_795_323_065, micros: 5 };
        let offset = Offset::east(540);
        batch.arrival.local = Timestamp { offset, ..Timestamp::civil(1_795_323_065 + 9 * 3600) };
        batch
    }

    fn text(batch: &Batch, name: &str) -> String {
        let view = batch.view(&batch.messages[0]);
        let property = Property::parse(name).unwrap();
        let mut written = Vec::new();
        view.write_property(property, &mut written);
        let mut scratch = b"left over".to_vec();
        assert_eq!(view.property(property, &mut scratch), written, "{name}");
        String::from_utf8(written).unwrap()
    }

    #[test]
    fn the_current_time_is_that_of_arrival() {
        let batch = batch(b"x");
        // Recorded from rsyslogd 8.2302.
        for (name, value) in [
            ("$now", "2026-11-22"),
            ("$year", "2026"),
            ("$month", "11"),
            ("$day", "22"),
            ("$wday", "0"),
            ("$hour", "13"),
            ("$hhour", "01"),
            ("$qhour", "03"),
            ("$minute", "51"),
            ("$now-utc", "2026-11-22"),
            ("$hour-utc", "04"),
            ("$wday-utc", "0"),
            ("$now-unixtimestamp", "1795323065"),
            ("timegenerated", "Nov 22 13:51:05"),
            ("timereported", "Nov 22 13:51:05"),
            ("fromhost-port", "40000"),
            ("fromhost", "localhost"),
            ("bongsu-class", "raw"),
        ] {
            assert_eq!(text(&batch, name), value, "{name}");
        }
    }

    #[test]
    fn a_message_keeps_its_uuid() {
        let (one, other) = (batch(b"x"), batch(b"y"));
        let uuid = text(&one, "uuid");
        assert_eq!(uuid.len(), 32);
        assert!(uuid.bytes().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F')));
        assert_eq!(uuid.as_bytes()[12], b'4');
        assert!(b"89AB".contains(&uuid.as_bytes()[16]));
        assert_eq!(text(&one, "uuid"), uuid);
        assert_ne!(text(&other, "uuid"), uuid);
    }

    #[test]
    fn uptime_is_that_of_the_system() {
        let whole = |text: &str| text.split('.').next().unwrap().parse::<u64>().unwrap();
        let before = whole(&std::fs::read_to_string("/proc/uptime").unwrap());
        let uptime = whole(&text(&batch(b"x"), "$uptime"));
        // A second that has begun counts.
        assert!((before..=before + 10).contains(&uptime), "{uptime} after {before}");
    }

    #[test]
    fn pri_of_every_value() {
        for value in 0..=u8::MAX {
            let mut out = Vec::new();
            write_pri(Pri(value), &mut out);
            let expected = if value < 192 { value.to_string() } else { "invld".to_owned() };
            assert_eq!(out, expected.into_bytes());
        }
    }

    /// Recorded from rsyslogd 8.2302.
    #[test]
    fn after_pri_is_found_without_the_parser() {
        for (raw, after) in [
            ("<13>x", "x"),
            ("<999>bad", "bad"),
            ("<1 3>", ""),
            ("<a>>y", ">y"),
            ("<>>x", "x"),
            ("<>empty", "<>empty"),
            ("<0013>x", "<0013>x"),
            ("<13", "<13"),
            ("x<1>y", "x<1>y"),
            ("", ""),
        ] {
            assert_eq!(text(&batch(raw.as_bytes()), "rawmsg-after-pri"), after, "{raw}");
        }
    }

    #[test]
    fn a_slash_may_be_part_of_the_program_name() {
        let mut batch = batch(b"postfix/smtpd[99]:");
        let message = &mut batch.messages[0];
        message.tag = message.raw;
        assert_eq!(text(&batch, "programname"), "postfix");
        batch.messages[0].flags.set(MessageFlags::SLASH_IN_PROGRAM_NAME);
        assert_eq!(text(&batch, "programname"), "postfix/smtpd");
        assert_eq!(text(&batch, "app-name"), "postfix/smtpd");
    }

    #[test]
    fn tags_are_bounded() {
        let mut batch = batch(&[b'a'; 600]);
        let message = &mut batch.messages[0];
        message.flags.set(MessageFlags::PROTOCOL_1);
        message.flags.set(MessageFlags::HOSTNAME);
        (message.app_name, message.procid) = (message.raw, Span::new(0, 3));
        assert_eq!(text(&batch, "syslogtag").len(), TAG_BYTES_MAX);
        assert_eq!(text(&batch, "programname").len(), TAG_BYTES_MAX);
        assert_eq!(text(&batch, "app-name").len(), 600);
    }
}
