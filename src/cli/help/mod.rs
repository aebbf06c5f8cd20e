//! `bongsu help`: every module, object, parameter, statement, `$Directive` and function, looked up
//! by name.

mod args;
mod json;
mod markdown;
mod statements;
mod text;

pub use args::HelpArgs;

use std::io;
use std::process::ExitCode;

use crate::base::diag::nearest;
use crate::cli::flags;
use crate::cli::help::statements::STATEMENTS;
use crate::cli::help::statements::Statement;
use crate::cli::help::text::Style;
use crate::cli::terminal;
use crate::config::directives;
use crate::config::directives::Directive;
use crate::config::directives::Meaning;
use crate::config::directives::Parameter;
use crate::config::param::Need;
use crate::config::param::Origin;
use crate::config::param::Spec;
use crate::config::param::Support;
use crate::engine::reference;
use crate::engine::reference::Section;
use crate::engine::reference::Subject;
use crate::rules::functions::FUNCTIONS;
use crate::rules::functions::Function;

/// What is said of a parameter that does not simply work, and how that begins.
const fn support(support: Support) -> Option<(&'static str, &'static str)> {
    match support {
        Support::Full => None,
        Support::Ignored(instead) => Some(("No effect", instead)),
        Support::Later(meanwhile) | Support::Meanwhile(meanwhile) => {
            Some(("Not built yet", meanwhile))
        }
        Support::Unsupported(why) => Some(("Refused", why)),
    }
}

/// What is to be known of a parameter besides, in sentences.
fn remarks(spec: &Spec) -> Vec<String> {
    let mut remarks = Vec::new();
    if spec.need != Need::Optional {
        remarks.push("It must be given.".to_owned());
    }
    match spec.origin {
        Origin::Rsyslog => {}
        Origin::Since(version) => remarks.push(format!("From rsyslog {version} on.")),
        // Most of their sentences say so.
        Origin::Own if spec.doc.contains("Bongsu") => {}
        Origin::Own => remarks.push("Bongsu's own.".to_owned()),
    }
    if spec.deprecated {
        remarks.push("Deprecated: rsyslogd complains of it.".to_owned());
    }
    if !spec.aliases.is_empty() {
        remarks.push(format!("Also written {}.", spec.aliases.join(", ")));
    }
    remarks
}

/// A default as it is shown: a blank must be seen.
fn shown(default: &str) -> String {
    if default.trim().is_empty() { format!("'{default}'") } else { default.to_owned() }
}

/// What was asked about.
#[derive(Debug)]
enum Topic {
    Overview,
    Subject(Subject),
    /// One parameter, wherever a subject takes it.
    Parameter(Vec<Place>),
    Directive(Directive, Option<Place>),
    Functions,
    Function(&'static Function),
    Statements,
    Statement(&'static Statement),
}

/// A parameter and where it is written.
#[derive(Clone, Debug)]
struct Place {
    subject: Subject,
    heading: String,
    spec: &'static Spec,
}

/// Answers. The exit status is 1 if there is nothing of that name.
pub(super) fn run(args: &HelpArgs) -> ExitCode {
    if args.markdown {
        return say(&markdown::reference());
    }
    if !args.json
        && let [name] = args.words.as_slice()
        && let Some(help) = flags::help_of(name)
    {
        return say(&help);
    }
    match find(&args.words) {
        Ok(topic) if args.json => say(&json::topic(&topic)),
        Ok(topic) => say(&text::topic(&topic, Style::of(terminal::has_colors(&io::stdout())))),
        Err(complaint) => complain(&complaint),
    }
}

fn say(text: &str) -> ExitCode {
    terminal::write(text);
    ExitCode::SUCCESS
}

#[expect(clippy::print_stderr, reason = "the question was wrong")]
fn complain(text: &str) -> ExitCode {
    eprintln!("bongsu help: {text}");
    ExitCode::FAILURE
}

fn find(words: &[String]) -> Result<Topic, String> {
    match words {
        [] => Ok(Topic::Overview),
        [name] => find_name(name),
        [subject, name] => {
            let found = reference::subject(subject).ok_or_else(|| unknown(subject))?;
            parameter_of(found, name).ok_or_else(|| unknown_parameter(found, name))
        }
        _ => Err("one name, or a module and a parameter; try 'bongsu help'".to_owned()),
    }
}

fn find_name(name: &str) -> Result<Topic, String> {
    if name.eq_ignore_ascii_case("functions") {
        return Ok(Topic::Functions);
    }
    if name.eq_ignore_ascii_case("statements") {
        return Ok(Topic::Statements);
    }
    if let Some(subject) = reference::subject(name) {
        return Ok(Topic::Subject(subject));
    }
    if let Some((subject, rest)) = name.split_once('.')
        && let Some(subject) = reference::subject(subject)
        && let Some(topic) = parameter_of(subject, rest).or_else(|| parameter_of(subject, name))
    {
        return Ok(topic);
    }
    if let Some(statement) = statements::find(name) {
        return Ok(Topic::Statement(statement));
    }
    let function = name.trim_end_matches("()");
    if let Some(found) = FUNCTIONS.iter().find(|f| f.name.eq_ignore_ascii_case(function)) {
        return Ok(Topic::Function(found));
    }
    let places: Vec<_> = reference::subjects().flat_map(|s| places(s, name)).collect();
    if !places.is_empty() {
        return Ok(Topic::Parameter(places));
    }
    // A shell takes an unquoted $Name away; without its sign it is still nobody else's name.
    let directive = directives::find(name).ok_or_else(|| unknown(name))?;
    let place = place_of(&directive);
    Ok(Topic::Directive(directive, place))
}

/// Where `subject` itself takes a parameter of that name.
fn places(subject: Subject, name: &str) -> Vec<Place> {
    let with = |Section { heading, specs, .. }: Section| {
        let found = specs.into_iter().find(|spec| spec.answers_to(name));
        found.map(|spec| Place { subject, heading, spec })
    };
    subject.sections().into_iter().filter_map(with).collect()
}

/// The parameter of a subject: its own, or one of those that it shares with others.
fn parameter_of(subject: Subject, name: &str) -> Option<Topic> {
    let mut found = places(subject, name);
    if found.is_empty() {
        let also = subject.sections().into_iter().flat_map(|section| section.also);
        found = also
            .filter_map(|also| reference::subject(also))
            .flat_map(|s| places(s, name))
            .collect();
    }
    (!found.is_empty()).then_some(Topic::Parameter(found))
}

/// The parameter that a directive sets.
fn place_of(directive: &Directive) -> Option<Place> {
    let Meaning::Parameter(Parameter { owner, of_module, name, .. }) = &directive.meaning else {
        return None;
    };
    let subject = reference::subject(owner)?;
    let Some(Topic::Parameter(places)) = parameter_of(subject, name) else { return None };
    let wanted = |place: &&Place| place.heading.starts_with("module(") == *of_module;
    places.iter().find(wanted).or_else(|| places.first()).cloned()
}

fn unknown(name: &str) -> String {
    let subjects = reference::subjects().map(|subject| subject.name().to_owned());
    let functions = FUNCTIONS.iter().map(|function| function.name.to_owned());
    let directives = directives::all().map(|directive| format!("${}", directive.name));
    let statements = STATEMENTS.iter().map(|statement| statement.name.to_owned());
    let mut known: Vec<String> = subjects.chain(functions).chain(statements).collect();
    if name.starts_with('$') {
        known = directives.collect();
    } else {
        known.extend(parameter_names());
        known.extend(directives.map(|name| name.trim_start_matches('$').to_owned()));
    }
    with_nearest(&format!("nothing is called '{name}'"), name, &known)
}

fn parameter_names() -> Vec<String> {
    let sections = reference::subjects().flat_map(Subject::sections);
    sections.flat_map(|section| section.specs).map(|spec| spec.name.to_owned()).collect()
}

fn unknown_parameter(subject: Subject, name: &str) -> String {
    let sections = subject.sections();
    let also = sections.iter().flat_map(|section| section.also.iter().copied());
    let shared = also.filter_map(reference::subject).flat_map(Subject::sections);
    let all = sections.iter().cloned().chain(shared).flat_map(|section| section.specs);
    let known: Vec<_> = all.map(|spec| spec.name.to_owned()).collect();
    with_nearest(&format!("{} has no parameter '{name}'", subject.name()), name, &known)
}

fn with_nearest(text: &str, name: &str, known: &[String]) -> String {
    match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => format!("{text}; did you mean '{near}'?"),
        None => format!("{text}; 'bongsu help' lists what there is"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(words: &[&str]) -> Result<Topic, String> {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        find(&words)
    }

    fn headings(words: &[&str]) -> Vec<String> {
        match topic(words) {
            Ok(Topic::Parameter(places)) => places.into_iter().map(|p| p.heading).collect(),
            other => panic!("{words:?}: {other:?}"),
        }
    }

    #[test]
    fn names_lead_to_their_topics() {
        assert!(matches!(topic(&[]), Ok(Topic::Overview)));
        assert!(matches!(topic(&["ImTCP"]), Ok(Topic::Subject(Subject::Module(_)))));
        assert!(matches!(topic(&["global"]), Ok(Topic::Subject(Subject::Object(_)))));
        assert!(matches!(topic(&["queue"]), Ok(Topic::Subject(Subject::Queue))));
        assert!(matches!(topic(&["re_match()"]), Ok(Topic::Function(_))));
        assert!(matches!(topic(&["functions"]), Ok(Topic::Functions)));
        assert!(matches!(topic(&["statements"]), Ok(Topic::Statements)));
        for name in ["foreach", "SET", "call_indirect", "stop", "reload_lookup_table()", "if"] {
            assert!(matches!(topic(&[name]), Ok(Topic::Statement(_))), "{name}");
        }
        let input = "input(type=\"imudp\" …)";
        assert_eq!(headings(&["imudp.port"]), [input]);
        assert_eq!(headings(&["imudp", "PORT"]), [input]);
        assert_eq!(headings(&["queue.size"]).len(), 1);
        assert_eq!(headings(&["omfwd", "action.resumeRetryCount"]), ["action(…)"]);
        assert_eq!(headings(&["maxMessageSize"])[0], "global(…)");
    }

    #[test]
    fn directives_lead_to_their_parameters() {
        let place = |name| match topic(&[name]) {
            Ok(Topic::Directive(_, place)) => place.map(|p| (p.heading, p.spec.name)),
            other => panic!("{name}: {other:?}"),
        };
        let expected = ("main_queue(…), ruleset(…), action(…)".to_owned(), "queue.type");
        assert_eq!(place("$actionQueueType"), Some(expected));
        let expected = ("input(type=\"imtcp\" …)".to_owned(), "port");
        assert_eq!(place("InputTCPServerRun"), Some(expected));
        assert_eq!(place("$ModLoad"), None);
    }

    #[test]
    fn what_is_not_known_is_guessed() {
        let wrong = topic(&["imtpc"]).unwrap_err();
        assert_eq!(wrong, "nothing is called 'imtpc'; did you mean 'imtcp'?");
        let wrong = topic(&["imtcp", "prot"]).unwrap_err();
        assert_eq!(wrong, "imtcp has no parameter 'prot'; did you mean 'port'?");
        let wrong = topic(&["$ActionQueueTyp"]).unwrap_err();
        assert_eq!(wrong, "nothing is called '$ActionQueueTyp'; did you mean '$ActionQueueType'?");
        assert!(topic(&["qqqqqqqqqq"]).unwrap_err().ends_with("lists what there is"));
    }
}
