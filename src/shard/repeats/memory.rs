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
        self.repeats > 0 && !batch.messages.is_empty() && !self.is_repeated_by(batch)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::span::Span;
    use crate::message::Message;
    use crate::message::MessageFlags;
    use crate::message::Pri;
    use crate::message::Source;
    use crate::message::Variable;
    use crate::message::json::Case;
    use crate::message::json::Object;
    use crate::message::json::Value as JsonValue;

    /// A message as it is sent: host name, tag, text; and its number, which is its variable and
    /// its severity.
    #[derive(Clone, Debug)]
    struct Sent {
        host: &'static str,
        tag: &'static str,
        text: String,
        number: u8,
    }

    /// What a test looks at: host name, tag, text, all of it, severity, variables.
    type Seen = (String, String, String, String, u8, String);

    impl Sent {
        fn seen(&self, text: &str) -> Seen {
            let Self { host, tag, number, .. } = self;
            let raw = format!("<{host} {tag}{text}");
            let variables = number.to_string();
            ((*host).into(), (*tag).into(), text.into(), raw, number % 8, variables)
        }

        fn is_like(&self, other: &Self) -> bool {
            let pid = |sent: &Self| {
                let (_, rest) = sent.tag.split_once('[').unwrap_or(("", "-]"));
                rest.split(']').next().unwrap().to_owned()
            };
            let program = |sent: &Self| sent.tag.split(['[', ':']).next().unwrap().to_owned();
            (&self.text, self.host, pid(self), program(self))
                == (&other.text, other.host, pid(other), program(other))
        }
    }

    fn input() -> Arc<InputInfo> {
        Arc::new(InputInfo { name: "in".into(), hostname: "vm".into() })
    }

    fn batch(sent: &[Sent]) -> Batch {
        let mut batch = Batch::new(input());
        batch.sources.push(Arc::new(Source::new(None, None)));
        for Sent { host, tag, text, number } in sent {
            let mut put = |text: &str| {
                let start = batch.data.len();
                batch.data.extend_from_slice(text.as_bytes());
                Span::new(start, batch.data.len())
            };
            let start = put("<");
            let (hostname, _, tag, msg) = (put(host), put(" "), put(tag), put(text));
            let raw = Span::new(start.start as usize, msg.end as usize);
            let (pri, flags) = (Pri::new(1, number % 8), MessageFlags::HOSTNAME);
            batch.messages.push(Message {
                raw,
                msg,
                hostname,
                tag,
                pri,
                flags,
                ..Message::default()
            });
            let mut object = Object::default();
            object.set(b"n", JsonValue::text(number.to_string().as_bytes()), Case::Sensitive);
            batch.give(Some(JsonValue::Object(object)));
        }
        batch
    }

    fn see(batch: &mut Batch, seen: &mut Vec<Seen>) {
        for index in 0..batch.messages.len() {
            let mut variables = Variables::default();
            assert!(batch.begin_with_given(index, &mut variables));
            let (mut given, n) = (Vec::new(), Variable::parse(b"!n").unwrap());
            variables.with(&n, |value| value.unwrap().write_text(&mut given));
            let view = batch.view(&batch.messages[index]);
            let text = |span| String::from_utf8_lossy(view.bytes(span)).into_owned();
            let Message { raw, msg, tag, pri, .. } = *view.message;
            let host = String::from_utf8_lossy(view.hostname()).into_owned();
            let given = String::from_utf8(given).unwrap();
            seen.push((host, text(tag), text(msg), text(raw), pri.severity(), given));
        }
    }

    /// What a shard does with batches, and with what waits at the end.
    fn summed_up(batches: &[Vec<Sent>]) -> (Vec<Seen>, u64) {
        let (mut memory, mut kept, mut seen) = (Memory::new(input()), Vec::new(), Vec::new());
        let mut stood_for = 0;
        let settle = |memory: &mut Memory, seen: &mut Vec<Seen>| {
            let Some((summary, stands_for)) = memory.take_summary() else { return 0 };
            assert_eq!(summary.len(), 1);
            see(summary, seen);
            memory.forget();
            stands_for
        };
        for sent in batches {
            let mut batch = batch(sent);
            if memory.is_due(&batch) {
                stood_for += settle(&mut memory, &mut seen);
            }
            stood_for += memory.sift(&mut batch, &mut kept);
            see(&mut batch, &mut seen);
        }
        stood_for += settle(&mut memory, &mut seen);
        (seen, stood_for)
    }

    /// The slow twin: runs of equal messages in a plain list.
    fn by_runs(all: &[Sent]) -> Vec<Seen> {
        let mut seen = Vec::new();
        for run in all.chunk_by(Sent::is_like) {
            seen.push(run[0].seen(&run[0].text));
            let last = run.last().unwrap();
            match run.len() - 1 {
                0 => {}
                1 => seen.push(last.seen(&last.text)),
                n => {
                    let quoted: String = last.text.chars().take(QUOTED_BYTES).collect();
                    seen.push(last.seen(&format!(" message repeated {n} times: [{quoted}]")));
                }
            }
        }
        seen
    }

    fn sent() -> impl Strategy<Value = Sent> {
        let host = prop_oneof![9 => Just("h"), 1 => Just("g")];
        let tag = prop_oneof![8 => Just("a[1]:"), 1 => Just("a[2]:"), 1 => Just("b[1]:")];
        // The same process in another form, too.
        let tag = prop_oneof![9 => tag, 1 => Just("a[1]")];
        let text = prop_oneof![
            8 => Just(" x".to_owned()),
            2 => Just(String::new()),
            1 => Just("y".repeat(801)),
            1 => Just(" message repeated 2 times: [ x]".to_owned()),
        ];
        (host, tag, text, any::<u8>()).prop_map(|(host, tag, text, number)| Sent {
            host,
            tag,
            text,
            number,
        })
    }

    proptest! {
        #[test]
        fn batches_come_to_the_same_as_runs(
            batches in prop::collection::vec(prop::collection::vec(sent(), 0..6), 0..8),
        ) {
            let all = batches.concat();
            let (seen, stood_for) = summed_up(&batches);
            prop_assert_eq!(&seen, &by_runs(&all));
            prop_assert_eq!(seen.len() as u64 + stood_for, all.len() as u64);
        }
    }
}
