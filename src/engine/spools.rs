//! The disks behind queues, those of actions that are no more among them: each has a thread, and
//! files that only one queue may have open.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use crate::base::clock;
use crate::base::reporter::Level;
use crate::base::reporter::Reporter;
use crate::disk;
use crate::engine::queues::QueuePlan;
use crate::queue::Sender;
use crate::queue::Spool;
use crate::queue::SpoolStats;

/// How long the disks may take at the end to save what is left in memory.
const SAVE_LIMIT: Duration = Duration::from_secs(10);

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Spools {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    open: Vec<Open>,
    /// The relay has stopped.
    closed: bool,
}

#[derive(Debug)]
struct Open {
    /// Of the action.
    key: u64,
    name: Arc<str>,
    place: (PathBuf, String),
    spool: Spool,
    /// The action is no more: it is closed when the last message has left the queue, or all have
    /// been given up.
    retired: bool,
}

/// Says at the start which queues in `folders` have messages that no action will deliver: their
/// `queue.filename` was changed, or their action was taken out. `used` are the files of queues.
pub(super) fn tell_left_over(
    folders: &BTreeSet<PathBuf>,
    used: &[&(PathBuf, String)],
    reporter: &dyn Reporter,
) {
    for folder in folders {
        // What cannot be read is complained of by who needs it.
        let names = disk::names(&disk::System, folder).unwrap_or_default();
        let is_used = |name: &str| used.iter().any(|(at, used)| at == folder && used == name);
        for name in names.iter().filter(|name| !is_used(name)) {
            let Ok(view) = disk::View::open(disk::System, folder, name) else { continue };
            let left = view.segments().iter().filter(|segment| !segment.is_delivered).count();
            if left == 0 {
                continue;
            }
            let folder = folder.display();
            let text = format!(
                "no action delivers what is left of the queue '{name}' ({folder}/{name}.*.seg, \
                 {left} files): give an action queue.filename=\"{name}\" again, or see 'bongsu \
                 queue export {folder} {name}'"
            );
            reporter.say(Level::Warning, text);
        }
    }
}

impl Spools {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change to it is one step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the disk behind `queue` that `plan` asks for; where a retired action has these files
    /// still, when it has let go of them. False if there is to be none, or it cannot be had.
    pub(super) fn start(
        &self,
        (key, name): (u64, &str),
        plan: &QueuePlan,
        queue: &Sender,
        stats: &Arc<SpoolStats>,
        reporter: &Arc<dyn Reporter>,
    ) -> bool {
        let Some(place) = plan.place.clone() else { return false };
        let name: Arc<str> = name.into();
        let before = {
            let mut state = self.lock();
            if state.closed {
                return false;
            }
            state.open.retain(|open| !(open.retired && open.spool.is_finished()));
            let before = state.open.iter().position(|open| open.retired && open.place == place);
            before.map(|at| state.open.swap_remove(at).spool)
        };
        // Without the lock: a disk may hang, and the stop must not hang with it.
        let Some(spool) = plan.spool(&name, queue, stats, reporter, before) else { return false };
        let mut state = self.lock();
        if state.closed {
            spool.end();
        }
        state.open.push(Open { key, name, place, spool, retired: false });
        true
    }

    /// The action `key` is no more.
    pub(super) fn retire(&self, key: u64) {
        if let Some(open) = self.lock().open.iter_mut().find(|open| open.key == key) {
            open.retired = true;
            open.spool.retire();
        }
    }

    /// At the end: saves what queues are left with. They do it side by side.
    pub(super) fn close(&self, reporter: &dyn Reporter) {
        let until = clock::monotonic() + SAVE_LIMIT;
        let open = {
            let mut state = self.lock();
            state.closed = true;
            std::mem::take(&mut state.open)
        };
        for open in &open {
            open.spool.end();
        }
        for Open { name, spool, .. } in open {
            if !spool.join(until) {
                let text = format!("action '{name}': the disk did not take its queue in time");
                reporter.say(Level::Error, text);
            }
        }
    }
}
