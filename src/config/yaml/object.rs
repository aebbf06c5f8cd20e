//! Objects: parameters, templates with their parts, includes.

use bstr::BString;

use crate::base::diag::Diagnostic;
use crate::base::diag::Loc;
use crate::base::diag::nearest;
use crate::config::ast::Block;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::ast::Param;
use crate::config::ast::Value;
use crate::config::ast::Word;
use crate::config::load::Include;
use crate::config::object::enabled;
use crate::config::yaml::Reader;
use crate::config::yaml::is_yaml;
use crate::config::yaml::tree::Entry;
use crate::config::yaml::tree::Node;
use crate::config::yaml::tree::Scalar;

const PARTS: [(&str, ObjectKind, &str); 2] =
    [("property", ObjectKind::Property, "name"), ("constant", ObjectKind::Constant, "value")];

impl Reader<'_> {
    /// `global` and `mainqueue`.
    pub(super) fn one_object(&mut self, kind: ObjectKind, key: &Word, value: &Node) {
        let Node::Mapping(_, entries) = value else {
            let message = format!("'{}' takes a mapping, and this is {}", key.text, value.what());
            return self.error(value.loc(), message, "write 'name: value' lines below it");
        };
        let Some(mut object) = self.object(kind, key.loc, entries.iter()) else { return };
        if kind == ObjectKind::MainQueue {
            self.long_names(&mut object);
        }
        self.load.declare(object);
    }

    /// `size` is `queue.size`: so rsyslog documents it. Its source knows only the latter.
    fn long_names(&mut self, object: &mut Object) {
        for Param { name, .. } in &mut object.params {
            let short = name.text.as_str();
            if short.get(..6).is_some_and(|head| head.eq_ignore_ascii_case("queue.")) {
                continue;
            }
            let message = format!("'{short}' is taken for 'queue.{short}'");
            let help = "rsyslog's manual has the short name, its program takes the long one";
            self.load.say(Diagnostic::note(name.loc, message).help(help));
            name.text.insert_str(0, "queue.");
        }
    }

    /// The entries of an item of `list`. `None` if it has none.
    pub(super) fn entries<'n>(
        &mut self,
        list: &str,
        needed: &str,
        item: &'n Node,
    ) -> Option<&'n [Entry]> {
        if let Node::Mapping(_, entries) = item
            && !entries.is_empty()
        {
            return Some(entries);
        }
        let what = if matches!(item, Node::Mapping(..)) { "empty" } else { item.what() };
        let message = format!("an item of '{list}' is a mapping, and this is {what}");
        let help = match item {
            Node::Scalar(Scalar { text, .. }) if matches!(text.as_str(), "stop" | "continue") => {
                format!("write - {text}: true")
            }
            Node::Scalar(Scalar { text, .. }) if !text.is_empty() && !text.contains([' ', '(']) => {
                format!("write - {needed}: {text}")
            }
            _ => format!("write - {needed}: …"),
        };
        self.error(item.loc(), message, &help);
        None
    }

    /// An item that has a parameter called `needed`; it stands for the item in complaints.
    pub(super) fn item(
        &mut self,
        kind: ObjectKind,
        list: &Word,
        needed: &str,
        item: &Node,
    ) -> Option<Object> {
        let entries = self.entries(&list.text, needed, item)?;
        let loc = self.needed(&list.text, needed, entries)?;
        self.object(kind, loc, entries.iter())
    }

    /// The place of the entry that an item cannot be without.
    pub(super) fn needed(&mut self, list: &str, needed: &str, entries: &[Entry]) -> Option<Loc> {
        let found = entries.iter().find(|entry| entry.key.text.eq_ignore_ascii_case(needed));
        if let Some(Entry { key, value }) = found {
            if let Node::Scalar(scalar) = value {
                return Some(key.loc.to(scalar.loc));
            }
            let message = format!("'{needed}' takes one value, and this is {}", value.what());
            self.error(value.loc(), message, &format!("write {needed}: …"));
            return None;
        }
        let first = entries.first()?;
        let near = entries.iter().find(|e| nearest(&e.key.text, [needed]).is_some());
        let help = near.map_or_else(
            || format!("write - {needed}: …"),
            |near| format!("'{}' should be '{needed}'", near.key.text),
        );
        let message = format!("this item of '{list}' has no '{needed}'");
        self.error(near.unwrap_or(first).key.loc, message, &help);
        None
    }

    /// `None` if `config.enabled` is off.
    pub(super) fn object<'n>(
        &mut self,
        kind: ObjectKind,
        loc: Loc,
        entries: impl Iterator<Item = &'n Entry>,
    ) -> Option<Object> {
        let mut params = Vec::new();
        for Entry { key, value } in entries {
            if let Some(taken) = self.value(key, value) {
                params.push(Param { name: key.clone(), value: taken, value_loc: value.loc() });
            }
        }
        let enabled = enabled(self.load, &mut params);
        let (script, parts) = (Block::new(), Vec::new());
        enabled.then_some(Object { kind, loc, params, script, parts, legacy: false })
    }

    fn value(&mut self, key: &Word, value: &Node) -> Option<Value> {
        let name = &key.text;
        let (loc, message, help) = match value {
            Node::Scalar(scalar) => return Some(Value::Str(scalar.text.as_str().into())),
            Node::Sequence(loc, items) if items.is_empty() => {
                (*loc, "a list cannot be empty".to_owned(), "write at least one value".to_owned())
            }
            Node::Sequence(_, items) => {
                let text = |item: &Node| match item {
                    Node::Scalar(scalar) => Ok(BString::from(scalar.text.as_str())),
                    _ => Err((item.loc(), item.what())),
                };
                match items.iter().map(text).collect::<Result<Vec<_>, _>>() {
                    Ok(items) => return Some(Value::Array(items)),
                    Err((loc, what)) => {
                        let message = format!("the list of '{name}' holds values, not {what}");
                        (loc, message, "a parameter is a value or a list of values".to_owned())
                    }
                }
            }
            Node::Mapping(loc, entries) => {
                let message = format!("'{name}' takes a value, and this is a mapping");
                let help = entries.first().map_or_else(
                    || "write a value, or remove it".to_owned(),
                    |first| format!("parameters are flat: is '{name}.{}' meant?", first.key.text),
                );
                (*loc, message, help)
            }
        };
        self.error(loc, message, &help);
        None
    }

    /// A template; `elements` are its parts.
    pub(super) fn template(&mut self, item: &Node) {
        let list = "templates";
        let Some(entries) = self.entries(list, "name", item) else { return };
        let Some(loc) = self.needed(list, "name", entries) else { return };
        let is_elements = |entry: &&Entry| entry.key.text == "elements";
        let mut parts = Vec::new();
        if let Some(Entry { key, value }) = entries.iter().find(is_elements) {
            for item in self.items(key, value, "property") {
                parts.extend(self.part(item));
            }
        }
        let others = entries.iter().filter(|entry| !is_elements(entry));
        if let Some(object) = self.object(ObjectKind::Template, loc, others) {
            self.load.declare(Object { parts, ..object });
        }
    }

    /// `property: {…}` or `constant: {…}`
    fn part(&mut self, item: &Node) -> Option<Object> {
        let entries = self.entries("elements", "property", item)?;
        let (Entry { key, value }, more) = entries.split_first()?;
        let known = PARTS.iter().find(|(name, ..)| *name == key.text);
        let Some((name, kind, main)) = known else {
            let near = nearest(&key.text, PARTS.iter().map(|(name, ..)| *name));
            let help = near.map_or_else(
                || "write - property: {name: …} or - constant: {value: …}".to_owned(),
                |near| format!("did you mean '{near}'?"),
            );
            let message = format!("'{}' is no element of a template", key.text);
            self.error(key.loc, message, &help);
            return None;
        };
        if let Some(second) = more.first() {
            let message = format!("'{}' cannot stand beside '{name}'", second.key.text);
            let help = if PARTS.iter().any(|(name, ..)| *name == second.key.text) {
                "begin it with a '- ' of its own".to_owned()
            } else {
                format!("indent it more than '{name}'")
            };
            self.error(second.key.loc, message, &help);
            return None;
        }
        let Node::Mapping(_, params) = value else {
            let message = format!("'{name}' takes a mapping, and this is {}", value.what());
            self.error(value.loc(), message, &format!("write - {name}: {{{main}: …}}"));
            return None;
        };
        self.object(*kind, key.loc, params.iter())
    }

    /// `include`: the YAML files first, then the others.
    pub(super) fn include(&mut self, items: &[Node]) {
        let mut found: Vec<(Include, bool)> = Vec::new();
        let mut other = None;
        for item in items {
            let Some((path, include)) = self.include_item(item) else { continue };
            let yaml = is_yaml(&path.text);
            match (yaml, &other) {
                (false, None) => other = Some(path.text.as_str()),
                (true, Some(other)) => {
                    let message = format!("'{}' is read before '{other}'", path.text);
                    let help = "YAML files of a list come first, as in rsyslog; move it up";
                    self.load.say(Diagnostic::warning(path.loc, message).help(help));
                }
                _ => {}
            }
            found.push((include, yaml));
        }
        for wanted in [true, false] {
            for (include, _) in found.iter().filter(|(_, yaml)| *yaml == wanted) {
                self.load.include(include, true, 0, &mut Block::new());
            }
        }
    }

    fn include_item<'n>(&mut self, item: &'n Node) -> Option<(&'n Scalar, Include)> {
        let entries = self.entries("include", "path", item)?;
        self.needed("include", "path", entries)?;
        let (mut path, mut optional) = (None, false);
        for Entry { key, value } in entries {
            match (key.text.to_ascii_lowercase().as_str(), value) {
                ("path", Node::Scalar(scalar)) => path = Some(scalar),
                ("optional", Node::Scalar(scalar)) => optional = self.optional(scalar),
                ("path" | "optional", _) => {
                    let what = value.what();
                    let message = format!("'{}' takes one value, and this is {what}", key.text);
                    self.error(value.loc(), message, "begin an item for each path: - path: …");
                }
                (name, _) => {
                    let near = nearest(name, ["path", "optional"]);
                    let help = near.map_or_else(
                        || "an item of include has a path, and may be optional".to_owned(),
                        |near| format!("did you mean '{near}'?"),
                    );
                    self.error(key.loc, format!("parameter '{}' not known", key.text), &help);
                }
            }
        }
        let path = path?;
        let pattern = BString::from(path.text.as_str());
        Some((path, Include::yaml_item(pattern, optional, path.loc)))
    }

    /// on, yes or 1; to rsyslog anything else is off.
    fn optional(&mut self, scalar: &Scalar) -> bool {
        let is = |known: &[&str]| known.iter().any(|k| k.eq_ignore_ascii_case(&scalar.text));
        let on = is(&["on", "yes", "1"]);
        if !on && !is(&["off", "no", "0", "false"]) {
            let message = format!("'optional: {}' means off", scalar.text);
            let help = "rsyslog takes 'on', 'yes' and '1' for on, and nothing else";
            self.load.say(Diagnostic::warning(scalar.loc, message).help(help));
        }
        on
    }
}
