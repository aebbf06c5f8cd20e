//! What the outputs' tests share: an action in small, driven by hand.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::drain::Control;
use crate::base::reporter::Level;
use crate::base::reporter::Reporter;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::ast::Param;
use crate::config::ast::Value;
use crate::config::ast::Word;
use crate::output::Defaults;
use crate::output::OutputSpec;
use crate::output::OutputStats;
use crate::output::Task;
use crate::queue::Chunk;
use crate::queue::Framing;
use crate::queue::Sender;
use crate::queue::bounded;
use crate::queue::frame;

/// A chunk of these messages, as they are.
pub(super) fn chunk(messages: &[&str]) -> Chunk {
    let mut chunk = Chunk::default();
    for message in messages {
        chunk.bytes.extend_from_slice(message.as_bytes());
        chunk.end_message();
    }
    chunk
}

/// Remembers what was said.
#[derive(Default, Debug)]
pub(super) struct Said(Mutex<Vec<(Level, String)>>);

impl Reporter for Said {
    fn say(&self, level: Level, text: String) {
        self.0.lock().unwrap().push((level, text));
    }
}

impl Said {
    pub(super) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(|(_, text)| text.clone()).collect()
    }
}

/// The engine's side of an action.
pub(super) struct Driven {
    pub(super) queue: Sender,
    pub(super) stats: Arc<OutputStats>,
    pub(super) control: Control,
    pub(super) said: Arc<Said>,
    framing: Framing,
}

/// A running action.
pub(super) struct Action {
    driven: Driven,
    task: JoinHandle<()>,
}

impl Deref for Action {
    type Target = Driven;

    fn deref(&self) -> &Driven {
        &self.driven
    }
}

pub(super) fn object(kind: ObjectKind, params: &[(&str, &str)]) -> Object {
    let param = |&(name, value): &(&str, &str)| Param {
        name: Word { text: name.to_owned(), loc: Loc::default() },
        value: Value::Str(value.into()),
        value_loc: Loc::default(),
    };
    Object {
        kind,
        loc: Loc::default(),
        params: params.iter().map(param).collect(),
        script: Vec::new(),
        parts: Vec::new(),
        legacy: false,
    }
}

/// Compiles an `action()` of these parameters; what was complained of if there is none.
pub(super) fn compile(params: &[(&str, &str)]) -> Result<OutputSpec, Vec<String>> {
    let mut diags = Diagnostics::default();
    let object = object(ObjectKind::Action, params);
    OutputSpec::compile(&object, &Defaults::default(), &mut diags)
        .ok_or_else(|| diags.all.into_iter().map(|d| d.message).collect())
}

pub(super) fn start(params: &[(&str, &str)]) -> Action {
    let spec = compile(params).unwrap();
    let (driven, task) = Driven::new(spec.framing());
    Action { driven, task: tokio::spawn(spec.run(task)) }
}

/// As [`start`], with parameters that are no texts.
pub(super) fn start_with(params: &[(&str, &str)], more: Vec<(&str, Value)>) -> Action {
    let mut object = object(ObjectKind::Action, params);
    for (name, value) in more {
        let name = Word { text: name.to_owned(), loc: Loc::default() };
        object.params.push(Param { name, value, value_loc: Loc::default() });
    }
    let mut diags = Diagnostics::default();
    let spec = OutputSpec::compile(&object, &Defaults::default(), &mut diags).unwrap();
    let (driven, task) = Driven::new(spec.framing());
    Action { driven, task: tokio::spawn(spec.run(task)) }
}

impl Action {
    /// Ends the queue and waits for the task.
    pub(super) async fn end(self) {
        drop(self.driven);
        tokio::time::timeout(Duration::from_secs(20), self.task).await.unwrap().unwrap();
    }
}

impl Action {
    /// Ends the task as a stop does whose time is up.
    pub(super) async fn cut(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

impl Driven {
    pub(super) fn new(framing: Framing) -> (Self, Task) {
        let (queue, receiver) = bounded(1 << 20);
        let (control, signals) = Control::new();
        let (stats, said) = (Arc::new(OutputStats::default()), Arc::new(Said::default()));
        let task = Task {
            name: "test".into(),
            queue: receiver,
            stats: stats.clone(),
            signals,
            reporter: said.clone(),
            fallback: None,
            errors: None,
        };
        (Self { queue, stats, control, said, framing }, task)
    }

    /// Puts messages into the queue as one chunk.
    pub(super) async fn push<M: AsRef<[u8]>>(&self, messages: &[M]) {
        let mut chunk = Chunk::default();
        for message in messages {
            add(&mut chunk, message.as_ref(), self.framing);
        }
        self.queue.push(&mut chunk).await;
    }

    /// As `push`, each message with the dynamic name it goes to.
    pub(super) async fn push_named(&self, messages: &[(&str, &str)]) {
        let mut chunk = Chunk::default();
        for (i, (name, message)) in messages.iter().enumerate() {
            let first = u32::try_from(i).unwrap();
            chunk.runs.go_on(first, |to| to.extend_from_slice(name.as_bytes()));
            add(&mut chunk, message.as_bytes(), self.framing);
        }
        self.queue.push(&mut chunk).await;
    }

    /// Waits until the queue is empty: everything was delivered.
    pub(super) async fn delivered(&self) {
        until(|| self.queue.gauge().depth() == (0, 0)).await;
    }
}

fn add(chunk: &mut Chunk, message: &[u8], framing: Framing) {
    let start = chunk.bytes.len();
    chunk.bytes.extend_from_slice(message);
    frame(&mut chunk.bytes, start, framing);
    chunk.end_message();
}

/// Waits for a condition, ten seconds at most.
pub(super) async fn until(condition: impl Fn() -> bool) {
    for _ in 0..2000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it did not come true");
}
