//! The only place that asks what time it is.

use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

/// Wall-clock time: seconds since 1970-01-01T00:00:00Z and microseconds of that second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wall {
    pub secs: i64,
    pub micros: u32,
}

/// Now, by the wall.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub fn wall() -> Wall {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Wall { secs: i64::try_from(since.as_secs()).unwrap_or(i64::MAX), micros: since.subsec_micros() }
}

/// Now, for durations and deadlines; never goes back.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub fn monotonic() -> Instant {
    Instant::now()
}

/// How long the system has been running, in whole seconds; a second that has begun counts.
#[must_use]
pub fn uptime() -> Duration {
    let seconds = rustix::system::sysinfo().uptime;
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

/// The offset of local time from UTC, in seconds, at `secs` since the epoch. Asks the time zone
/// database once per quarter of an hour (no zone changes inside one) and remembers the answer.
#[derive(Clone, Debug)]
pub struct LocalZone {
    zone: jiff::tz::TimeZone,
    quarter: i64,
    offset: i32,
}

impl LocalZone {
    /// The system's zone (`TZ`, `/etc/localtime`).
    #[must_use]
    pub fn system() -> Self {
        Self::of(jiff::tz::TimeZone::system())
    }

    #[must_use]
    pub const fn of(zone: jiff::tz::TimeZone) -> Self {
        Self { zone, quarter: i64::MIN, offset: 0 }
    }

    /// Seconds east of UTC at `secs`.
    pub fn offset(&mut self, secs: i64) -> i32 {
        let quarter = secs.div_euclid(900);
        if quarter != self.quarter {
            self.quarter = quarter;
            self.offset = jiff::Timestamp::from_second(secs)
                .map_or(0, |at| self.zone.to_offset(at).seconds());
        }
        self.offset
    }
}
