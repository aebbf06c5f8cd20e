//! Rows of a file become a table.

use std::collections::BTreeSet;

use bstr::ByteSlice;

use crate::base::limits::LOOKUP_REGEXES_MAX;
use crate::base::limits::LOOKUP_ROWS_MAX;
use crate::base::num::len32;
use crate::base::posix::Expression;
use crate::base::posix::Syntax;
use crate::lookup::Cause;
use crate::lookup::Flaw;
use crate::lookup::Keys;
use crate::lookup::Kind;
use crate::lookup::Place;
use crate::lookup::Remarks;
use crate::lookup::Table;
use crate::lookup::cidr::Collector;
use crate::lookup::cidr::Fault;
use crate::lookup::cidr::Prefix;
use crate::lookup::numbers::Consecutive;
use crate::lookup::numbers::Sparse;
use crate::lookup::numbers::bisect;
use crate::lookup::numbers::index;
use crate::lookup::texts::Index;
use crate::lookup::texts::Texts;
use crate::lookup::values::Interner;
use crate::message::json::Case;
use crate::message::json::Value;

/// A table that is being read.
#[derive(Debug)]
pub(super) struct Builder {
    kind: Kind,
    values: Interner,
    rows: Rows,
    pub(super) remarks: Remarks,
}

#[derive(Debug)]
enum Rows {
    Text { texts: Texts, index: Index, values: Vec<u32>, twice: BTreeSet<u32> },
    Numbers(Vec<(i64, u32)>),
    Regex(Vec<(Expression, u32)>),
    Networks(Collector),
}

impl Builder {
    pub(super) fn new(kind: Kind) -> Self {
        let rows = match kind {
            Kind::String => Rows::Text {
                texts: Texts::default(),
                index: Index::default(),
                values: Vec::new(),
                twice: BTreeSet::new(),
            },
            Kind::Array | Kind::SparseArray => Rows::Numbers(Vec::new()),
            Kind::Regex => Rows::Regex(Vec::new()),
            Kind::Cidr => Rows::Networks(Collector::default()),
        };
        Self { kind, values: Interner::new(), rows, remarks: Remarks::default() }
    }

    pub(super) const fn kind(&self) -> Kind {
        self.kind
    }

    const fn len(&self) -> usize {
        match &self.rows {
            Rows::Text { values, .. } => values.len(),
            Rows::Numbers(rows) => rows.len(),
            Rows::Regex(rows) => rows.len(),
            Rows::Networks(rows) => rows.len(),
        }
    }

    /// Adds a row of a JSON file.
    pub(super) fn json(&mut self, row: &Value, place: Place) -> Result<(), Flaw> {
        let member = |name: &str| {
            let object = row.as_object();
            // rsyslogd's names of members, too, are the same in any letters.
            let value = object.and_then(|row| row.get(name.as_bytes(), Case::Insensitive));
            value.filter(|value| **value != Value::Null)
        };
        let missing = |name: &str| {
            let text = format!("has record(s) without '{name}' field");
            Flaw::at(Cause::Content(text), place)
        };
        let regex = self.kind == Kind::Regex;
        // Of expressions rsyslog's documentation calls it so.
        let value = member(if regex { "tag" } else { "value" }).or_else(|| member("value"));
        let value = value.ok_or_else(|| missing(if regex { "tag" } else { "value" }))?;
        let key = if regex { "regex" } else { "index" };
        let key = member(key).ok_or_else(|| missing(key))?;
        let value = self.value(value.clone());
        if matches!(self.rows, Rows::Numbers(_)) {
            return self.number(key.whole(), value, place);
        }
        let mut text = Vec::new();
        key.write_text(&mut text);
        self.text(&text, value, place)
    }

    /// The number of a value. Of rsyslog's kinds every value is a text.
    fn value(&mut self, value: Value) -> u32 {
        match value {
            Value::Str(text) => self.values.text(&text),
            Value::Object(_) | Value::Array(_) if self.kind == Kind::Cidr => {
                self.values.json(value)
            }
            other => {
                let mut text = Vec::new();
                other.write_text(&mut text);
                self.values.text(&text)
            }
        }
    }

    /// Adds a row of a CSV file.
    pub(super) fn csv(&mut self, key: &[u8], value: Value, place: Place) -> Result<(), Flaw> {
        let value = match value {
            Value::Str(text) => self.values.text(&text),
            other => self.values.json(other),
        };
        self.text(key, value, place)
    }

    fn full(&self, place: Place) -> Result<(), Flaw> {
        let (max, what) = match self.kind {
            Kind::Regex => (LOOKUP_REGEXES_MAX, "expressions"),
            _ => (LOOKUP_ROWS_MAX, "rows"),
        };
        if self.len() < max {
            return Ok(());
        }
        Err(Flaw::at(Cause::Content(format!("has more than {max} {what}")), place))
    }

    fn number(&mut self, key: i64, value: u32, place: Place) -> Result<(), Flaw> {
        self.full(place)?;
        if let Rows::Numbers(rows) = &mut self.rows {
            rows.push((index(key), value));
        }
        Ok(())
    }

    fn text(&mut self, key: &[u8], value: u32, place: Place) -> Result<(), Flaw> {
        self.full(place)?;
        let fault = |what: String| Err(Flaw::at(Cause::Content(what), place));
        let shown = key.as_bstr();
        match &mut self.rows {
            Rows::Text { texts, index, values, twice } => {
                let known = index.find(key, texts);
                let number = texts.push(key);
                values.push(value);
                match known {
                    None => index.insert(number, texts),
                    Some(first) => {
                        twice.insert(first);
                        let text = format!("has the index '{shown}' more than once");
                        self.remarks.push(text, Some(place), false);
                    }
                }
            }
            Rows::Numbers(_) => return self.number(0, value, place),
            Rows::Regex(rows) => match Expression::new(key, Syntax::Extended, false) {
                Ok(regex) => rows.push((regex, value)),
                Err(why) => {
                    return fault(format!("has the bad expression '{shown}': {}", why.why));
                }
            },
            Rows::Networks(rows) => match Prefix::parse(key) {
                Ok((prefix, beyond)) => {
                    rows.add(prefix, value);
                    if beyond {
                        let text = format!(
                            "has '{shown}', whose address has bits beyond the prefix: {prefix} is \
                             taken"
                        );
                        self.remarks.push(text, Some(place), false);
                    }
                }
                Err(Fault::Address) => {
                    return fault(format!("has '{shown}', which is no address or network"));
                }
                Err(Fault::Length) => {
                    return fault(format!("has '{shown}', whose prefix length is none"));
                }
            },
        }
        Ok(())
    }

    /// The table, with what it says to keys that are not there.
    pub(super) fn finish(mut self, no_match: &[u8], json: Option<Value>) -> Result<Table, Flaw> {
        let keys = match self.rows {
            Rows::Text { mut texts, mut index, mut values, twice } => {
                settle(&texts, &mut values, &twice);
                texts.shrink();
                index.shrink(&texts);
                values.shrink_to_fit();
                Keys::Text { texts, index, values }
            }
            Rows::Numbers(rows) if self.kind == Kind::Array => {
                let numbers = Consecutive::new(rows).map_err(|(wanted, found)| {
                    Flaw::of(Cause::Content(format!(
                        "has non-contiguous members between index '{wanted}' and '{found}'"
                    )))
                })?;
                Keys::Consecutive(numbers)
            }
            Rows::Numbers(rows) => Keys::Sparse(Sparse::new(rows)),
            Rows::Regex(rows) => Keys::Regex(rows),
            Rows::Networks(rows) => {
                let (networks, twice) = rows.finish();
                if twice > 0 {
                    let text = format!("has {twice} networks again: the last one counts");
                    self.remarks.push(text, None, false);
                }
                Keys::Networks(networks)
            }
        };
        Ok(Table { keys, values: self.values.finish(no_match, json), remarks: self.remarks })
    }
}

/// Of rows with the same index the first one is found; it gets the value of the row that rsyslogd
/// would find. rsyslogd searches a sorted list for it and takes the first that it meets.
fn settle(texts: &Texts, values: &mut [u32], twice: &BTreeSet<u32>) {
    if twice.is_empty() {
        return;
    }
    let mut sorted: Vec<u32> = (0..len32(texts.len())).collect();
    sorted.sort_by_key(|row| texts.get(*row));
    for first in twice {
        let key = texts.get(*first);
        if let Ok(at) = bisect(sorted.len(), |at| texts.get(sorted[at]).cmp(key)) {
            values[*first as usize] = values[sorted[at] as usize];
        }
    }
}
