//! Message variables: `$!` goes with the message, `$.` is for the rules that it runs through, `$/`
//! is the whole relay's.

use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::message::Form;
use crate::message::json::Case;
use crate::message::json::Object;
use crate::message::json::Path;
use crate::message::json::PathError;
use crate::message::json::Value;

/// Which tree a variable is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tree {
    /// `$!`
    Message,
    /// `$.`
    Local,
    /// `$/`
    Global,
}

/// A variable's name, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    pub tree: Tree,
    pub path: Path,
}

impl Variable {
    /// Reads `!a!b`, `.a` or `/a`: what stands behind `$`. `None` if it is no variable's name.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (sign, path) = text.split_first()?;
        let tree = match sign {
            b'!' => Tree::Message,
            b'.' => Tree::Local,
            b'/' => Tree::Global,
            _ => return None,
        };
        Some(Self { tree, path: Path::new(path) })
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.tree {
            Tree::Message => '!',
            Tree::Local => '.',
            Tree::Global => '/',
        };
        write!(f, "${sign}{}", self.path)
    }
}

/// The tree that all messages share (`$/`).
#[derive(Debug, Default)]
pub struct GlobalVariables {
    tree: Mutex<Option<Value>>,
    turn: Mutex<()>,
}

impl GlobalVariables {
    fn lock(&self) -> MutexGuard<'_, Option<Value>> {
        // A tree is whole after each change: a thread that died in between cannot have torn it.
        self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever changes the tree by a statement holds this from before its value is computed:
    /// `set $/n = $/n + 1` on two threads must count twice.
    pub fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The variables of one message. A message that nothing sets any of has cost nothing.
#[derive(Debug, Default)]
pub struct Variables {
    message: Grove,
    local: Grove,
    global: Option<Arc<GlobalVariables>>,
    case: Case,
    /// Whether a tree of the message was changed since [`Self::assume`].
    touched: bool,
}

/// A tree, and what is left of the one that the message before had: its memory.
#[derive(Debug, Default)]
struct Grove {
    tree: Option<Value>,
    spare: Option<Object>,
}

impl Grove {
    const NONE: Self = Self { tree: None, spare: None };

    /// The tree, made if it is not there.
    fn whole(&mut self) -> &mut Value {
        self.tree.get_or_insert_with(|| Value::Object(self.spare.take().unwrap_or_default()))
    }

    #[inline]
    fn clear(&mut self) {
        if let Some(Value::Object(mut object)) = self.tree.take() {
            object.retire();
            self.spare = Some(object);
        }
    }

    fn assume(&mut self, of: &Self) {
        self.clear();
        match &of.tree {
            None => {}
            Some(Value::Object(of)) => {
                if let Value::Object(object) = self.whole() {
                    object.assume(of);
                }
            }
            Some(other) => self.tree = Some(other.clone()),
        }
    }
}

impl Clone for Variables {
    fn clone(&self) -> Self {
        let mut copy = Self::default();
        copy.clone_from(self);
        copy
    }

    /// In the memory of what was there.
    fn clone_from(&mut self, of: &Self) {
        self.assume(of);
        self.global.clone_from(&of.global);
        self.case = of.case;
    }
}

impl Variables {
    /// Those of a message that has none.
    pub const NONE: Self = Self {
        message: Grove::NONE,
        local: Grove::NONE,
        global: None,
        case: Case::Insensitive,
        touched: false,
    };

    #[must_use]
    pub const fn new(global: Arc<GlobalVariables>, case: Case) -> Self {
        Self {
            message: Grove::NONE,
            local: Grove::NONE,
            global: Some(global),
            case,
            touched: false,
        }
    }

    /// Makes the message's own trees what they are in `of`, in the memory of what was there.
    pub fn assume(&mut self, of: &Self) {
        self.message.assume(&of.message);
        self.local.assume(&of.local);
        self.touched = false;
    }

    /// Makes `value` the whole of `$!`.
    pub fn give(&mut self, value: Value) {
        self.message.clear();
        self.message.tree = Some(value);
        self.touched = true;
    }

    /// Makes `$!` a copy of `form` with its text, in the memory of what was there.
    pub(super) fn give_formed(&mut self, form: &Form, text: &[u8]) {
        self.touched = true;
        let Value::Object(object) = self.message.whole() else { return };
        object.assume(&form.tree);
        if let Some([member, name]) = form.place
            && let Some(Value::Object(inner)) = object.get_mut(member.as_bytes(), Case::Sensitive)
        {
            inner.set_text(name.as_bytes(), text, Case::Sensitive);
        }
    }

    /// Whether the message's own trees may have changed since [`Self::assume`].
    #[must_use]
    #[inline]
    pub const fn touched(&self) -> bool {
        self.touched
    }

    /// Forgets what belongs to one message: the next one comes.
    #[inline]
    pub fn clear(&mut self) {
        self.message.clear();
        self.local.clear();
    }

    /// What is shared of the tree that `variable` is in.
    #[must_use]
    pub fn shared(&self, variable: &Variable) -> Option<Arc<GlobalVariables>> {
        match variable.tree {
            Tree::Global => self.global.clone(),
            Tree::Message | Tree::Local => None,
        }
    }

    /// How names of members are compared.
    #[must_use]
    pub const fn case(&self) -> Case {
        self.case
    }

    /// Calls `f` with the value; with `None` if it is not set.
    pub fn with<T>(&self, variable: &Variable, f: impl FnOnce(Option<&Value>) -> T) -> T {
        let get = |tree: &Option<Value>| match tree {
            Some(tree) => f(variable.path.get(tree, self.case)),
            None => f(None),
        };
        match (variable.tree, &self.global) {
            (Tree::Message, _) => get(&self.message.tree),
            (Tree::Local, _) => get(&self.local.tree),
            (Tree::Global, Some(global)) => get(&global.lock()),
            (Tree::Global, None) => get(&None),
        }
    }

    /// Sets the value.
    ///
    /// # Errors
    /// Where it was to be, something else is; nothing was changed.
    pub fn set(&mut self, variable: &Variable, value: Value) -> Result<(), PathError> {
        let case = self.case;
        self.change(variable.tree, |tree| variable.path.set(tree, value, case))
    }

    /// As [`Self::set`] of a text, up to its first NUL. Where the message before had a text too, it
    /// costs no allocation.
    ///
    /// # Errors
    /// Where it was to be, something else is; nothing was changed.
    pub fn set_text(&mut self, variable: &Variable, text: &[u8]) -> Result<(), PathError> {
        let case = self.case;
        self.change(variable.tree, |tree| variable.path.set_text(tree, text, case))
    }

    /// Sets the value in place of what is there, even an object. Only a tree as a whole is not
    /// replaced: it takes the members of an object.
    ///
    /// # Errors
    /// On the way to it something else than an object is; nothing was changed.
    pub fn reset(&mut self, variable: &Variable, value: Value) -> Result<(), PathError> {
        let case = self.case;
        self.change(variable.tree, |tree| variable.path.reset(tree, value, case))
    }

    /// Removes the value, or the tree.
    pub fn unset(&mut self, variable: &Variable) {
        let case = self.case;
        self.touched = true;
        let unset = |tree: &mut Option<Value>| match tree {
            _ if variable.path.is_root() => *tree = None,
            Some(tree) => _ = variable.path.unset(tree, case),
            None => {}
        };
        match (variable.tree, &self.global) {
            (Tree::Message, _) => unset(&mut self.message.tree),
            (Tree::Local, _) => unset(&mut self.local.tree),
            (Tree::Global, Some(global)) => unset(&mut global.lock()),
            (Tree::Global, None) => {}
        }
    }

    fn change<T>(&mut self, tree: Tree, f: impl FnOnce(&mut Value) -> T) -> T {
        let empty = || Value::Object(Object::default());
        self.touched = true;
        match (tree, &self.global) {
            (Tree::Message, _) => f(self.message.whole()),
            (Tree::Local, _) => f(self.local.whole()),
            (Tree::Global, Some(global)) => f(global.lock().get_or_insert_with(empty)),
            // Only of messages outside of a relay: there is nothing to share.
            (Tree::Global, None) => f(&mut empty()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(variables: &Variables, name: &str) -> String {
        let variable = Variable::parse(name.as_bytes()).unwrap();
        let mut out = Vec::new();
        variables.with(&variable, |value| {
            if let Some(value) = value {
                value.write_text(&mut out);
            }
        });
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_sign_is_a_tree_and_the_global_one_stays() {
        let global = Arc::new(GlobalVariables::default());
        let mut one = Variables::new(global.clone(), Case::Insensitive);
        let other = Variables::new(global, Case::Insensitive);
        for (n, name) in [(1, "!a!b"), (2, ".a!b"), (3, "/a")] {
            let variable = Variable::parse(name.as_bytes()).unwrap();
            one.set(&variable, Value::Int(n)).unwrap();
        }
        assert_eq!(
            (text(&one, "!"), text(&one, ".A!B")),
            (r#"{ "a": { "b": 1 } }"#.into(), "2".into())
        );
        assert_eq!(text(&other, "!") + &text(&other, "/a"), "3");
        one.clear();
        assert_eq!((text(&one, "!"), text(&one, "/")), (String::new(), r#"{ "a": 3 }"#.into()));
        one.unset(&Variable::parse(b"/a").unwrap());
        assert_eq!(text(&other, "/"), "{ }");
        one.unset(&Variable::parse(b"/").unwrap());
        assert_eq!(text(&other, "/"), "");
    }

    #[test]
    fn one_turn_after_the_other() {
        let global = Arc::new(GlobalVariables::default());
        let n = Variable::parse(b"/n").unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut variables = Variables::new(global.clone(), Case::Insensitive);
                    for _ in 0..1000 {
                        let shared = variables.shared(&n).unwrap();
                        let _turn = shared.turn();
                        let value = variables.with(&n, |value| value.map_or(0, Value::whole));
                        variables.set(&n, Value::Int(value + 1)).unwrap();
                    }
                });
            }
        });
        assert_eq!(text(&Variables::new(global, Case::Insensitive), "/n"), "4000");
    }

    #[test]
    fn names_have_a_sign() {
        assert!(Variable::parse(b"").is_none() && Variable::parse(b"msg").is_none());
        assert!(Variable::parse(b"!").unwrap().path.is_root());
    }
}
