//! Rules allocate nothing once their memory is there, whatever they set and call.

use std::fs;
use std::io::Write as _;
use std::sync::Arc;

use bongsu::base::diag::Diagnostics;
use bongsu::base::diag::Loc;
use bongsu::base::span::Span;
use bongsu::config;
use bongsu::config::ast::Object;
use bongsu::lookup::Handle;
use bongsu::lookup::Tables;
use bongsu::message::Batch;
use bongsu::message::Form;
use bongsu::message::InputInfo;
use bongsu::message::Message;
use bongsu::message::PriMask;
use bongsu::message::Source;
use bongsu::message::View;
use bongsu::message::json::Case;
use bongsu::message::json::Object as Members;
use bongsu::message::json::Value;
use bongsu::rules::ActionId;
use bongsu::rules::Definition;
use bongsu::rules::Named;
use bongsu::rules::Programs;
use bongsu::rules::Residual;
use bongsu::rules::Residuals;
use bongsu::rules::Resolver;
use bongsu::rules::RulesetId;
use bongsu::rules::RulesetNames;
use bongsu::rules::Scratch;
use bongsu::rules::Sink;
use bongsu::rules::compile;
use bongsu::template::Options;
use bongsu::template::Template;

use crate::alloc::allocations;

/// The rulesets `main`, `inner` and, with a queue, `queued`; one table.
struct Known(Arc<Handle>);

const RULESETS: [&str; 3] = ["main", "inner", "queued"];

impl Resolver for Known {
    fn action(&mut self, _: &Object, _: &mut Diagnostics) -> Option<ActionId> {
        Some(ActionId(0))
    }

    fn ruleset(&self, name: &str) -> Option<(RulesetId, bool)> {
        let at = RULESETS.iter().position(|known| known.eq_ignore_ascii_case(name))?;
        Some((RulesetId(u32::try_from(at).unwrap()), name == "queued"))
    }

    fn ruleset_names(&self) -> Vec<String> {
        RULESETS.map(str::to_owned).into()
    }

    fn lookup_table(&self, _: &str) -> Option<Arc<Handle>> {
        Some(self.0.clone())
    }

    fn definition(&self, _: Named, _: &str, _: Loc) -> Definition {
        Definition::Before
    }

    fn selector(&self, _: &str, _: Loc, _: &mut Diagnostics) -> Option<PriMask> {
        None
    }
}

/// Counts actions.
struct Counted<'a> {
    inside: &'a [Residual],
    actions: usize,
}

impl Sink for Counted<'_> {
    fn action(&mut self, _: ActionId, _: View<'_>) {
        self.actions += 1;
    }

    fn enqueue(&mut self, ruleset: RulesetId, _: View<'_>) -> Option<Residual> {
        self.inside.get(ruleset.0 as usize).cloned()
    }

    fn residual(&mut self, ruleset: RulesetId, _: View<'_>) -> Option<Residual> {
        self.inside.get(ruleset.0 as usize).cloned()
    }
}

fn batch() -> Batch {
    let input = InputInfo { name: "imtcp".into(), hostname: Arc::from("relay") };
    let mut batch = Batch::new(Arc::new(input));
    batch.sources.push(Arc::new(Source::new(Some([10, 0, 0, 1].into()), None)));
    batch.data = b"a text, not all too short a one".to_vec();
    let all = Span::new(0, batch.data.len());
    batch.messages.push(Message { raw: all, msg: all, ..Message::default() });
    batch
}

/// How often the second round over the rules allocates, and the actions in it.
fn second_round(main: &str) -> (u64, usize) {
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("table.csv");
    fs::write(&file, "prefix,tenant,zone\n10.0.0.0/8,one,two\n").unwrap();
    let mut tables = Tables::default();
    tables.add("net", file.to_str().unwrap(), false).unwrap();
    let mut known = Known(tables.get("net").unwrap().clone());
    let mut diags = Diagnostics::default();
    let inner = "set $.inner = $.t & $msg; action(type=\"omfile\" file=\"/x\")";
    let compiled = [main, inner, inner].map(|text| {
        let config = config::parse_sealed("t.conf", text.as_bytes());
        compile(&config.statements, &mut known, &mut diags)
    });
    let names: RulesetNames =
        RULESETS.iter().map(|name| ((*name).to_owned(), known.ruleset(name).unwrap())).collect();
    let programs = Programs::link(compiled.into(), &mut diags).with_names(names);
    assert!(diags.all.is_empty(), "{:?}", diags.all);
    let mut batch = batch();
    let (source, input) = (batch.sources[0].clone(), batch.input.clone());
    let mut scratch = Scratch::new(&programs);
    let mut residuals = Residuals::beside(&scratch);
    let inside: Vec<_> =
        (0..3).map(|at| residuals.inside(&programs, RulesetId(at), &source, &input)).collect();
    let residual = residuals.get(&programs, RulesetId(0), &source, &input);
    let mut sink = Counted { inside: &inside, actions: 0 };
    for _ in 0..2 {
        residual.run(&mut batch, 0, &mut scratch, &mut sink);
    }
    let before = sink.actions;
    let count = allocations(|| _ = residual.run(&mut batch, 0, &mut scratch, &mut sink));
    (count, sink.actions - before)
}

#[test]
fn rules_do_not_allocate() {
    let set = "set $.t = lookup(\"net\", $fromhost-ip) & '!';";
    for (rules, actions) in [
        ("action(type=\"omfile\" file=\"/x\")", 1),
        ("set $!src = lookup(\"net\", $fromhost-ip); action(type=\"omfile\" file=\"/x\")", 1),
        ("set $.m = $msg; if $.m contains 'text' then action(type=\"omfile\" file=\"/x\")", 1),
        ("call inner\ncall inner", 2),
        ("call_indirect 'IN' & 'ner';", 1),
        ("call queued\ncall_indirect 'queued';", 2),
    ] {
        assert_eq!(second_round(rules), (0, actions), "{rules}");
        assert_eq!(second_round(&format!("{set}\n{rules}")), (0, actions), "{set} {rules}");
    }
}

/// What imfile says of each message (`$!metadata`), as the batch's reader makes it and an action
/// shows it: once its memory is there it costs none.
#[test]
fn what_an_input_gives_does_not_allocate() {
    let mut diags = Diagnostics::default();
    let mut tables = Tables::default();
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("table.csv");
    fs::write(&file, "prefix,tenant\n").unwrap();
    tables.add("net", file.to_str().unwrap(), false).unwrap();
    let mut known = Known(tables.get("net").unwrap().clone());
    let text = "if $!metadata!fileoffset > -1 then action(type=\"omfile\" file=\"/x\")";
    let config = config::parse_sealed("t.conf", text.as_bytes());
    let programs = vec![compile(&config.statements, &mut known, &mut diags)];
    let programs = Programs::link(programs, &mut diags);
    let shown = b"%$!metadata!filename% %$!metadata!fileoffset%\n";
    let options = Options::default();
    let shown = Template::from_string("t", shown, &options, Loc::default(), &mut diags).unwrap();
    assert!(diags.all.is_empty(), "{:?}", diags.all);
    let mut batch = batch();
    let (source, input) = (batch.sources[0].clone(), batch.input.clone());
    let mut scratch = Scratch::new(&programs);
    let residual = Residuals::beside(&scratch).get(&programs, RulesetId(0), &source, &input);
    let message = batch.messages[0];
    let mut out = Vec::new();
    let mut round = |first: bool| {
        out.clear();
        batch.clear();
        batch.sources.push(source.clone());
        let mut inner = Members::default();
        inner.set(b"filename", Value::text(b"/var/log/a"), Case::Sensitive);
        inner.set(b"fileoffset", Value::text(b""), Case::Sensitive);
        let mut tree = Members::default();
        tree.set(b"metadata", Value::Object(inner), Case::Sensitive);
        let form = batch.form(Form { tree, place: Some(["metadata", "fileoffset"]) });
        let count = allocations(|| {
            for offset in 0..100_u32 {
                let start = batch.data.len();
                write!(batch.data, "{offset}").unwrap();
                batch.messages.push(message);
                batch.give_formed(form, Span::new(start, batch.data.len()));
            }
            for index in 0..100 {
                let mut sink = Shown { template: &shown, out: &mut out };
                residual.run(&mut batch, index, &mut scratch, &mut sink);
            }
        });
        assert!(first || count == 0, "{count} allocations");
    };
    round(true);
    round(false);
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.lines().count(), 100);
    assert!(text.starts_with("/var/log/a 0\n/var/log/a 1\n"), "{text}");
    assert!(text.ends_with("/var/log/a 99\n"), "{text}");
}

/// Renders what reaches an action.
struct Shown<'a> {
    template: &'a Template,
    out: &'a mut Vec<u8>,
}

impl Sink for Shown<'_> {
    fn action(&mut self, _: ActionId, view: View<'_>) {
        self.template.render(view, self.out);
    }

    fn enqueue(&mut self, _: RulesetId, _: View<'_>) -> Option<Residual> {
        None
    }

    fn residual(&mut self, _: RulesetId, _: View<'_>) -> Option<Residual> {
        None
    }
}
