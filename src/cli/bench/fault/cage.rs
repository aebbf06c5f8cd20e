//! A bound on a process's memory: a control group, of either version (cgroups(7)).

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::cli::bench::time::pause;

/// Where the hierarchy of each version is mounted: of version 1 the one of memory, of version 2
/// the only one, and the file that says how much.
const HIERARCHIES: [(&str, &str); 2] =
    [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")];
/// Puts the shell into the group that the first argument names, and makes it the rest of them.
const ENTER: &str = r#"echo $$ >"$0/cgroup.procs" && exec "$@""#;

/// A control group; gone when dropped.
#[derive(Debug)]
pub(super) struct Cage {
    folder: PathBuf,
}

impl Cage {
    /// A group whose processes may have `bytes` of memory together, what the kernel keeps of files
    /// for them included; `None` for who must not make one, or where none can be bounded.
    pub(super) fn new(bytes: u64) -> Option<Self> {
        HIERARCHIES.iter().find_map(|(root, limit)| Self::below(Path::new(root), limit, bytes))
    }

    fn below(root: &Path, limit: &str, bytes: u64) -> Option<Self> {
        let folder = root.join(format!("bongsu-bench-{}", std::process::id()));
        fs::create_dir(&folder).ok()?;
        let cage = Self { folder };
        // Of a hierarchy without memory, the file is missing.
        fs::write(cage.folder.join(limit), bytes.to_string()).ok()?;
        Some(cage)
    }

    /// A command that runs `program` in it.
    pub(super) fn command(&self, program: &OsStr) -> Command {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(ENTER).arg(&self.folder).arg(program);
        command
    }

    /// Processes that the kernel has killed for their memory; `None` where it does not say.
    pub(super) fn killed(&self) -> Option<u64> {
        ["memory.oom_control", "memory.events"].iter().find_map(|file| {
            let text = fs::read_to_string(self.folder.join(file)).ok()?;
            text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.parse().ok())
        })
    }
}

impl Drop for Cage {
    fn drop(&mut self) {
        // A process that was killed leaves it a moment later.
        for _ in 0..50 {
            if fs::remove_dir(&self.folder).is_ok() {
                return;
            }
            pause(Duration::from_millis(20));
        }
    }
}
