//! The task of an input: what its thread has read becomes batches.

use std::io;
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
use crate::message::Message;
use crate::message::MessageFlags;
use crate::message::json::Case;
use crate::message::json::Object;
use crate::message::json::Value;
use crate::parse::frame::Frame;

/// Reads that the thread is ahead at most, beside the one that it is at.
const AHEAD: usize = 2;

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
        put(&spec, &mut feed, &mut next);
        feed.stats().dropped_ratelimit.add(next.limited);
        let ack = store.owe(next.number, next.end, &given_up);
        feed.submit(ack).await;
        // The thread may have ended.
        if used.send(next.sheet).is_err() {}
    }
    // What the thread has ahead is read again by who comes next.
    drop(ringer);
    while full.recv().await.is_some() {}
    Ok(())
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
    for piece in &filled.sheet.pieces {
        let head = filled.sheet.heads.get(piece.head as usize);
        let variables = match container {
            Some(container) if spec.variables => {
                let metadata = spec.metadata.then(|| metadata(path, piece.offset));
                Some(container.variables(head, metadata))
            }
            _ => spec.metadata.then(|| alone(metadata(path, piece.offset))),
        };
        if spec.needs_parse {
            parse(feed, piece, head, tag, variables);
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
        batch.give(variables);
    }
    filled.sheet.pieces.clear();
}

/// `needParse`: the parsers say what the line is. Where they find no tag by themselves it stays
/// what it was (rsyslog).
fn parse(feed: &mut Feed, piece: &Piece, head: Option<&Head>, tag: Span, variables: Option<Value>) {
    let before = feed.batch().messages.len();
    feed.parse_in_place(Frame { span: piece.span, truncated: piece.cut }, variables);
    let Some(message) = feed.batch().messages.get_mut(before) else { return };
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

fn metadata(path: &[u8], offset: u64) -> Value {
    let mut inner = Object::default();
    inner.set(b"filename", Value::text(path), Case::Sensitive);
    inner.set(b"fileoffset", Value::text(offset.to_string().as_bytes()), Case::Sensitive);
    Value::Object(inner)
}

fn alone(metadata: Value) -> Value {
    let mut outer = Object::default();
    outer.set(b"metadata", metadata, Case::Sensitive);
    Value::Object(outer)
}
