//! The shard's end of an action: its template, its framing, its queue.

use std::cell::Cell;
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::base::num::count;
use crate::base::num::len32;
use crate::base::poison;
use crate::base::span::Span;
use crate::message::Batch;
use crate::message::Variables;
use crate::message::View;
use crate::queue::Chunk;
use crate::queue::Framing;
use crate::queue::Sender;
use crate::queue::frame;
use crate::rules::ActionId;
use crate::shard::Gate;
use crate::shard::gate::Verdict;
use crate::telemetry::Counter;
use crate::template::Behind;
use crate::template::Template;

/// What a space before MSG, and a count or a delimiter, add to most messages.
const FRAME_BYTES: usize = 8;

/// What goes into one action, counted once per chunk.
#[derive(Debug, Default)]
pub struct OutletStats {
    /// Messages that the rules wanted it to have: queued, given up, or waiting for room.
    pub rendered: Counter,
    /// Messages that were put into the queue.
    pub queued: Counter,
    /// Messages that were given up because the queue stayed full: from datagrams, whose senders
    /// cannot be held back, or at the end of the stop's time.
    pub dropped_full: Counter,
    /// Messages that `queue.discardMark` gave up.
    pub dropped_discarded: Counter,
    /// Messages that were not for this action: `queue.samplingInterval`, and the `action.exec…`
    /// parameters.
    pub sampled_out: Counter,
    /// Chunks that found no room at once.
    pub full: Counter,
}

impl OutletStats {
    /// Adds what `other` has counted.
    pub fn absorb(&self, other: &Self) {
        let Self { rendered, queued, dropped_full, dropped_discarded, sampled_out, full } = other;
        self.rendered.add(rendered.get());
        self.queued.add(queued.get());
        self.dropped_full.add(dropped_full.get());
        self.dropped_discarded.add(dropped_discarded.get());
        self.sampled_out.add(sampled_out.get());
        self.full.add(full.get());
    }
}

/// Where the messages of an action go from now on.
#[derive(Debug)]
pub enum OutletChange {
    /// Where those of an action of the programs before went, with all that waits there.
    Kept {
        was: ActionId,
        /// The action that takes over, as it is numbered now.
        fallback: Option<ActionId>,
    },
    New(Outlet),
}

/// One action as a shard sees it.
#[derive(Debug)]
pub struct Outlet {
    pub queue: Sender,
    /// `None`: the output takes no bytes.
    pub template: Option<Arc<Template>>,
    /// `dynaFile`: makes the name of the file.
    pub name: Option<Arc<Template>>,
    pub framing: Framing,
    pub stats: Arc<OutletStats>,
    /// Says which messages are for it; `None`: all.
    pub(super) gate: Option<Arc<Gate>>,
    /// The action that takes over when this one is suspended.
    pub(super) fallback: Cell<Option<ActionId>>,
    /// How long a full queue is waited for before a chunk is dropped; `None`: as long as it takes,
    /// or, with datagrams, a moment.
    pub(super) patience: Option<Duration>,
    /// Chunks of this shard that wait for room in the queue; wakes who waits for the last one.
    pub(super) waiting: Cell<u32>,
    pub(super) clear: Notify,
    /// Datagrams no longer wait for this queue: it has been full for too long.
    pub(super) shedding: Cell<bool>,
    /// Room for what messages begin with that are folded.
    head: RefCell<Vec<u8>>,
}

impl Outlet {
    #[must_use]
    pub const fn new(
        queue: Sender,
        template: Option<Arc<Template>>,
        name: Option<Arc<Template>>,
        framing: Framing,
        stats: Arc<OutletStats>,
    ) -> Self {
        Self {
            queue,
            template,
            name,
            framing,
            stats,
            gate: None,
            fallback: Cell::new(None),
            patience: None,
            waiting: Cell::new(0),
            clear: Notify::const_new(),
            shedding: Cell::new(false),
            head: RefCell::new(Vec::new()),
        }
    }

    /// With `queue.timeoutEnqueue`.
    #[must_use]
    pub fn with_patience(self, patience: Option<Duration>) -> Self {
        Self { patience, ..self }
    }

    #[must_use]
    pub fn with_gate(self, gate: Option<Arc<Gate>>, fallback: Option<ActionId>) -> Self {
        Self { gate, fallback: Cell::new(fallback), ..self }
    }

    /// Whether it gets messages when the action before it fails.
    pub(super) fn takes_over(&self) -> bool {
        self.gate.as_ref().is_some_and(|gate| gate.after_failure())
    }

    /// Whether its gate lets `view` through, of whose action `rendered` messages are not queued
    /// yet. Counts it if not.
    #[cold]
    #[inline(never)]
    pub(super) fn passes(&self, gate: &Gate, view: View<'_>, rendered: usize) -> bool {
        match gate.ask(view, self.queue.depth() + count(rendered)) {
            Verdict::Pass => return true,
            Verdict::Leave => self.stats.sampled_out.add(1),
            Verdict::Discard => self.stats.dropped_discarded.add(1),
        }
        false
    }

    /// Whether some messages are not for it.
    pub(super) const fn gates(&self) -> bool {
        self.gate.is_some()
    }

    /// Whether no chunk of this shard waits for room in the queue.
    pub(super) const fn is_clear(&self) -> bool {
        self.waiting.get() == 0
    }

    /// Waits for that. Room in the queue alone says nothing: a chunk also ceases to wait when its
    /// task ends.
    pub(super) async fn cleared(&self) {
        while !self.is_clear() {
            self.clear.notified().await;
        }
    }

    /// Renders `view` behind what `chunk` holds.
    #[inline]
    pub(super) fn render(&self, view: View<'_>, chunk: &mut Chunk) {
        self.render_one(view, chunk, |out| {
            if let Some(template) = &self.template {
                template.render(view, out);
            }
        });
    }

    #[inline]
    fn render_one(&self, view: View<'_>, chunk: &mut Chunk, render: impl FnOnce(&mut Vec<u8>)) {
        if let Some(name) = &self.name {
            chunk.runs.go_on(len32(chunk.ends.len()), |to| name.render(view, to));
        }
        let start = chunk.bytes.len();
        render(&mut chunk.bytes);
        poison::test_panic("template", view.message.msg.of(&view.batch.data));
        frame(&mut chunk.bytes, start, self.framing);
        chunk.end_message();
    }

    /// [`Outlet::render`] of the messages that are folded in `batch` from `next` on, which counts
    /// them: a panic is the fault of the one before it. All of them begin with `variables`.
    pub(super) fn render_folded(
        &self,
        batch: &Batch,
        variables: &Variables,
        chunk: &mut Chunk,
        next: &mut usize,
    ) {
        let Some(folded) = batch.folded() else { return };
        let lines = folded.lines.get(*next..).unwrap_or_default();
        let Some(first) = lines.first() else { return };
        let head = &mut *self.head.borrow_mut();
        head.clear();
        if let Some(template) = &self.template {
            // It is made of the first.
            *next += 1;
            let message = &folded.message(*first);
            template.render_head(View { batch, message, variables }, head);
            *next -= 1;
        }
        chunk.ends.reserve(lines.len());
        let behind = self.template.as_ref().and_then(|template| template.behind());
        if let Some(behind) = behind.filter(|_| self.name.is_none()) {
            return self.render_lines(head, behind, &batch.data, lines, chunk, next);
        }
        for line in lines {
            *next += 1;
            let message = &folded.message(*line);
            let view = View { batch, message, variables };
            poison::test_panic("rules", line.of(&batch.data));
            self.render_one(view, chunk, |out| {
                if let Some(template) = &self.template {
                    template.render_behind(head, view, out);
                }
            });
        }
    }

    /// Of lines that are rendered to the same text before and behind them.
    fn render_lines(
        &self,
        head: &[u8],
        behind: Behind<'_>,
        data: &[u8],
        lines: &[Span],
        chunk: &mut Chunk,
        next: &mut usize,
    ) {
        let each = head.len() + behind.end.len() + FRAME_BYTES;
        // Lines do not overlap. Twice what is wanted would often be too much to be kept for reuse.
        chunk.bytes.reserve_exact(data.len() + lines.len() * each);
        for line in lines {
            *next += 1;
            let line = line.of(data);
            poison::test_panic("rules", line);
            let start = chunk.bytes.len();
            chunk.bytes.extend_from_slice(head);
            if behind.space && line.first() != Some(&b' ') {
                chunk.bytes.push(b' ');
            }
            chunk.bytes.extend_from_slice(line);
            chunk.bytes.extend_from_slice(behind.end);
            poison::test_panic("template", line);
            frame(&mut chunk.bytes, start, self.framing);
            chunk.end_message();
        }
    }

    /// Puts `chunk` into the queue and counts it; false if there is no room.
    pub(super) fn try_push(&self, chunk: &mut Chunk) -> bool {
        let messages = count(chunk.len());
        let taken = self.queue.try_push(chunk);
        if taken {
            self.stats.queued.add(messages);
            self.shedding.set(false);
        } else {
            self.stats.full.add(1);
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::base::diag::Diagnostics;
    use crate::base::diag::Loc;
    use crate::message::InputInfo;
    use crate::message::Message;
    use crate::message::MessageFlags;
    use crate::message::Pri;
    use crate::message::Source;
    use crate::queue::FrameStyle;

    fn template(text: &str) -> Arc<Template> {
        let made = Template::builtin(text).or_else(|| {
            let mut diags = Diagnostics::default();
            let text = text.as_bytes();
            Template::from_string("t", text, &Default::default(), Loc::default(), &mut diags)
        });
        Arc::new(made.unwrap())
    }

    const TEXTS: [&str; 7] = [
        "%msg%",
        "<%pri%>%msg%\n",
        "zoo %msg% behind",
        "%syslogtag%%msg:1:3%!",
        "%hostname% %rawmsg%%msg%",
        "%$year%%msg%%syslogtag%",
        "nothing of it",
    ];

    fn templates() -> impl Strategy<Value = &'static str> {
        prop::sample::select(Template::builtin_names().chain(TEXTS).collect::<Vec<_>>())
    }

    fn styles() -> impl Strategy<Value = FrameStyle> {
        let (lf, nul) = (FrameStyle::Traditional(b'\n'), FrameStyle::Delimiter(0));
        prop::sample::select(vec![lf, nul, FrameStyle::OctetCounted, FrameStyle::None])
    }

    proptest! {
        /// However messages are folded, and from wherever on, they come out as others do.
        #[test]
        fn folded_messages_come_out_as_others_do(
            of in templates(),
            name in prop::option::of(Just("%programname%-%msg:1:1%")),
            style in styles(),
            lines in vec("[ az%\\n]{0,9}|[a-z ]{50,70}", 1..9),
            pri in 0..191_u8,
            from in 0..9_usize,
        ) {
            let (sender, _receiver) = crate::queue::bounded(1 << 20);
            let framing = Framing { style, max_bytes: 60 };
            let (of, name) = (template(of), name.map(template));
            let outlet = Outlet::new(sender, Some(of), name, framing, Arc::default());
            let input = InputInfo { name: "imfile".into(), hostname: "relay".into() };
            let mut batch = Batch::new(Arc::new(input));
            batch.sources.push(Arc::new(Source::new(None, Some("relay"))));
            batch.data.extend_from_slice(b"web: relay");
            let (tag, hostname) = (Span::new(0, 4), Span::new(5, 10));
            let (pri, flags) = (Pri(pri), MessageFlags::HOSTNAME);
            let mut spans = Vec::new();
            for line in &lines {
                let start = batch.data.len();
                batch.data.extend_from_slice(line.as_bytes());
                spans.push(Span::new(start, batch.data.len()));
            }
            let alike = Message { tag, hostname, pri, flags, ..Message::default() };
            batch.fold(alike, spans.iter().copied());
            prop_assert_eq!(batch.len(), lines.len());
            let mut next = from;
            let mut folded = Chunk::default();
            outlet.render_folded(&batch, &Variables::NONE, &mut folded, &mut next);
            prop_assert_eq!(next, lines.len().max(from));
            let raws: Vec<_> = (0..10).map(|index| batch.raw(index).to_vec()).collect();
            batch.unfold();
            prop_assert!(batch.folded().is_none());
            prop_assert_eq!(batch.len(), lines.len());
            prop_assert!(raws.iter().enumerate().all(|(index, raw)| batch.raw(index) == raw));
            let mut apart = Chunk::default();
            for message in batch.messages.iter().skip(from) {
                outlet.render(batch.view(message), &mut apart);
            }
            prop_assert_eq!(&folded.bytes, &apart.bytes);
            prop_assert_eq!(&folded.ends, &apart.ends);
            prop_assert_eq!(format!("{:?}", folded.runs), format!("{:?}", apart.runs));
        }
    }
}
