//! Addresses as texts. A table is asked with one for each message, and reads a million of them: the
//! standard library's parser takes as long for an IPv6 address as finding it among a million.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

/// Groups of 16 bits in an IPv6 address.
const GROUPS: u32 = 8;

/// An IPv4 or IPv6 address, in the forms that [`IpAddr`] takes.
#[inline]
pub(super) fn parse(text: &[u8]) -> Option<IpAddr> {
    match v4(text) {
        Some(bits) => Some(Ipv4Addr::from_bits(bits).into()),
        None => v6(text).map(|bits| Ipv6Addr::from_bits(bits).into()),
    }
}

/// Four decimal numbers of up to three digits, without leading zeros.
#[inline]
fn v4(text: &[u8]) -> Option<u32> {
    let (mut bits, mut octet, mut digits, mut dots) = (0_u32, 0_u32, 0, 0);
    for byte in text {
        match byte {
            b'0'..=b'9' if digits == 0 || octet > 0 => {
                octet = octet * 10 + u32::from(byte - b'0');
                digits += 1;
                if octet > 255 {
                    return None;
                }
            }
            b'.' if digits > 0 && dots < 3 => {
                bits = bits << 8 | octet;
                (octet, digits) = (0, 0);
                dots += 1;
            }
            _ => return None,
        }
    }
    (dots == 3 && digits > 0).then_some(bits << 8 | octet)
}

/// Groups of up to four hexadecimal digits between colons, an IPv4 address in place of the last
/// two, and once `::` in place of one or more zeros.
fn v6(text: &[u8]) -> Option<u128> {
    let (mut bits, mut groups) = (0_u128, 0);
    // How many groups stand before `::`.
    let mut gap = None;
    let mut rest = text;
    if let Some(behind) = rest.strip_prefix(b"::") {
        (gap, rest) = (Some(0), behind);
    }
    while !rest.is_empty() || groups == 0 && gap.is_none() {
        let (group, digits) = hexadecimal(rest)?;
        match rest.get(digits) {
            Some(b'.') => {
                bits = bits << 32 | u128::from(v4(rest)?);
                (groups, rest) = (groups + 2, b"");
            }
            None => {
                bits = bits << 16 | u128::from(group);
                (groups, rest) = (groups + 1, b"");
            }
            Some(b':') => {
                bits = bits << 16 | u128::from(group);
                groups += 1;
                rest = &rest[digits + 1..];
                match rest.split_first() {
                    Some((b':', behind)) if gap.is_none() => (gap, rest) = (Some(groups), behind),
                    Some((b':', _)) | None => return None,
                    Some(_) => {}
                }
            }
            Some(_) => return None,
        }
        if groups > GROUPS {
            return None;
        }
    }
    let Some(before) = gap else { return (groups == GROUPS).then_some(bits) };
    if groups == GROUPS {
        return None;
    }
    let behind = 16 * (groups - before);
    // All of them stand behind it where the shift is too far.
    let head = (bits >> behind).checked_shl(16 * (GROUPS - before)).unwrap_or(0);
    Some(head | bits & ((1 << behind) - 1))
}

/// What a byte is as a hexadecimal digit; [`NO_DIGIT`] if it is none. Digits and letters are mixed
/// in addresses, so that a branch between them would be mispredicted every other time.
static HEXADECIMAL: [u8; 256] = hexadecimal_table();
const NO_DIGIT: u8 = 16;

const fn hexadecimal_table() -> [u8; 256] {
    let mut table = [NO_DIGIT; 256];
    let digits = b"0123456789abcdef";
    let mut at = 0_u8;
    while at < NO_DIGIT {
        let digit = digits[at as usize];
        table[digit as usize] = at;
        table[digit.to_ascii_uppercase() as usize] = at;
        at += 1;
    }
    table
}

/// One to four digits: their number, and how many they are.
#[inline]
fn hexadecimal(text: &[u8]) -> Option<(u16, usize)> {
    let (mut number, mut digits) = (0, 0);
    for byte in text {
        let digit = HEXADECIMAL[usize::from(*byte)];
        if digit == NO_DIGIT {
            break;
        }
        if digits == 4 {
            return None;
        }
        number = number << 4 | u16::from(digit);
        digits += 1;
    }
    (digits > 0).then_some((number, digits))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn same(text: &str) {
        assert_eq!(parse(text.as_bytes()), text.parse().ok(), "{text:?}");
    }

    #[test]
    fn odd_ones_are_what_the_standard_library_says() {
        for text in [
            "",
            ".",
            ":",
            "::",
            ":::",
            "::1",
            "1::",
            "1:",
            ":1",
            "1::2::3",
            "::1:",
            "0.0.0.0",
            "01.2.3.4",
            "1.2.3",
            "1.2.3.4.5",
            "1.2.3.256",
            "1.2.3.0000",
            "1..3.4",
            "1.2.3.4.",
            ".1.2.3.4",
            "+1.2.3.4",
            "1:2:3:4:5:6:7:8",
            "1:2:3:4:5:6:7::",
            "::2:3:4:5:6:7:8",
            "1:2:3:4::5:6:7:8",
            "1:2:3:4:5:6:7",
            "1:2:3:4:5:6:7:8:9",
            "1:2:3:4:5:6:1.2.3.4",
            "1:2:3:4:5:6:7:1.2.3.4",
            "::1.2.3.4",
            "1.2.3.4::",
            "::1.2.3.4:5",
            "::ffff:10.0.0.1",
            "::FFFF:a",
            "12345::",
            "0000::0001",
            "g::",
            "1:2:3:4:5:1.2.3.4",
            "::1:2:3:4:5:1.2.3.4",
            "::1:2:3:4:5:6:1.2.3.4",
            "fe80::1%eth0",
            " ::1",
            "::01.2.3.4",
            "::1234.1.1.1",
            "::abc.1.1.1",
        ] {
            same(text);
        }
    }

    proptest! {
        #[test]
        fn addresses_are_what_the_standard_library_says(
            v4 in any::<Ipv4Addr>(),
            v6 in any::<Ipv6Addr>(),
            mask in any::<[bool; 8]>(),
            place in any::<usize>(),
            odd in prop_oneof![proptest::char::range(' ', '~'), any::<char>()],
            pieces in proptest::collection::vec(
                proptest::sample::select(vec![":", "::", "0", "1", "ff", "a9F0", "1.2.3.4", ".", "255"]),
                0..12,
            ),
        ) {
            let four = v4.to_string();
            same(&four);
            // With any character in place of one, and without one.
            let (head, rest) = four.split_at(place % four.len());
            let tail = rest.split_at(1).1;
            same(&format!("{head}{odd}{tail}"));
            same(&format!("{head}{tail}"));
            same(&v6.to_string());
            let groups = v6.segments().into_iter().zip(mask);
            let zeros = groups.map(|(group, zero)| if zero { 0 } else { group });
            let mut segments = [0; 8];
            segments.iter_mut().zip(zeros).for_each(|(to, group)| *to = group);
            same(&Ipv6Addr::from(segments).to_string());
            same(&pieces.concat());
        }
    }
}
