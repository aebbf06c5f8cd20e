//! The command line of `bongsu bench`.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::net::ToSocketAddrs;
use std::path::PathBuf;
use std::time::Duration;

use clap::ArgAction;
use clap::Args;
use clap::Subcommand;
use clap::ValueEnum;

use crate::cli::bench::block::Wire;
use crate::cli::bench::corpus::Corpus;
use crate::cli::bench::corpus::Kind;
use crate::cli::bench::error::BenchError;
use crate::cli::bench::frames::Framing;
use crate::cli::bench::ids::CONNECTIONS_MAX;
use crate::cli::bench::ledger::Ids;
use crate::cli::bench::send::SendPlan;
use crate::cli::bench::sink::SinkPlan;
use crate::cli::bench::sink::Stall;

/// What is sent when neither a number nor a duration was given.
const MESSAGES_DEFAULT: u64 = 1_000_000;

#[derive(Clone, Debug, Subcommand)]
pub(super) enum Command {
    /// Send messages
    Send(SendArgs),
    /// Take messages, count them, check their ids
    Sink(SinkArgs),
    /// Measure a relay: start a sink and a sender around it
    Relay(Box<RelayArgs>),
    /// Break what is around a relay, and count what is lost and doubled
    Fault(FaultArgs),
}

/// How messages are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Mode {
    /// A datagram each
    Udp,
    /// TCP, a line feed behind each
    Tcp,
    /// TCP, octet counting
    Octet,
    /// RELP
    Relp,
}

/// What to send and how fast.
#[derive(Args, Clone, Debug)]
pub(super) struct TrafficArgs {
    /// Transport and framing
    #[arg(long, value_enum, default_value_t = Mode::Tcp)]
    pub mode: Mode,
    /// Messages a second over all connections, as 100000, 100k or 1.5m [default: flat out]
    #[arg(long, value_name = "N", value_parser = number)]
    pub rate: Option<u64>,
    /// Connections, or UDP sockets
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub connections: u32,
    /// Stop after this many messages [default: 1m, without --duration]
    #[arg(long, value_name = "N", value_parser = number)]
    pub messages: Option<u64>,
    /// Stop after this many seconds
    #[arg(long, value_name = "S", value_parser = seconds)]
    pub duration: Option<Duration>,
    /// Send the lines of a file, over and over
    #[arg(long, value_name = "FILE", conflicts_with_all = ["kind", "lines", "seed"])]
    pub corpus: Option<PathBuf>,
    /// Send generated messages
    #[arg(long, value_enum, default_value_t = Kind::Mixed)]
    pub kind: Kind,
    /// How many to generate, before they repeat
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    pub lines: usize,
    /// What the generated messages depend on
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub seed: u64,
    /// Send from this many addresses, 127.0.0.1 and up; makes as many connections at least
    #[arg(long, value_name = "N")]
    pub sources: Option<u32>,
    /// Sending threads
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub threads: u32,
}

/// How the sink behaves.
#[derive(Args, Clone, Debug)]
pub(super) struct TakeArgs {
    /// How the sink tells frames apart on TCP
    #[arg(long, value_enum, default_value_t = Framing::Auto)]
    pub framing: Framing,
    /// Write what comes to a file, one frame a line; of the last run
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Stop reading after this many frames
    #[arg(long, value_name = "N", value_parser = number, requires = "stall_for")]
    pub stall_after: Option<u64>,
    /// … and go on after this many seconds
    #[arg(long, value_name = "S", value_parser = seconds, requires = "stall_after")]
    pub stall_for: Option<Duration>,
    /// Count frames only, send and check no ids
    #[arg(long)]
    pub no_ids: bool,
    /// Be done when nothing came for this many seconds
    #[arg(long, value_name = "S", value_parser = seconds, default_value = "3")]
    pub idle: Duration,
    /// Succeed although messages were lost
    #[arg(long)]
    pub allow_loss: bool,
}

#[derive(Args, Clone, Debug)]
pub(super) struct SendArgs {
    /// Where to send
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:5514", value_parser = endpoint)]
    pub to: SocketAddr,
    #[command(flatten)]
    pub traffic: TrafficArgs,
    /// Put a sequence id into each message, for the sink to check
    #[arg(long)]
    pub ids: bool,
    /// Report as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Clone, Debug)]
pub(super) struct SinkArgs {
    /// Where to listen, TCP and UDP
    #[arg(long, value_name = "[HOST:]PORT", default_value = "127.0.0.1:20515", value_parser = endpoint)]
    pub listen: SocketAddr,
    #[command(flatten)]
    pub take: TakeArgs,
    /// Be done after this many messages, and miss those that did not come
    #[arg(long, value_name = "N", value_parser = number)]
    pub expect: Option<u64>,
    /// Report as JSON
    #[arg(long)]
    pub json: bool,
}

/// `bongsu bench relay`.
#[derive(Args, Clone, Debug)]
pub(super) struct RelayArgs {
    /// Where the relay takes messages
    #[arg(long = "in", value_name = "HOST:PORT", default_value = "127.0.0.1:20514", value_parser = endpoint)]
    pub input: SocketAddr,
    /// Where the relay sends messages to; the sink listens there, TCP and UDP
    #[arg(long, value_name = "[HOST:]PORT", default_value = "127.0.0.1:20515", value_parser = endpoint)]
    pub out: SocketAddr,
    #[command(flatten)]
    pub traffic: TrafficArgs,
    #[command(flatten)]
    pub take: TakeArgs,
    /// Runs; the report has each of them and the median
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,
    /// Leave the first seconds of a run out of its figures; adds to --duration
    #[arg(long, value_name = "S", value_parser = seconds, default_value = "0")]
    pub warmup: Duration,
    /// Wait this long for the command, rather than until its TCP port answers [UDP: 1]
    #[arg(long, value_name = "S", value_parser = seconds)]
    pub ready_after: Option<Duration>,
    /// Give a run up when nothing moves for this many seconds
    #[arg(long, value_name = "S", value_parser = seconds, default_value = "30")]
    pub patience: Duration,
    /// Process of a relay that runs already, for its CPU and memory
    #[arg(long, value_name = "PID", conflicts_with = "command")]
    pub pid: Option<u32>,
    /// Let the command's output through
    #[arg(long)]
    pub show_output: bool,
    /// Report as JSON
    #[arg(long)]
    pub json: bool,
    /// Starts the relay in the foreground, as in -- rsyslogd -n -f x.conf
    #[arg(last = true, value_name = "COMMAND", action = ArgAction::Append)]
    pub command: Vec<OsString>,
}

/// `bongsu bench fault`.
#[derive(Args, Clone, Debug)]
pub(super) struct FaultArgs {
    /// Rows to run, by number [default: all]
    #[arg(value_name = "ROW")]
    pub rows: Vec<String>,
    /// The relay: takes -n -f FILE -i FILE and rsyslog's configuration, as rsyslogd does [default:
    /// this program]
    #[arg(long, value_name = "PROGRAM")]
    pub relay: Option<OsString>,
    /// About so many messages in each row
    #[arg(long, value_name = "N", value_parser = number, default_value = "200k")]
    pub messages: u64,
    /// How often what breaks again and again does so
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub times: u64,
    /// Send for so long where messages are sent at a rate, more slowly [default: as the rate is]
    #[arg(long, value_name = "S", value_parser = seconds)]
    pub seconds: Option<Duration>,
    /// Show the rows
    #[arg(long)]
    pub list: bool,
    /// Report as JSON
    #[arg(long)]
    pub json: bool,
}

impl TrafficArgs {
    pub(super) fn load(&self) -> Result<Corpus, BenchError> {
        match &self.corpus {
            Some(path) => Corpus::load(path),
            None => Ok(Corpus::generate(self.kind, self.lines, self.seed)),
        }
    }

    /// # Errors
    /// When there are too many connections, or addresses to send from that do not lead there.
    pub(super) fn plan(&self, to: SocketAddr, ids: bool) -> Result<SendPlan, BenchError> {
        let connections = self.connections.max(self.sources.unwrap_or(0)).max(1);
        if ids && connections > CONNECTIONS_MAX {
            let text = format!("--connections: ids tell {CONNECTIONS_MAX} apart");
            return Err(BenchError::Usage(text));
        }
        if self.sources.is_some() && !(to.is_ipv4() && to.ip().is_loopback()) {
            let text = "--sources: only to an address in 127.0.0.0/8".to_owned();
            return Err(BenchError::Usage(text));
        }
        if self.rate == Some(0) {
            return Err(BenchError::Usage("--rate: at least 1".to_owned()));
        }
        let unbounded = self.messages.is_none() && self.duration.is_none();
        Ok(SendPlan {
            to,
            wire: match self.mode {
                Mode::Udp => Wire::Datagram,
                Mode::Tcp => Wire::Lf,
                Mode::Octet => Wire::OctetCount,
                Mode::Relp => Wire::Relp,
            },
            connections,
            sources: self.sources,
            threads: self.threads,
            rate: self.rate,
            messages: if unbounded { Some(MESSAGES_DEFAULT) } else { self.messages },
            duration: self.duration,
            ids,
        })
    }
}

impl TakeArgs {
    pub(super) fn plan(&self, listen: SocketAddr, ids: Ids) -> SinkPlan {
        let stall = self.stall_after.zip(self.stall_for);
        SinkPlan {
            listen,
            framing: self.framing,
            ids,
            stall: stall.map(|(after, time)| Stall { after, time }),
            output: self.output.clone(),
        }
    }
}

/// Seconds, with a fraction if need be.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

/// A whole number, with `k` or `m` (thousand, million) behind a decimal one if need be.
fn number(text: &str) -> Result<u64, String> {
    let wrong = || "not a number such as 1000, 100k or 1.5m".to_owned();
    let (digits, scale) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1_000),
        None => match text.strip_suffix(['m', 'M']) {
            Some(digits) => (digits, 1_000_000_u64),
            None => (text, 1),
        },
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let places = u32::try_from(fraction.len()).map_err(|_| wrong())?;
    let unit = 10_u64.checked_pow(places).filter(|unit| scale % unit == 0).ok_or_else(wrong)?;
    let number: u64 = [whole, fraction].concat().parse().map_err(|_| wrong())?;
    number.checked_mul(scale / unit).ok_or_else(wrong)
}

/// `HOST:PORT`, or a port on this host.
fn endpoint(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok(SocketAddr::from(([127, 0, 0, 1], port)));
    }
    let mut found = text.to_socket_addrs().map_err(|error| error.to_string())?;
    found.next().ok_or_else(|| "has no address".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_may_be_short() {
        let good = [("7", 7), ("100k", 100_000), ("1.5m", 1_500_000), ("0.25K", 250)];
        for (text, value) in good {
            assert_eq!(number(text), Ok(value));
        }
        for text in ["", "k", "1.5", "-1", "1.2345k", "99999999999999999999", "1e3", "1.k5"] {
            assert!(number(text).is_err(), "{text}");
        }
    }

    #[test]
    fn seconds_and_endpoints() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        assert!(seconds("-1").is_err());
        assert!(seconds("nan").is_err());
        assert_eq!(endpoint("514").unwrap().to_string(), "127.0.0.1:514");
        assert_eq!(endpoint("[::1]:514").unwrap().to_string(), "[::1]:514");
        assert!(endpoint("70000").is_err());
    }
}
