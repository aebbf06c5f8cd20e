//! What a server says to each command.

use crate::base::span::Span;
use crate::parse::relp;
use crate::parse::relp::Command;
use crate::parse::relp::Frame;
use crate::parse::relp::OFFERS;
use crate::parse::relp::Offers;

/// Where a session stands, as its server sees it.
#[derive(Clone, Copy, Debug)]
pub struct Server {
    open: bool,
    /// The number that the next command has.
    next: u32,
}

/// What is to be done with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A message, to be answered once it is safe.
    Message,
    /// It was answered.
    Answered,
    /// The session is over. What was written is to be said after all answers that are owed.
    Over(Ending),
}

/// How a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The client has closed it.
    Closed,
    /// The client did what it may not do: why, in words.
    Refused(&'static str),
}

impl Default for Server {
    fn default() -> Self {
        Self { open: false, next: 1 }
    }
}

impl Server {
    /// Takes `frame`, whose spans are in `data`; what has to be said is appended to `out`.
    #[inline]
    pub fn take(&mut self, frame: &Frame, data: &[u8], out: &mut Vec<u8>) -> Step {
        if frame.txnr != self.next {
            return self.other(frame, out);
        }
        self.next = relp::next(frame.txnr);
        match frame.command {
            Command::Syslog if self.open => Step::Message,
            Command::Syslog => {
                relp::write(out, frame.txnr, "rsp", b"500 command disabled");
                Step::Answered
            }
            Command::Open => self.open(frame.txnr, frame.data, data, out),
            Command::Close => {
                relp::write(out, frame.txnr, "rsp", b"");
                Self::over(Ending::Closed, out)
            }
            Command::Rsp | Command::ServerClose | Command::Unknown => {
                Self::over(Ending::Refused("no command of a client's"), out)
            }
        }
    }

    /// A number that is not the next one.
    #[cold]
    fn other(&self, frame: &Frame, out: &mut Vec<u8>) -> Step {
        if frame.txnr == 0 && frame.command == Command::ServerClose {
            return Step::Over(Ending::Closed);
        }
        let why = match self.next {
            1 if !self.open => "the first frame has not the number 1",
            _ => "a frame is out of order",
        };
        Self::over(Ending::Refused(why), out)
    }

    #[cold]
    fn open(&mut self, txnr: u32, offers: Span, data: &[u8], out: &mut Vec<u8>) -> Step {
        let offers = Offers::read(offers.of(data));
        let why = if self.open {
            "the session is open already"
        } else if offers.bad_version {
            "relp_version is no number"
        } else if !offers.syslog {
            "required command syslog not offered"
        } else {
            self.open = true;
            relp::write(out, txnr, "rsp", ["200 OK\n", OFFERS].concat().as_bytes());
            return Step::Answered;
        };
        relp::write(out, txnr, "rsp", ["500 ", why].concat().as_bytes());
        Self::over(Ending::Refused(why), out)
    }

    fn over(ending: Ending, out: &mut Vec<u8>) -> Step {
        Self::goodbye(out);
        Step::Over(ending)
    }

    /// Appends the hint that the server ends the connection.
    pub fn goodbye(out: &mut Vec<u8>) {
        relp::write(out, 0, "serverclose", b"");
    }
}
