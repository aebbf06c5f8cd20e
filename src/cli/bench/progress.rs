//! A line on the terminal that tells how a run goes.
#![expect(clippy::print_stderr, reason = "a progress line is for whoever watches")]

use std::io::IsTerminal;
use std::io::Write;
use std::time::Duration;
use std::time::Instant;

use crate::base::clock::monotonic;

/// Between two renewals.
const EVERY: Duration = Duration::from_millis(200);

/// The line; nothing when standard error is not a terminal.
#[derive(Debug)]
pub(super) struct Progress {
    live: bool,
    shown: Option<Instant>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { live: std::io::stderr().is_terminal(), shown: None }
    }

    /// Renews the line when it is time to.
    pub(super) fn show(&mut self, line: impl FnOnce() -> String) {
        let now = monotonic();
        if self.live && self.shown.is_none_or(|shown| now >= shown + EVERY) {
            self.shown = Some(now);
            eprint!("\r\x1b[K{}", line());
            // It is only a progress line.
            std::io::stderr().flush().unwrap_or_default();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.is_some() {
            eprint!("\r\x1b[K");
        }
    }
}
