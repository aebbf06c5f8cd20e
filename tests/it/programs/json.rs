//! JSON texts whose members are those that programs ask for.

use fastrand::Rng;

pub(crate) const NAMES: &[&str] = &["a", "b", "c", "list", "obj", "key", "value", "A"];
const ODD_NAMES: &[&str] = &["a.b", "", "with space", "a!b", "한", "q\\\"", "x[0]", "0", "c\\/d"];
const SCALARS: &[&str] = &[
    "0",
    "1",
    "-7",
    "10",
    "1.5",
    "-2.75",
    "9223372036854775807",
    "true",
    "false",
    "\"\"",
    "\"a\"",
    "\"10\"",
    "\"kim\"",
    "\"Failed\"",
    "\"tab\\tand\\nline\"",
    "\"\\u00e9\\u4e2d\"",
    "\"quote \\\" backslash \\\\ slash /\"",
    "\"007\"",
    "\"{}\"",
];
const BROKEN: &[&str] = &["", "{", "[1,", "nope", "{\"a\":}", "{\"a\" 1}", "'a'", "[1 2]", "}"];

/// A text that is JSON, most often.
pub(crate) fn text(rng: &mut Rng) -> String {
    match rng.u8(..20) {
        0 => BROKEN[rng.usize(..BROKEN.len())].to_owned(),
        1 => format!("{} trailing", value(rng, 2)),
        2 => scalar(rng),
        3..=8 => array(rng, 2),
        _ => object(rng, 2),
    }
}

/// An array or an object.
pub(crate) fn collection(rng: &mut Rng) -> String {
    if rng.bool() { array(rng, 2) } else { object(rng, 2) }
}

pub(crate) fn object(rng: &mut Rng, depth: usize) -> String {
    let mut members = Vec::new();
    for _ in 0..rng.usize(..5) {
        let names = if rng.u8(..10) == 0 { ODD_NAMES } else { NAMES };
        let name = names[rng.usize(..names.len())];
        members.push(format!("\"{name}\": {}", value(rng, depth)));
    }
    format!("{{{}}}", members.join(", "))
}

fn array(rng: &mut Rng, depth: usize) -> String {
    let elements: Vec<_> = (0..rng.usize(..5)).map(|_| value(rng, depth)).collect();
    format!("[{}]", elements.join(","))
}

fn scalar(rng: &mut Rng) -> String {
    SCALARS[rng.usize(..SCALARS.len())].to_owned()
}

fn value(rng: &mut Rng, depth: usize) -> String {
    match rng.u8(..4) {
        0 if depth > 0 => array(rng, depth - 1),
        1 if depth > 0 => object(rng, depth - 1),
        _ => scalar(rng),
    }
}
