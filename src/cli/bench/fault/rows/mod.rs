//! The faults, a function each.

mod collectors;
mod disks;
mod logs;
mod memory;
mod messages;
mod relp;
mod signals;

use std::ffi::OsString;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use crate::cli::bench::error::BenchError;
use crate::cli::bench::fault::collector::Collector;
use crate::cli::bench::fault::collector::Speech;
use crate::cli::bench::fault::outcome::Bounds;
use crate::cli::bench::fault::outcome::End;
use crate::cli::bench::fault::outcome::Outcome;
use crate::cli::bench::fault::relay::Relay;
use crate::cli::bench::fault::relay::Site;
use crate::cli::bench::fault::relay::free_address;
use crate::cli::bench::ledger::Ledger;

/// A fault and how it is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub number: &'static str,
    pub fault: &'static str,
    pub run: RunRow,
}

/// One run of a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run<'a> {
    pub row: &'static Row,
    /// The relay.
    pub program: &'a OsString,
    /// About so many are sent.
    pub messages: u64,
    /// How often what breaks again and again does so.
    pub times: u64,
    /// How long messages are sent where they are sent at a rate; `None`: at [`RATE`].
    pub length: Option<Duration>,
}

type RunRow = fn(&Run<'_>) -> Result<End, BenchError>;

pub(super) const ROWS: &[Row] = &[
    row("1", "collector down at the start, queue in memory", collectors::late_memory),
    row("2", "collector down at the start, queue on disk", collectors::late_disk),
    row("3", "collector closes its connections again and again", collectors::closes),
    row("4", "collector resets its connections again and again", collectors::resets),
    row("5", "one of two collectors stalls", collectors::stalls),
    row("6", "collector reads slowly", collectors::slow),
    row("7", "one of two outputs dead, no queue asked for", collectors::isolated),
    row("8", "the disk of the queue is full", disks::full_disk),
    row("9", "the disk of the file is full", disks::full_file),
    row("10", "kill -9 again and again, RELP in, queue on disk", disks::kills),
    row("16", "SIGTERM, collector alive", signals::stop_alive),
    row("17", "SIGTERM, collector dead, queue on disk", signals::stop_on_disk),
    row("18", "SIGTERM, collector dead, queue in memory", signals::stop_in_memory),
    row("19", "SIGHUP every 100 ms", signals::hups),
    row("20", "a reload of a wrong configuration every 100 ms", signals::wrong_reloads),
    row("21", "a log that is read is renamed and made anew, again and again", logs::renamed),
    row("22", "a log that is read is copied and cut, again and again", logs::cut),
    row("23", "a log is rotated while the relay is down, again and again", logs::rotated_meanwhile),
    row("24", "a log is deleted and made anew, again and again", logs::deleted),
    row("25", "kill -9 again and again, reading a log", logs::killed),
    row("37", "RELP out: acknowledgements lost, reset, again and again", relp::unheard),
    row("38", "RELP in: the output is dead and its queue full", relp::withheld),
    row("39", "little memory, eight outputs dead, a fast sender", memory::little_memory),
    row("40", "a message that makes the relay panic", messages::poison),
];

const fn row(number: &'static str, fault: &'static str, run: RunRow) -> Row {
    Row { number, fault, run }
}

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
/// Between two signals.
const SIGNALS: Duration = Duration::from_millis(100);

/// `queue.*` of an action whose queue goes to disk.
fn on_disk(name: &str) -> String {
    format!(
        r#"queue.type="LinkedList" queue.filename="{name}" queue.size="2000" queue.maxFileSize="8m""#
    )
}

/// The start of a configuration: TCP in.
fn tcp_in(site: &Site) -> String {
    format!(
        "global(workDirectory=\"{}\" maxMessageSize=\"64k\")\n\
         module(load=\"imtcp\")\n\
         input(type=\"imtcp\" address=\"127.0.0.1\" port=\"{}\")\n",
        site.folder().display(),
        site.input.port(),
    )
}

/// A configuration: TCP in, an action to a file.
fn into_file(site: &Site, file: &Path, template: &str) -> String {
    format!(
        "{}action(type=\"omfile\" file=\"{}\" template=\"{template}\"\n  \
         action.resumeRetryCount=\"-1\" action.resumeInterval=\"1\" action.resumeIntervalMax=\"1\")\n",
        tcp_in(site),
        file.display(),
    )
}

/// A configuration: TCP in, an action to each collector.
fn config(site: &Site, outputs: &[(u16, &str)]) -> String {
    let mut text = tcp_in(site);
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

impl Run<'_> {
    /// Messages a second: `usual`, or what stretches them over the time that was asked for.
    fn rate(&self, usual: u64) -> u64 {
        self.length.map_or(usual, |length| (self.messages / length.as_secs().max(1)).max(1))
    }

    /// The longest that a sender may be held back.
    fn patience(&self) -> Duration {
        PATIENCE + self.length.unwrap_or_default()
    }

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
        Ok(self.judge_books(sent, &collector.stop()?, bounds))
    }

    fn judge_books(&self, sent: u64, ledger: &Ledger, bounds: Bounds) -> End {
        let row = (self.row.number, self.row.fault);
        End::Ran(Outcome::new(row, sent, ledger, bounds))
    }

    fn skipped(&self, why: &str) -> End {
        End::Skipped { row: self.row.number, fault: self.row.fault, why: why.to_owned() }
    }
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
}
