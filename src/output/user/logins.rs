//! Who is logged in, and where: utmp(5), or the sessions of systemd-logind where there is no such
//! file. Both are read anew each time: messages for terminals are rare, and people come and go.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Read;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

use libc::utmpx;

/// Logins that are looked at; what stands behind them is left out.
const LOGINS_MAX: usize = 4096;
/// Bytes of a session's file; real ones have some hundred.
const SESSION_BYTES_MAX: u64 = 64 << 10;

/// Where the fields of a record are. These are the same wherever Linux runs; only the length of a
/// record is not.
const TYPE: usize = 0;
const LINE: std::ops::Range<usize> = 8..40;
const USER: std::ops::Range<usize> = 44..76;
const RECORD: usize = size_of::<utmpx>();

/// A user at a terminal.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) user: Vec<u8>,
    /// The terminal's path.
    pub(super) line: PathBuf,
}

/// Who is logged in. Where neither place exists, that is an error.
pub(super) fn find(utmp: &Path, sessions: &Path) -> io::Result<Vec<Login>> {
    match File::open(utmp) {
        Ok(file) => {
            let mut bytes = Vec::new();
            let most = u64::try_from(LOGINS_MAX * RECORD).unwrap_or(u64::MAX);
            file.take(most).read_to_end(&mut bytes)?;
            Ok(records(&bytes).collect())
        }
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => {
            of_sessions(sessions).map_err(|_| {
                let text = format!("neither {} nor {}", utmp.display(), sessions.display());
                io::Error::new(io::ErrorKind::NotFound, format!("{text} is there"))
            })
        }
        Err(e) => Err(io::Error::new(e.kind(), format!("{}: {e}", utmp.display()))),
    }
}

/// The users in a utmp file. A record that is cut off is none.
fn records(bytes: &[u8]) -> impl Iterator<Item = Login> {
    bytes.chunks_exact(RECORD).filter_map(|record| {
        // A short in the machine's own order, padded.
        if record[TYPE..TYPE + 2] != user_process() {
            return None;
        }
        let line = std::str::from_utf8(text(&record[LINE])).ok()?;
        Some(Login { user: text(&record[USER]).to_vec(), line: device(line)? })
    })
}

/// The type of a user's process, as it stands in a record.
const fn user_process() -> [u8; 2] {
    if cfg!(target_endian = "big") {
        libc::USER_PROCESS.to_be_bytes()
    } else {
        libc::USER_PROCESS.to_le_bytes()
    }
}

/// Up to the first NUL; a name that fills its field has none.
fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// The path of terminal `line` (`tty1`, `pts/0`). It never leads out of `/dev`.
fn device(line: &str) -> Option<PathBuf> {
    let line = Path::new(line.strip_prefix("/dev/").unwrap_or(line));
    let plain = line.components().all(|part| matches!(part, Component::Normal(_)));
    (plain && !line.as_os_str().is_empty()).then(|| Path::new("/dev").join(line))
}

/// The sessions of systemd-logind: a file each, with lines `USER=` and `TTY=`, as sd-login(3)
/// reads them.
fn of_sessions(folder: &Path) -> io::Result<Vec<Login>> {
    let mut logins = Vec::new();
    for entry in fs::read_dir(folder)?.take(LOGINS_MAX) {
        let path = entry?.path();
        let mut session = String::new();
        // One that has ended meanwhile, or the `.ref` beside it, which is a FIFO.
        let is_file = fs::symlink_metadata(&path).is_ok_and(|found| found.is_file());
        let read =
            |text: &mut String| File::open(&path)?.take(SESSION_BYTES_MAX).read_to_string(text);
        if is_file && read(&mut session).is_ok() {
            logins.extend(of_session(&session));
        }
    }
    Ok(logins)
}

fn of_session(text: &str) -> Option<Login> {
    let value = |name: &str| {
        let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        found.map(str::trim).filter(|value| !value.is_empty())
    };
    let ended = value("STATE") == Some("closing");
    let line = value("TTY").filter(|_| !ended)?;
    Some(Login { user: value("USER")?.as_bytes().to_vec(), line: device(line)? })
}

#[cfg(test)]
pub(super) fn record(kind: u8, line: &str, user: &str) -> Vec<u8> {
    let mut record = vec![0; RECORD];
    // All types fit into a byte: 7 is a user's process.
    record[..2].copy_from_slice(&user_process().map(|byte| if byte == 7 { kind } else { 0 }));
    record[LINE][..line.len()].copy_from_slice(line.as_bytes());
    record[USER][..user.len()].copy_from_slice(user.as_bytes());
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(user: &str, line: &str) -> Login {
        Login { user: user.into(), line: line.into() }
    }

    #[test]
    fn users_processes_alone_and_never_outside_of_dev() {
        let long = "u".repeat(32);
        let utmp = [
            record(7, "pts/0", "mary"),
            record(8, "pts/0", "ended"),
            record(2, "~", "reboot"),
            record(7, "../etc/passwd", "root"),
            record(7, "", "root"),
            record(7, "tty1", &long),
            record(7, "pts/1", "cut off")[..RECORD - 1].to_vec(),
        ]
        .concat();
        let found: Vec<_> = records(&utmp).collect();
        assert_eq!(found, [login("mary", "/dev/pts/0"), login(&long, "/dev/tty1")]);
        assert_eq!(records(&[7; 3 * RECORD]).count(), 0, "no type is 0x0707");
    }

    #[test]
    fn sessions_of_logind_where_there_is_no_utmp() {
        let dir = tempfile::tempdir().unwrap();
        let (utmp, sessions) = (dir.path().join("utmp"), dir.path().join("sessions"));
        assert!(find(&utmp, &sessions).unwrap_err().to_string().contains("neither"));
        fs::create_dir(&sessions).unwrap();
        assert_eq!(find(&utmp, &sessions).unwrap(), []);
        for (name, text) in [
            (
                "1",
                "# This is private data. Do not parse.\nUID=0\nUSER=root\nTTY=tty1\nSTATE=online\n",
            ),
            ("2", "USER=mary\nSTATE=active\n"),
            ("3", "USER=mary\nTTY=/dev/pts/3\n"),
            ("4", "USER=mary\nTTY=pts/4\nSTATE=closing\n"),
            ("5", "\0\u{ff}USER\nTTY=\nUSER="),
        ] {
            fs::write(sessions.join(name), text).unwrap();
        }
        let mut found = find(&utmp, &sessions).unwrap();
        found.sort_by(|a, b| a.line.cmp(&b.line));
        assert_eq!(found, [login("mary", "/dev/pts/3"), login("root", "/dev/tty1")]);
        // With a utmp file, that alone counts.
        fs::write(&utmp, record(7, "pts/9", "eve")).unwrap();
        assert_eq!(find(&utmp, &sessions).unwrap(), [login("eve", "/dev/pts/9")]);
    }
}
