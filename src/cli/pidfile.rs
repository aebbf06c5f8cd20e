//! The pid file: the number alone, one process at a time, gone after a clean end.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

/// A pid file that is ours; removed when dropped.
#[derive(Debug)]
pub(super) struct PidFile {
    path: PathBuf,
}

impl PidFile {
    /// Writes our process id to `path`.
    ///
    /// # Errors
    /// `AlreadyExists` if the file names a process that lives; else what writing said.
    pub(super) fn take(path: &Path) -> io::Result<Self> {
        if let Ok(text) = fs::read_to_string(path)
            && let Ok(pid) = text.trim().parse::<u32>()
            && pid != std::process::id()
            && Path::new("/proc").join(pid.to_string()).exists()
        {
            let text = format!("process {pid} runs already with pid file {}", path.display());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
        }
        // In one step, so that nobody reads half a number.
        let mut fresh = path.as_os_str().to_owned();
        fresh.push(".tmp");
        fs::write(&fresh, std::process::id().to_string())?;
        fs::rename(&fresh, path)?;
        // The working directory may change until the end.
        Ok(Self { path: std::path::absolute(path)? })
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // Only if it is still ours; if it cannot be removed there is nobody left to tell.
        let ours = std::process::id().to_string();
        if fs::read_to_string(&self.path).is_ok_and(|text| text.trim() == ours)
            && fs::remove_file(&self.path).is_err()
        {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_the_number_and_goes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.pid");
        let file = PidFile::take(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), std::process::id().to_string());
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn a_living_owner_is_respected_and_a_dead_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.pid");
        fs::write(&path, "1\n").unwrap();
        assert_eq!(PidFile::take(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        fs::write(&path, "4194305").unwrap();
        assert!(PidFile::take(&path).is_ok());
    }
}
