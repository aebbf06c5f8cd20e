//! The `bongsu` binary: everything is in the library, this only hands over the exit status.

use std::process::ExitCode;

fn main() -> ExitCode {
    bongsu::cli::main()
}
