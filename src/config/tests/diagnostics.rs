//! Typical mistakes, each with its place and its words.

use super::complaints;
use super::whatever;
use crate::base::report;
use crate::config::parse_text;

/// All complaints about a text.
fn said(text: &str) -> Vec<String> {
    complaints(&parse_text("t", text.as_bytes()))
}

/// Text, and the one complaint about it.
const ONE: &[(&str, &str)] = &[
    ("stop\nif $a then {\n stop\n", "2:12: error: '{' is not closed"),
    ("stop\n}\nstop", "2:1: error: '}' closes nothing"),
    ("/* abc\nstop", "1:1: error: comment is not closed"),
    (
        "input(type=\"imtcp\" port=\"514\"\ninput(type=\"x\")",
        "1:6: error: '(' of this input is not closed",
    ),
    ("input(type=\"imtcp\"\n$ModLoad imudp\n", "1:6: error: '(' of this input is not closed"),
    ("action(type=\"a\" file=\"/x)\nstop", "1:22: error: string is not closed"),
    ("action(type=\"a\" type='b')", "1:22: error: values stand in double quotes"),
    ("action(type=omfile)", "1:13: error: this value is not quoted"),
    (
        "action(type=\"a\", file=\"b\", x=\"c\")",
        "1:16: error: parameters are not separated by commas",
    ),
    ("action(type \"a\")", "1:8: error: '=' is missing behind 'type'"),
    ("action(type=\"a\" file)", "1:17: error: 'file' has no value"),
    ("action(type=)", "1:13: error: 'type' has no value"),
    ("action(type=\"a\\d\")", "1:15: error: '\\d' is no escape sequence"),
    ("action(\n\u{a0}\u{a0}type=\"a\")", "2:1: error: a non-breaking space (U+00A0) stands here"),
    ("\u{a0}action(type=\"a\")", "1:1: error: a non-breaking space (U+00A0) stands here"),
    ("action(type=\u{201c}a\u{201d})", "1:13: error: a typographic quote (U+201C) stands here"),
    ("modul(load=\"imudp\")", "1:1: error: unknown object 'modul'"),
    ("if $a { stop }", "1:7: error: 'then' is missing before '{'"),
    ("if $msg contain 'x' then stop", "1:9: error: 'then' or an operator is missing here"),
    ("if $a = 'b' then stop", "1:7: error: '=' is no operator"),
    ("if $a == 'b' && $c then stop", "1:14: error: '&&' is no operator"),
    ("if $a == \"b$c\" then stop", "1:12: error: '$' in double quotes needs a backslash"),
    ("if ($a == 'b' then stop", "1:4: error: '(' is not closed"),
    ("if $a == then stop", "1:10: error: a value is missing before 'then'"),
    ("if $a == b then stop", "1:10: error: 'b' is neither a variable, a string nor a function"),
    ("if $a == 09 then stop", "1:10: error: '09' is no number"),
    ("ruleset(name=\"r\" parser=[]) { stop }", "1:25: error: an array cannot be empty"),
    ("if $a # b\nthen stop", "1:7: error: a # comment cannot stand inside an expression"),
    ("if $a then { }", "1:12: error: a block cannot be empty"),
    ("if $a then", "1:7: error: nothing follows 'then'"),
    ("if $a then stop\nelse stop\nelse stop", "3:1: error: 'else' without 'if'"),
    ("if $a then stop\nendif", "2:1: error: 'endif' cannot stand here"),
    ("set $.a = 1\nstop", "1:11: error: ';' is missing behind this"),
    ("set a = 1;", "1:5: error: a variable is missing here"),
    ("{ stop }", "1:1: error: a block needs a filter before it"),
    ("if $a then { stop }\n& stop", "2:1: error: '&' has no action to chain to"),
    (
        "if $a then {\nmodule(load=\"x\")\nstop }",
        "2:1: error: 'module(' cannot stand inside of a block",
    ),
    ("property(name=\"x\")", "1:1: error: 'property(' belongs inside of template(…) { … }"),
    ("ruleset(name=\"x\")", "1:1: error: no '{' follows this ruleset"),
    ("template(name=\"x\") {\nstop }", "2:1: error: this is no part of a template"),
    ("mail.inof /x", "1:6: error: unknown priority 'inof'"),
    ("local1.8 /x", "1:8: error: unknown priority '8'"),
    ("local9.* /x", "1:1: error: unknown facility 'local9'"),
    ("# 한글\nauth,mial.* /x", "2:6: error: unknown facility 'mial'"),
    ("*.* @ host", "1:6: warning: the blank in front of the host is skipped"),
    ("*.* /x }", "1:8: error: '}' stands behind the action"),
    ("*.* nobody", "1:5: error: 'nobody' is taken as a list of users to write to"),
    ("*.* :foo:bar", "1:5: error: ':foo:' names no output module"),
    ("*.* >h,d,u,p", "1:5: error: '>' actions write to a database and were removed from rsyslog"),
    (":msg, contain, \"x\" stop", "1:7: error: unknown compare operation 'contain'"),
    (":msg, contains, x stop", "1:1: error: this is no property filter"),
    ("!prog\n", "1:1: error: BSD-style block '!prog' is no longer supported"),
    ("  +host\n", "1:3: error: BSD-style block '+host' is no longer supported"),
    ("$WorkDirectry /x", "1:1: error: unknown directive '$WorkDirectry'"),
    ("$WorkDirectory /x y", "1:19: error: 'y' is not read"),
    ("$WorkDirectory", "1:1: error: $WorkDirectory takes a value, not ''"),
    ("$PreserveFQDN yes", "1:15: error: $PreserveFQDN takes 'on' or 'off', not 'yes'"),
    (
        "$FileCreateMode 640",
        "1:17: error: $FileCreateMode takes an octal mode with a leading zero, e.g. 0640, not '640'",
    ),
    ("$ActionQueueSize x", "1:18: error: $ActionQueueSize takes a number, not 'x'"),
    ("$AllowedSender FTP, *", "1:1: error: 'FTP' is no protocol with a list of senders"),
    ("$ ModLoad x", "1:1: error: '$' without a name behind it"),
    ("$template x", "1:1: error: a ',' is missing behind the name"),
    ("stop\n)", "2:1: error: ')' closes nothing"),
    ("call 5x", "1:6: error: 'call' needs the name of a ruleset"),
    ("foreach ($.i on $!x) do stop", "1:14: error: 'in' is missing here"),
    ("reload_lookup_table(1)", "1:21: error: a text in quotes is missing here"),
    ("stop\0", "1:5: error: this is no text: it holds a NUL byte"),
    (
        "# a \\\nstop\ncontinue",
        "1:1: warning: the backslash makes the next line part of this comment",
    ),
    (
        "if $a or $b and $c then stop",
        "1:13: warning: 'or' before 'and' without parentheses is read from left to right",
    ),
];

#[test]
fn one_mistake_one_complaint() {
    for (text, expected) in ONE {
        let said = said(text);
        let first = said.first().map(String::as_str);
        assert_eq!(first, Some(*expected), "{text:?}: {said:#?}");
    }
}

#[test]
fn most_mistakes_have_no_echo() {
    let echoes: Vec<_> =
        ONE.iter().map(|(text, _)| (text, said(text))).filter(|(_, said)| said.len() > 1).collect();
    // The closing typographic quote, the action behind a malformed selector.
    assert!(echoes.len() <= 8, "{echoes:#?}");
}

#[test]
fn what_parses_stays() {
    let text = "stop\nif $a contain 'x' then { call never }\ncall one\naction(type=\"a\" file=b)\n\
                set $.a = ;\ncall two\nfoo(bar=\"x\")\nmail.foo /x\ncall three\n";
    assert_eq!(
        whatever(text),
        "stop call one Action(type=a file=b) call two pri[mail.foo] {Action(type=omfile file=/x)} \
         call three"
    );
    assert_eq!(said(text).len(), 5, "{:#?}", said(text));
}

#[test]
fn places_survive_continuation_and_line_ends() {
    let text = "*.=debug;\\\r\n\tnews.nonne \\\r\n /x\r\n$Foo\r\n";
    assert_eq!(
        said(text),
        ["2:7: error: unknown priority 'nonne'", "4:1: error: unknown directive '$Foo'"]
    );
}

#[test]
fn latin1_and_euc_kr_are_text() {
    let config = parse_text("t", b"# \xbb\xe7\xc0\xcc\xc6\xae\n*.* /var/log/\xe9t\xe9\n$F\xe9o\n");
    assert_eq!(complaints(&config), ["3:1: error: unknown directive '$F\u{fffd}o'"]);
    let report = report::render(&config.diagnostics, &config.sources, false);
    assert!(report.contains("\n3 | $F\u{fffd}o\n  | ^^^^\n"), "{report}");
}

#[test]
fn depth_is_bounded() {
    let deep = format!("{}stop", "if $a then { ".repeat(100_000));
    assert!(said(&deep).iter().any(|text| text.contains("nested deeper than 64 levels")));
    let deep = format!("if {}1{} then stop", "(".repeat(100_000), ")".repeat(100_000));
    assert!(said(&deep)[0].contains("nested deeper than 64 levels"));
    let deep = format!("if {}1 then stop", "not ".repeat(100_000));
    assert!(said(&deep)[0].contains("nested deeper than 64 levels"));
    let deep = "*.*\n".repeat(100_000);
    assert!(said(&deep)[0].contains("nested deeper than 64 levels"));
}

#[test]
fn complaints_are_bounded() {
    let config = parse_text("t", "$Foo\n".repeat(5_000).as_bytes());
    assert_eq!(config.diagnostics.all.len(), 1_001);
    assert!(complaints(&config)[1_000].ends_with("4000 more complaints are not shown"));
}

#[test]
fn long_lines_take_linear_time() {
    // Each of these was, or would be, quadratic in the length of the line.
    for piece in ["! ", "+ ", "- ", "\"a\" ", "a ", "'", "x\"", "action(type=\"", "{$ "] {
        let text = piece.repeat(50_000 / piece.len());
        assert!(!said(&text).is_empty() && said(&text).len() <= 1_001, "{piece}");
    }
}
