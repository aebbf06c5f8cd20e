//! What the kernel knows of a process that logs, and the process cannot make up ("trusted
//! properties").

use std::fs;
use std::fs::File;
use std::io::Read as _;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;

use crate::message::json::Object;
use crate::message::json::Value;
use crate::net::unix::Credentials;

/// Bytes of one property, as rsyslogd cuts them.
const PROPERTY_BYTES_MAX: u64 = 1023;

/// Room for an annotation: three properties, one of them with each byte escaped, and numbers.
pub(super) const TEXT_BYTES_MAX: usize = 4608;

/// A process, as far as `/proc` shows it: it may have ended since.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) id: Credentials,
    /// What it is called.
    name: Option<Vec<u8>>,
    program: Option<Vec<u8>>,
    /// Its arguments, each with a space behind it.
    command: Option<Vec<u8>>,
}

impl Process {
    pub(super) fn look_up(id: Credentials) -> Self {
        let program = fs::read_link(format!("/proc/{}/exe", id.pid));
        Self {
            id,
            name: property(id.pid, "comm"),
            program: program.ok().map(|path| line(path.as_os_str().as_bytes().to_vec())),
            command: property(id.pid, "cmdline"),
        }
    }

    /// Writes it behind a message's text.
    pub(super) fn annotate(&self, out: &mut Vec<u8>) {
        let Credentials { pid, uid, gid } = self.id;
        // Writing into a vector does not fail.
        _ = write!(out, " @[_PID={pid} _UID={uid} _GID={gid}");
        if let Some(name) = &self.name {
            out.extend_from_slice(b" _COMM=");
            out.extend_from_slice(name);
        }
        if let Some(program) = &self.program {
            out.extend_from_slice(b" _EXE=");
            out.extend_from_slice(program);
        }
        if let Some(command) = &self.command {
            out.extend_from_slice(b" _CMDLINE=\"");
            for byte in command {
                if matches!(byte, b'"' | b'\\') {
                    out.push(b'\\');
                }
                out.push(*byte);
            }
            out.push(b'"');
        }
        out.push(b']');
    }

    /// As `$!`.
    pub(super) fn variables(&self) -> Value {
        let Credentials { pid, uid, gid } = self.id;
        let mut all = Object::default();
        for (name, number) in [(&b"pid"[..], pid), (b"uid", uid), (b"gid", gid)] {
            // As rsyslogd, which takes them for C's `int`.
            all.push(name, Value::Int(i64::from(number.cast_signed())));
        }
        let texts =
            [(&b"appname"[..], &self.name), (b"exe", &self.program), (b"cmd", &self.command)];
        for (name, text) in texts {
            if let Some(text) = text {
                all.push(name, Value::text(text));
            }
        }
        Value::Object(all)
    }
}

/// The first word of a process's command line.
pub(super) fn first_argument(pid: u32) -> Option<String> {
    let command = property(pid, "cmdline")?;
    let first = command.split(|byte| *byte == b' ').next()?;
    Some(String::from_utf8_lossy(first).into_owned())
}

fn property(pid: u32, name: &str) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    let file = File::open(format!("/proc/{pid}/{name}")).ok()?;
    file.take(PROPERTY_BYTES_MAX).read_to_end(&mut text).ok()?;
    Some(line(text))
}

/// The first line, with spaces where C's strings end.
fn line(mut text: Vec<u8>) -> Vec<u8> {
    let end = memchr::memchr(b'\n', &text).unwrap_or(text.len());
    text.truncate(end);
    text.iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = b' ');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::json;
    use crate::message::json::Style;

    #[test]
    fn annotations_escape_the_command_alone() {
        let process = Process {
            id: Credentials { pid: 7, uid: 0, gid: u32::MAX },
            name: Some(line(b"a b\"c\\d\n".to_vec())),
            program: Some(line(b"/bin/a \"b".to_vec())),
            command: Some(line(b"a\0\"q\\\0x\ny\0".to_vec())),
        };
        let mut text = b"m".to_vec();
        process.annotate(&mut text);
        let wanted = "m @[_PID=7 _UID=0 _GID=4294967295 _COMM=a b\"c\\d _EXE=/bin/a \"b \
             _CMDLINE=\"a \\\"q\\\\ x\"]";
        assert_eq!(String::from_utf8_lossy(&text), wanted);
        let mut printed = Vec::new();
        json::print(&process.variables(), Style::Spaced, &mut printed);
        let wanted = r#"{ "pid": 7, "uid": 0, "gid": -1, "appname": "a b\"c\\d", "exe": "\/bin\/a \"b", "cmd": "a \"q\\ x" }"#;
        assert_eq!(String::from_utf8_lossy(&printed), wanted);
    }

    #[test]
    fn of_a_process_that_is_gone_the_numbers_are_known() {
        // Larger than any process id.
        let id = Credentials { pid: u32::MAX, uid: 1, gid: 2 };
        let mut text = Vec::new();
        Process::look_up(id).annotate(&mut text);
        assert_eq!(text, b" @[_PID=4294967295 _UID=1 _GID=2]");
    }

    #[test]
    fn this_process_is_known() {
        let id = Credentials { pid: std::process::id(), uid: 0, gid: 0 };
        let process = Process::look_up(id);
        let program = std::env::current_exe().unwrap();
        assert_eq!(process.program.unwrap(), program.as_os_str().as_bytes());
        let first = first_argument(id.pid).unwrap();
        assert!(process.command.unwrap().starts_with(first.as_bytes()), "{first}");
    }
}
