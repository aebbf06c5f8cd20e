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
    /// Where its first line begins; 0 if that was in the file before.
    at: u64,
    /// What is said of where it begins.
    shown_at: u64,
    time: Timestamp,
    /// When it was looked at first after its last line.
    seen: Option<Instant>,
    due: bool,
    /// It began in the file before.
    carried: bool,
    /// The file behind this one has gone on with it, and has its text.
    lent: bool,
}

/// Puts the parts of lines together.
#[derive(Debug, Default)]
pub(super) struct Joiner {
    /// Of stdout and stderr.
    parts: [Part; 2],
    /// [`Position::done`]
    done: [u64; 3],
    /// Which streams have had no line in this file: their first may go on with one of the file
    /// before.
    fresh: [bool; 2],
    /// Of which streams the file before has parts that nothing has come for yet.
    awaited: [bool; 2],
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

impl Part {
    /// Whether it waits for its next line here.
    const fn waits(&self) -> bool {
        self.begun && !self.lent
    }
}

impl Joiner {
    pub(super) fn at(position: Position) -> Self {
        let Position { at, done, .. } = position;
        let fresh = [0, 1].map(|stream| at == 0 && done[stream] == 0);
        Self { done, fresh, ..Self::default() }
    }

    /// Where to begin again, if that is not simply `next`, where the next line begins.
    pub(super) fn position(&self, next: u64, rest: bool) -> Option<Position> {
        let begun = self.parts.iter().filter(|part| part.begun).map(|part| part.at);
        let begun = begun.chain(self.awaits().then_some(0)).min();
        if begun.is_none() && self.done.iter().all(|done| *done <= next) {
            return None;
        }
        let [out, err, others] = self.done.map(|done| done.max(next));
        let [out, err] = [(0, out), (1, err)].map(|(number, all)| match &self.parts[number] {
            part if part.begun => part.at,
            _ if self.awaited[number] => 0,
            _ => all,
        });
        let done = [out, err, others];
        Some(Position { at: begun.unwrap_or(next), rest: rest && begun.is_none(), done })
    }

    pub(super) fn holds(&self) -> bool {
        self.parts.iter().any(Part::waits)
    }

    /// Whether a part of this file is in a message that another file goes on with.
    pub(super) fn lends(&self) -> bool {
        self.parts.iter().any(|part| part.lent)
    }

    /// Whether a line of this file may go on with one of the file before.
    pub(super) fn is_fresh(&self) -> bool {
        self.fresh.contains(&true)
    }

    /// Takes over what `before` holds, the file that was rotated away: the first line of a stream
    /// goes on with it. [`Self::settle`] belongs behind the read.
    pub(super) fn borrow(&mut self, before: &mut Self) {
        let pairs = self.parts.iter_mut().zip(&mut before.parts).zip(self.fresh);
        for ((own, theirs), fresh) in pairs {
            if fresh && theirs.waits() && !own.begun {
                std::mem::swap(own, theirs);
                (theirs.at, own.at) = (own.at, 0);
                (theirs.begun, theirs.lent) = (true, true);
                theirs.carried = std::mem::replace(&mut own.carried, true);
            }
        }
    }

    /// Gives back what nothing has come for. Whether a message of `before` is in one of this file
    /// that has been told.
    pub(super) fn settle(&mut self, before: &mut Self) -> bool {
        let mut told = false;
        let pairs = self.parts.iter_mut().zip(&mut before.parts).zip(self.fresh);
        for ((own, theirs), fresh) in pairs {
            if !theirs.lent {
                continue;
            }
            if own.begun && own.carried {
                if fresh {
                    (own.at, own.carried) = (theirs.at, theirs.carried);
                    std::mem::swap(own, theirs);
                    *own = Part { text: std::mem::take(&mut own.text), ..Part::default() };
                }
            } else {
                told = true;
                *theirs = Part { text: std::mem::take(&mut theirs.text), ..Part::default() };
            }
        }
        for (number, awaited) in self.awaited.iter_mut().enumerate() {
            *awaited = self.fresh[number] && before.parts[number].waits();
        }
        told
    }

    /// Whether lines that come may go on with what the file before has.
    const fn awaits(&self) -> bool {
        self.awaited[0] || self.awaited[1]
    }

    /// There is no file before this one any more.
    pub(super) const fn is_first(&mut self) {
        self.awaited = [false; 2];
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
        self.fresh[index] = false;
        let part = &mut self.parts[index];
        // What comes behind parts that are lent was written too late to belong to them.
        if part.lent || !part.begun && !header.partial {
            let time_text = Span::new(start, start + header.time_len);
            let time_text = header.time_canonical.then_some(time_text);
            let (time, stream, partial) = (header.time, header.stream, header.partial);
            self.put(text, at, sheet, rules);
            sheet.head(Head { time, time_text, stream, partial });
            return;
        }
        if !std::mem::replace(&mut part.begun, true) {
            (part.at, part.shown_at, part.time) = (at, at, header.time);
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
        if part.waits() {
            (part.begun, part.carried) = (false, false);
            sheet.put_any(&part.text, part.shown_at, false, rules);
            sheet.head(Head { time: part.time, time_text: None, stream, partial });
            part.text.clear();
            (part.seen, part.due) = (None, false);
        }
    }

    /// Whether for `timeout` nothing has come of a message that is unfinished; asked now and then.
    pub(super) fn find_due(&mut self, now: Instant, timeout: Duration) -> bool {
        for part in self.parts.iter_mut().filter(|part| part.waits()) {
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

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::input::file::split::Mode;
    use crate::input::file::split::Splitter;

    const MAX: usize = 20;

    fn rules() -> Rules {
        let line_end = (*b"#012").into();
        let (mode, max) = (Mode::Cri, MAX);
        Rules { mode, line_end, keeps_last_end: false, trim: 0, max, cee: false, discard: false }
    }

    /// Text, where it begins, whether it was cut, its stream, and whether its end never came.
    type Told = (String, u64, bool, Option<(&'static str, bool)>);

    fn take(sheet: &mut Sheet, out: &mut Vec<Told>) {
        for piece in &sheet.pieces {
            let text = String::from_utf8_lossy(piece.span.of(&sheet.data)).into_owned();
            let head = sheet.heads.get(piece.head as usize);
            if let Some(text) = head.and_then(|head| head.time_text) {
                assert!(text.of(&sheet.data).starts_with(b"2026-11-22T19:04:05"));
            }
            let head = head.map(|head| (head.stream.name(), head.partial));
            out.push((text, piece.offset, piece.cut, head));
        }
        sheet.clear();
    }

    /// Feeds `text` from where the splitter stands up to `end`.
    fn feed(splitter: &mut Splitter, text: &str, end: usize, out: &mut Vec<Told>) {
        let mut sheet = Sheet::default();
        let from = usize::try_from(splitter.next()).unwrap();
        sheet.data.extend_from_slice(&text.as_bytes()[from..end]);
        splitter.take(&mut sheet, 0, &rules());
        assert_eq!(splitter.next(), end as u64);
        take(&mut sheet, out);
    }

    /// The same, slowly: line by line.
    fn slow(text: &str) -> Vec<Told> {
        let mut out: Vec<Told> = Vec::new();
        let mut open: [Option<(usize, String)>; 2] = [None, None];
        let mut put = |text: &str, at: usize, head| {
            let kept = text.get(..MAX).unwrap_or(text).to_owned();
            out.push((kept, at as u64, text.len() > MAX, head));
        };
        let mut at = 0;
        for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            let body = line.trim_end_matches('\n');
            match cri::header(body.as_bytes()) {
                None if body.is_empty() => {}
                None => put(body, at, None),
                Some(header) => {
                    let known = open[number(header.stream)].get_or_insert((at, String::new()));
                    known.1.push_str(body.get(header.text..).unwrap());
                    if !header.partial {
                        let (at, text) = open[number(header.stream)].take().unwrap();
                        put(&text, at, Some((header.stream.name(), false)));
                    }
                }
            }
            at += line.len();
        }
        out
    }

    fn lines() -> impl Strategy<Value = String> {
        let time = "2026-11-22T19:04:05(\\.123456789)?(Z|\\+09:00)";
        let cri = format!("{time} std(out|err) [PF](:x)? ([a-z]{{0,9}}|[a-z]{{15,25}})\n");
        let long = format!("{time} std(out|err) [PF] [a-z]{{140,300}}\n");
        let line = |regex: &str| proptest::string::string_regex(regex).unwrap();
        let other = line("[a-z]{0,30}\n|[a-z]{140,200}\n");
        let any = prop_oneof![8 => line(&cri), 1 => line(&long), 1 => other];
        vec(any, 0..14).prop_map(|lines| lines.concat())
    }

    proptest! {
        /// Wherever reads end, and wherever somebody begins again from the position that was
        /// reached: the same messages, each once.
        #[test]
        fn parts_are_joined_once(
            text in lines(),
            ends in vec((0..2000_usize, any::<bool>()), 0..12),
        ) {
            let mut ends: Vec<_> =
                ends.into_iter().filter(|(end, _)| *end <= text.len()).collect();
            ends.sort_unstable();
            let (mut splitter, mut out) = (Splitter::default(), Vec::new());
            for (end, again) in ends.into_iter().chain([(text.len(), false)]) {
                if (end as u64) < splitter.next() {
                    continue;
                }
                feed(&mut splitter, &text, end, &mut out);
                let held: usize = splitter.joiner.parts.iter().map(|part| part.text.len()).sum();
                prop_assert!(held <= 2 * (MAX + 1));
                if again {
                    splitter = Splitter::at(splitter.position());
                }
            }
            let mut wanted = slow(&text);
            // A line that is too long is told before it ends, and begins no later for that.
            wanted.sort();
            out.sort();
            prop_assert_eq!(out, wanted);
        }

        /// What was taken unfinished comes no second time either.
        #[test]
        fn what_was_flushed_is_not_read_again(
            text in lines(),
            cut in 0..2000_usize,
            due in any::<bool>(),
        ) {
            let cut = cut.min(text.len());
            let flush = |splitter: &mut Splitter, out: &mut Vec<Told>| {
                let mut sheet = Sheet::default();
                if due {
                    let now = crate::base::clock::monotonic();
                    splitter.find_due(now, Duration::ZERO);
                    splitter.take_due(&mut sheet, &rules());
                } else {
                    splitter.time_out(&mut sheet, &rules());
                }
                assert!(!splitter.holds_lines());
                take(&mut sheet, out);
            };
            let (mut one, mut told) = (Splitter::default(), Vec::new());
            feed(&mut one, &text, cut, &mut told);
            flush(&mut one, &mut told);
            let mut other = Splitter::at(one.position());
            let mut again = told.clone();
            feed(&mut one, &text, text.len(), &mut told);
            feed(&mut other, &text, text.len(), &mut again);
            prop_assert_eq!(told, again);
        }
    }

    proptest! {
        /// Wherever the log was rotated, wherever reads end, and wherever both files are begun
        /// again: what stands on both sides is one message.
        #[test]
        fn parts_are_joined_over_a_rotation(
            text in lines(),
            cut in 0..14_usize,
            ends in vec((0..2000_usize, any::<bool>()), 0..8),
        ) {
            let cut = text.split_inclusive('\n').take(cut).map(str::len).sum();
            let (old, new) = text.split_at(cut);
            let (mut before, mut out) = (Splitter::at(Position::default()), Vec::new());
            let mut after = Splitter::at(Position::default());
            feed(&mut before, old, old.len(), &mut out);
            let mut ends: Vec<_> = ends.into_iter().filter(|end| end.0 <= new.len()).collect();
            ends.sort_unstable();
            for (end, again) in ends.into_iter().chain([(new.len(), false)]) {
                if (end as u64) < after.next() {
                    continue;
                }
                after.borrow(&mut before);
                feed(&mut after, new, end, &mut out);
                after.settle(&mut before);
                if again {
                    before = Splitter::at(before.position());
                    after = Splitter::at(after.position());
                    feed(&mut before, old, old.len(), &mut out);
                }
            }
            let bare = |told: Vec<Told>| {
                let mut told: Vec<_> =
                    told.into_iter().map(|(text, _, cut, head)| (text, cut, head)).collect();
                told.sort();
                told
            };
            prop_assert_eq!(bare(out), bare(slow(&text)));
            let all = Position { at: old.len() as u64, ..Position::default() };
            let waits = before.lends() || before.holds_lines();
            prop_assert!(waits || before.position() == all);
        }
    }

    #[test]
    fn a_stream_waits_and_the_other_does_not() {
        let line = |stream: &str, text: &str| format!("2026-11-22T19:04:05Z {stream} {text}\n");
        let text = [
            line("stdout", "P one "),
            line("stderr", "F error"),
            "not of a container\n".to_owned(),
            line("stdout", "F two"),
            line("stdout", "F "),
        ]
        .concat();
        let (mut splitter, mut out) = (Splitter::default(), Vec::new());
        let third = text.find("not").unwrap();
        feed(&mut splitter, &text, third, &mut out);
        assert_eq!(out, [("error".into(), 35, false, Some(("stderr", false)))]);
        let position = Position { at: 0, rest: false, done: [0, third as u64, third as u64] };
        assert_eq!(splitter.position(), position);
        let (now, second) = (crate::base::clock::monotonic(), Duration::from_secs(1));
        assert!(!splitter.find_due(now, second));
        assert!(splitter.find_due(now + second, second));
        let mut splitter = Splitter::at(position);
        feed(&mut splitter, &text, text.len(), &mut out);
        let told: Vec<_> = out.iter().skip(1).map(|(text, at, ..)| (text.as_str(), *at)).collect();
        let last = text.len() as u64 - 31;
        assert_eq!(told, [("not of a container", third as u64), ("one two", 0), ("", last)]);
        assert_eq!(splitter.position(), Position { at: text.len() as u64, ..Position::default() });
    }
}
