//! Answers for a terminal.

use std::fmt::Write as _;

use crate::cli::help::Place;
use crate::cli::help::Topic;
use crate::cli::help::remarks;
use crate::cli::help::shown;
use crate::cli::help::statements::STATEMENTS;
use crate::cli::help::statements::Statement;
use crate::cli::help::support;
use crate::config::directives::Directive;
use crate::config::directives::Meaning;
use crate::config::directives::Parameter;
use crate::config::manual;
use crate::config::module::Availability;
use crate::config::param::Spec;
use crate::config::param::Support;
use crate::engine::reference;
use crate::engine::reference::Section;
use crate::engine::reference::Subject;
use crate::rules::functions::FUNCTIONS;
use crate::rules::functions::Function;

/// Columns of an answer.
const WIDTH: usize = 88;
/// Columns of the names in a list.
const NAMES: usize = 18;
/// Marks of modules that do not run.
const LATER: char = '○';
const ABSENT: char = '✗';
/// Columns before a parameter's sentence.
const DEEP: usize = 6;

const MORE: &[(&str, &str)] = &[
    ("bongsu help imtcp", "a module or object, with all of its parameters"),
    ("bongsu help imtcp.port", "one parameter"),
    ("bongsu help '$ActionQueueType'", "what a $Directive is in the object form"),
    ("bongsu help functions", "the functions of expressions"),
    ("bongsu help statements", "if, foreach, set, call and the others"),
    ("bongsu help bench", "a subcommand and its flags"),
    ("bongsu --help", "all flags and subcommands"),
];

/// Escape sequences, or nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    title: &'static str,
    name: &'static str,
    dim: &'static str,
    reset: &'static str,
    color: bool,
}

impl Style {
    pub(super) const fn of(color: bool) -> Self {
        if color {
            let (title, name, dim) = ("\x1b[1;34m", "\x1b[1m", "\x1b[2m");
            return Self { title, name, dim, reset: "\x1b[0m", color };
        }
        Self { title: "", name: "", dim: "", reset: "", color }
    }

    /// The colour that complaints of this kind have.
    const fn support(self, support: Support) -> &'static str {
        match support {
            _ if !self.color => "",
            Support::Full => "\x1b[1m",
            Support::Ignored(_) => "\x1b[32m",
            Support::Later(_) | Support::Meanwhile(_) => "\x1b[35m",
            Support::Unsupported(_) => "\x1b[31m",
        }
    }
}

/// Text that grows by lines.
struct Page {
    text: String,
    style: Style,
}

pub(super) fn topic(topic: &Topic, style: Style) -> String {
    let mut page = Page { text: String::new(), style };
    match topic {
        Topic::Overview => page.overview(),
        Topic::Subject(subject) => page.subject(*subject),
        Topic::Parameter(places) => page.places(places),
        Topic::Directive(directive, place) => page.directive(directive, place.as_ref()),
        Topic::Functions => page.functions(),
        Topic::Function(function) => page.function(function),
        Topic::Statements => page.statements(),
        Topic::Statement(statement) => page.statement(statement),
    }
    page.text
}

impl Page {
    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn title(&mut self, text: &str) {
        let Style { title, reset, .. } = self.style;
        self.line(&format!("{title}{text}{reset}"));
    }

    /// `text` in lines that fit, each behind `indent` blanks.
    fn paragraph(&mut self, indent: usize, text: &str) {
        for line in wrapped(text, WIDTH - indent) {
            self.line(&format!("{:indent$}{line}", ""));
        }
    }

    /// A name, and beside it what it is.
    fn item(&mut self, availability: Availability, name: &str, text: &str) {
        let Style { name: bold, reset, .. } = self.style;
        let (mark, tint) = match availability {
            Availability::Ready => (' ', ""),
            Availability::Later(_) => (LATER, self.style.support(Support::Later(""))),
            Availability::Absent(_) => (ABSENT, self.style.support(Support::Unsupported(""))),
        };
        let pad = NAMES.saturating_sub(name.len());
        let mut lines = wrapped(text, WIDTH - NAMES - 4).into_iter();
        let first = lines.next().unwrap_or_default();
        let line = format!("{tint}{mark}{reset} {bold}{name}{reset}{:pad$}  {first}", "");
        self.line(line.trim_end());
        for line in lines {
            self.line(&format!("{:NAMES$}    {line}", ""));
        }
    }

    fn overview(&mut self) {
        self.paragraph(0, "What a configuration can name. The names are rsyslog's.");
        self.line(&format!("{LATER} checked, and not run by this version yet"));
        self.line(&format!("{ABSENT} not in Bongsu: its help says what to use"));
        let mut last = "";
        for subject in reference::subjects() {
            let group = subject.group();
            if group != last {
                self.line("");
                self.title(group);
                last = group;
            }
            let availability = match subject {
                Subject::Module(module) => module.availability,
                Subject::Object(_) | Subject::Queue => Availability::Ready,
            };
            self.item(availability, subject.name(), subject.doc());
        }
        self.line("");
        self.title("More");
        let column = MORE.iter().map(|(command, _)| command.len()).max().unwrap_or(0);
        for (command, text) in MORE {
            let Style { name, reset, .. } = self.style;
            self.line(&format!("  {name}{command:column$}{reset}  {text}"));
        }
    }

    fn subject(&mut self, subject: Subject) {
        let Style { name, reset, .. } = self.style;
        self.line(&format!("{name}{}{reset}: {}", subject.name(), subject.what()));
        self.paragraph(0, subject.doc());
        if let Subject::Module(module) = subject {
            match module.availability {
                Availability::Ready => {}
                Availability::Later(meanwhile) => {
                    self.paragraph(0, &format!("Not built yet: {meanwhile}."));
                }
                Availability::Absent(instead) => {
                    self.paragraph(0, &format!("Not in Bongsu: use {instead}."));
                }
            }
        }
        let sections = subject.sections();
        for section in &sections {
            self.line("");
            self.section(section);
        }
        let (name, page) = (subject.name(), subject.page());
        self.line("");
        self.paragraph(0, &format!("In rsyslog's documentation: {page}"));
        if let Some(spec) = sections.iter().rev().flat_map(|section| &section.specs).next() {
            self.paragraph(0, &format!("One parameter: bongsu help {name} {}", spec.name));
        }
    }

    fn section(&mut self, Section { heading, specs, also }: &Section) {
        self.title(heading);
        for spec in specs {
            self.spec(spec);
        }
        if !also.is_empty() {
            let also: Vec<_> = also.iter().map(|name| format!("'bongsu help {name}'")).collect();
            self.paragraph(2, &format!("and what {} list", also.join(" and ")));
        }
    }

    fn spec(&mut self, spec: &Spec) {
        let Style { name: bold, dim, reset, .. } = self.style;
        let mut value = spec.kind.label();
        if !spec.default.is_empty() {
            _ = write!(value, "; default {}", shown(spec.default));
        }
        let pad = 28_usize.saturating_sub(spec.name.len());
        self.line(&format!("  {bold}{}{reset}{:pad$}  {dim}{value}{reset}", spec.name, ""));
        if !spec.doc.is_empty() {
            self.paragraph(DEEP, spec.doc);
        }
        let remarks = remarks(spec);
        if !remarks.is_empty() {
            self.paragraph(DEEP, &remarks.join(" "));
        }
        if let Some((label, text)) = support(spec.support) {
            let tint = self.style.support(spec.support);
            let mut lines = wrapped(&format!("{label}: {text}"), WIDTH - DEEP).into_iter();
            let first = lines.next().unwrap_or_default();
            let (label, rest) = first.split_at_checked(label.len()).unwrap_or((&first, ""));
            self.line(&format!("{:DEEP$}{tint}{label}{reset}{rest}", ""));
            for line in lines {
                self.line(&format!("{:DEEP$}{line}", ""));
            }
        }
    }

    fn places(&mut self, places: &[Place]) {
        for (i, Place { subject, heading, spec }) in places.iter().enumerate() {
            self.title(heading);
            // A module's and its inputs' may be one and the same.
            let next = places.get(i + 1);
            if next.is_some_and(|next| std::ptr::eq(next.spec, *spec)) {
                continue;
            }
            self.spec(spec);
            let page = manual::parameter(&subject.page(), spec.name).replacen(": ", ", ", 1);
            self.paragraph(DEEP, &format!("In rsyslog's documentation: {page}"));
            if next.is_some() {
                self.line("");
            }
        }
    }

    fn directive(&mut self, directive: &Directive, place: Option<&Place>) {
        let Style { name: bold, reset, .. } = self.style;
        let Directive { name, takes, meaning, term } = directive;
        self.line(&format!("{bold}${name}{reset}: a legacy directive; takes {takes}"));
        match meaning {
            Meaning::Parameter(Parameter { written, scope, .. }) => {
                self.line(&format!("In the object form: {bold}{written}{reset}"));
                if !scope.is_empty() {
                    self.line(&format!("{:20}{scope}", ""));
                }
            }
            Meaning::Form(form) => self.line(&format!("In the object form: {bold}{form}{reset}")),
            Meaning::Ignored(instead) => self.paragraph(0, &format!("No effect: {instead}.")),
            Meaning::Refused(instead) => self.paragraph(0, &format!("Refused: {instead}.")),
        }
        let term = term.replacen(": ", ", ", 1);
        self.line(&format!("In rsyslog's documentation: {term}"));
        if let Some(place) = place {
            self.line("");
            self.places(std::slice::from_ref(place));
        }
    }

    fn functions(&mut self) {
        self.line("The functions of expressions.");
        self.line(&format!("{LATER} checked, and not run by this version yet"));
        self.line("");
        for function in FUNCTIONS {
            let availability =
                if function.built { Availability::Ready } else { Availability::Later("") };
            self.item(availability, function.name, function.doc);
        }
        self.line("");
        self.line(&format!("In rsyslog's documentation: {}", manual::FUNCTIONS));
    }

    fn statements(&mut self) {
        self.line("The statements that are no objects.");
        self.line("");
        for statement in STATEMENTS {
            self.item(Availability::Ready, statement.name, statement.doc);
        }
    }

    fn statement(&mut self, Statement { name, usage, doc, page }: &Statement) {
        let Style { name: bold, reset, .. } = self.style;
        self.line(&format!("{bold}{name}{reset}: a statement"));
        self.line(&format!("  {usage}"));
        self.paragraph(0, doc);
        self.line(&format!("In rsyslog's documentation: {page}"));
    }

    fn function(&mut self, function: &Function) {
        let Style { name: bold, reset, .. } = self.style;
        self.line(&format!("{bold}{}{reset}: a function of expressions", function.usage()));
        self.paragraph(0, function.doc);
        if !function.module.is_empty() {
            self.line(&format!("It needs module(load=\"{}\").", function.module));
        }
        if !function.built {
            self.line("Not built yet.");
        }
        self.line(&format!("In rsyslog's documentation: {}", function.manual_page()));
    }
}

/// `text` in lines of at most `width` characters, broken at blanks.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_blanks() {
        assert_eq!(wrapped("a bc  def g", 5), ["a bc", "def g"]);
        assert_eq!(wrapped("abcdefgh i", 3), ["abcdefgh", "i"]);
        assert!(wrapped("", 3).is_empty());
    }

    #[test]
    fn lists_fit_the_screen() {
        for listed in [Topic::Overview, Topic::Functions, Topic::Statements] {
            let text = topic(&listed, Style::of(false));
            for line in text.lines() {
                assert!(line.chars().count() <= WIDTH && line.trim_end() == line, "{line}");
            }
            assert!(!text.contains('\x1b'));
            assert!(topic(&listed, Style::of(true)).contains("\x1b[0m"));
        }
    }

    #[test]
    fn every_subject_fits_the_screen() {
        for subject in reference::subjects() {
            let text = topic(&Topic::Subject(subject), Style::of(false));
            let name = subject.name();
            assert!(text.starts_with(&format!("{name}: ")), "{text}");
            for line in text.lines() {
                assert!(line.chars().count() <= WIDTH || !line.contains(". "), "{name}: {line}");
                assert_eq!(line.trim_end(), line, "{name}");
            }
        }
    }
}
