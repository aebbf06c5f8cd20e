//! The graph as it is opened: sockets bound, queues made, nothing running yet.

use std::io;
use std::sync::Arc;

use tokio::runtime::Builder;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use crate::base::capabilities::Capabilities;
use crate::base::drain::Control;
use crate::base::drain::Signals;
use crate::base::reporter::Level;
use crate::base::reporter::Reporter;
use crate::engine::Plan;
use crate::engine::globals::Globals;
use crate::engine::live::Live;
use crate::engine::live::ShardChange;
use crate::engine::run::Caught;

/// Everything that [`crate::engine::run`] needs.
#[derive(Debug)]
pub struct Graph {
    /// Of the main thread.
    pub(super) runtime: Runtime,
    pub(super) caught: Caught,
    pub(super) live: Live,
    pub(super) control: Arc<Control>,
    pub(super) signals: Signals,
    /// What each shard begins with.
    pub(super) shards: Vec<ShardChange>,
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
    /// If not a single input could be opened although some were configured; if signal handlers
    /// cannot be had; if privileges or capabilities cannot be given up.
    pub fn open(plan: Plan, around: Surroundings) -> io::Result<Self> {
        let Surroundings { program, reporter, own } = around;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        // Before anything listens: who can connect may take it that a signal is heard.
        let caught = {
            let _runtime = runtime.enter();
            Caught::new()?
        };
        let (control, signals) = Control::new();
        let control = Arc::new(control);
        let teller = reporter.clone();
        let mut live = Live::new(&plan, program, reporter, control.clone());
        let wanted = !plan.inputs.is_empty();
        let internal = own.map(|messages| live.hear(messages, plan.default_ruleset));
        let Globals { privileges, capabilities, .. } = plan.globals;
        let change = live.begin(plan, || {
            give_up(capabilities, &*teller)?;
            let text = |e| io::Error::other(format!("cannot become another user: {e}"));
            privileges.drop().map_err(text)
        })?;
        let mut shards = live.finish(change);
        if wanted && !live.listens() {
            return Err(io::Error::other("no input could be opened"));
        }
        shards[0].internal = internal;
        Ok(Self { runtime, caught, live, control, signals, shards })
    }
}

/// That capabilities stay stops the relay only where it was asked to give them up.
fn give_up(capabilities: Capabilities, reporter: &dyn Reporter) -> io::Result<()> {
    let Err(e) = capabilities.apply() else { return Ok(()) };
    let text = format!("cannot give up capabilities: {e}");
    if capabilities.give_up == Some(true) && capabilities.must {
        return Err(io::Error::other(text));
    }
    reporter.say(Level::Warning, text);
    Ok(())
}
