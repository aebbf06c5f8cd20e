//! PRI: facility and severity (RFC 5424 §6.2.1), and masks over them.

/// A PRI value. 0..=191 are facility × 8 + severity; everything else received is [`Pri::INVALID`],
/// facility "invld" as in rsyslog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pri(pub u8);

const FACILITIES: [&str; 25] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp", "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7", "invld",
];
const SEVERITIES: [&str; 8] =
    ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

impl Pri {
    /// user.notice: the value of a message without PRI (rsyslog's default).
    pub const DEFAULT: Self = Self(13);
    /// What rsyslog makes of a malformed PRI: facility 24 ("invld"), severity 7 ("debug").
    pub const INVALID: Self = Self(199);

    #[must_use]
    pub const fn new(facility: u8, severity: u8) -> Self {
        Self(facility * 8 + severity)
    }

    /// 0..=23, or 24 for an invalid one.
    #[must_use]
    pub const fn facility(self) -> u8 {
        self.0 >> 3
    }

    /// 0..=7.
    #[must_use]
    pub const fn severity(self) -> u8 {
        self.0 & 7
    }

    #[must_use]
    pub fn facility_text(self) -> &'static str {
        FACILITIES[usize::from(self.facility()).min(24)]
    }

    #[must_use]
    pub const fn severity_text(self) -> &'static str {
        SEVERITIES[self.severity() as usize]
    }
}

/// A selector's meaning: for each facility (24 is "invld"), a bit for each severity it takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PriMask(pub [u8; 25]);

impl PriMask {
    #[must_use]
    #[inline]
    pub fn takes(&self, pri: Pri) -> bool {
        self.0.get(usize::from(pri.facility())).is_some_and(|m| m >> pri.severity() & 1 == 1)
    }
}
