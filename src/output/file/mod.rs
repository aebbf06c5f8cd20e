//! `omfile`: files, of a fixed name or of one that each message makes.

mod beneath;
mod care;
mod compile;
mod create;
mod desk;
mod files;
mod params;
mod rotate;
mod segment;
mod sink;
#[cfg(test)]
mod tests;

use std::time::Duration;
use std::time::Instant;

use tokio::time::MissedTickBehavior;

pub use compile::FileDefaults;
pub use compile::FileSpec;
pub use compile::FileTarget;
pub use create::Creation;
pub use params::MODULE_PARAMS;
pub use params::PARAMS;
pub use rotate::Rotation;
pub use sink::Compression;

use crate::base::reporter::Level;
use crate::catalog::outputs::providers;
use crate::config::module::Availability;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::output::Task;
use crate::output::blocking::on_thread;
use crate::output::file::desk::Desk;
use crate::output::task::Health;

pub const NAME: &str = "omfile";

/// What it takes.
pub static MODULE: Module = Module {
    name: NAME,
    role: Role::Output,
    doc: "Writes to files.",
    availability: Availability::Ready,
    module: &[MODULE_PARAMS],
    instance: &[PARAMS, providers::SIGNATURE, providers::ENCRYPTION],
};

/// rsyslog's default for omfile.
pub const DEFAULT_TEMPLATE: &str = "RSYSLOG_FileFormat";

/// How often idle files are looked for.
const IDLE_LOOK: Duration = Duration::from_secs(60);

/// What the writing thread is to do next.
#[derive(Clone, Copy, Debug)]
enum Next {
    Write,
    /// What waits for more has waited long enough.
    Flush,
    Reopen,
    CloseIdle,
    End,
}

/// Writes what comes out of the task's queue until nothing will come any more.
pub(super) async fn run(spec: FileSpec, mut task: Task) {
    let mut health = Health::new(&task, &spec.common);
    let mut desk = Box::new(Desk::new(spec, task.stats.clone()));
    let mut idle_look = tokio::time::interval(IDLE_LOOK);
    idle_look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let next = if task.signals.take_reopen() {
            Next::Reopen
        } else if desk.unfinished() {
            Next::Write
        } else {
            let flush_at = desk.flush_at();
            tokio::select! {
                biased;
                () = task.signals.reopened() => Next::Reopen,
                _ = idle_look.tick(), if desk.may_have_idle() => Next::CloseIdle,
                more = task.queue.take(&mut desk.pending.chunks) => match (more, flush_at) {
                    (true, _) => Next::Write,
                    (false, Some(_)) => Next::Flush,
                    (false, None) => Next::End,
                },
                // Behind what came: whether that waits for more is asked when it is written.
                () = until(flush_at) => Next::Flush,
            }
        };
        let Some((back, done)) = on_thread(desk, move |desk| desk.step(next)).await else {
            return;
        };
        desk = back;
        for complaint in done.complaints {
            health.say(Level::Warning, &complaint);
        }
        if let Some(why) = done.failure {
            desk.keep_unsettled();
            let (torn, offset) = (desk.is_torn(), desk.pending.offset);
            desk.pending.unsendable = std::mem::take(&mut desk.unsendable);
            health.pause(&why, &mut desk.pending, &task).await;
            desk.unsendable = std::mem::take(&mut desk.pending.unsendable);
            // The chunk that was begun is gone, perhaps with others behind it.
            if desk.pending.is_empty() || desk.pending.offset < offset {
                desk.forget(torn);
            }
            if health.exhausted() {
                desk.give_up(&task);
            }
        } else if done.wrote {
            health.worked();
        }
        if matches!(next, Next::End) {
            return;
        }
    }
}

/// Waits until then; for ever if there is no such time.
async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
