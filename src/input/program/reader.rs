//! The task that starts a program, reads it, and starts it again when it ends.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::time::Instant;
use tokio::time::timeout_at;

use crate::base::backoff::Backoff;
use crate::base::drain::Signals;
use crate::base::reporter::Level;
use crate::input::lines::Lines;
use crate::input::local::Feed;
use crate::input::local::Reader;
use crate::input::local::Reading;
use crate::input::program::NAME;
use crate::input::program::ProgramSpec;
use crate::input::program::child::Child;
use crate::input::program::child::Remains;
use crate::message::Ack;

/// One read: as much as a pipe usually holds.
const READ_BYTES: usize = 64 << 10;
/// Waits until a program that has ended is started again.
const RESTART_MIN: Duration = Duration::from_millis(200);
const RESTART_MAX: Duration = Duration::from_secs(30);
/// One that has run for so long is started as if it had never ended.
const RUNS_WELL: Duration = Duration::from_secs(30);

/// An improg input that is open.
#[derive(Debug)]
pub(super) struct ProgramReader {
    pub(super) spec: ProgramSpec,
}

impl Reader for ProgramReader {
    fn read(self: Rc<Self>, feed: Feed, signals: Signals) -> Reading {
        Box::pin(async move {
            let lines = Lines::default();
            let mut task =
                Task { spec: &self.spec, feed, lines, buffer: vec![0; READ_BYTES], ends: 0 };
            task.run(signals).await;
            Ok(())
        })
    }
}

struct Task<'a> {
    spec: &'a ProgramSpec,
    feed: Feed,
    lines: Lines,
    buffer: Vec<u8>,
    /// How often it has ended by itself, or could not be started.
    ends: u64,
}

impl Task<'_> {
    async fn run(&mut self, mut signals: Signals) {
        let mut backoff = Backoff::new(RESTART_MIN, RESTART_MAX);
        loop {
            let since = Instant::now();
            let (why, remains) = match Child::start(self.spec) {
                Ok(child) => {
                    self.feed.stats().programs_started.add(1);
                    match self.follow(child, &mut signals).await {
                        Some((why, remains)) => (why, Some(remains)),
                        None => return,
                    }
                }
                Err(error) => (format!("cannot be started: {error}"), None),
            };
            if since.elapsed() >= RUNS_WELL {
                backoff.reset();
            }
            self.report(&why);
            let again = async {
                tokio::time::sleep(backoff.next_wait()).await;
                // Or there would be more and more of it.
                if let Some(remains) = remains {
                    remains.gone().await;
                }
            };
            tokio::select! {
                biased;
                () = signals.stopped() => return,
                () = again => {}
            }
        }
    }

    /// Reads the program until the stop (`None`), or until it ends: says how, and gives back what
    /// is left of it.
    async fn follow(
        &mut self,
        mut child: Child,
        signals: &mut Signals,
    ) -> Option<(String, Remains)> {
        let stopped = loop {
            let read = tokio::select! {
                biased;
                () = signals.stopped() => break true,
                read = receive(&mut self.feed, &mut child, &mut self.buffer) => read,
            };
            match read {
                Ok(read @ 1..) => self.take(&mut child, read).await,
                Ok(0) | Err(_) => break false,
            }
        };
        let deadline = Instant::now() + self.spec.close_timeout;
        child.ask_to_end(self.spec, deadline).await;
        if stopped {
            // What it has written, and what it has to say yet. The clock is asked as well: one
            // that never falls silent is read at once each time, whatever the timer says.
            while Instant::now() < deadline
                && let receive = receive(&mut self.feed, &mut child, &mut self.buffer)
                && let Ok(Ok(read @ 1..)) = timeout_at(deadline, receive).await
            {
                self.take(&mut child, read).await;
            }
        }
        self.feed.begin();
        self.spec.rules.finish(&mut self.lines, &mut self.feed);
        self.feed.submit(Ack::NONE).await;
        let (farewell, remains) = child.farewell(self.spec, deadline).await;
        if !stopped {
            let complaint = farewell.complaint(false);
            return Some((complaint.unwrap_or_else(|| "ended well".to_owned()), remains));
        }
        if let Some(complaint) = farewell.complaint(self.spec.signal_on_close) {
            self.say(&complaint);
        }
        None
    }

    /// Hands over the lines that are complete, and notes that they were taken.
    async fn take(&mut self, child: &mut Child, read: usize) {
        self.feed.begin();
        let bytes = &self.buffer[..read];
        let lines = self.spec.rules.take(&mut self.lines, bytes, &mut self.feed);
        self.feed.submit(Ack::NONE).await;
        child.told.taken(lines);
    }

    /// Says how it ended, now and then.
    fn report(&mut self, why: &str) {
        self.ends += 1;
        if self.ends.is_power_of_two() {
            self.say(&format!("{why}; it is started again"));
        }
    }

    fn say(&self, what: &str) {
        let text = format!("{NAME}: program {} {what}", self.spec.binary.display());
        self.feed.setup().say(Level::Warning, text);
    }
}

/// Reads once, when there is room for it, and tells the program meanwhile what it has to be told.
async fn receive(feed: &mut Feed, child: &mut Child, buffer: &mut [u8]) -> io::Result<usize> {
    let Child { output, told, .. } = child;
    let reading = async {
        feed.open().await;
        output.read(buffer).await
    };
    tokio::select! {
        read = reading => read,
        never = told.tell() => match never {},
    }
}
