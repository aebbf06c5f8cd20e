//! From a file's bytes to messages. Reads end anywhere: what is unfinished is kept until the next
//! one. (rsyslog imfile: `readMode`, `startmsg.regex`, `endmsg.regex`.)

mod cri;

use std::time::Duration;
use std::time::Instant;

use memchr::memchr;
use memchr::memchr_iter;

pub(super) use cri::Head;

use crate::base::num::count;
use crate::base::num::len32;
use crate::base::posix::Expression;
use crate::base::span::Span;
use crate::input::file::split::cri::Joiner;
use crate::parse::cri::HEADER_MAX;

/// What makes lines into messages.
#[derive(Clone, Debug)]
pub(super) enum Mode {
    /// Each line is one.
    Lines,
    /// Empty lines stand between them.
    Paragraphs,
    /// Lines that begin with a blank or a tab belong to the one before.
    Indented,
    /// One begins with each line that matches.
    Start(Expression),
    /// One ends with each line that matches.
    End(Expression),
    /// Each line is one, or a part of one, behind a header (`format="cri"`).
    Cri,
}

/// How an input's files are split.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) mode: Mode,
    /// What is written for a line end inside a message.
    pub(super) line_end: Box<[u8]>,
    /// Whether that is an LF: indented messages then keep their last one, as in rsyslog.
    pub(super) keeps_last_end: bool,
    /// `trimLineOverBytes`; 0: no limit.
    pub(super) trim: usize,
    /// `maxMessageSize`, bytes.
    pub(super) max: usize,
    /// `addCeeTag`
    pub(super) cee: bool,
    /// `discardTruncatedMsg`
    pub(super) discard: bool,
}

/// Up to where a file was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    /// Offset of the first byte that is in no message yet.
    pub(super) at: u64,
    /// That byte belongs to a line which was cut: what is left of it is no message.
    pub(super) rest: bool,
    /// [`Mode::Cri`]: which lines are in messages all the same: of stdout, of stderr and of neither
    /// those that begin before this. All 0 if none are.
    pub(super) done: [u64; 3],
}

/// One message, in [`Sheet::data`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) span: Span,
    /// `$!metadata!fileoffset`
    pub(super) offset: u64,
    /// It was longer, and the rest is not kept.
    pub(super) cut: bool,
    /// Which of [`Sheet::heads`] is its own; beyond their end if none is.
    pub(super) head: u32,
}

/// [`Piece::head`] of a message that has none.
pub(super) const NO_HEAD: u32 = u32::MAX;

/// What one read brought.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    /// The bytes that were read and, behind them, copies of what had to be put together.
    pub(super) data: Vec<u8>,
    pub(super) pieces: Vec<Piece>,
    pub(super) heads: Vec<Head>,
    /// Messages that were longer than one may be, whether cut or made into several.
    pub(super) oversize: u64,
}

/// A file's lines on their way into messages.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    /// Offset of the next byte that is taken.
    at: u64,
    /// The line that has not ended yet, and where it began.
    line: Vec<u8>,
    line_at: u64,
    /// What comes up to the next LF goes nowhere.
    rest: bool,
    /// `line` goes on with one that was too long to be taken whole.
    continued: bool,
    /// Lines of the message that has not ended yet, if there is one.
    message: Vec<u8>,
    begun: bool,
    /// Where its first line begins.
    message_at: u64,
    /// What is said of where it begins.
    shown_at: u64,
    /// It is too long: more of it is not kept.
    full: bool,
    joiner: Joiner,
}

impl Rules {
    /// Whether a line is a message as it stands.
    const fn plain(&self) -> bool {
        matches!(self.mode, Mode::Lines) && self.trim == 0 && !self.cee
    }

    /// Longest line that is taken whole, in bytes.
    const fn line_max(&self) -> usize {
        match self.mode {
            Mode::Cri => self.max + HEADER_MAX,
            _ => self.max,
        }
    }
}

impl Sheet {
    /// Empties it and keeps its memory.
    pub(super) fn clear(&mut self) {
        self.data.clear();
        self.pieces.clear();
        self.heads.clear();
        self.oversize = 0;
    }

    /// Adds a message, unless there is nothing in it.
    fn put(&mut self, text: &[u8], offset: u64, cut: bool, rules: &Rules) {
        if !text.is_empty() {
            self.put_any(text, offset, cut, rules);
        }
    }

    /// Adds a message.
    fn put_any(&mut self, text: &[u8], offset: u64, cut: bool, rules: &Rules) {
        let start = self.data.len();
        if rules.cee {
            self.data.extend_from_slice(b"@cee:");
        }
        let trims =
            matches!(rules.mode, Mode::Lines | Mode::Indented | Mode::Cri) && rules.trim > 0;
        if trims && text.len() > rules.trim {
            self.data.extend_from_slice(text.get(..rules.trim).unwrap_or(text));
            self.data.push(b'\n');
        } else {
            self.data.extend_from_slice(text);
        }
        if rules.cee {
            // rsyslog takes the end mark of its string along.
            self.data.push(0);
        }
        let cut = cut || self.data.len() - start > rules.max;
        self.data.truncate(start + rules.max.min(self.data.len() - start));
        self.oversize += u64::from(cut);
        let span = Span::new(start, self.data.len());
        self.pieces.push(Piece { span, offset, cut, head: NO_HEAD });
    }

    /// Adds a message that stands in the data.
    fn put_span(&mut self, text: Span, offset: u64, rules: &Rules) {
        let cut = text.len() > rules.max;
        let start = text.start as usize;
        let span = Span::new(start, start + text.len().min(rules.max));
        self.oversize += u64::from(cut);
        self.pieces.push(Piece { span, offset, cut, head: NO_HEAD });
    }

    /// Says what stood before the last message.
    fn head(&mut self, head: Head) {
        if let Some(piece) = self.pieces.last_mut() {
            piece.head = len32(self.heads.len());
            self.heads.push(head);
        }
    }
}

impl Splitter {
    /// For a file that is read from `position` on.
    pub(super) fn at(position: Position) -> Self {
        let Position { at, rest, .. } = position;
        let joiner = Joiner::at(position);
        Self { at, line_at: at, message_at: at, shown_at: at, rest, joiner, ..Self::default() }
    }

    /// Where to go on reading.
    pub(super) const fn next(&self) -> u64 {
        self.at
    }

    /// Where to begin again, so that nothing is lost and no message comes twice.
    pub(super) fn position(&self) -> Position {
        if let Some(position) = self.joiner.position(self.line_at, self.rest) {
            return position;
        }
        let at = if self.begun { self.message_at } else { self.line_at };
        Position { at, rest: self.rest && !self.begun, done: [0; 3] }
    }

    /// Whether whole lines wait for what comes behind them.
    pub(super) fn holds_lines(&self) -> bool {
        self.begun || self.joiner.holds()
    }

    /// Whether one of them is in a message that another file goes on with.
    pub(super) fn lends(&self) -> bool {
        self.joiner.lends()
    }

    /// Whether a line that comes may go on with one of the file that was here before.
    pub(super) fn is_fresh(&self) -> bool {
        self.joiner.is_fresh()
    }

    /// See [`Joiner::borrow`].
    pub(super) fn borrow(&mut self, before: &mut Self) {
        self.joiner.borrow(&mut before.joiner);
    }

    /// There is no file before this one any more.
    pub(super) const fn is_first(&mut self) {
        self.joiner.is_first();
    }

    /// See [`Joiner::settle`].
    pub(super) fn settle(&mut self, before: &mut Self) -> bool {
        self.joiner.settle(&mut before.joiner)
    }

    /// Takes the bytes of `sheet` from `from` on.
    pub(super) fn take(&mut self, sheet: &mut Sheet, from: usize, rules: &Rules) {
        let until = sheet.data.len();
        let mut next = from;
        while let Some(start) = self.first_line(sheet, next, until, rules) {
            next = match rules.mode {
                Mode::Cri => self.cri_lines(sheet, start, until, rules),
                _ if rules.plain() => self.plain_lines(sheet, start, until, rules),
                _ => self.lines(sheet, start, until, rules),
            };
            let bytes = sheet.data.get(next..until).unwrap_or_default();
            let taken = bytes.get(..self.room(rules)).unwrap_or(bytes);
            self.line.extend_from_slice(taken);
            self.at += count(taken.len());
            next += taken.len();
            if self.room(rules) > 0 {
                return;
            }
            self.overlong(sheet, rules);
        }
    }

    /// The line that the read before left unfinished. Returns where the next one begins, if there
    /// is one.
    fn first_line(
        &mut self,
        sheet: &mut Sheet,
        mut from: usize,
        until: usize,
        rules: &Rules,
    ) -> Option<usize> {
        if self.line.is_empty() && !self.rest && !self.continued {
            return Some(from);
        }
        loop {
            let bytes = sheet.data.get(from..until).unwrap_or_default();
            let end = memchr(b'\n', bytes);
            let part = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
            let room = if self.rest { part.len() } else { self.room(rules) };
            let taken = part.get(..room).unwrap_or(part);
            self.at += count(taken.len());
            from += taken.len();
            if self.rest {
                self.line_at = self.at;
            } else {
                self.line.extend_from_slice(taken);
            }
            if taken.len() < part.len() || (end.is_none() && self.room(rules) == 0) {
                self.overlong(sheet, rules);
                if from == until {
                    return None;
                }
                continue;
            }
            end?;
            self.at += 1;
            if !std::mem::take(&mut self.rest) {
                let line = std::mem::take(&mut self.line);
                self.end_of_line(&line, sheet, rules);
                self.line = line;
            }
            self.line.clear();
            self.continued = false;
            self.line_at = self.at;
            return Some(from + 1);
        }
    }

    /// Bytes that the unfinished line may still grow by. One more than a message may have tells
    /// that it is too long.
    const fn room(&self, rules: &Rules) -> usize {
        (rules.line_max() + 1).saturating_sub(self.line.len())
    }

    /// Lines that are messages, where they stand. Returns where the unfinished one begins.
    fn plain_lines(
        &mut self,
        sheet: &mut Sheet,
        from: usize,
        until: usize,
        rules: &Rules,
    ) -> usize {
        let Sheet { data, pieces, oversize, .. } = sheet;
        let bytes = data.get(from..until).unwrap_or_default();
        let mut start = 0;
        for end in memchr_iter(b'\n', bytes) {
            let length = end - start;
            if length > 0 {
                let cut = length > rules.max;
                *oversize += u64::from(cut);
                let kept = if cut { rules.max } else { length };
                let span = Span::new(from + start, from + start + kept);
                let offset = self.at + count(start);
                pieces.push(Piece { span, offset, cut, head: NO_HEAD });
            }
            start = end + 1;
        }
        self.at += count(start);
        self.line_at = self.at;
        from + start
    }

    /// Lines of containers, where they stand. Returns where the unfinished one begins, or one that
    /// is too long.
    fn cri_lines(
        &mut self,
        sheet: &mut Sheet,
        mut from: usize,
        until: usize,
        rules: &Rules,
    ) -> usize {
        while let Some(length) = memchr(b'\n', sheet.data.get(from..until).unwrap_or_default()) {
            if length > rules.line_max() {
                break;
            }
            self.joiner.line(Span::new(from, from + length), self.at, sheet, rules);
            self.at += count(length) + 1;
            from += length + 1;
        }
        self.line_at = self.at;
        from
    }

    /// Lines that something must be done to. Returns where the unfinished one begins, or one that
    /// is too long.
    fn lines(&mut self, sheet: &mut Sheet, mut from: usize, until: usize, rules: &Rules) -> usize {
        // What is put together stands behind the bytes that were read: they cannot be borrowed.
        let mut line = std::mem::take(&mut self.line);
        while let Some(length) = memchr(b'\n', sheet.data.get(from..until).unwrap_or_default()) {
            if length > rules.max {
                break;
            }
            line.clear();
            line.extend_from_slice(sheet.data.get(from..from + length).unwrap_or_default());
            self.at += count(length) + 1;
            from += length + 1;
            self.end_of_line(&line, sheet, rules);
            self.line_at = self.at;
        }
        line.clear();
        self.line = line;
        from
    }

    /// The unfinished line is longer than a message may be.
    fn overlong(&mut self, sheet: &mut Sheet, rules: &Rules) {
        let mut line = std::mem::take(&mut self.line);
        match rules.mode {
            Mode::Lines => {
                sheet.put(&line, self.line_at, true, rules);
                self.rest = true;
            }
            Mode::Cri => {
                self.end_of_line(&line, sheet, rules);
                self.rest = true;
            }
            _ => {
                self.end_of_line(&line, sheet, rules);
                self.continued = true;
            }
        }
        self.line_at = self.at;
        line.clear();
        self.line = line;
    }

    /// A line, or a part of one that is very long, is there; [`Self::at`] stands behind it.
    fn end_of_line(&mut self, line: &[u8], sheet: &mut Sheet, rules: &Rules) {
        match &rules.mode {
            Mode::Lines => sheet.put(line, self.line_at, false, rules),
            Mode::Cri => {
                let start = sheet.data.len();
                sheet.data.extend_from_slice(line);
                let line = Span::new(start, sheet.data.len());
                self.joiner.line(line, self.line_at, sheet, rules);
            }
            Mode::Paragraphs => self.line_of_paragraph(line, sheet, rules),
            Mode::Indented => self.line_of_indented(line, sheet, rules),
            Mode::Start(regex) => {
                if !self.continued && regex.is_match(line) {
                    if self.begun {
                        self.flush(sheet, rules);
                        self.shown_at = self.at;
                    }
                    self.full = false;
                }
                self.append(line, sheet, rules);
            }
            Mode::End(regex) => {
                self.append(line, sheet, rules);
                if regex.is_match(line) {
                    self.flush(sheet, rules);
                    self.shown_at = self.at;
                    self.full = false;
                }
            }
        }
    }

    fn line_of_paragraph(&mut self, line: &[u8], sheet: &mut Sheet, rules: &Rules) {
        if line.is_empty() && !self.continued {
            self.flush(sheet, rules);
        } else {
            self.append_some(line, rules);
        }
    }

    fn line_of_indented(&mut self, line: &[u8], sheet: &mut Sheet, rules: &Rules) {
        if !self.continued && !line.starts_with(b" ") && !line.starts_with(b"\t") {
            self.flush(sheet, rules);
        }
        if !line.is_empty() || self.continued {
            self.append_some(line, rules);
        }
    }

    /// Adds a line to a message that is cut where it is too long.
    fn append_some(&mut self, line: &[u8], rules: &Rules) {
        let begins = !std::mem::replace(&mut self.begun, true);
        if begins {
            (self.message_at, self.shown_at) = (self.line_at, self.line_at);
        }
        let bare = begins || self.continued;
        for part in [if bare { &[] } else { &*rules.line_end }, line] {
            let room = (rules.max + 1).saturating_sub(self.message.len());
            self.message.extend_from_slice(part.get(..room).unwrap_or(part));
        }
        self.full = self.message.len() > rules.max;
    }

    /// Adds a line to a message that goes on as another one where it is too long.
    fn append(&mut self, line: &[u8], sheet: &mut Sheet, rules: &Rules) {
        if self.full {
            return;
        }
        let begins = !std::mem::replace(&mut self.begun, true);
        if begins {
            self.message_at = self.line_at;
        } else if self.message.len() >= rules.max {
            self.piece(sheet, rules);
            if self.full {
                return;
            }
        } else if !self.continued {
            self.message.extend_from_slice(&rules.line_end);
        }
        self.message.extend_from_slice(line);
        // A first line that just fits waits for what comes, as in rsyslog; others do not.
        let most = if begins { rules.max } else { rules.max - 1 };
        while self.begun && self.message.len() > most {
            self.piece(sheet, rules);
        }
    }

    /// As much of the message as one may have is one.
    fn piece(&mut self, sheet: &mut Sheet, rules: &Rules) {
        let first = self.message.get(..rules.max).unwrap_or(&self.message);
        sheet.put(first, self.shown_at, rules.discard, rules);
        sheet.oversize += u64::from(!rules.discard);
        (self.shown_at, self.message_at) = (self.at, self.line_at);
        if rules.discard {
            (self.full, self.begun) = (true, false);
            self.message.clear();
        } else {
            self.message.drain(..rules.max.min(self.message.len()));
        }
    }

    /// The message has ended.
    pub(super) fn flush(&mut self, sheet: &mut Sheet, rules: &Rules) {
        self.joiner.flush(false, sheet, rules);
        if !std::mem::take(&mut self.begun) {
            return;
        }
        if rules.keeps_last_end && matches!(rules.mode, Mode::Indented) {
            self.message.push(b'\n');
        }
        let cut = std::mem::take(&mut self.full);
        sheet.put(&self.message, self.shown_at, cut, rules);
        self.message.clear();
    }

    /// `readTimeout` has passed: what whole lines there are is the message.
    pub(super) fn time_out(&mut self, sheet: &mut Sheet, rules: &Rules) {
        self.flush(sheet, rules);
        self.shown_at = self.at;
    }

    /// Whether a part of a line has waited for the next one for `timeout`; asked now and then.
    pub(super) fn find_due(&mut self, now: Instant, timeout: Duration) -> bool {
        self.joiner.find_due(now, timeout)
    }

    /// Parts that were found due are messages.
    pub(super) fn take_due(&mut self, sheet: &mut Sheet, rules: &Rules) {
        self.joiner.flush(true, sheet, rules);
    }

    /// Nothing will come any more: what there is, is the message.
    pub(super) fn end(&mut self, sheet: &mut Sheet, rules: &Rules) {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.end_of_line(&line, sheet, rules);
        }
        self.flush(sheet, rules);
        (self.line_at, self.continued) = (self.at, false);
    }
}

#[cfg(test)]
mod tests;
