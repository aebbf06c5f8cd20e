//! RELP for the load generator and the sink: a window of unanswered messages on one side, an
//! answer for each on the other. The sink takes frames apart in its own way.

use std::io;
use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use crate::base::num::count;
use crate::cli::bench::send::is_timeout;
use crate::cli::bench::time::pause;
use crate::parse::relp;
use crate::parse::relp::Command;
use crate::parse::relp::Counter;
use crate::parse::relp::Decoder;
use crate::parse::relp::FrameLimits;

/// Messages that the generator leaves unanswered at most.
const WINDOW: u64 = 16_384;
/// Between two looks at the answers.
const LOOK: Duration = Duration::from_micros(200);
/// One read of answers, bytes.
const ANSWERS: usize = 64 << 10;
const LIMITS: FrameLimits = FrameLimits { data_bytes_max: ANSWERS, abort: true };

/// The generator's end of a session. A thread of its own counts the answers.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) stream: TcpStream,
    pub(super) counter: Counter,
    pub(super) sent: u64,
    heard: Arc<Heard>,
}

#[derive(Debug, Default)]
struct Heard {
    answers: AtomicU64,
    /// The connection has ended, or something else than answers came.
    ended: AtomicBool,
}

impl Session {
    /// Opens a session on a connection.
    pub(super) fn open(mut stream: TcpStream) -> io::Result<Self> {
        let mut hello = Vec::new();
        relp::write_open(&mut hello, 1);
        stream.write_all(&hello)?;
        let heard = Arc::new(Heard::default());
        let (ears, into) = (stream.try_clone()?, Arc::clone(&heard));
        thread::spawn(move || {
            // Whoever waits for answers sees that none will come.
            listen(ears, &into).unwrap_or_default();
            into.ended.store(true, Ordering::Release);
        });
        Ok(Self { stream, counter: Counter::at(2), sent: 0, heard })
    }

    /// Waits until no more than `most` messages are unanswered; false if told to stop meanwhile.
    fn wait(&self, most: u64, stopping: impl Fn() -> bool) -> io::Result<bool> {
        // The open is answered as well.
        while self.sent + 1 > self.heard.answers.load(Ordering::Acquire) + most {
            if self.heard.ended.load(Ordering::Acquire) {
                return Err(io::Error::other("the session was ended by the receiver"));
            }
            if stopping() {
                return Ok(false);
            }
            pause(LOOK);
        }
        Ok(true)
    }

    /// Waits until the window has room.
    pub(super) fn room(&self, stopping: impl Fn() -> bool) -> io::Result<bool> {
        self.wait(WINDOW, stopping)
    }

    /// Waits until all was answered, or there is nothing to wait for.
    pub(super) fn answered(&self, stopping: impl Fn() -> bool) {
        self.wait(0, stopping).unwrap_or_default();
    }
}

/// Counts answers until the connection ends.
fn listen(mut stream: TcpStream, heard: &Heard) -> io::Result<()> {
    let mut decoder = Decoder::default();
    let mut bytes = Vec::new();
    let mut buffer = vec![0; ANSWERS];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => bytes.extend_from_slice(&buffer[..n]),
            Err(error) if is_timeout(&error) => continue,
            Err(error) => return Err(error),
        }
        let (mut at, end, mut answers) = (0, bytes.len(), 0);
        while let Some(frame) = decoder
            .frame(LIMITS, &mut bytes, &mut at, end)
            .map_err(|fault| io::Error::other(fault.text()))?
        {
            if frame.command != Command::Rsp || relp::code(frame.data.of(&bytes)) != Some(200) {
                return Err(io::Error::other("no answer"));
            }
            answers += 1;
        }
        bytes.drain(..at);
        heard.answers.fetch_add(answers, Ordering::Release);
    }
}

/// A frame as the sink sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken<'a> {
    Message(&'a [u8]),
    /// `open`, `close`: answered, and no message.
    Other,
}

/// The first frame of `bytes`, whose answer goes to `answers`, and how long it is; `None` if it is
/// not complete.
///
/// # Errors
/// If there is no frame.
pub(super) fn take<'a>(
    bytes: &'a [u8],
    answers: &mut Vec<u8>,
) -> Result<Option<(Taken<'a>, usize)>, ()> {
    /// The longest header that is waited for.
    const HEADER: usize = 64;
    let head = &bytes[..bytes.len().min(HEADER)];
    let mut words = head.splitn(3, |byte| *byte == b' ');
    let (Some(txnr), Some(command), Some(rest)) = (words.next(), words.next(), words.next()) else {
        return if head.len() < HEADER { Ok(None) } else { Err(()) };
    };
    let Some(digits) = rest.iter().position(|byte| !byte.is_ascii_digit()) else {
        return if head.len() < HEADER { Ok(None) } else { Err(()) };
    };
    let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse::<usize>().ok();
    let (Some(number), Some(length)) = (number(txnr), number(&rest[..digits])) else {
        return Err(());
    };
    let start = txnr.len() + command.len() + 2 + digits + usize::from(length > 0);
    let Some(trailer) = bytes.get(start + length) else { return Ok(None) };
    if *trailer != b'\n' {
        return Err(());
    }
    let used = start + length + 1;
    let (taken, answer) = match command {
        b"syslog" => (Taken::Message(&bytes[start..start + length]), "6 200 OK"),
        b"open" => (Taken::Other, "37 200 OK\nrelp_version=0\ncommands=syslog"),
        _ => (Taken::Other, "0"),
    };
    // Writing to memory does not fail.
    writeln!(answers, "{number} rsp {answer}").unwrap_or_default();
    Ok(Some((taken, used)))
}

/// Sends all of `answers`; false if the peer is gone or `stopping` said so.
pub(super) fn answer(
    stream: &mut TcpStream,
    answers: &mut Vec<u8>,
    stopping: impl Fn() -> bool,
) -> bool {
    let mut sent = 0;
    while sent < answers.len() {
        match stream.write(&answers[sent..]) {
            Ok(n) => sent += n,
            Err(error) if is_timeout(&error) && !stopping() => {}
            Err(_) => return false,
        }
    }
    answers.clear();
    true
}

/// Numbers `frames` that begin with room for nine digits.
pub(super) fn number<'a>(frames: impl Iterator<Item = &'a mut [u8]>, session: &mut Session) {
    let mut numbered = 0;
    for frame in frames {
        session.counter.patch(frame);
        session.counter.step();
        numbered += 1;
    }
    session.sent += count(numbered);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sink_reads_what_is_written() {
        let mut stream = Vec::new();
        relp::write_open(&mut stream, 1);
        relp::write(&mut stream, 2, "syslog", b"a b\nc");
        relp::write(&mut stream, 3, "syslog", b"");
        relp::write(&mut stream, 4, "close", b"");
        let (mut at, mut messages, mut answers) = (0, Vec::new(), Vec::new());
        while let Some((taken, used)) = take(&stream[at..], &mut answers).unwrap() {
            if let Taken::Message(text) = taken {
                messages.push(text);
            }
            at += used;
        }
        assert_eq!((at, messages), (stream.len(), vec![&b"a b\nc"[..], b""]));
        let open = "1 rsp 37 200 OK\nrelp_version=0\ncommands=syslog\n";
        let expected = format!("{open}2 rsp 6 200 OK\n3 rsp 6 200 OK\n4 rsp 0\n");
        assert_eq!(String::from_utf8(answers).unwrap(), expected);
        assert_eq!(take(b"12 syslo", &mut Vec::new()), Ok(None));
        assert_eq!(take(b"1 syslog 3 abcd", &mut Vec::new()), Err(()));
        assert_eq!(take(b"x syslog 3 abc\n", &mut Vec::new()), Err(()));
    }
}
