//! A daemon under test: started, watched, stopped, never left behind.

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;

use crate::support::wait_for;

/// The program under test.
pub(crate) const BONGSU: &str = env!("CARGO_BIN_EXE_bongsu");
/// A healthy stop takes milliseconds; the program's own limit is ten seconds.
const STOP: Duration = Duration::from_secs(15);

/// A running daemon. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Child,
    stderr: Option<JoinHandle<String>>,
    stdout: Option<JoinHandle<String>>,
}

/// What a daemon left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// `program`, in UTC and the C locale, so that a machine's settings do not show.
pub(crate) fn command(program: impl AsRef<OsStr>, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(dir).env("TZ", "UTC").env("LC_ALL", "C").env_remove("RSYSLOG_DEBUG");
    command.stdin(Stdio::null());
    command
}

/// Writes `config` into `dir` and starts `program` on it in the foreground.
pub(crate) fn start(program: &str, dir: &Path, config: &str, args: &[&str]) -> Daemon {
    let file = write_config(dir, config);
    let mut command = command(program, dir);
    command.arg("-n").arg("-f").arg(file).arg("-i").arg(dir.join("pid")).args(args);
    Daemon::spawn(&mut command)
}

/// Starts the relay on the file `config` of `dir`; what it says can be read while it runs, see
/// [`said`].
pub(crate) fn start_aside(dir: &Path, config: &str) -> Daemon {
    let mut shell = command("sh", dir);
    shell.args(["-c", "exec \"$0\" -n -f \"$1\" -i pid 2>said", BONGSU, config]);
    Daemon::spawn(&mut shell)
}

/// What the relay of [`start_aside`] has said so far.
pub(crate) fn said(dir: &Path) -> String {
    fs::read_to_string(dir.join("said")).unwrap_or_default()
}

/// The file that [`start`] hands over.
pub(crate) fn write_config(dir: &Path, config: &str) -> PathBuf {
    let file = dir.join("relay.conf");
    fs::write(&file, config).unwrap();
    file
}

/// A copy of an example in `dir`, with that as its work directory, which has to be there.
pub(crate) fn example(dir: &Path, file: &Path) -> PathBuf {
    let text = fs::read_to_string(file).unwrap();
    write_config(dir, &text.replace("/var/lib/bongsu", dir.to_str().unwrap()))
}

impl Daemon {
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("{command:?} does not start: {e}"));
        let stdout = child.stdout.take().map(collect);
        let stderr = child.stderr.take().map(collect);
        Self { child, stderr, stdout }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// SIGTERM, and what came of it.
    pub(crate) fn stop(self) -> Ended {
        self.signal(Signal::TERM);
        self.ended()
    }

    /// Waits for the end without asking for it.
    pub(crate) fn ended(mut self) -> Ended {
        let ended = wait_for(STOP, || !self.running());
        if !ended {
            self.child.kill().unwrap();
        }
        let status = self.child.wait().unwrap();
        let stderr = self.stderr.take().map_or_else(String::new, |t| t.join().unwrap());
        let stdout = self.stdout.take().map_or_else(String::new, |t| t.join().unwrap());
        assert!(ended, "still running {STOP:?} after it was told to stop; stderr:\n{stderr}");
        Ended { status, stdout, stderr }
    }

    /// Resident memory now, in KiB.
    pub(crate) fn rss_kib(&self) -> u64 {
        self.status_kib("VmRSS:")
    }

    /// The most it ever was, in KiB.
    pub(crate) fn peak_rss_kib(&self) -> u64 {
        self.status_kib("VmHWM:")
    }

    fn status_kib(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|l| l.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Fails only if it has ended already, which is what is wanted.
        if self.child.kill().is_ok() {
            self.child.wait().unwrap();
        }
    }
}

fn collect(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
