//! Runs a graph: a thread per shard, signals, the drain, the summary.

use std::collections::HashMap;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::runtime::Runtime;
use tokio::signal::unix::Signal;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::task::LocalSet;
use tokio::time::Instant;

use crate::base::clock::LocalZone;
use crate::base::drain::Control;
use crate::base::drain::Signals;
use crate::base::posix;
use crate::base::reporter::Level;
use crate::base::reporter::Reporter;
use crate::engine::Graph;
use crate::engine::SourceCounters;
use crate::engine::Summary;
use crate::engine::conserve::CHECK_EVERY;
use crate::engine::conserve::Watch;
use crate::engine::graph::ActionTask;
use crate::engine::origin;
use crate::input::Internal;
use crate::input::impstats::Impstats;
use crate::input::tcp;
use crate::input::tcp::Connection;
use crate::input::tcp::Listener;
use crate::input::udp;
use crate::input::udp::UdpInput;
use crate::lookup::Tables;
use crate::message::InputInfo;
use crate::message::Source;
use crate::rules::Programs;
use crate::shard::Outlet;
use crate::shard::Shard;

/// Connections that may wait for their shard.
const CONNECTIONS_WAITING: usize = 256;

/// The senders that the shards knew, told when each ends.
type Seen = Arc<Mutex<Vec<Arc<Source>>>>;

/// What one shard's thread is given.
struct Seed {
    index: usize,
    programs: Arc<Programs>,
    outlets: Vec<Outlet>,
    info: Arc<InputInfo>,
    zone: LocalZone,
    udp: Vec<(Arc<UdpInput>, std::net::UdpSocket)>,
    connections: mpsc::Receiver<Connection>,
    actions: Vec<ActionTask>,
    /// The first shard listens for all.
    listeners: Vec<Listener>,
    shards: Vec<mpsc::Sender<Connection>>,
    internal: Option<Internal>,
    impstats: Option<Impstats>,
    signals: Signals,
    drain: Duration,
    reporter: Arc<dyn Reporter>,
    seen: Seen,
}

/// Runs `graph` until SIGTERM or SIGINT. Returns what went through it. `ready` is called once
/// signals are taken care of and before anything else is done: who started the program may send
/// them from then on.
///
/// # Errors
/// If threads, runtimes or signal handlers cannot be had; what `ready` says.
pub fn run(graph: Graph, ready: impl FnOnce() -> io::Result<()>) -> io::Result<Summary> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let mut caught = {
        let _runtime = runtime.enter();
        Caught::new()?
    };
    ready()?;
    let (control, signals) = Control::new();
    let summary = graph.counters();
    let mut watch = Watch::new(&summary);
    let interval = graph.impstats.as_ref().map_or(CHECK_EVERY, |each| each.spec.interval);
    let reporter = graph.reporter.clone();
    let drain = graph.drain;
    let tables = graph.tables.clone();
    reload_tables(&tables, &reporter)?;
    let program = graph.info.name.to_string();
    let origin = origin(&program);
    let seen = Seen::default();
    let mut threads = Vec::new();
    // Dropped when the last shard has ended.
    let (alive, mut ended) = mpsc::channel::<()>(1);
    for seed in seeds(graph, &signals, &seen) {
        let alive = alive.clone();
        let worker = Builder::new_current_thread().enable_all().build()?;
        let thread = thread::Builder::new().name(format!("shard-{}", seed.index));
        threads.push(thread.spawn(move || {
            shard(&worker, seed);
            // Blocking calls that hang (a dead disk, a resolver) must not hold the end up.
            worker.shutdown_timeout(Duration::from_millis(100));
            drop(alive);
        })?);
    }
    drop(alive);
    runtime.block_on(async {
        let mut checks = tokio::time::interval(interval.min(CHECK_EVERY));
        let number = loop {
            tokio::select! {
                _ = caught.terminate.recv() => break SignalKind::terminate().as_raw_value(),
                _ = caught.interrupt.recv() => break SignalKind::interrupt().as_raw_value(),
                _ = caught.hang_up.recv() => {
                    reporter.say(Level::Info, format!("{origin} {program} was HUPed"));
                    control.reopen();
                    tables.hup();
                }
                _ = checks.tick() => watch.check(&*reporter),
                _ = caught.user_1.recv() => {
                    let searches_given_up = posix::given_up();
                    let now = Summary { searches_given_up, ..summary.clone() };
                    for line in now.lines() {
                        reporter.say(Level::Info, format!("account: {line}"));
                    }
                }
                _ = ended.recv() => return Err(io::Error::other("all shards have ended")),
            }
        };
        reporter.say(Level::Info, format!("{origin} exiting on signal {number}."));
        control.stop();
        tables.stop();
        // The shards keep to the limit themselves; this is for one that hangs in a system call.
        let limit = drain + Duration::from_secs(2);
        if tokio::time::timeout(limit, ended.recv()).await.is_err() {
            reporter.say(Level::Error, "a shard did not end in time".into());
        }
        io::Result::Ok(())
    })?;
    let shards_unended = unended(threads, &*reporter);
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(Summary {
        sources: by_address(&seen),
        stopped: true,
        shards_unended,
        searches_given_up: posix::given_up(),
        ..summary
    })
}

/// Starts the thread that reads lookup tables again. Nobody waits for its end: the file may be on
/// a disk that hangs.
fn reload_tables(tables: &Arc<Tables>, reporter: &Arc<dyn Reporter>) -> io::Result<()> {
    if !tables.is_empty() {
        let (tables, reporter) = (tables.clone(), reporter.clone());
        let thread = thread::Builder::new().name("lookup-tables".to_owned());
        thread.spawn(move || tables.serve(&*reporter))?;
    }
    Ok(())
}

/// The signals that mean something.
struct Caught {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    /// Asks for the account. rsyslogd takes it as well, for debugging.
    user_1: Signal,
}

impl Caught {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            user_1: signal(SignalKind::user_defined1())?,
        })
    }
}

/// How many of `threads` did not end as they should.
fn unended(threads: Vec<JoinHandle<()>>, reporter: &dyn Reporter) -> usize {
    let mut unended = 0;
    for thread in threads {
        let finished = thread.is_finished();
        if !finished {
            unended += 1;
        } else if thread.join().is_err() {
            unended += 1;
            reporter.say(Level::Error, "a shard ended by a panic: this is a bug".into());
        }
    }
    unended
}

fn tell_sources(shard: &Shard, seen: &Seen) {
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    shard.each_source(|source| seen.push(source.clone()));
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

/// Deals the graph out to its shards.
fn seeds(graph: Graph, signals: &Signals, seen: &Seen) -> Vec<Seed> {
    let n = graph.shards;
    let mut receivers = Vec::with_capacity(n);
    let mut senders = Vec::with_capacity(n);
    for _ in 0..n {
        let (tx, rx) = mpsc::channel(CONNECTIONS_WAITING);
        senders.push(tx);
        receivers.push(rx);
    }
    let Graph { programs, actions, udp, listeners, internal, info, zone, .. } = graph;
    let Graph { impstats, reporter, drain, .. } = graph;
    let outlets: Vec<Vec<Outlet>> =
        (0..n).map(|_| actions.iter().map(ActionTask::outlet).collect()).collect();
    let mut seeds: Vec<Seed> = receivers
        .into_iter()
        .zip(outlets)
        .enumerate()
        .map(|(index, (connections, outlets))| Seed {
            index,
            programs: programs.clone(),
            outlets,
            info: info.clone(),
            zone: zone.clone(),
            udp: Vec::new(),
            connections,
            actions: Vec::new(),
            listeners: Vec::new(),
            shards: Vec::new(),
            internal: None,
            impstats: None,
            signals: signals.clone(),
            drain,
            reporter: reporter.clone(),
            seen: seen.clone(),
        })
        .collect();
    for (i, action) in actions.into_iter().enumerate() {
        seeds[i % n].actions.push(action);
    }
    for (input, by_shard) in udp {
        for (seed, sockets) in seeds.iter_mut().zip(by_shard) {
            seed.udp.extend(sockets.into_iter().map(|socket| (input.clone(), socket)));
        }
    }
    seeds[0].listeners = listeners;
    seeds[0].internal = internal;
    seeds[0].impstats = impstats;
    seeds[0].shards = senders;
    seeds
}

/// A shard's thread: inputs until the stop, then the actions until their queues are empty or the
/// time is up.
fn shard(runtime: &Runtime, seed: Seed) {
    let local = LocalSet::new();
    local.block_on(runtime, async move {
        let mut signals = seed.signals.clone();
        let mut outputs = JoinSet::new();
        for action in seed.actions {
            outputs.spawn_local(action.run(seed.signals.clone(), seed.reporter.clone()));
        }
        let shard = Rc::new(Shard::new(
            seed.index,
            seed.programs,
            seed.outlets,
            seed.info,
            seed.zone,
            seed.reporter.clone(),
        ));
        let mut inputs = JoinSet::new();
        for (input, socket) in seed.udp {
            let (shard, signals) = (shard.clone(), seed.signals.clone());
            let reporter = seed.reporter.clone();
            inputs.spawn_local(async move {
                if let Err(error) = udp::serve(input, socket, shard, signals).await {
                    reporter.say(Level::Error, format!("imudp: {error}"));
                }
            });
        }
        for listener in seed.listeners {
            let (shards, signals) = (seed.shards.clone(), seed.signals.clone());
            let reporter = seed.reporter.clone();
            inputs.spawn_local(async move {
                if let Err(error) = listener.run(shards, signals).await {
                    reporter.say(Level::Error, format!("imtcp: {error}"));
                }
            });
        }
        if let Some(internal) = seed.internal {
            inputs.spawn_local(internal.run(shard.clone(), seed.signals.clone()));
        }
        if let Some(impstats) = seed.impstats {
            inputs.spawn_local(impstats.run(shard.clone(), seed.signals.clone()));
        }
        drop(seed.shards);
        serve_connections(seed.connections, &mut inputs, &shard, &mut signals).await;
        let deadline = Instant::now() + seed.drain;
        // Inputs that a dead output holds back must leave the others the time to end in order.
        finish(&mut inputs, deadline - seed.drain / 10).await;
        tell_sources(&shard, &seed.seen);
        // With the shard go its queue ends: the actions see that nothing more will come.
        drop(shard);
        finish(&mut outputs, deadline).await;
    });
}

/// Starts a task for each connection that is handed to this shard, until the stop.
async fn serve_connections(
    mut connections: mpsc::Receiver<Connection>,
    tasks: &mut JoinSet<()>,
    shard: &Rc<Shard>,
    signals: &mut Signals,
) {
    let mut open = true;
    loop {
        tokio::select! {
            biased;
            () = signals.stopped() => break,
            connection = connections.recv(), if open => match connection {
                Some(connection) => {
                    tasks.spawn_local(tcp::serve(connection, shard.clone(), signals.clone()));
                }
                None => open = false,
            },
            Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
        }
    }
    // What the kernel accepted before the stop has been promised to its sender. This ends when the
    // listeners have.
    while let Some(connection) = connections.recv().await {
        tasks.spawn_local(tcp::serve(connection, shard.clone(), signals.clone()));
    }
}

/// Waits for all of `tasks`; at the deadline ends those that are left.
async fn finish(tasks: &mut JoinSet<()>, deadline: Instant) {
    while !tasks.is_empty() {
        if tokio::time::timeout_at(deadline, tasks.join_next()).await.is_err() {
            tasks.shutdown().await;
        }
    }
}
