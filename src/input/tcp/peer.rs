//! The sender at the other end of a connection: who it is, what the rules say of it, and what
//! becomes of its frames. Plain TCP and RELP have this in common.

use std::fmt::Display;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::base::num::count;
use crate::base::poison;
use crate::input::FamilyStats;
use crate::input::guard::Guard;
use crate::input::tcp::Protocol;
use crate::input::tcp::TcpInput;
use crate::input::tcp::TcpSetup;
use crate::input::tcp::Ticket;
use crate::input::tcp::stream::Remote;
use crate::message::Batch;
use crate::message::Message;
use crate::message::Source;
use crate::parse;
use crate::parse::frame::Frame;
use crate::rules::Residual;
use crate::shard::Entry;
use crate::shard::Origin;
use crate::shard::Shard;
use crate::telemetry::Counter;

/// How long a new connection waits for the name of its peer before it goes by the address.
const NAME_PATIENCE: Duration = Duration::from_millis(500);

/// Whom a connection is with.
pub(in crate::input) struct Peer<'a> {
    input: &'a TcpInput,
    /// What holds now.
    pub(in crate::input) setup: Arc<TcpSetup>,
    shard: &'a Shard,
    entry: Rc<Entry>,
    port: u16,
    /// The rules for its messages.
    pub(in crate::input) route: Residual,
    /// The shard's, when `setup` was asked for and `route` was made.
    epoch: u64,
}

impl<'a> Peer<'a> {
    /// Looks the peer up; `None` if it may not send, which is said.
    pub(in crate::input) async fn meet(ticket: &'a Ticket, shard: &'a Shard) -> Option<Self> {
        let Ticket { input, peer } = ticket;
        let setup = input.setups.at(shard.generation());
        if *peer == Remote::Here {
            let entry = Rc::new(Entry::local(&setup.info.hostname));
            return Some(Self::of(input, peer.port(), shard, entry));
        }
        let ip = peer.ip();
        let guard = setup.guard.as_ref();
        // Whom no name can let in does not get to have names looked up.
        if guard.is_some_and(|guard| guard.of_address(ip) == Some(false)) {
            turn_away(input, &setup, &ip);
            return None;
        }
        let entry = learn(shard, &setup, ip, NAME_PATIENCE).await;
        if guard.is_some_and(|guard| !is_allowed(&setup, guard, ip, &entry)) {
            turn_away(input, &setup, &entry.source.fromhost);
            return None;
        }
        Some(Self::of(input, peer.port(), shard, entry))
    }

    /// By what holds now: there may have been a reload while a name was asked for.
    fn of(input: &'a TcpInput, port: u16, shard: &'a Shard, entry: Rc<Entry>) -> Self {
        let epoch = shard.epoch();
        let setup = input.setups.at(shard.generation());
        let route = shard.route(setup.ruleset, &entry, &setup.info);
        Self { input, setup, shard, entry, port, route, epoch }
    }

    /// Goes by the peer's name from here on, if the resolver knows it by now.
    pub(in crate::input) async fn rename(&mut self) {
        if !self.entry.may_get_name(self.setup.settings.names.answers()) {
            return;
        }
        let Some(ip) = self.entry.source.ip else { return };
        self.entry = learn(self.shard, &self.setup, ip, Duration::ZERO).await;
        self.reroute();
    }

    fn reroute(&mut self) {
        self.epoch = self.shard.epoch();
        self.setup = self.input.setups.at(self.shard.generation());
        let Source { ip, fromhost, .. } = &*self.entry.source;
        if ip.is_none() && **fromhost != *self.setup.info.hostname {
            self.entry = Rc::new(Entry::local(&self.setup.info.hostname));
        }
        self.route = self.shard.route(self.setup.ruleset, &self.entry, &self.setup.info);
    }

    /// Makes the route anew if what it follows from has changed.
    #[inline]
    pub(in crate::input) fn refresh(&mut self) {
        if self.shard.epoch() != self.epoch {
            self.reroute();
        }
    }

    /// What all messages of this connection have in common.
    pub(in crate::input) fn describe(&self, batch: &mut Batch) {
        batch.input = self.setup.info.clone();
        batch.sources.push(self.entry.source.clone());
    }

    /// Parses and runs some frames of the batch.
    pub(in crate::input) fn messages(&mut self, batch: &mut Batch, frames: &[Frame]) {
        let pass = self.admit(frames.len());
        batch.messages.clear();
        let (frames, mut next) = (&frames[..pass], 0);
        while let Err(why) = poison::caught(|| {
            while let Some(frame) = frames.get(next) {
                next += 1;
                let Batch { data, messages, arrival, .. } = &mut *batch;
                let message = messages.push_mut(Message { port: self.port, ..Message::default() });
                poison::test_panic("parse", frame.span.of(data));
                parse::message_into(data, *frame, &self.setup.parse, arrival, message);
            }
        }) {
            batch.messages.pop();
            self.input.stats.set_aside();
            self.shard.quarantine().keep("parsing", frames[next - 1].span.of(&batch.data), &why);
        }
        self.sift(batch);
        self.input.stats.count(batch);
        self.count_in_family(|family| &family.received, batch.messages.len());
        if self.setup.settings.sums_up && matches!(self.setup.spec.protocol, Protocol::Syslog) {
            let (input, ruleset) = (&self.input.stats, self.setup.ruleset);
            self.shard.sum_up(&Origin { input, part: 0, ruleset }, batch);
        }
        self.input.stats.passed(self.shard.run(batch, &self.route));
    }

    /// Counts `n` received bytes.
    pub(in crate::input) fn count_bytes(&self, n: usize) {
        self.input.stats.bytes.add(count(n));
        self.count_in_family(|family| &family.bytes, n);
    }

    fn count_in_family(&self, counter: impl Fn(&FamilyStats) -> &Counter, n: usize) {
        // rsyslog has unix sockets among those of IPv4.
        let ip = self.entry.source.ip.unwrap_or_else(|| Ipv4Addr::LOCALHOST.into());
        counter(self.input.stats.family(ip)).add(count(n));
    }

    /// How many of `n` messages the rate limit lets pass.
    fn admit(&self, n: usize) -> usize {
        let Some(limit) = self.setup.limit.as_ref().filter(|limit| !limit.looks_inside()) else {
            return n;
        };
        let verdict = limit.admit(n);
        if verdict.pass < n {
            let dropped = count(n - verdict.pass);
            self.input.stats.dropped_ratelimit.add(dropped);
            self.entry.source.limited(dropped);
        }
        limit.report(verdict, &self.entry.source.fromhost);
        verdict.pass
    }

    /// Drops what the rate limit, which knows the messages, does not let pass.
    fn sift(&self, batch: &mut Batch) {
        if let Some(limit) = self.setup.limit.as_ref().filter(|limit| limit.looks_inside()) {
            self.input.stats.dropped_ratelimit.add(count(limit.sift(batch)));
        }
    }
}

/// The table entry of a peer; its name is looked up when it is new.
async fn learn(shard: &Shard, setup: &TcpSetup, ip: IpAddr, patience: Duration) -> Rc<Entry> {
    let names = &setup.settings.names;
    let known = shard.known(ip);
    if let Some(entry) = &known
        && !entry.may_get_name(names.answers())
    {
        return entry.clone();
    }
    match names.name(ip, patience).await {
        Ok(name) => {
            let lower = (!setup.spec.preserve_case).then(|| name.to_ascii_lowercase());
            shard.learn(ip, Some(lower.as_deref().unwrap_or(&name)))
        }
        Err(answers) => {
            let entry = known.unwrap_or_else(|| shard.learn(ip, None));
            entry.unnamed_at.set(Some(answers));
            entry
        }
    }
}

/// Whether the peer may send, by its address or by its name.
fn is_allowed(setup: &TcpSetup, guard: &Guard, ip: IpAddr, entry: &Entry) -> bool {
    let by_name = || guard.has_name(&entry.source.fromhost, &setup.settings);
    guard.of_address(ip).unwrap_or_else(by_name)
}

fn turn_away(input: &TcpInput, setup: &TcpSetup, sender: &dyn Display) {
    if let Some(guard) = &setup.guard {
        guard.turn_away("connection request", sender, &input.stats, &setup.settings);
    }
}
