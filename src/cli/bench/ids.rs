//! Sequence ids: a token at the end of a message's text, which a relay carries along however it
//! renders the message's head.
//!
//! ```text
//!  bongsu-id=00003:000000001027:1795322775123456:16a3f9
//!            │     │            │                │ └ check value of that text, hexadecimal
//!            │     │            │                └ bytes of text before the token it covers
//!            │     │            └ when it was due to be sent, µs since 1970
//!            │     └ sequence within the connection, from 0
//!            └ connection, from 0
//! ```
//!
//! Every field has a fixed width, so a sender renders a frame once and afterwards overwrites
//! digits in place. The check covers text that no relay has a reason to change, back to the last
//! quote or the like: it finds frames that were torn or run together there.

use memchr::memmem;

/// What a token begins with.
const PREFIX: &[u8] = b" bongsu-id=";
const CONNECTION_DIGITS: usize = 5;
const SEQUENCE_DIGITS: usize = 12;
const STAMP_DIGITS: usize = 16;
/// `connection:sequence:stamp`, the part that changes from message to message.
const VARIABLE: usize = CONNECTION_DIGITS + 1 + SEQUENCE_DIGITS + 1 + STAMP_DIGITS;
/// `:` and the two check fields.
const CHECK: usize = 1 + 2 + 4;
/// The whole token, bytes.
pub(super) const TOKEN: usize = PREFIX.len() + VARIABLE + CHECK;
/// The most text that a check covers, bytes.
const COVERED_MAX: usize = 96;
/// Connections that an id can tell apart.
pub(super) const CONNECTIONS_MAX: u32 = 99_999;

/// One message's identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id {
    /// The sender's connection, from 0.
    pub connection: u32,
    /// Position on that connection, from 0.
    pub sequence: u64,
    /// When the message was due to be sent, microseconds since 1970.
    pub stamp: u64,
}

/// What a received frame says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// An intact id.
    Id(Id),
    /// No token at all: not a message of ours, or one cut off before its end.
    None,
    /// A token that does not fit its fields or the text before it.
    Damaged,
}

/// Finds tokens in frames.
#[derive(Debug)]
pub(super) struct Reader {
    prefix: memmem::FinderRev<'static>,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self { prefix: memmem::FinderRev::new(PREFIX) }
    }

    /// Reads the id of `frame`, wherever its last token stands (templates may write behind it).
    pub(super) fn read(&self, frame: &[u8]) -> Found {
        let at = match frame.len().checked_sub(TOKEN) {
            Some(at) if frame[at..].starts_with(PREFIX) => at,
            _ => match self.prefix.rfind(frame) {
                Some(at) => at,
                None => return Found::None,
            },
        };
        let (text, token) = frame.split_at(at);
        parse(text, token).map_or(Found::Damaged, Found::Id)
    }
}

fn parse(text: &[u8], token: &[u8]) -> Option<Id> {
    let fields = token.get(PREFIX.len()..TOKEN)?;
    let (connection, rest) = field(fields, CONNECTION_DIGITS)?;
    let (sequence, rest) = field(rest, SEQUENCE_DIGITS)?;
    let (stamp, rest) = field(rest, STAMP_DIGITS)?;
    let covered = usize::try_from(decimal(&rest[..2])?).ok()?;
    let tail = text.get(text.len().checked_sub(covered)?..)?;
    let intact = covered <= COVERED_MAX && rest[2..] == hexadecimal(check(tail));
    let connection = u32::try_from(connection).ok()?;
    intact.then_some(Id { connection, sequence, stamp })
}

/// `digits` digits and a colon; what follows them.
fn field(bytes: &[u8], digits: usize) -> Option<(u64, &[u8])> {
    let (number, rest) = bytes.split_at_checked(digits)?;
    Some((decimal(number)?, rest.strip_prefix(b":")?))
}

fn decimal(digits: &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for &digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u64::from(digit);
    }
    Some(value)
}

fn hexadecimal(value: u16) -> [u8; 4] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [12, 8, 4, 0].map(|shift| DIGITS[usize::from(value >> shift & 15)])
}

/// A check value of `tail`.
fn check(tail: &[u8]) -> u16 {
    // Fibonacci hashing a word at a time: the high bits of a product depend on all bits below.
    let mix = |mixed: u64, word: [u8; 8]| {
        (mixed.rotate_left(29) ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    };
    let (words, rest) = tail.as_chunks();
    let mixed = words.iter().fold(0, |mixed, &word| mix(mixed, word));
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let mixed = mix(mixed, last).to_le_bytes();
    u16::from_le_bytes([mixed[6], mixed[7]])
}

/// Where the token goes: behind the text, except in CEE, where it joins the last string so that
/// the JSON stays JSON.
fn place(frame: &[u8]) -> usize {
    let value = frame.trim_ascii_end().iter().rposition(|&byte| byte != b'}');
    match value {
        Some(at) if frame[at] == b'"' && memmem::find(frame, b"@cee:").is_some() => at,
        _ => frame.len(),
    }
}

/// How much of the text before the token no relay has a reason to render differently: plain bytes
/// behind whatever ends a tag or another field. Without such an end it may all be head.
fn covered(text: &[u8]) -> usize {
    let ends = |&at: &usize| match text[at] {
        b' ' => at > 0 && matches!(text[at - 1], b':' | b'-' | b']'),
        byte => byte < b' ' || matches!(byte, b'"' | b'\\' | 0x7f),
    };
    let end = (0..text.len()).rev().find(ends);
    end.map_or(0, |end| (text.len() - end - 1).min(COVERED_MAX))
}

/// Appends `frame` with a token in it to `out`; returns where in `out` the variable part begins.
pub(super) fn embed(frame: &[u8], out: &mut Vec<u8>) -> usize {
    let (text, rest) = frame.split_at(place(frame));
    let covered = covered(text);
    out.extend_from_slice(text);
    out.extend_from_slice(PREFIX);
    let slot = out.len();
    out.extend_from_slice(&Stamp::new(0).digits);
    out.extend_from_slice(format!(":{covered:02}").as_bytes());
    out.extend_from_slice(&hexadecimal(check(&text[text.len() - covered..])));
    out.extend_from_slice(rest);
    slot
}

/// The variable part for the next message of one connection, kept as digits.
#[derive(Clone, Debug)]
pub(super) struct Stamp {
    digits: [u8; VARIABLE],
}

impl Stamp {
    /// The first message of `connection`.
    pub(super) fn new(connection: u32) -> Self {
        let mut digits = [b'0'; VARIABLE];
        digits[CONNECTION_DIGITS] = b':';
        digits[CONNECTION_DIGITS + 1 + SEQUENCE_DIGITS] = b':';
        set(&mut digits[..CONNECTION_DIGITS], u64::from(connection));
        Self { digits }
    }

    /// Messages from here on are due at `stamp`, microseconds since 1970.
    pub(super) fn at(&mut self, stamp: u64) {
        set(&mut self.digits[VARIABLE - STAMP_DIGITS..], stamp);
    }

    /// Writes the id over the variable part that begins at `slot`, and goes on to the next
    /// sequence.
    pub(super) fn patch(&mut self, slot: usize, frames: &mut [u8]) {
        frames[slot..slot + VARIABLE].copy_from_slice(&self.digits);
        for digit in self.digits[..CONNECTION_DIGITS + 1 + SEQUENCE_DIGITS].iter_mut().rev() {
            if *digit != b'9' {
                *digit += 1;
                break;
            }
            *digit = b'0';
        }
    }
}

fn set(digits: &mut [u8], mut value: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (value % 10).to_le_bytes()[0];
        value /= 10;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame_with(text: &[u8], connection: u32, stamp: u64, skip: u64) -> Vec<u8> {
        let mut frame = Vec::new();
        let slot = embed(text, &mut frame);
        let mut next = Stamp::new(connection);
        next.at(stamp);
        for _ in 0..=skip {
            next.patch(slot, &mut frame);
        }
        frame
    }

    #[test]
    fn the_token_is_the_documented_text() {
        let frame =
            frame_with(b"<13>Nov 22 11:22:33 h t: msg 00000042", 3, 1_795_322_775_123_456, 27);
        let (text, token) = frame.split_at(frame.len() - TOKEN);
        assert_eq!(text, b"<13>Nov 22 11:22:33 h t: msg 00000042");
        assert!(token.starts_with(b" bongsu-id=00003:000000000027:1795322775123456:12"));
    }

    #[test]
    fn a_relay_may_render_another_head_and_write_behind_the_token() {
        let reader = Reader::new();
        let frame = frame_with(b"<13>Nov 22 11:22:33 h t: ok", 1, 5, 2);
        let text = &frame[memmem::find(&frame, b"ok").unwrap()..];
        let id = Found::Id(Id { connection: 1, sequence: 2, stamp: 5 });
        assert_eq!(reader.read(&[b"<13>1 2026-11-22T11:22:33Z h t - - - ", text].concat()), id);
        assert_eq!(reader.read(&[b"{\"msg\":\"", text, b"\",\"host\":\"h\"}"].concat()), id);
    }

    #[test]
    fn cee_stays_json() {
        let frame =
            frame_with(br#"<13>Nov 22 11:22:33 h t: @cee: {"a": 1, "b": {"msg": "x"}}"#, 0, 9, 0);
        let json = &frame[memmem::find(&frame, b"{").unwrap()..];
        let value: serde_json::Value = serde_json::from_slice(json).unwrap();
        assert!(value["b"]["msg"].as_str().unwrap().starts_with("x bongsu-id=00000:"));
        let id = Id { connection: 0, sequence: 0, stamp: 9 };
        assert_eq!(Reader::new().read(&frame), Found::Id(id));
    }

    #[test]
    fn the_check_keeps_out_of_the_head() {
        assert_eq!(covered(b"<13>Nov 22 11:22:33 h job done"), 0);
        assert_eq!(covered(b"<13>Nov 22 11:22:33 h job[7] done"), 4);
        assert_eq!(covered(b"<13>1 - h job - - - done"), 4);
        assert_eq!(covered(b"<13>Nov 22 11:22:33 h job: a \"b\" cd"), 3);
        assert_eq!(covered(&[b"<13>Nov 22 11:22:33 h job: ", &[b'x'; 200][..]].concat()), 96);
    }

    #[test]
    fn damage_is_told_from_absence() {
        let reader = Reader::new();
        let frame = frame_with(b"<13>1 - h a - - - some text here", 0, 0, 0);
        assert_eq!(reader.read(b"<46>rsyslogd: start"), Found::None);
        assert_eq!(reader.read(&frame[..frame.len() - 1]), Found::Damaged);
        let mut torn = frame.clone();
        torn.drain(25..27);
        assert_eq!(reader.read(&torn), Found::Damaged);
        let mut wrong = frame;
        wrong[28] ^= 1;
        assert_eq!(reader.read(&wrong), Found::Damaged);
    }

    proptest! {
        #[test]
        fn what_is_embedded_is_read_back(
            text in prop::collection::vec(any::<u8>(), 0..60),
            connection in 0..=CONNECTIONS_MAX,
            stamp in 0..10_u64.pow(16),
            skip in 0..1200_u64,
        ) {
            let frame = frame_with(&text, connection, stamp, skip);
            let id = Id { connection, sequence: skip, stamp };
            prop_assert_eq!(Reader::new().read(&frame), Found::Id(id));
            prop_assert_eq!(frame.len(), text.len() + TOKEN);
        }

        #[test]
        fn no_bytes_upset_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..90)) {
            let frame = [PREFIX, &bytes[..]].concat();
            let found = Reader::new().read(&frame);
            prop_assert!(!matches!(found, Found::None));
        }
    }
}
