//! Syslog over plain TCP (RFC 6587): one connection, written in as few calls as possible; what was
//! cut when a connection broke is sent again from the start of its message.

use std::io;
use std::io::IoSlice;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::RecvFlags;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::base::num::count;
use crate::net::dial;
use crate::net::sys;
use crate::output::Task;
use crate::output::forward::ForwardSpec;
use crate::output::task::Health;
use crate::output::task::Pending;

/// Chunks that one call writes at most.
const SLICES: usize = 64;
/// Calls after which other tasks get a turn although this one never had to wait.
const TURN: u32 = 16;
/// The longest pause between two looks at what the peer has acknowledged.
const LOOK: Duration = Duration::from_millis(50);
/// The longest that a connection which was left for a new one may take to send what it holds.
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

struct Forwarder<'a> {
    spec: &'a ForwardSpec,
    task: Task,
    health: Health,
    pending: Pending,
    /// `resendLastMSGOnReconnect`: the last message of the last chunk that was sent whole.
    last: Vec<u8>,
    /// Send `last` first on the next connection.
    resend: bool,
}

pub(super) async fn run(spec: &ForwardSpec, task: Task) {
    let health = Health::new(&task, &spec.common);
    let pending = Pending::default();
    let mut forwarder = Forwarder { spec, task, health, pending, last: Vec::new(), resend: false };
    // As in rsyslog, there is no connection until there is something to send.
    while forwarder.fill().await {
        let mut stream = match dial::tcp(&spec.target, &spec.port, &spec.dial).await {
            Ok(stream) => stream,
            Err(e) => {
                let why = format!("cannot connect to {}: {e}", spec.destination());
                forwarder.pause(&why).await;
                continue;
            }
        };
        forwarder.task.stats.opened.add(1);
        match forwarder.converse(&mut stream).await {
            End::Drained => return finish(stream).await,
            End::Rebind => {
                let last_words = tokio::time::timeout(PARTING, finish(stream));
                drop(tokio::spawn(last_words));
            }
            End::Broken(e) => forwarder.broken(&e).await,
        }
    }
}

impl Forwarder<'_> {
    /// Waits until there is something to send; false if there will never be.
    async fn fill(&mut self) -> bool {
        !self.pending.is_empty() || self.task.queue.take(&mut self.pending.chunks).await
    }

    async fn pause(&mut self, why: &str) {
        self.health.pause(why, &mut self.pending, &self.task).await;
    }

    /// Goes back to what has to be sent again, and waits unless the connection was idle.
    async fn broken(&mut self, error: &io::Error) {
        self.pending.rewind();
        if self.spec.resend_last && !self.pending.rewind_one_more() {
            self.resend = !self.last.is_empty();
        }
        // A peer may end a connection on which nothing is under way whenever it likes.
        if !self.pending.is_empty() {
            let why = format!("connection to {} broke: {error}", self.spec.destination());
            self.pause(&why).await;
        }
    }

    /// Sends on one connection until it ends.
    async fn converse(&mut self, stream: &mut TcpStream) -> End {
        if std::mem::take(&mut self.resend)
            && let Err(e) = stream.write_all(&self.last).await
        {
            self.resend = true;
            return End::Broken(e);
        }
        let mut messages = 0;
        let mut calls = 0;
        loop {
            if self.pending.is_empty() {
                if self.spec.rebind_interval.is_some_and(|most| messages >= most) {
                    return End::Rebind;
                }
                tokio::select! {
                    biased;
                    error = hung_up(stream) => return End::Broken(error),
                    more = self.task.queue.take(&mut self.pending.chunks) => {
                        if !more {
                            return End::Drained;
                        }
                    }
                }
            }
            // What is written to a connection that the peer has closed is lost without an error.
            if let Err(e) = still_open(stream) {
                return End::Broken(e);
            }
            match self.write(stream) {
                Ok(sent) => {
                    messages += sent;
                    self.health.worked();
                    calls += 1;
                    if calls % TURN == 0 {
                        tokio::task::yield_now().await;
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    tokio::select! {
                        biased;
                        error = hung_up(stream) => return End::Broken(error),
                        // An error shows in the next write.
                        _ = stream.writable() => {}
                    }
                }
                Err(e) => return End::Broken(e),
            }
        }
    }

    /// One call to the kernel. Returns how many messages are through with it.
    fn write(&mut self, stream: &TcpStream) -> io::Result<u64> {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let n = self.pending.gather(&mut slices);
        let mut written = 0;
        // Only empty messages: there is nothing to write, and no call that could tell so.
        if slices[..n].iter().any(|slice| !slice.is_empty()) {
            written = stream.try_write_vectored(&slices[..n])?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        let mut messages = 0;
        let (task, last, keep) = (&self.task, &mut self.last, self.spec.resend_last);
        self.pending.advance(written, |chunk| {
            if keep && let Some(end) = chunk.ends.len().checked_sub(1) {
                let start = end.checked_sub(1).map_or(0, |i| chunk.ends[i] as usize);
                last.clear();
                last.extend_from_slice(&chunk.bytes[start..]);
            }
            messages += count(chunk.len());
            task.delivered(chunk);
        });
        Ok(messages)
    }
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

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "closed by the peer")
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
async fn finish(mut stream: TcpStream) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let mut wait = Duration::from_millis(1);
    while sys::unacknowledged(&stream).is_ok_and(|bytes| bytes > 0) && !reset(&stream) {
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LOOK);
    }
}

fn reset(stream: &TcpStream) -> bool {
    !matches!(stream.take_error(), Ok(None))
}
