//! The senders that a limit by source remembers: a bounded table, in the order of last use.

use std::collections::HashMap;
use std::hash::DefaultHasher;
use std::hash::Hasher as _;
use std::io::Write as _;
use std::time::Instant;

use crate::input::ratelimit::PerSourceSpec;
use crate::input::ratelimit::Quota;
use crate::message::View;

/// Bytes of a key that are kept; names of hosts have 255.
const KEY_BYTES_MAX: usize = 256;
/// No neighbour.
const NONE: usize = usize::MAX;

/// Senders by key. Each stands in a list from the one that spoke last to the one that has been
/// silent for longest, who is the first to be forgotten.
#[derive(Debug)]
pub(super) struct Senders {
    places: HashMap<Box<[u8]>, usize>,
    entries: Vec<Entry>,
    latest: usize,
    oldest: usize,
    /// The key of the message that is looked at.
    key: Vec<u8>,
    /// Since when losses have been collected; they are said a default window later.
    losing_since: Option<Instant>,
    /// What was lost by senders that are forgotten.
    lost_forgotten: u64,
}

#[derive(Debug)]
struct Entry {
    key: Box<[u8]>,
    quota: Quota,
    start: Instant,
    passed: usize,
    /// Dropped and not said yet.
    lost: u64,
    later: usize,
    earlier: usize,
}

impl Default for Senders {
    fn default() -> Self {
        Self {
            places: HashMap::new(),
            entries: Vec::new(),
            latest: NONE,
            oldest: NONE,
            key: Vec::new(),
            losing_since: None,
            lost_forgotten: 0,
        }
    }
}

/// Whoever sends may make keys as long as messages: what is beyond the bound becomes its hash.
fn shorten(key: &mut Vec<u8>) {
    if key.len() > KEY_BYTES_MAX {
        let mut hasher = DefaultHasher::new();
        hasher.write(&key[KEY_BYTES_MAX..]);
        key.truncate(KEY_BYTES_MAX);
        // Writing into a vector does not fail.
        _ = write!(key, "#{:016x}", hasher.finish());
    }
}

impl Senders {
    /// Whether a message is within its sender's quota.
    pub(super) fn admit(&mut self, spec: &PerSourceSpec, message: View<'_>, now: Instant) -> bool {
        let mut key = std::mem::take(&mut self.key);
        key.clear();
        spec.key.render(message, &mut key);
        shorten(&mut key);
        let place = self.place(spec, &key, now);
        self.key = key;
        let entry = &mut self.entries[place];
        if now.duration_since(entry.start) >= entry.quota.window {
            entry.start = now;
            entry.passed = 0;
        }
        if entry.passed < entry.quota.messages {
            entry.passed += 1;
            return true;
        }
        entry.lost += 1;
        self.losing_since.get_or_insert(now);
        false
    }

    /// The entry of `key`, made if there is none, and now the latest.
    fn place(&mut self, spec: &PerSourceSpec, key: &[u8], now: Instant) -> usize {
        let place = match self.places.get(key) {
            Some(place) if *place == self.latest => return *place,
            Some(place) => {
                let place = *place;
                self.unlink(place);
                place
            }
            None => self.insert(spec, key, now),
        };
        let before = std::mem::replace(&mut self.latest, place);
        self.entries[place].later = NONE;
        self.entries[place].earlier = before;
        match self.entries.get_mut(before) {
            Some(entry) => entry.later = place,
            None => self.oldest = place,
        }
        place
    }

    /// A new entry, in no list yet.
    fn insert(&mut self, spec: &PerSourceSpec, key: &[u8], now: Instant) -> usize {
        let quota = spec.overrides.get(key).copied().unwrap_or(spec.default);
        let entry = Entry {
            key: key.into(),
            quota,
            start: now,
            passed: 0,
            lost: 0,
            later: NONE,
            earlier: NONE,
        };
        let place = if self.entries.len() < spec.senders_max.max(1) {
            self.entries.push(entry);
            self.entries.len() - 1
        } else {
            let place = self.oldest;
            self.unlink(place);
            let forgotten = std::mem::replace(&mut self.entries[place], entry);
            self.places.remove(&forgotten.key);
            self.lost_forgotten += forgotten.lost;
            place
        };
        self.places.insert(key.into(), place);
        place
    }

    fn unlink(&mut self, place: usize) {
        let Entry { later, earlier, .. } = self.entries[place];
        match self.entries.get_mut(later) {
            Some(entry) => entry.earlier = earlier,
            None => self.latest = earlier,
        }
        match self.entries.get_mut(earlier) {
            Some(entry) => entry.later = later,
            None => self.oldest = later,
        }
    }

    /// What was lost, by sender, once a window of losses is over.
    pub(super) fn lost(&mut self, spec: &PerSourceSpec, now: Instant) -> Option<String> {
        let since = self.losing_since?;
        (now.duration_since(since) >= spec.default.window).then(|| self.all_lost(spec))?
    }

    /// What was lost and not said yet, by sender.
    pub(super) fn all_lost(&mut self, spec: &PerSourceSpec) -> Option<String> {
        self.losing_since.take()?;
        let mut losers: Vec<(u64, &[u8])> = self
            .entries
            .iter_mut()
            .filter(|entry| entry.lost > 0)
            .map(|entry| (std::mem::take(&mut entry.lost), &*entry.key))
            .collect();
        losers.sort_by(|(n, key), (m, other)| m.cmp(n).then_with(|| key.cmp(other)));
        let forgotten = std::mem::take(&mut self.lost_forgotten);
        let total = losers.iter().map(|(n, _)| n).sum::<u64>() + forgotten;
        let mut names: Vec<String> = losers
            .iter()
            .take(spec.named_max)
            .map(|(n, key)| format!("{}: {n}", String::from_utf8_lossy(key).escape_debug()))
            .collect();
        if losers.len() > spec.named_max {
            names.push(format!("and {} more", losers.len() - spec.named_max));
        }
        if forgotten > 0 {
            names.push(format!("forgotten ones: {forgotten}"));
        }
        let names = names.join(", ");
        Some(format!("{total} messages lost due to rate-limiting by source ({names})"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Arc;
    use std::time::Duration;

    use proptest::prelude::any;
    use proptest::proptest;

    use super::*;
    use crate::base::clock;
    use crate::template::Template;

    fn spec(senders_max: usize) -> PerSourceSpec {
        PerSourceSpec {
            key: Arc::new(Template::builtin("RSYSLOG_PerSourceKey").unwrap()),
            default: Quota { messages: 1, window: Duration::from_secs(1) },
            overrides: HashMap::from([(vec![0], Quota { messages: 7, ..QUOTA })]),
            senders_max,
            named_max: 2,
        }
    }

    const QUOTA: Quota = Quota { messages: 1, window: Duration::from_secs(1) };

    proptest! {
        /// The table remembers exactly those that a simple list of the last ones does.
        #[test]
        fn who_was_silent_for_longest_goes(keys in proptest::collection::vec(any::<u8>(), 0..300)) {
            let spec = spec(5);
            let now = clock::monotonic();
            let mut senders = Senders::default();
            let mut naive: VecDeque<u8> = VecDeque::new();
            for key in keys.iter().map(|key| key % 9) {
                let place = senders.place(&spec, &[key], now);
                assert_eq!(*senders.entries[place].key, [key]);
                naive.retain(|known| *known != key);
                naive.push_front(key);
                naive.truncate(5);
                let mut listed = Vec::new();
                let mut at = senders.latest;
                while let Some(entry) = senders.entries.get(at) {
                    listed.push(entry.key[0]);
                    at = entry.earlier;
                }
                assert_eq!(listed, Vec::from(naive.clone()));
                assert_eq!(senders.places.len(), listed.len());
            }
        }
    }

    #[test]
    fn long_keys_are_short_and_differ() {
        let short = |tail: &str| {
            let mut key = [&b"x".repeat(8000), tail.as_bytes()].concat();
            shorten(&mut key);
            key
        };
        assert_eq!(short("a").len(), KEY_BYTES_MAX + 17);
        assert_eq!(short("a"), short("a"));
        assert_ne!(short("a"), short("b"));
        let mut host = b"host".to_vec();
        shorten(&mut host);
        assert_eq!(host, b"host");
    }

    #[test]
    fn losses_are_said_by_sender() {
        let spec = spec(3);
        let now = clock::monotonic();
        let mut senders = Senders::default();
        for (key, lost) in [(b"a", 3), (b"b", 5), (b"c", 1), (b"d", 1)] {
            let place = senders.place(&spec, key, now);
            senders.entries[place].lost += lost;
        }
        senders.losing_since = Some(now);
        assert_eq!(senders.lost(&spec, now), None, "the window is not over");
        assert_eq!(
            senders.lost(&spec, now + Duration::from_secs(1)).unwrap(),
            "10 messages lost due to rate-limiting by source \
             (b: 5, c: 1, and 1 more, forgotten ones: 3)"
        );
        assert_eq!(senders.all_lost(&spec), None, "it is said once");
        let own = senders.place(&spec, &[0], now);
        assert_eq!(senders.entries[own].quota.messages, 7);
    }
}
