//! Parsed batches through rules and templates into the actions' queues.

use std::cell::Cell;
use std::cell::RefCell;
use std::cell::RefMut;
use std::future::poll_fn;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use crate::base::clock;
use crate::base::clock::LocalZone;
use crate::base::num::count;
use crate::base::num::len32;
use crate::base::poison;
use crate::base::poison::Quarantine;
use crate::base::reporter::Reporter;
use crate::message::Ack;
use crate::message::Arrival;
use crate::message::Batch;
use crate::message::InputInfo;
use crate::message::Message;
use crate::message::Source;
use crate::message::View;
use crate::parse::frame::Frame;
use crate::queue::Chunk;
use crate::rules::ActionId;
use crate::rules::Fault;
use crate::rules::Programs;
use crate::rules::Residual;
use crate::rules::Residuals;
use crate::rules::RulesetId;
use crate::rules::Scratch;
use crate::rules::Sink;
use crate::shard::Entry;
use crate::shard::Outlet;
use crate::shard::OutletChange;
use crate::shard::Stuck;
use crate::shard::StuckChunk;
use crate::shard::faults::Faults;
use crate::shard::repeats::Repeats;
use crate::shard::sources::Sources;

/// Rendered bytes of one action that are queued at once, without waiting for the end of a read.
const CHUNK_BYTES: usize = 512 << 10;
/// How long datagrams wait for a full queue before they are given up, and counted. Within that
/// time the kernel's buffer holds them.
const DATAGRAM_PATIENCE: Duration = Duration::from_millis(200);

/// What became of messages in the rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "the input counts it"]
pub struct Passed {
    /// Messages that an action took.
    pub wanted: u64,
    /// Messages that no action took: a `stop` came first, or no rule was for them.
    pub stopped: u64,
    pub unmatched: u64,
    /// Messages that made a rule or a template panic.
    pub quarantined: u64,
}

/// One core's pipeline. Lives on its thread; inputs hold it in an `Rc`.
#[derive(Debug)]
pub struct Shard {
    /// 0..number of shards.
    pub index: usize,
    /// How often the programs were replaced.
    generation: Cell<u64>,
    programs: RefCell<Arc<Programs>>,
    /// How often what was decided by the rules became void, and what the programs' own count was
    /// then.
    epoch: Cell<u64>,
    seen: Cell<u64>,
    residuals: RefCell<Residuals>,
    outlets: RefCell<Vec<Rc<Outlet>>>,
    /// Some action takes over when another is suspended.
    chains: Cell<bool>,
    /// The batch into which stream inputs of this shard read, one at a time.
    batch: RefCell<Batch>,
    frames: RefCell<Vec<Frame>>,
    work: RefCell<Work>,
    sources: RefCell<Sources>,
    /// What was said last, where repeats are summed up.
    pub(super) repeats: RefCell<Repeats>,
    zone: RefCell<LocalZone>,
    faults: RefCell<Faults>,
    quarantine: Arc<Quarantine>,
}

/// What rendering needs, reused from batch to batch.
#[derive(Debug, Default)]
struct Work {
    /// One per action.
    chunks: Vec<Chunk>,
    /// The actions whose chunk holds something.
    touched: Vec<ActionId>,
    scratch: Scratch,
    handed_over: HandedOver,
}

/// For each ruleset that has a queue of its own, the rules of the source that came last.
type HandedOver = Vec<(RulesetId, Arc<Source>, Residual)>;

impl Shard {
    #[must_use]
    pub fn new(
        index: usize,
        programs: Arc<Programs>,
        outlets: Vec<Outlet>,
        input: Arc<InputInfo>,
        zone: LocalZone,
        reporter: Arc<dyn Reporter>,
    ) -> Self {
        let mut work = Work { scratch: Scratch::new(&programs), ..Work::default() };
        work.chunks.resize_with(outlets.len(), Chunk::default);
        let residuals = Residuals::beside(&work.scratch);
        Self {
            index,
            generation: Cell::new(0),
            epoch: Cell::new(0),
            seen: Cell::new(programs.epoch().now()),
            programs: RefCell::new(programs),
            residuals: RefCell::new(residuals),
            chains: Cell::new(outlets.iter().any(Outlet::takes_over)),
            outlets: RefCell::new(outlets.into_iter().map(Rc::new).collect()),
            batch: RefCell::new(Batch::new(input)),
            frames: RefCell::default(),
            work: RefCell::new(work),
            sources: RefCell::default(),
            repeats: RefCell::default(),
            zone: RefCell::new(zone),
            faults: RefCell::new(Faults::new(reporter.clone())),
            quarantine: Arc::new(Quarantine::new(None, reporter)),
        }
    }

    /// Goes over to other programs; `outlets[i]` is where they send what `ActionId(i)` takes.
    /// Between two batches: whatever was run before went by the old ones, whole. Routes are void,
    /// see [`Shard::epoch`].
    pub fn swap(&self, generation: u64, programs: Arc<Programs>, outlets: Vec<OutletChange>) {
        let mut work = self.work.borrow_mut();
        debug_assert!(work.touched.is_empty(), "a batch was run and not flushed");
        let Work { chunks, scratch, handed_over, .. } = &mut *work;
        let mut before = self.outlets.borrow_mut();
        let (mut now, mut open) = (Vec::new(), Vec::new());
        for outlet in outlets {
            let (outlet, chunk) = match outlet {
                OutletChange::New(outlet) => (Rc::new(outlet), Chunk::default()),
                OutletChange::Kept { was, fallback } => {
                    let was = was.0 as usize;
                    before[was].fallback.set(fallback);
                    (before[was].clone(), std::mem::take(&mut chunks[was]))
                }
            };
            now.push(outlet);
            open.push(chunk);
        }
        self.chains.set(now.iter().any(|outlet| outlet.takes_over()));
        (*before, *chunks, *scratch) = (now, open, Scratch::new(&programs));
        handed_over.clear();
        self.residuals.replace(Residuals::beside(scratch));
        self.generation.set(generation);
        self.epoch.set(self.epoch.get() + 1);
        self.seen.set(programs.epoch().now());
        self.programs.replace(programs);
    }

    /// How often the programs were replaced; what inputs do with their messages goes by it.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation.get()
    }

    /// The shared receive batch. A borrow must end before the task waits.
    #[must_use]
    pub const fn batch(&self) -> &RefCell<Batch> {
        &self.batch
    }

    /// Room for the frames of one read, reused. A borrow must end before the task waits.
    pub fn frames(&self) -> RefMut<'_, Vec<Frame>> {
        self.frames.borrow_mut()
    }

    /// The time of arrival for a batch that was read now.
    #[must_use]
    pub fn arrival(&self) -> Arrival {
        Arrival::at(clock::wall(), &mut self.zone.borrow_mut())
    }

    /// The sender at `ip`, if this shard knows it.
    #[must_use]
    pub fn known(&self, ip: IpAddr) -> Option<Rc<Entry>> {
        self.sources.borrow_mut().get(ip)
    }

    /// Remembers the sender at `ip`, or its name where it was known without one.
    pub fn learn(&self, ip: IpAddr, fromhost: Option<&str>) -> Rc<Entry> {
        self.sources.borrow_mut().put(ip, fromhost)
    }

    /// Calls `f` with every sender that this shard knows.
    pub fn each_source(&self, f: impl FnMut(&Arc<Source>)) {
        self.sources.borrow().all().for_each(f);
    }

    /// Looks whether what the rules decide by has changed (a lookup table was read again, or the
    /// rules themselves), and makes the shard go by what there is now. [Routes](Self::route) are
    /// void when the number is another one than when they were asked for. Whoever reads asks before
    /// each read, and before it runs what was read without waiting in between; it costs a plain
    /// load.
    #[inline]
    pub fn epoch(&self) -> u64 {
        let now = self.programs.borrow().epoch().now();
        if self.seen.replace(now) != now {
            self.renew();
        }
        self.epoch.get()
    }

    /// Makes void what was decided. Not while messages run.
    fn renew(&self) {
        let mut work = self.work.borrow_mut();
        work.scratch.refresh();
        work.handed_over.clear();
        self.epoch.set(self.epoch.get() + 1);
    }

    /// The rules of `ruleset` with all decided that the sender and the input decide.
    #[must_use]
    pub fn route(&self, ruleset: RulesetId, entry: &Entry, input: &Arc<InputInfo>) -> Residual {
        let id = Arc::as_ptr(input).addr();
        entry.route(self.epoch.get(), ruleset, id, |source| self.route_of(ruleset, source, input))
    }

    /// [`Shard::route`] for a source that is not in the table of senders (a local input).
    #[must_use]
    pub fn route_of(&self, ruleset: RulesetId, source: &Source, input: &InputInfo) -> Residual {
        self.residuals.borrow_mut().get(&self.programs.borrow(), ruleset, source, input)
    }

    /// Renders every message of `batch` as `route` says. [`Shard::flush`] queues it. A message that
    /// makes that panic is set aside.
    pub fn run(&self, batch: &mut Batch, route: &Residual) -> Passed {
        // What an action does may depend on the one before it: then message by message.
        match route.always().filter(|_| !self.chains.get() && !batch.gives()) {
            Some(actions) => {
                if actions.iter().any(|action| self.outlets.borrow()[action.0 as usize].gates()) {
                    batch.unfold();
                }
                self.run_always(batch, route, actions)
            }
            None => self.run_each(batch, |_| route),
        }
    }

    /// As [`Shard::run`], with the rules of each message's own source: `routes[message.source]`.
    pub fn run_mixed(&self, batch: &mut Batch, routes: &[Residual]) -> Passed {
        self.run_each(batch, |message| &routes[usize::from(message.source)])
    }

    /// Every message to every action, one action after the other.
    fn run_always(&self, batch: &Batch, route: &Residual, actions: &[ActionId]) -> Passed {
        let (mut aside, mut action, mut next) = (Vec::new(), 0, 0);
        while let Err(why) = poison::caught(|| {
            let (mut work, outlets) = (self.work.borrow_mut(), self.outlets.borrow());
            let (mut renderer, _) = self.renderer(&mut work, &outlets);
            while let Some(id) = actions.get(action) {
                renderer.render_all(*id, batch, route, &mut next);
                (action, next) = (action + 1, 0);
            }
        }) {
            self.put_right();
            // Another action may have panicked at it before.
            if !aside.contains(&next) {
                aside.push(next);
                self.set_aside(batch, next - 1, &why);
            }
        }
        let mut passed = Passed { quarantined: count(aside.len()), ..Passed::default() };
        let messages = count(batch.len()) - passed.quarantined;
        *(if actions.is_empty() { &mut passed.unmatched } else { &mut passed.wanted }) = messages;
        passed
    }

    fn run_each<'r>(&self, batch: &mut Batch, route: impl Fn(&Message) -> &'r Residual) -> Passed {
        let (mut passed, mut next) = (Passed::default(), 0);
        batch.unfold();
        while let Err(why) = poison::caught(|| {
            let (mut work, outlets) = (self.work.borrow_mut(), self.outlets.borrow());
            let (mut renderer, scratch) = self.renderer(&mut work, &outlets);
            while let Some(message) = batch.messages.get(next) {
                next += 1;
                renderer.previous = None;
                let stopped = route(message).run(batch, next - 1, scratch, &mut renderer);
                passed.count(renderer.took(), stopped);
            }
            scratch.trim();
        }) {
            self.put_right();
            self.set_aside(batch, next - 1, &why);
            passed.quarantined += 1;
        }
        passed
    }

    /// After a panic in rules or templates: nothing is left of the message that was being worked on
    /// but what it has become for actions that were through with it. What is kept from message to
    /// message is made anew, since nobody knows how far its last change went.
    fn put_right(&self) {
        let mut work = self.work.borrow_mut();
        let Work { chunks, touched, scratch, handed_over } = &mut *work;
        touched.retain(|action| {
            let chunk = &mut chunks[action.0 as usize];
            chunk.cut_to_whole();
            !chunk.is_empty()
        });
        *scratch = Scratch::new(&self.programs.borrow());
        handed_over.clear();
        self.residuals.replace(Residuals::beside(scratch));
    }

    fn set_aside(&self, batch: &Batch, index: usize, why: &str) {
        self.quarantine.keep("rules or a template", batch.raw(index), why);
    }

    /// Where messages go that make a part of the program panic.
    #[must_use]
    pub fn quarantine(&self) -> &Quarantine {
        &self.quarantine
    }

    /// With a place for such messages.
    #[must_use]
    pub fn with_quarantine(self, quarantine: Arc<Quarantine>) -> Self {
        Self { quarantine, ..self }
    }

    fn renderer<'a>(
        &'a self,
        work: &'a mut Work,
        outlets: &'a [Rc<Outlet>],
    ) -> (Renderer<'a>, &'a mut Scratch) {
        let Work { chunks, touched, scratch, handed_over } = work;
        let renderer = Renderer {
            shard: self,
            outlets,
            chunks,
            touched,
            handed_over,
            took: false,
            previous: None,
        };
        (renderer, scratch)
    }

    /// Queues what was rendered since the last time, which `ack` is the token of. What finds no
    /// room is added to `stuck`. Owed by whoever calls [`Shard::run`], before its task waits.
    pub fn flush(&self, ack: &Ack, stuck: &mut Stuck) {
        self.flush_from(0, ack, stuck);
    }

    /// As [`Shard::flush`], of large chunks alone: short messages may grow to many times their size
    /// when they are rendered, and one read's worth of them is not to become one chunk.
    pub fn flush_large(&self, ack: &Ack, stuck: &mut Stuck) {
        self.flush_from(CHUNK_BYTES, ack, stuck);
    }

    fn flush_from(&self, bytes_min: usize, ack: &Ack, stuck: &mut Stuck) {
        let (mut work, outlets) = (self.work.borrow_mut(), self.outlets.borrow());
        let Work { touched, chunks, .. } = &mut *work;
        touched.retain(|action| {
            let chunk = &mut chunks[action.0 as usize];
            if chunk.bytes.len() < bytes_min {
                return true;
            }
            if chunk.is_empty() {
                // Everything was taken back: another action has it.
                return false;
            }
            let outlet = &outlets[action.0 as usize];
            outlet.stats.rendered.add(count(chunk.len()));
            chunk.ack = ack.clone();
            // One that waits already goes first, whatever room there is by now.
            if let Some(before) = stuck.iter_mut().find(|s| Rc::ptr_eq(&s.outlet, outlet)) {
                before.chunks.push_back(std::mem::take(chunk));
            } else if !outlet.try_push(chunk) {
                stuck.push(StuckChunk::new(outlet.clone(), std::mem::take(chunk)));
            }
            false
        });
    }

    /// Waits until every stuck chunk found room: this is how a full output holds back a stream.
    /// They wait side by side, so that one for a dead output keeps none from another. Where
    /// `queue.timeoutEnqueue` is given, what waited for so long is dropped.
    pub async fn push_all(&self, stuck: &mut Stuck) {
        let pushes = stuck.drain(..).map(|mut waiting| async move {
            match waiting.outlet.patience {
                None => waiting.push().await,
                // What is left after that is dropped, and counted.
                Some(limit) => drop(tokio::time::timeout(limit, waiting.push()).await),
            }
        });
        all(pushes).await;
    }

    /// As [`Shard::push_all`] for datagrams, whose senders cannot be held back: after a short
    /// patience the chunk is given up and counted, and while the queue stays full the next ones
    /// do not wait at all. So a dead output costs other outputs next to nothing.
    pub async fn push_datagrams(&self, stuck: &mut Stuck) {
        let pushes = stuck.drain(..).map(|mut waiting| async move {
            let outlet = waiting.outlet.clone();
            let patience = outlet.patience.unwrap_or(DATAGRAM_PATIENCE);
            let pushed = !outlet.shedding.get()
                && tokio::time::timeout(patience, waiting.push()).await.is_ok();
            outlet.shedding.set(!pushed);
        });
        all(pushes).await;
    }

    /// Whether an action that `route` may use has chunks of this shard waiting. Nothing is to be
    /// read then, so that a full output holds one read in memory and not one of every connection.
    #[must_use]
    pub fn is_open(&self, route: &Residual) -> bool {
        let outlets = self.outlets.borrow();
        route.actions().iter().all(|action| outlets[action.0 as usize].is_clear())
    }

    /// Waits until [`Shard::is_open`], or `route` is void.
    pub async fn open(&self, route: &Residual) {
        let generation = self.generation();
        for action in route.actions() {
            if self.generation() != generation {
                return;
            }
            let outlet = self.outlets.borrow()[action.0 as usize].clone();
            outlet.cleared().await;
        }
    }
}

/// Runs `futures` side by side until all are done. They are few, and this is not the hot path.
async fn all(futures: impl Iterator<Item = impl Future<Output = ()>>) {
    let mut running: Vec<_> = futures.map(Box::pin).collect();
    poll_fn(|cx| {
        running.retain_mut(|future| future.as_mut().poll(cx).is_pending());
        if running.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

impl Passed {
    #[inline]
    const fn count(&mut self, wanted: bool, stopped: bool) {
        match (wanted, stopped) {
            (true, _) => self.wanted += 1,
            (false, true) => self.stopped += 1,
            (false, false) => self.unmatched += 1,
        }
    }
}

/// Takes the verdicts of the rules for one batch and renders.
struct Renderer<'a> {
    shard: &'a Shard,
    outlets: &'a [Rc<Outlet>],
    chunks: &'a mut Vec<Chunk>,
    touched: &'a mut Vec<ActionId>,
    handed_over: &'a mut HandedOver,
    /// An action took the message.
    took: bool,
    /// The action that has had this message last.
    previous: Option<Previous>,
}

/// The action that has had a message last, for the next one that takes over from it.
#[derive(Clone, Copy, Debug)]
struct Previous {
    action: ActionId,
    suspended: bool,
    /// In whose chunk its rendering is, and how many actions deep in what it gets instead.
    root: ActionId,
    depth: u32,
}

impl Renderer<'_> {
    /// Whether an action took the message; asked once of each.
    #[inline]
    const fn took(&mut self) -> bool {
        std::mem::replace(&mut self.took, false)
    }

    /// [`Renderer::render`] of every message of `batch` from `next` on, which counts them: a panic
    /// is the fault of the one before it. What is asked of the action is asked once.
    fn render_all(&mut self, action: ActionId, batch: &Batch, route: &Residual, next: &mut usize) {
        let index = action.0 as usize;
        let outlet = &*self.outlets[index];
        if outlet.gates() {
            while *next < batch.messages.len() {
                *next += 1;
                self.render(action, route.view(batch, *next - 1));
            }
            return;
        }
        let chunk = &mut self.chunks[index];
        if chunk.is_empty() && *next < batch.len() {
            self.touched.push(action);
        }
        if batch.folded().is_some() {
            return outlet.render_folded(batch, route.variables(), chunk, next);
        }
        outlet.render_all(batch, |index| route.view(batch, index), chunk, next);
    }

    #[inline]
    fn render(&mut self, action: ActionId, view: View<'_>) {
        let index = action.0 as usize;
        let outlet = &self.outlets[index];
        let chunk = &mut self.chunks[index];
        if let Some(gate) = &outlet.gate
            && !outlet.passes(gate, view, chunk.len())
        {
            return;
        }
        if chunk.is_empty() {
            self.touched.push(action);
        }
        poison::test_panic("rules", view.message.msg.of(&view.batch.data));
        outlet.render(view, chunk);
    }

    /// [`Renderer::render`] where actions take over from others. While an action is suspended, the
    /// message goes to the next one and not to it; while it works, its chunk carries what the next
    /// one gets if it fails with it.
    #[cold]
    #[inline(never)]
    fn chained(&mut self, action: ActionId, view: View<'_>) {
        let outlet = &self.outlets[action.0 as usize];
        let previous = self.previous.take();
        if outlet.gate.as_ref().is_some_and(|gate| gate.after_failure()) {
            // As in rsyslogd, where no action was before it, none has failed.
            let Some(previous) = previous else { return };
            if !previous.suspended {
                return self.render_instead(action, previous, view);
            }
            self.chunks[previous.action.0 as usize].pop();
        }
        let before = self.chunks[action.0 as usize].len();
        self.render(action, view);
        if self.chunks[action.0 as usize].len() > before {
            let suspended = outlet.queue.is_suspended();
            self.previous = Some(Previous { action, suspended, root: action, depth: 0 });
        }
    }

    #[cold]
    #[inline(never)]
    fn render_instead(&mut self, action: ActionId, previous: Previous, view: View<'_>) {
        if self.outlets[previous.action.0 as usize].fallback.get() != Some(action) {
            return;
        }
        let mut chunk = &mut self.chunks[previous.root.0 as usize];
        for _ in 0..previous.depth {
            chunk = &mut chunk.instead.get_or_insert_default().chunk;
        }
        let of = len32(chunk.len()).saturating_sub(1);
        let instead = chunk.instead.get_or_insert_default();
        let outlet = &self.outlets[action.0 as usize];
        outlet.render(view, &mut instead.chunk);
        instead.of.push(of);
        self.previous = Some(Previous { action, depth: previous.depth + 1, ..previous });
    }
}

impl Renderer<'_> {
    fn rules_of(&mut self, ruleset: RulesetId, view: View<'_>) -> Residual {
        let source = &view.batch.sources[usize::from(view.message.source)];
        if let Some((_, last, residual)) = self.handed_over.iter().find(|(r, ..)| *r == ruleset)
            && Arc::ptr_eq(last, source)
        {
            return residual.clone();
        }
        let Shard { programs, residuals, .. } = self.shard;
        let mut residuals = residuals.borrow_mut();
        let residual = residuals.inside(&programs.borrow(), ruleset, source, &view.batch.input);
        self.handed_over.retain(|(r, ..)| *r != ruleset);
        self.handed_over.push((ruleset, source.clone(), residual.clone()));
        residual
    }
}

impl Sink for Renderer<'_> {
    fn action(&mut self, action: ActionId, view: View<'_>) {
        self.took = true;
        match self.shard.chains.get() {
            false => self.render(action, view),
            true => self.chained(action, view),
        }
    }

    /// A ruleset with a queue of its own runs in place: the bound is in the actions' queues. What
    /// the queue means to the caller holds: a `stop` in there does not stop the caller.
    fn enqueue(&mut self, ruleset: RulesetId, view: View<'_>) -> Option<Residual> {
        Some(self.rules_of(ruleset, view))
    }

    fn residual(&mut self, ruleset: RulesetId, view: View<'_>) -> Option<Residual> {
        Some(self.rules_of(ruleset, view))
    }

    fn fault(&mut self, fault: Fault<'_>) {
        self.shard.faults.borrow_mut().say(fault);
    }

    fn is_suspended(&self, action: ActionId) -> bool {
        self.outlets[action.0 as usize].queue.is_suspended()
    }
}
