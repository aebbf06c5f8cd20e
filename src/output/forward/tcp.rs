//! Syslog over plain TCP (RFC 6587): one connection, written in as few calls as possible. What the
//! peer's kernel has not acknowledged when it breaks is sent again on the next one, from the start
//! of the message that was cut.

use std::io;
use std::io::IoSlice;
use std::time::Duration;
use std::time::Instant;

use rustix::io::Errno;
use rustix::net::RecvFlags;
use socket2::SockRef;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::base::clock;
use crate::base::num::count;
use crate::net::dial::Peer;
use crate::net::sys;
use crate::output::Task;
use crate::output::forward::ForwardSpec;
use crate::output::forward::feed::Alone;
use crate::output::forward::feed::Feed;
use crate::output::forward::flight::Flight;
use crate::output::forward::pack::Packer;
use crate::output::forward::pool;
use crate::output::task::Pending;
use crate::queue::Chunk;

/// Chunks that one call writes at most.
const SLICES: usize = 64;
/// Calls after which other tasks get a turn although this one never had to wait.
const TURN: u32 = 16;
/// The first pause between two looks at what the peer has acknowledged, and the longest.
const LOOK: Duration = Duration::from_millis(1);
const LOOK_MAX: Duration = Duration::from_millis(200);
/// A peer that has ended its side may still acknowledge what is under way for this long.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// The longest that a connection which was left for a new one may take to end.
const PARTING: Duration = Duration::from_secs(60);

/// How a connection ended.
enum End {
    /// Everything was sent, and nothing will come any more.
    Drained,
    /// `rebindInterval` is over.
    Rebind,
    /// The peer or the network ended it.
    Broken(io::Error),
}

pub(super) struct Forwarder<'a, F> {
    spec: &'a ForwardSpec,
    peer: Peer,
    feed: F,
    /// What was not written yet, and in `flight` what was not acknowledged yet.
    pending: Pending,
    flight: Flight,
    packer: Option<Packer>,
    /// When to look at what was acknowledged, and since when there has been no sign of the peer.
    pause: Duration,
    silent_since: Instant,
    /// The system does not tell what the peer has acknowledged.
    blind: bool,
    /// Nothing will come any more.
    ended: bool,
    /// `resendLastMSGOnReconnect`: the last message of the last chunk that was sent whole.
    last: Vec<u8>,
    /// Send `last` first on the next connection.
    resend: bool,
}

pub(super) async fn run(spec: &ForwardSpec, task: Task) {
    if spec.targets.len() > 1 {
        return pool::run(spec, task).await;
    }
    if let Some(peer) = spec.peers().next() {
        Forwarder::new(spec, peer, Alone::new(task, &spec.common)).run().await;
    }
}

impl<'a, F: Feed> Forwarder<'a, F> {
    pub(super) fn new(spec: &'a ForwardSpec, peer: Peer, feed: F) -> Self {
        Self {
            spec,
            peer,
            feed,
            pending: Pending::default(),
            flight: Flight::default(),
            packer: spec.packing.map(Packer::new),
            pause: LOOK,
            silent_since: clock::monotonic(),
            blind: false,
            ended: false,
            last: Vec::new(),
            resend: false,
        }
    }

    /// Sends until nothing will come any more.
    pub(super) async fn run(mut self) {
        while self.feed.wanted(&mut self.pending).await {
            self.flight.join(&self.pending);
            let mut stream = match self.peer.connect(&self.spec.dial).await {
                Ok(stream) => stream,
                Err(e) => {
                    let why = format!("cannot connect to {}: {e}", self.peer);
                    self.feed.failed(&why, &mut self.pending).await;
                    continue;
                }
            };
            self.feed.stats().opened.add(1);
            self.feed.connected();
            let end = self.converse(&mut stream).await;
            let trailer = self.packer.as_mut().map_or_else(Vec::new, Packer::finish);
            match end {
                End::Drained => return finish(stream, &trailer).await,
                End::Rebind => {
                    self.flight = Flight::default();
                    let last_words = async move {
                        drop(tokio::time::timeout(PARTING, finish(stream, &trailer)).await);
                    };
                    drop(tokio::spawn(last_words));
                }
                End::Broken(e) => self.broken(stream, &e).await,
            }
        }
    }

    /// Goes back to what has to be sent again, and waits unless the connection was idle.
    async fn broken(&mut self, stream: TcpStream, error: &io::Error) {
        // What the kernel knew of it stays until the socket is closed.
        self.look(&stream);
        if !self.flight.is_empty() {
            // What is sent again elsewhere must not come late from here as well.
            abandon(&stream);
        }
        drop(stream);
        if self.packer.is_some() {
            self.flight.land_whole(&mut self.pending);
        } else {
            self.flight.land(&mut self.pending);
        }
        if self.spec.resend_last && !self.pending.rewind_one_more() {
            self.resend = !self.last.is_empty();
        }
        let why = format!("connection to {} broke: {error}", self.peer);
        self.feed.failed(&why, &mut self.pending).await;
    }

    /// Sends on one connection until it ends.
    async fn converse(&mut self, stream: &mut TcpStream) -> End {
        self.pause = LOOK;
        if std::mem::take(&mut self.resend)
            && let Err(e) = self.repeat_last(stream).await
        {
            self.resend = true;
            return End::Broken(e);
        }
        let (mut messages, mut calls) = (0, 0);
        loop {
            while !self.something_to_write() {
                let over = self.spec.rebind_interval.is_some_and(|most| messages >= most);
                match (self.flight.is_empty(), self.ended, over) {
                    (true, true, _) => return End::Drained,
                    (true, false, true) => return End::Rebind,
                    _ => {}
                }
                if let Err(e) = self.idle(stream, !self.ended && !over).await {
                    return self.hear_out(stream, e).await;
                }
            }
            // What is written to a connection that the peer has closed is lost without an error.
            if let Err(e) = still_open(stream) {
                return self.hear_out(stream, e).await;
            }
            match self.write(stream) {
                Ok(sent) => {
                    messages += sent;
                    calls += 1;
                    if calls % TURN == 0 {
                        tokio::task::yield_now().await;
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    if let Err(e) = self.blocked(stream).await {
                        return self.hear_out(stream, e).await;
                    }
                }
                Err(e) => return End::Broken(e),
            }
        }
    }

    fn something_to_write(&self) -> bool {
        !self.pending.is_empty() || self.packer.as_ref().is_some_and(Packer::has_bytes)
    }

    async fn repeat_last(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        let mut packed = None;
        if let Some(packer) = &mut self.packer {
            let mut chunk = Chunk { bytes: self.last.clone(), ..Chunk::default() };
            chunk.end_message();
            packed = Some(packer.pack_now(&chunk));
        }
        let bytes = packed.as_ref().unwrap_or(&self.last);
        stream.write_all(bytes).await?;
        self.flight.written += count(bytes.len());
        Ok(())
    }

    /// Waits for something to send (if there may be more) or for acknowledgements.
    async fn idle(&mut self, stream: &TcpStream, more: bool) -> io::Result<()> {
        let under_way = !self.flight.is_empty();
        tokio::select! {
            biased;
            error = hung_up(stream) => return Err(error),
            came = self.feed.take(&mut self.pending.chunks), if more => {
                self.ended = !came;
                self.flight.join(&self.pending);
            }
            () = tokio::time::sleep(self.pause), if under_way => return self.tick(stream),
        }
        Ok(())
    }

    /// Waits until the kernel takes more.
    async fn blocked(&mut self, stream: &TcpStream) -> io::Result<()> {
        tokio::select! {
            biased;
            error = hung_up(stream) => return Err(error),
            // An error shows in the next write.
            _ = stream.writable() => {}
            () = tokio::time::sleep(self.pause) => return self.tick(stream),
        }
        Ok(())
    }

    /// It is time to look; the pauses grow.
    fn tick(&mut self, stream: &TcpStream) -> io::Result<()> {
        self.pause = (self.pause * 2).min(LOOK_MAX);
        self.look(stream);
        if let Some(packer) = &mut self.packer {
            packer.flush_if_due(&mut self.flight);
        }
        self.check_pulse(stream)
    }

    /// Gives a peer up that nothing has been heard of for too long. A window that a living peer
    /// keeps closed is answered for by its kernel: the system's own `TCP_USER_TIMEOUT` would end
    /// such a connection as well (seen on Linux 6.18).
    fn check_pulse(&mut self, stream: &TcpStream) -> io::Result<()> {
        let Some(most) = self.spec.ack_timeout else { return Ok(()) };
        if self.silent_since.elapsed() < most.min(LAST_WORDS) {
            return Ok(());
        }
        let Ok(state) = sys::peer_state(stream) else { return Ok(()) };
        if state.answered {
            self.silent_since = clock::monotonic();
            return Ok(());
        }
        let silent = Duration::from_millis(state.silent_ms.into());
        if silent.min(self.silent_since.elapsed()) < most {
            return Ok(());
        }
        let text = format!("nothing was acknowledged for {} s", most.as_secs());
        Err(io::Error::new(io::ErrorKind::TimedOut, text))
    }

    /// Asks the kernel what the peer's has acknowledged.
    fn look(&mut self, stream: &TcpStream) {
        if self.flight.is_empty() {
            return;
        }
        let left = sys::unacknowledged(stream).unwrap_or_else(|e| {
            if !std::mem::replace(&mut self.blind, true) {
                let text = format!(
                    "cannot see what its peer has acknowledged ({e}): what the system has taken \
                     counts as delivered"
                );
                self.feed.note(&text);
            }
            0
        });
        let (feed, last, keep) = (&mut self.feed, &mut self.last, self.spec.resend_last);
        let moved = self.flight.acknowledge(left, |chunk| {
            if keep && let Some(end) = chunk.ends.len().checked_sub(1) {
                let start = end.checked_sub(1).map_or(0, |i| chunk.ends[i] as usize);
                last.clear();
                last.extend_from_slice(&chunk.bytes[start..]);
            }
            feed.delivered(chunk);
        });
        if moved {
            self.feed.worked();
            self.pause = LOOK;
            self.silent_since = clock::monotonic();
        }
    }

    /// The connection is to end for this reason. If the peer has only ended its own side, what is
    /// under way may still arrive: then it need not be sent again.
    async fn hear_out(&mut self, stream: &TcpStream, error: io::Error) -> End {
        let until = clock::monotonic() + LAST_WORDS;
        self.look(stream);
        let mut wait = LOOK;
        while error.kind() == CLOSED
            && !self.flight.is_empty()
            && clock::monotonic() < until
            && !reset(stream)
        {
            tokio::time::sleep(wait).await;
            wait *= 2;
            self.look(stream);
        }
        End::Broken(error)
    }

    /// One call to the kernel. Returns how many messages are through with it.
    fn write(&mut self, stream: &TcpStream) -> io::Result<u64> {
        let idle = self.flight.is_empty();
        let messages = match &mut self.packer {
            None => write_plain(&mut self.pending, &mut self.flight, stream)?,
            Some(packer) => packer.write(&mut self.pending, &mut self.flight, stream)?,
        };
        if idle {
            self.silent_since = clock::monotonic();
        }
        self.pause = LOOK;
        self.look(stream);
        Ok(messages)
    }
}

fn write_plain(pending: &mut Pending, flight: &mut Flight, stream: &TcpStream) -> io::Result<u64> {
    let mut slices = [IoSlice::new(&[]); SLICES];
    let n = pending.gather(&mut slices);
    let mut written = 0;
    // Only empty messages: there is nothing to write, and no call that could tell so.
    if slices[..n].iter().any(|slice| !slice.is_empty()) {
        written = stream.try_write_vectored(&slices[..n])?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
    }
    let mut messages = 0;
    flight.write(pending, written, |chunk| messages += count(chunk.len()));
    Ok(messages)
}

/// What [`still_open`] and [`hung_up`] say of a peer that has ended its side in order.
const CLOSED: io::ErrorKind = io::ErrorKind::UnexpectedEof;

fn closed() -> io::Error {
    io::Error::new(CLOSED, "closed by the peer")
}

/// Asks the kernel whether the peer has ended the connection, without waiting. An end stands
/// behind what the peer said before it.
fn still_open(stream: &TcpStream) -> io::Result<()> {
    let mut answer = [0_u8; 512];
    loop {
        match rustix::net::recv(stream, &mut answer, RecvFlags::DONTWAIT) {
            Ok((0, _)) => return Err(closed()),
            Ok(_) => {}
            Err(Errno::AGAIN) => return Ok(()),
            Err(e) => return Err(e.into()),
        }
    }
}

/// Returns once the peer has ended the connection. What it says is thrown away: syslog has no
/// answers.
async fn hung_up(stream: &TcpStream) -> io::Error {
    let mut answer = [0_u8; 512];
    loop {
        if let Err(e) = stream.readable().await {
            return e;
        }
        match stream.try_read(&mut answer) {
            Ok(0) => return closed(),
            Ok(_) => {}
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
            Err(e) => return e,
        }
    }
}

/// Ends a connection in order: waits until the peer's kernel has all that was written (a network
/// namespace may go with the process), as long as the engine lets it.
async fn finish(mut stream: TcpStream, trailer: &[u8]) {
    if stream.write_all(trailer).await.is_err() || stream.shutdown().await.is_err() {
        return;
    }
    let mut wait = LOOK;
    while sys::unacknowledged(&stream).is_ok_and(|bytes| bytes > 0) && !reset(&stream) {
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LOOK_MAX);
    }
}

/// Has the kernel throw away what it still holds of a connection, and reset it.
fn abandon(stream: &TcpStream) {
    // If that fails the kernel goes on trying, and some messages may arrive twice.
    drop(SockRef::from(stream).set_linger(Some(Duration::ZERO)));
}

fn reset(stream: &TcpStream) -> bool {
    !matches!(stream.take_error(), Ok(None))
}
