//! Framing of TCP streams: where one message ends and the next begins (RFC 6587; rsyslog imtcp).
//!
//! What a frame is gets decided anew at the start of each one: a digit begins an octet count,
//! everything else a line. A [`Decoder`] is one connection's state between two reads. It owns no
//! bytes: the caller keeps the unconsumed tail, which never exceeds [`FrameSettings::tail_max`].
//!
//! Seen from rsyslogd 8.2302 and kept, because a relay in its place must give the same bytes:
//! - The byte after an octet count is swallowed, whatever it is.
//! - A count of 0 is forgotten; a count above `maxFrameSize` becomes the start of a line.
//! - A message longer than `maxMessageSize` is cut; the byte at which that is noticed is lost, and
//!   what follows is the next message.
//! - An octet frame that is incomplete when the stream ends is discarded, an incomplete line is
//!   not.
//!
//! Not kept, both in imptcp: it discards the incomplete line too, and it submits the first part of
//! an overlong line again for each byte that follows.

#[cfg(any(test, fuzzing))]
pub mod naive;
#[cfg(test)]
mod tests;

use memchr::memchr;
use memchr::memchr2;

use crate::base::limits;
use crate::base::num::count;
use crate::base::num::len32;
use crate::base::span::Span;

/// How one listener's streams are cut. Names in parentheses are rsyslog's parameters.
#[derive(Clone, Debug)]
pub struct FrameSettings {
    /// Recognise octet counts (`supportOctetCountedFraming`).
    pub octet_counting: bool,
    /// LF ends a line (not `disableLFDelimiter`).
    pub lf_delimiter: bool,
    /// One more byte that ends a line (`addtlFrameDelimiter`).
    pub extra_delimiter: Option<u8>,
    /// Longest message in bytes (`maxMessageSize`).
    pub message_bytes_max: usize,
    /// Largest octet count that is believed (`maxFrameSize`).
    pub frame_bytes_max: usize,
    /// Skip the rest of an overlong message instead of making it the next one
    /// (`discardTruncatedMsg`).
    pub discard_truncated: bool,
    /// The same for octet frames only: what imptcp does.
    pub discard_truncated_octets: bool,
    /// Skip spaces in front of a frame (`framingfix.cisco.asa`).
    pub cisco_asa: bool,
    /// LF ends a message only where `<` or the end of the stream follows (imptcp `multiLine`).
    pub multi_line: bool,
    /// A message ends in front of a line that matches (imptcp `framing.delimiter.regex`). Octet
    /// counts are not recognised then.
    pub regex: Option<regex::bytes::Regex>,
    /// Bongsu's own: digits are an octet count only where a space and `<` follow and the count is
    /// within limits; otherwise they are text.
    pub strict: bool,
}

impl Default for FrameSettings {
    fn default() -> Self {
        Self {
            octet_counting: true,
            lf_delimiter: true,
            extra_delimiter: None,
            message_bytes_max: limits::MESSAGE_BYTES_DEFAULT,
            frame_bytes_max: limits::TCP_FRAME_BYTES_DEFAULT,
            discard_truncated: false,
            discard_truncated_octets: false,
            cisco_asa: false,
            multi_line: false,
            regex: None,
            strict: false,
        }
    }
}

impl FrameSettings {
    /// The most bytes that [`Decoder::decode`] leaves unconsumed.
    #[must_use]
    pub fn tail_max(&self) -> usize {
        let messages = if self.regex.is_some() { 2 } else { 1 };
        (self.message_bytes_max * messages).max(STRICT_HEADER_MAX) + 1
    }

    /// Whether it matters where one read ends and the next begins: imptcp's `multiLine` takes an
    /// LF at the end of a read for the end of the message.
    #[must_use]
    pub const fn sees_reads(&self) -> bool {
        self.multi_line
    }
}

/// A frame: its bytes in the receive buffer, without delimiter or count; never empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    pub span: Span,
    /// It was longer than the limit, and this is its first part.
    pub truncated: bool,
}

/// What went wrong in streams, by reason. Frames, except where bytes are named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameEvents {
    /// An octet count of 0.
    pub bad_count: u64,
    /// An octet count above the limit, taken as text.
    pub count_too_large: u64,
    /// Something else than a space after an octet count.
    pub delimiter_not_space: u64,
    /// Cut at the message limit.
    pub oversize: u64,
    /// An octet frame that had not arrived in full when the stream ended.
    pub incomplete: u64,
    /// Two delimiters in a row.
    pub empty: u64,
    /// Bytes of messages that reached no frame.
    pub discarded_bytes: u64,
}

/// Where a stream stands between two reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Between two frames; no tail.
    #[default]
    Start,
    /// In an octet count; the tail is its digits.
    Count,
    /// In an octet frame; the tail is the message so far.
    Octets,
    /// In a line; the tail is the message so far.
    Line,
    /// In an octet frame's unwanted rest; no tail.
    SkipOctets,
    /// In a line's unwanted rest; no tail.
    SkipLine,
}

/// One connection's framing state: a few words, no heap.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    state: State,
    /// `Count`: the value so far. `Octets`, `SkipOctets`: bytes from the tail's start to the
    /// frame's end.
    count: u32,
    /// Bytes of the tail that have been looked at.
    scanned: u32,
    /// Regex framing: where the tail's last line begins.
    line: u32,
}

/// Regex framing: bytes of an unfinished line that are tried.
const REGEX_LINE_START: u32 = 1024;

/// Strict mode: the longest `digits SP <` that can still be a count.
const STRICT_HEADER_MAX: usize = 12;

/// One call's view of the stream.
struct Input<'a> {
    settings: &'a FrameSettings,
    data: &'a mut [u8],
    /// First byte that no frame has taken.
    at: usize,
    end: usize,
    frames: &'a mut Vec<Frame>,
    events: &'a mut FrameEvents,
}

/// Whether a step used up what there was.
#[derive(PartialEq, Eq)]
enum Step {
    Again,
    NeedMore,
}

impl Decoder {
    /// Cuts `data[from..received]`, the bytes that no frame has taken yet, into frames, which are
    /// pushed to `frames`. Returns where the unconsumed tail begins; the caller passes
    /// `data[ret..received]` again, first, in the next call.
    ///
    /// Bytes of an octet count that turns out to be text may be moved over the byte that followed
    /// it, so that the message is one span; nothing else in `data` changes.
    pub fn decode(
        &mut self,
        settings: &FrameSettings,
        data: &mut [u8],
        from: usize,
        received: usize,
        frames: &mut Vec<Frame>,
        events: &mut FrameEvents,
    ) -> usize {
        let mut input = Input { settings, data, at: from, end: received, frames, events };
        while input.at < input.end {
            let step = match self.state {
                State::Start => self.start(&mut input),
                State::Count if settings.strict => self.strict_count(&mut input),
                State::Count => self.count(&mut input),
                State::Octets => self.octets(&mut input),
                State::Line => match &settings.regex {
                    Some(regex) => self.regex_line(&mut input, regex),
                    None if settings.multi_line => self.multi_line(&mut input),
                    None => self.line(&mut input),
                },
                State::SkipOctets => self.skip_octets(&mut input),
                State::SkipLine => self.skip_line(&mut input),
            };
            if step == Step::NeedMore {
                break;
            }
        }
        input.at
    }

    /// The stream has ended with `data[from..received]` unconsumed: an incomplete line is a
    /// message, an incomplete octet frame is not.
    pub fn finish(
        &mut self,
        settings: &FrameSettings,
        data: &mut [u8],
        from: usize,
        received: usize,
        frames: &mut Vec<Frame>,
        events: &mut FrameEvents,
    ) {
        let mut input = Input { settings, data, at: from, end: received, frames, events };
        match self.state {
            State::Start | State::SkipLine => {}
            State::Line => {
                if let Some(regex) = &settings.regex {
                    self.ends_before_line(&mut input, regex, received);
                }
                input.push_capped(received - input.at);
            }
            // Undecided digits are text in strict mode.
            State::Count if settings.strict => input.push_capped(received - from),
            State::Count | State::Octets | State::SkipOctets => {
                input.events.incomplete += 1;
                input.events.discarded_bytes += count(received - from);
            }
        }
        *self = Self::default();
    }

    fn start(&mut self, input: &mut Input<'_>) -> Step {
        let settings = input.settings;
        let byte = input.data[input.at];
        self.scanned = 0;
        self.count = 0;
        self.line = 0;
        self.state = if byte.is_ascii_digit() && settings.octet_counting && settings.regex.is_none()
        {
            State::Count
        } else if byte == b' ' && settings.cisco_asa {
            input.at += 1;
            State::Start
        } else {
            State::Line
        };
        Step::Again
    }

    fn count(&mut self, input: &mut Input<'_>) -> Step {
        let mut at = input.at + self.scanned as usize;
        while at < input.end && input.data[at].is_ascii_digit() {
            self.count = next_count(self.count, input.data[at]);
            at += 1;
        }
        let max = input.settings.message_bytes_max;
        if at - input.at > max {
            // Of more digits than a message may have, the first ones would be kept; move them up.
            input.data.copy_within(input.at..input.at + max, at - max);
            input.at = at - max;
        }
        self.scanned = len32(at - input.at);
        if at == input.end {
            return Step::NeedMore;
        }
        if input.data[at] != b' ' {
            input.events.delimiter_not_space += 1;
        }
        self.after_count(input, at);
        Step::Again
    }

    /// The digits end at `delimiter`; decides what they mean.
    fn after_count(&mut self, input: &mut Input<'_>, delimiter: usize) {
        let value = self.count as usize;
        self.scanned = 0;
        if value == 0 {
            input.events.bad_count += 1;
            input.at = delimiter + 1;
            self.state = State::Line;
        } else if value > input.settings.frame_bytes_max {
            // The digits are text, the delimiter is gone: close the gap.
            input.events.count_too_large += 1;
            input.data.copy_within(input.at..delimiter, input.at + 1);
            input.at += 1;
            self.state = State::Line;
        } else {
            input.at = delimiter + 1;
            self.state = State::Octets;
        }
    }

    /// Strict mode: a count is digits, a space and `<`, and is within limits.
    fn strict_count(&mut self, input: &mut Input<'_>) -> Step {
        let head = &input.data[input.at..input.end.min(input.at + STRICT_HEADER_MAX)];
        let digits = head.iter().take_while(|b| b.is_ascii_digit()).count();
        let value = head[..digits].iter().fold(0, |value, digit| next_count(value, *digit));
        let limit = input.settings.frame_bytes_max;
        let verdict = match &head[digits..] {
            [b' ', b'<', ..] => (1..=limit).contains(&(value as usize)).then_some(State::Octets),
            [] | [b' '] if head.len() < STRICT_HEADER_MAX => return Step::NeedMore,
            _ => None,
        };
        self.scanned = 0;
        if verdict == Some(State::Octets) {
            self.count = value;
            input.at += digits + 1;
        }
        self.state = verdict.unwrap_or(State::Line);
        Step::Again
    }

    fn octets(&mut self, input: &mut Input<'_>) -> Step {
        let settings = input.settings;
        let (left, have) = (self.count as usize, input.end - input.at);
        if left <= settings.message_bytes_max {
            if have < left {
                return Step::NeedMore;
            }
            input.push(left, false);
            input.at += left;
            self.state = State::Start;
            return Step::Again;
        }
        // The byte past the limit is what makes the frame oversize; it is lost.
        let max = settings.message_bytes_max;
        if have <= max {
            return Step::NeedMore;
        }
        input.push_cut(max);
        self.count = len32(left - max - 1);
        self.state = if self.count == 0 {
            State::Start
        } else if settings.discard_truncated || settings.discard_truncated_octets {
            State::SkipOctets
        } else {
            State::Octets
        };
        Step::Again
    }

    fn skip_octets(&mut self, input: &mut Input<'_>) -> Step {
        let skipped = (self.count as usize).min(input.end - input.at);
        input.at += skipped;
        input.events.discarded_bytes += count(skipped);
        self.count -= len32(skipped);
        if self.count == 0 {
            self.state = State::Start;
        }
        Step::Again
    }

    fn line(&mut self, input: &mut Input<'_>) -> Step {
        let max = input.settings.message_bytes_max;
        // No delimiter past the limit matters: there the line is cut.
        let window = input.end.min(input.at + max + 1);
        let from = input.at + self.scanned as usize;
        match input.delimiter(from, window) {
            Some(at) => {
                input.push(at - input.at, false);
                input.at = at + 1;
                self.state = State::Start;
                Step::Again
            }
            None if window - input.at > max => {
                self.cut_line(input, max);
                Step::Again
            }
            None => {
                self.scanned = len32(input.end - input.at);
                Step::NeedMore
            }
        }
    }

    /// The line is longer than the limit.
    fn cut_line(&mut self, input: &mut Input<'_>, max: usize) {
        input.push_cut(max);
        self.scanned = 0;
        if input.settings.discard_truncated {
            self.state = State::SkipLine;
        }
    }

    fn skip_line(&mut self, input: &mut Input<'_>) -> Step {
        let end = input.delimiter(input.at, input.end);
        let stop = end.unwrap_or(input.end);
        input.events.discarded_bytes += count(stop - input.at);
        if end.is_some() {
            self.state = State::Start;
        }
        input.at = end.map_or(stop, |at| at + 1);
        Step::Again
    }

    /// A line that ends only where `<` is next, or nothing more has been received: so rsyslog
    /// documents it, and so the last message of a burst does not wait for the next one.
    fn multi_line(&mut self, input: &mut Input<'_>) -> Step {
        let max = input.settings.message_bytes_max;
        let window = input.end.min(input.at + max + 1);
        let mut from = input.at + self.scanned as usize;
        while let Some(at) = input.delimiter(from, window) {
            let is_line_end = input.data[at] == b'\n' && input.settings.lf_delimiter;
            if !is_line_end || matches!(input.data[..input.end].get(at + 1), None | Some(b'<')) {
                input.push(at - input.at, false);
                input.at = at + 1;
                self.state = State::Start;
                return Step::Again;
            }
            from = at + 1;
        }
        if window - input.at > max {
            self.cut_line(input, max);
            return Step::Again;
        }
        self.scanned = len32(window - input.at);
        Step::NeedMore
    }

    /// A message that ends in front of a line that matches `regex`, as soon as it does.
    fn regex_line(&mut self, input: &mut Input<'_>, regex: &regex::bytes::Regex) -> Step {
        let cut = input.settings.message_bytes_max * 2;
        let window = input.end.min(input.at + cut);
        let mut from = input.at + self.scanned as usize;
        while let Some(at) = memchr(b'\n', &input.data[from..window]).map(|at| from + at) {
            if self.ends_before_line(input, regex, at) {
                return Step::Again;
            }
            self.line = len32(at + 1 - input.at);
            from = at + 1;
        }
        self.scanned = len32(window - input.at);
        let full = input.end > window;
        // A long line without a match is not looked at again for each byte that it grows by.
        let short = self.scanned - self.line <= REGEX_LINE_START;
        if (full || short) && self.ends_before_line(input, regex, window) {
            return Step::Again;
        }
        if !full {
            return Step::NeedMore;
        }
        input.push_capped(cut);
        input.at += cut;
        self.line = 0;
        self.scanned = 0;
        Step::Again
    }

    /// Submits what stands before the last line, if that line, up to `end`, begins a message.
    fn ends_before_line(
        &mut self,
        input: &mut Input<'_>,
        regex: &regex::bytes::Regex,
        end: usize,
    ) -> bool {
        let line = input.at + self.line as usize;
        if self.line == 0 || !regex.is_match(&input.data[line..end]) {
            return false;
        }
        input.push_capped(line - input.at);
        input.at = line;
        self.line = 0;
        self.scanned = len32(end - line);
        true
    }
}

impl Input<'_> {
    /// The first delimiter in `data[from..to]`.
    #[inline]
    fn delimiter(&self, from: usize, to: usize) -> Option<usize> {
        let bytes = &self.data[from..to];
        match (self.settings.lf_delimiter, self.settings.extra_delimiter) {
            (true, None) => memchr(b'\n', bytes),
            (true, Some(extra)) => memchr2(b'\n', extra, bytes),
            (false, Some(extra)) => memchr(extra, bytes),
            (false, None) => None,
        }
        .map(|at| from + at)
    }

    /// The next `len` bytes are a frame; the caller moves on.
    #[inline]
    fn push(&mut self, len: usize, truncated: bool) {
        if len == 0 {
            self.events.empty += 1;
            return;
        }
        self.frames.push(Frame { span: Span::new(self.at, self.at + len), truncated });
    }

    /// The next `max` bytes are the first part of a message that is too long; the byte after them
    /// is lost.
    fn push_cut(&mut self, max: usize) {
        self.events.oversize += 1;
        self.events.discarded_bytes += 1;
        self.push(max, true);
        self.at += max + 1;
    }

    /// The next `len` bytes are a message, of which the limit may leave only the first part.
    fn push_capped(&mut self, len: usize) {
        let kept = len.min(self.settings.message_bytes_max);
        if kept < len {
            self.events.oversize += 1;
            self.events.discarded_bytes += count(len - kept);
        }
        self.push(kept, kept < len);
    }
}

/// A count with one more digit; past rsyslog's ceiling it no longer changes.
#[inline]
fn next_count(value: u32, digit: u8) -> u32 {
    if value as usize <= limits::TCP_FRAME_COUNT_MAX {
        value.saturating_mul(10).saturating_add(u32::from(digit - b'0'))
    } else {
        value
    }
}
