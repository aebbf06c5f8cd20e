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

/// How many bytes at the start are `in_run`. A word's bytes are asked without a loop around them.
#[inline]
pub(super) fn run(text: &[u8], in_run: impl Fn(u8) -> bool) -> usize {
    let (words, rest) = text.as_chunks::<WORD>();
    for (n, word) in words.iter().enumerate() {
        if let Some(at) = word.iter().position(|byte| !in_run(*byte)) {
            return n * WORD + at;
        }
    }
    let before = text.len() - rest.len();
    before + rest.iter().position(|byte| !in_run(*byte)).unwrap_or(rest.len())
}

/// How many bytes stand before the first `one` or `other`; all, if there is neither.
#[inline]
pub(super) fn up_to(text: &[u8], one: u8, other: u8) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; WORD]);
    const TOPS: u64 = u64::from_le_bytes([0x80; WORD]);
    // The lowest top bit that is set is that of the first byte that is 0; a borrow may set others
    // above it.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & TOPS;
    let (words, rest) = text.as_chunks::<WORD>();
    for (n, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = zeros(word ^ (ONES * u64::from(one))) | zeros(word ^ (ONES * u64::from(other)));
        if found != 0 {
            return n * WORD + found.trailing_zeros() as usize / 8;
        }
    }
    let before = text.len() - rest.len();
    before + rest.iter().position(|byte| [one, other].contains(byte)).unwrap_or(rest.len())
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

        #[test]
        fn runs_end_where_a_loop_ends_them(
            text in proptest::collection::vec(select(b"aaaaaaaa:9! \xba\xa0\x80\0".to_vec()), 0..60),
        ) {
            for [one, other] in [*b": ", *b"9!", [0, 0x80], [0xff, 0xba]] {
                let slow = text.iter().take_while(|byte| ![one, other].contains(byte)).count();
                assert_eq!(up_to(&text, one, other), slow);
                assert_eq!(run(&text, |byte| ![one, other].contains(&byte)), slow);
            }
        }
    }
}
