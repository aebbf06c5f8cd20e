//! Collectors that are late, break off, stall or are slow.

use std::time::Duration;

use crate::base::clock::monotonic;
use crate::cli::bench::error::BenchError;
use crate::cli::bench::fault::collector::Collector;
use crate::cli::bench::fault::outcome::Bounds;
use crate::cli::bench::fault::outcome::End;
use crate::cli::bench::fault::relay::Site;
use crate::cli::bench::fault::relay::free_address;
use crate::cli::bench::fault::rows::IDLE;
use crate::cli::bench::fault::rows::IN_MEMORY;
use crate::cli::bench::fault::rows::PATIENCE;
use crate::cli::bench::fault::rows::RATE;
use crate::cli::bench::fault::rows::Run;
use crate::cli::bench::fault::rows::SLOW;
use crate::cli::bench::fault::rows::STUCK;
use crate::cli::bench::fault::rows::collector;
use crate::cli::bench::fault::rows::config;
use crate::cli::bench::fault::rows::on_disk;
use crate::cli::bench::fault::traffic::Traffic;
use crate::cli::bench::procstat;
use crate::cli::bench::report::grouped;
use crate::cli::bench::time::micros;
use crate::cli::bench::time::pause;

pub(super) fn late_memory(run: &Run<'_>) -> Result<End, BenchError> {
    late(run, run.messages.min(IN_MEMORY), "")
}

pub(super) fn late_disk(run: &Run<'_>) -> Result<End, BenchError> {
    late(run, run.messages, &on_disk("late"))
}

/// The collector comes when all has been sent.
fn late(run: &Run<'_>, messages: u64, queue: &str) -> Result<End, BenchError> {
    let site = Site::new(run.program)?;
    let collector = collector(true)?;
    site.configure(&config(&site, &[(collector.port(), queue)]))?;
    let relay = site.start()?;
    let sent = Traffic::start(&site, messages, None)?.finish(PATIENCE)?;
    pause(Duration::from_secs(3));
    collector.refuse(false);
    run.end(relay, sent, collector, Bounds::exact())
}

pub(super) fn closes(run: &Run<'_>) -> Result<End, BenchError> {
    broken(run, Collector::close)
}

pub(super) fn resets(run: &Run<'_>) -> Result<End, BenchError> {
    broken(run, Collector::reset)
}

/// The collector breaks its connections again and again while messages come.
fn broken(run: &Run<'_>, hit: fn(&Collector)) -> Result<End, BenchError> {
    let site = Site::new(run.program)?;
    let collector = collector(false)?;
    site.configure(&config(&site, &[(collector.port(), "")]))?;
    let relay = site.start()?;
    let traffic = Traffic::start(&site, run.messages, Some(run.rate(RATE)))?;
    for time in 1..=run.times {
        let due = run.messages * time / (run.times + 1);
        collector.wait(due, STUCK);
        hit(&collector);
    }
    let sent = traffic.finish(run.patience())?;
    collector.wait(sent, IDLE);
    let discarded = collector.discarded();
    let bounds = Bounds {
        lost: discarded,
        note: format!("{discarded} taken by the collector's kernel and never read"),
        ..Bounds::default()
    };
    run.end(relay, sent, collector, bounds)
}

/// One of two collectors stalls: the other gets all, at the rate that it has without the fault.
pub(super) fn stalls(run: &Run<'_>) -> Result<End, BenchError> {
    let rate = run.rate(RATE);
    let usual = with_a_stalled_one(run, run.messages.min(rate * 5), false)?.rate;
    let beside = with_a_stalled_one(run, run.messages, true)?;
    let share = 100 * beside.rate / usual.max(1);
    let mut bounds = Bounds::exact();
    bounds.note = format!(
        "the other kept {share} % of its rate, {} MiB at most",
        grouped(beside.peak_rss >> 20)
    );
    bounds.require(share >= 95, || "the other was slowed down".to_owned());
    run.judge(beside.sent, beside.alive, bounds)
}

/// How two collectors fared.
struct Pair {
    alive: Collector,
    sent: u64,
    /// What the living one got, messages a second.
    rate: u64,
    /// The most memory that the relay had, bytes.
    peak_rss: u64,
}

fn with_a_stalled_one(run: &Run<'_>, messages: u64, stall: bool) -> Result<Pair, BenchError> {
    let site = Site::new(run.program)?;
    let (dead, alive) = (collector(false)?, collector(false)?);
    dead.stall(stall);
    let queues = (on_disk("dead"), on_disk("alive"));
    let outputs = [(dead.port(), queues.0.as_str()), (alive.port(), queues.1.as_str())];
    site.configure(&config(&site, &outputs))?;
    let relay = site.start()?;
    let began = monotonic();
    let rate = Some(run.rate(RATE));
    let sent = Traffic::start(&site, messages, rate)?.finish(run.patience())?;
    alive.wait(sent, IDLE);
    let took = micros(began.elapsed()).max(1);
    let rate = alive.received() * 1_000_000 / took;
    let peak_rss = procstat::usage(relay.pid()).map_or(0, |usage| usage.peak_rss);
    Ok(Pair { alive, sent, rate, peak_rss })
}

pub(super) fn slow(run: &Run<'_>) -> Result<End, BenchError> {
    let site = Site::new(run.program)?;
    let collector = collector(false)?;
    collector.slow(1 << 20);
    site.configure(&config(&site, &[(collector.port(), "")]))?;
    let relay = site.start()?;
    let traffic = Traffic::start(&site, run.messages, None)?;
    pause(SLOW);
    let memory = procstat::usage(relay.pid()).map_or(0, |usage| usage.peak_rss >> 20);
    collector.slow(0);
    let sent = traffic.finish(PATIENCE)?;
    let bounds = Bounds { note: format!("{memory} MiB at most"), ..Bounds::exact() };
    run.end(relay, sent, collector, bounds)
}

pub(super) fn isolated(run: &Run<'_>) -> Result<End, BenchError> {
    let site = Site::new(run.program)?;
    let (dead, alive) = (free_address()?, collector(false)?);
    let outputs = [(dead.port(), ""), (alive.port(), "")];
    site.configure(&config(&site, &outputs))?;
    let relay = site.start()?;
    let sent = Traffic::start(&site, run.messages.min(IN_MEMORY), None)?.finish(PATIENCE)?;
    alive.wait(sent, IDLE);
    drop(relay);
    run.judge(sent, alive, Bounds::exact())
}
