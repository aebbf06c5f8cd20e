//! Addresses as numbers, and as text. What is read here was found by `scan`.
//!
//! rsyslogd reads some IPv6 addresses wrongly. That shows only where few bits are hidden, and is
//! kept: who compares anonymous addresses of two relays shall find the same ones.

use std::io::Write;

/// An IPv4 address; leading zeros do not matter.
pub(super) fn ipv4(text: &[u8]) -> u32 {
    text.split(|byte| *byte == b'.').fold(0, |address, octet| {
        let number = |n: u32, digit: &u8| n.wrapping_mul(10).wrapping_add((digit - b'0').into());
        address << 8 | octet.iter().fold(0, number)
    })
}

/// Reads groups of hexadecimal digits into `groups`. Those behind `::` are put at the end. A colon
/// that ends the text counts as a group.
fn read(text: &[u8], groups: &mut [u128]) {
    let (front, back) = match memchr::memmem::find(text, b"::") {
        Some(at) => (&text[..at], &text[at + 2..]),
        None => (text, &text[text.len()..]),
    };
    for (group, digits) in groups.iter_mut().zip(front.split(|byte| *byte == b':')) {
        *group = hex(digits);
    }
    let behind = back.rsplit(|byte| *byte == b':');
    for (group, digits) in groups.iter_mut().rev().zip(behind).filter(|(_, d)| !d.is_empty()) {
        *group = hex(digits);
    }
}

fn hex(digits: &[u8]) -> u128 {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).unwrap_or(0);
    digits.iter().fold(0, |number, byte| number << 4 | u128::from(digit(byte)))
}

/// An IPv6 address. A single digit behind `::` is lost on rsyslogd.
pub(super) fn ipv6(text: &[u8]) -> u128 {
    let lost = text.len() > 2 && text[..text.len() - 1].ends_with(b"::");
    let text = if lost { &text[..text.len() - 1] } else { text };
    let mut groups = [0; 8];
    read(text, &mut groups);
    groups.iter().fold(0, |address, group| address << 16 | group)
}

/// An IPv6 address whose last 32 bits are written as IPv4 from `at` on. Groups between `::` and
/// those stand one place too far in front on rsyslogd: it counts the colon behind them.
pub(super) fn embedded(text: &[u8], at: usize) -> u128 {
    let mut groups = [0; 6];
    let front = &text[..at];
    let front = match memchr::memmem::find(front, b"::") {
        Some(_) => front,
        None => &front[..front.len() - 1],
    };
    read(front, &mut groups);
    let high = groups.iter().fold(0, |address, group| address << 16 | group);
    high << 32 | u128::from(ipv4(&text[at..]))
}

/// The lowest 32 bits as IPv4.
pub(super) fn write_ipv4(address: u128, out: &mut Vec<u8>) {
    let [.., a, b, c, d] = address.to_be_bytes();
    // Writing to memory does not fail.
    _ = write!(out, "{a}.{b}.{c}.{d}");
}

fn group(address: u128, n: u32) -> u128 {
    address >> (112 - 16 * n) & 0xffff
}

/// All eight groups, without leading zeros.
pub(super) fn write_ipv6(address: u128, out: &mut Vec<u8>) {
    for n in 0..8 {
        let colon = if n == 0 { "" } else { ":" };
        _ = write!(out, "{colon}{:x}", group(address, n));
    }
}

/// Six groups, and four octets.
pub(super) fn write_embedded(address: u128, out: &mut Vec<u8>) {
    for n in 0..6 {
        _ = write!(out, "{:x}:", group(address, n));
    }
    write_ipv4(address, out);
}
