//! Reading a configuration for a check or a start, and saying what is wrong with it.

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use crate::base::diag::Severity;
use crate::cli::Flags;
use crate::cli::convert;
use crate::config;
use crate::config::Config;
use crate::engine;
use crate::engine::Options;
use crate::engine::Plan;

/// What runs without -f.
const DEFAULT: &str = include_str!("../../configs/default.conf");
/// Added to it when standard output is a terminal.
const DEFAULT_ON_TERMINAL: &str =
    "action(type=\"omstdout\" template=\"RSYSLOG_TraditionalFileFormat\")\n";

/// A configuration that was read and compiled.
pub(super) struct Loaded {
    pub(super) config: Config,
    pub(super) plan: Plan,
    /// `-o` was not given, or done.
    pub(super) written: bool,
}

/// Reads and compiles what `flags` name, and prints all complaints. `Err` if there is nothing to
/// work with at all.
pub(super) fn load(flags: &Flags) -> Result<Loaded, ExitCode> {
    let mut config = read_or_embedded(flags.config_file().as_deref(), flags.program())?;
    let written = match &flags.full_config {
        Some(output) => convert::full_config(&mut config, output, flags.program()),
        None => true,
    };
    let options =
        Options { hostname: hostname(), no_dns: flags.no_dns, ipv4: flags.ipv4, ipv6: flags.ipv6 };
    let plan = engine::compile(&mut config, &options);
    complain(&config);
    Ok(Loaded { config, plan, written })
}

/// The configuration in `path`, or the embedded default.
#[expect(clippy::print_stderr, reason = "an operator's question is answered here")]
pub(super) fn read_or_embedded(path: Option<&Path>, program: &str) -> Result<Config, ExitCode> {
    let Some(path) = path else { return Ok(embedded()) };
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
    config::parse_text("embedded default", text.as_bytes())
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
    let count =
        |severity| loaded.config.diagnostics.all.iter().filter(|d| d.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let verdict = format!("{}, {}", counted(errors, "error"), counted(warnings, "warning"));
    eprintln!("{}: end of config check: {verdict}", flags.program());
    if errors == 0 && loaded.written { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn counted(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}
