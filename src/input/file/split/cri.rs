//! Lines of containers' logs: each stream's parts are put together, and where to begin again is
//! known for each stream by itself.

use std::time::Duration;
use std::time::Instant;

use crate::base::span::Span;
use crate::input::file::split::Position;
use crate::input::file::split::Rules;
use crate::input::file::split::Sheet;
use crate::message::Timestamp;
use crate::parse::cri;
use crate::parse::cri::Stream;

/// What stood before the text of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::input::file) struct Head {
    pub(in crate::input::file) time: Timestamp,
    /// The time as it is printed, if it was written like that.
    pub(in crate::input::file) time_text: Option<Span>,
    pub(in crate::input::file) stream: Stream,
    /// Its end never came.
    pub(in crate::input::file) partial: bool,
}

/// The message of a stream that has not ended yet, if there is one.
#[derive(Debug, Default)]
struct Part {
    begun: bool,
    text: Vec<u8>,
    /// Where its first line begins.
    at: u64,
    time: Timestamp,
    /// When it was looked at first after its last line.
    seen: Option<Instant>,
    due: bool,
}

/// Puts the parts of lines together.
#[derive(Debug, Default)]
pub(super) struct Joiner {
    /// Of stdout and stderr.
    parts: [Part; 2],
    /// [`Position::done`]
    done: [u64; 3],
    scratch: Vec<u8>,
}

/// Lines of no stream, in [`Position::done`].
const OTHERS: usize = 2;

const fn number(stream: Stream) -> usize {
    match stream {
        Stream::Stdout => 0,
        Stream::Stderr => 1,
    }
}

impl Joiner {
    pub(super) fn at(position: Position) -> Self {
        Self { done: position.done, ..Self::default() }
    }

    /// Where to begin again, if that is not simply `next`, where the next line begins.
    pub(super) fn position(&self, next: u64, rest: bool) -> Option<Position> {
        let begun = self.parts.iter().filter(|part| part.begun).map(|part| part.at).min();
        if begun.is_none() && self.done.iter().all(|done| *done <= next) {
            return None;
        }
        let [out, err, others] = self.done.map(|done| done.max(next));
        let [out, err] = [(0, out), (1, err)].map(|(number, all)| match &self.parts[number] {
            part if part.begun => part.at,
            _ => all,
        });
        let done = [out, err, others];
        Some(Position { at: begun.unwrap_or(next), rest: rest && begun.is_none(), done })
    }

    pub(super) fn holds(&self) -> bool {
        self.parts.iter().any(|part| part.begun)
    }

    /// Takes a line, which stands in the sheet and begins at the offset `at`.
    pub(super) fn line(&mut self, line: Span, at: u64, sheet: &mut Sheet, rules: &Rules) {
        let Some(header) = cri::header(line.of(&sheet.data)) else {
            if at >= self.done[OTHERS] && !line.is_empty() {
                self.put(line, at, sheet, rules);
            }
            return;
        };
        let index = number(header.stream);
        if at < self.done[index] {
            return;
        }
        let start = line.start as usize;
        let text = Span::new(start + header.text, line.end as usize);
        let part = &mut self.parts[index];
        if !part.begun && !header.partial {
            let time_text = Span::new(start, start + header.time_len);
            let time_text = header.time_canonical.then_some(time_text);
            let (time, stream, partial) = (header.time, header.stream, false);
            self.put(text, at, sheet, rules);
            sheet.head(Head { time, time_text, stream, partial });
            return;
        }
        if !std::mem::replace(&mut part.begun, true) {
            (part.at, part.time) = (at, header.time);
        }
        (part.seen, part.due) = (None, false);
        // One byte more than a message may have tells that it is too long.
        let text = text.of(&sheet.data);
        let room = (rules.max + 1).saturating_sub(part.text.len());
        part.text.extend_from_slice(text.get(..room).unwrap_or(text));
        if !header.partial {
            self.tell(header.stream, false, sheet, rules);
        }
    }

    /// Adds a message that stands in the sheet.
    fn put(&mut self, text: Span, at: u64, sheet: &mut Sheet, rules: &Rules) {
        if rules.cee || rules.trim > 0 {
            self.scratch.clear();
            self.scratch.extend_from_slice(text.of(&sheet.data));
            sheet.put_any(&self.scratch, at, false, rules);
        } else {
            sheet.put_span(text, at, rules);
        }
    }

    /// The message of a stream has ended, or its end will not come.
    fn tell(&mut self, stream: Stream, partial: bool, sheet: &mut Sheet, rules: &Rules) {
        let part = &mut self.parts[number(stream)];
        if std::mem::take(&mut part.begun) {
            sheet.put_any(&part.text, part.at, false, rules);
            sheet.head(Head { time: part.time, time_text: None, stream, partial });
            part.text.clear();
            (part.seen, part.due) = (None, false);
        }
    }

    /// Whether for `timeout` nothing has come of a message that is unfinished; asked now and then.
    pub(super) fn find_due(&mut self, now: Instant, timeout: Duration) -> bool {
        for part in self.parts.iter_mut().filter(|part| part.begun) {
            let seen = *part.seen.get_or_insert(now);
            part.due = now.saturating_duration_since(seen) >= timeout;
        }
        self.parts.iter().any(|part| part.due)
    }

    /// Takes what is unfinished as it is, in the order of the file; or only what was found due.
    pub(super) fn flush(&mut self, due: bool, sheet: &mut Sheet, rules: &Rules) {
        let mut streams = [Stream::Stdout, Stream::Stderr];
        streams.sort_by_key(|stream| self.parts[number(*stream)].at);
        for stream in streams {
            if !due || self.parts[number(stream)].due {
                self.tell(stream, true, sheet, rules);
            }
        }
    }
}
