//! The unit of work: what one read, or one `recvmmsg`, brought.

use std::sync::Arc;

use crate::base::clock::LocalZone;
use crate::base::clock::Wall;
use crate::base::span::Span;
use crate::message::Ack;
use crate::message::Class;
use crate::message::Pri;
use crate::message::Source;
use crate::message::Timestamp;
use crate::message::Variables;
use crate::message::json::Object;
use crate::message::json::Value;

/// Facts about a [`Message`] that are not spans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessageFlags(pub u16);

impl MessageFlags {
    /// The header held a timestamp: [`Message::time`] is it. Otherwise `timereported` is the time
    /// of arrival.
    pub const TIME: Self = Self(1);
    /// HOSTNAME was in the header: [`Message::hostname`] is it. Otherwise it is `$fromhost`.
    pub const HOSTNAME: Self = Self(2);
    /// RFC 5424 (`protocol-version` 1): APP-NAME, PROCID, MSGID and SD are spans of their own.
    /// Otherwise they are derived from the tag.
    pub const PROTOCOL_1: Self = Self(4);
    /// The frame was cut at the size limit.
    pub const TRUNCATED: Self = Self(8);
    /// Control characters were escaped: `raw` lies behind the received bytes.
    pub const SANITISED: Self = Self(16);
    /// [`Message::time`] is written exactly as `date-rfc3339` would write it, in `time_text`.
    pub const TIME_CANONICAL: Self = Self(32);
    /// `/` does not end `programname` (`global(parser.permitSlashInProgramName)`).
    pub const SLASH_IN_PROGRAM_NAME: Self = Self(64);

    /// The whole of `raw` is what `<PRI>1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID SD MSG` would
    /// render: an RFC 5424 message as everybody writes it. A relay may copy it as it is.
    pub const VERBATIM: Self = Self(128);
    /// `$parsesuccess` is `OK`: a parser of structured payloads (mmjsonparse) read all of it.
    pub const PARSE_SUCCESS: Self = Self(256);
    /// A rule gave the message its tag: [`Message::tag`] is it, also of an RFC 5424 message, whose
    /// APP-NAME and PROCID stay as they are.
    pub const TAG_SET: Self = Self(512);
    /// A rule gave the message its host name: [`Message::hostname`] is it, whatever the header
    /// held.
    pub const HOSTNAME_SET: Self = Self(1024);
    /// HOSTNAME is `$fromhost-ip` where it is neither in the header nor set by a rule.
    pub const HOSTNAME_IP: Self = Self(2048);
    /// Made by immark: actions may leave it out (`action.writeAllMarkMessages`).
    pub const MARK: Self = Self(4096);
    /// [`Message::time`] is `timegenerated` as well: who wrote the message down before us knew when
    /// it came.
    pub const TIME_GENERATED: Self = Self(8192);
    /// [`Message::time`] is written exactly as `date-rfc3164` would write it, in `time_text`.
    pub const TIME_TRADITIONAL: Self = Self(16384);

    /// Whether HOSTNAME and `syslogtag` are [`Message::hostname`] and [`Message::tag`], as a parser
    /// found them in a message of RFC 3164.
    #[must_use]
    #[inline]
    pub const fn has_spans_of_line(self) -> bool {
        let asked = Self::HOSTNAME.0 | Self::HOSTNAME_SET.0 | Self::TAG_SET.0 | Self::PROTOCOL_1.0;
        self.0 & asked == Self::HOSTNAME.0
    }

    #[must_use]
    #[inline]
    pub const fn has(self, flag: Self) -> bool {
        self.0 & flag.0 != 0
    }

    #[inline]
    pub const fn set(&mut self, flag: Self) {
        self.0 |= flag.0;
    }

    #[inline]
    pub const fn clear(&mut self, flag: Self) {
        self.0 &= !flag.0;
    }
}

/// One parsed message: spans into its batch's data.
#[derive(Clone, Copy, Debug, Default)]
pub struct Message {
    /// `rawmsg`: the whole frame, after sanitising.
    pub raw: Span,
    /// `msg`.
    pub msg: Span,
    /// HOSTNAME, where [`MessageFlags::HOSTNAME`] or [`MessageFlags::HOSTNAME_SET`] is set.
    pub hostname: Span,
    /// RFC 3164: the syslogtag as it was received (with its colon).
    pub tag: Span,
    /// RFC 5424 fields as received, `-` included; empty unless [`MessageFlags::PROTOCOL_1`].
    pub app_name: Span,
    pub procid: Span,
    pub msgid: Span,
    pub structured_data: Span,
    /// The timestamp's text, where [`MessageFlags::TIME_CANONICAL`] or
    /// [`MessageFlags::TIME_TRADITIONAL`] is set.
    pub time_text: Span,
    /// `timereported`, where [`MessageFlags::TIME`] is set.
    pub time: Timestamp,
    /// Index into [`Batch::sources`].
    pub source: u16,
    /// The sender's port; 0 where there is none.
    pub port: u16,
    pub pri: Pri,
    pub class: Class,
    pub flags: MessageFlags,
}

impl Message {
    /// The same message with all of its bytes, which stand in `from`, behind those of `to`; of the
    /// only source there.
    fn copied(&self, from: &[u8], to: &mut Vec<u8>) -> Self {
        let (was, start) = (self.raw, to.len());
        let mut put = |span: Span| {
            let start = to.len();
            to.extend_from_slice(span.of(from));
            Span::new(start, to.len())
        };
        let raw = put(was);
        let mut moved = |span: Span| {
            if was.start <= span.start && span.end <= was.end {
                let (before, length) = ((span.start - was.start) as usize, span.len());
                return Span::new(start + before, start + before + length);
            }
            put(span)
        };
        Self {
            raw,
            msg: moved(self.msg),
            hostname: moved(self.hostname),
            tag: moved(self.tag),
            app_name: moved(self.app_name),
            procid: moved(self.procid),
            msgid: moved(self.msgid),
            structured_data: moved(self.structured_data),
            time_text: moved(self.time_text),
            source: 0,
            ..*self
        }
    }
}

impl Default for Pri {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What is known of an input, once for all of its batches.
#[derive(Clone, Debug)]
pub struct InputInfo {
    /// `$inputname`: the `name=` parameter or the module's name.
    pub name: Box<str>,
    /// The relay's own host name (`$myhostname`).
    pub hostname: Arc<str>,
}

/// When a batch arrived.
#[derive(Clone, Copy, Debug, Default)]
pub struct Arrival {
    pub wall: Wall,
    /// `timegenerated`: the same in local time.
    pub local: Timestamp,
}

impl Arrival {
    #[must_use]
    pub fn at(wall: Wall, zone: &mut LocalZone) -> Self {
        Self { wall, local: Timestamp::local(wall, zone) }
    }
}

/// `$!` of many messages, which differ in one text in it. It is made once for all of them.
#[derive(Clone, Debug)]
pub struct Form {
    pub tree: Object,
    /// Where the text goes: into the member of that name of a member of the tree.
    pub place: Option<[&'static str; 2]>,
}

/// `$!` of a message as it begins.
#[derive(Clone, Debug, Default)]
enum Given {
    #[default]
    Nothing,
    Whole(Value),
    /// Which of [`Batch::forms`], and the text.
    Formed(usize, Span),
}

/// One read's worth of messages.
///
/// `data` holds the received bytes and, behind them, copies of messages that had to be changed
/// (sanitised). A batch is reused by its shard, or moves whole into a queue.
#[derive(Clone, Debug)]
pub struct Batch {
    pub data: Vec<u8>,
    pub messages: Vec<Message>,
    /// The senders of these messages, each once.
    pub sources: Vec<Arc<Source>>,
    pub arrival: Arrival,
    pub input: Arc<InputInfo>,
    pub ack: Ack,
    /// Messages of which only the texts were written down: each is like `alike`.
    lines: Vec<Span>,
    alike: Message,
    /// `$!` of messages that an input gives variables: by message, none behind the end.
    given: Vec<Given>,
    forms: Vec<Form>,
}

impl Batch {
    #[must_use]
    pub fn new(input: Arc<InputInfo>) -> Self {
        Self {
            data: Vec::new(),
            messages: Vec::new(),
            sources: Vec::new(),
            arrival: Arrival::default(),
            input,
            ack: Ack::NONE,
            lines: Vec::new(),
            alike: Message::default(),
            given: Vec::new(),
            forms: Vec::new(),
        }
    }

    /// Empties the batch and keeps its memory.
    pub fn clear(&mut self) {
        self.data.clear();
        self.messages.clear();
        self.sources.clear();
        self.ack = Ack::NONE;
        self.lines.clear();
        self.given.clear();
        self.forms.clear();
    }

    /// Adds messages that are `alike`, but for `raw` and `msg`, which are a line each; `alike` is
    /// not [`MessageFlags::VERBATIM`]. The batch has no others. What stands before MSG is then
    /// rendered once for all of them, and none is written down whole unless it must be
    /// ([`Batch::unfold`]).
    pub fn fold(&mut self, alike: Message, lines: impl Iterator<Item = Span>) {
        debug_assert!(self.messages.is_empty() && self.lines.is_empty());
        self.alike = alike;
        self.lines.extend(lines);
    }

    /// The messages that [`Batch::fold`] has added, if there are any.
    #[must_use]
    #[inline]
    pub fn folded(&self) -> Option<Folded<'_>> {
        (!self.lines.is_empty()).then_some(Folded { alike: &self.alike, lines: &self.lines })
    }

    /// Makes those [`Batch::messages`] as all others are.
    pub fn unfold(&mut self) {
        let Self { messages, lines, alike, .. } = self;
        let folded = Folded { alike, lines };
        messages.extend(lines.iter().map(|line| folded.message(*line)));
        lines.clear();
    }

    /// Messages in it.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.messages.len() + self.lines.len()
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `rawmsg` of the message at `index`; empty where there is none.
    #[must_use]
    pub fn raw(&self, index: usize) -> &[u8] {
        let raw = match self.folded() {
            Some(folded) => folded.lines.get(index).copied(),
            None => self.messages.get(index).map(|message| message.raw),
        };
        raw.map_or(b"", |raw| raw.of(&self.data))
    }

    /// Lets the last message begin with `variables` as its `$!`. Messages before it must stay where
    /// they are.
    pub fn give(&mut self, variables: Option<Value>) {
        if let Some(variables) = variables {
            self.give_any(Given::Whole(variables));
        }
    }

    /// As [`Batch::give`], without a tree for each message: one is enough for all that are of a
    /// form.
    ///
    /// `form` is the number that [`Batch::form`] gave, `text` stands in the data.
    pub fn give_formed(&mut self, form: usize, text: Span) {
        self.give_any(Given::Formed(form, text));
    }

    fn give_any(&mut self, given: Given) {
        self.given.resize_with(self.messages.len().saturating_sub(1), || Given::Nothing);
        self.given.push(given);
    }

    /// Keeps a form for messages of this batch; its number.
    pub fn form(&mut self, form: Form) -> usize {
        self.forms.push(form);
        self.forms.len() - 1
    }

    /// Follows the removal of messages: of those that were there, `kept` says which still are.
    pub fn keep_given(&mut self, kept: &[bool]) {
        let mut kept = kept.iter();
        self.given.retain(|_| kept.next().copied().unwrap_or(true));
    }

    /// Makes this a batch of one message, the one at `index` of `from`, as it arrived there.
    /// Without its variables, and with nobody who waits for it.
    pub fn hold(&mut self, from: &Self, index: usize) {
        self.clear();
        let Some(message) = from.messages.get(index) else { return };
        self.arrival = from.arrival;
        self.input = from.input.clone();
        self.sources.push(from.sources[usize::from(message.source)].clone());
        self.messages.push(message.copied(&from.data, &mut self.data));
    }

    /// Takes over the variables that the message at `index` of `from` begins with, for the only
    /// message here.
    pub fn take_given(&mut self, from: &mut Self, index: usize) {
        match from.given.get_mut(index).map(std::mem::take) {
            None | Some(Given::Nothing) => {}
            Some(Given::Whole(value)) => self.give(Some(value)),
            Some(Given::Formed(form, text)) => {
                let Some(form) = from.forms.get(form).cloned() else { return };
                let start = self.data.len();
                self.data.extend_from_slice(text.of(&from.data));
                let (form, text) = (self.form(form), Span::new(start, self.data.len()));
                self.give_formed(form, text);
            }
        }
    }

    /// Whether any message begins with variables.
    #[must_use]
    #[inline]
    pub const fn gives(&self) -> bool {
        !self.given.is_empty()
    }

    /// Makes `variables` those that the message at `index` begins with, once. Whether it has any.
    #[inline]
    pub fn begin_with_given(&mut self, index: usize, variables: &mut Variables) -> bool {
        let Some(given) = self.given.get_mut(index) else { return false };
        match std::mem::take(given) {
            Given::Nothing => return false,
            Given::Whole(value) => {
                variables.clear();
                variables.give(value);
            }
            Given::Formed(form, text) => {
                variables.clear();
                if let Some(form) = self.forms.get(form) {
                    variables.give_formed(form, text.of(&self.data));
                }
            }
        }
        true
    }

    #[must_use]
    #[inline]
    pub fn view<'a>(&'a self, message: &'a Message) -> View<'a> {
        View { batch: self, message, variables: &NO_VARIABLES }
    }
}

/// Messages that differ in their texts alone.
#[derive(Clone, Copy, Debug)]
pub struct Folded<'a> {
    alike: &'a Message,
    pub lines: &'a [Span],
}

impl Folded<'_> {
    /// The message whose text is `line`.
    #[must_use]
    #[inline]
    pub const fn message(&self, line: Span) -> Message {
        Message { raw: line, msg: line, ..*self.alike }
    }
}

/// One message with its batch: what filters and templates read.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub batch: &'a Batch,
    pub message: &'a Message,
    pub variables: &'a Variables,
}

static NO_VARIABLES: Variables = Variables::NONE;

impl<'a> View<'a> {
    /// The bytes of a span of this message.
    #[must_use]
    #[inline]
    pub fn bytes(&self, span: Span) -> &'a [u8] {
        span.of(&self.batch.data)
    }

    #[must_use]
    #[inline]
    pub fn source(&self) -> &'a Source {
        &self.batch.sources[usize::from(self.message.source)]
    }
}
