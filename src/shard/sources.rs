//! The senders that a shard knows, and what was decided for each.

use std::cell::Cell;
use std::cell::RefCell;
use std::collections::HashMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use crate::base::limits::SOURCES_MAX;
use crate::message::Source;
use crate::rules::Residual;
use crate::rules::RulesetId;

/// A sender with its hoisted rules, by ruleset and input.
#[derive(Debug)]
pub struct Entry {
    pub source: Arc<Source>,
    /// Set while the sender goes by its address because its name is not known yet: how many
    /// answers the resolver had given when that was last looked at.
    pub unnamed_at: Cell<Option<u64>>,
    routes: RefCell<Vec<(RulesetId, usize, Residual)>>,
    /// The shard's epoch that they were made in.
    routes_of: Cell<u64>,
}

impl Entry {
    /// Of programs of this machine, which go by its name `fromhost`. The shard does not know it.
    #[must_use]
    pub fn local(fromhost: &str) -> Self {
        Self::new(Arc::new(Source::new(None, Some(fromhost))))
    }

    fn new(source: Arc<Source>) -> Self {
        Self {
            source,
            unnamed_at: Cell::new(None),
            routes: RefCell::new(Vec::new()),
            routes_of: Cell::new(0),
        }
    }

    /// Whether the sender goes by its address and the resolver, which has given `answers` answers
    /// by now, may know more.
    #[must_use]
    pub fn may_get_name(&self, answers: u64) -> bool {
        self.unnamed_at.get().is_some_and(|at| at != answers)
    }

    /// The hoisted rules of `ruleset` for messages that come through input `input`; those of
    /// another `epoch` are forgotten.
    pub(super) fn route(
        &self,
        epoch: u64,
        ruleset: RulesetId,
        input: usize,
        make: impl FnOnce(&Source) -> Residual,
    ) -> Residual {
        let known = |(r, i, residual): &(RulesetId, usize, Residual)| {
            (*r == ruleset && *i == input).then(|| residual.clone())
        };
        if self.routes_of.replace(epoch) != epoch {
            self.routes.borrow_mut().clear();
        }
        if let Some(found) = self.routes.borrow().iter().find_map(known) {
            return found;
        }
        let made = make(&self.source);
        self.routes.borrow_mut().push((ruleset, input, made.clone()));
        made
    }
}

/// Senders by address, bounded: when the table is full, the half that was seen least recently is
/// forgotten (only the memory of it: it is made again when it speaks).
#[derive(Debug, Default)]
pub(super) struct Sources {
    entries: HashMap<IpAddr, (Rc<Entry>, u64)>,
    turn: u64,
}

impl Sources {
    pub(super) fn get(&mut self, ip: IpAddr) -> Option<Rc<Entry>> {
        self.turn += 1;
        let turn = self.turn;
        self.entries.get_mut(&ip).map(|(entry, seen)| {
            *seen = turn;
            entry.clone()
        })
    }

    /// The entry of `ip`, made if there is none, replaced if `fromhost` is a name that it did not
    /// have. Two connections of one sender may ask for its name at a time: both get one entry.
    pub(super) fn put(&mut self, ip: IpAddr, fromhost: Option<&str>) -> Rc<Entry> {
        let source = match (self.get(ip), fromhost) {
            (None, _) => Source::new(Some(ip), fromhost),
            (Some(known), Some(name)) if *known.source.fromhost != *name => {
                known.source.named(name)
            }
            (Some(known), _) => {
                if fromhost.is_some() {
                    known.unnamed_at.set(None);
                }
                return known;
            }
        };
        if self.entries.len() >= SOURCES_MAX {
            self.forget_half();
        }
        let source = Arc::new(source);
        let entry = Rc::new(Entry::new(source));
        self.turn += 1;
        self.entries.insert(ip, (entry.clone(), self.turn));
        entry
    }

    fn forget_half(&mut self) {
        let mut turns: Vec<u64> = self.entries.values().map(|(_, seen)| *seen).collect();
        let middle = turns.len() / 2;
        let (_, cut, _) = turns.select_nth_unstable(middle);
        let cut = *cut;
        self.entries.retain(|_, (_, seen)| *seen >= cut);
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Source>> {
        self.entries.values().map(|(entry, _)| &entry.source)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn the_table_is_bounded_and_keeps_the_recent() {
        let mut sources = Sources::default();
        let ip = |n: u32| IpAddr::V4(Ipv4Addr::from_bits(n));
        let put = |sources: &mut Sources, n| {
            sources.put(ip(n), None);
        };
        for n in 0..u32::try_from(SOURCES_MAX).unwrap() {
            put(&mut sources, n);
        }
        assert!(sources.get(ip(0)).is_some());
        put(&mut sources, u32::MAX);
        assert!(sources.all().count() <= SOURCES_MAX / 2 + 1);
        assert!(sources.get(ip(0)).is_some(), "just seen, so kept");
        assert!(sources.get(ip(1)).is_none(), "oldest, so forgotten");
    }

    #[test]
    fn a_name_that_comes_late_keeps_the_count() {
        let mut sources = Sources::default();
        let ip = IpAddr::from([192, 0, 2, 1]);
        let first = sources.put(ip, None);
        assert!(Rc::ptr_eq(&first, &sources.put(ip, None)));
        first.source.count(&[1, 2, 0, 0, 0, 0]);
        let named = sources.put(ip, Some("web-01"));
        assert_eq!(&*named.source.fromhost, "web-01");
        named.source.count(&[1, 0, 0, 0, 0, 0]);
        first.source.count(&[1, 0, 0, 0, 0, 0]);
        assert_eq!(named.source.received[0].load(std::sync::atomic::Ordering::Relaxed), 3);
        assert!(Rc::ptr_eq(&named, &sources.put(ip, Some("web-01"))));
    }
}
