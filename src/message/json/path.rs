//! Paths of variables: `$!a!b[0]`, `$.x`, `$/counter`.

use std::fmt;

use bstr::BString;
use bstr::ByteSlice;

use crate::message::json::Case;
use crate::message::json::Object;
use crate::message::json::Value;

/// Why a change had no effect: where a member was to be, something else is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathError {
    /// A text, number … where an object is needed.
    NoObject,
    /// An object, which only another object may change.
    IsObject,
}

/// What stands behind `$!`, `$.` or `$/`; empty for the tree itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path {
    steps: Box<[Step]>,
}

/// A part between `!`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    /// As written, with brackets.
    name: BString,
    /// `x[7]`: the bare name and the number.
    index: Option<(BString, usize)>,
}

impl Step {
    fn new(name: &[u8]) -> Self {
        let index = name.strip_suffix(b"]").and_then(|open| {
            let at = open.rfind_byte(b'[')?;
            let (bare, number) = (&open[..at], &open[at + 1..]);
            let number = number.to_str().ok()?.trim();
            let number = if number.is_empty() { 0 } else { number.parse().ok()? };
            Some((bare.into(), number))
        });
        Self { name: name.into(), index }
    }

    /// An array's element if there is such an array, or else the member of that name, brackets
    /// and all.
    fn get<'a>(&self, object: &'a Object, case: Case) -> Option<&'a Value> {
        if let Some((bare, number)) = &self.index
            && let Some(Value::Array(items)) = object.get(bare, case)
        {
            return items.get(*number);
        }
        object.get(&self.name, case)
    }

    fn get_mut<'a>(&self, object: &'a mut Object, case: Case) -> Option<&'a mut Value> {
        if let Some((bare, number)) = &self.index
            && matches!(object.get(bare, case), Some(Value::Array(_)))
        {
            return match object.get_mut(bare, case) {
                Some(Value::Array(items)) => items.get_mut(*number),
                _ => None,
            };
        }
        object.get_mut(&self.name, case)
    }

    /// The object that the step leads to; a new one where there is nothing, or null. Beyond the end
    /// of an array that is a member whose name has the brackets.
    fn enter<'a>(&self, object: &'a mut Object, case: Case) -> Result<&'a mut Object, PathError> {
        let next = if self.get(object, case).is_none_or(|value| *value == Value::Null) {
            object.set(&self.name, Value::Object(Object::default()), case);
            object.get_mut(&self.name, case)
        } else {
            self.get_mut(object, case)
        };
        next.and_then(Value::as_object_mut).ok_or(PathError::NoObject)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.steps.iter().enumerate() {
            let sign = if at == 0 { "" } else { "!" };
            write!(f, "{sign}{}", step.name)?;
        }
        Ok(())
    }
}

impl Path {
    /// Reads what stands behind the tree's sign: `a!b[0]`. As in rsyslog a `!` at the end leads to
    /// a member without a name.
    #[must_use]
    pub fn new(text: &[u8]) -> Self {
        let steps = text.split(|byte| *byte == b'!').filter(|step| !step.is_empty());
        let nameless: &[&[u8]] = if text.ends_with(b"!") { &[b""] } else { &[] };
        Self { steps: steps.chain(nameless.iter().copied()).map(Step::new).collect() }
    }

    /// Whether it is the tree itself.
    #[must_use]
    pub const fn is_root(&self) -> bool {
        self.steps.is_empty()
    }

    /// The value in `tree`.
    #[must_use]
    pub fn get<'a>(&self, tree: &'a Value, case: Case) -> Option<&'a Value> {
        if let [Step { name, index: None }] = &*self.steps {
            return tree.as_object()?.get(name, case);
        }
        let Some((leaf, parents)) = self.steps.split_last() else { return Some(tree) };
        let mut object = tree.as_object()?;
        for step in parents {
            object = step.get(object, case)?.as_object()?;
        }
        leaf.get(object, case)
    }

    /// Sets the value, and makes the objects on the way to it. As in rsyslog a member whose name
    /// ends in brackets is made where a path ends in them, an object that is set where a value is
    /// already gives its members to the whole tree, and null is no value.
    ///
    /// # Errors
    /// Nothing was changed.
    pub fn set(&self, tree: &mut Value, value: Value, case: Case) -> Result<(), PathError> {
        self.put(tree, value, case, false)
    }

    /// The same, but that the value takes the place of whatever is there (`reset`). Only the tree
    /// itself is not replaced: it takes the members of an object.
    ///
    /// # Errors
    /// Nothing was changed.
    pub fn reset(&self, tree: &mut Value, value: Value, case: Case) -> Result<(), PathError> {
        self.put(tree, value, case, true)
    }

    /// As [`Self::set`] of a text, up to its first NUL; where a text was, its memory is used again.
    ///
    /// # Errors
    /// Nothing was changed.
    pub fn set_text(&self, tree: &mut Value, text: &[u8], case: Case) -> Result<(), PathError> {
        if let [leaf] = &*self.steps
            && let Value::Object(object) = tree
            && object.set_text(&leaf.name, text, case)
        {
            return Ok(());
        }
        self.set(tree, Value::text(text), case)
    }

    fn put(
        &self,
        tree: &mut Value,
        value: Value,
        case: Case,
        replaces: bool,
    ) -> Result<(), PathError> {
        let Some(mut object) = tree.as_object_mut() else { return Err(PathError::NoObject) };
        let Some((leaf, parents)) = self.steps.split_last() else {
            return merge(object, value, case);
        };
        for step in parents {
            object = step.enter(object, case)?;
        }
        let there = object.get(&leaf.name, case).filter(|there| **there != Value::Null);
        let merges = there.is_some() && value.as_object().is_some();
        if !replaces && (merges || there.is_some_and(|there| there.as_object().is_some())) {
            return tree.as_object_mut().map_or(Ok(()), |root| merge(root, value, case));
        }
        object.set(&leaf.name, value, case);
        Ok(())
    }

    /// Removes the value; whether it was there, which null is not. The tree itself is for the
    /// caller to remove.
    pub fn unset(&self, tree: &mut Value, case: Case) -> bool {
        let Some((leaf, parents)) = self.steps.split_last() else { return false };
        let Some(mut object) = tree.as_object_mut() else { return false };
        for step in parents {
            match step.get_mut(object, case).and_then(Value::as_object_mut) {
                Some(next) => object = next,
                None => return false,
            }
        }
        let there = object.get(&leaf.name, case).is_some_and(|there| *there != Value::Null);
        there && object.remove(&leaf.name, case).is_some()
    }
}

/// Takes the members of `value` into `object`.
fn merge(object: &mut Object, value: Value, case: Case) -> Result<(), PathError> {
    let Value::Object(members) = value else { return Err(PathError::IsObject) };
    // Mostly so, and then it takes linear time.
    if object.is_empty() {
        *object = members;
        return Ok(());
    }
    for (name, value) in members.iter() {
        object.set(name, value.clone(), case);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::json::Style;
    use crate::message::json::parse;
    use crate::message::json::print;

    fn tree() -> Value {
        let text = br#"{"f":[1,"2",{"g":null,"h":[5,[6,7]]}],"s":"str","x[0]":"key"}"#;
        parse(text, Case::Insensitive).unwrap()
    }

    fn shown(tree: &Value) -> String {
        let mut out = Vec::new();
        print(tree, Style::Plain, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// All of it as rsyslogd 8.2302 does it.
    #[test]
    fn paths_lead_through_objects_and_arrays() {
        let tree = tree();
        for (path, expected) in [
            ("f[1]", "2"),
            ("f[01]", "2"),
            ("f[]", "1"),
            ("f[9]", ""),
            ("f[1x]", ""),
            ("x[0]", "key"),
            ("F[2]!H[1]", "[ 6, 7 ]"),
            ("f[2]!h[1][0]", ""),
            ("f!x", ""),
            ("s!x", ""),
            ("s[0]", ""),
            ("nosuch", ""),
            ("s!", ""),
            ("!", ""),
            ("!s", "str"),
        ] {
            let mut text = Vec::new();
            if let Some(value) = Path::new(path.as_bytes()).get(&tree, Case::Insensitive) {
                value.write_text(&mut text);
            }
            assert_eq!(String::from_utf8(text).unwrap(), expected, "{path}");
        }
        assert!(Path::new(b"F").get(&tree, Case::Sensitive).is_none());
    }

    #[test]
    fn setting_makes_the_way_and_replaces_no_object() {
        let set = |object: &mut Value, path: &str, value: Value| {
            Path::new(path.as_bytes()).set(object, value, Case::Insensitive)
        };
        let mut object = Value::Object(Object::default());
        assert_eq!(set(&mut object, "a!b", Value::Int(1)), Ok(()));
        assert_eq!(set(&mut object, "a", Value::Int(2)), Err(PathError::IsObject));
        assert_eq!(set(&mut object, "a!b!c", Value::Int(2)), Err(PathError::NoObject));
        assert_eq!(set(&mut object, "w[0]!b", Value::Int(2)), Ok(()));
        assert_eq!(shown(&object), r#"{"a":{"b":1},"w[0]":{"b":2}}"#);
        // The members of the new object go to the object around, not into `a`.
        let member = parse(br#"{"g":3}"#, Case::Insensitive).unwrap();
        assert_eq!(set(&mut object, "a", member), Ok(()));
        assert_eq!(shown(&object), r#"{"a":{"b":1},"w[0]":{"b":2},"g":3}"#);
        let mut object = tree();
        assert_eq!(set(&mut object, "f[2]!g", Value::text(b"new")), Ok(()));
        assert_eq!(set(&mut object, "f[1]", Value::text(b"own\0lost")), Ok(()));
        let expected =
            r#"{"f":[1,"2",{"g":"new","h":[5,[6,7]]}],"s":"str","x[0]":"key","f[1]":"own"}"#;
        assert_eq!(shown(&object), expected);
    }

    #[test]
    fn reset_replaces_all_but_the_tree_and_null_is_nothing() {
        let reset = |object: &mut Value, path: &str, value: &str| {
            let value = parse(value.as_bytes(), Case::Insensitive).unwrap();
            Path::new(path.as_bytes()).reset(object, value, Case::Insensitive)
        };
        let mut object = parse(br#"{"o":{"a":1},"n":null,"f":[1]}"#, Case::Insensitive).unwrap();
        assert_eq!(reset(&mut object, "O", "{\"b\":2}"), Ok(()));
        assert_eq!(reset(&mut object, "", "{\"c\":3}"), Ok(()));
        assert_eq!(reset(&mut object, "", "4"), Err(PathError::IsObject));
        assert!(!Path::new(b"n").unset(&mut object, Case::Insensitive));
        assert_eq!(reset(&mut object, "n!x", "5"), Ok(()));
        assert_eq!(reset(&mut object, "f[7]!y", "6"), Ok(()));
        assert_eq!(reset(&mut object, "c!z", "7"), Err(PathError::NoObject));
        let expected = r#"{"o":{"b":2},"n":{"x":5},"f":[1],"c":3,"f[7]":{"y":6}}"#;
        assert_eq!(shown(&object), expected);
    }

    #[test]
    fn unset_removes_members_alone() {
        let mut object = tree();
        let mut unset =
            |path: &str| Path::new(path.as_bytes()).unset(&mut object, Case::Insensitive);
        assert!(!unset("f[0]") && !unset("nosuch!x") && !unset("s!x") && !unset("f[2]!g"));
        assert!(unset("f[2]!h") && unset("S") && unset("x[0]"));
        assert_eq!(shown(&object), r#"{"f":[1,"2",{"g":null}]}"#);
        assert!(Path::new(b"").is_root() && !Path::new(b"").unset(&mut object, Case::Insensitive));
    }
}
