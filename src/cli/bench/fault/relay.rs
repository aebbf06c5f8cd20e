//! The relay under test, in a directory of its own: started, signalled, killed, started again.

use std::ffi::OsString;
use std::fs;
use std::fs::File;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Pid;
use rustix::process::Resource;
use rustix::process::Rlimit;
use rustix::process::Signal;
use rustix::process::getrlimit;
use rustix::process::kill_process;
use rustix::process::prlimit;
use tempfile::TempDir;

use crate::base::clock::monotonic;
use crate::cli::bench::error::BenchError;
use crate::cli::bench::fault::cage::Cage;
use crate::cli::bench::time::pause;

/// How long it may take to answer on its port.
const READY: Duration = Duration::from_secs(30);
/// Between two looks at it.
const LOOK: Duration = Duration::from_millis(10);

/// Where one run has its files and ports.
#[derive(Debug)]
pub(super) struct Site {
    folder: TempDir,
    program: OsString,
    /// What the relay finds in its environment besides what is there.
    pub environment: Option<(&'static str, String)>,
    /// Where the relay takes messages.
    pub input: SocketAddr,
}

impl Site {
    pub(super) fn new(program: &OsString) -> Result<Self, BenchError> {
        let folder = tempfile::tempdir()
            .map_err(|error| BenchError::io("cannot make a directory", error))?;
        let program = program.clone();
        Ok(Self { folder, program, environment: None, input: free_address()? })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Whether the relay is rsyslogd, which lacks what only Bongsu can be asked.
    pub(super) fn is_rsyslogd(&self) -> bool {
        Path::new(&self.program).file_name().is_some_and(|name| name == "rsyslogd")
    }

    /// Writes the configuration.
    pub(super) fn configure(&self, config: &str) -> Result<(), BenchError> {
        let path = self.path("relay.conf");
        fs::write(&path, config).map_err(|error| BenchError::io(path.display(), error))
    }

    /// Starts the relay and waits until it takes connections.
    pub(super) fn start(&self) -> Result<Relay, BenchError> {
        self.start_in(None)
    }

    /// As [`Site::start`], with no more memory than `cage` has.
    pub(super) fn start_in(&self, cage: Option<&Cage>) -> Result<Relay, BenchError> {
        let mut relay = self.spawn(cage)?;
        let until = monotonic() + READY;
        while TcpStream::connect_timeout(&self.input, LOOK * 20).is_err() {
            if relay.has_ended()? || monotonic() > until {
                let said = self.said();
                let text = format!("the relay does not answer on {}: {said}", self.input);
                return Err(BenchError::Relay(text));
            }
            pause(LOOK);
        }
        Ok(relay)
    }

    /// Starts the relay and does not wait for it.
    pub(super) fn launch(&self) -> Result<Relay, BenchError> {
        self.spawn(None)
    }

    fn spawn(&self, cage: Option<&Cage>) -> Result<Relay, BenchError> {
        let said = self.path("said");
        let output = File::options().create(true).append(true).open(&said);
        let output = output.map_err(|error| BenchError::io(said.display(), error))?;
        let mut command =
            cage.map_or_else(|| Command::new(&self.program), |cage| cage.command(&self.program));
        command.arg("-n").arg("-f").arg(self.path("relay.conf")).arg("-i").arg(self.path("pid"));
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(output);
        let child = command.spawn();
        let child = child.map_err(|error| BenchError::io(self.program.display(), error))?;
        Ok(Relay { child })
    }

    /// What it said on standard error, over all its lives.
    pub(super) fn said(&self) -> String {
        let said = fs::read(self.path("said")).unwrap_or_default();
        String::from_utf8_lossy(&said).into_owned()
    }
}

/// An address of this host that nobody listens on.
pub(super) fn free_address() -> Result<SocketAddr, BenchError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let address = listener.and_then(|listener| listener.local_addr());
    address.map_err(|error| BenchError::io("no free port", error))
}

/// One life of the relay; killed when dropped.
#[derive(Debug)]
pub(super) struct Relay {
    child: Child,
}

impl Relay {
    pub(super) fn has_ended(&mut self) -> Result<bool, BenchError> {
        let ended = self.child.try_wait();
        ended.map(|status| status.is_some()).map_err(|error| BenchError::io("cannot wait", error))
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn signal(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // Fails for one that has just ended.
            kill_process(pid, signal).unwrap_or_default();
        }
    }

    /// The most that a file of its may have from now on, bytes; `None` lifts it.
    pub(super) fn limit_files(&self, bytes: Option<u64>) -> Result<(), BenchError> {
        let wrong = |error| BenchError::io("cannot limit the relay's files", error);
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let maximum = getrlimit(Resource::Fsize).maximum;
        let limit = Rlimit { current: bytes.or(maximum), maximum };
        prlimit(id, Resource::Fsize, limit).map(drop).map_err(|error| wrong(error.into()))
    }

    /// SIGKILL: what it had only in memory is gone.
    pub(super) fn kill(mut self) -> Result<(), BenchError> {
        self.end().map_err(|error| BenchError::io("cannot end the relay", error))
    }

    fn end(&mut self) -> std::io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// SIGTERM. How long it took to end; `None`, and it is killed, if that was more than `limit`.
    pub(super) fn stop(mut self, limit: Duration) -> Result<Option<Duration>, BenchError> {
        let began = monotonic();
        self.signal(Signal::TERM);
        while !self.has_ended()? {
            if began.elapsed() > limit {
                return Ok(None);
            }
            pause(LOOK);
        }
        Ok(Some(began.elapsed()))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if !self.has_ended().unwrap_or(true) {
            self.end().unwrap_or_default();
        }
    }
}

/// A file system in memory with little room; gone when dropped.
#[derive(Debug)]
pub(super) struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Mounts it at `folder`, which is made, with room for `bytes`; `None` for who must not.
    pub(super) fn mount(folder: &Path, bytes: u64) -> Result<Option<Self>, BenchError> {
        fs::create_dir(folder).map_err(|error| BenchError::io(folder.display(), error))?;
        Ok(tmpfs("size", bytes, folder).then(|| Self { folder: folder.to_owned() }))
    }

    /// Makes room for `bytes` instead.
    pub(super) fn resize(&self, bytes: u64) -> Result<(), BenchError> {
        if tmpfs("remount,size", bytes, &self.folder) {
            return Ok(());
        }
        Err(BenchError::Relay("cannot change the size of the small disk".to_owned()))
    }
}

/// mount(8) of a file system in memory; false if it did not.
fn tmpfs(how: &str, bytes: u64, folder: &Path) -> bool {
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", &format!("{how}={bytes}"), "tmpfs"]).arg(folder);
    mount.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the relay may be on its way out.
        let unmounted = Command::new("umount").arg("-l").arg(&self.folder).status();
        unmounted.map(drop).unwrap_or_default();
    }
}
