//! `statements`: a list of mappings, each of them one statement.

use crate::base::diag::Loc;
use crate::base::diag::nearest;
use crate::base::limits::ELSE_IF_MAX;
use crate::base::limits::SCRIPT_DEPTH_MAX;
use crate::config::ast::Block;
use crate::config::ast::Expr;
use crate::config::ast::ExprKind;
use crate::config::ast::ObjectKind;
use crate::config::ast::Stmt;
use crate::config::ast::StmtKind;
use crate::config::ast::Word;
use crate::config::yaml::Reader;
use crate::config::yaml::ruleset::filter_statement;
use crate::config::yaml::tree::Entry;
use crate::config::yaml::tree::Node;
use crate::config::yaml::tree::Scalar;

/// What a statement that is no action begins with, and what may stand beside it.
const HEADS: [(&str, &[&str]); 11] = [
    ("if", &["then", "action", "else"]),
    ("stop", &[]),
    ("continue", &[]),
    ("call", &[]),
    ("call_indirect", &[]),
    ("set", &[]),
    ("unset", &[]),
    ("foreach", &[]),
    ("reload_lookup_table", &[]),
    // Ours. Beside a `type` they are parameters of an action.
    ("reset", &[]),
    ("filter", &["then", "action"]),
];
const OURS: [&str; 2] = ["reset", "filter"];

/// Words that other languages have.
const FOREIGN: [(&str, &str); 10] = [
    ("file", "an action begins with its type: - type: omfile"),
    ("target", "an action begins with its type: - type: omfwd"),
    ("else", "write it beside 'if' and 'then', without a '- '"),
    ("then", "write it beside 'if', without a '- '"),
    ("elseif", "write else: [{if: …, then: […]}]"),
    ("elif", "write else: [{if: …, then: […]}]"),
    ("discard", "write - stop: true"),
    ("action", "write its parameters into the item: - type: …"),
    ("script", "a script stands beside the ruleset's name, in place of 'statements'"),
    ("name", "write - type: … first, or - call: … to call a ruleset"),
];

fn get<'n>(entries: &'n [Entry], name: &str) -> Option<&'n Entry> {
    entries.iter().find(|entry| entry.key.text == name)
}

impl Reader<'_> {
    /// One item of `statements`, `then`, `else` or `do`.
    pub(super) fn statement(&mut self, item: &Node) -> Option<Stmt> {
        let entries = self.entries("statements", "type", item)?;
        let acts = entries.iter().any(|entry| entry.key.text.eq_ignore_ascii_case("type"));
        let heads = || HEADS.iter().filter(|(name, _)| !(acts && OURS.contains(name)));
        let found = heads().find_map(|head| Some((head, get(entries, head.0)?)));
        let Some(((name, beside), head)) = found else {
            return if acts { self.action(item) } else { self.no_statement(entries) };
        };
        let alien = |entry: &&Entry| {
            let key = entry.key.text.as_str();
            key != *name && !beside.contains(&key)
        };
        if let Some(entry) = entries.iter().find(alien) {
            let key = entry.key.text.as_str();
            let message = format!("'{key}' cannot stand beside '{name}'");
            let help = match nearest(key, beside.iter().copied()) {
                Some(near) => format!("did you mean '{near}'?"),
                None if key.eq_ignore_ascii_case("type") && !beside.is_empty() => {
                    "write the action under 'then:', as an item of a list".to_owned()
                }
                None if *name == "filter" && key == "else" => {
                    "a filter has none; write if: prifilt('…')".to_owned()
                }
                None => "each statement is an item of its own: begin it with '- '".to_owned(),
            };
            self.error(entry.key.loc, message, &help);
            if !beside.is_empty() && !entries.iter().any(|e| beside.contains(&e.key.text.as_str()))
            {
                return None;
            }
        }
        self.headed(name, head, entries)
    }

    fn headed(&mut self, name: &str, head: &Entry, entries: &[Entry]) -> Option<Stmt> {
        let Entry { key, value } = head;
        let loc = key.loc;
        let stmt = |kind| Some(Stmt { loc, kind });
        match name {
            "if" => self.branch(entries),
            "filter" => {
                let scalar = self.scalar(head);
                let then = self.then(head, entries);
                let (filter, loc) = self.filter(scalar?)?;
                Some(filter_statement(filter, loc, then))
            }
            "stop" => self.switch(head).then(|| stmt(StmtKind::Stop)).flatten(),
            "continue" => self.switch(head).then(|| stmt(StmtKind::Continue)).flatten(),
            "call" => {
                let scalar = self.scalar(head)?;
                let name = self.ruleset_name(scalar)?;
                Some(Stmt { loc: loc.to(name.loc), kind: StmtKind::Call(name) })
            }
            "call_indirect" => {
                let scalar = self.scalar(head)?;
                let name = self.expression(scalar)?;
                Some(Stmt { loc: loc.to(name.loc), kind: StmtKind::CallIndirect(name) })
            }
            "unset" => {
                let scalar = self.scalar(head)?;
                stmt(StmtKind::Unset(self.variable(scalar, "write - unset: $.name")?))
            }
            "set" | "reset" => {
                let [variable, value] = self.fields(key, value, ["var", "expr"], 2)?;
                let help = format!("write - {name}: {{var: $.name, expr: …}}");
                let variable = variable.and_then(|entry| self.variable_of(entry, &help));
                let value = value.and_then(|entry| self.expression_of(entry));
                let (variable, value) = (variable?, value?);
                stmt(StmtKind::Set { variable, value, reset: name == "reset" })
            }
            "foreach" => self.foreach(head),
            _ => {
                let [table, stub] = self.fields(key, value, ["table", "stub_value"], 1)?;
                let table = self.scalar(table?)?;
                let stub = match stub {
                    Some(entry) => {
                        let Scalar { text, loc, .. } = self.scalar(entry)?;
                        let kind = ExprKind::Str(text.as_str().into());
                        Some(Expr { loc: *loc, kind })
                    }
                    None => None,
                };
                let table = Word { text: table.text.clone(), loc: table.loc };
                stmt(StmtKind::ReloadLookupTable { table, stub })
            }
        }
    }

    fn no_statement(&mut self, entries: &[Entry]) -> Option<Stmt> {
        let key = &entries.first()?.key;
        let known = || HEADS.iter().map(|(name, _)| *name);
        let exact = known().find(|name| name.eq_ignore_ascii_case(&key.text));
        let foreign = FOREIGN.iter().find(|(name, _)| *name == key.text);
        let help = match (exact, foreign, nearest(&key.text, known())) {
            (Some(exact), ..) => format!("letter case counts: write '{exact}'"),
            (_, Some((_, help)), _) => (*help).to_owned(),
            (.., Some(near)) => format!("did you mean '{near}'?"),
            _ => "an action has a 'type'; other statements: if stop call set unset foreach …"
                .to_owned(),
        };
        self.error(key.loc, format!("'{}' begins no statement", key.text), &help);
        None
    }

    /// An action, with its `type` among its parameters.
    fn action(&mut self, item: &Node) -> Option<Stmt> {
        let entries = self.entries("actions", "type", item)?;
        let loc = self.needed("actions", "type", entries)?;
        let object = self.object(ObjectKind::Action, loc, entries.iter())?;
        self.load.legacy.action_was_built();
        Some(Stmt { loc, kind: StmtKind::Object(object) })
    }

    /// An item of a ruleset's `actions`, where nothing but actions may stand.
    pub(super) fn action_item(&mut self, item: &Node) -> Option<Stmt> {
        if let Node::Mapping(_, entries) = item
            && get(entries, "type").is_none()
            && let Some(entry) = entries.iter().find(|e| HEADS.iter().any(|h| h.0 == e.key.text))
        {
            let message = format!("'{}' cannot stand in 'actions'", entry.key.text);
            self.error(entry.key.loc, message, "write 'statements:' in place of 'actions:'");
            return None;
        }
        self.action(item)
    }

    /// A list of statements below `entry`, one level deeper.
    fn block(&mut self, entry: &Entry) -> Block {
        let Entry { key, value } = entry;
        let mut block = Block::new();
        // Its expressions are one deeper.
        if self.depth + 1 >= SCRIPT_DEPTH_MAX {
            let message = format!("nested deeper than {SCRIPT_DEPTH_MAX} levels");
            self.error(key.loc, message, "this is left out; write a ruleset and call it");
            return block;
        }
        let items = self.items(key, value, "type");
        if items.is_empty() && matches!(value, Node::Sequence(..)) {
            let message = format!("'{}' cannot be empty", key.text);
            self.error(value.loc(), message, "write - continue: true for nothing");
        }
        self.depth += 1;
        for item in items {
            block.extend(self.statement(item));
        }
        self.depth -= 1;
        block
    }

    /// `then`, or the single `action`, beside `head`.
    fn then(&mut self, head: &Entry, entries: &[Entry]) -> Block {
        match (get(entries, "then"), get(entries, "action")) {
            (Some(then), None) => self.block(then),
            (None, Some(Entry { key, value })) => {
                if let Node::Mapping(..) = value {
                    return self.action(value).into_iter().collect();
                }
                let message = format!("'action' takes a mapping, and this is {}", value.what());
                let help = "write action: {type: …}; a list stands under 'then:'";
                let loc = if matches!(value, Node::Sequence(..)) { key.loc } else { value.loc() };
                self.error(loc, message, help);
                Block::new()
            }
            (Some(_), Some(action)) => {
                let help = "write the action as an item of 'then'";
                self.error(action.key.loc, "'action' cannot stand beside 'then'", help);
                get(entries, "then").map_or_else(Block::new, |then| self.block(then))
            }
            (None, None) => {
                let message = format!("nothing follows '{}'", head.key.text);
                self.error(head.key.loc, message, "write then: […] or action: {type: …}");
                Block::new()
            }
        }
    }

    /// `if`, with what its `else` holds; an `else` that is another `if` makes no depth.
    fn branch(&mut self, entries: &[Entry]) -> Option<Stmt> {
        let mut arms: Vec<(Loc, Option<Expr>, Block)> = Vec::new();
        let mut otherwise = Block::new();
        let mut entries = entries;
        while let Some(head) = get(entries, "if") {
            let cond = self.expression_of(head);
            let then = self.then(head, entries);
            arms.push((head.key.loc, cond, then));
            let Some(tail) = get(entries, "else") else { break };
            match &tail.value {
                Node::Sequence(_, items)
                    if let [Node::Mapping(_, inner)] = items.as_slice()
                        && is_plain_if(inner) =>
                {
                    if arms.len() >= ELSE_IF_MAX {
                        let text = format!("more than {ELSE_IF_MAX} 'else' in one chain");
                        self.error(tail.key.loc, text, "use a lookup table");
                        break;
                    }
                    entries = inner;
                }
                _ => {
                    otherwise = self.block(tail);
                    break;
                }
            }
        }
        // A condition that could not be read takes its statement along, not the ones before it.
        for (loc, cond, then) in arms.into_iter().rev() {
            match cond {
                Some(cond) => {
                    otherwise = vec![Stmt { loc, kind: StmtKind::If { cond, then, otherwise } }];
                }
                None => otherwise.clear(),
            }
        }
        otherwise.pop()
    }

    fn foreach(&mut self, head: &Entry) -> Option<Stmt> {
        let [variable, collection, body] =
            self.fields(&head.key, &head.value, ["var", "in", "do"], 3)?;
        let help = "write - foreach: {var: $.item, in: $!list, do: […]}";
        let variable = variable.and_then(|entry| self.variable_of(entry, help));
        let collection = collection.and_then(|entry| self.expression_of(entry));
        let body = self.block(body?);
        let (variable, collection) = (variable?, collection?);
        Some(Stmt { loc: head.key.loc, kind: StmtKind::Foreach { variable, collection, body } })
    }

    /// The entries of a statement's mapping by name; the first `needed` of them must be there.
    fn fields<'n, const N: usize>(
        &mut self,
        key: &Word,
        value: &'n Node,
        names: [&str; N],
        needed: usize,
    ) -> Option<[Option<&'n Entry>; N]> {
        let shape = || names.map(|name| format!("{name}: …")).join(", ");
        let name = &key.text;
        let Node::Mapping(_, entries) = value else {
            let message = format!("'{name}' takes a mapping, and this is {}", value.what());
            self.error(value.loc(), message, &format!("write - {name}: {{{}}}", shape()));
            return None;
        };
        let found = names.map(|name| get(entries, name));
        let alien = |entry: &&Entry| !names.contains(&entry.key.text.as_str());
        if let Some(entry) = entries.iter().find(alien) {
            let near = nearest(&entry.key.text, names);
            let help = near.map_or_else(
                || format!("write - {name}: {{{}}}", shape()),
                |near| format!("did you mean '{near}'?"),
            );
            let message = format!("unknown key '{}' of '{name}'", entry.key.text);
            self.error(entry.key.loc, message, &help);
            return Some(found);
        }
        let missing = names.iter().zip(&found).take(needed).find(|(_, found)| found.is_none());
        if let Some((missing, _)) = missing {
            let help = format!("write - {name}: {{{}}}", shape());
            self.error(key.loc, format!("this '{name}' has no '{missing}'"), &help);
        }
        Some(found)
    }

    fn scalar<'n>(&mut self, entry: &'n Entry) -> Option<&'n Scalar> {
        if let Node::Scalar(scalar) = &entry.value {
            return Some(scalar);
        }
        let what = entry.value.what();
        let message = format!("'{}' takes a value, and this is {what}", entry.key.text);
        self.error(entry.value.loc(), message, "write it on the line of its key");
        None
    }

    fn expression_of(&mut self, entry: &Entry) -> Option<Expr> {
        let scalar = self.scalar(entry)?;
        self.expression(scalar)
    }

    fn variable_of(&mut self, entry: &Entry, help: &str) -> Option<Word> {
        let scalar = self.scalar(entry)?;
        self.variable(scalar, help)
    }

    /// The value of `stop` and `continue`: what is not off is on.
    fn switch(&mut self, entry: &Entry) -> bool {
        let Some(scalar) = self.scalar(entry) else { return false };
        let off = ["false", "no", "off", "0"];
        let on = !off.iter().any(|word| scalar.text.eq_ignore_ascii_case(word));
        if !on {
            let message = format!("'{}: {}' is no statement", entry.key.text, scalar.text);
            self.error(scalar.loc, message, "remove it; rsyslog refuses it");
        }
        on
    }
}

/// Whether this is an `if` and nothing that is to be complained about.
fn is_plain_if(entries: &[Entry]) -> bool {
    get(entries, "if").is_some()
        && entries.iter().all(|e| matches!(e.key.text.as_str(), "if" | "then" | "action" | "else"))
}
