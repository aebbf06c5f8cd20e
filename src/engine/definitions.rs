//! What expressions may name, and where it was defined: rsyslogd looks such names up as it reads,
//! so an object counts only for what stands behind it.

use std::collections::HashMap;

use crate::base::diag::Loc;
use crate::base::diag::SourceMap;
use crate::config::Config;
use crate::config::ast::ObjectKind;
use crate::config::ast::StmtKind;
use crate::config::module::short_name;
use crate::rules::Definition;
use crate::rules::Named;
use crate::template::Templates;

/// Templates, tables, buckets and modules by name.
#[derive(Debug, Default)]
pub(super) struct Definitions {
    sources: SourceMap,
    /// Where each was defined first; `None` is built in.
    known: HashMap<(Named, String), Option<Loc>>,
}

impl Definitions {
    pub(super) fn collect(config: &Config) -> Self {
        let mut found = Self { sources: config.sources.clone(), known: HashMap::new() };
        for name in Templates::new().names() {
            found.known.insert((Named::Template, name.to_owned()), None);
        }
        for statement in &config.statements {
            let StmtKind::Object(object) = &statement.kind else { continue };
            let (named, param) = match object.kind {
                ObjectKind::Template => (Named::Template, "name"),
                ObjectKind::LookupTable => (Named::LookupTable, "name"),
                ObjectKind::DynStats => (Named::DynStats, "name"),
                ObjectKind::PerctileStats => (Named::PercentileStats, "name"),
                ObjectKind::Module => (Named::Module, "load"),
                _ => continue,
            };
            let Some((name, _)) = object.text(param) else { continue };
            let name = match named {
                Named::Module => short_name(&name).to_ascii_lowercase(),
                _ => name,
            };
            found.known.entry((named, name)).or_insert(Some(object.loc));
        }
        found
    }

    pub(super) const fn sources(&self) -> &SourceMap {
        &self.sources
    }

    /// Whether `name` is defined, seen from `at`.
    pub(super) fn find(&self, named: Named, name: &str, at: Loc) -> Definition {
        match self.known.get(&(named, name.to_owned())) {
            None => Definition::None,
            Some(Some(loc)) if !self.sources.precedes(*loc, at) => Definition::Behind,
            Some(_) => Definition::Before,
        }
    }

    /// Whether the module is loaded somewhere.
    pub(super) fn has_module(&self, name: &str) -> bool {
        self.known.contains_key(&(Named::Module, name.to_owned()))
    }

    /// Whether what stands at `first` is read before what stands at `then`.
    pub(super) fn precedes(&self, first: Loc, then: Loc) -> bool {
        self.sources.precedes(first, then)
    }

    pub(super) fn names(&self, wanted: Named) -> Vec<String> {
        let mut names: Vec<String> = self
            .known
            .keys()
            .filter(|(named, _)| *named == wanted)
            .map(|(_, name)| name.clone())
            .collect();
        names.sort_unstable();
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse_text;

    #[test]
    fn what_stands_behind_does_not_count_yet() {
        let text = b"dyn_stats(name=\"early\")\nstop\nmodule(load=\"/x/fmhash.so\")\n";
        let config = parse_text("t", text);
        let found = Definitions::collect(&config);
        let place = config.statements[1].loc;
        assert_eq!(found.find(Named::DynStats, "early", place), Definition::Before);
        assert_eq!(found.find(Named::Module, "fmhash", place), Definition::Behind);
        assert_eq!(found.find(Named::DynStats, "late", place), Definition::None);
        assert_eq!(found.find(Named::Template, "RSYSLOG_FileFormat", place), Definition::Before);
        assert_eq!(found.names(Named::Module), ["fmhash"]);
    }
}
