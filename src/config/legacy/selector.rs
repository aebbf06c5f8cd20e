//! sysklogd selectors: `mail.*;auth,authpriv.none;*.=info`.

use bstr::ByteSlice;

use crate::base::diag::nearest;
use crate::message::PriMask;

/// Facilities that a selector may name, with their index in the mask. `console` and `ntp` are as
/// in rsyslogd 8.2302, which knows no names for 13 and 15. `mark` has an index that no message has.
const FACILITIES: [(&str, usize); 24] = [
    ("auth", 4),
    ("authpriv", 10),
    ("console", 14),
    ("cron", 9),
    ("daemon", 3),
    ("ftp", 11),
    ("invld", 24),
    ("kern", 0),
    ("local0", 16),
    ("local1", 17),
    ("local2", 18),
    ("local3", 19),
    ("local4", 20),
    ("local5", 21),
    ("local6", 22),
    ("local7", 23),
    ("lpr", 6),
    ("mail", 2),
    ("mark", 25),
    ("news", 7),
    ("ntp", 12),
    ("security", 4),
    ("syslog", 5),
    ("uucp", 8),
];
const USER: (&str, usize) = ("user", 1);

const PRIORITIES: [(&str, Priority); 13] = [
    ("*", Priority::All),
    ("alert", Priority::Level(1)),
    ("crit", Priority::Level(2)),
    ("debug", Priority::Level(7)),
    ("emerg", Priority::Level(0)),
    ("err", Priority::Level(3)),
    ("error", Priority::Level(3)),
    ("info", Priority::Level(6)),
    ("none", Priority::None),
    ("notice", Priority::Level(5)),
    ("panic", Priority::Level(0)),
    ("warn", Priority::Level(4)),
    ("warning", Priority::Level(4)),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Priority {
    All,
    None,
    Level(u32),
}

/// What is wrong in a selector: which bytes of it, how, and what to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectorError {
    pub start: usize,
    pub end: usize,
    pub message: String,
    pub help: Option<String>,
}

/// A selector's mask. Parts are read from left to right, each may take back what those before it
/// gave. Reading ends at the first mistake; what stands before it keeps its effect, as in rsyslog.
#[must_use]
pub fn parse(text: &str) -> (PriMask, Option<SelectorError>) {
    let mut mask = PriMask::default();
    let mut at = 0;
    let end = text.find([' ', '\t']).unwrap_or(text.len());
    let text = text.get(..end).unwrap_or_default();
    while at < text.len() {
        match part(text, at, &mut mask) {
            Ok(next) => at = next,
            Err(error) => return (mask, Some(error)),
        }
    }
    (mask, None)
}

/// One `facility,facility.priority`; gives where the next one begins.
/// The number of a severity that is given by name or number (rsyslog's parameters of that type).
#[must_use]
pub fn severity(text: &[u8]) -> Option<u8> {
    let text = text.to_str().ok()?;
    let number = text.parse::<u8>().ok().filter(|n| *n <= 7);
    number.or_else(|| match priority(text)? {
        Priority::Level(level) => u8::try_from(level).ok(),
        Priority::All | Priority::None => None,
    })
}

/// The number of a facility that is given by name or number.
#[must_use]
pub fn facility(text: &[u8]) -> Option<u8> {
    let text = text.to_str().ok()?;
    let number = text.parse::<u8>().ok().filter(|n| *n <= 23);
    number.or_else(|| {
        let mut known = FACILITIES.iter().chain([&USER]);
        let (_, number) = known.find(|(name, _)| text.eq_ignore_ascii_case(name))?;
        u8::try_from(*number).ok().filter(|n| *n <= 23)
    })
}

fn part(text: &str, at: usize, mask: &mut PriMask) -> Result<usize, SelectorError> {
    let rest = text.get(at..).unwrap_or_default();
    let fail = |start: usize, end: usize, message: String, help: Option<String>| SelectorError {
        start,
        end,
        message,
        help,
    };
    let Some(dot) = rest.find('.').map(|dot| at + dot) else {
        let message = format!("'{rest}' has no priority");
        let help = format!("write facility.priority, e.g. '{rest}.*'");
        return Err(fail(at, text.len(), message, Some(help)));
    };
    let begin = dot + 1;
    let after = text.get(begin..).unwrap_or_default();
    let length = after.find([',', ';']).unwrap_or(after.len());
    let written = after.get(..length).unwrap_or_default();
    let (negated, name) = written.strip_prefix('!').map_or((false, written), |rest| (true, rest));
    let (single, name) = name.strip_prefix('=').map_or((false, name), |rest| (true, rest));
    let Some(priority) = priority(name) else {
        let digits = name.starts_with(|c: char| c.is_ascii_digit());
        let near = nearest(name, PRIORITIES.iter().map(|(known, _)| *known)).filter(|_| !digits);
        let help = near.map_or_else(
            || {
                "priorities: debug info notice warning err crit alert emerg, * and none; as numbers \
                 7 to 0"
                    .to_owned()
            },
            |near| format!("did you mean '{near}'?"),
        );
        let message = format!("unknown priority '{name}'");
        return Err(fail(begin, begin + length, message, Some(help)));
    };
    let mut from = at;
    for facility in text.get(at..dot).unwrap_or_default().split([',', ';']) {
        apply(mask, facilities(facility, from)?, priority, single, negated);
        from += facility.len() + 1;
    }
    let cruft = after.get(length..).unwrap_or_default();
    let skipped = cruft.len() - cruft.trim_start_matches([',', ';']).len();
    let next = begin + length + skipped;
    if skipped > 0 && next == text.len() {
        let message = "nothing follows the separator".to_owned();
        let help = Some("remove it, or the blank behind it".to_owned());
        return Err(fail(next - 1, next, message, help));
    }
    Ok(next)
}

fn priority(name: &str) -> Option<Priority> {
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return name.parse().ok().filter(|level| *level <= 7).map(Priority::Level);
    }
    let known = PRIORITIES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    known.map(|(_, priority)| *priority)
}

/// Indices that a facility's name stands for.
fn facilities(name: &str, at: usize) -> Result<std::ops::Range<usize>, SelectorError> {
    // rsyslog looks at the first character only.
    if name.starts_with('*') {
        return Ok(0..25);
    }
    if name.is_empty() {
        return Ok(0..0);
    }
    // A number is a facility code as in syslog.h: index times 8.
    let number = name.parse::<usize>().ok().map(|code| code >> 3);
    let known = FACILITIES.iter().chain([&USER]).find(|(k, _)| k.eq_ignore_ascii_case(name));
    match number.or_else(|| known.map(|(_, index)| *index)) {
        Some(index) => Ok(index..index + 1),
        None => {
            let near = nearest(name, FACILITIES.iter().chain([&USER]).map(|(known, _)| *known));
            Err(SelectorError {
                start: at,
                end: at + name.len(),
                message: format!("unknown facility '{name}'"),
                help: near.map(|near| format!("did you mean '{near}'?")),
            })
        }
    }
}

fn apply(
    mask: &mut PriMask,
    which: std::ops::Range<usize>,
    priority: Priority,
    single: bool,
    negated: bool,
) {
    // Bit n is severity n; "this and everything more severe" is the bits up to n.
    let bits = match priority {
        Priority::Level(level) if single => 1u8.checked_shl(level).unwrap_or(0),
        Priority::Level(level) => 2u8.checked_shl(level).map_or(u8::MAX, |bit| bit.wrapping_sub(1)),
        // `=*` means nothing, and changes nothing.
        Priority::All if single => 0,
        Priority::All | Priority::None => u8::MAX,
    };
    let takes = match priority {
        Priority::None => negated,
        Priority::All | Priority::Level(_) => !negated,
    };
    for facility in mask.0.iter_mut().skip(which.start).take(which.len()) {
        if takes {
            *facility |= bits;
        } else {
            *facility &= !bits;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mask of one facility.
    fn bits(selector: &str, facility: usize) -> u8 {
        let (mask, error) = parse(selector);
        assert_eq!(error, None, "{selector}");
        mask.0[facility]
    }

    #[test]
    fn masks_as_rsyslogd_prints_them() {
        // rsyslogd -d prints each PRI filter's mask; these are what 8.2302 printed.
        assert_eq!(bits("mail.*", 2), 0xff);
        assert_eq!(bits("mail.*", 1), 0);
        assert_eq!(bits("mail.info", 2), 0x7f);
        assert_eq!(bits("mail.=info", 2), 0x40);
        assert_eq!(bits("mail.!info", 2), 0);
        assert_eq!(bits("mail.*;mail.!info", 2), 0x80);
        assert_eq!(bits("mail.*;mail.!=info", 2), 0xbf);
        assert_eq!(bits("*.*;mail.none", 2), 0);
        assert_eq!(bits("*.*;mail.none", 24), 0xff);
        assert_eq!(bits("mail.!none", 2), 0xff);
        assert_eq!(bits("mail.*;mail.!*", 2), 0);
        assert_eq!(bits("mail.=*", 2), 0);
        assert_eq!(bits("mail.*;mail.!=*", 2), 0xff);
        assert_eq!(bits("mail.=none", 2), 0);
        assert_eq!(bits("mail,*.err", 9), 0x0f);
        assert_eq!(bits("mail.5", 2), 0x3f);
        assert_eq!(bits("mail.=5", 2), 0x20);
        assert_eq!(bits("mail.0", 2), 1);
        assert_eq!(bits("mail.7", 2), 0xff);
        assert_eq!(bits("security.warn;uucp.error;news.panic", 4), 0x1f);
        assert_eq!(bits("security.warn;uucp.error;news.panic", 8), 0x0f);
        assert_eq!(bits("security.warn;uucp.error;news.panic", 7), 1);
        assert_eq!(bits("local0,local7.debug", 23), 0xff);
        assert_eq!(bits("mail.debug;;cron.INFO", 9), 0x7f);
        assert_eq!(bits("daemon.notice,local1.error", 17), 0x0f);
        assert_eq!(bits("mail,.info", 2), 0x7f);
        assert_eq!(bits("*mail.info", 5), 0x7f);
        assert_eq!(bits("auth.*;.!notice", 4), 0xff);
        assert_eq!(bits("console.*", 14), 0xff);
        assert_eq!(bits("24.*", 3), 0xff);
    }

    #[test]
    fn the_part_before_a_mistake_counts() {
        let (mask, error) = parse("mail,cron.info,crit");
        assert_eq!((mask.0[2], mask.0[9]), (0x7f, 0x7f));
        let error = error.unwrap();
        assert_eq!((error.start, error.end), (15, 19));
        assert_eq!(error.message, "'crit' has no priority");
    }

    #[test]
    fn mistakes_have_places_and_near_names() {
        let error = |text| parse(text).1.unwrap();
        let unknown = error("auth,mial.*");
        assert_eq!((unknown.start, unknown.end), (5, 9));
        assert_eq!(unknown.help.as_deref(), Some("did you mean 'mail'?"));
        assert_eq!(error("mail.!!info").message, "unknown priority '!info'");
        assert_eq!(error("mail..info").message, "unknown priority '.info'");
        assert_eq!(error("mail.inof").help.as_deref(), Some("did you mean 'info'?"));
        assert_eq!(error("alert.*").message, "unknown facility 'alert'");
        assert_eq!(error("mail.debug;").start, 10);
    }
}
