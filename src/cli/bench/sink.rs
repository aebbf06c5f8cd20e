//! The verifying sink: takes whatever a relay sends, over TCP and UDP on one port, and keeps books.

use std::fs::File;
use std::io;
use std::io::BufWriter;
use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::net::UdpSocket;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use socket2::Domain;
use socket2::Socket;
use socket2::Type;

use crate::base::clock::monotonic;
use crate::base::limits::MESSAGE_BYTES_MAX;
use crate::base::limits::TCP_READ_BYTES;
use crate::cli::bench::error::BenchError;
use crate::cli::bench::frames::Cut;
use crate::cli::bench::frames::Framing;
use crate::cli::bench::frames::cut;
use crate::cli::bench::ledger::Ids;
use crate::cli::bench::ledger::Ledger;
use crate::cli::bench::relp;
use crate::cli::bench::relp::Taken;
use crate::cli::bench::send::is_timeout;
use crate::cli::bench::time::Stamps;
use crate::cli::bench::time::wait_until;

/// How long a blocked call may keep a thread from noticing that it should stop.
const CALL: Duration = Duration::from_millis(200);
const BACKLOG: i32 = 512;
/// Receive buffer asked for on UDP, bytes; the kernel may grant less.
const DATAGRAM_BUFFER: usize = 4 << 20;
/// The largest UDP payload.
const DATAGRAM_BYTES: usize = 65_535;

/// A pause in reading, to see what a relay does with a collector that hangs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stall {
    /// Frames after which it begins.
    pub after: u64,
    pub time: Duration,
}

/// Where and how to listen.
#[derive(Clone, Debug)]
pub(super) struct SinkPlan {
    pub listen: SocketAddr,
    pub framing: Framing,
    pub ids: Ids,
    pub stall: Option<Stall>,
    /// Where to write what came, one frame a line.
    pub output: Option<PathBuf>,
}

/// A look at a running sink.
#[derive(Clone, Copy, Debug)]
pub(super) struct Glance {
    /// Messages, duplicates left out as far as they can be told.
    pub received: u64,
    pub bytes: u64,
    /// When the first and the last frames came.
    pub first: Option<Instant>,
    pub last: Option<Instant>,
    /// Until when the sink does not read; may be over.
    pub stalled_until: Option<Instant>,
}

impl Glance {
    /// For how long nothing came that could have come; `None` before the first frame.
    pub(super) fn idle(&self) -> Option<Duration> {
        let since = self.last.max(self.stalled_until);
        since.map(|since| monotonic().saturating_duration_since(since))
    }
}

/// A running sink.
#[derive(Debug)]
pub(super) struct Sink {
    shared: Arc<Shared>,
    address: SocketAddr,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    stop: AtomicBool,
    framing: Framing,
    stamps: Stamps,
}

#[derive(Debug)]
struct State {
    ledger: Ledger,
    output: Option<BufWriter<File>>,
    /// The first error that writing the output met.
    failure: Option<io::Error>,
    stall: Option<Stall>,
    glance: Glance,
}

impl Sink {
    /// Listens and begins to take.
    ///
    /// # Errors
    /// When the port is taken, or the output cannot be created.
    pub(super) fn start(plan: &SinkPlan, stamps: Stamps) -> Result<Self, BenchError> {
        let at = |source| BenchError::io(format!("cannot listen on {}", plan.listen), source);
        let (listener, address) = listen(plan.listen).map_err(at)?;
        let datagrams = bind(address).map_err(at)?;
        let output = match &plan.output {
            Some(path) => Some(BufWriter::new(
                File::create(path).map_err(|source| BenchError::io(path.display(), source))?,
            )),
            None => None,
        };
        let glance = Glance { received: 0, bytes: 0, first: None, last: None, stalled_until: None };
        let ledger = Ledger::new(plan.ids)?;
        let state = State { ledger, output, failure: None, stall: plan.stall, glance };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            stop: AtomicBool::new(false),
            framing: plan.framing,
            stamps,
        });
        let threads = [
            thread::spawn({
                let shared = Arc::clone(&shared);
                move || accept(&listener, &shared)
            }),
            thread::spawn({
                let shared = Arc::clone(&shared);
                move || take_datagrams(&datagrams, &shared)
            }),
        ];
        Ok(Self { shared, address, threads: threads.into() })
    }

    /// Where it listens, with the port that it got.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn look(&self) -> Glance {
        let state = self.shared.state();
        let (received, bytes) = (state.ledger.received(), state.ledger.bytes);
        Glance { received, bytes, ..state.glance }
    }

    /// Latencies count from messages due now on.
    pub(super) fn measure(&self) {
        let now = self.shared.stamps.now();
        self.shared.state().ledger.measure_from(now);
    }

    /// Closes everything and returns the books.
    ///
    /// # Errors
    /// When the output could not be written.
    pub(super) fn stop(self) -> Result<Ledger, BenchError> {
        self.shared.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().map_err(|_| BenchError::Relay("the sink panicked".to_owned()))?;
        }
        let mut state = self.shared.state();
        if let Some(output) = &mut state.output
            && let Err(error) = output.flush()
        {
            state.failure.get_or_insert(error);
        }
        match state.failure.take() {
            Some(source) => Err(BenchError::io("cannot write what came", source)),
            None => Ok(std::mem::replace(&mut state.ledger, Ledger::new(Ids::Ignored)?)),
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    // Bounds `accept` as well.
    socket.set_read_timeout(Some(CALL))?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    let listener: TcpListener = socket.into();
    let address = listener.local_addr()?;
    Ok((listener, address))
}

fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
    socket.set_recv_buffer_size(DATAGRAM_BUFFER)?;
    socket.set_read_timeout(Some(CALL))?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Blocks while the sink plays a collector that hangs.
    fn wait_out_stall(&self) {
        let until = self.state().glance.stalled_until;
        while let Some(until) = until
            && !self.stopping()
            && monotonic() < until
        {
            wait_until(until.min(monotonic() + CALL));
        }
    }

    /// Takes the whole frames at the start of `bytes`; returns how many bytes they were. What is
    /// to be answered is added to `answers`.
    fn take(&self, bytes: &[u8], answers: &mut Vec<u8>) -> usize {
        let mut state = self.state();
        let now = state.arrived(self.stamps);
        let mut used = 0;
        if self.framing == Framing::Relp {
            return state.take_relp(bytes, answers, now);
        }
        loop {
            match cut(self.framing, &bytes[used..]) {
                Cut::Frame { start, end, next } => {
                    state.enter(&bytes[used + start..used + end], now);
                    used += next;
                }
                Cut::More => break,
                Cut::Broken => {
                    state.ledger.take_torn();
                    used = bytes.len();
                    break;
                }
            }
        }
        state.begin_stall();
        used
    }
}

impl State {
    /// Notes that something came; when that was, microseconds since 1970.
    fn arrived(&mut self, stamps: Stamps) -> u64 {
        let now = monotonic();
        self.glance.first.get_or_insert(now);
        self.glance.last = Some(now);
        stamps.of(now)
    }

    /// As [`Shared::take`], of a RELP session.
    fn take_relp(&mut self, bytes: &[u8], answers: &mut Vec<u8>, now: u64) -> usize {
        let mut used = 0;
        loop {
            match relp::take(&bytes[used..], answers) {
                Ok(Some((taken, length))) => {
                    if let Taken::Message(text) = taken {
                        self.enter(text, now);
                    }
                    used += length;
                }
                Ok(None) => break,
                Err(()) => {
                    self.ledger.take_torn();
                    used = bytes.len();
                    break;
                }
            }
        }
        self.begin_stall();
        used
    }

    fn enter(&mut self, frame: &[u8], now: u64) {
        self.ledger.take(frame, now);
        if let Some(output) = &mut self.output
            && let Err(error) = output.write_all(frame).and_then(|()| output.write_all(b"\n"))
        {
            self.failure.get_or_insert(error);
            self.output = None;
        }
    }

    fn begin_stall(&mut self) {
        if let Some(stall) = self.stall
            && self.ledger.frames >= stall.after
        {
            self.glance.stalled_until = Some(monotonic() + stall.time);
            self.stall = None;
        }
    }
}

/// Takes connections, each in a thread of its own, until the sink stops and they have ended.
fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut readers: Vec<JoinHandle<()>> = Vec::new();
    while !shared.stopping() {
        match listener.accept() {
            Ok((stream, _)) => {
                let shared = Arc::clone(shared);
                readers.retain(|reader| !reader.is_finished());
                readers.push(thread::spawn(move || take_stream(stream, &shared)));
            }
            Err(error) if is_timeout(&error) => {}
            // Out of descriptors, or the peer left early; neither ends a sink.
            Err(_) => wait_until(monotonic() + CALL),
        }
    }
    for reader in readers {
        // A reader that panicked has left its books behind, up to there.
        reader.join().unwrap_or_default();
    }
}

fn take_stream(mut stream: TcpStream, shared: &Shared) {
    let bounded = stream
        .set_read_timeout(Some(CALL))
        .and_then(|()| stream.set_write_timeout(Some(CALL)))
        .and_then(|()| stream.set_nodelay(true));
    if bounded.is_err() {
        return;
    }
    let mut bytes = vec![0; TCP_READ_BYTES];
    let (mut filled, mut answers) = (0, Vec::new());
    while !shared.stopping() {
        shared.wait_out_stall();
        match stream.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if is_timeout(&error) => continue,
            Err(_) => break,
        }
        let used = shared.take(&bytes[..filled], &mut answers);
        if !relp::answer(&mut stream, &mut answers, || shared.stopping()) {
            break;
        }
        bytes.copy_within(used..filled, 0);
        filled -= used;
        if filled == bytes.len() {
            if filled >= MESSAGE_BYTES_MAX {
                shared.state().ledger.take_torn();
                filled = 0;
            } else {
                bytes.resize(filled * 2, 0);
            }
        }
    }
    if filled > 0 {
        shared.state().ledger.take_torn();
    }
}

fn take_datagrams(socket: &UdpSocket, shared: &Shared) {
    let mut bytes = vec![0; DATAGRAM_BYTES];
    while !shared.stopping() {
        shared.wait_out_stall();
        if let Ok(read) = socket.recv(&mut bytes) {
            let mut state = shared.state();
            let now = state.arrived(shared.stamps);
            let frame = bytes[..read].strip_suffix(b"\n").unwrap_or(&bytes[..read]);
            state.enter(frame, now);
            state.begin_stall();
        }
    }
}
