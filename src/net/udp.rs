//! UDP, many datagrams a call: a ring that receives into one buffer, and a sender.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;

use crate::base::limits;
use crate::base::span::Span;
use crate::net::sys;

/// The largest UDP payload there is.
pub const DATAGRAM_BYTES_MAX: usize = 65_507;

/// Cache lines; slots start this far apart, times an odd number.
const LINE: usize = 64;

/// Receives up to a ring's worth of datagrams a call into a slab that becomes a batch's data.
///
/// Slot `i` starts at `i * stride` of the slab. The stride is an odd number of cache lines, so
/// that the slots' first lines, the only ones that most datagrams touch, spread over all sets of
/// the cache.
#[derive(Debug)]
pub struct UdpRing {
    arrays: sys::RecvArrays,
    slots: usize,
    /// The most that is taken of one datagram.
    slot: usize,
    stride: usize,
    received: usize,
    drops: DropCount,
}

/// One received datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Where it lies in the slab.
    pub span: Span,
    /// It was longer than the largest message; the rest is gone.
    pub truncated: bool,
    /// Who sent it, with IPv4-mapped addresses unmapped.
    pub from: SocketAddr,
}

/// How many datagrams the kernel has dropped of a socket: its 32-bit count, carried on to 64 bits.
#[derive(Clone, Copy, Debug, Default)]
pub struct DropCount {
    last: u32,
    total: u64,
}

impl DropCount {
    /// Since the socket was made.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.total
    }

    fn saw(&mut self, now: u32) {
        let more = now.wrapping_sub(self.last);
        // A figure from before the one already seen (a datagram that was queued earlier) is
        // "ahead" by more than half the range.
        if more < 1 << 31 {
            self.last = now;
            self.total += u64::from(more);
        }
    }
}

impl UdpRing {
    /// A ring for messages of at most `message_bytes` bytes.
    #[must_use]
    pub fn new(message_bytes: usize) -> Self {
        let slot = message_bytes.clamp(1, DATAGRAM_BYTES_MAX);
        let stride = (slot.div_ceil(LINE) | 1) * LINE;
        let slots = (limits::UDP_RING_BYTES / stride).clamp(1, limits::UDP_RING_MESSAGES);
        Self {
            arrays: sys::RecvArrays::new(slots),
            slots,
            slot,
            stride,
            received: 0,
            drops: DropCount::default(),
        }
    }

    /// Bytes that a slab must have; a shorter (or longer) one is resized by [`UdpRing::recv`].
    #[must_use]
    pub const fn slab_bytes(&self) -> usize {
        self.slots * self.stride
    }

    /// A ring that takes over a socket from another one, which had seen so many drops.
    #[must_use]
    pub const fn going_on_from(mut self, drops: DropCount) -> Self {
        self.drops = drops;
        self
    }

    /// Makes the kernel tell what it drops. Once for each socket that the ring reads.
    ///
    /// # Errors
    /// What `setsockopt` says.
    pub fn watch_drops(socket: &impl AsFd) -> io::Result<()> {
        sys::report_drops(socket.as_fd())
    }

    /// Takes what is waiting, without waiting itself, and returns how many datagrams came (at
    /// least 1). Made for `tokio::net::UdpSocket::try_io`.
    ///
    /// Cheap if the slab keeps its length from call to call (do not clear it: filling up a short
    /// one with zeros costs more than receiving does).
    ///
    /// # Errors
    /// `WouldBlock` if nothing is there; what the kernel says otherwise.
    pub fn recv(&mut self, socket: &impl AsFd, slab: &mut Vec<u8>) -> io::Result<usize> {
        if slab.is_empty() {
            // Untouched, so that what no datagram needs costs no memory.
            *slab = vec![0; self.slab_bytes()];
        }
        slab.resize(self.slab_bytes(), 0);
        self.received = 0;
        self.received = self.arrays.recv(socket.as_fd(), slab, self.stride, self.slot)?;
        // The count only grows: the last datagram has the latest.
        if let Some(drops) = self.arrays.drops(self.received - 1) {
            self.drops.saw(drops);
        }
        Ok(self.received)
    }

    /// Whether the latest [`UdpRing::recv`] filled the ring, so that more may be waiting.
    #[must_use]
    pub const fn full(&self) -> bool {
        self.received == self.slots
    }

    /// Datagram `i` of the latest [`UdpRing::recv`].
    ///
    /// # Panics
    /// If there was no such datagram.
    #[must_use]
    #[inline]
    pub fn datagram(&self, i: usize) -> Datagram {
        assert!(i < self.received);
        let (length, truncated) = self.arrays.length(i);
        let start = i * self.stride;
        let from = match self.arrays.sender(i) {
            SocketAddr::V6(v6) if v6.ip().to_ipv4_mapped().is_some() => {
                SocketAddr::new(v6.ip().to_canonical(), v6.port())
            }
            from => from,
        };
        Datagram { span: Span::new(start, start + length), truncated, from }
    }

    /// Datagrams that the kernel has dropped since the socket was made because its buffer was
    /// full, as far as received datagrams told.
    #[must_use]
    pub const fn kernel_drops(&self) -> u64 {
        self.drops.total
    }

    /// The same, for the ring that takes over the socket from this one.
    #[must_use]
    pub const fn drop_count(&self) -> DropCount {
        self.drops
    }

    /// As [`UdpRing::kernel_drops`], but asks the kernel: for when the socket has gone quiet, and
    /// at the end.
    ///
    /// # Errors
    /// What `getsockopt` says.
    pub fn refresh_drops(&mut self, socket: &impl AsFd) -> io::Result<u64> {
        self.drops.saw(sys::drops_now(socket.as_fd())?);
        Ok(self.drops.total)
    }
}

/// Sends many datagrams a call on a connected socket.
#[derive(Debug)]
pub struct UdpSender {
    arrays: sys::SendArrays,
}

impl UdpSender {
    #[must_use]
    pub fn new() -> Self {
        Self { arrays: sys::SendArrays::new(limits::UDP_RING_MESSAGES) }
    }

    /// Hands datagrams to the kernel without waiting: the first is `bytes[start..ends[0]]`, each
    /// other one starts where the one before it ends. Returns how many were taken (at least 1
    /// unless `ends` is empty), which may be fewer than there are.
    ///
    /// # Errors
    /// Why the first was not taken: `WouldBlock`; `EMSGSIZE`, which that datagram will always
    /// meet; `ConnectionRefused`, which tells of an earlier one and is not met again at once.
    pub fn send(
        &mut self,
        socket: &impl AsFd,
        bytes: &[u8],
        start: u32,
        ends: &[u32],
    ) -> io::Result<usize> {
        self.arrays.send(socket.as_fd(), bytes, start, ends)
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::time::Duration;

    use super::*;

    fn pair(address: &str) -> (UdpSocket, UdpSocket) {
        let server = UdpSocket::bind((address, 0)).unwrap();
        let client = UdpSocket::bind((address, 0)).unwrap();
        client.connect(server.local_addr().unwrap()).unwrap();
        (server, client)
    }

    #[test]
    fn strides_are_odd_lines() {
        for bytes in [1, 64, 100, 480, 512, 1024, 8096, 65_507, 16 << 20] {
            let ring = UdpRing::new(bytes);
            assert_eq!(ring.stride % LINE, 0);
            assert_eq!(ring.stride / LINE % 2, 1);
            assert!(ring.stride >= ring.slot);
            assert!(ring.slab_bytes() <= limits::UDP_RING_BYTES);
        }
        assert_eq!(UdpRing::new(8096).slots, limits::UDP_RING_MESSAGES);
    }

    #[test]
    fn receives_many_with_their_senders() {
        for address in ["127.0.0.1", "::1"] {
            let (server, client) = pair(address);
            let mut ring = UdpRing::new(100);
            let mut slab = Vec::new();
            assert_eq!(
                ring.recv(&server, &mut slab).unwrap_err().kind(),
                io::ErrorKind::WouldBlock
            );
            let texts: [&[u8]; 5] = [b"one", b"", b"<13>three", &[b'x'; 100], &[b'y'; 101]];
            for round in 0..3 {
                for text in texts {
                    client.send(text).unwrap();
                }
                slab.extend_from_slice(&vec![b'+'; round * 10]);
                assert_eq!(ring.recv(&server, &mut slab).unwrap(), texts.len());
                assert!(!ring.full());
                for (i, text) in texts.iter().enumerate() {
                    let got = ring.datagram(i);
                    assert_eq!(got.span.of(&slab), &text[..text.len().min(100)]);
                    assert_eq!(got.truncated, text.len() > 100);
                    assert_eq!(got.from, client.local_addr().unwrap());
                }
            }
            assert_eq!(ring.kernel_drops(), 0);
        }
    }

    #[test]
    fn mapped_addresses_are_unmapped() {
        let server = UdpSocket::bind("[::]:0").unwrap();
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.send_to(b"x", ("127.0.0.1", server.local_addr().unwrap().port())).unwrap();
        let mut ring = UdpRing::new(8096);
        let mut slab = Vec::new();
        ring.recv(&server, &mut slab).unwrap();
        assert_eq!(ring.datagram(0).from, client.local_addr().unwrap());
    }

    #[test]
    fn drops_are_counted() {
        let (server, client) = pair("127.0.0.1");
        UdpRing::watch_drops(&server).unwrap();
        socket2::SockRef::from(&server).set_recv_buffer_size(4096).unwrap();
        for _ in 0..100 {
            client.send(&[b'x'; 500]).unwrap();
        }
        let mut ring = UdpRing::new(8096);
        let mut slab = Vec::new();
        let mut got = ring.recv(&server, &mut slab).unwrap();
        assert!(got < 100);
        assert_eq!(ring.kernel_drops(), 0, "none was dropped before those that were queued");
        assert_eq!(ring.refresh_drops(&server).unwrap(), 100 - got as u64);
        client.send(b"after").unwrap();
        got += ring.recv(&server, &mut slab).unwrap();
        assert_eq!(ring.kernel_drops() + got as u64, 101);
        let seen = ring.drop_count();
        let mut next = UdpRing::new(8096).going_on_from(seen);
        assert_eq!(next.refresh_drops(&server).unwrap(), seen.total(), "nothing new was dropped");
    }

    #[test]
    fn the_drop_count_wraps_and_never_goes_back() {
        let mut count = DropCount::default();
        count.saw(5);
        count.saw(3);
        assert_eq!(count.total, 5);
        count.saw(0x7fff_ffff);
        count.saw(0xe000_0000);
        count.saw(4);
        assert_eq!(count.total, (1 << 32) + 4);
    }

    #[test]
    fn sends_many() {
        let (server, client) = pair("127.0.0.1");
        server.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut sender = UdpSender::new();
        let ends = [2, 5, 5, 9];
        assert_eq!(sender.send(&client, b"..abc1234", 2, &ends[1..]).unwrap(), 3);
        let mut buffer = [0; 100];
        for text in [&b"abc"[..], b"", b"1234"] {
            let n = server.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..n], text);
        }
        let huge = vec![b'x'; 70_000];
        let error = sender.send(&client, &huge, 0, &[70_000]).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EMSGSIZE));
        assert_eq!(sender.send(&client, &huge, 0, &[100, 70_000]).unwrap(), 1);
    }
}
