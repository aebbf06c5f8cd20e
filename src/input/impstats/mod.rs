//! `impstats`: reports the counters every so often, to a file and as messages through the rules.

mod params;
mod task;

pub use task::Impstats;
pub use task::ImpstatsSetup;

use std::path::PathBuf;
use std::time::Duration;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::config::module::Availability;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::config::param::Params;
use crate::message::Pri;
use crate::telemetry::Format;

pub const NAME: &str = "impstats";

/// What it takes.
pub static MODULE: Module = Module {
    name: NAME,
    role: Role::Input,
    doc: "Reports counters.",
    availability: Availability::Ready,
    module: &[params::PARAMS, params::PUSH_PARAMS],
    instance: &[],
};

/// Time between two reports where none is given, or 0.
const INTERVAL_DEFAULT: Duration = Duration::from_secs(300);
/// Facility `syslog` and severity `info`.
const FACILITY_DEFAULT: u8 = 5;
const SEVERITY_DEFAULT: u8 = 6;

/// `module(load="impstats")`, checked.
#[derive(Clone, Debug)]
pub struct ImpstatsSpec {
    pub interval: Duration,
    pub pri: Pri,
    pub bracketing: bool,
    /// `log.syslog`
    pub to_rules: bool,
    pub reset: bool,
    pub file: Option<PathBuf>,
    pub overwrite: bool,
    pub format: Format,
}

impl ImpstatsSpec {
    /// From checked parameters; `None` (complained of) if it would report something else than was
    /// asked for.
    pub fn compile(params: &Params, diags: &mut Diagnostics) -> Option<Self> {
        if params.refused {
            return None;
        }
        let number = |name, max: u8, default| {
            let given = params.int(name).and_then(|n| u8::try_from(n).ok());
            given.filter(|n| *n <= max).unwrap_or(default)
        };
        Some(Self {
            interval: interval(params, diags),
            pri: Pri::new(
                number("facility", 23, FACILITY_DEFAULT),
                number("severity", 7, SEVERITY_DEFAULT),
            ),
            bracketing: params.bool("bracketing").unwrap_or(false),
            to_rules: params.bool("log.syslog").unwrap_or(true),
            reset: params.bool("resetCounters").unwrap_or(false),
            file: params.str("log.file").map(PathBuf::from),
            overwrite: params.bool("log.file.overwrite").unwrap_or(false),
            format: format(params),
        })
    }
}

fn interval(params: &Params, diags: &mut Diagnostics) -> Duration {
    let seconds = params.int("interval").map(|n| u64::try_from(n).unwrap_or(0));
    if seconds == Some(0) {
        let text = "impstats: an interval of 0 is none: 300 seconds are taken";
        let help = "write interval=\"60\", or leave the module out";
        diags.push(Diagnostic::error(params.loc("interval"), text).help(help));
    }
    seconds.filter(|n| *n > 0).map_or(INTERVAL_DEFAULT, Duration::from_secs)
}

fn format(params: &Params) -> Format {
    match params.str("format").map(str::to_ascii_lowercase).as_deref() {
        Some("json") => Format::Json,
        Some("json-elasticsearch") => Format::JsonElasticsearch,
        Some("cee") => Format::Cee,
        Some("prometheus") => Format::Prometheus,
        Some("zabbix") => Format::Zabbix,
        _ => Format::Legacy,
    }
}
