//! Parameters of queues: of the main queue, of rulesets and of actions. (rsyslog "General Queue
//! Parameters".)

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
