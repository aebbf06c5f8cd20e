//! `parser()`, `timezone()` and `ruleset(parser=[…])`: which parsers the messages of a ruleset are
//! read with.

mod headerless;
mod table;

pub(super) use headerless::Route;
pub(super) use headerless::TEMPLATE as HEADERLESS_TEMPLATE;
pub(super) use table::MODULES;

use std::collections::HashMap;
use std::sync::Arc;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::diag::nearest;
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
use crate::config::param::Spec;
use crate::config::selector;
use crate::engine::definitions::Definitions;
use crate::engine::modules::BUILT_IN;
use crate::engine::modules::Modules;
use crate::engine::objects::required;
use crate::engine::registry;
use crate::message::Pri;
use crate::parse;
use crate::parse::ParseSettings;
use crate::parse::chain::CiscoIosSettings;
use crate::parse::chain::NullSettings;
use crate::parse::chain::Parser;
use crate::parse::chain::ParserChain;
use crate::parse::chain::SnareTab;
use crate::parse::chain::Zones;
use crate::parse::rfc3164::Rfc3164Settings;
use crate::parse::sanitise::SanitiseSettings;
use crate::rules::RulesetId;

/// Parsers that are always there, in the order in which they are tried.
const BUILT_IN_PARSERS: [(&str, &str); 2] =
    [("pmrfc5424", "rsyslog.rfc5424"), ("pmrfc3164", "rsyslog.rfc3164")];

/// What rulesets call the parser that comes with a module.
const PARSER_NAMES: [(&str, &str); 6] = [
    ("pmaixforwardedfrom", "rsyslog.aixforwardedfrom"),
    ("pmceelog", "bongsu.ceelog"),
    ("pmciscoios", "rsyslog.ciscoios"),
    ("pmlastmsg", "rsyslog.lastline"),
    ("pmnull", "rsyslog.pmnull"),
    ("pmsnare", "rsyslog.snare"),
];

/// A parser that rulesets may ask for.
#[derive(Debug)]
struct Known {
    name: String,
    /// Where it was loaded or defined; `None` is built in.
    loc: Option<Loc>,
    /// Itself, and what stands before it; none if it cannot be had, which has been said.
    parsers: Vec<Parser>,
    /// Where its messages without a header go.
    headerless: Option<Route>,
}

/// The parsers of a configuration, and the lists of its rulesets.
#[derive(Debug, Default)]
pub(super) struct Parsers {
    known: Vec<Known>,
    zones: Zones,
    lists: HashMap<RulesetId, Vec<Parser>>,
    /// Where messages without a header go instead, or first.
    headerless: HashMap<RulesetId, Route>,
}

impl Parsers {
    /// Finds the parsers and time zones that `block` defines.
    pub(super) fn collect(
        block: &Block,
        modules: &Modules,
        sanitise: &SanitiseSettings,
        diags: &mut Diagnostics,
    ) -> Self {
        let mut found = Self::default();
        for (module, name) in BUILT_IN_PARSERS {
            let parsers = parsers(module, &Params::default(), sanitise);
            let name = name.to_owned();
            found.known.push(Known { name, loc: None, parsers, headerless: None });
        }
        for module in registry::modules().filter(|module| module.role == Role::Parser) {
            let name = PARSER_NAMES.iter().find(|(loaded, _)| *loaded == module.name);
            if let (Some((_, name)), true) = (name, modules.is_loaded(module.name)) {
                let loc = Some(modules.params(module.name).loc);
                let parsers = parsers(module.name, &Params::default(), sanitise);
                let name = (*name).to_owned();
                found.known.push(Known { name, loc, parsers, headerless: None });
            }
        }
        for stmt in block {
            let StmtKind::Object(object) = &stmt.kind else { continue };
            let before = diags.all.len();
            match object.kind {
                ObjectKind::Parser => found.parser_object(object, modules, sanitise, diags),
                ObjectKind::Timezone => found.timezone(object, diags),
                _ => continue,
            }
            diags.name_term(before, manual::object(object.kind));
        }
        found
    }

    fn parser_object(
        &mut self,
        object: &Object,
        modules: &Modules,
        sanitise: &SanitiseSettings,
        diags: &mut Diagnostics,
    ) {
        let errors = diags.errors();
        let (module, mut tables) = module_of(object, modules, diags);
        tables.extend(catalog::object(object.kind));
        let params = param::check(object, &tables, diags);
        required(object, &params, diags);
        let Some(name) = params.str("name") else { return };
        if self.known.iter().any(|known| known.name == name) {
            let text = format!("parser '{name}' is defined twice");
            diags.push(Diagnostic::error(params.loc("name"), text).help("rename one of them"));
            return;
        }
        let whole = diags.errors() == errors && !params.refused;
        let parsers = match module.filter(|_| whole) {
            Some(module) => parsers(module, &params, sanitise),
            None => Vec::new(),
        };
        let headerless = Route::of(&params);
        let (name, loc) = (name.to_owned(), Some(object.loc));
        self.known.push(Known { name, loc, parsers, headerless });
    }

    /// `+hh:mm`, up to twelve hours.
    fn timezone(&mut self, object: &Object, diags: &mut Diagnostics) {
        let tables: Vec<_> = catalog::object(object.kind).into_iter().collect();
        let params = param::check(object, &tables, diags);
        required(object, &params, diags);
        let (Some(id), Some(text)) = (params.str("id"), params.str("offset")) else { return };
        let most = 12 * 60 * 60 + 59 * 60;
        let signed = text.starts_with(['+', '-']);
        match parse::zone_text(text).filter(|offset| signed && offset.seconds().abs() <= most) {
            Some(offset) => self.zones.add(id, offset),
            None => {
                let text = format!("'{text}' is no offset from UTC");
                let help = "write it as +09:00 or -05:30, up to twelve hours";
                diags.push(Diagnostic::error(params.loc("offset"), text).help(help));
            }
        }
    }

    /// Takes over the parsers that a ruleset asks for, and complains of those that are not there:
    /// rsyslogd goes by what is left, or by the usual list if nothing is.
    pub(super) fn list(
        &mut self,
        ruleset: RulesetId,
        asked: &[(String, Loc)],
        definitions: &Definitions,
        diags: &mut Diagnostics,
    ) {
        let mut list = Vec::new();
        for (name, loc) in asked {
            let known = self.known.iter().find(|known| known.name == *name);
            let text = match known {
                None => format!("parser '{name}' not known"),
                Some(Known { loc: Some(at), .. }) if !definitions.precedes(*at, *loc) => {
                    format!("parser '{name}' is defined behind it: it is not used")
                }
                Some(known) => {
                    list.extend(known.parsers.iter().cloned());
                    // The first one that looks for them takes them all.
                    if let Some(route) = &known.headerless {
                        self.headerless.entry(ruleset).or_insert_with(|| route.clone());
                    }
                    continue;
                }
            };
            let mut d = Diagnostic::error(*loc, text);
            let names = self.known.iter().map(|known| known.name.as_str());
            if let (None, Some(near)) = (known, nearest(name, names)) {
                d = d.help(format!("did you mean '{near}'?"));
            }
            diags.push(d);
        }
        if !list.is_empty() {
            self.lists.insert(ruleset, list);
        }
    }

    /// The rulesets whose messages without a header go elsewhere, or to a file, in their order.
    pub(super) fn headerless(&self) -> Vec<(RulesetId, Route)> {
        let mut all: Vec<_> = self.headerless.iter().map(|(id, r)| (*id, r.clone())).collect();
        all.sort_unstable_by_key(|(id, _)| id.0);
        all
    }

    /// Lets the messages of an input that is bound to `ruleset` be read with its parsers. What is
    /// read already is not read again by rulesets that are called; a ruleset without a list has the
    /// usual one, not that of the default ruleset. (Both seen from rsyslogd 8.2302.)
    pub(super) fn bind(&self, ruleset: RulesetId, settings: &mut ParseSettings) {
        let Some(parsers) = self.lists.get(&ruleset) else { return };
        let chain = ParserChain { parsers: parsers.clone(), zones: self.zones.clone() };
        match chain.usual() {
            Some(rfc3164) => settings.rfc3164 = rfc3164,
            None => settings.chain = Some(Arc::new(chain)),
        }
    }
}

/// The module of a `parser()`, and what that takes.
fn module_of(
    object: &Object,
    modules: &Modules,
    diags: &mut Diagnostics,
) -> (Option<&'static str>, Vec<&'static [Spec]>) {
    let Some((kind, loc)) = object.text("type") else { return (None, Vec::new()) };
    let kind = short_name(&kind).to_ascii_lowercase();
    let parsers = || registry::modules().filter(|module| module.role == Role::Parser);
    let Some(module) = parsers().find(|module| module.name == kind) else {
        let text = format!("parser module '{kind}' not known");
        let mut d = Diagnostic::error(loc, text);
        if let Some(near) = nearest(&kind, parsers().map(|module| module.name)) {
            d = d.help(format!("did you mean '{near}'?"));
        }
        diags.push(d);
        return (None, Vec::new());
    };
    if !BUILT_IN.contains(&module.name) && !modules.is_loaded(&kind) {
        let text = format!("parser module '{kind}' is not loaded");
        let help = format!("put module(load=\"{kind}\") before it");
        diags.push(Diagnostic::error(loc, text).help(help));
    }
    (Some(module.name), module.instance.to_vec())
}

/// The parser of `module`, and what stands before it; none if that module is not here.
fn parsers(module: &str, params: &Params, global: &SanitiseSettings) -> Vec<Parser> {
    let before = headerless::settings(params).map(Parser::Headerless);
    before.into_iter().chain(parser(module, params, global)).collect()
}

/// The parser of `module`, as `params` want it; `None` if that module is not here.
fn parser(module: &str, params: &Params, global: &SanitiseSettings) -> Option<Parser> {
    let on = |name| params.bool(name).unwrap_or(false);
    Some(match module {
        "pmrfc5424" => Parser::Rfc5424,
        "pmrfc3164" => Parser::Rfc3164(Rfc3164Settings {
            square_brackets_in_hostname: on("permit.squareBracketsInHostname"),
            slashes_in_hostname: on("permit.slashesInHostname"),
            at_signs_in_hostname: on("permit.atSignsInHostname"),
            tag_ending_by_colon: on("force.tagEndingByColon"),
            remove_msg_first_space: on("remove.msgFirstSpace"),
            year_after_timestamp: on("detect.yearAfterTimestamp"),
            nearest_year: on("detect.nearestYear"),
        }),
        "pmciscoios" => Parser::CiscoIos(CiscoIosSettings {
            origin: on("present.origin"),
            xr: on("present.xr"),
        }),
        "pmlastmsg" => Parser::LastMessage,
        "pmaixforwardedfrom" => Parser::AixForwardedFrom,
        "pmsnare" => Parser::Snare(SnareTab::of(&snare_settings(params, global))),
        "pmnull" => Parser::Null(null_settings(params)),
        "pmceelog" => Parser::Ceelog,
        _ => return None,
    })
}

/// How tabs come in: as `global()` says, where the parser does not.
fn snare_settings(params: &Params, global: &SanitiseSettings) -> SanitiseSettings {
    let or = |name, global| params.bool(name).unwrap_or(global);
    let prefix = params.bytes("parser.controlCharacterEscapePrefix");
    SanitiseSettings {
        escape_control: or("parser.escapeControlCharactersOnReceive", global.escape_control),
        escape_tab: or("parser.escapeControlCharacterTab", global.escape_tab),
        c_style: or("parser.escapeControlCharactersCStyle", global.c_style),
        prefix: prefix.and_then(|text| text.first().copied()).unwrap_or(global.prefix),
        ..*global
    }
}

fn null_settings(params: &Params) -> NullSettings {
    let Pri(default) = Pri::DEFAULT;
    let facility = params.bytes("syslogFacility").and_then(|text| selector::facility(text));
    let severity = params.bytes("syslogSeverity").and_then(|text| selector::severity(text));
    NullSettings {
        tag: params.bytes("tag").map(|tag| tag.as_slice().into()).unwrap_or_default(),
        pri: Pri(facility.unwrap_or(default / 8) * 8 + severity.unwrap_or(default % 8)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse_text;
    use crate::engine::Options;
    use crate::engine::build::InputPlan;
    use crate::engine::compile;

    /// How the first input of a configuration reads, and how many complaints there were.
    fn reads(text: &str) -> (ParseSettings, usize) {
        let text = format!("module(load=\"imudp\")\n{text}\n*.* /dev/null\n");
        let options =
            Options { hostname: "host".to_owned(), no_dns: false, ipv4: true, ipv6: true };
        let mut config = parse_text("test", text.as_bytes());
        let plan = compile(&mut config, &options);
        let Some(InputPlan::Udp { parse, .. }) = plan.inputs.into_iter().next() else {
            panic!("no input in {text}");
        };
        (parse, config.diagnostics.all.len())
    }

    fn chain(settings: ParseSettings) -> Vec<Parser> {
        settings.chain.expect("a list").parsers.clone()
    }

    const IN_R: &str = "input(type=\"imudp\" port=\"1\" ruleset=\"r\")";

    #[test]
    fn the_usual_list_needs_no_chain() {
        let (parse, complaints) = reads(&format!(
            "parser(name=\"mine\" type=\"pmrfc3164\" detect.nearestYear=\"on\")\n\
             ruleset(name=\"r\" parser=[\"rsyslog.rfc5424\", \"mine\", \"rsyslog.rfc3164\"]) {{ stop }}\n{IN_R}"
        ));
        assert_eq!(complaints, 0);
        assert!(parse.chain.is_none() && parse.rfc3164.nearest_year);
    }

    #[test]
    fn parsers_get_their_parameters() {
        let (parse, complaints) = reads(&format!(
            "global(parser.escapeControlCharactersCStyle=\"on\")\nmodule(load=\"pmsnare\")\n\
             module(load=\"pmnull\")\ntimezone(id=\"KST\" offset=\"+09:00\")\n\
             parser(name=\"s\" type=\"pmsnare\" parser.escapeControlCharactersCStyle=\"off\")\n\
             parser(name=\"n\" type=\"pmnull\" tag=\"t\" syslogFacility=\"local0\" syslogSeverity=\"3\")\n\
             ruleset(name=\"r\" parser=[\"s\", \"rsyslog.snare\", \"n\"]) {{ stop }}\n{IN_R}"
        ));
        assert_eq!(complaints, 0);
        let plain = SanitiseSettings::default();
        let c_style = SanitiseSettings { c_style: true, ..plain };
        let mut zones = Zones::default();
        zones.add("KST", crate::message::Offset::east(540));
        assert_eq!(parse.chain.as_ref().expect("a list").zones, zones);
        let null = NullSettings { tag: b"t".as_slice().into(), pri: Pri(131) };
        assert_eq!(
            chain(parse),
            [
                Parser::Snare(SnareTab::of(&plain)),
                Parser::Snare(SnareTab::of(&c_style)),
                Parser::Null(null)
            ]
        );
    }

    #[test]
    fn directives_outside_of_rulesets_are_for_the_default_ruleset() {
        let directives =
            "$ModLoad pmlastmsg\n$RulesetParser rsyslog.lastline\n$RulesetParser rsyslog.rfc5424\n";
        let (parse, complaints) = reads(&format!("{directives}input(type=\"imudp\" port=\"1\")"));
        assert_eq!(complaints, 0);
        assert_eq!(chain(parse), [Parser::LastMessage, Parser::Rfc5424]);
        let (parse, _) = reads(&format!("{directives}ruleset(name=\"r\") {{ stop }}\n{IN_R}"));
        assert!(parse.chain.is_none());
    }

    #[test]
    fn what_is_not_there_is_left_out() {
        let (parse, complaints) = reads(&format!(
            "ruleset(name=\"r\" parser=[\"nobody\", \"late\", \"rsyslog.rfc3164\"]) {{ stop }}\n\
             parser(name=\"late\" type=\"pmrfc3164\")\n{IN_R}"
        ));
        assert_eq!(complaints, 2);
        assert_eq!(chain(parse), [Parser::Rfc3164(Rfc3164Settings::default())]);
        let (parse, complaints) =
            reads(&format!("ruleset(name=\"r\" parser=\"RSYSLOG.RFC3164\") {{ stop }}\n{IN_R}"));
        assert!(parse.chain.is_none() && complaints == 1);
    }
}
