//! Integer conversions whose range is an invariant of the program, in one place.

/// A length or offset inside one batch as `u32`. Every buffer is bounded far below 4 GiB
/// (`base::limits`), so a larger value is a bug.
///
/// # Panics
/// If `n` does not fit: a limit was not kept.
#[must_use]
#[inline]
pub const fn len32(n: usize) -> u32 {
    debug_assert!(n <= u32::MAX as usize);
    #[expect(clippy::cast_possible_truncation, reason = "buffers are bounded by base::limits")]
    let short = n as u32;
    short
}

/// A length as a counter's `u64`; never truncates on supported targets.
#[must_use]
#[inline]
pub const fn count(n: usize) -> u64 {
    n as u64
}
