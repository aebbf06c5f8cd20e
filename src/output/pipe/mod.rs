//! `ompipe`: named pipes, `|/dev/xconsole`.
//!
//! A pipe that nobody reads is an ordinary thing, and not a fault: where the configuration does
//! not say otherwise (`action.resumeRetryCount`), what it has no room for is dropped and counted,
//! as rsyslogd does it, and no input waits. A message of up to 4096 bytes (`PIPE_BUF`) is written
//! whole or not at all, whoever else writes; of a longer one that was begun the rest goes first.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::unix::pipe;
use tokio::net::unix::pipe::Sender;
use tokio::time::timeout;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::config::module::Availability;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::config::param::Kind;
use crate::config::param::Params;
use crate::config::param::Spec;
use crate::output::Defaults;
use crate::output::Task;
use crate::output::common::Common;
use crate::output::task::Health;
use crate::output::task::Pending;

pub const NAME: &str = "ompipe";

/// What it takes.
pub static MODULE: Module = Module {
    name: NAME,
    role: Role::Output,
    doc: "Writes to a named pipe.",
    availability: Availability::Ready,
    module: &[MODULE_PARAMS],
    instance: &[PARAMS],
};

/// rsyslog's default for ompipe.
pub const DEFAULT_TEMPLATE: &str = "RSYSLOG_FileFormat";

static MODULE_PARAMS: &[Spec] = &[Spec::new(
    "template",
    Kind::Template,
    DEFAULT_TEMPLATE,
    "The template of |/path actions that name none; action() does not use it.",
)];

static PARAMS: &[Spec] = &[
    Spec::new("pipe", Kind::Str, "", "The named pipe, which has to exist.").required(),
    Spec::new("tryResumeReopen", Kind::Bool, "off", "Opens the pipe anew when a write has failed."),
];

/// What the kernel writes as one.
const ATOMIC: usize = 4096;

/// How long a full pipe is waited for before that is a failure.
const PATIENCE: Duration = Duration::from_secs(2);

/// An ompipe action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipeSpec {
    pub common: Common,
    /// The template, or the module's default.
    pub template: String,
    pub path: PathBuf,
    pub reopen: bool,
}

impl PipeSpec {
    /// Reads checked parameters; `None` (complained of) if there is nothing to run.
    /// As in rsyslog the module's template is for the `legacy` form alone.
    pub fn compile(
        params: &Params,
        legacy: bool,
        defaults: &Defaults,
        diags: &mut Diagnostics,
    ) -> Option<Self> {
        let usual = if legacy { &defaults.pipe_template } else { DEFAULT_TEMPLATE };
        let mut common = Common::compile(params, diags)?;
        let path = params.str("pipe").unwrap_or_default();
        if path.is_empty() {
            let text = "no pipe to write to";
            let help = "name it: |/run/name, or pipe=\"/run/name\"; mkfifo makes it";
            diags.push(Diagnostic::error(params.loc("pipe"), text).help(help));
            return None;
        }
        if !params.has("action.resumeRetryCount") {
            common.retry.limit = Some(0);
        }
        Some(Self {
            template: common.template.take().unwrap_or_else(|| usual.to_owned()),
            common,
            path: PathBuf::from(path),
            reopen: params.bool("tryResumeReopen").unwrap_or(false),
        })
    }

    fn failed(&self, error: &io::Error) -> String {
        format!("cannot write to pipe {}: {error}", self.path.display())
    }
}

/// The pipe, and what is to be said to it before anything else.
struct Pipe {
    spec: PipeSpec,
    open: Option<Open>,
    /// A message of which a part is in the pipe: its rest goes before anything else. It is the
    /// pipe's alone: neither given up nor for another action.
    begun: Pending,
}

struct Open {
    sender: Sender,
    /// Device and inode.
    identity: (u64, u64),
}

impl Pipe {
    /// Leaves a pipe that is no longer the one at its path, with what of a message is due to it.
    fn look(&mut self, pending: &mut Pending) {
        let now = std::fs::metadata(&self.spec.path).map(|found| (found.dev(), found.ino())).ok();
        if self.open.as_ref().is_some_and(|open| Some(open.identity) != now) {
            self.close(pending);
        }
    }

    /// The next pipe gets whole messages.
    fn close(&mut self, pending: &mut Pending) {
        self.open = None;
        pending.rewind();
        // Behind it nothing was begun.
        while let Some(begun) = self.begun.chunks.pop_back() {
            pending.chunks.push_front(begun);
        }
        self.begun.offset = 0;
    }

    fn open(&mut self, task: &Task) -> io::Result<()> {
        if self.open.is_none() {
            self.open = Some(Open::new(&self.spec, task)?);
        }
        Ok(())
    }

    /// Opens it anew, before it is closed: it forgets nothing while somebody has it open.
    fn reopen(&mut self, pending: &mut Pending, task: &Task) {
        let Some(before) = &self.open else { return };
        if let Ok(open) = Open::new(&self.spec, task) {
            if open.identity != before.identity {
                self.close(pending);
            }
            self.open = Some(open);
        }
    }

    /// Writes all that is pending; `patience` is how long a full pipe is waited for.
    async fn write(
        &mut self,
        pending: &mut Pending,
        patience: Duration,
        task: &Task,
    ) -> Result<(), String> {
        loop {
            self.open(task).map_err(|e| self.spec.failed(&e))?;
            let pending = if self.begun.is_empty() { &mut *pending } else { &mut self.begun };
            let bytes = next(pending);
            let Some(Open { sender, .. }) = self.open.as_ref().filter(|_| !bytes.is_empty()) else {
                return Ok(());
            };
            match sender.try_write(bytes) {
                Ok(n) => pending.advance(n, |chunk| task.delivered(chunk)),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    if timeout(patience, sender.writable()).await.is_err() {
                        let path = self.spec.path.display();
                        return Err(format!("pipe {path} is full, and nobody reads it"));
                    }
                }
                Err(e) => return Err(self.spec.failed(&e)),
            }
        }
    }

    /// Takes a message that has been begun, since what is pending may be given up now.
    fn keep_begun(&mut self, pending: &mut Pending, task: &Task) {
        let Some(chunk) = pending.chunks.front() else { return };
        let through = chunk.ends.partition_point(|end| *end as usize <= pending.offset);
        let start = through.checked_sub(1).map_or(0, |i| chunk.ends[i] as usize);
        if pending.offset <= start {
            return;
        }
        if through > 0
            && let Some(before) = pending.chunks.cut_first(through)
        {
            task.delivered(before);
        }
        if let Some(begun) = pending.chunks.cut_first(1) {
            self.begun.chunks.join(&pending.chunks);
            self.begun.chunks.push_back(begun);
        }
        self.begun.offset = pending.offset - start;
        pending.offset = 0;
    }

    /// Returns when there is room for the rest of what was begun.
    async fn has_room(&self) {
        match &self.open {
            // What fails is found out by writing.
            Some(open) if !self.begun.is_empty() => drop(open.sender.writable().await),
            _ => std::future::pending().await,
        }
    }
}

impl Open {
    /// Opens it, both to read and to write: so it opens, and stays open, without a reader.
    fn new(spec: &PipeSpec, task: &Task) -> io::Result<Self> {
        let sender = pipe::OpenOptions::new().read_write(true).open_sender(&spec.path);
        let sender = sender.map_err(|e| match e.kind() {
            io::ErrorKind::InvalidInput => io::Error::new(e.kind(), "it is no named pipe"),
            _ => e,
        })?;
        let found = rustix::fs::fstat(&sender)?;
        task.stats.opened.add(1);
        Ok(Self { sender, identity: (found.st_dev, found.st_ino) })
    }
}

/// What is written next: whole messages up to [`ATOMIC`] bytes, or one that is longer, or the rest
/// of that.
fn next(pending: &Pending) -> &[u8] {
    let Some(chunk) = pending.chunks.front() else { return &[] };
    let from = pending.offset;
    let first = chunk.ends.partition_point(|end| *end as usize <= from);
    let within = chunk.ends.partition_point(|end| *end as usize <= from + ATOMIC);
    let end = chunk.ends.get(within.max(first + 1) - 1).map_or(chunk.bytes.len(), |e| *e as usize);
    &chunk.bytes[from..end]
}

/// Writes what comes out of the task's queue until nothing will come any more.
pub(super) async fn run(spec: PipeSpec, mut task: Task) {
    let mut health = Health::new(&task, &spec.common);
    let mut pipe = Pipe { spec, open: None, begun: Pending::default() };
    // Behind the pipe: what it began goes back to its queue in front of this.
    let mut pending = Pending::default();
    loop {
        if task.signals.take_reopen() {
            pipe.look(&mut pending);
        }
        if pending.is_empty() {
            tokio::select! {
                biased;
                () = task.signals.reopened() => {
                    pipe.look(&mut pending);
                    continue;
                }
                more = task.queue.take(&mut pending.chunks) => if !more {
                    // What was begun is ended if there is room now, or is left.
                    pipe.write(&mut pending, PATIENCE, &task).await.ok();
                    return;
                },
                () = pipe.has_room() => {}
            }
        }
        // Empty messages are through with nothing written.
        pending.advance(0, |chunk| task.delivered(chunk));
        let patience = if health.is_suspended() { Duration::ZERO } else { PATIENCE };
        match pipe.write(&mut pending, patience, &task).await {
            Ok(()) => health.worked(),
            Err(why) => {
                pipe.look(&mut pending);
                if pipe.spec.reopen {
                    pipe.reopen(&mut pending, &task);
                }
                pipe.keep_begun(&mut pending, &task);
                health.pause(&why, &mut pending, &task).await;
            }
        }
    }
}

#[cfg(test)]
mod tests;
