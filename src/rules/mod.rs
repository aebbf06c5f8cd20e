//! Floor 5: RainerScript blocks become programs; what depends on the source alone is decided once
//! per source and hoisted.

#[cfg(test)]
mod changing;
mod eval;
mod expression;
mod fold;
pub mod functions;
mod hoist;
mod ir;
mod lower;
mod program;
mod specialise;
#[cfg(test)]
mod testkit;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod twin;
mod validate;
mod value;

use std::sync::Arc;

use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::posix;
use crate::config::ast::Object;
use crate::message::PriMask;
use crate::message::View;
use crate::modifier::Modifier;

pub use functions::Named;
pub use lower::compile;
pub use program::Program;
pub use program::Programs;
pub use specialise::Residual;
pub use specialise::Residuals;
pub use specialise::Scratch;

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

/// What running a program does to a message.
pub trait Sink {
    fn action(&mut self, action: ActionId, view: View<'_>);
    /// Hands the message over to a ruleset that has a queue. What is returned runs here and now, on
    /// a copy of the message.
    fn enqueue(&mut self, ruleset: RulesetId, view: View<'_>) -> Option<Residual>;
}
