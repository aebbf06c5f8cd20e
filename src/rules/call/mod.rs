//! Calls of functions: their arguments are made ready as each function takes them, and it gives a
//! number, a text or JSON.

mod build;
mod cef;
mod error;
mod hash;
mod json;
mod net;
mod number;
mod regex;
pub(super) mod tables;
mod text;
mod time;

use std::fmt::Debug;
use std::sync::Arc;

use crate::base::num::leading_number;
use crate::message::json::Value as Json;
use crate::rules::eval;
use crate::rules::ir::Expr;
use crate::rules::ir::Varies;
use crate::rules::live::Properties;
use crate::rules::value::Value;

/// Arguments that a function takes at most.
const ARGS_MAX: usize = 8;

/// A function with its arguments.
#[derive(Debug)]
pub(super) struct Call {
    /// As it is written.
    pub(super) name: &'static str,
    pub(super) routine: Arc<dyn Routine>,
    pub(super) args: Box<[Expr]>,
}

/// How a function takes an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// Numbers are written, other JSON as well.
    Text,
    /// The digits that a text begins with.
    Number,
    /// What a variable holds as it is; anything else as what `set` would keep.
    Json,
    /// A number or a text, whatever it is.
    Value,
}

/// What a function gave.
#[derive(Debug, PartialEq)]
pub(super) enum Answer {
    Number(i64),
    /// What it wrote.
    Text,
    Json(Json),
}

/// What a function does.
pub(super) trait Routine: Debug + Send + Sync {
    /// How its arguments are to be made ready; those beyond are taken as the last is.
    fn takes(&self) -> &[Takes];

    /// Runs it. A text is written into `out`, which is empty.
    fn run(&self, call: &Invocation<'_>, out: &mut Vec<u8>) -> Answer;

    /// What else than its arguments may give it another answer.
    fn varies(&self) -> Varies;

    /// Whether it reads `$!` by itself, not as an argument.
    fn reads_message_tree(&self) -> bool {
        false
    }

    /// Whether it must not be asked twice: it changes something, or each answer is a new one.
    fn acts(&self) -> bool {
        self.varies() == Varies::Always
    }
}

/// A function that keeps nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plain {
    pub(super) takes: &'static [Takes],
    pub(super) run: fn(&Invocation<'_>, &mut Vec<u8>) -> Answer,
    /// Whether it may give different answers to the same arguments, or changes anything.
    pub(super) varies: bool,
}

impl Routine for Plain {
    fn takes(&self) -> &[Takes] {
        self.takes
    }

    fn run(&self, call: &Invocation<'_>, out: &mut Vec<u8>) -> Answer {
        (self.run)(call, out)
    }

    fn varies(&self) -> Varies {
        if self.varies { Varies::Always } else { Varies::Never }
    }
}

/// The arguments of a call that runs, and the message that it runs for.
pub(super) struct Invocation<'a> {
    args: &'a [Argument<'a>],
    pub(super) of: &'a dyn Properties,
}

enum Argument<'a> {
    None,
    Value(Value<'a>),
    Json(Json),
}

impl Invocation<'_> {
    /// How many arguments there are.
    pub(super) const fn count(&self) -> usize {
        self.args.len()
    }

    /// An argument that is taken as [`Takes::Text`]; empty where there is none.
    pub(super) fn text(&self, at: usize) -> &[u8] {
        match self.args.get(at) {
            Some(Argument::Value(Value::Text(text) | Value::Json { text, .. })) => text,
            _ => b"",
        }
    }

    /// An argument that is taken as [`Takes::Number`]; 0 where there is none.
    pub(super) fn number(&self, at: usize) -> i64 {
        match self.args.get(at) {
            Some(Argument::Value(value)) => value.number(),
            _ => 0,
        }
    }

    /// An argument that is taken as [`Takes::Json`]; null where there is none.
    pub(super) fn json(&self, at: usize) -> &Json {
        match self.args.get(at) {
            Some(Argument::Json(json)) => json,
            _ => &Json::Null,
        }
    }

    /// An argument that is taken as [`Takes::Value`], if it is a number as a whole: an empty text
    /// is, and all JSON that is no text.
    pub(super) fn whole(&self, at: usize) -> Option<i64> {
        match self.value(at) {
            Value::Number(number) | Value::Json { number, .. } => Some(number),
            Value::Text(text) => match leading_number(text) {
                (number, true) => Some(number),
                (_, false) => None,
            },
        }
    }

    /// An argument that is taken as [`Takes::Value`].
    pub(super) fn value(&self, at: usize) -> Value<'_> {
        match self.args.get(at) {
            Some(Argument::Value(value)) => *value,
            _ => Value::Text(b""),
        }
    }
}

impl Call {
    /// Scratch buffers: one for what is written, and those of each argument with one to write it
    /// into.
    pub(super) fn buffers(&self) -> usize {
        1 + self.args.iter().map(|arg| 1 + arg.buffers()).sum::<usize>()
    }

    pub(super) fn varies(&self) -> Varies {
        self.args.iter().map(Expr::varies).fold(self.routine.varies(), Varies::max)
    }

    /// Runs it; what it writes is in `out`. `buffers` are what [`Call::buffers`] asks for, without
    /// the one for `out`.
    pub(super) fn run<P: Properties>(
        &self,
        of: &P,
        buffers: &mut [Vec<u8>],
        out: &mut Vec<u8>,
    ) -> Answer {
        // Most take few, and room for many takes time.
        match self.args.len() {
            0 | 1 => self.run_with::<P, 1>(of, buffers, out),
            _ => self.run_with::<P, ARGS_MAX>(of, buffers, out),
        }
    }

    fn run_with<P: Properties, const N: usize>(
        &self,
        of: &P,
        buffers: &mut [Vec<u8>],
        out: &mut Vec<u8>,
    ) -> Answer {
        let takes = self.routine.takes();
        let last = takes.last().copied().unwrap_or(Takes::Value);
        let mut args = [const { Argument::None }; N];
        let mut rest = buffers;
        for (at, (slot, arg)) in args.iter_mut().zip(&*self.args).enumerate() {
            let own;
            // The last one may have all that is left: counting what it needs takes time.
            (own, rest) = match at + 1 == self.args.len() {
                true => (rest, &mut [][..]),
                false => rest.split_at_mut(1 + arg.buffers()),
            };
            *slot = argument(arg, takes.get(at).copied().unwrap_or(last), of, own);
        }
        out.clear();
        let args = args.get(..self.args.len()).unwrap_or(&args);
        self.routine.run(&Invocation { args, of }, out)
    }
}

fn argument<'s, P: Properties>(
    arg: &'s Expr,
    takes: Takes,
    of: &'s P,
    buffers: &'s mut [Vec<u8>],
) -> Argument<'s> {
    if takes == Takes::Json {
        return Argument::Json(eval::kept(arg, of, buffers));
    }
    let (text, buffers) = buffers.split_at_mut(1);
    match (takes, eval::value(arg, of, buffers)) {
        (Takes::Text, number @ Value::Number(_)) => {
            text[0].clear();
            number.with_text(|digits| text[0].extend_from_slice(digits));
            Argument::Value(Value::Text(&text[0]))
        }
        (Takes::Number, value) => Argument::Value(Value::Number(value.number())),
        (_, value) => Argument::Value(value),
    }
}
