//! The sink's books: what came, what came twice, what came late, what did not come.

use std::collections::HashMap;
use std::fmt;
use std::mem;

use hdrhistogram::Histogram;

use crate::base::num::count;
use crate::cli::bench::error::BenchError;
use crate::cli::bench::ids::Found;
use crate::cli::bench::ids::Id;
use crate::cli::bench::ids::Reader;

/// Sequences of one page.
const PAGE: u64 = 1 << 16;
/// Words of one page's bitmap.
const WORDS: usize = 1 << 10;
/// The longest latency that is told apart, microseconds: an hour.
const LATENCY_MAX: u64 = 3_600_000_000;

/// Which sequences of one connection came. Exact, in little memory: a page that is complete holds
/// no bits any more.
#[derive(Debug, Default)]
struct Track {
    /// The page in use, out of `pages` meanwhile, and its number.
    page: Page,
    number: u64,
    pages: HashMap<u64, Page>,
    /// One more than the highest sequence that came.
    next: u64,
}

#[derive(Debug, Default)]
struct Page {
    /// `None`: nothing yet or everything, as `seen` says.
    bits: Option<Box<[u64; WORDS]>>,
    seen: u64,
}

/// What the sink makes of ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ids {
    /// Frames are counted and not looked at.
    Ignored,
    /// Frames are counted as long as none has an id, messages by their ids afterwards.
    Noticed,
    /// Only a message with an id counts as received.
    Required,
}

/// What a sequence is to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arrival {
    InOrder,
    /// Behind one that was sent after it ("reordered" of RFC 4737 §3.3).
    Late,
    Again,
}

impl Track {
    fn take(&mut self, sequence: u64) -> Arrival {
        let number = sequence / PAGE;
        if number != self.number {
            let page = self.pages.remove(&number).unwrap_or_default();
            self.pages.insert(self.number, mem::replace(&mut self.page, page));
            self.number = number;
        }
        if !self.page.set(sequence % PAGE) {
            return Arrival::Again;
        }
        if sequence < self.next {
            return Arrival::Late;
        }
        self.next = sequence + 1;
        Arrival::InOrder
    }
}

impl Page {
    /// Marks a sequence; false if it was marked before.
    fn set(&mut self, sequence: u64) -> bool {
        if self.seen == PAGE {
            return false;
        }
        let bits = self.bits.get_or_insert_with(|| Box::new([0; WORDS]));
        let word = usize::try_from(sequence / 64).unwrap_or(0) % WORDS;
        let bit = 1 << (sequence % 64);
        if bits[word] & bit != 0 {
            return false;
        }
        bits[word] |= bit;
        self.seen += 1;
        if self.seen == PAGE {
            self.bits = None;
        }
        true
    }
}

/// Everything that is known about what came.
pub(super) struct Ledger {
    /// Frames of any kind.
    pub frames: u64,
    /// Bytes of those frames, framing not included.
    pub bytes: u64,
    /// Messages with an intact id, each counted once.
    pub distinct: u64,
    pub duplicated: u64,
    pub reordered: u64,
    /// Frames with a damaged id, and bytes of which no frame could be made.
    pub corrupted: u64,
    /// Frames without an id.
    pub foreign: u64,
    /// From due to arrived, microseconds, of messages that were due at `since` or later.
    pub latency: Histogram<u64>,
    since: u64,
    ids: Ids,
    reader: Reader,
    tracks: Vec<Track>,
}

impl Ledger {
    /// Empty books.
    pub(super) fn new(ids: Ids) -> Result<Self, BenchError> {
        let latency = Histogram::new_with_bounds(1, LATENCY_MAX, 3)
            .map_err(|error| BenchError::Usage(error.to_string()))?;
        Ok(Self {
            frames: 0,
            bytes: 0,
            distinct: 0,
            duplicated: 0,
            reordered: 0,
            corrupted: 0,
            foreign: 0,
            latency,
            since: 0,
            ids,
            reader: Reader::new(),
            tracks: Vec::new(),
        })
    }

    /// Takes one frame that arrived at `now`, microseconds since 1970.
    pub(super) fn take(&mut self, frame: &[u8], now: u64) {
        self.frames += 1;
        self.bytes += count(frame.len());
        if self.ids == Ids::Ignored {
            return;
        }
        match self.reader.read(frame) {
            Found::None => self.foreign += 1,
            Found::Id(id) => self.enter(id, now),
            Found::Damaged => self.corrupted += 1,
        }
    }

    fn enter(&mut self, id: Id, now: u64) {
        let connection = usize::try_from(id.connection).unwrap_or(0);
        if connection >= self.tracks.len() {
            self.tracks.resize_with(connection + 1, Track::default);
        }
        match self.tracks[connection].take(id.sequence) {
            Arrival::Again => {
                self.duplicated += 1;
                return;
            }
            Arrival::Late => self.reordered += 1,
            Arrival::InOrder => {}
        }
        self.distinct += 1;
        if id.stamp >= self.since {
            self.latency.saturating_record(now.saturating_sub(id.stamp).max(1));
        }
    }

    /// Bytes of which no frame could be made.
    pub(super) const fn take_torn(&mut self) {
        self.corrupted += 1;
    }

    /// Latencies count from messages due at `since` on, microseconds since 1970.
    pub(super) fn measure_from(&mut self, since: u64) {
        self.since = since;
        self.latency.reset();
    }

    /// Messages that came, each counted once as far as that can be told.
    pub(super) const fn received(&self) -> u64 {
        match self.ids {
            Ids::Ignored => self.frames,
            Ids::Noticed if self.distinct == 0 => self.frames,
            Ids::Noticed | Ids::Required => self.distinct,
        }
    }

    /// Sequences missing below the highest that came, over all connections: the loss that shows
    /// without knowing how much was sent.
    pub(super) fn gaps(&self) -> u64 {
        let sent: u64 = self.tracks.iter().map(|track| track.next).sum();
        sent - self.distinct
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Ledger")
            .field("frames", &self.frames)
            .field("distinct", &self.distinct)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::cli::bench::ids::Stamp;
    use crate::cli::bench::ids::embed;

    fn ledger() -> Ledger {
        Ledger::new(Ids::Required).unwrap()
    }

    fn id(connection: u32, sequence: u64) -> Id {
        Id { connection, sequence, stamp: 1000 }
    }

    #[test]
    fn a_complete_page_gives_its_memory_back_and_still_knows_duplicates() {
        let mut track = Track::default();
        for sequence in 0..PAGE {
            assert_eq!(track.take(sequence), Arrival::InOrder);
        }
        assert!(track.page.bits.is_none());
        assert_eq!(track.take(77), Arrival::Again);
        assert_eq!(track.take(PAGE + 1), Arrival::InOrder);
        assert_eq!(track.take(PAGE), Arrival::Late);
    }

    #[test]
    fn frames_are_sorted_into_their_accounts() {
        let mut books = ledger();
        let mut frame = Vec::new();
        let slot = embed(b"<13>Nov 22 11:22:33 h t: some text", &mut frame);
        let mut stamp = Stamp::new(0);
        stamp.at(1000);
        stamp.patch(slot, &mut frame);
        books.take(&frame, 1500);
        books.take(&frame, 1600);
        books.take(&frame[..frame.len() - 3], 1600);
        books.take(b"<46>start", 1600);
        books.take_torn();
        assert_eq!((books.frames, books.distinct, books.duplicated), (4, 1, 1));
        assert_eq!((books.corrupted, books.foreign, books.received()), (2, 1, 1));
        assert_eq!((books.latency.len(), books.latency.max()), (1, 500));
    }

    #[test]
    fn latencies_are_those_of_the_measured_time() {
        let mut books = ledger();
        books.enter(Id { stamp: 10, ..id(0, 0) }, 1_000_000);
        books.measure_from(1000);
        books.enter(Id { stamp: 999, ..id(0, 1) }, 1_000_000);
        for sequence in 0..1000 {
            books.enter(id(1, sequence), 1000 + sequence);
        }
        assert_eq!(books.latency.len(), 1000);
        assert_eq!(books.latency.value_at_quantile(0.5), 499);
        assert!(books.latency.value_at_quantile(0.99).abs_diff(990) <= 1);
        // A clock that is behind the sender's is not a negative latency.
        books.enter(id(2, 0), 5);
        assert_eq!(books.latency.min(), 1);
    }

    #[test]
    fn without_ids_frames_are_counted() {
        for (ids, received, foreign) in
            [(Ids::Ignored, 1, 0), (Ids::Noticed, 1, 1), (Ids::Required, 0, 1)]
        {
            let mut books = Ledger::new(ids).unwrap();
            books.take(b"<1>x", 0);
            assert_eq!((books.received(), books.foreign), (received, foreign));
            assert_eq!((books.frames, books.bytes), (1, 4));
        }
    }

    proptest! {
        #[test]
        fn the_books_agree_with_a_multiset(
            arrivals in prop::collection::vec((0..3_u32, 0..200_u64), 0..400),
            far in prop::collection::vec((0..3_u32, 0..10_u64.pow(12)), 0..5),
        ) {
            let mut books = ledger();
            let mut naive: BTreeMap<(u32, u64), u64> = BTreeMap::new();
            let mut reordered = 0;
            for (connection, sequence) in arrivals.into_iter().chain(far) {
                let later = naive.range((connection, sequence + 1)..(connection + 1, 0)).count();
                let times = naive.entry((connection, sequence)).or_default();
                reordered += u64::from(*times == 0 && later > 0);
                *times += 1;
                books.enter(id(connection, sequence), 1000);
            }
            let distinct = naive.len() as u64;
            let highest = (0..3).filter_map(|connection| {
                naive.range((connection, 0)..(connection + 1, 0)).next_back()
            });
            let span: u64 = highest.map(|((_, sequence), _)| sequence + 1).sum();
            prop_assert_eq!(books.distinct, distinct);
            prop_assert_eq!(books.duplicated, naive.values().sum::<u64>() - distinct);
            prop_assert_eq!(books.reordered, reordered);
            prop_assert_eq!(books.gaps(), span - distinct);
        }
    }
}
