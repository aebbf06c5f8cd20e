//! Parsers that take no message: they put its text right, and those behind them read it. `rawmsg`
//! is the text as it is then, as in rsyslog.

use crate::base::span::Span;
use crate::message::MessageFlags;
use crate::parse::chain::Text;
use crate::parse::chain::spaces;
use crate::parse::chain::strip_prefix_any_case;
use crate::parse::sanitise::SanitiseSettings;

/// What AIX writes between the time and the host (rsyslog pmaixforwardedfrom).
const FORWARDED_FROM: &[u8] = b"Message forwarded from ";
/// Bytes of `Mmm dd hh:mm:ss `.
const TIME: usize = 16;
/// rsyslog looks at no shorter text: a time, what AIX writes, and two bytes.
const AIX_MIN: usize = 41;
/// rsyslog looks at no shorter text.
const SNARE_MIN: usize = 30;
/// Snare's tags, in any case of letters.
const SNARE_TAGS: [&[u8]; 2] = [b"MSWinEventLog", b"LinuxKAudit"];

/// How a tab looks by the time a parser sees it (rsyslog pmsnare `parser.*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnareTab {
    bytes: [u8; 4],
    len: usize,
}

impl SnareTab {
    /// What `sanitise` makes of a tab.
    #[must_use]
    pub const fn of(sanitise: &SanitiseSettings) -> Self {
        match (sanitise.escape_control && sanitise.escape_tab, sanitise.c_style) {
            (false, _) => Self { bytes: *b"\t\0\0\0", len: 1 },
            (true, true) => Self { bytes: *b"\\t\0\0", len: 2 },
            (true, false) => {
                let [_, digits @ ..] = *b"#011";
                let [a, b, c] = digits;
                Self { bytes: [sanitise.prefix, a, b, c], len: 4 }
            }
        }
    }

    fn text(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// A run of bytes of the text that goes, and what comes in its place.
struct Cut {
    at: usize,
    len: usize,
    instead: &'static [u8],
}

impl Text<'_> {
    fn raw(&self) -> &[u8] {
        self.message.raw.of(self.data)
    }

    /// Appends a copy of the text in which `cuts`, in their order, are made.
    fn rewrite(&mut self, cuts: impl IntoIterator<Item = Cut>) {
        let (old, start) = (self.message.raw, self.data.len());
        let mut from = old.start as usize;
        for cut in cuts {
            let at = old.start as usize + cut.at;
            self.data.extend_from_within(from..at);
            self.data.extend_from_slice(cut.instead);
            from = at + cut.len;
        }
        self.data.extend_from_within(from..old.end as usize);
        self.message.raw = Span::new(start, self.data.len());
        self.message.flags.set(MessageFlags::SANITISED);
    }
}

/// `TIME Message forwarded from HOST: …` becomes `TIME HOST …`.
pub(super) fn aix_forwarded_from(text: &mut Text<'_>) {
    let raw = text.raw();
    let start = text.after_pri + spaces(&raw[text.after_pri..]);
    if raw.len() - start < AIX_MIN {
        return;
    }
    let at = start + TIME;
    let Some(host) = strip_prefix_any_case(&raw[at..], FORWARDED_FROM) else { return };
    // rsyslogd 8.2302 ends with a segmentation fault where neither follows.
    let end = host.iter().position(|byte| matches!(byte, b' ' | b':'));
    let colon = end.filter(|end| host[*end] == b':');
    let len = FORWARDED_FROM.len();
    let colon = colon.map(|end| Cut { at: at + len + end, len: 1, instead: b"" });
    text.rewrite([Cut { at, len, instead: b"" }].into_iter().chain(colon));
}

/// The tabs around Snare's tag become spaces: `HOST⇥TAG⇥…`, or `TIME HOST TAG⇥…` from an agent
/// that is set to send syslog. As in rsyslog, what stands behind the tag is not looked at.
pub(super) fn snare(text: &mut Text<'_>, tab: SnareTab) {
    let raw = text.raw();
    if raw.len() - text.after_pri < SNARE_MIN {
        return;
    }
    let separates = |byte: &u8| matches!(byte, b' ' | b'\t') || *byte == tab.bytes[0];
    let from = text.after_pri;
    let first = raw[from..].iter().position(separates).map_or(raw.len(), |len| from + len);
    let behind_tab = strip_prefix_any_case(&raw[first..], tab.text()).filter(|at| !at.is_empty());
    let (cut, tag) = if behind_tab.is_some() {
        (Some(Cut { at: first, len: tab.len, instead: b" " }), first + tab.len)
    } else {
        let from = text.after_pri + TIME;
        let host = raw[from..].iter().position(|byte| *byte == b' ');
        (None, host.map_or(raw.len(), |len| from + len + 1))
    };
    let Some(len) = snare_tag(&raw[tag..]) else { return };
    // rsyslogd 8.2302 ends with a segmentation fault where the text is too short for the tab.
    let at = tag + len;
    let last = (raw.len() - at >= tab.len).then_some(Cut { at, len: tab.len, instead: b" " });
    text.rewrite(cut.into_iter().chain(last));
}

/// Bytes of the tag of Snare's that `text` begins with.
fn snare_tag(text: &[u8]) -> Option<usize> {
    let tag = SNARE_TAGS.iter().find(|tag| strip_prefix_any_case(text, tag).is_some());
    tag.map(|tag| tag.len())
}
