//! Objects that nothing runs yet, checked as `rsyslogd -N1` does: what is required, and what is
//! read from files at once.

use std::fs;
use std::io::Read;

use serde_json::Value;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::nearest;
use crate::base::limits::CONFIG_FILE_BYTES_MAX;
use crate::base::num::count;
use crate::catalog;
use crate::config::ast::Block;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::ast::StmtKind;
use crate::config::manual;
use crate::config::module::Role;
use crate::config::module::short_name;
use crate::config::param;
use crate::config::param::Params;
use crate::engine::modules::BUILT_IN;
use crate::engine::modules::Modules;
use crate::engine::modules::kind_name;
use crate::engine::registry;

/// Parsers that are always there, in the order in which they are tried.
const BUILT_IN_PARSERS: [&str; 2] = ["rsyslog.rfc5424", "rsyslog.rfc3164"];

/// What rsyslog's parser modules are called in rulesets.
const PARSER_NAMES: [(&str, &str); 6] = [
    ("pmaixforwardedfrom", "rsyslog.aixforwardedfrom"),
    ("pmciscoios", "rsyslog.ciscoios"),
    ("pmcisconames", "rsyslog.cisconames"),
    ("pmlastmsg", "rsyslog.lastline"),
    ("pmnormalize", "rsyslog.pmnormalize"),
    ("pmsnare", "rsyslog.snare"),
];

/// Checks all objects in `block` that nothing runs yet. Gives the names of the parsers that
/// rulesets may ask for, or `None` if a module was loaded whose parsers' names are not known.
pub(super) fn check(
    block: &Block,
    modules: &Modules,
    diags: &mut Diagnostics,
) -> Option<Vec<String>> {
    let mut parsers: Vec<String> = BUILT_IN_PARSERS.map(str::to_owned).to_vec();
    let mut all_known = true;
    for module in registry::modules().filter(|module| module.role == Role::Parser) {
        if modules.is_loaded(module.name) {
            let name = PARSER_NAMES.iter().find(|(loaded, _)| *loaded == module.name);
            all_known &= name.is_some();
            parsers.extend(name.map(|(_, parser)| (*parser).to_owned()));
        }
    }
    for stmt in block {
        let StmtKind::Object(object) = &stmt.kind else { continue };
        let Some(table) = catalog::object(object.kind) else { continue };
        let before = diags.all.len();
        let mut tables = vec![table];
        if object.kind == ObjectKind::Parser {
            tables.extend(parser_tables(object, modules, diags));
        }
        let params = param::check(object, &tables, diags);
        for name in catalog::required(object.kind).iter().filter(|name| !params.has(name)) {
            let text = format!("{} needs '{name}'", kind_name(object.kind));
            params.missing(&[name], Diagnostic::error(object.loc, text), diags);
        }
        match object.kind {
            ObjectKind::LookupTable => lookup_table(&params, diags),
            ObjectKind::Timezone => timezone(&params, diags),
            ObjectKind::Parser => new_parser(&params, &mut parsers, diags),
            _ => {}
        }
        let text =
            format!("{} objects are not built yet: it has no effect", kind_name(object.kind));
        diags.push(Diagnostic::unbuilt(object.loc, text));
        diags.name_term(before, manual::object(object.kind));
    }
    all_known.then_some(parsers)
}

/// What the module of a `parser()` takes.
fn parser_tables(
    object: &Object,
    modules: &Modules,
    diags: &mut Diagnostics,
) -> &'static [&'static [param::Spec]] {
    let Some((kind, loc)) = object.text("type") else { return &[] };
    let kind = short_name(&kind).to_ascii_lowercase();
    let parsers = || registry::modules().filter(|module| module.role == Role::Parser);
    let Some(module) = parsers().find(|module| module.name == kind) else {
        let text = format!("parser module '{kind}' not known");
        let mut d = Diagnostic::error(loc, text);
        if let Some(near) = nearest(&kind, parsers().map(|module| module.name)) {
            d = d.help(format!("did you mean '{near}'?"));
        }
        diags.push(d);
        return &[];
    };
    if !BUILT_IN.contains(&module.name) && !modules.is_loaded(&kind) {
        let text = format!("parser module '{kind}' is not loaded");
        let help = format!("put module(load=\"{kind}\") before it");
        diags.push(Diagnostic::error(loc, text).help(help));
    }
    module.instance
}

fn new_parser(params: &Params, parsers: &mut Vec<String>, diags: &mut Diagnostics) {
    let Some(name) = params.str("name") else { return };
    if parsers.iter().any(|known| known == name) {
        let text = format!("parser '{name}' is defined twice");
        diags.push(Diagnostic::error(params.loc("name"), text).help("rename one of them"));
        return;
    }
    parsers.push(name.to_owned());
}

/// Complains of parsers that a ruleset asks for and nobody defines.
pub(super) fn parsers_exist(
    params: &Params,
    parsers: Option<&Vec<String>>,
    diags: &mut Diagnostics,
) {
    let asked = params.list("parser");
    for name in &asked {
        if let Some(parsers) = parsers
            && !parsers.iter().any(|known| known.eq_ignore_ascii_case(name))
        {
            let mut d =
                Diagnostic::error(params.loc("parser"), format!("parser '{name}' not known"));
            if let Some(near) = nearest(name, parsers.iter().map(String::as_str)) {
                d = d.help(format!("did you mean '{near}'?"));
            }
            diags.push(d);
        }
    }
    if !asked.is_empty() && asked != BUILT_IN_PARSERS {
        let text = "lists of parsers are not built yet: RFC 5424 and RFC 3164 are tried";
        diags.push(Diagnostic::unbuilt(params.loc("parser"), text));
    }
}

/// `+hh:mm`, up to twelve hours.
fn timezone(params: &Params, diags: &mut Diagnostics) {
    let Some(offset) = params.str("offset") else { return };
    let number = |at: usize| offset.get(at..at + 2).and_then(|digits| digits.parse::<u8>().ok());
    let plain = offset.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b':'));
    let framed = offset.starts_with(['+', '-']) && offset.get(3..4) == Some(":");
    let within = matches!((number(1), number(4)), (Some(0..=12), Some(0..=59)));
    if !(plain && framed && within && offset.len() == 6) {
        let text = format!("'{offset}' is no offset from UTC");
        let help = "write it as +09:00 or -05:30, up to twelve hours";
        diags.push(Diagnostic::error(params.loc("offset"), text).help(help));
    }
}

/// Reads a lookup table's file. rsyslog refuses what is complained of here.
fn lookup_table(params: &Params, diags: &mut Diagnostics) {
    let Some(path) = params.str("file") else { return };
    let mut text = Vec::new();
    let read = fs::File::open(path)
        .and_then(|file| file.take(count(CONFIG_FILE_BYTES_MAX)).read_to_end(&mut text));
    let flaw = match read {
        Err(e) => Some(format!("cannot read '{path}': {e}")),
        Ok(_) => flaw_of_table(&text).map(|why| format!("'{path}' is no lookup table: {why}")),
    };
    if let Some(text) = flaw {
        let help = "{\"version\": 1, \"type\": \"string\", \"nomatch\": \"…\", \
                    \"table\": [{\"index\": \"…\", \"value\": \"…\"}]}";
        diags.push(Diagnostic::error(params.loc("file"), text).help(help));
    }
}

/// Why `text` is not the JSON of a lookup table. What stands behind it does not matter.
fn flaw_of_table(text: &[u8]) -> Option<String> {
    let table = match serde_json::Deserializer::from_slice(text).into_iter::<Value>().next() {
        None => return Some("it is empty".to_owned()),
        Some(Err(e)) => return Some(format!("{e}")),
        Some(Ok(table)) => table,
    };
    match &table["version"] {
        Value::Null => return Some("it has no 'version'".to_owned()),
        version if !is(version, 1) => return Some(format!("version {version} is not known")),
        _ => {}
    }
    let kind = match &table["type"] {
        Value::Null => "string",
        Value::String(kind) => kind,
        other => return Some(format!("type {other} is not known")),
    };
    let key = match kind {
        "string" | "array" | "sparseArray" => "index",
        "regex" => "regex",
        other => return Some(format!("type '{other}' is not known")),
    };
    let Value::Array(rows) = &table["table"] else {
        return Some("it has no array 'table'".to_owned());
    };
    for (number, row) in rows.iter().enumerate() {
        if let Some(name) = ["value", key].into_iter().find(|name| row.get(name).is_none()) {
            return Some(format!("row {} has no '{name}'", number + 1));
        }
    }
    let mut indices: Vec<i64> = rows.iter().map(|row| row[key].as_i64().unwrap_or(0)).collect();
    indices.sort_unstable();
    let gap = indices.windows(2).find(|pair| pair[1] - pair[0] != 1);
    gap.filter(|_| kind == "array")
        .map(|pair| format!("no array: index {} follows {}", pair[1], pair[0]))
}

/// Whether a JSON value is this number, or text that says so.
fn is(value: &Value, number: i64) -> bool {
    value.as_i64() == Some(number) || value.as_str() == Some(&number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verdicts are rsyslogd 8.2302's, but for type regex, which came later.
    #[test]
    fn tables_of_all_types() {
        for good in [
            r#"{"version":1,"table":[]}"#,
            r#"{"version":"1","type":"string","table":[{"index":"1","value":"a"}]} behind"#,
            r#"{"version":1,"nomatch":5,"type":"string","table":[{"index":1,"value":2}]}"#,
            r#"{"version":1,"type":"array","table":[{"index":9,"value":"b"},{"index":8,"value":"a"}]}"#,
            r#"{"version":1,"type":"sparseArray","table":[{"index":1,"value":"b"}]}"#,
            r#"{"version":1,"type":"regex","table":[{"regex":"a","value":"b"}]}"#,
        ] {
            assert_eq!(flaw_of_table(good.as_bytes()), None, "{good}");
        }
        for (bad, why) in [
            ("", "empty"),
            ("garbage", "expected value"),
            ("[]", "no 'version'"),
            (r#"{"version":2,"table":[]}"#, "version 2"),
            (r#"{"version":1}"#, "no array 'table'"),
            (r#"{"version":1,"type":"STRING","table":[]}"#, "type 'STRING'"),
            (r#"{"version":1,"table":[{"value":"a"}]}"#, "row 1 has no 'index'"),
            (r#"{"version":1,"table":[1]}"#, "row 1 has no 'value'"),
            (
                r#"{"version":1,"type":"array","table":[{"index":1,"value":"b"},{"index":3,"value":"b"}]}"#,
                "index 3 follows 1",
            ),
        ] {
            let flaw = flaw_of_table(bad.as_bytes()).unwrap_or_default();
            assert!(flaw.contains(why), "{bad}: {flaw}");
        }
    }
}
