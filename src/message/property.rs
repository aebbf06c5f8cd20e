//! Message properties by name (rsyslog "Available Properties"), read from spans.

use std::hash::BuildHasher;
use std::hash::RandomState;
use std::sync::LazyLock;

use crate::message::Class;
use crate::message::MessageFlags;
use crate::message::Offset;
use crate::message::Pri;
use crate::message::TimeFormat;
use crate::message::Timestamp;
use crate::message::View;
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
    /// `$parsesuccess`: `FAIL` until a parser for structured payloads says otherwise.
    ParseSuccess,
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
    ("bongsu-class", Property::BongsuClass),
];

impl Property {
    /// By name, without case; the leading `$` of a filter's `$msg` is not part of it.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, p)| *p)
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
        if self.message.flags.has(MessageFlags::HOSTNAME) {
            self.bytes(self.message.hostname)
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
            Header::Rfc3164 => program_of(self.bytes(self.message.tag)),
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
    #[must_use]
    #[inline]
    pub fn program_name(&self) -> &'a [u8] {
        let name = match self.header() {
            Header::Rfc3164 => program_of(self.bytes(self.message.tag)),
            Header::Broken => b"",
            Header::Rfc5424 => program_of(self.app_name()),
        };
        &name[..name.len().min(TAG_BYTES_MAX)]
    }

    /// Appends `syslogtag`. Of an RFC 5424 message it is `APP-NAME[PROCID]`, or APP-NAME alone if
    /// PROCID is `-`.
    #[inline]
    pub fn write_tag(&self, out: &mut Vec<u8>) {
        match self.header() {
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

    #[must_use]
    #[inline]
    pub fn raw_after_pri(&self) -> &'a [u8] {
        let raw = self.bytes(self.message.raw);
        raw.get(usize::from(self.message.after_pri)..).unwrap_or_default()
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
            Property::SyslogTag if self.header() == Header::Rfc3164 => self.bytes(self.message.tag),
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
            Property::TimeGenerated => TimeFormat::Rfc3164.write(&arrival.local, out),
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
fn program_of(tag: &[u8]) -> &[u8] {
    let ends = |b: &u8| matches!(*b, b':' | b'[' | b'/') || !matches!(*b, b' '..=b'~');
    &tag[..tag.iter().position(ends).unwrap_or(tag.len())]
}

#[inline]
fn pid_of(tag: &[u8]) -> Option<&[u8]> {
    let rest = &tag[memchr::memchr(b'[', tag)? + 1..];
    Some(&rest[..memchr::memchr(b']', rest)?])
}
