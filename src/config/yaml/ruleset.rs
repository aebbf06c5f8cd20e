//! `rulesets`: parameters, and what is done in one of three forms.

use crate::base::diag::Loc;
use crate::config::ast::Block;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::ast::Stmt;
use crate::config::ast::StmtKind;
use crate::config::yaml::Reader;
use crate::config::yaml::embed::Filter;
use crate::config::yaml::tree::Entry;
use crate::config::yaml::tree::Node;

/// What stands outside of rulesets in RainerScript.
const DEFAULT: &str = "RSYSLOG_DefaultRuleset";

/// Keys that are no parameters.
const BODIES: [&str; 4] = ["script", "statements", "filter", "actions"];

/// The keys of [`BODIES`] that a ruleset has.
#[derive(Default)]
struct Body<'n> {
    script: Option<&'n Entry>,
    statements: Option<&'n Entry>,
    filter: Option<&'n Entry>,
    actions: Option<&'n Entry>,
}

impl Reader<'_> {
    pub(super) fn ruleset(&mut self, item: &Node) {
        let list = "rulesets";
        let Some(entries) = self.entries(list, "name", item) else { return };
        let Some(loc) = self.needed(list, "name", entries) else { return };
        let mut params = Vec::new();
        let mut body = Body::default();
        for entry in entries {
            let name = entry.key.text.as_str();
            let wrong_case = BODIES.iter().find(|known| known.eq_ignore_ascii_case(name));
            match (name, wrong_case) {
                ("script", _) => body.script = Some(entry),
                ("statements", _) => body.statements = Some(entry),
                ("filter", _) => body.filter = Some(entry),
                ("actions", _) => body.actions = Some(entry),
                (_, Some(known)) => {
                    let message = format!("unknown key '{name}' of a ruleset");
                    let help = format!("letter case counts: write '{known}'");
                    self.error(entry.key.loc, message, &help);
                }
                _ => params.push(entry),
            }
        }
        let object = self.object(ObjectKind::Ruleset, loc, params.into_iter());
        let script = self.body(&body);
        let Some(object) = object else { return };
        if object.text("name").is_some_and(|(name, _)| name.eq_ignore_ascii_case(DEFAULT)) {
            return self.default_ruleset(&object, script);
        }
        self.load.declare(Object { script, ..object });
    }

    fn default_ruleset(&mut self, object: &Object, script: Block) {
        for param in object.params.iter().filter(|p| !p.name.text.eq_ignore_ascii_case("name")) {
            let message = format!("the default ruleset takes no '{}'", param.name.text);
            self.error(param.name.loc, message, "its queue is 'mainqueue:'");
        }
        for statement in script {
            self.load.push_default(statement);
        }
    }

    fn body(&mut self, body: &Body<'_>) -> Block {
        let mut given = [body.script, body.statements, body.actions.or(body.filter)]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>();
        given.sort_by_key(|entry| entry.key.loc.start);
        if let [first, second, ..] = given[..] {
            let (one, two) = (&first.key.text, &second.key.text);
            let message = format!("'{two}' cannot stand beside '{one}'");
            let help = "a ruleset has 'script', or 'statements', or 'filter' and 'actions'";
            self.error(second.key.loc, message, help);
        }
        match given.first().map(|entry| entry.key.text.as_str()) {
            Some("script") => body.script.map_or_else(Block::new, |entry| self.text(entry)),
            Some("statements") => body.statements.map_or_else(Block::new, |entry| {
                let mut block = Block::new();
                for item in self.items(&entry.key, &entry.value, "type") {
                    block.extend(self.statement(item));
                }
                block
            }),
            Some(_) => self.filtered(body),
            None => Block::new(),
        }
    }

    fn text(&mut self, entry: &Entry) -> Block {
        if let Node::Scalar(scalar) = &entry.value {
            return self.script(scalar);
        }
        let message = format!("'script' takes text, and this is {}", entry.value.what());
        let help = "write it below 'script: |', or the list below 'statements:'";
        self.error(entry.value.loc(), message, help);
        Block::new()
    }

    /// `filter` and `actions`.
    fn filtered(&mut self, body: &Body<'_>) -> Block {
        let mut block = Block::new();
        match (body.actions, body.filter) {
            (Some(Entry { key, value }), _) => {
                for item in self.items(key, value, "type") {
                    block.extend(self.action_item(item));
                }
            }
            (None, Some(filter)) => {
                let help = "write what is to be done: actions: [{type: …}]";
                self.error(filter.key.loc, "'filter' has no 'actions' beside it", help);
                return block;
            }
            (None, None) => {}
        }
        match body.filter {
            Some(filter) => self.under(filter, block).into_iter().collect(),
            None => block,
        }
    }

    /// The statements under a filter. An empty one is none. `None` if it is wrong.
    fn under(&mut self, entry: &Entry, then: Block) -> Option<Stmt> {
        let Node::Scalar(scalar) = &entry.value else {
            let what = entry.value.what();
            let message = format!("'filter' takes a value, and this is {what}");
            self.error(entry.value.loc(), message, "write a selector, e.g. \"*.info\"");
            return None;
        };
        let (filter, loc) = self.filter(scalar)?;
        Some(filter_statement(filter, loc, then))
    }
}

pub(super) fn filter_statement(filter: Filter, loc: Loc, then: Block) -> Stmt {
    let kind = match filter {
        Filter::Pri { filter, text } => StmtKind::PriFilter { filter, text, then },
        Filter::Property(filter) => StmtKind::PropertyFilter { filter, then },
    };
    Stmt { loc, kind }
}
