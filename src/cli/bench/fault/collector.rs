//! A collector that misbehaves on order: it stalls, reads slowly, refuses, closes, resets, does not
//! answer. What it threw away unread is counted, since no sender over plain TCP can know of it.

use std::io;
use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use socket2::Domain;
use socket2::SockRef;
use socket2::Socket;
use socket2::Type;

use crate::base::clock::monotonic;
use crate::cli::bench::error::BenchError;
use crate::cli::bench::fault::relp;
use crate::cli::bench::fault::relp::Frame;
use crate::cli::bench::frames::Cut;
use crate::cli::bench::frames::Framing;
use crate::cli::bench::frames::cut;
use crate::cli::bench::ledger::Ids;
use crate::cli::bench::ledger::Ledger;
use crate::cli::bench::send::is_timeout;
use crate::cli::bench::time::Stamps;
use crate::cli::bench::time::pause;

/// How long a blocked call may keep a thread from seeing an order.
const CALL: Duration = Duration::from_millis(20);
/// The kernel's receive buffer, bytes: small, so that what is under way can be told.
const BUFFER: usize = 128 << 10;
/// One read, bytes.
const READ: usize = 64 << 10;
/// How long a collector that closes in order goes on reading.
const PARTING: Duration = Duration::from_millis(50);
const BACKLOG: i32 = 64;

/// What a collector speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speech {
    /// Syslog over TCP, octet counted.
    Plain,
    Relp,
}

/// A running collector on one TCP port.
#[derive(Debug)]
pub(super) struct Collector {
    shared: Arc<Shared>,
    address: SocketAddr,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    ledger: Mutex<Ledger>,
    stamps: Stamps,
    speech: Speech,
    orders: Orders,
    /// When something was last taken.
    last: Mutex<Option<Instant>>,
}

#[derive(Debug, Default)]
struct Orders {
    stop: AtomicBool,
    refuse: AtomicBool,
    stall: AtomicBool,
    mute: AtomicBool,
    /// Bytes a second and connection; 0 is as fast as can be.
    rate: AtomicU64,
    /// Each number is an order to all connections that are open then.
    resets: AtomicU64,
    closes: AtomicU64,
    /// Messages that the kernel had taken and a reset threw away.
    discarded: AtomicU64,
}

impl Collector {
    /// Listens on `address`, or, if `refuse`, only keeps it in mind.
    pub(super) fn start(
        address: SocketAddr,
        speech: Speech,
        refuse: bool,
    ) -> Result<Self, BenchError> {
        let shared = Arc::new(Shared {
            ledger: Mutex::new(Ledger::new(Ids::Required)?),
            stamps: Stamps::new(),
            speech,
            orders: Orders::default(),
            last: Mutex::new(None),
        });
        shared.orders.refuse.store(refuse, Ordering::Relaxed);
        let acceptor = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || accept(address, &shared))
        };
        Ok(Self { shared, address, acceptor: Some(acceptor) })
    }

    pub(super) const fn port(&self) -> u16 {
        self.address.port()
    }

    /// Whether connections are refused from now on.
    pub(super) fn refuse(&self, refuse: bool) {
        self.shared.orders.refuse.store(refuse, Ordering::Relaxed);
    }

    /// Whether connections are accepted and not read.
    pub(super) fn stall(&self, stall: bool) {
        self.shared.orders.stall.store(stall, Ordering::Relaxed);
    }

    /// Whether messages are taken and not acknowledged.
    pub(super) fn mute(&self, mute: bool) {
        self.shared.orders.mute.store(mute, Ordering::Relaxed);
    }

    /// Reads at most this many bytes a second of each connection; 0 lifts it.
    pub(super) fn slow(&self, rate: u64) {
        self.shared.orders.rate.store(rate, Ordering::Relaxed);
    }

    /// Resets every open connection.
    pub(super) fn reset(&self) {
        self.shared.orders.resets.fetch_add(1, Ordering::Relaxed);
    }

    /// Ends every open connection in order, as a collector does that is stopped.
    pub(super) fn close(&self) {
        self.shared.orders.closes.fetch_add(1, Ordering::Relaxed);
    }

    /// Messages that the kernel had acknowledged and that were never read.
    pub(super) fn discarded(&self) -> u64 {
        self.shared.orders.discarded.load(Ordering::Relaxed)
    }

    /// Messages that came, each once.
    pub(super) fn received(&self) -> u64 {
        self.shared.ledger().received()
    }

    /// Waits until `messages` came, or nothing has come for `idle`.
    pub(super) fn wait(&self, messages: u64, idle: Duration) {
        let began = monotonic();
        while self.received() < messages {
            let last = *self.shared.last.lock().unwrap_or_else(PoisonError::into_inner);
            if monotonic() >= last.unwrap_or(began).max(began) + idle {
                return;
            }
            pause(CALL);
        }
    }

    /// Ends it, and hands the books over.
    pub(super) fn stop(mut self) -> Result<Ledger, BenchError> {
        self.end();
        let empty = Ledger::new(Ids::Ignored)?;
        Ok(std::mem::replace(&mut *self.shared.ledger(), empty))
    }

    fn end(&mut self) {
        self.shared.orders.stop.store(true, Ordering::Relaxed);
        if let Some(acceptor) = self.acceptor.take() {
            // One that panicked has left its books behind, up to there.
            acceptor.join().unwrap_or_default();
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stopping(&self) -> bool {
        self.orders.stop.load(Ordering::Relaxed)
    }

    /// Takes the whole frames at the start of `bytes`, and puts what is to be answered into
    /// `answers`; returns how many bytes they were.
    fn take(&self, bytes: &[u8], answers: &mut Vec<u8>) -> io::Result<usize> {
        let mut ledger = self.ledger();
        let now = self.stamps.now();
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(monotonic());
        let taken = self.speech.frames(bytes, |frame| ledger.take(frame, now), answers);
        if taken.is_err() {
            ledger.take_torn();
        }
        if self.orders.mute.load(Ordering::Relaxed) {
            answers.clear();
        }
        taken
    }
}

impl Speech {
    /// Passes the messages of the whole frames at the start of `bytes` on. How many bytes they
    /// were.
    fn frames(
        self,
        bytes: &[u8],
        mut each: impl FnMut(&[u8]),
        answers: &mut Vec<u8>,
    ) -> io::Result<usize> {
        let mut used = 0;
        match self {
            Self::Plain => loop {
                match cut(Framing::Octet, &bytes[used..]) {
                    Cut::Frame { start, end, next } => {
                        each(&bytes[used + start..used + end]);
                        used += next;
                    }
                    Cut::More => return Ok(used),
                    Cut::Broken => return Err(io::ErrorKind::InvalidData.into()),
                }
            },
            Self::Relp => {
                while let Some((frame, length)) = relp::read(&bytes[used..])? {
                    let answer = match frame.command {
                        b"open" => [b"200 OK\n", relp::OFFERS].concat(),
                        _ => b"200 OK".to_vec(),
                    };
                    if frame.command == b"syslog" {
                        each(frame.data);
                    }
                    let number = frame.number;
                    relp::write(answers, Frame { number, command: b"rsp", data: &answer });
                    used += length;
                }
                Ok(used)
            }
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_recv_buffer_size(BUFFER)?;
    // Bounds `accept` as well.
    socket.set_read_timeout(Some(CALL))?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn accept(address: SocketAddr, shared: &Arc<Shared>) {
    let mut readers: Vec<JoinHandle<()>> = Vec::new();
    let mut listener = None;
    while !shared.stopping() {
        if shared.orders.refuse.load(Ordering::Relaxed) {
            listener = None;
            pause(CALL);
            continue;
        }
        let Some(open) = &listener else {
            match listen(address) {
                Ok(opened) => listener = Some(opened),
                // Connections of before may still hold the port for a moment.
                Err(_) => pause(CALL),
            }
            continue;
        };
        match open.accept() {
            Ok((stream, _)) => {
                let shared = Arc::clone(shared);
                readers.retain(|reader| !reader.is_finished());
                readers.push(thread::spawn(move || {
                    // An error ends a connection, and nothing else.
                    read(stream, &shared).unwrap_or_default();
                }));
            }
            Err(error) if is_timeout(&error) => {}
            Err(_) => pause(CALL),
        }
    }
    for reader in readers {
        reader.join().unwrap_or_default();
    }
}

fn read(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_read_timeout(Some(CALL))?;
    let orders = &shared.orders;
    let (resets, closes) = (&orders.resets, &orders.closes);
    let before = (resets.load(Ordering::Relaxed), closes.load(Ordering::Relaxed));
    let mut bytes = Vec::new();
    while !shared.stopping() {
        if resets.load(Ordering::Relaxed) != before.0 {
            return reset(stream, bytes, shared);
        }
        if closes.load(Ordering::Relaxed) != before.1 {
            return part(stream, bytes, shared);
        }
        if orders.stall.load(Ordering::Relaxed) {
            pause(CALL);
            continue;
        }
        let rate = orders.rate.load(Ordering::Relaxed);
        let most = if rate == 0 { READ } else { usize::try_from(rate / 50).unwrap_or(READ) };
        if !take(&mut stream, &mut bytes, most, shared)? {
            break;
        }
        if rate > 0 {
            pause(CALL);
        }
    }
    if !bytes.is_empty() && !shared.stopping() {
        shared.ledger().take_torn();
    }
    Ok(())
}

/// One read of `most` bytes; false at the end of the stream.
fn take(
    stream: &mut TcpStream,
    bytes: &mut Vec<u8>,
    most: usize,
    shared: &Shared,
) -> io::Result<bool> {
    let filled = bytes.len();
    bytes.resize(filled + most.max(1), 0);
    let read = match stream.read(&mut bytes[filled..]) {
        Ok(0) => {
            bytes.truncate(filled);
            return Ok(false);
        }
        Ok(read) => read,
        Err(error) if is_timeout(&error) => 0,
        Err(error) => return Err(error),
    };
    bytes.truncate(filled + read);
    if read > 0 {
        let mut answers = Vec::new();
        let used = shared.take(bytes, &mut answers)?;
        bytes.drain(..used);
        stream.write_all(&answers)?;
    }
    Ok(true)
}

/// Resets the connection. What the kernel holds by then counts as discarded, and so does the
/// message that was begun. The collector is busy for a moment first: until its kernel's buffer is
/// full or nothing is under way, since what came between the look and the reset would not be seen.
fn reset(stream: TcpStream, mut bytes: Vec<u8>, shared: &Shared) -> io::Result<()> {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
    stream.set_nonblocking(true)?;
    pause(CALL);
    let mut unread = vec![0; 8 * BUFFER];
    // A look leaves the bytes where they are, and so the window closed.
    let there = stream.peek(&mut unread).unwrap_or(0);
    drop(stream);
    bytes.extend_from_slice(&unread[..there]);
    let mut discarded = 0;
    let used = shared.speech.frames(&bytes, |_| discarded += 1, &mut Vec::new())?;
    discarded += u64::from(used < bytes.len());
    shared.orders.discarded.fetch_add(discarded, Ordering::Relaxed);
    Ok(())
}

/// Says that nothing more will be taken, reads on for a moment, and closes.
fn part(mut stream: TcpStream, mut bytes: Vec<u8>, shared: &Shared) -> io::Result<()> {
    stream.shutdown(std::net::Shutdown::Write)?;
    let until = monotonic() + PARTING;
    while monotonic() < until {
        if !take(&mut stream, &mut bytes, READ, shared)? {
            return Ok(());
        }
    }
    reset(stream, bytes, shared)
}
