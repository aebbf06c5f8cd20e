//! The inputs of a configuration: those that stand there as `input()`, and those that modules make
//! by being loaded.

use std::path::PathBuf;
use std::sync::Arc;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::config::ast::Block;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::manual;
use crate::config::param::Params;
use crate::engine::build::Builder;
use crate::engine::build::objects;
use crate::engine::build::on_its_page;
use crate::engine::limits;
use crate::engine::modules;
use crate::engine::modules::InputKind;
use crate::input;
use crate::input::local;
use crate::input::local::Local;
use crate::input::relp;
use crate::input::tcp::TcpSpec;
use crate::input::udp::UdpSpec;
use crate::message::Offset;
use crate::parse;
use crate::parse::ParseSettings;
use crate::rules::RulesetId;

/// An input, ready to be opened.
#[derive(Debug)]
pub(in crate::engine) enum InputPlan {
    Tcp { spec: Box<TcpSpec>, ruleset: RulesetId, parse: ParseSettings },
    Udp { spec: Box<UdpSpec>, ruleset: RulesetId, parse: ParseSettings },
    Local { local: Arc<dyn Local>, ruleset: RulesetId, parse: ParseSettings },
}

impl Builder {
    pub(super) fn inputs(&mut self, block: &Block, diags: &mut Diagnostics) -> Vec<InputPlan> {
        let kinds = objects(block, ObjectKind::Input).filter_map(|object| object.text("type"));
        self.input_kinds = kinds.map(|(kind, _)| kind).collect();
        let mut inputs = self.loaded_inputs(diags);
        for object in objects(block, ObjectKind::Input) {
            inputs.extend(on_its_page(object, diags, |diags| self.input(object, diags)));
        }
        inputs
    }

    fn input(&mut self, object: &Object, diags: &mut Diagnostics) -> Option<InputPlan> {
        let kind = modules::type_of(object, diags)?;
        let kind = self.modules.input(&kind, object, &self.definitions, diags)?;
        let params = kind.check(object, diags);
        let module = self.modules.params(kind.name());
        // imrelp has one for all of its inputs.
        let bound = if params.has("ruleset") { &params } else { module };
        let ruleset = self.bound_ruleset(bound, diags);
        let mut parse = self.parse_settings();
        parse.default_zone = default_tz(&params, module, diags);
        self.parsers.bind(ruleset, &mut parse);
        let ruleset = self.entries.get(&ruleset).copied().unwrap_or(ruleset);
        let plan = match kind {
            InputKind::Udp => {
                let spec = Box::new(UdpSpec::compile(module, &params));
                InputPlan::Udp { spec, ruleset, parse }
            }
            InputKind::Tcp | InputKind::PlainTcp => {
                let max = self.globals.message_bytes_max;
                let spec = TcpSpec::compile(kind.name(), module, &params, max, diags)?;
                InputPlan::Tcp { spec: Box::new(spec), ruleset, parse }
            }
            InputKind::Relp => {
                let max = self.globals.message_bytes_max;
                let spec = relp::compile(&params, max, diags)?;
                InputPlan::Tcp { spec: Box::new(spec), ruleset, parse }
            }
            InputKind::Local(of) => {
                let local = (of.instance)(module, &params, &self.surroundings(), diags)?;
                local.adjust(&mut parse);
                InputPlan::Local { local, ruleset, parse }
            }
        };
        let limited = limits::check_name(&params, &self.limits, diags);
        // What was refused has been complained of; without it the input would be another one.
        (limited && !params.refused && !module.refused).then_some(plan)
    }

    /// What modules read without an `input()`.
    fn loaded_inputs(&self, diags: &mut Diagnostics) -> Vec<InputPlan> {
        let mut inputs = Vec::new();
        for of in input::LOCAL.iter().filter(|of| self.modules.is_loaded(of.module.name)) {
            let params = self.modules.params(of.module.name);
            let before = diags.all.len();
            let ruleset = self.bound_ruleset(params, diags);
            let ruleset = self.entries.get(&ruleset).copied().unwrap_or(ruleset);
            let all = (of.loaded)(params, &self.surroundings(), diags);
            for prefix in ["", "sysSock."] {
                limits::check_own_name(params, prefix, &self.limits, diags);
            }
            diags.name_term(before, &manual::module(of.module.name));
            for local in all.into_iter().filter(|_| !params.refused) {
                let mut parse = self.parse_settings();
                self.parsers.bind(ruleset, &mut parse);
                local.adjust(&mut parse);
                inputs.push(InputPlan::Local { local, ruleset, parse });
            }
        }
        inputs
    }

    /// How inputs parse, where they say nothing else.
    fn parse_settings(&self) -> ParseSettings {
        let mut parse = self.globals.parse.clone();
        parse.hostname_in_header = true;
        parse.message_bytes_max = self.globals.message_bytes_max;
        parse
    }

    fn surroundings(&self) -> local::Surroundings {
        local::Surroundings {
            work_directory: self.globals.work_directory.as_deref().map(PathBuf::from),
            message_bytes_max: self.globals.message_bytes_max,
            reads_variables: self.reads_variables,
            inputs: self.input_kinds.clone(),
        }
    }
}

fn default_tz(params: &Params, module: &Params, diags: &mut Diagnostics) -> Option<Offset> {
    let at = if params.has("defaultTZ") { params } else { module };
    let text = at.str("defaultTZ")?;
    let offset = parse::zone_text(text);
    if offset.is_none() {
        let text = format!("defaultTZ '{text}' is no zone");
        let d =
            Diagnostic::error(at.loc("defaultTZ"), text).help("write it as +09:00, -05:30 or Z");
        diags.push(d);
    }
    offset
}

#[cfg(test)]
mod tests {
    use crate::config;
    use crate::engine::build::Options;
    use crate::engine::build::compile;

    /// Whether an imfile input would set its variables under these rules.
    fn sets(rules: &str) -> bool {
        let text = format!(
            r#"global(workDirectory="/")
module(load="imfile") module(load="mmjsontransform") module(load="mmjsonparse")
input(type="imfile" file="/x" tag="t:")
{rules}
"#
        );
        let mut config = config::parse_sealed("t.conf", text.as_bytes());
        let hostname = "host".to_owned();
        let options = Options { hostname, no_dns: true, ipv4: false, ipv6: false };
        let plan = compile(&mut config, &options);
        let errors: Vec<_> = config.diagnostics.all.iter().map(|d| &d.message).collect();
        assert!(!config.diagnostics.has_errors(), "{rules}: {errors:?}");
        let inputs = format!("{:?}", plan.inputs);
        assert!(inputs.contains("metadata: "), "{inputs}");
        inputs.contains("metadata: true")
    }

    #[test]
    fn variables_are_set_where_something_may_read_them() {
        let file = r#"action(type="omfile" file="/out")"#;
        for rules in [
            r#"if $!metadata!filename == "/x" then stop"#,
            r#"if not (exists($!a) or $msg == "b") then stop"#,
            r#"set $.x = "a" & tolower($!metadata!filename);"#,
            r#"set $.x = -(1 + strlen($!a));"#,
            r#"if $jsonmesg contains "x" then stop"#,
            r#"set $.x = $!all-json-plain;"#,
            r#"set $.x = $!;"#,
            r#"foreach ($.i in $!list) do { set $.y = $.i; }"#,
            r#"foreach ($.i in $.list) do { if $!a == 1 then stop }"#,
            r#"call_indirect $!metadata!filename;"#,
            r#"ruleset(name="never called") { if $!a == 1 then stop }"#,
            r#"if $fromhost-ip == "10.0.0.1" and $!a == 1 then stop"#,
            r#"action(type="omfile" file="/o" template="RSYSLOG_DebugFormat")"#,
            r#"action(type="mmjsontransform" input="$!metadata" output="$.m")"#,
            "$template a,\"%$!a%\"\n*.* /o;a",
            "$template a,\"/x/%$!a:1:3:uppercase%\"\n*.* ?a",
            "$template a,\"%$!a%\"\nset $.x = exec_template('a');",
            r#"template(name="s" type="subtree" subtree="$!a")
action(type="omfile" file="/o" template="s")"#,
            r#"template(name="l" type="list" option.jsonf="on") {
property(name="$!a" format="jsonf" outname="x") }
action(type="omfile" file="/o" template="l")"#,
            r#"module(load="omjournal") template(name="l" type="list") {
property(name="$!a" outname="x") }
action(type="omjournal" template="l")"#,
        ] {
            assert!(
                sets(&format!(
                    "{rules}
{file}"
                )),
                "{rules}"
            );
        }
    }

    /// What a module reads by itself runs without the limit that is not there.
    #[test]
    fn a_limit_of_the_log_socket_that_is_not_there_is_complained_of() {
        let text = r#"module(load="imuxsock" sysSock.rateLimit.name="none")
action(type="omfile" file="/out")
"#;
        let mut config = config::parse_sealed("t.conf", text.as_bytes());
        let hostname = "host".to_owned();
        let options = Options { hostname, no_dns: true, ipv4: false, ipv6: false };
        let plan = compile(&mut config, &options);
        let found = config.diagnostics.all.iter().find(|d| d.message.contains("ratelimit"));
        assert_eq!(found.unwrap().message, "ratelimit 'none' not found: no limit holds");
        assert_eq!(plan.inputs.len(), 1);
    }

    #[test]
    fn variables_are_not_set_where_nothing_reads_them() {
        for rules in [
            r#"action(type="omfile" file="/out$!x")"#,
            r#"# $!metadata
set $.a = '$!metadata'; set $!b = $msg; action(type="omfile" file="/o")"#,
            r#"template(name="unused" type="string" string="%$!a%")
action(type="omfile" file="/o")"#,
            r#"action(type="mmjsonparse") action(type="omfile" file="/out")"#,
        ] {
            assert!(!sets(rules), "{rules}");
        }
    }
}
