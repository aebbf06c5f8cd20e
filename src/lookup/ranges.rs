//! Sorted starts of ranges, and in which range a number lies, at two reads or so.

use crate::base::num::len32;

/// Bits of a number that choose a slot of one node at most: 256 KiB of slots, which stay in the
/// second cache.
const SLOT_BITS: u32 = 16;

/// Ranges that are looked through at once. A slot that holds more has a node of its own.
const MANY: usize = 64;

/// Ranges that follow each other without a gap, from the smallest number to the largest.
///
/// The bits behind those that all starts have in common choose a slot, which says where its starts
/// are; there are a few dozen, side by side, of which a binary search finds the last that is not
/// above the number. What their ranges mean lies between them. What of a start its slot says
/// already is not kept, nor the zeros at its end: a million IPv4 networks are 10 MB, which is what
/// decides how fast they are found, because so much stays in the third cache.
#[derive(Clone, Debug)]
pub(super) enum Ranges<N> {
    Bits16(Slots<N, u16>),
    Bits32(Slots<N, u32>),
    Bits64(Slots<N, u64>),
    Bits128(Slots<N, Halves>),
}

/// Ranges of which `P` is kept of each start.
#[derive(Clone, Debug)]
pub(super) struct Slots<N, P> {
    /// The first one has all starts but the smallest number.
    nodes: Vec<Node<N>>,
    /// Where each slot's ranges begin in `ranges`, and end: where the next one's begin.
    slots: Vec<u32>,
    /// The node of a slot that holds too many; shorter than `slots`, or empty, where none does.
    below: Vec<u32>,
    ranges: Vec<Range<P>>,
    /// How many zeros all starts end with.
    zeros: u32,
}

/// The slots for some ranges side by side.
#[derive(Clone, Debug)]
struct Node<N> {
    /// The smallest number with the leading bits that its starts have in common.
    first: N,
    /// How many bits come behind those that are a slot's number.
    shift: u32,
    /// Its slots in [`Slots::slots`].
    slots: std::ops::Range<usize>,
    /// What lies before and behind its slots is in these ranges.
    before: usize,
    behind: usize,
}

#[derive(Clone, Copy, Debug)]
struct Range<P> {
    start: P,
    /// The upper and the lower half of a number: as one it would make the smallest kind larger.
    meaning: [u16; 2],
}

/// A number that ranges are of.
pub(super) trait Number: Copy + Ord {
    const MIN: Self;

    /// How many bits there are from the first that differs to the end.
    fn differ(self, other: Self) -> u32;

    /// The number with zeros in place of the last `bits`.
    fn without(self, bits: u32) -> Self;

    fn zeros_at_end(self) -> u32;

    /// How many times 2^`shift` it is above `first`, which is not above it.
    fn slot(self, first: Self, shift: u32) -> Option<usize>;

    fn wide(self) -> u128;
}

macro_rules! number {
    ($number:ty) => {
        impl Number for $number {
            const MIN: Self = 0;

            #[inline]
            fn differ(self, other: Self) -> u32 {
                Self::BITS - (self ^ other).leading_zeros()
            }

            #[inline]
            fn without(self, bits: u32) -> Self {
                self & Self::MAX.checked_shl(bits).unwrap_or(0)
            }

            #[inline]
            fn zeros_at_end(self) -> u32 {
                self.trailing_zeros()
            }

            #[inline]
            fn slot(self, first: Self, shift: u32) -> Option<usize> {
                usize::try_from((self - first) >> shift).ok()
            }

            #[inline]
            fn wide(self) -> u128 {
                self.into()
            }
        }
    };
}

number!(u32);
number!(u128);

/// What is kept of a start: the lower bits of a number.
pub(super) trait Part: Copy + Ord {
    fn of(number: u128) -> Self;
}

impl Part for u16 {
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "a slot says what is above")]
    fn of(number: u128) -> Self {
        number as Self
    }
}

impl Part for u32 {
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "a slot says what is above")]
    fn of(number: u128) -> Self {
        number as Self
    }
}

impl Part for u64 {
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "a slot says what is above")]
    fn of(number: u128) -> Self {
        number as Self
    }
}

/// A number of 128 bits in two halves, the upper first: a range of it takes 24 bytes and not 32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Halves(u64, u64);

impl Part for Halves {
    #[inline]
    fn of(number: u128) -> Self {
        Self(u64::of(number >> 64), u64::of(number))
    }
}

impl<N: Number> Ranges<N> {
    /// `starts` rise, and begin with the smallest number there is.
    pub(super) fn new(starts: &[N], meanings: &[u32]) -> Self {
        debug_assert!(starts.is_sorted() && starts.len() == meanings.len());
        let inner = starts.get(1..).unwrap_or_default();
        let zeros = inner.iter().map(|start| start.zeros_at_end()).min().unwrap_or(0);
        let (_, shift) = spread(inner);
        match shift.saturating_sub(zeros) {
            0..=16 => Self::Bits16(Slots::new(starts, meanings, zeros)),
            17..=32 => Self::Bits32(Slots::new(starts, meanings, zeros)),
            33..=64 => Self::Bits64(Slots::new(starts, meanings, zeros)),
            65.. => Self::Bits128(Slots::new(starts, meanings, zeros)),
        }
    }

    /// What the range means that `number` lies in; 0 if there are no ranges.
    #[inline]
    pub(super) fn get(&self, number: N) -> u32 {
        match self {
            Self::Bits16(slots) => slots.get(number),
            Self::Bits32(slots) => slots.get(number),
            Self::Bits64(slots) => slots.get(number),
            Self::Bits128(slots) => slots.get(number),
        }
    }
}

/// How many bits of these starts are a slot's number, and how many come behind.
fn spread<N: Number>(starts: &[N]) -> (u32, u32) {
    let [first, .., last] = starts else { return (0, 0) };
    let differ = first.differ(*last);
    let bits = (starts.len().ilog2() - 1).clamp(1, SLOT_BITS).min(differ);
    (bits, differ - bits)
}

impl<N: Number, P: Part> Slots<N, P> {
    fn new(starts: &[N], meanings: &[u32], zeros: u32) -> Self {
        let part = |start: &N| P::of(start.wide() >> zeros);
        let half = |number: u32| u16::of(number.into());
        let range = |(start, meaning): (&N, &u32)| Range {
            start: part(start),
            meaning: [half(meaning >> 16), half(*meaning)],
        };
        let ranges = starts.iter().zip(meanings).map(range).collect();
        let mut slots =
            Self { nodes: Vec::new(), slots: Vec::new(), below: Vec::new(), ranges, zeros };
        if starts.len() > 1 {
            slots.node(starts, 1, starts.len());
        }
        slots
    }

    /// Makes a node for `starts[begin..end]`, and says its number.
    fn node(&mut self, starts: &[N], begin: usize, end: usize) -> u32 {
        let own = &starts[begin..end];
        let (bits, shift) = spread(own);
        let first = own[0].without(bits + shift);
        let number = len32(self.nodes.len());
        let slots = self.slots.len()..self.slots.len() + (1 << bits);
        let node = Node { first, shift, slots, before: begin - 1, behind: end - 1 };
        let mut at = begin;
        for slot in 0..=node.slots.len() {
            let below = |start: &N| start.slot(first, shift).is_some_and(|other| other < slot);
            at += starts[at..end].iter().take_while(|start| below(start)).count();
            self.slots.push(len32(at));
        }
        self.nodes.push(node.clone());
        for slot in node.slots {
            let (from, to) = (self.slots[slot] as usize, self.slots[slot + 1] as usize);
            if to - from > MANY {
                let below = self.node(starts, from, to);
                self.below.resize(self.below.len().max(slot + 1), 0);
                self.below[slot] = below;
            }
        }
        number
    }

    #[inline]
    fn get(&self, number: N) -> u32 {
        let mut nodes = self.nodes.first();
        while let Some(node) = nodes {
            if number < node.first {
                return self.meaning(node.before);
            }
            let slot = number.slot(node.first, node.shift);
            let Some(slot) = slot.filter(|slot| *slot < node.slots.len()) else {
                return self.meaning(node.behind);
            };
            let slot = node.slots.start + slot;
            let Some([from, to]) = self.slots.get(slot..slot + 2) else { return 0 };
            let (from, to) = (*from as usize, *to as usize);
            if to - from <= MANY {
                let part = P::of(number.wide() >> self.zeros);
                let ranges = self.ranges.get(from..to).unwrap_or_default();
                // Before the first of the slot goes on what began in a slot before.
                return self.meaning(from + ranges.partition_point(|r| r.start <= part) - 1);
            }
            nodes = self.below.get(slot).and_then(|below| self.nodes.get(*below as usize));
        }
        self.meaning(0)
    }

    #[inline]
    fn meaning(&self, range: usize) -> u32 {
        let meaning = self.ranges.get(range).map_or([0; 2], |range| range.meaning);
        u32::from(meaning[0]) << 16 | u32::from(meaning[1])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Each start finds its range, and so do the numbers around it and `keys`.
    fn check<N: Number + std::fmt::Debug>(starts: &[N], keys: impl Iterator<Item = N>) {
        // Meanings need more than 16 bits.
        let meaning = |range: usize| u32::try_from(range).unwrap() * 70_001 + 1;
        let meanings: Vec<u32> = (0..starts.len()).map(meaning).collect();
        let ranges = Ranges::new(starts, &meanings);
        for key in keys {
            let wanted = starts.partition_point(|start| *start <= key) - 1;
            assert_eq!(ranges.get(key), meaning(wanted), "{key:?} among {}", starts.len());
        }
    }

    fn check4(starts: impl IntoIterator<Item = u32>, keys: &[u32]) {
        let starts: std::collections::BTreeSet<u32> = starts.into_iter().chain([0]).collect();
        let starts: Vec<u32> = starts.into_iter().collect();
        let near = starts.iter().flat_map(|s| [*s, s.saturating_sub(1), s.saturating_add(1)]);
        check(&starts, near.chain([0, u32::MAX]).chain(keys.iter().copied()));
    }

    fn check6(starts: impl IntoIterator<Item = u128>, keys: &[u128]) {
        let starts: std::collections::BTreeSet<u128> = starts.into_iter().chain([0]).collect();
        let starts: Vec<u128> = starts.into_iter().collect();
        let near = starts.iter().flat_map(|s| [*s, s.saturating_sub(1), s.saturating_add(1)]);
        check(&starts, near.chain([0, u128::MAX]).chain(keys.iter().copied()));
    }

    proptest! {
        #[test]
        fn the_range_is_the_last_that_begins_before(
            starts in proptest::collection::vec(any::<u128>(), 0..700),
            keys in proptest::collection::vec(any::<u128>(), 20),
            (cut, base, zeros) in (0_u32..128, any::<u128>(), 0_u32..128),
        ) {
            // All in one network, and on the borders of others.
            let near = |number: &u128| {
                let low = number.checked_shr(cut).unwrap_or(0);
                (base.without(128 - cut) | low).without(zeros)
            };
            let starts: Vec<u128> = starts.iter().map(near).collect();
            let keys: Vec<u128> = keys.iter().flat_map(|key| [near(key), *key]).collect();
            check6(starts.iter().copied(), &keys);
            let four = |numbers: &[u128]| numbers.iter().map(|n| u32::of(*n)).collect::<Vec<_>>();
            check4(four(&starts), &four(&keys));
            let upper: Vec<u128> = starts.iter().map(|start| start >> 96).collect();
            check4(four(&upper), &four(&keys));
        }
    }

    #[test]
    fn the_largest_number_is_in_the_last_range() {
        let ranges = Ranges::new(&[0_u128, u128::MAX], &[7, 8]);
        assert_eq!([ranges.get(u128::MAX), ranges.get(u128::MAX - 1), ranges.get(0)], [8, 7, 7]);
    }

    #[test]
    fn one_range_or_none() {
        assert_eq!(Ranges::<u32>::new(&[], &[]).get(5), 0);
        assert_eq!(Ranges::new(&[0_u128], &[9]).get(u128::MAX), 9);
        check4([5], &[]);
        check4([u32::MAX], &[]);
        check6([1 << 127], &[]);
    }

    #[test]
    fn a_slot_may_hold_thousands() {
        // Thousands side by side in one slot of many, on both sides of its border, and far ones.
        let crowd = (0..5000).map(|n| (10 << 24) + (1 << 16) - 2500 + n);
        let far = (0..300).map(|n| n * 14_000_001);
        check4(crowd.chain(far), &[11 << 24, 9 << 24]);
        // Crowds within crowds, of each kind of part.
        for shift in [0, 16, 32, 64, 100] {
            let crowd = (0..3000_u128).map(|n| (5 << 124 | n << 1) << (shift / 32) | n << shift);
            let inner = (0..3000_u128).map(|n| 5 << 124 | 1 << 90 | (n * 3));
            check6(crowd.chain(inner), &[5 << 124, 4 << 124, 6 << 124]);
        }
    }

    #[test]
    fn each_width_is_used() {
        let width = |ranges: &Ranges<u128>| match ranges {
            Ranges::Bits16(_) => 16,
            Ranges::Bits32(_) => 32,
            Ranges::Bits64(_) => 64,
            Ranges::Bits128(_) => 128,
        };
        for (step, wanted) in [(1_u128 << 8, 16), ((1 << 23) + 1, 32), ((1 << 50) + 1, 64)] {
            let starts: Vec<u128> = (0..1000).map(|n| n * step).collect();
            assert_eq!(width(&Ranges::new(&starts, &[1; 1000])), wanted, "{step}");
            check6(starts, &[step * 1001, 1 << 100]);
        }
        let starts: Vec<u128> = (0..1000).map(|n| n * ((1 << 100) + 1)).collect();
        assert_eq!(width(&Ranges::new(&starts, &[1; 1000])), 128);
        check6(starts, &[1 << 80, 1 << 120]);
    }
}
