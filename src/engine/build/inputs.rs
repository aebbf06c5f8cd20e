//! The inputs of a configuration: those that stand there as `input()`, and those that modules make
//! by being loaded.

use std::path::PathBuf;
use std::sync::Arc;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::SourceMap;
use crate::base::num::len32;
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
            reads_variables: may_read_variables(self.definitions.sources()),
            inputs: self.input_kinds.clone(),
        }
    }
}

/// Whether a message's variables (`$!`) may be read anywhere. Its text is looked through: what
/// comes from the environment, or is written with escapes, counts as if it did.
fn may_read_variables(sources: &SourceMap) -> bool {
    const SIGNS: [&[u8]; 10] =
        [b"$!", b"%!", b"\"!", b"'!", b": !", b"all-json", b"jsonmesg", b"`", b"\\x", b"\\0"];
    let texts = (0..sources.len()).filter_map(|n| sources.file(len32(n))).map(|file| &file.text);
    texts.into_iter().any(|text| {
        let text = text.to_ascii_lowercase();
        SIGNS.iter().any(|sign| memchr::memmem::find(&text, sign).is_some())
    })
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
