//! Floor 9: the command line. rsyslogd's flags at the top level, subcommands beside them.

mod cases;
mod check;
mod complaints;
mod convert;
mod daemon;
mod explain;
mod flags;
mod pidfile;
mod reload;
mod run;
mod terminal;

pub mod bench;
pub mod help;
pub mod queue;

use std::process::ExitCode;

pub use cases::TestArgs;
pub use convert::ConvertArgs;
pub use convert::Form;
pub use explain::ExplainArgs;
pub use flags::CheckArgs;
pub use flags::Command;
pub use flags::Flags;
pub use flags::Mode;
pub use reload::ReloadArgs;

/// Exit status of a command line that cannot be understood (BSD `EX_USAGE`).
const USAGE: u8 = 64;

/// The whole program.
#[must_use]
pub fn main() -> ExitCode {
    match flags::parse(std::env::args_os()) {
        Ok(Mode::Bench(args)) => bench::run(args),
        Ok(Mode::Help(args)) => help::run(&args),
        Ok(Mode::Convert(args)) => convert::run(&args),
        Ok(Mode::Explain(args)) => explain::run(&args),
        Ok(Mode::Reload(args)) => reload::run(&args),
        Ok(Mode::Test(args)) => cases::run(&args),
        Ok(Mode::Queue(args)) => queue::run(&args),
        Ok(Mode::Version(flags)) => flags::version(&flags),
        Ok(Mode::Check(flags)) => check::run(&flags),
        Ok(Mode::Lint(args)) => check::lint(&args),
        Ok(Mode::Run(flags)) => run::run(&flags),
        Err(error) => {
            let status = if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
            // Help and usage; a closed terminal is no reason for another status.
            drop(error.print());
            status
        }
    }
}
