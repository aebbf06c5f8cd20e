//! What is remembered of one input: the message before, and how often it came again.

use std::io::Write;
use std::sync::Arc;

use crate::message::Batch;
use crate::message::Draft;
use crate::message::InputInfo;
use crate::message::Variables;
use crate::message::View;

/// Bytes of the message that its summary quotes, at most (rsyslog `runtime/ratelimit.c`).
const QUOTED_BYTES: usize = 800;

#[derive(Debug)]
pub(super) struct Memory {
    /// The message before, alone; empty where there was none.
    last: Batch,
    /// How often it came again; its last copy is the one in `last`.
    repeats: u64,
    text: Vec<u8>,
}

impl Memory {
    pub(super) fn new(input: Arc<InputInfo>) -> Self {
        Self { last: Batch::new(input), repeats: 0, text: Vec::new() }
    }

    /// Whether the summary that waits has to go before `batch`: that begins with something else.
    pub(super) fn is_due(&self, batch: &Batch) -> bool {
        self.repeats > 0 && !self.is_repeated_by(batch)
    }

    fn is_repeated_by(&self, batch: &Batch) -> bool {
        let (last, next) = (self.last.messages.first(), batch.messages.first());
        last.zip(next).is_some_and(|(last, next)| alike(self.last.view(last), batch.view(next)))
    }

    /// The summary that waits, and how many messages it stands for, itself not counted. Whoever
    /// takes it runs it, and calls [`Memory::forget`].
    pub(super) fn take_summary(&mut self) -> Option<(&mut Batch, u64)> {
        let repeats = std::mem::take(&mut self.repeats);
        if repeats == 0 {
            return None;
        }
        make_summary(&mut self.last, 0, repeats, &mut self.text);
        Some((&mut self.last, repeats - 1))
    }

    pub(super) fn forget(&mut self) {
        self.last.clear();
        self.repeats = 0;
    }

    /// Takes the repeats out of `batch`, before which no summary is [due](Memory::is_due), and
    /// makes the last of several a summary. Those at the end wait. How many messages its summaries
    /// stand for, they themselves not counted. `kept` is reused.
    pub(super) fn sift(&mut self, batch: &mut Batch, kept: &mut Vec<bool>) -> u64 {
        let (mut repeats, mut stand_for, mut any) = (self.repeats, 0, false);
        kept.clear();
        for index in 0..batch.messages.len() {
            let repeated = match batch.messages.get(index.wrapping_sub(1)) {
                None => self.is_repeated_by(batch),
                Some(before) => alike(batch.view(before), batch.view(&batch.messages[index])),
            };
            kept.push(!repeated);
            if repeated {
                (repeats, any) = (repeats + 1, true);
            } else if repeats > 0 {
                // The one before was the last of them, and is in this batch.
                kept[index - 1] = true;
                make_summary(batch, index - 1, repeats, &mut self.text);
                stand_for += repeats - 1;
                repeats = 0;
            }
        }
        self.repeats = repeats;
        let Some(end) = batch.messages.len().checked_sub(1) else { return 0 };
        self.last.hold(batch, end);
        if repeats > 0 {
            self.last.take_given(batch, end);
        }
        if any {
            let mut stay = kept.iter();
            batch.messages.retain(|_| stay.next().copied().unwrap_or(true));
            batch.keep_given(kept);
        }
        stand_for
    }
}

/// Whether rsyslogd takes the one for a repeat of the other. Neither PRI nor time, message id or
/// structured data matter.
#[inline]
fn alike(one: View<'_>, other: View<'_>) -> bool {
    one.bytes(one.message.msg) == other.bytes(other.message.msg)
        && one.hostname() == other.hostname()
        && one.procid() == other.procid()
        && one.app_name() == other.app_name()
}

/// Makes the message at `index` say that it came `repeats` times. One that did so once stays as it
/// is.
fn make_summary(batch: &mut Batch, index: usize, repeats: u64, text: &mut Vec<u8>) {
    if repeats < 2 {
        return;
    }
    let mut variables = Variables::default();
    let mut draft = Draft::new(batch, index, &mut variables);
    let msg = draft.bytes(draft.message.msg);
    text.clear();
    // A vector takes whatever is written.
    write!(text, " message repeated {repeats} times: [").unwrap_or_default();
    text.extend_from_slice(&msg[..msg.len().min(QUOTED_BYTES)]);
    text.push(b']');
    draft.replace_msg(text);
    batch.messages[index] = draft.message;
}
