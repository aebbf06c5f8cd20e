//! How many messages an input may bring a minute, and how many descriptors it may hold.

use std::time::Duration;
use std::time::Instant;

use rustix::process::Resource;
use rustix::process::Rlimit;

use crate::base::clock;
use crate::base::num::count;
use crate::input::file::split::Sheet;

const MINUTE: Duration = Duration::from_secs(60);
/// Descriptors that are wanted for everything else, and the fewest and the most for files.
const DESCRIPTORS_LEFT: u64 = 256;
const DESCRIPTORS_MIN: usize = 16;
const DESCRIPTORS_MAX: usize = 65_536;

pub(super) const TOO_MANY: &str = "more files than descriptors: those that are quiet are closed, \
     and what is written to one just before it is deleted may be missed (raise LimitNOFILE=)";

/// `maxLinesPerMinute` and `maxBytesPerMinute`; 0 is no limit.
#[derive(Debug)]
pub(super) struct Limits {
    lines_max: u64,
    bytes_max: u64,
    lines: u64,
    bytes: u64,
    since: Option<Instant>,
}

impl Limits {
    pub(super) const fn new(lines_max: u64, bytes_max: u64) -> Self {
        Self { lines_max, bytes_max, lines: 0, bytes: 0, since: None }
    }

    /// Takes messages out that are too many; how many.
    pub(super) fn apply(&mut self, sheet: &mut Sheet) -> u64 {
        if self.lines_max == 0 && self.bytes_max == 0 {
            return 0;
        }
        if self.since.is_none_or(|since| since.elapsed() >= MINUTE) {
            (self.lines, self.bytes, self.since) = (0, 0, Some(clock::monotonic()));
        }
        let before = sheet.pieces.len();
        sheet.pieces.retain(|piece| {
            let bytes = count(piece.span.len());
            // What is dropped counts too: nothing passes behind what did not (rsyslog).
            self.lines += 1;
            self.bytes += bytes;
            (self.lines_max == 0 || self.lines <= self.lines_max)
                && (self.bytes_max == 0 || self.bytes <= self.bytes_max)
        });
        count(before - sheet.pieces.len())
    }
}

/// Raises the limit of descriptors as far as may be, and gives how many files may take.
pub(super) fn descriptors() -> usize {
    let Rlimit { current, maximum } = rustix::process::getrlimit(Resource::Nofile);
    let wanted = maximum.unwrap_or(u64::MAX).min(count(DESCRIPTORS_MAX) * 2);
    let has = current.unwrap_or(u64::MAX);
    let raised = Rlimit { current: Some(wanted), maximum };
    let has = if has < wanted && rustix::process::setrlimit(Resource::Nofile, raised).is_ok() {
        wanted
    } else {
        has
    };
    let half = has.saturating_sub(DESCRIPTORS_LEFT) / 2;
    usize::try_from(half).unwrap_or(usize::MAX).clamp(DESCRIPTORS_MIN, DESCRIPTORS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::span::Span;
    use crate::input::file::split::NO_HEAD;
    use crate::input::file::split::Piece;

    fn sheet(lengths: &[usize]) -> Sheet {
        let piece =
            |n: &usize| Piece { span: Span::new(0, *n), offset: 0, cut: false, head: NO_HEAD };
        Sheet { pieces: lengths.iter().map(piece).collect(), ..Sheet::default() }
    }

    #[test]
    fn what_is_too_much_in_a_minute_is_taken_out() {
        let mut sheets = [sheet(&[4, 6]), sheet(&[5, 1])];
        let mut limits = Limits::new(0, 10);
        assert_eq!(sheets.each_mut().map(|sheet| limits.apply(sheet)), [0, 2]);
        let mut limits = Limits::new(3, 0);
        let mut sheets = [sheet(&[4, 6]), sheet(&[5, 1])];
        assert_eq!(sheets.each_mut().map(|sheet| limits.apply(sheet)), [0, 1]);
        assert_eq!(sheets[1].pieces[0].span.len(), 5);
        limits.since = clock::monotonic().checked_sub(MINUTE);
        assert_eq!(limits.apply(&mut sheet(&[1])), 0, "another minute");
        assert_eq!(Limits::new(0, 0).apply(&mut sheet(&[1 << 20])), 0);
        assert!(descriptors() >= DESCRIPTORS_MIN);
    }
}
