//! What is written on standard output.

use std::io;
use std::io::IsTerminal;
use std::io::Write as _;

/// Whether `stream` shows colours: it is a terminal, and nobody asked for none
/// (<https://no-color.org>).
pub(super) fn has_colors(stream: &impl IsTerminal) -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    stream.is_terminal() && !unwanted
}

/// Writes `text`. A reader that has gone, as `head` does, is no failure.
pub(super) fn write(text: &str) {
    let mut out = io::stdout().lock();
    _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
