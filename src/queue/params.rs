//! Parameters of queues: of the main queue, of rulesets and of actions. (rsyslog "General Queue
//! Parameters".)

use std::collections::HashSet;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::config::ast::Object;
use crate::config::param::Kind;
use crate::config::param::Spec;

const IN_MEMORY: &str = "queues are kept in memory; queues on disk come with a later version";
const IN_BYTES: &str = "the queue is bounded in bytes, and holds back TCP senders while it is full";
const NO_DISCARD: &str = "queued messages are never discarded by severity";
const ONE_TASK: &str = "one task serves the action's queue";
const ONE_DEADLINE: &str = "a stop has one time limit for all queues";
const BATCHES: &str = "everything that waits is sent at once";
const LATER: &str = "it comes with a later version; leave it out";
const TRACE: &str = "errors are reported with the action's name";

/// `queue.*`.
pub static PARAMS: &[Spec] = &[
    Spec::new("queue.type", Kind::Str, "Direct", "The kind of queue.").ignored(IN_BYTES),
    Spec::new("queue.size", Kind::Size, "1000", "Messages that the queue holds.").ignored(IN_BYTES),
    Spec::new("queue.filename", Kind::Str, "", "Files of the queue.").ignored(IN_MEMORY),
    Spec::new("queue.spoolDirectory", Kind::Str, "", "Where they are.").ignored(IN_MEMORY),
    Spec::new("queue.maxDiskSpace", Kind::Size, "", "Their size together.").ignored(IN_MEMORY),
    Spec::new("queue.maxFileSize", Kind::Size, "", "The size of each.").ignored(IN_MEMORY),
    Spec::new("queue.saveOnShutdown", Kind::Bool, "off", "Keep what a stop leaves.")
        .ignored(IN_MEMORY),
    Spec::new("queue.syncQueueFiles", Kind::Bool, "off", "Sync after writing.").ignored(IN_MEMORY),
    Spec::new("queue.checkpointInterval", Kind::Int, "0", "Records between checkpoints.")
        .ignored(IN_MEMORY),
    Spec::new("queue.cry.provider", Kind::Str, "", "Encryption of queue files.").unsupported(LATER),
    Spec::new("queue.highWatermark", Kind::Int, "", "When to go to disk.").ignored(IN_MEMORY),
    Spec::new("queue.lowWatermark", Kind::Int, "", "When to come back.").ignored(IN_MEMORY),
    Spec::new("queue.fullDelayMark", Kind::Int, "", "When to stop inputs.").ignored(IN_BYTES),
    Spec::new("queue.lightDelayMark", Kind::Int, "", "When to slow inputs.").ignored(IN_BYTES),
    Spec::new("queue.discardMark", Kind::Int, "", "When to discard.").ignored(NO_DISCARD),
    Spec::new("queue.discardSeverity", Kind::Str, "8", "What to discard.").ignored(NO_DISCARD),
    Spec::new("queue.dequeueBatchSize", Kind::Int, "128", "Largest batch.").ignored(BATCHES),
    Spec::new("queue.minDequeueBatchSize", Kind::Int, "0", "Smallest batch.").ignored(BATCHES),
    Spec::new("queue.minDequeueBatchSize.timeout", Kind::Int, "1000", "How long to wait for it.")
        .ignored(BATCHES),
    Spec::new("queue.dequeueSlowdown", Kind::Int, "0", "Microseconds between messages.")
        .ignored(BATCHES),
    Spec::new("queue.dequeueTimeBegin", Kind::Int, "0", "Hour at which sending starts.")
        .unsupported(LATER),
    Spec::new("queue.dequeueTimeEnd", Kind::Int, "25", "Hour at which it ends.").unsupported(LATER),
    Spec::new("queue.samplingInterval", Kind::Int, "0", "Take each nth message alone.")
        .unsupported(LATER),
    Spec::new("queue.takeFlowCtlFromMsg", Kind::Bool, "off", "Flow control of the input.")
        .ignored(IN_BYTES),
    Spec::new("queue.workerThreads", Kind::Int, "1", "Most workers.").ignored(ONE_TASK),
    Spec::new("queue.workerThreadMinimumMessages", Kind::Int, "", "Messages that add a worker.")
        .ignored(ONE_TASK),
    Spec::new("queue.timeoutWorkerThreadShutdown", Kind::Int, "60000", "Idle time of a worker.")
        .ignored(ONE_TASK),
    Spec::new("queue.timeoutShutdown", Kind::Int, "10", "Milliseconds to drain at a stop.")
        .ignored(ONE_DEADLINE),
    Spec::new("queue.timeoutActionCompletion", Kind::Int, "1000", "Milliseconds for the rest.")
        .ignored(ONE_DEADLINE),
    Spec::new("queue.timeoutEnqueue", Kind::Int, "2000", "Milliseconds until a message is lost.")
        .ignored("a full queue holds back its inputs for as long as it takes"),
    Spec::new("queue.useRawMsg", Kind::Bool, "off", "Store the raw message.").ignored(IN_MEMORY),
    Spec::new("queue.oncorruption", Kind::Str, "", "What to do about damage.").ignored(IN_MEMORY),
    Spec::new("queue.debugOnCorruption", Kind::Bool, "off", "Look into damage.").ignored(TRACE),
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
