//! What of a new configuration is in the one that runs.

/// For each of `new` the place in `old` of what goes on as it: something `same`, and where there is
/// a choice, something `same` and `closer`.
pub(in crate::engine) fn pair<T, U>(
    old: &[T],
    new: &[U],
    same: impl Fn(&T, &U) -> bool,
    closer: impl Fn(&T, &U) -> bool,
) -> Vec<Option<usize>> {
    let mut pairs = vec![None; new.len()];
    let mut free = vec![true; old.len()];
    for choosy in [true, false] {
        for (wanted, pair) in new.iter().zip(&mut pairs) {
            let fits = |old: &T| same(old, wanted) && (!choosy || closer(old, wanted));
            if pair.is_none()
                && let Some(at) = (0..old.len()).find(|at| free[*at] && fits(&old[*at]))
            {
                free[at] = false;
                *pair = Some(at);
            }
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_taken_once_and_the_closest_first() {
        let old = [("a", 1), ("b", 1), ("c", 2)];
        let new = [("x", 1), ("b", 1), ("y", 1), ("c", 3)];
        let pairs = pair(&old, &new, |o, n| o.1 == n.1, |o, n| o.0 == n.0);
        assert_eq!(pairs, [Some(0), Some(1), None, None]);
    }
}
