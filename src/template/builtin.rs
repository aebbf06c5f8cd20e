//! The templates that exist without being defined.

use crate::template::entry;
use crate::template::render::Escape;
use crate::template::render::Op;
use crate::template::render::Options;
use crate::template::render::Template;
use crate::template::text;
use crate::template::text::Escapes;

/// How a built-in treats the boundary between tag and message.
const SPACE: &[u8] = b"%space-before-msg%";

/// Names and texts. `%space-before-msg%` is what rsyslog's compiled-in formats do and no property
/// can: a space unless MSG starts with one, even if MSG is empty.
const TEXTS: &[(&str, &[u8], Escape)] = &[
    (
        "RSYSLOG_TraditionalFileFormat",
        b"%TIMESTAMP% %HOSTNAME% %syslogtag%%space-before-msg%%msg%\n",
        Escape::None,
    ),
    (
        "RSYSLOG_FileFormat",
        b"%TIMESTAMP:::date-rfc3339% %HOSTNAME% %syslogtag%%space-before-msg%%msg%\n",
        Escape::None,
    ),
    (
        "RSYSLOG_TraditionalForwardFormat",
        b"<%PRI%>%TIMESTAMP% %HOSTNAME% %syslogtag:1:32%%space-before-msg%%msg%",
        Escape::None,
    ),
    (
        "RSYSLOG_ForwardFormat",
        b"<%PRI%>%TIMESTAMP:::date-rfc3339% %HOSTNAME% %syslogtag:1:32%%space-before-msg%%msg%",
        Escape::None,
    ),
    (
        "RSYSLOG_SysklogdFileFormat",
        b"%TIMESTAMP% %HOSTNAME% %syslogtag%%msg:::sp-if-no-1st-sp%%msg%\n",
        Escape::None,
    ),
    (
        "RSYSLOG_SyslogProtocol23Format",
        b"<%PRI%>1 %TIMESTAMP:::date-rfc3339% %HOSTNAME% %APP-NAME% %PROCID% %MSGID% \
          %STRUCTURED-DATA% %msg%\n",
        Escape::None,
    ),
    (
        "RSYSLOG_SyslogRFC5424Format",
        b"<%PRI%>1 %TIMESTAMP:::date-rfc3339% %HOSTNAME% %APP-NAME% %PROCID% %MSGID% \
          %STRUCTURED-DATA% %msg%",
        Escape::None,
    ),
    (
        "RSYSLOG_DebugFormat",
        b"Debug line with all properties:\nFROMHOST: '%FROMHOST%', \
          fromhost-ip: '%fromhost-ip%', HOSTNAME: '%HOSTNAME%', PRI: %PRI%,\n\
          syslogtag '%syslogtag%', programname: '%programname%', APP-NAME: '%APP-NAME%', \
          PROCID: '%PROCID%', MSGID: '%MSGID%',\nTIMESTAMP: '%TIMESTAMP%', \
          STRUCTURED-DATA: '%STRUCTURED-DATA%',\nmsg: '%msg%'\n\
          escaped msg: '%msg:::drop-cc%'\ninputname: %inputname% rawmsg: '%rawmsg%'\n\
          $!:%$!%\n$.:%$.%\n$/:%$/%\n\n",
        Escape::None,
    ),
    (
        " WallFmt",
        b"\r\n\x07Message from syslogd@%HOSTNAME% at %timegenerated% ...\r\n %syslogtag%%msg%\n\r",
        Escape::None,
    ),
    (" StdUsrMsgFmt", b" %syslogtag%%msg%\n\r", Escape::None),
    (
        " StdDBFmt",
        b"insert into SystemEvents (Message, Facility, FromHost, Priority, DeviceReportedTime, \
          ReceivedAt, InfoUnitID, SysLogTag) values ('%msg%', %syslogfacility%, '%HOSTNAME%', \
          %syslogpriority%, '%timereported:::date-mysql%', '%timegenerated:::date-mysql%', %iut%, \
          '%syslogtag%')",
        Escape::Sql,
    ),
    (
        " StdPgSQLFmt",
        b"insert into SystemEvents (Message, Facility, FromHost, Priority, DeviceReportedTime, \
          ReceivedAt, InfoUnitID, SysLogTag) values ('%msg%', %syslogfacility%, '%HOSTNAME%', \
          %syslogpriority%, '%timereported:::date-pgsql%', '%timegenerated:::date-pgsql%', %iut%, \
          '%syslogtag%')",
        Escape::StdSql,
    ),
    (
        " StdClickHouseFmt",
        b"INSERT INTO rsyslog.SystemEvents (severity, facility, timestamp, hostname, tag, message) \
          VALUES (%syslogseverity%, %syslogfacility%, '%timereported:::date-unixtimestamp%', \
          '%hostname%', '%syslogtag%', '%msg%')",
        Escape::StdSql,
    ),
    (
        " StdJSONFmt",
        b"{\"message\":\"%msg:::json%\",\"fromhost\":\"%HOSTNAME:::json%\",\
          \"facility\":\"%syslogfacility-text%\",\"priority\":\"%syslogpriority-text%\",\
          \"timereported\":\"%timereported:::date-rfc3339%\",\
          \"timegenerated\":\"%timegenerated:::date-rfc3339%\"}",
        Escape::None,
    ),
    (
        " FullJSONFmt",
        b"{\"message\":\"%msg:::json%\",\"fromhost\":\"%HOSTNAME:::json%\",\
          \"programname\":\"%programname%\",\"procid\":\"%procid%\",\"msgid\":\"%msgid%\",\
          \"facility\":\"%syslogfacility-text%\",\"priority\":\"%syslogpriority-text%\",\
          \"timereported\":\"%timereported:::date-rfc3339%\",\
          \"timegenerated\":\"%timegenerated:::date-rfc3339%\"}",
        Escape::None,
    ),
    ("RSYSLOG_PerSourceKey", b"%hostname%", Escape::None),
    ("RSYSLOG_omudpspoofDfltSourceTpl", b"%fromhost-ip%", Escape::None),
    (" StdOmSenderTrack-senderid", b"%fromhost-ip%", Escape::None),
];

/// The built-in template of that name, with its case.
pub(super) fn find(name: &str) -> Option<Template> {
    if name == entry::DEFAULT {
        return Some(entry::default());
    }
    let (name, source, escape) = TEXTS.iter().find(|(known, ..)| *known == name)?;
    let mut ops = Vec::new();
    let mut rest = *source;
    while !rest.is_empty() {
        let at = memchr::memmem::find(rest, SPACE);
        let (piece, behind) = rest.split_at(at.unwrap_or(rest.len()));
        for piece in text::parse(piece, Escapes::Done, false).ok()? {
            ops.push(Op::of(piece));
        }
        if at.is_some() {
            ops.push(Op::SpaceBeforeMsg);
        }
        rest = behind.strip_prefix(SPACE).unwrap_or(behind);
    }
    let options = Options { escape: *escape, ..Options::default() };
    Some(Template::new((*name).to_owned(), ops, &options))
}

/// Those that are compiled into rsyslogd, and thus what `plugin=` may name.
pub(super) const PLUGINS: [&str; 4] = [
    "RSYSLOG_FileFormat",
    "RSYSLOG_ForwardFormat",
    "RSYSLOG_TraditionalFileFormat",
    "RSYSLOG_TraditionalForwardFormat",
];

/// All built-in names.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TEXTS.iter().map(|(name, ..)| *name).chain([entry::DEFAULT])
}
