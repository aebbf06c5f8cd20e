//! Residuals: a ruleset for one source, ready to run.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::Arc;

use crate::base::limits::RESIDUALS_MAX;
use crate::message::Batch;
use crate::message::Draft;
use crate::message::InputInfo;
use crate::message::Source;
use crate::message::Variables;
use crate::message::View;
use crate::rules::ActionId;
use crate::rules::RulesetId;
use crate::rules::Sink;
use crate::rules::call::tables::Asked;
use crate::rules::live::Origin;
use crate::rules::live::Runtime;
use crate::rules::live::trim;
use crate::rules::preset::Plan;
use crate::rules::program::Programs;
use crate::rules::program::Verdicts;
use crate::rules::run::run;
use crate::rules::specialise::Step;
use crate::rules::specialise::Steps;
use crate::rules::specialise::buffers;

/// Actions that [`Residual::always`] lists at most.
const ALWAYS_MAX: usize = 1024;

/// A ruleset for one source: nothing in it asks where a message came from. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Residual(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Of the ruleset as it runs inside of another one.
    whole: Arc<Code>,
    /// Of the ruleset as messages enter it.
    entry: Arc<Code>,
    /// What every message that enters it has.
    variables: Variables,
    /// Whether that is anything.
    is_preset: bool,
}

/// Steps, and what is known of them. Sources share it.
#[derive(Debug)]
pub(super) struct Code {
    pub(super) steps: Steps,
    always: Option<Box<[ActionId]>>,
    actions: Box<[ActionId]>,
    buffers: usize,
}

impl Code {
    pub(super) fn new(programs: &Programs, steps: Steps) -> Self {
        let mut listed = Vec::new();
        let always = list_actions(&steps, &mut listed).then(|| listed.into());
        Self { always, actions: programs.actions(&steps), buffers: buffers(&steps), steps }
    }

    fn run(
        &self,
        draft: &mut Draft<'_>,
        buffers: &mut Vec<Vec<u8>>,
        runtime: &Runtime,
        sink: &mut impl Sink,
    ) -> ControlFlow<()> {
        if buffers.len() < self.buffers {
            buffers.resize_with(self.buffers, Vec::new);
        }
        run(&self.steps, draft, buffers, runtime, sink)
    }
}

/// Buffers in which values are built that do not stand in the message, and its variables. Kept by
/// the caller, so that running a residual does not allocate (unless it sets variables).
#[derive(Debug, Default)]
pub struct Scratch {
    buffers: Vec<Vec<u8>>,
    variables: Variables,
    runtime: Runtime,
    /// Whose preset the variables are, if they are one and not [touched](Variables::touched).
    preset: Option<Residual>,
}

impl Scratch {
    /// With the variables that all messages of a relay share, if it has any.
    #[must_use]
    pub fn new(programs: &Programs) -> Self {
        let variables = Variables::new(programs.global.clone(), programs.case);
        let runtime = Runtime { watches: programs.watches, ..Runtime::default() };
        Self { buffers: Vec::new(), variables, runtime, preset: None }
    }

    /// Gives the memory back that only a very long text needed. Asked once per batch.
    pub fn trim(&mut self) {
        trim(&mut self.buffers);
        if self.variables.touched() && self.preset.take().is_some() {
            self.variables.clear();
        }
    }

    /// Looks at lookup tables anew: asked when the [epoch](Programs::epoch) has changed, never
    /// while a message is on its way.
    pub fn refresh(&self) {
        self.runtime.tables.forget();
    }

    /// Lookup tables, as those see them that decide by the same ones.
    pub(super) const fn tables(&self) -> &Rc<Asked> {
        &self.runtime.tables
    }

    /// The variables, and what functions keep.
    pub(super) const fn parts(&mut self) -> (&mut Variables, &Runtime) {
        (&mut self.variables, &self.runtime)
    }

    /// What the next message has from the start.
    #[cfg(test)]
    pub(super) const fn variables_mut(&mut self) -> &mut Variables {
        &mut self.variables
    }
}

impl Programs {
    /// Decides everything that depends on the source and the input alone, and leaves the rest.
    /// Calls of rulesets that run in place become part of the result.
    #[must_use]
    pub fn specialise(&self, ruleset: RulesetId, source: &Source, input: &InputInfo) -> Residual {
        Residuals::default().get(self, ruleset, source, input)
    }

    /// The variables of a message that nothing has set any of.
    pub(super) fn variables(&self) -> Variables {
        Variables::new(self.global.clone(), self.case)
    }
}

impl Residual {
    pub(super) fn new(whole: Arc<Code>, entry: Arc<Code>, preset: Variables) -> Self {
        let is_preset = !Arc::ptr_eq(&whole, &entry);
        Self(Arc::new(Inner { whole, entry, variables: preset, is_preset }))
    }

    /// Runs the message at `index` of `batch` through, which exists. Whether a `stop` ended it.
    #[inline]
    pub fn run(
        &self,
        batch: &mut Batch,
        index: usize,
        scratch: &mut Scratch,
        sink: &mut impl Sink,
    ) -> bool {
        let inner = &*self.0;
        if batch.gives() && batch.begin_with_given(index, &mut scratch.variables) {
            return self.run_given(batch, index, scratch, sink);
        }
        if let Some(actions) = self.always().filter(|_| inner.is_preset) {
            let view = self.view(batch, index);
            actions.iter().for_each(|action| sink.action(*action, view));
            return false;
        }
        scratch.begin(self);
        let Scratch { buffers, variables, runtime, .. } = scratch;
        let draft = &mut Draft::new(batch, index, variables);
        let stopped = inner.entry.run(draft, buffers, runtime, sink).is_break();
        if !inner.is_preset {
            variables.clear();
        }
        stopped
    }

    /// Runs a message that has variables already: what was decided for those that have none does
    /// not hold for it.
    fn run_given(
        &self,
        batch: &mut Batch,
        index: usize,
        scratch: &mut Scratch,
        sink: &mut impl Sink,
    ) -> bool {
        scratch.runtime.rounds.set(0);
        scratch.runtime.calls.set(0);
        scratch.preset = None;
        let Scratch { buffers, variables, runtime, .. } = scratch;
        let draft = &mut Draft::new(batch, index, variables);
        let stopped = self.0.whole.run(draft, buffers, runtime, sink).is_break();
        variables.clear();
        stopped
    }

    /// Runs a message that comes from other rules, with the variables that it has.
    pub(super) fn run_draft(
        &self,
        draft: &mut Draft<'_>,
        buffers: &mut Vec<Vec<u8>>,
        runtime: &Runtime,
        sink: &mut impl Sink,
    ) -> ControlFlow<()> {
        self.0.whole.run(draft, buffers, runtime, sink)
    }

    /// Whether nothing will ever be done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.entry.steps.is_empty()
    }

    /// The actions that every message goes to, in order, if that is all there is: the caller may
    /// then take the messages action by action, each as [`Self::view`] has it.
    #[must_use]
    pub fn always(&self) -> Option<&[ActionId]> {
        self.0.entry.always.as_deref()
    }

    /// The message at `index` of `batch`, which exists, with what every message of its source has.
    #[must_use]
    #[inline]
    pub fn view<'a>(&'a self, batch: &'a Batch, index: usize) -> View<'a> {
        View { batch, message: &batch.messages[index], variables: self.variables() }
    }

    /// What every message of its source has from the start.
    #[must_use]
    pub fn variables(&self) -> &Variables {
        &self.0.variables
    }

    /// Every action that a message may go to, in ascending order, by way of rulesets that are
    /// handed over ([`Sink::enqueue`]) as well.
    #[must_use]
    pub fn actions(&self) -> &[ActionId] {
        &self.0.entry.actions
    }

    /// Whether both are the same program in memory.
    #[must_use]
    pub fn is_shared_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0.entry, &other.0.entry)
    }
}

impl Scratch {
    /// A message enters the residual: its variables are those that it has from the start.
    #[inline]
    fn begin(&mut self, residual: &Residual) {
        self.runtime.rounds.set(0);
        self.runtime.calls.set(0);
        if !residual.0.is_preset {
            if self.preset.take().is_some() {
                self.variables.clear();
            }
            return;
        }
        let same = self.preset.as_ref().is_some_and(|known| Arc::ptr_eq(&known.0, &residual.0));
        if !same || self.variables.touched() {
            self.variables.assume(&residual.0.variables);
            self.preset = Some(residual.clone());
        }
    }
}

/// Lists the actions in `actions`; false if there is anything else, or too many.
fn list_actions(steps: &[Step], actions: &mut Vec<ActionId>) -> bool {
    steps.iter().all(|step| match step {
        Step::Action(action) => {
            actions.push(*action);
            actions.len() <= ALWAYS_MAX
        }
        Step::Called(called) => list_actions(&called.steps, actions),
        Step::Enqueue(_)
        | Step::Change(_)
        | Step::Modify(_)
        | Step::Foreach { .. }
        | Step::Indirect { .. }
        | Step::Reload(_)
        | Step::Choice { .. }
        | Step::Stop => false,
    })
}

/// A cache of residuals: sources that the rules do not tell apart share their programs, and have
/// variables of their own where those follow from the source.
#[derive(Debug, Default)]
pub struct Residuals {
    plans: HashMap<(RulesetId, Verdicts), Plan>,
    /// Programs that are kept, of all plans.
    kept: usize,
    tables: Rc<Asked>,
}

impl Residuals {
    /// Deciding by the same lookup tables as the rules that `scratch` is for.
    #[must_use]
    pub fn beside(scratch: &Scratch) -> Self {
        Self { tables: scratch.tables().clone(), ..Self::default() }
    }

    /// As [`Programs::specialise`]. At [`RESIDUALS_MAX`] different ones, further ones are made
    /// anew each time.
    pub fn get(
        &mut self,
        programs: &Programs,
        ruleset: RulesetId,
        source: &Source,
        input: &InputInfo,
    ) -> Residual {
        self.find(programs, ruleset, source, input, |plan, programs, origin, keep| {
            plan.enter(programs, origin, keep)
        })
    }

    /// The same for messages that come from other rules ([`Sink::residual`], [`Sink::enqueue`]):
    /// what variables they have is not known.
    pub fn inside(
        &mut self,
        programs: &Programs,
        ruleset: RulesetId,
        source: &Source,
        input: &InputInfo,
    ) -> Residual {
        self.find(programs, ruleset, source, input, |plan, _, _, _| (plan.inside(), 0))
    }

    fn find(
        &mut self,
        programs: &Programs,
        ruleset: RulesetId,
        source: &Source,
        input: &InputInfo,
        of: impl FnOnce(&mut Plan, &Programs, &Origin<'_>, bool) -> (Residual, usize),
    ) -> Residual {
        let variables = programs.variables();
        let origin = Origin { source, input, tables: &self.tables, variables: &variables };
        if programs.program(ruleset).is_none() {
            let mut nothing = Plan::new(programs, Steps::new());
            return of(&mut nothing, programs, &origin, false).0;
        }
        let key = (ruleset, programs.verdicts(ruleset, &origin));
        let full = self.kept >= RESIDUALS_MAX;
        if let Some(plan) = self.plans.get_mut(&key) {
            let (residual, new) = of(plan, programs, &origin, !full);
            self.kept += new;
            return residual;
        }
        let mut plan = Plan::new(programs, programs.steps(ruleset, &key.1));
        let (residual, new) = of(&mut plan, programs, &origin, !full);
        if !full {
            self.kept += 1 + new;
            self.plans.insert(key, plan);
        }
        residual
    }

    /// Programs that are kept.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.kept
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.kept == 0
    }

    /// Forgets all, as on a reload: residuals belong to the programs they were made from.
    pub fn clear(&mut self) {
        self.plans.clear();
        self.kept = 0;
    }
}
