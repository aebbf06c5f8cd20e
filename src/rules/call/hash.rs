//! The hashes of module fmhash, as Debian builds it: no xxHash. Both were recognised by what
//! rsyslogd 8.2302 gives.

use crate::rules::call::Answer;
use crate::rules::call::Invocation;
use crate::rules::call::Plain;
use crate::rules::call::Takes;

pub(super) const ROUTINES: &[(&str, Plain)] = &[
    ("hash32", Plain { takes: HASH, run: |call, _| seeded(call, fnv1), varies: false }),
    ("hash32mod", Plain { takes: MODULO, run: |call, _| modulo(call, fnv1), varies: false }),
    ("hash64", Plain { takes: HASH, run: |call, _| seeded(call, djb2), varies: false }),
    ("hash64mod", Plain { takes: MODULO, run: |call, _| modulo(call, djb2), varies: false }),
];

/// The text, the seed.
const HASH: &[Takes] = &[Takes::Text, Takes::Value];

/// The text, the modulus, the seed.
const MODULO: &[Takes] = &[Takes::Text, Takes::Value, Takes::Value];

/// FNV-1 of 32 bits that begins with the seed.
fn fnv1(text: &[u8], seed: u32) -> u64 {
    let step = |hash: u32, byte: &u8| hash.wrapping_mul(0x0100_0193) ^ u32::from(*byte);
    u64::from(text.iter().fold(seed, step))
}

/// Bernstein's hash with exclusive or; the seed is added at the end. A byte above 127 is negative
/// there.
fn djb2(text: &[u8], seed: u32) -> u64 {
    let step = |hash: u64, byte: &u8| {
        hash.wrapping_mul(33) ^ i64::from(byte.cast_signed()).cast_unsigned()
    };
    text.iter().fold(5381, step).wrapping_add(u64::from(seed))
}

/// 0 where the seed is no number.
fn seeded(call: &Invocation<'_>, hash: fn(&[u8], u32) -> u64) -> Answer {
    let hash = seed(call, 1).map_or(0, |seed| hash(call.text(0), seed));
    Answer::Number(hash.cast_signed())
}

/// 0 where the seed or the modulus is no number, and modulo 0.
fn modulo(call: &Invocation<'_>, hash: fn(&[u8], u32) -> u64) -> Answer {
    let hash = call
        .whole(1)
        .zip(seed(call, 2))
        .and_then(|(modulus, seed)| hash(call.text(0), seed).checked_rem(modulus.cast_unsigned()));
    Answer::Number(hash.unwrap_or(0).cast_signed())
}

/// The seed modulo 2^32; 0 where none is given.
fn seed(call: &Invocation<'_>, at: usize) -> Option<u32> {
    if at >= call.count() {
        return Some(0);
    }
    let [low @ .., _, _, _, _] = call.whole(at)?.to_le_bytes();
    Some(u32::from_le_bytes(low))
}
