//! Sorted starts of ranges, and in which range a number lies, at one cache line or few a step.

/// Starts that are looked through at once: of 32-bit numbers, one cache line.
const FAN: usize = 16;

/// Ranges that follow each other without a gap, from the smallest number to the largest.
///
/// A static B-tree: the lowest level holds all starts, each level above it every sixteenth of the
/// one below. Two million starts are five or six levels, of which all but two stay in the caches;
/// a binary search over them would miss the caches a dozen times.
#[derive(Clone, Debug)]
pub(super) struct Ranges<N> {
    /// From the top down; each is filled up to whole blocks with the largest number.
    levels: Vec<Vec<N>>,
    /// What each range stands for.
    meanings: Vec<u32>,
}

/// A number that ranges are of.
pub(super) trait Number: Copy + Ord {
    const MIN: Self;
    const MAX: Self;

    /// How many of a block of rising numbers are not above this one.
    fn count(self, block: &[Self; FAN]) -> usize;
}

impl Number for u32 {
    const MIN: Self = 0;
    const MAX: Self = Self::MAX;

    #[inline]
    fn count(self, block: &[Self; FAN]) -> usize {
        // No branch to mispredict, and a few vector operations.
        block.iter().filter(|start| **start <= self).count()
    }
}

impl Number for u128 {
    const MIN: Self = 0;
    const MAX: Self = Self::MAX;

    #[inline]
    fn count(self, block: &[Self; FAN]) -> usize {
        // There are no vectors of these: four comparisons instead of sixteen.
        block.partition_point(|start| *start <= self)
    }
}

impl<N: Number> Ranges<N> {
    /// `starts` rise, and begin with the smallest number there is.
    pub(super) fn new(mut starts: Vec<N>, mut meanings: Vec<u32>) -> Self {
        debug_assert!(starts.is_sorted() && starts.len() == meanings.len());
        meanings.shrink_to_fit();
        let whole = |n: usize| n.next_multiple_of(FAN);
        starts.resize(whole(starts.len()), N::MAX);
        starts.shrink_to_fit();
        let mut levels = vec![starts];
        loop {
            let below = levels.last().map_or(&[][..], |level| level);
            if below.len() <= FAN {
                break;
            }
            let mut level: Vec<N> = below.iter().step_by(FAN).copied().collect();
            level.resize(whole(level.len()), N::MAX);
            levels.push(level);
        }
        levels.reverse();
        Self { levels, meanings }
    }

    /// What the range means that `number` lies in; 0 if there are no ranges.
    #[inline]
    pub(super) fn get(&self, number: N) -> u32 {
        // It is not beyond what fills the blocks up.
        if number == N::MAX {
            return self.meanings.last().copied().unwrap_or(0);
        }
        let mut at = 0;
        for level in &self.levels {
            let start = at * FAN;
            let Some(block) = level.get(start..).and_then(<[N]>::first_chunk::<FAN>) else {
                break;
            };
            at = start + number.count(block).saturating_sub(1);
        }
        self.meanings.get(at).copied().unwrap_or(0)
    }
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
            let meanings = (0..u32::try_from(starts.len()).unwrap()).collect();
            let ranges = Ranges::new(starts.clone(), meanings);
            let near = starts.iter().flat_map(|s| [*s, s.saturating_sub(1), s.saturating_add(1)]);
            for key in near.chain(keys).chain([0, u32::MAX]) {
                let wanted = starts.partition_point(|start| *start <= key) - 1;
                prop_assert_eq!(ranges.get(key) as usize, wanted);
            }
        }
    }

    #[test]
    fn the_largest_number_is_in_the_last_range() {
        let ranges = Ranges::new(vec![0_u128, u128::MAX], vec![7, 8]);
        assert_eq!([ranges.get(u128::MAX), ranges.get(u128::MAX - 1), ranges.get(0)], [8, 7, 7]);
    }
}
