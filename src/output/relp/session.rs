//! omrelp's sessions: open, send what the window takes, hear the answers, close.

use std::future::poll_fn;
use std::io;
use std::io::IoSlice;
use std::pin::Pin;
use std::pin::pin;
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;
use tokio::io::ReadHalf;
use tokio::io::WriteHalf;
use tokio::time::Instant;

use crate::base::num::count;
use crate::net::dial;
use crate::output::Task;
use crate::output::relp::RelpSpec;
use crate::output::relp::flight::Flight;
use crate::output::task::Health;
use crate::parse::relp;
use crate::parse::relp::Command;
use crate::parse::relp::Decoder;
use crate::parse::relp::FrameLimits;
use crate::parse::relp::Offers;
use crate::queue::Chunk;
use crate::queue::Taken;

/// Chunks that one call writes at most.
const SLICES: usize = 64;
/// One read of answers, bytes: some three thousand.
const ANSWERS_BYTES: usize = 64 << 10;
/// An answer longer than this is none.
const LIMITS: FrameLimits = FrameLimits { data_bytes_max: 32 << 10, abort: true };
/// How long a receiver may take to answer `close`.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How a session ended.
enum End {
    /// Everything was answered, and nothing will come any more.
    Drained,
    /// `rebindInterval` is over.
    Rebind,
    /// The peer or the network ended it, or what it said cannot be trusted.
    Broken(io::Error),
}

struct Sender<'a> {
    spec: &'a RelpSpec,
    task: Task,
    health: Health,
    flight: Flight,
}

pub(super) async fn run(spec: &RelpSpec, task: Task) {
    let health = Health::new(&task, &spec.common);
    let mut sender = Sender { spec, task, health, flight: Flight::new() };
    // There is no connection until there is something to send.
    while sender.fill().await {
        let stream = match dial::tcp(&spec.target, &spec.port, &spec.dial).await {
            Ok(stream) => stream,
            Err(e) => {
                let why = format!("cannot connect to {}: {e}", spec.destination());
                sender.pause(&why).await;
                continue;
            }
        };
        sender.task.stats.opened.add(1);
        match sender.converse(stream).await {
            End::Drained => return,
            End::Rebind => {}
            // A receiver may end a session in which nothing is under way whenever it likes.
            End::Broken(_) if sender.flight.pending.is_empty() => {}
            End::Broken(e) => {
                let why = format!("session with {} broke: {e}", spec.destination());
                sender.pause(&why).await;
            }
        }
    }
}

impl Sender<'_> {
    /// Waits until there is something to send; false if there will never be.
    async fn fill(&mut self) -> bool {
        let pending = &mut self.flight.pending;
        !pending.is_empty() || self.task.queue.take(&mut pending.chunks).await
    }

    async fn pause(&mut self, why: &str) {
        self.flight.park();
        self.health.pause(why, &mut self.flight.pending, &self.task).await;
        self.flight.unpark();
    }

    /// One session, on a stream of any kind: encryption will come between here and [`run`].
    async fn converse<S: AsyncRead + AsyncWrite>(&mut self, stream: S) -> End {
        let (reader, mut writer) = tokio::io::split(stream);
        let mut ears = Ears::new(reader);
        match tokio::time::timeout(self.spec.timeout, open(&mut ears, &mut writer)).await {
            Ok(Ok(())) => {}
            Ok(Err(e)) => return End::Broken(e),
            Err(_) => return End::Broken(timed_out("did not answer the open")),
        }
        // The open had the number 1.
        self.flight.restart(2);
        let mut said = 1;
        let end = self.send(&mut ears, &mut writer, &mut said).await;
        if !matches!(end, End::Broken(_)) {
            let close = close(&mut ears, &mut writer, relp::next(said));
            // Everything was answered: how the session ends no longer matters.
            if tokio::time::timeout(LAST_WORDS, close).await.is_err() {}
        }
        end
    }

    /// Sends and hears until the session ends; `said` is the number of the last command.
    async fn send<S: AsyncRead + AsyncWrite>(
        &mut self,
        ears: &mut Ears<S>,
        writer: &mut WriteHalf<S>,
        said: &mut u32,
    ) -> End {
        let mut left = self.spec.rebind_interval.unwrap_or(u64::MAX);
        let mut more = Taken::default();
        let mut drained = false;
        let mut heard = Instant::now();
        let mut alarm = pin!(tokio::time::sleep_until(heard + self.spec.timeout));
        loop {
            if self.flight.waiting() == 0 {
                heard = Instant::now();
            }
            let numbered = self.flight.number(self.spec.window, left);
            left -= numbered;
            *said = relp::after(*said, u32::try_from(numbered).unwrap_or(0));
            let waiting = self.flight.waiting() > 0;
            if !waiting && left == 0 {
                return End::Rebind;
            }
            if !waiting && drained {
                return End::Drained;
            }
            tokio::select! {
                biased;
                came = ears.listen() => {
                    if let Err(e) = came.and_then(|()| self.hear(ears)) {
                        return End::Broken(e);
                    }
                    heard = Instant::now();
                }
                wrote = write(writer, &self.flight), if self.flight.has_unsent() => match wrote {
                    Ok(0) => return End::Broken(io::ErrorKind::WriteZero.into()),
                    Ok(n) => self.flight.advance(n),
                    Err(e) => return End::Broken(e),
                },
                open = self.task.queue.take(&mut more),
                    if !drained && left > 0 && self.flight.wants_more() =>
                {
                    drained = !open;
                    self.flight.pending.chunks.append(&mut more);
                }
                () = &mut alarm, if waiting => {
                    if heard.elapsed() >= self.spec.timeout {
                        return End::Broken(timed_out("does not answer"));
                    }
                    alarm.as_mut().reset(heard + self.spec.timeout);
                }
            }
        }
    }

    /// Takes the answers that have come.
    fn hear<S: AsyncRead>(&mut self, ears: &mut Ears<S>) -> io::Result<()> {
        while let Some((txnr, command, data)) = ears.frame()? {
            if command != Command::Rsp {
                return Err(gone(command));
            }
            let code = relp::code(data);
            let stats = &self.task.stats;
            let queue = &self.task.queue;
            let answered = self.flight.answer(txnr, code != Some(200), |chunk: Chunk, refused| {
                stats.delivered.add(count(chunk.len() - refused));
                stats.dropped_unsendable.add(count(refused));
                stats.bytes.add(count(chunk.bytes.len()));
                queue.done(chunk);
            });
            if !answered {
                return Err(invalid("answered something else than what was sent"));
            }
            // rsyslog gives such a message up as well, and begins a new session.
            if code != Some(200) {
                let text = data.split(|byte| *byte == b'\n').next().unwrap_or_default();
                let text = String::from_utf8_lossy(&text[..text.len().min(100)]);
                return Err(invalid(&format!("refused a message, which is given up: {text}")));
            }
            self.health.worked();
        }
        Ok(())
    }
}

async fn write<S: AsyncWrite>(writer: &mut WriteHalf<S>, flight: &Flight) -> io::Result<usize> {
    let mut slices = [IoSlice::new(&[]); SLICES];
    let n = flight.gather(&mut slices);
    poll_fn(|cx| Pin::new(&mut *writer).poll_write_vectored(cx, &slices[..n])).await
}

/// Opens the session.
async fn open<S: AsyncRead + AsyncWrite>(
    ears: &mut Ears<S>,
    writer: &mut WriteHalf<S>,
) -> io::Result<()> {
    let mut hello = Vec::new();
    relp::write_open(&mut hello, 1);
    writer.write_all(&hello).await?;
    loop {
        if let Some((txnr, command, data)) = ears.frame()? {
            if (txnr, command) != (1, Command::Rsp) {
                return Err(gone(command));
            }
            let (first, offers) = match data.iter().position(|byte| *byte == b'\n') {
                Some(end) => (&data[..end], &data[end..]),
                None => (data, &[][..]),
            };
            if relp::code(first) != Some(200) {
                let text = String::from_utf8_lossy(&first[..first.len().min(100)]);
                return Err(invalid(&format!("refused the session: {text}")));
            }
            return match Offers::read(offers).syslog {
                true => Ok(()),
                false => Err(invalid("does not take the command syslog")),
            };
        }
        ears.listen().await?;
    }
}

/// Closes the session, and waits until the receiver has said that it has heard it.
async fn close<S: AsyncRead + AsyncWrite>(
    ears: &mut Ears<S>,
    writer: &mut WriteHalf<S>,
    txnr: u32,
) -> io::Result<()> {
    let mut goodbye = Vec::new();
    relp::write(&mut goodbye, txnr, "close", b"");
    writer.write_all(&goodbye).await?;
    while ears.frame()?.is_none() {
        ears.listen().await?;
    }
    writer.shutdown().await
}

/// The receiver's side of the conversation.
struct Ears<S> {
    reader: ReadHalf<S>,
    decoder: Decoder,
    /// What was read; taken up to `at`.
    heard: Vec<u8>,
    at: usize,
}

impl<S: AsyncRead> Ears<S> {
    fn new(reader: ReadHalf<S>) -> Self {
        Self { reader, decoder: Decoder::default(), heard: Vec::new(), at: 0 }
    }

    /// Waits for more. Cancel safe.
    async fn listen(&mut self) -> io::Result<()> {
        self.heard.drain(..self.at);
        self.at = 0;
        self.heard.reserve(ANSWERS_BYTES);
        match self.reader.read_buf(&mut self.heard).await? {
            0 => Err(io::Error::new(io::ErrorKind::ConnectionAborted, "closed by the peer")),
            _ => Ok(()),
        }
    }

    /// The next frame that has come: number, command, data.
    fn frame(&mut self) -> io::Result<Option<(u32, Command, &[u8])>> {
        let end = self.heard.len();
        match self.decoder.frame(LIMITS, &mut self.heard, &mut self.at, end) {
            Ok(None) => Ok(None),
            Ok(Some(frame)) => Ok(Some((frame.txnr, frame.command, frame.data.of(&self.heard)))),
            Err(fault) => Err(invalid(&format!("sent {}", fault.text()))),
        }
    }
}

fn gone(command: Command) -> io::Error {
    match command {
        Command::ServerClose => {
            io::Error::new(io::ErrorKind::ConnectionAborted, "the receiver closes the session")
        }
        _ => invalid("sent a command that is none of a server's"),
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the receiver {what}"))
}

fn timed_out(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("the receiver {what}"))
}
