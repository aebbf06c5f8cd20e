//! Networks: an address finds the smallest one that it is in.

use std::fmt;
use std::net::IpAddr;
use std::net::Ipv4Addr;

use bstr::ByteSlice;

use crate::lookup::address::parse;
use crate::lookup::ranges::Number;
use crate::lookup::ranges::Ranges;
use crate::lookup::values::NO_MATCH;

/// An address as `$fromhost-ip` and people write it: one of IPv4 inside IPv6 (`::ffff:10.0.0.1`)
/// is IPv4, and a zone (`%eth0`) does not count.
#[inline]
pub(super) fn address(text: &[u8]) -> Option<IpAddr> {
    let found = parse(text).or_else(|| parse(&text[..memchr::memchr(b'%', text)?]));
    found.map(|address| address.to_canonical())
}

/// A network: its first address, and how many leading bits all its addresses have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prefix {
    first: IpAddr,
    bits: u8,
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

/// Why a text is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Address,
    Length,
}

impl Prefix {
    /// `10.0.0.0/8`, `2001:db8::/32`, or a single address. What lies in `::ffff:0:0/96` is IPv4.
    /// The flag says that the address has bits beyond the prefix, which are left out.
    pub(super) fn parse(text: &[u8]) -> Result<(Self, bool), Fault> {
        let text = text.trim();
        let (address, bits) = match text.split_once_str("/") {
            Some((address, bits)) => (address, Some(length(bits).ok_or(Fault::Length)?)),
            None => (text, None),
        };
        let address = parse(address).ok_or(Fault::Address)?;
        let whole: u8 = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(whole);
        if bits > whole {
            return Err(Fault::Length);
        }
        let (address, bits) = match (address.to_canonical(), bits.checked_sub(96)) {
            (inner @ IpAddr::V4(_), Some(bits)) if address.is_ipv6() => (inner, bits),
            _ => (address, bits),
        };
        let first = match address {
            IpAddr::V4(v4) => IpAddr::V4((v4.to_bits() & mask4(bits)).into()),
            IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & mask6(bits)).into()),
        };
        Ok((Self { first, bits }, first != address))
    }
}

/// One to three digits.
fn length(text: &[u8]) -> Option<u8> {
    let digits = !text.is_empty() && text.len() <= 3 && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_| digits)?.parse().ok()
}

const fn mask4(bits: u8) -> u32 {
    match u32::MAX.checked_shl(32 - bits as u32) {
        Some(mask) => mask,
        None => 0,
    }
}

const fn mask6(bits: u8) -> u128 {
    match u128::MAX.checked_shl(128 - bits as u32) {
        Some(mask) => mask,
        None => 0,
    }
}

/// A network of one address family, while the table is read.
#[derive(Clone, Copy, Debug)]
struct Net<N> {
    first: N,
    last: N,
    /// The rows in order: of two for one network, the later counts.
    row: u32,
    value: u32,
}

/// Collects networks.
#[derive(Debug, Default)]
pub(super) struct Collector {
    v4: Vec<Net<u32>>,
    v6: Vec<Net<u128>>,
    rows: u32,
}

impl Collector {
    pub(super) const fn len(&self) -> usize {
        self.v4.len() + self.v6.len()
    }

    pub(super) fn add(&mut self, prefix: Prefix, value: u32) {
        let row = self.rows;
        self.rows += 1;
        match prefix.first {
            IpAddr::V4(first) => {
                let first = first.to_bits();
                let last = first | !mask4(prefix.bits);
                self.v4.push(Net { first, last, row, value });
            }
            IpAddr::V6(first) => {
                let first = first.to_bits();
                let last = first | !mask6(prefix.bits);
                self.v6.push(Net { first, last, row, value });
            }
        }
    }

    /// The networks, and how many rows were given up for later ones.
    pub(super) fn finish(self) -> (Networks, usize) {
        let prefixes = self.len();
        let (v4, twice4) = ranges(self.v4, |last| last.checked_add(1));
        let (v6, twice6) = ranges(self.v6, |last| last.checked_add(1));
        let twice = twice4 + twice6;
        (Networks { v4, v6, prefixes: prefixes - twice }, twice)
    }
}

/// What a table of networks is for looking up.
#[derive(Debug)]
pub(super) struct Networks {
    v4: Ranges<u32>,
    v6: Ranges<u128>,
    prefixes: usize,
}

impl Networks {
    #[inline]
    pub(super) fn get(&self, address: IpAddr) -> u32 {
        match address {
            IpAddr::V4(v4) => self.v4.get(v4.to_bits()),
            IpAddr::V6(v6) => self.v6.get(v6.to_bits()),
        }
    }

    /// Of a number, as `ip42num()` makes it.
    pub(super) fn get_number(&self, number: i64) -> u32 {
        u32::try_from(number).map_or(NO_MATCH, |bits| self.get(Ipv4Addr::from_bits(bits).into()))
    }

    pub(super) const fn len(&self) -> usize {
        self.prefixes
    }
}

/// Nested networks become ranges side by side, in each of which one network is the smallest.
fn ranges<N: Number>(mut nets: Vec<Net<N>>, next: impl Fn(N) -> Option<N>) -> (Ranges<N>, usize) {
    // The larger of two that begin at one address comes first, and is cut off by the smaller.
    nets.sort_unstable_by_key(|net| (net.first, std::cmp::Reverse(net.last), net.row));
    let rows = nets.len();
    nets.dedup_by(|later, earlier| {
        let same = (later.first, later.last) == (earlier.first, earlier.last);
        if same {
            *earlier = *later;
        }
        same
    });
    let twice = rows - nets.len();
    let mut cut = Cut { starts: Vec::new(), meanings: Vec::new() };
    // Those that the current place lies in, the smallest last.
    let mut open: Vec<Net<N>> = Vec::new();
    for net in nets {
        close(&mut open, Some(net.first), &next, &mut cut);
        cut.at(net.first, net.value);
        open.push(net);
    }
    close(&mut open, None, &next, &mut cut);
    (cut.finish(), twice)
}

/// Ends the networks that end before `until`: what is around them goes on behind them.
fn close<N: Number>(
    open: &mut Vec<Net<N>>,
    until: Option<N>,
    next: impl Fn(N) -> Option<N>,
    cut: &mut Cut<N>,
) {
    while let Some(net) = open.pop_if(|net| until.is_none_or(|until| net.last < until)) {
        if let Some(behind) = next(net.last) {
            cut.at(behind, open.last().map_or(NO_MATCH, |around| around.value));
        }
    }
}

/// Ranges that are being written, from left to right.
struct Cut<N> {
    starts: Vec<N>,
    meanings: Vec<u32>,
}

impl<N: Number> Cut<N> {
    /// From `start` on it is `meaning`.
    fn at(&mut self, start: N, meaning: u32) {
        if self.starts.last() == Some(&start) {
            self.starts.pop();
            self.meanings.pop();
        }
        if self.meanings.last().copied().unwrap_or(NO_MATCH) != meaning {
            self.starts.push(start);
            self.meanings.push(meaning);
        }
    }

    fn finish(mut self) -> Ranges<N> {
        if self.starts.first().is_some_and(|first| *first > N::MIN) {
            self.starts.insert(0, N::MIN);
            self.meanings.insert(0, NO_MATCH);
        }
        Ranges::new(&self.starts, &self.meanings)
    }
}
