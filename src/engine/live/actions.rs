//! The actions that run: each has its queue, and an output behind that.

use std::fmt;
use std::sync::Arc;

use crate::base::drain::Signals;
use crate::base::limits::ACTION_QUEUE_BYTES_DEFAULT;
use crate::base::reporter::Reporter;
use crate::engine::build::ActionPlan;
use crate::engine::live::pair::pair;
use crate::engine::statistics::ActionProbe;
use crate::engine::statistics::CacheProbe;
use crate::engine::statistics::ForwardProbe;
use crate::engine::statistics::QueueProbe;
use crate::engine::summary::ActionCounters;
use crate::output::OutputSpec;
use crate::output::OutputStats;
use crate::output::Task;
use crate::output::forward::Protocol;
use crate::queue;
use crate::queue::Gauge;
use crate::queue::Receiver;
use crate::queue::Sender;
use crate::rules::ActionId;
use crate::shard::Outlet;
use crate::shard::OutletChange;
use crate::shard::OutletStats;
use crate::telemetry::Probe;

/// An action that runs, seen from outside.
#[derive(Debug)]
pub(super) struct LiveAction {
    /// Tells it from all others that this process had.
    pub(super) key: u64,
    plan: ActionPlan,
    gauge: Gauge,
    outlet: Arc<OutletStats>,
    output: Arc<OutputStats>,
}

/// An action's output: what its shard runs.
pub(in crate::engine) struct ActionTask {
    pub(in crate::engine) key: u64,
    name: String,
    spec: OutputSpec,
    receiver: Receiver,
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
        let Self { name, spec, receiver, output, .. } = self;
        let task = Task { name: name.into(), queue: receiver, stats: output, signals, reporter };
        spec.run(task).await;
    }
}

/// What becomes of the actions when others are wanted.
pub(super) struct ActionChange {
    pub(super) live: Vec<LiveAction>,
    /// No longer wanted.
    pub(super) retired: Vec<LiveAction>,
    /// To be started.
    pub(super) tasks: Vec<ActionTask>,
    /// By action: where it was, or the shards' end of its new queue.
    ends: Vec<Result<ActionId, Sender>>,
}

/// Makes of what runs what is wanted. An action that does the same as before goes on, with its
/// queue and all that waits there, under whatever name and number; `key` is the first free one.
pub(super) fn change(old: Vec<LiveAction>, wanted: Vec<ActionPlan>, key: &mut u64) -> ActionChange {
    let pairs = pair(&old, &wanted, LiveAction::is_like, |old, new| old.plan.name == new.name);
    let mut old: Vec<Option<LiveAction>> = old.into_iter().map(Some).collect();
    let mut change =
        ActionChange { live: Vec::new(), retired: Vec::new(), tasks: Vec::new(), ends: Vec::new() };
    for (plan, pair) in wanted.into_iter().zip(pairs) {
        let kept = pair.and_then(|at| Some((at, old[at].take()?)));
        if let Some((at, action)) = kept {
            change.ends.push(Ok(ActionId(crate::base::num::len32(at))));
            change.live.push(LiveAction { plan, ..action });
            continue;
        }
        let (sender, receiver) = queue::bounded(ACTION_QUEUE_BYTES_DEFAULT);
        let (outlet, output) = (Arc::default(), Arc::<OutputStats>::default());
        *key += 1;
        change.tasks.push(ActionTask {
            key: *key,
            name: plan.name.clone(),
            spec: plan.spec.clone(),
            receiver,
            output: output.clone(),
        });
        change.live.push(LiveAction { key: *key, plan, gauge: sender.gauge(), outlet, output });
        change.ends.push(Err(sender));
    }
    change.retired = old.into_iter().flatten().collect();
    change
}

impl ActionChange {
    /// What one shard has to do to its outlets; `live` are the actions.
    pub(super) fn outlets(&self, live: &[LiveAction]) -> Vec<OutletChange> {
        let change = |(end, action): (&Result<ActionId, Sender>, &LiveAction)| match end {
            Ok(was) => OutletChange::Kept(*was),
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
    }

    pub(super) fn counters(&self) -> ActionCounters {
        ActionCounters {
            name: self.plan.name.clone(),
            outlet: self.outlet.clone(),
            output: self.output.clone(),
            queue: self.gauge.clone(),
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
    pub(super) fn queue_probe(&self) -> Option<Box<dyn Probe>> {
        let name = format!("{} queue", self.plan.reported);
        let (gauge, outlet) = (self.gauge.clone(), self.outlet.clone());
        self.plan.queued.then(|| Box::new(QueueProbe { name, gauge, outlet }) as Box<dyn Probe>)
    }
}
