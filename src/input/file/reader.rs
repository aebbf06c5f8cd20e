//! The task of an input: what its thread has read becomes batches.

use std::collections::HashMap;
use std::io;
use std::io::Write as _;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::base::drain::Signals;
use crate::base::span::Span;
use crate::input::file::container::Container;
use crate::input::file::pattern;
use crate::input::file::spec::FileSpec;
use crate::input::file::split::Head;
use crate::input::file::split::Piece;
use crate::input::file::store::Store;
use crate::input::file::work;
use crate::input::file::work::Bell;
use crate::input::file::work::Filled;
use crate::input::file::work::Job;
use crate::input::local::Feed;
use crate::input::local::Reader;
use crate::input::local::Reading;
use crate::message::Batch;
use crate::message::Form;
use crate::message::Message;
use crate::message::MessageFlags;
use crate::message::json::Case;
use crate::message::json::Object;
use crate::message::json::Value;
use crate::parse::cri::Stream;
use crate::parse::frame::Frame;

/// Reads that the thread is ahead at most, beside the one that it is at.
const AHEAD: usize = 2;
/// Paths whose files are remembered for summaries of repeats; then it begins anew.
const PATHS_MAX: usize = 1024;

/// An imfile input that is open.
#[derive(Debug)]
pub(super) struct FileReader {
    spec: Arc<FileSpec>,
}

/// Ends the thread when the task ends, however it does.
struct Ringer(Arc<Bell>);

impl Drop for Ringer {
    fn drop(&mut self) {
        self.0.ring();
    }
}

impl FileReader {
    pub(super) const fn new(spec: Arc<FileSpec>) -> Self {
        Self { spec }
    }
}

impl Reader for FileReader {
    fn read(self: Rc<Self>, feed: Feed, signals: Signals) -> Reading {
        Box::pin(read(self.spec.clone(), feed, signals))
    }
}

async fn read(spec: Arc<FileSpec>, mut feed: Feed, mut signals: Signals) -> io::Result<()> {
    let reporter = feed.setup().settings.reporter.clone();
    let store = Store::in_folder(spec.folder.as_deref(), &reporter);
    let (filled, mut full) = mpsc::channel(AHEAD);
    let (used, empty) = std::sync::mpsc::channel();
    let bell = Arc::new(Bell::new()?);
    let ringer = Ringer(bell.clone());
    let job = Job { spec: spec.clone(), store: store.clone(), reporter, bell, filled, empty };
    std::thread::Builder::new().name("imfile".to_owned()).spawn(move || work::run(job))?;
    let given_up = signals.given_up().clone();
    let mut parts = Parts::default();
    loop {
        let next = tokio::select! {
            biased;
            () = signals.stopped() => break,
            next = full.recv() => next,
        };
        let Some(mut next) = next else {
            // It has panicked; the next one goes on where this one was.
            return Err(io::Error::other("the thread that reads has ended"));
        };
        feed.open().await;
        if feed.sums_up() {
            parts.turn_to(&mut feed, &next);
        }
        put(&spec, &mut feed, &mut next);
        feed.limited(next.limited);
        let ack = store.owe(next.number, next.end, &next.also, &given_up);
        feed.submit(ack).await;
        // The thread may have ended.
        if used.send(next.sheet).is_err() {}
    }
    // What the thread has ahead is read again by who comes next.
    drop(ringer);
    while full.recv().await.is_some() {}
    Ok(())
}

/// Which file was read at each path: repeats are summed up by file.
#[derive(Default)]
struct Parts(HashMap<Arc<Path>, u32>);

impl Parts {
    /// Goes over to the file that was read now. What was at its path before it gets no more lines.
    fn turn_to(&mut self, feed: &mut Feed, now: &Filled) {
        if self.0.len() >= PATHS_MAX {
            self.0.clear();
        }
        feed.set_part(now.number.into());
        match self.0.get_mut(&now.path) {
            Some(number) if *number == now.number => {}
            Some(number) => {
                feed.end_part((*number).into());
                *number = now.number;
            }
            None => _ = self.0.insert(now.path.clone(), now.number),
        }
    }
}

/// Makes what was read the messages of a batch.
fn put(spec: &FileSpec, feed: &mut Feed, filled: &mut Filled) {
    let batch = feed.begin();
    std::mem::swap(&mut batch.data, &mut filled.sheet.data);
    let tag_start = batch.data.len();
    let container = filled.container.as_deref();
    let tag = container.map(Container::tag).filter(|_| spec.tag.is_empty());
    batch.data.extend_from_slice(tag.unwrap_or(spec.tag.as_bytes()));
    let tag = Span::new(tag_start, batch.data.len());
    let (hostname, flags) = (feed.hostname(), MessageFlags::HOSTNAME);
    let alike = Message { tag, hostname, pri: spec.pri, flags, ..Message::default() };
    let path = pattern::bytes(&filled.path);
    // Lines of containers have times of their own.
    let named = container.is_some() && spec.variables;
    let differ = spec.needs_parse || spec.metadata || named || !filled.sheet.heads.is_empty();
    let pieces = &mut filled.sheet.pieces;
    if !differ && !pieces.iter().any(|piece| piece.cut) {
        feed.batch().fold(alike, pieces.drain(..).map(|piece| piece.span));
        return;
    }
    let mut forms =
        Forms { spec, container: container.filter(|_| spec.variables), path, made: [None; 5] };
    for piece in &filled.sheet.pieces {
        let head = filled.sheet.heads.get(piece.head as usize);
        if spec.needs_parse {
            parse(feed, piece, head, tag, &mut forms);
            continue;
        }
        let batch = feed.batch();
        let mut message = Message { raw: piece.span, msg: piece.span, ..alike };
        if piece.cut {
            message.flags.set(MessageFlags::TRUNCATED);
        }
        if let Some(head) = head {
            set_time(&mut message, head);
        }
        batch.messages.push(message);
        forms.give(batch, head, piece.offset);
    }
    filled.sheet.pieces.clear();
}

/// `$!` of a file's messages. Those whose lines had the same head differ in the offset alone.
struct Forms<'a> {
    spec: &'a FileSpec,
    /// If its names are in it.
    container: Option<&'a Container>,
    path: &'a [u8],
    /// Numbers of what was made for this batch: for no head, and for each stream, whole and not.
    made: [Option<usize>; 5],
}

impl Forms<'_> {
    /// Lets the batch's last message begin with what is known of it.
    fn give(&mut self, batch: &mut Batch, head: Option<&Head>, offset: u64) {
        if !self.spec.metadata && self.container.is_none() {
            return;
        }
        let kind = head.map_or(0, |head| {
            1 + usize::from(head.partial) + 2 * usize::from(head.stream == Stream::Stderr)
        });
        let known = self.made.get(kind).copied().flatten();
        let form = known.unwrap_or_else(|| batch.form(self.form(head)));
        if let Some(made) = self.made.get_mut(kind) {
            *made = Some(form);
        }
        let start = batch.data.len();
        // A vector takes whatever is written.
        write!(batch.data, "{offset}").unwrap_or_default();
        batch.give_formed(form, Span::new(start, batch.data.len()));
    }

    fn form(&self, head: Option<&Head>) -> Form {
        let mut tree = self.container.map(|of| of.variables(head)).unwrap_or_default();
        if !self.spec.metadata {
            return Form { tree, place: None };
        }
        let mut inner = Object::default();
        inner.set(b"filename", Value::text(self.path), Case::Sensitive);
        inner.set(b"fileoffset", Value::text(b""), Case::Sensitive);
        tree.set(b"metadata", Value::Object(inner), Case::Sensitive);
        Form { tree, place: Some(["metadata", "fileoffset"]) }
    }
}

/// `needParse`: the parsers say what the line is. Where they find no tag by themselves it stays
/// what it was (rsyslog).
fn parse(feed: &mut Feed, piece: &Piece, head: Option<&Head>, tag: Span, forms: &mut Forms<'_>) {
    let before = feed.batch().messages.len();
    feed.parse_in_place(Frame { span: piece.span, truncated: piece.cut }, None);
    let batch = feed.batch();
    if batch.messages.len() == before {
        return;
    }
    forms.give(batch, head, piece.offset);
    let Some(message) = batch.messages.get_mut(before) else { return };
    if message.flags.has(MessageFlags::PROTOCOL_1) {
        message.tag = tag;
        message.flags.set(MessageFlags::TAG_SET);
    }
    if let Some(head) = head.filter(|_| !message.flags.has(MessageFlags::TIME)) {
        set_time(message, head);
    }
}

/// The time that the container's runtime wrote.
fn set_time(message: &mut Message, head: &Head) {
    message.time = head.time;
    message.flags.set(MessageFlags::TIME);
    if let Some(text) = head.time_text {
        message.time_text = text;
        message.flags.set(MessageFlags::TIME_CANONICAL);
    }
}
