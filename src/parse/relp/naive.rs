//! Framing one byte at a time: the slow twin of [`Decoder`], and the fuzz target that compares
//! the two.

use crate::parse::relp;
use crate::parse::relp::Command;
use crate::parse::relp::Decoder;
use crate::parse::relp::Ending;
use crate::parse::relp::Fault;
use crate::parse::relp::FrameLimits;
use crate::parse::relp::Server;
use crate::parse::relp::Step;

/// A frame whose data is its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    pub txnr: u32,
    pub command: Command,
    pub data: Vec<u8>,
    pub truncated: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Txnr,
    Command,
    Length,
    Data,
    Trailer,
}

/// A stream taken apart byte by byte.
#[derive(Debug)]
pub struct Naive {
    limits: FrameLimits,
    part: Part,
    word: Vec<u8>,
    txnr: u32,
    command: Command,
    left: usize,
    data: Vec<u8>,
    truncated: bool,
    pub frames: Vec<Owned>,
    pub fault: Option<Fault>,
}

fn number(word: &[u8]) -> Option<u32> {
    let digits = !word.is_empty() && word.iter().all(u8::is_ascii_digit);
    digits.then(|| std::str::from_utf8(word).ok()?.parse().ok()).flatten()
}

impl Naive {
    #[must_use]
    pub const fn new(limits: FrameLimits) -> Self {
        Self {
            limits,
            part: Part::Txnr,
            word: Vec::new(),
            txnr: 0,
            command: Command::Unknown,
            left: 0,
            data: Vec::new(),
            truncated: false,
            frames: Vec::new(),
            fault: None,
        }
    }

    pub fn take(&mut self, stream: &[u8]) {
        for byte in stream {
            if self.fault.is_none() {
                self.fault = self.byte(*byte).err();
            }
        }
    }

    fn byte(&mut self, byte: u8) -> Result<(), Fault> {
        match self.part {
            Part::Txnr if byte.is_ascii_digit() => self.letter(byte, 9, Fault::Txnr),
            Part::Txnr => {
                self.txnr = number(&self.word).filter(|_| byte == b' ').ok_or(Fault::Txnr)?;
                self.go_on(Part::Command);
                Ok(())
            }
            Part::Command if byte.is_ascii_alphabetic() => self.letter(byte, 32, Fault::Command),
            Part::Command if byte == b' ' && !self.word.is_empty() => {
                self.command = Command::of(&self.word);
                self.go_on(Part::Length);
                Ok(())
            }
            Part::Command => Err(Fault::Command),
            Part::Length if byte.is_ascii_digit() => self.letter(byte, 9, Fault::Length),
            Part::Length => {
                let length = number(&self.word).ok_or(Fault::Length)?;
                self.left = length as usize;
                match (length, byte) {
                    (0, b'\n') => self.end(),
                    (1.., b' ') => {
                        self.truncated = self.left > self.limits.data_bytes_max;
                        if self.truncated && self.limits.abort {
                            return Err(Fault::TooLong);
                        }
                        self.go_on(Part::Data);
                    }
                    _ => return Err(Fault::Length),
                }
                Ok(())
            }
            Part::Data => {
                if self.data.len() < self.limits.data_bytes_max {
                    self.data.push(byte);
                }
                self.left -= 1;
                if self.left == 0 {
                    self.part = Part::Trailer;
                }
                Ok(())
            }
            Part::Trailer if byte == b'\n' => {
                self.end();
                Ok(())
            }
            Part::Trailer => Err(Fault::Trailer),
        }
    }

    fn letter(&mut self, byte: u8, most: usize, fault: Fault) -> Result<(), Fault> {
        self.word.push(byte);
        if self.word.len() > most { Err(fault) } else { Ok(()) }
    }

    fn go_on(&mut self, part: Part) {
        self.word.clear();
        self.part = part;
    }

    fn end(&mut self) {
        self.frames.push(Owned {
            txnr: self.txnr,
            command: self.command,
            data: std::mem::take(&mut self.data),
            truncated: std::mem::take(&mut self.truncated),
        });
        self.go_on(Part::Txnr);
    }
}

/// What the decoder makes of `stream`, read `read` bytes at a time.
///
/// # Panics
/// If it keeps more than it may.
#[must_use]
pub fn decoded(limits: FrameLimits, stream: &[u8], read: usize) -> (Vec<Owned>, Option<Fault>) {
    let (mut decoder, mut frames) = (Decoder::default(), Vec::new());
    let mut tail = Vec::new();
    for piece in stream.chunks(read) {
        let mut data = std::mem::take(&mut tail);
        data.extend_from_slice(piece);
        let (mut at, end) = (0, data.len());
        loop {
            match decoder.frame(limits, &mut data, &mut at, end) {
                Ok(Some(frame)) => frames.push(Owned {
                    txnr: frame.txnr,
                    command: frame.command,
                    data: frame.data.of(&data).to_vec(),
                    truncated: frame.truncated,
                }),
                Ok(None) => break,
                Err(fault) => return (frames, Some(fault)),
            }
        }
        tail.extend_from_slice(&data[at..]);
        assert!(tail.len() <= limits.tail_max());
    }
    (frames, None)
}

/// Fuzz target: a byte of settings, one that says how long reads are, then a stream.
///
/// # Panics
/// If the decoder and its slow twin do not agree, or a server answers what it must not.
pub fn fuzz_relp(input: &[u8]) {
    let [bits, read, stream @ ..] = input else { return };
    let limits = FrameLimits { data_bytes_max: 1 + usize::from(*bits >> 1), abort: bits & 1 == 1 };
    let (frames, fault) = decoded(limits, stream, usize::from(*read) + 1);
    let mut naive = Naive::new(limits);
    naive.take(stream);
    assert_eq!((&frames, fault), (&naive.frames, naive.fault));
    serve(&frames);
}

/// A server takes `frames`: each answer is a frame, and has the number of what it answers.
fn serve(frames: &[Owned]) {
    let mut server = Server::default();
    let mut messages = 0;
    for owned in frames {
        let data = &owned.data;
        let frame = relp::Frame {
            txnr: owned.txnr,
            command: owned.command,
            data: crate::base::span::Span::new(0, data.len()),
            truncated: owned.truncated,
        };
        let mut out = Vec::new();
        let step = server.take(&frame, data, &mut out);
        let limits = FrameLimits { data_bytes_max: 4096, abort: true };
        let (said, fault) = decoded(limits, &out, 7);
        assert_eq!(fault, None);
        let answers = |said: &Owned| said.command == Command::Rsp && said.txnr == owned.txnr;
        let goodbye = |said: &Owned| said.command == Command::ServerClose && said.txnr == 0;
        match step {
            Step::Message => {
                assert!(said.is_empty() && owned.command == Command::Syslog);
                messages += 1;
            }
            Step::Answered => assert!(said.len() == 1 && answers(&said[0])),
            Step::Over(ending) => {
                assert!(said.iter().all(|said| answers(said) || goodbye(said)));
                let silent = owned.command == Command::ServerClose && ending == Ending::Closed;
                assert_eq!(said.last().is_some_and(goodbye), !silent);
                return;
            }
        }
    }
    assert!(messages <= frames.len());
}
