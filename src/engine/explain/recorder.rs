//! What a trace tells, as steps that can be shown.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bstr::ByteSlice;

use crate::base::diag::Loc;
use crate::base::diag::SourceMap;
use crate::base::place::Places;
use crate::engine::Plan;
use crate::engine::build::ActionPlan;
use crate::engine::explain::Output;
use crate::engine::explain::Step;
use crate::engine::explain::What;
use crate::message::Property;
use crate::message::Variable;
use crate::message::Variables;
use crate::message::View;
use crate::message::json;
use crate::output::OutputSpec;
use crate::queue;
use crate::rules::At;
use crate::rules::Event;
use crate::rules::Read;

/// Characters of a statement that are shown.
const SOURCE_CHARS_MAX: usize = 120;

/// Properties that say nothing of a message, or nothing that is not shown elsewhere.
const UNSHOWN: [Property; 5] = [
    Property::Uuid,
    Property::Uptime,
    Property::JsonMesg,
    Property::AllJson,
    Property::AllJsonPlain,
];

/// The property of that name, if [`properties`] has it.
pub(super) fn known(name: &str) -> Option<Property> {
    Property::parse(name).filter(|property| !UNSHOWN.contains(property))
}

/// All properties that have a value, by their first name.
pub(super) fn properties(view: View<'_>) -> BTreeMap<&'static str, String> {
    let mut scratch = Vec::new();
    let mut found = BTreeMap::new();
    for name in Property::names() {
        let Some(property) = known(name).filter(|property| property.name() == name) else {
            continue;
        };
        let value = view.property(property, &mut scratch);
        if !value.is_empty() {
            found.insert(name, value.to_str_lossy().into_owned());
        }
    }
    found
}

/// The trees that hold anything, as JSON.
pub(super) fn roots(variables: &Variables) -> BTreeMap<String, String> {
    let roots = ["!", ".", "/"].into_iter().filter_map(|sign| {
        let root = Variable::parse(sign.as_bytes())?;
        Some((root.to_string(), variables.with(&root, |value| value.map(text))?))
    });
    roots.collect()
}

/// As a template writes it.
pub(super) fn text(value: &json::Value) -> String {
    let mut text = Vec::new();
    value.write_text(&mut text);
    text.to_str_lossy().into_owned()
}

/// Turns what happens into steps.
pub(super) struct Recorder<'a> {
    plan: &'a Plan,
    sources: &'a SourceMap,
    places: Places<'a>,
    /// As they were last seen.
    pub(super) properties: BTreeMap<&'static str, String>,
    pub(super) steps: Vec<Step>,
    pub(super) outputs: Vec<Output>,
    /// As the rules leave them.
    pub(super) trees: Variables,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        sources: &'a SourceMap,
        properties: BTreeMap<&'static str, String>,
    ) -> Self {
        Self {
            plan,
            sources,
            places: Places::new(sources),
            properties,
            steps: Vec::new(),
            outputs: Vec::new(),
            trees: Variables::NONE,
        }
    }

    pub(super) fn hear(&mut self, at: At, event: Event<'_>) {
        let what = match event {
            Event::Test { holds, reads } => {
                let saw = reads.into_iter().map(|(read, value)| {
                    let name = match read {
                        Read::Property(property) => format!("${}", property.name()),
                        Read::Variable(variable) => variable.to_string(),
                        Read::Call(name) => format!("{name}()"),
                    };
                    (name, value.to_str_lossy().into_owned())
                });
                What::Test { holds, saw: saw.collect() }
            }
            Event::Otherwise => What::Else,
            Event::Set { variable, value, refused } => {
                let (variable, value) = (variable.to_owned(), value.map(text));
                What::Set { variable, value, refused }
            }
            Event::Modified { view } => What::Modified { changed: self.changed(view) },
            Event::Action { action, view } => {
                let Some(plan) = self.plan.actions.get(action.0 as usize) else { return };
                self.outputs.push(written(plan, view));
                What::Action { output: self.outputs.len() - 1 }
            }
            Event::Call { ruleset, queued } => {
                What::Call { ruleset: self.plan.ruleset_name(ruleset), queued }
            }
            Event::Return { ruleset } => What::Return { ruleset: self.plan.ruleset_name(ruleset) },
            Event::Fault(fault) => What::Fault { text: fault.to_string() },
            Event::Foreach { elements } => What::Foreach { elements },
            Event::Round { variable, value } => What::Round { variable, value: text(value) },
            Event::Reload { table } => What::Reload { table: table.to_owned() },
            Event::Stop => What::Stop,
            Event::End { view } => {
                self.trees = view.variables.clone();
                return;
            }
        };
        self.step(at, what);
    }

    /// The properties that are others now.
    fn changed(&mut self, view: View<'_>) -> Vec<(&'static str, String)> {
        let now = properties(view);
        let before = std::mem::replace(&mut self.properties, now);
        let now = &self.properties;
        let mut names: Vec<&'static str> = now.keys().chain(before.keys()).copied().collect();
        names.sort_unstable();
        names.dedup();
        names.retain(|name| before.get(name) != now.get(name));
        names.into_iter().map(|name| (name, now.get(name).cloned().unwrap_or_default())).collect()
    }

    fn step(&mut self, at: At, what: What) {
        let At { loc, depth } = at;
        let file = self.places.file(loc).map_or("", |file| &*file.name);
        let position = self.places.start(loc);
        self.steps.push(Step {
            at: format!("{file}:{}:{}", position.line, position.column),
            source: self.source(loc),
            depth,
            what,
        });
    }

    /// The text at `loc`, on one line.
    fn source(&self, loc: Loc) -> String {
        let file = self.sources.file(loc.file);
        let text = file.and_then(|file| file.text.get(loc.start as usize..loc.end as usize));
        let text = text.unwrap_or_default().to_str_lossy();
        let mut line = String::new();
        for word in text.split_whitespace() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        if let Some((end, _)) = line.char_indices().nth(SOURCE_CHARS_MAX) {
            line.truncate(end);
            line.push('…');
        }
        line
    }
}

/// Where an action would write to. A file outside of its directory is none.
fn target(spec: &OutputSpec, file_name: &[u8]) -> String {
    let target = spec.target(&file_name.to_str_lossy());
    match spec {
        OutputSpec::File(file) => match file.left_by(file_name) {
            Some(b"") => format!("dropped, {target} leads out of the current directory"),
            Some(within) => format!("dropped, {target} leads out of {}", within.to_str_lossy()),
            None => target,
        },
        _ => target,
    }
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
    let hex = bytes.to_str().is_err().then(|| {
        bytes.iter().fold(String::new(), |mut hex, byte| {
            // Writing to a String cannot fail.
            _ = write!(hex, "{byte:02x}");
            hex
        })
    });
    Output {
        action: plan.name.clone(),
        module: plan.spec.module(),
        target: target(&plan.spec, &name),
        text: bytes.to_str_lossy().into_owned(),
        hex,
        bytes,
    }
}
