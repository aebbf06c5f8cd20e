//! Runs a graph: a thread per shard, signals, the drain, the summary.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::signal::unix::Signal;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio::sync::mpsc;

use crate::base::clock;
use crate::base::drain::Control;
use crate::base::drain::Signals;
use crate::base::posix;
use crate::base::reporter::Level;
use crate::base::reporter::Reporter;
use crate::base::service;
use crate::engine::Graph;
use crate::engine::SourceCounters;
use crate::engine::Summary;
use crate::engine::board::Board;
use crate::engine::conserve::CHECK_EVERY;
use crate::engine::conserve::Watch;
use crate::engine::host;
use crate::engine::host::Command;
use crate::engine::host::Seed;
use crate::engine::host::Seen;
use crate::engine::limits::Policies;
use crate::engine::live::Live;
use crate::engine::live::ShardChange;
use crate::engine::origin;
use crate::engine::reload::Compile;
use crate::engine::reload::Reloads;
use crate::engine::reload::Shared;
use crate::message::Source;

/// Connections that may wait for their shard.
const CONNECTIONS_WAITING: usize = 256;

/// What a shard may be told before it has done the first: a change, and what goes before it.
const COMMANDS_WAITING: usize = 4;
/// How long a thread that is through may take to end.
const LAST_MOMENT: Duration = Duration::from_millis(500);

/// Runs `graph` until SIGTERM or SIGINT. Returns what went through it. `compile` reads the
/// configuration again when a reload is asked for. `ready` is called once signals are taken care of
/// and before anything else is done: who started the program may send them from then on.
///
/// # Errors
/// If threads or runtimes cannot be had; what `ready` says.
pub fn run(
    graph: Graph,
    compile: Compile,
    ready: impl FnOnce() -> io::Result<()>,
) -> io::Result<Summary> {
    let board = Board::new()?;
    ready()?;
    let Graph { runtime, caught, live, control, signals, shards } = graph;
    let (reporter, drain) = (live.reporter.clone(), live.drain());
    let (program, origin) = (live.program(), origin(live.program()));
    let spools = live.spools.clone();
    let interval = live.interval().unwrap_or(CHECK_EVERY);
    let seen = Seen::default();
    let mut threads = Vec::new();
    // Dropped when the last shard has ended.
    let (alive, ended) = mpsc::channel::<()>(1);
    let (seeds, commands) = seeds(&live, shards, (&control, &signals), &seen);
    let beats = seeds.iter().map(|seed| seed.beat.clone()).collect();
    let reloads = Reloads::new(live, commands, board, compile)?;
    let shared = reloads.shared();
    for seed in seeds {
        let alive = alive.clone();
        let worker = Builder::new_current_thread().enable_all().build()?;
        let thread = thread::Builder::new().name(format!("shard-{}", seed.index));
        threads.push(thread.spawn(move || {
            host::run(&worker, seed);
            // Blocking calls that hang (a dead disk, a resolver) must not hold the end up.
            worker.shutdown_timeout(Duration::from_millis(100));
            drop(alive);
        })?);
    }
    drop(alive);
    let reload = reloads.start()?;
    let beats = Beats::new(beats);
    let mut minder =
        Minder { caught, ended, control, signals, shared, reload, beats, reporter, origin };
    let broken = runtime.block_on(async {
        let asked = minder.mind(interval, program).await?;
        minder.end(asked, drain).await;
        io::Result::Ok(asked.is_none())
    })?;
    let Minder { shared, reporter, .. } = minder;
    let shards_unended = unended(threads, &*reporter);
    spools.close(&*reporter);
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    let sources = by_address(&seen);
    let searches_given_up = posix::given_up();
    let account = shared.account();
    Ok(Summary { sources, stopped: true, broken, shards_unended, searches_given_up, ..account })
}

/// What the main thread does while the shards work.
struct Minder {
    caught: Caught,
    /// Tells that the last shard has ended.
    ended: mpsc::Receiver<()>,
    control: Arc<Control>,
    signals: Signals,
    shared: Arc<Shared>,
    /// Asks for reloads.
    reload: SyncSender<()>,
    beats: Beats,
    reporter: Arc<dyn Reporter>,
    origin: String,
}

impl Minder {
    /// Minds signals and the books until the stop. Returns the number of the signal that asked for
    /// it; none if a panic did.
    async fn mind(&mut self, interval: Duration, program: &str) -> io::Result<Option<i32>> {
        let Self { shared, reporter, origin, .. } = self;
        let mut watch = Watch::new(&shared.account());
        let mut checks = tokio::time::interval(interval.min(CHECK_EVERY));
        let watched = service::watchdog();
        let mut pulse = tokio::time::interval(watched.map_or(CHECK_EVERY, pulse_of));
        loop {
            tokio::select! {
                number = self.caught.ends.next() => return Ok(Some(number)),
                () = self.signals.stopped() => return Ok(None),
                _ = self.caught.hang_up.recv() => {
                    service::reloading();
                    reporter.say(Level::Info, format!("{origin} {program} was HUPed"));
                    self.control.reopen();
                    shared.tables().hup();
                    read_policies(shared.policies(), reporter);
                    service::ready();
                }
                _ = pulse.tick(), if watched.is_some() => {
                    if self.beats.all_beat() {
                        service::alive();
                    }
                }
                _ = checks.tick() => {
                    watch.follow(&shared.account());
                    watch.check(&**reporter);
                }
                _ = self.caught.user_1.recv() => {
                    let searches_given_up = posix::given_up();
                    let now = Summary { searches_given_up, ..shared.account() };
                    for line in now.lines() {
                        reporter.say(Level::Info, format!("account: {line}"));
                    }
                }
                // One that is asked for while another waits to begin is that one.
                _ = self.caught.user_2.recv() => drop(self.reload.try_send(())),
                _ = self.ended.recv() => {
                    return Err(io::Error::other("all shards have ended"));
                }
            }
        }
    }

    /// Stops everything, and waits until that is done or its time is up.
    async fn end(&mut self, asked: Option<i32>, drain: Duration) {
        let Self { reporter, origin, .. } = self;
        match asked {
            Some(number) => {
                reporter.say(Level::Info, format!("{origin} exiting on signal {number}."));
            }
            None => reporter.say(Level::Error, format!("{origin} exiting after a panic")),
        }
        service::stopping();
        self.control.stop();
        self.shared.tables().stop();
        // The shards keep to the limit themselves; this is for one that hangs in a system call.
        let limit = drain + Duration::from_secs(2);
        tokio::select! {
            _ = self.ended.recv() => {}
            () = tokio::time::sleep(limit) => {
                reporter.say(Level::Error, "a shard did not end in time".into());
            }
            number = self.caught.ends.next() => {
                let text = format!("ends at once on signal {number}: nothing more is delivered");
                reporter.say(Level::Error, text);
            }
        }
    }
}

/// Reads the files of rate limits again. Nobody waits for it: they may be on a disk that hangs.
fn read_policies(policies: Arc<Policies>, reporter: &Arc<dyn Reporter>) {
    if policies.is_empty() {
        return;
    }
    let to = reporter.clone();
    let thread = thread::Builder::new().name("rate-limits".to_owned());
    if let Err(error) = thread.spawn(move || policies.read_again(&*to)) {
        reporter.say(Level::Error, format!("rate limits are not read again: {error}"));
    }
}

/// Whether the shards still turn: each counts on while it does.
#[derive(Debug)]
struct Beats {
    shards: Vec<(Arc<AtomicU64>, u64)>,
}

impl Beats {
    fn new(shards: Vec<Arc<AtomicU64>>) -> Self {
        Self { shards: shards.into_iter().map(|beat| (beat, 0)).collect() }
    }

    /// Whether each shard has turned since the last time.
    fn all_beat(&mut self) -> bool {
        let mut all = true;
        for (beat, last) in &mut self.shards {
            let now = beat.load(Ordering::Relaxed);
            all &= std::mem::replace(last, now) != now;
        }
        all
    }
}

/// How often shards are looked at where the service manager waits for `watched`: twice as often,
/// as it advises.
fn pulse_of(watched: Duration) -> Duration {
    (watched / 2).max(Duration::from_millis(1))
}

/// How many of `threads` did not end as they should.
fn unended(threads: Vec<JoinHandle<()>>, reporter: &dyn Reporter) -> usize {
    let mut unended = 0;
    // A thread says that it is through a moment before it has ended.
    let until = clock::monotonic() + LAST_MOMENT;
    for thread in threads {
        while !thread.is_finished() && clock::monotonic() < until {
            thread::park_timeout(Duration::from_millis(1));
        }
        if !thread.is_finished() {
            unended += 1;
        } else if thread.join().is_err() {
            unended += 1;
            reporter.say(Level::Error, "a shard ended by a panic: this is a bug".into());
        }
    }
    unended
}

/// What the shards begin with, and how they are told more.
fn seeds(
    live: &Live,
    changes: Vec<ShardChange>,
    (control, signals): (&Arc<Control>, &Signals),
    seen: &Seen,
) -> (Vec<Seed>, Vec<mpsc::Sender<Command>>) {
    let (mut seeds, mut commands, mut connections) = (Vec::new(), Vec::new(), Vec::new());
    for (index, first) in changes.into_iter().enumerate() {
        let (connection, waiting) = mpsc::channel(CONNECTIONS_WAITING);
        let (command, told) = mpsc::channel(COMMANDS_WAITING);
        connections.push(connection);
        commands.push(command);
        seeds.push(Seed {
            index,
            first,
            info: live.info(live.program()),
            commands: told,
            connections: waiting,
            shards: Vec::new(),
            signals: signals.clone(),
            drain: live.drain(),
            reporter: live.reporter.clone(),
            seen: seen.clone(),
            quarantine: live.quarantine.clone(),
            control: control.clone(),
            beat: Arc::default(),
        });
    }
    seeds[0].shards = connections;
    (seeds, commands)
}

/// The signals that mean something.
#[derive(Debug)]
pub(super) struct Caught {
    ends: Ends,
    hang_up: Signal,
    /// Asks for the account. rsyslogd takes it as well, for debugging.
    user_1: Signal,
    /// Asks for a reload.
    user_2: Signal,
    /// A file has reached `ulimit -f`. Nobody minds it: it is caught, so that it is the write that
    /// fails, and not the process that ends.
    _file_size: Signal,
}

/// Those that end the program.
#[derive(Debug)]
struct Ends {
    terminate: Signal,
    interrupt: Signal,
}

impl Caught {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            ends: Ends {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
            },
            hang_up: signal(SignalKind::hangup())?,
            user_1: signal(SignalKind::user_defined1())?,
            user_2: signal(SignalKind::user_defined2())?,
            _file_size: signal(SignalKind::from_raw(libc::SIGXFSZ))?,
        })
    }
}

impl Ends {
    /// The number of the next one. Cancel safe.
    async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.terminate.recv() => SignalKind::terminate().as_raw_value(),
            _ = self.interrupt.recv() => SignalKind::interrupt().as_raw_value(),
        }
    }
}

/// What came by address, the busiest first; each shard has its own count of a sender.
fn by_address(seen: &[Arc<Source>]) -> Vec<SourceCounters> {
    let mut by_address: HashMap<&str, SourceCounters> = HashMap::new();
    for source in seen {
        let counters = by_address.entry(&source.ip_text).or_default();
        for (total, n) in counters.classes.iter_mut().zip(source.received.iter()) {
            *total += n.load(Ordering::Relaxed);
        }
        counters.limited += source.limited_so_far();
    }
    let named = |(ip, counters): (&str, SourceCounters)| SourceCounters {
        address: ip.to_owned(),
        ..counters
    };
    let mut sorted: Vec<_> = by_address.into_iter().map(named).collect();
    let sent = |counters: &SourceCounters| counters.received() + counters.limited;
    sorted.retain(|counters| sent(counters) > 0);
    sorted.sort_by(|a, b| sent(b).cmp(&sent(a)).then_with(|| a.address.cmp(&b.address)));
    sorted
}
