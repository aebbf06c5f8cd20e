//! Syslog over UDP (RFC 5426): a datagram a message, many in one call.

use std::io;
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::UdpSocket;

use crate::base::num::count;
use crate::net::dial::Peer;
use crate::net::udp::UdpSender;
use crate::output::Task;
use crate::output::forward::ForwardSpec;
use crate::output::forward::UdpOptions;
use crate::output::forward::pack::Single;
use crate::output::task::Health;
use crate::output::task::Pending;
use crate::queue::Chunk;

/// Timers do not tell shorter times apart; shorter delays are waited for together.
const TICK: Duration = Duration::from_millis(1);

struct Sender<'a> {
    spec: &'a ForwardSpec,
    options: &'a UdpOptions,
    task: Task,
    arrays: UdpSender,
    peer: Peer,
    /// Connected to the target's first address, or to each.
    sockets: Vec<UdpSocket>,
    /// Messages sent since the sockets were made.
    messages: u64,
}

/// How far the first chunk is: to which socket, and how many of its messages.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    socket: usize,
    message: usize,
    /// Messages that are longer than any datagram.
    unsendable: u64,
}

pub(super) async fn run(spec: &ForwardSpec, options: &UdpOptions, task: Task) {
    let mut health = Health::new(&task, &spec.common);
    let mut pending = Pending::default();
    let arrays = UdpSender::new();
    let Some(peer) = spec.peers().next() else { return };
    let sockets = Vec::new();
    let mut sender = Sender { spec, options, task, arrays, peer, sockets, messages: 0 };
    let mut progress = Progress::default();
    let mut single = spec.packing.map(|packing| Single::new(packing.level));
    let mut packed = Chunk::default();
    while sender.task.queue.take(&mut pending.chunks).await {
        while let Some(mut chunk) = pending.chunks.front() {
            if let Some(single) = &mut single {
                if packed.is_empty() {
                    pack(single, chunk, &mut packed);
                }
                chunk = &packed;
            }
            match sender.send(chunk, &mut progress).await {
                Ok(()) => {
                    health.worked();
                    if let Some(chunk) = pending.chunks.pop_front() {
                        sender.finished(chunk, progress.unsendable);
                    }
                    progress = Progress::default();
                    packed.clear();
                }
                Err(e) => {
                    // The name may lead elsewhere by now.
                    sender.sockets.clear();
                    progress.socket = 0;
                    let why = format!("cannot send to {}: {e}", sender.peer);
                    health.pause(&why, &mut pending, &sender.task).await;
                    if pending.is_empty() {
                        progress = Progress::default();
                        packed.clear();
                    }
                }
            }
        }
    }
}

/// `compression.mode="single"`: makes `packed` what goes out for `chunk`.
fn pack(single: &mut Single, chunk: &Chunk, packed: &mut Chunk) {
    let mut start = 0;
    for end in &chunk.ends {
        let message = &chunk.bytes[start..*end as usize];
        start = *end as usize;
        packed.bytes.extend_from_slice(single.pack(message).unwrap_or(message));
        packed.end_message();
    }
}

impl Sender<'_> {
    /// Sends what is left of `chunk` to every socket. After an error it is to be called again with
    /// the same progress; with several sockets it then rather repeats messages than loses any.
    async fn send(&mut self, chunk: &Chunk, progress: &mut Progress) -> io::Result<()> {
        if self.spec.rebind_interval.is_some_and(|most| self.messages >= most) {
            self.sockets.clear();
        }
        if self.sockets.is_empty() {
            let all = self.options.send_to_all;
            self.sockets = self.peer.sockets(&self.spec.dial, all).await?;
            self.messages = 0;
            self.task.stats.opened.add(count(self.sockets.len()));
        }
        while progress.socket < self.sockets.len() {
            while progress.message < chunk.len() {
                self.some(chunk, progress).await?;
            }
            progress.socket += 1;
            progress.message = 0;
        }
        Ok(())
    }

    /// One call's worth of messages.
    async fn some(&mut self, chunk: &Chunk, progress: &mut Progress) -> io::Result<()> {
        let (burst, delay) = burst(self.options.send_delay);
        let socket = &self.sockets[progress.socket];
        let from = progress.message;
        let start = from.checked_sub(1).map_or(0, |i| chunk.ends[i]);
        let ends = &chunk.ends[from..chunk.ends.len().min(from.saturating_add(burst))];
        let arrays = &mut self.arrays;
        let sent = socket
            .async_io(Interest::WRITABLE, || arrays.send(socket, &chunk.bytes, start, ends))
            .await;
        let done = match sent {
            Ok(n) => n,
            Err(e) => match e.raw_os_error() {
                Some(libc::EMSGSIZE) => {
                    progress.message += 1;
                    progress.unsendable += u64::from(progress.socket == 0);
                    return Ok(());
                }
                // Nobody listens there: it tells of an earlier datagram, and this one goes now.
                Some(libc::ECONNREFUSED) => 0,
                _ => return Err(e),
            },
        };
        progress.message += done;
        self.messages += count(done);
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        Ok(())
    }

    fn finished(&self, chunk: Chunk, unsendable: u64) {
        let stats = &self.task.stats;
        stats.dropped_unsendable.add(unsendable);
        stats.delivered.add(count(chunk.len()) - unsendable);
        stats.bytes.add(count(chunk.bytes.len()));
        self.task.queue.done(chunk);
    }
}

/// How many datagrams may go in one call, and how long to wait after it.
fn burst(delay: Duration) -> (usize, Duration) {
    if delay.is_zero() {
        return (usize::MAX, Duration::ZERO);
    }
    let together = TICK.as_micros().div_ceil(delay.as_micros());
    let together = u32::try_from(together).unwrap_or(1).max(1);
    (together as usize, delay * together)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_delays_are_gathered() {
        assert_eq!(burst(Duration::ZERO), (usize::MAX, Duration::ZERO));
        assert_eq!(burst(Duration::from_micros(100)), (10, TICK));
        assert_eq!(burst(Duration::from_millis(3)), (1, Duration::from_millis(3)));
    }
}
