//! Unix datagram sockets: many messages a call with what the kernel knows of their senders, and
//! sockets that whoever started this process has opened.

use std::io;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use rustix::net::AddressFamily;
use rustix::net::SocketType;
use rustix::net::sockopt;

use crate::base::clock::Wall;
use crate::base::limits;
use crate::base::span::Span;
use crate::net::sys;

pub use crate::net::sys::Credentials;

/// Datagrams that one call takes. The kernel queues 10 of them for a socket
/// (`net.unix.max_dgram_qlen`), or, where systemd set it, 512.
const RING_MESSAGES: usize = 64;

/// Receives up to 64 datagrams a call, fewer where messages may be long.
#[derive(Debug)]
pub struct UnixRing {
    arrays: sys::RecvArrays,
    /// Slots of `slot` bytes each, untouched but for what was received.
    slab: Vec<u8>,
    slot: usize,
}

/// One received datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent<'a> {
    pub bytes: &'a [u8],
    /// It was longer than a slot; the rest is gone.
    pub truncated: bool,
    pub sender: Option<Credentials>,
    /// When it was sent, by the kernel's clock.
    pub time: Option<Wall>,
}

impl UnixRing {
    /// A ring for messages of at most `message_bytes` bytes.
    #[must_use]
    pub fn new(message_bytes: usize) -> Self {
        let slot = message_bytes.max(1);
        let slots = (limits::UDP_RING_BYTES / slot).clamp(1, RING_MESSAGES);
        Self { arrays: sys::RecvArrays::new(slots), slab: vec![0; slot * slots], slot }
    }

    /// Makes the kernel tell who sends, and when. Once for each socket that the ring reads.
    ///
    /// # Errors
    /// What `setsockopt` says.
    pub fn take_notes(socket: &impl AsFd) -> io::Result<()> {
        sys::take_notes(socket.as_fd())
    }

    /// Takes what is waiting, without waiting itself, and returns how many datagrams came (at
    /// least 1). Made for `tokio::net::UnixDatagram::try_io`.
    ///
    /// # Errors
    /// `WouldBlock` if nothing is there; what the kernel says otherwise.
    pub fn recv(&mut self, socket: &impl AsFd) -> io::Result<usize> {
        self.arrays.recv(socket.as_fd(), &mut self.slab, self.slot, self.slot)
    }

    /// Datagram `i` of the latest [`UnixRing::recv`].
    #[must_use]
    pub fn datagram(&self, i: usize) -> Sent<'_> {
        let (length, truncated) = self.arrays.length(i);
        let start = i * self.slot;
        let sys::Notes { sender, time } = self.arrays.notes(i);
        let bytes = Span::new(start, start + length).of(&self.slab);
        Sent { bytes, truncated, sender, time }
    }
}

/// The first descriptor that systemd gives.
const FIRST_GIVEN: i32 = 3;
/// Descriptors that are looked at.
const GIVEN_MAX: i32 = 64;

/// The datagram socket at `path` that systemd has opened for this process (`LISTEN_PID` and
/// `LISTEN_FDS`, as in `sd_listen_fds(3)`).
#[must_use]
pub fn given(path: &Path) -> Option<UnixDatagram> {
    let number = |name| std::env::var(name).ok()?.parse::<u32>().ok();
    if number("LISTEN_PID")? != std::process::id() {
        return None;
    }
    let given = i32::try_from(number("LISTEN_FDS")?).ok()?.min(GIVEN_MAX);
    let sockets = (FIRST_GIVEN..FIRST_GIVEN + given).filter_map(|fd| sys::inherited(fd).ok());
    sockets
        .filter(is_datagrams)
        .map(UnixDatagram::from)
        .find(|socket| socket.local_addr().is_ok_and(|address| address.as_pathname() == Some(path)))
}

fn is_datagrams(socket: &OwnedFd) -> bool {
    sockopt::socket_domain(socket) == Ok(AddressFamily::UNIX)
        && sockopt::socket_type(socket) == Ok(SocketType::DGRAM)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock;

    #[test]
    fn receives_with_the_sender_and_the_time() {
        let (server, client) = UnixDatagram::pair().unwrap();
        UnixRing::take_notes(&server).unwrap();
        server.set_nonblocking(true).unwrap();
        let mut ring = UnixRing::new(100);
        assert_eq!(ring.recv(&server).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let texts: [&[u8]; 5] = [b"one", b"", b"<13>three", &[b'x'; 100], &[b'y'; 101]];
        for _ in 0..3 {
            let before = clock::wall();
            for text in texts {
                client.send(text).unwrap();
            }
            assert_eq!(ring.recv(&server).unwrap(), texts.len());
            for (i, text) in texts.iter().enumerate() {
                let got = ring.datagram(i);
                assert_eq!(got.bytes, &text[..text.len().min(100)]);
                assert_eq!(got.truncated, text.len() > 100);
                let sender = got.sender.unwrap();
                assert_eq!(sender.pid, std::process::id());
                assert_eq!(sender.uid, rustix::process::getuid().as_raw());
                assert_eq!(sender.gid, rustix::process::getgid().as_raw());
                let time = got.time.unwrap();
                assert!(before <= time && time <= clock::wall());
            }
        }
    }

    #[test]
    fn without_notes_there_are_none() {
        let (server, client) = UnixDatagram::pair().unwrap();
        client.send(b"x").unwrap();
        let mut ring = UnixRing::new(100);
        assert_eq!(ring.recv(&server).unwrap(), 1);
        let got = ring.datagram(0);
        assert_eq!((got.bytes, got.sender, got.time), (&b"x"[..], None, None));
    }
}
