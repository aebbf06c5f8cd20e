//! `bongsu queue replay`

use std::fs::File;
use std::io;
use std::io::BufWriter;
use std::io::Read as _;
use std::io::Write as _;
use std::net::Shutdown;
use std::net::TcpStream;
use std::net::UdpSocket;
use std::process::ExitCode;
use std::time::Duration;

use crate::cli::queue::ReplayArgs;
use crate::cli::queue::is_open;
use crate::cli::queue::messages;
use crate::cli::terminal;
use crate::disk::Log;
use crate::disk::Options;
use crate::disk::SEGMENT_BYTES_MAX;
use crate::disk::System;
use crate::queue::Chunk;
use crate::queue::record;

/// How long a collector may take to read the end of a stream and close its side.
const CLOSE_WAIT: Duration = Duration::from_secs(10);

/// Where messages go.
enum Target {
    Tcp(BufWriter<TcpStream>),
    Udp(UdpSocket),
    File(BufWriter<File>),
}

impl Target {
    fn open(to: &str) -> io::Result<Self> {
        if let Some(address) = to.strip_prefix("tcp://") {
            return Ok(Self::Tcp(BufWriter::new(TcpStream::connect(address)?)));
        }
        if let Some(address) = to.strip_prefix("udp://") {
            let socket = UdpSocket::bind("[::]:0").or_else(|_| UdpSocket::bind("0.0.0.0:0"))?;
            if socket.connect(address).is_err() {
                let socket = UdpSocket::bind("0.0.0.0:0")?;
                socket.connect(address)?;
                return Ok(Self::Udp(socket));
            }
            return Ok(Self::Udp(socket));
        }
        let file = File::options().append(true).create(true).open(to)?;
        Ok(Self::File(BufWriter::new(file)))
    }

    fn send(&mut self, chunk: &Chunk) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.write_all(&chunk.bytes),
            Self::File(file) => file.write_all(&chunk.bytes),
            Self::Udp(socket) => {
                messages::of(chunk).try_for_each(|message| socket.send(message).map(drop))
            }
        }
    }

    /// As sure as can be that what was sent has arrived: the file is on the disk; the collector
    /// has read the stream to its end, and closed it.
    fn finish(self) -> io::Result<()> {
        match self {
            Self::Udp(_) => Ok(()),
            Self::File(file) => file.into_inner()?.sync_all(),
            Self::Tcp(stream) => {
                let mut stream = stream.into_inner()?;
                stream.shutdown(Shutdown::Write)?;
                stream.set_read_timeout(Some(CLOSE_WAIT))?;
                let mut answer = [0; 1024];
                while stream.read(&mut answer)? > 0 {}
                Ok(())
            }
        }
    }
}

/// Sends the chunks as they are: what was rendered for the action that the queue belongs to.
pub(super) fn replay(args: &ReplayArgs) -> io::Result<ExitCode> {
    let name = args.place.name()?;
    let mut target = Target::open(&args.to)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", args.to)))?;
    let mut sent = 0;
    let is_damaged;
    if args.release {
        is_damaged = send_and_release(args, &name, target, &mut sent)?;
    } else {
        let view = args.place.view(&name)?;
        is_damaged = messages::each_chunk(&view, false, &mut |_, chunk| {
            sent += chunk.len();
            target.send(chunk)
        })?;
        target.finish()?;
    }
    terminal::write(&format!("{sent} messages sent to {}\n", args.to));
    Ok(if is_damaged { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Nothing is released before all has arrived.
#[expect(clippy::print_stderr, reason = "what went wrong is for the operator")]
fn send_and_release(
    args: &ReplayArgs,
    name: &str,
    mut target: Target,
    sent: &mut usize,
) -> io::Result<bool> {
    let options = Options {
        directory: args.place.directory.clone(),
        name: name.to_owned(),
        segment_bytes: SEGMENT_BYTES_MAX,
        bytes_max: None,
    };
    let (mut log, recovery) = Log::open(System, options).map_err(|error| is_open(error, name))?;
    let mut is_damaged = !recovery.damages.is_empty();
    let mut chunk = Chunk::default();
    let mut last = None;
    while let Some((position, _)) = log.read(&mut chunk.bytes)? {
        last = Some(position);
        if record::decode(&mut chunk).is_err() {
            is_damaged = true;
            eprintln!("bongsu: record {} holds no messages", position.number());
            continue;
        }
        *sent += chunk.len();
        target.send(&chunk)?;
    }
    target.finish()?;
    if let Some(last) = last {
        log.release(last)?;
    }
    let damages = log.take_damages();
    for damage in recovery.damages.iter().chain(&damages) {
        eprintln!("bongsu: {}", crate::cli::queue::described(damage));
    }
    log.close()?;
    Ok(is_damaged || !damages.is_empty())
}
