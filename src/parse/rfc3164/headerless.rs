//! Messages without any header (rsyslog 8.2508: pmrfc3164 with `detect.headerless`). They are a
//! parser of their own, which stands before the one of RFC 3164 where they are looked for, so that
//! nobody else pays for the question.

use crate::parse::header::Header;
use crate::parse::rfc3164::starts_json;
use crate::parse::timestamp;

/// What a message without a header gets in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderlessSettings {
    /// `headerless.hostname`; otherwise the sender's address.
    pub hostname: Option<Box<[u8]>>,
    /// `headerless.tag`
    pub tag: Box<[u8]>,
}

impl Default for HeaderlessSettings {
    fn default() -> Self {
        Self { hostname: None, tag: b"headerless".as_slice().into() }
    }
}

/// Whether there is no header: no PRI, no timestamp that pmrfc3164 takes, and no JSON, which is
/// told apart without being asked. What begins like a PRI and is none (`<999>`) is no such message:
/// rsyslogd's parsers never see it.
pub(in crate::parse) fn claims(header: &Header<'_>) -> bool {
    let text = header.text();
    let assumed = header.assumed();
    // HP's switches put a space before the time.
    let behind_space = text.strip_prefix(b" ").unwrap_or(text);
    header.after_pri == 0
        && !text.starts_with(b"<")
        && !starts_json(text)
        && timestamp::rfc3339(text).is_none()
        && timestamp::rfc3164(behind_space, assumed).is_none()
}
