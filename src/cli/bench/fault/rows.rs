//! The faults, a function each.

use std::ffi::OsString;
use std::fmt::Write;
use std::fs;
use std::time::Duration;

use rustix::process::Signal;

use crate::base::clock::monotonic;
use crate::cli::bench::error::BenchError;
use crate::cli::bench::fault::acked::Acked;
use crate::cli::bench::fault::acked::WINDOW;
use crate::cli::bench::fault::collector::Collector;
use crate::cli::bench::fault::collector::Speech;
use crate::cli::bench::fault::outcome::Bounds;
use crate::cli::bench::fault::outcome::End;
use crate::cli::bench::fault::outcome::Outcome;
use crate::cli::bench::fault::relay::Relay;
use crate::cli::bench::fault::relay::Site;
use crate::cli::bench::fault::relay::SmallDisk;
use crate::cli::bench::fault::relay::free_address;
use crate::cli::bench::fault::traffic::Traffic;
use crate::cli::bench::procstat;
use crate::cli::bench::time::pause;

/// A fault and how it is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub number: &'static str,
    pub fault: &'static str,
    /// Runs it against a program, with about so many messages.
    pub run: fn(&Self, &OsString, u64) -> Result<End, BenchError>,
}

pub(super) const ROWS: &[Row] = &[
    Row { number: "1", fault: "collector down at the start, queue in memory", run: late_memory },
    Row { number: "2", fault: "collector down at the start, queue on disk", run: late_disk },
    Row { number: "3", fault: "collector closes its connections, ten times", run: closes },
    Row { number: "4", fault: "collector resets its connections, ten times", run: resets },
    Row { number: "5", fault: "one of two collectors stalls", run: stalls },
    Row { number: "6", fault: "collector reads slowly", run: slow },
    Row { number: "7", fault: "one of two outputs dead, no queue asked for", run: isolated },
    Row { number: "8", fault: "the disk of the queue is full", run: full_disk },
    Row { number: "10", fault: "kill -9, ten times, RELP in, queue on disk", run: kills },
    Row { number: "16", fault: "SIGTERM, collector alive", run: stop_alive },
    Row { number: "17", fault: "SIGTERM, collector dead, queue on disk", run: stop_on_disk },
    Row { number: "18", fault: "SIGTERM, collector dead, queue in memory", run: stop_in_memory },
    Row { number: "19", fault: "SIGHUP every 100 ms", run: hups },
    Row { number: "37", fault: "RELP out: acknowledgements lost, reset, ten times", run: unheard },
    Row { number: "38", fault: "RELP in: the output is dead and its queue full", run: withheld },
];

/// Nothing has come for so long: nothing will.
const IDLE: Duration = Duration::from_secs(8);
/// A relay that has come to nothing for so long is not waited for before the next fault.
const STUCK: Duration = Duration::from_secs(3);
/// The longest that a sender may be held back.
const PATIENCE: Duration = Duration::from_secs(300);
/// The longest that a stop may take: what Kubernetes gives.
const GRACE: Duration = Duration::from_secs(30);
/// Messages that fit into the queue of an action in memory (8 MiB).
const IN_MEMORY: u64 = 20_000;
/// Messages a second where a fault has to happen in the middle of a stream.
const RATE: u64 = 50_000;
/// How long a collector reads slowly.
const SLOW: Duration = Duration::from_secs(5);
/// How often a collector breaks.
const TIMES: u64 = 10;

/// `queue.*` of an action whose queue goes to disk.
fn on_disk(name: &str) -> String {
    format!(
        r#"queue.type="LinkedList" queue.filename="{name}" queue.size="2000" queue.maxFileSize="8m""#
    )
}

/// A configuration: TCP in, an action to each collector.
fn config(site: &Site, outputs: &[(u16, &str)]) -> String {
    let mut text = format!(
        "global(workDirectory=\"{}\" maxMessageSize=\"64k\")\n\
         module(load=\"imtcp\")\n\
         input(type=\"imtcp\" address=\"127.0.0.1\" port=\"{}\")\n",
        site.folder().display(),
        site.input.port(),
    );
    for (port, more) in outputs {
        let action = writeln!(
            text,
            "action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{port}\" protocol=\"tcp\"\n  \
             template=\"RSYSLOG_SyslogProtocol23Format\" TCP_Framing=\"octet-counted\"\n  \
             action.resumeRetryCount=\"-1\" action.resumeInterval=\"1\" action.resumeIntervalMax=\"1\"\n  {more})"
        );
        // Writing to a text cannot fail.
        action.unwrap_or_default();
    }
    text
}

fn collector(refuse: bool) -> Result<Collector, BenchError> {
    Collector::start(free_address()?, Speech::Plain, refuse)
}

impl Row {
    /// Waits for what was sent, ends the relay and makes up the books.
    fn end(
        &self,
        relay: Relay,
        sent: u64,
        collector: Collector,
        bounds: Bounds,
    ) -> Result<End, BenchError> {
        collector.wait(sent, IDLE);
        relay.stop(GRACE)?;
        self.judge(sent, collector, bounds)
    }

    fn judge(&self, sent: u64, collector: Collector, bounds: Bounds) -> Result<End, BenchError> {
        let ledger = collector.stop()?;
        Ok(End::Ran(Outcome::new((self.number, self.fault), sent, &ledger, bounds)))
    }
}

fn late_memory(row: &Row, program: &OsString, messages: u64) -> Result<End, BenchError> {
    late(row, program, messages.min(IN_MEMORY), "")
}

fn late_disk(row: &Row, program: &OsString, messages: u64) -> Result<End, BenchError> {
    late(row, program, messages, &on_disk("late"))
}

/// The collector comes when all has been sent.
fn late(row: &Row, program: &OsString, messages: u64, queue: &str) -> Result<End, BenchError> {
    let site = Site::new(program)?;
    let collector = collector(true)?;
    site.configure(&config(&site, &[(collector.port(), queue)]))?;
    let relay = site.start()?;
    let sent = Traffic::start(&site, messages, None)?.finish(PATIENCE)?;
    pause(Duration::from_secs(3));
    collector.refuse(false);
    row.end(relay, sent, collector, Bounds::exact())
}

fn closes(row: &Row, program: &OsString, messages: u64) -> Result<End, BenchError> {
    broken(row, program, messages, Collector::close)
}

fn resets(row: &Row, program: &OsString, messages: u64) -> Result<End, BenchError> {
    broken(row, program, messages, Collector::reset)
}

/// The collector breaks its connections again and again while messages come.
fn broken(
    row: &Row,
    program: &OsString,
    messages: u64,
    hit: fn(&Collector),
) -> Result<End, BenchError> {
    let site = Site::new(program)?;
    let collector = collector(false)?;
    site.configure(&config(&site, &[(collector.port(), "")]))?;
    let relay = site.start()?;
    let traffic = Traffic::start(&site, messages, Some(RATE))?;
    for time in 1..=TIMES {
        let due = messages * time / (TIMES + 1);
        collector.wait(due, STUCK);
        hit(&collector);
    }
    let sent = traffic.finish(PATIENCE)?;
    collector.wait(sent, IDLE);
    let discarded = collector.discarded();
    let bounds = Bounds {
        lost: discarded,
        note: format!("{discarded} taken by the collector's kernel and never read"),
        ..Bounds::default()
    };
    row.end(relay, sent, collector, bounds)
}

/// One of two collectors stalls: the other gets all, in the time that it takes without the fault.
fn stalls(row: &Row, program: &OsString, messages: u64) -> Result<End, BenchError> {
    let alone = with_a_stalled_one(program, messages, false)?.1;
    let (sent, time, collector) = with_a_stalled_one(program, messages, true)?;
    let share = 100.0 * alone.as_secs_f64() / time.as_secs_f64().max(1e-3);
    let mut bounds = Bounds::exact();
    bounds.note = format!("the other kept {share:.0} % of its rate");
    bounds.require(share >= 95.0, || "the other was slowed down".to_owned());
    row.judge(sent, collector, bounds)
}

/// How much was sent, and how long it took the collector that reads to have it.
fn with_a_stalled_one(
    program: &OsString,
    messages: u64,
    stall: bool,
) -> Result<(u64, Duration, Collector), BenchError> {
    let site = Site::new(program)?;
    let (dead, alive) = (collector(false)?, collector(false)?);
    dead.stall(stall);
    let queues = (on_disk("dead"), on_disk("alive"));
    let outputs = [(dead.port(), queues.0.as_str()), (alive.port(), queues.1.as_str())];
    site.configure(&config(&site, &outputs))?;
    let relay = site.start()?;
    let began = monotonic();
    let sent = Traffic::start(&site, messages, Some(RATE))?.finish(PATIENCE)?;
    alive.wait(sent, IDLE);
    let time = began.elapsed();
    drop(relay);
    Ok((sent, time, alive))
}

fn slow(row: &Row, program: &OsString, messages: u64) -> Result<End, BenchError> {
    let site = Site::new(program)?;
    let collector = collector(false)?;
    collector.slow(1 << 20);
    site.configure(&config(&site, &[(collector.port(), "")]))?;
    let relay = site.start()?;
    let traffic = Traffic::start(&site, messages, None)?;
    pause(SLOW);
    let memory = procstat::usage(relay.pid()).map_or(0, |usage| usage.peak_rss >> 20);
    collector.slow(0);
    let sent = traffic.finish(PATIENCE)?;
    let bounds = Bounds { note: format!("{memory} MiB at most"), ..Bounds::exact() };
    row.end(relay, sent, collector, bounds)
}

fn isolated(row: &Row, program: &OsString, messages: u64) -> Result<End, BenchError> {
    let site = Site::new(program)?;
    let (dead, alive) = (free_address()?, collector(false)?);
    let outputs = [(dead.port(), ""), (alive.port(), "")];
    site.configure(&config(&site, &outputs))?;
    let relay = site.start()?;
    let sent = Traffic::start(&site, messages.min(IN_MEMORY), None)?.finish(PATIENCE)?;
    alive.wait(sent, IDLE);
    drop(relay);
    row.judge(sent, alive, Bounds::exact())
}

/// The queue's disk fills up before the collector comes.
fn full_disk(row: &Row, program: &OsString, messages: u64) -> Result<End, BenchError> {
    let site = Site::new(program)?;
    let Some(_disk) = SmallDisk::mount(&site.path("queue"))? else {
        let why = "only root can mount a small disk".to_owned();
        return Ok(End::Skipped { row: row.number, fault: row.fault, why });
    };
    let collector = collector(true)?;
    let folder = site.path("queue");
    let queue = format!("{} queue.spoolDirectory=\"{}\"", on_disk("full"), folder.display());
    site.configure(&config(&site, &[(collector.port(), &queue)]))?;
    let mut relay = site.start()?;
    let traffic = Traffic::start(&site, messages, None)?;
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
    row.end(relay, sent, collector, bounds)
}

/// The relay is killed again and again while messages come that it has to acknowledge.
fn kills(row: &Row, program: &OsString, messages: u64) -> Result<End, BenchError> {
    let site = Site::new(program)?;
    let collector = collector(false)?;
    let queue = format!("{} queue.syncQueueFiles=\"on\"", on_disk("killed"));
    let queue = queue.replace("LinkedList", "Disk");
    let config = config(&site, &[(collector.port(), &queue)]).replace("imtcp", "imrelp");
    site.configure(&config)?;
    let traffic = Acked::start(&site, messages);
    for time in 1..=TIMES {
        let relay = site.start()?;
        let due = messages * time / (TIMES + 1);
        let until = monotonic() + PATIENCE / 10;
        while traffic.acknowledged() < due && !traffic.is_done() && monotonic() < until {
            pause(Duration::from_millis(1));
        }
        relay.kill()?;
    }
    let relay = site.start()?;
    let sent = traffic.finish(PATIENCE)?;
    let mut bounds = Bounds::default();
    bounds.require(sent == messages, || format!("{} were not acknowledged", messages - sent));
    row.end(relay, sent, collector, bounds)
}

fn stop_alive(row: &Row, program: &OsString, messages: u64) -> Result<End, BenchError> {
    let site = Site::new(program)?;
    let collector = collector(false)?;
    site.configure(&config(&site, &[(collector.port(), "")]))?;
    let relay = site.start()?;
    let sent = Traffic::start(&site, messages, None)?.finish(PATIENCE)?;
    let mut bounds = Bounds::exact();
    took(relay.stop(GRACE)?, &mut bounds);
    collector.wait(sent, Duration::from_secs(1));
    row.judge(sent, collector, bounds)
}

/// Notes how long a stop took.
fn took(time: Option<Duration>, bounds: &mut Bounds) {
    match time {
        Some(time) => bounds.note = format!("stopped in {:.1} s", time.as_secs_f64()),
        None => bounds.broken.push(format!("did not stop in {} s", GRACE.as_secs())),
    }
}

fn stop_on_disk(row: &Row, program: &OsString, messages: u64) -> Result<End, BenchError> {
    let site = Site::new(program)?;
    let collector = collector(true)?;
    let queue = [&on_disk("stopped"), " queue.saveOnShutdown=\"on\""].concat();
    site.configure(&config(&site, &[(collector.port(), &queue)]))?;
    let relay = site.start()?;
    let sent = Traffic::start(&site, messages, None)?.finish(PATIENCE)?;
    let mut bounds = Bounds::exact();
    took(relay.stop(GRACE)?, &mut bounds);
    collector.refuse(false);
    let relay = site.start()?;
    row.end(relay, sent, collector, bounds)
}

fn stop_in_memory(row: &Row, program: &OsString, messages: u64) -> Result<End, BenchError> {
    let site = Site::new(program)?;
    let collector = collector(true)?;
    site.configure(&config(&site, &[(collector.port(), "")]))?;
    let relay = site.start()?;
    let sent = Traffic::start(&site, messages.min(IN_MEMORY), None)?.finish(PATIENCE)?;
    let mut bounds = Bounds { lost: sent, ..Bounds::exact() };
    took(relay.stop(GRACE)?, &mut bounds);
    if !site.is_rsyslogd() {
        let reported = dropped(&site.said());
        bounds.require(reported == Some(sent), || format!("it reported {reported:?} as lost"));
        bounds.note.push_str(", all reported as lost");
    }
    row.judge(sent, collector, bounds)
}

/// What was dropped, by the first line of the account at the end.
fn dropped(said: &str) -> Option<u64> {
    let (_, account) = said.rsplit_once("stopped: in ")?;
    let reasons = account.lines().next()?.split(", ").filter(|part| part.starts_with("dropped"));
    reasons.map(|reason| reason.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

fn hups(row: &Row, program: &OsString, messages: u64) -> Result<End, BenchError> {
    let site = Site::new(program)?;
    let collector = collector(false)?;
    site.configure(&config(&site, &[(collector.port(), "")]))?;
    let relay = site.start()?;
    let traffic = Traffic::start(&site, messages, Some(RATE * 4))?;
    let before = descriptors(&relay);
    let mut times = 0;
    while !traffic.is_done() {
        relay.signal(Signal::HUP);
        times += 1;
        pause(Duration::from_millis(100));
    }
    let after = descriptors(&relay);
    let sent = traffic.finish(PATIENCE)?;
    let mut bounds = Bounds::exact();
    bounds.note = format!("{times} times, descriptors {before} to {after}");
    bounds.require(after <= before + 2, || "descriptors leak".to_owned());
    bounds.require(times > 0 || sent == 0, || "no signal was sent".to_owned());
    row.end(relay, sent, collector, bounds)
}

/// A configuration with RELP where `imtcp` or `omfwd` is.
fn over_relp(config: &str) -> String {
    let framed = " protocol=\"tcp\"\n  template=\"RSYSLOG_SyslogProtocol23Format\" \
                  TCP_Framing=\"octet-counted\"";
    let bare = "\n  template=\"RSYSLOG_SyslogProtocol23Format\"";
    let config = config.replace("omfwd", "omrelp").replace(framed, bare);
    ["module(load=\"omrelp\")\n", &config].concat()
}

/// The collector takes messages, and the relay does not learn of it.
fn unheard(row: &Row, program: &OsString, messages: u64) -> Result<End, BenchError> {
    let site = Site::new(program)?;
    let collector = Collector::start(free_address()?, Speech::Relp, false)?;
    site.configure(&over_relp(&config(&site, &[(collector.port(), "")])))?;
    let relay = site.start()?;
    let traffic = Traffic::start(&site, messages, Some(RATE))?;
    for time in 1..=TIMES {
        collector.wait(messages * time / (TIMES + 1), STUCK);
        collector.mute(true);
        pause(Duration::from_millis(100));
        collector.reset();
        pause(Duration::from_millis(50));
        collector.mute(false);
    }
    let sent = traffic.finish(PATIENCE)?;
    row.end(relay, sent, collector, Bounds::default())
}

/// What cannot be delivered is not acknowledged once the queue is full, and comes when the
/// collector does.
fn withheld(row: &Row, program: &OsString, messages: u64) -> Result<End, BenchError> {
    let site = Site::new(program)?;
    let collector = collector(true)?;
    let config = config(&site, &[(collector.port(), "")]).replace("imtcp", "imrelp");
    site.configure(&config)?;
    let relay = site.start()?;
    let traffic = Acked::start(&site, messages);
    pause(SLOW);
    let early = traffic.acknowledged();
    let mut bounds = Bounds::exact();
    bounds.note = format!("{early} acknowledged before");
    bounds.require(site.is_rsyslogd() || early == 0, || "acknowledged too early".to_owned());
    // Had the relay been killed now, the sender would have had all but these.
    bounds.duplicated = Some(WINDOW as u64);
    collector.refuse(false);
    let sent = traffic.finish(PATIENCE)?;
    row.end(relay, sent, collector, bounds)
}

fn descriptors(relay: &Relay) -> usize {
    fs::read_dir(format!("/proc/{}/fd", relay.pid())).map_or(0, Iterator::count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_told_apart() {
        let mut numbers: Vec<_> = ROWS.iter().map(|row| row.number).collect();
        numbers.dedup();
        assert_eq!(numbers.len(), ROWS.len());
    }

    #[test]
    fn the_account_is_read() {
        let said = "x\nbongsu: stopped: in 20: to actions 20; out 20: delivered 7, \
                    dropped: stop 11, dropped: retries failed 2\n  input imtcp: received 20";
        assert_eq!(dropped(said), Some(13));
        assert_eq!(dropped("killed"), None);
    }
}
