//! Tests of variables: what they are set to, and what filters make of them.

use crate::base::diag::Diagnostics;
use crate::config::ast::Block;
use crate::config::parse_text;
use crate::message::Variable;
use crate::message::json;
use crate::message::json::Case;
use crate::rules::RulesetId;
use crate::rules::Scratch;
use crate::rules::testkit::Trace;
use crate::rules::testkit::one;
use crate::rules::testkit::programs;

/// The statements of a script.
fn script(text: &str) -> Block {
    let config = parse_text("t", text.as_bytes());
    assert!(config.diagnostics.all.is_empty(), "{:?}", config.diagnostics.all);
    config.statements
}

/// What a message with `$!` reaches.
fn reached(rulesets: &[&str], msg: &str, variables: Option<&json::Value>) -> String {
    let mut diags = Diagnostics::default();
    let blocks: Vec<Block> = rulesets.iter().map(|text| script(text)).collect();
    let programs = programs(&blocks, &mut diags);
    assert!(diags.all.is_empty(), "{rulesets:?}: {:?}", diags.all);
    let mut batch = one(msg);
    let residual = programs.specialise(RulesetId(0), &batch.sources[0], &batch.input);
    let mut scratch = Scratch::new(&programs);
    if let Some(value) = variables {
        let root = Variable::parse(b"!").unwrap();
        scratch.variables_mut().set(&root, value.clone()).unwrap();
    }
    let mut trace = Trace::default();
    residual.run(&mut batch, 0, &mut scratch, &mut trace);
    trace.0.split_whitespace().filter_map(|step| step.chars().nth(1)).collect()
}

#[test]
fn json_compares_as_in_rsyslogd() {
    let text = br#"{"i":5,"d":1.5,"t":true,"f":false,"n":null,"o":{"a":1},"a":[1,2],"s":"5","e":"","x":"abc","ds":"1.5"}"#;
    let json = json::parse(text, Case::Insensitive).unwrap();
    let mut rows = 0;
    for line in include_str!("../../tests/data/rules/json.tsv").lines() {
        let Some((variable, rest)) = line.split_once('\t').filter(|_| !line.starts_with('#'))
        else {
            continue;
        };
        let (operand, expected) = rest.split_once('\t').unwrap();
        let operators = ["==", "!=", "<", ">", "contains", "startswith"];
        for (operator, bit) in operators.into_iter().zip(expected.chars()) {
            let rule = format!("if {variable} {operator} {operand} then action(id=\"1\")");
            let took = reached(&[&rule], "m", Some(&json)) == "1";
            assert_eq!(took, bit == '1', "{rule}");
            rows += 1;
        }
    }
    assert_eq!(rows, 1014);
}

#[test]
fn what_is_set_is_read_back() {
    let cases = [
        ("set $.a = $msg & '!'; if $.a == 'm!' then action(id=\"1\")", "1"),
        ("set $!a!b = 5 + 2; if $!a!b == 7 then action(id=\"1\")", "1"),
        ("if $!a == '' then action(id=\"1\")", "1"),
        ("set $.a = 1; unset $.a; if $.a == '' then action(id=\"1\")", "1"),
        ("set $.a!b = 1; set $.a = 2; if $.a!b == 1 then action(id=\"1\")", "1"),
        ("set $.a!b = 1; reset $.a = 2; if $.a == 2 then action(id=\"1\")", "1"),
        ("set $.a = 1; if exists($.a) and not exists($.b) then action(id=\"1\")", "1"),
        ("set $.A = 1; if $.a == 1 then action(id=\"1\")", "1"),
        ("set $/n = 1; set $.c = $/n; set $/n = $/n + 1; if $/n > $.c then action(id=\"1\")", "1"),
        ("set $.n = strlen($msg); set $.m = $.n * 10; if $.m == 10 then action(id=\"1\")", "1"),
        ("set $.a = 'x'; if $.a then action(id=\"1\") else action(id=\"2\")", "2"),
        ("set $.a = '7x'; if $.a then action(id=\"1\")", "1"),
        ("set $!o!p = 1; set $.c = $!o; set $!o!p = 2; if $.c!p == 1 then action(id=\"1\")", "1"),
    ];
    for (rule, expected) in cases {
        assert_eq!(reached(&[rule], "m", None), expected, "{rule}");
    }
}

#[test]
fn a_called_ruleset_shares_variables() {
    let main = "set $.a = 1; call r1\nif $.a == 2 then action(id=\"1\")";
    assert_eq!(reached(&[main, "set $.a = $.a + 1;"], "m", None), "1");
}
