//! Parameters that every action has, whatever its module: its name, how it retries, its queue.

use std::path::PathBuf;
use std::time;

use crate::base::diag::Diagnostics;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Duration;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::Positive;
use crate::config::param::Kind::Str;
use crate::config::param::Kind::Template;
use crate::config::param::Params;
use crate::config::param::Spec;
use crate::queue::Settings;
use crate::shard::GateSpec;

/// Seconds between marks where nobody says otherwise (rsyslog `immark`).
const MARK_INTERVAL: i64 = 1200;

/// The table of the `action.*` parameters, and of what belongs to no group.
pub static PARAMS: &[Spec] = &[
    Spec::new("type", Str, "", "The output module."),
    Spec::new("name", Str, "", "What the action is called in statistics and reports."),
    Spec::new("template", Template, "", "The template that makes the output's bytes."),
    Spec::new(
        "action.resumeRetryCount",
        Int,
        "-1",
        "Attempts before messages are dropped; -1 is no end.",
    ),
    Spec::new(
        "action.resumeInterval",
        Duration("seconds"),
        "30",
        "Wait until an attempt is repeated.",
    ),
    Spec::new(
        "action.resumeIntervalMax",
        Positive,
        "1800",
        "The longest that this wait becomes, in seconds.",
    ),
    Spec::new(
        "action.reportSuspension",
        Bool,
        "on",
        "Says when the target fails and when it works again.",
    ),
    Spec::new(
        "action.reportSuspensionContinuation",
        Bool,
        "off",
        "Says it again at each failed attempt.",
    ),
    Spec::new(
        "action.writeAllMarkMessages",
        Bool,
        "on",
        "Takes mark messages also if it had another one in the last half of their interval.",
    ),
    Spec::new("action.execOnlyEveryNthTime", Int, "0", "Takes each nth message alone."),
    Spec::new(
        "action.execOnlyEveryNthTimeTimeout",
        Duration("seconds"),
        "0",
        "Time after its first message at which that count starts over.",
    ),
    Spec::new(
        "action.execOnlyOnceEveryInterval",
        Duration("seconds"),
        "0",
        "Takes one message in such a time.",
    ),
    Spec::new(
        "action.execOnlyWhenPreviousIsSuspended",
        Bool,
        "off",
        "Takes over while the action before it fails.",
    ),
    Spec::new("action.errorFile", Str, "", "File for messages that were given up."),
    Spec::new("action.errorFile.maxSize", Int, "", "The largest size of that file, in bytes."),
    Spec::new(
        "action.repeatedMsgContainsOriginalMsg",
        Bool,
        "off",
        "Quotes the message in a summary of repeats.",
    )
    .ignored("a summary of repeats always quotes its message"),
    Spec::new("action.copyMsg", Bool, "off", "Gives the action a copy of the message.")
        .ignored("an action always has its own rendering"),
    Spec::new(
        "action.externalState.file",
        Str,
        "",
        "File that keeps a target suspended that failed, as long as it says SUSPENDED.",
    ),
    Spec::new("action.ratelimit.name", Str, "", "The ratelimit() that the action obeys.")
        .meanwhile("what is sent is not rate limited"),
];

/// How an action goes on after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Failed attempts in a row after which messages are dropped; `None`: never.
    pub limit: Option<u32>,
    /// The first wait and the longest one.
    pub floor: time::Duration,
    pub ceiling: time::Duration,
}

impl Default for Retry {
    /// For ever, soon at first, and at least every half minute.
    fn default() -> Self {
        Self {
            limit: None,
            floor: time::Duration::from_millis(200),
            ceiling: time::Duration::from_secs(30),
        }
    }
}

/// What an action has besides its module's parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Common {
    pub name: Option<String>,
    pub template: Option<String>,
    pub retry: Retry,
    pub report_suspension: bool,
    pub report_continuation: bool,
    pub queue: Settings,
    /// Which messages are for it. What the queue adds is the engine's to say.
    pub gate: GateSpec,
    /// `action.errorFile`, and the bytes that it grows to.
    pub error_file: Option<(PathBuf, Option<u64>)>,
    /// `action.externalState.file`
    pub external_state: Option<PathBuf>,
}

impl Common {
    /// Reads the parameters that [`PARAMS`] lists; `None` (complained of) if the action would do
    /// something else than was asked for.
    pub fn compile(params: &Params, diags: &mut Diagnostics) -> Option<Self> {
        if params.refused {
            return None;
        }
        let text = |name| params.str(name).map(str::to_owned);
        let path = |name| params.str(name).filter(|path| !path.is_empty()).map(PathBuf::from);
        let continuation = params.bool("action.reportSuspensionContinuation").unwrap_or(false);
        Some(Self {
            name: text("name"),
            template: text("template"),
            retry: retry(params),
            report_suspension: continuation
                || params.bool("action.reportSuspension").unwrap_or(true),
            report_continuation: continuation,
            gate: gate(params),
            error_file: path("action.errorFile").map(|path| {
                let most = params.int("action.errorFile.maxSize").filter(|bytes| *bytes > 0);
                (path, most.and_then(|bytes| u64::try_from(bytes).ok()))
            }),
            external_state: path("action.externalState.file"),
            queue: Settings::compile(params, false, diags),
        })
    }
}

fn gate(params: &Params) -> GateSpec {
    let seconds = |name| params.size(name).and_then(|n| i64::try_from(n).ok()).unwrap_or(0);
    let every = params.int("action.execOnlyEveryNthTime").and_then(|n| u64::try_from(n).ok());
    GateSpec {
        after_failure: params.bool("action.execOnlyWhenPreviousIsSuspended").unwrap_or(false),
        every: every.unwrap_or(0),
        every_timeout: seconds("action.execOnlyEveryNthTimeTimeout"),
        once_in: seconds("action.execOnlyOnceEveryInterval"),
        mark_gap: match params.bool("action.writeAllMarkMessages") {
            Some(false) => Some(MARK_INTERVAL / 2),
            _ => None,
        },
        ..GateSpec::default()
    }
}

fn retry(params: &Params) -> Retry {
    let seconds =
        |name| params.size(name).and_then(|n| u64::try_from(n).ok()).map(time::Duration::from_secs);
    let mut retry = Retry {
        limit: params.int("action.resumeRetryCount").and_then(|n| u32::try_from(n).ok()),
        ..Retry::default()
    };
    if let Some(floor) = seconds("action.resumeInterval") {
        retry.floor = floor.max(retry.floor);
        retry.ceiling = retry.floor.max(time::Duration::from_secs(1800));
    }
    if let Some(ceiling) = seconds("action.resumeIntervalMax") {
        retry.ceiling = ceiling.max(retry.floor);
    }
    retry
}
