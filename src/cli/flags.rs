//! rsyslogd's flags (man rsyslogd) and Bongsu's subcommands.

use std::ffi::OsString;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::CommandFactory;
use clap::FromArgMatches;
use clap::Parser;
use clap::Subcommand;

use crate::cli::ConvertArgs;
use crate::cli::ExplainArgs;
use crate::cli::ReloadArgs;
use crate::cli::TestArgs;
use crate::cli::bench::BenchArgs;
use crate::cli::help::HelpArgs;
use crate::cli::queue::QueueArgs;

/// What the command line asks for.
#[derive(Debug)]
pub enum Mode {
    Run(Flags),
    /// `-N level`
    Check(Flags),
    /// `-v`, `-V`
    Version(Flags),
    Bench(BenchArgs),
    Help(HelpArgs),
    /// `bongsu check`
    Lint(CheckArgs),
    Convert(ConvertArgs),
    Explain(ExplainArgs),
    Reload(ReloadArgs),
    Test(TestArgs),
    Queue(QueueArgs),
}

/// A syslog relay that runs rsyslog's configuration.
///
/// Without -f it runs its embedded default: UDP and TCP on 127.0.0.1:5514, written to
/// ./bongsu.log and shown on the terminal.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "bongsu",
    disable_version_flag = true,
    disable_help_subcommand = true,
    args_conflicts_with_subcommands = true
)]
pub struct Flags {
    /// Configuration file.
    #[arg(short = 'f', value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Stay in the foreground.
    #[arg(short = 'n')]
    pub foreground: bool,
    /// Check the configuration and exit: 0 if it is fine, 1 if not.
    #[arg(short = 'N', value_name = "LEVEL")]
    pub check: Option<u8>,
    /// With -N: complaints as JSON, one object a line, on standard output.
    #[arg(long, requires = "check")]
    pub json: bool,
    /// File for the process id; NONE writes none.
    #[arg(short = 'i', value_name = "FILE")]
    pub pid_file: Option<PathBuf>,
    /// Do not change to the root directory.
    #[arg(short = 'C')]
    pub keep_directory: bool,
    /// Path of modules: accepted, all modules are built in.
    #[arg(short = 'M', value_name = "PATH")]
    pub module_path: Option<OsString>,
    /// Print the version and exit.
    #[arg(short = 'v')]
    pub version: bool,
    /// Print the version and exit.
    #[arg(short = 'V', long = "version")]
    pub version_too: bool,
    /// Write the configuration, includes and all, to one file; - is standard output.
    #[arg(short = 'o', value_name = "FILE")]
    pub full_config: Option<PathBuf>,
    /// Debug mode: stays in the foreground.
    #[arg(short = 'd')]
    pub debug: bool,
    /// Debug the configuration parser: accepted without effect.
    #[arg(short = 'D')]
    pub debug_parser: bool,
    /// User and domain stripping: accepted without effect.
    #[arg(short = 'u', value_name = "N")]
    pub user_domain: Option<String>,
    /// No warning about senders that are not allowed: accepted without effect.
    #[arg(short = 'w')]
    pub no_acl_warning: bool,
    /// Do not ask for names of senders.
    #[arg(short = 'x')]
    pub no_dns: bool,
    /// IPv4 only.
    #[arg(short = '4')]
    pub ipv4: bool,
    /// IPv6 only.
    #[arg(short = '6')]
    pub ipv6: bool,
    /// UDP forwards go to all addresses of a target: accepted, see omfwd's udp.sendToAll.
    #[arg(short = 'A')]
    pub send_to_all: bool,
    /// Hosts that are logged without their domain: accepted without effect.
    #[arg(short = 'l', value_name = "HOSTS")]
    pub host_list: Option<String>,
    /// Domains that are stripped: accepted without effect.
    #[arg(short = 's', value_name = "DOMAINS")]
    pub strip_domains: Option<String>,
    /// Root directory to change into.
    #[arg(short = 'T', value_name = "DIR")]
    pub chroot: Option<PathBuf>,
    /// Set when called by the name of rsyslogd.
    #[arg(skip)]
    pub as_rsyslogd: bool,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Generate load, verify what arrives, measure a relay.
    Bench(BenchArgs),
    /// Explain a module, an object, a parameter, a $Directive or a function.
    Help(HelpArgs),
    /// Check a configuration, and say what in it may lose messages or stall.
    ///
    /// Exits with 0 if it is fine, and with 1 if there are errors, or things that this version
    /// cannot run.
    Check(CheckArgs),
    /// Write a configuration, includes and all, as one file in the other form.
    Convert(ConvertArgs),
    /// Show what becomes of a message: parser, properties, rules, and what would be written where.
    ///
    /// Nothing is opened and nothing is written. Exits with 1 if the configuration has errors.
    Explain(ExplainArgs),
    /// Make a running bongsu read its configuration again.
    ///
    /// What did not change goes on: listeners, connections, queues and all that waits in them. A
    /// configuration with errors changes nothing. Shows what came of it; exits with 1 if nothing
    /// was changed.
    Reload(ReloadArgs),
    /// Run unit tests of a configuration: messages, and what is to become of them.
    ///
    /// Exits with 1 if one of them fails.
    Test(TestArgs),
    /// Look into queues on disk: inspect, verify, export, repair, replay.
    Queue(QueueArgs),
}

/// `bongsu check`
#[derive(Clone, Debug, clap::Args)]
pub struct CheckArgs {
    /// Configuration file.
    #[arg(short = 'f', value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// More of them, each by itself; without any, the embedded default.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Exit with 1 if there are warnings, too.
    #[arg(long)]
    pub strict: bool,
    /// Switch a lint off, by its name.
    #[arg(long, value_name = "ID")]
    pub allow: Vec<String>,
    /// List all lints.
    #[arg(long)]
    pub lints: bool,
    /// Write the findings as JSON, one object a line, to standard output.
    #[arg(long)]
    pub json: bool,
}

/// Understands the command line; `args` begins with the program's name.
///
/// # Errors
/// Help that was asked for, or what is wrong with the arguments.
pub(super) fn parse(args: impl Iterator<Item = OsString>) -> Result<Mode, clap::Error> {
    let args: Vec<OsString> = args.collect();
    let name = args.first().map(Path::new).and_then(Path::file_name);
    let as_rsyslogd = name.is_some_and(|name| name == "rsyslogd");
    let matches = Flags::command().try_get_matches_from(args)?;
    let mut flags = Flags::from_arg_matches(&matches)?;
    flags.as_rsyslogd = as_rsyslogd;
    Ok(match flags.command.take() {
        Some(Command::Bench(args)) => Mode::Bench(args),
        Some(Command::Help(args)) => Mode::Help(args),
        Some(Command::Check(args)) => Mode::Lint(args),
        Some(Command::Convert(args)) => Mode::Convert(args),
        Some(Command::Explain(args)) => Mode::Explain(args),
        Some(Command::Reload(args)) => Mode::Reload(args),
        Some(Command::Test(args)) => Mode::Test(args),
        Some(Command::Queue(args)) => Mode::Queue(args),
        None if flags.version || flags.version_too => Mode::Version(flags),
        None if flags.check.is_some_and(|level| level > 0) => Mode::Check(flags),
        None => Mode::Run(flags),
    })
}

/// What `bongsu NAME --help` says, if there is such a subcommand.
pub(super) fn help_of(name: &str) -> Option<String> {
    let mut command = Flags::command();
    command.build();
    let subcommand = command.find_subcommand_mut(name)?;
    Some(subcommand.render_long_help().to_string())
}

impl Flags {
    /// The tag of own messages.
    #[must_use]
    pub const fn program(&self) -> &'static str {
        if self.as_rsyslogd { "rsyslogd" } else { "bongsu" }
    }

    /// The configuration: -f, or rsyslogd's own place when called by its name; `None` is the
    /// embedded default.
    #[must_use]
    pub fn config_file(&self) -> Option<PathBuf> {
        let own = self.as_rsyslogd.then(|| PathBuf::from("/etc/rsyslog.conf"));
        self.config.clone().or(own)
    }

    /// rsyslogd goes to the background unless it is told not to; bongsu never does.
    #[must_use]
    pub const fn background(&self) -> bool {
        self.as_rsyslogd && !self.foreground && !self.debug
    }

    /// What was given and has no effect, for a note to the operator.
    #[must_use]
    pub fn without_effect(&self) -> Vec<&'static str> {
        [
            (self.module_path.is_some(), "-M: all modules are built in"),
            (self.debug_parser, "-D: complaints name file, line and column as they are"),
            (self.user_domain.is_some(), "-u: user names are as they were received"),
            (self.no_acl_warning, "-w: there are no sender lists"),
            (self.send_to_all, "-A: use udp.sendToAll=\"on\" at the omfwd action"),
            (self.host_list.is_some(), "-l: host names are as the resolver gives them"),
            (self.strip_domains.is_some(), "-s: the relay's own domain alone is cut"),
        ]
        .into_iter()
        .filter_map(|(given, text)| given.then_some(text))
        .collect()
    }
}

/// `-v`
#[expect(clippy::print_stdout, clippy::disallowed_macros, reason = "this is what was asked for")]
pub(super) fn version(flags: &Flags) -> ExitCode {
    let version = env!("CARGO_PKG_VERSION");
    println!("bongsu {version}, a syslog relay that runs rsyslog 8 configurations");
    if flags.as_rsyslogd {
        println!("called as rsyslogd: reads /etc/rsyslog.conf, runs in the background without -n");
    }
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Mode {
        parse(args.iter().map(OsString::from)).unwrap()
    }

    #[test]
    fn rsyslogd_flags_are_understood() {
        let Mode::Check(flags) = parsed(&["bongsu", "-N1", "-f", "/etc/x.conf"]) else { panic!() };
        assert_eq!(flags.config_file(), Some(PathBuf::from("/etc/x.conf")));
        assert!(!flags.background());
        let Mode::Run(flags) = parsed(&["/usr/sbin/rsyslogd", "-iNONE", "-4", "-M/x", "-u2"])
        else {
            panic!()
        };
        assert!(flags.as_rsyslogd && flags.background() && flags.ipv4);
        assert_eq!(flags.config_file(), Some(PathBuf::from("/etc/rsyslog.conf")));
        assert_eq!(flags.pid_file, Some(PathBuf::from("NONE")));
        assert_eq!(flags.without_effect().len(), 2);
        let Mode::Run(flags) = parsed(&["rsyslogd", "-n"]) else { panic!() };
        assert!(!flags.background());
        assert!(matches!(parsed(&["bongsu", "-v"]), Mode::Version(_)));
        assert!(matches!(parsed(&["bongsu", "-N0"]), Mode::Run(_)));
        assert!(parse(["bongsu", "-Q"].iter().map(OsString::from)).is_err());
    }
}
