//! A sender over RELP that keeps each message until it was acknowledged, and sends it again on the
//! next connection: what it counts as acknowledged may not be lost, whatever happens to the relay.
//!
//! RELP: `TXNR SP COMMAND SP DATALEN [SP DATA] LF`. Written anew here, so that it does not share a
//! fault with the relay under test.

use std::collections::VecDeque;
use std::io;
use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use memchr::memchr;

use crate::base::clock::monotonic;
use crate::cli::bench::block::Block;
use crate::cli::bench::block::Wire;
use crate::cli::bench::corpus::Corpus;
use crate::cli::bench::corpus::Kind;
use crate::cli::bench::error::BenchError;
use crate::cli::bench::fault::relay::Site;
use crate::cli::bench::ids::Stamp;
use crate::cli::bench::send::is_timeout;
use crate::cli::bench::time::Stamps;
use crate::cli::bench::time::pause;

/// Messages that may be without an answer.
pub(super) const WINDOW: usize = 128;
/// How long a blocked call may keep the thread from noticing that it should stop.
const CALL: Duration = Duration::from_millis(50);
/// How long a session may go without an answer before it is given up.
const SILENCE: Duration = Duration::from_secs(20);
/// After it the transaction numbers begin again (librelp).
const TXNR_MAX: u64 = 999_999_999;
const LINES: usize = 2_000;
const SEED: u64 = 7;
const OPEN: &[u8] = b"relp_version=0\nrelp_software=bongsu-bench,1\ncommands=syslog";

#[derive(Debug, Default)]
struct Shared {
    acknowledged: AtomicU64,
    refused: AtomicU64,
    stop: AtomicBool,
}

/// Messages on their way over one session after another.
#[derive(Debug)]
pub(super) struct Acked {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

impl Acked {
    /// Begins to send `messages`; the relay need not be there yet.
    pub(super) fn start(site: &Site, messages: u64) -> Self {
        let shared = Arc::new(Shared::default());
        let mut client = Client {
            to: site.input,
            block: Block::render(&Corpus::generate(Kind::Mixed, LINES, SEED), Wire::Datagram, true),
            stamp: Stamp::new(0),
            stamps: Stamps::new(),
            next: 0,
            messages,
            waiting: VecDeque::new(),
            shared: Arc::clone(&shared),
        };
        Self { shared, thread: thread::spawn(move || client.run()) }
    }

    pub(super) fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    pub(super) fn is_done(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits until all were acknowledged, at most for `limit`; how many that is.
    pub(super) fn finish(self, limit: Duration) -> Result<u64, BenchError> {
        let began = monotonic();
        while !self.thread.is_finished() && began.elapsed() < limit {
            pause(CALL);
        }
        self.shared.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| BenchError::Relay("the sender panicked".to_owned()))?;
        match self.shared.refused.load(Ordering::Relaxed) {
            0 => Ok(self.shared.acknowledged.load(Ordering::Relaxed)),
            refused => Err(BenchError::Relay(format!("{refused} messages were refused"))),
        }
    }
}

struct Client {
    to: SocketAddr,
    block: Block,
    stamp: Stamp,
    stamps: Stamps,
    /// Messages that were made.
    next: u64,
    messages: u64,
    /// Sent or to be sent, and not acknowledged; the oldest first.
    waiting: VecDeque<Vec<u8>>,
    shared: Arc<Shared>,
}

impl Client {
    fn stopping(&self) -> bool {
        self.shared.stop.load(Ordering::Relaxed)
    }

    fn run(&mut self) {
        while !self.stopping() && (self.next < self.messages || !self.waiting.is_empty()) {
            // An error ends the session; the next one goes on with what is unanswered.
            if self.session().is_err() {
                pause(CALL);
            }
        }
    }

    fn session(&mut self) -> io::Result<()> {
        let mut stream = TcpStream::connect_timeout(&self.to, CALL)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(CALL))?;
        stream.set_write_timeout(Some(SILENCE))?;
        let mut answers = Answers::default();
        stream.write_all(&frame(1, "open", OPEN))?;
        if !self.answer(&mut stream, &mut answers)?.1 {
            return Err(io::Error::other("refused"));
        }
        // Transaction numbers of what is waiting: `first` is the oldest one's.
        let (mut first, mut sent) = (2, 0);
        loop {
            let mut out = Vec::new();
            while sent < WINDOW && self.fill(sent) {
                let number = (first + sent as u64 - 1) % TXNR_MAX + 1;
                out.extend_from_slice(&frame(number, "syslog", &self.waiting[sent]));
                sent += 1;
            }
            stream.write_all(&out)?;
            if sent == 0 {
                return stream.write_all(&frame(first, "close", b""));
            }
            let (number, good) = self.answer(&mut stream, &mut answers)?;
            // Answers come in order.
            if number != first {
                return Err(io::Error::other("an answer out of order"));
            }
            first = first % TXNR_MAX + 1;
            sent -= 1;
            self.waiting.pop_front();
            let counter = if good { &self.shared.acknowledged } else { &self.shared.refused };
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Makes sure that there is a message number `at` among those that wait; false if there are
    /// no more.
    fn fill(&mut self, at: usize) -> bool {
        if at < self.waiting.len() {
            return true;
        }
        if self.next == self.messages {
            return false;
        }
        let index = usize::try_from(self.next).unwrap_or(0) % self.block.len();
        self.stamp.at(self.stamps.now());
        self.block.patch(index..index + 1, &mut self.stamp);
        self.waiting.push_back(self.block.bytes(index..index + 1).to_vec());
        self.next += 1;
        true
    }

    /// The next answer: its transaction number, and whether it is a good one.
    fn answer(&self, stream: &mut TcpStream, answers: &mut Answers) -> io::Result<(u64, bool)> {
        let until = monotonic() + SILENCE;
        loop {
            if let Some(answer) = answers.next()? {
                return Ok(answer);
            }
            if self.stopping() || monotonic() > until {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let mut bytes = [0; 16 << 10];
            match stream.read(&mut bytes) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => answers.bytes.extend_from_slice(&bytes[..read]),
                Err(error) if is_timeout(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn frame(number: u64, command: &str, data: &[u8]) -> Vec<u8> {
    let mut frame = format!("{number} {command} {}", data.len()).into_bytes();
    if !data.is_empty() {
        frame.push(b' ');
        frame.extend_from_slice(data);
    }
    frame.push(b'\n');
    frame
}

/// What the relay said, and was not looked at yet.
#[derive(Debug, Default)]
struct Answers {
    bytes: Vec<u8>,
    at: usize,
}

impl Answers {
    /// The next whole `rsp` frame.
    fn next(&mut self) -> io::Result<Option<(u64, bool)>> {
        let rest = &self.bytes[self.at..];
        let wrong = || io::Error::other("no RELP frame");
        let mut fields = rest.splitn(3, |byte| *byte == b' ');
        let (Some(number), Some(command), Some(tail)) =
            (fields.next(), fields.next(), fields.next())
        else {
            return self.more();
        };
        let digits = tail.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == tail.len() {
            return self.more();
        }
        let length = text(&tail[..digits]).and_then(|text| text.parse::<usize>().ok());
        let length = length.ok_or_else(wrong)?;
        let data = if length == 0 { digits } else { digits + 1 };
        let Some(end) = tail.get(data + length) else { return self.more() };
        if *end != b'\n' {
            return Err(wrong());
        }
        let answer = &tail[data..data + length];
        let code = &answer[..memchr(b' ', answer).unwrap_or(answer.len())];
        let number = text(number).and_then(|text| text.parse().ok()).ok_or_else(wrong)?;
        if command == b"serverclose" {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let found = (number, code == b"200");
        self.at += rest.len() - tail.len() + data + length + 1;
        Ok(Some(found))
    }

    fn more(&mut self) -> io::Result<Option<(u64, bool)>> {
        self.bytes.drain(..self.at);
        self.at = 0;
        Ok(None)
    }
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_however_they_are_cut() {
        let bytes = b"1 rsp 92 200 OK\nrelp_version=0\nrelp_software=librelp,1.10.0,http://librelp.adiscon.com\ncommands=syslog\n2 rsp 6 200 OK\n3 rsp 3 500\n4 rsp 0\n";
        let length = bytes.len() - b"2 rsp 6 200 OK\n3 rsp 3 500\n4 rsp 0\n1 rsp 92 \n".len();
        let bytes = String::from_utf8(bytes.to_vec()).unwrap().replace("92", &length.to_string());
        for step in 1..bytes.len() {
            let mut answers = Answers::default();
            let mut found = Vec::new();
            for piece in bytes.as_bytes().chunks(step) {
                answers.bytes.extend_from_slice(piece);
                while let Some(answer) = answers.next().unwrap() {
                    found.push(answer);
                }
            }
            assert_eq!(found, [(1, true), (2, true), (3, false), (4, false)], "{step}");
        }
        let mut answers = Answers { bytes: b"0 serverclose 0\n".to_vec(), at: 0 };
        assert!(answers.next().is_err());
    }
}
