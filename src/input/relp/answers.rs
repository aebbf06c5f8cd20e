//! What a connection owes its peer: the answers to messages that are on their way.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::PoisonError;
use std::task::Context;
use std::task::Waker;

use crate::base::sync::Mutex;
use crate::base::sync::MutexGuard;
use crate::message::Ack;
use crate::parse::relp;

/// Answers that are written as text before they are sent, bytes: about 3,000 of them.
const TEXT_BYTES: usize = 64 << 10;

/// The batches of one connection that are not answered, in the order in which they came. Their
/// tokens are dropped on any thread; the connection's task answers from the front on.
#[derive(Debug, Default)]
pub(super) struct Answers {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    owed: VecDeque<Owed>,
    /// The number of the first one among all batches of the connection.
    first: u64,
    /// The task, where it waits for the front to be safe.
    waker: Option<Waker>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("owed", &self.owed).finish_non_exhaustive()
    }
}

/// One batch: so many commands from `txnr` on.
#[derive(Clone, Copy, Debug)]
struct Owed {
    txnr: u32,
    messages: u32,
    safe: bool,
}

impl Answers {
    /// A batch that begins with the command `txnr`. It is safe when the last clone of the token
    /// is dropped, which must not be before [`Answers::is_whole`].
    pub(super) fn owe(self: &Arc<Self>, txnr: u32) -> Ack {
        let mut state = self.lock();
        let number = state.first + state.owed.len() as u64;
        state.owed.push_back(Owed { txnr, messages: 0, safe: false });
        drop(state);
        let answers = self.clone();
        Ack::new(move || answers.is_safe(number))
    }

    /// The newest batch has come to its end, with so many messages.
    pub(super) fn is_whole(&self, messages: u32) {
        if let Some(owed) = self.lock().owed.back_mut() {
            owed.messages = messages;
        }
    }

    fn is_safe(&self, number: u64) {
        let mut state = self.lock();
        // It is among those that are owed until it was marked here.
        let at = usize::try_from(number - state.first).unwrap_or(usize::MAX);
        if let Some(owed) = state.owed.get_mut(at) {
            owed.safe = true;
        }
        let waker = state.waker.take_if(|_| at == 0);
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Whether nothing is owed.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().owed.is_empty()
    }

    /// Appends the answers that are due, in order, as far as there is room in `out`. Where there
    /// are no more, the task is woken when there are.
    pub(super) fn write(&self, cx: &Context<'_>, out: &mut Vec<u8>) {
        while out.len() < TEXT_BYTES {
            let Some(Owed { txnr, messages, .. }) = self.next(cx) else { return };
            for n in 0..messages {
                relp::write_ok(out, relp::after(txnr, n));
            }
        }
    }

    /// Takes what can be answered next: of a large batch the first part.
    fn next(&self, cx: &Context<'_>) -> Option<Owed> {
        /// Answers at a time.
        const SOME: u32 = 1024;
        let mut state = self.lock();
        let Some(front) = state.owed.front_mut().filter(|front| front.safe) else {
            match &state.waker {
                Some(waker) if waker.will_wake(cx.waker()) => {}
                _ => state.waker = Some(cx.waker().clone()),
            }
            return None;
        };
        if front.messages > SOME {
            let some = Owed { messages: SOME, ..*front };
            front.txnr = relp::after(front.txnr, SOME);
            front.messages -= SOME;
            return Some(some);
        }
        state.first += 1;
        state.owed.pop_front()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while it was held cannot have left a batch half marked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(test, model))]
mod model {
    use std::future::poll_fn;
    use std::task::Poll;

    use loom::future::block_on;
    use loom::thread;

    use super::*;
    use crate::base::sync::model::explore;

    /// Outputs let go of two batches at any time, while the connection's task writes what is due,
    /// and waits for the rest.
    #[test]
    fn every_answer_is_given_once_and_in_order() {
        explore(|| {
            let answers = Arc::new(Answers::default());
            let outputs = [(1, 2), (3, 1)].map(|(txnr, messages)| {
                let ack = answers.owe(txnr);
                answers.is_whole(messages);
                thread::spawn(move || drop(ack))
            });
            let mut out = Vec::new();
            block_on(poll_fn(|cx| {
                answers.write(cx, &mut out);
                if answers.is_empty() { Poll::Ready(()) } else { Poll::Pending }
            }));
            assert_eq!(out, b"1 rsp 6 200 OK\n2 rsp 6 200 OK\n3 rsp 6 200 OK\n");
            outputs.into_iter().for_each(|output| output.join().unwrap());
        });
    }
}

#[cfg(test)]
mod tests {
    use std::task::Wake;

    use std::sync::atomic::AtomicU32;
    use std::sync::atomic::Ordering;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicU32);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn batch(answers: &Arc<Answers>, txnr: u32, messages: u32) -> Ack {
        let ack = answers.owe(txnr);
        answers.is_whole(messages);
        ack
    }

    fn due(answers: &Answers, cx: &Context<'_>) -> String {
        let mut out = Vec::new();
        answers.write(cx, &mut out);
        String::from_utf8(out).unwrap().replace(" rsp 6 200 OK\n", " ")
    }

    #[test]
    fn answers_keep_the_order_of_the_commands() {
        let answers = Arc::new(Answers::default());
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        let cx = Context::from_waker(&waker);
        let times = || woken.0.load(Ordering::Relaxed);
        let one = batch(&answers, 2, 3);
        let two = batch(&answers, 5, 1);
        let three = batch(&answers, 6, 2);
        assert_eq!(due(&answers, &cx), "");
        drop(two);
        assert_eq!((due(&answers, &cx).as_str(), times()), ("", 0), "the first is not safe");
        drop(one);
        assert_eq!(times(), 1);
        assert_eq!(due(&answers, &cx), "2 3 4 5 ");
        let four = batch(&answers, 8, 1);
        drop(four);
        assert_eq!((due(&answers, &cx).as_str(), times()), ("", 1));
        drop(three);
        assert_eq!((due(&answers, &cx).as_str(), times()), ("6 7 8 ", 2));
        assert!(answers.is_empty());
    }

    #[test]
    fn a_large_batch_is_answered_in_parts() {
        let answers = Arc::new(Answers::default());
        let cx = Context::from_waker(Waker::noop());
        drop(batch(&answers, relp::TXNR_MAX - 4000, 9000));
        let mut all = Vec::new();
        let mut rounds = 0;
        while !answers.is_empty() {
            let mut out = Vec::new();
            answers.write(&cx, &mut out);
            assert!(out.len() < 2 * TEXT_BYTES);
            all.append(&mut out);
            rounds += 1;
        }
        assert!(rounds > 1);
        let text = String::from_utf8(all).unwrap();
        let numbers: Vec<u32> =
            text.lines().map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect();
        let expected: Vec<u32> = (relp::TXNR_MAX - 4000..=relp::TXNR_MAX).chain(1..=4999).collect();
        assert_eq!(numbers, expected);
    }
}
