//! From omrelp's parameters to what its task needs.

use std::time::Duration;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::config::param::Params;
use crate::net::KeepAlive;
use crate::net::dial::DialOptions;
use crate::output::Defaults;
use crate::output::common::Common;
use crate::output::relp::DEFAULT_TEMPLATE;
use crate::queue::FrameStyle;
use crate::queue::Framing;

/// Messages that may wait for an answer where `windowSize` does not say: enough for a receiver
/// that answers a read at a time. As many may come twice when a connection breaks.
const WINDOW_DEFAULT: usize = 8192;

/// An omrelp action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelpSpec {
    pub common: Common,
    pub template: String,
    pub target: String,
    pub port: String,
    pub dial: DialOptions,
    /// How long the receiver may leave messages unanswered.
    pub timeout: Duration,
    /// Messages that may wait for an answer.
    pub window: usize,
    /// Messages after which to connect anew.
    pub rebind_interval: Option<u64>,
}

impl RelpSpec {
    /// rsyslog cuts nothing here.
    pub const FRAMING: Framing = Framing { style: FrameStyle::Relp, max_bytes: usize::MAX };

    /// Reads checked parameters; `None` (complained of) if there is nothing to run.
    pub fn compile(params: &Params, defaults: &Defaults, diags: &mut Diagnostics) -> Option<Self> {
        let mut common = Common::compile(params, diags)?;
        if params.bool("tls") == Some(true) {
            let text = "TLS is not built yet: nothing is sent, rather than in the clear";
            diags.push(Diagnostic::unbuilt(params.loc("tls"), text));
            return None;
        }
        // Without any it was refused, and complained of.
        let target = params.str("target")?;
        if target.is_empty() {
            let text = "omrelp needs a 'target': nothing is sent";
            let help = "name the host that receives the messages: target=\"…\"";
            diags.push(Diagnostic::error(params.loc("target"), text).help(help));
            return None;
        }
        let seconds = |name, default| {
            Duration::from_secs(params.int(name).and_then(positive).unwrap_or(default))
        };
        let window = params.int("windowSize").and_then(positive);
        Some(Self {
            template: common.template.take().unwrap_or_else(|| DEFAULT_TEMPLATE.to_owned()),
            target: target.to_owned(),
            port: params.str("port").unwrap_or("514").to_owned(),
            dial: DialOptions {
                family: defaults.family,
                timeout: seconds("conn.timeout", 10),
                keep_alive: params.bool("keepAlive").unwrap_or(false).then(|| keep_alive(params)),
                address: params.str("localClientIP").map(str::to_owned),
                ..DialOptions::default()
            },
            timeout: seconds("timeout", 90),
            window: window.map_or(WINDOW_DEFAULT, |n| usize::try_from(n).unwrap_or(usize::MAX)),
            rebind_interval: params.int("rebindInterval").and_then(positive),
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

fn keep_alive(params: &Params) -> KeepAlive {
    let number = |name| params.int(name).and_then(positive);
    let seconds = |name| number(name).map(Duration::from_secs);
    KeepAlive {
        time: seconds("keepAlive.time"),
        interval: seconds("keepAlive.interval"),
        probes: number("keepAlive.probes").and_then(|n| u32::try_from(n).ok()),
    }
}
