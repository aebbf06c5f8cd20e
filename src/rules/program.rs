//! Compiled rulesets, linked: calls followed, cycles cut, source-only predicates indexed.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::epoch::Epoch;
use crate::base::limits::SCRIPT_DEPTH_MAX;
use crate::base::num::len32;
use crate::config::ast::Word;
use crate::message::GlobalVariables;
use crate::message::Property;
use crate::message::json::Case;
use crate::rules::RulesetId;
use crate::rules::eval::holds;
use crate::rules::guard::guard;
use crate::rules::hoist::equality;
use crate::rules::ir::Block;
use crate::rules::ir::Node;
use crate::rules::ir::Test;
use crate::rules::live::Origin;
use crate::rules::live::Properties;

/// Rulesets by name in lower case, and whether they have a queue.
pub type RulesetNames = BTreeMap<String, (RulesetId, bool)>;

/// One ruleset, compiled.
#[derive(Debug, Default)]
pub struct Program {
    pub(super) nodes: Block,
    /// What `Node::Call` and `Node::Enqueue` point at.
    pub(super) calls: Vec<CallSite>,
    /// What `Test::Origin` points at.
    pub(super) predicates: Vec<Test>,
}

/// A `call` of a ruleset.
#[derive(Debug)]
pub(super) struct CallSite {
    pub(super) ruleset: RulesetId,
    pub(super) word: Word,
    /// The ruleset has a queue: it does not run in place.
    pub(super) queued: bool,
    /// Complained of, and left out.
    pub(super) cut: bool,
}

/// All rulesets, by [`RulesetId`].
#[derive(Debug, Default)]
pub struct Programs {
    pub(super) programs: Vec<Program>,
    /// Where each program's predicates start in the numbering of all.
    pub(super) first_predicate: Vec<u32>,
    /// For each program: itself and what it calls in place, in ascending order.
    reach: Vec<Box<[u32]>>,
    /// For each program: the predicates in its reach that have to be evaluated.
    evaluated: Vec<Box<[Predicate]>>,
    /// The others, by the property that they hold against constants.
    turned: Vec<Turned>,
    /// Predicates (ascending) that hold unless they are turned: those with `!=`.
    negated: Vec<u32>,
    /// Scratch buffers that evaluating a predicate takes.
    buffers: usize,
    /// `$/`
    pub(super) global: Arc<GlobalVariables>,
    /// `call_indirect` is somewhere: any ruleset may run inside of another.
    pub(super) indirect: bool,
    /// Rulesets by name in lower case, for `call_indirect`.
    pub(super) names: Arc<RulesetNames>,
    /// `previous_action_suspended()` is called somewhere.
    pub(super) watches: bool,
    /// `global(variables.caseSensitive=)`
    pub(super) case: Case,
    /// Changes with what is outside of the rules, and what they decide by.
    epoch: Epoch,
}

/// A predicate by its number among all.
#[derive(Clone, Copy, Debug)]
struct Predicate {
    number: u32,
    /// The program it stands in.
    owner: u32,
}

/// The values of a property that turn the verdict of predicates.
#[derive(Debug)]
struct Turned {
    property: Property,
    by_value: HashMap<Box<[u8]>, Vec<Predicate>>,
}

/// The predicates whose verdict for a source is not the usual one, ascending. Short: of 1,000
/// rules for one address each, a source is meant by one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Verdicts(Box<[u32]>);

impl Programs {
    /// Joins compiled rulesets; `programs[i]` is the ruleset `RulesetId(i)`.
    ///
    /// Complains of calls that never end or go deeper than
    /// [`SCRIPT_DEPTH_MAX`], and leaves those calls out.
    #[must_use]
    pub fn link(mut programs: Vec<Program>, diags: &mut Diagnostics) -> Self {
        let mut linker = Linker { heights: vec![Height::Unknown; programs.len()], path: vec![] };
        for start in 0..programs.len() {
            linker.visit(start, &mut programs, diags);
        }
        let indirect = programs.iter().any(|program| has_indirect(&program.nodes));
        programs.iter_mut().for_each(|program| guard(&mut program.nodes));
        let mut all = Self { programs, indirect, ..Self::default() };
        all.index_reach();
        all.index_predicates();
        all
    }

    /// With names of variables compared as `case` says.
    #[must_use]
    pub fn with_case(self, case: Case) -> Self {
        Self { case, ..self }
    }

    /// Goes on with the variables that all messages share (`$/`) of the programs before.
    pub fn go_on_from(&mut self, before: &Self) {
        if self.case == before.case {
            self.global = before.global.clone();
        }
    }

    /// With the number that changes when lookup tables are replaced.
    #[must_use]
    pub fn with_epoch(self, epoch: Epoch) -> Self {
        Self { epoch, ..self }
    }

    /// What was decided for a source is void when this has changed.
    #[must_use]
    pub const fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// With the rulesets that `call_indirect` may name.
    #[must_use]
    pub fn with_names(self, names: RulesetNames) -> Self {
        Self { names: Arc::new(names), ..self }
    }

    /// With an eye on actions: `previous_action_suspended()` is called somewhere.
    #[must_use]
    pub fn with_watch(self, watches: bool) -> Self {
        Self { watches, ..self }
    }

    fn index_reach(&mut self) {
        for start in 0..self.programs.len() {
            let mut seen = vec![false; self.programs.len()];
            let mut open = vec![start];
            while let Some(at) = open.pop() {
                if std::mem::replace(&mut seen[at], true) {
                    continue;
                }
                let calls = self.programs[at].calls.iter().filter(|call| !call.cut && !call.queued);
                open.extend(calls.map(|call| call.ruleset.0 as usize));
            }
            let reached = seen.iter().enumerate().filter(|(_, seen)| **seen);
            self.reach.push(reached.map(|(at, _)| len32(at)).collect());
        }
    }

    fn index_predicates(&mut self) {
        let mut first = 0;
        let mut evaluated: Vec<Vec<Predicate>> = Vec::with_capacity(self.programs.len());
        for (owner, program) in self.programs.iter().enumerate() {
            self.first_predicate.push(first);
            let mut own = Vec::new();
            for (number, test) in (first..).zip(&program.predicates) {
                let predicate = Predicate { number, owner: len32(owner) };
                self.buffers = self.buffers.max(test.buffers());
                let Some(equality) = equality(test) else {
                    own.push(predicate);
                    continue;
                };
                if equality.negated {
                    self.negated.push(number);
                }
                let known = self.turned.iter().position(|t| t.property == equality.property);
                let slot = known.unwrap_or_else(|| {
                    let property = equality.property;
                    self.turned.push(Turned { property, by_value: HashMap::new() });
                    self.turned.len() - 1
                });
                for text in equality.texts {
                    self.turned[slot].by_value.entry(text.into()).or_default().push(predicate);
                }
            }
            first += len32(program.predicates.len());
            evaluated.push(own);
        }
        for reach in &self.reach {
            let own = reach.iter().flat_map(|program| &evaluated[*program as usize]);
            self.evaluated.push(own.copied().collect());
        }
    }

    /// Decides the predicates in the reach of `ruleset`, which exists.
    pub(super) fn verdicts(&self, ruleset: RulesetId, origin: &Origin<'_>) -> Verdicts {
        let at = ruleset.0 as usize;
        let reach = &self.reach[at];
        let mut verdicts = Vec::new();
        let mut scratch = Vec::new();
        for turned in &self.turned {
            let hits = turned.by_value.get(origin.property(turned.property, &mut scratch));
            let hits = hits.into_iter().flatten();
            let own = hits.filter(|predicate| reach.binary_search(&predicate.owner).is_ok());
            verdicts.extend(own.map(|predicate| predicate.number));
        }
        let mut buffers = vec![Vec::new(); self.buffers];
        for Predicate { number, owner } in &self.evaluated[at] {
            let owner = *owner as usize;
            let local = number - self.first_predicate[owner];
            let test = &self.programs[owner].predicates[local as usize];
            if holds(test, origin, &mut buffers) {
                verdicts.push(*number);
            }
        }
        verdicts.sort_unstable();
        Verdicts(verdicts.into())
    }

    /// Whether a predicate holds.
    pub(super) fn verdict(&self, verdicts: &Verdicts, predicate: u32) -> bool {
        let turned = verdicts.0.binary_search(&predicate).is_ok();
        turned != self.negated.binary_search(&predicate).is_ok()
    }
}

fn has_indirect(nodes: &Block) -> bool {
    nodes.iter().any(|placed| match &placed.node {
        Node::Indirect(_) => true,
        Node::Choice { arms, otherwise } => {
            has_indirect(otherwise) || arms.iter().any(|arm| has_indirect(&arm.then))
        }
        Node::Foreach { body, .. } => has_indirect(body),
        Node::Guard(arm) => has_indirect(&arm.then),
        _ => false,
    })
}

/// How deep the calls below a ruleset go, itself included.
#[derive(Clone, Copy)]
enum Height {
    Unknown,
    /// On the path that is being walked.
    Open,
    Known(usize),
}

struct Linker {
    heights: Vec<Height>,
    /// The programs that are being walked, and the call in each that led on.
    path: Vec<(usize, usize)>,
}

impl Linker {
    /// Walks the calls below `at` and cuts those that cannot be followed; returns the height.
    fn visit(&mut self, at: usize, programs: &mut [Program], diags: &mut Diagnostics) -> usize {
        match self.heights[at] {
            Height::Known(height) => return height,
            Height::Open | Height::Unknown => self.heights[at] = Height::Open,
        }
        let mut height = 1;
        for index in 0..programs[at].calls.len() {
            let callee = programs[at].calls[index].ruleset.0 as usize;
            self.path.push((at, index));
            let below = match self.heights.get(callee) {
                None => Err("there is no such ruleset".to_owned()),
                Some(Height::Open) => Err(self.cycle(callee, programs)),
                _ if self.path.len() == SCRIPT_DEPTH_MAX => Err(too_deep()),
                _ => Ok(self.visit(callee, programs, diags)),
            };
            let below = below.and_then(|below| {
                let fits = self.path.len() + below <= SCRIPT_DEPTH_MAX;
                if fits { Ok(below) } else { Err(too_deep()) }
            });
            self.path.pop();
            match below {
                Ok(below) => height = height.max(1 + below),
                Err(why) => {
                    let call = &mut programs[at].calls[index];
                    call.cut = true;
                    let text = format!("'call {}' is left out: {why}", call.word.text);
                    diags.push(Diagnostic::error(call.word.loc, text));
                }
            }
        }
        self.heights[at] = Height::Known(height);
        height
    }

    /// The names along the path from `callee` to itself.
    fn cycle(&self, callee: usize, programs: &[Program]) -> String {
        let from = self.path.iter().position(|(at, _)| *at == callee).unwrap_or(0);
        let names: Vec<&str> = self.path[from..]
            .iter()
            .map(|(at, call)| programs[*at].calls[*call].word.text.as_str())
            .collect();
        let first = names.last().copied().unwrap_or_default();
        format!("it would never end ({first} -> {})", names.join(" -> "))
    }
}

fn too_deep() -> String {
    format!("calls go deeper than {SCRIPT_DEPTH_MAX}")
}
