//! `omstdout`: standard output. rsyslog has it for its own tests; here it is how a terminal or a
//! container shows what arrives.

use std::fs::File;
use std::io;
use std::io::IoSlice;
use std::io::Write;
use std::os::fd::AsFd;
use std::sync::Arc;

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
use crate::queue::Framing;

pub const NAME: &str = "omstdout";

/// What it takes.
pub static MODULE: Module = Module {
    name: NAME,
    role: Role::Output,
    doc: "Writes to standard output.",
    availability: Availability::Ready,
    module: &[],
    instance: &[PARAMS],
};

/// rsyslog's default for omstdout.
pub const DEFAULT_TEMPLATE: &str = "RSYSLOG_FileFormat";

/// Chunks that one call writes at most.
const SLICES: usize = 64;

/// `action(type="omstdout" …)`.
pub static PARAMS: &[Spec] =
    &[Spec::new("ensureLFEnding", Kind::Bool, "on", "Ends each message with a line feed.")];

/// An omstdout action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StdoutSpec {
    pub common: Common,
    pub template: String,
    pub framing: Framing,
}

impl StdoutSpec {
    /// Reads checked parameters; `None` (complained of) if there is nothing to run.
    pub fn compile(params: &Params, diags: &mut Diagnostics) -> Option<Self> {
        let common = Common::compile(params, diags)?;
        let ensure = params.bool("ensureLFEnding").unwrap_or(true);
        Some(Self {
            template: common.template.clone().unwrap_or_else(|| DEFAULT_TEMPLATE.to_owned()),
            framing: if ensure { Framing::lines() } else { Framing::NONE },
            common,
        })
    }
}

struct Desk {
    out: File,
    pending: Pending,
    stats: Arc<OutputStats>,
}

impl Desk {
    fn write(&mut self) -> io::Result<()> {
        while !self.pending.is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let n = self.pending.gather(&mut slices);
            let written = match self.out.write_vectored(&slices[..n]) {
                Ok(0) if slices[..n].iter().any(|slice| !slice.is_empty()) => {
                    return Err(io::ErrorKind::WriteZero.into());
                }
                Ok(written) => written,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => 0,
                Err(e) => return Err(e),
            };
            let (stats, mut through) = (&self.stats, Vec::new());
            self.pending.advance(written, |chunk| through.push(chunk));
            for chunk in through {
                // Counted here: the task may be ended while this thread writes.
                stats.delivered.add(count(chunk.len()));
                stats.bytes.add(count(chunk.bytes.len()));
                self.pending.chunks.done(chunk);
            }
        }
        Ok(())
    }
}

/// Writes to standard output until nothing will come any more.
pub(super) async fn run(spec: StdoutSpec, task: Task) {
    let mut health = Health::new(&task, &spec.common);
    match io::stdout().as_fd().try_clone_to_owned() {
        Ok(out) => write_to(out.into(), &mut health, &task).await,
        Err(e) => give_up(&mut Pending::default(), &e, &health, &task).await,
    }
}

async fn write_to(out: File, health: &mut Health, task: &Task) {
    let stats = task.stats.clone();
    let mut desk = Box::new(Desk { out, pending: Pending::default(), stats });
    while !desk.pending.is_empty() || task.queue.take(&mut desk.pending.chunks).await {
        let Some((back, result)) = on_thread(desk, |desk| desk.write()).await else { return };
        desk = back;
        match result {
            Ok(()) => health.worked(),
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => {
                return give_up(&mut desk.pending, &e, health, task).await;
            }
            Err(e) => {
                let why = format!("cannot write to standard output: {e}");
                health.pause(&why, &mut desk.pending, task).await;
            }
        }
    }
}

/// Nobody reads standard output any more, and nobody can begin to.
async fn give_up(pending: &mut Pending, error: &io::Error, health: &Health, task: &Task) {
    health.say(Level::Warning, &format!("drops everything: standard output: {error}"));
    loop {
        for chunk in pending.chunks.drain(..) {
            task.stats.dropped_unsendable.add(count(chunk.len()));
            task.queue.done(chunk);
        }
        if !task.queue.take(&mut pending.chunks).await {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use tokio::io::AsyncReadExt;

    use super::*;
    use crate::output::OutputSpec;
    use crate::output::testing::Driven;
    use crate::output::testing::compile;

    #[tokio::test]
    async fn writes_whole_lines_and_drops_once_nobody_reads() {
        let (read, write) = io::pipe().unwrap();
        let OutputSpec::Stdout(spec) = compile(&[("type", "omstdout")]).unwrap() else { panic!() };
        assert_eq!(spec.template, "RSYSLOG_FileFormat");
        let (driven, task) = Driven::new(spec.framing);
        let stats = driven.stats.clone();
        let mut health = Health::new(&task, &spec.common);
        let writing = async { write_to(OwnedFd::from(write).into(), &mut health, &task).await };
        let driving = async {
            driven.push(&["one", "two\n"]).await;
            driven.delivered().await;
            let mut reader =
                tokio::net::unix::pipe::Receiver::from_owned_fd(OwnedFd::from(read)).unwrap();
            let mut buffer = [0; 8];
            reader.read_exact(&mut buffer).await.unwrap();
            assert_eq!(&buffer, b"one\ntwo\n");
            drop(reader);
            driven.push(&["three"]).await;
            driven.delivered().await;
            driven.push(&["four"]).await;
            driven.delivered().await;
            assert_eq!(driven.said.all().len(), 1);
            drop(driven);
        };
        tokio::join!(writing, driving);
        assert_eq!((stats.delivered.get(), stats.dropped_unsendable.get()), (2, 2));
    }
}
