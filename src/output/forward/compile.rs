//! From omfwd's parameters to what its task needs.

use std::time::Duration;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::config::param::Params;
use crate::config::wording::LEFT_OUT;
use crate::net::FreeBind;
use crate::net::KeepAlive;
use crate::net::dial::DialOptions;
use crate::output::Defaults;
use crate::output::common::Common;
use crate::queue::FrameStyle;
use crate::queue::Framing;

/// An omfwd action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardSpec {
    pub common: Common,
    /// The template, or the module's default.
    pub template: String,
    pub target: String,
    pub port: String,
    pub protocol: Protocol,
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
        let Some(target) = params.str("target").filter(|target| !target.is_empty()) else {
            // rsyslogd starts, and tries for ever to send to nowhere.
            let text = "omfwd needs a 'target': nothing is sent";
            let complaint = Diagnostic::warning(params.loc("target"), text)
                .help("name the host that receives the messages: target=\"…\"");
            params.missing(&["target"], complaint, diags);
            return None;
        };
        one_target(params, diags);
        no_tls(params, diags)?;
        no_compression(params, diags)?;
        let protocol = protocol(params);
        let style = match protocol {
            Protocol::Tcp => tcp_style(params, diags)?,
            Protocol::Udp(_) => FrameStyle::None,
        };
        Some(Self {
            template: common.template.take().unwrap_or_else(|| defaults.forward_template.clone()),
            target: target.to_owned(),
            port: params.str("port").unwrap_or("514").to_owned(),
            framing: Framing { style, max_bytes: defaults.message_bytes },
            dial: dial(params, &protocol, defaults, diags),
            rebind_interval: params.int("rebindInterval").and_then(positive),
            resend_last: params.bool("resendLastMSGOnReconnect").unwrap_or(false),
            protocol,
            common,
        })
    }

    /// For reports: where it sends to.
    pub(super) fn destination(&self) -> String {
        let colon = self.target.contains(':');
        let (open, close) = if colon { ("[", "]") } else { ("", "") };
        format!("{open}{}{close}:{}", self.target, self.port)
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

/// Several targets are later versions' pools, which take turns.
fn one_target(params: &Params, diags: &mut Diagnostics) {
    for name in ["target", "port"] {
        if let [first, _, ..] = params.list(name).as_slice() {
            let text = format!("several targets are not built yet: '{first}' gets everything");
            diags.push(Diagnostic::unbuilt(params.loc(name), text));
        }
    }
}

/// Receivers of rsyslog's `single` mode take plain messages among compressed ones; those of a
/// compressed stream do not.
fn no_compression(params: &Params, diags: &mut Diagnostics) -> Option<()> {
    let plain = "has no effect: compression comes with a later version; messages are sent as they \
                 are, which the same receivers take";
    let name = "compression.mode";
    match params.str(name).map(str::to_ascii_lowercase).as_deref() {
        None => {}
        Some("none") => return Some(()),
        Some("single") => {
            diags.push(Diagnostic::note(params.loc(name), format!("'{name}' \"single\" {plain}")));
            return Some(());
        }
        Some(_) => {
            let text = format!("compressed streams are not built yet: {LEFT_OUT}");
            diags.push(Diagnostic::unbuilt(params.loc(name), text));
            return None;
        }
    }
    let level = params.int("zipLevel").unwrap_or(0);
    if !(0..=9).contains(&level) {
        // rsyslog takes these with a complaint, and compresses nothing.
        let text = format!("'zipLevel' is 0 to 9, not {level}: nothing is compressed");
        diags.push(Diagnostic::error(params.loc("zipLevel"), text));
    } else if level > 0 {
        diags.push(Diagnostic::note(params.loc("zipLevel"), format!("'zipLevel' {plain}")));
    }
    Some(())
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
    Some(if counted { FrameStyle::OctetCounted } else { FrameStyle::Delimiter(delimiter) })
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
