//! Objects: members in libfastjson's order.

use bstr::BString;

use crate::message::json::Case;
use crate::message::json::Value;

/// Members by name. A new member takes the place of the first one that was removed, as in
/// libfastjson, or else the last place. A copy has no such places (rsyslog). Objects are small: names are compared one after the other.
#[derive(Debug, Default)]
pub struct Object {
    /// `None`: a member that was removed.
    slots: Vec<Option<(BString, Value)>>,
    removed: usize,
}

impl Object {
    /// Members that are there.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.slots.len() - self.removed
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn iter(&self) -> impl Iterator<Item = (&BString, &Value)> {
        self.slots.iter().flatten().map(|(name, value)| (name, value))
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.slots.iter_mut().flatten().map(|(_, value)| value)
    }

    #[must_use]
    pub fn get(&self, name: &[u8], case: Case) -> Option<&Value> {
        self.iter().find(|(known, _)| case.same(known, name)).map(|(_, value)| value)
    }

    pub fn get_mut(&mut self, name: &[u8], case: Case) -> Option<&mut Value> {
        let mut members = self.slots.iter_mut().flatten();
        members.find(|(known, _)| case.same(known, name)).map(|(_, value)| value)
    }

    /// Sets a member: one that is there keeps its place and its name's letters.
    pub fn set(&mut self, name: &[u8], value: Value, case: Case) {
        if let Some(old) = self.get_mut(name, case) {
            *old = value;
            return;
        }
        let member = Some((BString::from(name), value));
        match self.slots.iter_mut().find(|slot| slot.is_none()).filter(|_| self.removed > 0) {
            Some(slot) => {
                *slot = member;
                self.removed -= 1;
            }
            None => self.slots.push(member),
        }
    }

    /// Adds a member at the end whose name no other has: many are added in linear time.
    pub fn push(&mut self, name: &[u8], value: Value) {
        self.slots.push(Some((name.into(), value)));
    }

    /// Removes a member, and gives it.
    pub fn remove(&mut self, name: &[u8], case: Case) -> Option<Value> {
        let named = |slot: &&mut Option<(BString, Value)>| {
            slot.as_ref().is_some_and(|(known, _)| case.same(known, name))
        };
        let member = self.slots.iter_mut().find(named)?.take();
        self.removed += 1;
        member.map(|(_, value)| value)
    }
}

impl Clone for Object {
    fn clone(&self) -> Self {
        let there = self.slots.iter().filter(|slot| slot.is_some());
        Self { slots: there.cloned().collect(), removed: 0 }
    }
}

impl PartialEq for Object {
    /// The same members in the same order; where others were removed does not matter.
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Object {}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(object: &Object) -> String {
        object.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_new_member_takes_the_first_free_place() {
        let mut object = Object::default();
        for name in ["a", "b", "c"] {
            object.set(name.as_bytes(), Value::Null, Case::Insensitive);
        }
        object.remove(b"b", Case::Insensitive).unwrap();
        object.remove(b"a", Case::Insensitive).unwrap();
        assert_eq!((names(&object).as_str(), object.len()), ("c", 1));
        for name in ["x", "y", "z"] {
            object.set(name.as_bytes(), Value::Null, Case::Insensitive);
        }
        assert_eq!(names(&object), "x y c z");
        assert!(object.remove(b"a", Case::Insensitive).is_none());
    }

    #[test]
    fn the_first_letters_of_a_name_stay() {
        let mut object = Object::default();
        object.set(b"A", Value::Int(1), Case::Insensitive);
        object.set(b"a", Value::Int(2), Case::Insensitive);
        assert_eq!(
            (names(&object).as_str(), object.get(b"a", Case::Insensitive)),
            ("A", Some(&Value::Int(2)))
        );
        object.set(b"a", Value::Int(3), Case::Sensitive);
        assert_eq!(names(&object), "A a");
        assert_eq!(object.get(b"A", Case::Sensitive), Some(&Value::Int(2)));
    }
}
