//! Parameters that every action has, whatever its module: its name, how it retries, its queue.

use std::time::Duration;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::config::param::Kind;
use crate::config::param::Params;
use crate::config::param::Spec;

const LATER: &str = "it comes with a later version; leave it out";

/// The table of the `action.*` and `queue.*` parameters, and of what is neither.
pub static PARAMS: &[Spec] = &[
    Spec::new("type", Kind::Str, "", "The output module."),
    Spec::new("name", Kind::Str, "", "What the action is called in statistics and reports."),
    Spec::new("template", Kind::Str, "", "The template that makes the output's bytes."),
    Spec::new("action.resumeRetryCount", Kind::Int, "-1", "Attempts before messages are dropped."),
    Spec::new("action.resumeInterval", Kind::Int, "30", "Seconds until an attempt is repeated."),
    Spec::new("action.resumeIntervalMax", Kind::Int, "1800", "The longest such wait, in seconds."),
    Spec::new("action.reportSuspension", Kind::Bool, "on", "Report suspension and resumption."),
    Spec::new("action.reportSuspensionContinuation", Kind::Bool, "off", "Report failed retries.")
        .ignored("a suspension is reported once"),
    Spec::new("action.writeAllMarkMessages", Kind::Bool, "on", "Pass on every mark message.")
        .ignored("mark messages are always passed on"),
    Spec::new("action.execOnlyEveryNthTime", Kind::Int, "", "Run for each nth message alone.")
        .unsupported(LATER),
    Spec::new("action.execOnlyEveryNthTimeTimeout", Kind::Int, "", "When that count starts over.")
        .alias(&["action.execOnlyEveryNthTimeout"])
        .unsupported(LATER),
    Spec::new("action.execOnlyOnceEveryInterval", Kind::Int, "", "Run once in so many seconds.")
        .unsupported(LATER),
    Spec::new("action.execOnlyWhenPreviousIsSuspended", Kind::Bool, "off", "Be a fallback."),
    Spec::new("action.errorFile", Kind::Str, "", "Where messages go that were given up.")
        .ignored("messages that were given up are counted, by reason, and not kept"),
    Spec::new("action.errorFile.maxSize", Kind::Int, "", "The largest size of that file.")
        .ignored("no error file is written"),
    Spec::new("action.repeatedMsgContainsOriginalMsg", Kind::Bool, "off", "Wording of repeats.")
        .ignored("repeated messages are passed on as they are"),
    Spec::new("action.copyMsg", Kind::Bool, "off", "Give the action a copy of the message.")
        .ignored("an action always has its own rendering"),
    Spec::new("action.externalState.file", Kind::Str, "", "A file that can suspend the action.")
        .unsupported(LATER),
];

/// How an action goes on after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Failed attempts in a row after which messages are dropped; `None`: never.
    pub limit: Option<u32>,
    /// The first wait and the longest one.
    pub floor: Duration,
    pub ceiling: Duration,
}

impl Default for Retry {
    /// For ever, soon at first, and at least every half minute.
    fn default() -> Self {
        Self { limit: None, floor: Duration::from_millis(200), ceiling: Duration::from_secs(30) }
    }
}

/// What an action has besides its module's parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Common {
    pub name: Option<String>,
    pub template: Option<String>,
    pub retry: Retry,
    pub report_suspension: bool,
}

impl Common {
    /// Reads the parameters that [`PARAMS`] lists; `None` (complained of) if the action would do
    /// something else than was asked for.
    pub fn compile(params: &Params, diags: &mut Diagnostics) -> Option<Self> {
        if params.bool("action.execOnlyWhenPreviousIsSuspended") == Some(true) {
            let loc = params.loc("action.execOnlyWhenPreviousIsSuspended");
            let text = "'action.execOnlyWhenPreviousIsSuspended' is not supported: fallback \
                        actions come with a later version";
            diags.push(Diagnostic::error(loc, text).help("leave this action out"));
            return None;
        }
        if params.refused {
            return None;
        }
        let text = |name| params.str(name).map(str::to_owned);
        Some(Self {
            name: text("name"),
            template: text("template"),
            retry: retry(params),
            report_suspension: params.bool("action.reportSuspension").unwrap_or(true),
        })
    }
}

fn retry(params: &Params) -> Retry {
    let seconds =
        |name| params.size(name).and_then(|n| u64::try_from(n).ok()).map(Duration::from_secs);
    let mut retry = Retry {
        limit: params.int("action.resumeRetryCount").and_then(|n| u32::try_from(n).ok()),
        ..Retry::default()
    };
    if let Some(floor) = seconds("action.resumeInterval") {
        retry.floor = floor.max(retry.floor);
        retry.ceiling = retry.floor.max(Duration::from_secs(1800));
    }
    if let Some(ceiling) = seconds("action.resumeIntervalMax") {
        retry.ceiling = ceiling.max(retry.floor);
    }
    retry
}
