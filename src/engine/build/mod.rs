//! A configuration becomes a plan: parameters checked, templates and rules compiled, names
//! resolved. Nothing is opened here, so that a check and a start see the same errors.

mod inputs;
mod resolver;

pub(super) use crate::engine::build::inputs::InputPlan;

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::diag::Severity;
use crate::base::diag::SourceMap;
use crate::base::diag::nearest;
use crate::base::num::len32;
use crate::config::Config;
use crate::config::ast::Block;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::ast::Stmt;
use crate::config::ast::StmtKind;
use crate::config::manual;
use crate::config::param;
use crate::config::param::Params;
use crate::engine::defaults::DefaultsInOrder;
use crate::engine::definitions::Definitions;
use crate::engine::globals::Given;
use crate::engine::globals::Globals;
use crate::engine::limits;
use crate::engine::limits::Limits;
use crate::engine::modules;
use crate::engine::modules::Modules;
use crate::engine::objects;
use crate::engine::parsers::HEADERLESS_TEMPLATE;
use crate::engine::parsers::Parsers;
use crate::engine::queues::QueuePlan;
use crate::engine::queues::QueuePlans;
use crate::engine::rulesets::DEFAULT_RULESET;
use crate::engine::rulesets::Rulesets;
use crate::engine::statistics::Counted;
use crate::engine::statistics::Statistics;
use crate::input::impstats;
use crate::input::impstats::ImpstatsSpec;
use crate::input::mark;
use crate::lookup::Tables;
use crate::modifier::sequence::Counters;
use crate::output;
use crate::output::OutputSpec;
use crate::queue;
use crate::queue::Settings;
use crate::rules;
use crate::rules::ActionId;
use crate::rules::Definition;
use crate::rules::Named;
use crate::rules::Program;
use crate::rules::Programs;
use crate::rules::RulesetId;
use crate::template;
use crate::template::Template;
use crate::template::Templates;

/// What the command line says about a configuration.
#[derive(Clone, Debug)]
pub struct Options {
    /// The system's host name, possibly with its domain.
    pub hostname: String,
    /// `-x`
    pub no_dns: bool,
    /// `-4` alone leaves IPv6 out, `-6` alone IPv4.
    pub ipv4: bool,
    pub ipv6: bool,
}

/// An action, ready to be opened.
#[derive(Debug)]
pub(super) struct ActionPlan {
    pub(super) name: String,
    /// What reports call it.
    pub(super) reported: String,
    /// `queue.type` asks for a queue of its own.
    pub(super) queued: bool,
    pub(super) spec: OutputSpec,
    pub(super) template: Option<Arc<Template>>,
    pub(super) file_name: Option<Arc<Template>>,
    pub(super) queue: QueuePlan,
    /// The next one, which takes over when this one is suspended.
    pub(super) fallback: Option<ActionId>,
}

/// A compiled configuration.
#[derive(Debug)]
pub struct Plan {
    pub globals: Globals,
    pub(super) hostname: Arc<str>,
    pub(super) local_domain: Option<String>,
    pub(super) programs: Programs,
    pub(super) default_ruleset: RulesetId,
    pub(super) ruleset_names: BTreeMap<RulesetId, String>,
    pub(super) actions: Vec<ActionPlan>,
    pub(super) inputs: Vec<InputPlan>,
    /// The `ratelimit()` objects, by name.
    pub(super) limits: Limits,
    pub(super) reports: Reports,
    pub(super) tables: Tables,
    /// Of mmsequence.
    pub(super) counters: Counters,
}

/// What is counted besides, and reported.
#[derive(Debug)]
pub(super) struct Reports {
    pub(super) counted: Vec<Counted>,
    /// impstats, and its ruleset.
    pub(super) impstats: Option<(ImpstatsSpec, RulesetId)>,
    /// Modules in the order in which they were loaded.
    pub(super) modules: Vec<String>,
}

impl Plan {
    /// Whether anything would be written at all.
    #[must_use]
    pub const fn acts(&self) -> bool {
        !self.actions.is_empty()
    }
}

/// Compiles `config`; what is wrong with it is added to its diagnostics. Always gives a plan: what
/// can run, runs (rsyslog's rule), and the caller decides.
pub fn compile(config: &mut Config, options: &Options) -> Plan {
    let mut diags = std::mem::take(&mut config.diagnostics);
    let read = diags.all.len();
    let definitions = Definitions::collect(config);
    let mut builder = Builder { definitions, ..Builder::default() };
    builder.declare(&config.statements, &mut diags);
    if options.no_dns {
        builder.globals.dns = false;
    }
    if options.ipv4 != options.ipv6 {
        (builder.globals.ipv4, builder.globals.ipv6) = (options.ipv4, options.ipv6);
    }
    let (message_bytes, family) = (builder.globals.message_bytes_max, builder.globals.family());
    builder.outputs.everywhere(|defaults| {
        (defaults.message_bytes, defaults.family) = (message_bytes, family);
    });
    let programs = builder.rules(&config.statements, &mut diags);
    let default_ruleset = builder.default_ruleset;
    builder.reads_variables = programs.read_message_tree() || builder.actions_read_message_tree();
    let inputs = builder.inputs(&config.statements, &mut diags);
    let impstats = builder.impstats(&mut diags);
    builder.closing_checks(config, &mut diags);
    forget_what_follows(&config.flawed, read, &mut diags);
    config.diagnostics = diags;
    let (hostname, local_domain) = host_names(&builder.globals, &options.hostname);
    Plan {
        globals: builder.globals,
        hostname,
        local_domain,
        programs,
        default_ruleset,
        ruleset_names: builder.rulesets.into_names(),
        actions: builder.actions,
        inputs,
        limits: builder.limits,
        reports: Reports {
            counted: builder.statistics.in_order(&builder.action_places, &config.sources),
            impstats,
            modules: builder.modules.in_order(&config.sources),
        },
        tables: builder.tables,
        counters: builder.counters,
    }
}

/// Drops complaints made behind the first `read` about objects that could not be read whole: those
/// have been complained of, and what they lack is no news.
fn forget_what_follows(flawed: &[Loc], read: usize, diags: &mut Diagnostics) {
    let within = |outer: &Loc, loc: Loc| {
        outer.file == loc.file && outer.start <= loc.start && loc.end <= outer.end
    };
    let mut number = 0;
    diags.all.retain(|diagnostic| {
        number += 1;
        number <= read || !flawed.iter().any(|outer| within(outer, diagnostic.loc))
    });
}

/// `$myhostname` and the domain that is cut from other names (rsyslog: `preserveFQDN`).
fn host_names(globals: &Globals, system: &str) -> (Arc<str>, Option<String>) {
    let full = globals.local_hostname.as_deref().unwrap_or(system);
    if globals.preserve_fqdn || globals.local_hostname.is_some() {
        return (full.into(), None);
    }
    match full.split_once('.') {
        Some((host, domain)) => (host.into(), Some(domain.to_owned())),
        None => (full.into(), None),
    }
}

#[derive(Debug, Default)]
struct Builder {
    globals: Globals,
    modules: Modules,
    outputs: DefaultsInOrder,
    templates: Templates,
    rulesets: Rulesets,
    default_ruleset: RulesetId,
    actions: Vec<ActionPlan>,
    /// Where each of them stands.
    action_places: Vec<Loc>,
    /// Whether there was any action, right or wrong, built or not.
    acts: bool,
    queues: queue::params::Names,
    queue_plans: QueuePlans,
    /// Something reads `$!`.
    reads_variables: bool,
    /// The modules of the `input()` objects.
    input_kinds: Vec<String>,
    /// Of mmsequence.
    counters: Counters,
    parsers: Parsers,
    /// What inputs are bound to instead of a ruleset: rules that lead to it.
    entries: HashMap<RulesetId, RulesetId>,
    definitions: Definitions,
    /// `previous_action_suspended()` is called somewhere.
    watches: bool,
    statistics: Statistics,
    /// The `ratelimit()` objects, by name.
    limits: Limits,
    tables: Tables,
}

fn objects(block: &Block, kind: ObjectKind) -> impl Iterator<Item = &Object> {
    block.iter().filter_map(move |stmt| match &stmt.kind {
        StmtKind::Object(object) if object.kind == kind => Some(object),
        _ => None,
    })
}

impl Builder {
    /// Whether an action writes anything of `$!`, or chooses a file by it.
    fn actions_read_message_tree(&self) -> bool {
        let templates = self.actions.iter().flat_map(|of| of.template.iter().chain(&of.file_name));
        templates.into_iter().any(|template| template.reads_message_tree())
    }

    /// Everything that may be named before it stands: globals, modules, templates, rulesets.
    fn declare(&mut self, block: &Block, diags: &mut Diagnostics) {
        let mut given = Given::default();
        for object in objects(block, ObjectKind::Global) {
            on_its_page(object, diags, |diags| self.globals.read(object, &mut given, diags));
        }
        for object in objects(block, ObjectKind::Module) {
            on_its_page(object, diags, |diags| {
                if self.modules.may_load(object, diags) && !self.outputs.apply(object, diags) {
                    self.modules.load(object, diags);
                }
            });
        }
        for object in objects(block, ObjectKind::Template) {
            on_its_page(object, diags, |diags| self.template_object(object, diags));
        }
        self.queue_plans.main =
            modules::check_main_queue(objects(block, ObjectKind::MainQueue), diags);
        for object in objects(block, ObjectKind::MainQueue) {
            self.queues.check(object, diags);
        }
        self.tables = objects::check(block, &mut self.statistics, diags);
        self.statistics.number_actions(block);
        for object in objects(block, ObjectKind::Ratelimit) {
            on_its_page(object, diags, |diags| {
                limits::add(object, &self.templates, &mut self.limits, diags);
            });
        }
        let sanitise = &self.globals.parse.sanitise;
        self.parsers = Parsers::collect(block, &self.modules, sanitise, diags);
        let listed = std::mem::take(&mut self.globals.parsers);
        self.parsers.list(RulesetId(0), &listed, &self.definitions, diags);
        for (i, object) in objects(block, ObjectKind::Ruleset).enumerate() {
            let id = RulesetId(len32(i + 1));
            on_its_page(object, diags, |diags| {
                self.ruleset_object(id, object, diags);
            });
        }
    }

    fn ruleset_object(&mut self, id: RulesetId, object: &Object, diags: &mut Diagnostics) {
        let params = param::check(object, &[modules::RULESET_PARAMS, queue::params::PARAMS], diags);
        let Some(name) = params.str("name") else { return };
        let loc = params.loc("parser");
        let asked: Vec<_> =
            params.list("parser").into_iter().map(|name| (name.to_owned(), loc)).collect();
        self.parsers.list(id, &asked, &self.definitions, diags);
        let queued = params.has("queue.type");
        self.queue_plans.rulesets.insert(id, Settings::compile(&params, false, diags));
        if !self.rulesets.add(name, id, queued) {
            let text = if name.eq_ignore_ascii_case(DEFAULT_RULESET) {
                format!("ruleset '{name}' is there already: what stands in no ruleset")
            } else {
                format!("ruleset '{name}' is defined twice")
            };
            diags.push(Diagnostic::error(params.loc("name"), text).help("rename one of them"));
            return;
        }
        self.queues.check(object, diags);
    }

    /// Programs by ruleset: 0 is what stands in no ruleset.
    fn rules(&mut self, block: &Block, diags: &mut Diagnostics) -> Programs {
        let main: Block = block.iter().filter(|s| is_rule(s)).cloned().collect();
        let mut programs = vec![rules::compile(&main, self, diags)];
        for object in objects(block, ObjectKind::Ruleset) {
            self.queue_plans.here = RulesetId(len32(programs.len()));
            programs.push(rules::compile(&object.script, self, diags));
        }
        self.default_ruleset = self.default_ruleset_id(diags);
        self.entries(&mut programs, diags);
        Programs::link(programs, diags)
            .with_case(self.globals.case)
            .with_names(self.rulesets.by_name())
            .with_watch(self.watches)
            .with_epoch(self.tables.epoch().clone())
    }

    /// Adds the rules by which rulesets are entered that do not take messages without a header.
    fn entries(&mut self, programs: &mut Vec<Program>, diags: &mut Diagnostics) {
        for (ruleset, route) in self.parsers.headerless() {
            let Some(name) = self.rulesets.name(ruleset) else { continue };
            if let Some(to) = &route.ruleset
                && self.rulesets.get(&to.text).is_none()
            {
                let complaint = self.no_ruleset(&to.text, to.loc);
                let message = format!("ruleset '{}' not found: they stay in '{name}'", to.text);
                diags.push(Diagnostic { message, ..complaint });
                continue;
            }
            if route.writes() && self.templates.get(HEADERLESS_TEMPLATE.0).is_none() {
                let (name, text) = HEADERLESS_TEMPLATE;
                let options = template::Options::default();
                let made = Template::from_string(name, text, &options, Loc::default(), diags);
                made.map(|template| self.templates.add(template));
            }
            let entry = RulesetId(len32(programs.len()));
            programs.push(rules::compile(&route.rules(&name), self, diags));
            self.rulesets.add_entry(&name, entry);
            self.entries.insert(ruleset, entry);
        }
    }

    /// `$DefaultRuleset`; the main script if it is not given.
    fn default_ruleset_id(&self, diags: &mut Diagnostics) -> RulesetId {
        let Some((name, loc)) = &self.globals.default_ruleset else { return RulesetId(0) };
        if let Some((id, _)) = self.rulesets.get(name) {
            return id;
        }
        diags.push(Diagnostic { severity: Severity::Warning, ..self.no_ruleset(name, *loc) });
        RulesetId(0)
    }

    /// impstats, if it is loaded and can do what was asked for.
    fn impstats(&self, diags: &mut Diagnostics) -> Option<(ImpstatsSpec, RulesetId)> {
        if !self.modules.is_loaded(impstats::NAME) {
            return None;
        }
        let params = self.modules.params(impstats::NAME);
        let before = diags.all.len();
        let spec = ImpstatsSpec::compile(params, diags);
        let ruleset = self.bound_ruleset(params, diags);
        diags.name_term(before, &manual::module(impstats::NAME));
        spec.map(|spec| (spec, ruleset))
    }

    /// What rsyslogd looks at when everything is read.
    fn closing_checks(&self, config: &Config, diags: &mut Diagnostics) {
        self.modules.check_listeners(self.globals.has_work_directory, diags);
        // That an action is wrong has been said already, or that nothing could be read.
        let unread = config.statements.is_empty() && diags.has_errors();
        if !self.acts && !unread && !discards(&config.statements, &config.sources) {
            let text = "there are no active actions configured: nothing would be written";
            let help = "add an action, for example: action(type=\"omfile\" file=\"/var/log/all\")";
            diags.push(Diagnostic::error(Loc::default(), text).help(help).term(manual::ACTIONS));
        }
    }

    fn action_object(&mut self, object: &Object, diags: &mut Diagnostics) -> Option<ActionId> {
        let kind = modules::type_of(object, diags)?;
        if !output::MODULES.iter().any(|module| module.name == kind) {
            let errors = diags.errors();
            self.modules.check_action(&kind, object, &self.definitions, diags);
            // What does not run needs its template all the same.
            if let (Some((name, _)), true) = (object.text("template"), diags.errors() == errors) {
                self.template(&name, object, "template", diags);
            }
            return None;
        }
        if !self.modules.may_act(&kind, object, &self.definitions, diags) {
            return None;
        }
        let defaults = self.outputs.at(object.loc, self.definitions.sources());
        let mut spec = OutputSpec::compile(object, defaults, diags)?;
        let marks = self.modules.params(mark::NAME);
        let loaded = self.modules.is_loaded(mark::NAME);
        spec.marks_every(mark::interval(marks).filter(|_| loaded));
        let template = match spec.template() {
            Some(name) => Some(self.template(name, object, "template", diags)?),
            None => None,
        };
        let template = match (template, &spec) {
            (Some(template), OutputSpec::Journal(_)) => Some(fields(&template, object, diags)?),
            (template, _) => template,
        };
        let file_name = match spec.dyna_file() {
            Some(name) => Some(self.template(name, object, "dynaFile", diags)?),
            None => None,
        };
        if let (OutputSpec::File(file), Some(template)) = (&mut spec, &file_name) {
            file.confine(template.leading_text());
        }
        let id = ActionId(len32(self.actions.len()));
        let name = spec.common().name.clone().unwrap_or_else(|| format!("{kind}-{}", id.0));
        let reported =
            self.statistics.action_name(object, spec.common().name.as_deref(), spec.module());
        let direct = |(kind, _): (String, Loc)| kind.eq_ignore_ascii_case("direct");
        let queued = object.text("queue.type").is_some_and(|kind| !direct(kind));
        self.action_places.push(object.loc);
        let folder = self.globals.work_directory.as_deref();
        let queue = self.queue_plans.of(&spec, folder, object, diags);
        if spec.common().gate.after_failure
            && let Some(before) = self.actions.last_mut()
        {
            before.fallback = Some(id);
        }
        self.actions.push(ActionPlan {
            name,
            reported,
            queued,
            spec,
            template,
            file_name,
            queue,
            fallback: None,
        });
        Some(id)
    }

    fn bound_ruleset(&self, params: &Params, diags: &mut Diagnostics) -> RulesetId {
        match params.str("ruleset") {
            Some(name) => self.ruleset_or(name, params.loc("ruleset"), self.default_ruleset, diags),
            None => self.default_ruleset,
        }
    }

    /// The ruleset `name`; rsyslog falls back to the default one if there is none, and says so.
    fn ruleset_or(
        &self,
        name: &str,
        loc: Loc,
        otherwise: RulesetId,
        diags: &mut Diagnostics,
    ) -> RulesetId {
        if let Some((id, _)) = self.rulesets.get(name) {
            return id;
        }
        diags.push(self.no_ruleset(name, loc));
        otherwise
    }

    fn no_ruleset(&self, name: &str, loc: Loc) -> Diagnostic {
        let text = format!("ruleset '{name}' not found: the default ruleset is used");
        let complaint = Diagnostic::error(loc, text);
        match nearest(name, self.rulesets.names()) {
            Some(near) => complaint.help(format!("did you mean '{near}'?")),
            None => complaint,
        }
    }

    fn template_object(&mut self, object: &Object, diags: &mut Diagnostics) {
        let Some(template) = Template::compile(object, diags) else { return };
        let name = template.name.clone();
        if !self.templates.add(template) {
            let text = format!("template '{name}' is defined twice: the first one counts");
            diags.push(Diagnostic::warning(object.loc, text).help("rename or remove this one"));
        }
    }

    /// The template that an action names by `param`. It must have been defined by then.
    fn template(
        &self,
        name: &str,
        action: &Object,
        param: &str,
        diags: &mut Diagnostics,
    ) -> Option<Arc<Template>> {
        let loc = place(action, param);
        let defined = self.definitions.find(Named::Template, name, action.loc);
        if defined == Definition::Behind {
            let text = format!("template '{name}' is defined behind it: the action is left out");
            diags.push(Diagnostic::error(loc, text).help("move the template before the action"));
            return None;
        }
        let found = self.templates.get(name).cloned();
        if found.is_none() {
            let text = format!("template '{name}' not found: the action is left out");
            let mut d = Diagnostic::error(loc, text);
            if let Some(near) = self.templates.nearest(name) {
                d = d.help(format!("did you mean '{near}'?"));
            }
            diags.push(d);
        }
        found
    }
}

/// What makes fields of a message, for an output that sends such.
fn fields(template: &Template, action: &Object, diags: &mut Diagnostics) -> Option<Arc<Template>> {
    let entry = template.as_entry();
    if entry.is_none() {
        let text = format!("template '{}' has no part with a name to send", template.name);
        let help = "take a list template: property(name=\"msg\" outname=\"MESSAGE\")";
        diags.push(Diagnostic::error(place(action, "template"), text).help(help));
    }
    entry.map(Arc::new)
}

/// Does something with `object`; what is complained of names the page that describes it, and the
/// parameter at whose place it is.
fn on_its_page<T>(
    object: &Object,
    diags: &mut Diagnostics,
    act: impl FnOnce(&mut Diagnostics) -> T,
) -> T {
    let before = diags.all.len();
    let result = act(diags);
    if diags.all.len() > before {
        let page = modules::page(object);
        for diagnostic in diags.without_term(before) {
            let param = object.param_at(diagnostic.loc);
            let named = param.map(|param| manual::parameter(&page, &param.name.text));
            diagnostic.term = Some(named.unwrap_or_else(|| page.clone()));
        }
    }
    result
}

fn is_rule(stmt: &Stmt) -> bool {
    match &stmt.kind {
        StmtKind::Object(object) => object.kind == ObjectKind::Action,
        _ => true,
    }
}

/// Whether a `~` is in `block`, which counts as an action where `stop` does not.
fn discards(block: &Block, sources: &SourceMap) -> bool {
    let any = |block: &Block| discards(block, sources);
    block.iter().any(|stmt| match &stmt.kind {
        StmtKind::Stop => {
            let text = sources.file(stmt.loc.file).map(|file| &file.text);
            text.and_then(|text| text.get(stmt.loc.start as usize)) == Some(&b'~')
        }
        StmtKind::If { then, otherwise, .. } => any(then) || any(otherwise),
        StmtKind::PriFilter { then, .. } | StmtKind::PropertyFilter { then, .. } => any(then),
        StmtKind::Foreach { body, .. } => any(body),
        StmtKind::Object(object) => any(&object.script),
        _ => false,
    })
}

/// Where the value of `object`'s parameter stands.
fn place(object: &Object, name: &str) -> Loc {
    object.param(name).map_or(object.loc, |param| param.value_loc)
}
