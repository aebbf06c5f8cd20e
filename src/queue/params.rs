//! Parameters of queues: of the main queue, of rulesets and of actions. (rsyslog "General Queue
//! Parameters".)
//!
//! Every action has a queue. Those of a ruleset or the main queue mean those actions of theirs that
//! have none of their own.

use std::collections::HashSet;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::config::ast::Object;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Duration;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::NonNegative;
use crate::config::param::Kind::Size;
use crate::config::param::Kind::Str;
use crate::config::param::Kind::Word;
use crate::config::param::Spec;
use crate::config::wording::ONE_TASK;

const CHECKPOINTS: &str = "what was delivered is noted at once, and synced with what is written";
const WHEN_FULL: &str = "an input waits when the queue is full, and not before";
const DAMAGED: &str = "what is damaged is told and left out, and everything else is delivered";

/// The kinds of queues; rsyslog takes them in any letter case.
const TYPES: &[&str] = &["Direct", "FixedArray", "LinkedList", "Disk"];

/// `queue.*`. Where an action's default and a ruleset's differ, the action's stands here.
pub static PARAMS: &[Spec] = &[
    Spec::new("queue.type", Word(TYPES), "Direct", "The kind of queue."),
    Spec::new("queue.size", Size, "1000", "Messages that the queue holds."),
    Spec::new(
        "queue.filename",
        Str,
        "",
        "Begins the names of the queue's files, and lets it go to disk.",
    ),
    Spec::new(
        "queue.spoolDirectory",
        Str,
        "",
        "Where the files are, instead of the work directory.",
    ),
    Spec::new("queue.maxDiskSpace", Size, "0", "Their size together; 0 is no limit."),
    Spec::new("queue.maxFileSize", Size, "1m", "The size of each file."),
    Spec::new("queue.saveOnShutdown", Bool, "on", "Keeps on disk what a stop leaves."),
    Spec::new("queue.syncQueueFiles", Bool, "on", "Waits for the disk after each write."),
    Spec::new("queue.checkpointInterval", Int, "0", "Records between checkpoints.")
        .ignored(CHECKPOINTS),
    Spec::new("queue.cry.provider", Str, "", "Encrypts the queue's files.")
        .unsupported("put the work directory on an encrypted file system"),
    Spec::new(
        "queue.highWatermark",
        Int,
        "",
        "Messages from which it goes to disk; 90 % of the size.",
    ),
    Spec::new("queue.lowWatermark", Int, "", "Messages at which it comes back; 70 % of the size."),
    Spec::new("queue.fullDelayMark", Int, "", "Messages from which inputs wait; 97 % of the size.")
        .ignored(WHEN_FULL),
    Spec::new(
        "queue.lightDelayMark",
        Int,
        "",
        "Messages from which inputs slow down; 70 % of the size.",
    )
    .ignored(WHEN_FULL),
    Spec::new("queue.discardMark", Int, "", "Messages from which it discards; 98 % of the size."),
    Spec::new("queue.discardSeverity", Str, "8", "Discards this severity and less; 8 is nothing."),
    Spec::new(
        "queue.dequeueBatchSize",
        Int,
        "128",
        "Messages that are delivered at once, at most.",
    ),
    Spec::new("queue.minDequeueBatchSize", Int, "0", "Messages that are waited for."),
    Spec::new(
        "queue.minDequeueBatchSize.timeout",
        Duration("milliseconds"),
        "1000",
        "How long they are waited for.",
    ),
    Spec::new("queue.dequeueSlowdown", Duration("microseconds"), "0", "Pause after each batch."),
    Spec::new("queue.dequeueTimeBegin", Int, "0", "Hour at which delivery starts, 0 to 23."),
    Spec::new("queue.dequeueTimeEnd", Int, "25", "Hour at which it ends; 25 is never."),
    Spec::new("queue.samplingInterval", Int, "0", "Takes each nth message alone."),
    Spec::new(
        "queue.takeFlowCtlFromMsg",
        Bool,
        "off",
        "Lets each message say whether its input can wait.",
    )
    .ignored(WHEN_FULL),
    Spec::new("queue.workerThreads", NonNegative, "1", "Workers, at most.").ignored(ONE_TASK),
    Spec::new(
        "queue.workerThreadMinimumMessages",
        Int,
        "",
        "Messages that call for a further worker.",
    )
    .ignored(ONE_TASK),
    Spec::new(
        "queue.timeoutWorkerThreadShutdown",
        Duration("milliseconds"),
        "60000",
        "Idle time after which a worker ends.",
    )
    .ignored(ONE_TASK),
    Spec::new(
        "queue.timeoutShutdown",
        Duration("milliseconds"),
        "10",
        "Time to deliver at a stop.",
    ),
    Spec::new(
        "queue.timeoutActionCompletion",
        Duration("milliseconds"),
        "1000",
        "Time for the message in hand after that.",
    ),
    Spec::new(
        "queue.timeoutEnqueue",
        Duration("milliseconds"),
        "2000",
        "How long a full queue is waited for before the message is lost.",
    ),
    Spec::new("queue.useRawMsg", Bool, "off", "Stores the message as it came.")
        .ignored("a queue holds what was rendered"),
    Spec::new("queue.onCorruption", Str, "safe", "What is done about damaged files.")
        .ignored(DAMAGED),
    Spec::new("queue.debugOnCorruption", Bool, "off", "Says more about damaged files.")
        .ignored(DAMAGED),
    Spec::new("queue.mutexContentionStats", Bool, "off", "Counts waits for the queue's lock.")
        .ignored("the queue has no lock to wait for"),
    Spec::new("queue.scope", Str, "", "Whether a message's variables are copied into the queue.")
        .ignored("a queue holds what was rendered"),
];

/// Where queues have their files: no two may be the same.
#[derive(Debug, Default)]
pub struct Names {
    taken: HashSet<(String, String)>,
}

impl Names {
    /// Checks what the queue parameters of an object say together. (rsyslogd looks at those of
    /// directives less closely.)
    pub fn check(&mut self, object: &Object, diags: &mut Diagnostics) {
        if object.legacy {
            return;
        }
        let file = object.text("queue.filename");
        if let Some((kind, loc)) = object.text("queue.type")
            && kind.eq_ignore_ascii_case("disk")
            && file.is_none()
        {
            let text = "a queue of type \"Disk\" needs a 'queue.filename': it is kept in memory";
            diags.push(Diagnostic::error(loc, text).help("add queue.filename=\"…\""));
        }
        let number = |name| object.text(name).and_then(|(text, _)| text.trim().parse::<u64>().ok());
        if let (Some(mark), Some(size)) = (number("queue.discardMark"), number("queue.size"))
            && mark > size
            && let Some((_, loc)) = object.text("queue.discardMark")
        {
            let text = format!("queue.discardMark {mark} is above queue.size {size}");
            diags.push(Diagnostic::error(loc, text).help("it is a number of queued messages"));
        }
        let Some((file, loc)) = file else { return };
        let folder = object.text("queue.spoolDirectory").map(|(folder, _)| folder);
        if !self.taken.insert((folder.unwrap_or_default(), file.clone())) {
            let text = format!("'queue.filename' \"{file}\" is another queue's already");
            diags.push(Diagnostic::error(loc, text).help("give each queue a name of its own"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ast::StmtKind;

    fn complaints(text: &str) -> Vec<String> {
        let config = crate::config::parse_text("test", text.as_bytes());
        let mut names = Names::default();
        let mut diags = Diagnostics::default();
        for stmt in &config.statements {
            let inner = match &stmt.kind {
                StmtKind::PriFilter { then, .. } => &then[0].kind,
                kind => kind,
            };
            let StmtKind::Object(object) = inner else { panic!("no object: {stmt:?}") };
            names.check(object, &mut diags);
        }
        diags.all.into_iter().map(|d| d.message).collect()
    }

    #[test]
    fn files_of_queues_are_their_own() {
        let queue = |more: &str| format!("main_queue(queue.filename=\"q\" {more})\n");
        assert_eq!(complaints(&queue("")), [""; 0]);
        let twice = complaints(&[queue(""), queue("")].concat());
        assert_eq!(twice, ["'queue.filename' \"q\" is another queue's already"]);
        let elsewhere = queue("queue.spoolDirectory=\"/x\"");
        assert_eq!(complaints(&[queue(""), elsewhere].concat()), [""; 0]);
        let directives = "$ActionQueueFileName q\n*.* @h\n";
        assert_eq!(complaints(&directives.repeat(2)), [""; 0]);
    }

    #[test]
    fn a_disk_queue_has_a_file_and_marks_lie_below_the_size() {
        assert_eq!(complaints("main_queue(queue.type=\"Disk\")").len(), 1);
        assert_eq!(complaints("main_queue(queue.type=\"disk\" queue.filename=\"q\")"), [""; 0]);
        let marks = |mark: &str| {
            complaints(&format!("main_queue(queue.size=\"100\" queue.discardMark=\"{mark}\")"))
                .len()
        };
        assert_eq!((marks("100"), marks("101")), (0, 1));
    }
}
