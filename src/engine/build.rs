//! A configuration becomes a plan: parameters checked, templates and rules compiled, names
//! resolved. Nothing is opened here, so that a check and a start see the same errors.

use std::collections::HashMap;
use std::sync::Arc;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::diag::nearest;
use crate::base::num::len32;
use crate::config::Config;
use crate::config::ast::Block;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::ast::Stmt;
use crate::config::ast::StmtKind;
use crate::config::param;
use crate::config::param::Params;
use crate::config::selector;
use crate::engine::globals::Globals;
use crate::engine::modules;
use crate::engine::modules::InputKind;
use crate::engine::modules::Modules;
use crate::input::tcp::TcpSpec;
use crate::input::udp::UdpSpec;
use crate::message::PriMask;
use crate::output;
use crate::output::Defaults;
use crate::output::OutputSpec;
use crate::parse;
use crate::parse::ParseSettings;
use crate::queue;
use crate::rules;
use crate::rules::ActionId;
use crate::rules::Programs;
use crate::rules::Resolver;
use crate::rules::RulesetId;
use crate::template::Template;
use crate::template::Templates;

/// rsyslog's name of the ruleset that holds what stands in none.
const DEFAULT_RULESET: &str = "RSYSLOG_DefaultRuleset";

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
    pub(super) spec: OutputSpec,
    pub(super) template: Option<Arc<Template>>,
    pub(super) file_name: Option<Arc<Template>>,
}

/// An input, ready to be opened.
#[derive(Debug)]
pub(super) enum InputPlan {
    Tcp { spec: Box<TcpSpec>, ruleset: RulesetId, parse: ParseSettings },
    Udp { spec: Box<UdpSpec>, ruleset: RulesetId, parse: ParseSettings },
}

/// A compiled configuration.
#[derive(Debug)]
pub struct Plan {
    pub globals: Globals,
    pub(super) hostname: Arc<str>,
    pub(super) local_domain: Option<String>,
    pub(super) programs: Programs,
    pub(super) default_ruleset: RulesetId,
    pub(super) actions: Vec<ActionPlan>,
    pub(super) inputs: Vec<InputPlan>,
}

/// Compiles `config`; what is wrong with it is added to its diagnostics. Always gives a plan: what
/// can run, runs (rsyslog's rule), and the caller decides.
pub fn compile(config: &mut Config, options: &Options) -> Plan {
    let mut diags = std::mem::take(&mut config.diagnostics);
    let mut builder = Builder::default();
    builder.declare(&config.statements, &mut diags);
    if options.no_dns {
        builder.globals.dns = false;
    }
    if options.ipv4 != options.ipv6 {
        (builder.globals.ipv4, builder.globals.ipv6) = (options.ipv4, options.ipv6);
    }
    builder.outputs.message_bytes = builder.globals.message_bytes_max;
    builder.outputs.family = builder.globals.family();
    let programs = builder.rules(&config.statements, &mut diags);
    let default_ruleset = builder.default_ruleset;
    let inputs = builder.inputs(&config.statements, &mut diags);
    if builder.actions.is_empty() && !diags.has_errors() {
        let text = "there are no active actions configured: nothing would be written";
        let help = "add an action, for example: action(type=\"omfile\" file=\"/var/log/all\")";
        diags.push(Diagnostic::error(Loc::default(), text).help(help));
    }
    config.diagnostics = diags;
    let (hostname, local_domain) = host_names(&builder.globals, &options.hostname);
    Plan {
        globals: builder.globals,
        hostname,
        local_domain,
        programs,
        default_ruleset,
        actions: builder.actions,
        inputs,
    }
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
    outputs: Defaults,
    templates: Templates,
    /// By name; the flag says that it has a queue of its own.
    rulesets: HashMap<String, (RulesetId, bool)>,
    default_ruleset: RulesetId,
    actions: Vec<ActionPlan>,
}

fn objects(block: &Block, kind: ObjectKind) -> impl Iterator<Item = &Object> {
    block.iter().filter_map(move |stmt| match &stmt.kind {
        StmtKind::Object(object) if object.kind == kind => Some(object),
        _ => None,
    })
}

impl Builder {
    /// Everything that may be named before it stands: globals, modules, templates, rulesets.
    fn declare(&mut self, block: &Block, diags: &mut Diagnostics) {
        for object in objects(block, ObjectKind::Global) {
            self.globals.read(object, diags);
        }
        for object in objects(block, ObjectKind::Module) {
            if !self.outputs.apply(object, diags) {
                self.modules.load(object, diags);
            }
        }
        for object in objects(block, ObjectKind::Template) {
            self.template_object(object, diags);
        }
        for object in objects(block, ObjectKind::MainQueue) {
            modules::check_queue(object, diags);
        }
        self.rulesets.insert(DEFAULT_RULESET.to_owned(), (RulesetId(0), false));
        for (i, object) in objects(block, ObjectKind::Ruleset).enumerate() {
            let params =
                param::check(object, &[modules::RULESET_PARAMS, queue::params::PARAMS], diags);
            let Some(name) = params.str("name") else {
                let complaint = Diagnostic::error(object.loc, "a ruleset needs a name");
                params.missing(&["name"], complaint, diags);
                continue;
            };
            if self.rulesets.contains_key(name) && name != DEFAULT_RULESET {
                let text = format!("ruleset '{name}' is defined twice");
                diags.push(Diagnostic::error(params.loc("name"), text).help("rename one of them"));
                continue;
            }
            let id = RulesetId(len32(i + 1));
            let queued = params.has("queue.type");
            self.rulesets.insert(name.to_owned(), (id, queued));
        }
        for kind in [
            ObjectKind::LookupTable,
            ObjectKind::DynStats,
            ObjectKind::PerctileStats,
            ObjectKind::Parser,
            ObjectKind::Ratelimit,
            ObjectKind::Timezone,
        ] {
            for object in objects(block, kind) {
                modules::check_unbuilt(object, diags);
            }
        }
    }

    /// Programs by ruleset: 0 is what stands in no ruleset.
    fn rules(&mut self, block: &Block, diags: &mut Diagnostics) -> Programs {
        let main: Block = block.iter().filter(|s| is_rule(s)).cloned().collect();
        let mut programs = vec![rules::compile(&main, self, diags)];
        for object in objects(block, ObjectKind::Ruleset) {
            programs.push(rules::compile(&object.script, self, diags));
        }
        self.default_ruleset = self.default_ruleset_id(diags);
        Programs::link(programs, diags)
    }

    /// `$DefaultRuleset`; the main script if it is not given.
    fn default_ruleset_id(&self, diags: &mut Diagnostics) -> RulesetId {
        let Some((name, loc)) = &self.globals.default_ruleset else { return RulesetId(0) };
        self.ruleset_or(name, *loc, RulesetId(0), diags)
    }

    fn inputs(&mut self, block: &Block, diags: &mut Diagnostics) -> Vec<InputPlan> {
        let mut inputs = Vec::new();
        for object in objects(block, ObjectKind::Input) {
            if let Some(input) = self.input(object, diags) {
                inputs.push(input);
            }
        }
        inputs
    }

    fn input(&self, object: &Object, diags: &mut Diagnostics) -> Option<InputPlan> {
        let kind = modules::type_of(object, diags)?;
        let kind = self.modules.input(&kind, object, diags)?;
        let params = kind.check(object, diags);
        let module = self.modules.params(kind.name());
        let ruleset = self.bound_ruleset(&params, diags);
        let mut parse = self.globals.parse;
        parse.hostname_in_header = true;
        parse.message_bytes_max = self.globals.message_bytes_max;
        parse.default_zone = default_tz(&params, module, diags);
        let plan = match kind {
            InputKind::Udp => {
                let spec = Box::new(UdpSpec::compile(module, &params));
                InputPlan::Udp { spec, ruleset, parse }
            }
            InputKind::Tcp | InputKind::PlainTcp => {
                let max = self.globals.message_bytes_max;
                let spec = TcpSpec::compile(kind.name(), module, &params, max, diags)?;
                InputPlan::Tcp { spec: Box::new(spec), ruleset, parse }
            }
        };
        // What was refused has been complained of; without it the input would be another one.
        (!params.refused && !module.refused).then_some(plan)
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
            return *id;
        }
        let text = format!("ruleset '{name}' not found: the default ruleset is used");
        let mut d = Diagnostic::error(loc, text);
        if let Some(near) = nearest(name, self.rulesets.keys().map(String::as_str)) {
            d = d.help(format!("did you mean '{near}'?"));
        }
        diags.push(d);
        otherwise
    }

    fn template_object(&mut self, object: &Object, diags: &mut Diagnostics) {
        let before = diags.all.len();
        let Some(template) = Template::compile(object, diags) else {
            let new = diags.all.get(before..).unwrap_or_default();
            let unbuilt = new.iter().any(|d| d.unbuilt);
            if let (true, Some((name, _))) = (unbuilt, object.text("name")) {
                self.templates.add_unbuilt(&name);
            }
            return;
        };
        let name = template.name.clone();
        if !self.templates.add(template) {
            let text = format!("template '{name}' is defined twice: the first one counts");
            diags.push(Diagnostic::warning(object.loc, text).help("rename or remove this one"));
        }
    }

    fn template(&self, name: &str, loc: Loc, diags: &mut Diagnostics) -> Option<Arc<Template>> {
        let found = self.templates.get(name).cloned();
        if found.is_none() && self.templates.is_unbuilt(name) {
            let text = format!("the action is left out: template '{name}' is not built yet");
            diags.push(Diagnostic::unbuilt(loc, text));
            return None;
        }
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

fn is_rule(stmt: &Stmt) -> bool {
    match &stmt.kind {
        StmtKind::Object(object) => object.kind == ObjectKind::Action,
        _ => true,
    }
}

fn default_tz(
    params: &Params,
    module: &Params,
    diags: &mut Diagnostics,
) -> Option<crate::message::Offset> {
    let at = if params.has("defaultTZ") { params } else { module };
    let text = at.str("defaultTZ")?;
    let offset = parse::zone_text(text);
    if offset.is_none() {
        let text = format!("defaultTZ '{text}' is no zone");
        let d =
            Diagnostic::error(at.loc("defaultTZ"), text).help("write it as +09:00, -05:30 or Z");
        diags.push(d);
    }
    offset
}

/// Where the value of `object`'s parameter stands.
fn place(object: &Object, name: &str) -> Loc {
    object.param(name).map_or(object.loc, |param| param.value_loc)
}

impl Resolver for Builder {
    fn action(&mut self, object: &Object, diags: &mut Diagnostics) -> Option<ActionId> {
        let kind = modules::type_of(object, diags)?;
        if !output::MODULES.iter().any(|module| module.name == kind) {
            self.modules.check_action(&kind, object, diags);
            return None;
        }
        let spec = OutputSpec::compile(object, &self.outputs, diags)?;
        let template = match spec.template() {
            Some(name) => Some(self.template(name, place(object, "template"), diags)?),
            None => None,
        };
        let file_name = match spec.dyna_file() {
            Some(name) => Some(self.template(name, place(object, "dynaFile"), diags)?),
            None => None,
        };
        let id = ActionId(len32(self.actions.len()));
        let name = spec.common().name.clone().unwrap_or_else(|| format!("{kind}-{}", id.0));
        self.actions.push(ActionPlan { name, spec, template, file_name });
        Some(id)
    }

    fn ruleset(&self, name: &str) -> Option<(RulesetId, bool)> {
        self.rulesets.get(name).copied()
    }

    fn ruleset_names(&self) -> Vec<String> {
        self.rulesets.keys().cloned().collect()
    }

    fn selector(&self, text: &str, loc: Loc, diags: &mut Diagnostics) -> Option<PriMask> {
        let (mask, error) = selector::parse(text);
        let Some(error) = error else { return Some(mask) };
        let mut d = Diagnostic::error(loc, error.message);
        d.help = error.help;
        diags.push(d);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Family;

    /// A longer message than the default must not be cut on its way out, wherever `global()` is.
    #[test]
    fn outputs_know_the_global_settings() {
        let text = b"action(type=\"omfwd\" target=\"h\")\nglobal(maxMessageSize=\"64k\")\n";
        let mut config = crate::config::parse_text("test", text);
        let options =
            Options { hostname: "host.example".to_owned(), no_dns: false, ipv4: true, ipv6: false };
        let plan = compile(&mut config, &options);
        assert!(!config.diagnostics.has_errors());
        let OutputSpec::Forward(forward) = &plan.actions[0].spec else { panic!("no forward") };
        assert_eq!(forward.framing.max_bytes, 64 << 10);
        assert_eq!(forward.dial.family, Family::V4);
        assert_eq!(&*plan.hostname, "host");
    }

    /// An input that cannot do what was asked for is none: not plain instead of TLS.
    #[test]
    fn inputs_with_refused_parameters_are_left_out() {
        let options =
            Options { hostname: "host".to_owned(), no_dns: false, ipv4: true, ipv6: true };
        for (left_out, text) in [
            (false, "module(load=\"imtcp\")\ninput(type=\"imtcp\" port=\"1\")"),
            (
                true,
                "module(load=\"imtcp\" streamDriver.mode=\"1\")\ninput(type=\"imtcp\" port=\"1\")",
            ),
            (true, "module(load=\"imtcp\")\ninput(type=\"imtcp\" port=\"1\" permittedPeer=\"a\")"),
            (true, "module(load=\"imptcp\")\ninput(type=\"imptcp\" path=\"/run/s\")"),
            (true, "module(load=\"imudp\")\ninput(type=\"imudp\" name=\"x\")"),
        ] {
            let text = format!("{text}\naction(type=\"omfile\" file=\"/dev/null\")\n");
            let mut config = crate::config::parse_text("test", text.as_bytes());
            let plan = compile(&mut config, &options);
            assert_eq!(plan.inputs.is_empty(), left_out, "{text}");
            assert_eq!(config.diagnostics.all.is_empty(), !left_out, "{text}");
        }
    }
}
