//! The load generator: threads that write a block of frames over their connections, over and over.

use std::io;
use std::io::Read;
use std::io::Write;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Shutdown;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::net::UdpSocket;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use socket2::Domain;
use socket2::Socket;
use socket2::Type;

use crate::base::clock::monotonic;
use crate::base::num::count;
use crate::cli::bench::block::Block;
use crate::cli::bench::block::Wire;
use crate::cli::bench::corpus::Corpus;
use crate::cli::bench::error::BenchError;
use crate::cli::bench::ids::Stamp;
use crate::cli::bench::pace::Pace;
use crate::cli::bench::relp;
use crate::cli::bench::relp::Session;
use crate::cli::bench::time::Stamps;
use crate::cli::bench::time::wait_until;

/// Bytes of one write: large enough that calls cost little, small enough that an id's stamp, made
/// just before the write, is the time of the write.
const WRITE_BYTES: usize = 128 << 10;
/// Datagrams of one call.
const DATAGRAMS: usize = 64;
/// How long a blocked call may keep a thread from noticing that it should stop.
const CALL: Duration = Duration::from_millis(200);
/// How long the peer may take to read the rest and close.
const LINGER: Duration = Duration::from_secs(2);

/// What to send, where to and how fast.
#[derive(Clone, Debug)]
pub(super) struct SendPlan {
    pub to: SocketAddr,
    pub wire: Wire,
    pub connections: u32,
    /// Loopback addresses to send from, 127.0.0.1 and up; `None` leaves it to the kernel.
    pub sources: Option<u32>,
    pub threads: u32,
    /// Messages a second over all connections; `None` is flat out.
    pub rate: Option<u64>,
    /// Messages over all connections; `None` is without end.
    pub messages: Option<u64>,
    /// Of the schedule when there is a rate, of the clock otherwise.
    pub duration: Option<Duration>,
    pub ids: bool,
}

/// What was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub messages: u64,
    /// On the wire, framing included.
    pub bytes: u64,
    /// From the first write to the end of the last.
    pub elapsed: Duration,
}

#[derive(Debug, Default)]
struct Shared {
    messages: AtomicU64,
    bytes: AtomicU64,
    stop: AtomicBool,
    done: AtomicUsize,
}

impl Shared {
    fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// A running sender.
#[derive(Debug)]
pub(super) struct Sender {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<io::Result<Instant>>>,
    started: Instant,
}

impl Sender {
    /// Opens every connection, then begins to send.
    ///
    /// # Errors
    /// When a socket cannot be bound or connected.
    pub(super) fn start(
        plan: &SendPlan,
        corpus: &Corpus,
        stamps: Stamps,
    ) -> Result<Self, BenchError> {
        let threads = plan.threads.clamp(1, plan.connections.max(1));
        let mut lanes: Vec<Vec<Lane>> = (0..threads).map(|_| Vec::new()).collect();
        for connection in 0..plan.connections.max(1) {
            let socket = connect(plan, connection).map_err(|source| {
                BenchError::io(format!("cannot connect to {}", plan.to), source)
            })?;
            let lane = Lane { socket, stamp: Stamp::new(connection) };
            lanes[usize::try_from(connection % threads).unwrap_or(0)].push(lane);
        }
        let block = Block::render(corpus, plan.wire, plan.ids);
        let shared = Arc::new(Shared::default());
        let started = monotonic();
        let threads = (0..).zip(lanes).map(|(index, lanes)| {
            let share = |total: u64| share(total, index, u64::from(threads));
            let mut worker = Worker {
                most: plan.messages.map_or(u64::MAX, share),
                rate: plan.rate.map(share),
                duration: plan.duration,
                block: block.clone(),
                at: 0,
                turn: 0,
                lanes,
                stamps,
                shared: Arc::clone(&shared),
            };
            thread::spawn(move || worker.run(started))
        });
        Ok(Self { threads: threads.collect(), shared, started })
    }

    /// Messages and bytes handed to the kernel so far.
    pub(super) fn progress(&self) -> (u64, u64) {
        let shared = &self.shared;
        (shared.messages.load(Ordering::Relaxed), shared.bytes.load(Ordering::Relaxed))
    }

    /// Whether all was handed to the kernel, or a thread failed.
    pub(super) fn is_done(&self) -> bool {
        self.shared.done.load(Ordering::Acquire) == self.threads.len()
    }

    /// Asks for an early end.
    pub(super) fn stop(&self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// The first one that a connection met.
    pub(super) fn join(self) -> Result<Sent, BenchError> {
        let mut last = self.started;
        for thread in self.threads {
            let ended = thread.join().unwrap_or_else(|_| Err(io::Error::other("sender panicked")));
            last = last.max(ended.map_err(|source| BenchError::io("while sending", source))?);
        }
        let messages = self.shared.messages.load(Ordering::Relaxed);
        let bytes = self.shared.bytes.load(Ordering::Relaxed);
        Ok(Sent { messages, bytes, elapsed: last.saturating_duration_since(self.started) })
    }
}

/// Part `index` of `parts` of `total`; the parts add up to it.
fn share(total: u64, index: u64, parts: u64) -> u64 {
    total / parts + u64::from(index < total % parts)
}

fn connect(plan: &SendPlan, connection: u32) -> io::Result<Wired> {
    let datagram = plan.wire == Wire::Datagram;
    let kind = if datagram { Type::DGRAM } else { Type::STREAM };
    let socket = Socket::new(Domain::for_address(plan.to), kind, None)?;
    if let Some(sources) = plan.sources {
        let from = u32::from(Ipv4Addr::LOCALHOST) + connection % sources.max(1);
        let from = IpAddr::V4(Ipv4Addr::from(from));
        socket.bind(&SocketAddr::new(from, 0).into())?;
    }
    socket.connect(&plan.to.into())?;
    if datagram {
        return Ok(Wired::Udp(socket.into()));
    }
    let stream: TcpStream = socket.into();
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(CALL))?;
    stream.set_read_timeout(Some(CALL))?;
    match plan.wire {
        Wire::Relp => Session::open(stream).map(Box::new).map(Wired::Relp),
        _ => Ok(Wired::Tcp(stream)),
    }
}

#[derive(Debug)]
enum Wired {
    Tcp(TcpStream),
    Udp(UdpSocket),
    Relp(Box<Session>),
}

#[derive(Debug)]
struct Lane {
    socket: Wired,
    stamp: Stamp,
}

/// One thread's part of the load.
struct Worker {
    lanes: Vec<Lane>,
    /// Whose turn it is.
    turn: usize,
    block: Block,
    /// The block's next frame.
    at: usize,
    most: u64,
    rate: Option<u64>,
    duration: Option<Duration>,
    stamps: Stamps,
    shared: Arc<Shared>,
}

impl Worker {
    /// Sends its share; returns when the last write ended.
    fn run(&mut self, start: Instant) -> io::Result<Instant> {
        let sent = match self.rate {
            Some(0) => Ok(()),
            Some(rate) => self.run_paced(start, Pace::new(rate)),
            None => self.run_flat_out(start),
        };
        let end = monotonic();
        self.shared.done.fetch_add(1, Ordering::Release);
        sent?;
        self.close();
        Ok(end)
    }

    fn run_paced(&mut self, start: Instant, mut pace: Pace) -> io::Result<()> {
        let mut left = self.most;
        while left > 0 && !self.shared.stopping() {
            let (due, messages) = pace.next_burst();
            if self.duration.is_some_and(|duration| due >= duration) {
                break;
            }
            wait_until(start + due);
            let stamp = self.stamps.of(start + due);
            let mut burst = messages.min(left);
            left -= burst;
            while burst > 0 {
                burst -= self.send(burst, stamp)?;
            }
            self.turn += 1;
        }
        Ok(())
    }

    fn run_flat_out(&mut self, start: Instant) -> io::Result<()> {
        let mut left = self.most;
        // Few messages still go over every connection.
        let turn = (left / count(self.lanes.len())).max(1);
        while left > 0 && !self.shared.stopping() {
            let now = monotonic();
            if self.duration.is_some_and(|duration| now >= start + duration) {
                break;
            }
            left -= self.send(turn.min(left), self.stamps.of(now))?;
            self.turn += 1;
        }
        Ok(())
    }

    /// Sends at most `most` of the block's next frames, due at `stamp`, over the connection whose
    /// turn it is; returns how many. Returns `most` when it was told to stop half-way.
    fn send(&mut self, most: u64, stamp: u64) -> io::Result<u64> {
        let turn = self.turn % self.lanes.len();
        let Lane { socket, stamp: next } = &mut self.lanes[turn];
        next.at(stamp);
        let bound = match socket {
            Wired::Tcp(_) | Wired::Relp(_) => usize::MAX,
            Wired::Udp(_) => DATAGRAMS,
        };
        let wanted = usize::try_from(most).unwrap_or(usize::MAX).min(bound);
        let frames = self.block.take(self.at, wanted, WRITE_BYTES);
        self.block.patch(frames.clone(), next);
        let whole = match socket {
            Wired::Relp(session) => {
                relp::number(self.block.each_mut(frames.clone()), session);
                let bytes = self.block.bytes(frames.clone());
                session.room(|| self.shared.stopping())?
                    && write(&mut session.stream, bytes, &self.shared)?
            }
            Wired::Tcp(stream) => write(stream, self.block.bytes(frames.clone()), &self.shared)?,
            Wired::Udp(socket) => write_datagrams(socket, &self.block, frames.clone())?,
        };
        if !whole {
            return Ok(most);
        }
        self.at = if frames.end == self.block.len() { 0 } else { frames.end };
        let sent = count(frames.len());
        self.shared.messages.fetch_add(sent, Ordering::Relaxed);
        self.shared.bytes.fetch_add(count(self.block.bytes(frames).len()), Ordering::Relaxed);
        Ok(sent)
    }

    /// Ends every connection in order, and gives the peer time to read what is on its way.
    fn close(&self) {
        let until = monotonic() + LINGER;
        for lane in &self.lanes {
            if let Wired::Relp(session) = &lane.socket {
                session.answered(|| self.shared.stopping() || monotonic() >= until);
            }
        }
        let streams = || {
            self.lanes.iter().filter_map(|lane| match &lane.socket {
                Wired::Tcp(stream) => Some(stream),
                Wired::Relp(session) => Some(&session.stream),
                Wired::Udp(_) => None,
            })
        };
        for stream in streams() {
            // Fails if the peer is gone already, which is what this is about.
            stream.shutdown(Shutdown::Write).unwrap_or_default();
        }
        for mut stream in streams() {
            let mut rest = [0; 64];
            while monotonic() < until && !self.shared.stopping() {
                match stream.read(&mut rest) {
                    Ok(1..) => {}
                    Err(error) if is_timeout(&error) => {}
                    Ok(0) | Err(_) => break,
                }
            }
        }
    }
}

/// Whether `error` only says that a bounded call took its whole time.
pub(super) fn is_timeout(error: &io::Error) -> bool {
    use io::ErrorKind::Interrupted;
    use io::ErrorKind::TimedOut;
    use io::ErrorKind::WouldBlock;
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}

/// Writes all of `bytes`, however long the peer makes it wait; false if told to stop meanwhile.
fn write(stream: &mut TcpStream, mut bytes: &[u8], shared: &Shared) -> io::Result<bool> {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if is_timeout(&error) => {
                if shared.stopping() {
                    return Ok(false);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

fn write_datagrams(socket: &UdpSocket, block: &Block, frames: Range<usize>) -> io::Result<bool> {
    let mut datagrams: [&[u8]; DATAGRAMS] = [&[]; DATAGRAMS];
    let used = frames.len();
    for (datagram, frame) in datagrams.iter_mut().zip(frames) {
        *datagram = block.bytes(frame..frame + 1);
    }
    let mut left = &datagrams[..used];
    while !left.is_empty() {
        match send_datagrams(socket, left) {
            Ok(sent) => left = &left[sent..],
            // Refused reports an earlier datagram, and clears itself; no buffers passes by.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
            Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => thread::yield_now(),
            Err(error) if is_timeout(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Sends datagrams in order; returns how many went out before an error, which is returned only if
/// it met the first of them (`sendmmsg`'s contract).
fn send_datagrams(socket: &UdpSocket, datagrams: &[&[u8]]) -> io::Result<usize> {
    for (sent, datagram) in datagrams.iter().enumerate() {
        match socket.send(datagram) {
            Ok(_) => {}
            Err(error) if sent == 0 => return Err(error),
            Err(_) => return Ok(sent),
        }
    }
    Ok(datagrams.len())
}
