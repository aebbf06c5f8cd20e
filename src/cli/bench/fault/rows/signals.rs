//! Stops and reloads.

use std::fs;
use std::time::Duration;

use rustix::process::Signal;

use crate::cli::bench::error::BenchError;
use crate::cli::bench::fault::collector::Collector;
use crate::cli::bench::fault::outcome::Bounds;
use crate::cli::bench::fault::outcome::End;
use crate::cli::bench::fault::relay::Relay;
use crate::cli::bench::fault::relay::Site;
use crate::cli::bench::fault::rows::GRACE;
use crate::cli::bench::fault::rows::IN_MEMORY;
use crate::cli::bench::fault::rows::PATIENCE;
use crate::cli::bench::fault::rows::RATE;
use crate::cli::bench::fault::rows::Run;
use crate::cli::bench::fault::rows::SIGNALS;
use crate::cli::bench::fault::rows::collector;
use crate::cli::bench::fault::rows::config;
use crate::cli::bench::fault::rows::on_disk;
use crate::cli::bench::fault::traffic::Traffic;
use crate::cli::bench::time::pause;

pub(super) fn stop_alive(run: &Run<'_>) -> Result<End, BenchError> {
    let site = Site::new(run.program)?;
    let collector = collector(false)?;
    site.configure(&config(&site, &[(collector.port(), "")]))?;
    let relay = site.start()?;
    let sent = Traffic::start(&site, run.messages, None)?.finish(PATIENCE)?;
    let mut bounds = Bounds::exact();
    took(relay.stop(GRACE)?, &mut bounds);
    collector.wait(sent, Duration::from_secs(1));
    run.judge(sent, collector, bounds)
}

/// Notes how long a stop took.
fn took(time: Option<Duration>, bounds: &mut Bounds) {
    match time {
        Some(time) => bounds.note = format!("stopped in {:.1} s", time.as_secs_f64()),
        None => bounds.broken.push(format!("did not stop in {} s", GRACE.as_secs())),
    }
}

pub(super) fn stop_on_disk(run: &Run<'_>) -> Result<End, BenchError> {
    let site = Site::new(run.program)?;
    let collector = collector(true)?;
    let queue = [&on_disk("stopped"), " queue.saveOnShutdown=\"on\""].concat();
    site.configure(&config(&site, &[(collector.port(), &queue)]))?;
    let relay = site.start()?;
    let sent = Traffic::start(&site, run.messages, None)?.finish(PATIENCE)?;
    let mut bounds = Bounds::exact();
    took(relay.stop(GRACE)?, &mut bounds);
    collector.refuse(false);
    let relay = site.start()?;
    run.end(relay, sent, collector, bounds)
}

pub(super) fn stop_in_memory(run: &Run<'_>) -> Result<End, BenchError> {
    let site = Site::new(run.program)?;
    let collector = collector(true)?;
    site.configure(&config(&site, &[(collector.port(), "")]))?;
    let relay = site.start()?;
    let sent = Traffic::start(&site, run.messages.min(IN_MEMORY), None)?.finish(PATIENCE)?;
    let mut bounds = Bounds { lost: sent, ..Bounds::exact() };
    took(relay.stop(GRACE)?, &mut bounds);
    if !site.is_rsyslogd() {
        let reported = dropped(&site.said());
        bounds.require(reported == Some(sent), || format!("it reported {reported:?} as lost"));
        bounds.note.push_str(", all reported as lost");
    }
    run.judge(sent, collector, bounds)
}

/// What was dropped, by the first line of the account at the end.
fn dropped(said: &str) -> Option<u64> {
    let (_, account) = said.rsplit_once("stopped: in ")?;
    let reasons = account.lines().next()?.split(", ").filter(|part| part.starts_with("dropped"));
    reasons.map(|reason| reason.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

/// Files are reopened while messages come.
pub(super) fn hups(run: &Run<'_>) -> Result<End, BenchError> {
    let site = Site::new(run.program)?;
    let (relay, collector, traffic) = streaming(run, &site)?;
    let bounds = signalled(&relay, &traffic, Signal::HUP);
    let sent = traffic.finish(run.patience())?;
    run.end(relay, sent, collector, bounds)
}

/// The relay is told again and again to read a configuration that is wrong: it goes on with the
/// one that it has. rsyslogd is told to reopen its files, and never reads one again.
pub(super) fn wrong_reloads(run: &Run<'_>) -> Result<End, BenchError> {
    let site = Site::new(run.program)?;
    let (relay, collector, traffic) = streaming(run, &site)?;
    site.configure("this is no configuration\n")?;
    let signal = if site.is_rsyslogd() { Signal::HUP } else { Signal::USR2 };
    let mut bounds = signalled(&relay, &traffic, signal);
    let sent = traffic.finish(run.patience())?;
    if !site.is_rsyslogd() {
        let refused = site.said().matches("configuration was not reloaded").count();
        bounds.note.push_str(&format!(", {refused} refused"));
        bounds.require(refused > 0, || "none was refused".to_owned());
    }
    run.end(relay, sent, collector, bounds)
}

/// A relay that messages stream through.
fn streaming(run: &Run<'_>, site: &Site) -> Result<(Relay, Collector, Traffic), BenchError> {
    let collector = collector(false)?;
    site.configure(&config(site, &[(collector.port(), "")]))?;
    let relay = site.start()?;
    let traffic = Traffic::start(site, run.messages, Some(run.rate(RATE * 4)))?;
    Ok((relay, collector, traffic))
}

/// Sends `signal` every 100 ms while messages come.
fn signalled(relay: &Relay, traffic: &Traffic, signal: Signal) -> Bounds {
    let before = descriptors(relay);
    let mut times = 0;
    while !traffic.is_done() {
        relay.signal(signal);
        times += 1;
        pause(SIGNALS);
    }
    let after = descriptors(relay);
    let mut bounds = Bounds::exact();
    bounds.note = format!("{times} times, descriptors {before} to {after}");
    bounds.require(after > 0, || "the relay ended".to_owned());
    bounds.require(after <= before + 2, || "descriptors leak".to_owned());
    bounds.require(times > 0, || "no signal was sent".to_owned());
    bounds
}

fn descriptors(relay: &Relay) -> usize {
    fs::read_dir(format!("/proc/{}/fd", relay.pid())).map_or(0, Iterator::count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_is_read() {
        let said = "x\nbongsu: stopped: in 20: to actions 20; out 20: delivered 7, \
                    dropped: stop 11, dropped: retries failed 2\n  input imtcp: received 20";
        assert_eq!(dropped(said), Some(13));
        assert_eq!(dropped("killed"), None);
    }
}
