//! A message goes through the steps of a residual.

use std::ops::ControlFlow;

use crate::base::limits::FOREACH_ROUNDS_MAX;
use crate::base::limits::INDIRECT_CALLS_MAX;
use crate::base::limits::SCRIPT_DEPTH_MAX;
use crate::message::Draft;
use crate::message::GlobalVariables;
use crate::message::Variables;
use crate::message::json;
use crate::message::json::Object;
use crate::message::json::PathError;
use crate::rules::Fault;
use crate::rules::Residual;
use crate::rules::RulesetId;
use crate::rules::Sink;
use crate::rules::eval::Kept;
use crate::rules::eval::holds;
use crate::rules::eval::keep;
use crate::rules::eval::kept;
use crate::rules::eval::value;
use crate::rules::ir::Change;
use crate::rules::ir::Each;
use crate::rules::ir::Expr;
use crate::rules::ir::Reload;
use crate::rules::live::Live;
use crate::rules::live::Runtime;
use crate::rules::program::RulesetNames;
use crate::rules::specialise::Step;

pub(super) fn run(
    steps: &[Step],
    draft: &mut Draft<'_>,
    buffers: &mut [Vec<u8>],
    runtime: &Runtime,
    sink: &mut impl Sink,
) -> ControlFlow<()> {
    for step in steps {
        match step {
            Step::Action(action) => {
                sink.action(*action, draft.view());
                if runtime.watches {
                    runtime.suspended.set(sink.is_suspended(*action));
                }
            }
            Step::Enqueue(ruleset) => enqueue(*ruleset, draft, runtime, sink),
            Step::Change(change) => apply(change, draft, buffers, runtime),
            Step::Modify(modifier) => modifier.apply(draft),
            Step::Reload(table) => reload(table, draft, buffers, runtime),
            Step::Foreach { each, body } => foreach(each, body, draft, buffers, runtime, sink)?,
            Step::Indirect { target, names } => {
                indirect(target, names, draft, buffers, runtime, sink)?;
            }
            Step::Choice { arms, otherwise } => {
                let live = Live::new(draft, runtime);
                let taken = arms.iter().find(|(test, _)| holds(test, &live, buffers));
                run(taken.map_or(otherwise, |(_, then)| then), draft, buffers, runtime, sink)?;
            }
            Step::Called(called) => run(&called.steps, draft, buffers, runtime, sink)?,
            Step::Stop => return ControlFlow::Break(()),
        }
    }
    ControlFlow::Continue(())
}

/// Puts the value where the statement says; nothing removes what is there. An error if something
/// else is in the way.
pub(super) fn set(
    change: &Change,
    value: Option<json::Value>,
    variables: &mut Variables,
) -> Result<(), PathError> {
    match value {
        None => variables.unset(&change.variable),
        Some(value) if change.replaces => variables.reset(&change.variable, value)?,
        Some(value) => variables.set(&change.variable, value)?,
    }
    Ok(())
}

/// Runs a ruleset that has a queue, if the sink says that it runs in place: on a copy, so that
/// nothing it does to the message is seen behind it.
fn enqueue(ruleset: RulesetId, draft: &mut Draft<'_>, runtime: &Runtime, sink: &mut impl Sink) {
    let Some(residual) = sink.enqueue(ruleset, draft.view()) else { return };
    let mut copy = runtime.spares.variables();
    copy.clone_from(draft.variables);
    let (message, variables) = (draft.message, std::mem::replace(draft.variables, copy));
    // Where the copy stopped makes no difference.
    let (ControlFlow::Continue(()) | ControlFlow::Break(())) =
        inside(&residual, draft, runtime, sink);
    draft.message = message;
    runtime.spares.take_variables(std::mem::replace(draft.variables, variables));
}

/// Runs another ruleset, with buffers of its own.
fn inside(
    residual: &Residual,
    draft: &mut Draft<'_>,
    runtime: &Runtime,
    sink: &mut impl Sink,
) -> ControlFlow<()> {
    let mut buffers = runtime.spares.buffers();
    let done = residual.run_draft(draft, &mut buffers, runtime, sink);
    runtime.spares.take_buffers(buffers);
    done
}

/// What cannot be set (an object is in the way) stays as it is, as in rsyslog.
fn apply(change: &Change, draft: &mut Draft<'_>, buffers: &mut [Vec<u8>], runtime: &Runtime) {
    let shared = draft.variables.shared(&change.variable);
    let _turn = shared.as_deref().map(GlobalVariables::turn);
    let live = Live::new(draft, runtime);
    let value = match &change.value {
        None => None,
        Some(value) => match keep(value, &live, buffers) {
            Kept::Text(text) if !change.replaces => return live.set_text(&change.variable, text),
            Kept::Text(text) => Some(json::Value::text(text)),
            Kept::Json(json) => Some(json),
        },
    };
    _ = set(change, value, draft.variables);
}

/// Runs `body` with each element in the variable: of an array what it holds, of an object its
/// members as `{"key": …, "value": …}`. What is neither has no elements. Elements are copies, and
/// the variable is gone at the end (rsyslog).
fn foreach(
    each: &Each,
    body: &[Step],
    draft: &mut Draft<'_>,
    buffers: &mut [Vec<u8>],
    runtime: &Runtime,
    sink: &mut impl Sink,
) -> ControlFlow<()> {
    let live = Live::new(draft, runtime);
    let Some(elements) = elements(kept(&each.collection, &live, buffers)) else {
        return ControlFlow::Continue(());
    };
    for element in elements {
        let round = runtime.rounds.get();
        if round == FOREACH_ROUNDS_MAX {
            sink.fault(Fault::TooManyRounds);
            break;
        }
        runtime.rounds.set(round + 1);
        // Where something else is in the way the body runs without it, as in rsyslog.
        _ = draft.variables.reset(&each.variable, element);
        run(body, draft, buffers, runtime, sink)?;
    }
    // A null would stay.
    _ = draft.variables.reset(&each.variable, json::Value::text(b""));
    draft.variables.unset(&each.variable);
    ControlFlow::Continue(())
}

/// What `foreach` goes over; nothing if there is nothing to go over.
pub(super) fn elements(collection: json::Value) -> Option<Vec<json::Value>> {
    let elements: Vec<json::Value> = match collection {
        json::Value::Array(elements) => elements,
        json::Value::Object(members) => members.iter().map(member).collect(),
        _ => return None,
    };
    (!elements.is_empty()).then_some(elements)
}

fn member((name, value): (&bstr::BString, &json::Value)) -> json::Value {
    let mut member = Object::default();
    member.push(b"key", json::Value::text(name));
    member.push(b"value", value.clone());
    json::Value::Object(member)
}

/// Asks for a table to be read again; messages go on with the old one meanwhile.
fn reload(reload: &Reload, draft: &mut Draft<'_>, buffers: &mut [Vec<u8>], runtime: &Runtime) {
    match &reload.stub {
        None => reload.table.request(None),
        Some(stub) => value(stub, &Live::new(draft, runtime), buffers)
            .with_text(|stub| reload.table.request(Some(stub))),
    }
}

/// Calls the ruleset that `target` names, letter case aside.
fn indirect(
    target: &Expr,
    names: &RulesetNames,
    draft: &mut Draft<'_>,
    buffers: &mut [Vec<u8>],
    runtime: &Runtime,
    sink: &mut impl Sink,
) -> ControlFlow<()> {
    let calls = runtime.calls.get();
    let mut find = |name: &[u8], lower: &mut Vec<u8>| {
        lower.clear();
        lower.extend(name.iter().map(u8::to_ascii_lowercase));
        let Some(known) = str::from_utf8(lower).ok().and_then(|name| names.get(name)) else {
            sink.fault(Fault::NoRuleset(name));
            return None;
        };
        if runtime.depth.get() == SCRIPT_DEPTH_MAX || calls == INDIRECT_CALLS_MAX {
            sink.fault(Fault::TooManyCalls(name));
            return None;
        }
        Some(*known)
    };
    let (lower, rest) = buffers.split_at_mut(1);
    let live = Live::new(draft, runtime);
    let found = value(target, &live, rest).with_text(|name| find(name, &mut lower[0]));
    let Some((ruleset, queued)) = found else { return ControlFlow::Continue(()) };
    runtime.calls.set(calls + 1);
    runtime.depth.set(runtime.depth.get() + 1);
    let done = if queued {
        enqueue(ruleset, draft, runtime, sink);
        ControlFlow::Continue(())
    } else {
        match sink.residual(ruleset, draft.view()) {
            Some(residual) => inside(&residual, draft, runtime, sink),
            None => ControlFlow::Continue(()),
        }
    };
    runtime.depth.set(runtime.depth.get() - 1);
    done
}
