//! What the tests share: a relay process, the receivers behind it, the files of the project.

pub(crate) mod faulty;
pub(crate) mod process;
pub(crate) mod sink;
pub(crate) mod source;

use std::env;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::net::UdpSocket;
use std::sync::atomic::AtomicU16;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use socket2::Domain;
use socket2::SockAddr;
use socket2::Socket;
use socket2::Type;

/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(10);
/// Ports for relays: below Linux's ephemeral range, so that no outgoing connection takes one
/// between the moment it is chosen and the moment the relay binds it.
const PORTS: std::ops::Range<u16> = 10_000..20_000;

/// A port that is free for TCP and UDP and that this process has not handed out yet.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() * 131 % u32::from(PORTS.end - PORTS.start));
    for _ in PORTS {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = PORTS.start + (first.unwrap() + step) % (PORTS.end - PORTS.start);
        let at = ("127.0.0.1", port);
        if TcpListener::bind(at).is_ok() && UdpSocket::bind(at).is_ok() {
            return port;
        }
    }
    panic!("no free port in {PORTS:?}");
}

/// Waits until `done` says so; `false` after `limit`.
pub(crate) fn wait_for(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if done() {
            return true;
        }
        if start.elapsed() > limit {
            return false;
        }
        thread::sleep(POLL);
    }
}

/// Waits until `look` has given the same answer for `quiet`, at most for `limit`.
pub(crate) fn wait_quiet<T: PartialEq>(
    quiet: Duration,
    limit: Duration,
    mut look: impl FnMut() -> T,
) -> T {
    let start = Instant::now();
    let mut last = look();
    let mut since = Instant::now();
    while since.elapsed() < quiet && start.elapsed() < limit {
        thread::sleep(POLL);
        let now = look();
        if now != last {
            last = now;
            since = Instant::now();
        }
    }
    last
}

/// A connection to `port` that comes from that address of this machine.
pub(crate) fn connect(from: &str, port: u16) -> std::io::Result<TcpStream> {
    let address = |ip: &str, port| SockAddr::from(SocketAddr::new(ip.parse().unwrap(), port));
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&address(from, 0))?;
    socket.connect(&address("127.0.0.1", port))?;
    Ok(socket.into())
}

/// A number from the environment.
pub(crate) fn number(name: &str, default: usize) -> usize {
    env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// Whether something listens on the TCP port. The connection is closed at once.
pub(crate) fn tcp_listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// Whether a UDP socket is bound to the port, by the kernel's own table.
pub(crate) fn udp_listens(port: u16) -> bool {
    !udp_sockets(port).is_empty()
}

/// Bytes that wait in the UDP sockets of the port.
pub(crate) fn udp_unread(port: u16) -> u64 {
    let queues = udp_sockets(port).into_iter();
    queues.map(|queue| u64::from_str_radix(&queue, 16).unwrap()).sum()
}

/// Of each UDP socket that is bound to the port, what waits in it, in hexadecimal digits.
fn udp_sockets(port: u16) -> Vec<String> {
    let suffix = format!(":{port:04X}");
    let tables = ["/proc/net/udp", "/proc/net/udp6"].map(std::fs::read_to_string);
    let mut sockets = Vec::new();
    for line in tables.iter().flatten().flat_map(|table| table.lines()) {
        // Number, local and remote address, state, `sent:received`.
        let mut words = line.split_whitespace().skip(1);
        if words.next().is_some_and(|address| address.ends_with(&suffix)) {
            let queues = words.nth(2).and_then(|queues| queues.split_once(':'));
            sockets.push(queues.unwrap().1.to_owned());
        }
    }
    sockets
}
