//! The system calls that no library in use wraps well: `recvmmsg` and `sendmmsg` over arrays that
//! are prepared once, what the kernel notes of datagrams, the state of a TCP connection, what the
//! process was given and has used; reads of files that are bounded; and that the allocator gives
//! back what it does not use.
//!
//! The only file of the program with `unsafe` in it.
#![expect(unsafe_code, reason = "recvmmsg, sendmmsg and socket options without a safe wrapper")]

use std::ffi::c_int;
use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::mem::size_of;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::net::SocketAddrV6;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;
use std::os::fd::FromRawFd;
use std::os::fd::OwnedFd;
use std::ptr;

use crate::base::clock::Wall;
use crate::base::num::len32;

/// Room for the control messages that may come with a datagram, headers and all, aligned: of UDP
/// `SO_RXQ_OVFL`, a `u32`; of unix sockets the sender's credentials and the time.
const CONTROL_BYTES: usize = space::<u32>() + space::<libc::ucred>() + space::<libc::timeval>();

/// Bytes of a control message that carries a `T`.
const fn space<T>() -> usize {
    #[expect(clippy::cast_possible_truncation, reason = "sizes of small structures")]
    // SAFETY: pure arithmetic on its argument.
    unsafe {
        libc::CMSG_SPACE(size_of::<T>() as u32) as usize
    }
}

/// A control buffer, aligned as the kernel's `cmsghdr` wants it.
#[repr(C)]
#[derive(Clone, Copy)]
struct Control {
    _align: [libc::cmsghdr; 0],
    bytes: [u8; CONTROL_BYTES],
}

/// `n` values of a plain C structure, all zero.
fn zeroed<T: Copy>(n: usize) -> Vec<T> {
    // SAFETY: called here for libc structures (integers and pointers) and for byte arrays, for all
    // of which zero bytes are a valid value.
    let zero = unsafe { MaybeUninit::<T>::zeroed().assume_init() };
    vec![zero; n]
}

/// What `recvmmsg` reads and writes besides the payload.
///
/// `headers` hold pointers into the other three vectors, none of which is resized after
/// [`RecvArrays::new`], and into the payload buffer of the latest call, which nothing follows
/// outside that call.
pub(super) struct RecvArrays {
    headers: Vec<libc::mmsghdr>,
    vectors: Vec<libc::iovec>,
    /// `sockaddr_in` is smaller and no stricter in alignment, so that one array serves both.
    names: Vec<libc::sockaddr_in6>,
    controls: Vec<Control>,
    /// Headers that the latest call wrote to: only these need their lengths set again.
    used: usize,
}

const _: () = assert!(size_of::<libc::sockaddr_in>() <= size_of::<libc::sockaddr_in6>());
const _: () = assert!(align_of::<libc::sockaddr_in>() <= align_of::<libc::sockaddr_in6>());

// SAFETY: the pointers in `headers` lead to memory that this value owns (or, in `vectors`, are
// only followed during `recv`), so the value may move to another thread as a whole.
unsafe impl Send for RecvArrays {}

impl fmt::Debug for RecvArrays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvArrays").field("slots", &self.headers.len()).finish_non_exhaustive()
    }
}

impl RecvArrays {
    /// Arrays for `slots` datagrams a call.
    pub(super) fn new(slots: usize) -> Self {
        let mut arrays = Self {
            headers: zeroed(slots),
            vectors: zeroed(slots),
            names: zeroed(slots),
            controls: zeroed(slots),
            used: slots,
        };
        let vectors = arrays.vectors.as_mut_ptr();
        let names = arrays.names.as_mut_ptr();
        let controls = arrays.controls.as_mut_ptr();
        for (i, header) in arrays.headers.iter_mut().enumerate() {
            header.msg_hdr.msg_iov = vectors.wrapping_add(i);
            header.msg_hdr.msg_iovlen = 1;
            header.msg_hdr.msg_name = names.wrapping_add(i).cast();
            header.msg_hdr.msg_control = controls.wrapping_add(i).cast();
        }
        arrays
    }

    /// One `recvmmsg` that does not wait. Datagram `i` lands at `slab[i * stride..]`, `slot` bytes
    /// of it at most. Returns how many came, which is never 0.
    ///
    /// # Errors
    /// `WouldBlock` if nothing is there; what the kernel says otherwise.
    ///
    /// # Panics
    /// If `slab` is shorter than all slots together, or a slot longer than its stride.
    pub(super) fn recv(
        &mut self,
        socket: BorrowedFd<'_>,
        slab: &mut [u8],
        stride: usize,
        slot: usize,
    ) -> io::Result<usize> {
        assert!(slot <= stride && slab.len() >= self.headers.len() * stride);
        let base = slab.as_mut_ptr();
        let moved = self.vectors[0].iov_base != base.cast() || self.vectors[0].iov_len != slot;
        if moved {
            for (i, vector) in self.vectors.iter_mut().enumerate() {
                vector.iov_base = base.wrapping_add(i * stride).cast();
                vector.iov_len = slot;
            }
        }
        for header in &mut self.headers[..self.used] {
            header.msg_hdr.msg_namelen = len32(size_of::<libc::sockaddr_in6>());
            header.msg_hdr.msg_controllen = CONTROL_BYTES;
        }
        self.used = 0;
        // SAFETY: `headers` has as many elements as said. Each one's name, control and iovec
        // pointers were set in `new` to elements of vectors that live as long as `self` and that
        // nothing else borrows now, with lengths set above; each iovec names `slot` bytes inside
        // `slab` (asserted), which is borrowed exclusively. No timeout is passed.
        let n = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                len32(self.headers.len()),
                libc::MSG_DONTWAIT,
                ptr::null_mut(),
            )
        };
        self.used = usize::try_from(n).map_err(|_| io::Error::last_os_error())?;
        Ok(self.used)
    }

    /// Bytes of datagram `i` of the latest call, and whether it was longer than its slot.
    pub(super) fn length(&self, i: usize) -> (usize, bool) {
        let header = &self.headers[i];
        (header.msg_len as usize, header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0)
    }

    /// Who sent datagram `i` of the latest call; unspecified for a family that is not IP.
    pub(super) fn sender(&self, i: usize) -> SocketAddr {
        let name = &self.names[i];
        match c_int::from(name.sin6_family) {
            libc::AF_INET6 => {
                let ip = Ipv6Addr::from(name.sin6_addr.s6_addr);
                let port = u16::from_be(name.sin6_port);
                SocketAddrV6::new(ip, port, 0, name.sin6_scope_id).into()
            }
            libc::AF_INET => {
                let name = ptr::from_ref(name).cast::<libc::sockaddr_in>();
                // SAFETY: the pointer comes from a reference to a larger structure of at least
                // the same alignment (asserted above), and the family says which one was written.
                let name = unsafe { name.read() };
                let ip = Ipv4Addr::from(u32::from_be(name.sin_addr.s_addr));
                (ip, u16::from_be(name.sin_port)).into()
            }
            _ => (Ipv4Addr::UNSPECIFIED, 0).into(),
        }
    }

    /// The socket's count of drops that came with datagram `i` of the latest call. The kernel
    /// sends none while the count is 0.
    pub(super) fn drops(&self, i: usize) -> Option<u32> {
        let header = &self.headers[i].msg_hdr;
        // SAFETY: `header` is as the kernel left it: its control pointer and length name a prefix
        // of `controls[i]`.
        let control = unsafe { libc::CMSG_FIRSTHDR(header) };
        if control.is_null() {
            return None;
        }
        // SAFETY: not null, so that a whole `cmsghdr` lies in `controls[i]`, which is aligned for
        // it.
        let head = unsafe { control.read() };
        if (head.cmsg_level, head.cmsg_type) != (libc::SOL_SOCKET, libc::SO_RXQ_OVFL) {
            return None;
        }
        // SAFETY: the message is a SO_RXQ_OVFL one, whose data follows its header.
        let data = unsafe { libc::CMSG_DATA(control) };
        // SAFETY: that data is a `u32`, and `controls[i]` has room for it.
        Some(unsafe { data.cast::<u32>().read_unaligned() })
    }

    /// What the kernel says of datagram `i` of the latest call, on a socket that [`take_notes`]
    /// was called for.
    pub(super) fn notes(&self, i: usize) -> Notes {
        let header = &self.headers[i].msg_hdr;
        let mut notes = Notes::default();
        // SAFETY: `header` is as the kernel left it: its control pointer and length name a prefix
        // of `controls[i]`.
        let mut control = unsafe { libc::CMSG_FIRSTHDR(header) };
        while !control.is_null() {
            // SAFETY: not null, so that a whole `cmsghdr` lies in `controls[i]`, which is aligned
            // for it.
            let head = unsafe { control.read() };
            // SAFETY: as above; the data follow the header.
            let data = unsafe { libc::CMSG_DATA(control) };
            match (head.cmsg_level, head.cmsg_type) {
                (libc::SOL_SOCKET, libc::SCM_CREDENTIALS) => {
                    // SAFETY: the data of such a message are a `ucred`.
                    let sender = unsafe { data.cast::<libc::ucred>().read_unaligned() };
                    let pid = u32::try_from(sender.pid).unwrap_or(0);
                    notes.sender = Some(Credentials { pid, uid: sender.uid, gid: sender.gid });
                }
                (libc::SOL_SOCKET, libc::SCM_TIMESTAMP) => {
                    // SAFETY: the data of such a message are a `timeval`.
                    let at = unsafe { data.cast::<libc::timeval>().read_unaligned() };
                    let micros = u32::try_from(at.tv_usec).unwrap_or(0);
                    notes.time = Some(Wall { secs: at.tv_sec, micros });
                }
                _ => {}
            }
            // SAFETY: `header` and `control` are as the kernel left them; the next message is
            // looked for within the length that `header` says.
            control = unsafe { libc::CMSG_NXTHDR(header, control) };
        }
        notes
    }
}

/// Who sent a datagram over a unix socket, as the kernel knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// 0 if the process is none that this one can see.
    pub pid: u32,
    pub uid: u32,
    pub gid: u32,
}

/// What the kernel says of a datagram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Notes {
    pub(super) sender: Option<Credentials>,
    /// When it was sent.
    pub(super) time: Option<Wall>,
}

/// Asks the kernel to note, with each datagram, its sender's credentials (`SO_PASSCRED`) and the
/// time (`SO_TIMESTAMP`).
///
/// # Errors
/// What `setsockopt` says.
pub(super) fn take_notes(socket: BorrowedFd<'_>) -> io::Result<()> {
    switch_on(socket, libc::SO_PASSCRED)?;
    switch_on(socket, libc::SO_TIMESTAMP)
}

/// A file descriptor that this process was started with, under a number of its own.
///
/// # Errors
/// There is none of that number.
pub(super) fn inherited(number: c_int) -> io::Result<OwnedFd> {
    // SAFETY: takes and gives numbers; of one that is not open the kernel says so.
    let copy = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 3) };
    if copy < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call above has just made it, for nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Lets the kernel print messages to its console that are more urgent than `level`, 1 to 8, or
/// than it was before (`SYSLOG_ACTION_CONSOLE_LEVEL`, `SYSLOG_ACTION_CONSOLE_ON`).
///
/// # Errors
/// What `syslog` says.
pub fn console_log_level(level: Option<c_int>) -> io::Result<()> {
    const CONSOLE_ON: c_int = 7;
    const CONSOLE_LEVEL: c_int = 8;
    let command = if level.is_some() { CONSOLE_LEVEL } else { CONSOLE_ON };
    // SAFETY: these commands take no buffer.
    let done = unsafe { libc::klogctl(command, ptr::null_mut(), level.unwrap_or(0)) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// What `sendmmsg` reads besides the payload.
pub(super) struct SendArrays {
    headers: Vec<libc::mmsghdr>,
    vectors: Vec<libc::iovec>,
}

// SAFETY: the pointers in `headers` lead into `vectors`, which is never resized; those in
// `vectors` are only followed during `send`.
unsafe impl Send for SendArrays {}

impl fmt::Debug for SendArrays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendArrays").field("slots", &self.headers.len()).finish_non_exhaustive()
    }
}

impl SendArrays {
    /// Arrays for `slots` datagrams a call.
    pub(super) fn new(slots: usize) -> Self {
        let mut arrays = Self { headers: zeroed(slots), vectors: zeroed(slots) };
        let vectors = arrays.vectors.as_mut_ptr();
        for (i, header) in arrays.headers.iter_mut().enumerate() {
            header.msg_hdr.msg_iov = vectors.wrapping_add(i);
            header.msg_hdr.msg_iovlen = 1;
        }
        arrays
    }

    /// One `sendmmsg` on a connected socket that does not wait: datagram `i` is `bytes` from
    /// `ends[i - 1]` (`start` for the first) to `ends[i]`. Returns how many the kernel took.
    ///
    /// # Errors
    /// What kept the first one from being taken: `WouldBlock`, or what the kernel says of it.
    ///
    /// # Panics
    /// If `ends` goes backwards or past `bytes`.
    pub(super) fn send(
        &mut self,
        socket: BorrowedFd<'_>,
        bytes: &[u8],
        start: u32,
        ends: &[u32],
    ) -> io::Result<usize> {
        let mut from = start as usize;
        for (vector, end) in self.vectors.iter_mut().zip(ends) {
            let datagram = &bytes[from..*end as usize];
            vector.iov_base = datagram.as_ptr().cast_mut().cast();
            vector.iov_len = datagram.len();
            from = *end as usize;
        }
        let n = ends.len().min(self.headers.len());
        // SAFETY: the first `n` headers point at the first `n` elements of `vectors` (set in
        // `new`), each of which names a part of `bytes` (checked by slicing above); the kernel
        // only reads through them. No names and no control data are passed.
        let sent = unsafe {
            libc::sendmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                len32(n),
                libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
            )
        };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }
}

/// Asks the kernel to tell, with each datagram, how many were dropped before it because the
/// socket's buffer was full (`SO_RXQ_OVFL`).
///
/// # Errors
/// What `setsockopt` says.
pub(super) fn report_drops(socket: BorrowedFd<'_>) -> io::Result<()> {
    switch_on(socket, libc::SO_RXQ_OVFL)
}

/// Sets an option of level `SOL_SOCKET` that is on or off.
fn switch_on(socket: BorrowedFd<'_>, option: c_int) -> io::Result<()> {
    let on: c_int = 1;
    // SAFETY: the option's value is one `int`, which outlives the call.
    let done = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            option,
            (&raw const on).cast(),
            len32(size_of::<c_int>()),
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Reads what a file has at `offset`, `most` bytes of it at most, to the end of `into`; how many
/// came. Safe calls fill all the room that there is, or need it written before.
///
/// # Errors
/// Those of `pread`.
pub fn read_at(
    file: &impl AsFd,
    into: &mut Vec<u8>,
    most: usize,
    offset: u64,
) -> rustix::io::Result<usize> {
    into.reserve(most);
    let (read, _) = rustix::io::pread(file, &mut into.spare_capacity_mut()[..most], offset)?;
    let n = read.len();
    // SAFETY: these are `n` bytes that were written just now, from where the length is on.
    unsafe { into.set_len(into.len() + n) };
    Ok(n)
}

/// Has the allocator give the kernel back what is free between what is in use: by itself it gives
/// back only what is free at the end. Takes its locks one after the other, for a moment each.
#[cfg(target_env = "gnu")]
pub fn give_memory_back() {
    // SAFETY: takes no pointer, and may be called at any time from any thread.
    unsafe { libc::malloc_trim(0) };
}

/// There is no such call but in glibc.
#[cfg(not(target_env = "gnu"))]
pub const fn give_memory_back() {}

/// What the process has used so far (`getrusage`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResourceUsage {
    /// Processor time in the program and in the kernel, microseconds.
    pub user_us: i64,
    pub system_us: i64,
    /// The most memory it had, KiB.
    pub resident_kib_max: i64,
    /// Page faults without and with reading.
    pub faults_minor: i64,
    pub faults_major: i64,
    /// Blocks read and written.
    pub blocks_in: i64,
    pub blocks_out: i64,
    /// Waits, and times that others had their turn.
    pub switches_voluntary: i64,
    pub switches_involuntary: i64,
}

impl ResourceUsage {
    /// Of all threads up to now.
    ///
    /// # Errors
    /// What `getrusage` says.
    pub fn now() -> io::Result<Self> {
        let mut usage = MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: the kernel fills one `rusage`, for which there is room.
        let done = unsafe { libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) };
        if done != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: zero bytes are a valid `rusage`, and the kernel has written a better one.
        let usage = unsafe { usage.assume_init() };
        let micros = |time: libc::timeval| time.tv_sec * 1_000_000 + time.tv_usec;
        Ok(Self {
            user_us: micros(usage.ru_utime),
            system_us: micros(usage.ru_stime),
            resident_kib_max: usage.ru_maxrss,
            faults_minor: usage.ru_minflt,
            faults_major: usage.ru_majflt,
            blocks_in: usage.ru_inblock,
            blocks_out: usage.ru_oublock,
            switches_voluntary: usage.ru_nvcsw,
            switches_involuntary: usage.ru_nivcsw,
        })
    }
}

/// The socket's count of dropped datagrams now (`SO_MEMINFO`), also when none comes any more that
/// could bring it.
///
/// # Errors
/// What `getsockopt` says; `InvalidData` from a kernel older than 4.12.
pub(super) fn drops_now(socket: BorrowedFd<'_>) -> io::Result<u32> {
    const DROPS: usize = libc::SK_MEMINFO_DROPS as usize;
    let mut info = [0_u32; DROPS + 1];
    let mut length = len32(size_of_val(&info));
    // SAFETY: the kernel writes at most `length` bytes to `info`, which is that long.
    let done = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_MEMINFO,
            info.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    if done != 0 {
        return Err(io::Error::last_os_error());
    }
    if (length as usize) < size_of_val(&info) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(info[DROPS])
}

/// Bytes that were written to a TCP socket and that its peer's kernel has not acknowledged
/// (`SIOCOUTQ`).
///
/// # Errors
/// What `ioctl` says.
pub fn unacknowledged(socket: &impl AsFd) -> io::Result<usize> {
    let mut bytes: c_int = 0;
    // SAFETY: the request writes one `int` (SIOCOUTQ and TIOCOUTQ are one number).
    let done = unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
    if done != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(usize::try_from(bytes).unwrap_or(0))
}

/// What the kernel knows of a TCP connection's peer (`TCP_INFO`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerState {
    /// The peer has answered what was last sent to it, be it data or a probe of its closed window;
    /// or nothing was sent.
    pub answered: bool,
    /// Since the peer last acknowledged anything, milliseconds.
    pub silent_ms: u32,
}

/// An answer that came with what it answers, by the kernel's clock, milliseconds.
const SAME_TIME_MS: u32 = 20;

/// Asks for the state of a connection's peer.
///
/// # Errors
/// What `getsockopt` says.
pub fn peer_state(socket: &impl AsFd) -> io::Result<PeerState> {
    let mut info = MaybeUninit::<libc::tcp_info>::zeroed();
    let mut length = len32(size_of::<libc::tcp_info>());
    // SAFETY: the kernel writes at most `length` bytes to `info`, which is that long.
    let done = unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    if done != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: zero bytes are a valid `tcp_info` (integers alone), and what the kernel wrote is one.
    let info = unsafe { info.assume_init() };
    let silent_ms = info.tcpi_last_ack_recv;
    let answered = if info.tcpi_unacked > 0 {
        // Sent again and again where the peer's kernel has no room for it, and answered each time.
        silent_ms <= info.tcpi_last_data_sent.saturating_add(SAME_TIME_MS)
    } else {
        // Kernels leave one of two probes that come within half a second without an answer.
        info.tcpi_probes < 2
    };
    Ok(PeerState { answered, silent_ms })
}
