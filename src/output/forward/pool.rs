//! Several targets (`target=["a", "b"]`, from rsyslog 8.2408 on): chunks go to those that are
//! there in turns. What a target has not acknowledged when it fails goes to the others.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::Notify;

use crate::base::backoff::Backoff;
use crate::output::OutputStats;
use crate::output::Task;
use crate::output::forward::ForwardSpec;
use crate::output::forward::feed::Feed;
use crate::output::forward::tcp::Forwarder;
use crate::output::task::Health;
use crate::output::task::Pending;
use crate::output::task::wait_or_stop;
use crate::queue::Chunk;
use crate::queue::Taken;

/// The first pause after which a target that has failed is tried again.
const SOON: Duration = Duration::from_millis(500);

/// How a target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It was not needed yet, or has ended a connection in order.
    Unknown,
    Connected,
    /// Its last attempt failed.
    Failed,
}

/// What the targets share.
struct Hand {
    /// Chunks that no target has, in order; what comes back from one stands in front.
    waiting: Taken,
    /// Chunks that targets have and that were not acknowledged.
    out: usize,
    /// Nothing will come from the queue any more.
    ended: bool,
    states: Vec<State>,
    /// Which targets would take a chunk now, and whose turn it is.
    hungry: Vec<bool>,
    turn: usize,
    health: Health,
}

impl Hand {
    fn over(&self) -> bool {
        self.ended && self.out == 0 && self.waiting.is_empty()
    }

    /// The next target in turn that would take a chunk.
    fn next(&self) -> Option<usize> {
        let n = self.hungry.len();
        (0..n).map(|i| (self.turn + i) % n).find(|i| self.hungry[*i])
    }
}

struct Pool {
    task: Task,
    hand: Mutex<Hand>,
    changed: Notify,
}

impl Pool {
    fn hand(&self) -> MutexGuard<'_, Hand> {
        // A panic while it was held cannot have left a chunk half moved.
        self.hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what comes, as it comes: the queue's bound counts it until it is delivered.
    async fn feed(&self) {
        let mut chunks = Taken::default();
        while self.task.queue.take(&mut chunks).await {
            let mut hand = self.hand();
            hand.waiting.join(&chunks);
            hand.waiting.append(&mut chunks);
            drop(hand);
            self.changed.notify_waiters();
        }
        self.hand().ended = true;
        self.changed.notify_waiters();
    }

    /// Gives the next action what none of the targets could have.
    fn hand_over(&self, hand: &mut Hand) {
        let chunks = std::mem::take(&mut hand.waiting);
        let mut pending = Pending { chunks, ..Pending::default() };
        self.task.hand_over(&mut pending);
        hand.waiting = pending.chunks;
    }

    /// Gives up what waits; see `action.resumeRetryCount`.
    fn drop_waiting(&self, hand: &mut Hand) {
        for chunk in hand.waiting.drain(..) {
            self.task.give_up(chunk, 0);
        }
    }
}

pub(super) async fn run(spec: &ForwardSpec, task: Task) {
    let n = spec.targets.len();
    let hand = Hand {
        waiting: Taken::default(),
        out: 0,
        ended: false,
        states: vec![State::Unknown; n],
        hungry: vec![false; n],
        turn: 0,
        health: Health::new(&task, &spec.common),
    };
    let pool = Pool { task, hand: Mutex::new(hand), changed: Notify::new() };
    let mut parts: Vec<Option<Pin<Box<dyn Future<Output = ()> + Send + '_>>>> = Vec::new();
    for (index, peer) in spec.peers().enumerate() {
        let lane = Lane {
            pool: &pool,
            index,
            name: peer.to_string(),
            wait: Backoff::new(SOON.min(spec.pool_interval), spec.pool_interval),
        };
        parts.push(Some(Box::pin(Forwarder::new(spec, peer, lane).run())));
    }
    parts.push(Some(Box::pin(pool.feed())));
    poll_fn(|context| {
        for part in &mut parts {
            if part.as_mut().is_some_and(|part| part.as_mut().poll(context).is_ready()) {
                *part = None;
            }
        }
        let hand = pool.hand();
        // Who has a connection ends it in order; who has none need not make one.
        let busy = |i: usize| hand.states[i] == State::Connected && parts[i].is_some();
        if hand.over() && !(0..n).any(busy) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// One target of the pool.
struct Lane<'a> {
    pool: &'a Pool,
    index: usize,
    name: String,
    wait: Backoff,
}

impl Lane<'_> {
    /// Waits for a change, unless `look` finds what it looks for.
    async fn until<T>(&self, mut look: impl FnMut(&mut Hand) -> Option<T>) -> T {
        loop {
            let changed = self.pool.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(found) = look(&mut self.pool.hand()) {
                return found;
            }
            changed.await;
        }
    }
}

/// Takes a target out of the turns again when its wait is given up.
struct Hungry<'a>(&'a Pool, usize);

impl Drop for Hungry<'_> {
    fn drop(&mut self) {
        self.0.hand().hungry[self.1] = false;
    }
}

impl Feed for Lane<'_> {
    fn stats(&self) -> &Arc<OutputStats> {
        &self.pool.task.stats
    }

    async fn wanted(&mut self, pending: &mut Pending) -> bool {
        let mine = self.index;
        !pending.is_empty()
            || self
                .until(|hand| match hand.states[mine] {
                    _ if hand.over() => Some(false),
                    // It is tried before it is given anything again.
                    State::Failed => Some(true),
                    _ => (!hand.waiting.is_empty()).then_some(true),
                })
                .await
    }

    async fn take(&mut self, into: &mut Taken) -> bool {
        let mine = self.index;
        let _hungry = Hungry(self.pool, mine);
        let (chunk, more) = self
            .until(|hand| {
                hand.hungry[mine] = true;
                if hand.next() == Some(mine)
                    && let Some(chunk) = hand.waiting.pop_front()
                {
                    hand.out += 1;
                    hand.turn = mine + 1;
                    return Some((Some(chunk), !hand.waiting.is_empty()));
                }
                hand.over().then_some((None, false))
            })
            .await;
        if more {
            self.pool.changed.notify_waiters();
        }
        let came = chunk.is_some();
        into.join(&self.pool.hand().waiting);
        into.extend(chunk);
        came
    }

    fn connected(&mut self) {
        let mut hand = self.pool.hand();
        let before = std::mem::replace(&mut hand.states[self.index], State::Connected);
        if before == State::Failed {
            hand.health.note(&format!("has its target {} back", self.name));
            if self.pool.task.fallback.is_some() {
                // Otherwise all messages would go on to the next action, and none would tell.
                hand.health.may_work();
            }
        }
    }

    fn worked(&mut self) {
        self.wait.reset();
        self.pool.hand().health.worked();
    }

    fn delivered(&mut self, chunk: Chunk) {
        let mut hand = self.pool.hand();
        hand.out -= 1;
        let over = hand.over();
        drop(hand);
        self.pool.task.delivered(chunk);
        if over {
            self.pool.changed.notify_waiters();
        }
    }

    async fn failed(&mut self, why: &str, pending: &mut Pending) {
        let idle = pending.is_empty();
        {
            let mut hand = self.pool.hand();
            let before = hand.states[self.index];
            if idle && before == State::Connected {
                // A peer may end a connection on which nothing is under way whenever it likes.
                hand.states[self.index] = State::Unknown;
                return;
            }
            hand.states[self.index] = State::Failed;
            hand.out -= pending.chunks.len();
            for chunk in pending.chunks.drain(..).rev() {
                hand.waiting.push_front(chunk);
            }
            pending.offset = 0;
            if hand.states.iter().all(|state| *state == State::Failed) {
                hand.health.failed(why);
                self.pool.hand_over(&mut hand);
                if !hand.waiting.is_empty() {
                    hand.health.leave_to_disk(&self.pool.task.signals);
                }
                if hand.health.exhausted() {
                    self.pool.drop_waiting(&mut hand);
                }
            } else if before != State::Failed {
                self.pool.task.stats.failures.add(1);
                hand.health.note(&format!("goes on with its other targets: {why}"));
            }
        }
        self.pool.changed.notify_waiters();
        let external = self.pool.hand().health.external().clone();
        loop {
            wait_or_stop(self.wait.next_wait(), self.pool.task.signals.clone()).await;
            if external.forbids().await.is_none() {
                return;
            }
        }
    }

    fn note(&mut self, text: &str) {
        self.pool.hand().health.note(text);
    }
}
