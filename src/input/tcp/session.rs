//! One connection: read, frame, parse, hand to the shard, and wait where an output is full.

use std::future::Future;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use bytes::BufMut;
use tokio::io::AsyncReadExt;
use tokio::time::Instant;

use crate::base::drain::Signals;
use crate::base::limits::TCP_READ_BYTES;
use crate::base::num::count;
use crate::base::reporter::Level;
use crate::input::relp;
use crate::input::tcp::Connection;
use crate::input::tcp::Protocol;
use crate::input::tcp::TcpInput;
use crate::input::tcp::TcpSetup;
use crate::input::tcp::inflate::Inflate;
use crate::input::tcp::peer::Peer;
use crate::input::tcp::stream::Stream;
use crate::message::Batch;
use crate::parse::frame::Decoder;
use crate::parse::frame::FrameEvents;
use crate::shard::Shard;
use crate::shard::Stuck;

/// Bytes that are framed, parsed and rendered before the next ones are: with what is made of them
/// they fit the processor's first-level cache.
pub(in crate::input) const SLICE_BYTES: usize = 32 << 10;
/// Reads in a row before other connections get their turn.
const READS_PER_TURN: u32 = 4;
/// Reads from one connection after the stop, at most: what its kernel buffer can hold.
const READS_AT_STOP: u32 = 64;
/// How long each of these waits for more.
const PATIENCE_AT_STOP: Duration = Duration::from_millis(10);
/// A tail's memory that a connection may keep between reads, bytes.
pub(in crate::input) const TAIL_KEPT: usize = 1024;

/// Serves `connection` until its end, its deadline or the stop.
pub async fn serve(connection: Connection, shard: Rc<Shard>) {
    match connection.ticket.input.setups.at(shard.generation()).spec.protocol {
        Protocol::Syslog => listen(connection, shard).await,
        // Apart: what it needs must not make each plain connection larger.
        Protocol::Relp(spec) => Box::pin(relp::serve(connection, spec, shard)).await,
    }
}

async fn listen(connection: Connection, shard: Rc<Shard>) {
    let Connection { stream, ticket, mut signals } = connection;
    let input = &ticket.input;
    let stream = match stream.reading() {
        Ok(stream) => stream,
        Err(error) => {
            input.stats.accept_errors.add(1);
            let text = format!("{}: {error}", ticket.peer);
            input.setups.at(shard.generation()).say(Level::Error, &text);
            return;
        }
    };
    let Some(peer) = Peer::meet(&ticket, &shard).await else { return };
    let opened = peer.setup.clone();
    let mut session = Session {
        inflate: opened.spec.inflate.then(|| Box::new(Inflate::new())),
        opened,
        decoder: Decoder::default(),
        tail: Vec::new(),
        frame_since: None,
        input,
        shard: &shard,
        peer,
    };
    session.read_all(stream, &mut signals).await;
}

struct Session<'a> {
    input: &'a TcpInput,
    /// What held when the connection was opened: a stream is framed in one way all along.
    opened: Arc<TcpSetup>,
    shard: &'a Shard,
    peer: Peer<'a>,
    decoder: Decoder,
    /// Bytes of a frame that is not complete.
    tail: Vec<u8>,
    /// Since when that frame is waiting; only kept where `frameTimeout` is set.
    frame_since: Option<Instant>,
    inflate: Option<Box<Inflate>>,
}

/// What a read brought.
enum Read {
    Some,
    /// Nothing: an output holds this connection back.
    Held,
    /// The peer has said all.
    End,
}

enum Ended {
    Peer,
    Deadline,
    Stop,
}

impl Session<'_> {
    async fn read_all(&mut self, mut stream: Stream, signals: &mut Signals) {
        let mut stuck = Stuck::new();
        let mut turns = 0;
        let ended = loop {
            // Asked here as well: a peer that never pauses must not hide the stop.
            if signals.stopping() {
                break Ended::Stop;
            }
            self.peer.rename().await;
            self.peer.refresh();
            self.shard.open(&self.peer.route).await;
            let deadline = self.deadline();
            let read = tokio::select! {
                biased;
                read = self.read(&mut stream, &mut stuck) => read,
                () = signals.stopped() => break Ended::Stop,
                () = at(deadline) => break Ended::Deadline,
            };
            match read {
                Ok(Read::Some | Read::Held) => {}
                // A reset connection ends like a closed one: what came before it counts.
                Ok(Read::End) | Err(_) => break Ended::Peer,
            }
            if !stuck.is_empty() {
                self.shard.push_all(&mut stuck).await;
            }
            turns += 1;
            if turns % READS_PER_TURN == 0 {
                tokio::task::yield_now().await;
            }
        };
        match ended {
            Ended::Peer => {}
            Ended::Deadline => self.input.stats.sessions_timed_out.add(1),
            Ended::Stop => self.read_what_is_there(&mut stream, &mut stuck).await,
        }
        self.finish(&mut stuck);
        self.shard.push_all(&mut stuck).await;
    }

    /// At a stop: what the kernel has accepted from the peer is ours to deliver.
    async fn read_what_is_there(&mut self, stream: &mut Stream, stuck: &mut Stuck) {
        for _ in 0..READS_AT_STOP {
            self.peer.refresh();
            self.shard.open(&self.peer.route).await;
            // A moment: the runtime may not have heard yet of what the kernel has.
            let read = tokio::time::timeout(PATIENCE_AT_STOP, self.read(stream, stuck)).await;
            if !matches!(read, Ok(Ok(Read::Some | Read::Held))) {
                return;
            }
            self.shard.push_all(stuck).await;
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let deadlines = &self.peer.setup.spec.deadlines;
        // What is further than a clock can count is never.
        let idle = deadlines.idle.and_then(|d| Instant::now().checked_add(d));
        let frame = deadlines.frame.zip(self.frame_since);
        let frame = frame.and_then(|(d, since)| since.checked_add(d));
        idle.into_iter().chain(frame).min()
    }

    /// Reads once into the shard's batch and works on what came, all within one poll: nobody else
    /// sees the batch. Cancel safe.
    fn read<'r>(
        &'r mut self,
        stream: &'r mut Stream,
        stuck: &'r mut Stuck,
    ) -> impl Future<Output = io::Result<Read>> + 'r {
        poll_fn(move |cx| {
            self.peer.refresh();
            // Asked again: it may be long since this connection began to wait for something.
            if !self.shard.is_open(&self.peer.route) {
                return Poll::Ready(Ok(Read::Held));
            }
            let mut batch = self.shard.batch().borrow_mut();
            batch.clear();
            batch.data.extend_from_slice(&self.tail);
            if self.inflate.as_ref().is_some_and(|inflate| inflate.has_more()) {
                self.work(&mut batch, 0, stuck);
                return Poll::Ready(Ok(Read::Some));
            }
            batch.data.reserve(TCP_READ_BYTES);
            // The batch may have grown larger by far (sanitised copies): a read stays a read.
            let mut room = (&mut batch.data).limit(TCP_READ_BYTES);
            let n = ready!(pin!(stream.read_buf(&mut room)).poll(cx))?;
            if n == 0 {
                return Poll::Ready(Ok(Read::End));
            }
            self.work(&mut batch, n, stuck);
            Poll::Ready(Ok(Read::Some))
        })
    }

    /// `batch.data` is the old tail and `n` new bytes.
    fn work(&mut self, batch: &mut Batch, n: usize, stuck: &mut Stuck) {
        batch.arrival = self.shard.arrival();
        if let Some(inflate) = &mut self.inflate {
            let tail = batch.data.len() - n;
            inflate.packed.extend_from_slice(&batch.data[tail..]);
            batch.data.truncate(tail);
            self.inflate_some(batch, stuck);
            return;
        }
        self.frames(batch, n, stuck);
    }

    /// Frames, parses and runs what is in the batch, `n` new bytes among it; what is not complete
    /// becomes the tail. A slice goes all the way before the next one begins, so that it is still
    /// in the processor's nearest cache when it is parsed and rendered.
    fn frames(&mut self, batch: &mut Batch, n: usize, stuck: &mut Stuck) {
        let opened = self.opened.clone();
        let settings = &opened.spec.framing;
        let received = batch.data.len();
        let slice = if settings.sees_reads() { received } else { SLICE_BYTES };
        let mut events = FrameEvents::default();
        let mut frames = self.shard.frames();
        // The decoder has seen the tail, and it may be longer than a slice.
        let (mut used, mut end, mut any) = (0, self.tail.len(), false);
        self.peer.describe(batch);
        while end < received {
            end = received.min(end + slice);
            frames.clear();
            let data = &mut batch.data;
            used = self.decoder.decode(settings, data, used, end, &mut frames, &mut events);
            any |= !frames.is_empty();
            self.peer.messages(batch, &frames);
            self.shard.flush_large(&batch.ack, stuck);
        }
        self.shard.flush(&batch.ack, stuck);
        self.tail.clear();
        if used == received && self.tail.capacity() > TAIL_KEPT {
            self.tail = Vec::new();
        }
        self.tail.extend_from_slice(&batch.data[used..received]);
        self.frame_since = match (self.peer.setup.spec.deadlines.frame, self.tail.is_empty()) {
            (Some(_), false) => self.frame_since.filter(|_| !any).or_else(|| Some(Instant::now())),
            _ => None,
        };
        self.input.stats.count_frames(&events);
        self.peer.count_bytes(n);
    }

    /// `compression.mode="stream:always"`: inflates one piece of what came. The next one has to
    /// wait for its turn like a read, so that a bomb costs no more memory or time than plain text.
    fn inflate_some(&mut self, batch: &mut Batch, stuck: &mut Stuck) {
        let Some(inflate) = &mut self.inflate else { return };
        let (took, lost) = inflate.append_to(&mut batch.data);
        self.input.stats.discarded_bytes.add(count(lost));
        if batch.data.len() > self.tail.len() {
            self.frames(batch, took, stuck);
        }
    }

    /// The stream has ended: what is left of it is a message, or is counted.
    fn finish(&mut self, stuck: &mut Stuck) {
        if let Some(inflate) = &self.inflate {
            self.input.stats.discarded_bytes.add(count(inflate.packed.len()));
        }
        if self.tail.is_empty() {
            return;
        }
        self.peer.refresh();
        let mut batch = self.shard.batch().borrow_mut();
        batch.clear();
        batch.arrival = self.shard.arrival();
        batch.data.append(&mut self.tail);
        let received = batch.data.len();
        let mut events = FrameEvents::default();
        let mut frames = self.shard.frames();
        frames.clear();
        let settings = &self.opened.spec.framing;
        self.decoder.finish(settings, &mut batch.data, 0, received, &mut frames, &mut events);
        self.input.stats.count_frames(&events);
        self.peer.describe(&mut batch);
        self.peer.messages(&mut batch, &frames);
        self.shard.flush(&batch.ack, stuck);
    }
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size<F: Future>(_: impl FnOnce(Connection, Rc<Shard>) -> F) -> usize {
        size_of::<F>()
    }

    /// 8,000 silent connections are to cost 8 KiB each at most, the runtime's share included.
    #[test]
    fn a_connection_is_small() {
        let bytes = size(serve);
        assert!(bytes <= 1536, "{bytes} bytes");
    }
}
