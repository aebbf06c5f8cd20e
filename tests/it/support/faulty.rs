//! A collector that fails on command, numbered messages, and the count of what became of them: the
//! start of the fault rig.

use std::collections::HashMap;
use std::io::Read;
use std::io::Write;
use std::net::TcpListener;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use socket2::SockFilter;
use socket2::SockRef;

/// Bytes of each message, delimiter and all.
pub(crate) const MESSAGE_BYTES: usize = 250;
/// How long a connection that must come may take.
const SOON: Duration = Duration::from_secs(30);

/// Message `sequence` of sender `sender`, as it is sent and, with the template `%msg%\n`, arrives.
pub(crate) fn numbered(sender: usize, sequence: usize) -> (String, String) {
    let mut body = format!(" {sender}:{sequence} ");
    body.push_str(&"x".repeat(MESSAGE_BYTES - 1 - body.len()));
    (format!("<13>Oct 11 22:14:15 h t:{body}\n"), body + "\n")
}

/// Sends `count` numbered messages, and what it takes for the relay to take them.
pub(crate) fn send(sender: usize, port: u16, count: usize) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut block = String::new();
    for sequence in 0..count {
        block.push_str(&numbered(sender, sequence).0);
        if block.len() > 32 << 10 || sequence + 1 == count {
            stream.write_all(block.as_bytes()).unwrap();
            block.clear();
        }
    }
}

/// Listens; nothing is accepted unless it is asked for.
#[derive(Debug)]
pub(crate) struct FaultySink {
    listener: TcpListener,
    pub(crate) port: u16,
}

impl FaultySink {
    /// With that receive buffer for each connection: what the kernel may hold of it.
    pub(crate) fn new(receive_bytes: usize) -> Self {
        Self::at(0, receive_bytes)
    }

    pub(crate) fn at(port: u16, receive_bytes: usize) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        SockRef::from(&listener).set_recv_buffer_size(receive_bytes).unwrap();
        let port = listener.local_addr().unwrap().port();
        Self { listener, port }
    }

    /// Waits for the next connection.
    pub(crate) fn accept(&self) -> Connection {
        self.accept_within(SOON).expect("nothing connects")
    }

    pub(crate) fn accept_within(&self, limit: Duration) -> Option<Connection> {
        let start = Instant::now();
        self.listener.set_nonblocking(true).unwrap();
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(false).unwrap();
                    return Some(Connection { stream, bytes: Vec::new() });
                }
                Err(_) if start.elapsed() < limit => thread::sleep(Duration::from_millis(2)),
                Err(_) => return None,
            }
        }
    }
}

/// One connection, and what was read from it.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    pub(crate) bytes: Vec<u8>,
}

impl Connection {
    /// Reads for so long, at most `bytes`; true if the other side ended it.
    pub(crate) fn read(&mut self, time: Duration, bytes: usize) -> bool {
        let (start, before) = (Instant::now(), self.bytes.len());
        let mut buffer = [0; 16 << 10];
        self.stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        while start.elapsed() < time && self.bytes.len() - before < bytes {
            match self.stream.read(&mut buffer) {
                Ok(0) => return true,
                Ok(n) => self.bytes.extend_from_slice(&buffer[..n]),
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return true,
            }
        }
        false
    }

    /// No packet reaches the kernel's TCP any more, and so none is answered.
    pub(crate) fn go_deaf(&self) {
        // One BPF instruction: return 0, keep nothing of the packet.
        let drop_all = [SockFilter::new(0x06, 0, 0, 0)];
        SockRef::from(&self.stream).attach_filter(&drop_all).unwrap();
    }

    /// What the kernel has acknowledged and nobody has read.
    pub(crate) fn unread(&self) -> usize {
        rustix::io::ioctl_fionread(&self.stream).unwrap().try_into().unwrap()
    }

    /// Ends it as a program does that is killed: returns how many bytes were not read.
    pub(crate) fn reset(self) -> (Vec<u8>, usize) {
        // What came in between would be lost and not be counted.
        self.go_deaf();
        thread::sleep(Duration::from_millis(1));
        let unread = self.unread();
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).unwrap();
        (self.bytes, unread)
    }

    /// Ends it in order: says that it will send no more, reads what comes until the other side has
    /// ended it too.
    pub(crate) fn end(mut self) -> Vec<u8> {
        self.stream.shutdown(std::net::Shutdown::Write).unwrap();
        self.read(SOON, usize::MAX);
        self.bytes
    }
}

/// Of each message, how often it arrived whole.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    seen: HashMap<String, usize>,
    /// Ends of connections that were in the middle of a message, and starts of the next.
    pub(crate) torn: usize,
}

impl Tally {
    /// Counts what one connection brought.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let text = String::from_utf8_lossy(line);
            let id = text.split(' ').nth(1).unwrap_or_default();
            if line.len() == MESSAGE_BYTES && line.ends_with(b"\n") {
                *self.seen.entry(id.to_owned()).or_default() += 1;
            } else {
                self.torn += 1;
            }
        }
    }

    pub(crate) fn distinct(&self) -> usize {
        self.seen.len()
    }

    /// How many of `senders` times `each` messages are missing, and how many came once more.
    pub(crate) fn verdict(&self, senders: usize, each: usize) -> (usize, usize) {
        let mut whole = 0;
        for sender in 0..senders {
            for sequence in 0..each {
                whole += usize::from(self.seen.contains_key(&format!("{sender}:{sequence}")));
            }
        }
        assert_eq!(whole, self.seen.len(), "messages that nobody sent");
        let again = self.seen.values().map(|times| times - 1).sum();
        (senders * each - whole, again)
    }
}
