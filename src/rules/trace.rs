//! A message through the rules, slowly, with everything told that happens on the way
//! (`bongsu explain`). It runs the nodes that residuals are made of, by the same evaluation.

use std::ops::ControlFlow;

use bstr::BString;

use crate::base::diag::Loc;
use crate::base::limits::FOREACH_ROUNDS_MAX;
use crate::base::limits::INDIRECT_CALLS_MAX;
use crate::base::limits::SCRIPT_DEPTH_MAX;
use crate::message::Batch;
use crate::message::Draft;
use crate::message::Property;
use crate::message::Variable;
use crate::message::View;
use crate::message::json;
use crate::rules::ActionId;
use crate::rules::RulesetId;
use crate::rules::Scratch;
use crate::rules::eval;
use crate::rules::ir::Arm;
use crate::rules::ir::Block;
use crate::rules::ir::Change;
use crate::rules::ir::Each;
use crate::rules::ir::Expr;
use crate::rules::ir::Leaf;
use crate::rules::ir::Node;
use crate::rules::ir::Test;
use crate::rules::live::Live;
use crate::rules::live::Properties;
use crate::rules::live::Runtime;
use crate::rules::program::Program;
use crate::rules::program::Programs;
use crate::rules::run::elements;
use crate::rules::run::set;

/// What a condition or a value looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    Property(Property),
    Variable(Variable),
    /// What a function gave.
    Call(&'static str),
}

/// What happens to a message; places are those of statements and conditions.
#[derive(Debug)]
pub enum Event<'a> {
    /// A condition or filter was decided, with what it saw.
    Test {
        loc: Loc,
        holds: bool,
        reads: Vec<(Read, BString)>,
    },
    /// None of the conditions of an `if` held, and its `else` is taken.
    Otherwise {
        loc: Loc,
    },
    /// A variable was set; to nothing if it was removed.
    Set {
        loc: Loc,
        variable: &'a Variable,
        value: Option<json::Value>,
    },
    /// A module such as mmjsonparse has changed the message.
    Modified {
        loc: Loc,
        view: View<'a>,
    },
    Action {
        loc: Loc,
        action: ActionId,
        view: View<'a>,
    },
    /// A ruleset begins; on a copy of the message if it has a queue.
    Call {
        loc: Loc,
        ruleset: RulesetId,
        queued: bool,
    },
    /// It is over.
    Return {
        loc: Loc,
        ruleset: RulesetId,
    },
    /// `call_indirect` of a ruleset that is not there, or too many of them.
    NoCall {
        loc: Loc,
        name: BString,
    },
    /// A round of `foreach`, with its element.
    Round {
        loc: Loc,
        variable: &'a Variable,
        value: &'a json::Value,
    },
    Stop {
        loc: Loc,
    },
    /// A lookup table would be read again.
    Reload {
        loc: Loc,
        table: &'a str,
    },
    /// The message as the rules leave it.
    End {
        view: View<'a>,
    },
}

impl Programs {
    /// Runs the message at `index` of `batch`, which exists, from `ruleset` on.
    pub fn trace(
        &self,
        ruleset: RulesetId,
        batch: &mut Batch,
        index: usize,
        scratch: &mut Scratch,
        f: &mut dyn FnMut(Event<'_>),
    ) {
        let (variables, runtime) = scratch.parts();
        let mut draft = Draft::new(batch, index, variables);
        let mut tracer = Tracer { programs: self, runtime, f: &mut *f };
        // Where the message stopped makes no difference.
        let (ControlFlow::Continue(()) | ControlFlow::Break(())) =
            tracer.ruleset(ruleset, &mut draft);
        f(Event::End { view: draft.view() });
        variables.clear();
    }
}

struct Tracer<'a> {
    programs: &'a Programs,
    runtime: &'a Runtime,
    f: &'a mut dyn FnMut(Event<'_>),
}

impl Tracer<'_> {
    fn ruleset(&mut self, ruleset: RulesetId, draft: &mut Draft<'_>) -> ControlFlow<()> {
        match self.programs.programs.get(ruleset.0 as usize) {
            Some(program) => self.block(&program.nodes, program, draft),
            None => ControlFlow::Continue(()),
        }
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
                    (self.f)(Event::Action { loc, action: *action, view: draft.view() });
                }
                Node::Choice { arms, otherwise } => {
                    self.choice(loc, arms, otherwise, program, draft)?;
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
                Node::Modify(modifier) => {
                    modifier.apply(draft);
                    (self.f)(Event::Modified { loc, view: draft.view() });
                }
                Node::Foreach { each, body } => self.foreach(loc, each, body, program, draft)?,
                Node::Indirect(target) => self.indirect(loc, target, draft)?,
                Node::Reload(reload) => (self.f)(Event::Reload { loc, table: reload.table.name() }),
                Node::Stop => {
                    (self.f)(Event::Stop { loc });
                    return ControlFlow::Break(());
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn choice(
        &mut self,
        loc: Loc,
        arms: &[Arm],
        otherwise: &Block,
        program: &Program,
        draft: &mut Draft<'_>,
    ) -> ControlFlow<()> {
        for arm in arms {
            let live = Live::new(draft, self.runtime);
            let mut reads = Vec::new();
            reads_of_test(&arm.test, program, &live, &mut reads);
            let holds = holds(&arm.test, program, &live);
            (self.f)(Event::Test { loc: arm.loc, holds, reads });
            if holds {
                return self.block(&arm.then, program, draft);
            }
        }
        if !otherwise.is_empty() {
            (self.f)(Event::Otherwise { loc });
        }
        self.block(otherwise, program, draft)
    }

    /// A ruleset with a queue has a copy, and what becomes of that is nothing to the caller.
    fn call(
        &mut self,
        loc: Loc,
        ruleset: RulesetId,
        queued: bool,
        draft: &mut Draft<'_>,
    ) -> ControlFlow<()> {
        (self.f)(Event::Call { loc, ruleset, queued });
        let kept = queued.then(|| (draft.message, draft.variables.clone()));
        let done = self.ruleset(ruleset, draft);
        (self.f)(Event::Return { loc, ruleset });
        let Some((message, variables)) = kept else { return done };
        (draft.message, *draft.variables) = (message, variables);
        ControlFlow::Continue(())
    }

    fn indirect(&mut self, loc: Loc, target: &Expr, draft: &mut Draft<'_>) -> ControlFlow<()> {
        let name = text(target, &Live::new(draft, self.runtime));
        let known = self.programs.names.get(&name.to_string().to_ascii_lowercase());
        let (depth, calls) = (self.runtime.depth.get(), self.runtime.calls.get());
        let Some((ruleset, queued)) =
            known.copied().filter(|_| depth < SCRIPT_DEPTH_MAX && calls < INDIRECT_CALLS_MAX)
        else {
            (self.f)(Event::NoCall { loc, name });
            return ControlFlow::Continue(());
        };
        self.runtime.calls.set(calls + 1);
        self.runtime.depth.set(depth + 1);
        let done = self.call(loc, ruleset, queued, draft);
        self.runtime.depth.set(depth);
        done
    }

    fn change(&mut self, loc: Loc, change: &Change, draft: &mut Draft<'_>) {
        let live = Live::new(draft, self.runtime);
        let value = change.value.as_ref().map(|value| kept(value, &live));
        set(change, value, draft.variables);
        let copied = |value: Option<&json::Value>| value.cloned();
        let value = draft.variables.with(&change.variable, copied);
        (self.f)(Event::Set { loc, variable: &change.variable, value });
    }

    fn foreach(
        &mut self,
        loc: Loc,
        each: &Each,
        body: &Block,
        program: &Program,
        draft: &mut Draft<'_>,
    ) -> ControlFlow<()> {
        let Some(elements) = elements(kept(&each.collection, &Live::new(draft, self.runtime)))
        else {
            return ControlFlow::Continue(());
        };
        for element in elements {
            let round = self.runtime.rounds.get();
            if round == FOREACH_ROUNDS_MAX {
                break;
            }
            self.runtime.rounds.set(round + 1);
            (self.f)(Event::Round { loc, variable: &each.variable, value: &element });
            _ = draft.variables.reset(&each.variable, element);
            self.block(body, program, draft)?;
        }
        draft.variables.unset(&each.variable);
        ControlFlow::Continue(())
    }
}

fn holds(test: &Test<u32>, program: &Program, live: &Live<'_>) -> bool {
    match test {
        Test::Const(truth) => *truth,
        Test::Pri(mask) => mask.takes(live.pri()),
        Test::Origin(at) => {
            let predicate = &program.predicates[*at as usize];
            eval::holds(predicate, live, &mut buffers(predicate.buffers()))
        }
        Test::Leaf(leaf) => eval::leaf_holds(leaf, live, &mut buffers(leaf.buffers())),
        Test::Not(inner) => !holds(inner, program, live),
        Test::And(all) => all.iter().all(|test| holds(test, program, live)),
        Test::Or(any) => any.iter().any(|test| holds(test, program, live)),
    }
}

fn buffers(count: usize) -> Vec<Vec<u8>> {
    vec![Vec::new(); count]
}

fn kept(expr: &Expr, live: &Live<'_>) -> json::Value {
    eval::kept(expr, live, &mut buffers(expr.buffers()))
}

fn text(expr: &Expr, live: &Live<'_>) -> BString {
    let mut buffers = buffers(expr.buffers());
    eval::value(expr, live, &mut buffers).with_text(|text| text.into())
}

type Reads = Vec<(Read, BString)>;

/// What a test looks at, each thing once, in the order of the text.
fn reads_of_test<O: Predicate>(
    test: &Test<O>,
    program: &Program,
    live: &Live<'_>,
    reads: &mut Reads,
) {
    match test {
        Test::Const(_) => {}
        Test::Pri(_) => reads_of(&Expr::Property(Property::PriText), program, live, reads),
        Test::Origin(at) => at.reads(program, live, reads),
        Test::Leaf(leaf) => match &**leaf {
            Leaf::Exists(variable) => {
                reads_of(&Expr::Variable(variable.clone()), program, live, reads);
            }
            leaf => leaf.operands().into_iter().for_each(|o| reads_of(o, program, live, reads)),
        },
        Test::Not(inner) => reads_of_test(inner, program, live, reads),
        Test::And(all) | Test::Or(all) => {
            all.iter().for_each(|test| reads_of_test(test, program, live, reads));
        }
    }
}

/// What stands for a test of the source.
trait Predicate {
    fn reads(&self, program: &Program, live: &Live<'_>, reads: &mut Reads);
}

impl Predicate for u32 {
    fn reads(&self, program: &Program, live: &Live<'_>, reads: &mut Reads) {
        reads_of_test(&program.predicates[*self as usize], program, live, reads);
    }
}

impl Predicate for std::convert::Infallible {
    fn reads(&self, _: &Program, _: &Live<'_>, _: &mut Reads) {
        match *self {}
    }
}

fn reads_of(expr: &Expr, program: &Program, live: &Live<'_>, reads: &mut Reads) {
    let read = match expr {
        Expr::Number(_) | Expr::Text(_) => return,
        Expr::Property(property) => Read::Property(*property),
        Expr::Variable(variable) => Read::Variable((**variable).clone()),
        Expr::Concat(parts) => {
            return parts.iter().for_each(|part| reads_of(part, program, live, reads));
        }
        Expr::Arithmetic(_, sides) => {
            return sides.iter().for_each(|side| reads_of(side, program, live, reads));
        }
        Expr::Negate(inner)
        | Expr::Lowercase(inner)
        | Expr::Length(inner)
        | Expr::ToNumber(inner)
        | Expr::ToText(inner) => return reads_of(inner, program, live, reads),
        Expr::Test(test) => return reads_of_test(test, program, live, reads),
        Expr::Call(call) => {
            call.args.iter().for_each(|arg| reads_of(arg, program, live, reads));
            if call.routine.acts() {
                return;
            }
            Read::Call(call.name)
        }
    };
    if !reads.iter().any(|(known, _)| *known == read) || matches!(read, Read::Call(_)) {
        reads.push((read, text(expr, live)));
    }
}
