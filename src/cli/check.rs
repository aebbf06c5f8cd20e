//! Reading a configuration for a check or a start, and saying what is wrong with it.

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use crate::base::diag::Diagnostic;
use crate::base::diag::Loc;
use crate::base::diag::nearest;
use crate::base::report::Counts;
use crate::cli::CheckArgs;
use crate::cli::Flags;
use crate::cli::USAGE;
use crate::cli::complaints;
use crate::cli::complaints::Format;
use crate::cli::convert;
use crate::config;
use crate::config::Config;
use crate::engine;
use crate::engine::Options;
use crate::engine::Plan;

/// What runs without -f.
const DEFAULT: &str = include_str!("../../configs/default.conf");
/// What it is called.
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
    /// Of the complaints that were shown.
    counts: Counts,
    /// `-o` was not given, or done.
    pub(super) written: bool,
}

/// Reads and compiles what `flags` name, and prints all complaints. `Err` if there is nothing to
/// work with at all.
pub(super) fn load(flags: &Flags) -> Result<Loaded, ExitCode> {
    let format = Format::of(flags.json);
    let mut config = read_or_embedded(flags.config_file().as_deref(), flags.program(), format)?;
    let written = match &flags.full_config {
        Some(output) => convert::full_config(&mut config, output, flags.program()),
        None => true,
    };
    let plan = engine::compile(&mut config, &options(flags));
    let counts = complaints::print(&config, format);
    Ok(Loaded { config, plan, counts, written })
}

/// What the command line says about a configuration.
pub(super) fn options(flags: &Flags) -> Options {
    Options { hostname: hostname(), no_dns: flags.no_dns, ipv4: flags.ipv4, ipv6: flags.ipv6 }
}

/// The configuration in `path`, or the embedded default.
#[expect(clippy::print_stderr, reason = "an operator's question is answered here")]
pub(super) fn read_or_embedded(
    path: Option<&Path>,
    program: &str,
    format: Format,
) -> Result<Config, ExitCode> {
    let Some(path) = path else { return Ok(embedded()) };
    config::load(path).map_err(|error| {
        let text = format!("could not open config file '{}': {error}", path.display());
        if format == Format::Json {
            let mut config = Config::default();
            let file = config.sources.add(&path.display().to_string(), b"");
            config.diagnostics.push(Diagnostic::error(Loc { file, ..Loc::default() }, text));
            complaints::print(&config, Format::Json);
        } else {
            eprintln!("{program}: error: {text}");
        }
        ExitCode::FAILURE
    })
}

pub(super) fn embedded() -> Config {
    let mut text = DEFAULT.to_owned();
    if std::io::stdout().is_terminal() {
        text.push_str(DEFAULT_ON_TERMINAL);
    }
    config::parse_text(EMBEDDED, text.as_bytes())
}

pub(super) fn hostname() -> String {
    let name = rustix::system::uname();
    name.nodename().to_string_lossy().into_owned()
}

/// `-N level`: exit status 0, or 1 with errors. Begins and ends with rsyslogd's words.
#[expect(clippy::print_stderr, reason = "the frame of a check, and its verdict")]
pub(super) fn run(flags: &Flags) -> ExitCode {
    let say = |text: &str| {
        if !flags.json {
            eprintln!("{}: {text}", flags.program());
        }
    };
    let (version, level) = (env!("CARGO_PKG_VERSION"), flags.check.unwrap_or(1));
    let file = flags.config_file();
    let file = file.map_or_else(|| EMBEDDED.to_owned(), |file| file.display().to_string());
    say(&format!("version {version}, config validation run (level {level}), master config {file}"));
    let Ok(Loaded { counts, written, .. }) = load(flags) else { return ExitCode::FAILURE };
    if counts != Counts::default() && !flags.json {
        eprintln!();
    }
    say(&counts.to_string());
    if counts.errors > 0 || !written {
        return ExitCode::FAILURE;
    }
    say("End of config validation run. Bye.");
    ExitCode::SUCCESS
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
    let format = Format::of(args.json);
    let Ok(mut config) = read_or_embedded(path, PROGRAM, format) else { return false };
    let options = Options { hostname: hostname(), no_dns: false, ipv4: false, ipv6: false };
    engine::compile(&mut config, &options);
    let lints = engine::lint::lint(&config, &args.allow);
    config.diagnostics.all.extend(lints);
    let counts = complaints::print(&config, format);
    if format == Format::Text {
        if counts != Counts::default() {
            eprintln!();
        }
        let name = path.map_or_else(|| EMBEDDED.to_owned(), |path| path.display().to_string());
        eprintln!("{PROGRAM}: {name}: {counts}");
    }
    counts.errors + counts.unbuilt == 0 && (!args.strict || counts.warnings == 0)
}

/// `bongsu check --lints`
#[expect(clippy::print_stdout, clippy::disallowed_macros, reason = "this is what was asked for")]
fn list_lints() {
    for lint in engine::lint::lints() {
        println!("{:<22} {:<8} {}", lint.id, lint.severity.to_string(), lint.what);
    }
}
