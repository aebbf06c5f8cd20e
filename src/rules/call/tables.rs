//! Functions of what stands outside of the message: lookup tables and counters.

use std::cell::RefCell;
use std::sync::Arc;

use crate::lookup;
use crate::lookup::Handle;
use crate::lookup::Table;
use crate::message::json::Value as Json;
use crate::rules::call::Answer;
use crate::rules::call::Invocation;
use crate::rules::call::Routine;
use crate::rules::call::Takes;
use crate::rules::ir::Varies;
use crate::rules::value::Value;
use crate::telemetry::Bucket;
use crate::telemetry::Percentiles;
use crate::telemetry::dynstats::DONE;

/// `lookup("table", key)`
#[derive(Debug)]
pub(super) struct Lookup {
    pub(super) handle: Arc<Handle>,
}

/// The tables that the rules of one shard ask, each as it was when it was asked first: whatever
/// happens to them meanwhile, all that is decided of a message is decided by the same ones.
#[derive(Debug, Default)]
pub(in crate::rules) struct Asked(RefCell<Vec<One>>);

/// A table, and what it was asked last: messages of one source have the same key over and over.
#[derive(Debug)]
struct One {
    handle: Arc<Handle>,
    table: Arc<Table>,
    key: Vec<u8>,
    text: Option<Vec<u8>>,
}

impl Asked {
    /// The next one who asks gets the tables as they are then.
    pub(in crate::rules) fn forget(&self) {
        self.0.borrow_mut().clear();
    }

    fn ask(&self, handle: &Arc<Handle>, key: Value<'_>, out: &mut Vec<u8>) -> Answer {
        let mut all = self.0.borrow_mut();
        let known = all.iter().position(|one| Arc::ptr_eq(&one.handle, handle));
        let at = known.unwrap_or_else(|| {
            all.push(One::new(handle.clone()));
            all.len() - 1
        });
        all[at].ask(key, out)
    }
}

impl One {
    fn new(handle: Arc<Handle>) -> Self {
        Self { table: handle.table(), handle, key: Vec::new(), text: None }
    }

    fn ask(&mut self, key: Value<'_>, out: &mut Vec<u8>) -> Answer {
        let Self { table, key: asked, text: answered, .. } = self;
        match key {
            Value::Number(number) | Value::Json { number, .. } if table.takes_numbers() => {
                answer(table.get_number(number), out)
            }
            key => key.with_text(|key| {
                if let Some(text) = answered.as_ref().filter(|_| asked == key) {
                    out.extend_from_slice(text);
                    return Answer::Text;
                }
                let answer = answer(table.get(key), out);
                *answered = None;
                if answer == Answer::Text {
                    asked.clear();
                    asked.extend_from_slice(key);
                    *answered = Some(out.clone());
                }
                answer
            }),
        }
    }
}

fn answer(found: lookup::Answer<'_>, out: &mut Vec<u8>) -> Answer {
    match found {
        lookup::Answer::Text(text) => {
            out.extend_from_slice(text);
            Answer::Text
        }
        lookup::Answer::Json(json) => Answer::Json(Json::clone(json)),
    }
}

impl Routine for Lookup {
    fn takes(&self) -> &[Takes] {
        &[Takes::Value]
    }

    fn run(&self, call: &Invocation<'_>, out: &mut Vec<u8>) -> Answer {
        match call.of.tables() {
            Some(tables) => tables.ask(&self.handle, call.value(0), out),
            None => One::new(self.handle.clone()).ask(call.value(0), out),
        }
    }

    fn varies(&self) -> Varies {
        Varies::WithTables
    }
}

/// `dyn_inc("bucket", metric)`
#[derive(Debug)]
pub(super) struct Increment {
    /// Nothing where nobody reports it: rsyslog counts for impstats alone.
    pub(super) bucket: Option<Arc<Bucket>>,
}

impl Routine for Increment {
    fn takes(&self) -> &[Takes] {
        &[Takes::Text]
    }

    fn run(&self, call: &Invocation<'_>, _: &mut Vec<u8>) -> Answer {
        Answer::Number(self.bucket.as_ref().map_or(DONE, |bucket| bucket.inc(call.text(0))))
    }

    fn varies(&self) -> Varies {
        Varies::Always
    }
}

/// `percentile_observe("bucket", metric, value)`
#[derive(Debug)]
pub(super) struct Observe {
    /// As [`Increment::bucket`].
    pub(super) percentiles: Option<Arc<Percentiles>>,
}

impl Routine for Observe {
    fn takes(&self) -> &[Takes] {
        &[Takes::Text, Takes::Value]
    }

    /// What is no number is not observed, as in rsyslog.
    fn run(&self, call: &Invocation<'_>, _: &mut Vec<u8>) -> Answer {
        let (Some(percentiles), Some(value)) = (&self.percentiles, call.whole(1)) else {
            return Answer::Number(DONE);
        };
        Answer::Number(percentiles.observe(call.text(0), value))
    }

    fn varies(&self) -> Varies {
        Varies::Always
    }
}
