//! `imfifo`: lines that programs write to a named pipe. (rsyslog `imfifo`, since 8.2606.)
//!
//! The pipe is held open for writing as well: writers come and go, and it has no end. What the
//! outputs have no room for stays in the pipe, and then its writers wait.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use tokio::net::unix::pipe::Receiver;

use crate::base::diag::Diagnostics;
use crate::base::drain::Signals;
use crate::config::module::Availability;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::config::param::Kind::Facility;
use crate::config::param::Kind::Ruleset;
use crate::config::param::Kind::Severity;
use crate::config::param::Kind::Str;
use crate::config::param::Params;
use crate::config::param::Spec;
use crate::input::lines::LineRules;
use crate::input::lines::Lines;
use crate::input::local::Feed;
use crate::input::local::Local;
use crate::input::local::LocalInput;
use crate::input::local::LocalModule;
use crate::input::local::Reader;
use crate::input::local::Reading;
use crate::input::local::Surroundings;
use crate::message::Ack;

pub const NAME: &str = "imfifo";

/// What it takes.
pub static MODULE: Module = Module {
    name: NAME,
    role: Role::Input,
    doc: "Reads lines from named pipes.",
    availability: Availability::Ready,
    module: &[],
    instance: &[PARAMS],
};

pub static LOCAL: LocalModule =
    LocalModule { module: &MODULE, loaded: |_, _, _| Vec::new(), instance };

static PARAMS: &[Spec] = &[
    Spec::new("file", Str, "", "The named pipe; it must exist.").required().since("8.2606"),
    Spec::new("tag", Str, "", "The tag of its messages.").required().since("8.2606"),
    Spec::new("severity", Severity, "notice", "Their severity.").since("8.2606"),
    Spec::new("facility", Facility, "local0", "Their facility.").since("8.2606"),
    Spec::new("ruleset", Ruleset, "RSYSLOG_DefaultRuleset", "Ruleset that gets the messages.")
        .since("8.2606"),
];

/// One read: as much as a pipe usually holds.
const READ_BYTES: usize = 64 << 10;
/// Reads at the stop, at most: a writer may go on all the time.
const READS_AT_STOP: usize = 64;

/// An `input(type="imfifo")`.
#[derive(Clone, Debug)]
struct FifoSpec {
    path: PathBuf,
    rules: LineRules,
}

fn instance(
    _: &Params,
    params: &Params,
    around: &Surroundings,
    diags: &mut Diagnostics,
) -> Option<Arc<dyn Local>> {
    let path = params.str("file")?.into();
    Some(Arc::new(FifoSpec { path, rules: LineRules::compile(params, around, diags)? }))
}

impl Local for FifoSpec {
    fn module(&self) -> &'static str {
        NAME
    }

    fn label(&self) -> String {
        format!("{NAME}({})", self.path.display())
    }

    fn open(&self, _: &Arc<LocalInput>) -> io::Result<Box<dyn Reader>> {
        let (path, shown) = (&self.path, self.path.display());
        let is_fifo = |meta: fs::Metadata| meta.file_type().is_fifo();
        let no_fifo = || {
            let text = format!("'{shown}' is no named pipe: name one, or make it with mkfifo");
            io::Error::new(io::ErrorKind::InvalidInput, text)
        };
        let found = fs::metadata(path).map_err(|error| {
            let help = if error.kind() == io::ErrorKind::NotFound {
                format!(": make it with mkfifo -m 620 '{shown}'")
            } else {
                String::new()
            };
            io::Error::new(error.kind(), format!("cannot open '{shown}': {error}{help}"))
        })?;
        // Looked at first: to open a device may do something.
        if !is_fifo(found) {
            return Err(no_fifo());
        }
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).custom_flags(libc::O_NONBLOCK);
        let file = options.open(path).map_err(|error| {
            io::Error::new(error.kind(), format!("cannot open '{shown}': {error}"))
        })?;
        if !is_fifo(file.metadata()?) {
            return Err(no_fifo());
        }
        Ok(Box::new(FifoReader { file, rules: self.rules.clone() }))
    }
}

/// An open FIFO.
#[derive(Debug)]
struct FifoReader {
    file: File,
    rules: LineRules,
}

impl Reader for FifoReader {
    fn read(self: Rc<Self>, feed: Feed, signals: Signals) -> Reading {
        Box::pin(self.run(feed, signals))
    }
}

impl FifoReader {
    async fn run(self: Rc<Self>, mut feed: Feed, mut signals: Signals) -> io::Result<()> {
        let pipe = Receiver::from_file_unchecked(self.file.try_clone()?)?;
        let (mut lines, mut buffer) = (Lines::default(), vec![0; READ_BYTES]);
        loop {
            tokio::select! {
                biased;
                () = signals.stopped() => break,
                ready = async {
                    // Nothing is read before there is room for it.
                    feed.open().await;
                    pipe.readable().await
                } => ready?,
            }
            self.take(&pipe, &mut lines, &mut buffer, &mut feed).await?;
        }
        // What is in the pipe would be gone with it.
        for _ in 0..READS_AT_STOP {
            if !self.take(&pipe, &mut lines, &mut buffer, &mut feed).await? {
                break;
            }
        }
        feed.begin();
        self.rules.finish(&mut lines, &mut feed);
        feed.submit(Ack::NONE).await;
        Ok(())
    }

    /// Reads once and hands over the lines that are complete; false if there is nothing.
    async fn take(
        &self,
        pipe: &Receiver,
        lines: &mut Lines,
        buffer: &mut [u8],
        feed: &mut Feed,
    ) -> io::Result<bool> {
        let read = match pipe.try_read(buffer) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        };
        feed.begin();
        self.rules.take(lines, &buffer[..read], feed);
        feed.submit(Ack::NONE).await;
        Ok(read > 0)
    }
}
