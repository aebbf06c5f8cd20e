//! The actions that run: each has its queue, and an output behind that.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::base::backoff::Backoff;
use crate::base::clock;
use crate::base::drain::Signals;
use crate::base::num::len32;
use crate::base::poison;
use crate::base::reporter::Level;
use crate::base::reporter::Reporter;
use crate::engine::build::ActionPlan;
use crate::engine::live::pair::pair;
use crate::engine::spools::Spools;
use crate::engine::statistics::ActionProbe;
use crate::engine::statistics::CacheProbe;
use crate::engine::statistics::DiskQueueProbe;
use crate::engine::statistics::ForwardProbe;
use crate::engine::statistics::QueueProbe;
use crate::engine::summary::ActionCounters;
use crate::output::ErrorFile;
use crate::output::Fallback;
use crate::output::OutputSpec;
use crate::output::OutputStats;
use crate::output::Task;
use crate::output::forward::Protocol;
use crate::output::wait_or_stop;
use crate::queue;
use crate::queue::Gauge;
use crate::queue::Receiver;
use crate::queue::Sender;
use crate::queue::Settings;
use crate::queue::SpoolStats;
use crate::rules::ActionId;
use crate::shard::Gate;
use crate::shard::GateSpec;
use crate::shard::Outlet;
use crate::shard::OutletChange;
use crate::shard::OutletStats;
use crate::telemetry::Probe;

/// Waits of a task that panics, from the first to the longest.
pub(in crate::engine) const AFTER_PANIC: (Duration, Duration) =
    (Duration::from_millis(200), Duration::from_secs(30));
/// One that ran for so long between two panics was well.
const WELL: Duration = Duration::from_secs(60);

/// An action that runs, seen from outside.
#[derive(Debug)]
pub(super) struct LiveAction {
    /// Tells it from all others that this process had.
    pub(super) key: u64,
    plan: ActionPlan,
    gauge: Gauge,
    gate: Option<Arc<Gate>>,
    /// There is a disk behind its queue.
    spooled: bool,
    stored: Arc<SpoolStats>,
    outlet: Arc<OutletStats>,
    output: Arc<OutputStats>,
}

/// An action's output: what its shard runs.
pub(in crate::engine) struct ActionTask {
    pub(in crate::engine) key: u64,
    name: Arc<str>,
    spec: OutputSpec,
    receiver: Receiver,
    gauge: Gauge,
    /// How long it may deliver once nothing more comes.
    ending: Option<Duration>,
    takes_over: Option<Fallback>,
    output: Arc<OutputStats>,
}

impl fmt::Debug for ActionTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActionTask").field("name", &self.name).finish_non_exhaustive()
    }
}

impl ActionTask {
    /// Delivers until all shards have let go of the queue and it is empty.
    pub(in crate::engine) async fn run(self, signals: Signals, reporter: Arc<dyn Reporter>) {
        let ending = self.ending.map(|limit| (self.gauge.clone(), limit));
        let deliver = Box::pin(self.deliver(signals, reporter));
        match ending {
            None => deliver.await,
            // What it does not deliver in that time goes back to the queue, and counts as left.
            Some((inputs, limit)) => tokio::select! {
                biased;
                () = deliver => {}
                () = async { inputs.ended().await; tokio::time::sleep(limit).await } => {}
            },
        }
    }

    /// An output that panics is made anew, and goes on with what it held: nothing of that has left
    /// the queue.
    async fn deliver(self, signals: Signals, reporter: Arc<dyn Reporter>) {
        let mut waits = Backoff::new(AFTER_PANIC.0, AFTER_PANIC.1);
        loop {
            let started = clock::monotonic();
            let task = self.task(signals.clone(), reporter.clone());
            let Err(why) = poison::survived(self.spec.clone().run(task)).await else { return };
            self.output.panics.add(1);
            let name = &self.name;
            let text = format!(
                "action '{name}' panicked: {why}: this is a bug; it is started again with what it \
                 held"
            );
            reporter.say(Level::Error, text);
            self.receiver.suspension().set(false);
            if started.elapsed() > WELL {
                waits.reset();
            }
            wait_or_stop(waits.next_wait(), signals.clone()).await;
        }
    }

    fn task(&self, signals: Signals, reporter: Arc<dyn Reporter>) -> Task {
        let errors = self.spec.common().error_file.clone().map(|(path, most)| {
            let style = self.spec.framing().style;
            ErrorFile::new(path, most, self.name.clone(), style, reporter.clone())
        });
        Task {
            name: self.name.clone(),
            queue: self.receiver.again(),
            stats: self.output.clone(),
            signals,
            reporter,
            fallback: self.takes_over.clone(),
            errors,
        }
    }
}

/// What becomes of the actions when others are wanted.
#[derive(Debug)]
pub(super) struct ActionChange {
    pub(super) live: Vec<LiveAction>,
    /// No longer wanted.
    pub(super) retired: Vec<LiveAction>,
    /// To be started.
    pub(super) tasks: Vec<ActionTask>,
    /// By action: where it was, or the shards' end of its new queue.
    ends: Vec<Result<ActionId, Sender>>,
}

/// An action that is no longer wanted, as the shard that runs it sees it.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Retired {
    pub(in crate::engine) key: u64,
    /// A new action waits for the files of its queue.
    pub(in crate::engine) awaited: bool,
}

/// Makes of what runs what is wanted. An action that does the same as before goes on, with its
/// queue and all that waits there, under whatever name and number; `key` is the first free one.
pub(super) fn change(
    old: Vec<LiveAction>,
    wanted: Vec<ActionPlan>,
    key: &mut u64,
    spools: &Spools,
    reporter: &Arc<dyn Reporter>,
) -> ActionChange {
    let mut pairs = pair(&old, &wanted, LiveAction::is_like, |old, new| old.plan.name == new.name);
    keep_chains_whole(&old, &wanted, &mut pairs);
    let mut old: Vec<Option<LiveAction>> = old.into_iter().map(Some).collect();
    let kept: Vec<Option<(usize, LiveAction)>> =
        pairs.iter().map(|pair| pair.and_then(|at| Some((at, old[at].take()?)))).collect();
    let retired: Vec<LiveAction> = old.into_iter().flatten().collect();
    // Before the new ones ask for the same files.
    retired.iter().for_each(|action| spools.retire(action.key));
    let mut change =
        ActionChange { live: Vec::new(), retired, tasks: Vec::new(), ends: Vec::new() };
    for (plan, kept) in wanted.into_iter().zip(kept) {
        if let Some((at, action)) = kept {
            change.ends.push(Ok(ActionId(len32(at))));
            change.live.push(LiveAction { plan, ..action });
            continue;
        }
        *key += 1;
        let (action, task, sender) = open(*key, plan, spools, reporter);
        change.live.push(action);
        change.tasks.push(task);
        change.ends.push(Err(sender));
    }
    change.link();
    change
}

/// Actions of which one takes over from the other hold each other's queues: all of them go on, or
/// none.
fn keep_chains_whole(old: &[LiveAction], wanted: &[ActionPlan], pairs: &mut [Option<usize>]) {
    let next = |plan: &ActionPlan| plan.fallback.map(|next| next.0 as usize);
    let is_before = |plan: &ActionPlan, of: usize| next(plan) == Some(of);
    loop {
        // Where what stands beside it is not what stood beside it.
        let stands_alone = |(new, pair): (usize, &Option<usize>)| {
            let was = (*pair)?;
            let after = next(&wanted[new]).map(|next| pairs[next]);
            let before = wanted.iter().position(|plan| is_before(plan, new)).map(|at| pairs[at]);
            let was_before = old.iter().position(|action| is_before(&action.plan, was));
            let same = after == next(&old[was].plan).map(Some) && before == was_before.map(Some);
            (!same).then_some(new)
        };
        match pairs.iter().enumerate().find_map(stands_alone) {
            Some(new) => pairs[new] = None,
            None => return,
        }
    }
}

/// Opens the queue of an action; one whose files cannot be had is complained of, and stays in
/// memory.
fn open(
    key: u64,
    plan: ActionPlan,
    spools: &Spools,
    reporter: &Arc<dyn Reporter>,
) -> (LiveAction, ActionTask, Sender) {
    let (sender, receiver) = queue::open(plan.queue.bounds());
    let (stored, outlet, output) = (Arc::default(), Arc::default(), Arc::<OutputStats>::default());
    let spooled = spools.start((key, &plan.name), &plan.queue, &sender, &stored, reporter);
    let gauge = sender.gauge();
    let task = ActionTask {
        key,
        name: plan.name.as_str().into(),
        spec: plan.spec.clone(),
        receiver,
        gauge: gauge.clone(),
        ending: plan.queue.settings.ending,
        takes_over: None,
        output: output.clone(),
    };
    let gate = gate(&plan.spec, &plan.queue.settings);
    (LiveAction { key, plan, gauge, gate, spooled, stored, outlet, output }, task, sender)
}

/// What decides which messages an action gets, if anything does.
fn gate(spec: &OutputSpec, queue: &Settings) -> Option<Arc<Gate>> {
    let Settings { discard, sampling, .. } = *queue;
    let spec = GateSpec { discard, sampling, ..spec.common().gate.clone() };
    (!spec.is_open()).then(|| Arc::new(Gate::new(spec)))
}

impl ActionChange {
    /// Gives each new action the queue of the one that takes over from it.
    fn link(&mut self) {
        let Self { live, tasks, ends, .. } = self;
        for task in tasks {
            let of = live.iter().find(|action| action.key == task.key);
            let next = of.and_then(|action| action.plan.fallback).map(|next| next.0 as usize);
            task.takes_over = next.and_then(|next| {
                let queue = ends.get(next)?.as_ref().err()?.clone();
                Some(Fallback { queue, stats: live.get(next)?.outlet.clone() })
            });
        }
    }

    /// What one shard has to do to its outlets; `live` are the actions.
    pub(super) fn outlets(&self, live: &[LiveAction]) -> Vec<OutletChange> {
        let change = |(end, action): (&Result<ActionId, Sender>, &LiveAction)| match end {
            Ok(was) => OutletChange::Kept { was: *was, fallback: action.plan.fallback },
            Err(sender) => OutletChange::New(action.outlet(sender.clone())),
        };
        self.ends.iter().zip(live).map(change).collect()
    }
}

impl LiveAction {
    /// Whether `plan` is what this one does already.
    fn is_like(&self, plan: &ActionPlan) -> bool {
        self.plan.spec.is_like(&plan.spec)
            && self.plan.template == plan.template
            && self.plan.file_name == plan.file_name
            && self.plan.queued == plan.queued
            && self.plan.queue == plan.queue
    }

    /// The folder and the name of its queue's files, if it is to have any.
    pub(super) const fn place(&self) -> Option<&(PathBuf, String)> {
        self.plan.queue.place.as_ref()
    }

    /// What its shard is told when it is no longer wanted, and `live` are.
    pub(super) fn retired(&self, live: &[Self]) -> Retired {
        let place = &self.plan.queue.place;
        let awaited = place.is_some() && live.iter().any(|new| new.plan.queue.place == *place);
        Retired { key: self.key, awaited }
    }

    /// One shard's end of the queue.
    fn outlet(&self, sender: Sender) -> Outlet {
        Outlet::new(
            sender,
            self.plan.template.clone(),
            self.plan.file_name.clone(),
            self.plan.spec.framing(),
            self.outlet.clone(),
        )
        .with_patience(self.plan.queue.settings.patience)
        .with_gate(self.gate.clone(), self.plan.fallback)
    }

    pub(super) fn counters(&self) -> ActionCounters {
        ActionCounters {
            name: self.plan.name.clone(),
            outlet: self.outlet.clone(),
            output: self.output.clone(),
            queue: self.gauge.clone(),
            stored: self.stored.clone(),
        }
    }

    /// What impstats says of it, apart from its queue.
    pub(super) fn probes(&self) -> Vec<Box<dyn Probe>> {
        let output = self.output.clone();
        let mut probes: Vec<Box<dyn Probe>> = Vec::new();
        if let OutputSpec::Forward(forward) = &self.plan.spec
            && let Some((host, port)) = forward.targets.first()
        {
            let protocol = if forward.protocol == Protocol::Tcp { "TCP" } else { "UDP" };
            let name = format!("{protocol}-{host}-{port}");
            probes.push(Box::new(ForwardProbe { name, output: output.clone() }));
        }
        if let Some(template) = &self.plan.file_name {
            let name = format!("dynafile cache {}", template.name);
            probes.push(Box::new(CacheProbe { name, output: output.clone() }));
        }
        let (name, outlet) = (self.plan.reported.clone(), self.outlet.clone());
        probes.push(Box::new(ActionProbe { name, outlet, output }));
        probes
    }

    /// What impstats says of the queue that was asked for.
    pub(super) fn queue_probes(&self) -> Vec<Box<dyn Probe>> {
        let mut probes: Vec<Box<dyn Probe>> = Vec::new();
        if !self.plan.queued {
            return probes;
        }
        let name = format!("{} queue", self.plan.reported);
        if self.spooled {
            let (name, stats) = (format!("{name}[DA]"), self.stored.clone());
            let gauge = self.gauge.clone();
            probes.push(Box::new(DiskQueueProbe { name, gauge, stats }));
        }
        let (gauge, outlet) = (self.gauge.clone(), self.outlet.clone());
        probes.push(Box::new(QueueProbe { name, gauge, outlet }));
        probes
    }
}
