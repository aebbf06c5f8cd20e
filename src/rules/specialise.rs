//! Residuals: what is left of a ruleset once the source and the input are known.

use std::collections::HashMap;
use std::convert::Infallible;
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::base::limits::RESIDUALS_MAX;
use crate::base::limits::SCRIPT_TEXT_BYTES_KEPT;
use crate::message::Batch;
use crate::message::Draft;
use crate::message::InputInfo;
use crate::message::Source;
use crate::message::Variables;
use crate::modifier::Modifier;
use crate::rules::ActionId;
use crate::rules::RulesetId;
use crate::rules::Sink;
use crate::rules::ir::Arm;
use crate::rules::ir::Change;
use crate::rules::ir::Each;
use crate::rules::ir::Expr;
use crate::rules::ir::Node;
use crate::rules::ir::Placed;
use crate::rules::ir::Reload;
use crate::rules::ir::Test;
use crate::rules::live::Runtime;
use crate::rules::program::Program;
use crate::rules::program::Programs;
use crate::rules::program::RulesetNames;
use crate::rules::program::Verdicts;
use crate::rules::run::run;

/// Actions that [`Residual::always`] lists at most.
const ALWAYS_MAX: usize = 1024;

/// A ruleset for one source: nothing in it asks where a message came from. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Residual(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    steps: Steps,
    always: Option<Box<[ActionId]>>,
    actions: Box<[ActionId]>,
    buffers: usize,
}

/// Buffers in which values are built that do not stand in the message, and its variables. Kept by
/// the caller, so that running a residual does not allocate (unless it sets variables).
#[derive(Debug, Default)]
pub struct Scratch {
    buffers: Vec<Vec<u8>>,
    variables: Variables,
    runtime: Runtime,
}

impl Scratch {
    /// With the variables that all messages of a relay share, if it has any.
    #[must_use]
    pub fn new(programs: &Programs) -> Self {
        let variables = Variables::new(programs.global.clone(), programs.case);
        let runtime = Runtime { watches: programs.watches, ..Runtime::default() };
        Self { buffers: Vec::new(), variables, runtime }
    }

    /// Gives the memory back that only a very long text needed. Asked once per batch.
    pub fn trim(&mut self) {
        let long = |buffer: &&mut Vec<u8>| buffer.capacity() > SCRIPT_TEXT_BYTES_KEPT;
        self.buffers.iter_mut().filter(long).for_each(|buffer| *buffer = Vec::new());
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

/// The body of a ruleset or of an arm.
pub(super) type Steps = Vec<Step>;

#[derive(Debug)]
pub(super) enum Step {
    Action(ActionId),
    Enqueue(RulesetId),
    Change(Arc<Change>),
    Modify(Arc<Modifier>),
    Foreach {
        each: Arc<Each>,
        body: Steps,
    },
    Indirect {
        target: Arc<Expr>,
        names: Arc<RulesetNames>,
    },
    Reload(Arc<Reload>),
    Choice {
        arms: Vec<(Test, Steps)>,
        otherwise: Steps,
    },
    /// A called ruleset; shared, because it may be called from many places.
    Called(Arc<Called>),
    Stop,
}

#[derive(Debug)]
pub(super) struct Called {
    pub(super) steps: Steps,
    /// See [`buffers`]; counted once, not at every place of call.
    buffers: usize,
}

/// What became of a test.
enum Decided {
    Yes,
    No,
    Open(Test),
}

impl Programs {
    /// Decides everything that depends on the source and the input alone, and leaves the rest.
    /// Calls of rulesets that run in place become part of the result.
    #[must_use]
    pub fn specialise(&self, ruleset: RulesetId, source: &Source, input: &InputInfo) -> Residual {
        if self.program(ruleset).is_none() {
            return Residual::of(Steps::new(), Vec::new());
        }
        self.residual(ruleset, &self.verdicts(ruleset, source, input))
    }

    fn program(&self, ruleset: RulesetId) -> Option<&Program> {
        self.programs.get(ruleset.0 as usize)
    }

    fn residual(&self, ruleset: RulesetId, verdicts: &Verdicts) -> Residual {
        let mut specialiser = Specialiser { programs: self, verdicts, called: HashMap::new() };
        let (mut steps, _) = specialiser.ruleset(ruleset);
        // A ruleset that runs inside of another one stops that as well.
        if !self.indirect {
            drop_idle_end(&mut steps);
        }
        let mut actions = Vec::new();
        self.collect_actions(&steps, &mut Vec::new(), &mut actions);
        Residual::of(steps, actions)
    }

    /// Every action that `steps` may lead to. Of a ruleset that is handed over (those in `seen`
    /// have been) nothing is decided yet: all of its actions count.
    fn collect_actions(
        &self,
        steps: &[Step],
        seen: &mut Vec<RulesetId>,
        actions: &mut Vec<ActionId>,
    ) {
        for step in steps {
            match step {
                Step::Action(action) => actions.push(*action),
                Step::Choice { arms, otherwise } => {
                    for (_, then) in arms {
                        self.collect_actions(then, seen, actions);
                    }
                    self.collect_actions(otherwise, seen, actions);
                }
                Step::Called(called) => self.collect_actions(&called.steps, seen, actions),
                Step::Enqueue(to) => self.collect_ruleset(*to, seen, actions),
                Step::Foreach { body, .. } => self.collect_actions(body, seen, actions),
                Step::Indirect { names, .. } => {
                    for (to, _) in names.values() {
                        self.collect_ruleset(*to, seen, actions);
                    }
                }
                Step::Change(_) | Step::Modify(_) | Step::Reload(_) | Step::Stop => {}
            }
        }
    }

    fn collect_ruleset(
        &self,
        ruleset: RulesetId,
        seen: &mut Vec<RulesetId>,
        actions: &mut Vec<ActionId>,
    ) {
        if seen.contains(&ruleset) {
            return;
        }
        seen.push(ruleset);
        let Some(program) = self.program(ruleset) else { return };
        let mut open: Vec<&[Placed]> = vec![&program.nodes];
        while let Some(nodes) = open.pop() {
            for placed in nodes {
                match &placed.node {
                    Node::Action(action) => actions.push(*action),
                    Node::Choice { arms, otherwise } => {
                        open.extend(arms.iter().map(|arm| &arm.then[..]));
                        open.push(otherwise);
                    }
                    Node::Call(call) | Node::Enqueue(call) => {
                        self.collect_ruleset(program.calls[*call].ruleset, seen, actions);
                    }
                    Node::Guard(Arm { then: body, .. }) | Node::Foreach { body, .. } => {
                        open.push(body);
                    }
                    Node::Indirect(_) => {
                        for (to, _) in self.names.values() {
                            self.collect_ruleset(*to, seen, actions);
                        }
                    }
                    Node::Change(_) | Node::Modify(_) | Node::Reload(_) | Node::Stop => {}
                }
            }
        }
    }
}

struct Specialiser<'a> {
    programs: &'a Programs,
    verdicts: &'a Verdicts,
    /// Called rulesets that were met, and whether no message gets past them.
    called: HashMap<RulesetId, (Arc<Called>, bool)>,
}

impl Specialiser<'_> {
    fn ruleset(&mut self, ruleset: RulesetId) -> (Steps, bool) {
        let mut steps = Steps::new();
        let ends = match self.programs.program(ruleset) {
            Some(program) => self.block(&program.nodes, ruleset, program, &mut steps),
            None => false,
        };
        (steps, ends)
    }

    /// Appends what is left of `nodes`; returns whether no message gets past them.
    fn block(
        &mut self,
        nodes: &[Placed],
        ruleset: RulesetId,
        program: &Program,
        steps: &mut Steps,
    ) -> bool {
        for placed in nodes {
            let ends = match &placed.node {
                Node::Action(action) => {
                    steps.push(Step::Action(*action));
                    false
                }
                Node::Enqueue(call) => {
                    let site = &program.calls[*call];
                    if !site.cut {
                        steps.push(Step::Enqueue(site.ruleset));
                    }
                    false
                }
                Node::Change(change) => {
                    steps.push(Step::Change(change.clone()));
                    false
                }
                Node::Modify(modifier) => {
                    steps.push(Step::Modify(modifier.clone()));
                    false
                }
                Node::Foreach { each, body } => {
                    let mut rounds = Steps::new();
                    self.block(body, ruleset, program, &mut rounds);
                    steps.push(Step::Foreach { each: each.clone(), body: rounds });
                    false
                }
                Node::Indirect(target) => {
                    let names = self.programs.names.clone();
                    steps.push(Step::Indirect { target: target.clone(), names });
                    false
                }
                Node::Reload(reload) => {
                    steps.push(Step::Reload(reload.clone()));
                    false
                }
                Node::Guard(arm) => {
                    self.choice(std::slice::from_ref(arm), &[], ruleset, program, steps)
                }
                Node::Stop => {
                    steps.push(Step::Stop);
                    true
                }
                Node::Call(call) => {
                    let site = &program.calls[*call];
                    !site.cut && self.call(site.ruleset, steps)
                }
                Node::Choice { arms, otherwise } => {
                    self.choice(arms, otherwise, ruleset, program, steps)
                }
            };
            if ends {
                return true;
            }
        }
        false
    }

    fn call(&mut self, ruleset: RulesetId, steps: &mut Steps) -> bool {
        let (called, ends) = match self.called.get(&ruleset) {
            Some(known) => known.clone(),
            None => {
                let (steps, ends) = self.ruleset(ruleset);
                let buffers = buffers(&steps);
                let called = (Arc::new(Called { steps, buffers }), ends);
                self.called.insert(ruleset, called.clone());
                called
            }
        };
        if !called.steps.is_empty() {
            steps.push(Step::Called(called));
        }
        ends
    }

    fn choice(
        &mut self,
        arms: &[Arm],
        otherwise: &[Placed],
        ruleset: RulesetId,
        program: &Program,
        steps: &mut Steps,
    ) -> bool {
        let mut open = Vec::new();
        let mut all_end = true;
        let mut last = otherwise;
        for Arm { test, then: block, .. } in arms {
            match self.decide(test, ruleset) {
                Decided::No => {}
                Decided::Yes => {
                    last = block;
                    break;
                }
                Decided::Open(test) => {
                    let mut then = Steps::new();
                    all_end &= self.block(block, ruleset, program, &mut then);
                    open.push((test, then));
                }
            }
        }
        if open.is_empty() {
            return self.block(last, ruleset, program, steps);
        }
        let mut rest = Steps::new();
        all_end &= self.block(last, ruleset, program, &mut rest);
        drop_idle_arms(&mut open, &rest);
        if !open.is_empty() {
            steps.push(Step::Choice { arms: open, otherwise: rest });
        }
        all_end
    }

    fn decide(&self, test: &Test<u32>, ruleset: RulesetId) -> Decided {
        let truth = |truth| if truth { Decided::Yes } else { Decided::No };
        match test {
            Test::Const(known) => truth(*known),
            Test::Pri(mask) => Decided::Open(Test::Pri(*mask)),
            Test::Leaf(leaf) => Decided::Open(Test::Leaf(leaf.clone())),
            Test::Origin(local) => {
                let predicate = self.programs.first_predicate[ruleset.0 as usize] + local;
                truth(self.programs.verdict(self.verdicts, predicate))
            }
            Test::Not(inner) => match self.decide(inner, ruleset) {
                Decided::Yes => Decided::No,
                Decided::No => Decided::Yes,
                Decided::Open(test) => Decided::Open(Test::Not(Box::new(test))),
            },
            Test::And(all) => {
                let mut open = Vec::new();
                for test in all {
                    match self.decide(test, ruleset) {
                        Decided::Yes => {}
                        Decided::No => return settled(open, false, Test::And),
                        Decided::Open(test) => open.push(test),
                    }
                }
                joined(open, Decided::Yes, Test::And)
            }
            Test::Or(any) => {
                let mut open = Vec::new();
                for test in any {
                    match self.decide(test, ruleset) {
                        Decided::Yes => return settled(open, true, Test::Or),
                        Decided::No => {}
                        Decided::Open(test) => open.push(test),
                    }
                }
                joined(open, Decided::No, Test::Or)
            }
        }
    }
}

/// Operands that a decided one makes irrelevant, but for what they do.
fn settled(
    mut open: Vec<Test>,
    truth: bool,
    many: impl Fn(Box<[Test<Infallible>]>) -> Test,
) -> Decided {
    if open.iter().any(Test::acts) {
        open.push(Test::Const(truth));
        return Decided::Open(many(open.into()));
    }
    if truth { Decided::Yes } else { Decided::No }
}

fn joined(
    mut open: Vec<Test>,
    none: Decided,
    many: impl Fn(Box<[Test<Infallible>]>) -> Test,
) -> Decided {
    match (open.pop(), open.is_empty()) {
        (None, _) => none,
        (Some(only), true) => Decided::Open(only),
        (Some(last), false) => {
            open.push(last);
            Decided::Open(many(open.into()))
        }
    }
}

/// Drops what does nothing at the end of a ruleset: a stop, and choices between nothings.
fn drop_idle_end(steps: &mut Steps) {
    while let Some(last) = steps.last_mut() {
        let idle = match last {
            Step::Stop => true,
            Step::Choice { arms, otherwise } => {
                drop_idle_end(otherwise);
                arms.iter_mut().for_each(|(_, then)| drop_idle_end(then));
                drop_idle_arms(arms, otherwise);
                arms.is_empty()
            }
            Step::Action(_)
            | Step::Enqueue(_)
            | Step::Change(_)
            | Step::Modify(_)
            | Step::Foreach { .. }
            | Step::Indirect { .. }
            | Step::Reload(_)
            | Step::Called(_) => false,
        };
        if !idle {
            break;
        }
        steps.pop();
    }
}

/// Drops the arms at the end that do nothing, not even by their conditions. One further up still
/// keeps messages from what stands behind it.
fn drop_idle_arms(arms: &mut Vec<(Test, Steps)>, otherwise: &Steps) {
    let idle = |(test, then): &(Test, Steps)| then.is_empty() && !test.acts();
    while otherwise.is_empty() && arms.last().is_some_and(idle) {
        arms.pop();
    }
}

impl Residual {
    /// `actions`: all that `steps` may lead to.
    fn of(steps: Steps, mut actions: Vec<ActionId>) -> Self {
        let mut listed = Vec::new();
        let always = list_actions(&steps, &mut listed).then(|| listed.into());
        let buffers = buffers(&steps);
        actions.sort_unstable();
        actions.dedup();
        Self(Arc::new(Inner { steps, always, actions: actions.into(), buffers }))
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
        let Scratch { buffers, variables, runtime } = scratch;
        runtime.rounds.set(0);
        runtime.calls.set(0);
        let end = self.run_draft(&mut Draft::new(batch, index, variables), buffers, runtime, sink);
        variables.clear();
        end.is_break()
    }

    pub(super) fn run_draft(
        &self,
        draft: &mut Draft<'_>,
        buffers: &mut Vec<Vec<u8>>,
        runtime: &Runtime,
        sink: &mut impl Sink,
    ) -> ControlFlow<()> {
        if buffers.len() < self.0.buffers {
            buffers.resize_with(self.0.buffers, Vec::new);
        }
        run(&self.0.steps, draft, buffers, runtime, sink)
    }

    /// Whether nothing will ever be done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.steps.is_empty()
    }

    /// The actions that every message goes to, in order, if that is all there is: the caller may
    /// then take the messages action by action.
    #[must_use]
    pub fn always(&self) -> Option<&[ActionId]> {
        self.0.always.as_deref()
    }

    /// Every action that a message may go to, in ascending order, by way of rulesets that are
    /// handed over ([`Sink::enqueue`]) as well.
    #[must_use]
    pub fn actions(&self) -> &[ActionId] {
        &self.0.actions
    }

    /// Whether both are the same residual in memory.
    #[must_use]
    pub fn is_shared_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
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

fn buffers(steps: &[Step]) -> usize {
    let of = |step: &Step| match step {
        Step::Choice { arms, otherwise } => {
            let arms = arms.iter().map(|(test, then)| test.buffers().max(buffers(then)));
            arms.max().unwrap_or(0).max(buffers(otherwise))
        }
        Step::Called(called) => called.buffers,
        Step::Change(change) => change.value.as_ref().map_or(0, Expr::buffers),
        Step::Foreach { each, body } => each.collection.buffers().max(buffers(body)),
        Step::Indirect { target, .. } => target.buffers(),
        Step::Reload(reload) => reload.stub.as_ref().map_or(0, Expr::buffers),
        Step::Action(_) | Step::Enqueue(_) | Step::Modify(_) | Step::Stop => 0,
    };
    steps.iter().map(of).max().unwrap_or(0)
}

/// A cache of residuals: sources that the rules do not tell apart share one.
#[derive(Debug, Default)]
pub struct Residuals {
    known: HashMap<(RulesetId, Verdicts), Residual>,
}

impl Residuals {
    /// As [`Programs::specialise`]. At [`RESIDUALS_MAX`] different ones, further ones are made
    /// anew each time.
    pub fn get(
        &mut self,
        programs: &Programs,
        ruleset: RulesetId,
        source: &Source,
        input: &InputInfo,
    ) -> Residual {
        if programs.program(ruleset).is_none() {
            return Residual::of(Steps::new(), Vec::new());
        }
        let key = (ruleset, programs.verdicts(ruleset, source, input));
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let residual = programs.residual(ruleset, &key.1);
        if self.known.len() < RESIDUALS_MAX {
            self.known.insert(key, residual.clone());
        }
        residual
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Forgets all, as on a reload: residuals belong to the programs they were made from.
    pub fn clear(&mut self) {
        self.known.clear();
    }
}
