//! Keys that are numbers: consecutive ones, and such with gaps.

use std::cmp::Ordering;
use std::ops::RangeInclusive;

use crate::lookup::values::NO_MATCH;

/// What indexes and keys reach: 32 bits, with or without a sign.
const REACH: RangeInclusive<i64> = (-(1 << 31))..=((1 << 32) - 1);

/// The lower 32 bits of a number, which is what rsyslog keeps of it.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as rsyslog does")]
const fn low(number: i64) -> u32 {
    number as u32
}

/// The number of an index in a file: what is out of reach becomes the nearest that is not.
pub(super) fn index(number: i64) -> i64 {
    number.clamp(*REACH.start(), *REACH.end())
}

/// Numbers without a gap.
#[derive(Debug)]
pub(super) struct Consecutive {
    first: u32,
    values: Vec<u32>,
}

impl Consecutive {
    /// `rows` are indexes and values, in any order.
    ///
    /// # Errors
    /// The number that was to come, and the one that did.
    pub(super) fn new(mut rows: Vec<(i64, u32)>) -> Result<Self, (i64, i64)> {
        rows.sort_by_key(|(index, _)| *index);
        let first = rows.first().map_or(0, |(index, _)| *index);
        for (expected, (index, _)) in (first..).zip(&rows) {
            if *index != expected {
                return Err((expected, *index));
            }
        }
        let values = rows.into_iter().map(|(_, value)| value).collect();
        Ok(Self { first: low(first), values })
    }

    /// Negative keys are large ones, and nothing is found below the first: of -1, 0 and 1 only the
    /// first is, as in rsyslog.
    #[inline]
    pub(super) fn get(&self, key: i64) -> u32 {
        let at = low(key).checked_sub(self.first).map(|at| at as usize);
        at.and_then(|at| self.values.get(at).copied()).unwrap_or(NO_MATCH)
    }

    pub(super) const fn len(&self) -> usize {
        self.values.len()
    }
}

/// Numbers with gaps, each of which goes as far as the next.
#[derive(Debug)]
pub(super) struct Sparse {
    /// In order. Of equal ones, which is found depends on where the search meets them first, as in
    /// rsyslog; what lies behind them has the last one's value.
    indexes: Vec<i64>,
    values: Vec<u32>,
}

impl Sparse {
    pub(super) fn new(mut rows: Vec<(i64, u32)>) -> Self {
        rows.sort_by_key(|(index, _)| *index);
        let (indexes, values) = rows.into_iter().unzip();
        Self { indexes, values }
    }

    #[inline]
    pub(super) fn get(&self, key: i64) -> u32 {
        let key = if REACH.contains(&key) { key } else { i64::from(low(key)) };
        let at = match bisect(self.indexes.len(), |at| self.indexes[at].cmp(&key)) {
            Ok(at) => Some(at),
            Err(behind) => behind.checked_sub(1),
        };
        at.and_then(|at| self.values.get(at).copied()).unwrap_or(NO_MATCH)
    }

    pub(super) const fn len(&self) -> usize {
        self.values.len()
    }
}

/// C's `bsearch()`, which is also rsyslog's own: of several that are equal it finds the same one.
/// `Err` has where it would stand. (`slice::binary_search` may find another.)
pub(super) fn bisect(len: usize, compare: impl Fn(usize) -> Ordering) -> Result<usize, usize> {
    let (mut low, mut high) = (0, len);
    while low < high {
        let middle = low.midpoint(high);
        match compare(middle) {
            Ordering::Less => low = middle + 1,
            Ordering::Equal => return Ok(middle),
            Ordering::Greater => high = middle,
        }
    }
    Err(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consecutive_numbers_have_no_gap() {
        let numbers = Consecutive::new(vec![(7, 70), (5, 50), (6, 60)]).unwrap();
        assert_eq!([4, 5, 6, 7, 8].map(|key| numbers.get(key)), [0, 50, 60, 70, 0]);
        assert_eq!(Consecutive::new(vec![(1, 1), (3, 1)]).unwrap_err(), (2, 3));
        assert_eq!(Consecutive::new(vec![(1, 1), (1, 1)]).unwrap_err(), (2, 1));
        assert_eq!(Consecutive::new(Vec::new()).unwrap().get(0), NO_MATCH);
        let around = Consecutive::new(vec![(1, 3), (-1, 1), (0, 2)]).unwrap();
        assert_eq!([-2, -1, 0, 1, 2].map(|key| around.get(key)), [0, 1, 0, 0, 0]);
    }

    #[test]
    fn sparse_numbers_reach_to_the_next() {
        let numbers = Sparse::new(vec![(3_405_803_776, 3), (10, 1), (167_772_160, 2)]);
        let keys =
            [9, 10, 11, 167_772_159, 167_772_160, 3_405_803_775, 3_405_803_777, -1, (1 << 32) + 10];
        assert_eq!(keys.map(|key| numbers.get(key)), [0, 1, 1, 1, 2, 2, 3, 0, 1]);
    }
}
