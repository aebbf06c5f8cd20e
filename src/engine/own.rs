//! The relay's own messages: to the terminal, and through the rules.

use tokio::sync::mpsc;

use crate::base::reporter::Level;
use crate::base::reporter::Reporter;

/// Own messages that may wait for the internal input; further ones reach the terminal alone.
const WAITING: usize = 256;

/// Where own messages go.
#[derive(Debug)]
pub struct Own {
    program: &'static str,
    terminal: bool,
    rules: Option<mpsc::Sender<(Level, String)>>,
}

impl Own {
    /// `program` is the tag; `terminal` writes to standard error as well.
    #[must_use]
    pub fn new(
        program: &'static str,
        terminal: bool,
        through_rules: bool,
    ) -> (Self, Option<mpsc::Receiver<(Level, String)>>) {
        let (tx, rx) = mpsc::channel(WAITING);
        let (rules, messages) = if through_rules { (Some(tx), Some(rx)) } else { (None, None) };
        (Self { program, terminal, rules }, messages)
    }
}

/// How a message about the whole process begins (rsyslog's form).
#[must_use]
pub fn origin(program: &str) -> String {
    let (version, pid) = (env!("CARGO_PKG_VERSION"), std::process::id());
    format!("[origin software=\"{program}\" swVersion=\"{version}\" x-pid=\"{pid}\"]")
}

impl Reporter for Own {
    #[expect(clippy::print_stderr, reason = "standard error is where a daemon's operator looks")]
    fn say(&self, level: Level, text: String) {
        if self.terminal {
            eprintln!("{}: {text}", self.program);
        }
        if let Some(rules) = &self.rules
            && rules.try_send((level, text)).is_err()
        {
            // Full or closing: the terminal has it, and own messages must never hold anything up.
        }
    }
}
