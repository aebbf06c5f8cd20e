//! One RELP session: read, take frames, hand their messages to the shard, answer what is safe.
//!
//! What holds a client back is its window: messages that are not safe are not answered. A
//! connection that breaks leaves its client with what was not answered, to send it again.

use std::future::Future;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use bytes::BufMut;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::base::drain::Signals;
use crate::base::limits::TCP_READ_BYTES;
use crate::base::reporter::Level;
use crate::input::relp::RelpSpec;
use crate::input::relp::answers::Answers;
use crate::input::tcp::Connection;
use crate::input::tcp::Peer;
use crate::input::tcp::SLICE_BYTES;
use crate::input::tcp::TAIL_KEPT;
use crate::input::tcp::Ticket;
use crate::message::Ack;
use crate::message::Batch;
use crate::parse::frame::Frame;
use crate::parse::frame::FrameEvents;
use crate::parse::relp::Decoder;
use crate::parse::relp::Ending;
use crate::parse::relp::Server;
use crate::parse::relp::Step;
use crate::shard::Shard;
use crate::shard::Stuck;

/// Reads in a row before other connections get their turn.
const READS_PER_TURN: u32 = 4;
/// What may wait to be sent to a client before nothing more is read from it, bytes.
const UNSENT_BYTES: usize = 256 << 10;
/// How long a session that the client broke, or half closed, waits for what it still owes.
const LINGER: Duration = Duration::from_secs(10);
/// How long the last words may take.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Serves `connection` until its end or the stop.
pub(in crate::input) async fn serve(connection: Connection, spec: RelpSpec, shard: Rc<Shard>) {
    let Connection { stream, ticket, signals } = connection;
    let opened = stream.tcp().and_then(|stream| {
        // Answers must not wait for more of them.
        stream.set_nodelay(true)?;
        TcpStream::from_std(stream)
    });
    match opened {
        Ok(stream) => converse(stream, &ticket, spec, &shard, signals).await,
        Err(error) => {
            let input = &ticket.input;
            input.stats.accept_errors.add(1);
            let text = format!("{}: {error}", ticket.peer);
            input.setups.at(shard.generation()).say(Level::Error, &text);
        }
    }
}

/// The session on a stream of any kind: encryption will come between here and [`serve`].
pub(super) async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    ticket: &Ticket,
    spec: RelpSpec,
    shard: &Shard,
    mut signals: Signals,
) {
    let Some(peer) = Peer::meet(ticket, shard).await else { return };
    let mut session = Session {
        ticket,
        shard,
        spec,
        peer,
        stream,
        decoder: Decoder::default(),
        server: Server::default(),
        tail: Vec::new(),
        answers: Arc::default(),
        out: Vec::new(),
        sent: 0,
        parting: Vec::new(),
    };
    let ended = session.read_all(&mut signals).await;
    session.part(ended).await;
}

struct Session<'a, S> {
    ticket: &'a Ticket,
    shard: &'a Shard,
    spec: RelpSpec,
    peer: Peer<'a>,
    stream: S,
    decoder: Decoder,
    server: Server,
    /// Bytes of a frame that is not complete.
    tail: Vec<u8>,
    answers: Arc<Answers>,
    /// What is being sent, and how much of it was.
    out: Vec<u8>,
    sent: usize,
    /// What is said when nothing is owed any more.
    parting: Vec<u8>,
}

/// What a read brought.
enum Read {
    Some,
    /// Nothing: an output holds this connection back.
    Held,
    /// The client has said all.
    End,
    Over(Ending),
}

enum Ended {
    /// The connection is gone.
    Broken,
    /// The client says no more, and may listen.
    HalfClosed,
    Session(Ending),
    Stop,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<'_, S> {
    async fn read_all(&mut self, signals: &mut Signals) -> Ended {
        let mut stuck = Stuck::new();
        let mut turns = 0;
        loop {
            // What is left in the kernel at a stop was not answered: its sender keeps it.
            if signals.stopping() {
                return Ended::Stop;
            }
            self.peer.rename().await;
            self.peer.refresh();
            if !self.shard.is_open(&self.peer.route) {
                let (shard, route) = (self.shard, self.peer.route.clone());
                self.answering(shard.open(&route)).await;
            }
            let read = tokio::select! {
                biased;
                read = self.turn(&mut stuck) => read,
                () = signals.stopped() => return Ended::Stop,
            };
            if !stuck.is_empty() {
                let shard = self.shard;
                self.answering(shard.push_all(&mut stuck)).await;
            }
            match read {
                Ok(Read::Some | Read::Held) => {}
                Ok(Read::End) => return Ended::HalfClosed,
                Ok(Read::Over(ending)) => return Ended::Session(ending),
                Err(_) => return Ended::Broken,
            }
            turns += 1;
            if turns % READS_PER_TURN == 0 {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Waits for `done`, and meanwhile goes on to answer: what is safe need not wait for what is
    /// not. A broken connection shows in the next read.
    async fn answering(&mut self, done: impl Future<Output = ()>) {
        let mut done = pin!(done);
        let mut broken = false;
        poll_fn(|cx| {
            if !broken {
                broken = matches!(self.poll_answers(cx), Poll::Ready(Err(_)));
            }
            done.as_mut().poll(cx)
        })
        .await;
    }

    /// Sends what is due; ready once that is all, and woken when there is more.
    fn poll_answers(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            self.answers.write(cx, &mut self.out);
            if self.out.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let rest = &self.out[self.sent..];
            let n = ready!(Pin::new(&mut self.stream).poll_write(cx, rest))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += n;
            if self.sent == self.out.len() {
                self.out.clear();
                self.sent = 0;
            }
        }
    }

    /// Answers, and reads once, all that came within one poll: nobody else sees the shard's
    /// batch. Cancel safe.
    fn turn<'r>(&'r mut self, stuck: &'r mut Stuck) -> impl Future<Output = io::Result<Read>> + 'r {
        poll_fn(move |cx| {
            if let Poll::Ready(Err(error)) = self.poll_answers(cx) {
                return Poll::Ready(Err(error));
            }
            // A client that takes no answers is not read from.
            if self.out.len() - self.sent > UNSENT_BYTES {
                return Poll::Pending;
            }
            self.peer.refresh();
            // Asked again: it may be long since this connection began to wait for something.
            if !self.shard.is_open(&self.peer.route) {
                return Poll::Ready(Ok(Read::Held));
            }
            let mut batch = self.shard.batch().borrow_mut();
            batch.clear();
            batch.data.extend_from_slice(&self.tail);
            batch.data.reserve(TCP_READ_BYTES);
            let mut room = (&mut batch.data).limit(TCP_READ_BYTES);
            let n = ready!(pin!(self.stream.read_buf(&mut room)).poll(cx))?;
            if n == 0 {
                return Poll::Ready(Ok(Read::End));
            }
            batch.arrival = self.shard.arrival();
            let read = self.frames(&mut batch, stuck);
            self.peer.count_bytes(n);
            // The batch's own share of the token: where no action wanted a message, the last.
            batch.ack = Ack::NONE;
            Poll::Ready(Ok(read.map_or(Read::Some, Read::Over)))
        })
    }

    /// Takes the frames of the batch and runs their messages, in slices that go all the way before
    /// the next one begins. What is not complete becomes the tail. Returns how the session ends,
    /// if it does.
    fn frames(&mut self, batch: &mut Batch, stuck: &mut Stuck) -> Option<Ending> {
        let received = batch.data.len();
        let mut frames = self.shard.frames();
        frames.clear();
        self.peer.describe(batch);
        let (mut at, mut slice, mut messages, mut ending) = (0, 0, 0, None);
        while ending.is_none() {
            let limits = self.spec.limits;
            match self.decoder.frame(limits, &mut batch.data, &mut at, received) {
                Ok(Some(frame)) => match self.server.take(&frame, &batch.data, &mut self.parting) {
                    Step::Message => {
                        if messages == 0 {
                            batch.ack = self.answers.owe(frame.txnr);
                        }
                        messages += 1;
                        frames.push(Frame { span: frame.data, truncated: frame.truncated });
                    }
                    Step::Answered => self.out.append(&mut self.parting),
                    Step::Over(how) => ending = Some(how),
                },
                Ok(None) => break,
                Err(fault) => {
                    Server::goodbye(&mut self.parting);
                    ending = Some(Ending::Refused(fault.text()));
                }
            }
            if at - slice >= SLICE_BYTES {
                self.messages(batch, &mut frames);
                self.shard.flush_large(&batch.ack, stuck);
                slice = at;
            }
        }
        self.messages(batch, &mut frames);
        self.shard.flush(&batch.ack, stuck);
        if messages > 0 {
            self.answers.is_whole(messages);
        }
        self.keep(&batch.data[at..received]);
        ending
    }

    fn messages(&mut self, batch: &mut Batch, frames: &mut Vec<Frame>) {
        let oversize = frames.iter().filter(|frame| frame.truncated).count();
        let events = FrameEvents { oversize: oversize as u64, ..FrameEvents::default() };
        self.ticket.input.stats.count_frames(&events);
        self.peer.messages(batch, frames);
        frames.clear();
    }

    fn keep(&mut self, rest: &[u8]) {
        self.tail.clear();
        if rest.is_empty() && self.tail.capacity() > TAIL_KEPT {
            self.tail = Vec::new();
        }
        self.tail.extend_from_slice(rest);
    }

    /// The end: what is owed is answered as soon as it is safe, then the session is closed. At a
    /// stop the engine bounds how long that may take.
    async fn part(&mut self, ended: Ended) {
        let half_closed = matches!(ended, Ended::HalfClosed);
        let limit = match ended {
            Ended::Broken => return,
            Ended::HalfClosed => Some(LINGER),
            Ended::Session(Ending::Closed) => None,
            Ended::Session(Ending::Refused(why)) => {
                self.complain(why);
                Some(LINGER)
            }
            Ended::Stop => {
                Server::goodbye(&mut self.parting);
                None
            }
        };
        let paid = self.pay(half_closed);
        let paid = match limit {
            Some(limit) => tokio::time::timeout(limit, paid).await.unwrap_or(true),
            None => paid.await,
        };
        if paid {
            let parting = std::mem::take(&mut self.parting);
            let said = async {
                self.stream.write_all(&parting).await?;
                self.stream.shutdown().await
            };
            // The peer may be gone, and need not listen.
            if tokio::time::timeout(LAST_WORDS, said).await.is_err() {}
        }
    }

    /// Sends all answers that are owed, as they become due; false if the connection breaks, or
    /// ends where it was not at its end before (`half_closed`).
    async fn pay(&mut self, half_closed: bool) -> bool {
        let mut heard = [0_u8; 512];
        poll_fn(|cx| {
            match self.poll_answers(cx) {
                Poll::Ready(Err(_)) => return Poll::Ready(false),
                Poll::Ready(Ok(())) if self.answers.is_empty() => return Poll::Ready(true),
                Poll::Ready(Ok(())) | Poll::Pending => {}
            }
            // What comes now is not taken; a client that leaves is noticed.
            loop {
                if half_closed {
                    return Poll::Pending;
                }
                let mut room = tokio::io::ReadBuf::new(&mut heard);
                let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut room));
                if read.is_err() || room.filled().is_empty() {
                    return Poll::Ready(false);
                }
            }
        })
        .await
    }

    /// Says why a session was ended, now and then.
    fn complain(&self, why: &str) {
        let input = &self.ticket.input;
        input.stats.sessions_broken.add(1);
        if input.stats.sessions_broken.get().is_power_of_two() {
            let peer = self.ticket.peer;
            let setup = &self.peer.setup;
            setup.say(Level::Warning, &format!("session of {peer} ended: {why}"));
        }
    }
}
