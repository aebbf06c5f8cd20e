//! `$AllowedSender` at one input (rsyslog `runtime/net.c`): who is on no list is turned away,
//! counted, and named once a minute.

use std::fmt::Display;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use crate::base::clock;
use crate::base::reporter::Level;
use crate::input::InputSettings;
use crate::input::InputStats;
use crate::net::allowed::AllowedSenders;

/// rsyslogd says it of every connection, and of every run of datagrams from one sender.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// The list of an input, shared by its shards.
#[derive(Debug)]
pub(super) struct Guard {
    list: Arc<AllowedSenders>,
    /// Whether anything is said (`net.permitACLWarning`).
    says: bool,
    said: Mutex<Said>,
}

#[derive(Debug, Default)]
struct Said {
    last: Option<Instant>,
    /// Turned away since then.
    more: u64,
}

impl Guard {
    pub(super) fn new(list: Arc<AllowedSenders>, says: bool) -> Self {
        Self { list, says, said: Mutex::default() }
    }

    /// For an input with `list`; `before` goes on if it is the same.
    pub(super) fn of(
        list: Option<&Arc<AllowedSenders>>,
        settings: &InputSettings,
        before: Option<&Arc<Self>>,
    ) -> Option<Arc<Self>> {
        let (list, says) = (list?, settings.allowed.says);
        let same = before.filter(|before| before.list == *list && before.says == says);
        Some(same.cloned().unwrap_or_else(|| Arc::new(Self::new(list.clone(), says))))
    }

    /// Whether `ip` may send; `None` if its name has to say.
    pub(super) fn of_address(&self, ip: IpAddr) -> Option<bool> {
        self.list.of_address(ip)
    }

    /// Whether a sender may send whose address did not say. `name` is its name, or its address
    /// while nobody knows a name.
    pub(super) fn has_name(&self, name: &str, settings: &InputSettings) -> bool {
        name.parse::<IpAddr>().is_err() && self.list.has_name(&settings.names.full(name))
    }

    /// Counts a message or connection, `what`, of a sender that may not send.
    pub(super) fn turn_away(
        &self,
        what: &str,
        sender: impl Display,
        stats: &InputStats,
        settings: &InputSettings,
    ) {
        stats.disallowed.add(1);
        if let Some(more) = self.report(clock::monotonic()).filter(|_| self.says) {
            let others = if more > 0 { format!(", and {more} more before") } else { String::new() };
            let text = format!("{what} from disallowed sender {sender} discarded{others}");
            settings.reporter.say(Level::Error, text);
        }
    }

    /// Whether it is time to speak, and of how many nothing was said.
    fn report(&self, now: Instant) -> Option<u64> {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.last.is_some_and(|last| now.duration_since(last) < SAID_EVERY) {
            said.more += 1;
            return None;
        }
        said.last = Some(now);
        Some(std::mem::take(&mut said.more))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_speaks_once_a_minute() {
        let guard = Guard::new(Arc::default(), true);
        let start = clock::monotonic();
        let at = |s| start + Duration::from_secs(s);
        assert_eq!(guard.report(at(0)), Some(0));
        assert_eq!(guard.report(at(1)), None);
        assert_eq!(guard.report(at(59)), None);
        assert_eq!(guard.report(at(60)), Some(2));
        assert_eq!(guard.report(at(61)), None);
    }
}
