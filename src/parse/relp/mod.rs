//! RELP, the reliable event logging protocol, without sockets: frames, offers and answers, and
//! what a server says to each command.
//!
//! ```text
//! TXNR SP COMMAND SP DATALEN [SP DATA] LF
//! 1 open 85 relp_version=0␊relp_software=…␊commands=syslog␊            client
//! 1 rsp 93 200 OK␊relp_version=0␊relp_software=…␊commands=syslog␊      server
//! 2 syslog 15 <13>the message␊  ->  2 rsp 6 200 OK␊
//! 3 close 0␊                    ->  3 rsp 0␊ 0 serverclose 0␊
//! ```
//!
//! TXNR counts the commands of a session, 1 to 999,999,999 and then 1 again; 0 is a hint that
//! belongs to none. COMMAND is 1 to 32 letters, DATALEN at most nine digits; where it is 0 the LF
//! follows at once. Answers come in the order of the commands.
//!
//! Seen from librelp 1.11 (rsyslogd 8.2302) and kept: leading zeros are taken; what cannot be
//! read, a number out of order and an unknown command end the session with `0 serverclose 0`;
//! `syslog` before `open` is answered with 500 and nothing more. Not kept: it answers a second
//! `open` twice, and takes messages under the number 0.

mod decode;
#[cfg(any(test, fuzzing))]
pub mod naive;
mod server;
#[cfg(test)]
mod tests;

pub use decode::Decoder;
pub use decode::FrameLimits;
pub use server::Ending;
pub use server::Server;
pub use server::Step;

use std::io::Write as _;

use crate::base::span::Span;

/// The largest number of a command.
pub const TXNR_MAX: u32 = 999_999_999;
/// Digits of it, and of a length.
pub const DIGITS_MAX: usize = 9;
/// Letters of a command.
pub const COMMAND_BYTES_MAX: usize = 32;
/// The longest header, with the byte behind it: two numbers, a command and three blanks.
pub const HEADER_BYTES_MAX: usize = 2 * DIGITS_MAX + COMMAND_BYTES_MAX + 3;

/// How this program introduces itself, with what it can do.
const OFFERS: &str = concat!(
    "relp_version=0\nrelp_software=bongsu,",
    env!("CARGO_PKG_VERSION"),
    "\ncommands=syslog"
);

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    Open,
    Syslog,
    Close,
    /// Answers the command of the same number.
    Rsp,
    /// A server says that it is about to end the connection.
    ServerClose,
    /// None that is known (`starttls` and `abort` are not to librelp either).
    Unknown,
}

impl Command {
    fn of(name: &[u8]) -> Self {
        match name {
            b"syslog" => Self::Syslog,
            b"rsp" => Self::Rsp,
            b"open" => Self::Open,
            b"close" => Self::Close,
            b"serverclose" => Self::ServerClose,
            _ => Self::Unknown,
        }
    }
}

/// A frame, its data in the receive buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// 0 is a hint.
    pub txnr: u32,
    pub command: Command,
    pub data: Span,
    /// It was longer than the limit, and this is its first part.
    pub truncated: bool,
}

/// Why a stream is no RELP, or none that is taken. Nothing behind it can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No number, one of more than nine digits, or no blank behind it.
    Txnr,
    /// No letters, more than 32, or no blank behind them.
    Command,
    /// No length, one of more than nine digits, or neither blank nor LF where it belongs.
    Length,
    /// The byte behind the data is no LF.
    Trailer,
    /// Longer than `maxDataSize`, where `oversizeMode` says abort.
    TooLong,
}

impl Fault {
    /// In words, for reports.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Txnr => "a frame that does not begin with its number",
            Self::Command => "a frame without a command",
            Self::Length => "a frame without a length",
            Self::Trailer => "a frame that does not end with LF",
            Self::TooLong => "a frame longer than maxDataSize",
        }
    }
}

/// The number of the command that comes after `txnr`.
#[must_use]
pub const fn next(txnr: u32) -> u32 {
    if txnr >= TXNR_MAX { 1 } else { txnr + 1 }
}

/// The number of the command that is `n` commands behind `txnr`, which is not 0.
#[must_use]
pub const fn after(txnr: u32, n: u32) -> u32 {
    // Both are below 2^32 and the sum is taken in more: no overflow.
    let sum = (txnr as u64 - 1 + n as u64) % TXNR_MAX as u64;
    #[expect(clippy::cast_possible_truncation, reason = "less than TXNR_MAX")]
    let wrapped = sum as u32;
    wrapped + 1
}

/// Appends a frame.
pub fn write(out: &mut Vec<u8>, txnr: u32, command: &str, data: &[u8]) {
    let (length, blank) = (data.len(), if data.is_empty() { "" } else { " " });
    // Writing to memory does not fail.
    if write!(out, "{txnr} {command} {length}{blank}").is_ok() {
        out.extend_from_slice(data);
        out.push(b'\n');
    }
}

/// Appends the `open` of a client.
pub fn write_open(out: &mut Vec<u8>, txnr: u32) {
    write(out, txnr, "open", OFFERS.as_bytes());
}

/// Appends `200 OK` to the command `txnr`: what a server writes most.
#[inline]
pub fn write_ok(out: &mut Vec<u8>, txnr: u32) {
    push_number(out, txnr);
    out.extend_from_slice(b" rsp 6 200 OK\n");
}

fn push_number(out: &mut Vec<u8>, mut n: u32) {
    let mut text = [b'0'; 10];
    let mut at = text.len();
    loop {
        at -= 1;
        text[at] = DIGITS[(n % 10) as usize];
        n /= 10;
        if n == 0 {
            break;
        }
    }
    out.extend_from_slice(&text[at..]);
}

const DIGITS: [u8; 10] = *b"0123456789";

/// A number that is written with nine digits, over and over: one for each message that is sent.
#[derive(Clone, Copy, Debug)]
pub struct Counter {
    digits: [u8; DIGITS_MAX],
}

impl Counter {
    /// Stands at `txnr`.
    #[must_use]
    pub fn at(txnr: u32) -> Self {
        let mut digits = [b'0'; DIGITS_MAX];
        let mut rest = txnr;
        for digit in digits.iter_mut().rev() {
            *digit = DIGITS[(rest % 10) as usize];
            rest /= 10;
        }
        Self { digits }
    }

    /// Goes on to the next number.
    #[inline]
    pub fn step(&mut self) {
        for digit in self.digits.iter_mut().rev() {
            if *digit < b'9' {
                *digit += 1;
                return;
            }
            *digit = b'0';
        }
        // Behind 999,999,999 comes 1.
        *self = Self::at(1);
    }

    /// Writes it to the start of a frame that was made with room for nine digits.
    #[inline]
    pub fn patch(&self, frame: &mut [u8]) {
        if let Some(room) = frame.first_chunk_mut() {
            *room = self.digits;
        }
    }
}

/// Makes the message at `out[start..]` the data of a `syslog` frame, whose number, nine digits,
/// [`Counter::patch`] writes: the bytes can then be sent as they lie there, and sent again.
///
/// # Panics
/// If `start` is past the end of `out`.
#[inline]
pub fn frame_syslog(out: &mut Vec<u8>, start: usize) {
    const HEAD: &[u8] = b"000000000 syslog ";
    // A length has as many digits as a u32.
    let mut header = [b' '; HEAD.len() + 11];
    let mut at = header.len();
    let mut rest = out.len() - start;
    if rest > 0 {
        // The blank before the data.
        at -= 1;
    }
    loop {
        at -= 1;
        header[at] = DIGITS[rest % 10];
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    at -= HEAD.len();
    header[at..at + HEAD.len()].copy_from_slice(HEAD);
    let header = &header[at..];
    let end = out.len();
    out.resize(end + header.len(), 0);
    out.copy_within(start..end, start + header.len());
    out[start..start + header.len()].copy_from_slice(header);
    out.push(b'\n');
}

/// The code at the start of an answer's data; `None` if there is none (that of `close` is empty).
#[must_use]
pub fn code(data: &[u8]) -> Option<u16> {
    let digits = data.get(..3).filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
    if data.get(3).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0, |n, digit| n * 10 + u16::from(digit - b'0')))
}

/// What one end of a session offers the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offers {
    /// `relp_version=` with something that is no number.
    pub bad_version: bool,
    /// `syslog` is among `commands=`.
    pub syslog: bool,
}

impl Offers {
    /// Reads the data of an `open`, or the lines of its answer behind the first. What is not
    /// known is passed over.
    #[must_use]
    pub fn read(data: &[u8]) -> Self {
        let mut offers = Self::default();
        for line in data.split(|byte| *byte == b'\n') {
            if let Some(version) = line.strip_prefix(b"relp_version=") {
                offers.bad_version = version.is_empty() || !version.iter().all(u8::is_ascii_digit);
            } else if let Some(commands) = line.strip_prefix(b"commands=") {
                offers.syslog |= commands.split(|byte| *byte == b',').any(|c| c == b"syslog");
            }
        }
        offers
    }
}
