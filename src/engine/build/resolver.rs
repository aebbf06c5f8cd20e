//! What rules ask of the rest of the configuration: its actions, rulesets, templates, tables.

use std::sync::Arc;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::num::len32;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::manual;
use crate::config::module::Module;
use crate::config::module::short_name;
use crate::config::selector;
use crate::engine::build::Builder;
use crate::engine::build::on_its_page;
use crate::input::impstats;
use crate::lookup::Handle;
use crate::message::PriMask;
use crate::modifier;
use crate::modifier::Modifier;
use crate::rules::ActionId;
use crate::rules::Definition;
use crate::rules::Named;
use crate::rules::Resolver;
use crate::rules::RulesetId;
use crate::telemetry::Bucket;
use crate::telemetry::Percentiles;
use crate::template::Template;

impl Resolver for Builder {
    fn action(&mut self, object: &Object, diags: &mut Diagnostics) -> Option<ActionId> {
        self.acts = true;
        on_its_page(object, diags, |diags| {
            self.queues.check(object, diags);
            self.action_object(object, diags)
        })
    }

    fn is_modifier(&self, object: &Object) -> bool {
        modifier_of(object).is_some()
    }

    fn modifier(&mut self, object: &Object, diags: &mut Diagnostics) -> Option<Arc<Modifier>> {
        let module = modifier_of(object)?;
        self.acts = true;
        on_its_page(object, diags, |diags| {
            self.queues.check(object, diags);
            let params = self.modules.modifier(module, object, &self.definitions, diags)?;
            Modifier::compile(module.name, &params, &mut self.counters, diags).map(Arc::new)
        })
    }

    fn ruleset(&self, name: &str) -> Option<(RulesetId, bool)> {
        self.rulesets.get(name)
    }

    fn ruleset_names(&self) -> Vec<String> {
        self.rulesets.names().map(str::to_owned).collect()
    }

    fn watch_actions(&mut self) {
        self.watches = true;
    }

    fn template(&self, name: &str) -> Option<Arc<Template>> {
        self.templates.get(name).cloned()
    }

    fn lookup_table(&self, name: &str) -> Option<Arc<Handle>> {
        self.tables.get(name).cloned()
    }

    fn reports_stats(&self) -> bool {
        self.definitions.has_module(impstats::NAME)
    }

    fn dyn_stats(&self, name: &str) -> Option<Arc<Bucket>> {
        self.statistics.bucket(name)
    }

    fn percentile_stats(&self, name: &str) -> Option<Arc<Percentiles>> {
        self.statistics.percentiles(name)
    }

    fn actions(&self) -> usize {
        self.actions.len()
    }

    fn forget_actions(&mut self, count: usize) {
        self.actions.truncate(count);
        self.action_places.truncate(count);
    }

    fn definition(&self, named: Named, name: &str, at: Loc) -> Definition {
        self.definitions.find(named, name, at)
    }

    fn defined(&self, named: Named) -> Vec<String> {
        self.definitions.names(named)
    }

    fn selector(&self, text: &str, loc: Loc, diags: &mut Diagnostics) -> Option<PriMask> {
        let (mask, error) = selector::parse(text);
        let Some(error) = error else { return Some(mask) };
        // Between its quotes, unless escapes or a joined line moved it.
        let exact = (loc.end - loc.start) as usize == text.len() + 2;
        let shift = |at: usize| loc.start + 1 + len32(at);
        let loc = match exact {
            true => Loc { start: shift(error.start), end: shift(error.end), ..loc },
            false => loc,
        };
        let mut d = Diagnostic::error(loc, error.message).term(manual::FILTERS);
        d.help = error.help;
        diags.push(d);
        None
    }
}

/// The module of an action that changes messages.
fn modifier_of(object: &Object) -> Option<&'static Module> {
    let (kind, _) = object.text("type").filter(|_| object.kind == ObjectKind::Action)?;
    let name = short_name(&kind).to_ascii_lowercase();
    modifier::MODULES.iter().copied().find(|module| module.name == name)
}
