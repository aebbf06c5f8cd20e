//! What every message of one source begins with. Where a ruleset sets variables first of all, to
//! what follows from the source alone (`set $.tenant = lookup("tenants", $fromhost-ip);`), that is
//! done once per source, and so are tests of those variables.

use std::collections::HashMap;
use std::sync::Arc;

use crate::message::Property;
use crate::message::Tree;
use crate::rules::eval::holds;
use crate::rules::eval::kept;
use crate::rules::ir::Change;
use crate::rules::ir::Expr;
use crate::rules::ir::Test;
use crate::rules::ir::Varies;
use crate::rules::live::Origin;
use crate::rules::program::Programs;
use crate::rules::residual::Code;
use crate::rules::residual::Residual;
use crate::rules::run::set;
use crate::rules::specialise::Called;
use crate::rules::specialise::Step;
use crate::rules::specialise::Steps;
use crate::rules::specialise::drop_idle_arms;

/// What is to be done for each source of which the rules think the same.
#[derive(Debug)]
pub(super) struct Plan {
    /// For messages that come from other rules, and for all if there is nothing to set.
    plain: Residual,
    whole: Arc<Code>,
    /// The statements at the beginning whose values follow from the source.
    preset: Box<[Arc<Change>]>,
    /// What stands behind them.
    rest: Steps,
    /// The tests in it that are decided with those values, in order.
    questions: Box<[Test]>,
    /// Its programs, by the answers.
    entries: HashMap<Box<[bool]>, Arc<Code>>,
}

impl Plan {
    pub(super) fn new(programs: &Programs, steps: Steps) -> Self {
        let (preset, rest) = split(&steps);
        let mut questions = Vec::new();
        if !preset.is_empty() {
            settle(&rest, &mut true, &mut |test| {
                questions.push(test.clone());
                None
            });
        }
        let whole = Arc::new(Code::new(programs, steps));
        Self {
            plain: Residual::new(whole.clone(), whole.clone(), programs.variables()),
            whole,
            preset,
            rest,
            questions: questions.into(),
            entries: HashMap::new(),
        }
    }

    /// For messages that come from other rules.
    pub(super) fn inside(&self) -> Residual {
        self.plain.clone()
    }

    /// For messages of a source that enter here, and how many programs were kept for it: what is
    /// made is kept if it may be.
    pub(super) fn enter(
        &mut self,
        programs: &Programs,
        origin: &Origin<'_>,
        keep: bool,
    ) -> (Residual, usize) {
        if self.preset.is_empty() {
            return (self.plain.clone(), 0);
        }
        let mut variables = programs.variables();
        for change in &self.preset {
            let Some(expr) = &change.value else { continue };
            let mut buffers = vec![Vec::new(); expr.buffers()];
            let value = kept(expr, &Origin { variables: &variables, ..*origin }, &mut buffers);
            // What cannot be set stays as it is.
            _ = set(change, Some(value), &mut variables);
        }
        let origin = Origin { variables: &variables, ..*origin };
        let answer = |test: &Test| holds(test, &origin, &mut vec![Vec::new(); test.buffers()]);
        let answers: Box<[bool]> = self.questions.iter().map(answer).collect();
        if let Some(known) = self.entries.get(&answers) {
            return (Residual::new(self.whole.clone(), known.clone(), variables), 0);
        }
        let mut next = answers.iter().copied();
        let mut steps = settle(&self.rest, &mut true, &mut |_| next.next());
        programs.trim(&mut steps);
        let code = Arc::new(Code::new(programs, steps));
        if keep {
            self.entries.insert(answers, code.clone());
        }
        (Residual::new(self.whole.clone(), code, variables), usize::from(keep))
    }
}

/// The statements at the beginning that are the same for every message of a source, and the steps
/// behind them.
fn split(steps: &[Step]) -> (Box<[Arc<Change>]>, Steps) {
    let mut rest = steps.to_vec();
    // A ruleset that is called at the very beginning runs as if it stood here.
    while let Some(Step::Called(called)) = rest.first() {
        let called = called.clone();
        rest.splice(..1, called.steps.iter().cloned());
    }
    let mut preset = Vec::new();
    for step in &rest {
        match step {
            Step::Change(change) if is_known(change) => preset.push(change.clone()),
            _ => break,
        }
    }
    rest.drain(..preset.len());
    (preset.into(), rest)
}

/// Whether the value follows from the source, and from variables whose values do.
fn is_known(change: &Change) -> bool {
    let known = |expr: &Expr| expr.depends_on(Varies::WithVariables, Property::source_only);
    change.variable.tree != Tree::Global && change.value.as_ref().is_some_and(known)
}

/// What is left of `steps` where `ask` answers tests. It is asked those that read nothing but the
/// source and variables, in places where the variables are `pristine`: as they were at the
/// beginning; always the same ones in the same order, whatever it answers.
fn settle(
    steps: &[Step],
    pristine: &mut bool,
    ask: &mut dyn FnMut(&Test) -> Option<bool>,
) -> Steps {
    let mut left = Steps::new();
    for step in steps {
        match step {
            Step::Choice { arms, otherwise } => {
                left.extend(choose(arms, otherwise, pristine, ask));
            }
            Step::Called(called) => {
                let called = Called::new(settle(&called.steps, pristine, ask));
                left.push(Step::Called(Arc::new(called)));
            }
            // What has a queue runs on a copy.
            Step::Action(_) | Step::Enqueue(_) | Step::Reload(_) | Step::Stop => {
                left.push(step.clone());
            }
            Step::Change(_) | Step::Modify(_) | Step::Foreach { .. } | Step::Indirect { .. } => {
                *pristine = false;
                left.push(step.clone());
            }
        }
    }
    if let Some(stop) = left.iter().position(|step| matches!(step, Step::Stop)) {
        left.truncate(stop + 1);
    }
    left
}

fn choose(
    arms: &[(Test, Steps)],
    otherwise: &[Step],
    pristine: &mut bool,
    ask: &mut dyn FnMut(&Test) -> Option<bool>,
) -> Steps {
    let mut open = Vec::new();
    let mut last = None;
    let mut after = true;
    for (test, then) in arms {
        let asked = *pristine && test.depends_on(Varies::WithVariables, Property::source_only);
        let answer = if asked { ask(test) } else { None };
        *pristine &= !test.acts();
        let mut inside = *pristine;
        let then = settle(then, &mut inside, ask);
        after &= inside;
        match answer {
            // Nobody gets here.
            _ if last.is_some() => {}
            Some(true) => last = Some(then),
            Some(false) => {}
            None => open.push((test.clone(), then)),
        }
    }
    let mut inside = *pristine;
    let otherwise = settle(otherwise, &mut inside, ask);
    *pristine = after && inside;
    let last = last.unwrap_or(otherwise);
    if open.is_empty() {
        return last;
    }
    drop_idle_arms(&mut open, &last);
    match open.is_empty() {
        true => Steps::new(),
        false => vec![Step::Choice { arms: open, otherwise: last }],
    }
}
