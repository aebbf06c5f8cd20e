//! A sender over RELP that keeps each message until it was acknowledged, and sends it again on the
//! next connection: what it counts as acknowledged may not be lost, whatever happens to the relay.

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

use crate::base::clock::monotonic;
use crate::cli::bench::block::Block;
use crate::cli::bench::block::Wire;
use crate::cli::bench::corpus::Corpus;
use crate::cli::bench::corpus::Kind;
use crate::cli::bench::error::BenchError;
use crate::cli::bench::fault::relay::Site;
use crate::cli::bench::fault::relp;
use crate::cli::bench::fault::relp::Frame;
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
const LINES: usize = 2_000;
const SEED: u64 = 7;

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
        let mut said = Vec::new();
        let mut out = Vec::new();
        relp::write(&mut out, Frame { number: 1, command: b"open", data: relp::OFFERS });
        stream.write_all(&out)?;
        if !self.answer(&mut stream, &mut said)?.1 {
            return Err(io::Error::other("refused"));
        }
        // The transaction numbers of the oldest message without an answer, and of the next one.
        let (mut oldest, mut next, mut sent) = (2, 2, 0);
        loop {
            out.clear();
            while sent < WINDOW && self.fill(sent) {
                let data = &self.waiting[sent];
                relp::write(&mut out, Frame { number: next, command: b"syslog", data });
                next = relp::following(next);
                sent += 1;
            }
            if sent == 0 {
                relp::write(&mut out, Frame { number: next, command: b"close", data: b"" });
                return stream.write_all(&out);
            }
            stream.write_all(&out)?;
            let (number, good) = self.answer(&mut stream, &mut said)?;
            // Answers come in order.
            if number != oldest {
                return Err(io::Error::other("an answer out of order"));
            }
            oldest = relp::following(oldest);
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
    fn answer(&self, stream: &mut TcpStream, said: &mut Vec<u8>) -> io::Result<(u64, bool)> {
        let until = monotonic() + SILENCE;
        loop {
            if let Some((frame, used)) = relp::read(said)? {
                if frame.command != b"rsp" {
                    return Err(io::ErrorKind::ConnectionAborted.into());
                }
                let answer = (frame.number, frame.data.starts_with(b"200"));
                said.drain(..used);
                return Ok(answer);
            }
            if self.stopping() || monotonic() > until {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let mut bytes = [0; 16 << 10];
            match stream.read(&mut bytes) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => said.extend_from_slice(&bytes[..read]),
                Err(error) if is_timeout(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }
}
