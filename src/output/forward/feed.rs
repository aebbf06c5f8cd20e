//! What stands behind a connection: where its chunks come from, and who hears how it is.

use std::sync::Arc;

use crate::output::OutputStats;
use crate::output::Task;
use crate::output::common::Common;
use crate::output::task::Health;
use crate::output::task::Pending;
use crate::queue::Chunk;
use crate::queue::Taken;

/// The side of a connection that is not the peer's.
pub(super) trait Feed {
    fn stats(&self) -> &Arc<OutputStats>;

    /// Waits until a connection is wanted; false if none will be any more.
    fn wanted(&mut self, pending: &mut Pending) -> impl Future<Output = bool> + Send;

    /// Takes what is to be sent; false if nothing will come any more. Cancel safe.
    fn take(&mut self, into: &mut Taken) -> impl Future<Output = bool> + Send;

    /// The peer is there.
    fn connected(&mut self);

    /// The peer's kernel has taken something.
    fn worked(&mut self);

    /// The peer's kernel has all of `chunk`.
    fn delivered(&mut self, chunk: Chunk);

    /// The connection is over, or there was none. Waits until the next may be tried, unless
    /// nothing is under way.
    fn failed(&mut self, why: &str, pending: &mut Pending) -> impl Future<Output = ()> + Send;

    /// Says something of the whole action.
    fn note(&mut self, text: &str);
}

/// The one target of an action.
pub(super) struct Alone {
    task: Task,
    health: Health,
}

impl Alone {
    pub(super) fn new(task: Task, common: &Common) -> Self {
        Self { health: Health::new(&task, common), task }
    }
}

impl Feed for Alone {
    fn stats(&self) -> &Arc<OutputStats> {
        &self.task.stats
    }

    async fn wanted(&mut self, pending: &mut Pending) -> bool {
        // As in rsyslog, there is no connection until there is something to send.
        !pending.is_empty() || self.task.queue.take(&mut pending.chunks).await
    }

    async fn take(&mut self, into: &mut Taken) -> bool {
        self.task.queue.take(into).await
    }

    fn connected(&mut self) {}

    fn worked(&mut self) {
        self.health.worked();
    }

    fn delivered(&mut self, chunk: Chunk) {
        self.task.delivered(chunk);
    }

    async fn failed(&mut self, why: &str, pending: &mut Pending) {
        // A peer may end a connection on which nothing is under way whenever it likes.
        if !pending.is_empty() {
            self.health.pause(why, pending, &self.task).await;
        }
    }

    fn note(&mut self, text: &str) {
        self.health.note(text);
    }
}
