//! POSIX regular expressions, basic and extended, as `regcomp(3)` and `regexec(3)` of glibc 2.36
//! take them in the C locale: that is what rsyslog hands its patterns to.
//!
//! Of the matches that begin first the longest counts, and then what groups match is settled in
//! glibc's order of preference. The `regex` crate finds whether there is a match and where it
//! begins. It also finds the rest where a text can be taken in one way only (`single_way`);
//! elsewhere [`longest`] does, and [`backward`] where there are back references. Everything is
//! bytes; letter case is ASCII's.
//!
//! | file | what is in it |
//! |---|---|
//! | `parse`, `bracket` | from the text to a tree |
//! | `tree` | the tree, and sets of bytes |
//! | `print` | from the tree to the `regex` crate's syntax |
//! | `nodes` | from the tree to a graph |
//! | `longest` | matching with the graph |
//! | `backward` | the same with back references |

mod backward;
mod bracket;
mod longest;
mod nodes;
mod parse;
mod print;
#[cfg(test)]
mod tests;
mod tree;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Weak;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use regex::bytes::Regex;
use regex::bytes::RegexBuilder;

use crate::base::limits::REGEX_BACK_STEPS_MAX;
use crate::base::limits::REGEX_STEPS_MAX;
use crate::base::posix::backward::Search;
use crate::base::posix::longest::NONE;
use crate::base::posix::longest::Scratch;
use crate::base::posix::longest::Span;
use crate::base::posix::longest::UNSET;
use crate::base::posix::nodes::Nodes;

/// Which of the two syntaxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Syntax {
    Basic,
    Extended,
}

/// Why a pattern is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// A few words.
    pub why: String,
    /// rsyslog takes it.
    pub ours: bool,
}

impl Fault {
    fn of(why: &str) -> Self {
        Self { why: why.to_owned(), ours: false }
    }

    const fn ours(why: String) -> Self {
        Self { why, ours: true }
    }
}

/// A compiled expression. The same one is compiled once, as long as it is there.
#[derive(Clone, Debug)]
pub struct Expression(Arc<Inner>);

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.written == other.0.written
    }
}

#[derive(Debug)]
struct Inner {
    /// Takes what the expression takes, and more only if it has back references.
    regex: Regex,
    nodes: Nodes,
    groups: usize,
    named: u16,
    any_case: bool,
    written: Written,
}

/// A match: all of it and, in the order of their `(`, its groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// From, to.
    pub all: (usize, usize),
    groups: Vec<Span>,
}

impl Found {
    /// From and to of a group, or of the whole match for 0, if there is one of that number and it
    /// matched.
    #[must_use]
    pub fn group(&self, number: usize) -> Option<(usize, usize)> {
        if number == 0 {
            return Some(self.all);
        }
        let (from, to) = *self.groups.get(number - 1)?;
        (from != NONE && to != NONE).then_some((from, to))
    }
}

/// Searches that took too many steps, since the process started.
static GIVEN_UP: AtomicU64 = AtomicU64::new(0);

/// How many searches ended without the right answer because they took more than
/// [`REGEX_STEPS_MAX`](crate::base::limits::REGEX_STEPS_MAX) steps. With back references that is
/// "no match", without it is the match of the alternatives in the order in which they are written.
#[must_use]
pub fn given_up() -> u64 {
    GIVEN_UP.load(Ordering::Relaxed)
}

/// What tells expressions apart.
type Written = (Box<[u8]>, Syntax, bool);

/// Steps that one with back references is worth.
const BACK_STEP: usize = REGEX_STEPS_MAX / REGEX_BACK_STEPS_MAX;
/// Bytes that the `regex` crate may have looked at in the time of a step.
const BYTES_A_STEP: usize = 16;

thread_local! {
    static KNOWN: RefCell<HashMap<Written, Weak<Inner>>> = RefCell::default();
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Inner {
    fn compile(written: Written) -> Result<Self, Fault> {
        let (ref pattern, syntax, any_case) = written;
        let parsed = parse::parse(pattern, syntax, any_case)?;
        let tree = parsed.tree.as_ref();
        let too_big = || Fault::ours("the regular expression is too big".to_owned());
        let nodes = Nodes::new(tree).map_err(|_| too_big())?;
        let regex = RegexBuilder::new(&print::print(tree))
            .unicode(false)
            .dot_matches_new_line(true)
            .build()
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => too_big(),
                other => {
                    let text = other.to_string();
                    let last = text.lines().last().unwrap_or_default();
                    Fault::ours(last.trim_start_matches("error: ").to_owned())
                }
            })?;
        Ok(Self { regex, nodes, groups: parsed.groups, named: parsed.named, any_case, written })
    }
}

impl Expression {
    /// Compiles `pattern`; with `any_case` letter case does not count.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(pattern: &[u8], syntax: Syntax, any_case: bool) -> Result<Self, Fault> {
        let written: Written = (pattern.into(), syntax, any_case);
        let known = KNOWN.with_borrow(|known| known.get(&written).and_then(Weak::upgrade));
        if let Some(inner) = known {
            return Ok(Self(inner));
        }
        let inner = Arc::new(Inner::compile(written.clone())?);
        KNOWN.with_borrow_mut(|known| {
            if known.len() == known.capacity() {
                known.retain(|_, inner| inner.strong_count() > 0);
            }
            known.insert(written, Arc::downgrade(&inner));
        });
        Ok(Self(inner))
    }

    /// How many groups it has.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.0.groups
    }

    /// Whether it matches anywhere in `text`.
    #[must_use]
    #[inline]
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.0.regex.is_match(text) && (self.0.named == 0 || self.find(text, false).is_some())
    }

    /// The first match, with its groups if they are wanted.
    #[must_use]
    pub fn find(&self, text: &[u8], groups: bool) -> Option<Found> {
        self.search(text, groups, &mut 0)
    }

    /// [`Expression::find`] that has taken `steps` before, and adds its own.
    fn search(&self, text: &[u8], groups: bool, steps: &mut usize) -> Option<Found> {
        let inner = &*self.0;
        if inner.named != 0 {
            return self.find_backward(text, steps);
        }
        let groups = groups && inner.groups > 0;
        if inner.nodes.single_way && groups {
            let found = inner.regex.captures(text)?;
            let spans = found.iter().skip(1);
            let spans = spans.map(|group| group.map_or(UNSET, |g| (g.start(), g.end()))).collect();
            let all = found.get(0).map_or(UNSET, |all| (all.start(), all.end()));
            return Some(Found { all, groups: spans });
        }
        let first = inner.regex.find(text)?;
        let mut found = Found { all: (first.start(), first.end()), groups: Vec::new() };
        if inner.nodes.single_way {
            return Some(found);
        }
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.begin(*steps);
            match longest::end(&inner.nodes, text, found.all.0, scratch) {
                Ok(end) => found.all.1 = end.unwrap_or(found.all.1),
                Err(_) => _ = GIVEN_UP.fetch_add(1, Ordering::Relaxed),
            }
            if groups {
                found.groups = vec![UNSET; inner.groups];
                let spans = &mut found.groups;
                if longest::groups(&inner.nodes, text, found.all, scratch, spans).is_err() {
                    spans.fill(UNSET);
                    GIVEN_UP.fetch_add(1, Ordering::Relaxed);
                }
            }
            *steps = scratch.end();
        });
        Some(found)
    }

    fn find_backward(&self, text: &[u8], steps: &mut usize) -> Option<Found> {
        let inner = &*self.0;
        let first = inner.regex.find(text)?.start();
        let (nodes, any_case, named) = (&inner.nodes, inner.any_case, inner.named);
        let before = *steps / BACK_STEP;
        let mut search = Search { nodes, any_case, groups: inner.groups, named, steps: before };
        let mut groups = vec![UNSET; inner.groups];
        let mut found = None;
        for start in first..=text.len() {
            match search.longest(text, start, &mut groups) {
                Ok(None) => {}
                Ok(Some(end)) => {
                    found = Some(Found { all: (start, end), groups });
                    break;
                }
                Err(_) => {
                    GIVEN_UP.fetch_add(1, Ordering::Relaxed);
                    break;
                }
            }
        }
        *steps += (search.steps - before) * BACK_STEP;
        found
    }

    /// The match of that number, from 0, as rsyslog counts them, and in it the group of that
    /// number: each search starts anew behind the match before it, with what is left as its text.
    /// Nothing if there are fewer matches; an empty match is there again and again. All searches
    /// together may take the steps of one.
    #[must_use]
    pub fn nth<'t>(&self, text: &'t [u8], number: usize, group: usize) -> Option<Option<&'t [u8]>> {
        let mut rest = text;
        let mut left = number;
        let mut steps = 0;
        loop {
            if steps > REGEX_STEPS_MAX {
                GIVEN_UP.fetch_add(1, Ordering::Relaxed);
                return None;
            }
            let found = self.search(rest, left == 0 && group > 0, &mut steps)?;
            steps += rest.len() / BYTES_A_STEP;
            let end = found.all.1;
            if left == 0 {
                return Some(found.group(group).and_then(|(from, to)| rest.get(from..to)));
            }
            left = if end == 0 { 0 } else { left - 1 };
            rest = &rest[end..];
        }
    }
}
