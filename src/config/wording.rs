//! What is said in more than one parameter table.

/// Of settings that only mean something once a connection is encrypted.
pub const TLS: &str = "it matters to TLS alone, which comes with a later version";

/// Of an action whose module or parameter is not built yet.
pub const LEFT_OUT: &str = "the action is left out meanwhile";

/// Of what rsyslog does with its worker threads and we do with one task.
pub const ONE_TASK: &str = "one task serves the action's queue";
