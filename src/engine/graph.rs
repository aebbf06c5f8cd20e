//! The graph that runs: bound sockets, compiled rules, queues with an output behind each.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::base::clock::LocalZone;
use crate::base::drain::Signals;
use crate::base::limits::ACTION_QUEUE_BYTES_DEFAULT;
use crate::base::reporter::Level;
use crate::base::reporter::Reporter;
use crate::engine::Plan;
use crate::engine::Summary;
use crate::engine::build::ActionPlan;
use crate::engine::build::InputPlan;
use crate::engine::build::Reports;
use crate::engine::statistics;
use crate::engine::statistics::ActionProbe;
use crate::engine::statistics::CacheProbe;
use crate::engine::statistics::Counted;
use crate::engine::statistics::DatagramsProbe;
use crate::engine::statistics::ForwardProbe;
use crate::engine::statistics::ListenerProbe;
use crate::engine::statistics::MainQueueProbe;
use crate::engine::statistics::OwnProbe;
use crate::engine::statistics::QueueProbe;
use crate::engine::statistics::ResourceProbe;
use crate::engine::summary::ActionCounters;
use crate::engine::summary::InputCounters;
use crate::input::InputSettings;
use crate::input::InputStats;
use crate::input::Internal;
use crate::input::impstats;
use crate::input::impstats::Impstats;
use crate::input::ratelimit::RateLimit;
use crate::input::ratelimit::RateLimitSpec;
use crate::input::tcp::Listener;
use crate::input::tcp::TcpInput;
use crate::input::tcp::TcpSpec;
use crate::input::udp;
use crate::input::udp::UdpInput;
use crate::input::udp::UdpSpec;
use crate::lookup::Tables;
use crate::message::InputInfo;
use crate::net::listen;
use crate::net::listen::Bound;
use crate::net::listen::ListenOptions;
use crate::net::listen::Share;
use crate::net::reverse::Names;
use crate::output::OutputSpec;
use crate::output::OutputStats;
use crate::output::Task;
use crate::output::forward::Protocol;
use crate::parse::ParseSettings;
use crate::queue;
use crate::queue::Receiver;
use crate::queue::Sender;
use crate::rules::Programs;
use crate::rules::RulesetId;
use crate::shard::Outlet;
use crate::shard::OutletStats;
use crate::telemetry::Probe;
use crate::template::Template;

/// Everything that [`crate::engine::run`] needs.
#[derive(Debug)]
pub struct Graph {
    pub(super) shards: usize,
    pub(super) programs: Arc<Programs>,
    pub(super) actions: Vec<ActionTask>,
    /// Each with the sockets of its shards, one per address family.
    pub(super) udp: Vec<(Arc<UdpInput>, Vec<Vec<std::net::UdpSocket>>)>,
    pub(super) listeners: Vec<Listener>,
    pub(super) internal: Option<Internal>,
    pub(super) info: Arc<InputInfo>,
    pub(super) zone: LocalZone,
    pub(super) reporter: Arc<dyn Reporter>,
    pub(super) drain: Duration,
    pub(super) tables: Arc<Tables>,
    inputs: Vec<InputCounters>,
    ruleset_names: BTreeMap<RulesetId, String>,
    /// What impstats reports of the inputs.
    reported: Vec<ListenerProbe>,
    pub(super) impstats: Option<Impstats>,
}

/// An action: its queue and the output behind it.
pub(super) struct ActionTask {
    name: String,
    /// What reports call it.
    reported: String,
    queued: bool,
    spec: OutputSpec,
    template: Option<Arc<Template>>,
    file_name: Option<Arc<Template>>,
    sender: Sender,
    receiver: Receiver,
    outlet: Arc<OutletStats>,
    output: Arc<OutputStats>,
}

impl fmt::Debug for ActionTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActionTask").field("name", &self.name).finish_non_exhaustive()
    }
}

impl ActionTask {
    fn new(plan: ActionPlan) -> Self {
        let (sender, receiver) = queue::bounded(ACTION_QUEUE_BYTES_DEFAULT);
        Self {
            name: plan.name,
            reported: plan.reported,
            queued: plan.queued,
            spec: plan.spec,
            template: plan.template,
            file_name: plan.file_name,
            sender,
            receiver,
            outlet: Arc::default(),
            output: Arc::default(),
        }
    }

    /// What impstats says of it, apart from its queue.
    fn probes(&self) -> Vec<Box<dyn Probe>> {
        let output = self.output.clone();
        let mut probes: Vec<Box<dyn Probe>> = Vec::new();
        if let OutputSpec::Forward(forward) = &self.spec
            && let Some((host, port)) = forward.targets.first()
        {
            let protocol = if forward.protocol == Protocol::Tcp { "TCP" } else { "UDP" };
            let name = format!("{protocol}-{host}-{port}");
            probes.push(Box::new(ForwardProbe { name, output: output.clone() }));
        }
        if let Some(template) = &self.file_name {
            let name = format!("dynafile cache {}", template.name);
            probes.push(Box::new(CacheProbe { name, output: output.clone() }));
        }
        let (name, outlet) = (self.reported.clone(), self.outlet.clone());
        probes.push(Box::new(ActionProbe { name, outlet, output }));
        probes
    }

    /// What impstats says of the queue that was asked for.
    fn queue_probe(&self) -> Option<Box<dyn Probe>> {
        let name = format!("{} queue", self.reported);
        let (gauge, outlet) = (self.sender.gauge(), self.outlet.clone());
        self.queued.then(|| Box::new(QueueProbe { name, gauge, outlet }) as Box<dyn Probe>)
    }

    /// One shard's end of the queue.
    pub(super) fn outlet(&self) -> Outlet {
        Outlet::new(
            self.sender.clone(),
            self.template.clone(),
            self.file_name.clone(),
            self.spec.framing(),
            self.outlet.clone(),
        )
    }

    /// Delivers until all shards have let go of the queue and it is empty.
    pub(super) async fn run(self, signals: Signals, reporter: Arc<dyn Reporter>) {
        let Self { name, spec, receiver, sender, output, .. } = self;
        drop(sender);
        let task = Task { name: name.into(), queue: receiver, stats: output, signals, reporter };
        spec.run(task).await;
    }
}

/// What the process adds to the configuration.
#[derive(Debug)]
pub struct Surroundings {
    /// Tag of own messages: `bongsu`, or `rsyslogd` when called by that name.
    pub program: &'static str,
    pub reporter: Arc<dyn Reporter>,
    /// Own messages on their way to the rules.
    pub own: Option<mpsc::Receiver<(Level, String)>>,
}

impl Graph {
    /// Opens the sockets of `plan`. An input that cannot listen is complained of; the others run.
    ///
    /// # Errors
    /// If not a single input could be opened although some were configured.
    pub fn open(plan: Plan, around: Surroundings) -> io::Result<Self> {
        let globals = &plan.globals;
        let shards = globals.shards.unwrap_or_else(|| {
            std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
        });
        let settings = InputSettings {
            message_bytes_max: globals.message_bytes_max,
            names: Arc::new(Names::new(globals.dns, plan.local_domain.as_deref())),
            reporter: around.reporter.clone(),
            hostname: plan.hostname.clone(),
            family: globals.family(),
            allowed: globals.senders.allowed(),
            limits: Arc::new(shared_limits(&plan.limits, &around.reporter)),
        };
        let name =
            |name: &str| Arc::new(InputInfo { name: name.into(), hostname: plan.hostname.clone() });
        let mut graph = Self {
            shards,
            programs: Arc::new(plan.programs),
            actions: plan.actions.into_iter().map(ActionTask::new).collect(),
            udp: Vec::new(),
            listeners: Vec::new(),
            internal: None,
            info: name(around.program),
            zone: LocalZone::system(),
            reporter: around.reporter,
            drain: globals.drain,
            tables: Arc::new(plan.tables),
            inputs: Vec::new(),
            ruleset_names: plan.ruleset_names,
            reported: Vec::new(),
            impstats: None,
        };
        let wanted = !plan.inputs.is_empty();
        let Reports { counted, impstats, modules } = plan.reports;
        for input in plan.inputs {
            match input {
                InputPlan::Tcp { spec, ruleset, parse } => {
                    graph.open_tcp(&spec, ruleset, &parse, &settings);
                }
                InputPlan::Udp { spec, ruleset, parse } => {
                    graph.open_udp(&spec, ruleset, &parse, &settings);
                }
            }
        }
        if wanted && graph.listeners.is_empty() && graph.udp.is_empty() {
            return Err(io::Error::other("no input could be opened"));
        }
        if let Some(messages) = around.own {
            let stats = graph.stats_of("internal", plan.default_ruleset);
            graph.internal = Some(Internal {
                info: name(around.program),
                program: around.program,
                ruleset: plan.default_ruleset,
                stats,
                messages,
            });
        }
        if let Some((spec, ruleset)) = impstats {
            let stats = graph.stats_of(impstats::NAME, ruleset);
            graph.impstats = Some(Impstats {
                spec,
                ruleset,
                info: name(impstats::NAME),
                stats,
                reporter: graph.reporter.clone(),
                zone: graph.zone.clone(),
                probes: graph.probes(&counted, &modules),
            });
        }
        Ok(graph)
    }

    /// What impstats reports, in rsyslogd's order.
    fn probes(&mut self, counted: &[Counted], modules: &[String]) -> Vec<Box<dyn Probe>> {
        let mut probes = statistics::probes(counted, |action| self.actions[action].probes());
        let mut listeners = std::mem::take(&mut self.reported);
        listeners.sort_by_key(|l| modules.iter().position(|module| module == l.module()));
        probes.extend(listeners.into_iter().map(|l| Box::new(l) as Box<dyn Probe>));
        probes.push(Box::new(ResourceProbe));
        probes.extend(self.actions.iter().filter_map(ActionTask::queue_probe));
        let inputs = self.inputs.iter().map(|input| input.stats.clone()).collect();
        probes.push(Box::new(MainQueueProbe(inputs)));
        if !self.udp.is_empty() {
            let inputs = self.udp.iter().map(|(input, _)| input.stats.clone()).collect();
            probes.push(Box::new(DatagramsProbe(inputs)));
        }
        probes.push(Box::new(OwnProbe));
        probes
    }

    fn stats_of(&mut self, name: &str, ruleset: RulesetId) -> Arc<InputStats> {
        let stats = Arc::new(InputStats::default());
        self.inputs.push(InputCounters {
            name: name.to_owned(),
            ruleset: self.ruleset_names.get(&ruleset).cloned().unwrap_or_default(),
            stats: stats.clone(),
        });
        stats
    }

    fn open_tcp(
        &mut self,
        spec: &TcpSpec,
        ruleset: RulesetId,
        parse: &ParseSettings,
        settings: &InputSettings,
    ) {
        for port in &spec.ports {
            let options = ListenOptions { family: settings.family, ..spec.listen.clone() };
            let bound = listen::tcp_listeners(spec.address.as_deref(), port, &options);
            let Some(sockets) = self.bound(spec.module, port, bound) else { continue };
            let opened = sockets.first().and_then(|s| s.local_addr().ok());
            self.write_port(spec.port_file.as_deref(), opened.map(|a| a.port()));
            let (label, info) = named(&spec.name, false, port, settings);
            let stats = self.stats_of(&label, ruleset);
            let families = families(sockets.iter().map(std::net::TcpListener::local_addr));
            let address = spec.address.as_deref();
            self.reported.extend(ListenerProbe::all(
                spec.module,
                &info.name,
                address,
                port,
                &families,
                &stats,
            ));
            let input = TcpInput::new(
                label,
                spec.clone(),
                ruleset,
                info,
                parse.clone(),
                settings.clone(),
                stats,
            );
            let input = Arc::new(input);
            self.listeners.extend(
                sockets.into_iter().map(|socket| Listener { socket, input: input.clone() }),
            );
        }
    }

    fn open_udp(
        &mut self,
        spec: &UdpSpec,
        ruleset: RulesetId,
        parse: &ParseSettings,
        settings: &InputSettings,
    ) {
        for port in &spec.ports {
            let options =
                |share| ListenOptions { family: settings.family, share, ..spec.listen.clone() };
            let receivers = spec.receivers.unwrap_or(self.shards / 2).clamp(1, self.shards);
            let share = if receivers > 1 { Share::First } else { Share::Alone };
            let Some(first) = self.bound(
                "imudp",
                port,
                listen::udp_sockets(spec.address.as_deref(), port, &options(share)),
            ) else {
                continue;
            };
            let port_number = first.first().and_then(|s| s.local_addr().ok()).map(|a| a.port());
            self.write_port(spec.port_file.as_deref(), port_number);
            let families = families(first.iter().map(std::net::UdpSocket::local_addr));
            let mut by_shard = vec![first];
            // The other shards' sockets share the port that the first one got.
            let number = port_number.map_or_else(|| port.clone(), |n| n.to_string());
            for _ in 1..receivers {
                let options = options(Share::More);
                let more = listen::udp_sockets(spec.address.as_deref(), &number, &options);
                by_shard.push(self.bound("imudp", &number, more).unwrap_or_default());
            }
            let (label, info) = named(&spec.name, spec.append_port, port, settings);
            let stats = self.stats_of(&label, ruleset);
            let address = spec.address.as_deref();
            self.reported.extend(ListenerProbe::all(
                udp::NAME,
                &info.name,
                address,
                port,
                &families,
                &stats,
            ));
            let input = UdpInput::new(
                label,
                spec.clone(),
                ruleset,
                info,
                parse.clone(),
                settings.clone(),
                stats,
            );
            self.udp.push((Arc::new(input), by_shard));
        }
    }

    /// Says what could not be bound; the sockets that could.
    fn bound<S>(&self, module: &str, port: &str, bound: io::Result<Bound<S>>) -> Option<Vec<S>> {
        match bound {
            Ok(bound) => {
                for (address, error) in bound.failed {
                    self.complain(module, &format!("cannot listen on {address}: {error}"));
                }
                for address in bound.free_bound {
                    let text = format!("{module}: {address} is on no interface yet (ipFreeBind)");
                    self.reporter.say(Level::Warning, text);
                }
                Some(bound.sockets)
            }
            Err(error) => {
                self.complain(module, &format!("cannot listen on port {port}: {error}"));
                None
            }
        }
    }

    fn complain(&self, module: &str, text: &str) {
        self.reporter.say(Level::Error, format!("{module}: {text}"));
    }

    fn write_port(&self, file: Option<&str>, port: Option<u16>) {
        if let (Some(file), Some(port)) = (file, port)
            && let Err(error) = std::fs::write(file, port.to_string())
        {
            self.complain("listenPortFileName", &format!("{file}: {error}"));
        }
    }

    /// The counters of everything, to be read while it runs and after.
    pub(super) fn counters(&self) -> Summary {
        Summary {
            inputs: self.inputs.clone(),
            actions: self
                .actions
                .iter()
                .map(|action| ActionCounters {
                    name: action.name.clone(),
                    outlet: action.outlet.clone(),
                    output: action.output.clone(),
                    queue: action.sender.gauge(),
                })
                .collect(),
            ..Summary::default()
        }
    }
}

/// The `ratelimit()` objects at work.
fn shared_limits(
    specs: &HashMap<String, RateLimitSpec>,
    reporter: &Arc<dyn Reporter>,
) -> HashMap<String, Arc<RateLimit>> {
    let limit = |name: &String, spec: &RateLimitSpec| {
        Arc::new(RateLimit::new(name.clone(), spec.clone(), reporter.clone()))
    };
    specs.iter().map(|(name, spec)| (name.clone(), limit(name, spec))).collect()
}

/// The address families of some sockets, IPv4 (0) first.
fn families(addresses: impl Iterator<Item = io::Result<SocketAddr>>) -> Vec<usize> {
    let mut families: Vec<usize> =
        addresses.flatten().map(|address| usize::from(address.is_ipv6())).collect();
    families.sort_unstable();
    families.dedup();
    families
}

/// The label of an input's counters and what its messages know of it.
fn named(
    name: &str,
    append_port: bool,
    port: &str,
    settings: &InputSettings,
) -> (String, Arc<InputInfo>) {
    let input = if append_port { format!("{name}{port}") } else { name.to_owned() };
    let info = InputInfo { name: input.as_str().into(), hostname: settings.hostname.clone() };
    (format!("{input}({port})"), Arc::new(info))
}
