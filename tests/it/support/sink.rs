//! Receivers that remember every byte.

use std::fs::File;
use std::io::Read;
use std::net::TcpListener;
use std::net::TcpStream;
use std::net::UdpSocket;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

/// What one connection brought so far.
type Received = Arc<Mutex<Vec<u8>>>;

/// Accepts connections and keeps what each of them brought.
#[derive(Debug)]
pub(crate) struct TcpSink {
    pub(crate) port: u16,
    connections: Arc<Mutex<Vec<Received>>>,
    stop: Arc<AtomicBool>,
}

impl TcpSink {
    pub(crate) fn new() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    pub(crate) fn on(listener: TcpListener) -> Self {
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::<Mutex<Vec<Received>>>::default();
        let stop = Arc::<AtomicBool>::default();
        let (kept, stopped) = (Arc::clone(&connections), Arc::clone(&stop));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let bytes = Received::default();
                kept.lock().unwrap().push(Arc::clone(&bytes));
                thread::spawn(move || read_all(stream.unwrap(), &bytes));
            }
        });
        Self { port, connections, stop }
    }

    /// All bytes so far, connection after connection in the order of their arrival.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let connections = self.connections.lock().unwrap();
        connections.iter().flat_map(|c| c.lock().unwrap().clone()).collect()
    }
}

impl Drop for TcpSink {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the accepting thread; if even that fails it ends with the process.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

fn read_all(mut from: TcpStream, into: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 16 << 10];
    // A reset is the end as well.
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        into.lock().unwrap().extend_from_slice(&buffer[..n]);
    }
}

/// Keeps each datagram.
#[derive(Debug)]
pub(crate) struct UdpSink {
    pub(crate) port: u16,
    datagrams: Arc<Mutex<Vec<Vec<u8>>>>,
    stop: Arc<AtomicBool>,
}

impl UdpSink {
    pub(crate) fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let port = socket.local_addr().unwrap().port();
        let datagrams = Arc::<Mutex<Vec<Vec<u8>>>>::default();
        let stop = Arc::<AtomicBool>::default();
        let (kept, stopped) = (Arc::clone(&datagrams), Arc::clone(&stop));
        thread::spawn(move || {
            let mut buffer = vec![0; 64 << 10];
            while !stopped.load(Ordering::Relaxed) {
                if let Ok(n) = socket.recv(&mut buffer) {
                    kept.lock().unwrap().push(buffer[..n].to_vec());
                }
            }
        });
        Self { port, datagrams, stop }
    }

    pub(crate) fn datagrams(&self) -> Vec<Vec<u8>> {
        self.datagrams.lock().unwrap().clone()
    }
}

impl Drop for UdpSink {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// A named pipe and a unix datagram socket, in a folder. They are read whenever somebody looks.
#[derive(Debug)]
pub(crate) struct LocalSinks {
    pipe: File,
    socket: UnixDatagram,
    from_pipe: Mutex<Vec<u8>>,
    from_socket: Mutex<Vec<Vec<u8>>>,
}

impl LocalSinks {
    pub(crate) const FIFO: &str = "fifo";
    pub(crate) const UNIX: &str = "unix";

    pub(crate) fn new(folder: &Path) -> Self {
        let path = folder.join(Self::FIFO);
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        let kind = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, &path, kind, mode, 0).unwrap();
        let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().try_into().unwrap();
        let pipe = File::options().read(true).custom_flags(nonblocking).open(&path).unwrap();
        let socket = UnixDatagram::bind(folder.join(Self::UNIX)).unwrap();
        socket.set_nonblocking(true).unwrap();
        Self { pipe, socket, from_pipe: Mutex::default(), from_socket: Mutex::default() }
    }

    /// All that came through the pipe.
    pub(crate) fn fifo(&self) -> Vec<u8> {
        let mut all = self.from_pipe.lock().unwrap();
        // Ends with an error while there is a writer; what came before is kept.
        (&self.pipe).read_to_end(&mut all).ok();
        all.clone()
    }

    pub(crate) fn datagrams(&self) -> Vec<Vec<u8>> {
        let mut all = self.from_socket.lock().unwrap();
        let mut bytes = vec![0; 64 << 10];
        while let Ok(length) = self.socket.recv(&mut bytes) {
            all.push(bytes[..length].to_vec());
        }
        all.clone()
    }
}
