//! omfwd's compression (`compression.mode`): each message for itself, or the connection's bytes
//! as one zlib stream.

use std::io;
use std::time::Duration;
use std::time::Instant;

use flate2::Compress;
use flate2::Compression;
use flate2::FlushCompress;
use flate2::Status;
use tokio::net::TcpStream;

use crate::base::clock;
use crate::base::num::count;
use crate::output::forward::flight::Flight;
use crate::output::task::Pending;
use crate::queue::Chunk;
use crate::queue::FrameStyle;
use crate::queue::Framing;
use crate::queue::frame;

/// What is compressed for one call, at least.
const FILL_BYTES: usize = 256 << 10;
/// Room that a compressor is given at a time.
const STEP_BYTES: usize = 32 << 10;
/// `single`: what is not longer than this is not compressed (rsyslog).
const SINGLE_BYTES_MIN: usize = 60;
/// With `compression.stream.flushOnTXEnd="off"` a compressor keeps this much, for so long.
const UNFLUSHED_BYTES_MAX: usize = 1 << 20;
const UNFLUSHED_TIME_MAX: Duration = Duration::from_secs(1);

/// What `compression.mode` and its companions ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packing {
    pub mode: PackMode,
    /// 0 to 9.
    pub level: u32,
    /// How messages are told apart inside.
    pub style: FrameStyle,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackMode {
    /// Messages that get shorter by it, each behind a `z`.
    Single,
    /// The whole connection; `flush` sends all that there is at the end of a batch.
    Stream { flush: bool },
}

/// Compresses messages, each for itself.
#[derive(Debug)]
pub(super) struct Single {
    zlib: Compress,
    packed: Vec<u8>,
}

impl Single {
    pub(super) fn new(level: u32) -> Self {
        Self { zlib: Compress::new(Compression::new(level), true), packed: Vec::new() }
    }

    /// `message` behind a `z` and compressed; `None` if that is no gain.
    pub(super) fn pack(&mut self, message: &[u8]) -> Option<&[u8]> {
        if message.len() <= SINGLE_BYTES_MIN {
            return None;
        }
        self.zlib.reset();
        self.packed.clear();
        self.packed.push(b'z');
        // What does not fit is no gain.
        self.packed.reserve(message.len());
        let done = self.zlib.compress_vec(message, &mut self.packed, FlushCompress::Finish);
        let gained = matches!(done, Ok(Status::StreamEnd)) && self.packed.len() < message.len();
        gained.then_some(self.packed.as_slice())
    }
}

#[derive(Debug)]
enum Engine {
    Single(Single),
    Stream(Compress),
}

/// Compresses what one connection sends.
#[derive(Debug)]
pub(super) struct Packer {
    packing: Packing,
    engine: Engine,
    /// Compressed bytes, of which `from` were written.
    out: Vec<u8>,
    from: usize,
    /// Bytes that the compressor was given since it gave everything away, and when it first was.
    unflushed: usize,
    unflushed_since: Option<Instant>,
    /// The stream has begun.
    begun: bool,
}

impl Packer {
    pub(super) fn new(packing: Packing) -> Self {
        let engine = match packing.mode {
            PackMode::Single => Engine::Single(Single::new(packing.level)),
            PackMode::Stream { .. } => {
                Engine::Stream(Compress::new(Compression::new(packing.level), true))
            }
        };
        let (out, from, unflushed) = (Vec::new(), 0, 0);
        Self { packing, engine, out, from, unflushed, unflushed_since: None, begun: false }
    }

    pub(super) fn has_bytes(&self) -> bool {
        self.from < self.out.len()
    }

    /// One call to the kernel. Returns how many messages are through with the compressor.
    pub(super) fn write(
        &mut self,
        pending: &mut Pending,
        flight: &mut Flight,
        stream: &TcpStream,
    ) -> io::Result<u64> {
        let mut messages = 0;
        if !self.has_bytes() {
            messages = self.fill(pending, flight);
        }
        if self.has_bytes() {
            match stream.try_write(&self.out[self.from..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => {
                    self.from += n;
                    flight.written += count(n);
                }
                // Those messages must be counted; the next call tells of it again.
                Err(e) if e.kind() == io::ErrorKind::WouldBlock && messages > 0 => {}
                Err(e) => return Err(e),
            }
        }
        Ok(messages)
    }

    /// Compresses what is there, up to one call's worth.
    fn fill(&mut self, pending: &mut Pending, flight: &mut Flight) -> u64 {
        self.out.clear();
        self.from = 0;
        let (mut messages, mut taken) = (0, 0);
        while self.out.len() < FILL_BYTES
            && taken < 4 * FILL_BYTES
            && let Some(chunk) = pending.chunks.pop_front()
        {
            messages += count(chunk.len());
            taken += chunk.bytes.len();
            self.pack(&chunk);
            match self.packing.mode {
                PackMode::Single => flight.keep(chunk, flight.written + count(self.out.len())),
                PackMode::Stream { .. } => flight.keep_open(chunk),
            }
        }
        if self.packing.mode == (PackMode::Stream { flush: true })
            || self.unflushed > UNFLUSHED_BYTES_MAX
        {
            self.flush(flight);
        }
        messages
    }

    fn pack(&mut self, chunk: &Chunk) {
        match &mut self.engine {
            Engine::Single(single) => {
                let mut start = 0;
                for end in &chunk.ends {
                    let message = &chunk.bytes[start..*end as usize];
                    start = *end as usize;
                    let from = self.out.len();
                    self.out.extend_from_slice(single.pack(message).unwrap_or(message));
                    let style = self.packing.style;
                    frame(&mut self.out, from, Framing { style, max_bytes: usize::MAX });
                }
            }
            Engine::Stream(zlib) => {
                deflate(zlib, &chunk.bytes, &mut self.out, FlushCompress::None);
                self.begun = true;
                self.unflushed += chunk.bytes.len();
                self.unflushed_since.get_or_insert_with(clock::monotonic);
            }
        }
    }

    /// Has the compressor give everything away.
    fn flush(&mut self, flight: &mut Flight) {
        if let Engine::Stream(zlib) = &mut self.engine
            && self.unflushed_since.take().is_some()
        {
            deflate(zlib, &[], &mut self.out, FlushCompress::Sync);
            self.unflushed = 0;
            flight.end_at(flight.written + count(self.out.len() - self.from));
        }
    }

    /// The same after a while.
    pub(super) fn flush_if_due(&mut self, flight: &mut Flight) {
        if self.unflushed_since.is_some_and(|since| since.elapsed() >= UNFLUSHED_TIME_MAX) {
            self.flush(flight);
        }
    }

    /// The bytes of a chunk that comes first on a connection.
    pub(super) fn pack_now(&mut self, chunk: &Chunk) -> Vec<u8> {
        self.pack(chunk);
        if let Engine::Stream(zlib) = &mut self.engine {
            deflate(zlib, &[], &mut self.out, FlushCompress::Sync);
        }
        self.unflushed = 0;
        self.unflushed_since = None;
        std::mem::take(&mut self.out)
    }

    /// What ends the stream, after which another may begin.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        let mut trailer = Vec::new();
        if let Engine::Stream(zlib) = &mut self.engine {
            if self.begun {
                deflate(zlib, &[], &mut trailer, FlushCompress::Finish);
            }
            zlib.reset();
        }
        self.out.clear();
        self.from = 0;
        self.unflushed = 0;
        self.unflushed_since = None;
        self.begun = false;
        trailer
    }
}

/// Passes all of `bytes` through the compressor, and with a flush whatever it holds.
fn deflate(zlib: &mut Compress, bytes: &[u8], out: &mut Vec<u8>, flush: FlushCompress) {
    let mut left = bytes;
    loop {
        let before = zlib.total_in();
        out.reserve(STEP_BYTES);
        let status = zlib.compress_vec(left, out, flush);
        let took = usize::try_from(zlib.total_in() - before).unwrap_or(0);
        left = left.get(took..).unwrap_or(&[]);
        // Room that is left says that it has nothing more to give.
        let room = out.capacity() > out.len();
        if status.is_err() || matches!(status, Ok(Status::StreamEnd)) || (left.is_empty() && room) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::ZlibDecoder;

    use super::*;

    fn unpacked(bytes: &[u8]) -> Vec<u8> {
        let mut all = Vec::new();
        ZlibDecoder::new(bytes).read_to_end(&mut all).unwrap();
        all
    }

    /// Which messages rsyslogd 8.2302 compressed, and how it framed them.
    #[test]
    fn messages_are_compressed_where_it_is_a_gain() {
        let packing =
            Packing { mode: PackMode::Single, level: 6, style: FrameStyle::Traditional(b'\n') };
        let mut packer = Packer::new(packing);
        let (long, short) = (format!(" {}", "c".repeat(60)), format!(" {}", "c".repeat(59)));
        let noise: String = ('!'..='~').collect();
        let mut chunk = Chunk::default();
        for message in [" short", &short, &long, &noise] {
            chunk.bytes.extend_from_slice(message.as_bytes());
            chunk.end_message();
        }
        let got = packer.pack_now(&chunk);
        let (plain, rest) = got.split_at(7 + 61);
        assert_eq!(plain, format!(" short\n{short}\n").as_bytes());
        let (digits, rest) = rest.split_at(2);
        let count: usize = std::str::from_utf8(digits).unwrap().parse().unwrap();
        assert_eq!(&rest[..2], b" z");
        assert_eq!(unpacked(&rest[2..=count]), long.as_bytes());
        assert_eq!(&rest[1 + count..], format!("{noise}\n").as_bytes());
    }

    #[test]
    fn a_stream_is_whole_after_each_flush_and_begins_anew() {
        let mode = PackMode::Stream { flush: true };
        let style = FrameStyle::Traditional(b'\n');
        let mut packer = Packer::new(Packing { mode, level: 9, style });
        let text: Vec<u8> =
            (0..400_000_u32).flat_map(|n| n.wrapping_mul(n).to_be_bytes()).collect();
        for _ in 0..2 {
            let (mut pending, mut flight) = (Pending::default(), Flight::default());
            let mut sent = Vec::new();
            for part in text.chunks(100_000) {
                let mut chunk = Chunk { bytes: part.to_vec(), ..Chunk::default() };
                chunk.end_message();
                pending.chunks.push_back(chunk);
            }
            while !pending.is_empty() {
                packer.fill(&mut pending, &mut flight);
                sent.extend_from_slice(&packer.out);
                flight.written += count(packer.out.len());
            }
            let mut finished = 0;
            flight.acknowledge(0, |chunk| finished += chunk.bytes.len());
            assert_eq!(finished, text.len());
            sent.extend_from_slice(&packer.finish());
            assert_eq!(unpacked(&sent), text);
        }
    }
}
