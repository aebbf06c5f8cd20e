//! What impstats reports: `dyn_stats()` and `percentile_stats()` of the configuration, and the
//! counters of inputs, actions and queues under rsyslog's names, in rsyslogd's order.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::base::clock;
use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::diag::SourceMap;
use crate::base::limits::PERCENTILE_VALUES_MAX;
use crate::base::posix;
use crate::config::ast::Block;
use crate::config::ast::Object as Written;
use crate::config::ast::ObjectKind;
use crate::config::ast::StmtKind;
use crate::config::module::short_name;
use crate::config::param::Params;
use crate::engine::live::pair::pair;
use crate::engine::modules::BUILT_IN;
use crate::engine::reload::ReloadStats;
use crate::input::InputStats;
use crate::input::impstats;
use crate::input::journal;
use crate::input::relp;
use crate::input::tcp;
use crate::input::udp;
use crate::input::unix;
use crate::net::sys::ResourceUsage;
use crate::output::OutputStats;
use crate::queue::Gauge;
use crate::queue::SpoolStats;
use crate::shard::OutletStats;
use crate::telemetry::Bucket;
use crate::telemetry::Figure;
use crate::telemetry::Object;
use crate::telemetry::Percentiles;
use crate::telemetry::Probe;
use crate::telemetry::dynstats::BucketSettings;
use crate::telemetry::percentile::PercentileSettings;

/// The objects of a configuration that count, by name and in their places.
#[derive(Debug, Default)]
pub(super) struct Statistics {
    buckets: Vec<(Loc, Arc<Bucket>)>,
    percentiles: Vec<(Loc, Arc<Percentiles>)>,
    /// The number of each action, by its place: rsyslogd counts them as it reads.
    actions: HashMap<(u32, u32), usize>,
}

impl Statistics {
    /// Numbers the actions in `block`.
    pub(super) fn number_actions(&mut self, block: &Block) {
        for stmt in block {
            match &stmt.kind {
                StmtKind::Object(object) if object.kind == ObjectKind::Action => {
                    let number = self.actions.len();
                    self.actions.insert((object.loc.file, object.loc.start), number);
                }
                StmtKind::Object(object) => self.number_actions(&object.script),
                StmtKind::If { then, otherwise, .. } => {
                    self.number_actions(then);
                    self.number_actions(otherwise);
                }
                StmtKind::PriFilter { then, .. } | StmtKind::PropertyFilter { then, .. } => {
                    self.number_actions(then);
                }
                StmtKind::Foreach { body, .. } => self.number_actions(body),
                _ => {}
            }
        }
    }

    /// What rsyslogd calls an action in its reports: its name, or its number and module.
    pub(super) fn action_name(&self, object: &Written, name: Option<&str>, module: &str) -> String {
        if let Some(name) = name {
            return name.to_owned();
        }
        let module = short_name(module);
        let prefix = if BUILT_IN.contains(&module) { "builtin:" } else { "" };
        let number = self.actions.get(&(object.loc.file, object.loc.start)).copied();
        format!("action-{}-{prefix}{module}", number.unwrap_or(self.actions.len()))
    }

    /// Takes a `dyn_stats()` in.
    pub(super) fn add_bucket(&mut self, object: &Written, params: &Params) {
        let Some(name) = params.str("name") else { return };
        let life = params.int("unusedMetricLife").and_then(|n| u64::try_from(n).ok());
        let settings = BucketSettings {
            name: name.to_owned(),
            resettable: params.bool("resettable").unwrap_or(true),
            names_max: params.size("maxCardinality").unwrap_or(2000),
            unused_life: Duration::from_secs(life.unwrap_or(3600)),
        };
        self.buckets.push((object.loc, Arc::new(Bucket::new(settings, clock::monotonic()))));
    }

    /// Takes a `percentile_stats()` in.
    pub(super) fn add_percentiles(
        &mut self,
        object: &Written,
        params: &Params,
        diags: &mut Diagnostics,
    ) {
        let Some(name) = params.str("name") else { return };
        let mut percentiles = Vec::new();
        for text in params.list("percentiles") {
            match text.parse::<u8>().ok().filter(|n| (1..=100).contains(n)) {
                Some(percentile) => percentiles.push(percentile),
                None => {
                    let text = format!("'{text}' is no percentile: it is left out");
                    let d = Diagnostic::warning(params.loc("percentiles"), text);
                    diags.push(d.help("write whole numbers from 1 to 100"));
                }
            }
        }
        let window = params.size("windowSize");
        if window.is_none() || percentiles.is_empty() {
            let text = format!("percentile_stats '{name}' has no percentiles to report");
            let help =
                "percentile_stats(name=\"…\" percentiles=[\"50\", \"99\"] windowSize=\"1000\")";
            diags.push(Diagnostic::warning(object.loc, text).help(help));
        }
        let settings = PercentileSettings {
            name: name.to_owned(),
            percentiles,
            window: window.unwrap_or(0).min(PERCENTILE_VALUES_MAX),
            delimiter: params.str("delimiter").unwrap_or(".").to_owned(),
        };
        self.percentiles.push((object.loc, Arc::new(Percentiles::new(settings))));
    }

    /// The `dyn_stats()` of that name; of two the first.
    pub(super) fn bucket(&self, name: &str) -> Option<Arc<Bucket>> {
        let found = self.buckets.iter().find(|(_, bucket)| bucket.name() == name);
        found.map(|(_, bucket)| bucket.clone())
    }

    /// The `percentile_stats()` of that name; of two the first.
    pub(super) fn percentiles(&self, name: &str) -> Option<Arc<Percentiles>> {
        let found = self.percentiles.iter().find(|(_, each)| each.name() == name);
        found.map(|(_, each)| each.clone())
    }

    /// All that counts, as it stands in `sources`; `actions` are the places of the actions.
    pub(super) fn in_order(self, actions: &[Loc], sources: &SourceMap) -> Vec<Counted> {
        let actions = actions.iter().enumerate();
        let mut placed: Vec<_> =
            actions.map(|(index, loc)| (*loc, Counted::Action(index))).collect();
        placed.extend(self.buckets.into_iter().map(|(loc, each)| (loc, Counted::Bucket(each))));
        let percentiles = self.percentiles.into_iter();
        placed.extend(percentiles.map(|(loc, each)| (loc, Counted::Percentiles(each))));
        placed.sort_by(|(a, _), (b, _)| sources.precedes(*b, *a).cmp(&sources.precedes(*a, *b)));
        placed.into_iter().map(|(_, counted)| counted).collect()
    }
}

/// Something that has a line in the reports, at its place in the configuration.
#[derive(Debug)]
pub(super) enum Counted {
    /// By its index.
    Action(usize),
    Bucket(Arc<Bucket>),
    Percentiles(Arc<Percentiles>),
}

/// What counts as something in the configuration before did goes on where that is.
pub(super) fn go_on_from(now: &[Counted], before: &[Counted]) {
    let is_like = |old: &Counted, new: &Counted| match (old, new) {
        (Counted::Bucket(old), Counted::Bucket(new)) => old.is_like(new),
        (Counted::Percentiles(old), Counted::Percentiles(new)) => old.is_like(new),
        _ => false,
    };
    for (new, pair) in now.iter().zip(pair(before, now, is_like, |_, _| true)) {
        match (new, pair.map(|at| &before[at])) {
            (Counted::Bucket(new), Some(Counted::Bucket(old))) => new.go_on_from(old.as_ref()),
            (Counted::Percentiles(new), Some(Counted::Percentiles(old))) => {
                new.go_on_from(old.as_ref());
            }
            _ => {}
        }
    }
}

/// What impstats reports, apart from listeners and queues: those are behind it. `action` gives the
/// objects of an action.
pub(super) fn probes(
    sockets: Option<LogSocketsProbe>,
    counted: &[Counted],
    action: impl Fn(usize) -> Vec<Box<dyn Probe>>,
) -> Vec<Box<dyn Probe>> {
    let (mut buckets, mut percentiles, mut placed) = (Vec::new(), Vec::new(), Vec::new());
    for each in counted {
        match each {
            Counted::Action(index) => placed.extend(action(*index)),
            Counted::Bucket(bucket) => {
                buckets.push(bucket.clone());
                placed.push(Box::new(BucketProbe(bucket.clone())) as Box<dyn Probe>);
            }
            Counted::Percentiles(each) => {
                percentiles.push(each.clone());
                placed.push(Box::new(PercentilesProbe(each.clone())));
            }
        }
    }
    let mut probes: Vec<Box<dyn Probe>> =
        vec![Box::new(Buckets(buckets)), Box::new(AllPercentiles(percentiles))];
    probes.extend(sockets.map(|sockets| Box::new(sockets) as Box<dyn Probe>));
    probes.append(&mut placed);
    probes
}

/// What is done to all `dyn_stats()`.
#[derive(Debug)]
struct Buckets(Vec<Arc<Bucket>>);

impl Probe for Buckets {
    fn read(&self) -> Object {
        let figures = self.0.iter().flat_map(|bucket| bucket.operations()).collect();
        Object { nested: true, ..Object::new("global".into(), "dynstats", figures) }
    }
}

/// What is done to all `percentile_stats()`.
#[derive(Debug)]
struct AllPercentiles(Vec<Arc<Percentiles>>);

impl Probe for AllPercentiles {
    fn read(&self) -> Object {
        let figures = self.0.iter().flat_map(|each| each.operations()).collect();
        Object { nested: true, ..Object::new("global".into(), "percentile", figures) }
    }
}

#[derive(Debug)]
struct BucketProbe(Arc<Bucket>);

impl Probe for BucketProbe {
    fn read(&self) -> Object {
        self.0.report(clock::monotonic())
    }
}

#[derive(Debug)]
struct PercentilesProbe(Arc<Percentiles>);

impl Probe for PercentilesProbe {
    fn read(&self) -> Object {
        self.0.report()
    }
}

fn counter(name: &'static str, value: u64) -> Figure {
    Figure::counter(name.as_bytes(), value)
}

fn gauge(name: &'static str, value: i64) -> Figure {
    Figure::gauge(name.as_bytes(), value)
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// `core.action`
#[derive(Debug)]
pub(super) struct ActionProbe {
    pub(super) name: String,
    pub(super) outlet: Arc<OutletStats>,
    pub(super) output: Arc<OutputStats>,
}

impl Probe for ActionProbe {
    fn read(&self) -> Object {
        let (outlet, output) = (&self.outlet, &self.output);
        let failed = output.dropped_unsendable.get()
            + output.dropped_retries.get()
            + output.dropped_at_stop.get();
        let figures = vec![
            counter("processed", outlet.queued.get() + outlet.dropped_full.get()),
            counter("failed", failed),
            counter("suspended", output.suspended.get()),
            counter("suspended.duration", output.suspended_seconds.get()),
            counter("resumed", output.resumed.get()),
        ];
        Object::new(self.name.clone(), "core.action", figures)
    }
}

/// What omfwd says of its target.
#[derive(Debug)]
pub(super) struct ForwardProbe {
    /// `TCP-host-port`
    pub(super) name: String,
    pub(super) output: Arc<OutputStats>,
}

impl Probe for ForwardProbe {
    fn read(&self) -> Object {
        let figures = vec![counter("bytes.sent", self.output.bytes.get())];
        Object::new(self.name.clone(), "omfwd", figures)
    }
}

/// What omfile says of the files that messages name.
#[derive(Debug)]
pub(super) struct CacheProbe {
    /// `dynafile cache ` and the template that makes their names.
    pub(super) name: String,
    pub(super) output: Arc<OutputStats>,
}

impl Probe for CacheProbe {
    fn read(&self) -> Object {
        let cache = &self.output.cache;
        let figures = vec![
            counter("requests", cache.requests.get()),
            counter("level0", cache.same.get()),
            counter("missed", cache.missed.get()),
            counter("evicted", cache.evicted.get()),
            gauge("maxused", signed(cache.most.get())),
            counter("closetimeouts", cache.timed_out.get()),
        ];
        Object::new(self.name.clone(), "omfile", figures)
    }
}

/// `core.queue` of an action.
#[derive(Debug)]
pub(super) struct QueueProbe {
    pub(super) name: String,
    pub(super) gauge: Gauge,
    pub(super) outlet: Arc<OutletStats>,
}

impl Probe for QueueProbe {
    fn read(&self) -> Object {
        let figures = vec![
            gauge("size", signed(self.gauge.depth().1)),
            // rsyslogd counts what it discards as well.
            counter("enqueued", self.outlet.queued.get() + self.outlet.dropped_discarded.get()),
            counter("full", self.outlet.full.get()),
            counter("discarded.full", self.outlet.dropped_full.get()),
            counter("discarded.nf", self.outlet.dropped_discarded.get()),
            gauge("maxqsize", signed(self.gauge.most())),
        ];
        Object::new(self.name.clone(), "core.queue", figures)
    }
}

/// `core.queue` of the part of a queue that is on disk.
#[derive(Debug)]
pub(super) struct DiskQueueProbe {
    pub(super) name: String,
    pub(super) gauge: Gauge,
    pub(super) stats: Arc<SpoolStats>,
}

impl Probe for DiskQueueProbe {
    fn read(&self) -> Object {
        let figures = vec![
            gauge("size", signed(self.gauge.on_disk())),
            counter("enqueued", self.stats.written.get()),
            counter("full", self.stats.failures.get()),
            counter("discarded.full", 0),
            counter("discarded.nf", 0),
            gauge("maxqsize", signed(self.gauge.most_on_disk())),
        ];
        Object::new(self.name.clone(), "core.queue", figures)
    }
}

/// `core.queue` of the main queue. There is none: a message that was received has gone through the
/// rules before the next one is looked at. So it is always empty, and counts.
#[derive(Debug)]
pub(super) struct MainQueueProbe(pub(super) Vec<Arc<InputStats>>);

impl Probe for MainQueueProbe {
    fn read(&self) -> Object {
        let enqueued = self.0.iter().map(|stats| stats.received.get()).sum();
        let figures = vec![
            gauge("size", 0),
            counter("enqueued", enqueued),
            counter("full", 0),
            counter("discarded.full", 0),
            counter("discarded.nf", 0),
            gauge("maxqsize", 0),
        ];
        Object::new("main Q".into(), "core.queue", figures)
    }
}

/// A listener: of one address family, except those of imtcp and imrelp.
#[derive(Debug)]
pub(super) struct ListenerProbe {
    module: &'static str,
    name: String,
    /// Index into [`InputStats::families`].
    family: usize,
    stats: Arc<InputStats>,
}

impl ListenerProbe {
    /// The objects of an input `name` that listens on `port` of `address`, for each family that it
    /// has sockets of (0 is IPv4, 1 IPv6).
    pub(super) fn all(
        module: &'static str,
        name: &str,
        address: Option<&str>,
        port: &str,
        families: &[usize],
        stats: &Arc<InputStats>,
    ) -> Vec<Self> {
        let one = |name, family| Self { module, name, family, stats: stats.clone() };
        if matches!(module, tcp::NAME | relp::NAME) {
            return vec![one(format!("{name}({port})"), 0)];
        }
        let address = address.unwrap_or("*");
        let version = |family| if family == 0 { "IPv4" } else { "IPv6" };
        let named = |family| format!("{name}({address}/{port}/{})", version(family));
        families.iter().map(|family| one(named(*family), *family)).collect()
    }

    pub(super) const fn module(&self) -> &'static str {
        self.module
    }
}

impl Probe for ListenerProbe {
    fn read(&self) -> Object {
        let family = &self.stats.families[self.family];
        let figures = match self.module {
            // rsyslogd counts what its rate limit drops, too.
            tcp::NAME | relp::NAME => {
                let dropped = self.stats.dropped_ratelimit.get();
                vec![counter("submitted", self.stats.received.get() + dropped)]
            }
            udp::NAME => vec![
                counter("submitted", family.received.get()),
                counter("disallowed", family.disallowed.get()),
            ],
            _ => vec![
                counter("submitted", family.received.get()),
                counter("sessions.opened", family.sessions_opened.get()),
                counter("sessions.openfailed", family.sessions_failed.get()),
                counter("sessions.closed", family.sessions_closed.get()),
                counter("bytes.received", family.bytes.get()),
                counter("bytes.decompressed", 0),
            ],
        };
        Object::new(self.name.clone(), self.module, figures)
    }
}

/// What the calls of all imudp inputs took in: rsyslogd's first worker, which is its only one.
#[derive(Debug)]
pub(super) struct DatagramsProbe(pub(super) Vec<Arc<InputStats>>);

impl Probe for DatagramsProbe {
    fn read(&self) -> Object {
        let sum = |counter: fn(&InputStats) -> u64| self.0.iter().map(|s| counter(s)).sum();
        let figures = vec![
            counter("called.recvmmsg", sum(|stats| stats.receive_calls.get())),
            counter("called.recvmsg", 0),
            counter("msgs.received", sum(came)),
        ];
        Object::new("imudp(w0)".into(), udp::NAME, figures)
    }
}

/// What came by all sockets of imuxsock.
#[derive(Debug)]
pub(super) struct LogSocketsProbe(Vec<Arc<InputStats>>);

impl LogSocketsProbe {
    /// `None` if there are no sockets.
    pub(super) fn of(sockets: Vec<Arc<InputStats>>) -> Option<Self> {
        (!sockets.is_empty()).then_some(Self(sockets))
    }
}

impl Probe for LogSocketsProbe {
    fn read(&self) -> Object {
        let sum = |counter: fn(&InputStats) -> u64| self.0.iter().map(|s| counter(s)).sum();
        let limits: u64 = sum(|stats| stats.limits.get());
        let figures = vec![
            // rsyslogd counts what its rate limit drops, too, and not as dropped.
            counter("submitted", sum(came)),
            counter("ratelimit.discarded", sum(|stats| stats.dropped_ratelimit.get())),
            counter("ratelimit.numratelimiters", limits),
        ];
        Object::new(unix::NAME.into(), unix::NAME, figures)
    }
}

/// What imjournal has read. What rsyslogd says besides is of its own way to read the journal, and
/// journalctl does not tell: rotations, failed polls, how large it is.
#[derive(Debug)]
pub(super) struct JournalProbe(pub(super) Arc<InputStats>);

impl Probe for JournalProbe {
    fn read(&self) -> Object {
        let InputStats { received, dropped_ratelimit, quarantined, recoveries, .. } = &*self.0;
        let all = received.get() + dropped_ratelimit.get() + quarantined.get();
        let figures = vec![
            counter("submitted", received.get()),
            counter("read", all),
            counter("discarded", dropped_ratelimit.get()),
            counter("failed", quarantined.get()),
            counter("recovery_attempts", recoveries.get()),
        ];
        Object::new(journal::NAME.into(), journal::NAME, figures)
    }
}

/// All datagrams, whatever became of them.
fn came(stats: &InputStats) -> u64 {
    stats.received.get() + stats.dropped_ratelimit.get() + stats.disallowed.get()
}

/// What only this program has to say.
#[derive(Debug)]
pub(super) struct OwnProbe(pub(super) Arc<ReloadStats>);

impl Probe for OwnProbe {
    fn read(&self) -> Object {
        let reloads = &self.0;
        let figures = vec![
            counter("regex.givenup", posix::given_up()),
            counter("reloads", reloads.all.get()),
            counter("reloads.failed", reloads.failed.get()),
            gauge("reloads.last", i64::try_from(reloads.last.get()).unwrap_or(i64::MAX)),
        ];
        Object::new("bongsu".into(), "bongsu", figures)
    }

    fn is_shown(&self) -> bool {
        posix::given_up() > 0 || self.0.all.get() > 0
    }
}

/// What the process has used.
#[derive(Debug)]
pub(super) struct ResourceProbe;

impl Probe for ResourceProbe {
    fn read(&self) -> Object {
        // A kernel without the call, or without /proc, shows zeros.
        let usage = ResourceUsage::now().unwrap_or_default();
        let open = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        let figures = vec![
            gauge("utime", usage.user_us),
            gauge("stime", usage.system_us),
            gauge("maxrss", usage.resident_kib_max),
            gauge("minflt", usage.faults_minor),
            gauge("majflt", usage.faults_major),
            gauge("inblock", usage.blocks_in),
            gauge("oublock", usage.blocks_out),
            gauge("nvcsw", usage.switches_voluntary),
            gauge("nivcsw", usage.switches_involuntary),
            gauge("openfiles", i64::try_from(open).unwrap_or(i64::MAX)),
        ];
        Object::new("resource-usage".into(), impstats::NAME, figures)
    }
}
