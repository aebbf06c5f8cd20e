//! Floor 5: RainerScript blocks become programs; what depends on the source alone is decided once
//! per source and hoisted.

mod call;
#[cfg(test)]
mod changing;
mod eval;
mod expression;
mod fold;
pub mod functions;
mod guard;
mod hoist;
#[cfg(test)]
mod hoisted;
mod ir;
mod live;
mod lower;
mod preset;
mod program;
mod reads;
mod residual;
mod run;
mod seen;
mod specialise;
#[cfg(test)]
mod testkit;
#[cfg(test)]
mod tests;
mod trace;
#[cfg(test)]
mod twin;
mod validate;
mod value;

use std::fmt;
use std::sync::Arc;

use bstr::ByteSlice as _;

use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::limits::FOREACH_ROUNDS_MAX;
use crate::base::limits::INDIRECT_CALLS_MAX;
use crate::base::limits::SCRIPT_DEPTH_MAX;
use crate::config::ast::Object;
use crate::lookup::Handle;
use crate::message::PriMask;
use crate::message::View;
use crate::modifier::Modifier;
use crate::telemetry::Bucket;
use crate::telemetry::Percentiles;
use crate::template::Template;

pub use functions::Named;
pub use lower::compile;
pub use program::Program;
pub use program::Programs;
pub use program::RulesetNames;
pub use residual::Residual;
pub use residual::Residuals;
pub use residual::Scratch;
pub use seen::Read;
pub use trace::At;
pub use trace::Event;

/// An action of the graph, by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ActionId(pub u32);

/// A ruleset of the graph, by index. 0 is the default one, `RSYSLOG_DefaultRuleset`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RulesetId(pub u32);

/// Whether something is defined, and on which side of the place that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Definition {
    None,
    Before,
    Behind,
}

/// What the compiler asks of the engine while it walks a block.
pub trait Resolver {
    /// Makes the action of an `action()` object; `None` if it is unusable (complained of).
    fn action(&mut self, object: &Object, diags: &mut Diagnostics) -> Option<ActionId>;
    /// Whether an `action()` object changes messages and goes nowhere.
    fn is_modifier(&self, _: &Object) -> bool {
        false
    }
    /// Makes the modifier of such an object; `None` if it is unusable (complained of).
    fn modifier(&mut self, _: &Object, _: &mut Diagnostics) -> Option<Arc<Modifier>> {
        None
    }
    /// The ruleset of that name, and whether it has a queue of its own (then `call` hands the
    /// message over instead of running it in place).
    fn ruleset(&self, name: &str) -> Option<(RulesetId, bool)>;
    /// All ruleset names, for "did you mean".
    fn ruleset_names(&self) -> Vec<String>;
    /// Hears that `previous_action_suspended()` is called.
    fn watch_actions(&mut self) {}
    /// A template that was defined.
    fn template(&self, _name: &str) -> Option<Arc<Template>> {
        None
    }
    /// A lookup table that was defined.
    fn lookup_table(&self, _name: &str) -> Option<Arc<Handle>> {
        None
    }
    /// Whether anything reports what they count.
    fn reports_stats(&self) -> bool {
        false
    }
    /// What a `dyn_stats()` counts.
    fn dyn_stats(&self, _name: &str) -> Option<Arc<Bucket>> {
        None
    }
    /// What a `percentile_stats()` observes.
    fn percentile_stats(&self, _name: &str) -> Option<Arc<Percentiles>> {
        None
    }
    /// How many actions were made.
    fn actions(&self) -> usize {
        0
    }
    /// Forgets the actions beyond the first `count`: the statement around them is left out.
    fn forget_actions(&mut self, _count: usize) {}
    /// Whether `name` is defined, seen from `at`.
    fn definition(&self, _named: Named, _name: &str, _at: Loc) -> Definition {
        Definition::None
    }
    /// All names of a kind, for "did you mean".
    fn defined(&self, _named: Named) -> Vec<String> {
        Vec::new()
    }
    /// The meaning of a selector such as `mail.*;auth.none` in `prifilt()`; `None` if it has none
    /// (complained of at `loc`).
    fn selector(&self, text: &str, loc: Loc, diags: &mut Diagnostics) -> Option<PriMask>;
}

/// What may go wrong while a program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault<'a> {
    /// `call_indirect` of a ruleset that is not there.
    NoRuleset(&'a [u8]),
    /// `call_indirect` went deeper than
    /// [`SCRIPT_DEPTH_MAX`](crate::base::limits::SCRIPT_DEPTH_MAX), or ran more often than
    /// [`INDIRECT_CALLS_MAX`](crate::base::limits::INDIRECT_CALLS_MAX).
    TooManyCalls(&'a [u8]),
    /// `foreach` took more than
    /// [`FOREACH_ROUNDS_MAX`](crate::base::limits::FOREACH_ROUNDS_MAX) rounds.
    TooManyRounds,
}

impl fmt::Display for Fault<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRuleset(name) => {
                let name = name.as_bstr();
                write!(f, "CALL_INDIRECT: ruleset '{name}' cannot be found, treating as NOP")
            }
            Self::TooManyCalls(name) => {
                let name = name.as_bstr();
                write!(
                    f,
                    "CALL_INDIRECT: ruleset '{name}' is not called: more than {SCRIPT_DEPTH_MAX} \
                     calls deep, or {INDIRECT_CALLS_MAX} for one message"
                )
            }
            Self::TooManyRounds => {
                let most = FOREACH_ROUNDS_MAX;
                write!(f, "foreach: more than {most} rounds for one message, the rest is left out")
            }
        }
    }
}

/// What running a program does to a message.
pub trait Sink {
    fn action(&mut self, action: ActionId, view: View<'_>);
    /// Hands the message over to a ruleset that has a queue. What is returned runs here and now, on
    /// a copy of the message.
    fn enqueue(&mut self, ruleset: RulesetId, view: View<'_>) -> Option<Residual>;
    /// The ruleset as it is for this message, to run in place.
    fn residual(&mut self, _: RulesetId, _: View<'_>) -> Option<Residual> {
        None
    }
    /// Something went wrong that the configuration's author should hear of. Called for each
    /// message: how often it is said is for the sink to decide.
    fn fault(&mut self, _: Fault<'_>) {}
    /// Whether the action is suspended.
    fn is_suspended(&self, _: ActionId) -> bool {
        false
    }
}
