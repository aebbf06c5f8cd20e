//! How fast a queue gives out what it holds, where the configuration slows it down.

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use crate::base::clock;
use crate::base::clock::LocalZone;
use crate::base::clock::Wall;
use crate::base::num::count;
use crate::queue::Chunk;
use crate::queue::Taken;
use crate::queue::memory::Shared;
use crate::queue::memory::State;
use crate::queue::memory::Taking;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// `queue.dequeue…`; the default gives out everything at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// Messages that are given out at once, at most.
    pub batch_max: Option<u64>,
    /// Messages that are waited for, and how long.
    pub batch_min: u64,
    pub batch_wait: Duration,
    /// The pause after each batch. rsyslog's documentation speaks of each message; rsyslogd
    /// 8.2302 pauses after each batch.
    pub slowdown: Duration,
    pub window: Option<Window>,
}

/// Hours of the local day: from `begin` until before `end`, over midnight where it is smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub begin: u8,
    pub end: u8,
}

impl Pace {
    /// Whether there is anything to obey.
    #[must_use]
    pub fn is_free(&self) -> bool {
        *self == Self { batch_wait: self.batch_wait, ..Self::default() }
    }
}

impl State {
    /// Takes a batch if its time has come. When nothing will come any more nobody waits for a batch
    /// to grow, nor for a window unless a disk keeps what is left.
    pub(super) fn take_paced(
        &mut self,
        pace: &Pace,
        shared: &Arc<Shared>,
        into: &mut Taken,
    ) -> Taking {
        if self.is_ended() {
            return Taking::Ended;
        }
        if self.chunks.is_empty() {
            return Taking::Empty;
        }
        let now = clock::monotonic();
        let ending = self.senders == 0;
        if let Some(wait) = self.wait(pace, now, ending) {
            return Taking::Later(wait);
        }
        self.gathering_since = None;
        self.not_before = (!pace.slowdown.is_zero()).then(|| now + pace.slowdown);
        let mut messages = 0;
        while let Some(chunk) = self.chunks.front() {
            let room = pace.batch_max.unwrap_or(u64::MAX) - messages;
            if count(chunk.len()) > room {
                if messages > 0 {
                    break;
                }
                self.split_first(room);
            }
            let Some(chunk) = self.chunks.pop_front() else { break };
            messages += count(chunk.len());
            into.fill(shared, [chunk]);
            if pace.batch_max.is_some_and(|max| messages >= max) {
                break;
            }
        }
        if self.spill.as_ref().is_some_and(|spill| spill.unread > 0) {
            shared.work.notify_one();
        }
        Taking::Took
    }

    /// How long the batch has to wait still.
    fn wait(&mut self, pace: &Pace, now: Instant, ending: bool) -> Option<Duration> {
        let later = |at: Instant| at.checked_duration_since(now).filter(|wait| !wait.is_zero());
        if let Some(wait) = self.not_before.and_then(later) {
            return Some(wait);
        }
        if let Some(window) = pace.window
            && !(ending && self.spill.is_none())
        {
            let wait = window.closed_for(clock::wall(), &mut LocalZone::system());
            if !wait.is_zero() {
                // Looked at again now and then: a clock may be set.
                return Some(wait.min(Duration::from_secs(60)));
            }
        }
        let waiting: u64 = self.chunks.iter().map(|chunk| count(chunk.len())).sum();
        if waiting < pace.batch_min && !ending {
            let since = *self.gathering_since.get_or_insert(now);
            return later(since + pace.batch_wait);
        }
        None
    }

    /// Makes chunks of so many messages of the first one.
    fn split_first(&mut self, messages: u64) {
        let Some(chunk) = self.chunks.pop_front() else { return };
        let (before, stored) = (chunk.cost(), chunk.stored);
        let most = usize::try_from(messages).unwrap_or(usize::MAX).max(1);
        let parts = chunk.split(most);
        self.bytes = self.bytes - before + parts.iter().map(Chunk::cost).sum::<usize>();
        if let (Some(position), Some(spill)) = (stored, &mut self.spill) {
            spill.cut(position, parts.len());
        }
        for part in parts.into_iter().rev() {
            self.chunks.push_front(part);
        }
    }
}

impl Window {
    /// How long until it opens; zero while it is open.
    #[must_use]
    pub fn closed_for(self, now: Wall, zone: &mut LocalZone) -> Duration {
        let offset = i64::from(zone.offset(now.secs));
        self.closed_at((now.secs + offset).rem_euclid(DAY))
    }

    /// The same for a second of the local day.
    fn closed_at(self, second: i64) -> Duration {
        let (begin, end) = (i64::from(self.begin) * HOUR, i64::from(self.end) * HOUR);
        let open = match begin < end {
            true => (begin..end).contains(&second),
            false => second >= begin || second < end,
        };
        let wait = if open { 0 } else { (begin - second).rem_euclid(DAY) };
        Duration::from_secs(wait.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_opens_and_closes_on_the_hour() {
        let wait = |begin, end, hour: i64, minute: i64| {
            let second = hour * HOUR + minute * 60;
            Window { begin, end }.closed_at(second).as_secs() / 60
        };
        assert_eq!(wait(9, 17, 8, 30), 30);
        assert_eq!((wait(9, 17, 9, 0), wait(9, 17, 16, 59)), (0, 0));
        assert_eq!(wait(9, 17, 17, 0), 16 * 60);
        assert_eq!((wait(22, 6, 23, 0), wait(22, 6, 5, 59)), (0, 0));
        assert_eq!(wait(22, 6, 6, 0), 16 * 60);
    }

    #[test]
    fn the_zone_decides_what_hour_it_is() {
        let mut zone = LocalZone::of(jiff::tz::TimeZone::fixed(jiff::tz::offset(9)));
        let noon = Wall { secs: 12 * HOUR, micros: 0 };
        let window = Window { begin: 21, end: 22 };
        assert_eq!(window.closed_for(noon, &mut zone), Duration::ZERO);
        assert_eq!(window.closed_for(Wall { secs: 0, ..noon }, &mut zone).as_secs(), 12 * 3600);
    }
}
