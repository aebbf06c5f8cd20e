//! `action.errorFile`: what an action gave up, as rsyslogd writes it. A line is
//! `{ "action": "NAME", "status": -2007, "template0": "…" }`.

use std::fs::File;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::base::num::count;
use crate::base::reporter::Level;
use crate::base::reporter::Reporter;
use crate::message::json;
use crate::queue::Chunk;
use crate::queue::FrameStyle;

/// rsyslogd's number for an action that is suspended. (Of the messages that come while it is,
/// rsyslogd writes 0.)
const SUSPENDED: i32 = -2007;

/// Where the messages go that an action gives up.
#[derive(Debug)]
pub struct ErrorFile {
    path: PathBuf,
    /// Bytes that it grows to.
    bytes_max: Option<u64>,
    action: Arc<str>,
    framing: FrameStyle,
    reporter: Arc<dyn Reporter>,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    file: Option<File>,
    /// That it cannot be written has been said.
    complained: bool,
}

impl ErrorFile {
    #[must_use]
    pub fn new(
        path: PathBuf,
        bytes_max: Option<u64>,
        action: Arc<str>,
        framing: FrameStyle,
        reporter: Arc<dyn Reporter>,
    ) -> Self {
        Self { path, bytes_max, action, framing, reporter, open: Mutex::default() }
    }

    /// Appends the messages of `chunk`; those that the file has no room for are left out.
    pub(super) fn write(&self, chunk: &Chunk) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = self.append(chunk, &mut open)
            && !std::mem::replace(&mut open.complained, true)
        {
            let (action, path) = (&self.action, self.path.display());
            let text = format!("action '{action}': cannot write errorFile {path}: {error}");
            self.reporter.say(Level::Error, text);
        }
    }

    fn append(&self, chunk: &Chunk, open: &mut Open) -> std::io::Result<()> {
        let file = match &mut open.file {
            Some(file) => file,
            None => {
                let mut options = OpenOptions::new();
                let file = options.append(true).create(true).mode(0o600).open(&self.path)?;
                open.file.insert(file)
            }
        };
        let room = match self.bytes_max {
            Some(max) => max.saturating_sub(file.metadata()?.len()),
            None => u64::MAX,
        };
        let mut lines = Vec::new();
        let mut start = 0;
        for end in &chunk.ends {
            let end = *end as usize;
            let before = lines.len();
            self.line(&chunk.bytes[start..end], &mut lines);
            start = end;
            if count(lines.len()) > room {
                lines.truncate(before);
                break;
            }
        }
        file.write_all(&lines)
    }

    fn line(&self, framed: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(b"{ \"action\": \"");
        json::escape(self.action.as_bytes(), out);
        out.extend_from_slice(format!("\", \"status\": {SUSPENDED}, \"template0\": \"").as_bytes());
        json::escape(unframed(framed, self.framing), out);
        out.extend_from_slice(b"\" }\n");
    }
}

/// What the template made, without what tells messages apart in a stream. (A delimiter that the
/// template wrote itself looks the same.)
fn unframed(framed: &[u8], style: FrameStyle) -> &[u8] {
    match style {
        FrameStyle::None => framed,
        FrameStyle::Traditional(_) if uncounted(framed).starts_with(b"z") => uncounted(framed),
        FrameStyle::Delimiter(delimiter) | FrameStyle::Traditional(delimiter) => {
            framed.strip_suffix(&[delimiter]).unwrap_or(framed)
        }
        FrameStyle::OctetCounted => uncounted(framed),
        FrameStyle::Relp => {
            let data = framed.splitn(4, |byte| *byte == b' ').nth(3).unwrap_or_default();
            data.strip_suffix(b"\n").unwrap_or(data)
        }
    }
}

/// What stands behind a length and a space.
fn uncounted(framed: &[u8]) -> &[u8] {
    let digits = framed.iter().take_while(|byte| byte.is_ascii_digit()).count();
    framed.get(digits + 1..).unwrap_or(framed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::reporter::Said;
    use crate::output::testing::chunk;

    #[test]
    fn a_line_a_message_up_to_the_size_that_was_asked_for() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("errors");
        let said = Arc::new(Said::default());
        let file = |most, style| {
            ErrorFile::new(path.clone(), most, "to \"b\"".into(), style, said.clone())
        };
        file(None, FrameStyle::OctetCounted).write(&chunk(&["4 a/bc", "2 x\n"]));
        let lines = "{ \"action\": \"to \\\"b\\\"\", \"status\": -2007, \"template0\": \"a\\/bc\" }\n\
                     { \"action\": \"to \\\"b\\\"\", \"status\": -2007, \"template0\": \"x\\n\" }\n";
        assert_eq!(std::fs::read_to_string(&path).unwrap(), lines);
        let most = lines.len() as u64 + 70;
        file(Some(most), FrameStyle::Delimiter(b'\n')).write(&chunk(&["y\n", "z\n"]));
        let written = std::fs::read_to_string(&path).unwrap();
        assert!(written.ends_with("\"template0\": \"y\" }\n"), "{written}");
        assert!(said.0.lock().unwrap().is_empty());
    }

    #[test]
    fn what_cannot_be_written_is_said_once() {
        let said = Arc::new(Said::default());
        let path = PathBuf::from("/nonexistent/errors");
        let file = ErrorFile::new(path, None, "a".into(), FrameStyle::None, said.clone());
        file.write(&chunk(&["a"]));
        file.write(&chunk(&["b"]));
        assert_eq!(said.0.lock().unwrap().len(), 1);
    }
}
