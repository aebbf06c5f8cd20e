//! The inputs that run: one for each port, with its sockets.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::base::drain::Branch;
use crate::base::drain::Control;
use crate::base::drain::Signals;
use crate::base::reporter::Level;
use crate::base::versions::Versions;
use crate::engine::build::InputPlan;
use crate::engine::statistics::ListenerProbe;
use crate::input::InputSettings;
use crate::input::InputStats;
use crate::input::journal;
use crate::input::local::Local;
use crate::input::local::LocalInput;
use crate::input::local::LocalSetup;
use crate::input::local::Reader;
use crate::input::tcp;
use crate::input::tcp::ListenSocket;
use crate::input::tcp::Listener;
use crate::input::tcp::TcpInput;
use crate::input::tcp::TcpSetup;
use crate::input::tcp::TcpSpec;
use crate::input::tcp::UnixPlace;
use crate::input::udp;
use crate::input::udp::UdpInput;
use crate::input::udp::UdpSetup;
use crate::input::udp::UdpSpec;
use crate::input::unix;
use crate::message::InputInfo;
use crate::net::listen;
use crate::net::listen::Bound;
use crate::net::listen::ListenOptions;
use crate::net::listen::Share;
use crate::net::placed::Placed;
use crate::parse::ParseSettings;
use crate::rules::RulesetId;

/// One port of an `input()`.
#[derive(Debug)]
pub(super) struct Wanted {
    place: Place,
    label: String,
    info: Arc<InputInfo>,
    ruleset: RulesetId,
    parse: ParseSettings,
    spec: Spec,
}

#[derive(Clone, Debug)]
enum Spec {
    Tcp(Box<TcpSpec>),
    Udp(Box<UdpSpec>),
    Local(Arc<dyn Local>),
}

/// What is open. Where that stays the same it stays open, whatever else changes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Port(Port),
    Unix(UnixPlace),
    /// All that is known of it.
    Local(String),
}

/// What sockets are.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Port {
    module: &'static str,
    address: Option<String>,
    port: String,
    options: ListenOptions,
    port_file: Option<String>,
    /// Shards that have a socket, and how long a datagram may be; 0 of TCP.
    receivers: usize,
    datagram_bytes_max: usize,
}

/// An input that runs, seen from outside.
#[derive(Debug)]
pub(super) struct LiveInput {
    /// Tells it from all others that this process had.
    pub(super) key: u64,
    place: Place,
    pub(super) label: String,
    info: Arc<InputInfo>,
    pub(super) ruleset: RulesetId,
    families: Vec<usize>,
    pub(super) stats: Arc<InputStats>,
    pub(super) branch: Branch,
    kind: Kind,
    /// The file of its socket.
    placed: Option<Arc<Placed>>,
}

#[derive(Debug)]
enum Kind {
    Tcp(Arc<TcpInput>),
    Udp(Arc<UdpInput>),
    Local(Arc<LocalInput>),
}

/// An input's sockets, for the shards that will serve them.
#[derive(Debug)]
pub(in crate::engine) struct Sockets {
    pub(in crate::engine) key: u64,
    pub(in crate::engine) signals: Signals,
    pub(in crate::engine) kind: SocketKind,
}

#[derive(Debug)]
pub(in crate::engine) enum SocketKind {
    /// For the first shard.
    Tcp(Vec<Listener>),
    /// By shard, one per address family.
    Udp(Arc<UdpInput>, Vec<Vec<std::net::UdpSocket>>),
    /// For any one of them.
    Local(Arc<LocalInput>, Box<dyn Reader>),
}

/// The inputs that `plans` ask for.
pub(super) fn wanted(
    plans: Vec<InputPlan>,
    settings: &InputSettings,
    shards: usize,
) -> Vec<Wanted> {
    let mut all = Vec::new();
    for plan in plans {
        let (ports, ruleset, parse, spec) = match plan {
            InputPlan::Tcp { spec, ruleset, parse } => {
                (spec.ports.clone(), ruleset, parse, Spec::Tcp(spec))
            }
            InputPlan::Udp { spec, ruleset, parse } => {
                (spec.ports.clone(), ruleset, parse, Spec::Udp(spec))
            }
            InputPlan::Local { local, ruleset, parse } => {
                (vec![String::new()], ruleset, parse, Spec::Local(local))
            }
        };
        for port in ports {
            let (label, info) = spec.named(&port, settings);
            let place = spec.place(port, settings, shards);
            let (spec, parse) = (spec.clone(), parse.clone());
            all.push(Wanted { place, label, info, ruleset, parse, spec });
        }
    }
    all
}

impl Spec {
    fn place(&self, port: String, settings: &InputSettings, shards: usize) -> Place {
        let family = settings.family;
        if let Self::Tcp(spec) = self
            && let Some(unix) = &spec.unix
        {
            return Place::Unix(unix.clone());
        }
        Place::Port(match self {
            Self::Tcp(spec) => Port {
                module: spec.module,
                address: spec.address.clone(),
                port,
                options: ListenOptions { family, ..spec.listen.clone() },
                port_file: spec.port_file.clone(),
                receivers: 0,
                datagram_bytes_max: 0,
            },
            Self::Udp(spec) => Port {
                module: udp::NAME,
                address: spec.address.clone(),
                port,
                options: ListenOptions { family, ..spec.listen.clone() },
                port_file: spec.port_file.clone(),
                // On one shard repeats are summed up as in rsyslogd, whoever they are from.
                receivers: spec
                    .receivers
                    .unwrap_or(if settings.sums_up { 1 } else { shards / 2 })
                    .clamp(1, shards),
                datagram_bytes_max: settings.message_bytes_max,
            },
            Self::Local(local) => return Place::Local(format!("{local:?}")),
        })
    }

    /// The label of an input's counters and what its messages know of it.
    fn named(&self, port: &str, settings: &InputSettings) -> (String, Arc<InputInfo>) {
        let input = match self {
            Self::Udp(spec) if spec.append_port => format!("{}{port}", spec.name),
            Self::Udp(spec) => spec.name.clone(),
            Self::Tcp(spec) => spec.name.clone(),
            Self::Local(local) => local.name().to_owned(),
        };
        let label = match self {
            Self::Local(local) => local.label(),
            Self::Tcp(_) | Self::Udp(_) => format!("{input}({port})"),
        };
        let info = InputInfo { name: input.into(), hostname: settings.hostname.clone() };
        (label, Arc::new(info))
    }
}

impl LiveInput {
    /// Whether the sockets of `wanted` are these.
    pub(super) fn is_at(&self, wanted: &Wanted) -> bool {
        self.place == wanted.place
    }

    pub(super) fn is_called_like(&self, wanted: &Wanted) -> bool {
        self.label == wanted.label
    }

    /// It is about to end: another may be made in its place.
    pub(super) fn make_way(&self) {
        if let Some(placed) = &self.placed {
            placed.make_way();
        }
    }

    pub(super) const fn is_udp(&self) -> bool {
        matches!(self.kind, Kind::Udp(_))
    }

    pub(super) fn is_log_socket(&self) -> bool {
        matches!(&self.kind, Kind::Local(input) if input.local.module() == unix::NAME)
    }

    pub(super) fn reads_journal(&self) -> bool {
        matches!(&self.kind, Kind::Local(input) if input.local.module() == journal::NAME)
    }

    /// Does as `wanted`, which is [at the same place](Self::is_at), says from `generation` on.
    pub(super) fn go_on(&mut self, generation: u64, wanted: &Wanted, settings: &InputSettings) {
        self.label.clone_from(&wanted.label);
        self.info = wanted.info.clone();
        self.ruleset = wanted.ruleset;
        match (&self.kind, &wanted.spec) {
            (Kind::Tcp(input), Spec::Tcp(spec)) => {
                let before = input.setups.latest();
                input.setups.add(generation, wanted.tcp(spec, settings, Some(&before)));
            }
            (Kind::Udp(input), Spec::Udp(spec)) => {
                let before = input.setups.latest();
                input.setups.add(generation, wanted.udp(spec, settings, Some(&before)));
            }
            (Kind::Local(input), Spec::Local(_)) => {
                input.setups.add(generation, wanted.local(settings));
            }
            // They are not at the same place.
            (Kind::Tcp(_) | Kind::Udp(_) | Kind::Local(_), _) => {}
        }
    }

    /// What impstats says of it.
    pub(super) fn probes(&self) -> Vec<ListenerProbe> {
        let path;
        let (module, address, port) = match &self.place {
            Place::Port(Port { module, address, port, .. }) => (*module, address.as_deref(), port),
            Place::Unix(unix) => {
                path = unix.path.display().to_string();
                (tcp::NAME_PLAIN, None, &path)
            }
            Place::Local(_) => return Vec::new(),
        };
        ListenerProbe::all(module, &self.info.name, address, port, &self.families, &self.stats)
    }
}

impl Wanted {
    /// Says that it cannot be had.
    pub(super) fn complain(&self, settings: &InputSettings, error: &io::Error) {
        match &self.place {
            Place::Port(port) => complain(settings, port.module, &port.port, error),
            Place::Unix(unix) => {
                let path = unix.path.display();
                let text = format!("{}: cannot listen on '{path}': {error}", tcp::NAME_PLAIN);
                settings.reporter.say(Level::Error, text);
            }
            Place::Local(_) => {
                let text = format!("{}: {error}", self.label);
                settings.reporter.say(Level::Error, text);
            }
        }
    }

    fn local(&self, settings: &InputSettings) -> LocalSetup {
        let (info, parse) = (self.info.clone(), self.parse.clone());
        LocalSetup { info, ruleset: self.ruleset, parse, settings: settings.clone() }
    }

    fn tcp(&self, spec: &TcpSpec, settings: &InputSettings, was: Option<&TcpSetup>) -> TcpSetup {
        let (label, info) = (self.label.clone(), self.info.clone());
        let (parse, settings) = (self.parse.clone(), settings.clone());
        TcpSetup::new(label, spec.clone(), self.ruleset, info, parse, settings, was)
    }

    fn udp(&self, spec: &UdpSpec, settings: &InputSettings, was: Option<&UdpSetup>) -> UdpSetup {
        let (label, info) = (self.label.clone(), self.info.clone());
        let (parse, settings) = (self.parse.clone(), settings.clone());
        UdpSetup::new(label, spec.clone(), self.ruleset, info, parse, settings, was)
    }
}

/// Opens sockets, and says of which addresses could not be had.
pub(super) struct Opener<'a> {
    pub(super) settings: &'a InputSettings,
    pub(super) control: &'a Control,
    pub(super) generation: u64,
}

impl Opener<'_> {
    /// Opens `wanted` as the input `key`.
    ///
    /// # Errors
    /// If none of its addresses can be had.
    pub(super) fn open(&self, key: u64, wanted: &Wanted) -> io::Result<(LiveInput, Sockets)> {
        let stats = Arc::new(InputStats::default());
        let place = wanted.place.clone();
        let mut placed = None;
        let (kind, sockets, families) = match (&wanted.spec, &place) {
            (Spec::Local(local), _) => {
                let setups = Versions::new(self.generation, wanted.local(self.settings));
                let (local, stats) = (local.clone(), stats.clone());
                let input = Arc::new(LocalInput { local, setups, stats });
                let reader = input.local.open(&input)?;
                placed = reader.placed();
                (Kind::Local(input.clone()), SocketKind::Local(input, reader), Vec::new())
            }
            (Spec::Tcp(spec), Place::Port(_) | Place::Unix(_)) => {
                let (sockets, families) = self.listening(&place)?;
                placed = sockets.first().and_then(ListenSocket::placed);
                let setup = wanted.tcp(spec, self.settings, None);
                let setups = Versions::new(self.generation, setup);
                let input = Arc::new(TcpInput::new(key, setups, stats.clone()));
                let listener = |socket| Listener { socket, input: input.clone() };
                let sockets = SocketKind::Tcp(sockets.into_iter().map(listener).collect());
                (Kind::Tcp(input), sockets, families)
            }
            (Spec::Udp(spec), Place::Port(place)) => {
                let (sockets, families) = self.datagrams(place)?;
                let setup = wanted.udp(spec, self.settings, None);
                let setups = Versions::new(self.generation, setup);
                let input = Arc::new(UdpInput { stats: stats.clone(), setups });
                (Kind::Udp(input.clone()), SocketKind::Udp(input, sockets), families)
            }
            (_, Place::Local(_) | Place::Unix(_)) => {
                return Err(io::ErrorKind::Unsupported.into());
            }
        };
        let (branch, signals) = self.control.branch();
        let (label, info) = (wanted.label.clone(), wanted.info.clone());
        let ruleset = wanted.ruleset;
        let live =
            LiveInput { key, place, label, info, ruleset, families, stats, branch, kind, placed };
        Ok((live, Sockets { key, signals, kind: sockets }))
    }

    /// What accepts connections at `place`.
    fn listening(&self, place: &Place) -> io::Result<(Vec<ListenSocket>, Vec<usize>)> {
        match place {
            Place::Port(port) => {
                let (sockets, families) = self.listeners(port)?;
                Ok((sockets.into_iter().map(ListenSocket::Tcp).collect(), families))
            }
            Place::Unix(unix) => {
                let (socket, placed) = unix.open(&*self.settings.reporter)?;
                // rsyslog has them among those of IPv4.
                Ok((vec![ListenSocket::Unix(socket, Arc::new(placed))], vec![0]))
            }
            Place::Local(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    fn listeners(&self, place: &Port) -> io::Result<(Vec<std::net::TcpListener>, Vec<usize>)> {
        let address = place.address.as_deref();
        let sockets =
            self.bound(place.module, listen::tcp_listeners(address, &place.port, &place.options)?);
        let opened = sockets.first().and_then(|s| s.local_addr().ok());
        self.write_port(place.port_file.as_deref(), opened.map(|a| a.port()));
        let families = families(sockets.iter().map(std::net::TcpListener::local_addr));
        Ok((sockets, families))
    }

    /// A shard's sockets for each shard that receives.
    fn datagrams(&self, place: &Port) -> io::Result<(Vec<Vec<std::net::UdpSocket>>, Vec<usize>)> {
        let (address, receivers) = (place.address.as_deref(), place.receivers);
        let options = |share| ListenOptions { share, ..place.options.clone() };
        let share = if receivers > 1 { Share::First } else { Share::Alone };
        let first = listen::udp_sockets(address, &place.port, &options(share))?;
        let first = self.bound(place.module, first);
        let port = first.first().and_then(|s| s.local_addr().ok()).map(|a| a.port());
        self.write_port(place.port_file.as_deref(), port);
        let families = families(first.iter().map(std::net::UdpSocket::local_addr));
        let mut by_shard = vec![first];
        // The other shards' sockets share the port that the first one got.
        let number = port.map_or_else(|| place.port.clone(), |n| n.to_string());
        for _ in 1..receivers {
            by_shard.push(match listen::udp_sockets(address, &number, &options(Share::More)) {
                Ok(more) => self.bound(place.module, more),
                Err(error) => {
                    complain(self.settings, place.module, &number, &error);
                    Vec::new()
                }
            });
        }
        Ok((by_shard, families))
    }

    /// The sockets; what could not be bound is said.
    fn bound<S>(&self, module: &str, bound: Bound<S>) -> Vec<S> {
        let reporter = &self.settings.reporter;
        for (address, error) in bound.failed {
            let text = format!("{module}: cannot listen on {address}: {error}");
            reporter.say(Level::Error, text);
        }
        for address in bound.free_bound {
            let text = format!("{module}: {address} is on no interface yet (ipFreeBind)");
            reporter.say(Level::Warning, text);
        }
        bound.sockets
    }

    fn write_port(&self, file: Option<&str>, port: Option<u16>) {
        if let (Some(file), Some(port)) = (file, port)
            && let Err(error) = std::fs::write(file, port.to_string())
        {
            let text = format!("listenPortFileName: {file}: {error}");
            self.settings.reporter.say(Level::Error, text);
        }
    }
}

/// Says that a port cannot be had.
fn complain(settings: &InputSettings, module: &str, port: &str, error: &io::Error) {
    let text = format!("{module}: cannot listen on port {port}: {error}");
    settings.reporter.say(Level::Error, text);
}

/// The address families of some sockets, IPv4 (0) first.
fn families(addresses: impl Iterator<Item = io::Result<SocketAddr>>) -> Vec<usize> {
    let mut families: Vec<usize> =
        addresses.flatten().map(|address| usize::from(address.is_ipv6())).collect();
    families.sort_unstable();
    families.dedup();
    families
}
