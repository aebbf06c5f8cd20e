//! What is printed reads as what was printed, whatever it is.

use proptest::prelude::*;

use super::*;
use crate::base::diag::Severity;
use crate::config::ast::ObjectKind;
use crate::config::ast::StmtKind;
use crate::config::parse_text;

fn printed(text: &str) -> String {
    let config = parse_text("t", text.as_bytes());
    let made = rainerscript(&config.statements).unwrap();
    String::from_utf8(made).unwrap()
}

/// Printing `text` gives `expected`, which is printed as itself.
fn becomes(text: &str, expected: &str) {
    let expected = format!("{HEADER}\n{expected}");
    assert_eq!(printed(text), expected);
    assert_eq!(printed(&expected), expected);
}

#[test]
fn legacy_lines_become_modern() {
    becomes(
        "$ModLoad imtcp\n$InputTCPServerRun 514\n$template T,\"\\\"%msg%\\n\",json\n\
         mail.*;auth.none -/var/log/mail;T\n& @@(z9)h:5\n:msg, !contains, \"a\\\"b\\\\\" ~\n\
         kern.* ^/bin/x;T\n*.emerg :omusrmsg:root,me\n",
        "module(load=\"imtcp\")\n\ninput(type=\"imtcp\" port=\"514\")\n\n\
         template(name=\"T\" type=\"string\" string=\"\\\"%msg%\\n\" option.json=\"on\")\n\n\
         mail.*;auth.none {\n    \
             action(type=\"omfile\" file=\"/var/log/mail\" sync=\"off\" template=\"T\")\n    \
             action(type=\"omfwd\" ziplevel=\"9\" target=\"h\" port=\"5\" protocol=\"tcp\")\n}\n\n\
         :msg, !contains, \"a\\\"b\\\\\" {\n    stop\n}\n\n\
         kern.* {\n    ^/bin/x;T\n}\n\n\
         *.emerg {\n    action(type=\"omusrmsg\" users=\"root,me\")\n}\n",
    );
}

#[test]
fn lists_of_senders_grow() {
    becomes(
        "$AllowedSender UDP, ::1 # x\n$AllowedSender TCP, ::4\n$AllowedSender UDP, ::2\n",
        "global(allowedSender.tcp=[\"::4\"] allowedSender.udp=[\"::1\", \"::2\"])\n",
    );
}

#[test]
fn chains_and_parentheses() {
    becomes(
        "if $a == 1 or $b == 2 and not ($c contains 'x') then stop\n\
         else if $d - (1 - 2) * 3 > 0 then continue\n else { /x\n /y\n }\n",
        "if ($a == 1 or $b == 2) and not ($c contains \"x\") then {\n    stop\n\
         } else if $d - (1 - 2) * 3 > 0 then {\n    continue\n} else {\n    \
         action(type=\"omfile\" file=\"/x\")\n    action(type=\"omfile\" file=\"/y\")\n}\n",
    );
    becomes("set $.a = -(-5) & -$!b;", "set $.a = --5 & -$!b;\n");
    becomes("set $.a = (1 + 2) - (3 + 4);", "set $.a = 1 + 2 - (3 + 4);\n");
    becomes(
        "foreach ($.i in $!l) do { unset $.i!x; reset $.y = f($.i, [\"a\", '$b']); }\n\
         call_indirect 'r' & $.x; reload_lookup_table('t', 'none')\n",
        "foreach ($.i in $!l) do {\n    unset $.i!x;\n    \
         reset $.y = f($.i, [\"a\", '$b']);\n}\n\n\
         call_indirect \"r\" & $.x;\nreload_lookup_table(\"t\", \"none\")\n",
    );
}

#[test]
fn long_lines_are_broken() {
    let (long, item) = ("x".repeat(60), "y".repeat(50));
    becomes(
        &format!(
            "if $msg contains '{long}' or ($a and $b) and $programname == '{long}' then stop\n\
             module(load=\"m\" a=\"{long}\" b=[\"1\", \"2\"] c=[\"{item}\", \"{item}\"])"
        ),
        &format!(
            "if ($msg contains \"{long}\" or ($a and $b))\n    and $programname == \"{long}\"\n\
             then {{\n    stop\n}}\n\n\
             module(\n    load=\"m\"\n    a=\"{long}\"\n    b=[\"1\", \"2\"]\n    c=[\n        \
             \"{item}\",\n        \"{item}\"\n    ]\n)\n"
        ),
    );
}

/// What is said of `statements` in a form that cannot hold them.
fn refused(printed: Result<Vec<u8>, Diagnostics>) -> Vec<String> {
    printed.unwrap_err().all.into_iter().map(|d| d.message).collect()
}

#[test]
fn what_rainerscript_cannot_say() {
    let from_yaml = |text: &str| {
        let config = parse_text("t.yaml", text.as_bytes());
        assert!(!config.diagnostics.has_errors(), "{:?}", config.diagnostics.all);
        config.statements
    };
    let odd = from_yaml("global: {a b: x}\n");
    assert_eq!(refused(rainerscript(&odd)), ["'a b' cannot be a parameter's name in RainerScript"]);
    let mut block = parse_text("t", b":msg, contains, \"x\" stop\n").statements;
    for value in ["a\\\"b", "a \nb", "a\0b"] {
        let StmtKind::PropertyFilter { filter, .. } = &mut block[0].kind else { panic!() };
        filter.value = value.into();
        let expected = format!("a property filter cannot hold the value '{value}'");
        assert_eq!(refused(rainerscript(&block)), [expected.as_str()]);
        // A filter and one action would be `filter:`; what cannot be said there is a script.
        assert_eq!(refused(yaml(&block)), [expected]);
    }
    let template = "$template T,\"5\\% %msg:2:9%\"\n";
    let text = "this text has a percent sign and a property that cannot both stand in a modern \
                template";
    assert_eq!(refused(rainerscript(&parse_text("t", template.as_bytes()).statements)), [text]);
}

#[test]
fn what_yaml_cannot_say() {
    let said = |text: &str| refused(yaml(&parse_text("t", text.as_bytes()).statements));
    assert_eq!(said("template(name=\"\\377\")"), ["YAML is UTF-8, and '\u{fffd}' is not"]);
    assert_eq!(said("input(port=\"1\")"), ["an object without 'type' cannot stand in YAML"]);
    assert_eq!(
        said("module(load=\"m\" a=\"1\" a=\"2\")"),
        ["'a' is given twice, which YAML does not allow"]
    );
    assert_eq!(
        said("main_queue(queue.size=\"1\") main_queue(queue.size=\"2\")"),
        ["YAML has one main queue"]
    );
    assert_eq!(
        said("ruleset(name=\"RSYSLOG_DefaultRuleset\") { stop }"),
        ["in YAML 'RSYSLOG_DefaultRuleset' is what stands in no ruleset"]
    );
    // 'queue.' is put before every key of the main queue when it is read.
    assert_eq!(
        said("main_queue(size=\"1\")"),
        ["this cannot be written in YAML so that it means the same"]
    );
}

#[test]
fn rulesets_take_the_simplest_form() {
    let form = |script: &str| {
        let text = format!("ruleset(name=\"r\") {{ {script}\n}}");
        let made = yaml(&parse_text("t", text.as_bytes()).statements).unwrap();
        let made = String::from_utf8(made).unwrap();
        made.split_once("- name: r\n").unwrap().1.to_owned()
    };
    assert_eq!(form(""), "");
    assert_eq!(form("/x"), "    actions:\n      - type: omfile\n        file: /x\n");
    assert_eq!(
        form("\nmail.* :omusrmsg:a,b"),
        "    filter: \"mail.*\"\n    actions:\n      - type: omusrmsg\n        users: \
         \"a,b\"\n"
    );
    assert_eq!(
        form("\n:msg, contains, \"a\" /x"),
        "    filter: ':msg, contains, \"a\"'\n    actions:\n      - type: omfile\n        \
         file: /x\n"
    );
    assert_eq!(
        form("\nmail.* stop\n/x"),
        "    statements:\n      - if: 'prifilt(\"mail.*\")'\n        then:\n          \
         - stop: true\n      - type: omfile\n        file: /x\n"
    );
    // rsyslog's schema knows no property filter among statements, no reset, no `^`.
    for script in ["\n:msg, contains, \"a\" stop", "reset $.a = 1;", "^/x;T"] {
        assert!(form(script).starts_with("    script: |\n      "), "{}", form(script));
    }
}

proptest! {
    #[test]
    fn random_trees_come_back(statements in random::configuration()) {
        let text = rainerscript(&statements).map_err(|diags| {
            TestCaseError::fail(format!("{:?}", diags.all.first().map(|d| &d.message)))
        })?;
        let config = parse_text("t", &text);
        let read = without_places(config.statements);
        prop_assert_eq!(&read, &statements, "{}", String::from_utf8_lossy(&text));
        prop_assert_eq!(rainerscript(&read).ok(), Some(text));
    }

    #[test]
    fn random_trees_come_back_from_yaml(mut statements in random::configuration()) {
        let mut queues = 0;
        statements.retain(|statement| match &statement.kind {
            StmtKind::Object(object) if object.kind == ObjectKind::MainQueue => {
                queues += 1;
                queues == 1 && !object.params.is_empty()
            }
            _ => true,
        });
        let text = yaml(&statements).map_err(|diags| {
            TestCaseError::fail(format!("{:?}", diags.all.first().map(|d| &d.message)))
        })?;
        let config = parse_text("t.yaml", &text);
        prop_assert!(config.diagnostics.all.iter().all(|d| d.severity < Severity::Error));
        prop_assert_eq!(yaml(&config.statements).ok(), Some(text));
    }
}

#[test]
fn default_templates_go_into_the_actions_that_get_them() {
    let action = "action(type=\"omfile\" file=\"/a\")\n";
    let with = |name| format!("action(type=\"omfile\" file=\"/a\" template=\"{name}\")\n");
    let [one, two] = ["one", "two"].map(|name| format!("$ActionFileDefaultTemplate {name}\n"));
    let text = [action, &one, action, &two, action].concat();
    becomes(&text, &[with("RSYSLOG_FileFormat"), with("one"), with("two")].concat());
    // A module() stays, and holds for what is behind it.
    let module = "module(load=\"builtin:omfile\" template=\"one\")\n";
    let text = [action, module, action].concat();
    becomes(&text, &[&with("RSYSLOG_FileFormat"), module, action].join("\n"));
}
