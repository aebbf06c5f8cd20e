//! From omfwd's parameters to what its task needs.

use std::time::Duration;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::config::param::Params;
use crate::net::FreeBind;
use crate::net::KeepAlive;
use crate::net::dial::DialOptions;
use crate::net::dial::Peer;
use crate::output::Defaults;
use crate::output::common::Common;
use crate::output::forward::pack::PackMode;
use crate::output::forward::pack::Packing;
use crate::queue::FrameStyle;
use crate::queue::Framing;

/// What one target of several may hold beyond what is under way: what a stuck one keeps is the
/// others' room in the queue.
const POOL_UNSENT_BYTES_MAX: u32 = 256 << 10;

/// An omfwd action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardSpec {
    pub common: Common,
    /// The template, or the module's default.
    pub template: String,
    /// Hosts and ports; with several of them, TCP takes turns.
    pub targets: Vec<(String, String)>,
    /// `pool.resumeInterval`.
    pub pool_interval: Duration,
    pub protocol: Protocol,
    pub packing: Option<Packing>,
    /// A TCP peer of which nothing is heard for so long, while something is under way, is dead.
    pub ack_timeout: Option<Duration>,
    pub framing: Framing,
    pub dial: DialOptions,
    /// Messages after which to connect anew; a batch is not split for it.
    pub rebind_interval: Option<u64>,
    pub resend_last: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Protocol {
    Tcp,
    Udp(UdpOptions),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UdpOptions {
    pub send_to_all: bool,
    /// After each datagram.
    pub send_delay: Duration,
}

/// A complaint about the value of `name`, after which there is no action.
fn refuse<T>(diags: &mut Diagnostics, params: &Params, name: &str, text: String) -> Option<T> {
    diags.push(Diagnostic::error(params.loc(name), text));
    None
}

impl ForwardSpec {
    /// Reads checked parameters; `None` (complained of) if there is nothing to run.
    pub fn compile(params: &Params, defaults: &Defaults, diags: &mut Diagnostics) -> Option<Self> {
        let mut common = Common::compile(params, diags)?;
        let targets = targets(params);
        if targets.is_empty() {
            // rsyslogd starts, and tries for ever to send to nowhere.
            let text = "omfwd needs a 'target': nothing is sent";
            let complaint = Diagnostic::warning(params.loc("target"), text)
                .help("name the host that receives the messages: target=\"…\"");
            params.missing(&["target"], complaint, diags);
            return None;
        }
        no_tls(params, diags)?;
        let protocol = protocol(params);
        if let Some(more) = params.list("port").get(targets.len()) {
            let text = format!("there is no target for port '{more}'");
            diags.push(Diagnostic::warning(params.loc("port"), text));
        }
        if targets.len() > 1 && protocol != Protocol::Tcp {
            let text = format!("over UDP, '{}' gets everything (as in rsyslog)", targets[0].0);
            diags.push(
                Diagnostic::warning(params.loc("target"), text)
                    .help("several targets take turns with protocol=\"tcp\""),
            );
        }
        let style = match protocol {
            Protocol::Tcp => tcp_style(params, diags)?,
            Protocol::Udp(_) => FrameStyle::None,
        };
        let packing = packing(params, style, &protocol, diags)?;
        let single = packing.is_some_and(|packing| packing.mode == PackMode::Single);
        // Each message is framed once it is compressed.
        let style = if single { FrameStyle::None } else { style };
        let seconds = |name, default: i64| params.int(name).unwrap_or(default).try_into().ok();
        Some(Self {
            template: common.template.take().unwrap_or_else(|| defaults.forward_template.clone()),
            pool_interval: Duration::from_secs(seconds("pool.resumeInterval", 30).unwrap_or(30)),
            packing,
            ack_timeout: seconds("ackTimeout", 30).filter(|s| *s > 0).map(Duration::from_secs),
            framing: Framing { style, max_bytes: defaults.message_bytes },
            dial: DialOptions {
                unsent_max: (targets.len() > 1).then_some(POOL_UNSENT_BYTES_MAX),
                ..dial(params, &protocol, defaults, diags)
            },
            targets,
            rebind_interval: params.int("rebindInterval").and_then(positive),
            resend_last: params.bool("resendLastMSGOnReconnect").unwrap_or(false),
            protocol,
            common,
        })
    }

    /// The targets, to connect to.
    pub(super) fn peers(&self) -> impl Iterator<Item = Peer> {
        self.targets.iter().map(|(host, port)| Peer::new(host, port))
    }
}

fn positive(n: i64) -> Option<u64> {
    u64::try_from(n).ok().filter(|n| *n > 0)
}

/// Nothing that was meant to be encrypted may leave in the clear.
fn no_tls(params: &Params, diags: &mut Diagnostics) -> Option<()> {
    let plain = |driver: &str| driver.is_empty() || driver.eq_ignore_ascii_case("ptcp");
    let driver = params.str("streamDriver").filter(|driver| !plain(driver));
    let mode = params.int("streamDriverMode").filter(|mode| *mode != 0);
    let (name, text) = match (driver, mode) {
        (Some(driver), _) => ("streamDriver", format!("streamDriver \"{driver}\"")),
        (None, Some(mode)) => ("streamDriverMode", format!("streamDriverMode \"{mode}\"")),
        (None, None) => return Some(()),
    };
    let text = format!("{text} is not built yet: nothing is sent, rather than in the clear");
    diags.push(Diagnostic::unbuilt(params.loc(name), text));
    None
}

/// All targets with their ports. Where there are fewer ports, the first one is everybody else's.
fn targets(params: &Params) -> Vec<(String, String)> {
    let ports = params.list("port");
    let port =
        |i: usize| ports.get(i).or_else(|| ports.first()).map_or("514", |port| port.as_ref());
    let targets = params.list("target").into_iter().enumerate();
    targets
        .filter(|(_, host)| !host.is_empty())
        .map(|(i, host)| (host.to_string(), port(i).to_owned()))
        .collect()
}

/// How messages are compressed, if they are; `None` if there is no action (complained of).
#[expect(clippy::option_option, reason = "no compression is not the same as no action")]
fn packing(
    params: &Params,
    style: FrameStyle,
    protocol: &Protocol,
    diags: &mut Diagnostics,
) -> Option<Option<Packing>> {
    let name = "compression.mode";
    let level = params.int("zipLevel");
    let flush = params.bool("compression.stream.flushOnTXEnd").unwrap_or(true);
    let mode = match params.str(name).map(str::to_ascii_lowercase).as_deref() {
        // A level alone, or with "none", means "single" (found by running rsyslogd 8.2302).
        None | Some("none") if level.unwrap_or(0) == 0 => return Some(None),
        None | Some("none" | "single") => PackMode::Single,
        Some(_) if *protocol == Protocol::Tcp => PackMode::Stream { flush },
        Some(mode) => {
            let text = format!("'{name}' \"{mode}\" is for TCP: nothing is compressed");
            diags.push(Diagnostic::warning(params.loc(name), text));
            return Some(None);
        }
    };
    let given = level.unwrap_or(9);
    let Some(level) = u32::try_from(given).ok().filter(|level| *level <= 9) else {
        // rsyslog takes these with a complaint, and compresses nothing.
        let text = format!("'zipLevel' is 0 to 9, not {given}: nothing is compressed");
        diags.push(Diagnostic::error(params.loc("zipLevel"), text));
        return Some(None);
    };
    // A stream of level 0 is one all the same: that is what its receiver expects.
    let packs = level > 0 || mode != PackMode::Single;
    Some(packs.then_some(Packing { mode, level, style }))
}

fn protocol(params: &Params) -> Protocol {
    if params.str("protocol").is_some_and(|name| name.eq_ignore_ascii_case("tcp")) {
        return Protocol::Tcp;
    }
    let delay = params.int("udp.sendDelay").and_then(positive).unwrap_or(0);
    Protocol::Udp(UdpOptions {
        send_to_all: params.bool("udp.sendToAll").unwrap_or(false),
        send_delay: Duration::from_micros(delay),
    })
}

fn tcp_style(params: &Params, diags: &mut Diagnostics) -> Option<FrameStyle> {
    let delimiter = params.int("tcp_frameDelimiter").unwrap_or(10);
    let Ok(delimiter) = u8::try_from(delimiter) else {
        let text = format!("'tcp_frameDelimiter' is 0 to 255, not {delimiter}");
        return refuse(diags, params, "tcp_frameDelimiter", text);
    };
    let counted =
        params.str("tcp_framing").is_some_and(|name| name.eq_ignore_ascii_case("octet-counted"));
    Some(if counted { FrameStyle::OctetCounted } else { FrameStyle::Traditional(delimiter) })
}

fn dial(
    params: &Params,
    protocol: &Protocol,
    defaults: &Defaults,
    diags: &mut Diagnostics,
) -> DialOptions {
    let mut address = params.str("address").map(str::to_owned);
    if *protocol == Protocol::Tcp && address.take().is_some() {
        let text = "'address' has no effect with TCP (nor has it in rsyslog)";
        diags.push(Diagnostic::warning(params.loc("address"), text));
    }
    let free_bind = params.int("ipFreeBind").unwrap_or(2);
    let free_bind = FreeBind::from_number(free_bind).unwrap_or_else(|| {
        let text = format!("'ipFreeBind' is 0, 1 or 2, not {free_bind}: 2 is taken");
        diags.push(Diagnostic::warning(params.loc("ipFreeBind"), text));
        FreeBind::default()
    });
    let seconds = |name| params.int(name).and_then(positive).map(Duration::from_secs);
    let keep_alive = params.bool("keepAlive").unwrap_or(false).then(|| KeepAlive {
        time: seconds("keepAlive.time"),
        interval: seconds("keepAlive.interval"),
        probes: params
            .int("keepAlive.probes")
            .and_then(positive)
            .and_then(|n| u32::try_from(n).ok()),
    });
    DialOptions {
        family: defaults.family,
        keep_alive,
        device: params.str("device").filter(|name| !name.is_empty()).map(str::to_owned),
        address,
        free_bind,
        ..DialOptions::default()
    }
}
