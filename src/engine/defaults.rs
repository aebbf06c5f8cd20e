//! What `module(load="builtin:…")` and `$ActionFileDefaultTemplate` set for actions. rsyslogd reads
//! from top to bottom, so that it holds for the actions behind it.

use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::diag::SourceMap;
use crate::config::ast::Object;
use crate::output::Defaults;

#[derive(Debug, Default)]
pub(super) struct DefaultsInOrder {
    last: Defaults,
    /// What held up to each object that changed it, in the order of reading.
    before: Vec<(Loc, Defaults)>,
}

impl DefaultsInOrder {
    /// Takes a `module()` of an output in; false if it is none ([`Defaults::apply`]).
    pub(super) fn apply(&mut self, object: &Object, diags: &mut Diagnostics) -> bool {
        let held = self.last.clone();
        let applied = self.last.apply(object, diags);
        if applied {
            self.before.push((object.loc, held));
        }
        applied
    }

    /// Sets what holds for all actions, wherever they stand.
    pub(super) fn everywhere(&mut self, set: impl Fn(&mut Defaults)) {
        self.before.iter_mut().for_each(|(_, defaults)| set(defaults));
        set(&mut self.last);
    }

    /// What holds for an action at `place`.
    pub(super) fn at(&self, place: Loc, sources: &SourceMap) -> &Defaults {
        let behind = self.before.partition_point(|(loc, _)| sources.precedes(*loc, place));
        self.before.get(behind).map_or(&self.last, |(_, defaults)| defaults)
    }
}
