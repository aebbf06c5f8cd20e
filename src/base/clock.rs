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

/// When the kernel's own clock, by which it stamps its messages, stood at 0.
#[must_use]
pub fn kernel_start() -> Wall {
    let now = wall();
    let since = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let micros = i64::from(now.micros) - since.tv_nsec / 1000;
    let (secs, micros) = (now.secs - since.tv_sec, micros.rem_euclid(1_000_000));
    let borrowed = i64::from(micros > i64::from(now.micros));
    Wall { secs: secs - borrowed, micros: u32::try_from(micros).unwrap_or(0) }
}

/// The offset of local time from UTC, in seconds, at `secs` since the epoch. Asks the time zone
/// database once per quarter of an hour (no zone changes inside one) and remembers the answer.
#[derive(Clone, Debug)]
pub struct LocalZone {
    zone: jiff::tz::TimeZone,
    quarter: i64,
    offset: i32,
}

impl Wall {
    /// So much later.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        let micros = self.micros + time.subsec_micros();
        let secs = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        let secs = self.secs.saturating_add(secs).saturating_add(i64::from(micros / 1_000_000));
        Self { secs, micros: micros % 1_000_000 }
    }
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
