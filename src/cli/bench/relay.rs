//! Runs a relay between a sender and a sink, and measures it.

use std::time::Duration;
use std::time::Instant;

use clap::ValueEnum;

use crate::base::clock::monotonic;
use crate::cli::bench::args::Mode;
use crate::cli::bench::args::RelayArgs;
use crate::cli::bench::corpus::Corpus;
use crate::cli::bench::error::BenchError;
use crate::cli::bench::interrupt::Interrupt;
use crate::cli::bench::ledger::Ids;
use crate::cli::bench::procstat::Usage;
use crate::cli::bench::progress::Progress;
use crate::cli::bench::report::Counts;
use crate::cli::bench::report::Figures;
use crate::cli::bench::report::Latency;
use crate::cli::bench::report::RelayReport;
use crate::cli::bench::report::Run;
use crate::cli::bench::report::grouped;
use crate::cli::bench::report::real;
use crate::cli::bench::send::SendPlan;
use crate::cli::bench::send::Sender;
use crate::cli::bench::sink::Glance;
use crate::cli::bench::sink::Sink;
use crate::cli::bench::target::Ready;
use crate::cli::bench::target::Target;
use crate::cli::bench::time::Stamps;
use crate::cli::bench::time::pause;

/// Between two looks at a run.
const LOOK: Duration = Duration::from_millis(20);
/// How long a command gets that takes UDP, which cannot be asked whether it listens.
const READY_UDP: Duration = Duration::from_secs(1);

/// Makes every run that `args` ask for.
///
/// # Errors
/// When the relay does not start or ends early, or a socket fails.
pub(super) fn run(args: &RelayArgs) -> Result<RelayReport, BenchError> {
    let corpus = args.traffic.load()?;
    let mut plan = args.traffic.plan(args.input, !args.take.no_ids)?;
    plan.duration = plan.duration.map(|duration| duration + args.warmup);
    let interrupt = Interrupt::watch()?;
    let mut runs = Vec::new();
    for number in 1..=args.runs {
        runs.push(one(args, &plan, &corpus, number, &interrupt)?);
    }
    let mode = args.traffic.mode.to_possible_value();
    let mode = mode.map(|value| value.get_name().to_owned()).unwrap_or_default();
    Ok(RelayReport::new(mode, plan.connections, plan.rate, runs))
}

fn one(
    args: &RelayArgs,
    plan: &SendPlan,
    corpus: &Corpus,
    number: u32,
    interrupt: &Interrupt,
) -> Result<Run, BenchError> {
    let stamps = Stamps::new();
    let ids = if plan.ids { Ids::Required } else { Ids::Ignored };
    let sink = Sink::start(&args.take.plan(args.out, ids), stamps)?;
    let mut target = start(args)?;
    let sender = Sender::start(plan, corpus, stamps)?;
    let mut watch = Watch::new(args, number, interrupt, target.usage());
    let end = watch.follow(&sender, &sink, &mut target);
    let usage = target.usage();
    // A sender that the relay keeps blocked would never end.
    sender.stop();
    end?;
    let sent = sender.join()?;
    drop(target);
    let last = sink.look();
    let ledger = sink.stop()?;
    let counts = Counts::new(sent.messages, ledger.received(), &ledger);
    let figures = watch.figures(last, usage, Latency::of(&ledger.latency))?;
    Ok(Run { counts, figures })
}

fn start(args: &RelayArgs) -> Result<Target, BenchError> {
    if args.command.is_empty() {
        return Ok(Target::running(args.pid));
    }
    let ready = match (args.ready_after, args.traffic.mode) {
        (Some(time), _) => Ready::After(time),
        (None, Mode::Udp) => Ready::After(READY_UDP),
        (None, Mode::Tcp | Mode::Octet | Mode::Relp) => Ready::Answers(args.input),
    };
    Target::start(&args.command, ready, args.show_output)
}

/// Where the figures of a run begin.
#[derive(Clone, Copy, Debug)]
struct Mark {
    /// `None` is the first arrival.
    at: Option<Instant>,
    received: u64,
    bytes: u64,
    usage: Option<Usage>,
}

/// Follows one run from its first message to its last.
#[derive(Debug)]
struct Watch<'a> {
    args: &'a RelayArgs,
    number: u32,
    interrupt: &'a Interrupt,
    started: Instant,
    /// `None` while the relay warms up.
    mark: Option<Mark>,
    /// When all was sent.
    sent: Option<Instant>,
    /// How far both ends were when one last went on, and when that was.
    moved: (u64, Instant),
    progress: Progress,
}

impl<'a> Watch<'a> {
    fn new(
        args: &'a RelayArgs,
        number: u32,
        interrupt: &'a Interrupt,
        usage: Option<Usage>,
    ) -> Self {
        let started = monotonic();
        let cold = Mark { at: None, received: 0, bytes: 0, usage };
        Self {
            args,
            number,
            interrupt,
            started,
            mark: args.warmup.is_zero().then_some(cold),
            sent: None,
            moved: (0, started),
            progress: Progress::new(),
        }
    }

    /// Returns once everything that was sent has come, or nothing comes any more.
    fn follow(
        &mut self,
        sender: &Sender,
        sink: &Sink,
        target: &mut Target,
    ) -> Result<(), BenchError> {
        loop {
            pause(LOOK);
            target.check()?;
            if self.interrupt.raised() {
                return Err(BenchError::Relay("interrupted".to_owned()));
            }
            let done = sender.is_done();
            let (sent, _) = sender.progress();
            let glance = sink.look();
            let now = monotonic();
            if self.mark.is_none() && now >= self.started + self.args.warmup {
                let (received, bytes) = (glance.received, glance.bytes);
                self.mark = Some(Mark { at: Some(now), received, bytes, usage: target.usage() });
                sink.measure();
            }
            if done && (glance.received >= sent || self.is_quiet(&glance, now)) {
                return Ok(());
            }
            if self.is_stuck(sent + glance.received, &glance, now) {
                return Ok(());
            }
            let (number, runs, time) = (self.number, self.args.runs, now - self.started);
            self.progress.show(|| progress_line(number, runs, time, sent, glance.received));
        }
    }

    /// Whether nothing came for the idle time after all was sent.
    fn is_quiet(&mut self, glance: &Glance, now: Instant) -> bool {
        let since = *self.sent.get_or_insert(now);
        let quiet = now.saturating_duration_since(since);
        glance.idle().map_or(quiet, |idle| idle.min(quiet)) >= self.args.take.idle
    }

    fn is_stuck(&mut self, moved: u64, glance: &Glance, now: Instant) -> bool {
        let stalled = glance.stalled_until.is_some_and(|until| until > now);
        if stalled || moved != self.moved.0 {
            self.moved = (moved, now);
        }
        now >= self.moved.1 + self.args.patience
    }

    fn figures(
        &self,
        last: Glance,
        usage: Option<Usage>,
        latency_ms: Option<Latency>,
    ) -> Result<Figures, BenchError> {
        let early = || BenchError::Usage("the run ended within its warm-up".to_owned());
        let mark = self.mark.ok_or_else(early)?;
        let from = mark.at.or(last.first);
        let time = from.zip(last.last).map(|(from, to)| to.saturating_duration_since(from));
        let received = last.received.saturating_sub(mark.received);
        let bytes = last.bytes.saturating_sub(mark.bytes);
        let cpu = usage.zip(mark.usage).map(|(end, start)| end.cpu.saturating_sub(start.cpu));
        let cpu_seconds = cpu.map(|cpu| cpu.as_secs_f64());
        Ok(Figures {
            cpu_seconds,
            cpu_us_per_message: cpu_seconds
                .filter(|_| received > 0)
                .map(|seconds| seconds * 1e6 / real(received)),
            peak_rss_mib: usage.map(|usage| real(usage.peak_rss) / real(1 << 20)),
            latency_ms,
            ..Figures::throughput(received, bytes, time.unwrap_or_default())
        })
    }
}

fn progress_line(number: u32, runs: u32, time: Duration, sent: u64, received: u64) -> String {
    let seconds = time.as_secs_f64();
    format!(
        "run {number}/{runs}  {seconds:.1} s  sent {}  received {}  {:.0} msg/s  under way {}",
        grouped(sent),
        grouped(received),
        real(received) / seconds.max(1e-3),
        grouped(sent.saturating_sub(received)),
    )
}
