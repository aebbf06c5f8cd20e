//! Objects: members in libfastjson's order.

use bstr::BString;

use crate::message::json::Case;
use crate::message::json::Value;
use crate::message::json::until_nul;

/// Members of an object that is [retired](Object::retire) at most: more are freed.
const RETIRED_MAX: usize = 16;
/// How deep the objects in it are kept as well.
const RETIRED_DEPTH: usize = 1;
/// Bytes of a text that are kept for the next one at most.
const RETIRED_BYTES_MAX: usize = 1024;

/// Members by name. A new member takes the place of the first one that was removed, as in
/// libfastjson, or else the last place. A copy has no such places (rsyslog). Objects are small:
/// names are compared one after the other.
#[derive(Debug, Default)]
pub struct Object {
    /// `None`: a member that was removed. Behind the first `used` nobody is a member: what stands
    /// there was one of an object that was retired, and lends its memory to the next.
    slots: Vec<Option<(BString, Value)>>,
    used: u32,
    removed: u32,
}

impl Object {
    /// Members that are there.
    #[must_use]
    pub const fn len(&self) -> usize {
        (self.used - self.removed) as usize
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn iter(&self) -> impl Iterator<Item = (&BString, &Value)> {
        self.members().iter().flatten().map(|(name, value)| (name, value))
    }

    fn members(&self) -> &[Option<(BString, Value)>] {
        self.slots.get(..self.used as usize).unwrap_or_default()
    }

    fn members_mut(&mut self) -> &mut [Option<(BString, Value)>] {
        self.slots.get_mut(..self.used as usize).unwrap_or_default()
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.members_mut().iter_mut().flatten().map(|(_, value)| value)
    }

    #[must_use]
    pub fn get(&self, name: &[u8], case: Case) -> Option<&Value> {
        self.iter().find(|(known, _)| case.same(known, name)).map(|(_, value)| value)
    }

    pub fn get_mut(&mut self, name: &[u8], case: Case) -> Option<&mut Value> {
        let mut members = self.members_mut().iter_mut().flatten();
        members.find(|(known, _)| case.same(known, name)).map(|(_, value)| value)
    }

    /// Sets a member: one that is there keeps its place and its name's letters.
    pub fn set(&mut self, name: &[u8], value: Value, case: Case) {
        *self.place(name, case) = value;
    }

    /// Sets a member to a text, up to its first NUL, in the memory of what was there; whether it
    /// was set: one that is an object stays.
    pub fn set_text(&mut self, name: &[u8], text: &[u8], case: Case) -> bool {
        match self.place(name, case) {
            Value::Object(_) => return false,
            Value::Str(old) => {
                old.clear();
                old.extend_from_slice(until_nul(text));
            }
            other => *other = Value::text(text),
        }
        true
    }

    /// Where the member of that name is, or is to be.
    fn place(&mut self, name: &[u8], case: Case) -> &mut Value {
        let of_name = |slot: &Option<(BString, Value)>| {
            slot.as_ref().is_some_and(|(known, _)| case.same(known, name))
        };
        let known = self.members().iter().position(of_name);
        let at = known.unwrap_or_else(|| {
            let free = self.members().iter().position(Option::is_none);
            match free.filter(|_| self.removed > 0) {
                Some(free) => {
                    self.slots[free] = Some((name.into(), Value::Null));
                    self.removed -= 1;
                    free
                }
                None => self.append(name),
            }
        });
        let (_, value) = self.slots[at].get_or_insert_with(|| (name.into(), Value::Null));
        value
    }

    /// Makes a member of that name the last one, and says where it is. Its value is any text, or
    /// none.
    fn append(&mut self, name: &[u8]) -> usize {
        let at = self.append_any(name);
        if let Some(Some((_, value @ Value::Object(_)))) = self.slots.get_mut(at) {
            *value = Value::Null;
        }
        at
    }

    /// The same; its value may be an object that was retired as well.
    fn append_any(&mut self, name: &[u8]) -> usize {
        let at = self.used as usize;
        self.used += 1;
        match self.slots.get_mut(at) {
            Some(Some((old, _))) => {
                if *old != name {
                    old.clear();
                    old.extend_from_slice(name);
                }
            }
            Some(slot) => *slot = Some((name.into(), Value::Null)),
            None => self.slots.push(Some((name.into(), Value::Null))),
        }
        at
    }

    /// Adds a member at the end whose name no other has: many are added in linear time.
    pub fn push(&mut self, name: &[u8], value: Value) {
        let at = self.append(name);
        if let Some((_, place)) = &mut self.slots[at] {
            *place = value;
        }
    }

    /// Removes a member, and gives it.
    pub fn remove(&mut self, name: &[u8], case: Case) -> Option<Value> {
        let named = |slot: &&mut Option<(BString, Value)>| {
            slot.as_ref().is_some_and(|(known, _)| case.same(known, name))
        };
        let member = self.members_mut().iter_mut().find(named)?.take();
        self.removed += 1;
        member.map(|(_, value)| value)
    }

    /// Makes it a copy of `of`, in the memory of what was there.
    pub fn assume(&mut self, of: &Self) {
        self.retire();
        for (name, value) in of.iter() {
            let at = self.append_any(name);
            match (&mut self.slots[at], value) {
                (Some((_, Value::Object(old))), Value::Object(of)) => old.assume(of),
                (Some((_, Value::Str(old))), Value::Str(text)) => {
                    old.clear();
                    old.extend_from_slice(text);
                }
                (Some((_, old)), value) => *old = value.clone(),
                (None, _) => {}
            }
        }
    }

    /// Makes it an object without members whose memory the next ones use. For many objects that
    /// have the same members one after the other, as the variables of messages.
    pub fn retire(&mut self) {
        self.retire_to(RETIRED_DEPTH);
    }

    fn retire_to(&mut self, depth: usize) {
        self.slots.truncate(RETIRED_MAX);
        for (name, value) in self.slots.iter_mut().flatten() {
            match value {
                Value::Str(text) if text.capacity() <= RETIRED_BYTES_MAX => {}
                Value::Object(object) if depth > 0 => object.retire_to(depth - 1),
                _ => *value = Value::Null,
            }
            if name.capacity() > RETIRED_BYTES_MAX {
                *name = BString::default();
            }
        }
        (self.used, self.removed) = (0, 0);
    }
}

impl Clone for Object {
    fn clone(&self) -> Self {
        let there = self.members().iter().filter(|slot| slot.is_some());
        let slots: Vec<_> = there.cloned().collect();
        Self { used: self.used - self.removed, removed: 0, slots }
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

    /// Whatever a retired object had been is not to be seen in the next one.
    #[test]
    fn a_retired_object_is_empty() {
        let mut used = Object::default();
        for round in 0_i64..50 {
            let mut fresh = Object::default();
            for n in 0..round % 20 {
                let name = format!("n{}", (n * round) % 23);
                for object in [&mut used, &mut fresh] {
                    match (n + round) % 4 {
                        0 => object.set(name.as_bytes(), Value::Int(n), Case::Insensitive),
                        1 => _ = object.set_text(name.as_bytes(), b"text\0lost", Case::Insensitive),
                        2 => _ = object.set_text(name.as_bytes(), b"", Case::Sensitive),
                        _ => _ = object.remove(b"n0", Case::Insensitive),
                    }
                }
            }
            assert_eq!((&used, used.len()), (&fresh, fresh.len()));
            assert_eq!(used.clone(), fresh);
            assert_eq!(used.get(b"n3", Case::Insensitive), fresh.get(b"n3", Case::Insensitive));
            used.retire();
            assert!(used.is_empty() && used == Object::default());
            assert!(used.get_mut(b"n3", Case::Insensitive).is_none());
        }
    }
}
