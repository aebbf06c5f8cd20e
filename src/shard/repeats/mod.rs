//! `$RepeatedMsgReduction`: a message that is like the one before is not written, but counted, and
//! a summary is written once another one comes. It stands between parsing and the rules. Each
//! input of a shard has a memory of its own, of one message; the parts of an input that rsyslogd
//! keeps apart (the files of imfile) have one each.
//!
//! What waits is written at the stop, and before a reload replaces the rules. Nobody waits for its
//! delivery: a swallowed message is acknowledged with its batch.

mod memory;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::message::Ack;
use crate::message::Batch;
use crate::rules::RulesetId;
use crate::shard::Passed;
use crate::shard::Shard;
use crate::shard::Stuck;
use crate::shard::repeats::memory::Memory;

/// Memories that a shard has. Beyond it the one that was used least recently is given up: what
/// waits in it is written, and the next repeat is written as if it were none.
const MEMORIES_MAX: usize = 1024;

/// What an input counts of summaries.
pub trait Tally: fmt::Debug {
    /// What the rules made of summaries.
    fn passed(&self, passed: Passed);

    /// So many messages are not written, because a summary is that stands for them too.
    fn summed_up(&self, messages: u64);
}

/// Whose messages they are.
#[derive(Debug)]
pub struct Origin<'a, T> {
    /// The input, of which there is one with this tally.
    pub input: &'a Arc<T>,
    /// What of the input: 0 unless it has several parts with a memory each.
    pub part: u64,
    /// Where its messages go now.
    pub ruleset: RulesetId,
}

/// The input's address, and its part.
type Key = (usize, u64);

/// All memories of a shard.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    memories: HashMap<Key, Entry>,
    turn: u64,
    /// Which messages of a batch stay, reused.
    kept: Vec<bool>,
}

#[derive(Debug)]
struct Entry {
    memory: Memory,
    /// Keeps the address from being another input's.
    input: Arc<dyn Tally>,
    /// Void after a reload, before which all entries go.
    ruleset: RulesetId,
    /// The turn of its last use.
    used: u64,
}

impl Shard {
    /// Takes repeats out of a parsed batch, and puts summaries in. One that stands for messages of
    /// earlier batches runs at once, so that it goes before this one.
    pub fn sum_up<T: Tally + 'static>(&self, origin: &Origin<'_, T>, batch: &mut Batch) {
        batch.unfold();
        if batch.is_empty() {
            return;
        }
        let mut repeats = self.repeats.borrow_mut();
        let Repeats { memories, turn, kept } = &mut *repeats;
        let key = (Arc::as_ptr(origin.input).addr(), origin.part);
        if memories.len() >= MEMORIES_MAX && !memories.contains_key(&key) {
            let oldest = memories.iter().min_by_key(|(_, entry)| entry.used).map(|(key, _)| *key);
            if let Some(mut entry) = oldest.and_then(|oldest| memories.remove(&oldest)) {
                self.settle(&mut entry);
            }
        }
        *turn += 1;
        let entry = memories.entry(key).or_insert_with(|| Entry {
            memory: Memory::new(batch.input.clone()),
            input: origin.input.clone(),
            ruleset: origin.ruleset,
            used: 0,
        });
        (entry.ruleset, entry.used) = (origin.ruleset, *turn);
        if entry.memory.is_due(batch) {
            self.settle(entry);
        }
        entry.input.summed_up(entry.memory.sift(batch, kept));
    }

    /// That part of the input has ended. [`Shard::flush`] queues what waited.
    pub fn end_part<T: Tally>(&self, input: &Arc<T>, part: u64) {
        let key = (Arc::as_ptr(input).addr(), part);
        let ended = self.repeats.borrow_mut().memories.remove(&key);
        if let Some(mut entry) = ended {
            self.settle(&mut entry);
        }
    }

    /// Writes all summaries that wait, and forgets all messages.
    pub fn end_repeats(&self, stuck: &mut Stuck) {
        self.epoch();
        let memories = std::mem::take(&mut self.repeats.borrow_mut().memories);
        if memories.is_empty() {
            return;
        }
        for mut entry in memories.into_values() {
            self.settle(&mut entry);
        }
        self.flush(&Ack::NONE, stuck);
    }

    /// Runs the summary that waits in `entry`, if one does.
    fn settle(&self, entry: &mut Entry) {
        let Some((summary, stands_for)) = entry.memory.take_summary() else { return };
        if let Some(source) = summary.sources.first() {
            let route = self.route_of(entry.ruleset, source, &summary.input);
            entry.input.passed(self.run(summary, &route));
            entry.input.summed_up(stands_for);
        }
        entry.memory.forget();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::base::clock::LocalZone;
    use crate::base::reporter::Said;
    use crate::base::span::Span;
    use crate::message::InputInfo;
    use crate::message::Message;
    use crate::message::Source;

    /// Summaries that no rule took, and what they stood for.
    #[derive(Debug, Default)]
    struct Counted(Mutex<(u64, u64)>);

    impl Counted {
        fn add(&self, summaries: u64, messages: u64) {
            let mut sums = self.0.lock().unwrap();
            *sums = (sums.0 + summaries, sums.1 + messages);
        }

        fn sums(&self) -> (u64, u64) {
            *self.0.lock().unwrap()
        }
    }

    impl Tally for Counted {
        fn passed(&self, passed: Passed) {
            assert_eq!(passed, Passed { unmatched: 1, ..Passed::default() });
            self.add(1, 0);
        }

        fn summed_up(&self, messages: u64) {
            self.add(0, messages);
        }
    }

    fn batch(texts: &str) -> Batch {
        let info = InputInfo { name: "in".into(), hostname: "vm".into() };
        let mut batch = Batch::new(Arc::new(info));
        batch.sources.push(Arc::new(Source::new(None, None)));
        batch.data.extend_from_slice(texts.as_bytes());
        for at in 0..texts.len() {
            let msg = Span::new(at, at + 1);
            batch.messages.push(Message { raw: msg, msg, ..Message::default() });
        }
        batch
    }

    #[test]
    fn memories_are_bounded_and_what_waits_in_them_is_written() {
        let (zone, said) = (LocalZone::system(), Arc::new(Said::default()));
        let info = batch("").input;
        let shard = Shard::new(0, Arc::default(), Vec::new(), info, zone, said);
        let input = Arc::new(Counted::default());
        let run = |part, texts| {
            let mut batch = batch(texts);
            let origin = Origin { input: &input, part, ruleset: RulesetId(0) };
            shard.sum_up(&origin, &mut batch);
            (batch.len(), input.sums())
        };
        let memories = || shard.repeats.borrow().memories.len();
        assert_eq!(run(0, ""), (0, (0, 0)));
        assert_eq!(memories(), 0, "nothing came");
        assert_eq!(run(0, "aab"), (3, (0, 0)));
        assert_eq!(run(0, "bbb"), (0, (0, 0)));
        for part in 1..=MEMORIES_MAX as u64 {
            assert_eq!(run(part, "c").0, 1);
            assert_eq!(run(1, "c").0, 0, "used often, so kept");
        }
        assert_eq!((memories(), input.sums()), (MEMORIES_MAX, (1, 2)));
        assert_eq!(run(0, "b").0, 1, "forgotten");
        shard.end_part(&input, 1);
        let ended = (2, 2 + MEMORIES_MAX as u64 - 1);
        assert_eq!((memories(), input.sums()), (MEMORIES_MAX - 1, ended));
        // Another input is another memory, and what waits goes before what comes.
        let other = Arc::new(Counted::default());
        let origin = Origin { input: &other, part: 0, ruleset: RulesetId(0) };
        // The fourth repeat stays, as the summary.
        for (texts, kept) in [("b", 1), ("bbb", 0), ("bc", 2), ("c", 0)] {
            let mut batch = batch(texts);
            shard.sum_up(&origin, &mut batch);
            assert_eq!(batch.len(), kept, "{texts}");
        }
        assert_eq!(other.sums(), (0, 3));
        shard.end_repeats(&mut Stuck::new());
        assert_eq!((memories(), other.sums()), (0, (1, 3)));
    }
}
