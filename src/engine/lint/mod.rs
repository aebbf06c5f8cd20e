//! What `bongsu check` says beyond `-N1`: configurations that are right, and lose, stall or mean
//! something else than they seem to.
//!
//! A theme is a file with a table `LINTS` and a function that looks for them all in a [`Survey`].
//! Each lint has a name by which it is switched off: `--allow ID`, or a comment
//! `# bongsu: allow ID` on the line or the one before.

mod addresses;
mod allow;
mod delivery;
mod expressions;
mod files;
mod flow;
mod formats;
mod legacy;
mod network;
mod pri;
mod shape;
mod survey;
mod tls;

use std::collections::HashMap;
use std::collections::HashSet;

use crate::base::diag::Diagnostic;
use crate::base::diag::Loc;
use crate::base::diag::Severity;
use crate::base::diag::SourceMap;
use crate::config::Config;
use crate::config::ast::Object;
use allow::Allowed;
use survey::Survey;

/// Findings of one lint that are shown; the others are counted.
const SHOWN_MAX: usize = 20;

/// Something to look for.
#[derive(Debug)]
pub struct Lint {
    /// `no-line-end`: how it is shown and switched off.
    pub id: &'static str,
    /// A warning where messages may be lost, held up or damaged; a note otherwise.
    pub severity: Severity,
    /// What is found, in one sentence.
    pub what: &'static str,
    /// Why it matters, in one sentence.
    pub why: &'static str,
    /// What to write instead.
    pub help: &'static str,
}

/// A theme's function.
type Look = fn(&Survey<'_>, &mut Findings<'_>);

/// All themes, in the order in which their lints are listed.
static THEMES: &[(&[&Lint], Look)] = &[
    (delivery::LINTS, delivery::look),
    (network::LINTS, network::look),
    (tls::LINTS, tls::look),
    (formats::LINTS, formats::look),
    (files::LINTS, files::look),
    (flow::LINTS, flow::look),
    (expressions::LINTS, expressions::look),
    (addresses::LINTS, addresses::look),
    (legacy::LINTS, legacy::look),
    (allow::LINTS, allow::look),
];

/// All lints.
pub fn lints() -> impl Iterator<Item = &'static Lint> {
    THEMES.iter().flat_map(|(lints, _)| lints.iter().copied())
}

/// What the lints find in `config`, in the order of its text. `allowed` names lints that are
/// switched off.
#[must_use]
pub fn lint(config: &Config, allowed: &[String]) -> Vec<Diagnostic> {
    let allowed = Allowed::read(&config.sources, allowed);
    let survey = Survey::of(config);
    let mut findings = Findings {
        sources: &config.sources,
        allowed: &allowed,
        places: HashSet::new(),
        counts: HashMap::new(),
        all: Vec::new(),
    };
    for (_, look) in THEMES {
        look(&survey, &mut findings);
    }
    findings.finish()
}

/// What was found so far.
#[derive(Debug)]
struct Findings<'a> {
    sources: &'a SourceMap,
    allowed: &'a Allowed,
    /// A directive counts once, for however many actions it was meant.
    places: HashSet<(&'static str, Loc)>,
    /// How often each lint was found, and where last.
    counts: HashMap<&'static str, (usize, Loc)>,
    all: Vec<Diagnostic>,
}

impl Findings<'_> {
    /// Adds what was found at `loc`, unless it is allowed there.
    fn add(&mut self, lint: &'static Lint, loc: Loc, text: impl Into<String>) {
        self.add_within(lint, loc, loc, text);
    }

    /// Adds what was found at `loc`, a part of `object`.
    fn add_in(&mut self, lint: &'static Lint, object: &Object, loc: Loc, text: impl Into<String>) {
        self.add_within(lint, loc, object.loc, text);
    }

    /// As [`Self::add_in`], with what to write there instead of what the lint says of all.
    fn add_helped(
        &mut self,
        lint: &'static Lint,
        object: &Object,
        loc: Loc,
        text: String,
        help: String,
    ) {
        let before = self.all.len();
        self.add_in(lint, object, loc, text);
        if let Some(found) = self.all.get_mut(before) {
            found.help = Some(help);
        }
    }

    /// Adds what was found at `loc`, unless it is allowed there or where `whole` begins.
    fn add_within(&mut self, lint: &'static Lint, loc: Loc, whole: Loc, text: impl Into<String>) {
        let allowed = |loc| self.allowed.covers(lint.id, self.sources, loc);
        if allowed(loc) || allowed(whole) || !self.places.insert((lint.id, loc)) {
            return;
        }
        let count = self.counts.entry(lint.id).or_insert((0, loc));
        *count = (count.0 + 1, loc);
        if count.0 <= SHOWN_MAX {
            let found = Diagnostic::warning(loc, text).help(lint.help);
            let severity = lint.severity;
            self.all.push(Diagnostic { severity, lint: Some(lint.id), ..found });
        }
    }

    /// Where another place is, for people: its line, with the file's name if `from` is in another.
    /// Costs as much as the file is long: empty where nobody will see it.
    fn line(&self, lint: &Lint, from: Loc, other: Loc) -> String {
        if self.counts.get(lint.id).is_some_and(|(count, _)| *count >= SHOWN_MAX) {
            return String::new();
        }
        let (line, _) = self.sources.position(other);
        match self.sources.file(other.file) {
            Some(file) if from.file != other.file => format!("line {line} of {}", file.name),
            _ => format!("line {line}"),
        }
    }

    fn finish(mut self) -> Vec<Diagnostic> {
        for (lint, (count, last)) in self.counts {
            if count > SHOWN_MAX {
                let text = format!("{} more of this kind are not shown", count - SHOWN_MAX);
                let note = Diagnostic::note(last, text);
                self.all.push(Diagnostic { lint: Some(lint), ..note });
            }
        }
        self.all.sort_by_key(|found| (found.loc.file, found.loc.start, found.lint));
        self.all
    }
}
