//! `improg`: lines that a program writes to its standard output. (rsyslog `improg`.)
//!
//! The relay may talk to it (`confirmMessages`), a word on each line of its standard input: START
//! when it may begin, ACK for each line that was taken, STOP when it shall end.

mod child;
mod reader;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::config::command;
use crate::config::module::Availability;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::config::param::Kind;
use crate::config::param::Params;
use crate::config::param::Spec;
use crate::input::lines::LineRules;
use crate::input::local::Local;
use crate::input::local::LocalInput;
use crate::input::local::LocalModule;
use crate::input::local::Reader;
use crate::input::local::Surroundings;
use crate::input::program::reader::ProgramReader;

pub const NAME: &str = "improg";

/// What it takes.
pub static MODULE: Module = Module {
    name: NAME,
    role: Role::Input,
    doc: "Reads the output of programs.",
    availability: Availability::Ready,
    module: &[],
    instance: &[PARAMS],
};

pub static LOCAL: LocalModule =
    LocalModule { module: &MODULE, loaded: |_, _, _| Vec::new(), instance };

const DEFAULT_RULESET: &str = "RSYSLOG_DefaultRuleset";
const CLOSE_TIMEOUT: Duration = Duration::from_millis(200);

static PARAMS: &[Spec] = &[
    Spec::new("binary", Kind::Str, "", "The program's full path, with its arguments behind it.")
        .required(),
    Spec::new("tag", Kind::Str, "", "The tag of its messages.").required(),
    Spec::new("facility", Kind::Facility, "local0", "Their facility."),
    Spec::new("severity", Kind::Severity, "notice", "Their severity."),
    Spec::new("ruleset", Kind::Ruleset, DEFAULT_RULESET, "Ruleset that gets the messages."),
    Spec::new(
        "confirmMessages",
        Kind::Bool,
        "on",
        "Writes START to the program, ACK for each line that was taken, and STOP.",
    ),
    Spec::new("signalOnClose", Kind::Bool, "off", "Sends TERM to a program that is to end."),
    Spec::new(
        "closeTimeout",
        Kind::Duration("milliseconds"),
        "200",
        "How long a program may take to end.",
    ),
    Spec::new("killUnresponsive", Kind::Bool, "on", "Kills a program that takes longer."),
];

/// An `input(type="improg")`.
#[derive(Clone, Debug)]
struct ProgramSpec {
    binary: PathBuf,
    arguments: Vec<String>,
    rules: LineRules,
    confirms: bool,
    signal_on_close: bool,
    close_timeout: Duration,
    kill: bool,
}

fn instance(
    _: &Params,
    params: &Params,
    around: &Surroundings,
    diags: &mut Diagnostics,
) -> Option<Arc<dyn Local>> {
    let Some((binary, arguments)) = command::split(params.str("binary")?) else {
        let text = "no program to start";
        let help = "give its full path: binary=\"/usr/local/bin/program --option\"";
        diags.push(Diagnostic::error(params.loc("binary"), text).help(help));
        return None;
    };
    let on = |name: &str, usual| params.bool(name).unwrap_or(usual);
    let timeout = params.size("closeTimeout").and_then(|n| u64::try_from(n).ok());
    Some(Arc::new(ProgramSpec {
        binary,
        arguments,
        rules: LineRules::compile(params, around, diags)?,
        confirms: on("confirmMessages", true),
        signal_on_close: on("signalOnClose", false),
        close_timeout: timeout.map_or(CLOSE_TIMEOUT, Duration::from_millis),
        kill: on("killUnresponsive", true),
    }))
}

impl Local for ProgramSpec {
    fn module(&self) -> &'static str {
        NAME
    }

    fn label(&self) -> String {
        format!("{NAME}({})", self.binary.display())
    }

    fn open(&self, _: &Arc<LocalInput>) -> io::Result<Box<dyn Reader>> {
        Ok(Box::new(ProgramReader { spec: self.clone() }))
    }
}
