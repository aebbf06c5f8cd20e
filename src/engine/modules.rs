//! The modules that a configuration may load, by name, and the tables of objects that belong to
//! the engine itself.

use std::collections::HashMap;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::nearest;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::param;
use crate::config::param::Kind::Array;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::Size;
use crate::config::param::Kind::Str;
use crate::config::param::Params;
use crate::config::param::Spec;
use crate::input::tcp;
use crate::input::udp;

/// `type=` of inputs and actions.
pub(super) static TYPE_PARAM: &[Spec] = &[Spec::new("type", Str, "", "The module.")];
static LOAD_PARAM: &[Spec] = &[Spec::new("load", Str, "", "The module.")];

/// Parameters of `ruleset()` besides its queue's.
pub(super) static RULESET_PARAMS: &[Spec] = &[
    Spec::new("name", Str, "", "The ruleset's name."),
    Spec::new("parser", Array, "", "Parsers to be tried.")
        .unsupported("parser lists come with a later version; RFC 5424 and RFC 3164 are tried"),
];

const BYTES: &str =
    "every action has a queue of its own, bounded in bytes; a full one holds senders back";

/// Parameters of a main queue's or a ruleset's queue.
pub(super) static QUEUE_PARAMS: &[Spec] = &[
    Spec::new("queue.type", Str, "", "Kind of queue.").ignored(BYTES),
    Spec::new("queue.size", Size, "", "Messages that it may hold.").ignored(BYTES),
    Spec::new("queue.filename", Str, "", "Prefix of its files.").ignored("queues on disk come with a later version; until then the queue is in memory"),
    Spec::new("queue.spoolDirectory", Str, "", "Folder of its files.").ignored("queues on disk come with a later version; until then the queue is in memory"),
    Spec::new("queue.maxDiskSpace", Size, "", "").ignored("queues on disk come with a later version; until then the queue is in memory"),
    Spec::new("queue.maxFileSize", Size, "", "").ignored("queues on disk come with a later version; until then the queue is in memory"),
    Spec::new("queue.saveOnShutdown", Bool, "off", "").ignored("queues on disk come with a later version; a stop delivers what it can within drain.timeout"),
    Spec::new("queue.syncQueueFiles", Bool, "", "").ignored("queues on disk come with a later version; until then the queue is in memory"),
    Spec::new("queue.checkpointInterval", Int, "", "").ignored("queues on disk come with a later version; until then the queue is in memory"),
    Spec::new("queue.dequeueBatchSize", Int, "", "").ignored("what one read brings is one batch"),
    Spec::new("queue.minDequeueBatchSize", Int, "", "").ignored("what one read brings is one batch"),
    Spec::new("queue.minDequeueBatchSize.timeout", Int, "", "").ignored("what one read brings is one batch"),
    Spec::new("queue.workerThreads", Int, "", "").ignored("the shards do the work"),
    Spec::new("queue.workerThreadMinimumMessages", Int, "", "").ignored("the shards do the work"),
    Spec::new("queue.highWatermark", Int, "", "").ignored(BYTES),
    Spec::new("queue.lowWatermark", Int, "", "").ignored(BYTES),
    Spec::new("queue.fullDelayMark", Int, "", "").ignored(BYTES),
    Spec::new("queue.lightDelayMark", Int, "", "").ignored(BYTES),
    Spec::new("queue.discardMark", Int, "", "").ignored("nothing is discarded by severity"),
    Spec::new("queue.discardSeverity", Str, "", "").ignored("nothing is discarded by severity"),
    Spec::new("queue.timeoutShutdown", Int, "", "").ignored("drain.timeout holds for all queues"),
    Spec::new("queue.timeoutActionCompletion", Int, "", "").ignored("drain.timeout holds for all queues"),
    Spec::new("queue.timeoutEnqueue", Int, "", "").ignored(BYTES),
    Spec::new("queue.timeoutWorkerthreadShutdown", Int, "", "").ignored("the shards do the work"),
    Spec::new("queue.dequeueSlowdown", Int, "", "").unsupported("it is not supported yet; leave it out"),
    Spec::new("queue.dequeueTimeBegin", Int, "", "").unsupported("it is not supported yet; leave it out"),
    Spec::new("queue.dequeueTimeEnd", Int, "", "").unsupported("it is not supported yet; leave it out"),
    Spec::new("queue.samplingInterval", Int, "", "").unsupported("it is not supported yet; leave it out"),
    Spec::new("queue.takeFlowCtlFromMsg", Bool, "", "").ignored(BYTES),
];

/// Checks `main_queue(…)`.
pub(super) fn check_queue(object: &Object, diags: &mut Diagnostics) {
    param::check(object, &[QUEUE_PARAMS], diags);
}

/// An input module of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InputKind {
    Udp,
    /// `imtcp` or `imptcp`.
    Tcp(&'static str),
}

impl InputKind {
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            udp::NAME => Some(Self::Udp),
            tcp::NAME => Some(Self::Tcp(tcp::NAME)),
            tcp::NAME_PLAIN => Some(Self::Tcp(tcp::NAME_PLAIN)),
            _ => None,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Udp => udp::NAME,
            Self::Tcp(name) => name,
        }
    }

    pub(super) const fn params(self) -> &'static [Spec] {
        match self {
            Self::Udp => udp::PARAMS,
            Self::Tcp(_) => tcp::PARAMS,
        }
    }

    const fn module_params(self) -> &'static [Spec] {
        match self {
            Self::Udp => udp::MODULE_PARAMS,
            Self::Tcp(_) => tcp::MODULE_PARAMS,
        }
    }
}

/// rsyslog's modules that Bongsu does not have yet, with what to do meanwhile.
static NOT_YET: &[(&str, &str)] = &[
    (
        "imuxsock",
        "local logging comes with a later version; let journald or rsyslog forward to a port",
    ),
    ("imklog", "kernel messages come with a later version"),
    ("imkmsg", "kernel messages come with a later version"),
    ("imjournal", "the journal comes with a later version"),
    ("imfile", "tailing files comes with a later version"),
    ("imrelp", "RELP comes with a later version; imtcp is there"),
    ("omrelp", "RELP comes with a later version; omfwd is there"),
    ("impstats", "statistics come with a later version; the summary at the end has the counters"),
    ("immark", "mark messages come with a later version"),
    ("omusrmsg", "messages to users' terminals come with a later version"),
    ("ompipe", "pipes come with a later version"),
    ("omprog", "programs come with a later version"),
    ("mmjsonparse", "JSON variables come with a later version"),
];

/// Loaded modules and their parameters.
#[derive(Debug, Default)]
pub(super) struct Modules {
    params: HashMap<String, Params>,
    none: Params,
}

/// The last part of a module's path, without `builtin:` and `.so`: what rsyslog calls it.
fn short_name(load: &str) -> String {
    let name = load.rsplit('/').next().unwrap_or(load);
    let name = name.strip_suffix(".so").unwrap_or(name);
    name.strip_prefix("builtin:").unwrap_or(name).to_ascii_lowercase()
}

impl Modules {
    pub(super) fn load(&mut self, object: &Object, diags: &mut Diagnostics) {
        let Some((load, _)) = object.text("load") else {
            diags.push(
                Diagnostic::error(object.loc, "a module needs its name")
                    .help("module(load=\"imtcp\")"),
            );
            return;
        };
        let name = short_name(&load);
        if let Some(input) = InputKind::parse(&name) {
            let tables = [LOAD_PARAM, input.module_params(), input.params()];
            let params = param::check(object, &tables, diags);
            self.params.insert(name, params);
        } else {
            let text = match NOT_YET.iter().find(|(known, _)| *known == name) {
                Some((_, instead)) => format!("module '{name}' is not supported yet: {instead}"),
                None => format!("module '{name}' not known"),
            };
            let mut d = Diagnostic::error(object.loc, text);
            let known = [udp::NAME, tcp::NAME, tcp::NAME_PLAIN];
            if let Some(near) = nearest(&name, known) {
                d = d.help(format!("did you mean '{near}'?"));
            }
            diags.push(d);
        }
    }

    /// What was given with `module(load=…)`; empty if it was not loaded.
    pub(super) fn params(&self, name: &str) -> &Params {
        self.params.get(name).unwrap_or(&self.none)
    }

    /// The input module `kind`, which must be loaded.
    pub(super) fn input(
        &self,
        kind: &str,
        object: &Object,
        diags: &mut Diagnostics,
    ) -> Option<InputKind> {
        let name = short_name(kind);
        match InputKind::parse(&name) {
            Some(input) if self.params.contains_key(&name) => Some(input),
            Some(_) => {
                let text = format!("input module '{name}' is not loaded");
                let help = format!("put module(load=\"{name}\") before it");
                diags.push(Diagnostic::error(object.loc, text).help(help));
                None
            }
            None => {
                // A module that was loaded and refused has been complained of already.
                if !NOT_YET.iter().any(|(known, _)| *known == name) {
                    let text = format!("input type '{kind}' not known");
                    let mut d = Diagnostic::error(object.loc, text);
                    if let Some(near) = nearest(&name, [udp::NAME, tcp::NAME, tcp::NAME_PLAIN]) {
                        d = d.help(format!("did you mean '{near}'?"));
                    }
                    diags.push(d);
                }
                None
            }
        }
    }
}

/// `type=` of an input or action.
pub(super) fn type_of(object: &Object, diags: &mut Diagnostics) -> Option<String> {
    let kind = object.text("type");
    if kind.is_none() {
        let text = format!("{} needs a type", kind_name(object.kind));
        diags.push(Diagnostic::error(object.loc, text).help("add type=\"…\""));
    }
    kind.map(|(kind, _)| short_name(&kind))
}

/// How rsyslog writes an object.
pub(super) const fn kind_name(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Action => "action",
        ObjectKind::DynStats => "dyn_stats",
        ObjectKind::Global => "global",
        ObjectKind::Include => "include",
        ObjectKind::Input => "input",
        ObjectKind::LookupTable => "lookup_table",
        ObjectKind::MainQueue => "main_queue",
        ObjectKind::Module => "module",
        ObjectKind::Parser => "parser",
        ObjectKind::PerctileStats => "perctile_stats",
        ObjectKind::Ratelimit => "ratelimit",
        ObjectKind::Ruleset => "ruleset",
        ObjectKind::Template => "template",
        ObjectKind::Timezone => "timezone",
        ObjectKind::Constant => "constant",
        ObjectKind::Property => "property",
    }
}
