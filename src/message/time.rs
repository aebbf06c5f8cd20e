//! Civil timestamps as syslog carries them.

use crate::base::clock::LocalZone;
use crate::base::clock::Wall;

/// The zone part of a timestamp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Offset {
    /// Written as `Z`.
    #[default]
    Z,
    /// Written as `+hh:mm` or `-hh:mm`; minutes east of UTC. `negative_zero` keeps `-00:00`.
    Minutes { east: i16, negative_zero: bool },
}

impl Offset {
    #[must_use]
    pub const fn east(minutes: i16) -> Self {
        Self::Minutes { east: minutes, negative_zero: false }
    }

    /// Seconds east of UTC.
    #[must_use]
    pub fn seconds(self) -> i64 {
        match self {
            Self::Z => 0,
            Self::Minutes { east, .. } => i64::from(east) * 60,
        }
    }
}

/// A timestamp with the precision and the zone with which it was written (rsyslog `struct
/// syslogTime`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timestamp {
    pub year: u16,
    /// 1..=12
    pub month: u8,
    /// 1..=31
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    /// 0..=60
    pub second: u8,
    /// Digits of the fraction, 0..=9; 0 means that there was none.
    pub precision: u8,
    /// The fraction, in units of 10^-precision s.
    pub fraction: u32,
    pub offset: Offset,
}

impl Timestamp {
    /// The local time of `wall`, with microseconds, as rsyslog stamps what it receives.
    #[must_use]
    pub fn local(wall: Wall, zone: &mut LocalZone) -> Self {
        let offset = zone.offset(wall.secs);
        let east = i16::try_from(offset / 60).unwrap_or(0);
        Self {
            precision: 6,
            fraction: wall.micros,
            offset: Offset::east(east),
            ..Self::civil(wall.secs + i64::from(offset))
        }
    }

    /// The UTC civil time of `secs` since the epoch.
    #[must_use]
    pub fn civil(secs: i64) -> Self {
        // Days to civil date by the well-known era arithmetic (400-year cycles of 146,097 days).
        let days = secs.div_euclid(86_400) + 719_468;
        let rest = secs.rem_euclid(86_400);
        let era = days.div_euclid(146_097);
        let doe = days.rem_euclid(146_097);
        let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let day = doy - (153 * mp + 2) / 5 + 1;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        let year = yoe + era * 400 + i64::from(month <= 2);
        let small = |n: i64| u8::try_from(n).unwrap_or(0);
        Self {
            year: u16::try_from(year).unwrap_or(0),
            month: small(month),
            day: small(day),
            hour: small(rest / 3600),
            minute: small(rest / 60 % 60),
            second: small(rest % 60),
            ..Self::default()
        }
    }

    /// Seconds since the epoch.
    #[must_use]
    pub fn unix(&self) -> i64 {
        let (m, y) = (i64::from(self.month), i64::from(self.year) - i64::from(self.month <= 2));
        let era = y.div_euclid(400);
        let yoe = y.rem_euclid(400);
        let doy = (153 * (if m > 2 { m - 3 } else { m + 9 }) + 2) / 5 + i64::from(self.day) - 1;
        let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
        let days = era * 146_097 + doe - 719_468;
        days * 86_400
            + i64::from(self.hour) * 3600
            + i64::from(self.minute) * 60
            + i64::from(self.second)
            - self.offset.seconds()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn civil_and_back() {
        for secs in [0, 951_782_399, 951_782_400, 1_763_769_600, 4_102_444_799, 1_709_164_800] {
            let at = Timestamp::civil(secs);
            assert_eq!(at.unix(), secs, "{at:?}");
            let known = jiff::Timestamp::from_second(secs).unwrap().to_string();
            let ours = format!(
                "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
                at.year, at.month, at.day, at.hour, at.minute, at.second
            );
            assert_eq!(ours, known);
        }
    }
}
