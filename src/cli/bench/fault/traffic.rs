//! The load of a fault run: numbered messages over some TCP connections, at a rate.

use std::time::Duration;

use crate::base::clock::monotonic;
use crate::cli::bench::block::Wire;
use crate::cli::bench::corpus::Corpus;
use crate::cli::bench::corpus::Kind;
use crate::cli::bench::error::BenchError;
use crate::cli::bench::fault::relay::Site;
use crate::cli::bench::send::SendPlan;
use crate::cli::bench::send::Sender;
use crate::cli::bench::time::Stamps;
use crate::cli::bench::time::pause;

/// Connections of the sender.
pub(super) const CONNECTIONS: u32 = 4;
/// Messages that are made, before they repeat.
const LINES: usize = 2_000;
const SEED: u64 = 7;
const LOOK: Duration = Duration::from_millis(10);

/// Messages on their way to the relay.
#[derive(Debug)]
pub(super) struct Traffic {
    sender: Sender,
}

impl Traffic {
    /// Begins to send `messages`, as fast as can be or at `rate` a second.
    pub(super) fn start(site: &Site, messages: u64, rate: Option<u64>) -> Result<Self, BenchError> {
        let plan = SendPlan {
            to: site.input,
            wire: Wire::OctetCount,
            connections: CONNECTIONS,
            sources: None,
            threads: 1,
            rate,
            messages: Some(messages),
            duration: None,
            ids: true,
        };
        let corpus = Corpus::generate(Kind::Mixed, LINES, SEED);
        Ok(Self { sender: Sender::start(&plan, &corpus, Stamps::new())? })
    }

    pub(super) fn is_done(&self) -> bool {
        self.sender.is_done()
    }

    /// Waits until all were sent, at most for `limit`; how many that is.
    pub(super) fn finish(self, limit: Duration) -> Result<u64, BenchError> {
        let began = monotonic();
        while !self.sender.is_done() && began.elapsed() < limit {
            pause(LOOK);
        }
        self.sender.stop();
        Ok(self.sender.join()?.messages)
    }
}
