//! Statements of the syntax tree to nodes of a program.
//!
//! A statement with a condition that cannot be compiled is left out whole, and said to be: taking
//! it for true or false would send messages where they do not belong.

use std::sync::Arc;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::diag::nearest;
use crate::base::limits::SCRIPT_DEPTH_MAX;
use crate::base::posix::Expression;
use crate::base::posix::Fault;
use crate::config::ast;
use crate::config::ast::FilterOperation;
use crate::config::ast::ObjectKind;
use crate::config::ast::PropertyFilter;
use crate::config::ast::Stmt;
use crate::config::ast::StmtKind;
use crate::config::ast::Word;
use crate::config::manual;
use crate::message::Variable;
use crate::rules::Resolver;
use crate::rules::expression;
use crate::rules::expression::Lowering;
use crate::rules::expression::Reported;
use crate::rules::fold;
use crate::rules::hoist::hoist;
use crate::rules::ir::Arm;
use crate::rules::ir::Block;
use crate::rules::ir::Change;
use crate::rules::ir::Each;
use crate::rules::ir::Expr;
use crate::rules::ir::Leaf;
use crate::rules::ir::Node;
use crate::rules::ir::Pattern;
use crate::rules::ir::Placed;
use crate::rules::ir::Reload;
use crate::rules::ir::Test;
use crate::rules::ir::TextOperator;
use crate::rules::program::CallSite;
use crate::rules::program::Program;
use crate::rules::validate::Validator;
use crate::rules::validate::filter_syntax;
use crate::rules::validate::filter_value;

/// Compiles the statements of one ruleset. Objects other than actions are none of its business.
///
/// What cannot be compiled is complained of and left out. The result is of use only after
/// [`Programs::link`](crate::rules::Programs::link).
pub fn compile(block: &[Stmt], resolver: &mut dyn Resolver, diags: &mut Diagnostics) -> Program {
    let mut compiler = Compiler { resolver, diags, program: Program::default() };
    let (nodes, _) = compiler.block(block, 0);
    Program { nodes, ..compiler.program }
}

struct Compiler<'a> {
    resolver: &'a mut dyn Resolver,
    diags: &'a mut Diagnostics,
    program: Program,
}

impl Compiler<'_> {
    /// The nodes of a block, and whether no message gets past it.
    fn block(&mut self, statements: &[Stmt], depth: usize) -> (Block, bool) {
        let mut nodes = Block::new();
        let mut ended = false;
        let mut warned = false;
        if let (Some(first), true) = (statements.first(), depth > SCRIPT_DEPTH_MAX) {
            let text = format!("blocks nested deeper than {SCRIPT_DEPTH_MAX}");
            self.diags.push(Diagnostic::error(first.loc, text));
            return (nodes, false);
        }
        for statement in statements {
            if ended && !warned && does_something(&statement.kind) {
                let text = "this can never run: every message stops before it";
                self.diags.push(Diagnostic::warning(statement.loc, text));
                warned = true;
            }
            // Compiled even where it cannot run, so that its mistakes are found.
            let before = self.diags.all.len();
            let (node, ends) = self.statement(statement, depth);
            self.diags.name_term(before, page(&statement.kind));
            if !ended {
                nodes.extend(node.map(|node| Placed { loc: statement.loc, node }));
                ended = ends;
            }
        }
        (nodes, ended)
    }

    /// The node of a statement, if it has one, and whether no message gets past it.
    fn statement(&mut self, statement: &Stmt, depth: usize) -> (Option<Node>, bool) {
        match &statement.kind {
            StmtKind::Object(object) if self.resolver.is_modifier(object) => {
                (self.resolver.modifier(object, self.diags).map(Node::Modify), false)
            }
            StmtKind::Object(object) if object.kind == ObjectKind::Action => {
                (self.resolver.action(object, self.diags).map(Node::Action), false)
            }
            StmtKind::Object(_) | StmtKind::Continue => (None, false),
            StmtKind::Stop => (Some(Node::Stop), true),
            StmtKind::Call(name) => (self.call(name), false),
            StmtKind::CallIndirect(target) => (self.indirect(target), false),
            StmtKind::If { .. } => self.choice(statement, depth),
            StmtKind::PriFilter { filter, then, .. } => {
                self.filter(fold::of_mask(*filter), statement.loc, then, depth)
            }
            StmtKind::PropertyFilter { filter, then } => {
                self.property_filter(filter, statement.loc, then, depth)
            }
            StmtKind::Set { variable, value, reset } => {
                let name = if *reset { "reset" } else { "set" };
                let target = self.validator().target(name, variable);
                let right = self.validator().expression(value) && target;
                (right.then(|| self.change(variable, *reset, Some(value))).flatten(), false)
            }
            StmtKind::Unset(variable) => {
                let right = self.validator().target("unset", variable);
                (right.then(|| self.change(variable, true, None)).flatten(), false)
            }
            StmtKind::Foreach { variable, collection, body } => {
                (self.foreach(variable, collection, body, depth), false)
            }
            StmtKind::ReloadLookupTable { table, stub } => {
                (self.reload(table, stub.as_ref()), false)
            }
        }
    }

    fn property_filter(
        &mut self,
        filter: &PropertyFilter,
        loc: Loc,
        then: &[Stmt],
        depth: usize,
    ) -> (Option<Node>, bool) {
        let test = match self.validator().filter(filter) {
            true => property_filter(filter, loc, self.diags),
            false => Err(Reported),
        };
        match test {
            Ok(test) => self.filter(test, loc, then, depth),
            Err(Reported) => {
                self.left_out(loc);
                self.unused(then, depth);
                (None, false)
            }
        }
    }

    fn foreach(
        &mut self,
        variable: &Word,
        collection: &ast::Expr,
        body: &[Stmt],
        depth: usize,
    ) -> Option<Node> {
        let right = self.validator().iterator(variable, collection);
        let each = right.then(|| self.each(variable, collection)).flatten();
        let Some(each) = each else {
            self.unused(body, depth);
            return None;
        };
        let (body, _) = self.block(body, depth + 1);
        Some(Node::Foreach { each: Arc::new(each), body })
    }

    fn reload(&mut self, table: &Word, stub: Option<&ast::Expr>) -> Option<Node> {
        let mut right = self.validator().reload(table);
        if let Some(stub) = stub {
            right &= self.validator().expression(stub);
        }
        if !right {
            return None;
        }
        let table = self.resolver.lookup_table(&table.text)?;
        let mut lowering = Lowering { resolver: self.resolver, diags: self.diags };
        let stub = stub.map(|stub| lowering.value_of(stub)).transpose().ok()?;
        Some(Node::Reload(Arc::new(Reload { table, stub })))
    }

    /// `set`, `reset` and `unset`.
    fn change(
        &mut self,
        variable: &Word,
        replaces: bool,
        value: Option<&ast::Expr>,
    ) -> Option<Node> {
        let path = variable.text.trim_start_matches('$');
        let variable = Arc::new(Variable::parse(path.as_bytes())?);
        let mut lowering = Lowering { resolver: self.resolver, diags: self.diags };
        let value = match value.map(|value| lowering.value_of(value)) {
            Some(Ok(value)) => Some(value),
            Some(Err(Reported)) => return None,
            None => None,
        };
        Some(Node::Change(Arc::new(Change { variable, replaces, value })))
    }

    /// What `foreach` goes over; nothing if no variable is to be filled: rsyslogd takes such a
    /// loop, and it does nothing.
    fn each(&mut self, variable: &Word, collection: &ast::Expr) -> Option<Each> {
        let path = variable.text.trim_start_matches('$');
        let variable = Arc::new(Variable::parse(path.as_bytes())?);
        let mut lowering = Lowering { resolver: self.resolver, diags: self.diags };
        let collection = lowering.value_of(collection).ok()?;
        Some(Each { variable, collection })
    }

    fn indirect(&mut self, target: &ast::Expr) -> Option<Node> {
        if !self.validator().indirect(target) {
            return None;
        }
        let mut lowering = Lowering { resolver: self.resolver, diags: self.diags };
        let target = lowering.value_of(target).ok()?;
        Some(Node::Indirect(Arc::new(target)))
    }

    const fn validator(&mut self) -> Validator<'_> {
        Validator { resolver: self.resolver, diags: self.diags }
    }

    /// Compiles a block that does not run, so that its mistakes are found.
    fn unused(&mut self, block: &[Stmt], depth: usize) {
        let actions = self.resolver.actions();
        let calls = self.program.calls.len();
        let predicates = self.program.predicates.len();
        self.block(block, depth + 1);
        self.resolver.forget_actions(actions);
        self.program.calls.truncate(calls);
        self.program.predicates.truncate(predicates);
    }

    fn filter(
        &mut self,
        test: Test,
        loc: Loc,
        then: &[Stmt],
        depth: usize,
    ) -> (Option<Node>, bool) {
        let (then, ends) = self.block(then, depth + 1);
        let always = matches!(test, Test::Const(true));
        let test = hoist(test, &mut self.program.predicates);
        let arms = vec![Arm { loc, test, then }];
        (Some(Node::Choice { arms, otherwise: Block::new() }), always && ends)
    }

    /// An `if`. A chain of `else if` is walked, not nested: generated ones are thousands long.
    fn choice(&mut self, statement: &Stmt, depth: usize) -> (Option<Node>, bool) {
        let mut arms = Vec::new();
        let mut ends = true;
        let mut rest = std::slice::from_ref(statement);
        let otherwise = loop {
            let [Stmt { kind: StmtKind::If { cond, then, otherwise }, .. }] = rest else {
                let (block, block_ends) = self.block(rest, depth + 1);
                ends &= block_ends;
                break block;
            };
            match self.condition(cond) {
                Ok(test) => {
                    let (then, then_ends) = self.block(then, depth + 1);
                    ends &= then_ends || matches!(test, Test::Const(false));
                    let test = hoist(test, &mut self.program.predicates);
                    arms.push(Arm { loc: cond.loc, test, then });
                }
                Err(Reported) => {
                    self.left_out(cond.loc);
                    self.unused(then, depth);
                    self.rest_unused(otherwise, depth);
                    ends = false;
                    break Block::new();
                }
            }
            rest = otherwise;
        };
        if arms.is_empty() && otherwise.is_empty() {
            return (None, false);
        }
        (Some(Node::Choice { arms, otherwise }), ends)
    }

    fn condition(&mut self, cond: &ast::Expr) -> Result<Test, Reported> {
        if !self.validator().expression(cond) {
            return Err(Reported);
        }
        let mut lowering = Lowering { resolver: self.resolver, diags: self.diags };
        lowering.condition(cond)
    }

    /// The branches behind one that is left out.
    fn rest_unused(&mut self, mut rest: &[Stmt], depth: usize) {
        while let [Stmt { kind: StmtKind::If { cond, then, otherwise }, .. }] = rest {
            self.validator().expression(cond);
            self.unused(then, depth);
            rest = otherwise;
        }
        self.unused(rest, depth);
    }

    /// Says what follows from a condition that was complained of.
    fn left_out(&mut self, loc: Loc) {
        let text = "because of this condition the statement is left out, with all its branches";
        self.diags.push(Diagnostic::note(loc, text));
    }

    fn call(&mut self, name: &Word) -> Option<Node> {
        match self.resolver.ruleset(&name.text) {
            Some((ruleset, queued)) => {
                let at = self.program.calls.len();
                let word = name.clone();
                self.program.calls.push(CallSite { ruleset, word, queued, cut: false });
                Some(if queued { Node::Enqueue(at) } else { Node::Call(at) })
            }
            None => {
                let text = format!("there is no ruleset '{}'", name.text);
                let mut d = Diagnostic::error(name.loc, text);
                let names = self.resolver.ruleset_names();
                if let Some(near) = nearest(&name.text, names.iter().map(String::as_str)) {
                    d = d.help(format!("did you mean '{near}'?"));
                }
                self.diags.push(d);
                None
            }
        }
    }
}

/// Where rsyslog's documentation describes what may be wrong with a statement.
const fn page(kind: &StmtKind) -> &'static str {
    match kind {
        StmtKind::Object(object) => manual::object(object.kind),
        StmtKind::If { .. } => manual::EXPRESSIONS,
        StmtKind::PriFilter { .. } | StmtKind::PropertyFilter { .. } => manual::FILTERS,
        StmtKind::Call(_) => manual::CALL,
        StmtKind::CallIndirect(_) => manual::CALL_INDIRECT,
        StmtKind::Set { .. } | StmtKind::Unset(_) => manual::VARIABLES,
        StmtKind::ReloadLookupTable { .. } => manual::LOOKUP_TABLES,
        StmtKind::Foreach { .. } | StmtKind::Stop | StmtKind::Continue => manual::CONTROL,
    }
}

/// Whether a statement would do anything when it runs.
const fn does_something(kind: &StmtKind) -> bool {
    match kind {
        StmtKind::Object(object) => matches!(object.kind, ObjectKind::Action),
        // A `~` or `stop` too many is common, and harmless.
        StmtKind::Stop | StmtKind::Continue => false,
        _ => true,
    }
}

fn property_filter(
    filter: &PropertyFilter,
    loc: Loc,
    diags: &mut Diagnostics,
) -> Result<Test, Reported> {
    let name = filter.property.text.as_str();
    let mut subject = expression::property(name, filter.property.loc, diags)?;
    let value: Box<[u8]> = filter.value.as_slice().into();
    let other = |operator| Pattern::of(operator, vec![value.clone()]);
    if let Some(syntax) = filter_syntax(filter.operation) {
        let regex = Expression::new(&value, syntax, false);
        let test = match regex {
            Ok(regex) => {
                let pattern = Pattern::Regex(regex);
                fold::leaf(Leaf::Match { subject, pattern })
            }
            Err(fault) => {
                bad_filter_regex(&fault, filter_value(filter, loc), filter.negated, diags)?
            }
        };
        return Ok(if filter.negated { fold::not(test) } else { test });
    }
    let pattern = match filter.operation {
        FilterOperation::Contains => other(TextOperator::Contains),
        FilterOperation::ContainsI => other(TextOperator::ContainsI),
        FilterOperation::StartsWith => other(TextOperator::StartsWith),
        // rsyslogd's filter of that name is not its operator, which ends with the shorter text.
        FilterOperation::StartsWithI => {
            subject = Expr::Lowercase(Box::new(subject));
            Pattern::of(TextOperator::StartsWith, vec![value.to_ascii_lowercase().into()])
        }
        FilterOperation::EndsWith => other(TextOperator::EndsWith),
        FilterOperation::IsEqual => Pattern::Equal([value].into()),
        FilterOperation::IsEmpty => Pattern::Equal([Box::default()].into()),
        FilterOperation::Regex | FilterOperation::Ereregex => return Err(Reported),
    };
    let test = fold::leaf(Leaf::Match { subject, pattern });
    Ok(if filter.negated { fold::not(test) } else { test })
}

/// rsyslogd finds out at the first message, says so, and takes it that nothing matches.
fn bad_filter_regex(
    fault: &Fault,
    loc: Loc,
    negated: bool,
    diags: &mut Diagnostics,
) -> Result<Test, Reported> {
    if fault.ours {
        diags.push(Diagnostic::error(loc, format!("bad regular expression: {}", fault.why)));
        return Err(Reported);
    }
    let what = if negated { "every message passes" } else { "no message passes" };
    let text = format!("bad regular expression ({}): {what}", fault.why);
    diags.push(Diagnostic::warning(loc, text).term("configuration/filters"));
    Ok(Test::Const(false))
}
