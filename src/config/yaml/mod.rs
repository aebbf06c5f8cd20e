//! rsyslog's own YAML schema (8.2604 and later) to the syntax tree that RainerScript gives.
//!
//! A file whose name ends in `.yaml` or `.yml` is one mapping. Its keys, case-sensitive, in any
//! order; each at most once:
//!
//! ```yaml
//! version: 2                     # read over
//! global: {workDirectory: /var/spool/rsyslog, environment: [TZ=UTC, LC_ALL=C]}
//! mainqueue: {queue.type: linkedlist, size: 1000}   # `size` is `queue.size`, with a note
//! modules:   [{load: imtcp, threads: 2}]
//! inputs:    [{type: imtcp, port: 514, ruleset: main}]
//! parsers: [{name: …}]           # as are the next five: object parameters, nothing else
//! lookup_tables: [{name: …, file: …}]
//! dyn_stats: [{name: …}]
//! perctile_stats: [{name: …}]
//! ratelimits: [{name: …}]
//! timezones: [{id: …, offset: …}]
//! templates:
//!   - {name: a, type: string, string: "%msg%\n"}     # also subtree, plugin
//!   - {name: b, type: list, elements: [{property: {name: msg}}, {constant: {value: "\n"}}]}
//! rulesets:                      # parameters (name, queue.…, parser), and at most one of:
//!   - {name: c, filter: "*.info", actions: [{type: omfile, file: /x}]}   # filter may be absent
//!   - {name: d, statements: [ … ]}
//!   - {name: e, script: "text of RainerScript"}
//! include:                       # .yaml and .yml before the others, whatever the order here
//!   - {path: "/etc/rsyslog.d/*.conf", optional: on}  # on, yes, 1; anything else is off
//! ```
//!
//! Statements, each a mapping of one of these forms. Expressions, variables and filters are
//! RainerScript in a scalar:
//!
//! ```yaml
//! - {type: omfile, file: /x}                          # action(type="omfile" file="/x")
//! - {if: '$msg contains "x"', then: [ … ], else: [ … ]}
//! - {if: '$severity < 3', action: {type: omfile, file: /x}, else: [ … ]}
//! - {stop: true}
//! - {continue: true}
//! - {call: name}
//! - {call_indirect: "$.name & 'x'"}
//! - {set: {var: $.x, expr: "1 + 2"}}
//! - {unset: $.x}
//! - {foreach: {var: $.i, in: "$!list", do: [ … ]}}
//! - {reload_lookup_table: {table: name, stub_value: text}}
//! # Ours; rsyslog has no form for these (it writes `if: prifilt('mail.*')`, or `script`):
//! - {reset: {var: $.x, expr: "1"}}
//! - {filter: "mail.*", then: [ … ]}
//! - {filter: ':msg, contains, "x"', action: {type: omfile, file: /x}}
//! ```
//!
//! The ruleset `RSYSLOG_DefaultRuleset` is what stands outside of rulesets in RainerScript, as in
//! what `rsyslogd -F yaml -o` writes: its statements go to the top level, and it has no parameters
//! but its name.
//!
//! Every scalar is text, quoted or not: `on`, `0640` and `~` stay as they are written. Tags,
//! aliases and second documents are refused. `config.enabled` works in every object.

mod align;
mod embed;
mod flaw;
mod object;
mod ruleset;
mod statement;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::HashSet;

use bstr::ByteSlice;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::diag::nearest;
use crate::base::limits::YAML_BYTES_MAX;
use crate::config::ast::ObjectKind;
use crate::config::ast::Word;
use crate::config::load::Loader;
use crate::config::yaml::tree::Entry;
use crate::config::yaml::tree::Node;

/// What a key of the top level holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Version,
    /// One object.
    One(ObjectKind),
    /// A list of objects, and the parameter that each must have.
    Many(ObjectKind, &'static str),
    Include,
}

const SECTIONS: [(&str, Section); 16] = [
    ("version", Section::Version),
    ("global", Section::One(ObjectKind::Global)),
    ("mainqueue", Section::One(ObjectKind::MainQueue)),
    ("modules", Section::Many(ObjectKind::Module, "load")),
    ("inputs", Section::Many(ObjectKind::Input, "type")),
    ("templates", Section::Many(ObjectKind::Template, "name")),
    ("rulesets", Section::Many(ObjectKind::Ruleset, "name")),
    ("parsers", Section::Many(ObjectKind::Parser, "name")),
    ("lookup_tables", Section::Many(ObjectKind::LookupTable, "name")),
    ("dyn_stats", Section::Many(ObjectKind::DynStats, "name")),
    ("perctile_stats", Section::Many(ObjectKind::PerctileStats, "name")),
    ("ratelimits", Section::Many(ObjectKind::Ratelimit, "name")),
    ("timezones", Section::Many(ObjectKind::Timezone, "id")),
    ("include", Section::Include),
    // What rsyslog reads beside what it documents.
    ("main_queue", Section::One(ObjectKind::MainQueue)),
    ("testbench_modules", Section::Many(ObjectKind::Module, "load")),
];

/// Keys of the top level that are not there, and what to write.
const ELSEWHERE: [(&str, &str); 8] = [
    ("action", "write the action into a ruleset: rulesets: [{name: …, actions: [{type: …}]}]"),
    ("actions", "write the actions into a ruleset: rulesets: [{name: …, actions: [{type: …}]}]"),
    ("statements", "write them into a ruleset: rulesets: [{name: …, statements: […]}]"),
    ("script", "write it into a ruleset: rulesets: [{name: …, script: …}]"),
    ("filter", "write it into a ruleset: rulesets: [{name: …, filter: …, actions: […]}]"),
    ("outputs", "write actions into a ruleset: rulesets: [{name: …, actions: [{type: …}]}]"),
    ("percentile_stats", "did you mean 'perctile_stats'?"),
    ("queue", "did you mean 'mainqueue'?"),
];

const NOTHING: &str = "this file holds nothing";
const SOMETHING: &str = "write sections: modules: inputs: rulesets: …";

/// Whether a file of this name is read as YAML.
pub(super) fn is_yaml(name: &str) -> bool {
    [".yaml", ".yml"].iter().any(|suffix| name.ends_with(suffix))
}

/// A YAML file that is no configuration, as JSON; all its values are texts.
pub(super) fn data(text: &[u8]) -> Result<serde_json::Value, String> {
    fn value(node: &Node) -> serde_json::Value {
        match node {
            Node::Scalar(scalar) => scalar.text.as_str().into(),
            Node::Sequence(_, items) => items.iter().map(value).collect(),
            Node::Mapping(_, entries) => {
                let pair = |entry: &Entry| (entry.key.text.clone(), value(&entry.value));
                serde_json::Value::Object(entries.iter().map(pair).collect())
            }
        }
    }
    let text = std::str::from_utf8(text).map_err(|error| error.to_string())?;
    let mut diags = Diagnostics::default();
    let node = tree::read(0, 0, text, &mut diags);
    let flaw = || diags.all.first().map_or_else(|| "it is empty".to_owned(), |d| d.message.clone());
    node.as_ref().map(value).ok_or_else(flaw)
}

#[derive(Debug)]
struct Reader<'a> {
    load: &'a mut Loader,
    /// The whole file.
    text: &'a [u8],
    /// Blocks around the statement that is read: the ruleset's, and those of statements.
    depth: usize,
}

/// Reads a file that is YAML; what it declares goes to the top level.
pub(super) fn read(load: &mut Loader, file: u32, text: &[u8]) {
    if text.len() > YAML_BYTES_MAX {
        let message = format!("this file is larger than {YAML_BYTES_MAX} bytes");
        load.say(Diagnostic::error(Loc::new(file, 0, 0), message).help("divide it: include:"));
        return;
    }
    let base = if text.starts_with("\u{feff}".as_bytes()) { "\u{feff}".len() } else { 0 };
    let body = match std::str::from_utf8(text.get(base..).unwrap_or_default()) {
        Ok(body) => body,
        Err(error) => {
            let at = base + error.valid_up_to();
            let loc = Loc::new(file, at, at + 1);
            let message = "this is no UTF-8, which YAML must be";
            load.say(Diagnostic::error(loc, message).help("save the file as UTF-8"));
            return;
        }
    };
    let mut diags = Diagnostics::default();
    let root = tree::read(file, base, body, &mut diags);
    let silent = diags.all.is_empty();
    load.say_all(diags);
    let mut reader = Reader { load, text, depth: 1 };
    match root {
        Some(Node::Mapping(_, entries)) => reader.sections(&entries),
        Some(node) => reader.no_mapping(&node),
        None if silent => {
            let loc = Loc::new(file, 0, 0);
            reader.error(loc, NOTHING, SOMETHING);
        }
        None => {}
    }
}

impl Reader<'_> {
    fn error(&mut self, loc: Loc, message: impl Into<String>, help: &str) {
        self.load.say(Diagnostic::error(loc, message).help(help));
    }

    fn no_mapping(&mut self, node: &Node) {
        if let Some((start, end)) = flaw::rainerscript(self.text) {
            let loc = Loc::new(node.loc().file, start, end);
            return self.load.say(flaw::not_yaml(loc));
        }
        if let Node::Scalar(scalar) = node
            && scalar.text.is_empty()
        {
            return self.error(Loc::new(scalar.loc.file, 0, 0), NOTHING, SOMETHING);
        }
        let message = format!("the top level is {}, and must be a mapping", node.what());
        self.error(node.loc(), message, SOMETHING);
    }

    fn sections(&mut self, entries: &[Entry]) {
        let mut seen = HashSet::new();
        for Entry { key, value } in entries {
            if !seen.insert(key.text.as_str()) {
                let message = format!("'{}' is given twice; both are read", key.text);
                let help = "rsyslog warns of this too; put everything into one";
                self.load.say(Diagnostic::warning(key.loc, message).help(help));
            }
            match SECTIONS.iter().find(|(name, _)| *name == key.text) {
                Some((_, section)) => self.section(*section, key, value),
                None => self.unknown_section(key, value),
            }
        }
    }

    fn section(&mut self, section: Section, key: &Word, value: &Node) {
        match section {
            Section::Version => {
                if !matches!(value, Node::Scalar(_)) {
                    let message = format!("'version' is a number, and this is {}", value.what());
                    self.error(value.loc(), message, "write: version: 2");
                }
            }
            Section::One(kind) => self.one_object(kind, key, value),
            Section::Many(kind, needed) => {
                for item in self.items(key, value, needed) {
                    match kind {
                        ObjectKind::Ruleset => self.ruleset(item),
                        ObjectKind::Template => self.template(item),
                        _ => {
                            if let Some(object) = self.item(kind, key, needed, item) {
                                self.load.declare(object);
                            }
                        }
                    }
                }
            }
            Section::Include => {
                let items = self.items(key, value, "path");
                self.include(items);
            }
        }
    }

    fn unknown_section(&mut self, key: &Word, value: &Node) {
        let name = key.text.as_str();
        let known = SECTIONS.iter().map(|(name, _)| *name);
        let exact = known.clone().find(|known| known.eq_ignore_ascii_case(name));
        let elsewhere = ELSEWHERE.iter().find(|(known, _)| *known == name);
        let help = match (exact, elsewhere) {
            (Some(exact), _) => format!("letter case counts: write '{exact}'"),
            (None, Some((_, help))) => (*help).to_owned(),
            (None, None) => match nearest(name, known) {
                Some(near) => format!("did you mean '{near}'?"),
                None => "sections: global modules inputs templates rulesets mainqueue include \
                         parsers lookup_tables …"
                    .to_owned(),
            },
        };
        let pasted = match value {
            Node::Scalar(scalar) => name.as_bytes().contains_str(b"(") && !scalar.text.is_empty(),
            _ => false,
        };
        if pasted && let Some((start, end)) = flaw::rainerscript(self.text) {
            return self.load.say(flaw::not_yaml(Loc::new(key.loc.file, start, end)));
        }
        self.error(key.loc, format!("unknown section '{name}'"), &help);
    }

    /// The items of a list. A single mapping in place of one is taken, with a complaint.
    fn items<'n>(&mut self, key: &Word, value: &'n Node, first: &str) -> &'n [Node] {
        let name = &key.text;
        match value {
            Node::Sequence(_, items) => items,
            Node::Mapping(..) => {
                let message = format!("'{name}' takes a list, and this is a mapping");
                self.error(value.loc(), message, &format!("begin each item: - {first}: …"));
                std::slice::from_ref(value)
            }
            Node::Scalar(_) => {
                let message = format!("'{name}' takes a list, and this is {}", value.what());
                self.error(value.loc(), message, &format!("begin each item: - {first}: …"));
                &[]
            }
        }
    }
}
