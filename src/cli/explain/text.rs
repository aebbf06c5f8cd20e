//! An explanation for people.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;

use crate::engine::Explanation;
use crate::engine::Output;
use crate::engine::Question;
use crate::engine::Step;
use crate::engine::What;

/// Columns of the names at the left.
const LABEL: usize = 8;
/// Columns of a verdict.
const VERDICT: usize = 6;
/// Characters of a value that a condition saw.
const VALUE_CHARS_MAX: usize = 160;
/// What people look at first, in the order of a header; the others follow by name.
const FIRST: [&str; 16] = [
    "pri",
    "pri-text",
    "timereported",
    "hostname",
    "syslogtag",
    "programname",
    "app-name",
    "procid",
    "msgid",
    "structured-data",
    "msg",
    "fromhost",
    "fromhost-ip",
    "inputname",
    "timegenerated",
    "rawmsg",
];

/// How things look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    head: &'static str,
    yes: &'static str,
    no: &'static str,
    dim: &'static str,
    value: &'static str,
    bad: &'static str,
    reset: &'static str,
    marks: Marks,
}

/// Signs, in letters where the terminal may know no others.
#[derive(Clone, Copy, Debug)]
struct Marks {
    yes: &'static str,
    no: &'static str,
    to: &'static str,
    cut: &'static str,
}

impl Style {
    const fn of(color: bool, unicode: bool) -> Self {
        let marks = if unicode {
            Marks { yes: "✓", no: "✗", to: "→", cut: "…" }
        } else {
            Marks { yes: "yes", no: "no", to: "->", cut: "..." }
        };
        if !color {
            let none = "";
            return Self {
                head: none,
                yes: none,
                no: none,
                dim: none,
                value: none,
                bad: none,
                reset: none,
                marks,
            };
        }
        Self {
            head: "\x1b[1m",
            yes: "\x1b[1;32m",
            no: "\x1b[2m",
            dim: "\x1b[2m",
            value: "\x1b[36m",
            bad: "\x1b[1;31m",
            reset: "\x1b[0m",
            marks,
        }
    }

    /// Signs as the locale has them.
    pub(super) fn of_environment(color: bool) -> Self {
        let names = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter();
        let locale = names.filter_map(env::var_os).find(|value| !value.is_empty());
        let locale = locale.unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        Self::of(color, locale.contains("utf-8") || locale.contains("utf8"))
    }
}

/// Bytes as they can be read: `\n`, `\t`, `\\`, `\x1b`, `\u{202e}` for what cannot be seen.
pub(in crate::cli) fn shown(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            show(character, &mut out);
        }
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

fn show(character: char, out: &mut String) {
    match character {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\\' => out.push_str("\\\\"),
        '\0'..='\x1f' | '\x7f' => _ = write!(out, "\\x{:02x}", u32::from(character)),
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' => _ = write!(out, "\\u{{{:x}}}", u32::from(character)),
        _ => out.push(character),
    }
}

/// Writes all of it.
pub(super) fn write(
    explanation: &Explanation,
    question: &Question,
    style: &Style,
    out: &mut String,
) {
    let mut writer = Writer { style, out };
    writer.origin(explanation, question);
    writer.properties(&explanation.properties);
    writer.steps(&explanation.steps);
    writer.variables(&explanation.variables);
    writer.outputs(&explanation.outputs);
    if explanation.discarded {
        let Style { bad, reset, .. } = style;
        writer.line(&format!("{bad}discarded{reset}: no action took it"));
    }
    writer.line("");
}

struct Writer<'a> {
    style: &'a Style,
    out: &'a mut String,
}

impl Writer<'_> {
    fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    fn head(&mut self, text: &str) {
        let Style { head, reset, .. } = self.style;
        self.line("");
        self.line(&format!("{head}{text}{reset}"));
    }

    fn labelled(&mut self, label: &str, text: &str) {
        let Style { head, reset, .. } = self.style;
        self.line(&format!("{head}{label:<LABEL$}{reset}  {text}"));
    }

    fn origin(&mut self, explanation: &Explanation, question: &Question) {
        let Style { dim, reset, .. } = self.style;
        self.labelled("message", &shown(&question.message));
        let from = question.from.map_or_else(|| "127.0.0.1".to_owned(), |ip| ip.to_string());
        let name = question.fromhost.as_ref().map(|name| format!(" ({})", shown(name.as_bytes())));
        self.labelled("from", &format!("{from}{}", name.unwrap_or_default()));
        let input = &explanation.input;
        let input = if input.is_empty() { "none is configured" } else { input };
        self.labelled("input", input);
        self.labelled("ruleset", &explanation.ruleset);
        self.labelled("parser", &explanation.parser);
        for why in &explanation.because {
            self.line(&format!("{:LABEL$}  {dim}{why}{reset}", ""));
        }
    }

    /// Without the parts of the clock, which JSON has.
    fn properties(&mut self, properties: &BTreeMap<&'static str, String>) {
        let Style { value: tint, reset, .. } = self.style;
        let first = FIRST.into_iter().filter_map(|name| properties.get_key_value(name));
        let shown_later = |name: &str| {
            !FIRST.contains(&name) && (!name.starts_with('$') || name == "$myhostname")
        };
        let others = properties.iter().filter(|(name, _)| shown_later(name));
        let all: Vec<(&&str, &String)> = first.chain(others).collect();
        let width = all.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        self.head("properties");
        for (name, value) in all {
            let value = shown(value.as_bytes());
            self.line(&format!("  {name:<width$}  {tint}{value}{reset}"));
        }
    }

    fn steps(&mut self, steps: &[Step]) {
        if steps.is_empty() {
            return;
        }
        self.head("rules");
        let width = steps.iter().map(|step| place(step).chars().count()).max().unwrap_or(0);
        let mut last = "";
        for step in steps {
            self.step(step, width, last == step.at);
            last = &step.at;
        }
    }

    /// `again`: the place is that of the step before it, which has been shown.
    fn step(&mut self, step: &Step, width: usize, again: bool) {
        let Style { dim, reset, .. } = *self.style;
        let (tint, mark) = self.mark(&step.what);
        let again = again && matches!(step.what, What::Set { .. });
        let place = if again { "" } else { place(step) };
        let left = format!("  {tint}{mark:<VERDICT$}{reset}{dim}{place:<width$}{reset}");
        let indent = 2 * step.depth + 2;
        let detail = self.detail(&step.what);
        let (told, details) = match &step.what {
            What::Else => ("else".to_owned(), vec![]),
            What::Return { ruleset } => (format!("back from ruleset {ruleset}"), vec![]),
            What::Round { variable, value } => {
                (format!("{variable} = {}", self.value(value)), vec![])
            }
            What::Test { saw, .. } => (source(step), self.seen(saw)),
            What::Modified { changed } => {
                let change =
                    |(name, value): &(&str, String)| format!("{name} = {}", self.value(value));
                (source(step), changed.iter().map(change).collect())
            }
            _ if again => (format!("  now {}", detail.unwrap_or_default()), vec![]),
            _ => (source(step), detail.into_iter().collect()),
        };
        self.line(&format!("{left}{:indent$}{told}", ""));
        let deep = 2 + VERDICT + width + indent + 2;
        for detail in details {
            self.line(&format!("{:deep$}{detail}", ""));
        }
    }

    fn mark(&self, what: &What) -> (&'static str, String) {
        let Style { yes, no, dim, bad, marks, .. } = *self.style;
        let (tint, mark) = match what {
            What::Test { holds: true, .. } => (yes, marks.yes),
            What::Test { holds: false, .. } => (no, marks.no),
            What::Action { output } => return (yes, format!("{} {}", marks.to, output + 1)),
            What::Fault { .. } => (bad, "!"),
            What::Else => (dim, "else"),
            What::Stop => (dim, "stop"),
            What::Set { .. } | What::Modified { .. } | What::Call { .. } => (dim, ""),
            What::Reload { .. } => (dim, ""),
            What::Return { .. } | What::Foreach { .. } | What::Round { .. } => (dim, ""),
        };
        (tint, mark.to_owned())
    }

    /// Names and values below each other.
    fn seen(&self, saw: &[(String, String)]) -> Vec<String> {
        let Style { dim, reset, .. } = self.style;
        let width = saw.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let line = |(name, value): &(String, String)| {
            format!("{dim}{name:<width$}{reset} {}", self.value(value))
        };
        saw.iter().map(line).collect()
    }

    /// What is said besides the statement.
    fn detail(&self, what: &What) -> Option<String> {
        let Style { bad, reset, .. } = self.style;
        Some(match what {
            What::Set { variable, value: Some(value), refused: false } => {
                format!("{variable} = {}", self.value(value))
            }
            What::Set { variable, value: None, refused: false } => format!("{variable} is unset"),
            What::Set { variable, value, refused: true } => {
                let there = match value {
                    Some(value) => format!("it stays {}", self.value(value)),
                    None => "it stays unset".to_owned(),
                };
                format!("{bad}not set{reset}: something else is in the way of {variable}, {there}")
            }
            What::Call { queued: true, .. } => "on a copy: the ruleset has a queue".to_owned(),
            What::Foreach { elements: 0 } => "there is nothing to go over".to_owned(),
            What::Foreach { elements } => format!("{elements} rounds"),
            What::Reload { table } => {
                format!("the relay would read table {} again", shown(table.as_bytes()))
            }
            What::Fault { text } => shown(text.as_bytes()),
            _ => return None,
        })
    }

    fn value(&self, value: &str) -> String {
        let Style { value: tint, reset, marks, .. } = self.style;
        let cut = value.char_indices().nth(VALUE_CHARS_MAX).map(|(at, _)| value.split_at(at).0);
        let end = if cut.is_some() { marks.cut } else { "" };
        format!("{tint}'{}'{end}{reset}", shown(cut.unwrap_or(value).as_bytes()))
    }

    fn variables(&mut self, variables: &BTreeMap<String, String>) {
        let Style { value: tint, reset, .. } = self.style;
        if variables.is_empty() {
            return;
        }
        self.head("variables at the end");
        for (name, value) in variables {
            self.line(&format!("  {name}  {tint}{}{reset}", shown(value.as_bytes())));
        }
    }

    fn outputs(&mut self, outputs: &[Output]) {
        if outputs.is_empty() {
            self.line("");
            return;
        }
        self.head("outputs");
        for (number, output) in (1..).zip(outputs) {
            self.output(number, output);
        }
    }

    fn output(&mut self, number: usize, output: &Output) {
        let Style { head, value: tint, dim, reset, .. } = self.style;
        let Output { action, module, target, bytes, .. } = output;
        let target =
            if target.is_empty() { "nowhere".to_owned() } else { shown(target.as_bytes()) };
        let count = bytes.len();
        let unit = if count == 1 { "byte" } else { "bytes" };
        let what = format!("{module}, action {}, {count} {unit}", shown(action.as_bytes()));
        self.line(&format!("  {number}  {head}{target}{reset}  {dim}({what}){reset}"));
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line(&format!("     {tint}{}{reset}", shown(line)));
        }
    }
}

/// File and line.
fn place(step: &Step) -> &str {
    step.at.rsplit_once(':').map_or(step.at.as_str(), |(place, _)| place)
}

/// The statement, whose backslashes are its own.
fn source(step: &Step) -> String {
    shown(step.source.as_bytes()).replace("\\\\", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_so_that_each_can_be_told() {
        assert_eq!(shown("a\t한 \\n\r\n\x1b[31m\0\u{202e}".as_bytes()), {
            "a\\t한 \\\\n\\r\\n\\x1b[31m\\x00\\u{202e}"
        });
        assert_eq!(shown(b"\xff\xed\x95x\xc2\x85"), "\\xff\\xed\\x95x\\u{85}");
        assert_eq!(shown(b""), "");
    }
}
