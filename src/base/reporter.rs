//! How a running part of the program says something about itself. The engine decides where it
//! goes: standard error, the journal, the rules as a message of its own.

/// RFC 3164 severities that the program uses of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Error,
    Warning,
    Notice,
    Info,
}

impl Level {
    /// The severity as a number (RFC 3164 §4.1.1).
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Error => 3,
            Self::Warning => 4,
            Self::Notice => 5,
            Self::Info => 6,
        }
    }
}

/// Takes what a part has to say: changes of state, never anything that one message causes.
pub trait Reporter: std::fmt::Debug + Send + Sync {
    /// `text` is one sentence, without a full stop and without the program's name.
    fn say(&self, level: Level, text: String);
}

/// Remembers what was said, for tests.
#[cfg(test)]
#[derive(Debug, Default)]
pub(crate) struct Said(pub(crate) std::sync::Mutex<Vec<String>>);

#[cfg(test)]
impl Reporter for Said {
    fn say(&self, _: Level, text: String) {
        self.0.lock().unwrap().push(text);
    }
}
