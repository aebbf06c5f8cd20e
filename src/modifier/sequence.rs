//! Numbers for messages (rsyslog `mmsequence`).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::config::param::Kind::Exact;
use crate::config::param::Kind::NonNegative;
use crate::config::param::Kind::Positive;
use crate::config::param::Kind::Token;
use crate::config::param::Params;
use crate::config::param::Spec;
use crate::message::Draft;
use crate::message::Tree;
use crate::message::Variable;
use crate::message::json::Path;
use crate::message::json::Value;
use crate::modifier::AVAILABILITY;
use crate::modifier::dice::Dice;

pub const NAME: &str = "mmsequence";

/// What it takes.
pub static MODULE: Module = Module {
    name: NAME,
    role: Role::Modifier,
    doc: "Numbers messages.",
    availability: AVAILABILITY,
    module: &[],
    instance: &[PARAMS],
};

static PARAMS: &[Spec] = &[
    Spec::new(
        "mode",
        Exact(&["random", "instance", "key"]),
        "instance",
        "At random, a counter of this action's own, or one that a key names.",
    ),
    Spec::new("from", NonNegative, "0", "The first number."),
    Spec::new("to", Positive, "2147483647", "The number before which it starts anew."),
    Spec::new("step", NonNegative, "1", "How far each step goes."),
    Spec::new("key", Token, "", "Name of a counter that actions share."),
    Spec::new("var", Token, "$!mmsequence", "Variable that gets the number."),
];

/// The counters of a configuration: as many as it has actions, at most.
#[derive(Debug, Default)]
pub struct Counters {
    named: HashMap<Vec<u8>, Arc<Counter>>,
    /// Those of one action, in the order of the configuration.
    own: Vec<(Parameters, Arc<Counter>)>,
}

impl Counters {
    /// Goes on where the counters of the configuration before are: those of the same key, and those
    /// of actions that count in the same way into the same variable, the first where the first was.
    /// To be called before anything is counted.
    pub fn go_on_from(&self, before: &Self) {
        for (key, counter) in &self.named {
            if let Some(old) = before.named.get(key) {
                counter.go_on_from(old);
            }
        }
        let mut old: Vec<_> = before.own.iter().collect();
        for (parameters, counter) in &self.own {
            if let Some(at) = old.iter().position(|(other, _)| other == parameters) {
                counter.go_on_from(&old.remove(at).1);
            }
        }
    }
}

/// A number that all shards count on, its own or that of the counter which it goes on from.
#[derive(Debug)]
struct Counter {
    own: Arc<AtomicI64>,
    before: OnceLock<Arc<AtomicI64>>,
}

impl Counter {
    /// Of a counter that nobody has asked yet: no number that it can have, which are 32 bits.
    const NEW: i64 = i64::MIN;

    fn number(&self) -> &Arc<AtomicI64> {
        self.before.get().unwrap_or(&self.own)
    }

    fn go_on_from(&self, before: &Self) {
        self.before.get_or_init(|| before.number().clone());
    }
}

impl Default for Counter {
    fn default() -> Self {
        Self { own: Arc::new(AtomicI64::new(Self::NEW)), before: OnceLock::new() }
    }
}

/// Where the numbers come from.
#[derive(Clone, Debug)]
enum Source {
    Random(Dice),
    Instance(Arc<Counter>),
    Key(Arc<Counter>),
}

/// An action of this module.
#[derive(Clone, Debug)]
pub struct Sequence {
    source: Source,
    parameters: Parameters,
}

/// How it counts, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Parameters {
    from: i32,
    to: i32,
    step: i32,
    variable: Variable,
}

impl Sequence {
    /// Reads its parameters.
    pub fn compile(params: &Params, counters: &mut Counters, diags: &mut Diagnostics) -> Self {
        let number = |name| params.int(name).map(low32);
        let parameters = Parameters {
            from: number("from").unwrap_or(0),
            to: number("to").unwrap_or(i32::MAX),
            step: number("step").unwrap_or(1),
            variable: variable(params, diags),
        };
        let source = match params.str("mode") {
            Some("random") => Source::Random(Dice::default()),
            Some("key") => {
                let key = params.bytes("key").map(|key| key.to_vec()).unwrap_or_default();
                Source::Key(counters.named.entry(key).or_default().clone())
            }
            _ => {
                let counter = Arc::<Counter>::default();
                counters.own.push((parameters.clone(), counter.clone()));
                Source::Instance(counter)
            }
        };
        Self { source, parameters }
    }

    /// Sets the variable to the next number.
    pub fn apply(&self, draft: &mut Draft<'_>) {
        let number = match &self.source {
            Source::Random(dice) => self.random(dice.throw()),
            Source::Instance(counter) | Source::Key(counter) => {
                let number = counter.number();
                let before = number.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| {
                    Some(self.after(n).into())
                });
                self.after(before.unwrap_or_else(|unchanged| unchanged)).into()
            }
        };
        // Where an object stands, or is needed and is not, nothing is changed.
        _ = draft.variables.set(&self.parameters.variable, Value::Int(number));
    }

    /// What follows `number`. A counter that others count on may stand below the first number,
    /// too.
    fn after(&self, number: i64) -> i32 {
        let Parameters { from, to, step, .. } = self.parameters;
        let number = i32::try_from(number).unwrap_or(to);
        let below = matches!(self.source, Source::Key(_)) && number < from;
        // Like C's int: it goes round.
        if below || number >= to.wrapping_sub(step) { from } else { number.wrapping_add(step) }
    }

    /// A number from `from` on, below `to`; `from` if there is none. (rsyslogd dies then.)
    fn random(&self, thrown: u64) -> i64 {
        let (from, to) = (i64::from(self.parameters.from), i64::from(self.parameters.to));
        let size = u64::try_from(to - from).unwrap_or(0).max(1);
        // Below 2^32.
        from + i64::try_from(thrown % size).unwrap_or(0)
    }
}

/// The 32 bits of a number that rsyslogd keeps.
fn low32(number: i64) -> i32 {
    let [a, b, c, d, ..] = number.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

fn variable(params: &Params, diags: &mut Diagnostics) -> Variable {
    let default = || Variable { tree: Tree::Message, path: Path::new(b"mmsequence") };
    let Some(text) = params.bytes("var") else { return default() };
    let named = text.strip_prefix(b"$").filter(|name| name.len() > 1);
    named.and_then(Variable::parse).unwrap_or_else(|| {
        let complaint = format!("var '{text}' is no variable: it is $!mmsequence");
        let help = "begin it with $!, $. or $/";
        diags.push(Diagnostic::error(params.loc("var"), complaint).help(help));
        default()
    })
}
