//! Addresses that nobody shall see (rsyslog `mmanon`).

mod address;
mod scan;

use bstr::ByteSlice;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Char;
use crate::config::param::Kind::Exact;
use crate::config::param::Kind::Positive;
use crate::config::param::Params;
use crate::config::param::Spec;
use crate::message::Draft;
use crate::modifier::AVAILABILITY;
use crate::modifier::dice::Dice;

pub const NAME: &str = "mmanon";

/// What it takes.
pub static MODULE: Module = Module {
    name: NAME,
    role: Role::Modifier,
    doc: "Makes addresses in messages anonymous.",
    availability: AVAILABILITY,
    module: &[],
    instance: &[PARAMS],
};

/// Of IPv4 addresses.
const MODES: &[&str] = &["simple", "random", "random-consistent", "zero", "rewrite"];
const MODES_IPV6: &[&str] = &["random", "random-consistent", "zero"];

static PARAMS: &[Spec] = &[
    Spec::new("ipv4.enable", Bool, "on", "Looks for IPv4 addresses."),
    Spec::new("ipv4.mode", Exact(MODES), "zero", "What becomes of their last bits.")
        .alias(&["mode"]),
    Spec::new("ipv4.bits", Positive, "16", "How many bits, 1 to 32."),
    Spec::new("ipv4.replaceChar", Char, "x", "What replaces digits in simple mode.")
        .alias(&["replacementChar"]),
    Spec::new("ipv6.enable", Bool, "on", "Looks for IPv6 addresses."),
    Spec::new("ipv6.anonMode", Exact(MODES_IPV6), "zero", "What becomes of their last bits."),
    Spec::new("ipv6.bits", Positive, "96", "How many bits, 1 to 128."),
    Spec::new("embeddedIpv4.enable", Bool, "on", "Looks for IPv6 with IPv4 inside."),
    Spec::new(
        "embeddedIpv4.anonMode",
        Exact(MODES_IPV6),
        "zero",
        "What becomes of their last bits.",
    ),
    Spec::new("embeddedIpv4.bits", Positive, "96", "How many bits, 1 to 128."),
];

/// What becomes of the last bits of a number.
#[derive(Clone, Debug)]
enum Mode {
    Zero,
    /// Others each time.
    Random(Dice),
    /// Others, the same for the same address. rsyslogd remembers them all; a keyed hash of the
    /// address needs no memory, and gives each shard the same.
    Consistent(Dice),
}

/// How many last bits, and what becomes of them.
#[derive(Clone, Debug)]
struct Rule {
    bits: u32,
    mode: Mode,
}

impl Rule {
    /// `family.enable`, `family.bits` and the parameter `mode`; `None` if it is off.
    fn compile(
        family: &str,
        mode: &str,
        (default, max): (u32, u32),
        params: &Params,
        diags: &mut Diagnostics,
    ) -> Option<Self> {
        let bits = bits(&format!("{family}.bits"), (default, max), params, diags);
        let on = params.bool(&format!("{family}.enable")).unwrap_or(true);
        let mode = match params.str(mode) {
            Some("random") => Mode::Random(Dice::default()),
            Some("random-consistent") => Mode::Consistent(Dice::default()),
            _ => Mode::Zero,
        };
        on.then_some(Self { bits, mode })
    }

    /// The address without what it is to lose.
    fn apply(&self, address: u128) -> u128 {
        let mask = u128::MAX.checked_shl(self.bits).map_or(u128::MAX, |kept| !kept);
        let random = match &self.mode {
            Mode::Zero => 0,
            Mode::Random(dice) => dice.throw_wide(),
            Mode::Consistent(dice) => dice.of(address),
        };
        address & !mask | random & mask
    }
}

/// What becomes of IPv4 addresses.
#[derive(Clone, Debug)]
enum Ipv4 {
    /// The digits of so many last octets become another character; the length stays.
    Simple {
        octets: u32,
        with: u8,
    },
    Rewrite(Rule),
}

impl Ipv4 {
    fn compile(params: &Params, diags: &mut Diagnostics) -> Option<Self> {
        let rule = Rule::compile("ipv4", "ipv4.mode", (16, 32), params, diags)?;
        if !matches!(params.str("ipv4.mode"), Some("simple" | "rewrite")) {
            return Some(Self::Rewrite(rule));
        }
        let octets = rule.bits.div_ceil(8);
        if rule.bits % 8 != 0 {
            let text = format!("simple mode replaces whole octets: {} bits", octets * 8);
            diags.push(Diagnostic::error(params.loc("ipv4.bits"), text));
        }
        let with = params.bytes("ipv4.replaceChar").and_then(|text| text.first().copied());
        Some(Self::Simple { octets, with: with.unwrap_or(b'x') })
    }
}

/// An action of this module.
#[derive(Clone, Debug)]
pub struct Anon {
    ipv4: Option<Ipv4>,
    ipv6: Option<Rule>,
    embedded: Option<Rule>,
}

impl Anon {
    /// Reads its parameters.
    pub fn compile(params: &Params, diags: &mut Diagnostics) -> Self {
        Self {
            ipv4: Ipv4::compile(params, diags),
            ipv6: Rule::compile("ipv6", "ipv6.anonMode", (96, 128), params, diags),
            embedded: Rule::compile(
                "embeddedIpv4",
                "embeddedIpv4.anonMode",
                (96, 128),
                params,
                diags,
            ),
        }
    }

    /// Rewrites the addresses in `msg`. Header and structured data stay as they are.
    pub fn apply(&self, draft: &mut Draft<'_>) {
        if let Some(text) = self.rewrite(draft.bytes(draft.message.msg)) {
            draft.replace_msg(&text);
        }
    }

    /// The text with other addresses; `None` if there are none in it.
    ///
    /// As in rsyslog each kind is looked for at each place, and behind an address the search goes
    /// on one place later. The last byte alone is not looked at.
    fn rewrite(&self, text: &[u8]) -> Option<Vec<u8>> {
        memchr::memchr2(b'.', b':', text)?;
        let mut copy = Copy { text, done: 0, out: Vec::new() };
        let mut at = 0;
        while at + 2 <= text.len() {
            if !matches!(text[at], b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' | b':') {
                at += 1;
                continue;
            }
            if let Some(rule) = &self.embedded
                && let Some((length, ipv4)) = scan::embedded(&text[at..])
            {
                let address = address::embedded(&text[at..at + length], ipv4);
                at = copy.to(at, length);
                address::write_embedded(rule.apply(address), &mut copy.out);
            }
            if let Some(ipv4) = &self.ipv4
                && let Some(length) = scan::ipv4(&text[at..])
            {
                let from = at;
                at = copy.to(at, length);
                ipv4_to(ipv4, &text[from..at], &mut copy.out);
            }
            if let Some(rule) = &self.ipv6
                && let Some(length) = scan::ipv6(&text[at..])
            {
                let address = address::ipv6(&text[at..at + length]);
                at = copy.to(at, length);
                address::write_ipv6(rule.apply(address), &mut copy.out);
            }
            at += 1;
        }
        copy.finish()
    }
}

/// Writes what stands in place of an IPv4 address.
fn ipv4_to(ipv4: &Ipv4, text: &[u8], out: &mut Vec<u8>) {
    match ipv4 {
        Ipv4::Rewrite(rule) => {
            let address = rule.apply(address::ipv4(text).into());
            address::write_ipv4(address, out);
        }
        Ipv4::Simple { octets, with } => {
            // As on rsyslogd digits right before the address are hidden, too, where all of it is.
            if *octets == 4 {
                let before = out.iter_mut().rev().take_while(|byte| byte.is_ascii_digit());
                before.for_each(|digit| *digit = *with);
            }
            let mut hidden = *octets;
            let mut start = text.len();
            while hidden > 0 && start > 0 {
                start -= 1;
                hidden -= u32::from(text[start] == b'.' || start == 0);
            }
            // The dot before the first hidden octet is no digit.
            out.extend_from_slice(&text[..start]);
            let shown = |byte: &u8| if byte.is_ascii_digit() { *with } else { *byte };
            out.extend(text[start..].iter().map(shown));
        }
    }
}

/// A text that is copied as far as it stays.
struct Copy<'a> {
    text: &'a [u8],
    done: usize,
    out: Vec<u8>,
}

impl Copy<'_> {
    /// Copies up to `at`, and leaves out `length` bytes; where they end.
    fn to(&mut self, at: usize, length: usize) -> usize {
        self.out.extend_from_slice(&self.text[self.done..at]);
        self.done = at + length;
        self.done
    }

    /// All of it, if anything was left out.
    fn finish(mut self) -> Option<Vec<u8>> {
        if self.done == 0 {
            return None;
        }
        self.out.extend_from_slice(&self.text[self.done..]);
        Some(self.out)
    }
}

/// How many bits are hidden, at most `max`.
fn bits(name: &str, (default, max): (u32, u32), params: &Params, diags: &mut Diagnostics) -> u32 {
    let Some(given) = params.int(name) else { return default };
    match u32::try_from(given) {
        Ok(bits) if bits <= max => bits,
        _ => {
            let text = params.bytes(name).map(|text| text.as_bstr()).unwrap_or_default();
            let text = format!("'{name}' is {text}, and an address has {max} bits: all of them");
            diags.push(Diagnostic::error(params.loc(name), text));
            max
        }
    }
}
