//! What runs: inputs, actions and all that goes with them, each known by what it is. A start makes
//! it from nothing, a reload from what is there: both are a [`Live::change`] to a plan, of which
//! each shard gets its part.

mod actions;
mod inputs;
pub(super) mod pair;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::base::drain::Branch;
use crate::base::drain::Control;
use crate::base::drain::Signals;
use crate::base::poison;
use crate::base::poison::Quarantine;
use crate::base::reporter::Reporter;
use crate::base::versions::Versions;
use crate::engine::Globals;
use crate::engine::Plan;
use crate::engine::Summary;
use crate::engine::build::Reports;
use crate::engine::limits::LimitPlan;
use crate::engine::limits::Limits;
use crate::engine::limits::Policies;
use crate::engine::reload::ReloadStats;
use crate::engine::spools;
use crate::engine::spools::Spools;
use crate::engine::statistics;
use crate::engine::statistics::Counted;
use crate::engine::statistics::DatagramsProbe;
use crate::engine::statistics::JournalProbe;
use crate::engine::statistics::ListenerProbe;
use crate::engine::statistics::LogSocketsProbe;
use crate::engine::statistics::MainQueueProbe;
use crate::engine::statistics::OwnProbe;
use crate::engine::statistics::ResourceProbe;
use crate::engine::summary::ActionCounters;
use crate::engine::summary::InputCounters;
use crate::input::InputSettings;
use crate::input::InputStats;
use crate::input::Internal;
use crate::input::InternalSetup;
use crate::input::impstats;
use crate::input::impstats::Impstats;
use crate::input::impstats::ImpstatsSetup;
use crate::input::impstats::ImpstatsSpec;
use crate::input::ratelimit::RateLimit;
use crate::lookup::Tables;
use crate::message::InputInfo;
use crate::modifier::sequence::Counters;
use crate::net::reverse::Names;
use crate::rules::Programs;
use crate::rules::RulesetId;
use crate::shard::OutletChange;
use crate::telemetry::Probe;

pub(super) use crate::engine::live::actions::AFTER_PANIC;
use crate::engine::live::actions::ActionChange;
pub(super) use crate::engine::live::actions::ActionTask;
use crate::engine::live::actions::LiveAction;
pub(super) use crate::engine::live::actions::Retired;
use crate::engine::live::inputs::LiveInput;
use crate::engine::live::inputs::Opener;
pub(super) use crate::engine::live::inputs::SocketKind;
pub(super) use crate::engine::live::inputs::Sockets;
use crate::engine::live::inputs::Wanted;
use crate::engine::live::pair::pair;

/// Actions and inputs that are no more and are still shown by themselves.
const RETIRED_SHOWN: usize = 32;
/// What those before are shown as, together.
const EARLIER: &str = "of earlier configurations";

/// All that runs.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) shards: usize,
    pub(super) reporter: Arc<dyn Reporter>,
    program: &'static str,
    control: Arc<Control>,
    generation: u64,
    /// The last one that was given.
    key: u64,
    globals: Globals,
    local_domain: Option<String>,
    settings: InputSettings,
    programs: Arc<Programs>,
    pub(super) tables: Arc<Tables>,
    /// For messages that make a part of the program panic.
    pub(super) quarantine: Arc<Quarantine>,
    inputs: Vec<LiveInput>,
    actions: Vec<LiveAction>,
    pub(super) spools: Arc<Spools>,
    internal: Option<(Arc<Versions<InternalSetup>>, Arc<InputStats>)>,
    ruleset_names: BTreeMap<RulesetId, String>,
    impstats: Option<LiveImpstats>,
    /// What goes on counting over a reload.
    counted: Vec<Counted>,
    counters: Counters,
    /// The `ratelimit()` objects whose files are read again.
    pub(super) policies: Arc<Policies>,
    /// What was there once, for the account.
    retired_inputs: Vec<InputCounters>,
    retired_actions: Vec<ActionCounters>,
    turnover: (Turnover, Turnover),
    reload_stats: Arc<ReloadStats>,
}

/// How much of what there was goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Turnover {
    kept: usize,
    new: usize,
    gone: usize,
}

impl fmt::Display for Turnover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} kept, {} new, {} gone", self.kept, self.new, self.gone)
    }
}

#[derive(Debug)]
struct LiveImpstats {
    setups: Arc<Versions<ImpstatsSetup>>,
    ruleset: RulesetId,
    stats: Arc<InputStats>,
    branch: Branch,
}

/// What a shard goes over to, all at once.
#[derive(Debug)]
pub(super) struct ShardChange {
    pub(super) generation: u64,
    pub(super) programs: Arc<Programs>,
    pub(super) outlets: Vec<OutletChange>,
    /// Outputs that this shard runs from now on.
    pub(super) actions: Vec<ActionTask>,
    /// Outputs, whoever runs them, that get no more: what they hold is theirs to deliver within
    /// the drain's time.
    pub(super) retired: Vec<Retired>,
    pub(super) sockets: Vec<Sockets>,
    pub(super) internal: Option<Internal>,
    pub(super) impstats: Option<(Impstats, Signals)>,
}

/// A change on its way: what is no longer wanted has to end before the rest can begin.
#[derive(Debug)]
pub(super) struct Change {
    plan: Plan,
    settings: InputSettings,
    actions: ActionChange,
    /// In the order of the configuration.
    inputs: Vec<Slot>,
    sockets: Vec<Sockets>,
    /// No longer wanted.
    removed: Vec<LiveInput>,
    removed_impstats: Option<LiveImpstats>,
}

/// A place for an input.
#[derive(Debug)]
enum Slot {
    Live(Box<LiveInput>),
    /// It could not be opened, at least not beside those that are still open.
    Missing(Box<Wanted>, io::Error),
}

impl Live {
    /// Nothing that runs, for the first change to `plan`.
    pub(super) fn new(
        plan: &Plan,
        program: &'static str,
        reporter: Arc<dyn Reporter>,
        control: Arc<Control>,
    ) -> Self {
        let globals = plan.globals.clone();
        let shards = globals.shards.unwrap_or_else(|| {
            std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
        });
        Self {
            shards,
            program,
            control,
            generation: 0,
            key: 0,
            settings: settings(plan, &reporter, None),
            local_domain: plan.local_domain.clone(),
            quarantine: {
                let folder = globals.work_directory.as_deref().map(Path::new);
                Arc::new(Quarantine::new(folder, reporter.clone()))
            },
            globals,
            reporter,
            programs: Arc::default(),
            tables: Arc::default(),
            inputs: Vec::new(),
            actions: Vec::new(),
            spools: Arc::default(),
            internal: None,
            ruleset_names: BTreeMap::new(),
            impstats: None,
            counted: Vec::new(),
            counters: Counters::default(),
            policies: Arc::default(),
            retired_inputs: Vec::new(),
            retired_actions: Vec::new(),
            turnover: Default::default(),
            reload_stats: Arc::default(),
        }
    }

    /// What `plan` asks for and this process cannot change while it runs.
    pub(super) fn needs_restart(&self, plan: &Plan) -> Vec<&'static str> {
        self.globals.fixed_that_differ(&plan.globals)
    }

    /// Makes ready for `plan`: what is wanted and not there is opened, what goes on learns what
    /// holds from the next generation on. `bound` is called when the inputs are open, and before
    /// any thread is started or any file made.
    ///
    /// # Errors
    /// What `bound` says.
    pub(super) fn begin(
        &mut self,
        plan: Plan,
        bound: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<Change> {
        self.generation += 1;
        let same_names =
            self.globals.dns == plan.globals.dns && self.local_domain == plan.local_domain;
        let before = Before { settings: &self.settings, same_names };
        let settings = settings(&plan, &self.reporter, Some(&before));
        let mut plan = plan;
        let wanted = inputs::wanted(std::mem::take(&mut plan.inputs), &settings, self.shards);
        let pairs = pair(&self.inputs, &wanted, LiveInput::is_at, LiveInput::is_called_like);
        let mut old: Vec<_> = self.inputs.drain(..).map(Some).collect();
        for (at, input) in old.iter().flatten().enumerate() {
            if !pairs.contains(&Some(at)) {
                input.make_way();
            }
        }
        let generation = self.generation;
        let opener = Opener { settings: &settings, control: &self.control, generation };
        let (mut slots, mut sockets) = (Vec::new(), Vec::new());
        for (wanted, pair) in wanted.into_iter().zip(pairs) {
            if let Some(mut input) = pair.and_then(|at| old[at].take()) {
                input.go_on(generation, &wanted, &settings);
                slots.push(Slot::Live(Box::new(input)));
                continue;
            }
            self.key += 1;
            slots.push(match opener.open(self.key, &wanted) {
                Ok((input, opened)) => {
                    sockets.push(opened);
                    Slot::Live(Box::new(input))
                }
                Err(error) => Slot::Missing(Box::new(wanted), error),
            });
        }
        if generation > 1 {
            poison::test_panic_once("reload", b"begun");
        }
        let inputs = slots;
        let removed: Vec<_> = old.into_iter().flatten().collect();
        let unwanted = plan.reports.impstats.is_none();
        let removed_impstats = if unwanted { self.impstats.take() } else { None };
        for branch in removed.iter().map(|input| &input.branch) {
            branch.stop();
        }
        bound()?;
        let old = std::mem::take(&mut self.actions);
        let (spools, reporter) = (&self.spools, &self.reporter);
        let wanted = std::mem::take(&mut plan.actions);
        let actions = actions::change(old, wanted, &mut self.key, spools, reporter);
        if self.generation == 1 {
            self.tell_left_over(&actions.live);
        }
        Ok(Change { plan, settings, actions, inputs, sockets, removed, removed_impstats })
    }

    /// Once, at the start: what a reload leaves over, it says.
    fn tell_left_over(&self, actions: &[LiveAction]) {
        let used: Vec<_> = actions.iter().filter_map(LiveAction::place).collect();
        let mut folders: BTreeSet<PathBuf> = used.iter().map(|(at, _)| at.clone()).collect();
        folders.extend(self.globals.work_directory.as_deref().map(PathBuf::from));
        spools::tell_left_over(&folders, &used, &*self.reporter);
    }

    /// Opens what had to wait for that, and gives each shard its part.
    pub(super) fn finish(&mut self, change: Change) -> Vec<ShardChange> {
        let Change { removed, removed_impstats, .. } = change;
        let Change { plan, settings, actions: mut change, inputs, mut sockets, .. } = change;
        let gone = removed.len();
        // They went by the names that were.
        self.retire_inputs(&removed, removed_impstats.as_ref());
        self.ruleset_names = plan.ruleset_names;
        self.take_inputs(inputs, &settings, &mut sockets);
        let new = sockets.len();
        self.turnover.0 = Turnover { kept: self.inputs.len() - new, new, gone };
        (self.settings, self.local_domain) = (settings, plan.local_domain);
        self.globals = plan.globals.with_fixed_of(&self.globals);
        self.actions = std::mem::take(&mut change.live);
        let retired = std::mem::take(&mut change.retired);
        let told: Vec<_> = retired.iter().map(|action| action.retired(&self.actions)).collect();
        self.retire_actions(&retired);
        let (new, gone) = (change.tasks.len(), retired.len());
        self.turnover.1 = Turnover { kept: self.actions.len() - new, new, gone };
        let mut programs = plan.programs;
        programs.go_on_from(&self.programs);
        plan.counters.go_on_from(&self.counters);
        self.counters = plan.counters;
        self.policies = Arc::new(Policies::new(plan.limits, &self.settings.limits));
        self.programs = Arc::new(programs);
        std::mem::replace(&mut self.tables, Arc::new(plan.tables)).stop();
        let impstats = self.impstats(plan.reports);
        let mut shards: Vec<ShardChange> = (0..self.shards)
            .map(|_| ShardChange {
                generation: self.generation,
                programs: self.programs.clone(),
                outlets: change.outlets(&self.actions),
                actions: Vec::new(),
                retired: told.clone(),
                sockets: Vec::new(),
                internal: None,
                impstats: None,
            })
            .collect();
        for (i, task) in change.tasks.into_iter().enumerate() {
            shards[i % self.shards].actions.push(task);
        }
        deal(sockets, &mut shards);
        shards[0].impstats = impstats;
        if let Some((setups, _)) = &self.internal {
            setups.add(self.generation, self.internal_setup(plan.default_ruleset));
        }
        shards
    }

    /// Lets own messages in, from `messages`.
    pub(super) fn hear(
        &mut self,
        messages: tokio::sync::mpsc::Receiver<(crate::base::reporter::Level, String)>,
        default_ruleset: RulesetId,
    ) -> Internal {
        let setup = self.internal_setup(default_ruleset);
        let setups = Arc::new(Versions::new(self.generation, setup));
        let stats = Arc::new(InputStats::default());
        self.internal = Some((setups.clone(), stats.clone()));
        Internal { program: self.program, setups, stats, messages }
    }

    fn internal_setup(&self, ruleset: RulesetId) -> InternalSetup {
        let sums_up = self.settings.sums_up;
        InternalSetup { info: self.info(self.program), ruleset, sums_up }
    }

    /// Of an input of the relay's own.
    pub(super) fn info(&self, name: &str) -> Arc<InputInfo> {
        Arc::new(InputInfo { name: name.into(), hostname: self.settings.hostname.clone() })
    }

    /// Whether anything comes in from outside.
    pub(super) const fn listens(&self) -> bool {
        !self.inputs.is_empty()
    }

    /// The tag of own messages.
    pub(super) const fn program(&self) -> &'static str {
        self.program
    }

    /// What became of inputs and actions in the last change.
    pub(super) const fn turnover(&self) -> (Turnover, Turnover) {
        self.turnover
    }

    pub(super) const fn reload_stats(&self) -> &Arc<ReloadStats> {
        &self.reload_stats
    }

    /// How often impstats reports, if it does.
    pub(super) fn interval(&self) -> Option<Duration> {
        self.impstats.as_ref().map(|each| each.setups.latest().spec.interval)
    }

    pub(super) const fn drain(&self) -> Duration {
        self.globals.drain
    }

    /// Puts the inputs in, and opens those that could not be opened before.
    fn take_inputs(
        &mut self,
        slots: Vec<Slot>,
        settings: &InputSettings,
        sockets: &mut Vec<Sockets>,
    ) {
        let generation = self.generation;
        let opener = Opener { settings, control: &self.control, generation };
        for slot in slots {
            let (wanted, error) = match slot {
                Slot::Live(input) => {
                    self.inputs.push(*input);
                    continue;
                }
                Slot::Missing(wanted, error) => (wanted, error),
            };
            self.key += 1;
            // The address may have been that of an input that is gone by now.
            match opener.open(self.key, &wanted) {
                Ok((input, opened)) => {
                    sockets.push(opened);
                    self.inputs.push(input);
                }
                Err(_) => wanted.complain(settings, &error),
            }
        }
    }

    fn impstats(&mut self, reports: Reports) -> Option<(Impstats, Signals)> {
        let Reports { counted, impstats, modules } = reports;
        statistics::go_on_from(&counted, &self.counted);
        self.counted = counted;
        let (spec, ruleset) = impstats?;
        let stats = self.impstats.as_ref().map_or_else(Arc::default, |old| old.stats.clone());
        let setup = self.impstats_setup(spec, ruleset, &modules, &stats);
        if let Some(running) = &mut self.impstats {
            running.ruleset = ruleset;
            running.setups.add(self.generation, setup);
            return None;
        }
        let (branch, signals) = self.control.branch();
        let setups = Arc::new(Versions::new(self.generation, setup));
        let (running, counted) = (setups.clone(), stats.clone());
        self.impstats = Some(LiveImpstats { setups: running, ruleset, stats: counted, branch });
        Some((Impstats::new(setups, stats, self.reporter.clone()), signals))
    }

    fn impstats_setup(
        &self,
        spec: ImpstatsSpec,
        ruleset: RulesetId,
        modules: &[String],
        stats: &Arc<InputStats>,
    ) -> ImpstatsSetup {
        let info = self.info(impstats::NAME);
        let probes = self.probes(modules, stats);
        ImpstatsSetup { spec, ruleset, info, probes }
    }

    /// What impstats, whose own counters are `own`, reports, in rsyslogd's order.
    fn probes(&self, modules: &[String], own: &Arc<InputStats>) -> Vec<Box<dyn Probe>> {
        let sockets = self.inputs.iter().filter(|input| input.is_log_socket());
        let sockets = LogSocketsProbe::of(sockets.map(|input| input.stats.clone()).collect());
        let action = |action: usize| self.actions[action].probes();
        let mut probes = statistics::probes(sockets, &self.counted, action);
        let mut listeners: Vec<_> = self.inputs.iter().flat_map(LiveInput::probes).collect();
        let place = |l: &ListenerProbe| modules.iter().position(|module| module == l.module());
        listeners.sort_by_key(place);
        probes.extend(listeners.into_iter().map(|l| Box::new(l) as Box<dyn Probe>));
        let journals = self.inputs.iter().filter(|input| input.reads_journal());
        let journals = journals.map(|input| JournalProbe(input.stats.clone()));
        probes.extend(journals.map(|probe| Box::new(probe) as Box<dyn Probe>));
        probes.push(Box::new(ResourceProbe));
        probes.extend(self.actions.iter().flat_map(LiveAction::queue_probes));
        let mut inputs: Vec<_> = self.inputs.iter().map(|input| input.stats.clone()).collect();
        inputs.extend(self.internal.iter().map(|(_, stats)| stats.clone()));
        inputs.push(own.clone());
        probes.push(Box::new(MainQueueProbe(inputs)));
        let udp = self.inputs.iter().filter(|input| input.is_udp());
        let udp: Vec<_> = udp.map(|input| input.stats.clone()).collect();
        if !udp.is_empty() {
            probes.push(Box::new(DatagramsProbe(udp)));
        }
        probes.push(Box::new(OwnProbe(self.reload_stats.clone())));
        probes
    }

    fn retire_inputs(&mut self, removed: &[LiveInput], impstats: Option<&LiveImpstats>) {
        let mut gone: Vec<_> = removed.iter().map(|input| self.counters_of(input)).collect();
        gone.extend(impstats.map(|each| self.counters(impstats::NAME, each.ruleset, &each.stats)));
        let all = &mut self.retired_inputs;
        all.append(&mut gone);
        while all.len() > RETIRED_SHOWN {
            if all[0].name != EARLIER {
                all.insert(0, InputCounters::none(EARLIER));
            }
            let input = all.remove(1);
            all[0].stats.absorb(&input.stats);
        }
    }

    fn retire_actions(&mut self, retired: &[LiveAction]) {
        let all = &mut self.retired_actions;
        all.extend(retired.iter().map(LiveAction::counters));
        let is_over = |action: &ActionCounters| action.name != EARLIER && action.queue.is_over();
        while all.len() > RETIRED_SHOWN
            && let Some(at) = all.iter().position(is_over)
        {
            if all[0].name != EARLIER {
                all.insert(0, ActionCounters::none(EARLIER));
                continue;
            }
            let action = all.remove(at);
            all[0].absorb(&action);
        }
    }

    fn counters_of(&self, input: &LiveInput) -> InputCounters {
        self.counters(&input.label, input.ruleset, &input.stats)
    }

    fn counters(&self, name: &str, ruleset: RulesetId, stats: &Arc<InputStats>) -> InputCounters {
        let ruleset = self.ruleset_names.get(&ruleset).cloned().unwrap_or_default();
        InputCounters { name: name.to_owned(), ruleset, stats: stats.clone() }
    }

    /// The counters of everything, to be read while it runs and after.
    pub(super) fn summary(&self) -> Summary {
        let mut inputs: Vec<_> = self.inputs.iter().map(|input| self.counters_of(input)).collect();
        inputs.extend(
            self.internal
                .iter()
                .map(|(setups, stats)| self.counters("internal", setups.latest().ruleset, stats)),
        );
        let impstats = self.impstats.iter();
        inputs
            .extend(impstats.map(|each| self.counters(impstats::NAME, each.ruleset, &each.stats)));
        inputs.extend(self.retired_inputs.iter().cloned());
        let mut actions: Vec<_> = self.actions.iter().map(LiveAction::counters).collect();
        actions.extend(self.retired_actions.iter().cloned());
        Summary { inputs, actions, ..Summary::default() }
    }
}

impl Change {
    /// Waits until the inputs that are no longer wanted have taken in what the kernel had accepted
    /// for them.
    pub(super) async fn ended(&self) {
        for input in &self.removed {
            input.branch.ended().await;
        }
        if let Some(impstats) = &self.removed_impstats {
            impstats.branch.stop();
            impstats.branch.ended().await;
        }
    }

    /// The inputs that have not ended by now.
    pub(super) fn removed(&self) -> Vec<u64> {
        self.removed.iter().map(|input| input.key).collect()
    }
}

/// Gives the shards their sockets: the first one listens for all, and hands connections on.
fn deal(sockets: Vec<Sockets>, shards: &mut [ShardChange]) {
    for Sockets { key, signals, kind } in sockets {
        match kind {
            // Each on one shard, all on all of them.
            SocketKind::Local(..) => {
                let at = usize::try_from(key).unwrap_or(0) % shards.len();
                shards[at].sockets.push(Sockets { key, signals, kind });
            }
            SocketKind::Tcp(_) => shards[0].sockets.push(Sockets { key, signals, kind }),
            SocketKind::Udp(input, by_shard) => {
                for (shard, own) in shards.iter_mut().zip(by_shard) {
                    let kind = SocketKind::Udp(input.clone(), vec![own]);
                    shard.sockets.push(Sockets { key, signals: signals.clone(), kind });
                }
            }
        }
    }
}

/// What was there before.
struct Before<'a> {
    settings: &'a InputSettings,
    /// Names of senders are looked up and cut as they were.
    same_names: bool,
}

fn settings(
    plan: &Plan,
    reporter: &Arc<dyn Reporter>,
    before: Option<&Before<'_>>,
) -> InputSettings {
    let globals = &plan.globals;
    let names = before.filter(|before| before.same_names);
    let new_names = || Arc::new(Names::new(globals.dns, plan.local_domain.as_deref()));
    InputSettings {
        message_bytes_max: globals.message_bytes_max,
        names: names.map_or_else(new_names, |before| before.settings.names.clone()),
        reporter: reporter.clone(),
        hostname: plan.hostname.clone(),
        family: globals.family(),
        allowed: globals.senders.allowed(),
        limits: Arc::new(shared_limits(&plan.limits, reporter, before)),
        sums_up: globals.sums_up,
    }
}

/// The `ratelimit()` objects at work; those that limit as before go on counting.
fn shared_limits(
    limits: &Limits,
    reporter: &Arc<dyn Reporter>,
    before: Option<&Before<'_>>,
) -> HashMap<String, Arc<RateLimit>> {
    let limit = |name: &String, plan: &LimitPlan| {
        let limit = RateLimit::new(name.clone(), plan.spec.clone(), reporter.clone());
        let known = before.and_then(|before| before.settings.limits.get(name));
        let same = known.filter(|known| known.is_like(&limit));
        same.cloned().unwrap_or_else(|| Arc::new(limit))
    };
    limits.iter().map(|(name, plan)| (name.clone(), limit(name, plan))).collect()
}
