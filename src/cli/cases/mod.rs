//! `bongsu test`: unit tests of a configuration.

mod file;
mod verdict;

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use toml::Spanned;

use crate::cli::cases::file::Case;
use crate::cli::cases::file::File;
use crate::cli::cases::verdict::Failure;
use crate::cli::cases::verdict::failures;
use crate::cli::explain::Subject;
use crate::cli::explain::arrival;
use crate::cli::terminal;
use crate::engine::Question;
use crate::message::Arrival;

#[derive(Clone, Debug, Args)]
pub struct TestArgs {
    /// Files of cases (TOML); each names its configuration.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// One JSON object a case, and one that counts them.
    #[arg(long)]
    pub json: bool,
}

/// Runs all cases of all files: exit status 0 if every one holds.
#[expect(clippy::print_stderr, reason = "what went wrong is for the operator")]
pub(super) fn run(args: &TestArgs) -> ExitCode {
    let mut report = Report { json: args.json, color: false, passed: 0, failed: Vec::new() };
    report.color = !args.json && terminal::has_colors(&io::stdout());
    let mut broken = 0;
    for path in &args.files {
        if let Err(why) = run_file(path, &mut report) {
            broken += 1;
            if !why.is_empty() {
                eprintln!("bongsu: error: {why}");
            }
        }
    }
    report.end(broken);
    if broken == 0 && report.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs the cases of one file; an error if it, or its configuration, cannot be used. It is empty
/// where the reason was said.
fn run_file(path: &Path, report: &mut Report) -> Result<(), String> {
    let name = path.display().to_string();
    let text =
        fs::read_to_string(path).map_err(|error| format!("cannot read '{name}': {error}"))?;
    let at = |offset: usize| format!("{name}:{}", line(&text, offset));
    let file: File = toml::from_str(&text).map_err(|error| {
        let place = error.span().map_or_else(|| name.clone(), |span| at(span.start));
        format!("{place}: {}", error.message().trim())
    })?;
    let time = |given: &Option<Spanned<String>>| -> Result<Option<Arrival>, String> {
        let Some(given) = given else { return Ok(None) };
        let parsed = arrival(given.get_ref());
        parsed.map(Some).map_err(|why| format!("{}: now is {why}", at(given.span().start)))
    };
    let usual = time(&file.now)?;
    let mut questions = Vec::new();
    for case in &file.cases {
        let place = at(case.span().start);
        let case = case.get_ref();
        let wishes = case.writes.iter().flatten().chain(&case.includes);
        if !case.expects() || wishes.clone().any(file::Written::is_empty) {
            return Err(format!("{place}: case '{}' expects nothing", case.name));
        }
        questions.push((place, case, question(case, time(&case.now)?.or(usual))));
    }
    if questions.is_empty() {
        return Err(format!("{name}: there is no [[case]]"));
    }
    let config = path.parent().unwrap_or_else(|| Path::new("")).join(&file.config);
    let subject =
        Subject::load(Some(&config), file.hostname.as_deref()).map_err(|_| String::new())?;
    report.begin(&name, questions.len());
    for (place, case, question) in questions {
        // No case knows of those before it.
        subject.plan.forget();
        let failures = match subject.explain(&question) {
            Ok(explanation) => failures(case, &explanation),
            Err(why) => vec![Failure {
                what: "input".to_owned(),
                expected: case.input.clone().unwrap_or_default(),
                actual: why,
            }],
        };
        report.case(&place, &case.name, failures);
    }
    Ok(())
}

fn question(case: &Case, arrival: Option<Arrival>) -> Question {
    Question {
        from: case.from,
        fromhost: case.fromhost.clone(),
        input: case.input.clone(),
        port: case.port.as_ref().map(ToString::to_string),
        arrival,
        message: case.message.clone().into_bytes(),
    }
}

/// The line of an offset, from 1.
fn line(text: &str, offset: usize) -> usize {
    1 + memchr::memchr_iter(b'\n', &text.as_bytes()[..offset.min(text.len())]).count()
}

/// What is said, and counted.
struct Report {
    json: bool,
    color: bool,
    passed: usize,
    failed: Vec<Failed>,
}

struct Failed {
    place: String,
    name: String,
    failures: Vec<Failure>,
}

impl Report {
    fn begin(&self, file: &str, cases: usize) {
        if !self.json {
            let unit = if cases == 1 { "case" } else { "cases" };
            terminal::write(&format!("\nrunning {cases} {unit} of {file}\n"));
        }
    }

    fn case(&mut self, place: &str, name: &str, failures: Vec<Failure>) {
        let ok = failures.is_empty();
        if self.json {
            let line = json!({ "at": place, "case": name, "ok": ok, "failures": failures });
            terminal::write(&format!("{line}\n"));
        } else {
            let word = if ok { self.tinted("32", "ok") } else { self.tinted("31", "FAILED") };
            terminal::write(&format!("test {name} ... {word}\n"));
        }
        if ok {
            self.passed += 1;
        } else {
            self.failed.push(Failed { place: place.to_owned(), name: name.to_owned(), failures });
        }
    }

    fn tinted(&self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// `broken`: files that could not be used.
    fn end(&self, broken: usize) {
        let (passed, failed) = (self.passed, self.failed.len());
        if self.json {
            let line = json!({ "passed": passed, "failed": failed, "broken": broken });
            terminal::write(&format!("{line}\n"));
            return;
        }
        let mut out = String::new();
        if failed > 0 {
            out.push_str("\nfailures:\n");
        }
        for case in &self.failed {
            // Writing to a String cannot fail.
            _ = writeln!(out, "\n---- {} ({})", case.name, case.place);
            for failure in &case.failures {
                self.difference(failure, &mut out);
            }
        }
        let good = broken == 0 && failed == 0;
        let word = if good { self.tinted("32", "ok") } else { self.tinted("31", "FAILED") };
        _ = write!(out, "\ntest result: {word}. {passed} passed; {failed} failed");
        if broken > 0 {
            let unit = if broken == 1 { "file" } else { "files" };
            _ = write!(out, "; {broken} {unit} could not be used");
        }
        out.push('\n');
        terminal::write(&out);
    }

    /// Both texts, and a mark under the first character that differs.
    fn difference(&self, failure: &Failure, out: &mut String) {
        let Failure { what, expected, actual } = failure;
        // Writing to a String cannot fail.
        _ = writeln!(out, "  {what}");
        let list = |text: &str| text.replace('\n', "\n              ");
        _ = writeln!(out, "    expected: {}", self.tinted("32", &list(expected)));
        _ = writeln!(out, "      actual: {}", self.tinted("31", &list(actual)));
        let same = expected.chars().zip(actual.chars()).take_while(|(a, b)| a == b).count();
        if same > 0 && !expected.contains('\n') && !actual.contains('\n') {
            // Wide characters are as wide in this line as above.
            let before: String = expected.chars().take(same).map(blank).collect();
            _ = writeln!(out, "              {before}^");
        }
    }
}

/// As wide as the character.
fn blank(character: char) -> char {
    if crate::base::report::columns(character) == 2 { '\u{3000}' } else { ' ' }
}
