//! One message through the relay on paper: what `bongsu explain` shows and `bongsu test` checks.
//! Nothing is opened and nothing is written.

mod recorder;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use serde::Serialize;

use crate::base::clock;
use crate::base::clock::LocalZone;
use crate::base::diag::SourceMap;
use crate::base::span::Span;
use crate::engine::Plan;
use crate::engine::build::InputPlan;
use crate::engine::explain::recorder::Recorder;
use crate::engine::explain::recorder::properties;
use crate::input::local::ParseInto;
use crate::message::Arrival;
use crate::message::Batch;
use crate::message::Class;
use crate::message::InputInfo;
use crate::message::Message;
use crate::message::MessageFlags;
use crate::message::Pri;
use crate::message::Source;
use crate::message::Variable;
use crate::message::Variables;
use crate::net::allowed::AllowedSenders;
use crate::parse;
use crate::parse::ParseSettings;
use crate::parse::frame::Frame;
use crate::rules::RulesetId;
use crate::rules::Scratch;

/// A message, and how it comes in.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// The sender's address; 127.0.0.1 without it.
    pub from: Option<IpAddr>,
    /// `$fromhost`: the sender's name; its address without it.
    pub fromhost: Option<String>,
    /// A module such as `imudp`, or the name of an input; without it the first input.
    pub input: Option<String>,
    /// The port it listens on, where several inputs are of one kind.
    pub port: Option<String>,
    /// When it comes in; now without it.
    pub arrival: Option<Arrival>,
    /// The frame, without what ends it on the wire.
    pub message: Vec<u8>,
}

/// What became of a message.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// `$inputname` and the port of the input; nothing if the configuration has no input.
    pub input: String,
    pub ruleset: String,
    /// The parser that took the message, such as `rsyslog.rfc3164`.
    pub parser: String,
    /// Why that one, and what it did not find.
    pub because: Vec<String>,
    /// All properties that have a value before the rules, by name.
    pub properties: BTreeMap<&'static str, String>,
    pub steps: Vec<Step>,
    /// What each action would write, in order.
    pub outputs: Vec<Output>,
    /// Nothing is written anywhere.
    pub discarded: bool,
    /// The trees that are not empty, by sign (`$!`), as JSON: what the rules leave.
    pub variables: BTreeMap<String, String>,
    #[serde(skip)]
    trees: Variables,
}

impl Explanation {
    /// What the rules leave in the variable of that name, such as `$!tenant`; nothing if it is not
    /// set. `None` if it is no variable's name.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<String> {
        let variable = Variable::parse(name.strip_prefix('$')?.as_bytes())?;
        let text = |value: Option<&_>| value.map(recorder::text);
        Some(self.trees.with(&variable, text).unwrap_or_default())
    }

    /// The property of that name before the rules, as filters write it (`$msg`, `$$now`) or bare;
    /// nothing if it has no value. `None` if there is no such property, or it is another each time
    /// (`uuid`, `$uptime`) or made of others (`jsonmesg`, `$!all-json`).
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&str> {
        let bare = name.strip_prefix('$').and_then(recorder::known);
        let property = recorder::known(name).or(bare)?;
        Some(self.properties.get(property.name()).map_or("", String::as_str))
    }
}

/// One thing that happened.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// `file:line:column`
    pub at: String,
    /// The statement or condition, on one line.
    pub source: String,
    /// Rulesets, branches and loops that this is inside of.
    pub depth: usize,
    #[serde(flatten)]
    pub what: What,
}

/// What it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum What {
    /// A condition, and the values that it saw.
    Test {
        holds: bool,
        saw: Vec<(String, String)>,
    },
    /// No condition of an `if` held. The place is that of the first statement in its `else`.
    Else,
    /// A variable changed; without a value it is gone.
    Set {
        variable: String,
        value: Option<String>,
        /// Something else is in the way: the variable is as it was.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        refused: bool,
    },
    /// A module was asked to change the message: the properties that are others now. Variables that
    /// it changed follow.
    Modified {
        changed: Vec<(&'static str, String)>,
    },
    /// The number of the output, counted from 0.
    Action {
        output: usize,
    },
    Call {
        ruleset: String,
        queued: bool,
    },
    Return {
        ruleset: String,
    },
    /// What the relay would complain of, and go on.
    Fault {
        text: String,
    },
    /// A `foreach`, and how many rounds it has to go.
    Foreach {
        elements: usize,
    },
    Round {
        variable: String,
        value: String,
    },
    /// A lookup table would be read again: it is not, on paper.
    Reload {
        table: String,
    },
    Stop,
}

/// What an action would write.
#[derive(Clone, Debug, Serialize)]
pub struct Output {
    /// Its name.
    pub action: String,
    /// The module.
    pub module: &'static str,
    /// A file, `tcp:host:port`, …
    pub target: String,
    /// What is written; what is not UTF-8 is shown as U+FFFD.
    pub text: String,
    /// The bytes in hexadecimal digits, where `text` is not all of the truth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hex: Option<String>,
    /// The bytes, framing and all.
    #[serde(skip)]
    pub bytes: Vec<u8>,
}

impl Plan {
    /// Runs a message through parser, rules and templates. `None` if the configuration has inputs,
    /// but none of the kind that was asked for. `$/` keeps what messages before it have set.
    #[must_use]
    pub fn explain(&self, sources: &SourceMap, question: &Question) -> Option<Explanation> {
        let way = self.way(question)?;
        let (mut batch, parser) = self.received(question, &way);
        let mut because = because(&batch.messages[0], way.parse);
        let mut recorder = Recorder::new(self, sources, properties(batch.view(&batch.messages[0])));
        let before = recorder.properties.clone();
        if way.refuses(&batch.sources[0]) {
            because.push("$AllowedSender refuses the sender: rules never see it".to_owned());
        } else {
            let mut scratch = Scratch::new(&self.programs);
            self.programs.trace(way.ruleset, &mut batch, 0, &mut scratch, &mut |at, event| {
                recorder.hear(at, event);
            });
        }
        let Recorder { steps, outputs, trees, .. } = recorder;
        Some(Explanation {
            input: way.shown,
            ruleset: self.ruleset_name(way.ruleset),
            parser,
            because,
            properties: before,
            steps,
            // What goes nowhere has no target.
            discarded: outputs.iter().all(|output| output.target.is_empty()),
            outputs,
            variables: recorder::roots(&trees),
            trees,
        })
    }

    /// Forgets what messages have left in `$/`.
    pub fn forget(&self) {
        self.programs.forget_global();
    }

    /// The inputs that a question may ask for: module, name and ports of each.
    pub fn inputs(&self) -> impl Iterator<Item = (&'static str, &str, &[String])> {
        self.inputs.iter().map(InputPlan::names)
    }

    /// The first input that is meant; the default ruleset where there are no inputs at all.
    fn way(&self, question: &Question) -> Option<Way<'_>> {
        if self.inputs.is_empty() {
            let (name, shown) = (String::new(), String::new());
            let ruleset = self.default_ruleset;
            let (parse, own, allowed) = (&self.globals.parse, None, None);
            return Some(Way { name, shown, ruleset, parse, own, allowed });
        }
        let input = self.inputs.iter().find(|input| {
            let (module, name, ports) = input.names();
            question.input.as_ref().is_none_or(|wanted| wanted == module || wanted == name)
                && question.port.as_ref().is_none_or(|port| ports.contains(port))
        })?;
        let (module, name, ports) = input.names();
        let port = question.port.as_ref().or_else(|| ports.first()).map_or("", String::as_str);
        let lists = self.globals.senders.allowed();
        let own = match input {
            InputPlan::Local { local, .. } => local.parser(),
            InputPlan::Tcp { .. } | InputPlan::Udp { .. } => None,
        };
        let (ruleset, parse, append_port, allowed) = match input {
            // imptcp does not ask.
            InputPlan::Tcp { ruleset, parse, .. } => {
                (*ruleset, parse, false, lists.tcp.filter(|_| module == "imtcp"))
            }
            InputPlan::Udp { spec, ruleset, parse } => {
                (*ruleset, parse, spec.append_port, lists.udp)
            }
            InputPlan::Local { ruleset, parse, .. } => (*ruleset, parse, false, None),
        };
        let name = if append_port { format!("{name}{port}") } else { name.to_owned() };
        let shown = match port {
            "" => format!("{name} ({module})"),
            _ => format!("{name} ({module}, port {port})"),
        };
        Some(Way { name, shown, ruleset, parse, own, allowed })
    }

    /// The message, parsed, and the parser that took it.
    fn received(&self, question: &Question, way: &Way<'_>) -> (Batch, String) {
        let info = InputInfo { name: way.name.as_str().into(), hostname: self.hostname.clone() };
        let mut batch = Batch::new(Arc::new(info));
        let source = Source::new(question.from, question.fromhost.as_deref());
        batch.sources.push(Arc::new(source));
        let now = || Arrival::at(clock::wall(), &mut LocalZone::system());
        batch.arrival = question.arrival.unwrap_or_else(now);
        let cut = question.message.len().min(way.parse.message_bytes_max);
        batch.data.extend_from_slice(&question.message[..cut]);
        let truncated = cut < question.message.len();
        let frame = Frame { span: Span::new(0, cut), truncated };
        let arrival = batch.arrival;
        let (message, parser) = match way.own {
            Some((parser, name)) => {
                let mut message = Message::default();
                parser(&mut batch.data, frame, way.parse, &arrival, &mut message);
                (message, name)
            }
            None => parse::explain(&mut batch.data, frame, way.parse, &arrival),
        };
        batch.messages.push(message);
        (batch, parser.to_owned())
    }

    fn ruleset_name(&self, ruleset: RulesetId) -> String {
        self.ruleset_names.get(&ruleset).cloned().unwrap_or_default()
    }
}

impl InputPlan {
    /// Module, name and ports.
    fn names(&self) -> (&'static str, &str, &[String]) {
        match self {
            Self::Tcp { spec, .. } => (spec.module, &spec.name, &spec.ports),
            Self::Udp { spec, .. } => ("imudp", &spec.name, &spec.ports),
            Self::Local { local, .. } => (local.module(), local.name(), &[]),
        }
    }
}

/// How a message comes to the rules.
struct Way<'a> {
    /// `$inputname`
    name: String,
    /// The same for people.
    shown: String,
    ruleset: RulesetId,
    parse: &'a ParseSettings,
    /// What parses instead of the ruleset's parsers, and its name.
    own: Option<(ParseInto, &'static str)>,
    allowed: Option<Arc<AllowedSenders>>,
}

impl Way<'_> {
    fn refuses(&self, source: &Source) -> bool {
        let (Some(list), Some(ip)) = (&self.allowed, source.ip) else { return false };
        !list.of_address(ip).unwrap_or_else(|| list.has_name(&source.fromhost))
    }
}

/// What the parser did not find, and what stands in for it.
fn because(message: &Message, settings: &ParseSettings) -> Vec<String> {
    let flags = message.flags;
    let mut all = Vec::new();
    let mut say = |text: &str| all.push(text.to_owned());
    match (flags.has(MessageFlags::PROTOCOL_1), &settings.chain) {
        (_, Some(_)) => say("the input or its ruleset has a list of parsers of its own"),
        (true, None) => say("the text behind PRI begins with '1 ' (RFC 5424)"),
        (false, None) => say("the text behind PRI does not begin with '1 ' (RFC 5424)"),
    }
    if message.pri == Pri::INVALID {
        say("no valid PRI: the text is kept as it is");
    }
    if !flags.has(MessageFlags::TIME) {
        say("no timestamp: timereported is the time of arrival");
    }
    if message.class == Class::Headerless {
        say("no header (detect.headerless): the text is all there is");
    } else if !flags.has(MessageFlags::HOSTNAME) {
        say("no hostname: it is the sender's");
    }
    if flags.has(MessageFlags::SANITISED) {
        say("control characters were escaped");
    }
    if flags.has(MessageFlags::TRUNCATED) {
        say("longer than maxMessageSize: the rest was cut off");
    }
    all
}
