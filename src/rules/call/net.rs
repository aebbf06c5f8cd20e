//! Functions of addresses.

use std::io::Write as _;
use std::net::IpAddr;
use std::net::Ipv4Addr;

use crate::rules::call::Answer;
use crate::rules::call::Invocation;
use crate::rules::call::Plain;
use crate::rules::call::Takes;

pub(super) const ROUTINES: &[(&str, Plain)] = &[
    ("ip42num", Plain { takes: &[Takes::Text], run: ip42num, varies: false }),
    ("ipv42num", Plain { takes: &[Takes::Text], run: ip42num, varies: false }),
    ("is_in_subnet", Plain { takes: &[Takes::Text], run: is_in_subnet, varies: false }),
    ("num2ipv4", Plain { takes: &[Takes::Value], run: num2ipv4, varies: false }),
];

/// The number of an IPv4 address, -1 where it is none.
fn ip42num(call: &Invocation<'_>, _: &mut Vec<u8>) -> Answer {
    Answer::Number(dotted(call.text(0)).map_or(-1, i64::from))
}

/// Four groups of digits with dots between, spaces around them. As rsyslog has it, the first and
/// the last may be empty, and of a group above 255 the rest goes to the one before, modulo 2^32.
fn dotted(text: &[u8]) -> Option<u32> {
    let text = trimmed(text);
    let mut groups = text.split(|byte| *byte == b'.');
    let mut number = 0_u32;
    for at in 0..4 {
        let group = groups.next()?;
        if group.is_empty() && matches!(at, 1 | 2) {
            return None;
        }
        let digits = group.iter().try_fold(0_u32, |n, byte| {
            let digit = byte.is_ascii_digit().then(|| u32::from(byte - b'0'))?;
            Some(n.wrapping_mul(10).wrapping_add(digit))
        });
        number = number.wrapping_shl(8).wrapping_add(digits?);
    }
    groups.next().is_none().then_some(number)
}

/// Without spaces in front and behind; tabs stay.
fn trimmed(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|byte| *byte != b' ').unwrap_or(text.len());
    let end = text.iter().rposition(|byte| *byte != b' ').map_or(start, |last| last + 1);
    &text[start..end]
}

fn num2ipv4(call: &Invocation<'_>, out: &mut Vec<u8>) -> Answer {
    match call.whole(0).and_then(|number| u32::try_from(number).ok()) {
        // Writing into a vector does not fail.
        Some(number) => _ = write!(out, "{}", Ipv4Addr::from(number)),
        None => out.extend_from_slice(b"-1"),
    }
    Answer::Text
}

/// Whether an address is of a network `address/bits`; no where one of them is none.
fn is_in_subnet(call: &Invocation<'_>, _: &mut Vec<u8>) -> Answer {
    Answer::Number(i64::from(inside(call.text(0), call.text(1)).unwrap_or(false)))
}

fn inside(address: &[u8], network: &[u8]) -> Option<bool> {
    let (network, bits) = std::str::from_utf8(network).ok()?.split_once('/')?;
    let address: IpAddr = std::str::from_utf8(address).ok()?.parse().ok()?;
    let bits: u32 = bits.bytes().all(|b| b.is_ascii_digit()).then(|| bits.parse().ok())??;
    match (address, network.parse().ok()?) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let rest = 32_u32.checked_sub(bits)?;
            let differ = u32::from(address) ^ u32::from(network);
            Some(differ.checked_shr(rest).unwrap_or(0) == 0)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let rest = 128_u32.checked_sub(bits)?;
            let differ = u128::from(address) ^ u128::from(network);
            Some(differ.checked_shr(rest).unwrap_or(0) == 0)
        }
        _ => Some(false),
    }
}
