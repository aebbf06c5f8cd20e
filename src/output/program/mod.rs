//! `omprog`: messages go to a program's standard input, a line each; it may confirm them.
//!
//! One program for each action. What it has not confirmed (`confirmMessages`), or what was not
//! written to it, is kept when it ends, and is for the next one.

mod child;
mod feed;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

pub(super) use feed::run;

use rustix::process::Signal;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::config::command;
use crate::config::module::Availability;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::config::param::Kind;
use crate::config::param::Params;
use crate::config::param::Spec;
use crate::output::common::Common;
use crate::queue::Framing;

pub const NAME: &str = "omprog";

/// What it takes.
pub static MODULE: Module = Module {
    name: NAME,
    role: Role::Output,
    doc: "Writes to a program's standard input.",
    availability: Availability::Ready,
    module: &[],
    instance: &[PARAMS],
};

/// rsyslog's defaults for omprog.
const DEFAULT_TEMPLATE: &str = "RSYSLOG_FileFormat";
const BEGIN: &str = "BEGIN TRANSACTION";
const COMMIT: &str = "COMMIT TRANSACTION";
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(10);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
const OUTPUT_MODE: u32 = 0o600;

static PARAMS: &[Spec] = &[
    Spec::new("binary", Kind::Str, "", "The program's full path, with its arguments behind it.")
        .required(),
    Spec::new(
        "confirmMessages",
        Kind::Bool,
        "off",
        "Waits until the program says OK to each message.",
    ),
    Spec::new(
        "confirmTimeout",
        Kind::Duration("milliseconds"),
        "10000",
        "How long the program may take to confirm before it is started anew.",
    ),
    Spec::new("reportFailures", Kind::Bool, "off", "Logs what the program answers other than OK."),
    Spec::new("useTransactions", Kind::Bool, "off", "Marks where batches begin and end."),
    Spec::new("beginTransactionMark", Kind::Str, BEGIN, "The line before a batch."),
    Spec::new("commitTransactionMark", Kind::Str, COMMIT, "The line after a batch."),
    Spec::new("output", Kind::Str, "", "File to which the program's output is appended."),
    Spec::new("fileCreateMode", Kind::Mode, "0600", "Mode of that file where it is made."),
    Spec::new(
        "hup.signal",
        Kind::Word(&["HUP", "USR1", "USR2", "INT", "TERM"]),
        "",
        "The signal that the program gets when the relay gets a HUP.",
    ),
    Spec::new("signalOnClose", Kind::Bool, "off", "Sends TERM to a program that is to end."),
    Spec::new(
        "closeTimeout",
        Kind::Duration("milliseconds"),
        "5000",
        "How long a program may take to end.",
    ),
    Spec::new(
        "killUnresponsive",
        Kind::Bool,
        "",
        "Kills a program that does not end in that time; as signalOnClose where it is not given.",
    ),
    Spec::new(
        "forceSingleInstance",
        Kind::Bool,
        "off",
        "One program, whatever the number of workers.",
    )
    .ignored("an action has one program here"),
];

/// An omprog action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramSpec {
    pub common: Common,
    /// The template, or rsyslog's default.
    pub template: String,
    /// The program's path.
    pub binary: PathBuf,
    pub arguments: Vec<String>,
    /// How long a confirmation may take, where the program confirms.
    pub confirm: Option<Duration>,
    pub report_failures: bool,
    /// The lines around a batch, with their line feeds.
    pub transaction: Option<(String, String)>,
    /// Where the program's output goes, and the file's mode.
    pub output: Option<(PathBuf, u32)>,
    pub on_hup: Option<Signal>,
    pub signal_on_close: bool,
    pub close_timeout: Duration,
    pub kill: bool,
}

impl ProgramSpec {
    /// Each message is a line.
    pub const FRAMING: Framing = Framing::lines();

    /// Reads checked parameters; `None` (complained of) if there is nothing to run.
    pub fn compile(params: &Params, diags: &mut Diagnostics) -> Option<Self> {
        let mut common = Common::compile(params, diags)?;
        let on = |name: &str| params.bool(name).unwrap_or(false);
        let Some((binary, arguments)) = command::split(params.str("binary").unwrap_or_default())
        else {
            let text = "no program to start";
            let help = "give its full path: binary=\"/usr/local/bin/program --option\"";
            diags.push(Diagnostic::error(params.loc("binary"), text).help(help));
            return None;
        };
        let milliseconds = |name: &str, usual| {
            let given = params.size(name).and_then(|n| u64::try_from(n).ok());
            given.map_or(usual, Duration::from_millis)
        };
        let mark = |name: &str, usual: &str| format!("{}\n", params.str(name).unwrap_or(usual));
        let marks = || (mark("beginTransactionMark", BEGIN), mark("commitTransactionMark", COMMIT));
        let signal_on_close = on("signalOnClose");
        let mode = params.mode("fileCreateMode").unwrap_or(OUTPUT_MODE);
        let output = params.str("output").filter(|path| !path.is_empty());
        Some(Self {
            template: common.template.take().unwrap_or_else(|| DEFAULT_TEMPLATE.to_owned()),
            common,
            binary,
            arguments,
            confirm: on("confirmMessages").then(|| milliseconds("confirmTimeout", CONFIRM_TIMEOUT)),
            report_failures: on("reportFailures"),
            transaction: on("useTransactions").then(marks),
            output: output.map(|path| (PathBuf::from(path), mode)),
            on_hup: params.str("hup.signal").and_then(signal),
            signal_on_close,
            close_timeout: milliseconds("closeTimeout", CLOSE_TIMEOUT),
            kill: params.bool("killUnresponsive").unwrap_or(signal_on_close),
        })
    }
}

fn signal(name: &str) -> Option<Signal> {
    match name.to_ascii_uppercase().as_str() {
        "HUP" => Some(Signal::HUP),
        "USR1" => Some(Signal::USR1),
        "USR2" => Some(Signal::USR2),
        "INT" => Some(Signal::INT),
        "TERM" => Some(Signal::TERM),
        _ => None,
    }
}
