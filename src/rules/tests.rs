//! The compiler against rsyslogd's answers and against the slow twin.

use proptest::prelude::*;

use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::diag::Severity;
use crate::config::ast::BinaryOp;
use crate::config::ast::Block;
use crate::config::ast::Expr;
use crate::config::ast::FilterOperation;
use crate::config::ast::Stmt;
use crate::config::ast::StmtKind;
use crate::message::Batch;
use crate::message::PriMask;
use crate::message::Property;
use crate::message::Source;
use crate::message::Variables;
use crate::rules::ActionId;
use crate::rules::Programs;
use crate::rules::Residual;
use crate::rules::Residuals;
use crate::rules::RulesetId;
use crate::rules::Scratch;
use crate::rules::call::tables::Asked;
use crate::rules::ir::Arm;
use crate::rules::ir::Node;
use crate::rules::ir::Placed;
use crate::rules::live::Origin;
use crate::rules::live::Properties;
use crate::rules::testkit::*;
use crate::rules::twin;

const RELATIONS: [(&str, BinaryOp); 6] = [
    ("==", BinaryOp::Equal),
    ("!=", BinaryOp::NotEqual),
    ("<", BinaryOp::Less),
    ("<=", BinaryOp::LessEqual),
    (">", BinaryOp::Greater),
    (">=", BinaryOp::GreaterEqual),
];

/// What the rulesets do with the messages of a batch, one trace for all.
fn trace(programs: &Programs, batch: &Batch) -> String {
    let residual = programs.specialise(RulesetId(0), &batch.sources[0], &batch.input);
    let mut scratch = Scratch::default();
    let mut trace = Trace::default();
    let mut batch = batch.clone();
    for index in 0..batch.messages.len() {
        residual.run(&mut batch, index, &mut scratch, &mut trace);
    }
    trace.0
}

fn compiled(rulesets: &[Block]) -> Programs {
    let mut diags = Diagnostics::default();
    let programs = programs(rulesets, &mut diags);
    assert!(diags.all.is_empty(), "{:?}", diags.all);
    programs
}

fn holds(cond: Expr, batch: &Batch) -> bool {
    !trace(&compiled(&[vec![when(cond, vec![action(1)], vec![])]]), batch).is_empty()
}

/// The errors and warnings of `rulesets`.
fn complaints(rulesets: &[Block]) -> Vec<(Severity, String)> {
    let mut diags = Diagnostics::default();
    let _programs = programs(rulesets, &mut diags);
    diags.all.into_iter().map(|d| (d.severity, d.message)).collect()
}

#[test]
fn comparisons_are_rsyslogs() {
    let data = include_str!("../../tests/data/rules/compare.json");
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    let mut rows = 0;
    for kind in ["text_text", "text_number", "number_text", "sum_number"] {
        for row in data[kind].as_array().unwrap() {
            let batch = one(row[0].as_str().unwrap());
            let expected = row[2].as_str().unwrap();
            let right = || match row[1].as_i64() {
                Some(n) => number(n),
                None => text(row[1].as_str().unwrap()),
            };
            for ((sign, op), bit) in RELATIONS.iter().zip(expected.chars()) {
                let cond = match kind {
                    "number_text" => binary(*op, right(), var("msg")),
                    "sum_number" => {
                        let sum = binary(BinaryOp::Add, var("msg"), number(0));
                        binary(*op, sum, right())
                    }
                    _ => binary(*op, var("msg"), right()),
                };
                assert_eq!(holds(cond, &batch), bit == '1', "{kind} {sign} {row}");
                rows += 1;
            }
        }
    }
    assert_eq!(rows, 6048);
}

/// `if … then`, rsyslogd 8.2302, for messages `abc`, `010`, empty, `0` and `5`.
#[test]
fn operators_are_rsyslogs() {
    use BinaryOp::*;
    let m = || var("msg");
    let on = |op, right| binary(op, var("msg"), right);
    let table = [
        (m(), "01001"),
        (negation(m()), "10110"),
        (binary(And, m(), number(1)), "01001"),
        (binary(Or, m(), number(0)), "01001"),
        (function("re_match", vec![m(), text("^[0-9]")]), "01011"),
        (function("re_match", vec![m(), text("a|0")]), "11010"),
        (on(Equal, array(&["abc", "010"])), "11000"),
        (on(NotEqual, array(&["abc", "010"])), "00111"),
        (on(Less, array(&["abc", "010"])), "01111"),
        (on(LessEqual, array(&["abc", "010"])), "11111"),
        (on(Greater, array(&["abc", "010"])), "00000"),
        (on(GreaterEqual, array(&["abc", "010"])), "10000"),
        (on(Contains, array(&["b", "10"])), "11000"),
        (on(ContainsI, array(&["B", "10"])), "11000"),
        (on(StartsWith, array(&["ab", "01"])), "11000"),
        (on(Contains, text("")), "11111"),
        (on(StartsWith, text("")), "11111"),
        (on(ContainsI, text("")), "11111"),
        (on(Contains, number(1)), "01000"),
        (on(StartsWith, number(0)), "01010"),
        (binary(Contains, number(1), m()), "00100"),
        (binary(StartsWith, number(10), text("1")), "11111"),
        (on(ContainsI, text("BC")), "10000"),
        (binary(ContainsI, text("abc"), m()), "10100"),
        (binary(Equal, number(5), array(&["05"])), "11111"),
        (binary(NotEqual, number(5), array(&["05"])), "00000"),
        (binary(Less, number(8), array(&["7", "10"])), "00000"),
        (binary(Less, text("5"), array(&["10"])), "11111"),
        (binary(Equal, array(&["a", "b"]), m()), "00000"),
        (binary(Contains, array(&["a", "b"]), text("a")), "11111"),
        (on(Equal, m()), "11111"),
        (on(GreaterEqual, number(-5)), "11111"),
        (is("pri", "013"), "00000"),
        (binary(Equal, var("pri"), number(13)), "11111"),
        (binary(Less, var("syslogseverity"), text("7")), "11111"),
        (text("5abc"), "11111"),
        (text("abc"), "00000"),
        (binary(Equal, binary(Equal, number(1), number(1)), text("1")), "11111"),
        (binary(Equal, text("010"), number(10)), "11111"),
        (function("prifilt", vec![text("mail.*")]), "00000"),
    ];
    for (cond, bits) in table {
        for (msg, bit) in ["abc", "010", "", "0", "5"].into_iter().zip(bits.chars()) {
            assert_eq!(holds(cond.clone(), &one(msg)), bit == '1', "{cond:?} with {msg:?}");
        }
    }
}

/// `set $.r = …`, rsyslogd 8.2302.
#[test]
fn values_are_rsyslogs() {
    use BinaryOp::*;
    let add = |left, right| binary(Add, left, right);
    let constant = || text("010");
    let table = [
        (add(text("010"), number(0)), "8"),
        (add(var("msg"), constant()), "20"),
        (minus(constant()), "-10"),
        (add(number(-3), constant()), "5"),
        (add(add(number(1), number(2)), constant()), "11"),
        (add(binary(Equal, number(1), number(1)), constant()), "11"),
        (add(function("cnum", vec![text("8")]), constant()), "18"),
        (add(array(&["010"]), number(0)), "10"),
        (add(binary(Concat, number(5), number(5)), constant()), "63"),
        (add(function("tolower", vec![constant()]), number(0)), "10"),
        (add(binary(Concat, text("0"), text("10")), number(0)), "8"),
        (function("cnum", vec![constant()]), "8"),
        (function("cnum", vec![binary(Concat, text("0"), text("10"))]), "10"),
        (function("cnum", vec![var("msg")]), "10"),
        (function("strlen", vec![minus(number(1))]), "2"),
        (function("strlen", vec![binary(Concat, var("msg"), text("é"))]), "5"),
        (binary(Concat, var("msg"), array(&["x", "y"])), "010x"),
        (binary(Concat, binary(Equal, number(1), number(1)), text("x")), "1x"),
        (function("tolower", vec![binary(Concat, var("msg"), text("ÄZ"))]), "010Äz"),
        (binary(Divide, var("msg"), number(0)), "0"),
        (binary(Modulo, number(-7), number(3)), "-1"),
        (function("cnum", vec![binary(Concat, var("msg"), text("9"))]), "109"),
    ];
    for (expr, expected) in table {
        let cond = is_text(expr.clone(), expected);
        assert!(holds(cond, &one("010")), "{expr:?} is not {expected:?}");
    }
}

/// Whether the value, written as text, is `expected`.
fn is_text(value: Expr, expected: &str) -> Expr {
    let value = function("cstr", vec![value]);
    binary(BinaryOp::Equal, value, text(expected))
}

/// rsyslogd 8.2302: stopping in a ruleset that is called stops the message, in one with a queue
/// of its own it does not.
#[test]
fn stop_goes_through_calls() {
    let main = vec![action(1), call("q2"), call("r1"), action(2)];
    let called = vec![action(3), when(is("msg", "stop"), vec![stop()], vec![]), action(4)];
    let programs = compiled(&[main, called, vec![stop()]]);
    assert_eq!(trace(&programs, &one("go")), "a1:3 q2:3 a3:3 a4:3 a2:3 ");
    assert_eq!(trace(&programs, &one("stop")), "a1:3 q2:3 a3:3 ");
}

#[test]
fn property_filters_match() {
    use FilterOperation::*;
    for (negated, operation, value, expected) in [
        (false, Contains, "ell", true),
        (true, Contains, "ell", false),
        (false, ContainsI, "ELL", true),
        (false, IsEqual, "hello", true),
        (true, IsEqual, "hell", true),
        (false, IsEmpty, "", false),
        (true, IsEmpty, "", true),
        (false, StartsWith, "he", true),
        (false, StartsWithI, "HE", true),
        (false, StartsWithI, "HELLO, ", false),
        (false, EndsWith, "lo", true),
        (false, Regex, "h\\(e\\)l*o", true),
        (false, Ereregex, "^(he|xx)l{2}o$", true),
        (true, Ereregex, "^l", true),
        (false, Ereregex, "^l", false),
    ] {
        let rule = filter("msg", negated, operation, value, vec![action(1)]);
        let ran = !trace(&compiled(&[vec![rule]]), &one("hello")).is_empty();
        assert_eq!(ran, expected, "{negated} {operation:?} {value:?}");
    }
}

#[test]
fn what_cannot_be_compiled_is_left_out_and_said_to_be() {
    let bad = [
        var("nosuch"),
        function("lookup", vec![text("t"), var("msg")]),
        function("tolowr", vec![var("msg")]),
        function("strlen", vec![]),
        function("re_match", vec![var("msg"), text("[0")]),
        function("re_match", vec![var("msg"), var("msg")]),
        function("prifilt", vec![text("nosuch.*")]),
        binary(BinaryOp::Equal, var("msg"), array(&[])),
    ];
    for cond in bad {
        for cond in [cond.clone(), negation(cond.clone()), binary(BinaryOp::Or, number(1), cond)] {
            let rule = when(cond.clone(), vec![action(1)], vec![action(2)]);
            let mut diags = Diagnostics::default();
            let programs = programs(&[vec![rule, action(3)]], &mut diags);
            let severities: Vec<_> = diags.all.iter().map(|d| d.severity).collect();
            let unbuilt = diags.all.iter().any(|d| d.unbuilt);
            let first = if unbuilt { Severity::Warning } else { Severity::Error };
            assert_eq!(severities, [first, Severity::Note], "{cond:?}");
            assert_eq!(trace(&programs, &one("x")), "a3:3 ", "{cond:?}");
        }
    }
    let rule = filter("msg", true, FilterOperation::Ereregex, "(", vec![action(1)]);
    assert_eq!(
        complaints(&[vec![rule]])[0].1,
        "bad regular expression (unmatched (): every message passes"
    );
}

#[test]
fn complaints_help() {
    let mut diags = Diagnostics::default();
    let rules = vec![
        call("rl"),
        when(is("msgg", "x"), vec![], vec![]),
        when(function("strlne", vec![]), vec![], vec![]),
    ];
    let _programs = programs(&[rules], &mut diags);
    let help: Vec<_> = diags.all.iter().filter_map(|d| d.help.as_deref()).collect();
    assert_eq!(help, ["did you mean 'r0'?", "did you mean '$msg'?", "did you mean 'strlen'?"]);
}

#[test]
fn what_never_runs_is_warned_of() {
    let ends = when(is("msg", "x"), vec![stop()], vec![action(1), stop()]);
    let warnings = complaints(&[vec![ends, action(2), action(3)]]);
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].0, Severity::Warning);
    assert_eq!(complaints(&[vec![stop(), stop()]]), []);
}

#[test]
fn endless_calls_are_cut_and_named() {
    let rulesets = [
        vec![call("r1"), action(1)],
        vec![action(2), call("r2")],
        vec![when(is("msg", "x"), vec![call("r1")], vec![]), action(3)],
    ];
    let mut diags = Diagnostics::default();
    let programs = programs(&rulesets, &mut diags);
    let messages: Vec<_> = diags.all.iter().map(|d| d.message.as_str()).collect();
    assert_eq!(messages, ["'call r1' is left out: it would never end (r1 -> r2 -> r1)"]);
    assert_eq!(trace(&programs, &one("x")), "a2:3 a3:3 a1:3 ");
}

/// A queue between them does not end it: each message would be there for ever.
#[test]
fn endless_calls_by_way_of_queues_are_cut_too() {
    let rulesets =
        [vec![call("q1"), action(1)], vec![action(2), call("q2")], vec![call("q1"), action(3)]];
    let mut diags = Diagnostics::default();
    let programs = programs(&rulesets, &mut diags);
    let messages: Vec<_> = diags.all.iter().map(|d| d.message.as_str()).collect();
    assert_eq!(messages, ["'call q1' is left out: it would never end (q1 -> q2 -> q1)"]);
    let batch = one("x");
    let residual = programs.specialise(RulesetId(0), &batch.sources[0], &batch.input);
    assert_eq!(residual.actions(), [1, 2, 3].map(ActionId), "also those behind queues");
}

#[test]
fn deep_calls_are_cut() {
    let chain = |n: u32| -> Vec<Block> {
        (0..n)
            .map(
                |at| if at + 1 < n { vec![call(&format!("r{}", at + 1))] } else { vec![action(1)] },
            )
            .collect()
    };
    assert_eq!(complaints(&chain(64)), []);
    assert_eq!(complaints(&chain(65)).len(), 1);
    let mut backwards = chain(65);
    backwards.reverse();
    for (at, block) in backwards.iter_mut().enumerate().skip(1) {
        *block = vec![call(&format!("r{}", at - 1))];
    }
    assert_eq!(complaints(&backwards).len(), 1);
}

/// Each of 40 rulesets calls the next one twice: 2^40 places, 40 rulesets.
#[test]
fn shared_calls_do_not_multiply() {
    let mut rulesets: Vec<Block> =
        (1..40).map(|next| vec![call(&format!("r{next}")), call(&format!("r{next}"))]).collect();
    rulesets.push(vec![when(is("msg", "x"), vec![stop()], vec![stop()])]);
    let programs = compiled(&rulesets);
    assert_eq!(trace(&programs, &one("x")), "");
}

#[test]
fn long_chains_are_walked_not_nested() {
    let any = (0..2_000)
        .fold(is("fromhost", "x"), |left, n| binary(BinaryOp::Or, left, is("msg", &n.to_string())));
    assert!(holds(any.clone(), &one("1999")));
    assert!(!holds(any, &one("2000")));
    let mut chain = vec![action(0)];
    for n in 0..2_000 {
        chain = vec![when(is("msg", &n.to_string()), vec![action(n)], chain)];
    }
    assert_eq!(trace(&compiled(std::slice::from_ref(&chain)), &one("0")), "a0:3 ");
}

#[test]
fn what_the_source_decides_is_gone() {
    let mut rules: Block = (0..100)
        .map(|n| when(is("fromhost-ip", &format!("10.0.0.{n}")), vec![action(n)], vec![]))
        .collect();
    rules.push(when(is("inputname", "imtcp"), vec![stop()], vec![]));
    rules.push(when(
        binary(
            BinaryOp::And,
            binary(BinaryOp::NotEqual, var("fromhost-ip"), text("10.0.0.200")),
            binary(BinaryOp::Contains, var("msg"), text("x")),
        ),
        vec![action(200)],
        vec![],
    ));
    let programs = compiled(&[rules]);
    let from = |ip: &str, input| batch(Source::new(ip.parse().ok(), None), input, &[(0, "", "x")]);
    let residual =
        |batch: &Batch| programs.specialise(RulesetId(0), &batch.sources[0], &batch.input);
    let known = residual(&from("10.0.0.7", "imtcp"));
    assert_eq!(known.always().map(|a| a.iter().map(|a| a.0).collect()), Some(vec![7]));
    let unknown = residual(&from("10.0.1.1", "imtcp"));
    assert!(unknown.is_empty());
    let excepted = residual(&from("10.0.0.200", "imudp"));
    assert!(excepted.is_empty());
    let mixed = residual(&from("10.0.0.7", "imudp"));
    assert!(mixed.always().is_none());
    assert_eq!(trace(&programs, &from("10.0.0.7", "imudp")), "a7:0 a200:0 ");
}

#[test]
fn sources_that_the_rules_do_not_tell_apart_share() {
    let rules = vec![
        when(is("fromhost-ip", "10.0.0.1"), vec![action(1)], vec![action(2)]),
        when(binary(BinaryOp::StartsWith, var("fromhost"), text("10.1.")), vec![action(3)], vec![]),
    ];
    let programs = compiled(&[rules]);
    let mut residuals = Residuals::default();
    let mut get = |ip: &str| {
        let source = Source::new(ip.parse().ok(), None);
        residuals.get(&programs, RulesetId(0), &source, &one("").input)
    };
    let (a, b, c) = (get("10.0.0.2"), get("10.0.9.9"), get("10.0.0.1"));
    assert!(a.is_shared_with(&b));
    assert!(!a.is_shared_with(&c));
    assert!(!get("10.1.0.1").is_shared_with(&a));
    assert_eq!(residuals.len(), 3);
}

/// Source-only predicates are decided without a message; the answers must be those of a message.
#[test]
fn sources_answer_as_their_messages_do() {
    let batch = batch(Source::new("10.0.0.1".parse().ok(), Some("host")), "imtcp", &[(0, "", "")]);
    let view = batch.view(&batch.messages[0]);
    let (source, input) = (&batch.sources[0], &batch.input);
    let (tables, variables) = (&Asked::default(), &Variables::NONE);
    let origin = Origin { source, input, tables, variables };
    let source_only =
        Property::names().filter_map(Property::parse).filter(|property| property.source_only());
    for property in source_only {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        let value = Properties::property(&origin, property, &mut a);
        assert!(!value.is_empty(), "{property:?}");
        assert_eq!(value, view.property(property, &mut b), "{property:?}");
    }
}

/// Shards share programs, and a residual may follow a message into another thread.
#[test]
fn programs_cross_threads() {
    const fn check<T: Send + Sync>() {}
    check::<Programs>();
    check::<Residual>();
}

#[test]
fn a_ruleset_that_can_do_nothing_is_empty() {
    let idle = vec![
        when(is("msg", "x"), vec![], vec![]),
        when(is("msg", "y"), vec![when(is("msg", "z"), vec![stop()], vec![])], vec![stop()]),
        stop(),
    ];
    let batch = one("x");
    let residual =
        |programs: Programs| programs.specialise(RulesetId(0), &batch.sources[0], &batch.input);
    assert!(residual(compiled(std::slice::from_ref(&idle))).is_empty());
    let (mut rules, mut stops) = (vec![when(is("msg", "x"), vec![stop()], vec![])], idle);
    rules.push(action(1));
    stops.pop();
    stops.push(action(1));
    for rules in [rules, stops] {
        assert!(!residual(compiled(&[rules])).is_empty());
    }
}

/// Only PRI is looked at where only PRI is asked for: a batch without a text has nothing else.
#[test]
fn pri_filters_fold_into_masks() {
    let emergency = binary(BinaryOp::Less, var("syslogseverity"), number(1));
    let mail_or = binary(BinaryOp::Or, is("syslogfacility-text", "mail"), emergency);
    let none = binary(BinaryOp::And, is("pri-text", "mail.info"), is("syslogfacility", "3"));
    let programs = compiled(&[vec![
        when(mail_or, vec![action(1)], vec![]),
        when(none, vec![action(2)], vec![]),
        selector(PriMask([0xFF; 25]), vec![action(3)]),
        selector(PriMask::default(), vec![action(4)]),
    ]]);
    for (pri, expected) in [(22, "a1:0 a3:0 "), (0, "a1:0 a3:0 "), (30, "a3:0 "), (199, "a3:0 ")] {
        let batch = batch(Source::new(None, None), "imudp", &[(pri, "", "")]);
        assert_eq!(trace(&programs, &batch), expected, "{pri}");
    }
}

fn texts() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "", "0", "1", "7", "10", "010", "-3", "a", "A", "abc", "ABC", "10.0.0.1", "imtcp", "bc",
        "x",
    ])
}

fn exprs() -> impl Strategy<Value = Expr> {
    let property = prop::sample::select(vec![
        "msg",
        "fromhost-ip",
        "fromhost",
        "inputname",
        "app-name",
        "pri",
        "syslogseverity",
        "syslogfacility-text",
        "$myhostname",
        "msg",
        "fromhost-ip",
    ]);
    let leaf = prop_oneof![
        4 => property.prop_map(var),
        3 => texts().prop_map(text),
        1 => (-4_i64..12).prop_map(number),
        1 => prop::collection::vec(texts(), 1..4).prop_map(|items| array(&items)),
    ];
    let op = prop::sample::select(vec![
        BinaryOp::Or,
        BinaryOp::And,
        BinaryOp::Equal,
        BinaryOp::NotEqual,
        BinaryOp::Less,
        BinaryOp::LessEqual,
        BinaryOp::Greater,
        BinaryOp::GreaterEqual,
        BinaryOp::Contains,
        BinaryOp::ContainsI,
        BinaryOp::StartsWith,
        BinaryOp::StartsWithI,
        BinaryOp::EndsWith,
        BinaryOp::Concat,
        BinaryOp::Equal,
        BinaryOp::Or,
        BinaryOp::And,
    ]);
    let arithmetic = prop::sample::select(vec![
        BinaryOp::Add,
        BinaryOp::Subtract,
        BinaryOp::Multiply,
        BinaryOp::Divide,
        BinaryOp::Modulo,
    ]);
    leaf.prop_recursive(5, 24, 3, move |inner| {
        prop_oneof![
            8 => (op.clone(), inner.clone(), inner.clone())
                .prop_map(|(op, left, right)| binary(op, left, right)),
            // The optimiser's octal numbers are in a table of their own.
            1 => (arithmetic.clone(), inner.clone()).prop_map(|(op, right)| {
                binary(op, var("msg"), right)
            }),
            2 => inner.clone().prop_map(negation),
            1 => inner.clone().prop_map(minus),
            1 => (prop::sample::select(vec!["strlen", "tolower", "cstr"]), inner)
                .prop_map(|(name, inner)| function(name, vec![inner])),
        ]
    })
}

fn blocks() -> impl Strategy<Value = Block> {
    let simple = prop_oneof![
        5 => (0_u32..20).prop_map(action),
        1 => Just(stop()),
        1 => Just(stmt(StmtKind::Continue)),
        1 => prop::sample::select(vec!["r1", "r2", "q1", "q2"]).prop_map(call),
    ];
    let statement = simple.prop_recursive(3, 16, 4, |inner| {
        let block = prop::collection::vec(inner, 0..3);
        let operation = prop::sample::select(vec![
            FilterOperation::Contains,
            FilterOperation::IsEqual,
            FilterOperation::StartsWithI,
            FilterOperation::IsEmpty,
        ]);
        let property = prop::sample::select(vec!["msg", "fromhost-ip", "syslogseverity"]);
        prop_oneof![
            4 => (exprs(), block.clone(), block.clone())
                .prop_map(|(cond, then, otherwise)| when(cond, then, otherwise)),
            1 => (any::<[u8; 25]>(), block.clone())
                .prop_map(|(mask, then)| selector(PriMask(mask), then)),
            1 => (property, any::<bool>(), operation, texts(), block).prop_map(
                |(property, negated, operation, value, then)| {
                    filter(property, negated, operation, value, then)
                }
            ),
        ]
    });
    prop::collection::vec(statement, 0..6)
}

/// Calls go to later rulesets only.
fn without_calls_back(block: Block, at: u32) -> Block {
    let keep = |statement: &Stmt| match &statement.kind {
        StmtKind::Call(name) => {
            name.text.trim_start_matches(['r', 'q']).parse::<u32>().unwrap() > at
        }
        _ => true,
    };
    let inside = |mut statement: Stmt| {
        match &mut statement.kind {
            StmtKind::If { then, otherwise, .. } => {
                *then = without_calls_back(std::mem::take(then), at);
                *otherwise = without_calls_back(std::mem::take(otherwise), at);
            }
            StmtKind::PriFilter { then, .. } | StmtKind::PropertyFilter { then, .. } => {
                *then = without_calls_back(std::mem::take(then), at);
            }
            _ => {}
        }
        statement
    };
    block.into_iter().filter(keep).map(inside).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever is folded, hoisted and shared: the same calls reach the sink, in the same order.
    #[test]
    fn residuals_do_what_the_tree_says(
        blocks in prop::collection::vec(blocks(), 3),
        ip in prop::sample::select(vec!["10.0.0.1", "10.0.0.2", "::1"]),
        fromhost in texts(),
        input in prop::sample::select(vec!["imtcp", "imudp"]),
        messages in prop::collection::vec((0_u8..200, texts(), texts()), 1..4),
    ) {
        let rulesets: Vec<Block> =
            blocks.into_iter().zip(0..).map(|(block, at)| without_calls_back(block, at)).collect();
        let names = Names { rulesets: 3 };
        let batch = batch(Source::new(ip.parse().ok(), Some(fromhost)), input, &messages);
        let mut slow = Trace::default();
        for message in &batch.messages {
            twin::run(&rulesets, 0, &names, batch.view(message), &mut slow);
        }
        let mut diags = Diagnostics::default();
        let programs = programs(&rulesets, &mut diags);
        prop_assert!(!diags.has_errors(), "{:?}", diags.all);
        prop_assert_eq!(trace(&programs, &batch), slow.0);
    }
}

#[test]
fn rules_in_a_row_that_look_for_texts_are_guarded() {
    let rule = |text: &str, action: u32| {
        let finder = memchr::memmem::Finder::new(text.as_bytes()).into_owned();
        let pattern = crate::rules::ir::Pattern::Contains(vec![finder]);
        let subject = crate::rules::ir::Expr::Property(Property::Msg);
        let leaf = crate::rules::ir::Leaf::Match { subject, pattern };
        let test = crate::rules::ir::Test::Leaf(leaf.into());
        let placed = |node| Placed { loc: Loc::default(), node };
        let then = vec![placed(Node::Action(ActionId(action)))];
        let arms = vec![Arm { loc: Loc::default(), test, then }];
        placed(Node::Choice { arms, otherwise: vec![] })
    };
    let texts = ["a", "b", "c", "d", "e"];
    let guarded = |texts: &[&str]| {
        let mut block: Vec<_> = texts.iter().map(|text| rule(text, 1)).collect();
        crate::rules::guard::guard(&mut block);
        block.len()
    };
    assert_eq!(guarded(&texts), 1);
    assert_eq!(guarded(&texts[..3]), 3, "too few");
    assert_eq!(guarded(&["a", "b", "", "c", "d"]), 5, "an empty text is in all");
}
