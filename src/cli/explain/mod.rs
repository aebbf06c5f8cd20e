//! `bongsu explain`: what becomes of a message, and why.

mod text;

use std::ffi::OsString;
use std::io;
use std::io::BufRead as _;
use std::io::IsTerminal as _;
use std::net::IpAddr;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::base::clock::Wall;
use crate::cli::USAGE;
use crate::cli::check;
use crate::cli::complaints;
use crate::cli::complaints::Format;
use crate::cli::explain::text::Style;
use crate::cli::terminal;
use crate::config::Config;
use crate::engine;
use crate::engine::Explanation;
use crate::engine::Options;
use crate::engine::Plan;
use crate::engine::Question;
use crate::message::Arrival;
use crate::message::Offset;
use crate::message::Timestamp;
use crate::parse::timestamp;

pub(super) use text::shown;

#[derive(Clone, Debug, Args)]
pub struct ExplainArgs {
    /// Configuration file; without it the embedded default.
    #[arg(short = 'f', value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The sender's address; 127.0.0.1 without it.
    #[arg(long, value_name = "IP")]
    pub from: Option<IpAddr>,
    /// The sender's name, $fromhost; its address without it.
    #[arg(long, value_name = "NAME")]
    pub fromhost: Option<String>,
    /// The input: a module (imudp) or an input's name; the first one without it.
    #[arg(long, value_name = "INPUT")]
    pub input: Option<String>,
    /// The port of the input, where there are several of a kind.
    #[arg(long, value_name = "PORT")]
    pub port: Option<String>,
    /// The time of arrival (2026-11-22T10:00:00+09:00), in the relay's time zone; now without it.
    #[arg(long, value_name = "TIME", value_parser = arrival)]
    pub now: Option<Arrival>,
    /// One JSON object a message.
    #[arg(long)]
    pub json: bool,
    /// The message; without it messages are read from standard input, one a line.
    #[arg(value_name = "MESSAGE")]
    pub message: Option<OsString>,
}

/// Explains: exit status 0, 1 if the configuration has errors, 64 if there is no such input.
pub(super) fn run(args: &ExplainArgs) -> ExitCode {
    let Ok(subject) = Subject::load(args.config.as_deref(), None) else {
        return ExitCode::FAILURE;
    };
    let question = Question {
        from: args.from,
        fromhost: args.fromhost.clone(),
        input: args.input.clone(),
        port: args.port.clone(),
        arrival: args.now,
        message: Vec::new(),
    };
    let answered = match &args.message {
        Some(message) => {
            let message = message.clone().into_vec();
            answer(args, &subject, &Question { message, ..question })
        }
        None => answer_all(args, &subject, &question),
    };
    match answered {
        Ok(()) => ExitCode::SUCCESS,
        Err(status) => status,
    }
}

/// Messages on standard input, one a line, each answered before the next is read. Empty lines are
/// none, as on a TCP connection.
#[expect(clippy::print_stderr, reason = "what went wrong is for the operator")]
fn answer_all(args: &ExplainArgs, subject: &Subject, question: &Question) -> Result<(), ExitCode> {
    let mut stdin = io::stdin().lock();
    if stdin.is_terminal() {
        eprintln!("bongsu: messages are read from the terminal, one a line; Ctrl-D ends");
    }
    loop {
        let mut message = Vec::new();
        if let Err(error) = stdin.read_until(b'\n', &mut message) {
            eprintln!("bongsu: error: cannot read standard input: {error}");
            return Err(ExitCode::FAILURE);
        }
        if message.is_empty() {
            return Ok(());
        }
        if message.last() == Some(&b'\n') {
            message.pop();
        }
        if !message.is_empty() {
            answer(args, subject, &Question { message, ..question.clone() })?;
        }
    }
}

#[expect(clippy::print_stderr, reason = "what went wrong is for the operator")]
fn answer(args: &ExplainArgs, subject: &Subject, question: &Question) -> Result<(), ExitCode> {
    let explanation = subject.explain(question).map_err(|why| {
        eprintln!("bongsu: error: {why}");
        ExitCode::from(USAGE)
    })?;
    let mut out = String::new();
    if args.json {
        out = serde_json::to_string(&explanation).map_err(|error| {
            eprintln!("bongsu: error: {error}");
            ExitCode::FAILURE
        })?;
        out.push('\n');
    } else {
        let style = Style::of_environment(terminal::has_colors(&io::stdout()));
        text::write(&explanation, question, &style, &mut out);
    }
    terminal::write(&out);
    Ok(())
}

/// A time as RFC 3339 has it; its zone stands for the relay's.
pub(super) fn arrival(text: &str) -> Result<Arrival, String> {
    let stamp = timestamp::rfc3339(text.as_bytes()).filter(|stamp| stamp.len == text.len());
    let Some(stamp) = stamp else {
        return Err("no time as 2026-11-22T10:00:00+09:00".to_owned());
    };
    let micros = (u64::from(stamp.time.fraction) * 1_000_000)
        .checked_div(10_u64.pow(u32::from(stamp.time.precision)));
    let micros = micros.and_then(|micros| u32::try_from(micros).ok()).unwrap_or(0);
    let wall = Wall { secs: stamp.time.unix(), micros };
    // As the relay stamps what it receives: six digits, and an offset in digits.
    let offset = match stamp.time.offset {
        Offset::Z => Offset::east(0),
        given @ Offset::Minutes { .. } => given,
    };
    let local = Timestamp { precision: 6, fraction: micros, offset, ..stamp.time };
    Ok(Arrival { wall, local })
}

/// A configuration without errors, to be asked.
pub(super) struct Subject {
    config: Config,
    pub(super) plan: Plan,
}

impl Subject {
    /// Reads and compiles `path`, or the embedded default, and shows all complaints. `Err` if one
    /// of them is an error. `hostname` stands for this machine's name.
    #[expect(clippy::print_stderr, reason = "why there is no answer")]
    pub(super) fn load(path: Option<&Path>, hostname: Option<&str>) -> Result<Self, ExitCode> {
        let mut config = check::read_or_embedded(path, "bongsu", Format::Text)?;
        let hostname = hostname.map_or_else(check::hostname, str::to_owned);
        let options = Options { hostname, no_dns: true, ipv4: false, ipv6: false };
        let plan = engine::compile(&mut config, &options);
        let counts = complaints::print(&config, Format::Text);
        if counts.errors > 0 {
            eprintln!("bongsu: nothing is explained because of the errors");
            return Err(ExitCode::FAILURE);
        }
        Ok(Self { config, plan })
    }

    /// What becomes of a message, or why that cannot be told.
    pub(super) fn explain(&self, question: &Question) -> Result<Explanation, String> {
        self.plan.explain(&self.config.sources, question).ok_or_else(|| {
            let known = self.plan.inputs().map(|(module, name, ports)| {
                let name = if name == module { String::new() } else { format!(" '{name}'") };
                format!("{module}{name} (port {})", ports.join(", "))
            });
            let known: Vec<String> = known.collect();
            let port = question.port.as_ref().map(|port| format!(" on port {port}"));
            format!(
                "the configuration has no input {}{}; it has {}",
                question.input.as_deref().unwrap_or_default(),
                port.unwrap_or_default(),
                known.join(", ")
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zone_of_a_time_is_the_relays() {
        let at = arrival("2026-11-22T19:00:00.5+09:00").unwrap();
        assert_eq!(at.wall, Wall { secs: 1_795_341_600, micros: 500_000 });
        assert_eq!((at.local.hour, at.local.offset), (19, Offset::east(540)));
        assert_eq!((at.local.precision, at.local.fraction), (6, 500_000));
        let at = arrival("2026-11-22T10:00:00Z").unwrap();
        assert_eq!((at.wall.secs, at.local.offset), (1_795_341_600, Offset::east(0)));
        for text in ["", "noon", "2026-11-22", "2026-11-22T10:00:00Z later"] {
            assert!(arrival(text).is_err(), "{text}");
        }
    }
}
