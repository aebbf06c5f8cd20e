//! One message through the relay on paper: what `bongsu explain` shows and `bongsu test` checks.
//! Nothing is opened and nothing is written.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use bstr::ByteSlice;
use serde::Serialize;

use crate::base::clock;
use crate::base::clock::LocalZone;
use crate::base::diag::Loc;
use crate::base::diag::SourceMap;
use crate::base::place::Places;
use crate::base::span::Span;
use crate::engine::Plan;
use crate::engine::build::ActionPlan;
use crate::engine::build::InputPlan;
use crate::message::Arrival;
use crate::message::Batch;
use crate::message::Class;
use crate::message::InputInfo;
use crate::message::Message;
use crate::message::MessageFlags;
use crate::message::Pri;
use crate::message::Property;
use crate::message::Source;
use crate::message::Variable;
use crate::message::Variables;
use crate::message::View;
use crate::parse;
use crate::parse::ParseSettings;
use crate::parse::frame::Frame;
use crate::queue;
use crate::rules::Event;
use crate::rules::Read;
use crate::rules::RulesetId;
use crate::rules::Scratch;

/// Characters of a statement that are shown.
const SOURCE_CHARS_MAX: usize = 120;

/// A message, and how it comes in.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// The sender's address; 127.0.0.1 without it.
    pub from: Option<IpAddr>,
    /// The sender's name; its address without it.
    pub fromhost: Option<String>,
    /// A module such as `imudp`, or the name of an input; without it the first input.
    pub input: Option<String>,
    /// The port it listens on, where several inputs are of one kind.
    pub port: Option<String>,
    /// The frame, without what ends it on the wire.
    pub message: Vec<u8>,
}

/// What became of a message.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// `$inputname` and the ports of the input; nothing if the configuration has no such input.
    pub input: String,
    pub ruleset: String,
    pub parser: String,
    /// Why that one, and what it did not find.
    pub because: Vec<String>,
    /// All properties that have a value before the rules, by name.
    pub properties: BTreeMap<String, String>,
    pub steps: Vec<Step>,
    /// What each action would write, in order.
    pub outputs: Vec<Output>,
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
        Some(self.trees.with(&variable, |value| value.map(lossy)).unwrap_or_default())
    }
}

/// One thing that happened.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// `file:line:column`
    pub at: String,
    /// The first line of the statement or condition.
    pub source: String,
    /// Rulesets and loops that this is inside of.
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
    Else,
    /// A variable changed; without a value it is gone.
    Set {
        variable: String,
        value: Option<String>,
    },
    /// A module changed the message: the properties that are others now.
    Modified {
        changed: Vec<(String, String)>,
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
    /// `call_indirect` of what cannot be called.
    NoCall {
        name: String,
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
    /// The bytes; what is not UTF-8 is shown as U+FFFD.
    pub text: String,
}

impl Plan {
    /// Runs a message through parser, rules and templates. `None` if the configuration has inputs,
    /// but none of the kind that was asked for.
    #[must_use]
    pub fn explain(&self, sources: &SourceMap, question: &Question) -> Option<Explanation> {
        let input = self.input(question);
        if input.is_none() && question.input.is_some() && !self.inputs.is_empty() {
            return None;
        }
        let usual = ParseSettings::default();
        let (name, ports, ruleset, settings) = match input {
            Some(InputPlan::Tcp { spec, ruleset, parse }) => {
                (spec.name.as_str(), spec.ports.join(", "), *ruleset, parse)
            }
            Some(InputPlan::Udp { spec, ruleset, parse }) => {
                (spec.name.as_str(), spec.ports.join(", "), *ruleset, parse)
            }
            None => ("", String::new(), self.default_ruleset, &usual),
        };
        let shown = if ports.is_empty() { name.to_owned() } else { format!("{name} ({ports})") };
        let (mut batch, parser) = self.received(question, name, settings);
        let mut recorder = Recorder {
            plan: self,
            places: Places::new(sources),
            properties: properties(batch.view(&batch.messages[0])),
            depth: 0,
            steps: Vec::new(),
            outputs: Vec::new(),
            trees: Variables::NONE,
        };
        let because = because(&batch.messages[0], settings);
        let before = recorder.properties.clone();
        let mut scratch = Scratch::new(&self.programs);
        self.programs.trace(ruleset, &mut batch, 0, &mut scratch, &mut |event| {
            recorder.hear(event);
        });
        Some(Explanation {
            input: shown,
            ruleset: self.ruleset_name(ruleset),
            parser,
            because,
            properties: before,
            steps: recorder.steps,
            outputs: recorder.outputs,
            variables: trees(&recorder.trees),
            trees: recorder.trees,
        })
    }

    /// The first input that is meant.
    fn input(&self, question: &Question) -> Option<&InputPlan> {
        self.inputs.iter().find(|input| {
            let (module, name, ports) = match input {
                InputPlan::Tcp { spec, .. } => (spec.module, &spec.name, &spec.ports),
                InputPlan::Udp { spec, .. } => ("imudp", &spec.name, &spec.ports),
            };
            question.input.as_ref().is_none_or(|wanted| wanted == module || wanted == name)
                && question.port.as_ref().is_none_or(|port| ports.contains(port))
        })
    }

    /// The message, parsed, and the parser that took it.
    fn received(
        &self,
        question: &Question,
        name: &str,
        settings: &ParseSettings,
    ) -> (Batch, String) {
        let info = InputInfo { name: name.into(), hostname: self.hostname.clone() };
        let mut batch = Batch::new(Arc::new(info));
        let source = Source::new(question.from, question.fromhost.as_deref());
        batch.sources.push(Arc::new(source));
        batch.arrival = Arrival::at(clock::wall(), &mut LocalZone::system());
        let cut = question.message.len().min(settings.message_bytes_max);
        batch.data.extend_from_slice(&question.message[..cut]);
        let truncated = cut < question.message.len();
        let frame = Frame { span: Span::new(0, cut), truncated };
        let arrival = batch.arrival;
        let (message, parser) = parse::explain(&mut batch.data, frame, settings, &arrival);
        batch.messages.push(message);
        (batch, parser.to_owned())
    }

    fn ruleset_name(&self, ruleset: RulesetId) -> String {
        self.ruleset_names.get(&ruleset).cloned().unwrap_or_default()
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

/// Properties that are another each time.
fn passing(name: &str) -> bool {
    let again = ["timestamp", "syslogpriority", "syslogpriority-text", "source"];
    name.starts_with('$') || name == "uuid" || again.contains(&name)
}

/// All properties that have a value.
fn properties(view: View<'_>) -> BTreeMap<String, String> {
    let mut scratch = Vec::new();
    let mut found = BTreeMap::new();
    for name in Property::names().filter(|name| !passing(name)) {
        let Some(property) = Property::parse(name) else { continue };
        let value = view.property(property, &mut scratch);
        if !value.is_empty() {
            found.insert(name.to_owned(), value.to_str_lossy().into_owned());
        }
    }
    found
}

/// Turns what happens into steps.
struct Recorder<'a> {
    plan: &'a Plan,
    places: Places<'a>,
    /// As they were last seen.
    properties: BTreeMap<String, String>,
    depth: usize,
    steps: Vec<Step>,
    outputs: Vec<Output>,
    trees: Variables,
}

impl Recorder<'_> {
    fn hear(&mut self, event: Event<'_>) {
        match event {
            Event::Test { loc, holds, reads } => {
                let saw = reads.into_iter().map(|(read, value)| {
                    let name = match read {
                        Read::Property(property) => format!("${}", property.name()),
                        Read::Variable(variable) => variable.to_string(),
                        Read::Call(name) => format!("{name}()"),
                    };
                    (name, value.to_str_lossy().into_owned())
                });
                let saw = saw.collect();
                self.step(loc, What::Test { holds, saw });
            }
            Event::Otherwise { loc } => self.step(loc, What::Else),
            Event::Set { loc, variable, value } => {
                let value = value.map(|value| lossy(&value));
                self.step(loc, What::Set { variable: variable.to_string(), value });
            }
            Event::Modified { loc, view } => {
                let now = properties(view);
                let before = std::mem::replace(&mut self.properties, now);
                let names = self.properties.keys().chain(before.keys());
                let mut changed: Vec<(String, String)> = names
                    .filter(|name| before.get(*name) != self.properties.get(*name))
                    .map(|name| {
                        let value = self.properties.get(name).cloned().unwrap_or_default();
                        (name.clone(), value)
                    })
                    .collect();
                changed.sort_unstable();
                changed.dedup();
                self.step(loc, What::Modified { changed });
            }
            Event::Action { loc, action, view } => {
                let output = self.outputs.len();
                self.step(loc, What::Action { output });
                if let Some(plan) = self.plan.actions.get(action.0 as usize) {
                    self.outputs.push(written(plan, view));
                }
            }
            Event::Call { loc, ruleset, queued } => {
                let ruleset = self.plan.ruleset_name(ruleset);
                self.step(loc, What::Call { ruleset, queued });
                self.depth += 1;
            }
            Event::Return { loc, ruleset } => {
                self.depth -= 1;
                let ruleset = self.plan.ruleset_name(ruleset);
                self.step(loc, What::Return { ruleset });
            }
            Event::NoCall { loc, name } => {
                let name = name.to_str_lossy().into_owned();
                self.step(loc, What::NoCall { name });
            }
            Event::Round { loc, variable, value } => {
                let (variable, value) = (variable.to_string(), lossy(value));
                self.step(loc, What::Round { variable, value });
            }
            Event::Reload { loc, table } => {
                self.step(loc, What::Reload { table: table.to_owned() });
            }
            Event::Stop { loc } => self.step(loc, What::Stop),
            Event::End { view } => self.trees = view.variables.clone(),
        }
    }

    fn step(&mut self, loc: Loc, what: What) {
        let file = self.places.file(loc).map_or("", |file| &*file.name);
        let position = self.places.start(loc);
        let line = self.places.line(loc).map(|(line, begin)| {
            let from = (loc.start as usize).saturating_sub(begin).min(line.len());
            let to = (loc.end as usize).saturating_sub(begin).clamp(from, line.len());
            let text = line[from..to].to_str_lossy();
            text.trim().chars().take(SOURCE_CHARS_MAX).collect()
        });
        self.steps.push(Step {
            at: format!("{file}:{}:{}", position.line, position.column),
            source: line.unwrap_or_default(),
            depth: self.depth,
            what,
        });
    }
}

/// The trees that hold anything, as text.
fn trees(variables: &Variables) -> BTreeMap<String, String> {
    let roots = ["!", ".", "/"].into_iter().filter_map(|sign| {
        let root = Variable::parse(sign.as_bytes())?;
        let text = variables.with(&root, |value| value.map(lossy))?;
        Some((root.to_string(), text))
    });
    roots.collect()
}

fn lossy(value: &crate::message::json::Value) -> String {
    let mut text = Vec::new();
    value.write_text(&mut text);
    text.to_str_lossy().into_owned()
}

/// What an action would write, framing and all.
fn written(plan: &ActionPlan, view: View<'_>) -> Output {
    let mut bytes = Vec::new();
    if let Some(template) = &plan.template {
        template.render(view, &mut bytes);
    }
    queue::frame(&mut bytes, 0, plan.spec.framing());
    let mut name = Vec::new();
    if let Some(template) = &plan.file_name {
        template.render(view, &mut name);
    }
    Output {
        action: plan.name.clone(),
        module: plan.spec.module(),
        target: plan.spec.target(&name.to_str_lossy()),
        text: bytes.to_str_lossy().into_owned(),
    }
}
