//! `omusrmsg`: the terminals of users who are logged in.
//!
//! A terminal that takes nothing (it was stopped with Ctrl-S, nobody reads the pty) is left out
//! after a moment: this action never fails, and never waits for a person.

mod logins;
mod terminal;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::num::count;
use crate::base::reporter::Level;
use crate::config::module::Availability;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::config::param::Kind;
use crate::config::param::Params;
use crate::config::param::Spec;
use crate::output::OutputStats;
use crate::output::Task;
use crate::output::blocking::on_thread;
use crate::output::common::Common;
use crate::output::task::Health;
use crate::output::task::Pending;

pub const NAME: &str = "omusrmsg";

/// What it takes.
pub static MODULE: Module = Module {
    name: NAME,
    role: Role::Output,
    doc: "Writes to the terminals of users who are logged in.",
    availability: Availability::Ready,
    module: &[],
    instance: &[PARAMS],
};

static PARAMS: &[Spec] =
    &[Spec::new("users", Kind::Str, "", "Names of users, separated by commas; * is everybody.")
        .required()];

/// rsyslog's defaults for omusrmsg: for everybody, and for named users. The space in front of the
/// names keeps them out of reach of configurations.
const WALL_TEMPLATE: &str = " WallFmt";
const USER_TEMPLATE: &str = " StdUsrMsgFmt";

/// Where glibc keeps who is logged in (utmp(5)), and where systemd-logind does.
const UTMP: &str = "/var/run/utmp";
const SESSIONS: &str = "/run/systemd/sessions";

/// An omusrmsg action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSpec {
    pub common: Common,
    /// The template, or the default of its kind.
    pub template: String,
    pub users: Users,
}

/// Who is written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Users {
    All,
    Named(BTreeSet<String>),
}

impl Users {
    /// `*`, or names between commas. As in rsyslog a star among names is a name.
    fn parse(text: &str) -> Self {
        if text.trim() == "*" {
            return Self::All;
        }
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        Self::Named(names.map(str::to_owned).collect())
    }

    fn include(&self, user: &[u8]) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.iter().any(|name| name.as_bytes() == user),
        }
    }
}

impl fmt::Display for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Named(names) => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                f.write_str(&names.join(","))
            }
        }
    }
}

impl UserSpec {
    /// Reads checked parameters; `None` (complained of) if there is nobody to write to.
    pub fn compile(params: &Params, diags: &mut Diagnostics) -> Option<Self> {
        let mut common = Common::compile(params, diags)?;
        let users = Users::parse(params.str("users").unwrap_or_default());
        let usual = match &users {
            Users::All => WALL_TEMPLATE,
            Users::Named(names) if names.is_empty() => {
                let text = "no user to write to";
                let help = "name users: users=\"root,operator\", or everybody: users=\"*\"";
                diags.push(Diagnostic::error(params.loc("users"), text).help(help));
                return None;
            }
            Users::Named(_) => USER_TEMPLATE,
        };
        let template = common.template.take().unwrap_or_else(|| usual.to_owned());
        Some(Self { common, template, users })
    }
}

/// What the writing thread works with.
struct Desk {
    users: Users,
    utmp: PathBuf,
    sessions: PathBuf,
    stats: Arc<OutputStats>,
    pending: Pending,
    /// That nobody can be found has been said.
    complained: bool,
}

impl Desk {
    fn new(users: Users, stats: Arc<OutputStats>) -> Self {
        let pending = Pending::default();
        Self {
            users,
            utmp: UTMP.into(),
            sessions: SESSIONS.into(),
            stats,
            pending,
            complained: false,
        }
    }

    /// Writes what is pending to whoever is logged in now; a complaint, if there is one.
    fn write(&mut self) -> Option<String> {
        let found = logins::find(&self.utmp, &self.sessions);
        let complaint = found.as_ref().err().map(|why| format!("finds no terminals: {why}"));
        let news = complaint.is_some() && !self.complained;
        self.complained = complaint.is_some();
        let logins = found.unwrap_or_default();
        let lines: BTreeSet<&Path> = logins
            .iter()
            .filter(|login| self.users.include(&login.user))
            .map(|login| login.line.as_path())
            .collect();
        let chunks: Vec<&[u8]> =
            self.pending.chunks.iter().map(|chunk| chunk.bytes.as_slice()).collect();
        for line in lines {
            match terminal::write(line, &chunks) {
                Ok(terminal::Wrote::All) => self.stats.opened.add(1),
                Ok(terminal::Wrote::Part) => self.stats.terminals_skipped.add(1),
                // A login that is over, or somebody else's terminal.
                Err(_) => self.stats.failures.add(1),
            }
        }
        while let Some(chunk) = self.pending.chunks.pop_front() {
            self.stats.delivered.add(count(chunk.len()));
            self.stats.bytes.add(count(chunk.bytes.len()));
            self.pending.chunks.done(chunk);
        }
        complaint.filter(|_| news)
    }
}

/// Writes to terminals until nothing will come any more.
pub(super) async fn run(spec: UserSpec, task: Task) {
    let desk = Desk::new(spec.users, task.stats.clone());
    run_with(desk, &Health::new(&task, &spec.common), &task).await;
}

async fn run_with(desk: Desk, health: &Health, task: &Task) {
    let mut desk = Box::new(desk);
    while task.queue.take(&mut desk.pending.chunks).await {
        let Some((back, complaint)) = on_thread(desk, |desk| desk.write()).await else { return };
        desk = back;
        if let Some(complaint) = complaint {
            health.say(Level::Notice, &complaint);
        }
    }
}
