//! Random programs, each with the messages that it gets.

use fastrand::Rng;

use crate::generate::message;
use crate::generate::message::Kind;
use crate::generate::message::Sent;
use crate::programs::bench::LAST_GATE;
use crate::programs::expression::Expressions;
use crate::programs::expression::WORDS;
use crate::programs::json;
use crate::programs::statement::Statements;
use crate::programs::tree::Tree;

/// Operators above one another.
pub(crate) const DEPTH: usize = 3;
/// The longest message.
const LENGTH_MAX: usize = 300;

/// Where a program shows what it has come to.
const TRACE: &str = r#"template(name="t@N@" type="string"
string="%$.m%|%$!%|%$.%|%$/g@N@%|%msg%|%syslogtag%\n")
ruleset(name="trace@N@") {
action(type="omfile" file="@DIR@/@N@.log" template="t@N@")
}
"#;

/// Rulesets that call each other, and what goes through them. `@N@` stands for the program's
/// number in its configuration, `@DIR@` for the folder of its files.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// What the messages go through.
    pub(crate) main: Tree,
    /// What may be called.
    pub(crate) called: Tree,
    /// What may be called and has a queue.
    pub(crate) queue: Tree,
    pub(crate) messages: Vec<Vec<u8>>,
}

impl Program {
    pub(crate) fn random(messages: usize, rng: &mut Rng) -> Self {
        let mut files = 0;
        let mut block = |size, callees: &'static [&'static str], globals| {
            let expressions = Expressions { rng: &mut *rng, globals };
            let mut statements = Statements { expressions, callees, files, marks: 0, loops: 0 };
            let block = statements.body(size);
            files = statements.files;
            block
        };
        let queue = block(3, &[], false);
        let called = block(4, &[], true);
        let main = block(8, &["called", "queue"], true);
        let messages = (0..messages).map(|_| line(rng)).collect();
        Self { main, called, queue, messages }
    }

    /// Whether the queue is part of it. (`call_indirect` may have its name in two parts.)
    pub(crate) fn queued(&self) -> bool {
        self.main.written().contains("ueue@N@")
    }

    /// Its rulesets.
    pub(crate) fn text(&self) -> String {
        let main = self.main.written();
        let mut text = TRACE.to_owned();
        if self.queued() {
            // What runs beside the others must not look at `$/`: it may be set or not.
            text.push_str(
                &TRACE
                    .replace("t@N@", "u@N@")
                    .replace("trace", "trace-queue")
                    .replace("|%$/g@N@%", "")
                    .replace("@N@.log", "@N@.queue.log"),
            );
            text.push_str("ruleset(name=\"queue@N@\" queue.type=\"FixedArray\") ");
            let queue = self.queue.written();
            let queue = queue.replace("trace@N@", "trace-queue@N@");
            let queue = queue.replace("\"t@N@\"", "\"u@N@\"");
            let queue = queue.replace(";t@N@", ";u@N@").replace("'t@N@'", "'u@N@'");
            text.push_str(&queue.replacen("{\n", LAST_GATE, 1));
            text.push('\n');
        }
        if main.contains("alled@N@") {
            text.push_str(&format!("ruleset(name=\"called@N@\") {}\n", self.called.written()));
        }
        text + &format!("ruleset(name=\"main@N@\") {main}\n")
    }

    /// What goes over its connection.
    pub(crate) fn stream(&self) -> Vec<u8> {
        self.messages.iter().flat_map(|message| [message, &b"\n"[..]].concat()).collect()
    }

    /// The same with something left out, in every way.
    pub(crate) fn smaller(&self) -> Vec<Self> {
        let mut all = Vec::new();
        if self.messages.len() > 1 {
            for at in 0..self.messages.len() {
                let messages = vec![self.messages[at].clone()];
                all.push(Self { messages, ..self.clone() });
            }
            for at in 0..self.messages.len() {
                let mut smaller = self.clone();
                smaller.messages.remove(at);
                all.push(smaller);
            }
        }
        all.extend(self.main.smaller().into_iter().map(|main| Self { main, ..self.clone() }));
        let text = self.main.written();
        if text.contains("alled@N@") {
            let called = self.called.smaller().into_iter();
            all.extend(called.map(|called| Self { called, ..self.clone() }));
        }
        if self.queued() {
            let queue = self.queue.smaller().into_iter();
            all.extend(queue.map(|queue| Self { queue, ..self.clone() }));
        }
        all
    }
}

/// A message that ends where its line ends.
fn line(rng: &mut Rng) -> Vec<u8> {
    let pri = rng.u8(..192);
    match rng.u8(..8) {
        0 | 1 => format!("<{pri}>Oct 11 22:14:15 web app: {}", json::text(rng)).into_bytes(),
        2 => format!("<{pri}>Oct 11 22:14:15 web app: @cee: {}", json::text(rng)).into_bytes(),
        3..=5 => {
            let words: Vec<_> =
                (0..rng.usize(1..6)).map(|_| WORDS[rng.usize(..WORDS.len())]).collect();
            format!("<{pri}>Oct 11 22:14:15 web su[7]: {}", words.join(" ")).into_bytes()
        }
        kind => loop {
            let kind = if kind == 6 { Kind::Timed } else { Kind::Wild };
            let Sent { message, .. } = message::message(kind, &[], LENGTH_MAX, rng);
            // What begins with a digit would be the count of what follows, with 'z' compressed.
            let digit = message.first().is_none_or(|first| b"z0123456789".contains(first));
            if !digit && !message.contains(&b'\n') && message.len() < LENGTH_MAX {
                break message;
            }
        },
    }
}
