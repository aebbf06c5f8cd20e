//! `imudp`: UDP syslog. The shards that receive share the port (`SO_REUSEPORT`); each `recvmmsg`
//! fills a ring of datagrams that is the batch.

use std::cell::Cell;
use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::time::MissedTickBehavior;

use crate::base::drain::Signals;
use crate::base::num::count;
use crate::base::poison;
use crate::base::reporter::Level;
use crate::base::versions::Versions;
use crate::config::module::Availability;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::config::param::Kind::Array;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::Positive;
use crate::config::param::Kind::Ruleset;
use crate::config::param::Kind::Size;
use crate::config::param::Kind::Str;
use crate::config::param::Kind::Token;
use crate::config::param::Kind::Word;
use crate::config::param::Params;
use crate::config::param::Spec;
use crate::input::InputSettings;
use crate::input::InputStats;
use crate::input::RateSettings;
use crate::input::guard::Guard;
use crate::input::ratelimit::RateLimit;
use crate::message::Batch;
use crate::message::InputInfo;
use crate::message::Message;
use crate::net::FreeBind;
use crate::net::listen::ListenOptions;
use crate::net::udp::DropCount;
use crate::net::udp::UdpRing;
use crate::parse;
use crate::parse::ParseSettings;
use crate::parse::frame::Frame;
use crate::rules::Residual;
use crate::rules::RulesetId;
use crate::shard::Origin;
use crate::shard::Shard;
use crate::shard::Stuck;

pub const NAME: &str = "imudp";

/// What it takes.
pub static MODULE: Module = Module {
    name: NAME,
    role: Role::Input,
    doc: "Receives syslog over UDP.",
    availability: Availability::Ready,
    module: &[MODULE_PARAMS],
    instance: &[PARAMS],
};

const SCHEDULING: &str = "set it for the process: systemd CPUSchedulingPolicy=, or chrt";

/// Parameters of the input. (rsyslog `imudp`.)
static PARAMS: &[Spec] = &[
    Spec::new("port", Array, "514", "UDP port or service name, or a list of them.").required(),
    Spec::new("address", Str, "", "Local address to bind to; all of IPv4 and IPv6 if not given."),
    Spec::new("name", Token, "imudp", "Value of the inputname property.").alias(&["inputname"]),
    Spec::new("name.appendPort", Bool, "off", "Appends the port to the name.")
        .alias(&["inputname.appendPort"]),
    Spec::new("ruleset", Ruleset, "RSYSLOG_DefaultRuleset", "Ruleset that gets the messages."),
    Spec::new("listenPortFileName", Str, "", "File into which the port number is written.").own(),
    Spec::new(
        "rcvbufSize",
        Size,
        "",
        "Size of the socket's receive buffer in bytes, for each shard's socket.",
    ),
    Spec::new(
        "ipFreeBind",
        Int,
        "2",
        "Binds to an address that is not there yet: 0 no, 1 yes, 2 yes and say so.",
    ),
    Spec::new("device", Str, "", "Network device (or VRF) to bind to."),
    Spec::new("rateLimit.interval", Int, "0", "Seconds of a rate-limiting interval; 0: no limit."),
    Spec::new("rateLimit.burst", Int, "10000", "Messages that pass in one interval."),
    Spec::new("rateLimit.name", Str, "", "The ratelimit() object whose limit holds.")
        .since("8.2602"),
    Spec::new("defaultTZ", Str, "", "Zone of timestamps that have none, as +hh:mm."),
];

/// Parameters of `module(load="imudp")`.
static MODULE_PARAMS: &[Spec] = &[
    Spec::new("batchSize", Int, "256", "Datagrams that one system call takes.")
        .ignored("one call takes up to 256 datagrams"),
    Spec::new("preserveCase", Bool, "off", "Keeps upper case in fromhost."),
    Spec::new("timeRequery", Int, "2", "How often the time is asked.")
        .ignored("the time is asked once per system call"),
    Spec::new(
        "threads",
        Positive,
        "",
        "Shards that receive, each on a socket of its own; half of them if not given.",
    ),
    Spec::new(
        "schedulingPolicy",
        Word(&["fifo", "rr", "other"]),
        "",
        "Scheduler of the input's thread.",
    )
    .ignored(SCHEDULING),
    Spec::new("schedulingPriority", Int, "", "Its priority.").ignored(SCHEDULING),
];

/// How long the first datagram of a new sender waits for the sender's name.
const NAME_PATIENCE: Duration = Duration::from_millis(5);
/// The same, where the name decides whether the sender may send at all.
const NAME_PATIENCE_GUARDED: Duration = Duration::from_millis(500);
/// The kernel's buffer where `rcvbufSize` does not say: rsyslog leaves the system's default of
/// some 200 KiB, which a burst of a few hundred messages overflows.
const RECEIVE_BUFFER_DEFAULT: usize = 4 << 20;
/// How often a socket on which nothing comes is asked what the kernel dropped.
const DROPS_LOOK: Duration = Duration::from_secs(5);
/// Receive calls in a row before others get their turn.
const READS_PER_TURN: u32 = 8;
/// Receive calls after the stop, at most: what the kernel's buffer can hold.
const READS_AT_STOP: u32 = 1024;

/// One `input(type="imudp")`, checked.
#[derive(Clone, Debug)]
pub struct UdpSpec {
    pub name: String,
    pub append_port: bool,
    pub ruleset: Option<String>,
    pub ports: Vec<String>,
    /// `None`: all addresses.
    pub address: Option<String>,
    pub listen: ListenOptions,
    pub port_file: Option<String>,
    pub rate: RateSettings,
    pub preserve_case: bool,
    pub default_tz: Option<String>,
    /// Shards that receive; `None`: half of them. A second socket pays where one core cannot keep
    /// up. Before that it only halves the batches and doubles the wake-ups. One where repeats are
    /// summed up, so that they are whoever they are from.
    pub receivers: Option<usize>,
}

impl UdpSpec {
    /// From checked parameters.
    #[must_use]
    pub fn compile(module: &Params, input: &Params) -> Self {
        let mut ports: Vec<String> = input.list("port").into_iter().map(str::to_owned).collect();
        if ports.is_empty() {
            ports.push("514".to_owned());
        }
        Self {
            name: input.str("name").unwrap_or(NAME).to_owned(),
            append_port: input.bool("name.appendPort").unwrap_or(false),
            ruleset: input.str("ruleset").map(str::to_owned),
            ports,
            address: input.str("address").filter(|a| *a != "*").map(str::to_owned),
            listen: ListenOptions {
                receive_buffer: Some(input.size("rcvbufSize").unwrap_or(RECEIVE_BUFFER_DEFAULT)),
                free_bind: FreeBind::from_number(input.int("ipFreeBind").unwrap_or(2))
                    .unwrap_or_default(),
                device: input.str("device").map(str::to_owned),
                ..ListenOptions::default()
            },
            port_file: input.str("listenPortFileName").map(str::to_owned),
            rate: RateSettings {
                interval_s: input.size("rateLimit.interval").unwrap_or(0),
                burst: input.size("rateLimit.burst").unwrap_or(10_000),
                name: input.str("rateLimit.name").map(str::to_owned),
            },
            preserve_case: module.bool("preserveCase").unwrap_or(false),
            default_tz: input.str("defaultTZ").map(str::to_owned),
            receivers: module.size("threads"),
        }
    }
}

/// One running `imudp` input. Its sockets outlive what a reload changes.
#[derive(Debug)]
pub struct UdpInput {
    pub stats: Arc<InputStats>,
    pub setups: Versions<UdpSetup>,
}

/// What an input does with its datagrams.
#[derive(Debug)]
pub struct UdpSetup {
    pub spec: UdpSpec,
    pub ruleset: RulesetId,
    pub info: Arc<InputInfo>,
    pub parse: ParseSettings,
    pub settings: InputSettings,
    limit: Option<Arc<RateLimit>>,
    guard: Option<Arc<Guard>>,
}

impl UdpSetup {
    /// `before` is what held until now: limits and what was said of senders go on where they are
    /// the same.
    #[must_use]
    pub fn new(
        label: String,
        spec: UdpSpec,
        ruleset: RulesetId,
        info: Arc<InputInfo>,
        parse: ParseSettings,
        settings: InputSettings,
        before: Option<&Self>,
    ) -> Self {
        let before_limit = before.and_then(|before| before.limit.as_ref());
        let limit = settings.limit(&spec.rate, label, before_limit);
        let before_guard = before.and_then(|before| before.guard.as_ref());
        let guard = Guard::of(settings.allowed.udp.as_ref(), &settings, before_guard);
        Self { spec, ruleset, info, parse, settings, limit, guard }
    }
}

/// A shard's end of it.
struct Receiver<'a> {
    input: &'a UdpInput,
    /// What holds at `epoch`.
    setup: Arc<UdpSetup>,
    epoch: u64,
    shard: &'a Shard,
    batch: Batch,
    ring: UdpRing,
    /// Rules by the batch's source index.
    routes: Vec<Residual>,
    /// The addresses behind them.
    addresses: Vec<IpAddr>,
    /// Senders whose names are still to be asked for.
    strangers: Vec<IpAddr>,
    /// What of the kernel's drops is counted; it outlives a receiver that panics.
    drops: Rc<Cell<DropCount>>,
    /// Names came too late once; until this passes nobody waits for one.
    impatient_until: Option<tokio::time::Instant>,
    /// Whether the sender that was looked at last may send.
    judged: Option<(IpAddr, bool)>,
    /// Which socket of the input's it is: repeats are summed up by socket, as rsyslogd does.
    part: u64,
}

/// Receives on `socket` until the stop. `drops` is what of the kernel's drops was counted there by
/// the receiver before, and comes to be what this one has counted.
///
/// # Errors
/// If the socket cannot be registered with the runtime.
pub async fn serve(
    input: Arc<UdpInput>,
    socket: std::net::UdpSocket,
    shard: Rc<Shard>,
    mut signals: Signals,
    drops: Rc<Cell<DropCount>>,
) -> io::Result<()> {
    socket.set_nonblocking(true)?;
    UdpRing::watch_drops(&socket)?;
    let socket = UdpSocket::from_std(socket)?;
    let setup = input.setups.at(shard.generation());
    let part = u64::from(socket.local_addr()?.is_ipv6());
    let mut receiver = Receiver {
        batch: Batch::new(setup.info.clone()),
        ring: UdpRing::new(setup.settings.message_bytes_max).going_on_from(drops.get()),
        routes: Vec::new(),
        addresses: Vec::new(),
        strangers: Vec::new(),
        drops,
        impatient_until: None,
        judged: None,
        part,
        input: &input,
        setup,
        epoch: shard.epoch(),
        shard: &shard,
    };
    let mut stuck = Stuck::new();
    let mut turns: u32 = 0;
    let mut look = tokio::time::interval(DROPS_LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !signals.stopping() {
        tokio::select! {
            biased;
            ready = socket.readable() => ready?,
            () = signals.stopped() => break,
            // Datagrams bring the count along, but after the last of a burst none may come.
            _ = look.tick() => {
                receiver.ask_drops(&socket);
                continue;
            }
        }
        receiver.receive(&socket, false, &mut stuck).await;
        turns = turns.wrapping_add(1);
        if turns.is_multiple_of(READS_PER_TURN) {
            tokio::task::yield_now().await;
        }
    }
    for _ in 0..READS_AT_STOP {
        if !receiver.receive(&socket, true, &mut stuck).await {
            break;
        }
    }
    receiver.ask_drops(&socket);
    Ok(())
}

impl Receiver<'_> {
    /// One receive call and all that follows from it. False if nothing was there.
    async fn receive(&mut self, socket: &UdpSocket, at_stop: bool, stuck: &mut Stuck) -> bool {
        let taken = Cell::new(0);
        let mut read = || {
            let n = self.ring.recv(socket, &mut self.batch.data)?;
            taken.set(n);
            // A ring that was not filled has emptied the socket: saying so here spares the call
            // that would only find that out. What comes in between wakes the task anew.
            if self.ring.full() { Ok(()) } else { Err(io::ErrorKind::WouldBlock.into()) }
        };
        // At the stop the runtime may not have heard yet of what the kernel holds.
        self.input.stats.receive_calls.add(1);
        let result = if at_stop { read() } else { socket.try_io(Interest::READABLE, read) };
        if let Err(error) = result
            && error.kind() != io::ErrorKind::WouldBlock
        {
            // An ICMP answer to something this port sent long ago; the socket is fine.
            let text = format!("imudp: receive failed: {error}");
            self.setup.settings.reporter.say(Level::Warning, text);
        }
        if taken.get() == 0 {
            return false;
        }
        self.work(taken.get(), stuck).await;
        true
    }

    async fn work(&mut self, n: usize, stuck: &mut Stuck) {
        self.introduce(n).await;
        // From here to the flush nothing waits: all of the batch goes by the same rules and tables.
        self.keep_up();
        let allowed = self.count_allowed(n);
        let mut pass = self.admit(allowed);
        self.batch.arrival = self.shard.arrival();
        let (mut bytes, mut next) = (0, 0);
        while let Err(why) = poison::caught(|| {
            self.parse(n, allowed < n, &mut next, &mut pass, &mut bytes);
        }) {
            self.batch.messages.pop();
            self.input.stats.set_aside();
            let span = self.ring.datagram(next - 1).span;
            self.shard.quarantine().keep("parsing", span.of(&self.batch.data), &why);
        }
        self.sift();
        self.count(bytes);
        if self.setup.settings.sums_up {
            let (input, ruleset) = (&self.input.stats, self.setup.ruleset);
            let origin = Origin { input, part: self.part, ruleset };
            self.shard.sum_up(&origin, &mut self.batch);
        }
        let passed = if let [route] = self.routes.as_slice() {
            self.shard.run(&mut self.batch, route)
        } else {
            self.shard.run_mixed(&mut self.batch, &self.routes)
        };
        self.input.stats.passed(passed);
        self.shard.flush(&self.batch.ack, stuck);
        self.batch.messages.clear();
        self.batch.sources.clear();
        self.routes.clear();
        self.addresses.clear();
        if !stuck.is_empty() {
            self.shard.push_datagrams(stuck).await;
        }
    }

    /// Parses what may pass of `n` datagrams, from `next` on; if `guarded`, some senders may not
    /// send.
    fn parse(
        &mut self,
        n: usize,
        guarded: bool,
        next: &mut usize,
        pass: &mut usize,
        bytes: &mut usize,
    ) {
        while *next < n {
            let datagram = self.ring.datagram(*next);
            *next += 1;
            let ip = datagram.from.ip().to_canonical();
            if guarded && !self.is_allowed(ip) {
                continue;
            }
            if *pass == 0 {
                return;
            }
            *pass -= 1;
            *bytes += datagram.span.len();
            if datagram.span.is_empty() {
                continue;
            }
            let source = self.source(ip);
            let frame = Frame { span: datagram.span, truncated: datagram.truncated };
            let Batch { data, messages, arrival, .. } = &mut self.batch;
            let port = datagram.from.port();
            let message = messages.push_mut(Message { source, port, ..Message::default() });
            poison::test_panic("parse", frame.span.of(data));
            parse::message_into(data, frame, &self.setup.parse, arrival, message);
        }
    }

    /// Goes over to what a reload has set, if there was one.
    fn keep_up(&mut self) {
        let epoch = self.shard.epoch();
        if std::mem::replace(&mut self.epoch, epoch) != epoch {
            self.setup = self.input.setups.at(self.shard.generation());
            self.batch.input = self.setup.info.clone();
        }
    }

    fn count(&mut self, bytes: usize) {
        self.input.stats.count(&self.batch);
        self.input.stats.bytes.add(count(bytes));
        // One call asks one socket, and that is of one family.
        if let Some(ip) = self.addresses.first() {
            self.input.stats.family(*ip).received.add(count(self.batch.messages.len()));
        }
        self.count_drops();
    }

    /// Asks the kernel how many datagrams it has dropped.
    fn ask_drops(&mut self, socket: &UdpSocket) {
        // A kernel that does not answer tells with the next datagram.
        if self.ring.refresh_drops(socket).is_ok() {
            self.count_drops();
        }
    }

    fn count_drops(&mut self) {
        let before = self.drops.replace(self.ring.drop_count());
        self.input.stats.dropped_kernel.add(self.ring.kernel_drops() - before.total());
    }

    /// The index of the sender in this batch.
    fn source(&mut self, ip: IpAddr) -> u16 {
        // Datagrams of one sender come in runs, and few senders share one call.
        if let Some(at) = self.addresses.iter().rposition(|known| *known == ip) {
            return u16::try_from(at).unwrap_or(0);
        }
        let entry = self.shard.known(ip).unwrap_or_else(|| self.shard.learn(ip, None));
        self.routes.push(self.shard.route(self.setup.ruleset, &entry, &self.setup.info));
        self.batch.sources.push(entry.source.clone());
        self.addresses.push(ip);
        u16::try_from(self.addresses.len() - 1).unwrap_or(0)
    }

    /// Asks for the names of senders that are new. A resolver that is slow makes them go by their
    /// address until it answers, and never holds the socket for long.
    async fn introduce(&mut self, n: usize) {
        let mut last = None;
        for i in 0..n {
            let ip = self.ring.datagram(i).from.ip().to_canonical();
            let new = last != Some(ip) && self.may_be_allowed(ip) && self.is_stranger(ip);
            if new && !self.strangers.contains(&ip) {
                self.strangers.push(ip);
            }
            last = Some(ip);
        }
        while let Some(ip) = self.strangers.pop() {
            let now = tokio::time::Instant::now();
            let impatient = self.impatient_until.is_some_and(|until| until > now);
            let asked = self.setup.guard.as_ref().map(|guard| guard.of_address(ip));
            let patience = match asked {
                _ if impatient => Duration::ZERO,
                Some(None) => NAME_PATIENCE_GUARDED,
                _ => NAME_PATIENCE,
            };
            let names = &self.setup.settings.names;
            match names.name(ip, patience).await {
                Ok(name) => {
                    let lower = (!self.setup.spec.preserve_case).then(|| name.to_ascii_lowercase());
                    self.shard.learn(ip, Some(lower.as_deref().unwrap_or(&name)));
                }
                Err(answers) => {
                    self.impatient_until = Some(now + Duration::from_secs(1));
                    let entry = self.shard.known(ip).unwrap_or_else(|| self.shard.learn(ip, None));
                    entry.unnamed_at.set(Some(answers));
                }
            }
        }
    }

    /// Not seen before, or without a name although the resolver has answered something since.
    fn is_stranger(&self, ip: IpAddr) -> bool {
        let known = self.shard.known(ip);
        known.is_none_or(|entry| entry.may_get_name(self.setup.settings.names.answers()))
    }

    /// False if nothing can let `ip` in, its name neither.
    fn may_be_allowed(&self, ip: IpAddr) -> bool {
        self.setup.guard.as_ref().is_none_or(|guard| guard.of_address(ip) != Some(false))
    }

    /// How many of `n` datagrams come from senders that may send; the others are counted.
    fn count_allowed(&mut self, n: usize) -> usize {
        let (stats, setup) = (&self.input.stats, self.setup.clone());
        let Some(guard) = &setup.guard else { return n };
        // Names may have come since.
        self.judged = None;
        let mut allowed = 0;
        for i in 0..n {
            let ip = self.ring.datagram(i).from.ip().to_canonical();
            if self.is_allowed(ip) {
                allowed += 1;
            } else {
                let (what, sender) = ("imudp: UDP message", ip);
                guard.turn_away(what, sender, stats, &setup.settings);
                stats.family(ip).disallowed.add(1);
            }
        }
        allowed
    }

    fn is_allowed(&mut self, ip: IpAddr) -> bool {
        let Some(guard) = &self.setup.guard else { return true };
        if let Some((_, allowed)) = self.judged.filter(|(known, _)| *known == ip) {
            return allowed;
        }
        let allowed = guard.of_address(ip).unwrap_or_else(|| {
            let settings = &self.setup.settings;
            let known = self.shard.known(ip);
            known.is_some_and(|entry| guard.has_name(&entry.source.fromhost, settings))
        });
        self.judged = Some((ip, allowed));
        allowed
    }

    /// How many of `n` datagrams the rate limit lets pass, from the front.
    fn admit(&self, n: usize) -> usize {
        let Some(limit) = self.setup.limit.as_ref().filter(|limit| !limit.looks_inside()) else {
            return n;
        };
        let verdict = limit.admit(n);
        let sender = |i: usize| {
            let ip = self.ring.datagram(i).from.ip().to_canonical();
            self.shard.known(ip).unwrap_or_else(|| self.shard.learn(ip, None))
        };
        for i in verdict.pass..n {
            sender(i).source.limited(1);
        }
        self.input.stats.dropped_ratelimit.add(count(n - verdict.pass));
        if verdict.began || verdict.ended.is_some() {
            limit.report(verdict, &sender(verdict.pass.min(n - 1)).source.fromhost);
        }
        verdict.pass
    }

    /// Drops what the rate limit, which knows the messages, does not let pass.
    fn sift(&mut self) {
        if let Some(limit) = self.setup.limit.as_ref().filter(|limit| limit.looks_inside()) {
            self.input.stats.dropped_ratelimit.add(count(limit.sift(&mut self.batch)));
        }
    }
}
