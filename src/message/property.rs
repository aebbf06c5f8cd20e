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
