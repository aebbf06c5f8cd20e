//! A relay that may not have much memory.

use crate::cli::bench::error::BenchError;
use crate::cli::bench::fault::cage::Cage;
use crate::cli::bench::fault::outcome::Bounds;
use crate::cli::bench::fault::outcome::End;
use crate::cli::bench::fault::relay::Site;
use crate::cli::bench::fault::rows::GRACE;
use crate::cli::bench::fault::rows::IDLE;
use crate::cli::bench::fault::rows::PATIENCE;
use crate::cli::bench::fault::rows::Run;
use crate::cli::bench::fault::rows::SLOW;
use crate::cli::bench::fault::rows::collector;
use crate::cli::bench::fault::rows::config;
use crate::cli::bench::fault::rows::on_disk;
use crate::cli::bench::fault::traffic::Traffic;
use crate::cli::bench::procstat;
use crate::cli::bench::time::pause;

/// What it may have, bytes.
const MEMORY: u64 = 128 << 20;
/// Actions to collectors that are dead at first: half of them with a queue on disk.
const ACTIONS: usize = 8;

/// The queues of many actions fill up: those with files go to disk, the others hold the sender
/// back. The relay is never killed for its memory, and in the end each collector has everything.
pub(super) fn little_memory(run: &Run<'_>) -> Result<End, BenchError> {
    let cage = Cage::new(MEMORY);
    let site = Site::new(run.program)?;
    let collectors = (0..ACTIONS).map(|_| collector(true)).collect::<Result<Vec<_>, _>>()?;
    let queues: Vec<_> = (0..ACTIONS).map(|n| on_disk(&format!("dead-{n}"))).collect();
    let queue = |n: usize| if n.is_multiple_of(2) { "" } else { queues[n].as_str() };
    let outputs = collectors.iter().enumerate().map(|(n, to)| (to.port(), queue(n)));
    site.configure(&config(&site, &outputs.collect::<Vec<_>>()))?;
    let mut relay = site.start_in(cage.as_ref())?;
    let traffic = Traffic::start(&site, run.messages, None)?;
    pause(SLOW);
    let mut bounds = Bounds::exact();
    let held = !traffic.is_done();
    for collector in &collectors {
        collector.refuse(false);
    }
    let sent = traffic.finish(PATIENCE)?;
    for collector in &collectors {
        collector.wait(sent, IDLE);
    }
    let ended = relay.has_ended()?;
    bounds.require(!ended, || "the relay ended".to_owned());
    let peak = procstat::usage(relay.pid()).map_or(0, |usage| usage.peak_rss);
    bounds.require(peak <= MEMORY, || "it had more memory than it may".to_owned());
    let killed = cage.as_ref().and_then(Cage::killed).unwrap_or(0);
    bounds.require(killed == 0, || format!("the kernel killed it {killed} times"));
    let limit = match cage {
        Some(_) => "that its cgroup has",
        None => "that it may have (no cgroup holds it to that: only root can make one)",
    };
    bounds.note = format!(
        "{} MiB at most, of {} {limit}; the sender was {}held back",
        peak >> 20,
        MEMORY >> 20,
        if held { "" } else { "not " },
    );
    let mut collectors = collectors.into_iter();
    let Some(first) = collectors.next() else { return Ok(run.skipped("no collectors")) };
    relay.stop(GRACE)?;
    for (n, collector) in (1..).zip(collectors) {
        let ledger = collector.stop()?;
        let (lost, doubled) = (sent.saturating_sub(ledger.received()), ledger.duplicated);
        let exact = lost == 0 && doubled == 0;
        bounds.require(exact, || format!("collector {n}: {lost} lost, {doubled} doubled"));
    }
    run.judge(sent, first, bounds)
}
