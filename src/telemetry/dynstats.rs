//! `dyn_stats()`: counters that rules make as they go, by a name out of the message
//! (rsyslog "Dynamic Stats").

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;
use std::time::Instant;

use crate::base::limits::STATS_NAME_BYTES_MAX;
use crate::telemetry::Figure;
use crate::telemetry::continued::Continued;
use crate::telemetry::object::Object;

/// What `dyn_inc()` and `percentile_observe()` give where all is well.
pub const DONE: i64 = 0;
/// What they give where there is no room for another name (rsyslog `RS_RET_OUT_OF_MEMORY`).
pub const NO_ROOM: i64 = -6;

/// The parameters of a `dyn_stats()`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketSettings {
    pub name: String,
    /// Each report starts the counters over, whatever impstats' `resetCounters` says.
    pub resettable: bool,
    /// `maxCardinality`: names at most, those included that the last purge put aside.
    pub names_max: usize,
    /// `unusedMetricLife`
    pub unused_life: Duration,
}

/// The counters of one `dyn_stats()`. Each operation takes a lock for one look-up: a name can
/// belong to every shard.
pub struct Bucket {
    settings: BucketSettings,
    state: Continued<State>,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket").field("settings", &self.settings).finish_non_exhaustive()
    }
}

struct State {
    /// In the order in which they were made.
    metrics: Vec<(Box<[u8]>, u64)>,
    places: HashMap<Box<[u8]>, usize>,
    /// What the last purge took out of the report. Who is counted again before the next one goes
    /// on where it was; the others are forgotten then.
    aside: HashMap<Box<[u8]>, u64>,
    /// Never, if names live beyond what a clock can count.
    purge_at: Option<Instant>,
    overflows: u64,
    added: u64,
    nameless: u64,
    purged: u64,
    purges: u64,
}

impl Bucket {
    #[must_use]
    pub fn new(settings: BucketSettings, now: Instant) -> Self {
        let state = State {
            metrics: Vec::new(),
            places: HashMap::new(),
            aside: HashMap::new(),
            purge_at: now.checked_add(settings.unused_life),
            overflows: 0,
            added: 0,
            nameless: 0,
            purged: 0,
            purges: 0,
        };
        Self { settings, state: Continued::new(state) }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// Whether `other` counts in the same way.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        self.settings == other.settings
    }

    /// Counts on together with `before`, whose place it is to take. To be called before it counts.
    pub fn go_on_from(&self, before: &Self) {
        self.state.go_on_from(&before.state);
    }

    /// `dyn_inc()`: adds one to `metric`, and returns what the function returns: [`DONE`], for an
    /// empty name as well, or [`NO_ROOM`].
    pub fn inc(&self, metric: &[u8]) -> i64 {
        let mut state = self.state.lock();
        if metric.is_empty() {
            state.nameless += 1;
            return DONE;
        }
        let state = &mut *state;
        if let Some(place) = state.places.get(metric) {
            state.metrics[*place].1 += 1;
            return DONE;
        }
        if state.metrics.len() + state.aside.len() >= self.settings.names_max
            || metric.len() > STATS_NAME_BYTES_MAX
        {
            state.overflows += 1;
            return NO_ROOM;
        }
        let before = state.aside.remove(metric);
        state.added += u64::from(before.is_none());
        state.places.insert(metric.into(), state.metrics.len());
        state.metrics.push((metric.into(), before.unwrap_or(0) + 1));
        DONE
    }

    /// What the object `global` says of this bucket.
    #[must_use]
    pub fn operations(&self) -> Vec<Figure> {
        let state = self.state.lock();
        [
            ("ops_overflow", state.overflows),
            ("new_metric_add", state.added),
            ("no_metric", state.nameless),
            ("metrics_purged", state.purged),
            // rsyslogd gives up where it would have to wait for another thread.
            ("ops_ignored", 0),
            ("purge_triggered", state.purges),
        ]
        .map(|(what, n)| Figure::counter(format!("{}.{what}", self.name()).into_bytes(), n))
        .into()
    }

    /// The counters; those that are resettable start over, and what nobody has used for long goes
    /// when `now` says so.
    pub fn report(&self, now: Instant) -> Object {
        let mut state = self.state.lock();
        let mut figures = Vec::with_capacity(state.metrics.len());
        for (name, n) in &mut state.metrics {
            let value = i64::try_from(*n).unwrap_or(i64::MAX);
            figures.push(Figure::gauge(name.to_vec(), value));
            if self.settings.resettable {
                *n = 0;
            }
        }
        if state.purge_at.is_some_and(|at| now >= at) {
            state.purge_at = now.checked_add(self.settings.unused_life);
            state.purged += crate::base::num::count(state.aside.len());
            state.purges += 1;
            state.places.clear();
            state.aside = std::mem::take(&mut state.metrics).into_iter().collect();
        }
        let object = Object::new(self.name().to_owned(), "dynstats.bucket", figures);
        Object { nested: true, ..object }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(resettable: bool, names_max: usize, life_s: u64, now: Instant) -> Bucket {
        let unused_life = Duration::from_secs(life_s);
        Bucket::new(BucketSettings { name: "b".into(), resettable, names_max, unused_life }, now)
    }

    fn values(object: &Object) -> Vec<(String, i64)> {
        let text = |f: &Figure| (String::from_utf8_lossy(&f.name).into_owned(), f.value);
        object.figures.iter().map(text).collect()
    }

    fn operations(bucket: &Bucket) -> Vec<i64> {
        bucket.operations().iter().map(|figure| figure.value).collect()
    }

    /// As rsyslogd 8.2302 counts: an empty name is no failure, one too many is.
    #[test]
    fn counts_up_to_its_cardinality() {
        let now = crate::base::clock::monotonic();
        let bucket = bucket(true, 2, 3600, now);
        let codes = [b"a".as_slice(), b"b", b"a", b"", b"c", b"a"].map(|name| bucket.inc(name));
        assert_eq!(codes, [DONE, DONE, DONE, DONE, NO_ROOM, DONE]);
        assert_eq!(values(&bucket.report(now)), [("a".into(), 3), ("b".into(), 1)]);
        assert_eq!(values(&bucket.report(now)), [("a".into(), 0), ("b".into(), 0)]);
        assert_eq!(operations(&bucket), [1, 2, 1, 0, 0, 0]);
        assert_eq!(bucket.operations()[0].name.as_ref(), b"b.ops_overflow");
    }

    /// The first purge puts aside, the second forgets; in between a name comes back with its
    /// count, if there is room.
    #[test]
    fn what_is_unused_goes() {
        let start = crate::base::clock::monotonic();
        let at = |s| start + Duration::from_secs(s);
        let bucket = bucket(false, 3, 3, start);
        bucket.inc(b"a");
        bucket.inc(b"b");
        assert_eq!(values(&bucket.report(at(2))).len(), 2);
        assert_eq!(values(&bucket.report(at(4))).len(), 2, "reported once more, then put aside");
        assert_eq!(operations(&bucket), [0, 2, 0, 0, 0, 1]);
        assert_eq!(bucket.inc(b"a"), DONE);
        assert_eq!(values(&bucket.report(at(6))), [("a".into(), 2)]);
        assert_eq!(values(&bucket.report(at(7))), [("a".into(), 2)]);
        assert_eq!(operations(&bucket), [0, 2, 0, 1, 0, 2], "b is forgotten");
        bucket.inc(b"x");
        bucket.inc(b"y");
        assert_eq!(bucket.inc(b"a"), NO_ROOM, "as in rsyslogd, what is aside takes room");
    }

    #[test]
    fn names_have_a_length() {
        let now = crate::base::clock::monotonic();
        let bucket = bucket(true, 9, 3600, now);
        let mut name = vec![b'x'; STATS_NAME_BYTES_MAX];
        assert_eq!(bucket.inc(&name), DONE);
        name.push(b'x');
        assert_eq!(bucket.inc(&name), NO_ROOM);
        assert_eq!(operations(&bucket), [1, 1, 0, 0, 0, 0]);
    }

    #[test]
    fn a_life_may_be_for_ever() {
        let now = crate::base::clock::monotonic();
        let bucket = bucket(true, 2, u64::MAX, now);
        bucket.inc(b"a");
        assert_eq!(values(&bucket.report(now)).len(), 1);
        assert_eq!(operations(&bucket), [0, 1, 0, 0, 0, 0]);
    }

    #[test]
    fn counts_from_many_threads() {
        let now = crate::base::clock::monotonic();
        let bucket = bucket(true, 10, 3600, now);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for name in (b'0'..=b'9').cycle().take(1000) {
                        assert_eq!(bucket.inc(&[name]), DONE);
                    }
                });
            }
        });
        let sum: i64 = values(&bucket.report(now)).iter().map(|(_, n)| n).sum();
        assert_eq!(sum, 4000);
    }
}
