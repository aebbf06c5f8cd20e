//! Going to the background without `fork`: the program starts itself once more, in a session of
//! its own, and the parent stays until the child has said how its start went.

use std::io;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::process::ExitCode;
use std::process::Stdio;

/// Set for the child, whose standard output is the line to the parent.
const CHILD: &str = "BONGSU_BACKGROUND_CHILD";
/// What the child says when it runs.
const READY: &[u8] = b"ready";

/// Whether this process is the child.
pub(super) fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// Starts the child and waits for its word. The parent's exit status is the child's.
pub(super) fn start_child() -> io::Result<ExitCode> {
    let mut args = std::env::args_os();
    // The name it was called by makes it rsyslogd; the path of the program may be another.
    let name = args.next().unwrap_or_default();
    let mut child = Command::new(std::env::current_exe()?)
        .arg0(name)
        .args(args)
        .env(CHILD, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut word = Vec::new();
    if let Some(mut line) = child.stdout.take() {
        line.read_to_end(&mut word)?;
    }
    if word == READY {
        return Ok(ExitCode::SUCCESS);
    }
    let status = child.wait()?;
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from))
}

/// In the child, once everything is open: leaves the terminal and lets the parent go.
pub(super) fn detach() -> io::Result<()> {
    rustix::process::setsid()?;
    let null = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null")?;
    rustix::io::write(rustix::stdio::stdout(), READY)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    Ok(())
}
