//! What a fault did to the messages, and whether that is within its bound.

use std::fmt::Write;

use serde::Serialize;

use crate::cli::bench::ledger::Ledger;
use crate::cli::bench::report::grouped;

/// One row of the table.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Outcome {
    pub row: &'static str,
    pub fault: &'static str,
    pub sent: u64,
    pub lost: u64,
    pub lost_max: u64,
    pub duplicated: u64,
    /// `None`: what was under way may come twice, however much it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicated_max: Option<u64>,
    pub reordered: u64,
    pub corrupted: u64,
    pub seconds: f64,
    /// Figures that only this row has.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// What else did not hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub broken: Vec<String>,
    pub within: bool,
}

/// How a row ended: its figures, or why it cannot be run here.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum End {
    Ran(Outcome),
    Skipped { row: &'static str, fault: &'static str, why: String },
}

/// What a row expects, and what it noticed besides the messages.
#[derive(Clone, Debug, Default)]
pub(super) struct Bounds {
    pub lost: u64,
    pub duplicated: Option<u64>,
    /// Of how many messages a part may come, and no more.
    pub torn: u64,
    pub note: String,
    pub broken: Vec<String>,
}

impl Bounds {
    /// Nothing is lost and nothing comes twice.
    pub(super) fn exact() -> Self {
        Self { duplicated: Some(0), ..Self::default() }
    }

    /// Notes that `what` does not hold, unless it does.
    pub(super) fn require(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.broken.push(what());
        }
    }
}

impl Outcome {
    pub(super) fn new(
        (row, fault): (&'static str, &'static str),
        sent: u64,
        ledger: &Ledger,
        bounds: Bounds,
    ) -> Self {
        let mut outcome = Self {
            row,
            fault,
            sent,
            lost: sent.saturating_sub(ledger.received()),
            lost_max: bounds.lost,
            duplicated: ledger.duplicated,
            duplicated_max: bounds.duplicated,
            reordered: ledger.reordered,
            corrupted: ledger.corrupted,
            seconds: 0.0,
            note: bounds.note,
            broken: bounds.broken,
            within: false,
        };
        outcome.within = outcome.lost <= outcome.lost_max
            && outcome.duplicated_max.is_none_or(|most| outcome.duplicated <= most)
            && outcome.corrupted <= bounds.torn
            && outcome.broken.is_empty();
        outcome
    }
}

impl End {
    pub(super) const fn within(&self) -> bool {
        match self {
            Self::Ran(outcome) => outcome.within,
            Self::Skipped { .. } => true,
        }
    }
}

/// The table, as Markdown.
pub(super) fn table(ends: &[End]) -> String {
    let mut text = String::from(
        "| row | fault | sent | lost (bound) | doubled (bound) | s | held | notes |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for end in ends {
        line(&mut text, end);
    }
    text
}

fn line(text: &mut String, end: &End) {
    let written = match end {
        End::Skipped { row, fault, why } => {
            writeln!(text, "| {row} | {fault} | | | | | not run | {why} |")
        }
        End::Ran(outcome) => {
            let most = outcome.duplicated_max.map_or_else(|| "under way".to_owned(), grouped);
            let mut notes = outcome.broken.clone();
            if !outcome.note.is_empty() {
                notes.push(outcome.note.clone());
            }
            writeln!(
                text,
                "| {} | {} | {} | {} ({}) | {} ({most}) | {:.1} | {} | {} |",
                outcome.row,
                outcome.fault,
                grouped(outcome.sent),
                grouped(outcome.lost),
                grouped(outcome.lost_max),
                grouped(outcome.duplicated),
                outcome.seconds,
                if outcome.within { "yes" } else { "**no**" },
                notes.join("; "),
            )
        }
    };
    // Writing to a text cannot fail.
    written.unwrap_or_default();
}
