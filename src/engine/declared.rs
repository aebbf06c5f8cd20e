//! What rsyslogd looks at in objects that nothing of ours runs yet, beyond their parameters' form:
//! files of tables, names of parsers, offsets of zones.

use std::collections::HashSet;
use std::fs;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::ast::Value;
use crate::config::module::Role;
use crate::config::module::short_name;
use crate::engine::registry;

/// Parsers that are there without a module.
const PARSERS: [&str; 2] = ["rsyslog.rfc3164", "rsyslog.rfc5424"];
/// What parser modules call their parser where that is not `rsyslog.` and the module's name
/// without its `pm`.
const PARSERS_OF_MODULES: [(&str, &str); 2] =
    [("pmlastmsg", "rsyslog.lastline"), ("pmnormalize", "rsyslog.pmnormalize")];
/// Parsers that a configuration has.
#[derive(Debug, Default)]
pub(super) struct Declared {
    parsers: HashSet<String>,
}

impl Declared {
    /// Takes in and checks what `object` says.
    pub(super) fn object(&mut self, object: &Object, diags: &mut Diagnostics) {
        match object.kind {
            ObjectKind::LookupTable => lookup_file(object, diags),
            ObjectKind::Parser => {
                self.parsers.extend(object.text("name").map(|(name, _)| name));
                parser_type(object, diags);
            }
            ObjectKind::Timezone => zone(object, diags),
            ObjectKind::Module => self.parser_module(object),
            _ => {}
        }
    }

    fn parser_module(&mut self, object: &Object) {
        let Some((load, _)) = object.text("load") else { return };
        let module = short_name(&load);
        let Some(bare) = module.strip_prefix("pm") else { return };
        let known = PARSERS_OF_MODULES.iter().find(|(name, _)| *name == module);
        let name = known.map_or_else(|| format!("rsyslog.{bare}"), |(_, name)| (*name).to_owned());
        self.parsers.insert(name);
    }

    /// The parsers that a ruleset names.
    pub(super) fn check_parsers(&self, ruleset: &Object, diags: &mut Diagnostics) {
        let Some(param) = ruleset.param("parser") else { return };
        let names = match &param.value {
            Value::Str(name) => std::slice::from_ref(name),
            Value::Array(names) => names,
        };
        for name in names.iter().map(ToString::to_string) {
            if !PARSERS.contains(&name.as_str()) && !self.parsers.contains(&name) {
                let text = format!("parser '{name}' not known");
                let help = "load its module, or define it by parser(name=… type=…), before it";
                diags.push(Diagnostic::error(param.value_loc, text).help(help));
            }
        }
    }
}

/// A table is read when the configuration is.
fn lookup_file(object: &Object, diags: &mut Diagnostics) {
    let Some((path, loc)) = object.text("file") else { return };
    let why = match fs::read(&path) {
        Ok(text) => match serde_json::from_slice::<serde_json::Value>(&text) {
            Ok(_) => return,
            Err(error) => format!("it is no JSON: {error}"),
        },
        Err(error) => error.to_string(),
    };
    let text = format!("the lookup table's file '{path}' cannot be used: {why}");
    diags.push(Diagnostic::error(loc, text));
}

fn parser_type(object: &Object, diags: &mut Diagnostics) {
    let Some((kind, loc)) = object.text("type") else { return };
    let built_in = matches!(kind.as_str(), "pmrfc3164" | "pmrfc5424");
    let module = registry::module(&kind).filter(|module| module.role == Role::Parser);
    if !built_in && module.is_none() {
        diags.push(Diagnostic::error(loc, format!("parser module '{kind}' not known")));
    }
}

/// `+09:00`
fn zone(object: &Object, diags: &mut Diagnostics) {
    let Some((offset, loc)) = object.text("offset") else { return };
    let whole = match offset.as_bytes() {
        [b'+' | b'-', h1, h2, b':', m1, m2] => [h1, h2, m1, m2].iter().all(|b| b.is_ascii_digit()),
        _ => false,
    };
    if !whole {
        let text = format!("'{offset}' is no offset of a time zone");
        diags.push(Diagnostic::error(loc, text).help("write it as +09:00 or -05:30"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ast::StmtKind;

    fn complaints(text: &str) -> Vec<String> {
        let config = crate::config::parse_text("test", text.as_bytes());
        let mut declared = Declared::default();
        let mut diags = Diagnostics::default();
        let objects = config.statements.iter().filter_map(|stmt| match &stmt.kind {
            StmtKind::Object(object) => Some(object),
            _ => None,
        });
        for object in objects {
            declared.object(object, &mut diags);
            if object.kind == ObjectKind::Ruleset {
                declared.check_parsers(object, &mut diags);
            }
        }
        diags.all.into_iter().map(|d| d.message).collect()
    }

    #[test]
    fn zones_are_hours_and_minutes() {
        let zone =
            |offset: &str| complaints(&format!("timezone(id=\"x\" offset=\"{offset}\")")).len();
        assert_eq!((zone("+09:00"), zone("-05:30")), (0, 0));
        assert_eq!((zone("9"), zone("+9:00"), zone("+09:0a")), (1, 1, 1));
    }

    #[test]
    fn parsers_come_from_modules_and_objects() {
        let ruleset = "ruleset(name=\"main\" parser=[\"rsyslog.rfc3164\", \"rsyslog.lastline\", \"own\"]) { stop }";
        assert_eq!(complaints(ruleset).len(), 2);
        let modules = "module(load=\"pmlastmsg\")\nparser(name=\"own\" type=\"pmrfc3164\")\n";
        assert_eq!(complaints(&format!("{modules}{ruleset}")), [""; 0]);
        assert_eq!(
            complaints("parser(name=\"x\" type=\"pmnone\")"),
            ["parser module 'pmnone' not known"]
        );
    }

    #[test]
    fn tables_are_read() {
        let missing = complaints("lookup_table(name=\"t\" file=\"/no/such/table\")");
        assert!(missing[0].contains("cannot be used: No such file"), "{missing:?}");
        let no_json = complaints("lookup_table(name=\"t\" file=\"/proc/self/comm\")");
        assert!(no_json[0].contains("it is no JSON"), "{no_json:?}");
    }
}
