//! Looking at many bytes at once, in plain integers.

/// Bytes that [`positions`] looks at.
pub(super) const WINDOW: usize = 64;
const WORD: usize = 8;

/// Bit n is set where `text[n]` is `needle`, for the first [`WINDOW`] bytes.
#[inline]
pub(super) fn positions(text: &[u8], needle: u8) -> u64 {
    match text.first_chunk::<WINDOW>() {
        Some(window) => full(window, needle),
        None => text
            .iter()
            .enumerate()
            .fold(0, |mask, (n, byte)| mask | u64::from(*byte == needle) << n),
    }
}

#[inline]
fn full(window: &[u8; WINDOW], needle: u8) -> u64 {
    const LOW7: u64 = u64::from_le_bytes([0x7f; WORD]);
    // Moves the top bit of each byte next to those of the others: bit 8n goes to bit 56 + n.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let needles = u64::from_le_bytes([needle; WORD]);
    let mut mask = 0;
    for (n, word) in window.as_chunks::<WORD>().0.iter().enumerate() {
        // Bytes that are the needle become 0; then the top bit of each byte tells whether it is
        // anything else, without a carry from one byte into the next.
        let differing = u64::from_le_bytes(*word) ^ needles;
        let other = ((differing & LOW7) + LOW7) | differing | LOW7;
        let equal = !other >> 7;
        mask |= (equal.wrapping_mul(GATHER) >> 56) << (n * WORD);
    }
    mask
}

#[cfg(test)]
mod tests {
    use proptest::prelude::any;
    use proptest::proptest;
    use proptest::sample::select;

    use super::*;

    proptest! {
        #[test]
        fn finds_what_a_loop_finds(
            text in proptest::collection::vec(select(b"  \x1f!\xa0ab\x80\xff\0".to_vec()), 0..200),
            needle in any::<u8>(),
        ) {
            for needle in [needle, b' ', 0, 0x80] {
                let slow = text
                    .iter()
                    .take(WINDOW)
                    .enumerate()
                    .fold(0, |mask, (n, byte)| mask | u64::from(*byte == needle) << n);
                assert_eq!(positions(&text, needle), slow);
            }
        }
    }
}
