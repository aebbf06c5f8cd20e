//! Objects that belong to no module, checked as `rsyslogd -N1` does: what is required, and what is
//! read from files at once.

use std::fs;
use std::io::Read;

use serde_json::Value;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::limits::CONFIG_FILE_BYTES_MAX;
use crate::base::num::count;
use crate::catalog;
use crate::config::ast::Block;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::ast::StmtKind;
use crate::config::manual;
use crate::config::param;
use crate::config::param::Params;
use crate::engine::modules::kind_name;
use crate::engine::statistics::Statistics;

/// Checks all objects in `block` that have no place of their own; `statistics` gets what counts.
pub(super) fn check(block: &Block, statistics: &mut Statistics, diags: &mut Diagnostics) {
    for stmt in block {
        let StmtKind::Object(object) = &stmt.kind else { continue };
        let Some(table) = catalog::object(object.kind) else { continue };
        // They have a place of their own.
        if matches!(object.kind, ObjectKind::Parser | ObjectKind::Ratelimit | ObjectKind::Timezone)
        {
            continue;
        }
        let before = diags.all.len();
        let params = param::check(object, &[table], diags);
        required(object, &params, diags);
        match object.kind {
            ObjectKind::DynStats => statistics.add_bucket(object, &params),
            ObjectKind::PerctileStats => statistics.add_percentiles(object, &params, diags),
            _ => {
                lookup_table(&params, diags);
                let kind = kind_name(object.kind);
                let text = format!("{kind} objects are not built yet: it has no effect");
                diags.push(Diagnostic::unbuilt(object.loc, text));
            }
        }
        diags.name_term(before, manual::object(object.kind));
    }
}

/// Complains of parameters that an object must have.
pub(super) fn required(object: &Object, params: &Params, diags: &mut Diagnostics) {
    for name in catalog::required(object.kind).iter().filter(|name| !params.has(name)) {
        let text = format!("{} needs '{name}'", kind_name(object.kind));
        params.missing(&[name], Diagnostic::error(object.loc, text), diags);
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
