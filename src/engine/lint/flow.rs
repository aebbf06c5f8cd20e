//! Where messages go: filters that take none, rulesets that nobody calls, inputs that lead
//! nowhere.

use std::collections::HashMap;
use std::collections::HashSet;
use std::fmt::Write as _;

use crate::base::diag::Loc;
use crate::base::diag::Severity::Warning;
use crate::config::ast::Block;
use crate::config::ast::Expr;
use crate::config::ast::ExprKind;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::ast::PropertyFilter;
use crate::config::ast::Stmt;
use crate::config::ast::StmtKind;
use crate::config::module::short_name;
use crate::engine::lint::Findings;
use crate::engine::lint::Lint;
use crate::engine::lint::Survey;
use crate::engine::lint::pri;
use crate::engine::lint::pri::Bounds;
use crate::engine::lint::survey::is;
use crate::message::PriMask;

pub(super) static LINTS: &[&Lint] =
    &[&NEVER_MATCHES, &STOPPED_BEFORE, &RULESET_UNUSED, &INPUT_NOWHERE];

static NEVER_MATCHES: Lint = Lint {
    id: "never-matches",
    severity: Warning,
    what: "A filter takes no message at all.",
    why: "What it is there for never runs.",
    help: "mail.none takes messages away from what stands before it: *.*;mail.none",
};
static STOPPED_BEFORE: Lint = Lint {
    id: "stopped-before",
    severity: Warning,
    what: "Whatever a filter would take was stopped before it.",
    why: "What it is there for never runs.",
    help: "move it before the `stop`, or remove it",
};
static RULESET_UNUSED: Lint = Lint {
    id: "ruleset-unused",
    severity: Warning,
    what: "No input is bound to a ruleset, and nothing calls it.",
    why: "What stands in it never runs.",
    help: "write ruleset=\"…\" into an input, or call it",
};
static INPUT_NOWHERE: Lint = Lint {
    id: "input-nowhere",
    severity: Warning,
    what: "An input has no ruleset, and the default ruleset has no action.",
    why: "Whatever it receives is thrown away.",
    help: "write ruleset=\"…\" into the input, or an action that stands in no ruleset",
};

/// Modules that read without an `input()`.
const SELF_STARTING: &[&str] = &["imuxsock", "imklog", "imkmsg", "imjournal"];

pub(super) fn look(survey: &Survey<'_>, found: &mut Findings<'_>) {
    let main: Vec<&Stmt> = survey.config.statements.iter().filter(|stmt| is_rule(stmt)).collect();
    let mut walk = Walk { found };
    walk.block(main.iter().copied(), pri::ALL);
    for ruleset in survey.objects(ObjectKind::Ruleset) {
        walk.block(ruleset.script.iter(), pri::ALL);
    }
    unused(survey, found);
    nowhere(survey, &main, found);
}

fn is_rule(stmt: &Stmt) -> bool {
    match &stmt.kind {
        StmtKind::Object(object) => object.kind == ObjectKind::Action,
        _ => true,
    }
}

/// What gets past a block.
struct Past {
    live: PriMask,
    /// Nothing does, and one need not know PRI values to see it: the compiler says so itself.
    plainly: bool,
}

/// A walk that knows which PRI values can still come.
struct Walk<'w, 'f> {
    found: &'w mut Findings<'f>,
}

impl Walk<'_, '_> {
    fn block<'a>(&mut self, block: impl Iterator<Item = &'a Stmt>, live: PriMask) -> Past {
        let mut past = Past { live, plainly: live == pri::NONE };
        // Conditions behind which messages are stopped, and where.
        let mut stopped: HashMap<String, Loc> = HashMap::new();
        for stmt in block {
            if past.live == pri::NONE && !past.plainly && !is_end(stmt) {
                let text = "no message gets here: whatever comes was stopped before";
                self.found.add(&STOPPED_BEFORE, stmt.loc, text);
                // Once is enough.
                past.plainly = true;
            }
            let after = self.statement(stmt, &past, &mut stopped);
            if past.live != pri::NONE {
                past = after;
            }
        }
        past
    }

    fn statement(&mut self, stmt: &Stmt, past: &Past, stopped: &mut HashMap<String, Loc>) -> Past {
        let live = past.live;
        let same = Past { live, plainly: false };
        match &stmt.kind {
            StmtKind::Stop => Past { live: pri::NONE, plainly: true },
            StmtKind::PriFilter { filter, text, then } => {
                // The parser has a word to say about 'mark' itself.
                let mark = text.to_ascii_lowercase().contains("mark");
                if *filter == pri::NONE && !mark && !then.iter().all(is_end) {
                    let text = "this selector takes no message";
                    self.found.add(&NEVER_MATCHES, stmt.loc, text);
                }
                let taken = pri::and(live, *filter);
                self.reached(stmt.loc, past, *filter, taken, then);
                let inner = self.block(then.iter(), taken);
                let plainly = *filter == pri::ALL && inner.plainly;
                Past { live: pri::or(inner.live, pri::and(live, pri::not(*filter))), plainly }
            }
            StmtKind::PropertyFilter { filter, then } => {
                if let Some(key) = property_key(filter) {
                    self.repeated(&key, stmt.loc, then, stopped);
                    note_stop(key, stmt.loc, then, stopped);
                }
                let inner = self.block(then.iter(), live);
                Past { live: pri::or(live, inner.live), plainly: false }
            }
            StmtKind::If { .. } => self.choice(stmt, past, stopped),
            StmtKind::Foreach { body, .. } => {
                self.block(body.iter(), live);
                same
            }
            // From here on a message may be another one.
            StmtKind::Object(object) if changes_messages(object) => {
                stopped.clear();
                same
            }
            StmtKind::Call(_) | StmtKind::CallIndirect(_) => {
                stopped.clear();
                same
            }
            StmtKind::Object(_)
            | StmtKind::Set { .. }
            | StmtKind::Unset(_)
            | StmtKind::ReloadLookupTable { .. }
            | StmtKind::Continue => same,
        }
    }

    /// An `if` with its `else if`s, walked and not nested.
    fn choice(&mut self, stmt: &Stmt, past: &Past, stopped: &mut HashMap<String, Loc>) -> Past {
        let mut left = past.live;
        let mut after = Past { live: pri::NONE, plainly: true };
        let mut rest = std::slice::from_ref(stmt);
        // Conditions of earlier branches: theirs are the messages.
        let mut taken_before = HashMap::new();
        while let [Stmt { kind: StmtKind::If { cond, then, otherwise }, loc }] = rest {
            let bounds = Bounds::of(cond);
            if bounds.may == pri::NONE && !then.iter().all(is_end) {
                self.found.add(&NEVER_MATCHES, cond.loc, "this condition holds for no message");
            }
            let taken = pri::and(left, bounds.may);
            self.reached(*loc, past, bounds.may, taken, then);
            if let Some(key) = condition_key(cond) {
                self.repeated(&key, *loc, then, stopped);
                self.repeated(&key, *loc, then, &taken_before);
                // What is stopped behind an `else` is not all that the condition holds for.
                if *loc == stmt.loc {
                    note_stop(key.clone(), *loc, then, stopped);
                }
                taken_before.entry(key).or_insert(*loc);
            }
            let inner = self.block(then.iter(), taken);
            after.live = pri::or(after.live, inner.live);
            after.plainly &= inner.plainly;
            left = pri::and(left, pri::not(bounds.must));
            rest = otherwise;
        }
        let inner = self.block(rest.iter(), left);
        after.live = pri::or(after.live, inner.live);
        after.plainly &= inner.plainly && !rest.is_empty();
        after
    }

    /// Says so if `taken` is nothing, of messages that still come, although `may` is not.
    fn reached(&mut self, loc: Loc, past: &Past, may: PriMask, taken: PriMask, then: &Block) {
        let acts = !then.iter().all(is_end);
        if taken == pri::NONE && may != pri::NONE && acts && !past.plainly {
            let text = "no message gets here: what this takes was stopped, or left out, before";
            self.found.add(&STOPPED_BEFORE, loc, text);
        }
    }

    /// Says so if messages for which `key` holds went elsewhere before.
    fn repeated(&mut self, key: &str, loc: Loc, then: &Block, before: &HashMap<String, Loc>) {
        if let Some(before) = before.get(key).filter(|_| !then.iter().all(is_end)) {
            let line = self.found.line(&STOPPED_BEFORE, loc, *before);
            let text = format!("no message gets here: the same condition in {line} takes them");
            self.found.add(&STOPPED_BEFORE, loc, text);
        }
    }
}

/// Notes that messages for which `key` holds are stopped at `loc`, if they are.
fn note_stop(key: String, loc: Loc, then: &Block, stopped: &mut HashMap<String, Loc>) {
    if then.iter().any(|stmt| matches!(stmt.kind, StmtKind::Stop)) {
        stopped.entry(key).or_insert(loc);
    }
}

/// A `stop` too many is common, and harmless.
const fn is_end(stmt: &Stmt) -> bool {
    matches!(stmt.kind, StmtKind::Stop | StmtKind::Continue)
}

/// Whether an action may change what conditions look at.
fn changes_messages(object: &Object) -> bool {
    object.text("type").is_some_and(|(kind, _)| kind.starts_with("mm"))
}

/// A filter without its place; `None` if it may hold once and not another time.
fn property_key(filter: &PropertyFilter) -> Option<String> {
    let PropertyFilter { property, negated, operation, value } = filter;
    let name = property.text.trim_start_matches('$').to_ascii_lowercase();
    let variable = name.starts_with(['!', '.', '/']);
    (!variable).then(|| format!("{name} {negated} {operation:?} {value}"))
}

/// A condition without its places; `None` if it may hold once and not another time.
fn condition_key(expr: &Expr) -> Option<String> {
    let mut key = String::new();
    write_key(expr, &mut key).then_some(key)
}

fn write_key(expr: &Expr, key: &mut String) -> bool {
    // Writing to a String cannot fail.
    match &expr.kind {
        ExprKind::Number(number) => _ = write!(key, "{number} "),
        ExprKind::Str(text) => _ = write!(key, "{text:?} "),
        ExprKind::Array(items) => _ = write!(key, "{items:?} "),
        ExprKind::Variable(name) if name.starts_with(['!', '.', '/']) => return false,
        ExprKind::Variable(name) => _ = write!(key, "${} ", name.to_ascii_lowercase()),
        ExprKind::Not(inner) => {
            key.push_str("not ");
            return write_key(inner, key);
        }
        ExprKind::Negate(inner) => {
            key.push_str("- ");
            return write_key(inner, key);
        }
        ExprKind::Binary { op, left, right } => {
            _ = write!(key, "({op:?} ");
            return write_key(left, key) && write_key(right, key);
        }
        ExprKind::Call { name, args } => {
            let pure = ["prifilt", "re_match", "re_match_i", "tolower", "strlen", "cstr", "cnum"];
            _ = write!(key, "{}(", name.text.to_ascii_lowercase());
            return pure.iter().any(|known| is(known, &name.text))
                && args.iter().all(|arg| write_key(arg, key));
        }
    }
    true
}

fn unused(survey: &Survey<'_>, found: &mut Findings<'_>) {
    if survey.indirect {
        return;
    }
    let called: HashSet<&str> = survey.calls.iter().map(|name| name.text.as_str()).collect();
    for object in survey.objects(ObjectKind::Ruleset) {
        let Some((name, loc)) = object.text("name") else { continue };
        let used = called.contains(name.as_str()) || survey.names.contains(name.as_bytes());
        if !used && !is(&name, "RSYSLOG_DefaultRuleset") {
            let text = format!("nothing leads to ruleset '{name}'");
            found.add_in(&RULESET_UNUSED, object, loc, text);
        }
    }
}

fn nowhere(survey: &Survey<'_>, main: &[&Stmt], found: &mut Findings<'_>) {
    let default = survey.objects(ObjectKind::Ruleset).any(|object| {
        object.text("name").is_some_and(|(name, _)| is(&name, "RSYSLOG_DefaultRuleset"))
    });
    // A part of a configuration has no actions at all.
    if default
        || survey.actions.is_empty()
        || survey.global("defaultRuleset").is_some()
        || main.iter().any(|stmt| leads_on(stmt))
    {
        return;
    }
    let text = "what this receives goes nowhere";
    for (object, _) in survey.inputs().filter(|(object, _)| object.param("ruleset").is_none()) {
        found.add(&INPUT_NOWHERE, object.loc, text);
    }
    for object in survey.objects(ObjectKind::Module) {
        let load = object.text("load").map(|(load, _)| load).unwrap_or_default();
        let load = short_name(&load);
        if SELF_STARTING.contains(&load) && object.param("ruleset").is_none() {
            found.add(&INPUT_NOWHERE, object.loc, text);
        }
    }
}

/// Whether a statement may hand messages to an action.
fn leads_on(stmt: &Stmt) -> bool {
    match &stmt.kind {
        StmtKind::Object(_) | StmtKind::Call(_) | StmtKind::CallIndirect(_) => true,
        StmtKind::If { then, otherwise, .. } => {
            then.iter().any(leads_on) || otherwise.iter().any(leads_on)
        }
        StmtKind::PriFilter { then, .. }
        | StmtKind::PropertyFilter { then, .. }
        | StmtKind::Foreach { body: then, .. } => then.iter().any(leads_on),
        StmtKind::Set { .. }
        | StmtKind::Unset(_)
        | StmtKind::ReloadLookupTable { .. }
        | StmtKind::Stop
        | StmtKind::Continue => false,
    }
}
