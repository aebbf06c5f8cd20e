//! What the parameters of `imrelp` mean.

use std::time::Duration;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::limits::MESSAGE_BYTES_MAX;
use crate::config::param::Params;
use crate::input::RateSettings;
use crate::input::relp::NAME;
use crate::input::relp::params::TLS;
use crate::input::tcp::Deadlines;
use crate::input::tcp::Protocol;
use crate::input::tcp::TcpSpec;
use crate::net::KeepAlive;
use crate::net::listen::ListenOptions;
use crate::parse::frame::FrameSettings;
use crate::parse::relp::FrameLimits;

/// What is RELP's own in an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelpSpec {
    pub limits: FrameLimits,
}

/// A checked `input(type="imrelp")`. `None` if it cannot listen; what was wrong is in `diags`.
pub fn compile(
    input: &Params,
    message_bytes_max: usize,
    diags: &mut Diagnostics,
) -> Option<TcpSpec> {
    if input.bool("tls") == Some(true) {
        let text = format!("TLS is not built yet, the input is left out: {TLS}");
        diags.push(Diagnostic::unbuilt(input.loc("tls"), text));
        return None;
    }
    // That it has none was complained of.
    let port = input.str("port")?;
    let size = |name| input.size(name);
    Some(TcpSpec {
        module: NAME,
        name: input.str("name").unwrap_or(NAME).to_owned(),
        ruleset: input.str("ruleset").map(str::to_owned),
        ports: vec![port.to_owned()],
        unix: None,
        address: input.str("address").filter(|address| *address != "*").map(str::to_owned),
        listen: ListenOptions::default(),
        keep_alive: input.bool("keepAlive").unwrap_or(false).then(|| keep_alive(input)),
        port_file: None,
        sessions_max: 0,
        listeners_max: usize::MAX,
        framing: FrameSettings { message_bytes_max, ..FrameSettings::default() },
        inflate: false,
        rate: RateSettings {
            interval_s: size("rateLimit.interval").unwrap_or(0),
            burst: size("rateLimit.burst").unwrap_or(10_000),
            name: input.str("rateLimit.name").map(str::to_owned),
        },
        preserve_case: true,
        default_tz: None,
        notify_open: false,
        notify_close: false,
        deadlines: Deadlines::default(),
        protocol: Protocol::Relp(RelpSpec { limits: limits(input, message_bytes_max, diags) }),
    })
}

/// rsyslogd cuts a message at `maxMessageSize` whatever its frame may be, so that `accept` and
/// `truncate` give the same; what is kept of a frame is bounded in each mode.
fn limits(input: &Params, message_bytes_max: usize, diags: &mut Diagnostics) -> FrameLimits {
    let mut data_bytes_max = input.size("maxDataSize").unwrap_or(message_bytes_max);
    if data_bytes_max < message_bytes_max {
        let text = format!(
            "maxDataSize ({data_bytes_max}) is smaller than maxMessageSize ({message_bytes_max}): \
             that is used"
        );
        diags.push(Diagnostic::error(input.loc("maxDataSize"), text));
        data_bytes_max = message_bytes_max;
    }
    let abort = input.str("oversizeMode") == Some("abort");
    FrameLimits { data_bytes_max: data_bytes_max.min(MESSAGE_BYTES_MAX), abort }
}

fn keep_alive(input: &Params) -> KeepAlive {
    let positive = |name| input.int(name).and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
    let seconds = |name| positive(name).map(|n| Duration::from_secs(n.into()));
    KeepAlive {
        time: seconds("keepAlive.time"),
        interval: seconds("keepAlive.interval"),
        probes: positive("keepAlive.probes"),
    }
}
