//! The relay's own messages as an input: they go through the rules like any other
//! (rsyslog `internal`, facility syslog, tag `rsyslogd:`).

use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::base::drain::Signals;
use crate::base::num::count;
use crate::base::poison;
use crate::base::reporter::Level;
use crate::base::versions::Versions;
use crate::input::InputStats;
use crate::input::local::Ready;
use crate::message::Batch;
use crate::message::InputInfo;
use crate::message::Pri;
use crate::message::Source;
use crate::rules::RulesetId;
use crate::shard::Origin;
use crate::shard::Shard;
use crate::shard::Stuck;

/// Facility `syslog`.
const FACILITY: u8 = 5;

/// Where own messages go, and what they know of it.
#[derive(Debug)]
pub struct InternalSetup {
    pub info: Arc<InputInfo>,
    pub ruleset: RulesetId,
    /// Repeated messages are summed up.
    pub sums_up: bool,
}

/// The receiving end of the relay's own messages.
#[derive(Debug)]
pub struct Internal {
    /// `bongsu` or, called by that name, `rsyslogd`.
    pub program: &'static str,
    pub setups: Arc<Versions<InternalSetup>>,
    pub stats: Arc<InputStats>,
    pub messages: mpsc::Receiver<(Level, String)>,
}

impl Internal {
    /// Hands own messages to the rules until the stop, and then those that are still waiting.
    pub async fn run(&mut self, shard: Rc<Shard>, mut signals: Signals) {
        let mut epoch = shard.epoch();
        let mut setup = self.setups.at(shard.generation());
        let mut source = Arc::new(Source::new(None, Some(&setup.info.hostname)));
        let mut route = shard.route_of(setup.ruleset, &source, &setup.info);
        let mut stuck = Stuck::new();
        let tag = [self.program.as_bytes(), b":"].concat();
        loop {
            let (level, text) = tokio::select! {
                biased;
                Some(message) = self.messages.recv() => message,
                () = signals.stopped() => {
                    self.messages.close();
                    match self.messages.recv().await {
                        Some(message) => message,
                        None => return,
                    }
                }
            };
            poison::test_panic("internal", text.as_bytes());
            let now = shard.epoch();
            if std::mem::replace(&mut epoch, now) != now {
                setup = self.setups.at(shard.generation());
                source = Arc::new(Source::new(None, Some(&setup.info.hostname)));
                route = shard.route_of(setup.ruleset, &source, &setup.info);
            }
            let mut batch = Batch::new(setup.info.clone());
            batch.arrival = shard.arrival();
            batch.sources.push(source.clone());
            let pri = Pri::new(FACILITY, level.number());
            let ready = Ready { pri, tag: &tag, text: text.as_bytes(), variables: None };
            ready.push_to(&mut batch, None);
            self.stats.count(&batch);
            self.stats.bytes.add(count(text.len()));
            if setup.sums_up {
                let (input, ruleset) = (&self.stats, setup.ruleset);
                shard.sum_up(&Origin { input, part: 0, ruleset }, &mut batch);
            }
            self.stats.passed(shard.run(&mut batch, &route));
            shard.flush(&batch.ack, &mut stuck);
            shard.push_all(&mut stuck).await;
        }
    }
}
