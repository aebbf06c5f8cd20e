//! What the inputs of this machine share: files, `/dev/log`, the kernel, the journal. A module is a
//! [`LocalModule`]; each thing that it reads is a [`Local`], compiled from the configuration. A
//! shard's thread runs its [`Reader`], which fills batches and hands them over by a [`Feed`].

use std::fmt;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use crate::base::diag::Diagnostics;
use crate::base::drain::Signals;
use crate::base::num::count;
use crate::base::poison;
use crate::base::reporter::Level;
use crate::base::span::Span;
use crate::base::versions::Versions;
use crate::config::module::Module;
use crate::config::param::Params;
use crate::input::InputSettings;
use crate::input::InputStats;
use crate::message::Ack;
use crate::message::Arrival;
use crate::message::Batch;
use crate::message::InputInfo;
use crate::message::Message;
use crate::message::MessageFlags;
use crate::message::Pri;
use crate::message::Source;
use crate::message::json::Value;
use crate::net::placed::Placed;
use crate::parse;
use crate::parse::ParseSettings;
use crate::parse::frame::Frame;
use crate::rules::Residual;
use crate::rules::RulesetId;
use crate::shard::Origin;
use crate::shard::Shard;
use crate::shard::Stuck;

/// An input module that reads something of this machine's.
#[derive(Clone, Copy)]
pub struct LocalModule {
    pub module: &'static Module,
    /// What `module(load=…)` reads by itself. Complaints go where the others go.
    pub loaded: fn(&Params, &Surroundings, &mut Diagnostics) -> Vec<Arc<dyn Local>>,
    /// What an `input()` reads.
    pub instance: Instance,
}

/// From the parameters of the module and of the `input()`; `None` if it was complained of.
pub type Instance = fn(&Params, &Params, &Surroundings, &mut Diagnostics) -> Option<Arc<dyn Local>>;

/// [`parse::message_into`], or one that reads like it.
pub type ParseInto = fn(&mut Vec<u8>, Frame, &ParseSettings, &Arrival, &mut Message);

/// What a module may need to know of the rest of the configuration.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// `global(workDirectory=)`
    pub work_directory: Option<PathBuf>,
    /// `global(maxMessageSize=)`, bytes.
    pub message_bytes_max: usize,
    /// Whether anything may read `$!`. What nobody reads need not be set.
    pub reads_variables: bool,
    /// The modules of its `input()` objects.
    pub inputs: Vec<String>,
}

/// One thing to be read. Inputs whose `Debug` is the same are the same: through a reload they go
/// on, all others are ended and begun.
pub trait Local: fmt::Debug + Send + Sync {
    /// `imfile`
    fn module(&self) -> &'static str;

    /// `$inputname`
    fn name(&self) -> &str {
        self.module()
    }

    /// What its counters are called: the module and what it reads.
    fn label(&self) -> String;

    /// `$fromhost`, where it is not the relay's own host name.
    fn source_host(&self) -> Option<&str> {
        None
    }

    /// What parses its messages, and its name, if it is not what the ruleset says.
    fn parser(&self) -> Option<(ParseInto, &'static str)> {
        None
    }

    /// Whether `$RepeatedMsgReduction` concerns its messages.
    fn sums_up(&self) -> bool {
        false
    }

    /// How its messages are parsed, where they are: changes to what holds for all inputs.
    fn adjust(&self, _parse: &mut ParseSettings) {}

    /// Opens what others are to find when the relay has started.
    ///
    /// # Errors
    /// It cannot be had: this input is complained of, and the others run.
    fn open(&self, input: &Arc<LocalInput>) -> io::Result<Box<dyn Reader>>;
}

/// A task on a shard's thread.
pub type Reading = Pin<Box<dyn Future<Output = io::Result<()>>>>;

/// Something that is open, to be read until the stop.
pub trait Reader: fmt::Debug + Send {
    /// Reads. Called again if that panicked: what is to be kept is in `self`.
    fn read(self: Rc<Self>, feed: Feed, signals: Signals) -> Reading;

    /// The file that was made for it.
    fn placed(&self) -> Option<Arc<Placed>> {
        None
    }
}

/// An input that runs, and what it goes by.
#[derive(Debug)]
pub struct LocalInput {
    pub local: Arc<dyn Local>,
    pub setups: Versions<LocalSetup>,
    pub stats: Arc<InputStats>,
}

/// What may change for an input while it runs.
#[derive(Debug)]
pub struct LocalSetup {
    pub info: Arc<InputInfo>,
    pub ruleset: RulesetId,
    pub parse: ParseSettings,
    pub settings: InputSettings,
}

impl LocalSetup {
    /// Says something as the relay.
    pub fn say(&self, level: Level, text: impl Into<String>) {
        self.settings.reporter.say(level, text.into());
    }
}

/// A message whose fields are known: no parser is asked.
#[derive(Debug, Default)]
pub struct Ready<'a> {
    pub pri: Pri,
    /// `syslogtag`, with its colon.
    pub tag: &'a [u8],
    /// `msg`, and `rawmsg` as well.
    pub text: &'a [u8],
    /// `$!` as the message begins.
    pub variables: Option<Value>,
}

impl Ready<'_> {
    /// Adds it to a batch that has one source. Where the relay's own host name stands in there:
    /// `hostname`, if it did already.
    pub(super) fn push_to(self, batch: &mut Batch, hostname: Option<Span>) -> Span {
        let Self { pri, tag, text, variables } = self;
        let Batch { data, input, .. } = batch;
        let hostname = hostname.unwrap_or_else(|| put(data, input.hostname.as_bytes()));
        let (tag, text) = (put(data, tag), put(data, text));
        let mut flags = MessageFlags::default();
        flags.set(MessageFlags::HOSTNAME);
        let message =
            Message { raw: text, msg: text, tag, hostname, pri, flags, ..Message::default() };
        batch.messages.push(message);
        batch.give(variables);
        hostname
    }
}

/// The way of an input's messages to the rules, a batch at a time: [`Feed::begin`], then messages,
/// then [`Feed::submit`].
#[derive(Debug)]
pub struct Feed {
    shard: Rc<Shard>,
    input: Arc<LocalInput>,
    setup: Arc<LocalSetup>,
    source: Arc<Source>,
    route: Residual,
    epoch: u64,
    batch: Batch,
    /// The relay's own host name, as it stands in the batch once it is needed.
    hostname: Option<Span>,
    stuck: Stuck,
    /// Whose repeats are summed up by themselves: a file, or a process that logs.
    part: u64,
}

impl Feed {
    #[must_use]
    pub fn new(input: Arc<LocalInput>, shard: Rc<Shard>) -> Self {
        let epoch = shard.epoch();
        let setup = input.setups.at(shard.generation());
        let from = input.local.source_host().unwrap_or(&setup.info.hostname);
        let source = Arc::new(Source::new(None, Some(from)));
        let route = shard.route_of(setup.ruleset, &source, &setup.info);
        let batch = Batch::new(setup.info.clone());
        let (hostname, stuck) = (None, Stuck::new());
        Self { shard, input, setup, source, route, epoch, batch, hostname, stuck, part: 0 }
    }

    /// What holds now: look again after each wait.
    #[must_use]
    pub const fn setup(&self) -> &Arc<LocalSetup> {
        &self.setup
    }

    /// Whether repeated messages are summed up, of each part by itself.
    #[must_use]
    pub fn sums_up(&self) -> bool {
        self.setup.settings.sums_up && self.input.local.sums_up()
    }

    /// Of which part of the input batches are from here on.
    pub const fn set_part(&mut self, part: u64) {
        self.part = part;
    }

    /// Nothing more comes of that part of the input: what waits to be summed up of it goes with
    /// the next batch.
    pub fn end_part(&self, part: u64) {
        self.shard.end_part(&self.input.stats, part);
    }

    /// Counts messages of the batch's sender that a rate limit dropped.
    pub fn limited(&self, messages: u64) {
        self.source.limited(messages);
        self.input.stats.dropped_ratelimit.add(messages);
    }

    /// `$fromhost`
    #[must_use]
    pub fn source_host(&self) -> &str {
        &self.source.fromhost
    }

    #[must_use]
    pub fn stats(&self) -> &InputStats {
        &self.input.stats
    }

    /// Waits until no output that the messages may go to holds them back. Nothing is to be read
    /// before.
    pub async fn open(&mut self) {
        self.refresh();
        while !self.shard.is_open(&self.route) {
            self.shard.open(&self.route).await;
            self.refresh();
        }
    }

    /// An empty batch that arrives now. Its messages are those of its only source.
    pub fn begin(&mut self) -> &mut Batch {
        self.refresh();
        self.batch.clear();
        self.hostname = None;
        self.batch.input = self.setup.info.clone();
        self.batch.arrival = self.shard.arrival();
        self.batch.sources.push(self.source.clone());
        &mut self.batch
    }

    /// The batch that was begun.
    #[must_use]
    pub const fn batch(&mut self) -> &mut Batch {
        &mut self.batch
    }

    /// The relay's own host name, in the batch.
    pub fn hostname(&mut self) -> Span {
        let Self { batch, hostname, .. } = self;
        *hostname.get_or_insert_with(|| put(&mut batch.data, batch.input.hostname.as_bytes()))
    }

    /// Adds a message that needs no parser.
    pub fn push(&mut self, ready: Ready<'_>) {
        self.hostname = Some(ready.push_to(&mut self.batch, self.hostname));
    }

    /// Parses `text` and adds the message; one that makes the parser panic is set aside. Longer
    /// texts than `maxMessageSize` are cut by the caller, who says so with `truncated`.
    pub fn parse(&mut self, text: &[u8], truncated: bool, variables: Option<Value>) {
        let span = put(&mut self.batch.data, text);
        self.parse_in_place(Frame { span, truncated }, variables);
    }

    /// As [`Feed::parse`], of bytes that stand in the batch.
    pub fn parse_in_place(&mut self, frame: Frame, variables: Option<Value>) {
        self.parse_by(parse::message_into, frame, variables);
    }

    /// As [`Feed::parse_in_place`], by a parser that may be another one than the ruleset's.
    pub fn parse_by(&mut self, parser: ParseInto, frame: Frame, variables: Option<Value>) {
        let parsed = poison::caught(|| {
            let Batch { data, messages, arrival, .. } = &mut self.batch;
            let message = messages.push_mut(Message::default());
            poison::test_panic("parse", frame.span.of(data));
            parser(data, frame, &self.setup.parse, arrival, message);
        });
        match parsed {
            Ok(()) => self.batch.give(variables),
            Err(why) => {
                self.batch.messages.pop();
                self.input.stats.set_aside();
                let raw = frame.span.of(&self.batch.data);
                self.shard.quarantine().keep("parsing", raw, &why);
            }
        }
    }

    /// Hands the batch to the rules and what comes of it to the outputs, and waits until they have
    /// room for it. `ack` goes with it. Cancelled, what has found no room is lost, and counted.
    pub async fn submit(&mut self, ack: Ack) {
        self.run(ack);
        self.shard.push_all(&mut self.stuck).await;
    }

    /// The same for what cannot be held back: what finds no room within a short time is dropped,
    /// and counted.
    pub async fn submit_impatient(&mut self) {
        self.run(Ack::NONE);
        self.shard.push_datagrams(&mut self.stuck).await;
    }

    fn run(&mut self, ack: Ack) {
        let Self { input, batch, .. } = self;
        batch.ack = ack;
        input.stats.count(batch);
        let lines = batch.folded().map_or(&[][..], |folded| folded.lines);
        let raws = batch.messages.iter().map(|message| message.raw).chain(lines.iter().copied());
        input.stats.bytes.add(count(raws.map(Span::len).sum()));
        // There may have been a reload since the batch was begun.
        self.refresh();
        if self.sums_up() {
            let (ruleset, part) = (self.setup.ruleset, self.part);
            let origin = Origin { input: &self.input.stats, part, ruleset };
            self.shard.sum_up(&origin, &mut self.batch);
        }
        let Self { shard, input, batch, .. } = self;
        input.stats.passed(shard.run(batch, &self.route));
        shard.flush(&batch.ack, &mut self.stuck);
        batch.clear();
    }

    fn refresh(&mut self) {
        let now = self.shard.epoch();
        if std::mem::replace(&mut self.epoch, now) == now {
            return;
        }
        self.setup = self.input.setups.at(self.shard.generation());
        let from = self.input.local.source_host().unwrap_or(&self.setup.info.hostname);
        if *self.source.fromhost != *from {
            self.source = Arc::new(Source::new(None, Some(from)));
        }
        self.route = self.shard.route_of(self.setup.ruleset, &self.source, &self.setup.info);
    }
}

impl fmt::Debug for LocalModule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalModule").field("module", &self.module.name).finish_non_exhaustive()
    }
}

fn put(data: &mut Vec<u8>, bytes: &[u8]) -> Span {
    let start = data.len();
    data.extend_from_slice(bytes);
    Span::new(start, data.len())
}
