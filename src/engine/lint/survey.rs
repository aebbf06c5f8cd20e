//! One walk through the syntax tree: what there is of each kind, so that no lint has to walk it
//! again.

use std::collections::HashMap;
use std::collections::HashSet;
use std::net::IpAddr;

use bstr::ByteSlice;

use crate::base::diag::Loc;
use crate::config::Config;
use crate::config::ast::Block;
use crate::config::ast::Expr;
use crate::config::ast::ExprKind;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::ast::PropertyFilter;
use crate::config::ast::Stmt;
use crate::config::ast::StmtKind;
use crate::config::ast::Value;
use crate::config::ast::Word;
use crate::config::module::short_name;
use crate::output;

/// What omfile writes with if nothing else is said.
const FILE_TEMPLATE: &str = output::file::DEFAULT_TEMPLATE;

/// An action, and what holds for it where it stands.
#[derive(Debug)]
pub(super) struct Action<'a> {
    pub(super) object: &'a Object,
    /// `omfwd`.
    pub(super) kind: String,
    /// Its template; of omfile also the default one at this place.
    pub(super) template: Option<String>,
    /// It stands in a ruleset with a queue of its own.
    pub(super) queued: bool,
}

/// What a configuration consists of.
#[derive(Debug)]
pub(super) struct Survey<'a> {
    pub(super) config: &'a Config,
    /// By short name, the first of each.
    pub(super) modules: HashMap<String, &'a Object>,
    pub(super) actions: Vec<Action<'a>>,
    pub(super) conditions: Vec<&'a Expr>,
    pub(super) filters: Vec<(&'a PropertyFilter, Loc)>,
    pub(super) calls: Vec<&'a Word>,
    /// There is a `call_indirect`, so that any ruleset may be called.
    pub(super) indirect: bool,
    /// `module(load="builtin:omfile" template=…)`, and how many actions stand before each.
    pub(super) file_templates: Vec<(&'a Object, usize)>,
    /// Whatever could name a template or ruleset: values of parameters and strings of scripts.
    pub(super) names: HashSet<&'a [u8]>,
    /// The template of omfile actions from here on.
    file_template: String,
    in_queued_ruleset: bool,
}

impl<'a> Survey<'a> {
    pub(super) fn of(config: &'a Config) -> Self {
        let mut survey = Self {
            config,
            modules: HashMap::new(),
            actions: Vec::new(),
            conditions: Vec::new(),
            filters: Vec::new(),
            calls: Vec::new(),
            indirect: false,
            file_templates: Vec::new(),
            names: HashSet::new(),
            file_template: FILE_TEMPLATE.to_owned(),
            in_queued_ruleset: false,
        };
        survey.block(&config.statements);
        survey
    }

    /// The objects of one kind at the top level.
    pub(super) fn objects(&self, kind: ObjectKind) -> impl Iterator<Item = &'a Object> + use<'a> {
        self.config.statements.iter().filter_map(move |stmt| match &stmt.kind {
            StmtKind::Object(object) if object.kind == kind => Some(object),
            _ => None,
        })
    }

    /// Inputs with their modules' names.
    pub(super) fn inputs(&self) -> impl Iterator<Item = (&'a Object, String)> + use<'a> {
        self.objects(ObjectKind::Input).map(|object| (object, type_of(object)))
    }

    /// A parameter of `global()`; the last one counts.
    pub(super) fn global(&self, name: &str) -> Option<(String, Loc)> {
        self.objects(ObjectKind::Global).filter_map(|object| object.text(name)).last()
    }

    /// Whatever has a queue: the main queue, rulesets, actions.
    pub(super) fn queues(&self) -> impl Iterator<Item = &'a Object> {
        let rulesets = self.objects(ObjectKind::Ruleset);
        let main = self.objects(ObjectKind::MainQueue);
        main.chain(rulesets).chain(self.actions.iter().map(|action| action.object))
    }

    /// The place of `needle` within the text at `loc`; all of it if it is not there.
    pub(super) fn within(&self, loc: Loc, needle: &str) -> Loc {
        let Some(file) = self.config.sources.file(loc.file) else { return loc };
        let text = file.text.get(loc.start as usize..loc.end as usize).unwrap_or_default();
        text.find(needle).map_or(loc, |at| {
            let start = loc.start as usize + at;
            Loc::new(loc.file, start, start + needle.len())
        })
    }

    /// The text at `loc`.
    pub(super) fn text_at(&self, loc: Loc) -> String {
        let file = self.config.sources.file(loc.file);
        let text = file.and_then(|file| file.text.get(loc.start as usize..loc.end as usize));
        text.unwrap_or_default().to_str_lossy().into_owned()
    }

    fn block(&mut self, block: &'a Block) {
        for statement in block {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &'a Stmt) {
        match &statement.kind {
            StmtKind::Object(object) => self.object(object),
            StmtKind::If { cond, then, otherwise } => {
                self.condition(cond);
                self.block(then);
                self.block(otherwise);
            }
            StmtKind::PriFilter { then, .. } => self.block(then),
            StmtKind::PropertyFilter { filter, then } => {
                self.filters.push((filter, statement.loc));
                self.block(then);
            }
            StmtKind::Call(name) => self.calls.push(name),
            StmtKind::CallIndirect(expr) => {
                self.indirect = true;
                self.strings(expr);
            }
            StmtKind::Set { value, .. } => self.condition(value),
            StmtKind::Foreach { collection, body, .. } => {
                self.strings(collection);
                self.block(body);
            }
            StmtKind::ReloadLookupTable { stub, .. } => {
                if let Some(stub) = stub {
                    self.strings(stub);
                }
            }
            StmtKind::Unset(_) | StmtKind::Stop | StmtKind::Continue => {}
        }
    }

    fn condition(&mut self, expr: &'a Expr) {
        self.conditions.push(expr);
        self.strings(expr);
    }

    /// Notes the strings of an expression: `exec_template("name")`.
    fn strings(&mut self, expr: &'a Expr) {
        walk(expr, &mut |expr| {
            if let ExprKind::Str(text) = &expr.kind {
                self.names.insert(text.as_slice());
            }
        });
    }

    fn object(&mut self, object: &'a Object) {
        let defines = matches!(object.kind, ObjectKind::Ruleset | ObjectKind::Template);
        for param in &object.params {
            match &param.value {
                Value::Str(_) if defines && param.name.text.eq_ignore_ascii_case("name") => {}
                Value::Str(text) => _ = self.names.insert(text.as_slice()),
                Value::Array(items) => self.names.extend(items.iter().map(|item| item.as_slice())),
            }
        }
        match object.kind {
            ObjectKind::Module => self.module(object),
            ObjectKind::Action => self.action(object),
            ObjectKind::Ruleset => {
                let queue = object.text("queue.type");
                self.in_queued_ruleset = queue.is_some_and(|(kind, _)| !is(&kind, "Direct"));
                self.block(&object.script);
                self.in_queued_ruleset = false;
            }
            _ => {}
        }
    }

    fn module(&mut self, object: &'a Object) {
        let Some((load, _)) = object.text("load") else { return };
        let name = short_name(&load).to_ascii_lowercase();
        if name == output::file::NAME
            && let Some((template, _)) = object.text("template")
        {
            self.file_template = template;
            self.file_templates.push((object, self.actions.len()));
        }
        self.modules.entry(name).or_insert(object);
    }

    fn action(&mut self, object: &'a Object) {
        let kind = type_of(object);
        let template = object.text("template").map(|(name, _)| name);
        let default = || (kind == output::file::NAME).then(|| self.file_template.clone());
        let template = template.or_else(default);
        let queued = self.in_queued_ruleset;
        self.actions.push(Action { object, kind, template, queued });
    }
}

/// Calls `f` with every expression in `expr`. A chain of operators leans to the left, and may be
/// longer than it would be good to nest calls.
pub(super) fn walk<'a>(expr: &'a Expr, f: &mut impl FnMut(&'a Expr)) {
    let mut open = vec![expr];
    while let Some(expr) = open.pop() {
        f(expr);
        match &expr.kind {
            ExprKind::Not(inner) | ExprKind::Negate(inner) => open.push(inner),
            ExprKind::Binary { left, right, .. } => open.extend([&**right, &**left]),
            ExprKind::Call { args, .. } => open.extend(args),
            ExprKind::Number(_) | ExprKind::Str(_) | ExprKind::Array(_) | ExprKind::Variable(_) => {
            }
        }
    }
}

/// The module of an input or action.
fn type_of(object: &Object) -> String {
    let kind = object.text("type").map(|(kind, _)| short_name(&kind).to_ascii_lowercase());
    kind.unwrap_or_default()
}

pub(super) const fn is(text: &str, word: &str) -> bool {
    text.eq_ignore_ascii_case(word)
}

/// Whether a switch is on.
pub(super) fn on(value: &str) -> bool {
    ["on", "yes", "true", "1"].iter().any(|word| is(value, word))
}

/// The first of several names that is given, in `object` or else in `module`.
pub(super) fn setting(
    object: &Object,
    module: Option<&Object>,
    names: &[&str],
) -> Option<(String, Loc)> {
    let given = |object: &Object| names.iter().find_map(|name| object.text(name));
    given(object).or_else(|| module.and_then(given))
}

/// Whether one of `names` is given, whatever its form.
pub(super) fn has(object: &Object, module: Option<&Object>, names: &[&str]) -> bool {
    let given = |object: &Object| names.iter().any(|name| object.param(name).is_some());
    given(object) || module.is_some_and(given)
}

/// All values of a parameter, one text or several.
pub(super) fn values(object: &Object, name: &str) -> Vec<String> {
    match object.param(name).map(|param| &param.value) {
        Some(Value::Str(text)) => vec![text.to_string()],
        Some(Value::Array(items)) => items.iter().map(ToString::to_string).collect(),
        None => Vec::new(),
    }
}

/// Whether an action sends to this host alone.
pub(super) fn stays_here(object: &Object) -> bool {
    let here = |target: &String| {
        is(target, "localhost") || target.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    };
    let targets = values(object, "target");
    !targets.is_empty() && targets.iter().all(here)
}
