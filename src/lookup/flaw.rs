//! What is wrong or odd about a table's file.

use std::fmt;
use std::io;

/// Remarks that are kept of one table; what is beyond them is counted.
const REMARKS_MAX: usize = 20;

/// Line and column in a file, from 1; the column in characters. Column 0: not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub line: u64,
    pub column: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.column {
            0 => write!(f, "line {}", self.line),
            column => write!(f, "line {}, column {column}", self.line),
        }
    }
}

/// Why a file is no table.
#[derive(Debug)]
pub enum Cause {
    Open(io::Error),
    Read(io::Error),
    /// It is no JSON.
    Json,
    /// It is no table; what the table does or has, such as `has no rows`.
    Content(String),
}

/// What is wrong with a file, and where.
#[derive(Debug)]
pub struct Flaw {
    pub cause: Cause,
    pub place: Option<Place>,
}

impl Flaw {
    pub(super) const fn of(cause: Cause) -> Self {
        Self { cause, place: None }
    }

    pub(super) const fn at(cause: Cause, place: Place) -> Self {
        Self { cause, place: Some(place) }
    }

    /// rsyslogd's words for it, and the place.
    #[must_use]
    pub fn words(&self, table: &str, file: &str) -> String {
        let mut text = match &self.cause {
            Cause::Open(error) => {
                format!("lookup table file '{file}' could not be opened: {error}")
            }
            Cause::Read(error) => format!("lookup table file '{file}' read error: {error}"),
            Cause::Json => format!("lookup table file '{file}' json parsing error"),
            Cause::Content(what) => format!("lookup table named: '{table}' {what}"),
        };
        if let Some(place) = self.place {
            text = format!("{text} ({place})");
        }
        text
    }
}

/// Something that was taken, and perhaps not meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// What the table does or has.
    pub text: String,
    pub place: Option<Place>,
    /// `rsyslogd -N1` fails for it; rsyslogd uses the table all the same.
    pub error: bool,
}

/// What was remarked of one table.
#[derive(Clone, Debug, Default)]
pub struct Remarks {
    /// The first ones.
    pub first: Vec<Remark>,
    /// How many more there were.
    pub more: usize,
}

impl Remarks {
    pub(super) fn push(&mut self, text: String, place: Option<Place>, error: bool) {
        if self.first.len() < REMARKS_MAX {
            self.first.push(Remark { text, place, error });
        } else {
            self.more += 1;
        }
    }

    /// All of them as `lookup table named: '…' …`.
    pub fn words(&self, table: &str) -> impl Iterator<Item = (String, bool)> {
        let named = move |what: &str| format!("lookup table named: '{table}' {what}");
        let more = (self.more > 0).then(|| {
            (named(&format!("has {} more rows of which something could be said", self.more)), false)
        });
        let one = move |remark: &Remark| {
            let place = remark.place.map(|place| format!(" ({place})")).unwrap_or_default();
            (format!("{}{place}", named(&remark.text)), remark.error)
        };
        self.first.iter().map(one).chain(more)
    }
}
