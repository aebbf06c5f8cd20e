//! RELP on either side.

use std::time::Duration;

use crate::cli::bench::error::BenchError;
use crate::cli::bench::fault::acked::Acked;
use crate::cli::bench::fault::acked::WINDOW;
use crate::cli::bench::fault::collector::Collector;
use crate::cli::bench::fault::collector::Speech;
use crate::cli::bench::fault::outcome::Bounds;
use crate::cli::bench::fault::outcome::End;
use crate::cli::bench::fault::relay::Site;
use crate::cli::bench::fault::relay::free_address;
use crate::cli::bench::fault::rows::PATIENCE;
use crate::cli::bench::fault::rows::RATE;
use crate::cli::bench::fault::rows::Run;
use crate::cli::bench::fault::rows::SLOW;
use crate::cli::bench::fault::rows::STUCK;
use crate::cli::bench::fault::rows::collector;
use crate::cli::bench::fault::rows::config;
use crate::cli::bench::fault::traffic::Traffic;
use crate::cli::bench::time::pause;

/// A configuration with RELP where `imtcp` or `omfwd` is.
fn over_relp(config: &str) -> String {
    let framed = " protocol=\"tcp\"\n  template=\"RSYSLOG_SyslogProtocol23Format\" \
                  TCP_Framing=\"octet-counted\"";
    let bare = "\n  template=\"RSYSLOG_SyslogProtocol23Format\"";
    let config = config.replace("omfwd", "omrelp").replace(framed, bare);
    ["module(load=\"omrelp\")\n", &config].concat()
}

/// The collector takes run.messages, and the relay does not learn of it.
pub(super) fn unheard(run: &Run<'_>) -> Result<End, BenchError> {
    let site = Site::new(run.program)?;
    let collector = Collector::start(free_address()?, Speech::Relp, false)?;
    site.configure(&over_relp(&config(&site, &[(collector.port(), "")])))?;
    let relay = site.start()?;
    let traffic = Traffic::start(&site, run.messages, Some(run.rate(RATE)))?;
    for time in 1..=run.times {
        collector.wait(run.messages * time / (run.times + 1), STUCK);
        collector.mute(true);
        pause(Duration::from_millis(100));
        collector.reset();
        pause(Duration::from_millis(50));
        collector.mute(false);
    }
    let sent = traffic.finish(run.patience())?;
    run.end(relay, sent, collector, Bounds::default())
}

/// What cannot be delivered is not acknowledged once the queue is full, and comes when the
/// collector does.
pub(super) fn withheld(run: &Run<'_>) -> Result<End, BenchError> {
    let site = Site::new(run.program)?;
    let collector = collector(true)?;
    let config = config(&site, &[(collector.port(), "")]).replace("imtcp", "imrelp");
    site.configure(&config)?;
    let relay = site.start()?;
    let traffic = Acked::start(&site, run.messages);
    pause(SLOW);
    let early = traffic.acknowledged();
    let mut bounds = Bounds::exact();
    bounds.note = format!("{early} acknowledged before");
    bounds.require(site.is_rsyslogd() || early == 0, || "acknowledged too early".to_owned());
    // Had the relay been killed now, the sender would have had all but these.
    bounds.duplicated = Some(WINDOW as u64);
    collector.refuse(false);
    let sent = traffic.finish(PATIENCE)?;
    run.end(relay, sent, collector, bounds)
}
