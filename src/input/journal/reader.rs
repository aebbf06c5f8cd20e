//! The task that reads what journalctl writes.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::base::backoff::Backoff;
use crate::base::drain::Signals;
use crate::base::num::count;
use crate::base::reporter::Level;
use crate::input::journal::JournalSpec;
use crate::input::journal::NAME;
use crate::input::journal::child;
use crate::input::journal::child::Begin;
use crate::input::journal::child::Child;
use crate::input::journal::entry::Maker;
use crate::input::journal::export::Export;
use crate::input::journal::position::Position;
use crate::input::journal::position::StateFile;
use crate::input::journal::position::Stored;
use crate::input::local::Feed;
use crate::input::local::Reader;
use crate::input::local::Reading;
use crate::input::ratelimit::RateLimit;

/// One read of journalctl's output.
const READ_BYTES: usize = 64 << 10;
/// Bytes of a batch after which it is handed over.
const BATCH_BYTES: usize = 1 << 20;
/// Waits until a journalctl that has ended is started anew.
const RESTART_MIN: Duration = Duration::from_millis(200);
const RESTART_MAX: Duration = Duration::from_secs(30);

/// An imjournal that is open.
#[derive(Debug)]
pub(super) struct JournalReader {
    pub(super) spec: Arc<JournalSpec>,
}

impl Reader for JournalReader {
    fn read(self: Rc<Self>, feed: Feed, signals: Signals) -> Reading {
        Box::pin(run(self.spec.clone(), feed, signals))
    }
}

async fn run(spec: Arc<JournalSpec>, feed: Feed, mut signals: Signals) -> io::Result<()> {
    let reporter = feed.setup().settings.reporter.clone();
    let position = Position::open(spec.state.as_ref(), &reporter);
    let limit = feed.setup().settings.limit(&spec.rate, NAME.to_owned(), None);
    let maker = Maker::new(spec.rules.clone());
    let mut task = Task {
        feed,
        maker,
        limit,
        position,
        export: Export::default(),
        cursor: String::new(),
        signals: signals.clone(),
        batched: 0,
        well: true,
        spec,
    };
    let Some(mut begin) = task.begin() else {
        signals.stopped().await;
        return Ok(());
    };
    let mut backoff = Backoff::new(RESTART_MIN, RESTART_MAX);
    loop {
        let why = match task.follow(&mut begin, &mut signals, &mut backoff).await {
            Ok(()) => return Ok(()),
            Err(why) => why,
        };
        task.failed(&why);
        if why.contains("to cursor") && !task.forget(&mut begin) {
            signals.stopped().await;
            return Ok(());
        }
        tokio::select! {
            biased;
            () = signals.stopped() => return Ok(()),
            () = tokio::time::sleep(backoff.next_wait()) => {}
        }
    }
}

/// Where reading begins, as far as it is known.
#[derive(Clone, Debug)]
enum Known {
    /// Where the journal ends when it is first asked.
    End,
    At(Begin),
}

struct Task {
    spec: Arc<JournalSpec>,
    feed: Feed,
    maker: Maker,
    limit: Option<Arc<RateLimit>>,
    position: Arc<Position>,
    export: Export,
    /// Of the last entry that was taken.
    cursor: String,
    signals: Signals,
    /// Entries in the batch.
    batched: u64,
    /// journalctl works, or it has been said that it does not.
    well: bool,
}

impl Task {
    /// Where to begin; `None` (said) if that is damaged, and must not be made good.
    fn begin(&self) -> Option<Known> {
        if let Some(cursor) = self.position.reached() {
            return Some(Known::At(Begin::Behind(cursor)));
        }
        let stored = self.spec.state.as_ref().map_or(Stored::Nothing, StateFile::read);
        match stored {
            Stored::Nothing => Some(self.unknown()),
            Stored::Cursor(cursor) => Some(Known::At(Begin::Behind(cursor))),
            Stored::Damaged(why) => self.damaged(&why),
        }
    }

    fn unknown(&self) -> Known {
        if self.spec.from_end { Known::End } else { Known::At(Begin::Oldest) }
    }

    /// The state file is of no use.
    fn damaged(&self, why: &str) -> Option<Known> {
        let path = self.spec.state.as_ref().map(|file| file.path.display().to_string());
        let path = path.unwrap_or_default();
        let setup = self.feed.setup();
        if self.spec.lenient {
            let whence = if self.spec.from_end { "its end" } else { "its beginning" };
            let text = format!("imjournal: {path}: {why}: the journal is read from {whence}");
            setup.say(Level::Warning, text);
            return Some(self.unknown());
        }
        let text = format!(
            "imjournal: {path}: {why}: the journal is not read; remove the file, or write \
             ignoreNonValidStatefile=\"on\""
        );
        setup.say(Level::Error, text);
        None
    }

    /// The journal does not take the cursor; whether there is another place to begin.
    fn forget(&self, begin: &mut Known) -> bool {
        let found = self.damaged("the journal does not know its cursor");
        found.map(|known| *begin = known).is_some()
    }

    fn failed(&mut self, why: &str) {
        self.feed.stats().recoveries.add(1);
        if std::mem::replace(&mut self.well, false) {
            let text = format!("imjournal: journalctl: {why}; it is started until it works");
            self.feed.setup().say(Level::Error, text);
        }
    }

    /// Runs journalctl once, until the stop or until it ends: says why.
    async fn follow(
        &mut self,
        begin: &mut Known,
        signals: &mut Signals,
        backoff: &mut Backoff,
    ) -> Result<(), String> {
        let remote = self.spec.remote;
        let from = match begin {
            Known::At(begin) => begin.clone(),
            Known::End => {
                let last = tokio::select! {
                    biased;
                    () = signals.stopped() => return Ok(()),
                    last = child::last(remote) => last.map_err(|e| e.to_string())?,
                };
                last.map_or(Begin::Oldest, Begin::Behind)
            }
        };
        *begin = Known::At(from.clone());
        let mut child = Child::follow(remote, &from).map_err(|e| e.to_string())?;
        self.export.restart();
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let read = tokio::select! {
                biased;
                () = signals.stopped() => {
                    child.end().await;
                    return Ok(());
                }
                read = self.receive(&mut child, &mut buffer) => read.map_err(|e| e.to_string())?,
            };
            if read == 0 {
                return Err(child.verdict().await);
            }
            let whole = self.take(&buffer[..read]).await;
            if !self.cursor.is_empty() {
                *begin = Known::At(Begin::Behind(self.cursor.clone()));
                backoff.reset();
                if !std::mem::replace(&mut self.well, true) {
                    self.feed.setup().say(Level::Notice, "imjournal: the journal is read again");
                }
            }
            if !whole {
                child.end().await;
                return Err("what it writes is not systemd's export format".to_owned());
            }
        }
    }

    /// Nothing is read before there is room for it.
    async fn receive(&mut self, child: &mut Child, buffer: &mut [u8]) -> io::Result<usize> {
        self.feed.open().await;
        child.read(buffer).await
    }

    /// Hands over the entries that are complete; false if these bytes are something else.
    async fn take(&mut self, mut bytes: &[u8]) -> bool {
        self.feed.begin();
        let mut well = true;
        while !bytes.is_empty() {
            let Ok((taken, complete)) = self.export.take(bytes) else {
                well = false;
                break;
            };
            bytes = &bytes[taken..];
            if complete {
                self.add();
            }
            if self.feed.batch().data.len() > BATCH_BYTES {
                self.submit().await;
                self.feed.begin();
            }
        }
        self.submit().await;
        well
    }

    fn add(&mut self) {
        let entry = self.export.entry();
        self.cursor.clear();
        self.cursor.push_str(&String::from_utf8_lossy(&entry.cursor));
        self.maker.push(entry, &mut self.feed);
        self.batched += 1;
    }

    async fn submit(&mut self) {
        let entries = std::mem::take(&mut self.batched);
        if entries == 0 {
            return;
        }
        self.sift();
        let ack = self.position.owe(&self.cursor, entries, self.signals.given_up());
        self.feed.submit(ack).await;
    }

    /// Takes out what the rate limit does not let pass.
    fn sift(&mut self) {
        let Self { feed, limit: Some(limit), .. } = self else { return };
        let received = feed.batch().messages.len();
        let verdict = limit.admit(received);
        feed.batch().messages.truncate(verdict.pass);
        feed.limited(count(received - verdict.pass));
        let setup = feed.setup().clone();
        limit.report(verdict, &setup.info.hostname);
    }
}
