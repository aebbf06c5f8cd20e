//! The relay's own messages as an input: they go through the rules like any other
//! (rsyslog `internal`, facility syslog, tag `rsyslogd:`).

use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::base::drain::Signals;
use crate::base::num::count;
use crate::base::poison;
use crate::base::reporter::Level;
use crate::base::span::Span;
use crate::base::versions::Versions;
use crate::input::InputStats;
use crate::message::Batch;
use crate::message::InputInfo;
use crate::message::Message;
use crate::message::MessageFlags;
use crate::message::Pri;
use crate::message::Source;
use crate::rules::RulesetId;
use crate::shard::Shard;
use crate::shard::Stuck;

/// Facility `syslog`.
const FACILITY: u8 = 5;

/// Where own messages go, and what they know of it.
#[derive(Debug)]
pub struct InternalSetup {
    pub info: Arc<InputInfo>,
    pub ruleset: RulesetId,
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
            push_message(&mut batch, pri, self.program, text.as_bytes());
            self.stats.count(&batch);
            self.stats.bytes.add(count(text.len()));
            self.stats.passed(shard.run(&mut batch, &route));
            shard.flush(&batch.ack, &mut stuck);
            shard.push_all(&mut stuck).await;
        }
    }
}

/// Adds a message of the relay's own to `batch`, whose only source it has: no parser is asked, the
/// fields are known.
pub(super) fn push_message(batch: &mut Batch, pri: Pri, program: &str, text: &[u8]) {
    let input = batch.input.clone();
    let mut add = |parts: &[&[u8]]| {
        let start = batch.data.len();
        parts.iter().for_each(|part| batch.data.extend_from_slice(part));
        Span::new(start, batch.data.len())
    };
    let text = add(&[text]);
    let tag = add(&[program.as_bytes(), b":"]);
    let hostname = add(&[input.hostname.as_bytes()]);
    let mut flags = MessageFlags::default();
    flags.set(MessageFlags::HOSTNAME);
    let message = Message { raw: text, msg: text, tag, hostname, pri, flags, ..Message::default() };
    batch.messages.push(message);
}
