//! Rulesets by name, letter case aside (rsyslog).

use std::collections::BTreeMap;

use crate::rules::RulesetId;
use crate::rules::RulesetNames;

/// rsyslog's name of the ruleset that holds what stands in none.
pub(super) const DEFAULT_RULESET: &str = "RSYSLOG_DefaultRuleset";

/// All rulesets of a configuration.
#[derive(Debug)]
pub(super) struct Rulesets {
    /// By name in lower case; the flag says that it has a queue of its own.
    by_name: RulesetNames,
    /// As they are written.
    names: BTreeMap<RulesetId, String>,
}

impl Default for Rulesets {
    /// With the default one.
    fn default() -> Self {
        let mut rulesets = Self { by_name: RulesetNames::new(), names: BTreeMap::new() };
        rulesets.add(DEFAULT_RULESET, RulesetId(0), false);
        rulesets
    }
}

impl Rulesets {
    /// False if there is one of that name.
    pub(super) fn add(&mut self, name: &str, id: RulesetId, queued: bool) -> bool {
        let key = name.to_ascii_lowercase();
        if self.by_name.contains_key(&key) {
            return false;
        }
        self.by_name.insert(key, (id, queued));
        self.names.insert(id, name.to_owned());
        true
    }

    /// The ruleset, and whether it has a queue.
    pub(super) fn get(&self, name: &str) -> Option<(RulesetId, bool)> {
        self.by_name.get(&name.to_ascii_lowercase()).copied()
    }

    /// Calls `entry`, which nobody can call by its name, by that of the ruleset that it leads to.
    pub(super) fn add_entry(&mut self, name: &str, entry: RulesetId) {
        self.names.insert(entry, name.to_owned());
    }

    /// As it is written.
    pub(super) fn name(&self, id: RulesetId) -> Option<String> {
        self.names.get(&id).cloned()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.values().map(String::as_str)
    }

    /// For `call_indirect`.
    pub(super) fn by_name(&self) -> RulesetNames {
        self.by_name.clone()
    }

    /// Names by id.
    pub(super) fn into_names(self) -> BTreeMap<RulesetId, String> {
        self.names
    }
}
