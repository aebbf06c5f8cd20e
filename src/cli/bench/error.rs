//! What keeps a bench from running.

use std::fmt;
use std::io;

/// A run that could not be made; a relay that lost messages is a result, not an error.
#[derive(Debug)]
pub(super) enum BenchError {
    /// The arguments do not go together.
    Usage(String),
    /// A socket, a file or a process.
    Io { what: String, source: io::Error },
    /// The relay under test did not play its part.
    Relay(String),
}

impl BenchError {
    /// `source`, with what was being done.
    pub(super) fn io(what: impl fmt::Display, source: io::Error) -> Self {
        Self::Io { what: what.to_string(), source }
    }
}

impl fmt::Display for BenchError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Relay(text) => to.write_str(text),
            Self::Io { what, source } => write!(to, "{what}: {source}"),
        }
    }
}

impl std::error::Error for BenchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Usage(_) | Self::Relay(_) => None,
        }
    }
}
