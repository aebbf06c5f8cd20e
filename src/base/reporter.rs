//! The relay's own messages: state changes and complaints at run time, never per message.

use std::fmt;

/// Severity of an own message (RFC 5424 §6.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    Err = 3,
    Warning = 4,
    Notice = 5,
    Info = 6,
}

/// Takes own messages; the engine routes them to the terminal and through the rules.
pub trait Reporter: fmt::Debug + Send + Sync {
    fn say(&self, level: Level, text: String);
}

/// Keeps them to itself; for tests and tools.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Reporter for Silent {
    fn say(&self, _: Level, _: String) {}
}
