//! Messages on their way to a RELP receiver: which are numbered, which were sent, which answered.
//!
//! The chunks hold frames with room for a number, in nine digits. A number is written there when
//! the message comes into the window, so that what lies in the chunk is what goes out: nothing is
//! copied, neither now nor when it has to be sent again under another number.

use std::io::IoSlice;

use crate::output::task::Pending;
use crate::parse::relp;
use crate::parse::relp::Counter;
use crate::queue::Chunk;

/// Chunks from the first unanswered message on, and three places in them: answered up to here,
/// sent up to here, numbered up to here.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) pending: Pending,
    /// Messages of the first chunk that were answered, and how many of them with a refusal.
    answered: usize,
    refused: usize,
    /// The number of the first unanswered message.
    first: u32,
    /// Messages that have a number and no answer.
    waiting: usize,
    /// The number that the next message gets.
    counter: Counter,
    /// The next message to get one: its chunk, and which one it is there.
    next: (usize, usize),
    /// The next byte to be sent: its chunk, and where it is there.
    sent: (usize, usize),
}

impl Flight {
    pub(super) fn new() -> Self {
        Self {
            pending: Pending::default(),
            answered: 0,
            refused: 0,
            first: 1,
            waiting: 0,
            counter: Counter::at(1),
            next: (0, 0),
            sent: (0, 0),
        }
    }

    /// Before others may take chunks away: says in `pending` what was answered.
    pub(super) fn park(&mut self) {
        self.pending.offset = self.end_of(0, self.answered);
    }

    /// After that: who took the first chunk left no offset in the next one.
    pub(super) fn unpark(&mut self) {
        if std::mem::take(&mut self.pending.offset) == 0 {
            (self.answered, self.refused) = (0, 0);
        }
    }

    /// On a new connection everything that was not answered is sent again; the first message gets
    /// the number `txnr`.
    pub(super) fn restart(&mut self, txnr: u32) {
        if self.pending.is_empty() {
            (self.answered, self.refused) = (0, 0);
        }
        self.first = txnr;
        self.waiting = 0;
        self.counter = Counter::at(txnr);
        self.next = (0, self.answered);
        self.sent = (0, self.end_of(0, self.answered));
    }

    /// Where the first `messages` messages of a chunk end.
    fn end_of(&self, chunk: usize, messages: usize) -> usize {
        let ends = self.pending.chunks.get(chunk).map_or(&[][..], |chunk| chunk.ends.as_slice());
        messages.checked_sub(1).and_then(|last| ends.get(last)).map_or(0, |end| *end as usize)
    }

    /// Numbers messages until `window` of them wait, or `most` were numbered. Returns how many
    /// were.
    pub(super) fn number(&mut self, window: usize, most: u64) -> u64 {
        let mut numbered = 0;
        while self.waiting < window && numbered < most {
            let (at, message) = self.next;
            let start = self.end_of(at, message);
            let Some(chunk) = self.pending.chunks.get_mut(at) else { break };
            if message == chunk.len() {
                self.next = (at + 1, 0);
                continue;
            }
            self.counter.patch(&mut chunk.bytes[start..]);
            self.counter.step();
            self.next.1 += 1;
            self.waiting += 1;
            numbered += 1;
        }
        numbered
    }

    /// Whether all that is there has its number: more may be taken from the queue.
    pub(super) fn wants_more(&self) -> bool {
        let (at, message) = self.next;
        at >= self.pending.chunks.len()
            || at + 1 == self.pending.chunks.len() && message == self.pending.chunks[at].len()
    }

    /// Messages that wait for an answer.
    pub(super) const fn waiting(&self) -> usize {
        self.waiting
    }

    /// Fills `slices` with what is to be written next; returns how many it filled.
    pub(super) fn gather<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let (last, messages) = self.next;
        let mut n = 0;
        let mut from = self.sent.1;
        for (at, chunk) in
            self.pending.chunks.iter().enumerate().skip(self.sent.0).take(slices.len())
        {
            let end = if at < last { chunk.bytes.len() } else { self.end_of(at, messages) };
            if at > last || from >= end && at == last {
                break;
            }
            slices[n] = IoSlice::new(&chunk.bytes[from..end]);
            n += 1;
            from = 0;
        }
        n
    }

    /// Whether there is something to be written.
    pub(super) fn has_unsent(&self) -> bool {
        let (last, messages) = self.next;
        (self.sent.0..last).any(|at| {
            let from = if at == self.sent.0 { self.sent.1 } else { 0 };
            self.pending.chunks.get(at).is_some_and(|chunk| from < chunk.bytes.len())
        }) || {
            let from = if last == self.sent.0 { self.sent.1 } else { 0 };
            from < self.end_of(last, messages)
        }
    }

    /// Notes that `bytes` more were written.
    pub(super) fn advance(&mut self, bytes: usize) {
        let (mut at, mut offset) = self.sent;
        offset += bytes;
        while at < self.next.0
            && let Some(length) = self.pending.chunks.get(at).map(|chunk| chunk.bytes.len())
            && offset >= length
        {
            offset -= length;
            at += 1;
        }
        self.sent = (at, offset);
    }

    /// The first message that waits was answered under the number `txnr`. False if that is not its
    /// number, or it was not even sent. A chunk that is through, and how many of its messages were
    /// refused, is passed to `finished`.
    pub(super) fn answer(
        &mut self,
        txnr: u32,
        refused: bool,
        finished: impl FnOnce(Chunk, usize),
    ) -> bool {
        let end = self.end_of(0, self.answered + 1);
        if self.waiting == 0 || txnr != self.first || self.sent.0 == 0 && self.sent.1 < end {
            return false;
        }
        self.first = relp::next(txnr);
        self.waiting -= 1;
        self.answered += 1;
        self.refused += usize::from(refused);
        if self.pending.chunks.front().is_some_and(|chunk| self.answered == chunk.len())
            && let Some(chunk) = self.pending.chunks.pop_front()
        {
            finished(chunk, self.refused);
            (self.answered, self.refused) = (0, 0);
            self.next = match self.next {
                (0, _) => (0, 0),
                (at, message) => (at - 1, message),
            };
            self.sent = match self.sent {
                (0, _) => (0, 0),
                (at, offset) => (at - 1, offset),
            };
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::parse::relp::Command;
    use crate::parse::relp::FrameLimits;
    use crate::parse::relp::frame_syslog;
    use crate::parse::relp::naive::Owned;
    use crate::parse::relp::naive::decoded;

    fn chunk(from: usize, messages: usize) -> Chunk {
        let mut chunk = Chunk::default();
        for number in from..from + messages {
            let start = chunk.bytes.len();
            chunk.bytes.extend_from_slice(format!("message {number}").as_bytes());
            frame_syslog(&mut chunk.bytes, start);
            chunk.end_message();
        }
        chunk
    }

    fn frames(bytes: &[u8]) -> Vec<Owned> {
        decoded(FrameLimits { data_bytes_max: 100, abort: true }, bytes, bytes.len().max(1)).0
    }

    /// Writes at most `most` bytes, behind `wire`.
    fn write(flight: &mut Flight, most: usize, wire: &mut Vec<u8>) {
        let mut slices = [IoSlice::new(&[]); 3];
        let n = flight.gather(&mut slices);
        let bytes: Vec<u8> = slices[..n].iter().flat_map(|slice| slice.to_vec()).collect();
        assert_eq!(flight.has_unsent(), !bytes.is_empty());
        let written = bytes.len().min(most);
        wire.extend_from_slice(&bytes[..written]);
        flight.advance(written);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// Chunks of any size, writes of any length, answers in between, connections that break:
        /// each connection carries whole frames, numbered from its first one on, in order from the
        /// first unanswered message; none is delivered twice or left out.
        #[test]
        fn everything_is_sent_until_it_is_answered(
            sizes in vec(1_usize..5, 1..8),
            window in 1_usize..9,
            steps in vec((0_u8..8, 1_usize..90), 0..120),
        ) {
            let mut flight = Flight::new();
            let mut total = 0;
            for size in sizes {
                flight.pending.chunks.push_back(chunk(total, size));
                total += size;
            }
            flight.restart(2);
            let (mut wire, mut answered, mut done, mut base) = (Vec::new(), 0, 0, 0);
            for (step, size) in steps {
                match step {
                    0 => {
                        flight.restart(2);
                        wire.clear();
                        base = answered;
                    }
                    1..=4 => {
                        flight.number(window, 1000);
                        prop_assert!(flight.waiting() <= window);
                        write(&mut flight, size, &mut wire);
                    }
                    _ => {
                        let sent = frames(&wire);
                        for (i, frame) in sent.iter().enumerate() {
                            let data = format!("message {}", base + i);
                            let txnr = u32::try_from(i + 2).unwrap();
                            let command = Command::Syslog;
                            let data = data.into_bytes();
                            prop_assert_eq!(
                                frame, &Owned { txnr, command, data, truncated: false });
                        }
                        let txnr = u32::try_from(answered - base + 2).unwrap();
                        let can = base + sent.len() > answered;
                        let ok = flight.answer(txnr, false, |chunk, _| done += chunk.len());
                        prop_assert_eq!(ok, can);
                        answered += usize::from(ok);
                        prop_assert!(!flight.answer(txnr + 100, false, |_, _| ()));
                    }
                }
            }
            // To the end.
            while answered < total {
                flight.number(window, 1000);
                write(&mut flight, 1 << 20, &mut wire);
                let txnr = u32::try_from(answered - base + 2).unwrap();
                answered += usize::from(flight.answer(txnr, false, |c, _| done += c.len()));
            }
            prop_assert_eq!(done, total);
            prop_assert!(flight.wants_more() && flight.pending.is_empty());
        }
    }

    #[test]
    fn refusals_are_counted_with_their_chunk() {
        let mut flight = Flight::new();
        flight.pending.chunks.push_back(chunk(0, 3));
        flight.restart(2);
        assert_eq!(flight.number(10, 2), 2);
        assert!(!flight.answer(2, false, |_, _| ()), "nothing was sent");
        write(&mut flight, 1000, &mut Vec::new());
        flight.number(10, 10);
        write(&mut flight, 1000, &mut Vec::new());
        assert!(flight.answer(2, true, |_, _| panic!("not through")));
        assert!(flight.answer(3, false, |_, _| panic!("not through")));
        let mut through = None;
        assert!(flight.answer(4, true, |chunk, refused| through = Some((chunk.len(), refused))));
        assert_eq!(through, Some((3, 2)));
    }
}
