//! A shard's thread: it runs the tasks of its inputs and outputs, and goes over to another
//! configuration when it is told to.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::task::Id;
use tokio::task::JoinError;
use tokio::task::JoinSet;
use tokio::task::LocalSet;
use tokio::time::Instant;

use crate::base::backoff::Backoff;
use crate::base::clock::LocalZone;
use crate::base::drain::Control;
use crate::base::drain::Signals;
use crate::base::poison;
use crate::base::poison::Quarantine;
use crate::base::reporter::Level;
use crate::base::reporter::Reporter;
use crate::base::service;
use crate::engine::live::AFTER_PANIC;
use crate::engine::live::ActionTask;
use crate::engine::live::Retired;
use crate::engine::live::ShardChange;
use crate::engine::live::SocketKind;
use crate::engine::live::Sockets;
use crate::input::InputStats;
use crate::input::impstats;
use crate::input::local::Feed;
use crate::input::local::Reader;
use crate::input::tcp;
use crate::input::tcp::Connection;
use crate::input::tcp::Listener;
use crate::input::udp;
use crate::message::InputInfo;
use crate::message::Source;
use crate::output::wait_or_stop;
use crate::shard::Shard;
use crate::shard::Stuck;

/// The senders that the shards knew, told when each ends.
pub(super) type Seen = Arc<Mutex<Vec<Arc<Source>>>>;

/// What an output may still deliver of a queue whose files another action waits for, in time.
const HANDOVER: Duration = Duration::from_secs(1);

/// What one shard's thread is given.
pub(super) struct Seed {
    pub(super) index: usize,
    pub(super) first: ShardChange,
    pub(super) info: Arc<InputInfo>,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) connections: mpsc::Receiver<Connection>,
    /// The first shard listens for all.
    pub(super) shards: Vec<mpsc::Sender<Connection>>,
    pub(super) signals: Signals,
    pub(super) drain: Duration,
    pub(super) reporter: Arc<dyn Reporter>,
    pub(super) seen: Seen,
    pub(super) quarantine: Arc<Quarantine>,
    pub(super) control: Arc<Control>,
    /// Grows while this thread takes its turns, where somebody watches.
    pub(super) beat: Arc<AtomicU64>,
}

/// What a shard is told while it runs.
#[derive(Debug)]
pub(super) enum Command {
    /// Goes over to another configuration. The sender is dropped when that is done.
    Change(Box<ShardChange>, mpsc::Sender<()>),
    /// Ends the tasks of these inputs, whatever they hold.
    Cut(Vec<u64>),
}

/// Tasks, each of an input or an action.
struct Tasks {
    set: JoinSet<()>,
    owners: HashMap<Id, Owned>,
}

struct Owned {
    owner: u64,
    /// Nothing makes up for it if it ends before its time.
    needed: bool,
    handle: AbortHandle,
}

/// What a shard's thread works with.
struct Host {
    shard: Rc<Shard>,
    inputs: Tasks,
    outputs: Tasks,
    shards: Vec<mpsc::Sender<Connection>>,
    signals: Signals,
    drain: Duration,
    reporter: Arc<dyn Reporter>,
    control: Arc<Control>,
}

/// A shard's thread: inputs until the stop, then the actions until their queues are empty or the
/// time is up.
pub(super) fn run(runtime: &Runtime, seed: Seed) {
    LocalSet::new().block_on(runtime, async move {
        let Seed { first, mut commands, mut connections, seen, .. } = seed;
        let shard = Shard::new(
            seed.index,
            Arc::default(),
            Vec::new(),
            seed.info,
            LocalZone::system(),
            seed.reporter.clone(),
        )
        .with_quarantine(seed.quarantine);
        let mut host = Host {
            shard: Rc::new(shard),
            inputs: Tasks::new(),
            outputs: Tasks::new(),
            shards: seed.shards,
            signals: seed.signals,
            drain: seed.drain,
            reporter: seed.reporter,
            control: seed.control,
        };
        host.change(first);
        if let Some(watched) = service::watchdog() {
            tokio::task::spawn_local(beat(seed.beat, watched));
        }
        host.serve(&mut commands, &mut connections).await;
        // Whoever waits for an answer to a command gets none.
        drop(commands);
        host.stop(connections, &seen).await;
    });
}

impl Host {
    /// Does what it is told, and starts a task for each connection that is handed to this shard,
    /// until the stop.
    async fn serve(
        &mut self,
        commands: &mut mpsc::Receiver<Command>,
        connections: &mut mpsc::Receiver<Connection>,
    ) {
        let (mut told, mut open) = (true, true);
        let mut signals = self.signals.clone();
        loop {
            tokio::select! {
                biased;
                () = signals.stopped() => return,
                command = commands.recv(), if told => match command {
                    Some(Command::Change(change, done)) => {
                        self.change(*change);
                        drop(done);
                    }
                    Some(Command::Cut(inputs)) => self.inputs.cut(&inputs),
                    None => told = false,
                },
                connection = connections.recv(), if open => match connection {
                    Some(connection) => self.connect(connection),
                    None => open = false,
                },
                (ended, needed) = self.inputs.next() => self.look(ended, needed),
                (ended, needed) = self.outputs.next() => self.look(ended, needed),
            }
        }
    }

    fn connect(&mut self, connection: Connection) {
        let input = connection.ticket.input.key;
        self.inputs.spawn_one(input, tcp::serve(connection, self.shard.clone()), false);
    }

    /// Looks at how a task ended. Messages that make it panic do not end it, all but connections
    /// are made anew, and a connection can be made again. A relay that goes on without one of the
    /// others is worse than one that is started again.
    fn look(&self, ended: Result<(), JoinError>, needed: bool) {
        let Err(error) = ended else { return };
        if let Ok(panic) = error.try_into_panic() {
            let what = if needed { "an input of the relay's own" } else { "a connection" };
            let why = poison::words(&*panic);
            let text = format!("{what} ended by a panic: {why}: this is a bug");
            self.reporter.say(Level::Error, text);
            if needed {
                self.control.stop();
            }
        }
    }

    /// Goes over to another configuration, within one turn of this thread: what was read before
    /// went by the old one, what is read from here on goes by this one.
    fn change(&mut self, change: ShardChange) {
        let ShardChange { generation, programs, outlets, .. } = change;
        // What waits was received under the rules that go now.
        let mut stuck = Stuck::new();
        self.shard.end_repeats(&mut stuck);
        if !stuck.is_empty() {
            let shard = self.shard.clone();
            let pushed = async move { shard.push_all(&mut stuck).await };
            self.inputs.spawn_one(0, pushed, false);
        }
        self.shard.swap(generation, programs, outlets);
        for action in change.actions {
            self.deliver(action);
        }
        for action in change.retired {
            self.retire(action);
        }
        for sockets in change.sockets {
            self.listen(sockets);
        }
        if let Some(mut internal) = change.internal {
            let (shard, signals) = (self.shard.clone(), self.signals.clone());
            let keeper = self.keeper("internal", &internal.stats, &signals);
            let work = async move || {
                internal.run(shard.clone(), signals.clone()).await;
                Ok(())
            };
            self.inputs.spawn(0, keeper.keep(work));
        }
        if let Some((mut impstats, signals)) = change.impstats {
            let shard = self.shard.clone();
            let keeper = self.keeper(impstats::NAME, impstats.stats(), &signals);
            let work = async move || {
                impstats.run(shard.clone(), signals.clone()).await;
                Ok(())
            };
            self.inputs.spawn(0, keeper.keep(work));
        }
    }

    fn deliver(&mut self, action: ActionTask) {
        let (signals, reporter) = (self.signals.clone(), self.reporter.clone());
        self.outputs.spawn(action.key, action.run(signals, reporter));
    }

    /// An output whose queue gets no more ends by itself when it has delivered what is there. It
    /// has the time for that that all have at a stop; where another waits for what the queue has on
    /// disk, that one delivers it.
    fn retire(&self, action: Retired) {
        if let Some(task) = self.outputs.of(action.key) {
            let drain = if action.awaited { HANDOVER.min(self.drain) } else { self.drain };
            tokio::task::spawn_local(async move {
                tokio::time::sleep(drain).await;
                task.abort();
            });
        }
    }

    fn listen(&mut self, sockets: Sockets) {
        let Sockets { key, signals, kind } = sockets;
        match kind {
            SocketKind::Tcp(listeners) => {
                for Listener { socket, input } in listeners {
                    let module = input.setups.latest().spec.module;
                    let keeper = self.keeper(module, &input.stats, &signals);
                    let (shards, signals) = (self.shards.clone(), signals.clone());
                    self.inputs.spawn(
                        key,
                        keeper.keep(async move || {
                            let (socket, input) = (socket.try_clone()?, input.clone());
                            let listener = Listener { socket, input };
                            listener.run(shards.clone(), signals.clone()).await
                        }),
                    );
                }
            }
            SocketKind::Local(input, reader) => {
                let keeper = self.keeper(input.local.module(), &input.stats, &signals);
                let (shard, reader) = (self.shard.clone(), Rc::<dyn Reader>::from(reader));
                self.inputs.spawn(
                    key,
                    keeper.keep(async move || {
                        let feed = Feed::new(input.clone(), shard.clone());
                        reader.clone().read(feed, signals.clone()).await
                    }),
                );
            }
            SocketKind::Udp(input, by_family) => {
                for socket in by_family.into_iter().flatten() {
                    let keeper = self.keeper(udp::NAME, &input.stats, &signals);
                    let (input, shard) = (input.clone(), self.shard.clone());
                    let (signals, drops) = (signals.clone(), Rc::default());
                    self.inputs.spawn(
                        key,
                        keeper.keep(async move || {
                            let (input, shard) = (input.clone(), shard.clone());
                            let (signals, drops) = (signals.clone(), Rc::clone(&drops));
                            udp::serve(input, socket.try_clone()?, shard, signals, drops).await
                        }),
                    );
                }
            }
        }
    }

    fn keeper(&self, module: &'static str, stats: &Arc<InputStats>, signals: &Signals) -> Keeper {
        let (stats, signals) = (stats.clone(), signals.clone());
        Keeper { module, stats, signals, reporter: self.reporter.clone() }
    }

    /// After the stop: all inputs to their end, and then all outputs.
    async fn stop(mut self, mut connections: mpsc::Receiver<Connection>, seen: &Seen) {
        self.shards.clear();
        // What the kernel accepted before the stop has been promised to its sender. This ends when
        // the listeners have.
        while let Some(connection) = connections.recv().await {
            self.connect(connection);
        }
        let deadline = Instant::now() + self.drain;
        // Inputs that a dead output holds back must leave the others the time to end in order.
        self.inputs.finish(deadline - self.drain / 10, &self.signals).await;
        let mut stuck = Stuck::new();
        self.shard.end_repeats(&mut stuck);
        if !stuck.is_empty() {
            let shard = self.shard.clone();
            self.inputs.spawn_one(0, async move { shard.push_all(&mut stuck).await }, false);
            self.inputs.finish(deadline - self.drain / 20, &self.signals).await;
        }
        tell_sources(&self.shard, seen);
        // With the shard go its queue ends: the actions see that nothing more will come.
        let Self { shard, mut outputs, signals, .. } = self;
        drop(shard);
        outputs.finish(deadline, &signals).await;
    }
}

/// Keeps a listener, or an input of the relay's own, going.
struct Keeper {
    module: &'static str,
    stats: Arc<InputStats>,
    signals: Signals,
    reporter: Arc<dyn Reporter>,
}

impl Keeper {
    /// Runs `work` to its end. One that panics is begun anew: a listener on the same socket, where
    /// the kernel keeps what comes meanwhile.
    async fn keep(self, mut work: impl AsyncFnMut() -> io::Result<()>) {
        let Self { module, stats, signals, reporter } = self;
        let mut waits = Backoff::new(AFTER_PANIC.0, AFTER_PANIC.1);
        loop {
            let mut ended = Ok(());
            let tried = poison::survived(async { ended = work().await }).await;
            if let Err(error) = ended {
                reporter.say(Level::Error, format!("{module}: {error}"));
            }
            let Err(why) = tried else { return };
            stats.panics.add(1);
            let text = format!("{module} panicked: {why}: this is a bug; it goes on");
            reporter.say(Level::Error, text);
            wait_or_stop(waits.next_wait(), signals.clone()).await;
        }
    }
}

/// Counts while this thread takes its turns: several times in what the service manager waits for.
async fn beat(count: Arc<AtomicU64>, watched: Duration) {
    let mut turns = tokio::time::interval((watched / 8).max(Duration::from_millis(1)));
    loop {
        turns.tick().await;
        count.fetch_add(1, Ordering::Relaxed);
    }
}

fn tell_sources(shard: &Shard, seen: &Seen) {
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    shard.each_source(|source| seen.push(source.clone()));
}

impl Tasks {
    fn new() -> Self {
        Self { set: JoinSet::new(), owners: HashMap::new() }
    }

    fn spawn(&mut self, owner: u64, task: impl Future<Output = ()> + 'static) {
        self.spawn_one(owner, task, true);
    }

    fn spawn_one(&mut self, owner: u64, task: impl Future<Output = ()> + 'static, needed: bool) {
        let handle = self.set.spawn_local(task);
        self.owners.insert(handle.id(), Owned { owner, needed, handle });
    }

    /// How the next task ends, and whether it was needed; never, while there is none. Cancel safe.
    async fn next(&mut self) -> (Result<(), JoinError>, bool) {
        let Some(ended) = self.set.join_next_with_id().await else {
            return std::future::pending().await;
        };
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, ())| *id);
        let needed = self.owners.remove(&id).is_some_and(|owned| owned.needed);
        (ended.map(|_| ()), needed)
    }

    /// The first task of `owner`.
    fn of(&self, owner: u64) -> Option<AbortHandle> {
        let owned = self.owners.values().find(|owned| owned.owner == owner);
        owned.map(|owned| owned.handle.clone())
    }

    fn cut(&self, owners: &[u64]) {
        for owned in self.owners.values().filter(|owned| owners.contains(&owned.owner)) {
            owned.handle.abort();
        }
    }

    /// Waits for all; at the deadline ends those that are left.
    async fn finish(&mut self, deadline: Instant, signals: &Signals) {
        while !self.set.is_empty() {
            if tokio::time::timeout_at(deadline, self.set.join_next()).await.is_err() {
                signals.give_up();
                self.set.shutdown().await;
            }
        }
    }
}
