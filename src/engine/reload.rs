//! Reloads: on a thread of their own the configuration is read and compiled, and only if that went
//! well the shards go over to it.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc as wishes;
use std::thread;

use tokio::runtime::Builder;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use crate::base::clock;
use crate::base::poison;
use crate::base::reporter::Level;
use crate::base::service;
use crate::engine::Plan;
use crate::engine::Summary;
use crate::engine::board::Board;
use crate::engine::host::Command;
use crate::engine::limits::Policies;
use crate::engine::live::Live;
use crate::engine::live::ShardChange;
use crate::engine::origin;
use crate::lookup::Tables;
use crate::telemetry::Counter;

/// Complaints about a configuration that was refused that become own messages.
const COMPLAINTS_SAID: usize = 20;

/// Reads and compiles the configuration.
pub type Compile = Box<dyn FnMut() -> Compiled + Send>;

/// What came of that.
#[derive(Debug)]
pub struct Compiled {
    /// `None` if a reload is not to be.
    pub plan: Option<Plan>,
    /// Why it is not to be, one sentence; empty if it is.
    pub refusal: String,
    /// What is wrong with the configuration, a line each.
    pub complaints: Vec<String>,
    /// The same as it is shown to people.
    pub report: String,
}

impl Compiled {
    /// Nothing came of it, and there is no more to say than why.
    #[must_use]
    pub const fn refused(refusal: String) -> Self {
        Self { plan: None, refusal, complaints: Vec::new(), report: String::new() }
    }
}

/// How a reload ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    /// The configuration before it goes on.
    Refused,
    Panicked,
}

/// The thread that reloads, before it is started.
pub(super) struct Reloads {
    live: Live,
    shards: Vec<mpsc::Sender<Command>>,
    board: Board,
    compile: Compile,
    shared: Arc<Shared>,
    runtime: Runtime,
}

impl fmt::Debug for Reloads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloads").field("live", &self.live).finish_non_exhaustive()
    }
}

/// How often a reload was asked for.
#[derive(Debug, Default)]
pub(super) struct ReloadStats {
    pub(super) all: Counter,
    /// Those that changed nothing.
    pub(super) failed: Counter,
    /// When the last one ended, in seconds since 1970.
    pub(super) last: Counter,
}

/// What reloads replace and others look at.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<Seen>,
}

#[derive(Clone, Debug)]
struct Seen {
    account: Summary,
    tables: Arc<Tables>,
    policies: Arc<Policies>,
}

impl Shared {
    /// The counters of all that runs, or has run.
    pub(super) fn account(&self) -> Summary {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).account.clone()
    }

    /// The lookup tables that the rules ask.
    pub(super) fn tables(&self) -> Arc<Tables> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).tables.clone()
    }

    /// The rate limits that files describe.
    pub(super) fn policies(&self) -> Arc<Policies> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).policies.clone()
    }

    fn put(&self, account: Summary, live: &Live) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = Seen::of(account, live);
    }
}

impl Seen {
    fn of(account: Summary, live: &Live) -> Self {
        Self { account, tables: live.tables.clone(), policies: live.policies.clone() }
    }
}

impl Reloads {
    /// # Errors
    /// If no runtime can be had.
    pub(super) fn new(
        live: Live,
        shards: Vec<mpsc::Sender<Command>>,
        board: Board,
        compile: Compile,
    ) -> io::Result<Self> {
        let state = Mutex::new(Seen::of(live.summary(), &live));
        let runtime = Builder::new_current_thread().enable_all().build()?;
        serve_tables(&live)?;
        Ok(Self { live, shards, board, compile, shared: Arc::new(Shared { state }), runtime })
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        self.shared.clone()
    }

    /// Starts the thread. Each wish is a reload; it ends when nobody can wish any more, and nobody
    /// waits for that: the configuration may be on a disk that hangs.
    ///
    /// # Errors
    /// If there can be no thread.
    pub(super) fn start(mut self) -> io::Result<wishes::SyncSender<()>> {
        let (wish, wished) = wishes::sync_channel(1);
        thread::Builder::new().name("reload".to_owned()).spawn(move || {
            while wished.recv().is_ok() {
                if self.reload() == Outcome::Panicked {
                    // What was on its way is lost, inputs as well: another one begins them anew.
                    self.reload();
                }
            }
        })?;
        Ok(wish)
    }

    fn reload(&mut self) -> Outcome {
        let told = self.board.begin();
        service::reloading();
        let mut compiled = None;
        let tried = poison::caught(|| compiled = Some((self.compile)()));
        let why = |why| format!("compiling it panicked: {why}: this is a bug");
        let refusal = tried.err().map_or_else(String::new, why);
        let compiled = compiled.unwrap_or_else(|| Compiled::refused(refusal));
        let Compiled { plan, refusal, complaints, mut report } = compiled;
        let mut outcome = Outcome::Done;
        let verdict = match plan {
            Some(plan) => self.go_over_or_panic(plan, &mut report).unwrap_or_else(|why| {
                outcome = Outcome::Panicked;
                format!(
                    "going over to the configuration panicked: {why}: this is a bug; where it is \
                     not well after another reload, restart it"
                )
            }),
            None => {
                outcome = Outcome::Refused;
                let said = complaints.len().min(COMPLAINTS_SAID);
                for complaint in &complaints[..said] {
                    self.live.reporter.say(Level::Error, complaint.clone());
                }
                format!("the configuration was not reloaded, the one before goes on: {refusal}")
            }
        };
        let done = outcome == Outcome::Done;
        let level = if done { Level::Info } else { Level::Error };
        let origin = origin(self.live.program());
        self.live.reporter.say(level, format!("{origin} {verdict}"));
        let stats = self.live.reload_stats();
        stats.all.add(1);
        stats.failed.add(u64::from(!done));
        stats.last.raise(u64::try_from(clock::wall().secs).unwrap_or(0));
        let mut account = self.shared.account();
        (account.reloads, account.reloads_failed) = (stats.all.get(), stats.failed.get());
        self.shared.put(account, &self.live);
        service::ready();
        report.push_str(&verdict);
        if let Err(error) = told.and_then(|()| self.board.end(done, &report)) {
            let text = format!("what came of the reload cannot be shown to who asked: {error}");
            self.live.reporter.say(Level::Error, text);
        }
        outcome
    }

    /// As [`Self::go_over`]; what a panic said in the midst of it.
    fn go_over_or_panic(&mut self, plan: Plan, report: &mut String) -> Result<String, String> {
        let mut verdict = String::new();
        poison::caught(|| verdict = self.go_over(plan, report))?;
        Ok(verdict)
    }

    /// Makes what runs into what `plan` says. Returns what to say of it.
    fn go_over(&mut self, plan: Plan, report: &mut String) -> String {
        for name in self.live.needs_restart(&plan) {
            let text = format!("{name} has changed, which takes a restart: it stays as it was");
            report.push_str(&format!("{text}\n"));
            self.live.reporter.say(Level::Warning, text);
        }
        let change = match self.live.begin(plan, || Ok(())) {
            Ok(change) => change,
            Err(error) => return format!("the configuration was not reloaded: {error}"),
        };
        let limit = self.live.drain();
        let ended = async { tokio::time::timeout(limit, change.ended()).await };
        if self.runtime.block_on(ended).is_err() {
            // An output holds them back. As at a stop: what they hold is counted as dropped.
            for shard in &self.shards {
                drop(shard.blocking_send(Command::Cut(change.removed())));
            }
            self.runtime.block_on(change.ended());
        }
        let shards = self.live.finish(change);
        let (inputs, actions) = self.live.turnover();
        let mut account = self.live.summary();
        let before = self.shared.account();
        (account.reloads, account.reloads_failed) = (before.reloads, before.reloads_failed);
        self.shared.put(account, &self.live);
        if let Err(error) = serve_tables(&self.live) {
            let text = format!("lookup tables will not be read again: {error}");
            self.live.reporter.say(Level::Error, text);
        }
        self.tell(shards);
        format!("the configuration was reloaded: inputs {inputs}; actions {actions}")
    }

    /// Gives each shard its part, and waits until all have gone over.
    fn tell(&self, changes: Vec<ShardChange>) {
        let (done, mut all_done) = mpsc::channel::<()>(1);
        for (shard, change) in self.shards.iter().zip(changes) {
            // One that has stopped takes no more; then all of them are about to.
            drop(shard.blocking_send(Command::Change(Box::new(change), done.clone())));
        }
        drop(done);
        // Nothing is ever sent: this ends with the last sender.
        if all_done.blocking_recv().is_none() {}
    }
}

/// Starts the thread that reads lookup tables again. Nobody waits for its end: the file may be on
/// a disk that hangs.
fn serve_tables(live: &Live) -> io::Result<()> {
    if !live.tables.is_empty() {
        let (tables, reporter) = (live.tables.clone(), live.reporter.clone());
        let thread = thread::Builder::new().name("lookup-tables".to_owned());
        thread.spawn(move || tables.serve(&*reporter))?;
    }
    Ok(())
}
