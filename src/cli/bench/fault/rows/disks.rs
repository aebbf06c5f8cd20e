//! Disks that fill up, and what they keep when the relay is killed.

use std::time::Duration;

use crate::base::clock::monotonic;
use crate::cli::bench::error::BenchError;
use crate::cli::bench::fault::acked::Acked;
use crate::cli::bench::fault::acked::WINDOW;
use crate::cli::bench::fault::outcome::Bounds;
use crate::cli::bench::fault::outcome::End;
use crate::cli::bench::fault::relay::Site;
use crate::cli::bench::fault::relay::SmallDisk;
use crate::cli::bench::fault::rows::PATIENCE;
use crate::cli::bench::fault::rows::Run;
use crate::cli::bench::fault::rows::SLOW;
use crate::cli::bench::fault::rows::collector;
use crate::cli::bench::fault::rows::config;
use crate::cli::bench::fault::rows::on_disk;
use crate::cli::bench::fault::traffic::Traffic;
use crate::cli::bench::time::pause;

/// Messages that were delivered, and are not yet noted as such on disk, at a kill.
const BATCH: u64 = 1_024;
/// The longest that a kill comes behind what it waits for, microseconds.
const MOMENT: u64 = 50_000;

/// The queue's disk fills up before the collector comes.
pub(super) fn full_disk(run: &Run<'_>) -> Result<End, BenchError> {
    let site = Site::new(run.program)?;
    let Some(_disk) = SmallDisk::mount(&site.path("queue"))? else {
        return Ok(run.skipped("only root can mount a small disk"));
    };
    let collector = collector(true)?;
    let folder = site.path("queue");
    let queue = format!("{} queue.spoolDirectory=\"{}\"", on_disk("full"), folder.display());
    site.configure(&config(&site, &[(collector.port(), &queue)]))?;
    let mut relay = site.start()?;
    let traffic = Traffic::start(&site, run.messages, None)?;
    pause(SLOW);
    let mut bounds = Bounds::exact();
    let held = !traffic.is_done();
    bounds.note = format!("the sender was {}held back", if held { "" } else { "not " });
    let ended = relay.has_ended()?;
    bounds.require(!ended, || "the relay ended".to_owned());
    if ended {
        relay = site.start()?;
    }
    collector.refuse(false);
    let sent = traffic.finish(PATIENCE)?;
    run.end(relay, sent, collector, bounds)
}

/// The relay is killed again and again while messages come that it has to acknowledge: at random
/// moments of its work, and each fourth time of its start, while it reads what the one before it
/// left on disk.
pub(super) fn kills(run: &Run<'_>) -> Result<End, BenchError> {
    let site = Site::new(run.program)?;
    let collector = collector(false)?;
    let queue = format!("{} queue.syncQueueFiles=\"on\"", on_disk("killed"));
    let queue = queue.replace("LinkedList", "Disk");
    let config = config(&site, &[(collector.port(), &queue)]).replace("imtcp", "imrelp");
    site.configure(&config)?;
    let traffic = Acked::start(&site, run.messages);
    let mut starts = 0;
    for time in 1..=run.times {
        let relay = if time % 4 == 0 {
            starts += 1;
            site.launch()?
        } else {
            let relay = site.start()?;
            let due = run.messages * time / (run.times + 1);
            let until = monotonic() + PATIENCE / 10;
            while traffic.acknowledged() < due && !traffic.is_done() && monotonic() < until {
                pause(Duration::from_millis(1));
            }
            relay
        };
        pause(Duration::from_micros(fastrand::u64(0..MOMENT)));
        relay.kill()?;
    }
    let early = traffic.is_done();
    let relay = site.start()?;
    let sent = traffic.finish(PATIENCE)?;
    let under_way = run.times * (WINDOW as u64 + BATCH);
    let mut bounds = Bounds { duplicated: Some(under_way), ..Bounds::default() };
    bounds.note = format!("{} kills, {starts} of them while it started", run.times);
    bounds.require(!early, || "all was sent before the last kill".to_owned());
    let missing = run.messages.saturating_sub(sent);
    bounds.require(missing == 0, || format!("{missing} were not acknowledged"));
    run.end(relay, sent, collector, bounds)
}
