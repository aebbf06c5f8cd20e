//! What the task of every action works with: its queue, its counters, and its state of health.

use std::fmt;
use std::fs::File;
use std::io::IoSlice;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use crate::base::backoff::Backoff;
use crate::base::clock;
use crate::base::drain::Signals;
use crate::base::num::count;
use crate::base::poison;
use crate::base::reporter::Level;
use crate::base::reporter::Reporter;
use crate::output::OutputStats;
use crate::output::blocking::on_thread;
use crate::output::common::Common;
use crate::output::common::Retry;
use crate::output::errors::ErrorFile;
use crate::queue::Chunk;
use crate::queue::Receiver;
use crate::queue::Sender;
use crate::queue::Suspension;
use crate::queue::Taken;
use crate::shard::OutletStats;

/// A target that worked for this long was well; its next failure starts the waits over.
const WELL: Duration = Duration::from_secs(1);

/// The longest pause between two attempts once the stop is under way.
const STOPPING: Duration = Duration::from_millis(250);

/// How long the target may keep failing during a stop while its queue can be saved: an attempt may
/// hang for longer than the stop takes.
const FAILING: Duration = Duration::from_secs(1);
/// The same for a target that has taken what it got and says nothing more: a connection on which
/// nothing is acknowledged. What is under way may have arrived, so that it may come twice.
const SILENT: Duration = Duration::from_secs(2);
/// What is read of `action.externalState.file`: one word, and enough to see that there is more.
const STATE_BYTES: u64 = 64;
/// The time between two looks at that.
const LOOK: Duration = Duration::from_millis(100);

/// What the engine gives to an action's task.
pub struct Task {
    /// The action's name, for reports.
    pub name: Arc<str>,
    pub queue: Receiver,
    pub stats: Arc<OutputStats>,
    pub signals: Signals,
    pub reporter: Arc<dyn Reporter>,
    /// The action that takes over when this one fails.
    pub fallback: Option<Fallback>,
    /// Where what is given up is written.
    pub errors: Option<ErrorFile>,
}

/// The next action, as the one before it sees it.
#[derive(Clone, Debug)]
pub struct Fallback {
    pub queue: Sender,
    pub stats: Arc<OutletStats>,
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Task {
    /// Counts a chunk that the target took, and gives it back.
    pub(super) fn delivered(&self, chunk: Chunk) {
        self.stats.delivered.add(count(chunk.len()));
        self.stats.bytes.add(count(chunk.bytes.len()));
        self.queue.done(chunk);
    }

    /// Counts a chunk of which the target took so many bytes, and not the rest, and gives it back.
    pub(super) fn give_up(&self, chunk: Chunk, taken: usize) {
        self.give_up_rest(chunk, taken, 0);
    }

    /// The same, where so many messages of what was taken could not be sent at all.
    fn give_up_rest(&self, chunk: Chunk, taken: usize, unsendable: u64) {
        let first = match taken {
            0 => 0,
            _ => chunk.ends.partition_point(|end| *end as usize <= taken),
        };
        if let Some(errors) = &self.errors {
            errors.write(&chunk.part(first, usize::MAX));
        }
        self.count_first(first, unsendable);
        self.stats.dropped_retries.add(count(chunk.len() - first));
        self.queue.done(chunk);
    }

    fn count_first(&self, messages: usize, unsendable: u64) {
        self.stats.delivered.add(count(messages).saturating_sub(unsendable));
        self.stats.dropped_unsendable.add(unsendable);
    }

    /// Gives the next action what this one could not deliver, as far as it has room and the chunks
    /// carry it.
    pub(super) fn hand_over(&self, pending: &mut Pending) {
        let Some(next) = &self.fallback else { return };
        while let Some(chunk) = pending.chunks.front() {
            let first = chunk.ends.partition_point(|end| (*end as usize) <= pending.offset);
            let Some(mut instead) = chunk.instead_from(first) else { return };
            let messages = count(instead.len());
            // Before: what is queued was rendered, whoever looks.
            next.stats.rendered.add(messages);
            if !next.queue.try_push(&mut instead) {
                next.stats.rendered.retract(messages);
                return;
            }
            next.stats.queued.add(messages);
            self.stats.handed_over.add(messages);
            self.count_first(first, std::mem::take(&mut pending.unsendable));
            pending.offset = 0;
            if let Some(chunk) = pending.chunks.pop_front() {
                self.queue.done(chunk);
            }
        }
    }
}

/// Chunks on their way out, in order, and how far the first one is.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) chunks: Taken,
    /// Bytes of the first chunk that the target has taken.
    pub(super) offset: usize,
    /// Messages among those that no target can take, and that are not counted yet.
    pub(super) unsendable: u64,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Fills `slices` with what is to be written next; returns how many it filled.
    pub(super) fn gather<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut skip = self.offset;
        let mut n = 0;
        for (slice, chunk) in slices.iter_mut().zip(self.chunks.iter()) {
            *slice = IoSlice::new(&chunk.bytes[skip..]);
            skip = 0;
            n += 1;
        }
        n
    }

    /// Notes that `bytes` more were taken, and passes each chunk that is through to `finished`.
    pub(super) fn advance(&mut self, bytes: usize, mut finished: impl FnMut(Chunk)) {
        if let Some(chunk) = self.chunks.front() {
            poison::test_panic_once("output", &chunk.bytes);
        }
        self.offset += bytes;
        while let Some(length) = self.chunks.front().map(|chunk| chunk.bytes.len())
            && self.offset >= length
        {
            self.offset -= length;
            if let Some(chunk) = self.chunks.pop_front() {
                finished(chunk);
            }
        }
    }

    /// Goes back to the start of the message that `offset` is in the middle of.
    pub(super) fn rewind(&mut self) {
        if let Some(chunk) = self.chunks.front() {
            let before = chunk.ends.partition_point(|end| *end as usize <= self.offset);
            self.offset = before.checked_sub(1).map_or(0, |i| chunk.ends[i] as usize);
        }
    }

    /// Goes back to the start of the message before the one that `offset` is at the start of;
    /// false if that was not in this chunk.
    pub(super) fn rewind_one_more(&mut self) -> bool {
        if self.offset == 0 {
            return false;
        }
        self.offset -= 1;
        self.rewind();
        true
    }
}

/// Whether the target works, when to try again, and what was said of it.
pub(super) struct Health {
    name: Arc<str>,
    reporter: Arc<dyn Reporter>,
    stats: Arc<OutputStats>,
    report: bool,
    /// Says each failure, and not the first alone.
    continuation: bool,
    retry: Retry,
    backoff: Backoff,
    /// Failures since it last worked.
    attempts: u32,
    suspended_at: Option<Instant>,
    worked_at: Option<Instant>,
    suspension: Suspension,
    external: ExternalState,
}

/// `action.externalState.file`: somebody else says whether the target works. rsyslogd asks it when
/// a target that failed works again, and never while one works.
#[derive(Clone, Debug)]
pub(super) struct ExternalState(Option<PathBuf>);

impl ExternalState {
    /// Why the target is to be left alone, if it is. A file that cannot be read says nothing.
    pub(super) async fn forbids(&self) -> Option<String> {
        let path = self.0.clone()?;
        let (path, forbids) = on_thread(path, |path| says_suspended(path)).await?;
        forbids.then(|| format!("'{}' says that it is suspended", path.display()))
    }
}

/// Whether the file holds that one word, with or without a line feed. Nothing else counts: neither
/// a space nor a second line.
fn says_suspended(path: &PathBuf) -> bool {
    let mut text = Vec::new();
    let read = File::open(path).and_then(|file| file.take(STATE_BYTES).read_to_end(&mut text));
    read.is_ok() && text.strip_suffix(b"\n").unwrap_or(&text) == b"SUSPENDED"
}

impl Health {
    pub(super) fn new(task: &Task, common: &Common) -> Self {
        Self {
            name: task.name.clone(),
            reporter: task.reporter.clone(),
            stats: task.stats.clone(),
            report: common.report_suspension,
            continuation: common.report_continuation,
            retry: common.retry,
            backoff: Backoff::new(common.retry.floor, common.retry.ceiling),
            attempts: 0,
            suspended_at: None,
            worked_at: None,
            suspension: task.queue.suspension(),
            external: ExternalState(common.external_state.clone()),
        }
    }

    pub(super) fn say(&self, level: Level, text: &str) {
        self.reporter.say(level, format!("action '{}' {text}", self.name));
    }

    /// Says something that is neither a suspension nor its end.
    pub(super) fn note(&self, text: &str) {
        if self.report {
            self.say(Level::Warning, text);
        }
    }

    /// Whether `action.resumeRetryCount` retries have failed.
    pub(super) fn exhausted(&self) -> bool {
        self.retry.limit.is_some_and(|limit| self.attempts > limit)
    }

    /// Whether it failed, and has not worked since.
    pub(super) const fn is_suspended(&self) -> bool {
        self.suspended_at.is_some()
    }

    /// The target took something.
    pub(super) fn worked(&mut self) {
        self.stats.signs.add(1);
        if self.attempts == 0 && self.worked_at.is_some() {
            return;
        }
        self.attempts = 0;
        self.worked_at.get_or_insert_with(clock::monotonic);
        if let Some(since) = self.suspended_at.take() {
            self.suspension.set(false);
            self.suspension.set_failing(false);
            let seconds = since.elapsed().as_secs();
            self.stats.resumed.add(1);
            self.stats.suspended_seconds.add(seconds);
            if self.report {
                self.say(Level::Notice, &format!("resumed after {seconds} s"));
            }
        }
    }

    /// The target failed; returns how long to leave it alone: not at all if it was well before,
    /// since it may only have ended one connection.
    pub(super) fn failed(&mut self, why: &str) -> Duration {
        self.stats.failures.add(1);
        self.attempts = self.attempts.saturating_add(1);
        if self.continuation && self.suspended_at.is_some() {
            self.say(Level::Warning, &format!("is still suspended: {why}"));
        }
        let was_well = self.worked_at.take().is_some_and(|at| at.elapsed() >= WELL);
        self.suspension.set(true);
        self.suspension.set_failing(true);
        if self.suspended_at.is_none() {
            self.suspended_at = Some(clock::monotonic());
            self.stats.suspended.add(1);
            if self.report {
                let then = match self.retry.limit {
                    None => "it is retried until it works".to_owned(),
                    Some(n) => format!("after {n} retries its messages are dropped"),
                };
                self.say(Level::Warning, &format!("suspended: {why}; {then}"));
            }
        }
        if was_well {
            self.backoff.reset();
            return Duration::ZERO;
        }
        self.backoff.next_wait()
    }

    /// Counts a failure and waits until the target may be tried again. Once
    /// `action.resumeRetryCount` retries have failed, what is waiting is dropped, and what comes
    /// in the meantime.
    pub(super) async fn pause(&mut self, why: &str, pending: &mut Pending, task: &Task) {
        let mut wait = self.failed(why);
        loop {
            if !wait.is_zero() {
                task.hand_over(pending);
                if !pending.is_empty() {
                    self.leave_to_disk(&task.signals);
                }
                if !self.wait_out(wait, pending, task).await {
                    break;
                }
            }
            match self.external.forbids().await {
                None => break,
                Some(why) => wait = self.failed(&why),
            }
        }
        if task.fallback.is_some() && !wait.is_zero() {
            // The next action has them if not.
            self.may_work();
        }
    }

    pub(super) const fn external(&self) -> &ExternalState {
        &self.external
    }

    /// Lets messages come again, the first of which finds out whether the target works.
    pub(super) fn may_work(&self) {
        self.suspension.set(false);
    }

    /// To be called after a failure. Once the stop is under way nothing is gained by further
    /// attempts if the next run finds on disk what is left: the task is ended.
    pub(super) fn leave_to_disk(&self, signals: &Signals) {
        if signals.stopping() && !self.exhausted() && self.suspension.is_saved() {
            self.suspension.leave();
        }
    }

    /// False if the queue has ended, and nothing is left.
    async fn wait_out(&self, wait: Duration, pending: &mut Pending, task: &Task) -> bool {
        let wait = wait_or_stop(wait, task.signals.clone());
        tokio::pin!(wait);
        if !self.exhausted() {
            wait.await;
            return true;
        }
        loop {
            let mut taken = std::mem::take(&mut pending.offset);
            let mut unsendable = std::mem::take(&mut pending.unsendable);
            for chunk in pending.chunks.drain(..) {
                let first = (std::mem::take(&mut taken), std::mem::take(&mut unsendable));
                task.give_up_rest(chunk, first.0, first.1);
            }
            tokio::select! {
                () = &mut wait => return true,
                more = task.queue.take(&mut pending.chunks) => if !more { return false },
            }
        }
    }
}

/// Returns when the action is to end before its queue has: see [`Health::leave_to_disk`]. Attempts
/// that hang are not waited for, nor, where all that the output has is back in its queue once it
/// is dropped (`gives_back`), a target that says nothing.
pub(super) async fn left(
    suspension: Suspension,
    stats: Arc<OutputStats>,
    mut signals: Signals,
    gives_back: bool,
) {
    // The first attempt may hang, and was not a failure yet.
    let fails = || suspension.is_failing() || stats.opened.get() + stats.delivered.get() == 0;
    let hangs = async {
        signals.stopped().await;
        let (mut well_at, mut heard_at) = (clock::monotonic(), clock::monotonic());
        let mut signs = stats.signs.get();
        loop {
            if !fails() || !suspension.is_saved() {
                well_at = clock::monotonic();
            }
            let heard = std::mem::replace(&mut signs, stats.signs.get()) != signs;
            if !gives_back || heard || !suspension.has_work() || !suspension.is_saved() {
                heard_at = clock::monotonic();
            }
            if well_at.elapsed() >= FAILING || heard_at.elapsed() >= SILENT {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::select! {
        () = suspension.left() => {}
        () = hangs => {}
    }
}

/// Waits; a stop makes it short, since these are the last attempts.
pub(crate) async fn wait_or_stop(wait: Duration, mut signals: Signals) {
    if tokio::time::timeout(wait, signals.stopped()).await.is_ok() {
        tokio::time::sleep(wait.min(STOPPING)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::testing::Driven;
    use crate::output::testing::chunk;
    use crate::output::testing::start;
    use crate::queue::Framing;

    /// Only that word, and only while the target does not work.
    #[test]
    fn a_file_may_say_that_a_target_is_suspended() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        assert!(!says_suspended(&path), "there is none");
        for (text, suspended) in [
            ("SUSPENDED", true),
            ("SUSPENDED\n", true),
            ("SUSPENDED\n\n", false),
            (" SUSPENDED", false),
            ("SUSPENDEDxyz\n", false),
            ("suspended", false),
            ("READY\nSUSPENDED\n", false),
            ("", false),
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(says_suspended(&path), suspended, "{text:?}");
        }
    }

    /// What comes meanwhile is dropped where retries have an end, and the end of the queue is seen.
    #[tokio::test]
    async fn a_suspended_target_does_not_outlive_its_queue() {
        let dir = tempfile::tempdir().unwrap();
        let (state, out) = (dir.path().join("state"), dir.path().join("sub/out"));
        std::fs::write(&state, "SUSPENDED\n").unwrap();
        let action = start(&[
            ("type", "omfile"),
            ("file", out.to_str().unwrap()),
            ("createDirs", "off"),
            ("action.resumeRetryCount", "0"),
            ("action.externalState.file", state.to_str().unwrap()),
        ]);
        action.push(&["one\n"]).await;
        action.delivered().await;
        std::fs::create_dir(dir.path().join("sub")).unwrap();
        action.push(&["two\n"]).await;
        action.delivered().await;
        let (stats, said) = (action.stats.clone(), action.said.clone());
        action.end().await;
        assert_eq!((stats.delivered.get(), stats.dropped_retries.get()), (0, 2));
        assert!(stats.failures.get() < 10, "it does not spin: {}", stats.failures.get());
        assert!(said.all().iter().any(|text| text.contains(" suspended: ")), "{:?}", said.all());
    }

    /// What the target has is delivered, though the rest of its chunk is not.
    #[test]
    fn only_what_was_not_taken_is_given_up() {
        let (driven, task) = Driven::new(Framing::NONE);
        for (taken, delivered, dropped) in [(0, 0, 3), (6, 2, 1), (7, 2, 1)] {
            let before = (task.stats.delivered.get(), task.stats.dropped_retries.get());
            task.give_up(chunk(&["one", "two", "three"]), taken);
            assert_eq!(driven.stats.delivered.get() - before.0, delivered);
            assert_eq!(driven.stats.dropped_retries.get() - before.1, dropped);
        }
    }

    #[test]
    fn rewinds_to_message_starts() {
        let mut pending = Pending::default();
        pending.chunks.push_back(chunk(&["one", "two", "three"]));
        for (offset, start) in [(0, 0), (2, 0), (3, 3), (5, 3), (6, 6), (10, 6)] {
            pending.offset = offset;
            pending.rewind();
            assert_eq!(pending.offset, start, "from {offset}");
        }
        assert!(pending.rewind_one_more());
        assert_eq!(pending.offset, 3);
        assert!(pending.rewind_one_more());
        assert_eq!(pending.offset, 0);
        assert!(!pending.rewind_one_more());
    }

    #[test]
    fn advances_over_chunks_and_gathers_the_rest() {
        let mut pending = Pending::default();
        for messages in [&["ab", "cd"][..], &["", ""], &["efg"], &[]] {
            pending.chunks.push_back(chunk(messages));
        }
        let mut finished = 0;
        pending.advance(3, |_| finished += 1);
        assert_eq!((finished, pending.offset), (0, 3));
        let mut slices = [IoSlice::new(&[]); 3];
        assert_eq!(pending.gather(&mut slices), 3);
        assert_eq!(slices.map(|s| s.to_vec()), [&b"d"[..], b"", b"efg"]);
        pending.advance(1, |_| finished += 1);
        assert_eq!((finished, pending.offset), (2, 0));
        pending.advance(3, |_| finished += 1);
        assert_eq!((finished, pending.is_empty()), (4, true));
    }
}
