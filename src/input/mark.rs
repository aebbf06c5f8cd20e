//! `immark`: a message every so often, which says that the relay is alive.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::drain::Signals;
use crate::config::module::Availability;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Duration as Time;
use crate::config::param::Kind::Ruleset;
use crate::config::param::Kind::Str;
use crate::config::param::Params;
use crate::config::param::Spec;
use crate::input::local::Feed;
use crate::input::local::Local;
use crate::input::local::LocalInput;
use crate::input::local::LocalModule;
use crate::input::local::Reader;
use crate::input::local::Reading;
use crate::input::local::Ready;
use crate::input::local::Surroundings;
use crate::message::MessageFlags;
use crate::message::Pri;

pub const NAME: &str = "immark";

/// What it takes.
pub static MODULE: Module = Module {
    name: NAME,
    role: Role::Input,
    doc: "Makes mark messages.",
    availability: Availability::Ready,
    module: &[PARAMS],
    instance: &[],
};

pub static LOCAL: LocalModule =
    LocalModule { module: &MODULE, loaded, instance: |_, _, _, _| None };

const DIRECT: &str = "marks go straight to the rules";

static PARAMS: &[Spec] = &[
    Spec::new("interval", Time("seconds"), "1200", "Time between two marks."),
    Spec::new("ruleset", Ruleset, "RSYSLOG_DefaultRuleset", "Ruleset that gets the marks."),
    Spec::new("markMessageText", Str, "-- MARK --", "The text of a mark."),
    Spec::new("use.syslogCall", Bool, "on", "Sends marks by syslog(3).").ignored(DIRECT),
    Spec::new(
        "use.markFlag",
        Bool,
        "on",
        "Marks them as marks, so that actions can leave them out.",
    ),
];

const INTERVAL_DEFAULT: i64 = 1200;
/// Facility `syslog`, severity `info`.
const PRI: Pri = Pri::new(5, 6);
/// Whoever looks for marks looks for rsyslogd's.
const TAG: &[u8] = b"rsyslogd:";

/// `module(load="immark")`
#[derive(Clone, Debug)]
struct MarkSpec {
    interval: Duration,
    text: String,
    flagged: bool,
}

/// Seconds between two marks; `None` if there are none. `params` are those of the module.
#[must_use]
pub fn interval(params: &Params) -> Option<i64> {
    Some(params.int("interval").unwrap_or(INTERVAL_DEFAULT)).filter(|seconds| *seconds > 0)
}

fn loaded(params: &Params, _: &Surroundings, diags: &mut Diagnostics) -> Vec<Arc<dyn Local>> {
    let Some(seconds) = interval(params).and_then(|seconds| u64::try_from(seconds).ok()) else {
        let text = "immark: an interval of 0 is none: no marks are made";
        let help = "write interval=\"1200\", or leave the module out";
        diags.push(Diagnostic::warning(params.loc("interval"), text).help(help));
        return Vec::new();
    };
    vec![Arc::new(MarkSpec {
        interval: Duration::from_secs(seconds),
        text: params.str("markMessageText").unwrap_or("-- MARK --").to_owned(),
        flagged: params.bool("use.markFlag").unwrap_or(true),
    })]
}

impl Local for MarkSpec {
    fn module(&self) -> &'static str {
        NAME
    }

    fn label(&self) -> String {
        NAME.to_owned()
    }

    fn open(&self, _: &Arc<LocalInput>) -> io::Result<Box<dyn Reader>> {
        Ok(Box::new(self.clone()))
    }
}

impl Reader for MarkSpec {
    fn read(self: Rc<Self>, feed: Feed, signals: Signals) -> Reading {
        Box::pin(self.run(feed, signals))
    }
}

impl MarkSpec {
    async fn run(self: Rc<Self>, mut feed: Feed, mut signals: Signals) -> io::Result<()> {
        let mut timer = tokio::time::interval(self.interval);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick is at once.
        timer.tick().await;
        loop {
            tokio::select! {
                biased;
                () = signals.stopped() => return Ok(()),
                _ = timer.tick() => {}
            }
            feed.begin();
            let text = self.text.as_bytes();
            feed.push(Ready { pri: PRI, tag: TAG, text, variables: None });
            if self.flagged
                && let Some(mark) = feed.batch().messages.last_mut()
            {
                mark.flags.set(MessageFlags::MARK);
            }
            feed.submit_impatient().await;
        }
    }
}
