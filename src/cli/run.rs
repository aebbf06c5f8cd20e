//! Running the relay: from flags to the summary at the end.

use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use crate::base::reporter::Level;
use crate::base::reporter::Reporter;
use crate::base::service;
use crate::cli::Flags;
use crate::cli::check;
use crate::cli::daemon;
use crate::cli::pidfile::PidFile;
use crate::cli::reload;
use crate::engine;
use crate::engine::Graph;
use crate::engine::Own;
use crate::engine::Surroundings;

/// rsyslogd's default on Debian.
pub(super) const PID_FILE: &str = "/run/rsyslogd.pid";

#[expect(clippy::print_stderr, reason = "start and end of the program are said on the terminal")]
pub(super) fn run(flags: &Flags) -> ExitCode {
    if flags.background() && flags.full_config.as_deref() == Some(Path::new("-")) {
        eprintln!("{}: error: -o - needs -n or -N1: there is no terminal", flags.program());
        return ExitCode::FAILURE;
    }
    if flags.background() && !daemon::is_child() {
        return daemon::start_child().unwrap_or_else(|error| {
            eprintln!("{}: cannot go to the background: {error}", flags.program());
            ExitCode::FAILURE
        });
    }
    for text in flags.without_effect() {
        eprintln!("{}: note: {text}", flags.program());
    }
    if let Some(dir) = &flags.chroot
        && let Err(error) = change_root(dir)
    {
        eprintln!("{}: cannot change root to '{}': {error}", flags.program(), dir.display());
        return ExitCode::FAILURE;
    }
    match start(flags) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("{}: error: {error}", flags.program());
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "the summary is for the operator")]
fn start(flags: &Flags) -> io::Result<ExitCode> {
    let Ok(loaded) = check::load(flags) else { return Ok(ExitCode::FAILURE) };
    let clean = !loaded.config.diagnostics.has_errors();
    if !clean && loaded.plan.globals.abort_on_unclean {
        return Err(io::Error::other("abortOnUncleanConfig is on, and there were errors"));
    }
    if !loaded.plan.acts() {
        return Err(io::Error::other("no action runs: nothing would be written"));
    }
    if loaded.plan.globals.privileges.unknown {
        return Err(io::Error::other("whom to become (privdrop) is not known"));
    }
    if let Some(mask) = loaded.plan.globals.umask {
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(mask));
    }
    let pid_file = match pid_file(flags) {
        Some(path) => Some(PidFile::take(&path)?),
        None => None,
    };
    let through_rules = loaded.plan.globals.internal_messages.unwrap_or(flags.as_rsyslogd);
    let (own, messages) = Own::new(flags.program(), !flags.background(), through_rules);
    let reporter: Arc<dyn Reporter> = Arc::new(own);
    let unbuilt = loaded.config.diagnostics.all.iter().filter(|d| d.unbuilt).count();
    if unbuilt > 0 {
        let text = format!("{unbuilt} places of the configuration have no effect in this version");
        reporter.say(Level::Error, text);
    }
    let around =
        Surroundings { program: flags.program(), reporter: reporter.clone(), own: messages };
    let graph = Graph::open(loaded.plan, around)?;
    let summary = engine::run(graph, reload::compile(flags), || {
        // rsyslogd does so in the foreground as well: relative names of files are from there.
        if flags.as_rsyslogd
            && !flags.keep_directory
            && std::env::set_current_dir(Path::new("/")).is_err()
        {
            reporter.say(Level::Warning, "cannot change to the root directory".into());
        }
        if daemon::is_child() {
            daemon::detach()?;
        }
        reporter.say(Level::Info, format!("{} start", engine::origin(flags.program())));
        service::ready();
        Ok(())
    })?;
    eprintln!("{}: stopped: {summary}", flags.program());
    drop(pid_file);
    Ok(if summary.broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// `-T`: everything from here on, the configuration included, is found below `dir`.
fn change_root(dir: &Path) -> io::Result<()> {
    rustix::process::chroot(dir)?;
    std::env::set_current_dir("/")
}

/// Where the process id goes: rsyslogd's place when called by its name, else only where -i says.
fn pid_file(flags: &Flags) -> Option<PathBuf> {
    match &flags.pid_file {
        Some(path) if path.as_os_str() == "NONE" => None,
        Some(path) => Some(path.clone()),
        None => flags.as_rsyslogd.then(|| PathBuf::from(PID_FILE)),
    }
}
