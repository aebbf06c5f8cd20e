//! A message through the rules, slowly, with everything told that happens on the way
//! (`bongsu explain`). It runs the nodes that residuals are made of, by the same evaluation.

use std::ops::ControlFlow;

use bstr::BString;
use bstr::ByteSlice as _;

use crate::base::diag::Loc;
use crate::base::limits::FOREACH_ROUNDS_MAX;
use crate::base::limits::INDIRECT_CALLS_MAX;
use crate::base::limits::SCRIPT_DEPTH_MAX;
use crate::message::Batch;
use crate::message::Draft;
use crate::message::Variable;
use crate::message::Variables;
use crate::message::View;
use crate::message::json;
use crate::modifier::Modifier;
use crate::rules::ActionId;
use crate::rules::Fault;
use crate::rules::RulesetId;
use crate::rules::Scratch;
use crate::rules::eval;
use crate::rules::ir::Arm;
use crate::rules::ir::Block;
use crate::rules::ir::Change;
use crate::rules::ir::Each;
use crate::rules::ir::Expr;
use crate::rules::ir::Node;
use crate::rules::live::Live;
use crate::rules::live::Runtime;
use crate::rules::program::Program;
use crate::rules::program::Programs;
use crate::rules::run::elements;
use crate::rules::run::set;
use crate::rules::seen::Leaves;
use crate::rules::seen::Read;
use crate::rules::seen::buffers;
use crate::rules::seen::decide;

/// What happens to a message.
#[derive(Debug)]
pub enum Event<'a> {
    /// A condition or filter was decided, with what it saw.
    Test {
        holds: bool,
        reads: Vec<(Read, BString)>,
    },
    /// None of the conditions of an `if` held, and its `else` is taken. The place is that of the
    /// first statement in it.
    Otherwise,
    /// A variable was set by a statement, or by a function or a module on the way; to nothing if
    /// it was removed.
    Set {
        /// With its sign, such as `$!a!b`.
        variable: &'a str,
        value: Option<&'a json::Value>,
        /// Something else is in the way: the variable is as it was, which `value` is.
        refused: bool,
    },
    /// A module such as mmjsonparse has been asked to change the message. The variables that it
    /// changed follow.
    Modified {
        view: View<'a>,
    },
    Action {
        action: ActionId,
        view: View<'a>,
    },
    /// A ruleset begins; on a copy of the message if it has a queue.
    Call {
        ruleset: RulesetId,
        queued: bool,
    },
    /// It is over.
    Return {
        ruleset: RulesetId,
    },
    /// Something that the relay would complain of, and go on.
    Fault(Fault<'a>),
    /// A `foreach` begins, with so many elements; none if there is nothing to go over.
    Foreach {
        elements: usize,
    },
    /// A round of it.
    Round {
        variable: String,
        value: &'a json::Value,
    },
    Stop,
    /// A lookup table would be read again.
    Reload {
        table: &'a str,
    },
    /// The message as the rules leave it.
    End {
        view: View<'a>,
    },
}

/// Where something happens.
#[derive(Clone, Copy, Debug, Default)]
pub struct At {
    /// The statement, or the condition.
    pub loc: Loc,
    /// Rulesets, branches and loops that it is inside of.
    pub depth: usize,
}

impl Programs {
    /// Runs the message at `index` of `batch`, which exists, from `ruleset` on.
    pub fn trace(
        &self,
        ruleset: RulesetId,
        batch: &mut Batch,
        index: usize,
        scratch: &mut Scratch,
        f: &mut dyn FnMut(At, Event<'_>),
    ) {
        let (variables, runtime) = scratch.parts();
        let mut draft = Draft::new(batch, index, variables);
        let mut tracer = Tracer { programs: self, runtime, depth: 0, f: &mut *f };
        // Where the message stopped makes no difference.
        let (ControlFlow::Continue(()) | ControlFlow::Break(())) =
            tracer.ruleset(ruleset, &mut draft);
        f(At::default(), Event::End { view: draft.view() });
        variables.clear();
    }

    /// Forgets what messages have left in `$/`.
    pub fn forget_global(&self) {
        let mut variables = Variables::new(self.global.clone(), self.case);
        if let Some(root) = Variable::parse(b"/") {
            variables.unset(&root);
        }
    }
}

struct Tracer<'a> {
    programs: &'a Programs,
    runtime: &'a Runtime,
    depth: usize,
    f: &'a mut dyn FnMut(At, Event<'_>),
}

impl Tracer<'_> {
    fn tell(&mut self, loc: Loc, event: Event<'_>) {
        (self.f)(At { loc, depth: self.depth }, event);
    }

    fn ruleset(&mut self, ruleset: RulesetId, draft: &mut Draft<'_>) -> ControlFlow<()> {
        match self.programs.programs.get(ruleset.0 as usize) {
            Some(program) => self.block(&program.nodes, program, draft),
            None => ControlFlow::Continue(()),
        }
    }

    /// A block inside of what was told last.
    fn inner(
        &mut self,
        nodes: &Block,
        program: &Program,
        draft: &mut Draft<'_>,
    ) -> ControlFlow<()> {
        self.depth += 1;
        let done = self.block(nodes, program, draft);
        self.depth -= 1;
        done
    }

    fn block(
        &mut self,
        nodes: &Block,
        program: &Program,
        draft: &mut Draft<'_>,
    ) -> ControlFlow<()> {
        for placed in nodes {
            let loc = placed.loc;
            match &placed.node {
                Node::Action(action) => {
                    self.tell(loc, Event::Action { action: *action, view: draft.view() });
                }
                Node::Choice { arms, otherwise } => {
                    self.choice(arms, otherwise, program, draft)?;
                }
                // Nobody wrote it, and it changes nothing.
                Node::Guard(arm) => self.block(&arm.then, program, draft)?,
                Node::Call(at) | Node::Enqueue(at) => {
                    let site = &program.calls[*at];
                    if !site.cut {
                        self.call(loc, site.ruleset, site.queued, draft)?;
                    }
                }
                Node::Change(change) => self.change(loc, change, draft),
                Node::Modify(modifier) => self.modify(loc, modifier, draft),
                Node::Foreach { each, body } => self.foreach(loc, each, body, program, draft)?,
                Node::Indirect(target) => self.indirect(loc, target, draft)?,
                Node::Reload(reload) => {
                    self.tell(loc, Event::Reload { table: reload.table.name() });
                }
                Node::Stop => {
                    self.tell(loc, Event::Stop);
                    return ControlFlow::Break(());
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn choice(
        &mut self,
        arms: &[Arm],
        otherwise: &Block,
        program: &Program,
        draft: &mut Draft<'_>,
    ) -> ControlFlow<()> {
        for arm in arms {
            let before = arm.test.acts().then(|| Leaves::of(draft.variables));
            let mut reads = Vec::new();
            let holds = decide(&arm.test, program, &Live::new(draft, self.runtime), &mut reads);
            self.tell(arm.loc, Event::Test { holds, reads });
            if let Some(before) = before {
                self.changes(arm.loc, &before, draft);
            }
            if holds {
                return self.inner(&arm.then, program, draft);
            }
        }
        let Some(first) = otherwise.first() else { return ControlFlow::Continue(()) };
        self.tell(first.loc, Event::Otherwise);
        self.inner(otherwise, program, draft)
    }

    /// Tells what has become of variables since `before`.
    fn changes(&mut self, loc: Loc, before: &Leaves, draft: &Draft<'_>) {
        let now = Leaves::of(draft.variables);
        for (variable, value) in before.changes(&now) {
            self.tell(loc, Event::Set { variable, value, refused: false });
        }
    }

    fn modify(&mut self, loc: Loc, modifier: &Modifier, draft: &mut Draft<'_>) {
        let before = Leaves::of(draft.variables);
        modifier.apply(draft);
        self.tell(loc, Event::Modified { view: draft.view() });
        self.changes(loc, &before, draft);
    }

    /// A ruleset with a queue has a copy, and what becomes of that is nothing to the caller.
    fn call(
        &mut self,
        loc: Loc,
        ruleset: RulesetId,
        queued: bool,
        draft: &mut Draft<'_>,
    ) -> ControlFlow<()> {
        self.tell(loc, Event::Call { ruleset, queued });
        let kept = queued.then(|| {
            let copy = draft.variables.clone();
            (draft.message, std::mem::replace(draft.variables, copy))
        });
        self.depth += 1;
        let done = self.ruleset(ruleset, draft);
        self.depth -= 1;
        self.tell(loc, Event::Return { ruleset });
        let Some((message, variables)) = kept else { return done };
        (draft.message, *draft.variables) = (message, variables);
        ControlFlow::Continue(())
    }

    fn indirect(&mut self, loc: Loc, target: &Expr, draft: &mut Draft<'_>) -> ControlFlow<()> {
        let name = text(target, &Live::new(draft, self.runtime));
        let known = self.programs.names.get(&*name.to_str_lossy().to_ascii_lowercase());
        let Some((ruleset, queued)) = known.copied() else {
            self.tell(loc, Event::Fault(Fault::NoRuleset(&name)));
            return ControlFlow::Continue(());
        };
        let (depth, calls) = (self.runtime.depth.get(), self.runtime.calls.get());
        if depth == SCRIPT_DEPTH_MAX || calls == INDIRECT_CALLS_MAX {
            self.tell(loc, Event::Fault(Fault::TooManyCalls(&name)));
            return ControlFlow::Continue(());
        }
        self.runtime.calls.set(calls + 1);
        self.runtime.depth.set(depth + 1);
        let done = self.call(loc, ruleset, queued, draft);
        self.runtime.depth.set(depth);
        done
    }

    fn change(&mut self, loc: Loc, change: &Change, draft: &mut Draft<'_>) {
        let acts = change.value.as_ref().is_some_and(Expr::acts);
        let before = acts.then(|| Leaves::of(draft.variables));
        let live = Live::new(draft, self.runtime);
        let value = change.value.as_ref().map(|value| kept(value, &live));
        if let Some(before) = before {
            self.changes(loc, &before, draft);
        }
        let refused = set(change, value, draft.variables).is_err();
        let copied = |value: Option<&json::Value>| value.cloned();
        let value = draft.variables.with(&change.variable, copied);
        let variable = &change.variable.to_string();
        self.tell(loc, Event::Set { variable, value: value.as_ref(), refused });
    }

    fn foreach(
        &mut self,
        loc: Loc,
        each: &Each,
        body: &Block,
        program: &Program,
        draft: &mut Draft<'_>,
    ) -> ControlFlow<()> {
        let elements = elements(kept(&each.collection, &Live::new(draft, self.runtime)));
        self.tell(loc, Event::Foreach { elements: elements.as_ref().map_or(0, Vec::len) });
        let Some(elements) = elements else { return ControlFlow::Continue(()) };
        for element in elements {
            let round = self.runtime.rounds.get();
            if round == FOREACH_ROUNDS_MAX {
                self.tell(loc, Event::Fault(Fault::TooManyRounds));
                break;
            }
            self.runtime.rounds.set(round + 1);
            let variable = each.variable.to_string();
            self.tell(loc, Event::Round { variable, value: &element });
            _ = draft.variables.reset(&each.variable, element);
            self.inner(body, program, draft)?;
        }
        draft.variables.unset(&each.variable);
        ControlFlow::Continue(())
    }
}

fn kept(expr: &Expr, live: &Live<'_>) -> json::Value {
    eval::kept(expr, live, &mut buffers(expr))
}

fn text(expr: &Expr, live: &Live<'_>) -> BString {
    eval::value(expr, live, &mut buffers(expr)).with_text(|text| text.into())
}
