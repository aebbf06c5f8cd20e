//! Reading a configuration for a check or a start, and saying what is wrong with it.

use std::fmt;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use crate::base::diag::Severity;
use crate::base::diag::nearest;
use crate::cli::CheckArgs;
use crate::cli::Flags;
use crate::cli::USAGE;
use crate::config;
use crate::config::Config;
use crate::engine;
use crate::engine::Options;
use crate::engine::Plan;

/// What runs without -f.
const DEFAULT: &str = include_str!("../../configs/default.conf");
const EMBEDDED: &str = "embedded default";
/// Added to it when standard output is a terminal.
const DEFAULT_ON_TERMINAL: &str =
    "action(type=\"omstdout\" template=\"RSYSLOG_TraditionalFileFormat\")\n";

/// The name in complaints of a subcommand, which rsyslogd does not have.
const PROGRAM: &str = "bongsu";

/// A configuration that was read and compiled.
pub(super) struct Loaded {
    pub(super) config: Config,
    pub(super) plan: Plan,
}

/// Reads and compiles what `flags` name, and prints all complaints. `Err` if there is nothing to
/// work with at all.
pub(super) fn load(flags: &Flags) -> Result<Loaded, ExitCode> {
    let mut config = match flags.config_file() {
        Some(path) => read(&path, flags.program())?,
        None => embedded(),
    };
    let options =
        Options { hostname: hostname(), no_dns: flags.no_dns, ipv4: flags.ipv4, ipv6: flags.ipv6 };
    let plan = engine::compile(&mut config, &options);
    complain(&config);
    Ok(Loaded { config, plan })
}

#[expect(clippy::print_stderr, reason = "an operator's question is answered here")]
fn read(path: &Path, program: &str) -> Result<Config, ExitCode> {
    config::load(path).map_err(|error| {
        eprintln!("{program}: error: could not open config file '{}': {error}", path.display());
        ExitCode::FAILURE
    })
}

fn embedded() -> Config {
    let mut text = DEFAULT.to_owned();
    if std::io::stdout().is_terminal() {
        text.push_str(DEFAULT_ON_TERMINAL);
    }
    config::parse_text(EMBEDDED, text.as_bytes())
}

#[expect(clippy::print_stderr, reason = "complaints about a configuration belong there")]
fn complain(config: &Config) {
    let color = std::io::stderr().is_terminal();
    eprint!("{}", crate::base::report::render(&config.diagnostics, &config.sources, color));
}

fn hostname() -> String {
    let name = rustix::system::uname();
    name.nodename().to_string_lossy().into_owned()
}

/// `-N level`: exit status 0, or 1 with errors.
#[expect(clippy::print_stderr, reason = "the verdict of a check")]
pub(super) fn run(flags: &Flags) -> ExitCode {
    let Ok(loaded) = load(flags) else { return ExitCode::FAILURE };
    let found = Found::of(&loaded.config);
    let verdict =
        format!("{}, {}", counted(found.errors, "error"), counted(found.warnings, "warning"));
    eprintln!("{}: end of config check: {verdict}", flags.program());
    if found.errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// `bongsu check`: what `-N1` says, and the lints. The worst of all files is the exit status.
#[expect(clippy::print_stderr, reason = "the verdict of a check")]
pub(super) fn lint(args: &CheckArgs) -> ExitCode {
    if args.lints {
        list_lints();
        return ExitCode::SUCCESS;
    }
    for name in &args.allow {
        if engine::lint::lints().all(|lint| lint.id != name) {
            let near = nearest(name, engine::lint::lints().map(|lint| lint.id));
            let near = near.map_or_else(String::new, |near| format!("; did you mean '{near}'?"));
            eprintln!("{PROGRAM}: error: there is no lint '{name}'{near}");
            return ExitCode::from(USAGE);
        }
    }
    let paths: Vec<Option<&Path>> = match (&args.config, args.files.as_slice()) {
        (None, []) => vec![None],
        (first, others) => first.iter().chain(others).map(|path| Some(path.as_path())).collect(),
    };
    // All of them are looked at, whatever is wrong with the first.
    let bad = paths.iter().filter(|path| !lint_one(**path, args)).count();
    if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Checks one configuration, and says whether it is fine.
#[expect(clippy::print_stderr, reason = "the verdict of a check")]
fn lint_one(path: Option<&Path>, args: &CheckArgs) -> bool {
    let config = match path {
        Some(path) => read(path, PROGRAM),
        None => Ok(embedded()),
    };
    let Ok(mut config) = config else { return false };
    let options = Options { hostname: hostname(), no_dns: false, ipv4: false, ipv6: false };
    engine::compile(&mut config, &options);
    let lints = engine::lint::lint(&config, &args.allow);
    config.diagnostics.all.extend(lints);
    complain(&config);
    let found = Found::of(&config);
    let name = path.map_or_else(|| EMBEDDED.to_owned(), |path| path.display().to_string());
    eprintln!("{PROGRAM}: {name}: {found}");
    found.errors + found.unbuilt == 0 && (!args.strict || found.warnings == 0)
}

/// `bongsu check --lints`
#[expect(clippy::print_stdout, clippy::disallowed_macros, reason = "this is what was asked for")]
fn list_lints() {
    for lint in engine::lint::lints() {
        println!("{:<22} {:<8} {}", lint.id, lint.severity.to_string(), lint.what);
    }
}

/// How many complaints there are of each kind.
struct Found {
    errors: usize,
    warnings: usize,
    unbuilt: usize,
    notes: usize,
}

impl Found {
    fn of(config: &Config) -> Self {
        let all = &config.diagnostics.all;
        let count = |severity| all.iter().filter(|d| d.severity == severity).count();
        Self {
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            unbuilt: all.iter().filter(|d| d.unbuilt).count(),
            notes: count(Severity::Note),
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { errors, warnings, unbuilt, notes } = *self;
        write!(f, "{}, {}", counted(errors, "error"), counted(warnings - unbuilt, "warning"))?;
        if unbuilt > 0 {
            write!(f, ", {unbuilt} not built yet")?;
        }
        write!(f, ", {}", counted(notes, "note"))
    }
}

fn counted(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}
