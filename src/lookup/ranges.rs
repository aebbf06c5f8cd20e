//! Sorted starts of ranges, and in which range a number lies, at one cache line or few a step.

/// Starts that are looked through at once: of 32-bit numbers, one cache line.
const FAN: usize = 16;

/// Ranges that follow each other without a gap, from the smallest number to the largest.
///
/// A static B-tree: the leaves hold all starts, each level above them every sixteenth of the one
/// below. Two million starts make five levels above the leaves, of which all but one stay in the
/// nearest caches; a binary search would miss them a dozen times.
#[derive(Clone, Debug)]
pub(super) struct Ranges<N> {
    /// From the top down; each is filled up to whole blocks with the largest number.
    levels: Vec<Vec<N>>,
    leaves: Vec<Leaf<N>>,
    /// What the last range means.
    last: u32,
}

/// Starts, and beside them what their ranges mean: who finds the one has the other at hand.
#[derive(Clone, Copy, Debug)]
struct Leaf<N> {
    starts: [N; FAN],
    meanings: [u32; FAN],
}

/// A number that ranges are of.
pub(super) trait Number: Copy + Ord {
    const MIN: Self;
    const MAX: Self;
}

impl Number for u32 {
    const MIN: Self = 0;
    const MAX: Self = Self::MAX;
}

impl Number for u128 {
    const MIN: Self = 0;
    const MAX: Self = Self::MAX;
}

impl<N: Number> Ranges<N> {
    /// `starts` rise, and begin with the smallest number there is.
    pub(super) fn new(starts: &[N], meanings: &[u32]) -> Self {
        debug_assert!(starts.is_sorted() && starts.len() == meanings.len());
        let leaf = |(starts, meanings): (&[N], &[u32])| {
            let mut leaf = Leaf { starts: [N::MAX; FAN], meanings: [0; FAN] };
            leaf.starts[..starts.len()].copy_from_slice(starts);
            leaf.meanings[..meanings.len()].copy_from_slice(meanings);
            leaf
        };
        let leaves = starts.chunks(FAN).zip(meanings.chunks(FAN)).map(leaf).collect();
        let mut levels: Vec<Vec<N>> = Vec::new();
        let mut below = starts;
        while below.len() > FAN {
            let mut level: Vec<N> = below.iter().step_by(FAN).copied().collect();
            level.resize(level.len().next_multiple_of(FAN), N::MAX);
            levels.push(level);
            below = levels.last().map_or(&[], |level| level);
        }
        levels.reverse();
        Self { levels, leaves, last: meanings.last().copied().unwrap_or(0) }
    }

    /// What the range means that `number` lies in; 0 if there are no ranges.
    #[inline]
    pub(super) fn get(&self, number: N) -> u32 {
        // It is not beyond what fills the blocks up.
        if number == N::MAX {
            return self.last;
        }
        let mut at = 0;
        for level in &self.levels {
            let start = at * FAN;
            let Some(block) = level.get(start..).and_then(<[N]>::first_chunk::<FAN>) else {
                return 0;
            };
            at = start + last_from(block, number);
        }
        let Some(leaf) = self.leaves.get(at) else { return 0 };
        let in_leaf = last_from(&leaf.starts, number);
        leaf.meanings.get(in_leaf).copied().unwrap_or(0)
    }
}

/// Which of these rising numbers is the last that is not above `number`.
#[inline]
fn last_from<N: Number>(block: &[N; FAN], number: N) -> usize {
    // All of them are looked at: without a branch to mispredict, and with all that is not in a
    // cache on its way at once. For 32-bit numbers these are a few vector operations.
    block.iter().filter(|start| **start <= number).count().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_range_is_the_last_that_begins_before(
            starts in proptest::collection::btree_set(any::<u32>(), 0..700),
            keys in proptest::collection::vec(any::<u32>(), 20),
        ) {
            let mut starts: Vec<u32> = starts.into_iter().filter(|start| *start > 0).collect();
            starts.insert(0, 0);
            let meanings: Vec<u32> = (0..u32::try_from(starts.len()).unwrap()).collect();
            let ranges = Ranges::new(&starts, &meanings);
            let near = starts.iter().flat_map(|s| [*s, s.saturating_sub(1), s.saturating_add(1)]);
            for key in near.chain(keys).chain([0, u32::MAX]) {
                let wanted = starts.partition_point(|start| *start <= key) - 1;
                prop_assert_eq!(ranges.get(key) as usize, wanted);
            }
        }
    }

    #[test]
    fn the_largest_number_is_in_the_last_range() {
        let ranges = Ranges::new(&[0_u128, u128::MAX], &[7, 8]);
        assert_eq!([ranges.get(u128::MAX), ranges.get(u128::MAX - 1), ranges.get(0)], [8, 7, 7]);
    }
}
