//! What is done once per source comes to the same as what is done for each message.

use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;

use proptest::prelude::*;

use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::reporter::Said;
use crate::config::ast::Object;
use crate::config::parse_text;
use crate::lookup::Handle;
use crate::lookup::Tables;
use crate::message::Batch;
use crate::message::PriMask;
use crate::message::Source;
use crate::message::Variable;
use crate::message::View;
use crate::message::json;
use crate::rules::ActionId;
use crate::rules::Definition;
use crate::rules::Named;
use crate::rules::Programs;
use crate::rules::Residual;
use crate::rules::Residuals;
use crate::rules::Resolver;
use crate::rules::RulesetId;
use crate::rules::RulesetNames;
use crate::rules::Scratch;
use crate::rules::Sink;
use crate::rules::compile;
use crate::rules::testkit::Names;
use crate::rules::testkit::batch;

/// A table of networks, called `x`, whose values are objects or texts.
const TABLE: &str = r#"{"nomatch":"none","type":"cidr","table":[
{"index":"10.0.0.1/32","value":{"tag":"t","a":"deep","n":7,"in":{"er":"most"}}},
{"index":"10.0.0.2/32","value":"A"},{"index":"10.0.0.3/32","value":"3"}]}"#;

/// The rulesets `r0`, `r1` … (`q1` where they have a queue), and the table.
struct Tabled {
    names: Names,
    table: Arc<Handle>,
}

impl Resolver for Tabled {
    fn action(&mut self, object: &Object, diags: &mut Diagnostics) -> Option<ActionId> {
        self.names.action(object, diags)
    }

    fn ruleset(&self, name: &str) -> Option<(RulesetId, bool)> {
        self.names.ruleset(name)
    }

    fn ruleset_names(&self) -> Vec<String> {
        self.names.ruleset_names()
    }

    fn definition(&self, named: Named, name: &str, at: Loc) -> Definition {
        self.names.definition(named, name, at)
    }

    fn lookup_table(&self, _: &str) -> Option<Arc<Handle>> {
        Some(self.table.clone())
    }

    fn selector(&self, text: &str, loc: Loc, diags: &mut Diagnostics) -> Option<PriMask> {
        self.names.selector(text, loc, diags)
    }
}

/// A table that stands in a file, which is replaced by `text`.
fn tables(dir: &tempfile::TempDir, text: &str) -> (Tables, Arc<Handle>) {
    let file = dir.path().join("table.json");
    fs::write(&file, text).unwrap();
    let mut tables = Tables::default();
    tables.add("x", file.to_str().unwrap(), true).unwrap();
    let table = tables.get("x").unwrap().clone();
    (tables, table)
}

fn programs(rulesets: &[String], table: &Arc<Handle>) -> Programs {
    let names = Names { rulesets: u32::try_from(rulesets.len()).unwrap() };
    let mut resolver = Tabled { names, table: table.clone() };
    let mut diags = Diagnostics::default();
    let compiled = rulesets.iter().map(|text| {
        let config = parse_text("t", text.as_bytes());
        assert!(config.diagnostics.all.is_empty(), "{text}: {:?}", config.diagnostics.all);
        compile(&config.statements, &mut resolver, &mut diags)
    });
    let compiled = compiled.collect();
    let by_name = (0..rulesets.len()).map(|at| {
        let id = RulesetId(u32::try_from(at).unwrap());
        (format!("r{at}"), (id, false))
    });
    Programs::link(compiled, &mut diags).with_names(by_name.collect::<RulesetNames>())
}

/// Notes each action, and the variables that its message has by then.
struct Noted<'a> {
    programs: &'a Programs,
    residuals: Residuals,
    text: String,
}

impl Sink for Noted<'_> {
    fn action(&mut self, action: ActionId, view: View<'_>) {
        write!(self.text, "{}", action.0).unwrap();
        for tree in [&b"!"[..], b".", b"/"] {
            let root = Variable::parse(tree).unwrap();
            let mut shown = Vec::new();
            view.variables.with(&root, |value| {
                if let Some(value) = value {
                    value.write_text(&mut shown);
                }
            });
            self.text.push_str(std::str::from_utf8(&shown).unwrap());
            self.text.push(' ');
        }
        self.text.push('\n');
    }

    fn enqueue(&mut self, ruleset: RulesetId, view: View<'_>) -> Option<Residual> {
        self.residual(ruleset, view)
    }

    fn residual(&mut self, ruleset: RulesetId, view: View<'_>) -> Option<Residual> {
        let source = &view.batch.sources[usize::from(view.message.source)];
        Some(self.residuals.inside(self.programs, ruleset, source, &view.batch.input))
    }
}

fn from(ip: &str, msg: &str) -> Batch {
    batch(Source::new(ip.parse().ok(), Some("host")), "imudp", &[(13, "app", msg)])
}

/// What all messages of some sources, in turns, come to.
fn noted(programs: &Programs) -> String {
    let mut scratch = Scratch::new(programs);
    let mut residuals = Residuals::beside(&scratch);
    let mut sink = Noted { programs, residuals: Residuals::beside(&scratch), text: String::new() };
    for (ip, msg) in [
        ("10.0.0.1", "one"),
        ("10.0.0.1", "two"),
        ("10.0.0.2", "one"),
        ("10.0.0.1", "one"),
        ("10.0.0.3", "3"),
        ("10.0.0.3", "two"),
        ("192.0.2.1", "none"),
        ("10.0.0.2", "A"),
    ] {
        let mut batch = from(ip, msg);
        let (source, input) = (batch.sources[0].clone(), batch.input.clone());
        let residual = residuals.get(programs, RulesetId(0), &source, &input);
        writeln!(sink.text, "{ip} {msg}").unwrap();
        match residual.always() {
            // As a shard does it.
            Some(actions) => {
                actions.iter().for_each(|action| sink.action(*action, residual.view(&batch, 0)));
            }
            None => _ = residual.run(&mut batch, 0, &mut scratch, &mut sink),
        }
    }
    sink.text
}

/// Statements that may be followed by others; `1` stands for what is inside.
const STATEMENTS: [&str; 36] = [
    "set $.a = lookup(\"x\", $fromhost-ip);",
    "set $!o = lookup(\"x\", $fromhost-ip);",
    "set $. = lookup(\"x\", $fromhost-ip);",
    "reset $.a = lookup(\"x\", $fromhost-ip);",
    "set $.a = lookup(\"x\", \"10.0.0.2\");",
    "set $.a = lookup(\"x\", $msg);",
    "set $.b = $.a & '-' & $fromhost;",
    "set $.b = $!o!tag;",
    "set $.a!b = $.b;",
    "set $!o!tag = 'other';",
    "set $!o!in!er = $.a;",
    "reset $!o = $.a;",
    "set $.a = $msg;",
    "set $.n = 1 + $.n;",
    "set $/g = $/g + 1;",
    "set $.a = $/g;",
    "unset $.a;",
    "unset $!o!tag;",
    "unset $!;",
    "action(id=\"1\")",
    "action(id=\"2\")",
    "if $.a == 'A' then { 1 }",
    "if $.a == 'A' then { 1 } else { 2 }",
    "if $!o!tag == 't' then { 1 } else if $msg == 'one' then { 2 }",
    "if $msg == 'one' then { 1 } else if $.a == '3' then { 2 }",
    "if lookup(\"x\", $fromhost-ip) == 'A' then { 1 } else { 2 }",
    "if lookup(\"x\", $fromhost-ip) == $.a and $msg == 'one' then { 1 }",
    "if exists($.b) or not exists($!o) then { 1 }",
    "if $.n > 1 then { 1 }",
    "if $/g > 2 then { 1 }",
    "if $fromhost-ip == '10.0.0.2' then { 1 }",
    "foreach ($.each in $!o) do { 1 }",
    "call r1",
    "call q1",
    "call_indirect 'R' & $.n;",
    "if $.a == 'A' then stop",
];

fn ruleset() -> impl Strategy<Value = String> {
    let leaf = proptest::sample::select(&STATEMENTS[..21]).prop_map(str::to_owned);
    let any = leaf.prop_recursive(3, 24, 4, |inner| {
        let block = prop::collection::vec(inner, 1..4).prop_map(|block| block.join("\n"));
        (proptest::sample::select(&STATEMENTS[..]), block.clone(), block).prop_map(
            |(statement, one, two)| match statement.split_once("{ 1 }") {
                Some((head, tail)) => {
                    format!("{head}{{ {one} }}{tail}").replace("{ 2 }", &{ format!("{{ {two} }}") })
                }
                None => statement.to_owned(),
            },
        )
    });
    prop::collection::vec(any, 1..7).prop_map(|statements| statements.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Where a test of the message stands first, nothing behind it is known beforehand.
    #[test]
    fn what_is_known_beforehand_is_what_each_message_finds(
        main in ruleset(),
        called in ruleset(),
    ) {
        let called = called.replace("call r1", "stop").replace("call q1", "continue");
        let called = called.replace("call_indirect 'R' & $.n;", "continue");
        let dir = tempfile::TempDir::new().unwrap();
        let (_, table) = tables(&dir, TABLE);
        let end = "\naction(id=\"9\")";
        let late = "if $msg == 'never' then { set $.never = 1; }\n";
        let early = [format!("{main}{end}"), called.clone()];
        let late = [format!("{late}{main}{end}"), called];
        let (early, late) = (programs(&early, &table), programs(&late, &table));
        prop_assert_eq!(noted(&early), noted(&late));
    }
}

#[test]
fn a_source_is_looked_up_once() {
    let dir = tempfile::TempDir::new().unwrap();
    let (_, table) = tables(&dir, TABLE);
    let rules = "set $.a = lookup(\"x\", $fromhost-ip); set $.b = $.a & '!';\n\
                 if $.b == 'A!' then { action(id=\"1\") stop }\naction(id=\"2\")";
    let programs = programs(&[rules.to_owned()], &table);
    let mut residuals = Residuals::default();
    let mut get = |ip: &str| {
        let source = Source::new(ip.parse().ok(), None);
        residuals.get(&programs, RulesetId(0), &source, &from(ip, "").input)
    };
    // Nothing is left but the actions, and who differs in nothing but values shares them.
    let always = |residual: &Residual| residual.always().map(<[_]>::to_vec);
    assert_eq!(always(&get("10.0.0.2")), Some(vec![ActionId(1)]));
    assert_eq!(always(&get("10.0.0.3")), Some(vec![ActionId(2)]));
    assert!(get("10.0.0.3").is_shared_with(&get("10.0.0.1")));
    assert!(!get("10.0.0.3").is_shared_with(&get("10.0.0.2")));
    for n in 0..1000_u32 {
        _ = get(&std::net::Ipv4Addr::from_bits(n).to_string());
    }
    assert_eq!(residuals.len(), 3);
}

/// Until somebody says so: then all of it.
#[test]
fn a_table_that_is_read_again_counts_after_the_next_look() {
    let dir = tempfile::TempDir::new().unwrap();
    let (tables, table) = tables(&dir, TABLE);
    let rules = "set $.a = lookup(\"x\", $fromhost-ip); set $.b = lookup(\"x\", $msg);\n\
                 if lookup(\"x\", $fromhost-ip) == 'B' then action(id=\"1\") else action(id=\"2\")";
    let programs = programs(&[rules.to_owned()], &table).with_epoch(tables.epoch().clone());
    let mut scratch = Scratch::new(&programs);
    let mut residuals = Residuals::beside(&scratch);
    let mut run = |scratch: &mut Scratch| {
        let mut batch = from("10.0.0.2", "10.0.0.2");
        let (source, input) = (batch.sources[0].clone(), batch.input.clone());
        let residual = residuals.get(&programs, RulesetId(0), &source, &input);
        let residuals = Residuals::beside(scratch);
        let mut sink = Noted { programs: &programs, residuals, text: String::new() };
        residual.run(&mut batch, 0, scratch, &mut sink);
        sink.text
    };
    let before = programs.epoch().now();
    assert_eq!(run(&mut scratch), "2 { \"a\": \"A\", \"b\": \"A\" }  \n");
    fs::write(dir.path().join("table.json"), TABLE.replace("\"A\"", "\"B\"")).unwrap();
    table.reload(None, &Said::default());
    assert_ne!(programs.epoch().now(), before);
    assert_eq!(run(&mut scratch), "2 { \"a\": \"A\", \"b\": \"A\" }  \n");
    scratch.refresh();
    assert_eq!(run(&mut scratch), "1 { \"a\": \"B\", \"b\": \"B\" }  \n");
}

/// An input gives messages variables (`$!metadata`): what follows from the source alone is still
/// found, and what was decided for messages without variables is not.
#[test]
fn what_a_message_brings_is_there_from_the_start() {
    let dir = tempfile::TempDir::new().unwrap();
    let (_, table) = tables(&dir, TABLE);
    let rules = "set $.a = lookup(\"x\", $fromhost-ip);\n\
                 if $!file == 'x' and $.a == 'A' then action(id=\"1\") else action(id=\"2\")";
    let programs = programs(&[rules.to_owned()], &table);
    let mut scratch = Scratch::new(&programs);
    let residuals = Residuals::beside(&scratch);
    let mut sink = Noted { programs: &programs, residuals, text: String::new() };
    let mut batch = from("10.0.0.2", "one");
    batch.messages.push(batch.messages[0]);
    batch.give(json::parse(b"{\"file\": \"x\"}", json::Case::default()));
    batch.messages.push(batch.messages[0]);
    let (source, input) = (batch.sources[0].clone(), batch.input.clone());
    let residual = Residuals::beside(&scratch).get(&programs, RulesetId(0), &source, &input);
    for message in 0..3 {
        assert!(!residual.run(&mut batch, message, &mut scratch, &mut sink));
    }
    let plain = "2 { \"a\": \"A\" }  \n";
    assert_eq!(sink.text, format!("{plain}1{{ \"file\": \"x\" }} {{ \"a\": \"A\" }}  \n{plain}"));
}
