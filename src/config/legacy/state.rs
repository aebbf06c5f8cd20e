//! What `$Directives` leave behind for the lines after them.

use bstr::BString;

use crate::base::diag::Loc;
use crate::config::Unbound;
use crate::config::ast::Param;
use crate::config::ast::Value;

/// A parameter that waits for an action or a listener.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    /// The module it is for (`omfile`, `omfwd:tcp`, `imudp`), or empty for any action.
    pub(super) module: &'static str,
    /// Gone after the next one.
    pub(super) once: bool,
    pub(super) param: Param,
}

/// `$outchannel name,file,size,command`
#[derive(Clone, Debug)]
pub(super) struct Channel {
    pub(super) name: String,
    /// `file`, `rotation.sizeLimit`, `rotation.sizeLimitCommand`.
    pub(super) params: Vec<Param>,
}

/// A module that is loaded, and the `module()` that `$ModLoad` became: its place at the top level.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    pub(super) name: String,
    pub(super) lowered: Option<usize>,
}

/// Scopes of the legacy language. Indices are places in the top-level block.
#[derive(Debug, Default)]
pub(in crate::config) struct State {
    pub(super) action: Vec<Pending>,
    pub(super) listener: Vec<Pending>,
    pub(super) channels: Vec<Channel>,
    pub(super) modules: Vec<Loaded>,
    pub(super) main_queue: Option<usize>,
    pub(super) rulesets: Vec<(BString, usize)>,
    /// The ruleset that `$RuleSet` chose; `None` is the default one.
    pub(in crate::config) ruleset: Option<usize>,
    /// Parameters for a next legacy action that did not get there.
    unbound: Vec<Unbound>,
}

impl State {
    /// Sets a parameter for later; an earlier value of the same is replaced.
    pub(super) fn wait(list: &mut Vec<Pending>, pending: Pending) {
        list.retain(|old| {
            old.module != pending.module || old.param.name.text != pending.param.name.text
        });
        list.push(pending);
    }

    /// An `action()` was made: it takes nothing from directives, but those for the next action
    /// alone are spent.
    pub(in crate::config) fn action_was_built(&mut self, action: Loc) {
        self.lose(Some(action));
        self.action.retain(|pending| !pending.once);
    }

    /// Notes that what waits for the next action alone never reaches one.
    fn lose(&mut self, spent: Option<Loc>) {
        let once = self.action.iter().filter(|pending| pending.once);
        let lost = once.map(|pending| Unbound { directive: pending.param.name.loc, spent });
        self.unbound.extend(lost);
    }

    /// What was said for a next action, and never reached one.
    pub(in crate::config) fn into_unbound(mut self) -> Vec<Unbound> {
        self.lose(None);
        self.unbound
    }

    /// Adds to a legacy action's `params` what was set for it before.
    pub(super) fn apply_to_action(&mut self, kind: &str, params: &mut Vec<Param>) {
        let protocol = |params: &[Param], wanted: &str| {
            params.iter().any(|p| p.name.text == "protocol" && p.value == Value::Str(wanted.into()))
        };
        for pending in &self.action {
            let fits = match pending.module.split_once(':') {
                Some((module, wanted)) => module == kind && protocol(params, wanted),
                None => pending.module.is_empty() || pending.module == kind,
            };
            let given = |p: &Param| p.name.text == pending.param.name.text;
            if fits && !params.iter().any(given) {
                params.push(pending.param.clone());
            }
        }
        self.action.retain(|pending| !pending.once);
    }

    /// What was set for the next listener of `module`.
    pub(super) fn take_for_listener(&mut self, module: &str) -> Vec<Param> {
        let mine = |pending: &&Pending| pending.module == module;
        let params = self.listener.iter().filter(mine).map(|p| p.param.clone()).collect();
        self.listener.retain(|pending| pending.module != module || !pending.once);
        params
    }

    /// `$ResetConfigVariables`: everything back to its default.
    pub(super) fn reset(&mut self) {
        self.lose(None);
        self.action.clear();
        self.listener.clear();
    }

    /// `module(load=…)` was read, in the object form.
    pub(in crate::config) fn module_was_loaded(&mut self, name: &str) {
        self.modules.push(Loaded { name: module_name(name), lowered: None });
    }
}

/// A module's name from how it may be written: with a path, with `.so`, in any letter case.
pub(super) fn module_name(written: &str) -> String {
    let name = written.rsplit('/').next().unwrap_or(written).to_ascii_lowercase();
    name.strip_suffix(".so").unwrap_or(&name).to_owned()
}
