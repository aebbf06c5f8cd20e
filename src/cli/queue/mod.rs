//! `bongsu queue`: what is in the queues on disk, and what to do about it.

mod inspect;
mod messages;
mod repair;
mod replay;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clap::Subcommand;

use crate::cli::USAGE;
use crate::disk;
use crate::disk::Damage;
use crate::disk::DamageKind;
use crate::disk::System;
use crate::disk::View;

/// `bongsu queue`
#[derive(Clone, Debug, Args)]
pub struct QueueArgs {
    #[command(subcommand)]
    pub command: QueueCommand,
}

#[derive(Clone, Debug, Subcommand)]
pub enum QueueCommand {
    /// Show the segments of queues, and how far delivery is. Works while the relay runs.
    Inspect(Place),
    /// Read every record and check it. Exits with 1 if something is damaged. Works while the relay
    /// runs.
    Verify(Place),
    /// Write the messages that are not delivered to standard output. Works while the relay runs.
    Export(ExportArgs),
    /// Write what is whole of a damaged queue anew. The old files are kept in a folder beside it.
    Repair(Place),
    /// Send the messages that are not delivered to another place.
    Replay(ReplayArgs),
}

/// Which queue.
#[derive(Clone, Debug, Args)]
pub struct Place {
    /// The work directory: global(workDirectory=…).
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    /// The queue: queue.filename. Need not be given where there is only one.
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub struct ExportArgs {
    #[command(flatten)]
    pub place: Place,
    /// What is delivered and still there, too.
    #[arg(long)]
    pub all: bool,
    /// As they would be sent, framing and all, with nothing between them.
    #[arg(long, conflicts_with = "json")]
    pub raw: bool,
    /// One JSON object a message.
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Debug, Args)]
pub struct ReplayArgs {
    #[command(flatten)]
    pub place: Place,
    /// tcp://HOST:PORT, udp://HOST:PORT or a file, to which the messages are appended.
    #[arg(long, value_name = "TARGET")]
    pub to: String,
    /// They count as delivered then, and the relay does not send them again. It must not run.
    #[arg(long)]
    pub release: bool,
}

/// Exit status 0, 1 if something is damaged or failed, 64 if there is no such queue.
#[expect(clippy::print_stderr, reason = "what went wrong is for the operator")]
pub(super) fn run(args: &QueueArgs) -> ExitCode {
    let done = match &args.command {
        QueueCommand::Inspect(place) => inspect::inspect(place),
        QueueCommand::Verify(place) => inspect::verify(place),
        QueueCommand::Export(args) => messages::export(args),
        QueueCommand::Repair(place) => repair::repair(place),
        QueueCommand::Replay(args) => replay::replay(args),
    };
    match done {
        Ok(status) => status,
        // A reader that has gone, as `head` does, is no failure.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bongsu: {error}");
            let is_usage = error.kind() == io::ErrorKind::InvalidInput;
            if is_usage { ExitCode::from(USAGE) } else { ExitCode::FAILURE }
        }
    }
}

impl Place {
    /// The queues that are meant.
    fn names(&self) -> io::Result<Vec<String>> {
        let shown = self.directory.display();
        let names = disk::names(&System, &self.directory)
            .map_err(|error| io::Error::new(error.kind(), format!("{shown}: {error}")))?;
        match &self.name {
            Some(name) if names.contains(name) => Ok(vec![name.clone()]),
            Some(name) => Err(usage(format!("{shown} has no queue {name}{}", among(&names)))),
            None if names.is_empty() => Err(usage(format!("{shown} has no queue on disk"))),
            None => Ok(names),
        }
    }

    /// The one queue that is meant.
    fn name(&self) -> io::Result<String> {
        let names = self.names()?;
        match names.as_slice() {
            [name] => Ok(name.clone()),
            names => Err(usage(format!("say which queue{}", among(names)))),
        }
    }

    fn view(&self, name: &str) -> io::Result<View> {
        View::open(System, &self.directory, name)
    }
}

/// Which names there are.
fn among(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!(": there are {}", names.join(", ")) }
}

fn usage(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

/// The error of what must not be done while a relay runs.
fn is_open(error: io::Error, name: &str) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock {
        return io::Error::other(format!("{name} is open: stop the relay first"));
    }
    error
}

/// A damage in words.
fn described(damage: &Damage) -> String {
    let Damage { segment, at, bytes, from, to, messages, .. } = *damage;
    let what = match damage.kind {
        DamageKind::Record => format!("{bytes} bytes at {at} are no record"),
        DamageKind::TornTail => format!("{bytes} bytes at {at} were not written to their end"),
        DamageKind::Frame if at == 0 => "a copy of the header is damaged".to_owned(),
        DamageKind::Frame => "the footer is damaged or missing".to_owned(),
        DamageKind::MissingSegment => "a segment before this one is missing".to_owned(),
        DamageKind::Foreign => "the file belongs to another queue".to_owned(),
    };
    let lost = match damage.records() {
        0 => String::new(),
        1 => format!("; record {} is lost", from.number()),
        _ => format!("; records {} to {} are lost", from.number(), to.number() - 1),
    };
    let messages = messages.map_or_else(String::new, |n| format!(", with {n} messages"));
    format!("segment {segment}: {what}{lost}{messages}")
}
