//! The same framing, one byte at a time and with a buffer of its own, as one reads it in rsyslog's
//! documentation: what the tests hold [`super::Decoder`] against.

use super::FrameEvents;
use super::FrameSettings;
use crate::base::num::count;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Start,
    Count,
    StrictCount,
    Octets,
    Line,
    SkipOctets,
    SkipLine,
}

/// A message and whether it is only the first part of one.
pub type Message = (Vec<u8>, bool);

/// One connection.
#[derive(Debug, Default)]
pub struct Naive {
    state: State,
    text: Vec<u8>,
    /// The octet count, then the octets that are left.
    count: usize,
    /// Regex framing: where the last line of `text` begins.
    line: usize,
    pub messages: Vec<Message>,
    pub events: FrameEvents,
}

impl Naive {
    /// Takes what one read brought.
    pub fn decode(&mut self, settings: &FrameSettings, bytes: &[u8]) {
        for (at, byte) in bytes.iter().enumerate() {
            self.byte(settings, *byte, bytes.get(at + 1).copied());
        }
    }

    /// The stream ends.
    pub fn finish(&mut self, settings: &FrameSettings) {
        match self.state {
            State::Start | State::SkipLine => {}
            State::Line => self.submit_line(settings),
            State::StrictCount => self.submit_line(settings),
            State::Count | State::Octets | State::SkipOctets => {
                self.events.incomplete += 1;
                self.events.discarded_bytes += count(self.text.len());
            }
        }
        self.text.clear();
        self.state = State::Start;
    }

    fn byte(&mut self, settings: &FrameSettings, byte: u8, next: Option<u8>) {
        match self.state {
            State::Start => self.start(settings, byte, next),
            State::Count => self.count(settings, byte),
            State::StrictCount => self.strict_count(settings, byte, next),
            State::Octets => self.octet(settings, byte),
            State::Line if settings.regex.is_some() => self.regex_line(settings, byte),
            State::Line => self.line(settings, byte, next),
            State::SkipOctets => {
                self.events.discarded_bytes += 1;
                self.count -= 1;
                if self.count == 0 {
                    self.state = State::Start;
                }
            }
            State::SkipLine if is_delimiter(settings, byte) => self.state = State::Start,
            State::SkipLine => self.events.discarded_bytes += 1,
        }
    }

    fn start(&mut self, settings: &FrameSettings, byte: u8, next: Option<u8>) {
        if byte.is_ascii_digit() && settings.octet_counting && settings.regex.is_none() {
            self.count = 0;
            self.state = if settings.strict { State::StrictCount } else { State::Count };
        } else if byte == b' ' && settings.cisco_asa {
            return;
        } else {
            self.state = State::Line;
        }
        self.byte(settings, byte, next);
    }

    fn count(&mut self, settings: &FrameSettings, byte: u8) {
        if byte.is_ascii_digit() {
            if self.count <= 200_000_000 {
                self.count = self.count * 10 + usize::from(byte - b'0');
            }
            if self.text.len() < settings.message_bytes_max {
                self.text.push(byte);
            }
            return;
        }
        if byte != b' ' {
            self.events.delimiter_not_space += 1;
        }
        if self.count == 0 {
            self.events.bad_count += 1;
            self.text.clear();
            self.state = State::Line;
        } else if self.count > settings.frame_bytes_max {
            self.events.count_too_large += 1;
            self.state = State::Line;
        } else {
            self.text.clear();
            self.state = State::Octets;
        }
    }

    fn strict_count(&mut self, settings: &FrameSettings, byte: u8, next: Option<u8>) {
        self.text.push(byte);
        let digits = self.text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        match &self.text[digits..] {
            [] | [b' '] if self.text.len() < 12 => return,
            [b' ', b'<'] => {
                let value = self.text[..digits]
                    .iter()
                    .fold(0, |value: usize, digit| value * 10 + usize::from(digit - b'0'));
                if (1..=settings.frame_bytes_max).contains(&value) {
                    self.count = value;
                    self.text.clear();
                    self.state = State::Octets;
                    return self.byte(settings, byte, next);
                }
            }
            _ => {}
        }
        // No count: all of it was text.
        let text = std::mem::take(&mut self.text);
        self.state = State::Line;
        for (at, byte) in text.iter().enumerate() {
            self.byte(settings, *byte, text.get(at + 1).copied().or(next));
        }
    }

    fn octet(&mut self, settings: &FrameSettings, byte: u8) {
        self.count -= 1;
        if self.text.len() < settings.message_bytes_max {
            self.text.push(byte);
        } else {
            self.cut();
            if settings.discard_truncated || settings.discard_truncated_octets {
                self.state = State::SkipOctets;
            }
        }
        if self.count == 0 {
            // What was cut off ended with the frame: there is nothing to submit, nothing empty.
            if !self.text.is_empty() {
                self.submit(false);
            }
            self.state = State::Start;
        }
    }

    fn line(&mut self, settings: &FrameSettings, byte: u8, next: Option<u8>) {
        let ends = is_delimiter(settings, byte)
            && (!settings.multi_line
                || byte != b'\n'
                || !settings.lf_delimiter
                || matches!(next, None | Some(b'<')));
        if ends {
            if self.text.is_empty() {
                self.events.empty += 1;
            } else {
                self.submit(false);
            }
            self.state = State::Start;
        } else if self.text.len() < settings.message_bytes_max {
            self.text.push(byte);
        } else {
            self.cut();
            if settings.discard_truncated {
                self.state = State::SkipLine;
            }
        }
    }

    fn regex_line(&mut self, settings: &FrameSettings, byte: u8) {
        if self.text.len() == settings.message_bytes_max * 2 {
            self.submit_capped(settings);
            self.line = 0;
        }
        self.text.push(byte);
        if byte == b'\n' {
            self.line = self.text.len();
        } else {
            self.match_line(settings);
        }
    }

    /// Submits what stands before the last line, if that matches.
    fn match_line(&mut self, settings: &FrameSettings) {
        let regex = settings.regex.as_ref().filter(|_| self.line > 0);
        if regex.is_some_and(|regex| regex.is_match(&self.text[self.line..])) {
            let rest = self.text.split_off(self.line);
            self.submit_capped(settings);
            self.text = rest;
            self.line = 0;
        }
    }

    /// The message is too long by the byte that is lost here.
    fn cut(&mut self) {
        self.events.oversize += 1;
        self.events.discarded_bytes += 1;
        self.submit(true);
    }

    fn submit(&mut self, truncated: bool) {
        self.messages.push((std::mem::take(&mut self.text), truncated));
    }

    fn submit_capped(&mut self, settings: &FrameSettings) {
        let truncated = self.text.len() > settings.message_bytes_max;
        if truncated {
            self.events.oversize += 1;
            self.events.discarded_bytes += count(self.text.len() - settings.message_bytes_max);
            self.text.truncate(settings.message_bytes_max);
        }
        self.submit(truncated);
    }

    /// The line that the stream's end cuts short.
    fn submit_line(&mut self, settings: &FrameSettings) {
        if self.text.is_empty() {
            self.events.empty += 1;
        } else {
            self.submit_capped(settings);
        }
    }
}

fn is_delimiter(settings: &FrameSettings, byte: u8) -> bool {
    byte == b'\n' && settings.lf_delimiter || settings.extra_delimiter == Some(byte)
}
