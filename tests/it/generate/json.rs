//! JSON for mmjsonparse, the rules that fill variables of it, and the names of what they fill.

use fastrand::Rng;

/// What a ruleset does before its templates are written.
pub(crate) const RULES: &[&str] = &[
    "action(type=\"mmjsonparse\")",
    "action(type=\"mmjsonparse\" cookie=\"\")",
    "action(type=\"mmjsonparse\" container=\"$!deep\")",
    "action(type=\"mmjsonparse\" container=\"$.\")",
    "action(type=\"mmjsonparse\" useRawMsg=\"on\" cookie=\"<13>\")",
    "action(type=\"mmjsonparse\") set $.n = strlen($msg); set $.user!text = $msg;",
    "set $!user = $hostname; action(type=\"mmjsonparse\") set $!count = $!count + 1;",
    "action(type=\"mmjsonparse\") unset $!user;",
];

/// Variables and properties that show what became of them.
pub(crate) const VARIABLES: &[&str] = &[
    "$!",
    "$.",
    "$!all-json",
    "$!all-json-plain",
    "$!user",
    "$!count",
    "$!deep",
    "$!deep!user",
    "$!deep!list[1]",
    "$!list",
    "$!list[0]",
    "$!A",
    "$!msg",
    "$.user",
    "$.user!text",
    "$.n",
    "$!none",
    "parsesuccess",
];

const NAMES: &[&str] = &[
    "user", "count", "list", "deep", "A", "a", "msg", "한글", "a.b", "x y", "", "q\\\"", "\\u0041",
];

const SCALARS: &[&str] = &[
    "\"kim\"",
    "\"\"",
    "\"a/b\"",
    "\"\\u00e9\\ud55c\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud800\"",
    "\"\\\\ \\\" \\/ \\b\\f\\n\\r\\t\"",
    "\"한글 \u{1f600}\"",
    "\"\\u0001\\u001f\\u007f\"",
    "0",
    "-0",
    "7",
    "-12",
    "007",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "1.0",
    "1.50",
    "-0.1",
    "1e5",
    "1E-3",
    "3.14159265358979",
    "true",
    "false",
    "null",
    "[]",
    "{}",
];

/// What stands behind the header: mostly the cookie and an object.
pub(crate) fn body(rng: &mut Rng) -> Vec<u8> {
    let cookie = ["@cee:", " @cee: ", "@cee:\t", " ", "", "@CEE:", " x @cee:"];
    let common = rng.u8(..3) > 0;
    let mut text = cookie[if common { rng.usize(..2) } else { rng.usize(..7) }].to_owned();
    match rng.u8(..12) {
        0 => text.push_str(SCALARS[rng.usize(..SCALARS.len())]),
        1 => list(3, rng, &mut text),
        2 => {}
        _ => object(3, rng, &mut text),
    }
    text.push_str(["", "", "", " ", "\t", " x", "{}"][rng.usize(..7)]);
    text.into_bytes()
}

fn blank(rng: &mut Rng) -> &'static str {
    ["", "", " ", "  "][rng.usize(..4)]
}

fn value(depth: u8, rng: &mut Rng, out: &mut String) {
    match rng.u8(..6) {
        0 if depth > 0 => object(depth - 1, rng, out),
        1 if depth > 0 => list(depth - 1, rng, out),
        _ => out.push_str(SCALARS[rng.usize(..SCALARS.len())]),
    }
}

fn object(depth: u8, rng: &mut Rng, out: &mut String) {
    out.push('{');
    for number in 0..rng.u8(..6) {
        if number > 0 {
            out.push(',');
        }
        let name = NAMES[rng.usize(..NAMES.len())];
        out.push_str(&format!("{}\"{name}\"{}:{}", blank(rng), blank(rng), blank(rng)));
        value(depth, rng, out);
    }
    out.push_str(blank(rng));
    out.push('}');
}

fn list(depth: u8, rng: &mut Rng, out: &mut String) {
    out.push('[');
    for number in 0..rng.u8(..4) {
        if number > 0 {
            out.push_str([",", ", "][rng.usize(..2)]);
        }
        value(depth, rng, out);
    }
    out.push(']');
}
