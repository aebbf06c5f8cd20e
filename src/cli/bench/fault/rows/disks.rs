//! Disks that fill up, and what they keep when the relay is killed.

use std::time::Duration;

use crate::base::clock::monotonic;
use crate::cli::bench::error::BenchError;
use crate::cli::bench::fault::acked::Acked;
use crate::cli::bench::fault::acked::WINDOW;
use crate::cli::bench::fault::outcome::Bounds;
use crate::cli::bench::fault::outcome::End;
use crate::cli::bench::fault::outfile::OutFile;
use crate::cli::bench::fault::relay::Site;
use crate::cli::bench::fault::relay::SmallDisk;
use crate::cli::bench::fault::rows::GRACE;
use crate::cli::bench::fault::rows::IDLE;
use crate::cli::bench::fault::rows::PATIENCE;
use crate::cli::bench::fault::rows::Run;
use crate::cli::bench::fault::rows::SLOW;
use crate::cli::bench::fault::rows::collector;
use crate::cli::bench::fault::rows::config;
use crate::cli::bench::fault::rows::into_file;
use crate::cli::bench::fault::rows::on_disk;
use crate::cli::bench::fault::traffic::Traffic;
use crate::cli::bench::time::pause;

/// Messages that were delivered, and are not yet noted as such on disk, at a kill.
const BATCH: u64 = 1_024;
/// Room on the disk of a queue, bytes.
const QUEUE_DISK: u64 = 16 << 20;
/// Room on the disk of a file before there is more, bytes.
const FILE_DISK: u64 = 1 << 20;
/// More than a line has on average, bytes.
const LINE: u64 = 512;
/// The longest that a kill comes behind what it waits for, microseconds.
const MOMENT: u64 = 50_000;

/// The disk of the file is full for a while: the sender waits, and the line that was cut is
/// finished when there is room.
pub(super) fn full_file(run: &Run<'_>) -> Result<End, BenchError> {
    let site = Site::new(run.program)?;
    let folder = site.path("files");
    let disk = SmallDisk::mount(&folder, FILE_DISK)?;
    let path = folder.join("out");
    site.configure(&into_file(&site, &path, "RSYSLOG_SyslogProtocol23Format"))?;
    let mut out = OutFile::make(&path)?;
    let mut relay = site.start()?;
    if disk.is_none() {
        relay.limit_files(Some(FILE_DISK))?;
    }
    let traffic = Traffic::start(&site, run.messages, None)?;
    pause(SLOW);
    out.look()?;
    let mut bounds = Bounds::exact();
    let full = out.length() == FILE_DISK;
    bounds.require(full, || format!("it was not full: {} bytes", out.length()));
    let held = if traffic.is_done() { "not " } else { "" };
    let what = if disk.is_some() { "a disk" } else { "no disk but a limit on files (not root)" };
    bounds.note = format!("{what} of 1 MiB; the sender was {held}held back");
    let ended = relay.has_ended()?;
    bounds.require(!ended, || "the relay ended".to_owned());
    if ended {
        relay = site.start()?;
    }
    match &disk {
        Some(disk) => disk.resize(run.messages * LINE + FILE_DISK)?,
        None => relay.limit_files(None)?,
    }
    let sent = traffic.finish(PATIENCE)?;
    out.wait(sent, IDLE)?;
    relay.stop(GRACE)?;
    Ok(run.judge_books(sent, &out.close()?, bounds))
}

/// The queue's disk fills up before the collector comes.
pub(super) fn full_disk(run: &Run<'_>) -> Result<End, BenchError> {
    let site = Site::new(run.program)?;
    let Some(_disk) = SmallDisk::mount(&site.path("queue"), QUEUE_DISK)? else {
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
