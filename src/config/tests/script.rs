//! RainerScript: objects, statements, expressions.

use super::clean;
use super::complaints;
use super::whatever;
use crate::config::parse_text;

/// The condition of an `if`, in short form.
fn cond(text: &str) -> String {
    let whole = whatever(&format!("if {text} then stop\n"));
    whole.trim_start_matches("if ").trim_end_matches(" {stop}").to_owned()
}

#[test]
fn objects() {
    assert_eq!(
        clean("Module ( load = \"imtcp\" )\ninput(type=\"imtcp\"\n  port=\"514\") # x"),
        "Module(load=imtcp) Input(type=imtcp port=514)"
    );
    assert_eq!(clean("global(a.b=\"1\"/* x */c=\"2\")"), "Global(a.b=1 c=2)");
    assert_eq!(
        clean("ruleset(name=\"r\" parser=[\"a\" , \"b\"]) { stop }"),
        "Ruleset(name=r parser=[a,b]){stop}"
    );
    assert_eq!(clean("ruleset(name=\"r\"){}"), "Ruleset(name=r)");
    for kind in [
        "main_queue",
        "parser",
        "lookup_table",
        "dyn_stats",
        "timezone",
        "ratelimit",
        "perctile_stats",
    ] {
        assert!(clean(&format!("{kind}(name=\"x\")")).ends_with("(name=x)"), "{kind}");
    }
}

#[test]
fn templates_have_parts() {
    assert_eq!(
        clean(
            "template(name=\"t\" type=\"list\") {\n property(name=\"msg\")\n # x\n constant(value=\"\\n\")\n}"
        ),
        "Template(name=t type=list){Property(name=msg) Constant(value=\n)}"
    );
    assert_eq!(
        clean("template(name=\"t\" type=\"string\" string=\"%msg%\\n\")"),
        "Template(name=t type=string string=%msg%\n)"
    );
}

#[test]
fn branches() {
    assert_eq!(clean("if $a == 'b' then stop"), "if ($a == 'b') {stop}");
    assert_eq!(
        clean("if $a then { stop } else if $b then { continue } else call x.y-z"),
        "if $a {stop} else {if $b {continue} else {call x.y-z}}"
    );
    // `else` belongs to the nearest `if`.
    assert_eq!(
        clean("if $a then if $b then stop else continue"),
        "if $a {if $b {stop} else {continue}}"
    );
    assert_eq!(clean("if $a\nthen\n  /x\n& stop"), "if $a {Action(type=omfile file=/x) stop}");
    assert_eq!(clean("IF $a THEN STOP"), "if $a {stop}");
}

#[test]
fn statements() {
    assert_eq!(
        clean("set $.x = $!y & 'z'; reset $/g = 1; unset $!a!b;"),
        "set .x ($!y & 'z') reset /g 1 unset !a!b"
    );
    assert_eq!(clean("foreach ($.i in $!list) do { stop }"), "foreach .i $!list {stop}");
    assert_eq!(clean("reload_lookup_table('t', \"stub\")"), "reload t 'stub'");
    assert_eq!(clean("call_indirect $.x & 'y';"), "call_indirect ($.x & 'y')");
    assert_eq!(clean("*.* { if $a then stop }"), "pri[*.*] {if $a {stop}}");
    assert_eq!(
        clean("action(type=\"omfile\" file=\"/x\")\n& stop"),
        "Action(type=omfile file=/x) stop"
    );
}

#[test]
fn precedence_is_rsyslogs() {
    // As rsyslogd -d prints its trees: and, or bind alike, from left to right.
    assert_eq!(cond("$a or $b and $c"), "(($a or $b) and $c)");
    assert_eq!(cond("$a and $b or $c"), "(($a and $b) or $c)");
    assert_eq!(cond("$a == 'x' or $b == 'y' and $c"), "((($a == 'x') or ($b == 'y')) and $c)");
    assert_eq!(cond("not $a == 'x'"), "((not $a) == 'x')");
    assert_eq!(cond("not ($a == 'x')"), "(not ($a == 'x'))");
    assert_eq!(cond("-$!a * 2 + 1 == 3"), "((((-$!a) * 2) + 1) == 3)");
    assert_eq!(cond("1 - 2 - 3"), "((1 - 2) - 3)");
    assert_eq!(cond("$a & 'b' == 'c'"), "(($a & 'b') == 'c')");
    assert_eq!(cond("$a == $b == $c"), "(($a == $b) == $c)");
    assert_eq!(cond("7 % 3 / 2"), "((7 % 3) / 2)");
}

#[test]
fn operators_in_any_letter_case() {
    assert_eq!(cond("$a STARTSWITH 'x'"), "($a startswith 'x')");
    assert_eq!(cond("$a startsWith_i 'x'"), "($a startswith_i 'x')");
    assert_eq!(cond("$a Contains ['x','y']"), "($a contains [x,y])");
    assert_eq!(cond("$a contains_i 'x'"), "($a contains_i 'x')");
    assert_eq!(cond("$a <> 1 AND $b != 2 Or NOT $c"), "((($a != 1) and ($b != 2)) or (not $c))");
    assert_eq!(cond("$a <= 1 and $b >= 2"), "(($a <= 1) and ($b >= 2))");
}

#[test]
fn operands() {
    assert_eq!(cond("$!a!b-c[0] == $$now"), "($!a!b-c[0] == $$now)");
    assert_eq!(cond("0x1F + 017 + 99999999999999999999"), "((31 + 15) + 9223372036854775807)");
    assert_eq!(cond("exists($!a) and f(1,g(),'x')"), "(exists($!a) and f(1,g(),'x'))");
    assert_eq!(cond("$a == `echo x`"), "($a == 'x')");
    assert_eq!(cond(r#"$a == "\$x\"\x41""#), "($a == '$x\"A')");
    assert_eq!(cond("$a /* b */ == /* c */ 'd'"), "($a == 'd')");
    assert_eq!(cond("prifilt('*.*')"), "prifilt('*.*')");
}

#[test]
fn disabled_objects_are_left_out() {
    assert_eq!(clean("action(type=\"x\" config.enabled=\"on\")"), "Action(type=x)");
    assert_eq!(clean("action(type=\"x\" config.enabled=\"off\")\nstop"), "stop");
    let config = parse_text("t", b"input(type=\"x\" config.enabled=\"true\")");
    assert!(config.statements.is_empty());
    assert_eq!(complaints(&config), ["1:31: warning: config.enabled=\"true\" means off"]);
}

#[test]
fn long_chains_are_not_deep_recursion() {
    let many = |n: usize| format!("if {} then stop", vec!["$a == 'x'"; n].join(" or "));
    assert_eq!(parse_text("t", many(1_000).as_bytes()).diagnostics.all.len(), 0);
    let config = parse_text("t", many(3_000).as_bytes());
    assert_eq!(config.diagnostics.all.len(), 1);
    let chain = |n: usize| vec!["if $a then stop"; n].join(" else ");
    assert_eq!(parse_text("t", chain(500).as_bytes()).diagnostics.all.len(), 0);
    let config = parse_text("t", chain(501).as_bytes());
    assert_eq!(complaints(&config).len(), 1);
    assert!(complaints(&config)[0].ends_with("more than 500 'else if' in one chain"));
}
