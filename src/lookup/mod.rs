//! Floor 4: lookup tables (rsyslog "Lookup Tables"): files of keys and values that `lookup()` asks,
//! read whole, never changed, and replaced when they are read again.
//!
//! Besides rsyslog's kinds (`string`, `array`, `sparseArray`, `regex`) there is `cidr`, in which an
//! address finds the smallest network that it is in, and besides JSON there is CSV. What rsyslogd
//! 8.2302 does with odd tables was found by running it; `tests/data/rules/lookup.json` has it.

mod address;
mod build;
mod cidr;
mod flaw;
#[cfg(test)]
mod golden;
mod handle;
mod numbers;
mod ranges;
mod read;
#[cfg(test)]
mod tests;
mod texts;
mod values;

use std::fs;
use std::io::BufReader;
use std::io::Read;
use std::io::Seek;
use std::io::Write as _;
use std::path::Path;

use crate::base::num::leading_number;
use crate::base::posix::Expression;
use crate::lookup::cidr::Networks;
use crate::lookup::numbers::Consecutive;
use crate::lookup::numbers::Sparse;
use crate::lookup::texts::Index;
use crate::lookup::texts::Texts;
use crate::lookup::values::NO_MATCH;
use crate::lookup::values::Values;
use crate::message::json::Value;

pub use flaw::Cause;
pub use flaw::Flaw;
pub use flaw::Place;
pub use flaw::Remark;
pub use flaw::Remarks;
pub use handle::Handle;
pub use handle::Tables;

/// How keys are matched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// The same text.
    #[default]
    String,
    /// One of consecutive numbers.
    Array,
    /// The largest number that is not above the key.
    SparseArray,
    /// The first expression that matches (rsyslog: behind 8.2302).
    Regex,
    /// The smallest network that the address is in (ours).
    Cidr,
}

impl Kind {
    /// By its name in a file.
    #[must_use]
    pub fn named(name: &[u8]) -> Option<Self> {
        [Self::String, Self::Array, Self::SparseArray, Self::Regex, Self::Cidr]
            .into_iter()
            .find(|kind| kind.name().as_bytes() == name)
    }

    /// Its name in a file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Array => "array",
            Self::SparseArray => "sparseArray",
            Self::Regex => "regex",
            Self::Cidr => "cidr",
        }
    }
}

/// What a table says to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    Text(&'a [u8]),
    /// An object or array: a variable that is set to it has its members.
    Json(&'a Value),
}

/// A table as it was read.
#[derive(Debug)]
pub struct Table {
    keys: Keys,
    values: Values,
    remarks: Remarks,
}

#[derive(Debug)]
enum Keys {
    /// Every key has the value for those that are not there.
    None,
    Text {
        texts: Texts,
        index: Index,
        /// By the number of the text.
        values: Vec<u32>,
    },
    Consecutive(Consecutive),
    Sparse(Sparse),
    Regex(Vec<(Expression, u32)>),
    Networks(Networks),
}

impl Table {
    /// A table that says `text` to every key: what `reload_lookup_table()` leaves of one that
    /// cannot be read.
    #[must_use]
    pub fn stub(text: &[u8]) -> Self {
        Self { keys: Keys::None, values: Values::only(text), remarks: Remarks::default() }
    }

    /// Reads the file: CSV if its name ends in `.csv` and it does not begin with a brace, otherwise
    /// JSON.
    ///
    /// # Errors
    /// If it cannot be read or is no table.
    pub fn load(path: &Path) -> Result<Self, Flaw> {
        let file = fs::File::open(path).map_err(|error| Flaw::of(Cause::Open(error)))?;
        let csv = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
        Self::read(BufReader::new(file), csv)
    }

    /// Reads a table from memory; `csv` as [`Self::load`] finds it in the name of a file.
    ///
    /// # Errors
    /// If it is no table.
    pub fn parse(text: &[u8], csv: bool) -> Result<Self, Flaw> {
        Self::read(std::io::Cursor::new(text), csv)
    }

    fn read(mut source: impl Read + Seek, csv: bool) -> Result<Self, Flaw> {
        if csv && !read::begins_with_brace(&mut source)? {
            return read::csv(source);
        }
        read::json(source)
    }

    /// What it says to `key`. Where keys are numbers, it is the one that the text begins with, and
    /// 0 if there is none.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Answer<'_> {
        let number = || leading_number(key).0;
        self.values.get(match &self.keys {
            Keys::None => NO_MATCH,
            Keys::Text { texts, index, values } => index
                .find(key, texts)
                .and_then(|number| values.get(number as usize).copied())
                .unwrap_or(NO_MATCH),
            Keys::Consecutive(numbers) => numbers.get(number()),
            Keys::Sparse(numbers) => numbers.get(number()),
            Keys::Regex(rows) => {
                let first = rows.iter().find(|(regex, _)| regex.is_match(key));
                first.map_or(NO_MATCH, |(_, value)| *value)
            }
            Keys::Networks(networks) => {
                cidr::address(key).map_or(NO_MATCH, |address| networks.get(address))
            }
        })
    }

    /// What it says to a number. Among networks it is an IPv4 address, as `ip42num()` makes it.
    #[must_use]
    pub fn get_number(&self, key: i64) -> Answer<'_> {
        match &self.keys {
            Keys::Consecutive(numbers) => self.values.get(numbers.get(key)),
            Keys::Sparse(numbers) => self.values.get(numbers.get(key)),
            Keys::Networks(networks) => self.values.get(networks.get_number(key)),
            Keys::None | Keys::Text { .. } | Keys::Regex(_) => {
                // No number has more digits; the rest of the room shows how many it has.
                let mut text = [0; 20];
                let mut rest = text.as_mut_slice();
                let written = write!(rest, "{key}").map(|()| 20 - rest.len());
                self.get(&text[..written.unwrap_or(0)])
            }
        }
    }

    /// Whether keys are numbers: then a value that is one need not become a text.
    #[must_use]
    pub const fn takes_numbers(&self) -> bool {
        matches!(self.keys, Keys::Consecutive(_) | Keys::Sparse(_))
    }

    /// Whether it is a stub that says `text`.
    #[must_use]
    pub fn is_stub_of(&self, text: &[u8]) -> bool {
        matches!(self.keys, Keys::None) && self.values.get(NO_MATCH) == Answer::Text(text)
    }

    /// How many keys it has.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.keys {
            Keys::None => 0,
            Keys::Text { values, .. } => values.len(),
            Keys::Consecutive(numbers) => numbers.len(),
            Keys::Sparse(numbers) => numbers.len(),
            Keys::Regex(rows) => rows.len(),
            Keys::Networks(networks) => networks.len(),
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What is odd about its file.
    #[must_use]
    pub const fn remarks(&self) -> &Remarks {
        &self.remarks
    }
}
