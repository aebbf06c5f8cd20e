//! The task that reads a log socket.

use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixDatagram as StdUnixDatagram;
use std::process;
use std::rc::Rc;
use std::sync::Arc;

use tokio::io::Interest;
use tokio::net::UnixDatagram;

use crate::base::clock;
use crate::base::clock::LocalZone;
use crate::base::drain::Signals;
use crate::base::num::count;
use crate::base::span::Span;
use crate::input::local::Feed;
use crate::input::local::Local as _;
use crate::input::local::ParseInto;
use crate::input::local::Reader;
use crate::input::local::Reading;
use crate::input::ratelimit::Processes;
use crate::input::unix::spec::UnixSpec;
use crate::input::unix::trusted;
use crate::input::unix::trusted::Process;
use crate::message::MessageFlags;
use crate::message::Timestamp;
use crate::net::placed::Placed;
use crate::net::unix::Credentials;
use crate::net::unix::Sent;
use crate::net::unix::UnixRing;
use crate::parse;
use crate::parse::frame::Frame;

/// Longest tag that a process id is written into, in bytes.
const TAG_MAX: usize = 512;

/// An open log socket.
#[derive(Debug)]
pub(super) struct UnixReader {
    spec: UnixSpec,
    socket: StdUnixDatagram,
    /// Its file, if it is ours.
    placed: Option<Arc<Placed>>,
}

impl UnixReader {
    pub(super) const fn new(
        spec: UnixSpec,
        socket: StdUnixDatagram,
        placed: Option<Arc<Placed>>,
    ) -> Self {
        Self { spec, socket, placed }
    }

    /// Lets nobody send any more. What the kernel has taken in is still there to be read.
    fn close(&self) {
        if let Some(placed) = &self.placed {
            placed.remove();
            // A program that is connected is told, and connects to what is there next. A failure
            // only means that it is not told.
            _ = self.socket.shutdown(Shutdown::Read);
        }
    }

    async fn serve(self: Rc<Self>, feed: Feed, mut signals: Signals) -> io::Result<()> {
        let socket = UnixDatagram::from_std(self.socket.try_clone()?)?;
        let mut ring = UnixRing::new(self.spec.message_bytes_max);
        let mut task = Task::new(&self.spec, feed);
        let mut stopping = false;
        loop {
            if !stopping {
                tokio::select! {
                    biased;
                    () = signals.stopped() => {
                        stopping = true;
                        self.close();
                    }
                    ready = socket.readable() => ready?,
                }
            }
            let received = match stopping {
                true => ring.recv(&socket),
                false => socket.try_io(Interest::READABLE, || ring.recv(&socket)),
            };
            match received {
                Ok(n) => task.take(&ring, n).await,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                Err(_) if stopping => return Ok(()),
                Err(_) => {}
            }
        }
    }
}

impl Reader for UnixReader {
    fn read(self: Rc<Self>, feed: Feed, signals: Signals) -> Reading {
        Box::pin(self.serve(feed, signals))
    }

    fn placed(&self) -> Option<Arc<Placed>> {
        self.placed.clone()
    }
}

/// A reader at work.
#[derive(Debug)]
struct Task<'a> {
    spec: &'a UnixSpec,
    feed: Feed,
    parser: ParseInto,
    limits: Option<Processes>,
    zone: LocalZone,
    /// Who sent the datagram before, of those that came with one call.
    latest: Option<Process>,
    own_pid: u32,
    /// Who sent the batch, where processes are told apart.
    process: u64,
}

impl<'a> Task<'a> {
    fn new(spec: &'a UnixSpec, feed: Feed) -> Self {
        let settings = &feed.setup().settings;
        let limits = Processes::new(&spec.limit, &settings.reporter);
        Self {
            spec,
            feed,
            parser: spec.parser().map_or(parse::message_into, |(parser, _)| parser),
            limits,
            zone: LocalZone::system(),
            latest: None,
            own_pid: process::id(),
            process: 0,
        }
    }

    /// Takes `n` datagrams through the rules.
    async fn take(&mut self, ring: &UnixRing, n: usize) {
        self.latest = None;
        self.feed.begin();
        // Processes with limits of their own have their repeats summed up by themselves (rsyslog).
        let shared = self.spec.limit_name.is_some();
        let apart = self.limits.is_some() && !shared && self.feed.sums_up();
        for i in 0..n {
            let sent = ring.datagram(i);
            if apart {
                self.turn_to(sent.sender).await;
            }
            self.add(sent);
        }
        let setup = self.feed.setup().clone();
        let limit = self.spec.limit_name.as_ref().and_then(|name| setup.settings.limits.get(name));
        if let Some(limit) = limit {
            let lost = limit.sift(self.feed.batch());
            self.feed.stats().dropped_ratelimit.add(count(lost));
        }
        self.feed.stats().receive_calls.add(1);
        self.feed.submit_impatient().await;
    }

    /// What comes now is of another process than before, maybe.
    async fn turn_to(&mut self, sender: Option<Credentials>) {
        let process = sender.map_or(0, |sender| u64::from(sender.pid));
        if self.process != process && !self.feed.batch().is_empty() {
            self.feed.submit_impatient().await;
            self.feed.begin();
        }
        self.process = process;
        self.feed.set_part(process);
    }

    fn add(&mut self, sent: Sent<'_>) {
        let own = sent.sender.is_some_and(|sender| sender.pid == self.own_pid);
        if sent.bytes.is_empty() || own && self.spec.ignore_own {
            return;
        }
        let mut variables = None;
        let before = self.feed.batch().messages.len();
        let start = self.feed.batch().data.len();
        self.feed.batch().data.extend_from_slice(sent.bytes);
        if let (true, Some(sender)) = (self.spec.annotate, sent.sender) {
            if self.latest.as_ref().is_none_or(|latest| latest.id != sender) {
                self.latest = Some(Process::look_up(sender));
            }
            match &self.latest {
                Some(process) if self.spec.parse_trusted => variables = Some(process.variables()),
                Some(process) => process.annotate(&mut self.feed.batch().data),
                None => {}
            }
        }
        let span = Span::new(start, self.feed.batch().data.len());
        self.feed.parse_by(self.parser, Frame { span, truncated: sent.truncated }, None);
        if self.feed.batch().messages.len() == before {
            return;
        }
        if !self.admit(sent.sender) {
            self.feed.batch().messages.pop();
            self.feed.limited(1);
            return;
        }
        self.complete(&sent);
        self.feed.batch().give(variables);
    }

    /// Gives the latest message what the kernel knows better than its text.
    fn complete(&mut self, sent: &Sent<'_>) {
        let Self { spec, feed, zone, .. } = self;
        let batch = feed.batch();
        let Some(message) = batch.messages.last_mut() else { return };
        if spec.ignore_time || spec.special && spec.kernel_time {
            message.flags.clear(MessageFlags::TIME);
            message.flags.clear(MessageFlags::TIME_CANONICAL);
            message.flags.clear(MessageFlags::TIME_TRADITIONAL);
            message.flags.clear(MessageFlags::VERBATIM);
            if let Some(time) = sent.time.filter(|_| spec.kernel_time) {
                message.time = Timestamp::local(time, zone);
                message.flags.set(MessageFlags::TIME);
            }
        }
        if let Some(sender) = sent.sender.filter(|_| spec.special && spec.kernel_pid) {
            message.tag = with_pid(&mut batch.data, message.tag, sender.pid);
        }
    }

    /// Whether the process that sent the latest message may send as many.
    fn admit(&mut self, sender: Option<Credentials>) -> bool {
        let Self { limits: Some(limits), feed, .. } = self else { return true };
        let Some(sender) = sender else { return true };
        let host = feed.source_host().to_owned();
        let batch = &*feed.batch();
        let Some(message) = batch.messages.last() else { return true };
        let before = limits.made;
        let name = |pid| {
            let program = trusted::first_argument(pid).unwrap_or_default();
            format!("imuxsock[pid: {pid}, name: {program}]")
        };
        let program = || String::from_utf8_lossy(batch.view(message).program_name()).into_owned();
        let from = || format!("{host}:{}", program());
        let admitted = limits.admit(sender.pid, message.pri, clock::monotonic(), name, from);
        let made = limits.made - before;
        feed.stats().limits.add(made);
        admitted
    }
}

/// `tag` with the process id of who sent it, instead of the one that it may have.
fn with_pid(data: &mut Vec<u8>, tag: Span, pid: u32) -> Span {
    let text = tag.of(data);
    let name = match memchr::memrchr(b'[', text) {
        Some(at) => &text[..at],
        None => text.strip_suffix(b":").unwrap_or(text),
    };
    let kept = name.len();
    let id = format!("[{pid}]:");
    if kept + id.len() > TAG_MAX {
        return tag;
    }
    let start = data.len();
    let from = tag.start as usize;
    data.extend_from_within(from..from + kept);
    data.extend_from_slice(id.as_bytes());
    Span::new(start, data.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_pid_stands_in_the_tag() {
        let tags = [
            ("tag:", "tag[42]:"),
            ("tag[7]:", "tag[42]:"),
            ("tag[7", "tag[42]:"),
            ("a[b[7]:", "a[b[42]:"),
            // rsyslogd takes the last letter away.
            ("tag", "tag[42]:"),
            ("", "[42]:"),
        ];
        for (tag, wanted) in tags {
            let mut data = format!("..{tag} text").into_bytes();
            let span = with_pid(&mut data, Span::new(2, 2 + tag.len()), 42);
            assert_eq!(span.of(&data), wanted.as_bytes(), "{tag}");
        }
        let mut data = vec![b't'; 511];
        let span = Span::new(0, 511);
        assert_eq!(with_pid(&mut data, span, 42), span);
    }
}
