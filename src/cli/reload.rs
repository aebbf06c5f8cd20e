//! `bongsu reload`, and what the relay does when it is asked to.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;

use crate::base::clock;
use crate::base::diag::Severity;
use crate::base::place::Places;
use crate::base::report;
use crate::base::report::Counts;
use crate::cli::Flags;
use crate::cli::check;
use crate::cli::run::PID_FILE;
use crate::config;
use crate::config::Config;
use crate::engine;
use crate::engine::Compile;
use crate::engine::Compiled;
use crate::engine::Notice;

/// Between two looks at the relay's board.
const LOOK: Duration = Duration::from_millis(10);

/// `bongsu reload`
#[derive(Clone, Debug, clap::Args)]
pub struct ReloadArgs {
    /// The relay's file with its process id; without -i and --pid it is rsyslogd's.
    #[arg(short = 'i', value_name = "FILE")]
    pub pid_file: Option<PathBuf>,
    /// The relay's process id.
    #[arg(long, value_name = "PID", conflicts_with = "pid_file")]
    pub pid: Option<u32>,
    /// How long to wait for what comes of it, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub timeout: u64,
}

/// `bongsu reload`
#[expect(clippy::print_stderr, reason = "an operator's question is answered here")]
pub(super) fn run(args: &ReloadArgs) -> ExitCode {
    match ask(args) {
        Ok(notice) => {
            eprintln!("{}", notice.text);
            if notice.last_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
        }
        Err(error) => {
            eprintln!("bongsu: error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Asks for a reload and waits for what comes of it.
fn ask(args: &ReloadArgs) -> io::Result<Notice> {
    let pid = match args.pid {
        Some(pid) => pid,
        None => pid_in(args.pid_file.as_deref().unwrap_or_else(|| Path::new(PID_FILE)))?,
    };
    // A process that has no board would not know the signal, and would be ended by it.
    let board = Notice::find(pid).map_err(|error| about(pid, &error))?;
    let deadline = clock::monotonic().checked_add(Duration::from_secs(args.timeout));
    let before = wait_for(pid, &board, deadline, |_| true)?;
    let number = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let number = number.ok_or_else(|| io::Error::other(format!("{pid} is no process id")))?;
    kill_process(number, Signal::USR2)?;
    // One that was under way may have read the old file: the next one counts.
    wait_for(pid, &board, deadline, |now| now.ended > before.begun)
}

/// What the board says as soon as it is `enough`.
#[expect(clippy::disallowed_methods, reason = "no runtime here: this process only waits")]
fn wait_for(
    pid: u32,
    board: &PathBuf,
    deadline: Option<Instant>,
    enough: impl Fn(&Notice) -> bool,
) -> io::Result<Notice> {
    loop {
        let notice = Notice::read(board).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => io::Error::other(format!("process {pid} has ended")),
            _ => about(pid, &error),
        })?;
        if let Some(notice) = notice.filter(&enough) {
            return Ok(notice);
        }
        if deadline.is_some_and(|deadline| clock::monotonic() >= deadline) {
            let text = format!("process {pid} has been asked, and has not done it yet");
            return Err(io::Error::new(io::ErrorKind::TimedOut, text));
        }
        thread::sleep(LOOK);
    }
}

fn about(pid: u32, error: &io::Error) -> io::Error {
    let text = match error.kind() {
        io::ErrorKind::NotFound if !Path::new("/proc").join(pid.to_string()).exists() => {
            format!("there is no process {pid}")
        }
        _ => format!("process {pid} cannot be asked: {error}"),
    };
    io::Error::new(error.kind(), text)
}

fn pid_in(file: &Path) -> io::Result<u32> {
    let shown = file.display();
    let text = fs::read_to_string(file).map_err(|error| {
        let text = format!("pid file '{shown}': {error}; name another with -i, or --pid");
        io::Error::new(error.kind(), text)
    })?;
    text.trim().parse().map_err(|_| io::Error::other(format!("'{shown}' holds no process id")))
}

/// Reads the configuration of `flags` again, each time that it is called.
pub(super) fn compile(flags: &Flags) -> Compile {
    let flags = flags.clone();
    // The working directory may be another one by then.
    let file = flags.config_file().map(|file| std::path::absolute(&file).unwrap_or(file));
    Box::new(move || {
        let mut config = match &file {
            None => check::embedded(),
            Some(path) => match config::load(path) {
                Ok(config) => config,
                Err(error) => {
                    let text = format!("could not open config file '{}': {error}", path.display());
                    return Compiled::refused(text);
                }
            },
        };
        let plan = engine::compile(&mut config, &check::options(&flags));
        let counts = Counts::of(&config.diagnostics);
        let report = report::render(&config.diagnostics, &config.sources, false);
        let refusal = match counts.errors {
            0 if plan.acts() => String::new(),
            0 => "no action runs, nothing would be written".to_owned(),
            _ => format!("it has {counts}"),
        };
        let plan = refusal.is_empty().then_some(plan);
        Compiled { plan, refusal, complaints: errors(&config), report }
    })
}

/// The errors in `config`, a line each.
fn errors(config: &Config) -> Vec<String> {
    let places = Places::new(&config.sources);
    let errors = config.diagnostics.all.iter().filter(|d| d.severity == Severity::Error);
    let line = |message: &str, loc| match places.file(loc) {
        Some(file) => {
            let at = places.start(loc);
            format!("{}:{}:{}: {message}", file.name, at.line, at.column)
        }
        None => message.to_owned(),
    };
    errors.map(|error| line(&error.message, error.loc)).collect()
}
