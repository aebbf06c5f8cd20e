//! Message properties by name (rsyslog "Available Properties"), read from spans.

use crate::message::Class;
use crate::message::MessageFlags;
use crate::message::Timestamp;
use crate::message::View;

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
}

impl View<'_> {
    /// The value of a property. What is a span of the message is borrowed as it stands; what has
    /// to be written goes to `scratch`.
    pub fn property<'s>(&'s self, property: Property, scratch: &'s mut Vec<u8>) -> &'s [u8] {
        let pri = self.message.pri;
        match property {
            Property::Msg => self.bytes(self.message.msg),
            Property::RawMsg => self.bytes(self.message.raw),
            Property::RawMsgAfterPri => {
                &self.bytes(self.message.raw)[usize::from(self.message.after_pri)..]
            }
            Property::Hostname => self.hostname(),
            Property::FromHost => self.source().fromhost.as_bytes(),
            Property::FromHostIp => self.source().ip_text.as_bytes(),
            Property::InputName => self.batch.input.name.as_bytes(),
            Property::MyHostname => self.batch.input.hostname.as_bytes(),
            Property::Bom => b"\xEF\xBB\xBF",
            Property::SyslogTag => self.bytes(self.message.tag),
            Property::AppName => self.bytes(self.message.app_name),
            Property::ProcId => self.bytes(self.message.procid),
            Property::MsgId => self.bytes(self.message.msgid),
            Property::StructuredData => self.bytes(self.message.structured_data),
            Property::SyslogFacilityText => pri.facility_text().as_bytes(),
            Property::SyslogSeverityText => pri.severity_text().as_bytes(),
            Property::BongsuClass => self.class().name().as_bytes(),
            Property::Pri => decimal(pri.0, scratch),
            Property::SyslogFacility => decimal(pri.facility(), scratch),
            Property::SyslogSeverity => decimal(pri.severity(), scratch),
            Property::PriText => {
                scratch.clear();
                scratch.extend_from_slice(pri.facility_text().as_bytes());
                scratch.push(b'.');
                scratch.extend_from_slice(pri.severity_text().as_bytes());
                scratch
            }
            _ => b"",
        }
    }
}

fn decimal(n: u8, scratch: &mut Vec<u8>) -> &[u8] {
    scratch.clear();
    scratch.extend_from_slice(n.to_string().as_bytes());
    scratch
}
