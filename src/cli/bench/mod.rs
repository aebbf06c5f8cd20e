//! `bongsu bench`: a load generator, a verifying sink, and a runner that measures any syslog relay
//! between the two.
//!
//! Messages may carry ids (`ids.rs`) that survive a relay's re-rendering; from them the sink knows
//! what was lost, doubled, overtaken or damaged, and how long each message took. Latencies count
//! from when the schedule had a message due, not from when a blocked sender got to it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "reports go to the terminal")]
#![expect(clippy::disallowed_macros, reason = "cli/ prints")]

mod args;
mod block;
mod corpus;
#[cfg(test)]
mod end_to_end;
mod error;
mod fault;
mod frames;
mod ids;
mod interrupt;
mod ledger;
mod pace;
mod procstat;
mod progress;
mod relay;
mod relp;
mod report;
mod send;
mod sink;
mod target;
mod time;

use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;

use crate::base::clock::monotonic;
use crate::cli::bench::args::Command;
use crate::cli::bench::args::RelayArgs;
use crate::cli::bench::args::SendArgs;
use crate::cli::bench::args::SinkArgs;
use crate::cli::bench::error::BenchError;
use crate::cli::bench::interrupt::Interrupt;
use crate::cli::bench::ledger::Ids;
use crate::cli::bench::ledger::Ledger;
use crate::cli::bench::progress::Progress;
use crate::cli::bench::report::Counts;
use crate::cli::bench::report::Figures;
use crate::cli::bench::report::Latency;
use crate::cli::bench::report::Run;
use crate::cli::bench::report::grouped;
use crate::cli::bench::send::Sender;
use crate::cli::bench::sink::Glance;
use crate::cli::bench::sink::Sink;
use crate::cli::bench::time::Stamps;
use crate::cli::bench::time::pause;

/// Exit status when messages were lost.
const LOST: u8 = 1;
/// Exit status when there is no result.
const FAILED: u8 = 2;
/// Between two looks at what goes on.
const LOOK: Duration = Duration::from_millis(20);

/// Measure syslog relays
#[derive(Clone, Debug, clap::Args)]
pub struct BenchArgs {
    #[command(subcommand)]
    command: Command,
}

/// Runs `bongsu bench`: 0 after success, 1 when messages were lost, 2 when nothing was measured.
#[must_use]
pub fn run(args: BenchArgs) -> ExitCode {
    let done = match args.command {
        Command::Send(args) => send(&args),
        Command::Sink(args) => sink(&args),
        Command::Relay(args) => relay(&args),
        Command::Fault(args) => fault::run(&args),
    };
    done.unwrap_or_else(|error| {
        eprintln!("bongsu bench: {error}");
        ExitCode::from(FAILED)
    })
}

fn send(args: &SendArgs) -> Result<ExitCode, BenchError> {
    let corpus = args.traffic.load()?;
    let plan = args.traffic.plan(args.to, args.ids)?;
    let interrupt = Interrupt::watch()?;
    let sender = Sender::start(&plan, &corpus, Stamps::new())?;
    let started = monotonic();
    let mut progress = Progress::new();
    while !sender.is_done() {
        pause(LOOK);
        if interrupt.raised() {
            sender.stop();
        }
        progress.show(|| {
            let (messages, _) = sender.progress();
            format!("{:.1} s  sent {}", started.elapsed().as_secs_f64(), grouped(messages))
        });
    }
    drop(progress);
    let sent = sender.join()?;
    let figures = Figures::throughput(sent.messages, sent.bytes, sent.elapsed);
    if args.json {
        return print_json(&SendReport { sent: sent.messages, figures })
            .map(|()| ExitCode::SUCCESS);
    }
    print!("{}", figures.summary("sent", sent.messages));
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
struct SendReport {
    sent: u64,
    #[serde(flatten)]
    figures: Figures,
}

fn sink(args: &SinkArgs) -> Result<ExitCode, BenchError> {
    let interrupt = Interrupt::watch()?;
    let ids = if args.take.no_ids { Ids::Ignored } else { Ids::Noticed };
    let sink = Sink::start(&args.take.plan(args.listen, ids), Stamps::new())?;
    let mut progress = Progress::new();
    let last = loop {
        pause(LOOK);
        let glance = sink.look();
        let enough = args.expect.is_some_and(|expected| glance.received >= expected);
        if enough || interrupt.raised() || glance.idle().is_some_and(|idle| idle >= args.take.idle)
        {
            break glance;
        }
        progress.show(|| {
            format!("listening on {}  received {}", sink.address(), grouped(glance.received))
        });
    };
    drop(progress);
    let run = judge(&sink.stop()?, last, args.expect);
    if args.json {
        print_json(&run)?;
    } else {
        print!("{}{}", run.figures.summary("received", run.counts.received), run.counts.verdict());
    }
    Ok(verdict(&run.counts, args.take.allow_loss))
}

/// What a sink can tell by itself: with no number to expect, loss shows as gaps between ids.
fn judge(ledger: &Ledger, last: Glance, expected: Option<u64>) -> Run {
    let received = ledger.received();
    let sent = expected.unwrap_or_else(|| received + ledger.gaps());
    let time = last.first.zip(last.last).map(|(first, last)| last.saturating_duration_since(first));
    let mut figures = Figures::throughput(received, ledger.bytes, time.unwrap_or_default());
    figures.latency_ms = Latency::of(&ledger.latency);
    Run { counts: Counts::new(sent, received, ledger), figures }
}

fn relay(args: &RelayArgs) -> Result<ExitCode, BenchError> {
    let report = relay::run(args)?;
    if args.json {
        print_json(&report)?;
    } else {
        print!("{}", report.table());
    }
    Ok(verdict(&report.total, args.take.allow_loss))
}

fn verdict(counts: &Counts, allow_loss: bool) -> ExitCode {
    if counts.lost > 0 && !allow_loss { ExitCode::from(LOST) } else { ExitCode::SUCCESS }
}

fn print_json(report: &impl Serialize) -> Result<(), BenchError> {
    let text = serde_json::to_string_pretty(report)
        .map_err(|error| BenchError::Usage(error.to_string()))?;
    println!("{text}");
    Ok(())
}
