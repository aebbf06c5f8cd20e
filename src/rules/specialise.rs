//! What is left of a ruleset once the source and the input are known.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use crate::modifier::Modifier;
use crate::rules::ActionId;
use crate::rules::RulesetId;
use crate::rules::ir::Arm;
use crate::rules::ir::Change;
use crate::rules::ir::Each;
use crate::rules::ir::Expr;
use crate::rules::ir::Node;
use crate::rules::ir::Placed;
use crate::rules::ir::Reload;
use crate::rules::ir::Test;
use crate::rules::program::Program;
use crate::rules::program::Programs;
use crate::rules::program::RulesetNames;
use crate::rules::program::Verdicts;

/// The body of a ruleset or of an arm.
pub(super) type Steps = Vec<Step>;

#[derive(Clone, Debug)]
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

impl Called {
    pub(super) fn new(steps: Steps) -> Self {
        let buffers = buffers(&steps);
        Self { steps, buffers }
    }
}

/// What became of a test.
enum Decided {
    Yes,
    No,
    Open(Test),
}

impl Programs {
    pub(super) fn program(&self, ruleset: RulesetId) -> Option<&Program> {
        self.programs.get(ruleset.0 as usize)
    }

    /// What is left of a ruleset where the verdicts are these. Calls of rulesets that run in place
    /// become part of it.
    pub(super) fn steps(&self, ruleset: RulesetId, verdicts: &Verdicts) -> Steps {
        let mut specialiser = Specialiser { programs: self, verdicts, called: HashMap::new() };
        let (mut steps, _) = specialiser.ruleset(ruleset);
        self.trim(&mut steps);
        steps
    }

    /// Drops what does nothing at the end of a ruleset.
    pub(super) fn trim(&self, steps: &mut Steps) {
        // A ruleset that runs inside of another one stops that as well.
        if !self.indirect {
            drop_idle_end(steps);
        }
    }

    /// Every action that `steps` may lead to, in ascending order.
    pub(super) fn actions(&self, steps: &[Step]) -> Box<[ActionId]> {
        let mut actions = Vec::new();
        self.collect_actions(steps, &mut Vec::new(), &mut actions);
        actions.sort_unstable();
        actions.dedup();
        actions.into()
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
                let called = (Arc::new(Called::new(steps)), ends);
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
pub(super) fn drop_idle_arms(arms: &mut Vec<(Test, Steps)>, otherwise: &Steps) {
    let idle = |(test, then): &(Test, Steps)| then.is_empty() && !test.acts();
    while otherwise.is_empty() && arms.last().is_some_and(idle) {
        arms.pop();
    }
}

/// How many scratch buffers the steps may need at once.
pub(super) fn buffers(steps: &[Step]) -> usize {
    let of = |step: &Step| match step {
        Step::Choice { arms, otherwise } => {
            let arms = arms.iter().map(|(test, then)| test.buffers().max(buffers(then)));
            arms.max().unwrap_or(0).max(buffers(otherwise))
        }
        Step::Called(called) => called.buffers,
        Step::Change(change) => change.value.as_ref().map_or(0, Expr::buffers),
        Step::Foreach { each, body } => each.collection.buffers().max(buffers(body)),
        // One more for the name in lower case.
        Step::Indirect { target, .. } => 1 + target.buffers(),
        Step::Reload(reload) => reload.stub.as_ref().map_or(0, Expr::buffers),
        Step::Action(_) | Step::Enqueue(_) | Step::Modify(_) | Step::Stop => 0,
    };
    steps.iter().map(of).max().unwrap_or(0)
}
