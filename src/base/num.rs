//! Integer conversions whose range is an invariant of the program, and the numbers of texts.

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

/// The decimal number at the start of `text` (`-` but no `+` or blank before it), and whether it
/// is all of the text. An empty text is a whole 0, and so is a lone `-`.
#[must_use]
pub fn leading_number(text: &[u8]) -> (i64, bool) {
    let (negative, rest) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (n, used) = digits(rest, 10);
    (if negative { n.wrapping_neg() } else { n }, used == rest.len())
}

/// The number that the digits at the start of `text` are, to a base up to ten, wrapping around;
/// how many they are.
#[must_use]
pub fn digits(text: &[u8], base: u8) -> (i64, usize) {
    let mut n = 0_i64;
    for (at, c) in text.iter().enumerate() {
        let digit = c.wrapping_sub(b'0');
        if digit >= base {
            return (n, at);
        }
        n = n.wrapping_mul(i64::from(base)).wrapping_add(i64::from(digit));
    }
    (n, text.len())
}
