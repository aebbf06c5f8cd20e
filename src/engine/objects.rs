//! Objects that belong to no module: lookup tables, which are read at once, and what counts.

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
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
use crate::lookup::Tables;

/// Takes in all objects in `block` that have no place of their own; gives the lookup tables, and
/// what counts to `statistics`.
pub(super) fn check(block: &Block, statistics: &mut Statistics, diags: &mut Diagnostics) -> Tables {
    let mut tables = Tables::default();
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
            ObjectKind::LookupTable => lookup_table(object, &params, &mut tables, diags),
            _ => {
                let kind = kind_name(object.kind);
                let text = format!("{kind} objects are not built yet: it has no effect");
                diags.push(Diagnostic::unbuilt(object.loc, text));
            }
        }
        diags.name_term(before, manual::object(object.kind));
    }
    tables
}

/// Complains of parameters that an object must have.
pub(super) fn required(object: &Object, params: &Params, diags: &mut Diagnostics) {
    for name in catalog::required(object.kind).iter().filter(|name| !params.has(name)) {
        let text = format!("{} needs '{name}'", kind_name(object.kind));
        params.missing(&[name], Diagnostic::error(object.loc, text), diags);
    }
}

/// Reads a lookup table's file into `tables`. rsyslogd runs with a table that it could not read,
/// which then is empty.
fn lookup_table(object: &Object, params: &Params, tables: &mut Tables, diags: &mut Diagnostics) {
    let (Some(name), Some(file)) = (params.str("name"), params.str("file")) else { return };
    if tables.get(name).is_some() {
        let text = format!("lookup table '{name}' is defined twice: the first one counts");
        diags.push(Diagnostic::warning(object.loc, text).help("rename or remove this one"));
        return;
    }
    let loc = params.loc("file");
    let reload = params.bool("reloadOnHUP").unwrap_or(true);
    match tables.add(name, file, reload) {
        Ok(table) => {
            for (text, error) in table.remarks().words(name) {
                diags.push(match error {
                    true => Diagnostic::error(loc, text),
                    false => Diagnostic::warning(loc, text),
                });
            }
        }
        Err(flaw) => {
            let help = "{\"version\": 1, \"type\": \"string\", \"nomatch\": \"…\", \
                        \"table\": [{\"index\": \"…\", \"value\": \"…\"}]}";
            diags.push(Diagnostic::error(loc, flaw.words(name, file)).help(help));
        }
    }
}
